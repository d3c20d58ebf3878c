#include "rows.h"

static void all_and_exists(void **state)
{
	static const struct row rows[] = {
		{ "[1, 2, 3].all(e, e > 0)", "true" },
		{ "[1, 2, 3].all(e, e == 2)", "false" },
		{ "[].all(e, e > 0)", "true" },
		{ "[1, 2, 3].exists(e, e == 2)", "true" },
		{ "[1, 2, 3].exists(e, e > 3)", "false" },
		{ "[].exists(e, e == 2)", "false" },
		{ "[1, 'foo', 3].exists(e, e == '10')", "false" },
		{ "[1, 'foo', 3].all(e, e % 2 == 1)", "eval: no such overload" },
		{ "[1, 'foo', 2].all(e, e % 2 == 1)", "false" },
		{ "[1, 2, 3].all(e, 6 / (2 - e) == 6)", "false" },
		{ "[1, 2, 3].all(e, e / 0 != 17)", "eval: division by zero" },
		{ "[1, 2, 3].exists(e, e / 0 == 17)", "eval: division by zero" },
		{ "[1, 2, 3].exists(e, 6 / (2 - e) == 6)", "true" },
		{ "{'a': 1, 'b': 2}.exists(k, k == 'b')", "true" },
		{ "{'a': 1, 'b': 2}.all(k, k == 'b')", "false" },
		{ "!{'key': 1, 1: 42}.exists(k, k == 2)", "true" },
		{ "[1].all(e, e)", "check: expected a bool in all()", "eval: no such overload" },
		{ "[1].exists(e, dyn(e))", "eval: no such overload" },
		{ "5.all(e, true)", "check: neither a list nor a map",
		  "eval: expected a list or a map" },
		{ "dyn(5).exists(e, true)", "eval: expected a list or a map" },
		{ "[1 / 0].all(e, true)", "eval: division by zero" },
		{ "[1].all(1, true)", "parse: expected a simple name" },
		{ "[1].all(a.b, true)", "parse: expected a simple name" },
		{ "[1].all(.a, true)", "parse: expected a simple name" },
		{ "['s'].all(s, ['a'].all(a, s != a))", "true" },
		{ "[[1, 2], [3]].all(l, l.exists(e, e % 2 == 1))", "true" },
		{ "[[1, 2], [4]].all(l, l.exists(e, e % 2 == 1))", "false" },
	};

	CHECK_ROWS(rows);
}

static void others(void **state)
{
	static const struct row rows[] = {
		{ "[].exists_one(a, a == 7)", "false" },
		{ "[7, 8].exists_one(a, a == 7)", "true" },
		{ "[7, 8].existsOne(a, a == 7)", "true" },
		{ "[7, 7].exists_one(a, a == 7)", "false" },
		{ "[3, 2, 1, 0].exists_one(n, 12 / n > 1)", "eval: division by zero" },
		{ "{6: 'six', 7: 'seven', 8: 'eight'}.exists_one(k, k % 5 == 2)", "true" },
		{ "[].map(n, n / 2)", "[]" },
		{ "[2, 4, 6].map(n, n / 2)", "[1, 2, 3]" },
		{ "[2, 1, 0].map(n, 4 / n)", "eval: division by zero" },
		{ "{1: 1, 2: 4}.map(k, k * 10)", "[10, 20]" },
		{ "[1, 2, 3, 4].map(n, n % 2 == 0, n * n)", "[4, 16]" },
		{ "[1, 0].map(n, 1 / n > 0, n)", "eval: division by zero" },
		{ "[1, 2].map(n, n, n)", "check: expected a bool in map()",
		  "eval: no such overload" },
		{ "[0, 1, 2, 3, 4].filter(x, x % 2 == 1)", "[1, 3]" },
		{ "{0: 10, 1: 11, 2: 12, 3: 13}.filter(k, k % 2 == 1)", "[1, 3]" },
		{ "[3, 2, 1, 0].filter(n, 12 / n > 4)", "eval: division by zero" },
		{ "[1].filter(n, 'a')", "check: expected a bool in filter()",
		  "eval: no such overload" },
		{ "[1, 2, 3].filter(x, x > 1).map(x, x + 1).exists(x, x == 4)", "true" },
		{ "[[1, 2], [3]].map(l, l.map(e, e * 2))", "[[2, 4], [6]]" },
		{ "[1, 2].map(x, [3, 4].map(y, x * y))", "[[3, 4], [6, 8]]" },
		{ "[1, 2].map(x, [3, 4].map(x, x))", "[[3, 4], [3, 4]]" },
		{ "[0].map(i, [i, i + 1, i + 2, i + 3, i + 4].map(j, [j].map(k, [k].map(l, l))))",
		  "[[[[0]], [[1]], [[2]], [[3]], [[4]]]]" },
		{ "has({'a': 1, 'b': 2}.a)", "true" },
		{ "has({'a': 1, 'b': 2}.c)", "false" },
		{ "has({}.a)", "false" },
		{ "has([1].a)", "check: field selection", "eval: field selection" },
		{ "{'a': null}.a == null && has({'a': null}.a)", "true" },
		{ "[1].map(x)", "check: undeclared reference to 'x'",
		  "eval: undeclared reference to 'map'" },
	};

	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_and_exists),
					    cmocka_unit_test(others) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
