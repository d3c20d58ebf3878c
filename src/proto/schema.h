/*
 * What descriptors say to the outside: JSON Schema (2020-12, as OpenAPI 3.1 embeds it) of any message, with the
 * rules of its fields and the comments of the .proto; and whether the protocol has stayed compatible.
 */
#ifndef TRIB_PROTO_SCHEMA_H
#define TRIB_PROTO_SCHEMA_H

#include "base/bytes.h"
#include "base/status.h"
#include "proto/tributary.pb-c.h"

/*
 * Adds `"Name":{schema},…`, the members of one JSON object: each root and whatever messages they hold, once
 * each. References read "<prefix>Name", as in "#/components/schemas/Name". The first `closed` roots, and what they
 * hold, are requests: they refuse other fields. The others may come with more.
 */
void trib_proto_schemas(const ProtobufCMessageDescriptor *const *roots, size_t count, size_t closed,
			const char *prefix, struct trib_buffer *buffer);

/*
 * May readers of `old` (a FileDescriptorSet) go on reading what is written today, and we what they wrote? Each
 * message and field is still there with its number, name, type and label; a field that has gone is reserved.
 * Fails with TRIB_CONFLICT at "Message.field".
 */
trib_status trib_proto_compatible(struct trib_bytes old, struct trib_error *error);

/* The same between any two descriptor sets. */
trib_status trib_proto_compatible_sets(struct trib_bytes old, struct trib_bytes new,
				       struct trib_error *error);

#endif
