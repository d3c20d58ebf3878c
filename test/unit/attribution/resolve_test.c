#include "test.h"

#include "attribution/attribution.h"

/* Orders of these tests: goods 1 of merchant 10, at 100,000, a base of 1,000. */
enum { AT = 100000, WINDOW = 5000 };

struct row {
	const char *model, *match;
	bool by_token;
	struct trib_candidate candidates[6];
	const char *outcome;
	const char *found; /* a word each: the slice, or the reason */
};

/* Goods below 5 are merchant 10's, 9 is nobody's, the others are merchant 20's. */
#define TOUCH(kind_, age, goods_, priority_)                                                       \
	{                                                                                          \
		.at_ms = AT - (age), .priority = (priority_), .goods = (goods_),                   \
		.merchant = (goods_) < 5    ? 10                                                   \
			    : (goods_) == 9 ? 0                                                    \
					    : 20,                                                  \
		.kind = (kind_)                                                                    \
	}
#define CLICK(age, goods_)	  TOUCH(TRIB_TOUCH_CLICK, age, goods_, 0)
#define RANKED(age, goods_, rank) TOUCH(TRIB_TOUCH_CLICK, age, goods_, rank)
#define VIEW(age, goods_)	  TOUCH(TRIB_TOUCH_VIEW, age, goods_, 0)
#define CART(age, goods_)	  TOUCH(TRIB_TOUCH_CART, age, goods_, 0)

static const struct row rows[] = {
	/* clang-format off */
	/* window: both ends count */
	{ "last", "goods", false, { { 0 } }, "no_touch", "" },
	{ "last", "goods", false, { CLICK(5001, 1) }, "no_touch", "outside_window" },
	{ "last", "goods", false, { CLICK(5000, 1) }, "none", "1000" },
	{ "last", "goods", false, { CLICK(0, 1) }, "none", "1000" },
	{ "last", "goods", false, { CLICK(-1, 1) }, "no_touch", "after_order" },
	{ "last", "goods", true, { CLICK(5001, 1) }, "expired", "outside_window" },
	{ "last", "goods", true, { CLICK(-1, 1) }, "expired", "after_order" },
	{ "last", "goods", true, { CLICK(5000, 1) }, "none", "1000" },
	/* the window is judged before the goods */
	{ "last", "goods", true, { CLICK(5001, 2) }, "expired", "outside_window" },
	/* match */
	{ "last", "goods", true, { CLICK(10, 2) }, "goods_mismatch", "other_goods" },
	{ "last", "goods", false, { CLICK(30, 1), CLICK(10, 2) }, "none", "1000 other_goods" },
	{ "last", "goods", false, { CLICK(30, 9), CLICK(10, 2) }, "goods_mismatch", "other_goods other_goods" },
	{ "last", "shop", false, { CLICK(30, 7), CLICK(10, 2) }, "none", "other_shop 1000" },
	{ "last", "shop", false, { CLICK(30, 7) }, "goods_mismatch", "other_shop" },
	{ "last", "shop", true, { CLICK(30, 9) }, "goods_mismatch", "other_shop" },
	{ "last", "any", false, { CLICK(30, 9), CLICK(10, 8) }, "none", "later_won 1000" },
	/* a view counts only below any click that counts itself */
	{ "last", "goods", false, { CLICK(30, 1), VIEW(10, 1) }, "none", "1000 view_below_click" },
	{ "last", "goods", false, { CART(30, 1), VIEW(10, 1) }, "none", "1000 view_below_click" },
	{ "last", "goods", false, { VIEW(30, 1), VIEW(10, 1) }, "none", "later_won 1000" },
	{ "last", "goods", false, { CLICK(5001, 1), VIEW(10, 1) }, "none", "outside_window 1000" },
	{ "last", "goods", false, { CLICK(20, 2), VIEW(10, 1) }, "none", "other_goods 1000" },
	{ "linear", "any", false, { VIEW(30, 1), CLICK(20, 2), VIEW(10, 1), CLICK(5, 1) }, "none", "view_below_click 500 view_below_click 500" },
	/* models */
	{ "first", "goods", false, { CLICK(40, 1), CLICK(30, 1), CLICK(10, 1) }, "none", "1000 earlier_won earlier_won" },
	{ "priority", "goods", false, { RANKED(40, 1, 2), RANKED(30, 1, 2), CLICK(10, 1) }, "none",
	  "higher_priority_won 1000 higher_priority_won" },
	{ "linear", "goods", false, { CLICK(40, 1), CLICK(35, 3), CLICK(30, 1), CLICK(10, 1) }, "none", "333 other_goods 333 334" },
	{ "position", "goods", false, { CLICK(40, 1), CLICK(30, 1), CLICK(20, 1), CLICK(10, 1) }, "none", "400 100 100 400" },
	{ "decay", "goods", false, { CLICK(3000, 1), CLICK(2000, 1), CLICK(1000, 1) }, "none", "142 285 573" },
	{ "decay", "goods", false, { CLICK(4000, 1), CLICK(0, 1) }, "none", "58 942" },
	/* clang-format on */
};

static void candidates_win_as_the_table_says(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct trib_node node = { .window_ms = WINDOW, .half_life_ms = 1000 };
		struct trib_order_facts order = { .at_ms = AT,
						  .base = 1000,
						  .goods = 1,
						  .merchant = 10,
						  .by_token = row->by_token };
		struct trib_resolution resolution;
		struct trib_buffer found;
		size_t n = 0, winner = 0;

		assert_true(trib_model_of_word(trib_bytes_text(row->model), &node.model));
		assert_true(trib_match_of_word(trib_bytes_text(row->match), &node.match));
		while (n < TRIB_ARRAY_SIZE(row->candidates) && row->candidates[n].kind)
			n++;
		trib_attribution_resolve(&node, &order, row->candidates, n, &resolution);
		trib_buffer_init(&found, 4096);
		for (size_t j = 0; j < n; j++) {
			trib_buffer_add_text(&found, j ? " " : "");
			if (resolution.reason[j] != TRIB_REASON_WON) {
				trib_buffer_add_text(&found,
						     trib_reason_word(resolution.reason[j]));
				continue;
			}
			assert_int_equal(resolution.winner[winner], j);
			trib_buffer_add_i64(&found, resolution.slice[winner++]);
		}
		assert_int_equal(resolution.winners, winner);
		if (strcmp(trib_buffer_text(&found), row->found) ||
		    strcmp(trib_outcome_word(resolution.outcome), row->outcome))
			fail_msg("row %zu: found %s (%s), expected %s (%s)", i,
				 trib_buffer_text(&found), trib_outcome_word(resolution.outcome),
				 row->found, row->outcome);
		trib_buffer_fini(&found);
	}
}

/*
 * The twin goes backwards from what is asked: is this candidate a winner, and what is its reason if not, told from the
 * definitions alone.
 */
static bool counts(const struct trib_node *node, const struct trib_order_facts *order,
		   const struct trib_candidate *c)
{
	bool same_goods = c->goods == order->goods,
	     same_shop = c->merchant && c->merchant == order->merchant;

	return c->at_ms <= order->at_ms && c->at_ms + node->window_ms >= order->at_ms &&
	       (same_goods || (node->match == TRIB_MATCH_SHOP && same_shop) ||
		node->match == TRIB_MATCH_ANY);
}

static bool twin_eligible(const struct trib_node *node, const struct trib_order_facts *order,
			  const struct trib_candidate *candidates, size_t n, size_t i)
{
	bool click = false;

	for (size_t j = 0; j < n; j++)
		click |= counts(node, order, &candidates[j]) &&
			 candidates[j].kind != TRIB_TOUCH_VIEW;
	return counts(node, order, &candidates[i]) &&
	       (!click || candidates[i].kind != TRIB_TOUCH_VIEW);
}

static bool twin_wins(const struct trib_node *node, const struct trib_order_facts *order,
		      const struct trib_candidate *candidates, size_t n, size_t i)
{
	if (!twin_eligible(node, order, candidates, n, i))
		return false;
	for (size_t j = 0; j < n; j++) {
		if (j == i || !twin_eligible(node, order, candidates, n, j))
			continue;
		if ((node->model == TRIB_MODEL_LAST && j > i) ||
		    (node->model == TRIB_MODEL_FIRST && j < i))
			return false;
		if (node->model == TRIB_MODEL_PRIORITY &&
		    (candidates[j].priority > candidates[i].priority ||
		     (candidates[j].priority == candidates[i].priority && j > i)))
			return false;
	}
	return true;
}

static void random_orders_are_resolved_as_by_definition(void **state)
{
	struct trib_rng rng;
	struct trib_candidate candidates[TRIB_LIMIT_TOUCHES_CONSIDERED];

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 100000; round++) {
		size_t n = trib_rng_below(&rng, trib_rng_chance(&rng, 0.1) ? 65 : 7), winner = 0;
		struct trib_node node = { .window_ms = (int64_t)trib_rng_below(&rng, 100),
					  .half_life_ms = trib_rng_between(&rng, 1, 50),
					  .model = trib_rng_below(&rng, 6),
					  .match = trib_rng_below(&rng, 3) };
		struct trib_order_facts order = { .at_ms = 1000,
						  .base = (int64_t)trib_rng_below(&rng, 10000),
						  .goods = 1,
						  .merchant = 1 };
		struct trib_resolution resolution;
		int64_t at_ms = 880, sum = 0;

		for (size_t i = 0; i < n; i++)
			candidates[i] = (struct trib_candidate){
				.at_ms = at_ms +=
				(int64_t)trib_rng_below(&rng, 30) / (n > 7 ? 8 : 1),
				.priority = trib_rng_between(&rng, -1, 1),
				.goods = (uint32_t)trib_rng_between(&rng, 1, 3),
				.merchant = (uint32_t)trib_rng_below(&rng, 3),
				.kind = (uint8_t)trib_rng_between(&rng, 1, 5),
			};
		trib_attribution_resolve(&node, &order, candidates, n, &resolution);
		for (size_t i = 0; i < n; i++) {
			bool won = resolution.reason[i] == TRIB_REASON_WON;

			assert_int_equal(won, twin_wins(&node, &order, candidates, n, i));
			assert_non_null(trib_reason_word(resolution.reason[i]));
			if (won)
				assert_int_equal(resolution.winner[winner++], i);
		}
		assert_int_equal(winner, resolution.winners);
		assert_int_equal(winner == 0, resolution.outcome != TRIB_OUTCOME_NONE);
		for (size_t i = 0; i < winner; i++)
			sum += resolution.slice[i];
		assert_int_equal(sum, winner ? order.base : 0);
	}
}

static void a_token_is_a_click_at_its_issue(void **state)
{
	struct trib_token token = { .link = 7,
				    .issued_at_ms = 99,
				    .goods = 1,
				    .creator = 2,
				    .plan = 3,
				    .plan_version = 4,
				    .offer = 5,
				    .registration = 6,
				    .channel = 8,
				    .carrier_kind = 9,
				    .carrier = 10,
				    .carrier_owner = 11,
				    .page = 12 };
	struct trib_touch touch;

	trib_touch_of_token(&token, &touch);
	assert_int_equal(touch.at_ms, 99);
	assert_int_equal(touch.kind, TRIB_TOUCH_CLICK);
	assert_int_equal(touch.link + touch.goods + touch.creator + touch.plan +
				 touch.plan_version + touch.offer + touch.registration +
				 touch.channel + touch.carrier_kind + touch.carrier +
				 touch.carrier_owner + touch.page,
			 78);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(candidates_win_as_the_table_says),
		cmocka_unit_test(random_orders_are_resolved_as_by_definition),
		cmocka_unit_test(a_token_is_a_click_at_its_issue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
