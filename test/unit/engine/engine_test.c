/* The way back, end to end in one process: link, touch, order, money; then again after a restart and a crash. */
#include <poll.h>
#include "unit/engine/world.h"

static void order_by_token_pays_the_creator(void **state)
{
	world_market();
	const char *token = world_token("c1", "g1");
	struct world_answer answer = world_order("o1", "u1", "g1", 1999, token);

	assert_int_equal(answer.status, TRIB_OK);
	assert_int_equal(answer.outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(answer.charged, 199);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 199);
	assert_int_equal(world_balance("m1", TRIB_WORD_MERCHANT), -199);
}

static void repeats_and_conflicts(void **state)
{
	world_market();
	char token[128];

	strcpy(token, world_token("c1", "g1"));
	world_order("o1", "u1", "g1", 1999, token);
	struct world_answer again = world_order("o1", "u1", "g1", 1999, token);

	assert_true(again.repeated);
	assert_int_equal(again.outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(again.charged, 199);
	assert_int_equal(world_order("o1", "u1", "g1", 1998, token).status, TRIB_CONFLICT);
	assert_int_equal(world_order("o1", "u2", "g1", 1999, token).status, TRIB_CONFLICT);
	assert_int_equal(world_order("o1", "u1", "g1", 1999, "-").status, TRIB_CONFLICT);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 199);
	assert_int_equal(world_order("o1/1", "u1", "g1", 1999, token).outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 398);
}

/* Outcomes in rule order, one order each. */
static void outcomes_in_rule_order(void **state)
{
	world_market();
	char good[128], old[128];

	strcpy(old, world_token("c1", "g1"));
	world_pass(31 * WORLD_DAY_MS);
	strcpy(good, world_token("c1", "g1"));
	assert_int_equal(world_order("a1", "u1", "g1", 100, "no-token").outcome, TRIB_OUTCOME_BAD_TOKEN);
	assert_int_equal(world_order("a2", "u1", "g1", 100, old).outcome, TRIB_OUTCOME_EXPIRED);
	assert_int_equal(world_order("a3", "u1", "g1", 100, "-").outcome, TRIB_OUTCOME_NO_TOUCH);
	assert_int_equal(world_order("a4", "u1", "g2", 100, good).outcome, TRIB_OUTCOME_GOODS_MISMATCH);
	world_touch("u1", good);
	assert_int_equal(world_order("a5", "u1", "g2", 100, "-").outcome, TRIB_OUTCOME_GOODS_MISMATCH);
	assert_int_equal(world_order("a6", "u1", "g1", 0, "-").outcome, TRIB_OUTCOME_ZERO_BASE);
	assert_int_equal(world_order("a7", "u1", "g1", 100, "-").outcome, TRIB_OUTCOME_ATTRIBUTED);
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"status\":\"frozen\"}");
	assert_int_equal(world_order("a8", "u1", "g1", 100, good).outcome, TRIB_OUTCOME_PARTY_FROZEN);
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1999,\"status\":\"withdrawn\"}");
	assert_int_equal(world_order("a9", "u1", "g1", 100, good).outcome, TRIB_OUTCOME_GOODS_WITHDRAWN);
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"status\":\"paused\","
				  "\"terms\":{\"commission_bps\":1000}}");
	assert_int_equal(world_order("b1", "u1", "g1", 100, good).outcome, TRIB_OUTCOME_PLAN_PAUSED);
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"status\":\"ended\","
				  "\"terms\":{\"commission_bps\":1000}}");
	assert_int_equal(world_order("b2", "u1", "g1", 100, good).outcome, TRIB_OUTCOME_PLAN_ENDED);
}

static void refusals_change_nothing(void **state)
{
	world_market();
	const char *token = world_token("c1", "g1");
	struct trib_order_request request = { .order = trib_bytes_text("r1"), .user = trib_bytes_text("u1"),
					      .goods = trib_bytes_text("g1"), .token = trib_bytes_text(token),
					      .base_amount = 5, .has_at = true };
	struct world_answer answer;

	trib_engine_settle(world.engine);
	uint64_t ticket = trib_engine_ticket(world.engine);

	assert_int_equal(world_order("r 1", "u1", "g1", 5, token).status, TRIB_INVALID);
	assert_int_equal(world_order("r1", "", "g1", 5, token).status, TRIB_INVALID);
	assert_int_equal(world_order("r1", "u1", "nope", 5, token).status, TRIB_NOT_FOUND);
	assert_int_equal(world_order("r1", "u1", "g1", -5, token).status, TRIB_INVALID);
	request.at_ms = world.clock.ms - 31 * WORLD_DAY_MS;
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	assert_int_equal(answer.status, TRIB_TOO_OLD);
	request.at_ms = world.clock.ms + 6 * 60000;
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	assert_int_equal(answer.status, TRIB_BAD_TIME);
	assert_int_equal(trib_engine_ticket(world.engine), ticket);
	assert_int_equal(world_order("r1", "u1", "g1", 5, token).outcome, TRIB_OUTCOME_ATTRIBUTED);
}

static void links_refused_by_terms_name_the_outcome(void **state)
{
	enum trib_outcome outcome;
	char token[128];

	world_market();
	assert_int_equal(world_link("c1", "g2", token, &outcome), TRIB_REFUSED);
	assert_int_equal(outcome, TRIB_OUTCOME_NO_PLAN);
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"exclusive\","
				  "\"creators\":[\"c2\"],\"terms\":{\"commission_bps\":3000}}");
	assert_int_equal(world_link("c1", "g1", token, &outcome), TRIB_REFUSED);
	assert_int_equal(outcome, TRIB_OUTCOME_CREATOR_NOT_ALLOWED);
	assert_int_equal(world_link("c2", "g1", token, &outcome), TRIB_OK);
}

static void tree_of_a_scene_decides(void **state)
{
	world_market();
	world_rules("live", "{\"root\":{\"id\":\"root\",\"window\":\"1d\",\"shares\":["
			    "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"},"
			    "{\"name\":\"technical\",\"to\":\"platform\",\"from\":\"creator\",\"of\":\"commission\",\"bps\":1000}],"
			    "\"children\":[{\"id\":\"big\",\"when\":\"order.base >= 100000\",\"outcome\":\"not_distributed\",\"reason\":\"vip\"},"
			    "{\"id\":\"mums\",\"when\":\"has(touch) && 'mum' in creator.tags\",\"model\":\"linear\"}]}}");
	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\",\"scene\":\"live\"}");
	const char *token = world_token("c1", "g1");
	struct world_answer answer = world_order("o1", "u1", "g1", 2000, token);

	assert_int_equal(answer.outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(answer.charged, 200);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 180);
	assert_int_equal(world_balance("platform", TRIB_WORD_PLATFORM), 20);
	assert_int_equal(world_order("o2", "u1", "g1", 100000, token).outcome, TRIB_OUTCOME_NOT_DISTRIBUTED);
	struct trib_buffer json;
	struct trib_error error;

	trib_buffer_init(&json, 1 << 20);
	assert_int_equal(trib_engine_explain(world.engine, trib_bytes_text("o1"), &json, &error), TRIB_OK);
	assert_non_null(strstr(trib_buffer_text(&json), "\"node\":\"mums\""));
	assert_non_null(strstr(trib_buffer_text(&json), "order.base >= 100000"));
	assert_non_null(strstr(trib_buffer_text(&json), "\"ledger\":[{\"account\":\"m1\""));
	trib_buffer_fini(&json);
}

/* What was answered is there after a stop and after a kill, with and without a checkpoint in between. */
static void nothing_answered_is_lost(void **state)
{
	char token[128], order[32];

	world_market();
	strcpy(token, world_token("c1", "g1"));
	for (int round = 0; round < 8; round++) {
		for (int i = 0; i < 50; i++) {
			snprintf(order, sizeof(order), "o-%d-%d", round, i);
			assert_int_equal(world_order(order, "u1", "g1", 1000, token).charged, 100);
			snprintf(order, sizeof(order), "user-%d-%d", round, i);
			world_touch(order, token);
		}
		if (round % 4 == 1)
			trib_engine_checkpoint(world.engine);
		if (round % 2)
			world_crash();
		else
			world_restart();
		for (int i = 0; i < 50 * (round + 1); i++) {
			snprintf(order, sizeof(order), "o-%d-%d", i / 50, i % 50);
			assert_true(world_order(order, "u1", "g1", 1000, token).repeated);
			snprintf(order, sizeof(order), "by-%d-%d-%d", round, i / 50, i % 50);
			char user[32];

			snprintf(user, sizeof(user), "user-%d-%d", i / 50, i % 50);
			assert_int_equal(world_order(order, user, "g1", 10, "-").outcome, TRIB_OUTCOME_ATTRIBUTED);
		}
	}
	const char *reason = "";

	if (!trib_engine_check(world.engine, &reason))
		fail_msg("%s", reason);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 400 * 100 + 50 * 36 * 1);
}

/* Work done in slices rings for its next one; when it is done the loop that waits for the bell may sleep. */
static void the_bell_is_silent_when_all_is_done(void **state)
{
	world_market();
	assert_int_equal(world_order("o1", "u1", "g1", 1000, world_token("c1", "g1")).charged, 100);
	trib_engine_checkpoint(world.engine);
	trib_engine_turn(world.engine);
	assert_int_equal(poll(&(struct pollfd){ trib_engine_call_fd(world.engine), POLLIN, 0 }, 1, 0), 0);
}

static void a_change_larger_than_a_batch_is_whole_or_not_there(void **state)
{
	struct trib_buffer json;
	struct trib_call get = { .kind = TRIB_CALL_GET, .noun = TRIB_NOUN_PLAN, .name = trib_bytes_text("big") };

	world_market();
	trib_buffer_init(&json, 4 << 20);
	for (int i = 0; i < 9000; i++) {
		trib_buffer_reset(&json);
		trib_buffer_add_format(&json, "{\"id\":\"creator-with-a-very-long-name-so-that-the-plan-is-large-%05d\",\"roles\":[\"creator\"]}", i);
		world_put(TRIB_NOUN_PARTY, trib_buffer_text(&json));
		trib_buffer_reset(&json);
		trib_buffer_add_format(&json, "{\"id\":\"goods-with-a-very-long-name-so-that-the-plan-is-large-0-%05d\",\"merchant\":\"m1\"}", i);
		world_put(TRIB_NOUN_GOODS, trib_buffer_text(&json));
	}
	trib_buffer_reset(&json);
	trib_buffer_add_text(&json, "{\"id\":\"big\",\"merchant\":\"m1\",\"kind\":\"targeted\",\"terms\":{\"commission_bps\":700},\"goods\":[\"g2\"");
	for (int i = 0; i < 9000; i++)
		trib_buffer_add_format(&json, ",\"goods-with-a-very-long-name-so-that-the-plan-is-large-0-%05d\"", i);
	trib_buffer_add_text(&json, "],\"creators\":[\"c2\"");
	for (int i = 0; i < 9000; i++)
		trib_buffer_add_format(&json, ",\"creator-with-a-very-long-name-so-that-the-plan-is-large-%05d\"", i);
	trib_buffer_add_text(&json, "]}");
	world_put(TRIB_NOUN_PLAN, trib_buffer_text(&json));
	trib_buffer_fini(&json);
	world_crash();
	world_call(&get);
	assert_ok(get.status, get.error);
	assert_true(get.reply.size > 1000000);
	trib_buffer_fini(&get.reply);
	assert_int_equal(world_order("o", "u", "g2", 1000, world_token("c2", "g2")).charged, 70);
}

/* More users than memory holds: who has not come by for long is forgotten, and read back from the store. */
static void users_that_left_memory_come_back(void **state)
{
	enum { USERS = 60000, TOUCHES_EACH = 2 };
	char token[128], user[32], order[32];
	struct trib_engine_counts counts;

	trib_engine_close(world.engine);
	world.options.touches_bytes = 4 << 20;
	world_open();
	world_market();
	strcpy(token, world_token("c1", "g1"));
	for (int i = 0; i < USERS * TOUCHES_EACH; i++) {
		snprintf(user, sizeof(user), "v%d", i % USERS);
		world_touch(user, token);
		trib_engine_turn(world.engine);
	}
	trib_engine_count(world.engine, &counts);
	assert_true(counts.live_touches.evicted > 0);
	for (int i = 0; i < USERS; i += 97) {
		snprintf(user, sizeof(user), "v%d", i);
		snprintf(order, sizeof(order), "by-v%d", i);
		assert_int_equal(world_order(order, user, "g1", 1000, "-").outcome, TRIB_OUTCOME_ATTRIBUTED);
	}
}

int main(void)
{
#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(order_by_token_pays_the_creator),
		WORLD_TEST(repeats_and_conflicts),
		WORLD_TEST(outcomes_in_rule_order),
		WORLD_TEST(refusals_change_nothing),
		WORLD_TEST(links_refused_by_terms_name_the_outcome),
		WORLD_TEST(tree_of_a_scene_decides),
		WORLD_TEST(nothing_answered_is_lost),
		WORLD_TEST(the_bell_is_silent_when_all_is_done),
		WORLD_TEST(users_that_left_memory_come_back),
		WORLD_TEST(a_change_larger_than_a_batch_is_whole_or_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
