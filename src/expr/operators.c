/* Comparison, arithmetic, `in` and indexing. */
#include <math.h>
#include "expr/function.h"
#include "expr/time.h"

static struct trib_value no_overload(void)
{
	return function_fail(FAULT_NO_OVERLOAD);
}

/* Whether comparing these may go deep, so that its steps must be counted. */
static bool is_large(const struct trib_value *value)
{
	return value->kind == TRIB_VALUE_LIST || value->kind == TRIB_VALUE_MAP ||
	       ((value->kind == TRIB_VALUE_STRING || value->kind == TRIB_VALUE_BYTES) &&
		value->size > 256);
}

static bool spend_on_comparison(struct function_context *context, const struct trib_value *a,
				const struct trib_value *b)
{
	if (!is_large(a) || a->kind != b->kind || context->budget < 0)
		return true;
	return function_spend(context, trib_value_weight(a, (uint64_t)context->budget + 1));
}

FUNCTION_BODY(operator_not)
{
	return args[0].kind == TRIB_VALUE_BOOL ? trib_value_bool(!args[0].boolean) : no_overload();
}

FUNCTION_BODY(operator_equal)
{
	if (!spend_on_comparison(context, &args[0], &args[1]))
		return function_fail(FAULT_COST);
	return trib_value_bool(trib_value_equal(&args[0], &args[1]));
}

FUNCTION_BODY(operator_not_equal)
{
	if (!spend_on_comparison(context, &args[0], &args[1]))
		return function_fail(FAULT_COST);
	return trib_value_bool(!trib_value_equal(&args[0], &args[1]));
}

FUNCTION_BODY(operator_less)
{
	int order = trib_value_order(&args[0], &args[1]);

	return order == 3 ? no_overload() : trib_value_bool(order == -1);
}

FUNCTION_BODY(operator_less_equal)
{
	int order = trib_value_order(&args[0], &args[1]);

	return order == 3 ? no_overload() : trib_value_bool(order == -1 || order == 0);
}

FUNCTION_BODY(operator_greater)
{
	int order = trib_value_order(&args[0], &args[1]);

	return order == 3 ? no_overload() : trib_value_bool(order == 1);
}

FUNCTION_BODY(operator_greater_equal)
{
	int order = trib_value_order(&args[0], &args[1]);

	return order == 3 ? no_overload() : trib_value_bool(order == 1 || order == 0);
}

FUNCTION_BODY(operator_in)
{
	if (args[1].kind == TRIB_VALUE_MAP)
		return trib_value_bool(trib_map_find(args[1].map, &args[0]) != NULL);
	if (args[1].kind != TRIB_VALUE_LIST)
		return no_overload();
	const struct trib_list *list = args[1].list;

	if (!function_spend(context, list->count / 8))
		return function_fail(FAULT_COST);
	for (uint32_t i = 0; i < list->count; i++) {
		if (!spend_on_comparison(context, &args[0], &list->items[i]))
			return function_fail(FAULT_COST);
		if (trib_value_equal(&args[0], &list->items[i]))
			return trib_value_bool(true);
	}
	return trib_value_bool(false);
}

/* ---- Arithmetic ----------------------------------------------------------------------------------- */

static struct trib_value concatenate_text(struct function_context *context,
					  const struct trib_value *a, const struct trib_value *b)
{
	size_t size = (size_t)a->size + b->size;

	if (size > UINT32_MAX)
		return function_fail(FAULT_MEMORY);
	if (!function_spend(context, size / 64))
		return function_fail(FAULT_COST);
	char *text = trib_arena_alloc(context->arena, size);

	if (!text)
		return function_fail(FAULT_MEMORY);
	if (a->size)
		memcpy(text, a->text, a->size);
	if (b->size)
		memcpy(text + a->size, b->text, b->size);
	return (struct trib_value){ .kind = a->kind, .size = (uint32_t)size, .text = text };
}

static struct trib_value concatenate_lists(struct function_context *context,
					   const struct trib_list *a, const struct trib_list *b)
{
	size_t count = (size_t)a->count + b->count;
	struct trib_value list;

	if (count > UINT32_MAX)
		return function_fail(FAULT_MEMORY);
	if (!function_spend(context, count / 16))
		return function_fail(FAULT_COST);
	struct trib_value *items = trib_arena_alloc(context->arena, count * sizeof(*items));
	struct trib_list *head = trib_arena_alloc(context->arena, sizeof(*head));

	if (!items || !head)
		return function_fail(FAULT_MEMORY);
	if (a->count)
		memcpy(items, a->items, a->count * sizeof(*items));
	if (b->count)
		memcpy(items + a->count, b->items, b->count * sizeof(*items));
	*head = (struct trib_list){ .count = (uint32_t)count,
				    .depth = TRIB_MAX(a->depth, b->depth),
				    .items = items };
	list = (struct trib_value){ .kind = TRIB_VALUE_LIST, .list = head };
	return list;
}

FUNCTION_BODY(operator_add)
{
	const struct trib_value *a = &args[0], *b = &args[1];
	int64_t sum;
	uint64_t unsigned_sum;

	if (a->kind != b->kind)
		return time_add(a, b);
	switch (a->kind) {
	case TRIB_VALUE_INT:
		return __builtin_add_overflow(a->integer, b->integer, &sum)
			       ? function_fail(FAULT_OVERFLOW)
			       : trib_value_int(sum);
	case TRIB_VALUE_UINT:
		return __builtin_add_overflow(a->unsigned_integer, b->unsigned_integer,
					      &unsigned_sum)
			       ? function_fail(FAULT_OVERFLOW)
			       : trib_value_uint(unsigned_sum);
	case TRIB_VALUE_DOUBLE:
		return trib_value_double(a->number + b->number);
	case TRIB_VALUE_STRING:
	case TRIB_VALUE_BYTES:
		return concatenate_text(context, a, b);
	case TRIB_VALUE_LIST:
		return concatenate_lists(context, a->list, b->list);
	default:
		return time_add(a, b);
	}
}

FUNCTION_BODY(operator_subtract)
{
	const struct trib_value *a = &args[0], *b = &args[1];
	int64_t difference;
	uint64_t unsigned_difference;

	if (a->kind != b->kind)
		return time_subtract(a, b);
	switch (a->kind) {
	case TRIB_VALUE_INT:
		return __builtin_sub_overflow(a->integer, b->integer, &difference)
			       ? function_fail(FAULT_OVERFLOW)
			       : trib_value_int(difference);
	case TRIB_VALUE_UINT:
		return __builtin_sub_overflow(a->unsigned_integer, b->unsigned_integer,
					      &unsigned_difference)
			       ? function_fail(FAULT_OVERFLOW)
			       : trib_value_uint(unsigned_difference);
	case TRIB_VALUE_DOUBLE:
		return trib_value_double(a->number - b->number);
	default:
		return time_subtract(a, b);
	}
}

FUNCTION_BODY(operator_multiply)
{
	const struct trib_value *a = &args[0], *b = &args[1];
	int64_t product;
	uint64_t unsigned_product;

	if (a->kind != b->kind)
		return no_overload();
	switch (a->kind) {
	case TRIB_VALUE_INT:
		return __builtin_mul_overflow(a->integer, b->integer, &product)
			       ? function_fail(FAULT_OVERFLOW)
			       : trib_value_int(product);
	case TRIB_VALUE_UINT:
		return __builtin_mul_overflow(a->unsigned_integer, b->unsigned_integer,
					      &unsigned_product)
			       ? function_fail(FAULT_OVERFLOW)
			       : trib_value_uint(unsigned_product);
	case TRIB_VALUE_DOUBLE:
		return trib_value_double(a->number * b->number);
	default:
		return no_overload();
	}
}

FUNCTION_BODY(operator_divide)
{
	const struct trib_value *a = &args[0], *b = &args[1];

	if (a->kind != b->kind)
		return no_overload();
	switch (a->kind) {
	case TRIB_VALUE_INT:
		if (b->integer == 0)
			return function_fail(FAULT_DIVIDE_BY_ZERO);
		if (a->integer == INT64_MIN && b->integer == -1)
			return function_fail(FAULT_OVERFLOW);
		return trib_value_int(a->integer / b->integer);
	case TRIB_VALUE_UINT:
		return b->unsigned_integer == 0
			       ? function_fail(FAULT_DIVIDE_BY_ZERO)
			       : trib_value_uint(a->unsigned_integer / b->unsigned_integer);
	case TRIB_VALUE_DOUBLE:
		return trib_value_double(a->number / b->number);
	default:
		return no_overload();
	}
}

FUNCTION_BODY(operator_modulo)
{
	const struct trib_value *a = &args[0], *b = &args[1];

	if (a->kind != b->kind)
		return no_overload();
	if (a->kind == TRIB_VALUE_INT) {
		if (b->integer == 0)
			return function_fail(FAULT_MODULUS_BY_ZERO);
		if (a->integer == INT64_MIN && b->integer == -1)
			return function_fail(FAULT_OVERFLOW);
		return trib_value_int(a->integer % b->integer);
	}
	if (a->kind != TRIB_VALUE_UINT)
		return no_overload();
	return b->unsigned_integer == 0
		       ? function_fail(FAULT_MODULUS_BY_ZERO)
		       : trib_value_uint(a->unsigned_integer % b->unsigned_integer);
}

FUNCTION_BODY(operator_negate)
{
	if (args[0].kind == TRIB_VALUE_INT)
		return args[0].integer == INT64_MIN ? function_fail(FAULT_OVERFLOW)
						    : trib_value_int(-args[0].integer);
	return args[0].kind == TRIB_VALUE_DOUBLE ? trib_value_double(-args[0].number)
						 : no_overload();
}

/* ---- Indexing ------------------------------------------------------------------------------------- */

static struct trib_value list_item(const struct trib_list *list, const struct trib_value *index)
{
	uint64_t place = index->unsigned_integer; /* a negative int becomes a large number */

	if (!trib_value_is_number(index))
		return no_overload();
	if (index->kind == TRIB_VALUE_DOUBLE) {
		if (!(index->number == trunc(index->number)))
			return function_fail(FAULT_BAD_INDEX);
		if (!(index->number >= 0 && index->number < (double)UINT32_MAX))
			return function_fail(FAULT_INDEX);
		place = (uint64_t)index->number;
	}
	return place < list->count ? list->items[place]
				   : function_fail_with(FAULT_INDEX, (int64_t)place);
}

FUNCTION_BODY(operator_index)
{
	if (args[0].kind == TRIB_VALUE_LIST)
		return list_item(args[0].list, &args[1]);
	if (args[0].kind != TRIB_VALUE_MAP)
		return no_overload();
	const struct trib_value *value = trib_map_find(args[0].map, &args[1]);

	return value ? *value : function_fail(FAULT_NO_KEY);
}
