#include "domain/pairs.h"

static uint32_t home(const struct trib_pairs *pairs, uint64_t key)
{
	return (uint32_t)trib_hash_u64(key) & pairs->mask;
}

void trib_pairs_fini(struct trib_pairs *pairs)
{
	free(pairs->slots);
	*pairs = (struct trib_pairs){ 0 };
}

/* The slot of a pair, or the free one where it would stand. There is a free one. */
static uint32_t find(const struct trib_pairs *pairs, uint64_t key, uint32_t number)
{
	uint32_t i = home(pairs, key);

	while (pairs->slots[i].number &&
	       (pairs->slots[i].key != key || pairs->slots[i].number != number))
		i = (i + 1) & pairs->mask;
	return i;
}

static void grow(struct trib_pairs *pairs)
{
	struct trib_pairs grown = { .mask = pairs->slots ? pairs->mask * 2 + 1 : 15,
				    .count = pairs->count };

	grown.slots = trib_alloc_table(((size_t)grown.mask + 1) * sizeof(*grown.slots));
	for (uint32_t i = 0; pairs->slots && i <= pairs->mask; i++) {
		const struct trib_pair_slot *slot = &pairs->slots[i];

		if (slot->number)
			grown.slots[find(&grown, slot->key, slot->number)] = *slot;
	}
	free(pairs->slots);
	*pairs = grown;
}

void trib_pairs_add(struct trib_pairs *pairs, uint64_t key, uint32_t number)
{
	trib_assert(number && pairs->count < UINT32_MAX / 4);
	if (!pairs->slots || pairs->count * 2 >= pairs->mask)
		grow(pairs);
	struct trib_pair_slot *slot = &pairs->slots[find(pairs, key, number)];

	pairs->count += !slot->number;
	*slot = (struct trib_pair_slot){ key, number };
}

/* What stands behind the gap moves up, unless that would put it before its home. */
void trib_pairs_remove(struct trib_pairs *pairs, uint64_t key, uint32_t number)
{
	if (!pairs->slots)
		return;
	uint32_t gap = find(pairs, key, number);

	if (!pairs->slots[gap].number)
		return;
	pairs->count--;
	for (uint32_t i = (gap + 1) & pairs->mask; pairs->slots[i].number; i = (i + 1) & pairs->mask) {
		uint32_t from_home = (i - home(pairs, pairs->slots[i].key)) & pairs->mask;

		if (from_home < ((i - gap) & pairs->mask))
			continue;
		pairs->slots[gap] = pairs->slots[i];
		gap = i;
	}
	pairs->slots[gap] = (struct trib_pair_slot){ 0 };
}

bool trib_pairs_has(const struct trib_pairs *pairs, uint64_t key, uint32_t number)
{
	return pairs->slots && pairs->slots[find(pairs, key, number)].number;
}

uint32_t trib_pairs_next(const struct trib_pairs *pairs, uint64_t key, uint32_t *slot)
{
	if (!pairs->slots)
		return 0;
	for (;;) {
		const struct trib_pair_slot *at =
			&pairs->slots[(home(pairs, key) + (*slot)++) & pairs->mask];

		if (!at->number || at->key == key)
			return at->number;
	}
}

uint32_t trib_pairs_first(const struct trib_pairs *pairs, uint64_t key)
{
	uint32_t slot = 0, first = 0, number;

	while ((number = trib_pairs_next(pairs, key, &slot)))
		if (!first || number < first)
			first = number;
	return first;
}
