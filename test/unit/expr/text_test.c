#include "rows.h"

static void standard(void **state)
{
	static const struct row rows[] = {
		{ "'foobar'.startsWith('foo')", "true" },
		{ "'foobar'.startsWith('bar')", "false" },
		{ "''.startsWith('foo')", "false" },
		{ "''.startsWith('')", "true" },
		{ "'завтра'.startsWith('за')", "true" },
		{ "'foobar'.endsWith('bar')", "true" },
		{ "'bar'.endsWith('foobar')", "false" },
		{ "'forté'.endsWith('té')", "true" },
		{ "'hello'.contains('ell') && 'hello'.contains('')", "true" },
		{ "'hello'.contains('ol')", "false" },
		{ "'Straße'.contains('aß')", "true" },
		{ "'he' + 'llo' + ''", "\"hello\"" },
		{ "b'ab' + b'\\xff'", "b\"ab\\xff\"" },
		{ "'a' + b'b'", "check: no matching overload", "eval: no such overload" },
		{ "'hubba'.matches('ubb')", "true" },
		{ "matches('hubba', '^ubb')", "false" },
		{ "'cows'.matches('')", "true" },
		{ "'grey'.matches('gr(a|e)y')", "true" },
		{ "'banana'.matches('ba(na)*$')", "true" },
		{ "'mañana'.matches('a+ñ+a+')", "true" },
		{ "'🐱😀😀'.matches('(a|😀){2}')", "true" },
		{ "'a\\nb'.matches('a.b')", "false" },
		{ "'ABC'.matches('(?i)abc')", "true" },
		{ "'a'.matches('[')", "eval: invalid regular expression" },
		{ "'a'.matches('a' + '[')", "eval: invalid regular expression" },
		{ "'a'.matches('(?=a)')", "eval: invalid regular expression" },
		{ "'a'.matches('(a)\\\\1')", "eval: invalid regular expression" },
		{ "['ab', 'cd'].filter(s, s.matches('^c'))", "[\"cd\"]" },
		{ "['^a', '^c'].map(p, 'cd'.matches(p))", "[false, true]" },
		{ "'a'.matches(1)", "check: no matching overload", "eval: no such overload" },
	};

	CHECK_ROWS(rows);
}

static void places(void **state)
{
	static const struct row rows[] = {
		{ "'tacocat'.charAt(3)", "\"o\"" },
		{ "'tacocat'.charAt(7)", "\"\"" },
		{ "'©αT'.charAt(1)", "\"α\"" },
		{ "'tacocat'.charAt(8)", "eval: index out of range: 8" },
		{ "'tacocat'.charAt(-1)", "eval: index out of range: -1" },
		{ "'tacocat'.indexOf('')", "0" },
		{ "'tacocat'.indexOf('ac')", "1" },
		{ "'tacocat'.indexOf('none')", "-1" },
		{ "'tacocat'.indexOf('', 3)", "3" },
		{ "'tacocat'.indexOf('a', 3)", "5" },
		{ "'tacocat'.indexOf('t', 7)", "-1" },
		{ "'tacocat'.indexOf('a', 30)", "eval: index out of range: 30" },
		{ "'tacocat'.indexOf('a', -1)", "eval: index out of range: -1" },
		{ "'ta©o©αT'.indexOf('©', 3)", "4" },
		{ "'ta©o©αT'.indexOf('©αT', 3)", "4" },
		{ "'ta©o©αT'.indexOf('©α', 5)", "-1" },
		{ "''.lastIndexOf('@@')", "-1" },
		{ "'tacocat'.lastIndexOf('')", "7" },
		{ "'tacocat'.lastIndexOf('at')", "5" },
		{ "'tacocat'.lastIndexOf('', 3)", "3" },
		{ "'tacocat'.lastIndexOf('a', 3)", "1" },
		{ "'ta©o©αT'.lastIndexOf('©')", "4" },
		{ "'ta©o©αT'.lastIndexOf('©', 3)", "2" },
		{ "'ta©o©αT'.lastIndexOf('©α', 4)", "4" },
		{ "'hello wello'.lastIndexOf('ello', 6)", "1" },
		{ "'bananananana'.lastIndexOf('nana', 7)", "6" },
		{ "'tacocat'.lastIndexOf('a', -1)", "eval: index out of range: -1" },
		{ "'tacocat'.lastIndexOf('a', 30)", "eval: index out of range: 30" },
		{ "'tacocat'.substring(4)", "\"cat\"" },
		{ "'tacocat'.substring(7)", "\"\"" },
		{ "'tacocat'.substring(0, 4)", "\"taco\"" },
		{ "'ta©o©αT'.substring(2, 6)", "\"©o©α\"" },
		{ "'ta©o©αT'.substring(7, 7)", "\"\"" },
		{ "'tacocat'.substring(40)", "eval: index out of range: 40" },
		{ "'tacocat'.substring(-1)", "eval: index out of range: -1" },
		{ "'tacocat'.substring(1, 50)", "eval: index out of range: 50" },
		{ "'tacocat'.substring(4, 3)", "eval: invalid range" },
		{ "42.charAt(2)", "check: no matching overload", "eval: no such overload" },
		{ "'42'.indexOf('4', '0')", "check: no matching overload",
		  "eval: no such overload" },
		{ "'42'.indexOf('4', 0, 1)", "check: no matching overload",
		  "eval: no such overload" },
		{ "'hello'.substring(1, 2, 3)", "check: no matching overload",
		  "eval: no such overload" },
		{ "dyn('tacocat').substring(0, dyn(false))", "eval: no such overload" },
	};

	CHECK_ROWS(rows);
}

static void changes(void **state)
{
	static const struct row rows[] = {
		{ "'TacoCÆt'.lowerAscii()", "\"tacocÆt\"" },
		{ "'tacoCαt'.upperAscii()", "\"TACOCαT\"" },
		{ "'{0} days {0} hours'.replace('{0}', '2')", "\"2 days 2 hours\"" },
		{ "'{0} days {0} hours'.replace('{0}', '2', 1).replace('{0}', '23')",
		  "\"2 days 23 hours\"" },
		{ "'1 ©αT taco'.replace('αT', 'o©α')", "\"1 ©o©α taco\"" },
		{ "'abc'.replace('x', 'y')", "\"abc\"" },
		{ "'abc'.replace('', '-')", "\"-a-b-c-\"" },
		{ "'αβ'.replace('', '-', 2)", "\"-α-β\"" },
		{ "'abc'.replace('b', '', -1)", "\"ac\"" },
		{ "'abc'.replace('b', 'x', 0)", "\"abc\"" },
		{ "''.replace('', 'x')", "\"x\"" },
		{ "'hello world'.split(' ')", "[\"hello\", \"world\"]" },
		{ "'a b c'.split(' ', 0)", "[]" },
		{ "'a b c'.split(' ', 1)", "[\"a b c\"]" },
		{ "'a b c'.split(' ', 2)", "[\"a\", \"b c\"]" },
		{ "'o©o©o'.split('©', -1)", "[\"o\", \"o\", \"o\"]" },
		{ "'aαb'.split('')", "[\"a\", \"α\", \"b\"]" },
		{ "'aαb'.split('', 2)", "[\"a\", \"αb\"]" },
		{ "''.split('')", "[]" },
		{ "''.split(',')", "[\"\"]" },
		{ "',a,'.split(',')", "[\"\", \"a\", \"\"]" },
		{ "['x', 'y'].join()", "\"xy\"" },
		{ "['x', 'y'].join('-')", "\"x-y\"" },
		{ "[].join('-') + ['x'].join('-')", "\"x\"" },
		{ "[1].join()", "check: no matching overload", "eval: no such overload" },
		{ "[dyn('a'), dyn(1)].join()", "eval: no such overload" },
		{ "' \\f\\n\\r\\t\\vtext  '.trim()", "\"text\"" },
		{ "'\\u0085\\u00a0\\u1680text\\u2003\\u2028\\u3000'.trim()", "\"text\"" },
		{ "'\\u180etext\\u200b\\ufeff'.trim() == '\\u180etext\\u200b\\ufeff'", "true" },
		{ "'   '.trim() + ''.trim()", "\"\"" },
		{ "'Ta©oCαt'.reverse()", "\"tαCo©aT\"" },
		{ "''.reverse()", "\"\"" },
		{ "strings.quote('first\\nsecond') == '\"first\\\\nsecond\"'", "true" },
		{ "strings.quote('\\a\\b\\f\\r\\t\\v\\\\\"\\'ÿ') == "
		  "'\"\\\\a\\\\b\\\\f\\\\r\\\\t\\\\v\\\\\\\\\\\\\"\\'ÿ\"'",
		  "true" },
		{ "strings.quote('')", "\"\\\"\\\"\"" },
	};

	CHECK_ROWS(rows);
}

static void format(void **state)
{
	static const struct row rows[] = {
		{ "'no substitution'.format([])", "\"no substitution\"" },
		{ "'%% and %s%%'.format(['text'])", "\"% and text%\"" },
		{ "'%d %s %d'.format([1, 'A', 2u])", "\"1 A 2\"" },
		{ "'%.3f'.format([1.2345])", "\"1.234\"" },
		{ "'%f'.format([2.71828])", "\"2.718280\"" },
		{ "'%f %f'.format([2, 3u])", "\"2.000000 3.000000\"" },
		{ "'%.0f %.0f'.format([1.5, 2.5])", "\"2 2\"" },
		{ "'%e'.format([2.71828])", "\"2.718280e+00\"" },
		{ "'%.6e'.format([1052.032911275])", "\"1.052033e+03\"" },
		{ "'%f %e %d'.format([0.0 / 0.0, 1.0 / 0.0, -1.0 / 0.0])",
		  "\"NaN Infinity -Infinity\"" },
		{ "'%b %b %b'.format([5, 64u, true])", "\"101 1000000 1\"" },
		{ "'%b'.format([-5])", "\"-101\"" },
		{ "'%o %o'.format([11, 65535u])", "\"13 177777\"" },
		{ "'%x %X %x'.format([30, 6000u, -255])", "\"1e 1770 -ff\"" },
		{ "'%x %X'.format(['Hello', b'\\xff'])", "\"48656c6c6f FF\"" },
		{ "'%x'.format([-9223372036854775808])", "\"-8000000000000000\"" },
		{ "'%s %s %s'.format([null, true, 1e20])", "\"null true 100000000000000000000\"" },
		{ "'%s'.format([[double('NaN'), 1.0 / 0.0]])", "\"[NaN, Infinity]\"" },
		{ "'%s'.format([b'x\\xffyz'])", "\"x\xef\xbf\xbdyz\"" },
		{ "'%s %s'.format([type('a'), timestamp('2023-02-03T23:31:20+00:00')])",
		  "\"string 2023-02-03T23:31:20Z\"" },
		{ "'%s'.format([duration('1h45m47s')])", "\"6347s\"" },
		{ "'%s'.format([['abc', 3.14, null, [9, 8]]])", "\"[abc, 3.14, null, [9, 8]]\"" },
		{ "'%s'.format([{'b': b'xyz', 'c': null, 'a': duration('2h')}])",
		  "\"{a: 7200s, b: xyz, c: null}\"" },
		{ "'%s'.format([{'k': 'x', 6: duration('422s'), true: 42}])",
		  "\"{6: 422s, k: x, true: 42}\"" },
		{ "'%a'.format([1])", "eval: could not parse formatting clause" },
		{ "'%E'.format([0.5])", "eval: could not parse formatting clause" },
		{ "'%'.format([1])", "eval: could not parse formatting clause" },
		{ "'%.'.format([1])", "eval: could not parse formatting clause" },
		{ "'%.f'.format([1.0])", "eval: could not parse formatting clause" },
		{ "'%.1001f'.format([1.0])", "eval: could not parse formatting clause" },
		{ "'%.99999999999999999999f'.format([1.0])",
		  "eval: could not parse formatting clause" },
		{ "'%.1000f'.format([1e300]).size()", "1302" },
		{ "'%d %d'.format([0])", "eval: fewer values" },
		{ "'%d'.format([0, 1])", "\"0\"" },
		{ "'%b'.format(['a'])", "eval: does not take a value" },
		{ "'%d'.format([1.5])", "eval: does not take a value" },
		{ "'%d'.format([duration('1s')])", "eval: does not take a value" },
		{ "'%o'.format(['a'])", "eval: does not take a value" },
		{ "'%x'.format([0.5])", "eval: does not take a value" },
		{ "'%e'.format([null])", "eval: does not take a value" },
		{ "'%s'.format(1)", "check: no matching overload", "eval: no such overload" },
	};

	CHECK_ROWS(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(standard), cmocka_unit_test(places),
					    cmocka_unit_test(changes), cmocka_unit_test(format) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
