/*
 * What the HTTP door reads by itself: the first line of the input is a path, the second a Host, the third an Origin,
 * the fourth a Content-Type; the rest is a body, tried as every message that a route takes. Nothing is served.
 */
#include "base/limits.h"
#include "proto/proto.h"
#include "server/guard.h"
#include "server/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trib_bytes take_line(struct trib_bytes *rest)
{
	const char *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
	size_t size = end ? (size_t)(end - rest->data) : rest->size;
	struct trib_bytes line = trib_bytes(rest->data, size);

	*rest = trib_bytes(rest->data + size + (end != NULL), rest->size - size - (end != NULL));
	return line;
}

/* A capture lies in the path, and decoding never makes it longer. */
static void try_capture(struct trib_bytes capture, struct trib_bytes path, struct trib_arena *arena)
{
	struct trib_bytes text;

	if (!capture.size)
		return;
	trib_assert(capture.data >= path.data &&
		    capture.data + capture.size <= path.data + path.size);
	if (trib_percent_decode(capture, arena, &text)) {
		trib_assert(text.size <= capture.size);
		trib_external_id_valid(text);
	}
}

static const struct trib_route *try_path(struct trib_bytes path, struct trib_arena *arena)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "POST", "DELETE", "PATCH" };
	const struct trib_route *found = NULL;
	struct trib_route_match match;
	char allow[64];

	trib_route_allow(path, allow);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(methods); i++) {
		enum trib_route_result result = trib_route_find(methods[i], path, &match);

		trib_assert((result == TRIB_ROUTE_FOUND) == (strstr(allow, methods[i]) != NULL));
		trib_assert((result == TRIB_ROUTE_NO_PATH) == (allow[0] == '\0'));
		if (result != TRIB_ROUTE_FOUND)
			continue;
		found = match.route;
		try_capture(match.noun, path, arena);
		try_capture(match.id, path, arena);
		try_capture(match.version, path, arena);
	}
	return found;
}

static void try_headers(struct trib_bytes host, struct trib_bytes origin, struct trib_bytes type)
{
	static const char *const addresses[] = { "127.0.0.1:7380", "0.0.0.0:80", "[::]:80",
						 "192.168.1.7:0" };
	struct trib_address address;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(addresses); i++) {
		trib_assert(trib_address_parse(trib_bytes_text(addresses[i]), "", &address, NULL) ==
			    TRIB_OK);
		struct trib_guard guard = { .address = &address,
					    .hosts = "shop.example,other.example" };

		trib_guard_host(&guard, host, NULL);
	}
	trib_guard_origin(origin, host, NULL);
	trib_guard_is_json(type);
	trib_guard_is_lines(type);
	trib_address_parse(host, "", &address, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trib_bytes rest = trib_bytes(data, size);
	struct trib_bytes path = take_line(&rest), host = take_line(&rest),
			  origin = take_line(&rest);
	struct trib_bytes type = take_line(&rest);
	struct trib_arena arena;
	ProtobufCMessage *message;

	trib_arena_init(&arena, 64 << 20);
	const struct trib_route *route = try_path(path, &arena);

	try_headers(host, origin, type);
	if (route && route->message)
		trib_proto_from_json(route->message, rest, &arena, &message, NULL);
	trib_arena_fini(&arena);
	return 0;
}
