/*
 * What is done to a plan: actions of its life cycle, and taking out what lies ahead. Its timeline only grows, so both are
 * versions again: the one in force with another status from now on, and each that lies ahead after it, from its own time.
 */
#include "domain/life.h"

#include "domain/private.h"

static trib_status no_memory(struct trib_error *error)
{
	return trib_fail(error, TRIB_TOO_LARGE, "", "found more than one command may hold, expected less");
}

/* ---- What counts -------------------------------------------------------------------------- */

static Tributary__Plan *read_plan(const struct trib_record *record, struct trib_arena *arena)
{
	Tributary__PlanPut *put = (Tributary__PlanPut *)trib_domain_unpack(
		&tributary__plan_put__descriptor, trib_record_bytes(record), arena);

	return put ? put->plan : NULL;
}

trib_status trib_domain_schedule(const struct trib_domain *domain, uint32_t number, int64_t now_ms,
				 struct trib_arena *arena, struct trib_scheduled **ret_items, uint32_t *ret_count,
				 struct trib_error *error)
{
	const struct trib_plan *plan = trib_domain_plan(domain, number);
	const struct trib_plan_past *past = trib_plan_past(domain, number);
	uint32_t kept = past ? past->kept_count : 0, count = 0;
	uint32_t in_force = trib_plan_version_in_force(plan, now_ms);
	struct trib_scheduled *items = trib_arena_alloc(arena, (kept + 1) * sizeof(*items));

	if (!items)
		return no_memory(error);
	for (uint32_t i = 0; i <= kept; i++) {
		const struct trib_plan_version *version =
			i < kept ? trib_plan_version(plan, past->kept[i].version) : &plan->newest;

		if (version->number != in_force && version->from_ms <= now_ms)
			continue;
		items[count] = (struct trib_scheduled){ .version = version->number,
							.from_ms = version->from_ms,
							.in_force = version->number == in_force };
		items[count].plan = read_plan(i < kept ? past->kept[i].record
						       : *trib_domain_record_slot(domain, TRIB_NOUN_PLAN, number),
					      arena);
		if (!items[count++].plan)
			return no_memory(error);
	}
	if (in_force && !items[0].in_force)
		return trib_fail(error, TRIB_REFUSED, "id",
				 "found versions ahead that an earlier release took, expected the plan to be put again");
	*ret_items = items;
	*ret_count = count;
	return TRIB_OK;
}

trib_status trib_domain_decide_plan(const struct trib_domain *domain, const Tributary__Plan *plan,
				    struct trib_bytes action, const Tributary__ActionRequest *request,
				    int64_t now_ms, struct trib_arena *arena,
				    struct trib_domain_decision *ret_decision, struct trib_error *error)
{
	uint32_t number = trib_domain_find(domain, TRIB_NOUN_PLAN, trib_text(plan->id));
	Tributary__HistoryItem *note =
		trib_life_item(action, NULL, request, trib_domain_actor(domain), now_ms, arena);

	trib_assert(number);
	if (!note)
		return no_memory(error);
	if (trib_domain_plan(domain, number)->newest.from_ms > now_ms)
		return trib_fail(error, TRIB_REFUSED, "effective_from",
				 "found a version that lies ahead, expected none: it would be covered");
	return trib_decide_plan_version(domain, plan, number, trib_version_of(domain, TRIB_NOUN_PLAN, number) + 1,
					note, now_ms, arena, ret_decision, error);
}

/* ---- New versions ------------------------------------------------------------------------- */

struct series {
	const struct trib_domain *domain;
	struct trib_arena *arena;
	struct trib_error *error;
	int64_t now_ms;
	Tributary__HistoryItem *note; /* of the first */
	struct trib_domain_decision decision;
};

/* The same content from a time on, in a status; NULL: as it says. */
static trib_status add_version(struct series *series, const Tributary__Plan *content, int64_t from_ms,
			       const char *status)
{
	struct trib_domain_decision *decision = &series->decision, one;
	Tributary__Plan plan = *content;

	plan.has_effective_from = true;
	plan.effective_from = from_ms;
	if (status)
		plan.status = (char *)status;
	if (plan.has_effective_to && plan.effective_to <= from_ms) {
		plan.has_effective_to = false;
		plan.status = "ended";
	}
	TRY(trib_decide_plan_version(series->domain, &plan, decision->number, decision->version + 1,
				     series->note, series->now_ms, series->arena, &one, series->error));
	series->note = NULL;
	Tributary__Event *events = trib_arena_alloc(series->arena, (decision->event_count + one.event_count) *
									   sizeof(*events));

	if (!events)
		return no_memory(series->error);
	if (decision->event_count)
		memcpy(events, decision->events, decision->event_count * sizeof(*events));
	memcpy(events + decision->event_count, one.events, one.event_count * sizeof(*events));
	decision->events = events;
	decision->event_count += one.event_count;
	decision->version = one.version;
	return TRIB_OK;
}

static trib_status begin(struct series *series, struct trib_bytes id, struct trib_scheduled **ret_items,
			 uint32_t *ret_count)
{
	uint32_t number = trib_domain_find(series->domain, TRIB_NOUN_PLAN, id);

	if (!number)
		return trib_fail(series->error, TRIB_NOT_FOUND, "id",
				 "found \"" TRIB_BYTES_FMT "\", expected the id of a known plan",
				 (int)TRIB_MIN(id.size, (size_t)64), id.data);
	series->decision.number = number;
	series->decision.version = trib_version_of(series->domain, TRIB_NOUN_PLAN, number);
	return trib_domain_schedule(series->domain, number, series->now_ms, series->arena, ret_items, ret_count,
				    series->error);
}

/* As people see it: what has passed its end is over, whatever its versions say. */
static const char *status_now(const struct trib_domain *domain, uint32_t number, int64_t now_ms)
{
	const struct trib_plan *plan = trib_domain_plan(domain, number);
	const struct trib_plan_version *version =
		trib_plan_version(plan, trib_plan_version_in_force(plan, now_ms));
	uint8_t status = trib_domain_status(domain, TRIB_NOUN_PLAN, number, now_ms);

	if (version && now_ms >= version->to_ms && status != TRIB_WORD_CLOSED)
		return "ended";
	return trib_status_word_of(status);
}

trib_status trib_plan_decide_action(const struct trib_domain *domain, struct trib_bytes id, struct trib_bytes action,
				    const Tributary__ActionRequest *request, int64_t now_ms,
				    struct trib_arena *arena, struct trib_domain_decision *ret_decision,
				    const char **ret_status, struct trib_error *error)
{
	struct series series = { .domain = domain, .arena = arena, .error = error, .now_ms = now_ms };
	const struct trib_actor *actor = trib_domain_actor(domain);
	const struct trib_life_row *row;
	struct trib_scheduled *items;
	uint32_t count;

	TRY(begin(&series, id, &items, &count));
	TRY(trib_life_check(TRIB_NOUN_PLAN, action, status_now(domain, series.decision.number, now_ms), actor, &row,
			    error));
	if (!trib_life_is_own(&items[0].plan->base, actor))
		return trib_fail(error, TRIB_FORBIDDEN, trib_access_role_word(actor->role),
				 "found another's plan, expected one of \"" TRIB_BYTES_FMT "\"",
				 TRIB_BYTES_ARG(actor->party_id));
	series.note = trib_life_item(action, row->to, request, actor, now_ms, arena);
	if (!series.note)
		return no_memory(error);
	for (uint32_t i = 0; i < count; i++)
		TRY(add_version(&series, items[i].plan, TRIB_MAX(items[i].from_ms, now_ms), row->to));
	*ret_decision = series.decision;
	*ret_status = row->to;
	return TRIB_OK;
}

trib_status trib_domain_decide_unschedule(const struct trib_domain *domain, struct trib_bytes id, uint32_t version,
					  int64_t now_ms, struct trib_arena *arena,
					  struct trib_domain_decision *ret_decision, struct trib_error *error)
{
	struct series series = { .domain = domain, .arena = arena, .error = error, .now_ms = now_ms };
	const struct trib_actor *actor = trib_domain_actor(domain);
	struct trib_scheduled *items;
	uint32_t count, at = 0;

	TRY(begin(&series, id, &items, &count));
	if (!trib_life_is_own(&items[0].plan->base, actor))
		return trib_fail(error, TRIB_FORBIDDEN, trib_access_role_word(actor->role),
				 "found another's plan, expected one of \"" TRIB_BYTES_FMT "\"",
				 TRIB_BYTES_ARG(actor->party_id));
	while (at < count && items[at].version != version)
		at++;
	if (at == count || items[at].in_force)
		return trib_fail(error, TRIB_REFUSED, "version", "found %u, expected a version that lies ahead",
				 version);
	if (at == 0)
		return trib_fail(error, TRIB_REFUSED, "version",
				 "found the one that the plan begins with, expected another: DELETE closes a plan");
	series.note = trib_life_item(trib_text("unschedule"), NULL, NULL, actor, now_ms, arena);
	if (!series.note)
		return no_memory(error);
	/* What is in force, again from now on, covers all that lies ahead; what is to stay of that follows. */
	for (uint32_t i = 0; i < count; i++)
		if (i != at)
			TRY(add_version(&series, items[i].plan, TRIB_MAX(items[i].from_ms, now_ms),
					items[i].in_force ? status_now(domain, series.decision.number, now_ms) : NULL));
	*ret_decision = series.decision;
	return TRIB_OK;
}
