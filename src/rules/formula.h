/*
 * Formulas: CEL expressions of type int that a node computes with (`base`, `priority_by`).
 *
 *	const struct formula *formula = formula_make(program, &tree->arena);     // the program must outlive it
 *	if (formula_eval(formula, &facts, &result))  …                           // false: an error of the expression
 *
 * Most are sums and products of whole numbers, with a choice here and there: these become a flat program over a small stack of
 * integers, made once. Whatever is richer is left to the evaluator of expr. Both ways give the same number or fail alike:
 * a division by 0, 64 bits passed, a fact whose group is not open.
 */
#ifndef TRIB_RULES_FORMULA_H
#define TRIB_RULES_FORMULA_H

#include "rules/condition.h"

struct formula;

const struct formula *formula_make(const struct trib_expr_program *program, struct trib_arena *arena);

/* Does it need no evaluator? */
bool formula_is_flat(const struct formula *formula);

bool formula_eval(const struct formula *formula, const struct trib_facts *facts, int64_t *ret_result);

#endif
