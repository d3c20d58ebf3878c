/*
 * The parser: recursive descent with one function for all binary operators. It recurses where the text nests
 * (parentheses, arguments, ?:) and there only, so TRIB_LIMIT_CEL_DEPTH bounds the stack; chains are loops.
 */
#include <stdarg.h>
#include "expr/lexer.h"
#include "expr/value.h"

enum {
	PRECEDENCE_CONDITIONAL = 1,
	PRECEDENCE_OR,
	PRECEDENCE_AND,
	PRECEDENCE_RELATION,
	PRECEDENCE_UNARY = 7
};

static const struct operator
{
	enum token_kind token;
	enum trib_expr_function function;
	int precedence;
}
operators[] = {
	{ TOKEN_OR, TRIB_FN_OR, 2 },	 { TOKEN_AND, TRIB_FN_AND, 3 },
	{ TOKEN_EQ, TRIB_FN_EQ, 4 },	 { TOKEN_NE, TRIB_FN_NE, 4 },
	{ TOKEN_LT, TRIB_FN_LT, 4 },	 { TOKEN_LE, TRIB_FN_LE, 4 },
	{ TOKEN_GT, TRIB_FN_GT, 4 },	 { TOKEN_GE, TRIB_FN_GE, 4 },
	{ TOKEN_IN, TRIB_FN_IN, 4 },	 { TOKEN_PLUS, TRIB_FN_ADD, 5 },
	{ TOKEN_MINUS, TRIB_FN_SUB, 5 }, { TOKEN_STAR, TRIB_FN_MUL, 6 },
	{ TOKEN_SLASH, TRIB_FN_DIV, 6 }, { TOKEN_PERCENT, TRIB_FN_MOD, 6 },
};

struct parser {
	struct ast_context *context;
	struct lexer lexer;
	struct token token; /* the one to be read */
	uint32_t flags;
	uint32_t depth;
};

/* Arguments as they come; the array doubles inside the arena. */
struct nodes {
	struct trib_expr_node **items;
	uint32_t count, capacity;
};

static trib_status parse_expr(struct parser *parser, struct trib_expr_node **ret_node);

void ast_position(struct trib_bytes source, uint32_t offset, uint32_t *ret_line,
		  uint32_t *ret_column)
{
	uint32_t line = 1, column = 1;

	for (uint32_t i = 0; i < offset && i < source.size; i++) {
		if (source.data[i] == '\n') {
			line++;
			column = 1;
		} else if ((source.data[i] & 0xc0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

trib_status ast_fail(struct ast_context *context, enum trib_expr_stage stage, trib_status status,
		     uint32_t offset, const char *format, ...)
{
	struct trib_expr_error *error = context->error;
	va_list args;

	if (!error)
		return status;
	error->stage = stage;
	error->status = status;
	ast_position(context->source, offset, &error->line, &error->column);
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return status;
}

static trib_status no_memory(struct parser *parser)
{
	return ast_fail(parser->context, TRIB_EXPR_PARSE, TRIB_NO_MEMORY, parser->token.offset,
			"the expression needs more memory than one may have");
}

static trib_status advance(struct parser *parser)
{
	return lexer_next(&parser->lexer, &parser->token);
}

static trib_status unexpected(struct parser *parser, const char *expected)
{
	const struct token *token = &parser->token;

	if (token->kind == TOKEN_IDENT)
		return ast_fail(parser->context, TRIB_EXPR_PARSE, TRIB_SYNTAX, token->offset,
				"found %s\"%.*s\", expected %s",
				token->reserved ? "the reserved word " : "",
				(int)TRIB_MIN(token->size, 60u),
				parser->context->source.data + token->offset, expected);
	return ast_fail(parser->context, TRIB_EXPR_PARSE, TRIB_SYNTAX, token->offset,
			"found %s, expected %s", token_name(token->kind), expected);
}

static trib_status expect(struct parser *parser, enum token_kind kind)
{
	if (parser->token.kind != kind)
		return unexpected(parser, token_name(kind));
	return advance(parser);
}

static struct trib_bytes token_text(const struct parser *parser)
{
	const struct token *token = &parser->token;
	uint32_t quote = token->kind == TOKEN_QUOTED;

	return trib_bytes(parser->context->source.data + token->offset + quote,
			  token->size - 2 * quote);
}

/* ---- Nodes ---------------------------------------------------------------------------------------- */

static trib_status add(struct parser *parser, struct nodes *nodes, struct trib_expr_node *node)
{
	if (nodes->count == nodes->capacity) {
		uint32_t capacity = TRIB_MAX(4u, nodes->capacity * 2);
		struct trib_expr_node **items =
			trib_arena_alloc(parser->context->arena, capacity * sizeof(*items));

		if (!items)
			return no_memory(parser);
		if (nodes->count)
			memcpy(items, nodes->items, nodes->count * sizeof(*items));
		nodes->items = items;
		nodes->capacity = capacity;
	}
	nodes->items[nodes->count++] = node;
	return TRIB_OK;
}

static trib_status make(struct parser *parser, enum trib_expr_kind kind, uint32_t offset,
			const struct nodes *args, struct trib_expr_node **ret_node)
{
	struct trib_expr_node *node =
		trib_arena_alloc_zeroed(parser->context->arena, sizeof(*node));

	if (!node)
		return no_memory(parser);
	node->kind = (uint8_t)kind;
	node->offset = offset;
	node->depth = 1;
	node->type = &trib_type_dyn;
	if (args) {
		node->count = args->count;
		node->args = (const struct trib_expr_node *const *)args->items;
		for (uint32_t i = 0; i < args->count; i++)
			node->depth = TRIB_MAX(node->depth, args->items[i]->depth + 1);
	}
	*ret_node = node;
	return TRIB_OK;
}

static trib_status make_operator(struct parser *parser, enum trib_expr_function function,
				 uint32_t offset, const struct nodes *args,
				 struct trib_expr_node **ret_node)
{
	trib_status status = make(parser, TRIB_EXPR_CALL, offset, args, ret_node);

	if (status == TRIB_OK)
		(*ret_node)->function = (uint16_t)function;
	return status;
}

static trib_status make_binary(struct parser *parser, enum trib_expr_function function,
			       uint32_t offset, struct trib_expr_node *left,
			       struct trib_expr_node *right, struct trib_expr_node **ret_node)
{
	struct nodes args = { 0 };
	trib_status status = add(parser, &args, left);

	if (status == TRIB_OK && right)
		status = add(parser, &args, right);
	return status == TRIB_OK ? make_operator(parser, function, offset, &args, ret_node)
				 : status;
}

static trib_status make_const(struct parser *parser, uint32_t offset, struct trib_value value,
			      struct trib_expr_node **ret_node)
{
	trib_status status = make(parser, TRIB_EXPR_CONST, offset, NULL, ret_node);

	if (status == TRIB_OK)
		(*ret_node)->value = value;
	return status;
}

/* ---- Literals, lists, maps ------------------------------------------------------------------------ */

/* A literal with an optional sign before it, which belongs to it so that the least int can be written. */
static trib_status parse_literal(struct parser *parser, bool negative,
				 struct trib_expr_node **ret_node)
{
	struct token token = parser->token;
	struct trib_value value = token.value;

	if (token.kind == TOKEN_INT) {
		uint64_t magnitude = value.unsigned_integer;

		if (magnitude > (uint64_t)INT64_MAX + negative)
			return ast_fail(parser->context, TRIB_EXPR_PARSE, TRIB_SYNTAX, token.offset,
					"the number does not fit an int");
		value = trib_value_int((int64_t)(negative ? -magnitude : magnitude));
	} else if (token.kind == TOKEN_DOUBLE && negative) {
		value.number = -value.number;
	} else if (token.kind == TOKEN_TRUE || token.kind == TOKEN_FALSE) {
		value = trib_value_bool(token.kind == TOKEN_TRUE);
	} else if (token.kind == TOKEN_NULL) {
		value = trib_value_null();
	}
	trib_status status = advance(parser);

	return status == TRIB_OK ? make_const(parser, token.offset, value, ret_node) : status;
}

/* expr {"," expr} up to `closing`, which is taken too. A list may end with a comma. */
static trib_status parse_items(struct parser *parser, enum token_kind closing, struct nodes *nodes)
{
	while (parser->token.kind != closing) {
		struct trib_expr_node *node = NULL;
		trib_status status = parse_expr(parser, &node);

		if (status == TRIB_OK)
			status = add(parser, nodes, node);
		if (status != TRIB_OK)
			return status;
		if (parser->token.kind != TOKEN_COMMA)
			break;
		status = advance(parser);
		if (status != TRIB_OK)
			return status;
		if (parser->token.kind == closing && closing == TOKEN_RIGHT_PAREN)
			return unexpected(parser, "an argument");
	}
	return expect(parser, closing);
}

static trib_status parse_list(struct parser *parser, struct trib_expr_node **ret_node)
{
	uint32_t offset = parser->token.offset;
	struct nodes items = { 0 };
	trib_status status = advance(parser);

	if (status == TRIB_OK)
		status = parse_items(parser, TOKEN_RIGHT_BRACKET, &items);
	return status == TRIB_OK ? make(parser, TRIB_EXPR_LIST, offset, &items, ret_node) : status;
}

/* One `key: value`; the key of a message is a name and goes unrecorded, since no message is known. */
static trib_status parse_entry(struct parser *parser, bool message, struct nodes *nodes)
{
	struct trib_expr_node *node = NULL;
	trib_status status;

	if (message) {
		if (parser->token.kind != TOKEN_IDENT && parser->token.kind != TOKEN_QUOTED)
			return unexpected(parser, "a field name");
		status = advance(parser);
	} else {
		status = parse_expr(parser, &node);
		if (status == TRIB_OK)
			status = add(parser, nodes, node);
	}
	if (status == TRIB_OK)
		status = expect(parser, TOKEN_COLON);
	if (status == TRIB_OK)
		status = parse_expr(parser, &node);
	return status == TRIB_OK ? add(parser, nodes, node) : status;
}

static trib_status parse_entries(struct parser *parser, bool message, struct nodes *nodes)
{
	trib_status status = expect(parser, TOKEN_LEFT_BRACE);

	while (status == TRIB_OK && parser->token.kind != TOKEN_RIGHT_BRACE) {
		status = parse_entry(parser, message, nodes);
		if (status != TRIB_OK || parser->token.kind != TOKEN_COMMA)
			break;
		status = advance(parser);
	}
	return status == TRIB_OK ? expect(parser, TOKEN_RIGHT_BRACE) : status;
}

static trib_status parse_map(struct parser *parser, struct trib_expr_node **ret_node)
{
	uint32_t offset = parser->token.offset;
	struct nodes entries = { 0 };
	trib_status status = parse_entries(parser, false, &entries);

	return status == TRIB_OK ? make(parser, TRIB_EXPR_MAP, offset, &entries, ret_node) : status;
}

/* ---- Macros --------------------------------------------------------------------------------------- */

static trib_status expand_has(struct parser *parser, uint32_t offset, const struct nodes *args,
			      struct trib_expr_node **ret_node)
{
	struct trib_expr_node *argument = args->items[0];

	if (argument->kind == TRIB_EXPR_SELECT) {
		argument->kind = TRIB_EXPR_HAS;
		argument->index &= ~(uint32_t)AST_CLOSED;
		argument->offset = offset;
		*ret_node = argument;
		return TRIB_OK;
	}
	if (argument->kind != TRIB_EXPR_IDENT || !(parser->flags & TRIB_EXPR_FACTS))
		return ast_fail(
			parser->context, TRIB_EXPR_PARSE, TRIB_SYNTAX, argument->offset,
			"found another argument of has(), expected a field selection such as a.b");
	trib_status status = make(parser, TRIB_EXPR_HAS, offset, args, ret_node);

	if (status == TRIB_OK) {
		(*ret_node)->index = AST_BARE;
		(*ret_node)->name = argument->name;
	}
	return status;
}

/* The macro that `target.name(…)` with `count` arguments is; NONE: a method. */
static enum trib_expr_function macro_of(struct trib_bytes name, uint32_t count)
{
	static const struct {
		const char *name;
		enum trib_expr_function function;
		uint32_t count_min, count_max;
	} macros[] = {
		{ "all", TRIB_FN_ALL, 2, 2 },
		{ "exists", TRIB_FN_EXISTS, 2, 2 },
		{ "exists_one", TRIB_FN_EXISTS_ONE, 2, 2 },
		{ "existsOne", TRIB_FN_EXISTS_ONE, 2, 2 },
		{ "filter", TRIB_FN_FILTER, 2, 2 },
		{ "map", TRIB_FN_MAP, 2, 3 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(macros); i++)
		if (trib_bytes_is(name, macros[i].name) && count >= macros[i].count_min &&
		    count <= macros[i].count_max)
			return macros[i].function;
	return TRIB_FN_NONE;
}

/* items: the target, the variable, then the bodies. */
static trib_status expand_comprehension(struct parser *parser, enum trib_expr_function macro,
					uint32_t offset, struct nodes *items,
					struct trib_expr_node **ret_node)
{
	struct trib_expr_node *variable = items->items[1];

	if (variable->kind != TRIB_EXPR_IDENT || variable->index)
		return ast_fail(
			parser->context, TRIB_EXPR_PARSE, TRIB_SYNTAX, variable->offset,
			"found an expression, expected a simple name for the variable of %s()",
			trib_expr_function_name(macro));
	for (uint32_t i = 1; i + 1 < items->count; i++)
		items->items[i] = items->items[i + 1];
	items->count--;
	trib_status status = make(parser, TRIB_EXPR_COMPREHENSION, offset, items, ret_node);

	if (status == TRIB_OK) {
		(*ret_node)->function = (uint16_t)macro;
		(*ret_node)->name = variable->name;
	}
	return status;
}

/* ---- Members -------------------------------------------------------------------------------------- */

/* `(…)` after a name: a call of a function (no target) or of a method. */
static trib_status parse_call(struct parser *parser, struct trib_bytes name, uint32_t offset,
			      bool absolute, struct trib_expr_node *target,
			      struct trib_expr_node **ret_node)
{
	struct nodes args = { 0 };
	trib_status status = advance(parser);

	if (status == TRIB_OK && target)
		status = add(parser, &args, target);
	if (status == TRIB_OK)
		status = parse_items(parser, TOKEN_RIGHT_PAREN, &args);
	if (status != TRIB_OK)
		return status;
	if (!target && !absolute && args.count == 1 && trib_bytes_is(name, "has"))
		return expand_has(parser, offset, &args, ret_node);
	enum trib_expr_function macro = target ? macro_of(name, args.count - 1) : TRIB_FN_NONE;

	if (macro != TRIB_FN_NONE)
		return expand_comprehension(parser, macro, offset, &args, ret_node);
	status = make(parser, TRIB_EXPR_CALL, offset, &args, ret_node);
	if (status == TRIB_OK) {
		(*ret_node)->name = name;
		(*ret_node)->method = target != NULL;
		(*ret_node)->index = absolute ? AST_ABSOLUTE : 0;
	}
	return status;
}

/* [.]name, [.]name(…) */
static trib_status parse_name(struct parser *parser, struct trib_expr_node **ret_node)
{
	bool absolute = parser->token.kind == TOKEN_DOT;
	trib_status status = absolute ? advance(parser) : TRIB_OK;

	if (status != TRIB_OK)
		return status;
	if (parser->token.kind != TOKEN_IDENT || parser->token.reserved)
		return unexpected(parser, absolute ? "a name" : "an expression");
	struct trib_bytes name = token_text(parser);
	uint32_t offset = parser->token.offset;

	status = advance(parser);
	if (status != TRIB_OK)
		return status;
	if (parser->token.kind == TOKEN_LEFT_PAREN)
		return parse_call(parser, name, offset, absolute, NULL, ret_node);
	status = make(parser, TRIB_EXPR_IDENT, offset, NULL, ret_node);
	if (status == TRIB_OK) {
		(*ret_node)->name = name;
		(*ret_node)->index = absolute ? AST_ABSOLUTE : 0;
	}
	return status;
}

static trib_status parse_parens(struct parser *parser, struct trib_expr_node **ret_node)
{
	struct trib_expr_node *node = NULL;
	trib_status status = advance(parser);

	if (status == TRIB_OK)
		status = parse_expr(parser, &node);
	if (status == TRIB_OK)
		status = expect(parser, TOKEN_RIGHT_PAREN);
	if (status != TRIB_OK)
		return status;
	if (node->kind == TRIB_EXPR_IDENT || node->kind == TRIB_EXPR_SELECT)
		node->index |= AST_CLOSED;
	*ret_node = node;
	return TRIB_OK;
}

static trib_status parse_primary(struct parser *parser, bool negative,
				 struct trib_expr_node **ret_node)
{
	switch (parser->token.kind) {
	case TOKEN_INT:
	case TOKEN_UINT:
	case TOKEN_DOUBLE:
	case TOKEN_STRING:
	case TOKEN_BYTES:
	case TOKEN_TRUE:
	case TOKEN_FALSE:
	case TOKEN_NULL:
		return parse_literal(parser, negative, ret_node);
	case TOKEN_LEFT_PAREN:
		return parse_parens(parser, ret_node);
	case TOKEN_LEFT_BRACKET:
		return parse_list(parser, ret_node);
	case TOKEN_LEFT_BRACE:
		return parse_map(parser, ret_node);
	case TOKEN_IDENT:
	case TOKEN_DOT:
		return parse_name(parser, ret_node);
	default:
		return unexpected(parser, "an expression");
	}
}

/* .field, .method(…) */
static trib_status parse_select(struct parser *parser, struct trib_expr_node *target,
				struct trib_expr_node **ret_node)
{
	trib_status status = advance(parser);

	if (status != TRIB_OK)
		return status;
	if (parser->token.kind != TOKEN_IDENT && parser->token.kind != TOKEN_QUOTED)
		return unexpected(parser, "a field or method name");
	bool quoted = parser->token.kind == TOKEN_QUOTED;
	struct trib_bytes name = token_text(parser);
	uint32_t offset = parser->token.offset;

	status = advance(parser);
	if (status != TRIB_OK)
		return status;
	if (parser->token.kind == TOKEN_LEFT_PAREN && !quoted)
		return parse_call(parser, name, offset, false, target, ret_node);
	struct nodes args = { 0 };

	status = add(parser, &args, target);
	if (status == TRIB_OK)
		status = make(parser, TRIB_EXPR_SELECT, offset, &args, ret_node);
	if (status == TRIB_OK) {
		(*ret_node)->name = name;
		(*ret_node)->index = quoted ? AST_QUOTED : 0;
	}
	return status;
}

static trib_status parse_index(struct parser *parser, struct trib_expr_node *target,
			       struct trib_expr_node **ret_node)
{
	uint32_t offset = parser->token.offset;
	struct trib_expr_node *index = NULL;
	trib_status status = advance(parser);

	if (status == TRIB_OK)
		status = parse_expr(parser, &index);
	if (status == TRIB_OK)
		status = expect(parser, TOKEN_RIGHT_BRACKET);
	return status == TRIB_OK
		       ? make_binary(parser, TRIB_FN_INDEX, offset, target, index, ret_node)
		       : status;
}

/* a.b.C, without a call or an index in it: what may stand before the braces of a message. */
static bool is_qualified_name(const struct trib_expr_node *node)
{
	while (node->kind == TRIB_EXPR_SELECT && !node->index)
		node = node->args[0];
	return node->kind == TRIB_EXPR_IDENT && !(node->index & AST_CLOSED);
}

static trib_status parse_message(struct parser *parser, struct trib_expr_node *type,
				 struct trib_expr_node **ret_node)
{
	struct nodes fields = { 0 };
	trib_status status = add(parser, &fields, type);

	if (status == TRIB_OK)
		status = parse_entries(parser, true, &fields);
	return status == TRIB_OK ? make(parser, TRIB_EXPR_MESSAGE, type->offset, &fields, ret_node)
				 : status;
}

static trib_status parse_member(struct parser *parser, bool negative,
				struct trib_expr_node **ret_node)
{
	struct trib_expr_node *node = NULL;
	trib_status status = parse_primary(parser, negative, &node);

	while (status == TRIB_OK) {
		if (parser->token.kind == TOKEN_DOT)
			status = parse_select(parser, node, &node);
		else if (parser->token.kind == TOKEN_LEFT_BRACKET)
			status = parse_index(parser, node, &node);
		else if (parser->token.kind == TOKEN_LEFT_BRACE && is_qualified_name(node))
			status = parse_message(parser, node, &node);
		else
			break;
	}
	if (status == TRIB_OK)
		*ret_node = node;
	return status;
}

/*
 * !!…x and --…x. Any number of signs is as good as one or two: two are kept, because they still demand the type.
 * The last '-' before a number belongs to the number.
 */
static trib_status parse_unary(struct parser *parser, struct trib_expr_node **ret_node)
{
	enum token_kind sign = parser->token.kind;
	uint32_t offset = parser->token.offset;
	struct trib_expr_node *node = NULL;
	uint32_t count = 0;
	trib_status status = TRIB_OK;

	if (sign != TOKEN_NOT && sign != TOKEN_MINUS)
		return parse_member(parser, false, ret_node);
	while (status == TRIB_OK && parser->token.kind == sign) {
		count++;
		status = advance(parser);
	}
	if (status != TRIB_OK)
		return status;
	bool negative = sign == TOKEN_MINUS &&
			(parser->token.kind == TOKEN_INT || parser->token.kind == TOKEN_DOUBLE);

	count -= negative;
	status = parse_member(parser, negative, &node);
	for (count = count > 2 ? 2 - count % 2 : count; status == TRIB_OK && count > 0; count--)
		status = make_binary(parser, sign == TOKEN_NOT ? TRIB_FN_NOT : TRIB_FN_NEG, offset,
				     node, NULL, &node);
	if (status == TRIB_OK)
		*ret_node = node;
	return status;
}

/* ---- Operators ------------------------------------------------------------------------------------ */

static const struct operator* binary_operator(const struct parser *parser)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(operators); i++)
		if (operators[i].token == parser->token.kind)
			return &operators[i];
	return NULL;
}

static trib_status parse_binary(struct parser *parser, int precedence,
				struct trib_expr_node **ret_node);

/* a && b && c becomes one node of three. */
static trib_status parse_chain(struct parser *parser, const struct operator* operator,
			       struct trib_expr_node * first, struct trib_expr_node **ret_node)
{
	uint32_t offset = parser->token.offset;
	struct nodes args = { 0 };
	trib_status status = add(parser, &args, first);

	while (status == TRIB_OK && parser->token.kind == operator->token) {
		struct trib_expr_node *node = NULL;

		status = advance(parser);
		if (status == TRIB_OK)
			status = parse_binary(parser, operator->precedence + 1, &node);
		if (status == TRIB_OK)
			status = add(parser, &args, node);
	}
	return status == TRIB_OK
		       ? make_operator(parser, operator->function, offset, &args, ret_node)
		       : status;
}

static trib_status parse_binary(struct parser *parser, int precedence,
				struct trib_expr_node **ret_node)
{
	struct trib_expr_node *node = NULL, *right = NULL;
	trib_status status = parse_unary(parser, &node);

	while (status == TRIB_OK) {
		const struct operator* operator= binary_operator(parser);
		uint32_t offset = parser->token.offset;

		if (!operator|| operator->precedence<precedence)
			break;
		if (operator->precedence<PRECEDENCE_RELATION) {
			status = parse_chain(parser, operator, node, &node);
			continue;
		}
		status = advance(parser);
		if (status == TRIB_OK)
			status = parse_binary(parser, operator->precedence + 1, &right);
		if (status == TRIB_OK)
			status =
				make_binary(parser, operator->function, offset, node, right, &node);
	}
	if (status == TRIB_OK)
		*ret_node = node;
	return status;
}

/* After the condition: "?" or ":" expr */
static trib_status parse_branches(struct parser *parser, struct trib_expr_node *condition,
				  struct trib_expr_node **ret_node)
{
	uint32_t offset = parser->token.offset;
	struct trib_expr_node *yes = NULL, *no = NULL;
	struct nodes args = { 0 };
	trib_status status = advance(parser);

	if (status == TRIB_OK)
		status = parse_binary(parser, PRECEDENCE_OR, &yes);
	if (status == TRIB_OK)
		status = expect(parser, TOKEN_COLON);
	if (status == TRIB_OK)
		status = parse_expr(parser, &no);
	if (status == TRIB_OK)
		status = add(parser, &args, condition);
	if (status == TRIB_OK)
		status = add(parser, &args, yes);
	if (status == TRIB_OK)
		status = add(parser, &args, no);
	return status == TRIB_OK
		       ? make_operator(parser, TRIB_FN_CONDITIONAL, offset, &args, ret_node)
		       : status;
}

static trib_status parse_expr(struct parser *parser, struct trib_expr_node **ret_node)
{
	struct trib_expr_node *node = NULL;

	if (parser->depth >= TRIB_LIMIT_CEL_DEPTH)
		return ast_fail(parser->context, TRIB_EXPR_PARSE, TRIB_LIMIT, parser->token.offset,
				"the expression nests deeper than %d levels", TRIB_LIMIT_CEL_DEPTH);
	parser->depth++;
	trib_status status = parse_binary(parser, PRECEDENCE_OR, &node);

	if (status == TRIB_OK && parser->token.kind == TOKEN_QUESTION)
		status = parse_branches(parser, node, &node);
	parser->depth--;
	if (status == TRIB_OK)
		*ret_node = node;
	return status;
}

trib_status ast_parse(struct ast_context *context, uint32_t flags, struct trib_expr_node **ret_root)
{
	struct parser parser = { .context = context,
				 .lexer = { .context = context },
				 .flags = flags };
	struct trib_expr_node *root = NULL;

	if (context->source.size > TRIB_LIMIT_CEL_SOURCE_BYTES)
		return ast_fail(context, TRIB_EXPR_PARSE, TRIB_TOO_LARGE, 0,
				"found %zu bytes, expected an expression of at most %d",
				context->source.size, TRIB_LIMIT_CEL_SOURCE_BYTES);
	if (!trib_utf8_valid(context->source))
		return ast_fail(context, TRIB_EXPR_PARSE, TRIB_SYNTAX, 0,
				"the expression is not valid UTF-8");
	trib_status status = advance(&parser);

	if (status == TRIB_OK)
		status = parse_expr(&parser, &root);
	if (status == TRIB_OK && parser.token.kind != TOKEN_END)
		status = unexpected(&parser, "an operator or the end");
	if (status == TRIB_OK)
		*ret_root = root;
	return status;
}
