/* Message to JSON, straight into the buffer. */
#include "proto/proto.h"

#include <sodium.h>
#include "proto/registry.h"

static void add_message(const ProtobufCMessage *message, enum trib_proto_print print,
			struct trib_buffer *buffer);

static void add_base64(const ProtobufCBinaryData *data, struct trib_buffer *buffer)
{
	size_t size = sodium_base64_ENCODED_LEN(data->len, sodium_base64_VARIANT_ORIGINAL);
	char *place;

	trib_buffer_add_char(buffer, '"');
	place = trib_buffer_reserve(buffer, size);
	if (!place)
		return;
	sodium_bin2base64(place, size, data->data, data->len, sodium_base64_VARIANT_ORIGINAL);
	buffer->size += size - 1; /* without its NUL */
	trib_buffer_add_char(buffer, '"');
}

static void add_string(const struct trib_field *field, const char *text, struct trib_buffer *buffer)
{
	if (!text)
		trib_buffer_add_text(buffer, "null"); /* of a map or oneof made by hand */
	else if (field->format == TRIB_FORMAT_JSON)
		trib_buffer_add_text(buffer, text);
	else
		trib_json_add_string(buffer, trib_bytes_text(text));
}

static void add_value(const struct trib_field *field, const void *value,
		      enum trib_proto_print print, struct trib_buffer *buffer)
{
	switch (field->descriptor->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		trib_buffer_add_i64(buffer, *(const int32_t *)value);
		return;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		trib_buffer_add_u64(buffer, *(const uint32_t *)value);
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		trib_buffer_add_i64(buffer, *(const int64_t *)value);
		return;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		trib_buffer_add_u64(buffer, *(const uint64_t *)value);
		return;
	case PROTOBUF_C_TYPE_DOUBLE:
		trib_json_add_double(buffer, *(const double *)value);
		return;
	case PROTOBUF_C_TYPE_FLOAT:
		trib_json_add_double(buffer, (double)*(const float *)value);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		trib_buffer_add_text(buffer, *(const protobuf_c_boolean *)value ? "true" : "false");
		return;
	case PROTOBUF_C_TYPE_STRING:
		add_string(field, *(char *const *)value, buffer);
		return;
	case PROTOBUF_C_TYPE_BYTES:
		add_base64(value, buffer);
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		add_message(*(ProtobufCMessage *const *)value, print, buffer);
		return;
	case PROTOBUF_C_TYPE_ENUM:
		trib_assert(!"the protocol has no enums");
	}
}

static void add_list(const struct trib_field *field, const ProtobufCMessage *message,
		     enum trib_proto_print print, struct trib_buffer *buffer)
{
	size_t count = *(size_t *)trib_field_quantifier(field, message);
	const char *items = *(char **)trib_field_value(field, message);
	size_t size = trib_field_element_size(field);

	trib_buffer_add_char(buffer, '[');
	for (size_t i = 0; i < count; i++) {
		if (i)
			trib_buffer_add_char(buffer, ',');
		add_value(field, items + i * size, print, buffer);
	}
	trib_buffer_add_char(buffer, ']');
}

static void add_map(const struct trib_field *field, const ProtobufCMessage *message,
		    struct trib_buffer *buffer)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor->descriptor;
	const ProtobufCFieldDescriptor *parts = entry->fields;
	size_t count = *(size_t *)trib_field_quantifier(field, message);
	char *const *entries = *(char ***)trib_field_value(field, message);

	trib_buffer_add_char(buffer, '{');
	for (size_t i = 0; i < count; i++) {
		const char *key = *(char **)(entries[i] + parts[0].offset);
		const char *value = *(char **)(entries[i] + parts[1].offset);

		if (i)
			trib_buffer_add_char(buffer, ',');
		trib_json_add_string(buffer, trib_bytes_text(key ? key : ""));
		trib_buffer_add_char(buffer, ':');
		trib_json_add_string(buffer, trib_bytes_text(value ? value : ""));
	}
	trib_buffer_add_char(buffer, '}');
}

static void add_default(const struct trib_field *field, struct trib_buffer *buffer)
{
	if (!field->default_text)
		trib_buffer_add_text(buffer, "null");
	else if (field->descriptor->type == PROTOBUF_C_TYPE_STRING)
		trib_json_add_string(buffer, trib_bytes_text(field->default_text));
	else
		trib_buffer_add_text(buffer, field->default_text);
}

static bool is_printed(const struct trib_field *field, bool set, enum trib_proto_print print)
{
	const ProtobufCFieldDescriptor *descriptor = field->descriptor;

	if (field->write_only)
		return false;
	if (set)
		return true;
	if (descriptor->label == PROTOBUF_C_LABEL_REPEATED)
		return print == TRIB_PROTO_ALL_FIELDS || !field->map;
	return print == TRIB_PROTO_ALL_FIELDS && !(descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF);
}

static void add_message(const ProtobufCMessage *message, enum trib_proto_print print,
			struct trib_buffer *buffer)
{
	const struct trib_message *known = trib_registry_find(message->descriptor);
	bool first = true;

	trib_buffer_add_char(buffer, '{');
	for (unsigned i = 0; i < known->descriptor->n_fields; i++) {
		const struct trib_field *field = &known->fields[i];
		bool set = trib_field_is_set(field, message);

		if (!is_printed(field, set, print))
			continue;
		if (!first)
			trib_buffer_add_char(buffer, ',');
		first = false;
		trib_buffer_add(buffer, field->key, field->key_size);
		if (field->map)
			add_map(field, message, buffer);
		else if (field->descriptor->label == PROTOBUF_C_LABEL_REPEATED)
			add_list(field, message, print, buffer);
		else if (set)
			add_value(field, trib_field_value(field, message), print, buffer);
		else
			add_default(field, buffer);
	}
	trib_buffer_add_char(buffer, '}');
}

void trib_proto_to_json(const ProtobufCMessage *message, enum trib_proto_print print,
			struct trib_buffer *buffer)
{
	add_message(message, print, buffer);
}
