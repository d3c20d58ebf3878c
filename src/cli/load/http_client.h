/*
 * One HTTP request after another, each on a connection of its own: enough to load a marketplace.
 *
 *	status = trib_http_begin("127.0.0.1:7380", "POST", "/api/v1/goods:import", "application/x-ndjson", &http, &error);
 *	status = trib_http_send(http, lines, &error);                  // as often as wanted
 *	status = trib_http_end(http, &code, &body, &error);            // frees it, whatever became of it
 */
#ifndef TRIB_CLI_LOAD_HTTP_CLIENT_H
#define TRIB_CLI_LOAD_HTTP_CLIENT_H

#include "base/bytes.h"
#include "base/status.h"

struct trib_http;

/* The body goes in chunks, so that its length need not be known. */
trib_status trib_http_begin(const char *address, const char *method, const char *path,
			    const char *type, struct trib_http **ret_http,
			    struct trib_error *error);
trib_status trib_http_send(struct trib_http *http, struct trib_bytes part,
			   struct trib_error *error);

/* ret_body is added to; the answer's status line gives the code. */
trib_status trib_http_end(struct trib_http *http, int *ret_code, struct trib_buffer *ret_body,
			  struct trib_error *error);
void trib_http_free(struct trib_http *http);

/* All at once. A code of 300 or more is a failure that tells the body's beginning. */
trib_status trib_http_request(const char *address, const char *method, const char *path,
			      struct trib_bytes body, struct trib_buffer *ret_body,
			      struct trib_error *error);

/* All at once, with a bearer token ("" for none); the code is the caller's to judge. */
trib_status trib_http_ask(const char *address, const char *method, const char *path, const char *token,
			  struct trib_bytes body, int *ret_code, struct trib_buffer *ret_body,
			  struct trib_error *error);

/* GET with a bearer token ("" for none); the answer may be of any size. */
trib_status trib_http_get(const char *address, const char *path, const char *token, struct trib_buffer *ret_body,
			  struct trib_error *error);

#endif
