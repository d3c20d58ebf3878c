/*
 * Invitations of sets: one for each creator of a list, or for whom a condition holds. They are made slice by slice, so
 * that orders go on; how far it is stands in the set itself (`made`, `looked_at`), in the same batch as what was made. So a
 * crash loses no creator and invites none twice. Withdrawing a set goes the same way.
 */
#include "engine/people.h"

#include "engine/flows.h"
#include "engine/state.h"

enum { MADE_PER_SLICE = 64, LOOKED_PER_SLICE = 1024, SLICE_BYTES = 256 << 10 };

static Tributary__Invitation *read_invitation(struct trib_engine *engine, uint32_t number)
{
	return (Tributary__Invitation *)trib_cold_read(engine->domain, TRIB_NOUN_INVITATION, number, &engine->arena);
}

/* The set as it is now, as its next version. */
static trib_status put_set(struct trib_engine *engine, uint32_t number, Tributary__Invitation *set,
			   struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__InvitationPut put = TRIBUTARY__INVITATION_PUT__INIT;

	put.has_number = put.has_version = true;
	put.number = number;
	put.version = trib_domain_cold(engine->domain, TRIB_NOUN_INVITATION, number)->version + 1;
	put.invitation = set;
	event.kind_case = TRIBUTARY__EVENT__KIND_INVITATION_PUT;
	event.invitation_put = &put;
	return engine_emit(engine, &event, error);
}

/* --- Sending ------------------------------------------------------------------------------------------- */

static bool is_creator(const struct trib_engine *engine, uint32_t number)
{
	const struct trib_party *party = trib_domain_party(engine->domain, number);

	return trib_codes_has(party->roles, TRIB_WORD_CREATOR) &&
	       trib_domain_party_status(engine->domain, number, engine->now_ms) == TRIB_WORD_ACTIVE;
}

/* The next creator of the set, 0 at its end; *looks is how many may be looked at. */
static uint32_t next_creator(struct trib_engine *engine, Tributary__Invitation *set, uint32_t condition, uint32_t *looks)
{
	uint32_t last = set->n_creators ? (uint32_t)set->n_creators : trib_domain_count(engine->domain, TRIB_NOUN_PARTY);

	for (; *looks && set->looked_at < last; --*looks) {
		uint32_t number = ++set->looked_at;

		if (set->n_creators)
			return trib_domain_find(engine->domain, TRIB_NOUN_PARTY, trib_bytes_text(set->creators[number - 1]));
		if (condition && is_creator(engine, number) &&
		    conditions_creator(engine, condition, number, engine->now_ms))
			return number;
	}
	return 0;
}

static bool is_at_end(const struct trib_engine *engine, const Tributary__Invitation *set)
{
	uint32_t last = set->n_creators ? (uint32_t)set->n_creators : trib_domain_count(engine->domain, TRIB_NOUN_PARTY);

	return set->looked_at >= last || set->made >= TRIB_LIMIT_INVITATION_SET || set->expires_at <= engine->now_ms;
}

/* One that may not be invited (it invites, or was closed since) is passed over. */
static trib_status invite(struct trib_engine *engine, Tributary__Invitation *set, uint32_t creator,
			  struct trib_error *error)
{
	Tributary__Invitation one = *set;
	const ProtobufCMessage *message = &one.base;
	struct trib_domain_decision decision;
	struct engine_flow flow = { 0 };
	char id[TRIB_LIMIT_EXTERNAL_ID_BYTES + 16];
	struct trib_error why;

	snprintf(id, sizeof(id), "%s.%u", set->id, set->made + 1);
	one.id = id;
	one.set = set->id;
	one.creator = trib_arena_copy(&engine->arena, trib_engine_party_id(engine, creator));
	one.creators = NULL;
	one.n_creators = 0;
	one.creators_when = one.status = one.turn = NULL;
	one.has_made = one.has_looked_at = one.has_number = one.has_version = false;
	/* The play of the set is asked about each of them. */
	if (!one.creator || flows_put(engine, TRIB_NOUN_INVITATION, &message, &flow, &why) != TRIB_OK ||
	    trib_domain_decide_put(engine->domain, TRIB_NOUN_INVITATION, message, engine->now_ms, &engine->arena, &decision,
				   &why) != TRIB_OK)
		return TRIB_OK;
	set->made++;
	trib_status status = flow.ran ? flows_put_end(engine, TRIB_NOUN_INVITATION, message, &flow, error) : TRIB_OK;

	return status != TRIB_OK ? status : people_emit(engine, TRIB_NOUN_INVITATION, &decision, error);
}

static trib_status send_some(struct trib_engine *engine, uint32_t number, Tributary__Invitation *set,
			     struct trib_error *error)
{
	size_t bytes = tributary__invitation__get_packed_size(set) + 256;
	uint32_t left = (uint32_t)TRIB_MAX(TRIB_MIN((size_t)MADE_PER_SLICE, SLICE_BYTES / bytes), (size_t)1);
	uint32_t looks = LOOKED_PER_SLICE, creator;
	uint32_t condition = set->creators_when ?
				     trib_domain_find_condition(engine->domain, trib_bytes_text(set->creators_when)) :
				     0;
	size_t told = outbox_is_used(engine) ? OUTBOX_ROOM_BYTES : 0;
	trib_status status = engine_reserve(engine, (left + 1) * (bytes + 512) + told, error);

	while (status == TRIB_OK && left && set->made < TRIB_LIMIT_INVITATION_SET &&
	       (creator = next_creator(engine, set, condition, &looks)) != 0) {
		status = invite(engine, set, creator, error);
		left--;
	}
	if (status == TRIB_OK && is_at_end(engine, set))
		set->status = "sent";
	return status == TRIB_OK ? put_set(engine, number, set, error) : status;
}

/* --- Withdrawing --------------------------------------------------------------------------------------- */

static trib_status withdraw_some(struct trib_engine *engine, uint32_t number, Tributary__Invitation *set,
				 struct trib_error *error)
{
	size_t bytes = 2 * tributary__invitation__get_packed_size(set) + 8192;
	uint32_t left = (uint32_t)TRIB_MAX(TRIB_MIN((size_t)MADE_PER_SLICE, SLICE_BYTES / bytes), (size_t)1);
	trib_status status = engine_reserve(engine, (left + 1) * bytes, error);

	for (; status == TRIB_OK && left && set->looked_at < set->made; left--) {
		char id[TRIB_LIMIT_EXTERNAL_ID_BYTES + 16];
		struct trib_error why;

		snprintf(id, sizeof(id), "%s.%u", set->id, ++set->looked_at);
		uint32_t one = trib_domain_find(engine->domain, TRIB_NOUN_INVITATION, trib_bytes_text(id));

		/* What was answered meanwhile stays answered. */
		if (one)
			people_act(engine, TRIB_NOUN_INVITATION, one, "withdraw", NULL, &why);
	}
	return status == TRIB_OK ? put_set(engine, number, set, error) : status;
}

bool sets_go_on(struct trib_engine *engine, uint32_t number)
{
	struct trib_error error;
	trib_status status = TRIB_OK;

	trib_arena_reset(&engine->arena);
	Tributary__Invitation *set = read_invitation(engine, number);

	if (!set || set->creator)
		return false;
	set->has_looked_at = set->has_made = true;
	if (!strcmp(set->status, "sending"))
		status = send_some(engine, number, set, &error);
	else if (!strcmp(set->status, "withdrawn") && set->looked_at < set->made)
		status = withdraw_some(engine, number, set, &error);
	else
		return false;
	/* The fold has taken the set out where that was all. */
	return status == TRIB_OK;
}
