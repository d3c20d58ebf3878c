/* What the tests of plays share: rule trees of which every one is right, and values written with ' for ". */
#ifndef TRIB_TEST_PLAY_TREES_H
#define TRIB_TEST_PLAY_TREES_H

#include "test.h"

#include "play/private.h"

static inline trib_status check_tree(void *context, struct trib_bytes name, struct trib_bytes json, struct trib_error *error)
{
	return TRIB_OK;
}

static const struct trib_play_trees trees = { .check = check_tree };

static inline const struct trib_json *json_of(const char *text, struct trib_arena *arena)
{
	char *copy = trib_arena_copy(arena, trib_bytes_text(text));
	const struct trib_json *json;
	struct trib_error error;

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	assert_ok(trib_json_parse(trib_bytes_text(copy), TRIB_LIMIT_JSON_DEPTH, arena, &json, &error), error);
	return json;
}

#endif
