/*
 * What is done to planes, 512 rows at a time: portable, and for x86-64 with AVX-512, chosen at start. Inside the room.
 */
#ifndef TRIB_CATALOG_PLANES_H
#define TRIB_CATALOG_PLANES_H

#include "catalog/chunk.h"

/* lo <= index <= hi; which of the two ends is to be looked at: one of them, or both. */
struct trib_index_range {
	uint64_t lo, hi;
	bool from, to;
};

struct trib_planes_kernel {
	/* Of the rows of a block those are left whose index is in one of the ranges. */
	void (*filter)(const uint64_t *block, uint8_t bits, const struct trib_index_range *ranges,
		       uint32_t count, uint64_t rows[TRIB_BLOCK_WORDS]);
	void (*decode)(const uint64_t *block, uint8_t bits, uint64_t ret_indexes[TRIB_BLOCK_ROWS]);
	uint32_t (*count)(const uint64_t rows[TRIB_CHUNK_WORDS]);
	void (*encode)(const uint64_t indexes[TRIB_BLOCK_ROWS], uint8_t bits, uint64_t *ret_block);
};

extern const struct trib_planes_kernel trib_planes_portable;
/* The best that this machine has. */
const struct trib_planes_kernel *trib_planes(void);

#ifdef __x86_64__
bool trib_planes_avx512_here(void);
extern const struct trib_planes_kernel trib_planes_avx512;
#endif

#endif
