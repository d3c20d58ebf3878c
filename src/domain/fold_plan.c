/*
 * The fold of plans. A version is added to the timeline, and the goods that it lists, or lists no
 * longer, are told.
 *
 *	versions   1        2        3        4          every version, for ever
 *	from_ms    100      200      300      250        4 was put last: from 250 on it is in force
 *	steps      (100,1)  (200,2)           (250,4)    3 is covered for good, no step any more
 */
#include "domain/private.h"

/* What a PlanPut comes to, before anything changes. */
struct incoming {
	struct trib_plan_version version;
	struct trib_plan_attributes attributes;
	const uint32_t *goods, *creators; /* ascending, in the domain's scratch */
	size_t goods_count, creators_count;
};

/* Numbers of a list of ids, ascending, into scratch array `which`. */
static bool resolve(struct trib_domain *domain, int which, enum trib_noun noun, char **ids,
		    size_t count, size_t *ret_count)
{
	bool known = true;

	if (count > domain->scratch_capacity[which]) {
		domain->scratch_capacity[which] = count * 2;
		domain->scratch[which] =
			trib_realloc(domain->scratch[which], count * 2 * sizeof(uint32_t));
	}
	for (size_t i = 0; i < count && known; i++)
		domain->scratch[which][i] = trib_fold_reference(domain, noun, ids[i], &known);
	if (known)
		*ret_count = trib_numbers_sort(domain->scratch[which], count);
	return known;
}

/* A rate that is stated; false where it is none. */
static bool read_rate(bool stated, int32_t bps, uint16_t *ret_bps)
{
	if (stated && (bps < 0 || bps > 10000))
		return false;
	*ret_bps = stated ? (uint16_t)bps : 0;
	return true;
}

static bool read_terms(struct trib_domain *domain, const Tributary__Terms *terms,
		       struct trib_plan_version *version)
{
	bool known = true;

	if (!terms)
		return true;
	version->leader = trib_fold_reference(domain, TRIB_NOUN_PARTY, terms->leader, &known);
	version->leader2 = trib_fold_reference(domain, TRIB_NOUN_PARTY, terms->leader2, &known);
#define READ(field) read_rate(terms->has_##field, terms->field, &version->field)
	return known && READ(commission_bps) && READ(service_bps) && READ(service2_bps) &&
	       READ(platform_bps) && READ(agency_bps);
#undef READ
}

static bool read_incoming(struct trib_domain *domain, const Tributary__Plan *plan,
			  struct incoming *incoming)
{
	bool known = true;
	struct trib_plan_version *version = &incoming->version;

	version->from_ms = TRIB_STATED(plan, effective_from);
	version->to_ms = TRIB_STATED(plan, effective_to) ? plan->effective_to : INT64_MAX;
	version->kind = trib_word_of_kind(plan->kind);
	version->status = trib_word_of_status(TRIB_NOUN_PLAN, plan->status);
	if (!trib_fold_reference(domain, TRIB_NOUN_PARTY, plan->merchant, &known) || !known || !version->kind || !version->status || version->from_ms < 0 ||
	    !read_terms(domain, plan->terms, version) ||
	    !trib_attributes_read(domain, plan, &incoming->attributes) ||
	    !resolve(domain, 0, TRIB_NOUN_GOODS, plan->goods, plan->n_goods,
		     &incoming->goods_count) ||
	    !resolve(domain, 1, TRIB_NOUN_PARTY, plan->creators, plan->n_creators,
		     &incoming->creators_count))
		return false;
	incoming->goods = domain->scratch[0];
	incoming->creators = domain->scratch[1];
	if (plan->creators_when && plan->creators_when[0])
		version->creators_when =
			trib_names_add(domain->conditions, trib_text(plan->creators_when));
	if (plan->ext && plan->ext[0])
		incoming->attributes.ext = trib_names_add(domain->exts, trib_text(plan->ext));
	if (plan->samples && plan->samples->when && plan->samples->when[0])
		trib_names_add(domain->conditions, trib_text(plan->samples->when));
	return true;
}

/* ---- The timeline ------------------------------------------------------------------------- */

/* Arrays have room for a power of two, so they are full exactly when they hold that many. */
static bool is_full(uint32_t count)
{
	return (count & (count - 1)) == 0;
}

static void add_version(struct trib_plan *plan, const struct trib_plan_version *version)
{
	uint32_t count = plan->version_count;
	struct trib_plan_version *versions = (struct trib_plan_version *)plan->versions;

	if (count > 0) {
		if (is_full(count)) {
			size_t size = sizeof(*versions);
			struct trib_plan_version *grown = aligned_alloc(64, 2 * count * size);

			trib_assert(grown);
			memcpy(grown, count == 1 ? &plan->newest : versions, count * size);
			free(versions);
			versions = grown;
		}
		versions[count] = *version;
		plan->versions = versions;
	}
	plan->newest = *version;
	plan->version_count = count + 1;
}

/* Comes before add_version: the first step of a plan with one version is not written down. */
static void add_step(struct trib_plan *plan, int64_t from_ms)
{
	uint32_t count = plan->step_count;
	struct trib_plan_step *steps = (struct trib_plan_step *)plan->steps;

	if (plan->version_count == 0)
		return;
	if (plan->version_count == 1) {
		steps = trib_alloc(2 * sizeof(*steps));
		steps[0] = (struct trib_plan_step){ plan->newest.from_ms, 1 };
		plan->step_capacity = 2;
		count = 1;
	}
	while (count > 0 && steps[count - 1].from_ms >= from_ms)
		count--;
	if (count == plan->step_capacity) {
		plan->step_capacity *= 2;
		steps = trib_realloc(steps, plan->step_capacity * sizeof(*steps));
	}
	steps[count] = (struct trib_plan_step){ from_ms, plan->version_count + 1 };
	plan->steps = steps;
	plan->step_count = count + 1;
}

/* ---- The goods ---------------------------------------------------------------------------- */

static void goods_list(struct trib_goods *goods, uint32_t plan, uint32_t version)
{
	struct trib_goods_plan added = { plan, version, UINT32_MAX };
	uint32_t count = goods->plan_count;
	struct trib_goods_plan *plans = (struct trib_goods_plan *)goods->plans;

	if (count == 0) {
		goods->first_plan = added;
	} else {
		if (is_full(count)) {
			plans = trib_realloc(plans, 2 * (size_t)count * sizeof(*plans));
			if (count == 1)
				plans[0] = goods->first_plan;
		}
		plans[count] = added;
		goods->plans = plans;
	}
	goods->plan_count = count + 1;
}

static void goods_unlist(struct trib_goods *goods, uint32_t plan, uint32_t last)
{
	struct trib_goods_plan *plans = (struct trib_goods_plan *)goods->plans;

	for (uint32_t i = goods->plan_count; i-- > 0;) {
		struct trib_goods_plan *entry = plans ? &plans[i] : &goods->first_plan;

		if (entry->plan == plan && entry->last == UINT32_MAX) {
			entry->last = last;
			if (i == 0)
				goods->first_plan.last = last;
			return;
		}
	}
	trib_assert(!"listed goods know their plan");
}

/* Both lists ascend: what only the old one has is unlisted, what only the new one has is listed. */
static void tell_goods(struct trib_domain *domain, uint32_t number, const struct trib_plan *plan,
		       const struct incoming *incoming, uint32_t version)
{
	struct trib_goods *goods = domain->columns[TRIB_NOUN_GOODS].data;
	size_t old = 0, new = 0;

	while (old < plan->goods_count || new < incoming->goods_count) {
		uint32_t was = old < plan->goods_count ? plan->goods[old] : UINT32_MAX;
		uint32_t is = new < incoming->goods_count ? incoming->goods[new] : UINT32_MAX;

		if (is < was)
			goods_list(&goods[is], number, version);
		else if (was < is)
			goods_unlist(&goods[was], number, version - 1);
		old += was <= is;
		new += is <= was;
	}
}

static void keep_goods(struct trib_plan *plan, const struct incoming *incoming)
{
	size_t size = incoming->goods_count * sizeof(uint32_t);

	if (incoming->goods_count != plan->goods_count) {
		free((void *)plan->goods);
		plan->goods = size ? trib_alloc(size) : NULL;
		plan->goods_count = (uint32_t)incoming->goods_count;
	}
	if (size)
		memcpy((void *)plan->goods, incoming->goods, size);
}

trib_status trib_fold_plan(struct trib_domain *domain, const Tributary__PlanPut *put,
			   struct trib_record *record, struct trib_error *error)
{
	struct incoming incoming = { 0 };
	trib_status status = trib_fold_begin(domain, TRIB_NOUN_PLAN, put->number, put->version,
					     put->plan ? put->plan->id : NULL, error);

	if (status != TRIB_OK)
		return status;
	if (!read_incoming(domain, put->plan, &incoming))
		return trib_fold_refuse(
			error, TRIB_NOUN_PLAN, put->number,
			"found a rate, a word or a reference that cannot stand in a plan");
	if (put->version > 1 || put->note)
		trib_plan_past_tell(domain, put,
				    put->version > 1 ? *trib_domain_record_slot(domain, TRIB_NOUN_PLAN,
										put->number)
						     : NULL);
	trib_fold_enter(domain, TRIB_NOUN_PLAN, put->number, put->version, put->plan->id,
			&put->base, record);
	struct trib_plan *plan =
		(struct trib_plan *)domain->columns[TRIB_NOUN_PLAN].data + put->number;

	/* The list of creators is seldom what a new version changes. */
	incoming.version.number = put->version;
	if (plan->version_count &&
	    trib_id_set_is(plan->newest.creators, incoming.creators, incoming.creators_count))
		incoming.version.creators = plan->newest.creators;
	else
		incoming.version.creators =
			trib_id_set_new(&domain->sets, incoming.creators, incoming.creators_count);
	incoming.version.attributes = trib_attributes_number(domain, &incoming.attributes,
							     plan->newest.attributes);
	bool same = plan->version_count &&
		    plan->newest.creators.slots == incoming.version.creators.slots &&
		    (plan->newest.kind == TRIB_WORD_EXCLUSIVE) ==
			    (incoming.version.kind == TRIB_WORD_EXCLUSIVE);

	plan->offer = !put->plan->activity		? TRIB_OFFER_NONE :
		      TRIB_STATED(put->plan, sole) ? TRIB_OFFER_SOLE :
							  TRIB_OFFER_ENROLLED;
	plan->play = trib_domain_name_play(domain, trib_text(put->plan->play ? put->plan->play : ""));
	plan->play_version = plan->play ? TRIB_STATED(put->plan, play_version) : 0;
	tell_goods(domain, put->number, plan, &incoming, put->version);
	keep_goods(plan, &incoming);
	add_step(plan, incoming.version.from_ms);
	add_version(plan, &incoming.version);
	for (uint32_t i = 0; i < plan->goods_count; i++)
		trib_audience_tell(domain, plan->goods[i], put->number, &plan->newest, same);
	return TRIB_OK;
}
