/* The descriptor set of proto/tributary.proto and proto/options.proto, with comments, as protoc
 * wrote it. */
#ifndef TRIB_PROTO_DESCRIPTORS_H
#define TRIB_PROTO_DESCRIPTORS_H

#include <stddef.h>
#include "proto/tributary.pb-c.h"

extern const unsigned char trib_proto_descriptors[];
extern const size_t trib_proto_descriptors_size;

/* Every message of tributary.proto, ended by NULL. */
extern const ProtobufCMessageDescriptor *const trib_proto_messages[];

#endif
