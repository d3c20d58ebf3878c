/*
 * Tables of expressions. A row is an expression and what it gives, written as CEL again, or "stage: words that
 * the error has". Each is evaluated twice, with the checker and without; `unchecked` is what the second gives
 * where that is not the same.
 */
#ifndef TRIB_EXPR_ROWS_H
#define TRIB_EXPR_ROWS_H

#include "test.h"
#include "expr/expr.h"

struct row {
	const char *expression, *expected, *unchecked;
};

/* Variables that rows may name; a NULL value is a declared variable that is absent. */
struct binding {
	const char *name, *type, *value;
};

struct bindings {
	const char *container;
	uint32_t flags, count;
	const struct binding *rows;
};

struct facts_of_rows {
	struct trib_value values[16];
	bool present[16];
};

static inline bool get_row_fact(void *context, uint32_t index, struct trib_arena *arena,
				struct trib_value *ret_value)
{
	struct facts_of_rows *facts = context;

	if (!facts->present[index])
		return false;
	*ret_value = facts->values[index];
	return true;
}

/* Evaluates and writes the value, or "stage: error", to `text`. */
static inline void evaluate_row(const struct bindings *bindings, uint32_t flags,
				struct trib_bytes source, struct trib_arena *arena,
				struct trib_buffer *text)
{
	struct trib_expr_variable variables[16];
	struct facts_of_rows facts = { 0 };
	struct trib_expr_env env = { .flags = flags, .variables = variables };
	struct trib_expr_program *program = NULL;
	struct trib_expr_program *values[16] = { NULL };
	struct trib_expr_error error;
	struct trib_value value;

	for (uint32_t i = 0; bindings && i < bindings->count; i++) {
		const struct binding *row = &bindings->rows[i];
		struct trib_expr_env none = { 0 };

		variables[i] = (struct trib_expr_variable){ row->name, NULL };
		if (row->type)
			assert_int_equal(trib_type_parse(trib_bytes_text(row->type), arena,
							 &variables[i].type, NULL),
					 TRIB_OK);
		facts.present[i] = row->value != NULL;
		if (row->value) {
			assert_int_equal(trib_expr_compile(&none, trib_bytes_text(row->value),
							   &values[i], NULL),
					 TRIB_OK);
			assert_int_equal(
				trib_expr_eval(values[i], NULL, arena, &facts.values[i], NULL),
				TRIB_OK);
		}
	}
	if (bindings) {
		env.variable_count = bindings->count;
		env.container = bindings->container;
		env.flags |= bindings->flags;
	}
	struct trib_expr_facts source_of_facts = { get_row_fact, &facts };
	trib_status status = trib_expr_compile(&env, source, &program, &error);

	if (status == TRIB_OK)
		status = trib_expr_eval(program, &source_of_facts, arena, &value, &error);
	if (status == TRIB_OK)
		trib_value_print(&value, text);
	else
		trib_buffer_add_format(text, "%s: %s", trib_expr_stage_name(error.stage),
				       error.text);
	trib_expr_free(program);
	for (uint32_t i = 0; i < 16; i++)
		trib_expr_free(values[i]);
}

static inline bool row_is(const char *found, const char *expected)
{
	size_t stage = strcspn(expected, ":");

	if (strncmp(expected, "parse: ", 7) && strncmp(expected, "check: ", 7) &&
	    strncmp(expected, "eval: ", 6))
		return !strcmp(found, expected);
	return !strncmp(found, expected, stage + 2) &&
	       strstr(found + stage + 2, expected + stage + 2);
}

static inline void check_rows_with(const struct bindings *bindings, const struct row *rows,
				   size_t count)
{
	struct trib_arena arena;
	struct trib_buffer text;
	int failed = 0;

	trib_arena_init(&arena, 64 << 20);
	trib_buffer_init(&text, 1 << 20);
	for (size_t i = 0; i < count; i++) {
		for (int unchecked = 0; unchecked < 2; unchecked++) {
			const char *expected = unchecked && rows[i].unchecked ? rows[i].unchecked
									      : rows[i].expected;

			trib_arena_reset(&arena);
			trib_buffer_reset(&text);
			evaluate_row(bindings, unchecked ? TRIB_EXPR_UNCHECKED : 0,
				     trib_bytes_text(rows[i].expression), &arena, &text);
			if (row_is(trib_buffer_text(&text), expected))
				continue;
			failed++;
			print_error("row %zu%s: %s\n  found    %s\n  expected %s\n", i,
				    unchecked ? ", unchecked" : "", rows[i].expression,
				    trib_buffer_text(&text), expected);
		}
	}
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
	assert_int_equal(failed, 0);
}

#define CHECK_ROWS(rows)		check_rows_with(NULL, rows, TRIB_ARRAY_SIZE(rows))
#define CHECK_ROWS_WITH(bindings, rows) check_rows_with(bindings, rows, TRIB_ARRAY_SIZE(rows))

#endif
