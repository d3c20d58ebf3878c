/* The index of order lines and the queue of those to be looked at, against arrays that are searched. */
#include "test.h"

#include "base/rng.h"
#include "engine/site_rows.h"

enum { STEPS = 40000, LINES = 700, SITES = 3, PIDS = 50 };

static struct kept_key key_of(uint32_t line)
{
	return (struct kept_key){ line * UINT64_C(0x9e3779b97f4a7c15), line };
}

static void the_index_knows_the_newest(void **state)
{
	static uint64_t twin[LINES + 1];
	struct site_index index = { 0 };
	struct trib_rng rng;
	size_t count = 0;

	trib_rng_seed(&rng, trib_test_seed());
	assert_int_equal(site_index_find(&index, key_of(1)), 0);
	for (uint64_t step = 1; step <= STEPS; step++) {
		uint32_t line = 1 + (uint32_t)trib_rng_below(&rng, LINES), asked = 1 + (uint32_t)trib_rng_below(&rng, LINES);

		count += twin[line] == 0;
		twin[line] = step;
		site_index_put(&index, key_of(line), step);
		assert_int_equal(site_index_find(&index, key_of(asked)), twin[asked]);
	}
	assert_int_equal(index.count, count);
	struct site_row *rows = site_index_sorted(&index);

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(rows[i].position, twin[rows[i].key.hash]);
		assert_true(!i || rows[i - 1].key.fingerprint < rows[i].key.fingerprint);
	}
	free(rows);
	site_index_fini(&index);
}

static struct site_review twin[LINES + 1]; /* by line; look_at 0: none */
static struct site_reviews *loaded; /* what a store that was written at every checkpoint would give */
static bool stored[LINES + 1];
static char rows_of_store[LINES + 1][SITE_REVIEW_BYTES];

static void store(void *context, struct kept_key key, const struct site_review *review)
{
	stored[key.hash] = review != NULL;
	if (review)
		site_review_pack(review, rows_of_store[key.hash]);
}

static bool is_even(void *context, const struct site_review *review)
{
	return review->at_ms % 2 == 0;
}

static int compare(const void *left, const void *right)
{
	const struct site_review *a = left, *b = right;

	return a->position < b->position ? -1 : a->position > b->position;
}

static void check_page(const struct site_reviews *reviews, struct trib_rng *rng)
{
	static struct site_review all[LINES], page[LINES];
	uint32_t site = 1 + (uint32_t)trib_rng_below(rng, SITES);
	uint64_t after = trib_rng_below(rng, STEPS);
	size_t max = trib_rng_below(rng, 30), count = 0, of_site = 0;

	for (uint32_t line = 1; line <= LINES; line++) {
		if (!twin[line].look_at || twin[line].site != site)
			continue;
		of_site++;
		if (twin[line].position > after)
			all[count++] = twin[line];
	}
	qsort(all, count, sizeof(*all), compare);
	assert_int_equal(site_reviews_count(reviews, site), of_site);
	assert_int_equal(site_reviews_page(reviews, site, after, page, max), TRIB_MIN(count, max));
	for (size_t i = 0; i < TRIB_MIN(count, max); i++)
		assert_int_equal(page[i].position, all[i].position);
}

static void the_queue_is_what_an_array_says(void **state)
{
	struct site_reviews *reviews = site_reviews_new();
	struct trib_rng rng;

	memset(twin, 0, sizeof(twin));
	memset(stored, 0, sizeof(stored));
	trib_rng_seed(&rng, trib_test_seed());
	for (uint64_t step = 1; step <= STEPS; step++) {
		uint32_t line = 1 + (uint32_t)trib_rng_below(&rng, LINES), pid = (uint32_t)trib_rng_below(&rng, PIDS);
		const struct site_review review = { .key = key_of(line), .position = step,
						    .at_ms = (int64_t)trib_rng_below(&rng, 1000), .site = 1 + line % SITES,
						    .pid = pid, .look_at = (uint32_t)trib_rng_below(&rng, 4) };

		site_reviews_put(reviews, &review);
		twin[line] = review;
		if (trib_rng_below(&rng, 50) == 0) {
			site_reviews_clear(reviews, pid, 1, is_even, NULL);
			for (uint32_t i = 1; i <= LINES; i++)
				if (pid && twin[i].pid == pid && twin[i].at_ms % 2 == 0)
					twin[i].look_at &= ~1u;
		}
		if (trib_rng_below(&rng, 500) == 0)
			site_reviews_take_changes(reviews, store, NULL);
		if (trib_rng_below(&rng, 20) == 0)
			check_page(reviews, &rng);
		const struct site_review *found = site_reviews_find(reviews, key_of(line));

		assert_int_equal(found ? found->look_at : 0, twin[line].look_at);
	}
	site_reviews_take_changes(reviews, store, NULL);
	loaded = site_reviews_new();
	for (uint32_t line = 1; line <= LINES; line++)
		assert_true(site_reviews_load(loaded, key_of(line),
					      trib_bytes(rows_of_store[line], stored[line] ? SITE_REVIEW_BYTES : 0)));
	assert_int_equal(site_reviews_total(loaded), site_reviews_total(reviews));
	check_page(loaded, &rng);
	assert_false(site_reviews_load(loaded, key_of(1), trib_bytes(rows_of_store[1], 5)));
	site_reviews_free(loaded);
	site_reviews_free(reviews);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_index_knows_the_newest),
		cmocka_unit_test(the_queue_is_what_an_array_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
