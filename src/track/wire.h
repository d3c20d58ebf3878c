/*
 * The bytes of a token, format 1. Private to the room.
 *
 *	  0      1        2       3              3+n    size-16        size
 *	+------+--------+-------+-- … ---------+- … --+---------------+
 *	| 0x01 | key id | flags | numbers      | ext  | MAC, 16 bytes |
 *	+------+--------+-------+-- … ---------+- … --+---------------+
 *	format  all varints, shortest form       ≤ 16   SipHash-2-4-128 of all before it
 *
 *	numbers: order engine, goods engine, link, registration, plan, plan version, goods, creator,
 *channel, issued at (ms); then those whose flag is set: carrier kind, carrier, carrier owner, page,
 *offer
 *
 * A varint is little-endian base 128 (as in protobuf); a form with a needless last zero byte is
 *refused. A number whose flag is set is not 0, but for the offer: there 0 means the plan itself,
 *and the plan's own number is refused. ext has no length: it is what stands between the numbers and
 *the MAC, not empty if its flag is set and nothing if not. So one content has one string of bytes,
 *and base64.h gives it one text.
 */
#ifndef TRIB_TRACK_WIRE_H
#define TRIB_TRACK_WIRE_H

#include "track/ring.h"

enum {
	TRIB_WIRE_CARRIER_KIND = 1 << 0,
	TRIB_WIRE_CARRIER = 1 << 1,
	TRIB_WIRE_CARRIER_OWNER = 1 << 2,
	TRIB_WIRE_PAGE = 1 << 3,
	TRIB_WIRE_OFFER = 1 << 4,
	TRIB_WIRE_EXT = 1 << 5,
	TRIB_WIRE_EXT_KEPT = 1 << 6,

	TRIB_WIRE_OPTIONAL = 0x1f, /* flags that bring a number each */
	TRIB_WIRE_NUMBERS = 12,	   /* that are always there, key id and flags among them */
	TRIB_WIRE_MAC_BYTES = 16,
	TRIB_WIRE_BYTES_MAX = TRIB_LIMIT_TOKEN_CHARS * 3 / 4,
	TRIB_WIRE_BYTES_MIN = 1 + TRIB_WIRE_NUMBERS + TRIB_WIRE_MAC_BYTES,
	TRIB_WIRE_CHARS_MIN = (TRIB_WIRE_BYTES_MIN * 4 + 2) / 3,
	TRIB_WIRE_BODY_MAX = TRIB_WIRE_BYTES_MAX - TRIB_WIRE_MAC_BYTES,
};

/* Body: all before the MAC. False where it is not canonical. Writes *ret_token in any case. */
bool trib_wire_parse(const uint8_t *body, size_t size, struct trib_token *ret_token);

/* Copies ext and checks it; the fast parser leaves this rare part to the portable one. */
bool trib_wire_take_ext(const uint8_t *ext, size_t size, struct trib_token *token);

/* The two ways to do the work; trib_token_decode and its batch form choose one at start. */
enum trib_token_result trib_token_decode_portable(const struct trib_keys *keys,
						  struct trib_bytes text,
						  struct trib_token *ret_token);
void trib_token_decode_batch_portable(const struct trib_keys *keys, const struct trib_bytes *texts,
				      size_t n, struct trib_token *ret_tokens,
				      enum trib_token_result *ret_results);

#ifdef __x86_64__
bool trib_token_avx512_here(void);
enum trib_token_result trib_token_decode_avx512(const struct trib_keys *keys,
						struct trib_bytes text,
						struct trib_token *ret_token);
void trib_token_decode_batch_avx512(const struct trib_keys *keys, const struct trib_bytes *texts,
				    size_t n, struct trib_token *ret_tokens,
				    enum trib_token_result *ret_results);
#endif

#endif
