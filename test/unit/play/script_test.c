/* Scripts: what comes of them, what they cannot do, and that whatever loops or eats ends alone. */
#include "test.h"

#include "base/limits.h"
#include "play/play.h"
#include "play/script.h"

static struct trib_script *script_of(const char *source)
{
	struct trib_script *script;
	struct trib_error error;
	uint32_t line;

	if (trib_script_new(trib_bytes_text(source), &script, &line, &error) != TRIB_OK)
		fail_msg("line %u: %s\n%s", line, error.text, source);
	return script;
}

/* What f returns of an input, or "line N: text" with the status's word before. */
static void call(const struct trib_script *script, const char *input, struct trib_buffer *result)
{
	const struct trib_json *json;
	struct trib_arena arena;
	struct trib_error error;
	uint32_t line;

	trib_buffer_reset(result);
	trib_arena_init(&arena, 1 << 20);
	assert_ok(trib_json_parse(trib_bytes_text(input), TRIB_LIMIT_JSON_DEPTH, &arena, &json, &error), error);
	trib_status status = trib_script_call(script, "f", json, result, &line, &error);

	if (status != TRIB_OK) {
		trib_buffer_reset(result);
		trib_buffer_add_format(result, "%s %u: %s", trib_status_word(status), line, error.text);
	}
	trib_arena_fini(&arena);
}

struct row {
	const char *body; /* of f(x) */
	const char *input, *expected;
};

static void check_rows(const struct row *rows, size_t count)
{
	struct trib_buffer result;
	char source[2048];

	trib_buffer_init(&result, 2 << 20);
	for (size_t i = 0; i < count; i++) {
		snprintf(source, sizeof(source), "function f(x)\n%s\nend\n", rows[i].body);
		struct trib_script *script = script_of(source);

		call(script, rows[i].input, &result);
		if (strcmp(trib_buffer_text(&result), rows[i].expected) != 0)
			fail_msg("%s\nof %s\ngives    %s\nexpected %s", rows[i].body, rows[i].input, trib_buffer_text(&result),
				 rows[i].expected);
		trib_script_free(script);
	}
	trib_buffer_fini(&result);
}

static void test_values(void **state)
{
	static const struct row rows[] = {
		{ "return x", "{\"b\":[1,2.5,\"达\",true,{}],\"a\":{\"c\":false}}", "{\"a\":{\"c\":false},\"b\":[1,2.5,\"达\",true,{}]}" },
		{ "return x", "9007199254740993", "9007199254740993" },
		{ "return x", "null", "null" },
		{ "return x", "[]", "{}" }, /* Lua has one empty table */
		{ "return {n = #x, last = x[#x]}", "[3,4,5]", "{\"last\":5,\"n\":3}" },
		{ "return 7 // 2, 'ignored'", "0", "3" },
		{ "return 7 / 2", "0", "3.5" },
		{ "return x.fee * 2", "{\"fee\":21}", "42" },
		{ "return ('a' .. x):upper():sub(1, 2)", "\"b\"", "\"AB\"" },
		{ "return string.format('%05.2f|%s|%d', 1.5, 'x', 3)", "0", "\"01.50|x|3\"" },
		{ "local s = '' for k, v in pairs(x) do s = s .. k .. v end return s", "{\"b\":1,\"a\":2,\"c\":3}", "\"a2b1c3\"" },
		{ "local s = '' for k, v in pairs({10, 20, z = 1, [-1] = 5}) do s = s .. k .. ',' end return s", "0", "\"-1,1,2,z,\"" },
		{ "local t = {} for i, v in ipairs(x) do t[i] = v + 1 end return t", "[1,2]", "[2,3]" },
		{ "return math.max(x[1], x[2])", "[1,2]", "2" },
		{ "return tostring(x) .. tostring(nil)", "true", "\"truenil\"" },
		{ "return nil, 'too dear'", "0", "refused 0: too dear" },
		{ "return nil, ''", "0", "refused 0: the script gave no reason" },
		{ "error('', 0)", "0", "invalid 0: the script gave no reason" },
		{ "return nil", "0", "null" },
		{ "return x.a.b", "{}", "invalid 2: attempt to index a nil value (field 'a')" },
		{ "error('mine')", "0", "invalid 2: mine" },
		{ "error({})", "0", "invalid 0: an error that is no text" },
		{ "return f", "0", "invalid 0: the script returned a function, expected what JSON can say" },
		{ "return {1, a = 2}", "0", "invalid 0: the script returned a table whose keys are neither strings nor 1 … n, expected what JSON can say" },
		{ "return 0/0", "0", "invalid 0: the script returned a number that is not finite, expected what JSON can say" },
		{ "return '\\xff'", "0", "invalid 0: the script returned a string that is no UTF-8, expected what JSON can say" },
		{ "local t = {} t.t = t return t", "0",
		  "invalid 0: the script returned a value that is too large or too deep, expected what JSON can say" },
	};

	check_rows(rows, TRIB_ARRAY_SIZE(rows));
}

/* Nothing of the outside, nothing that differs from call to call, nothing that hides an error. */
static void test_sandbox(void **state)
{
	static const char *const absent[] = {
		"io",	  "os",	     "require",	   "package",	"debug",    "coroutine", "load",     "loadstring", "loadfile",
		"dofile", "pcall",   "xpcall",	   "rawset",	"rawget",   "next",	 "collectgarbage", "print", "warn",
		"table",  "utf8",    "setmetatable", "getmetatable", "_G",   "string.find", "string.match", "string.gmatch",
		"string.gsub", "string.dump", "string.pack", "math.random", "math.randomseed", "('').find", "('').gsub",
	};
	struct trib_buffer result;
	char source[256];

	trib_buffer_init(&result, 1 << 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(absent); i++) {
		snprintf(source, sizeof(source), "function f(x) return type(%s) end", absent[i]);
		struct trib_script *script = script_of(source);

		call(script, "0", &result);
		if (strcmp(trib_buffer_text(&result), "\"nil\"") != 0)
			fail_msg("%s is %s", absent[i], trib_buffer_text(&result));
		trib_script_free(script);
	}
	static const struct row rows[] = {
		{ "return tostring({})", "0", "invalid 2: bad argument #1 to 'tostring' (string, number, boolean or nil expected)" },
		{ "return string.format('%p', 'x')", "0", "invalid 2: bad argument #1 to 'format' (unknown conversion)" },
		{ "return string.format('%-5p', 'x')", "0", "invalid 2: bad argument #1 to 'format' (unknown conversion)" },
		{ "return string.format('%s', f)", "0",
		  "invalid 2: bad argument #2 to 'format' (string, number, boolean or nil expected)" },
		{ "return string.format('%d%%p', 5)", "0", "\"5%p\"" },
	};
	check_rows(rows, TRIB_ARRAY_SIZE(rows));
	trib_buffer_fini(&result);
}

/* Nothing stays from one call to the next. */
static void test_fresh(void **state)
{
	struct trib_script *script = script_of("local up = 0\ncount = 0\nfunction f(x)\n up = up + 1\n count = count + 1\n"
					       " string.len = nil\n return up + count\nend\nlocal function g() end\nh = 3\n");
	struct trib_buffer result;

	trib_buffer_init(&result, 1 << 20);
	for (int i = 0; i < 3; i++) {
		call(script, "0", &result);
		assert_string_equal(trib_buffer_text(&result), "2");
	}
	assert_true(trib_script_has(script, "f"));
	assert_false(trib_script_has(script, "g"));
	assert_false(trib_script_has(script, "h"));
	assert_false(trib_script_has(script, "tostring"));
	assert_false(trib_script_has(script, ""));
	trib_script_free(script);
	trib_buffer_fini(&result);
}

static void test_limits(void **state)
{
	static const struct row rows[] = {
		{ "while true do end", "0", "limit 2: the script ran out of instructions" },
		{ "return f(x) + 1", "0", "limit 0: the script ran out of memory" },
		{ "local t = {} for i = 1, 1e9 do t[i] = i end", "0", "limit 0: the script ran out of memory" },
		{ "local s = 'x' while true do s = s .. s end", "0", "limit 0: the script ran out of memory" },
		{ "return ('x'):rep(1e9)", "0", "limit 0: the script ran out of memory" },
		{ "return ('x'):rep(1e7, 'y')", "0", "limit 0: the script ran out of memory" },
		{ "return {string.byte(('x'):rep(1e6), 1, -1)}", "0", "" },
		{ "local s = ('x'):rep(500000) while true do local t = s .. 'y' end", "0", "limit 0: the script ran out of memory" },
		{ "local a, b = ('x'):rep(900000), ('x'):rep(900000) while true do local c = a == b end", "0", "limit 2: the script ran out of " },
		{ "local t = {} for i = 1, 1000 do t[i] = i end while true do for k in pairs(t) do break end end", "0", "limit " },
	};
	struct trib_buffer result;
	char source[2048];

	trib_buffer_init(&result, 4 << 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		snprintf(source, sizeof(source), "function f(x)\n%s\nend\n", rows[i].body);
		struct trib_script *script = script_of(source);

		call(script, rows[i].input, &result);
		if (strncmp(trib_buffer_text(&result), rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("%s\ngives    %s\nexpected %s", rows[i].body, trib_buffer_text(&result), rows[i].expected);
		trib_script_free(script);
	}
	trib_buffer_fini(&result);
}

static void test_refused(void **state)
{
	static const struct {
		const char *source;
		uint32_t line;
		const char *text;
	} rows[] = {
		{ "function f(x)\n return 1 +\nend\n", 3, "unexpected symbol near 'end'" },
		{ "\n\nlocal x = nil + 1\n", 3, "attempt to perform arithmetic on a nil value" },
		{ "\nwhile true do end\n", 2, "the script ran out of instructions" },
		{ "x = io.open('/etc/passwd')\n", 1, "attempt to index a nil value (global 'io')" },
		{ "x = = 1\n", 1, "unexpected symbol near '='" },
		{ "\x1bLua", 0, "attempt to load a binary chunk (mode is 't')" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_script *script = NULL;
		struct trib_error error;
		uint32_t line = 0;

		if (trib_script_new(trib_bytes_text(rows[i].source), &script, &line, &error) == TRIB_OK)
			fail_msg("%s is taken", rows[i].source);
		if (line != rows[i].line || !strstr(error.text, rows[i].text))
			fail_msg("%s\ngives    %u: %s\nexpected %u: %s", rows[i].source, line, error.text, rows[i].line,
				 rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values), cmocka_unit_test(test_sandbox), cmocka_unit_test(test_fresh),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
