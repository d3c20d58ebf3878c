#include "engine/access.h"

#include "engine/state.h"

#define BIT(name) TRIB_ACCESS_BIT(TRIB_ACCESS_##name)
#define STAFF	  (BIT(ADMIN) | BIT(OPERATOR))
#define READERS	  (STAFF | BIT(AUDITOR) | BIT(READ_ONLY))
#define PARTIES	  (BIT(MERCHANT) | BIT(LEADER) | BIT(CREATOR))
#define SERVICE	  (STAFF | BIT(ORDER_SERVICE))
#define EVERYBODY (READERS | PARTIES | BIT(ORDER_SERVICE))
#define TELLERS	  (READERS | BIT(ORDER_SERVICE))

/* Roles by kind of call. Calls about nouns stand below; what stands nowhere is for staff, reading for readers. */
static const struct {
	enum trib_call_kind kind;
	unsigned roles;
	bool traffic;
} rows[] = {
	{ TRIB_CALL_LINK, SERVICE | BIT(CREATOR), true },
	{ TRIB_CALL_TOUCH, SERVICE, true },
	{ TRIB_CALL_ORDER, SERVICE, true },
	{ TRIB_CALL_ORDER_STATUS, SERVICE, true },
	{ TRIB_CALL_REFUND, SERVICE, true },
	{ TRIB_CALL_RECORD, SERVICE, true },
	{ TRIB_CALL_TRACK, TELLERS, false },
	{ TRIB_CALL_ORDER_GET, TELLERS, false },
	{ TRIB_CALL_EXPLAIN, TELLERS, false },
	{ TRIB_CALL_TERMS, TELLERS | BIT(MERCHANT), false },
	{ TRIB_CALL_ESTIMATE, TELLERS | BIT(MERCHANT) | BIT(CREATOR), false },
	{ TRIB_CALL_BALANCES, READERS | PARTIES, false },
	{ TRIB_CALL_STATEMENT, READERS | PARTIES, false },
	{ TRIB_CALL_TALLIES, READERS | BIT(MERCHANT) | BIT(CREATOR), false },
	{ TRIB_CALL_BOUNDS_GET, EVERYBODY, false },
	{ TRIB_CALL_BOUNDS_LIST, EVERYBODY, false },
	{ TRIB_CALL_SHELF, TELLERS | BIT(CREATOR), false },
	{ TRIB_CALL_SHELF_PUT, STAFF | BIT(CREATOR), false },
	{ TRIB_CALL_SHELF_CHANGE, STAFF | BIT(CREATOR), false },
	{ TRIB_CALL_SHELF_CLEAR, STAFF | BIT(CREATOR), false },
	{ TRIB_CALL_GOODS_SHELVES, TELLERS | BIT(MERCHANT), false },
	{ TRIB_CALL_BULK, STAFF | BIT(MERCHANT), false },
	{ TRIB_CALL_PLAN_VERSIONS, READERS | BIT(MERCHANT), false },
	{ TRIB_CALL_PLAN_UNSCHEDULE, STAFF | BIT(MERCHANT), false },
	{ TRIB_CALL_ENROL, STAFF | BIT(MERCHANT), false },
	{ TRIB_CALL_ENROLMENTS_ACT, STAFF | BIT(MERCHANT) | BIT(LEADER), false },
	{ TRIB_CALL_COOPERATION_OFFER, STAFF | BIT(LEADER), false },
	{ TRIB_CALL_ENROLMENTS_OF_ACTIVITY, READERS | PARTIES, false },
	{ TRIB_CALL_ENROLMENTS_OF_GOODS, READERS | PARTIES, false },
	{ TRIB_CALL_ENROLMENTS_OF_MERCHANT, READERS | PARTIES, false },
	{ TRIB_CALL_COOPERATIONS, READERS | PARTIES, false },
	{ TRIB_CALL_EXPERIENCE, READERS | PARTIES, false },
	{ TRIB_CALL_PLAY_RESOLVE, READERS | BIT(MERCHANT), false },
	{ TRIB_CALL_FORM, EVERYBODY, false },
	{ TRIB_CALL_PLAY_SCHEMAS, EVERYBODY, false },
	{ TRIB_CALL_KEYS, BIT(ADMIN) | BIT(ORDER_SERVICE), false },
	{ TRIB_CALL_SNAPSHOT, SERVICE, false },
	{ TRIB_CALL_MARKET_POSITION, TELLERS, false },
	{ TRIB_CALL_STATE, EVERYBODY, false },
	{ TRIB_CALL_TOKEN_MAKE, BIT(ADMIN), false },
	{ TRIB_CALL_TOKEN_ROTATE, BIT(ADMIN), false },
	{ TRIB_CALL_TOKEN_REVOKE, BIT(ADMIN), false },
	{ TRIB_CALL_TOKEN_GET, BIT(ADMIN) | BIT(AUDITOR), false },
	{ TRIB_CALL_TOKEN_LIST, BIT(ADMIN) | BIT(AUDITOR), false },
	{ TRIB_CALL_USER_PUT, BIT(ADMIN), false },
	{ TRIB_CALL_USER_CLOSE, BIT(ADMIN), false },
	{ TRIB_CALL_USER_GET, BIT(ADMIN) | BIT(AUDITOR), false },
	{ TRIB_CALL_USER_LIST, BIT(ADMIN) | BIT(AUDITOR), false },
	{ TRIB_CALL_USER_PASSWORD, EVERYBODY, false }, /* one's own */
	{ TRIB_CALL_SIGN_IN, EVERYBODY, false },
	{ TRIB_CALL_SIGN_OUT, EVERYBODY, false },
	{ TRIB_CALL_WHO, EVERYBODY, false },
	{ TRIB_CALL_AUDIT, BIT(ADMIN) | BIT(AUDITOR), false },
};

enum right { READ = 1, PUT = 2, ACT = 4 };

/* Whose an entity is: the role's party must stand in that field. "": everybody of the role may, but for drafts. */
static const struct own {
	const char *noun;
	enum trib_access_role role;
	const char *field;
	unsigned rights;
	bool asked; /* and its field `role` must be this role: it is this one that was asked */
	bool open;  /* what this creator may sell from now; of that it is shown what concerns it, see shown[] */
} owns[] = {
	{ "party", TRIB_ACCESS_MERCHANT, "id", READ },
	{ "party", TRIB_ACCESS_LEADER, "id", READ },
	{ "party", TRIB_ACCESS_CREATOR, "id", READ },
	{ "goods", TRIB_ACCESS_MERCHANT, "merchant", READ | PUT },
	{ "goods", TRIB_ACCESS_LEADER, "", READ },
	{ "goods", TRIB_ACCESS_CREATOR, "", READ },
	{ "plan", TRIB_ACCESS_MERCHANT, "merchant", READ | PUT | ACT },
	{ "plan", TRIB_ACCESS_LEADER, "terms.leader", READ },
	{ "plan", TRIB_ACCESS_LEADER, "terms.leader2", READ },
	{ "activity", TRIB_ACCESS_LEADER, "leader", READ | PUT | ACT },
	{ "activity", TRIB_ACCESS_MERCHANT, "", READ },
	{ "enrolment", TRIB_ACCESS_MERCHANT, "merchant", READ | PUT | ACT },
	{ "enrolment", TRIB_ACCESS_LEADER, "leader", READ | ACT },
	{ "cooperation", TRIB_ACCESS_LEADER, "leader2", READ | PUT | ACT },
	{ "cooperation", TRIB_ACCESS_LEADER, "leader1", READ | PUT | ACT },
	{ "invitation", TRIB_ACCESS_MERCHANT, "from", READ | PUT | ACT },
	{ "invitation", TRIB_ACCESS_LEADER, "from", READ | PUT | ACT },
	{ "invitation", TRIB_ACCESS_CREATOR, "creator", READ | ACT },
	{ "sample", TRIB_ACCESS_CREATOR, "creator", READ | PUT | ACT },
	{ "sample", TRIB_ACCESS_MERCHANT, "merchant", READ | ACT },
	{ "plan", TRIB_ACCESS_CREATOR, "", READ, .open = true },
	{ "activity", TRIB_ACCESS_CREATOR, "", READ, .open = true },
	{ "enrolment", TRIB_ACCESS_CREATOR, "", READ, .open = true },
	{ "pid", TRIB_ACCESS_CREATOR, "creator", READ },
	{ "bulk", TRIB_ACCESS_MERCHANT, "merchant", READ | ACT },
	{ "approval", TRIB_ACCESS_MERCHANT, "requester", READ },
	{ "approval", TRIB_ACCESS_LEADER, "requester", READ },
	{ "approval", TRIB_ACCESS_CREATOR, "requester", READ },
	{ "approval", TRIB_ACCESS_MERCHANT, "merchant", READ | ACT, .asked = true },
	{ "approval", TRIB_ACCESS_LEADER, "leader", READ | ACT, .asked = true },
	{ "approval", TRIB_ACCESS_CREATOR, "creator", READ | ACT, .asked = true },
};

/* What creators are shown of what they may sell from. Audiences, budgets, bounds and other parties' rates are not theirs. */
static const struct {
	const char *noun, *fields;
} shown[] = {
	{ "plan", " id goods merchant kind effective_from effective_to status terms step activity sole time_zone schedule scene "
		  "samples play number version " },
	{ "activity", " id title leader status kind promote_from promote_to phase number version " },
	{ "pid", " id site pid creator channel status number version " }, /* who had it before is another's */
	{ "enrolment", " id activity goods merchant leader commission_bps status offers ends_at number version " },
};

/* What a call about a noun needs; 0: it is about none. */
static unsigned right_of(enum trib_call_kind kind)
{
	switch (kind) {
	case TRIB_CALL_GET:
	case TRIB_CALL_LIST:
	case TRIB_CALL_STATUS_GET:
		return READ;
	case TRIB_CALL_PUT:
	case TRIB_CALL_CLOSE:
	case TRIB_CALL_IMPORT:
		return PUT;
	case TRIB_CALL_ACT:
		return ACT;
	default:
		return 0;
	}
}

unsigned trib_access_roles(enum trib_call_kind kind, enum trib_noun noun, bool writes)
{
	unsigned right = right_of(kind), roles = right == READ || !writes ? READERS : STAFF;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		if (rows[i].kind == kind)
			return rows[i].roles;
	for (size_t i = 0; right && i < TRIB_ARRAY_SIZE(owns); i++)
		if (owns[i].rights & right && !strcmp(owns[i].noun, trib_noun_word(noun)) &&
		    !(owns[i].open && kind == TRIB_CALL_STATUS_GET))
			roles |= TRIB_ACCESS_BIT(owns[i].role);
	return roles;
}

const char *trib_access_own_field(enum trib_access_role role, enum trib_noun noun)
{
	if (noun == TRIB_NOUN_ENROLMENT) /* the goods say it */
		return NULL;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(owns); i++)
		if (owns[i].role == role && owns[i].rights & PUT && !strcmp(owns[i].noun, trib_noun_word(noun)))
			return owns[i].field[0] && !strchr(owns[i].field, '.') ? owns[i].field : NULL;
	return NULL;
}

unsigned trib_access_all_roles(void)
{
	return EVERYBODY;
}

unsigned trib_access_readers(void)
{
	return READERS;
}

bool trib_access_is_traffic(enum trib_call_kind kind)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		if (rows[i].kind == kind)
			return rows[i].traffic;
	return false;
}

/* --- Whose it is --------------------------------------------------------------------------------------- */

/* The text of a field, "a" or "a.b"; NULL where there is none. */
static const char *text_at(const ProtobufCMessage *message, const char *path)
{
	const char *dot = strchr(path, '.');
	char name[32];

	snprintf(name, sizeof(name), "%.*s", dot ? (int)(dot - path) : (int)strlen(path), path);
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);
	void *value;

	if (!field || field->label == PROTOBUF_C_LABEL_REPEATED)
		return NULL;
	memcpy(&value, (const char *)message + field->offset, sizeof(value));
	if (dot)
		return field->type == PROTOBUF_C_TYPE_MESSAGE && value ? text_at(value, dot + 1) : NULL;
	return field->type == PROTOBUF_C_TYPE_STRING ? value : NULL;
}

static bool is_party(const struct trib_call *call, const char *id)
{
	return id && trib_bytes_is(call->actor.party_id, id);
}

static bool goods_are_theirs(const struct trib_engine *engine, const struct trib_call *call, const char *id)
{
	uint32_t goods = id ? trib_domain_find(engine->domain, TRIB_NOUN_GOODS, trib_bytes_text(id)) : 0;

	return goods && trib_domain_goods(engine->domain, goods)->merchant == call->actor.party;
}

/* Is it an activity of theirs? */
static bool activity_is_theirs(struct trib_engine *engine, const struct trib_call *call, const char *id)
{
	uint32_t number = id ? trib_domain_find(engine->domain, TRIB_NOUN_ACTIVITY, trib_bytes_text(id)) : 0;
	struct trib_record *record = trib_domain_record(engine->domain, TRIB_NOUN_ACTIVITY, number);
	struct trib_entity entity;
	struct trib_error error;
	bool theirs = record &&
		      trib_record_unpack(record, TRIB_NOUN_ACTIVITY, &engine->arena, &entity, &error) == TRIB_OK &&
		      is_party(call, text_at(entity.message, "leader"));

	trib_record_unref(record);
	return theirs;
}

static int64_t now_of(const struct trib_engine *engine)
{
	/* A read opens no batch, so engine time may stand where it was long ago. */
	return TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock));
}

/* Does the asker, a creator, know of the plan at all? NO_PLAN: it does not. */
static enum trib_outcome standing_of(const struct trib_engine *engine, const struct trib_call *call, const char *plan)
{
	return trib_terms_of_plan(engine->domain, trib_domain_find(engine->domain, TRIB_NOUN_PLAN, trib_bytes_text(plan ? plan : "")),
				  call->actor.party, now_of(engine));
}

/* An enrolment is what its offers are: plans like others. */
static bool is_open(const struct trib_engine *engine, const struct trib_call *call, const ProtobufCMessage *message)
{
	if (message->descriptor == &tributary__plan__descriptor)
		return standing_of(engine, call, text_at(message, "id")) == TRIB_OUTCOME_NONE;
	if (message->descriptor == &tributary__enrolment__descriptor) {
		const Tributary__Enrolment *enrolment = (const Tributary__Enrolment *)message;
		bool open = false;

		for (size_t i = 0; !open && i < enrolment->n_offers; i++)
			open = standing_of(engine, call, enrolment->offers[i]->plan) == TRIB_OUTCOME_NONE;
		return open;
	}
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_ACTIVITY, trib_bytes_text(text_at(message, "id")));
	enum trib_activity_phase phase = trib_activity_phase(trib_domain_activity(engine->domain, number), now_of(engine));

	return phase == TRIB_ACTIVITY_PUBLISHED || phase == TRIB_ACTIVITY_ENROLLING || phase == TRIB_ACTIVITY_PROMOTING;
}

/* A body may leave out who it is where goods, or the activity, say it. */
static bool holds(struct trib_engine *engine, const struct trib_call *call, const struct own *own,
		  const ProtobufCMessage *message)
{
	const char *owner, *status = text_at(message, "status");

	if (own->open)
		return call->kind != TRIB_CALL_STATUS_GET && is_open(engine, call, message);
	if (!own->field[0])
		return !status || strcmp(status, "draft") != 0;
	if (own->asked && strcmp(text_at(message, "role"), trib_access_role_word(own->role)) != 0)
		return false;
	owner = text_at(message, own->field);
	if (!owner && own->role == TRIB_ACCESS_MERCHANT && own->rights & PUT)
		return goods_are_theirs(engine, call, text_at(message, "goods"));
	if (!owner && own->role == TRIB_ACCESS_LEADER && own->rights & PUT)
		return activity_is_theirs(engine, call, text_at(message, "activity"));
	return is_party(call, owner);
}

static bool may(struct trib_engine *engine, const struct trib_call *call, enum trib_noun noun, unsigned right,
		const ProtobufCMessage *message)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(owns); i++)
		if (owns[i].role == call->actor.role && owns[i].rights & right &&
		    !strcmp(owns[i].noun, trib_noun_word(noun)) && holds(engine, call, &owns[i], message))
			return true;
	return false;
}

/* --- What is shown ------------------------------------------------------------------------------------- */

static void leave_out(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	char *at = (char *)message + field->offset, *quantifier = (char *)message + field->quantifier_offset;

	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		*(size_t *)(void *)quantifier = 0;
	else if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE)
		*(void **)(void *)at = NULL;
	else
		*(protobuf_c_boolean *)(void *)quantifier = false;
}

static void keep_fields(ProtobufCMessage *message, const char *fields)
{
	char word[40];

	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		snprintf(word, sizeof(word), " %s ", message->descriptor->fields[i].name);
		if (!strstr(fields, word))
			leave_out(message, &message->descriptor->fields[i]);
	}
}

/* A plan as it is in force: what lies ahead of it is its merchant's to tell. Of its rates, the creator's. */
static bool show_plan_of_now(struct trib_engine *engine, struct trib_entity *entity)
{
	struct trib_scheduled *items;
	struct trib_error error;
	uint32_t count;

	if (trib_domain_plan(engine->domain, entity->number)->newest.from_ms > now_of(engine)) {
		if (trib_domain_schedule(engine->domain, entity->number, now_of(engine), &engine->arena, &items, &count,
					 &error) != TRIB_OK ||
		    count == 0 || !items[0].in_force)
			return false;
		entity->message = &items[0].plan->base;
		entity->version = items[0].version;
		trib_domain_show(engine->domain, TRIB_NOUN_PLAN, now_of(engine), entity);
	}
	Tributary__Plan *plan = (Tributary__Plan *)entity->message;
	Tributary__Terms *terms = trib_arena_alloc(&engine->arena, sizeof(*terms));

	if (!terms)
		return false;
	tributary__terms__init(terms);
	if (plan->terms) {
		terms->has_commission_bps = plan->terms->has_commission_bps;
		terms->commission_bps = plan->terms->commission_bps;
	}
	plan->terms = terms;
	return true;
}

bool access_show(struct trib_engine *engine, const struct trib_call *call, enum trib_noun noun, struct trib_entity *entity)
{
	bool partly = call->actor.role == TRIB_ACCESS_CREATOR;

	if (trib_access_role_has_party(call->actor.role) && !may(engine, call, noun, READ, entity->message))
		return false;
	trib_domain_show(engine->domain, noun, now_of(engine), entity);
	if (partly && noun == TRIB_NOUN_PLAN && !show_plan_of_now(engine, entity))
		return false;
	for (size_t i = 0; partly && i < TRIB_ARRAY_SIZE(shown); i++)
		if (!strcmp(shown[i].noun, trib_noun_word(noun)))
			keep_fields(entity->message, shown[i].fields);
	return true;
}

/* --- Refusals ------------------------------------------------------------------------------------------ */

static trib_status forbid(struct trib_call *call, const char *at)
{
	return trib_fail(&call->error, TRIB_FORBIDDEN, at, "found another party's, expected what is of \"%.*s\"",
			 (int)TRIB_MIN(call->actor.party_id.size, (size_t)64), call->actor.party_id.data);
}

/* As if it were not there: the very words of who asks for what is not. */
static trib_status hide(struct trib_call *call, enum trib_noun noun, struct trib_bytes id, const char *at)
{
	call->hidden = true;
	return trib_fail(&call->error, TRIB_NOT_FOUND, at, "found \"%.*s\", expected the id of a known %s",
			 (int)TRIB_MIN(id.size, (size_t)64), id.data, trib_noun_word(noun));
}

/* May the asker do this with an entity that may be there? One that is not passes: what follows says so. */
static bool may_existing(struct trib_engine *engine, const struct trib_call *call, enum trib_noun noun, struct trib_bytes id,
			 unsigned right)
{
	struct trib_record *record =
		trib_domain_record(engine->domain, noun, trib_domain_find(engine->domain, noun, id));
	struct trib_entity entity;
	struct trib_error error;
	bool allowed = !record || (trib_record_unpack(record, noun, &engine->arena, &entity, &error) == TRIB_OK &&
				   may(engine, call, noun, right, entity.message));

	trib_record_unref(record);
	return allowed;
}

trib_status access_may_act(struct trib_engine *engine, const struct trib_call *call, enum trib_noun noun,
			   struct trib_bytes id, struct trib_error *error)
{
	struct trib_call one = *call; /* forbid() and hide() tell the call; here it is one of many */
	trib_status status = TRIB_OK;

	if (trib_access_role_has_party(call->actor.role) && !may_existing(engine, call, noun, id, ACT))
		status = may_existing(engine, call, noun, id, READ) ? forbid(&one, "id") : hide(&one, noun, id, "id");
	if (status != TRIB_OK)
		*error = one.error;
	return status;
}

bool access_has_goods(const struct trib_engine *engine, const struct trib_call *call, const char *id)
{
	return call->actor.role != TRIB_ACCESS_MERCHANT || goods_are_theirs(engine, call, id);
}

bool access_knows_plan(const struct trib_engine *engine, const struct trib_call *call, struct trib_bytes id)
{
	uint32_t plan = trib_domain_find(engine->domain, TRIB_NOUN_PLAN, id);

	return call->actor.role != TRIB_ACCESS_CREATOR ||
	       trib_terms_of_plan(engine->domain, plan, call->actor.party, now_of(engine)) != TRIB_OUTCOME_NO_PLAN;
}

static trib_status unknown(struct trib_error *error, const char *at, const char *id, const char *what)
{
	return trib_fail(error, TRIB_INVALID, at, "found \"%.64s\", expected the id of %s", id, what);
}

/* Of a leader's activity others know once it is published. */
static bool knows_activity(const struct trib_engine *engine, const struct trib_call *call, struct trib_bytes id)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_ACTIVITY, id);

	return !number || trib_domain_activity(engine->domain, number)->leader == call->actor.party ||
	       strcmp(trib_domain_cold(engine->domain, TRIB_NOUN_ACTIVITY, number)->status, "draft") != 0;
}

/* A merchant's goods: others are as unknown to it. */
static trib_status check_goods(const struct trib_engine *engine, const struct trib_call *call, char *const *goods, size_t count,
			       const char *what, struct trib_error *error)
{
	char at[32];

	for (size_t i = 0; i < count; i++) {
		if (access_has_goods(engine, call, goods[i]))
			continue;
		snprintf(at, sizeof(at), "goods[%zu]", i);
		return unknown(error, at, goods[i], what);
	}
	return TRIB_OK;
}

/* What a body names and its asker must not know of is told in the words of what is not there. */
static trib_status check_named(struct trib_engine *engine, struct trib_call *call, const ProtobufCMessage *message,
			       struct trib_error *error)
{
	const Tributary__Plan *plan = (const Tributary__Plan *)message;
	const Tributary__Invitation *invitation = (const Tributary__Invitation *)message;
	const char *activity;

	if (message->descriptor == &tributary__plan__descriptor)
		return check_goods(engine, call, plan->goods, plan->n_goods, "known goods", error);
	if (message->descriptor == &tributary__invitation__descriptor)
		return check_goods(engine, call, invitation->goods, invitation->n_goods, "a known goods", error);
	if (message->descriptor == &tributary__sample__descriptor) {
		const char *of = ((const Tributary__Sample *)message)->plan;

		return !of || access_knows_plan(engine, call, trib_bytes_text(of)) ? TRIB_OK :
										     unknown(error, "plan", of, "a known plan");
	}
	activity = text_at(message, "activity");
	return !activity || knows_activity(engine, call, trib_bytes_text(activity)) ?
		       TRIB_OK :
		       unknown(error, "activity", activity, "a known activity");
}

static trib_status check_put(struct trib_engine *engine, struct trib_call *call, const ProtobufCMessage *message,
			     struct trib_error *error)
{
	const char *id = text_at(message, "id");
	struct trib_call copy = *call; /* forbid() tells the call; here a line of it */

	if (may(engine, call, call->noun, PUT, message) &&
	    may_existing(engine, call, call->noun, trib_bytes_text(id), PUT))
		return check_named(engine, call, message, error);
	forbid(&copy, "id");
	*error = copy.error;
	return TRIB_FORBIDDEN;
}

static trib_status check_import(struct trib_engine *engine, struct trib_call *call)
{
	const ProtobufCMessage **items = (const ProtobufCMessage **)call->items;

	for (size_t i = 0; i < call->n_items; i++) {
		if (!items[i])
			continue;
		call->item_status[i] = check_put(engine, call, items[i], &call->item_errors[i]);
		if (call->item_status[i] != TRIB_OK)
			items[i] = NULL;
		trib_arena_reset(&engine->arena);
	}
	return TRIB_OK;
}

/* A parameter that says whose: the asker's own unless stated, and nobody else's. */
static trib_status check_party(struct trib_call *call, struct trib_bytes *party, const char *at)
{
	if (!party->size)
		*party = call->actor.party_id;
	return trib_bytes_equal(*party, call->actor.party_id) ? TRIB_OK : forbid(call, at);
}

static trib_status check_money(struct trib_engine *engine, struct trib_call *call)
{
	if (call->kind != TRIB_CALL_TALLIES &&
	    !(call->kind == TRIB_CALL_EXPERIENCE && call->actor.role == TRIB_ACCESS_CREATOR))
		return check_party(call, &call->party, "party");
	if (call->actor.role == TRIB_ACCESS_CREATOR)
		return check_party(call, &call->creator, "creator");
	if (!call->plan.size)
		return trib_fail(&call->error, TRIB_INVALID, "plan", "found nothing, expected a plan of yours");
	return trib_domain_find(engine->domain, TRIB_NOUN_PLAN, call->plan) &&
			       may_existing(engine, call, TRIB_NOUN_PLAN, call->plan, READ) ?
		       TRIB_OK :
		       hide(call, TRIB_NOUN_PLAN, call->plan, "plan");
}

/* Does the plan list the goods, and speak to the creator? What it may name as an offer. */
static bool is_offer(const struct trib_engine *engine, const struct trib_call *call, struct trib_bytes offer,
		     struct trib_bytes goods_id)
{
	uint32_t plan = trib_domain_find(engine->domain, TRIB_NOUN_PLAN, offer);
	uint32_t goods = trib_domain_find(engine->domain, TRIB_NOUN_GOODS, goods_id);
	const struct trib_plan *entry = trib_domain_plan(engine->domain, plan);

	if (plan && !access_knows_plan(engine, call, offer))
		return false;
	for (uint32_t i = 0; plan && i < entry->goods_count; i++)
		if (entry->goods[i] == goods)
			return true;
	return !plan; /* what follows says that it is not there */
}

static trib_status check_terms(struct trib_engine *engine, struct trib_call *call)
{
	trib_status status = TRIB_OK;

	if (call->actor.role == TRIB_ACCESS_CREATOR)
		status = check_party(call, &call->creator, "creator");
	if (status != TRIB_OK)
		return status;
	if (!may_existing(engine, call, TRIB_NOUN_GOODS, call->name, READ))
		return hide(call, TRIB_NOUN_GOODS, call->name, "id");
	if (call->offer.size &&
	    (call->actor.role == TRIB_ACCESS_CREATOR ? !is_offer(engine, call, call->offer, call->name) :
						       !may_existing(engine, call, TRIB_NOUN_PLAN, call->offer, READ)))
		return hide(call, TRIB_NOUN_PLAN, call->offer, "offer");
	return TRIB_OK;
}

/* Plans of its own, by a job of its own. */
static trib_status check_bulk(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__Bulk *bulk = (const Tributary__Bulk *)call->body;

	if (bulk->merchant && !is_party(call, bulk->merchant))
		return forbid(call, "merchant");
	return may_existing(engine, call, TRIB_NOUN_BULK, trib_bytes_text(bulk->id ? bulk->id : ""), READ) ?
		       TRIB_OK :
		       forbid(call, "id");
}

static trib_status check_link(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__LinkRequest *link = (const Tributary__LinkRequest *)call->body;

	if (!is_party(call, link->creator))
		return forbid(call, "creator");
	if (link->offer && !is_offer(engine, call, trib_bytes_text(link->offer), trib_bytes_text(link->goods)))
		return hide(call, TRIB_NOUN_PLAN, trib_bytes_text(link->offer), "offer");
	return TRIB_OK;
}

static trib_status check_recruiting(struct trib_engine *engine, struct trib_call *call)
{
	switch (call->kind) {
	case TRIB_CALL_ENROLMENTS_OF_GOODS:
		return may_existing(engine, call, TRIB_NOUN_GOODS, call->name, READ) ?
			       TRIB_OK :
			       hide(call, TRIB_NOUN_GOODS, call->name, "id");
	case TRIB_CALL_ENROLMENTS_OF_MERCHANT:
		return call->actor.role != TRIB_ACCESS_MERCHANT || trib_bytes_equal(call->name, call->actor.party_id) ?
			       TRIB_OK :
			       hide(call, TRIB_NOUN_PARTY, call->name, "id");
	case TRIB_CALL_COOPERATION_OFFER:
		return may_existing(engine, call, TRIB_NOUN_COOPERATION, call->name, ACT) ?
			       TRIB_OK :
			       hide(call, TRIB_NOUN_COOPERATION, call->name, "id");
	default:
		return knows_activity(engine, call, call->name) ? TRIB_OK : hide(call, TRIB_NOUN_ACTIVITY, call->name, "id");
	}
}

/* A merchant asks about requests of its own; which, call_play_resolve() says where the request leaves it out. */
static trib_status check_resolve(struct trib_engine *engine, struct trib_call *call)
{
	const struct trib_json *request, *merchant, *role;
	struct trib_bytes text = call->source.size ? call->source : trib_bytes_text("{}");
	trib_status status = trib_json_parse(text, TRIB_LIMIT_JSON_DEPTH, &engine->arena, &request, &call->error);

	if (status != TRIB_OK)
		return status;
	merchant = trib_json_member(request, "merchant");
	role = trib_json_member(request, "role");
	if (merchant && !trib_bytes_equal(merchant->text, call->actor.party_id))
		return forbid(call, "merchant");
	return !role || trib_bytes_is(role->text, trib_access_role_word(call->actor.role)) ? TRIB_OK : forbid(call, "role");
}

trib_status access_check(struct trib_engine *engine, struct trib_call *call)
{
	unsigned right = right_of(call->kind);

	if (!trib_access_role_has_party(call->actor.role))
		return TRIB_OK;
	if (!(trib_access_roles(call->kind, call->noun, true) & TRIB_ACCESS_BIT(call->actor.role)) ||
	    !call->actor.party)
		return forbid(call, "role");
	switch (call->kind) {
	case TRIB_CALL_LIST: return TRIB_OK; /* each item is asked for */
	case TRIB_CALL_IMPORT: return check_import(engine, call);
	case TRIB_CALL_PUT: return check_put(engine, call, call->body, &call->error);
	case TRIB_CALL_LINK: return check_link(engine, call);
	case TRIB_CALL_BULK: return check_bulk(engine, call);
	case TRIB_CALL_PLAY_RESOLVE: return check_resolve(engine, call);
	case TRIB_CALL_ENROL:
	case TRIB_CALL_COOPERATION_OFFER:
	case TRIB_CALL_ENROLMENTS_OF_ACTIVITY:
	case TRIB_CALL_ENROLMENTS_OF_GOODS:
	case TRIB_CALL_ENROLMENTS_OF_MERCHANT:
	case TRIB_CALL_COOPERATIONS: return check_recruiting(engine, call);
	case TRIB_CALL_PLAN_VERSIONS:
	case TRIB_CALL_PLAN_UNSCHEDULE:
		return may_existing(engine, call, TRIB_NOUN_PLAN, call->name, ACT) ?
			       TRIB_OK :
			       hide(call, TRIB_NOUN_PLAN, call->name, "id");
	case TRIB_CALL_TERMS:
	case TRIB_CALL_ESTIMATE: return check_terms(engine, call);
	case TRIB_CALL_BALANCES:
	case TRIB_CALL_STATEMENT:
	case TRIB_CALL_EXPERIENCE:
	case TRIB_CALL_TALLIES: return check_money(engine, call);
	case TRIB_CALL_SHELF:
	case TRIB_CALL_SHELF_PUT:
	case TRIB_CALL_SHELF_CHANGE:
	case TRIB_CALL_SHELF_CLEAR: return check_party(call, &call->name, "creator");
	case TRIB_CALL_GOODS_SHELVES:
		if (may_existing(engine, call, TRIB_NOUN_GOODS, call->name, READ))
			return TRIB_OK;
		call->hidden = true; /* in the words of call_goods_shelves() */
		return trib_fail(&call->error, TRIB_NOT_FOUND, "goods", "found \"%.*s\", expected the id of known goods",
				 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
	default: break;
	}
	if (right && !may_existing(engine, call, call->noun, call->name, right))
		return may_existing(engine, call, call->noun, call->name, READ) ?
			       forbid(call, "id") :
			       hide(call, call->noun, call->name,
				    call->kind == TRIB_CALL_GET ? trib_noun_word(call->noun) : "id");
	return TRIB_OK;
}
