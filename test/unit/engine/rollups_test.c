/* Rollups beside a list of all that was counted. */
#include "test.h"
#include "engine/rollups.h"

enum { COUNTS = 6000, PLAYS = 5, CURRENCIES = 3, ROWS_MAX = 100000 };

static struct count {
	int64_t at_ms, charged;
	uint32_t play, currency, outcome;
} counts[COUNTS];
static int n_counts;

static struct rollups *rollups;

/* --- The store ---------------------------------------------------------------------------------------- */

static struct row {
	uint32_t level, slot;
	char *bytes;
	size_t size;
} rows[ROWS_MAX];
static size_t n_rows;

static void put_row(void *context, enum rollup_level level, uint32_t slot, struct trib_bytes bytes)
{
	size_t i = 0;

	while (i < n_rows && (rows[i].level != level || rows[i].slot != slot))
		i++;
	assert_true(i < ROWS_MAX);
	if (i == n_rows)
		rows[n_rows++] = (struct row){ .level = level, .slot = slot };
	free(rows[i].bytes);
	rows[i].bytes = memcpy(trib_alloc(bytes.size + 1), bytes.data, bytes.size);
	rows[i].size = bytes.size;
}

static void restart(void)
{
	struct trib_error error;

	rollups_freeze(rollups, put_row, NULL);
	rollups_free(rollups);
	rollups = rollups_new();
	for (size_t i = n_rows; i-- > 0;)
		assert_ok(rollups_load(rollups, rows[i].level, rows[i].slot, trib_bytes(rows[i].bytes, rows[i].size), &error),
			  error);
	rollups_load_done(rollups);
}

/* --- The twin ----------------------------------------------------------------------------------------- */

struct sums {
	enum rollup_level level;
	int64_t from_ms, to_ms, charged, last_ms;
	uint64_t orders, cells;
};

static int64_t begin_of(enum rollup_level level, int64_t at_ms)
{
	int64_t ms = rollup_level_ms(level);

	return ms ? at_ms - at_ms % ms : 0;
}

static bool compare_cell(void *context, const struct rollup *cell)
{
	struct sums *sums = context;
	int64_t charged = 0;
	uint32_t orders[ROLLUP_OUTCOMES] = { 0 };

	for (int i = 0; i < n_counts; i++) {
		if (counts[i].play != cell->play || counts[i].currency != cell->currency ||
		    begin_of(sums->level, counts[i].at_ms) != cell->from_ms)
			continue;
		charged += counts[i].charged;
		orders[counts[i].outcome]++;
	}
	assert_int_equal(cell->value[ROLLUP_CHARGED], charged);
	for (int i = 0; i < ROLLUP_OUTCOMES; i++) {
		assert_int_equal(cell->orders[i], orders[i]);
		sums->orders += orders[i];
	}
	assert_true(cell->from_ms >= sums->last_ms && cell->from_ms >= sums->from_ms && cell->from_ms < sums->to_ms);
	sums->last_ms = cell->from_ms;
	sums->charged += charged;
	sums->cells++;
	return true;
}

static void compare(enum rollup_level level, int64_t from_ms, int64_t to_ms)
{
	struct sums sums = { .level = level, .from_ms = from_ms, .to_ms = to_ms };
	int64_t charged = 0;

	rollups_each(rollups, level, from_ms, to_ms, compare_cell, &sums);
	for (int i = 0; i < n_counts; i++) {
		int64_t begin_ms = begin_of(level, counts[i].at_ms);

		charged += begin_ms >= from_ms && begin_ms < to_ms ? counts[i].charged : 0;
	}
	assert_int_equal(sums.charged, charged);
}

static void count(struct trib_rng *rng, int64_t now_ms)
{
	struct count *one = &counts[n_counts++];

	*one = (struct count){ .at_ms = now_ms, .charged = trib_rng_between(rng, -50, 1000),
			       .play = (uint32_t)trib_rng_below(rng, PLAYS), .currency = (uint32_t)trib_rng_below(rng, CURRENCIES),
			       .outcome = (uint32_t)trib_rng_below(rng, ROLLUP_OUTCOMES) };
	struct rollup *cell = rollups_open(rollups, one->play, one->currency, now_ms);

	cell->value[ROLLUP_CHARGED] += one->charged;
	cell->orders[one->outcome]++;
}

static void tell_what_was_counted(void **state)
{
	struct trib_rng rng;
	int64_t now_ms = INT64_C(1790000000000);

	trib_rng_seed(&rng, trib_test_seed());
	rollups = rollups_new();
	for (int i = 0; i < COUNTS; i++) {
		count(&rng, now_ms);
		now_ms += trib_rng_chance(&rng, 0.5) ? 0 : trib_rng_between(&rng, 0, trib_rng_chance(&rng, 0.01) ? 90000000 : 50000);
		if (i % 300 == 299)
			restart();
		if (i % 200)
			continue;
		for (enum rollup_level level = 0; level < ROLLUP_LEVELS; level++) {
			compare(level, 0, INT64_MAX);
			if (level != ROLLUP_TOTAL)
				compare(level, now_ms - trib_rng_between(&rng, 0, 100000000),
					now_ms - trib_rng_between(&rng, 0, 1000000));
		}
	}
	rollups_free(rollups);
	for (size_t i = 0; i < n_rows; i++)
		free(rows[i].bytes);
}

static bool note_first(void *context, const struct rollup *cell)
{
	*(int64_t *)context = cell->from_ms;
	return false;
}

static void the_oldest_minutes_are_forgotten(void **state)
{
	enum { MINUTES = 140000 };
	int64_t now_ms = 0, first_ms = -1, total = 0;

	rollups = rollups_new();
	for (int i = 0; i < MINUTES; i++, now_ms += 60000)
		rollups_open(rollups, 1, 1, now_ms)->value[ROLLUP_CHARGED]++;
	rollups_each(rollups, ROLLUP_MINUTE, 0, INT64_MAX, note_first, &first_ms);
	assert_int_equal(first_ms, (MINUTES - 131072) * INT64_C(60000));
	first_ms = -1;
	rollups_each(rollups, ROLLUP_HOUR, 0, INT64_MAX, note_first, &first_ms);
	assert_int_equal(first_ms, 0);
	rollups_each(rollups, ROLLUP_TOTAL, 0, INT64_MAX, note_first, &total);
	assert_int_equal(total, 0);
	rollups_free(rollups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tell_what_was_counted),
		cmocka_unit_test(the_oldest_minutes_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
