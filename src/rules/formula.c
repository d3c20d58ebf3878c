/* Formulas, as rules/formula.h says. */
#include "rules/formula.h"

enum { DEPTH_MAX = 16, OPS_MAX = 256, NESTED_MAX = 48 }; /* of the stack, of all, of the expression */

enum formula_op_kind {
	OP_CONST, /* pushes number */
	OP_FACT,  /* pushes the fact */
	OP_ADD,	  /* these take two and push one */
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_MOD,
	OP_LT,
	OP_LE,
	OP_EQ,
	OP_AND,
	OP_OR,
	OP_GREATEST,
	OP_LEAST,
	OP_NEG, /* these take one and push one */
	OP_NOT,
	OP_SKIP_UNLESS, /* takes one; where it is 0, goes on behind `number` more */
	OP_SKIP,	/* goes on behind `number` more */
};

struct formula_op {
	uint8_t kind, fact;
	int64_t number;
};

struct formula {
	const struct trib_expr_program *program;
	uint32_t count; /* 0: the evaluator's */
	struct formula_op ops[];
};

/* ---- Making ------------------------------------------------------------------------------------------- */

struct maker {
	struct formula_op ops[OPS_MAX];
	uint32_t count, depth;
	bool rich; /* something is in it that no op does */
};

static uint32_t emit(struct maker *m, enum formula_op_kind kind, enum trib_fact fact, int64_t number, int pushes)
{
	m->depth += (uint32_t)pushes;
	if (m->count == OPS_MAX || m->depth > DEPTH_MAX) {
		m->rich = true;
		return 0;
	}
	m->ops[m->count] = (struct formula_op){ (uint8_t)kind, (uint8_t)fact, number };
	return m->count++;
}

static bool is_kind(const struct trib_expr_node *node, enum trib_type_kind kind)
{
	return node->type && node->type->kind == kind;
}

/* Cannot fail, whatever the order: then && and || may look at both sides. */
static bool is_safe(const struct trib_expr_node *node)
{
	enum trib_fact fact = condition_fact(node);

	if (fact != TRIB_FACT_NONE)
		return trib_fact_rows[fact].group == TRIB_GROUP_ORDER;
	if (node->kind == TRIB_EXPR_CONST)
		return true;
	if (node->kind != TRIB_EXPR_CALL)
		return false;
	switch (node->function) {
	case TRIB_FN_AND:
	case TRIB_FN_OR:
	case TRIB_FN_NOT:
	case TRIB_FN_EQ:
	case TRIB_FN_NE:
	case TRIB_FN_LT:
	case TRIB_FN_LE:
	case TRIB_FN_GT:
	case TRIB_FN_GE:
		break;
	default:
		return false;
	}
	for (uint32_t i = 0; i < node->count; i++)
		if (!is_safe(node->args[i]))
			return false;
	return true;
}

static void make(struct maker *m, const struct trib_expr_node *node);

/* left op right, or its opposite, or with sides changed. */
static void make_binary(struct maker *m, const struct trib_expr_node *node, enum formula_op_kind kind, bool swapped,
			bool negated)
{
	make(m, node->args[swapped]);
	make(m, node->args[!swapped]);
	emit(m, kind, TRIB_FACT_NONE, 0, -1);
	if (negated)
		emit(m, OP_NOT, TRIB_FACT_NONE, 0, 0);
}

static void make_choice(struct maker *m, const struct trib_expr_node *node)
{
	make(m, node->args[0]);
	uint32_t unless = emit(m, OP_SKIP_UNLESS, TRIB_FACT_NONE, 0, -1);

	make(m, node->args[1]);
	uint32_t skip = emit(m, OP_SKIP, TRIB_FACT_NONE, 0, -1);

	m->ops[unless].number = m->count - unless - 1;
	make(m, node->args[2]);
	m->ops[skip].number = m->count - skip - 1;
}

/* All args are of one kind, whole numbers unless they are said to be bools. */
static bool args_are(const struct trib_expr_node *node, enum trib_type_kind kind)
{
	for (uint32_t i = 0; i < node->count; i++)
		if (!is_kind(node->args[i], kind))
			return false;
	return node->count > 0;
}

/* One after another: of more than two args, too. */
static void make_all(struct maker *m, const struct trib_expr_node *node, enum formula_op_kind kind)
{
	make(m, node->args[0]);
	for (uint32_t i = 1; i < node->count; i++) {
		make(m, node->args[i]);
		emit(m, kind, TRIB_FACT_NONE, 0, -1);
	}
}

static void make_of_bools(struct maker *m, const struct trib_expr_node *node)
{
	switch (node->function) {
	case TRIB_FN_AND:
	case TRIB_FN_OR:
		m->rich |= !is_safe(node);
		make_all(m, node, node->function == TRIB_FN_AND ? OP_AND : OP_OR);
		return;
	case TRIB_FN_NOT:
		make(m, node->args[0]);
		emit(m, OP_NOT, TRIB_FACT_NONE, 0, 0);
		return;
	case TRIB_FN_EQ:
	case TRIB_FN_NE:
		make_binary(m, node, OP_EQ, false, node->function == TRIB_FN_NE);
		return;
	default:
		m->rich = true;
	}
}

static void make_of_ints(struct maker *m, const struct trib_expr_node *node)
{
	switch (node->function) {
	case TRIB_FN_ADD: make_binary(m, node, OP_ADD, false, false); return;
	case TRIB_FN_SUB: make_binary(m, node, OP_SUB, false, false); return;
	case TRIB_FN_MUL: make_binary(m, node, OP_MUL, false, false); return;
	case TRIB_FN_DIV: make_binary(m, node, OP_DIV, false, false); return;
	case TRIB_FN_MOD: make_binary(m, node, OP_MOD, false, false); return;
	case TRIB_FN_LT: make_binary(m, node, OP_LT, false, false); return;
	case TRIB_FN_LE: make_binary(m, node, OP_LE, false, false); return;
	case TRIB_FN_GT: make_binary(m, node, OP_LT, true, false); return;
	case TRIB_FN_GE: make_binary(m, node, OP_LE, true, false); return;
	case TRIB_FN_EQ: make_binary(m, node, OP_EQ, false, false); return;
	case TRIB_FN_NE: make_binary(m, node, OP_EQ, false, true); return;
	case TRIB_FN_MATH_GREATEST: make_all(m, node, OP_GREATEST); return;
	case TRIB_FN_MATH_LEAST: make_all(m, node, OP_LEAST); return;
	case TRIB_FN_NEG:
		make(m, node->args[0]);
		emit(m, OP_NEG, TRIB_FACT_NONE, 0, 0);
		return;
	default:
		m->rich = true;
	}
}

static void make(struct maker *m, const struct trib_expr_node *node)
{
	enum trib_fact fact = condition_fact(node);

	if (m->rich)
		return;
	if (fact != TRIB_FACT_NONE &&
	    (trib_fact_rows[fact].kind == TRIB_FACT_INT || trib_fact_rows[fact].kind == TRIB_FACT_BOOL))
		emit(m, OP_FACT, fact, 0, 1);
	else if (node->kind == TRIB_EXPR_CONST && node->value.kind == TRIB_VALUE_INT)
		emit(m, OP_CONST, TRIB_FACT_NONE, node->value.integer, 1);
	else if (node->kind == TRIB_EXPR_CONST && node->value.kind == TRIB_VALUE_BOOL)
		emit(m, OP_CONST, TRIB_FACT_NONE, node->value.boolean, 1);
	else if (node->kind != TRIB_EXPR_CALL)
		m->rich = true;
	else if (node->function == TRIB_FN_CONDITIONAL && is_kind(node->args[0], TRIB_TYPE_BOOL))
		make_choice(m, node);
	else if (args_are(node, TRIB_TYPE_INT))
		make_of_ints(m, node);
	else if (args_are(node, TRIB_TYPE_BOOL))
		make_of_bools(m, node);
	else
		m->rich = true;
}

const struct formula *formula_make(const struct trib_expr_program *program, struct trib_arena *arena)
{
	struct maker m = { .count = 0 };
	struct formula *formula;

	m.rich = trib_expr_root(program)->depth > NESTED_MAX;
	make(&m, trib_expr_root(program));
	if (m.rich)
		m.count = 0;
	formula = trib_arena_alloc(arena, sizeof(*formula) + m.count * sizeof(formula->ops[0]));
	trib_assert(formula);
	formula->program = program;
	formula->count = m.count;
	memcpy(formula->ops, m.ops, m.count * sizeof(formula->ops[0]));
	return formula;
}

bool formula_is_flat(const struct formula *formula)
{
	return formula->count > 0;
}

/* ---- Computing ---------------------------------------------------------------------------------------- */

static bool compute(uint8_t kind, int64_t a, int64_t b, int64_t *ret_result)
{
	switch (kind) {
	case OP_ADD: return !__builtin_add_overflow(a, b, ret_result);
	case OP_SUB: return !__builtin_sub_overflow(a, b, ret_result);
	case OP_MUL: return !__builtin_mul_overflow(a, b, ret_result);
	case OP_DIV:
	case OP_MOD:
		if (b == 0 || (a == INT64_MIN && b == -1))
			return false;
		*ret_result = kind == OP_DIV ? a / b : a % b;
		return true;
	case OP_LT: *ret_result = a < b; return true;
	case OP_LE: *ret_result = a <= b; return true;
	case OP_EQ: *ret_result = a == b; return true;
	case OP_AND: *ret_result = a & b; return true;
	case OP_OR: *ret_result = a | b; return true;
	case OP_GREATEST: *ret_result = TRIB_MAX(a, b); return true;
	case OP_LEAST: *ret_result = TRIB_MIN(a, b); return true;
	}
	return false;
}

static bool run(const struct formula *formula, const struct trib_facts *facts, int64_t *ret_result)
{
	int64_t stack[DEPTH_MAX + 1], *top = stack; /* above the newest */

	for (uint32_t i = 0; i < formula->count; i++) {
		const struct formula_op *op = &formula->ops[i];

		switch (op->kind) {
		case OP_CONST: *top++ = op->number; break;
		case OP_FACT:
			if (TRIB_UNLIKELY(!trib_fact_in(&facts->open, op->fact)))
				return false;
			*top++ = facts->value[op->fact];
			break;
		case OP_NEG:
			if (__builtin_sub_overflow((int64_t)0, top[-1], &top[-1]))
				return false;
			break;
		case OP_NOT: top[-1] = !top[-1]; break;
		case OP_SKIP_UNLESS: i += *--top ? 0 : (uint32_t)op->number; break;
		case OP_SKIP: i += (uint32_t)op->number; break;
		default:
			top--;
			if (!compute(op->kind, top[-1], top[0], &top[-1]))
				return false;
		}
	}
	*ret_result = stack[0];
	return true;
}

bool formula_eval(const struct formula *formula, const struct trib_facts *facts, int64_t *ret_result)
{
	struct trib_value value;

	if (TRIB_LIKELY(formula->count))
		return run(formula, facts, ret_result);
	if (condition_eval(formula->program, facts, &value) != TRIB_OK || value.kind != TRIB_VALUE_INT)
		return false;
	*ret_result = value.integer;
	return true;
}
