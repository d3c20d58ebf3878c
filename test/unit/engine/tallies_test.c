/* Tallies against an array that is searched from its beginning. */
#include "test.h"

#include "base/rng.h"
#include "engine/tallies.h"

enum { KEYS = 800, STEPS = 20000 };

struct twin {
	struct trib_tally list[KEYS], stored[KEYS];
	struct trib_tally frozen[KEYS]; /* the list as it stood when the freeze began */
	size_t count, n_stored, n_frozen, handed_out;
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
	assert_true(trib_tally_get_row(trib_bytes(key, sizeof(key)), trib_bytes(value, sizeof(value)), &read));
	assert_same(&read, tally);
	size_t at = find(twin->frozen, twin->n_frozen, &read.key);

	assert_true(at < twin->n_frozen);
	assert_same(&read, &twin->frozen[at]);
	put(twin->stored, &twin->n_stored, &read);
	twin->handed_out++;
}

/* What was put since the last freeze has been handed out: the store is as the list stood when this one began. */
static void assert_stored(const struct twin *twin, size_t changed)
{
	assert_int_equal(twin->handed_out, changed);
	assert_int_equal(twin->n_stored, twin->n_frozen);
	for (size_t i = 0; i < twin->n_frozen; i++)
		assert_same(&twin->stored[find(twin->stored, twin->n_stored, &twin->frozen[i].key)], &twin->frozen[i]);
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
	size_t visited, changed = 0, frozen_changed = 0;
	bool has_changed[KEYS] = { false }, freezing = false;

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < STEPS; i++) {
		struct trib_tally tally = draw(&rng), ask = draw(&rng);

		trib_tallies_put(tallies, &tally);
		put(twin.list, &twin.count, &tally);
		size_t put_at = find(twin.list, twin.count, &tally.key);

		changed += !has_changed[put_at];
		has_changed[put_at] = true;
		const struct trib_tally *found = trib_tallies_get(tallies, &ask.key);
		size_t at = find(twin.list, twin.count, &ask.key);

		assert_true((found == NULL) == (at == twin.count));
		if (found)
			assert_same(found, &twin.list[at]);
		assert_int_equal(trib_tallies_count(tallies), twin.count);
		if (i % 1000 == 999)
			assert_chained(tallies);
		/* Orders go on between the steps of a freeze. */
		if (freezing && trib_rng_chance(&rng, 0.3) && !trib_tallies_freeze_step(tallies, 1 + trib_rng_below(&rng, 9))) {
			assert_stored(&twin, frozen_changed);
			freezing = false;
		}
		if (freezing || !trib_rng_chance(&rng, 0.01))
			continue;
		memcpy(twin.frozen, twin.list, sizeof(twin.list));
		twin.n_frozen = twin.count;
		twin.handed_out = 0;
		frozen_changed = changed;
		changed = 0;
		memset(has_changed, 0, sizeof(has_changed));
		trib_tallies_freeze(tallies, store, &twin);
		freezing = true;
	}
	while (trib_tallies_freeze_step(tallies, SIZE_MAX))
		;
	if (freezing)
		assert_stored(&twin, frozen_changed);
	visited = 0;
	for (size_t j = 0; j < twin.n_stored; j++)
		trib_tallies_load(loaded, &twin.stored[j]);
	trib_tallies_each(loaded, count_one, &visited);
	assert_int_equal(visited, twin.n_frozen);
	assert_true(trib_tallies_has_room(loaded, KEYS - visited) && !trib_tallies_has_room(loaded, KEYS));
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
