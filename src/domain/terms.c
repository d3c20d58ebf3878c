/*
 * Terms: the rules stand in terms.h. One pass over the plans of the goods finds the winner; states
 * of plans that are not open are looked into only when nothing is, and the chosen offer only when
 * it did not win.
 */
#include "domain/private.h"

/* A plan that is open and speaks to the creator. */
struct candidate {
	const struct trib_goods_plan *entry;
	const struct trib_plan_version *locked; /* whose rates count */
	uint32_t locked_number;
	uint32_t number; /* of the version in force at at_ms */
	uint8_t kind, rank;
};

struct search {
	const struct trib_domain *domain;
	const struct trib_terms_request *request;
	const struct trib_goods *goods;
	const struct trib_goods_plan *entries;
	struct candidate best; /* entry is NULL when there is none */
	bool exclusive_open;   /* some exclusive plan is, for whomever */
};

const char *trib_terms_verdict_word(enum trib_terms_verdict verdict)
{
	switch (verdict) {
#define X(name, number, word)                                                                      \
	case TRIB_TERMS_##name:                                                                    \
		return word;
		TRIB_TERMS_VERDICT_TABLE(X)
#undef X
	}
	return "unknown";
}

/* ---- One plan ----------------------------------------------------------------------------- */

static inline bool covers(const struct trib_goods_plan *entry, uint32_t version)
{
	return version - entry->first <= entry->last - entry->first;
}

/* NONE: open. The version is in force, so it has started. */
static inline enum trib_outcome state_of(const struct trib_plan_version *version, int64_t at_ms)
{
	if (at_ms >= version->to_ms)
		return TRIB_OUTCOME_PLAN_ENDED;
	if (TRIB_LIKELY(version->status == TRIB_WORD_ACTIVE))
		return TRIB_OUTCOME_NONE;
	return version->status == TRIB_WORD_PAUSED ? TRIB_OUTCOME_PLAN_PAUSED
						   : TRIB_OUTCOME_PLAN_ENDED;
}

static inline bool speaks_to(const struct search *search, const struct trib_plan_version *version)
{
	const struct trib_domain_hooks *hooks = &search->domain->hooks;

	if (version->creators.slots)
		return trib_id_set_has(version->creators, search->request->creator);
	if (TRIB_UNLIKELY(version->creators_when))
		return hooks->creators_when &&
		       hooks->creators_when(hooks->context, version->creators_when,
					    search->request->creator);
	return true;
}

static inline uint8_t rank_of(const struct search *search, uint32_t plan, uint8_t kind)
{
	switch (kind) {
	case TRIB_WORD_EXCLUSIVE:
		return 5;
	case TRIB_WORD_TARGETED:
		return 4;
	case TRIB_WORD_ACTIVITY:
		return plan == search->request->offer ? 3 : 0;
	case TRIB_WORD_MANAGED:
		return 2;
	default:
		return 1;
	}
}

static bool ever_covers(const struct search *search, uint32_t plan, uint32_t version)
{
	for (uint32_t i = 0; i < search->goods->plan_count; i++)
		if (search->entries[i].plan == plan && covers(&search->entries[i], version))
			return true;
	return false;
}

static inline bool lists_goods(const struct search *search, const struct trib_goods_plan *entry,
			       uint32_t version)
{
	return version && (covers(entry, version) || ever_covers(search, entry->plan, version));
}

/* Of the versions in force within the grace before the lock the one with the highest commission. */
static uint32_t graceful_version(const struct search *search, const struct trib_goods_plan *entry,
				 uint32_t locked)
{
	const struct trib_terms_request *request = search->request;
	const struct trib_plan *plan = trib_domain_plan(search->domain, entry->plan);
	int64_t since_ms = request->lock_ms - request->grace_ms;

	/* Backwards from the lock, as long as what came into force did so within the grace. */
	for (uint32_t i = plan->step_count; i-- > 1;) {
		uint32_t before = plan->steps[i - 1].version;

		if (plan->steps[i].from_ms > request->lock_ms)
			continue;
		if (plan->steps[i].from_ms <= since_ms)
			break;
		if (lists_goods(search, entry, before) &&
		    trib_plan_version(plan, before)->commission_bps >
			    trib_plan_version(plan, locked)->commission_bps)
			locked = before;
	}
	return locked;
}

/* The version whose rates count: that of the lock, if the plan listed the goods then. */
static uint32_t locked_version(const struct search *search, const struct trib_goods_plan *entry,
			       uint32_t number)
{
	const struct trib_plan *plan = trib_domain_plan(search->domain, entry->plan);
	uint32_t locked = trib_plan_version_in_force(plan, search->request->lock_ms);

	if (locked != number && !lists_goods(search, entry, locked))
		locked = number;
	return search->request->grace_ms ? graceful_version(search, entry, locked) : locked;
}

/* ---- All plans of the goods --------------------------------------------------------------- */

static inline bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (a->locked->commission_bps != b->locked->commission_bps)
		return a->locked->commission_bps > b->locked->commission_bps;
	return a->entry->plan > b->entry->plan;
}

static inline void consider(struct search *search, const struct trib_goods_plan *entry)
{
	const struct trib_terms_request *request = search->request;
	const struct trib_plan *plan = trib_domain_plan(search->domain, entry->plan);
	uint32_t number = trib_plan_version_in_force(plan, request->at_ms);

	if (!covers(entry, number)) /* 0, before the first version, is never covered */
		return;
	const struct trib_plan_version *version = trib_plan_version(plan, number);

	if (state_of(version, request->at_ms) != TRIB_OUTCOME_NONE)
		return;
	if (version->kind == TRIB_WORD_EXCLUSIVE)
		search->exclusive_open = true;
	struct candidate candidate = { .entry = entry,
				       .locked = version,
				       .locked_number = number,
				       .number = number,
				       .kind = version->kind,
				       .rank = rank_of(search, entry->plan, version->kind) };

	if (search->best.entry && candidate.rank < search->best.rank)
		return;
	if (request->lock_ms != request->at_ms || request->grace_ms) {
		candidate.locked_number = locked_version(search, entry, number);
		candidate.locked = trib_plan_version(plan, candidate.locked_number);
	}
	if (search->best.entry && !is_better(&candidate, &search->best))
		return;
	if (speaks_to(search, version)) /* last, as it may cost most */
		search->best = candidate;
}

enum { AHEAD = 6 };

/* Where a list of creators would name this one. */
static inline void prefetch_creator(const struct trib_plan *plan, uint32_t creator)
{
	const struct trib_id_set creators = plan->newest.creators;

	if (creators.slots)
		TRIB_PREFETCH(&creators.slots[trib_id_set_slot(creators, creator)]);
}

static inline void find_best(struct search *search)
{
	const struct trib_plan *plans = trib_domain_nouns(search->domain)->plans;
	uint32_t count = search->goods->plan_count;

	for (uint32_t i = 1; i < TRIB_MIN(count, 2u * AHEAD); i++)
		TRIB_PREFETCH(&plans[search->entries[i].plan]);
	for (uint32_t i = 0; i < count; i++) {
		if (i + 2 * AHEAD < count)
			TRIB_PREFETCH(&plans[search->entries[i + 2 * AHEAD].plan]);
		if (i + AHEAD < count)
			prefetch_creator(&plans[search->entries[i + AHEAD].plan],
					 search->request->creator);
		consider(search, &search->entries[i]);
	}
}

/*
 * Where one plan stands with the creator, open or not: NONE, no_plan (it does not list the goods,
 * or speaks to others), plan_not_started, plan_paused, plan_ended.
 */
static enum trib_outcome standing(const struct search *search, const struct trib_goods_plan *entry,
				  uint32_t *ret_version)
{
	const struct trib_plan *plan = trib_domain_plan(search->domain, entry->plan);
	uint32_t number = trib_plan_version_in_force(plan, search->request->at_ms);
	enum trib_outcome state = TRIB_OUTCOME_PLAN_NOT_STARTED;

	*ret_version = number;
	if (number == 0) /* what it will be when it starts */
		number = plan->steps ? plan->steps[0].version : 1;
	const struct trib_plan_version *version = trib_plan_version(plan, number);

	if (!covers(entry, number))
		return TRIB_OUTCOME_NO_PLAN;
	if (*ret_version)
		state = state_of(version, search->request->at_ms);
	return speaks_to(search, version) ? state : TRIB_OUTCOME_NO_PLAN;
}

/*
 * Nothing is open for the creator: what is the first state, in the fixed order, that some plan is
 * in?
 */
static enum trib_outcome why_none(const struct search *search)
{
	enum trib_outcome why = TRIB_OUTCOME_NO_PLAN;
	uint32_t version;

	_Static_assert(TRIB_OUTCOME_PLAN_NOT_STARTED < TRIB_OUTCOME_PLAN_PAUSED &&
			       TRIB_OUTCOME_PLAN_PAUSED < TRIB_OUTCOME_PLAN_ENDED,
		       "their numbers are their order");
	for (uint32_t i = 0; i < search->goods->plan_count; i++) {
		enum trib_outcome state = standing(search, &search->entries[i], &version);

		if (state != TRIB_OUTCOME_NO_PLAN && (why == TRIB_OUTCOME_NO_PLAN || state < why))
			why = state;
	}
	return why;
}

/* The entry of the chosen offer that speaks for it, and where it stands. */
static enum trib_outcome find_offer(const struct search *search,
				    const struct trib_goods_plan **ret_entry, uint32_t *ret_version)
{
	for (uint32_t i = 0; i < search->goods->plan_count; i++) {
		if (search->entries[i].plan != search->request->offer)
			continue;
		enum trib_outcome state = standing(search, &search->entries[i], ret_version);

		if (state != TRIB_OUTCOME_NO_PLAN) {
			*ret_entry = &search->entries[i];
			return state;
		}
	}
	return TRIB_OUTCOME_NO_PLAN;
}

/* ---- The answer --------------------------------------------------------------------------- */

static inline bool is_barred(const struct trib_party *party)
{
	return party->status == TRIB_WORD_FROZEN || party->status == TRIB_WORD_CLOSED;
}

static inline enum trib_outcome outcome_of(const struct search *search,
					   const struct trib_party *creator)
{
	const struct trib_party *merchant =
		trib_domain_party(search->domain, search->goods->merchant);

	if (TRIB_UNLIKELY(!search->best.entry && !search->exclusive_open))
		return why_none(search);
	if (TRIB_UNLIKELY(search->goods->status != TRIB_WORD_ACTIVE))
		return TRIB_OUTCOME_GOODS_WITHDRAWN;
	if (TRIB_UNLIKELY(is_barred(creator) || is_barred(merchant)))
		return TRIB_OUTCOME_PARTY_FROZEN;
	if (search->exclusive_open &&
	    (!search->best.entry || search->best.kind != TRIB_WORD_EXCLUSIVE))
		return TRIB_OUTCOME_CREATOR_NOT_ALLOWED;
	return TRIB_OUTCOME_NONE;
}

/* Leader and service rates: the chosen offer's if it counts, else the winner's. */
static void fill_offer(const struct search *search, struct trib_terms *terms)
{
	const struct trib_terms_request *request = search->request;
	const struct trib_plan_version *from = search->best.locked;
	const struct trib_goods_plan *entry;
	uint32_t version = search->best.locked_number;

	if (request->offer && request->offer != terms->plan) {
		terms->offer_outcome = find_offer(search, &entry, &version);
		if (terms->offer_outcome == TRIB_OUTCOME_NONE) {
			version = locked_version(search, entry, version);
			from = trib_plan_version(trib_domain_plan(search->domain, request->offer),
						 version);
		}
	}
	if (request->offer && terms->offer_outcome == TRIB_OUTCOME_NONE) {
		terms->offer = request->offer;
		terms->offer_version = version;
	}
	terms->leader = from->leader;
	terms->leader2 = from->leader2;
	terms->service_bps = from->service_bps;
	terms->service2_bps = from->service2_bps;
}

static inline void begin(struct search *search, const struct trib_domain *domain,
			 const struct trib_terms_request *request)
{
	const struct trib_nouns *nouns = trib_domain_nouns(domain);
	/* Numbers come from tokens: what is not there reads as goods without plans. */
	uint32_t goods = request->goods <= nouns->count[TRIB_NOUN_GOODS] ? request->goods : 0;

	*search = (struct search){ .domain = domain, .request = request };
	search->goods = &nouns->goods[goods];
	search->entries = trib_goods_plans(search->goods);
}

void trib_terms_resolve(const struct trib_domain *domain, const struct trib_terms_request *request,
			struct trib_terms *ret_terms)
{
	const struct trib_nouns *nouns = trib_domain_nouns(domain);
	bool creator_known = request->creator && request->creator <= nouns->count[TRIB_NOUN_PARTY];
	const struct trib_party *creator = &nouns->parties[creator_known ? request->creator : 0];
	struct search search;

	begin(&search, domain, request);
	if (TRIB_LIKELY(creator_known))
		find_best(&search);
	*ret_terms = (struct trib_terms){ .creator = request->creator,
					  .merchant = search.goods->merchant };
	ret_terms->outcome = creator_known ? outcome_of(&search, creator) : TRIB_OUTCOME_NO_PLAN;
	if (ret_terms->outcome != TRIB_OUTCOME_NONE) {
		const struct trib_goods_plan *entry;
		uint32_t version;

		if (request->offer && creator_known)
			ret_terms->offer_outcome = find_offer(&search, &entry, &version);
		return;
	}
	ret_terms->kind = search.best.kind;
	ret_terms->plan = search.best.entry->plan;
	ret_terms->plan_version = search.best.locked_number;
	ret_terms->agency = trib_domain_agency(domain, request->creator, request->at_ms,
					       &ret_terms->agency_pay);
	ret_terms->commission_bps = search.best.locked->commission_bps;
	ret_terms->platform_bps = search.best.locked->platform_bps;
	ret_terms->agency_bps = search.best.locked->agency_bps;
	fill_offer(&search, ret_terms);
}

/* ---- Many at once ------------------------------------------------------------------------- */

void trib_terms_prefetch(const struct trib_domain *domain, uint32_t goods, uint32_t creator)
{
	const struct trib_nouns *nouns = trib_domain_nouns(domain);

	TRIB_PREFETCH(&nouns->goods[goods]);
	TRIB_PREFETCH(&nouns->parties[creator]);
}

void trib_terms_prefetch_plans(const struct trib_domain *domain, uint32_t goods, uint32_t offer)
{
	const struct trib_nouns *nouns = trib_domain_nouns(domain);
	const struct trib_goods *entry =
		&nouns->goods[goods <= nouns->count[TRIB_NOUN_GOODS] ? goods : 0];

	TRIB_PREFETCH(&nouns->parties[entry->merchant]);
	TRIB_PREFETCH(&nouns->plans[entry->first_plan.plan]);
	TRIB_PREFETCH(&nouns->plans[entry->first_plan.plan].version_count);
	if (entry->plans)
		TRIB_PREFETCH(entry->plans);
	if (offer) {
		TRIB_PREFETCH(&nouns->plans[offer]);
		TRIB_PREFETCH(&nouns->plans[offer].version_count);
	}
}

enum { GROUP = 32 };

void trib_terms_resolve_batch(const struct trib_domain *domain,
			      const struct trib_terms_request *requests, size_t count,
			      struct trib_terms *ret_terms)
{
	for (size_t begin_at = 0; begin_at < count; begin_at += GROUP) {
		size_t end = TRIB_MIN(count, begin_at + GROUP);

		for (size_t i = begin_at; i < end; i++)
			trib_terms_prefetch(domain, requests[i].goods, requests[i].creator);
		for (size_t i = begin_at; i < end; i++)
			trib_terms_prefetch_plans(domain, requests[i].goods, requests[i].offer);
		for (size_t i = begin_at; i < end; i++)
			trib_terms_resolve(domain, &requests[i], &ret_terms[i]);
	}
}

/* ---- Why ---------------------------------------------------------------------------------- */

static enum trib_terms_verdict lost_by(const struct candidate *candidate,
				       const struct candidate *best)
{
	if (candidate->entry == best->entry)
		return TRIB_TERMS_WON;
	if (candidate->rank != best->rank)
		return TRIB_TERMS_LOWER_KIND;
	if (candidate->locked->commission_bps != best->locked->commission_bps)
		return TRIB_TERMS_LOWER_COMMISSION;
	return TRIB_TERMS_OLDER;
}

/* False where the version in force does not list the goods: then it is no candidate. */
static bool explain_one(const struct search *search, const struct trib_goods_plan *entry,
			struct trib_terms_candidate *ret_row)
{
	const struct trib_plan *plan = trib_domain_plan(search->domain, entry->plan);
	uint32_t shown, number;
	enum trib_outcome state = standing(search, entry, &shown);

	number = shown ? shown : plan->steps ? plan->steps[0].version : 1;
	if (!covers(entry, number))
		return false;
	const struct trib_plan_version *version = trib_plan_version(plan, number);
	struct candidate candidate = { .entry = entry,
				       .number = number,
				       .kind = version->kind,
				       .rank = rank_of(search, entry->plan, version->kind),
				       .locked_number = locked_version(search, entry, number) };

	candidate.locked = trib_plan_version(plan, candidate.locked_number);
	*ret_row =
		(struct trib_terms_candidate){ .plan = entry->plan,
					       .version = shown,
					       .kind = version->kind,
					       .commission_bps = candidate.locked->commission_bps };
	if (state == TRIB_OUTCOME_NONE)
		ret_row->verdict = lost_by(&candidate, &search->best);
	else if (state == TRIB_OUTCOME_NO_PLAN)
		ret_row->verdict = TRIB_TERMS_OTHER_CREATORS;
	else if (state == TRIB_OUTCOME_PLAN_NOT_STARTED)
		ret_row->verdict = TRIB_TERMS_NOT_STARTED;
	else
		ret_row->verdict =
			state == TRIB_OUTCOME_PLAN_PAUSED ? TRIB_TERMS_PAUSED : TRIB_TERMS_ENDED;
	return true;
}

uint32_t trib_terms_explain(const struct trib_domain *domain,
			    const struct trib_terms_request *request,
			    struct trib_terms_candidate *ret_candidates, uint32_t capacity)
{
	struct trib_terms_candidate row;
	struct search search;
	uint32_t count = 0;

	begin(&search, domain, request);
	find_best(&search);
	/* Nobody wins where an exclusive plan of others is open. */
	if (search.exclusive_open && search.best.kind != TRIB_WORD_EXCLUSIVE)
		search.best = (struct candidate){ .rank = UINT8_MAX };
	for (uint32_t i = 0; i < search.goods->plan_count; i++) {
		if (!explain_one(&search, &search.entries[i], &row))
			continue;
		if (count < capacity)
			ret_candidates[count] = row;
		count++;
	}
	return count;
}
