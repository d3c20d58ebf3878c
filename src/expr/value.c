/* Values: how they are built, compared and found in maps. */
#include <math.h>
#include <pthread.h>
#include <sys/random.h>
#include "base/hash.h"
#include "expr/value.h"

enum { MAP_SLOTS_FROM = 9 }; /* smaller maps are searched in order */

static const char *const kind_names[] = {
	[TRIB_VALUE_NULL] = "null_type",
	[TRIB_VALUE_BOOL] = "bool",
	[TRIB_VALUE_INT] = "int",
	[TRIB_VALUE_UINT] = "uint",
	[TRIB_VALUE_DOUBLE] = "double",
	[TRIB_VALUE_STRING] = "string",
	[TRIB_VALUE_BYTES] = "bytes",
	[TRIB_VALUE_TIMESTAMP] = "google.protobuf.Timestamp",
	[TRIB_VALUE_DURATION] = "google.protobuf.Duration",
	[TRIB_VALUE_LIST] = "list",
	[TRIB_VALUE_MAP] = "map",
	[TRIB_VALUE_TYPE] = "type",
	[TRIB_VALUE_ERROR] = "error",
};

const char *trib_value_kind_name(enum trib_value_kind kind)
{
	return kind < TRIB_ARRAY_SIZE(kind_names) ? kind_names[kind] : "unknown";
}

struct trib_value trib_value_timestamp_ms(int64_t ms)
{
	int64_t seconds = ms / 1000, rest = ms % 1000;

	if (rest < 0) {
		rest += 1000;
		seconds--;
	}
	return (struct trib_value){ .kind = TRIB_VALUE_TIMESTAMP,
				    .nanos = (int32_t)rest * 1000000,
				    .integer = seconds };
}

struct trib_value trib_value_duration_ms(int64_t ms)
{
	return (struct trib_value){ .kind = TRIB_VALUE_DURATION,
				    .nanos = (int32_t)(ms % 1000) * 1000000,
				    .integer = ms / 1000 };
}

int64_t trib_value_floor_ms(const struct trib_value *value, bool *ret_exact)
{
	int64_t nanos = value->nanos, part = nanos / 1000000, left = nanos % 1000000;

	if (left < 0) {
		part--;
		left += 1000000;
	}
	*ret_exact = left == 0;
	return value->integer * 1000 + part;
}

/* ---- Order and equality --------------------------------------------------------------------------- */

static int order_doubles(double a, double b)
{
	return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;
}

/* As the conformance tests of CEL demand: inside the range of the integer, the integer becomes a double. */
static int order_int_double(int64_t a, double b)
{
	return b < -0x1p63 ? 1 : b > 0x1p63 ? -1 : order_doubles((double)a, b);
}

static int order_uint_double(uint64_t a, double b)
{
	return b < 0 ? 1 : b > 0x1p64 ? -1 : order_doubles((double)a, b);
}

static int order_int_uint(int64_t a, uint64_t b)
{
	return a < 0 || (uint64_t)a < b ? -1 : (uint64_t)a > b;
}

static int reversed(int order)
{
	return order == 1 || order == -1 ? -order : order;
}

static int order_numbers(const struct trib_value *a, const struct trib_value *b)
{
	if (a->kind == b->kind) {
		if (a->kind == TRIB_VALUE_INT)
			return (a->integer > b->integer) - (a->integer < b->integer);
		if (a->kind == TRIB_VALUE_UINT)
			return (a->unsigned_integer > b->unsigned_integer) -
			       (a->unsigned_integer < b->unsigned_integer);
		return order_doubles(a->number, b->number);
	}
	if (a->kind > b->kind)
		return reversed(order_numbers(b, a));
	if (b->kind == TRIB_VALUE_UINT)
		return order_int_uint(a->integer, b->unsigned_integer);
	return a->kind == TRIB_VALUE_INT ? order_int_double(a->integer, b->number)
					 : order_uint_double(a->unsigned_integer, b->number);
}

int trib_value_order(const struct trib_value *a, const struct trib_value *b)
{
	if (trib_value_is_number(a) && trib_value_is_number(b))
		return order_numbers(a, b);
	if (a->kind != b->kind)
		return 3;
	switch (a->kind) {
	case TRIB_VALUE_BOOL:
		return (int)a->boolean - (int)b->boolean;
	case TRIB_VALUE_STRING:
	case TRIB_VALUE_BYTES: {
		int order = trib_bytes_compare(trib_value_text(a), trib_value_text(b));

		return (order > 0) - (order < 0);
	}
	case TRIB_VALUE_TIMESTAMP:
	case TRIB_VALUE_DURATION:
		if (a->integer != b->integer)
			return a->integer < b->integer ? -1 : 1;
		return (a->nanos > b->nanos) - (a->nanos < b->nanos);
	default:
		return 3;
	}
}

static bool lists_equal(const struct trib_list *a, const struct trib_list *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!trib_value_equal(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static bool maps_equal(const struct trib_map *a, const struct trib_map *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++) {
		const struct trib_value *other = trib_map_find(b, &a->keys[i]);

		if (!other || !trib_value_equal(&a->values[i], other))
			return false;
	}
	return true;
}

bool trib_value_equal(const struct trib_value *a, const struct trib_value *b)
{
	if (a->kind != b->kind)
		return trib_value_is_number(a) && trib_value_is_number(b) &&
		       order_numbers(a, b) == 0;
	switch (a->kind) {
	case TRIB_VALUE_NULL:
		return true;
	case TRIB_VALUE_STRING:
	case TRIB_VALUE_BYTES:
		return trib_bytes_equal(trib_value_text(a), trib_value_text(b));
	case TRIB_VALUE_LIST:
		return lists_equal(a->list, b->list);
	case TRIB_VALUE_MAP:
		return maps_equal(a->map, b->map);
	case TRIB_VALUE_TYPE:
		return a->code == b->code;
	default:
		return trib_value_order(a, b) == 0;
	}
}

uint64_t trib_value_weight(const struct trib_value *value, uint64_t max)
{
	uint64_t weight = 1;

	if (value->kind == TRIB_VALUE_STRING || value->kind == TRIB_VALUE_BYTES)
		return TRIB_MIN(weight + value->size / 64, max);
	if (value->kind == TRIB_VALUE_LIST)
		for (uint32_t i = 0; i < value->list->count && weight < max; i++)
			weight += trib_value_weight(&value->list->items[i], max - weight);
	if (value->kind == TRIB_VALUE_MAP)
		for (uint32_t i = 0; i < value->map->count && weight < max; i++)
			weight += 2 + trib_value_weight(&value->map->values[i], max - weight);
	return TRIB_MIN(weight, max);
}

/* ---- Lists and maps ------------------------------------------------------------------------------- */

static uint32_t depth_over(const struct trib_value *values, uint32_t count)
{
	uint32_t depth = 0;

	for (uint32_t i = 0; i < count; i++)
		depth = TRIB_MAX(depth, trib_value_depth(&values[i]));
	return depth + 1;
}

trib_status trib_value_list(struct trib_arena *arena, const struct trib_value *items,
			    uint32_t count, struct trib_value *ret_list)
{
	uint32_t depth = depth_over(items, count);

	if (depth > TRIB_LIMIT_CEL_VALUE_DEPTH)
		return TRIB_LIMIT;
	struct trib_list *list = trib_arena_alloc(arena, sizeof(*list));

	if (!list)
		return TRIB_NO_MEMORY;
	*list = (struct trib_list){ .count = count, .depth = depth, .items = items };
	*ret_list = (struct trib_value){ .kind = TRIB_VALUE_LIST, .list = list };
	return TRIB_OK;
}

static struct trib_hash_key hash_key;

static void make_hash_key(void)
{
	/* Outsiders choose the keys of maps, so the order of slots must not be theirs to choose. Results never show it. */
	if (getrandom(&hash_key, sizeof(hash_key), 0) != (ssize_t)sizeof(hash_key))
		trib_assert(!"getrandom");
}

static const struct trib_hash_key *map_hash_key(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_hash_key);
	return &hash_key;
}

/* Numbers that are equal hash alike: a double that is whole counts as the integer it is. */
static bool hash_of_key(const struct trib_value *key, uint64_t *ret_hash)
{
	switch (key->kind) {
	case TRIB_VALUE_STRING:
		*ret_hash = trib_hash_keyed(trib_value_text(key), &hash_key);
		return true;
	case TRIB_VALUE_BOOL:
		*ret_hash = trib_hash_u64(key->boolean ? 11 : 12);
		return true;
	case TRIB_VALUE_INT:
	case TRIB_VALUE_UINT:
		break;
	default:
		return false;
	}
	uint64_t bits = key->unsigned_integer;

	*ret_hash = trib_hash_keyed(trib_bytes(&bits, sizeof(bits)), &hash_key);
	return true;
}

/* The key as an int or uint where a double is asked for; false: no integer equals it, so no key does. */
static bool whole_key(const struct trib_value *key, struct trib_value *ret_key)
{
	*ret_key = *key;
	if (key->kind != TRIB_VALUE_DOUBLE)
		return true;
	double number = key->number;

	if (!(number >= -0x1p63 && number < 0x1p64) || number != trunc(number))
		return false;
	*ret_key = number < 0 ? trib_value_int((int64_t)number) : trib_value_uint((uint64_t)number);
	return true;
}

/* Keys are never doubles, so this is exact. */
static bool keys_equal(const struct trib_value *a, const struct trib_value *b)
{
	if (a->kind == TRIB_VALUE_STRING)
		return b->kind == TRIB_VALUE_STRING &&
		       trib_bytes_equal(trib_value_text(a), trib_value_text(b));
	return trib_value_equal(a, b);
}

static uint32_t find_slot(const struct trib_map *map, const struct trib_value *key, uint64_t hash)
{
	uint32_t slot = (uint32_t)hash & map->slot_mask;

	while (map->slots[slot] && !keys_equal(&map->keys[map->slots[slot] - 1], key))
		slot = (slot + 1) & map->slot_mask;
	return slot;
}

const struct trib_value *trib_map_find(const struct trib_map *map, const struct trib_value *key)
{
	struct trib_value whole;
	uint64_t hash;

	if (!whole_key(key, &whole))
		return NULL;
	if (!map->slots) {
		for (uint32_t i = 0; i < map->count; i++)
			if (keys_equal(&map->keys[i], &whole))
				return &map->values[i];
		return NULL;
	}
	if (!hash_of_key(&whole, &hash))
		return NULL;
	uint32_t position = map->slots[find_slot(map, &whole, hash)];

	return position ? &map->values[position - 1] : NULL;
}

/* Fills the slots; INVALID where a key is there twice. */
static trib_status index_map(struct trib_arena *arena, struct trib_map *map)
{
	uint32_t size = 16;

	while (size < map->count * 2)
		size *= 2;
	uint32_t *slots = trib_arena_alloc_zeroed(arena, size * sizeof(*slots));

	if (!slots)
		return TRIB_NO_MEMORY;
	map_hash_key();
	map->slots = slots;
	map->slot_mask = size - 1;
	for (uint32_t i = 0; i < map->count; i++) {
		uint64_t hash = 0;

		hash_of_key(&map->keys[i], &hash);
		uint32_t slot = find_slot(map, &map->keys[i], hash);

		if (slots[slot])
			return TRIB_INVALID;
		slots[slot] = i + 1;
	}
	return TRIB_OK;
}

static bool keys_valid(const struct trib_value *keys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (keys[i].kind != TRIB_VALUE_STRING && keys[i].kind != TRIB_VALUE_BOOL &&
		    keys[i].kind != TRIB_VALUE_INT && keys[i].kind != TRIB_VALUE_UINT)
			return false;
	return true;
}

trib_status trib_value_map(struct trib_arena *arena, const struct trib_value *keys,
			   const struct trib_value *values, uint32_t count,
			   struct trib_value *ret_map)
{
	uint32_t depth = depth_over(values, count);

	if (depth > TRIB_LIMIT_CEL_VALUE_DEPTH || count > UINT32_MAX / 4)
		return TRIB_LIMIT;
	if (!keys_valid(keys, count))
		return TRIB_INVALID;
	struct trib_map *map = trib_arena_alloc(arena, sizeof(*map));

	if (!map)
		return TRIB_NO_MEMORY;
	*map = (struct trib_map){ .count = count, .depth = depth, .keys = keys, .values = values };
	if (count >= MAP_SLOTS_FROM) {
		trib_status status = index_map(arena, map);

		if (status != TRIB_OK)
			return status;
	} else {
		for (uint32_t i = 0; i < count; i++)
			for (uint32_t j = 0; j < i; j++)
				if (keys_equal(&keys[i], &keys[j]))
					return TRIB_INVALID;
	}
	*ret_map = (struct trib_value){ .kind = TRIB_VALUE_MAP, .map = map };
	return TRIB_OK;
}
