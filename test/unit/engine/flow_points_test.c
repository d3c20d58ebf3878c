/*
 * Every capability that GET /capabilities calls served is asked: for each there is something to do at a door, and a play whose
 * own way of it is seen there. Most say no, which is the door's answer; the engine's own looks show what they were given.
 */
#include "unit/engine/world.h"

static struct trib_error error;
static char reply[1 << 18];

static trib_status run(struct trib_call *call)
{
	world_call(call);
	snprintf(reply, sizeof(reply), "%.*s", (int)call->reply.size, call->reply.data ? call->reply.data : "");
	trib_buffer_fini(&call->reply);
	error = call->error;
	return call->status;
}

static trib_status put(enum trib_noun noun, const char *json)
{
	return world_put_status(noun, json, &error);
}

static trib_status act(enum trib_noun noun, const char *id, const char *action)
{
	Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
	struct trib_call call = { .kind = TRIB_CALL_ACT, .noun = noun, .name = trib_bytes_text(id),
				  .action = trib_bytes_text(action), .body = &request.base };

	request.reason = "so it is";
	return run(&call);
}

static void must(trib_status status)
{
	if (status != TRIB_OK)
		fail_msg("%s: %s: %s", trib_status_word(status), error.at, error.text);
}

static const char *show(enum trib_noun noun, const char *id)
{
	struct trib_call call = { .kind = TRIB_CALL_GET, .noun = noun, .name = trib_bytes_text(id) };

	must(run(&call));
	return reply;
}

/* --- What is done --------------------------------------------------------------------------------------- */

#define PLAN(id) "{\"id\":\"" id "\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1500}}"

static trib_status put_party(void)
{
	return put(TRIB_NOUN_PARTY, "{\"id\":\"p9\",\"roles\":[\"creator\"]}");
}

static trib_status put_goods(void)
{
	return put(TRIB_NOUN_GOODS, "{\"id\":\"g9\",\"merchant\":\"m1\",\"price\":100}");
}

static trib_status put_plan(void)
{
	return put(TRIB_NOUN_PLAN, PLAN("p9"));
}

static trib_status put_activity(void)
{
	return put(TRIB_NOUN_ACTIVITY, "{\"id\":\"a9\",\"leader\":\"l1\"}");
}

static trib_status put_enrolment(void)
{
	return put(TRIB_NOUN_ENROLMENT, "{\"id\":\"e9\",\"activity\":\"open\",\"goods\":\"g1\",\"commission_bps\":1000,\"service_bps\":100}");
}

static trib_status put_invitation(void)
{
	return put(TRIB_NOUN_INVITATION,
		   "{\"id\":\"i9\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1000}}");
}

static trib_status put_sample(void)
{
	return put(TRIB_NOUN_SAMPLE, "{\"id\":\"s9\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"plan\":\"p1\",\"terms\":{\"sold\":5,\"within\":\"1d\"}}");
}

static trib_status withdraw_goods(void)
{
	Tributary__StatusRequest request = TRIBUTARY__STATUS_REQUEST__INIT;
	struct trib_call call = { .kind = TRIB_CALL_STATUS_PUT, .noun = TRIB_NOUN_GOODS, .name = trib_bytes_text("g9"),
				  .body = &request.base };

	must(put_goods());
	request.status = "withdrawn";
	return run(&call);
}

static trib_status end_plan(void)
{
	must(put_plan());
	return act(TRIB_NOUN_PLAN, "p9", "end");
}

static trib_status delist(void)
{
	must(put_activity());
	must(act(TRIB_NOUN_ACTIVITY, "a9", "publish"));
	return act(TRIB_NOUN_ACTIVITY, "a9", "delist");
}

static trib_status withdraw_enrolment(void)
{
	must(put_enrolment());
	return act(TRIB_NOUN_ENROLMENT, "e9", "withdraw");
}

static trib_status accept(void)
{
	must(put_invitation());
	return act(TRIB_NOUN_INVITATION, "i9", "accept");
}

static trib_status decide(void)
{
	struct trib_call list = { .kind = TRIB_CALL_LIST, .noun = TRIB_NOUN_APPROVAL };
	char id[32];

	must(put_plan());
	must(run(&list));
	assert_int_equal(sscanf(strstr(reply, "\"id\":\"") + 6, "%31[0-9.]", id), 1);
	return act(TRIB_NOUN_APPROVAL, id, "approve");
}

static trib_status list_goods(void)
{
	Tributary__ShelfChange change = TRIBUTARY__SHELF_CHANGE__INIT;
	Tributary__ShelfEntry entry = TRIBUTARY__SHELF_ENTRY__INIT, *entries = &entry;
	const struct trib_shelf_request request = { .creator = trib_bytes_text("c1"), .kind = trib_bytes_text("showcase"),
						    .change = &change };
	struct trib_shelf_answer answer;
	enum trib_outcome outcome;

	must(put_plan());
	entry.goods = "g1";
	entry.offer = "p9";
	change.list = &entries;
	change.n_list = 1;
	return trib_engine_shelve(world.engine, &request, &answer, &outcome, &error);
}

static trib_status make_link(void)
{
	const struct trib_link_request request = { .channel = trib_bytes_text("own"), .creator = trib_bytes_text("c1"),
						   .goods = trib_bytes_text("g1") };
	char token[TRIB_LIMIT_TOKEN_CHARS];
	enum trib_outcome outcome;
	size_t size;

	must(put(TRIB_NOUN_REGISTRATION, "{\"id\":\"own\",\"channel\":\"own\",\"play\":\"own\"}"));
	return trib_engine_link(world.engine, &request, token, &size, &outcome, &error);
}

static trib_status pay(const char *id, int64_t amount)
{
	Tributary__PayoutRequest request = TRIBUTARY__PAYOUT_REQUEST__INIT;
	struct trib_call call = { .kind = TRIB_CALL_PAYOUT, .body = &request.base };

	request.id = (char *)(uintptr_t)id;
	request.party = "p9";
	request.role = "creator";
	request.has_amount = true;
	request.amount = amount;
	return run(&call);
}

static trib_status pay_out(void)
{
	must(put_party());
	must(pay("in", -500));
	return pay("out", 100);
}

/* An order of amounts by a plan of the play; what was asked about it is told by EXPLAIN. */
static trib_status order(void)
{
	struct trib_order_request request = { .order = trib_bytes_text("o1"), .user = trib_bytes_text("u1"),
					      .goods = trib_bytes_text("g1"), .no_base = true, .has_amounts = true,
					      .amounts = { 10000 } };
	struct world_answer answer;
	struct trib_buffer json;

	must(put_plan());
	request.token = trib_bytes_text(world_token("c1", "g1"));
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	error = answer.error;
	must(answer.status);
	trib_buffer_init(&json, sizeof(reply) - 1);
	must(trib_engine_explain(world.engine, request.order, &json, &error));
	snprintf(reply, sizeof(reply), "%.*s", (int)json.size, json.data);
	trib_buffer_fini(&json);
	return TRIB_OK;
}

static trib_status refund(void)
{
	const struct trib_refund_request request = { .order = trib_bytes_text("o1"), .refund = trib_bytes_text("r1"),
						     .kind = TRIB_REFUND_PARTIAL, .amount = 1000 };
	struct trib_refund_answer answer;

	must(order());
	return trib_engine_refund(world.engine, &request, &answer, &error);
}

static void pass(int64_t ms)
{
	world_pass(ms);
	for (int i = 0; i < 8; i++) {
		trib_engine_turn(world.engine);
		trib_engine_settle(world.engine);
	}
}

/* The engine looks by itself: at a rate every so often, at a sample when its time is over. */
static trib_status look_at_rate(void)
{
	must(put(TRIB_NOUN_PLAN, "{\"id\":\"p9\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"managed\",\"terms\":{\"commission_bps\":1000},"
				 "\"bounds\":{\"min_bps\":900,\"max_bps\":1150},\"goal\":{\"target\":5000,\"every\":\"1h\"}}"));
	pass(2000);
	pass(2 * 3600000);
	pass(2 * 3600000);
	show(TRIB_NOUN_PLAN, "p9");
	return TRIB_OK;
}

static trib_status look_at_sample(void)
{
	must(put_sample());
	must(act(TRIB_NOUN_SAMPLE, "s9", "approve"));
	must(act(TRIB_NOUN_SAMPLE, "s9", "receive"));
	pass(2 * WORLD_DAY_MS);
	show(TRIB_NOUN_SAMPLE, "s9");
	return TRIB_OK;
}

/* --- The table ------------------------------------------------------------------------------------------ */

/*
 * says: the play's way of it; NULL: `no`, a script that says "reached". flow: of flow.yaml, NULL for none. seen: in what the
 * door shows; NULL: it is refused, and says "reached".
 */
static const struct {
	const char *capability;
	trib_status (*done)(void);
	const char *says, *flow, *seen;
} rows[] = {
	{ "party.validate", put_party, NULL, NULL, NULL },
	{ "creator.admit", put_sample, NULL, NULL, NULL },
	{ "goods.validate", put_goods, NULL, NULL, NULL },
	{ "goods.admit", list_goods, NULL, NULL, NULL },
	{ "goods.withdraw", withdraw_goods, NULL, NULL, NULL },
	{ "plan.validate", put_plan, NULL, NULL, NULL },
	{ "plan.price", put_plan, NULL, NULL, NULL },
	{ "plan.service", put_plan, NULL, NULL, NULL },
	{ "plan.bounds", put_plan, NULL, NULL, NULL },
	{ "plan.risk", put_plan, NULL, NULL, NULL },
	{ "plan.approve", put_plan, NULL, NULL, NULL },
	{ "plan.act", end_plan, NULL, NULL, NULL },
	{ "plan.end", end_plan, NULL, NULL, NULL },
	{ "managed.move", look_at_rate, "cel: '{\"commission_bps\": 1111, \"reason\": \"reached\"}'", NULL, "\"commission_bps\":1111" },
	{ "activity.validate", put_activity, NULL, NULL, NULL },
	{ "activity.close", delist, NULL, NULL, NULL },
	{ "goods.enrol", put_enrolment, NULL, NULL, NULL },
	{ "enrolment.approve", put_enrolment, NULL, NULL, NULL },
	{ "enrolment.change", put_enrolment, NULL, NULL, NULL },
	{ "enrolment.withdraw", withdraw_enrolment, NULL, NULL, NULL },
	{ "price.watch", put_enrolment, NULL, NULL, NULL },
	{ "invitation.validate", put_invitation, NULL, NULL, NULL },
	{ "invitation.accept", accept, NULL, NULL, NULL },
	{ "invitation.expire", put_invitation, NULL, NULL, NULL },
	{ "sample.rule", put_sample, NULL, NULL, NULL },
	{ "sample.approve", put_sample, NULL, NULL, NULL },
	{ "sample.fulfilled", look_at_sample, "cel: 'true'", NULL, "\"status\":\"fulfilled\"" },
	{ "sample.overdue", look_at_sample, "cel: 'false'", NULL, "\"status\":\"received\"" },
	{ "approval.ask", put_plan, NULL, "plan.put: [{wait: approval, what: so}]", NULL },
	{ "approval.decide", decide, NULL, "plan.put: [{wait: approval, what: so}]", NULL },
	{ "shelf.list", list_goods, NULL, NULL, NULL },
	{ "link.convert", make_link, "cel: '\"reached\"'", NULL, NULL },
	{ "order.judge", order, "cel: '\"own_shop\"'", NULL, "\"outcome\":\"own_shop\"" },
	{ "order.base", order, "cel: '5000'", NULL, "\"base_amount\":5000" },
	{ "order.hold", order, "cel: 'true'", NULL, "\"held\":true" },
	{ "order.self_purchase", order, "cel: '\"self_purchase\"'", NULL, "\"outcome\":\"self_purchase\"" },
	{ "commission.amount", order, "cel: '77'", NULL, "\"charged\":77" },
	{ "commission.cap", order, "cel: '88'", NULL, "\"charged\":88" },
	{ "refund.admit", refund, "cel: '\"reached\"'", NULL, NULL },
	{ "payout.admit", pay_out, NULL, NULL, NULL },
	{ "notify", put_plan, NULL, "plan.put: [{do: notify}]", NULL },
	{ "webhook", put_plan, NULL, "plan.put: [{do: webhook}]", NULL },
	{ "sample.request", put_plan, NULL, "plan.put: [{do: sample.request}]", NULL },
};

/* For all that is put from now on, each with its own way of one capability. */
static void make_play(const char *capability, const char *says, const char *flow)
{
	char yaml[512], flows[256];
	const struct world_file files[] = { { "play.yaml", yaml },
					    { "hooks.lua", "function no(x) return nil, 'reached' end" },
					    { "flow.yaml", flows } };

	snprintf(yaml, sizeof(yaml), "name: own\nwhen: 'true'\ncapabilities:\n  %s:\n    - {%s}\n", capability,
		 says ? says : "lua: no");
	snprintf(flows, sizeof(flows), "flows: {%s}\n", flow ? flow : "");
	world_play("own", files, flow ? 3 : 2, true);
}

static int setup(void **state)
{
	if (world_prepare() != 0)
		return -1;
	world.options.segment_bytes = world.options.ring_bytes = 16 << 20; /* a run wants its room in one batch */
	world_open();
	return 0;
}

static void check_row(size_t i)
{
	void *state = NULL;

	assert_int_equal(setup(&state), 0);
	world_market();
	world_put(TRIB_NOUN_ACTIVITY, "{\"id\":\"open\",\"leader\":\"l1\"}");
	must(act(TRIB_NOUN_ACTIVITY, "open", "publish"));
	make_play(rows[i].capability, rows[i].says, rows[i].flow);
	trib_status status = rows[i].done();

	if (!rows[i].seen && (status != TRIB_REFUSED || !strstr(error.text, "reached")))
		fail_msg("%s: %s at %s: %s", rows[i].capability, trib_status_word(status), error.at, error.text);
	if (rows[i].seen && (status != TRIB_OK || !strstr(reply, rows[i].seen)))
		fail_msg("%s: %s lacks %s", rows[i].capability, reply, rows[i].seen);
	assert_int_equal(world_teardown(&state), 0);
}

static void each_is_reached(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		check_row(i);
}

/* What is called served is what the table has, no more and no less. */
static void served_is_what_is_reached(void **state)
{
	struct trib_call call = { .kind = TRIB_CALL_CAPABILITIES };
	size_t served = 0;

	must(run(&call));
	for (int id = 0; id < TRIB_CAPABILITIES; id++) {
		char begin[80];
		bool is_there = false;

		snprintf(begin, sizeof(begin), "\"capability\":\"%s\"", trib_capability_row((enum trib_capability)id)->name);
		const char *item = strstr(reply, begin), *told = item ? strstr(item, "\"served\":") : NULL;

		assert_non_null(told);
		bool says = !strncmp(told + 9, "true", 4);

		for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
			is_there |= !strcmp(rows[i].capability, trib_capability_row((enum trib_capability)id)->name);
		if (says != is_there)
			fail_msg("%s is served: %d, and there is a way to see it: %d", begin, says, is_there);
		served += says;
	}
	assert_int_equal(served, TRIB_ARRAY_SIZE(rows));
}

/* A notice that a play gives: what begins without a time begins after it, what states less is refused. */
static void notices(void **state)
{
	char expected[64];
	Tributary__StatusRequest request = TRIBUTARY__STATUS_REQUEST__INIT;
	struct trib_call status = { .kind = TRIB_CALL_STATUS_PUT, .noun = TRIB_NOUN_GOODS, .name = trib_bytes_text("g9"),
				    .body = &request.base };
	struct trib_call closing = { .kind = TRIB_CALL_CLOSE, .noun = TRIB_NOUN_GOODS, .name = trib_bytes_text("g9") };

	world_market();
	const struct world_file files[] = { { "play.yaml", "name: own\nwhen: 'true'\ncapabilities:\n  goods.withdraw: [{cel: '3600000'}]\n"
							   "  activity.close: [{cel: '7200000'}]\n" } };

	world_play("own", files, 1, true);
	must(put_goods());
	assert_int_equal(put(TRIB_NOUN_GOODS, "{\"id\":\"g9\",\"merchant\":\"m1\",\"price\":100,\"status\":\"withdrawn\"}"), TRIB_REFUSED);
	assert_string_equal(error.at, "status");
	assert_int_equal(run(&closing), TRIB_REFUSED);
	request.status = "withdrawn";
	request.has_from = true;
	request.from = world.clock.ms + 1000;
	assert_int_equal(run(&status), TRIB_REFUSED);
	assert_string_equal(error.at, "from");
	request.has_from = false;
	must(run(&status));
	snprintf(expected, sizeof(expected), "\"from\":%lld", (long long)(trib_engine_now(world.engine) + 3600000));
	if (!strstr(reply, expected))
		fail_msg("%s lacks %s", reply, expected);
	must(delist());
	snprintf(expected, sizeof(expected), "\"delist_at\":%lld", (long long)(trib_engine_now(world.engine) + 7200000));
	if (!strstr(show(TRIB_NOUN_ACTIVITY, "a9"), expected))
		fail_msg("%s lacks %s", reply, expected);
}

/* The plan that an acceptance makes is put by plan.put of its play, in the same call: priced, or refused with all of it. */
static void made_plans(void **state)
{
	world_market();
	const struct world_file files[] = { { "play.yaml", "name: own\nwhen: 'true'\ncapabilities:\n"
							   "  invitation.accept: [{use: default}]\n"
							   "  plan.price: [{when: commission_bps < 1500, cel: commission_bps + 11}, {cel: '20000'}]\n" } };

	world_play("own", files, 1, true);
	must(accept());
	if (!strstr(show(TRIB_NOUN_PLAN, "i9.plan"), "\"commission_bps\":1011"))
		fail_msg("%s", reply);
	must(put(TRIB_NOUN_INVITATION,
		 "{\"id\":\"i8\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1900}}"));
	assert_int_equal(act(TRIB_NOUN_INVITATION, "i8", "accept"), TRIB_REFUSED);
	assert_string_equal(error.at, "plan.bounds");
	if (!strstr(show(TRIB_NOUN_INVITATION, "i8"), "\"status\":\"sent\""))
		fail_msg("%s", reply);
	world_crash();
	if (!strstr(show(TRIB_NOUN_PLAN, "i9.plan"), "\"commission_bps\":1011"))
		fail_msg("%s", reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_reached),
		cmocka_unit_test_setup_teardown(served_is_what_is_reached, setup, world_teardown),
		cmocka_unit_test_setup_teardown(notices, setup, world_teardown),
		cmocka_unit_test_setup_teardown(made_plans, setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
