#include "store/filter.h"

enum { BITS_PER_KEY = 16, LINE_BYTES = TRIB_FILTER_LINE_WORDS * 8 };

static void allocate(struct trib_filter *filter, uint64_t lines)
{
	filter->lines = lines;
	filter->words = aligned_alloc(LINE_BYTES, lines * LINE_BYTES);
	trib_assert(filter->words);
}

void trib_filter_init(struct trib_filter *filter, uint64_t keys)
{
	allocate(filter, keys * BITS_PER_KEY / (8 * LINE_BYTES) + 1);
	trib_filter_clear(filter);
}

void trib_filter_clear(struct trib_filter *filter)
{
	memset(filter->words, 0, filter->lines * LINE_BYTES);
}

void trib_filter_fini(struct trib_filter *filter)
{
	free(filter->words);
	*filter = (struct trib_filter){ 0 };
}

void trib_filter_add(struct trib_filter *filter, uint64_t hash)
{
	uint64_t *line = (uint64_t *)trib_filter_line(filter, hash);
	uint64_t bits = hash * UINT64_C(0x9e3779b97f4a7c15);

	for (int i = 0; i < TRIB_FILTER_LINE_WORDS; i++)
		line[i] |= UINT64_C(1) << ((bits >> (6 * i)) & 63);
}

bool trib_filter_load(struct trib_filter *ret_filter, struct trib_bytes stored)
{
	if (stored.size == 0 || stored.size % LINE_BYTES != 0)
		return false;
	allocate(ret_filter, stored.size / LINE_BYTES);
	memcpy(ret_filter->words, stored.data, stored.size);
	return true;
}
