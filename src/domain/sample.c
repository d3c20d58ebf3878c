/*
 * Samples: what an application must say, and what its actions do. docs/invitations.md says what people see.
 *
 *	applied ──► approved ──► shipped ──► received ──► fulfilled
 *	   └──► rejected                         └──► overdue ──► fulfilled, late
 */
#include "base/limits.h"
#include "domain/cold.h"
#include "domain/private.h"
#include "expr/expr.h"

enum { DAY_MS = 86400000, WITHIN_DAYS = 15 };

static Tributary__Sample *of(struct trib_cold *cold)
{
	return (Tributary__Sample *)cold->entity;
}

/* ---- PUT ---------------------------------------------------------------------------------- */

/* Known, of one merchant and in one currency, whom the sample is of then. */
static trib_status settle_goods(struct trib_cold *cold)
{
	Tributary__Sample *sample = of(cold);
	const struct trib_domain *domain = cold->domain;
	const struct trib_goods *first = NULL;
	char at[32];

	if (sample->n_goods == 0)
		return trib_fail(cold->error, TRIB_INVALID, "goods", "found none, expected one or more");
	for (size_t i = 0; i < sample->n_goods; i++) {
		snprintf(at, sizeof(at), "goods[%zu]", i);
		TRY(trib_cold_need_known(cold, TRIB_NOUN_GOODS, sample->goods[i], at));
		const struct trib_goods *goods = trib_domain_goods(
			domain, trib_domain_find(domain, TRIB_NOUN_GOODS, trib_bytes_text(sample->goods[i])));

		if (first && (goods->merchant != first->merchant || goods->currency != first->currency))
			return trib_fail(cold->error, TRIB_INVALID, at,
					 "found goods of another merchant or currency, expected those of one");
		first = first ? first : goods;
	}
	sample->merchant = trib_arena_copy(cold->arena, trib_domain_id(domain, TRIB_NOUN_PARTY, first->merchant));
	sample->currency = trib_arena_copy(cold->arena, trib_names_text(trib_domain_symbols(domain), first->currency));
	return sample->merchant && sample->currency ? TRIB_OK : trib_cold_no_memory(cold);
}

/* What the plan says of samples; NULL: nothing. */
static const Tributary__SampleRule *rule_of(struct trib_cold *cold)
{
	uint32_t number = of(cold)->plan ?
				  trib_domain_find(cold->domain, TRIB_NOUN_PLAN, trib_bytes_text(of(cold)->plan)) :
				  0;
	struct trib_record *record = number ? trib_domain_record(cold->domain, TRIB_NOUN_PLAN, number) : NULL;
	struct trib_entity entity = { 0 };
	trib_status status;

	if (!record)
		return NULL;
	status = trib_record_unpack(record, TRIB_NOUN_PLAN, cold->arena, &entity, cold->error);
	trib_record_unref(record);
	return status == TRIB_OK ? ((const Tributary__Plan *)entity.message)->samples : NULL;
}

static bool lists(const struct trib_plan *plan, uint32_t goods)
{
	for (uint32_t i = 0; i < plan->goods_count; i++)
		if (plan->goods[i] == goods)
			return true;
	return false;
}

/* A plan that is stated lists the goods, and is one of their merchant's. */
static trib_status check_plan(struct trib_cold *cold)
{
	const Tributary__Sample *sample = of(cold);
	char at[32];

	if (!sample->plan)
		return TRIB_OK;
	TRY(trib_cold_need_known(cold, TRIB_NOUN_PLAN, sample->plan, "plan"));
	const struct trib_plan *plan = trib_domain_plan(
		cold->domain, trib_domain_find(cold->domain, TRIB_NOUN_PLAN, trib_bytes_text(sample->plan)));

	for (size_t i = 0; i < sample->n_goods; i++) {
		if (lists(plan, trib_domain_find(cold->domain, TRIB_NOUN_GOODS, trib_bytes_text(sample->goods[i]))))
			continue;
		snprintf(at, sizeof(at), "goods[%zu]", i);
		return trib_fail(cold->error, TRIB_INVALID, at, "found \"%.64s\", expected goods that the plan lists",
				 sample->goods[i]);
	}
	return TRIB_OK;
}

/* The plan's terms where it states some, else those asked for. */
static trib_status settle_terms(struct trib_cold *cold)
{
	Tributary__Sample *sample = of(cold);
	const Tributary__SampleRule *rule = sample->invitation ? NULL : rule_of(cold);
	Tributary__SampleTerms init = TRIBUTARY__SAMPLE_TERMS__INIT;
	int64_t within_ms;

	if (rule && rule->terms)
		sample->terms = rule->terms;
	if (!sample->terms) {
		sample->terms = trib_arena_alloc(cold->arena, sizeof(init));
		if (!sample->terms)
			return trib_cold_no_memory(cold);
		*sample->terms = init;
	}
	if (!sample->terms->within)
		return TRIB_OK;
	return trib_duration_parse(trib_bytes_text(sample->terms->within), "terms.within", &within_ms, cold->error);
}

/* What whoever asked said, and nothing of what has become of it. */
static bool is_same(const Tributary__Sample *now, const Tributary__Sample *before)
{
	bool same = now->n_goods == before->n_goods && !strcmp(now->creator, before->creator) &&
		    !now->plan == !before->plan && (!now->plan || !strcmp(now->plan, before->plan)) &&
		    !now->address == !before->address && (!now->address || !strcmp(now->address, before->address)) &&
		    !now->order == !before->order && (!now->order || !strcmp(now->order, before->order));

	for (size_t i = 0; same && i < now->n_goods; i++)
		same = !strcmp(now->goods[i], before->goods[i]);
	return same;
}

static trib_status put(struct trib_cold *cold)
{
	Tributary__Sample *sample = of(cold);

	if (cold->before && strcmp(cold->from, "closed") != 0) {
		if (!is_same(sample, (const Tributary__Sample *)cold->before))
			return trib_fail(cold->error, TRIB_CONFLICT, "id",
					 "found other content than was asked for, expected the same or another id");
		*sample = *(const Tributary__Sample *)cold->before;
		return TRIB_OK;
	}
	if (strlen(sample->id) > TRIB_LIMIT_INVITATION_ID_BYTES && !sample->invitation)
		return trib_fail(cold->error, TRIB_INVALID, "id", "found %zu bytes, expected at most %d",
				 strlen(sample->id), TRIB_LIMIT_INVITATION_ID_BYTES);
	TRY(trib_cold_need_party(cold, sample->creator, "creator"));
	TRY(settle_goods(cold));
	if (sample->invitation) /* whose plan is made beside it, and who has agreed to it */
		sample->status = "approved";
	else
		TRY(check_plan(cold));
	return settle_terms(cold);
}

trib_status trib_check_sample(struct trib_cold *cold)
{
	return cold->action.size ? TRIB_OK : put(cold);
}

/* ---- Actions ------------------------------------------------------------------------------ */

static bool is_bought(const Tributary__Sample *sample)
{
	return sample->terms && sample->terms->rule && strcmp(sample->terms->rule, "buy_refund") == 0;
}

/* What is to be given back: as agreed, else the prices. */
static int64_t refund_of(struct trib_cold *cold)
{
	const Tributary__Sample *sample = of(cold);
	uint32_t qty = sample->terms->has_qty ? sample->terms->qty : 1;
	int64_t sum = 0, price;

	if (sample->has_refund && sample->refund)
		return sample->refund;
	for (size_t i = 0; i < sample->n_goods; i++) {
		uint32_t goods = trib_domain_find(cold->domain, TRIB_NOUN_GOODS, trib_bytes_text(sample->goods[i]));

		if (__builtin_mul_overflow(trib_domain_goods(cold->domain, goods)->price, (int64_t)qty, &price) ||
		    __builtin_add_overflow(sum, price, &sum))
			return 0;
	}
	return sum;
}

static void note_sold(struct trib_cold *cold)
{
	int64_t sold = trib_cold_sold(cold);

	of(cold)->has_sold = sold >= 0;
	of(cold)->sold = sold;
}

/* Buy-then-refund gives the money back now (engine/people.c). */
trib_status trib_fulfil_sample(struct trib_cold *cold)
{
	note_sold(cold);
	if (!is_bought(of(cold)))
		return TRIB_OK;
	of(cold)->has_refunded = true;
	of(cold)->refunded = refund_of(cold);
	return TRIB_OK;
}

/* What is on its way already is shipped again only to say by which parcel. */
trib_status trib_ship_sample(struct trib_cold *cold)
{
	Tributary__Tracking *tracking = cold->request ? cold->request->tracking : NULL;

	if (!tracking && strcmp(cold->from, "shipped") == 0)
		return trib_fail(cold->error, TRIB_REFUSED, "tracking", "found none of a sample that is shipped, expected the parcel's");
	if (tracking)
		of(cold)->tracking = tracking;
	return TRIB_OK;
}

/* The obligations begin; where there are none, that is all. What was sold so far is the engine's to say. */
trib_status trib_receive_sample(struct trib_cold *cold)
{
	Tributary__Sample *sample = of(cold);
	const Tributary__SampleTerms *terms = sample->terms;
	int64_t within_ms = (int64_t)WITHIN_DAYS * DAY_MS;

	if (!terms->listed && !terms->live_minutes && !terms->sold) {
		cold->to = "fulfilled";
		sample->has_received_at = true;
		sample->received_at = cold->now_ms;
		return trib_fulfil_sample(cold);
	}
	if (terms->within)
		TRY(trib_duration_parse(trib_bytes_text(terms->within), "terms.within", &within_ms, cold->error));
	sample->has_received_at = sample->has_due_at = true;
	sample->received_at = cold->now_ms;
	sample->due_at = cold->now_ms + within_ms;
	return TRIB_OK;
}

trib_status trib_lapse_sample(struct trib_cold *cold)
{
	note_sold(cold);
	if (of(cold)->due_at <= cold->now_ms)
		return TRIB_OK;
	return trib_fail(cold->error, TRIB_REFUSED, "due_at", "found %lld, expected a time that has come",
			 (long long)of(cold)->due_at);
}

trib_status trib_list_sample(struct trib_cold *cold)
{
	of(cold)->has_listed_at = true;
	of(cold)->listed_at = cold->now_ms;
	return TRIB_OK;
}
