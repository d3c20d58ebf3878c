/*
 * YAML, read into the same tree as JSON, so that one schema checks both.
 *
 *	const struct trib_json *root;
 *	if (trib_yaml_parse(text, TRIB_LIMIT_JSON_DEPTH, &arena, &root, &error) != TRIB_OK)
 *		…                                     // error.at is "line 3 column 7"
 *
 * A plain scalar that JSON could write is that value: null (or nothing, or ~), true, false, numbers. All others are
 * strings, so `no`, `on`, `007` and `12:30` are what they look like. One document; no anchors, aliases or tags; no
 * name twice.
 */
#ifndef TRIB_PLAY_YAML_H
#define TRIB_PLAY_YAML_H

#include "proto/proto.h"

/* The tree lives in the arena, and points to nothing else. */
trib_status trib_yaml_parse(struct trib_bytes text, uint32_t depth_max, struct trib_arena *arena,
			    const struct trib_json **ret_root, struct trib_error *error);

#endif
