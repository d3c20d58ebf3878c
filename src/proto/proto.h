/*
 * The protocol: the C structs of proto/tributary.proto, and one codec for all of them that works from their
 * descriptors and the field rules of proto/options.proto.
 *
 *	ProtobufCMessage *message;
 *	status = trib_proto_from_json(&tributary__goods__descriptor, body, &arena, &message, &error);
 *	if (status != TRIB_OK)              // error: at "price", text "found -1, expected an integer from 0 to …"
 *		return status;
 *	const Tributary__Goods *goods = (const Tributary__Goods *)message;
 *	…
 *	trib_proto_to_json(&goods->base, TRIB_PROTO_ALL_FIELDS, &reply);
 *
 * JSON uses the .proto's names. 64-bit integers are JSON numbers, and strings of digits are accepted; `null`
 * means the same as leaving the field out. A field with format "json" is an embedded JSON object, which the
 * message keeps as text in canonical form. Absent strings are NULL, other absent fields have has_… false.
 *
 * protoc-c calls the header of each struct `base`; in Credit and Slice, which have a field of that name, it is
 * called `message`.
 */
#ifndef TRIB_PROTO_PROTO_H
#define TRIB_PROTO_PROTO_H

#include "base/arena.h"
#include "base/status.h"
#include "proto/descriptors.h"
#include "proto/json.h"
#include "proto/schema.h"
#include "proto/wire.h"
#include "proto/tributary.pb-c.h"

/*
 * A message from a JSON object, its fields checked by their rules: unknown and duplicate ones are refused by name;
 * read-only ones are passed over, so that what was read can be put back. The message, its strings and lists live in the arena (never free it by protobuf-c). The
 * arena may hold other things; what a refused text has taken stays taken until the arena is reset. Any thread.
 */
trib_status trib_proto_from_json(const ProtobufCMessageDescriptor *descriptor,
				 struct trib_bytes json, struct trib_arena *arena,
				 ProtobufCMessage **ret_message, struct trib_error *error);

/* The same from a parsed tree; `at` is the place of the object, "" for the root. */
trib_status trib_proto_from_tree(const ProtobufCMessageDescriptor *descriptor,
				 const struct trib_json *json, const char *at,
				 struct trib_arena *arena, ProtobufCMessage **ret_message,
				 struct trib_error *error);

/* A packed message, unpacked into the arena; NULL where the bytes are none, or the arena is full. Rules are not asked. */
ProtobufCMessage *trib_proto_unpack(const ProtobufCMessageDescriptor *descriptor,
				    struct trib_bytes packed, struct trib_arena *arena);

/* Checks a message that came in another way (RESP) by the same rules. */
trib_status trib_proto_check(const ProtobufCMessage *message, struct trib_error *error);

enum trib_proto_print {
	/*
	 * Entities: every known field, so that answers have one shape. What is absent shows the default of its
	 * rule if it has one, else null; lists and maps are [] and {}.
	 */
	TRIB_PROTO_ALL_FIELDS,
	/* Answers: only what is there; lists always (an empty list is a value), maps when not empty. */
	TRIB_PROTO_SET_FIELDS
};

/* Adds one JSON object. Fields that are write-only are left out. No allocation but the buffer's. Any thread. */
void trib_proto_to_json(const ProtobufCMessage *message, enum trib_proto_print print,
			struct trib_buffer *buffer);

#endif
