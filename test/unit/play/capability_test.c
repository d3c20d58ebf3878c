/* Capabilities: the table, what each does by default, and what plays may do instead. */
#include "unit/play/trees.h"

/* Runs a capability over inputs by name, those not stated zero; the outputs as an object, or why not. */
static void run(const struct trib_play *play, const char *name, const char *input, char *ret_text, size_t size,
		char *ret_by, size_t by_size)
{
	enum trib_capability id = trib_capability_find(trib_bytes_text(name));
	const struct trib_capability_row *row;
	struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX], out[TRIB_CAPABILITY_FIELDS_MAX];
	struct trib_buffer json, by;
	struct trib_arena arena;
	struct trib_error error;

	if (id == TRIB_CAPABILITIES)
		fail_msg("no capability %s", name);
	row = trib_capability_row(id);
	trib_arena_init(&arena, TRIB_LIMIT_FLOW_BYTES);
	trib_buffer_init(&json, 1 << 20);
	trib_buffer_init(&by, 1 << 20);
	const struct trib_json *object = json_of(input, &arena);
	uint32_t taken = 0;

	for (uint32_t i = 0; i < row->input_count; i++) {
		const struct trib_json *member = trib_json_member(object, row->inputs[i].name);

		in[i] = play_value_zero(row->inputs[i].type);
		taken += member != NULL;
		if (member && (trib_json_value(member, &arena, &in[i]) != TRIB_OK || !play_value_fit(&in[i], row->inputs[i].type)))
			fail_msg("%s of %s does not fit", row->inputs[i].name, name);
	}
	if (taken != object->count)
		fail_msg("%s knows not all of %s", name, input);
	if (play_capability_run(play, id, in, &arena, out, &by, &error) == TRIB_OK)
		for (uint32_t i = 0; i < row->output_count; i++) {
			trib_buffer_add_format(&json, "%s%s=", i ? " " : "", row->outputs[i].name);
			play_value_add_json(&out[i], &json);
		}
	else
		trib_buffer_add_format(&json, "%s: %s%s%s", trib_status_word(error.status), error.at, error.at[0] ? ": " : "",
				       error.text);
	snprintf(ret_text, size, "%s", trib_buffer_text(&json));
	if (ret_by)
		snprintf(ret_by, by_size, "%s", trib_buffer_text(&by));
	trib_buffer_fini(&json);
	trib_buffer_fini(&by);
	trib_arena_fini(&arena);
}

static void test_table(void **state)
{
	assert_true(TRIB_CAPABILITIES >= 40);
	for (int id = 0; id < TRIB_CAPABILITIES; id++) {
		const struct trib_capability_row *row = trib_capability_row((enum trib_capability)id);

		assert_int_equal(trib_capability_find(trib_bytes_text(row->name)), id);
		assert_true(row->input_count > 0 && row->output_count > 0 && row->what[0]);
	}
	assert_int_equal(trib_capability_find(trib_bytes_text("plan.valid")), TRIB_CAPABILITIES);
}

/* Capability, inputs, what comes of it where no play says otherwise. */
static void test_defaults(void **state)
{
	static const struct {
		const char *name, *input, *expected;
	} rows[] = {
		{ "party.validate", "{'party': {'id': 'm1'}}", "refusal=\"\"" },
		{ "creator.admit", "{'creator': {'status': 'active'}}", "refusal=\"\"" },
		{ "creator.admit", "{'creator': {}}", "refusal=\"\"" },
		{ "creator.admit", "{'creator': {'status': 'frozen'}}", "refused: the creator is not active" },
		{ "creator.score", "{'score': 4.5}", "score=4.5" },
		{ "goods.validate", "{}", "refusal=\"\"" },
		{ "goods.admit", "{'goods': {'status': 'withdrawn'}}", "refused: the goods are not active" },
		{ "goods.withdraw", "{'notice_ms': 5}", "notice_ms=5" },
		{ "plan.validate", "{'plan': {}}", "refusal=\"\"" },
		{ "plan.price", "{'commission_bps': 1200}", "commission_bps=1200" },
		{ "plan.service", "{'service_bps': 300}", "service_bps=300" },
		{ "plan.bounds", "{'commission_bps': 1000, 'min_bps': 1000, 'max_bps': 1000}", "refusal=\"\"" },
		{ "plan.bounds", "{'commission_bps': 999, 'min_bps': 1000, 'max_bps': 2000}",
		  "refused: the commission lies outside its bounds" },
		{ "plan.bounds", "{'commission_bps': 2001, 'min_bps': 1000, 'max_bps': 2000}",
		  "refused: the commission lies outside its bounds" },
		{ "plan.risk", "{'commission_bps': 1000}", "level=0" },
		{ "plan.risk", "{'commission_bps': 1000, 'old': {'terms': {'commission_bps': 1500}}}", "level=500" },
		{ "plan.approve", "{'status': 'active'}", "status=\"active\"" },
		{ "plan.act", "{'action': 'pause'}", "refusal=\"\"" },
		{ "plan.budget", "{'budget': 0, 'spent': 10}", "refusal=\"\"" },
		{ "plan.budget", "{'budget': 10, 'spent': 10}", "refusal=\"\"" },
		{ "plan.budget", "{'budget': 9, 'spent': 10}", "refused: the budget lies below what is spent already" },
		{ "plan.end", "{'notice_ms': 86400000}", "notice_ms=86400000" },
		{ "managed.entrust", "{'min_bps': 1000, 'max_bps': 2000}", "refusal=\"\"" },
		{ "managed.entrust", "{'min_bps': 1000, 'max_bps': 1000}", "refused: the bounds leave the platform no room" },
		{ "managed.move", "{'commission_bps': 1000, 'min_bps': 500, 'max_bps': 2000, 'goal': 100, 'sold': 99}",
		  "commission_bps=1050 reason=\"below the goal: one step up\"" },
		{ "managed.move", "{'commission_bps': 1990, 'min_bps': 500, 'max_bps': 2000, 'goal': 100, 'sold': 0, 'step_bps': 100}",
		  "commission_bps=2000 reason=\"below the goal: one step up\"" },
		{ "managed.move", "{'commission_bps': 1000, 'min_bps': 500, 'max_bps': 2000, 'goal': 100, 'sold': 110}",
		  "commission_bps=1000 reason=\"the goal is met\"" },
		{ "managed.move", "{'commission_bps': 510, 'min_bps': 500, 'max_bps': 2000, 'goal': 100, 'sold': 111}",
		  "commission_bps=500 reason=\"above the goal: one step down\"" },
		{ "activity.validate", "{}", "refusal=\"\"" },
		{ "activity.close", "{'notice_ms': 1}", "notice_ms=1" },
		{ "goods.enrol", "{'activity': {'min_commission_bps': 1500}, 'commission_bps': 1500}", "refusal=\"\"" },
		{ "goods.enrol", "{'activity': {'min_commission_bps': 1500}, 'commission_bps': 1499}",
		  "refused: the commission lies below what the activity asks" },
		{ "goods.enrol", "{'activity': {'min_service_bps': 100}, 'service_bps': 99}",
		  "refused: the service rate lies below what the activity asks" },
		{ "goods.enrol", "{'activity': {'max_price': 9900}, 'price': 9901}",
		  "refused: the price lies above what the activity takes" },
		{ "enrolment.approve", "{'status': 'applied'}", "status=\"applied\"" },
		{ "enrolment.change", "{'promoting': true, 'commission_bps': 1600, 'old_commission_bps': 1500}", "refusal=\"\"" },
		{ "enrolment.change", "{'promoting': true, 'commission_bps': 1400, 'old_commission_bps': 1500}",
		  "refused: during promotion the commission may rise, not fall" },
		{ "enrolment.change", "{'promoting': false, 'commission_bps': 1400, 'old_commission_bps': 1500}", "refusal=\"\"" },
		{ "enrolment.withdraw", "{'promoting': true}", "refused: during promotion the leader must consent" },
		{ "enrolment.withdraw", "{'promoting': true, 'consent': true}", "refusal=\"\"" },
		{ "enrolment.withdraw", "{}", "refusal=\"\"" },
		{ "price.watch", "{'price': 9900, 'enrolled_price': 9900}", "refusal=\"\"" },
		{ "price.watch", "{'price': 9901, 'enrolled_price': 9900}", "refused: the price lies above the enrolled one" },
		{ "price.watch", "{'price': 9901}", "refusal=\"\"" },
		{ "leader2.rate", "{'service2_bps': 200, 'min_bps': 100, 'service_bps': 300}", "refusal=\"\"" },
		{ "leader2.rate", "{'service2_bps': 301, 'min_bps': 100, 'service_bps': 300}",
		  "refused: the rate lies outside the activity's minimum and the first leader's" },
		{ "leader2.cancel", "{}", "refused: the other leader has not consented" },
		{ "leader2.cancel", "{'consent': true}", "refusal=\"\"" },
		{ "invitation.validate", "{}", "refusal=\"\"" },
		{ "invitation.accept", "{'terms': {'commission_bps': 1500}}", "terms={\"commission_bps\":1500}" },
		{ "invitation.expire", "{'now': 1000}", "expires_at=604801000" },
		{ "invitation.expire", "{'now': 1000, 'expires_at': 5}", "expires_at=5" },
		{ "invitation.expire", "{'now': 9223372036854775807}", "expires_at=9223372036854775807" },
		{ "sample.rule", "{'creator': {'level': 3, 'followers': 1000, 'score': 4.5}, 'rule': {'min_level': 3, 'min_followers': 1000, "
				 "'min_score': 4.5}}",
		  "refusal=\"\"" },
		{ "sample.rule", "{'creator': {'level': 2}, 'rule': {'min_level': 3}}", "refused: the creator's level is too low" },
		{ "sample.rule", "{'creator': {}, 'rule': {'min_followers': 1}}", "refused: the creator has too few followers" },
		{ "sample.rule", "{'creator': {'score': 4}, 'rule': {'min_score': 4.5}}", "refused: the creator's score is too low" },
		{ "sample.approve", "{'status': 'applied'}", "status=\"applied\"" },
		{ "sample.fulfilled", "{'listed': true}", "fulfilled=true" },
		{ "sample.fulfilled", "{'listed': true, 'rule': {'sold': 10}, 'sold': 9}", "fulfilled=false" },
		{ "sample.fulfilled", "{'rule': {'sold': 10, 'live_minutes': 5}, 'sold': 10, 'live_minutes': 5}", "fulfilled=true" },
		{ "sample.overdue", "{'now': 11, 'due_at': 10}", "overdue=true" },
		{ "sample.overdue", "{'now': 11}", "overdue=false" },
		{ "slot.refund", "{'fee': 10000, 'promised': 100, 'sold': 75}", "refund=2500" },
		{ "slot.refund", "{'fee': 10000, 'promised': 100, 'sold': 101}", "refund=0" },
		{ "slot.refund", "{'fee': 10000, 'promised': 3, 'sold': -9223372036854775807}", "refund=10000" },
		{ "approval.ask", "{'what': 'x'}", "what=\"x\" ask=\"operator\"" },
		{ "approval.ask", "{'what': 'x', 'ask': 'leader'}", "what=\"x\" ask=\"leader\"" },
		{ "approval.decide", "{'approval': {'status': 'waiting', 'role': 'operator'}, 'role': 'operator'}", "refusal=\"\"" },
		{ "approval.decide", "{'approval': {'status': 'waiting', 'role': 'operator'}, 'role': 'admin'}", "refusal=\"\"" },
		{ "approval.decide", "{'approval': {'status': 'waiting', 'role': 'operator'}, 'role': 'creator'}",
		  "refused: another role is asked" },
		{ "approval.decide", "{'approval': {'status': 'approved'}, 'role': 'admin'}", "refused: it is decided already" },
		{ "shelf.list", "{}", "refusal=\"\"" },
		{ "shelf.offer_ended", "{}", "then=\"fall_back\"" },
		{ "shelf.offer_ended", "{'then': 'ask'}", "then=\"ask\"" },
		{ "shelf.tell", "{'entries': 1000000}", "spread_ms=1000000" },
		{ "link.convert", "{'channel': 'app'}", "refusal=\"\"" },
		{ "order.judge", "{'outcome': 'attributed'}", "outcome=\"attributed\"" },
		{ "order.base", "{'paid': 10000, 'freight': 800, 'tax': 200, 'coupon_platform': 500}", "base=9500" },
		{ "order.base", "{'paid': 100, 'freight': 800}", "base=0" },
		{ "order.hold", "{'base': 100}", "held=false" },
		{ "order.self_purchase", "{'outcome': 'attributed', 'same': true}", "outcome=\"self_purchase\"" },
		{ "order.self_purchase", "{'outcome': 'attributed'}", "outcome=\"attributed\"" },
		{ "commission.amount", "{'base': 2990, 'bps': 1501}", "amount=448" },
		{ "commission.amount", "{'base': 9223372036854775807, 'bps': 20000}", "amount=9223372036854775807" },
		{ "commission.cap", "{'amount': 448, 'cap': 400}", "amount=400" },
		{ "commission.cap", "{'amount': 448}", "amount=448" },
		{ "commission.estimate", "{'price': 2990, 'bps': 1500}", "amount=448" }, /* 448.5 */
		{ "commission.estimate", "{'price': 7900, 'bps': 1000}", "amount=790" },
		{ "commission.estimate", "{'price': 990, 'bps': 2200}", "amount=218" }, /* 217.8 */
		{ "commission.estimate", "{'price': 5, 'bps': 3000}", "amount=2" },	/* 1.5 */
		{ "refund.admit", "{'amount': 101, 'remaining': 100}", "refused: more than remains of the order" },
		{ "settle.due", "{'received_at': 1}", "due_at=604800001" },
		{ "settle.due", "{'received_at': 1, 'wait_ms': 1}", "due_at=2" },
		{ "settle.clawback", "{'settled_at': 10, 'refunded_at': 20, 'window_ms': 10}", "claw_back=true" },
		{ "settle.clawback", "{'settled_at': 10, 'refunded_at': 21, 'window_ms': 10}", "claw_back=false" },
		{ "payout.admit", "{'amount': 100, 'balance': 100}", "refusal=\"\"" },
		{ "payout.admit", "{'amount': 101, 'balance': 100}", "refused: more than the balance" },
		{ "notify", "{'to': 'c1', 'kind': 'plan.ended', 'body': {'plan': 'p'}}",
		  "to=\"c1\" kind=\"plan.ended\" body={\"plan\":\"p\"}" },
		{ "webhook", "{'to': 'erp'}", "to=\"erp\" kind=\"webhook\" body={}" },
		{ "sample.request", "{'to': 'm1'}", "to=\"m1\" kind=\"sample.request\" body={}" },
	};
	bool asked[TRIB_CAPABILITIES] = { 0 };
	char found[512], by[512];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		run(NULL, rows[i].name, rows[i].input, found, sizeof(found), by, sizeof(by));
		if (strcmp(found, rows[i].expected) != 0)
			fail_msg("%s of %s\ngives    %s\nexpected %s", rows[i].name, rows[i].input, found, rows[i].expected);
		assert_string_equal(by, "default");
		asked[trib_capability_find(trib_bytes_text(rows[i].name))] = true;
	}
	for (int id = 0; id < TRIB_CAPABILITIES; id++)
		if (!asked[id])
			fail_msg("no row asks for %s", trib_capability_row((enum trib_capability)id)->name);
}

/* ---- Plays ---------------------------------------------------------------------------------------- */

static trib_status read_play(const char *name, const char *parent, const char *capabilities, const char *hooks,
			     struct trib_play **ret_play, struct trib_error *error)
{
	char text[4096];
	struct trib_play_file files[] = {
		{ trib_bytes_text("play.yaml"), { 0 } },
		{ trib_bytes_text("hooks.lua"), trib_bytes_text(hooks ? hooks : "") },
	};

	snprintf(text, sizeof(text), "name: %s\nwhen: 'true'\n%s%s%s%s", name, parent ? "parent: " : "", parent ? parent : "",
		 parent ? "\n" : "", capabilities);
	files[0].text = trib_bytes_text(text);
	return trib_play_new(files, hooks ? 2 : 1, &trees, ret_play, error);
}

static void add(struct trib_plays *plays, const char *name, const char *parent, const char *capabilities, const char *hooks)
{
	struct trib_play *play;
	struct trib_error error;

	assert_ok(read_play(name, parent, capabilities, hooks, &play, &error), error);
	assert_ok(trib_plays_add(plays, play, &error), error);
}

static void test_refused(void **state)
{
	static const struct {
		const char *capabilities, *expected;
	} rows[] = {
		{ "capabilities: []\n", "play.yaml:3: capabilities: found an array, expected an object" },
		{ "capabilities:\n  plan.valid:\n    - cel: \"''\"\n", "play.yaml:4: capabilities.plan.valid: found no capability of that name" },
		{ "capabilities:\n  plan.validate: []\n", "play.yaml:4: capabilities.plan.validate: " },
		{ "capabilities:\n  plan.validate:\n    - {lua: a, cel: b}\n", "play.yaml:4: capabilities.plan.validate: " },
		{ "capabilities:\n  plan.validate:\n    - {use: other}\n", "play.yaml:4: capabilities.plan.validate: " },
		{ "capabilities:\n  plan.validate:\n    - use: default\n    - cel: plan.\n",
		  "play.yaml:6: capabilities.plan.validate[1].cel:1:6: " },
		{ "capabilities:\n  plan.validate:\n    - cel: goods.x\n",
		  "play.yaml:5: capabilities.plan.validate[0].cel:1:1: " },
		{ "capabilities:\n  plan.price:\n    - cel: \"'a'\"\n",
		  "play.yaml:5: capabilities.plan.price[0].cel: found string, expected int" },
		{ "capabilities:\n  plan.price:\n    - {when: now, use: pass}\n",
		  "play.yaml:5: capabilities.plan.price[0].when: found int, expected bool" },
		{ "capabilities:\n  order.judge:\n    - use: default\n    - lua: judge\n",
		  "play.yaml:6: capabilities.order.judge[1].lua: found a script on the way of orders, expected cel or use" },
		{ "capabilities:\n  link.convert: {chain: true, of: [{lua: f}]}\n",
		  "play.yaml:4: capabilities.link.convert[0].lua: found a script on the way of orders" },
	};
	char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_play *play = NULL;
		struct trib_error error = { 0 };

		if (read_play("p", NULL, rows[i].capabilities, NULL, &play, &error) == TRIB_OK)
			fail_msg("row %zu is taken", i);
		snprintf(found, sizeof(found), "%s: %s", error.at, error.text);
		if (strncmp(found, rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("row %zu\ngives    %s\nexpected %s", i, found, rows[i].expected);
	}
}

/* A function that neither the play nor a parent has is found missing when plays are linked. */
static void test_functions_are_there(void **state)
{
	struct trib_plays *plays = trib_plays_new();
	struct trib_error error;

	add(plays, "parent", NULL, "", "function f() end\n");
	add(plays, "good", "parent", "capabilities:\n  plan.validate: [{lua: f}]\n", NULL);
	assert_ok(trib_plays_link(plays, &error), error);
	add(plays, "bad", "parent", "capabilities:\n  plan.validate: [{lua: f}, {lua: g}]\n", NULL);
	assert_int_equal(trib_plays_link(plays, &error), TRIB_NOT_FOUND);
	assert_string_equal(error.at, "bad/play.yaml:5: capabilities.plan.validate[1].lua");
	assert_string_equal(error.text, "found no function \"g\" in hooks.lua");
	trib_plays_free(plays);
}

static void test_overrides(void **state)
{
	static const struct {
		const char *play, *name, *input, *expected, *by;
	} rows[] = {
		{ "a", "plan.validate", "{'plan': {'kind': 'targeted', 'fee': 0}}", "refused: hooks.lua: no fee", "a/play.yaml:5 lua fee" },
		{ "a", "plan.validate", "{'plan': {'kind': 'targeted', 'fee': 1}}", "refusal=\"\"", "a/play.yaml:5 lua fee" },
		/* the second of the list, by its condition; an error of a condition is no yes */
		{ "a", "plan.validate", "{'plan': {'rate': 6000}}", "refused: too high", "a/play.yaml:6 cel" },
		{ "a", "plan.validate", "{'plan': {}}", "refusal=\"\"", "default" },
		{ "a", "plan.price", "{'commission_bps': 1000}", "commission_bps=2200", "a/play.yaml:8 cel, a/play.yaml:8 cel" },
		{ "a", "managed.move", "{'commission_bps': 1000, 'max_bps': 9000, 'goal': 5}", "commission_bps=1000 reason=\"by hand\"",
		  "a/play.yaml:9 cel" },
		{ "a", "plan.risk", "{}", "invalid: cel:1:5: no such key: 'x'", "a/play.yaml:10 cel" },
		{ "a", "plan.bounds", "{'commission_bps': 1}", "refusal=\"\"", "a/play.yaml:11 use pass" },
		{ "a", "plan.approve", "{'status': 'active'}", "invalid: status: found a value of type int, expected another",
		  "a/play.yaml:12 lua seven" },
		{ "a", "plan.budget", "{}", "limit: hooks.lua:3: the script ran out of instructions", "a/play.yaml:13 lua loop" },
		{ "a", "plan.end", "{}", "limit: hooks.lua: the script ran out of memory", "a/play.yaml:14 lua eat" },
		/* the child asks its parent, then its own in the chain */
		{ "b", "plan.price", "{'commission_bps': 1000}", "commission_bps=2201",
		  "a/play.yaml:8 cel, a/play.yaml:8 cel, b/play.yaml:5 cel" },
		{ "b", "plan.service", "{'service_bps': 7}", "service_bps=7", "b/play.yaml:6 use default" },
		{ "b", "plan.validate", "{'plan': {'kind': 'targeted', 'fee': 0}}", "refused: hooks.lua: the child says no",
		  "a/play.yaml:5 lua fee" },
		/* nothing of the child's holds: its parent's, then the default */
		{ "b", "plan.risk", "{}", "invalid: cel:1:5: no such key: 'x'", "a/play.yaml:10 cel" },
		{ "b", "plan.risk", "{'commission_bps': 5}", "level=5", "b/play.yaml:7 cel" },
		{ "b", "goods.admit", "{'goods': {'status': 'closed'}}", "refused: the goods are not active", "default" },
	};
	struct trib_plays *plays = trib_plays_new();
	struct trib_error error;
	char found[512], by[512];

	add(plays, "a", NULL,
	    "capabilities:\n"
	    "  plan.validate:\n"
	    "    - {when: plan.kind == 'targeted', lua: fee}\n"
	    "    - {when: plan.rate > 5000, cel: \"'too high'\"}\n"
	    "  plan.price:\n"
	    "    {chain: true, of: [{cel: commission_bps + 100}, {when: 'false', cel: '0'}, {cel: commission_bps * 2}]}\n"
	    "  managed.move: [{cel: '{\"reason\": \"by hand\"}'}]\n"
	    "  plan.risk: [{cel: old.x}]\n"
	    "  plan.bounds: [{use: pass}]\n"
	    "  plan.approve: [{lua: seven}]\n"
	    "  plan.budget: [{lua: loop}]\n"
	    "  plan.end: [{lua: eat}]\n",
	    "function fee(x) if x.plan.fee < 1 then return nil, 'no fee' end end\n"
	    "function seven() return 7 end\n"
	    "function loop() while true do end end\n"
	    "function eat() local t = '' for i = 1, 99 do t = t .. i .. t end end\n");
	add(plays, "b", "a",
	    "capabilities:\n"
	    "  plan.price: {chain: true, of: [{use: parent}, {cel: commission_bps + 1}]}\n"
	    "  plan.service: [{when: 'true', use: default}]\n"
	    "  plan.risk: [{when: has(commission_bps), cel: commission_bps}]\n",
	    "function fee() return nil, 'the child says no' end\n");
	assert_ok(trib_plays_link(plays, &error), error);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		run(trib_plays_find(plays, rows[i].play), rows[i].name, rows[i].input, found, sizeof(found), by, sizeof(by));
		if (strcmp(found, rows[i].expected) != 0 || strcmp(by, rows[i].by) != 0)
			fail_msg("row %zu\ngives    %s by %s\nexpected %s by %s", i, found, by, rows[i].expected, rows[i].by);
	}
	trib_plays_free(plays);
}

static void test_map(void **state)
{
	struct trib_plays *plays = trib_plays_new();
	const struct trib_json *json, *item;
	struct trib_buffer text;
	struct trib_arena arena;
	struct trib_error error;

	trib_arena_init(&arena, 64 << 20);
	trib_buffer_init(&text, 1 << 20);
	add(plays, "a", NULL, "capabilities:\n  plan.price: [{when: now > 0, cel: '1'}]\n", NULL);
	add(plays, "b", "a", "", NULL);
	assert_ok(trib_plays_link(plays, &error), error);
	trib_capabilities_write(plays, &text);
	assert_ok(trib_json_parse(trib_buffer_bytes(&text), 9, &arena, &json, &error), error);
	item = trib_json_member(json, "items");
	assert_int_equal(item->count, TRIB_CAPABILITIES);
	for (item = item->first; !trib_bytes_is(trib_json_member(item, "capability")->text, "plan.price"); item = item->next)
		;
	trib_buffer_reset(&text);
	trib_json_add(&text, item, &arena);
	assert_string_equal(
		trib_buffer_text(&text),
		"{\"capability\":\"plan.price\",\"flows\":[\"plan.put\"],\"implementations\":[{\"chain\":false,\"kind\":\"cel\",\"line\":4,"
		"\"play\":\"a\",\"text\":\"1\",\"when\":\"now > 0\"}],\"inputs\":{\"commission_bps\":\"int\",\"now\":\"int\",\"old\":"
		"\"map(string, dyn)\",\"plan\":\"map(string, dyn)\"},\"outputs\":{\"commission_bps\":\"int\"},\"path\":\"control\","
		"\"plays\":[\"b\",\"a\"],\"served\":true,\"what\":\"price the commission: by default what the plan says\"}");
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
	trib_plays_free(plays);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	  cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_refused),	  cmocka_unit_test(test_functions_are_there),
		cmocka_unit_test(test_overrides), cmocka_unit_test(test_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
