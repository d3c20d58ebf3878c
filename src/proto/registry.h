/*
 * What the codec knows of each message beyond protobuf-c's descriptors: the rules of its fields and
 * the comments of the .proto, read once from the embedded descriptor set.
 */
#ifndef TRIB_PROTO_REGISTRY_H
#define TRIB_PROTO_REGISTRY_H

#include "base/bytes.h"
#include "proto/options.pb-c.h"
#include "proto/tributary.pb-c.h"

enum trib_format {
	TRIB_FORMAT_NONE,
	TRIB_FORMAT_ID,
	TRIB_FORMAT_TIME,
	TRIB_FORMAT_DURATION,
	TRIB_FORMAT_CEL,
	TRIB_FORMAT_CURRENCY,
	TRIB_FORMAT_JSON,
	TRIB_FORMAT_AMOUNT
};

struct trib_field {
	const ProtobufCFieldDescriptor *descriptor;
	const char *key; /* `"name":`, ready to print */
	size_t key_size;
	const char *comment; /* "" if there is none */
	enum trib_format format;
	bool required, read_only, write_only, map;
	bool bounded; /* min and max hold, of integers */
	int64_t min, max;
	uint32_t items_max, bytes_max;
	const char *one_of;		    /* "a|b", NULL if any */
	const char *default_text;	    /* NULL if none */
	const struct trib_message *message; /* of a message field that is no map */
	const Tributary__Rule *rule;	    /* owns the texts above; NULL if none is stated */
};

struct trib_message {
	const ProtobufCMessageDescriptor *descriptor;
	const char *comment;
	struct trib_field *fields; /* as many as the descriptor has, in its order */
};

/* Never NULL for a message of tributary.proto that a door or the journal uses. Any thread. */
const struct trib_message *trib_registry_find(const ProtobufCMessageDescriptor *descriptor);

/* The place of a singular field's value, of a list's count and pointer, in a message. */
static inline void *trib_field_value(const struct trib_field *field,
				     const ProtobufCMessage *message)
{
	return (char *)message + field->descriptor->offset;
}

static inline void *trib_field_quantifier(const struct trib_field *field,
					  const ProtobufCMessage *message)
{
	return (char *)message + field->descriptor->quantifier_offset;
}

/* Is a singular field there? */
bool trib_field_is_set(const struct trib_field *field, const ProtobufCMessage *message);

/* Bytes of one element of a list of this type. */
size_t trib_field_element_size(const struct trib_field *field);

#endif
