/*
 * How fast an order is resolved, with nothing around it: parse and verify the token, look up the terms, walk a rule
 * tree of 30 nodes, choose the winner, split the money into 4 shares. One thread. Tokens are distinct; their plans
 * and creators are drawn by Zipf 0.99, from half a million plans of two versions each and a million creators, so that
 * memory is as cold as it is in a large market.
 *
 *	bench-resolve [ORDERS [ROUNDS]]
 *
 * Prints orders per CPU-second in batches and one by one, then where the time of a batch goes. Not in it: the names of
 * goods (orders carry the number here), users, the ledger, the journal; bench-pulse measures all of it.
 */
#include "attribution/attribution.h"
#include "base/rng.h"
#include "commission/commission.h"
#include "domain/domain.h"
#include "rules/rules.h"
#include "track/track.h"

#include <unistd.h>

enum {
	MERCHANTS = 10000,
	LEADERS = 1000,
	CREATORS = 1000000,
	PLANS = 500000, /* of two versions each, and as many goods */
	BATCH = 256,
	DAY_MS = 86400000,
};

static const int64_t t0_ms = 1790000000000; /* the first versions come into force */
static const char *const channels[] = { "live", "video", "shelf", "search", "share" };
static const char *const categories[] = { "beauty",  "apparel",	  "snack",
					  "digital", "household", "fresh" };
static const char *const pages[] = { "live_cart", "product", "cart", "checkout" };
static const char *const kinds[] = { "live", "video", "shelf", "card" };

struct order {
	struct trib_bytes token;
	int64_t base, at_ms;
	uint32_t goods, qty;
	uint32_t carrier_kind, page; /* codes */
};

struct bench {
	struct trib_domain *domain;
	struct trib_keys *keys;
	struct trib_spaces spaces;
	struct trib_tree *tree;
	struct trib_arena arena, scratch;
	struct trib_rng rng;
	uint32_t platform;
	size_t count, rounds;
	struct order *orders;
	char *texts;
};

static void must(trib_status status, const struct trib_error *error)
{
	if (status == TRIB_OK)
		return;
	fprintf(stderr, "%s: %s\n", error->at, error->text);
	exit(1);
}

/* --- The market --------------------------------------------------------------------------------------- */

static uint32_t put(struct bench *bench, enum trib_noun noun, const ProtobufCMessage *message)
{
	struct trib_domain_decision decision;
	struct trib_error error;

	must(trib_domain_decide_put(bench->domain, noun, message, t0_ms - DAY_MS, &bench->arena,
				    &decision, &error),
	     &error);
	for (uint32_t i = 0; i < decision.event_count; i++)
		must(trib_domain_apply(bench->domain, &decision.events[i], &error), &error);
	trib_arena_reset(&bench->arena);
	return decision.number;
}

static uint32_t code(struct bench *bench, const char *word)
{
	Tributary__Event event;
	struct trib_error error;
	uint32_t known = trib_domain_find_code(bench->domain, trib_bytes_text(word));

	if (known)
		return known;
	trib_assert(trib_domain_decide_name(bench->domain, word, &bench->arena, &event));
	must(trib_domain_apply(bench->domain, &event, &error), &error);
	trib_arena_reset(&bench->arena);
	return trib_domain_find_code(bench->domain, trib_bytes_text(word));
}

static uint32_t put_party(struct bench *bench, const char *prefix, int i, char *role)
{
	static char *tags[] = { "gold", "new", "food", "style", "home" };
	Tributary__Party party = TRIBUTARY__PARTY__INIT;
	char id[32], *some[2];

	snprintf(id, sizeof(id), "%s%d", prefix, i);
	party.id = id;
	party.roles = &role;
	party.n_roles = 1;
	party.has_level = party.has_score = true;
	party.level = trib_rng_between(&bench->rng, 0, 9);
	party.score = (double)trib_rng_between(&bench->rng, 0, 1000) / 10;
	some[0] = tags[i % 5];
	some[1] = tags[(i / 5 + 1 + i) % 5];
	party.tags = some;
	party.n_tags = some[0] == some[1] ? 1 : 2;
	return put(bench, TRIB_NOUN_PARTY, &party.base);
}

static void put_goods_and_plan(struct bench *bench, int i)
{
	Tributary__Goods goods = TRIBUTARY__GOODS__INIT;
	Tributary__Plan plan = TRIBUTARY__PLAN__INIT;
	Tributary__Terms terms = TRIBUTARY__TERMS__INIT;
	char id[32], merchant[32], leader[32], plan_id[32], *goods_id = id;

	snprintf(id, sizeof(id), "g%d", i);
	snprintf(merchant, sizeof(merchant), "m%d", (int)trib_rng_below(&bench->rng, MERCHANTS));
	goods.id = id;
	goods.merchant = merchant;
	goods.category =
		(char *)categories[trib_rng_below(&bench->rng, TRIB_ARRAY_SIZE(categories))];
	goods.has_price = true;
	goods.price = trib_rng_between(&bench->rng, 500, 50000);
	put(bench, TRIB_NOUN_GOODS, &goods.base);

	snprintf(plan_id, sizeof(plan_id), "p%d", i);
	snprintf(leader, sizeof(leader), "l%d", (int)trib_rng_below(&bench->rng, LEADERS));
	plan.id = plan_id;
	plan.goods = &goods_id;
	plan.n_goods = 1;
	plan.merchant = merchant;
	plan.terms = &terms;
	terms.has_commission_bps = terms.has_service_bps = terms.has_agency_bps = true;
	terms.agency_bps = 500;
	if (trib_rng_chance(&bench->rng, 0.3)) {
		plan.kind = "activity";
		terms.leader = leader;
		terms.service_bps = (int32_t)trib_rng_between(&bench->rng, 100, 500);
	}
	plan.has_effective_from = true;
	/* Every plan has changed; one in twenty while the orders come in, so that some want the old version. */
	for (int version = 0; version < 2; version++) {
		plan.effective_from = t0_ms + version * DAY_MS;
		if (version && trib_rng_chance(&bench->rng, 0.05))
			plan.effective_from =
				t0_ms + trib_rng_between(&bench->rng, DAY_MS, 19 * DAY_MS);
		terms.commission_bps = (int32_t)trib_rng_between(&bench->rng, 500, 3000);
		put(bench, TRIB_NOUN_PLAN, &plan.base);
	}
}

static void make_market(struct bench *bench)
{
	Tributary__Registration registration = TRIBUTARY__REGISTRATION__INIT;
	char id[16];

	bench->platform = put_party(bench, "platform", 0, "platform");
	for (int i = 0; i < MERCHANTS; i++)
		put_party(bench, "m", i, "merchant");
	for (int i = 0; i < LEADERS; i++)
		put_party(bench, "l", i, "leader");
	for (int i = 0; i < CREATORS; i++)
		put_party(bench, "c", i, "creator");
	for (int i = 0; i < PLANS; i++)
		put_goods_and_plan(bench, i);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(channels); i++) {
		snprintf(id, sizeof(id), "r%zu", i);
		registration.id = id;
		registration.channel = (char *)channels[i];
		put(bench, TRIB_NOUN_REGISTRATION, &registration.base);
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(pages); i++)
		code(bench, pages[i]);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(kinds); i++)
		code(bench, kinds[i]);
}

/* --- The tree ----------------------------------------------------------------------------------------- */

static enum trib_noun noun_of(enum trib_space space)
{
	return space == TRIB_SPACE_GOODS   ? TRIB_NOUN_GOODS
	       : space == TRIB_SPACE_PARTY ? TRIB_NOUN_PARTY
					   : TRIB_NOUN_PLAN;
}

static uint32_t space_find(void *context, enum trib_space space, struct trib_bytes text)
{
	const struct trib_domain *domain = context;

	return space == TRIB_SPACE_SYMBOL ? trib_domain_find_code(domain, text)
					  : trib_domain_find(domain, noun_of(space), text);
}

static struct trib_bytes space_text(void *context, enum trib_space space, uint32_t number)
{
	const struct trib_domain *domain = context;

	return space == TRIB_SPACE_SYMBOL ? trib_names_text(trib_domain_symbols(domain), number)
					  : trib_domain_id(domain, noun_of(space), number);
}

/* The root, a node a channel, and 24 leaves below them: 30. */
static void make_tree(struct bench *bench)
{
	static const char *const leaves[] = {
		"goods.category in ['beauty', 'apparel'] && order.base > 20000",
		"creator.level >= 7 && 'gold' in creator.tags",
		"terms.kind == 'activity' && touch.age < duration('1h')",
		"order.page == 'live_cart' && order.carrier == touch.carrier",
		"goods.price >= 30000 || order.qty > 3",
	};
	static const char shares[] = "[{\"name\":\"commission\",\"to\":\"creator\",\"from\":"
				     "\"merchant\",\"bps\":\"terms.commission_bps\"},"
				     "{\"name\":\"service\",\"to\":\"leader\",\"from\":"
				     "\"merchant\",\"bps\":\"terms.service_bps\"},"
				     "{\"name\":\"technical\",\"to\":\"platform\",\"from\":"
				     "\"creator\",\"of\":\"commission\",\"bps\":1000},"
				     "{\"name\":\"subsidy\",\"to\":\"creator\",\"from\":"
				     "\"platform\",\"of\":\"commission\",\"bps\":%d,\"cap\":500}]";
	struct trib_tree_options options = {
		.spaces = &bench->spaces, .name = "default", .number = 1, .version = 1
	};
	static const struct trib_hash_key key = { { 5 } };
	struct trib_buffer json;
	struct trib_error error;

	options.key = &key;
	trib_buffer_init(&json, 1 << 20);
	trib_buffer_add_text(&json,
			     "{\"root\":{\"id\":\"root\",\"model\":\"last\",\"window\":\"30d\","
			     "\"match\":\"goods\",\"shares\":");
	trib_buffer_add_format(&json, shares, 100);
	trib_buffer_add_text(&json, ",\"children\":[");
	for (size_t c = 0; c < TRIB_ARRAY_SIZE(channels); c++) {
		size_t n = c < 4 ? 5 : 4;

		trib_buffer_add_format(
			&json, "%s{\"id\":\"%s\",\"when\":\"touch.channel == '%s'\",\"children\":[",
			c ? "," : "", channels[c], channels[c]);
		for (size_t i = 0; i < n; i++) {
			trib_buffer_add_format(
				&json,
				"%s{\"id\":\"%s-%zu\",\"priority\":%zu,\"when\":\"%s\",\"shares\":",
				i ? "," : "", channels[c], i, n - i, leaves[i]);
			trib_buffer_add_format(&json, shares, (int)(100 + 10 * i));
			trib_buffer_add_text(&json, "}");
		}
		trib_buffer_add_text(&json, "]}");
	}
	trib_buffer_add_text(&json, "]}}");
	must(trib_tree_new(&options, trib_buffer_bytes(&json), &bench->tree, &error), &error);
	trib_buffer_fini(&json);
	for (uint32_t i = 0; i < trib_tree_symbols(bench->tree); i++) {
		char *word = trib_arena_copy(&bench->scratch, trib_tree_symbol(bench->tree, i));

		code(bench, word);
		trib_arena_reset(&bench->scratch);
	}
	trib_tree_resolve(bench->tree, &bench->spaces);
	trib_assert(trib_tree_nodes(bench->tree) == 30);
	trib_assert(trib_tree_waiting(bench->tree) == 0);
}

/* --- Orders ------------------------------------------------------------------------------------------- */

static void make_keys(struct bench *bench)
{
	static const char *const names[] = { "/keys/token.keys", "/keys/hash.keys", "/keys", "" };
	char path[64] = "/tmp/tributary-bench-XXXXXX", file[96];
	struct trib_error error;

	trib_assert(mkdtemp(path));
	must(trib_keys_open(path, TRIB_KEYS_CREATE, trib_clock_system(), &bench->keys, &error),
	     &error);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++) {
		snprintf(file, sizeof(file), "%s%s", path, names[i]);
		remove(file);
	}
}

static void make_orders(struct bench *bench)
{
	struct trib_rng *rng = &bench->rng;
	uint32_t first_creator = 1 + 1 + MERCHANTS + LEADERS;
	struct trib_zipf plans, creators;
	struct trib_error error;
	char *to;

	bench->orders = trib_alloc(bench->count * sizeof(*bench->orders));
	bench->texts = to = trib_alloc(bench->count * TRIB_LIMIT_TOKEN_CHARS);
	trib_zipf_init(&plans, PLANS, 0.99);
	trib_zipf_init(&creators, CREATORS, 0.99);
	for (size_t i = 0; i < bench->count; i++) {
		struct order *order = &bench->orders[i];
		/* Hot ones are not neighbours. */
		uint32_t plan = (uint32_t)(trib_zipf_draw(&plans, rng) * 7919 % PLANS) + 1;
		uint32_t creator = (uint32_t)(trib_zipf_draw(&creators, rng) * 7919 % CREATORS);
		size_t channel = trib_rng_below(rng, TRIB_ARRAY_SIZE(channels)), size;
		struct trib_token token = {
			.link = i + 1,
			.issued_at_ms = t0_ms + trib_rng_between(rng, DAY_MS, 19 * DAY_MS),
			.registration = (uint32_t)channel + 1,
			.plan = plan,
			.plan_version = 1,
			.goods = plan,
			.creator = first_creator + creator,
			.channel = code(bench, channels[channel]),
			.goods_engine = 1,
		};

		if (trib_rng_chance(rng, 0.7)) {
			token.carrier_kind =
				code(bench, kinds[trib_rng_below(rng, TRIB_ARRAY_SIZE(kinds))]);
			token.carrier = (uint32_t)trib_rng_between(rng, 1, 1000000);
			token.carrier_owner = token.creator;
			token.page =
				code(bench, pages[trib_rng_below(rng, TRIB_ARRAY_SIZE(pages))]);
		}
		if (trib_rng_chance(rng, 0.3))
			token.offer = plan;
		must(trib_token_encode(bench->keys, &token, to, &size, &error), &error);
		*order = (struct order){
			.token = trib_bytes(to, size),
			.base = trib_rng_between(rng, 500, 100000),
			.at_ms = token.issued_at_ms + trib_rng_between(rng, 1000, 8 * 3600000),
			.goods = plan,
			.qty = (uint32_t)trib_rng_between(rng, 1, 4),
			.carrier_kind =
				code(bench, kinds[trib_rng_below(rng, TRIB_ARRAY_SIZE(kinds))]),
			.page = code(bench, pages[trib_rng_below(rng, TRIB_ARRAY_SIZE(pages))]),
		};
		to += size;
	}
}

/* --- Resolving ---------------------------------------------------------------------------------------- */

static void fill_facts(const struct bench *bench, const struct order *order,
		       const struct trib_token *token, const struct trib_terms *terms,
		       struct trib_facts *facts)
{
	const struct trib_goods *goods = trib_domain_goods(bench->domain, order->goods);
	const struct trib_party *creator = trib_domain_party(bench->domain, token->creator);
	const struct trib_bytes none = { 0 };

	trib_facts_open(facts, TRIB_GROUP_ORDER);
	trib_facts_set(facts, TRIB_FACT_ORDER_BASE, order->base);
	trib_facts_set(facts, TRIB_FACT_ORDER_QTY, order->qty);
	trib_facts_set(facts, TRIB_FACT_ORDER_GOODS, order->goods);
	trib_facts_set(facts, TRIB_FACT_ORDER_CREATED_AT, order->at_ms);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_CARRIER, order->carrier_kind, none);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_PAGE, order->page, none);
	trib_facts_open(facts, TRIB_GROUP_TOUCH);
	trib_facts_set(facts, TRIB_FACT_TOUCH_KIND, TRIB_WORD_CLICK);
	trib_facts_set(facts, TRIB_FACT_TOUCH_AGE, order->at_ms - token->issued_at_ms);
	trib_facts_set(facts, TRIB_FACT_TOUCH_COUNT, 1);
	trib_facts_set_string(facts, TRIB_FACT_TOUCH_CARRIER, token->carrier_kind, none);
	trib_facts_set_string(facts, TRIB_FACT_TOUCH_PAGE, token->page, none);
	trib_facts_set_string(facts, TRIB_FACT_TOUCH_CHANNEL, token->channel, none);
	trib_facts_open(facts, TRIB_GROUP_GOODS);
	trib_facts_set_string(facts, TRIB_FACT_GOODS_CATEGORY, goods->category, none);
	trib_facts_set(facts, TRIB_FACT_GOODS_PRICE, goods->price);
	trib_facts_open(facts, TRIB_GROUP_CREATOR);
	trib_facts_set(facts, TRIB_FACT_CREATOR_LEVEL, creator->level);
	trib_facts_set_tags(facts, creator->tags);
	trib_facts_open(facts, TRIB_GROUP_TERMS);
	if (terms->outcome == TRIB_OUTCOME_NONE)
		trib_facts_set(facts, TRIB_FACT_TERMS_KIND, terms->kind);
}

static int64_t pay(const struct bench *bench, const struct order *order,
		   const struct trib_token *token, const struct trib_terms *terms,
		   const struct trib_node *node)
{
	const struct trib_order_facts facts = { .at_ms = order->at_ms,
						.base = order->base,
						.goods = order->goods,
						.merchant = terms->merchant,
						.by_token = true };
	const struct trib_candidate candidate = { .at_ms = token->issued_at_ms,
						  .goods = token->goods,
						  .merchant = terms->merchant,
						  .kind = TRIB_TOUCH_CLICK };
	struct trib_resolution resolution;
	struct trib_line lines[TRIB_SPLIT_LINES_MAX];
	uint32_t parties[TRIB_SLOTS] = {
		[TRIB_SLOT_MERCHANT] = terms->merchant, [TRIB_SLOT_PLATFORM] = bench->platform,
		[TRIB_SLOT_CREATOR] = terms->creator,	[TRIB_SLOT_LEADER] = terms->leader,
		[TRIB_SLOT_LEADER2] = terms->leader2,	[TRIB_SLOT_AGENCY] = terms->agency
	};
	const struct trib_rates rates = {
		.bps = { [TRIB_RATE_COMMISSION] = (uint16_t)terms->commission_bps,
			 [TRIB_RATE_SERVICE] = (uint16_t)terms->service_bps,
			 [TRIB_RATE_SERVICE2] = (uint16_t)terms->service2_bps,
			 [TRIB_RATE_PLATFORM] = (uint16_t)terms->platform_bps,
			 [TRIB_RATE_AGENCY] = (uint16_t)terms->agency_bps }
	};
	int64_t charged = 0;

	trib_attribution_resolve(node, &facts, &candidate, 1, &resolution);
	trib_assert(resolution.outcome == TRIB_OUTCOME_NONE && resolution.winners == 1);
	trib_node_fill_parties(node, parties);
	trib_split(node->shares, node->n_shares, resolution.slice[0], &rates, parties, lines,
		   &charged);
	return charged;
}

enum phase { TOKENS, TERMS, WALK, SPLIT, PHASES };
static const char *const phase_names[PHASES] = { "parse and verify the token",
						 "terms of goods and creator",
						 "facts and the tree of 30 nodes",
						 "winner and split into 4" };

/* What a batch keeps between its passes. */
struct work {
	struct trib_bytes texts[BATCH];
	struct trib_token tokens[BATCH];
	enum trib_token_result results[BATCH];
	struct trib_terms terms[BATCH];
	const struct trib_node *nodes[BATCH];
};

/* Goods are on their way while the tokens are verified, creators after that, then plans: nobody waits for one alone. */
static void tokens_phase(struct bench *bench, const struct order *orders, size_t n,
			 struct work *work)
{
	for (size_t i = 0; i < n; i++) {
		trib_terms_prefetch(bench->domain, orders[i].goods, 0);
		work->texts[i] = orders[i].token;
	}
	trib_token_decode_batch(bench->keys, work->texts, n, work->tokens, work->results);
	for (size_t i = 0; i < n; i++)
		trib_terms_prefetch(bench->domain, orders[i].goods, work->tokens[i].creator);
}

static void terms_phase(struct bench *bench, const struct order *orders, size_t n,
			struct work *work)
{
	for (size_t i = 0; i < n; i++)
		trib_terms_prefetch_plans(bench->domain, orders[i].goods, work->tokens[i].offer);
	for (size_t i = 0; i < n; i++) /* a condition may ask for them */
		TRIB_PREFETCH(trib_domain_party(bench->domain, work->tokens[i].creator)->tags);
	for (size_t i = 0; i < n; i++) {
		const struct trib_terms_request request = { .goods = orders[i].goods,
							    .creator = work->tokens[i].creator,
							    .offer = work->tokens[i].offer,
							    .at_ms = orders[i].at_ms,
							    .lock_ms = orders[i].at_ms };

		trib_assert(work->results[i] == TRIB_TOKEN_OK);
		trib_terms_resolve(bench->domain, &request, &work->terms[i]);
	}
}

static const struct trib_node *walk_one(struct bench *bench, const struct order *order,
					const struct trib_token *token,
					const struct trib_terms *terms)
{
	struct trib_facts facts;
	struct trib_walk walk;

	trib_facts_init(&facts, &bench->spaces, &bench->scratch);
	fill_facts(bench, order, token, terms, &facts);
	trib_tree_walk(bench->tree, &facts, &walk);
	trib_assert(walk.outcome == TRIB_OUTCOME_ATTRIBUTED);
	return walk.node;
}

/* What all of them were charged, so that nothing can be left out and both ways can be compared. */
static int64_t resolve_batch(struct bench *bench, const struct order *orders, size_t n,
			     struct work *work, int64_t phase_ns[PHASES])
{
	int64_t at[PHASES + 1], charged = 0;

#define MARK(phase)                                                                                \
	if (phase_ns)                                                                              \
	at[phase] = trib_cpu_thread_ns()
	MARK(TOKENS);
	tokens_phase(bench, orders, n, work);
	MARK(TERMS);
	terms_phase(bench, orders, n, work);
	MARK(WALK);
	for (size_t i = 0; i < n; i++)
		work->nodes[i] = walk_one(bench, &orders[i], &work->tokens[i], &work->terms[i]);
	MARK(SPLIT);
	for (size_t i = 0; i < n; i++)
		charged +=
			pay(bench, &orders[i], &work->tokens[i], &work->terms[i], work->nodes[i]);
	MARK(PHASES);
#undef MARK
	for (int i = 0; phase_ns && i < PHASES; i++)
		phase_ns[i] += at[i + 1] - at[i];
	return charged;
}

static int64_t resolve_one(struct bench *bench, const struct order *order)
{
	struct trib_token token;
	struct trib_terms terms;

	/* The goods are on their way while the token is verified; then creator and plan, which the token names. */
	trib_terms_prefetch(bench->domain, order->goods, 0);
	trib_assert(trib_token_decode(bench->keys, order->token, &token) == TRIB_TOKEN_OK);
	trib_terms_prefetch(bench->domain, order->goods, token.creator);
	trib_terms_prefetch_plans(bench->domain, 0, token.plan);

	const struct trib_terms_request request = { .goods = order->goods,
						    .creator = token.creator,
						    .offer = token.offer,
						    .at_ms = order->at_ms,
						    .lock_ms = order->at_ms };

	trib_terms_resolve(bench->domain, &request, &terms);
	return pay(bench, order, &token, &terms, walk_one(bench, order, &token, &terms));
}

/* --- Measuring ---------------------------------------------------------------------------------------- */

enum { ROUNDS_MAX = 100 };

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of the rounds, and the best: what the machine gives when nobody else is on it. */
static void report(const char *what, double *ns, size_t rounds, double target)
{
	qsort(ns, rounds, sizeof(*ns), by_size);
	printf("%-20s %7.1f ns cpu an order, best %7.1f: %5.2f million orders per cpu-s, best "
	       "%5.2f (at least %.1f)\n",
	       what, ns[rounds / 2], ns[0], 1e3 / ns[rounds / 2], 1e3 / ns[0], target);
}

static int64_t run_batches(struct bench *bench, int64_t phase_ns[PHASES])
{
	static struct work work;
	int64_t sum = 0;

	for (size_t i = 0; i < bench->count; i += BATCH)
		sum += resolve_batch(bench, bench->orders + i,
				     TRIB_MIN((size_t)BATCH, bench->count - i), &work, phase_ns);
	return sum;
}

static void measure(struct bench *bench)
{
	double batch_ns[ROUNDS_MAX], one_ns[ROUNDS_MAX];
	int64_t phase_ns[PHASES] = { 0 };

	for (size_t round = 0; round < bench->rounds; round++) {
		int64_t sum_batch, sum_one = 0, begin = trib_cpu_thread_ns(), middle;

		sum_batch = run_batches(bench, NULL);
		middle = trib_cpu_thread_ns();
		for (size_t i = 0; i < bench->count; i++)
			sum_one += resolve_one(bench, &bench->orders[i]);
		batch_ns[round] = (double)(middle - begin) / (double)bench->count;
		one_ns[round] = (double)(trib_cpu_thread_ns() - middle) / (double)bench->count;
		trib_assert(sum_batch == sum_one);
		run_batches(bench, phase_ns);
	}
	report("in batches of 256", batch_ns, bench->rounds, 5.0);
	report("one by one", one_ns, bench->rounds, 2.5);
	for (int i = 0; i < PHASES; i++)
		printf("  %-32s %7.1f ns cpu on average, in a batch\n", phase_names[i],
		       (double)phase_ns[i] / (double)(bench->count * bench->rounds));
}

int main(int argc, char **argv)
{
	static struct bench bench;
	static const struct trib_hash_key key = { { 3 } };

	bench.count = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000000;
	bench.rounds =
		argc > 2 ? TRIB_MIN(strtoul(argv[2], NULL, 10), (unsigned long)ROUNDS_MAX) : 5;
	bench.domain = trib_domain_new(&key);
	bench.spaces = (struct trib_spaces){ space_find, space_text, bench.domain };
	trib_arena_init(&bench.arena, 64 << 20);
	trib_arena_init(&bench.scratch, 64 << 20);
	trib_rng_seed(&bench.rng, 1);
	make_keys(&bench);
	make_market(&bench);
	make_tree(&bench);
	make_orders(&bench);
	printf("%zu orders with distinct tokens; %d plan versions, Zipf 0.99; %d creators; a tree "
	       "of %u nodes\n",
	       bench.count, 2 * PLANS, CREATORS, trib_tree_nodes(bench.tree));
	measure(&bench);
	trib_tree_unref(bench.tree);
	trib_domain_free(bench.domain);
	trib_keys_free(bench.keys);
	trib_arena_fini(&bench.arena);
	trib_arena_fini(&bench.scratch);
	free(bench.orders);
	free(bench.texts);
	return 0;
}
