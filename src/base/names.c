#include "base/names.h"

/*
 * Open addressing over (32 bits of hash, number) pairs; the texts stand in blocks, each behind its length.
 * A slot is 8 bytes, so that one cache line holds eight neighbours of a probe.
 */
struct slot {
	uint32_t tag; /* high half of the hash */
	uint32_t number;
};

struct text {
	uint32_t size;
	char data[];
};

struct block {
	struct block *next;
	char data[];
};

enum { BLOCK_SIZE = 256 << 10, REHASHED_AT_ONCE = 64 };

struct trib_names {
	struct trib_hash_key key;
	struct slot *slots;
	size_t mask;
	const struct text **texts; /* by number */
	uint32_t count, texts_capacity;
	struct block *blocks;
	size_t block_used;
};

struct trib_names *trib_names_new(const struct trib_hash_key *key)
{
	struct trib_names *names = trib_alloc_zeroed(1, sizeof(*names));

	names->key = *key;
	names->mask = 63;
	names->slots = trib_alloc_table((names->mask + 1) * sizeof(*names->slots));
	return names;
}

void trib_names_free(struct trib_names *names)
{
	if (!names)
		return;
	for (struct block *block = names->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(names->slots);
	free(names->texts);
	free(names);
}

uint64_t trib_names_hash(const struct trib_names *names, struct trib_bytes text)
{
	return trib_hash_keyed(text, &names->key);
}

void trib_names_prefetch(const struct trib_names *names, uint64_t hash)
{
	TRIB_PREFETCH(&names->slots[hash & names->mask]);
}

struct trib_bytes trib_names_text(const struct trib_names *names, uint32_t number)
{
	trib_assert(number >= 1 && number <= names->count);
	const struct text *text = names->texts[number];

	return trib_bytes(text->data, text->size);
}

uint32_t trib_names_count(const struct trib_names *names)
{
	return names->count;
}

uint32_t trib_names_find_hashed(const struct trib_names *names, struct trib_bytes text, uint64_t hash)
{
	uint32_t tag = (uint32_t)(hash >> 32);

	for (size_t i = hash & names->mask;; i = (i + 1) & names->mask) {
		const struct slot *slot = &names->slots[i];

		if (slot->number == 0)
			return 0;
		if (slot->tag == tag && trib_bytes_equal(trib_names_text(names, slot->number), text))
			return slot->number;
	}
}

uint32_t trib_names_find(const struct trib_names *names, struct trib_bytes text)
{
	return trib_names_find_hashed(names, text, trib_names_hash(names, text));
}

static void put_slot(struct slot *slots, size_t mask, uint64_t hash, uint32_t number)
{
	size_t i = hash & mask;

	while (slots[i].number)
		i = (i + 1) & mask;
	slots[i] = (struct slot){ (uint32_t)(hash >> 32), number };
}

static void grow_slots(struct trib_names *names)
{
	size_t mask = names->mask * 2 + 1;
	struct slot *slots = trib_alloc_table((mask + 1) * sizeof(*slots));
	uint64_t hashes[REHASHED_AT_ONCE];

	for (uint32_t first = 1; first <= names->count; first += REHASHED_AT_ONCE) {
		uint32_t some = TRIB_MIN(names->count - first + 1, (uint32_t)REHASHED_AT_ONCE);

		for (uint32_t i = 0; i < some; i++) {
			hashes[i] = trib_names_hash(names, trib_names_text(names, first + i));
			TRIB_PREFETCH(&slots[hashes[i] & mask]);
		}
		for (uint32_t i = 0; i < some; i++)
			put_slot(slots, mask, hashes[i], first + i);
	}
	free(names->slots);
	names->slots = slots;
	names->mask = mask;
}

static void grow_texts(struct trib_names *names)
{
	uint32_t capacity = names->texts_capacity ? names->texts_capacity * 2 : 64;
	const struct text **texts = trib_alloc_table(capacity * sizeof(*texts));

	if (names->texts_capacity)
		memcpy(texts, names->texts, names->texts_capacity * sizeof(*texts));
	free(names->texts);
	names->texts = texts;
	names->texts_capacity = capacity;
}

static const struct text *store_text(struct trib_names *names, struct trib_bytes bytes)
{
	size_t size = (sizeof(struct text) + bytes.size + 3) & ~(size_t)3;

	if (!names->blocks || names->block_used + size > BLOCK_SIZE) {
		struct block *block = trib_alloc(sizeof(*block) + TRIB_MAX(size, (size_t)BLOCK_SIZE));

		block->next = names->blocks;
		names->blocks = block;
		names->block_used = 0;
	}
	struct text *text = (struct text *)(void *)(names->blocks->data + names->block_used);

	names->block_used += size;
	text->size = (uint32_t)bytes.size;
	if (bytes.size)
		memcpy(text->data, bytes.data, bytes.size);
	return text;
}

uint32_t trib_names_add(struct trib_names *names, struct trib_bytes text)
{
	uint64_t hash = trib_names_hash(names, text);
	uint32_t number = trib_names_find_hashed(names, text, hash);

	if (number)
		return number;
	trib_assert(text.size <= UINT32_MAX && names->count < UINT32_MAX);
	if ((names->count + 1) * (uint64_t)3 > (names->mask + 1) * 2)
		grow_slots(names);
	number = ++names->count;
	if (number >= names->texts_capacity)
		grow_texts(names);
	names->texts[number] = store_text(names, text);
	put_slot(names->slots, names->mask, hash, number);
	return number;
}
