/*
 * URL-safe base64 without padding (RFC 4648, section 5), canonical: the unused bits of the last
 * character must be zero, so that every byte string has exactly one text.
 */
#ifndef TRIB_TRACK_BASE64_H
#define TRIB_TRACK_BASE64_H

#include "base/bytes.h"

/* Returns the number of characters, ⌈size × 4 / 3⌉. */
size_t trib_base64_encode(const uint8_t *data, size_t size, char *ret_text);

/* Writes text.size × 3 / 4 bytes; false where text is not canonical. */
bool trib_base64_decode(struct trib_bytes text, uint8_t *ret_data);

#endif
