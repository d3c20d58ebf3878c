/* What if: a journal is decided again; by the same rules nothing changes, by others exactly what they say. */
#include "unit/engine/world.h"

#include <jansson.h>
#include "engine/simulate.h"

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

static void link_of(const char *goods, char token[TRIB_LIMIT_TOKEN_CHARS + 1], const char *creator)
{
	struct trib_link_request request = { .channel = trib_bytes_text("app"), .creator = trib_bytes_text(creator),
					     .goods = trib_bytes_text(goods) };
	struct trib_error error;
	enum trib_outcome outcome;
	size_t size;

	assert_ok(trib_engine_link(world.engine, &request, token, &size, &outcome, &error), error);
	token[size] = '\0';
}

static void ignore(void *context, size_t i, const struct trib_order_answer *answer)
{
	assert_int_equal(answer->status, TRIB_OK);
}

static void order(const char *id, const char *goods, const char *token, int64_t base)
{
	struct trib_order_request request = { .order = trib_bytes_text(id), .user = trib_bytes_text("u1"),
					      .goods = trib_bytes_text(goods), .token = trib_bytes_text(token),
					      .base_amount = base };

	trib_engine_orders(world.engine, &request, 1, ignore, NULL);
}

/* 40 orders by tokens of two creators: g1 for 1000, 2000 … at 10 %, each a minute after the one before. */
static void make_orders(void)
{
	char tokens[2][TRIB_LIMIT_TOKEN_CHARS + 1];

	world_market();
	link_of("g1", tokens[0], "c1");
	link_of("g1", tokens[1], "c2");
	for (int i = 0; i < 40; i++) {
		char id[16];

		snprintf(id, sizeof(id), "o%d", i);
		order(id, "g1", tokens[i % 2], 1000 * (i + 1));
		world_pass(60000);
	}
	order("bad", "g1", "nonsense", 500);
	order("none", "g3", "-", 500);
	/* The last batch is not known to be durable from outside. */
	world_pass(1000);
	link_of("g1", tokens[0], "c1");
	trib_engine_settle(world.engine);
}

static json_t *simulate(const struct trib_simulate_options *stated, trib_status expected)
{
	struct trib_simulate_options options = *stated;
	struct trib_simulate_progress progress = { 0 };
	struct trib_buffer report;
	struct trib_error error = { 0 };

	options.data = world.folder;
	if (!options.name.size)
		options.name = trib_bytes_text("default");
	trib_buffer_init(&report, 4 << 20);
	trib_status status = trib_simulate(&options, &progress, &report, &error);

	if (status != expected)
		fail_msg("found %s: %s %s", trib_status_word(status), error.at, error.text);
	json_t *json = status == TRIB_OK ? json_loadb(report.data, report.size, 0, NULL) : NULL;

	if (status == TRIB_OK)
		assert_int_equal(trib_simulate_percent(&progress), 100);
	trib_buffer_fini(&report);
	return json;
}

static json_int_t at(json_t *json, const char *a, const char *b)
{
	json_t *value = json_object_get(json, a);

	return json_integer_value(b ? json_object_get(value, b) : value);
}

/* A row's number, where the row's `key` is `text`. */
static json_int_t in_row(json_t *list, const char *key, const char *text, const char *number)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!strcmp(json_string_value(json_object_get(json_array_get(list, i), key)), text))
			return json_integer_value(json_object_get(json_array_get(list, i), number));
	fail_msg("found no %s %s", key, text);
	return 0;
}

static void check_conserved(json_t *report)
{
	json_t *parties = json_object_get(report, "parties");
	json_int_t before = 0, after = 0;

	for (size_t i = 0; i < json_array_size(parties); i++) {
		before += json_integer_value(json_object_get(json_array_get(parties, i), "before"));
		after += json_integer_value(json_object_get(json_array_get(parties, i), "after"));
	}
	assert_int_equal(before, 0);
	assert_int_equal(after, 0);
}

static void the_same_rules_change_nothing(void **state)
{
	struct trib_buffer source;
	struct trib_error error;

	make_orders();
	struct trib_bytes built_in = trib_tree_source(trib_rules_tree(trib_engine_rules(world.engine), 1, 1));
	json_t *report = simulate(&(struct trib_simulate_options){ .source = built_in }, TRIB_OK);

	assert_int_equal(at(report, "orders", NULL), 42);
	assert_int_equal(at(report, "changed", "orders"), 0);
	assert_int_equal(json_array_size(json_object_get(report, "examples")), 0);
	assert_int_equal(in_row(json_object_get(report, "charged"), "currency", "CNY", "before"), 82000);
	assert_int_equal(in_row(json_object_get(report, "charged"), "currency", "CNY", "after"), 82000);
	check_conserved(report);
	json_decref(report);
	/* Version 1 is built in, and stands in no journal. */
	trib_buffer_init(&source, 1 << 20);
	assert_int_equal(trib_simulate_find_version(world.folder, trib_bytes_text("default"), 1, &source, &error),
			 TRIB_NOT_FOUND);
	trib_buffer_fini(&source);
}

static void a_candidate_changes_what_it_says(void **state)
{
	static const char candidate[] =
		"{\"root\":{\"id\":\"r\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\","
		"\"bps\":\"terms.commission_bps\"}],\"children\":["
		"{\"id\":\"c1\",\"when\":\"creator.id == 'c1'\",\"outcome\":\"not_distributed\"},"
		"{\"id\":\"half\",\"when\":\"order.base > 20000\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\","
		"\"from\":\"platform\",\"bps\":500}]}]},\"scene\":\"default\"}";
	const struct trib_simulate_options options = { .source = { candidate, sizeof(candidate) - 1 } };

	make_orders();
	json_t *report = simulate(&options, TRIB_OK);

	/* c1 had the orders of 1000, 3000 … 39000; c2 those of 2000 … 40000, of which 22000 … are above 20000. */
	assert_int_equal(at(report, "orders", NULL), 42);
	assert_int_equal(at(report, "changed", "orders"), 30);
	assert_int_equal(at(report, "changed", "outcome"), 20);
	assert_int_equal(at(report, "changed", "winner"), 20);
	assert_int_equal(at(report, "changed", "money"), 30);
	json_t *parties = json_object_get(report, "parties"), *nodes = json_object_get(report, "nodes");

	assert_int_equal(in_row(parties, "party", "c1", "before"), 40000);
	assert_int_equal(in_row(parties, "party", "c1", "after"), 0);
	assert_int_equal(in_row(parties, "party", "c2", "before"), 42000);
	assert_int_equal(in_row(parties, "party", "c2", "after"), 11000 + 15500);
	assert_int_equal(in_row(parties, "party", "platform", "after"), -15500);
	assert_int_equal(in_row(nodes, "node", "default", "orders_before"), 41); /* and one in BRL */
	assert_int_equal(in_row(nodes, "node", "c1", "orders_after"), 20);
	assert_int_equal(in_row(nodes, "node", "half", "after"), 15500);
	assert_int_equal(at(report, "parties_changed", NULL), 4);
	/* Three examples of each kind of change. */
	assert_int_equal(json_array_size(json_object_get(report, "examples")), 6);
	check_conserved(report);
	json_decref(report);
}

static void a_stretch_is_taken_by_time(void **state)
{
	static const char candidate[] = "{\"root\":{\"id\":\"r\",\"when\":\"false\"},\"scene\":\"default\"}";
	struct trib_simulate_options options = { .source = { candidate, sizeof(candidate) - 1 } };
	struct trib_error error;

	(void)error;
	make_orders();
	/* `when` that is never true is refused as it would be on its way in. */
	simulate(&options, TRIB_REFUSED);
	static const char other[] = "{\"root\":{\"id\":\"r\",\"window\":\"30d\"},\"scene\":\"default\"}";

	options.source = trib_bytes_text(other);
	options.from_ms = WORLD_START_MS + 10 * 60000;
	options.to_ms = WORLD_START_MS + 15 * 60000;
	json_t *report = simulate(&options, TRIB_OK);

	assert_int_equal(at(report, "orders", NULL), 5);
	assert_int_equal(at(report, "changed", "money"), 5);
	json_decref(report);
	options.name = trib_bytes_text("unknown");
	options.source = trib_bytes_text("{\"root\":{\"id\":\"r\"}}");
	report = simulate(&options, TRIB_OK);
	assert_int_equal(at(report, "orders", NULL), 0);
	json_decref(report);
}

/* Terms as they were, not as they are: the plan has moved since, and a version has come and gone. */
static void the_market_of_then_decides(void **state)
{
	struct trib_buffer source;
	struct trib_error error;

	make_orders();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":3000}}");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p9\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"targeted\","
				  "\"creators_when\":\"creator.level > 2\",\"terms\":{\"commission_bps\":5000}}");
	world_rules("default", "{\"root\":{\"id\":\"two\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":"
			       "\"merchant\",\"bps\":\"terms.commission_bps\"}]}}");
	char token[TRIB_LIMIT_TOKEN_CHARS + 1];

	link_of("g1", token, "c1");
	order("late", "g1", token, 10000);
	world_pass(1000);
	link_of("g1", token, "c1");
	trib_engine_settle(world.engine);
	trib_buffer_init(&source, 1 << 20);
	assert_ok(trib_simulate_find_version(world.folder, trib_bytes_text("default"), 2, &source, &error), error);
	json_t *report = simulate(&(struct trib_simulate_options){ .source = trib_buffer_bytes(&source) }, TRIB_OK);

	assert_int_equal(at(report, "orders", NULL), 43);
	assert_int_equal(at(report, "changed", "orders"), 0);
	assert_int_equal(in_row(json_object_get(report, "charged"), "currency", "CNY", "after"), 87000);
	json_decref(report);
	trib_buffer_fini(&source);
}

static void callers_ask_for_jobs(void **state)
{
	struct trib_call begin = { .kind = TRIB_CALL_SIMULATE, .name = trib_bytes_text("default"),
				   .source = trib_bytes_text("{\"version\":1}") };

	make_orders();
	world_call(&begin);
	assert_int_equal(begin.status, TRIB_OK);
	assert_int_equal(begin.http_status, 202);
	trib_buffer_fini(&begin.reply);
	struct trib_call show = { .kind = TRIB_CALL_SIMULATION, .name = trib_bytes_text("default"), .version = 1 };

	world_call(&show);
	assert_int_equal(show.status, TRIB_OK);
	json_t *json = json_loadb(show.reply.data, show.reply.size, 0, NULL);

	assert_string_equal(json_string_value(json_object_get(json, "state")), "done");
	assert_int_equal(at(json, "percent", NULL), 100);
	assert_int_equal(at(json, "report", "orders"), 42);
	json_decref(json);
	trib_buffer_fini(&show.reply);
	static const struct {
		const char *body;
		trib_status status;
	} rows[] = {
		{ "{\"version\":7}", TRIB_NOT_FOUND },	     { "{\"version\":1,\"root\":{}}", TRIB_INVALID },
		{ "{\"version\":\"1\"}", TRIB_INVALID },     { "{}", TRIB_INVALID },
		{ "[]", TRIB_INVALID },			     { "{\"root\":{\"id\":\"r\",\"when\":\"1\"}}", TRIB_INVALID },
		{ "{\"version\":1,\"from\":-1}", TRIB_INVALID },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_call bad = { .kind = TRIB_CALL_SIMULATE, .name = trib_bytes_text("default"),
					 .source = trib_bytes_text(rows[i].body) };

		world_call(&bad);
		if (bad.status != rows[i].status)
			fail_msg("%s: found %s", rows[i].body, trib_status_word(bad.status));
		trib_buffer_fini(&bad.reply);
	}
	show.version = 9;
	world_call(&show);
	assert_int_equal(show.status, TRIB_NOT_FOUND);
	trib_buffer_fini(&show.reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_same_rules_change_nothing), WORLD_TEST(a_candidate_changes_what_it_says),
		WORLD_TEST(a_stretch_is_taken_by_time),	   WORLD_TEST(the_market_of_then_decides),
		WORLD_TEST(callers_ask_for_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
