#include "track_support.h"

#include <sodium.h>
#include "track/base64.h"
#include "track/siphash.h"
#include "track/wire.h"

static struct data_folder folder;
static struct trib_keys *keys;

static int make_keys(void **state)
{
	struct trib_error error;

	data_folder_make(&folder);
	assert_ok(trib_keys_open(folder.path, TRIB_KEYS_CREATE, trib_clock_system(), &keys, &error),
		  error);
	return 0;
}

static int remove_keys(void **state)
{
	trib_keys_free(keys);
	data_folder_remove(&folder);
	return 0;
}

/* Each way of decoding, so that every test runs on all that this machine can do. */
typedef enum trib_token_result (*decode_fn)(const struct trib_keys *, struct trib_bytes,
					    struct trib_token *);
typedef void (*decode_batch_fn)(const struct trib_keys *, const struct trib_bytes *, size_t,
				struct trib_token *, enum trib_token_result *);

static struct way {
	const char *name;
	decode_fn one;
	decode_batch_fn batch;
} ways[3] = {
	{ "chosen", trib_token_decode, trib_token_decode_batch },
	{ "portable", trib_token_decode_portable, trib_token_decode_batch_portable },
};
static size_t ways_count = 2;

__attribute__((constructor)) static void find_ways(void)
{
#ifdef __x86_64__
	if (trib_token_avx512_here())
		ways[ways_count++] = (struct way){ "avx512", trib_token_decode_avx512,
						   trib_token_decode_batch_avx512 };
#endif
}

/* The result, which must be the same by every way and in every lane of a batch. */
static enum trib_token_result decode(struct trib_bytes text, struct trib_token *ret_token)
{
	enum trib_token_result first = TRIB_TOKEN_OK;
	struct trib_token token = { 0 };

	for (size_t i = 0; i < ways_count; i++) {
		struct trib_bytes texts[3] = { text, trib_bytes("", 0), text };
		enum trib_token_result result[4];
		struct trib_token found[4];

		result[0] = ways[i].one(keys, text, &found[0]);
		ways[i].batch(keys, texts, 3, found + 1, result + 1);
		if (i == 0) {
			first = result[0];
			token = found[0];
		}
		for (int k = 0; k < 4; k++) {
			enum trib_token_result expected = k == 2 ? TRIB_TOKEN_MALFORMED : first;

			if (result[k] != expected)
				fail_msg("%s[%d]: %.*s: %s, expected %s", ways[i].name, k,
					 TRIB_BYTES_ARG(text), trib_token_result_word(result[k]),
					 trib_token_result_word(expected));
			assert_true(result[k] != TRIB_TOKEN_OK || tokens_equal(&found[k], &token));
		}
	}
	if (first == TRIB_TOKEN_OK)
		*ret_token = token;
	return first;
}

static struct trib_bytes encode(const struct trib_token *token, char text[TRIB_LIMIT_TOKEN_CHARS])
{
	struct trib_error error;
	size_t size;

	assert_ok(trib_token_encode(keys, token, text, &size, &error), error);
	return trib_bytes(text, size);
}

static const struct trib_token typical = {
	.link = 123456789012,
	.issued_at_ms = 1763800000000,
	.registration = 3,
	.plan = 812345,
	.plan_version = 2,
	.offer = 812345,
	.goods = 4567890,
	.creator = 23456789,
	.channel = 5,
	.carrier_kind = 7,
	.carrier = 345678901,
	.carrier_owner = 23456790,
	.page = 2,
	.goods_engine = 1,
	.key = 1,
	.ext_size = 7,
	.ext = { 1, 's', 4, 'l', 'i', 'v', 'e' },
};

static const struct {
	const char *name;
	struct trib_token token;
	trib_status status;
} edges[] = {
	/* clang-format off */
	{ "nothing", { 0 }, TRIB_OK },
	{ "greatest link", { .link = TRIB_TOKEN_LINK_MAX }, TRIB_OK },
	{ "link of 49 bits", { .link = TRIB_TOKEN_LINK_MAX + 1 }, TRIB_INVALID },
	{ "greatest time", { .issued_at_ms = TRIB_TOKEN_TIME_MAX_MS }, TRIB_OK },
	{ "time of 49 bits", { .issued_at_ms = TRIB_TOKEN_TIME_MAX_MS + 1 }, TRIB_INVALID },
	{ "time before 1970", { .issued_at_ms = -1 }, TRIB_INVALID },
	{ "offer without plan", { .offer = 9 }, TRIB_OK },
	{ "offer is the plan", { .plan = 9, .offer = 9 }, TRIB_OK },
	{ "ext too long", { .ext_size = 17 }, TRIB_INVALID },
	{ "ext not canonical", { .ext_size = 3, .ext = { 1, 'a', 1 } }, TRIB_INVALID },
	{ "ext of 16 bytes", { .ext_size = 16, .ext = { 1, 'a', 13 } }, TRIB_OK },
	{ "longest",
	  { .link = TRIB_TOKEN_LINK_MAX, .issued_at_ms = TRIB_TOKEN_TIME_MAX_MS, .registration = UINT32_MAX, .plan = UINT32_MAX, .plan_version = UINT32_MAX, .offer = 1, .goods = UINT32_MAX, .creator = UINT32_MAX, .channel = UINT32_MAX, .carrier_kind = UINT32_MAX, .carrier = UINT32_MAX, .carrier_owner = UINT32_MAX, .page = UINT32_MAX, .goods_engine = UINT16_MAX, .order_engine = UINT16_MAX }, TRIB_OK },
	{ "one byte longer",
	  { .link = TRIB_TOKEN_LINK_MAX, .issued_at_ms = TRIB_TOKEN_TIME_MAX_MS, .registration = UINT32_MAX, .plan = UINT32_MAX, .plan_version = UINT32_MAX, .offer = 128, .goods = UINT32_MAX, .creator = UINT32_MAX, .channel = UINT32_MAX, .carrier_kind = UINT32_MAX, .carrier = UINT32_MAX, .carrier_owner = UINT32_MAX, .page = UINT32_MAX, .goods_engine = UINT16_MAX, .order_engine = UINT16_MAX }, TRIB_TOKEN_TOO_LONG },
	/* clang-format on */
};

static void bounds(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(edges); i++) {
		char text[TRIB_LIMIT_TOKEN_CHARS];
		struct trib_token token, expected = edges[i].token;
		struct trib_error error;
		size_t size = 0;
		trib_status status = trib_token_encode(keys, &edges[i].token, text, &size, &error);

		if (status != edges[i].status)
			fail_msg("%s: %s, expected %s", edges[i].name, trib_status_word(status),
				 trib_status_word(edges[i].status));
		if (status != TRIB_OK)
			continue;
		assert_true(size <= TRIB_LIMIT_TOKEN_CHARS);
		if (!strcmp(edges[i].name, "longest"))
			assert_int_equal(size, TRIB_LIMIT_TOKEN_CHARS);
		if (!strcmp(edges[i].name, "nothing"))
			assert_int_equal(size, TRIB_WIRE_CHARS_MIN);
		assert_int_equal(decode(trib_bytes(text, size), &token), TRIB_TOKEN_OK);
		expected.key = 1;
		assert_true(tokens_equal(&token, &expected));
	}
}

static void random_tokens_come_back(void **state)
{
	enum { COUNT = 2000000, GROUP = 37 };
	struct trib_rng rng;
	char texts[GROUP][TRIB_LIMIT_TOKEN_CHARS];
	struct trib_bytes views[GROUP];
	struct trib_token expected[GROUP], found[GROUP];
	enum trib_token_result results[GROUP];

	trib_rng_seed(&rng, trib_test_seed());
	for (int done = 0; done < COUNT; done += GROUP) {
		size_t n = 1 + trib_rng_below(&rng, GROUP);

		for (size_t i = 0; i < n; i++) {
			struct trib_error error;
			size_t size;

			do /* a rare one is too long, which test bounds holds */
				expected[i] = random_token(&rng);
			while (trib_token_encode(keys, &expected[i], texts[i], &size, &error) ==
			       TRIB_TOKEN_TOO_LONG);
			expected[i].key = 1;
			views[i] = trib_bytes(texts[i], size);
		}
		for (size_t way = 1; way < ways_count; way++) {
			ways[way].batch(keys, views, n, found, results);
			for (size_t i = 0; i < n; i++) {
				assert_int_equal(results[i], TRIB_TOKEN_OK);
				assert_true(tokens_equal(&found[i], &expected[i]));
				assert_int_equal(ways[way].one(keys, views[i], &found[i]),
						 TRIB_TOKEN_OK);
				assert_true(tokens_equal(&found[i], &expected[i]));
			}
		}
	}
}

static void any_flipped_bit_is_refused(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 300; round++) {
		struct trib_token token = round ? random_token(&rng) : typical, found;
		char text[TRIB_LIMIT_TOKEN_CHARS];
		struct trib_error error;
		size_t size;

		if (trib_token_encode(keys, &token, text, &size, &error) != TRIB_OK)
			continue;
		for (size_t bit = 0; bit < 8 * size; bit++) {
			text[bit / 8] ^= (char)(1 << (bit % 8));
			assert_int_not_equal(decode(trib_bytes(text, size), &found), TRIB_TOKEN_OK);
			text[bit / 8] ^= (char)(1 << (bit % 8));
		}
	}
}

/* Every other character in every place, not only those one bit away. */
static void any_changed_character_is_refused(void **state)
{
	char text[TRIB_LIMIT_TOKEN_CHARS];
	struct trib_bytes view = encode(&typical, text);
	struct trib_token found;

	for (size_t i = 0; i < view.size; i++) {
		char right = text[i];

		for (int c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (text[i] != right)
				assert_int_not_equal(decode(view, &found), TRIB_TOKEN_OK);
		}
		text[i] = right;
	}
}

static void any_cut_or_extension_is_refused(void **state)
{
	char text[TRIB_LIMIT_TOKEN_CHARS + 8];
	struct trib_bytes view = encode(&typical, text);
	struct trib_token found;

	assert_int_equal(decode(view, &found), TRIB_TOKEN_OK);
	for (size_t size = 0; size < view.size; size++) {
		assert_int_not_equal(decode(trib_bytes(text, size), &found), TRIB_TOKEN_OK);
		assert_int_not_equal(decode(trib_bytes(text + view.size - size, size), &found),
				     TRIB_TOKEN_OK);
	}
	for (size_t more = 1; view.size + more <= sizeof(text); more++) {
		for (int c = 0; c < 256; c++) {
			memset(text + view.size, c, more);
			assert_int_not_equal(decode(trib_bytes(text, view.size + more), &found),
					     TRIB_TOKEN_OK);
		}
	}
}

/* Signs any body, well-formed or not, as somebody who holds the key could. */
static struct trib_bytes sign(const uint8_t *body, size_t size,
			      char text[TRIB_LIMIT_TOKEN_CHARS + 40])
{
	const struct trib_ring *ring = trib_keys_ring(keys);
	uint8_t bytes[128];

	memcpy(bytes, body, size);
	assert_int_equal(crypto_shorthash_siphashx24(bytes + size, bytes, size,
						     (const uint8_t *)ring->keys[1].secret),
			 0);
	return trib_bytes(text, trib_base64_encode(bytes, size + 16, text));
}

static const struct {
	const char *name;
	uint8_t size;
	/* format, key, flags, engines, link, registration, plan, version, goods, creator, channel, time … */
	uint8_t body[40];
	enum trib_token_result expected;
} forms[] = {
	/* clang-format off */
	{ "well", 13, { 1, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_OK },
	{ "format 0", 13, { 0, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_MALFORMED },
	{ "format 2", 13, { 2, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_MALFORMED },
	{ "key 0", 13, { 1, 0, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_UNKNOWN_KEY },
	{ "key 2", 13, { 1, 2, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_UNKNOWN_KEY },
	{ "long key", 14, { 1, 0x81, 0, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_MALFORMED },
	{ "long time", 14, { 1, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 0x87, 0 }, TRIB_TOKEN_MALFORMED },
	{ "two bytes more", 15, { 1, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 0x80, 0x80, 0 }, TRIB_TOKEN_MALFORMED },
	{ "unfinished", 13, { 1, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 0x87 }, TRIB_TOKEN_MALFORMED },
	{ "one byte left", 14, { 1, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 0 }, TRIB_TOKEN_MALFORMED },
	{ "flag 0x80", 14, { 1, 1, 0x80, 1, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_MALFORMED },
	{ "flagged, absent", 13, { 1, 1, 1, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_MALFORMED },
	{ "flagged, zero", 14, { 1, 1, 8, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 0 }, TRIB_TOKEN_MALFORMED },
	{ "flagged", 14, { 1, 1, 8, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 1 }, TRIB_TOKEN_OK },
	{ "offer is plan", 14, { 1, 1, 16, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 0 }, TRIB_TOKEN_OK },
	{ "offer is plan, by number", 14, { 1, 1, 16, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 5 }, TRIB_TOKEN_MALFORMED },
	{ "offer is no plan", 14, { 1, 1, 16, 0, 1, 9, 1, 0, 2, 3, 4, 6, 7, 0 }, TRIB_TOKEN_MALFORMED },
	{ "other offer", 14, { 1, 1, 16, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 6 }, TRIB_TOKEN_OK },
	{ "ext kept", 13, { 1, 1, 64, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_OK },
	{ "ext", 16, { 1, 1, 32, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 1, 'k', 0 }, TRIB_TOKEN_OK },
	{ "ext empty", 13, { 1, 1, 32, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_MALFORMED },
	{ "ext unflagged", 16, { 1, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 1, 'k', 0 }, TRIB_TOKEN_MALFORMED },
	{ "ext of 17", 30, { 1, 1, 32, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 1, 'k', 14 }, TRIB_TOKEN_MALFORMED },
	{ "ext keys fall", 19, { 1, 1, 32, 0, 1, 9, 1, 5, 2, 3, 4, 6, 7, 1, 'k', 0, 1, 'a', 0 }, TRIB_TOKEN_MALFORMED },
	{ "plan of 33 bits", 17, { 1, 1, 0, 0, 1, 9, 1, 0x80, 0x80, 0x80, 0x80, 16, 3, 4, 6, 7, 8 }, TRIB_TOKEN_MALFORMED },
	{ "plan of 63 bits", 21, { 1, 1, 0, 0, 1, 9, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 3, 4, 6, 7, 8 },
	  TRIB_TOKEN_MALFORMED },
	{ "engine of 17 bits", 15, { 1, 1, 0, 0x80, 0x80, 4, 1, 9, 1, 5, 2, 3, 4, 6, 7 }, TRIB_TOKEN_MALFORMED },
	{ "time of 49 bits", 19, { 1, 1, 0, 0, 1, 9, 1, 5, 2, 3, 4, 6, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 64 },
	  TRIB_TOKEN_MALFORMED },
	/* clang-format on */
};

static void other_forms_of_a_content_are_refused(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(forms); i++) {
		char text[TRIB_LIMIT_TOKEN_CHARS + 40];
		struct trib_token found;
		enum trib_token_result result = decode(sign(forms[i].body, forms[i].size, text), &found);

		if (result != forms[i].expected)
			fail_msg("%s: %s, expected %s", forms[i].name,
				 trib_token_result_word(result),
				 trib_token_result_word(forms[i].expected));
	}
}

/* Signed noise gets past the MAC: whatever is then accepted must be the one form of its content. */
static void what_is_accepted_is_canonical(void **state)
{
	struct trib_rng rng;
	int accepted = 0;

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 300000; i++) {
		char text[TRIB_LIMIT_TOKEN_CHARS + 40], again[TRIB_LIMIT_TOKEN_CHARS];
		uint8_t body[TRIB_WIRE_BODY_MAX];
		size_t size = 13 + trib_rng_below(&rng, sizeof(body) - 12);
		struct trib_token found;

		for (size_t k = 0; k < size; k++)
			body[k] = (uint8_t)(trib_rng_chance(&rng, 0.2) ? 0x80
								       : trib_rng_below(&rng, 128));
		body[0] = 1;
		body[1] = 1;
		/* Cut where a whole token ends half of the time, else nearly all have bytes left
		 * over. */
		if (trib_rng_chance(&rng, 0.5)) {
			size_t ends = 0, needed = 11 + (size_t)__builtin_popcount(body[2] & 0x1f),
			       k;

			for (k = 1; k < size && ends <= needed; k++)
				ends += body[k] < 0x80;
			size = k + (body[2] & TRIB_WIRE_EXT ? TRIB_MIN(size - k, (size_t)3) : 0);
		}
		struct trib_bytes view = sign(body, size, text);

		if (decode(view, &found) != TRIB_TOKEN_OK)
			continue;
		accepted++;
		assert_true(trib_bytes_equal(encode(&found, again), view));
	}
	assert_true(accepted > 1000);
}

/* Key ids of two bytes, up to the last one. */
static void the_last_key_id_serves(void **state)
{
	enum { LINE = 64 };
	struct trib_keys *own = keys;
	struct data_folder many;
	struct trib_error error;
	char *ring = trib_alloc(64 + LINE * TRIB_LIMIT_KEY_ID), *end = ring;
	struct trib_rng rng;

	end += sprintf(end, "tributary token keys 1\n");
	for (int id = 1; id <= TRIB_LIMIT_KEY_ID; id++) /* each good for one time: that of its id */
		end += sprintf(end, "%d active * 0 %d %d %032x\n", id, id, id, id);
	sprintf(end, "end %d %08x\n", TRIB_LIMIT_KEY_ID,
		trib_crc32c(0, ring, (size_t)(end - ring)));
	data_folder_make(&many);
	assert_ok(trib_keys_open(many.path, TRIB_KEYS_CREATE, trib_clock_system(), &keys, &error),
		  error);
	data_file_put(&many, "token.keys", ring, 0600);
	free(ring);
	assert_ok(trib_keys_reload(keys, NULL, &error), error);
	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 1000; i++) {
		char text[TRIB_LIMIT_TOKEN_CHARS];
		struct trib_token token = typical, found;

		token.issued_at_ms =
			i ? trib_rng_between(&rng, 1, TRIB_LIMIT_KEY_ID) : TRIB_LIMIT_KEY_ID;
		token.key = (uint16_t)token.issued_at_ms;
		assert_int_equal(decode(encode(&token, text), &found), TRIB_TOKEN_OK);
		assert_true(tokens_equal(&found, &token));
	}
	struct trib_key_info wanted = { .scope = "*" };

	assert_int_equal(trib_keys_add(keys, &wanted, NULL, &error), TRIB_LIMIT);
	trib_keys_free(keys);
	data_folder_remove(&many);
	keys = own;
}

static void siphash_is_libsodiums(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (size_t size = 0; size < 200; size++) {
		uint64_t key[2] = { trib_rng_u64(&rng), trib_rng_u64(&rng) };
		uint8_t data[200], expected[16];

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)trib_rng_u64(&rng);
		struct trib_mac mac = trib_siphash128(key, data, size);

		crypto_shorthash_siphashx24(expected, data, size, (const uint8_t *)key);
		assert_true(mac.half[0] == trib_load_le64(expected));
		assert_true(mac.half[1] == trib_load_le64(expected + 8));
	}
}

static void base64_is_libsodiums(void **state)
{
	const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 20000; round++) {
		size_t size = trib_rng_below(&rng, 91), back_size;
		uint8_t data[91], back[91], other[91];
		char text[128], expected[128];

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)trib_rng_u64(&rng);
		size_t chars = trib_base64_encode(data, size, text);

		text[chars] = '\0';
		sodium_bin2base64(expected, sizeof(expected), data, size, variant);
		assert_string_equal(text, expected);
		size_t changed =
			chars && trib_rng_chance(&rng, 0.5) ? trib_rng_below(&rng, chars) : chars;
		bool ascii = true;

		/* One character becomes another, most of which are none. */
		if (changed < chars) {
			text[changed] = (char)trib_rng_u64(&rng);
			ascii = !(text[changed] & 0x80);
		}
		/* libsodium 1.0.18 takes some bytes beyond ASCII for letters. */
		bool well = ascii &&
			    sodium_base642bin(other, sizeof(other), text, chars, NULL, &back_size,
					      NULL, variant) == 0 &&
			    back_size == chars * 3 / 4;

		if (trib_base64_decode(trib_bytes(text, chars), back) != well)
			fail_msg("%.*s %zu: %d, expected %d", (int)chars, text, chars, !well, well);
		if (well)
			assert_memory_equal(back, other, back_size);
	}
}

/* "link=12 plan=3 … ext=0173046c697665 kept" */
static void parse_golden(char *fields, struct trib_token *ret_token)
{
	struct trib_token token = { 0 };

	for (char *word = strtok(fields, " \n"); word; word = strtok(NULL, " \n")) {
		char *sign_at = strchr(word, '=');
		const char *value = sign_at ? sign_at + 1 : "";
		unsigned long long number = strtoull(value, NULL, 10);
		size_t name = sign_at ? (size_t)(sign_at - word) : strlen(word);

#define FIELD(text, member)                                                                        \
	if (name == strlen(text) && !memcmp(word, text, name))                                     \
	token.member = (__typeof__(token.member))number
		FIELD("link", link);
		FIELD("issued_at", issued_at_ms);
		FIELD("registration", registration);
		FIELD("plan", plan);
		FIELD("version", plan_version);
		FIELD("offer", offer);
		FIELD("goods", goods);
		FIELD("creator", creator);
		FIELD("channel", channel);
		FIELD("carrier_kind", carrier_kind);
		FIELD("carrier", carrier);
		FIELD("carrier_owner", carrier_owner);
		FIELD("page", page);
		FIELD("order_engine", order_engine);
		FIELD("goods_engine", goods_engine);
		FIELD("key", key);
#undef FIELD
		if (!strcmp(word, "kept"))
			token.ext_kept = true;
		if (!strncmp(word, "ext=", 4)) {
			size_t size;

			assert_int_equal(sodium_hex2bin(token.ext, sizeof(token.ext), value,
							strlen(value), NULL, &size, NULL),
					 0);
			token.ext_size = (uint8_t)size;
		}
	}
	*ret_token = token;
}

static FILE *open_golden(const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/test/golden/v0.1.0/%s", getenv("TRIB_SOURCE_DIR"), name);
	file = fopen(path, "r");
	if (!file)
		fail_msg("cannot open %s", path);
	return file;
}

static void read_golden(const char *name, char *ret_text, size_t size)
{
	FILE *file = open_golden(name);
	size_t have = fread(ret_text, 1, size - 1, file);

	assert_true(have > 0);
	ret_text[have] = '\0';
	fclose(file);
}

/* The only scope among the golden keys. */
static uint32_t number_of(void *context, struct trib_bytes registration)
{
	return trib_bytes_is(registration, "shop") ? 7 : 0;
}

/* "TOKEN RESULT field=number …" */
static void check_golden(char *line)
{
	char text[TRIB_LIMIT_TOKEN_CHARS], *word, *rest = line;
	struct trib_token expected, found;
	struct trib_bytes view = trib_bytes_text(strsep(&rest, " "));

	word = strsep(&rest, " ");
	assert_non_null(word);
	assert_string_equal(trib_token_result_word(decode(view, &found)), word);
	if (strcmp(word, "ok") != 0)
		return;
	assert_non_null(rest);
	parse_golden(rest, &expected);
	assert_true(tokens_equal(&found, &expected));
	assert_true(trib_bytes_equal(encode(&expected, text), view));
}

/* Tokens of a release, with its keys: read as the same content and written as the same text for
 * ever. */
static void golden_tokens_stay(void **state)
{
	char ring[4096], hashes[4096], line[1024];
	struct trib_keys *own = keys;
	struct data_folder golden;
	struct trib_error error;
	int rows = 0;

	read_golden("token.keys", ring, sizeof(ring));
	read_golden("hash.keys", hashes, sizeof(hashes));
	data_folder_make(&golden);
	assert_ok(trib_keys_open(golden.path, TRIB_KEYS_CREATE, trib_clock_system(), &keys, &error),
		  error);
	trib_keys_free(keys);
	data_file_put(&golden, "token.keys", ring, 0600);
	data_file_put(&golden, "hash.keys", hashes, 0600);
	assert_ok(
		trib_keys_open(golden.path, TRIB_KEYS_EXISTING, trib_clock_system(), &keys, &error),
		error);
	trib_keys_bind(keys, number_of, NULL);
	FILE *file = open_golden("tokens.txt");

	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#')
			continue;
		check_golden(line);
		rows++;
	}
	fclose(file);
	assert_true(rows >= 10);
	trib_keys_free(keys);
	data_folder_remove(&golden);
	keys = own;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(random_tokens_come_back),
		cmocka_unit_test(any_flipped_bit_is_refused),
		cmocka_unit_test(any_changed_character_is_refused),
		cmocka_unit_test(any_cut_or_extension_is_refused),
		cmocka_unit_test(other_forms_of_a_content_are_refused),
		cmocka_unit_test(what_is_accepted_is_canonical),
		cmocka_unit_test(the_last_key_id_serves),
		cmocka_unit_test(siphash_is_libsodiums),
		cmocka_unit_test(base64_is_libsodiums),
		cmocka_unit_test(golden_tokens_stay),
	};

	return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
