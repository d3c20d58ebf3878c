/* What the evaluator needs of the string functions beside their bodies. */
#ifndef TRIB_EXPR_TEXT_H
#define TRIB_EXPR_TEXT_H

#include "expr/function.h"
#include "expr/re2_shim.h"

enum { TEXT_PATTERN_MEMORY = 1 << 20 }; /* of one compiled pattern and its automaton */

/* Takes what matching `bytes` bytes may cost from the budget. */
bool text_spend_on_match(struct function_context *context, const struct re2_pattern *pattern,
			 uint64_t bytes);

#endif
