/* What other rooms hold a program for: its tree, its facts, its life. */
#include <pthread.h>
#include "rows.h"

static const struct trib_type map_string = { TRIB_TYPE_MAP, .key = &trib_type_string,
					     .element = &trib_type_string };
static const struct trib_expr_variable variables[] = {
	{ "order.qty", &trib_type_int },      { "touch", NULL },
	{ "touch.age", &trib_type_duration }, { "creator.tags", &trib_type_list_string },
	{ "order.ext", &map_string },
};
static const struct trib_expr_env env = { .variables = variables,
					  .variable_count = TRIB_ARRAY_SIZE(variables),
					  .flags = TRIB_EXPR_FACTS };

static struct trib_expr_program *compile(const char *source)
{
	struct trib_expr_program *program = NULL;
	struct trib_expr_error error;

	if (trib_expr_compile(&env, trib_bytes_text(source), &program, &error) != TRIB_OK)
		fail_msg("%s: %u:%u: %s", source, error.line, error.column, error.text);
	return program;
}

static void add_tree(const struct trib_expr_node *node, struct trib_buffer *text)
{
	switch (node->kind) {
	case TRIB_EXPR_CONST:
		trib_value_print(&node->value, text);
		return;
	case TRIB_EXPR_VARIABLE:
		trib_buffer_add_format(text, "$%u", node->index);
		return;
	case TRIB_EXPR_PRESENT:
		trib_buffer_add_format(text, "?%u", node->index);
		return;
	case TRIB_EXPR_LOCAL:
		trib_buffer_add_format(text, "%%%u", node->index);
		return;
	case TRIB_EXPR_SELECT:
	case TRIB_EXPR_HAS:
		trib_buffer_add_format(text, "%s%.*s", node->kind == TRIB_EXPR_HAS ? "?." : ".",
				       (int)node->name.size, node->name.data);
		break;
	case TRIB_EXPR_COMPREHENSION:
		trib_buffer_add_format(text, "%s%%%u", trib_expr_function_name(node->function),
				       node->index);
		break;
	case TRIB_EXPR_LIST:
		trib_buffer_add_text(text, "list");
		break;
	default:
		trib_buffer_add_text(text, trib_expr_function_name(node->function));
	}
	trib_buffer_add_text(text, "(");
	for (uint32_t i = 0; i < node->count; i++) {
		trib_buffer_add_text(text, i ? " " : "");
		add_tree(node->args[i], text);
	}
	trib_buffer_add_text(text, ")");
}

static void trees(void **state)
{
	static const struct {
		const char *source, *tree;
		uint32_t depth;
	} rows[] = {
		{ "order.qty > 2", ">($0 2)", 2 },
		{ "has(touch) && touch.age < duration('1' + 'h') && order.qty == 1 + 1",
		  "&&(?1 <($2 duration(\"3600s\")) ==($0 2))", 3 },
		{ "order.qty in [1, 2] || !('new' in creator.tags)",
		  "||(in($0 [1, 2]) !(in(\"new\" $3)))", 4 },
		{ "order.ext.coupon == 'x' ? order.qty : -order.qty",
		  "?:(==(.coupon($4) \"x\") $0 -_($0))", 4 },
		{ "order.ext['coupon'] == 'x'", "==([]($4 \"coupon\") \"x\")", 3 },
		{ "has(order.ext.coupon)", "?.coupon($4)", 2 },
		{ "creator.tags.exists(t, t == 'new')", "exists%0($3 ==(%0 \"new\"))", 3 },
		{ "[order.qty, 1]", "list($0 1)", 2 },
		{ "[[1]].map(a, a.map(b, b))", "map%0([[1]] map%1(%0 %1))", 3 },
		{ "order.qty + 1 + 1", "+(+($0 1) 1)", 3 },
		{ "(true && false) && true", "&&(&&(true false) true)", 3 },
		{ "math.abs(order.qty)", "math.abs($0)", 2 },
		{ "string(order.qty).size()", "size(string($0))", 3 },
		{ "type(1) == int", "true", 1 },
	};
	struct trib_buffer text;

	trib_buffer_init(&text, 1 << 12);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_expr_program *program = compile(rows[i].source);

		trib_buffer_reset(&text);
		add_tree(trib_expr_root(program), &text);
		assert_string_equal(trib_buffer_text(&text), rows[i].tree);
		assert_int_equal(trib_expr_root(program)->depth, rows[i].depth);
		assert_string_equal(trib_expr_source(program).data, rows[i].source);
		trib_expr_free(program);
	}
	trib_buffer_fini(&text);
}

static void printed(void **state)
{
	static const char *const rows[] = {
		"order.qty > 2 && has(touch)",
		"(order.qty + 1) * 2 - -order.qty",
		"order.qty - (1 - order.qty)",
		"!(order.qty == 1) || has(order.ext.coupon)",
		"order.qty > 1 ? \"a\" : order.qty > 2 ? \"b\" : \"c\"",
		"(order.qty > 1 ? creator.tags : [\"x\"])[0]",
		"creator.tags.filter(t, t != \"x\").map(t, t.size() > 1, t + \"y\")",
		"order.ext[\"a\"] + order.ext.b",
		"[order.qty, {1: order.qty}]",
		"math.greatest(order.qty, 2u)",
		"touch.age < duration(\"1.5s\")",
		"(order.qty > 1 && true) && (has(touch) || false)",
		"-(-order.qty)",
		"order.qty in [1, 2, 3]",
	};
	struct trib_buffer text;

	trib_buffer_init(&text, 1 << 12);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_expr_program *program = compile(rows[i]);

		trib_buffer_reset(&text);
		trib_expr_print(program, &text);
		assert_string_equal(trib_buffer_text(&text), rows[i]);
		trib_expr_free(program);
	}
	trib_buffer_fini(&text);
}

/* Facts are asked for when they are needed and not before. */
struct asked {
	uint32_t times;
};

static bool count_facts(void *context, uint32_t index, struct trib_arena *arena,
			struct trib_value *ret_value)
{
	((struct asked *)context)->times++;
	*ret_value = trib_value_int(5);
	return index == 0;
}

static void facts_are_lazy(void **state)
{
	static const struct {
		const char *source;
		uint32_t times;
		bool result;
	} rows[] = {
		{ "order.qty == 5", 1, true },
		{ "false && order.qty == 5", 0, false },
		{ "order.qty == 4 && order.qty == 5 && order.qty == 6", 1, false },
		{ "true || order.qty == 5", 0, true },
		{ "has(touch) ? order.qty > 1 : true", 1, true },
		{ "has(order.qty) && order.qty == 5", 2, true },
	};
	struct trib_arena arena;

	trib_arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_expr_program *program = compile(rows[i].source);
		struct asked asked = { 0 };
		struct trib_expr_facts facts = { count_facts, &asked };
		struct trib_value value;

		assert_int_equal(trib_expr_eval(program, &facts, &arena, &value, NULL), TRIB_OK);
		assert_int_equal(value.kind, TRIB_VALUE_BOOL);
		assert_int_equal(value.boolean, rows[i].result);
		assert_int_equal(asked.times, rows[i].times);
		trib_expr_free(program);
	}
	assert_int_equal(arena.size, 0); /* not one byte */
	trib_arena_fini(&arena);
}

/* A program outlives what it was made from. */
static void owns_what_it_needs(void **state)
{
	char source[] = "a.b == 5 && c.matches('x+')", name[] = "a.b", container[] = "pkg";
	struct trib_type *type = trib_alloc(sizeof(*type));
	struct trib_expr_variable declared[] = { { name, type }, { "c", &trib_type_string } };
	struct trib_expr_env with = { .container = container,
				      .variables = declared,
				      .variable_count = 2 };
	struct trib_expr_program *program = NULL;
	struct trib_arena arena;
	struct trib_buffer text;
	struct trib_expr_error error;
	struct trib_value value;

	*type = trib_type_int;
	assert_int_equal(trib_expr_compile(&with, trib_bytes_text(source), &program, NULL),
			 TRIB_OK);
	memset(source, 'z', sizeof(source));
	memset(name, 'z', sizeof(name));
	memset(container, 'z', sizeof(container));
	memset(declared, 0, sizeof(declared));
	free(type);
	trib_arena_init(&arena, 1 << 16);
	trib_buffer_init(&text, 1 << 10);
	trib_expr_print(program, &text);
	assert_string_equal(trib_buffer_text(&text), "a.b == 5 && c.matches(\"x+\")");
	assert_int_equal(trib_expr_eval(program, NULL, &arena, &value, &error), TRIB_INVALID);
	assert_string_equal(error.text, "no such attribute: a.b");
	trib_expr_free(program);
	trib_expr_free(NULL);
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
}

static void *evaluate_often(void *argument)
{
	struct trib_expr_program **programs = argument;
	struct trib_arena arena;
	struct trib_value value;

	trib_arena_init(&arena, 1 << 20);
	for (int i = 0; i < 2000; i++) {
		trib_arena_reset(&arena);
		if (trib_expr_eval(programs[i % 2], NULL, &arena, &value, NULL) != TRIB_OK ||
		    value.kind != TRIB_VALUE_BOOL || !value.boolean) {
			trib_arena_fini(&arena);
			return argument;
		}
	}
	trib_arena_fini(&arena);
	return NULL;
}

static void threads_share_programs(void **state)
{
	struct trib_expr_program *programs[] = {
		compile("['ab', 'cd', 'xb'].filter(s, s.matches('^[a-x]+b$')).size() == 2"),
		compile("['Asia/Tokyo', 'Europe/Paris', 'America/Lima'].map(z, "
			"timestamp(0).getHours(z)) == [9, 1, 19]"),
	};
	pthread_t threads[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, evaluate_often, programs), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	for (int i = 0; i < 2; i++)
		trib_expr_free(programs[i]);
}

static void maps_refuse_bad_keys(void **state)
{
	struct trib_arena arena;
	struct trib_value map, key = trib_value_double(1.0),
			       same[] = { trib_value_int(1), trib_value_uint(1) };
	struct trib_value values[] = { trib_value_null(), trib_value_null() };

	trib_arena_init(&arena, 1 << 16);
	assert_int_equal(trib_value_map(&arena, &key, values, 1, &map), TRIB_INVALID);
	assert_int_equal(trib_value_map(&arena, same, values, 2, &map), TRIB_INVALID);
	assert_int_equal(trib_value_map(&arena, same, values, 1, &map), TRIB_OK);
	assert_non_null(trib_map_find(map.map, &key));
	trib_arena_fini(&arena);
}

/* Many keys: the index against a walk. */
static void maps_against_a_walk(void **state)
{
	enum { KEYS = 500 };
	static struct trib_value keys[KEYS], values[KEYS];
	static char texts[KEYS][16];
	struct trib_arena arena;
	struct trib_rng rng;
	struct trib_value map;

	trib_rng_seed(&rng, trib_test_seed());
	trib_arena_init(&arena, 1 << 20);
	for (uint32_t i = 0; i < KEYS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "key%u", i);
		keys[i] = i % 3 == 0   ? trib_value_int((int64_t)i - 100)
			  : i % 3 == 1 ? trib_value_uint(UINT64_MAX - i)
				       : trib_value_string(trib_bytes_text(texts[i]));
		values[i] = trib_value_int(i);
	}
	for (uint32_t count = 0; count < KEYS; count += 1 + (uint32_t)trib_rng_below(&rng, 20)) {
		trib_arena_reset(&arena);
		assert_int_equal(trib_value_map(&arena, keys, values, count, &map), TRIB_OK);
		for (uint32_t i = 0; i < KEYS; i++) {
			const struct trib_value *found = trib_map_find(map.map, &keys[i]);

			assert_true(i < count ? found && found->integer == (int64_t)i : !found);
		}
	}
	trib_arena_fini(&arena);
}

static void json(void **state)
{
	static const struct {
		const char *source, *json;
	} rows[] = {
		{ "-9223372036854775808", "{\"int\":-9223372036854775808}" },
		{ "18446744073709551615u", "{\"uint\":18446744073709551615}" },
		{ "[1.5, 2.0, 1e300, 0.0/0.0, 1.0/0.0, -1.0/0.0, -0.0]",
		  "{\"list\":[{\"double\":1.5},{\"double\":2.0},{\"double\":1e+300},{\"double\":"
		  "\"NaN\"},"
		  "{\"double\":\"Infinity\"},{\"double\":\"-Infinity\"},{\"double\":-0.0}]}" },
		{ "'a\"\\\\\\n\\x01\\x7f\\u00e9'", "{\"string\":\"a\\\"\\\\\\n\\u0001\\u007fé\"}" },
		{ "[b'', b'a', b'ab', b'abc\\xff']",
		  "{\"list\":[{\"bytes\":\"\"},{\"bytes\":\"YQ==\"},{\"bytes\":\"YWI=\"},{"
		  "\"bytes\":\"YWJj/w==\"}]}" },
		{ "{'k': null, true: int}", "{\"map\":[[{\"string\":\"k\"},{\"null\":null}],[{"
					    "\"bool\":true},{\"type\":\"int\"}]]}" },
		{ "[timestamp('2009-02-13T23:31:30.5Z'), duration('-1.5s')]",
		  "{\"list\":[{\"timestamp\":\"2009-02-13T23:31:30.5Z\"},{\"duration\":\"-1.5s\"}]"
		  "}" },
		{ "[]", "{\"list\":[]}" },
		{ "{}", "{\"map\":[]}" },
	};
	struct trib_expr_env none = { 0 };
	struct trib_arena arena;
	struct trib_buffer text;

	trib_arena_init(&arena, 1 << 20);
	trib_buffer_init(&text, 1 << 12);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_expr_program *program = NULL;
		struct trib_value value;

		assert_int_equal(
			trib_expr_compile(&none, trib_bytes_text(rows[i].source), &program, NULL),
			TRIB_OK);
		assert_int_equal(trib_expr_eval(program, NULL, &arena, &value, NULL), TRIB_OK);
		trib_buffer_reset(&text);
		trib_value_write_json(&value, &text);
		assert_string_equal(trib_buffer_text(&text), rows[i].json);
		trib_expr_free(program);
	}
	trib_buffer_fini(&text);
	trib_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees),
		cmocka_unit_test(printed),
		cmocka_unit_test(facts_are_lazy),
		cmocka_unit_test(owns_what_it_needs),
		cmocka_unit_test(threads_share_programs),
		cmocka_unit_test(maps_refuse_bad_keys),
		cmocka_unit_test(maps_against_a_walk),
		cmocka_unit_test(json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
