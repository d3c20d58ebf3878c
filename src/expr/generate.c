/* From the checked tree to code. As in the checker, what leans to the left is walked without recursion. */
#include "expr/program.h"

enum {
	PATTERNS_MAX =
		64, /* constant patterns kept compiled; more are compiled when they are used */
	SET_STRINGS_FROM = 12,
};

struct generator {
	struct trib_expr_program *program;
	struct ast_context *context;
	const struct trib_expr_node **stack;
	uint32_t stack_count, stack_capacity;
	uint32_t depth; /* of the value stack */
	trib_status status;
};

static void generate(struct generator *generator, const struct trib_expr_node *node);

static void fail(struct generator *generator, trib_status status, uint32_t offset, const char *text)
{
	if (generator->status == TRIB_OK)
		generator->status =
			ast_fail(generator->context, TRIB_EXPR_CHECK, status, offset, "%s", text);
}

/* Room for one more of `size` bytes in *array. */
static bool grow(struct generator *generator, void *array, uint32_t count, uint32_t *capacity,
		 size_t size)
{
	void **items = array;

	if (generator->status != TRIB_OK)
		return false;
	if (count < *capacity)
		return true;
	uint32_t larger = TRIB_MAX(16u, *capacity * 2);
	void *memory = trib_arena_alloc(&generator->program->arena, larger * size);

	if (!memory) {
		fail(generator, TRIB_NO_MEMORY, 0,
		     "the expression needs more memory than one may have");
		return false;
	}
	if (count)
		memcpy(memory, *items, count * size);
	*items = memory;
	*capacity = larger;
	return true;
}

/* Returns where the instruction stands, for patching. `change` is what it does to the depth of the stack. */
static uint32_t emit(struct generator *generator, enum operation operation, uint32_t count,
		     uint32_t arg, const struct trib_expr_node *node, int change)
{
	struct trib_expr_program *program = generator->program;
	uint32_t capacity = program->code_capacity;

	if (!grow(generator, &program->code, program->code_count, &program->code_capacity,
		  sizeof(*program->code)) ||
	    !grow(generator, &program->offsets, program->code_count, &capacity,
		  sizeof(*program->offsets)))
		return 0;
	program->code[program->code_count] = (struct instruction){ .operation = (uint16_t)operation,
								   .count = (uint16_t)count,
								   .arg = arg };
	program->offsets[program->code_count] = node->offset;
	generator->depth = (uint32_t)((int)generator->depth + change);
	program->stack_max = TRIB_MAX(program->stack_max, generator->depth);
	return program->code_count++;
}

/* Jumps at `place` go to the next instruction. */
static void patch(struct generator *generator, uint32_t place)
{
	if (generator->status == TRIB_OK)
		generator->program->code[place].arg = generator->program->code_count;
}

static uint32_t constant(struct generator *generator, struct trib_value value)
{
	struct trib_expr_program *program = generator->program;

	if (!grow(generator, &program->constants, program->constant_count,
		  &program->constant_capacity, sizeof(*program->constants)))
		return 0;
	program->constants[program->constant_count] = value;
	return program->constant_count++;
}

/* ---- Calls ---------------------------------------------------------------------------------------- */

/* The jump of every operand goes to the end: a chain of them is kept in the args until that is known. */
static void generate_logic(struct generator *generator, const struct trib_expr_node *node)
{
	bool and = node->function == TRIB_FN_AND;
	uint32_t last = emit(generator, and? OP_AND_FIRST : OP_OR_FIRST, 0, UINT32_MAX, node, 0);

	for (uint32_t i = 1; i < node->count; i++) {
		generate(generator, node->args[i]);
		last = emit(generator, and? OP_AND_NEXT : OP_OR_NEXT, 0, last, node, -1);
	}
	while (generator->status == TRIB_OK && last != UINT32_MAX) {
		uint32_t before = generator->program->code[last].arg;

		patch(generator, last);
		last = before;
	}
}

static void generate_conditional(struct generator *generator, const struct trib_expr_node *node)
{
	uint32_t condition = emit(generator, OP_CONDITION, 0, 0, node, -1);
	uint32_t otherwise = emit(generator, OP_JUMP, 0, 0, node, 0);

	generate(generator, node->args[1]);
	uint32_t end = emit(generator, OP_JUMP, 0, 0, node, -1);

	patch(generator, otherwise);
	generate(generator, node->args[2]);
	patch(generator, end);
	patch(generator, condition);
}

/* matches() with a constant pattern. False: it is to be an ordinary call. */
static bool generate_match(struct generator *generator, const struct trib_expr_node *node)
{
	struct trib_expr_program *program = generator->program;
	const struct trib_expr_node *text = node->args[1];

	if (text->kind != TRIB_EXPR_CONST || text->value.kind != TRIB_VALUE_STRING)
		return false;
	struct re2_pattern *pattern =
		text->value.size > TRIB_LIMIT_CEL_PATTERN_BYTES
			? NULL
			: re2_pattern_new(text->value.text, text->value.size, TEXT_PATTERN_MEMORY);

	if (!pattern) {
		if (program->env.flags & TRIB_EXPR_FACTS)
			fail(generator, TRIB_INVALID, text->offset,
			     "invalid regular expression: RE2 refuses it");
		return false;
	}
	if (!program->patterns)
		program->patterns = trib_arena_alloc(&program->arena,
						     PATTERNS_MAX * sizeof(*program->patterns));
	if (!program->patterns || program->pattern_count == PATTERNS_MAX) {
		re2_pattern_free(pattern);
		return false;
	}
	program->patterns[program->pattern_count++] = pattern;
	emit(generator, OP_MATCH, 0, program->pattern_count - 1, node, 0);
	return true;
}

/* getHours("Asia/Shanghai"): the zone is found here, once. */
static bool generate_zone(struct generator *generator, const struct trib_expr_node *node)
{
	struct trib_expr_program *program = generator->program;
	const struct trib_expr_node *name = node->args[1];
	struct time_zone_name zone;

	if (name->kind != TRIB_EXPR_CONST || name->value.kind != TRIB_VALUE_STRING ||
	    !time_zone_find(trib_value_text(&name->value), &zone) ||
	    !grow(generator, &program->zones, program->zone_count, &program->zone_capacity,
		  sizeof(zone)))
		return false;
	program->zones[program->zone_count++] = zone;
	emit(generator, OP_ZONE, node->function, program->zone_count - 1, node, 0);
	return true;
}

static int compare_strings(const void *a, const void *b)
{
	return trib_bytes_compare(trib_value_text(a), trib_value_text(b));
}

/* A long constant list of strings as the keys of a map, for `in`. False: it is to stay a list. */
static bool as_set(struct generator *generator, const struct trib_value *list,
		   struct trib_value *ret_map)
{
	struct trib_arena *arena = &generator->program->arena;
	uint32_t count = 0;

	if (list->kind != TRIB_VALUE_LIST || list->list->count < SET_STRINGS_FROM)
		return false;
	for (uint32_t i = 0; i < list->list->count; i++)
		if (list->list->items[i].kind != TRIB_VALUE_STRING)
			return false;
	struct trib_value *keys = trib_arena_alloc(arena, list->list->count * sizeof(*keys));

	if (!keys)
		return false;
	memcpy(keys, list->list->items, list->list->count * sizeof(*keys));
	qsort(keys, list->list->count, sizeof(*keys), compare_strings);
	for (uint32_t i = 0; i < list->list->count; i++)
		if (count == 0 || compare_strings(&keys[count - 1], &keys[i]))
			keys[count++] = keys[i];
	return trib_value_map(arena, keys, keys, count, ret_map) == TRIB_OK;
}

/* x in ["a", …]: the list becomes a set where that is worth it. */
static bool generate_in(struct generator *generator, const struct trib_expr_node *node)
{
	const struct trib_expr_node *list = node->args[1];
	struct trib_value set;

	if (list->kind != TRIB_EXPR_CONST || !as_set(generator, &list->value, &set))
		return false;
	emit(generator, OP_CONST, 0, constant(generator, set), list, 1);
	emit(generator, OP_CALL, 2, node->function, node, -1);
	return true;
}

static void generate_call(struct generator *generator, const struct trib_expr_node *node)
{
	if (node->function == TRIB_FN_AND || node->function == TRIB_FN_OR) {
		generate_logic(generator, node);
		return;
	}
	if (node->function == TRIB_FN_DECLARED) {
		fail(generator, TRIB_UNSUPPORTED, node->offset,
		     "found a function that is not evaluated row by row");
		return;
	}
	if (node->function == TRIB_FN_CONDITIONAL) {
		generate_conditional(generator, node);
		return;
	}
	if (node->function == TRIB_FN_MATCHES && node->count == 2 &&
	    generate_match(generator, node))
		return;
	if (node->function == TRIB_FN_IN && generate_in(generator, node))
		return;
	if (time_is_selector(node->function) && node->count == 2 && generate_zone(generator, node))
		return;
	for (uint32_t i = 1; i < node->count; i++)
		generate(generator, node->args[i]);
	if (node->count > UINT16_MAX)
		fail(generator, TRIB_LIMIT, node->offset,
		     "found a call with more than 65535 arguments");
	emit(generator, OP_CALL, node->count, node->function, node, 1 - (int)node->count);
}

/* ---- Comprehensions ------------------------------------------------------------------------------- */

static void generate_comprehension(struct generator *generator, const struct trib_expr_node *node)
{
	static const struct {
		enum operation step, end;
	} operations[] = {
		[TRIB_FN_ALL - TRIB_FN_ALL] = { OP_ALL, OP_END_ALL },
		[TRIB_FN_EXISTS - TRIB_FN_ALL] = { OP_EXISTS, OP_END_EXISTS },
		[TRIB_FN_EXISTS_ONE - TRIB_FN_ALL] = { OP_ONE, OP_END_ONE },
		[TRIB_FN_FILTER - TRIB_FN_ALL] = { OP_FILTER, OP_END_LIST },
		[TRIB_FN_MAP - TRIB_FN_ALL] = { OP_COLLECT, OP_END_LIST },
	};
	uint32_t frame = node->index, condition = UINT32_MAX;
	uint32_t iter = emit(generator, OP_ITER, frame, 0, node, -1);
	uint32_t next = emit(generator, OP_NEXT, frame, 0, node, 0);

	for (uint32_t i = 1; i + 1 < node->count; i++) {
		generate(generator, node->args[i]);
		condition = emit(generator, OP_CONDITION, 0, 0, node, -1);
		emit(generator, OP_JUMP, 0, next, node, 0);
	}
	generate(generator, node->args[node->count - 1]);
	uint32_t step =
		emit(generator, operations[node->function - TRIB_FN_ALL].step, frame, 0, node, -1);

	emit(generator, OP_JUMP, 0, next, node, 0);
	patch(generator, next);
	emit(generator, operations[node->function - TRIB_FN_ALL].end, frame, 0, node, 1);
	patch(generator, iter);
	patch(generator, step);
	if (condition != UINT32_MAX)
		patch(generator, condition);
}

/* ---- The walk ------------------------------------------------------------------------------------- */

static void generate_leaf(struct generator *generator, const struct trib_expr_node *node)
{
	switch (node->kind) {
	case TRIB_EXPR_CONST:
		emit(generator, OP_CONST, 0, constant(generator, node->value), node, 1);
		break;
	case TRIB_EXPR_VARIABLE:
		emit(generator, OP_VARIABLE, 0, node->index, node, 1);
		break;
	case TRIB_EXPR_PRESENT:
		emit(generator, OP_PRESENT, 0, node->index, node, 1);
		break;
	case TRIB_EXPR_LOCAL:
		emit(generator, OP_LOCAL, 0, node->index, node, 1);
		break;
	case TRIB_EXPR_LIST:
		emit(generator, OP_LIST, 0, 0, node, 1);
		break;
	case TRIB_EXPR_MAP:
		emit(generator, OP_MAP, 0, 0, node, 1);
		break;
	case TRIB_EXPR_UNRESOLVED:
		emit(generator, OP_FAIL, node->index,
		     constant(generator, trib_value_string(node->name)), node, 1);
		break;
	case TRIB_EXPR_CALL: /* of nothing: now() */
		generate_call(generator, node);
		break;
	default:
		fail(generator, TRIB_INTERNAL, node->offset,
		     "found a node that cannot be evaluated");
	}
}

/* args[0] has been generated. */
static void generate_rest(struct generator *generator, const struct trib_expr_node *node)
{
	switch (node->kind) {
	case TRIB_EXPR_SELECT:
	case TRIB_EXPR_HAS:
		emit(generator, node->kind == TRIB_EXPR_HAS ? OP_HAS : OP_SELECT, 0,
		     constant(generator, trib_value_string(node->name)), node, 0);
		break;
	case TRIB_EXPR_CALL:
		generate_call(generator, node);
		break;
	case TRIB_EXPR_LIST:
	case TRIB_EXPR_MAP:
		for (uint32_t i = 1; i < node->count; i++)
			generate(generator, node->args[i]);
		emit(generator, node->kind == TRIB_EXPR_LIST ? OP_LIST : OP_MAP, 0, node->count,
		     node, 1 - (int)node->count);
		break;
	case TRIB_EXPR_COMPREHENSION:
		generate_comprehension(generator, node);
		break;
	default:
		fail(generator, TRIB_INTERNAL, node->offset,
		     "found a node that cannot be evaluated");
	}
}

static void generate(struct generator *generator, const struct trib_expr_node *node)
{
	uint32_t base = generator->stack_count;

	for (; node->count > 0; node = node->args[0]) {
		if (!grow(generator, &generator->stack, generator->stack_count,
			  &generator->stack_capacity, sizeof(*generator->stack)))
			return;
		generator->stack[generator->stack_count++] = node;
	}
	generate_leaf(generator, node);
	while (generator->stack_count > base)
		generate_rest(generator, generator->stack[--generator->stack_count]);
}

trib_status program_generate(struct trib_expr_program *program, struct ast_context *context)
{
	struct generator generator = { .program = program, .context = context };

	generate(&generator, program->root);
	emit(&generator, OP_RETURN, 0, 0, program->root, -1);
	return generator.status;
}
