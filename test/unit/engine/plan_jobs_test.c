/* What the engine does to plans by itself: bulk edits, and rates that it moves. */
#include "engine/managed.h"
#include "unit/engine/world.h"

static char shown[1 << 16];

/* The JSON of an entity, as GET shows it. */
static const char *get(enum trib_noun noun, const char *id)
{
	struct trib_call call = { .kind = TRIB_CALL_GET, .noun = noun, .name = trib_bytes_text(id) };

	world_call(&call);
	assert_ok(call.status, call.error);
	snprintf(shown, sizeof(shown), "%s", trib_buffer_text(&call.reply));
	trib_buffer_fini(&call.reply);
	return shown;
}

static void assert_shows(enum trib_noun noun, const char *id, const char *words)
{
	if (!strstr(get(noun, id), words))
		fail_msg("%s: found %s, expected %s in it", id, shown, words);
}

static trib_status act(enum trib_noun noun, const char *id, const char *action)
{
	Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
	struct trib_call call = { .kind = TRIB_CALL_ACT, .noun = noun, .name = trib_bytes_text(id),
				  .action = trib_bytes_text(action), .body = &request.base };

	world_call(&call);
	trib_buffer_fini(&call.reply);
	return call.status;
}

/* Turns until the job is in one of these statuses. */
static const char *work_until(const char *id, const char *one, const char *other)
{
	uint32_t number = trib_domain_find(trib_engine_domain(world.engine), TRIB_NOUN_BULK, trib_bytes_text(id));

	for (int i = 0; i < 100000; i++) {
		const char *status = trib_domain_cold(trib_engine_domain(world.engine), TRIB_NOUN_BULK, number)->status;

		if (!strcmp(status, one) || !strcmp(status, other))
			return status;
		trib_engine_turn(world.engine);
		trib_engine_settle(world.engine);
	}
	fail_msg("%s never gets %s", id, one);
	return NULL;
}

enum { PLANS = 3000 };

/* So many plans of m1, at rates from 1000 to 1099. */
static void many_plans(void)
{
	world_market();
	for (int i = 0; i < PLANS; i++) {
		char json[256];

		snprintf(json, sizeof(json),
			 "{\"id\":\"q%d\",\"merchant\":\"m1\",\"goods\":[\"g2\"],\"kind\":\"%s\",\"creators\":[%s],"
			 "\"terms\":{\"commission_bps\":%d}}",
			 i, i % 2 ? "targeted" : "general", i % 2 ? "\"c1\"" : "", 1000 + i % 100);
		world_put(TRIB_NOUN_PLAN, json);
	}
}

static int32_t rate(const char *id)
{
	const struct trib_domain *domain = trib_engine_domain(world.engine);

	return trib_domain_plan(domain, trib_domain_find(domain, TRIB_NOUN_PLAN, trib_bytes_text(id)))->newest.commission_bps;
}

static int64_t sum_of_rates(void)
{
	int64_t sum = 0;

	for (int i = 0; i < PLANS; i++) {
		char id[16];

		snprintf(id, sizeof(id), "q%d", i);
		sum += rate(id);
	}
	return sum;
}

static void plans_are_previewed_then_changed(void **state)
{
	many_plans();
	int64_t before = sum_of_rates();

	world_put(TRIB_NOUN_BULK, "{\"id\":\"b1\",\"dry_run\":true,\"filter\":\"kind == 'targeted' && terms.commission_bps < 1050\","
				  "\"change\":{\"add_commission_bps\":100}}");
	work_until("b1", "previewed", "done");
	assert_true(before == sum_of_rates());
	assert_shows(TRIB_NOUN_BULK, "b1", "\"matched\":750,\"changed\":750,\"refused\":0,\"raised\":750,\"lowered\":0,\"goods\":750");
	assert_int_equal(act(TRIB_NOUN_BULK, "b1", "apply"), TRIB_OK);
	work_until("b1", "done", "cancelled");
	assert_shows(TRIB_NOUN_BULK, "b1", "\"matched\":750,\"changed\":750");
	assert_true(sum_of_rates() == before + 750 * 100);
	assert_int_equal(rate("q1"), 1101);
	assert_int_equal(rate("q0"), 1000);
	assert_shows(TRIB_NOUN_PLAN, "q1", "},{\"action\":\"bulk\"");
	assert_int_equal(act(TRIB_NOUN_BULK, "b1", "apply"), TRIB_REFUSED);
}

static void what_is_refused_is_told_and_the_rest_is_done(void **state)
{
	struct trib_error error;

	many_plans();
	world_put(TRIB_NOUN_BULK, "{\"id\":\"b1\",\"filter\":\"merchant == 'm1' && id.startsWith('q')\",\"change\":{\"add_commission_bps\":-1050}}");
	work_until("b1", "done", "cancelled");
	assert_shows(TRIB_NOUN_BULK, "b1", "\"matched\":3000,\"changed\":1500,\"refused\":1500,\"raised\":0,\"lowered\":1500");
	assert_shows(TRIB_NOUN_BULK, "b1", "{\"plan\":\"q0\",\"at\":\"terms.commission_bps\"");
	world_put(TRIB_NOUN_BULK, "{\"id\":\"b2\",\"filter\":\"id == 'p1'\",\"change\":{\"action\":\"pause\"}}");
	work_until("b2", "done", "cancelled");
	assert_shows(TRIB_NOUN_PLAN, "p1", "\"status\":\"paused\"");
	/* Another merchant's are not touched. */
	world_put(TRIB_NOUN_BULK, "{\"id\":\"b3\",\"merchant\":\"m2\",\"filter\":\"true\",\"change\":{\"terms\":{\"commission_bps\":7}}}");
	work_until("b3", "done", "cancelled");
	assert_shows(TRIB_NOUN_BULK, "b3", "\"matched\":1,\"changed\":1");
	assert_int_equal(rate("p3"), 7);
	assert_int_equal(world_put_status(TRIB_NOUN_BULK, "{\"id\":\"b4\",\"filter\":\"true\",\"change\":{}}", &error), TRIB_INVALID);
	assert_int_equal(world_put_status(TRIB_NOUN_BULK, "{\"id\":\"b4\",\"filter\":\"kind ==\",\"change\":{\"budget\":1}}", &error), TRIB_INVALID);
	assert_int_equal(world_put_status(TRIB_NOUN_BULK, "{\"id\":\"b4\",\"filter\":\"nothing == 1\",\"change\":{\"budget\":1}}", &error), TRIB_INVALID);
	assert_string_equal(error.at, "filter:1:1");
	assert_int_equal(world_put_status(TRIB_NOUN_BULK, "{\"id\":\"b1\",\"filter\":\"true\",\"change\":{\"budget\":1}}", &error), TRIB_REFUSED);
}

/* Killed again and again: each plan is changed once. */
static void a_crash_changes_nothing_twice(void **state)
{
	int crashes = 0;

	many_plans();
	int64_t before = sum_of_rates();

	world_put(TRIB_NOUN_BULK, "{\"id\":\"b1\",\"filter\":\"id.startsWith('q')\",\"change\":{\"add_commission_bps\":1}}");
	for (int i = 0; i < 100000; i++) {
		const struct trib_cold_entry *entry = trib_domain_cold(trib_engine_domain(world.engine), TRIB_NOUN_BULK, 1);

		if (!strcmp(entry->status, "done"))
			break;
		trib_engine_turn(world.engine);
		trib_engine_settle(world.engine);
		if (i % 17 == 16 && crashes++ % 2)
			world_restart();
		else if (i % 17 == 16)
			world_crash();
	}
	assert_true(crashes > 2);
	assert_shows(TRIB_NOUN_BULK, "b1", "\"matched\":3000,\"changed\":3000,\"refused\":0");
	assert_true(sum_of_rates() == before + PLANS);
	world_crash();
	assert_true(sum_of_rates() == before + PLANS);
}

/* ---- Managed plans ------------------------------------------------------------------------ */

static void a_step_towards_the_goal(void **state)
{
	enum { GMV = TRIB_GOAL_GMV, ORDERS = TRIB_GOAL_ORDERS, SHARE = TRIB_GOAL_COST_SHARE };
	static const struct {
		int goal;
		int64_t target, orders, gmv, cost;
		int rate, expected;
		int64_t measured;
	} rows[] = {
		{ GMV, 1000, 1, 999, 0, 1000, 1100, 999 },	 { GMV, 1000, 1, 1000, 0, 1000, 1000, 1000 },
		{ GMV, 1000, 1, 1100, 0, 1000, 1000, 1100 },	 { GMV, 1000, 1, 1101, 0, 1000, 900, 1101 },
		{ GMV, 1000, 0, 0, 0, 1950, 2000, 0 },		 { GMV, 1000, 9, 9999, 0, 550, 500, 9999 },
		{ ORDERS, 10, 9, 0, 0, 1000, 1100, 9 },		 { ORDERS, 10, 12, 0, 0, 1000, 900, 12 },
		{ SHARE, 1000, 5, 10000, 1001, 1000, 900, 1001 }, { SHARE, 1000, 5, 10000, 899, 1000, 1100, 899 },
		{ SHARE, 1000, 5, 10000, 900, 1000, 1000, 900 }, { SHARE, 1000, 0, 0, 0, 1000, 1000, -1 },
		{ GMV, INT64_MAX, 1, INT64_MAX, 0, 1000, 1000, INT64_MAX },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct managed_look look = { .goal = (uint8_t)rows[i].goal, .target = rows[i].target,
						   .orders = rows[i].orders, .gmv = rows[i].gmv, .cost = rows[i].cost,
						   .rate_bps = rows[i].rate, .step_bps = 100, .min_bps = 500, .max_bps = 2000 };
		int64_t measured;
		int32_t next = managed_next_rate(&look, &measured);

		if (next != rows[i].expected || measured != rows[i].measured)
			fail_msg("row %zu: found %d by %lld", i, next, (long long)measured);
	}
}

static void pass_a_day(void)
{
	world_pass(WORLD_DAY_MS);
	trib_engine_turn(world.engine);
	trib_engine_settle(world.engine);
}

static void the_platform_moves_the_rate(void **state)
{
	char token[128];

	world_market();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"managed\",\"terms\":{\"commission_bps\":1000},"
				  "\"bounds\":{\"min_bps\":900,\"max_bps\":1150},\"goal\":{\"target\":5000}}");
	trib_engine_turn(world.engine); /* begins to measure */
	trib_engine_settle(world.engine);
	assert_int_equal(rate("p1"), 1000);
	strcpy(token, world_token("c1", "g1"));
	assert_int_equal(world_order("o1", "u1", "g1", 3000, token).charged, 300);
	pass_a_day();
	assert_int_equal(rate("p1"), 1100);
	assert_shows(TRIB_NOUN_PLAN, "p1", "{\"action\":\"move\",\"status\":null,\"at\":");
	assert_shows(TRIB_NOUN_PLAN, "p1", "\"reason\":\"gmv below target\"");
	assert_shows(TRIB_NOUN_PLAN, "p1", "\"ext\":{\"from_bps\":1000,\"goal\":\"gmv\",\"measured\":3000,\"target\":5000,\"to_bps\":1100}");
	world_crash();
	trib_engine_turn(world.engine);
	assert_int_equal(rate("p1"), 1100);
	/* As many as were to be: it stays. Nothing is counted twice by a restart. */
	assert_int_equal(world_order("o2", "u1", "g1", 5000, token).charged, 550);
	world_restart();
	pass_a_day();
	assert_int_equal(rate("p1"), 1100);
	pass_a_day();
	assert_int_equal(rate("p1"), 1150); /* no further than the bounds */
	assert_int_equal(world_order("o3", "u1", "g1", 50000, token).charged, 5750);
	pass_a_day();
	assert_int_equal(rate("p1"), 1050);
	/* One that rests is left alone. */
	assert_int_equal(act(TRIB_NOUN_PLAN, "p1", "pause"), TRIB_OK);
	pass_a_day();
	pass_a_day();
	assert_int_equal(rate("p1"), 1050);
}

static void tell_refund(const char *order, const char *id, const char *kind, int64_t amount)
{
	Tributary__RefundRequest refund = TRIBUTARY__REFUND_REQUEST__INIT;
	struct trib_call call = { .kind = TRIB_CALL_REFUND, .name = trib_bytes_text(order), .body = &refund.base };

	refund.refund = (char *)id;
	refund.kind = (char *)kind;
	refund.has_amount = true;
	refund.amount = amount;
	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
}

/* What comes back was not sold: a goal is measured net of refunds. */
static void refunds_lower_what_is_measured(void **state)
{
	char token[128];

	world_market();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"managed\",\"terms\":{\"commission_bps\":1000},"
				  "\"bounds\":{\"min_bps\":900,\"max_bps\":1150},\"goal\":{\"target\":5000}}");
	trib_engine_turn(world.engine); /* begins to measure */
	trib_engine_settle(world.engine);
	strcpy(token, world_token("c1", "g1"));
	assert_int_equal(world_order("o1", "u1", "g1", 6000, token).charged, 600);
	assert_int_equal(world_order("o2", "u1", "g1", 50000, token).charged, 5000);
	tell_refund("o1", "r1", "partial", 4000);
	tell_refund("o1", "r1", "partial", 4000); /* a repeat takes nothing out again */
	tell_refund("o2", "r2", "full", 50000);
	world_crash();
	pass_a_day();
	assert_shows(TRIB_NOUN_PLAN, "p1", "\"ext\":{\"from_bps\":1000,\"goal\":\"gmv\",\"measured\":2000,\"target\":5000,\"to_bps\":1100}");
}

static void set_bounds(const char *category, int32_t max_bps)
{
	Tributary__Bounds bounds = TRIBUTARY__BOUNDS__INIT;
	struct trib_call call = { .kind = TRIB_CALL_BOUNDS_PUT, .name = trib_bytes_text(category), .body = &bounds.base };

	bounds.has_max_bps = true;
	bounds.max_bps = max_bps;
	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
}

/* What a category allows holds for whoever changes a rate. */
static void bounds_of_categories_hold(void **state)
{
	world_market();
	set_bounds("beauty", 1050);
	world_put(TRIB_NOUN_BULK, "{\"id\":\"b1\",\"filter\":\"id == 'p1'\",\"change\":{\"add_commission_bps\":100}}");
	work_until("b1", "done", "cancelled");
	assert_shows(TRIB_NOUN_BULK, "b1", "\"matched\":1,\"changed\":0,\"refused\":1");
	assert_shows(TRIB_NOUN_BULK, "b1", "the bounds of category");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"managed\",\"terms\":{\"commission_bps\":1000},"
				  "\"bounds\":{\"min_bps\":900,\"max_bps\":1150},\"goal\":{\"target\":5000}}");
	for (int day = 0; day < 3; day++)
		pass_a_day();
	assert_int_equal(rate("p1"), 1000);
	set_bounds("beauty", 2000);
	pass_a_day();
	assert_int_equal(rate("p1"), 1100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(plans_are_previewed_then_changed, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(what_is_refused_is_told_and_the_rest_is_done, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_crash_changes_nothing_twice, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(refunds_lower_what_is_measured, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(bounds_of_categories_hold, world_setup, world_teardown),
		cmocka_unit_test(a_step_towards_the_goal),
		cmocka_unit_test_setup_teardown(the_platform_moves_the_rate, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
