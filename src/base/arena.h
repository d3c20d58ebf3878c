/*
 * An arena: memory for one batch, request or parse, freed all at once.
 *
 *	struct trib_arena arena;
 *	trib_arena_init(&arena, 1 << 20);
 *	struct node *node = trib_arena_alloc(&arena, sizeof(*node));   // NULL past the maximum
 *	trib_arena_reset(&arena);                                      // keeps the blocks
 *	trib_arena_fini(&arena);
 *
 * Results are aligned to 16 bytes and not zeroed. Not thread-safe.
 */
#ifndef TRIB_BASE_ARENA_H
#define TRIB_BASE_ARENA_H

#include "base/bytes.h"

struct trib_arena_block;

struct trib_arena {
	struct trib_arena_block *first, *current;
	char *next, *end;
	size_t size;	 /* handed out or skipped since the last reset */
	size_t size_max; /* what an outsider can make it hold */
};

void trib_arena_init(struct trib_arena *arena, size_t size_max);
void trib_arena_fini(struct trib_arena *arena);
void trib_arena_reset(struct trib_arena *arena);

void *trib_arena_alloc_slow(struct trib_arena *arena, size_t size);

/* NULL when size_max would be passed, and only then: nothing takes as much room as one byte. */
static inline void *trib_arena_alloc(struct trib_arena *arena, size_t size)
{
	size_t rounded = (size + !size + 15) & ~(size_t)15;

	if (TRIB_UNLIKELY(rounded < size || rounded > (size_t)(arena->end - arena->next)))
		return trib_arena_alloc_slow(arena, size);
	void *memory = arena->next;

	arena->next += rounded;
	return memory;
}

void *trib_arena_alloc_zeroed(struct trib_arena *arena, size_t size);

/* Copies with a terminating NUL; NULL when size_max would be passed. */
char *trib_arena_copy(struct trib_arena *arena, struct trib_bytes bytes);

#endif
