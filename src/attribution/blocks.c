/* The blocks of attribution/blocks.h. */
#include <string.h>
#include <sys/mman.h>
#include "attribution/blocks.h"

void trib_blocks_init(struct trib_blocks *blocks, size_t bytes_max, const uint32_t *sizes_bytes,
		      size_t sizes)
{
	size_t chunks = bytes_max / TRIB_BLOCK_CHUNK_BYTES + 1;

	trib_assert(sizes <= TRIB_BLOCK_SIZES_MAX);
	trib_assert(chunks * TRIB_BLOCK_CHUNK_BYTES / 4 < UINT64_C(1) << TRIB_BLOCK_UNIT_BITS);
	*blocks = (struct trib_blocks){ .chunks_max = (uint32_t)chunks, .chunks_next = 1 };
	blocks->reserved_bytes = chunks * TRIB_BLOCK_CHUNK_BYTES;
	blocks->base = mmap(NULL, blocks->reserved_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	trib_assert(blocks->base != MAP_FAILED);
	madvise(blocks->base, blocks->reserved_bytes,
		MADV_HUGEPAGE); /* without it every list costs a TLB miss more */
	for (size_t i = 0; i < sizes; i++) {
		uint32_t per_chunk = TRIB_BLOCK_CHUNK_BYTES / sizes_bytes[i];

		blocks->sizes[i] = (struct trib_block_size){ .bytes = sizes_bytes[i],
							     .per_chunk = per_chunk,
							     .last = per_chunk };
	}
}

void trib_blocks_fini(struct trib_blocks *blocks)
{
	if (blocks->base)
		munmap(blocks->base, blocks->reserved_bytes);
	for (size_t i = 0; i < TRIB_BLOCK_SIZES_MAX; i++)
		free(blocks->sizes[i].chunks);
	free(blocks->free_chunks);
	*blocks = (struct trib_blocks){ 0 };
}

static void push(uint32_t **numbers, uint32_t *count, uint32_t *max, uint32_t number)
{
	if (*count == *max) {
		*max = *max ? 2 * *max : 16;
		*numbers = trib_realloc(*numbers, *max * sizeof(**numbers));
	}
	(*numbers)[(*count)++] = number;
}

bool trib_blocks_ready(const struct trib_blocks *blocks, uint32_t size)
{
	return blocks->sizes[size].last < blocks->sizes[size].per_chunk || blocks->free_count ||
	       blocks->chunks_next < blocks->chunks_max;
}

uint64_t trib_blocks_add(struct trib_blocks *blocks, uint32_t size)
{
	struct trib_block_size *s = &blocks->sizes[size];

	trib_assert(trib_blocks_ready(blocks, size));
	if (s->last == s->per_chunk) {
		uint32_t chunk = blocks->chunks_next;

		if (blocks->free_count)
			chunk = blocks->free_chunks[--blocks->free_count];
		else
			__atomic_store_n(&blocks->chunks_next, chunk + 1, __ATOMIC_RELAXED);
		push(&s->chunks, &s->chunks_count, &s->chunks_max, chunk);
		s->last = 0;
	}
	s->last++;
	return trib_blocks_unit(s, trib_blocks_count(s) - 1);
}

uint64_t trib_blocks_remove(struct trib_blocks *blocks, uint32_t size, uint64_t unit)
{
	struct trib_block_size *s = &blocks->sizes[size];
	uint64_t last = trib_blocks_unit(s, trib_blocks_count(s) - 1);

	if (last != unit)
		memcpy(trib_blocks_at(blocks, unit), trib_blocks_at(blocks, last), s->bytes);
	if (--s->last == 0) {
		push(&blocks->free_chunks, &blocks->free_count, &blocks->free_max,
		     s->chunks[--s->chunks_count]);
		s->last = s->per_chunk;
	}
	return last != unit ? last : 0;
}

size_t trib_blocks_bytes(const struct trib_blocks *blocks)
{
	size_t bytes = (size_t)(blocks->chunks_next - 1) * TRIB_BLOCK_CHUNK_BYTES +
		       blocks->free_max * sizeof(uint32_t);

	for (size_t i = 0; i < TRIB_BLOCK_SIZES_MAX; i++)
		bytes += blocks->sizes[i].chunks_max * sizeof(uint32_t);
	return bytes;
}

void trib_blocks_touch_ahead(const struct trib_blocks *blocks, size_t bytes)
{
	size_t from = (size_t)__atomic_load_n(&blocks->chunks_next, __ATOMIC_RELAXED) *
		      TRIB_BLOCK_CHUNK_BYTES;

	/* A kernel before 5.14 refuses, and the pages come when they are used. */
	madvise(blocks->base + from, TRIB_MIN(bytes, blocks->reserved_bytes - from),
		MADV_POPULATE_WRITE);
}
