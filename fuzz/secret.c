/* What a stranger sends to say who it is: access tokens, Cookie headers, tags of conditions. */
#include <stdint.h>
#include "server/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trib_auth *auth;
	struct trib_bytes text = trib_bytes(data, size), value;
	unsigned char hash[TRIB_SECRET_HASH_BYTES];
	struct trib_credential who;
	struct trib_error error;

	if (!auth)
		trib_assert(trib_auth_open("", &auth, &error) == TRIB_OK);
	trib_secret_parse(TRIB_SECRET_TOKEN, text, hash);
	trib_secret_parse(TRIB_SECRET_SESSION, text, hash);
	trib_assert(trib_auth_token(auth, text, 0, &who) != TRIB_CREDENTIAL_OK);
	trib_etag_matches(text, "\"0123456789abcdef\"");
	trib_assert(!trib_etag_matches(text, ""));
	if (trib_cookie_find(text, "tributary_session", &value)) {
		trib_assert(value.data >= text.data && value.data + value.size <= text.data + text.size);
		trib_secret_parse(TRIB_SECRET_SESSION, value, hash);
	}
	return 0;
}
