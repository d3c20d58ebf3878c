/*
 * A filter over 64-bit hashes: "surely not there" or "look it up". It stands for one stretch of the journal
 * (a run), is built in the background and kept in memory for every run that is behind the engine's own tables.
 *
 * Blocked Bloom filter (Putze, Sanders, Singler 2007): a hash picks one line of 64 bytes, and one bit in each of
 * its eight words; 16 bits per key give 0.1 % false answers. The bytes are the stored form.
 */
#ifndef TRIB_STORE_FILTER_H
#define TRIB_STORE_FILTER_H

#include "base/bytes.h"

enum { TRIB_FILTER_LINE_WORDS = 8 };

struct trib_filter {
	uint64_t *words; /* 64-byte lines */
	uint64_t lines;
};

void trib_filter_init(struct trib_filter *filter, uint64_t keys);
void trib_filter_fini(struct trib_filter *filter);
void trib_filter_clear(struct trib_filter *filter); /* nothing is in it then */
void trib_filter_add(struct trib_filter *filter, uint64_t hash);

/* From stored bytes; false where their size is not that of a filter. */
bool trib_filter_load(struct trib_filter *ret_filter, struct trib_bytes stored);

static inline struct trib_bytes trib_filter_bytes(const struct trib_filter *filter)
{
	return trib_bytes(filter->words, filter->lines * TRIB_FILTER_LINE_WORDS * sizeof(uint64_t));
}

static inline const uint64_t *trib_filter_line(const struct trib_filter *filter, uint64_t hash)
{
	uint64_t line = (uint64_t)(((unsigned __int128)hash * filter->lines) >> 64);

	return &filter->words[line * TRIB_FILTER_LINE_WORDS];
}

static inline void trib_filter_prefetch(const struct trib_filter *filter, uint64_t hash)
{
	TRIB_PREFETCH(trib_filter_line(filter, hash));
}

/* The bit of word i is six bits of the remixed hash. */
static inline bool trib_filter_may_have(const struct trib_filter *filter, uint64_t hash)
{
	const uint64_t *line = trib_filter_line(filter, hash);
	uint64_t bits = hash * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t all = 1;

	for (int i = 0; i < TRIB_FILTER_LINE_WORDS; i++)
		all &= line[i] >> ((bits >> (6 * i)) & 63);
	return all & 1;
}

#endif
