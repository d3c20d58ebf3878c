/* The checker: names become variables, calls become functions, everything gets a type; constants are folded. */
#ifndef TRIB_EXPR_CHECK_H
#define TRIB_EXPR_CHECK_H

#include "expr/ast.h"

/* Resolves the tree in place. *ret_locals: how many variables of comprehensions are alive at once at most. */
trib_status ast_check(struct ast_context *context, const struct trib_expr_env *env,
		      struct trib_expr_node *root, uint32_t *ret_locals);

#endif
