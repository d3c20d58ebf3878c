/*
 * The rules of options.proto, applied to a message: what is required is there, what is read-only is
 * not, values lie in their bounds and have their format. Types have been seen to before.
 */
#ifndef TRIB_PROTO_CHECK_H
#define TRIB_PROTO_CHECK_H

#include "proto/path.h"
#include "proto/registry.h"

trib_status trib_check_message(const ProtobufCMessage *message, const struct trib_path *path,
			       struct trib_error *error);

/* Fails with status; the place is the path's. */
trib_status trib_check_failed(const struct trib_path *path, struct trib_error *error,
			      trib_status status, const char *format, ...) TRIB_PRINTF(4, 5);

/* Fails with `found "…", expected …`, a long value cut. */
trib_status trib_check_string_failed(const struct trib_path *path, struct trib_error *error,
				     struct trib_bytes found, const char *expected);

#endif
