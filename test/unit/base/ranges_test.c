/* Set algebra against plain arrays of booleans, at the ends of the scale and in its middle. */
#include "test.h"

#include "base/ranges.h"

/* Points that stand for all others: sets of these tests have their ends only between and at them. */
static const int64_t points[] = {
	INT64_MIN, INT64_MIN + 1, INT64_MIN + 2, -2,	   -1, 0, 1, 2, 3, 4, 5,
	6,	   INT64_MAX - 2, INT64_MAX - 1, INT64_MAX
};
enum { POINTS = TRIB_ARRAY_SIZE(points), LOWEST = 3 };

struct plain {
	bool has[POINTS];
};

static struct trib_ranges random_set(struct trib_arena *arena, struct trib_rng *rng, int lowest,
			     struct plain *ret_plain)
{
	struct trib_ranges sets[4];
	uint32_t n = (uint32_t)trib_rng_below(rng, 5);

	memset(ret_plain, 0, sizeof(*ret_plain));
	for (uint32_t i = 0; i < n; i++) {
		int a = lowest + (int)trib_rng_below(rng, POINTS - lowest);
		int b = lowest + (int)trib_rng_below(rng, POINTS - lowest);

		if (trib_rng_chance(rng, 0.5))
			b = a;
		sets[i] = trib_ranges_of(arena, points[a], points[b]);
		for (int j = a; j <= b; j++)
			ret_plain->has[j] = true;
	}
	return trib_ranges_union(arena, sets, n);
}

static void assert_set(struct trib_ranges set, const struct plain *plain, int lowest)
{
	for (int i = lowest; i < POINTS; i++)
		if (trib_ranges_has(set, points[i]) != plain->has[i])
			fail_msg("point %d: found %d", i, !plain->has[i]);
	for (uint32_t i = 0; i < set.count; i++) {
		assert_true(set.ranges[i].lo <= set.ranges[i].hi);
		if (i)
			assert_true(set.ranges[i - 1].hi < set.ranges[i].lo - 1);
	}
}

static void algebra_is_that_of_booleans(void **state)
{
	struct trib_arena arena;
	struct trib_rng rng;

	trib_arena_init(&arena, 64 << 20);
	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 20000; round++) {
		struct plain a, b, both = { 0 }, either = { 0 }, not_a = { 0 };
		int lowest = trib_rng_chance(&rng, 0.5) ? 0 : LOWEST;
		struct trib_ranges x = random_set(&arena, &rng, lowest, &a),
			   y = random_set(&arena, &rng, lowest, &b);
		struct trib_ranges pair[2] = { x, y };
		bool subset = true, equal = true;

		assert_set(x, &a, lowest);
		for (int i = lowest; i < POINTS; i++) {
			both.has[i] = a.has[i] && b.has[i];
			either.has[i] = a.has[i] || b.has[i];
			not_a.has[i] = !a.has[i];
			subset &= !a.has[i] || b.has[i];
			equal &= a.has[i] == b.has[i];
		}
		assert_set(trib_ranges_intersect(&arena, x, y), &both, lowest);
		assert_set(trib_ranges_union(&arena, pair, 2), &either, lowest);
		struct trib_ranges others = trib_ranges_complement(&arena, x, points[lowest]);

		assert_set(others, &not_a, lowest);
		assert_true(trib_ranges_equal(trib_ranges_complement(&arena, others, points[lowest]), x));
		/* Between the points there may be more: the gaps are all in or all out of a range. */
		if (trib_ranges_subset(x, y))
			assert_true(subset);
		assert_true(trib_ranges_subset(trib_ranges_intersect(&arena, x, y), x));
		assert_true(trib_ranges_subset(x, trib_ranges_union(&arena, pair, 2)));
		if (trib_ranges_equal(x, y))
			assert_true(equal);
		trib_arena_reset(&arena);
	}
	trib_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(algebra_is_that_of_booleans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
