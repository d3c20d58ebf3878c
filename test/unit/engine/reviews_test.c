/* The review queue against an array of flags. */
#include "test.h"

#include "base/rng.h"
#include "engine/reviews.h"

enum { POSITIONS = 3000 };

struct twin {
	bool waits[POSITIONS], stored[POSITIONS];
	uint64_t last_emitted;
};

static void store(void *context, uint64_t position, bool waits)
{
	struct twin *twin = context;

	assert_true(position > twin->last_emitted);
	twin->last_emitted = position;
	twin->stored[position] = waits;
}

static void assert_same(const struct trib_reviews *reviews, const bool *waits)
{
	uint64_t found = 0;
	size_t count = 0;

	for (uint64_t position = 1; position < POSITIONS; position++) {
		assert_int_equal(trib_reviews_waits(reviews, position), waits[position]);
		if (!waits[position])
			continue;
		found = trib_reviews_next(reviews, found);
		assert_int_equal(found, position);
		count++;
	}
	assert_int_equal(trib_reviews_next(reviews, found), 0);
	assert_int_equal(trib_reviews_count(reviews), count);
}

static void behaves_as_flags_do(void **state)
{
	static struct twin twin;
	struct trib_reviews *reviews = trib_reviews_new();
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (uint64_t position = 1; position < POSITIONS; position++) {
		uint64_t other = 1 + trib_rng_below(&rng, position);

		if (trib_rng_chance(&rng, 0.7)) {
			trib_reviews_open(reviews, position);
			twin.waits[position] = true;
		}
		for (int i = trib_rng_chance(&rng, 0.02) ? 200 : 1; i > 0; i--, other = 1 + trib_rng_below(&rng, position)) {
			assert_int_equal(trib_reviews_close(reviews, other), twin.waits[other]);
			twin.waits[other] = false;
		}
		if (position % 500 == 0) {
			assert_same(reviews, twin.waits);
			twin.last_emitted = 0;
			trib_reviews_take_changes(reviews, store, &twin);
			assert_memory_equal(twin.stored, twin.waits, sizeof(twin.waits));
		}
	}
	struct trib_reviews *loaded = trib_reviews_new();

	for (uint64_t position = 1; position < POSITIONS; position++)
		if (twin.waits[position])
			trib_reviews_load(loaded, position);
	assert_same(loaded, twin.waits);
	trib_reviews_free(loaded);
	trib_reviews_free(reviews);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_as_flags_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
