#include <inttypes.h>
#include "cli/eval_json.h"

enum { BIG_DIGITS = 19 }; /* 2^63 - 1 has that many */

/* ---- Loading -------------------------------------------------------------------------------------- */

/* What a walk over the text without parsing it needs to know. */
struct scan {
	struct trib_bytes text;
	size_t next;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Past a string that begins at next. */
static void skip_string(struct scan *scan)
{
	scan->next++;
	while (scan->next < scan->text.size && scan->text.data[scan->next] != '"')
		scan->next += scan->text.data[scan->next] == '\\' ? 2 : 1;
	scan->next = TRIB_MIN(scan->next + 1, scan->text.size);
}

/* Past a number that begins at next; true if it is an integer that may not fit. */
static bool skip_number(struct scan *scan)
{
	size_t digits = 0;
	bool whole = true;

	for (scan->next += scan->text.data[scan->next] == '-'; scan->next < scan->text.size;
	     scan->next++) {
		char c = scan->text.data[scan->next];

		digits += is_digit(c);
		if (!is_digit(c) && !(c && strchr(".eE+-", c)))
			break;
		whole = whole && is_digit(c);
	}
	return whole && digits >= BIG_DIGITS;
}

static uint32_t nesting(struct trib_bytes text)
{
	struct scan scan = { .text = text };
	uint32_t depth = 0, deepest = 0;

	while (scan.next < text.size) {
		char c = text.data[scan.next];

		if (c == '"') {
			skip_string(&scan);
			continue;
		}
		if (c == '[' || c == '{')
			deepest = TRIB_MAX(deepest, ++depth);
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
		scan.next++;
	}
	return deepest;
}

/* The text with large integers in quotes. */
static void quote_large(struct trib_bytes text, struct trib_buffer *buffer)
{
	struct scan scan = { .text = text };

	while (scan.next < text.size) {
		char c = text.data[scan.next];
		size_t from = scan.next;
		bool large = false;

		if (c == '"')
			skip_string(&scan);
		else if (is_digit(c) || c == '-')
			large = skip_number(&scan);
		else
			scan.next++;
		trib_buffer_add_text(buffer, large ? "\"" : "");
		trib_buffer_add(buffer, text.data + from, scan.next - from);
		trib_buffer_add_text(buffer, large ? "\"" : "");
	}
}

trib_status eval_json_load(struct trib_bytes text, json_t **ret_json, bool *ret_quoted,
			   struct trib_error *error)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
	json_error_t why;

	if (nesting(text) > TRIB_LIMIT_JSON_DEPTH)
		return trib_fail(error, TRIB_LIMIT, "", "found JSON nested deeper than %d levels",
				 TRIB_LIMIT_JSON_DEPTH);
	json_t *json = json_loadb(text.data, text.size, flags, &why);
	bool quoted = !json && json_error_code(&why) == json_error_numeric_overflow;

	if (quoted) {
		struct trib_buffer buffer;

		trib_buffer_init(&buffer, 2 * text.size + 2);
		quote_large(text, &buffer);
		json = json_loadb(buffer.data, buffer.size, flags, &why);
		trib_buffer_fini(&buffer);
	}
	if (!json)
		return trib_fail(error, TRIB_SYNTAX, "", "broken JSON at column %d: %s", why.column,
				 why.text);
	*ret_json = json;
	*ret_quoted = quoted;
	return TRIB_OK;
}

/* ---- Values --------------------------------------------------------------------------------------- */

static struct trib_bytes string_of(const json_t *json)
{
	return trib_bytes(json_string_value(json), json_string_length(json));
}

static trib_status refuse(const struct eval_reader *reader, const char *at, const json_t *json,
			  const char *expected)
{
	char *found = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
	trib_status status = trib_fail(reader->error, TRIB_INVALID, at, "found %.100s, expected %s",
				       found ? found : "?", expected);

	free(found);
	return status;
}

static trib_status no_memory(const struct eval_reader *reader, const char *at)
{
	return trib_fail(reader->error, TRIB_NO_MEMORY, at,
			 "the values need more memory than one evaluation may have");
}

static trib_status made(const struct eval_reader *reader, const char *at, trib_status status)
{
	switch (status) {
	case TRIB_OK:
		return TRIB_OK;
	case TRIB_INVALID:
		return trib_fail(reader->error, TRIB_INVALID, at,
				 "found a map with a key twice, or one that is no bool, int, uint "
				 "or string");
	case TRIB_LIMIT:
		return trib_fail(reader->error, TRIB_LIMIT, at, "found a value nested too deep");
	default:
		return no_memory(reader, at);
	}
}

static trib_status read_list(const struct eval_reader *reader, const char *at, json_t *json,
			     struct trib_value *ret_value)
{
	size_t count = json_array_size(json);
	struct trib_value *items = trib_arena_alloc(reader->arena, count * sizeof(*items));

	if (!items)
		return no_memory(reader, at);
	for (size_t i = 0; i < count; i++) {
		trib_status status =
			eval_json_value(reader, at, json_array_get(json, i), &items[i]);

		if (status != TRIB_OK)
			return status;
	}
	return made(reader, at, trib_value_list(reader->arena, items, (uint32_t)count, ret_value));
}

/* An object of plain JSON. */
static trib_status read_object(const struct eval_reader *reader, const char *at, json_t *json,
			       struct trib_value *ret_value)
{
	size_t count = json_object_size(json), i = 0;
	struct trib_value *keys = trib_arena_alloc(reader->arena, 2 * count * sizeof(*keys));
	const char *name;
	json_t *item;

	if (!keys)
		return no_memory(reader, at);
	json_object_foreach(json, name, item)
	{
		keys[i] = trib_value_string(trib_bytes_text(name));
		trib_status status = eval_json_value(reader, at, item, &keys[count + i]);

		if (status != TRIB_OK)
			return status;
		i++;
	}
	return made(reader, at,
		    trib_value_map(reader->arena, keys, keys + count, (uint32_t)count, ret_value));
}

/* [[key, value] …] */
static trib_status read_pairs(const struct eval_reader *reader, const char *at, json_t *json,
			      struct trib_value *ret_value)
{
	size_t count = json_array_size(json);
	struct trib_value *keys = trib_arena_alloc(reader->arena, 2 * count * sizeof(*keys));

	if (!keys)
		return no_memory(reader, at);
	for (size_t i = 0; i < count; i++) {
		json_t *pair = json_array_get(json, i);

		if (!json_is_array(pair) || json_array_size(pair) != 2)
			return refuse(reader, at, pair, "a pair [key, value]");
		trib_status status = eval_json_value(reader, at, json_array_get(pair, 0), &keys[i]);

		if (status == TRIB_OK)
			status = eval_json_value(reader, at, json_array_get(pair, 1),
						 &keys[count + i]);
		if (status != TRIB_OK)
			return status;
	}
	return made(reader, at,
		    trib_value_map(reader->arena, keys, keys + count, (uint32_t)count, ret_value));
}

static int base64_digit(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : is_digit(c)	      ? c - '0' + 52
	       : c == '+'	      ? 62
	       : c == '/'	      ? 63
				      : -1;
}

/* Standard base64 with its padding. */
static bool decode_base64(const struct eval_reader *reader, struct trib_bytes text,
			  struct trib_value *ret_value)
{
	char *data = trib_arena_alloc(reader->arena, text.size);
	size_t size = 0, padding = 0;

	if (!data || text.size % 4 != 0)
		return false;
	while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
		padding++;
	for (size_t i = 0; i < text.size; i += 4) {
		uint32_t bits = 0;

		for (size_t j = i; j < i + 4; j++) {
			int digit = j < text.size - padding ? base64_digit(text.data[j]) : 0;

			if (digit < 0)
				return false;
			bits = bits << 6 | (uint32_t)digit;
		}
		for (int shift = 16; shift >= 0; shift -= 8)
			data[size++] = (char)(bits >> shift & 255);
	}
	*ret_value = trib_value_bytes(trib_bytes(data, size - padding));
	return true;
}

static bool read_int(const json_t *json, struct trib_value *ret_value)
{
	int64_t value = json_integer_value(json);

	if (!json_is_integer(json) &&
	    !(json_is_string(json) && trib_bytes_to_i64(string_of(json), &value)))
		return false;
	*ret_value = trib_value_int(value);
	return true;
}

static bool read_uint(const json_t *json, struct trib_value *ret_value)
{
	uint64_t value = (uint64_t)json_integer_value(json);

	if (!(json_is_integer(json) && json_integer_value(json) >= 0) &&
	    !(json_is_string(json) && trib_bytes_to_u64(string_of(json), &value)))
		return false;
	*ret_value = trib_value_uint(value);
	return true;
}

static bool read_double(const json_t *json, struct trib_value *ret_value)
{
	if (json_is_number(json))
		*ret_value = trib_value_double(json_number_value(json));
	return json_is_number(json) ||
	       (json_is_string(json) && trib_value_parse_double(string_of(json), ret_value));
}

/* {"int": 5} and its like, all but lists and maps. */
static trib_status read_scalar(const struct eval_reader *reader, const char *at,
			       enum trib_value_kind kind, json_t *json,
			       struct trib_value *ret_value)
{
	bool string = json_is_string(json);

	switch (kind) {
	case TRIB_VALUE_NULL:
		*ret_value = trib_value_null();
		return json_is_null(json) ? TRIB_OK : refuse(reader, at, json, "null");
	case TRIB_VALUE_BOOL:
		*ret_value = trib_value_bool(json_is_true(json));
		return json_is_boolean(json) ? TRIB_OK : refuse(reader, at, json, "true or false");
	case TRIB_VALUE_INT:
		return read_int(json, ret_value)
			       ? TRIB_OK
			       : refuse(reader, at, json, "an integer from -2^63 to 2^63 - 1");
	case TRIB_VALUE_UINT:
		return read_uint(json, ret_value)
			       ? TRIB_OK
			       : refuse(reader, at, json, "an integer from 0 to 2^64 - 1");
	case TRIB_VALUE_DOUBLE:
		return read_double(json, ret_value)
			       ? TRIB_OK
			       : refuse(reader, at, json, "a number, \"NaN\" or \"Infinity\"");
	case TRIB_VALUE_STRING:
		*ret_value = trib_value_string(string_of(json));
		return string ? TRIB_OK : refuse(reader, at, json, "a string");
	case TRIB_VALUE_BYTES:
		return string && decode_base64(reader, string_of(json), ret_value)
			       ? TRIB_OK
			       : refuse(reader, at, json, "standard base64");
	case TRIB_VALUE_TIMESTAMP:
		return string && trib_value_parse_timestamp(string_of(json), ret_value)
			       ? TRIB_OK
			       : refuse(reader, at, json,
					"a time such as \"2026-11-22T09:30:00Z\"");
	case TRIB_VALUE_DURATION:
		return string && trib_value_parse_duration(string_of(json), ret_value)
			       ? TRIB_OK
			       : refuse(reader, at, json, "a duration such as \"1.5s\"");
	default:
		return string && trib_value_parse_type(string_of(json), ret_value)
			       ? TRIB_OK
			       : refuse(reader, at, json, "the name of a type");
	}
}

/* The kind that the only name of a typed value stands for; ERROR: it is none. */
static enum trib_value_kind typed_kind(json_t *json)
{
	static const char *const names[] = { "null",	 "bool",   "int",   "uint",
					     "double",	 "string", "bytes", "timestamp",
					     "duration", "list",   "map",   "type" };
	const char *name =
		json_object_size(json) == 1 ? json_object_iter_key(json_object_iter(json)) : "";

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return (enum trib_value_kind)i;
	return TRIB_VALUE_ERROR;
}

static trib_status read_typed(const struct eval_reader *reader, const char *at,
			      enum trib_value_kind kind, json_t *json, struct trib_value *ret_value)
{
	json = json_object_iter_value(json_object_iter(json));
	if (kind != TRIB_VALUE_LIST && kind != TRIB_VALUE_MAP)
		return read_scalar(reader, at, kind, json, ret_value);
	if (!json_is_array(json))
		return refuse(reader, at, json, "an array");
	return kind == TRIB_VALUE_LIST ? read_list(reader, at, json, ret_value)
				       : read_pairs(reader, at, json, ret_value);
}

/* Whether a plain string may have been a number before it was quoted. */
static bool was_number(const struct eval_reader *reader, const json_t *json)
{
	struct trib_bytes text = string_of(json);
	size_t sign = text.size > 0 && text.data[0] == '-', i = sign;

	while (i < text.size && is_digit(text.data[i]))
		i++;
	return reader->quoted && i == text.size && i - sign >= BIG_DIGITS;
}

trib_status eval_json_value(const struct eval_reader *reader, const char *at, json_t *json,
			    struct trib_value *ret_value)
{
	enum trib_value_kind kind;

	switch (json_typeof(json)) {
	case JSON_NULL:
	case JSON_TRUE:
	case JSON_FALSE:
		return read_scalar(reader, at,
				   json_is_null(json) ? TRIB_VALUE_NULL : TRIB_VALUE_BOOL, json,
				   ret_value);
	case JSON_INTEGER:
		return read_scalar(reader, at, TRIB_VALUE_INT, json, ret_value);
	case JSON_REAL:
		return read_scalar(reader, at, TRIB_VALUE_DOUBLE, json, ret_value);
	case JSON_STRING:
		if (was_number(reader, json))
			return refuse(
				reader, at, json,
				"{\"int\":…}, {\"uint\":…} or {\"string\":…} for so many digits");
		return read_scalar(reader, at, TRIB_VALUE_STRING, json, ret_value);
	case JSON_ARRAY:
		return read_list(reader, at, json, ret_value);
	default:
		kind = reader->typed ? typed_kind(json) : TRIB_VALUE_ERROR;
		return kind == TRIB_VALUE_ERROR ? read_object(reader, at, json, ret_value)
						: read_typed(reader, at, kind, json, ret_value);
	}
}
