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

static inline struct trib_mac trib_siphash128(const uint64_t key[2], const void *data, size_t size)
{
	uint64_t v[4] = { key[0] ^ TRIB_SIP_V0, key[1] ^ TRIB_SIP_V1 ^ 0xee, key[0] ^ TRIB_SIP_V2,
			  key[1] ^ TRIB_SIP_V3 };
	const unsigned char *p = data;
	uint64_t last = (uint64_t)size << 56;
	size_t left = size;

	for (; left >= 8; left -= 8, p += 8) {
		uint64_t word = trib_load_le64(p);

		v[3] ^= word;
		trib_sip_round(v);
		trib_sip_round(v);
		v[0] ^= word;
	}
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[i] << (8 * i);
	v[3] ^= last;
	trib_sip_round(v);
	trib_sip_round(v);
	v[0] ^= last;
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

#endif
