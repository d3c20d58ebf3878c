/*
 * Requests that bring a password: Argon2id takes a tenth of a second and 64 MiB, so it runs on a worker, before the
 * engine is asked. Signing in takes as long for a user who is not there as for one who is.
 */
#include "server/http_request.h"

#include <sodium.h>

enum { PASSWORD_BYTES_MIN = 10 };

static char nobody_hash[crypto_pwhash_STRBYTES];

static bool hash_password(const char *password, char ret_hash[TRIB_PASSWORD_HASH_BYTES])
{
	_Static_assert(crypto_pwhash_STRBYTES <= TRIB_PASSWORD_HASH_BYTES, "it fits");
	return crypto_pwhash_str_alg(ret_hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
				     crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13) == 0;
}

static void make_nobody(void)
{
	trib_assert(hash_password("nobody's password", nobody_hash));
}

static bool verifies(const char *hash, const char *password)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (!hash[0])
		pthread_once(&once, make_nobody);
	/* Whoever guesses nobody's password is nobody still. */
	return crypto_pwhash_str_verify(hash[0] ? hash : nobody_hash, password, strlen(password)) == 0 && hash[0];
}

struct passwords {
	char *old, *fresh; /* of the request's body; NULL: it has none */
};

static struct passwords passwords_of(const struct trib_call *call)
{
	switch (call->kind) {
	case TRIB_CALL_SIGN_IN:
		return (struct passwords){ ((const Tributary__SignInRequest *)call->body)->password, NULL };
	case TRIB_CALL_USER_PASSWORD:
		return (struct passwords){ ((const Tributary__PasswordRequest *)call->body)->old_password,
					   ((const Tributary__PasswordRequest *)call->body)->password };
	case TRIB_CALL_USER_PUT:
		return (struct passwords){ NULL, ((const Tributary__UserRequest *)call->body)->password };
	default:
		return (struct passwords){ NULL, NULL };
	}
}

static void forget(char *password)
{
	if (password)
		sodium_memzero(password, strlen(password));
}

static bool look(struct trib_http_request *request, struct passwords passwords)
{
	struct trib_call *call = &request->call;
	char *fresh_hash = call->kind == TRIB_CALL_USER_PUT ? call->password_hash : call->new_password_hash;

	if (passwords.old && !verifies(call->password_hash, passwords.old)) {
		call->status = trib_fail(&call->error, TRIB_UNAUTHORIZED, "password",
					 "found another user or password, expected one that is known");
		return false;
	}
	if (passwords.fresh && !hash_password(passwords.fresh, fresh_hash)) {
		call->status = trib_fail(&call->error, TRIB_NO_MEMORY, "password", "it needs more memory than there is");
		return false;
	}
	return true;
}

static void run(struct trib_work *work)
{
	struct trib_http_request *request =
		(struct trib_http_request *)(void *)((char *)work - offsetof(struct trib_http_request, work));
	struct trib_http *http = request->http;
	struct passwords passwords = passwords_of(&request->call);
	int64_t now_ms = trib_clock_wall_ms(trib_clock_system());
	struct trib_bytes from = trib_bytes_text(request->from);
	bool good = look(request, passwords);

	forget(passwords.old);
	forget(passwords.fresh);
	if (passwords.old && good)
		trib_lockout_passed(http->lockout, request->call.name, from);
	else if (passwords.old && request->call.status == TRIB_UNAUTHORIZED)
		trib_lockout_failed(http->lockout, request->call.name, from, now_ms);
	if (!good) {
		trib_http_access_note(request);
		trib_http_request_wake(request);
	} else if (!trib_http_give(http, &request->call)) {
		trib_http_request_busy(request);
	}
	atomic_fetch_sub(&http->in_flight, 1);
}

static void check_length(struct trib_http_request *request, const char *password)
{
	if (password && strlen(password) < PASSWORD_BYTES_MIN)
		trib_http_request_refuse(request, TRIB_INVALID, 0, "password", "found %zu bytes, expected at least %d",
					 strlen(password), PASSWORD_BYTES_MIN);
}

static void check_lockout(struct trib_http_request *request)
{
	int64_t wait_ms = trib_lockout_wait_ms(request->http->lockout, request->call.name, trib_bytes_text(request->from),
					       trib_clock_wall_ms(trib_clock_system()));

	if (!wait_ms)
		return;
	request->retry_after = (uint32_t)(wait_ms / 1000 + 1);
	trib_http_request_refuse(request, TRIB_RATE, 0, "password", "found too many failures, expected to wait %u s",
				 request->retry_after);
}

bool trib_http_password_take(struct trib_http_request *request)
{
	struct trib_http *http = request->http;
	struct trib_call *call = &request->call;
	struct trib_directory *directory = trib_auth_directory(http->options.auth);
	struct passwords passwords = passwords_of(call);

	if (call->kind == TRIB_CALL_SIGN_IN) {
		call->name = trib_bytes_text(((const Tributary__SignInRequest *)call->body)->user);
		call->session_life_ms = http->options.session_life_ms;
	}
	if ((call->kind == TRIB_CALL_SIGN_IN && !passwords.old) ||
	    (call->kind == TRIB_CALL_USER_PASSWORD && (!passwords.old || !passwords.fresh))) {
		trib_http_request_refuse(request, TRIB_INVALID, 0, passwords.old || call->kind == TRIB_CALL_SIGN_IN ? "password" : "old_password",
					 "found nothing, expected a string");
		return true;
	}
	if (!passwords.old && !passwords.fresh)
		return false;
	if (request->body.data) /* it says the password, too */
		sodium_memzero(request->body.data, request->body.size);
	check_length(request, passwords.fresh);
	if (passwords.old) {
		check_lockout(request);
		call->password_hash[0] = '\0';
		if (directory)
			trib_directory_password(directory, call->name, call->password_hash);
	}
	if (request->refused) {
		trib_http_access_note(request);
		return true;
	}
	request->work.run = run;
	trib_http_request_suspend(request);
	atomic_fetch_add(&http->in_flight, 1);
	if (atomic_load(&http->draining) || !trib_workers_submit(http->passwords, &request->work)) {
		trib_http_request_busy(request);
		atomic_fetch_sub(&http->in_flight, 1);
	}
	return true;
}
