/*
 * The fingerprints of a run, packed: 64-bit hashes of which the first 40 bits are kept, sorted, each once, as the gaps
 * between them. Two million of them take 3 bytes each. Unlike filters they can be put together: a filter over many runs
 * is filled from theirs.
 *
 *	offset	bytes
 *	0	1	2: the form. (Release 0.1 stored a filter; its size is a multiple of 64, this one's never is.)
 *	1	8	how many, big-endian
 *	9		varints: the first, then each less the one before
 *			one 0, where the size would be a multiple of 64
 *
 * A filter over prints is asked for trib_print_hash(hash). Of 100 million prints one in 10,000 other hashes is taken for
 * one of them, beside what the filter itself mistakes.
 */
#ifndef TRIB_STORE_PRINTS_H
#define TRIB_STORE_PRINTS_H

#include "base/hash.h"
#include "store/filter.h"

enum { TRIB_PRINT_BITS = 40 };

/* What stands in a filter for all hashes of one print; in their order. */
static inline uint64_t trib_print_hash(uint64_t hash)
{
	uint64_t print = hash >> (64 - TRIB_PRINT_BITS);

	return print << (64 - TRIB_PRINT_BITS) | trib_hash_u64(print) >> TRIB_PRINT_BITS;
}

/* Adds the prints of `count` items, each with its hash at the beginning, sorted by that. */
void trib_prints_pack(struct trib_buffer *buffer, const void *items, size_t count, size_t item_size);

/* Packed prints, or something else, as a filter of release 0.1? */
bool trib_prints_are(struct trib_bytes stored);
uint64_t trib_prints_count(struct trib_bytes packed);

/* A filter over all of them; false where some are broken. `packed` are things that trib_prints_are. */
bool trib_filter_fill(struct trib_filter *ret_filter, const struct trib_bytes *packed, size_t count);

#endif
