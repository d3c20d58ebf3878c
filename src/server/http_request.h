/*
 * One request under way, private to the HTTP door. Its life:
 *
 *	          head read          body read              done()
 *	(new) ─────────────► READING ─────────► WAITING ─────────► ANSWERING ─► (freed by completed)
 *	                        ▲                  │
 *	                        └── import: more ──┘
 *
 * READING and ANSWERING belong to the HTTP thread. In WAITING the connection is suspended and the request belongs
 * to whoever holds the call: the engine, or the list of waiting requests. A request that was refused goes on
 * READING, so that its client has sent all and reads the answer; nothing of the body is kept.
 */
#ifndef TRIB_SERVER_HTTP_REQUEST_H
#define TRIB_SERVER_HTTP_REQUEST_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include "base/clock.h"
#include "base/limits.h"
#include "server/guard.h"
#include "server/http.h"
#include "server/lockout.h"
#include "server/limiter.h"
#include "server/routes.h"
#include "server/workers.h"

/* What the clock thread knows of a connection. */
struct trib_http_connection {
	struct trib_http_connection *next, *previous;
	int socket;
	_Atomic int64_t deadline_ns; /* 0: none */
};

#define TRIB_HTTP_COOKIE "tributary_session"

struct trib_http {
	struct trib_http_options options;
	struct trib_guard guard;
	struct MHD_Daemon *daemon;
	struct trib_buffer openapi;
	uint16_t port;
	int listening; /* the socket, once libmicrohttpd has given it back */

	_Atomic uint64_t position; /* the newest that an answer told */
	_Atomic int in_flight;	   /* calls that the engine has */
	_Atomic int answers; /* requests that were handed to the engine and are not answered yet */
	_Atomic bool draining;
	_Atomic size_t memory; /* held by requests; HTTP_MEMORY_BYTES */

	struct trib_workers *passwords, *filters;
	struct trib_lockout *lockout;
	struct trib_limiter limiter; /* on the HTTP thread alone */

	pthread_t clock_thread;
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t wake;
	bool stopping;
	struct trib_http_connection *connections;
	struct trib_http_request *waiting; /* for a position, or room in the ring */
	struct trib_call probe;		   /* asks for the position */
	_Atomic bool probing;
};

struct trib_http_filter;

enum trib_http_phase { TRIB_HTTP_READING, TRIB_HTTP_WAITING, TRIB_HTTP_ANSWERING };

struct trib_http_import;

struct trib_http_request {
	struct trib_http *http;
	struct MHD_Connection *connection;
	struct trib_http_connection *client;
	enum trib_http_phase phase;
	bool begun, refused, close, counted;
	struct trib_route_match match;
	struct trib_arena arena;
	struct trib_buffer body;
	size_t received, charged;
	int64_t started_ns;
	uint64_t at_least;
	struct trib_http_import *import;
	struct trib_http_filter *filter;
	struct trib_call call;

	struct trib_credential who; /* where known */
	bool known, drops_cookie, head_only;
	uint32_t retry_after; /* seconds */
	char from[64], action[160];
	struct trib_work work;

	struct trib_http_request *next_waiting;
	int64_t wait_until_ns;
};

static inline int64_t trib_http_now_ns(void)
{
	return trib_clock_monotonic_ns(trib_clock_system());
}

/* ---- http.c */

/* Suspends the connection and gives the call to the engine, once at_least is reached and the ring has room. */
void trib_http_request_submit(struct trib_http_request *request);

/* Waits for what will give the call back: the engine, a worker. */
void trib_http_request_suspend(struct trib_http_request *request);
/* Any thread: gives the call to the engine; false where it takes none. */
bool trib_http_give(struct trib_http *http, struct trib_call *call);
/* Any thread: the request that was suspended is answered with what its call says; with `busy`. Its last use there. */
void trib_http_request_wake(struct trib_http_request *request);
void trib_http_request_busy(struct trib_http_request *request);

/* Counts bytes against HTTP_MEMORY_BYTES until the request ends; false, nothing counted, when it is full. */
bool trib_http_request_charge(struct trib_http_request *request, size_t bytes);

void trib_http_request_set_deadline(struct trib_http_request *request, int64_t from_ns,
				    size_t bytes);

/* ---- http_request.c */

/* The head has been read: who asks, what for. What is wrong is kept as the answer (request->refused). */
void trib_http_request_begin(struct trib_http_request *request, const char *method, const char *url,
			     const char *version);

/* Some of the body; takes all of it. */
void trib_http_request_body(struct trib_http_request *request, struct trib_bytes data);

/* The body is whole: parses it into the call. */
void trib_http_request_parse(struct trib_http_request *request);

/*
 * A message of a body, or of a line of an import. Who acts for a party may leave out whose an entity is (`merchant` of
 * goods): it is the party's. TRIB_INVALID … with the place.
 */
trib_status trib_http_request_read(const struct trib_http_request *request, const ProtobufCMessageDescriptor *descriptor,
				   struct trib_bytes text, struct trib_arena *arena, ProtobufCMessage **ret_message,
				   struct trib_error *error);

/* The first thing wrong with a request is what it is answered. */
void trib_http_request_refuse(struct trib_http_request *request, trib_status status,
			      int http_status, const char *at, const char *format, ...)
	TRIB_PRINTF(5, 6);

/* ---- trib_http_request_answer.c */

enum MHD_Result trib_http_request_answer(struct trib_http_request *request);

/* Names the cells of our metrics. */
void trib_http_label_metrics(struct trib_metrics *metrics);

/* ---- http_import.c: lines become batches of items, a call each. */

struct trib_http_import *trib_http_import_new(struct trib_http_request *request, bool atomic);
void trib_http_import_free(struct trib_http_import *import);

/* Takes lines from data until a batch is full; returns how many bytes were taken. */
size_t trib_http_import_feed(struct trib_http_import *import, struct trib_bytes data);

/* The body has ended: the last line may lack its newline. */
void trib_http_import_end(struct trib_http_import *import);

/* Is there a batch for the engine? Then the request's call is set up for it. */
bool trib_http_import_ready(struct trib_http_import *import);

/* The engine gave the batch back: counts what became of its items. */
void trib_http_import_collect(struct trib_http_import *import);

/* Adds the ImportAnswer; where not a single line got through and storage is why, the request is refused instead. */
void trib_http_import_print(struct trib_http_import *import, struct trib_buffer *reply);

/* The value of a header, empty where there is none; one that is sent twice is refused. */
struct trib_bytes trib_http_request_header(struct trib_http_request *request, const char *name);

/* ---- http_access.c */

/* Who asks, before anything else is looked at; whether they may, once the route is known; what the audit log is told. */
void trib_http_access_identify(struct trib_http_request *request, const char *method, const char *url);
void trib_http_access_check(struct trib_http_request *request, const char *method);
void trib_http_access_note(struct trib_http_request *request);

/* ---- http_password.c */

/* True: a worker looks at the password and gives the call to the engine then, or the request is refused. */
bool trib_http_password_take(struct trib_http_request *request);

/* ---- http_filter.c */

/* Of ?filter=; refuses the request where it is no condition over the items of its list. */
void trib_http_filter_make(struct trib_http_request *request, struct trib_bytes source);
void trib_http_filter_free(struct trib_http_filter *filter);
/* The engine has given a page: true if a worker goes on with it. */
bool trib_http_filter_take(struct trib_http_request *request);

#endif
