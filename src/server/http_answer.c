/* What a request is answered: the engine's JSON, problem details (RFC 9457), or one of our own texts. */
#include "server/http_request.h"

#include <unistd.h>

#include "commission/commission.h"
#include "domain/domain.h"
#include "proto/proto.h"
#include "rules/rules.h"

/* Statuses that are counted one by one in the metrics; the first cell is for all others. */
static const unsigned counted[] = { 0,	 200, 201, 202, 400, 401, 403, 404,
				    405, 409, 413, 415, 422, 500, 503, 304, 412, 429 };

void trib_http_label_metrics(struct trib_metrics *metrics)
{
	char text[16];

	for (unsigned i = 0; i < TRIB_ARRAY_SIZE(counted); i++) {
		snprintf(text, sizeof(text), "%u", counted[i]);
		trib_metrics_label(metrics, TRIB_METRIC_HTTP_REQUESTS, i, i ? text : "other");
	}
	trib_metrics_label(metrics, TRIB_METRIC_IMPORT_LINES, 0, "accepted");
	trib_metrics_label(metrics, TRIB_METRIC_IMPORT_LINES, 1, "refused");
}

static void count(struct trib_http_request *request, unsigned status)
{
	struct trib_metrics *metrics = request->http->options.metrics;
	unsigned cell = 0;

	for (unsigned i = 1; i < TRIB_ARRAY_SIZE(counted); i++)
		if (counted[i] == status)
			cell = i;
	trib_metrics_add(metrics, TRIB_METRIC_HTTP_REQUESTS, cell, 1);
	trib_metrics_observe(metrics, TRIB_METRIC_HTTP_SECONDS, 0,
			     (uint64_t)(trib_http_now_ns() - request->started_ns));
}

/* A session's cookie is for this door only, never for scripts or other sites; by TLS alone where there is TLS. */
static void add_cookie(struct trib_http_request *request, struct MHD_Response *response)
{
	const struct trib_http *http = request->http;
	bool ends = request->drops_cookie || request->call.kind == TRIB_CALL_SIGN_OUT;
	char text[256];

	snprintf(text, sizeof(text), TRIB_HTTP_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s",
		 ends ? "" : request->call.secret, ends ? 0 : (long long)(http->options.session_life_ms / 1000),
		 http->options.tls ? "; Secure" : "");
	MHD_add_response_header(response, MHD_HTTP_HEADER_SET_COOKIE, text);
}

static void add_access_headers(struct trib_http_request *request, struct MHD_Response *response, unsigned status)
{
	const struct trib_call *call = &request->call;
	bool done = !request->refused && call->status == TRIB_OK;
	char text[24];

	if (request->drops_cookie || (done && request->match.route->action == TRIB_ACTION_CALL &&
				      (call->kind == TRIB_CALL_SIGN_IN || call->kind == TRIB_CALL_SIGN_OUT)))
		add_cookie(request, response);
	if (done && call->etag[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, call->etag);
	if (done && call->repeated)
		MHD_add_response_header(response, "Idempotent-Replayed", "true");
	if (status != MHD_HTTP_TOO_MANY_REQUESTS)
		return;
	snprintf(text, sizeof(text), "%u", request->retry_after ? request->retry_after : 1);
	MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, text);
}

/* The headers of every answer; then it leaves. */
static enum MHD_Result leave(struct trib_http_request *request, struct MHD_Response *response,
			     unsigned status, size_t size, const char *type)
{
	char position[24];
	uint64_t at = request->call.position;
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	if (!at)
		at = atomic_load(&request->http->position);
	position[trib_format_u64(position, at)] = '\0';
	MHD_add_response_header(response, "Tributary-Position", position);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	add_access_headers(request, response, status);
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (request->close)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	trib_http_request_set_deadline(request, trib_http_now_ns(), size);
	count(request, status);
	result = MHD_queue_response(request->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

/* Takes the buffer's memory. */
static struct MHD_Response *response_of(struct trib_buffer *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
		text->size, text->data ? text->data : trib_alloc(1), free);

	*text = (struct trib_buffer){ 0 };
	return response;
}

/* One word an error, as RESP has it in capitals; `read_only` alone is spelt otherwise there. */
static const char *code_of(const struct trib_call *call)
{
	if (call->code)
		return call->code;
	return call->status == TRIB_READ_ONLY ? "read_only" : trib_status_word(call->status);
}

/* The engine calls options as commands write them, in capitals; here they are fields. */
static const char *field_of(const char *at, char text[TRIB_ERROR_AT_MAX])
{
	size_t size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	if (!size || at[size])
		return at;
	if (!strcmp(at, "BASE"))
		return "base_amount";
	for (size_t i = 0; i <= size; i++)
		text[i] = at[i] ? (char)(at[i] | 0x20) : '\0';
	return text;
}

static enum MHD_Result send_problem(struct trib_http_request *request)
{
	struct trib_call *call = &request->call;
	unsigned status = call->http_status >= 400 ? (unsigned)call->http_status
						   : (unsigned)trib_status_http(call->status);
	Tributary__Problem problem = TRIBUTARY__PROBLEM__INIT;
	char type[80], allow[64], at[TRIB_ERROR_AT_MAX];
	struct trib_buffer text;

	snprintf(type, sizeof(type), "urn:tributary:problem:%s", code_of(call));
	problem.type = type;
	problem.title = (char *)trib_status_text(call->status);
	problem.has_status = true;
	problem.status = (int32_t)status;
	problem.detail = call->error.text;
	problem.code = (char *)code_of(call);
	problem.at = (char *)field_of(call->error.at, at);
	trib_buffer_init(&text, 64 << 10);
	trib_proto_to_json(&problem.base, TRIB_PROTO_SET_FIELDS, &text);
	size_t size = text.size;
	struct MHD_Response *response = response_of(&text);

	if (response && call->status == TRIB_METHOD) {
		const char *methods = strstr(call->error.text, "expected ");

		snprintf(allow, sizeof(allow), "%s", methods ? methods + strlen("expected ") : "");
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
	}
	return leave(request, response, status, size, "application/problem+json");
}

static enum MHD_Result send_reply(struct trib_http_request *request)
{
	struct trib_call *call = &request->call;
	unsigned status = call->http_status ? (unsigned)call->http_status : MHD_HTTP_OK;
	size_t size;

	/* What it has already is not sent again. */
	if (!strcmp(request->match.route->method, "GET") && call->etag[0] && call->if_none_match.size &&
	    trib_etag_matches(call->if_none_match, call->etag)) {
		status = MHD_HTTP_NOT_MODIFIED;
		trib_buffer_reset(&call->reply);
	}
	size = call->reply.size;

	struct MHD_Response *response = response_of(&call->reply);

	if (response && call->content_type && call->next_cursor[0])
		MHD_add_response_header(response, "Tributary-Next-Cursor", call->next_cursor);
	return leave(request, response, status, size,
		     call->content_type ? call->content_type : "application/json");
}

/* What is sent in pieces: a file, and what stands behind it. */
struct stream {
	struct trib_call_file *file;
	struct trib_buffer rest;
};

static ssize_t read_stream(void *context, uint64_t position, char *place, size_t size)
{
	struct stream *stream = context;
	uint64_t in_file = stream->file ? stream->file->size : 0;

	if (position < in_file) {
		ssize_t got = pread(stream->file->fd, place, TRIB_MIN(size, (size_t)(in_file - position)),
				    (off_t)position);

		return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
	}
	position -= in_file;
	if (position >= stream->rest.size)
		return MHD_CONTENT_READER_END_OF_STREAM;
	size = TRIB_MIN(size, stream->rest.size - (size_t)position);
	memcpy(place, stream->rest.data + position, size);
	return (ssize_t)size;
}

static void free_stream(void *context)
{
	struct stream *stream = context;

	trib_call_file_unref(stream->file);
	if (stream->rest.data)
		explicit_bzero(stream->rest.data, stream->rest.size); /* it may have been keys */
	trib_buffer_fini(&stream->rest);
	free(stream);
}

static enum MHD_Result send_stream(struct trib_http_request *request)
{
	enum { PIECE_BYTES = 256 << 10 };
	struct trib_call *call = &request->call;
	struct stream *stream = trib_alloc_zeroed(1, sizeof(*stream));
	size_t size = (call->file ? call->file->size : 0) + call->reply.size;

	stream->file = TRIB_TAKE_PTR(call->file);
	stream->rest = call->reply;
	call->reply = (struct trib_buffer){ 0 };
	return leave(request,
		     MHD_create_response_from_callback(size, PIECE_BYTES, read_stream, stream, free_stream),
		     MHD_HTTP_OK, size, request->match.route->answer);
}

static enum MHD_Result send_metrics(struct trib_http_request *request)
{
	struct trib_buffer *text = &request->call.reply;

	trib_metrics_print(request->http->options.metrics, text);
	size_t size = text->size;

	return leave(request, response_of(text), MHD_HTTP_OK, size,
		     "text/plain; version=0.0.4; charset=utf-8");
}

/* What the release says, and what active plays add, which the engine has answered: before the last three braces. */
static enum MHD_Result send_openapi(struct trib_http_request *request)
{
	static const char end[] = "}}}";
	const struct trib_buffer *described = &request->http->openapi;
	struct trib_call *call = &request->call;
	struct trib_buffer text;

	trib_buffer_init(&text, described->size + call->reply.size + 1);
	trib_buffer_add(&text, described->data, described->size - strlen(end));
	if (call->reply.size > strlen("{}")) {
		trib_buffer_add_char(&text, ',');
		trib_buffer_add(&text, call->reply.data + 1, call->reply.size - strlen("{}"));
	}
	trib_buffer_add_text(&text, end);
	trib_assert(!text.failed);
	trib_buffer_fini(&call->reply);
	call->reply = text;
	snprintf(call->etag, sizeof(call->etag), "\"%016llx\"",
		 (unsigned long long)trib_hash_bytes(trib_buffer_bytes(&text)));
	return send_reply(request);
}

/* What needs no engine. */
static void reply_here(struct trib_http_request *request)
{
	struct trib_call *call = &request->call;
	uint64_t cursor = UINT64_MAX;

	if (request->match.route->action == TRIB_ACTION_LINES)
		trib_lines_write_json(&call->reply);
	if (request->match.route->action == TRIB_ACTION_LIFE)
		trib_life_write_json(&call->reply);
	if (request->match.route->action == TRIB_ACTION_FACTS)
		trib_facts_write_json(&call->reply);
	if (request->match.route->action != TRIB_ACTION_COMPLETE)
		return;
	if (call->cursor.size && !trib_bytes_to_u64(call->cursor, &cursor))
		trib_http_request_refuse(request, TRIB_INVALID, 0, "cursor",
					 "found %.*s, expected a number of characters",
					 (int)TRIB_MIN(call->cursor.size, (size_t)40),
					 call->cursor.data);
	trib_rules_complete(call->source, cursor, &call->reply);
}

enum MHD_Result trib_http_request_answer(struct trib_http_request *request)
{
	struct trib_call *call = &request->call;

	if (!request->refused)
		reply_here(request);

	if (request->import && !request->refused)
		trib_http_import_print(request->import, &call->reply);
	if (!request->refused && call->reply.failed)
		trib_http_request_refuse(
			request, TRIB_LIMIT, 0, "limit",
			"found an answer larger than %d bytes, expected fewer items to be "
			"asked for",
			TRIB_LIMIT_HTTP_REPLY_BYTES);
	/* Clients that read slowly, or not at all, hold their answers in our memory. */
	if (!request->refused && !trib_http_request_charge(request, call->reply.capacity))
		trib_http_request_refuse(request, TRIB_BUSY, 0, "",
					 "found too many answers in memory, expected fewer");
	if (request->refused || (!request->import && call->status != TRIB_OK)) {
		trib_buffer_fini(&call->reply);
		return send_problem(request);
	}
	switch (request->match.route->action) {
	case TRIB_ACTION_METRICS:
		return send_metrics(request);
	case TRIB_ACTION_OPENAPI:
		return send_openapi(request);
	case TRIB_ACTION_CALL:
		if (request->match.route->answer && strchr(request->match.route->answer, '/'))
			return send_stream(request);
		return send_reply(request);
	case TRIB_ACTION_IMPORT:
	case TRIB_ACTION_FACTS:
	case TRIB_ACTION_LINES:
	case TRIB_ACTION_LIFE:
	case TRIB_ACTION_COMPLETE:
		return send_reply(request);
	}
	return MHD_NO;
}
