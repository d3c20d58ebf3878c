/* What plays come to: whose each thing is, what payments and refunds add, and that restarts change nothing. */
#include "unit/engine/world.h"

/* GET /api/v1/plays/{play}/metrics?step=, or of all plays; freed by the next call. */
static const char *figures(const char *play, const char *step)
{
	static struct trib_call call;

	trib_buffer_fini(&call.reply);
	call = (struct trib_call){ .kind = TRIB_CALL_METRICS, .name = trib_bytes_text(play), .step = trib_bytes_text(step) };
	world_call(&call);
	assert_ok(call.status, call.error);
	return trib_buffer_text(&call.reply);
}

/* The number behind "name": in the item of a currency (or of none), of a play's totals; -1: it is not there. */
static int64_t figure(const char *play, const char *currency, const char *name)
{
	struct trib_arena arena;
	const struct trib_json *root;
	struct trib_error error;
	int64_t value = -1;

	trib_arena_init(&arena, 1 << 20);
	assert_ok(trib_json_parse(trib_bytes_text(figures(play, "")), 16, &arena, &root, &error), error);
	for (const struct trib_json *item = trib_json_member(root, "items")->first; item; item = item->next) {
		const struct trib_json *of = trib_json_member(item, "currency"), *outcomes = trib_json_member(item, "outcomes");
		const struct trib_json *found = trib_json_member(item, name);

		if (!found && outcomes)
			found = trib_json_member(outcomes, name);
		if (found && trib_bytes_is(of ? of->text : trib_bytes("", 0), currency))
			assert_true(trib_bytes_to_i64(found->text, &value));
	}
	trib_arena_fini(&arena);
	return value;
}

static void status(const char *order, enum trib_order_state state)
{
	const struct trib_status_request request = { .order = trib_bytes_text(order), .state = state };
	struct trib_status_answer answer;
	struct trib_error error;

	assert_ok(trib_engine_order_status(world.engine, &request, &answer, &error), error);
}

static void refund(const char *order, const char *id, enum trib_refund_kind kind, int64_t amount)
{
	const struct trib_refund_request request = { .order = trib_bytes_text(order), .refund = trib_bytes_text(id),
						     .kind = kind, .amount = amount };
	struct trib_refund_answer answer;
	struct trib_error error;

	assert_ok(trib_engine_refund(world.engine, &request, &answer, &error), error);
}

static char live_token[128], plain_token[128];

/* Links by r1 are of the play `live`; by r2 of none. */
static void market(void)
{
	world_market();
	strcpy(plain_token, world_token("c1", "g1"));
	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r2\",\"channel\":\"app\",\"play\":\"live\",\"priority\":5}");
	strcpy(live_token, world_token("c1", "g1"));
}

static void each_is_of_its_play(void **state)
{
	market();
	assert_int_equal(world_order("o1", "u1", "g1", 1999, live_token).charged, 199);
	assert_int_equal(world_order("o2", "u1", "g1", 1000, live_token).charged, 100);
	world_order("o3", "u1", "g1", 500, plain_token);
	world_order("o4", "u2", "g1", 500, "-");
	world_order("o5", "u2", "g2", 700, live_token);
	world_order("o1", "u1", "g1", 1999, live_token); /* a repeat */
	assert_int_equal(figure("live", "CNY", "attributed"), 2);
	assert_int_equal(figure("live", "CNY", "goods_mismatch"), 1);
	assert_int_equal(figure("live", "CNY", "base_amount"), 2999);
	assert_int_equal(figure("live", "CNY", "charged"), 299);
	assert_int_equal(figure("live", "CNY", "commission"), 299);
	assert_int_equal(figure("live", "CNY", "paid_orders"), 0);
	assert_int_equal(figure("live", "", "links"), 1);
	assert_int_equal(figure("default", "CNY", "attributed"), 1);
	assert_int_equal(figure("default", "CNY", "no_touch"), 1);
	assert_int_equal(figure("default", "", "links"), 1);
	assert_int_equal(figure("default", "", "plans"), 2);
}

/* Each row is told after those before it; the expected sums are those behind it. */
static void payments_and_refunds(void **state)
{
	static const struct {
		enum trib_order_state state; /* 0: a refund */
		enum trib_refund_kind kind;
		int64_t amount;
		int64_t paid_orders, paid_base, net, refunds, refunded_orders, refunded;
	} rows[] = {
		{ 0, TRIB_REFUND_PARTIAL, 1000, 0, 0, 0, 1, 1, 1000 }, /* before payment: no commission yet */
		{ TRIB_ORDER_PAID, 0, 0, 1, 10000, 900, 1, 1, 1000 },
		{ TRIB_ORDER_PAID, 0, 0, 1, 10000, 900, 1, 1, 1000 },
		{ TRIB_ORDER_SHIPPED, 0, 0, 1, 10000, 900, 1, 1, 1000 },
		{ 0, TRIB_REFUND_FREIGHT_ONLY, 500, 1, 10000, 900, 1, 1, 1000 },
		{ 0, TRIB_REFUND_RETURN, 4000, 1, 10000, 500, 2, 1, 5000 },
		{ TRIB_ORDER_SETTLED, 0, 0, 1, 10000, 500, 2, 1, 5000 },
		{ 0, TRIB_REFUND_CHARGEBACK, 1000, 1, 10000, 400, 3, 1, 6000 },
		{ TRIB_ORDER_INVALID, 0, 0, 1, 10000, 0, 3, 1, 6000 },
	};

	market();
	world_order("o1", "u1", "g1", 10000, live_token);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char id[8];

		snprintf(id, sizeof(id), "f%zu", i);
		world_pass(1000);
		if (rows[i].state)
			status("o1", rows[i].state);
		else
			refund("o1", id, rows[i].kind, rows[i].amount);
		assert_int_equal(figure("live", "CNY", "paid_orders"), rows[i].paid_orders);
		assert_int_equal(figure("live", "CNY", "paid_base_amount"), rows[i].paid_base);
		assert_int_equal(figure("live", "CNY", "net_commission"), rows[i].net);
		assert_int_equal(figure("live", "CNY", "refunds"), rows[i].refunds);
		assert_int_equal(figure("live", "CNY", "refunded_orders"), rows[i].refunded_orders);
		assert_int_equal(figure("live", "CNY", "refunded_amount"), rows[i].refunded);
		assert_int_equal(figure("live", "CNY", "refund_rate_bps"), rows[i].paid_orders ? 10000 : -1);
		if (i % 3 == 0)
			world_crash();
	}
	assert_int_equal(figure("live", "CNY", "commission"), 1000); /* as ordered */
}

/* What was told before the order came counts when it comes. */
static void what_came_early(void **state)
{
	market();
	status("o1", TRIB_ORDER_PAID);
	refund("o1", "f1", TRIB_REFUND_PARTIAL, 300);
	world_order("o1", "u1", "g1", 1000, plain_token);
	assert_int_equal(figure("default", "CNY", "paid_orders"), 1);
	assert_int_equal(figure("default", "CNY", "net_commission"), 70);
	assert_int_equal(figure("default", "CNY", "refunded_amount"), 300);
}

static void restarts_change_nothing(void **state)
{
	static const char *const steps[] = { "", "minute", "hour", "day" };
	char *before[TRIB_ARRAY_SIZE(steps)];

	market();
	for (int i = 0; i < 40; i++) {
		char order[16];

		snprintf(order, sizeof(order), "o%d", i);
		world_order(order, "u1", "g1", 100 * i, i % 3 ? live_token : plain_token);
		if (i % 2)
			status(order, TRIB_ORDER_PAID);
		world_pass(i % 7 ? 20000 : 2400000);
		if (i == 10)
			world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\",\"play\":\"other\"}");
		if (i % 13 == 12)
			world_restart();
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(steps); i++)
		before[i] = trib_strdup(figures("", steps[i]));
	for (int round = 0; round < 4; round++) {
		if (round % 2)
			world_restart();
		else
			world_crash();
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(steps); i++)
			assert_string_equal(figures("", steps[i]), before[i]);
	}
	assert_true(strstr(before[0], "\"other\"") && strstr(before[0], "\"live\""));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(steps); i++)
		free(before[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_is_of_its_play, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(payments_and_refunds, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(what_came_early, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(restarts_change_nothing, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
