/*
 * Who may use the doors. On a loopback address everybody may, unless an access token is configured; on any other
 * address a token is needed. The first one, the admin's, stands in a file of one line; the process keeps only its hash.
 * All others are made through the doors and stand in the engine's directory.
 *
 *	struct trib_auth *auth;
 *	status = trib_auth_open(config.token_file, &auth, &error);         // "" : no token
 *	trib_auth_set_directory(auth, trib_engine_directory(engine));
 *	if (!trib_auth_guards(auth) && !address.loopback)
 *		…                                                          // refuse to listen
 *	if (trib_auth_token(auth, given, now_ms, &who) == TRIB_CREDENTIAL_OK)   // RESP AUTH, HTTP Bearer
 */
#ifndef TRIB_SERVER_AUTH_H
#define TRIB_SERVER_AUTH_H

#include "base/bytes.h"
#include "base/status.h"
#include "engine/engine.h"

enum { TRIB_ACCESS_TOKEN_BYTES_MIN = 16, TRIB_ACCESS_TOKEN_BYTES_MAX = 1024 };

struct trib_auth;

trib_status trib_auth_open(const char *token_file, struct trib_auth **ret_auth,
			   struct trib_error *error);
void trib_auth_free(struct trib_auth *auth);

/* Before the doors open. The directory outlives auth's use. */
void trib_auth_set_directory(struct trib_auth *auth, struct trib_directory *directory);
struct trib_directory *trib_auth_directory(const struct trib_auth *auth); /* NULL: there is none */

/* Is a token configured, so that each connection or request must bring it? */
bool trib_auth_guards(const struct trib_auth *auth);

/* Whose token it is: the file's, which is the admin's, or one of the directory. Any thread. */
enum trib_credential_result trib_auth_token(const struct trib_auth *auth, struct trib_bytes given, int64_t now_ms,
					    struct trib_credential *ret_credential);

/* The value of a cookie in a Cookie header, its last one; false where it has none of that name. */
bool trib_cookie_find(struct trib_bytes header, const char *name, struct trib_bytes *ret_value);

/* In time that does not depend on where the texts differ. Always true when nothing is guarded. Any thread. */
bool trib_auth_allows(const struct trib_auth *auth, struct trib_bytes given);

#endif
