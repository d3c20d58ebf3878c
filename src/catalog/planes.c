/*
 * The portable kernel: words of 64 rows. A comparison goes from the least significant plane up: with x >= c known of
 * the bits below, a bit of 1 in c keeps it only where x has the bit, a bit of 0 makes it true there.
 */
#include "catalog/planes.h"

static uint64_t at_least(const uint64_t *plane, uint8_t bits, uint64_t c)
{
	uint64_t is = ~0ull;

	for (uint8_t b = 0; b < bits; b++, plane += TRIB_BLOCK_WORDS)
		is = c >> b & 1 ? is & *plane : is | *plane;
	return is;
}

static uint64_t equal(const uint64_t *plane, uint8_t bits, uint64_t c)
{
	uint64_t is = ~0ull;

	for (uint8_t b = 0; b < bits; b++, plane += TRIB_BLOCK_WORDS)
		is &= c >> b & 1 ? *plane : ~*plane;
	return is;
}

static void filter(const uint64_t *block, uint8_t bits, const struct trib_index_range *ranges,
		   uint32_t count, uint64_t rows[TRIB_BLOCK_WORDS])
{
	for (uint32_t word = 0; word < TRIB_BLOCK_WORDS; word++) {
		uint64_t is = 0;

		for (uint32_t i = 0; rows[word] && i < count; i++) {
			const struct trib_index_range *range = &ranges[i];

			if (range->lo == range->hi) {
				is |= equal(block + word, bits, range->lo);
				continue;
			}
			uint64_t in = range->from ? at_least(block + word, bits, range->lo) : ~0ull;

			is |= range->to ? in & ~at_least(block + word, bits, range->hi + 1) : in;
		}
		rows[word] &= is;
	}
}

static void decode(const uint64_t *block, uint8_t bits, uint64_t ret_indexes[TRIB_BLOCK_ROWS])
{
	memset(ret_indexes, 0, TRIB_BLOCK_ROWS * sizeof(*ret_indexes));
	for (uint8_t b = 0; b < bits; b++)
		for (uint32_t row = 0; row < TRIB_BLOCK_ROWS; row++)
			ret_indexes[row] |=
				(block[b * TRIB_BLOCK_WORDS + row / 64] >> (row % 64) & 1) << b;
}

static uint32_t count_rows(const uint64_t rows[TRIB_CHUNK_WORDS])
{
	uint32_t sum = 0;

	for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word++)
		sum += (uint32_t)__builtin_popcountll(rows[word]);
	return sum;
}

static void encode(const uint64_t indexes[TRIB_BLOCK_ROWS], uint8_t bits, uint64_t *ret_block)
{
	for (uint8_t b = 0; b < bits; b++)
		for (uint32_t word = 0; word < TRIB_BLOCK_WORDS; word++) {
			uint64_t plane = 0;

			for (uint32_t row = 0; row < 64; row++)
				plane |= (indexes[word * 64 + row] >> b & 1) << row;
			*ret_block++ = plane;
		}
}

const struct trib_planes_kernel trib_planes_portable = { filter, decode, count_rows, encode };

const struct trib_planes_kernel *trib_planes(void)
{
#ifdef __x86_64__
	static const struct trib_planes_kernel *best;

	if (!__atomic_load_n(&best, __ATOMIC_RELAXED))
		__atomic_store_n(&best,
				 trib_planes_avx512_here() ? &trib_planes_avx512
							   : &trib_planes_portable,
				 __ATOMIC_RELAXED);
	return __atomic_load_n(&best, __ATOMIC_RELAXED);
#else
	return &trib_planes_portable;
#endif
}
