/*
 * Terms: the rules stand in terms.h. One pass over the plans of the goods finds the winner; states
 * of plans that are not open are looked into only when nothing is, and the chosen offer only when
 * it did not win.
 */
#include "domain/private.h"
#include "expr/expr.h"

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
	const struct trib_precedence *precedence;
	uint32_t offer; /* that was chosen; of goods in an exclusive activity one of its */
	uint32_t sole;	/* the offer of an exclusive activity that is open, the first of them; 0: there is none */
	bool sole_chosen;
	struct candidate best; /* entry is NULL when there is none */
	bool ranked;	       /* the precedence is not the usual one */
	bool exclusive_open;   /* some exclusive plan is, for whomever, and bars the others */
	bool exclusive_speaks; /* one of them is for this creator; asked only where ranked */
};

static const struct trib_precedence usual = {
	.rank = { [TRIB_WORD_GENERAL - TRIB_WORD_GENERAL] = 1,
		  [TRIB_WORD_TARGETED - TRIB_WORD_GENERAL] = 4,
		  [TRIB_WORD_EXCLUSIVE - TRIB_WORD_GENERAL] = 5,
		  [TRIB_WORD_ACTIVITY - TRIB_WORD_GENERAL] = 3,
		  [TRIB_WORD_MANAGED - TRIB_WORD_GENERAL] = 2 },
	.rank_unchosen = 0,
	.ties = { TRIB_TIE_HIGHER_COMMISSION, TRIB_TIE_NEWER },
};

bool trib_precedence_read(const Tributary__Registration *registration,
			  struct trib_precedence *ret_precedence, bool *ret_ranked)
{
	static const char *const ties[] = { "", "higher_commission", "lower_commission", "newer",
					    "older" };
	struct trib_precedence precedence = usual;

	if (registration->n_precedence > TRIB_ARRAY_SIZE(precedence.rank) ||
	    registration->n_ties >= TRIB_ARRAY_SIZE(ties))
		return false;
	for (size_t i = 0; i < registration->n_precedence; i++) {
		uint8_t kind = trib_word_of_kind(registration->precedence[i]);

		if (!kind)
			return false;
		precedence.rank[kind - TRIB_WORD_GENERAL] = (uint8_t)(20 - i);
	}
	if (registration->n_ties)
		memset(precedence.ties, 0, sizeof(precedence.ties));
	for (size_t i = 0; i < registration->n_ties; i++) {
		for (uint8_t tie = 1; tie < TRIB_ARRAY_SIZE(ties); tie++)
			if (strcmp(registration->ties[i], ties[tie]) == 0)
				precedence.ties[i] = tie;
		if (!precedence.ties[i])
			return false;
	}
	*ret_ranked = registration->n_precedence || registration->n_ties;
	*ret_precedence = precedence;
	return true;
}

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

static inline uint8_t status_of(const struct search *search, uint32_t number,
				const struct trib_plan_version *version)
{
	if (TRIB_LIKELY(!trib_domain_plan(search->domain, number)->timed))
		return version->status;
	return trib_domain_status_timed(search->domain, TRIB_NOUN_PLAN, number,
					search->request->at_ms, version->status);
}

/* Nobody has approved it yet: it is as if it were not there. */
static inline bool is_waiting(uint8_t status)
{
	return status == TRIB_WORD_DRAFT || status == TRIB_WORD_REVIEW;
}

/* Is it one of the hours that the plan is open? */
static bool is_open_hour(const struct search *search, const struct trib_plan_attributes *attributes)
{
	const struct trib_domain *domain = search->domain;
	struct trib_bytes zone = trib_names_text(trib_domain_symbols(domain), attributes->zone);
	int64_t at_ms = search->request->at_ms, day_ms, week_ms, end_ms;

	if (!trib_zone_period(zone, TRIB_PERIOD_DAY, at_ms, &day_ms, &end_ms) ||
	    !trib_zone_period(zone, TRIB_PERIOD_WEEK, at_ms, &week_ms, &end_ms))
		return true; /* a zone that is known to another release */
	int64_t minute = (at_ms - day_ms) / 60000;
	int64_t day = (day_ms - week_ms + 12 * 3600000) / 86400000; /* a day may have 23 hours, or 25 */

	for (uint8_t i = 0; i < attributes->hours_count; i++)
		if ((attributes->hours[i].days >> day & 1) && minute >= attributes->hours[i].from_min &&
		    minute < attributes->hours[i].to_min)
			return true;
	return false;
}

/* What few plans say of when they are open. */
static bool is_shut(const struct search *search, const struct trib_plan_version *version)
{
	const struct trib_plan_attributes *attributes =
		trib_domain_attributes(search->domain, version->attributes);

	return attributes->hours_count && !is_open_hour(search, attributes);
}

/* NONE: open. The version is in force, so it has started. */
static inline enum trib_outcome state_of(const struct search *search, uint32_t plan,
					 const struct trib_plan_version *version)
{
	if (search->request->at_ms >= version->to_ms)
		return TRIB_OUTCOME_PLAN_ENDED;
	uint8_t status = status_of(search, plan, version);

	if (TRIB_LIKELY(status == TRIB_WORD_ACTIVE))
		return TRIB_UNLIKELY(version->attributes) && is_shut(search, version) ?
			       TRIB_OUTCOME_PLAN_PAUSED :
			       TRIB_OUTCOME_NONE;
	if (is_waiting(status))
		return TRIB_OUTCOME_NO_PLAN;
	return status == TRIB_WORD_PAUSED ? TRIB_OUTCOME_PLAN_PAUSED : TRIB_OUTCOME_PLAN_ENDED;
}

/* When the plan began to be exclusive, in one stretch up to the version in force. */
static int64_t exclusive_since(const struct trib_plan *plan, uint32_t number)
{
	uint32_t i = plan->step_count;

	if (!plan->steps)
		return plan->newest.from_ms;
	while (plan->steps[i - 1].version != number)
		i--;
	while (i > 1 && trib_plan_version(plan, plan->steps[i - 2].version)->kind ==
				TRIB_WORD_EXCLUSIVE)
		i--;
	return plan->steps[i - 1].from_ms;
}

/* Does an open exclusive plan stop others by now? */
static bool bars(const struct search *search, const struct trib_plan *plan,
		 const struct trib_plan_version *version)
{
	int64_t grace_ms = trib_domain_attributes(search->domain, version->attributes)->grace_ms;

	return grace_ms == 0 || search->request->at_ms - exclusive_since(plan, version->number) >=
					grace_ms;
}

/* Was the creator first put as lately as the plan wants? */
static bool is_new_enough(const struct search *search, const struct trib_plan_version *version)
{
	int64_t within_ms = trib_domain_attributes(search->domain, version->attributes)->new_creators_ms;
	uint16_t day = trib_domain_party(search->domain, search->request->creator)->since_day;

	return !within_ms || (day && search->request->at_ms - day * INT64_C(86400000) < within_ms);
}

static inline bool speaks_to(const struct search *search, const struct trib_plan_version *version)
{
	const struct trib_domain_hooks *hooks = &search->domain->hooks;

	if (TRIB_UNLIKELY(version->attributes) && !is_new_enough(search, version))
		return false;
	if (version->creators.slots)
		return trib_id_set_has(version->creators, search->request->creator);
	if (TRIB_UNLIKELY(version->creators_when))
		return hooks->creators_when &&
		       hooks->creators_when(hooks->context, version->creators_when,
					    search->request->creator, search->request->at_ms);
	return true;
}

static inline uint8_t rank_of(const struct search *search, uint32_t plan, uint8_t kind)
{
	if (kind == TRIB_WORD_ACTIVITY && plan != search->offer)
		return search->precedence->rank_unchosen;
	return search->precedence->rank[kind - TRIB_WORD_GENERAL];
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

/* More than 0: a wins over b by this tie. */
static int64_t by_tie(uint8_t tie, const struct candidate *a, const struct candidate *b)
{
	int64_t commission = (int64_t)a->locked->commission_bps - b->locked->commission_bps;
	int64_t newer = (int64_t)a->entry->plan - b->entry->plan;

	switch (tie) {
	case TRIB_TIE_HIGHER_COMMISSION:
		return commission;
	case TRIB_TIE_LOWER_COMMISSION:
		return -commission;
	case TRIB_TIE_OLDER:
		return -newer;
	default:
		return newer;
	}
}

/* The first tie that tells them apart; after those that are stated: the newer. */
static uint8_t deciding_tie(const struct search *search, const struct candidate *a,
			    const struct candidate *b, int64_t *ret_sign)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(search->precedence->ties); i++) {
		uint8_t tie = search->precedence->ties[i];

		if (tie && (*ret_sign = by_tie(tie, a, b)) != 0)
			return tie;
	}
	*ret_sign = by_tie(TRIB_TIE_NEWER, a, b);
	return TRIB_TIE_NEWER;
}

static inline bool is_better(const struct search *search, const struct candidate *a,
			     const struct candidate *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	if (TRIB_UNLIKELY(search->ranked)) {
		int64_t sign;

		deciding_tie(search, a, b, &sign);
		return sign > 0;
	}
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

	if (state_of(search, entry->plan, version) != TRIB_OUTCOME_NONE)
		return;
	if (TRIB_UNLIKELY(version->kind == TRIB_WORD_EXCLUSIVE)) {
		search->exclusive_open |= bars(search, plan, version);
		search->exclusive_speaks |= search->ranked && speaks_to(search, version);
	}
	if (TRIB_UNLIKELY(plan->offer == TRIB_OFFER_SOLE)) {
		search->sole_chosen |= entry->plan == search->offer;
		if (!search->sole || entry->plan < search->sole)
			search->sole = entry->plan;
	}
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
	if (search->best.entry && !is_better(search, &candidate, &search->best))
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

/* One after another the plans that may speak to the creator, and the exclusive ones; begins with zeros. */
struct cursor {
	uint32_t open, listing;
	bool listed; /* the creator was looked up */
};

static const struct trib_goods_plan *next_candidate(const struct search *search,
						    struct cursor *cursor)
{
	uint32_t number = search->goods->audience;
	const struct trib_audience *audience;

	if (number == 0 || number == TRIB_AUDIENCE_NONE)
		return cursor->open < search->goods->plan_count ? &search->entries[cursor->open++]
								: NULL;
	audience = &search->domain->audiences[number - 1];
	if (cursor->open < audience->open_count)
		return &search->entries[audience->open[cursor->open++]];
	if (!cursor->listed)
		cursor->listing =
			trib_pairs_first(&audience->by_creator, search->request->creator);
	cursor->listed = true;
	if (!cursor->listing)
		return NULL;
	const struct trib_listing *listing = &audience->listings[cursor->listing];

	cursor->listing = listing->next;
	return &search->entries[listing->place];
}

static void find_best_of_many(struct search *search)
{
	const struct trib_goods_plan *entry;
	struct cursor cursor = { 0 };

	while ((entry = next_candidate(search, &cursor)))
		consider(search, entry);
}

static inline void find_any(struct search *search)
{
	const struct trib_plan *plans = trib_domain_nouns(search->domain)->plans;
	uint32_t count = search->goods->plan_count;

	if (TRIB_UNLIKELY(search->goods->audience)) {
		find_best_of_many(search);
		return;
	}

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

/* While an exclusive activity promotes the goods, nobody chooses another offer. */
static inline void find_best(struct search *search)
{
	find_any(search);
	if (TRIB_LIKELY(!search->sole || search->sole_chosen))
		return;
	search->offer = search->sole;
	search->sole_chosen = true;
	search->best = (struct candidate){ 0 };
	find_any(search);
}

/*
 * Where one plan stands with the creator, open or not: NONE, no_plan (it does not list the goods,
 * or speaks to others), plan_not_started, plan_paused, plan_ended. entry NULL: whatever it lists.
 */
static enum trib_outcome standing_of(const struct search *search, uint32_t plan_number, const struct trib_goods_plan *entry,
				     uint32_t *ret_version)
{
	const struct trib_plan *plan = trib_domain_plan(search->domain, plan_number);
	uint32_t number = trib_plan_version_in_force(plan, search->request->at_ms);
	enum trib_outcome state = TRIB_OUTCOME_PLAN_NOT_STARTED;

	*ret_version = number;
	if (number == 0) /* what it will be when it starts */
		number = plan->steps ? plan->steps[0].version : 1;
	const struct trib_plan_version *version = trib_plan_version(plan, number);

	if ((entry && !covers(entry, number)) || is_waiting(status_of(search, plan_number, version)))
		return TRIB_OUTCOME_NO_PLAN;
	if (*ret_version)
		state = state_of(search, plan_number, version);
	return speaks_to(search, version) ? state : TRIB_OUTCOME_NO_PLAN;
}

static enum trib_outcome standing(const struct search *search, const struct trib_goods_plan *entry,
				  uint32_t *ret_version)
{
	return standing_of(search, entry->plan, entry, ret_version);
}

enum trib_outcome trib_terms_of_plan(const struct trib_domain *domain, uint32_t plan, uint32_t creator, int64_t at_ms)
{
	const struct trib_terms_request request = { .creator = creator, .at_ms = at_ms, .lock_ms = at_ms };
	const struct search search = { .domain = domain, .request = &request };
	uint32_t version;

	return plan && creator ? standing_of(&search, plan, NULL, &version) : TRIB_OUTCOME_NO_PLAN;
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
	const struct trib_goods_plan *entry;
	struct cursor cursor = { 0 };

	while ((entry = next_candidate(search, &cursor))) {
		enum trib_outcome state = standing(search, entry, &version);

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
		if (search->entries[i].plan != search->offer)
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

static inline bool is_barred(const struct search *search, uint32_t party)
{
	uint8_t status = trib_domain_party_status(search->domain, party, search->request->at_ms);

	return status == TRIB_WORD_FROZEN || status == TRIB_WORD_CLOSED;
}

/* May this creator not sell, because others alone may? */
static inline bool is_excluded(const struct search *search)
{
	return search->exclusive_open && !search->exclusive_speaks &&
	       (!search->best.entry || search->best.kind != TRIB_WORD_EXCLUSIVE);
}

static inline enum trib_outcome outcome_of(const struct search *search, uint32_t goods)
{
	const struct trib_terms_request *request = search->request;

	if (TRIB_UNLIKELY(!search->best.entry && !search->exclusive_open))
		return why_none(search);
	if (TRIB_UNLIKELY(trib_domain_goods_status(search->domain, goods, request->at_ms) !=
			  TRIB_WORD_ACTIVE))
		return TRIB_OUTCOME_GOODS_WITHDRAWN;
	if (TRIB_UNLIKELY(is_barred(search, request->creator) ||
			  is_barred(search, search->goods->merchant)))
		return TRIB_OUTCOME_PARTY_FROZEN;
	return is_excluded(search) ? TRIB_OUTCOME_CREATOR_NOT_ALLOWED : TRIB_OUTCOME_NONE;
}

/* Leader and service rates: the chosen offer's if it counts, else the winner's. */
static void fill_offer(const struct search *search, struct trib_terms *terms)
{
	const struct trib_plan_version *from = search->best.locked;
	const struct trib_goods_plan *entry;
	uint32_t version = search->best.locked_number;

	if (search->offer && search->offer != terms->plan) {
		terms->offer_outcome = find_offer(search, &entry, &version);
		if (terms->offer_outcome == TRIB_OUTCOME_NONE) {
			version = locked_version(search, entry, version);
			from = trib_plan_version(trib_domain_plan(search->domain, search->offer),
						 version);
		}
	}
	if (search->offer && terms->offer_outcome == TRIB_OUTCOME_NONE) {
		terms->offer = search->offer;
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

	*search = (struct search){
		.domain = domain, .request = request, .precedence = &usual, .offer = request->offer
	};
	search->goods = &nouns->goods[goods];
	search->entries = trib_goods_plans(search->goods);
	if (request->registration && request->registration <= nouns->count[TRIB_NOUN_REGISTRATION] &&
	    TRIB_UNLIKELY(nouns->registrations[request->registration].ranked)) {
		search->precedence = &nouns->registrations[request->registration].precedence;
		search->ranked = true;
	}
}

void trib_terms_resolve(const struct trib_domain *domain, const struct trib_terms_request *request,
			struct trib_terms *ret_terms)
{
	const struct trib_nouns *nouns = trib_domain_nouns(domain);
	bool creator_known = request->creator && request->creator <= nouns->count[TRIB_NOUN_PARTY];
	struct search search;

	begin(&search, domain, request);
	if (TRIB_LIKELY(creator_known))
		find_best(&search);
	*ret_terms = (struct trib_terms){ .creator = request->creator,
					  .merchant = search.goods->merchant };
	ret_terms->outcome = creator_known ? outcome_of(&search, request->goods) : TRIB_OUTCOME_NO_PLAN;
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

/* The version of one plan of these goods that the lock fixes; NULL where it never listed them. */
static const struct trib_plan_version *relocked(const struct search *search, uint32_t plan,
						uint32_t *ret_number)
{
	for (uint32_t i = 0; i < search->goods->plan_count; i++) {
		const struct trib_goods_plan *entry = &search->entries[i];

		if (entry->plan != plan)
			continue;
		*ret_number = locked_version(search, entry, *ret_number);
		return trib_plan_version(trib_domain_plan(search->domain, plan), *ret_number);
	}
	return NULL;
}

bool trib_terms_relock(const struct trib_domain *domain, const struct trib_terms_request *request,
		       struct trib_terms *terms)
{
	const struct trib_plan_version *won, *from;
	uint32_t number = terms->plan_version, offer_number = terms->offer_version;
	struct search search;

	begin(&search, domain, request);
	from = won = relocked(&search, terms->plan, &number);
	if (won && terms->offer && terms->offer != terms->plan)
		from = relocked(&search, terms->offer, &offer_number);
	if (!won || !from)
		return false;
	terms->plan_version = number;
	if (terms->offer)
		terms->offer_version = terms->offer == terms->plan ? number : offer_number;
	terms->commission_bps = won->commission_bps;
	terms->platform_bps = won->platform_bps;
	terms->agency_bps = won->agency_bps;
	terms->service_bps = from->service_bps;
	terms->service2_bps = from->service2_bps;
	return true;
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

/* ---- Why ---------------------------------------------------------------------------------- */

static enum trib_terms_verdict lost_by(const struct search *search,
				       const struct candidate *candidate)
{
	static const uint8_t verdicts[] = {
		[TRIB_TIE_HIGHER_COMMISSION] = TRIB_TERMS_LOWER_COMMISSION,
		[TRIB_TIE_LOWER_COMMISSION] = TRIB_TERMS_HIGHER_COMMISSION,
		[TRIB_TIE_NEWER] = TRIB_TERMS_OLDER,
		[TRIB_TIE_OLDER] = TRIB_TERMS_NEWER,
	};
	int64_t sign;

	if (!search->best.entry)
		return TRIB_TERMS_BARRED;
	if (candidate->entry == search->best.entry)
		return TRIB_TERMS_WON;
	if (candidate->rank != search->best.rank)
		return TRIB_TERMS_LOWER_KIND;
	return (enum trib_terms_verdict)
		verdicts[deciding_tie(search, candidate, &search->best, &sign)];
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
					       .version = number, /* of one that has not begun: what it will be */
					       .locked = candidate.locked_number,
					       .kind = version->kind,
					       .rank = candidate.rank,
					       .commission_bps = candidate.locked->commission_bps };
	ret_row->bars = version->kind == TRIB_WORD_EXCLUSIVE && shown &&
			state_of(search, entry->plan, version) == TRIB_OUTCOME_NONE &&
			bars(search, plan, version);
	if (state == TRIB_OUTCOME_NONE)
		ret_row->verdict = lost_by(search, &candidate);
	else if (is_waiting(status_of(search, entry->plan, version)))
		ret_row->verdict = TRIB_TERMS_NOT_APPROVED;
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
	if (is_excluded(&search))
		search.best = (struct candidate){ 0 };
	for (uint32_t i = 0; i < search.goods->plan_count; i++) {
		if (!explain_one(&search, &search.entries[i], &row))
			continue;
		if (count < capacity)
			ret_candidates[count] = row;
		count++;
	}
	return count;
}
