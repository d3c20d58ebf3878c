#include "server/auth.h"

#include <errno.h>
#include <sodium.h>

struct trib_auth {
	bool guards;
	unsigned char hash[crypto_generichash_BYTES];
};

static void hash_of(struct trib_bytes token, unsigned char hash[crypto_generichash_BYTES])
{
	crypto_generichash(hash, crypto_generichash_BYTES, (const unsigned char *)token.data,
			   token.size, NULL, 0);
}

/* The file's one line, without the space around it. */
static trib_status read_token(const char *path, char text[TRIB_ACCESS_TOKEN_BYTES_MAX + 3],
			      struct trib_bytes *ret_token, struct trib_error *error)
{
	FILE *file = fopen(path, "re");
	size_t size;

	if (!file)
		return trib_fail(error, TRIB_IO, path,
				 "found %s, expected a file with the access token",
				 strerror(errno));
	size = fread(text, 1, TRIB_ACCESS_TOKEN_BYTES_MAX + 3, file);
	fclose(file);
	while (size && (text[size - 1] == '\n' || text[size - 1] == '\r' || text[size - 1] == ' '))
		size--;
	for (size_t i = 0; i < size; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return trib_fail(error, TRIB_INVALID, path,
					 "found other bytes, expected one line of visible ASCII");
	if (size < TRIB_ACCESS_TOKEN_BYTES_MIN || size > TRIB_ACCESS_TOKEN_BYTES_MAX)
		return trib_fail(error, TRIB_INVALID, path,
				 "found %zu bytes, expected an access token of %d to %d", size,
				 TRIB_ACCESS_TOKEN_BYTES_MIN, TRIB_ACCESS_TOKEN_BYTES_MAX);
	*ret_token = trib_bytes(text, size);
	return TRIB_OK;
}

trib_status trib_auth_open(const char *token_file, struct trib_auth **ret_auth,
			   struct trib_error *error)
{
	char text[TRIB_ACCESS_TOKEN_BYTES_MAX + 3];
	struct trib_auth *auth;
	struct trib_bytes token = { NULL, 0 };

	if (sodium_init() < 0)
		return trib_fail(error, TRIB_INTERNAL, "", "libsodium does not start");
	auth = trib_alloc_zeroed(1, sizeof(*auth));
	if (token_file && token_file[0]) {
		trib_status status = read_token(token_file, text, &token, error);

		if (status != TRIB_OK) {
			free(auth);
			return status;
		}
		auth->guards = true;
		hash_of(token, auth->hash);
		sodium_memzero(text, sizeof(text));
	}
	*ret_auth = auth;
	return TRIB_OK;
}

void trib_auth_free(struct trib_auth *auth)
{
	free(auth);
}

bool trib_auth_guards(const struct trib_auth *auth)
{
	return auth->guards;
}

bool trib_auth_allows(const struct trib_auth *auth, struct trib_bytes given)
{
	unsigned char hash[crypto_generichash_BYTES];

	if (!auth->guards)
		return true;
	hash_of(given, hash);
	return sodium_memcmp(hash, auth->hash, sizeof(hash)) == 0;
}
