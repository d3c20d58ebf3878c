#include "base/arena.h"

enum { BLOCK_SIZE_MIN = 16 << 10 };

struct trib_arena_block {
	struct trib_arena_block *next;
	size_t size;
	_Alignas(16) char data[];
};

void trib_arena_init(struct trib_arena *arena, size_t size_max)
{
	*arena = (struct trib_arena){ .size_max = size_max };
}

void trib_arena_fini(struct trib_arena *arena)
{
	if (!arena)
		return;
	for (struct trib_arena_block *block = arena->first, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	*arena = (struct trib_arena){ .size_max = arena->size_max };
}

static void enter_block(struct trib_arena *arena, struct trib_arena_block *block)
{
	arena->current = block;
	arena->next = block->data;
	arena->end = block->data + block->size;
	arena->size += block->size;
}

void trib_arena_reset(struct trib_arena *arena)
{
	arena->size = 0;
	if (arena->first)
		enter_block(arena, arena->first);
}

void *trib_arena_alloc_slow(struct trib_arena *arena, size_t size)
{
	size_t rounded = (size + 15) & ~(size_t)15;

	if (rounded < size || rounded > arena->size_max)
		return NULL;
	/* Blocks kept by a reset come first; one that is too small is passed over. */
	while (arena->current && arena->current->next) {
		struct trib_arena_block *kept = arena->current->next;

		if (arena->size + kept->size > arena->size_max)
			return NULL;
		enter_block(arena, kept);
		if (rounded <= kept->size)
			return trib_arena_alloc(arena, size);
	}
	size_t block_size = TRIB_MAX(rounded, (size_t)BLOCK_SIZE_MIN);

	if (arena->current)
		block_size = TRIB_MAX(block_size, TRIB_MIN(arena->current->size * 2, (size_t)4 << 20));
	if (arena->size + block_size > arena->size_max)
		block_size = rounded;
	if (arena->size + block_size > arena->size_max)
		return NULL;
	struct trib_arena_block *block = trib_alloc(sizeof(*block) + block_size);

	block->next = NULL;
	block->size = block_size;
	if (arena->current)
		arena->current->next = block;
	else
		arena->first = block;
	enter_block(arena, block);
	return trib_arena_alloc(arena, size);
}

void *trib_arena_alloc_zeroed(struct trib_arena *arena, size_t size)
{
	void *memory = trib_arena_alloc(arena, size);

	return memory ? memset(memory, 0, size) : NULL;
}

char *trib_arena_copy(struct trib_arena *arena, struct trib_bytes bytes)
{
	char *copy = trib_arena_alloc(arena, bytes.size + 1);

	if (!copy)
		return NULL;
	if (bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	copy[bytes.size] = '\0';
	return copy;
}
