#include "select/functions.h"

const struct trib_expr_declared trib_select_functions[TRIB_SELECT_FUNCTION_COUNT] = {
#define X(id, name, signatures, about) { name, signatures },
	TRIB_SELECT_FUNCTION_TABLE(X)
#undef X
};
