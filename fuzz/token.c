/*
 * Any bytes as a token, through every decoder of this machine at once: they must agree, and what
 * they accept must be the one text of its content. The input is read twice: as the text itself, and
 * as a body that is signed first, because noise never gets past a MAC and the parser behind it must
 * hold as well.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "track/base64.h"
#include "track/siphash.h"
#include "track/track.h"
#include "track/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct trib_keys *make_keys(void)
{
	char path[64] = "/tmp/tributary-fuzz-XXXXXX", file[96];
	static const char *const names[] = { "/keys/token.keys", "/keys/hash.keys", "/keys", "" };
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

static void check(const struct trib_keys *keys, struct trib_bytes text)
{
	struct trib_bytes texts[2] = { text, text };
	enum trib_token_result one, other, batch[2];
	struct trib_token token, second, found[2];

	one = trib_token_decode_portable(keys, text, &token);
	other = trib_token_decode(keys, text, &second);
	trib_token_decode_batch(keys, texts, 2, found, batch);
	trib_assert(one == other && one == batch[0] && one == batch[1]);
	if (one != TRIB_TOKEN_OK)
		return;
	char again[TRIB_LIMIT_TOKEN_CHARS];
	struct trib_error error;
	size_t size;

	trib_assert(trib_token_encode(keys, &token, again, &size, &error) == TRIB_OK);
	trib_assert(trib_bytes_equal(trib_bytes(again, size), text));
	trib_assert(trib_token_encode(keys, &second, again, &size, &error) == TRIB_OK);
	trib_assert(trib_bytes_equal(trib_bytes(again, size), text));
	trib_assert(trib_token_encode(keys, &found[1], again, &size, &error) == TRIB_OK);
	trib_assert(trib_bytes_equal(trib_bytes(again, size), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trib_keys *keys;

	if (!keys)
		keys = make_keys();
	check(keys, trib_bytes(data, size));
	if (size > TRIB_WIRE_BODY_MAX)
		return 0;
	uint8_t bytes[TRIB_WIRE_BYTES_MAX];
	char text[TRIB_LIMIT_TOKEN_CHARS];
	struct trib_mac mac = trib_siphash128(trib_keys_ring(keys)->keys[1].secret, data, size);

	if (size)
		memcpy(bytes, data, size);
	for (size_t i = 0; i < TRIB_WIRE_MAC_BYTES; i++)
		bytes[size + i] = (uint8_t)(mac.half[i / 8] >> (8 * (i % 8)));
	check(keys, trib_bytes(text, trib_base64_encode(bytes, size + TRIB_WIRE_MAC_BYTES, text)));
	return 0;
}
