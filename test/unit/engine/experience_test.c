/* Experience against arrays that are searched from their beginning; and read back from its rows. */
#include "test.h"

#include "base/rng.h"
#include "engine/experience.h"

enum { PARTIES = 6, CREATORS = 70, STEPS = 5000, ROWS_MAX = 4000 };

struct twin {
	struct trib_deals deals[PARTIES][CREATORS];
	bool begun[PARTIES][CREATORS];
	struct trib_measured sold[PARTIES][CREATORS][3];
	int64_t refunded[PARTIES][CREATORS][3];
};

static void step(struct trib_rng *rng, int64_t now_ms, struct trib_experience *experience, struct twin *twin)
{
	uint32_t party = 1 + (uint32_t)trib_rng_below(rng, PARTIES - 1), creator = 1 + (uint32_t)trib_rng_below(rng, CREATORS - 1);
	uint32_t deal = (uint32_t)trib_rng_below(rng, TRIB_DEALS), currency = 1 + (uint32_t)trib_rng_below(rng, 2);
	bool *begun = &twin->begun[party][creator];

	switch (trib_rng_below(rng, 3)) {
	case 0:
		trib_experience_add(experience, party, creator, (enum trib_deal)deal, now_ms);
		*begun = true;
		twin->deals[party][creator].count[deal]++;
		twin->deals[party][creator].last_ms = now_ms;
		break;
	case 1:
		trib_experience_add_known(experience, party, creator, (enum trib_deal)deal, now_ms);
		if (!*begun)
			break;
		twin->deals[party][creator].count[deal]++;
		twin->deals[party][creator].last_ms = now_ms;
		break;
	default:
		if (!*begun)
			break;
		const struct trib_tally row = { { TRIB_TALLY_SOLD, party, currency, creator, 0 },
						{ now_ms, 1, 2 * now_ms },
						now_ms / 2 };

		trib_experience_put(experience, &row, now_ms);
		twin->sold[party][creator][currency] = row.sold;
		twin->refunded[party][creator][currency] = row.amount;
		twin->deals[party][creator].last_ms = now_ms;
	}
}

static void assert_pair(const struct trib_experience *experience, const struct twin *twin, uint32_t party,
			uint32_t creator)
{
	struct trib_deals deals;

	assert_int_equal(trib_experience_get(experience, party, creator, &deals), twin->begun[party][creator]);
	if (!twin->begun[party][creator])
		return;
	assert_memory_equal(&deals, &twin->deals[party][creator], sizeof(deals));
	assert_true(trib_experience_knows(experience, creator));
	for (uint32_t currency = 1; currency < 3; currency++) {
		const struct trib_tally *row =
			trib_experience_row(experience, TRIB_TALLY_SOLD, party, currency, creator);

		assert_int_equal(row ? row->sold.gmv : 0, twin->sold[party][creator][currency].gmv);
		assert_int_equal(row ? row->amount : 0, twin->refunded[party][creator][currency]);
	}
}

/* The list of a party, of a creator, or of all has each of its pairs once, however few rows are looked at a time. */
static void assert_listed(const struct trib_experience *experience, const struct twin *twin, uint32_t party,
			  uint32_t creator)
{
	bool seen[PARTIES][CREATORS] = { { false } };
	uint32_t place = 0, of, with, expected = 0, found = 0;

	for (uint32_t p = 1; p < PARTIES; p++)
		for (uint32_t c = 1; c < CREATORS; c++)
			expected += twin->begun[p][c] && (!party || p == party) && (!creator || c == creator);
	for (;;) {
		uint32_t looks = 3;

		if (trib_experience_next(experience, party, creator, &place, &looks, &of, &with)) {
			assert_true(twin->begun[of][with] && !seen[of][with]);
			seen[of][with] = true;
			found++;
		} else if (!place) {
			break;
		}
	}
	assert_int_equal(found, expected);
}

static void assert_same(const struct trib_experience *experience, const struct twin *twin)
{
	for (uint32_t party = 1; party < PARTIES; party++)
		for (uint32_t creator = 1; creator < CREATORS; creator++)
			assert_pair(experience, twin, party, creator);
	for (uint32_t party = 0; party < PARTIES; party++)
		assert_listed(experience, twin, party, 0);
	for (uint32_t creator = 1; creator < CREATORS; creator++)
		assert_listed(experience, twin, 0, creator);
}

static void load(void *context, const struct trib_tally *row)
{
	trib_experience_load(context, row);
}

static void is_as_an_array(void **state)
{
	static struct twin twin;
	struct trib_experience *experience = trib_experience_new(ROWS_MAX), *loaded = trib_experience_new(ROWS_MAX);
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	assert_false(trib_experience_knows(NULL, 1));
	assert_false(trib_experience_knows(experience, 1));
	for (int64_t i = 1; i <= STEPS; i++) {
		step(&rng, i, experience, &twin);
		if (i % 500 == 0)
			assert_same(experience, &twin);
	}
	trib_tallies_each(trib_experience_rows(experience), load, loaded);
	assert_same(loaded, &twin);
	trib_experience_free(experience);
	trib_experience_free(loaded);
}

/* Where there is no room, new pairs are not begun and old ones go on. */
static void is_full_some_day(void **state)
{
	struct trib_experience *experience = trib_experience_new(4);
	struct trib_deals deals;

	trib_experience_add(experience, 1, 1, TRIB_DEAL_INVITED, 1);
	trib_experience_add(experience, 1, 2, TRIB_DEAL_INVITED, 1);
	trib_experience_add(experience, 1, 3, TRIB_DEAL_INVITED, 1);
	trib_experience_add(experience, 1, 4, TRIB_DEAL_INVITED, 1);
	trib_experience_add(experience, 1, 5, TRIB_DEAL_INVITED, 1);
	assert_false(trib_experience_get(experience, 1, 5, &deals));
	assert_false(trib_experience_knows(experience, 5));
	trib_experience_add(experience, 1, 1, TRIB_DEAL_ACCEPTED, 7);
	assert_true(trib_experience_get(experience, 1, 1, &deals));
	assert_int_equal(deals.count[TRIB_DEAL_INVITED], 1);
	assert_int_equal(deals.count[TRIB_DEAL_ACCEPTED], 1);
	assert_int_equal(deals.last_ms, 7);
	trib_experience_free(experience);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(is_as_an_array), cmocka_unit_test(is_full_some_day) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
