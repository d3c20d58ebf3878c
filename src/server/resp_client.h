/* One RESP client as its commands see it. Private to the room. */
#ifndef TRIB_SERVER_RESP_CLIENT_H
#define TRIB_SERVER_RESP_CLIENT_H

#include "server/resp.h"
#include "server/resp_wire.h"

struct resp_client {
	struct trib_resp *resp;
	struct trib_engine *engine;
	const struct trib_auth *auth;
	struct trib_buffer *out; /* replies go here */
	uint64_t id;
	int version; /* 2 or 3 */
	bool allowed;	       /* it has said who it is, or nobody has to */
	bool attributes;       /* it may ATTRIBUTE: looked at once for many orders */
	bool authenticated;    /* by an access token, which is: */
	struct trib_credential who;
	uint32_t rate;	     /* commands a second; 0: as many as it likes */
	uint64_t may;	     /* bits of the commands that its role may */
	uint64_t generation; /* of the directory when this was looked at */
	bool closing; /* after the replies */
	bool subscribed; /* is told of changes of the market */
	char name[64];
};

struct resp_totals {
	uint64_t clients, commands;
	uint16_t port;
	int64_t started_ms;
};
const struct resp_totals *resp_totals(const struct trib_resp *resp);

/* Of a token that has no rate of its own; and one command more of a client that has one: false where that is too often. */
uint32_t resp_default_rate(const struct trib_resp *resp);
bool resp_take_turn(struct trib_resp *resp, const struct resp_client *client);

/* Lines of CLIENT LIST: of all, of one. */
void resp_list_clients(const struct trib_resp *resp, struct trib_buffer *out);
void resp_describe_client(const struct resp_client *client, struct trib_buffer *out);

/* What it may, at its beginning; and again before its next commands, where access has changed or its token expired. */
void resp_set_rights(struct resp_client *client);
void resp_look_again(struct resp_client *client);

/*
 * Runs commands in order, one reply each. Neighbouring orders are decided as one batch. Views in `args` stay
 * valid until resp_commands_flush.
 */
void resp_command(struct resp_client *client, const struct trib_bytes *args, size_t n);
void resp_commands_flush(struct resp_client *client);
/* Instead of a command that comes too soon. */
void resp_refuse_rate(struct resp_client *client);

/* resp_shelf.c */
void resp_shelf(struct resp_client *client, const struct trib_bytes *args, size_t n);
void resp_shelve(struct resp_client *client, const struct trib_bytes *args, size_t n);
void resp_unshelve(struct resp_client *client, const struct trib_bytes *args, size_t n);
void resp_shelf_order(struct resp_client *client, const struct trib_bytes *args, size_t n);
void resp_shelf_clear(struct resp_client *client, const struct trib_bytes *args, size_t n);
void resp_shelf_count(struct resp_client *client, const struct trib_bytes *args, size_t n);

#endif
