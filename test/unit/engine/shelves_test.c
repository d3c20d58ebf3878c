/* Shelves in memory against an array that forgets nothing, with a store that checkpoints write. */
#include "test.h"

#include "engine/shelves.h"

enum { CREATORS = 400, GOODS = 5000, ROUNDS = 60000 };

struct twin {
	uint32_t newest[CREATORS][TRIB_SHELF_KINDS]; /* a number that the record holds; 0: none */
	uint32_t stored[CREATORS][TRIB_SHELF_KINDS];
	uint32_t count[GOODS], stored_count[GOODS];
};

static struct trib_record *record_of(uint32_t number)
{
	char bytes[64] = { 0 };

	memcpy(bytes, &number, sizeof(number));
	return number ? trib_record_of(trib_bytes(bytes, sizeof(number) + number % 60)) : NULL;
}

static uint32_t number_of(struct trib_record *record)
{
	uint32_t number = 0;

	if (record)
		memcpy(&number, trib_record_bytes(record).data, sizeof(number));
	return number;
}

/* As the engine reads: memory, else the store. */
static uint32_t look(struct shelves *shelves, struct twin *twin, uint32_t creator, uint32_t kind, size_t *loads)
{
	struct trib_record *record;

	if (!shelves_find(shelves, creator, (enum trib_shelf_kind)kind, &record)) {
		record = record_of(twin->stored[creator][kind]);
		shelves_load(shelves, creator, (enum trib_shelf_kind)kind, record);
		(*loads)++;
	}
	return number_of(record);
}

static void store_block(void *context, uint32_t block, const char bytes[SHELVES_BLOCK_BYTES])
{
	struct twin *twin = context;

	for (uint32_t i = 0; i < SHELVES_BLOCK_GOODS && block * SHELVES_BLOCK_GOODS + i < GOODS; i++)
		memcpy(&twin->stored_count[block * SHELVES_BLOCK_GOODS + i], bytes + (size_t)i * 4, 4);
}

static void forgets_only_what_the_store_has(void **state)
{
	static struct twin twin;
	struct shelves *shelves = shelves_new(8 << 10);
	struct shelf_frozen *frozen = NULL;
	size_t n_frozen = 0, loads = 0, most = 0;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (uint32_t round = 1; round <= ROUNDS; round++) {
		uint32_t creator = 1 + (uint32_t)trib_rng_below(&rng, CREATORS - 1);
		uint32_t kind = 1 + (uint32_t)trib_rng_below(&rng, TRIB_SHELF_KINDS - 1);
		uint32_t goods = (uint32_t)trib_rng_below(&rng, GOODS);

		assert_int_equal(look(shelves, &twin, creator, kind, &loads), twin.newest[creator][kind]);
		if (trib_rng_chance(&rng, 0.1)) {
			shelves_put(shelves, creator, (enum trib_shelf_kind)kind, record_of(round));
			twin.newest[creator][kind] = round;
			shelves_set_of_goods(shelves, goods, ++twin.count[goods]);
		}
		assert_int_equal(shelves_of_goods(shelves, goods), twin.count[goods]);
		most = TRIB_MAX(most, shelves_bytes(shelves));
		if (!frozen && trib_rng_chance(&rng, 0.01)) {
			frozen = shelves_freeze(shelves, &n_frozen);
		} else if (frozen && trib_rng_chance(&rng, 0.02)) {
			while (shelves_gather(shelves, 1, store_block, &twin))
				;
			for (size_t i = 0; i < n_frozen; i++) {
				twin.stored[frozen[i].creator][frozen[i].kind] = number_of(frozen[i].record);
				trib_record_unref(frozen[i].record);
			}
			shelves_stored(shelves, frozen, n_frozen);
			free(frozen);
			frozen = NULL;
		}
	}
	assert_true(loads > CREATORS * 4);
	assert_true(most < 64 << 10);
	for (size_t i = 0; frozen && i < n_frozen; i++)
		trib_record_unref(frozen[i].record);
	free(frozen);
	shelves_free(shelves);
}

static void keeps_counts_in_blocks(void **state)
{
	static struct twin twin;
	struct shelves *shelves = shelves_new(0), *loaded = shelves_new(0);
	size_t n;

	for (uint32_t goods = 0; goods < GOODS; goods += 37)
		shelves_set_of_goods(shelves, goods, twin.count[goods] = goods * 3 + 1);
	free(shelves_freeze(shelves, &n));
	while (shelves_gather(shelves, 2, store_block, &twin))
		;
	assert_memory_equal(twin.stored_count, twin.count, sizeof(twin.count));
	for (uint32_t block = 0; block * SHELVES_BLOCK_GOODS < GOODS; block++) {
		char bytes[SHELVES_BLOCK_BYTES] = { 0 };

		memcpy(bytes, &twin.stored_count[block * SHELVES_BLOCK_GOODS],
		       TRIB_MIN((size_t)SHELVES_BLOCK_GOODS, (size_t)GOODS - block * SHELVES_BLOCK_GOODS) * 4);
		assert_true(shelves_load_block(loaded, block, trib_bytes(bytes, sizeof(bytes))));
	}
	for (uint32_t goods = 0; goods < GOODS; goods++)
		assert_int_equal(shelves_of_goods(loaded, goods), twin.count[goods]);
	assert_false(shelves_load_block(loaded, 0, trib_bytes("short", 5)));
	assert_int_equal(shelves_of_goods(loaded, UINT32_MAX), 0);
	shelves_free(shelves);
	shelves_free(loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgets_only_what_the_store_has),
		cmocka_unit_test(keeps_counts_in_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
