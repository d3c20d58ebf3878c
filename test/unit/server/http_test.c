/*
 * The HTTP door against an engine that is not there: a thread which echoes each call as JSON. What is tested is
 * what the door itself decides: routing, checks, problem details, imports, waiting, slow clients, the end.
 */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
#include <jansson.h>
#include "base/limits.h"
#include "server/http.h"

/* ---- An engine that is not there --------------------------------------------------------------------- */

struct engine {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct trib_call *first, **last;
	bool stop;
	atomic_bool full, hold;
	_Atomic uint64_t position;
	atomic_int calls, imports, largest_import;
	trib_status fail_with; /* every call but STATE */
};

static bool submit(void *context, struct trib_call *call)
{
	struct engine *engine = context;

	if (atomic_load(&engine->full) && call->kind != TRIB_CALL_STATE)
		return false;
	pthread_mutex_lock(&engine->lock);
	call->next = NULL;
	*engine->last = call;
	engine->last = &call->next;
	pthread_cond_signal(&engine->wake);
	pthread_mutex_unlock(&engine->lock);
	return true;
}

static void import(struct engine *engine, struct trib_call *call)
{
	atomic_fetch_add(&engine->imports, 1);
	if ((int)call->n_items > atomic_load(&engine->largest_import))
		atomic_store(&engine->largest_import, (int)call->n_items);
	for (size_t i = 0; i < call->n_items; i++) {
		const Tributary__Goods *goods = (const Tributary__Goods *)call->items[i];

		call->item_status[i] =
			strcmp(goods->merchant, "nobody")
				? TRIB_OK
				: trib_fail(&call->item_errors[i], TRIB_INVALID, "merchant",
					    "found \"nobody\", expected the id of a known party");
	}
}

static void answer(struct engine *engine, struct trib_call *call)
{
	call->status = call->kind == TRIB_CALL_STATE ? TRIB_OK : engine->fail_with;
	call->http_status = call->kind == TRIB_CALL_PUT ? 201 : 200;
	if (call->kind == TRIB_CALL_PUT)
		atomic_fetch_add(&engine->position, 64);
	call->position = atomic_load(&engine->position);
	if (call->status != TRIB_OK) {
		trib_fail(&call->error, call->status, "somewhere", "found a test, expected none");
	} else if (call->kind == TRIB_CALL_IMPORT) {
		import(engine, call);
	} else if (trib_bytes_is(call->name, "missing")) {
		call->status = trib_fail(&call->error, TRIB_NOT_FOUND, "id",
					 "found nothing of that name, expected a known id");
	} else if (trib_bytes_is(call->name, "no-plan")) {
		call->status = trib_fail(&call->error, TRIB_REFUSED, "goods",
					 "found no plan, expected one");
		call->code = "no_plan";
	} else {
		trib_buffer_add_format(
			&call->reply,
			"{\"kind\":%d,\"noun\":%d,\"version\":%u,\"limit\":%u,\"name\":",
			call->kind, call->noun, call->version, call->limit);
		trib_json_add_string(&call->reply, call->name);
		trib_buffer_add_text(&call->reply, ",\"party\":");
		trib_json_add_string(&call->reply, call->party);
		trib_buffer_add_text(&call->reply, ",\"source\":");
		trib_json_add_string(&call->reply, call->source);
		if (call->body) {
			trib_buffer_add_text(&call->reply, ",\"body\":");
			trib_proto_to_json(call->body, TRIB_PROTO_SET_FIELDS, &call->reply);
		}
		trib_buffer_add_char(&call->reply, '}');
	}
	atomic_fetch_add(&engine->calls, 1);
	call->done(call);
}

static void *run(void *context)
{
	struct engine *engine = context;

	pthread_mutex_lock(&engine->lock);
	while (!engine->stop || engine->first) {
		struct trib_call *call = engine->first;

		if (!call || (atomic_load(&engine->hold) && call->kind != TRIB_CALL_STATE)) {
			pthread_cond_wait(&engine->wake, &engine->lock);
			continue;
		}
		engine->first = call->next;
		if (!engine->first)
			engine->last = &engine->first;
		pthread_mutex_unlock(&engine->lock);
		answer(engine, call);
		pthread_mutex_lock(&engine->lock);
	}
	pthread_mutex_unlock(&engine->lock);
	return NULL;
}

static void set_hold(struct engine *engine, bool hold)
{
	pthread_mutex_lock(&engine->lock);
	atomic_store(&engine->hold, hold);
	pthread_cond_broadcast(&engine->wake);
	pthread_mutex_unlock(&engine->lock);
}

/* ---- A door and a client ----------------------------------------------------------------------------- */

struct fixture {
	struct engine engine;
	struct trib_address address;
	struct trib_auth *auth;
	struct trib_metrics *metrics;
	struct trib_http *http;
	char token_file[64];
	struct trib_buffer reply;
};

static void set_up(struct fixture *f, const char *address, const char *token, int64_t request_ms,
		   int64_t at_least_ms)
{
	struct trib_error error;

	memset(f, 0, sizeof(*f));
	f->engine.last = &f->engine.first;
	f->engine.position = 4096;
	pthread_mutex_init(&f->engine.lock, NULL);
	pthread_cond_init(&f->engine.wake, NULL);
	assert_int_equal(pthread_create(&f->engine.thread, NULL, run, &f->engine), 0);
	assert_ok(trib_address_parse(trib_bytes_text(address), "", &f->address, &error), error);
	if (token) {
		snprintf(f->token_file, sizeof(f->token_file), "/tmp/tributary-http-XXXXXX");
		int fd = mkstemp(f->token_file);

		assert_int_equal(write(fd, token, strlen(token)), (ssize_t)strlen(token));
		close(fd);
	}
	assert_ok(trib_auth_open(f->token_file, &f->auth, &error), error);
	f->metrics = trib_metrics_new();
	struct trib_http_options options = { .address = &f->address,
					     .hosts = "shop.example",
					     .auth = f->auth,
					     .metrics = f->metrics,
					     .submit = submit,
					     .context = &f->engine,
					     .request_ms = request_ms,
					     .at_least_ms = at_least_ms };

	assert_ok(trib_http_start(&options, &f->http, &error), error);
	trib_buffer_init(&f->reply, 64 << 20);
}

static void tear_down(struct fixture *f)
{
	trib_http_drain(f->http);
	while (!trib_http_drained(f->http))
		sched_yield();
	trib_http_stop(f->http);
	pthread_mutex_lock(&f->engine.lock);
	f->engine.stop = true;
	pthread_cond_broadcast(&f->engine.wake);
	pthread_mutex_unlock(&f->engine.lock);
	pthread_join(f->engine.thread, NULL);
	pthread_mutex_destroy(&f->engine.lock);
	pthread_cond_destroy(&f->engine.wake);
	trib_auth_free(f->auth);
	trib_metrics_free(f->metrics);
	trib_buffer_fini(&f->reply);
	if (f->token_file[0])
		unlink(f->token_file);
}

static int dial(const struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(trib_http_port(f->http)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void tell(int fd, struct trib_bytes text)
{
	while (text.size) {
		ssize_t sent = send(fd, text.data, text.size, MSG_NOSIGNAL);

		if (sent <= 0)
			return; /* the server may have answered and closed */
		text = trib_bytes(text.data + sent, text.size - (size_t)sent);
	}
}

/* One whole answer; returns its status, 0 where the connection ended. The reply holds it from its first byte. */
static int hear(struct fixture *f, int fd)
{
	char *end, *length;
	size_t head = 0, size = 0;

	trib_buffer_reset(&f->reply);
	for (;;) {
		char *text = (char *)trib_buffer_text(&f->reply);

		end = strstr(text, "\r\n\r\n");
		length = end ? strcasestr(text, "\r\nContent-Length: ") : NULL;
		if (end && length && length < end) {
			head = (size_t)(end - text) + 4;
			size = strtoul(length + 18, NULL, 10);
			if (f->reply.size >= head + size)
				break;
		}
		char *place = trib_buffer_reserve(&f->reply, 1 << 16);
		/* byte by byte in the head, so that the next answer stays in the socket */
		size_t want = end ? head + size - f->reply.size : 1;
		ssize_t got = recv(fd, place, TRIB_MIN(want, (size_t)1 << 16), 0);

		if (got <= 0)
			return 0;
		f->reply.size += (size_t)got;
	}
	trib_buffer_text(&f->reply);
	return atoi(f->reply.data + strlen("HTTP/1.1 "));
}

static const char *body_of(const struct fixture *f)
{
	return strstr(f->reply.data, "\r\n\r\n") + 4;
}

static int ask(struct fixture *f, const char *text)
{
	int fd = dial(f);

	tell(fd, trib_bytes_text(text));
	int status = hear(f, fd);

	close(fd);
	return status;
}

static int ask_path(struct fixture *f, const char *method, const char *path, const char *body)
{
	char text[8192];

	if (body)
		snprintf(text, sizeof(text),
			 "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
			 "Content-Length: %zu\r\n\r\n%s",
			 method, path, strlen(body), body);
	else
		snprintf(text, sizeof(text), "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n", method,
			 path);
	return ask(f, text);
}

static void assert_has(const struct fixture *f, const char *part)
{
	if (!strstr(f->reply.data, part))
		fail_msg("no %s in %s", part, f->reply.data);
}

/* ---- Tests ------------------------------------------------------------------------------------------- */

#define LINK_BODY  "{\"channel\":\"ch\",\"creator\":\"c1\",\"goods\":\"g1\"}"
#define ORDER_BODY "{\"order\":\"o1/1\",\"user\":\"u\",\"goods\":\"g\",\"base_amount\":1990}"

/* What each path comes to as a call; the engine that is not there echoes it. */
static const struct {
	const char *method, *path, *body;
	int status;
	enum trib_call_kind kind;
	const char *parts[3];
} calls[] = {
	/* clang-format off */
	{ "POST", "/api/v1/links", LINK_BODY, 200, TRIB_CALL_LINK, { "\"channel\":\"ch\"" } },
	{ "GET", "/api/v1/tracks/abc-DEF_1", NULL, 200, TRIB_CALL_TRACK, { "\"name\":\"abc-DEF_1\"" } },
	{ "POST", "/api/v1/touches", "{\"user\":\"u\",\"token\":\"t\"}", 200, TRIB_CALL_TOUCH, { "" } },
	{ "POST", "/api/v1/orders", ORDER_BODY, 200, TRIB_CALL_ORDER, { "\"base_amount\":1990" } },
	{ "GET", "/api/v1/orders/o1", NULL, 200, TRIB_CALL_ORDER_GET, { "\"name\":\"o1\"" } },
	{ "GET", "/api/v1/orders/o1/2", NULL, 200, TRIB_CALL_ORDER_GET, { "\"name\":\"o1/2\"" } },
	{ "GET", "/api/v1/orders/o1%2F2:explain", NULL, 200, TRIB_CALL_EXPLAIN, { "\"name\":\"o1/2\"" } },
	{ "GET", "/api/v1/orders/o1%3aexplain", NULL, 200, TRIB_CALL_ORDER_GET, { "\"name\":\"o1:explain\"" } },
	{ "GET", "/api/v1/ledger/balances?party=p%201&role=&limit=7", NULL, 200, TRIB_CALL_BALANCES,
	  { "\"party\":\"p 1\"", "\"limit\":7" } },
	{ "PUT", "/api/v1/rules/default", "{\"root\": {\"b\":1,\"a\":2.0}}", 200, TRIB_CALL_RULES_PUT,
	  { "{\\\"root\\\":{\\\"a\\\":2.0,\\\"b\\\":1}}" } },
	{ "GET", "/api/v1/rules/default", NULL, 200, TRIB_CALL_RULES_GET, { "\"version\":0" } },
	{ "GET", "/api/v1/rules/default/versions/12", NULL, 200, TRIB_CALL_RULES_GET, { "\"version\":12" } },
	{ "GET", "/api/v1/rules/default/hits", NULL, 200, TRIB_CALL_RULES_HITS, { "" } },
	{ "POST", "/api/v1/rules/default:activate", "{\"version\":3,\"at\":5}", 200, TRIB_CALL_RULES_ACTIVATE,
	  { "\"version\":3", "\"at\":5" } },
	{ "PUT", "/api/v1/goods/g1", "{\"merchant\":\"m\"}", 201, TRIB_CALL_PUT,
	  { "\"noun\":1", "\"id\":\"g1\"", "\nTributary-Position: 4160\r\n" } },
	{ "PUT", "/api/v1/parties/%E8%BE%BE", "{}", 201, TRIB_CALL_PUT, { "\"noun\":0", "\"id\":\"达\"" } },
	{ "GET", "/api/v1/plans/p1", NULL, 200, TRIB_CALL_GET, { "\"noun\":2" } },
	{ "DELETE", "/api/v1/registrations/r1", NULL, 200, TRIB_CALL_CLOSE, { "\"noun\":3" } },
	{ "GET", "/api/v1/goods?limit=10&cursor=abc", NULL, 200, TRIB_CALL_LIST, { "\"limit\":10" } },
	{ "GET", "/healthz", NULL, 200, TRIB_CALL_STATE, { "" } },
	/* clang-format on */
};

static void test_paths(void **state)
{
	struct fixture f;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(calls); i++) {
		char kind[32];

		if (ask_path(&f, calls[i].method, calls[i].path, calls[i].body) != calls[i].status)
			fail_msg("%s %s: %s", calls[i].method, calls[i].path, f.reply.data);
		snprintf(kind, sizeof(kind), "{\"kind\":%d,", calls[i].kind);
		assert_has(&f, kind);
		assert_has(&f, "\r\nTributary-Position: 4");
		assert_has(&f, "\r\nContent-Type: application/json\r\n");
		for (size_t p = 0; p < 3 && calls[i].parts[p]; p++)
			assert_has(&f, calls[i].parts[p]);
	}
	tear_down(&f);
}

static const struct {
	const char *method, *path, *body;
	int status;
	const char *code, *at, *part;
} refusals[] = {
	/* clang-format off */
	{ "GET", "/", NULL, 404, "not_found", "path", "found /, expected" },
	{ "GET", "/api/v1/cats/1", NULL, 404, "not_found", "path", "" },
	{ "GET", "/api/v1/goods/a/b", NULL, 404, "not_found", "path", "" },
	{ "GET", "/api/v1/goods/", NULL, 404, "not_found", "path", "" },
	{ "GET", "/api/v1/goods/missing", NULL, 404, "not_found", "id", "" },
	{ "GET", "/api/v1/goods/a%20b", NULL, 400, "invalid", "id", "expected an id" },
	{ "GET", "/api/v1/goods/a%2Fb", NULL, 400, "invalid", "id", "" },
	{ "GET", "/api/v1/goods/%00", NULL, 400, "invalid", "id", "" },
	{ "GET", "/api/v1/goods/%F", NULL, 400, "invalid", "path", "" },
	{ "GET", "/api/v1/orders/a/b/c", NULL, 400, "invalid", "order", "order or order/line" },
	{ "PATCH", "/api/v1/goods/g1", "{}", 405, "method_not_allowed", "method", "\r\nAllow: PUT, GET, HEAD, DELETE\r\n" },
	{ "PUT", "/api/v1/links", "{}", 405, "method_not_allowed", "method", "\r\nAllow: POST\r\n" },
	{ "PUT", "/api/v1/goods/g1", "", 400, "syntax", "line 1 column 1", "" },
	{ "PUT", "/api/v1/goods/g1", "{", 400, "syntax", "line 1 column 2", "" },
	{ "PUT", "/api/v1/goods/g1", "{\"merchant\":\"m\",\"price\":-1}", 400, "invalid", "price",
	  "found -1, expected an integer from 0 to" },
	{ "PUT", "/api/v1/goods/g1", "{\"merchant\":\"m\",\"id\":\"g2\"}", 400, "invalid", "id", "expected \\\"g1\\\" as in the path" },
	{ "PUT", "/api/v1/goods/g1", "{\"merchant\":\"m\",\"colour\":1}", 400, "invalid", "colour", "" },
	{ "POST", "/api/v1/links", "{}", 400, "invalid", "channel", "" },
	{ "POST", "/api/v1/rules/x:activate", "{}", 400, "invalid", "version", "" },
	{ "PUT", "/api/v1/rules/x", "{\"a\":1,\"a\":2}", 400, "syntax", "line 1 column 14", "" },
	{ "GET", "/api/v1/rules/x/versions/0", NULL, 400, "invalid", "version", "" },
	{ "GET", "/api/v1/goods?limit=0", NULL, 400, "invalid", "limit", "from 1 to 1000" },
	{ "GET", "/api/v1/goods?limit=1001", NULL, 400, "invalid", "limit", "" },
	{ "GET", "/api/v1/goods?limit=1&limit=1", NULL, 400, "invalid", "limit", "found it twice" },
	{ "GET", "/api/v1/goods?lmit=1", NULL, 400, "invalid", "lmit", "unknown parameter" },
	{ "GET", "/api/v1/goods?party=x", NULL, 400, "invalid", "party", "unknown parameter" },
	{ "GET", "/api/v1/goods?cursor=%zz", NULL, 400, "invalid", "cursor", "" },
	{ "GET", "/api/v1/goods?at_least=x", NULL, 400, "invalid", "at_least", "" },
	{ "POST", "/api/v1/goods:import?atomic=maybe", "", 400, "invalid", "atomic", "" },
	{ "GET", "/api/v1/goods/no-plan", NULL, 422, "no_plan", "goods", "" },
	/* clang-format on */
};

static void test_refusals(void **state)
{
	struct fixture f;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	assert_int_equal(ask_path(&f, "GET", "/healthz", NULL),
			 200); /* from here on the position is known */
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(refusals); i++) {
		if (ask_path(&f, refusals[i].method, refusals[i].path, refusals[i].body) != refusals[i].status)
			fail_msg("%s %s: %s", refusals[i].method, refusals[i].path, f.reply.data);
		assert_has(&f, "\r\nContent-Type: application/problem+json\r\n");
		assert_has(&f, "\r\nTributary-Position: 4096\r\n");
		assert_has(&f, refusals[i].part);
		json_t *problem = json_loads(body_of(&f), 0, NULL);

		assert_non_null(problem);
		assert_string_equal(json_string_value(json_object_get(problem, "code")),
				    refusals[i].code);
		assert_string_equal(json_string_value(json_object_get(problem, "at")), refusals[i].at);
		assert_int_equal(json_integer_value(json_object_get(problem, "status")),
				 refusals[i].status);
		assert_true(json_string_length(json_object_get(problem, "title")) > 0);
		assert_true(json_string_length(json_object_get(problem, "type")) > 0);
		assert_true(json_string_length(json_object_get(problem, "detail")) > 0);
		json_decref(problem);
	}
	tear_down(&f);
}

/* What is wrong with the headers, sent as they are. */
static void test_headers(void **state)
{
	static const struct {
		const char *text;
		int status;
		const char *part;
	} rows[] = {
		{ "GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403,
		  "\"code\":\"noperm\"" },
		{ "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1.evil.example:7380\r\n\r\n", 403, "" },
		{ "GET /healthz HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n", 403, "" },
		{ "GET /healthz HTTP/1.1\r\nHost: [::1\r\n\r\n", 403, "" },
		{ "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n", 400,
		  "found it 2 times" },
		{ "GET /healthz HTTP/1.1\r\n\r\n", 400, "" },
		{ "GET /healthz HTTP/1.0\r\n\r\n", 200, "" },
		{ "GET /healthz HTTP/1.1\r\nHost: shop.example:80\r\n\r\n", 200, "" },
		{ "GET /healthz HTTP/1.1\r\nHost: [::1]:7380\r\n\r\n", 200, "" },
		{ "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://127.0.0.1\r\n\r\n",
		  200, "" },
		{ "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: null\r\n\r\n", 403,
		  "\"at\":\"Origin\"" },
		{ "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\n\r\n",
		  403, "" },
		{ "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:1\r\nOrigin: "
		  "http://127.0.0.1:2\r\n\r\n",
		  403, "" },
		{ "POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
		  "application/xml\r\n"
		  "Content-Length: 2\r\n\r\n{}",
		  415, "\"at\":\"Content-Type\"" },
		{ "POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\n"
		  "Content-Type: multipart/form-data\r\nContent-Length: 2\r\n\r\n{}",
		  415, "" },
		{ "POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\n"
		  "Content-Length: 2\r\n\r\n{}",
		  415, "\"at\":\"Content-Encoding\"" },
		{ "POST /api/v1/touches HTTP/1.1\r\nHost: localhost\r\n"
		  "Content-Type: application/json; charset=utf-8\r\nContent-Length: 24\r\n\r\n"
		  "{\"user\":\"u\",\"token\":\"t\"}",
		  200, "" },
		{ "POST /api/v1/touches HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
		  "chunked\r\n\r\n"
		  "5\r\n{\"use\r\n13\r\nr\":\"u\",\"token\":\"t\"}\r\n0\r\n\r\n",
		  200, "" },
		{ "POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8388609\r\n"
		  "Expect: 100-continue\r\n\r\n",
		  413, "\"code\":\"too_large\"" },
	};
	struct fixture f;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		if (ask(&f, rows[i].text) != rows[i].status)
			fail_msg("%s: %s", rows[i].text, f.reply.data);
		assert_has(&f, rows[i].part);
	}
	tear_down(&f);
}

static void test_token(void **state)
{
	struct fixture f;
	struct trib_error error;
	struct trib_http *http;

	set_up(&f, "0.0.0.0:0", "a-long-access-token", 0, 20);
	assert_int_equal(ask(&f, "GET /healthz HTTP/1.1\r\nHost: 10.1.2.3\r\n\r\n"), 401);
	assert_has(&f, "\r\nWWW-Authenticate: Bearer\r\n");
	assert_has(&f, "\"code\":\"noauth\"");
	assert_int_equal(ask(&f, "GET /healthz HTTP/1.1\r\nHost: 10.1.2.3\r\n"
				 "Authorization: Bearer a-long-access-tokem\r\n\r\n"),
			 401);
	assert_int_equal(ask(&f, "GET /healthz HTTP/1.1\r\nHost: 10.1.2.3\r\n"
				 "Authorization: Basic YTpi\r\n\r\n"),
			 401);
	assert_int_equal(ask(&f, "GET /healthz HTTP/1.1\r\nHost: 10.1.2.3\r\n"
				 "Authorization: bearer a-long-access-token\r\n\r\n"),
			 200);
	tear_down(&f);

	/* no door to the world without a token */
	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	struct trib_address everywhere;

	assert_ok(trib_address_parse(trib_bytes_text("0.0.0.0:0"), "", &everywhere, &error), error);
	struct trib_http_options options = { .address = &everywhere,
					     .auth = f.auth,
					     .submit = submit };

	assert_int_equal(trib_http_start(&options, &http, &error), TRIB_FORBIDDEN);
	tear_down(&f);
}

/* Chunked bodies, requests behind each other in one connection, HEAD. */
static void test_keep_alive(void **state)
{
	struct fixture f;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	int fd = dial(&f);

	for (int i = 0; i < 50; i++)
		tell(fd, trib_bytes_text(
				 i % 2 ? "GET /api/v1/goods/g HTTP/1.1\r\nHost: localhost\r\n\r\n"
				       : "PUT /api/v1/goods/g HTTP/1.1\r\nHost: localhost\r\n"
					 "Content-Length: 16\r\n\r\n{\"merchant\":\"m\"}"));
	for (int i = 0; i < 50; i++)
		assert_int_equal(hear(&f, fd), i % 2 ? 200 : 201);
	/* a refused body is read, so that the connection goes on */
	tell(fd,
	     trib_bytes_text(
		     "PUT /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
		     "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	assert_int_equal(hear(&f, fd), 404);
	char head[512];
	ssize_t size = recv(fd, head, sizeof(head) - 1, 0);

	assert_true(size > 0);
	head[size] = '\0';
	assert_non_null(strstr(head, "200 OK"));
	assert_string_equal(head + size - 4, "\r\n\r\n");
	close(fd);
	tear_down(&f);
}

static void test_large_bodies(void **state)
{
	enum { SIZE = 9 << 20 };
	struct fixture f;
	char *body = trib_alloc(SIZE), chunk[32];

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	memset(body, ' ', SIZE);
	/* as large as may be: a syntax error at its end, not a limit */
	int fd = dial(&f);

	tell(fd, trib_bytes_text("PUT /api/v1/goods/g HTTP/1.1\r\nHost: "
				 "localhost\r\nContent-Length: 8388608\r\n\r\n"));
	tell(fd, trib_bytes(body, 8388608));
	assert_int_equal(hear(&f, fd), 400);
	assert_has(&f, "\"code\":\"syntax\"");
	/* larger, without saying so before */
	tell(fd, trib_bytes_text("PUT /api/v1/goods/g HTTP/1.1\r\nHost: "
				 "localhost\r\nTransfer-Encoding: chunked\r\n\r\n"));
	snprintf(chunk, sizeof(chunk), "%x\r\n", SIZE);
	tell(fd, trib_bytes_text(chunk));
	tell(fd, trib_bytes(body, SIZE));
	tell(fd, trib_bytes_text("\r\n0\r\n\r\n"));
	assert_int_equal(hear(&f, fd), 413);
	assert_has(&f, "\"code\":\"too_large\"");
	close(fd);
	/* without end: cut */
	fd = dial(&f);
	tell(fd, trib_bytes_text("PUT /api/v1/goods/g HTTP/1.1\r\nHost: "
				 "localhost\r\nTransfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 4; i++) {
		tell(fd, trib_bytes_text(chunk));
		tell(fd, trib_bytes(body, SIZE));
		tell(fd, trib_bytes_text("\r\n"));
	}
	assert_int_equal(hear(&f, fd), 0);
	close(fd);
	free(body);
	tear_down(&f);
}

static void test_openapi_and_metrics(void **state)
{
	struct fixture f;
	json_error_t error;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	assert_int_equal(ask_path(&f, "GET", "/openapi.json", NULL), 200);
	json_t *all = json_loads(body_of(&f), JSON_REJECT_DUPLICATES, &error);

	if (!all)
		fail_msg("%s at %d", error.text, error.position);
	static const char *const paths[] = { "/api/v1/links",
					     "/api/v1/tracks/{id}",
					     "/api/v1/touches",
					     "/api/v1/orders",
					     "/api/v1/orders/{order}",
					     "/api/v1/orders/{order}:explain",
					     "/api/v1/ledger/balances",
					     "/api/v1/rules/{id}",
					     "/api/v1/rules/{id}:activate",
					     "/api/v1/rules/{id}:rollout",
					     "/api/v1/facts",
					     "/api/v1/expr:complete",
					     "/api/v1/rules/{id}/versions/{version}",
					     "/api/v1/rules/{id}/hits",
					     "/api/v1/parties/{id}",
					     "/api/v1/goods:import",
					     "/api/v1/plans",
					     "/api/v1/registrations/{id}",
					     "/healthz",
					     "/metrics" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(paths); i++)
		if (!json_object_get(json_object_get(all, "paths"), paths[i]))
			fail_msg("no %s", paths[i]);
	assert_non_null(json_object_get(
		json_object_get(json_object_get(all, "paths"), "/api/v1/goods/{id}"), "put"));
	/* every reference leads somewhere, but to what plays add: that is the engine's answer, which is none here */
	json_t *schemas = json_object_get(json_object_get(all, "components"), "schemas");
	static const char ref[] = "\"$ref\":\"#/components/schemas/";

	for (const char *p = body_of(&f); (p = strstr(p, ref)); p += sizeof(ref)) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)strcspn(p + sizeof(ref) - 1, "\""),
			 p + sizeof(ref) - 1);
		if (!json_object_get(schemas, name) && !strstr(name, ".ext"))
			fail_msg("no schema %s", name);
	}
	json_decref(all);
	assert_int_equal(ask_path(&f, "GET", "/nowhere", NULL), 404);
	assert_int_equal(ask_path(&f, "GET", "/metrics", NULL), 200);
	assert_has(&f, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
	assert_has(&f, "\ntributary_http_requests_total{status=\"404\"} 1\n");
	assert_has(&f, "\ntributary_http_requests_total{status=\"200\"} 1\n");
	tear_down(&f);
}

/* The body in pieces of every size up to a few bytes, so that lines are cut everywhere. */
static void test_import(void **state)
{
	static const char body[] = "{\"id\":\"g1\",\"merchant\":\"m\"}\n"
				   "\r\n"
				   "{\"id\":\"g2\",\"merchant\":\"nobody\"}\r\n"
				   "{\"id\":\"g3\"\n"
				   "{\"merchant\":\"m\"}\n"
				   "{\"id\":\"g4\",\"merchant\":\"m\",\"price\":-1}\n"
				   "{\"id\":\"g5\",\"merchant\":\"m\"}";
	static const char expected[] =
		"{\"accepted\":2,\"refused\":4,\"errors\":["
		"{\"line\":4,\"at\":\"column 11\",\"code\":\"syntax\",\"detail\":\"found the end, "
		"expected ',' or '}'\"},"
		"{\"line\":5,\"at\":\"id\",\"code\":\"invalid\",\"detail\":\"found nothing, "
		"expected a string\"},"
		"{\"line\":6,\"at\":\"price\",\"code\":\"invalid\",\"detail\":\"found -1, expected "
		"an integer from 0 to 9223372036854775807\"},"
		"{\"line\":3,\"at\":\"merchant\",\"code\":\"invalid\",\"detail\":\"found "
		"\\\"nobody\\\", expected the id of a known party\"}]}";
	struct fixture f;
	char chunk[32];

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	int fd = dial(&f);

	for (size_t piece = 1; piece < 40; piece += 3) {
		tell(fd, trib_bytes_text("POST /api/v1/goods:import HTTP/1.1\r\nHost: localhost\r\n"
					 "Content-Type: application/x-ndjson\r\nTransfer-Encoding: "
					 "chunked\r\n\r\n"));
		for (size_t at = 0; at < sizeof(body) - 1; at += piece) {
			size_t size = TRIB_MIN(piece, sizeof(body) - 1 - at);

			snprintf(chunk, sizeof(chunk), "%zx\r\n", size);
			tell(fd, trib_bytes_text(chunk));
			tell(fd, trib_bytes(body + at, size));
			tell(fd, trib_bytes_text("\r\n"));
		}
		tell(fd, trib_bytes_text("0\r\n\r\n"));
		assert_int_equal(hear(&f, fd), 200);
		assert_string_equal(body_of(&f), expected);
	}
	close(fd);
	tear_down(&f);
}

static void test_import_batches(void **state)
{
	enum { LINES = 20000 };
	struct fixture f;
	struct trib_buffer body;
	char head[256];

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	trib_buffer_init(&body, 64 << 20);
	for (int i = 0; i < LINES; i++)
		trib_buffer_add_format(&body, "{\"id\":\"g%d\",\"merchant\":\"%s\"}\n", i,
				       i % 10 ? "m" : "nobody");
	for (int chunked = 0; chunked < 2; chunked++) {
		int fd = dial(&f);

		snprintf(head, sizeof(head),
			 "POST /api/v1/goods:import HTTP/1.1\r\nHost: localhost\r\n%s%s%zu%s",
			 chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "",
			 chunked ? "" : "Content-Length: ", body.size, "\r\n\r\n");
		if (chunked)
			snprintf(head, sizeof(head),
				 "POST /api/v1/goods:import HTTP/1.1\r\nHost: localhost\r\n"
				 "Transfer-Encoding: chunked\r\n\r\n%zx\r\n",
				 body.size);
		tell(fd, trib_bytes_text(head));
		tell(fd, trib_buffer_bytes(&body));
		if (chunked)
			tell(fd, trib_bytes_text("\r\n0\r\n\r\n"));
		assert_int_equal(hear(&f, fd), 200);
		json_t *answer = json_loads(body_of(&f), 0, NULL);

		assert_int_equal(json_integer_value(json_object_get(answer, "accepted")),
				 LINES * 9 / 10);
		assert_int_equal(json_integer_value(json_object_get(answer, "refused")),
				 LINES / 10);
		assert_int_equal(json_array_size(json_object_get(answer, "errors")),
				 TRIB_LIMIT_IMPORT_ERRORS);
		assert_int_equal(
			json_integer_value(json_object_get(
				json_array_get(json_object_get(answer, "errors"), 7), "line")),
			71);
		json_decref(answer);
		close(fd);
	}
	assert_int_equal(f.engine.imports, 2 * LINES / TRIB_LIMIT_IMPORT_BATCH_LINES);
	assert_int_equal(f.engine.largest_import, TRIB_LIMIT_IMPORT_BATCH_LINES);
	trib_buffer_fini(&body);
	tear_down(&f);
}

static void test_import_atomic(void **state)
{
	struct fixture f;
	struct trib_buffer body;
	char head[256];

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	assert_int_equal(
		ask_path(
			&f, "POST", "/api/v1/goods:import?atomic=true",
			"{\"id\":\"g1\",\"merchant\":\"m\"}\n{\"id\":\"g2\",\"merchant\":\"m\"}\n"),
		200);
	assert_string_equal(body_of(&f), "{\"accepted\":2,\"refused\":0,\"errors\":[]}");
	assert_int_equal(f.engine.imports, 1);
	/* one line that cannot be read: the engine is not asked */
	assert_int_equal(ask_path(&f, "POST", "/api/v1/goods:import?atomic=true",
				  "{\"id\":\"g1\",\"merchant\":\"m\"}\nx\n{\"id\":\"g2\","
				  "\"merchant\":\"m\"}\n"),
			 200);
	assert_has(&f,
		   "{\"accepted\":0,\"refused\":3,\"errors\":[{\"line\":2,\"at\":\"column 1\",");
	assert_int_equal(f.engine.imports, 1);
	/* one that the engine refuses */
	assert_int_equal(ask_path(&f, "POST", "/api/v1/goods:import?atomic=1",
				  "{\"id\":\"g1\",\"merchant\":\"m\"}\n{\"id\":\"g2\",\"merchant\":"
				  "\"nobody\"}\n"),
			 200);
	assert_has(&f,
		   "{\"accepted\":0,\"refused\":2,\"errors\":[{\"line\":2,\"at\":\"merchant\",");
	/* too many to be held */
	trib_buffer_init(&body, 64 << 20);
	for (int i = 0; i <= TRIB_LIMIT_IMPORT_ATOMIC_LINES; i++)
		trib_buffer_add_text(&body, "{\"id\":\"g\",\"merchant\":\"m\"}\n");
	snprintf(head, sizeof(head),
		 "POST /api/v1/goods:import?atomic=true HTTP/1.1\r\nHost: localhost\r\n"
		 "Content-Length: %zu\r\n\r\n",
		 body.size);
	int fd = dial(&f);

	tell(fd, trib_bytes_text(head));
	tell(fd, trib_buffer_bytes(&body));
	assert_int_equal(hear(&f, fd), 413);
	close(fd);
	assert_int_equal(f.engine.imports, 2);
	trib_buffer_fini(&body);
	tear_down(&f);
}

static void test_import_long_line(void **state)
{
	enum { SIZE = 2 << 20 };
	struct fixture f;
	char *line = trib_alloc(SIZE), head[256];
	static const char good[] = "\n{\"id\":\"g\",\"merchant\":\"m\"}";

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	memset(line, ' ', SIZE);
	snprintf(head, sizeof(head),
		 "POST /api/v1/goods:import HTTP/1.1\r\nHost: localhost\r\n"
		 "Content-Length: %zu\r\n\r\n",
		 SIZE + sizeof(good) - 1);
	int fd = dial(&f);

	tell(fd, trib_bytes_text(head));
	tell(fd, trib_bytes(line, SIZE));
	tell(fd, trib_bytes_text(good));
	assert_int_equal(hear(&f, fd), 200);
	assert_string_equal(body_of(&f),
			    "{\"accepted\":1,\"refused\":1,\"errors\":[{\"line\":1,\"at\":\"\","
			    "\"code\":\"too_large\",\"detail\":\"found a longer line, expected at "
			    "most 1048576 bytes\"}]}");
	close(fd);
	free(line);
	tear_down(&f);
}

static void test_storage_fails(void **state)
{
	struct fixture f;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	f.engine.fail_with = TRIB_READ_ONLY;
	assert_int_equal(ask_path(&f, "PUT", "/api/v1/goods/g", "{\"merchant\":\"m\"}"), 503);
	assert_has(&f, "\"code\":\"read_only\"");
	assert_has(&f, "\r\nRetry-After: 1\r\n");
	assert_int_equal(
		ask_path(&f, "POST", "/api/v1/goods:import", "{\"id\":\"g\",\"merchant\":\"m\"}"),
		503);
	assert_has(&f, "\"code\":\"read_only\"");
	tear_down(&f);
}

static void test_full_ring(void **state)
{
	struct fixture f;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	atomic_store(&f.engine.full, true);
	assert_int_equal(ask_path(&f, "GET", "/api/v1/goods/g", NULL), 503);
	assert_has(&f, "\"code\":\"busy\"");
	assert_int_equal(ask_path(&f, "GET", "/api/v1/goods/g?at_least=1", NULL), 503);
	assert_int_equal(
		ask_path(&f, "POST", "/api/v1/goods:import", "{\"id\":\"g\",\"merchant\":\"m\"}"),
		503);
	atomic_store(&f.engine.full, false);
	assert_int_equal(ask_path(&f, "GET", "/api/v1/goods/g", NULL), 200);
	tear_down(&f);

	/* an import waits for room */
	set_up(&f, "127.0.0.1:0", NULL, 0, 0);
	atomic_store(&f.engine.full, true);
	int fd = dial(&f);

	tell(fd, trib_bytes_text("POST /api/v1/goods:import HTTP/1.1\r\nHost: "
				 "localhost\r\nContent-Length: 25\r\n\r\n"
				 "{\"id\":\"g\",\"merchant\":\"m\"}"));
	assert_int_equal(ask_path(&f, "GET", "/healthz", NULL), 200);
	atomic_store(&f.engine.full, false);
	assert_int_equal(hear(&f, fd), 200);
	assert_string_equal(body_of(&f), "{\"accepted\":1,\"refused\":0,\"errors\":[]}");
	close(fd);
	tear_down(&f);
}

static void test_at_least(void **state)
{
	struct fixture f;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	assert_int_equal(ask_path(&f, "GET", "/healthz", NULL), 200);
	assert_int_equal(ask_path(&f, "GET", "/api/v1/goods/g?at_least=4096", NULL), 200);
	assert_int_equal(ask_path(&f, "GET", "/api/v1/goods/g?at_least=4097", NULL), 503);
	assert_has(&f, "\"at\":\"at_least\"");
	tear_down(&f);
	/* reached while it waits, by somebody else's write */
	set_up(&f, "127.0.0.1:0", NULL, 0, 0);
	int fd = dial(&f);

	tell(fd, trib_bytes_text(
			 "GET /api/v1/goods/g?at_least=5000 HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	atomic_store(&f.engine.position, 5000);
	assert_int_equal(hear(&f, fd), 200);
	assert_has(&f, "\r\nTributary-Position: 5000\r\n");
	close(fd);
	tear_down(&f);
}

/* One that says nothing more, one that sends a byte now and then: both are cut. */
static void test_slow_clients(void **state)
{
	static const char *const beginnings[] = {
		"GET /healthz HTTP/1.1\r\nHost: loc",
		"PUT /api/v1/goods/g HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
	};
	struct fixture f;

	set_up(&f, "127.0.0.1:0", NULL, 50, 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(beginnings); i++) {
		int fd = dial(&f);
		struct pollfd readable = { .fd = fd, .events = POLLIN };

		tell(fd, trib_bytes_text(beginnings[i]));
		while (poll(&readable, 1, 10) == 0)
			tell(fd, trib_bytes_text(" "));
		assert_int_equal(hear(&f, fd), 0);
		close(fd);
	}
	assert_true(trib_metrics_value(f.metrics, TRIB_METRIC_HTTP_CUT, 0) >= 2);
	tear_down(&f);
}

/* A request that the engine has when the end comes still gets its answer. */
static void test_drain(void **state)
{
	struct fixture f;
	bool drained;

	set_up(&f, "127.0.0.1:0", NULL, 0, 20);
	assert_int_equal(ask_path(&f, "GET", "/healthz", NULL), 200);
	set_hold(&f.engine, true);
	int fd = dial(&f), other = dial(&f);

	tell(other, trib_bytes_text("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	assert_int_equal(hear(&f, other), 200);
	tell(fd, trib_bytes_text("GET /api/v1/goods/g HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	do {
		pthread_mutex_lock(&f.engine.lock);
		drained = f.engine.first == NULL; /* not there yet */
		pthread_mutex_unlock(&f.engine.lock);
	} while (drained);
	trib_http_drain(f.http);
	assert_false(trib_http_drained(f.http));
	tell(other, trib_bytes_text("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	assert_int_equal(hear(&f, other), 503);
	set_hold(&f.engine, false);
	assert_int_equal(hear(&f, fd), 200);
	close(fd);
	close(other);
	while (!trib_http_drained(f.http))
		sched_yield();
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_large_bodies),
		cmocka_unit_test(test_openapi_and_metrics),
		cmocka_unit_test(test_import),
		cmocka_unit_test(test_import_batches),
		cmocka_unit_test(test_import_atomic),
		cmocka_unit_test(test_import_long_line),
		cmocka_unit_test(test_storage_fails),
		cmocka_unit_test(test_full_ring),
		cmocka_unit_test(test_at_least),
		cmocka_unit_test(test_slow_clients),
		cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
