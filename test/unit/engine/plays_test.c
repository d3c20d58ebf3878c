/* Plays in the engine: what an entity is given, keeps and is refused, over restarts and crashes. */
#include "unit/engine/world.h"

#define SLOT_YAML "name: slot\nwhen: request.kind == 'targeted'\n"
#define SLOT_EXT                                                                                   \
	"{\"properties\": {\"plan\": {\"required\": [\"fee\"], \"properties\": {\"fee\": {\"type\": \"integer\", \"minimum\": 0}}}}}"

/* Puts play.yaml and, unless it is NULL, another file. */
static trib_status put_play(const char *name, const char *yaml, const char *file, const char *text)
{
	Tributary__PlayPutRequest request = TRIBUTARY__PLAY_PUT_REQUEST__INIT;
	Tributary__PlayFile files[2], *list[2] = { &files[0], &files[1] };
	struct trib_call call = { .kind = TRIB_CALL_PLAY_PUT, .name = trib_bytes_text(name), .body = &request.base };

	tributary__play_file__init(&files[0]);
	tributary__play_file__init(&files[1]);
	files[0].name = "play.yaml";
	files[0].text = (char *)yaml;
	files[1].name = (char *)file;
	files[1].text = (char *)text;
	request.files = list;
	request.n_files = file ? 2 : 1;
	return world_run(&call);
}

static trib_status activate(const char *name, uint32_t version, int64_t at_ms)
{
	Tributary__ActivateRequest request = TRIBUTARY__ACTIVATE_REQUEST__INIT;
	struct trib_call call = { .kind = TRIB_CALL_PLAY_ACTIVATE, .name = trib_bytes_text(name), .body = &request.base };

	request.has_version = true;
	request.version = version;
	request.has_at = at_ms != 0;
	request.at = at_ms;
	return world_run(&call);
}

static trib_status ask(enum trib_call_kind kind, const char *name)
{
	struct trib_call call = { .kind = kind, .name = trib_bytes_text(name) };

	return world_run(&call);
}

static const char *get(enum trib_noun noun, const char *id)
{
	struct trib_call call = { .kind = TRIB_CALL_GET, .noun = noun, .name = trib_bytes_text(id) };

	assert_int_equal(world_run(&call), TRIB_OK);
	return world_reply;
}

#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		const char *text_ = (text);                                                        \
		if (!strstr(text_, part))                                                          \
			fail_msg("%s\nlacks %s", text_, part);                                     \
	} while (0)

static trib_status put_plan(const char *id, const char *rest)
{
	char json[1024];

	snprintf(json, sizeof(json), "{\"id\":\"%s\",\"merchant\":\"m1\",\"goods\":[\"g1\"],%s}", id, rest);
	return world_put_status(TRIB_NOUN_PLAN, json, &world_error);
}

/* Each PUT in order: what is asked, what it comes to, and which play the plan has then. */
static void test_plans(void **state)
{
	static const struct {
		const char *id, *rest;
		trib_status status;
		const char *expected; /* of the plan, or the place of the refusal */
	} rows[] = {
		/* before there are plays: as ever */
		{ "old", "'kind':'targeted','creators':['c1'],'ext':{'x':1}", TRIB_OK, "'play':null,'play_version':null" },
		{ "old", "'kind':'targeted','creators':['c1'],'play':'slot'", TRIB_INVALID, "play" },
		{ "old", "'kind':'targeted','creators':['c1'],'play':'default'", TRIB_OK, "'play':null,'play_version':null" },
		{ "!put", "", TRIB_OK, "" },
		{ "p", "'kind':'targeted','creators':['c1'],'ext':{'fee':1}", TRIB_OK, "'play':null,'play_version':null" },
		{ "!activate", "", TRIB_OK, "" },
		{ "p", "'kind':'targeted','creators':['c1'],'ext':{'whatever':1}", TRIB_OK, "'play':null,'play_version':null" },
		{ "old", "'kind':'targeted','creators':['c1'],'ext':{'y':1}", TRIB_OK, "'play':null,'play_version':null" },
		{ "t", "'kind':'targeted','creators':['c1']", TRIB_INVALID, "ext.fee" },
		{ "t", "'kind':'targeted','creators':['c1'],'ext':{'fee':-1}", TRIB_INVALID, "ext.fee" },
		{ "t", "'kind':'targeted','creators':['c1'],'ext':{'fee':1,'fe':2}", TRIB_INVALID, "ext.fe" },
		{ "t", "'kind':'targeted','creators':['c1'],'ext':{'fee':5}", TRIB_OK, "'play':'slot','play_version':1" },
		{ "g", "'kind':'general','ext':{'anything':1}", TRIB_OK, "'play':null,'play_version':null" },
		{ "g", "'kind':'general','ext':{'fee':1},'play':'slot'", TRIB_REFUSED, "play" },
		{ "g", "'kind':'general','play':'none'", TRIB_INVALID, "play" },
		/* what it is now does not count: it is slot's */
		{ "t", "'kind':'general','ext':{'fee':6}", TRIB_OK, "'play':'slot','play_version':1" },
		{ "t", "'kind':'general','ext':{'fee':6,'x':6}", TRIB_INVALID, "ext.x" },
		{ "t", "'kind':'general','ext':{'x':6},'play':'default'", TRIB_OK, "'play':null,'play_version':null" },
		{ "t", "'kind':'targeted','creators':['c1'],'ext':{'fee':6},'play':'slot'", TRIB_OK, "'play':'slot','play_version':1" },
		{ "free", "'kind':'targeted','creators':['c1'],'ext':{'x':6},'play':'default'", TRIB_OK, "'play':null,'play_version':null" },
		{ "t", "'kind':'targeted','creators':['c1'],'ext':{'fee':6},'play':'slot','play_version':1", TRIB_OK, "'play_version':1" },
		{ "t", "'kind':'targeted','creators':['c1'],'ext':{'fee':6},'play':'slot','play_version':2", TRIB_INVALID, "play_version" },
		{ "u", "'kind':'targeted','creators':['c1'],'ext':{'fee':6},'play_version':1", TRIB_INVALID, "play_version" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char rest[512], expected[256];

		snprintf(rest, sizeof(rest), "%s", rows[i].rest);
		snprintf(expected, sizeof(expected), "%s", rows[i].expected);
		for (char *texts[] = { rest, expected }, **text = texts; text < texts + 2; text++)
			for (char *p = *text; *p; p++)
				*p = *p == '\'' ? '"' : *p;
		if (!strcmp(rows[i].id, "!put")) {
			assert_int_equal(put_play("slot", SLOT_YAML, "ext.schema.json", SLOT_EXT), TRIB_OK);
			continue;
		}
		if (!strcmp(rows[i].id, "!activate")) {
			assert_int_equal(activate("slot", 1, 0), TRIB_OK);
			continue;
		}
		trib_status status = put_plan(rows[i].id, rest);

		if (status != rows[i].status)
			fail_msg("row %zu: %s at %s: %s", i, trib_status_word(status), world_error.at, world_error.text);
		if (status != TRIB_OK)
			assert_string_equal(world_error.at, expected);
		else
			assert_has(get(TRIB_NOUN_PLAN, rows[i].id), expected);
	}
}

/* Versions beside each other: each entity goes on with its own, over a restart, and over a crash. */
static void test_versions(void **state)
{
	static const char second[] =
		"{\"properties\": {\"plan\": {\"properties\": {\"fee\": {\"type\": \"string\"}}}}}";

	assert_int_equal(put_play("slot", SLOT_YAML, "ext.schema.json", SLOT_EXT), TRIB_OK);
	assert_string_equal(strstr(world_reply, "\"version\""), strstr(world_reply, "\"version\":1,\"active\":0"));
	assert_int_equal(activate("slot", 1, 0), TRIB_OK);
	assert_int_equal(put_plan("one", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":1}"), TRIB_OK);
	assert_int_equal(put_play("slot", SLOT_YAML, "ext.schema.json", SLOT_EXT), TRIB_OK);
	assert_has(world_reply, "\"version\":1,\"active\":1");
	assert_int_equal(put_play("slot", SLOT_YAML, "ext.schema.json", second), TRIB_OK);
	assert_has(world_reply, "\"version\":2,\"active\":1");
	assert_int_equal(activate("slot", 2, WORLD_START_MS + 1000), TRIB_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(put_plan("early", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":1}"), TRIB_OK);
		assert_has(get(TRIB_NOUN_PLAN, "early"), "\"play_version\":1");
		if (i == 0)
			world_restart();
		else
			world_crash();
	}
	world_pass(1000);
	assert_int_equal(put_plan("two", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":1}"), TRIB_INVALID);
	assert_int_equal(put_plan("two", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":\"a\"}"), TRIB_OK);
	assert_has(get(TRIB_NOUN_PLAN, "two"), "\"play_version\":2");
	world_crash();
	assert_int_equal(put_plan("one", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":2}"), TRIB_OK);
	assert_int_equal(put_plan("one", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":\"a\"}"), TRIB_INVALID);
	/* It may move to the version that is active. */
	assert_int_equal(put_plan("one", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":\"a\"},"
					 "\"play\":\"slot\",\"play_version\":2"),
			 TRIB_OK);
	assert_int_equal(ask(TRIB_CALL_PLAY_ROLLBACK, "slot"), TRIB_OK);
	assert_has(world_reply, "\"version\":1");
	world_restart();
	assert_int_equal(put_plan("three", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":1}"), TRIB_OK);
	assert_has(get(TRIB_NOUN_PLAN, "three"), "\"play_version\":1");
	assert_int_equal(put_plan("two", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"fee\":\"b\"}"), TRIB_OK);
	assert_int_equal(ask(TRIB_CALL_PLAY_CLOSE, "slot"), TRIB_OK);
	assert_int_equal(put_plan("four", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"x\":1}"), TRIB_OK);
	assert_has(get(TRIB_NOUN_PLAN, "four"), "\"play\":null");
	assert_int_equal(put_plan("three", "\"kind\":\"targeted\",\"creators\":[\"c1\"],\"ext\":{\"x\":1}"), TRIB_INVALID);
}

/* Files that do not fit into a batch together: the event goes in chunks. */
static void test_large(void **state)
{
	TRIB_AUTOFREE char *text = trib_alloc(TRIB_LIMIT_PLAY_BYTES);
	size_t size = TRIB_LIMIT_PLAY_BYTES - sizeof(SLOT_YAML) - 32;

	memset(text, 'x', size);
	text[size] = '\0';
	assert_int_equal(put_play("slot", SLOT_YAML, "README.md", text), TRIB_OK);
	assert_int_equal(activate("slot", 1, 0), TRIB_OK);
	world_crash();
	struct trib_call call = { .kind = TRIB_CALL_PLAY_VERSION, .name = trib_bytes_text("slot"), .version = 1 };

	world_call(&call);
	assert_int_equal(call.status, TRIB_OK);
	assert_true(call.reply.size > size);
	trib_buffer_fini(&call.reply);
	world_restart();
	assert_int_equal(put_plan("t", "\"kind\":\"targeted\",\"creators\":[\"c1\"]"), TRIB_OK);
	assert_has(get(TRIB_NOUN_PLAN, "t"), "\"play\":\"slot\",\"play_version\":1");
}

/* What is refused leaves no event behind. */
static void test_refused(void **state)
{
	static const struct {
		const char *name, *yaml, *file, *text;
		trib_status status;
		const char *at;
	} rows[] = {
		{ "slot", "name: slot\nwhen: request.scne\n", NULL, NULL, TRIB_INVALID, "play.yaml:2: when:1:1" },
		{ "slot", "name: slot\n", NULL, NULL, TRIB_INVALID, "play.yaml:1: when" },
		{ "other", SLOT_YAML, NULL, NULL, TRIB_INVALID, "play.yaml: name" },
		{ "default", "name: default\nwhen: 'true'\n", NULL, NULL, TRIB_INVALID, "play.yaml:1: name" },
		{ "slot", "name: slot\nparent: none\nwhen: 'true'\n", NULL, NULL, TRIB_REFUSED, "play.yaml:2: parent" },
		{ "slot", SLOT_YAML, "hooks.lua", "x = = 1", TRIB_SYNTAX, "hooks.lua:1" },
		{ "slot", SLOT_YAML, "rules/live.json", "{\"root\": {\"id\": \"r\",\n\"when\": \"order.bsae\"}}", TRIB_INVALID,
		  "rules/live.json:2: r.when" },
		{ "slot", SLOT_YAML, "flow.exe", "", TRIB_INVALID, "flow.exe" },
		{ "slot", SLOT_YAML, "../play.yaml", "", TRIB_INVALID, "../play.yaml" },
		{ "slot", SLOT_YAML, "play.yaml", "", TRIB_INVALID, "" },
	};
	struct trib_engine_counts before, after;

	trib_engine_settle(world.engine);
	trib_engine_count(world.engine, &before);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		trib_status status = put_play(rows[i].name, rows[i].yaml, rows[i].file, rows[i].text);

		if (status == TRIB_OK || (rows[i].status != TRIB_SYNTAX && status != rows[i].status))
			fail_msg("row %zu: %s", i, trib_status_word(status));
		if (strcmp(world_error.at, rows[i].at) != 0)
			fail_msg("row %zu: at %s: %s", i, world_error.at, world_error.text);
	}
	assert_int_equal(ask(TRIB_CALL_PLAY_GET, "slot"), TRIB_NOT_FOUND);
	assert_int_equal(ask(TRIB_CALL_PLAY_ROLLBACK, "slot"), TRIB_NOT_FOUND);
	assert_int_equal(ask(TRIB_CALL_PLAY_CLOSE, "slot"), TRIB_NOT_FOUND);
	assert_int_equal(activate("slot", 1, 0), TRIB_NOT_FOUND);
	assert_int_equal(ask(TRIB_CALL_PLAY_LIST, ""), TRIB_OK);
	assert_string_equal(world_reply, "{\"items\":[],\"next_cursor\":null}");
	trib_engine_settle(world.engine);
	trib_engine_count(world.engine, &after);
	assert_int_equal(before.position, after.position);
}

/* What a request is made of: the entity, the first of its goods, its creator. */
static void test_requests(void **state)
{
	static const struct {
		const char *when;
		enum trib_noun noun;
		const char *json;
	} rows[] = {
		{ "request.action == 'plan.put' && request.kind == 'general' && request.merchant == 'm1'", TRIB_NOUN_PLAN,
		  "{\"id\":\"%s\",\"merchant\":\"m1\",\"goods\":[\"g1\"]}" },
		{ "request.category == 'beauty' && request.scene == 'live'", TRIB_NOUN_PLAN,
		  "{\"id\":\"%s\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"scene\":\"live\"}" },
		{ "request.creator == 'c1' && request.level == 3 && 'mum' in request.tags", TRIB_NOUN_PLAN,
		  "{\"id\":\"%s\",\"merchant\":\"m1\",\"kind\":\"targeted\",\"creators\":[\"c1\"]}" },
		{ "request.leader == 'l1' && request.kind == 'activity'", TRIB_NOUN_PLAN,
		  "{\"id\":\"%s\",\"merchant\":\"m1\",\"kind\":\"activity\",\"terms\":{\"leader\":\"l1\"}}" },
		{ "request.ext.n > 4", TRIB_NOUN_PLAN, "{\"id\":\"%s\",\"merchant\":\"m1\",\"ext\":{\"n\":5}}" },
		{ "request.action == 'goods.put' && request.site == 'tb' && request.brand == 'b'", TRIB_NOUN_GOODS,
		  "{\"id\":\"%s\",\"merchant\":\"m1\",\"site\":\"tb\",\"brand\":\"b\"}" },
		{ "request.action == 'party.put' && 'vip' in request.tags && request.level == 7 && request.region == 'zj'",
		  TRIB_NOUN_PARTY, "{\"id\":\"%s\",\"tags\":[\"vip\"],\"level\":7,\"region\":\"zj\"}" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char name[16], yaml[512], json[512], expected[64], ext[] =
			"{\"properties\": {\"plan\": {\"properties\": {\"n\": {}}}}}";

		snprintf(name, sizeof(name), "x%zu", i);
		snprintf(yaml, sizeof(yaml), "name: %s\nwhen: \"%s\"\n", name, rows[i].when);
		snprintf(json, sizeof(json), rows[i].json, name);
		assert_int_equal(put_play(name, yaml, "ext.schema.json", ext), TRIB_OK);
		assert_int_equal(activate(name, 1, 0), TRIB_OK);
		world_put(rows[i].noun, json);
		snprintf(expected, sizeof(expected), "\"play\":\"%s\",\"play_version\":1", name);
		assert_has(get(rows[i].noun, name), expected);
		assert_int_equal(ask(TRIB_CALL_PLAY_CLOSE, name), TRIB_OK);
	}
}

static int setup(void **state)
{
	int status = world_setup(state);

	if (status == 0)
		world_market();
	return status;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_plans, setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_versions, setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_large, setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
