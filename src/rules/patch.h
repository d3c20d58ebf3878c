/*
 * One node of a tree changed without touching the rest: {"enabled": false}, {"priority": 5}, {"to": 1795000000000},
 * {"before": "sibling"}, {"window": null} … Any field of a node but id and children; null takes it away.
 */
#ifndef TRIB_RULES_PATCH_H
#define TRIB_RULES_PATCH_H

#include "base/bytes.h"
#include "base/status.h"

/* source: canonical JSON of a version. The result is the body of a PUT, not yet checked to be a tree. Any thread. */
trib_status trib_rules_patch(struct trib_bytes source, struct trib_bytes node, struct trib_bytes patch,
			     struct trib_buffer *ret_source, struct trib_error *error);

#endif
