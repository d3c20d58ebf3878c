/*
 * Who asks over HTTP, and whether they may: access token or session, role, CSRF token, rate. What a party's own is, is
 * the engine's to say. Refusals go to the audit log.
 */
#include "server/http_request.h"

#include <arpa/inet.h>
#include <sodium.h>

static bool is_read(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

static bool is_sign_in(const char *method, const char *url)
{
	return !strcmp(method, "POST") && !strcmp(url, "/api/v1/sessions");
}

static void read_address(struct trib_http_request *request)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *address = info ? info->client_addr : NULL;

	if (address && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr, request->from,
			  sizeof(request->from));
	else if (address && address->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)address)->sin6_addr, request->from,
			  sizeof(request->from));
}

/* What is wrong with a secret, in words. Whose it was is not said. */
static const char *why(enum trib_credential_result result)
{
	switch (result) {
	case TRIB_CREDENTIAL_EXPIRED: return "one that has expired";
	case TRIB_CREDENTIAL_REVOKED: return "one that is revoked";
	case TRIB_CREDENTIAL_BUSY:
	case TRIB_CREDENTIAL_UNKNOWN:
	case TRIB_CREDENTIAL_OK: break;
	}
	return "another";
}

static void refuse_secret(struct trib_http_request *request, const char *at, enum trib_credential_result result)
{
	if (result == TRIB_CREDENTIAL_BUSY)
		trib_http_request_refuse(request, TRIB_BUSY, 0, at, "found the state being read again, expected it soon");
	else
		trib_http_request_refuse(request, TRIB_UNAUTHORIZED, 0, at,
					 "found %s, expected an access token or session that is in force", why(result));
}

static void identify_by_token(struct trib_http_request *request, struct trib_bytes token)
{
	const struct trib_auth *auth = request->http->options.auth;
	int64_t now_ms = trib_clock_wall_ms(trib_clock_system());
	enum trib_credential_result result = trib_auth_token(auth, token, now_ms, &request->who);

	request->known = result == TRIB_CREDENTIAL_OK;
	/* Where nobody has to say who they are, a word that is no token of ours says nothing. */
	if (!request->known &&
	    (trib_auth_guards(auth) || (token.size >= 5 && !memcmp(token.data, "trib_", 5))))
		refuse_secret(request, "Authorization", result);
}

static void identify_by_session(struct trib_http_request *request, struct trib_bytes secret, bool signs_in)
{
	struct trib_directory *directory = trib_auth_directory(request->http->options.auth);
	int64_t now_ms = trib_clock_wall_ms(trib_clock_system());
	enum trib_credential_result result = trib_directory_session(directory, secret, now_ms,
								     request->http->options.session_idle_ms, &request->who);

	request->known = result == TRIB_CREDENTIAL_OK;
	request->drops_cookie = !request->known && !signs_in;
	if (request->known) {
		request->call.session = request->who.session;
		request->call.expires_ms = request->who.expires_ms;
		snprintf(request->call.secret, sizeof(request->call.secret), TRIB_BYTES_FMT, TRIB_BYTES_ARG(secret));
	} else if (!signs_in) {
		refuse_secret(request, "Cookie", result);
	}
}

static void fill_actor(struct trib_http_request *request)
{
	struct trib_actor *actor = &request->call.actor;

	actor->from = trib_bytes_text(request->from);
	request->call.action_text = trib_bytes_text(request->action);
	if (!request->known)
		return;
	actor->role = request->who.role;
	actor->name = trib_bytes_text(request->who.name);
	actor->party_id = trib_bytes_text(request->who.party);
}

void trib_http_access_identify(struct trib_http_request *request, const char *method, const char *url)
{
	static const char scheme[] = "Bearer ";
	const struct trib_auth *auth = request->http->options.auth;
	struct trib_bytes given = trib_http_request_header(request, "Authorization"), secret;
	struct trib_bytes cookies = trib_http_request_header(request, "Cookie");
	size_t size = sizeof(scheme) - 1;
	bool signs_in = is_sign_in(method, url);

	read_address(request);
	snprintf(request->action, sizeof(request->action), "%s %s", method, url);
	if (request->refused)
		return;
	if (given.size > size && strncasecmp(given.data, scheme, size) == 0)
		identify_by_token(request, trib_bytes(given.data + size, given.size - size));
	else if (trib_auth_directory(auth) && trib_cookie_find(cookies, TRIB_HTTP_COOKIE, &secret))
		identify_by_session(request, secret, signs_in);
	else if (trib_auth_guards(auth) && !signs_in)
		trib_http_request_refuse(request, TRIB_UNAUTHORIZED, 0, "Authorization",
					 "found no access token, expected Bearer and the token");
	fill_actor(request);
}

/* --- What they may --------------------------------------------------------------------------------------- */

static unsigned roles_of(const struct trib_http_request *request, bool writes)
{
	const struct trib_route *route = request->match.route;
	enum trib_noun noun = 0;

	if (request->match.noun.size)
		trib_noun_find(request->match.noun, &noun);
	return trib_route_roles(route, noun, writes);
}

static void check_rate(struct trib_http_request *request)
{
	const struct trib_credential *who = &request->who;
	uint32_t rate = who->rate ? who->rate : request->http->options.rate;
	uint64_t key = (uint64_t)who->session << 32 | who->token;

	if (request->refused || !request->known || !rate || trib_limiter_take(&request->http->limiter, key, rate, trib_http_now_ns()))
		return;
	request->retry_after = 1;
	trib_http_request_refuse(request, TRIB_RATE, 0, "Authorization", "found more than %u requests a second, expected fewer",
				 rate);
}

/* A page of another origin can send a cookie along, but not this header with this value. */
static void check_csrf(struct trib_http_request *request, const char *method)
{
	struct trib_bytes given = trib_http_request_header(request, "X-CSRF-Token");
	char expected[TRIB_CSRF_CHARS];

	if (request->refused || !request->call.session || is_read(method) ||
	    request->match.route->call == TRIB_CALL_SIGN_IN)
		return;
	trib_secret_csrf(trib_bytes_text(request->call.secret), expected);
	if (given.size != strlen(expected) || sodium_memcmp(given.data, expected, given.size) != 0)
		trib_http_request_refuse(request, TRIB_FORBIDDEN, 0, "X-CSRF-Token",
					 "found %s, expected the csrf_token of this session",
					 given.size ? "another" : "none");
}

void trib_http_access_check(struct trib_http_request *request, const char *method)
{
	bool writes = !is_read(method);
	enum trib_access_role role = request->call.actor.role;

	if (request->refused)
		return;
	if (request->match.route->call != TRIB_CALL_SIGN_IN || request->match.route->action != TRIB_ACTION_CALL)
		if (!(roles_of(request, writes) & TRIB_ACCESS_BIT(role)))
			trib_http_request_refuse(request, TRIB_FORBIDDEN, 0, "role",
						 "found role %s, expected one of x-roles of /openapi.json",
						 trib_access_role_word(role));
	check_csrf(request, method);
	check_rate(request);
	request->call.audited = writes && !trib_access_is_traffic(request->match.route->call);
}

/*
 * Whose password was tried. A name that nobody has is not told: it may be a password that was typed into the wrong field,
 * and the log is for other eyes than its owner's.
 */
static void name_tried(const struct trib_http_request *request, struct trib_refusal *refusal)
{
	const struct trib_call *call = &request->call;
	struct trib_directory *directory = trib_auth_directory(request->http->options.auth);
	char hash[TRIB_PASSWORD_HASH_BYTES];

	if (call->kind != TRIB_CALL_SIGN_IN || !call->name.size || !directory)
		return;
	if (trib_directory_password(directory, call->name, hash))
		snprintf(refusal->actor, sizeof(refusal->actor), TRIB_BYTES_FMT, TRIB_BYTES_ARG(call->name));
	else
		snprintf(refusal->detail, sizeof(refusal->detail), "user");
	sodium_memzero(hash, sizeof(hash));
}

/* Refused before the engine was asked. */
void trib_http_access_note(struct trib_http_request *request)
{
	const struct trib_http *http = request->http;
	const struct trib_call *call = &request->call;
	struct trib_refusal refusal = { .status = call->status, .known = request->known, .role = request->who.role };

	if (!http->options.refused || !(call->status == TRIB_UNAUTHORIZED || call->status == TRIB_FORBIDDEN ||
					call->status == TRIB_RATE))
		return;
	snprintf(refusal.actor, sizeof(refusal.actor), "%s", request->who.name);
	name_tried(request, &refusal);
	snprintf(refusal.party, sizeof(refusal.party), "%s", request->who.party);
	snprintf(refusal.from, sizeof(refusal.from), "%s", request->from);
	snprintf(refusal.action, sizeof(refusal.action), "%s", request->action);
	if (!refusal.detail[0])
		snprintf(refusal.detail, sizeof(refusal.detail), "%s", call->error.at);
	http->options.refused(http->options.context, &refusal);
}
