/* Expressions that would nest, run or grow without end: each is answered, soon, with an error that says why. */
#include "rows.h"

/* `count` times left, middle, `count` times right. */
static void build(struct trib_buffer *source, const char *left, uint32_t count, const char *middle,
		  const char *right)
{
	trib_buffer_reset(source);
	for (uint32_t i = 0; i < count; i++)
		trib_buffer_add_text(source, left);
	trib_buffer_add_text(source, middle);
	for (uint32_t i = 0; i < count; i++)
		trib_buffer_add_text(source, right);
}

static void nesting_and_chains(void **state)
{
	static const struct {
		const char *left;
		uint32_t count;
		const char *middle, *right, *expected;
	} rows[] = {
		{ "(", 249, "1", ")", "1" },
		{ "(", 250, "1", ")", "parse: nests deeper than 250" },
		{ "(", 30000, "1", ")", "parse: nests deeper" },
		{ "[", 30000, "", "]", "parse: nests deeper" },
		{ "{1:", 15000, "1", "}", "parse: nests deeper" },
		{ "size(", 9000, "'a'", ")", "parse: nests deeper" },
		{ "1[", 15000, "1", "]", "parse: nests deeper" },
		{ "true?1:", 249, "1", "", "1" },
		{ "true?1:", 250, "1", "", "parse: nests deeper" },
		{ "[1].all(x,", 4000, "true", ")", "parse: nests deeper" },
		{ "[1].all(x,", 240, "true", ")", "true" },
		{ "!", 60000, "true", "", "true" },
		{ "!", 60001, "true", "", "false" },
		{ "-", 60000, "1", "", "1" },
		{ "1+", 20000, "1", "", "20001" },
		{ "2*", 20000, "1", "", "eval: overflow" },
		{ "true&&", 10000, "true", "", "true" },
		{ "false||", 9000, "false", "", "false" },
		{ "true==", 9000, "true", "", "true" },
		{ "", 16000, "{'a': 1}", ".a", "check: field selection" },
		{ "", 16000, "[dyn(1)]", "[0]", "eval: no such overload" },
		{ "", 9000, "'a'", ".trim()", "\"a\"" },
		{ "", 2000, "[0]", ".filter(x, true)", "[0]" },
		{ "", 4000, "[0]", ".map(x, [x])", "eval: nests too deep" },
		{ "[]+", 20000, "[]", "", "[]" },
		{ "// comment\n", 5000, "1", "", "1" },
		{ " ", 60000, "1", "", "1" },
		{ "a.", 30000, "a", "", "check: undeclared" },
	};
	struct trib_arena arena;
	struct trib_buffer source, text;

	trib_arena_init(&arena, 64 << 20);
	trib_buffer_init(&source, 1 << 20);
	trib_buffer_init(&text, 1 << 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		build(&source, rows[i].left, rows[i].count, rows[i].middle, rows[i].right);
		trib_arena_reset(&arena);
		trib_buffer_reset(&text);
		evaluate_row(NULL, 0, trib_buffer_bytes(&source), &arena, &text);
		if (!row_is(trib_buffer_text(&text), rows[i].expected))
			fail_msg("%s × %u: found %s, expected %s",
				 rows[i].left[0] ? rows[i].left : rows[i].right, rows[i].count,
				 trib_buffer_text(&text), rows[i].expected);
	}
	trib_buffer_fini(&source);
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
}

/* [].all(v0, [].all(v1, … v0 == {v1: v1} && v1 == {v2: v2} …)): a type that doubles with every variable. */
static void types_that_explode(void **state)
{
	static const char *const shapes[] = { "v%u == {v%u: v%u}", "v%u == [[v%u], [v%u]]",
					      "v%u == [{1: v%u}, {2: v%u}]" };
	struct trib_arena arena;
	struct trib_buffer source, text;

	trib_arena_init(&arena, 64 << 20);
	trib_buffer_init(&source, 1 << 20);
	trib_buffer_init(&text, 1 << 20);
	for (size_t shape = 0; shape < TRIB_ARRAY_SIZE(shapes); shape++) {
		for (uint32_t count = 2; count < 240; count += 17) {
			trib_buffer_reset(&source);
			for (uint32_t i = 0; i < count; i++)
				trib_buffer_add_format(&source, "[].all(v%u, ", i);
			for (uint32_t i = 0; i + 1 < count; i++) {
				trib_buffer_add_text(&source, i ? " && " : "");
				trib_buffer_add_format(&source, shapes[shape], i, i + 1, i + 1);
			}
			for (uint32_t i = 0; i < count; i++)
				trib_buffer_add_text(&source, ")");
			trib_arena_reset(&arena);
			trib_buffer_reset(&text);
			evaluate_row(NULL, 0, trib_buffer_bytes(&source), &arena, &text);
			if (strcmp(trib_buffer_text(&text), "true") &&
			    !strstr(trib_buffer_text(&text), "too complex") &&
			    !strstr(trib_buffer_text(&text), "more memory"))
				fail_msg("%zu × %u: found %s", shape, count,
					 trib_buffer_text(&text));
		}
	}
	trib_buffer_fini(&source);
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
}

static void source_size(void **state)
{
	static char source[TRIB_LIMIT_CEL_SOURCE_BYTES + 1];
	struct trib_expr_env env = { 0 };
	struct trib_expr_program *program = NULL;
	struct trib_expr_error error;

	memset(source, ' ', sizeof(source));
	source[0] = '1';
	assert_int_equal(
		trib_expr_compile(&env, trib_bytes(source, sizeof(source) - 1), &program, &error),
		TRIB_OK);
	trib_expr_free(program);
	assert_int_equal(
		trib_expr_compile(&env, trib_bytes(source, sizeof(source)), &program, &error),
		TRIB_TOO_LARGE);
}

static void cost_and_memory(void **state)
{
#define TEN "[1,2,3,4,5,6,7,8,9,10]"
	static const struct row rows[] = {
		{ TEN ".all(a, " TEN ".all(b, " TEN ".all(c, " TEN ".all(d, " TEN
		      ".all(e, true)))))",
		  "true" },
		{ TEN ".all(a, " TEN ".all(b, " TEN ".all(c, " TEN ".all(d, " TEN ".all(e, " TEN
		      ".all(f, " TEN ".all(g, true)))))))",
		  "eval: more steps" },
		{ "[1].map(x, 'a').map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x).map(x, "
		  "x+x+x+x+x+x+x+x).map(x, "
		  "x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x).map(x, "
		  "x+x+x+x+x+x+x+x).map(x, "
		  "x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x)[0].size()",
		  "eval: more memory" },
		{ "[[1]].map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x).map(x, "
		  "x+x+x+x+x+x+x+x).map(x, "
		  "x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x).map(x, x+x+x+x+x+x+x+x).map(x, "
		  "x+x+x+x+x+x+x+x)[0].size()",
		  "eval: more memory" },
		{ "'x'.replace('', 'xxxxxxxxxxxxxxxx').replace('', 'xxxxxxxxxxxxxxxx').replace('', "
		  "'xxxxxxxxxxxxxxxx').replace('', 'xxxxxxxxxxxxxxxx').replace('', "
		  "'xxxxxxxxxxxxxxxx').replace('', "
		  "'xxxxxxxxxxxxxxxx').replace('', 'xxxxxxxxxxxxxxxx').size() > 0",
		  "eval: more memory" },
		{ "'a'.matches('((a{100}){100}){100}')", "eval: invalid regular expression" },
		{ "'a'.matches('(a|b)' + '*' + 'c')", "false" },
	};
#undef TEN

	CHECK_ROWS(rows);
}

/* The arena given to an evaluation is its maximum, whatever the expression wants. */
static void small_arenas(void **state)
{
	struct trib_expr_env env = { 0 };
	struct trib_expr_program *program = NULL;
	struct trib_expr_error error;
	struct trib_value value;

	assert_int_equal(
		trib_expr_compile(
			&env,
			trib_bytes_text(
				"dyn('%s %s').format([[1, 2].map(x, [x]), {'a': 'b'}]).split(' "
				"').map(x, "
				"x.upperAscii() + '!').join(',').replace('A', 'xyz').reverse()"),
			&program, &error),
		TRIB_OK);
	/* Each of the allocations on the way fails once. */
	for (size_t size = 0, ok = 0; ok < 2; size += 16) {
		struct trib_arena arena;

		trib_arena_init(&arena, size);
		trib_status status = trib_expr_eval(program, NULL, &arena, &value, &error);

		if (status == TRIB_OK)
			ok++;
		else
			assert_int_equal(status, TRIB_NO_MEMORY);
		trib_arena_fini(&arena);
		assert_true(size < 100000);
	}
	trib_expr_free(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nesting_and_chains), cmocka_unit_test(types_that_explode),
		cmocka_unit_test(source_size),	      cmocka_unit_test(cost_and_memory),
		cmocka_unit_test(small_arenas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
