#include "engine/managed.h"

#include "engine/flow_points.h"
#include "engine/state.h"

enum { LOOKS_A_TURN = 256, LOOK_EVERY_MS = 1000 };

struct mark {
	uint32_t plan;
	bool is_set, changed; /* changed: the store does not have it so */
	int64_t at_ms, orders, gmv, cost;
};

struct managed {
	struct mark *marks;
	uint32_t count, capacity;
	uint32_t *place_of; /* by plan: its place in marks, plus one */
	uint32_t places;
	uint32_t next;	  /* to be looked at in this round */
	int64_t began_ms; /* this round */
};

static struct managed *work_of(struct trib_engine *engine)
{
	if (!engine->managed)
		engine->managed = trib_alloc_zeroed(1, sizeof(*engine->managed));
	return engine->managed;
}

static struct mark *mark_of(struct trib_engine *engine, uint32_t plan)
{
	struct managed *work = work_of(engine);

	if (plan >= work->places) {
		uint32_t places = TRIB_MAX(plan + 1, work->places * 2);

		work->place_of = trib_realloc(work->place_of, places * sizeof(*work->place_of));
		memset(work->place_of + work->places, 0, (places - work->places) * sizeof(*work->place_of));
		work->places = places;
	}
	if (!work->place_of[plan]) {
		if (work->count == work->capacity) {
			work->capacity = work->capacity ? work->capacity * 2 : 16;
			work->marks = trib_realloc(work->marks, work->capacity * sizeof(*work->marks));
		}
		work->marks[work->count] = (struct mark){ .plan = plan };
		work->place_of[plan] = ++work->count;
	}
	return &work->marks[work->place_of[plan] - 1];
}

static const struct trib_plan_attributes *attributes_of(const struct trib_engine *engine, uint32_t plan)
{
	return trib_domain_attributes(engine->domain, trib_domain_plan(engine->domain, plan)->newest.attributes);
}

void managed_told(struct trib_engine *engine, uint32_t plan)
{
	if (attributes_of(engine, plan)->goal)
		mark_of(engine, plan);
}

trib_status managed_apply(struct trib_engine *engine, const Tributary__PlanMoved *moved, struct trib_error *error)
{
	if (!moved->plan || moved->plan > trib_domain_count(engine->domain, TRIB_NOUN_PLAN))
		return trib_fail(error, TRIB_CORRUPT, "plan_moved", "found a plan that is not known");
	struct mark *mark = mark_of(engine, moved->plan);

	*mark = (struct mark){ .plan = moved->plan, .is_set = true, .changed = true, .at_ms = moved->at,
			       .orders = moved->orders, .gmv = moved->gmv, .cost = moved->cost };
	return TRIB_OK;
}

void managed_fini(struct trib_engine *engine)
{
	if (engine->managed) {
		free(engine->managed->marks);
		free(engine->managed->place_of);
	}
	free(TRIB_TAKE_PTR(engine->managed));
}

/* --- The store ---------------------------------------------------------------------------------------- */

static void fill(const struct mark *mark, Tributary__PlanMoved *moved)
{
	*moved = (Tributary__PlanMoved)TRIBUTARY__PLAN_MOVED__INIT;
	moved->has_plan = moved->has_at = moved->has_orders = moved->has_gmv = moved->has_cost = true;
	moved->plan = mark->plan;
	moved->at = mark->at_ms;
	moved->orders = mark->orders;
	moved->gmv = mark->gmv;
	moved->cost = mark->cost;
}

void managed_freeze(struct trib_engine *engine, void (*emit)(void *context, const Tributary__PlanMoved *moved),
		    void *context)
{
	struct managed *work = engine->managed;
	Tributary__PlanMoved moved;

	for (uint32_t i = 0; work && i < work->count; i++) {
		if (!work->marks[i].changed)
			continue;
		work->marks[i].changed = false;
		fill(&work->marks[i], &moved);
		emit(context, &moved);
	}
}

void managed_begin(struct trib_engine *engine)
{
	for (uint32_t plan = 1; plan <= trib_domain_count(engine->domain, TRIB_NOUN_PLAN); plan++)
		managed_told(engine, plan);
}

trib_status managed_load(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct trib_engine *engine = context;
	Tributary__PlanMoved *moved =
		tributary__plan_moved__unpack(NULL, value.size, (const uint8_t *)value.data);

	if (!moved)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no mark of a managed plan");
	trib_status status = managed_apply(engine, moved, error);

	if (status == TRIB_OK)
		mark_of(engine, moved->plan)->changed = false;
	tributary__plan_moved__free_unpacked(moved, NULL);
	return status;
}

/* --- The rate ----------------------------------------------------------------------------------------- */

int32_t managed_next_rate(const struct managed_look *look, int64_t *ret_measured)
{
	int32_t next = look->rate_bps;
	int64_t measured = look->goal == TRIB_GOAL_ORDERS ? look->orders : look->gmv;
	__int128 target = look->target;

	if (look->goal == TRIB_GOAL_COST_SHARE) {
		measured = look->gmv > 0 ? (int64_t)((__int128)look->cost * 10000 / look->gmv) : -1;
		if (measured > target)
			next -= look->step_bps;
		else if (measured >= 0 && (__int128)measured * 10 < target * 9)
			next += look->step_bps;
	} else if (measured < target) {
		next += look->step_bps;
	} else if ((__int128)measured * 10 > target * 11) {
		next -= look->step_bps;
	}
	*ret_measured = measured;
	return TRIB_MAX(look->min_bps, TRIB_MIN(look->max_bps, next));
}

/* --- A look ------------------------------------------------------------------------------------------- */

static struct trib_tally sold_by(const struct trib_engine *engine, uint32_t plan)
{
	const struct trib_tally_key key = { .kind = TRIB_TALLY_MANAGED, .plan = plan };
	const struct trib_tally *tally = trib_tallies_get(engine->tallies, &key);

	return tally ? *tally : (struct trib_tally){ .key = key };
}

static trib_status begin_anew(struct trib_engine *engine, uint32_t plan, const struct trib_tally *sold,
			      struct trib_error *error)
{
	const struct mark mark = { .plan = plan, .at_ms = engine->now_ms, .orders = sold->sold.orders,
				   .gmv = sold->sold.gmv, .cost = sold->amount };
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__PlanMoved moved;

	fill(&mark, &moved);
	event.kind_case = TRIBUTARY__EVENT__KIND_PLAN_MOVED;
	event.plan_moved = &moved;
	return engine_emit(engine, &event, error);
}

/* The plan with the next rate; the note says why. */
static trib_status move(struct trib_engine *engine, const struct managed_look *look, uint32_t number, int32_t rate,
			int64_t measured, struct trib_error *error)
{
	const struct engine_flow_about about = { .noun = TRIB_NOUN_PLAN, .id = trib_domain_id(engine->domain, TRIB_NOUN_PLAN, number) };
	const char *told = NULL;
	struct engine_flow flow;
	static const char *const goals[] = { [TRIB_GOAL_GMV] = "gmv", [TRIB_GOAL_ORDERS] = "orders",
					     [TRIB_GOAL_COST_SHARE] = "cost_share" };
	struct trib_record *record = trib_domain_record(engine->domain, TRIB_NOUN_PLAN, number);
	Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
	struct trib_domain_decision decision;
	struct trib_entity entity;
	char reason[64], ext[256];
	trib_status status = trib_record_unpack(record, TRIB_NOUN_PLAN, &engine->arena, &entity, error);

	trib_record_unref(record);
	if (status != TRIB_OK)
		return status;
	Tributary__Plan *plan = (Tributary__Plan *)entity.message;

	status = points_managed(engine, plan, look, measured, &rate, &told, &flow, error);
	if (status != TRIB_OK || rate == look->rate_bps)
		return status;
	snprintf(reason, sizeof(reason), "%s %s", goals[look->goal],
		 rate > look->rate_bps ? "below target" : "above target");
	snprintf(ext, sizeof(ext), "{\"from_bps\":%d,\"goal\":\"%s\",\"measured\":%lld,\"target\":%lld,\"to_bps\":%d}",
		 look->rate_bps, goals[look->goal], (long long)measured, (long long)look->target, rate);
	request.reason = told ? (char *)(uintptr_t)told : reason;
	request.ext = ext;
	plan->terms->has_commission_bps = true; /* it had a rate between its bounds */
	plan->terms->commission_bps = rate;
	plan->has_effective_from = false;
	status = trib_domain_decide_plan(engine->domain, plan, trib_bytes_text("move"), &request, engine->now_ms,
					 &engine->arena, &decision, error);
	if (status == TRIB_OK)
		status = engine_flow_end(engine, &flow, &about, error);
	for (uint32_t i = 0; status == TRIB_OK && i < decision.event_count; i++)
		status = engine_emit(engine, &decision.events[i], error);
	return status == TRIB_OK ? access_note_act(engine, "move", TRIB_NOUN_PLAN, number, error) : status;
}

static void look_at(struct trib_engine *engine, struct mark mark)
{
	const struct trib_plan *plan = trib_domain_plan(engine->domain, mark.plan);
	const struct trib_plan_version *newest = &plan->newest;
	const struct trib_plan_attributes *attributes = attributes_of(engine, mark.plan);
	struct trib_tally sold = sold_by(engine, mark.plan);
	struct trib_error error;
	int64_t measured;

	if (!attributes->goal || newest->from_ms > engine->now_ms || engine->now_ms >= newest->to_ms ||
	    trib_domain_status(engine->domain, TRIB_NOUN_PLAN, mark.plan, engine->now_ms) != TRIB_WORD_ACTIVE ||
	    (mark.is_set && engine->now_ms - mark.at_ms < attributes->goal_every_ms))
		return;
	const struct managed_look look = { .goal = attributes->goal,
					   .target = attributes->goal_target,
					   .orders = sold.sold.orders - mark.orders,
					   .gmv = sold.sold.gmv - mark.gmv,
					   .cost = sold.amount - mark.cost,
					   .rate_bps = newest->commission_bps,
					   .step_bps = attributes->goal_step_bps,
					   .min_bps = attributes->min_bps,
					   .max_bps = attributes->max_bps };
	int32_t rate = managed_next_rate(&look, &measured);

	/* The first look only begins to measure. What is refused (the bounds of a category) waits for the next look. */
	if (begin_anew(engine, mark.plan, &sold, &error) == TRIB_OK && mark.is_set &&
	    (rate != look.rate_bps || trib_domain_plan(engine->domain, mark.plan)->play))
		move(engine, &look, mark.plan, rate, measured, &error);
	trib_arena_reset(&engine->arena);
}

void managed_turn(struct trib_engine *engine)
{
	struct managed *work = engine->managed;
	const struct trib_actor self = { .role = TRIB_ACCESS_ENGINE, .name = trib_bytes_text("managed") };
	int64_t wall_ms = work ? trib_clock_wall_ms(engine->options.clock) : 0;
	struct trib_error error;

	if (TRIB_LIKELY(!work || !work->count) || engine->state != TRIB_ENGINE_RUNNING)
		return;
	if (work->next == work->count && wall_ms - work->began_ms < LOOK_EVERY_MS)
		return;
	if (work->next == work->count) {
		work->next = 0;
		work->began_ms = wall_ms;
	}
	if (engine_begin(engine, 0, &error) != TRIB_OK)
		return;
	trib_arena_reset(&engine->arena);
	trib_domain_set_actor(engine->domain, &self);
	for (int i = 0; i < LOOKS_A_TURN && work->next < work->count; i++)
		look_at(engine, work->marks[work->next++]);
	trib_domain_set_actor(engine->domain, NULL);
	if (work->next < work->count)
		trib_bell_ring(&engine->bell);
}
