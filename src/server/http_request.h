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
#include "server/routes.h"

/* What the clock thread knows of a connection. */
struct trib_http_connection {
	struct trib_http_connection *next, *previous;
	int socket;
	_Atomic int64_t deadline_ns; /* 0: none */
};

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

	pthread_t clock_thread;
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t wake;
	bool stopping;
	struct trib_http_connection *connections;
	struct trib_http_request *waiting; /* for a position, or room in the ring */
	struct trib_call probe;		   /* asks for the position */
	_Atomic bool probing;
};

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
	struct trib_call call;

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

#endif
