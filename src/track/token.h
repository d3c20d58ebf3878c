/*
 * The token's codec: a struct of numbers to URL-safe text and back. No allocation, no lock, no
 * system call; constant-time comparison of the MAC. One content has one text: whatever is not the
 * canonical form is refused.
 *
 * Not checked here, because only the engine can know: expiry (the registration's token_ttl),
 * whether the link id was issued by us, whether the numbers still name anything.
 */
#ifndef TRIB_TRACK_TOKEN_H
#define TRIB_TRACK_TOKEN_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"

struct trib_keys;

enum { TRIB_TOKEN_FORMAT = 1 };

#define TRIB_TOKEN_LINK_MAX    ((UINT64_C(1) << 48) - 1)
#define TRIB_TOKEN_TIME_MAX_MS ((INT64_C(1) << 48) - 1)

/*
 * What a token says: local numbers (0 = none), the two engine numbers once.
 * registration, plan, channel, link and carrier numbers are the order engine's; goods, creator and
 * carrier_owner are the goods engine's; carrier_kind and page are dictionary codes of the order
 * engine.
 */
struct trib_token {
	uint64_t link;	      /* at most TRIB_TOKEN_LINK_MAX */
	int64_t issued_at_ms; /* 0 to TRIB_TOKEN_TIME_MAX_MS */
	uint32_t registration;
	uint32_t plan, plan_version; /* that won, and the version seen, when the link was made */
	uint32_t offer; /* the plan that the creator chose, which may be `plan` itself; 0: none
			   chosen */
	uint32_t goods;
	uint32_t creator;
	uint32_t channel;
	uint32_t carrier_kind, carrier, carrier_owner; /* whose content it was; each may be 0 */
	uint32_t page;
	uint16_t order_engine, goods_engine;
	uint16_t key;  /* set by decode; encode chooses the key itself */
	bool ext_kept; /* more EXT is kept under the link id */
	uint8_t ext_size;
	uint8_t ext[TRIB_LIMIT_TOKEN_EXT_BYTES]; /* canonical, see track/ext.h; zeros after ext_size
						  */
};

/*
 * Why a text is no token of ours. Where several apply, the lowest number is told. X(NAME, number,
 * word, text). Numbers and words never change: they are in events and replies.
 */
#define TRIB_TOKEN_RESULT_TABLE(X)                                                                 \
	X(OK, 0, "ok", "verified")                                                                 \
	X(MALFORMED, 1, "malformed", "not a token's canonical text")                               \
	X(UNKNOWN_KEY, 2, "unknown_key", "signed with a key that is not here")                     \
	X(KEY_NOT_VALID, 3, "key_not_valid", "the key is retired, or not for this time or scope")  \
	X(MAC, 4, "mac", "changed, or signed by somebody else")

enum trib_token_result {
#define X(name, number, word, text) TRIB_TOKEN_##name = number,
	TRIB_TOKEN_RESULT_TABLE(X)
#undef X
};

const char *trib_token_result_word(enum trib_token_result result);

/*
 * Signs with the newest active key that is valid at the issue time and whose scope is the
 * registration, else
 * "*". Writes up to TRIB_LIMIT_TOKEN_CHARS characters, no terminator.
 *   TRIB_TOKEN_TOO_LONG  the numbers and EXT together do not fit (EXT may go under the link id
 * instead) TRIB_NOT_FOUND       no key may sign this TRIB_INVALID         a number is out of range
 * or ext is not canonical
 */
trib_status trib_token_encode(const struct trib_keys *keys, const struct trib_token *token,
			      char ret_text[TRIB_LIMIT_TOKEN_CHARS], size_t *ret_size,
			      struct trib_error *error);

/* Parses and verifies. *ret_token is written on OK only. */
enum trib_token_result trib_token_decode(const struct trib_keys *keys, struct trib_bytes text,
					 struct trib_token *ret_token);

/*
 * The same for many at once, which costs a fraction per token: lanes of vector registers work on
 * different tokens. ret_results[i] is exactly what trib_token_decode would say; ret_tokens[i] is
 * meaningful where that is OK and unspecified elsewhere. Any n; multiples of 16 are the cheapest.
 */
void trib_token_decode_batch(const struct trib_keys *keys, const struct trib_bytes *texts, size_t n,
			     struct trib_token *ret_tokens, enum trib_token_result *ret_results);

#endif
