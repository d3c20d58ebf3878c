/*
 * Random expressions. Printing and parsing again gives the same tree; a checked program gives what an unchecked
 * one gives; and the evaluator agrees with its stupid twin, which walks the tree.
 */
#include "rows.h"
#include "expr/ast.h"
#include "expr/function.h"

static const struct binding bound[] = {
	{ "x", "int", "3" },
	{ "s", "string", "'añb'" },
	{ "b", "bool", "true" },
	{ "l", "list(int)", "[3, 1, 2]" },
	{ "m", "map(string, int)", "{'a': 1, 'k': 3}" },
	{ "d", "dyn", "1.5" },
	{ "gone", "bool", NULL },
	{ "ns.y", "int", "-7" },
};

/* ---- Generating ----------------------------------------------------------------------------------- */

struct generator {
	struct trib_rng rng;
	struct trib_buffer text;
	uint32_t locals; /* variables of comprehensions in scope: v0, v1 … */
};

enum wanted { INT, BOOL, STRING, DOUBLE, LIST, MAP, ANY, WANTED };

static void generate(struct generator *g, enum wanted wanted, int depth);

static uint32_t below(struct generator *g, uint32_t bound_)
{
	return (uint32_t)trib_rng_below(&g->rng, bound_);
}

/* "$" stands for what follows in the pattern: i int, b bool, s string, d double, l list, m map, a any. */
static void pattern(struct generator *g, const char *text, int depth)
{
	static const char letters[] = "ibsdlma";

	for (; *text; text++) {
		if (*text == '$')
			generate(g, (enum wanted)(strchr(letters, *++text) - letters), depth - 1);
		else
			trib_buffer_add_char(&g->text, *text);
	}
}

static void comprehension(struct generator *g, const char *macro, enum wanted body, int depth)
{
	pattern(g, below(g, 4) ? "$l" : "$m", depth);
	trib_buffer_add_format(&g->text, ".%s(v%u, ", macro, g->locals);
	g->locals++;
	generate(g, body, depth - 1);
	g->locals--;
	trib_buffer_add_text(&g->text, ")");
}

static void leaf(struct generator *g, enum wanted wanted)
{
	static const char *const leaves[WANTED][8] = {
		[INT] = { "0", "1", "-2", "x", "ns.y", "7", "m.a", "9223372036854775807" },
		[BOOL] = { "true", "false", "b", "gone", "has(m.a)", "has(m.z)", "!b",
			   "has(ns.y)" },
		[STRING] = { "'a'", "''", "s", "\"q\\\"\\n\"", "r'\\d'", "'ñ'", "'k'",
			     "'''x'y'''" },
		[DOUBLE] = { "0.0", "1.5", "-2.25", "1e300", "0.1", "double(x)", "5e-324",
			     "1.0/0.0" },
		[LIST] = { "[]", "[1, 2, 3]", "l", "[x]", "[1, x, 2]", "[0]", "l + [4]",
			   "[x, ns.y]" },
		[MAP] = { "{}", "{'a': 1}", "m", "{'k': x, 's': 2}", "{s: 1}", "{'a': 1, 'b': 2}",
			  "m", "{'z': 0}" },
		[ANY] = { "null", "d", "b'\\xff'", "5u", "timestamp(0)", "duration('1s')", "int",
			  "dyn(x)" },
	};

	if (g->locals && below(g, 3) == 0) {
		trib_buffer_add_format(&g->text, "v%u", below(g, g->locals));
		return;
	}
	if (below(g, 12) == 0)
		wanted = (enum wanted)below(g, WANTED);
	trib_buffer_add_text(&g->text, leaves[wanted][below(g, 8)]);
}

static void generate(struct generator *g, enum wanted wanted, int depth)
{
	static const char *const patterns[WANTED][12] = {
		[INT] = { "$i + $i", "$i - $i", "$i * $i", "$i / $i", "$i % $i", "-($i)", "($i)",
			  "size($l)", "$l[$i]", "($b) ? ($i) : $i", "$s.size()", "$m[$s]" },
		[BOOL] = { "$b && $b", "$b || $b", "!($b)", "($b)", "$i < $i", "$i == $i",
			   "$s != $s", "$i in $l", "$s in $m", "($b) ? ($b) : $b", "$b && $b && $b",
			   "$a == $a" },
		[STRING] = { "$s + $s", "($s)", "($b) ? ($s) : $s", "string($i)",
			     "$s.substring($i)", "$s.replace($s, $s)", "$s.charAt($i)",
			     "'%s %d'.format([$a, $i])", "[$s, $s].join($s)", "$s.upperAscii()",
			     "string($a)", "$s.trim()" },
		[DOUBLE] = { "$d + $d", "$d - $d", "$d * $d", "$d / $d", "-($d)", "($d)",
			     "double($i)", "($b) ? ($d) : $d", "math.abs($d)",
			     "math.greatest($d, $d)", "math.round($d)", "double($s)" },
		[LIST] = { "[$i, $i]", "$l + $l", "($l)", "($b) ? ($l) : $l", "[$a]", "[$i]", "$l",
			   "[[$i]][0]", "[$i, $a]", "$l", "[]", "$l" },
		[MAP] = { "{$s: $i}", "{$s: $i, $s: $i}", "($m)", "($b) ? ($m) : $m", "{'a': $a}",
			  "{$i: $a}", "$m", "{}", "$m", "$m", "{'k': $m}.k", "$m" },
		[ANY] = { "$i", "$b", "$s", "$d", "$l", "$m", "$a", "type($a)", "dyn($a)", "$l[$i]",
			  "$m.a", "($b) ? ($a) : $a" },
	};
	static const char *const macros[] = { "all", "exists", "exists_one" };

	if (depth <= 0 || g->text.size > 3000) {
		leaf(g, wanted);
	} else if (wanted == BOOL && below(g, 4) == 0) {
		comprehension(g, macros[below(g, 3)], BOOL, depth);
	} else if (wanted == LIST && below(g, 2) == 0) {
		bool maps = below(g, 2);

		comprehension(g, maps ? "map" : "filter", maps ? (below(g, 3) ? INT : ANY) : BOOL,
			      depth);
	} else {
		pattern(g, patterns[wanted][below(g, 12)], depth);
	}
}

/* ---- Printing ------------------------------------------------------------------------------------- */

static bool same_tree(const struct trib_expr_node *a, const struct trib_expr_node *b)
{
	if (a->kind != b->kind || a->function != b->function || a->method != b->method ||
	    a->count != b->count || a->index != b->index)
		return false;
	if (a->kind == TRIB_EXPR_CONST)
		return a->value.kind == b->value.kind &&
		       (a->value.kind == TRIB_VALUE_DOUBLE
				? !memcmp(&a->value.number, &b->value.number, 8)
				: trib_value_equal(&a->value, &b->value));
	if (!trib_bytes_equal(a->name, b->name))
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same_tree(a->args[i], b->args[i]))
			return false;
	return true;
}

static void printing_gives_the_same_tree(struct trib_bytes source, struct trib_arena *arena)
{
	struct trib_expr_error error;
	struct ast_context context = { .arena = arena, .source = source, .error = &error };
	struct trib_expr_node *first = NULL, *second = NULL;
	struct trib_buffer text;

	if (ast_parse(&context, 0, &first) != TRIB_OK)
		fail_msg("%.*s: %s", TRIB_BYTES_ARG(source), error.text);
	trib_buffer_init(&text, 1 << 16);
	ast_print(NULL, first, &text);
	trib_buffer_text(&text);
	context.source = trib_buffer_bytes(&text);
	if (ast_parse(&context, 0, &second) != TRIB_OK)
		fail_msg("%.*s\nis printed as %s\n%s", TRIB_BYTES_ARG(source),
			 trib_buffer_text(&text), error.text);
	if (!same_tree(first, second))
		fail_msg("%.*s\nis printed as another tree: %s", TRIB_BYTES_ARG(source),
			 trib_buffer_text(&text));
	trib_buffer_fini(&text);
}

/* ---- The twin ------------------------------------------------------------------------------------- */

struct twin {
	struct function_context context;
	const struct facts_of_rows *facts;
	struct trib_value locals[16];
};

static struct trib_value twin_eval(struct twin *twin, const struct trib_expr_node *node);

static bool is(const struct trib_value *value, bool boolean)
{
	return value->kind == TRIB_VALUE_BOOL && value->boolean == boolean;
}

/* && over any values: false if one is, else an error if one is no bool, else true. || is its mirror. */
static struct trib_value twin_logic(const struct trib_value *values, uint32_t count, bool decisive)
{
	struct trib_value result = trib_value_bool(!decisive);

	for (uint32_t i = 0; i < count; i++) {
		if (is(&values[i], decisive))
			return values[i];
		if (values[i].kind != TRIB_VALUE_BOOL && result.kind == TRIB_VALUE_BOOL)
			result = function_fail(FAULT_NO_OVERLOAD);
	}
	return result;
}

static struct trib_value twin_comprehension(struct twin *twin, const struct trib_expr_node *node)
{
	struct trib_value range = twin_eval(twin, node->args[0]), results[64], kept[64], list;
	bool is_map = range.kind == TRIB_VALUE_MAP;
	uint32_t count = 0, matches = 0;

	if (!is_map && range.kind != TRIB_VALUE_LIST)
		return function_fail(FAULT_NOT_ITERABLE);
	uint32_t size = is_map ? range.map->count : range.list->count;

	assert_true(size <= 64);
	for (uint32_t i = 0; i < size; i++) {
		twin->locals[node->index] = is_map ? range.map->keys[i] : range.list->items[i];
		results[i] = twin_eval(twin, node->args[1]);
	}
	if (node->function == TRIB_FN_ALL || node->function == TRIB_FN_EXISTS)
		return twin_logic(results, size, node->function == TRIB_FN_EXISTS);
	for (uint32_t i = 0; i < size; i++) {
		if (results[i].kind == TRIB_VALUE_ERROR ||
		    (node->function != TRIB_FN_MAP && results[i].kind != TRIB_VALUE_BOOL))
			return function_fail(FAULT_NO_OVERLOAD);
		matches += is(&results[i], true);
		if (node->function == TRIB_FN_MAP || is(&results[i], true))
			kept[count++] = node->function == TRIB_FN_MAP ? results[i]
					: is_map		      ? range.map->keys[i]
								      : range.list->items[i];
	}
	if (node->function == TRIB_FN_EXISTS_ONE)
		return trib_value_bool(matches == 1);
	struct trib_value *copy = trib_arena_alloc(twin->context.arena, count * sizeof(*copy));

	memcpy(copy, kept, count * sizeof(*copy));
	trib_value_list(twin->context.arena, copy, count, &list);
	return list;
}

static struct trib_value twin_call(struct twin *twin, const struct trib_expr_node *node)
{
	struct trib_value args[16];

	if (node->function == TRIB_FN_CONDITIONAL) {
		args[0] = twin_eval(twin, node->args[0]);
		if (args[0].kind != TRIB_VALUE_BOOL)
			return function_fail(FAULT_NO_OVERLOAD);
		return twin_eval(twin, node->args[args[0].boolean ? 1 : 2]);
	}
	for (uint32_t i = 0; i < node->count; i++)
		args[i] = twin_eval(twin, node->args[i]);
	if (node->function == TRIB_FN_AND || node->function == TRIB_FN_OR)
		return twin_logic(args, node->count, node->function == TRIB_FN_OR);
	for (uint32_t i = 0; i < node->count; i++)
		if (args[i].kind == TRIB_VALUE_ERROR)
			return args[i];
	return function_call(&twin->context, node->function, args, node->count);
}

static struct trib_value twin_aggregate(struct twin *twin, const struct trib_expr_node *node)
{
	uint32_t step = node->kind == TRIB_EXPR_MAP ? 2 : 1, count = node->count / step;
	struct trib_value *items = trib_arena_alloc(twin->context.arena,
						    (node->count + 1) * sizeof(*items)),
			  result;

	for (uint32_t i = 0; i < node->count; i++) {
		struct trib_value value = twin_eval(twin, node->args[i]);

		if (value.kind == TRIB_VALUE_ERROR)
			return value;
		items[i / step + (i % step) * count] = value;
	}
	trib_status status = step == 1 ? trib_value_list(twin->context.arena, items, count, &result)
				       : trib_value_map(twin->context.arena, items, items + count,
							count, &result);

	return status == TRIB_OK ? result : function_fail(FAULT_BAD_KEY);
}

static struct trib_value twin_eval(struct twin *twin, const struct trib_expr_node *node)
{
	struct trib_value value;

	switch (node->kind) {
	case TRIB_EXPR_CONST:
		return node->value;
	case TRIB_EXPR_VARIABLE:
		return twin->facts->present[node->index] ? twin->facts->values[node->index]
							 : function_fail(FAULT_ABSENT);
	case TRIB_EXPR_PRESENT:
		return trib_value_bool(twin->facts->present[node->index]);
	case TRIB_EXPR_LOCAL:
		return twin->locals[node->index];
	case TRIB_EXPR_SELECT:
	case TRIB_EXPR_HAS:
		value = twin_eval(twin, node->args[0]);
		if (value.kind != TRIB_VALUE_MAP)
			return function_fail(FAULT_NO_FIELDS);
		for (uint32_t i = 0; i < value.map->count; i++)
			if (value.map->keys[i].kind == TRIB_VALUE_STRING &&
			    trib_bytes_equal(trib_value_text(&value.map->keys[i]), node->name))
				return node->kind == TRIB_EXPR_HAS ? trib_value_bool(true)
								   : value.map->values[i];
		return node->kind == TRIB_EXPR_HAS ? trib_value_bool(false)
						   : function_fail(FAULT_NO_KEY);
	case TRIB_EXPR_CALL:
		return twin_call(twin, node);
	case TRIB_EXPR_LIST:
	case TRIB_EXPR_MAP:
		return twin_aggregate(twin, node);
	case TRIB_EXPR_COMPREHENSION:
		return twin_comprehension(twin, node);
	default:
		return function_fail(FAULT_UNRESOLVED);
	}
}

/* ---- The properties ------------------------------------------------------------------------------- */

struct world {
	struct trib_arena arena, values;
	struct trib_expr_variable variables[TRIB_ARRAY_SIZE(bound)];
	struct trib_expr_program *programs[TRIB_ARRAY_SIZE(bound)];
	struct facts_of_rows facts;
};

static void world_init(struct world *world)
{
	*world = (struct world){ 0 };
	trib_arena_init(&world->arena, 64 << 20);
	trib_arena_init(&world->values, 1 << 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(bound); i++) {
		struct trib_expr_env none = { 0 };

		world->variables[i].name = bound[i].name;
		assert_int_equal(trib_type_parse(trib_bytes_text(bound[i].type), &world->values,
						 &world->variables[i].type, NULL),
				 TRIB_OK);
		world->facts.present[i] = bound[i].value != NULL;
		if (!bound[i].value)
			continue;
		assert_int_equal(trib_expr_compile(&none, trib_bytes_text(bound[i].value),
						   &world->programs[i], NULL),
				 TRIB_OK);
		assert_int_equal(trib_expr_eval(world->programs[i], NULL, &world->values,
						&world->facts.values[i], NULL),
				 TRIB_OK);
	}
}

static void world_fini(struct world *world)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(bound); i++)
		trib_expr_free(world->programs[i]);
	trib_arena_fini(&world->arena);
	trib_arena_fini(&world->values);
}

/* "error", or the value as text. */
static void outcome(const struct trib_value *value, struct trib_buffer *text)
{
	trib_buffer_reset(text);
	if (value->kind == TRIB_VALUE_ERROR)
		trib_buffer_add_text(text, "error");
	else
		trib_value_print(value, text);
}

static struct trib_value evaluate(struct world *world, struct trib_expr_program *program)
{
	struct trib_expr_facts facts = { get_row_fact, &world->facts };
	struct trib_value value;

	return trib_expr_eval(program, &facts, &world->arena, &value, NULL) == TRIB_OK
		       ? value
		       : function_fail(0);
}

/* Whether all of it checks too. */
static bool evaluations_agree(struct world *world, struct trib_bytes source,
			      struct trib_buffer texts[3])
{
	struct trib_expr_env env = { .variables = world->variables,
				     .variable_count = TRIB_ARRAY_SIZE(bound) };
	struct trib_expr_program *checked = NULL, *unchecked = NULL;
	struct trib_expr_error error;
	struct trib_value value;
	struct twin twin = { .context = { &world->arena, TRIB_LIMIT_CEL_COST },
			     .facts = &world->facts };
	bool checks = trib_expr_compile(&env, source, &checked, &error) == TRIB_OK;

	env.flags = TRIB_EXPR_UNCHECKED;
	if (trib_expr_compile(&env, source, &unchecked, &error) != TRIB_OK)
		fail_msg("%.*s: %s", TRIB_BYTES_ARG(source), error.text);
	value = evaluate(world, unchecked);
	outcome(&value, &texts[0]);
	value = twin_eval(&twin, trib_expr_root(unchecked));
	outcome(&value, &texts[1]);
	if (strcmp(trib_buffer_text(&texts[0]), trib_buffer_text(&texts[1])))
		fail_msg("%.*s\nevaluator %s\ntwin      %s", TRIB_BYTES_ARG(source),
			 trib_buffer_text(&texts[0]), trib_buffer_text(&texts[1]));
	if (checks) {
		value = evaluate(world, checked);
		outcome(&value, &texts[2]);
		if (strcmp(trib_buffer_text(&texts[0]), trib_buffer_text(&texts[2])))
			fail_msg("%.*s\nunchecked %s\nchecked   %s", TRIB_BYTES_ARG(source),
				 trib_buffer_text(&texts[0]), trib_buffer_text(&texts[2]));
	}
	trib_expr_free(checked);
	trib_expr_free(unchecked);
	return checks;
}

static void random_expressions(void **state)
{
	enum { ROUNDS = 20000 };
	struct generator g = { 0 };
	struct trib_buffer texts[3];
	struct world world;
	int checked = 0, values = 0;

	trib_rng_seed(&g.rng, trib_test_seed());
	trib_buffer_init(&g.text, 1 << 20);
	for (int i = 0; i < 3; i++)
		trib_buffer_init(&texts[i], 1 << 20);
	world_init(&world);
	for (int i = 0; i < ROUNDS; i++) {
		trib_buffer_reset(&g.text);
		trib_arena_reset(&world.arena);
		generate(&g, (enum wanted)below(&g, WANTED), 1 + (int)below(&g, 6));
		trib_buffer_text(&g.text); /* ends it with a NUL, which the lexer counts on */
		printing_gives_the_same_tree(trib_buffer_bytes(&g.text), &world.arena);
		checked += evaluations_agree(&world, trib_buffer_bytes(&g.text), texts);
		values += strcmp(trib_buffer_text(&texts[0]), "error") != 0;
	}
	/* The expressions are worth something: many have types and values. */
	assert_true(checked > ROUNDS / 4 && values > ROUNDS / 4);
	printf("# %d expressions, %d check, %d have a value\n", ROUNDS, checked, values);
	world_fini(&world);
	for (int i = 0; i < 3; i++)
		trib_buffer_fini(&texts[i]);
	trib_buffer_fini(&g.text);
}

/* Bytes at random, and good expressions with a few bytes changed: an error or a program, never worse. */
static void broken_expressions(void **state)
{
	static const char *const seeds[] = {
		"[1, 2].map(x, x % 2 == 0, x + 1)", "'a\\u00ff' + r'\\d' + '''b'''",
		"a.b.c[0].d(1, 2u, 0x1F, 1.5e3)",   "has(a.b) ? {1: 'x', 'y': [b'\\xff']} : null",
		"!x && (y || -z < 5) // end",
	};
	struct trib_expr_env env = { .flags = TRIB_EXPR_UNCHECKED };
	struct trib_arena arena;
	struct trib_rng rng;
	char text[128];

	trib_rng_seed(&rng, trib_test_seed());
	trib_arena_init(&arena, 1 << 20);
	for (int i = 0; i < 50000; i++) {
		const char *seed = seeds[trib_rng_below(&rng, TRIB_ARRAY_SIZE(seeds))];
		size_t size = strlen(seed);
		struct trib_expr_program *program = NULL;
		struct trib_expr_error error;
		struct trib_value value;

		memcpy(text, seed, size);
		for (uint64_t changes = 1 + trib_rng_below(&rng, 4); changes > 0; changes--)
			text[trib_rng_below(&rng, size)] =
				(char)(trib_rng_chance(&rng, 0.5)
					       ? "()[]{}.,'\"\\?:&|!-+1au"[trib_rng_below(&rng, 22)]
					       : trib_rng_below(&rng, 256));
		env.flags ^= TRIB_EXPR_UNCHECKED;
		trib_arena_reset(&arena);
		if (trib_expr_compile(&env, trib_bytes(text, size), &program, &error) != TRIB_OK) {
			assert_true(error.line >= 1 && error.column >= 1 && error.text[0]);
			continue;
		}
		trib_expr_eval(program, NULL, &arena, &value, &error);
		trib_expr_free(program);
	}
	trib_arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_expressions),
		cmocka_unit_test(broken_expressions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
