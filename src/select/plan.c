/* From checked CEL to steps. */
#include "select/functions.h"
#include "select/plan.h"

#include <math.h>

enum {
	ARENA_BYTES = 256 << 20,
	STEPS_MAX = 1 << 14, /* ternaries in ternaries multiply */
	DEPTH_MAX = 300,
	EVAL_BYTES = 1 << 20,
};

#define NOT_BY_ROW                                                                                 \
	"found an expression that cannot be evaluated row by row, expected a shorter one, or "     \
	"in_region() outside of it"

static struct step *new_step(struct plan *plan, enum step_kind kind)
{
	struct step *step = trib_arena_alloc_zeroed(&plan->arena, sizeof(*step));

	trib_assert(step);
	step->kind = (uint8_t)kind;
	step->number = plan->step_count++;
	return step;
}

static const struct trib_field *field_at(const struct plan *plan, uint32_t field)
{
	uint32_t count;

	return trib_table_fields(plan->table, &count) + field;
}

static struct step *new_set(struct plan *plan, const struct trib_expr_node *node, uint32_t field,
			    struct trib_ranges set, bool negated)
{
	struct step *step = new_step(plan, STEP_SET);

	step->field = field;
	step->node = node;
	step->set = negated ? trib_ranges_complement(&plan->arena, set, INT64_MIN) : set;
	if (!step->set.count)
		step->kind = STEP_NONE;
	return step;
}

/* ---- Constants on the scale of a column --------------------------------------------------- */

static const double powers[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9 };

static double unscaled(int64_t value, uint8_t decimals)
{
	return (double)value / powers[decimals];
}

/* The greatest n whose value as CEL sees it is <= x; INT64_MIN: there is none. */
static int64_t floor_scaled(double x, uint8_t decimals)
{
	double guess = floor(x * powers[decimals]);

	if (guess >= 9e15)
		return INT64_MAX;
	if (guess <= -9e15)
		return INT64_MIN;
	int64_t n = (int64_t)guess + 2;

	while (unscaled(n, decimals) > x)
		n--;
	return n;
}

/* The greatest number of the column's scale that is not above the constant, and whether it is that. */
static bool scale(const struct trib_field *field, const struct trib_value *value,
		  int64_t *ret_floor, bool *ret_exact)
{
	*ret_exact = true;
	if (field->kind == TRIB_FIELD_INT && value->kind == TRIB_VALUE_INT) {
		*ret_floor = value->integer;
		return true;
	}
	if (field->kind == TRIB_FIELD_TIME && value->kind == TRIB_VALUE_TIMESTAMP) {
		*ret_floor = trib_value_floor_ms(value, ret_exact);
		return true;
	}
	if (field->kind == TRIB_FIELD_DECIMAL && value->kind == TRIB_VALUE_DOUBLE &&
	    !isnan(value->number)) {
		*ret_floor = floor_scaled(value->number, field->decimals);
		*ret_exact = unscaled(*ret_floor, field->decimals) == value->number;
		return true;
	}
	return false;
}

static struct trib_ranges compared(struct plan *plan, enum trib_expr_function function,
				   int64_t floor, bool exact)
{
	return trib_expr_compared(&plan->arena, function, floor, exact,
				  (struct trib_range){ INT64_MIN, INT64_MAX });
}

/* ---- Tests -------------------------------------------------------------------------------- */

static bool is_column(const struct trib_expr_node *node)
{
	return node->kind == TRIB_EXPR_VARIABLE;
}

static bool is_constant(const struct trib_expr_node *node)
{
	return node->kind == TRIB_EXPR_CONST;
}

/* The values of a column of words or flags that are `value`; false: it is of another kind. */
static bool equals(struct plan *plan, uint32_t field, const struct trib_value *value,
		   struct trib_ranges *ret_set)
{
	uint8_t kind = field_at(plan, field)->kind;
	int64_t floor;
	bool exact;

	if (kind == TRIB_FIELD_CODE && value->kind == TRIB_VALUE_STRING) {
		uint32_t code = trib_dictionary_find(trib_table_words(plan->table, field),
						     trib_value_text(value));

		*ret_set = code || !value->size ? trib_ranges_of(&plan->arena, code, code)
						: (struct trib_ranges){ 0 };
		return true;
	}
	if (kind == TRIB_FIELD_BOOL && value->kind == TRIB_VALUE_BOOL) {
		*ret_set = trib_ranges_of(&plan->arena, value->boolean, value->boolean);
		return true;
	}
	if (!scale(field_at(plan, field), value, &floor, &exact))
		return false;
	*ret_set = compared(plan, TRIB_FN_EQ, floor, exact);
	return true;
}

static struct step *comparison(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	const struct trib_expr_node *left = node->args[0], *right = node->args[1];
	enum trib_expr_function function = (enum trib_expr_function)node->function;
	struct trib_ranges set;
	int64_t floor;
	bool exact;

	if (is_constant(left) && is_column(right)) {
		const struct trib_expr_node *other = left;

		left = right;
		right = other;
		function = trib_expr_mirrored(function);
	}
	if (!is_column(left) || !is_constant(right))
		return NULL;
	if (function == TRIB_FN_EQ || function == TRIB_FN_NE)
		return equals(plan, left->index, &right->value, &set)
			       ? new_set(plan, node, left->index, set,
					 negated != (function == TRIB_FN_NE))
			       : NULL;
	if (!scale(field_at(plan, left->index), &right->value, &floor, &exact))
		return NULL;
	return new_set(plan, node, left->index, compared(plan, function, floor, exact), negated);
}

/* column in [constants]; "word" in codes */
static struct step *membership(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	const struct trib_expr_node *item = node->args[0], *list = node->args[1];

	if (is_constant(item) && is_column(list) &&
	    field_at(plan, list->index)->kind == TRIB_FIELD_CODES &&
	    item->value.kind == TRIB_VALUE_STRING) {
		uint32_t code = trib_dictionary_find(trib_table_words(plan->table, list->index),
						     trib_value_text(&item->value));
		struct step *step = new_step(plan, code	     ? STEP_CODES
						   : negated ? STEP_ALL
							     : STEP_NONE);

		step->field = list->index;
		step->node = node;
		step->negated = negated;
		step->set = trib_ranges_of(&plan->arena, code, code);
		return step;
	}
	if (!is_column(item) || !is_constant(list) || list->value.kind != TRIB_VALUE_LIST)
		return NULL;
	const struct trib_list *values = list->value.list;
	struct trib_ranges *sets = trib_arena_alloc(&plan->arena, values->count * sizeof(*sets));

	trib_assert(sets);
	for (uint32_t i = 0; i < values->count; i++)
		if (!equals(plan, item->index, &values->items[i], &sets[i]))
			return NULL;
	return new_set(plan, node, item->index,
		       trib_ranges_union(&plan->arena, sets, values->count), negated);
}

/* The one column of words that an expression reads; false where it reads none, another kind, or two. */
static bool reads_one_word(const struct plan *plan, const struct trib_expr_node *node,
			   uint32_t *field, bool *found)
{
	if (node->kind == TRIB_EXPR_VARIABLE) {
		if (field_at(plan, node->index)->kind != TRIB_FIELD_CODE ||
		    (*found && *field != node->index))
			return false;
		*field = node->index;
		*found = true;
	}
	for (uint32_t i = 0; i < node->count; i++)
		if (!reads_one_word(plan, node->args[i], field, found))
			return false;
	return true;
}

struct word_facts {
	struct trib_bytes text;
};

static bool word_facts_get(void *context, uint32_t index, struct trib_arena *arena,
			   struct trib_value *ret_value)
{
	*ret_value = trib_value_string(((const struct word_facts *)context)->text);
	return true;
}

/* A program of part of a tree: what is written there, checked again. NULL: it cannot stand alone. */
static struct trib_expr_program *part_of(struct plan *plan, const struct trib_expr_program *whole,
					 const struct trib_expr_node *node, bool negated);

/* What an expression over one column of words is true of: it is asked of every word of the dictionary. */
static struct step *word_test(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	uint32_t field = 0, n = 0;
	bool found = false;

	if (node->depth > DEPTH_MAX || !reads_one_word(plan, node, &field, &found) || !found)
		return NULL;
	struct trib_expr_program *program = part_of(plan, plan->filter, node, negated);

	if (!program)
		return NULL;
	const struct trib_dictionary *words = trib_table_words(plan->table, field);
	uint32_t count = trib_dictionary_count(words);
	struct trib_range *ranges = trib_alloc((count + 1) * sizeof(*ranges));
	struct trib_arena arena;

	trib_arena_init(&arena, EVAL_BYTES);
	for (uint32_t code = 0; code <= count; code++) {
		struct word_facts facts = { trib_dictionary_text(words, code) };
		struct trib_value value;
		bool is =
			trib_expr_eval(program,
				       &(struct trib_expr_facts){ word_facts_get, &facts, NULL, 0 },
				       &arena, &value, NULL) == TRIB_OK &&
			value.kind == TRIB_VALUE_BOOL && value.boolean;

		trib_arena_reset(&arena);
		if (!is)
			continue;
		if (n && ranges[n - 1].hi + 1 == code)
			ranges[n - 1].hi++;
		else
			ranges[n++] = (struct trib_range){ code, code };
	}
	struct trib_range *kept = trib_arena_alloc(&plan->arena, n * sizeof(*kept));

	trib_assert(kept);
	memcpy(kept, ranges, n * sizeof(*kept));
	free(ranges);
	trib_arena_fini(&arena);
	trib_expr_free(program);
	return new_set(plan, node, field, (struct trib_ranges){ n, kept }, false);
}

/* ---- Parts that the evaluator answers ----------------------------------------------------- */

static struct trib_expr_env env_of(const struct plan *plan)
{
	return (struct trib_expr_env){ .variables = plan->variables,
				       .variable_count = plan->variable_count,
				       .flags = TRIB_EXPR_FACTS,
				       .lasting = true };
}

static struct trib_expr_program *part_of(struct plan *plan, const struct trib_expr_program *whole,
					 const struct trib_expr_node *node, bool negated)
{
	struct trib_expr_program *program;
	struct trib_expr_env env = env_of(plan);
	struct trib_expr_error why;
	struct trib_buffer text;

	trib_buffer_init(&text, TRIB_LIMIT_CEL_SOURCE_BYTES);
	trib_buffer_add_text(&text, negated ? "!(" : "(");
	trib_expr_print_part(whole, node, &text);
	trib_buffer_add_text(&text, ")");
	trib_status status =
		text.failed ? TRIB_LIMIT
			    : trib_expr_compile(&env, trib_buffer_bytes(&text), &program, &why);

	trib_buffer_fini(&text);
	return status == TRIB_OK ? program : NULL;
}

/* What is not refused on the way in can be printed and read again; a filter at the limit of its size may not. */
static struct step *rich(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	struct step *step = new_step(plan, STEP_RICH);

	step->node = node;
	step->negated = negated;
	step->program = part_of(plan, plan->filter, node, negated);
	trib_assert(plan->rich_count < STEPS_MAX);
	plan->rich[plan->rich_count++] = step;
	return step;
}

/* ---- The tree ----------------------------------------------------------------------------- */

static struct step *make(struct plan *plan, const struct trib_expr_node *node, bool negated);

/* Two tests of one column are one. True: `other` is part of `step` now. */
static bool join(struct plan *plan, struct step *step, struct step *other, bool all)
{
	struct trib_ranges sets[2] = { step->set, other->set };

	if (step->kind != STEP_SET || other->kind != STEP_SET || step->field != other->field)
		return false;
	step->set = all ? trib_ranges_intersect(&plan->arena, sets[0], sets[1])
			: trib_ranges_union(&plan->arena, sets, 2);
	while (step->joined)
		step = step->joined;
	step->joined = other;
	return true;
}

static bool join_one_of(struct plan *plan, struct step *const *steps, uint32_t count,
			struct step *other, bool all)
{
	for (uint32_t i = 0; i < count; i++)
		if (join(plan, steps[i], other, all))
			return true;
	return false;
}

static struct step *combined(struct plan *plan, struct step *const *args, uint32_t count, bool all)
{
	enum step_kind neutral = all ? STEP_ALL : STEP_NONE, final = all ? STEP_NONE : STEP_ALL;
	struct step **kept = trib_arena_alloc(&plan->arena, count * sizeof(*kept));
	uint32_t n = 0;

	trib_assert(kept);
	for (uint32_t i = 0; i < count; i++) {
		if (args[i]->kind == final)
			return args[i];
		if (args[i]->kind != neutral && !join_one_of(plan, kept, n, args[i], all))
			kept[n++] = args[i];
	}
	for (uint32_t i = 0; i < n; i++)
		if (kept[i]->kind == STEP_SET && !kept[i]->set.count)
			return new_step(plan, STEP_NONE); /* of an AND: they exclude each other */
	if (n == 0)
		return new_step(plan, neutral);
	if (n == 1)
		return kept[0];
	struct step *step = new_step(plan, all ? STEP_AND : STEP_OR);

	step->args = (const struct step *const *)kept;
	step->count = n;
	return step;
}

static struct step *make_args(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	struct step **args = trib_arena_alloc(&plan->arena, node->count * sizeof(*args));

	trib_assert(args);
	for (uint32_t i = 0; i < node->count; i++)
		args[i] = make(plan, node->args[i], negated);
	return combined(plan, args, node->count, (node->function == TRIB_FN_AND) != negated);
}

static struct step *make_choice(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	struct step *yes[2] = { make(plan, node->args[0], false),
				make(plan, node->args[1], negated) };
	struct step *no[2] = { make(plan, node->args[0], true),
			       make(plan, node->args[2], negated) };
	struct step *either[2] = { combined(plan, yes, 2, true), combined(plan, no, 2, true) };

	return combined(plan, either, 2, false);
}

/* category.startsWith("women/"), without asking every word. */
static struct step *prefix(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	const struct trib_expr_node *column = node->args[0], *text = node->args[1];

	if (!is_column(column) || field_at(plan, column->index)->kind != TRIB_FIELD_CODE ||
	    !is_constant(text) || !text->value.size)
		return NULL;
	return new_set(plan, node, column->index,
		       trib_dictionary_within(trib_table_words(plan->table, column->index),
					      trib_value_text(&text->value), &plan->arena),
		       negated);
}

/* in_region(origin, "cn/zhejiang"): that region, and all whose path goes on from it. */
static struct step *region(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	uint32_t field = node->args[0]->index;
	const struct trib_dictionary *words = trib_table_words(plan->table, field);
	struct trib_bytes path = trib_value_text(&node->args[1]->value);
	char *below = trib_arena_alloc(&plan->arena, path.size + 1);
	uint32_t code = trib_dictionary_find(words, path);

	trib_assert(below);
	memcpy(below, path.data, path.size);
	below[path.size] = '/';
	struct trib_ranges sets[2] = {
		trib_dictionary_within(words, trib_bytes(below, path.size + 1), &plan->arena),
		trib_ranges_of(&plan->arena, code, code)
	};
	struct trib_ranges set = trib_ranges_union(&plan->arena, sets, code ? 2 : 1);

	if (field_at(plan, field)->kind == TRIB_FIELD_CODE)
		return new_set(plan, node, field, set, negated);
	struct step *step = new_step(plan, STEP_CODES);

	step->field = field;
	step->node = node;
	step->negated = negated;
	step->set = set;
	return step;
}

static struct step *test_of(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	struct step *step = NULL;

	if (node->kind == TRIB_EXPR_VARIABLE) /* its type is bool */
		return new_set(plan, node, node->index, trib_ranges_of(&plan->arena, 1, 1),
			       negated);
	if (node->kind == TRIB_EXPR_CALL) {
		switch ((enum trib_expr_function)node->function) {
		case TRIB_FN_EQ:
		case TRIB_FN_NE:
		case TRIB_FN_LT:
		case TRIB_FN_LE:
		case TRIB_FN_GT:
		case TRIB_FN_GE:
			step = comparison(plan, node, negated);
			break;
		case TRIB_FN_IN:
			step = membership(plan, node, negated);
			break;
		case TRIB_FN_STARTS_WITH:
			step = prefix(plan, node, negated);
			break;
		case TRIB_FN_DECLARED: /* the others are not among settled trees */
			step = region(plan, node, negated);
			break;
		default:
			break;
		}
	}
	if (!step)
		step = word_test(plan, node, negated);
	if (step && step->kind == STEP_SET)
		step->negated = negated; /* as it is written: != is a test of its own */
	return step ? step : rich(plan, node, negated);
}

static struct step *make(struct plan *plan, const struct trib_expr_node *node, bool negated)
{
	if (node->kind == TRIB_EXPR_CONST && node->value.kind == TRIB_VALUE_BOOL)
		return new_step(plan, node->value.boolean != negated ? STEP_ALL : STEP_NONE);
	if (node->kind == TRIB_EXPR_CALL && node->depth <= DEPTH_MAX &&
	    plan->step_count < STEPS_MAX / 2) {
		switch ((enum trib_expr_function)node->function) {
		case TRIB_FN_NOT:
			return make(plan, node->args[0], !negated);
		case TRIB_FN_AND:
		case TRIB_FN_OR:
			return make_args(plan, node, negated);
		case TRIB_FN_CONDITIONAL:
			return make_choice(plan, node, negated);
		default:
			break;
		}
	}
	return test_of(plan, node, negated);
}

/* ---- The whole ---------------------------------------------------------------------------- */

static const struct trib_type *type_of(uint8_t kind)
{
	switch ((enum trib_field_kind)kind) {
	case TRIB_FIELD_DECIMAL:
		return &trib_type_double;
	case TRIB_FIELD_TIME:
		return &trib_type_timestamp;
	case TRIB_FIELD_BOOL:
		return &trib_type_bool;
	case TRIB_FIELD_CODE:
	case TRIB_FIELD_TEXT:
		return &trib_type_string;
	case TRIB_FIELD_CODES:
		return &trib_type_list_string;
	default:
		return &trib_type_int;
	}
}

/* ---- Functions of selections -------------------------------------------------------------- */

/* One source: where its errors are, and what its tree belongs to. */
struct source {
	const char *at;
	struct trib_expr_program *program;
};

static trib_status fail_at(const struct source *source, const struct trib_expr_node *node,
			   trib_status status, struct trib_error *error, const char *text)
{
	char at[TRIB_ERROR_AT_MAX];
	uint32_t line, column;

	trib_expr_position(source->program, node->offset, &line, &column);
	snprintf(at, sizeof(at), "%s:%u:%u", source->at, line, column);
	return trib_fail(error, status, at, "%s", text);
}

static bool is_words(const struct plan *plan, const struct trib_expr_node *node)
{
	return is_column(node) && trib_table_words(plan->table, node->index);
}

static struct trib_expr_node *constant(struct plan *plan, const struct trib_expr_node *node,
				       struct trib_value value)
{
	struct trib_expr_node *copy = trib_arena_alloc(&plan->arena, sizeof(*copy));

	trib_assert(copy);
	*copy = (struct trib_expr_node){ .kind = TRIB_EXPR_CONST,
					 .offset = node->offset,
					 .depth = 1,
					 .type = node->type,
					 .value = value };
	return copy;
}

static trib_status settle_call(struct plan *plan, const struct source *source,
			       const struct trib_expr_node *node,
			       const struct trib_expr_node **ret_node, struct trib_error *error)
{
	switch ((enum trib_select_function)node->index) {
	case TRIB_SELECT_NOW:
		*ret_node = constant(plan, node, trib_value_timestamp_ms(plan->now_ms));
		return TRIB_OK;
	case TRIB_SELECT_IN_REGION:
		*ret_node = node;
		return is_words(plan, node->args[0]) && is_constant(node->args[1])
			       ? TRIB_OK
			       : fail_at(source, node, TRIB_INVALID, error,
					 "found something else, expected in_region(a field of "
					 "words, a text)");
	default:
		return fail_at(source, node, TRIB_UNSUPPORTED, error,
			       "found a function that needs shelves, pools or the words of texts, "
			       "which a table's folder does not have");
	}
}

/* now() - duration("24h"): the same every row. */
static const struct trib_expr_node *folded(struct plan *plan, const struct source *source,
					   const struct trib_expr_node *node)
{
	struct trib_expr_program *program;
	struct trib_value value;

	for (uint32_t i = 0; i < node->count; i++)
		if (!is_constant(node->args[i]))
			return node;
	program = part_of(plan, source->program, node, false);
	bool good = program && trib_expr_eval(program, &(struct trib_expr_facts){ 0 }, &plan->arena,
					      &value, NULL) == TRIB_OK;
	/* What the value points to may be the program's: only those that point nowhere are kept. */
	bool plain = good && (value.kind == TRIB_VALUE_TIMESTAMP ||
			      value.kind == TRIB_VALUE_DURATION || value.kind == TRIB_VALUE_INT);

	trib_expr_free(program);
	return plain ? constant(plan, node, value) : node;
}

/* The tree with now() as the time that it is, and other functions where they can stand. */
static trib_status settle(struct plan *plan, const struct source *source,
			  const struct trib_expr_node *node, const struct trib_expr_node **ret_node,
			  struct trib_error *error)
{
	const struct trib_expr_node **args =
		trib_arena_alloc(&plan->arena, node->count * sizeof(*args));
	bool changed = false;

	trib_assert(args);
	if (node->kind == TRIB_EXPR_CALL && node->function == TRIB_FN_DECLARED)
		return settle_call(plan, source, node, ret_node, error);
	for (uint32_t i = 0; i < node->count; i++) {
		trib_status status = settle(plan, source, node->args[i], &args[i], error);

		if (status != TRIB_OK)
			return status;
		changed |= args[i] != node->args[i];
	}
	*ret_node = node;
	if (!changed)
		return TRIB_OK;
	struct trib_expr_node *copy = trib_arena_alloc(&plan->arena, sizeof(*copy));

	trib_assert(copy);
	*copy = *node;
	copy->args = args;
	*ret_node = node->kind == TRIB_EXPR_CALL ? folded(plan, source, copy) : copy;
	return TRIB_OK;
}

/* Checked, and settled unless it is so deep that it is left to the evaluator anyway. */
static trib_status check(struct plan *plan, struct trib_bytes text, struct source *source,
			 const struct trib_expr_node **ret_root, struct trib_error *error)
{
	struct trib_expr_env env = env_of(plan);
	struct trib_expr_error why;

	env.functions = trib_select_functions;
	env.function_count = TRIB_SELECT_FUNCTION_COUNT;
	if (trib_expr_check(&env, text, &source->program, &why) != TRIB_OK)
		return trib_expr_fail(error, source->at, &why);
	*ret_root = trib_expr_root(source->program);
	return (*ret_root)->depth <= DEPTH_MAX ? settle(plan, source, *ret_root, ret_root, error)
					       : TRIB_OK;
}

static trib_status make_order(struct plan *plan, struct trib_bytes text, struct trib_error *error)
{
	struct source source = { .at = "order_by" };
	const struct trib_expr_node *root;
	trib_status status = check(plan, text, &source, &root, error);

	if (status == TRIB_OK) {
		enum trib_type_kind kind = trib_expr_type(source.program)->kind;

		if (kind != TRIB_TYPE_INT && kind != TRIB_TYPE_DOUBLE &&
		    kind != TRIB_TYPE_TIMESTAMP)
			status = trib_fail(error, TRIB_INVALID, "order_by",
					   "found a value that has no order of numbers, expected "
					   "int, double or timestamp");
	}
	if (status == TRIB_OK) {
		plan->order_is_field = is_column(root);
		plan->order_field = plan->order_is_field ? root->index : 0;
		plan->order = part_of(plan, source.program, root, false);
		if (!plan->order)
			status = trib_fail(error, TRIB_LIMIT, "order_by", NOT_BY_ROW);
	}
	trib_expr_free(source.program);
	return status;
}

static trib_status make_filter(struct plan *plan, struct trib_bytes text, struct trib_error *error)
{
	struct source source = { .at = "filter" };
	const struct trib_expr_node *root;
	trib_status status = check(plan, text, &source, &root, error);

	plan->filter = source.program; /* on failure, too: it is the plan's to give back */
	if (status == TRIB_OK && trib_expr_type(plan->filter)->kind != TRIB_TYPE_BOOL)
		status = trib_fail(error, TRIB_INVALID, "filter",
				   "found a value of another type, expected true or false");
	if (status == TRIB_OK)
		plan->root = make(plan, root, false);
	for (uint32_t i = 0; status == TRIB_OK && i < plan->rich_count; i++)
		if (!plan->rich[i]->program)
			status = trib_fail(error, TRIB_LIMIT, "filter", NOT_BY_ROW);
	return status;
}

trib_status plan_make(struct plan *plan, const struct trib_table *table,
		      const struct trib_select_request *request, struct trib_error *error)
{
	const struct trib_field *fields = trib_table_fields(table, &plan->variable_count);
	trib_status status = TRIB_OK;

	plan->table = table;
	plan->now_ms = request->now_ms;
	trib_arena_init(&plan->arena, ARENA_BYTES);
	plan->variables = trib_alloc(plan->variable_count * sizeof(*plan->variables));
	plan->rich = trib_alloc(STEPS_MAX * sizeof(*plan->rich));
	for (uint32_t i = 0; i < plan->variable_count; i++)
		plan->variables[i] =
			(struct trib_expr_variable){ fields[i].name, type_of(fields[i].kind) };
	if (request->order_by.size)
		status = make_order(plan, request->order_by, error);
	if (status == TRIB_OK && request->filter.size)
		return make_filter(plan, request->filter, error);
	plan->root = new_step(plan, STEP_ALL);
	return status;
}

void plan_fini(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->rich_count; i++)
		trib_expr_free(plan->rich[i]->program);
	trib_expr_free(plan->filter);
	trib_expr_free(plan->order);
	free(plan->rich);
	free(plan->variables);
	trib_arena_fini(&plan->arena);
}

/* ---- Rows for the evaluator --------------------------------------------------------------- */

static trib_status value_of_codes(const struct trib_table *table, uint32_t row, uint32_t field,
				  struct trib_arena *arena, struct trib_value *ret_value,
				  struct trib_error *error)
{
	struct trib_code_sets sets;
	trib_status status = trib_table_codes(table, row / TRIB_CHUNK_ROWS, field, &sets, error);

	if (status != TRIB_OK)
		return status;
	uint32_t count = trib_codes_of(&sets, row % TRIB_CHUNK_ROWS, NULL, 0);
	uint32_t *codes = trib_arena_alloc(arena, count * sizeof(*codes));

	if (codes)
		trib_codes_of(&sets, row % TRIB_CHUNK_ROWS, codes, count);
	struct trib_value *items = trib_arena_alloc(arena, count * sizeof(*items));

	for (uint32_t i = 0; codes && items && i < count; i++)
		items[i] = trib_value_string(
			trib_dictionary_text(trib_table_words(table, field), codes[i]));
	return codes && items && trib_value_list(arena, items, count, ret_value) == TRIB_OK
		       ? TRIB_OK
		       : trib_fail(error, TRIB_NO_MEMORY, "select",
				   "found a list that does not fit");
}

trib_status trib_select_value(const struct trib_table *table, uint32_t row, uint32_t field,
			      struct trib_arena *arena, struct trib_value *ret_value,
			      struct trib_error *error)
{
	uint32_t chunk = row / TRIB_CHUNK_ROWS, place = row % TRIB_CHUNK_ROWS, count;
	const struct trib_field *described = trib_table_fields(table, &count) + field;
	struct trib_texts texts;
	struct trib_chunk numbers;
	trib_status status;

	if (described->kind == TRIB_FIELD_CODES)
		return value_of_codes(table, row, field, arena, ret_value, error);
	if (described->kind == TRIB_FIELD_TEXT) {
		status = trib_table_texts(table, chunk, field, &texts, error);
		if (status == TRIB_OK)
			*ret_value = trib_value_string(trib_texts_at(&texts, place));
		return status;
	}
	status = trib_table_chunk(table, chunk, field, &numbers, error);
	if (status != TRIB_OK)
		return status;
	int64_t value = trib_chunk_value(&numbers, place);

	switch ((enum trib_field_kind)described->kind) {
	case TRIB_FIELD_DECIMAL:
		*ret_value = trib_value_double(unscaled(value, described->decimals));
		break;
	case TRIB_FIELD_TIME:
		*ret_value = trib_value_timestamp_ms(value);
		break;
	case TRIB_FIELD_BOOL:
		*ret_value = trib_value_bool(value != 0);
		break;
	case TRIB_FIELD_CODE:
		*ret_value = trib_value_string(
			trib_dictionary_text(trib_table_words(table, field), (uint32_t)value));
		break;
	default:
		*ret_value = trib_value_int(value);
	}
	return TRIB_OK;
}

bool row_facts_get(void *context, uint32_t index, struct trib_arena *arena,
		   struct trib_value *ret_value)
{
	struct row_facts *facts = context;
	trib_status status =
		trib_select_value(facts->table, facts->row, index, arena, ret_value, &facts->error);

	if (status != TRIB_OK && status != TRIB_NO_MEMORY)
		facts->status = status;
	return status == TRIB_OK;
}
