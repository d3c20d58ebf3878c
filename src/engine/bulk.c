#include "engine/bulk.h"

#include "engine/flows.h"
#include "engine/selection.h"
#include "engine/state.h"

enum { SLICE_PLANS = 64, PROGRESS_PLANS = 1024, ERRORS_SHOWN = 20 };
#define SLICE_NS INT64_C(300000)

struct bulk {
	bool told; /* there may be work that is not taken up */
	uint32_t number; /* of the job at hand; 0: none */
	Tributary__BulkPut *put;
	struct selection *selection;
	uint32_t unsaved; /* plans looked at since the job was put last */
};

static void drop(struct bulk *work)
{
	tributary__bulk_put__free_unpacked(TRIB_TAKE_PTR(work->put), NULL);
	selection_free(TRIB_TAKE_PTR(work->selection));
	work->number = work->unsaved = 0;
}

static struct bulk *work_of(struct trib_engine *engine)
{
	if (!engine->bulk)
		engine->bulk = trib_alloc_zeroed(1, sizeof(*engine->bulk));
	return engine->bulk;
}

void bulk_told(struct trib_engine *engine)
{
	struct bulk *work = work_of(engine);

	drop(work);
	work->told = true;
}

void bulk_fini(struct trib_engine *engine)
{
	if (engine->bulk)
		drop(engine->bulk);
	free(TRIB_TAKE_PTR(engine->bulk));
}

trib_status bulk_check_filter(struct trib_bytes source, struct trib_error *error)
{
	struct selection *selection;
	trib_status status = selection_new(&tributary__plan__descriptor, source, &selection, error);

	if (status == TRIB_OK)
		selection_free(selection);
	return status;
}

/* --- The job ------------------------------------------------------------------------------------------ */

static bool is_at_work(const char *status)
{
	return strcmp(status, "previewing") == 0 || strcmp(status, "applying") == 0;
}

static bool take(struct trib_engine *engine, struct bulk *work, uint32_t number)
{
	struct trib_record *record = trib_domain_record(engine->domain, TRIB_NOUN_BULK, number);
	struct trib_bytes bytes = trib_record_bytes(record);
	struct trib_error error;

	work->put = tributary__bulk_put__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
	trib_record_unref(record);
	trib_assert(work->put && work->put->bulk);
	work->number = number;
	if (selection_new(&tributary__plan__descriptor, trib_bytes_text(work->put->bulk->filter), &work->selection,
			  &error) == TRIB_OK)
		return true;
	drop(work); /* another release could read it */
	return false;
}

/* Looks for the oldest job that has work left. */
static bool find_work(struct trib_engine *engine, struct bulk *work)
{
	if (work->number)
		return true;
	for (uint32_t i = 1; work->told && i <= trib_domain_count(engine->domain, TRIB_NOUN_BULK); i++)
		if (is_at_work(trib_domain_cold(engine->domain, TRIB_NOUN_BULK, i)->status) && take(engine, work, i))
			return true;
	work->told = false;
	return false;
}

/* How far it is, in the journal; in another status where one is given. */
static trib_status save(struct trib_engine *engine, const char *status, struct trib_error *error)
{
	struct bulk *work = engine->bulk;
	Tributary__Bulk bulk = *work->put->bulk; /* its lists are ours: only what is set below differs */
	Tributary__BulkPut put = TRIBUTARY__BULK_PUT__INIT;
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	const struct trib_actor self = { .role = TRIB_ACCESS_ENGINE, .name = trib_bytes_text("bulk") };

	put.has_number = put.has_version = true;
	put.number = work->number;
	put.version = trib_domain_cold(engine->domain, TRIB_NOUN_BULK, work->number)->version + 1;
	put.bulk = &bulk;
	if (status) {
		bulk.status = (char *)status;
		if (!trib_life_note(&bulk.base,
				    trib_life_item(trib_bytes_text("work"), status, NULL, &self, engine->now_ms,
						   &engine->arena),
				    &engine->arena))
			return trib_fail(error, TRIB_NO_MEMORY, "bulk", "found no memory for a note");
	}
	event.kind_case = TRIBUTARY__EVENT__KIND_BULK_PUT;
	event.bulk_put = &put;
	return engine_emit(engine, &event, error); /* which drops the job at hand: it is taken up again */
}

/* --- One plan ----------------------------------------------------------------------------------------- */

#define SET_STATED(to, from, field)                                                                \
	do {                                                                                       \
		if ((from)->has_##field) {                                                         \
			(to)->has_##field = true;                                                  \
			(to)->field = (from)->field;                                               \
		}                                                                                  \
	} while (0)

/* The plan as it is to be; `terms` is where its terms may stand. */
static void change_plan(const Tributary__PlanChange *change, Tributary__Plan *plan, Tributary__Terms *terms)
{
	if (plan->terms)
		*terms = *plan->terms;
	plan->terms = terms;
	if (change->terms) {
		SET_STATED(terms, change->terms, commission_bps);
		SET_STATED(terms, change->terms, service_bps);
		SET_STATED(terms, change->terms, service2_bps);
		SET_STATED(terms, change->terms, platform_bps);
		SET_STATED(terms, change->terms, agency_bps);
	}
	if (change->has_add_commission_bps) {
		terms->commission_bps = (terms->has_commission_bps ? terms->commission_bps : 0) + change->add_commission_bps;
		terms->has_commission_bps = true;
	}
	SET_STATED(plan, change, budget);
	SET_STATED(plan, change, daily_cap);
	SET_STATED(plan, change, effective_to);
	plan->has_effective_from = false; /* from now on, or from midnight where a cut waits for it */
	SET_STATED(plan, change, effective_from);
}

static bool same_but_for_time(const Tributary__Plan *before, const Tributary__Plan *after, struct trib_arena *arena)
{
	Tributary__Plan one = *before, other = *after;

	one.has_effective_from = other.has_effective_from = false;
	one.n_history = other.n_history = 0;
	size_t size = protobuf_c_message_get_packed_size(&one.base);
	uint8_t *bytes = trib_arena_alloc(arena, 2 * size + 1);

	if (!bytes || protobuf_c_message_get_packed_size(&other.base) != size)
		return false;
	protobuf_c_message_pack(&one.base, bytes);
	protobuf_c_message_pack(&other.base, bytes + size);
	return memcmp(bytes, bytes + size, size) == 0;
}

static void forget_errors(Tributary__Bulk *bulk)
{
	for (size_t i = 0; i < bulk->n_errors; i++)
		tributary__bulk_error__free_unpacked(bulk->errors[i], NULL);
	free(TRIB_TAKE_PTR(bulk->errors));
	bulk->n_errors = 0;
}

static void count_error(struct bulk *work, const char *plan, const struct trib_error *error)
{
	Tributary__Bulk *bulk = work->put->bulk;
	Tributary__BulkError *row;

	if (bulk->refused++ >= ERRORS_SHOWN)
		return;
	row = trib_alloc(sizeof(*row));
	tributary__bulk_error__init(row);
	row->plan = strdup(plan);
	row->at = strdup(error->at);
	row->detail = strdup(error->text);
	bulk->errors = trib_realloc(bulk->errors, (bulk->n_errors + 1) * sizeof(Tributary__BulkError *));
	bulk->errors[bulk->n_errors++] = row;
}

static int32_t commission_of(const Tributary__Plan *plan)
{
	return plan->terms && plan->terms->has_commission_bps ? plan->terms->commission_bps : 0;
}

static void count_change(struct bulk *work, const Tributary__Plan *before, const Tributary__Plan *after)
{
	Tributary__Bulk *bulk = work->put->bulk;

	bulk->changed++;
	bulk->raised += commission_of(after) > commission_of(before);
	bulk->lowered += commission_of(after) < commission_of(before);
	bulk->goods += (int64_t)after->n_goods;
	bulk->bps_before += commission_of(before);
	bulk->bps_after += commission_of(after);
}

/* As if it had been asked for by itself: the plan's play has its say. */
static trib_status decide_action(struct trib_engine *engine, const Tributary__Plan *plan, Tributary__ActionRequest *request,
				 struct trib_domain_decision *ret_decision, struct engine_flow *ret_flow,
				 struct trib_error *error)
{
	const struct trib_call call = { .name = trib_bytes_text(plan->id),
					.action = trib_bytes_text(engine->bulk->put->bulk->change->action),
					.actor = *trib_domain_actor(engine->domain),
					.body = &request->base };
	const char *led_to;
	trib_status status = trib_domain_decide_action(engine->domain, TRIB_NOUN_PLAN, call.name, call.action, request,
						       engine->now_ms, &engine->arena, ret_decision, &led_to, error);

	return status == TRIB_OK ? flows_plan_act(engine, &call, ret_flow, error) : status;
}

/* What the change comes to for one plan: a decision, which may be empty. */
static trib_status decide_one(struct trib_engine *engine, const struct trib_entity *entity, Tributary__Plan *changed,
			      struct trib_domain_decision *ret_decision, struct engine_flow *ret_flow,
			      struct trib_error *error)
{
	const Tributary__Bulk *bulk = engine->bulk->put->bulk;
	const Tributary__Plan *plan = (const Tributary__Plan *)entity->message;
	Tributary__Terms *terms = trib_arena_alloc(&engine->arena, sizeof(*terms));
	Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
	const ProtobufCMessage *put = &changed->base;

	*ret_decision = (struct trib_domain_decision){ 0 };
	*ret_flow = (struct engine_flow){ 0 };
	request.reason = bulk->id;
	*changed = *plan;
	if (bulk->change->action)
		return decide_action(engine, plan, &request, ret_decision, ret_flow, error);
	if (!terms)
		return trib_fail(error, TRIB_NO_MEMORY, "bulk", "found no memory for a plan");
	tributary__terms__init(terms);
	change_plan(bulk->change, changed, terms);
	if (same_but_for_time(plan, changed, &engine->arena))
		return TRIB_OK;
	changed->n_history = 0; /* as if it had been put: what the server writes is not stated */
	changed->has_number = changed->has_version = false;
	trib_status status = flows_put(engine, TRIB_NOUN_PLAN, &put, ret_flow, error);

	*changed = *(const Tributary__Plan *)put;
	return status == TRIB_OK ? trib_domain_decide_plan(engine->domain, changed, trib_bytes_text("bulk"), &request,
							   engine->now_ms, &engine->arena, ret_decision, error) :
				   status;
}

/* The run of its play, if there was one; then the change, unless that waits for somebody. */
static trib_status apply_one(struct trib_engine *engine, const Tributary__Plan *changed,
			     const struct trib_domain_decision *decision, struct engine_flow *flow, struct trib_error *error)
{
	struct bulk *work = engine->bulk;
	trib_status status = TRIB_OK;

	if (flow->ran && work->put->bulk->change->action)
		status = engine_flow_end(engine, flow,
					 &(struct engine_flow_about){ .noun = TRIB_NOUN_PLAN,
								      .id = trib_bytes_text(changed->id) },
					 error);
	else if (flow->ran)
		status = flows_put_end(engine, TRIB_NOUN_PLAN, &changed->base, flow, error);
	if (flow->ran && flow->run.waits && !work->put->bulk->change->action) {
		work->unsaved = PROGRESS_PLANS; /* asked once: nothing in the plan would say so */
		return status;
	}
	for (uint32_t i = 0; status == TRIB_OK && i < decision->event_count; i++)
		status = engine_emit(engine, &decision->events[i], error);
	return status;
}

/* Did this job change it already, and was cut off before it could say so? */
static bool is_done(const Tributary__Plan *plan, const char *job)
{
	const Tributary__HistoryItem *last = plan->n_history ? plan->history[plan->n_history - 1] : NULL;

	return last && last->reason && strcmp(last->reason, job) == 0;
}

static trib_status look_at(struct trib_engine *engine, uint32_t number, struct trib_error *error)
{
	struct bulk *work = engine->bulk;
	Tributary__Bulk *bulk = work->put->bulk;
	bool applying = strcmp(bulk->status, "applying") == 0;
	struct trib_record *record = trib_domain_record(engine->domain, TRIB_NOUN_PLAN, number);
	struct trib_domain_decision decision;
	struct engine_flow flow;
	struct trib_entity entity;
	Tributary__Plan changed;
	trib_status status = trib_record_unpack(record, TRIB_NOUN_PLAN, &engine->arena, &entity, error);

	trib_record_unref(record);
	if (status != TRIB_OK)
		return status;
	Tributary__Plan *plan = (Tributary__Plan *)entity.message;

	trib_domain_show(engine->domain, TRIB_NOUN_PLAN, engine->now_ms, &entity);
	if ((bulk->merchant && strcmp(plan->merchant, bulk->merchant) != 0) || strcmp(plan->status, "closed") == 0)
		return TRIB_OK;
	if (!trib_domain_show_history(engine->domain, &entity, &engine->arena))
		return trib_fail(error, TRIB_NO_MEMORY, "bulk", "found no memory for a plan's history");
	if (applying && is_done(plan, bulk->id)) {
		bulk->matched++;
		count_change(work, plan, plan); /* what it was before is not known any more */
		return TRIB_OK;
	}
	if (!selection_holds(work->selection, &plan->base))
		return TRIB_OK;
	bulk->matched++;
	status = decide_one(engine, &entity, &changed, &decision, &flow, error);
	if (status != TRIB_OK) {
		count_error(work, plan->id, error);
		return TRIB_OK;
	}
	if (!decision.event_count)
		return TRIB_OK;
	count_change(work, plan, &changed);
	bulk->waiting += flow.ran && flow.run.waits && !bulk->change->action;
	return applying ? apply_one(engine, &changed, &decision, &flow, error) : TRIB_OK;
}

/* --- Slices ------------------------------------------------------------------------------------------- */

/* As whom plans are changed: the merchant whose they are, if the job is one's; else the platform. */
static struct trib_actor actor_of(const Tributary__Bulk *bulk)
{
	struct trib_actor actor = { .role = bulk->merchant ? TRIB_ACCESS_MERCHANT : TRIB_ACCESS_OPERATOR,
				    .name = trib_bytes_text(bulk->id) };

	if (bulk->merchant)
		actor.party_id = trib_bytes_text(bulk->merchant);
	return actor;
}

static trib_status slice(struct trib_engine *engine, struct trib_error *error)
{
	struct bulk *work = engine->bulk;
	Tributary__Bulk *bulk = work->put->bulk;
	int64_t until_ns = trib_clock_monotonic_ns(trib_clock_system()) + SLICE_NS;
	trib_status status = TRIB_OK;

	for (int i = 0; i < SLICE_PLANS && status == TRIB_OK && bulk->cursor < bulk->plans; i++) {
		trib_arena_reset(&engine->arena);
		work->unsaved++;
		status = look_at(engine, ++bulk->cursor, error);
		if (trib_clock_monotonic_ns(trib_clock_system()) >= until_ns)
			break;
	}
	trib_arena_reset(&engine->arena);
	if (status != TRIB_OK)
		return status;
	if (bulk->cursor >= bulk->plans && strcmp(bulk->status, "applying") == 0)
		return save(engine, "done", error);
	if (bulk->cursor >= bulk->plans && bulk->dry_run)
		return save(engine, "previewed", error);
	if (bulk->cursor >= bulk->plans) {
		forget_errors(bulk);
		trib_bulk_begin(bulk);
		return save(engine, "applying", error);
	}
	return work->unsaved >= PROGRESS_PLANS ? save(engine, NULL, error) : TRIB_OK;
}

void bulk_turn(struct trib_engine *engine)
{
	struct bulk *work = engine->bulk;
	struct trib_error error;

	if (TRIB_LIKELY(!work || (!work->told && !work->number)) || engine->state != TRIB_ENGINE_RUNNING ||
	    !find_work(engine, work) || engine_begin(engine, 0, &error) != TRIB_OK)
		return;
	const struct trib_actor actor = actor_of(work->put->bulk);

	trib_domain_set_actor(engine->domain, &actor);
	bool goes_on = slice(engine, &error) == TRIB_OK;

	trib_domain_set_actor(engine->domain, NULL);
	if (goes_on)
		trib_bell_ring(&engine->bell);
	else
		bulk_told(engine); /* a failure that passes: from what is saved, when there is a turn again */
}

/* --- The door ----------------------------------------------------------------------------------------- */

/* Jobs are done one after the other, so nobody may have many of them wait in front of all others'. */
static trib_status check_waiting(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t waiting = 0;

	for (uint32_t i = trib_domain_count(engine->domain, TRIB_NOUN_BULK); i; i--) {
		const Tributary__Bulk *bulk;

		if (!is_at_work(trib_domain_cold(engine->domain, TRIB_NOUN_BULK, i)->status))
			continue;
		bulk = (const Tributary__Bulk *)trib_cold_read(engine->domain, TRIB_NOUN_BULK, i, &engine->arena);
		waiting += !bulk || (bulk->merchant && trib_bytes_is(call->actor.party_id, bulk->merchant));
	}
	return waiting < TRIB_LIMIT_BULK_WAITING ?
		       TRIB_OK :
		       trib_fail(&call->error, TRIB_LIMIT, "", "found %u bulk edits that are not done, expected at most %d",
				 waiting, TRIB_LIMIT_BULK_WAITING);
}

trib_status call_bulk(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Bulk bulk = *(const Tributary__Bulk *)call->body;
	struct trib_domain_decision decision;
	char id[32];
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK && call->actor.role == TRIB_ACCESS_MERCHANT) {
		bulk.merchant = trib_arena_copy(&engine->arena, call->actor.party_id);
		status = check_waiting(engine, call);
	}
	for (uint32_t n = trib_domain_count(engine->domain, TRIB_NOUN_BULK) + 1; !bulk.id; n++) {
		snprintf(id, sizeof(id), "bulk-%u", n);
		if (!trib_domain_find(engine->domain, TRIB_NOUN_BULK, trib_bytes_text(id)))
			bulk.id = id;
	}
	if (status == TRIB_OK)
		status = trib_domain_decide_put(engine->domain, TRIB_NOUN_BULK, &bulk.base, engine->now_ms,
						&engine->arena, &decision, &call->error);
	for (uint32_t i = 0; status == TRIB_OK && i < decision.event_count; i++)
		status = engine_emit(engine, &decision.events[i], &call->error);
	if (status != TRIB_OK)
		return status;
	call->http_status = 202;
	trib_buffer_add_text(&call->reply, "{\"id\":");
	trib_json_add_string(&call->reply, trib_bytes_text(bulk.id));
	trib_buffer_add_format(&call->reply, ",\"status\":\"previewing\",\"number\":%u,\"version\":%u,\"position\":%llu}",
			       decision.number, decision.version, (unsigned long long)engine->position);
	return TRIB_OK;
}
