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
__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(uint32_t crc,
								      const unsigned char *p,
								      size_t size)
{
	uint64_t wide = crc;

	for (; size >= 8; size -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		wide = _mm_crc32_u64(wide, word);
	}
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
