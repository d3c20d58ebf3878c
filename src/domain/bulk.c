/* Bulk edits of plans, as entities: what a job must say. The engine does them. */
#include "domain/cold.h"

void trib_bulk_begin(Tributary__Bulk *bulk)
{
	bulk->has_cursor = bulk->has_matched = bulk->has_changed = bulk->has_refused = true;
	bulk->has_raised = bulk->has_lowered = bulk->has_goods = true;
	bulk->has_bps_before = bulk->has_bps_after = bulk->has_waiting = true;
	bulk->cursor = 0;
	bulk->matched = bulk->changed = bulk->refused = bulk->raised = bulk->lowered = 0;
	bulk->goods = bulk->bps_before = bulk->bps_after = bulk->waiting = 0;
	bulk->n_errors = 0;
}

static void begin_anew(struct trib_cold *cold, Tributary__Bulk *bulk)
{
	trib_bulk_begin(bulk);
	bulk->has_plans = true;
	bulk->plans = trib_domain_count(cold->domain, TRIB_NOUN_PLAN);
}

trib_status trib_bulk_apply(struct trib_cold *cold)
{
	begin_anew(cold, (Tributary__Bulk *)cold->entity);
	return TRIB_OK;
}

static bool says_something(const Tributary__PlanChange *change)
{
	return change && (change->terms || change->has_add_commission_bps || change->has_budget ||
			  change->has_daily_cap || change->has_effective_to || change->action);
}

trib_status trib_check_bulk(struct trib_cold *cold)
{
	Tributary__Bulk *bulk = (Tributary__Bulk *)cold->entity;
	trib_status status;

	if (cold->action.size)
		return TRIB_OK;
	if (cold->from && strcmp(cold->from, "previewed") != 0)
		return trib_fail(cold->error, TRIB_REFUSED, "status", "found it %s, expected previewed, or a new job",
				 cold->from);
	if (!says_something(bulk->change))
		return trib_fail(cold->error, TRIB_INVALID, "change",
				 "found nothing to change, expected terms, add_commission_bps, budget, daily_cap, "
				 "effective_to or action");
	if (bulk->change->action && (bulk->change->terms || bulk->change->has_add_commission_bps))
		return trib_fail(cold->error, TRIB_INVALID, "change.action",
				 "found it beside terms, expected one of the two");
	status = trib_cold_need_stated(cold, bulk->filter, "filter");
	if (status == TRIB_OK)
		status = trib_cold_need_known(cold, TRIB_NOUN_PARTY, bulk->merchant, "merchant");
	if (status == TRIB_OK)
		status = trib_cold_need_condition(cold, TRIB_CONDITION_PLAN_FILTER, bulk->filter, "filter");
	bulk->status = "previewing";
	begin_anew(cold, bulk);
	return status;
}
