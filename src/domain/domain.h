/*
 * The nouns of the trade and their life cycles: parties, goods, plans, registrations, and the
 * dictionary of words. One struct trib_domain is all of them for one engine, in memory.
 *
 * State is a fold over events. A change is first decided, which is pure and may refuse; the
 * decision is a list of events; applying them is the change, now and in every replay:
 *
 *	struct trib_domain_decision decision;
 *
 *	status = trib_domain_decide_put(domain, TRIB_NOUN_GOODS, &goods->base, now_ms, &arena,
 *					&decision, &error);
 *	if (status != TRIB_OK)
 *		return status;      // "merchant: found "m9", expected the id of a known party"
 *	for (uint32_t i = 0; i < decision.event_count; i++) {
 *		trib_domain_apply(domain, &decision.events[i], &error);
 *		…                   // and the journal takes it
 *	}
 *
 * PUT replaces the whole entity: what is left out takes its default or is empty, user_ids
 * included. Putting what is already there changes nothing (no event, the same version), but for
 * plans, where every PUT adds a version. DELETE closes: the entity stays, with status `closed`; a
 * later PUT opens it again. A plan's effective_from may lie in the past or in the future; orders
 * that were decided keep the terms of their decision.
 *
 * One thread; records and freezes may be handed to others. For the rich client a domain is data:
 * resolving terms, choosing a registration and reading nouns takes a const struct trib_domain *
 * and nothing else.
 */
#ifndef TRIB_DOMAIN_DOMAIN_H
#define TRIB_DOMAIN_DOMAIN_H

#include "base/names.h"
#include "base/status.h"
#include "proto/proto.h"
#include "store/store.h"
#include "domain/activity.h"
#include "domain/actor.h"
#include "domain/nouns.h"
#include "domain/outcome.h"
#include "domain/shelf.h"
#include "domain/site.h"
#include "domain/terms.h"
#include "domain/words.h"

/* X(NAME, number, word, plural, table of the store); numbers never change: they stand in cursors and events. */
#define TRIB_NOUN_TABLE(X)                                                                         \
	X(PARTY, 0, "party", "parties", TRIB_TABLE_PARTY)                                          \
	X(GOODS, 1, "goods", "goods", TRIB_TABLE_GOODS)                                            \
	X(PLAN, 2, "plan", "plans", TRIB_TABLE_PLAN)                                               \
	X(REGISTRATION, 3, "registration", "registrations", TRIB_TABLE_REGISTRATION)               \
	X(BLOCK, 4, "block", "blocks", TRIB_TABLE_BLOCK)                                           \
	X(ACTIVITY, 5, "activity", "activities", TRIB_TABLE_ACTIVITY)                              \
	X(ENROLMENT, 6, "enrolment", "enrolments", TRIB_TABLE_ENROLMENT)                           \
	X(INVITATION, 7, "invitation", "invitations", TRIB_TABLE_INVITATION)                       \
	X(SAMPLE, 8, "sample", "samples", TRIB_TABLE_SAMPLE)                                      \
	X(COOPERATION, 10, "cooperation", "cooperations", TRIB_TABLE_COOPERATION)               \
	X(BULK, 11, "bulk", "bulks", TRIB_TABLE_BULK) \
	X(SITE, 12, "site", "sites", TRIB_TABLE_SITE)                                              \
	X(PID, 13, "pid", "pids", TRIB_TABLE_PID)                                                  \
	X(APPROVAL, 9, "approval", "approvals", TRIB_TABLE_APPROVAL)

/*
 * Of these the *cold* nouns, which no order asks for: they are kept whole, found by id and listed, without an array of
 * values of their own. X(NAME, Type, field): their message is Tributary__Type, their event TypePut in field_put. What
 * is particular to one stands in domain/cold.h, its actions in domain/life.h.
 */
#define TRIB_COLD_NOUN_TABLE(X)                                                                    \
	X(BULK, Bulk, bulk)                                                                        \
	X(ACTIVITY, Activity, activity)                                                            \
	X(ENROLMENT, Enrolment, enrolment)                                                         \
	X(INVITATION, Invitation, invitation)                                                      \
	X(SAMPLE, Sample, sample)                                                                 \
	X(COOPERATION, Cooperation, cooperation) \
	X(SITE, Site, site)                                                                        \
	X(PID, Pid, pid)                                                                           \
	X(APPROVAL, Approval, approval)

enum trib_noun {
#define X(name, number, word, plural, table) TRIB_NOUN_##name = number,
	TRIB_NOUN_TABLE(X)
#undef X
};

/* One more than the highest number; a number that no noun has yet is that of a noun without a word. */
union trib_noun_numbers {
#define X(name, number, word, plural, table) char name[number + 1];
	TRIB_NOUN_TABLE(X)
#undef X
};
enum { TRIB_NOUN_COUNT = sizeof(union trib_noun_numbers) };

const char *trib_noun_word(enum trib_noun noun);   /* "party"; NULL for a number of none */
const char *trib_noun_plural(enum trib_noun noun); /* "parties" */
enum trib_table trib_noun_table(enum trib_noun noun);
bool trib_noun_is_cold(enum trib_noun noun);
bool trib_event_is_of_cold_noun(Tributary__Event__KindCase kind);
/* NULL for a number that no noun has. */
const ProtobufCMessageDescriptor *trib_noun_descriptor(enum trib_noun noun);

/* The noun of "parties", "goods", …; false where there is none. */
bool trib_noun_find(struct trib_bytes plural, enum trib_noun *ret_noun);

enum trib_condition_place {
	TRIB_CONDITION_CREATORS_WHEN,
	TRIB_CONDITION_PLAN_FILTER,
	TRIB_CONDITION_REGISTRATION_WHEN,
	TRIB_CONDITION_REQUIREMENTS_WHEN
};

/* What a merchant enrols, for the requirements of an activity. */
struct trib_recruited {
	uint32_t condition;
	uint32_t goods, leader;
	int32_t commission_bps, service_bps;
	int64_t at_ms;
};

/* What the domain asks of rooms below it. Each may be NULL: then what would need it is refused, or
 * never true. */
struct trib_domain_hooks {
	void *context;

	/* When deciding: may this CEL stand in that place? Fills error->text and returns
	 * TRIB_INVALID if not. */
	trib_status (*check_condition)(void *context, enum trib_condition_place place,
				       struct trib_bytes source, struct trib_error *error);

	/* When resolving terms: does the condition hold for this creator at that time? An error of
	 * evaluation is false. */
	bool (*creators_when)(void *context, uint32_t condition, uint32_t creator, int64_t at_ms);

	/* When deciding: the keyed hash of a user id. */
	uint64_t (*hash_user)(void *context, struct trib_bytes user);

	/* When deciding: does an enrolment meet the requirements? An error of evaluation is false. */
	bool (*meets)(void *context, const struct trib_recruited *recruited);
};

/* ---- Life --------------------------------------------------------------------------------- */

/* The key protects the tables of ids against chosen collisions; numbers do not depend on it. */
struct trib_domain *trib_domain_new(const struct trib_hash_key *table_key);
void trib_domain_free(struct trib_domain *domain);
void trib_domain_set_hooks(struct trib_domain *domain, const struct trib_domain_hooks *hooks);

/* Who asks for what is decided from here on; borrowed. NULL, as at first: the engine itself. Folding never looks at it. */
void trib_domain_set_actor(struct trib_domain *domain, const struct trib_actor *actor);
const struct trib_actor *trib_domain_actor(const struct trib_domain *domain);

/* ---- Reading ------------------------------------------------------------------------------ */

/* The beginning of every domain, for the accessors below; entry 0 of each array is zeros. */
struct trib_nouns {
	const struct trib_party *parties;
	const struct trib_goods *goods;
	const struct trib_plan *plans;
	const struct trib_registration *registrations;
	const struct trib_block *blocks;
	uint32_t count[TRIB_NOUN_COUNT]; /* numbers go from 1 to count */
};

static inline const struct trib_nouns *trib_domain_nouns(const struct trib_domain *domain)
{
	return (const struct trib_nouns *)(const void *)domain;
}

static inline uint32_t trib_domain_count(const struct trib_domain *domain, enum trib_noun noun)
{
	return trib_domain_nouns(domain)->count[noun];
}

/* By number, at most trib_domain_count(); number 0 gives zeros, so that "none" can be read like the
 * others. */
static inline const struct trib_party *trib_domain_party(const struct trib_domain *domain,
							 uint32_t number)
{
	return &trib_domain_nouns(domain)->parties[number];
}

static inline const struct trib_goods *trib_domain_goods(const struct trib_domain *domain,
							 uint32_t number)
{
	return &trib_domain_nouns(domain)->goods[number];
}

static inline const struct trib_plan *trib_domain_plan(const struct trib_domain *domain,
						       uint32_t number)
{
	return &trib_domain_nouns(domain)->plans[number];
}

static inline const struct trib_registration *
trib_domain_registration(const struct trib_domain *domain, uint32_t number)
{
	return &trib_domain_nouns(domain)->registrations[number];
}

/* What a version of a plan says beside its terms; zeros for number 0. */
const struct trib_plan_attributes *trib_domain_attributes(const struct trib_domain *domain,
							  uint32_t number);

/* The JSON of a plan's ext in the version that these attributes are of, and of any other entity that is there, as its
 * last PUT left it, in the arena. Empty for none. */
struct trib_bytes trib_domain_ext_of_plan(const struct trib_domain *domain, uint32_t attributes);
struct trib_bytes trib_domain_ext(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
				  struct trib_arena *arena);

/* Whose buyer account this is (the party of the lowest number, should several claim it), 0: nobody's; and does
 * this party own it? One cache line each. */
uint32_t trib_domain_party_of_user(const struct trib_domain *domain, uint64_t user_hash);
bool trib_domain_party_has_user(const struct trib_domain *domain, uint32_t party,
				uint64_t user_hash);

/* The agency that a party is bound to at a time, 0: none, and how it is paid. The party is there, or 0. */
uint32_t trib_domain_agency_bound(const struct trib_domain *domain, uint32_t party, int64_t at_ms,
				  uint8_t *ret_pay);
static inline uint32_t trib_domain_agency(const struct trib_domain *domain, uint32_t party,
					  int64_t at_ms, uint8_t *ret_pay)
{
	const struct trib_party *entry = trib_domain_party(domain, party);

	*ret_pay = TRIB_AGENCY_SPLIT;
	return TRIB_LIKELY(!(entry->flags & TRIB_PARTY_BOUND))
		       ? entry->agency
		       : trib_domain_agency_bound(domain, party, at_ms, ret_pay);
}

static inline const struct trib_block *trib_domain_block(const struct trib_domain *domain,
							 uint32_t number)
{
	return &trib_domain_nouns(domain)->blocks[number];
}

/* A cold entity as it stands beside its record. */
struct trib_cold_entry {
	const char *status; /* of domain/life.h, there for good */
	uint32_t version;
};

/* The message of a cold entity, unpacked into the arena; NULL where it is full or the number is not there. */
ProtobufCMessage *trib_cold_read(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
				 struct trib_arena *arena);

/* Zeros for number 0. */
const struct trib_cold_entry *trib_domain_cold(const struct trib_domain *domain, enum trib_noun noun,
					       uint32_t number);

/* ---- Statuses by time --------------------------------------------------------------------- */

/*
 * A party, goods or a plan has the status that its PUT says, unless a table of its own says otherwise: rows that
 * each hold from a time on, up to the next, past or to come. The order's AT decides which row counts. `closed` is
 * final: it drops the rows behind it.
 */
struct trib_status_row {
	int64_t from_ms;
	const char *reason; /* "" for none */
	uint8_t status;	    /* a word of the noun's */
};

/* The rows by time; NULL for none. Good until the next trib_domain_apply. */
const struct trib_status_row *trib_domain_statuses(const struct trib_domain *domain,
						   enum trib_noun noun, uint32_t number,
						   uint32_t *ret_count);

/* What the table says of at_ms; `otherwise` where it says nothing. */
uint8_t trib_domain_status_timed(const struct trib_domain *domain, enum trib_noun noun,
				 uint32_t number, int64_t at_ms, uint8_t otherwise);

static inline uint8_t trib_domain_party_status(const struct trib_domain *domain, uint32_t number,
					       int64_t at_ms)
{
	const struct trib_party *party = trib_domain_party(domain, number);

	return TRIB_LIKELY(!(party->flags & TRIB_PARTY_TIMED))
		       ? party->status
		       : trib_domain_status_timed(domain, TRIB_NOUN_PARTY, number, at_ms,
						  party->status);
}

static inline uint8_t trib_domain_goods_status(const struct trib_domain *domain, uint32_t number,
					       int64_t at_ms)
{
	const struct trib_goods *goods = trib_domain_goods(domain, number);

	return TRIB_LIKELY(!goods->timed)
		       ? goods->status
		       : trib_domain_status_timed(domain, TRIB_NOUN_GOODS, number, at_ms,
						  goods->status);
}

/* The status of a party, goods or plan at a time; of other nouns the one they have. */
uint8_t trib_domain_status(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
			   int64_t at_ms);

/* The newest time from which the goods are withdrawn, past or to come; 0: no such time is known. */
int64_t trib_domain_withdrawn_at(const struct trib_domain *domain, uint32_t goods);

struct trib_domain_decision; /* below */
struct trib_entity;

/* Does the noun have a table of statuses by time? Parties, goods and plans do. */
bool trib_noun_has_statuses(uint32_t noun);

/* What a status door makes of an entity that is there: TRIB_NOT_FOUND for others. `version` stays. */
trib_status trib_domain_decide_status(const struct trib_domain *domain, enum trib_noun noun,
				      struct trib_bytes id, const Tributary__StatusRequest *request,
				      int64_t now_ms, struct trib_arena *arena,
				      struct trib_domain_decision *ret_decision,
				      struct trib_error *error);

/* ---- Blocks ------------------------------------------------------------------------------- */

/* "device"; NULL where there is no such kind. */
const char *trib_block_kind_word(enum trib_block_kind kind);

/* Is anybody or anything of this kind blocked at all? A look that costs nothing. */
bool trib_domain_has_blocks(const struct trib_domain *domain, enum trib_block_kind kind);

/*
 * The block that holds at a time, 0: none. The key is a user's keyed hash, or the number of a party (creator) or of
 * goods; other kinds are found by their text. One cache line or two, however many blocks there are.
 */
uint32_t trib_domain_blocked(const struct trib_domain *domain, enum trib_block_kind kind,
			     uint64_t key, int64_t at_ms);
uint32_t trib_domain_blocked_text(const struct trib_domain *domain, enum trib_block_kind kind,
				  struct trib_bytes value, int64_t at_ms);

/* ---- Bounds ------------------------------------------------------------------------------- */

/*
 * What the commission may lie between for a category, by its longest prefix (whole parts of the path "a/b/c")
 * that has bounds: "beauty/lips/gloss" has those of "beauty/lips", else of "beauty". False: there are none.
 */
bool trib_domain_find_bounds(const struct trib_domain *domain, struct trib_bytes category,
			     int32_t *ret_min_bps, int32_t *ret_max_bps,
			     struct trib_bytes *ret_prefix);

/* Those of exactly this category. And all of them, by number from 1; false for one that has none any more. */
bool trib_domain_own_bounds(const struct trib_domain *domain, struct trib_bytes category,
			    int32_t *ret_min_bps, int32_t *ret_max_bps);
uint32_t trib_domain_bounds_count(const struct trib_domain *domain);
bool trib_domain_bounds(const struct trib_domain *domain, uint32_t number,
			struct trib_bytes *ret_category, int32_t *ret_min_bps, int32_t *ret_max_bps);

/* `bounds` NULL takes them away: TRIB_NOT_FOUND where there are none. */
trib_status trib_domain_decide_bounds(const struct trib_domain *domain, struct trib_bytes category,
				      const Tributary__Bounds *bounds, struct trib_arena *arena,
				      struct trib_domain_decision *ret_decision,
				      struct trib_error *error);

/* The ids of a noun, for trib_names_hash, _prefetch and _find_hashed in batches. */
const struct trib_names *trib_domain_ids(const struct trib_domain *domain, enum trib_noun noun);

/* The number of an id, 0 if it is unknown; the id of a number from 1 to the count. */
uint32_t trib_domain_find(const struct trib_domain *domain, enum trib_noun noun,
			  struct trib_bytes id);
struct trib_bytes trib_domain_id(const struct trib_domain *domain, enum trib_noun noun,
				 uint32_t number);

/* The dictionary; and the code of a word, 0 if it has none yet: then a NameAdded must be applied
 * before its use. */
const struct trib_names *trib_domain_symbols(const struct trib_domain *domain);

/* The names of plays that anything is of; and the number of one, added if it is new. Numbers are this process's only. */
const struct trib_names *trib_domain_plays(const struct trib_domain *domain);
uint32_t trib_domain_name_play(struct trib_domain *domain, struct trib_bytes name);
uint32_t trib_domain_find_code(const struct trib_domain *domain, struct trib_bytes word);

/* Conditions are CEL texts, each once, numbered from 1 in this process only: compile lazily, keep
 * by number. */
struct trib_bytes trib_domain_condition(const struct trib_domain *domain, uint32_t condition);
uint32_t trib_domain_condition_count(const struct trib_domain *domain);
uint32_t trib_domain_find_condition(const struct trib_domain *domain, struct trib_bytes source); /* 0: no entity states it */

/*
 * The registration that makes a link: of those of the channel (and of the scene, if one is asked
 * for) that are not closed and whose `when` holds, the one of the highest priority, the older of
 * equals. 0 if there is none. `when` is called for registrations that state one, in that order,
 * until it says yes; NULL says no.
 */
uint32_t trib_domain_choose_registration(const struct trib_domain *domain, uint32_t channel,
					 uint32_t scene,
					 bool (*when)(void *context, uint32_t registration),
					 void *context);

/* ---- Changing ----------------------------------------------------------------------------- */

/* Everything lives in the arena given to decide, or belongs to the message. */
struct trib_domain_decision {
	Tributary__Event *events; /* NameAdded for new words, then the Put: apply all, in order */
	uint32_t event_count;	  /* 0: the entity is already so */
	uint32_t number, version; /* as they are after the change */
	bool created;
};

/* `message` is of trib_noun_descriptor(noun), has an id and has passed trib_proto_check. */
trib_status trib_domain_decide_put(const struct trib_domain *domain, enum trib_noun noun,
				   const ProtobufCMessage *message, int64_t now_ms,
				   struct trib_arena *arena,
				   struct trib_domain_decision *ret_decision,
				   struct trib_error *error);

/*
 * Only the refusals of decide_put. For imports that take all lines or none: check each line with
 * the ids of the lines before it in `also` (NULL: none), then decide and apply each; that cannot
 * fail any more.
 */
trib_status trib_domain_check_put(const struct trib_domain *domain, enum trib_noun noun,
				  const ProtobufCMessage *message, int64_t now_ms,
				  const struct trib_names *also, struct trib_arena *arena,
				  struct trib_error *error);

/* TRIB_NOT_FOUND for an unknown id; no event if it is closed already. */
trib_status trib_domain_decide_close(const struct trib_domain *domain, enum trib_noun noun,
				     struct trib_bytes id, int64_t now_ms, struct trib_arena *arena,
				     struct trib_domain_decision *ret_decision,
				     struct trib_error *error);

/* ---- Plans by time ------------------------------------------------------------------------ */

/* One version of a plan that counts: the one in force, or one that lies ahead. */
struct trib_scheduled {
	uint32_t version;
	int64_t from_ms;
	bool in_force;
	Tributary__Plan *plan;
};

/*
 * They by time, in the arena; the last is the newest version, but where a plan's end has come nothing is in force.
 * TRIB_REFUSED where an earlier release put the plan's versions and has not kept them.
 */
trib_status trib_domain_schedule(const struct trib_domain *domain, uint32_t plan, int64_t now_ms,
				 struct trib_arena *arena, struct trib_scheduled **ret_items,
				 uint32_t *ret_count, struct trib_error *error);

/* A version of a plan that is there, with a note of who did it and why. */
trib_status trib_domain_decide_plan(const struct trib_domain *domain, const Tributary__Plan *plan,
				    struct trib_bytes action, const Tributary__ActionRequest *request,
				    int64_t now_ms, struct trib_arena *arena,
				    struct trib_domain_decision *ret_decision,
				    struct trib_error *error);

/* A job begins: nothing is counted yet. */
void trib_bulk_begin(Tributary__Bulk *bulk);

/* Takes a version out that lies ahead: what was before it goes on. TRIB_REFUSED for one that does not. */
trib_status trib_domain_decide_unschedule(const struct trib_domain *domain, struct trib_bytes id, uint32_t version,
					  int64_t now_ms, struct trib_arena *arena,
					  struct trib_domain_decision *ret_decision,
					  struct trib_error *error);

/* What was done to a plan, into the `history` of its message. False where the arena is full. */
bool trib_domain_show_history(const struct trib_domain *domain, const struct trib_entity *entity,
			      struct trib_arena *arena);

/*
 * An action of domain/life.h: "submit", "approve". TRIB_NOT_FOUND for an unknown entity or action, TRIB_REFUSED where its
 * status does not allow it, TRIB_FORBIDDEN where the actor may not. *ret_status is the status that it leads to.
 */
trib_status trib_domain_decide_action(const struct trib_domain *domain, enum trib_noun noun, struct trib_bytes id,
				      struct trib_bytes action, const Tributary__ActionRequest *request,
				      int64_t now_ms, struct trib_arena *arena,
				      struct trib_domain_decision *ret_decision, const char **ret_status,
				      struct trib_error *error);

/*
 * An event that gives `word` the next code, for words outside the nouns (carriers, pages); false
 * when the arena is full. `word` is borrowed, terminated and has no code yet.
 */
bool trib_domain_decide_name(const struct trib_domain *domain, const char *word,
			     struct trib_arena *arena, Tributary__Event *ret_event);

/*
 * Folds an event in; other rooms' events are passed over. TRIB_CORRUPT, with nothing changed, for
 * an event that no decision could have made here: the journal is not this state's.
 */
trib_status trib_domain_apply(struct trib_domain *domain, const Tributary__Event *event,
			      struct trib_error *error);

/* ---- Whole entities ----------------------------------------------------------------------- */

/* An entity as its last PUT left it: a packed PartyPut, GoodsPut, PlanPut or RegistrationPut.
 * Immutable, counted; any thread may read, ref and unref. */
struct trib_record;
struct trib_record *trib_record_ref(struct trib_record *record);
void trib_record_unref(struct trib_record *record);
struct trib_bytes trib_record_bytes(const struct trib_record *record);
/* A copy of bytes, to be shared likewise. */
struct trib_record *trib_record_of(struct trib_bytes bytes);

struct trib_entity {
	ProtobufCMessage *message; /* Tributary__Party, …; a party shows its user_hashes */
	uint32_t number, version;
};

/* Unpacks into the arena. */
trib_status trib_record_unpack(const struct trib_record *record, enum trib_noun noun,
			       struct trib_arena *arena, struct trib_entity *ret_entity,
			       struct trib_error *error);

/* What a GET shows beside the record: number, version, the status at a time, when goods are withdrawn. */
void trib_domain_show(const struct trib_domain *domain, enum trib_noun noun, int64_t at_ms,
		      const struct trib_entity *entity);

/* The bytes of the record of an entity that is there: good until the next trib_domain_apply. The other sends for them. */
struct trib_bytes trib_domain_look(const struct trib_domain *domain, enum trib_noun noun,
				   uint32_t number);
void trib_domain_prefetch_record(const struct trib_domain *domain, enum trib_noun noun,
				 uint32_t number, bool slot);

/* A reference, which the caller gives back; NULL for a number that is not there. */
struct trib_record *trib_domain_record(const struct trib_domain *domain, enum trib_noun noun,
				       uint32_t number);

enum { TRIB_CURSOR_CHARS = 24 };

/*
 * A page of a noun in number order, at most `limit` references, which the caller gives back. An
 * empty cursor begins; ret_next is the terminated cursor of the next page, "" after the last.
 */
trib_status trib_domain_list(const struct trib_domain *domain, enum trib_noun noun,
			     struct trib_bytes cursor, uint32_t limit,
			     struct trib_record **ret_records, uint32_t *ret_count,
			     char ret_next[TRIB_CURSOR_CHARS], struct trib_error *error);

/* ---- Store -------------------------------------------------------------------------------- */

/*
 * What has changed since the last freeze. Freezing is cheap and the domain goes on; freeze_rows
 * may then be called by another thread, which sorts them as trib_checkpoint_put wants them, and
 * frees the freeze. Rows live as long as it.
 */
struct trib_domain_row {
	uint8_t table; /* enum trib_table */
	uint8_t key_size;
	char key[8];
	struct trib_bytes value;
};

struct trib_domain_freeze;
struct trib_domain_freeze *trib_domain_freeze(struct trib_domain *domain);
const struct trib_domain_row *trib_domain_freeze_rows(struct trib_domain_freeze *freeze,
						      size_t *ret_count);
void trib_domain_freeze_free(struct trib_domain_freeze *freeze);

/*
 * Brings a new domain to the state of the store: every row of the tables NAME, PARTY, GOODS, PLAN,
 * REGISTRATION, BLOCK, STATUS and BOUNDS, in this order, then those of cold nouns, each in key order; then load_done. Rows that were loaded are not
 * handed to the next freeze.
 */
trib_status trib_domain_load(struct trib_domain *domain, enum trib_table table,
			     struct trib_bytes key, struct trib_bytes value,
			     struct trib_error *error);
/* The same in two steps, of tables of nouns: the first needs no domain and may run on another thread; its message lives in
 * the arena, the reference is the caller's. */
struct trib_domain_prepared {
	enum trib_noun noun;
	uint32_t number;
	ProtobufCMessage *put;
	struct trib_record *record;
};
trib_status trib_domain_prepare(enum trib_table table, struct trib_bytes key, struct trib_bytes value,
				struct trib_arena *arena, struct trib_domain_prepared *ret_row,
				struct trib_error *error);
/* Sends for the memory that loading the row will look at; some rows ahead. */
void trib_domain_prefetch_prepared(const struct trib_domain *domain, const struct trib_domain_prepared *row);
trib_status trib_domain_load_prepared(struct trib_domain *domain,
				      const struct trib_domain_prepared *row,
				      struct trib_error *error);
trib_status trib_domain_load_done(struct trib_domain *domain, struct trib_error *error);

/* ---- Proof -------------------------------------------------------------------------------- */

/* Walks everything; false names the first broken invariant. For tests and the simulator: slow. */
bool trib_domain_check(const struct trib_domain *domain, const char **ret_reason);

/* A number for the whole state: equal after live commands, a replay, and a load from the store. */
uint64_t trib_domain_digest(const struct trib_domain *domain);

#include "domain/life.h"

#endif
