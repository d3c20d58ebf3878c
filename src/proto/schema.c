#include "proto/schema.h"

#include <inttypes.h>
#include "proto/json.h"
#include "proto/registry.h"

enum { MESSAGES_MAX = 256 };

struct writer {
	const char *prefix;
	struct trib_buffer *buffer;
};

static void add_pair(struct trib_buffer *buffer, const char *name, const char *text)
{
	trib_buffer_add_format(buffer, ",\"%s\":", name);
	trib_json_add_string(buffer, trib_bytes_text(text));
}

/* Null stands for "left out", in requests and in answers, so every optional field may be null. */
static void add_type(struct trib_buffer *buffer, const char *type, bool nullable)
{
	trib_buffer_add_format(buffer, nullable ? "\"type\":[\"%s\",\"null\"]" : "\"type\":\"%s\"",
			       type);
}

static void add_enum(const struct trib_field *field, bool nullable, struct trib_buffer *buffer)
{
	trib_buffer_add_text(buffer, ",\"enum\":[");
	for (const char *row = field->one_of, *end; *row; row = *end ? end + 1 : end) {
		end = strchrnul(row, '|');
		if (row != field->one_of)
			trib_buffer_add_char(buffer, ',');
		trib_json_add_string(buffer, trib_bytes(row, (size_t)(end - row)));
	}
	trib_buffer_add_text(buffer, nullable ? ",null]" : "]");
}

static void add_string_schema(const struct trib_field *field, bool nullable,
			      struct trib_buffer *buffer)
{
	add_type(buffer, field->format == TRIB_FORMAT_JSON ? "object" : "string", nullable);
	if (field->one_of)
		add_enum(field, nullable, buffer);
	switch (field->format) {
	case TRIB_FORMAT_ID:
		trib_buffer_add_text(buffer, ",\"minLength\":1,\"maxLength\":64,\"pattern\":\"^[^"
					     "/\\\\x00-\\\\x20\\\\x7f]+$\"");
		return;
	case TRIB_FORMAT_CURRENCY:
		trib_buffer_add_text(buffer, ",\"pattern\":\"^[A-Z]{3}$\"");
		return;
	case TRIB_FORMAT_DURATION:
		trib_buffer_add_text(
			buffer, ",\"format\":\"duration\",\"pattern\":\"^[0-9]+(ms|s|m|h|d)$\"");
		return;
	case TRIB_FORMAT_CEL:
		trib_buffer_add_text(buffer, ",\"format\":\"cel\"");
		break;
	case TRIB_FORMAT_JSON:
		return;
	default:
		break;
	}
	if (!field->one_of)
		trib_buffer_add_format(buffer, ",\"maxLength\":%u", field->bytes_max);
}

/* low and high 0: the whole range of the type, which its format says. */
static void add_integer_schema(const struct trib_field *field, bool nullable, int64_t low,
			       int64_t high, const char *format, struct trib_buffer *buffer)
{
	if (field->format == TRIB_FORMAT_TIME)
		format = "time-ms";
	else if (field->format == TRIB_FORMAT_AMOUNT)
		format = "minor-units";
	add_type(buffer, "integer", nullable);
	trib_buffer_add_format(buffer, ",\"format\":\"%s\"", format);
	if (field->bounded) {
		low = field->min;
		high = field->max;
	}
	if (low != high)
		trib_buffer_add_format(buffer, ",\"minimum\":%" PRId64 ",\"maximum\":%" PRId64, low,
				       high);
}

static void add_element(const struct writer *writer, const struct trib_field *field, bool nullable)
{
	struct trib_buffer *buffer = writer->buffer;

	switch (field->descriptor->type) {
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		add_integer_schema(field, nullable, INT32_MIN, INT32_MAX, "int32", buffer);
		return;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		add_integer_schema(field, nullable, 0, 0, "int64", buffer);
		return;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		add_integer_schema(field, nullable, 0, UINT32_MAX, "uint32", buffer);
		return;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		add_integer_schema(field, nullable, 0, 0, "uint64", buffer);
		return;
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		add_type(buffer, "number", nullable);
		return;
	case PROTOBUF_C_TYPE_BOOL:
		add_type(buffer, "boolean", nullable);
		return;
	case PROTOBUF_C_TYPE_STRING:
		add_string_schema(field, nullable, buffer);
		return;
	case PROTOBUF_C_TYPE_BYTES:
		add_type(buffer, "string", nullable);
		trib_buffer_add_text(buffer, ",\"contentEncoding\":\"base64\"");
		return;
	case PROTOBUF_C_TYPE_MESSAGE:
		trib_buffer_add_format(
			buffer,
			nullable ? "\"oneOf\":[{\"$ref\":\"%s%s\"},{\"type\":\"null\"}]"
				 : "\"$ref\":\"%s%s\"",
			writer->prefix, field->message->descriptor->short_name);
		return;
	case PROTOBUF_C_TYPE_ENUM:
		trib_assert(!"the protocol has no enums");
	}
}

static void add_field(const struct writer *writer, const struct trib_field *field)
{
	struct trib_buffer *buffer = writer->buffer;

	trib_buffer_add(buffer, field->key, field->key_size);
	trib_buffer_add_char(buffer, '{');
	if (field->map) {
		add_type(buffer, "object", true);
		trib_buffer_add_format(
			buffer,
			",\"additionalProperties\":{\"type\":\"string\"},\"maxProperties\":%u",
			field->items_max);
	} else if (field->descriptor->label == PROTOBUF_C_LABEL_REPEATED) {
		add_type(buffer, "array", !field->required);
		trib_buffer_add_format(buffer, ",\"maxItems\":%u,\"items\":{", field->items_max);
		add_element(writer, field, false);
		trib_buffer_add_char(buffer, '}');
	} else {
		add_element(writer, field, !field->required);
	}
	if (field->default_text)
		add_pair(buffer, "default", field->default_text);
	if (field->comment[0])
		add_pair(buffer, "description", field->comment);
	if (field->read_only)
		trib_buffer_add_text(buffer, ",\"readOnly\":true");
	if (field->write_only)
		trib_buffer_add_text(buffer, ",\"writeOnly\":true");
	trib_buffer_add_char(buffer, '}');
}

static void add_schema(const struct writer *writer, const struct trib_message *message, bool closed)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	struct trib_buffer *buffer = writer->buffer;
	unsigned required = 0, shown = 0;

	trib_buffer_add_format(buffer, "\"%s\":{\"type\":\"object\"", descriptor->short_name);
	if (message->comment[0])
		add_pair(buffer, "description", message->comment);
	if (closed)
		trib_buffer_add_text(buffer, ",\"additionalProperties\":false");
	trib_buffer_add_text(buffer, ",\"properties\":{");
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		if (message->fields[i].read_only && message->fields[i].write_only)
			continue; /* the server's alone */
		if (shown++)
			trib_buffer_add_char(buffer, ',');
		add_field(writer, &message->fields[i]);
	}
	trib_buffer_add_char(buffer, '}');
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		if (!message->fields[i].required)
			continue;
		trib_buffer_add_text(buffer, required++ ? "," : ",\"required\":[");
		trib_json_add_string(buffer, trib_bytes_text(descriptor->fields[i].name));
	}
	trib_buffer_add_text(buffer, required ? "]}" : "}");
}

/* The messages to write, each once, in the order they are met. */
struct closure {
	const struct trib_message *messages[MESSAGES_MAX];
	size_t count;
};

static void reach(struct closure *closure, const struct trib_message *message)
{
	for (size_t i = 0; i < closure->count; i++)
		if (closure->messages[i] == message)
			return;
	trib_assert(closure->count < MESSAGES_MAX);
	closure->messages[closure->count++] = message;
	for (unsigned i = 0; i < message->descriptor->n_fields; i++)
		if (message->fields[i].message)
			reach(closure, message->fields[i].message);
}

void trib_proto_schemas(const ProtobufCMessageDescriptor *const *roots, size_t count, size_t closed,
			const char *prefix, struct trib_buffer *buffer)
{
	struct writer writer = { .prefix = prefix, .buffer = buffer };
	struct closure closure = { .count = 0 };
	size_t closed_count = 0;

	for (size_t i = 0; i < count; i++) {
		reach(&closure, trib_registry_find(roots[i]));
		if (i < closed)
			closed_count = closure.count;
	}
	for (size_t i = 0; i < closure.count; i++) {
		if (i)
			trib_buffer_add_char(buffer, ',');
		add_schema(&writer, closure.messages[i], i < closed_count);
	}
}
