/*
 * A chunk: one column of 65,536 rows, encoded, read only. What a filter reads, and nothing beside it.
 *
 * Values are int64 (codes, integers, amounts, scaled decimals, ms). Each is min + step × *offset*; what a chunk keeps for
 * a row is the *index* of its offset in the ascending dictionary of those that it has, or, where that would be larger,
 * the offset itself. Indexes ascend with their values, so that a range of values is a range of indexes. An index of b bits stands in b *planes*
 * ("vertical bit-packing": Li and Patel, BitWeaving, SIGMOD 2013), in blocks of 512 rows: of each block first the
 * least significant bit of all 512 rows, eight words, then the next bit. A comparison costs an operation a plane for
 * 512 rows. A chunk whose rows all have one value has no planes.
 *
 *	uint64_t rows[TRIB_CHUNK_WORDS];                    // the rows that are left, a bit each
 *
 *	trib_chunk_all(chunk_rows, rows);
 *	trib_chunk_filter(&price, cheap, rows);             // struct trib_ranges: [0, 9900]
 *	trib_chunk_filter(&category, dresses, rows);
 *	for (uint32_t block = 0; block < TRIB_CHUNK_BLOCKS; block++) …trib_chunk_decode(&price, block, values);
 *
 * Immutable; any thread. Rows behind the last one of a chunk that is not full have bits of 0 in every set of rows.
 */
#ifndef TRIB_CATALOG_CHUNK_H
#define TRIB_CATALOG_CHUNK_H

#include "base/ranges.h"

enum {
	TRIB_CHUNK_ROWS = 65536,
	TRIB_CHUNK_WORDS = TRIB_CHUNK_ROWS / 64,
	TRIB_BLOCK_ROWS = 512,
	TRIB_BLOCK_WORDS = TRIB_BLOCK_ROWS / 64,
	TRIB_CHUNK_BLOCKS = TRIB_CHUNK_ROWS / TRIB_BLOCK_ROWS,
};

struct trib_chunk {
	int64_t min, max; /* of the rows' values */
	uint64_t step;	  /* from 1 */
	const uint32_t *
		offsets; /* the dictionary: offset_count of them, ascending; NULL: an index is an offset */
	const uint64_t
		*planes; /* TRIB_CHUNK_BLOCKS × bits × TRIB_BLOCK_WORDS; NULL where bits is 0 */
	uint32_t offset_count;
	uint32_t rows;
	uint8_t bits;
};

/* The planes of a chunk in bytes, and with its dictionary. */
static inline size_t trib_chunk_plane_bytes(uint8_t bits)
{
	return (size_t)bits * (TRIB_CHUNK_ROWS / 8);
}

static inline size_t trib_chunk_bytes(const struct trib_chunk *chunk)
{
	return trib_chunk_plane_bytes(chunk->bits) + chunk->offset_count * sizeof(uint32_t);
}

/* ---- Making ------------------------------------------------------------------------------- */

/* What encoding needs, once a thread. */
struct trib_chunk_encoder;
struct trib_chunk_encoder *trib_chunk_encoder_new(void);
void trib_chunk_encoder_free(struct trib_chunk_encoder *encoder);

/* 1 to TRIB_CHUNK_ROWS values. The chunk stands in the encoder's memory until the next call: planes, then dictionary. */
struct trib_chunk trib_chunk_encode(struct trib_chunk_encoder *encoder, const int64_t *values,
				    uint32_t rows);

/* ---- Asking ------------------------------------------------------------------------------- */

/* The first `count` rows. */
void trib_chunk_all(uint32_t count, uint64_t rows[TRIB_CHUNK_WORDS]);
uint32_t trib_chunk_count(const uint64_t rows[TRIB_CHUNK_WORDS]);

/* Of `rows`, those whose value is in the set are left. False: none is. */
bool trib_chunk_filter(const struct trib_chunk *chunk, struct trib_ranges set,
		       uint64_t rows[TRIB_CHUNK_WORDS]);

int64_t trib_chunk_value(const struct trib_chunk *chunk, uint32_t row);

/* The indexes of a block. */
void trib_chunk_indexes(const struct trib_chunk *chunk, uint32_t block,
			uint64_t ret_indexes[TRIB_BLOCK_ROWS]);

/* The values of a block; of rows that are not there anything. */
void trib_chunk_decode(const struct trib_chunk *chunk, uint32_t block,
		       int64_t ret_values[TRIB_BLOCK_ROWS]);

#endif
