#include "test.h"

#include "attribution/winners.h"

enum { DAY = 86400000 };

/* One order at day 100 worth 1000; candidates as (day, kind, match). */
static void winners_in_rule_order(void **state)
{
	static const struct {
		enum trib_model model;
		enum trib_match match;
		struct {
			int day;
			enum trib_touch_kind kind;
			enum trib_match match;
		} touches[4];
		size_t n;
		const char *reasons; /* w won, o other won, x outside, g goods, s shop, v view */
		int64_t last_part;
		enum trib_outcome outcome;
	} rows[] = {
		{ TRIB_MODEL_LAST, TRIB_MATCH_GOODS, {}, 0, "", 0, TRIB_OUTCOME_NO_TOUCH },
		{ TRIB_MODEL_LAST,
		  TRIB_MATCH_GOODS,
		  { { 69, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS } },
		  1,
		  "x",
		  0,
		  TRIB_OUTCOME_NO_TOUCH },
		{ TRIB_MODEL_LAST,
		  TRIB_MATCH_GOODS,
		  { { 70, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS } },
		  1,
		  "w",
		  1000,
		  TRIB_OUTCOME_NONE },
		{ TRIB_MODEL_LAST,
		  TRIB_MATCH_GOODS,
		  { { 101, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS } },
		  1,
		  "x",
		  0,
		  TRIB_OUTCOME_NO_TOUCH },
		{ TRIB_MODEL_LAST,
		  TRIB_MATCH_GOODS,
		  { { 99, TRIB_TOUCH_CLICK, TRIB_MATCH_SHOP } },
		  1,
		  "g",
		  0,
		  TRIB_OUTCOME_GOODS_MISMATCH },
		{ TRIB_MODEL_LAST,
		  TRIB_MATCH_SHOP,
		  { { 99, TRIB_TOUCH_CLICK, TRIB_MATCH_ANY } },
		  1,
		  "s",
		  0,
		  TRIB_OUTCOME_GOODS_MISMATCH },
		{ TRIB_MODEL_LAST,
		  TRIB_MATCH_ANY,
		  { { 98, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS },
		    { 99, TRIB_TOUCH_CLICK, TRIB_MATCH_ANY } },
		  2,
		  "ow",
		  1000,
		  TRIB_OUTCOME_NONE },
		{ TRIB_MODEL_FIRST,
		  TRIB_MATCH_ANY,
		  { { 98, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS },
		    { 99, TRIB_TOUCH_CLICK, TRIB_MATCH_ANY } },
		  2,
		  "wo",
		  1000,
		  TRIB_OUTCOME_NONE },
		{ TRIB_MODEL_LAST,
		  TRIB_MATCH_GOODS,
		  { { 98, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS },
		    { 99, TRIB_TOUCH_VIEW, TRIB_MATCH_GOODS } },
		  2,
		  "wv",
		  1000,
		  TRIB_OUTCOME_NONE },
		{ TRIB_MODEL_LAST,
		  TRIB_MATCH_GOODS,
		  { { 60, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS },
		    { 99, TRIB_TOUCH_VIEW, TRIB_MATCH_GOODS } },
		  2,
		  "xw",
		  1000,
		  TRIB_OUTCOME_NONE },
		{ TRIB_MODEL_LINEAR,
		  TRIB_MATCH_GOODS,
		  { { 97, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS },
		    { 98, TRIB_TOUCH_CART, TRIB_MATCH_GOODS },
		    { 99, TRIB_TOUCH_CLICK, TRIB_MATCH_GOODS } },
		  3,
		  "www",
		  334,
		  TRIB_OUTCOME_NONE },
	};

	for (size_t r = 0; r < TRIB_ARRAY_SIZE(rows); r++) {
		struct trib_candidate candidates[4];
		struct trib_attribution result;
		const struct trib_attribution_rule rule = { .window_ms = 30ll * DAY,
							    .match = rows[r].match,
							    .model = { .model = rows[r].model } };
		int64_t sum = 0;

		for (size_t i = 0; i < rows[r].n; i++)
			candidates[i] =
				(struct trib_candidate){ .at_ms = (int64_t)rows[r].touches[i].day *
								  DAY,
							 .match = rows[r].touches[i].match,
							 .kind = (uint8_t)rows[r].touches[i].kind };
		trib_attribute(&rule, 100ll * DAY, 1000, candidates, rows[r].n, &result);
		for (size_t i = 0; i < rows[r].n; i++)
			assert_int_equal("?woxgsv"[result.reasons[i]], rows[r].reasons[i]);
		for (uint32_t i = 0; i < result.n_winners; i++)
			sum += result.winners[i].base;
		assert_int_equal(result.outcome, rows[r].outcome);
		assert_int_equal(sum, rows[r].outcome == TRIB_OUTCOME_NONE ? 1000 : 0);
		if (result.n_winners)
			assert_int_equal(result.winners[result.n_winners - 1].base,
					 rows[r].last_part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(winners_in_rule_order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
