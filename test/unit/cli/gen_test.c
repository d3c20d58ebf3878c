/* `tributary gen`: the same on every machine, and as the table of numbers says. */
#include "test.h"
#include <jansson.h>
#include <math.h>
#include "base/hash.h"
#include "cli/gen/builtin.h"
#include "cli/gen/traffic.h"
#include "rules/rules.h"

/*
 * XXH3 of what seed 7 gives. It may change only when data/market.json, the rule trees or the generator are changed
 * on purpose; a machine that gives another one draws other numbers.
 */
static const uint64_t DIGEST = UINT64_C(0xd0d3cd8dfb623d6e);

static const int64_t START_MS = INT64_C(1762185600000);

struct memory_sink {
	struct trib_sink sink;
	struct trib_buffer text; /* kept lines */
	uint64_t digest;
	bool keep;
};

static bool write_memory(struct trib_sink *sink, struct trib_bytes lines)
{
	struct memory_sink *to = (struct memory_sink *)sink;

	to->digest = trib_hash_u64(to->digest ^ trib_hash_bytes(lines));
	if (to->keep)
		trib_buffer_add_bytes(&to->text, lines);
	return !to->text.failed;
}

static void memory_sink_init(struct memory_sink *sink, bool keep)
{
	*sink = (struct memory_sink){ .sink = { .write = write_memory, .wrapped = true },
				      .keep = keep };
	trib_buffer_init(&sink->sink.buffer, 64 << 20);
	trib_buffer_init(&sink->text, 256 << 20);
}

static void memory_sink_fini(struct memory_sink *sink)
{
	trib_buffer_fini(&sink->sink.buffer);
	trib_buffer_fini(&sink->text);
}

static struct trib_market *builtin_market(void)
{
	struct trib_market *market;
	struct trib_error error;

	assert_ok(trib_market_parse(trib_market_builtin(), &market, &error), error);
	return market;
}

static struct trib_world *make_world(const struct trib_market *market, uint64_t seed,
				     uint32_t creators, uint32_t goods, uint64_t orders)
{
	struct trib_world_size size = { seed, creators, goods, orders };

	return trib_world_new(market, &size);
}

static void write_all(struct trib_world *world, struct memory_sink *sink,
		      struct trib_traffic_counts *ret_counts)
{
#define X(function, name) function(world, START_MS, &sink->sink);
	TRIB_WRITE_TABLE(X)
#undef X
	trib_write_rules(&sink->sink);
	trib_write_traffic(world, START_MS, &sink->sink, ret_counts);
	trib_sink_flush(&sink->sink);
}

/* ---- drawing ---- */

static void test_functions_are_near_the_library_s(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 20000; i++) {
		double x = (trib_rng_unit(&rng) - 0.5) * 200;
		double y = trib_draw_exp(x / 2);

		assert_true(fabs(trib_draw_exp(x) / exp(x) - 1) < 1e-12);
		assert_true(fabs(trib_draw_log(y) - log(y)) < 1e-13 * (1 + fabs(log(y))));
		assert_true(fabs(trib_draw_normal_cdf(x / 20) - erfc(-x / 20 / sqrt(2)) / 2) <
			    2e-7);
	}
	assert_true(trib_draw_exp(0) == 1);
	assert_true(trib_draw_log(1) == 0);
}

static void test_alias_draws_by_weight(void **state)
{
	const double weights[] = { 1, 0, 5, 2.5, 0.5, 1 };
	uint32_t counts[6] = { 0 };
	struct trib_alias alias;
	struct trib_rng rng;

	trib_rng_seed(&rng, 1);
	trib_alias_init(&alias, weights, 6);
	for (int i = 0; i < 100000; i++)
		counts[trib_alias_draw(&alias, &rng)]++;
	trib_alias_fini(&alias);
	for (int i = 0; i < 6; i++)
		assert_true(fabs(counts[i] / 100000.0 - weights[i] / 10) < 0.01);
	assert_int_equal(counts[1], 0);
}

static void test_portions_add_up(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 200; round++) {
		uint32_t n = 1 + (uint32_t)trib_rng_below(&rng, 100);
		double weights[100];
		struct trib_portion portion = { .total = (double)trib_rng_below(&rng, 1000000) };
		int64_t sum = 0;

		for (uint32_t i = 0; i < n; i++)
			portion.all += weights[i] = trib_rng_unit(&rng) + 1e-9;
		for (uint32_t i = 0; i < n; i++) {
			int64_t part = trib_portion_next(&portion, weights[i]);

			assert_true(part >= 0);
			sum += part;
		}
		assert_int_equal(sum, (int64_t)portion.total);
	}
}

static void test_quota_keeps_its_share(void **state)
{
	struct trib_quota quota = { .share = 0.3 };

	for (int i = 1; i <= 10000; i++)
		trib_quota_take(&quota, 1.0 / i);
	assert_true(fabs(quota.taken / quota.offered - 0.3) < 0.01);
}

/* ---- the data file ---- */

static void test_market_refuses(void **state)
{
	static const struct {
		const char *key, *value, *at;
	} rows[] = {
		{ "format", "2", "format" },
		{ "categories", "[]", "categories" },
		{ "categories", "[{\"name\":\"a b\"}]", "categories[0].name" },
		{ "carriers",
		  "[{\"kind\":\"video\",\"scene\":\"s\",\"page\":\"p\",\"orders\":1,"
		  "\"conversion\":0.1,\"delay_ms\":1000}]",
		  "carriers[0].kind" },
		{ "hours", "[1,2]", "hours" },
		{ "price", "{\"end_in_nine\":1.5}", "price.end_in_nine" },
		{ "price", "{}", "price.end_in_nine" },
		{ "currency", "7", "currency" },
	};
	struct trib_bytes text = trib_market_builtin();

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		json_t *root = json_loadb(text.data, text.size, 0, NULL);
		struct trib_market *market = NULL;
		struct trib_error error;

		json_object_set_new(root, rows[i].key,
				    json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
		char *changed = json_dumps(root, 0);

		assert_int_not_equal(trib_market_parse(trib_bytes_text(changed), &market, &error),
				     TRIB_OK);
		assert_string_equal(error.at, rows[i].at);
		assert_null(market);
		free(changed);
		json_decref(root);
	}
}

/* The trees that are shipped are such as an upload takes. */
static void test_shipped_trees_are_accepted(void **state)
{
	static const struct {
		const char *name;
		struct trib_bytes (*text)(void);
	} rows[] = {
		{ "live", trib_rules_live_builtin },
		{ "shelf", trib_rules_shelf_builtin },
		{ "share", trib_rules_share_builtin },
	};
	static const struct trib_hash_key key;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_tree_options options = {
			.key = &key, .name = rows[i].name, .number = 1, .version = 1
		};
		struct trib_error error;
		struct trib_tree *tree;

		assert_ok(trib_tree_new(&options, rows[i].text(), &tree, &error), error);
		assert_true(trib_bytes_is(trib_tree_scene(tree), rows[i].name));
		assert_in_range(trib_tree_nodes(tree), 25, 35);
		trib_tree_unref(tree);
	}
}

/* ---- the world ---- */

static int by_price(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void test_goods_are_as_the_table_says(void **state)
{
	struct trib_market *market = builtin_market();
	struct trib_world *world = make_world(market, 3, 100, 20000, 0);
	int64_t *prices = trib_alloc_zeroed(world->size.goods, sizeof(*prices));
	uint32_t nines = 0, hot_dear = 0, cold_dear = 0;
	double hot_bps = 0, cold_bps = 0;

	for (uint32_t c = 0; c < market->category_count; c++) {
		const struct trib_market_category *category = &market->categories[c];
		uint32_t count = 0;

		for (uint32_t i = 0; i < world->size.goods; i++)
			if (world->goods[i].category == c)
				prices[count++] = world->goods[i].price;
		assert_true(fabs((double)count / world->size.goods - category->goods) < 0.02);
		qsort(prices, count, sizeof(*prices), by_price);
		assert_true(fabs(log(prices[count / 2] / category->price)) < 0.15);
	}
	for (uint32_t i = 0; i < world->size.goods; i++) {
		const struct trib_world_goods *goods = &world->goods[i];
		const struct trib_market_category *category = &market->categories[goods->category];
		bool hot = goods->rank <= world->size.goods / 2;
		double of_range = (goods->commission_bps - category->commission_bps[0]) /
				  (category->commission_bps[2] - category->commission_bps[0]);

		nines += goods->price % 1000 == 900 || goods->price % 100 == 90;
		assert_in_range(goods->commission_bps, category->commission_bps[0],
				category->commission_bps[2]);
		*(hot ? &hot_dear : &cold_dear) += goods->price > category->price;
		*(hot ? &hot_bps : &cold_bps) += of_range;
	}
	assert_true(fabs((double)nines / world->size.goods - market->price_end_in_nine[0]) < 0.02);
	assert_true(hot_dear * 1.3 < cold_dear);
	assert_true(hot_bps > cold_bps * 1.1);
	free(prices);
	trib_world_free(world);
	trib_market_free(market);
}

static void test_creators_are_as_the_table_says(void **state)
{
	struct trib_market *market = builtin_market();
	struct trib_world *world = make_world(market, 4, 20000, 5000, 0);
	double top = 0, bound_gmv = 0;
	uint32_t bound = 0, entries = 0, median = 0;

	assert_int_equal(world->seller_count, 2400);
	for (uint32_t i = 0; i < world->seller_count; i++) {
		const struct trib_world_seller *seller = &world->sellers[i];
		bool is_bound = world->creators[seller->creator].agency != TRIB_NONE;
		uint32_t size = seller->class_end[TRIB_CLASSES - 1] - seller->first_entry;

		if (i < world->seller_count / 100)
			top += seller->weight;
		bound += is_bound;
		bound_gmv += is_bound ? seller->weight : 0;
		entries += size;
		assert_in_range(size, 1, 500);
		if (i == world->seller_count / 2)
			median = size;
	}
	assert_true(fabs(top - 0.65) < 0.01);
	assert_true(fabs(bound / 20000.0 - 0.03) < 0.003);
	assert_true(fabs(bound_gmv - 0.45) < 0.05);
	assert_true(fabs((double)entries / world->seller_count - market->shelf_mean[0]) < 3);
	assert_in_range(median, 6, 10);
	trib_world_free(world);
	trib_market_free(market);
}

static void test_shelves_fit_their_plans(void **state)
{
	struct trib_market *market = builtin_market();
	struct trib_world *world = make_world(market, 5, 3000, 2000, 0);
	struct trib_rng rng;

	for (uint32_t i = 0; i < world->entry_count; i++) {
		const struct trib_world_entry *entry = &world->entries[i];
		const struct trib_world_plan *plan = &world->plans[entry->plan];
		uint32_t creator = world->sellers[trib_world_entry_seller(world, i)].creator;
		bool listed = false;

		assert_int_equal(plan->goods, entry->goods);
		assert_true(plan->leader == TRIB_NONE ||
			    trib_world_class(plan) == TRIB_CLASS_ACTIVITY);
		for (uint32_t k = 0; k < plan->creators; k++)
			listed |= world->plan_creators[plan->first_creator + k] == creator;
		assert_int_equal(listed, trib_world_class(plan) == TRIB_CLASS_TARGETED);
	}
	trib_rng_seed(&rng, 9);
	for (uint32_t i = 0; i < 10000; i++) {
		uint32_t seller = (uint32_t)trib_rng_below(&rng, world->seller_count);
		enum trib_entry_class class =
			(enum trib_entry_class)trib_rng_below(&rng, TRIB_CLASSES);
		uint32_t entry = trib_world_pick(world, seller, class, &rng);

		if (entry == TRIB_NONE)
			continue;
		assert_int_equal(trib_world_entry_seller(world, entry), seller);
		assert_int_equal(trib_world_class(&world->plans[world->entries[entry].plan]),
				 class);
	}
	trib_world_free(world);
	trib_market_free(market);
}

/* ---- the traffic ---- */

static void test_traffic_is_as_the_table_says(void **state)
{
	struct trib_market *market = builtin_market();
	struct trib_world *world = make_world(market, 6, 5000, 3000, 40000);
	struct memory_sink sink;
	struct trib_traffic_counts counts;

	memory_sink_init(&sink, false);
	trib_write_traffic(world, START_MS, &sink.sink, &counts);

	double led = (double)counts.distributed;
	const struct {
		double found, expected, tolerance;
	} rows[] = {
		{ led / (double)counts.orders, 1 - market->orders_not_distributed[0], 0.001 },
		{ (double)counts.repeats / (double)counts.orders, market->noise_repeat[0], 0.001 },
		{ (double)counts.other_goods / led, market->noise_other_goods[0], 0.005 },
		{ (double)counts.self_purchases / led, market->noise_self_purchase[0], 0.002 },
		{ (double)counts.second_creators / led, market->noise_second_creator[0], 0.015 },
		{ (double)counts.plan_changed_between / led, market->noise_plan_changed[0], 0.004 },
		{ (double)counts.delayed / (double)(counts.orders + counts.touches),
		  market->noise_out_of_order[0] + market->noise_later_than_an_hour[0], 0.002 },
	};

	assert_int_equal(counts.orders, 40000);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		if (fabs(rows[i].found - rows[i].expected) > rows[i].tolerance)
			fail_msg("row %zu: found %g, expected %g", i, rows[i].found,
				 rows[i].expected);
	/* One click in twenty to thirty leads to an order. */
	assert_in_range(counts.touches, counts.distributed * 20, counts.distributed * 35);
	memory_sink_fini(&sink);
	trib_world_free(world);
	trib_market_free(market);
}

/* Every line is JSON, speaks of what came before it, and no amount is anything but an integer. */
static void check_lines(struct trib_bytes text, const struct trib_traffic_counts *counts)
{
	uint64_t links = 0, orders = 0, touches = 0;
	const char *line = text.data, *end = text.data + text.size;

	while (line < end) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		json_error_t where;
		json_t *root = json_loadb(line, (size_t)(next - line), 0, &where), *row;

		if (!root)
			fail_msg("%s: %.*s", where.text, (int)(next - line), line);
		if ((row = json_object_get(root, "link"))) {
			assert_int_equal(json_integer_value(json_object_get(row, "n")), ++links);
		} else if ((row = json_object_get(root, "touch"))) {
			touches++;
			assert_in_range(json_integer_value(json_object_get(row, "link")), 1, links);
		} else if ((row = json_object_get(root, "order"))) {
			json_t *link = json_object_get(row, "link");

			orders++;
			assert_true(json_is_integer(json_object_get(row, "base_amount")));
			assert_true(!link || (json_integer_value(link) >= 1 &&
					      json_integer_value(link) <= (json_int_t)links));
			assert_true(link || json_object_get(row, "scene"));
		} else {
			assert_non_null(json_object_get(root, "put"));
			assert_non_null(json_object_get(root, "value"));
		}
		json_decref(root);
		line = next + 1;
	}
	assert_int_equal(links, counts->links);
	assert_int_equal(touches, counts->touches);
	assert_int_equal(orders, counts->orders + counts->repeats);
}

static uint64_t generate(uint64_t seed, bool check)
{
	struct trib_market *market = builtin_market();
	struct trib_world *world = make_world(market, seed, 300, 200, 1000);
	struct memory_sink sink;
	struct trib_traffic_counts counts;

	memory_sink_init(&sink, true);
	write_all(world, &sink, &counts);
	if (check)
		check_lines(trib_buffer_bytes(&sink.text), &counts);

	/* Over all of the text: where the sink was flushed does not matter. */
	uint64_t digest = trib_hash_bytes(trib_buffer_bytes(&sink.text));

	memory_sink_fini(&sink);
	trib_world_free(world);
	trib_market_free(market);
	return digest;
}

static void test_a_seed_is_a_marketplace(void **state)
{
	uint64_t digest = generate(7, true);

	assert_int_equal(generate(7, false), digest);
	assert_int_not_equal(generate(8, true), digest);
	if (digest != DIGEST)
		fail_msg("found 0x%016llx, expected 0x%016llx", (unsigned long long)digest,
			 (unsigned long long)DIGEST);
}

/* The smallest marketplaces are marketplaces too. */
static void test_small_worlds(void **state)
{
	static const struct {
		uint32_t creators, goods;
		uint64_t orders;
	} rows[] = { { 1, 1, 0 }, { 1, 1, 1 },	{ 1, 1, 100 },
		     { 2, 1, 3 }, { 5, 3, 50 }, { 100, 1, 20 } };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		for (uint64_t seed = 0; seed < 5; seed++) {
			struct trib_market *market = builtin_market();
			struct trib_world *world = make_world(market, seed, rows[i].creators,
							      rows[i].goods, rows[i].orders);
			struct memory_sink sink;
			struct trib_traffic_counts counts;

			memory_sink_init(&sink, true);
			write_all(world, &sink, &counts);
			check_lines(trib_buffer_bytes(&sink.text), &counts);
			assert_int_equal(counts.orders, rows[i].orders);
			memory_sink_fini(&sink);
			trib_world_free(world);
			trib_market_free(market);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_functions_are_near_the_library_s),
		cmocka_unit_test(test_alias_draws_by_weight),
		cmocka_unit_test(test_portions_add_up),
		cmocka_unit_test(test_quota_keeps_its_share),
		cmocka_unit_test(test_market_refuses),
		cmocka_unit_test(test_shipped_trees_are_accepted),
		cmocka_unit_test(test_goods_are_as_the_table_says),
		cmocka_unit_test(test_creators_are_as_the_table_says),
		cmocka_unit_test(test_shelves_fit_their_plans),
		cmocka_unit_test(test_traffic_is_as_the_table_says),
		cmocka_unit_test(test_a_seed_is_a_marketplace),
		cmocka_unit_test(test_small_worlds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
