/* How old goods are, against an array of their times that is counted anew. */
#include "test.h"

#include "base/rng.h"
#include "engine/freshness.h"

enum { STEPS = 30000, GOODS = 400, MINUTE_MS = 60000 };

#define START_MS INT64_C(1790000000000)

static int64_t minute(int64_t ms)
{
	return ms / MINUTE_MS;
}

static void counts_what_is_older(void **state)
{
	static int64_t seen[GOODS]; /* 0: none */
	struct freshness freshness = { 0 };
	int64_t limits_ms[FRESHNESS_LIMITS] = { 0 }, now_ms = START_MS;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int step = 0; step < STEPS; step++) {
		size_t at = trib_rng_below(&rng, GOODS);
		int limit = (int)trib_rng_below(&rng, FRESHNESS_LIMITS);

		now_ms += (int64_t)trib_rng_below(&rng, 40000);
		if (seen[at])
			freshness_remove(&freshness, seen[at]);
		seen[at] = trib_rng_below(&rng, 4) ? now_ms - (int64_t)trib_rng_below(&rng, 3 * 86400000) : 0;
		if (seen[at])
			freshness_add(&freshness, seen[at]);
		/* Mostly on, sometimes back, as somebody who changes an age does. */
		limits_ms[limit] = now_ms - (int64_t)trib_rng_below(&rng, 2 * 86400000);
		freshness_limit(&freshness, limit, limits_ms[limit]);

		uint32_t total = 0, older[FRESHNESS_LIMITS] = { 0 };
		int64_t oldest = INT64_MAX;

		for (size_t i = 0; i < GOODS; i++) {
			if (!seen[i])
				continue;
			total++;
			oldest = TRIB_MIN(oldest, minute(seen[i]) * MINUTE_MS);
			for (int l = 0; l < FRESHNESS_LIMITS; l++)
				older[l] += limits_ms[l] && minute(seen[i]) < minute(limits_ms[l]);
		}
		assert_int_equal(freshness.total, total);
		for (int l = 0; l < FRESHNESS_LIMITS; l++)
			assert_int_equal(freshness_older(&freshness, l), older[l]);
		assert_int_equal(freshness_oldest(&freshness), total ? oldest : -1);
	}
	freshness_fini(&freshness);
}

static void takes_times_that_nobody_can_mean(void **state)
{
	struct freshness freshness = { 0 };
	static const int64_t times[] = { 0, 1, INT64_C(9007199254740991), START_MS };

	assert_int_equal(freshness_oldest(&freshness), -1);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(times); i++)
		freshness_add(&freshness, times[i]);
	freshness_limit(&freshness, 0, START_MS + MINUTE_MS);
	assert_int_equal(freshness_older(&freshness, 0), 3);
	freshness_limit(&freshness, 0, INT64_MAX);
	freshness_limit(&freshness, 0, 0);
	assert_int_equal(freshness_older(&freshness, 0), 0);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(times); i++)
		freshness_remove(&freshness, times[i]);
	assert_int_equal(freshness_oldest(&freshness), -1);
	freshness_fini(&freshness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_is_older),
		cmocka_unit_test(takes_times_that_nobody_can_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
