/*
 * What a browser's page must not be able to do: reach the door by a name of its own (DNS rebinding), or from
 * another origin. Pure functions over headers.
 */
#ifndef TRIB_SERVER_GUARD_H
#define TRIB_SERVER_GUARD_H

#include "server/config.h"

struct trib_guard {
	const struct trib_address *address; /* where the door listens */
	const char *hosts;		    /* more names, by commas */
};

/*
 * The Host header must name this machine's loopback, the address that the door listens on (any numeric one where
 * that is all of them), or one of the names configured.
 */
trib_status trib_guard_host(const struct trib_guard *guard, struct trib_bytes host,
			    struct trib_error *error);

/* An Origin must be http:// or https:// and the Host. */
trib_status trib_guard_origin(struct trib_bytes origin, struct trib_bytes host,
			      struct trib_error *error);

/* Is this Content-Type JSON (or, for imports, lines of JSON)? Parameters are not looked at. */
bool trib_guard_is_json(struct trib_bytes type);
bool trib_guard_is_lines(struct trib_bytes type);

#endif
