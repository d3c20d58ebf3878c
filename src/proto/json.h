/*
 * JSON from outside: a strict reader (RFC 8259, UTF-8, no duplicate keys, bounded depth) that builds a tree in
 * an arena, and the few writers that answers need.
 *
 *	const struct trib_json *root;
 *	if (trib_json_parse(text, TRIB_LIMIT_JSON_DEPTH, &arena, &root, &error) != TRIB_OK)
 *		…                                     // error.at is "line 3 column 7"
 *	const struct trib_json *when = trib_json_member(root, "when");
 *
 * Numbers stay as they were written, so that no integer loses a digit.
 */
#ifndef TRIB_PROTO_JSON_H
#define TRIB_PROTO_JSON_H

#include "base/arena.h"
#include "base/status.h"
#include "expr/expr.h"

enum trib_json_kind {
	TRIB_JSON_NULL,
	TRIB_JSON_FALSE,
	TRIB_JSON_TRUE,
	TRIB_JSON_NUMBER,
	TRIB_JSON_STRING,
	TRIB_JSON_ARRAY,
	TRIB_JSON_OBJECT
};

struct trib_json {
	enum trib_json_kind kind;
	uint32_t count;		/* elements or members */
	uint32_t line;		/* where it begins (a member: its name), from 1 */
	struct trib_bytes key;	/* of a member; decoded, NUL-terminated */
	struct trib_bytes text; /* a number as written, a string decoded and NUL-terminated */
	struct trib_json *first, *next; /* children in written order; the next sibling */
};

/* The tree and its strings live in the arena, or point into `text` (numbers). */
trib_status trib_json_parse(struct trib_bytes text, uint32_t depth_max, struct trib_arena *arena,
			    const struct trib_json **ret_root, struct trib_error *error);

/* The member of an object, NULL if there is none (or it is no object). */
const struct trib_json *trib_json_member(const struct trib_json *object, const char *name);

/* What it is, for messages: "a string", "an object". */
const char *trib_json_kind_name(enum trib_json_kind kind);

/* Canonical: keys sorted by bytes, no spaces, strings escaped as trib_json_add_string does; numbers
 * as written. */
void trib_json_add(struct trib_buffer *buffer, const struct trib_json *json,
		   struct trib_arena *arena);

/* The canonical form of a text. */
trib_status trib_json_canonical(struct trib_bytes text, struct trib_arena *arena,
				struct trib_buffer *buffer, struct trib_error *error);

/* As a value of expressions; it points into the tree. Whole numbers are int, others double. INVALID for a number beyond
 * both, NO_MEMORY. */
trib_status trib_json_value(const struct trib_json *json, struct trib_arena *arena, struct trib_value *ret_value);

/* A quoted string; control characters, `"` and `\` are escaped, UTF-8 stays; invalid bytes become
 * U+FFFD. */
void trib_json_add_string(struct trib_buffer *buffer, struct trib_bytes text);

/* The shortest decimal that reads back as the same double; `null` for what JSON cannot say. */
void trib_json_add_double(struct trib_buffer *buffer, double value);

#endif
