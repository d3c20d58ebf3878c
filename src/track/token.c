/* Encoding, the portable decoder, and the choice between it and the one for wide vectors. */
#include "track/token.h"

#include <inttypes.h>
#include "track/base64.h"
#include "track/ext.h"
#include "track/siphash.h"
#include "track/wire.h"

const char *trib_token_result_word(enum trib_token_result result)
{
	switch (result) {
#define X(name, number, word, text)                                                                \
	case TRIB_TOKEN_##name:                                                                    \
		return word;
		TRIB_TOKEN_RESULT_TABLE(X)
#undef X
	}
	return "unknown";
}

static uint8_t *put(uint8_t *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*out++ = (uint8_t)(value | 0x80);
	*out++ = (uint8_t)value;
	return out;
}

static unsigned flags_of(const struct trib_token *token)
{
	return (token->carrier_kind ? TRIB_WIRE_CARRIER_KIND : 0) |
	       (token->carrier ? TRIB_WIRE_CARRIER : 0) |
	       (token->carrier_owner ? TRIB_WIRE_CARRIER_OWNER : 0) |
	       (token->page ? TRIB_WIRE_PAGE : 0) | (token->offer ? TRIB_WIRE_OFFER : 0) |
	       (token->ext_size ? TRIB_WIRE_EXT : 0) | (token->ext_kept ? TRIB_WIRE_EXT_KEPT : 0);
}

/* All before the MAC. Longer than any token may be: up to 79 bytes of numbers, 16 of ext. */
enum { BODY_ROOM = 128 };

static size_t write_body(const struct trib_token *token, uint32_t key, uint8_t body[BODY_ROOM])
{
	uint8_t *out = body;

	*out++ = TRIB_TOKEN_FORMAT;
	out = put(out, key);
	out = put(out, flags_of(token));
	out = put(out, token->order_engine);
	out = put(out, token->goods_engine);
	out = put(out, token->link);
	out = put(out, token->registration);
	out = put(out, token->plan);
	out = put(out, token->plan_version);
	out = put(out, token->goods);
	out = put(out, token->creator);
	out = put(out, token->channel);
	out = put(out, (uint64_t)token->issued_at_ms);
	if (token->carrier_kind)
		out = put(out, token->carrier_kind);
	if (token->carrier)
		out = put(out, token->carrier);
	if (token->carrier_owner)
		out = put(out, token->carrier_owner);
	if (token->page)
		out = put(out, token->page);
	if (token->offer)
		out = put(out, token->offer == token->plan ? 0 : token->offer);
	memcpy(out, token->ext, token->ext_size);
	return (size_t)(out - body) + token->ext_size;
}

static trib_status check(const struct trib_token *token, struct trib_error *error)
{
	if (token->link > TRIB_TOKEN_LINK_MAX)
		return trib_fail(error, TRIB_INVALID, "link",
				 "found %" PRIu64 ", expected at most %" PRIu64, token->link,
				 TRIB_TOKEN_LINK_MAX);
	if (token->issued_at_ms < 0 || token->issued_at_ms > TRIB_TOKEN_TIME_MAX_MS)
		return trib_fail(error, TRIB_INVALID, "issued_at",
				 "found %" PRId64 ", expected 0 to %" PRId64, token->issued_at_ms,
				 TRIB_TOKEN_TIME_MAX_MS);
	if (token->ext_size > TRIB_LIMIT_TOKEN_EXT_BYTES ||
	    !trib_ext_valid(trib_bytes(token->ext, token->ext_size)))
		return trib_fail(error, TRIB_INVALID, "ext",
				 "found %u bytes, expected at most %d of the canonical form",
				 token->ext_size, TRIB_LIMIT_TOKEN_EXT_BYTES);
	return TRIB_OK;
}

trib_status trib_token_encode(const struct trib_keys *keys, const struct trib_token *token,
			      char ret_text[TRIB_LIMIT_TOKEN_CHARS], size_t *ret_size,
			      struct trib_error *error)
{
	const struct trib_ring *ring = trib_keys_ring(keys);
	uint8_t bytes[BODY_ROOM + TRIB_WIRE_MAC_BYTES];
	trib_status status = check(token, error);

	if (status != TRIB_OK)
		return status;
	uint32_t id = trib_ring_signer(ring, token->issued_at_ms, token->registration);

	if (id == 0)
		return trib_fail(
			error, TRIB_NOT_FOUND, "key",
			"found no active key, expected one for registration number %" PRIu32
			" at %" PRId64,
			token->registration, token->issued_at_ms);
	size_t size = write_body(token, id, bytes);

	if (size > TRIB_WIRE_BODY_MAX)
		return trib_fail(error, TRIB_TOKEN_TOO_LONG, "token",
				 "found %zu bytes, expected at most %d (%d characters)",
				 size + TRIB_WIRE_MAC_BYTES, TRIB_WIRE_BYTES_MAX,
				 TRIB_LIMIT_TOKEN_CHARS);
	struct trib_mac mac = trib_siphash128(ring->keys[id].secret, bytes, size);

	for (int i = 0; i < TRIB_WIRE_MAC_BYTES; i++)
		bytes[size + (size_t)i] = (uint8_t)(mac.half[i / 8] >> (8 * (i % 8)));
	*ret_size = trib_base64_encode(bytes, size + TRIB_WIRE_MAC_BYTES, ret_text);
	return TRIB_OK;
}

enum trib_token_result trib_token_decode_portable(const struct trib_keys *keys,
						  struct trib_bytes text,
						  struct trib_token *ret_token)
{
	uint8_t bytes[TRIB_WIRE_BYTES_MAX];
	struct trib_token token;

	if (text.size < TRIB_WIRE_CHARS_MIN || text.size > TRIB_LIMIT_TOKEN_CHARS ||
	    !trib_base64_decode(text, bytes))
		return TRIB_TOKEN_MALFORMED;
	size_t size = text.size * 3 / 4 - TRIB_WIRE_MAC_BYTES;

	if (!trib_wire_parse(bytes, size, &token))
		return TRIB_TOKEN_MALFORMED;
	const struct trib_ring_key *key = trib_ring_find(trib_keys_ring(keys), token.key);
	enum trib_token_result result =
		trib_ring_judge(key, token.issued_at_ms, token.registration);

	if (result != TRIB_TOKEN_OK)
		return result;
	struct trib_mac mac = trib_siphash128(key->secret, bytes, size);
	/* No early way out: the time tells nothing of where they differ. */
	uint64_t differs = (mac.half[0] ^ trib_load_le64(bytes + size)) |
			   (mac.half[1] ^ trib_load_le64(bytes + size + 8));

	if (differs)
		return TRIB_TOKEN_MAC;
	*ret_token = token;
	return TRIB_TOKEN_OK;
}

void trib_token_decode_batch_portable(const struct trib_keys *keys, const struct trib_bytes *texts,
				      size_t n, struct trib_token *ret_tokens,
				      enum trib_token_result *ret_results)
{
	for (size_t i = 0; i < n; i++)
		ret_results[i] = trib_token_decode_portable(keys, texts[i], &ret_tokens[i]);
}

static enum trib_token_result (*decode)(const struct trib_keys *, struct trib_bytes,
					struct trib_token *) = trib_token_decode_portable;
static void (*decode_batch)(const struct trib_keys *, const struct trib_bytes *, size_t,
			    struct trib_token *,
			    enum trib_token_result *) = trib_token_decode_batch_portable;

#ifdef __x86_64__
__attribute__((constructor)) static void choose(void)
{
	if (!trib_token_avx512_here())
		return;
	decode = trib_token_decode_avx512;
	decode_batch = trib_token_decode_batch_avx512;
}
#endif

enum trib_token_result trib_token_decode(const struct trib_keys *keys, struct trib_bytes text,
					 struct trib_token *ret_token)
{
	return decode(keys, text, ret_token);
}

void trib_token_decode_batch(const struct trib_keys *keys, const struct trib_bytes *texts, size_t n,
			     struct trib_token *ret_tokens, enum trib_token_result *ret_results)
{
	decode_batch(keys, texts, n, ret_tokens, ret_results);
}
