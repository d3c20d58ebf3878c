#include "rows.h"

static void numbers(void **state)
{
	static const struct row rows[] = {
		{ "0", "0" },
		{ "42", "42" },
		{ "-42", "-42" },
		{ "007", "7" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "- 9223372036854775808", "-9223372036854775808" },
		{ "9223372036854775808", "parse: does not fit an int" },
		{ "-9223372036854775809", "parse: does not fit an int" },
		{ "99999999999999999999", "parse: does not fit 64 bits" },
		{ "0x1F", "31" },
		{ "-0xff", "-255" },
		{ "0xFFu", "255u" },
		{ "0x", "parse: found \"x\"" },
		{ "5u", "5u" },
		{ "5U", "5u" },
		{ "18446744073709551615u", "18446744073709551615u" },
		{ "18446744073709551616u", "parse: does not fit 64 bits" },
		{ "-5u", "check: no matching overload for '-_'", "eval: no such overload" },
		{ "1.5", "1.5" },
		{ "-2.3e+1", "-23.0" },
		{ "0e+0", "0.0" },
		{ ".5", "0.5" },
		{ "1e3", "1000.0" },
		{ "6.02214e23", "6.02214e+23" },
		{ "1.38e-23", "1.38e-23" },
		{ "1e400", "parse: does not fit a double" },
		{ "-0.0", "-0.0" },
		{ "1.", "parse: found the end" },
		{ "1e", "parse: found \"e\"" },
		{ "5e-324", "5e-324" },
		{ "0.1", "0.1" },
		{ "123456.789", "123456.789" },
		{ "1.7976931348623157e308", "1.7976931348623157e+308" },
		{ "2.2250738585072014e-308", "2.2250738585072014e-308" },
	};

	CHECK_ROWS(rows);
}

static void constants_and_space(void **state)
{
	static const struct row rows[] = {
		{ "true", "true" },
		{ "false", "false" },
		{ "null", "null" },
		{ " \t\r\n\f 1 ", "1" },
		{ "1 // one\n + 2 // two", "3" },
		{ "1 // one\r + 2", "1" },
		{ "// nothing", "parse: found the end" },
		{ "", "parse: found the end" },
		{ "1 2", "parse: found a number, expected an operator or the end" },
		{ "1 @ 2", "parse: begins nothing" },
		{ "(1", "parse: found the end, expected ')'" },
		{ "1)", "parse: found ')'" },
		{ "[1, 2", "parse: found the end, expected ']'" },
		{ "[1, 2,]", "[1, 2]" },
		{ "{1: 2,}", "{1: 2}" },
		{ "[,]", "parse: found ','" },
		{ "{1}", "parse: found '}', expected ':'" },
		{ "{1: }", "parse: found '}'" },
		{ "size([1],)", "parse: found ')', expected an argument" },
		{ "1 ? 2", "parse: found the end, expected ':'" },
		{ "true ? true ? 1 : 2 : 3", "parse: found '?', expected ':'" },
		{ "true ? (true ? 1 : 2) : 3", "1" },
		{ "true ? 1 : true ? 2 : 3", "1" },
		{ "1 = 2", "parse: expected == to compare" },
		{ "1 & 2", "parse: found &, expected &&" },
		{ "package", "parse: reserved word \"package\"" },
		{ "while(1)", "parse: reserved word" },
		{ "in", "parse: found in" },
		{ "{'while': 1}.while", "1" },
		{ "{'in': 1}.in", "parse: found in, expected a field" },
		{ "\xff", "parse: not valid UTF-8" },
		{ "'\xed\xa0\x80'", "parse: not valid UTF-8" },
	};

	CHECK_ROWS(rows);
}

static void strings(void **state)
{
	static const struct row rows[] = {
		{ "'hello'", "\"hello\"" },
		{ "\"hello\"", "\"hello\"" },
		{ "'''hel'lo'''", "\"hel'lo\"" },
		{ "\"\"\"hel\"lo\"\"\"", "\"hel\\\"lo\"" },
		{ "''''''", "\"\"" },
		{ "''", "\"\"" },
		{ "'''two\nlines'''", "\"two\\nlines\"" },
		{ "'''dos\r\nlines'''", "\"dos\\r\\nlines\"" },
		{ "'two\nlines'", "parse: found a line break" },
		{ "'two\rlines'", "parse: found a line break" },
		{ "'open", "parse: not closed" },
		{ "'''open''", "parse: not closed" },
		{ "'\\", "parse: unknown escape" },
		{ "'\\'", "parse: not closed" },
		{ "'\\a\\b\\f\\n\\r\\t\\v'", "\"\\a\\b\\f\\n\\r\\t\\v\"" },
		{ "'\\\\ \\? \\\" \\' \\`'", "\"\\\\ ? \\\" ' `\"" },
		{ "'\\q'", "parse: unknown escape" },
		{ "'\\400'", "parse: unknown escape" },
		{ "'\\08'", "parse: broken escape" },
		{ "'\\x4'", "parse: broken escape" },
		{ "'\\x41\\X42\\103'", "\"ABC\"" },
		{ "'\\xff\\377'", "\"ÿÿ\"" },
		{ "'\\u270c \\U0001f431'", "\"✌ 🐱\"" },
		{ "'\\ud83d\\ude00'", "\"😀\"" },
		{ "'\\ud83d'", "parse: broken escape" },
		{ "'\\ude00'", "parse: no Unicode code point" },
		{ "'\\U00110000'", "parse: no Unicode code point" },
		{ "'\\U00088888'", "\"\U00088888\"" },
		{ "r'\\n\\x41'", "\"\\\\n\\\\x41\"" },
		{ "R\"\\u0000\"", "\"\\\\u0000\"" },
		{ "r'''a\\'''", "\"a\\\\\"" },
		{ "'ÿ ©αT 😀'", "\"ÿ ©αT 😀\"" },
		{ "'\\000'.size()", "1" },
	};

	CHECK_ROWS(rows);
}

static void bytes(void **state)
{
	static const struct row rows[] = {
		{ "b'abc'", "b\"abc\"" },
		{ "B\"abc\"", "b\"abc\"" },
		{ "b''", "b\"\"" },
		{ "b'''a'b'''", "b\"a'b\"" },
		{ "b'ÿ'", "b\"\\xc3\\xbf\"" },
		{ "b'\\xff\\377\\000'", "b\"\\xff\\xff\\x00\"" },
		{ "b'\\u00ff'", "parse: no place in bytes" },
		{ "b'\\U000000ff'", "parse: no place in bytes" },
		{ "br'\\xff'", "b\"\\\\xff\"" },
		{ "bR'''\\n'''", "b\"\\\\n\"" },
		{ "rb'a'", "parse: found a string" },
	};

	CHECK_ROWS(rows);
}

/* The place of an error is a line and a column of code points. */
static void positions(void **state)
{
	static const struct {
		const char *expression;
		uint32_t line, column;
	} rows[] = {
		{ "1 +", 1, 4 },	{ "1 +\n  )", 2, 3 },	    { "'©αT' + )", 1, 9 },
		{ "true &&\nx", 2, 1 }, { "[1].map(x, y)", 1, 12 }, { "'a' +\n'b' + 1", 2, 5 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_expr_env env = { 0 };
		struct trib_expr_program *program = NULL;
		struct trib_expr_error error = { 0 };
		struct trib_error general;

		assert_int_not_equal(trib_expr_compile(&env, trib_bytes_text(rows[i].expression),
						       &program, &error),
				     TRIB_OK);
		assert_int_equal(error.line, rows[i].line);
		assert_int_equal(error.column, rows[i].column);
		assert_int_equal(trib_expr_fail(&general, "when", &error), error.status);
		assert_true(strstr(general.at, "when:"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),   cmocka_unit_test(constants_and_space),
		cmocka_unit_test(strings),   cmocka_unit_test(bytes),
		cmocka_unit_test(positions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
