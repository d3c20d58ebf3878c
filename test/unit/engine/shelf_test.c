/* Shelves in a real engine: what is put on them, what a page shows of it later, and what outlives a crash. */
#include "test.h"

#include "world.h"

struct answer {
	trib_status status;
	int http_status;
	const char *code;
	char at[64], text[1 << 14];
	uint64_t position;
};

static struct answer run(enum trib_call_kind kind, const char *creator, const char *shelf, const char *json,
			 const char *cursor, uint32_t limit)
{
	struct trib_call call = { .kind = kind, .name = trib_bytes_text(creator), .node = trib_bytes_text(shelf),
				  .cursor = trib_bytes_text(cursor), .limit = limit };
	struct answer answer = { 0 };
	struct trib_arena arena;
	struct trib_error error;
	ProtobufCMessage *message = NULL;

	trib_arena_init(&arena, 1 << 24);
	answer.status = !json ? TRIB_OK :
				trib_proto_from_json(kind == TRIB_CALL_SHELF_PUT ? &tributary__shelf__descriptor :
										   &tributary__shelf_change__descriptor,
						     trib_bytes_text(json), &arena, &message, &error);
	if (answer.status != TRIB_OK) {
		snprintf(answer.at, sizeof(answer.at), "%s", error.at);
	} else {
		call.body = message;
		world_call(&call);
		answer.status = call.status;
		answer.http_status = call.http_status;
		answer.code = call.code;
		answer.position = call.position;
		if (call.status == TRIB_OK)
			snprintf(answer.text, sizeof(answer.text), "%.*s", TRIB_BYTES_ARG(trib_buffer_bytes(&call.reply)));
		else
			snprintf(answer.at, sizeof(answer.at), "%s", call.error.at);
		trib_buffer_fini(&call.reply);
	}
	trib_arena_fini(&arena);
	return answer;
}

static void change(const char *json, const char *expected)
{
	struct answer answer = run(TRIB_CALL_SHELF_CHANGE, "c1", "showcase", json, "", 0);

	assert_string_equal(answer.at, "");
	*strstr(answer.text, ",\"position\"") = '\0';
	assert_string_equal(strstr(answer.text, "\"version\""), expected);
}

/* "g1 g3 …": the goods of a page, those that cannot be sold in brackets with the reason. */
static const char *page(const char *creator, const char *shelf, const char *cursor, uint32_t limit)
{
	static char text[1024];
	const struct trib_shelf_page_request request = { .creator = trib_bytes_text(creator), .kind = trib_bytes_text(shelf),
							 .cursor = trib_bytes_text(cursor), .limit = limit };
	const struct trib_shelf_page *got;
	struct trib_error error;
	trib_status status = trib_engine_shelf(world.engine, &request, &got, &error);
	size_t size = 0;

	assert_ok(status, error);
	text[0] = '\0';
	for (uint32_t i = 0; i < got->n_rows; i++) {
		const struct trib_shelf_row *row = &got->rows[i];

		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%.*s%s%.*s%s", i ? " " : "",
					 TRIB_BYTES_ARG(row->goods), row->reason.size ? row->valid ? "(" : "[" : "",
					 TRIB_BYTES_ARG(row->reason), row->reason.size ? row->valid ? ")" : "]" : "");
		if (row->pays)
			size += (size_t)snprintf(text + size, sizeof(text) - size, ":%.*s@%u:%d", TRIB_BYTES_ARG(row->plan),
						 row->terms.plan_version, row->terms.commission_bps);
		if (row->leader.size)
			size += (size_t)snprintf(text + size, sizeof(text) - size, ":%.*s", TRIB_BYTES_ARG(row->leader));
		if (row->ask)
			size += (size_t)snprintf(text + size, sizeof(text) - size, "?");
	}
	if (got->next)
		snprintf(text + size, sizeof(text) - size, " ->%u", got->next);
	return text;
}

static const char *showcase(void)
{
	return page("c1", "showcase", "", 0);
}

static uint64_t shelves_of(const char *goods)
{
	struct trib_error error;
	uint64_t count = 0;
	trib_status status = trib_engine_shelves_of(world.engine, trib_bytes_text(goods), &count, &error);

	assert_ok(status, error);
	return count;
}

/* a1: leader l1's activity on g1 at 15 %, service 3 %. */
static int setup(void **state)
{
	if (world_setup(state) != 0)
		return -1;
	world_market();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"a1\",\"merchant\":\"m1\",\"kind\":\"activity\",\"goods\":[\"g1\"],"
				  "\"terms\":{\"commission_bps\":1500,\"service_bps\":300,\"leader\":\"l1\"}}");
	return 0;
}

static void lists_orders_groups_and_removes(void **state)
{
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p2\",\"merchant\":\"m1\",\"goods\":[\"g2\"],\"terms\":{\"commission_bps\":500}}");
	assert_string_equal(showcase(), "");
	change("{\"list\":[{\"goods\":\"g1\"},{\"goods\":\"g3\"}]}", "\"version\":1,\"total\":2,\"added\":2,\"removed\":0");
	assert_string_equal(showcase(), "g1:p1@1:1000 g3:p3@1:2000");
	change("{\"list\":[{\"goods\":\"g2\",\"place\":0,\"group\":\"new\"}]}",
	       "\"version\":2,\"total\":3,\"added\":1,\"removed\":0");
	assert_string_equal(showcase(), "g2:p2@1:500 g1:p1@1:1000 g3:p3@1:2000");
	change("{\"list\":[{\"goods\":\"g1\",\"place\":0}]}", "\"version\":3,\"total\":3,\"added\":0,\"removed\":0");
	change("{\"order\":[\"g3\",\"g2\"]}", "\"version\":4,\"total\":3,\"added\":0,\"removed\":0");
	assert_string_equal(showcase(), "g3:p3@1:2000 g2:p2@1:500 g1:p1@1:1000");
	assert_string_equal(page("c1", "showcase", "", 2), "g3:p3@1:2000 g2:p2@1:500 ->2");
	assert_string_equal(page("c1", "showcase", "2", 2), "g1:p1@1:1000");
	assert_string_equal(page("c1", "showcase", "9", 2), "");
	/* Nothing changes: no version, no event. */
	change("{\"order\":[\"g3\"],\"remove\":[\"g9\"]}", "\"version\":4,\"total\":3,\"added\":0,\"removed\":0");
	change("{\"remove\":[\"g3\"],\"list\":[{\"goods\":\"g3\"}]}", "\"version\":5,\"total\":3,\"added\":0,\"removed\":0");
	assert_int_equal(shelves_of("g3"), 1);
	change("{\"remove\":[\"g2\",\"g9\"]}", "\"version\":6,\"total\":2,\"added\":0,\"removed\":1");
	assert_int_equal(shelves_of("g2"), 0);
	change("{\"clear\":true}", "\"version\":7,\"total\":0,\"added\":0,\"removed\":2");
	assert_string_equal(showcase(), "");
	assert_int_equal(shelves_of("g1"), 0);
}

static void shows_what_there_is_to_say(void **state)
{
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"title\":\"Lip \\\"gloss\\\" \xe5\x94\x87\",\"merchant\":\"m1\",\"price\":2990,"
				   "\"site\":\"own\",\"stock\":7}");
	struct answer put = run(TRIB_CALL_SHELF_PUT, "c1", "live_cart",
				"{\"groups\":[\"first\"],\"policy\":\"ask\",\"entries\":[{\"goods\":\"g3\",\"policy\":\"invalid\"},"
				"{\"goods\":\"g1\",\"offer\":\"a1\",\"group\":\"first\"}]}", "", 0);

	assert_string_equal(put.at, "");
	assert_int_equal(put.http_status, 201);
	assert_string_equal(
		run(TRIB_CALL_SHELF, "c1", "live_cart", NULL, "", 0).text,
		"{\"creator\":\"c1\",\"kind\":\"live_cart\",\"version\":1,\"total\":2,\"policy\":\"ask\",\"groups\":[\"first\"],\"items\":["
		"{\"place\":0,\"goods\":\"g3\",\"price\":700,\"currency\":\"BRL\",\"status\":\"active\",\"policy\":\"invalid\",\"valid\":true,"
		"\"plan\":\"p3@1\",\"kind\":\"general\",\"commission_bps\":2000,\"earn\":140},"
		"{\"place\":1,\"goods\":\"g1\",\"title\":\"Lip \\\"gloss\\\" \xe5\x94\x87\",\"site\":\"own\",\"price\":2990,\"currency\":\"CNY\","
		"\"status\":\"active\",\"stock\":7,\"group\":\"first\",\"offer\":\"a1\",\"valid\":true,\"plan\":\"a1@1\",\"kind\":\"activity\","
		"\"commission_bps\":1500,\"leader\":\"l1\",\"earn\":448}],\"next_cursor\":null}");
	assert_string_equal(run(TRIB_CALL_SHELF, "c2", "showcase", NULL, "", 0).text,
			    "{\"creator\":\"c2\",\"kind\":\"showcase\",\"version\":0,\"total\":0,\"policy\":\"fall_back\",\"groups\":[],"
			    "\"items\":[],\"next_cursor\":null}");
}

/* Each row is done after those before it; the entry names a1 and has the policy. */
static void follows_what_becomes_of_an_offer(void **state)
{
	static const struct {
		enum trib_noun noun;
		const char *put, *fall_back, *invalid, *ask;
	} rows[] = {
		{ TRIB_NOUN_PARTY, "{\"id\":\"x1\"}", "g1:a1@1:1500:l1", "g1:a1@1:1500:l1", "g1:a1@1:1500:l1" },
		/* a general plan that pays more has the rate, never the leader's chair */
		{ TRIB_NOUN_PLAN,
		  "{\"id\":\"a1\",\"merchant\":\"m1\",\"kind\":\"activity\",\"goods\":[\"g1\"],\"status\":\"paused\","
		  "\"terms\":{\"commission_bps\":1500,\"leader\":\"l1\"}}",
		  "g1(plan_paused):p1@1:1000", "g1[plan_paused]", "g1[plan_paused]?" },
		{ TRIB_NOUN_PLAN,
		  "{\"id\":\"a1\",\"merchant\":\"m1\",\"kind\":\"activity\",\"goods\":[\"g1\"],\"status\":\"ended\","
		  "\"terms\":{\"commission_bps\":1500,\"leader\":\"l1\"}}",
		  "g1(plan_ended):p1@1:1000", "g1[plan_ended]", "g1[plan_ended]?" },
		{ TRIB_NOUN_PLAN,
		  "{\"id\":\"a1\",\"merchant\":\"m1\",\"kind\":\"activity\",\"goods\":[\"g1\"],"
		  "\"terms\":{\"commission_bps\":1600,\"leader\":\"l1\"}}",
		  "g1:a1@4:1600:l1", "g1:a1@4:1600:l1", "g1:a1@4:1600:l1" },
		{ TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1999,\"stock\":0}",
		  "g1[out_of_stock]:a1@4:1600:l1", "g1[out_of_stock]:a1@4:1600:l1", "g1[out_of_stock]:a1@4:1600:l1" },
		{ TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1999,\"status\":\"withdrawn\"}",
		  "g1[goods_withdrawn]", "g1[goods_withdrawn]", "g1[goods_withdrawn]" },
		{ TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1999}", "g1:a1@4:1600:l1", "g1:a1@4:1600:l1",
		  "g1:a1@4:1600:l1" },
		{ TRIB_NOUN_PLAN,
		  "{\"id\":\"e1\",\"merchant\":\"m1\",\"kind\":\"exclusive\",\"goods\":[\"g1\"],\"creators\":[\"c2\"],"
		  "\"terms\":{\"commission_bps\":3000}}",
		  "g1[creator_not_allowed]", "g1[creator_not_allowed]", "g1[creator_not_allowed]" },
		{ TRIB_NOUN_PLAN,
		  "{\"id\":\"e1\",\"merchant\":\"m1\",\"kind\":\"exclusive\",\"goods\":[\"g1\"],\"creators\":[\"c2\",\"c1\"],"
		  "\"terms\":{\"commission_bps\":3000}}",
		  "g1:e1@2:3000:l1", "g1:e1@2:3000:l1", "g1:e1@2:3000:l1" },
		{ TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"status\":\"frozen\"}", "g1[party_frozen]",
		  "g1[party_frozen]", "g1[party_frozen]" },
	};
	static const char *const policies[] = { "fall_back", "invalid", "ask" };
	char json[256];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		world_put(rows[i].noun, rows[i].put);
		const char *const expected[] = { rows[i].fall_back, rows[i].invalid, rows[i].ask };

		for (size_t p = 0; p < TRIB_ARRAY_SIZE(policies); p++) {
			/* Stating again what stands there is allowed, whatever has become of it. */
			snprintf(json, sizeof(json), "{\"policy\":\"%s\",\"list\":[{\"goods\":\"g1\",\"offer\":\"a1\"}]}", policies[p]);
			assert_string_equal(run(TRIB_CALL_SHELF_CHANGE, "c1", "showcase", json, "", 0).at, "");
			assert_string_equal(showcase(), expected[p]);
		}
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *creator, *shelf, *json, *at, *code;
		trib_status status;
	} rows[] = {
		{ "c9", "showcase", "{}", "creator", NULL, TRIB_NOT_FOUND },
		{ "c1", "window", "{}", "kind", NULL, TRIB_INVALID },
		{ "c1", "showcase", "{\"list\":[{\"goods\":\"g1\"},{\"goods\":\"g9\"}]}", "list[1].goods", NULL, TRIB_NOT_FOUND },
		{ "c1", "showcase", "{\"list\":[{\"goods\":\"g1\",\"offer\":\"p9\"}]}", "list[0].offer", NULL, TRIB_NOT_FOUND },
		{ "c1", "showcase", "{\"list\":[{\"goods\":\"g2\"}]}", "list[0]", "no_plan", TRIB_REFUSED },
		{ "c1", "showcase", "{\"list\":[{\"goods\":\"g1\",\"offer\":\"p3\"}]}", "list[0]", "no_plan", TRIB_REFUSED },
		{ "c1", "showcase", "{\"order\":[\"g1\"]}", "order", NULL, TRIB_INVALID },
		{ "c1", "showcase", "{\"list\":[{\"goods\":\"g1\"}],\"order\":[\"g1\",\"g1\"]}", "order", NULL, TRIB_INVALID },
		{ "c1", "showcase", "{\"groups\":[\"a\",\"a\"]}", "groups", NULL, TRIB_INVALID },
		{ "c1", "showcase", "{\"groups\":[\"\"]}", "groups", NULL, TRIB_INVALID },
		{ "c1", "showcase", "{\"list\":[{\"goods\":\"g1\",\"policy\":\"none\"}]}", "list[0].policy", NULL, TRIB_INVALID },
		{ "c1", "showcase", "{\"list\":[{\"goods\":\"g1\",\"place\":1001}]}", "list[0].place", NULL, TRIB_INVALID },
		{ "c1", "showcase", "{\"list\":[{}]}", "list[0].goods", NULL, TRIB_INVALID },
		{ "c1", "showcase", "{\"terms\":{}}", "terms", NULL, TRIB_INVALID },
	};

	world_put(TRIB_NOUN_PARTY, "{\"id\":\"x1\"}");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct answer answer = run(TRIB_CALL_SHELF_CHANGE, rows[i].creator, rows[i].shelf, rows[i].json, "", 0);

		assert_string_equal(answer.at, rows[i].at);
		assert_int_equal(answer.status, rows[i].status);
		assert_string_equal(answer.code ? answer.code : "", rows[i].code ? rows[i].code : "");
	}
	assert_string_equal(run(TRIB_CALL_SHELF_PUT, "c1", "showcase", "{\"entries\":[{\"goods\":\"g1\"},{\"goods\":\"g1\"}]}", "", 0).at,
			    "entries[1].goods");
	assert_string_equal(run(TRIB_CALL_SHELF, "c1", "showcase", NULL, "x", 0).at, "cursor");
	assert_string_equal(run(TRIB_CALL_GOODS_SHELVES, "g9", "", NULL, "", 0).at, "goods");
	assert_string_equal(showcase(), "");
	assert_int_equal(shelves_of("g1"), 0);
}

/* One item on many shelves: a change of its plan is one event, and every shelf shows it at once. */
static void a_change_of_a_plan_is_one_event(void **state)
{
	enum { CREATORS = 200 };
	struct trib_engine_counts before, after;
	char json[64], id[16];

	for (int i = 0; i < CREATORS; i++) {
		snprintf(id, sizeof(id), "d%d", i);
		snprintf(json, sizeof(json), "{\"id\":\"%s\",\"roles\":[\"creator\"]}", id);
		world_put(TRIB_NOUN_PARTY, json);
		assert_string_equal(run(TRIB_CALL_SHELF_CHANGE, id, "showcase", "{\"list\":[{\"goods\":\"g1\"}]}", "", 0).at, "");
	}
	assert_int_equal(shelves_of("g1"), CREATORS);
	trib_engine_settle(world.engine);
	trib_engine_count(world.engine, &before);
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1200}}");
	trib_engine_settle(world.engine);
	trib_engine_count(world.engine, &after);
	assert_int_equal(after.journal.records - before.journal.records, 1);
	assert_true(after.position - before.position < 8192); /* addresses; a record begins on a block of its own */
	for (int i = 0; i < CREATORS; i++) {
		snprintf(id, sizeof(id), "d%d", i);
		assert_string_equal(page(id, "showcase", "", 0), "g1:p1@2:1200");
	}
}

static void outlives_restarts_and_crashes(void **state)
{
	static const char *const expected = "g3:p3@1:2000 g1:a1@1:1500:l1";

	change("{\"list\":[{\"goods\":\"g1\",\"offer\":\"a1\",\"group\":\"new\"},{\"goods\":\"g3\"}],\"policy\":\"ask\"}",
	       "\"version\":1,\"total\":2,\"added\":2,\"removed\":0");
	change("{\"order\":[\"g3\"]}", "\"version\":2,\"total\":2,\"added\":0,\"removed\":0");
	world_crash(); /* from the journal alone */
	assert_string_equal(showcase(), expected);
	assert_int_equal(shelves_of("g1"), 1);
	world_restart(); /* from the store */
	assert_string_equal(showcase(), expected);
	assert_int_equal(shelves_of("g3"), 1);
	change("{\"remove\":[\"g1\"]}", "\"version\":3,\"total\":1,\"added\":0,\"removed\":1");
	world_crash(); /* from both */
	assert_string_equal(showcase(), "g3:p3@1:2000");
	assert_int_equal(shelves_of("g1"), 0);
	change("{\"clear\":true}", "\"version\":4,\"total\":0,\"added\":0,\"removed\":1");
	world_restart();
	assert_string_equal(showcase(), "");
	change("{\"list\":[{\"goods\":\"g3\"}]}", "\"version\":5,\"total\":1,\"added\":1,\"removed\":0");
	assert_int_equal(shelves_of("g3"), 1);
}

/* --- Rounds ------------------------------------------------------------------------------------------- */

static int setup_outbox(void **state)
{
	struct trib_arena arena;
	struct trib_error error;
	ProtobufCMessage *message;
	struct trib_call call = { .kind = TRIB_CALL_WEBHOOK_PUT, .name = trib_bytes_text("w") };

	if (world_prepare() != 0)
		return -1;
	world.options.outbox_allow = "http://127.0.0.1:9000/";
	world_open();
	world_market();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"a1\",\"merchant\":\"m1\",\"kind\":\"activity\",\"goods\":[\"g1\"],"
				  "\"terms\":{\"commission_bps\":1500,\"leader\":\"l1\"}}");
	trib_arena_init(&arena, 1 << 20);
	trib_status status = trib_proto_from_json(&tributary__webhook__descriptor,
						  trib_bytes_text("{\"url\":\"http://127.0.0.1:9000/x\",\"kinds\":[\"shelf.*\"]}"), &arena,
						  &message, &error);

	assert_ok(status, error);
	((Tributary__Webhook *)message)->id = "w";
	call.body = message;
	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
	trib_arena_fini(&arena);
	return 0;
}

/* Time passes, and whole rounds with it; how many effects wait then. */
static uint64_t effects_after_rounds(void)
{
	struct trib_engine_counts counts;

	for (int i = 0; i < 20; i++) {
		world_pass(1000);
		trib_engine_turn(world.engine);
	}
	trib_engine_settle(world.engine);
	trib_engine_count(world.engine, &counts);
	return counts.outbox_pending;
}

static void plan_a1(const char *status)
{
	char json[256];

	snprintf(json, sizeof(json), "{\"id\":\"a1\",\"merchant\":\"m1\",\"kind\":\"activity\",\"goods\":[\"g1\"],\"status\":\"%s\","
				     "\"terms\":{\"commission_bps\":1500,\"leader\":\"l1\"}}", status);
	world_put(TRIB_NOUN_PLAN, json);
}

/* Each creator once for each end, wherever the shelf is: in memory, in the store, or after a crash. */
static void tells_creators_once(void **state)
{
	enum { CREATORS = 300 };
	char json[64], id[16];

	for (int i = 0; i < CREATORS; i++) {
		snprintf(id, sizeof(id), "d%d", i);
		snprintf(json, sizeof(json), "{\"id\":\"%s\",\"roles\":[\"creator\"]}", id);
		world_put(TRIB_NOUN_PARTY, json);
		assert_string_equal(run(TRIB_CALL_SHELF_CHANGE, id, "showcase",
					i % 3 ? "{\"list\":[{\"goods\":\"g1\"}]}" : "{\"list\":[{\"goods\":\"g3\"},{\"goods\":\"g1\",\"offer\":\"a1\"}]}",
					"", 0).at, "");
		if (i == CREATORS / 2)
			world_restart(); /* those before stand in the store */
	}
	assert_int_equal(effects_after_rounds(), 0);
	plan_a1("paused"); /* it may come back */
	assert_int_equal(effects_after_rounds(), 0);
	plan_a1("ended");
	assert_int_equal(effects_after_rounds(), CREATORS / 3);
	assert_string_equal(page("d3", "showcase", "", 0), "g3:p3@1:2000 g1(plan_ended):p1@1:1000");
	assert_int_equal(effects_after_rounds(), CREATORS / 3);
	assert_string_equal(run(TRIB_CALL_SHELF_PUT, "d3", "showcase", "{\"entries\":[{\"goods\":\"g1\",\"offer\":\"a1\"}]}", "", 0).at, "");
	world_crash();
	plan_a1("ended");
	assert_int_equal(effects_after_rounds(), CREATORS / 3);
	plan_a1("active");
	assert_int_equal(effects_after_rounds(), CREATORS / 3);
	plan_a1("ended");
	assert_int_equal(effects_after_rounds(), 2 * (CREATORS / 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists_orders_groups_and_removes, setup, world_teardown),
		cmocka_unit_test_setup_teardown(shows_what_there_is_to_say, setup, world_teardown),
		cmocka_unit_test_setup_teardown(follows_what_becomes_of_an_offer, setup, world_teardown),
		cmocka_unit_test_setup_teardown(refuses, setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_change_of_a_plan_is_one_event, setup, world_teardown),
		cmocka_unit_test_setup_teardown(outlives_restarts_and_crashes, setup, world_teardown),
		cmocka_unit_test_setup_teardown(tells_creators_once, setup_outbox, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
