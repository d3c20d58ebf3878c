/* Lines that depend on other orders: budgets, caps, incentives, new buyers, steps; and what brings them back. */
#include "unit/engine/world.h"

#include "base/rng.h"

static const char tree[] =
	"{\"root\":{\"id\":\"root\",\"shares\":["
	"{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}";

/* The plan of g1 with attributes of its own: `,"budget":…`. 10 % commission. */
static void market(const char *attributes)
{
	char json[1024];

	world_market();
	world_rules("s", tree);
	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\",\"scene\":\"s\"}");
	snprintf(json, sizeof(json),
		 "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1000}%s}", attributes);
	world_put(TRIB_NOUN_PLAN, json);
}

static struct world_answer order(const char *id, const char *user, int64_t base)
{
	static char token[128];
	struct world_answer answer;

	strcpy(token, world_token("c1", "g1"));
	answer = world_order(id, user, "g1", base, token);
	assert_ok(answer.status, answer.error);
	return answer;
}

static void assert_says(const char *id, const char *words)
{
	struct trib_buffer json;
	struct trib_error error;
	trib_status status;

	trib_buffer_init(&json, 1 << 20);
	status = trib_engine_explain(world.engine, trib_bytes_text(id), &json, &error);
	assert_ok(status, error);
	if (!strstr(trib_buffer_text(&json), words))
		fail_msg("%s: found %s, expected %s in it", id, trib_buffer_text(&json), words);
	trib_buffer_fini(&json);
}

/* 300 each of 1000: the fourth passes it by 200, the fifth finds it spent. */
static void a_budget_is_spent_in_mid_pulse(void **state)
{
	market(",\"budget\":1000");
	for (int i = 1; i <= 4; i++) {
		char id[8];

		snprintf(id, sizeof(id), "o%d", i);
		struct world_answer answer = order(id, "u1", 3000);

		assert_int_equal(answer.outcome, TRIB_OUTCOME_ATTRIBUTED);
		assert_int_equal(answer.charged, 300);
	}
	assert_says("o4", "{\"line\":\"budget\",\"plan\":\"p1\",\"version\":2,\"before\":900,\"now\":1200,\"limit\":1000,"
			  "\"overshoot\":200,\"reason\":\"counted\"}");
	struct world_answer answer = order("o5", "u1", 3000);

	assert_int_equal(answer.outcome, TRIB_OUTCOME_BUDGET_EXHAUSTED);
	assert_int_equal(answer.charged, 0);
	assert_int_equal(answer.n_lines, 0);
	assert_says("o5", "\"before\":1200,\"now\":1200,\"limit\":1000,\"overshoot\":200,\"reason\":\"spent\"");
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 1200);
	world_crash();
	assert_int_equal(order("o6", "u1", 10).outcome, TRIB_OUTCOME_BUDGET_EXHAUSTED);
	world_restart();
	assert_int_equal(order("o7", "u1", 10).outcome, TRIB_OUTCOME_BUDGET_EXHAUSTED);
	/* More money, and it goes on where it stood. */
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1000},"
				  "\"budget\":1300}");
	world_pass(1000);
	assert_int_equal(order("o8", "u1", 3000).charged, 300);
	assert_int_equal(order("o9", "u1", 3000).outcome, TRIB_OUTCOME_BUDGET_EXHAUSTED);
}

/* Days of Shanghai: WORLD_START_MS is 2026-09-21 22:13:20 there. */
static void a_daily_cap_ends_with_the_day(void **state)
{
	market(",\"daily_cap\":500");
	assert_int_equal(order("o1", "u1", 3000).charged, 300);
	assert_int_equal(order("o2", "u1", 3000).charged, 300);
	assert_int_equal(order("o3", "u1", 3000).outcome, TRIB_OUTCOME_BUDGET_EXHAUSTED);
	assert_says("o3", "{\"line\":\"daily_cap\",\"plan\":\"p1\"");
	world_pass(3600000);
	assert_int_equal(order("o4", "u1", 3000).outcome, TRIB_OUTCOME_BUDGET_EXHAUSTED);
	world_pass(3600000);
	assert_int_equal(order("o5", "u1", 3000).charged, 300);
}

static void an_incentive_is_added_while_it_lasts(void **state)
{
	market(",\"incentive\":{\"bps\":100,\"amount\":5,\"budget\":60}");
	assert_int_equal(order("o1", "u1", 3000).charged, 300 + 35);
	assert_int_equal(order("o2", "u1", 3000).charged, 300 + 35);
	assert_int_equal(order("o3", "u1", 3000).charged, 300);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 970);
	assert_int_equal(world_balance("platform", TRIB_WORD_PLATFORM), -70);
	assert_int_equal(world_balance("m1", TRIB_WORD_MERCHANT), -900);
	assert_says("o2", "{\"name\":\"incentive\",\"to\":\"creator\",\"from\":\"platform\",\"amount\":35}");
	assert_says("o3", "\"line\":\"incentive\",\"plan\":\"p1\",\"version\":2,\"before\":70,\"now\":70,\"limit\":60,"
			  "\"overshoot\":10,\"reason\":\"spent\"");
}

static void new_buyers_of_a_shop_bring_more(void **state)
{
	market(",\"new_to_shop\":{\"amount\":100}");
	assert_int_equal(order("o1", "u1", 3000).charged, 400);
	assert_int_equal(order("o2", "u1", 3000).charged, 300);
	assert_int_equal(order("o3", "u2", 3000).charged, 400);
	world_restart();
	assert_int_equal(order("o4", "u2", 3000).charged, 300);
	world_crash();
	assert_int_equal(order("o5", "u2", 3000).charged, 300);
	assert_says("o3", "{\"name\":\"new_to_shop\",\"to\":\"creator\",\"from\":\"merchant\",\"amount\":100}");
	world_pass(366 * WORLD_DAY_MS);
	assert_int_equal(order("o6", "u2", 3000).charged, 400);
}

static void rules_may_ask_who_is_new(void **state)
{
	market("");
	world_rules("s", "{\"root\":{\"id\":\"root\",\"shares\":["
			 "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}],"
			 "\"children\":[{\"id\":\"old\",\"when\":\"!order.new_to_shop\",\"outcome\":\"not_distributed\"}]}}");
	assert_int_equal(order("o1", "u1", 3000).outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(order("o2", "u1", 3000).outcome, TRIB_OUTCOME_NOT_DISTRIBUTED);
	assert_int_equal(order("o3", "u2", 3000).outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_says("o2", "\"order.new_to_shop\":false");
}

/* --- Steps and reviews -------------------------------------------------------------------------------- */

static void tell(const char *id, enum trib_order_state state)
{
	const struct trib_status_request request = { .order = trib_bytes_text(id), .state = state };
	struct trib_status_answer answer;
	struct trib_error error;
	trib_status status = trib_engine_order_status(world.engine, &request, &answer, &error);

	assert_ok(status, error);
}

static void refund(const char *id, const char *name, enum trib_refund_kind kind, int64_t amount)
{
	const struct trib_refund_request request = { .order = trib_bytes_text(id), .refund = trib_bytes_text(name),
						     .kind = kind, .amount = amount };
	struct trib_refund_answer answer;
	struct trib_error error;
	trib_status status = trib_engine_refund(world.engine, &request, &answer, &error);

	assert_ok(status, error);
}

static int64_t creator(void)
{
	return world_balance("c1", TRIB_WORD_CREATOR);
}

/* 1 % more from the third order of a month on: for all of them, or for what lies beyond the second. */
static void a_step_is_reached_and_lost(void **state)
{
	market(",\"step\":{\"measure\":\"orders\",\"applies\":\"all\",\"tiers\":[{\"from\":3,\"bps\":100},{\"from\":4,\"bps\":200}]}");
	for (int i = 1; i <= 4; i++) {
		char id[8];

		snprintf(id, sizeof(id), "o%d", i);
		assert_int_equal(order(id, "u1", 10000).charged, 1000);
	}
	assert_int_equal(creator(), 4000);
	tell("o1", TRIB_ORDER_PAID);
	tell("o2", TRIB_ORDER_PAID);
	assert_int_equal(creator(), 4000);
	tell("o3", TRIB_ORDER_PAID);
	assert_int_equal(creator(), 4300);
	assert_says("o3", "{\"name\":\"step\",\"to\":\"creator\",\"from\":\"merchant\",\"amount\":300}");
	assert_says("o3", "\"orders\":3,\"qty\":3,\"gmv\":30000,\"tier_before\":0,\"tier\":1,\"reason\":\"tier_reached\"");
	tell("o4", TRIB_ORDER_PAID);
	assert_int_equal(creator(), 4800);
	tell("o4", TRIB_ORDER_PAID);
	tell("o4", TRIB_ORDER_SHIPPED);
	assert_int_equal(creator(), 4800);
	/* A part comes back: the measure stays, the turnover falls. */
	refund("o1", "r1", TRIB_REFUND_PARTIAL, 5000);
	assert_int_equal(creator(), 3500 + 700);
	/* One is lost whole: the tier goes with it. */
	refund("o2", "r2", TRIB_REFUND_FULL, 10000);
	assert_int_equal(creator(), 2500 + 250);
	assert_says("o2", "\"tier_before\":2,\"tier\":1,\"reason\":\"tier_lost\"");
	tell("o3", TRIB_ORDER_INVALID);
	assert_int_equal(creator(), 1500);
	world_crash();
	assert_int_equal(creator(), 1500);
	refund("o4", "r4", TRIB_REFUND_FORFEITURE, 0);
	assert_int_equal(creator(), 500);
	world_restart();
	/* Two orders are left of o1 and the new one: no tier; a third brings it back. */
	order("o5", "u1", 10000);
	tell("o5", TRIB_ORDER_PAID);
	order("o6", "u1", 10000);
	tell("o6", TRIB_ORDER_PAID);
	assert_int_equal(creator(), 500 + 2000 + 250);
}

static void a_step_pays_for_what_lies_beyond(void **state)
{
	market(",\"step\":{\"measure\":\"gmv\",\"applies\":\"beyond\",\"counted_at\":\"received\",\"per\":\"plan\",\"period\":\"plan\","
	       "\"tiers\":[{\"from\":15000,\"bps\":500}]}");
	order("o1", "u1", 10000);
	order("o2", "u1", 10000);
	tell("o1", TRIB_ORDER_SHIPPED);
	tell("o2", TRIB_ORDER_SHIPPED);
	assert_int_equal(creator(), 2000);
	tell("o1", TRIB_ORDER_RECEIVED);
	tell("o2", TRIB_ORDER_RECEIVED);
	assert_int_equal(creator(), 2250);
	refund("o1", "r1", TRIB_REFUND_PARTIAL, 1000);
	assert_int_equal(creator(), 1900 + 200);
	world_crash();
	refund("o1", "r2", TRIB_REFUND_PARTIAL, 4000);
	assert_int_equal(creator(), 1500);
}

static trib_status return_pieces(const char *id, const char *name, int64_t amount, int64_t qty)
{
	const struct trib_refund_request request = { .order = trib_bytes_text(id), .refund = trib_bytes_text(name),
						     .kind = TRIB_REFUND_RETURN, .amount = amount, .qty = qty };
	struct trib_refund_answer answer;
	struct trib_error error;

	return trib_engine_refund(world.engine, &request, &answer, &error);
}

/* Pieces that come back lower the measure, and may lose the tier. */
static void a_step_by_pieces(void **state)
{
	const struct trib_order_request request = { .order = trib_bytes_text("o1"), .user = trib_bytes_text("u1"),
						    .goods = trib_bytes_text("g1"), .token = trib_bytes_text("-"),
						    .base_amount = 10000, .qty = 4 };
	struct trib_order_request stated = request;
	struct world_answer answer;

	market(",\"step\":{\"measure\":\"qty\",\"applies\":\"all\",\"tiers\":[{\"from\":3,\"bps\":100}]}");
	stated.token = trib_bytes_text(world_token("c1", "g1"));
	trib_engine_orders(world.engine, &stated, 1, world_answered, &answer);
	assert_int_equal(answer.charged, 1000);
	tell("o1", TRIB_ORDER_PAID);
	assert_int_equal(creator(), 1100);
	assert_int_equal(return_pieces("o1", "r1", 2500, 1), TRIB_OK);
	assert_int_equal(creator(), 750 + 75);
	assert_says("o1", "\"remaining_base\":7500,\"remaining_qty\":3");
	assert_int_equal(return_pieces("o1", "r2", 2500, 4), TRIB_OVER_REFUND);
	assert_int_equal(return_pieces("o1", "r2", 2500, 1), TRIB_OK);
	assert_int_equal(creator(), 500);
	assert_says("o1", "\"qty\":2,\"gmv\":5000,\"tier_before\":1,\"tier\":0,\"reason\":\"tier_lost\"");
	world_crash();
	assert_int_equal(creator(), 500);
	assert_int_equal(return_pieces("o1", "r2", 2500, 2), TRIB_CONFLICT);
	assert_int_equal(return_pieces("o1", "r3", 5000, 2), TRIB_OK);
	assert_int_equal(creator(), 0);
}

/* The same messages in any sequence, with kills between them, leave the same money. */
static void sequences_do_not_matter(void **state)
{
	struct trib_rng rng;
	int64_t expected = 0;
	uint64_t seed = trib_test_seed();

	trib_rng_seed(&rng, seed);
	market(",\"budget\":100000,\"incentive\":{\"bps\":50},\"step\":{\"measure\":\"qty\",\"applies\":\"all\",\"tiers\":"
	       "[{\"from\":2,\"bps\":100},{\"from\":5,\"bps\":300}]}");
	for (int round = 0; round < 4; round++) {
		enum { ORDERS = 6, MESSAGES = 3 * ORDERS };
		int messages[MESSAGES];
		int64_t before = creator();
		char id[16], name[16];

		/* Each round has a month of its own. */
		world_pass(32 * WORLD_DAY_MS);
		for (int i = 0; i < ORDERS; i++) {
			snprintf(id, sizeof(id), "q%d-%d", round, i);
			order(id, "u1", 1999 + 700 * i);
		}
		for (int i = 0; i < MESSAGES; i++)
			messages[i] = i;
		for (int i = MESSAGES - 1; i > 0; i--) {
			int other = (int)trib_rng_below(&rng, (uint64_t)i + 1), kept = messages[i];

			messages[i] = messages[other];
			messages[other] = kept;
		}
		for (int i = 0; i < MESSAGES; i++) {
			int which = messages[i] % ORDERS;

			snprintf(id, sizeof(id), "q%d-%d", round, which);
			snprintf(name, sizeof(name), "r%d", messages[i]);
			if (messages[i] < ORDERS)
				tell(id, TRIB_ORDER_PAID);
			else if (messages[i] < 2 * ORDERS)
				refund(id, name, TRIB_REFUND_PARTIAL, 100 + 300 * which);
			else if (which % 3 == 0)
				tell(id, which ? TRIB_ORDER_SETTLED : TRIB_ORDER_RECEIVED);
			else
				refund(id, name, which == 1 ? TRIB_REFUND_FULL : TRIB_REFUND_RETURN, which == 1 ? 0 : 200);
			if (trib_rng_chance(&rng, 0.1))
				world_crash();
		}
		if (round == 0)
			expected = creator() - before;
		assert_int_equal(creator() - before, expected);
		assert_true(expected > 0);
	}
}

static trib_status review(const char *id, enum trib_review_verdict verdict)
{
	const struct trib_review_request request = { .order = trib_bytes_text(id), .verdict = verdict,
						     .reason = trib_bytes_text("looked at"), .by = trib_bytes_text("ann") };
	struct trib_error error;

	return trib_engine_review(world.engine, &request, &error);
}

static int64_t held(void)
{
	const struct trib_account account = {
		.party = trib_domain_find(trib_engine_domain(world.engine), TRIB_NOUN_PARTY, trib_bytes_text("c1")),
		.role = TRIB_WORD_CREATOR, .currency = TRIB_WORD_CNY, .kind = TRIB_ACCOUNT_HELD,
	};

	return trib_ledger_balance(trib_engine_ledger(world.engine), account);
}

static void assert_queue(const char *words)
{
	struct trib_buffer json;
	struct trib_error error;
	trib_status status;

	trib_buffer_init(&json, 1 << 20);
	trib_engine_settle(world.engine);
	status = trib_engine_reviews(world.engine, 0, 100, &json, &error);
	assert_ok(status, error);
	if (!strstr(trib_buffer_text(&json), words))
		fail_msg("found %s, expected %s in it", trib_buffer_text(&json), words);
	trib_buffer_fini(&json);
}

static void held_orders_wait_for_a_review(void **state)
{
	market(",\"incentive\":{\"amount\":50},\"step\":{\"measure\":\"orders\",\"applies\":\"all\",\"tiers\":[{\"from\":1,\"bps\":100}]}");
	world_rules("s", "{\"root\":{\"id\":\"root\",\"shares\":["
			 "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}],"
			 "\"children\":[{\"id\":\"large\",\"when\":\"order.base >= 10000\",\"held\":true,\"reason\":\"large\"}]}}");
	assert_int_equal(order("o0", "u1", 9999).charged, 999 + 50);
	assert_int_equal(held(), 0);
	order("o1", "u1", 10000);
	order("o2", "u1", 20000);
	order("o3", "u1", 30000);
	assert_int_equal(held(), 1000 + 2000 + 3000 + 150);
	assert_queue("\"total\":3");
	assert_queue("{\"items\":[{\"order\":\"o1\",\"node\":\"large\",\"reason\":\"large\",\"goods\":\"g1\"");
	assert_says("o1", "\"held\":true");
	assert_says("o1", "\"reason\":\"large\"");
	/* Its life goes on meanwhile, and what is held follows; steps wait. */
	tell("o1", TRIB_ORDER_PAID);
	refund("o1", "r1", TRIB_REFUND_PARTIAL, 5000);
	assert_int_equal(held(), 500 + 2000 + 3000 + 125);
	assert_int_equal(review("o0", TRIB_REVIEW_RELEASED), TRIB_REFUSED);
	assert_int_equal(review("nope", TRIB_REVIEW_RELEASED), TRIB_NOT_FOUND);
	assert_int_equal(review("o1", TRIB_REVIEW_RELEASED), TRIB_OK);
	assert_int_equal(held(), 2000 + 3000 + 100);
	assert_int_equal(creator() - held(), 999 + 50 + 500 + 25 + 50);
	assert_int_equal(review("o1", TRIB_REVIEW_RELEASED), TRIB_OK);
	assert_int_equal(review("o1", TRIB_REVIEW_REJECTED), TRIB_CONFLICT);
	assert_says("o1", "\"review\":{\"verdict\":\"released\"");
	assert_int_equal(review("o2", TRIB_REVIEW_REJECTED), TRIB_OK);
	assert_int_equal(held(), 3000 + 50);
	assert_queue("\"total\":1");
	world_crash();
	assert_queue("\"total\":1");
	world_restart();
	assert_queue("{\"items\":[{\"order\":\"o3\"");
	assert_int_equal(review("o2", TRIB_REVIEW_REJECTED), TRIB_OK);
	assert_int_equal(review("o3", TRIB_REVIEW_RELEASED), TRIB_OK);
	assert_int_equal(held(), 0);
	assert_queue("{\"items\":[],\"next_cursor\":null,\"total\":0}");
	tell("o2", TRIB_ORDER_PAID);
	tell("o2", TRIB_ORDER_SETTLED);
	assert_int_equal(held(), 0);
	assert_int_equal(creator(), 999 + 50 + 500 + 25 + 50 + 3000 + 50);
	assert_int_equal(world_balance("m1", TRIB_WORD_MERCHANT), -(999 + 500 + 50 + 3000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_budget_is_spent_in_mid_pulse, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_daily_cap_ends_with_the_day, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(an_incentive_is_added_while_it_lasts, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(new_buyers_of_a_shop_bring_more, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(rules_may_ask_who_is_new, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_step_is_reached_and_lost, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_step_pays_for_what_lies_beyond, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_step_by_pieces, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(sequences_do_not_matter, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(held_orders_wait_for_a_review, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
