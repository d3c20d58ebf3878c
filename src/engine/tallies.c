#include "engine/tallies.h"

#include "base/column.h"
#include "base/hash.h"

enum { SMALLEST = 64 };

/* mark: 0 as in the store; else the freeze, this one or the one under way, that it changed before. */
struct entry {
	struct trib_tally tally;
	uint32_t next : 30;
	uint32_t mark : 2;
	uint32_t next_of_plan;
};
_Static_assert(sizeof(struct entry) == 64, "a cache line holds one");

/* The entries of a plan. */
struct chain {
	uint32_t first, last;
};

struct list {
	uint32_t *numbers;
	size_t count, capacity;
};

struct trib_tallies {
	struct trib_column heads; /* uint32_t: the first entry of each hash */
	struct trib_column entries;
	struct trib_column chains; /* struct chain by plan */
	size_t mask, count, count_max; /* number 0 is none */
	struct list changed, frozen;
	size_t frozen_next;
	unsigned current; /* 1 or 2 */
	trib_tallies_fn *emit;
	void *emit_context;
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
	size_t heads = SMALLEST;

	trib_assert(count_max < UINT32_C(1) << 30);
	while (heads < count_max)
		heads *= 2;
	tallies->mask = heads - 1;
	tallies->count_max = count_max;
	tallies->current = 1;
	trib_column_reserve(&tallies->heads, heads * sizeof(uint32_t));
	trib_column_reserve(&tallies->entries, sizeof(struct entry));
	return tallies;
}

void trib_tallies_free(struct trib_tallies *tallies)
{
	if (!tallies)
		return;
	trib_column_fini(&tallies->heads);
	trib_column_fini(&tallies->entries);
	trib_column_fini(&tallies->chains);
	free(tallies->changed.numbers);
	free(tallies->frozen.numbers);
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

static struct entry *entry_at(const struct trib_tallies *tallies, uint32_t number)
{
	return (struct entry *)tallies->entries.data + number;
}

static uint32_t *head_of(const struct trib_tallies *tallies, const struct trib_tally_key *key)
{
	uint64_t hash = trib_hash_u64((uint64_t)key->plan << 32 | key->creator);

	hash = trib_hash_u64(hash ^ ((uint64_t)key->rule << 32 | (uint32_t)key->period) ^ (uint64_t)key->kind << 29);
	return (uint32_t *)tallies->heads.data + (hash & tallies->mask);
}

static uint32_t find(const struct trib_tallies *tallies, const struct trib_tally_key *key)
{
	uint32_t number = *head_of(tallies, key);

	while (number && compare_keys(&entry_at(tallies, number)->tally.key, key) != 0)
		number = entry_at(tallies, number)->next;
	return number;
}

const struct trib_tally *trib_tallies_get(const struct trib_tallies *tallies, const struct trib_tally_key *key)
{
	uint32_t number = find(tallies, key);

	return number ? &entry_at(tallies, number)->tally : NULL;
}

/* Of buyers `plan` is half of a hash: they have no chains. */
static void add_to_chain(struct trib_tallies *tallies, const struct trib_tally_key *key, uint32_t number)
{
	if (key->kind == TRIB_TALLY_BUYER)
		return;
	trib_column_reserve(&tallies->chains, ((size_t)key->plan + 1) * sizeof(struct chain));
	struct chain *chain = (struct chain *)tallies->chains.data + key->plan;

	if (chain->last)
		entry_at(tallies, chain->last)->next_of_plan = number;
	else
		chain->first = number;
	chain->last = number;
}

static uint32_t find_or_add(struct trib_tallies *tallies, const struct trib_tally_key *key)
{
	uint32_t number = find(tallies, key), *head = head_of(tallies, key);

	if (number)
		return number;
	number = (uint32_t)++tallies->count;
	trib_column_reserve(&tallies->entries, ((size_t)number + 1) * sizeof(struct entry));
	*entry_at(tallies, number) = (struct entry){ .next = *head & ((1u << 30) - 1) };
	*head = number;
	add_to_chain(tallies, key, number);
	return number;
}

void trib_tallies_load(struct trib_tallies *tallies, const struct trib_tally *tally)
{
	trib_assert(tally->key.kind);
	entry_at(tallies, find_or_add(tallies, &tally->key))->tally = *tally;
}

static void list_add(struct list *list, uint32_t number)
{
	if (list->count == list->capacity) {
		list->capacity = TRIB_MAX(2 * list->capacity, (size_t)SMALLEST);
		list->numbers = trib_realloc(list->numbers, list->capacity * sizeof(*list->numbers));
	}
	list->numbers[list->count++] = number;
}

void trib_tallies_put(struct trib_tallies *tallies, const struct trib_tally *tally)
{
	trib_assert(tally->key.kind);
	uint32_t number = find_or_add(tallies, &tally->key);
	struct entry *entry = entry_at(tallies, number);

	if (entry->mark != tallies->current) {
		if (entry->mark) /* the freeze under way has not come to it yet */
			tallies->emit(tallies->emit_context, &entry->tally);
		entry->mark = tallies->current & 3u;
		list_add(&tallies->changed, number);
	}
	entry->tally = *tally;
}

bool trib_tallies_has_room(const struct trib_tallies *tallies, size_t more)
{
	return tallies->count + more <= tallies->count_max;
}

size_t trib_tallies_count(const struct trib_tallies *tallies)
{
	return tallies->count;
}

/* A place is a number without the one that is none. */
const struct trib_tally *trib_tallies_at(const struct trib_tallies *tallies, uint32_t place)
{
	trib_assert(place < tallies->count);
	return &entry_at(tallies, place + 1)->tally;
}

uint32_t trib_tallies_first(const struct trib_tallies *tallies, uint32_t plan)
{
	if (plan >= tallies->chains.bytes / sizeof(struct chain))
		return TRIB_TALLY_NONE;
	return ((const struct chain *)tallies->chains.data)[plan].first - 1; /* none becomes TRIB_TALLY_NONE */
}

uint32_t trib_tallies_next(const struct trib_tallies *tallies, uint32_t place)
{
	trib_assert(place < tallies->count);
	return entry_at(tallies, place + 1)->next_of_plan - 1;
}

/* --- Checkpoints -------------------------------------------------------------------------------------- */

void trib_tallies_freeze(struct trib_tallies *tallies, trib_tallies_fn *emit, void *context)
{
	trib_assert(!tallies->emit);
	tallies->frozen = tallies->changed;
	tallies->frozen_next = 0;
	tallies->changed = (struct list){ 0 };
	tallies->current = 3 - tallies->current;
	tallies->emit = emit;
	tallies->emit_context = context;
}

bool trib_tallies_freeze_step(struct trib_tallies *tallies, size_t max)
{
	struct list *frozen = &tallies->frozen;

	if (!tallies->emit)
		return false;
	for (; max && tallies->frozen_next < frozen->count; max--) {
		struct entry *entry = entry_at(tallies, frozen->numbers[tallies->frozen_next++]);

		if (entry->mark == tallies->current)
			continue; /* it has been handed out */
		entry->mark = 0;
		tallies->emit(tallies->emit_context, &entry->tally);
	}
	if (tallies->frozen_next < frozen->count)
		return true;
	free(frozen->numbers);
	*frozen = (struct list){ 0 };
	tallies->emit = NULL;
	return false;
}

static int compare_tallies(const void *left, const void *right)
{
	const struct trib_tally *const *a = left, *const *b = right;

	return compare_keys(&(*a)->key, &(*b)->key);
}

void trib_tallies_each(const struct trib_tallies *tallies, trib_tallies_fn *visit, void *context)
{
	const struct trib_tally **list = trib_alloc(TRIB_MAX(tallies->count, (size_t)1) * sizeof(*list));

	for (uint32_t number = 1; number <= tallies->count; number++)
		list[number - 1] = &entry_at(tallies, number)->tally;
	if (tallies->count)
		qsort(list, tallies->count, sizeof(*list), compare_tallies);
	for (size_t i = 0; i < tallies->count; i++)
		visit(context, list[i]);
	free(list);
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
