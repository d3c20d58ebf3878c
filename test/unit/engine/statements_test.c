/* Statements through an engine: across checkpoints, kills and restarts, page by page, as JSON and as CSV. */
#include "unit/engine/world.h"

#include <jansson.h>

static json_t *ask(struct trib_call *call)
{
	json_error_t fault;

	call->kind = TRIB_CALL_STATEMENT;
	world_call(call);
	assert_ok(call->status, call->error);
	json_t *json = json_loadb(call->reply.data, call->reply.size, 0, &fault);

	if (!json)
		fail_msg("%s: %s", fault.text, trib_buffer_text(&call->reply));
	trib_buffer_fini(&call->reply);
	return json;
}

static json_int_t number(const json_t *json, const char *key)
{
	assert_true(json_is_integer(json_object_get(json, key)));
	return json_integer_value(json_object_get(json, key));
}

static const char *text(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

/* --- Two leaders ---------------------------------------------------------------------------------------- */

static void two_leaders(void)
{
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"roles\":[\"merchant\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"l1\",\"roles\":[\"leader\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"l2\",\"roles\":[\"leader\"]}");
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"]}");
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1999}");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"a1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"activity\",\"terms\":{"
				  "\"commission_bps\":2000,\"service_bps\":300,\"service2_bps\":4000,\"leader\":\"l1\","
				  "\"leader2\":\"l2\"}}");
	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\",\"scene\":\"live\"}");
	world_rules("live",
		    "{\"scene\":\"live\",\"root\":{\"id\":\"root\",\"window\":\"30d\",\"match\":\"goods\",\"shares\":["
		    "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"},"
		    "{\"name\":\"service\",\"to\":\"leader\",\"from\":\"merchant\",\"bps\":\"terms.service_bps\"},"
		    "{\"name\":\"service2\",\"to\":\"leader2\",\"from\":\"leader\",\"of\":\"service\",\"bps\":\"terms.service2_bps\"},"
		    "{\"name\":\"subsidy\",\"to\":\"creator\",\"from\":\"platform\",\"bps\":50},"
		    "{\"name\":\"tax\",\"to\":\"platform\",\"from\":\"creator\",\"of\":\"commission\",\"bps\":100}]}}");
}

static void each_leader_sees_income_and_expense(void **state)
{
	two_leaders();
	const struct trib_link_request link = { .channel = trib_bytes_text("app"), .creator = trib_bytes_text("c1"),
						.goods = trib_bytes_text("g1"), .offer = trib_bytes_text("a1") };
	char token[128];
	size_t size;
	enum trib_outcome outcome;
	struct trib_error error;

	assert_ok(trib_engine_link(world.engine, &link, token, &size, &outcome, &error), error);
	token[size] = '\0';
	assert_int_equal(world_order("o1", "u1", "g1", 10000, token).outcome, TRIB_OUTCOME_ATTRIBUTED);
	trib_engine_settle(world.engine);

	struct trib_call first = { .party = trib_bytes_text("l1") };
	json_t *statement = ask(&first), *entries = json_object_get(statement, "entries"), *entry;

	assert_int_equal(json_array_size(entries), 2);
	entry = json_array_get(entries, 0);
	assert_string_equal(text(entry, "line"), "service");
	assert_string_equal(text(entry, "order"), "o1");
	assert_string_equal(text(entry, "kind"), "payable");
	assert_string_equal(text(entry, "stage"), "pending");
	assert_string_equal(text(entry, "counterparty"), "m1");
	assert_int_equal(number(entry, "credit"), 300);
	assert_int_equal(number(entry, "debit"), 0);
	assert_int_equal(number(entry, "at"), WORLD_START_MS);
	entry = json_array_get(entries, 1);
	assert_string_equal(text(entry, "line_kind"), "service2");
	assert_string_equal(text(entry, "counterparty_role"), "leader2");
	assert_int_equal(number(entry, "debit"), 120);
	entry = json_array_get(json_object_get(statement, "accounts"), 0);
	assert_int_equal(number(entry, "opening"), 0);
	assert_int_equal(number(entry, "closing"), 180);
	json_decref(statement);

	struct trib_call platform = { .party = trib_bytes_text("platform"), .kind_word = trib_bytes_text("subsidy") };

	statement = ask(&platform);
	entry = json_array_get(json_object_get(statement, "accounts"), 0);
	assert_string_equal(text(entry, "kind"), "subsidy");
	assert_int_equal(number(entry, "closing"), -50);
	assert_int_equal(json_array_size(json_object_get(statement, "accounts")), 1);
	json_decref(statement);
	platform.kind_word = trib_bytes_text("tax");
	statement = ask(&platform);
	assert_int_equal(number(json_array_get(json_object_get(statement, "accounts"), 0), "closing"), 20);
	json_decref(statement);
}

static void csv_has_the_same_rows(void **state)
{
	char token[128];
	enum trib_outcome outcome;

	world_market();
	assert_int_equal(world_link("c1", "g1", token, &outcome), TRIB_OK);
	world_order("a,b", "u1", "g1", 10000, token);
	world_pass(1000);
	world_order("o2", "u1", "g1", 20000, token);
	trib_engine_settle(world.engine);
	struct trib_call call = { .kind = TRIB_CALL_STATEMENT, .party = trib_bytes_text("c1"),
				  .format = trib_bytes_text("csv"), .from_ms = WORLD_START_MS + 1,
				  .to_ms = WORLD_START_MS + 2000, .has_to = true };

	world_call(&call);
	assert_ok(call.status, call.error);
	assert_string_equal(call.content_type, "text/csv; charset=utf-8; header=present");
	assert_string_equal(call.next_cursor, "");
	char *last = strrchr(trib_buffer_text(&call.reply), ',');

	assert_non_null(last);
	/* The position differs from build to build: cut it out. */
	char *position = strstr(trib_buffer_text(&call.reply), ",merchant,");

	assert_non_null(position);
	position += strlen(",merchant,");
	memmove(position, position + strspn(position, "0123456789"), strlen(position + strspn(position, "0123456789")) + 1);
	assert_string_equal(
		trib_buffer_text(&call.reply),
		"type,posted_at,order,line,line_kind,party,role,currency,account,stage,debit,credit,balance,counterparty,"
		"counterparty_role,position,event_at\r\n"
		"opening,2026-09-21T14:13:20.001Z,,,,c1,creator,CNY,payable,pending,,,1000,,,,\r\n"
		"entry,2026-09-21T14:13:21.000Z,o2,commission,commission,c1,creator,CNY,payable,pending,,2000,,m1,merchant,,2026-09-21T14:13:21.000Z\r\n"
		"closing,2026-09-21T14:13:22.000Z,,,,c1,creator,CNY,payable,pending,,,3000,,,,\r\n");
	trib_buffer_fini(&call.reply);
	call = (struct trib_call){ .kind = TRIB_CALL_STATEMENT, .party = trib_bytes_text("c1"),
				   .format = trib_bytes_text("csv"), .language = trib_bytes_text("zh") };
	world_call(&call);
	assert_non_null(strstr(trib_buffer_text(&call.reply), "类型,记账时间,订单"));
	assert_non_null(strstr(trib_buffer_text(&call.reply), ",\"a,b\",commission,佣金,c1,creator,CNY,应付,预估,,1000,,m1,merchant,"));
	trib_buffer_fini(&call.reply);
}

static void questions_that_cannot_be_answered_are_refused_by_place(void **state)
{
	static const struct {
		const char *party, *kind, *stage, *format, *language, *cursor, *at;
		trib_status status;
	} rows[] = {
		{ "", "", "", "", "", "", "party", TRIB_INVALID },
		{ "nobody", "", "", "", "", "", "party", TRIB_NOT_FOUND },
		{ "c1", "money", "", "", "", "", "kind", TRIB_INVALID },
		{ "c1", "", "done", "", "", "", "stage", TRIB_INVALID },
		{ "c1", "", "", "xml", "", "", "format", TRIB_INVALID },
		{ "c1", "", "", "csv", "fr", "", "lang", TRIB_INVALID },
		{ "c1", "", "", "", "", "12", "cursor", TRIB_INVALID },
		{ "c1", "", "", "", "", "1.4294967296", "cursor", TRIB_INVALID },
	};

	world_market();
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_call call = { .kind = TRIB_CALL_STATEMENT, .party = trib_bytes_text(rows[i].party),
					  .kind_word = trib_bytes_text(rows[i].kind),
					  .stage = trib_bytes_text(rows[i].stage),
					  .format = trib_bytes_text(rows[i].format),
					  .language = trib_bytes_text(rows[i].language),
					  .cursor = trib_bytes_text(rows[i].cursor) };

		world_call(&call);
		assert_int_equal(call.status, rows[i].status);
		assert_string_equal(call.error.at, rows[i].at);
		trib_buffer_fini(&call.reply);
	}
	struct trib_call backwards = { .kind = TRIB_CALL_STATEMENT, .party = trib_bytes_text("c1"), .from_ms = 10,
				       .to_ms = 9, .has_to = true };

	world_call(&backwards);
	assert_int_equal(backwards.status, TRIB_INVALID);
	assert_string_equal(backwards.error.at, "to");
	trib_buffer_fini(&backwards.reply);
}

/* --- Any time, any checkpoint ----------------------------------------------------------------------------- */

enum { ORDERS = 300 };

static struct {
	int64_t at_ms[ORDERS], amount[ORDERS]; /* commission of c1 */
	size_t n;
} told;

static void check_period(struct trib_rng *rng, int64_t from_ms, int64_t to_ms)
{
	struct trib_call call = { .party = trib_bytes_text("c1"), .role = trib_bytes_text("creator"),
				  .from_ms = from_ms, .to_ms = to_ms, .has_to = true,
				  .limit = 1 + (uint32_t)trib_rng_below(rng, 40) };
	json_int_t opening = 0, closing = 0, sum = 0;
	size_t expected = 0, seen = 0;
	char cursor[64] = "";

	for (size_t i = 0; i < told.n; i++) {
		opening += told.at_ms[i] < from_ms ? told.amount[i] : 0;
		closing += told.at_ms[i] < to_ms ? told.amount[i] : 0;
		expected += told.at_ms[i] >= from_ms && told.at_ms[i] < to_ms;
	}
	for (bool more = true; more;) {
		call.cursor = trib_bytes_text(cursor);
		json_t *page = ask(&call), *accounts = json_object_get(page, "accounts");
		json_t *entries = json_object_get(page, "entries");

		if (opening || closing) {
			assert_int_equal(json_array_size(accounts), 1);
			assert_int_equal(number(json_array_get(accounts, 0), "opening"), opening);
			assert_int_equal(number(json_array_get(accounts, 0), "closing"), closing);
		}
		for (size_t i = 0; i < json_array_size(entries); i++, seen++)
			sum += number(json_array_get(entries, i), "credit");
		more = json_is_string(json_object_get(page, "next_cursor"));
		snprintf(cursor, sizeof(cursor), "%s", more ? text(page, "next_cursor") : "");
		json_decref(page);
	}
	assert_int_equal(seen, expected);
	assert_int_equal(opening + sum, closing);
}

static void checkpoint_now(void)
{
	trib_engine_settle(world.engine);
	trib_engine_checkpoint(world.engine);
	for (int i = 0; i < 50; i++) {
		trib_engine_turn(world.engine);
		trib_engine_settle(world.engine);
	}
}

static void statements_hold_across_checkpoints_and_kills(void **state)
{
	struct trib_rng rng;
	char id[16];
	int n = 0;

	trib_rng_seed(&rng, trib_test_seed());
	told.n = 0;
	world_market();
	while (told.n < ORDERS) {
		uint64_t what = trib_rng_below(&rng, 100);
		int64_t base = trib_rng_between(&rng, 1, 10000) * 10;

		if (what < 8)
			checkpoint_now();
		else if (what < 11)
			world_crash();
		else if (what < 13)
			world_restart();
		else if (what < 60)
			world_pass((int64_t)trib_rng_below(&rng, 3) * 1000);
		if (what < 20 && told.n)
			check_period(&rng, WORLD_START_MS + trib_rng_between(&rng, -10, 300) * 1000,
				     WORLD_START_MS + trib_rng_between(&rng, 300, 400) * 1000);
		trib_engine_settle(world.engine);
		snprintf(id, sizeof(id), "o%d", n++);
		/* Some are of another creator. */
		bool mine = trib_rng_chance(&rng, 0.7);

		assert_int_equal(world_order(id, "u1", "g1", base, world_token(mine ? "c1" : "c2", "g1")).outcome,
				 TRIB_OUTCOME_ATTRIBUTED);
		if (mine) {
			told.at_ms[told.n] = world.clock.ms;
			told.amount[told.n++] = base / 10;
		}
	}
	trib_engine_settle(world.engine);
	for (int i = 0; i < 30; i++) {
		int64_t from_ms = WORLD_START_MS + trib_rng_between(&rng, -1, 400) * 1000;

		check_period(&rng, from_ms, from_ms + trib_rng_between(&rng, 0, 400) * 1000);
		if (i == 10)
			world_crash();
		if (i == 20)
			world_restart();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_leader_sees_income_and_expense, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(csv_has_the_same_rows, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(questions_that_cannot_be_answered_are_refused_by_place, world_setup,
						world_teardown),
		cmocka_unit_test_setup_teardown(statements_hold_across_checkpoints_and_kills, world_setup,
						world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
