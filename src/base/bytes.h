/*
 * Bytes: a view that owns nothing, and a buffer that grows up to a stated maximum.
 *
 *	struct trib_buffer reply;
 *	trib_buffer_init(&reply, 64 << 10);
 *	trib_buffer_add_text(&reply, "hello ");
 *	trib_buffer_add_format(&reply, "%d", 7);
 *	if (reply.failed)        // passed its maximum: nothing was added from then on
 *		…
 *	trib_buffer_fini(&reply);
 *
 * Not thread-safe; one owner each.
 */
#ifndef TRIB_BASE_BYTES_H
#define TRIB_BASE_BYTES_H

#include <stdbool.h>
#include <string.h>
#include "base/macros.h"

/* Somebody else's bytes. A string view is the same thing: no terminator is promised. */
struct trib_bytes {
	const char *data;
	size_t size;
};

#define TRIB_BYTES_FMT	  "%.*s"
#define TRIB_BYTES_ARG(b) (int)(b).size, (b).data

static inline struct trib_bytes trib_bytes(const void *data, size_t size)
{
	return (struct trib_bytes){ (const char *)data, size };
}

static inline struct trib_bytes trib_bytes_text(const char *text)
{
	return (struct trib_bytes){ text, text ? strlen(text) : 0 };
}

static inline bool trib_bytes_equal(struct trib_bytes a, struct trib_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool trib_bytes_is(struct trib_bytes a, const char *text)
{
	return trib_bytes_equal(a, trib_bytes_text(text));
}

/* Byte order, shorter first where one is the other's beginning. */
int trib_bytes_compare(struct trib_bytes a, struct trib_bytes b);

/* Whole decimal integer with optional '-'; false where it is anything else or does not fit. */
bool trib_bytes_to_i64(struct trib_bytes text, int64_t *ret_value);
bool trib_bytes_to_u64(struct trib_bytes text, uint64_t *ret_value);

/* Length of the well-formed UTF-8 sequence that text begins with, 0 if there is none. */
size_t trib_utf8_step(struct trib_bytes text);

/*
 * A decimal such as "19.995" or "-2.5e3" as a whole number of 10^-places units ("19.995" with 2 places: 2000), exactly
 * rounded half to even; false where it is anything else or does not fit.
 */
bool trib_bytes_to_decimal(struct trib_bytes text, unsigned places, int64_t *ret_units);

/* Valid UTF-8 (no surrogates, no overlong forms)? */
bool trib_utf8_valid(struct trib_bytes text);

/* An external id: 1–64 bytes of UTF-8 without space, control character or '/'. */
bool trib_external_id_valid(struct trib_bytes text);

struct trib_buffer {
	char *data;
	size_t size;
	size_t capacity;
	size_t size_max; /* what an outsider can make it hold */
	bool failed; /* an addition would have passed size_max; it and all later ones were dropped */
};

void trib_buffer_init(struct trib_buffer *buffer, size_t size_max);
void trib_buffer_fini(struct trib_buffer *buffer);
void trib_buffer_reset(struct trib_buffer *buffer); /* empties, keeps the memory, clears failed */

/* Makes room for `size` more bytes and returns where they go (size is not advanced); NULL past size_max. */
char *trib_buffer_reserve(struct trib_buffer *buffer, size_t size);

void trib_buffer_add(struct trib_buffer *buffer, const void *data, size_t size);
void trib_buffer_add_bytes(struct trib_buffer *buffer, struct trib_bytes bytes);
void trib_buffer_add_text(struct trib_buffer *buffer, const char *text);
void trib_buffer_add_char(struct trib_buffer *buffer, char c);
void trib_buffer_add_i64(struct trib_buffer *buffer, int64_t value);
void trib_buffer_add_u64(struct trib_buffer *buffer, uint64_t value);
void trib_buffer_add_format(struct trib_buffer *buffer, const char *format, ...) TRIB_PRINTF(2, 3);

/* The text, terminated; valid until the next call on the buffer. */
const char *trib_buffer_text(struct trib_buffer *buffer);

static inline struct trib_bytes trib_buffer_bytes(const struct trib_buffer *buffer)
{
	return trib_bytes(buffer->data, buffer->size);
}

/* Writes value in decimal; returns the length, at most 20. No terminator. */
size_t trib_format_u64(char *ret_text, uint64_t value);
size_t trib_format_i64(char *ret_text, int64_t value);

#endif
