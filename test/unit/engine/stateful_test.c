/* Lines that depend on other orders: budgets, caps, incentives, new buyers, steps; and what brings them back. */
#include "unit/engine/world.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_budget_is_spent_in_mid_pulse, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_daily_cap_ends_with_the_day, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(an_incentive_is_added_while_it_lasts, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(new_buyers_of_a_shop_bring_more, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(rules_may_ask_who_is_new, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
