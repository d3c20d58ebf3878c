/* Packed fingerprints, and filters over several runs of them, against the hashes themselves. */
#include "test.h"

#include "store/prints.h"

enum { RUNS = 5, HASHES = 20000 };

static int compare(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* Sorted; some twice, some of one print. */
static size_t some_hashes(struct trib_rng *rng, uint64_t *hashes, size_t max)
{
	size_t count = (size_t)trib_rng_below(rng, max + 1);

	for (size_t i = 0; i < count; i++) {
		hashes[i] = trib_rng_u64(rng);
		if (i && trib_rng_chance(rng, 0.01))
			hashes[i] = hashes[i - 1];
		else if (i && trib_rng_chance(rng, 0.01))
			hashes[i] = hashes[i - 1] ^ 1;
	}
	if (count > 2) {
		hashes[0] = 0;
		hashes[1] = UINT64_MAX;
	}
	qsort(hashes, count, sizeof(*hashes), compare);
	return count;
}

static uint64_t prints_in(const uint64_t *hashes, size_t count)
{
	uint64_t prints = 0;

	for (size_t i = 0; i < count; i++)
		prints += i == 0 || hashes[i] >> 24 != hashes[i - 1] >> 24;
	return prints;
}

static void filters_over_several_runs_deny_nothing(void **state)
{
	static uint64_t hashes[RUNS][HASHES];
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 50; round++) {
		struct trib_buffer packed[RUNS];
		struct trib_bytes runs[RUNS];
		size_t counts[RUNS], lies = 0, asked = 20000;
		struct trib_filter filter;
		uint64_t total = 0;

		for (int run = 0; run < RUNS; run++) {
			counts[run] = some_hashes(&rng, hashes[run], round < 40 ? 200 : HASHES);
			trib_buffer_init(&packed[run], 1 << 20);
			trib_prints_pack(&packed[run], hashes[run], counts[run], sizeof(uint64_t));
			runs[run] = trib_buffer_bytes(&packed[run]);
			assert_true(trib_prints_are(runs[run]));
			assert_true(runs[run].size % 64 != 0);
			assert_int_equal(trib_prints_count(runs[run]), prints_in(hashes[run], counts[run]));
			total += trib_prints_count(runs[run]);
		}
		assert_true(trib_filter_fill(&filter, runs, RUNS));
		for (int run = 0; run < RUNS; run++)
			for (size_t i = 0; i < counts[run]; i++)
				assert_true(trib_filter_may_have(&filter, trib_print_hash(hashes[run][i])));
		for (size_t i = 0; i < asked; i++)
			lies += trib_filter_may_have(&filter, trib_print_hash(trib_rng_u64(&rng)));
		if (total > 1000)
			assert_true(lies < asked / 200);
		trib_filter_fini(&filter);
		for (int run = 0; run < RUNS; run++)
			trib_buffer_fini(&packed[run]);
	}
}

/* Items may be more than their hashes. */
static void items_have_their_hash_first(void **state)
{
	const struct {
		uint64_t hash, position;
	} items[] = { { UINT64_C(1) << 40, 7 }, { UINT64_C(5) << 40, 1 }, { UINT64_MAX, 2 } };
	const uint64_t hashes[] = { UINT64_C(1) << 40, UINT64_C(5) << 40, UINT64_MAX };
	struct trib_buffer a, b;

	trib_buffer_init(&a, 1000);
	trib_buffer_init(&b, 1000);
	trib_prints_pack(&a, items, 3, sizeof(items[0]));
	trib_prints_pack(&b, hashes, 3, sizeof(hashes[0]));
	assert_true(trib_bytes_equal(trib_buffer_bytes(&a), trib_buffer_bytes(&b)));
	trib_buffer_fini(&a);
	trib_buffer_fini(&b);
}

/* Whatever bytes: they are refused, or give a filter. */
static void broken_ones_are_refused(void **state)
{
	static uint64_t hashes[HASHES];
	struct trib_buffer packed;
	struct trib_filter filter;
	struct trib_rng rng;
	size_t refused = 0;

	trib_rng_seed(&rng, trib_test_seed());
	assert_false(trib_prints_are(trib_bytes("", 0)));
	assert_false(trib_prints_are(trib_bytes("\2\0\0\0\0\0\0\0\1", 9)));
	assert_true(trib_prints_are(trib_bytes("\2\0\0\0\0\0\0\0\0", 9)));
	for (int round = 0; round < 2000; round++) {
		trib_buffer_init(&packed, 1 << 20);
		trib_prints_pack(&packed, hashes, some_hashes(&rng, hashes, 100), sizeof(uint64_t));
		for (int i = 0; i < 4; i++)
			packed.data[trib_rng_below(&rng, packed.size)] = (char)trib_rng_u64(&rng);
		packed.size -= (size_t)trib_rng_below(&rng, 3);

		struct trib_bytes bytes = trib_buffer_bytes(&packed);

		if (packed.size && trib_prints_are(bytes) && trib_filter_fill(&filter, &bytes, 1))
			trib_filter_fini(&filter);
		else
			refused++;
		trib_buffer_fini(&packed);
	}
	assert_true(refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_over_several_runs_deny_nothing),
		cmocka_unit_test(items_have_their_hash_first),
		cmocka_unit_test(broken_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
