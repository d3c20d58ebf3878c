/*
 * The stupid twin of terms: it keeps every version of every plan in a list and looks at all of
 * them, as terms.h tells it. Random timelines, then random questions; and the same world once more
 * by replay, and from a store.
 */
#include "world.h"

enum { PARTIES = 12, GOODS = 4, PLANS_MAX = 48, VERSIONS = 12, TIMES = 30, REGISTRATIONS = 3 };

struct twin_version {
	int64_t from_ms, to_ms;
	uint8_t kind, status;
	uint32_t goods;	   /* bit per number */
	uint32_t creators; /* bit per number; 0: not limited */
	int64_t level;	   /* creators_when, 0: none */
	int32_t commission_bps, service_bps;
	uint32_t leader;
	int64_t grace_ms;
};

/* The table of statuses of one entity: what was set to begin at each time, 0: nothing. */
struct twin_statuses {
	uint8_t from[TIMES + 4];
	bool any;
};

struct twin {
	uint32_t plans; /* how many there will be: many make the goods crowded */
	struct twin_statuses statuses[3][PLANS_MAX + 1]; /* by noun, number */
	uint8_t order[REGISTRATIONS + 1][5];	       /* kinds, the best first */
	const char *ties[REGISTRATIONS + 1][4];
	struct twin_version versions[PLANS_MAX + 1][VERSIONS + 1];
	uint32_t version_count[PLANS_MAX + 1];
	uint8_t party_status[PARTIES + 1];
	int64_t party_level[PARTIES + 1];
	uint8_t goods_status[GOODS + 1];
	uint32_t goods_merchant[GOODS + 1];
};

/* ---- Statuses ------------------------------------------------------------------------------ */

static void twin_set_status(struct twin *twin, enum trib_noun noun, uint32_t number, int64_t from_ms,
			    uint8_t status)
{
	struct twin_statuses *table = &twin->statuses[noun][number];

	table->any = true;
	table->from[from_ms] = status;
	for (int64_t t = from_ms + 1; status == TRIB_WORD_CLOSED && t < TIMES + 4; t++)
		table->from[t] = 0;
}

static uint8_t twin_status(const struct twin *twin, enum trib_noun noun, uint32_t number,
			   int64_t at_ms, uint8_t otherwise)
{
	for (int64_t t = at_ms; t >= 0; t--)
		if (twin->statuses[noun][number].from[t])
			return twin->statuses[noun][number].from[t];
	return otherwise;
}

/* A PUT states a status: with a table it is a row, unless it says what is so already. */
static void twin_state_status(struct twin *twin, enum trib_noun noun, uint32_t number,
			      int64_t from_ms, uint8_t stated, uint8_t *base)
{
	uint8_t otherwise = noun == TRIB_NOUN_PLAN ? stated : *base;

	if (!twin->statuses[noun][number].any)
		*base = stated;
	else if (twin_status(twin, noun, number, from_ms, otherwise) != stated)
		twin_set_status(twin, noun, number, from_ms, stated);
}

/* ---- The twin's terms ---------------------------------------------------------------------- */

static uint32_t twin_in_force(const struct twin *twin, uint32_t plan, int64_t at_ms)
{
	for (uint32_t version = twin->version_count[plan]; version > 0; version--)
		if (twin->versions[plan][version].from_ms <= at_ms)
			return version;
	return 0;
}

/* The version that is in force at the first moment that has one. */
static uint32_t twin_first(const struct twin *twin, uint32_t plan)
{
	int64_t first = INT64_MAX;

	for (uint32_t version = 1; version <= twin->version_count[plan]; version++)
		first = TRIB_MIN(first, twin->versions[plan][version].from_ms);
	return twin_in_force(twin, plan, first);
}

static bool twin_speaks(const struct twin *twin, const struct twin_version *version,
			uint32_t creator)
{
	if (version->creators)
		return version->creators >> creator & 1;
	return !version->level || twin->party_level[creator] >= version->level;
}

static enum trib_outcome twin_state(const struct twin *twin, uint32_t plan,
				    const struct trib_terms_request *request, uint32_t *ret_version)
{
	uint32_t number = twin_in_force(twin, plan, request->at_ms);
	const struct twin_version *version =
		&twin->versions[plan][number ? number : twin_first(twin, plan)];

	*ret_version = number;
	if (twin->version_count[plan] == 0 || !(version->goods >> request->goods & 1) ||
	    !twin_speaks(twin, version, request->creator))
		return TRIB_OUTCOME_NO_PLAN;
	if (!number)
		return TRIB_OUTCOME_PLAN_NOT_STARTED;
	uint8_t status = twin_status(twin, TRIB_NOUN_PLAN, plan, request->at_ms, version->status);

	if (status == TRIB_WORD_ENDED || status == TRIB_WORD_CLOSED ||
	    (version->to_ms && request->at_ms >= version->to_ms))
		return TRIB_OUTCOME_PLAN_ENDED;
	return status == TRIB_WORD_PAUSED ? TRIB_OUTCOME_PLAN_PAUSED : TRIB_OUTCOME_NONE;
}

static uint32_t twin_locked(const struct twin *twin, uint32_t plan,
			    const struct trib_terms_request *request, uint32_t number)
{
	uint32_t locked = twin_in_force(twin, plan, request->lock_ms);

	return locked && twin->versions[plan][locked].goods >> request->goods & 1 ? locked : number;
}

static int twin_rank(const struct twin *twin, uint32_t registration, uint8_t kind, bool chosen)
{
	static const uint8_t usual[] = { TRIB_WORD_EXCLUSIVE, TRIB_WORD_TARGETED, TRIB_WORD_ACTIVITY,
					 TRIB_WORD_MANAGED, TRIB_WORD_GENERAL };
	int rank = 10;

	if (kind == TRIB_WORD_ACTIVITY && !chosen)
		return -1;
	for (int i = 0; i < 5 && twin->order[registration][i]; i++, rank--)
		if (twin->order[registration][i] == kind)
			return rank;
	for (int i = 0; i < 5; i++, rank--)
		if (usual[i] == kind)
			return rank;
	return -2;
}

/* Is a better than b, both of one rank? */
static bool twin_wins_tie(const struct twin *twin, uint32_t registration, uint32_t plan_a,
			  int32_t bps_a, uint32_t plan_b, int32_t bps_b)
{
	static const char *const usual[4] = { "higher_commission", "newer" };
	const char *const *ties = twin->ties[registration][0] ? twin->ties[registration] : usual;

	for (int i = 0; i < 4 && ties[i]; i++) {
		if (!strcmp(ties[i], "newer"))
			return plan_a > plan_b;
		if (!strcmp(ties[i], "older"))
			return plan_a < plan_b;
		if (bps_a != bps_b)
			return (bps_a > bps_b) == !strcmp(ties[i], "higher_commission");
	}
	return plan_a > plan_b;
}

/* An open exclusive plan, for whomever. */
static bool twin_is_exclusive(const struct twin *twin, uint32_t plan,
			      const struct trib_terms_request *request)
{
	uint32_t number = twin_in_force(twin, plan, request->at_ms);
	const struct twin_version *version = &twin->versions[plan][number];

	return number && version->goods >> request->goods & 1 &&
	       version->kind == TRIB_WORD_EXCLUSIVE &&
	       twin_status(twin, TRIB_NOUN_PLAN, plan, request->at_ms, version->status) ==
		       TRIB_WORD_ACTIVE &&
	       (!version->to_ms || request->at_ms < version->to_ms);
}

/* … whose grace is over: it has been of that kind so long. */
static bool twin_bars(const struct twin *twin, uint32_t plan, int64_t at_ms)
{
	int64_t since_ms = at_ms;

	while (since_ms > 0 &&
	       twin->versions[plan][twin_in_force(twin, plan, since_ms - 1)].kind ==
		       TRIB_WORD_EXCLUSIVE)
		since_ms--;
	return at_ms - since_ms >=
	       twin->versions[plan][twin_in_force(twin, plan, at_ms)].grace_ms;
}

static bool twin_barred(const struct twin *twin, uint32_t party, int64_t at_ms)
{
	uint8_t status = twin_status(twin, TRIB_NOUN_PARTY, party, at_ms, twin->party_status[party]);

	return status == TRIB_WORD_FROZEN || status == TRIB_WORD_CLOSED;
}

static struct trib_terms twin_resolve(const struct twin *twin,
				      const struct trib_terms_request *request)
{
	struct trib_terms terms = { .creator = request->creator,
				    .merchant = twin->goods_merchant[request->goods] };
	enum trib_outcome none = TRIB_OUTCOME_NO_PLAN, offer_state = TRIB_OUTCOME_NONE;
	bool exclusive = false, among_them = false;
	uint32_t best = 0, best_locked = 0, number;
	int best_rank = -3;

	for (uint32_t plan = 1; plan <= twin->plans; plan++) {
		enum trib_outcome state = twin_state(twin, plan, request, &number);
		uint32_t locked = twin_locked(twin, plan, request, number);
		const struct twin_version *rates = &twin->versions[plan][locked];

		exclusive |= twin_is_exclusive(twin, plan, request) &&
			     twin_bars(twin, plan, request->at_ms);
		if (state != TRIB_OUTCOME_NONE) {
			if (state != TRIB_OUTCOME_NO_PLAN &&
			    (none == TRIB_OUTCOME_NO_PLAN || state < none))
				none = state;
			continue;
		}
		terms.kind = twin->versions[plan][number].kind;
		int rank = twin_rank(twin, request->registration, terms.kind, plan == request->offer);

		among_them |= terms.kind == TRIB_WORD_EXCLUSIVE;
		if (best && (rank < best_rank ||
			     (rank == best_rank &&
			      !twin_wins_tie(twin, request->registration, plan, rates->commission_bps,
					     best, twin->versions[best][best_locked].commission_bps))))
			continue;
		best = plan;
		best_locked = locked;
		best_rank = rank;
	}
	if (request->offer)
		offer_state = twin_state(twin, request->offer, request, &number);
	terms.offer_outcome = (uint8_t)offer_state;
	terms.kind = 0;
	if (!best && !exclusive)
		terms.outcome = (uint8_t)none;
	else if (twin_status(twin, TRIB_NOUN_GOODS, request->goods, request->at_ms,
			     twin->goods_status[request->goods]) != TRIB_WORD_ACTIVE)
		terms.outcome = TRIB_OUTCOME_GOODS_WITHDRAWN;
	else if (twin_barred(twin, request->creator, request->at_ms) ||
		 twin_barred(twin, terms.merchant, request->at_ms))
		terms.outcome = TRIB_OUTCOME_PARTY_FROZEN;
	else if (exclusive && !among_them)
		terms.outcome = TRIB_OUTCOME_CREATOR_NOT_ALLOWED;
	if (terms.outcome)
		return terms;
	const struct twin_version *winner = &twin->versions[best][best_locked], *leader = winner;

	terms.kind = twin->versions[best][twin_in_force(twin, best, request->at_ms)].kind;
	terms.plan = best;
	terms.plan_version = best_locked;
	terms.commission_bps = winner->commission_bps;
	if (request->offer && offer_state == TRIB_OUTCOME_NONE) {
		terms.offer = request->offer;
		terms.offer_version = twin_locked(twin, request->offer, request, number);
		leader = &twin->versions[terms.offer][terms.offer_version];
	}
	terms.leader = leader->leader;
	terms.service_bps = leader->service_bps;
	return terms;
}

/* ---- Random worlds --------------------------------------------------------------------------- */

static uint8_t one_of(struct trib_rng *rng, const uint8_t *codes, size_t count)
{
	return codes[trib_rng_below(rng, count)];
}

static char *word_of(struct world *world, uint8_t code)
{
	return trib_arena_copy(&world->arena,
			       trib_names_text(trib_domain_symbols(world->domain), code));
}

static void put(struct world *world, enum trib_noun noun, ProtobufCMessage *message)
{
	assert_ok(trib_domain_decide_put(world->domain, noun, message, world->now_ms, &world->arena,
					 &world->decision, &world->error),
		  world->error);
	world_apply(world);
}

static void put_party(struct world *world, struct twin *twin, struct trib_rng *rng, uint32_t number)
{
	static const uint8_t statuses[] = { TRIB_WORD_ACTIVE, TRIB_WORD_ACTIVE,
					    TRIB_WORD_ACTIVE, TRIB_WORD_RESTRICTED,
					    TRIB_WORD_FROZEN, TRIB_WORD_CLOSED };
	Tributary__Party party = TRIBUTARY__PARTY__INIT;
	char id[16], tag[16], agency[16], *tags[1] = { tag };

	snprintf(id, sizeof(id), "c%u", number);
	snprintf(tag, sizeof(tag), "tag%d", (int)trib_rng_below(rng, 20));
	snprintf(agency, sizeof(agency), "c%d", (int)trib_rng_between(rng, 1, PARTIES));
	party.id = id;
	party.tags = tags;
	party.n_tags = trib_rng_below(rng, 2);
	if (trib_domain_find(world->domain, TRIB_NOUN_PARTY, trib_bytes_text(agency)) &&
	    strcmp(agency, id) != 0)
		party.agency = agency;
	party.has_level = true;
	party.level = twin->party_level[number] = trib_rng_between(rng, 0, 3);
	uint8_t status = one_of(rng, statuses, TRIB_ARRAY_SIZE(statuses));

	party.status = word_of(world, status);
	twin_state_status(twin, TRIB_NOUN_PARTY, number, world->now_ms, status,
			  &twin->party_status[number]);
	put(world, TRIB_NOUN_PARTY, &party.base);
}

static void put_goods(struct world *world, struct twin *twin, struct trib_rng *rng, uint32_t number)
{
	static const uint8_t statuses[] = { TRIB_WORD_ACTIVE, TRIB_WORD_ACTIVE, TRIB_WORD_ACTIVE,
					    TRIB_WORD_WITHDRAWN };
	Tributary__Goods goods = TRIBUTARY__GOODS__INIT;
	char id[16], merchant[16];

	twin->goods_merchant[number] = (uint32_t)trib_rng_between(rng, 1, 2);
	uint8_t status = one_of(rng, statuses, TRIB_ARRAY_SIZE(statuses));

	twin_state_status(twin, TRIB_NOUN_GOODS, number, world->now_ms, status,
			  &twin->goods_status[number]);
	snprintf(id, sizeof(id), "g%u", number);
	snprintf(merchant, sizeof(merchant), "c%u", twin->goods_merchant[number]);
	goods.id = id;
	goods.merchant = merchant;
	goods.status = word_of(world, status);
	put(world, TRIB_NOUN_GOODS, &goods.base);
}

/* Ids of the numbers whose bits are set, some of them twice. */
static char **ids_of(struct world *world, uint32_t bits, char letter, size_t *ret_count)
{
	char **ids = trib_arena_alloc(&world->arena, 64 * sizeof(*ids)), text[16];

	*ret_count = 0;
	for (uint32_t i = 31; i > 0; i--)
		for (uint32_t twice = 0; bits >> i & 1 && twice < 1 + i % 2; twice++) {
			snprintf(text, sizeof(text), "%c%u", letter, i);
			ids[(*ret_count)++] = trib_arena_copy(&world->arena, trib_bytes_text(text));
		}
	return ids;
}

static void draw_version(struct twin_version *version, struct trib_rng *rng)
{
	static const uint8_t kinds[] = { TRIB_WORD_GENERAL, TRIB_WORD_TARGETED, TRIB_WORD_EXCLUSIVE,
					 TRIB_WORD_ACTIVITY, TRIB_WORD_MANAGED };
	static const uint8_t statuses[] = { TRIB_WORD_ACTIVE, TRIB_WORD_ACTIVE, TRIB_WORD_ACTIVE,
					    TRIB_WORD_ACTIVE, TRIB_WORD_PAUSED, TRIB_WORD_ENDED,
					    TRIB_WORD_CLOSED };

	*version = (struct twin_version){
		.from_ms = trib_rng_between(rng, 1, TIMES),
		.kind = one_of(rng, kinds, TRIB_ARRAY_SIZE(kinds)),
		.status = one_of(rng, statuses, TRIB_ARRAY_SIZE(statuses)),
		.goods = (uint32_t)trib_rng_below(rng, 1 << (GOODS + 1)) & ~1u,
		.commission_bps = (int32_t)trib_rng_between(rng, 1, 4) * 100,
		.service_bps = (int32_t)trib_rng_between(rng, 0, 3) * 100,
		.leader = (uint32_t)trib_rng_between(rng, 0, PARTIES),
	};
	if (trib_rng_chance(rng, 0.3))
		version->to_ms = trib_rng_between(rng, version->from_ms + 1, TIMES + 2);
	if (trib_rng_chance(rng, 0.3))
		version->level = trib_rng_between(rng, 1, 3);
	else if (trib_rng_chance(rng, 0.4))
		version->creators = (uint32_t)trib_rng_below(rng, 1 << (PARTIES + 1)) & ~1u;
	if (version->kind == TRIB_WORD_EXCLUSIVE && trib_rng_chance(rng, 0.4))
		version->grace_ms = trib_rng_between(rng, 1, 8);
	if ((version->kind == TRIB_WORD_TARGETED || version->kind == TRIB_WORD_EXCLUSIVE) &&
	    !version->level && !version->creators)
		version->creators = 1u << trib_rng_between(rng, 1, PARTIES);
}

static void put_plan(struct world *world, struct twin *twin, struct trib_rng *rng, uint32_t number)
{
	Tributary__Plan plan = TRIBUTARY__PLAN__INIT;
	Tributary__Terms terms = TRIBUTARY__TERMS__INIT;
	char id[16], when[16], leader[16], grace[16];
	struct twin_version *version;
	uint8_t ignored;

	if (twin->version_count[number] == VERSIONS)
		return;
	version = &twin->versions[number][++twin->version_count[number]];
	draw_version(version, rng);
	snprintf(id, sizeof(id), "p%u", number);
	snprintf(when, sizeof(when), "level >= %d", (int)version->level);
	snprintf(leader, sizeof(leader), "c%u", version->leader);
	plan.id = id;
	plan.merchant = "c1";
	plan.goods = ids_of(world, version->goods, 'g', &plan.n_goods);
	plan.creators = ids_of(world, version->creators, 'c', &plan.n_creators);
	plan.creators_when = version->level ? when : NULL;
	plan.kind = word_of(world, version->kind);
	plan.status = word_of(world, version->status);
	twin_state_status(twin, TRIB_NOUN_PLAN, number, version->from_ms, version->status, &ignored);
	snprintf(grace, sizeof(grace), "%dms", (int)version->grace_ms);
	plan.grace = version->grace_ms ? grace : NULL;
	plan.has_effective_from = plan.has_effective_to = true;
	plan.effective_from = version->from_ms;
	plan.effective_to = version->to_ms;
	plan.terms = &terms;
	terms.has_commission_bps = terms.has_service_bps = true;
	terms.commission_bps = version->commission_bps;
	terms.service_bps = version->service_bps;
	terms.leader = version->leader ? leader : NULL;
	put(world, TRIB_NOUN_PLAN, &plan.base);
}

static void close_plan(struct world *world, struct twin *twin, struct trib_rng *rng,
		       uint32_t number)
{
	char id[16];
	uint32_t count = twin->version_count[number];

	if (count == VERSIONS)
		return;
	snprintf(id, sizeof(id), "p%u", number);
	assert_ok(world_close(world, TRIB_NOUN_PLAN, id), world->error);
	if (world->decision.event_count == 0)
		return;
	if (twin->statuses[TRIB_NOUN_PLAN][number].any) {
		twin_set_status(twin, TRIB_NOUN_PLAN, number, world->now_ms, TRIB_WORD_CLOSED);
		return;
	}
	struct twin_version *closed = &twin->versions[number][count + 1];

	*closed = twin->versions[number][count];
	closed->from_ms = world->now_ms;
	closed->status = TRIB_WORD_CLOSED;
	if (closed->to_ms <= world->now_ms)
		closed->to_ms = 0;
	twin->version_count[number]++;
}

/* Through the door of statuses. */
static void set_status(struct world *world, struct twin *twin, struct trib_rng *rng)
{
	static const uint8_t statuses[3][3] = {
		{ TRIB_WORD_ACTIVE, TRIB_WORD_FROZEN, TRIB_WORD_RESTRICTED },
		{ TRIB_WORD_ACTIVE, TRIB_WORD_WITHDRAWN, TRIB_WORD_CLOSED },
		{ TRIB_WORD_ACTIVE, TRIB_WORD_PAUSED, TRIB_WORD_ENDED },
	};
	static const char letters[] = "cgp";
	enum trib_noun noun = (enum trib_noun)trib_rng_below(rng, 3);
	uint32_t number =
		(uint32_t)trib_rng_between(rng, 1, trib_domain_count(world->domain, noun));
	uint8_t status = statuses[noun][trib_rng_below(rng, trib_rng_chance(rng, 0.3) ? 3 : 2)];
	Tributary__StatusRequest request = TRIBUTARY__STATUS_REQUEST__INIT;
	char id[16];

	snprintf(id, sizeof(id), "%c%u", letters[noun], number);
	request.status = word_of(world, status);
	request.has_from = trib_rng_chance(rng, 0.8);
	request.from = trib_rng_between(rng, 0, TIMES + 2);
	request.reason = trib_rng_chance(rng, 0.5) ? "because" : NULL;
	assert_ok(trib_domain_decide_status(world->domain, noun, trib_bytes_text(id), &request,
					    world->now_ms, &world->arena, &world->decision,
					    &world->error),
		  world->error);
	world_apply(world);
	twin_set_status(twin, noun, number, request.has_from ? request.from : world->now_ms, status);
}

static void put_registration(struct world *world, struct twin *twin, struct trib_rng *rng,
			     uint32_t number)
{
	static const uint8_t kinds[] = { TRIB_WORD_GENERAL, TRIB_WORD_TARGETED, TRIB_WORD_EXCLUSIVE,
					 TRIB_WORD_ACTIVITY, TRIB_WORD_MANAGED };
	static const char *const all[] = { "higher_commission", "lower_commission", "newer", "older" };
	Tributary__Registration registration = TRIBUTARY__REGISTRATION__INIT;
	char id[16], *precedence[5], *ties[2];

	memset(twin->order[number], 0, sizeof(twin->order[number]));
	memset(twin->ties[number], 0, sizeof(twin->ties[number]));
	for (uint64_t i = 0, n = trib_rng_below(rng, 6); i < n; i++) {
		uint8_t kind = one_of(rng, kinds, 5);

		if (memchr(twin->order[number], kind, 5))
			continue;
		twin->order[number][registration.n_precedence] = kind;
		precedence[registration.n_precedence++] = word_of(world, kind);
	}
	for (uint64_t i = 0, n = trib_rng_below(rng, 3); i < n; i++) {
		const char *tie = all[trib_rng_below(rng, 4)];

		if (i == 1 && tie == twin->ties[number][0])
			continue;
		twin->ties[number][registration.n_ties] = tie;
		ties[registration.n_ties++] = (char *)tie;
	}
	snprintf(id, sizeof(id), "r%u", number);
	registration.id = id;
	registration.channel = "app";
	registration.precedence = precedence;
	registration.ties = ties;
	put(world, TRIB_NOUN_REGISTRATION, &registration.base);
}

static void change(struct world *world, struct twin *twin, struct trib_rng *rng)
{
	trib_arena_reset(&world->arena);
	world->now_ms = trib_rng_between(rng, 1, TIMES);
	if (trib_rng_chance(rng, 0.1))
		put_party(world, twin, rng, (uint32_t)trib_rng_between(rng, 1, PARTIES));
	else if (trib_rng_chance(rng, 0.1))
		put_goods(world, twin, rng, (uint32_t)trib_rng_between(rng, 1, GOODS));
	else if (trib_rng_chance(rng, 0.05))
		put_registration(world, twin, rng, (uint32_t)trib_rng_between(rng, 1, REGISTRATIONS));
	else if (trib_domain_count(world->domain, TRIB_NOUN_PLAN) == twin->plans &&
		 trib_rng_chance(rng, 0.15))
		close_plan(world, twin, rng, (uint32_t)trib_rng_between(rng, 1, twin->plans));
	else if (trib_domain_count(world->domain, TRIB_NOUN_PLAN) && trib_rng_chance(rng, 0.15))
		set_status(world, twin, rng);
	else /* numbers are given in order */
		put_plan(world, twin, rng,
			 (uint32_t)trib_rng_between(
				 rng, 1,
				 TRIB_MIN(trib_domain_count(world->domain, TRIB_NOUN_PLAN) + 1,
					  twin->plans)));
}

static struct trib_terms_request draw_request(const struct twin *twin, struct trib_rng *rng)
{
	struct trib_terms_request request = {
		.goods = (uint32_t)trib_rng_between(rng, 1, GOODS),
		.creator = (uint32_t)trib_rng_between(rng, 1, PARTIES),
		.offer = trib_rng_chance(rng, 0.5) ? (uint32_t)trib_rng_between(rng, 1, twin->plans) : 0,
		.registration = (uint32_t)trib_rng_between(rng, 0, REGISTRATIONS),
		.at_ms = trib_rng_between(rng, 0, TIMES + 2),
	};

	request.lock_ms =
		trib_rng_chance(rng, 0.5) ? request.at_ms : trib_rng_between(rng, 0, TIMES + 2);
	return request;
}

static void compare(const struct trib_domain *domain, const struct twin *twin,
		    const struct trib_terms_request *request)
{
	struct trib_terms terms, expected = twin_resolve(twin, request);

	trib_terms_resolve(domain, request, &terms);
	terms.agency = 0; /* the twin knows no agencies */
	if (memcmp(&terms, &expected, sizeof(terms)) != 0)
		fail_msg("goods %u creator %u offer %u at %d lock %d: found %s plan %u@%u offer %s "
			 "%u@%u "
			 "leader %u %d bps, expected %s plan %u@%u offer %s %u@%u leader %u %d bps",
			 request->goods, request->creator, request->offer, (int)request->at_ms,
			 (int)request->lock_ms, trib_outcome_word(terms.outcome), terms.plan,
			 terms.plan_version, trib_outcome_word(terms.offer_outcome), terms.offer,
			 terms.offer_version, terms.leader, terms.commission_bps,
			 trib_outcome_word(expected.outcome), expected.plan, expected.plan_version,
			 trib_outcome_word(expected.offer_outcome), expected.offer,
			 expected.offer_version, expected.leader, expected.commission_bps);
}

/*
 * ---- A store
 * ------------------------------------------------------------------------------------
 */

struct row {
	uint8_t table, key_size;
	char key[8];
	char *value;
	size_t size;
};

struct rows {
	struct row rows[1024];
	size_t count;
};

static int by_key(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	if (left->table != right->table)
		return left->table - right->table;
	return memcmp(left->key, right->key, TRIB_MIN(left->key_size, right->key_size));
}

/* As a checkpoint does: keys ascend, equal ones replace. */
static void checkpoint(struct trib_domain *domain, struct rows *store)
{
	struct trib_domain_freeze *freeze = trib_domain_freeze(domain);
	size_t count;
	const struct trib_domain_row *rows = trib_domain_freeze_rows(freeze, &count);

	for (size_t i = 0; i < count; i++) {
		struct row row = { rows[i].table, rows[i].key_size, { 0 }, NULL, 0 }, *there, last;

		memcpy(row.key, rows[i].key, row.key_size);
		memcpy(last.key, i ? rows[i - 1].key : row.key, sizeof(last.key));
		last.table = i ? rows[i - 1].table : 0;
		last.key_size = row.key_size;
		assert_true(i == 0 || by_key(&last, &row) < 0);
		there = bsearch(&row, store->rows, store->count, sizeof(row), by_key);
		if (!there) {
			assert_true(store->count < TRIB_ARRAY_SIZE(store->rows));
			store->rows[store->count++] = row;
			qsort(store->rows, store->count, sizeof(row), by_key);
			there = bsearch(&row, store->rows, store->count, sizeof(row), by_key);
		}
		free(there->value);
		there->value = trib_alloc(rows[i].value.size);
		there->size = rows[i].value.size;
		memcpy(there->value, rows[i].value.data, there->size);
	}
	trib_domain_freeze_free(freeze);
}

static struct trib_domain *load(const struct rows *store)
{
	struct trib_domain *domain = trib_domain_new(&world_key);
	struct trib_error error;

	for (size_t i = 0; i < store->count; i++)
		assert_ok(trib_domain_load(domain, store->rows[i].table,
					   trib_bytes(store->rows[i].key, store->rows[i].key_size),
					   trib_bytes(store->rows[i].value, store->rows[i].size),
					   &error),
			  error);
	assert_ok(trib_domain_load_done(domain, &error), error);
	return domain;
}

static void same_again(struct world *world, const struct twin *twin, struct trib_domain *domain,
		       struct trib_rng *rng)
{
	struct world other = { .domain = domain };
	const char *reason = "";

	if (!trib_domain_check(domain, &reason))
		fail_msg("%s", reason);
	assert_true(trib_domain_digest(domain) == trib_domain_digest(world->domain));
	world_hook(&other);
	for (int i = 0; i < 200; i++) {
		struct trib_terms_request request = draw_request(twin, rng);

		compare(domain, twin, &request);
	}
	for (uint32_t i = 1; i <= PARTIES; i++)
		assert_int_equal(trib_domain_party(domain, i)->agency,
				 trib_domain_party(world->domain, i)->agency);
	/* What came from the store is not written again. */
	struct trib_domain_freeze *freeze = trib_domain_freeze(domain);

	trib_domain_freeze_free(freeze);
	trib_domain_free(domain);
}

static uint32_t crowded_goods; /* of all worlds: that they were met at all */

static void one_world(struct trib_rng *rng, uint32_t plans, int changes)
{
	struct rows store = { .count = 0 };
	struct twin twin = { .plans = plans };
	struct world world;

	world_init(&world);
	world.now_ms = 1;
	for (uint32_t i = 1; i <= PARTIES; i++)
		put_party(&world, &twin, rng, i);
	for (uint32_t i = 1; i <= GOODS; i++)
		put_goods(&world, &twin, rng, i);
	for (uint32_t i = 1; i <= REGISTRATIONS; i++)
		put_registration(&world, &twin, rng, i);
	for (int i = 0; i < changes; i++) {
		change(&world, &twin, rng);
		for (int j = 0; j < 40; j++) {
			struct trib_terms_request request = draw_request(&twin, rng);

			compare(world.domain, &twin, &request);
		}
		if (trib_rng_chance(rng, 0.1))
			checkpoint(world.domain, &store);
	}
	for (uint32_t i = 1; i <= GOODS; i++)
		crowded_goods += trib_domain_goods(world.domain, i)->audience != 0;
	checkpoint(world.domain, &store);
	same_again(&world, &twin, world_replay(&world), rng);
	same_again(&world, &twin, load(&store), rng);
	for (size_t i = 0; i < store.count; i++)
		free(store.rows[i].value);
	world_fini(&world);
}

static void random_timelines_agree_with_brute_force(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 300; i++)
		one_world(&rng, 10, 60);
}

/* So many plans on each goods that they are found by creator. */
static void crowded_goods_agree_with_brute_force(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 40; i++)
		one_world(&rng, PLANS_MAX, 300);
	assert_true(crowded_goods > 0);
}

static void rows_of_another_store_are_refused(void **state)
{
	struct trib_domain *domain = trib_domain_new(&world_key);
	struct trib_error error;
	char key[8];
	size_t size = trib_key_u32(key, 2);

	assert_int_equal(trib_domain_load(domain, TRIB_TABLE_PARTY, trib_bytes(key, size),
					  trib_bytes_text("\xff\xff"), &error),
			 TRIB_CORRUPT);
	assert_int_equal(trib_domain_load(domain, TRIB_TABLE_PARTY, trib_bytes(key, 3),
					  trib_bytes_text(""), &error),
			 TRIB_CORRUPT);
	assert_int_equal(trib_domain_load(domain, TRIB_TABLE_GOODS, trib_bytes(key, size),
					  trib_bytes("\x08\x01\x10\x01", 4), &error),
			 TRIB_CORRUPT);
	assert_int_equal(trib_domain_load(domain, TRIB_TABLE_NAME, trib_bytes(key, size),
					  trib_bytes_text("x"), &error),
			 TRIB_CORRUPT);
	assert_int_equal(trib_domain_load(domain, TRIB_TABLE_ORDER, trib_bytes(key, size),
					  trib_bytes_text("x"), &error),
			 TRIB_CORRUPT);
	trib_domain_free(domain);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(
						    random_timelines_agree_with_brute_force),
					    cmocka_unit_test(crowded_goods_agree_with_brute_force),
					    cmocka_unit_test(rows_of_another_store_are_refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
