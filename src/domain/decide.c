/*
 * What a PUT or a DELETE comes to: a refusal that names the field, or the events that make it so.
 * Pure. The events borrow from the message and from the arena; nothing else is allocated.
 */
#include "base/limits.h"
#include "domain/life.h"
#include "domain/private.h"
#include "expr/expr.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS	  INT64_C(86400000)

/* One decision in the making. */
struct deciding {
	const struct trib_domain *domain;
	struct trib_arena *arena;
	struct trib_error *error;
	const struct trib_names *also; /* ids that will be there too, of the noun that is put */
	enum trib_noun noun;
	bool dry; /* only refusals are wanted: hash no users */
	bool offer; /* a plan that an enrolment is sold by, decided with it */
	int64_t now_ms;

	const char *status; /* that the table of statuses is to say from status_from_ms on; NULL: nothing new */
	int64_t status_from_ms;

	const char **words; /* that have no code yet, without repeats */
	uint32_t word_count, word_capacity;

	const Tributary__Event *first; /* other changes that belong to this one and come before it */
	uint32_t first_count;
};

static trib_status no_memory(struct deciding *deciding)
{
	return trib_fail(deciding->error, TRIB_TOO_LARGE, "",
			 "found more than one command may hold, expected less");
}

static void *copy_of(struct deciding *deciding, const void *value, size_t size)
{
	void *copy = trib_arena_alloc(deciding->arena, size);

	return copy ? memcpy(copy, value, size) : NULL;
}

/* ---- What a field may hold ---------------------------------------------------------------- */

static trib_status need_known(struct deciding *deciding, enum trib_noun noun, const char *id,
			      const char *at)
{
	if (!id || trib_domain_find(deciding->domain, noun, trib_text(id)))
		return TRIB_OK;
	if (noun == deciding->noun && deciding->also &&
	    trib_names_find(deciding->also, trib_text(id)))
		return TRIB_OK;
	return trib_fail(deciding->error, TRIB_INVALID, at, "found \"%s\", expected the id of %s",
			 id, noun == TRIB_NOUN_GOODS ? "known goods" : "a known party");
}

static trib_status need_stated(struct deciding *deciding, const char *value, const char *at)
{
	if (value && value[0])
		return TRIB_OK;
	return trib_fail(deciding->error, TRIB_INVALID, at, "found nothing, expected a value");
}

trib_status trib_fail_condition(struct trib_error *error, trib_status status, const char *at, const struct trib_error *why)
{
	const char *column = strchr(why->at, ':');
	char place[TRIB_ERROR_AT_MAX];

	snprintf(place, sizeof(place), "%s%s", at, column ? column : "");
	return trib_fail(error, status, place, "%s", why->text);
}

static trib_status need_condition(struct deciding *deciding, enum trib_condition_place place,
				  const char *source, const char *at)
{
	const struct trib_domain_hooks *hooks = &deciding->domain->hooks;

	if (!source || !source[0])
		return TRIB_OK;
	if (!hooks->check_condition)
		return trib_fail(deciding->error, TRIB_UNSUPPORTED, at,
				 "found a condition, expected none here");
	struct trib_error why = { 0 };
	trib_status status = hooks->check_condition(hooks->context, place, trib_text(source), &why);

	if (status != TRIB_OK)
		return trib_fail_condition(deciding->error, status, at, &why);
	return TRIB_OK;
}

/* Notes that a word needs a code. */
static trib_status use_word(struct deciding *deciding, const char *word)
{
	if (!word || !word[0] || trib_domain_find_code(deciding->domain, trib_text(word)))
		return TRIB_OK;
	for (uint32_t i = 0; i < deciding->word_count; i++)
		if (strcmp(deciding->words[i], word) == 0)
			return TRIB_OK;
	if (deciding->word_count == deciding->word_capacity) {
		uint32_t capacity = deciding->word_capacity ? deciding->word_capacity * 2 : 8;
		const char **words = trib_arena_alloc(deciding->arena, capacity * sizeof(*words));

		if (!words)
			return no_memory(deciding);
		if (deciding->word_count)
			memcpy(words, deciding->words, deciding->word_count * sizeof(*words));
		deciding->words = words;
		deciding->word_capacity = capacity;
	}
	deciding->words[deciding->word_count++] = word;
	return TRIB_OK;
}

static trib_status use_words(struct deciding *deciding, char **words, size_t count)
{
	trib_status status = TRIB_OK;

	for (size_t i = 0; i < count && status == TRIB_OK; i++)
		status = use_word(deciding, words[i]);
	return status;
}

/* ---- Statuses ----------------------------------------------------------------------------- */

/*
 * What a PUT makes of the status. Without rows in the table of statuses its own word holds, whenever. With rows the
 * table rules: a PUT that states another status than there is adds a row, one that states none leaves it alone, but
 * for opening what was closed; and the word for the time before the first row stays.
 */
static trib_status settle_status(struct deciding *deciding, const char *id, int64_t from_ms,
				 char **status)
{
	const struct trib_domain *domain = deciding->domain;
	enum trib_noun noun = deciding->noun;
	uint32_t number = trib_domain_find(domain, noun, trib_text(id));
	uint8_t stated = *status ? trib_word_of_status(noun, *status) : 0;

	if (*status && !stated)
		return trib_fail(deciding->error, TRIB_INVALID, "status",
				 "found \"%.64s\", expected %s", *status, trib_statuses_of(noun));
	if (number && trib_status_is_timed(domain, noun, number)) {
		/* Of a plan no row may rule yet: then its versions do, with the word of each. */
		uint8_t said = noun == TRIB_NOUN_PLAN ?
				       trib_domain_status_timed(domain, noun, number, from_ms, stated) :
				       trib_domain_status(domain, noun, number, from_ms);

		deciding->status_from_ms = from_ms;
		if (stated && stated != said)
			deciding->status = *status;
		else if (!stated && said == TRIB_WORD_CLOSED)
			deciding->status = "active";
		if (noun == TRIB_NOUN_PARTY)
			*status = (char *)trib_status_word_of(trib_domain_party(domain, number)->status);
		else if (noun == TRIB_NOUN_GOODS)
			*status = (char *)trib_status_word_of(trib_domain_goods(domain, number)->status);
	}
	if (!*status)
		*status = "active";
	return TRIB_OK;
}

/* ---- Parties ------------------------------------------------------------------------------ */

static int by_hash(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static trib_status hash_users(struct deciding *deciding, const Tributary__Party *party,
			      Tributary__PartyPut *put)
{
	const struct trib_domain_hooks *hooks = &deciding->domain->hooks;

	if (!hooks->hash_user)
		return trib_fail(deciding->error, TRIB_UNSUPPORTED, "user_ids",
				 "found some, expected none: there is no key to hash them with");
	if (deciding->dry)
		return TRIB_OK;
	put->user_hash =
		trib_arena_alloc(deciding->arena, party->n_user_ids * sizeof(*put->user_hash));
	if (!put->user_hash)
		return no_memory(deciding);
	for (size_t i = 0; i < party->n_user_ids; i++)
		put->user_hash[i] = hooks->hash_user(hooks->context, trib_text(party->user_ids[i]));
	qsort(put->user_hash, party->n_user_ids, sizeof(*put->user_hash), by_hash);
	for (size_t i = 0; i < party->n_user_ids; i++)
		if (i == 0 || put->user_hash[i] != put->user_hash[put->n_user_hash - 1])
			put->user_hash[put->n_user_hash++] = put->user_hash[i];
	return TRIB_OK;
}

/* user_hashes come back with a party that was read: those that are its own stay. Nobody can claim others by them. */
static trib_status keep_users(struct deciding *deciding, const Tributary__Party *party,
			      Tributary__PartyPut *put)
{
	const struct trib_domain *domain = deciding->domain;
	uint32_t number = trib_domain_find(domain, TRIB_NOUN_PARTY, trib_text(party->id));

	if (!number || deciding->dry)
		return TRIB_OK;
	put->user_hash =
		trib_arena_alloc(deciding->arena, party->n_user_hashes * sizeof(*put->user_hash));
	if (!put->user_hash)
		return no_memory(deciding);
	for (size_t i = 0; i < party->n_user_hashes; i++) {
		uint64_t hash = strtoull(party->user_hashes[i], NULL, 16);
		bool again = false;

		for (size_t j = 0; j < put->n_user_hash && !again; j++)
			again = put->user_hash[j] == hash;
		if (!again && trib_domain_party_has_user(domain, number, hash))
			put->user_hash[put->n_user_hash++] = hash;
	}
	if (put->n_user_hash)
		qsort(put->user_hash, put->n_user_hash, sizeof(*put->user_hash), by_hash);
	return TRIB_OK;
}

static int by_from(const void *a, const void *b)
{
	const Tributary__AgencyBinding *left = *(Tributary__AgencyBinding *const *)a;
	const Tributary__AgencyBinding *right = *(Tributary__AgencyBinding *const *)b;
	int64_t from = TRIB_STATED(left, from), other = TRIB_STATED(right, from);

	return (from > other) - (from < other);
}

static trib_status check_agency(struct deciding *deciding, const Tributary__Party *party,
				const char *agency, const char *at)
{
	if (agency && strcmp(agency, party->id) == 0)
		return trib_fail(deciding->error, TRIB_INVALID, at,
				 "found the party itself, expected another party");
	return need_known(deciding, TRIB_NOUN_PARTY, agency, at);
}

/* Puts them in order: they are kept so. */
static trib_status check_agencies(struct deciding *deciding, Tributary__Party *party)
{
	int64_t until_ms = 0;
	char at[32];

	TRY(check_agency(deciding, party, party->agency, "agency"));
	if (party->n_agencies == 0)
		return TRIB_OK;
	if (party->agency)
		return trib_fail(deciding->error, TRIB_INVALID, "agencies",
				 "found them beside agency, expected one of the two");
	for (size_t i = 0; i < party->n_agencies; i++) {
		snprintf(at, sizeof(at), "agencies[%zu].agency", i);
		TRY(need_stated(deciding, party->agencies[i]->agency, at));
		TRY(check_agency(deciding, party, party->agencies[i]->agency, at));
	}
	party->agencies = copy_of(deciding, party->agencies,
				  party->n_agencies * sizeof(*party->agencies));
	if (!party->agencies)
		return no_memory(deciding);
	qsort(party->agencies, party->n_agencies, sizeof(*party->agencies), by_from);
	for (size_t i = 0; i < party->n_agencies; i++) {
		const Tributary__AgencyBinding *binding = party->agencies[i];
		int64_t from_ms = TRIB_STATED(binding, from), to_ms = TRIB_STATED(binding, to);

		if (from_ms < until_ms || from_ms < 0 || (to_ms && to_ms <= from_ms))
			return trib_fail(deciding->error, TRIB_INVALID, "agencies",
					 "found a binding from %lld to %lld, expected them apart from "
					 "each other and to after from",
					 (long long)from_ms, (long long)to_ms);
		until_ms = to_ms ? to_ms : INT64_MAX;
	}
	return TRIB_OK;
}

static trib_status decide_party(struct deciding *deciding, const Tributary__Party *given,
				ProtobufCMessage **ret_put)
{
	Tributary__PartyPut init = TRIBUTARY__PARTY_PUT__INIT;
	Tributary__PartyPut *put = copy_of(deciding, &init, sizeof(init));
	Tributary__Party *party = copy_of(deciding, given, sizeof(*given));

	if (!put || !party)
		return no_memory(deciding);
	TRY(check_agencies(deciding, party));
	TRY(settle_status(deciding, party->id, deciding->now_ms, &party->status));
	TRY(use_words(deciding, party->roles, party->n_roles));
	TRY(use_word(deciding, party->region));
	TRY(use_words(deciding, party->tags, party->n_tags));
	if (given->n_user_ids)
		TRY(hash_users(deciding, given, put));
	else if (given->n_user_hashes)
		TRY(keep_users(deciding, given, put));
	uint32_t known = trib_domain_find(deciding->domain, TRIB_NOUN_PARTY, trib_text(party->id));

	put->since_day = known ? trib_domain_party(deciding->domain, known)->since_day
			       : (uint32_t)TRIB_MIN(deciding->now_ms / DAY_MS, (int64_t)UINT16_MAX);
	put->has_since_day = put->since_day != 0;
	party->has_number = party->has_version = false;
	party->n_user_ids = party->n_user_hashes = 0;
	party->user_ids = party->user_hashes = NULL;
	put->party = party;
	*ret_put = &put->base;
	return TRIB_OK;
}

/* ---- Goods -------------------------------------------------------------------------------- */

static trib_status decide_goods(struct deciding *deciding, const Tributary__Goods *given,
				ProtobufCMessage **ret_put)
{
	Tributary__GoodsPut init = TRIBUTARY__GOODS_PUT__INIT;
	Tributary__GoodsPut *put = copy_of(deciding, &init, sizeof(init));
	Tributary__Goods *goods = copy_of(deciding, given, sizeof(*given));

	if (!put || !goods)
		return no_memory(deciding);
	TRY(need_stated(deciding, goods->merchant, "merchant"));
	TRY(need_known(deciding, TRIB_NOUN_PARTY, goods->merchant, "merchant"));
	if (!goods->currency)
		goods->currency = "CNY";
	TRY(settle_status(deciding, goods->id, deciding->now_ms, &goods->status));
	TRY(use_word(deciding, goods->category));
	TRY(use_word(deciding, goods->brand));
	TRY(use_word(deciding, goods->currency));
	TRY(use_word(deciding, goods->site));
	goods->has_number = goods->has_version = goods->has_withdrawn_at = false;
	put->goods = goods;
	*ret_put = &put->base;
	return TRIB_OK;
}

/* ---- Plans -------------------------------------------------------------------------------- */

static trib_status check_rate(struct deciding *deciding, int32_t bps, const char *at)
{
	if (bps >= 0 && bps <= 10000)
		return TRIB_OK;
	return trib_fail(deciding->error, TRIB_INVALID, at,
			 "found %d, expected basis points from 0 to 10000", bps);
}

static trib_status check_terms(struct deciding *deciding, const Tributary__Terms *terms)
{
	if (!terms)
		return TRIB_OK;
	TRY(check_rate(deciding, terms->commission_bps, "terms.commission_bps"));
	TRY(check_rate(deciding, terms->service_bps, "terms.service_bps"));
	TRY(check_rate(deciding, terms->service2_bps, "terms.service2_bps"));
	TRY(check_rate(deciding, terms->platform_bps, "terms.platform_bps"));
	TRY(check_rate(deciding, terms->agency_bps, "terms.agency_bps"));
	/* Both are taken of the base as first formed: more than that nobody has. */
	if (terms->commission_bps + terms->service_bps > 10000)
		return trib_fail(deciding->error, TRIB_INVALID, "terms.service_bps",
				 "found %d beside a commission of %d, expected at most %d: together they are at most 10000, the whole base",
				 terms->service_bps, terms->commission_bps, 10000 - terms->commission_bps);
	TRY(need_known(deciding, TRIB_NOUN_PARTY, terms->leader, "terms.leader"));
	return need_known(deciding, TRIB_NOUN_PARTY, terms->leader2, "terms.leader2");
}

static trib_status check_creators(struct deciding *deciding, const Tributary__Plan *plan)
{
	char at[64];

	for (size_t i = 0; i < plan->n_creators; i++) {
		if (trib_domain_find(deciding->domain, TRIB_NOUN_PARTY,
				     trib_text(plan->creators[i])))
			continue;
		snprintf(at, sizeof(at), "creators[%zu]", i);
		return need_known(deciding, TRIB_NOUN_PARTY, plan->creators[i], at);
	}
	return TRIB_OK;
}

static trib_status check_audience(struct deciding *deciding, const Tributary__Plan *plan,
				  uint8_t kind)
{
	bool conditional = plan->creators_when && plan->creators_when[0];

	if (plan->n_creators && conditional)
		return trib_fail(deciding->error, TRIB_INVALID, "creators_when",
				 "found it beside creators, expected one of the two");
	if ((kind == TRIB_WORD_TARGETED || kind == TRIB_WORD_EXCLUSIVE) && !plan->n_creators &&
	    !conditional)
		return trib_fail(deciding->error, TRIB_INVALID, "creators",
				 "found none, expected creators or creators_when in a plan of kind "
				 "%s",
				 plan->kind);
	TRY(check_creators(deciding, plan));
	return need_condition(deciding, TRIB_CONDITION_CREATORS_WHEN, plan->creators_when,
			      "creators_when");
}

/* Without effective_from: now; but a cut may have to wait for the next day. */
static int64_t begins_at(struct deciding *deciding, const Tributary__Plan *plan)
{
	const struct trib_domain *domain = deciding->domain;
	const struct trib_plan *before = trib_domain_plan(
		domain, trib_domain_find(domain, TRIB_NOUN_PLAN, trib_text(plan->id)));
	const struct trib_plan_version *now = trib_plan_version(
		before, trib_plan_version_in_force(before, deciding->now_ms));
	int32_t rate = plan->terms ? TRIB_STATED(plan->terms, commission_bps) : 0;
	int64_t from_ms, to_ms;

	if (!plan->cut || strcmp(plan->cut, "next_day") != 0 || !now ||
	    rate >= now->commission_bps ||
	    !trib_zone_period(trib_text(plan->time_zone), TRIB_PERIOD_DAY, deciding->now_ms,
			      &from_ms, &to_ms))
		return deciding->now_ms;
	return to_ms;
}

static trib_status settle_times(struct deciding *deciding, Tributary__Plan *plan)
{
	int64_t from_ms = TRIB_STATED(plan, effective_from);

	if (from_ms < 0)
		return trib_fail(deciding->error, TRIB_INVALID, "effective_from",
				 "found %lld, expected ms UTC since 1970", (long long)from_ms);
	plan->effective_from = from_ms ? from_ms : begins_at(deciding, plan);
	plan->has_effective_from = true;
	plan->has_effective_to = TRIB_STATED(plan, effective_to) != 0;
	if (plan->has_effective_to && plan->effective_to <= plan->effective_from)
		return trib_fail(deciding->error, TRIB_INVALID, "effective_to",
				 "found %lld, expected a time after effective_from, %lld",
				 (long long)plan->effective_to, (long long)plan->effective_from);
	return TRIB_OK;
}

/* ---- What only some plans say ------------------------------------------------------------- */

static trib_status check_step(struct deciding *deciding, const Tributary__Step *step)
{
	int64_t before = -1;
	char at[48];

	if (!step)
		return TRIB_OK;
	if (step->n_tiers == 0 || step->n_tiers > TRIB_TIERS_MAX)
		return trib_fail(deciding->error, TRIB_INVALID, "step.tiers",
				 "found %zu, expected 1 to %d", step->n_tiers, TRIB_TIERS_MAX);
	for (size_t i = 0; i < step->n_tiers; i++) {
		int64_t from = TRIB_STATED(step->tiers[i], from);

		snprintf(at, sizeof(at), "step.tiers[%zu].from", i);
		if (from <= before)
			return trib_fail(deciding->error, TRIB_INVALID, at,
					 "found %lld, expected more than the tier before",
					 (long long)from);
		before = from;
	}
	return TRIB_OK;
}

/* Days and months are those of a zone, which is stated where something depends on it. */
static trib_status settle_zone(struct deciding *deciding, Tributary__Plan *plan)
{
	int64_t from_ms, to_ms;

	if (!plan->time_zone && (plan->step || plan->n_schedule || TRIB_STATED(plan, daily_cap) || plan->cut))
		plan->time_zone = "Asia/Shanghai";
	if (plan->time_zone &&
	    !trib_zone_period(trib_text(plan->time_zone), TRIB_PERIOD_DAY, 0, &from_ms, &to_ms))
		return trib_fail(deciding->error, TRIB_INVALID, "time_zone",
				 "found \"%s\", expected a name of the tz database, or an offset like "
				 "+08:00",
				 plan->time_zone);
	return use_word(deciding, plan->time_zone);
}

static trib_status check_incentive(struct deciding *deciding, bool stated, int64_t amount,
				   int32_t bps, const char *at)
{
	if (!stated || amount > 0 || bps > 0)
		return TRIB_OK;
	return trib_fail(deciding->error, TRIB_INVALID, at,
			 "found neither bps nor amount, expected one of them");
}

/* Bounds stay until others are stated: whoever moves the rate cannot leave them out. */
static trib_status settle_bounds(struct deciding *deciding, Tributary__Plan *plan, uint8_t kind)
{
	const struct trib_domain *domain = deciding->domain;
	uint32_t number = trib_domain_find(domain, TRIB_NOUN_PLAN, trib_text(plan->id));
	const struct trib_plan_attributes *before = trib_domain_attributes(
		domain, trib_domain_plan(domain, number)->newest.attributes);
	int32_t rate = plan->terms ? TRIB_STATED(plan->terms, commission_bps) : 0;

	if (plan->bounds && kind != TRIB_WORD_MANAGED)
		return trib_fail(deciding->error, TRIB_INVALID, "bounds",
				 "found them in a plan of kind %s, expected kind managed", plan->kind);
	if (!plan->bounds && kind == TRIB_WORD_MANAGED && before->bounded) {
		Tributary__Bounds init = TRIBUTARY__BOUNDS__INIT;

		plan->bounds = copy_of(deciding, &init, sizeof(init));
		if (!plan->bounds)
			return no_memory(deciding);
		plan->bounds->has_min_bps = plan->bounds->has_max_bps = true;
		plan->bounds->min_bps = before->min_bps;
		plan->bounds->max_bps = before->max_bps;
	}
	if (!plan->bounds)
		return TRIB_OK;
	int32_t low = TRIB_STATED(plan->bounds, min_bps), high = TRIB_STATED(plan->bounds, max_bps);

	if (low < 0 || low > high)
		return trib_fail(deciding->error, TRIB_INVALID, "bounds.min_bps",
				 "found %d, expected 0 to max_bps, %d", low, high);
	if (rate < low || rate > high)
		return trib_fail(deciding->error, TRIB_INVALID, "terms.commission_bps",
				 "found %d, expected %d to %d: the plan's bounds", rate, low, high);
	return TRIB_OK;
}

static trib_status check_goal(struct deciding *deciding, const Tributary__Plan *plan, uint8_t kind)
{
	int64_t every_ms;

	if (!plan->goal)
		return TRIB_OK;
	if (kind != TRIB_WORD_MANAGED || !plan->bounds)
		return trib_fail(deciding->error, TRIB_INVALID, "goal",
				 "found it in a plan of kind %s without bounds, expected kind managed, and bounds",
				 plan->kind);
	TRY(trib_duration_parse(trib_text(plan->goal->every ? plan->goal->every : "1d"), "goal.every",
				&every_ms, deciding->error));
	if (every_ms >= MINUTE_MS && every_ms <= 366 * DAY_MS)
		return TRIB_OK;
	return trib_fail(deciding->error, TRIB_INVALID, "goal.every", "found \"%s\", expected 1m to 366d",
			 plan->goal->every);
}

static trib_status check_attributes(struct deciding *deciding, Tributary__Plan *plan, uint8_t kind)
{
	const Tributary__Incentive *incentive = plan->incentive;
	const Tributary__NewToShop *new_to_shop = plan->new_to_shop;

	TRY(check_step(deciding, plan->step));
	TRY(settle_zone(deciding, plan));
	if (plan->samples)
		TRY(need_condition(deciding, TRIB_CONDITION_CREATORS_WHEN, plan->samples->when, "samples.when"));
	TRY(check_incentive(deciding, incentive, incentive ? TRIB_STATED(incentive, amount) : 0,
			    incentive ? TRIB_STATED(incentive, bps) : 0, "incentive"));
	TRY(check_incentive(deciding, new_to_shop,
			    new_to_shop ? TRIB_STATED(new_to_shop, amount) : 0,
			    new_to_shop ? TRIB_STATED(new_to_shop, bps) : 0, "new_to_shop"));
	if (plan->grace && kind != TRIB_WORD_EXCLUSIVE)
		return trib_fail(deciding->error, TRIB_INVALID, "grace",
				 "found it in a plan of kind %s, expected kind exclusive", plan->kind);
	for (size_t i = 0; i < plan->n_schedule; i++) {
		struct trib_open_hours hours;
		char at[32];

		snprintf(at, sizeof(at), "schedule[%zu]", i);
		if (!trib_open_hours_read(plan->schedule[i], &hours))
			return trib_fail(deciding->error, TRIB_INVALID, at,
					 "found %s to %s, expected HH:MM to a later HH:MM, 24:00 at most",
					 plan->schedule[i]->from ? plan->schedule[i]->from : "00:00",
					 plan->schedule[i]->to ? plan->schedule[i]->to : "24:00");
	}
	TRY(settle_bounds(deciding, plan, kind));
	return check_goal(deciding, plan, kind);
}

/* Does the plan's newest version list the goods? */
static bool lists(const struct trib_plan *plan, uint32_t goods)
{
	uint32_t low = 0, high = plan->goods_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (plan->goods[middle] == goods)
			return true;
		if (plan->goods[middle] < goods)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Has the plan, open or to come, a condition that orders of these goods ask? */
static bool asks(const struct deciding *deciding, const struct trib_goods_plan *entry)
{
	const struct trib_plan *plan = trib_domain_plan(deciding->domain, entry->plan);
	const struct trib_plan_version *now =
		trib_plan_version(plan, trib_plan_version_in_force(plan, deciding->now_ms));
	uint8_t status = trib_domain_status(deciding->domain, TRIB_NOUN_PLAN, entry->plan, deciding->now_ms);

	if (entry->last != UINT32_MAX || status == TRIB_WORD_ENDED || status == TRIB_WORD_CLOSED ||
	    deciding->now_ms >= plan->newest.to_ms)
		return false;
	return plan->newest.creators_when || (now && now->creators_when);
}

/* A condition costs an order more than a list of creators: some goods may have only so many of them. */
static trib_status check_conditions(struct deciding *deciding, const Tributary__Plan *given)
{
	const struct trib_domain *domain = deciding->domain;
	uint32_t own = trib_domain_find(domain, TRIB_NOUN_PLAN, trib_text(given->id));
	char at[64];

	for (size_t i = 0; given->creators_when && given->creators_when[0] && i < given->n_goods; i++) {
		const struct trib_goods *goods = trib_domain_goods(
			domain, trib_domain_find(domain, TRIB_NOUN_GOODS, trib_text(given->goods[i])));
		const struct trib_goods_plan *entries = trib_goods_plans(goods);
		uint32_t count = 0;

		for (uint32_t j = 0; j < goods->plan_count; j++)
			count += entries[j].plan != own && asks(deciding, &entries[j]);
		if (count < TRIB_LIMIT_GOODS_CONDITIONS)
			continue;
		snprintf(at, sizeof(at), "goods[%zu]", i);
		return trib_fail(deciding->error, TRIB_LIMIT, at,
				 "found \"%s\" in %u plans with creators_when, expected at most %d: end some, or list creators",
				 given->goods[i], count, TRIB_LIMIT_GOODS_CONDITIONS - 1);
	}
	return TRIB_OK;
}

/* All known; and every plan that ever listed some goods is looked at for each of their orders. */
static trib_status check_goods(struct deciding *deciding, const Tributary__Plan *given)
{
	const struct trib_domain *domain = deciding->domain;
	const struct trib_plan *plan = trib_domain_plan(
		domain, trib_domain_find(domain, TRIB_NOUN_PLAN, trib_text(given->id)));
	char at[64];

	for (size_t i = 0; i < given->n_goods; i++) {
		uint32_t goods =
			trib_domain_find(domain, TRIB_NOUN_GOODS, trib_text(given->goods[i]));
		bool crowded =
			trib_domain_goods(domain, goods)->plan_count >= TRIB_LIMIT_GOODS_PLANS;

		if (goods && (!crowded || lists(plan, goods)))
			continue;
		snprintf(at, sizeof(at), "goods[%zu]", i);
		TRY(need_known(deciding, TRIB_NOUN_GOODS, given->goods[i], at));
		return trib_fail(deciding->error, TRIB_LIMIT, at,
				 "found \"%s\" in %d plans already, expected fewer",
				 given->goods[i], TRIB_LIMIT_GOODS_PLANS);
	}
	return TRIB_OK;
}

/* The commission may have to lie within the bounds of the goods' categories. */
static trib_status check_bounds(struct deciding *deciding, const Tributary__Plan *plan)
{
	const struct trib_domain *domain = deciding->domain;
	uint32_t before = 0;

	if (trib_domain_bounds_count(domain) == 0 || !plan->terms || !plan->terms->has_commission_bps)
		return TRIB_OK;
	for (size_t i = 0; i < plan->n_goods; i++) {
		uint32_t number =
			trib_domain_find(domain, TRIB_NOUN_GOODS, trib_text(plan->goods[i]));
		uint32_t category = trib_domain_goods(domain, number)->category;
		int32_t rate = plan->terms->commission_bps, low, high;
		struct trib_bytes prefix;

		if (category == before || category == 0)
			continue;
		before = category;
		if (!trib_domain_find_bounds(domain, trib_names_text(domain->symbols, category), &low,
					     &high, &prefix) ||
		    (rate >= low && rate <= high))
			continue;
		return trib_fail(deciding->error, TRIB_INVALID, "terms.commission_bps",
				 "found %d, expected %d to %d: the bounds of category \"" TRIB_BYTES_FMT
				 "\", of goods \"%.64s\"",
				 rate, low, high, (int)TRIB_MIN(prefix.size, (size_t)100),
				 prefix.data, plan->goods[i]);
	}
	return TRIB_OK;
}

/* Plans that enrolments are sold by change with them only. */
static trib_status check_offer(struct trib_error *error, const struct trib_domain *domain,
			       struct trib_bytes id)
{
	uint32_t plan = trib_domain_find(domain, TRIB_NOUN_PLAN, id);

	if (!trib_domain_plan(domain, plan)->offer && !trib_domain_find(domain, TRIB_NOUN_ENROLMENT, id))
		return TRIB_OK;
	return trib_fail(error, TRIB_REFUSED, "id",
			 "found \"" TRIB_BYTES_FMT "\", the offer of an enrolment, expected a change of the "
			 "enrolment",
			 (int)TRIB_MIN(id.size, (size_t)64), id.data);
}

/*
 * A plan that nobody has approved yet stays so when it is put again: it is a draft. Only the platform's people may open it by
 * a PUT. One that is open, or was, does not become a draft.
 */
static trib_status settle_draft(struct deciding *deciding, Tributary__Plan *plan)
{
	const struct trib_domain *domain = deciding->domain;
	enum trib_access_role role = trib_domain_actor(domain)->role;
	uint32_t number = trib_domain_find(domain, TRIB_NOUN_PLAN, trib_text(plan->id));
	uint8_t now = number ? trib_domain_status(domain, TRIB_NOUN_PLAN, number, deciding->now_ms) : 0;
	uint8_t stated = plan->status ? trib_word_of_status(TRIB_NOUN_PLAN, plan->status) : 0;
	bool waits = now == TRIB_WORD_DRAFT || now == TRIB_WORD_REVIEW;
	bool to_wait = stated == TRIB_WORD_DRAFT || stated == TRIB_WORD_REVIEW;

	if (waits && !plan->status)
		plan->status = "draft";
	if (number && !waits && to_wait)
		return trib_fail(deciding->error, TRIB_REFUSED, "status",
				 "found \"%s\", expected another: the plan is %s", plan->status,
				 trib_status_word_of(now));
	if (waits && stated && !to_wait && !trib_access_role_is_platform(role))
		return trib_fail(deciding->error, TRIB_FORBIDDEN, "status",
				 "found \"%s\", expected draft or review: the plan is %s", plan->status,
				 trib_status_word_of(now));
	return TRIB_OK;
}

static trib_status decide_plan(struct deciding *deciding, const Tributary__Plan *given,
			       ProtobufCMessage **ret_put)
{
	Tributary__PlanPut init = TRIBUTARY__PLAN_PUT__INIT;
	Tributary__PlanPut *put = copy_of(deciding, &init, sizeof(init));
	Tributary__Plan *plan = copy_of(deciding, given, sizeof(*given));

	if (!put || !plan)
		return no_memory(deciding);
	if (!deciding->offer) {
		TRY(check_offer(deciding->error, deciding->domain, trib_text(plan->id)));
		plan->activity = NULL;
		plan->has_sole = false;
	}
	TRY(check_goods(deciding, plan));
	TRY(check_conditions(deciding, plan));
	TRY(need_stated(deciding, plan->merchant, "merchant"));
	TRY(need_known(deciding, TRIB_NOUN_PARTY, plan->merchant, "merchant"));
	if (!plan->kind)
		plan->kind = "general";
	uint8_t kind = trib_word_of_kind(plan->kind);

	if (!kind)
		return trib_fail(deciding->error, TRIB_INVALID, "kind",
				 "found \"%s\", expected general, targeted, exclusive, activity or "
				 "managed",
				 plan->kind);
	TRY(check_audience(deciding, plan, kind));
	TRY(check_attributes(deciding, plan, kind));
	TRY(settle_times(deciding, plan));
	TRY(settle_draft(deciding, plan));
	TRY(settle_status(deciding, plan->id, plan->effective_from, &plan->status));
	TRY(check_terms(deciding, plan->terms));
	TRY(check_bounds(deciding, plan));
	plan->has_number = plan->has_version = false;
	plan->n_history = 0;
	put->has_at = true;
	put->at = deciding->now_ms;
	put->plan = plan;
	*ret_put = &put->base;
	return TRIB_OK;
}

/* ---- Registrations ------------------------------------------------------------------------ */

static trib_status check_distinct(struct deciding *deciding, char **words, size_t count,
				  const char *at)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(words[i], words[j]) == 0)
				return trib_fail(deciding->error, TRIB_INVALID, at,
						 "found \"%.64s\" twice, expected it once", words[i]);
	return TRIB_OK;
}

static trib_status check_precedence(struct deciding *deciding,
				    const Tributary__Registration *registration)
{
	struct trib_precedence precedence;
	bool ranked;

	TRY(check_distinct(deciding, registration->precedence, registration->n_precedence,
			   "precedence"));
	TRY(check_distinct(deciding, registration->ties, registration->n_ties, "ties"));
	if (trib_precedence_read(registration, &precedence, &ranked))
		return TRIB_OK;
	return trib_fail(deciding->error, TRIB_INVALID, "precedence",
			 "found a word that is none of its, expected kinds of plans, and ties");
}

static trib_status decide_registration(struct deciding *deciding,
				       const Tributary__Registration *given,
				       ProtobufCMessage **ret_put)
{
	Tributary__RegistrationPut init = TRIBUTARY__REGISTRATION_PUT__INIT;
	Tributary__RegistrationPut *put = copy_of(deciding, &init, sizeof(init));
	Tributary__Registration *registration = copy_of(deciding, given, sizeof(*given));
	int64_t ttl_ms;

	if (!put || !registration)
		return no_memory(deciding);
	TRY(need_stated(deciding, registration->channel, "channel"));
	TRY(need_condition(deciding, TRIB_CONDITION_REGISTRATION_WHEN, registration->when, "when"));
	if (!registration->token_ttl)
		registration->token_ttl = "30d";
	TRY(trib_duration_parse(trib_text(registration->token_ttl), "token_ttl", &ttl_ms,
				deciding->error));
	if (!registration->ext_overflow)
		registration->ext_overflow = "keep";
	if (!trib_word_of_overflow(registration->ext_overflow))
		return trib_fail(deciding->error, TRIB_INVALID, "ext_overflow",
				 "found \"%s\", expected keep or refuse",
				 registration->ext_overflow);
	TRY(settle_status(deciding, registration->id, deciding->now_ms, &registration->status));
	TRY(check_precedence(deciding, registration));
	TRY(use_word(deciding, registration->channel));
	TRY(use_word(deciding, registration->scene));
	TRY(use_word(deciding, registration->play));
	TRY(use_word(deciding, registration->pid));
	registration->has_number = registration->has_version = false;
	put->registration = registration;
	*ret_put = &put->base;
	return TRIB_OK;
}

/* ---- Blocks ------------------------------------------------------------------------------- */

/* The hash of a user that is stated, or the one that is there where value_hash says so. */
static trib_status hash_blocked(struct deciding *deciding, Tributary__Block *block,
				Tributary__BlockPut *put)
{
	const struct trib_domain *domain = deciding->domain;
	const struct trib_domain_hooks *hooks = &domain->hooks;
	uint32_t number = trib_domain_find(domain, TRIB_NOUN_BLOCK, trib_text(block->id));
	const struct trib_block *before = trib_domain_block(domain, number);
	uint64_t hash = block->value_hash ? strtoull(block->value_hash, NULL, 16) : 0;

	put->has_user_hash = true;
	if (!block->value && block->value_hash && before->kind == TRIB_BLOCK_USER &&
	    before->key == hash) {
		put->user_hash = hash;
		return TRIB_OK;
	}
	TRY(need_stated(deciding, block->value, "value"));
	if (!trib_external_id_valid(trib_text(block->value)))
		return trib_fail(deciding->error, TRIB_INVALID, "value",
				 "found \"%.64s\", expected the id of a user", block->value);
	if (!hooks->hash_user)
		return trib_fail(deciding->error, TRIB_UNSUPPORTED, "value",
				 "found a user, expected none: there is no key to hash it with");
	put->user_hash = hooks->hash_user(hooks->context, trib_text(block->value));
	block->value = NULL;
	return TRIB_OK;
}

static trib_status decide_block(struct deciding *deciding, const Tributary__Block *given,
				ProtobufCMessage **ret_put)
{
	Tributary__BlockPut init = TRIBUTARY__BLOCK_PUT__INIT;
	Tributary__BlockPut *put = copy_of(deciding, &init, sizeof(init));
	Tributary__Block *block = copy_of(deciding, given, sizeof(*given));

	if (!put || !block)
		return no_memory(deciding);
	TRY(need_stated(deciding, block->kind, "kind"));
	switch (trib_block_kind_of(block->kind)) {
	case TRIB_BLOCK_NONE:
		return trib_fail(deciding->error, TRIB_INVALID, "kind",
				 "found \"%.64s\", expected user, creator, device, order, goods, "
				 "carrier or address",
				 block->kind);
	case TRIB_BLOCK_USER:
		TRY(hash_blocked(deciding, block, put));
		break;
	case TRIB_BLOCK_CREATOR:
		TRY(need_stated(deciding, block->value, "value"));
		TRY(need_known(deciding, TRIB_NOUN_PARTY, block->value, "value"));
		break;
	case TRIB_BLOCK_GOODS:
		TRY(need_stated(deciding, block->value, "value"));
		TRY(need_known(deciding, TRIB_NOUN_GOODS, block->value, "value"));
		break;
	default:
		TRY(need_stated(deciding, block->value, "value"));
	}
	TRY(settle_status(deciding, block->id, deciding->now_ms, &block->status));
	block->has_until = TRIB_STATED(block, until) != 0;
	block->value_hash = NULL;
	block->has_number = block->has_version = false;
	put->block = block;
	*ret_put = &put->base;
	return TRIB_OK;
}

/* ---- The decision ------------------------------------------------------------------------- */

static const char *id_of(enum trib_noun noun, const ProtobufCMessage *message)
{
	switch (noun) {
	case TRIB_NOUN_PARTY:
		return ((const Tributary__Party *)message)->id;
	case TRIB_NOUN_GOODS:
		return ((const Tributary__Goods *)message)->id;
	case TRIB_NOUN_PLAN:
		return ((const Tributary__Plan *)message)->id;
	case TRIB_NOUN_BLOCK:
		return ((const Tributary__Block *)message)->id;
	case TRIB_NOUN_REGISTRATION:
		return ((const Tributary__Registration *)message)->id;
	default:
		return trib_cold_id(message);
	}
}

static trib_status decide_cold(struct deciding *deciding, const ProtobufCMessage *message,
			       ProtobufCMessage **ret_put)
{
	struct trib_domain_decision first;

	TRY(trib_cold_decide_put(deciding->domain, deciding->noun, message, deciding->now_ms,
				 deciding->also, deciding->arena, ret_put, &first, deciding->error));
	deciding->first = first.events;
	deciding->first_count = first.event_count;
	return TRIB_OK;
}

static trib_status decide_message(struct deciding *deciding, const ProtobufCMessage *message,
				  ProtobufCMessage **ret_put)
{
	const char *id = id_of(deciding->noun, message);

	trib_assert(message->descriptor == trib_noun_descriptor(deciding->noun));
	if (!id || !trib_external_id_valid(trib_text(id)))
		return trib_fail(deciding->error, TRIB_INVALID, "id",
				 "found %s%.64s%s, expected 1 to 64 bytes of UTF-8 without space, "
				 "control or /",
				 id ? "\"" : "", id ? id : "nothing", id ? "\"" : "");
	switch (deciding->noun) {
	case TRIB_NOUN_PARTY:
		return decide_party(deciding, (const Tributary__Party *)message, ret_put);
	case TRIB_NOUN_GOODS:
		return decide_goods(deciding, (const Tributary__Goods *)message, ret_put);
	case TRIB_NOUN_PLAN:
		return decide_plan(deciding, (const Tributary__Plan *)message, ret_put);
	case TRIB_NOUN_BLOCK:
		return decide_block(deciding, (const Tributary__Block *)message, ret_put);
	case TRIB_NOUN_REGISTRATION:
		return decide_registration(deciding, (const Tributary__Registration *)message,
					   ret_put);
	default:
		return decide_cold(deciding, message, ret_put);
	}
}

/* Makes the put that of a number and version, in an event. */
static Tributary__Event put_event(enum trib_noun noun, ProtobufCMessage *put, uint32_t number,
				  uint32_t version)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

#define CASE(NOUN, Type, field)                                                                    \
	case TRIB_NOUN_##NOUN:                                                                     \
		event.kind_case = TRIBUTARY__EVENT__KIND_##NOUN##_PUT;                             \
		event.field = (Tributary__##Type *)put;                                            \
		event.field->has_number = event.field->has_version = true;                         \
		event.field->number = number;                                                      \
		event.field->version = version;                                                    \
		break

	switch (noun) {
		CASE(PARTY, PartyPut, party_put);
		CASE(GOODS, GoodsPut, goods_put);
		CASE(PLAN, PlanPut, plan_put);
		CASE(REGISTRATION, RegistrationPut, registration_put);
		CASE(BLOCK, BlockPut, block_put);
	default:
		((struct trib_cold_put *)put)->has_number = true;
		((struct trib_cold_put *)put)->has_version = true;
		((struct trib_cold_put *)put)->number = number;
		((struct trib_cold_put *)put)->version = version;
		return trib_cold_event(noun, put);
	}
#undef CASE
	return event;
}

/* Would the record say the same, with this put in the version that is there? */
static bool is_so_already(struct deciding *deciding, ProtobufCMessage *put, uint32_t number,
			  uint32_t version)
{
	const struct trib_record *record =
		*trib_domain_record_slot(deciding->domain, deciding->noun, number);

	put_event(deciding->noun, put, number, version);
	if (protobuf_c_message_get_packed_size(put) != record->size)
		return false;
	uint8_t *bytes = trib_arena_alloc(deciding->arena, record->size);

	if (!bytes)
		return false;
	protobuf_c_message_pack(put, bytes);
	return memcmp(bytes, record->bytes, record->size) == 0;
}

static bool fill_name(Tributary__Event *event, uint32_t code, const char *word,
		      struct trib_arena *arena)
{
	Tributary__NameAdded init = TRIBUTARY__NAME_ADDED__INIT;
	Tributary__NameAdded *name = trib_arena_alloc(arena, sizeof(*name));

	if (!name)
		return false;
	*name = init;
	name->has_number = true;
	name->number = code;
	name->text = (char *)word;
	event->kind_case = TRIBUTARY__EVENT__KIND_NAME_ADDED;
	event->name_added = name;
	return true;
}

/* New words, then the put (NULL: nothing changes but the status), then the status. */
static trib_status make_events(struct deciding *deciding, ProtobufCMessage *put,
			       struct trib_domain_decision *decision)
{
	uint32_t count = 0, code = trib_names_count(deciding->domain->symbols);
	Tributary__Event init = TRIBUTARY__EVENT__INIT;
	Tributary__Event *events = trib_arena_alloc(
		deciding->arena,
		(deciding->first_count + deciding->word_count + 2) * sizeof(*events));

	if (!events)
		return no_memory(deciding);
	for (uint32_t i = 0; put && i < deciding->first_count; i++)
		events[count++] = deciding->first[i];
	for (uint32_t i = 0; put && i < deciding->word_count; i++) {
		events[count] = init;
		if (!fill_name(&events[count++], ++code, deciding->words[i], deciding->arena))
			return no_memory(deciding);
	}
	if (put)
		events[count++] = put_event(deciding->noun, put, decision->number, decision->version);
	if (deciding->status &&
	    !trib_status_event(deciding->domain, deciding->noun, decision->number, deciding->status,
			       deciding->status_from_ms, NULL, deciding->arena, &events[count++]))
		return no_memory(deciding);
	decision->events = events;
	decision->event_count = count;
	return TRIB_OK;
}

static trib_status decide_put(struct deciding *deciding, const ProtobufCMessage *message,
			      struct trib_domain_decision *ret_decision)
{
	const struct trib_domain *domain = deciding->domain;
	struct trib_error *error = deciding->error;
	enum trib_noun noun = deciding->noun;
	struct trib_domain_decision decision = { 0 };
	ProtobufCMessage *put;

	TRY(decide_message(deciding, message, &put));
	decision.number = trib_domain_find(domain, noun, trib_text(id_of(noun, message)));
	decision.created = !decision.number;
	if (decision.created && trib_domain_count(domain, noun) == UINT32_MAX - 1)
		return trib_fail(error, TRIB_LIMIT, "id", "found %u of them, expected fewer",
				 UINT32_MAX - 1);
	if (decision.created)
		decision.number = trib_domain_count(domain, noun) + 1;
	else
		decision.version = trib_version_of(domain, noun, decision.number);
	if (decision.created && noun == TRIB_NOUN_PLAN &&
	    !(((Tributary__PlanPut *)put)->note =
		      trib_life_item(trib_text("create"), ((Tributary__PlanPut *)put)->plan->status, NULL,
				     trib_domain_actor(domain), deciding->now_ms, deciding->arena)))
		return no_memory(deciding);
	if (!decision.created && noun != TRIB_NOUN_PLAN &&
	    is_so_already(deciding, put, decision.number, decision.version)) {
		if (deciding->status)
			TRY(make_events(deciding, NULL, &decision));
		*ret_decision = decision;
		return TRIB_OK;
	}
	if (noun == TRIB_NOUN_PLAN && decision.version == TRIB_LIMIT_PLAN_VERSIONS)
		return trib_fail(error, TRIB_LIMIT, "id", "found %u versions of it, expected fewer",
				 decision.version);
	decision.version++;
	TRY(make_events(deciding, put, &decision));
	*ret_decision = decision;
	return TRIB_OK;
}

trib_status trib_domain_decide_put(const struct trib_domain *domain, enum trib_noun noun,
				   const ProtobufCMessage *message, int64_t now_ms,
				   struct trib_arena *arena,
				   struct trib_domain_decision *ret_decision,
				   struct trib_error *error)
{
	struct deciding deciding = {
		.domain = domain, .arena = arena, .error = error, .noun = noun, .now_ms = now_ms
	};

	return decide_put(&deciding, message, ret_decision);
}

trib_status trib_domain_decide_offer(const struct trib_domain *domain, const Tributary__Plan *plan,
				     int64_t now_ms, struct trib_arena *arena,
				     struct trib_domain_decision *ret_decision,
				     struct trib_error *error)
{
	struct deciding deciding = { .domain = domain,
				     .arena = arena,
				     .error = error,
				     .noun = TRIB_NOUN_PLAN,
				     .now_ms = now_ms,
				     .dry = !ret_decision,
				     .offer = true };
	ProtobufCMessage *put;

	return ret_decision ? decide_put(&deciding, &plan->base, ret_decision) :
			      decide_message(&deciding, &plan->base, &put);
}

trib_status trib_decide_plan_version(const struct trib_domain *domain, const Tributary__Plan *plan,
				     uint32_t number, uint32_t version,
				     Tributary__HistoryItem *note, int64_t now_ms,
				     struct trib_arena *arena,
				     struct trib_domain_decision *ret_decision,
				     struct trib_error *error)
{
	struct deciding deciding = { .domain = domain,
				     .arena = arena,
				     .error = error,
				     .noun = TRIB_NOUN_PLAN,
				     .now_ms = now_ms };
	struct trib_domain_decision decision = { .number = number, .version = version };
	ProtobufCMessage *put;

	TRY(decide_plan(&deciding, plan, &put));
	if (version > TRIB_LIMIT_PLAN_VERSIONS)
		return trib_fail(error, TRIB_LIMIT, "id", "found %u versions of it, expected fewer",
				 version - 1);
	((Tributary__PlanPut *)put)->note = note;
	TRY(make_events(&deciding, put, &decision));
	*ret_decision = decision;
	return TRIB_OK;
}

trib_status trib_domain_check_put(const struct trib_domain *domain, enum trib_noun noun,
				  const ProtobufCMessage *message, int64_t now_ms,
				  const struct trib_names *also, struct trib_arena *arena,
				  struct trib_error *error)
{
	struct deciding deciding = { .domain = domain,
				     .arena = arena,
				     .error = error,
				     .also = also,
				     .noun = noun,
				     .dry = true,
				     .now_ms = now_ms };
	ProtobufCMessage *put;

	return decide_message(&deciding, message, &put);
}

/* ---- Closing ------------------------------------------------------------------------------ */

static bool is_closed(const struct trib_domain *domain, enum trib_noun noun, uint32_t number,
		      int64_t now_ms)
{
	if (trib_status_is_timed(domain, noun, number)) {
		uint32_t count; /* a row behind would open it again */
		const struct trib_status_row *rows =
			trib_domain_statuses(domain, noun, number, &count);

		return rows[count - 1].from_ms <= now_ms &&
		       rows[count - 1].status == TRIB_WORD_CLOSED;
	}
	switch (noun) {
	case TRIB_NOUN_PARTY:
		return trib_domain_party(domain, number)->status == TRIB_WORD_CLOSED;
	case TRIB_NOUN_GOODS:
		return trib_domain_goods(domain, number)->status == TRIB_WORD_CLOSED;
	case TRIB_NOUN_PLAN: {
		/* One that will only be closed some day is closed now. */
		const struct trib_plan_version *newest = &trib_domain_plan(domain, number)->newest;

		return newest->status == TRIB_WORD_CLOSED && newest->from_ms <= now_ms;
	}
	case TRIB_NOUN_BLOCK:
		return trib_domain_block(domain, number)->status == TRIB_WORD_CLOSED;
	default:
		return trib_domain_registration(domain, number)->status == TRIB_WORD_CLOSED;
	}
}

/* The entity as it is, but closed; a plan from now on. */
static void close_put(enum trib_noun noun, ProtobufCMessage *put, int64_t now_ms,
		      Tributary__HistoryItem *note)
{
	switch (noun) {
	case TRIB_NOUN_PARTY:
		((Tributary__PartyPut *)put)->party->status = "closed";
		break;
	case TRIB_NOUN_GOODS:
		((Tributary__GoodsPut *)put)->goods->status = "closed";
		break;
	case TRIB_NOUN_PLAN: {
		Tributary__Plan *plan = ((Tributary__PlanPut *)put)->plan;

		((Tributary__PlanPut *)put)->has_at = true;
		((Tributary__PlanPut *)put)->at = now_ms;
		((Tributary__PlanPut *)put)->note = note;
		plan->status = "closed";
		plan->has_effective_from = true;
		plan->effective_from = now_ms;
		if (plan->has_effective_to && plan->effective_to <= now_ms)
			plan->has_effective_to = false;
		break;
	}
	case TRIB_NOUN_BLOCK:
		((Tributary__BlockPut *)put)->block->status = "closed";
		break;
	default:
		((Tributary__RegistrationPut *)put)->registration->status = "closed";
	}
}

trib_status trib_domain_decide_close(const struct trib_domain *domain, enum trib_noun noun,
				     struct trib_bytes id, int64_t now_ms, struct trib_arena *arena,
				     struct trib_domain_decision *ret_decision,
				     struct trib_error *error)
{
	struct deciding deciding = {
		.domain = domain, .arena = arena, .error = error, .noun = noun, .now_ms = now_ms
	};
	struct trib_domain_decision decision = { .number = trib_domain_find(domain, noun, id) };

	if (trib_noun_is_cold(noun))
		return trib_cold_decide_close(domain, noun, id, now_ms, arena, ret_decision, error);
	if (!decision.number)
		return trib_fail(error, TRIB_NOT_FOUND, "id",
				 "found \"" TRIB_BYTES_FMT "\", expected the id of a known %s",
				 (int)TRIB_MIN(id.size, (size_t)64), id.data, trib_noun_word(noun));
	if (noun == TRIB_NOUN_PLAN)
		TRY(check_offer(error, domain, id));
	decision.version = trib_version_of(domain, noun, decision.number);
	if (is_closed(domain, noun, decision.number, now_ms)) {
		*ret_decision = decision;
		return TRIB_OK;
	}
	if (trib_status_is_timed(domain, noun, decision.number)) {
		deciding.status = "closed";
		deciding.status_from_ms = now_ms;
		TRY(make_events(&deciding, NULL, &decision));
	} else {
		const struct trib_record *record =
			*trib_domain_record_slot(domain, noun, decision.number);
		ProtobufCMessage *put = trib_domain_unpack(trib_put_descriptor(noun),
							   trib_record_bytes(record), arena);

		if (!put)
			return no_memory(&deciding);
		close_put(noun, put, now_ms,
			  trib_life_item(trib_text("delete"), "closed", NULL, trib_domain_actor(domain),
					 now_ms, arena));
		decision.version++;
		TRY(make_events(&deciding, put, &decision));
	}
	*ret_decision = decision;
	return TRIB_OK;
}

bool trib_domain_decide_name(const struct trib_domain *domain, const char *word,
			     struct trib_arena *arena, Tributary__Event *ret_event)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

	if (!fill_name(&event, trib_names_count(domain->symbols) + 1, word, arena))
		return false;
	*ret_event = event;
	return true;
}
