#include "engine/tallies.h"

#include "base/hash.h"

enum { SMALLEST = 64 };

/* The places of a plan's tallies, as a chain. */
struct chain {
	uint32_t first, last; /* place + 1; 0: none */
};

struct trib_tallies {
	uint32_t *slots; /* place + 1 by hash of the key; 0: free; a power of two of them, at most half in use */
	struct trib_tally *items;
	uint32_t *next; /* of the same plan: place + 1 */
	struct chain *chains;
	size_t mask, count, capacity, count_max, n_chains;
	struct trib_tally_key *changed; /* with repeats */
	size_t n_changed, changed_capacity;
};

const char *trib_tally_kind_word(enum trib_tally_kind kind)
{
	switch (kind) {
#define X(name, number, word, doc)                                                                 \
	case TRIB_TALLY_##name:                                                                    \
		return word;
		TRIB_TALLY_TABLE(X)
#undef X
	}
	return NULL;
}

struct trib_tallies *trib_tallies_new(size_t count_max)
{
	struct trib_tallies *tallies = trib_alloc_zeroed(1, sizeof(*tallies));

	trib_assert(count_max < TRIB_TALLY_NONE);
	tallies->count_max = count_max;
	tallies->mask = SMALLEST - 1;
	tallies->slots = trib_alloc_zeroed(SMALLEST, sizeof(*tallies->slots));
	return tallies;
}

void trib_tallies_free(struct trib_tallies *tallies)
{
	if (!tallies)
		return;
	free(tallies->slots);
	free(tallies->items);
	free(tallies->next);
	free(tallies->chains);
	free(tallies->changed);
	free(tallies);
}

static int compare_keys(const void *left, const void *right)
{
	const struct trib_tally_key *a = left, *b = right;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->plan != b->plan)
		return a->plan < b->plan ? -1 : 1;
	if (a->rule != b->rule)
		return a->rule < b->rule ? -1 : 1;
	if (a->creator != b->creator)
		return a->creator < b->creator ? -1 : 1;
	return a->period < b->period ? -1 : a->period > b->period;
}

/* The key's slot, or the free one where it would be. */
static uint32_t *slot_of(const struct trib_tallies *tallies, const struct trib_tally_key *key)
{
	uint64_t hash = trib_hash_u64((uint64_t)key->plan << 32 | key->creator);

	hash = trib_hash_u64(hash ^ ((uint64_t)key->rule << 32 | (uint32_t)key->period) ^ (uint64_t)key->kind << 29);
	for (size_t i = (size_t)hash & tallies->mask;; i = (i + 1) & tallies->mask) {
		uint32_t *slot = &tallies->slots[i];

		if (!*slot || compare_keys(&tallies->items[*slot - 1].key, key) == 0)
			return slot;
	}
}

const struct trib_tally *trib_tallies_get(const struct trib_tallies *tallies, const struct trib_tally_key *key)
{
	uint32_t slot = *slot_of(tallies, key);

	return slot ? &tallies->items[slot - 1] : NULL;
}

static void grow_slots(struct trib_tallies *tallies)
{
	free(tallies->slots);
	tallies->mask = 2 * tallies->mask + 1;
	tallies->slots = trib_alloc_zeroed(tallies->mask + 1, sizeof(*tallies->slots));
	for (size_t i = 0; i < tallies->count; i++)
		*slot_of(tallies, &tallies->items[i].key) = (uint32_t)i + 1;
}

static void grow_items(struct trib_tallies *tallies)
{
	tallies->capacity = TRIB_MAX(2 * tallies->capacity, (size_t)SMALLEST);
	tallies->items = trib_realloc(tallies->items, tallies->capacity * sizeof(*tallies->items));
	tallies->next = trib_realloc(tallies->next, tallies->capacity * sizeof(*tallies->next));
}

static struct chain *chain_of(struct trib_tallies *tallies, uint32_t plan)
{
	if (plan >= tallies->n_chains) {
		size_t n = TRIB_MAX((size_t)plan + 1, 2 * tallies->n_chains);

		tallies->chains = trib_realloc(tallies->chains, n * sizeof(*tallies->chains));
		memset(tallies->chains + tallies->n_chains, 0, (n - tallies->n_chains) * sizeof(*tallies->chains));
		tallies->n_chains = n;
	}
	return &tallies->chains[plan];
}

/* Of buyers `plan` is half of a hash: they have no chains. */
static void add_to_chain(struct trib_tallies *tallies, uint32_t place)
{
	struct chain *chain;

	tallies->next[place] = 0;
	if (tallies->items[place].key.kind == TRIB_TALLY_BUYER)
		return;
	chain = chain_of(tallies, tallies->items[place].key.plan);
	if (chain->last)
		tallies->next[chain->last - 1] = place + 1;
	else
		chain->first = place + 1;
	chain->last = place + 1;
}

void trib_tallies_load(struct trib_tallies *tallies, const struct trib_tally *tally)
{
	uint32_t *slot = slot_of(tallies, &tally->key);

	trib_assert(tally->key.kind);
	if (*slot) {
		tallies->items[*slot - 1] = *tally;
		return;
	}
	if (tallies->count == tallies->capacity)
		grow_items(tallies);
	tallies->items[tallies->count] = *tally;
	add_to_chain(tallies, (uint32_t)tallies->count);
	*slot = (uint32_t)++tallies->count;
	if (2 * tallies->count > tallies->mask + 1)
		grow_slots(tallies);
}

void trib_tallies_put(struct trib_tallies *tallies, const struct trib_tally *tally)
{
	trib_tallies_load(tallies, tally);
	if (tallies->n_changed == tallies->changed_capacity) {
		tallies->changed_capacity = TRIB_MAX(2 * tallies->changed_capacity, (size_t)SMALLEST);
		tallies->changed = trib_realloc(tallies->changed, tallies->changed_capacity * sizeof(*tallies->changed));
	}
	tallies->changed[tallies->n_changed++] = tally->key;
}

bool trib_tallies_has_room(const struct trib_tallies *tallies, size_t more)
{
	return tallies->count + more <= tallies->count_max;
}

size_t trib_tallies_count(const struct trib_tallies *tallies)
{
	return tallies->count;
}

const struct trib_tally *trib_tallies_at(const struct trib_tallies *tallies, uint32_t place)
{
	trib_assert(place < tallies->count);
	return &tallies->items[place];
}

/* 0 is none: becomes TRIB_TALLY_NONE. */
uint32_t trib_tallies_first(const struct trib_tallies *tallies, uint32_t plan)
{
	return plan < tallies->n_chains ? tallies->chains[plan].first - 1 : TRIB_TALLY_NONE;
}

uint32_t trib_tallies_next(const struct trib_tallies *tallies, uint32_t place)
{
	trib_assert(place < tallies->count);
	return tallies->next[place] - 1;
}

/* --- Checkpoints -------------------------------------------------------------------------------------- */

void trib_tallies_take_changes(struct trib_tallies *tallies, trib_tallies_fn *emit, void *context)
{
	if (tallies->n_changed)
		qsort(tallies->changed, tallies->n_changed, sizeof(*tallies->changed), compare_keys);
	for (size_t i = 0; i < tallies->n_changed; i++)
		if (i == 0 || compare_keys(&tallies->changed[i - 1], &tallies->changed[i]) != 0)
			emit(context, trib_tallies_get(tallies, &tallies->changed[i]));
	tallies->n_changed = 0;
}

void trib_tallies_each(const struct trib_tallies *tallies, trib_tallies_fn *visit, void *context)
{
	struct trib_tally_key *keys = trib_alloc(TRIB_MAX(tallies->count, (size_t)1) * sizeof(*keys));
	size_t n = tallies->count;

	for (size_t i = 0; i < n; i++)
		keys[i] = tallies->items[i].key;
	if (n)
		qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < n; i++)
		visit(context, trib_tallies_get(tallies, &keys[i]));
	free(keys);
}

static char *put_u32(char *p, uint32_t value)
{
	value = __builtin_bswap32(value);
	memcpy(p, &value, sizeof(value));
	return p + sizeof(value);
}

static char *put_i64(char *p, int64_t value)
{
	memcpy(p, &value, sizeof(value));
	return p + sizeof(value);
}

/* A period before 1970 would be negative: the sign is turned, so that bytes ascend as numbers do. */
#define SIGN (UINT32_C(1) << 31)

void trib_tally_put_row(const struct trib_tally *tally, char ret_key[TRIB_TALLY_KEY_BYTES],
			char ret_value[TRIB_TALLY_VALUE_BYTES])
{
	const struct trib_tally_key *key = &tally->key;

	put_u32(put_u32(put_u32(put_u32(put_u32(ret_key, key->kind), key->plan), key->rule), key->creator),
		(uint32_t)key->period ^ SIGN);
	put_i64(put_i64(put_i64(put_i64(ret_value, tally->sold.orders), tally->sold.qty), tally->sold.gmv), tally->amount);
}

static uint32_t get_u32(const char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return __builtin_bswap32(value);
}

bool trib_tally_get_row(struct trib_bytes key, struct trib_bytes value, struct trib_tally *ret_tally)
{
	int64_t numbers[4];

	if (key.size != TRIB_TALLY_KEY_BYTES || value.size != TRIB_TALLY_VALUE_BYTES ||
	    !trib_tally_kind_word((enum trib_tally_kind)get_u32(key.data)))
		return false;
	memcpy(numbers, value.data, sizeof(numbers));
	*ret_tally = (struct trib_tally){
		.key = { get_u32(key.data), get_u32(key.data + 4), get_u32(key.data + 8), get_u32(key.data + 12),
			 (int32_t)(get_u32(key.data + 16) ^ SIGN) },
		.sold = { numbers[0], numbers[1], numbers[2] },
		.amount = numbers[3],
	};
	return true;
}
