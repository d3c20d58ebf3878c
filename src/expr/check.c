/*
 * Every node is met once, children first. What leans to the left (a + b + c, a.b.c, a[0][1]) is walked with a
 * stack of our own; the rest nests as the text nests, which the parser has bounded.
 */
#include "expr/check.h"
#include "expr/function.h"
#include "expr/infer.h"

/* A variable of a comprehension, innermost first. */
struct scope {
	struct trib_bytes name;
	const struct trib_type *type;
	uint32_t index;
	const struct scope *outer;
};

struct checker {
	struct ast_context *context;
	const struct trib_expr_env *env;
	bool typed;
	struct infer infer;
	struct trib_expr_node **stack; /* the left spine being walked, and those around it */
	uint32_t stack_count, stack_capacity;
	struct trib_expr_node **done; /* all nodes met */
	uint32_t done_count, done_capacity;
	const struct scope *scope;
	uint32_t locals_max;
	uint32_t segments_max; /* of any declared name */
	struct function_context folding;
};

static trib_status check(struct checker *checker, struct trib_expr_node *node);

static trib_status no_memory(struct checker *checker)
{
	return ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_NO_MEMORY, 0,
			"the expression needs more memory than one may have");
}

static trib_status push(struct checker *checker, struct trib_expr_node ***array, uint32_t *count,
			uint32_t *capacity, struct trib_expr_node *node)
{
	if (*count == *capacity) {
		uint32_t larger = TRIB_MAX(16u, *capacity * 2);
		struct trib_expr_node **items =
			trib_arena_alloc(checker->context->arena, larger * sizeof(*items));

		if (!items)
			return no_memory(checker);
		if (*count)
			memcpy(items, *array, *count * sizeof(*items));
		*array = items;
		*capacity = larger;
	}
	(*array)[(*count)++] = node;
	return TRIB_OK;
}

/* In an unchecked program what cannot be resolved is an error only when it is evaluated. */
static trib_status unresolved(struct checker *checker, struct trib_expr_node *node,
			      struct trib_bytes name, enum function_fault fault)
{
	if (checker->typed)
		return ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_INVALID, node->offset,
				"undeclared reference to '%.*s' (in container '%s')%s",
				(int)TRIB_MIN(name.size, (size_t)100), name.data,
				checker->env->container ? checker->env->container : "",
				node->kind == TRIB_EXPR_MESSAGE ? "; messages are not supported"
								: "");
	node->kind = TRIB_EXPR_UNRESOLVED;
	node->name = name;
	node->index = fault;
	node->count = 0;
	return TRIB_OK;
}

/* ---- Names ---------------------------------------------------------------------------------------- */

/* a.b.c as it stands in the tree: the identifier and the selections over it. */
struct chain {
	const struct trib_expr_node *identifier;
	struct trib_expr_node **selects; /* innermost last: this is a part of the stack */
	uint32_t count;
};

static struct trib_bytes chain_name(const struct chain *chain, uint32_t i)
{
	return i == 0 ? chain->identifier->name : chain->selects[chain->count - i]->name;
}

/* Where the next name starts if text goes on with `name` and then ends or has a '.'; NULL if not. */
static const char *skip_name(const char *text, struct trib_bytes name)
{
	if (strncmp(text, name.data, name.size))
		return NULL;
	text += name.size;
	return *text == '.' ? text + 1 : *text == '\0' ? text : NULL;
}

/* Whether declared is `prefix.` (where there is one) and the first `names` names of the chain. */
static bool is_declared(const char *declared, struct trib_bytes prefix, const struct chain *chain,
			uint32_t names)
{
	if (prefix.size > 0) {
		if (strncmp(declared, prefix.data, prefix.size) || declared[prefix.size] != '.')
			return false;
		declared += prefix.size + 1;
	}
	for (uint32_t i = 0; i < names; i++) {
		bool last = i + 1 == names;

		declared = *declared ? skip_name(declared, chain_name(chain, i)) : NULL;
		if (!declared || (*declared == '\0') != last)
			return false;
	}
	return true;
}

/* The container one step further out: "a.b.c", "a.b", "a", "". False after the last. */
static bool next_prefix(struct trib_bytes *prefix)
{
	if (prefix->size == 0)
		return false;
	while (prefix->size > 0 && prefix->data[prefix->size - 1] != '.')
		prefix->size--;
	prefix->size -= prefix->size > 0;
	return true;
}

/* Of declared names that are found by a table; those of facts are shorter. */
enum { JOINED_MAX = 128 };

static const enum trib_value_kind named_kinds[] = {
	TRIB_VALUE_NULL,   TRIB_VALUE_BOOL,   TRIB_VALUE_INT,	    TRIB_VALUE_UINT,
	TRIB_VALUE_DOUBLE, TRIB_VALUE_STRING, TRIB_VALUE_BYTES,	    TRIB_VALUE_LIST,
	TRIB_VALUE_MAP,	   TRIB_VALUE_TYPE,   TRIB_VALUE_TIMESTAMP, TRIB_VALUE_DURATION,
};

static uint32_t segments(const char *name)
{
	uint32_t count = 1;

	for (; *name; name++)
		count += *name == '.';
	return count;
}

/* `prefix.` (where there is one) and the first `names` names of the chain, as one text; false: it is too long. */
static bool join_names(struct trib_bytes prefix, const struct chain *chain, uint32_t names,
		       char text[JOINED_MAX], size_t *ret_size)
{
	size_t size = 0;

	for (uint32_t i = 0; i <= names; i++) {
		struct trib_bytes name = i ? chain_name(chain, i - 1) : prefix;

		if (i == 0 && name.size == 0)
			continue;
		if (name.size + 1 > JOINED_MAX - size)
			return false;
		if (size)
			text[size++] = '.';
		memcpy(text + size, name.data, name.size);
		size += name.size;
	}
	*ret_size = size;
	return true;
}

/* The variable that the first `names` names mean; false: none is declared so. */
static bool find_variable(const struct checker *checker, struct trib_bytes prefix,
			  const struct chain *chain, uint32_t names, uint32_t *ret_index)
{
	const struct trib_expr_env *env = checker->env;
	char text[JOINED_MAX];
	size_t size;

	if (env->find)
		return join_names(prefix, chain, names, text, &size) &&
		       env->find(trib_bytes(text, size), ret_index);
	for (uint32_t i = 0; i < env->variable_count; i++)
		if (is_declared(env->variables[i].name, prefix, chain, names)) {
			*ret_index = i;
			return true;
		}
	return false;
}

/* Turns node into what the first `names` names mean, if they are declared. */
static bool resolve_declared(struct checker *checker, struct trib_bytes prefix,
			     const struct chain *chain, uint32_t names, struct trib_expr_node *node)
{
	uint32_t index;

	if (find_variable(checker, prefix, chain, names, &index)) {
		const struct trib_expr_variable *variable = &checker->env->variables[index];

		node->kind = node->kind == TRIB_EXPR_HAS ? TRIB_EXPR_PRESENT : TRIB_EXPR_VARIABLE;
		/* For printing. */
		node->method =
			(chain->identifier->index & AST_ABSOLUTE) | (node->index & AST_CLOSED);
		node->index = index;
		node->count = 0;
		node->depth = 1;
		node->type = node->kind == TRIB_EXPR_PRESENT	? &trib_type_bool
			     : checker->typed && variable->type ? variable->type
								: &trib_type_dyn;
		return true;
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(named_kinds); i++) {
		if (node->kind == TRIB_EXPR_HAS ||
		    !is_declared(trib_value_kind_name(named_kinds[i]), prefix, chain, names))
			continue;
		node->kind = TRIB_EXPR_CONST;
		node->count = 0;
		node->depth = 1;
		node->value =
			(struct trib_value){ .kind = TRIB_VALUE_TYPE, .code = named_kinds[i] };
		node->type = &trib_type_type;
		return true;
	}
	return false;
}

/*
 * The longest beginning of the chain that is declared, in the innermost container that declares it. That node
 * of the tree becomes the variable; *ret_used says how many selections it swallowed.
 */
static bool resolve_chain(struct checker *checker, const struct chain *chain, uint32_t *ret_used)
{
	bool absolute = chain->identifier->index & AST_ABSOLUTE;

	for (uint32_t names = TRIB_MIN(chain->count + 1, checker->segments_max); names > 0;
	     names--) {
		struct trib_bytes prefix =
			trib_bytes_text(absolute ? NULL : checker->env->container);
		struct trib_expr_node *node =
			names == 1 ? (struct trib_expr_node *)(uintptr_t)chain->identifier
				   : chain->selects[chain->count - (names - 1)];

		do {
			if (resolve_declared(checker, prefix, chain, names, node)) {
				*ret_used = names - 1;
				return true;
			}
		} while (next_prefix(&prefix));
	}
	return false;
}

static const struct scope *find_local(const struct checker *checker, struct trib_bytes name)
{
	const struct scope *scope = checker->scope;

	while (scope && !trib_bytes_equal(scope->name, name))
		scope = scope->outer;
	return scope;
}

/* The identifier at the bottom of the spine, and the selections above it that belong to its name. */
static trib_status check_identifier(struct checker *checker, struct trib_expr_node *node,
				    uint32_t base)
{
	const struct scope *local =
		node->index & AST_ABSOLUTE ? NULL : find_local(checker, node->name);
	const struct trib_expr_node *below = node;
	struct chain chain = { .identifier = node };
	uint32_t used = 0;

	if (local) {
		node->kind = TRIB_EXPR_LOCAL;
		node->index = local->index;
		node->type = local->type;
		return TRIB_OK;
	}
	while (chain.count < checker->stack_count - base) {
		const struct trib_expr_node *above =
			checker->stack[checker->stack_count - 1 - chain.count];

		if ((above->kind != TRIB_EXPR_SELECT && above->kind != TRIB_EXPR_HAS) ||
		    above->index & AST_QUOTED || below->index & AST_CLOSED)
			break;
		below = above;
		chain.count++;
	}
	chain.selects = checker->stack + checker->stack_count - chain.count;
	if (!resolve_chain(checker, &chain, &used))
		return unresolved(checker, node, node->name, FAULT_UNRESOLVED);
	const struct trib_expr_node *found =
		used ? checker->stack[checker->stack_count - used] : node;

	checker->stack_count -= used;
	if (found->kind == TRIB_EXPR_VARIABLE && !checker->env->variables[found->index].type)
		return ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_INVALID, found->offset,
				"found %s, expected has(%s): it has no value of its own",
				checker->env->variables[found->index].name,
				checker->env->variables[found->index].name);
	return TRIB_OK;
}

/* has(name), which only an environment for facts allows. */
static trib_status check_bare_presence(struct checker *checker, struct trib_expr_node *node)
{
	struct chain chain = { .identifier = node };

	node->index = node->args[0]->index;
	if (resolve_declared(checker, trib_bytes(NULL, 0), &chain, 1, node))
		return TRIB_OK;
	return unresolved(checker, node, node->name, FAULT_UNRESOLVED);
}

/* ---- Calls ---------------------------------------------------------------------------------------- */

/* The function of that name, looked for in the container first. */
static enum trib_expr_function find_function(const struct checker *checker, struct trib_bytes outer,
					     struct trib_bytes name, bool absolute)
{
	struct trib_bytes prefix = trib_bytes_text(absolute ? NULL : checker->env->container);
	char text[128];

	do {
		int size = snprintf(text, sizeof(text), "%.*s%s%.*s%s%.*s", TRIB_BYTES_ARG(prefix),
				    prefix.size ? "." : "", TRIB_BYTES_ARG(outer),
				    outer.size ? "." : "", TRIB_BYTES_ARG(name));

		if (size > 0 && (size_t)size < sizeof(text)) {
			enum trib_expr_function function =
				function_find(trib_bytes(text, (size_t)size));

			if (function != TRIB_FN_NONE)
				return function;
		}
	} while (next_prefix(&prefix));
	return TRIB_FN_NONE;
}

/* math.abs(x) is parsed as a method of `math`; where such a function exists, it is meant. */
static void resolve_namespaced(struct checker *checker, struct trib_expr_node *node)
{
	if (node->kind != TRIB_EXPR_CALL || !node->method ||
	    node->args[0]->kind != TRIB_EXPR_IDENT || node->name.size > 32 ||
	    node->args[0]->name.size > 32)
		return;
	enum trib_expr_function function = find_function(checker, node->args[0]->name, node->name,
							 node->args[0]->index & AST_ABSOLUTE);

	if (function == TRIB_FN_NONE)
		return;
	node->function = (uint16_t)function;
	node->method = false;
	node->args++;
	node->count--;
}

static trib_status refuse_call(struct checker *checker, const struct trib_expr_node *node)
{
	const char *name = node->function == TRIB_FN_DECLARED ?
				   checker->env->functions[node->index].name :
				   trib_expr_function_name(node->function);
	struct trib_buffer types;

	trib_buffer_init(&types, 4096);
	for (uint32_t i = 0; i < node->count && types.size < 150; i++) {
		trib_buffer_add_text(&types, i ? ", " : "");
		trib_type_format(infer_final(&checker->infer, node->args[i]->type), &types);
	}
	trib_status status =
		ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_INVALID, node->offset,
			 "found no matching overload for '%s' applied to (%s)",
			 name, trib_buffer_text(&types));

	trib_buffer_fini(&types);
	return status;
}

/* All operands of && and || are bool. */
static const struct trib_type *infer_logic(struct checker *checker,
					   const struct trib_expr_node *node)
{
	for (uint32_t i = 0; i < node->count; i++)
		if (!infer_assignable(&checker->infer, &trib_type_bool, node->args[i]->type))
			return NULL;
	return &trib_type_bool;
}

static bool may_be_number(const struct trib_type *type)
{
	if (type->kind == TRIB_TYPE_WRAPPER)
		type = type->element;
	return type->kind == TRIB_TYPE_INT || type->kind == TRIB_TYPE_UINT ||
	       type->kind == TRIB_TYPE_DOUBLE || type->kind == TRIB_TYPE_DYN ||
	       type->kind == TRIB_TYPE_VAR;
}

/* math.greatest, math.least: numbers of any kind, or one list of them. */
static const struct trib_type *infer_extremum(struct checker *checker,
					      const struct trib_expr_node *node)
{
	const struct trib_type *result = infer_top(&checker->infer, node->args[0]->type);

	if (node->count == 1 && result->kind == TRIB_TYPE_LIST) {
		result = infer_top(&checker->infer, result->element);
		return may_be_number(result) ? result : NULL;
	}
	for (uint32_t i = 0; i < node->count; i++) {
		const struct trib_type *type = infer_top(&checker->infer, node->args[i]->type);

		if (!may_be_number(type))
			return NULL;
		if (!trib_type_equal(type, result))
			result = &trib_type_dyn;
	}
	return result;
}

/* A call of a function that the environment declares; where there is none of that name, it stays as it is. */
static void resolve_function(const struct checker *checker, struct trib_expr_node *node)
{
	for (uint32_t i = 0; checker->typed && i < checker->env->function_count; i++) {
		if (!trib_bytes_is(node->name, checker->env->functions[i].name))
			continue;
		node->function = TRIB_FN_DECLARED;
		node->index = i;
		return;
	}
}

static trib_status check_call(struct checker *checker, struct trib_expr_node *node)
{
	enum trib_expr_function function = node->function;

	if (function == TRIB_FN_NONE) {
		function = find_function(checker, trib_bytes(NULL, 0), node->name,
					 node->method || node->index & AST_ABSOLUTE);
		node->function = (uint16_t)function;
	}
	node->index = 0;
	if (function == TRIB_FN_NONE) {
		resolve_function(checker, node);
		function = node->function;
	}
	if (function == TRIB_FN_NONE)
		return unresolved(checker, node, node->name, FAULT_UNRESOLVED);
	bool logic = function == TRIB_FN_AND || function == TRIB_FN_OR;

	if (!checker->typed)
		return logic || function_takes(function, node->method, node->count)
			       ? TRIB_OK
			       : unresolved(checker, node, node->name, FAULT_NO_OVERLOAD);
	const struct trib_type *type;

	if (logic)
		type = infer_logic(checker, node);
	else if (function == TRIB_FN_MATH_GREATEST || function == TRIB_FN_MATH_LEAST)
		type = node->method || node->count == 0 ? NULL : infer_extremum(checker, node);
	else
		type = infer_call(&checker->infer,
				  function == TRIB_FN_DECLARED ?
					  checker->env->functions[node->index].signatures :
					  function_signatures(function),
				  node->method, node->args, node->count);
	if (!type)
		return refuse_call(checker, node);
	node->type = type;
	return TRIB_OK;
}

/* ---- The other kinds ------------------------------------------------------------------------------ */

static const struct trib_type *type_of_value(const struct trib_value *value)
{
	static const struct trib_type *const types[] = {
		[TRIB_VALUE_NULL] = &trib_type_null,
		[TRIB_VALUE_BOOL] = &trib_type_bool,
		[TRIB_VALUE_INT] = &trib_type_int,
		[TRIB_VALUE_UINT] = &trib_type_uint,
		[TRIB_VALUE_DOUBLE] = &trib_type_double,
		[TRIB_VALUE_STRING] = &trib_type_string,
		[TRIB_VALUE_BYTES] = &trib_type_bytes,
		[TRIB_VALUE_TIMESTAMP] = &trib_type_timestamp,
		[TRIB_VALUE_DURATION] = &trib_type_duration,
		[TRIB_VALUE_LIST] = &trib_type_list_dyn,
		[TRIB_VALUE_MAP] = &trib_type_map_dyn,
		[TRIB_VALUE_TYPE] = &trib_type_type,
	};

	return types[value->kind];
}

static trib_status check_select(struct checker *checker, struct trib_expr_node *node)
{
	node->index = 0;
	if (!checker->typed)
		return TRIB_OK;
	const struct trib_type *type = infer_top(&checker->infer, node->args[0]->type);

	if (type->kind == TRIB_TYPE_MAP) {
		if (!infer_assignable(&checker->infer, type->key, &trib_type_string))
			return ast_fail(
				checker->context, TRIB_EXPR_CHECK, TRIB_INVALID, node->offset,
				"found a selection of '%.*s', expected a map with string keys",
				(int)TRIB_MIN(node->name.size, (size_t)100), node->name.data);
		node->type = node->kind == TRIB_EXPR_HAS ? &trib_type_bool : type->element;
		return TRIB_OK;
	}
	if (type->kind == TRIB_TYPE_DYN || type->kind == TRIB_TYPE_VAR) {
		infer_assignable(&checker->infer, &trib_type_dyn, type);
		node->type = node->kind == TRIB_EXPR_HAS ? &trib_type_bool : &trib_type_dyn;
		return TRIB_OK;
	}
	struct trib_buffer text;

	trib_buffer_init(&text, 4096);
	trib_type_format(infer_final(&checker->infer, type), &text);
	trib_status status =
		ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_INVALID, node->offset,
			 "type '%s' does not support field selection", trib_buffer_text(&text));

	trib_buffer_fini(&text);
	return status;
}

static trib_status check_list(struct checker *checker, struct trib_expr_node *node)
{
	if (!checker->typed)
		return TRIB_OK;
	const struct trib_type *element =
		node->count ? node->args[0]->type : infer_variable(&checker->infer);

	for (uint32_t i = 1; i < node->count; i++)
		element = infer_join(&checker->infer, element, node->args[i]->type);
	node->type = infer_list(&checker->infer, element);
	return TRIB_OK;
}

static bool may_be_key(const struct trib_type *type)
{
	if (type->kind == TRIB_TYPE_WRAPPER)
		type = type->element;
	return type->kind == TRIB_TYPE_BOOL || type->kind == TRIB_TYPE_INT ||
	       type->kind == TRIB_TYPE_UINT || type->kind == TRIB_TYPE_STRING ||
	       type->kind == TRIB_TYPE_DYN || type->kind == TRIB_TYPE_VAR;
}

static trib_status check_map(struct checker *checker, struct trib_expr_node *node)
{
	struct infer *infer = &checker->infer;

	if (!checker->typed)
		return TRIB_OK;
	const struct trib_type *key = node->count ? node->args[0]->type : infer_variable(infer);
	const struct trib_type *element = node->count ? node->args[1]->type : infer_variable(infer);

	for (uint32_t i = 0; i < node->count; i += 2) {
		if (!may_be_key(infer_top(infer, node->args[i]->type)))
			return ast_fail(
				checker->context, TRIB_EXPR_CHECK, TRIB_INVALID,
				node->args[i]->offset,
				"unsupported key type: expected a bool, int, uint or string");
		if (i == 0)
			continue;
		key = infer_join(infer, key, node->args[i]->type);
		element = infer_join(infer, element, node->args[i + 1]->type);
	}
	node->type = infer_map(infer, key, element);
	return TRIB_OK;
}

/* What the variable of a comprehension over this type is; NULL: nothing to iterate over. */
static const struct trib_type *element_of_range(struct checker *checker,
						const struct trib_type *range)
{
	range = infer_top(&checker->infer, range);
	switch (range->kind) {
	case TRIB_TYPE_LIST:
		return range->element;
	case TRIB_TYPE_MAP:
		return range->key;
	case TRIB_TYPE_VAR:
		infer_assignable(&checker->infer, range, &trib_type_dyn);
		return &trib_type_dyn;
	case TRIB_TYPE_DYN:
		return &trib_type_dyn;
	default:
		return NULL;
	}
}

static trib_status type_comprehension(struct checker *checker, struct trib_expr_node *node,
				      const struct trib_type *element)
{
	bool maps = node->function == TRIB_FN_MAP;

	/* Every body but the result of map() is a condition. */
	for (uint32_t i = 1; i < node->count; i++)
		if (!(maps && i + 1 == node->count) &&
		    !infer_assignable(&checker->infer, &trib_type_bool, node->args[i]->type))
			return ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_INVALID,
					node->args[i]->offset, "expected a bool in %s()",
					trib_expr_function_name(node->function));
	if (maps)
		node->type = infer_list(&checker->infer, node->args[node->count - 1]->type);
	else if (node->function == TRIB_FN_FILTER)
		node->type = infer_list(&checker->infer, element);
	else
		node->type = &trib_type_bool;
	return TRIB_OK;
}

static trib_status check_comprehension(struct checker *checker, struct trib_expr_node *node)
{
	const struct trib_type *element =
		checker->typed ? element_of_range(checker, node->args[0]->type) : &trib_type_dyn;

	if (!element)
		return ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_INVALID,
				node->args[0]->offset,
				"found a value that is neither a list nor a map before %s()",
				trib_expr_function_name(node->function));
	struct scope scope = { .name = node->name,
			       .type = element,
			       .index = checker->scope ? checker->scope->index + 1 : 0,
			       .outer = checker->scope };

	checker->locals_max = TRIB_MAX(checker->locals_max, scope.index + 1);
	node->index = scope.index;
	checker->scope = &scope;
	trib_status status = TRIB_OK;

	for (uint32_t i = 1; i < node->count && status == TRIB_OK; i++)
		status = check(checker, ast_arg(node, i));
	checker->scope = scope.outer;
	return status == TRIB_OK && checker->typed ? type_comprehension(checker, node, element)
						   : status;
}

/* ---- Folding -------------------------------------------------------------------------------------- */

enum { FOLDED_BYTES_MAX = 4096, FOLDING_BUDGET = 1000000 };

static bool all_constant(const struct trib_expr_node *node)
{
	for (uint32_t i = 0; i < node->count; i++)
		if (node->args[i]->kind != TRIB_EXPR_CONST)
			return false;
	return true;
}

/* The values of the arguments, every `step`th from `first`. */
static struct trib_value *constants(struct checker *checker, const struct trib_expr_node *node,
				    uint32_t first, uint32_t step)
{
	struct trib_value *values =
		trib_arena_alloc(checker->context->arena, (node->count + 1) * sizeof(*values));

	for (uint32_t i = first, n = 0; values && i < node->count; i += step)
		values[n++] = node->args[i]->value;
	return values;
}

static struct trib_value fold_value(struct checker *checker, const struct trib_expr_node *node)
{
	struct trib_arena *arena = checker->context->arena;
	bool map = node->kind == TRIB_EXPR_MAP;
	struct trib_value *values = constants(checker, node, 0, map ? 2 : 1), result;

	if (!values)
		return function_fail(FAULT_MEMORY);
	if (node->kind == TRIB_EXPR_CALL)
		return function_call(&checker->folding, node->function, values, node->count);
	if (!map)
		return trib_value_list(arena, values, node->count, &result) == TRIB_OK
			       ? result
			       : function_fail(FAULT_TOO_DEEP);
	struct trib_value *elements = constants(checker, node, 1, 2);

	if (!elements)
		return function_fail(FAULT_MEMORY);
	return trib_value_map(arena, values, elements, node->count / 2, &result) == TRIB_OK
		       ? result
		       : function_fail(FAULT_REPEATED_KEY);
}

/* A list, map or call of constants becomes a constant, unless evaluating it fails or makes something large. */
static trib_status fold(struct checker *checker, struct trib_expr_node *node)
{
	bool folds = node->kind == TRIB_EXPR_LIST || node->kind == TRIB_EXPR_MAP ||
		     (node->kind == TRIB_EXPR_CALL && function_body_of(node->function));

	if (!folds || checker->folding.budget <= 0 || !all_constant(node))
		return TRIB_OK;
	struct trib_value value = fold_value(checker, node);

	if (value.kind == TRIB_VALUE_ERROR) {
		if (!(checker->env->flags & TRIB_EXPR_FACTS))
			return TRIB_OK;
		return ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_INVALID, node->offset,
				"'%s' fails: %s",
				node->kind == TRIB_EXPR_CALL
					? trib_expr_function_name(node->function)
					: "the literal",
				function_fault_text(value.code));
	}
	if (node->kind == TRIB_EXPR_CALL &&
	    trib_value_weight(&value, FOLDED_BYTES_MAX) >= FOLDED_BYTES_MAX / 64)
		return TRIB_OK;
	node->kind = TRIB_EXPR_CONST;
	node->value = value;
	node->count = 0;
	node->depth = 1;
	return TRIB_OK;
}

/* ---- The walk ------------------------------------------------------------------------------------- */

/* Whether args[0] is walked before the node without recursion. */
static bool leans_left(const struct trib_expr_node *node)
{
	return node->count > 0 && !(node->kind == TRIB_EXPR_HAS && node->index & AST_BARE);
}

static trib_status check_kind(struct checker *checker, struct trib_expr_node *node, uint32_t base)
{
	switch (node->kind) {
	case TRIB_EXPR_CONST:
		node->type = type_of_value(&node->value);
		return TRIB_OK;
	case TRIB_EXPR_IDENT:
		return check_identifier(checker, node, base);
	case TRIB_EXPR_SELECT:
		return check_select(checker, node);
	case TRIB_EXPR_HAS:
		return node->index & AST_BARE ? check_bare_presence(checker, node)
					      : check_select(checker, node);
	case TRIB_EXPR_CALL:
		return check_call(checker, node);
	case TRIB_EXPR_LIST:
		return check_list(checker, node);
	case TRIB_EXPR_MAP:
		return check_map(checker, node);
	case TRIB_EXPR_COMPREHENSION:
		return check_comprehension(checker, node);
	default:
		return TRIB_OK;
	}
}

/* args[0] is done already. */
static trib_status finish(struct checker *checker, struct trib_expr_node *node, uint32_t base)
{
	trib_status status = TRIB_OK;

	if (node->kind != TRIB_EXPR_COMPREHENSION)
		for (uint32_t i = 1; i < node->count && status == TRIB_OK; i++)
			status = check(checker, ast_arg(node, i));
	if (status == TRIB_OK)
		status = check_kind(checker, node, base);
	node->depth = 1;
	for (uint32_t i = 0; i < node->count && status == TRIB_OK; i++)
		node->depth = TRIB_MAX(node->depth, node->args[i]->depth + 1);
	if (status == TRIB_OK)
		status = fold(checker, node);
	if (status == TRIB_OK && checker->infer.no_memory)
		status = no_memory(checker);
	if (status == TRIB_OK && checker->infer.too_complex)
		status = ast_fail(checker->context, TRIB_EXPR_CHECK, TRIB_LIMIT, node->offset,
				  "the types of the expression are too complex");
	return status == TRIB_OK ? push(checker, &checker->done, &checker->done_count,
					&checker->done_capacity, node)
				 : status;
}

static trib_status check(struct checker *checker, struct trib_expr_node *node)
{
	uint32_t base = checker->stack_count;
	trib_status status;

	for (;; node = ast_arg(node, 0)) {
		status = push(checker, &checker->stack, &checker->stack_count,
			      &checker->stack_capacity, node);
		if (status != TRIB_OK)
			return status;
		if (node->kind == TRIB_EXPR_MESSAGE) {
			status = unresolved(checker, node, node->args[0]->name, FAULT_UNRESOLVED);
			if (status != TRIB_OK)
				return status;
		}
		resolve_namespaced(checker, node);
		if (!leans_left(node))
			break;
	}
	while (checker->stack_count > base && status == TRIB_OK) {
		node = checker->stack[--checker->stack_count];
		status = finish(checker, node, base);
	}
	return status;
}

trib_status ast_check(struct ast_context *context, const struct trib_expr_env *env,
		      struct trib_expr_node *root, uint32_t *ret_locals)
{
	struct checker checker = { .context = context,
				   .env = env,
				   .typed = !(env->flags & TRIB_EXPR_UNCHECKED),
				   .segments_max = 3, /* google.protobuf.Timestamp */
				   .folding = { .arena = context->arena,
						.budget = FOLDING_BUDGET } };

	infer_init(&checker.infer, context->arena);
	/* Names that last are facts: of three at most. */
	for (uint32_t i = 0; !env->lasting && i < env->variable_count; i++)
		checker.segments_max =
			TRIB_MAX(checker.segments_max, segments(env->variables[i].name));
	trib_status status = check(&checker, root);

	if (status != TRIB_OK)
		return status;
	for (uint32_t i = 0; i < checker.done_count; i++) {
		struct trib_expr_node *node = checker.done[i];

		node->type =
			checker.typed ? infer_finish(&checker.infer, node->type) : &trib_type_dyn;
	}
	if (checker.infer.no_memory || checker.infer.too_complex)
		return no_memory(&checker);
	*ret_locals = checker.locals_max;
	return TRIB_OK;
}
