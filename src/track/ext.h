/*
 * EXT inside a token: up to 16 bytes of a map, in one canonical form, so that equal maps give equal
 *tokens.
 *
 *	pair := key length (1 byte, 1–…), key, value length (1 byte, 0–…), value
 *	ext  := pairs, keys strictly ascending in byte order
 *
 * What does not fit is kept by the engine under the link id; the token then says so (ext_kept).
 */
#ifndef TRIB_TRACK_EXT_H
#define TRIB_TRACK_EXT_H

#include "base/bytes.h"
#include "base/limits.h"

struct trib_ext_pair {
	struct trib_bytes key, value;
};

/*
 * Packs the pairs from the first on, as many as fit, and returns how many went in; the rest is the
 * caller's to keep or to refuse. Keys must be non-empty and strictly ascending (trib_assert).
 */
size_t trib_ext_pack(const struct trib_ext_pair *pairs, size_t n,
		     uint8_t ret_ext[TRIB_LIMIT_TOKEN_EXT_BYTES], uint8_t *ret_size);

/* Is this the canonical form of some map? A decoded token's ext always is. */
bool trib_ext_valid(struct trib_bytes ext);

/*
 * The next pair, false at the end:
 *	struct trib_bytes rest = trib_bytes(token.ext, token.ext_size);
 *	while (trib_ext_next(&rest, &pair)) …
 */
bool trib_ext_next(struct trib_bytes *rest, struct trib_ext_pair *ret_pair);

#endif
