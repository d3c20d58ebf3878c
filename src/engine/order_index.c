#include "engine/order_index.h"

#include <sys/mman.h>
#include "base/macros.h"

enum {
	SLOTS = 5,
	PROBE_LINES = 16, /* a fingerprint stands in its own line or one of the next fifteen */
	POSITION_BITS = 56,
	WARM_STEP = 8 << 20,
};
#define POSITION_MASK ((UINT64_C(1) << POSITION_BITS) - 1)

/*
 * `passed` counts, up to 255, the entries whose own line this is but which found it full: while it is 0, a
 * search ends here. It never goes down, which costs a look at the next line at worst.
 */
struct line {
	uint64_t position[SLOTS]; /* low 56 bits, above them bits 39..32 of the tag; 0: free */
	uint32_t tag[SLOTS];	  /* bits 31..0 */
	uint8_t passed;
	uint8_t unused[3];
};
_Static_assert(sizeof(struct line) == 64, "a line is a cache line");

struct trib_order_index {
	struct line *lines;
	size_t line_mask;
	unsigned line_bits;
	uint64_t horizon;
	size_t count;
	size_t bytes;
	size_t warmed; /* bytes from the beginning whose pages are there */
};

struct trib_order_index *trib_order_index_new(size_t bytes)
{
	struct trib_order_index *index = trib_alloc_zeroed(1, sizeof(*index));

	index->line_bits = 6;
	while ((sizeof(struct line) << (index->line_bits + 1)) <= bytes)
		index->line_bits++;
	index->line_mask = ((size_t)1 << index->line_bits) - 1;
	index->bytes = sizeof(struct line) << index->line_bits;
	index->lines = mmap(NULL, index->bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	trib_assert(index->lines != MAP_FAILED);
	madvise(index->lines, index->bytes, MADV_HUGEPAGE);
	return index;
}

void trib_order_index_free(struct trib_order_index *index)
{
	if (!index)
		return;
	munmap(index->lines, index->bytes);
	free(index);
}

bool trib_order_index_warm(struct trib_order_index *index)
{
	size_t at = index->warmed;

	if (at >= index->bytes)
		return false;
#ifdef MADV_POPULATE_WRITE
	madvise((char *)index->lines + at, TRIB_MIN((size_t)WARM_STEP, index->bytes - at), MADV_POPULATE_WRITE);
#endif
	__atomic_store_n(&index->warmed, at + WARM_STEP, __ATOMIC_RELAXED);
	return true;
}

bool trib_order_index_is_warm(const struct trib_order_index *index)
{
	return __atomic_load_n(&index->warmed, __ATOMIC_RELAXED) >= index->bytes;
}

/* The line is the fingerprint's top bits, the tag the 40 bits below them. */
static size_t line_of(const struct trib_order_index *index, uint64_t fingerprint)
{
	return (size_t)(fingerprint >> (64 - index->line_bits));
}

static uint64_t tag_of(const struct trib_order_index *index, uint64_t fingerprint)
{
	return (fingerprint << index->line_bits) >> 24;
}

void trib_order_index_prefetch(const struct trib_order_index *index, uint64_t fingerprint)
{
	TRIB_PREFETCH(&index->lines[line_of(index, fingerprint)]);
}

uint64_t trib_order_index_find(const struct trib_order_index *index, uint64_t fingerprint,
			       uint32_t *cursor)
{
	size_t home = line_of(index, fingerprint);
	uint64_t tag = tag_of(index, fingerprint);
	uint32_t tag_low = (uint32_t)tag;
	uint64_t tag_high = tag >> 32 << POSITION_BITS;

	for (uint32_t at = *cursor; at < PROBE_LINES * SLOTS; at++) {
		const struct line *line = &index->lines[(home + at / SLOTS) & index->line_mask];
		uint32_t slot = at % SLOTS;
		uint64_t position = line->position[slot] & POSITION_MASK;

		if (line->tag[slot] == tag_low && position >= index->horizon && position != 0 &&
		    (line->position[slot] & ~POSITION_MASK) == tag_high) {
			*cursor = at + 1;
			return position;
		}
		if (slot == SLOTS - 1 && index->lines[home].passed == 0)
			break;
	}
	return 0;
}

bool trib_order_index_insert(struct trib_order_index *index, uint64_t fingerprint, uint64_t position)
{
	size_t home = line_of(index, fingerprint);
	uint64_t tag = tag_of(index, fingerprint);

	trib_assert(position != 0 && position <= POSITION_MASK);
	for (uint32_t at = 0; at < PROBE_LINES * SLOTS; at++) {
		struct line *line = &index->lines[(home + at / SLOTS) & index->line_mask];
		uint32_t slot = at % SLOTS;
		uint64_t old = line->position[slot] & POSITION_MASK;

		if (old != 0 && old >= index->horizon)
			continue;
		line->position[slot] = position | tag >> 32 << POSITION_BITS;
		line->tag[slot] = (uint32_t)tag;
		if (at >= SLOTS && index->lines[home].passed < UINT8_MAX)
			index->lines[home].passed++;
		index->count += old == 0;
		return true;
	}
	return false;
}

bool trib_order_index_replace(struct trib_order_index *index, uint64_t fingerprint, uint64_t old, uint64_t position)
{
	size_t home = line_of(index, fingerprint);
	uint64_t tag = tag_of(index, fingerprint);

	trib_assert(position != 0 && position <= POSITION_MASK);
	for (uint32_t at = 0; at < PROBE_LINES * SLOTS && old >= index->horizon; at++) {
		struct line *line = &index->lines[(home + at / SLOTS) & index->line_mask];
		uint32_t slot = at % SLOTS;

		if (line->tag[slot] == (uint32_t)tag && line->position[slot] == (old | tag >> 32 << POSITION_BITS)) {
			line->position[slot] = position | tag >> 32 << POSITION_BITS;
			return true;
		}
	}
	return false;
}

void trib_order_index_set_horizon(struct trib_order_index *index, uint64_t horizon)
{
	trib_assert(horizon >= index->horizon);
	index->horizon = horizon;
}

uint64_t trib_order_index_horizon(const struct trib_order_index *index)
{
	return index->horizon;
}

size_t trib_order_index_capacity(const struct trib_order_index *index)
{
	return (index->line_mask + 1) * SLOTS / 5 * 4;
}

size_t trib_order_index_count(const struct trib_order_index *index)
{
	return index->count;
}
