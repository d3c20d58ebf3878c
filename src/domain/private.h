/*
 * Inside the domain room: the whole struct, and what its files share.
 *
 *	domain.c    life, ids, words, lists       decide.c  what a PUT or DELETE comes to
 *	apply.c     the fold                      fold_plan.c  plans' part of it
 *	terms.c     who gets what                 nouns.c   timelines, sets
 *	record.c    whole entities                freeze.c  to the store and back
 *	check.c     the validator                 pairs.c   who has which user
 *	binding.c   agencies by time              attributes.c  what only some plans say
 *	timeline.c  statuses by time              block.c   block lists
 *	bounds.c    rates by category             audience.c  crowded goods, by creator
 *	cold.c      nouns that no order asks for  life.c      the tables of life cycles
 *	sites.c     sites and pids as nouns       site.c      their adapters; site_link.c: where links lead
 */
#ifndef TRIB_DOMAIN_PRIVATE_H
#define TRIB_DOMAIN_PRIVATE_H

#include <stdatomic.h>
#include "base/clock.h"
#include "base/column.h"
#include "domain/domain.h"
#include "domain/pairs.h"
#include "domain/recruiting.h"

/* The first that is not OK. */
#define TRY(expression)                                                                            \
	do {                                                                                       \
		trib_status status_ = (expression);                                                \
		if (status_ != TRIB_OK)                                                            \
			return status_;                                                            \
	} while (0)

struct trib_record {
	atomic_uint references;
	uint32_t size;
	char bytes[];
};
struct trib_record *trib_record_new(size_t size);

/* Unpacks into the arena; NULL where the bytes are not such a message (or the arena is full). */
ProtobufCMessage *trib_domain_unpack(const ProtobufCMessageDescriptor *descriptor,
				     struct trib_bytes bytes, struct trib_arena *arena);
const ProtobufCMessageDescriptor *trib_put_descriptor(enum trib_noun noun);

/* A registration as choosing sees it; ordered by channel, priority descending, number. */
struct trib_choice {
	uint32_t channel;
	int32_t priority;
	uint32_t number;
	uint32_t scene;
};

/* Something that the store does not have yet. */
struct trib_change {
	uint8_t table; /* enum trib_table */
	uint8_t noun;  /* of STATUS, whose rows are told apart by it */
	uint32_t number, version;
	struct trib_record *record; /* NULL: a timeline, which is packed when it is frozen */
};

/* Who a party is bound to, by time. */
struct trib_bindings {
	struct trib_binding *rows; /* ascending, apart from each other; NULL: bound no longer */
	uint32_t count;
};

/* Statuses of one entity, by time. */
struct trib_timeline {
	struct trib_status_row *rows; /* with their reasons, but for "" */
	uint32_t count, capacity;
	bool changed; /* the store does not have it so */
};

/* A plan in the goods' list lists a creator; next: another one that does, 0: none. */
struct trib_listing {
	uint32_t place, next;
};

/* The plans of crowded goods by whom they speak to. */
struct trib_audience {
	struct trib_pairs by_creator; /* creator → its newest listing */
	struct trib_listing *listings; /* [0] is none */
	uint32_t *open;		       /* places */
	uint32_t listing_count, listing_capacity, open_count, open_capacity;
	bool told_again; /* a plan has changed its creators: places of one creator do not descend any more */
};

#define TRIB_AUDIENCE_NONE UINT32_MAX /* of goods that go without */

struct trib_bound {
	int32_t min_bps, max_bps;
	uint32_t changes;
	bool set;
};

/* A version of a plan, whole, though it is not the newest. */
struct trib_kept_version {
	uint32_t version;
	struct trib_record *record;
};

/*
 * What a plan's newest record does not say: what was done to it (packed HistoryItems, the oldest first), and, where the
 * newest version lay ahead when it was put, the versions before it that count: the one in force then and those between.
 */
struct trib_plan_past {
	struct trib_record **notes;
	struct trib_kept_version *kept;
	uint32_t note_count, kept_count, kept_capacity;
};

/* A party that was loaded before its agency was. */
struct trib_pending_agency {
	uint32_t party;
	struct trib_record *record;
};

/* A Put of any cold noun. */
struct trib_cold_put {
	ProtobufCMessage base;
	protobuf_c_boolean has_number;
	uint32_t number;
	protobuf_c_boolean has_version;
	uint32_t version;
	ProtobufCMessage *entity;
};

struct trib_domain {
	struct trib_nouns nouns; /* first: the accessors of domain.h rely on it */
	struct trib_hash_key table_key;
	struct trib_column columns[TRIB_NOUN_COUNT];
	struct trib_column records[TRIB_NOUN_COUNT]; /* struct trib_record * by number */
	struct trib_names *ids[TRIB_NOUN_COUNT];
	struct trib_names *symbols;
	struct trib_names *conditions;
	struct trib_names *plays; /* as conditions */
	struct trib_names *exts; /* of plans; as conditions: each text once, numbered in this process only */
	struct trib_domain_hooks hooks;
	const struct trib_actor *actor; /* who asks; NULL: the admin */

	struct trib_choice *choices;
	size_t choice_count, choice_capacity;

	struct trib_change *changes; /* since the last freeze */
	size_t change_count, change_capacity;

	struct trib_pairs users; /* keyed hash of a buyer account → the parties that own it */

	struct trib_pairs bound; /* party → index in bindings, plus one */
	struct trib_bindings *bindings;
	size_t binding_count, binding_capacity;

	struct trib_pairs timed; /* noun, number → index in timelines, plus one */
	struct trib_timeline *timelines;
	size_t timeline_count, timeline_capacity;

	struct trib_names *bounded; /* categories that have or had bounds; bounds[n - 1] is that of number n */
	struct trib_bound *bounds;
	size_t bound_count, bound_capacity;

	struct trib_pairs blocked; /* kind and key → blocks that are not closed */
	uint32_t blocks_of_kind[TRIB_BLOCK_KINDS];

	struct trib_audience *audiences; /* [n - 1] is that of goods->audience n */
	size_t audience_count, audience_capacity;
	size_t listing_count; /* of all of them */

	struct trib_plan_attributes *attributes; /* [0] is zeros */
	size_t attribute_count, attribute_capacity;

	struct trib_pairs pasts_of; /* plan → index in pasts, plus one */
	struct trib_plan_past *pasts;
	size_t past_count, past_capacity;

	struct trib_arena
		sets; /* creators of plan versions; versions never change, so neither do these */
	uint32_t *scratch[2]; /* numbers of a plan being folded */
	size_t scratch_capacity[2];

	struct trib_recruiting recruiting; /* activities, enrolments, cooperations */

	bool loading;		    /* rows come from the store */
	struct trib_arena unpacked; /* one row while it is loaded */
	struct trib_pending_agency *pending;
	size_t pending_count, pending_capacity;
};

static inline struct trib_record **trib_domain_record_slot(const struct trib_domain *domain,
							   enum trib_noun noun, uint32_t number)
{
	return (struct trib_record **)domain->records[noun].data + number;
}

/* Room for the entries of a noun up to `number`. */
void trib_domain_reserve(struct trib_domain *domain, enum trib_noun noun, uint32_t number);

/* Grows a heap array to hold one more. */
#define TRIB_GROW(array, count, capacity)                                                          \
	do {                                                                                       \
		if ((count) == (capacity)) {                                                       \
			(capacity) = (capacity) ? (capacity)*2 : 16;                               \
			(array) = trib_realloc((array), (capacity) * sizeof(*(array)));            \
		}                                                                                  \
	} while (0)

/* ---- Words -------------------------------------------------------------------------------- */

/* Gives the shipped words their codes. */
void trib_words_seed(struct trib_names *symbols);

/* The code of a status or kind; 0 if it is none of the noun's. NULL is the default. */
uint8_t trib_word_of_status(enum trib_noun noun, const char *text);
const char *trib_status_word_of(uint8_t status);   /* "active" */
/* What is wrong with a condition that stands at a field: "creators_when:1:9" where its line and column are known. */
trib_status trib_fail_condition(struct trib_error *error, trib_status status, const char *at,
				const struct trib_error *why);
const char *trib_statuses_of(enum trib_noun noun); /* "active, paused, ended or closed" */
uint8_t trib_word_of_kind(const char *text);
uint8_t trib_word_of_overflow(const char *text);

static inline struct trib_bytes trib_text(const char *text)
{
	return trib_bytes_text(text);
}

/* ---- Sets and timelines ------------------------------------------------------------------- */

/* `numbers` are without repeats; no set for none. */
struct trib_id_set trib_id_set_new(struct trib_arena *arena, const uint32_t *numbers, size_t count);
bool trib_id_set_is(struct trib_id_set set, const uint32_t *numbers, size_t count);

/* Sorts and drops repeats; returns how many are left. */
size_t trib_numbers_sort(uint32_t *numbers, size_t count);

static inline const struct trib_goods_plan *trib_goods_plans(const struct trib_goods *goods)
{
	return goods->plans ? goods->plans : &goods->first_plan;
}

/* ---- The fold ----------------------------------------------------------------------------- */

/*
 * Each checks everything first and changes nothing when it fails. `record` (borrowed) is the
 * packed event where there is one already, else NULL.
 */
trib_status trib_fold_party(struct trib_domain *domain, const Tributary__PartyPut *put,
			    struct trib_record *record, struct trib_error *error);
trib_status trib_fold_goods(struct trib_domain *domain, const Tributary__GoodsPut *put,
			    struct trib_record *record, struct trib_error *error);
trib_status trib_fold_plan(struct trib_domain *domain, const Tributary__PlanPut *put,
			   struct trib_record *record, struct trib_error *error);
trib_status trib_fold_registration(struct trib_domain *domain,
				   const Tributary__RegistrationPut *put,
				   struct trib_record *record, struct trib_error *error);
trib_status trib_fold_block(struct trib_domain *domain, const Tributary__BlockPut *put,
			    struct trib_record *record, struct trib_error *error);
trib_status trib_fold_status(struct trib_domain *domain, const Tributary__StatusSet *set,
			     struct trib_error *error);
trib_status trib_fold_bounds(struct trib_domain *domain, const Tributary__BoundsSet *set,
			     struct trib_error *error);
trib_status trib_fold_name(struct trib_domain *domain, uint32_t code, struct trib_bytes word,
			   struct trib_error *error);

/* Plans' past (plan_past.c). Told of a PlanPut before it replaces `previous`, NULL for none. */
void trib_plan_past_tell(struct trib_domain *domain, const Tributary__PlanPut *put,
			 struct trib_record *previous);
const struct trib_plan_past *trib_plan_past(const struct trib_domain *domain, uint32_t plan);
void trib_plan_pasts_fini(struct trib_domain *domain);
trib_status trib_plan_decide_action(const struct trib_domain *domain, struct trib_bytes id,
				    struct trib_bytes action,
				    const Tributary__ActionRequest *request, int64_t now_ms,
				    struct trib_arena *arena,
				    struct trib_domain_decision *ret_decision,
				    const char **ret_status, struct trib_error *error);
/* One version of a known plan, with a note of what was done to it. */
trib_status trib_decide_plan_version(const struct trib_domain *domain, const Tributary__Plan *plan,
				     uint32_t number, uint32_t version,
				     Tributary__HistoryItem *note, int64_t now_ms,
				     struct trib_arena *arena,
				     struct trib_domain_decision *ret_decision,
				     struct trib_error *error);

/* Cold nouns. Decide_put: the Put without number and version, and the events that come before it. Apply: false for events of others. */
trib_status trib_cold_decide_put(const struct trib_domain *domain, enum trib_noun noun,
				 const ProtobufCMessage *given, int64_t now_ms,
				 const struct trib_names *beside, struct trib_arena *arena,
				 ProtobufCMessage **ret_put,
				 struct trib_domain_decision *ret_first, struct trib_error *error);
trib_status trib_cold_decide_close(const struct trib_domain *domain, enum trib_noun noun,
				   struct trib_bytes id, int64_t now_ms, struct trib_arena *arena,
				   struct trib_domain_decision *ret_decision,
				   struct trib_error *error);
trib_status trib_fold_cold(struct trib_domain *domain, enum trib_noun noun,
			   const struct trib_cold_put *put, struct trib_record *record,
			   struct trib_error *error);
bool trib_cold_apply(struct trib_domain *domain, const Tributary__Event *event,
		     trib_status *ret_status, struct trib_error *error);
Tributary__Event trib_cold_event(enum trib_noun noun, ProtobufCMessage *put);
const char *trib_cold_id(const ProtobufCMessage *entity);
const char *trib_cold_broken(const struct trib_domain *domain, enum trib_noun noun);

/* What all Puts share: is this the next version of that entity, or a new one? */
trib_status trib_fold_begin(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
			    uint32_t version, const char *id, struct trib_error *error);
/* … and the id, room in the columns and the record. Nothing can fail from here on. */
void trib_fold_enter(struct trib_domain *domain, enum trib_noun noun, uint32_t number,
		     uint32_t version, const char *id, const ProtobufCMessage *put,
		     struct trib_record *record);

/* Takes over the reference. Of several changes of one row that of the highest version counts. */
void trib_note_change(struct trib_domain *domain, uint8_t table, uint32_t number, uint8_t noun,
		      uint32_t version, struct trib_record *record);

/* Goods that a new version of a plan lists: it stands in both by now. Same: it speaks to whom the one before did. */
void trib_audience_tell(struct trib_domain *domain, uint32_t number, uint32_t plan,
			const struct trib_plan_version *version, bool same);
void trib_audiences_fini(struct trib_domain *domain);

/* Rows of the store. */
trib_status trib_load_statuses(struct trib_domain *domain, uint32_t number, uint32_t noun,
			       struct trib_bytes value, struct trib_error *error);
trib_status trib_load_bounds(struct trib_domain *domain, uint32_t number, struct trib_bytes value,
			     struct trib_error *error);
void trib_timelines_fini(struct trib_domain *domain);
/* The timeline of a change as a row; from now on it is not changed. */
struct trib_record *trib_timeline_pack(struct trib_domain *domain, enum trib_noun noun,
				       uint32_t number);

/*
 * A version of the plan that an enrolment is sold by; people cannot put such plans. Without ret_decision: only may it be?
 */
trib_status trib_domain_decide_offer(const struct trib_domain *domain, const Tributary__Plan *plan,
				     int64_t now_ms, struct trib_arena *arena,
				     struct trib_domain_decision *ret_decision,
				     struct trib_error *error);

/* Does the table of statuses say anything of the entity? */
bool trib_status_is_timed(const struct trib_domain *domain, enum trib_noun noun, uint32_t number);

/* A StatusSet; false where the arena is full. Texts are borrowed. */
bool trib_status_event(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
		       const char *status, int64_t from_ms, const char *reason,
		       struct trib_arena *arena, Tributary__Event *ret_event);

/* What a registration says of plans that compete; false for words that are none. Not ranked: the usual. */
bool trib_precedence_read(const Tributary__Registration *registration,
			  struct trib_precedence *ret_precedence, bool *ret_ranked);

/* 0 for a word that is none. */
enum trib_block_kind trib_block_kind_of(const char *word);

/* The version of an entity that is there. */
uint32_t trib_version_of(const struct trib_domain *domain, enum trib_noun noun, uint32_t number);

/* A number as the event bears it: what is not marked as stated is not in its bytes either. */
#define TRIB_STATED(message, field) ((message)->has_##field ? (message)->field : 0)

/* References and words in an event: 0 for NULL; *ret_ok becomes false for what is not known. */
uint32_t trib_fold_reference(const struct trib_domain *domain, enum trib_noun noun, const char *id,
			     bool *ret_ok);
uint32_t trib_fold_code(const struct trib_domain *domain, const char *word, bool *ret_ok);

/* Reads the agencies of a party; false where one is not known or they overlap. The rows are the caller's. */
bool trib_bindings_read(const struct trib_domain *domain, const Tributary__Party *party,
			struct trib_bindings *ret_bindings);
/* Takes over the rows. */
void trib_bindings_put(struct trib_domain *domain, uint32_t party, struct trib_bindings bindings);
void trib_bindings_fini(struct trib_domain *domain);

/* False where hours are none: "09:30" to "24:00". */
bool trib_open_hours_read(const Tributary__OpenHours *said, struct trib_open_hours *ret_hours);

/* False where a plan's attributes are none that could have been decided. */
bool trib_attributes_read(const struct trib_domain *domain, const Tributary__Plan *plan,
			  struct trib_plan_attributes *ret_attributes);
/* Their number; `before` is that of the version before. */
uint32_t trib_attributes_number(struct trib_domain *domain,
				const struct trib_plan_attributes *attributes, uint32_t before);

trib_status trib_fold_refuse(struct trib_error *error, enum trib_noun noun, uint32_t number,
			     const char *why);

int trib_choice_compare(const void *a, const void *b);
void trib_choices_sort(struct trib_domain *domain);

#endif
