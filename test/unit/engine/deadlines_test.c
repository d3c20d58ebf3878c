/* Deadlines against an array that is searched for its earliest. */
#include "test.h"

#include "base/rng.h"
#include "engine/deadlines.h"

enum { STEPS = 20000, AT_ONCE = 500 };

struct twin {
	struct deadline list[AT_ONCE];
	size_t count;
};

static size_t earliest(const struct twin *twin)
{
	size_t at = 0;

	for (size_t i = 1; i < twin->count; i++)
		if (twin->list[i].at_ms < twin->list[at].at_ms)
			at = i;
	return at;
}

static void come_in_the_order_of_their_times(void **state)
{
	static struct twin twin;
	struct deadlines deadlines = { 0 };
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (uint32_t i = 0; i < STEPS; i++) {
		int64_t now_ms = (int64_t)i * 10, at_ms = now_ms + (int64_t)trib_rng_below(&rng, 5000) - 100;
		struct deadline due;

		if (twin.count < AT_ONCE) {
			deadlines_add(&deadlines, at_ms, i % 3, i);
			twin.list[twin.count++] = (struct deadline){ at_ms, i % 3, i };
		}
		while (deadlines_take(&deadlines, now_ms, &due)) {
			size_t at = earliest(&twin);

			assert_true(due.at_ms <= now_ms);
			assert_int_equal(due.at_ms, twin.list[at].at_ms);
			for (at = 0; twin.list[at].number != due.number; at++)
				assert_true(at < twin.count);
			assert_int_equal(twin.list[at].noun, due.noun);
			assert_int_equal(twin.list[at].at_ms, due.at_ms);
			twin.list[at] = twin.list[--twin.count];
		}
		assert_int_equal(deadlines.count, twin.count);
		assert_true(!twin.count || twin.list[earliest(&twin)].at_ms > now_ms);
	}
	deadlines_fini(&deadlines);
	assert_false(deadlines_due(&deadlines, INT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(come_in_the_order_of_their_times) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
