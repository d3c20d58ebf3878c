#include "proto/registry.h"

#include <pthread.h>
#include <string.h>
#include "base/hash.h"
#include "base/limits.h"
#include "proto/descriptor.pb-c.h"
#include "proto/descriptors.h"

typedef Google__Protobuf__FileDescriptorSet descriptor_set;
typedef Google__Protobuf__FileDescriptorProto file_descriptor;
typedef Google__Protobuf__DescriptorProto message_descriptor;
typedef Google__Protobuf__FieldDescriptorProto field_descriptor;
typedef Google__Protobuf__SourceCodeInfo__Location location;

enum {
	SLOTS = 1024,		/* of the table by descriptor address; a power of two */
	RULE_EXTENSION = 50001, /* options.proto */
	FILE_MESSAGE_TYPE =
		4, /* field numbers of descriptor.proto, as paths of comments use them */
	MESSAGE_FIELD = 2,
	ITEMS_MAX_DEFAULT = 10000,
	BYTES_MAX_DEFAULT = 4096,
};

/* The last ms of the year 9999, the last that RFC 3339 can write. */
static const int64_t time_ms_max = 253402300799999;

static struct trib_message *table[SLOTS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct trib_message **slot_of(const ProtobufCMessageDescriptor *descriptor)
{
	uint64_t i = trib_hash_u64((uintptr_t)descriptor);

	while (table[i & (SLOTS - 1)] && table[i & (SLOTS - 1)]->descriptor != descriptor)
		i++;
	return &table[i & (SLOTS - 1)];
}

static const file_descriptor *file_of(const descriptor_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_file; i++)
		if (!strcmp(set->file[i]->name, name))
			return set->file[i];
	return NULL;
}

static const message_descriptor *message_of(const file_descriptor *file, const char *name,
					    int *ret_index)
{
	for (size_t i = 0; i < file->n_message_type; i++)
		if (!strcmp(file->message_type[i]->name, name)) {
			*ret_index = (int)i;
			return file->message_type[i];
		}
	return NULL;
}

/* A comment as one line of text: its lines trimmed and joined. */
static const char *comment_text(const char *leading, const char *trailing)
{
	const char *parts[] = { leading, trailing };
	struct trib_buffer text;
	bool space = false;

	trib_buffer_init(&text, 64 << 10);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(parts); i++) {
		for (const char *p = parts[i]; p && *p; p++) {
			if (*p == ' ' || *p == '\n') {
				space = text.size > 0;
				continue;
			}
			if (space)
				trib_buffer_add_char(&text, ' ');
			space = false;
			trib_buffer_add_char(&text, *p);
		}
		space = text.size > 0;
	}
	char *result = trib_strdup(trib_buffer_text(&text));

	trib_buffer_fini(&text);
	return result;
}

/* The comment of the message with this index, or of its field; field -1 is the message itself. */
static const char *comment_of(const file_descriptor *file, int message, int field)
{
	size_t depth = field < 0 ? 2 : 4;
	const int32_t path[] = { FILE_MESSAGE_TYPE, message, MESSAGE_FIELD, field };

	for (size_t i = 0; i < file->source_code_info->n_location; i++) {
		const location *found = file->source_code_info->location[i];

		if (found->n_path == depth && !memcmp(found->path, path, depth * sizeof(*path)))
			return comment_text(found->leading_comments, found->trailing_comments);
	}
	return "";
}

static enum trib_format format_of(const char *name)
{
	static const struct {
		const char *name;
		enum trib_format format;
	} rows[] = {
		{ "id", TRIB_FORMAT_ID },
		{ "time_ms", TRIB_FORMAT_TIME },
		{ "duration", TRIB_FORMAT_DURATION },
		{ "cel", TRIB_FORMAT_CEL },
		{ "currency", TRIB_FORMAT_CURRENCY },
		{ "json", TRIB_FORMAT_JSON },
		{ "amount", TRIB_FORMAT_AMOUNT },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].format;
	trib_assert(!"a format that options.proto does not list");
	return TRIB_FORMAT_NONE;
}

/* The (rule) of a field; it travels as an unknown field of FieldOptions. */
static Tributary__Rule *rule_of(const field_descriptor *field)
{
	if (!field->options)
		return NULL;
	const ProtobufCMessage *options = &field->options->base;

	for (unsigned i = 0; i < options->n_unknown_fields; i++) {
		const ProtobufCMessageUnknownField *unknown = &options->unknown_fields[i];
		size_t header = 0;

		if (unknown->tag != RULE_EXTENSION)
			continue;
		while (unknown->data[header++] & 0x80) /* the length that precedes it */
			;
		return tributary__rule__unpack(NULL, unknown->len - header, unknown->data + header);
	}
	return NULL;
}

static uint32_t bytes_max_of(enum trib_format format, uint32_t stated)
{
	if (stated)
		return stated;
	switch (format) {
	case TRIB_FORMAT_ID:
		return TRIB_LIMIT_EXTERNAL_ID_BYTES;
	case TRIB_FORMAT_CEL:
		return TRIB_LIMIT_CEL_SOURCE_BYTES;
	case TRIB_FORMAT_JSON:
		return TRIB_LIMIT_ENTITY_EXT_BYTES;
	default:
		return BYTES_MAX_DEFAULT;
	}
}

static void apply_rule(struct trib_field *field, const Tributary__Rule *rule)
{
	field->rule = rule;
	field->format = rule->format ? format_of(rule->format) : TRIB_FORMAT_NONE;
	field->required = rule->required;
	field->read_only = rule->read_only;
	field->write_only = rule->write_only;
	field->one_of = rule->one_of;
	field->default_text = rule->default_text;
	field->bounded = rule->bounded;
	field->min = rule->min;
	field->max = rule->max;
	field->items_max = rule->items_max ? rule->items_max : ITEMS_MAX_DEFAULT;
	field->bytes_max = bytes_max_of(field->format, rule->bytes_max);
	if (field->format == TRIB_FORMAT_AMOUNT || field->format == TRIB_FORMAT_TIME) {
		field->bounded = true;
		field->min = 0;
		field->max = field->format == TRIB_FORMAT_AMOUNT ? INT64_MAX : time_ms_max;
	}
}

static bool is_map_entry(const message_descriptor *parent, const ProtobufCMessageDescriptor *entry)
{
	for (size_t i = 0; i < parent->n_nested_type; i++) {
		const message_descriptor *nested = parent->nested_type[i];

		if (!strcmp(nested->name, entry->short_name))
			return nested->options && nested->options->map_entry;
	}
	return false;
}

static void add_field(const file_descriptor *file, int message_index, struct trib_field *field)
{
	const message_descriptor *parent = file->message_type[message_index];
	const ProtobufCFieldDescriptor *descriptor = field->descriptor;
	size_t key_size = strlen(descriptor->name) + 3;
	char *key = trib_alloc(key_size + 1);

	snprintf(key, key_size + 1, "\"%s\":", descriptor->name);
	field->key = key;
	field->key_size = key_size;
	field->items_max = ITEMS_MAX_DEFAULT;
	field->bytes_max = BYTES_MAX_DEFAULT;
	for (size_t i = 0; i < parent->n_field; i++) {
		if ((uint32_t)parent->field[i]->number != descriptor->id)
			continue;
		Tributary__Rule *rule = rule_of(parent->field[i]);

		if (rule)
			apply_rule(field, rule);
		field->comment = comment_of(file, message_index, (int)i);
	}
	if (descriptor->type == PROTOBUF_C_TYPE_MESSAGE) {
		field->map = is_map_entry(parent, descriptor->descriptor);
		if (field->map) {
			field->items_max = TRIB_LIMIT_EXT_PAIRS;
			field->bytes_max = TRIB_LIMIT_EXT_BYTES;
		}
	}
}

static void add_message(const file_descriptor *file, const ProtobufCMessageDescriptor *descriptor)
{
	struct trib_message *message = trib_alloc_zeroed(1, sizeof(*message));
	int index;

	if (!message_of(file, descriptor->short_name, &index)) {
		free(message); /* the entry of a map; its field knows what it needs */
		return;
	}
	message->descriptor = descriptor;
	message->comment = comment_of(file, index, -1);
	message->fields = trib_alloc_zeroed(descriptor->n_fields + 1, sizeof(*message->fields));
	for (unsigned i = 0; i < descriptor->n_fields; i++) {
		message->fields[i].descriptor = &descriptor->fields[i];
		add_field(file, index, &message->fields[i]);
	}
	*slot_of(descriptor) = message;
}

static void fill(void)
{
	descriptor_set *set = google__protobuf__file_descriptor_set__unpack(
		NULL, trib_proto_descriptors_size, trib_proto_descriptors);
	const file_descriptor *file;
	size_t count = 0;

	trib_assert(set);
	file = file_of(set, "tributary.proto");
	trib_assert(file && file->source_code_info);
	for (size_t i = 0; trib_proto_messages[i]; i++, count++)
		add_message(file, trib_proto_messages[i]);
	trib_assert(count < SLOTS / 2);
	for (size_t i = 0; i < SLOTS; i++)
		for (unsigned f = 0; table[i] && f < table[i]->descriptor->n_fields; f++) {
			struct trib_field *field = &table[i]->fields[f];

			if (field->descriptor->type == PROTOBUF_C_TYPE_MESSAGE && !field->map)
				field->message = *slot_of(field->descriptor->descriptor);
		}
	google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
}

const struct trib_message *trib_registry_find(const ProtobufCMessageDescriptor *descriptor)
{
	pthread_once(&once, fill);
	const struct trib_message *message = *slot_of(descriptor);

	trib_assert(message);
	return message;
}

bool trib_field_is_set(const struct trib_field *field, const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *descriptor = field->descriptor;
	const void *value = trib_field_value(field, message);

	if (descriptor->label == PROTOBUF_C_LABEL_REPEATED)
		return *(size_t *)trib_field_quantifier(field, message) > 0;
	if (descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(uint32_t *)trib_field_quantifier(field, message) == descriptor->id;
	if (descriptor->type == PROTOBUF_C_TYPE_STRING ||
	    descriptor->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(void *const *)value != NULL;
	return *(protobuf_c_boolean *)trib_field_quantifier(field, message);
}

size_t trib_field_element_size(const struct trib_field *field)
{
	switch (field->descriptor->type) {
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_ENUM:
		return 4;
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 8; /* 64-bit numbers and pointers */
	}
}
