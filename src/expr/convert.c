/* Conversions between types, size() and type(). */
#include <math.h>
#include "expr/time.h"
#include "expr/unicode.h"

FUNCTION_BODY(convert_size)
{
	switch (args[0].kind) {
	case TRIB_VALUE_STRING:
		if (!function_spend(context, args[0].size / 64))
			return function_fail(FAULT_COST);
		return trib_value_int((int64_t)unicode_count(trib_value_text(&args[0])));
	case TRIB_VALUE_BYTES:
		return trib_value_int(args[0].size);
	case TRIB_VALUE_LIST:
		return trib_value_int(args[0].list->count);
	case TRIB_VALUE_MAP:
		return trib_value_int(args[0].map->count);
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

FUNCTION_BODY(convert_type)
{
	return (struct trib_value){ .kind = TRIB_VALUE_TYPE, .code = args[0].kind };
}

FUNCTION_BODY(convert_dyn)
{
	return args[0];
}

FUNCTION_BODY(convert_int)
{
	int64_t value;

	switch (args[0].kind) {
	case TRIB_VALUE_INT:
		return args[0];
	case TRIB_VALUE_UINT:
		return args[0].unsigned_integer > INT64_MAX
			       ? function_fail(FAULT_RANGE)
			       : trib_value_int((int64_t)args[0].unsigned_integer);
	case TRIB_VALUE_DOUBLE:
		/* Both ends are refused: a double there may have been rounded from outside. */
		return args[0].number > -0x1p63 && args[0].number < 0x1p63
			       ? trib_value_int((int64_t)args[0].number)
			       : function_fail(FAULT_RANGE);
	case TRIB_VALUE_STRING: {
		struct trib_bytes text = trib_value_text(&args[0]);

		if (text.size > 1 && text.data[0] == '+' && text.data[1] != '-')
			text = trib_bytes(text.data + 1, text.size - 1);
		return trib_bytes_to_i64(text, &value) ? trib_value_int(value)
						       : function_fail(FAULT_BAD_NUMBER);
	}
	case TRIB_VALUE_TIMESTAMP:
		return trib_value_int(args[0].integer);
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

FUNCTION_BODY(convert_uint)
{
	uint64_t value;

	switch (args[0].kind) {
	case TRIB_VALUE_UINT:
		return args[0];
	case TRIB_VALUE_INT:
		return args[0].integer < 0 ? function_fail(FAULT_RANGE)
					   : trib_value_uint((uint64_t)args[0].integer);
	case TRIB_VALUE_DOUBLE:
		return args[0].number >= 0 && args[0].number < 0x1p64
			       ? trib_value_uint((uint64_t)args[0].number)
			       : function_fail(FAULT_RANGE);
	case TRIB_VALUE_STRING:
		return trib_bytes_to_u64(trib_value_text(&args[0]), &value)
			       ? trib_value_uint(value)
			       : function_fail(FAULT_BAD_NUMBER);
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

FUNCTION_BODY(convert_double)
{
	double value;

	switch (args[0].kind) {
	case TRIB_VALUE_DOUBLE:
		return args[0];
	case TRIB_VALUE_INT:
		return trib_value_double((double)args[0].integer);
	case TRIB_VALUE_UINT:
		return trib_value_double((double)args[0].unsigned_integer);
	case TRIB_VALUE_STRING:
		return trib_double_parse(trib_value_text(&args[0]), &value)
			       ? trib_value_double(value)
			       : function_fail(FAULT_BAD_NUMBER);
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

FUNCTION_BODY(convert_bool)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = { { "1", true },	  { "t", true },     { "true", true }, { "TRUE", true },
		      { "True", true },	  { "0", false },    { "f", false },   { "false", false },
		      { "FALSE", false }, { "False", false } };

	if (args[0].kind == TRIB_VALUE_BOOL)
		return args[0];
	if (args[0].kind != TRIB_VALUE_STRING)
		return function_fail(FAULT_NO_OVERLOAD);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(words); i++)
		if (trib_bytes_is(trib_value_text(&args[0]), words[i].text))
			return trib_value_bool(words[i].value);
	return function_fail(FAULT_BAD_BOOL);
}

static struct trib_value copy_text(struct function_context *context, const char *text, size_t size)
{
	char *copy = trib_arena_copy(context->arena, trib_bytes(text, size));

	return copy ? trib_value_string(trib_bytes(copy, size)) : function_fail(FAULT_MEMORY);
}

FUNCTION_BODY(convert_string)
{
	char text[64];

	switch (args[0].kind) {
	case TRIB_VALUE_STRING:
		return args[0];
	case TRIB_VALUE_BOOL:
		return trib_value_string(trib_bytes_text(args[0].boolean ? "true" : "false"));
	case TRIB_VALUE_INT:
		return copy_text(context, text, trib_format_i64(text, args[0].integer));
	case TRIB_VALUE_UINT:
		return copy_text(context, text, trib_format_u64(text, args[0].unsigned_integer));
	case TRIB_VALUE_DOUBLE:
		return copy_text(context, text, trib_double_format(args[0].number, text));
	case TRIB_VALUE_TIMESTAMP:
		return copy_text(context, text, time_format_timestamp(&args[0], text));
	case TRIB_VALUE_DURATION:
		return copy_text(context, text, time_format_duration(&args[0], text));
	case TRIB_VALUE_BYTES:
		if (!function_spend(context, args[0].size / 64))
			return function_fail(FAULT_COST);
		return trib_utf8_valid(trib_value_text(&args[0]))
			       ? trib_value_string(trib_value_text(&args[0]))
			       : function_fail(FAULT_BAD_UTF8);
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

FUNCTION_BODY(convert_bytes)
{
	if (args[0].kind == TRIB_VALUE_STRING)
		return trib_value_bytes(trib_value_text(&args[0]));
	return args[0].kind == TRIB_VALUE_BYTES ? args[0] : function_fail(FAULT_NO_OVERLOAD);
}

FUNCTION_BODY(convert_timestamp)
{
	switch (args[0].kind) {
	case TRIB_VALUE_TIMESTAMP:
		return args[0];
	case TRIB_VALUE_INT:
		return time_from_seconds(args[0].integer);
	case TRIB_VALUE_STRING:
		return time_parse_timestamp(trib_value_text(&args[0]));
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

FUNCTION_BODY(convert_duration)
{
	if (args[0].kind == TRIB_VALUE_STRING)
		return time_parse_duration(trib_value_text(&args[0]));
	return args[0].kind == TRIB_VALUE_DURATION ? args[0] : function_fail(FAULT_NO_OVERLOAD);
}
