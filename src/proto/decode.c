/* JSON to message: types here, rules in check.c. Driven by the tree, so that every member is looked
 * at once. */
#include "proto/proto.h"

#include <float.h>
#include <sodium.h>
#include "base/limits.h"
#include "proto/check.h"
#include "proto/path.h"
#include "proto/registry.h"

struct decoder {
	struct trib_arena *arena;
	struct trib_error *error;
};

static trib_status decode_message(struct decoder *decoder,
				  const ProtobufCMessageDescriptor *descriptor,
				  const struct trib_json *json, const struct trib_path *path,
				  ProtobufCMessage **ret_message);

static trib_status no_room(struct decoder *decoder, const struct trib_path *path)
{
	return trib_check_failed(path, decoder->error, TRIB_TOO_LARGE,
				 "found more than %zu bytes of memory hold, expected less",
				 decoder->arena->size_max);
}

/* "found a number, expected a string"; short scalars are shown as they are. */
static trib_status wrong_type(struct decoder *decoder, const struct trib_path *path,
			      const struct trib_json *found, const char *expected)
{
	if (found->kind == TRIB_JSON_STRING)
		return trib_check_string_failed(path, decoder->error, found->text, expected);
	if (found->kind == TRIB_JSON_NUMBER)
		return trib_check_failed(
			path, decoder->error, TRIB_INVALID, "found %.*s, expected %s",
			(int)TRIB_MIN(found->text.size, (size_t)48), found->text.data, expected);
	return trib_check_failed(path, decoder->error, TRIB_INVALID, "found %s, expected %s",
				 trib_json_kind_name(found->kind), expected);
}

/*
 * The whole number that a JSON number says, also as 1.0 or 1e3, in at most 20 digits; false if it
 * is none. All in decimal, so that nothing is rounded.
 */
static bool whole_number(struct trib_bytes text, char digits[24], size_t *ret_size)
{
	size_t size = 0, i = 0, zeros = 0;
	int64_t exponent = 0, stated = 0;
	bool fraction = false, negative = text.size && text.data[0] == '-';

	for (i = negative; i < text.size && text.data[i] != 'e' && text.data[i] != 'E'; i++) {
		char c = text.data[i];

		if (c == '.') {
			fraction = true;
			continue;
		}
		exponent -= fraction;
		zeros++; /* trailing zeros are kept back until a digit follows */
		if (c == '0')
			continue;
		if (size == 0)
			zeros = 1; /* leading ones are dropped */
		if (size + zeros > 20)
			return false;
		memset(digits + 1 + size, '0', zeros - 1);
		size += zeros;
		digits[size] = c;
		zeros = 0;
	}
	struct trib_bytes rest = i < text.size ? trib_bytes(text.data + i + 1, text.size - i - 1)
					       : trib_bytes("0", 1);

	if (rest.data[0] == '+')
		rest = trib_bytes(rest.data + 1, rest.size - 1);
	if (size && (!trib_bytes_to_i64(rest, &stated) || stated > 1000000 || stated < -1000000))
		return false;
	exponent += stated + (int64_t)zeros;
	if (size == 0) {
		digits[++size] = '0';
		exponent = 0;
	}
	if (exponent < 0 || exponent > 20 || size + (size_t)exponent > 20)
		return false;
	memset(digits + 1 + size, '0', (size_t)exponent);
	size += (size_t)exponent;
	digits[0] = negative ? '-' : '+';
	*ret_size = size;
	return true;
}

/* A JSON number, or a string of digits. */
static bool integer_text(const struct trib_json *json, char digits[24], struct trib_bytes *ret_text)
{
	size_t size;

	if (json->kind == TRIB_JSON_STRING) {
		*ret_text = json->text;
		return true;
	}
	if (json->kind != TRIB_JSON_NUMBER || !whole_number(json->text, digits, &size))
		return false;
	bool minus = digits[0] == '-';

	*ret_text = trib_bytes(digits + !minus, size + minus);
	return true;
}

static bool to_i64(const struct trib_json *json, int64_t *ret_value)
{
	char digits[24];
	struct trib_bytes text;

	return integer_text(json, digits, &text) && trib_bytes_to_i64(text, ret_value);
}

static bool to_u64(const struct trib_json *json, uint64_t *ret_value)
{
	char digits[24];
	struct trib_bytes text;

	if (!integer_text(json, digits, &text))
		return false;
	if (trib_bytes_is(text, "-0"))
		text = trib_bytes_text("0");
	return trib_bytes_to_u64(text, ret_value);
}

static trib_status decode_i64(struct decoder *decoder, const struct trib_field *field,
			      const struct trib_json *json, const struct trib_path *path,
			      int64_t low, int64_t high, int64_t *ret_value)
{
	char expected[96];

	if (to_i64(json, ret_value) && *ret_value >= low && *ret_value <= high)
		return TRIB_OK;
	if (field->bounded) {
		low = field->min;
		high = field->max;
	}
	snprintf(expected, sizeof(expected), "an integer from %lld to %lld", (long long)low,
		 (long long)high);
	return wrong_type(decoder, path, json, expected);
}

static trib_status decode_u64(struct decoder *decoder, const struct trib_json *json,
			      const struct trib_path *path, uint64_t high, uint64_t *ret_value)
{
	char expected[96];

	if (to_u64(json, ret_value) && *ret_value <= high)
		return TRIB_OK;
	snprintf(expected, sizeof(expected), "an integer from 0 to %llu", (unsigned long long)high);
	return wrong_type(decoder, path, json, expected);
}

static trib_status decode_double(struct decoder *decoder, const struct trib_json *json,
				 const struct trib_path *path, double max, double *ret_value)
{
	char *copy, *end;
	double value;

	if (json->kind != TRIB_JSON_NUMBER)
		return wrong_type(decoder, path, json, "a number");
	copy = trib_arena_copy(decoder->arena, json->text);
	if (!copy)
		return no_room(decoder, path);
	value = strtod(copy, &end);
	if (*end || !(value <= max && value >= -max))
		return wrong_type(decoder, path, json, "a number that fits its type");
	*ret_value = value;
	return TRIB_OK;
}

/* The canonical text of an embedded object. */
static trib_status decode_embedded(struct decoder *decoder, const struct trib_field *field,
				   const struct trib_json *json, const struct trib_path *path,
				   char **ret_text)
{
	struct trib_buffer text;
	trib_status status = TRIB_OK;
	char *copy;

	if (json->kind != TRIB_JSON_OBJECT)
		return wrong_type(decoder, path, json, "an object");
	trib_buffer_init(&text, field->bytes_max);
	trib_json_add(&text, json, decoder->arena);
	copy = text.failed ? NULL : trib_arena_copy(decoder->arena, trib_buffer_bytes(&text));
	if (text.failed)
		status = trib_check_failed(path, decoder->error, TRIB_INVALID,
					   "found a larger object, expected at most %u bytes",
					   field->bytes_max);
	else if (!copy)
		status = no_room(decoder, path);
	else
		*ret_text = copy;
	trib_buffer_fini(&text);
	return status;
}

static trib_status decode_string(struct decoder *decoder, const struct trib_field *field,
				 const struct trib_json *json, const struct trib_path *path,
				 char **ret_text)
{
	if (field->format == TRIB_FORMAT_JSON)
		return decode_embedded(decoder, field, json, path, ret_text);
	if (json->kind != TRIB_JSON_STRING)
		return wrong_type(decoder, path, json, "a string");
	if (memchr(json->text.data, '\0', json->text.size))
		return trib_check_failed(path, decoder->error, TRIB_INVALID,
					 "found a NUL character, expected text without one");
	*ret_text = (char *)json->text.data; /* terminated, in the arena */
	return TRIB_OK;
}

static trib_status decode_bytes(struct decoder *decoder, const struct trib_json *json,
				const struct trib_path *path, ProtobufCBinaryData *ret_data)
{
	size_t size;

	if (json->kind != TRIB_JSON_STRING)
		return wrong_type(decoder, path, json, "base64 in a string");
	unsigned char *data = trib_arena_alloc(decoder->arena, json->text.size + 1);

	if (!data)
		return no_room(decoder, path);
	if (sodium_base642bin(data, json->text.size + 1, json->text.data, json->text.size, NULL,
			      &size, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return wrong_type(decoder, path, json, "base64");
	*ret_data = (ProtobufCBinaryData){ .len = size, .data = data };
	return TRIB_OK;
}

static trib_status decode_32(struct decoder *decoder, const struct trib_field *field,
			     const struct trib_json *json, const struct trib_path *path,
			     void *value)
{
	trib_status status;
	uint64_t u64;
	int64_t i64;
	double real;

	switch (field->descriptor->type) {
	case PROTOBUF_C_TYPE_FLOAT:
		status = decode_double(decoder, json, path, FLT_MAX, &real);
		if (status == TRIB_OK)
			*(float *)value = (float)real;
		return status;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		status = decode_u64(decoder, json, path, UINT32_MAX, &u64);
		if (status == TRIB_OK)
			*(uint32_t *)value = (uint32_t)u64;
		return status;
	default:
		status = decode_i64(decoder, field, json, path, INT32_MIN, INT32_MAX, &i64);
		if (status == TRIB_OK)
			*(int32_t *)value = (int32_t)i64;
		return status;
	}
}

/* One value, singular or an element, to where it lies. */
static trib_status decode_value(struct decoder *decoder, const struct trib_field *field,
				const struct trib_json *json, const struct trib_path *path,
				void *value)
{
	switch (field->descriptor->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return decode_i64(decoder, field, json, path, INT64_MIN, INT64_MAX, value);
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return decode_u64(decoder, json, path, UINT64_MAX, value);
	case PROTOBUF_C_TYPE_DOUBLE:
		return decode_double(decoder, json, path, DBL_MAX, value);
	case PROTOBUF_C_TYPE_STRING:
		return decode_string(decoder, field, json, path, value);
	case PROTOBUF_C_TYPE_BYTES:
		return decode_bytes(decoder, json, path, value);
	case PROTOBUF_C_TYPE_MESSAGE:
		return decode_message(decoder, field->descriptor->descriptor, json, path, value);
	case PROTOBUF_C_TYPE_BOOL:
		if (json->kind != TRIB_JSON_TRUE && json->kind != TRIB_JSON_FALSE)
			return wrong_type(decoder, path, json, "true or false");
		*(protobuf_c_boolean *)value = json->kind == TRIB_JSON_TRUE;
		return TRIB_OK;
	case PROTOBUF_C_TYPE_ENUM:
		trib_assert(!"the protocol has no enums");
		return TRIB_INTERNAL;
	default:
		return decode_32(decoder, field, json, path, value);
	}
}

static trib_status decode_list(struct decoder *decoder, const struct trib_field *field,
			       const struct trib_json *json, const struct trib_path *path,
			       ProtobufCMessage *message)
{
	size_t size = trib_field_element_size(field), count = 0;

	if (json->kind != TRIB_JSON_ARRAY)
		return wrong_type(decoder, path, json, "an array");
	if (json->count == 0)
		return TRIB_OK;
	if (json->count > field->items_max)
		return trib_check_failed(path, decoder->error, TRIB_INVALID,
					 "found %u items, expected at most %u", json->count,
					 field->items_max);
	char *items = trib_arena_alloc_zeroed(decoder->arena, json->count * size);

	if (!items)
		return no_room(decoder, path);
	for (const struct trib_json *child = json->first; child; child = child->next, count++) {
		struct trib_path element = trib_path_element(path, count);
		trib_status status =
			decode_value(decoder, field, child, &element, items + count * size);

		if (status != TRIB_OK)
			return status;
	}
	*(void **)trib_field_value(field, message) = items;
	*(size_t *)trib_field_quantifier(field, message) = count;
	return TRIB_OK;
}

/* A map of strings: an array of entries, each a message with key and value, in the order written.
 */
static trib_status decode_map(struct decoder *decoder, const struct trib_field *field,
			      const struct trib_json *json, const struct trib_path *path,
			      ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *entry = field->descriptor->descriptor;
	size_t count = 0;

	if (json->kind != TRIB_JSON_OBJECT)
		return wrong_type(decoder, path, json, "an object");
	if (json->count == 0)
		return TRIB_OK;
	if (json->count > field->items_max)
		return trib_check_failed(path, decoder->error, TRIB_INVALID,
					 "found %u items, expected at most %u", json->count,
					 field->items_max);
	char **entries = trib_arena_alloc(decoder->arena, json->count * sizeof(*entries));

	for (const struct trib_json *child = json->first; entries && child; child = child->next) {
		struct trib_path member = trib_path_member(path, child->key);
		char *pair = trib_arena_alloc_zeroed(decoder->arena, entry->sizeof_message);

		if (!pair)
			return no_room(decoder, path);
		if (child->kind != TRIB_JSON_STRING)
			return wrong_type(decoder, &member, child, "a string");
		if (memchr(child->key.data, '\0', child->key.size) ||
		    memchr(child->text.data, '\0', child->text.size))
			return trib_check_failed(
				&member, decoder->error, TRIB_INVALID,
				"found a NUL character, expected text without one");
		protobuf_c_message_init(entry, pair);
		*(const char **)(pair + entry->fields[0].offset) = child->key.data;
		*(const char **)(pair + entry->fields[1].offset) = child->text.data;
		entries[count++] = pair;
	}
	if (!entries)
		return no_room(decoder, path);
	*(void **)trib_field_value(field, message) = entries;
	*(size_t *)trib_field_quantifier(field, message) = count;
	return TRIB_OK;
}

static trib_status decode_singular(struct decoder *decoder, const struct trib_field *field,
				   const struct trib_json *json, const struct trib_path *path,
				   ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *descriptor = field->descriptor;
	uint32_t *oneof = NULL;

	if (descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		oneof = trib_field_quantifier(field, message);
		if (*oneof)
			return trib_check_failed(path, decoder->error, TRIB_INVALID,
						 "found a second kind, expected one");
	}
	trib_status status =
		decode_value(decoder, field, json, path, trib_field_value(field, message));

	if (status != TRIB_OK)
		return status;
	if (oneof)
		*oneof = descriptor->id;
	else if (descriptor->type != PROTOBUF_C_TYPE_STRING &&
		 descriptor->type != PROTOBUF_C_TYPE_MESSAGE)
		*(protobuf_c_boolean *)trib_field_quantifier(field, message) = true;
	return TRIB_OK;
}

/* The names that a message takes, for whoever wrote another one: "title, merchant, price …". */
static void list_fields(const struct trib_message *known, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < known->descriptor->n_fields; i++) {
		const char *name = known->descriptor->fields[i].name;

		if (known->fields[i].read_only)
			continue;
		if (used + strlen(name) + sizeof(", …") > size) {
			snprintf(text + used, size - used, " …");
			return;
		}
		used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "", name);
	}
}

static trib_status decode_member(struct decoder *decoder, const struct trib_message *known,
				 const struct trib_json *member, const struct trib_path *path,
				 ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *descriptor =
		protobuf_c_message_descriptor_get_field_by_name(known->descriptor,
								member->key.data);

	if (!descriptor || strlen(member->key.data) != member->key.size) {
		char names[240];

		list_fields(known, names, sizeof(names));
		return trib_check_failed(path, decoder->error, TRIB_INVALID, "found an unknown field, expected one of %s: %s",
					 known->descriptor->short_name, names);
	}
	const struct trib_field *field = &known->fields[descriptor - known->descriptor->fields];

	/* What the server writes comes back with an entity that was read: it is passed over. */
	if (member->kind == TRIB_JSON_NULL || field->read_only)
		return TRIB_OK;
	if (field->map)
		return decode_map(decoder, field, member, path, message);
	if (descriptor->label == PROTOBUF_C_LABEL_REPEATED)
		return decode_list(decoder, field, member, path, message);
	return decode_singular(decoder, field, member, path, message);
}

static trib_status decode_message(struct decoder *decoder,
				  const ProtobufCMessageDescriptor *descriptor,
				  const struct trib_json *json, const struct trib_path *path,
				  ProtobufCMessage **ret_message)
{
	const struct trib_message *known = trib_registry_find(descriptor);
	ProtobufCMessage *message;

	if (json->kind != TRIB_JSON_OBJECT)
		return wrong_type(decoder, path, json, "an object");
	message = trib_arena_alloc_zeroed(decoder->arena, descriptor->sizeof_message);
	if (!message)
		return no_room(decoder, path);
	protobuf_c_message_init(descriptor, message);
	for (const struct trib_json *member = json->first; member; member = member->next) {
		struct trib_path place = trib_path_member(path, member->key);
		trib_status status = decode_member(decoder, known, member, &place, message);

		if (status != TRIB_OK)
			return status;
	}
	*ret_message = message;
	return TRIB_OK;
}

trib_status trib_proto_from_tree(const ProtobufCMessageDescriptor *descriptor,
				 const struct trib_json *json, const char *at,
				 struct trib_arena *arena, ProtobufCMessage **ret_message,
				 struct trib_error *error)
{
	struct decoder decoder = { .arena = arena, .error = error };
	struct trib_path root = trib_path_root(at);
	ProtobufCMessage *message;
	trib_status status = decode_message(&decoder, descriptor, json, &root, &message);

	if (status == TRIB_OK)
		status = trib_check_message(message, &root, error);
	if (status == TRIB_OK)
		*ret_message = message;
	return status;
}

trib_status trib_proto_from_json(const ProtobufCMessageDescriptor *descriptor,
				 struct trib_bytes json, struct trib_arena *arena,
				 ProtobufCMessage **ret_message, struct trib_error *error)
{
	const struct trib_json *root;
	trib_status status = trib_json_parse(json, TRIB_LIMIT_JSON_DEPTH, arena, &root, error);

	if (status != TRIB_OK)
		return status;
	return trib_proto_from_tree(descriptor, root, "", arena, ret_message, error);
}

/* ---- Packed ------------------------------------------------------------------------------- */

static void *take_from_arena(void *arena, size_t size)
{
	return trib_arena_alloc(arena, size);
}

static void leave_in_arena(void *arena, void *memory)
{
}

ProtobufCMessage *trib_proto_unpack(const ProtobufCMessageDescriptor *descriptor,
				    struct trib_bytes packed, struct trib_arena *arena)
{
	ProtobufCAllocator allocator = { take_from_arena, leave_in_arena, arena };

	return protobuf_c_message_unpack(descriptor, &allocator, packed.size,
					 (const uint8_t *)packed.data);
}
