/*
 * The kernel for x86-64 with AVX-512: a plane of a block is one register, and a step of a comparison one
 * three-operand logical instruction. The portable kernel is the twin in the tests.
 */
#include "catalog/planes.h"

#ifdef __x86_64__
#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,popcnt")))
#define INLINE AVX512 static inline __attribute__((always_inline))

/* Truth tables of is, plane, c (is the highest bit of the place, c the lowest). */
enum {
	AT_LEAST = 0xd4, /* c ? is & plane : is | plane */
	EQUAL = 0x90,	 /* is & (plane == c) */
};

bool trib_planes_avx512_here(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("popcnt");
}

/* Bit b of c in every row. */
INLINE __m512i bit_of(uint64_t c, uint8_t b)
{
	return _mm512_set1_epi64(-(int64_t)(c >> b & 1));
}

INLINE __m512i equal(const uint64_t *block, uint8_t bits, uint64_t c)
{
	__m512i is = _mm512_set1_epi64(-1);

	for (uint8_t b = 0; b < bits; b++)
		is = _mm512_ternarylogic_epi64(is, _mm512_loadu_si512(block + b * TRIB_BLOCK_WORDS),
					       bit_of(c, b), EQUAL);
	return is;
}

INLINE __m512i at_least(const uint64_t *block, uint8_t bits, uint64_t c)
{
	__m512i is = _mm512_set1_epi64(-1);

	for (uint8_t b = 0; b < bits; b++)
		is = _mm512_ternarylogic_epi64(is, _mm512_loadu_si512(block + b * TRIB_BLOCK_WORDS),
					       bit_of(c, b), AT_LEAST);
	return is;
}

INLINE __m512i within(const uint64_t *block, uint8_t bits, uint64_t lo, uint64_t beyond)
{
	__m512i from = _mm512_set1_epi64(-1), past = from;

	for (uint8_t b = 0; b < bits; b++) {
		__m512i plane = _mm512_loadu_si512(block + b * TRIB_BLOCK_WORDS);

		from = _mm512_ternarylogic_epi64(from, plane, bit_of(lo, b), AT_LEAST);
		past = _mm512_ternarylogic_epi64(past, plane, bit_of(beyond, b), AT_LEAST);
	}
	return _mm512_andnot_si512(past, from);
}

AVX512 static void filter(const uint64_t *block, uint8_t bits,
			  const struct trib_index_range *ranges, uint32_t count,
			  uint64_t rows[TRIB_BLOCK_WORDS])
{
	__m512i is = _mm512_setzero_si512();

	for (uint32_t i = 0; i < count; i++) {
		const struct trib_index_range *range = &ranges[i];
		__m512i in;

		if (range->lo == range->hi)
			in = equal(block, bits, range->lo);
		else if (range->from && range->to)
			in = within(block, bits, range->lo, range->hi + 1);
		else if (range->from)
			in = at_least(block, bits, range->lo);
		else
			in = _mm512_xor_si512(at_least(block, bits, range->hi + 1),
					      _mm512_set1_epi64(-1));
		is = _mm512_or_si512(is, in);
	}
	_mm512_storeu_si512(rows, _mm512_and_si512(is, _mm512_loadu_si512(rows)));
}

AVX512 static void decode(const uint64_t *block, uint8_t bits,
			  uint64_t ret_indexes[TRIB_BLOCK_ROWS])
{
	const uint8_t *bytes = (const uint8_t *)block;

	for (uint32_t eight = 0; eight < TRIB_BLOCK_ROWS / 8; eight++) {
		__m512i indexes = _mm512_setzero_si512();

		for (uint8_t b = 0; b < bits; b++)
			indexes = _mm512_mask_or_epi64(
				indexes, bytes[b * sizeof(uint64_t) * TRIB_BLOCK_WORDS + eight],
				indexes, _mm512_set1_epi64((int64_t)(1ull << b)));
		_mm512_storeu_si512(ret_indexes + eight * 8, indexes);
	}
}

AVX512 static uint32_t count_rows(const uint64_t rows[TRIB_CHUNK_WORDS])
{
	uint64_t sums[4] = { 0 };

	for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word += 4)
		for (int i = 0; i < 4; i++)
			sums[i] += (uint64_t)__builtin_popcountll(rows[word + i]);
	return (uint32_t)(sums[0] + sums[1] + sums[2] + sums[3]);
}

AVX512 static void encode(const uint64_t indexes[TRIB_BLOCK_ROWS], uint8_t bits,
			  uint64_t *ret_block)
{
	uint8_t *bytes = (uint8_t *)ret_block;

	for (uint32_t eight = 0; eight < TRIB_BLOCK_ROWS / 8; eight++) {
		__m512i some = _mm512_loadu_si512(indexes + eight * 8);

		for (uint8_t b = 0; b < bits; b++)
			bytes[b * sizeof(uint64_t) * TRIB_BLOCK_WORDS + eight] =
				_mm512_test_epi64_mask(some,
						       _mm512_set1_epi64((int64_t)(1ull << b)));
	}
}

const struct trib_planes_kernel trib_planes_avx512 = { filter, decode, count_rows, encode };

#else
typedef int trib_no_planes_avx512_here; /* ISO C wants a declaration in every file */
#endif
