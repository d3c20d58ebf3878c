#include "engine/flow_points.h"

#include "engine/state.h"

/* --- Asking ------------------------------------------------------------------------------------------- */

/* An entity as it stands; NOT_FOUND is the caller's to tell. */
static trib_status read_entity(struct trib_engine *engine, enum trib_noun noun, uint32_t number, const ProtobufCMessage **ret,
			       struct trib_error *error)
{
	struct trib_record *record = trib_domain_record(engine->domain, noun, number);
	struct trib_entity entity;
	trib_status status = trib_record_unpack(record, noun, &engine->arena, &entity, error);

	trib_record_unref(record);
	if (status == TRIB_OK)
		*ret = entity.message;
	return status;
}

/* The play of an entity that does not leave the flow as the platform has it; NULL: there is nothing to ask. */
static trib_status find_asked(struct trib_engine *engine, const ProtobufCMessage *entity, enum trib_flow flow,
			      const struct trib_play **ret_play, struct trib_error *error)
{
	trib_status status = flows_play_of(engine, entity, ret_play, error);

	if (status == TRIB_OK && trib_flow_is_default(*ret_play, flow))
		*ret_play = NULL;
	return status;
}

/* Opens the input: the entity under its word, who asks, and when. */
static void open_input(struct trib_engine *engine, const char *member, const ProtobufCMessage *entity, struct trib_buffer *json)
{
	trib_buffer_init(json, TRIB_LIMIT_FLOW_BYTES / 4);
	trib_buffer_add_format(json, "{\"%s\":", member);
	trib_proto_to_json(entity, TRIB_PROTO_SET_FIELDS, json);
	flows_add_text(json, "role", trib_access_role_word(trib_domain_actor(engine->domain)->role));
	trib_buffer_add_format(json, ",\"now\":%lld", (long long)engine->now_ms);
}

static void add_int(struct trib_buffer *json, const char *name, int64_t value)
{
	trib_buffer_add_format(json, ",\"%s\":%lld", name, (long long)value);
}

static void add_bool(struct trib_buffer *json, const char *name, bool value)
{
	trib_buffer_add_format(json, ",\"%s\":%s", name, value ? "true" : "false");
}

/* Closes the input and runs. */
static trib_status run(struct trib_engine *engine, const struct trib_play *play, enum trib_flow flow, struct trib_buffer *json,
		       trib_status made, struct engine_flow *ret_flow, struct trib_error *error)
{
	trib_buffer_add_char(json, '}');
	if (made == TRIB_OK)
		made = json->failed ? trib_fail(error, TRIB_LIMIT, "flow", "found more than a run may hold") :
				      engine_flow(engine, play, flow, trib_buffer_bytes(json), ret_flow, error);
	trib_buffer_fini(json);
	return made;
}

static int64_t notice_of(const struct engine_flow *flow)
{
	return TRIB_MAX((int64_t)0, TRIB_MIN(trib_flow_value(&flow->run, "notice_ms").integer, INT64_C(366) * 86400000));
}

/* When something begins that the play has given a notice to. */
static trib_status leave_room(const struct trib_engine *engine, const char *at, bool stated, int64_t notice_ms, int64_t *at_ms,
			      struct trib_error *error)
{
	int64_t earliest_ms = engine->now_ms + notice_ms;

	if (stated && *at_ms < earliest_ms)
		return trib_fail(error, TRIB_REFUSED, at, "found %lld, expected %lld or later: now and the notice of its play",
				 (long long)*at_ms, (long long)earliest_ms);
	*at_ms = stated ? *at_ms : earliest_ms;
	return TRIB_OK;
}

/* --- Actions ------------------------------------------------------------------------------------------ */

trib_status points_before_action(struct trib_engine *engine, const struct trib_call *call,
				 const Tributary__ActionRequest **body, struct engine_flow *ret_flow, struct trib_error *error)
{
	bool delists = trib_bytes_is(call->action, "delist");
	uint32_t number = call->noun == TRIB_NOUN_ACTIVITY ? trib_domain_find(engine->domain, call->noun, call->name) : 0;
	const struct trib_play *play;
	const ProtobufCMessage *activity;
	struct trib_buffer json;
	trib_status status;

	*ret_flow = (struct engine_flow){ 0 };
	if (!number || (!delists && !trib_bytes_is(call->action, "stop")) || !trib_playbook_count(engine->plays))
		return TRIB_OK;
	status = read_entity(engine, TRIB_NOUN_ACTIVITY, number, &activity, error);
	if (status == TRIB_OK)
		status = find_asked(engine, activity, TRIB_FLOW_ACTIVITY_CLOSE, &play, error);
	if (status != TRIB_OK || !play)
		return status;
	open_input(engine, "activity", activity, &json);
	flows_add_text(&json, "reason", *body ? (*body)->reason : NULL);
	status = run(engine, play, TRIB_FLOW_ACTIVITY_CLOSE, &json, TRIB_OK, ret_flow, error);
	if (status != TRIB_OK || !delists || !notice_of(ret_flow))
		return status;
	Tributary__ActionRequest *copy = trib_arena_alloc(&engine->arena, sizeof(*copy));

	if (!copy)
		return trib_fail(error, TRIB_NO_MEMORY, "flow", "out of the memory granted to a command");
	if (*body)
		*copy = **body;
	else
		tributary__action_request__init(copy);
	status = leave_room(engine, "at", copy->has_at, notice_of(ret_flow), &copy->at, error);
	copy->has_at = true;
	*body = copy;
	return status;
}

trib_status points_action(struct trib_engine *engine, const struct trib_call *call, struct engine_flow *ret_flow,
			  struct trib_error *error)
{
	const Tributary__ActionRequest *body = (const Tributary__ActionRequest *)call->body;
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_ENROLMENT, call->name);
	const struct trib_play *play;
	const ProtobufCMessage *enrolment;
	struct trib_buffer json;

	if (call->noun != TRIB_NOUN_ENROLMENT || !number || !trib_playbook_count(engine->plays) ||
	    (!trib_bytes_is(call->action, "withdraw") && !trib_bytes_is(call->action, "consent")))
		return TRIB_OK;
	trib_status status = read_entity(engine, TRIB_NOUN_ENROLMENT, number, &enrolment, error);

	if (status == TRIB_OK)
		status = find_asked(engine, enrolment, TRIB_FLOW_ENROLMENT_WITHDRAW, &play, error);
	if (status != TRIB_OK || !play)
		return status;
	const char *activity = ((const Tributary__Enrolment *)enrolment)->activity;
	uint32_t in = trib_domain_find(engine->domain, TRIB_NOUN_ACTIVITY, trib_bytes_text(activity ? activity : ""));
	bool promoting = trib_enrolment_state(engine->domain, number, engine->now_ms) != TRIB_ENROLMENT_SUBMITTED &&
			 trib_activity_phase(trib_domain_activity(engine->domain, in), engine->now_ms) == TRIB_ACTIVITY_PROMOTING;

	open_input(engine, "enrolment", enrolment, &json);
	flows_add_text(&json, "reason", body ? body->reason : NULL);
	add_bool(&json, "promoting", promoting);
	add_bool(&json, "consent", promoting); /* the platform asks the leader for it, or has */
	return run(engine, play, TRIB_FLOW_ENROLMENT_WITHDRAW, &json, TRIB_OK, ret_flow, error);
}

/* --- Goods -------------------------------------------------------------------------------------------- */

trib_status points_withdraw_goods(struct trib_engine *engine, struct trib_bytes id, const char *reason, bool states_from,
				  int64_t *from_ms, struct engine_flow *ret_flow, struct trib_error *error)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_GOODS, id);
	const struct trib_play *play;
	const ProtobufCMessage *goods;
	struct trib_buffer json;

	*ret_flow = (struct engine_flow){ 0 };
	if (!number || !trib_playbook_count(engine->plays))
		return TRIB_OK;
	trib_status status = read_entity(engine, TRIB_NOUN_GOODS, number, &goods, error);

	if (status == TRIB_OK)
		status = find_asked(engine, goods, TRIB_FLOW_GOODS_WITHDRAW, &play, error);
	if (status != TRIB_OK || !play)
		return status;
	open_input(engine, "goods", goods, &json);
	flows_add_text(&json, "reason", reason);
	status = run(engine, play, TRIB_FLOW_GOODS_WITHDRAW, &json, TRIB_OK, ret_flow, error);
	return status == TRIB_OK && notice_of(ret_flow) ?
		       leave_room(engine, "from", states_from, notice_of(ret_flow), from_ms, error) :
		       status;
}

trib_status points_check_goods(struct trib_engine *engine, const Tributary__Goods *goods, struct trib_error *error)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_GOODS, trib_bytes_text(goods->id ? goods->id : ""));
	const struct trib_play *play;
	const ProtobufCMessage *stands;

	if (!number || !goods->status || !strcmp(goods->status, "active") || !trib_playbook_count(engine->plays) ||
	    trib_domain_goods(engine->domain, number)->status != TRIB_WORD_ACTIVE)
		return TRIB_OK;
	trib_status status = read_entity(engine, TRIB_NOUN_GOODS, number, &stands, error);

	if (status == TRIB_OK)
		status = find_asked(engine, stands, TRIB_FLOW_GOODS_WITHDRAW, &play, error);
	if (status != TRIB_OK || !play)
		return status;
	return trib_fail(error, TRIB_REFUSED, "status", "found %.20s, expected it by PUT /goods/{id}/status, where its play has a say",
			 goods->status);
}

/* --- Payouts ------------------------------------------------------------------------------------------ */

trib_status points_payout(struct trib_engine *engine, uint32_t party, int64_t amount, int64_t balance,
			  struct engine_flow *ret_flow, struct trib_error *error)
{
	const struct trib_play *play;
	const ProtobufCMessage *entity;
	struct trib_buffer json;

	*ret_flow = (struct engine_flow){ 0 };
	if (!trib_playbook_count(engine->plays))
		return TRIB_OK;
	trib_status status = read_entity(engine, TRIB_NOUN_PARTY, party, &entity, error);

	if (status == TRIB_OK)
		status = find_asked(engine, entity, TRIB_FLOW_PAYOUT_PUT, &play, error);
	if (status != TRIB_OK || !play)
		return status;
	open_input(engine, "party", entity, &json);
	add_int(&json, "amount", amount);
	add_int(&json, "balance", balance);
	return run(engine, play, TRIB_FLOW_PAYOUT_PUT, &json, TRIB_OK, ret_flow, error);
}

/* --- What the engine looks at --------------------------------------------------------------------------- */

trib_status points_sample(struct trib_engine *engine, const Tributary__Sample *sample, bool listed, int64_t sold,
			  bool *fulfilled, bool *overdue, struct engine_flow *ret_flow, struct trib_error *error)
{
	const struct trib_play *play;
	struct trib_buffer json;

	*ret_flow = (struct engine_flow){ 0 };
	trib_status status = find_asked(engine, &sample->base, TRIB_FLOW_SAMPLE_CHECK, &play, error);

	if (status != TRIB_OK || !play)
		return status;
	trib_buffer_init(&json, TRIB_LIMIT_FLOW_BYTES / 4);
	trib_buffer_add_text(&json, "{\"sample\":");
	trib_proto_to_json(&sample->base, TRIB_PROTO_SET_FIELDS, &json);
	trib_buffer_add_text(&json, ",\"rule\":");
	if (sample->terms)
		trib_proto_to_json(&sample->terms->base, TRIB_PROTO_SET_FIELDS, &json);
	else
		trib_buffer_add_text(&json, "{}");
	add_bool(&json, "listed", listed);
	add_int(&json, "sold", sold);
	add_int(&json, "due_at", sample->due_at);
	add_int(&json, "now", engine->now_ms);
	status = run(engine, play, TRIB_FLOW_SAMPLE_CHECK, &json, TRIB_OK, ret_flow, error);
	if (status == TRIB_OK) {
		*fulfilled = trib_flow_value(&ret_flow->run, "fulfilled").boolean;
		*overdue = trib_flow_value(&ret_flow->run, "overdue").boolean;
	}
	return status;
}

trib_status points_managed(struct trib_engine *engine, const Tributary__Plan *plan, const struct managed_look *look,
			   int64_t measured, int32_t *rate_bps, const char **reason, struct engine_flow *ret_flow,
			   struct trib_error *error)
{
	const struct trib_play *play;
	struct trib_buffer json;

	*ret_flow = (struct engine_flow){ 0 };
	trib_status status = find_asked(engine, &plan->base, TRIB_FLOW_MANAGED_MOVE, &play, error);

	if (status != TRIB_OK || !play)
		return status;
	trib_buffer_init(&json, TRIB_LIMIT_FLOW_BYTES / 4);
	trib_buffer_add_text(&json, "{\"plan\":");
	trib_proto_to_json(&plan->base, TRIB_PROTO_SET_FIELDS, &json);
	add_int(&json, "commission_bps", look->rate_bps);
	add_int(&json, "min_bps", look->min_bps);
	add_int(&json, "max_bps", look->max_bps);
	add_int(&json, "goal", look->target);
	add_int(&json, "sold", measured);
	add_int(&json, "step_bps", look->step_bps);
	add_int(&json, "now", engine->now_ms);
	status = run(engine, play, TRIB_FLOW_MANAGED_MOVE, &json, TRIB_OK, ret_flow, error);
	if (status != TRIB_OK)
		return status;
	int64_t rate = trib_flow_value(&ret_flow->run, "commission_bps").integer;
	struct trib_value why = trib_flow_value(&ret_flow->run, "reason");

	*rate_bps = (int32_t)TRIB_MAX((int64_t)look->min_bps, TRIB_MIN(rate, (int64_t)look->max_bps));
	if (why.size)
		*reason = trib_arena_copy(&engine->flow_arena, trib_bytes(why.text, TRIB_MIN(why.size, (uint32_t)200)));
	return TRIB_OK;
}

/* --- Shelves ------------------------------------------------------------------------------------------ */

trib_status points_list(struct trib_engine *engine, uint32_t creator, uint32_t goods, uint32_t offer, uint32_t plan,
			const char *group, struct trib_error *error)
{
	const struct trib_plan *row = trib_domain_plan(engine->domain, plan);
	struct trib_bytes name = row->play ? trib_names_text(trib_domain_plays(engine->domain), row->play) : trib_bytes("", 0);
	const struct trib_play *play = row->play ? trib_playbook_find(engine->plays, name, row->play_version, error) : NULL;
	const ProtobufCMessage *entity;
	struct engine_flow flow;
	struct trib_buffer json;

	if (!play || trib_flow_is_default(play, TRIB_FLOW_SHELF_LIST))
		return TRIB_OK;
	trib_status status = read_entity(engine, TRIB_NOUN_PARTY, creator, &entity, error);

	if (status != TRIB_OK)
		return status;
	open_input(engine, "creator", entity, &json);
	trib_buffer_add_text(&json, ",\"entry\":{\"goods\":");
	trib_json_add_string(&json, trib_domain_id(engine->domain, TRIB_NOUN_GOODS, goods));
	trib_buffer_add_text(&json, ",\"offer\":");
	trib_json_add_string(&json, offer ? trib_domain_id(engine->domain, TRIB_NOUN_PLAN, offer) : trib_bytes("", 0));
	flows_add_text(&json, "group", group);
	trib_buffer_add_text(&json, "},\"goods\":");
	if ((status = read_entity(engine, TRIB_NOUN_GOODS, goods, &entity, error)) == TRIB_OK)
		trib_proto_to_json(entity, TRIB_PROTO_SET_FIELDS, &json);
	trib_buffer_add_text(&json, ",\"offer\":");
	if (status == TRIB_OK && (status = read_entity(engine, TRIB_NOUN_PLAN, plan, &entity, error)) == TRIB_OK)
		trib_proto_to_json(entity, TRIB_PROTO_SET_FIELDS, &json);
	trib_buffer_add_text(&json, ",\"plan\":");
	if (status == TRIB_OK)
		trib_proto_to_json(entity, TRIB_PROTO_SET_FIELDS, &json);
	return run(engine, play, TRIB_FLOW_SHELF_LIST, &json, status, &flow, error);
}
