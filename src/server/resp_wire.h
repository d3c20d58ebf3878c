/*
 * The RESP wire, versions 2 and 3: commands in, replies out. Knows nothing of sockets or of what commands mean.
 *
 *	"*2\r\n$5\r\nTRACK\r\n$3\r\nabc\r\n"   or inline   "TRACK abc\r\n"
 */
#ifndef TRIB_SERVER_RESP_WIRE_H
#define TRIB_SERVER_RESP_WIRE_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"

enum trib_resp_parse {
	TRIB_RESP_COMMAND,    /* one whole command; n may be 0 (an empty line) */
	TRIB_RESP_INCOMPLETE, /* more bytes are needed */
	TRIB_RESP_REFUSED,    /* not RESP, or past a limit: reply the error, close the connection */
};

/*
 * Reads one command from the beginning of `input`. On COMMAND, *ret_consumed bytes are used up and args[0..n)
 * are views into the input. `args` holds TRIB_LIMIT_RESP_ARGUMENTS. On REFUSED, error->text says why.
 */
enum trib_resp_parse trib_resp_parse(struct trib_bytes input, struct trib_bytes *args, size_t *ret_n,
				     size_t *ret_consumed, struct trib_error *error);

/* --- Replies ------------------------------------------------------------------------------------------ */

static inline void trib_resp_header(struct trib_buffer *out, char type, int64_t number)
{
	char *place = trib_buffer_reserve(out, 24);

	if (!place)
		return;
	place[0] = type;
	size_t size = 1 + trib_format_i64(place + 1, number);

	place[size++] = '\r';
	place[size++] = '\n';
	out->size += size;
}

static inline void trib_resp_integer(struct trib_buffer *out, int64_t number)
{
	trib_resp_header(out, ':', number);
}

static inline void trib_resp_array(struct trib_buffer *out, size_t n)
{
	trib_resp_header(out, '*', (int64_t)n);
}

static inline void trib_resp_bulk(struct trib_buffer *out, struct trib_bytes bytes)
{
	char *place = trib_buffer_reserve(out, bytes.size + 26);

	if (!place)
		return;
	trib_resp_header(out, '$', (int64_t)bytes.size);
	trib_buffer_add(out, bytes.data, bytes.size);
	trib_buffer_add(out, "\r\n", 2);
}

static inline void trib_resp_text(struct trib_buffer *out, const char *text)
{
	trib_resp_bulk(out, trib_bytes_text(text));
}

/* "+text" */
void trib_resp_simple(struct trib_buffer *out, const char *text);
/* A map of n pairs: RESP3 "%n", RESP2 a flat array of 2n. */
void trib_resp_map(struct trib_buffer *out, int version, size_t n);
void trib_resp_null(struct trib_buffer *out, int version);
/* Where an array could stand: in RESP2 that is another null. */
void trib_resp_null_array(struct trib_buffer *out, int version);
/* Text for people: RESP3 says so ("=N", "txt:"), RESP2 has bulk strings only. */
void trib_resp_verbatim(struct trib_buffer *out, int version, struct trib_bytes text);
/* "-CODE at: text", without line breaks. */
void trib_resp_error(struct trib_buffer *out, const struct trib_error *error);
void trib_resp_error_text(struct trib_buffer *out, const char *format, ...) TRIB_PRINTF(2, 3);

#endif
