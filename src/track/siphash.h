/*
 * SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, 2012), as a scalar: what libsodium
 * calls siphashx24, inlined. libsodium's is its twin in the tests. The lanes of token_avx512.c do
 * the same to sixteen messages at once.
 */
#ifndef TRIB_TRACK_SIPHASH_H
#define TRIB_TRACK_SIPHASH_H

#include <stdint.h>
#include <string.h>

struct trib_mac {
	uint64_t half[2];
};

#define TRIB_SIP_V0 UINT64_C(0x736f6d6570736575)
#define TRIB_SIP_V1 UINT64_C(0x646f72616e646f6d)
#define TRIB_SIP_V2 UINT64_C(0x6c7967656e657261)
#define TRIB_SIP_V3 UINT64_C(0x7465646279746573)

static inline uint64_t trib_load_le64(const void *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline uint64_t trib_sip_rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void trib_sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = trib_sip_rotate(v[1], 13) ^ v[0];
	v[0] = trib_sip_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = trib_sip_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = trib_sip_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = trib_sip_rotate(v[1], 17) ^ v[2];
	v[2] = trib_sip_rotate(v[2], 32);
}

static inline void trib_sip_begin(uint64_t v[4], const uint64_t key[2])
{
	v[0] = key[0] ^ TRIB_SIP_V0;
	v[1] = key[1] ^ TRIB_SIP_V1 ^ 0xee; /* 128 bits of output */
	v[2] = key[0] ^ TRIB_SIP_V2;
	v[3] = key[1] ^ TRIB_SIP_V3;
}

static inline void trib_sip_block(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	trib_sip_round(v);
	trib_sip_round(v);
	v[0] ^= word;
}

static inline struct trib_mac trib_sip_end(uint64_t v[4])
{
	struct trib_mac mac;

	v[2] ^= 0xee;
	for (int i = 0; i < 4; i++)
		trib_sip_round(v);
	mac.half[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	for (int i = 0; i < 4; i++)
		trib_sip_round(v);
	mac.half[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
	return mac;
}

static inline struct trib_mac trib_siphash128(const uint64_t key[2], const void *data, size_t size)
{
	const unsigned char *p = data;
	uint64_t v[4], last = (uint64_t)size << 56;
	size_t left = size;

	trib_sip_begin(v, key);
	for (; left >= 8; left -= 8, p += 8)
		trib_sip_block(v, trib_load_le64(p));
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[i] << (8 * i);
	trib_sip_block(v, last);
	return trib_sip_end(v);
}

/* The same of data that stands padded: zeros up to a block of 8 bytes whose last one is the size. */
static inline struct trib_mac trib_siphash128_padded(const uint64_t key[2], const void *data,
						     size_t blocks)
{
	const unsigned char *p = data;
	uint64_t v[4];

	trib_sip_begin(v, key);
	for (size_t i = 0; i < blocks; i++)
		trib_sip_block(v, trib_load_le64(p + 8 * i));
	return trib_sip_end(v);
}

#endif
