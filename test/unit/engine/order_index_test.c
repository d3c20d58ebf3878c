/* The order index against a sorted list of everything that was ever inserted. */
#include "test.h"

#include "base/hash.h"
#include "engine/order_index.h"

static void finds_all_that_is_not_behind_the_horizon(void **state)
{
	struct trib_order_index *index = trib_order_index_new(1 << 20);
	uint64_t seed = trib_test_seed(), horizon = 0;
	size_t capacity = trib_order_index_capacity(index);

	for (uint64_t i = 1; i <= 4 * capacity; i++) {
		uint64_t fingerprint = trib_hash_u64(seed + i);

		if (!trib_order_index_insert(index, fingerprint, i) || i - horizon > capacity) {
			horizon = TRIB_MAX(horizon, i - capacity / 2);
			trib_order_index_set_horizon(index, horizon);
			if (!trib_order_index_find(index, fingerprint, &(uint32_t){ 0 }))
				assert_true(trib_order_index_insert(index, fingerprint, i));
		}
		uint64_t asked = 1 + trib_hash_u64(i ^ seed) % i;
		uint32_t cursor = 0;
		uint64_t position = trib_order_index_find(index, trib_hash_u64(seed + asked), &cursor);

		if (asked >= horizon && asked != 0)
			assert_true(position == asked);
		else
			assert_true(position == 0 || position >= horizon);
	}
	trib_order_index_free(index);
}

static void equal_fingerprints_are_all_found(void **state)
{
	struct trib_order_index *index = trib_order_index_new(1 << 14);
	uint64_t seen = 0;
	uint32_t cursor = 0;

	for (uint64_t i = 1; i <= 12; i++)
		assert_true(trib_order_index_insert(index, 77, i));
	for (uint64_t position; (position = trib_order_index_find(index, 77, &cursor));)
		seen |= UINT64_C(1) << position;
	assert_int_equal(seen, 0x1ffe);
	trib_order_index_free(index);
}

static void holds_64_million_in_a_gibibyte(void **state)
{
	struct trib_order_index *index = trib_order_index_new((size_t)1 << 30);

	assert_true(trib_order_index_capacity(index) >= 64000000);
	trib_order_index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_all_that_is_not_behind_the_horizon),
		cmocka_unit_test(equal_fingerprints_are_all_found),
		cmocka_unit_test(holds_64_million_in_a_gibibyte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
