/* docs/cel.md: its examples give what they say, and it names every function. */
#include "rows.h"

static char *read_document(void)
{
	char path[1024];
	const char *source = getenv("TRIB_SOURCE_DIR");

	snprintf(path, sizeof(path), "%s/docs/cel.md", source ? source : ".");
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	char *text = trib_alloc_zeroed(1, 1 << 20);

	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

/* Rows of "| `expression` | `value` |". */
static void examples(void **state)
{
	TRIB_AUTOFREE char *document = read_document();
	char *next = strstr(document, "## Examples"), *end = strstr(document, "## What there is");
	struct trib_arena arena;
	struct trib_buffer text;
	int count = 0;

	assert_true(next && end);
	*end = '\0';
	trib_arena_init(&arena, 1 << 20);
	trib_buffer_init(&text, 1 << 16);
	while ((next = strstr(next, "\n| `"))) {
		char *expression = next + 4, *middle = strstr(expression, "` | `");

		assert_non_null(middle);
		char *value = middle + 5, *last = strstr(value, "` |");

		assert_non_null(last);
		*middle = *last = '\0';
		next = last + 1;
		trib_arena_reset(&arena);
		trib_buffer_reset(&text);
		evaluate_row(NULL, 0, trib_bytes_text(expression), &arena, &text);
		if (strcmp(trib_buffer_text(&text), value))
			fail_msg("%s: found %s, the document says %s", expression,
				 trib_buffer_text(&text), value);
		count++;
	}
	assert_true(count > 10);
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
}

static void functions(void **state)
{
	TRIB_AUTOFREE char *document = read_document();

	for (uint32_t i = TRIB_FN_ALL; i < TRIB_FN_COUNT; i++) {
		const char *name = trib_expr_function_name((enum trib_expr_function)i);

		if (!strstr(document, name))
			fail_msg("docs/cel.md does not name %s", name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(examples),
					    cmocka_unit_test(functions) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
