/* Every outcome that an order can come to, by one order each; and the facts that only the engine knows. */
#include "unit/engine/world.h"

/* What a platform may state of its own, in one tree. */
static const char tree[] =
	"{\"scene\":\"s\",\"root\":{\"id\":\"root\",\"when\":\"goods.category != 'gift_card'\",\"shares\":["
	"{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}],\"children\":["
	"{\"id\":\"own\",\"when\":\"has(touch) && creator.id == merchant.id\",\"outcome\":\"own_shop\",\"reason\":\"the shop's own account\"},"
	"{\"id\":\"room\",\"when\":\"order.carrier.owner == merchant.id\",\"outcome\":\"own_shop\",\"reason\":\"the shop's own room\"},"
	"{\"id\":\"self\",\"when\":\"order.self_purchase && !('paid_self' in creator.tags)\",\"outcome\":\"self_purchase\"},"
	"{\"id\":\"moved\",\"when\":\"has(touch) && order.carrier == 'live' && !touch.same_carrier\",\"outcome\":\"carrier_conflict\"},"
	"{\"id\":\"site\",\"when\":\"order.site == 'taobao'\",\"outcome\":\"external\"},"
	"{\"id\":\"robot\",\"when\":\"counter.user_orders_1m >= 3\",\"outcome\":\"not_distributed\",\"reason\":\"too many\"}]}}";

static void market(void)
{
	world_market();
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"roles\":[\"merchant\",\"creator\"],\"user_ids\":[\"boss\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c2\",\"roles\":[\"creator\"],\"user_ids\":[\"c2-phone\",\"c2-tablet\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c3\",\"roles\":[\"creator\"],\"user_ids\":[\"c3-phone\"],\"tags\":[\"paid_self\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c4\",\"roles\":[\"creator\"],\"status\":\"frozen\"}");
	static const char *const plans[][3] = {
		{ "later", ",\"effective_from\":1800000000000", "" },
		{ "paused", ",\"status\":\"paused\"", "" },
		{ "ended", ",\"status\":\"ended\"", "" },
		{ "only", ",\"kind\":\"exclusive\",\"creators\":[\"c2\"]", "" },
		{ "gone", "", ",\"status\":\"withdrawn\"" },
		{ "tb", "", ",\"site\":\"taobao\"" },
		{ "card", "", ",\"category\":\"gift_card\"" },
		{ "none", NULL, "" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(plans); i++) {
		char json[512];

		snprintf(json, sizeof(json), "{\"id\":\"%s\",\"merchant\":\"m1\",\"price\":100%s}", plans[i][0], plans[i][2]);
		world_put(TRIB_NOUN_GOODS, json);
		snprintf(json, sizeof(json),
			 "{\"id\":\"p-%s\",\"merchant\":\"m1\",\"goods\":[\"%s\"],\"terms\":{\"commission_bps\":1000}%s}",
			 plans[i][0], plans[i][0], plans[i][1] ? plans[i][1] : "");
		if (plans[i][1])
			world_put(TRIB_NOUN_PLAN, json);
	}
	world_rules("s", tree);
}

/* A token of a link to g1, however the goods that are bought stand. */
static const char *any_token(const char *creator)
{
	return world_token(creator, "g1");
}

struct row {
	const char *user, *goods;
	int64_t base;
	const char *creator;		/* of the token; NULL: none, "": a broken one */
	const char *kind, *id, *owner;	/* of the order's carrier; NULL: none */
	enum trib_outcome outcome;
	const char *node;
};

static const struct row rows[] = {
	{ "u1", "g1", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_ATTRIBUTED, "root" },
	{ "u1", "card", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_NOT_DISTRIBUTED, "root" },
	{ "u1", "g1", 100, "m1", NULL, NULL, NULL, TRIB_OUTCOME_OWN_SHOP, "own" },
	{ "u1", "g1", 100, "c1", "live", "r1", "m1", TRIB_OUTCOME_OWN_SHOP, "room" },
	{ "u9", "g1", 100, NULL, NULL, NULL, NULL, TRIB_OUTCOME_NO_TOUCH, "root" },
	{ "u1", "none", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_NO_PLAN, "any" },
	{ "u1", "later", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_PLAN_NOT_STARTED, "any" },
	{ "u1", "paused", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_PLAN_PAUSED, "any" },
	{ "u1", "ended", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_PLAN_ENDED, "any" },
	{ "u1", "only", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_CREATOR_NOT_ALLOWED, "any" },
	{ "u1", "gone", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_GOODS_WITHDRAWN, "any" },
	{ "u1", "g2", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_GOODS_MISMATCH, "root" },
	{ "boss", "g1", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_SELF_PURCHASE, "self" },
	{ "c2-phone", "g1", 100, "c2", NULL, NULL, NULL, TRIB_OUTCOME_SELF_PURCHASE, "self" },
	{ "c2-tablet", "g1", 100, "c2", NULL, NULL, NULL, TRIB_OUTCOME_SELF_PURCHASE, "self" },
	{ "c2-phone", "g1", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_ATTRIBUTED, "root" },
	{ "c3-phone", "g1", 100, "c3", NULL, NULL, NULL, TRIB_OUTCOME_ATTRIBUTED, "root" },
	{ "u2", "g1", 100, "c1", "live", "r2", "c2", TRIB_OUTCOME_CARRIER_CONFLICT, "moved" },
	{ "u2", "g1", 0, "c1", NULL, NULL, NULL, TRIB_OUTCOME_ZERO_BASE, "root" },
	{ "u2", "tb", 100, "c1", NULL, NULL, NULL, TRIB_OUTCOME_EXTERNAL, "any" },
	{ "u2", "g1", 100, "", NULL, NULL, NULL, TRIB_OUTCOME_BAD_TOKEN, "root" },
};

static enum trib_outcome order_row(size_t i, const struct row *row, const char *scene)
{
	char order[16];

	snprintf(order, sizeof(order), "o%zu", i);
	const char *token = !row->creator ? "-" : *row->creator ? any_token(row->creator) : "broken";
	struct trib_order_request request = { .order = trib_bytes_text(order), .user = trib_bytes_text(row->user),
					      .goods = trib_bytes_text(row->goods), .base_amount = row->base,
					      .token = trib_bytes_text(token), .scene = trib_bytes_text(scene) };
	struct world_answer answer;

	if (row->kind)
		request.carrier = (struct trib_carrier_request){ trib_bytes_text(row->kind), trib_bytes_text(row->id),
								 trib_bytes_text(row->owner) };
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	assert_ok(answer.status, answer.error);
	assert_true((answer.charged > 0) == (answer.outcome == TRIB_OUTCOME_ATTRIBUTED));
	return answer.outcome;
}

/* "": where it cannot be read. */
static void explain(const char *order, struct trib_buffer *json)
{
	struct trib_error error;
	trib_status status;

	trib_buffer_init(json, 1 << 20);
	status = trib_engine_explain(world.engine, trib_bytes_text(order), json, &error);
	assert_ok(status, error);
}

static void assert_says(const char *order, const char *words)
{
	struct trib_buffer json;

	explain(order, &json);
	if (!strstr(trib_buffer_text(&json), words))
		fail_msg("found %s, expected %s in it", trib_buffer_text(&json), words);
	trib_buffer_fini(&json);
}

static void every_outcome_is_reached(void **state)
{
	market();
	/* Goods of another kind than the token's are the shop's: the rows that look at plans match by shop. */
	world_rules("any", "{\"scene\":\"any\",\"root\":{\"id\":\"any\",\"match\":\"shop\",\"shares\":["
			   "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}],"
			   "\"children\":[{\"id\":\"any-site\",\"when\":\"order.site == 'taobao'\",\"outcome\":\"external\"}]}}");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		enum trib_outcome found = order_row(i, &rows[i], strcmp(rows[i].node, "any") == 0 ? "any" : "s");
		char order[16], node[64];

		if (found != rows[i].outcome)
			fail_msg("row %zu: found %s, expected %s", i, trib_outcome_word(found),
				 trib_outcome_word(rows[i].outcome));
		snprintf(order, sizeof(order), "o%zu", i);
		snprintf(node, sizeof(node), "\"node\":\"%s", rows[i].node);
		assert_says(order, node);
		world_pass(61000);
	}
	/* And what needs time to pass, or something to change. */
	const char *old = any_token("c1"), *frozen = any_token("c2");

	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c2\",\"roles\":[\"creator\"],\"status\":\"frozen\"}");
	assert_int_equal(world_order("x1", "u1", "g1", 100, frozen).outcome, TRIB_OUTCOME_PARTY_FROZEN);
	world_pass(31 * WORLD_DAY_MS);
	assert_int_equal(world_order("x2", "u1", "g1", 100, old).outcome, TRIB_OUTCOME_EXPIRED);
}

static enum trib_outcome order_on(const char *order, const char *user, const char *device);

static void lists_block_until_they_expire(void **state)
{
	char json[256];
	struct trib_call unblock = { .kind = TRIB_CALL_CLOSE, .noun = TRIB_NOUN_BLOCK, .name = trib_bytes_text("b2") };

	market();
	const char *token = any_token("c1");

	assert_int_equal(world_order("a1", "thief", "g1", 100, token).outcome, TRIB_OUTCOME_ATTRIBUTED);
	snprintf(json, sizeof(json), "{\"id\":\"b1\",\"kind\":\"user\",\"value\":\"thief\",\"reason\":\"stolen cards\",\"until\":%lld}",
		 (long long)(WORLD_START_MS + WORLD_DAY_MS));
	world_put(TRIB_NOUN_BLOCK, json);
	assert_int_equal(world_order("a2", "thief", "g1", 100, token).outcome, TRIB_OUTCOME_USER_BLOCKED);
	assert_int_equal(world_order("a2", "thief", "g1", 100, token).repeated, true);
	assert_int_equal(world_order("a3", "u1", "g1", 100, token).outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_says("a2", "\"block\":{\"entry\":\"b1@1\",\"kind\":\"user\"}");
	world_crash();
	assert_int_equal(world_order("a4", "thief", "g1", 100, token).outcome, TRIB_OUTCOME_USER_BLOCKED);
	world_pass(WORLD_DAY_MS);
	assert_int_equal(world_order("a5", "thief", "g1", 100, token).outcome, TRIB_OUTCOME_ATTRIBUTED);
	world_put(TRIB_NOUN_BLOCK, "{\"id\":\"b2\",\"kind\":\"creator\",\"value\":\"c1\"}");
	assert_int_equal(world_order("a6", "u1", "g1", 100, token).outcome, TRIB_OUTCOME_PARTY_FROZEN);
	assert_says("a6", "\"block\":{\"entry\":\"b2@1\",\"kind\":\"creator\"}");
	world_call(&unblock);
	assert_ok(unblock.status, unblock.error);
	trib_buffer_fini(&unblock.reply);
	assert_int_equal(world_order("a7", "u1", "g1", 100, token).outcome, TRIB_OUTCOME_ATTRIBUTED);
	world_put(TRIB_NOUN_BLOCK, "{\"id\":\"b3\",\"kind\":\"device\",\"value\":\"d9\"}");
	assert_int_equal(order_on("a8", "u1", "d9"), TRIB_OUTCOME_USER_BLOCKED);
	assert_says("a8", "\"block\":{\"entry\":\"b3@1\",\"kind\":\"device\"}");
	assert_int_equal(order_on("a9", "u5", "d8"), TRIB_OUTCOME_ATTRIBUTED);
	/* As it was then, whatever becomes of the entry. */
	world_put(TRIB_NOUN_BLOCK, "{\"id\":\"b3\",\"kind\":\"device\",\"value\":\"d8\"}");
	assert_says("a8", "\"block\":{\"entry\":\"b3@1\",\"kind\":\"device\"}");
	assert_int_equal(order_on("a10", "u5", "d8"), TRIB_OUTCOME_USER_BLOCKED);
	assert_says("a10", "\"block\":{\"entry\":\"b3@2\",\"kind\":\"device\"}");
	world_put(TRIB_NOUN_BLOCK, "{\"id\":\"b4\",\"kind\":\"goods\",\"value\":\"g1\"}");
	assert_int_equal(world_order("b1", "u1", "g1", 100, token).outcome, TRIB_OUTCOME_GOODS_WITHDRAWN);
}

/* --- Facts that only the engine knows ------------------------------------------------------------------ */

static enum trib_outcome order_on(const char *order, const char *user, const char *device)
{
	const struct trib_ext_pair ext = { trib_bytes_text("device"), trib_bytes_text(device) };
	const struct trib_order_request request = { .order = trib_bytes_text(order), .user = trib_bytes_text(user),
						    .goods = trib_bytes_text("g1"), .base_amount = 100,
						    .token = trib_bytes_text(world_token("c1", "g1")),
						    .scene = trib_bytes_text("s"), .ext = &ext, .n_ext = 1 };
	struct world_answer answer;

	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	assert_ok(answer.status, answer.error);
	return answer.outcome;
}

static void orders_are_told_what_was_before_them(void **state)
{
	world_market();
	world_rules("s", "{\"root\":{\"id\":\"root\",\"shares\":["
			 "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}],"
			 "\"children\":["
			 "{\"id\":\"farm\",\"when\":\"counter.device_users >= 3\",\"outcome\":\"not_distributed\"},"
			 "{\"id\":\"fast\",\"when\":\"counter.user_orders_1m >= 2\",\"outcome\":\"not_distributed\"},"
			 "{\"id\":\"quick\",\"when\":\"has(counter.click_to_order) && counter.click_to_order < duration('2s')\","
			 "\"outcome\":\"not_distributed\"},"
			 "{\"id\":\"hot\",\"when\":\"counter.creator_clicks_10m > 100\",\"model\":\"first\"}]}}");
	assert_int_equal(order_on("a1", "u1", "d1"), TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(order_on("a2", "u1", "d1"), TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(order_on("a3", "u1", "d1"), TRIB_OUTCOME_NOT_DISTRIBUTED);
	assert_says("a3", "\"node\":\"fast\"");
	assert_says("a3", "\"counter.user_orders_1m\":2");
	world_pass(70000);
	assert_int_equal(order_on("a4", "u1", "d1"), TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(order_on("b1", "u2", "d1"), TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(order_on("b2", "u3", "d1"), TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(order_on("b3", "u4", "d1"), TRIB_OUTCOME_NOT_DISTRIBUTED);
	assert_says("b3", "\"counter.device_users\":3");
	world_touch("u7", world_token("c1", "g1"));
	world_pass(1000);
	assert_int_equal(order_on("c1", "u7", "d7"), TRIB_OUTCOME_NOT_DISTRIBUTED);
	assert_says("c1", "\"counter.click_to_order\":1000");
	/* What was counted is there after a stop and after a kill. */
	world_restart();
	assert_int_equal(order_on("d1", "u9", "d1"), TRIB_OUTCOME_NOT_DISTRIBUTED);
	world_crash();
	assert_int_equal(order_on("d2", "u9", "d1"), TRIB_OUTCOME_NOT_DISTRIBUTED);
	assert_says("b3", "\"counter.device_users\":3");
}

static void nothing_is_counted_that_nobody_asks_for(void **state)
{
	struct trib_buffer text;

	world_market();
	world_rules("s", "{\"root\":{\"id\":\"root\",\"children\":["
			 "{\"id\":\"a\",\"when\":\"order.qty > 3\",\"outcome\":\"not_distributed\"}]}}");
	order_on("a1", "u1", "d1");
	explain("a1", &text);
	assert_null(strstr(trib_buffer_text(&text), "counter."));
	trib_buffer_fini(&text);
	/* From the activation on: what was before it is not known. */
	world_rules("s", "{\"root\":{\"id\":\"root\",\"children\":["
			 "{\"id\":\"a\",\"when\":\"counter.user_orders_1h > 0\",\"outcome\":\"not_distributed\"}]}}");
	assert_int_equal(order_on("a2", "u1", "d1"), TRIB_OUTCOME_ATTRIBUTED);
	assert_int_equal(order_on("a3", "u1", "d1"), TRIB_OUTCOME_NOT_DISTRIBUTED);
}

static void roll_out(const char *name, const char *json)
{
	struct trib_call call = { .kind = TRIB_CALL_RULES_ROLLOUT, .name = trib_bytes_text(name) };
	struct trib_arena arena;
	ProtobufCMessage *message;
	struct trib_error error;

	trib_arena_init(&arena, 1 << 20);
	trib_status status = trib_proto_from_json(&tributary__rollout_request__descriptor, trib_bytes_text(json), &arena,
						  &message, &error);

	assert_ok(status, error);
	call.body = message;
	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
	trib_arena_fini(&arena);
}

/* Which version decided, and why that one: as it was then. */
static void roll_outs_are_explained(void **state)
{
	struct trib_buffer text;

	world_market();
	world_rules("s", "{\"root\":{\"id\":\"v1\"}}");
	assert_int_equal(order_on("a1", "u1", "d1"), TRIB_OUTCOME_ATTRIBUTED);
	explain("a1", &text);
	assert_null(strstr(trib_buffer_text(&text), "\"rollout\""));
	trib_buffer_fini(&text);
	world_rules("s", "{\"root\":{\"id\":\"v2\"}}");
	world_rules("s", "{\"root\":{\"id\":\"v3\"}}");
	roll_out("s", "{\"version\":1,\"when\":\"order.ext.device == 'd7'\"}");
	order_on("a2", "u1", "d7");
	order_on("a3", "u1", "d1");
	roll_out("s", "{\"version\":2,\"share_bps\":10000}");
	order_on("a4", "u1", "d1");
	world_crash();
	order_on("a5", "u1", "d7");
	world_rules("s", "{\"root\":{\"id\":\"v4\"}}");
	assert_says("a2", "\"node\":\"v1\",\"rollout\":{\"version\":\"rolled_out\",\"when\":true}");
	assert_says("a3", "\"node\":\"v3\",\"rollout\":{\"version\":\"active\"}");
	assert_says("a4", "\"node\":\"v2\",\"rollout\":{\"version\":\"rolled_out\",\"place\":");
	assert_says("a4", "\"share_from\":0,\"share_to\":10000,\"when\":false}");
	assert_says("a5", "\"node\":\"v1\",\"rollout\":{\"version\":\"rolled_out\",\"when\":true}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_outcome_is_reached, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(lists_block_until_they_expire, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(roll_outs_are_explained, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(orders_are_told_what_was_before_them, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(nothing_is_counted_that_nobody_asks_for, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
