/* Values as typed JSON, and the values that JSON holds as text. */
#include <math.h>
#include "expr/time.h"

static void add_string(struct trib_bytes text, struct trib_buffer *buffer)
{
	static const char from[] = "\b\f\n\r\t\\\"", to[] = "bfnrt\\\"";

	trib_buffer_add_char(buffer, '"');
	for (size_t i = 0, done = 0; i <= text.size; i++) {
		char c = i < text.size ? text.data[i] : '\0';
		const char *escaped = c ? strchr(from, c) : NULL;

		/* What needs no escape is added in one go. */
		if (i < text.size && !escaped && (unsigned char)c >= 0x20 && c != 0x7f)
			continue;
		trib_buffer_add(buffer, text.data + done, i - done);
		done = i + 1;
		if (escaped)
			trib_buffer_add_format(buffer, "\\%c", to[escaped - from]);
		else if (i < text.size)
			trib_buffer_add_format(buffer, "\\u%04x", (unsigned char)c);
	}
	trib_buffer_add_char(buffer, '"');
}

static void add_base64(struct trib_bytes bytes, struct trib_buffer *buffer)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *data = (const unsigned char *)bytes.data;

	trib_buffer_add_char(buffer, '"');
	for (size_t i = 0; i < bytes.size; i += 3) {
		size_t rest = bytes.size - i;
		uint32_t bits = (uint32_t)data[i] << 16 |
				(rest > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
				(rest > 2 ? data[i + 2] : 0);
		char text[4] = { digits[bits >> 18], digits[bits >> 12 & 63],
				 rest > 1 ? digits[bits >> 6 & 63] : '=',
				 rest > 2 ? digits[bits & 63] : '=' };

		trib_buffer_add(buffer, text, 4);
	}
	trib_buffer_add_char(buffer, '"');
}

static void add_double(double number, struct trib_buffer *buffer)
{
	char text[40];

	if (!isfinite(number)) {
		trib_buffer_add_text(buffer, isnan(number) ? "\"NaN\""
					     : number > 0  ? "\"Infinity\""
							   : "\"-Infinity\"");
		return;
	}
	trib_double_format(number, text);
	trib_buffer_add_text(buffer, text);
	if (!strpbrk(text, ".e"))
		trib_buffer_add_text(buffer, ".0");
}

static void add_list(const struct trib_list *list, struct trib_buffer *buffer)
{
	trib_buffer_add_char(buffer, '[');
	for (uint32_t i = 0; i < list->count && !buffer->failed; i++) {
		trib_buffer_add_text(buffer, i ? "," : "");
		trib_value_write_json(&list->items[i], buffer);
	}
	trib_buffer_add_char(buffer, ']');
}

static void add_map(const struct trib_map *map, struct trib_buffer *buffer)
{
	trib_buffer_add_char(buffer, '[');
	for (uint32_t i = 0; i < map->count && !buffer->failed; i++) {
		trib_buffer_add_text(buffer, i ? ",[" : "[");
		trib_value_write_json(&map->keys[i], buffer);
		trib_buffer_add_char(buffer, ',');
		trib_value_write_json(&map->values[i], buffer);
		trib_buffer_add_char(buffer, ']');
	}
	trib_buffer_add_char(buffer, ']');
}

static void add_body(const struct trib_value *value, struct trib_buffer *buffer)
{
	char text[48];

	switch (value->kind) {
	case TRIB_VALUE_BOOL:
		trib_buffer_add_text(buffer, value->boolean ? "true" : "false");
		break;
	case TRIB_VALUE_INT:
		trib_buffer_add_i64(buffer, value->integer);
		break;
	case TRIB_VALUE_UINT:
		trib_buffer_add_u64(buffer, value->unsigned_integer);
		break;
	case TRIB_VALUE_DOUBLE:
		add_double(value->number, buffer);
		break;
	case TRIB_VALUE_STRING:
		add_string(trib_value_text(value), buffer);
		break;
	case TRIB_VALUE_BYTES:
		add_base64(trib_value_text(value), buffer);
		break;
	case TRIB_VALUE_TIMESTAMP:
		time_format_timestamp(value, text);
		trib_buffer_add_format(buffer, "\"%s\"", text);
		break;
	case TRIB_VALUE_DURATION:
		time_format_duration(value, text);
		trib_buffer_add_format(buffer, "\"%s\"", text);
		break;
	case TRIB_VALUE_LIST:
		add_list(value->list, buffer);
		break;
	case TRIB_VALUE_MAP:
		add_map(value->map, buffer);
		break;
	case TRIB_VALUE_TYPE:
		trib_buffer_add_format(buffer, "\"%s\"", trib_value_kind_name(value->code));
		break;
	default:
		trib_buffer_add_text(buffer, "null");
	}
}

void trib_value_write_json(const struct trib_value *value, struct trib_buffer *buffer)
{
	static const char *const names[] = {
		[TRIB_VALUE_NULL] = "null",	    [TRIB_VALUE_BOOL] = "bool",
		[TRIB_VALUE_INT] = "int",	    [TRIB_VALUE_UINT] = "uint",
		[TRIB_VALUE_DOUBLE] = "double",	    [TRIB_VALUE_STRING] = "string",
		[TRIB_VALUE_BYTES] = "bytes",	    [TRIB_VALUE_TIMESTAMP] = "timestamp",
		[TRIB_VALUE_DURATION] = "duration", [TRIB_VALUE_LIST] = "list",
		[TRIB_VALUE_MAP] = "map",	    [TRIB_VALUE_TYPE] = "type",
		[TRIB_VALUE_ERROR] = "error",
	};

	trib_buffer_add_format(buffer, "{\"%s\":", names[value->kind]);
	add_body(value, buffer);
	trib_buffer_add_char(buffer, '}');
}

static bool parsed(struct trib_value value, struct trib_value *ret_value)
{
	if (value.kind == TRIB_VALUE_ERROR)
		return false;
	*ret_value = value;
	return true;
}

bool trib_value_parse_timestamp(struct trib_bytes text, struct trib_value *ret_timestamp)
{
	return parsed(time_parse_timestamp(text), ret_timestamp);
}

bool trib_value_parse_duration(struct trib_bytes text, struct trib_value *ret_duration)
{
	return parsed(time_parse_duration(text), ret_duration);
}

bool trib_value_parse_double(struct trib_bytes text, struct trib_value *ret_double)
{
	double number;

	return trib_double_parse(text, &number) && parsed(trib_value_double(number), ret_double);
}

bool trib_value_parse_type(struct trib_bytes text, struct trib_value *ret_type)
{
	for (uint32_t kind = 0; kind < TRIB_VALUE_ERROR; kind++)
		if (trib_bytes_is(text, trib_value_kind_name((enum trib_value_kind)kind)))
			return parsed((struct trib_value){ .kind = TRIB_VALUE_TYPE, .code = kind },
				      ret_type);
	return false;
}
