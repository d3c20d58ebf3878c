/*
 * Blocks of a few sizes in one reserved stretch of memory, without holes. Private to the room.
 *
 * The blocks of one size stand in chunks, one after another. Removing a block moves the last block of its size into
 * the hole, so each size has at most one chunk that is not full; empty chunks serve any size. The caller, who alone
 * knows where each block is referred to, is told what has moved.
 *
 *	if (trib_blocks_ready(&blocks, size))
 *		unit = trib_blocks_add(&blocks, size);
 *	moved = trib_blocks_remove(&blocks, size, unit);       // who stood at `moved` now stands at `unit`; 0: nobody
 *
 * A block is named by its unit: its offset in words of 4 bytes, below 2^37, never 0.
 */
#ifndef TRIB_ATTRIBUTION_BLOCKS_H
#define TRIB_ATTRIBUTION_BLOCKS_H

#include <stdbool.h>
#include "base/macros.h"

enum {
	TRIB_BLOCK_SIZES_MAX = 48,
	TRIB_BLOCK_CHUNK_BYTES = 128 << 10,
	TRIB_BLOCK_UNIT_BITS = 37,
};

struct trib_block_size {
	uint32_t bytes;	    /* of one block, a multiple of 4 */
	uint32_t per_chunk; /* blocks in a chunk */
	uint32_t last;	    /* blocks in the last chunk; per_chunk when there is no chunk */
	uint32_t chunks_count, chunks_max;
	uint32_t *chunks; /* numbers; the last one is being filled */
};

struct trib_blocks {
	char *base;
	size_t reserved_bytes;
	uint32_t chunks_max;  /* number 0 is never given out */
	uint32_t chunks_next; /* never used so far; other threads may read it */
	uint32_t free_count, free_max;
	uint32_t *free_chunks;
	struct trib_block_size sizes[TRIB_BLOCK_SIZES_MAX];
};

/* Reserves addresses for bytes_max; memory comes as it is touched. */
void trib_blocks_init(struct trib_blocks *blocks, size_t bytes_max, const uint32_t *sizes_bytes,
		      size_t sizes);
void trib_blocks_fini(struct trib_blocks *blocks);

/* Is there room for one more of this size? */
bool trib_blocks_ready(const struct trib_blocks *blocks, uint32_t size);
uint64_t trib_blocks_add(struct trib_blocks *blocks, uint32_t size);
uint64_t trib_blocks_remove(struct trib_blocks *blocks, uint32_t size, uint64_t unit);

/* Faults in the next `bytes` that were never used. Any thread. */
void trib_blocks_touch_ahead(const struct trib_blocks *blocks, size_t bytes);

static inline void *trib_blocks_at(const struct trib_blocks *blocks, uint64_t unit)
{
	return blocks->base + unit * 4;
}

/* The unit of the i-th block of a size, for walks. */
static inline uint64_t trib_blocks_unit(const struct trib_block_size *size, uint64_t i)
{
	return ((uint64_t)size->chunks[i / size->per_chunk] * TRIB_BLOCK_CHUNK_BYTES +
		i % size->per_chunk * size->bytes) /
	       4;
}

static inline uint64_t trib_blocks_count(const struct trib_block_size *size)
{
	return size->chunks_count
		       ? (uint64_t)(size->chunks_count - 1) * size->per_chunk + size->last
		       : 0;
}

/* Taken from the kernel, bookkeeping included. */
size_t trib_blocks_bytes(const struct trib_blocks *blocks);

#endif
