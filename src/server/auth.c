#include "server/auth.h"

#include <errno.h>
#include <sodium.h>

struct trib_auth {
	bool guards;
	struct trib_directory *directory;
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

void trib_auth_set_directory(struct trib_auth *auth, struct trib_directory *directory)
{
	auth->directory = directory;
}

struct trib_directory *trib_auth_directory(const struct trib_auth *auth)
{
	return auth->directory;
}

bool trib_auth_guards(const struct trib_auth *auth)
{
	return auth->guards || (auth->directory && trib_directory_guards(auth->directory));
}

enum trib_credential_result trib_auth_token(const struct trib_auth *auth, struct trib_bytes given, int64_t now_ms,
					    struct trib_credential *ret_credential)
{
	unsigned char hash[crypto_generichash_BYTES];

	if (auth->guards) {
		hash_of(given, hash);
		if (sodium_memcmp(hash, auth->hash, sizeof(hash)) == 0) {
			*ret_credential = (struct trib_credential){ .role = TRIB_ACCESS_ADMIN, .name = "token-file" };
			return TRIB_CREDENTIAL_OK;
		}
	}
	return auth->directory ? trib_directory_token(auth->directory, given, now_ms, ret_credential) :
				 TRIB_CREDENTIAL_UNKNOWN;
}

static struct trib_bytes trimmed(struct trib_bytes text)
{
	while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = trib_bytes(text.data + 1, text.size - 1);
	while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
		text.size--;
	return text;
}

bool trib_cookie_find(struct trib_bytes header, const char *name, struct trib_bytes *ret_value)
{
	const char *p = header.data, *end = p + header.size;
	bool found = false;

	while (header.size && p < end) {
		const char *semicolon = memchr(p, ';', (size_t)(end - p)), *stop = semicolon ? semicolon : end;
		const char *equals = memchr(p, '=', (size_t)(stop - p));

		if (equals && trib_bytes_is(trimmed(trib_bytes(p, (size_t)(equals - p))), name)) {
			*ret_value = trimmed(trib_bytes(equals + 1, (size_t)(stop - equals - 1)));
			found = true;
		}
		p = stop + 1;
	}
	return found;
}

bool trib_auth_allows(const struct trib_auth *auth, struct trib_bytes given)
{
	unsigned char hash[crypto_generichash_BYTES];

	if (!auth->guards)
		return !trib_auth_guards(auth);
	hash_of(given, hash);
	return sodium_memcmp(hash, auth->hash, sizeof(hash)) == 0;
}
