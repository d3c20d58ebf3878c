/*
 * The HTTP door: JSON over HTTP/1.1 by libmicrohttpd, on a thread of its own (epoll).
 *
 *	struct trib_http_options options = { .address = &config.http, .auth = auth, .metrics = metrics,
 *					     .submit = submit, .context = engine };
 *	status = trib_http_start(&options, &http, &error);
 *	…
 *	trib_http_drain(http);                   // no new requests; those under way get their answers
 *	while (!trib_http_drained(http))
 *		…                                // the engine goes on
 *	trib_http_stop(http);
 *
 * A request is read and checked here, becomes a struct trib_call, and waits suspended until the engine gives it
 * back. A second thread looks at the clock: it closes connections that are too slow, and wakes requests that wait
 * for a position (?at_least=) and imports that wait for room in the ring.
 */
#ifndef TRIB_SERVER_HTTP_H
#define TRIB_SERVER_HTTP_H

#include "base/metrics.h"
#include "engine/call.h"
#include "server/auth.h"
#include "server/config.h"
#include "server/tls.h"

struct trib_http;

struct trib_http_options {
	const struct trib_address *address;
	const char *hosts;	      /* --http-hosts */
	const struct trib_auth *auth; /* a token is needed for any address but loopback */
	struct trib_metrics *metrics; /* NULL: none */
	/* trib_engine_submit. The call is given back by its done(), on any thread. */
	bool (*submit)(void *context, struct trib_call *call);
	/* For the audit log: what was refused before the engine was asked. Any thread. NULL: nobody wants to know. */
	void (*refused)(void *context, const struct trib_refusal *refusal);
	void *context;
	/* Is there a secret of that name, to sign deliveries by? Any thread. NULL: whatever is named may be there. */
	bool (*has_secret)(void *secrets, const char *name);
	void *secrets;
	uint32_t rate; /* requests a second of one token or session; 0: as many as it likes */
	int64_t session_idle_ms, session_life_ms; /* 0: 30 min, 12 h */
	struct trib_tls *tls; /* NULL: plain */
	int64_t request_ms; /* a slow client's time, for tests; 0: the limit HTTP_REQUEST_SECONDS */
	int64_t at_least_ms; /* how long ?at_least= waits, for tests; 0: the limit */
};

/* Options, and what they point to, stay with the caller until trib_http_stop. */
trib_status trib_http_start(const struct trib_http_options *options, struct trib_http **ret_http,
			    struct trib_error *error);

/* The port it listens on; of use where the address said 0. */
uint16_t trib_http_port(const struct trib_http *http);

/* Stops listening; what still comes on open connections is answered 503. Returns at once. */
void trib_http_drain(struct trib_http *http);

/* Has the engine given back every call, and has every answer been sent? A client may read slowly: see to the time. */
bool trib_http_drained(struct trib_http *http);

/* Has the engine given back every call? Answers may still be on their way. */
bool trib_http_idle(struct trib_http *http);

/* Closes every connection. Only when drained or, for an end in haste, when idle after trib_http_drain. NULL is allowed. */
void trib_http_stop(struct trib_http *http);

#endif
