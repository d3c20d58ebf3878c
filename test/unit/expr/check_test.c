#include "rows.h"

static const struct {
	const char *expression, *type;
} types[] = {
	/* clang-format off */
	{ "1", "int" },
	{ "1u + 2u", "uint" },
	{ "1.0", "double" },
	{ "'a'", "string" },
	{ "b'a'", "bytes" },
	{ "true", "bool" },
	{ "null", "null_type" },
	{ "int", "type" },
	{ "type(1)", "type" },
	{ "timestamp(0)", "google.protobuf.Timestamp" },
	{ "timestamp(0) - timestamp(0)", "google.protobuf.Duration" },
	{ "timestamp(0) + duration('1s')", "google.protobuf.Timestamp" },
	{ "[]", "list(dyn)" },
	{ "{}", "map(dyn, dyn)" },
	{ "[1, 2]", "list(int)" },
	{ "[1, 'a']", "list(dyn)" },
	{ "[1, 1u, 1.0]", "list(dyn)" },
	{ "[[], [1]]", "list(list(int))" },
	{ "[[1], []]", "list(list(int))" },
	{ "[{}, {'a': 1}]", "list(map(string, int))" },
	{ "[null, timestamp(0)]", "list(google.protobuf.Timestamp)" },
	{ "[null, 1]", "list(dyn)" },
	{ "{'a': 1}", "map(string, int)" },
	{ "{'a': 1, 'b': 'c'}", "map(string, dyn)" },
	{ "{1: 1, 'b': 1}", "map(dyn, int)" },
	{ "[1, 2][0]", "int" },
	{ "{'a': [1.5]}['a']", "list(double)" },
	{ "{'a': [1.5]}.a[0]", "double" },
	{ "[] + [1]", "list(int)" },
	{ "[1] + [dyn(1)]", "list(dyn)" },
	{ "true ? 1 : 2", "int" },
	{ "true ? [] : ['a']", "list(string)" },
	{ "true ? dyn(1) : 2", "dyn" },
	{ "true ? null : timestamp(0)", "google.protobuf.Timestamp" },
	{ "dyn(1) + 2", "int" },
	{ "dyn(1) + dyn(2)", "dyn" },
	{ "dyn(1) < 2", "bool" },
	{ "dyn([1])[0]", "dyn" },
	{ "dyn({}).a.b", "dyn" },
	{ "[1, 2].map(x, x + 1)", "list(int)" },
	{ "[1, 2].map(x, [x])", "list(list(int))" },
	{ "[].map(x, x)", "list(dyn)" },
	{ "[].map(x, x + 1)", "list(int)" },
	{ "['a'].filter(x, x == 'a')", "list(string)" },
	{ "{'a': 1}.filter(k, true)", "list(string)" },
	{ "{1: 'a'}.map(k, k * 2)", "list(int)" },
	{ "[1].exists(x, x > 0)", "bool" },
	{ "[1].exists_one(x, x > 0)", "bool" },
	{ "has({'a': 1}.a)", "bool" },
	{ "'a,b'.split(',')", "list(string)" },
	{ "size([])", "int" },
	{ "1 in []", "bool" },
	{ "math.greatest(1, 2)", "int" },
	{ "math.greatest(1, 2u)", "dyn" },
	{ "math.greatest([1.5])", "double" },
	{ "w", "wrapper(int)" },
	{ "w + 1", "int" },
	{ "[w, 1]", "list(wrapper(int))" },
	{ "true ? w : null", "wrapper(int)" },
	{ "m.a", "list(map(string, dyn))" },
	{ "m.a[0].b.c", "dyn" },
	/* clang-format on */
};

/* The type the checker gives to an expression. */
static void deduced(void **state)
{
	static const struct trib_type wrapper = { TRIB_TYPE_WRAPPER, .element = &trib_type_int };
	struct trib_arena arena;
	struct trib_buffer text;
	struct trib_expr_variable variables[] = { { "w", &wrapper }, { "m", NULL } };
	struct trib_expr_env env = { .variables = variables, .variable_count = 2 };
	struct trib_expr_error error;

	trib_arena_init(&arena, 1 << 20);
	trib_buffer_init(&text, 1 << 12);
	assert_int_equal(trib_type_parse(trib_bytes_text("map(string, list(map(string, dyn)))"),
					 &arena, &variables[1].type, NULL),
			 TRIB_OK);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(types); i++) {
		struct trib_expr_program *program = NULL;

		if (trib_expr_compile(&env, trib_bytes_text(types[i].expression), &program,
				      &error) != TRIB_OK)
			fail_msg("%s: %s", types[i].expression, error.text);
		trib_buffer_reset(&text);
		trib_type_format(trib_expr_type(program), &text);
		if (strcmp(trib_buffer_text(&text), types[i].type))
			fail_msg("%s: found %s, expected %s", types[i].expression,
				 trib_buffer_text(&text), types[i].type);
		trib_expr_free(program);
	}
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
}

static void refused(void **state)
{
	static const struct row rows[] = {
		{ "[1, 2].map(x, x + 'a')", "check: '+' applied to (int, string)",
		  "eval: no such overload" },
		{ "['a'].all(x, x > 1)", "check: '>' applied to (string, int)",
		  "eval: no such overload" },
		{ "[[1]].map(l, l + ['a'])", "check: '+' applied to (list(int), list(string))",
		  "[[1, \"a\"]]" },
		{ "{'a': 1}.a + 'b'", "check: '+' applied to (int, string)",
		  "eval: no such overload" },
		{ "{'a': 1}[1]", "check: '[]' applied to (map(string, int), int)",
		  "eval: no such key" },
		{ "[1]['a']", "check: '[]' applied to (list(int), string)",
		  "eval: no such overload" },
		{ "(true ? [] : [1]) == ['a']", "check: '==' applied to (list(int), list(string))",
		  "false" },
		{ "1 in ['a']", "check: 'in' applied to (int, list(string))", "false" },
		{ "timestamp(0) < duration('1s')", "check: '<' applied to",
		  "eval: no such overload" },
		{ "'a'.size(1)", "check: 'size' applied to (string, int)",
		  "eval: no such overload" },
	};

	CHECK_ROWS(rows);
}

static void types_as_text(void **state)
{
	static const struct {
		const char *text, *type;
	} rows[] = {
		{ "int", "int" },
		{ " list( int ) ", "list(int)" },
		{ "map(string, list(map(int, dyn)))", "map(string, list(map(int, dyn)))" },
		{ "timestamp", "google.protobuf.Timestamp" },
		{ "google.protobuf.Duration", "google.protobuf.Duration" },
		{ "google.protobuf.Int64Value", "wrapper(int)" },
		{ "wrapper(string)", "wrapper(string)" },
		{ "google.protobuf.Struct", "map(string, dyn)" },
		{ "google.protobuf.Any", "dyn" },
		{ "null", "null_type" },
		{ "type(int)", "type" },
		{ "list", "list(dyn)" },
		{ "map", "map(dyn, dyn)" },
		{ "", NULL },
		{ "integer", NULL },
		{ "list(", NULL },
		{ "list()", NULL },
		{ "list(int", NULL },
		{ "list(int))", NULL },
		{ "map(int)", NULL },
		{ "map(int, int, int)", NULL },
		{ "int(int)", NULL },
		{ "list(list(list(list(list(list(list(list(list(list(list(list(list(list(list(list("
		  "list(list(list(list(list("
		  "list(list(list(list(list(list(list(list(list(list(list(list(list(list(int)))))))"
		  "))))))))))))))))))))))))))))",
		  NULL },
	};
	struct trib_arena arena;
	struct trib_buffer text;

	trib_arena_init(&arena, 1 << 20);
	trib_buffer_init(&text, 1 << 12);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct trib_type *type = NULL, *again = NULL;
		trib_status status =
			trib_type_parse(trib_bytes_text(rows[i].text), &arena, &type, NULL);

		assert_int_equal(status, rows[i].type ? TRIB_OK : TRIB_INVALID);
		if (!rows[i].type)
			continue;
		trib_buffer_reset(&text);
		trib_type_format(type, &text);
		assert_string_equal(trib_buffer_text(&text), rows[i].type);
		assert_int_equal(trib_type_parse(trib_buffer_bytes(&text), &arena, &again, NULL),
				 TRIB_OK);
		assert_true(trib_type_equal(type, again));
	}
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
}

/* Functions that the environment declares: typed and printed like others, but nothing evaluates them. */
static void declared_functions(void **state)
{
	static const struct trib_expr_variable variables[] = { { "title", &trib_type_string } };
	static const struct trib_expr_declared functions[] = { { "on_shelf", "s:b" },
							       { "words", ".ss:b" },
							       { "now", ":t" } };
	static const struct {
		const char *expression, *answer;
	} rows[] = {
		{ "on_shelf(\"c1\")", "on_shelf(\"c1\")" },
		{ "!on_shelf(\"c1\") && title.words(\"a\")", "!on_shelf(\"c1\") && title.words(\"a\")" },
		{ "now() - duration('1h') < now()", "now() - duration(\"3600s\") < now()" },
		{ "on_shelf(1)", "found no matching overload for 'on_shelf' applied to (int)" },
		{ "title.on_shelf()", "found no matching overload for 'on_shelf' applied to (string)" },
		{ "words(title, 'a')",
		  "found no matching overload for 'words' applied to (string, string)" },
		{ "now() + 1",
		  "found no matching overload for '+' applied to (google.protobuf.Timestamp, int)" },
	};
	struct trib_expr_env env = { .variables = variables, .variable_count = 1,
				     .functions = functions, .function_count = 3 };
	struct trib_buffer text;

	trib_buffer_init(&text, 1 << 12);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_expr_program *program = NULL;
		struct trib_expr_error error;

		trib_buffer_reset(&text);
		if (trib_expr_check(&env, trib_bytes_text(rows[i].expression), &program, &error) == TRIB_OK) {
			trib_expr_print(program, &text);
			assert_int_equal(trib_expr_generate(program, &error), TRIB_UNSUPPORTED);
		} else {
			trib_buffer_add_text(&text, error.text);
		}
		assert_string_equal(trib_buffer_text(&text), rows[i].answer);
		trib_expr_free(program);
	}
	trib_buffer_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deduced),
		cmocka_unit_test(refused),
		cmocka_unit_test(types_as_text),
		cmocka_unit_test(declared_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
