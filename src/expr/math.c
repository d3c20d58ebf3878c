/* The math extension library. */
#include <math.h>
#include "expr/function.h"

/* The number that is largest (direction 1) or least (-1); of equals the first. NaN is passed over, as < sees it. */
static struct trib_value extremum(struct function_context *context, const struct trib_value *args,
				  uint32_t count, int direction)
{
	if (count == 1 && args[0].kind == TRIB_VALUE_LIST) {
		count = args[0].list->count;
		args = args[0].list->items;
		if (count == 0)
			return function_fail(FAULT_EMPTY_LIST);
		if (!function_spend(context, count / 4))
			return function_fail(FAULT_COST);
	}
	const struct trib_value *best = &args[0];

	for (uint32_t i = 0; i < count; i++) {
		if (!trib_value_is_number(&args[i]))
			return function_fail(FAULT_NO_OVERLOAD);
		if (trib_value_order(&args[i], best) == direction)
			best = &args[i];
	}
	return *best;
}

FUNCTION_BODY(math_greatest)
{
	return extremum(context, args, count, 1);
}

FUNCTION_BODY(math_least)
{
	return extremum(context, args, count, -1);
}

#define OF_DOUBLE(name, result)                                                                    \
	FUNCTION_BODY(name)                                                                        \
	{                                                                                          \
		double x = args[0].number;                                                         \
                                                                                                   \
		return args[0].kind == TRIB_VALUE_DOUBLE ? result                                  \
							 : function_fail(FAULT_NO_OVERLOAD);       \
	}

OF_DOUBLE(math_ceil, trib_value_double(ceil(x)))
OF_DOUBLE(math_floor, trib_value_double(floor(x)))
OF_DOUBLE(math_round, trib_value_double(round(x)))
OF_DOUBLE(math_trunc, trib_value_double(trunc(x)))
OF_DOUBLE(math_is_nan, trib_value_bool(isnan(x)))
OF_DOUBLE(math_is_inf, trib_value_bool(isinf(x)))
OF_DOUBLE(math_is_finite, trib_value_bool(isfinite(x)))

FUNCTION_BODY(math_abs)
{
	switch (args[0].kind) {
	case TRIB_VALUE_UINT:
		return args[0];
	case TRIB_VALUE_INT:
		return args[0].integer == INT64_MIN
			       ? function_fail(FAULT_OVERFLOW)
			       : trib_value_int(llabs((long long)args[0].integer));
	case TRIB_VALUE_DOUBLE:
		return trib_value_double(fabs(args[0].number));
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

FUNCTION_BODY(math_sign)
{
	switch (args[0].kind) {
	case TRIB_VALUE_UINT:
		return trib_value_uint(args[0].unsigned_integer > 0);
	case TRIB_VALUE_INT:
		return trib_value_int((args[0].integer > 0) - (args[0].integer < 0));
	case TRIB_VALUE_DOUBLE:
		return trib_value_double(args[0].number > 0   ? 1
					 : args[0].number < 0 ? -1
							      : args[0].number);
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

FUNCTION_BODY(math_sqrt)
{
	switch (args[0].kind) {
	case TRIB_VALUE_UINT:
		return trib_value_double(sqrt((double)args[0].unsigned_integer));
	case TRIB_VALUE_INT:
		return trib_value_double(sqrt((double)args[0].integer));
	case TRIB_VALUE_DOUBLE:
		return trib_value_double(sqrt(args[0].number));
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

/* Two ints or two uints; the result is of their kind. */
#define OF_BITS(name, operator)                                                                    \
	FUNCTION_BODY(name)                                                                        \
	{                                                                                          \
		struct trib_value result = args[0];                                                \
                                                                                                   \
		if (args[0].kind != args[1].kind ||                                                \
		    (args[0].kind != TRIB_VALUE_INT && args[0].kind != TRIB_VALUE_UINT))           \
			return function_fail(FAULT_NO_OVERLOAD);                                   \
		result.unsigned_integer =                                                          \
			args[0].unsigned_integer operator args[1].unsigned_integer;                \
		return result;                                                                     \
	}

OF_BITS(math_bit_and, &)
OF_BITS(math_bit_or, |)
OF_BITS(math_bit_xor, ^)

FUNCTION_BODY(math_bit_not)
{
	struct trib_value result = args[0];

	if (args[0].kind != TRIB_VALUE_INT && args[0].kind != TRIB_VALUE_UINT)
		return function_fail(FAULT_NO_OVERLOAD);
	result.unsigned_integer = ~args[0].unsigned_integer;
	return result;
}

static bool shift_fits(const struct trib_value *args)
{
	return (args[0].kind == TRIB_VALUE_INT || args[0].kind == TRIB_VALUE_UINT) &&
	       args[1].kind == TRIB_VALUE_INT;
}

FUNCTION_BODY(math_bit_shift_left)
{
	struct trib_value result = args[0];

	if (!shift_fits(args))
		return function_fail(FAULT_NO_OVERLOAD);
	if (args[1].integer < 0)
		return function_fail(FAULT_NEGATIVE_SHIFT);
	result.unsigned_integer =
		args[1].integer > 63 ? 0 : args[0].unsigned_integer << args[1].integer;
	return result;
}

/* The bits move, the sign of an int is not kept: -1024 by 3 is a large positive number, as the conformance tests demand. */
FUNCTION_BODY(math_bit_shift_right)
{
	struct trib_value result = args[0];

	if (!shift_fits(args))
		return function_fail(FAULT_NO_OVERLOAD);
	if (args[1].integer < 0)
		return function_fail(FAULT_NEGATIVE_SHIFT);
	result.unsigned_integer =
		args[1].integer > 63 ? 0 : args[0].unsigned_integer >> args[1].integer;
	return result;
}
