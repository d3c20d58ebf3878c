#include "test.h"

#include <math.h>
#include "catalog/chunk.h"
#include "catalog/planes.h"

/* What columns hold: one value, flags, codes of few and of many, prices with gaps, wide ones, both ends of int64. */
enum shape { ONE, FLAG, FEW, CODES, PRICES, ROUND_PRICES, GAPS, TIMES, ENDS, SHAPES };

static int64_t draw(enum shape shape, struct trib_rng *rng)
{
	switch (shape) {
	case ONE:
		return -7;
	case FLAG:
		return trib_rng_chance(rng, 0.1);
	case FEW:
		return trib_rng_between(rng, -3, 4) * 1000000007;
	case CODES:
		return trib_rng_between(rng, 100, 2100);
	case PRICES:
		return trib_rng_between(rng, 0, 1 << 17);
	case ROUND_PRICES:
		return trib_rng_between(rng, 0, 700) * 100 - 1;
	case GAPS:
		return (int64_t)pow((double)trib_rng_between(rng, 0, 300), 3) + 7;
	case TIMES:
		return 1763000000000 + trib_rng_between(rng, 0, 1ll << 36);
	default:
		return trib_rng_chance(rng, 0.5) ? INT64_MIN + (int64_t)trib_rng_below(rng, 3) : INT64_MAX - (int64_t)trib_rng_below(rng, 3);
	}
}

static void fill(int64_t *values, uint32_t rows, enum shape shape, struct trib_rng *rng)
{
	for (uint32_t row = 0; row < rows; row++)
		values[row] = draw(shape, rng);
}

static struct trib_ranges draw_set(struct trib_arena *arena, const int64_t *values, uint32_t rows, struct trib_rng *rng)
{
	struct trib_ranges sets[40];
	uint32_t count = trib_rng_chance(rng, 0.2) ? 1 + (uint32_t)trib_rng_below(rng, 40) : 1 + (uint32_t)trib_rng_below(rng, 3);

	for (uint32_t i = 0; i < count; i++) {
		int64_t lo = values[trib_rng_below(rng, rows)], hi = trib_rng_chance(rng, 0.5) ? lo : values[trib_rng_below(rng, rows)];

		if (trib_rng_chance(rng, 0.3) && lo > INT64_MIN)
			lo--;
		if (trib_rng_chance(rng, 0.1))
			hi = INT64_MAX;
		if (trib_rng_chance(rng, 0.1))
			lo = INT64_MIN;
		sets[i] = trib_ranges_of(arena, TRIB_MIN(lo, hi), TRIB_MAX(lo, hi));
	}
	return trib_ranges_union(arena, sets, count);
}

static void values_come_back(void **state)
{
	static int64_t values[TRIB_CHUNK_ROWS], decoded[TRIB_BLOCK_ROWS];
	struct trib_chunk_encoder *encoder = trib_chunk_encoder_new();
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 4 * SHAPES; round++) {
		uint32_t rows = round < SHAPES ? TRIB_CHUNK_ROWS : 1 + (uint32_t)trib_rng_below(&rng, TRIB_CHUNK_ROWS);

		fill(values, rows, (enum shape)(round % SHAPES), &rng);
		struct trib_chunk chunk = trib_chunk_encode(encoder, values, rows);

		for (uint32_t block = 0; block < TRIB_CHUNK_BLOCKS; block++) {
			trib_chunk_decode(&chunk, block, decoded);
			for (uint32_t i = 0, row = block * TRIB_BLOCK_ROWS; i < TRIB_BLOCK_ROWS && row < rows; i++, row++)
				if (decoded[i] != values[row] || trib_chunk_value(&chunk, row) != values[row])
					fail_msg("shape %d row %u: %lld, not %lld", round % SHAPES, row,
						 (long long)decoded[i], (long long)values[row]);
		}
	}
	trib_chunk_encoder_free(encoder);
}

static void encodings_are_the_smaller_ones(void **state)
{
	static int64_t values[TRIB_CHUNK_ROWS];
	static const struct {
		enum shape shape;
		uint8_t bits;
		bool dictionary;
	} rows[] = { { ONE, 0, false },	   { FLAG, 1, false },	       { FEW, 3, false },
		     { CODES, 11, false }, { ROUND_PRICES, 10, false }, { GAPS, 9, true },  { ENDS, 64, false } };
	struct trib_chunk_encoder *encoder = trib_chunk_encoder_new();
	struct trib_rng rng;

	trib_rng_seed(&rng, 1);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		fill(values, TRIB_CHUNK_ROWS, rows[i].shape, &rng);
		struct trib_chunk chunk = trib_chunk_encode(encoder, values, TRIB_CHUNK_ROWS);

		assert_int_equal(chunk.bits, rows[i].bits);
		assert_int_equal(chunk.offsets != NULL, rows[i].dictionary);
	}
	trib_chunk_encoder_free(encoder);
}

static void filters_leave_what_a_loop_leaves(void **state)
{
	static int64_t values[TRIB_CHUNK_ROWS];
	uint64_t rows_left[TRIB_CHUNK_WORDS], before[TRIB_CHUNK_WORDS];
	struct trib_chunk_encoder *encoder = trib_chunk_encoder_new();
	struct trib_arena arena;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	trib_arena_init(&arena, 1 << 20);
	for (int round = 0; round < 300; round++) {
		enum shape shape = (enum shape)trib_rng_below(&rng, SHAPES);
		uint32_t rows = trib_rng_chance(&rng, 0.7) ? TRIB_CHUNK_ROWS : 1 + (uint32_t)trib_rng_below(&rng, TRIB_CHUNK_ROWS);

		fill(values, rows, shape, &rng);
		struct trib_chunk chunk = trib_chunk_encode(encoder, values, rows);
		struct trib_ranges set = draw_set(&arena, values, rows, &rng);

		trib_chunk_all(rows, rows_left);
		if (trib_rng_chance(&rng, 0.5))
			for (uint32_t i = 0; i < TRIB_CHUNK_WORDS; i++)
				rows_left[i] &= trib_rng_chance(&rng, 0.3) ? 0 : trib_rng_u64(&rng);
		memcpy(before, rows_left, sizeof(before));
		bool any = trib_chunk_filter(&chunk, set, rows_left), expected_any = false;

		for (uint32_t row = 0; row < TRIB_CHUNK_ROWS; row++) {
			bool expected = (before[row / 64] >> row % 64 & 1) && trib_ranges_has(set, values[row]);

			if ((rows_left[row / 64] >> row % 64 & 1) != expected)
				fail_msg("round %d, shape %d, row %u of %u with %lld: expected %d", round, shape, row, rows,
					 (long long)values[row], expected);
			expected_any |= expected;
		}
		assert_int_equal(any, expected_any);
		trib_arena_reset(&arena);
	}
	trib_arena_fini(&arena);
	trib_chunk_encoder_free(encoder);
}

/* The kernels against each other, of every width. */
static void kernels_are_alike(void **state)
{
	uint64_t indexes[TRIB_BLOCK_ROWS], back[2][TRIB_BLOCK_ROWS], planes[2][64 * TRIB_BLOCK_WORDS];
	const struct trib_planes_kernel *kernels[2] = { &trib_planes_portable, trib_planes() };
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (uint8_t bits = 1; bits <= 64; bits++)
		for (int round = 0; round < 20; round++) {
			uint64_t mask = bits == 64 ? ~0ull : (1ull << bits) - 1, left[2][TRIB_BLOCK_WORDS];
			struct trib_index_range ranges[3];

			for (uint32_t i = 0; i < TRIB_BLOCK_ROWS; i++)
				indexes[i] = trib_rng_u64(&rng) & mask;
			for (int r = 0; r < 3; r++) {
				uint64_t a = indexes[trib_rng_below(&rng, 512)], b = indexes[trib_rng_below(&rng, 512)];

				bool to = TRIB_MAX(a, b) < mask && trib_rng_chance(&rng, 0.5);

				ranges[r] = (struct trib_index_range){ TRIB_MIN(a, b), TRIB_MAX(a, b), !to || trib_rng_chance(&rng, 0.5), to };
			}
			for (int k = 0; k < 2; k++) {
				for (int i = 0; i < TRIB_BLOCK_WORDS; i++)
					left[k][i] = i == round % 9 ? 0 : ~0ull;
				kernels[k]->encode(indexes, bits, planes[k]);
				kernels[k]->decode(planes[k], bits, back[k]);
				kernels[k]->filter(planes[k], bits, ranges, 3, left[k]);
			}
			assert_memory_equal(planes[0], planes[1], bits * 64u);
			assert_memory_equal(back[0], indexes, sizeof(indexes));
			assert_memory_equal(back[1], indexes, sizeof(indexes));
			assert_memory_equal(left[0], left[1], sizeof(left[0]));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back),
		cmocka_unit_test(encodings_are_the_smaller_ones),
		cmocka_unit_test(filters_leave_what_a_loop_leaves),
		cmocka_unit_test(kernels_are_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
