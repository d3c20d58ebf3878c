/*
 * Runs put together: whatever became of them, the hashes that were put in are found, and few filters are asked. Against
 * a plain list of hashes; then in an engine whose index holds a few hundred orders.
 */
#include "world.h"

#include "engine/runs.h"

/* ---- Putting together --------------------------------------------------------------------------------------- */

enum { CHECKPOINTS = 200, HASHES_MAX = 300, AHEAD = 3 };

struct history {
	uint64_t orders[CHECKPOINTS * HASHES_MAX], touches[CHECKPOINTS * HASHES_MAX];
	size_t n_orders, n_touches; /* of all runs that are behind */
	size_t behind_orders[CHECKPOINTS], behind_touches[CHECKPOINTS];
};

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static size_t some(struct trib_rng *rng, uint64_t *hashes)
{
	size_t count = trib_rng_chance(rng, 0.1) ? 0 : (size_t)trib_rng_below(rng, HASHES_MAX);

	for (size_t i = 0; i < count; i++)
		hashes[i] = trib_rng_u64(rng);
	qsort(hashes, count, sizeof(*hashes), compare);
	return count;
}

static bool any_has(const struct runs *runs, bool touches, uint64_t hash)
{
	for (size_t i = 0; i < runs->count; i++)
		if (run_filter_may_have(touches ? &runs->items[i].touches : &runs->items[i].orders, hash))
			return true;
	return false;
}

static void expect_all(const struct runs *runs, const struct history *history, size_t n_orders, size_t n_touches)
{
	for (size_t i = 0; i < n_orders; i++)
		assert_true(any_has(runs, false, history->orders[i]));
	for (size_t i = 0; i < n_touches; i++)
		assert_true(any_has(runs, true, history->touches[i]));
}

static void expect_gapless(const struct runs *runs)
{
	for (size_t i = 1; i < runs->count; i++)
		assert_int_equal(runs->items[i].from, runs->items[i - 1].to);
}

/* As checkpoints do: what is behind is merged, now and then in vain, and a run comes. */
static void merged_runs_deny_nothing(void **state)
{
	static struct history history;
	struct runs runs = { 0 }, old = { 0 };
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	history.n_orders = history.n_touches = 0;
	for (uint64_t at = 1; at <= CHECKPOINTS; at++) {
		struct run run = { .from = at - 1, .to = at }, merged;
		uint64_t horizon = at > AHEAD ? at - 1 - AHEAD : 0;
		size_t first, count, behind = 0;

		runs_to_merge(&runs, horizon, &first, &count);
		if (count) {
			assert_true(runs_merge(&runs.items[first], count, &merged));
			assert_true(merged.to <= horizon);
			if (trib_rng_chance(&rng, 0.2))
				runs_drop_merged(&merged);
			else
				runs_replace(&runs, first, count, merged, &old);
		}
		if (trib_rng_chance(&rng, 0.5))
			runs_fini(&old);
		size_t n_orders = some(&rng, &history.orders[history.n_orders]);
		size_t n_touches = some(&rng, &history.touches[history.n_touches]);

		run_filter_make(&run.orders, &history.orders[history.n_orders], n_orders, sizeof(uint64_t));
		run_filter_make(&run.touches, &history.touches[history.n_touches], n_touches, sizeof(uint64_t));
		runs_add(&runs, run);
		history.n_orders += n_orders;
		history.n_touches += n_touches;
		expect_gapless(&runs);
		if (at % 20 == 0)
			expect_all(&runs, &history, history.n_orders, history.n_touches);
		for (size_t i = 0; i < runs.count; i++)
			behind += runs.items[i].to <= horizon;
		/* Sizes at least double: log2 of all, and those that came since the last that was not in vain. */
		assert_true(behind <= 14);
	}
	runs_fini(&runs);
	runs_fini(&old);
}

/* ---- Opening ------------------------------------------------------------------------------------------------ */

static void load(struct runs_loader *loader, uint64_t at, const uint64_t *hashes, size_t count, bool of_0_1)
{
	struct trib_error error;
	struct run_filter packed = { 0 };
	struct run run = { 0 };
	struct trib_filter filter;

	if (of_0_1) {
		trib_filter_init(&filter, count);
		for (size_t i = 0; i < count; i++)
			trib_filter_add(&filter, hashes[i]);
		assert_ok(runs_loader_add(loader, at - 1, at, trib_filter_bytes(&filter), &error), error);
		trib_filter_fini(&filter);
		return;
	}
	run_filter_make(&packed, hashes, count, sizeof(*hashes));
	if (count)
		assert_ok(runs_loader_add(loader, at - 1, at, run_filter_bytes(&packed), &error), error);
	run.orders = packed;
	run_fini(&run);
}

static void stores_of_both_forms_are_read(void **state)
{
	static struct history history;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 20; round++) {
		uint64_t olds = trib_rng_below(&rng, 4), whole = 1 + trib_rng_below(&rng, 5000);
		struct runs runs = { 0 };
		struct runs_loader loader = { .runs = &runs, .touches = trib_rng_chance(&rng, 0.5),
					      .whole_prints = whole };
		struct trib_error error;

		history.n_orders = 0;
		for (uint64_t at = 1; at <= 40; at++) {
			size_t count = some(&rng, &history.orders[history.n_orders]);

			load(&loader, at, &history.orders[history.n_orders], count, at <= olds);
			history.n_orders += count;
		}
		assert_ok(runs_loader_end(&loader, &error), error);
		assert_true(runs.count <= olds + history.n_orders / whole + 1);
		for (size_t i = 0; i < history.n_orders; i++)
			assert_true(any_has(&runs, loader.touches, history.orders[i]));
		for (size_t i = 1; i < runs.count; i++)
			assert_true(runs.items[i].from >= runs.items[i - 1].to);
		/* Nothing is kept to put them together again. */
		size_t first, together;

		runs_to_merge(&runs, UINT64_MAX, &first, &together);
		assert_int_equal(together, 0);
		runs_fini(&runs);
	}
}

static void bytes_that_are_no_run_are_refused(void **state)
{
	static const char text[] = "something else", broken[] = "\2\0\0\0\0\0\0\0\1\xff\xff\xff\xff\xff\xff\xff";
	struct runs runs = { 0 };
	struct runs_loader loader = { .runs = &runs, .whole_prints = 1 };
	struct trib_error error;

	assert_int_equal(runs_loader_add(&loader, 0, 1, trib_bytes(text, sizeof(text) - 1), &error), TRIB_CORRUPT);
	assert_int_equal(runs_loader_add(&loader, 0, 1, trib_bytes(broken, sizeof(broken) - 1), &error), TRIB_CORRUPT);
	assert_int_equal(runs_loader_end(&loader, &error), TRIB_OK);
	assert_int_equal(runs.count, 0);
	runs_fini(&runs);
}

/* ---- In an engine -------------------------------------------------------------------------------------------- */

enum { ORDERS = 6000, A_CHECKPOINT = 100 };

static void answered(void *context, size_t i, const struct trib_order_answer *answer)
{
	assert_int_equal(answer->status, TRIB_OK);
	*(bool *)context = answer->repeated;
}

/* Was it known before? */
static bool order(int i)
{
	char id[24], user[24];
	bool repeated = false;

	snprintf(id, sizeof(id), "o%d", i);
	snprintf(user, sizeof(user), "u%d", i % 7);
	const struct trib_order_request request = { .order = trib_bytes_text(id), .user = trib_bytes_text(user),
						    .goods = trib_bytes_text("g1"), .token = trib_bytes_text("-"),
						    .base_amount = 1000 + i };

	trib_engine_orders(world.engine, &request, 1, answered, &repeated);
	return repeated;
}

static void checkpoint(void)
{
	struct trib_engine_counts before, now;

	trib_engine_settle(world.engine);
	trib_engine_count(world.engine, &before);
	trib_engine_checkpoint(world.engine);
	do {
		trib_engine_turn(world.engine);
		trib_engine_settle(world.engine);
		trib_engine_count(world.engine, &now);
	} while (now.checkpoints == before.checkpoints);
}

static uint64_t runs_now(void)
{
	struct trib_engine_counts counts;

	trib_engine_count(world.engine, &counts);
	return counts.runs;
}

static void an_engine_finds_what_left_its_index(void **state)
{
	world.options.order_index_bytes = 1 << 12; /* 320 orders */
	world_open();
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"roles\":[\"merchant\"]}");
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\"}");
	for (int i = 0; i < ORDERS; i++) {
		assert_false(order(i));
		if (i % A_CHECKPOINT == A_CHECKPOINT - 1)
			checkpoint();
	}
	/* The index holds three checkpoints' orders or so; all before are behind a few filters. */
	assert_true(runs_now() <= 15);
	for (int i = 0; i < ORDERS; i += 7)
		assert_true(order(i));
	trib_engine_close(world.engine);
	world_open();
	assert_true(runs_now() <= 2); /* orders, and touches where there are any */
	for (int i = 0; i < ORDERS; i += 5)
		assert_true(order(i));
	for (int i = ORDERS; i < ORDERS + 1000; i++)
		assert_false(order(i));
	world_crash();
	for (int i = 0; i < ORDERS + 1000; i += 3)
		assert_true(order(i));
}

static int prepare(void **state)
{
	return world_prepare();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merged_runs_deny_nothing),
		cmocka_unit_test(stores_of_both_forms_are_read),
		cmocka_unit_test(bytes_that_are_no_run_are_refused),
		cmocka_unit_test_setup_teardown(an_engine_finds_what_left_its_index, prepare, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
