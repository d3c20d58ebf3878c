/* The tree while it is made: the parser writes it, the checker resolves it in place, nobody after that. */
#ifndef TRIB_EXPR_AST_H
#define TRIB_EXPR_AST_H

#include "expr/expr.h"

/* What node->index holds between parser and checker. */
enum ast_flag {
	AST_ABSOLUTE = 1 << 0, /* IDENT, CALL: written with a leading dot */
	AST_BARE = 1 << 1,     /* HAS: has(name); the name is args[0] */
	AST_QUOTED =
		1 << 2, /* SELECT: written with backticks, so never a part of a qualified name */
	AST_CLOSED =
		1 << 3, /* IDENT, SELECT: in parentheses, so no qualified name goes on after it */
};

/* What parse, check and compile share: where memory comes from and where the first error goes. */
struct ast_context {
	struct trib_arena *arena;
	struct trib_bytes source; /* terminated, and longer-lived than the tree */
	struct trib_expr_error *error;
};

/* The first line is 1, the first column is 1; columns count code points. */
void ast_position(struct trib_bytes source, uint32_t offset, uint32_t *ret_line,
		  uint32_t *ret_column);

/* Fills context->error and returns status. */
trib_status ast_fail(struct ast_context *context, enum trib_expr_stage stage, trib_status status,
		     uint32_t offset, const char *format, ...) TRIB_PRINTF(5, 6);

/* The tree of source. The depth of every node is set, its type is not. */
trib_status ast_parse(struct ast_context *context, uint32_t flags,
		      struct trib_expr_node **ret_root);

/* Writes the tree as CEL, before the check (env is NULL) or after it. */
void ast_print(const struct trib_expr_env *env, const struct trib_expr_node *node,
	       struct trib_buffer *buffer);

/* For the one who owns the tree while it is being made. */
static inline struct trib_expr_node *ast_arg(const struct trib_expr_node *node, uint32_t i)
{
	return (struct trib_expr_node *)(uintptr_t)node->args[i];
}

#endif
