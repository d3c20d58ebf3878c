/*
 * What a token costs: encode, decode one by one and in batches, and the same checks made of libsodium's parts
 * (base64 and MAC) with the portable parser. Tokens are distinct, of the shape that a large marketplace gives.
 *
 *	bench-token [TOKENS [ROUNDS]]
 */
#include <sodium.h>
#include <unistd.h>
#include "base/rng.h"
#include "track/track.h"
#include "track/wire.h"

enum { BATCH = 512, FIRST_LINK = 1000000000 };

struct input {
	size_t count, rounds;
	struct trib_token *tokens;
	char (*texts)[TRIB_LIMIT_TOKEN_CHARS];
	struct trib_bytes *views;
};

static struct trib_keys *make_keys(void)
{
	static const char *const names[] = { "/keys/token.keys", "/keys/hash.keys", "/keys", "" };
	char path[64] = "/tmp/tributary-bench-XXXXXX", file[96];
	struct trib_keys *keys = NULL;
	struct trib_error error;

	trib_assert(mkdtemp(path));
	trib_assert(trib_keys_open(path, TRIB_KEYS_CREATE, trib_clock_system(), &keys, &error) ==
		    TRIB_OK);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++) {
		snprintf(file, sizeof(file), "%s%s", path, names[i]);
		remove(file);
	}
	return keys;
}

static struct trib_token draw_token(struct trib_rng *rng, uint64_t link)
{
	struct trib_token token = {
		.link = link,
		.issued_at_ms = trib_rng_between(rng, 1763000000000, 1764000000000),
		.registration = (uint32_t)trib_rng_between(rng, 1, 20),
		.plan = (uint32_t)trib_rng_between(rng, 1, 1000000),
		.plan_version = (uint32_t)trib_rng_between(rng, 1, 5),
		.goods = (uint32_t)trib_rng_between(rng, 1, 5000000),
		.creator = (uint32_t)trib_rng_between(rng, 1, 30000000),
		.channel = (uint32_t)trib_rng_between(rng, 1, 20),
		.goods_engine = 1,
	};

	if (trib_rng_chance(rng, 0.7)) {
		token.carrier_kind = (uint32_t)trib_rng_between(rng, 1, 8);
		token.carrier = (uint32_t)trib_rng_between(rng, 1, 100000000);
		token.carrier_owner = token.creator;
		token.page = (uint32_t)trib_rng_between(rng, 1, 8);
	}
	if (trib_rng_chance(rng, 0.3))
		token.offer = (uint32_t)trib_rng_between(rng, 1, 1000000);
	return token;
}

static void report(const char *what, const struct input *input, int64_t begin_ns)
{
	double each =
		(double)(trib_cpu_thread_ns() - begin_ns) / (double)(input->count * input->rounds);

	printf("%-34s %8.1f ns cpu a token  %8.2f million per cpu-s\n", what, each, 1e3 / each);
}

static void bench_encode(const struct trib_keys *keys, struct input *input)
{
	struct trib_error error;
	int64_t begin = trib_cpu_thread_ns();

	for (size_t round = 0; round < input->rounds; round++)
		for (size_t i = 0; i < input->count; i++)
			trib_assert(trib_token_encode(keys, &input->tokens[i], input->texts[i],
						      &input->views[i].size, &error) == TRIB_OK);
	report("encode", input, begin);
}

/* Side by side, as tokens lie in what a client sends. */
static void pack(struct input *input)
{
	char *to = input->texts[0];

	for (size_t i = 0; i < input->count; i++) {
		memmove(to, input->views[i].data, input->views[i].size);
		input->views[i].data = to;
		to += input->views[i].size;
	}
}

typedef enum trib_token_result (*decode_fn)(const struct trib_keys *, struct trib_bytes,
					    struct trib_token *);
typedef void (*decode_batch_fn)(const struct trib_keys *, const struct trib_bytes *, size_t,
				struct trib_token *, enum trib_token_result *);

static void bench_one(const char *what, decode_fn decode, const struct trib_keys *keys,
		      const struct input *input)
{
	struct trib_token token;
	int64_t begin = trib_cpu_thread_ns();

	for (size_t round = 0; round < input->rounds; round++)
		for (size_t i = 0; i < input->count; i++)
			trib_assert(decode(keys, input->views[i], &token) == TRIB_TOKEN_OK &&
				    token.link == FIRST_LINK + i);
	report(what, input, begin);
}

static void bench_batch(const char *what, decode_batch_fn decode, const struct trib_keys *keys,
			const struct input *input)
{
	static struct trib_token tokens[BATCH];
	static enum trib_token_result results[BATCH];
	int64_t begin = trib_cpu_thread_ns();

	for (size_t round = 0; round < input->rounds; round++)
		for (size_t i = 0; i < input->count; i += BATCH) {
			size_t n = TRIB_MIN((size_t)BATCH, input->count - i);

			decode(keys, input->views + i, n, tokens, results);
			for (size_t k = 0; k < n; k++)
				trib_assert(results[k] == TRIB_TOKEN_OK &&
					    tokens[k].link == FIRST_LINK + i + k);
		}
	report(what, input, begin);
}

/* The same by libsodium's base64 and MAC: what one gets without work of one's own. */
static enum trib_token_result decode_by_libsodium(const struct trib_keys *keys,
						  struct trib_bytes text,
						  struct trib_token *ret_token)
{
	uint8_t bytes[TRIB_WIRE_BYTES_MAX], mac[TRIB_WIRE_MAC_BYTES];
	size_t size;

	if (sodium_base642bin(bytes, sizeof(bytes), text.data, text.size, NULL, &size, NULL,
			      sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
	    size < TRIB_WIRE_BYTES_MIN || !trib_wire_parse(bytes, size - sizeof(mac), ret_token))
		return TRIB_TOKEN_MALFORMED;
	const struct trib_ring_key *key = trib_ring_find(trib_keys_ring(keys), ret_token->key);
	enum trib_token_result result =
		trib_ring_judge(key, ret_token->issued_at_ms, ret_token->registration);

	if (result != TRIB_TOKEN_OK)
		return result;
	crypto_shorthash_siphashx24(mac, bytes, size - sizeof(mac), (const uint8_t *)key->secret);
	return sodium_memcmp(mac, bytes + size - sizeof(mac), sizeof(mac)) ? TRIB_TOKEN_MAC
									   : TRIB_TOKEN_OK;
}

static void bench_mac(const struct input *input)
{
	uint8_t mac[16], key[16] = { 1 }, sum = 0;
	int64_t begin = trib_cpu_thread_ns();

	for (size_t round = 0; round < input->rounds; round++)
		for (size_t i = 0; i < input->count; i++) {
			size_t size = input->views[i].size * 3 / 4 - sizeof(mac);

			crypto_shorthash_siphashx24(mac, (const uint8_t *)input->texts[i], size,
						    key);
			sum ^= mac[0];
		}
	report(sum == 255 ? "libsodium, MAC alone " : "libsodium, MAC alone", input, begin);
}

int main(int argc, char **argv)
{
	struct input input = { argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000,
			       argc > 2 ? strtoul(argv[2], NULL, 10) : 3, NULL, NULL, NULL };
	struct trib_keys *keys = make_keys();
	struct trib_rng rng;
	uint64_t chars = 0;

	input.tokens = trib_alloc(input.count * sizeof(*input.tokens));
	input.texts = trib_alloc(input.count * sizeof(*input.texts));
	input.views = trib_alloc(input.count * sizeof(*input.views));
	memset(input.texts, 0, input.count * sizeof(*input.texts));
	trib_rng_seed(&rng, 1);
	for (size_t i = 0; i < input.count; i++) {
		input.tokens[i] = draw_token(&rng, FIRST_LINK + i);
		input.views[i] = trib_bytes(input.texts[i], 0);
	}
	bench_encode(keys, &input);
	pack(&input);
	for (size_t i = 0; i < input.count; i++)
		chars += input.views[i].size;
	printf("%zu distinct tokens, %.1f characters on average; decoder: %s\n", input.count,
	       (double)chars / (double)input.count,
#ifdef __x86_64__
	       trib_token_avx512_here() ? "avx512" :
#endif
					"portable");
	bench_batch("decode, batches of 512", trib_token_decode_batch, keys, &input);
	bench_one("decode, one by one", trib_token_decode, keys, &input);
	bench_one("decode, one by one, portable", trib_token_decode_portable, keys, &input);
	bench_one("decode, one by one, by libsodium", decode_by_libsodium, keys, &input);
	bench_mac(&input);
	free(input.tokens);
	free(input.texts);
	free(input.views);
	trib_keys_free(keys);
	return 0;
}
