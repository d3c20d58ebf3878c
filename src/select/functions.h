/*
 * What selections add to CEL: functions that are answered by sets of rows, not row by row. The checker takes them from
 * trib_select_functions; in a checked tree a call's `index` is the number of its row here.
 */
#ifndef TRIB_SELECT_FUNCTIONS_H
#define TRIB_SELECT_FUNCTIONS_H

#include "expr/expr.h"

/* X(NAME, name, signatures as expr/function.h has them, about) */
#define TRIB_SELECT_FUNCTION_TABLE(X)                                                              \
	X(ON_SHELF, "on_shelf", "s:b", "the goods stand on a shelf of that creator")               \
	X(IN_POOL, "in_pool", "s:b", "the goods are in that pool")                                 \
	X(IN_REGION, "in_region", "ss:b ls:b", "a path of the field is that region, or below it")  \
	X(WORDS, "words", ".ss:b", "the text has all of these words")                              \
	X(WORDS_ANY, "words_any", ".ss:b", "the text has one of these words")                      \
	X(PHRASE, "phrase", ".ss:b", "the text has these words, one after the other")              \
	X(NOW, "now", ":t", "the time of the request")

enum trib_select_function {
#define X(id, name, signatures, about) TRIB_SELECT_##id,
	TRIB_SELECT_FUNCTION_TABLE(X)
#undef X
		TRIB_SELECT_FUNCTION_COUNT,
};

extern const struct trib_expr_declared trib_select_functions[TRIB_SELECT_FUNCTION_COUNT];

#endif
