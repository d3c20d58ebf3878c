/* Plays: what their files may say, file, line and reason of what they may not, and which play a request belongs to. */
#include "test.h"

#include "base/limits.h"
#include "play/play.h"

/* Trees are of a room above: here one is right unless it says "bad". */
static trib_status check_tree(void *context, struct trib_bytes name, struct trib_bytes json, struct trib_error *error)
{
	if (memmem(json.data, json.size, "bad", 3))
		return trib_fail(error, TRIB_INVALID, "child.when:1:3", "found bad, expected good");
	return TRIB_OK;
}

static trib_status walk_tree(void *context, struct trib_bytes name, struct trib_bytes json,
			     const struct trib_json *facts, struct trib_buffer *ret_node, const char **ret_outcome,
			     struct trib_error *error)
{
	trib_buffer_add_text(ret_node, facts->count ? "big" : "small");
	*ret_outcome = "attributed";
	return TRIB_OK;
}

static const struct trib_play_trees trees = { .check = check_tree, .walk = walk_tree };

/* play.yaml and up to one other file. */
static trib_status read_play(const char *play, const char *name, const char *text, struct trib_play **ret_play,
			     struct trib_error *error)
{
	struct trib_play_file files[] = {
		{ trib_bytes_text("play.yaml"), trib_bytes_text(play) },
		{ trib_bytes_text(name), trib_bytes_text(text) },
	};

	return trib_play_new(files, name ? 2 : 1, &trees, ret_play, error);
}

static const char right[] = "name: live\nwhen: request.scene == 'live'\n";

static void test_refused(void **state)
{
	static const struct {
		const char *play, *name, *text, *expected;
	} rows[] = {
		{ "", NULL, NULL, "play.yaml:1:1: found nothing, expected a document" },
		{ "[1]", NULL, NULL, "play.yaml:1: found an array, expected an object" },
		{ "name: x\n", NULL, NULL, "play.yaml:1: when: found nothing, expected a value: it is required" },
		{ "name: X y\nwhen: 'true'\n", NULL, NULL,
		  "play.yaml:1: name: found \"X y\", expected what matches ^[a-z][a-z0-9_-]{0,63}$" },
		{ "name: x\nwhen: true\n", NULL, NULL, "play.yaml:2: when: found true, expected a string" },
		{ "name: x\n\n# so\nwhen: request.scene ==\n", NULL, NULL, "play.yaml:4: when:1:17: " },
		{ "name: x\nwhen: request.scne == ''\n", NULL, NULL,
		  "play.yaml:2: when:1:1: found no field of a request, expected `request.` and one of action role scene" },
		{ "name: x\nwhen: request.scene\n", NULL, NULL, "play.yaml:2: when: found another type, expected a condition" },
		{ "name: x\nwhen: request.level > 'a'\n", NULL, NULL, "play.yaml:2: when:1:15: found no matching overload" },
		{ "name: x\nwhen: 'true'\npriority: high\n", NULL, NULL,
		  "play.yaml:3: priority: found \"high\", expected an integer" },
		{ "name: x\nwhen: 'true'\npriority: 1.0\n", NULL, NULL, "play.yaml:3: priority: expected a whole number" },
		{ "name: x\nwhen: 'true'\nprio: 1\n", NULL, NULL, "play.yaml:3: prio: found a field that is not known here" },
		{ "name: x\nname: y\n", NULL, NULL, "play.yaml:2:1: found a name a second time" },
		{ "name: [x\nwhen: 'true'\n", NULL, NULL, "play.yaml:2:" },
		{ right, "flow.yml", "", "flow.yml: found a file that no play has" },
		{ right, "", "", "\"\": found a file that no play has" },
		{ right, "cases/a b.yaml", "", "cases/a b.yaml: found a file that no play has" },
		{ right, "cases/deep/a.yaml", "", "cases/deep/a.yaml: found a file that no play has" },
		{ right, ".yaml", "", ".yaml: found a file that no play has" },
		{ right, "play.yaml", "", ": found a file twice: \"play.yaml\"" },
		{ right, "README.md", "\xff", "README.md: found bytes that are no UTF-8" },
		{ right, "ext.schema.json", "{\"properties\":\n {\"plan\": 1}}",
		  "ext.schema.json:2: properties.plan: found 1, expected an object" },
		{ right, "ext.schema.json", "{\"properties\": {\"plans\": {}}}", "ext.schema.json:1: properties.plans: " },
		{ right, "ext.schema.json", "{\"properties\": {\"plan\": {\n\n\"type\": \"text\"}}}",
		  "ext.schema.json:3: properties.plan.type: expected null" },
		{ right, "ext.schema.json", "{\"properties\": {},\n}", "ext.schema.json:2:1: found '}'" },
		{ right, "checklist.yaml", "steps:\n  - title: a\n    check: [b]\n  - title: c\n",
		  "checklist.yaml:4: steps[1].check: found nothing, expected a value: it is required" },
		{ right, "cases/a.yaml", "- case: x\n  expect: valid\n", "cases/a.yaml:1: [0]: found an object, expected what fits" },
		{ right, "cases/a.yaml", "- case: x\n  request: {}\n  expect: {ply: a}\n", "cases/a.yaml:1: [0]: " },
		{ right, "cases/a.yaml", "- case: x\n  ext: {shop: {}}\n  expect: valid\n", "cases/a.yaml:1: [0]: " },
		{ right, "rules/live.json", "{\"root\": {\"id\": \"r\",\n \"x\": [{\"id\": \"child\",\n \"whenever\": 1,\n \"when\": \"bad\"}]}}",
		  "rules/live.json:4: child.when:1:3: found bad, expected good" },
		{ right, "hooks.lua", "function f(x)\n  return x +\nend\n", "hooks.lua:3: unexpected symbol near 'end'" },
		{ right, "hooks.lua", "local t = io.open('x')\n", "hooks.lua:1: attempt to index a nil value (global 'io')" },
		{ right, "rules/live.json", "{", "rules/live.json:1:2: found the end" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_error error = { 0 };
		struct trib_play *play = NULL;
		char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

		if (read_play(rows[i].play, rows[i].name, rows[i].text, &play, &error) == TRIB_OK)
			fail_msg("row %zu is taken: %s", i, rows[i].expected);
		snprintf(found, sizeof(found), "%s: %s", error.at, error.text);
		if (strncmp(found, rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("row %zu\ngives    %s\nexpected %s", i, found, rows[i].expected);
		assert_null(play);
	}
}

static void test_limits(void **state)
{
	static struct trib_play_file files[TRIB_LIMIT_PLAY_FILES + 1];
	TRIB_AUTOFREE char *large = trib_alloc(TRIB_LIMIT_PLAY_BYTES);
	struct trib_error error;
	struct trib_play *play;

	files[0] = (struct trib_play_file){ trib_bytes_text("play.yaml"), trib_bytes_text(right) };
	assert_int_equal(trib_play_new(files, TRIB_LIMIT_PLAY_FILES + 1, &trees, &play, &error), TRIB_LIMIT);
	assert_int_equal(trib_play_new(files + 1, 1, &trees, &play, &error), TRIB_INVALID);
	memset(large, ' ', TRIB_LIMIT_PLAY_BYTES);
	files[1] = (struct trib_play_file){ trib_bytes_text("README.md"), trib_bytes(large, TRIB_LIMIT_PLAY_BYTES) };
	assert_int_equal(trib_play_new(files, 2, &trees, &play, &error), TRIB_TOO_LARGE);
}

/* ---- Several -------------------------------------------------------------------------------------- */

static void add(struct trib_plays *plays, const char *text)
{
	struct trib_error error;
	struct trib_play *play;

	assert_ok(read_play(text, NULL, NULL, &play, &error), error);
	assert_ok(trib_plays_add(plays, play, &error), error);
}

static void test_resolve(void **state)
{
	static const struct {
		const char *request, *expected;
	} rows[] = {
		{ "{}", "default" },
		{ "{'scene': 'live'}", "live" },
		{ "{'scene': 'live', 'category': 'beauty/lips'}", "beauty" },	       /* the child */
		{ "{'scene': 'shelf', 'category': 'beauty/lips'}", "default" },	       /* not its parent's */
		{ "{'scene': 'live', 'category': 'beauty', 'level': 5}", "star" },     /* the grandchild */
		{ "{'scene': 'live', 'level': 5}", "live" },			       /* the parent's condition fails */
		{ "{'scene': 'shelf', 'site': 'taobao'}", "third" },
		{ "{'scene': 'live', 'site': 'taobao'}", "both" },		       /* asks for more of the request */
		{ "{'scene': 'live', 'kind': 'managed'}", "managed" },		       /* the priority */
		{ "{'scene': 'live', 'category': 'beauty', 'kind': 'managed'}", "managed" },
		{ "{'scene': 'live', 'tags': ['vip']}", "a-vip" },		       /* the first by name */
		{ "{'ext': {'group_size': 3}}", "group" },
		{ "{'ext': {'group_size': 'x'}}", "default" },			       /* an error is no yes */
	};
	struct trib_plays *plays = trib_plays_new();
	struct trib_error error;

	add(plays, "name: star\nparent: beauty\nwhen: request.level >= 5\n");
	add(plays, right);
	add(plays, "name: beauty\nparent: live\nwhen: request.category.startsWith('beauty')\n");
	add(plays, "name: third\nwhen: request.site in ['taobao', 'jd']\n");
	add(plays, "name: both\nwhen: request.site != '' && request.scene == 'live'\n");
	add(plays, "name: managed\npriority: 5\nwhen: request.kind == 'managed'\n");
	add(plays, "name: b-vip\nwhen: \"'vip' in request.tags && has(request.scene)\"\n");
	add(plays, "name: a-vip\nwhen: \"'vip' in request.tags && has(request.scene)\"\n");
	add(plays, "name: group\nwhen: request.ext.group_size > 2\n");
	assert_ok(trib_plays_link(plays, &error), error);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct trib_play *won;
		const struct trib_json *request;
		struct trib_arena arena;
		char json[256];

		trib_arena_init(&arena, 1 << 20);
		snprintf(json, sizeof(json), "%s", rows[i].request);
		for (char *p = json; *p; p++)
			*p = *p == '\'' ? '"' : *p;
		assert_ok(trib_json_parse(trib_bytes_text(json), 9, &arena, &request, &error), error);
		assert_ok(trib_plays_resolve(plays, request, &arena, &won, &error), error);
		if (strcmp(won ? trib_play_name(won) : "default", rows[i].expected) != 0)
			fail_msg("%s goes to %s, expected %s", rows[i].request, won ? trib_play_name(won) : "default",
				 rows[i].expected);
		trib_arena_fini(&arena);
	}
	trib_plays_free(plays);
}

static void test_requests_refused(void **state)
{
	static const struct {
		const char *request, *at;
	} rows[] = {
		{ "[]", "request" },
		{ "{\"scne\": \"live\"}", "request.scne" },
		{ "{\"scene\": 1}", "request.scene" },
		{ "{\"level\": 1.5}", "request.level" },
		{ "{\"tags\": [1]}", "request.tags" },
		{ "{\"ext\": []}", "request.ext" },
	};
	struct trib_plays *plays = trib_plays_new();

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct trib_play *won;
		const struct trib_json *request;
		struct trib_arena arena;
		struct trib_error error;

		trib_arena_init(&arena, 1 << 20);
		assert_ok(trib_json_parse(trib_bytes_text(rows[i].request), 9, &arena, &request, &error), error);
		assert_int_equal(trib_plays_resolve(plays, request, &arena, &won, &error), TRIB_INVALID);
		assert_string_equal(error.at, rows[i].at);
		trib_arena_fini(&arena);
	}
	trib_plays_free(plays);
}

static void test_parents(void **state)
{
	struct trib_plays *plays = trib_plays_new();
	struct trib_error error;
	struct trib_play *second;

	add(plays, "name: a\nparent: b\nwhen: 'true'\n");
	assert_int_equal(trib_plays_link(plays, &error), TRIB_NOT_FOUND);
	assert_string_equal(error.at, "a");
	add(plays, "name: b\nparent: a\nwhen: 'true'\n");
	assert_int_equal(trib_plays_link(plays, &error), TRIB_LIMIT);
	assert_ok(read_play("name: a\nwhen: 'true'\n", NULL, NULL, &second, &error), error);
	assert_int_equal(trib_plays_add(plays, second, &error), TRIB_CONFLICT);
	trib_play_free(second);
	trib_plays_free(plays);
}

/* A child without a priority has its parent's, and so still comes before it. */
static void test_inherited(void **state)
{
	struct trib_plays *plays = trib_plays_new();
	const struct trib_json *request, *ext;
	const struct trib_play *won;
	struct trib_play *play;
	struct trib_arena arena;
	struct trib_error error;

	trib_arena_init(&arena, 1 << 20);
	assert_ok(read_play("name: parent\npriority: 9\nwhen: 'true'\n", "ext.schema.json",
			    "{\"properties\": {\"plan\": {\"properties\": {\"fee\": {\"type\": \"integer\"}}}}}", &play, &error),
		  error);
	assert_ok(trib_plays_add(plays, play, &error), error);
	assert_ok(read_play("name: child\nparent: parent\nwhen: 'true'\n", "cases/a.yaml",
			    "- case: the field of the parent\n"
			    "  ext: {plan: {fee: x}}\n"
			    "  expect: {refused: plan.fee}\n"
			    "- {case: of nobody, ext: {plan: {f: 1}}, expect: valid}\n"
			    "- {case: itself, request: {}, expect: {play: child}}\n"
			    "- {case: no tree, rules: live, facts: {}, expect: {node: big}}\n",
			    &play, &error),
		  error);
	assert_ok(trib_plays_add(plays, play, &error), error);
	add(plays, "name: other\npriority: 8\nwhen: 'true'\n");
	assert_ok(trib_plays_link(plays, &error), error);
	assert_ok(trib_json_parse(trib_bytes_text("{}"), 9, &arena, &request, &error), error);
	assert_ok(trib_plays_resolve(plays, request, &arena, &won, &error), error);
	assert_string_equal(trib_play_name(won), "child");
	assert_ok(trib_json_parse(trib_bytes_text("{\"fee\": 1}"), 9, &arena, &ext, &error), error);
	assert_ok(trib_play_check_ext(won, trib_bytes_text("plan"), ext, &arena, &error), error);
	assert_int_equal(trib_play_check_ext(won, trib_bytes_text("goods"), ext, &arena, &error), TRIB_INVALID);
	assert_string_equal(error.at, "goods.fee");

	assert_int_equal(trib_play_cases(won), 4);
	assert_string_equal(trib_play_case(won, 1), "of nobody");
	assert_ok(trib_play_run_case(plays, won, 0, &trees, &error), error);
	assert_int_equal(trib_play_run_case(plays, won, 1, &trees, &error), TRIB_INVALID);
	assert_string_equal(error.at, "cases/a.yaml:4: plan.f");
	assert_ok(trib_play_run_case(plays, won, 2, &trees, &error), error);
	assert_int_equal(trib_play_run_case(plays, won, 3, &trees, &error), TRIB_NOT_FOUND);
	trib_arena_fini(&arena);
	trib_plays_free(plays);
}

static void test_case_of_rules(void **state)
{
	struct trib_play_file files[] = {
		{ trib_bytes_text("play.yaml"), trib_bytes_text(right) },
		{ trib_bytes_text("rules/live.json"), trib_bytes_text("{\"root\": {\"id\": \"r\"}}") },
		{ trib_bytes_text("cases/a.yaml"),
		  trib_bytes_text("- {case: big, rules: live, facts: {order.base: 1}, expect: {node: big, outcome: attributed}}\n"
				  "- {case: not so, rules: live, facts: {order.base: 1}, expect: {node: big, outcome: expired}}\n"
				  "- {case: nor so, rules: live, facts: {}, expect: {node: big}}\n") },
	};
	struct trib_plays *plays = trib_plays_new();
	struct trib_play *play;
	struct trib_error error;

	assert_ok(trib_play_new(files, 3, &trees, &play, &error), error);
	assert_ok(trib_plays_add(plays, play, &error), error);
	assert_ok(trib_plays_link(plays, &error), error);
	assert_ok(trib_play_run_case(plays, play, 0, &trees, &error), error);
	assert_int_equal(trib_play_run_case(plays, play, 1, &trees, &error), TRIB_INVALID);
	assert_string_equal(error.at, "cases/a.yaml:2: outcome");
	assert_string_equal(error.text, "found attributed, expected expired");
	assert_int_equal(trib_play_run_case(plays, play, 2, &trees, &error), TRIB_INVALID);
	assert_string_equal(error.text, "found small, expected big");
	trib_plays_free(plays);
}

/* A child's function comes before its parent's. */
static void test_hooks(void **state)
{
	static const char cases[] = "- {case: its own, hook: a, input: {n: 1}, expect: {output: {n: 3}}}\n"
				    "- {case: the parent's, hook: b, input: 0, expect: {refused: too low}}\n"
				    "- {case: none, hook: c, input: 0, expect: {output: null}}\n"
				    "- {case: fails, hook: a, input: 0, expect: {refused: x}}\n"
				    "- {case: other, hook: a, input: {n: 1}, expect: {output: {n: 4}}}\n"
				    "- {case: not refused, hook: a, input: {n: 1}, expect: {refused: x}}\n";
	static const char *const expected[] = {
		NULL,
		NULL,
		"cases/a.yaml:3: hooks.lua: found no function \"c\"",
		"cases/a.yaml:4: hooks.lua:2: attempt to index a number value (local 'x')",
		"cases/a.yaml:5: output: found {\"n\":3}, expected {\"n\":4}",
		"cases/a.yaml:6: refused: found {\"n\":3}, expected a refusal",
	};
	struct trib_play_file files[] = {
		{ trib_bytes_text("play.yaml"), trib_bytes_text("name: child\nparent: live\nwhen: 'true'\n") },
		{ trib_bytes_text("cases/a.yaml"), trib_bytes_text(cases) },
		{ trib_bytes_text("hooks.lua"), trib_bytes_text("function a(x)\n  return {n = x.n + 2}\nend\n") },
	};
	struct trib_plays *plays = trib_plays_new();
	struct trib_play *play;
	struct trib_error error;
	char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

	assert_ok(read_play(right, "hooks.lua",
			    "function a() return 1 end\nfunction b(x) if x < 1 then return nil, 'too low' end return x end\n",
			    &play, &error),
		  error);
	assert_ok(trib_plays_add(plays, play, &error), error);
	assert_ok(trib_play_new(files, 3, &trees, &play, &error), error);
	assert_ok(trib_plays_add(plays, play, &error), error);
	assert_ok(trib_plays_link(plays, &error), error);
	for (uint32_t i = 0; i < TRIB_ARRAY_SIZE(expected); i++) {
		trib_status status = trib_play_run_case(plays, play, i, &trees, &error);

		snprintf(found, sizeof(found), "%s: %s", error.at, error.text);
		if ((status == TRIB_OK) != !expected[i] || (expected[i] && strcmp(found, expected[i]) != 0))
			fail_msg("case %u\ngives    %s\nexpected %s", i, status == TRIB_OK ? "good" : found,
				 expected[i] ? expected[i] : "good");
	}
	trib_plays_free(plays);
}

/* A case that expects another play says why that one did not win. */
static void test_why_not(void **state)
{
	static const struct {
		const char *request, *play, *expected;
	} rows[] = {
		{ "{scene: live}", "low", "found high, expected low; high has the higher priority" },
		{ "{scene: shelf}", "high", "found low, expected high; the `when` of high is false" },
		{ "{scene: shelf, level: 1}", "child", "found low, expected child; the `when` of high is false" },
		{ "{scene: live, level: 1}", "high", "found child, expected high; child has more ancestors" },
		{ "{scene: live}", "wrong", "found high, expected wrong; the `when` of wrong is an error: no such key" },
		{ "{scene: live}", "nobody", "found high, expected nobody" },
		{ "{scene: live}", "default", "found high, expected default" },
		{ "{site: jd}", "low", "found site, expected low; site asks for more of the request" },
		{ "{site: jd}", "site2", "found site, expected site2; site comes first by name" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_plays *plays = trib_plays_new();
		struct trib_play *play;
		struct trib_error error;
		char cases[256];

		add(plays, "name: low\nwhen: 'true'\n");
		add(plays, "name: child\nparent: high\nwhen: request.level > 0\n");
		add(plays, "name: wrong\nwhen: request.ext.x == 1\n");
		add(plays, "name: site\nwhen: request.site == 'jd'\n");
		add(plays, "name: site2\nwhen: request.site == 'jd'\n");
		snprintf(cases, sizeof(cases), "- {case: x, request: %s, expect: {play: %s}}\n", rows[i].request, rows[i].play);
		assert_ok(read_play("name: high\npriority: 1\nwhen: request.scene == 'live'\n", "cases/a.yaml", cases, &play, &error),
			  error);
		assert_ok(trib_plays_add(plays, play, &error), error);
		assert_ok(trib_plays_link(plays, &error), error);
		assert_int_equal(trib_play_run_case(plays, play, 0, &trees, &error), TRIB_INVALID);
		if (strncmp(error.text, rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("gives    %s\nexpected %s", error.text, rows[i].expected);
		trib_plays_free(plays);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),		 cmocka_unit_test(test_limits),
		cmocka_unit_test(test_resolve),		 cmocka_unit_test(test_requests_refused),
		cmocka_unit_test(test_parents),		 cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_case_of_rules),	 cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
