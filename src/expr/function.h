/* The functions: their signatures for the checker, their bodies for the evaluator. */
#ifndef TRIB_EXPR_FUNCTION_H
#define TRIB_EXPR_FUNCTION_H

#include "expr/value.h"

/*
 * Signatures of a function, separated by spaces: arguments, ':', result, one letter a type:
 *
 *	b bool  i int  u uint  d double  s string  y bytes  n null  t timestamp  r duration  T type  D dyn
 *	A B any type, the same at each place  L list(A)  M map(A, B)  l list(string)
 *
 * A '.' before them: called as a method, the receiver is the first argument.
 */
const char *function_signatures(enum trib_expr_function function);

/* The function that is written `name(…)` or `x.name(…)`; NONE. Operators and macros have no such name. */
enum trib_expr_function function_find(struct trib_bytes name);

/* Whether some signature has this form and count, whatever the types. */
bool function_takes(enum trib_expr_function function, bool method, uint32_t count);

/* ---- Evaluation ----------------------------------------------------------------------------------- */

/*
 * Why an evaluation failed: the low byte of value.code of a TRIB_VALUE_ERROR; the evaluator puts the place into
 * the rest. value.integer is a detail: the index of an INDEX fault, the kinds of the arguments of a NO_OVERLOAD.
 * X(ID, text)
 */
#define FUNCTION_FAULT_TABLE(X)                                                                    \
	X(NO_OVERLOAD, "no such overload")                                                         \
	X(ABSENT, "no such attribute")                                                             \
	X(UNRESOLVED, "unresolved")                                                                \
	X(NO_KEY, "no such key")                                                                   \
	X(NO_FIELDS, "the type does not support field selection")                                  \
	X(BAD_KEY, "unsupported key type")                                                         \
	X(REPEATED_KEY, "the map has a key twice")                                                 \
	X(DIVIDE_BY_ZERO, "division by zero")                                                      \
	X(MODULUS_BY_ZERO, "modulus by zero")                                                      \
	X(OVERFLOW, "integer overflow")                                                            \
	X(RANGE, "range error: the value does not fit the type")                                   \
	X(TIME_RANGE, "range error: timestamps lie in the years 1 to 9999")                        \
	X(DURATION_RANGE, "range error: durations lie between -315537897599s and 315537897599s")   \
	X(INDEX, "index out of range")                                                             \
	X(BAD_INDEX, "invalid index: expected a whole number")                                     \
	X(BAD_RANGE, "invalid range: the end lies before the start")                               \
	X(NOT_ITERABLE, "expected a list or a map to iterate over")                                \
	X(BAD_NUMBER, "type conversion error: the text is not such a number")                      \
	X(BAD_BOOL, "type conversion error: the text is not a bool")                               \
	X(BAD_TIMESTAMP, "type conversion error: expected a time such as 2026-11-22T09:30:00Z")    \
	X(BAD_DURATION, "type conversion error: expected a duration such as 1h30m or 1.5s")        \
	X(BAD_UTF8, "invalid UTF-8")                                                               \
	X(BAD_ZONE, "unknown time zone: expected a name such as Asia/Shanghai, or +08:00")         \
	X(BAD_PATTERN, "invalid regular expression")                                               \
	X(BAD_FORMAT, "could not parse formatting clause")                                         \
	X(FORMAT_INDEX, "formatting: the list has fewer values than the text asks for")            \
	X(FORMAT_TYPE, "formatting: the clause does not take a value of this type")                \
	X(NEGATIVE_SHIFT, "negative offset: a shift counts from 0")                                \
	X(EMPTY_LIST, "the list is empty")                                                         \
	X(TOO_DEEP, "the value nests too deep")                                                    \
	X(COST, "the evaluation takes more steps than one may")                                    \
	X(MEMORY, "the evaluation takes more memory than one may")

enum function_fault {
#define X(id, text) FAULT_##id,
	FUNCTION_FAULT_TABLE(X)
#undef X
};

/* The text of a fault, without place and detail. */
const char *function_fault_text(enum function_fault fault);

/* What a body gets beside its arguments. */
struct function_context {
	struct trib_arena *arena;
	int64_t budget; /* steps left */
};

static inline struct trib_value function_fail(enum function_fault fault)
{
	return (struct trib_value){ .kind = TRIB_VALUE_ERROR, .code = fault };
}

static inline struct trib_value function_fail_with(enum function_fault fault, int64_t detail)
{
	return (struct trib_value){ .kind = TRIB_VALUE_ERROR, .code = fault, .integer = detail };
}

/* Takes `steps` from the budget; false: there are not so many. */
static inline bool function_spend(struct function_context *context, uint64_t steps)
{
	context->budget -= (int64_t)TRIB_MIN(steps, (uint64_t)INT64_MAX / 2);
	return context->budget >= 0;
}

/* No argument is an error; their number is one that function_takes() allows. */
typedef struct trib_value function_body(struct function_context *context,
					const struct trib_value *args, uint32_t count);

/* The body of a function; NULL for those that are not calls (&&, ||, ?:, macros). */
function_body *function_body_of(enum trib_expr_function function);

/* Calls, and says of a NO_OVERLOAD what it was applied to. */
struct trib_value function_call(struct function_context *context, enum trib_expr_function function,
				const struct trib_value *args, uint32_t count);

/* The bodies, by file. */
#define FUNCTION_BODY(name)                                                                        \
	struct trib_value name(struct function_context *context, const struct trib_value *args,    \
			       uint32_t count)

FUNCTION_BODY(operator_not);
FUNCTION_BODY(operator_equal);
FUNCTION_BODY(operator_not_equal);
FUNCTION_BODY(operator_less);
FUNCTION_BODY(operator_less_equal);
FUNCTION_BODY(operator_greater);
FUNCTION_BODY(operator_greater_equal);
FUNCTION_BODY(operator_in);
FUNCTION_BODY(operator_add);
FUNCTION_BODY(operator_subtract);
FUNCTION_BODY(operator_multiply);
FUNCTION_BODY(operator_divide);
FUNCTION_BODY(operator_modulo);
FUNCTION_BODY(operator_negate);
FUNCTION_BODY(operator_index);

FUNCTION_BODY(convert_size);
FUNCTION_BODY(convert_type);
FUNCTION_BODY(convert_dyn);
FUNCTION_BODY(convert_int);
FUNCTION_BODY(convert_uint);
FUNCTION_BODY(convert_double);
FUNCTION_BODY(convert_bool);
FUNCTION_BODY(convert_string);
FUNCTION_BODY(convert_bytes);
FUNCTION_BODY(convert_timestamp);
FUNCTION_BODY(convert_duration);

FUNCTION_BODY(text_contains);
FUNCTION_BODY(text_starts_with);
FUNCTION_BODY(text_ends_with);
FUNCTION_BODY(text_matches);
FUNCTION_BODY(text_char_at);
FUNCTION_BODY(text_index_of);
FUNCTION_BODY(text_last_index_of);
FUNCTION_BODY(text_join);
FUNCTION_BODY(text_split);
FUNCTION_BODY(text_replace);
FUNCTION_BODY(text_substring);
FUNCTION_BODY(text_trim);
FUNCTION_BODY(text_lower_ascii);
FUNCTION_BODY(text_upper_ascii);
FUNCTION_BODY(text_reverse);
FUNCTION_BODY(text_format);
FUNCTION_BODY(text_quote);

FUNCTION_BODY(time_get_full_year);
FUNCTION_BODY(time_get_month);
FUNCTION_BODY(time_get_date);
FUNCTION_BODY(time_get_day_of_month);
FUNCTION_BODY(time_get_day_of_week);
FUNCTION_BODY(time_get_day_of_year);
FUNCTION_BODY(time_get_hours);
FUNCTION_BODY(time_get_minutes);
FUNCTION_BODY(time_get_seconds);
FUNCTION_BODY(time_get_milliseconds);

FUNCTION_BODY(math_greatest);
FUNCTION_BODY(math_least);
FUNCTION_BODY(math_ceil);
FUNCTION_BODY(math_floor);
FUNCTION_BODY(math_round);
FUNCTION_BODY(math_trunc);
FUNCTION_BODY(math_abs);
FUNCTION_BODY(math_sign);
FUNCTION_BODY(math_is_nan);
FUNCTION_BODY(math_is_inf);
FUNCTION_BODY(math_is_finite);
FUNCTION_BODY(math_bit_and);
FUNCTION_BODY(math_bit_or);
FUNCTION_BODY(math_bit_xor);
FUNCTION_BODY(math_bit_not);
FUNCTION_BODY(math_bit_shift_left);
FUNCTION_BODY(math_bit_shift_right);
FUNCTION_BODY(math_sqrt);

#endif
