/* What plays do on the way of orders: asked by ATTRIBUTE and REFUND, told by EXPLAIN, the same after a crash. */
#include "unit/engine/world.h"

#define RULES                                                                                                          \
	"{\"root\":{\"id\":\"root\",\"window\":\"30d\",\"shares\":["                                                   \
	"{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"},"          \
	"{\"name\":\"fee\",\"to\":\"platform\",\"from\":\"creator\",\"of\":\"commission\",\"bps\":1000,\"cap\":50}]}}"

static char explained[1 << 16];

static const char *explain(const char *order)
{
	struct trib_buffer json;
	struct trib_error error;

	trib_buffer_init(&json, sizeof(explained) - 1);
	trib_status status = trib_engine_explain(world.engine, trib_bytes_text(order), &json, &error);

	assert_ok(status, error);
	snprintf(explained, sizeof(explained), "%.*s", (int)json.size, json.data);
	trib_buffer_fini(&json);
	return explained;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("%s\nlacks %s", text, part);
}

/* A play for targeted plans that says this of capabilities; version 1, 2, … of `play`. */
static void play(const char *name, const char *capabilities, bool active)
{
	char yaml[2048];
	const struct world_file files[] = { { "play.yaml", yaml } };

	snprintf(yaml, sizeof(yaml), "name: %s\nwhen: request.kind == 'targeted'\n%s%s", name,
		 capabilities[0] ? "capabilities:\n" : "", capabilities);
	world_play(name, files, 1, active);
}

static void plan(const char *id, int bps)
{
	char json[512];

	snprintf(json, sizeof(json),
		 "{\"id\":\"%s\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"targeted\",\"creators\":[\"c1\"],"
		 "\"terms\":{\"commission_bps\":%d}}",
		 id, bps);
	world_put(TRIB_NOUN_PLAN, json);
}

static int order_number;

static const char *order_id(void)
{
	static char id[16];

	snprintf(id, sizeof(id), "o%d", ++order_number);
	return id;
}

static struct world_answer order(int64_t base, const char *creator)
{
	struct world_answer answer = world_order(order_id(), "u1", "g1", base, world_token(creator, "g1"));

	assert_ok(answer.status, answer.error);
	return answer;
}

/* Each capability by itself: what the play says, and what becomes of an order of 10000 at 10 %. */
static void each_is_asked(void **state)
{
	static const struct {
		const char *says;
		enum trib_outcome outcome;
		int64_t charged, fee;
		const char *told;
	} rows[] = {
		{ "", TRIB_OUTCOME_ATTRIBUTED, 1000, 50, "\"play\":\"own\",\"play_version\":1" },
		{ "  order.judge: [{cel: '\"user_blocked\"'}]\n", TRIB_OUTCOME_USER_BLOCKED, 0, 0,
		  "\"asked\":[{\"capability\":\"order.judge\",\"gave\":\"user_blocked\"}]" },
		{ "  order.judge: [{when: base > 10000, cel: '\"user_blocked\"'}]\n", TRIB_OUTCOME_ATTRIBUTED, 1000, 50,
		  "\"gave\":\"attributed\"" },
		{ "  order.judge: [{when: creator_level == 3 && qty == 1 && size(ext) == 0 && scene == \"\", cel: '\"own_shop\"'}]\n",
		  TRIB_OUTCOME_OWN_SHOP, 0, 0, "own_shop" },
		{ "  order.judge: [{cel: '\"what?\"'}]\n", TRIB_OUTCOME_ATTRIBUTED, 1000, 50, "\"failed\":true" },
		{ "  order.judge: [{cel: 'outcome == \"attributed\" && 1 / (base - base) == 1 ? \"own_shop\" : outcome'}]\n",
		  TRIB_OUTCOME_ATTRIBUTED, 1000, 50, "\"failed\":true" },
		{ "  order.self_purchase: [{use: default}]\n", TRIB_OUTCOME_ATTRIBUTED, 1000, 50, "order.self_purchase" },
		{ "  order.hold: [{cel: base >= 10000}]\n", TRIB_OUTCOME_ATTRIBUTED, 1000, 50, "\"held\":true" },
		{ "  order.hold: [{cel: base > 10000}]\n", TRIB_OUTCOME_ATTRIBUTED, 1000, 50, "\"gave\":\"false\"" },
		{ "  commission.amount: [{when: bps == 1000 && base == 10000, cel: base * bps / 10000 + 1}, {use: default}]\n",
		  TRIB_OUTCOME_ATTRIBUTED, 1001, 50, "commission.amount" },
		{ "  commission.amount: [{cel: base * 2}]\n", TRIB_OUTCOME_ATTRIBUTED, 10000, 50, "commission.amount" },
		{ "  commission.amount: [{cel: -base}]\n", TRIB_OUTCOME_ATTRIBUTED, 0, 0, "commission.amount" },
		{ "  commission.cap: [{cel: 'cap == 0 && amount > 700 ? 700 : amount'}]\n", TRIB_OUTCOME_ATTRIBUTED, 700, 50,
		  "commission.cap" },
		{ "  commission.cap: [{cel: amount * 2}]\n", TRIB_OUTCOME_ATTRIBUTED, 1000, 50, "commission.cap" },
	};

	world_market();
	world_rules("default", RULES);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char name[16], id[16];

		/* Plays and plans of their own: what began with one goes on with it. */
		snprintf(name, sizeof(name), i ? "own%zu" : "own", i);
		snprintf(id, sizeof(id), "t%zu", i);
		play(name, rows[i].says, true);
		world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1000}}");
		plan(id, 1000);
		int64_t before = world_balance("platform", TRIB_WORD_PLATFORM);
		struct world_answer answer = order(10000, "c1");
		int64_t fee = world_balance("platform", TRIB_WORD_PLATFORM) - before;

		if (answer.outcome != rows[i].outcome || answer.charged != rows[i].charged || fee != rows[i].fee)
			fail_msg("%s: %s, charged %lld, fee %lld", rows[i].says, trib_outcome_word(answer.outcome),
				 (long long)answer.charged, (long long)fee);
		char last[16];

		snprintf(last, sizeof(last), "o%d", order_number);
		assert_has(explain(last), rows[i].told);
		/* Nobody is asked about the orders of others. */
		assert_int_equal(order(10000, "c2").charged, 1000);
		snprintf(id, sizeof(id), "{\"id\":\"t%zu\"", i);
		char closed[256];

		snprintf(closed, sizeof(closed),
			 "%s,\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"targeted\",\"creators\":[\"c1\"],\"status\":\"closed\"}", id);
		world_put(TRIB_NOUN_PLAN, closed);
		struct trib_call close = { .kind = TRIB_CALL_PLAY_CLOSE, .name = trib_bytes_text(name) };

		world_call(&close);
		assert_ok(close.status, close.error);
		trib_buffer_fini(&close.reply);
	}
}

/* The version that the plan began with, parents included, whatever is active later; after a crash and a restart, too. */
static void versions_stay(void **state)
{
	world_market();
	world_rules("default", RULES);
	play("base", "  commission.cap: [{cel: 'cap == 0 && amount > 600 ? 600 : amount'}]\n", false);
	const struct world_file child[] = { { "play.yaml", "name: child\nparent: base\npriority: 5\nwhen: request.kind == 'targeted'\n" } };

	world_play("child", child, 1, true);
	plan("t1", 1000);
	assert_int_equal(order(10000, "c1").charged, 600);
	assert_has(explain("o1"), "\"play\":\"child\",\"play_version\":1");
	const struct world_file stricter[] = { { "play.yaml",
						 "name: child\nparent: base\npriority: 5\nwhen: request.kind == 'targeted'\n"
						 "capabilities:\n  commission.cap: {chain: true, of: [{use: parent}, {cel: 'cap == 0 && amount > 500 ? 500 : amount'}]}\n" } };

	world_play("child", stricter, 1, true);
	assert_int_equal(order(10000, "c1").charged, 600);
	plan("t2", 1100); /* wins by its rate; begins with version 2 */
	assert_int_equal(order(10000, "c1").charged, 500);
	assert_has(explain("o3"), "\"play_version\":2");
	for (int how = 0; how < 3; how++) {
		char id[8];

		if (how == 1)
			world_crash();
		if (how == 2)
			world_restart();
		for (int i = 1; i <= 3; i++) {
			snprintf(id, sizeof(id), "o%d", i);
			assert_has(explain(id), i == 3 ? "\"play_version\":2" : "\"play_version\":1");
		}
		assert_int_equal(order(10000, "c1").charged, 500);
	}
}

/* A registration's play comes first: its active version, unless the plan has it in one of its own. */
static void registrations(void **state)
{
	world_market();
	world_rules("default", RULES);
	const struct world_file links[] = { { "play.yaml", "name: links\nwhen: 'false'\ncapabilities:\n"
							   "  order.hold: [{cel: 'true'}]\n" } };

	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\",\"play\":\"links\"}");
	assert_int_equal(order(10000, "c1").charged, 1000);
	assert_has(explain("o1"), "\"play\":\"links\",\"play_version\":0"); /* nobody has put it yet */
	world_play("links", links, 1, false);
	order(10000, "c1");
	assert_null(strstr(explain("o2"), "\"held\":true"));
	world_play("links", links, 1, true);
	order(10000, "c1");
	assert_has(explain("o3"), "\"play\":\"links\",\"play_version\":1,\"asked\":[{\"capability\":\"order.hold\",\"gave\":\"true\"}]");
	assert_has(explain("o3"), "\"held\":true");
	/* What is not credited to anybody is the newest candidate's. */
	struct world_answer nobody = world_order(order_id(), "u1", "g2", 10000, world_token("c1", "g1"));

	assert_int_equal(nobody.outcome, TRIB_OUTCOME_GOODS_MISMATCH);
	assert_has(explain("o4"), "\"play\":\"links\",\"play_version\":1");
}

static struct world_answer order_of_amounts(int64_t paid, int64_t freight)
{
	const struct trib_order_request request = { .order = trib_bytes_text(order_id()), .user = trib_bytes_text("u1"),
						    .goods = trib_bytes_text("g1"),
						    .token = trib_bytes_text(world_token("c1", "g1")), .no_base = true,
						    .has_amounts = true, .amounts = { paid, freight } };
	struct world_answer answer;

	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	assert_ok(answer.status, answer.error);
	return answer;
}

/* The base of amounts, and who the buyer is. */
static void bases_and_buyers(void **state)
{
	world_market();
	world_rules("default", RULES);
	play("based", "  order.base: [{when: freight > 0, cel: paid - 2 * freight}, {use: default}]\n"
		      "  order.self_purchase: [{use: default}]\n", true);
	plan("t1", 1000);
	assert_int_equal(order_of_amounts(10000, 1000).charged, 800);
	assert_has(explain("o1"), "\"base_amount\":8000");
	assert_has(explain("o1"), "\"asked\":[{\"capability\":\"order.base\",\"gave\":\"8000\"}");
	assert_int_equal(order_of_amounts(10000, 0).charged, 1000);
	assert_int_equal(order_of_amounts(1000, 900).outcome, TRIB_OUTCOME_ZERO_BASE);
	assert_int_equal(order(10000, "c1").charged, 1000); /* stated */
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"user_ids\":[\"u1\"]}");
	assert_int_equal(order(10000, "c1").outcome, TRIB_OUTCOME_SELF_PURCHASE);
}

static trib_status refund(const char *id, const char *name, int64_t amount, int64_t *ret_reversed, struct trib_error *error)
{
	const struct trib_refund_request request = { .order = trib_bytes_text(id), .refund = trib_bytes_text(name),
						     .kind = TRIB_REFUND_PARTIAL, .amount = amount };
	struct trib_refund_answer answer;
	trib_status status = trib_engine_refund(world.engine, &request, &answer, error);

	*ret_reversed = status == TRIB_OK ? answer.reversed : 0;
	return status;
}

/* What is split anew is split by the same way; a play may refuse a refund. */
static void refunds(void **state)
{
	struct trib_error error;
	int64_t reversed;

	world_market();
	world_rules("default", RULES);
	play("kept", "  commission.cap: [{cel: 'cap == 0 && amount > 600 ? 600 : amount'}]\n"
		     "  refund.admit: [{when: amount * 2 > remaining, cel: '\"more than half at once\"'}, {use: default}]\n", true);
	plan("t1", 1000);
	assert_int_equal(order(10000, "c1").charged, 600);
	assert_int_equal(refund("o1", "r1", 3000, &reversed, &error), TRIB_OK);
	assert_int_equal(reversed, 0); /* a tenth of 7000 is above the cap still */
	assert_int_equal(refund("o1", "r2", 3501, &reversed, &error), TRIB_REFUSED);
	assert_string_equal(error.at, "refund.admit");
	assert_string_equal(error.text, "more than half at once");
	assert_int_equal(refund("o1", "r1", 3000, &reversed, &error), TRIB_OK); /* a repeat */
	assert_int_equal(refund("o1", "r3", 3000, &reversed, &error), TRIB_OK);
	assert_int_equal(reversed, 200);
	world_crash();
	assert_int_equal(refund("o1", "r4", 2001, &reversed, &error), TRIB_REFUSED);
	assert_int_equal(refund("o1", "r4", 2000, &reversed, &error), TRIB_OK);
	assert_int_equal(reversed, 200);
}

static int setup(void **state)
{
	order_number = 0;
	return world_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_is_asked, setup, world_teardown),
		cmocka_unit_test_setup_teardown(versions_stay, setup, world_teardown),
		cmocka_unit_test_setup_teardown(registrations, setup, world_teardown),
		cmocka_unit_test_setup_teardown(bases_and_buyers, setup, world_teardown),
		cmocka_unit_test_setup_teardown(refunds, setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
