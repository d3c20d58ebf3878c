/* Calls about nouns beyond PUT and GET: statuses by time, bounds of categories, the terms of goods explained. */
#include "engine/flow_points.h"
#include "engine/state.h"

trib_status engine_emit_all(struct trib_engine *engine, const struct trib_domain_decision *decision,
			    struct trib_error *error)
{
	trib_status status = TRIB_OK;
	size_t bytes = 0;

	for (uint32_t i = 0; decision->event_count > 1 && i < decision->event_count; i++)
		bytes += trib_event_size(&decision->events[i]);
	if (bytes && bytes <= TRIB_LIMIT_BATCH_BYTES / 2)
		status = engine_reserve(engine, bytes, error);
	for (uint32_t i = 0; status == TRIB_OK && i < decision->event_count; i++)
		status = engine_emit(engine, &decision->events[i], error);
	return status;
}

static struct trib_bytes word_of(const struct trib_engine *engine, uint32_t code)
{
	return trib_names_text(trib_domain_symbols(engine->domain), code);
}

/* --- Actions ------------------------------------------------------------------------------------------ */

/* What the table of life refuses is no fault of the request by itself: 409, not 422. */
static trib_status refused(struct trib_call *call, trib_status status)
{
	if (status == TRIB_REFUSED)
		call->http_status = 409;
	return status;
}

trib_status call_act(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_domain_decision decision;
	struct engine_flow flow = { 0 }, made = { 0 };
	const char *led_to = NULL;
	trib_status status = engine_begin(engine, 0, &call->error);

	const Tributary__ActionRequest *body = (const Tributary__ActionRequest *)call->body;

	if (status == TRIB_OK)
		status = points_before_action(engine, call, &body, &flow, &call->error);
	if (status == TRIB_OK && call->noun == TRIB_NOUN_APPROVAL) {
		status = flows_decide_approval(engine, call, &decision, &led_to);
		decision.event_count = 0; /* they are there already */
	} else if (status == TRIB_OK)
		status = trib_domain_decide_action(engine->domain, call->noun, call->name, call->action, body, engine->now_ms,
						   &engine->arena, &decision, &led_to, &call->error);
	if (status == TRIB_OK && call->noun == TRIB_NOUN_PLAN)
		status = flows_plan_act(engine, call, &flow, &call->error);
	if (status == TRIB_OK && call->noun == TRIB_NOUN_INVITATION && trib_bytes_is(call->action, "accept"))
		status = flows_accept(engine, &decision, &flow, &made, &call->error);
	if (status == TRIB_OK)
		status = points_action(engine, call, &flow, &call->error);
	if (status == TRIB_OK)
		status = people_admit(engine, call->noun, &decision, &call->error);
	if (status == TRIB_OK)
		status = engine_flow_end(engine, &flow,
					 &(struct engine_flow_about){ .noun = call->noun, .id = call->name }, &call->error);
	if (status == TRIB_OK)
		status = flows_made_end(engine, &decision, &made, &call->error);
	if (status == TRIB_OK)
		status = activities_tell(engine, &decision, call->action, &call->error);
	if (status == TRIB_OK)
		status = people_emit(engine, call->noun, &decision, &call->error);
	if (status != TRIB_OK)
		return refused(call, status);
	trib_buffer_add_text(&call->reply, "{\"id\":");
	trib_json_add_string(&call->reply, call->name);
	trib_buffer_add_format(&call->reply, ",\"status\":\"%s\",\"number\":%u,\"version\":%u,\"position\":%llu}",
			       led_to, decision.number, decision.version, (unsigned long long)engine->position);
	return TRIB_OK;
}

/* --- Plans by time ------------------------------------------------------------------------------------ */

trib_status call_plan_versions(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t number = trib_domain_find(engine->domain, TRIB_NOUN_PLAN, call->name), count;
	struct trib_buffer *json = &call->reply;
	struct trib_scheduled *items;

	if (!number)
		return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"%.*s\", expected the id of a known plan",
				 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
	engine_begin(engine, 0, &call->error); /* time moves on where nothing can be written, too */
	trib_status status = trib_domain_schedule(engine->domain, number, engine->now_ms, &engine->arena, &items, &count,
						  &call->error);

	if (status != TRIB_OK)
		return refused(call, status);
	trib_buffer_add_text(json, "{\"items\":[");
	for (uint32_t i = 0; i < count; i++) {
		trib_buffer_add_format(json, "%s{\"version\":%u,\"from\":%lld,\"in_force\":%s,\"plan\":", i ? "," : "",
				       items[i].version, (long long)items[i].from_ms,
				       items[i].in_force ? "true" : "false");
		items[i].plan->has_number = items[i].plan->has_version = true;
		items[i].plan->number = number;
		items[i].plan->version = items[i].version;
		trib_proto_to_json(&items[i].plan->base, TRIB_PROTO_ALL_FIELDS, json);
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_text(json, "],\"next_cursor\":null}");
	return TRIB_OK;
}

trib_status call_plan_unschedule(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_domain_decision decision;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = trib_domain_decide_unschedule(engine->domain, call->name, call->version, engine->now_ms,
						       &engine->arena, &decision, &call->error);
	if (status == TRIB_OK)
		status = engine_emit_all(engine, &decision, &call->error);
	if (status != TRIB_OK)
		return refused(call, status);
	calls_add_put_reply(&call->reply, call->name, decision.number, decision.version, engine->position);
	return TRIB_OK;
}

/* --- Statuses by time --------------------------------------------------------------------------------- */

/* The status in force now, and the rows. */
static void add_statuses(struct trib_engine *engine, const struct trib_call *call, uint32_t number,
			 struct trib_buffer *json)
{
	const struct trib_domain *domain = engine->domain;
	uint32_t count;
	const struct trib_status_row *rows = trib_domain_statuses(domain, call->noun, number, &count);

	trib_buffer_add_text(json, "{\"id\":");
	trib_json_add_string(json, call->name);
	trib_buffer_add_text(json, ",\"status\":");
	trib_json_add_string(json, word_of(engine, trib_domain_status(domain, call->noun, number, engine->now_ms)));
	trib_buffer_add_text(json, ",\"items\":[");
	for (uint32_t i = 0; i < count; i++) {
		trib_buffer_add_text(json, i ? ",{\"status\":" : "{\"status\":");
		trib_json_add_string(json, word_of(engine, rows[i].status));
		trib_buffer_add_format(json, ",\"from\":%lld,\"reason\":", (long long)rows[i].from_ms);
		if (rows[i].reason[0])
			trib_json_add_string(json, trib_bytes_text(rows[i].reason));
		else
			trib_buffer_add_text(json, "null");
		trib_buffer_add_char(json, '}');
	}
	trib_buffer_add_format(json, "],\"next_cursor\":null,\"position\":%llu}",
			       (unsigned long long)engine->position);
}

trib_status call_status_put(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__StatusRequest request = *(const Tributary__StatusRequest *)call->body;
	struct trib_domain_decision decision;
	struct engine_flow flow = { 0 };
	trib_status status = engine_begin(engine, 0, &call->error);
	int64_t from_ms = request.has_from ? request.from : 0;

	if (status == TRIB_OK && call->noun == TRIB_NOUN_GOODS && strcmp(request.status, "active") != 0)
		status = points_withdraw_goods(engine, call->name, request.reason, request.has_from, &from_ms, &flow, &call->error);
	request.has_from |= from_ms != 0;
	request.from = from_ms;
	if (status == TRIB_OK)
		status = trib_domain_decide_status(engine->domain, call->noun, call->name, &request, engine->now_ms,
						   &engine->arena, &decision, &call->error);
	if (status == TRIB_OK)
		status = engine_flow_end(engine, &flow,
					 &(struct engine_flow_about){ .noun = call->noun, .id = call->name }, &call->error);
	if (status == TRIB_OK)
		status = engine_emit_all(engine, &decision, &call->error);
	if (status == TRIB_OK)
		add_statuses(engine, call, decision.number, &call->reply);
	return status;
}

static trib_status find_entity(struct trib_engine *engine, struct trib_call *call, enum trib_noun noun,
			       struct trib_bytes id, const char *at, uint32_t *ret_number)
{
	*ret_number = trib_domain_find(engine->domain, noun, id);
	if (*ret_number)
		return TRIB_OK;
	return trib_fail(&call->error, TRIB_NOT_FOUND, at, "found \"%.*s\", expected the id of a known %s",
			 (int)TRIB_MIN(id.size, (size_t)64), id.data, trib_noun_word(noun));
}

trib_status call_status_get(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t number;
	trib_status status = find_entity(engine, call, call->noun, call->name, "id", &number);

	if (status != TRIB_OK)
		return status;
	engine_begin(engine, 0, &call->error); /* time moves on where nothing can be written, too */
	add_statuses(engine, call, number, &call->reply);
	return TRIB_OK;
}

/* --- Bounds ------------------------------------------------------------------------------------------- */

static void add_bounds(struct trib_bytes category, int32_t low, int32_t high, struct trib_buffer *json)
{
	trib_buffer_add_text(json, "{\"category\":");
	trib_json_add_string(json, category);
	trib_buffer_add_format(json, ",\"min_bps\":%d,\"max_bps\":%d", low, high);
}

/* PUT states bounds, DELETE none. */
trib_status call_bounds_put(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__Bounds *bounds = (const Tributary__Bounds *)call->body;
	struct trib_domain_decision decision;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = trib_domain_decide_bounds(engine->domain, call->name, bounds, &engine->arena, &decision,
						   &call->error);
	if (status == TRIB_OK)
		status = engine_emit_all(engine, &decision, &call->error);
	if (status != TRIB_OK)
		return status;
	call->http_status = bounds && decision.created ? 201 : 200;
	add_bounds(call->name, bounds ? bounds->min_bps : 0, bounds ? bounds->max_bps : 10000, &call->reply);
	trib_buffer_add_format(&call->reply, ",\"position\":%llu}", (unsigned long long)engine->position);
	return TRIB_OK;
}

/* Those that hold for the category, whatever prefix has them. */
trib_status call_bounds_get(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_bytes prefix;
	int32_t low, high;

	if (!trib_domain_find_bounds(engine->domain, call->name, &low, &high, &prefix))
		return trib_fail(&call->error, TRIB_NOT_FOUND, "category",
				 "found \"%.*s\", expected a category with bounds",
				 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
	add_bounds(call->name, low, high, &call->reply);
	trib_buffer_add_text(&call->reply, ",\"of\":");
	trib_json_add_string(&call->reply, prefix);
	trib_buffer_add_char(&call->reply, '}');
	return TRIB_OK;
}

trib_status call_bounds_list(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), filled = 0;
	uint32_t count = trib_domain_bounds_count(engine->domain);
	struct trib_bytes category;
	uint64_t after = 0;
	int32_t low, high;

	if (call->cursor.size && !trib_bytes_to_u64(call->cursor, &after))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	for (; after < count && filled < limit; after++) {
		if (!trib_domain_bounds(engine->domain, (uint32_t)after + 1, &category, &low, &high))
			continue;
		if (filled++)
			trib_buffer_add_char(&call->reply, ',');
		add_bounds(category, low, high, &call->reply);
		trib_buffer_add_char(&call->reply, '}');
	}
	if (after < count)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%llu\"}", (unsigned long long)after);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}

/* --- Terms -------------------------------------------------------------------------------------------- */

/* "id@version", or null for 0. */
static void add_plan(const struct trib_engine *engine, const char *key, uint32_t plan, uint32_t version,
		     struct trib_buffer *json)
{
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 16];

	trib_buffer_add_text(json, key);
	if (!plan) {
		trib_buffer_add_text(json, "null");
		return;
	}
	int size = snprintf(text, sizeof(text), TRIB_BYTES_FMT "@%u",
			    TRIB_BYTES_ARG(trib_domain_id(engine->domain, TRIB_NOUN_PLAN, plan)), version);

	trib_json_add_string(json, trib_bytes(text, (size_t)size));
}

static void add_party(const struct trib_engine *engine, const char *key, uint32_t party, struct trib_buffer *json)
{
	trib_buffer_add_text(json, key);
	if (party)
		trib_json_add_string(json, trib_engine_party_id(engine, party));
	else
		trib_buffer_add_text(json, "null");
}

static void add_candidate(const struct trib_engine *engine, const struct trib_terms_candidate *candidate,
			  struct trib_buffer *json)
{
	add_plan(engine, "{\"plan\":", candidate->plan, candidate->version, json);
	trib_buffer_add_text(json, ",\"kind\":");
	trib_json_add_string(json, word_of(engine, candidate->kind));
	trib_buffer_add_format(json, ",\"commission_bps\":%d,\"rate_of\":%u,\"verdict\":\"%s\"%s}",
			       candidate->commission_bps, candidate->locked,
			       trib_terms_verdict_word((enum trib_terms_verdict)candidate->verdict),
			       candidate->bars ? ",\"bars\":true" : "");
}

static void add_choice(struct trib_engine *engine, const struct trib_terms_request *request,
		       struct trib_buffer *json)
{
	enum { SHOWN = 200 };
	struct trib_terms_candidate candidates[SHOWN];
	uint32_t count = trib_terms_explain(engine->domain, request, candidates, SHOWN);

	trib_buffer_add_format(json, "\"plans\":%u,\"candidates\":[", count);
	for (uint32_t i = 0; i < TRIB_MIN(count, (uint32_t)SHOWN); i++) {
		if (i)
			trib_buffer_add_char(json, ',');
		add_candidate(engine, &candidates[i], json);
	}
	trib_buffer_add_char(json, ']');
}

/* Of a path or a query: what could end it is written in hexadecimal. */
static void add_encoded(struct trib_bytes text, struct trib_buffer *json)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		    strchr("-_.~", c))
			trib_buffer_add_char(json, (char)c);
		else
			trib_buffer_add_format(json, "%%%02X", c);
	}
}

void engine_add_terms_path(const struct trib_engine *engine, const struct trib_order_record *record,
			   const struct trib_touch *touch, struct trib_buffer *json)
{
	const struct trib_domain *domain = engine->domain;

	trib_buffer_add_text(json, "\"/api/v1/goods/");
	add_encoded(trib_domain_id(domain, TRIB_NOUN_GOODS, record->goods), json);
	trib_buffer_add_text(json, ":terms?creator=");
	add_encoded(trib_engine_party_id(engine, touch->creator), json);
	trib_buffer_add_format(json, "&at=%lld", (long long)record->at_ms);
	if (touch->offer) {
		trib_buffer_add_text(json, "&offer=");
		add_encoded(trib_domain_id(domain, TRIB_NOUN_PLAN, touch->offer), json);
	}
	trib_buffer_add_text(json, "&registration=");
	add_encoded(trib_domain_id(domain, TRIB_NOUN_REGISTRATION, touch->registration), json);
	trib_buffer_add_char(json, '"');
}

static void add_rates(const struct trib_terms *terms, struct trib_buffer *json)
{
	trib_buffer_add_format(json,
			       ",\"terms\":{\"commission_bps\":%d,\"service_bps\":%d,\"service2_bps\":%d,"
			       "\"platform_bps\":%d,\"agency_bps\":%d}",
			       terms->commission_bps, terms->service_bps, terms->service2_bps, terms->platform_bps,
			       terms->agency_bps);
}

static void add_terms(struct trib_engine *engine, const struct trib_terms_request *request, struct trib_buffer *json)
{
	struct trib_terms terms;

	trib_terms_resolve(engine->domain, request, &terms);
	trib_buffer_add_format(json, ",\"outcome\":\"%s\"",
			       terms.outcome ? trib_outcome_word((enum trib_outcome)terms.outcome) : "ok");
	add_plan(engine, ",\"plan\":", terms.plan, terms.plan_version, json);
	add_plan(engine, ",\"offer\":", terms.offer, terms.offer_version, json);
	if (terms.offer_outcome)
		trib_buffer_add_format(json, ",\"offer_outcome\":\"%s\"",
				       trib_outcome_word((enum trib_outcome)terms.offer_outcome));
	add_party(engine, ",\"merchant\":", terms.merchant, json);
	add_party(engine, ",\"leader\":", terms.leader, json);
	add_party(engine, ",\"leader2\":", terms.leader2, json);
	add_party(engine, ",\"agency\":", terms.agency, json);
	if (terms.agency)
		trib_buffer_add_format(json, ",\"agency_pay\":\"%s\"",
				       terms.agency_pay == TRIB_AGENCY_ALL ? "all_to_agency" : "split");
	if (!terms.outcome)
		add_rates(&terms, json);
	trib_buffer_add_char(json, ',');
	add_choice(engine, request, json);
}

trib_status call_terms(struct trib_engine *engine, struct trib_call *call)
{
	struct trib_terms_request request = { 0 };
	trib_status status = find_entity(engine, call, TRIB_NOUN_GOODS, call->name, "id", &request.goods);

	engine_begin(engine, 0, &call->error); /* time moves on where nothing can be written, too */
	if (status == TRIB_OK && !call->creator.size)
		status = trib_fail(&call->error, TRIB_INVALID, "creator", "found nothing, expected the id of a party");
	if (status == TRIB_OK)
		status = find_entity(engine, call, TRIB_NOUN_PARTY, call->creator, "creator", &request.creator);
	if (status == TRIB_OK && call->offer.size)
		status = find_entity(engine, call, TRIB_NOUN_PLAN, call->offer, "offer", &request.offer);
	if (status == TRIB_OK && call->registration.size)
		status = find_entity(engine, call, TRIB_NOUN_REGISTRATION, call->registration, "registration",
				     &request.registration);
	if (status != TRIB_OK)
		return status;
	request.at_ms = request.lock_ms = call->has_at ? call->at_ms : engine->now_ms;
	trib_buffer_add_text(&call->reply, "{\"goods\":");
	trib_json_add_string(&call->reply, call->name);
	trib_buffer_add_text(&call->reply, ",\"creator\":");
	trib_json_add_string(&call->reply, call->creator);
	trib_buffer_add_format(&call->reply, ",\"at\":%lld", (long long)request.at_ms);
	add_terms(engine, &request, &call->reply);
	trib_buffer_add_char(&call->reply, '}');
	return TRIB_OK;
}
