#include <inttypes.h>
#include "expr/function.h"

static const struct {
	const char *signatures;
	function_body *body;
} functions[TRIB_FN_COUNT] = {
	[TRIB_FN_NOT] = { "b:b", operator_not },
	[TRIB_FN_CONDITIONAL] = { "bAA:A", NULL },
	[TRIB_FN_EQ] = { "AA:b", operator_equal },
	[TRIB_FN_NE] = { "AA:b", operator_not_equal },
#define ORDERED "bb:b ii:b uu:b dd:b iu:b id:b ui:b ud:b di:b du:b ss:b yy:b tt:b rr:b"
	[TRIB_FN_LT] = { ORDERED, operator_less },
	[TRIB_FN_LE] = { ORDERED, operator_less_equal },
	[TRIB_FN_GT] = { ORDERED, operator_greater },
	[TRIB_FN_GE] = { ORDERED, operator_greater_equal },
#undef ORDERED
	[TRIB_FN_IN] = { "AL:b AM:b", operator_in },
	[TRIB_FN_ADD] = { "ii:i uu:u dd:d ss:s yy:y LL:L tr:t rt:t rr:r", operator_add },
	[TRIB_FN_SUB] = { "ii:i uu:u dd:d tt:r tr:t rr:r", operator_subtract },
	[TRIB_FN_MUL] = { "ii:i uu:u dd:d", operator_multiply },
	[TRIB_FN_DIV] = { "ii:i uu:u dd:d", operator_divide },
	[TRIB_FN_MOD] = { "ii:i uu:u", operator_modulo },
	[TRIB_FN_NEG] = { "i:i d:d", operator_negate },
	[TRIB_FN_INDEX] = { "Li:A MA:B", operator_index },
	[TRIB_FN_SIZE] = { "s:i y:i L:i M:i .s:i .y:i .L:i .M:i", convert_size },
	[TRIB_FN_TYPE] = { "A:T", convert_type },
	[TRIB_FN_DYN] = { "A:D", convert_dyn },
	[TRIB_FN_INT] = { "i:i u:i d:i s:i t:i", convert_int },
	[TRIB_FN_UINT] = { "u:u i:u d:u s:u", convert_uint },
	[TRIB_FN_DOUBLE] = { "d:d i:d u:d s:d", convert_double },
	[TRIB_FN_BOOL] = { "b:b s:b", convert_bool },
	[TRIB_FN_STRING] = { "s:s b:s i:s u:s d:s y:s t:s r:s", convert_string },
	[TRIB_FN_BYTES] = { "y:y s:y", convert_bytes },
	[TRIB_FN_TIMESTAMP] = { "t:t s:t i:t", convert_timestamp },
	[TRIB_FN_DURATION] = { "r:r s:r", convert_duration },
	[TRIB_FN_CONTAINS] = { ".ss:b", text_contains },
	[TRIB_FN_STARTS_WITH] = { ".ss:b", text_starts_with },
	[TRIB_FN_ENDS_WITH] = { ".ss:b", text_ends_with },
	[TRIB_FN_MATCHES] = { "ss:b .ss:b", text_matches },
	[TRIB_FN_GET_FULL_YEAR] = { ".t:i .ts:i", time_get_full_year },
	[TRIB_FN_GET_MONTH] = { ".t:i .ts:i", time_get_month },
	[TRIB_FN_GET_DATE] = { ".t:i .ts:i", time_get_date },
	[TRIB_FN_GET_DAY_OF_MONTH] = { ".t:i .ts:i", time_get_day_of_month },
	[TRIB_FN_GET_DAY_OF_WEEK] = { ".t:i .ts:i", time_get_day_of_week },
	[TRIB_FN_GET_DAY_OF_YEAR] = { ".t:i .ts:i", time_get_day_of_year },
	[TRIB_FN_GET_HOURS] = { ".t:i .ts:i .r:i", time_get_hours },
	[TRIB_FN_GET_MINUTES] = { ".t:i .ts:i .r:i", time_get_minutes },
	[TRIB_FN_GET_SECONDS] = { ".t:i .ts:i .r:i", time_get_seconds },
	[TRIB_FN_GET_MILLISECONDS] = { ".t:i .ts:i .r:i", time_get_milliseconds },
	[TRIB_FN_CHAR_AT] = { ".si:s", text_char_at },
	[TRIB_FN_INDEX_OF] = { ".ss:i .ssi:i", text_index_of },
	[TRIB_FN_LAST_INDEX_OF] = { ".ss:i .ssi:i", text_last_index_of },
	[TRIB_FN_JOIN] = { ".l:s .ls:s", text_join },
	[TRIB_FN_SPLIT] = { ".ss:l .ssi:l", text_split },
	[TRIB_FN_REPLACE] = { ".sss:s .sssi:s", text_replace },
	[TRIB_FN_SUBSTRING] = { ".si:s .sii:s", text_substring },
	[TRIB_FN_TRIM] = { ".s:s", text_trim },
	[TRIB_FN_LOWER_ASCII] = { ".s:s", text_lower_ascii },
	[TRIB_FN_UPPER_ASCII] = { ".s:s", text_upper_ascii },
	[TRIB_FN_REVERSE] = { ".s:s", text_reverse },
	[TRIB_FN_FORMAT] = { ".sL:s", text_format },
	[TRIB_FN_QUOTE] = { "s:s", text_quote },
	/* Any number of numbers, or one list of them: the checker knows these two by name. */
	[TRIB_FN_MATH_GREATEST] = { "*", math_greatest },
	[TRIB_FN_MATH_LEAST] = { "*", math_least },
	[TRIB_FN_MATH_CEIL] = { "d:d", math_ceil },
	[TRIB_FN_MATH_FLOOR] = { "d:d", math_floor },
	[TRIB_FN_MATH_ROUND] = { "d:d", math_round },
	[TRIB_FN_MATH_TRUNC] = { "d:d", math_trunc },
	[TRIB_FN_MATH_ABS] = { "i:i u:u d:d", math_abs },
	[TRIB_FN_MATH_SIGN] = { "i:i u:u d:d", math_sign },
	[TRIB_FN_MATH_IS_NAN] = { "d:b", math_is_nan },
	[TRIB_FN_MATH_IS_INF] = { "d:b", math_is_inf },
	[TRIB_FN_MATH_IS_FINITE] = { "d:b", math_is_finite },
	[TRIB_FN_MATH_BIT_AND] = { "ii:i uu:u", math_bit_and },
	[TRIB_FN_MATH_BIT_OR] = { "ii:i uu:u", math_bit_or },
	[TRIB_FN_MATH_BIT_XOR] = { "ii:i uu:u", math_bit_xor },
	[TRIB_FN_MATH_BIT_NOT] = { "i:i u:u", math_bit_not },
	[TRIB_FN_MATH_BIT_SHIFT_LEFT] = { "ii:i ui:u", math_bit_shift_left },
	[TRIB_FN_MATH_BIT_SHIFT_RIGHT] = { "ii:i ui:u", math_bit_shift_right },
	[TRIB_FN_MATH_SQRT] = { "i:d u:d d:d", math_sqrt },
};

static const char *const names[] = {
#define X(id, name) [TRIB_FN_##id] = name,
	TRIB_EXPR_FUNCTION_TABLE(X)
#undef X
};

enum trib_expr_function trib_expr_mirrored(enum trib_expr_function function)
{
	switch (function) {
	case TRIB_FN_LT:
		return TRIB_FN_GT;
	case TRIB_FN_LE:
		return TRIB_FN_GE;
	case TRIB_FN_GT:
		return TRIB_FN_LT;
	case TRIB_FN_GE:
		return TRIB_FN_LE;
	default:
		return function;
	}
}

struct trib_ranges trib_expr_compared(struct trib_arena *arena, enum trib_expr_function function, int64_t floor, bool exact,
				      struct trib_range scale)
{
	switch (function) {
	case TRIB_FN_LT:
		if (exact && floor == INT64_MIN)
			return (struct trib_ranges){ 0 };
		return trib_ranges_of(arena, scale.lo, exact ? floor - 1 : floor);
	case TRIB_FN_LE:
		return trib_ranges_of(arena, scale.lo, floor);
	case TRIB_FN_GT:
		return floor == INT64_MAX ? (struct trib_ranges){ 0 } : trib_ranges_of(arena, floor + 1, scale.hi);
	case TRIB_FN_GE:
		if (!exact)
			return trib_expr_compared(arena, TRIB_FN_GT, floor, exact, scale);
		return trib_ranges_of(arena, floor, scale.hi);
	default:
		return exact ? trib_ranges_of(arena, floor, floor) : (struct trib_ranges){ 0 };
	}
}

const char *trib_expr_function_name(enum trib_expr_function function)
{
	return function < TRIB_FN_COUNT ? names[function] : "";
}

const char *function_fault_text(enum function_fault fault)
{
	static const char *const texts[] = {
#define X(id, text) [FAULT_##id] = text,
		FUNCTION_FAULT_TABLE(X)
#undef X
	};

	return texts[fault];
}

const char *trib_expr_function_signatures(enum trib_expr_function function)
{
	return function < TRIB_FN_COUNT ? function_signatures(function) : "";
}

const char *function_signatures(enum trib_expr_function function)
{
	return functions[function].signatures ? functions[function].signatures : "";
}

function_body *function_body_of(enum trib_expr_function function)
{
	return functions[function].body;
}

enum trib_expr_function function_find(struct trib_bytes name)
{
	for (uint32_t i = TRIB_FN_SIZE; i < TRIB_FN_COUNT; i++)
		if (trib_bytes_is(name, names[i]))
			return (enum trib_expr_function)i;
	return TRIB_FN_NONE;
}

bool function_takes(enum trib_expr_function function, bool method, uint32_t count)
{
	const char *next = function_signatures(function);

	if (*next == '*')
		return !method && count > 0;
	while (*next) {
		bool is_method = *next == '.';
		size_t size = strcspn(next + is_method, ":");

		if (is_method == method && size == count)
			return true;
		next += strcspn(next, " ");
		next += *next == ' ';
	}
	return false;
}

struct trib_value function_call(struct function_context *context, enum trib_expr_function function,
				const struct trib_value *args, uint32_t count)
{
	struct trib_value result = functions[function].body(context, args, count);

	/* The kinds of the first arguments, one to a byte, for the message. */
	if (result.kind == TRIB_VALUE_ERROR && result.code == FAULT_NO_OVERLOAD) {
		result.unsigned_integer = TRIB_MIN(count, 7u);
		for (uint32_t i = 0; i < count && i < 7; i++)
			result.unsigned_integer |= (uint64_t)args[i].kind << (8 + 8 * i);
	}
	return result;
}
