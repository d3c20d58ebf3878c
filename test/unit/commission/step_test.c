/* Step rates: a table, and a list of single sales of equal price, rated one by one. */
#include "test.h"

#include "base/rng.h"
#include "commission/step.h"

#define BEYOND 0
#define ALL    1

/* Tiers, and how many of them. */
#define tens	3, { { 10, 100 }, { 20, 200 }, { 30, 500 } }
#define money	2, { { 100000, 100 }, { 500000, 300 } }
#define at_once 1, { { 0, 50 } }

#define STEP(m, a, ...) STEP_OF(m, a, __VA_ARGS__)
#define STEP_OF(m, a, n, ...)                                                                      \
	{ .measure = TRIB_MEASURE_##m, .applies_to_all = a, .tier_count = n, .tiers = __VA_ARGS__ }

static const struct row {
	struct trib_step step;
	struct trib_measured sold;
	uint32_t tier;
	int64_t turnover, amount;
} rows[] = {
	{ STEP(ORDERS, BEYOND, tens), { 0, 0, 0 }, 0, 0, 0 },
	{ STEP(ORDERS, BEYOND, tens), { 9, 9, 90000 }, 0, 0, 0 },
	{ STEP(ORDERS, BEYOND, tens), { 10, 10, 100000 }, 1, 0, 0 },
	{ STEP(ORDERS, BEYOND, tens), { 11, 11, 110000 }, 1, 10000, 100 },
	{ STEP(ORDERS, BEYOND, tens), { 12, 15, 60000 }, 1, 10000, 100 },
	{ STEP(ORDERS, BEYOND, tens), { 25, 25, 250000 }, 2, 150000, 1000 + 1000 },
	{ STEP(ORDERS, BEYOND, tens), { 31, 31, 310000 }, 3, 210000, 1000 + 2000 + 500 },
	{ STEP(ORDERS, ALL, tens), { 9, 9, 90000 }, 0, 0, 0 },
	{ STEP(ORDERS, ALL, tens), { 10, 10, 100000 }, 1, 100000, 1000 },
	{ STEP(ORDERS, ALL, tens), { 19, 19, 190000 }, 1, 190000, 1900 },
	{ STEP(ORDERS, ALL, tens), { 20, 20, 200000 }, 2, 200000, 4000 },
	{ STEP(QTY, BEYOND, tens), { 3, 20, 40000 }, 2, 20000, 200 },
	{ STEP(QTY, BEYOND, tens), { 3, 21, 42000 }, 2, 22000, 200 + 40 },
	{ STEP(QTY, ALL, tens), { 3, 21, 42000 }, 2, 42000, 840 },
	{ STEP(GMV, BEYOND, money), { 1, 1, 99999 }, 0, 0, 0 },
	{ STEP(GMV, BEYOND, money), { 1, 1, 150000 }, 1, 50000, 500 },
	{ STEP(GMV, BEYOND, money), { 1, 1, 600000 }, 2, 500000, 4000 + 3000 },
	{ STEP(GMV, ALL, money), { 1, 1, 600000 }, 2, 600000, 18000 },
	{ STEP(ORDERS, ALL, at_once), { 0, 0, 0 }, 1, 0, 0 },
	{ STEP(ORDERS, BEYOND, at_once), { 1, 1, 1999 }, 1, 1999, 9 },
	{ STEP(GMV, ALL, money), { 1, 1, INT64_MAX }, 2, INT64_MAX, INT64_C(276701161105643274) },
	{ STEP(QTY, BEYOND, at_once), { 1, INT64_MAX, INT64_MAX }, 1, INT64_MAX, INT64_C(46116860184273879) },
	{ STEP(ORDERS, ALL, at_once), { 0 }, 1, 0, 0 },
};

static void rates_by_table(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_step_rated rated;

		trib_step_rate(&rows[i].step, &rows[i].sold, &rated);
		if (rated.tier != rows[i].tier || rated.turnover != rows[i].turnover || rated.amount != rows[i].amount)
			fail_msg("row %zu: found tier %u, turnover %lld, amount %lld", i, rated.tier,
				 (long long)rated.turnover, (long long)rated.amount);
	}
}

/* Sales of one price, each at the rate of the tier in which it lies: the n-th lies beyond `from` when n > from. */
static int64_t one_by_one(const struct trib_step *step, int64_t n, int64_t price)
{
	int64_t amount = 0;

	for (int64_t sale = 1; sale <= n; sale++) {
		int32_t bps = 0;

		for (uint32_t i = 0; i < step->tier_count; i++)
			if (step->applies_to_all ? n >= step->tiers[i].from : sale > step->tiers[i].from)
				bps = step->tiers[i].bps;
		amount += price * bps / 10000;
	}
	return amount;
}

static void agrees_with_single_sales_of_one_price(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 3000; round++) {
		struct trib_step step = { .measure = (uint8_t)trib_rng_below(&rng, 2),
					  .applies_to_all = trib_rng_below(&rng, 2) != 0,
					  .tier_count = (uint8_t)(1 + trib_rng_below(&rng, 4)) };
		int64_t n = (int64_t)trib_rng_below(&rng, 60), price = 10000 * (1 + (int64_t)trib_rng_below(&rng, 9)), from = 0;
		struct trib_measured sold = { n, n, n * price };
		struct trib_step_rated rated;

		for (uint32_t i = 0; i < step.tier_count; i++)
			step.tiers[i] = (struct trib_tier){ from += 1 + (int64_t)trib_rng_below(&rng, 20),
						       (int32_t)trib_rng_below(&rng, 1000) };
		trib_step_rate(&step, &sold, &rated);
		assert_int_equal(rated.amount, one_by_one(&step, n, price));
		assert_true(rated.turnover <= sold.gmv);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_by_table),
		cmocka_unit_test(agrees_with_single_sales_of_one_price),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
