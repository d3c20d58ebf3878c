/* From checked CEL to the normal form. */
#include "rules/condition.h"

#include <pthread.h>

enum {
	DEPTH_MAX =
		300, /* of an expression that is looked into; deeper ones are left to the evaluator */
	CONDS_MAX = 1 << 14, /* of one expression; ternaries in ternaries multiply */
	EVAL_BYTES_MAX = 1 << 20,
	EXPECTED_MAX = 150, /* bytes of facts that a refusal names */
};

/* ---- Constants ---------------------------------------------------------------------------------------- */

static struct trib_bytes space_key(enum trib_space space, struct trib_bytes text, char *key)
{
	key[0] = (char)('0' + space);
	if (text.size)
		memcpy(key + 1, text.data, text.size);
	return trib_bytes(key, text.size + 1);
}

uint32_t constants_add(struct constants *constants, enum trib_space space, struct trib_bytes text)
{
	TRIB_AUTOFREE char *key = trib_alloc(text.size + 1);

	return trib_names_add(constants->names, space_key(space, text, key));
}

uint32_t constants_find(const struct constants *constants, enum trib_space space,
			struct trib_bytes text)
{
	char key[1 + 256];

	/* Called per order for strings that nobody knows: no longer ones than ids and words can be. */
	if (text.size >= sizeof(key))
		return 0;
	return trib_names_find(constants->names, space_key(space, text, key));
}

enum trib_space constants_space(const struct constants *constants, uint32_t constant)
{
	return (enum trib_space)(trib_names_text(constants->names, constant).data[0] - '0');
}

struct trib_bytes constants_text(const struct constants *constants, uint32_t constant)
{
	struct trib_bytes key = trib_names_text(constants->names, constant);

	return trib_bytes(key.data + 1, key.size - 1);
}

int64_t fact_lowest(enum trib_fact fact)
{
	return trib_fact_rows[fact].kind == TRIB_FACT_STRING ? 1 : INT64_MIN;
}

bool fact_universe(enum trib_fact fact, struct trib_arena *arena, struct constants *constants,
		   struct trib_ranges *ret_set)
{
	const char *words = trib_fact_rows[fact].words;
	struct trib_ranges sets[16];
	uint32_t n = 0;

	if (!*words)
		return false;
	for (;;) {
		size_t size = strcspn(words, "|");
		uint32_t constant =
			constants_add(constants, TRIB_SPACE_SYMBOL, trib_bytes(words, size));

		trib_assert(n + 1 < TRIB_ARRAY_SIZE(sets));
		sets[n++] = trib_ranges_of(arena, constant, constant);
		if (!words[size])
			break;
		words += size + 1;
	}
	uint32_t empty = constants_add(constants, TRIB_SPACE_SYMBOL, trib_bytes("", 0));

	sets[n++] = trib_ranges_of(arena, empty, empty);
	*ret_set = trib_ranges_union(arena, sets, n);
	return true;
}

/* ---- Building ------------------------------------------------------------------------------------------ */

struct builder {
	struct trib_arena *arena;
	struct constants *constants;
	uint32_t conds, depth;
	bool rich; /* something in it is beyond tests */
};

static struct cond *new_cond(struct builder *b, enum cond_kind kind)
{
	struct cond *cond = trib_arena_alloc_zeroed(b->arena, sizeof(*cond));

	trib_assert(cond);
	cond->kind = (uint8_t)kind;
	b->conds++;
	return cond;
}

static struct cond *new_rich(struct builder *b)
{
	b->rich = true;
	return new_cond(b, COND_RICH);
}

static struct cond *new_set(struct builder *b, enum trib_fact fact, struct trib_ranges set, bool negated)
{
	struct cond *cond = new_cond(b, COND_SET);

	cond->fact = (uint8_t)fact;
	cond->set = negated ? trib_ranges_complement(b->arena, set, fact_lowest(fact)) : set;
	return cond;
}

static struct cond *new_test(struct builder *b, enum cond_kind kind, enum trib_fact fact,
			     bool negated)
{
	struct cond *cond = new_cond(b, kind);

	cond->fact = (uint8_t)fact;
	cond->negated = negated;
	return cond;
}

static const struct {
	const char *name;
	uint8_t fact;
} name_table[] = {
#define X(id, number, group, name, kind, space, words, home, doc) { name, TRIB_FACT_##id },
	TRIB_FACT_TABLE(X)
#undef X
#define X(name, fact) { name, TRIB_FACT_##fact },
		TRIB_FACT_ALIAS_TABLE(X)
#undef X
};

enum { NAMES = TRIB_ARRAY_SIZE(name_table), VARIABLES = NAMES + TRIB_GROUPS };

static const struct trib_type map_of_json_type = { TRIB_TYPE_MAP, .key = &trib_type_string,
						   .element = &trib_type_dyn };

static const struct trib_type *const fact_types[] = {
	[TRIB_FACT_INT] = &trib_type_int,	   [TRIB_FACT_DOUBLE] = &trib_type_double,
	[TRIB_FACT_TIME] = &trib_type_timestamp,   [TRIB_FACT_DURATION] = &trib_type_duration,
	[TRIB_FACT_STRING] = &trib_type_string,	   [TRIB_FACT_TAGS] = &trib_type_list_string,
	[TRIB_FACT_EXT] = &trib_type_map_string,   [TRIB_FACT_BOOL] = &trib_type_bool,
	[TRIB_FACT_PATH] = &trib_type_list_string, [TRIB_FACT_JSON] = &map_of_json_type,
};

/* Which names are declared: every fact, its other names, then the groups (for has() only). Made once. */
static struct trib_expr_variable variables[VARIABLES];
static pthread_once_t variables_once = PTHREAD_ONCE_INIT;

/* Name → index + 1, open addressing; 0 is free. */
enum { VARIABLE_SLOTS = 512 };
_Static_assert(VARIABLES * 2 < VARIABLE_SLOTS, "half of the slots stay free");
static uint16_t variable_slots[VARIABLE_SLOTS];

static uint16_t *variable_slot(struct trib_bytes name)
{
	size_t i = trib_hash_bytes(name) % VARIABLE_SLOTS;

	while (variable_slots[i] && !trib_bytes_is(name, variables[variable_slots[i] - 1].name))
		i = (i + 1) % VARIABLE_SLOTS;
	return &variable_slots[i];
}

static bool find_variable(struct trib_bytes name, uint32_t *ret_index)
{
	uint16_t slot = *variable_slot(name);

	if (slot)
		*ret_index = slot - 1u;
	return slot;
}

static void make_variables(void)
{
	for (uint32_t i = 0; i < NAMES; i++)
		variables[i] = (struct trib_expr_variable){
			name_table[i].name, fact_types[trib_fact_rows[name_table[i].fact].kind]
		};
	for (uint32_t i = 0; i < TRIB_GROUPS; i++)
		variables[NAMES + i] = (struct trib_expr_variable){
			trib_fact_group_name((enum trib_fact_group)i), NULL
		};
	for (uint32_t i = 0; i < VARIABLES; i++)
		*variable_slot(trib_bytes_text(variables[i].name)) = (uint16_t)(i + 1);
}

static enum trib_fact fact_of_variable(uint32_t index)
{
	return index < NAMES ? (enum trib_fact)name_table[index].fact : TRIB_FACT_NONE;
}

static enum trib_fact fact_of_node(const struct trib_expr_node *node)
{
	return node->kind == TRIB_EXPR_VARIABLE ? fact_of_variable(node->index) : TRIB_FACT_NONE;
}

enum trib_fact condition_fact(const struct trib_expr_node *node)
{
	return fact_of_node(node);
}

static enum trib_fact_kind kind_of(enum trib_fact fact)
{
	return (enum trib_fact_kind)trib_fact_rows[fact].kind;
}

/* A constant on the scale of the fact: the greatest scale value <= it, and whether it is that. */
static bool scale_constant(enum trib_fact fact, const struct trib_value *value, int64_t *ret_floor,
			   bool *ret_exact)
{
	*ret_exact = true;
	switch (kind_of(fact)) {
	case TRIB_FACT_INT:
		if (value->kind == TRIB_VALUE_INT)
			*ret_floor = value->integer;
		else if (value->kind == TRIB_VALUE_UINT && value->unsigned_integer <= INT64_MAX)
			*ret_floor = (int64_t)value->unsigned_integer;
		else
			return false;
		return true;
	case TRIB_FACT_DOUBLE:
		if (value->kind == TRIB_VALUE_DOUBLE && value->number == value->number)
			*ret_floor = trib_fact_of_double(value->number);
		else if (value->kind == TRIB_VALUE_INT && value->integer >= -(INT64_C(1) << 53) &&
			 value->integer <= INT64_C(1) << 53)
			*ret_floor = trib_fact_of_double((double)value->integer);
		else
			return false;
		return true;
	case TRIB_FACT_TIME:
		*ret_floor = value->kind == TRIB_VALUE_TIMESTAMP ? trib_value_floor_ms(value, ret_exact) : 0;
		return value->kind == TRIB_VALUE_TIMESTAMP;
	case TRIB_FACT_DURATION:
		*ret_floor = value->kind == TRIB_VALUE_DURATION ? trib_value_floor_ms(value, ret_exact) : 0;
		return value->kind == TRIB_VALUE_DURATION;
	case TRIB_FACT_STRING:
	case TRIB_FACT_TAGS:
	case TRIB_FACT_EXT:
	case TRIB_FACT_BOOL:
	case TRIB_FACT_PATH:
	case TRIB_FACT_JSON:
		break;
	}
	return false;
}

/* The ends of a fact's scale; NaN lies beyond the end of doubles and is not < or > anything. */
static int64_t scale_lowest(enum trib_fact fact)
{
	return kind_of(fact) == TRIB_FACT_DOUBLE ? trib_fact_of_double(-__builtin_inf())
						 : INT64_MIN;
}

static int64_t scale_highest(enum trib_fact fact)
{
	return kind_of(fact) == TRIB_FACT_DOUBLE ? trib_fact_of_double(__builtin_inf()) : INT64_MAX;
}

/* The numbers that stand in `function` to a constant of this floor. */
static struct trib_ranges set_of_comparison(struct builder *b, enum trib_fact fact,
					    enum trib_expr_function function, int64_t floor, bool exact)
{
	struct trib_range scale = { scale_lowest(fact), scale_highest(fact) };

	return trib_expr_compared(b->arena, function, floor, exact, scale);
}

static struct trib_ranges set_of_text(struct builder *b, enum trib_fact fact,
			      const struct trib_value *value)
{
	uint32_t constant = constants_add(b->constants, (enum trib_space)trib_fact_rows[fact].space,
					  trib_value_text(value));

	return trib_ranges_of(b->arena, constant, constant);
}

/* The key of order.ext.key or order.ext["key"]. */
static bool ext_key(const struct trib_expr_node *node, struct trib_bytes *ret_key)
{
	if (node->kind == TRIB_EXPR_SELECT && fact_of_node(node->args[0]) == TRIB_FACT_ORDER_EXT) {
		*ret_key = node->name;
		return true;
	}
	if (node->kind == TRIB_EXPR_CALL && node->function == TRIB_FN_INDEX &&
	    fact_of_node(node->args[0]) == TRIB_FACT_ORDER_EXT &&
	    node->args[1]->kind == TRIB_EXPR_CONST &&
	    node->args[1]->value.kind == TRIB_VALUE_STRING) {
		*ret_key = trib_value_text(&node->args[1]->value);
		return true;
	}
	return false;
}

static struct trib_bytes keep(struct builder *b, struct trib_bytes bytes)
{
	char *copy = trib_arena_copy(b->arena, bytes);

	trib_assert(copy);
	return trib_bytes(copy, bytes.size);
}

static struct cond *new_ext_text(struct builder *b, struct trib_bytes key,
				 const struct trib_value *values, uint32_t count, bool negated)
{
	struct cond *cond = new_test(b, COND_EXT_TEXT, TRIB_FACT_ORDER_EXT, negated);
	struct trib_bytes *texts = trib_arena_alloc(b->arena, (count + 1) * sizeof(*texts));

	trib_assert(texts);
	for (uint32_t i = 0; i < count; i++)
		texts[i] = keep(b, trib_value_text(&values[i]));
	cond->key = keep(b, key);
	cond->texts = texts;
	cond->count = count;
	return cond;
}

static const struct cond *build(struct builder *b, const struct trib_expr_node *node, bool negated);

/* fact ◦ constant */
static const struct cond *build_with_constant(struct builder *b, enum trib_expr_function function,
					      const struct trib_expr_node *left,
					      const struct trib_value *value, bool negated)
{
	enum trib_fact fact = fact_of_node(left);
	bool equality = function == TRIB_FN_EQ || function == TRIB_FN_NE;
	struct trib_bytes key;
	int64_t floor;
	bool exact;

	if (function == TRIB_FN_NE)
		negated = !negated;
	if (equality && value->kind == TRIB_VALUE_BOOL && left->type &&
	    left->type->kind == TRIB_TYPE_BOOL)
		return build(b, left, negated != !value->boolean);
	if (equality && value->kind == TRIB_VALUE_STRING && ext_key(left, &key))
		return new_ext_text(b, key, value, 1, negated);
	if (fact == TRIB_FACT_NONE)
		return new_rich(b);
	if (kind_of(fact) == TRIB_FACT_STRING) {
		if (!equality || value->kind != TRIB_VALUE_STRING)
			return new_rich(b);
		return new_set(b, fact, set_of_text(b, fact, value), negated);
	}
	if (!scale_constant(fact, value, &floor, &exact))
		return new_rich(b);
	return new_set(b, fact, set_of_comparison(b, fact, function, floor, exact), negated);
}

/* fact ◦ fact */
static const struct cond *build_with_fact(struct builder *b, enum trib_expr_function function,
					  enum trib_fact left, enum trib_fact right, bool negated)
{
	const struct trib_fact_row *x = &trib_fact_rows[left], *y = &trib_fact_rows[right];
	struct cond *cond;

	if (x->kind != y->kind || x->space != y->space || x->kind == TRIB_FACT_TAGS ||
	    x->kind == TRIB_FACT_EXT || x->kind == TRIB_FACT_PATH || x->kind == TRIB_FACT_DOUBLE)
		return new_rich(b);
	if (x->kind == TRIB_FACT_STRING && function != TRIB_FN_EQ && function != TRIB_FN_NE)
		return new_rich(b);
	if (function == TRIB_FN_NE) {
		function = TRIB_FN_EQ;
		negated = !negated;
	} else if (function == TRIB_FN_GT || function == TRIB_FN_GE) {
		enum trib_fact swap = left;

		left = right;
		right = swap;
		function = trib_expr_mirrored(function);
	}
	cond = new_test(b, COND_COMPARE, left, negated);
	cond->other = (uint8_t)right;
	cond->function = (uint8_t)function;
	return cond;
}

static const struct cond *build_comparison(struct builder *b, const struct trib_expr_node *node,
					   bool negated)
{
	const struct trib_expr_node *left = node->args[0], *right = node->args[1];
	enum trib_expr_function function = (enum trib_expr_function)node->function;

	if (right->kind == TRIB_EXPR_CONST)
		return build_with_constant(b, function, left, &right->value, negated);
	if (left->kind == TRIB_EXPR_CONST)
		return build_with_constant(b, trib_expr_mirrored(function), right, &left->value, negated);
	if (fact_of_node(left) && fact_of_node(right))
		return build_with_fact(b, function, fact_of_node(left), fact_of_node(right),
				       negated);
	return new_rich(b);
}

static bool all_strings(const struct trib_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].kind != TRIB_VALUE_STRING)
			return false;
	return true;
}

/* x in [constant, …] */
static const struct cond *build_in_list(struct builder *b, const struct trib_expr_node *left,
					const struct trib_list *list, bool negated)
{
	enum trib_fact fact = fact_of_node(left);
	struct trib_bytes key;

	if (ext_key(left, &key) && all_strings(list))
		return new_ext_text(b, key, list->items, list->count, negated);
	if (fact == TRIB_FACT_NONE || (kind_of(fact) == TRIB_FACT_STRING && !all_strings(list)))
		return new_rich(b);
	TRIB_AUTOFREE struct trib_ranges *sets = trib_alloc((list->count + 1) * sizeof(*sets));

	for (uint32_t i = 0; i < list->count; i++) {
		int64_t floor;
		bool exact;

		if (kind_of(fact) == TRIB_FACT_STRING)
			sets[i] = set_of_text(b, fact, &list->items[i]);
		else if (scale_constant(fact, &list->items[i], &floor, &exact))
			sets[i] = set_of_comparison(b, fact, TRIB_FN_EQ, floor, exact);
		else
			return new_rich(b);
	}
	return new_set(b, fact, trib_ranges_union(b->arena, sets, list->count), negated);
}

static const struct cond *new_tag(struct builder *b, const struct trib_value *value, bool negated)
{
	struct cond *cond = new_test(b, COND_TAG, TRIB_FACT_CREATOR_TAGS, negated);

	cond->set = set_of_text(b, TRIB_FACT_CREATOR_TAGS, value);
	return cond;
}

/* "text" in the parts of a path */
static const struct cond *new_part(struct builder *b, enum trib_fact fact,
				   const struct trib_value *value, bool negated)
{
	struct cond *cond = new_test(b, COND_PART, fact, negated);

	cond->key = keep(b, trib_value_text(value));
	return cond;
}

static const struct cond *build_in(struct builder *b, const struct trib_expr_node *node,
				   bool negated)
{
	const struct trib_expr_node *left = node->args[0], *right = node->args[1];
	enum trib_fact fact = fact_of_node(right);

	if (right->kind == TRIB_EXPR_CONST && right->value.kind == TRIB_VALUE_LIST)
		return build_in_list(b, left, right->value.list, negated);
	if (left->kind == TRIB_EXPR_CONST && left->value.kind == TRIB_VALUE_STRING) {
		if (fact == TRIB_FACT_CREATOR_TAGS)
			return new_tag(b, &left->value, negated);
		if (fact && kind_of(fact) == TRIB_FACT_PATH)
			return new_part(b, fact, &left->value, negated);
		if (fact == TRIB_FACT_ORDER_EXT) {
			struct cond *cond = new_test(b, COND_EXT_HAS, fact, negated);

			cond->key = keep(b, trib_value_text(&left->value));
			return cond;
		}
	}
	return new_rich(b);
}

/* AND or OR of conds, flat, tests of one fact joined, the evaluator last. */
static const struct cond *join(struct builder *b, enum cond_kind kind, const struct cond **list,
			       uint32_t count);

static const struct cond *build_logic(struct builder *b, const struct trib_expr_node *node,
				      bool negated)
{
	bool is_and = (node->function == TRIB_FN_AND) != negated;
	TRIB_AUTOFREE const struct cond **list = trib_alloc(node->count * sizeof(*list));

	for (uint32_t i = 0; i < node->count; i++)
		list[i] = build(b, node->args[i], negated);
	return join(b, is_and ? COND_AND : COND_OR, list, node->count);
}

static const struct cond *build_conditional(struct builder *b, const struct trib_expr_node *node,
					    bool negated)
{
	const struct cond *yes[2] = { build(b, node->args[0], false),
				      build(b, node->args[1], negated) };
	const struct cond *no[2] = { build(b, node->args[0], true),
				     build(b, node->args[2], negated) };
	const struct cond *either[2] = { join(b, COND_AND, yes, 2), join(b, COND_AND, no, 2) };

	return join(b, COND_OR, either, 2);
}

/* creator.tags.exists(t, t == "a") */
static const struct cond *build_exists(struct builder *b, const struct trib_expr_node *node,
				       bool negated)
{
	const struct trib_expr_node *body = node->args[1];
	enum trib_fact fact = fact_of_node(node->args[0]);
	bool path = fact && kind_of(fact) == TRIB_FACT_PATH;

	if (node->function != TRIB_FN_EXISTS || (fact != TRIB_FACT_CREATOR_TAGS && !path) ||
	    body->kind != TRIB_EXPR_CALL || body->function != TRIB_FN_EQ)
		return new_rich(b);
	for (int i = 0; i < 2; i++) {
		const struct trib_expr_node *local = body->args[i], *text = body->args[1 - i];

		if (local->kind == TRIB_EXPR_LOCAL && text->kind == TRIB_EXPR_CONST &&
		    text->value.kind == TRIB_VALUE_STRING)
			return path ? new_part(b, fact, &text->value, negated)
				    : new_tag(b, &text->value, negated);
	}
	return new_rich(b);
}

static const struct cond *build_call(struct builder *b, const struct trib_expr_node *node,
				     bool negated)
{
	switch (node->function) {
	case TRIB_FN_AND:
	case TRIB_FN_OR:
		return build_logic(b, node, negated);
	case TRIB_FN_NOT:
		return build(b, node->args[0], !negated);
	case TRIB_FN_CONDITIONAL:
		return build_conditional(b, node, negated);
	case TRIB_FN_EQ:
	case TRIB_FN_NE:
	case TRIB_FN_LT:
	case TRIB_FN_LE:
	case TRIB_FN_GT:
	case TRIB_FN_GE:
		return build_comparison(b, node, negated);
	case TRIB_FN_IN:
		return build_in(b, node, negated);
	default:
		return new_rich(b);
	}
}

static const struct cond *build_presence(struct builder *b, const struct trib_expr_node *node,
					 bool negated)
{
	enum trib_fact fact = fact_of_variable(node->index);
	struct cond *cond;

	if (fact != TRIB_FACT_NONE)
		return new_test(b, COND_PRESENT, fact, negated);
	cond = new_test(b, COND_OPEN, TRIB_FACT_NONE, negated);
	cond->group = (uint8_t)(node->index - NAMES);
	return cond;
}

static const struct cond *build_node(struct builder *b, const struct trib_expr_node *node,
				     bool negated)
{
	switch (node->kind) {
	case TRIB_EXPR_CONST:
		if (node->value.kind != TRIB_VALUE_BOOL)
			return new_rich(b);
		return new_cond(b, node->value.boolean != negated ? COND_ALWAYS : COND_NEVER);
	case TRIB_EXPR_VARIABLE:
		if (fact_of_node(node) && kind_of(fact_of_node(node)) == TRIB_FACT_BOOL)
			return new_set(b, fact_of_node(node), trib_ranges_of(b->arena, 1, 1), negated);
		return new_rich(b);
	case TRIB_EXPR_PRESENT:
		return build_presence(b, node, negated);
	case TRIB_EXPR_HAS:
		if (fact_of_node(node->args[0]) == TRIB_FACT_ORDER_EXT) {
			struct cond *cond = new_test(b, COND_EXT_HAS, TRIB_FACT_ORDER_EXT, negated);

			cond->key = keep(b, node->name);
			return cond;
		}
		return new_rich(b);
	case TRIB_EXPR_COMPREHENSION:
		return build_exists(b, node, negated);
	case TRIB_EXPR_CALL:
		return build_call(b, node, negated);
	default:
		return new_rich(b);
	}
}

/* Recurses as deep as the expression is nested, up to DEPTH_MAX. */
static const struct cond *build(struct builder *b, const struct trib_expr_node *node, bool negated)
{
	const struct cond *cond;

	if (b->conds > CONDS_MAX || b->depth > DEPTH_MAX)
		return new_rich(b);
	b->depth++;
	cond = build_node(b, node, negated);
	b->depth--;
	return cond;
}

const struct cond *condition_make(const struct trib_expr_program *program, struct trib_arena *arena,
				  struct constants *constants)
{
	struct builder b = { .arena = arena, .constants = constants };
	const struct cond *cond = build(&b, trib_expr_root(program), false);

	/* A set of its own may be empty, which only joining would notice. */
	return join(&b, COND_AND, &cond, 1);
}

/* ---- Joining ------------------------------------------------------------------------------------------- */

static bool texts_equal(const struct cond *a, const struct cond *b)
{
	if (a->count != b->count || !trib_bytes_equal(a->key, b->key))
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (!trib_bytes_equal(a->texts[i], b->texts[i]))
			return false;
	return true;
}

/* The same test, written twice? */
static bool same_test(const struct cond *a, const struct cond *b)
{
	if (a->kind != b->kind || a->fact != b->fact || a->negated != b->negated)
		return false;
	switch (a->kind) {
	case COND_SET:
	case COND_TAG:
		return trib_ranges_equal(a->set, b->set);
	case COND_PRESENT:
	case COND_RICH:
		return true;
	case COND_OPEN:
		return a->group == b->group;
	case COND_EXT_HAS:
	case COND_PART:
		return trib_bytes_equal(a->key, b->key);
	case COND_EXT_TEXT:
		return texts_equal(a, b);
	case COND_COMPARE:
		return a->other == b->other && a->function == b->function;
	default:
		return false;
	}
}

/* A growing list of args. */
struct args {
	const struct cond **items;
	uint32_t count, capacity;
};

static void add_arg(struct args *args, const struct cond *cond)
{
	if (args->count == args->capacity) {
		args->capacity = args->capacity ? args->capacity * 2 : 8;
		args->items = trib_realloc(args->items, args->capacity * sizeof(*args->items));
	}
	args->items[args->count++] = cond;
}

/* Puts in cond, or what it consists of; false: the whole has become `kind`'s short circuit. */
static bool flatten(struct args *args, enum cond_kind kind, const struct cond *cond)
{
	if (cond->kind == (kind == COND_AND ? COND_NEVER : COND_ALWAYS))
		return false;
	if (cond->kind == (kind == COND_AND ? COND_ALWAYS : COND_NEVER))
		return true;
	if (cond->kind == kind) {
		for (uint32_t i = 0; i < cond->count; i++)
			add_arg(args, cond->args[i]);
		return true;
	}
	add_arg(args, cond);
	return true;
}

/* Joins all tests of one fact's value into the first of them. */
static void join_sets(struct builder *b, enum cond_kind kind, struct args *args)
{
	trib_fact_set done = 0;
	uint32_t kept = 0;
	TRIB_AUTOFREE struct trib_ranges *sets = trib_alloc((args->count + 1) * sizeof(*sets));

	for (uint32_t i = 0; i < args->count; i++) {
		const struct cond *cond = args->items[i];
		uint32_t n = 0;

		if (cond->kind != COND_SET) {
			args->items[kept++] = cond;
			continue;
		}
		if (done & TRIB_FACT_BIT(cond->fact))
			continue;
		done |= TRIB_FACT_BIT(cond->fact);
		for (uint32_t j = i; j < args->count; j++)
			if (args->items[j]->kind == COND_SET && args->items[j]->fact == cond->fact)
				sets[n++] = args->items[j]->set;
		if (n > 1) {
			struct trib_ranges all = sets[0];

			if (kind == COND_OR)
				all = trib_ranges_union(b->arena, sets, n);
			for (uint32_t j = 1; kind == COND_AND && j < n; j++)
				all = trib_ranges_intersect(b->arena, all, sets[j]);
			cond = new_set(b, (enum trib_fact)cond->fact, all, false);
		}
		args->items[kept++] = cond;
	}
	args->count = kept;
}

/* Drops repeated tests; the evaluator, being dear, goes last. */
static void order_args(struct args *args)
{
	const struct cond *rich = NULL;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < args->count; i++) {
		const struct cond *cond = args->items[i];
		bool repeated = false;

		/* Quadratic, so only short lists are looked through; repeats are harmless. */
		for (uint32_t j = 0; j < kept && kept < 64 && !repeated; j++)
			repeated = same_test(args->items[j], cond);
		if (cond->kind == COND_RICH)
			rich = cond;
		else if (!repeated)
			args->items[kept++] = cond;
	}
	if (rich)
		args->items[kept++] = rich;
	args->count = kept;
}

static const struct cond *join(struct builder *b, enum cond_kind kind, const struct cond **list,
			       uint32_t count)
{
	enum cond_kind shortcut = kind == COND_AND ? COND_NEVER : COND_ALWAYS;
	struct args args = { 0 };
	const struct cond *result = NULL;

	for (uint32_t i = 0; i < count && !result; i++)
		if (!flatten(&args, kind, list[i]))
			result = new_cond(b, shortcut);
	if (!result) {
		join_sets(b, kind, &args);
		uint32_t kept = 0;

		for (uint32_t i = 0; i < args.count; i++) {
			bool empty =
				args.items[i]->kind == COND_SET && args.items[i]->set.count == 0;

			if (empty && kind == COND_AND)
				result = new_cond(b, COND_NEVER);
			if (!empty)
				args.items[kept++] = args.items[i];
		}
		args.count = kept;
	}
	if (!result) {
		order_args(&args);
		if (args.count == 0) {
			result = new_cond(b, kind == COND_AND ? COND_ALWAYS : COND_NEVER);
		} else if (args.count == 1) {
			result = args.items[0];
		} else {
			struct cond *cond = new_cond(b, kind);
			const struct cond **copy =
				trib_arena_alloc(b->arena, args.count * sizeof(*copy));

			trib_assert(copy);
			memcpy(copy, args.items, args.count * sizeof(*copy));
			cond->args = copy;
			cond->count = args.count;
			result = cond;
		}
	}
	free(args.items);
	return result;
}

const struct cond *condition_within(const struct cond *cond, enum trib_fact fact, int64_t lo, int64_t hi,
				    struct trib_arena *arena)
{
	struct builder b = { .arena = arena };
	/* The fact's test stands first: a rich condition leads past whatever follows it. */
	const struct cond *both[2] = { new_set(&b, fact, trib_ranges_of(arena, lo, hi), false), cond };

	return join(&b, COND_AND, both, 2);
}

bool condition_has_rich(const struct cond *cond)
{
	if (cond->kind == COND_RICH)
		return true;
	if (cond->kind == COND_AND || cond->kind == COND_OR)
		for (uint32_t i = 0; i < cond->count; i++)
			if (condition_has_rich(cond->args[i]))
				return true;
	return false;
}

/* ---- Reasoning ---------------------------------------------------------------------------------------- */

/* The facts that are certainly there where the test is true. */
static trib_fact_set opened_by(const struct cond *cond)
{
	switch (cond->kind) {
	case COND_PRESENT:
		return cond->negated ? 0 : trib_fact_group_masks[trib_fact_rows[cond->fact].group];
	case COND_OPEN:
		return cond->negated ? 0 : trib_fact_group_masks[cond->group];
	case COND_EXT_HAS:
	case COND_EXT_TEXT:
	case COND_TAG:
	case COND_PART:
	case COND_SET:
		return trib_fact_group_masks[trib_fact_rows[cond->fact].group];
	case COND_COMPARE:
		return trib_fact_group_masks[trib_fact_rows[cond->fact].group] |
		       trib_fact_group_masks[trib_fact_rows[cond->other].group];
	default:
		return 0;
	}
}

static void bound(struct known *known, enum trib_fact fact, struct trib_ranges set,
		  struct trib_arena *arena)
{
	if (known->bounded & TRIB_FACT_BIT(fact))
		set = trib_ranges_intersect(arena, known->values[fact], set);
	known->bounded |= TRIB_FACT_BIT(fact);
	known->values[fact] = set;
}

void known_true(struct known *known, const struct cond *cond, struct trib_arena *arena)
{
	known->open |= opened_by(cond);
	if (cond->kind == COND_AND)
		for (uint32_t i = 0; i < cond->count; i++)
			known_true(known, cond->args[i], arena);
	else if (cond->kind == COND_OPEN && cond->negated)
		known->closed |= trib_fact_group_masks[cond->group];
	else if (cond->kind == COND_SET)
		bound(known, (enum trib_fact)cond->fact, cond->set, arena);
}

void known_not(struct known *known, const struct cond *cond, struct trib_arena *arena)
{
	enum trib_fact fact = (enum trib_fact)cond->fact;

	if (cond->kind == COND_OR) {
		for (uint32_t i = 0; i < cond->count; i++)
			known_not(known, cond->args[i], arena);
	} else if (cond->kind == COND_OPEN) {
		trib_fact_set mask = trib_fact_group_masks[cond->group];

		known->open |= cond->negated ? mask : 0;
		known->closed |= cond->negated ? 0 : mask;
	} else if (cond->kind == COND_SET) {
		bound(known, fact, trib_ranges_complement(arena, cond->set, fact_lowest(fact)), arena);
	}
}

static const struct cond *simplify_set(struct builder *b, const struct cond *cond,
				       const struct known *known)
{
	trib_fact_set bit = TRIB_FACT_BIT(cond->fact);
	struct trib_ranges all = { 0 }, values;

	if (known->closed & bit)
		return new_cond(b, COND_NEVER);
	if (known->bounded & bit) {
		values = known->values[cond->fact];
		if (trib_ranges_intersect(b->arena, values, cond->set).count == 0)
			return new_cond(b, COND_NEVER);
	} else {
		values = trib_ranges_complement(b->arena, all, fact_lowest((enum trib_fact)cond->fact));
	}
	if ((known->open & bit) && trib_ranges_subset(values, cond->set))
		return new_cond(b, COND_ALWAYS);
	return cond;
}

static const struct cond *simplify(struct builder *b, const struct cond *cond,
				   const struct known *known)
{
	if (cond->kind == COND_SET)
		return simplify_set(b, cond, known);
	if (cond->kind == COND_OPEN) {
		trib_fact_set mask = trib_fact_group_masks[cond->group];

		if ((known->open & mask) == mask)
			return new_cond(b, cond->negated ? COND_NEVER : COND_ALWAYS);
		if ((known->closed & mask) == mask)
			return new_cond(b, cond->negated ? COND_ALWAYS : COND_NEVER);
		return cond;
	}
	if (cond->kind != COND_AND && cond->kind != COND_OR)
		return (opened_by(cond) & known->closed) ? new_cond(b, COND_NEVER) : cond;
	TRIB_AUTOFREE const struct cond **list = trib_alloc(cond->count * sizeof(*list));

	for (uint32_t i = 0; i < cond->count; i++)
		list[i] = simplify(b, cond->args[i], known);
	return join(b, (enum cond_kind)cond->kind, list, cond->count);
}

const struct cond *condition_simplify(const struct cond *cond, const struct known *known,
				      struct trib_arena *arena)
{
	struct builder b = { .arena = arena };

	return simplify(&b, cond, known);
}

bool condition_implies(const struct cond *a, const struct cond *b, uint32_t *steps)
{
	if (*steps == 0)
		return false;
	(*steps)--;
	if (a->kind == COND_NEVER || b->kind == COND_ALWAYS)
		return true;
	if (a->kind == COND_OR) {
		for (uint32_t i = 0; i < a->count; i++)
			if (!condition_implies(a->args[i], b, steps))
				return false;
		return true;
	}
	if (b->kind == COND_AND) {
		for (uint32_t i = 0; i < b->count; i++)
			if (!condition_implies(a, b->args[i], steps))
				return false;
		return true;
	}
	if (b->kind == COND_OR)
		for (uint32_t i = 0; i < b->count; i++)
			if (condition_implies(a, b->args[i], steps))
				return true;
	if (a->kind == COND_AND)
		for (uint32_t i = 0; i < a->count; i++)
			if (condition_implies(a->args[i], b, steps))
				return true;
	if (a->kind == COND_AND || b->kind == COND_OR || a->kind == COND_RICH ||
	    b->kind == COND_RICH)
		return false;
	if (a->kind == COND_SET && b->kind == COND_SET && a->fact == b->fact)
		return trib_ranges_subset(a->set, b->set);
	if (b->kind == COND_OPEN && !b->negated) {
		trib_fact_set mask = trib_fact_group_masks[b->group];

		return (opened_by(a) & mask) == mask;
	}
	return same_test(a, b);
}

/* ---- CEL ---------------------------------------------------------------------------------------------- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The group that a.b begins with, −1 if none. */
static int group_of(struct trib_bytes name)
{
	for (int group = 0; group < TRIB_GROUPS; group++) {
		struct trib_bytes text =
			trib_bytes_text(trib_fact_group_name((enum trib_fact_group)group));

		if (name.size > text.size && memcmp(name.data, text.data, text.size) == 0 &&
		    name.data[text.size] == '.')
			return group;
	}
	return -1;
}

/* Does a declared fact stand at the beginning of a.b.c? */
static bool begins_with_fact(struct trib_bytes chain)
{
	for (size_t size = chain.size; size; size--)
		if ((size == chain.size || chain.data[size] == '.') &&
		    trib_fact_find(trib_bytes(chain.data, size)) != TRIB_FACT_NONE)
			return true;
	return false;
}

/* After the string or comment that begins at i; i itself if none does. Good enough for a better message. */
static size_t skip_quoted(struct trib_bytes source, size_t i)
{
	char quote = source.data[i];

	if (quote == '/' && i + 1 < source.size && source.data[i + 1] == '/') {
		while (i < source.size && source.data[i] != '\n')
			i++;
		return i;
	}
	if (quote != '"' && quote != '\'')
		return i;
	for (i++; i < source.size && source.data[i] != quote; i++)
		if (source.data[i] == '\\')
			i++;
	return TRIB_MIN(i + 1, source.size);
}

/* The first group.name in source that is no fact. */
static bool find_unknown_fact(struct trib_bytes source, struct trib_bytes *ret_name)
{
	size_t i = 0;

	while (i < source.size) {
		size_t after = skip_quoted(source, i), start = i;

		if (after != i) {
			i = after;
			continue;
		}
		if (!is_word(source.data[i])) {
			i++;
			continue;
		}
		while (i < source.size && (is_word(source.data[i]) || source.data[i] == '.'))
			i++;
		struct trib_bytes chain = trib_bytes(source.data + start, i - start);

		if ((start == 0 || source.data[start - 1] != '.') && group_of(chain) >= 0 &&
		    !begins_with_fact(chain)) {
			*ret_name = chain;
			return true;
		}
	}
	return false;
}

static trib_status fail_unknown_fact(struct trib_bytes name, const char *at,
				     struct trib_error *error)
{
	struct trib_buffer expected;
	trib_status status;
	int group = group_of(name);

	trib_buffer_init(&expected, TRIB_ERROR_TEXT_MAX);
	for (int fact = 1; fact < TRIB_FACTS; fact++) {
		if (trib_fact_rows[fact].group != group)
			continue;
		if (expected.size > EXPECTED_MAX) {
			trib_buffer_add_text(&expected, " …");
			break;
		}
		trib_buffer_add_format(&expected, "%s%s", expected.size ? ", " : "",
				       trib_fact_rows[fact].name);
	}
	status = trib_fail(error, TRIB_INVALID, at,
			   "found unknown fact " TRIB_BYTES_FMT ", expected one of %s",
			   TRIB_MIN((int)name.size, 80), name.data, trib_buffer_text(&expected));
	trib_buffer_fini(&expected);
	return status;
}

/* has(group) counts as all of the group; but where others open it too, not as what only the engine knows. */
static trib_fact_set facts_of_group(uint32_t group)
{
	trib_fact_set all = trib_fact_group_masks[group];
	trib_fact_set local = all & ~trib_facts_engine_only;

	return local ? local : all;
}

/* All that is read, without recursion: chains of operators nest as deep as the source is long. */
static trib_fact_set facts_of(const struct trib_expr_node *root)
{
	uint32_t count = 0, capacity = 64;
	const struct trib_expr_node **stack = trib_alloc(capacity * sizeof(*stack));
	trib_fact_set facts = 0;

	stack[count++] = root;
	while (count) {
		const struct trib_expr_node *node = stack[--count];

		if (node->kind == TRIB_EXPR_VARIABLE || node->kind == TRIB_EXPR_PRESENT) {
			enum trib_fact fact = fact_of_variable(node->index);

			facts |= fact ? TRIB_FACT_BIT(fact) : facts_of_group(node->index - NAMES);
			continue;
		}
		if (node->kind == TRIB_EXPR_CONST || node->kind == TRIB_EXPR_LOCAL)
			continue;
		while (count + node->count > capacity) {
			capacity *= 2;
			stack = trib_realloc(stack, capacity * sizeof(*stack));
		}
		for (uint32_t i = 0; i < node->count; i++)
			stack[count++] = node->args[i];
	}
	free(stack);
	if (facts & TRIB_FACT_BIT(TRIB_FACT_GOODS_CATEGORY_PATH))
		facts |= TRIB_FACT_BIT(TRIB_FACT_GOODS_CATEGORY);
	return facts;
}

trib_status condition_check(struct trib_bytes source, enum trib_type_kind kind, const char *at,
			    struct trib_expr_program **ret_program, trib_fact_set *ret_facts,
			    struct trib_error *error)
{
	static const struct trib_expr_env env = { .variables = variables,
						  .variable_count = VARIABLES,
						  .flags = TRIB_EXPR_FACTS,
						  .lasting = true,
						  .find = find_variable };
	struct trib_expr_program *program;
	struct trib_expr_error why;
	struct trib_bytes unknown;

	pthread_once(&variables_once, make_variables);
	if (trib_expr_check(&env, source, &program, &why) != TRIB_OK) {
		if (why.stage == TRIB_EXPR_CHECK && find_unknown_fact(source, &unknown))
			return fail_unknown_fact(unknown, at, error);
		return trib_expr_fail(error, at, &why);
	}
	if (trib_expr_type(program)->kind != kind) {
		struct trib_buffer type;

		trib_buffer_init(&type, 128);
		trib_type_format(trib_expr_type(program), &type);
		trib_fail(error, TRIB_INVALID, at, "found an expression of type %s, expected %s",
			  trib_buffer_text(&type), kind == TRIB_TYPE_BOOL ? "bool" : "int");
		trib_buffer_fini(&type);
		trib_expr_free(program);
		return TRIB_INVALID;
	}
	*ret_facts = facts_of(trib_expr_root(program));
	*ret_program = program;
	return TRIB_OK;
}

trib_status condition_generate(struct trib_expr_program *program, const char *at,
			       struct trib_error *error)
{
	struct trib_expr_error why;

	return trib_expr_generate(program, &why) == TRIB_OK ? TRIB_OK :
							      trib_expr_fail(error, at, &why);
}

trib_status condition_compile(struct trib_bytes source, enum trib_type_kind kind, const char *at,
			      struct trib_expr_program **ret_program, trib_fact_set *ret_facts,
			      struct trib_error *error)
{
	struct trib_expr_program *program;
	trib_status status = condition_check(source, kind, at, &program, ret_facts, error);

	if (status != TRIB_OK)
		return status;
	status = condition_generate(program, at, error);
	if (status == TRIB_OK)
		*ret_program = program;
	else
		trib_expr_free(program);
	return status;
}

static bool list_of_tags(const struct trib_facts *facts, struct trib_arena *arena,
			 struct trib_value *ret_value)
{
	uint32_t count = facts->tags ? facts->tags->count : 0;
	struct trib_value *items = trib_arena_alloc(arena, (count + 1) * sizeof(*items));

	if (!items)
		return false;
	for (uint32_t i = 0; i < count; i++)
		items[i] = trib_value_string(facts->spaces->text(
			facts->spaces->context, TRIB_SPACE_SYMBOL, facts->tags->codes[i]));
	return trib_value_list(arena, items, count, ret_value) == TRIB_OK;
}

static bool list_of_parts(const struct trib_facts *facts, struct trib_arena *arena,
			  struct trib_value *ret_value)
{
	struct trib_bytes rest = trib_facts_text(facts, TRIB_FACT_GOODS_CATEGORY), part;
	struct trib_value *items = trib_arena_alloc(arena, (rest.size / 2 + 1) * sizeof(*items));
	uint32_t count = 0;

	if (!items)
		return false;
	while (trib_facts_next_part(&rest, &part))
		items[count++] = trib_value_string(part);
	return trib_value_list(arena, items, count, ret_value) == TRIB_OK;
}

static bool map_of_ext(const struct trib_facts *facts, struct trib_arena *arena,
		       struct trib_value *ret_value)
{
	struct trib_value *keys =
		trib_arena_alloc(arena, (2 * facts->ext_count + 1) * sizeof(*keys));

	if (!keys)
		return false;
	for (uint32_t i = 0; i < facts->ext_count; i++) {
		keys[i] = trib_value_string(facts->ext[i].key);
		keys[facts->ext_count + i] = trib_value_string(facts->ext[i].value);
	}
	return trib_value_map(arena, keys, keys + facts->ext_count, facts->ext_count, ret_value) ==
	       TRIB_OK;
}

/* An ext that nobody stated has no members; one that is no object cannot be read. */
static bool map_of_json(const struct trib_facts *facts, enum trib_fact fact, struct trib_arena *arena,
			struct trib_value *ret_value)
{
	const struct trib_spaces *spaces = facts->spaces;
	struct trib_bytes text = { 0 };
	const struct trib_json *json;

	if (trib_fact_in(&facts->present, fact) && spaces->ext)
		text = spaces->ext(spaces->context, (enum trib_space)trib_fact_rows[fact].space,
				   (uint32_t)facts->value[fact], arena);
	if (!text.size)
		return trib_value_map(arena, NULL, NULL, 0, ret_value) == TRIB_OK;
	return trib_json_parse(text, TRIB_LIMIT_JSON_DEPTH, arena, &json, NULL) == TRIB_OK &&
	       trib_json_value(json, arena, ret_value) == TRIB_OK && ret_value->kind == TRIB_VALUE_MAP;
}

static bool get_fact(void *context, uint32_t index, struct trib_arena *arena,
		     struct trib_value *ret_value)
{
	const struct trib_facts *facts = context;
	enum trib_fact fact = fact_of_variable(index);

	if (fact == TRIB_FACT_NONE || !trib_fact_in(&facts->open, fact))
		return false;
	switch (kind_of(fact)) {
	case TRIB_FACT_INT:
		*ret_value = trib_value_int(facts->value[fact]);
		return true;
	case TRIB_FACT_DOUBLE:
		*ret_value = trib_value_double(trib_fact_to_double(facts->value[fact]));
		return true;
	case TRIB_FACT_TIME:
		*ret_value = trib_value_timestamp_ms(facts->value[fact]);
		return true;
	case TRIB_FACT_DURATION:
		*ret_value = trib_value_duration_ms(facts->value[fact]);
		return true;
	case TRIB_FACT_STRING:
		*ret_value = trib_value_string(trib_facts_text(facts, fact));
		return true;
	case TRIB_FACT_TAGS:
		return list_of_tags(facts, arena, ret_value);
	case TRIB_FACT_EXT:
		return map_of_ext(facts, arena, ret_value);
	case TRIB_FACT_BOOL:
		*ret_value = trib_value_bool(facts->value[fact]);
		return true;
	case TRIB_FACT_PATH:
		return list_of_parts(facts, arena, ret_value);
	case TRIB_FACT_JSON:
		return map_of_json(facts, fact, arena, ret_value);
	}
	return false;
}

/* A fact that nobody set can be read, but is not there; a group is there when it is open. */
static bool has_fact(void *context, uint32_t index)
{
	const struct trib_facts *facts = context;
	enum trib_fact fact = fact_of_variable(index);

	if (fact == TRIB_FACT_NONE)
		return (facts->open & trib_fact_group_masks[index - NAMES]) != 0;
	return trib_fact_in(&facts->present, fact);
}

trib_status condition_eval(const struct trib_expr_program *program, const struct trib_facts *facts,
			   struct trib_value *ret_value)
{
	struct trib_expr_facts giver = { get_fact, (void *)(uintptr_t)facts, has_fact, facts->steps };
	struct trib_expr_error why;
	trib_status status = trib_expr_eval(program, &giver, facts->scratch, ret_value, &why);

	trib_arena_reset(facts->scratch); /* results are bools and ints */
	return status;
}
