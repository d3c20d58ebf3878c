/*
 * Who may use the doors. On a loopback address everybody may, unless an access token is configured; on any other
 * address a token is needed. The token's text stands in a file of one line; the process keeps only its hash.
 *
 *	struct trib_auth *auth;
 *	status = trib_auth_open(config.token_file, &auth, &error);         // "" : no token
 *	if (!trib_auth_guards(auth) && !address.loopback)
 *		…                                                          // refuse to listen
 *	if (trib_auth_allows(auth, given))                                 // RESP AUTH, HTTP Bearer
 */
#ifndef TRIB_SERVER_AUTH_H
#define TRIB_SERVER_AUTH_H

#include "base/bytes.h"
#include "base/status.h"

enum { TRIB_ACCESS_TOKEN_BYTES_MIN = 16, TRIB_ACCESS_TOKEN_BYTES_MAX = 1024 };

struct trib_auth;

trib_status trib_auth_open(const char *token_file, struct trib_auth **ret_auth,
			   struct trib_error *error);
void trib_auth_free(struct trib_auth *auth);

/* Is a token configured, so that each connection or request must bring it? */
bool trib_auth_guards(const struct trib_auth *auth);

/* In time that does not depend on where the texts differ. Always true when nothing is guarded. Any thread. */
bool trib_auth_allows(const struct trib_auth *auth, struct trib_bytes given);

#endif
