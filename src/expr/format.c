/* "%s has %d".format([…]) of the string extension library. */
#include <math.h>
#include "expr/time.h"
#include "expr/unicode.h"

enum { PRECISION_MAX = 1000, PRECISION_DEFAULT = 6 };

/* The text so far; it doubles inside the arena. */
struct writer {
	struct function_context *context;
	char *data;
	size_t size, capacity;
	enum function_fault fault; /* the first one */
	bool failed;
};

static void fail(struct writer *writer, enum function_fault fault)
{
	if (!writer->failed)
		writer->fault = fault;
	writer->failed = true;
}

static void add(struct writer *writer, struct trib_bytes text)
{
	if (writer->failed || text.size == 0)
		return;
	if (writer->size + text.size > writer->capacity) {
		size_t capacity = TRIB_MAX(writer->size + text.size, 2 * writer->capacity + 64);

		if (!function_spend(writer->context, capacity / 64)) {
			fail(writer, FAULT_COST);
			return;
		}
		char *data = capacity > UINT32_MAX
				     ? NULL
				     : trib_arena_alloc(writer->context->arena, capacity);

		if (!data) {
			fail(writer, FAULT_MEMORY);
			return;
		}
		if (writer->size)
			memcpy(data, writer->data, writer->size);
		writer->data = data;
		writer->capacity = capacity;
	}
	memcpy(writer->data + writer->size, text.data, text.size);
	writer->size += text.size;
}

static void add_text(struct writer *writer, const char *text)
{
	add(writer, trib_bytes_text(text));
}

static bool add_special_double(struct writer *writer, double number)
{
	if (isfinite(number))
		return false;
	add_text(writer, isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
	return true;
}

/* ---- %s ------------------------------------------------------------------------------------------- */

static void add_string(struct writer *writer, const struct trib_value *value);

/* Bytes that are no UTF-8 are shown as U+FFFD, one for each. */
static void add_bytes(struct writer *writer, struct trib_bytes bytes)
{
	for (size_t i = 0; i < bytes.size && !writer->failed;) {
		uint32_t size = unicode_size(bytes.data[i]);

		if (i + size <= bytes.size && trib_utf8_valid(trib_bytes(bytes.data + i, size))) {
			add(writer, trib_bytes(bytes.data + i, size));
			i += size;
		} else {
			add_text(writer, "\xef\xbf\xbd");
			i++;
		}
	}
}

static void add_list(struct writer *writer, const struct trib_list *list)
{
	add_text(writer, "[");
	for (uint32_t i = 0; i < list->count && !writer->failed; i++) {
		add_text(writer, i ? ", " : "");
		add_string(writer, &list->items[i]);
	}
	add_text(writer, "]");
}

struct entry {
	struct trib_bytes key; /* as it is shown */
	const struct trib_value *value;
};

static int compare_entries(const void *a, const void *b)
{
	return trib_bytes_compare(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

/* Maps are shown in the order of their keys' text. */
static void add_map(struct writer *writer, const struct trib_map *map)
{
	struct entry *entries =
		trib_arena_alloc(writer->context->arena, (map->count + 1) * sizeof(*entries));

	if (!entries || !function_spend(writer->context, 8 * (uint64_t)map->count)) {
		fail(writer, entries ? FAULT_COST : FAULT_MEMORY);
		return;
	}
	for (uint32_t i = 0; i < map->count; i++) {
		struct trib_value key = convert_string(writer->context, &map->keys[i], 1);

		if (key.kind != TRIB_VALUE_STRING) {
			fail(writer, FAULT_MEMORY);
			return;
		}
		entries[i] = (struct entry){ trib_value_text(&key), &map->values[i] };
	}
	qsort(entries, map->count, sizeof(*entries), compare_entries);
	add_text(writer, "{");
	for (uint32_t i = 0; i < map->count && !writer->failed; i++) {
		add_text(writer, i ? ", " : "");
		add(writer, entries[i].key);
		add_text(writer, ": ");
		add_string(writer, entries[i].value);
	}
	add_text(writer, "}");
}

static void add_string(struct writer *writer, const struct trib_value *value)
{
	char text[400];

	if (!function_spend(writer->context, 1)) {
		fail(writer, FAULT_COST);
		return;
	}
	switch (value->kind) {
	case TRIB_VALUE_NULL:
		add_text(writer, "null");
		break;
	case TRIB_VALUE_BOOL:
		add_text(writer, value->boolean ? "true" : "false");
		break;
	case TRIB_VALUE_INT:
		add(writer, trib_bytes(text, trib_format_i64(text, value->integer)));
		break;
	case TRIB_VALUE_UINT:
		add(writer, trib_bytes(text, trib_format_u64(text, value->unsigned_integer)));
		break;
	case TRIB_VALUE_DOUBLE:
		if (!add_special_double(writer, value->number))
			add(writer,
			    trib_bytes(text, trib_double_format_plain(value->number, text)));
		break;
	case TRIB_VALUE_STRING:
		add(writer, trib_value_text(value));
		break;
	case TRIB_VALUE_BYTES:
		add_bytes(writer, trib_value_text(value));
		break;
	case TRIB_VALUE_TIMESTAMP:
		add(writer, trib_bytes(text, time_format_timestamp(value, text)));
		break;
	case TRIB_VALUE_DURATION:
		add(writer, trib_bytes(text, time_format_duration(value, text)));
		break;
	case TRIB_VALUE_LIST:
		add_list(writer, value->list);
		break;
	case TRIB_VALUE_MAP:
		add_map(writer, value->map);
		break;
	case TRIB_VALUE_TYPE:
		add_text(writer, trib_value_kind_name(value->code));
		break;
	default:
		fail(writer, FAULT_FORMAT_TYPE);
	}
}

/* ---- The other clauses ---------------------------------------------------------------------------- */

static void add_decimal(struct writer *writer, const struct trib_value *value)
{
	if (value->kind == TRIB_VALUE_INT || value->kind == TRIB_VALUE_UINT)
		add_string(writer, value);
	else if (value->kind != TRIB_VALUE_DOUBLE || !add_special_double(writer, value->number))
		fail(writer, FAULT_FORMAT_TYPE);
}

/* %f and %e; half goes to even, as the digits of the double itself say. */
static void add_double(struct writer *writer, const struct trib_value *value, char clause,
		       int precision)
{
	char text[PRECISION_MAX + 400];

	if (!trib_value_is_number(value)) {
		fail(writer, FAULT_FORMAT_TYPE);
		return;
	}
	double number = value->kind == TRIB_VALUE_INT	 ? (double)value->integer
			: value->kind == TRIB_VALUE_UINT ? (double)value->unsigned_integer
							 : value->number;

	if (add_special_double(writer, number))
		return;
	int size = snprintf(text, sizeof(text), clause == 'f' ? "%.*f" : "%.*e", precision, number);

	add(writer, trib_bytes(text, (size_t)size));
}

/* The digits of an integer in base 2, 8 or 16, with its sign before them. */
static void add_integer(struct writer *writer, const struct trib_value *value, int bits,
			const char *digits)
{
	char text[66], *next = text + sizeof(text);
	bool negative = value->kind == TRIB_VALUE_INT && value->integer < 0;
	uint64_t number = negative ? -value->unsigned_integer : value->unsigned_integer;

	if (value->kind == TRIB_VALUE_BOOL)
		number = value->boolean;
	do {
		*--next = digits[number & ((1u << bits) - 1)];
		number >>= bits;
	} while (number);
	if (negative)
		*--next = '-';
	add(writer, trib_bytes(next, (size_t)(text + sizeof(text) - next)));
}

static void add_hex(struct writer *writer, const struct trib_value *value, const char *digits)
{
	if (value->kind == TRIB_VALUE_INT || value->kind == TRIB_VALUE_UINT) {
		add_integer(writer, value, 4, digits);
		return;
	}
	if (value->kind != TRIB_VALUE_STRING && value->kind != TRIB_VALUE_BYTES) {
		fail(writer, FAULT_FORMAT_TYPE);
		return;
	}
	for (uint32_t i = 0; i < value->size && !writer->failed; i++) {
		unsigned char byte = (unsigned char)value->text[i];
		char pair[2] = { digits[byte >> 4], digits[byte & 15] };

		add(writer, trib_bytes(pair, 2));
	}
}

static void add_clause(struct writer *writer, char clause, int precision,
		       const struct trib_value *value)
{
	bool integer = value->kind == TRIB_VALUE_INT || value->kind == TRIB_VALUE_UINT;

	switch (clause) {
	case 's':
		add_string(writer, value);
		break;
	case 'd':
		add_decimal(writer, value);
		break;
	case 'f':
	case 'e':
		add_double(writer, value, clause, precision);
		break;
	case 'b':
		if (integer || value->kind == TRIB_VALUE_BOOL)
			add_integer(writer, value, 1, "01");
		else
			fail(writer, FAULT_FORMAT_TYPE);
		break;
	case 'o':
		if (integer)
			add_integer(writer, value, 3, "01234567");
		else
			fail(writer, FAULT_FORMAT_TYPE);
		break;
	case 'x':
		add_hex(writer, value, "0123456789abcdef");
		break;
	default:
		add_hex(writer, value, "0123456789ABCDEF");
	}
}

/* What follows a '%': ".3f"; false where it is no clause. */
static bool read_clause(struct trib_bytes text, size_t *place, char *ret_clause, int *ret_precision)
{
	int precision = PRECISION_DEFAULT;

	if (*place < text.size && text.data[*place] == '.') {
		size_t first = ++*place;

		for (precision = 0;
		     *place < text.size && text.data[*place] >= '0' && text.data[*place] <= '9';
		     ++*place) {
			precision = precision * 10 + (text.data[*place] - '0');
			if (precision > PRECISION_MAX)
				return false;
		}
		if (*place == first)
			return false;
	}
	if (*place >= text.size || !memchr("sdfeboxX", text.data[*place], 8))
		return false;
	*ret_clause = text.data[(*place)++];
	*ret_precision = precision;
	return true;
}

FUNCTION_BODY(text_format)
{
	if (args[0].kind != TRIB_VALUE_STRING || args[1].kind != TRIB_VALUE_LIST)
		return function_fail(FAULT_NO_OVERLOAD);
	struct writer writer = { .context = context };
	struct trib_bytes text = trib_value_text(&args[0]);
	const struct trib_list *list = args[1].list;
	uint32_t used = 0;

	for (size_t place = 0; place < text.size && !writer.failed;) {
		const char *percent = memchr(text.data + place, '%', text.size - place);
		size_t end = percent ? (size_t)(percent - text.data) : text.size;
		char clause;
		int precision;

		add(&writer, trib_bytes(text.data + place, end - place));
		place = end + 1;
		if (!percent)
			break;
		if (place < text.size && text.data[place] == '%') {
			add_text(&writer, "%");
			place++;
		} else if (!read_clause(text, &place, &clause, &precision)) {
			fail(&writer, FAULT_BAD_FORMAT);
		} else if (used >= list->count) {
			fail(&writer, FAULT_FORMAT_INDEX);
		} else {
			add_clause(&writer, clause, precision, &list->items[used++]);
		}
	}
	return writer.failed ? function_fail(writer.fault)
			     : trib_value_string(trib_bytes(writer.data, writer.size));
}
