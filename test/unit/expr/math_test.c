#include "rows.h"

static void extremes(void **state)
{
	static const struct row rows[] = {
		{ "math.greatest(-5)", "-5" },
		{ "math.greatest(1, 1.0)", "1" },
		{ "math.greatest(1.0, 1)", "1.0" },
		{ "math.greatest(1u, 1)", "1u" },
		{ "math.greatest(3, -3)", "3" },
		{ "math.greatest(1, 9223372036854775807)", "9223372036854775807" },
		{ "math.greatest(5.4, 10, 3u, -5.0, 18446744073709551615u)",
		  "18446744073709551615u" },
		{ "math.greatest([5.4, 10u, 3u, -5.0, 3.5])", "10u" },
		{ "math.greatest([dyn(5.4), dyn(10)])", "10" },
		{ "math.greatest(1, 1.797693e308)", "1.797693e+308" },
		{ "math.least(-5.5)", "-5.5" },
		{ "math.least(5, -7)", "-7" },
		{ "math.least(5.4, 10, 3u, -5.0)", "-5.0" },
		{ "math.least([5.4, 10u, 3u, 1u, 3.5])", "1u" },
		{ "math.least(1, 1u, 1.0)", "1" },
		{ "math.greatest([])", "eval: the list is empty" },
		{ "math.greatest()", "check: no matching overload", "eval: no such overload" },
		{ "math.greatest('a')", "check: no matching overload", "eval: no such overload" },
		{ "math.greatest(1, 'a')", "check: no matching overload",
		  "eval: no such overload" },
		{ "math.greatest(['a'])", "check: no matching overload", "eval: no such overload" },
		{ "math.greatest([1], 2)", "check: no matching overload",
		  "eval: no such overload" },
		{ "math.least(dyn('a'), 1)", "eval: no such overload" },
		{ "math.greatest(1, 2) + 1", "3" },
		{ "math.greatest(1, 2.0) + 1", "eval: no such overload" },
	};

	CHECK_ROWS(rows);
}

static void rounding(void **state)
{
	static const struct row rows[] = {
		{ "math.ceil(-1.2)", "-1.0" },
		{ "math.floor(-1.2)", "-2.0" },
		{ "math.round(-1.5)", "-2.0" },
		{ "math.round(1.5)", "2.0" },
		{ "math.round(2.5)", "3.0" },
		{ "math.round(-1.4)", "-1.0" },
		{ "math.trunc(-1.7)", "-1.0" },
		{ "math.isNaN(math.round(0.0 / 0.0))", "true" },
		{ "math.isNaN(0.0 / 0.0) && !math.isNaN(1.0 / 0.0)", "true" },
		{ "math.isInf(1.0 / 0.0) && !math.isInf(0.0 / 0.0)", "true" },
		{ "math.isFinite(1.5) && !math.isFinite(0.0 / 0.0) && !math.isFinite(-1.0 / 0.0)",
		  "true" },
		{ "math.ceil(1)", "check: no matching overload", "eval: no such overload" },
		{ "math.floor(dyn(1))", "eval: no such overload: 'math.floor' applied to (int)" },
		{ "math.isNaN(dyn(true))", "eval: no such overload" },
		{ "math.abs(-11)", "11" },
		{ "math.abs(1u)", "1u" },
		{ "math.abs(-11.5)", "11.5" },
		{ "math.abs(-9223372036854775808)", "eval: overflow" },
		{ "math.sign(-11)", "-1" },
		{ "math.sign(0u)", "0u" },
		{ "math.sign(100u)", "1u" },
		{ "math.sign(-32.0)", "-1.0" },
		{ "math.sign(0.0)", "0.0" },
		{ "math.sign(dyn(true))", "eval: no such overload" },
		{ "math.sqrt(81)", "9.0" },
		{ "math.sqrt(985.25)", "31.388692231439016" },
		{ "math.sqrt(49u)", "7.0" },
		{ "math.isNaN(math.sqrt(-15))", "true" },
		{ "math.sqrt('a')", "check: no matching overload", "eval: no such overload" },
	};

	CHECK_ROWS(rows);
}

static void bits(void **state)
{
	static const struct row rows[] = {
		{ "math.bitAnd(1, 3)", "1" },
		{ "math.bitAnd(1, -1)", "1" },
		{ "math.bitAnd(1u, 3u)", "1u" },
		{ "math.bitOr(4, -2)", "-2" },
		{ "math.bitOr(1u, 4u)", "5u" },
		{ "math.bitXor(4, -2)", "-6" },
		{ "math.bitXor(1u, 3u)", "2u" },
		{ "math.bitNot(1)", "-2" },
		{ "math.bitNot(0u)", "18446744073709551615u" },
		{ "math.bitShiftLeft(1, 2)", "4" },
		{ "math.bitShiftLeft(1, 63)", "-9223372036854775808" },
		{ "math.bitShiftLeft(-1, 200)", "0" },
		{ "math.bitShiftLeft(1u, 2)", "4u" },
		{ "math.bitShiftRight(1024, 2)", "256" },
		{ "math.bitShiftRight(-1024, 3)", "2305843009213693824" },
		{ "math.bitShiftRight(-1024, 64)", "0" },
		{ "math.bitShiftRight(1024u, 200)", "0u" },
		{ "math.bitShiftLeft(1u, -1)", "eval: negative offset" },
		{ "math.bitShiftRight(1, -1)", "eval: negative offset" },
		{ "math.bitAnd(1, 1u)", "check: no matching overload", "eval: no such overload" },
		{ "math.bitAnd(2u, dyn(''))", "eval: no such overload" },
		{ "math.bitShiftLeft(dyn(4.3), 1)", "eval: no such overload" },
		{ "math.bitNot(dyn(''))", "eval: no such overload" },
		{ "math.nothing(1)", "check: undeclared reference to 'math'",
		  "eval: undeclared reference" },
	};

	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(extremes), cmocka_unit_test(rounding),
					    cmocka_unit_test(bits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
