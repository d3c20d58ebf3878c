/*
 * Any bytes as an expression: compiled with and without the checker, printed, evaluated. What compiles is
 * printed as something that compiles; where both ways of evaluating give a value, it is the same. Small arenas
 * and one zone keep each run short; cost and depth have their own limits.
 */
#include "expr/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct trib_expr_variable variables[] = {
	{ "x", &trib_type_int },
	{ "s", &trib_type_string },
	{ "l", &trib_type_list_string },
	{ "order.qty", &trib_type_int },
	{ "touch", NULL },
	{ "touch.age", &trib_type_duration },
	{ "order.at", &trib_type_timestamp },
	{ "d", &trib_type_dyn },
};

static bool get(void *context, uint32_t index, struct trib_arena *arena,
		struct trib_value *ret_value)
{
	static const struct trib_value tags[] = {
		{ .kind = TRIB_VALUE_STRING, .size = 1, .text = "a" },
		{ .kind = TRIB_VALUE_STRING, .size = 3, .text = "\xe4\xb8\xad" }
	};
	static const struct trib_list list = { .count = 2, .depth = 1, .items = tags };

	switch (index) {
	case 0:
		*ret_value = trib_value_int(7);
		return true;
	case 1:
		*ret_value = tags[1];
		return true;
	case 2:
	case 7:
		*ret_value = (struct trib_value){ .kind = TRIB_VALUE_LIST, .list = &list };
		return true;
	case 6:
		*ret_value = trib_value_timestamp_ms(INT64_C(1763000000123));
		return true;
	default:
		return false;
	}
}

/* True: it has a value, which is in *text. */
static bool evaluate(const struct trib_expr_program *program, struct trib_buffer *text)
{
	struct trib_expr_facts facts = { .get = get };
	struct trib_expr_error error;
	struct trib_arena arena;
	struct trib_value value;

	trib_arena_init(&arena, 4 << 20);
	trib_status status = trib_expr_eval(program, &facts, &arena, &value, &error);

	if (status == TRIB_OK) {
		trib_value_print(&value, text);
		trib_value_write_json(&value, text);
	} else {
		trib_assert(error.line > 0 && error.column > 0 && error.text[0]);
	}
	trib_arena_fini(&arena);
	return status == TRIB_OK;
}

static void compile_again(const struct trib_expr_env *env, const struct trib_expr_program *program)
{
	struct trib_expr_program *again = NULL;
	struct trib_expr_error error;
	struct trib_buffer text;

	/* Escapes make it longer: what passes the limit of a source is not held to anything. */
	trib_buffer_init(&text, TRIB_LIMIT_CEL_SOURCE_BYTES);
	trib_expr_print(program, &text);
	if (!text.failed) {
		trib_status status =
			trib_expr_compile(env, trib_buffer_bytes(&text), &again, &error);

		trib_assert(status == TRIB_OK || status == TRIB_LIMIT || status == TRIB_NO_MEMORY);
		trib_expr_free(again);
	}
	trib_buffer_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first byte chooses the environment. */
	struct trib_expr_env env = { .variables = variables,
				     .variable_count = TRIB_ARRAY_SIZE(variables),
				     .container = size && data[0] & 1 ? "order" : NULL,
				     .flags = size && data[0] & 2 ? TRIB_EXPR_FACTS : 0 };
	struct trib_bytes source = trib_bytes(data + (size > 0), size - (size > 0));
	struct trib_expr_program *checked = NULL, *unchecked = NULL;
	struct trib_expr_error error;
	struct trib_buffer texts[2];
	bool values[2] = { false, false };

	trib_buffer_init(&texts[0], 16 << 20);
	trib_buffer_init(&texts[1], 16 << 20);
	if (trib_expr_compile(&env, source, &checked, &error) == TRIB_OK) {
		values[0] = evaluate(checked, &texts[0]);
		compile_again(&env, checked);
	} else {
		trib_assert(error.line > 0 && error.column > 0 && error.text[0]);
	}
	env.flags |= TRIB_EXPR_UNCHECKED;
	if (trib_expr_compile(&env, source, &unchecked, &error) == TRIB_OK)
		values[1] = evaluate(unchecked, &texts[1]);
	trib_assert(!checked || unchecked);
	if (values[0] && values[1])
		trib_assert(trib_bytes_equal(trib_buffer_bytes(&texts[0]),
					     trib_buffer_bytes(&texts[1])));
	trib_expr_free(checked);
	trib_expr_free(unchecked);
	trib_buffer_fini(&texts[0]);
	trib_buffer_fini(&texts[1]);
	return 0;
}
