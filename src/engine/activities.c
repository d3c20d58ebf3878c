/*
 * Calls about activities beyond PUT and actions: many enrolments at once, lists of them; and the watch over the prices of
 * goods that are enrolled. What may be stands in domain/activity_check.c.
 */
#include "engine/state.h"

/* --- Who is told -------------------------------------------------------------------------------------- */

static void add_member(struct trib_buffer *json, const char *name, const char *text)
{
	if (!text)
		return;
	trib_buffer_add_format(json, "%c\"%s\":", json->size ? ',' : '{', name);
	trib_json_add_string(json, trib_bytes_text(text));
}

/* One effect: "enrolment.approved", to the merchant. */
static trib_status tell(struct trib_engine *engine, enum trib_noun noun, const char *id, const char *what, const char *to,
			struct trib_buffer *json, struct trib_error *error)
{
	char kind[64], entity[96];

	snprintf(kind, sizeof(kind), "%s.%s", trib_noun_word(noun), what);
	snprintf(entity, sizeof(entity), "%s/%s", trib_noun_word(noun), id);
	trib_buffer_add_char(json, '}');
	const struct engine_effect effect = { .kind = kind,
					      .to = trib_bytes_text(to),
					      .body = trib_buffer_bytes(json),
					      .entity = trib_bytes_text(entity) };
	trib_status status = engine_outbox_add(engine, &effect, error);

	trib_buffer_fini(json);
	return status;
}

/* The leader is told of what waits for it and of prices, the merchant of what was decided. */
static trib_status tell_of_enrolment(struct trib_engine *engine, const Tributary__Enrolment *enrolment,
				     struct trib_bytes action, struct trib_error *error)
{
	bool of_price = action.size > 6 && memcmp(action.data, "price_", 6) == 0;
	bool asks = !action.size || trib_bytes_is(action, "withdraw") || of_price;
	const char *what = of_price ? (enrolment->violation ? "price_raised" : "price_restored") : enrolment->status;
	struct trib_buffer json;

	/* A PUT is told of where somebody is to look at it; an offer more is nobody's concern but its leader's. */
	if ((!action.size && strcmp(enrolment->status, "submitted") != 0) || trib_bytes_is(action, "offer"))
		return TRIB_OK;
	trib_buffer_init(&json, 64 << 10);
	add_member(&json, "activity", enrolment->activity);
	add_member(&json, "goods", enrolment->goods);
	add_member(&json, "merchant", enrolment->merchant);
	add_member(&json, "leader", enrolment->leader);
	add_member(&json, "status", enrolment->status);
	add_member(&json, "reason", enrolment->reason);
	trib_buffer_add_format(&json, ",\"commission_bps\":%d,\"service_bps\":%d,\"price\":%lld", enrolment->commission_bps,
			       enrolment->service_bps, (long long)enrolment->price);
	if (enrolment->violation)
		trib_buffer_add_format(&json, ",\"raised_to\":%lld,\"effect\":\"%s\"",
				       (long long)enrolment->violation->price, enrolment->violation->effect);
	return tell(engine, TRIB_NOUN_ENROLMENT, enrolment->id, what, asks ? enrolment->leader : enrolment->merchant, &json,
		    error);
}

/* Either leader of what the other one does. */
static trib_status tell_of_cooperation(struct trib_engine *engine, const Tributary__Cooperation *cooperation,
				       struct trib_error *error)
{
	const struct trib_actor *actor = trib_domain_actor(engine->domain);
	bool by_first = trib_bytes_is(actor->party_id, cooperation->leader1);
	struct trib_buffer json;

	trib_buffer_init(&json, 64 << 10);
	add_member(&json, "activity", cooperation->activity);
	add_member(&json, "leader1", cooperation->leader1);
	add_member(&json, "leader2", cooperation->leader2);
	add_member(&json, "status", cooperation->status);
	trib_buffer_add_format(&json, ",\"service2_bps\":%d", cooperation->service2_bps);
	return tell(engine, TRIB_NOUN_COOPERATION, cooperation->id, cooperation->status,
		    by_first ? cooperation->leader2 : cooperation->leader1, &json, error);
}

static trib_status tell_of_activity(struct trib_engine *engine, const Tributary__Activity *activity, struct trib_error *error)
{
	struct trib_buffer json;

	trib_buffer_init(&json, 64 << 10);
	add_member(&json, "leader", activity->leader);
	add_member(&json, "status", activity->status);
	if (activity->has_delist_at)
		trib_buffer_add_format(&json, ",\"delist_at\":%lld", (long long)activity->delist_at);
	return tell(engine, TRIB_NOUN_ACTIVITY, activity->id, activity->status, activity->leader, &json, error);
}

trib_status activities_tell(struct trib_engine *engine, const struct trib_domain_decision *decision, struct trib_bytes action,
			    struct trib_error *error)
{
	const Tributary__Event *put = decision->event_count ? &decision->events[decision->event_count - 1] : NULL;

	if (!put || !outbox_is_used(engine))
		return TRIB_OK;
	switch (put->kind_case) {
	case TRIBUTARY__EVENT__KIND_ENROLMENT_PUT:
		return tell_of_enrolment(engine, put->enrolment_put->enrolment, action, error);
	case TRIBUTARY__EVENT__KIND_COOPERATION_PUT:
		return tell_of_cooperation(engine, put->cooperation_put->cooperation, error);
	case TRIBUTARY__EVENT__KIND_ACTIVITY_PUT:
		return action.size ? tell_of_activity(engine, put->activity_put->activity, error) : TRIB_OK;
	default:
		return TRIB_OK;
	}
}

/* --- Many at once ------------------------------------------------------------------------------------- */

/* An answer of one item each; what was refused leaves the others alone. */
struct bulk {
	struct trib_call *call;
	uint64_t accepted, refused;
};

static void begin_bulk(struct trib_call *call, struct bulk *bulk)
{
	*bulk = (struct bulk){ .call = call };
	trib_buffer_add_text(&call->reply, "{\"items\":[");
}

/* TRIB_OK: go on with the next one. */
static trib_status add_item(struct bulk *bulk, const char *id, trib_status status, const char *led_to,
			    const struct trib_error *error)
{
	struct trib_buffer *json = &bulk->call->reply;

	if (trib_status_retriable(status)) {
		bulk->call->error = *error;
		return status;
	}
	trib_buffer_add_text(json, bulk->accepted + bulk->refused ? ",{\"id\":" : "{\"id\":");
	trib_json_add_string(json, trib_bytes_text(id ? id : ""));
	if (status == TRIB_OK) {
		bulk->accepted++;
		trib_buffer_add_format(json, ",\"status\":\"%s\"}", led_to);
		return TRIB_OK;
	}
	bulk->refused++;
	trib_buffer_add_format(json, ",\"code\":\"%s\",\"at\":", trib_status_word(status));
	trib_json_add_string(json, trib_bytes_text(error->at));
	trib_buffer_add_text(json, ",\"detail\":");
	trib_json_add_string(json, trib_bytes_text(error->text));
	trib_buffer_add_char(json, '}');
	return TRIB_OK;
}

static trib_status end_bulk(struct trib_engine *engine, const struct bulk *bulk)
{
	trib_buffer_add_format(&bulk->call->reply, "],\"accepted\":%llu,\"refused\":%llu,\"position\":%llu}",
			       (unsigned long long)bulk->accepted, (unsigned long long)bulk->refused,
			       (unsigned long long)engine->position);
	return TRIB_OK;
}

/* The effects come first: where there is no room for them, nothing has happened yet. */
static trib_status act(struct trib_engine *engine, struct trib_bytes enrolment, struct trib_bytes action,
		       const Tributary__ActionRequest *request, const char **ret_led_to, struct trib_error *error)
{
	struct trib_domain_decision decision;
	trib_status status = trib_domain_decide_action(engine->domain, TRIB_NOUN_ENROLMENT, enrolment, action, request,
						       engine->now_ms, &engine->arena, &decision, ret_led_to, error);

	if (status == TRIB_OK)
		status = activities_tell(engine, &decision, action, error);
	return status == TRIB_OK ? engine_emit_all(engine, &decision, error) : status;
}

/* A merchant need not say that the goods are its own. */
static trib_status enrol(struct trib_engine *engine, const struct trib_call *call, const Tributary__Enrolment *given,
			 struct trib_error *error)
{
	Tributary__Enrolment enrolment = *given;
	struct trib_domain_decision decision;

	if (enrolment.activity && !trib_bytes_is(call->name, enrolment.activity))
		return trib_fail(error, TRIB_INVALID, "activity", "found \"%.64s\", expected the one of the path",
				 enrolment.activity);
	enrolment.activity = trib_arena_copy(&engine->arena, call->name);
	if (!access_has_goods(engine, call, enrolment.goods))
		return trib_fail(error, TRIB_INVALID, "goods", "found \"%.64s\", expected the id of a known goods",
				 enrolment.goods ? enrolment.goods : "");
	if (!enrolment.merchant && call->actor.role == TRIB_ACCESS_MERCHANT)
		enrolment.merchant = trib_arena_copy(&engine->arena, call->actor.party_id);
	return put_one(engine, TRIB_NOUN_ENROLMENT, &enrolment.base, &decision, error);
}

trib_status call_enrol(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__EnrolRequest *body = (const Tributary__EnrolRequest *)call->body;
	trib_status status = engine_begin(engine, 0, &call->error);
	struct bulk bulk;

	if (status != TRIB_OK)
		return status;
	if (!trib_domain_find(engine->domain, TRIB_NOUN_ACTIVITY, call->name))
		return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"" TRIB_BYTES_FMT "\", expected the id of a known activity",
				 TRIB_BYTES_ARG(call->name));
	begin_bulk(call, &bulk);
	for (size_t i = 0; status == TRIB_OK && i < body->n_items; i++) {
		struct trib_error error;
		const char *id = body->items[i]->id;

		trib_arena_reset(&engine->arena);
		status = enrol(engine, call, body->items[i], &error);
		uint32_t number = id ? trib_domain_find(engine->domain, TRIB_NOUN_ENROLMENT, trib_bytes_text(id)) : 0;

		status = add_item(&bulk, id, status,
				  trib_enrolment_state_word(trib_enrolment_state(engine->domain, number, engine->now_ms)), &error);
	}
	return status == TRIB_OK ? end_bulk(engine, &bulk) : status;
}

trib_status call_enrolments_act(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__BulkRequest *body = (const Tributary__BulkRequest *)call->body;
	trib_status status = engine_begin(engine, 0, &call->error);
	struct bulk bulk;

	if (status != TRIB_OK)
		return status;
	begin_bulk(call, &bulk);
	for (size_t i = 0; status == TRIB_OK && i < body->n_items; i++) {
		Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
		const Tributary__BulkItem *item = body->items[i];
		const char *led_to = NULL;
		struct trib_error error;

		request.reason = item->reason ? item->reason : body->reason;
		trib_arena_reset(&engine->arena);
		status = access_may_act(engine, call, TRIB_NOUN_ENROLMENT, trib_bytes_text(item->id), &error);
		if (status == TRIB_OK)
			status = act(engine, trib_bytes_text(item->id), trib_bytes_text(body->action), &request, &led_to, &error);
		status = add_item(&bulk, item->id, status, led_to, &error);
	}
	return status == TRIB_OK ? end_bulk(engine, &bulk) : status;
}

/* Either leader may take goods of the activity for a cooperation: what the other agreed to when it was made. */
static trib_status may_offer(struct trib_engine *engine, struct trib_call *call)
{
	const struct trib_actor *actor = &call->actor;
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_COOPERATION, call->name);
	const struct trib_cooperation *cooperation = trib_domain_cooperation(engine->domain, number);

	if (!number)
		return trib_fail(&call->error, TRIB_NOT_FOUND, "id",
				 "found \"" TRIB_BYTES_FMT "\", expected the id of a known cooperation", TRIB_BYTES_ARG(call->name));
	if (actor->role == TRIB_ACCESS_ADMIN || actor->role == TRIB_ACCESS_OPERATOR)
		return TRIB_OK;
	uint32_t party = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, actor->party_id);

	if (actor->role == TRIB_ACCESS_LEADER && party &&
	    (party == cooperation->leader2 || party == trib_domain_activity(engine->domain, cooperation->activity)->leader))
		return TRIB_OK;
	return trib_fail(&call->error, TRIB_FORBIDDEN, "", "found somebody else, expected one of the two leaders");
}

/* To a leader, what other activities have recruited is as unknown as what is not there. */
static trib_status is_recruited(struct trib_engine *engine, const struct trib_call *call, const char *id, struct trib_error *error)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_ENROLMENT, trib_bytes_text(id));
	uint32_t cooperation = trib_domain_find(engine->domain, TRIB_NOUN_COOPERATION, call->name);

	if (!trib_access_role_has_party(call->actor.role) ||
	    (number && trib_domain_enrolment(engine->domain, number)->activity ==
			       trib_domain_cooperation(engine->domain, cooperation)->activity))
		return TRIB_OK;
	return trib_fail(error, TRIB_NOT_FOUND, "id", "found \"%.64s\", expected the id of a known enrolment", id);
}

trib_status call_cooperation_offer(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__OfferRequest *body = (const Tributary__OfferRequest *)call->body;
	trib_status status = engine_begin(engine, 0, &call->error);
	const struct trib_actor platform = { .role = TRIB_ACCESS_OPERATOR, .name = call->actor.name };
	char *cooperation = strndup(call->name.data, call->name.size);
	struct bulk bulk;

	if (status == TRIB_OK)
		status = may_offer(engine, call);
	if (status == TRIB_OK)
		begin_bulk(call, &bulk);
	trib_domain_set_actor(engine->domain, &platform);
	for (size_t i = 0; status == TRIB_OK && i < body->n_enrolments; i++) {
		Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
		const char *led_to = NULL;
		struct trib_error error;

		request.cooperation = cooperation;
		trib_arena_reset(&engine->arena);
		status = is_recruited(engine, call, body->enrolments[i], &error);
		if (status == TRIB_OK)
			status = act(engine, trib_bytes_text(body->enrolments[i]), trib_bytes_text("offer"), &request, &led_to, &error);
		status = add_item(&bulk, body->enrolments[i], status, led_to, &error);
	}
	trib_domain_set_actor(engine->domain, &call->actor);
	free(cooperation);
	return status == TRIB_OK ? end_bulk(engine, &bulk) : status;
}

/* --- Lists -------------------------------------------------------------------------------------------- */

enum { LOOKED_AT_MAX = 20000 }; /* enrolments a page; the next page goes on */

static enum trib_noun noun_of(enum trib_enrolments_by by)
{
	return by == TRIB_ENROLMENTS_OF_ACTIVITY ? TRIB_NOUN_ACTIVITY :
	       by == TRIB_ENROLMENTS_OF_GOODS	 ? TRIB_NOUN_GOODS :
						   TRIB_NOUN_PARTY;
}

/* False where it is another's, or cannot be read. */
static bool add_entity(struct trib_engine *engine, const struct trib_call *call, enum trib_noun noun, uint32_t number,
		       bool first, struct trib_buffer *json)
{
	struct trib_record *record = trib_domain_record(engine->domain, noun, number);
	struct trib_entity entity;
	struct trib_error error;
	trib_status status;

	trib_arena_reset(&engine->arena);
	status = trib_record_unpack(record, noun, &engine->arena, &entity, &error);
	trib_record_unref(record);
	if (status != TRIB_OK || !access_show(engine, call, noun, &entity))
		return false;
	if (!first)
		trib_buffer_add_char(json, ',');
	trib_proto_to_json(entity.message, TRIB_PROTO_ALL_FIELDS, json);
	return true;
}

/* Of an activity that is over, what was approved has ended. */
static void add_counts(const struct trib_engine *engine, const struct trib_activity *activity, struct trib_buffer *json)
{
	bool over = trib_activity_is_over(activity, engine->now_ms);
	const uint32_t *counts = activity->counts;
	uint32_t approved = counts[TRIB_ENROLMENT_APPROVED], withdrawing = counts[TRIB_ENROLMENT_WITHDRAWING];

	trib_buffer_add_format(json,
			       ",\"counts\":{\"submitted\":%u,\"approved\":%u,\"rejected\":%u,\"withdrawing\":%u,"
			       "\"withdrawn\":%u,\"ended\":%u}",
			       counts[TRIB_ENROLMENT_SUBMITTED], over ? 0 : approved, counts[TRIB_ENROLMENT_REJECTED],
			       over ? 0 : withdrawing, counts[TRIB_ENROLMENT_WITHDRAWN],
			       counts[TRIB_ENROLMENT_ENDED] + (over ? approved + withdrawing : 0));
}

/* A cursor is the enrolment that the page before ended with. */
static trib_status read_list(struct trib_engine *engine, struct trib_call *call, struct trib_enrolment_list *list,
			     enum trib_enrolment_state *ret_state)
{
	uint64_t last = 0;

	*ret_state = (enum trib_enrolment_state)0;
	list->number = trib_domain_find(engine->domain, noun_of(list->by), call->name);
	if (!list->number)
		return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"" TRIB_BYTES_FMT "\", expected the id of a known %s",
				 TRIB_BYTES_ARG(call->name), trib_noun_word(noun_of(list->by)));
	if (call->stage.size && !trib_enrolment_state_of_word(call->stage, ret_state))
		return engine_refuse(&call->error, "status", call->stage,
				     "submitted, approved, rejected, withdrawing, withdrawn, ended or closed");
	if (call->cursor.size && (!trib_bytes_to_u64(call->cursor, &last) || last == 0 ||
				  last > trib_domain_count(engine->domain, TRIB_NOUN_ENROLMENT)))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	list->last = (uint32_t)last;
	if (last) { /* it may be of another list: then there is nothing behind it */
		const struct trib_enrolment *enrolment = trib_domain_enrolment(engine->domain, list->last);

		if (list->number != (list->by == TRIB_ENROLMENTS_OF_ACTIVITY ? enrolment->activity :
				     list->by == TRIB_ENROLMENTS_OF_GOODS    ? enrolment->goods :
									       enrolment->merchant))
			return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	}
	return TRIB_OK;
}

trib_status call_enrolments(struct trib_engine *engine, struct trib_call *call, enum trib_enrolments_by by)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), count = 0, looked = 0;
	struct trib_enrolment_list list = { .by = by };
	enum trib_enrolment_state wanted;
	trib_status status = read_list(engine, call, &list, &wanted);
	uint32_t number = 1;

	/* Whose party that is, or nobody's, is not for leaders and creators to find out. */
	if (status == TRIB_NOT_FOUND && by == TRIB_ENROLMENTS_OF_MERCHANT && trib_access_role_has_party(call->actor.role)) {
		trib_buffer_add_text(&call->reply, "{\"items\":[],\"next_cursor\":null}");
		return TRIB_OK;
	}
	if (status != TRIB_OK)
		return status;
	engine_begin(engine, 0, &call->error); /* what has ended goes by the time of now */
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	while (count < limit && looked++ < LOOKED_AT_MAX && (number = trib_enrolment_next(engine->domain, &list)))
		if (!wanted || trib_enrolment_state(engine->domain, number, engine->now_ms) == wanted)
			count += add_entity(engine, call, TRIB_NOUN_ENROLMENT, number, count == 0, &call->reply);
	if (number && list.last)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%u\"", list.last);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null");
	if (by == TRIB_ENROLMENTS_OF_ACTIVITY && access_may_act(engine, call, TRIB_NOUN_ACTIVITY, call->name, &call->error) == TRIB_OK)
		add_counts(engine, trib_domain_activity(engine->domain, list.number), &call->reply);
	trib_buffer_add_char(&call->reply, '}');
	return TRIB_OK;
}

trib_status call_cooperations(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), count = 0, number, last = 0;
	uint32_t activity = trib_domain_find(engine->domain, TRIB_NOUN_ACTIVITY, call->name);
	uint64_t after = 0;

	if (!activity)
		return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"" TRIB_BYTES_FMT "\", expected the id of a known activity",
				 TRIB_BYTES_ARG(call->name));
	if (call->cursor.size &&
	    (!trib_bytes_to_u64(call->cursor, &after) || after == 0 ||
	     after > trib_domain_count(engine->domain, TRIB_NOUN_COOPERATION) ||
	     trib_domain_cooperation(engine->domain, (uint32_t)after)->activity != activity))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	number = after ? trib_domain_cooperation(engine->domain, (uint32_t)after)->before :
			 trib_domain_activity(engine->domain, activity)->newest_cooperation;
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	for (; number && count < limit; number = trib_domain_cooperation(engine->domain, number)->before) {
		count += add_entity(engine, call, TRIB_NOUN_COOPERATION, number, count == 0, &call->reply);
		last = number;
	}
	if (number)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%u\"}", last);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}

/* --- The price watch ---------------------------------------------------------------------------------- */

/* Above the enrolled price, and not told so yet; or no longer above it. */
static const char *verdict_of(const struct trib_engine *engine, uint32_t number, int64_t price)
{
	const struct trib_enrolment *enrolment = trib_domain_enrolment(engine->domain, number);
	enum trib_enrolment_state state = trib_enrolment_state(engine->domain, number, engine->now_ms);

	if (state != TRIB_ENROLMENT_APPROVED && state != TRIB_ENROLMENT_WITHDRAWING)
		return NULL;
	if (price > enrolment->price)
		return enrolment->violated ? NULL : "price_raised";
	return enrolment->violated ? "price_restored" : NULL;
}

trib_status activities_watch_price(struct trib_engine *engine, uint32_t goods, struct trib_error *error)
{
	static const struct trib_actor watch = { .role = TRIB_ACCESS_ENGINE,
						 .name = { .data = "price_watch", .size = sizeof("price_watch") - 1 } };
	const struct trib_actor *asking = trib_domain_actor(engine->domain);
	struct trib_enrolment_list list = { .by = TRIB_ENROLMENTS_OF_GOODS, .number = goods };
	trib_status status = TRIB_OK;

	if (TRIB_LIKELY(!trib_goods_are_enrolled(engine->domain, goods)))
		return TRIB_OK;
	trib_domain_set_actor(engine->domain, &watch);
	for (uint32_t number; status == TRIB_OK && (number = trib_enrolment_next(engine->domain, &list));) {
		const char *verdict = verdict_of(engine, number, trib_domain_goods(engine->domain, goods)->price);
		const char *led_to;

		if (verdict)
			status = act(engine, trib_domain_id(engine->domain, TRIB_NOUN_ENROLMENT, number),
				     trib_bytes_text(verdict), NULL, &led_to, error);
		if (verdict && status == TRIB_OK)
			status = access_note_act(engine, verdict, TRIB_NOUN_ENROLMENT, number, error);
		/* That one cannot be marked is no reason to refuse the price, which is a fact. */
		if (!trib_status_retriable(status))
			status = TRIB_OK;
	}
	trib_domain_set_actor(engine->domain, asking);
	return status;
}
