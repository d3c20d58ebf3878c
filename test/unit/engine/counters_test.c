/* Counters against a list of everything that ever happened. */
#include "test.h"

#include "base/rng.h"
#include "engine/counters.h"

enum { PLACES = 64, KEYS = 12, EVENTS = 4000, DAY_MS = 86400000 };

struct happened {
	uint64_t key;
	enum trib_counted subject;
	enum trib_count count;
	int64_t at_ms;
	bool kept[TRIB_COUNTER_WINDOWS]; /* it was not too late when it came */
};

static const int64_t window_ms[] = { 60000, 600000, 3600000, DAY_MS, 7 * (int64_t)DAY_MS };

/* The newest bucket of a subject's window among the first n events of its kind. */
static int64_t newest_of(const struct happened *list, size_t n, const struct happened *like, int window)
{
	int64_t newest = 0;

	for (size_t i = 0; i < n; i++)
		if (list[i].key == like->key && list[i].subject == like->subject && list[i].count == like->count)
			newest = TRIB_MAX(newest, list[i].at_ms / (window_ms[window] / 10));
	return newest;
}

static uint64_t count_naively(const struct happened *list, size_t n, const struct happened *like, int window)
{
	int64_t width = window_ms[window] / 10, newest = newest_of(list, n, like, window), at = like->at_ms / width;
	uint64_t count = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t bucket = list[i].at_ms / width;

		count += list[i].key == like->key && list[i].subject == like->subject && list[i].count == like->count &&
			 list[i].kept[window] && bucket > newest - 10 && bucket > at - 10 && bucket <= at;
	}
	return count;
}

static struct happened draw(struct trib_rng *rng, int64_t now_ms)
{
	static const enum trib_counted subjects[] = { TRIB_COUNTED_USER, TRIB_COUNTED_DEVICE, TRIB_COUNTED_CREATOR };
	static const int64_t spreads[] = { 30000, 600000, 7200000, 2 * (int64_t)DAY_MS };
	int64_t spread = spreads[trib_rng_below(rng, 4)];

	return (struct happened){ .key = 1 + trib_rng_below(rng, KEYS / 3),
				  .subject = subjects[trib_rng_below(rng, 3)],
				  .count = (enum trib_count)trib_rng_below(rng, TRIB_COUNTS),
				  .at_ms = now_ms + trib_rng_between(rng, -spread, 60000) };
}

static void counts_as_a_list_does(void **state)
{
	TRIB_AUTOFREE struct happened *list = trib_alloc_zeroed(EVENTS, sizeof(*list));
	struct trib_counters *counters = trib_counters_new(PLACES);
	int64_t now_ms = INT64_C(1790000000000);
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (size_t n = 0; n < EVENTS; n++) {
		struct happened one = draw(&rng, now_ms), ask = draw(&rng, now_ms);

		for (int w = 0; w < TRIB_COUNTER_WINDOWS; w++)
			one.kept[w] = one.at_ms / (window_ms[w] / 10) > newest_of(list, n, &one, w) - 10;
		list[n] = one;
		trib_counters_add(counters, one.subject, one.key, one.count, one.at_ms);
		for (int w = 0; w < TRIB_COUNTER_WINDOWS; w++)
			assert_int_equal(trib_counters_get(counters, ask.subject, ask.key, ask.count,
							   (enum trib_counter_window)w, ask.at_ms),
					 count_naively(list, n + 1, &ask, w));
		now_ms += (int64_t)trib_rng_below(&rng, trib_rng_chance(&rng, 0.01) ? DAY_MS : 5000);
	}
	trib_counters_free(counters);
}

/* A window of a minute is six-second buckets: who asks at s sees what came from s/6−9 on. */
static void windows_slide_by_tenths(void **state)
{
	static const struct {
		int64_t at_ms;
		uint64_t minute, ten_minutes;
	} rows[] = {
		{ 600000, 1, 1 }, { 653999, 1, 1 }, { 659999, 1, 1 }, { 660000, 0, 1 }, { 599999, 0, 0 }, { 1200000, 0, 0 },
		{ 1199999, 0, 1 },
	};
	struct trib_counters *counters = trib_counters_new(PLACES);

	trib_counters_add(counters, TRIB_COUNTED_USER, 7, TRIB_COUNT_CLICKS, 600000);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		assert_int_equal(trib_counters_get(counters, TRIB_COUNTED_USER, 7, TRIB_COUNT_CLICKS,
						   TRIB_COUNTER_MINUTE, rows[i].at_ms),
				 rows[i].minute);
		assert_int_equal(trib_counters_get(counters, TRIB_COUNTED_USER, 7, TRIB_COUNT_CLICKS,
						   TRIB_COUNTER_TEN_MINUTES, rows[i].at_ms),
				 rows[i].ten_minutes);
	}
	trib_counters_free(counters);
}

static void remembers_first_and_last(void **state)
{
	struct trib_counters *counters = trib_counters_new(PLACES);
	int64_t at_ms = -1;

	assert_false(trib_counters_first(counters, TRIB_COUNTED_USER, 7, &at_ms));
	trib_counters_add(counters, TRIB_COUNTED_USER, 7, TRIB_COUNT_ORDERS, 5000);
	assert_false(trib_counters_last_click(counters, TRIB_COUNTED_USER, 7, 9000, &at_ms));
	trib_counters_add(counters, TRIB_COUNTED_USER, 7, TRIB_COUNT_CLICKS, 4000);
	trib_counters_add(counters, TRIB_COUNTED_USER, 7, TRIB_COUNT_CLICKS, 3000);
	assert_true(trib_counters_first(counters, TRIB_COUNTED_USER, 7, &at_ms));
	assert_int_equal(at_ms, 3000);
	assert_true(trib_counters_last_click(counters, TRIB_COUNTED_USER, 7, 4000, &at_ms));
	assert_int_equal(at_ms, 4000);
	assert_false(trib_counters_last_click(counters, TRIB_COUNTED_USER, 7, 3999, &at_ms));
	assert_false(trib_counters_first(counters, TRIB_COUNTED_CREATOR, 7, &at_ms));
	trib_counters_set_device(counters, 7, 99, 6000);
	assert_int_equal(trib_counters_device(counters, 7), 99);
	assert_int_equal(trib_counters_device(counters, 8), 0);
	trib_counters_free(counters);
}

static void tells_users_of_a_link_apart(void **state)
{
	struct trib_counters *counters = trib_counters_new(PLACES);

	for (uint64_t i = 0; i < 3 * TRIB_COUNTER_USERS_MAX; i++) {
		trib_counters_add_user(counters, TRIB_COUNTED_LINK, 5, 1000 + i / 2, 1);
		assert_int_equal(trib_counters_users(counters, TRIB_COUNTED_LINK, 5),
				 TRIB_MIN(i / 2 + 1, (uint64_t)TRIB_COUNTER_USERS_MAX));
	}
	assert_int_equal(trib_counters_users(counters, TRIB_COUNTED_DEVICE_USERS, 5), 0);
	trib_counters_free(counters);
}

/* --- Memory ------------------------------------------------------------------------------------------- */

static void load_row(void *context, uint32_t place, struct trib_bytes row)
{
	assert_true(trib_counters_load(context, place, row));
}

static void something_happens(struct trib_counters *counters, struct trib_rng *rng, int64_t now_ms)
{
	uint64_t key = 1 + trib_rng_below(rng, 4 * PLACES);
	int64_t at_ms = now_ms - (int64_t)trib_rng_below(rng, 100000);

	switch (trib_rng_below(rng, 4)) {
	case 0: trib_counters_add_user(counters, TRIB_COUNTED_LINK, key, trib_rng_u64(rng), at_ms); break;
	case 1: trib_counters_set_device(counters, key, trib_rng_u64(rng), at_ms); break;
	case 2: trib_counters_add(counters, TRIB_COUNTED_USER, key, TRIB_COUNT_CLICKS, at_ms); break;
	default: trib_counters_add(counters, TRIB_COUNTED_CREATOR, key, TRIB_COUNT_ORDERS, at_ms);
	}
}

static void dump(const struct trib_counters *counters, struct trib_buffer *text)
{
	trib_buffer_reset(text);
	trib_counters_dump(counters, text);
}

/*
 * Four times more subjects than places: what is forgotten is the same after rows have been written and read. Things
 * happen between the steps of a freeze, too, and the rows are as they stood when it began.
 */
static void checkpoints_bring_the_same_memory_back(void **state)
{
	struct trib_counters *live = trib_counters_new(PLACES), *kept = trib_counters_new(PLACES);
	int64_t now_ms = INT64_C(1790000000000);
	struct trib_buffer frozen, loaded;
	bool freezing = false;
	unsigned freezes = 0;
	struct trib_rng rng;

	trib_buffer_init(&frozen, 1 << 24);
	trib_buffer_init(&loaded, 1 << 24);
	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 10000; i++) {
		something_happens(live, &rng, now_ms += 1000);
		assert_true(trib_counters_count(live) <= PLACES);
		if (!freezing && trib_rng_chance(&rng, 0.02)) {
			dump(live, &frozen);
			trib_counters_freeze(live, load_row, kept);
			freezing = true;
		}
		if (freezing && trib_rng_chance(&rng, 0.3) && !trib_counters_freeze_step(live, 1 + trib_rng_below(&rng, 9))) {
			dump(kept, &loaded);
			assert_string_equal(trib_buffer_text(&frozen), trib_buffer_text(&loaded));
			freezing = false;
			freezes++;
		}
	}
	assert_true(freezes > 10);
	trib_buffer_fini(&frozen);
	trib_buffer_fini(&loaded);
	trib_counters_free(live);
	trib_counters_free(kept);
}

static void the_one_seen_longest_ago_is_forgotten(void **state)
{
	struct trib_counters *counters = trib_counters_new(8);
	int64_t at_ms;

	for (uint64_t key = 1; key <= 8; key++)
		trib_counters_add(counters, TRIB_COUNTED_USER, key, TRIB_COUNT_ORDERS, 1000 * (int64_t)key);
	trib_counters_add(counters, TRIB_COUNTED_USER, 1, TRIB_COUNT_ORDERS, 20000);
	trib_counters_add(counters, TRIB_COUNTED_USER, 9, TRIB_COUNT_ORDERS, 500);
	assert_false(trib_counters_first(counters, TRIB_COUNTED_USER, 2, &at_ms));
	assert_true(trib_counters_first(counters, TRIB_COUNTED_USER, 1, &at_ms));
	assert_true(trib_counters_first(counters, TRIB_COUNTED_USER, 3, &at_ms));
	trib_counters_free(counters);
}

static void refuses_bytes_that_are_no_row(void **state)
{
	struct trib_counters *counters = trib_counters_new(8);
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 20000; i++) {
		char bytes[64];
		size_t size = trib_rng_below(&rng, sizeof(bytes));

		for (size_t j = 0; j < size; j++)
			bytes[j] = (char)(trib_rng_chance(&rng, 0.5) ? trib_rng_below(&rng, 6) : trib_rng_below(&rng, 256));
		trib_counters_load(counters, (uint32_t)trib_rng_below(&rng, 10), trib_bytes(bytes, size));
	}
	assert_true(trib_counters_count(counters) <= 8);
	assert_false(trib_counters_load(counters, 8, trib_bytes("", 0)));
	trib_counters_free(counters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_as_a_list_does),
		cmocka_unit_test(windows_slide_by_tenths),
		cmocka_unit_test(remembers_first_and_last),
		cmocka_unit_test(tells_users_of_a_link_apart),
		cmocka_unit_test(checkpoints_bring_the_same_memory_back),
		cmocka_unit_test(the_one_seen_longest_ago_is_forgotten),
		cmocka_unit_test(refuses_bytes_that_are_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
