/* A shelf against a list that is rebuilt for every change; its bytes, whole, cut and mangled. */
#include "test.h"

#include <stdlib.h>
#include "domain/shelf.h"

enum { GOODS = 60, ROUNDS = 20000 };

struct list {
	struct trib_shelf_entry items[TRIB_LIMIT_SHELF_ENTRIES];
	uint32_t count;
};

static void list_without(struct list *list, uint32_t goods)
{
	struct list rest = { .count = 0 };

	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].goods != goods)
			rest.items[rest.count++] = list->items[i];
	*list = rest;
}

static uint32_t list_place(const struct list *list, uint32_t goods)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].goods == goods)
			return i;
	return TRIB_SHELF_NOWHERE;
}

static void list_put(struct list *list, struct trib_shelf_entry entry, uint32_t place)
{
	struct list put = { .count = 0 };
	uint32_t stood = list_place(list, entry.goods);

	list_without(list, entry.goods);
	if (place == TRIB_SHELF_NOWHERE)
		place = stood;
	for (uint32_t i = 0; i < list->count; i++) {
		if (i == place)
			put.items[put.count++] = entry;
		put.items[put.count++] = list->items[i];
	}
	if (place >= list->count)
		put.items[put.count++] = entry;
	*list = put;
}

static void assert_same(const struct trib_shelf *shelf, const struct list *list)
{
	assert_int_equal(shelf->count, list->count);
	for (uint32_t i = 0; i < list->count; i++) {
		assert_int_equal(shelf->entries[i].goods, list->items[i].goods);
		assert_int_equal(shelf->entries[i].offer, list->items[i].offer);
		assert_int_equal(shelf->entries[i].group, list->items[i].group);
		assert_int_equal(shelf->entries[i].policy, list->items[i].policy);
		assert_int_equal(shelf->entries[i].told, list->items[i].told);
		assert_int_equal(trib_shelf_find(shelf, list->items[i].goods), i);
	}
}

static void assert_reads_back(const struct trib_shelf *shelf)
{
	static struct trib_shelf read;
	static char bytes[TRIB_SHELF_BYTES_MAX], again[TRIB_SHELF_BYTES_MAX];
	size_t size = trib_shelf_write(shelf, bytes);
	uint32_t total;

	assert_true(trib_shelf_read(trib_bytes(bytes, size), &read));
	assert_int_equal(trib_shelf_write(&read, again), size);
	assert_memory_equal(bytes, again, size);
	assert_int_equal(read.count, shelf->count);
	for (uint32_t from = 0; from < shelf->count + 2; from += 7) {
		assert_true(trib_shelf_read_page(trib_bytes(bytes, size), from, 5, &read, &total));
		assert_int_equal(total, shelf->count);
		assert_int_equal(read.count, from >= total ? 0 : TRIB_MIN(5u, total - from));
		for (uint32_t i = 0; i < read.count; i++) {
			assert_int_equal(read.entries[i].goods, shelf->entries[from + i].goods);
			assert_int_equal(read.entries[i].offer, shelf->entries[from + i].offer);
			assert_int_equal(read.entries[i].group, shelf->entries[from + i].group);
			assert_int_equal(read.entries[i].policy, shelf->entries[from + i].policy);
			assert_int_equal(read.entries[i].told, shelf->entries[from + i].told);
		}
	}
}

static void changes_as_a_list_does(void **state)
{
	static struct trib_shelf shelf = { .version = 1, .policy = TRIB_SHELF_POLICY_INVALID };
	static struct list list;
	static const char *const names[] = { "new", "hot", "\xe9\xa3\x9f\xe5\x93\x81" };
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t goods = 1 + (uint32_t)trib_rng_below(&rng, GOODS) * 71000001u;
		uint32_t place = trib_rng_chance(&rng, 0.3) ? TRIB_SHELF_NOWHERE : (uint32_t)trib_rng_below(&rng, GOODS + 5);

		if (trib_rng_chance(&rng, 0.3)) {
			assert_int_equal(trib_shelf_remove(&shelf, goods), list_place(&list, goods) != TRIB_SHELF_NOWHERE);
			list_without(&list, goods);
		} else {
			struct trib_shelf_entry entry = { .goods = goods };

			if (trib_rng_chance(&rng, 0.5))
				entry.offer = (uint32_t)trib_rng_below(&rng, UINT64_C(1) << 32);
			if (trib_rng_chance(&rng, 0.2))
				entry.group = trib_shelf_group(&shelf, trib_bytes_text(names[trib_rng_below(&rng, 3)]));
			if (trib_rng_chance(&rng, 0.2))
				entry.policy = (uint8_t)trib_rng_below(&rng, TRIB_SHELF_POLICIES);
			entry.told = entry.offer && trib_rng_chance(&rng, 0.2);
			assert_true(trib_shelf_put(&shelf, entry, place));
			list_put(&list, entry, place);
		}
		if (round % 97 == 0) {
			assert_same(&shelf, &list);
			assert_reads_back(&shelf);
		}
	}
}

static void orders_and_groups(void **state)
{
	static struct trib_shelf shelf = { .version = 1, .policy = TRIB_SHELF_POLICY_FALL_BACK };
	const uint32_t order[] = { 4, 2, 9 }; /* 9 is not there: it is passed over */
	const struct trib_bytes groups[] = { trib_bytes_text("c"), trib_bytes_text("a") };
	const uint32_t expected[] = { 4, 2, 1, 3, 5 };
	const char *const grouped[] = { "", "", "a", "c", "" };

	for (uint32_t goods = 1; goods <= 5; goods++)
		assert_true(trib_shelf_put(&shelf, (struct trib_shelf_entry){ .goods = goods }, TRIB_SHELF_NOWHERE));
	shelf.entries[0].group = trib_shelf_group(&shelf, trib_bytes_text("a"));
	shelf.entries[1].group = trib_shelf_group(&shelf, trib_bytes_text("b"));
	shelf.entries[2].group = trib_shelf_group(&shelf, trib_bytes_text("c"));
	trib_shelf_order(&shelf, order, TRIB_ARRAY_SIZE(order));
	trib_shelf_set_groups(&shelf, groups, TRIB_ARRAY_SIZE(groups));
	for (uint32_t i = 0; i < 5; i++) {
		uint8_t group = shelf.entries[i].group;

		assert_int_equal(shelf.entries[i].goods, expected[i]);
		assert_true(trib_bytes_is(group ? shelf.groups[group - 1] : trib_bytes("", 0), grouped[i]));
	}
	assert_reads_back(&shelf);
}

static void is_full_at_its_limits(void **state)
{
	static struct trib_shelf shelf = { .version = UINT32_MAX, .policy = TRIB_SHELF_POLICY_ASK };
	char name[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
	static char names[TRIB_LIMIT_SHELF_GROUPS][sizeof(name)];

	for (int i = 0; i < TRIB_LIMIT_SHELF_GROUPS; i++) {
		snprintf(names[i], sizeof(name), "%064d", i);
		assert_int_equal(trib_shelf_group(&shelf, trib_bytes_text(names[i])), i + 1);
	}
	assert_int_equal(trib_shelf_group(&shelf, trib_bytes_text("one more")), 0);
	for (uint32_t i = 0; i < TRIB_LIMIT_SHELF_ENTRIES; i++)
		assert_true(trib_shelf_put(&shelf, (struct trib_shelf_entry){ .goods = UINT32_MAX - i, .offer = UINT32_MAX, .group = 64, .policy = 3, .told = true }, 0));
	assert_false(trib_shelf_put(&shelf, (struct trib_shelf_entry){ .goods = 1 }, 0));
	assert_true(trib_shelf_put(&shelf, (struct trib_shelf_entry){ .goods = UINT32_MAX, .offer = UINT32_MAX, .group = 64, .policy = 3, .told = true }, 3));
	assert_reads_back(&shelf);
}

/* Whatever the bytes, what is read lies within bounds; no part of a record is a record. */
static void distrusts_bytes(void **state)
{
	static struct trib_shelf shelf, read;
	static char bytes[TRIB_SHELF_BYTES_MAX];
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	shelf = (struct trib_shelf){ .version = 7, .policy = TRIB_SHELF_POLICY_FALL_BACK };
	for (uint32_t goods = 1; goods <= 40; goods++)
		trib_shelf_put(&shelf, (struct trib_shelf_entry){ .goods = goods * 1000, .offer = goods % 3 * 5000,
								  .group = goods % 2 ? trib_shelf_group(&shelf, trib_bytes_text("g")) : 0 }, 0);
	size_t size = trib_shelf_write(&shelf, bytes);

	for (size_t cut = 1; cut < size; cut++)
		assert_false(trib_shelf_read(trib_bytes(bytes, cut), &read));
	assert_true(trib_shelf_read(trib_bytes("", 0), &read));
	assert_int_equal(read.count, 0);
	for (int round = 0; round < ROUNDS; round++) {
		char mangled[512];

		memcpy(mangled, bytes, size);
		for (int i = 0; i < 3; i++)
			mangled[trib_rng_below(&rng, size)] = (char)trib_rng_below(&rng, 256);
		if (!trib_shelf_read(trib_bytes(mangled, size), &read))
			continue;
		assert_true(read.count <= TRIB_LIMIT_SHELF_ENTRIES && read.group_count <= TRIB_LIMIT_SHELF_GROUPS);
		for (uint32_t i = 0; i < read.count; i++)
			assert_true(read.entries[i].goods && read.entries[i].group <= read.group_count &&
				    read.entries[i].policy < TRIB_SHELF_POLICIES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_as_a_list_does),
		cmocka_unit_test(orders_and_groups),
		cmocka_unit_test(is_full_at_its_limits),
		cmocka_unit_test(distrusts_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
