/*
 * Calls: what the HTTP door asks. They come over a ring from any thread, are decided here in the order in which
 * they came, and are given back when what they saw is durable.
 */
#include "engine/business.h"
#include "engine/flow_points.h"
#include "engine/simulations.h"
#include "engine/sites.h"
#include "engine/state.h"

#include <unistd.h>

enum { RING_CALLS_MAX = 4096 };

struct waiting {
	struct trib_call *call;
	uint64_t ticket;
};

trib_status engine_refuse(struct trib_error *error, const char *at, struct trib_bytes found, const char *expected)
{
	return trib_fail(error, TRIB_INVALID, at, "found \"%.*s\", expected %s", (int)TRIB_MIN(found.size, (size_t)64),
			 found.data, expected);
}

/* --- The ring ----------------------------------------------------------------------------------------- */

bool trib_engine_submit(struct trib_engine *engine, struct trib_call *call)
{
	if (__atomic_add_fetch(&engine->ring_count, 1, __ATOMIC_RELAXED) > RING_CALLS_MAX) {
		__atomic_sub_fetch(&engine->ring_count, 1, __ATOMIC_RELAXED);
		return false;
	}
	call->next = __atomic_load_n(&engine->ring, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&engine->ring, &call->next, call, true, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED))
		;
	trib_bell_ring(&engine->bell);
	return true;
}

int trib_engine_call_fd(const struct trib_engine *engine)
{
	return engine->bell.fd;
}

void calls_init(struct trib_engine *engine)
{
	trib_assert(trib_bell_init(&engine->bell) == 0);
	engine->waiting = (struct log_of){ .item_size = sizeof(struct waiting) };
	compiler_init(engine);
}

void calls_fini(struct trib_engine *engine)
{
	compiler_fini(engine);
	trib_bell_fini(&engine->bell);
	free(engine->waiting.items);
}

/* --- Nouns -------------------------------------------------------------------------------------------- */

void calls_add_put_reply(struct trib_buffer *json, struct trib_bytes id, uint32_t number, uint32_t version,
			  uint64_t position)
{
	trib_buffer_add_text(json, "{\"id\":");
	trib_json_add_string(json, id);
	trib_buffer_add_format(json, ",\"number\":%u,\"version\":%u,\"position\":%llu}", number, version,
			       (unsigned long long)position);
}

/* A creator whose agency is paid for both: the line of that has no share to be named by, so its name gets a code here. */
static trib_status name_agency_pay(struct trib_engine *engine, const Tributary__Party *party,
				   struct trib_error *error)
{
	struct trib_bytes name = trib_bytes_text(trib_line_kind_word(TRIB_LINE_AGENCY_PAY));
	uint32_t code;

	for (size_t i = 0; i < party->n_agencies; i++)
		if (party->agencies[i]->pay && !strcmp(party->agencies[i]->pay, "all_to_agency"))
			return engine_code(engine, name, "agencies", &code, error);
	return TRIB_OK;
}

/* An entity's play has its say before it is decided. Where it waits for somebody, or is a dry run, nothing is put. */
static trib_status put_asked(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage *message, bool dry_run,
			   struct trib_domain_decision *ret_decision, struct engine_flow *ret_flow,
			   struct trib_error *error)
{
	trib_status status = engine_begin(engine, 0, error);

	*ret_flow = (struct engine_flow){ 0 };
	if (status == TRIB_OK)
		status = plays_settle(engine, noun, &message, error);
	if (status == TRIB_OK && noun == TRIB_NOUN_GOODS)
		status = points_check_goods(engine, (const Tributary__Goods *)message, error);
	if (status == TRIB_OK)
		status = flows_put(engine, noun, &message, ret_flow, error);
	if (status == TRIB_OK)
		status = trib_domain_decide_put(engine->domain, noun, message, engine->now_ms, &engine->arena,
						ret_decision, error);
	if (dry_run || status != TRIB_OK)
		return status;
	status = people_admit(engine, noun, ret_decision, error);
	if (status == TRIB_OK && ret_flow->ran && ret_decision->event_count)
		status = flows_put_end(engine, noun, message, ret_flow, error);
	if (status == TRIB_OK && ret_flow->run.waits)
		return TRIB_OK;
	if (status == TRIB_OK)
		status = activities_tell(engine, ret_decision, trib_bytes("", 0), error);
	if (status == TRIB_OK)
		status = people_emit(engine, noun, ret_decision, error);
	if (status == TRIB_OK && noun == TRIB_NOUN_PARTY)
		status = name_agency_pay(engine, (const Tributary__Party *)message, error);
	if (status == TRIB_OK && noun == TRIB_NOUN_GOODS)
		status = activities_watch_price(engine, ret_decision->number, error);
	if (status == TRIB_OK && ret_flow->ran && ret_decision->event_count)
		status = flows_put_decide(engine, noun, ret_decision->number, ret_flow, error);
	if (status == TRIB_OK && noun == TRIB_NOUN_SAMPLE && ret_decision->created)
		status = people_settle_sample(engine, ret_decision->number, error);
	return status;
}

trib_status put_one(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage *message,
		    struct trib_domain_decision *ret_decision, struct trib_error *error)
{
	struct engine_flow flow;

	return put_asked(engine, noun, message, false, ret_decision, &flow, error);
}

/* A refusal is what was asked for, too. */
static trib_status call_dry_put(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_domain_decision decision = { 0 };
	struct trib_buffer *json = &call->reply;
	struct engine_flow flow;
	trib_status status = put_asked(engine, call->noun, call->body, true, &decision, &flow, &call->error);

	if (status != TRIB_OK && trib_status_http(status) >= 500)
		return status;
	calls_add_put_reply(json, call->name, decision.number, decision.version, engine->position);
	json->size--; /* the brace */
	trib_buffer_add_text(json, ",\"dry_run\":{\"refused\":");
	if (status == TRIB_OK) {
		trib_buffer_add_text(json, "null");
	} else {
		trib_buffer_add_format(json, "{\"code\":\"%s\",\"at\":", trib_status_word(status));
		trib_json_add_string(json, trib_bytes_text(call->error.at));
		trib_buffer_add_text(json, ",\"detail\":");
		trib_json_add_string(json, trib_bytes_text(call->error.text));
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_format(json, ",\"waits\":%s,\"results\":", flow.run.waits ? "true" : "false");
	if (flow.run.row)
		trib_flow_write_results(&flow.run, json);
	else
		trib_buffer_add_text(json, "{}");
	if (!trib_access_role_has_party(call->actor.role)) { /* how a play comes to it is the platform's */
		trib_buffer_add_text(json, ",\"steps\":");
		trib_buffer_add_bytes(json, flow.run.trace.size ? flow.run.trace : trib_bytes("[]", 2));
	}
	trib_buffer_add_text(json, "}}");
	return TRIB_OK;
}

static trib_status call_put(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_domain_decision decision;
	struct engine_flow flow;

	if (call->dry_run)
		return call_dry_put(engine, call);
	trib_status status = put_asked(engine, call->noun, call->body, false, &decision, &flow, &call->error);

	if (status != TRIB_OK)
		return status;
	bool waits = flow.approval[0] && flow.run.waits;

	call->http_status = waits ? 202 : decision.created ? 201 : 200;
	calls_add_put_reply(&call->reply, call->name, waits && decision.created ? 0 : decision.number,
		      waits ? decision.version - 1 : decision.version, engine->position);
	if (flow.position) {
		call->reply.size--; /* the brace */
		trib_buffer_add_format(&call->reply, ",\"flow\":%llu", (unsigned long long)flow.position);
		if (flow.approval[0])
			trib_buffer_add_format(&call->reply, ",\"approval\":\"%s\"", flow.approval);
		trib_buffer_add_char(&call->reply, '}');
	}
	return TRIB_OK;
}

static trib_status call_close(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_domain_decision decision;
	struct engine_flow flow = { 0 };
	int64_t from_ms = 0;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK && call->noun == TRIB_NOUN_GOODS)
		status = points_withdraw_goods(engine, call->name, NULL, false, &from_ms, &flow, &call->error);
	if (status == TRIB_OK && from_ms)
		status = trib_fail(&call->error, TRIB_REFUSED, "status",
				   "found goods whose play gives creators notice, expected PUT …/status with `from`");
	if (status == TRIB_OK)
		status = trib_domain_decide_close(engine->domain, call->noun, call->name, engine->now_ms,
						  &engine->arena, &decision, &call->error);
	if (status == TRIB_OK && decision.event_count)
		status = engine_flow_end(engine, &flow,
					 &(struct engine_flow_about){ .noun = call->noun, .id = call->name }, &call->error);
	for (uint32_t i = 0; status == TRIB_OK && i < decision.event_count; i++)
		status = engine_emit(engine, &decision.events[i], &call->error);
	if (status == TRIB_OK)
		calls_add_put_reply(&call->reply, call->name, decision.number, decision.version, engine->position);
	return status;
}

static trib_status not_known(struct trib_call *call)
{
	return trib_fail(&call->error, TRIB_NOT_FOUND, trib_noun_word(call->noun), "found \"%.*s\", expected the id of a known %s",
			 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data, trib_noun_word(call->noun));
}

static trib_status add_entity(struct trib_engine *engine, struct trib_call *call, const struct trib_record *record)
{
	struct trib_entity entity;
	trib_status status = trib_record_unpack(record, call->noun, &engine->arena, &entity, &call->error);

	if (status != TRIB_OK)
		return status;
	if (call->noun == TRIB_NOUN_PLAN && !trib_domain_show_history(engine->domain, &entity, &engine->arena))
		return trib_fail(&call->error, TRIB_TOO_LARGE, "history", "found more than one answer may hold");
	if (!access_show(engine, call, call->noun, &entity))
		return not_known(call);
	trib_proto_to_json(entity.message, TRIB_PROTO_ALL_FIELDS, &call->reply);
	return TRIB_OK;
}

static trib_status call_get(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t number = trib_domain_find(engine->domain, call->noun, call->name);

	if (!number)
		return not_known(call);
	engine_begin(engine, 0, &call->error); /* the status shown is that of now */
	struct trib_record *record = trib_domain_record(engine->domain, call->noun, number);
	trib_status status = add_entity(engine, call, record);

	trib_record_unref(record);
	return status;
}

/* One page of the list: what the asker may see of it. */
static trib_status add_page(struct trib_engine *engine, struct trib_call *call, struct trib_record **records,
			    uint32_t count, uint32_t *filled)
{
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; i < count; i++) {
		struct trib_entity entity;

		trib_arena_reset(&engine->arena);
		if (status == TRIB_OK)
			status = trib_record_unpack(records[i], call->noun, &engine->arena, &entity, &call->error);
		trib_record_unref(records[i]);
		if (status != TRIB_OK || !access_show(engine, call, call->noun, &entity))
			continue;
		if ((*filled)++)
			trib_buffer_add_char(&call->reply, ',');
		trib_proto_to_json(entity.message, TRIB_PROTO_ALL_FIELDS, &call->reply);
	}
	return status;
}

/* An asker who sees little of a long list gets a page when there is one, or the cursor where the looking ended. */
static trib_status call_list(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS);
	uint32_t count = 0, filled = 0, scanned = 0;
	TRIB_AUTOFREE struct trib_record **records = trib_alloc_zeroed(limit, sizeof(*records));
	struct trib_bytes cursor = call->cursor;
	char at[TRIB_CURSOR_CHARS], next[TRIB_CURSOR_CHARS];
	trib_status status;

	engine_begin(engine, 0, &call->error);
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	do {
		status = trib_domain_list(engine->domain, call->noun, cursor, limit - filled, records, &count, next,
					  &call->error);
		if (status == TRIB_OK)
			status = add_page(engine, call, records, count, &filled);
		if (status != TRIB_OK)
			return status;
		memcpy(at, next, sizeof(at));
		cursor = trib_bytes_text(at);
		scanned += count;
	} while (next[0] && filled < limit && scanned < TRIB_LIMIT_AUDIT_SCANNED);
	trib_buffer_add_text(&call->reply, "],\"next_cursor\":");
	if (next[0])
		trib_json_add_string(&call->reply, trib_bytes_text(next));
	else
		trib_buffer_add_text(&call->reply, "null");
	trib_buffer_add_char(&call->reply, '}');
	return TRIB_OK;
}

static const char *id_of(const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "id");
	const char *id;

	memcpy(&id, (const char *)message + field->offset, sizeof(id));
	return id ? id : "";
}

/* All or none: every line is checked with the ids of those before it, then all are put. */
static bool import_passes(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_names *also = trib_names_new(&engine->table_key);
	struct engine_flow flow;
	bool passes = true;

	for (size_t i = 0; i < call->n_items; i++) {
		const ProtobufCMessage *item = call->items[i];

		if (item)
			call->item_status[i] = plays_settle(engine, call->noun, &item,
							    &call->item_errors[i]);
		if (item && call->item_status[i] == TRIB_OK)
			call->item_status[i] = flows_put(engine, call->noun, &item, &flow, &call->item_errors[i]);
		if (item && call->item_status[i] == TRIB_OK)
			call->item_status[i] = trib_domain_check_put(engine->domain, call->noun, item,
								     engine->now_ms, also, &engine->arena,
								     &call->item_errors[i]);
		if (call->items[i] && call->item_status[i] == TRIB_OK)
			trib_names_add(also, trib_bytes_text(id_of(call->items[i])));
		passes &= call->items[i] && call->item_status[i] == TRIB_OK;
		trib_arena_reset(&engine->arena);
	}
	trib_names_free(also);
	return passes;
}

static trib_status call_import(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_domain_decision decision;
	struct engine_flow flow;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status != TRIB_OK || (call->atomic && !import_passes(engine, call)))
		return status;
	for (size_t i = 0; i < call->n_items; i++) {
		if (!call->items[i])
			continue;
		call->item_status[i] = put_asked(engine, call->noun, call->items[i], false, &decision, &flow,
					       &call->item_errors[i]);
		trib_arena_reset(&engine->arena);
		if (call->item_status[i] == TRIB_READ_ONLY) {
			call->error = call->item_errors[i];
			return TRIB_READ_ONLY;
		}
	}
	return TRIB_OK;
}

/* --- Links, touches, orders --------------------------------------------------------------------------- */

static struct trib_bytes text_of(const char *text)
{
	return trib_bytes_text(text ? text : "");
}

static struct trib_carrier_request carrier_of(const Tributary__Carrier *carrier)
{
	if (!carrier)
		return (struct trib_carrier_request){ 0 };
	return (struct trib_carrier_request){ text_of(carrier->kind), text_of(carrier->id),
					      text_of(carrier->owner) };
}

static int compare_pairs(const void *left, const void *right)
{
	const struct trib_ext_pair *a = left, *b = right;

	return trib_bytes_compare(a->key, b->key);
}

bool trib_ext_sort(struct trib_ext_pair *pairs, size_t n)
{
	if (n > 1)
		qsort(pairs, n, sizeof(*pairs), compare_pairs);
	for (size_t i = 1; i < n; i++)
		if (trib_bytes_equal(pairs[i - 1].key, pairs[i].key))
			return false;
	return true;
}

/* Map entries of protobuf-c all look alike: key and value. */
static trib_status ext_of(struct trib_engine *engine, size_t n, void *entries,
			  const struct trib_ext_pair **ret_pairs, struct trib_error *error)
{
	Tributary__OrderRequest__ExtEntry **list = entries;
	struct trib_ext_pair *pairs = trib_arena_alloc(&engine->arena, (n + 1) * sizeof(*pairs));

	if (!pairs || n > TRIB_LIMIT_EXT_PAIRS)
		return trib_fail(error, TRIB_TOO_LARGE, "ext", "found %zu pairs, expected at most %d", n,
				 TRIB_LIMIT_EXT_PAIRS);
	for (size_t i = 0; i < n; i++) {
		pairs[i] = (struct trib_ext_pair){ text_of(list[i]->key), text_of(list[i]->value) };
		if (pairs[i].key.size == 0)
			return trib_fail(error, TRIB_INVALID, "ext", "found an empty name, expected one or more bytes");
	}
	trib_ext_sort(pairs, n);
	*ret_pairs = pairs;
	return TRIB_OK;
}

static trib_status call_link(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__LinkRequest *body = (const Tributary__LinkRequest *)call->body;
	struct trib_link_request request = { .channel = text_of(body->channel),
					     .creator = text_of(body->creator),
					     .goods = text_of(body->goods),
					     .offer = text_of(body->offer),
					     .scene = text_of(body->scene),
					     .page = text_of(body->page),
					     .carrier = carrier_of(body->carrier),
					     .has_at = body->has_at,
					     .at_ms = body->at,
					     .n_ext = (uint32_t)body->n_ext };
	char text[TRIB_LIMIT_TOKEN_CHARS];
	size_t size;
	enum trib_outcome outcome;
	/* EXT must outlive the reset that a command begins with: it is sorted where the request stands. */
	struct trib_ext_pair pairs[TRIB_LIMIT_EXT_PAIRS];
	trib_status status = ext_of(engine, body->n_ext, body->ext, &request.ext, &call->error);

	if (status != TRIB_OK)
		return status;
	if (body->n_ext)
		memcpy(pairs, request.ext, body->n_ext * sizeof(*pairs));
	request.ext = pairs;
	status = trib_engine_link(engine, &request, text, &size, &outcome, &call->error);
	if (outcome != TRIB_OUTCOME_NONE)
		call->code = trib_outcome_word(outcome);
	if (status != TRIB_OK)
		return status;
	trib_buffer_add_text(&call->reply, "{\"token\":");
	trib_json_add_string(&call->reply, trib_bytes(text, size));
	if (trib_engine_link_url(engine).size) {
		trib_buffer_add_text(&call->reply, ",\"url\":");
		trib_json_add_string(&call->reply, trib_engine_link_url(engine));
		trib_buffer_add_text(&call->reply, ",\"pid\":");
		trib_json_add_string(&call->reply, trib_engine_link_pid(engine));
	}
	trib_buffer_add_char(&call->reply, '}');
	call->http_status = 201;
	return TRIB_OK;
}

static trib_status call_touch(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__TouchRequest *body = (const Tributary__TouchRequest *)call->body;
	struct trib_touch_request request = { .user = text_of(body->user),
					      .token = text_of(body->token),
					      .page = text_of(body->page),
					      .carrier = carrier_of(body->carrier),
					      .has_at = body->has_at,
					      .at_ms = body->at };
	enum trib_touch_answer answer;

	if (body->kind)
		trib_touch_kind_of_word(text_of(body->kind), &request.kind);
	trib_status status = trib_engine_touch(engine, &request, &answer, &call->error);

	if (status == TRIB_OK)
		trib_buffer_add_format(&call->reply, "{\"outcome\":\"%s\"}", trib_touch_answer_word(answer));
	return status;
}

const char *trib_touch_answer_word(enum trib_touch_answer answer)
{
	static const char *const words[] = { "recorded", "expired", "bad_token" };

	return words[answer];
}

struct order_call {
	struct trib_engine *engine;
	struct trib_call *call;
	bool brief;
	trib_status status;
};

static void order_answered(void *context, size_t i TRIB_UNUSED, const struct trib_order_answer *answer)
{
	struct order_call *order = context;

	order->status = answer->status;
	if (answer->status != TRIB_OK)
		order->call->error = *answer->error;
	else if (order->brief)
		trib_buffer_add_format(&order->call->reply, "{\"outcome\":\"%s\",\"charged\":%lld}",
				       trib_outcome_word(answer->record->outcome),
				       (long long)answer->record->charged);
	else
		trib_engine_answer_json(order->engine, answer->record, &order->call->reply);
}

static void amounts_of(const Tributary__Amounts *body, struct trib_order_request *request)
{
	if (!body)
		return;
	request->has_amounts = true;
	request->amounts[TRIB_AMOUNT_PAID] = body->paid;
	request->amounts[TRIB_AMOUNT_FREIGHT] = body->freight;
	request->amounts[TRIB_AMOUNT_TAX] = body->tax;
	request->amounts[TRIB_AMOUNT_COUPON_MERCHANT] = body->coupon_merchant;
	request->amounts[TRIB_AMOUNT_COUPON_PLATFORM] = body->coupon_platform;
	request->amounts[TRIB_AMOUNT_COUPON_CREATOR] = body->coupon_creator;
	request->amounts[TRIB_AMOUNT_DEPOSIT] = body->deposit;
}

trib_status calls_order_request(struct trib_engine *engine, const Tributary__OrderRequest *body,
				struct trib_order_request *ret_request, struct trib_error *error)
{
	*ret_request = (struct trib_order_request){ .order = text_of(body->order),
						    .user = text_of(body->user),
						    .goods = text_of(body->goods),
						    .token = trib_bytes_text(body->token ? body->token : "-"),
						    .base_amount = body->base_amount,
						    .no_base = !body->has_base_amount,
						    .at_ms = body->at,
						    .has_at = body->has_at,
						    .qty = body->has_qty ? body->qty : 0,
						    .scene = text_of(body->scene),
						    .page = text_of(body->page),
						    .carrier = carrier_of(body->carrier),
						    .n_ext = (uint32_t)body->n_ext };
	amounts_of(body->amounts, ret_request);
	return ext_of(engine, body->n_ext, body->ext, &ret_request->ext, error);
}

static trib_status call_order(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__OrderRequest *body = (const Tributary__OrderRequest *)call->body;
	struct trib_order_request request;
	struct order_call order = { engine, call, body->brief, TRIB_OK };

	trib_status status = calls_order_request(engine, body, &request, &call->error);

	if (status != TRIB_OK)
		return status;
	trib_engine_orders(engine, &request, 1, order_answered, &order);
	return order.status;
}

static trib_status call_record(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_record_counts counts;
	trib_status status = trib_engine_record(engine, (const Tributary__RecordBatch *)call->body, &counts, &call->error);

	if (status == TRIB_OK)
		trib_buffer_add_format(&call->reply,
				       "{\"accepted\":%llu,\"repeated\":%llu,\"differed\":%llu,\"refused\":%llu}",
				       (unsigned long long)counts.accepted, (unsigned long long)counts.repeated,
				       (unsigned long long)counts.differed, (unsigned long long)counts.refused);
	return status;
}

void trib_engine_track_json(const struct trib_engine *engine, const struct trib_track_answer *answer,
			    struct trib_buffer *json)
{
	Tributary__TrackAnswer body = TRIBUTARY__TRACK_ANSWER__INIT;
	Tributary__Carrier carrier = TRIBUTARY__CARRIER__INIT;
	Tributary__TrackAnswer__ExtEntry entries[TRIB_LIMIT_EXT_PAIRS], *list[TRIB_LIMIT_EXT_PAIRS];
	const struct trib_token *token = &answer->token;
	struct trib_arena arena;

	trib_arena_init(&arena, 1 << 20);
#define TEXT(bytes) trib_arena_copy(&arena, (bytes))
	if (answer->result != TRIB_TOKEN_OK) {
		body.outcome = "bad_token";
		body.reason = (char *)trib_token_result_word(answer->result);
		trib_proto_to_json(&body.base, TRIB_PROTO_SET_FIELDS, json);
		trib_arena_fini(&arena);
		return;
	}
	const struct trib_registration *registration =
		trib_domain_registration(engine->domain, token->registration);
	const struct trib_names *symbols = trib_domain_symbols(engine->domain);
	struct trib_bytes plan = trib_domain_id(engine->domain, TRIB_NOUN_PLAN, token->plan);
	char plan_text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 16];

	body.outcome = answer->expired ? "expired" : "ok";
	body.has_link = body.has_issued_at = body.has_expires_at = 1;
	body.link = token->link;
	body.issued_at = token->issued_at_ms;
	body.expires_at = answer->expires_at_ms;
	body.registration = TEXT(trib_domain_id(engine->domain, TRIB_NOUN_REGISTRATION, token->registration));
	body.channel = TEXT(trib_names_text(symbols, token->channel));
	if (registration->scene)
		body.scene = TEXT(trib_names_text(symbols, registration->scene));
	body.creator = TEXT(trib_engine_party_id(engine, token->creator));
	body.goods = TEXT(trib_domain_id(engine->domain, TRIB_NOUN_GOODS, token->goods));
	snprintf(plan_text, sizeof(plan_text), TRIB_BYTES_FMT "@%u", TRIB_BYTES_ARG(plan), token->plan_version);
	body.plan = plan_text;
	if (token->offer)
		body.offer = TEXT(trib_domain_id(engine->domain, TRIB_NOUN_PLAN, token->offer));
	if (token->carrier_kind) {
		carrier.kind = TEXT(trib_names_text(symbols, token->carrier_kind));
		if (token->carrier)
			carrier.id = TEXT(trib_names_text(symbols, token->carrier));
		if (token->carrier_owner)
			carrier.owner = TEXT(trib_engine_party_id(engine, token->carrier_owner));
		body.carrier = &carrier;
	}
	if (token->page)
		body.page = TEXT(trib_names_text(symbols, token->page));
	for (uint32_t i = 0; i < answer->n_ext; i++) {
		tributary__track_answer__ext_entry__init(&entries[i]);
		entries[i].key = TEXT(answer->ext[i].key);
		entries[i].value = TEXT(answer->ext[i].value);
		list[i] = &entries[i];
	}
	body.n_ext = answer->n_ext;
	body.ext = list;
#undef TEXT
	trib_proto_to_json(&body.base, TRIB_PROTO_SET_FIELDS, json);
	trib_arena_fini(&arena);
}

static trib_status call_track(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_track_answer answer;
	trib_status status = trib_engine_track(engine, call->name, &answer, &call->error);

	if (status == TRIB_OK)
		trib_engine_track_json(engine, &answer, &call->reply);
	return status;
}

static trib_status call_order_get(struct trib_engine *engine, struct trib_call *call)
{
	const struct trib_order_record *record;
	uint64_t position;
	trib_status status = trib_engine_order(engine, call->name, &record, &position, &call->error);

	if (status == TRIB_OK)
		trib_engine_order_json(engine, record, position, &call->reply);
	return status;
}

static trib_status call_order_status(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__OrderStatusRequest *body = (const Tributary__OrderStatusRequest *)call->body;
	struct trib_status_request request = { .order = call->name, .reason = text_of(body->reason),
					       .has_at = body->has_at, .at_ms = body->at,
					       .has_base = body->has_base_amount, .base_amount = body->base_amount };
	struct trib_status_answer answer;

	trib_order_state_of_word(text_of(body->status), &request.state);
	trib_status status = trib_engine_order_status(engine, &request, &answer, &call->error);

	if (status != TRIB_OK)
		return status;
	int code = answer.pending ? 0 : trib_order_state_code(answer.state);

	call->http_status = answer.pending ? 202 : 200;
	trib_buffer_add_format(&call->reply, "{\"state\":\"%s\",\"code\":",
			       answer.pending ? "pending" : trib_order_state_word(answer.state));
	if (code)
		trib_buffer_add_format(&call->reply, "%d}", code);
	else
		trib_buffer_add_text(&call->reply, "null}");
	return TRIB_OK;
}

static trib_status call_review(struct trib_engine *engine, struct trib_call *call, enum trib_review_verdict verdict)
{
	const Tributary__ReviewRequest *body = (const Tributary__ReviewRequest *)call->body;
	const struct trib_review_request request = { .order = call->name, .verdict = verdict,
						     .reason = text_of(body->reason), .by = text_of(body->by),
						     .has_at = body->has_at, .at_ms = body->at };
	trib_status status = trib_engine_review(engine, &request, &call->error);

	if (status == TRIB_OK)
		trib_buffer_add_format(&call->reply, "{\"review\":\"%s\"}", trib_review_word(verdict));
	return status;
}

static trib_status call_reviews(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS);
	uint64_t after = 0;

	if (call->cursor.size && !trib_bytes_to_u64(call->cursor, &after))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	return trib_engine_reviews(engine, after, limit, &call->reply, &call->error);
}

static trib_status call_refund(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__RefundRequest *body = (const Tributary__RefundRequest *)call->body;
	struct trib_refund_request request = { .order = call->name, .refund = text_of(body->refund),
					       .amount = body->amount, .has_at = body->has_at, .at_ms = body->at,
					       .qty = body->has_qty ? body->qty : 0 };
	struct trib_refund_answer answer;

	trib_refund_kind_of_word(text_of(body->kind), &request.kind);
	trib_status status = trib_engine_refund(engine, &request, &answer, &call->error);

	if (status != TRIB_OK)
		return status;
	if (answer.pending) {
		call->http_status = 202;
		trib_buffer_add_text(&call->reply, "{\"state\":\"pending\"}");
	} else {
		trib_buffer_add_format(&call->reply, "{\"remaining_base\":%lld,\"reversed\":%lld}",
				       (long long)answer.remaining, (long long)answer.reversed);
	}
	return TRIB_OK;
}

/* --- Balances ----------------------------------------------------------------------------------------- */

struct balances_call {
	struct trib_engine *engine;
	struct trib_call *call;
	uint8_t stage; /* only this one; 0: both */
	uint32_t count, limit;
	__int128 total;
};

static void add_balance(void *context, struct trib_account account, struct trib_balance balance)
{
	struct balances_call *list = context;
	struct trib_buffer *json = &list->call->reply;
	const struct trib_names *symbols = trib_domain_symbols(list->engine->domain);
	/* Kinds, and stages, may cancel out: what stands in one of them fits, and so does the sum of all. */
	__int128 sum = (list->stage == TRIB_STAGE_POSTED ? 0 : (__int128)balance.pending) +
		       (list->stage == TRIB_STAGE_PENDING ? 0 : balance.posted);

	list->total += sum;
	if (list->count++ >= list->limit)
		return;
	trib_buffer_add_text(json, list->count > 1 ? ",{\"party\":" : "{\"party\":");
	trib_json_add_string(json, trib_engine_party_id(list->engine, account.party));
	trib_buffer_add_text(json, ",\"role\":");
	trib_json_add_string(json, trib_names_text(symbols, account.role));
	trib_buffer_add_text(json, ",\"currency\":");
	trib_json_add_string(json, trib_names_text(symbols, account.currency));
	if (account.kind)
		trib_buffer_add_format(json, ",\"kind\":\"%s\",\"pending\":%lld,\"posted\":%lld",
				       trib_account_kind_word(account.kind), (long long)balance.pending,
				       (long long)balance.posted);
	trib_buffer_add_text(json, ",\"balance\":");
	trib_buffer_add_i64(json, (int64_t)TRIB_MAX(INT64_MIN, TRIB_MIN(sum, INT64_MAX)));
	trib_buffer_add_char(json, '}');
}

/* kind and stage are words of ours: an unknown one is an error. */
static trib_status check_balance_words(struct trib_call *call, struct trib_account *filter)
{
	enum trib_account_kind kind = 0;
	enum trib_stage stage = 0;

	if (call->kind_word.size && !trib_account_kind_of_word(call->kind_word, &kind))
		return engine_refuse(&call->error, "kind", call->kind_word,
				     "payable, receivable, held, subsidy, fee or tax");
	if (call->stage.size && !trib_stage_of_word(call->stage, &stage))
		return engine_refuse(&call->error, "stage", call->stage, "pending or posted");
	filter->kind = (uint8_t)kind;
	filter->stage = (uint8_t)stage;
	return TRIB_OK;
}

/* A filter that names nothing known matches nothing. */
static bool balance_filter(struct trib_engine *engine, const struct trib_call *call, struct trib_account *filter)
{
	if (call->party.size)
		filter->party = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, call->party);
	if (call->role.size)
		filter->role = trib_domain_find_code(engine->domain, call->role);
	if (call->currency.size)
		filter->currency = trib_domain_find_code(engine->domain, call->currency);
	return (!call->party.size || filter->party) && (!call->role.size || filter->role) &&
	       (!call->currency.size || filter->currency);
}

static trib_status call_balances(struct trib_engine *engine, struct trib_call *call)
{
	bool (*next_of)(const struct trib_ledger *, struct trib_account, uint64_t *, size_t, trib_ledger_fn *,
			void *) = call->detail ? trib_ledger_list : trib_ledger_list_sums;
	struct trib_account filter = { 0 };
	uint64_t cursor = 0, next = 0;

	if (check_balance_words(call, &filter) != TRIB_OK)
		return TRIB_INVALID;
	if (call->cursor.size && !trib_bytes_to_u64(call->cursor, &cursor))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	struct balances_call list = { .engine = engine, .call = call, .stage = filter.stage,
				      .limit = TRIB_MIN(call->limit ? call->limit : TRIB_LIMIT_LIST_ITEMS,
							(uint32_t)TRIB_LIMIT_LIST_ITEMS) };

	trib_buffer_add_text(&call->reply, "{\"items\":[");
	if (balance_filter(engine, call, &filter)) {
		bool more = true;

		/* The page first; then the rest, for the total. */
		while (more && list.count < list.limit)
			more = next_of(engine->ledger, filter, &cursor, list.limit - list.count, add_balance,
				       &list);
		next = more ? cursor : 0;
		list.total = 0;
		list.limit = 0;
		for (more = true, cursor = 0; more;)
			more = trib_ledger_list(engine->ledger, filter, &cursor, SIZE_MAX, add_balance, &list);
	}
	trib_buffer_add_text(&call->reply, "],\"total\":");
	trib_buffer_add_i64(&call->reply, (int64_t)list.total);
	if (next)
		trib_buffer_add_format(&call->reply, ",\"next_cursor\":\"%llu\"}", (unsigned long long)next);
	else
		trib_buffer_add_text(&call->reply, ",\"next_cursor\":null}");
	return TRIB_OK;
}

/* --- Rules -------------------------------------------------------------------------------------------- */

trib_status engine_name_tree(struct trib_engine *engine, uint32_t tree, uint32_t version,
			     struct trib_error *error)
{
	const struct trib_tree *compiled = trib_rules_tree(engine->rules, tree, version);
	trib_status status = TRIB_OK;
	uint32_t code;

	for (uint32_t i = 0; status == TRIB_OK && i < trib_tree_symbols(compiled); i++)
		if (trib_external_id_valid(trib_tree_symbol(compiled, i)))
			status = engine_code(engine, trib_tree_symbol(compiled, i), "rules", &code,
					     error);
	return status;
}

/* The tree has been compiled beside the engine: it is numbered, journalled and taken as it is. */
static trib_status call_rules_put(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__RulesPut put = TRIBUTARY__RULES_PUT__INIT;
	uint32_t base, number = trib_rules_number(engine->rules, call->name);
	struct trib_tree *tree = compiler_tree(engine, call, &base);
	trib_status status = engine_begin(engine, 0, &call->error);
	char *source = NULL;

	if (status == TRIB_OK && base && base != trib_rules_latest(engine->rules, number))
		status = trib_fail(&call->error, TRIB_CONFLICT, "version",
				   "found version %u, which has come meanwhile, expected %u",
				   trib_rules_latest(engine->rules, number), base);
	if (status == TRIB_OK)
		status = trib_rules_decide_prepared(engine->rules, call->name, tree, &put.version, &call->error);
	if (status == TRIB_OK) {
		source = strndup(trib_tree_source(tree).data, trib_tree_source(tree).size);
		put.name = trib_arena_copy(&engine->arena, call->name);
		put.source = source;
		put.has_version = 1;
		event.kind_case = TRIBUTARY__EVENT__KIND_RULES_PUT;
		event.rules_put = &put;
		trib_rules_offer(engine->rules, tree);
		status = engine_emit(engine, &event, &call->error);
		trib_rules_offer(engine->rules, NULL);
	}
	free(source);
	trib_tree_unref(tree);
	if (status != TRIB_OK)
		return status;
	number = trib_rules_number(engine->rules, call->name);
	status = engine_name_tree(engine, number, put.version, &call->error);
	call->http_status = put.version == 1 ? 201 : 200;
	calls_add_put_reply(&call->reply, call->name, number, put.version, engine->position);
	return status;
}

static trib_status call_rules_activate(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__RulesActivated activated = TRIBUTARY__RULES_ACTIVATED__INIT;
	trib_status status = engine_begin(engine, 0, &call->error);

	activated.has_version = activated.has_at = 1;
	activated.version = call->version;
	if (status == TRIB_OK)
		status = trib_rules_decide_activate(engine->rules, call->name, call->version,
						    call->has_at ? call->at_ms : engine->now_ms,
						    engine->now_ms, &activated.at, &call->error);
	if (status != TRIB_OK)
		return status;
	activated.name = trib_arena_copy(&engine->arena, call->name);
	event.kind_case = TRIBUTARY__EVENT__KIND_RULES_ACTIVATED;
	event.rules_activated = &activated;
	status = engine_emit(engine, &event, &call->error);
	if (status != TRIB_OK)
		return status;
	trib_buffer_add_text(&call->reply, "{\"id\":");
	trib_json_add_string(&call->reply, call->name);
	trib_buffer_add_format(&call->reply, ",\"version\":%u,\"at\":%lld,\"position\":%llu}", call->version,
			       (long long)activated.at, (unsigned long long)engine->position);
	return TRIB_OK;
}

static trib_status call_rules_rollout(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__RulesActivated rollout;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = trib_rules_decide_rollout(engine->rules, call->name,
						   (const Tributary__RolloutRequest *)call->body, engine->now_ms,
						   &engine->arena, &rollout, &call->error);
	if (status != TRIB_OK)
		return status;
	event.kind_case = TRIBUTARY__EVENT__KIND_RULES_ACTIVATED;
	event.rules_activated = &rollout;
	status = engine_emit(engine, &event, &call->error);
	if (status != TRIB_OK)
		return status;
	trib_buffer_add_text(&call->reply, "{\"id\":");
	trib_json_add_string(&call->reply, call->name);
	trib_buffer_add_format(&call->reply, ",\"version\":%u,\"at\":%lld,\"position\":%llu}", rollout.version,
			       (long long)rollout.at, (unsigned long long)engine->position);
	return TRIB_OK;
}

/* --- State -------------------------------------------------------------------------------------------- */

static const char *state_word(const struct trib_engine *engine)
{
	return engine->state == TRIB_ENGINE_RUNNING ? "running" :
	       engine->state == TRIB_ENGINE_LOST    ? "lost" :
						      "read_only";
}

static const char *sync_word(const struct trib_engine *engine)
{
	return engine->options.sync == TRIB_JOURNAL_SYNC_OFF	  ? "off" :
	       engine->options.sync == TRIB_JOURNAL_SYNC_INTERVAL ? "interval" :
								    "batch";
}

static trib_status call_state(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_buffer *json = &call->reply;
	struct trib_engine_counts counts;

	trib_engine_count(engine, &counts);
	trib_buffer_add_format(json, "{\"state\":\"%s\",\"sync\":\"%s\"", state_word(engine), sync_word(engine));
	if (engine->state != TRIB_ENGINE_RUNNING) {
		call->http_status = 503; /* /healthz */
		trib_buffer_add_text(json, ",\"reason\":");
		trib_json_add_string(json, trib_bytes_text(engine->reason.text));
	}
	if (trib_access_role_has_party(call->actor.role)) { /* how much there is of everything is the platform's */
		trib_buffer_add_format(json, ",\"position\":%llu}", (unsigned long long)counts.position);
		return TRIB_OK;
	}
	trib_buffer_add_format(json, ",\"position\":%llu,\"store_position\":%llu,\"orders\":%llu,\"repeats\":%llu",
			       (unsigned long long)counts.position, (unsigned long long)counts.store_position,
			       (unsigned long long)counts.orders, (unsigned long long)counts.repeats);
	trib_buffer_add_format(json, ",\"conflicts\":%llu,\"refusals\":%llu,\"touches\":%llu,\"links\":%llu",
			       (unsigned long long)counts.conflicts, (unsigned long long)counts.refusals,
			       (unsigned long long)counts.touches, (unsigned long long)counts.links);
	trib_buffer_add_format(json, ",\"batches\":%llu,\"checkpoints\":%llu,\"checkpoints_failed\":%llu",
			       (unsigned long long)counts.batches, (unsigned long long)counts.checkpoints,
			       (unsigned long long)counts.checkpoints_failed);
	trib_buffer_add_format(json, ",\"live_users\":%llu,\"live_touches\":%llu,\"indexed_orders\":%llu",
			       (unsigned long long)counts.live_touches.users,
			       (unsigned long long)counts.live_touches.touches,
			       (unsigned long long)counts.indexed_orders);
	trib_buffer_add_format(json, ",\"indexes_complete\":%s,\"outcomes\":{",
			       counts.indexes_complete ? "true" : "false");
#define X(name, number, word, english, chinese)                                                    \
	trib_buffer_add_format(json, "%s\"%s\":%llu", number == 1 ? "" : ",", word,                 \
			       (unsigned long long)counts.outcomes[number]);
	TRIB_OUTCOME_TABLE(X)
#undef X
	trib_buffer_add_text(json, "},\"alarms\":");
	sites_add_alarms(engine, json);
	trib_buffer_add_char(json, '}');
	return TRIB_OK;
}

static trib_status call_market_position(struct trib_engine *engine, struct trib_call *call)
{
	trib_buffer_add_format(&call->reply, "{\"position\":%llu}",
			       (unsigned long long)trib_engine_market_position(engine));
	return TRIB_OK;
}

/* --- Turn --------------------------------------------------------------------------------------------- */

static trib_status decide_call(struct trib_engine *engine, struct trib_call *call)
{
	switch (call->kind) {
	case TRIB_CALL_PUT: return call_put(engine, call);
	case TRIB_CALL_GET: return call_get(engine, call);
	case TRIB_CALL_CLOSE: return call_close(engine, call);
	case TRIB_CALL_LIST: return call_list(engine, call);
	case TRIB_CALL_IMPORT: return call_import(engine, call);
	case TRIB_CALL_ACT: return call_act(engine, call);
	case TRIB_CALL_BULK: return call_bulk(engine, call);
	case TRIB_CALL_PLAN_VERSIONS: return call_plan_versions(engine, call);
	case TRIB_CALL_PLAN_UNSCHEDULE: return call_plan_unschedule(engine, call);
	case TRIB_CALL_STATUS_PUT: return call_status_put(engine, call);
	case TRIB_CALL_STATUS_GET: return call_status_get(engine, call);
	case TRIB_CALL_BOUNDS_PUT: return call_bounds_put(engine, call);
	case TRIB_CALL_BOUNDS_GET: return call_bounds_get(engine, call);
	case TRIB_CALL_BOUNDS_LIST: return call_bounds_list(engine, call);
	case TRIB_CALL_TERMS: return call_terms(engine, call);
	case TRIB_CALL_ENROL: return call_enrol(engine, call);
	case TRIB_CALL_ENROLMENTS_ACT: return call_enrolments_act(engine, call);
	case TRIB_CALL_COOPERATION_OFFER: return call_cooperation_offer(engine, call);
	case TRIB_CALL_ENROLMENTS_OF_ACTIVITY: return call_enrolments(engine, call, TRIB_ENROLMENTS_OF_ACTIVITY);
	case TRIB_CALL_ENROLMENTS_OF_GOODS: return call_enrolments(engine, call, TRIB_ENROLMENTS_OF_GOODS);
	case TRIB_CALL_COOPERATIONS: return call_cooperations(engine, call);
	case TRIB_CALL_ENROLMENTS_OF_MERCHANT: return call_enrolments(engine, call, TRIB_ENROLMENTS_OF_MERCHANT);
	case TRIB_CALL_LINK: return call_link(engine, call);
	case TRIB_CALL_TOUCH: return call_touch(engine, call);
	case TRIB_CALL_ORDER: return call_order(engine, call);
	case TRIB_CALL_TRACK: return call_track(engine, call);
	case TRIB_CALL_ORDER_GET: return call_order_get(engine, call);
	case TRIB_CALL_ORDER_STATUS: return call_order_status(engine, call);
	case TRIB_CALL_REFUND: return call_refund(engine, call);
	case TRIB_CALL_RELEASE: return call_review(engine, call, TRIB_REVIEW_RELEASED);
	case TRIB_CALL_REJECT: return call_review(engine, call, TRIB_REVIEW_REJECTED);
	case TRIB_CALL_REVIEWS: return call_reviews(engine, call);
	case TRIB_CALL_EXPLAIN: return trib_engine_explain(engine, call->name, &call->reply, &call->error);
	case TRIB_CALL_BALANCES: return call_balances(engine, call);
	case TRIB_CALL_TALLIES: return call_tallies(engine, call);
	case TRIB_CALL_EXPERIENCE: return call_experience(engine, call);
	case TRIB_CALL_RULES_PUT:
	case TRIB_CALL_RULES_PATCH: return call_rules_put(engine, call);
	case TRIB_CALL_RULES_GET:
		return trib_rules_write_json(engine->rules, call->name, call->version, engine->now_ms,
					     &call->reply, &call->error);
	case TRIB_CALL_RULES_LIST:
		engine_begin(engine, 0, &call->error); /* time moves on where nothing can be written, too */
		trib_rules_write_list(engine->rules, engine->now_ms, &call->reply);
		return TRIB_OK;
	case TRIB_CALL_RULES_ACTIVATE: return call_rules_activate(engine, call);
	case TRIB_CALL_SIMULATE: return simulations_begin(engine, call);
	case TRIB_CALL_SIMULATION: return simulations_show(engine, call);
	case TRIB_CALL_RULES_ROLLOUT: return call_rules_rollout(engine, call);
	case TRIB_CALL_RULES_HITS:
		return trib_rules_write_hits(engine->rules, call->name, &call->reply, &call->error);
	case TRIB_CALL_PLAY_PUT: return call_play_put(engine, call);
	case TRIB_CALL_PLAY_GET: return call_play_get(engine, call);
	case TRIB_CALL_PLAY_VERSION: return call_play_version(engine, call);
	case TRIB_CALL_PLAY_LIST: return call_play_list(engine, call);
	case TRIB_CALL_PLAY_ACTIVATE: return call_play_activate(engine, call);
	case TRIB_CALL_PLAY_ROLLBACK: return call_play_rollback(engine, call);
	case TRIB_CALL_PLAY_CLOSE: return call_play_close(engine, call);
	case TRIB_CALL_FORM: return call_form(engine, call);
	case TRIB_CALL_PLAY_SCHEMAS: return call_play_schemas(engine, call);
	case TRIB_CALL_CHECKLIST: return call_checklist(engine, call);
	case TRIB_CALL_CAPABILITIES: return call_capabilities(engine, call);
	case TRIB_CALL_FLOW: return call_flow(engine, call);
	case TRIB_CALL_FLOW_LIST: return call_flow_list(engine, call);
	case TRIB_CALL_PLAY_RESOLVE: return call_play_resolve(engine, call);
	case TRIB_CALL_STATE: return call_state(engine, call);
	case TRIB_CALL_ESTIMATE: return call_estimate(engine, call);
	case TRIB_CALL_SNAPSHOT: return snapshots_answer(engine, call);
	case TRIB_CALL_MARKET_POSITION: return call_market_position(engine, call);
	case TRIB_CALL_SHELF: return call_shelf(engine, call);
	case TRIB_CALL_SHELF_PUT:
	case TRIB_CALL_SHELF_CHANGE:
	case TRIB_CALL_SHELF_CLEAR: return call_shelve(engine, call);
	case TRIB_CALL_GOODS_SHELVES: return call_goods_shelves(engine, call);
	case TRIB_CALL_SITE_STATE: return call_site_state(engine, call);
	case TRIB_CALL_SITE_IMPORT: return call_site_import(engine, call);
	case TRIB_CALL_SITE_ORDER: return call_site_order(engine, call);
	case TRIB_CALL_SITE_RESOLVE: return call_site_resolve(engine, call);
	case TRIB_CALL_SITE_REVIEWS: return call_site_reviews(engine, call);
	case TRIB_CALL_PAYOUT: return call_payout(engine, call);
	case TRIB_CALL_STATEMENT: return statements_answer(engine, call);
	case TRIB_CALL_WEBHOOK_PUT: return call_webhook_put(engine, call);
	case TRIB_CALL_WEBHOOK_GET: return call_webhook_get(engine, call);
	case TRIB_CALL_WEBHOOK_CLOSE: return call_webhook_close(engine, call);
	case TRIB_CALL_WEBHOOK_TEST: return call_webhook_test(engine, call);
	case TRIB_CALL_WEBHOOK_LIST: return call_webhook_list(engine, call);
	case TRIB_CALL_METRICS: return call_metrics(engine, call);
	case TRIB_CALL_OUTBOX_LIST: return call_outbox_list(engine, call);
	case TRIB_CALL_OUTBOX_RETRY: return call_outbox_retry(engine, call);
	case TRIB_CALL_OUTBOX_DROP: return call_outbox_drop(engine, call);
	case TRIB_CALL_OUTBOX_TAKE: return call_outbox_take(engine, call);
	case TRIB_CALL_OUTBOX_TELL: return call_outbox_tell(engine, call);
	case TRIB_CALL_KEYS: return trib_keys_export(engine->keys, &call->reply, &call->error);
	case TRIB_CALL_RECORD: return call_record(engine, call);
	default: return call_access(engine, call);
	}
}

/* --- Tags ---------------------------------------------------------------------------------------------- */

/*
 * What can be read and changed: a change, and the reading of the same thing. The tag of a thing is a hash of what its GET
 * shows, so a status by time, or a rate that has come into force, changes it, too.
 */
static const struct {
	enum trib_call_kind change, read;
} tagged[] = {
	{ TRIB_CALL_PUT, TRIB_CALL_GET },
	{ TRIB_CALL_CLOSE, TRIB_CALL_GET },
	{ TRIB_CALL_ACT, TRIB_CALL_GET },
	{ TRIB_CALL_STATUS_PUT, TRIB_CALL_STATUS_GET },
	{ TRIB_CALL_PLAN_UNSCHEDULE, TRIB_CALL_PLAN_VERSIONS },
	{ TRIB_CALL_BOUNDS_PUT, TRIB_CALL_BOUNDS_GET },
	{ TRIB_CALL_SHELF_PUT, TRIB_CALL_SHELF },
	{ TRIB_CALL_SHELF_CHANGE, TRIB_CALL_SHELF },
	{ TRIB_CALL_SHELF_CLEAR, TRIB_CALL_SHELF },
	{ TRIB_CALL_RULES_PUT, TRIB_CALL_RULES_GET },
	{ TRIB_CALL_RULES_PATCH, TRIB_CALL_RULES_GET },
	{ TRIB_CALL_RULES_ACTIVATE, TRIB_CALL_RULES_GET },
	{ TRIB_CALL_RULES_ROLLOUT, TRIB_CALL_RULES_GET },
	{ TRIB_CALL_PLAY_PUT, TRIB_CALL_PLAY_GET },
	{ TRIB_CALL_PLAY_ACTIVATE, TRIB_CALL_PLAY_GET },
	{ TRIB_CALL_PLAY_ROLLBACK, TRIB_CALL_PLAY_GET },
	{ TRIB_CALL_PLAY_CLOSE, TRIB_CALL_PLAY_GET },
	{ TRIB_CALL_WEBHOOK_PUT, TRIB_CALL_WEBHOOK_GET },
	{ TRIB_CALL_WEBHOOK_CLOSE, TRIB_CALL_WEBHOOK_GET },
	{ TRIB_CALL_TOKEN_ROTATE, TRIB_CALL_TOKEN_GET },
	{ TRIB_CALL_TOKEN_REVOKE, TRIB_CALL_TOKEN_GET },
	{ TRIB_CALL_USER_PUT, TRIB_CALL_USER_GET },
	{ TRIB_CALL_USER_CLOSE, TRIB_CALL_USER_GET },
	{ TRIB_CALL_USER_PASSWORD, TRIB_CALL_USER_GET },
};

enum { NOT_TAGGED = -1 };

static int read_of(enum trib_call_kind change)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(tagged); i++)
		if (tagged[i].change == change)
			return (int)tagged[i].read;
	return NOT_TAGGED;
}

bool trib_call_has_tag(enum trib_call_kind kind)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(tagged); i++)
		if (tagged[i].change == kind || tagged[i].read == kind)
			return true;
	return false;
}

static trib_status decide_call(struct trib_engine *engine, struct trib_call *call);

/*
 * The tag of an answer to a GET. A shelf's says its version first: a change asks for that alone, because terms move all
 * the time, and what is shown of them is one page's.
 */
static void tag_answer(const struct trib_call *call, struct trib_bytes shown, char ret_tag[TRIB_CALL_ETAG_CHARS])
{
	static const char position[] = ",\"position\":"; /* behind all else; it moves with every change of anything */

	if (call->kind == TRIB_CALL_STATUS_GET)
		shown.size = (size_t)((char *)memmem(shown.data, shown.size, position, strlen(position)) - shown.data);
	unsigned long long hash = (unsigned long long)trib_hash_bytes(shown);

	if (call->kind == TRIB_CALL_SHELF)
		snprintf(ret_tag, TRIB_CALL_ETAG_CHARS, "\"%u.%016llx\"", call->version, hash);
	else
		snprintf(ret_tag, TRIB_CALL_ETAG_CHARS, "\"%016llx\"", hash);
}

/* The tag that the thing which `call` changes has now; "" where there is none of that name. */
static trib_status tag_now(struct trib_engine *engine, const struct trib_call *call, enum trib_call_kind read,
			   char ret_tag[TRIB_CALL_ETAG_CHARS], struct trib_error *error)
{
	struct trib_call asked = { .kind = read, .actor = call->actor, .noun = call->noun, .name = call->name,
				   .node = read == TRIB_CALL_SHELF ? call->node : trib_bytes("", 0) };

	ret_tag[0] = '\0';
	trib_buffer_init(&asked.reply, TRIB_LIMIT_HTTP_REPLY_BYTES);
	trib_arena_reset(&engine->arena);
	trib_status status = decide_call(engine, &asked);

	if (status == TRIB_OK && !asked.reply.failed)
		tag_answer(&asked, trib_buffer_bytes(&asked.reply), ret_tag);
	trib_buffer_fini(&asked.reply);
	if (status == TRIB_OK || status == TRIB_NOT_FOUND)
		return TRIB_OK;
	*error = asked.error;
	return status;
}

/* "3.0123456789abcdef" of If-Match is "3" where a shelf is changed. */
static bool tag_matches(struct trib_bytes header, const char *tag, enum trib_call_kind read)
{
	char text[256];
	size_t size = 0;
	bool skips = false;

	if (read != TRIB_CALL_SHELF)
		return trib_etag_matches(header, tag);
	for (size_t i = 0; i < header.size && size < sizeof(text); i++) {
		skips = header.data[i] == '.' || (skips && header.data[i] != '"');
		if (!skips)
			text[size++] = header.data[i];
	}
	return trib_etag_matches(trib_bytes(text, size), tag);
}

/* If-Match, If-None-Match of a change, against the thing as it is. */
static trib_status check_conditions(struct trib_engine *engine, struct trib_call *call)
{
	char tag[TRIB_CALL_ETAG_CHARS], *dot;
	int read = read_of(call->kind);
	trib_status status;

	if (read == NOT_TAGGED || (!call->if_match.size && !call->if_none_match.size))
		return TRIB_OK;
	status = tag_now(engine, call, (enum trib_call_kind)read, tag, &call->error);
	if (status != TRIB_OK)
		return status;
	dot = strchr(tag, '.');
	if (dot)
		memcpy(dot, "\"", sizeof("\""));
	if (call->if_match.size && !tag_matches(call->if_match, tag, (enum trib_call_kind)read))
		return trib_fail(&call->error, TRIB_CHANGED, "If-Match", "found %.*s, expected %s",
				 (int)TRIB_MIN(call->if_match.size, (size_t)80), call->if_match.data,
				 tag[0] ? tag : "no condition: there is no such entity");
	if (call->if_none_match.size && tag_matches(call->if_none_match, tag, (enum trib_call_kind)read))
		return trib_fail(&call->error, TRIB_CHANGED, "If-None-Match", "found %.*s, expected another than %s",
				 (int)TRIB_MIN(call->if_none_match.size, (size_t)80), call->if_none_match.data, tag);
	trib_arena_reset(&engine->arena);
	return TRIB_OK;
}

/* After an answer: what a GET shows of the thing now, for the next change. */
static void add_tag(struct trib_engine *engine, struct trib_call *call)
{
	int read = read_of(call->kind);
	struct trib_error error;

	call->etag[0] = '\0';
	if (call->status != TRIB_OK || call->reply.failed || call->dry_run)
		return;
	for (size_t i = 0; read == NOT_TAGGED && i < TRIB_ARRAY_SIZE(tagged); i++)
		if (tagged[i].read == call->kind) {
			tag_answer(call, trib_buffer_bytes(&call->reply), call->etag);
			return;
		}
	if (read != NOT_TAGGED && tag_now(engine, call, (enum trib_call_kind)read, call->etag, &error) != TRIB_OK)
		call->etag[0] = '\0';
}

/* call->status is there: keeps what is to be kept of it, and has it wait until that is durable. */
static void finish_call(struct trib_engine *engine, struct trib_call *call)
{
	if (call->status == TRIB_OK && call->reply.failed)
		call->status = trib_fail(&call->error, TRIB_TOO_LARGE, "reply", "it would pass %zu bytes",
					 call->reply.size_max);
	/* What the answer tells of stands there; what is kept of it, and said of it in the log, comes behind. */
	uint64_t position = engine->position;
	trib_status kept = access_keep_answer(engine, call);

	if (kept == TRIB_OK)
		kept = access_note_call(engine, call);
	if (kept != TRIB_OK)
		call->status = kept;
	if (call->status != TRIB_OK)
		trib_buffer_reset(&call->reply);
	call->position = position;
	*(struct waiting *)log_add(&engine->waiting) =
		(struct waiting){ call, trib_engine_ticket(engine) };
}

static void decide_and_wait(struct trib_engine *engine, struct trib_call *call)
{
	trib_arena_reset(&engine->arena);
	call->actor.party = call->actor.party_id.size ?
				    trib_domain_find(engine->domain, TRIB_NOUN_PARTY, call->actor.party_id) :
				    0;
	call->status = access_check(engine, call);
	call->code = NULL;
	if (call->status != TRIB_OK || access_repeat(engine, call, &call->status)) {
		finish_call(engine, call);
		return;
	}
	if (!snapshots_take(engine, call) && !statements_take(engine, call) && !compiler_take(engine, call))
		calls_decide(engine, call, TRIB_OK, NULL);
}

void calls_decide(struct trib_engine *engine, struct trib_call *call, trib_status failed,
		  const struct trib_error *error)
{
	trib_arena_reset(&engine->arena);
	call->http_status = 200;
	call->code = NULL;
	trib_domain_set_actor(engine->domain, &call->actor);
	/* A cause and its effects are durable together, or neither is. */
	if (outbox_is_used(engine))
		engine_reserve(engine, OUTBOX_ROOM_BYTES, &call->error);
	call->status = failed == TRIB_OK ? check_conditions(engine, call) : failed;
	if (call->status == TRIB_OK)
		call->status = decide_call(engine, call);
	trib_domain_set_actor(engine->domain, NULL);
	if (failed != TRIB_OK)
		call->error = *error;
	add_tag(engine, call);
	finish_call(engine, call);
}

void calls_turn(struct trib_engine *engine)
{
	struct trib_call *call, *ordered = NULL;

	if (!__atomic_load_n(&engine->ring, __ATOMIC_RELAXED))
		return;
	call = __atomic_exchange_n(&engine->ring, NULL, __ATOMIC_ACQUIRE);
	/* The ring gives the newest first. */
	while (call) {
		struct trib_call *next = call->next;

		call->next = ordered;
		ordered = call;
		call = next;
	}
	while (ordered) {
		call = ordered;
		ordered = call->next;
		__atomic_sub_fetch(&engine->ring_count, 1, __ATOMIC_RELAXED);
		decide_and_wait(engine, call);
	}
}

void calls_answer(struct trib_engine *engine, bool lost)
{
	struct waiting *waiting = engine->waiting.items;
	size_t answered = 0;

	for (; answered < engine->waiting.count; answered++) {
		struct trib_call *call = waiting[answered].call;

		if (waiting[answered].ticket > engine->settled) {
			if (!lost)
				break;
			trib_buffer_reset(&call->reply);
			trib_call_file_unref(TRIB_TAKE_PTR(call->file));
			call->status = trib_fail(&call->error, TRIB_UNKNOWN, "", "repeat this command");
		}
		call->done(call);
	}
	engine->waiting.count -= answered;
	if (answered)
		memmove(waiting, waiting + answered, engine->waiting.count * sizeof(*waiting));
}
