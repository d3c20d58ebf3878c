#include "base/hash.h"

#include <sodium.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#ifdef __x86_64__
#include <nmmintrin.h>
#endif

uint64_t trib_hash_bytes(struct trib_bytes bytes)
{
	return XXH3_64bits(bytes.data, bytes.size);
}

uint64_t trib_hash_keyed(struct trib_bytes bytes, const struct trib_hash_key *key)
{
	uint64_t hash;

	_Static_assert(crypto_shorthash_BYTES == sizeof(hash), "SipHash-2-4 gives 64 bits");
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)bytes.data, bytes.size,
			 key->bytes);
	return hash;
}

static uint32_t crc_table[256];

__attribute__((constructor)) static void fill_crc_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
		crc_table[i] = crc;
	}
}

static uint32_t crc_by_table(uint32_t crc, const unsigned char *p, size_t size)
{
	while (size--)
		crc = (crc >> 8) ^ crc_table[(crc ^ *p++) & 0xff];
	return crc;
}

#ifdef __x86_64__
/*
 * The crc32 instruction takes one word a cycle but answers after three, so three parts of a long
 * piece are summed side by side. The sums are then joined: appending n zero bytes to what a
 * checksum covers is a linear map of the checksum, kept as a table per byte of it.
 */
enum { CRC_PART = 1024 };
static uint32_t crc_skip_one[4][256], crc_skip_two[4][256];

/* a × b modulo the polynomial, both bit-reflected: bit 31 is x^0. */
static uint32_t crc_multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;

	for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = (b >> 1) ^ (b & 1 ? 0x82f63b78u : 0);
	}
	return product;
}

__attribute__((constructor)) static void fill_crc_skips(void)
{
	uint32_t one = 1u << 30; /* x^1 */

	for (int doubled = 1; doubled < 8 * CRC_PART; doubled *= 2)
		one = crc_multiply(one, one);
	for (uint32_t byte = 0; byte < 4; byte++)
		for (uint32_t i = 0; i < 256; i++) {
			crc_skip_one[byte][i] = crc_multiply(i << 8 * byte, one);
			crc_skip_two[byte][i] = crc_multiply(crc_skip_one[byte][i], one);
		}
}

static uint32_t crc_skip(const uint32_t table[4][256], uint32_t crc)
{
	return table[0][crc & 0xff] ^ table[1][crc >> 8 & 0xff] ^ table[2][crc >> 16 & 0xff] ^
	       table[3][crc >> 24];
}

static uint64_t load_word(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return word;
}

__attribute__((target("sse4.2"))) static uint32_t
crc_by_instruction(uint32_t crc, const unsigned char *p, size_t size)
{
	uint64_t wide = crc;

	for (; size >= 3 * CRC_PART; size -= 3 * CRC_PART, p += 3 * CRC_PART) {
		uint64_t second = 0, third = 0;

		for (const unsigned char *q = p; q < p + CRC_PART; q += 8) {
			wide = _mm_crc32_u64(wide, load_word(q));
			second = _mm_crc32_u64(second, load_word(q + CRC_PART));
			third = _mm_crc32_u64(third, load_word(q + 2 * CRC_PART));
		}
		wide = crc_skip(crc_skip_two, (uint32_t)wide) ^
		       crc_skip(crc_skip_one, (uint32_t)second) ^ (uint32_t)third;
	}
	for (; size >= 8; size -= 8, p += 8)
		wide = _mm_crc32_u64(wide, load_word(p));
	crc = (uint32_t)wide;
	while (size--)
		crc = _mm_crc32_u8(crc, *p++);
	return crc;
}
#endif

uint32_t trib_crc32c(uint32_t seed, const void *data, size_t size)
{
	uint32_t crc = ~seed;

#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_by_instruction(crc, data, size);
#endif
	return ~crc_by_table(crc, data, size);
}
