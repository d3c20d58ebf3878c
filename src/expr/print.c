/*
 * A tree as CEL again. What is still to be written is kept on a stack of our own, since trees lean as far to
 * the left as the source is long.
 */
#include <math.h>
#include "expr/ast.h"
#include "expr/time.h"
#include "expr/unicode.h"

enum { PRECEDENCE_UNARY = 7, PRECEDENCE_MEMBER = 8 };

/* A node and how tight its surroundings bind, or a piece of text (node is NULL). */
struct item {
	const struct trib_expr_node *node;
	int precedence;
	struct trib_bytes text;
};

struct printer {
	const struct trib_expr_env *env;
	struct trib_buffer *buffer;
	struct item *items; /* the next to be written is the last */
	size_t count, capacity;
};

static void push(struct printer *printer, struct item item)
{
	if (printer->count == printer->capacity) {
		printer->capacity = TRIB_MAX((size_t)64, printer->capacity * 2);
		printer->items =
			trib_realloc(printer->items, printer->capacity * sizeof(*printer->items));
	}
	printer->items[printer->count++] = item;
}

static void push_node(struct printer *printer, const struct trib_expr_node *node, int precedence)
{
	push(printer, (struct item){ .node = node, .precedence = precedence });
}

static void push_text(struct printer *printer, const char *text)
{
	push(printer, (struct item){ .text = trib_bytes_text(text) });
}

/* ---- Values --------------------------------------------------------------------------------------- */

static void print_quoted(struct trib_bytes text, bool bytes, struct trib_buffer *buffer)
{
	static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";

	trib_buffer_add_text(buffer, bytes ? "b\"" : "\"");
	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];
		const char *escaped = c ? strchr(from, c) : NULL;

		if (escaped)
			trib_buffer_add_format(buffer, "\\%c", to[escaped - from]);
		else if ((unsigned char)c < 0x20 || c == 0x7f || (bytes && (c & 0x80)))
			trib_buffer_add_format(buffer, "\\x%02x", (unsigned char)c);
		else
			trib_buffer_add_char(buffer, c);
	}
	trib_buffer_add_char(buffer, '"');
}

static void print_double(double number, struct trib_buffer *buffer)
{
	char text[40];

	if (!isfinite(number)) {
		trib_buffer_add_format(buffer, "double(\"%s\")",
				       isnan(number) ? "NaN"
				       : number > 0  ? "Infinity"
						     : "-Infinity");
		return;
	}
	trib_double_format(number, text);
	trib_buffer_add_text(buffer, text);
	if (!strpbrk(text, ".e"))
		trib_buffer_add_text(buffer, ".0");
}

/* Values nest at most TRIB_LIMIT_CEL_VALUE_DEPTH deep. */
void trib_value_print(const struct trib_value *value, struct trib_buffer *buffer)
{
	char text[48];

	switch (value->kind) {
	case TRIB_VALUE_NULL:
		trib_buffer_add_text(buffer, "null");
		break;
	case TRIB_VALUE_BOOL:
		trib_buffer_add_text(buffer, value->boolean ? "true" : "false");
		break;
	case TRIB_VALUE_INT:
		trib_buffer_add_i64(buffer, value->integer);
		break;
	case TRIB_VALUE_UINT:
		trib_buffer_add_u64(buffer, value->unsigned_integer);
		trib_buffer_add_char(buffer, 'u');
		break;
	case TRIB_VALUE_DOUBLE:
		print_double(value->number, buffer);
		break;
	case TRIB_VALUE_STRING:
	case TRIB_VALUE_BYTES:
		print_quoted(trib_value_text(value), value->kind == TRIB_VALUE_BYTES, buffer);
		break;
	case TRIB_VALUE_TIMESTAMP:
		time_format_timestamp(value, text);
		trib_buffer_add_format(buffer, "timestamp(\"%s\")", text);
		break;
	case TRIB_VALUE_DURATION:
		time_format_duration(value, text);
		trib_buffer_add_format(buffer, "duration(\"%s\")", text);
		break;
	case TRIB_VALUE_LIST:
		trib_buffer_add_char(buffer, '[');
		for (uint32_t i = 0; i < value->list->count; i++) {
			trib_buffer_add_text(buffer, i ? ", " : "");
			trib_value_print(&value->list->items[i], buffer);
		}
		trib_buffer_add_char(buffer, ']');
		break;
	case TRIB_VALUE_MAP:
		trib_buffer_add_char(buffer, '{');
		for (uint32_t i = 0; i < value->map->count; i++) {
			trib_buffer_add_text(buffer, i ? ", " : "");
			trib_value_print(&value->map->keys[i], buffer);
			trib_buffer_add_text(buffer, ": ");
			trib_value_print(&value->map->values[i], buffer);
		}
		trib_buffer_add_char(buffer, '}');
		break;
	default:
		trib_buffer_add_text(buffer, trib_value_kind_name(value->kind == TRIB_VALUE_TYPE
									  ? value->code
									  : value->kind));
	}
}

/* ---- Nodes ---------------------------------------------------------------------------------------- */

static int precedence_of(const struct trib_expr_node *node)
{
	if (node->kind != TRIB_EXPR_CALL)
		return PRECEDENCE_MEMBER;
	switch (node->function) {
	case TRIB_FN_CONDITIONAL:
		return 1;
	case TRIB_FN_OR:
		return 2;
	case TRIB_FN_AND:
		return 3;
	case TRIB_FN_EQ:
	case TRIB_FN_NE:
	case TRIB_FN_LT:
	case TRIB_FN_LE:
	case TRIB_FN_GT:
	case TRIB_FN_GE:
	case TRIB_FN_IN:
		return 4;
	case TRIB_FN_ADD:
	case TRIB_FN_SUB:
		return 5;
	case TRIB_FN_MUL:
	case TRIB_FN_DIV:
	case TRIB_FN_MOD:
		return 6;
	case TRIB_FN_NOT:
	case TRIB_FN_NEG:
		return PRECEDENCE_UNARY;
	default:
		return PRECEDENCE_MEMBER;
	}
}

static bool is_plain_name(struct trib_bytes name)
{
	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		      (i > 0 && c >= '0' && c <= '9')))
			return false;
	}
	return name.size > 0 && !trib_bytes_is(name, "true") && !trib_bytes_is(name, "false") &&
	       !trib_bytes_is(name, "null") && !trib_bytes_is(name, "in");
}

/* Backwards: what is pushed first is written last. */
static void push_field(struct printer *printer, const struct trib_expr_node *node)
{
	bool plain = is_plain_name(node->name);

	push_text(printer, plain ? "" : "`");
	push(printer, (struct item){ .text = node->name });
	push_text(printer, plain ? "." : ".`");
	push_node(printer, node->args[0], PRECEDENCE_MEMBER);
}

static void push_args(struct printer *printer, const struct trib_expr_node *node, uint32_t first)
{
	for (uint32_t i = node->count; i > first; i--) {
		push_node(printer, node->args[i - 1], 1);
		push_text(printer, i - 1 > first ? ", " : "");
	}
}

/* Whether the node is written with a number first: a '-' before that would become a part of it. */
static bool begins_with_number(const struct trib_expr_node *node)
{
	while (node->kind == TRIB_EXPR_SELECT || node->kind == TRIB_EXPR_COMPREHENSION ||
	       (node->kind == TRIB_EXPR_CALL && (node->method || node->function == TRIB_FN_INDEX)))
		node = node->args[0];
	return node->kind == TRIB_EXPR_CONST && trib_value_is_number(&node->value);
}

static void push_operator(struct printer *printer, const struct trib_expr_node *node,
			  int precedence)
{
	const char *sign = trib_expr_function_name(node->function);
	bool chain = node->function == TRIB_FN_AND || node->function == TRIB_FN_OR;

	if (precedence == PRECEDENCE_UNARY) {
		const struct trib_expr_node *operand = node->args[0];
		bool number = begins_with_number(operand);

		push_text(printer, number ? ")" : "");
		push_node(printer, operand, PRECEDENCE_MEMBER);
		push_text(printer, number ? "(" : "");
		push_text(printer, node->function == TRIB_FN_NOT ? "!" : "-");
		return;
	}
	if (node->function == TRIB_FN_CONDITIONAL) {
		push_node(printer, node->args[2], 1);
		push_text(printer, " : ");
		push_node(printer, node->args[1], 2);
		push_text(printer, " ? ");
		push_node(printer, node->args[0], 2);
		return;
	}
	for (uint32_t i = node->count; i > 0; i--) {
		push_node(printer, node->args[i - 1],
			  i == 1 && !chain ? precedence : precedence + 1);
		if (i > 1) {
			push_text(printer, " ");
			push_text(printer, sign);
			push_text(printer, " ");
		}
	}
}

static void push_call(struct printer *printer, const struct trib_expr_node *node)
{
	if (node->function == TRIB_FN_INDEX) {
		push_text(printer, "]");
		push_node(printer, node->args[1], 1);
		push_text(printer, "[");
		push_node(printer, node->args[0], PRECEDENCE_MEMBER);
		return;
	}
	push_text(printer, ")");
	push_args(printer, node, node->method);
	push_text(printer, "(");
	if (node->function && node->function != TRIB_FN_DECLARED)
		push_text(printer, trib_expr_function_name(node->function));
	else
		push(printer, (struct item){ .text = node->name });
	if (node->method) {
		push_text(printer, ".");
		push_node(printer, node->args[0], PRECEDENCE_MEMBER);
	} else if (node->function != TRIB_FN_DECLARED && node->index & AST_ABSOLUTE) {
		push_text(printer, ".");
	}
}

static void push_comprehension(struct printer *printer, const struct trib_expr_node *node)
{
	push_text(printer, ")");
	push_args(printer, node, 1);
	push_text(printer, ", ");
	push(printer, (struct item){ .text = node->name });
	push_text(printer, "(");
	push_text(printer, trib_expr_function_name(node->function));
	push_text(printer, ".");
	push_node(printer, node->args[0], PRECEDENCE_MEMBER);
}

static void push_has(struct printer *printer, const struct trib_expr_node *node)
{
	push_text(printer, ")");
	if (node->index & AST_BARE)
		push_node(printer, node->args[0], 1);
	else
		push_field(printer, node);
	push_text(printer, "has(");
}

static void push_aggregate(struct printer *printer, const struct trib_expr_node *node)
{
	bool map = node->kind == TRIB_EXPR_MAP;

	push_text(printer, map ? "}" : "]");
	for (uint32_t i = node->count; i > 0; i--) {
		bool value = map && i % 2 == 0;

		push_node(printer, node->args[i - 1], 1);
		push_text(printer, value ? ": " : i > 1 ? ", " : "");
	}
	push_text(printer, map ? "{" : "[");
}

static bool has_dyn(const struct trib_type *type)
{
	return type->kind == TRIB_TYPE_DYN ||
	       (type->kind == TRIB_TYPE_MAP && (has_dyn(type->key) || has_dyn(type->element))) ||
	       (type->kind == TRIB_TYPE_LIST && has_dyn(type->element));
}

/* [1, "a"]: dyn by itself. */
static bool is_mixed(const struct trib_value *value)
{
	if (value->kind != TRIB_VALUE_LIST)
		return false;
	for (uint32_t i = 1; i < value->list->count; i++)
		if (value->list->items[i].kind != value->list->items[0].kind)
			return true;
	return false;
}

/* A constant that was folded out of something dyn must stay dyn, or what is printed might not check. */
static void print_constant(struct printer *printer, const struct trib_expr_node *node)
{
	bool checked = printer->env && !(printer->env->flags & TRIB_EXPR_UNCHECKED);
	bool dyn = checked && has_dyn(node->type) && !is_mixed(&node->value);

	trib_buffer_add_text(printer->buffer, dyn ? "dyn(" : "");
	trib_value_print(&node->value, printer->buffer);
	trib_buffer_add_text(printer->buffer, dyn ? ")" : "");
}

static void print_name(struct printer *printer, uint32_t flags, struct trib_bytes name)
{
	trib_buffer_add_text(printer->buffer, flags & AST_CLOSED ? "(" : "");
	trib_buffer_add_text(printer->buffer, flags & AST_ABSOLUTE ? "." : "");
	trib_buffer_add_bytes(printer->buffer, name);
	trib_buffer_add_text(printer->buffer, flags & AST_CLOSED ? ")" : "");
}

static void print_node(struct printer *printer, const struct trib_expr_node *node)
{
	int precedence = precedence_of(node);

	switch (node->kind) {
	case TRIB_EXPR_CONST:
		print_constant(printer, node);
		break;
	case TRIB_EXPR_VARIABLE:
		print_name(printer, node->method,
			   trib_bytes_text(printer->env->variables[node->index].name));
		break;
	case TRIB_EXPR_PRESENT:
		trib_buffer_add_format(printer->buffer, "has(%s%s)",
				       node->method & AST_ABSOLUTE ? "." : "",
				       printer->env->variables[node->index].name);
		break;
	case TRIB_EXPR_IDENT:
		print_name(printer, node->index, node->name);
		break;
	case TRIB_EXPR_SELECT:
		push_text(printer, node->index & AST_CLOSED ? ")" : "");
		push_field(printer, node);
		push_text(printer, node->index & AST_CLOSED ? "(" : "");
		break;
	case TRIB_EXPR_HAS:
		push_has(printer, node);
		break;
	case TRIB_EXPR_CALL:
		if (precedence < PRECEDENCE_MEMBER)
			push_operator(printer, node, precedence);
		else
			push_call(printer, node);
		break;
	case TRIB_EXPR_LIST:
	case TRIB_EXPR_MAP:
		push_aggregate(printer, node);
		break;
	case TRIB_EXPR_COMPREHENSION:
		push_comprehension(printer, node);
		break;
	case TRIB_EXPR_MESSAGE:
		push_text(printer, "{}");
		push_node(printer, node->args[0], PRECEDENCE_MEMBER);
		break;
	default:
		trib_buffer_add_bytes(printer->buffer, node->name);
	}
}

void ast_print(const struct trib_expr_env *env, const struct trib_expr_node *node,
	       struct trib_buffer *buffer)
{
	struct printer printer = { .env = env, .buffer = buffer };

	push_node(&printer, node, 1);
	while (printer.count > 0 && !buffer->failed) {
		struct item item = printer.items[--printer.count];

		if (!item.node) {
			trib_buffer_add_bytes(buffer, item.text);
		} else if (precedence_of(item.node) < item.precedence) {
			push_text(&printer, ")");
			push_node(&printer, item.node, 1);
			trib_buffer_add_char(buffer, '(');
		} else {
			print_node(&printer, item.node);
		}
	}
	free(printer.items);
}
