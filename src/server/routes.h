/*
 * Every path of the HTTP door, in one table: the server routes by it and /openapi.json is made of it.
 *
 *	struct trib_route_match match;
 *	enum trib_route_result result = trib_route_find("GET", path, &match);
 *
 * Patterns are matched against the path as it was sent, percent-encoded; what `{…}` captured is decoded later.
 * So `:` and `/` in an id can be written %3A and %2F. `{order}` and `{line}` may hold a `/`;
 * `{action}` is what stands behind the last `:`.
 */
#ifndef TRIB_SERVER_ROUTES_H
#define TRIB_SERVER_ROUTES_H

#include "base/arena.h"
#include "engine/call.h"

enum trib_route_body {
	TRIB_BODY_NONE,
	TRIB_BODY_MESSAGE, /* one JSON object, a message */
	TRIB_BODY_NOUN,	   /* one entity of {noun} */
	TRIB_BODY_RULES,   /* a rule tree: JSON that the rules room reads */
	TRIB_BODY_LINES,   /* NDJSON of entities */
};

enum trib_route_action {
	TRIB_ACTION_CALL,
	TRIB_ACTION_IMPORT,
	TRIB_ACTION_OPENAPI,
	TRIB_ACTION_METRICS,
	TRIB_ACTION_FACTS,
	TRIB_ACTION_LINES,
	TRIB_ACTION_LIFE,
	TRIB_ACTION_COMPLETE,
};

/* Query parameters that a route takes. */
enum trib_param {
	TRIB_PARAM_AT_LEAST = 1 << 0,
	TRIB_PARAM_FILTER = 1 << 30,
	TRIB_PARAM_LIMIT = 1 << 1,
	TRIB_PARAM_CURSOR = 1 << 2,
	TRIB_PARAM_PARTY = 1 << 3,
	TRIB_PARAM_ROLE = 1 << 4,
	TRIB_PARAM_CURRENCY = 1 << 5,
	TRIB_PARAM_ATOMIC = 1 << 6,
	TRIB_PARAM_TEXT = 1 << 7,
	TRIB_PARAM_CREATOR = 1 << 8,
	TRIB_PARAM_OFFER = 1 << 9,
	TRIB_PARAM_KIND = 1 << 16,
	TRIB_PARAM_STAGE = 1 << 17,
	TRIB_PARAM_DETAIL = 1 << 18,
	TRIB_PARAM_AT = 1 << 10,
	TRIB_PARAM_REGISTRATION = 1 << 11,
	TRIB_PARAM_FROM = 1 << 19,
	TRIB_PARAM_TO = 1 << 20,
	TRIB_PARAM_FORMAT = 1 << 21,
	TRIB_PARAM_LANG = 1 << 22,
	TRIB_PARAM_PLAN = 1 << 12,
	TRIB_PARAM_LINE = 1 << 13,
	TRIB_PARAM_REQUEST = 1 << 14, /* any field of a play's request (play.h), by its name */
	TRIB_PARAM_SINCE = 1 << 15,
	TRIB_PARAM_DRY_RUN = 1 << 28,
	TRIB_PARAM_STATE = 1 << 23,
	TRIB_PARAM_STATUS = 1 << 29,
	TRIB_PARAM_STEP = 1 << 24,
	TRIB_PARAM_MERCHANT = 1 << 27,
	TRIB_PARAM_PLAY = 1 << 25,
};

struct trib_param_row {
	enum trib_param param;
	const char *name, *schema, *help; /* schema: of OpenAPI */
};
extern const struct trib_param_row trib_params[];
extern const size_t trib_params_count;
const struct trib_param_row *trib_param_find(const char *name);

struct trib_route {
	const char *method, *pattern;
	enum trib_route_action action;
	enum trib_call_kind call;
	enum trib_route_body body;
	const ProtobufCMessageDescriptor *message; /* of TRIB_BODY_MESSAGE */
	unsigned params;
	const char *answer; /* name of a schema, NULL for free JSON; with a '/' a media type */
	const char *operation, *summary;
};

extern const struct trib_route trib_routes[];
extern const size_t trib_routes_count;

/* The roles that may (engine/access.h). noun: of routes about nouns. */
unsigned trib_route_roles(const struct trib_route *route, enum trib_noun noun, bool writes);

/* What the `{…}` of a pattern stood for, as sent. */
struct trib_route_match {
	const struct trib_route *route;
	struct trib_bytes noun, id, version, node, action;
};

enum trib_route_result { TRIB_ROUTE_FOUND, TRIB_ROUTE_NO_PATH, TRIB_ROUTE_NO_METHOD };

/* HEAD is routed as GET. */
enum trib_route_result trib_route_find(const char *method, struct trib_bytes path,
				       struct trib_route_match *ret_match);

/* "GET, HEAD, PUT": the methods of a path, for Allow. */
void trib_route_allow(struct trib_bytes path, char text[64]);

/* False for a `%` without two hexadecimal digits, or a full arena. */
bool trib_percent_decode(struct trib_bytes raw, struct trib_arena *arena,
			 struct trib_bytes *ret_text);

#endif
