/*
 * cpsTrack: the signed token that a link carries from page to page up to the order, and the keys
 *that sign it.
 *
 *	struct trib_keys *keys;                                   // <data>/keys, locked in memory
 *	status = trib_keys_open(data_dir, TRIB_KEYS_CREATE, clock, &keys, &error);
 *
 *	char text[TRIB_LIMIT_TOKEN_CHARS];
 *	status = trib_token_encode(keys, &token, text, &size, &error);
 *
 *	struct trib_token token;
 *	enum trib_token_result result = trib_token_decode(keys, trib_bytes(text, size), &token);
 *	if (result != TRIB_TOKEN_OK)                              // bad_token, reason by name:
 *		reason = trib_token_result_word(result);
 *
 * The token speaks in numbers only; the engine maps them to external ids. docs/token.md draws the
 *bytes.
 */
#ifndef TRIB_TRACK_TRACK_H
#define TRIB_TRACK_TRACK_H

#include "track/ext.h"
#include "track/keys.h"
#include "track/token.h"

#endif
