/*
 * Sockets, as little of HTTP and RESP as the client needs. Every call ends by its deadline (ms of the monotonic clock).
 * One thread a wire.
 */
#ifndef TRIB_CLIENT_WIRE_H
#define TRIB_CLIENT_WIRE_H

#include "base/bytes.h"
#include "base/status.h"

int64_t wire_now_ms(void);

struct wire {
	int fd; /* -1: not connected */
	struct trib_buffer in;
	size_t used; /* of in */
};

void wire_init(struct wire *wire);
void wire_fini(struct wire *wire);
void wire_close(struct wire *wire);
trib_status wire_connect(struct wire *wire, const char *address, int64_t deadline_ms, struct trib_error *error);
trib_status wire_send(struct wire *wire, struct trib_bytes bytes, int64_t deadline_ms, struct trib_error *error);

/* A reply or a push: its items depth first, maps and arrays by their counts. */
struct wire_item {
	char type; /* + - : $ * % > _ */
	struct trib_bytes text;
	int64_t number;
};

enum { WIRE_ITEMS_MAX = 64 };

struct wire_reply {
	uint32_t count;
	struct wire_item items[WIRE_ITEMS_MAX];
};

/* TRIB_NOT_FOUND: none is whole yet. What it points to lives until the next call on the wire. */
trib_status wire_next(struct wire *wire, struct wire_reply *ret_reply, struct trib_error *error);
/* Waits for more bytes; TRIB_LIMIT at the deadline, TRIB_IO where the server has gone. */
trib_status wire_fill(struct wire *wire, int64_t deadline_ms, struct trib_error *error);
/* The two together: the next reply, waited for. */
trib_status wire_reply(struct wire *wire, int64_t deadline_ms, struct wire_reply *ret_reply, struct trib_error *error);

/* A command: "*n", then each argument. */
void wire_command(struct trib_buffer *out, size_t n);
void wire_argument(struct trib_buffer *out, struct trib_bytes argument);

/* GET on a connection of its own. The body is added to ret_body; a code of 300 and more is TRIB_REFUSED. */
trib_status wire_http_get(const char *address, const char *path, const char *access_token, int64_t deadline_ms,
			  struct trib_buffer *ret_body, struct trib_error *error);

#endif
