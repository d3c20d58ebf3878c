/* The index of attribution/user_index.h. */
#include <string.h>
#include "attribution/user_index.h"
#include "base/hash.h"

enum {
	TAG_BITS = 64 - TRIB_BLOCK_UNIT_BITS,
	BITS_MIN = 3,
};
#define UNIT_MASK ((UINT64_C(1) << TRIB_BLOCK_UNIT_BITS) - 1)

struct place {
	size_t table;
	uint64_t tag;
};

/* The user's number is a keyed hash already, but nothing here depends on that. */
static struct place place_of(uint64_t user)
{
	uint64_t hash = trib_hash_u64(user);

	return (struct place){
		hash >> (64 - TRIB_USER_TABLE_BITS),
		hash >> (64 - TRIB_USER_TABLE_BITS - TAG_BITS) & ((UINT64_C(1) << TAG_BITS) - 1),
	};
}

static uint32_t home_of(const struct trib_user_table *table, uint64_t tag)
{
	return (uint32_t)(tag >> (TAG_BITS - table->bits));
}

static uint32_t after(const struct trib_user_table *table, uint32_t slot)
{
	return (slot + 1) & ((1u << table->bits) - 1);
}

static bool is_of(const struct trib_user_index *index, uint64_t unit, uint64_t user)
{
	uint64_t owner;

	memcpy(&owner, trib_blocks_at(index->blocks, unit), sizeof(owner));
	return owner == user;
}

void trib_user_index_init(struct trib_user_index *index, const struct trib_blocks *blocks)
{
	*index = (struct trib_user_index){ .blocks = blocks };
	for (size_t i = 0; i < TRIB_USER_TABLES; i++) {
		index->tables[i].bits = BITS_MIN;
		index->tables[i].slots = trib_alloc_zeroed((size_t)1 << BITS_MIN, sizeof(uint64_t));
	}
	index->bytes = TRIB_USER_TABLES * sizeof(uint64_t) << BITS_MIN;
}

void trib_user_index_fini(struct trib_user_index *index)
{
	for (size_t i = 0; i < TRIB_USER_TABLES; i++)
		free(index->tables[i].slots);
	*index = (struct trib_user_index){ 0 };
}

void trib_user_index_prefetch(const struct trib_user_index *index, uint64_t user)
{
	struct place place = place_of(user);
	const struct trib_user_table *table = &index->tables[place.table];

	TRIB_PREFETCH(&table->slots[home_of(table, place.tag)]);
}

uint64_t trib_user_index_guess(const struct trib_user_index *index, uint64_t user)
{
	struct place place = place_of(user);
	const struct trib_user_table *table = &index->tables[place.table];

	for (uint32_t slot = home_of(table, place.tag); table->slots[slot];
	     slot = after(table, slot))
		if (table->slots[slot] >> TRIB_BLOCK_UNIT_BITS == place.tag)
			return table->slots[slot] & UNIT_MASK;
	return 0;
}

uint64_t trib_user_index_find(const struct trib_user_index *index, uint64_t user)
{
	struct place place = place_of(user);
	const struct trib_user_table *table = &index->tables[place.table];

	for (uint32_t slot = home_of(table, place.tag); table->slots[slot];
	     slot = after(table, slot)) {
		uint64_t unit = table->slots[slot] & UNIT_MASK;

		if (table->slots[slot] >> TRIB_BLOCK_UNIT_BITS == place.tag &&
		    is_of(index, unit, user))
			return unit;
	}
	return 0;
}

static void put(struct trib_user_table *table, uint64_t value)
{
	uint32_t slot = home_of(table, value >> TRIB_BLOCK_UNIT_BITS);

	while (table->slots[slot])
		slot = after(table, slot);
	table->slots[slot] = value;
}

/* At most four fifths full: a search that finds nothing looks at two cache lines. */
static bool is_full(const struct trib_user_table *table)
{
	return table->count + 1 > (UINT64_C(4) << table->bits) / 5;
}

size_t trib_user_index_growth(const struct trib_user_index *index, uint64_t user)
{
	const struct trib_user_table *table = &index->tables[place_of(user).table];

	return is_full(table) ? sizeof(uint64_t) << table->bits : 0;
}

static void grow(struct trib_user_index *index, struct trib_user_table *table)
{
	struct trib_user_table grown = { .count = table->count, .bits = table->bits + 1 };

	trib_assert(grown.bits <= TAG_BITS);
	grown.slots = trib_alloc_zeroed((size_t)1 << grown.bits, sizeof(uint64_t));
	for (size_t i = 0; i < (size_t)1 << table->bits; i++)
		if (table->slots[i])
			put(&grown, table->slots[i]);
	index->bytes += sizeof(uint64_t) << table->bits;
	free(table->slots);
	*table = grown;
}

void trib_user_index_add(struct trib_user_index *index, uint64_t user, uint64_t unit)
{
	struct place place = place_of(user);
	struct trib_user_table *table = &index->tables[place.table];

	if (is_full(table))
		grow(index, table);
	put(table, place.tag << TRIB_BLOCK_UNIT_BITS | unit);
	table->count++;
	index->count++;
}

static uint32_t slot_of(const struct trib_user_table *table, uint64_t value)
{
	uint32_t slot = home_of(table, value >> TRIB_BLOCK_UNIT_BITS);

	while (table->slots[slot] != value) {
		trib_assert(table->slots[slot]);
		slot = after(table, slot);
	}
	return slot;
}

void trib_user_index_move(struct trib_user_index *index, uint64_t user, uint64_t from, uint64_t to)
{
	struct place place = place_of(user);
	struct trib_user_table *table = &index->tables[place.table];

	table->slots[slot_of(table, place.tag << TRIB_BLOCK_UNIT_BITS | from)] =
		place.tag << TRIB_BLOCK_UNIT_BITS | to;
}

/* Closes the gap: what stands behind it moves up, unless that would put it before its home. */
void trib_user_index_remove(struct trib_user_index *index, uint64_t user, uint64_t unit)
{
	struct place place = place_of(user);
	struct trib_user_table *table = &index->tables[place.table];
	uint32_t mask = (1u << table->bits) - 1;
	uint32_t gap = slot_of(table, place.tag << TRIB_BLOCK_UNIT_BITS | unit);

	for (uint32_t slot = after(table, gap); table->slots[slot]; slot = after(table, slot)) {
		uint32_t home = home_of(table, table->slots[slot] >> TRIB_BLOCK_UNIT_BITS);

		if (((slot - home) & mask) < ((slot - gap) & mask))
			continue;
		table->slots[gap] = table->slots[slot];
		gap = slot;
	}
	table->slots[gap] = 0;
	table->count--;
	index->count--;
}

struct trib_user_hand trib_user_index_beside(uint64_t user)
{
	return (struct trib_user_hand){ .table = place_of(user).table };
}

uint64_t trib_user_index_next(const struct trib_user_index *index, struct trib_user_hand *hand)
{
	const struct trib_user_table *table = &index->tables[hand->table];
	uint64_t slot = table->slots[hand->slot];

	if (++hand->slot >> table->bits) {
		hand->slot = 0;
		hand->table = (hand->table + 1) % TRIB_USER_TABLES;
	}
	return slot & UNIT_MASK;
}

bool trib_user_index_validate(const struct trib_user_index *index, const char **ret_reason)
{
	size_t count = 0;

	for (size_t i = 0; i < TRIB_USER_TABLES; i++) {
		const struct trib_user_table *table = &index->tables[i];
		size_t in_table = 0;

		for (uint32_t slot = 0; slot < 1u << table->bits; slot++) {
			uint64_t unit = table->slots[slot] & UNIT_MASK, user;

			if (!table->slots[slot])
				continue;
			in_table++;
			memcpy(&user, trib_blocks_at(index->blocks, unit), sizeof(user));
			if (trib_user_index_find(index, user) != unit) {
				*ret_reason = "a slot that a search does not find";
				return false;
			}
		}
		if (in_table != table->count) {
			*ret_reason = "a table that miscounts its slots";
			return false;
		}
		count += in_table;
	}
	if (count != index->count)
		*ret_reason = "an index that miscounts its users";
	return count == index->count;
}
