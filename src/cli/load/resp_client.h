/*
 * A small RESP2 client that pipelines: commands are queued, replies come to a function in the order of the
 * commands.
 *
 *	status = trib_resp_client_connect("127.0.0.1:7390", on_reply, context, &client, &error);
 *	trib_resp_command(client, 2);
 *	trib_resp_argument(client, trib_bytes_text("TRACK"));
 *	trib_resp_argument(client, token);
 *	status = trib_resp_client_wait(client, 4096, &error);   // sends; at most 4096 are then unanswered
 *	status = trib_resp_client_wait(client, 0, &error);      // all are answered
 *
 * One thread.
 */
#ifndef TRIB_CLI_LOAD_RESP_CLIENT_H
#define TRIB_CLI_LOAD_RESP_CLIENT_H

#include "base/bytes.h"
#include "base/status.h"

enum { TRIB_REPLY_ITEMS_MAX = 64 };

/* One node of a reply. Arrays are told by their count; what is in them follows, depth first. */
struct trib_reply_item {
	char type; /* + - : $ * as on the wire; '_' null */
	struct trib_bytes text;
	int64_t number; /* an integer, or the count of an array */
};

struct trib_reply {
	uint32_t count; /* items read; what passes TRIB_REPLY_ITEMS_MAX is left out */
	struct trib_reply_item items[TRIB_REPLY_ITEMS_MAX];
};

struct trib_resp_client;
typedef void trib_on_reply(void *context, const struct trib_reply *reply);

/* address: "host:port", host a number. */
trib_status trib_resp_client_connect(const char *address, trib_on_reply *on_reply, void *context,
				     struct trib_resp_client **ret_client,
				     struct trib_error *error);
void trib_resp_client_free(struct trib_resp_client *client);

/* A command of n arguments, its name counted, begins; each argument follows. */
void trib_resp_command(struct trib_resp_client *client, size_t n);
void trib_resp_argument(struct trib_resp_client *client, struct trib_bytes argument);
void trib_resp_argument_i64(struct trib_resp_client *client, int64_t argument);

trib_status trib_resp_client_wait(struct trib_resp_client *client, uint64_t unanswered_max,
				  struct trib_error *error);

/* Reads one reply from the beginning of input. False: more bytes are needed. *ret_consumed is SIZE_MAX where the
 * bytes are not RESP. */
bool trib_reply_parse(struct trib_bytes input, struct trib_reply *ret_reply, size_t *ret_consumed);

/* A connected socket, for other clients too. */
trib_status trib_connect(const char *address, int *ret_fd, struct trib_error *error);

#endif
