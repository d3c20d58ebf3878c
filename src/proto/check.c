#include "proto/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include "base/clock.h"
#include "base/limits.h"
#include "proto/json.h"
#include "proto/proto.h"

enum { SHOWN_MAX = 48 }; /* bytes of a found value that a message repeats */

trib_status trib_check_failed(const struct trib_path *path, struct trib_error *error,
			      trib_status status, const char *format, ...)
{
	char at[TRIB_ERROR_AT_MAX], text[TRIB_ERROR_TEXT_MAX];
	va_list args;

	if (!error)
		return status;
	trib_path_format(path, at);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return trib_fail(error, status, at, "%s", text);
}

trib_status trib_check_string_failed(const struct trib_path *path, struct trib_error *error,
				     struct trib_bytes found, const char *expected)
{
	size_t shown = 0, step;

	while (shown < found.size && shown < SHOWN_MAX) {
		step = trib_utf8_step(trib_bytes(found.data + shown, found.size - shown));
		if (step == 0)
			break;
		shown += step;
	}
	return trib_check_failed(path, error, TRIB_INVALID, "found \"%.*s\"%s, expected %s",
				 (int)shown, found.data, shown < found.size ? "…" : "", expected);
}

static trib_status check_i64(const struct trib_field *field, int64_t value,
			     const struct trib_path *path, struct trib_error *error)
{
	if (field->bounded && (value < field->min || value > field->max))
		return trib_check_failed(path, error, TRIB_INVALID,
					 "found %" PRId64 ", expected an integer from %" PRId64
					 " to %" PRId64,
					 value, field->min, field->max);
	return TRIB_OK;
}

static bool is_one_of(const char *one_of, struct trib_bytes text)
{
	for (const char *row = one_of, *end; *row; row = *end ? end + 1 : end) {
		end = strchrnul(row, '|');
		if (trib_bytes_equal(trib_bytes(row, (size_t)(end - row)), text))
			return true;
	}
	return false;
}

static bool is_currency(struct trib_bytes text)
{
	if (text.size != 3)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (text.data[i] < 'A' || text.data[i] > 'Z')
			return false;
	return true;
}

static trib_status check_format(const struct trib_field *field, struct trib_bytes text,
				const struct trib_path *path, struct trib_error *error)
{
	int64_t duration_ms;

	switch (field->format) {
	case TRIB_FORMAT_ID:
		if (!trib_external_id_valid(text))
			return trib_check_string_failed(
				path, error, text,
				"an id: 1 to 64 bytes of UTF-8 without space, "
				"control character or /");
		return TRIB_OK;
	case TRIB_FORMAT_CURRENCY:
		if (!is_currency(text))
			return trib_check_string_failed(path, error, text,
							"a currency: three letters A to Z");
		return TRIB_OK;
	case TRIB_FORMAT_DURATION:
		if (trib_duration_parse(text, "", &duration_ms, NULL) != TRIB_OK)
			return trib_check_string_failed(
				path, error, text,
				"a duration: a whole number and d, h, m, s or ms");
		return TRIB_OK;
	default: /* CEL is judged by whoever compiles it, JSON is read before it comes here */
		return TRIB_OK;
	}
}

static trib_status check_string(const struct trib_field *field, struct trib_bytes text,
				const struct trib_path *path, struct trib_error *error)
{
	if (text.size > field->bytes_max && field->format != TRIB_FORMAT_ID)
		return trib_check_failed(path, error, TRIB_INVALID,
					 "found %zu bytes, expected at most %u", text.size,
					 field->bytes_max);
	if (field->one_of && !is_one_of(field->one_of, text)) {
		char expected[160];

		snprintf(expected, sizeof(expected), "one of %s", field->one_of);
		return trib_check_string_failed(path, error, text, expected);
	}
	trib_status status = check_format(field, text, path, error);

	if (status != TRIB_OK)
		return status;
	if (!trib_utf8_valid(text))
		return trib_check_string_failed(path, error, text, "UTF-8");
	return TRIB_OK;
}

static trib_status check_count(const struct trib_field *field, size_t count,
			       const struct trib_path *path, struct trib_error *error)
{
	if (count > field->items_max)
		return trib_check_failed(path, error, TRIB_INVALID,
					 "found %zu items, expected at most %u", count,
					 field->items_max);
	return TRIB_OK;
}

/* Of a list `required` says that answers always have it; one that is left out is empty. */
static trib_status check_required(const struct trib_message *message, const ProtobufCMessage *base,
				  const struct trib_path *path, struct trib_error *error)
{
	for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
		const struct trib_field *field = &message->fields[i];

		if (!field->required || field->descriptor->label == PROTOBUF_C_LABEL_REPEATED ||
		    trib_field_is_set(field, base))
			continue;
		struct trib_path member =
			trib_path_member(path, trib_bytes_text(field->descriptor->name));

		return trib_check_failed(
			&member, error, TRIB_INVALID, "found nothing, expected %s",
			field->descriptor->type == PROTOBUF_C_TYPE_STRING ? "a string" : "a value");
	}
	return TRIB_OK;
}

/* One value of a field, singular or an element, where it lies. */
static trib_status check_value(const struct trib_field *field, const void *value,
			       const struct trib_path *path, struct trib_error *error);

/* A map of strings: names are not empty, all together stay small. */
static trib_status check_map(const struct trib_field *field, ProtobufCMessage *const *entries,
			     size_t count, const struct trib_path *path, struct trib_error *error)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		const ProtobufCFieldDescriptor *parts = entries[i]->descriptor->fields;
		const char *key = *(char **)((char *)entries[i] + parts[0].offset);
		const char *value = *(char **)((char *)entries[i] + parts[1].offset);

		if (!key || !*key)
			return trib_check_failed(path, error, TRIB_INVALID,
						 "found an empty name, expected a name");
		bytes += strlen(key) + (value ? strlen(value) : 0);
	}
	if (bytes > field->bytes_max)
		return trib_check_failed(path, error, TRIB_INVALID,
					 "found %zu bytes, expected at most %u", bytes,
					 field->bytes_max);
	return TRIB_OK;
}

trib_status trib_check_message(const ProtobufCMessage *message, const struct trib_path *path,
			       struct trib_error *error)
{
	const struct trib_message *known = trib_registry_find(message->descriptor);
	trib_status status = check_required(known, message, path, error);

	for (unsigned i = 0; status == TRIB_OK && i < known->descriptor->n_fields; i++) {
		const struct trib_field *field = &known->fields[i];
		struct trib_path member =
			trib_path_member(path, trib_bytes_text(field->descriptor->name));

		if (!trib_field_is_set(field, message))
			continue;
		if (field->read_only)
			return trib_check_failed(
				&member, error, TRIB_INVALID,
				"found a value, expected none: the server writes it");
		if (field->descriptor->label != PROTOBUF_C_LABEL_REPEATED) {
			status = check_value(field, trib_field_value(field, message), &member,
					     error);
			continue;
		}
		size_t count = *(size_t *)trib_field_quantifier(field, message);
		const char *items = *(char **)trib_field_value(field, message);

		status = check_count(field, count, &member, error);
		if (status == TRIB_OK && field->map)
			status = check_map(field, (ProtobufCMessage *const *)items, count, &member,
					   error);
		for (size_t n = 0; status == TRIB_OK && !field->map && n < count; n++) {
			struct trib_path element = trib_path_element(&member, n);

			status = check_value(field, items + n * trib_field_element_size(field),
					     &element, error);
		}
	}
	return status;
}

static trib_status check_value(const struct trib_field *field, const void *value,
			       const struct trib_path *path, struct trib_error *error)
{
	switch (field->descriptor->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return check_i64(field, *(const int32_t *)value, path, error);
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return check_i64(field, *(const int64_t *)value, path, error);
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return check_i64(field, *(const uint32_t *)value, path, error);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return check_i64(field,
				 (int64_t)TRIB_MIN(*(const uint64_t *)value, (uint64_t)INT64_MAX),
				 path, error);
	case PROTOBUF_C_TYPE_STRING:
		return check_string(field, trib_bytes_text(*(char *const *)value), path, error);
	case PROTOBUF_C_TYPE_MESSAGE:
		return trib_check_message(*(ProtobufCMessage *const *)value, path, error);
	default:
		return TRIB_OK;
	}
}

trib_status trib_proto_check(const ProtobufCMessage *message, struct trib_error *error)
{
	struct trib_path root = trib_path_root("");

	return trib_check_message(message, &root, error);
}
