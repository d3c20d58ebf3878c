/*
 * The RESP door: clients over TCP on the engine's thread (libuv), in RESP2 or RESP3, with pipelining.
 *
 *	trib_resp_start(loop, &options, &resp, &error);
 *	… after each turn of the engine:   trib_resp_settle(resp);     // what is durable goes out
 *	… when the engine is lost:         trib_resp_lost(resp);       // what waited is answered -UNKNOWN
 *	trib_resp_stop(resp);
 *
 * Replies of one client leave in the order of its commands, each once the journal has what it tells.
 */
#ifndef TRIB_SERVER_RESP_H
#define TRIB_SERVER_RESP_H

#include <uv.h>
#include "base/metrics.h"
#include "engine/engine.h"
#include "server/auth.h"
#include "server/config.h"
#include "server/tls.h"

struct trib_resp;

struct trib_resp_options {
	const struct trib_address *address;
	const struct trib_auth *auth;
	struct trib_metrics *metrics;
	struct trib_engine *engine;
	struct trib_tls *tls; /* NULL: plain */
	uint32_t rate;	      /* of commands a second, of a token that has none of its own; 0: as many as it likes */
};

trib_status trib_resp_start(uv_loop_t *loop, const struct trib_resp_options *options,
			    struct trib_resp **ret_resp, struct trib_error *error);

uint16_t trib_resp_port(const struct trib_resp *resp);

/* Sends what may leave. Call it after each trib_engine_turn. */
void trib_resp_settle(struct trib_resp *resp);

/* Answers whatever has not left with -UNKNOWN. Call it before trib_engine_recover. */
void trib_resp_lost(struct trib_resp *resp);

/* No new clients, no new commands; settled once every reply has been handed to the kernel. */
void trib_resp_drain(struct trib_resp *resp);
bool trib_resp_drained(const struct trib_resp *resp);

/* Closes everything; memory is freed as the loop runs on. NULL is allowed. */
void trib_resp_stop(struct trib_resp *resp);

#endif
