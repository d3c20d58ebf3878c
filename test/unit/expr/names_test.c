#include "rows.h"

static void variables(void **state)
{
	static const struct binding bound[] = {
		{ "x", "int", "123" },
		{ "a.b.c", "string", "'whole'" },
		{ "a.b", "map(string, string)", "{'c': 'part', 'd': 'deep'}" },
		{ "gone", "int", NULL },
		{ "l", "list(string)", "['pancakes']" },
		{ "d", "dyn", "{'k': [1, {'n': 5}]}" },
		{ "w", "wrapper(int)", "7" },
		{ "n", "wrapper(int)", "null" },
		{ "t", "type", "int" },
	};
	static const struct bindings with = { .rows = bound, .count = TRIB_ARRAY_SIZE(bound) };
	static const struct row rows[] = {
		{ "x + 1", "124" },
		{ "a.b.c", "\"whole\"" },
		{ "(a.b).c", "\"part\"" },
		{ "a.b.d", "\"deep\"" },
		{ "a.b['c']", "\"part\"" },
		{ "a.b.e", "eval: no such key: 'e'" },
		{ "a", "check: undeclared reference to 'a'", "eval: undeclared reference to 'a'" },
		{ "a.x", "check: undeclared reference to 'a'",
		  "eval: undeclared reference to 'a'" },
		{ "x.y", "check: does not support field selection",
		  "eval: does not support field selection" },
		{ "l.pancakes", "check: does not support field selection",
		  "eval: does not support field selection" },
		{ "gone", "eval: no such attribute: gone" },
		{ "gone == 1 || true", "true" },
		{ "nowhere || true", "check: undeclared", "true" },
		{ "d.k[1].n", "5" },
		{ "d.k[1].m", "eval: no such key: 'm'" },
		{ "d.k.n", "eval: does not support field selection" },
		{ "has(a.b.c)", "true" },
		{ "has(a.b)", "true" },
		{ "has(a.b.x)", "false" },
		{ "has(d.k) && !has(d.m)", "true" },
		{ "has(x.y)", "check: does not support field selection",
		  "eval: does not support field selection" },
		{ "has(x)", "parse: expected a field selection" },
		{ "has(1)", "parse: expected a field selection" },
		{ "has(a.b[0])", "parse: expected a field selection" },
		{ "w + 1", "8" },
		{ "w == 7 && n == null", "true" },
		{ "n + 1", "eval: no such overload: '+' applied to (null_type, int)" },
		{ "type(x) == t", "true" },
		{ ".x", "123" },
		{ "true ? x : 0", "123" },
		{ "f_unknown(17)", "check: undeclared reference to 'f_unknown'",
		  "eval: undeclared reference to 'f_unknown'" },
		{ "f_unknown(17) || true", "check: undeclared", "true" },
		{ "x.unknown() || true", "check: undeclared", "true" },
		{ "x.package() || true", "check: undeclared", "true" },
		{ "contains('a', 'a')", "check: no matching overload", "eval: no such overload" },
		{ "'a'.contains()", "check: no matching overload", "eval: no such overload" },
		{ "Msg{a: 1}", "check: messages are not supported", "eval: undeclared reference" },
		{ "a.b.Msg{}", "check: messages are not supported", "eval: undeclared reference" },
		{ "int", "int" },
		{ "google.protobuf.Timestamp", "google.protobuf.Timestamp" },
		{ "type(duration('1s')) == google.protobuf.Duration", "true" },
		{ "type(null) == null_type && type([]) == list && type({}) == map && type(int) == "
		  "type",
		  "true" },
		{ "dyn", "check: undeclared", "eval: undeclared reference to 'dyn'" },
	};

	CHECK_ROWS_WITH(&with, rows);
}

static void containers(void **state)
{
	static const struct binding bound[] = {
		{ "com.example.y", "string", "'inner'" },
		{ "y", "string", "'outer'" },
		{ "com.z", "string", "'middle'" },
		{ "com.example.p.q", "int", "42" },
		{ "p.q", "int", "7" },
		{ "int", "int", "5" },
	};
	static const struct bindings with = { .container = "com.example",
					      .rows = bound,
					      .count = TRIB_ARRAY_SIZE(bound) };
	static const struct row rows[] = {
		{ "y", "\"inner\"" },
		{ ".y", "\"outer\"" },
		{ "z", "\"middle\"" },
		{ "com.example.y", "\"inner\"" },
		{ "example.y", "\"inner\"" },
		{ "p.q", "42" },
		{ ".p.q", "7" },
		{ "['l'].exists(y, y == 'l')", "true" },
		{ "['l'].exists(y, .y == 'outer')", "true" },
		{ "[{'q': 0}].exists(p, p.q == 0)", "true" },
		{ "[{'q': 0}].exists(p, .p.q == 7)", "true" },
		{ "[1].exists(y, [0].exists(y, y == 0))", "true" },
		{ "int", "5" },
		{ "int(5.5)", "5" },
		{ "uint", "uint" },
		{ "q", "check: (in container 'com.example')",
		  "eval: (in container 'com.example')" },
		{ "math.greatest(1, 2)", "2" },
	};

	CHECK_ROWS_WITH(&with, rows);
	static const struct bindings math = { .container = "math" };
	static const struct row math_rows[] = {
		{ "greatest(1, 2)", "2" },
		{ "abs(-2)", "2" },
	};

	CHECK_ROWS_WITH(&math, math_rows);
}

/* What rules add: presence of names without a dot, and early errors. */
static void facts(void **state)
{
	static const struct binding bound[] = {
		{ "touch", NULL, "true" },
		{ "link", NULL, NULL },
		{ "touch.carrier", "string", "'live'" },
		{ "touch.channel", "string", NULL },
		{ "touch.age", "google.protobuf.Duration", "duration('90s')" },
		{ "creator.tags", "list(string)", "['new', 'beauty']" },
		{ "order.ext", "map(string, string)", "{'coupon': 'x1'}" },
	};
	static const struct bindings with = { .flags = TRIB_EXPR_FACTS,
					      .rows = bound,
					      .count = TRIB_ARRAY_SIZE(bound) };
	static const struct row rows[] = {
		{ "has(touch)", "true" },
		{ "has(link)", "false" },
		{ "has(touch.carrier)", "true" },
		{ "has(touch.channel)", "false" },
		{ "has(touch.channel) && touch.channel == 'c'", "false" },
		{ "touch.channel == 'c'", "eval: no such attribute: touch.channel" },
		{ "has(other)", "check: undeclared reference to 'other'",
		  "eval: undeclared reference to 'other'" },
		{ "touch", "check: expected has(touch)" },
		{ "touch.nothing == 1", "check: expected has(touch)" },
		{ "has(order.ext.coupon) && !has(order.ext.gift)", "true" },
		{ "touch.age < duration('2m')", "true" },
		{ "'new' in creator.tags && order.ext['coupon'] == 'x1'", "true" },
		{ "touch.carrier.matches('[')", "check: invalid regular expression",
		  "check: invalid regular expression" },
		{ "touch.age < duration('two minutes')", "check: 'duration' fails",
		  "check: 'duration' fails" },
		{ "1 / 0 == 1", "check: '/' fails: division by zero",
		  "check: '/' fails: division by zero" },
	};

	CHECK_ROWS_WITH(&with, rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables),
		cmocka_unit_test(containers),
		cmocka_unit_test(facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
