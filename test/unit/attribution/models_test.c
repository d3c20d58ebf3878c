#include <math.h>
#include "test.h"

#include "attribution/attribution.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS	(24 * HOUR_MS)

static void parts_are_what_the_table_says(void **state)
{
	static const struct {
		const char *model;
		int64_t total;
		size_t n;
		struct trib_model_touch touches[5];
		int64_t parts[5];
	} rows[] = {
		/* clang-format off */
		{ "last",     1999, 3, { { 0 } },                                   { 0, 0, 1999 } },
		{ "first",    1999, 3, { { 0 } },                                   { 1999, 0, 0 } },
		{ "last",     1999, 1, { { 0 } },                                   { 1999 } },
		{ "first",       0, 2, { { 0 } },                                   { 0, 0 } },
		{ "priority", 1999, 3, { { 0, 2 }, { 0, 9 }, { 0, 5 } },            { 0, 1999, 0 } },
		{ "priority", 1999, 3, { { 0, 9 }, { 0, 9 }, { 0, 5 } },            { 0, 1999, 0 } },
		{ "priority", 1999, 3, { { 0, -3 }, { 0, -9 }, { 0, -3 } },         { 0, 0, 1999 } },
		{ "linear",    100, 3, { { 0 } },                                   { 33, 33, 34 } },
		{ "linear",      2, 3, { { 0 } },                                   { 0, 0, 2 } },
		{ "linear",   1999, 1, { { 0 } },                                   { 1999 } },
		{ "position", 1999, 1, { { 0 } },                                   { 1999 } },
		{ "position", 1999, 2, { { 0 } },                                   { 999, 1000 } },
		{ "position", 1000, 3, { { 0 } },                                   { 400, 200, 400 } },
		{ "position", 1999, 4, { { 0 } },                                   { 799, 199, 199, 802 } },
		{ "position",  100, 5, { { 0 } },                                   { 40, 6, 6, 6, 42 } },
		{ "decay",    1999, 1, { { 400 * DAY_MS } },                        { 1999 } },
		{ "decay",     300, 2, { { 7 * DAY_MS }, { 0 } },                   { 100, 200 } },
		{ "decay",     700, 3, { { 14 * DAY_MS }, { 7 * DAY_MS }, { 0 } },  { 100, 200, 400 } },
		{ "decay",     100, 2, { { 400 * DAY_MS }, { 300 * DAY_MS } },      { 0, 100 } }, /* all weights 0 */
		/* clang-format on */
	};

	for (size_t row = 0; row < TRIB_ARRAY_SIZE(rows); row++) {
		struct trib_model_rule rule = { .half_life = TRIB_HALF_LIFE_DEFAULT_MS };
		int64_t parts[5];

		assert_true(trib_model_of_word(trib_bytes_text(rows[row].model), &rule.model));
		trib_model_divide(&rule, rows[row].touches, rows[row].n, rows[row].total, parts);
		for (size_t i = 0; i < rows[row].n; i++)
			if (parts[i] != rows[row].parts[i])
				fail_msg("row %zu, part %zu: found %lld, expected %lld", row, i,
					 (long long)parts[i], (long long)rows[row].parts[i]);
	}
}

/* The weights of these ages, computed elsewhere with 60 decimals, are part of the format. */
static void weights_of_decay_never_change(void **state)
{
	static const struct {
		int64_t age, half_life;
		uint64_t weight;
	} rows[] = {
		{ 0, 1, UINT64_C(4294967296) },
		{ 1, 1, UINT64_C(2147483648) },
		{ 1, INT64_MAX, UINT64_C(4294967296) },
		{ 32, 1, 1 },
		{ 33, 1, 1 }, /* exactly half a unit: up */
		{ 34, 1, 0 },
		{ INT64_MAX, 1, 0 },
		{ INT64_MAX, INT64_MAX, UINT64_C(2147483648) },
		{ 33 * 1000 + 1, 1000, 0 },
		{ 1, 2, UINT64_C(3037000500) },
		{ 1, 16, UINT64_C(4112874773) },
		{ 15, 16, UINT64_C(2242560872) },
		{ HOUR_MS, 7 * DAY_MS, UINT64_C(4277283299) },
		{ 3 * DAY_MS + 1, 7 * DAY_MS, UINT64_C(3191148433) },
		{ 29 * DAY_MS + 12345678, 7 * DAY_MS, UINT64_C(239712521) },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		uint64_t weight = trib_model_decay_weight(rows[i].age, rows[i].half_life);

		if (weight != rows[i].weight)
			fail_msg("age %lld of %lld: found %llu, expected %llu",
				 (long long)rows[i].age, (long long)rows[i].half_life,
				 (unsigned long long)weight, (unsigned long long)rows[i].weight);
	}
}

/* The machine's long double is good to about 2^-30 of a unit here; nearer to a tie than that both
 * are right. */
static void weights_of_decay_are_rounded_from_the_true_value(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 1000000; i++) {
		int64_t half_life =
			trib_rng_between(&rng, 1, INT64_C(1) << trib_rng_below(&rng, 50));
		int64_t age =
			trib_rng_between(&rng, 0, half_life * 34 > 0 ? half_life * 34 : half_life);
		long double exact = ldexpl(exp2l(-(long double)(age % half_life) / half_life),
					   32 - (int)(age / half_life));
		uint64_t weight = trib_model_decay_weight(age, half_life);

		if (fabsl(exact - (long double)weight) > 0.5L + 0x1p-26L)
			fail_msg("age %lld of %lld: found %llu, expected %.6Lf", (long long)age,
				 (long long)half_life, (unsigned long long)weight, exact);
	}
}

/* The twin: floors by long division bit by bit, weights by the definition. */
static int64_t twin_part(uint64_t total, uint64_t weight, uint64_t sum)
{
	unsigned __int128 product = (unsigned __int128)total * weight, quotient = 0, rest = 0;

	for (int bit = 127; bit >= 0; bit--) {
		rest = rest << 1 | (product >> bit & 1);
		quotient <<= 1;
		if (rest >= sum) {
			rest -= sum;
			quotient |= 1;
		}
	}
	return (int64_t)quotient;
}

static void twin_weights(const struct trib_model_rule *rule, const struct trib_model_touch *touches,
			 size_t n, uint64_t *weights)
{
	size_t best = n - 1;

	for (size_t i = n; i-- > 0;)
		if (touches[i].priority > touches[best].priority)
			best = i;
	for (size_t i = 0; i < n; i++) {
		bool end = i == 0 || i == n - 1;

		switch (rule->model) {
		case TRIB_MODEL_LAST:
			weights[i] = i == n - 1;
			break;
		case TRIB_MODEL_FIRST:
			weights[i] = i == 0;
			break;
		case TRIB_MODEL_PRIORITY:
			weights[i] = i == best;
			break;
		case TRIB_MODEL_LINEAR:
			weights[i] = 1;
			break;
		case TRIB_MODEL_POSITION:
			weights[i] = n < 3 ? 50 : end ? 40 * (n - 2) : 20;
			break;
		case TRIB_MODEL_DECAY:
			weights[i] = trib_model_decay_weight(touches[i].age, rule->half_life);
			break;
		}
	}
}

static void every_total_is_divided_whole(void **state)
{
	struct trib_rng rng;
	struct trib_model_touch touches[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint64_t weights[TRIB_LIMIT_TOUCHES_CONSIDERED];
	int64_t parts[TRIB_LIMIT_TOUCHES_CONSIDERED];

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 30000; round++) {
		struct trib_model_rule rule = { .model = trib_rng_below(&rng, 6),
						.half_life =
							trib_rng_between(&rng, 1, 30 * DAY_MS) };
		size_t n = 1 + trib_rng_below(&rng, TRIB_LIMIT_TOUCHES_CONSIDERED);
		int64_t total = (int64_t)(trib_rng_u64(&rng) >> (1 + trib_rng_below(&rng, 63)));
		uint64_t sum = 0;
		int64_t parts_sum = 0;

		if (trib_rng_chance(&rng, 0.01))
			total = INT64_MAX;
		for (size_t i = 0; i < n; i++)
			touches[i] =
				(struct trib_model_touch){ trib_rng_between(&rng, 0, 90 * DAY_MS),
							   trib_rng_between(&rng, -3, 3) };
		twin_weights(&rule, touches, n, weights);
		for (size_t i = 0; i < n; i++)
			sum += weights[i];
		trib_model_divide(&rule, touches, n, total, parts);
		for (size_t i = 0; i < n; i++) {
			parts_sum += parts[i];
			assert_true(parts[i] >= 0);
			if (i + 1 < n && sum)
				assert_int_equal(parts[i],
						 twin_part((uint64_t)total, weights[i], sum));
		}
		assert_int_equal(parts_sum, total);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_what_the_table_says),
		cmocka_unit_test(weights_of_decay_never_change),
		cmocka_unit_test(weights_of_decay_are_rounded_from_the_true_value),
		cmocka_unit_test(every_total_is_divided_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
