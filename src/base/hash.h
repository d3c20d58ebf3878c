/*
 * Hashes, each for one purpose:
 *   trib_hash_bytes      tables in memory of trusted shape (XXH3, not secret)
 *   trib_hash_keyed      tables that outsiders fill, and fingerprints (SipHash-2-4, 64 bits, secret key)
 *   trib_crc32c          checksums of stored records (Castagnoli; hardware where there is one)
 */
#ifndef TRIB_BASE_HASH_H
#define TRIB_BASE_HASH_H

#include "base/bytes.h"

struct trib_hash_key {
	unsigned char bytes[16];
};

uint64_t trib_hash_bytes(struct trib_bytes bytes);
uint64_t trib_hash_keyed(struct trib_bytes bytes, const struct trib_hash_key *key);

/* `seed` is the checksum so far, 0 to begin. */
uint32_t trib_crc32c(uint32_t seed, const void *data, size_t size);

/* A bijection with good avalanche (the finaliser of SplitMix64). */
static inline uint64_t trib_hash_u64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

#endif
