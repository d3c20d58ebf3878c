/* Tallies against an array that is searched from its beginning. */
#include "test.h"

#include "base/rng.h"
#include "engine/tallies.h"

enum { KEYS = 800, STEPS = 20000 };

struct twin {
	struct trib_tally list[KEYS], stored[KEYS];
	size_t count, n_stored;
	char last_key[TRIB_TALLY_KEY_BYTES];
};

static struct trib_tally draw(struct trib_rng *rng)
{
	struct trib_tally tally = { .key = { 1 + (uint32_t)trib_rng_below(rng, 5), (uint32_t)trib_rng_below(rng, 4),
					     (uint32_t)trib_rng_below(rng, 3), (uint32_t)trib_rng_below(rng, 3),
					     (int32_t)trib_rng_between(rng, -1, 2) },
				    .sold = { (int64_t)trib_rng_below(rng, 9), 2, (int64_t)trib_rng_below(rng, 1 << 20) },
				    .amount = trib_rng_between(rng, -5, 1000) };

	return tally;
}

static size_t find(const struct trib_tally *list, size_t count, const struct trib_tally_key *key)
{
	size_t i = 0;

	while (i < count && memcmp(&list[i].key, key, sizeof(*key)) != 0)
		i++;
	return i;
}

static void put(struct trib_tally *list, size_t *count, const struct trib_tally *tally)
{
	size_t at = find(list, *count, &tally->key);

	list[at] = *tally;
	*count += at == *count;
}

static void assert_same(const struct trib_tally *a, const struct trib_tally *b)
{
	assert_memory_equal(&a->key, &b->key, sizeof(a->key));
	assert_memory_equal(&a->sold, &b->sold, sizeof(a->sold));
	assert_int_equal(a->amount, b->amount);
}

static void store(void *context, const struct trib_tally *tally)
{
	struct twin *twin = context;
	char key[TRIB_TALLY_KEY_BYTES], value[TRIB_TALLY_VALUE_BYTES];
	struct trib_tally read;

	trib_tally_put_row(tally, key, value);
	assert_true(memcmp(twin->last_key, key, sizeof(key)) < 0);
	memcpy(twin->last_key, key, sizeof(key));
	assert_true(trib_tally_get_row(trib_bytes(key, sizeof(key)), trib_bytes(value, sizeof(value)), &read));
	assert_same(&read, tally);
	put(twin->stored, &twin->n_stored, &read);
}

static void count_one(void *context, const struct trib_tally *tally)
{
	(*(size_t *)context)++;
}

/* Each place stands in the chain of its plan, after those that came before it; buyers stand in none. */
static void assert_chained(const struct trib_tallies *tallies)
{
	size_t chained = 0, buyers = 0;

	for (uint32_t i = 0; i < trib_tallies_count(tallies); i++)
		buyers += trib_tallies_at(tallies, i)->key.kind == TRIB_TALLY_BUYER;
	for (uint32_t plan = 0; plan < 6; plan++)
		for (uint32_t i = trib_tallies_first(tallies, plan), next; i != TRIB_TALLY_NONE; i = next) {
			next = trib_tallies_next(tallies, i);
			assert_int_equal(trib_tallies_at(tallies, i)->key.plan, plan);
			assert_true(next > i);
			chained++;
		}
	assert_int_equal(chained + buyers, trib_tallies_count(tallies));
}

static void behave_as_an_array_does(void **state)
{
	static struct twin twin;
	struct trib_tallies *tallies = trib_tallies_new(KEYS), *loaded = trib_tallies_new(KEYS);
	struct trib_rng rng;
	size_t visited = 0;

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < STEPS; i++) {
		struct trib_tally tally = draw(&rng), ask = draw(&rng);

		trib_tallies_put(tallies, &tally);
		put(twin.list, &twin.count, &tally);
		const struct trib_tally *found = trib_tallies_get(tallies, &ask.key);
		size_t at = find(twin.list, twin.count, &ask.key);

		assert_true((found == NULL) == (at == twin.count));
		if (found)
			assert_same(found, &twin.list[at]);
		assert_int_equal(trib_tallies_count(tallies), twin.count);
		if (i % 1000 != 999)
			continue;
		assert_chained(tallies);
		memset(twin.last_key, 0, sizeof(twin.last_key));
		trib_tallies_take_changes(tallies, store, &twin);
		assert_int_equal(twin.n_stored, twin.count);
		for (size_t j = 0; j < twin.count; j++)
			assert_same(&twin.stored[find(twin.stored, twin.n_stored, &twin.list[j].key)], &twin.list[j]);
	}
	for (size_t j = 0; j < twin.n_stored; j++)
		trib_tallies_load(loaded, &twin.stored[j]);
	trib_tallies_each(loaded, count_one, &visited);
	assert_int_equal(visited, twin.count);
	assert_true(trib_tallies_has_room(loaded, KEYS - twin.count) && !trib_tallies_has_room(loaded, KEYS));
	trib_tallies_free(loaded);
	trib_tallies_free(tallies);
}

static void refuse_rows_that_are_none(void **state)
{
	char key[TRIB_TALLY_KEY_BYTES] = { 0 }, value[TRIB_TALLY_VALUE_BYTES] = { 0 };
	struct trib_tally tally;

	assert_false(trib_tally_get_row(trib_bytes(key, sizeof(key)), trib_bytes(value, sizeof(value)), &tally));
	key[3] = 1;
	assert_true(trib_tally_get_row(trib_bytes(key, sizeof(key)), trib_bytes(value, sizeof(value)), &tally));
	assert_false(trib_tally_get_row(trib_bytes(key, 19), trib_bytes(value, sizeof(value)), &tally));
	assert_false(trib_tally_get_row(trib_bytes(key, sizeof(key)), trib_bytes(value, 31), &tally));
	key[3] = 99;
	assert_false(trib_tally_get_row(trib_bytes(key, sizeof(key)), trib_bytes(value, sizeof(value)), &tally));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behave_as_an_array_does),
		cmocka_unit_test(refuse_rows_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
