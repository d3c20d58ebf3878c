#include "rows.h"

static const struct row conversion_cases[] = {
	/* clang-format off */
	{ "int(42u)", "42" },
	{ "int(18446744073709551615u)", "eval: range" },
	{ "int(-7.9)", "-7" },
	{ "int(11.5)", "11" },
	{ "int(1e99)", "eval: range" },
	{ "int(9223372036854775807.0)", "eval: range" },
	{ "int(-9223372036854775808.0)", "eval: range" },
	{ "int(double(36028797018963969))", "36028797018963968" },
	{ "int(0.0 / 0.0)", "eval: range" },
	{ "int('987')", "987" },
	{ "int('-987')", "-987" },
	{ "int('+987')", "987" },
	{ "int('')", "eval: conversion" },
	{ "int('1.5')", "eval: conversion" },
	{ "int(' 1')", "eval: conversion" },
	{ "int('9223372036854775808')", "eval: conversion" },
	{ "int(timestamp('2004-09-16T23:59:59Z'))", "1095379199" },
	{ "int(timestamp('1969-12-31T23:59:59.5Z'))", "-1" },
	{ "int(true)", "check: no matching overload for 'int'", "eval: no such overload" },
	{ "int(5)", "5" },
	{ "uint(1729)", "1729u" },
	{ "uint(-1)", "eval: range" },
	{ "uint(25.5)", "25u" },
	{ "uint(-0.5)", "eval: range" },
	{ "uint(6.022e23)", "eval: range" },
	{ "uint(1e19)", "10000000000000000000u" },
	{ "uint('300')", "300u" },
	{ "uint('-1')", "eval: conversion" },
	{ "double(9223372036854775807)", "9.223372036854776e+18" },
	{ "double(18446744073709551615u)", "1.8446744073709552e+19" },
	{ "double('-84.32e7')", "-8.432e+08" },
	{ "double('NaN') != double('NaN')", "true" },
	{ "double('Infinity')", "double(\"Infinity\")" },
	{ "double('-inf')", "double(\"-Infinity\")" },
	{ "double('-0.0')", "-0.0" },
	{ "double('1e')", "eval: conversion" },
	{ "double('0x10')", "eval: conversion" },
	{ "double('1e999')", "eval: conversion" },
	{ "double('')", "eval: conversion" },
	{ "string(123)", "\"123\"" },
	{ "string(9876u)", "\"9876\"" },
	{ "string(-9223372036854775808)", "\"-9223372036854775808\"" },
	{ "string(123.456)", "\"123.456\"" },
	{ "string(-4.5e-3)", "\"-0.0045\"" },
	{ "string(1e6)", "\"1e+06\"" },
	{ "string(123456.0)", "\"123456\"" },
	{ "string(1e-5)", "\"1e-05\"" },
	{ "string(0.1 + 0.2)", "\"0.30000000000000004\"" },
	{ "string(1.0 / 3.0)", "\"0.3333333333333333\"" },
	{ "string(0.0 / 0.0) + string(1.0 / 0.0)", "\"NaN+Inf\"" },
	{ "string(true)", "\"true\"" },
	{ "string(b'\\303\\277')", "\"ÿ\"" },
	{ "string(b'\\000\\xff')", "eval: invalid UTF-8" },
	{ "string([1])", "check: no matching overload", "eval: no such overload" },
	{ "string('a')", "\"a\"" },
	{ "bytes('ÿ')", "b\"\\xc3\\xbf\"" },
	{ "bytes('\\377') == b'\\377'", "false" },
	{ "bytes(b'a')", "b\"a\"" },
	{ "bytes(1)", "check: no matching overload", "eval: no such overload" },
	{ "bool('1') && bool('t') && bool('true') && bool('TRUE') && bool('True')", "true" },
	{ "bool('0') || bool('f') || bool('false') || bool('FALSE') || bool('False')", "false" },
	{ "bool('TrUe')", "eval: conversion" },
	{ "bool(1)", "check: no matching overload", "eval: no such overload" },
	{ "bool(true)", "true" },
	{ "dyn(1)", "1" },
	{ "type(dyn([1, 'one']))", "list" },
	{ "type(type(7)) == type(type(7u))", "true" },
	{ "type(1.0)", "double" },
	{ "type(b'')", "bytes" },
	{ "type(timestamp(0))", "google.protobuf.Timestamp" },
	{ "int(uint(int(uint(int(uint(int(uint(int(uint(int(uint(7))))))))))))", "7" },
	/* clang-format on */
};

static void conversions(void **state)
{
	CHECK_ROWS(conversion_cases);
}

static void sizes(void **state)
{
	static const struct row rows[] = {
		{ "size('')", "0" },
		{ "size('πέντε')", "5" },
		{ "'😀'.size()", "1" },
		{ "size(b'\\303\\277')", "2" },
		{ "b'abc'.size()", "3" },
		{ "size({1: 2, 3: 4})", "2" },
		{ "size(1)", "check: no matching overload", "eval: no such overload" },
	};

	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(conversions),
					    cmocka_unit_test(sizes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
