/*
 * Where deliveries may go: the prefixes of --outbox-allow. Whoever may make a webhook could otherwise have the server call
 * addresses that only the server reaches.
 *
 *	trib_targets_new("https://hooks.example.com/tributary/,http://127.0.0.1:9000", &targets, &error);
 *	trib_targets_allow(targets, trib_bytes_text("https://hooks.example.com/tributary/a?b=1"), &error)     // TRIB_OK
 *	trib_targets_allow(targets, trib_bytes_text("https://hooks.example.com.evil.org/"), &error)           // TRIB_FORBIDDEN
 *
 * A URL is http or https, has no user, no fragment and no `..`; scheme, host and port must be those of a prefix, and the
 * path begin with its path, at a border. Nothing is allowed by an empty list. Immutable; any thread.
 */
#ifndef TRIB_ENGINE_TARGETS_H
#define TRIB_ENGINE_TARGETS_H

#include "base/bytes.h"
#include "base/status.h"

struct trib_targets;

/* `list`: prefixes with commas between, or "". */
trib_status trib_targets_new(const char *list, struct trib_targets **ret_targets, struct trib_error *error);
void trib_targets_free(struct trib_targets *targets);
trib_status trib_targets_allow(const struct trib_targets *targets, struct trib_bytes url, struct trib_error *error);

#endif
