/* From head and body to a call: who asks, for what, with which parameters; everything that can be refused here is. */
#include "server/http_request.h"

#include <sodium.h>
#include <stdarg.h>
#include "play/play.h"
#include "proto/proto.h"

void trib_http_request_refuse(struct trib_http_request *request, trib_status status,
			      int http_status, const char *at, const char *format, ...)
{
	char text[TRIB_ERROR_TEXT_MAX];
	va_list args;

	if (request->refused)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	request->refused = true;
	request->call.status = trib_fail(&request->call.error, status, at, "%s", text);
	request->call.http_status = http_status;
}

static void refuse_as(struct trib_http_request *request, const struct trib_error *error)
{
	trib_http_request_refuse(request, error->status, 0, error->at, "%s", error->text);
}

/* ---- Headers ----------------------------------------------------------------------------------------- */

struct header {
	const char *name;
	struct trib_bytes value;
	unsigned count;
};

static enum MHD_Result note_header(void *context, enum MHD_ValueKind kind, const char *key,
				   size_t key_size, const char *value, size_t value_size)
{
	struct header *header = context;

	if (!strcasecmp(key, header->name)) {
		header->value = trib_bytes(value ? value : "", value_size);
		header->count++;
	}
	return MHD_YES;
}

/* A header; one that is sent twice is refused, because others may have looked at the other one. */
static struct header header_of(struct trib_http_request *request, const char *name)
{
	struct header header = { .name = name };

	MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, note_header, &header);
	if (header.count > 1)
		trib_http_request_refuse(request, TRIB_INVALID, 0, name,
					 "found it %u times, expected once", header.count);
	return header;
}

static void check_host(struct trib_http_request *request, const char *version)
{
	struct header host = header_of(request, "Host"), origin = header_of(request, "Origin");
	struct trib_error error;

	if (!host.count && strcmp(version, "HTTP/1.0") != 0)
		trib_http_request_refuse(request, TRIB_INVALID, 0, "Host",
					 "found none, expected one");
	if (host.count && trib_guard_host(&request->http->guard, host.value, &error) != TRIB_OK)
		refuse_as(request, &error);
	if (origin.count && trib_guard_origin(origin.value, host.value, &error) != TRIB_OK)
		refuse_as(request, &error);
}

struct trib_bytes trib_http_request_header(struct trib_http_request *request, const char *name)
{
	return header_of(request, name).value;
}

/* What the body is said to be. One that is too large is not waited for. */
static void check_body(struct trib_http_request *request)
{
	struct header type = header_of(request, "Content-Type");
	struct header coding = header_of(request, "Content-Encoding");
	struct header length = header_of(request, "Content-Length");
	enum trib_route_body body =
		request->match.route ? request->match.route->body : TRIB_BODY_NONE;
	bool lines = body == TRIB_BODY_LINES;
	uint64_t size = 0;

	if (length.count && !lines &&
	    (!trib_bytes_to_u64(length.value, &size) || size > TRIB_LIMIT_HTTP_BODY_BYTES)) {
		trib_http_request_refuse(request, TRIB_TOO_LARGE, 0, "Content-Length",
					 "found %.*s bytes, expected at most %d",
					 (int)length.value.size, length.value.data,
					 TRIB_LIMIT_HTTP_BODY_BYTES);
		request->close = true;
	}
	if (body == TRIB_BODY_NONE)
		return;
	if (coding.count && !trib_bytes_is(coding.value, "identity"))
		trib_http_request_refuse(request, TRIB_UNSUPPORTED, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
					 "Content-Encoding", "found %.*s, expected none",
					 (int)TRIB_MIN(coding.value.size, (size_t)40),
					 coding.value.data);
	if (type.count &&
	    !(lines ? trib_guard_is_lines(type.value) : trib_guard_is_json(type.value)))
		trib_http_request_refuse(
			request, TRIB_UNSUPPORTED, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Type",
			"found %.*s, expected %s", (int)TRIB_MIN(type.value.size, (size_t)60),
			type.value.data, lines ? "application/x-ndjson" : "application/json");
}

/* ---- Path and query ---------------------------------------------------------------------------------- */

static void find_route(struct trib_http_request *request, const char *method, const char *url)
{
	struct trib_bytes path = trib_bytes_text(url);
	char allow[64];

	switch (trib_route_find(method, path, &request->match)) {
	case TRIB_ROUTE_FOUND:
		return;
	case TRIB_ROUTE_NO_PATH:
		trib_http_request_refuse(request, TRIB_NOT_FOUND, 0, "path",
					 "found %.80s, expected a path of /openapi.json", url);
		return;
	case TRIB_ROUTE_NO_METHOD:
		trib_route_allow(path, allow);
		trib_http_request_refuse(request, TRIB_METHOD, 0, "method",
					 "found %.16s, expected %s", method, allow);
		return;
	}
}

static bool order_valid(struct trib_bytes order)
{
	const char *slash = memchr(order.data, '/', order.size);
	size_t first = slash ? (size_t)(slash - order.data) : order.size;

	return trib_external_id_valid(trib_bytes(order.data, first)) &&
	       (!slash || trib_external_id_valid(trib_bytes(slash + 1, order.size - first - 1)));
}

/* What the path captured, decoded, into the call. */
static void read_captures(struct trib_http_request *request)
{
	struct trib_call *call = &request->call;
	const struct trib_route_match *match = &request->match;
	struct trib_bytes version;
	uint64_t number = 0;

	call->kind = match->route->call;
	if (match->noun.size)
		trib_assert(trib_noun_find(match->noun, &call->noun));
	if (match->version.size) {
		if (!trib_percent_decode(match->version, &request->arena, &version) ||
		    !trib_bytes_to_u64(version, &number) || number < 1 || number > UINT32_MAX)
			trib_http_request_refuse(request, TRIB_INVALID, 0, "version",
						 "found %.*s, expected an integer from 1 to %u",
						 (int)TRIB_MIN(match->version.size, (size_t)40),
						 match->version.data, UINT32_MAX);
		call->version = (uint32_t)number;
	}
	call->action = match->action;
	if (match->node.size && (!trib_percent_decode(match->node, &request->arena, &call->node) ||
				 !trib_utf8_valid(call->node)))
		trib_http_request_refuse(request, TRIB_INVALID, 0, "node", "found other text, expected a node's id");
	if (!match->id.size)
		return;
	if (!trib_percent_decode(match->id, &request->arena, &call->name)) {
		trib_http_request_refuse(
			request, TRIB_INVALID, 0, "path",
			"found a %% without two hexadecimal digits, expected an encoded id");
		return;
	}
	bool order = strstr(match->route->pattern, "{order}") != NULL; /* or one of its lines */

	if (call->kind == TRIB_CALL_BOUNDS_PUT || call->kind == TRIB_CALL_BOUNDS_GET)
		return; /* a category: the domain says what is wrong with it */
	if (call->kind == TRIB_CALL_TRACK)
		return; /* the token's outcome says what is wrong with it */
	if (order ? !order_valid(call->name) : !trib_external_id_valid(call->name))
		trib_http_request_refuse(
			request, TRIB_INVALID, 0, order ? "order" : "id",
			"found other text, expected %s: 1 to 64 bytes of UTF-8 without space, "
			"control character or /",
			order ? "order or order/line, each" : "an id");
}

static void read_text(struct trib_http_request *request, const char *name, struct trib_bytes value,
		      struct trib_bytes *ret_text)
{
	if (value.size > TRIB_LIMIT_EXTERNAL_ID_BYTES || !trib_utf8_valid(value))
		trib_http_request_refuse(request, TRIB_INVALID, 0, name,
					 "found %zu bytes, expected at most %d of UTF-8",
					 value.size, TRIB_LIMIT_EXTERNAL_ID_BYTES);
	*ret_text = value;
}

static void read_limit(struct trib_http_request *request, struct trib_bytes value)
{
	uint64_t limit = 0;

	if (!trib_bytes_to_u64(value, &limit) || limit < 1 || limit > TRIB_LIMIT_LIST_ITEMS)
		trib_http_request_refuse(request, TRIB_INVALID, 0, "limit",
					 "found %.*s, expected an integer from 1 to %d",
					 (int)TRIB_MIN(value.size, (size_t)40), value.data,
					 TRIB_LIMIT_LIST_ITEMS);
	request->call.limit = (uint32_t)limit;
}

static void read_at_least(struct trib_http_request *request, struct trib_bytes value)
{
	if (!trib_bytes_to_u64(value, &request->at_least))
		trib_http_request_refuse(request, TRIB_INVALID, 0, "at_least",
					 "found %.*s, expected a position",
					 (int)TRIB_MIN(value.size, (size_t)40), value.data);
}

static void read_bool(struct trib_http_request *request, const char *name, struct trib_bytes value,
		      bool *ret_value)
{
	*ret_value = trib_bytes_is(value, "true") || trib_bytes_is(value, "1");
	if (!*ret_value && !trib_bytes_is(value, "false") && !trib_bytes_is(value, "0"))
		trib_http_request_refuse(request, TRIB_INVALID, 0, name,
					 "found %.*s, expected true or false",
					 (int)TRIB_MIN(value.size, (size_t)40), value.data);
}

static void read_time(struct trib_http_request *request, const char *name, struct trib_bytes value,
		      int64_t *ret_time_ms)
{
	uint64_t time_ms;

	if (trib_bytes_to_u64(value, &time_ms) && time_ms <= INT64_MAX)
		*ret_time_ms = (int64_t)time_ms;
	else
		trib_http_request_refuse(request, TRIB_INVALID, 0, name,
					 "found %.*s, expected a time in ms since 1970, UTC",
					 (int)TRIB_MIN(value.size, (size_t)40), value.data);
}

static void read_param(struct trib_http_request *request, enum trib_param param, const char *name,
		       struct trib_bytes value)
{
	struct trib_call *call = &request->call;

	switch (param) {
	case TRIB_PARAM_AT_LEAST: read_at_least(request, value); break;
	case TRIB_PARAM_LIMIT: read_limit(request, value); break;
	case TRIB_PARAM_DRY_RUN: read_bool(request, name, value, &call->dry_run); break;
	case TRIB_PARAM_ATOMIC: read_bool(request, name, value, &call->atomic); break;
	case TRIB_PARAM_CURSOR: call->cursor = value; break;
	case TRIB_PARAM_FILTER: break; /* once all others are known */
	case TRIB_PARAM_SINCE:
		if (!trib_bytes_to_u64(value, &call->since))
			trib_http_request_refuse(request, TRIB_INVALID, 0, "since",
						 "found %.*s, expected a position",
						 (int)TRIB_MIN(value.size, (size_t)40), value.data);
		break;
	case TRIB_PARAM_AT:
		read_time(request, name, value, &call->at_ms);
		call->has_at = true;
		break;
	case TRIB_PARAM_REGISTRATION: read_text(request, name, value, &call->registration); break;
	case TRIB_PARAM_PARTY:
	case TRIB_PARAM_MERCHANT: read_text(request, name, value, &call->party); break;
	case TRIB_PARAM_ROLE: read_text(request, name, value, &call->role); break;
	case TRIB_PARAM_CURRENCY: read_text(request, name, value, &call->currency); break;
	case TRIB_PARAM_CREATOR: read_text(request, name, value, &call->creator); break;
	case TRIB_PARAM_OFFER: read_text(request, name, value, &call->offer); break;
	case TRIB_PARAM_STATUS: read_text(request, name, value, &call->stage); break;
	case TRIB_PARAM_PLAY:
		if (value.size > 2 * TRIB_LIMIT_EXTERNAL_ID_BYTES || !trib_utf8_valid(value))
			trib_http_request_refuse(request, TRIB_INVALID, 0, name, "found other text, expected a play or play@version");
		call->play = value;
		break;
	case TRIB_PARAM_PLAN: read_text(request, name, value, &call->plan); break;
	case TRIB_PARAM_LINE: read_text(request, name, value, &call->line); break;
	case TRIB_PARAM_TEXT:
		if (!trib_utf8_valid(value))
			trib_http_request_refuse(request, TRIB_INVALID, 0, name,
						 "found other bytes, expected UTF-8");
		call->source = value;
		break;
	case TRIB_PARAM_KIND: read_text(request, name, value, &call->kind_word); break;
	case TRIB_PARAM_STAGE: read_text(request, name, value, &call->stage); break;
	case TRIB_PARAM_FROM: read_time(request, name, value, &call->from_ms); break;
	case TRIB_PARAM_TO:
		read_time(request, name, value, &call->to_ms);
		call->has_to = true;
		break;
	case TRIB_PARAM_FORMAT: call->format = value; break;
	case TRIB_PARAM_STEP: read_text(request, name, value, &call->step); break;
	case TRIB_PARAM_STATE: read_text(request, name, value, &call->state_word); break;
	case TRIB_PARAM_LANG: call->language = value; break;
	case TRIB_PARAM_DETAIL: read_bool(request, name, value, &call->detail); break;
	case TRIB_PARAM_REQUEST: break; /* note_field */
	}
}

/* ---- The request of plays:resolve -------------------------------------------------------------------- */

enum { FIELD_STRING, FIELD_INT, FIELD_TAGS, FIELD_EXT };

static const struct field {
	const char *name;
	int type;
} fields[] = {
#define X(id, name, type, what) { name, FIELD_##type },
	TRIB_REQUEST_TABLE(X)
#undef X
};

static const struct field *find_field(const char *name)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

/* "a,b" as a list of strings. */
static void add_tags(struct trib_bytes value, struct trib_buffer *json)
{
	trib_buffer_add_char(json, '[');
	while (value.size) {
		const char *comma = memchr(value.data, ',', value.size);
		size_t size = comma ? (size_t)(comma - value.data) : value.size;

		trib_json_add_string(json, trib_bytes(value.data, size));
		if (comma)
			trib_buffer_add_char(json, ',');
		size += comma != NULL;
		value = trib_bytes(value.data + size, value.size - size);
	}
	trib_buffer_add_char(json, ']');
}

/* Adds a member to the object that the request becomes; what is wrong with it, the play's room says. */
static void note_field(struct trib_http_request *request, const struct field *field, struct trib_bytes value)
{
	struct trib_buffer *json = &request->body; /* such a route has none */
	int64_t number;

	if (!trib_utf8_valid(value)) {
		trib_http_request_refuse(request, TRIB_INVALID, 0, field->name, "found other bytes, expected UTF-8");
		return;
	}
	trib_buffer_add_text(json, json->size ? "," : "{");
	trib_json_add_string(json, trib_bytes_text(field->name));
	trib_buffer_add_char(json, ':');
	if (field->type == FIELD_TAGS)
		add_tags(value, json);
	else if (field->type == FIELD_EXT || (field->type == FIELD_INT && trib_bytes_to_i64(value, &number)))
		trib_buffer_add_bytes(json, value);
	else
		trib_json_add_string(json, value);
}

static void end_fields(struct trib_http_request *request)
{
	if (!request->body.size)
		return;
	trib_buffer_add_char(&request->body, '}');
	const char *copy = trib_arena_copy(&request->arena, trib_buffer_bytes(&request->body));

	if (!copy || request->body.failed)
		trib_http_request_refuse(request, TRIB_TOO_LARGE, 0, "request", "found more than a request may hold, expected less");
	else
		request->call.source = trib_bytes(copy, request->body.size);
	trib_buffer_reset(&request->body);
}

struct query {
	struct trib_http_request *request;
	unsigned seen, fields;
	struct trib_bytes filter;
};

/* With those that there are. */
static void refuse_param(struct trib_http_request *request, const char *key)
{
	char names[240] = "none";
	size_t used = 0;

	for (size_t i = 0; i < trib_params_count; i++)
		if (request->match.route->params & trib_params[i].param && used + strlen(trib_params[i].name) + 3 < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", trib_params[i].name);
	trib_http_request_refuse(request, TRIB_INVALID, 0, key, "found an unknown parameter, expected %s", names);
}

static enum MHD_Result note_param(void *context, enum MHD_ValueKind kind, const char *key,
				  size_t key_size, const char *raw, size_t raw_size)
{
	struct query *query = context;
	struct trib_http_request *request = query->request;
	const struct trib_param_row *row = trib_param_find(key);
	const struct field *field =
		request->match.route->params & TRIB_PARAM_REQUEST ? find_field(key) : NULL;
	struct trib_bytes value;

	if (field) {
		unsigned bit = 1u << (field - fields);

		if (query->fields & bit)
			trib_http_request_refuse(request, TRIB_INVALID, 0, key, "found it twice, expected once");
		else if (!trib_percent_decode(trib_bytes(raw ? raw : "", raw ? raw_size : 0), &request->arena, &value))
			trib_http_request_refuse(
				request, TRIB_INVALID, 0, key,
				"found a %% without two hexadecimal digits, expected an encoded value");
		else
			note_field(request, field, value);
		query->fields |= bit;
		return request->refused ? MHD_NO : MHD_YES;
	}
	if (!row || !(request->match.route->params & row->param))
		refuse_param(request, key);
	else if (query->seen & row->param)
		trib_http_request_refuse(request, TRIB_INVALID, 0, key,
					 "found it twice, expected once");
	else if (!trib_percent_decode(trib_bytes(raw ? raw : "", raw ? raw_size : 0),
				      &request->arena, &value))
		trib_http_request_refuse(
			request, TRIB_INVALID, 0, key,
			"found a %% without two hexadecimal digits, expected an encoded value");
	else
		read_param(request, row->param, key, value);
	if (row)
		query->seen |= row->param;
	if (row && row->param == TRIB_PARAM_FILTER)
		query->filter = value;
	return request->refused ? MHD_NO : MHD_YES;
}

/* What a POST asks, for its Idempotency-Key: path and query here, the body once it is there. */
static enum MHD_Result hash_param(void *context, enum MHD_ValueKind kind TRIB_UNUSED, const char *key, size_t key_size,
				  const char *value, size_t value_size)
{
	crypto_generichash_update(context, (const unsigned char *)key, key_size + 1);
	if (value)
		crypto_generichash_update(context, (const unsigned char *)value, value_size + 1);
	return MHD_YES;
}

/*
 * If-Match, If-None-Match, Idempotency-Key. An import puts, which may be repeated as it is; a password, or what shows a
 * secret once, is not kept.
 */
static void read_conditions(struct trib_http_request *request, const char *method, const char *url)
{
	struct trib_call *call = &request->call;
	const struct trib_route *route = request->match.route;
	struct trib_bytes key = trib_http_request_header(request, "Idempotency-Key");
	crypto_generichash_state state;

	call->if_match = trib_http_request_header(request, "If-Match");
	call->if_none_match = trib_http_request_header(request, "If-None-Match");
	if ((call->if_match.size || call->if_none_match.size) && strcmp(route->method, "GET") != 0 &&
	    (route->action != TRIB_ACTION_CALL || !trib_call_has_tag(route->call)))
		trib_http_request_refuse(request, TRIB_INVALID, 0, call->if_match.size ? "If-Match" : "If-None-Match",
					 "found a condition, expected none: what this changes has no ETag");
	if (!key.size || strcmp(method, "POST") != 0 || route->action != TRIB_ACTION_CALL ||
	    route->call == TRIB_CALL_TOKEN_MAKE || route->call == TRIB_CALL_TOKEN_ROTATE ||
	    route->call == TRIB_CALL_SIGN_IN || route->call == TRIB_CALL_USER_PASSWORD)
		return;
	if (key.size > 255) {
		trib_http_request_refuse(request, TRIB_INVALID, 0, "Idempotency-Key",
					 "found %zu bytes, expected at most 255", key.size);
		return;
	}
	call->idempotency_key = key;
	crypto_generichash_init(&state, NULL, 0, sizeof(call->content_hash));
	crypto_generichash_update(&state, (const unsigned char *)url, strlen(url) + 1);
	MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, hash_param, &state);
	crypto_generichash_final(&state, call->content_hash, sizeof(call->content_hash));
}

static void hash_body(struct trib_http_request *request)
{
	struct trib_call *call = &request->call;
	unsigned char before[TRIB_CALL_HASH_BYTES];

	if (!call->idempotency_key.size)
		return;
	memcpy(before, call->content_hash, sizeof(before));
	crypto_generichash(call->content_hash, sizeof(call->content_hash), (const unsigned char *)request->body.data,
			   request->body.size, before, sizeof(before));
}

void trib_http_request_begin(struct trib_http_request *request, const char *method, const char *url,
			     const char *version)
{
	struct query query = { .request = request };

	trib_http_request_set_deadline(request, request->started_ns, 0);
	if (atomic_load(&request->http->draining)) {
		trib_http_request_refuse(request, TRIB_BUSY, 0, "",
					 "found the server stopping, expected it to run");
		request->close = true;
		return;
	}
	check_host(request, version);
	trib_http_access_identify(request, method, url);
	if (!request->refused)
		find_route(request, method, url);
	trib_http_access_check(request, method);
	if (request->refused)
		trib_http_access_note(request);
	check_body(request);
	if (request->refused)
		return;
	read_conditions(request, method, url);
	if (request->match.route->call == TRIB_CALL_KEYS && !trib_auth_guards(request->http->options.auth)) {
		trib_http_request_refuse(request, TRIB_FORBIDDEN, 0, "Authorization",
					 "found a server without access token, expected --token-file: keys are secret");
		return;
	}
	read_captures(request);
	MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, note_param, &query);
	end_fields(request);
	if (!request->refused && request->match.route->params & TRIB_PARAM_FILTER)
		trib_http_filter_make(request, query.filter);
	if (!request->refused && request->match.route->action == TRIB_ACTION_IMPORT)
		request->import = trib_http_import_new(request, request->call.atomic);
}

/* ---- Body -------------------------------------------------------------------------------------------- */

void trib_http_request_body(struct trib_http_request *request, struct trib_bytes data)
{
	if (request->refused || request->match.route->body == TRIB_BODY_NONE)
		return;
	if (!trib_http_request_charge(request, data.size)) {
		trib_http_request_refuse(request, TRIB_BUSY, 0, "body",
					 "found too many requests in memory, expected fewer");
		return;
	}
	trib_buffer_add_bytes(&request->body, data);
	if (request->body.failed) {
		trib_buffer_reset(&request->body);
		trib_http_request_refuse(request, TRIB_TOO_LARGE, 0, "body",
					 "found more, expected at most %d bytes",
					 TRIB_LIMIT_HTTP_BODY_BYTES);
	}
}

/* The id of the path is the entity's; a body that states one must agree. */
static void set_id(struct trib_http_request *request, ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "id");
	char **id = (char **)((char *)message + field->offset);

	if (*id && !trib_bytes_is(request->call.name, *id))
		trib_http_request_refuse(request, TRIB_INVALID, 0, "id",
					 "found \"%s\", expected \"%.*s\" as in the path", *id,
					 TRIB_BYTES_ARG(request->call.name));
	*id = trib_arena_copy(&request->arena, request->call.name);
}

/* Every delivery of a webhook whose secret is not there would be given up. */
static void check_secret(struct trib_http_request *request, const Tributary__Webhook *webhook)
{
	const struct trib_http_options *options = &request->http->options;

	if (webhook->secret && webhook->secret[0] && options->has_secret &&
	    !options->has_secret(options->secrets, webhook->secret))
		trib_http_request_refuse(request, TRIB_INVALID, 0, "secret",
					 "found \"%.64s\", expected the name of a line of --outbox-secrets, which SIGHUP reads again",
					 webhook->secret);
}

/* Whose it is, where a body need not say so; NULL: it must. */
static const char *own_field(const struct trib_http_request *request)
{
	const struct trib_call *call = &request->call;

	if (!call->actor.party_id.size)
		return NULL;
	if (call->kind == TRIB_CALL_LINK)
		return call->actor.role == TRIB_ACCESS_CREATOR ? "creator" : NULL;
	return call->kind == TRIB_CALL_PUT || call->kind == TRIB_CALL_IMPORT ?
		       trib_access_own_field(call->actor.role, call->noun) :
		       NULL;
}

trib_status trib_http_request_read(const struct trib_http_request *request, const ProtobufCMessageDescriptor *descriptor,
				   struct trib_bytes text, struct trib_arena *arena, ProtobufCMessage **ret_message,
				   struct trib_error *error)
{
	const char *field = own_field(request);
	const struct trib_json *root;
	trib_status status = trib_json_parse(text, TRIB_LIMIT_JSON_DEPTH, arena, &root, error);

	if (status != TRIB_OK)
		return status;
	const struct trib_json *stated = field ? trib_json_member(root, field) : NULL;

	if (!field || root->kind != TRIB_JSON_OBJECT || (stated && stated->kind != TRIB_JSON_NULL))
		return trib_proto_from_tree(descriptor, root, "", arena, ret_message, error);
	const struct trib_json own = { .kind = TRIB_JSON_STRING, .line = root->line, .key = trib_bytes_text(field),
				       .text = trib_bytes_text(trib_arena_copy(arena, request->call.actor.party_id)),
				       .next = root->first };
	struct trib_json whole = *root;

	if (!own.text.data)
		return trib_fail(error, TRIB_TOO_LARGE, "", "found more than one request may hold in memory, expected less");
	whole.first = (struct trib_json *)(uintptr_t)&own;
	whole.count++;
	return trib_proto_from_tree(descriptor, &whole, "", arena, ret_message, error);
}

static void parse_message(struct trib_http_request *request,
			  const ProtobufCMessageDescriptor *descriptor)
{
	struct trib_call *call = &request->call;
	struct trib_bytes body = trib_buffer_bytes(&request->body);
	ProtobufCMessage *message;
	struct trib_error error;

	/* A command that needs to be told nothing needs no body. */
	if (!body.size && request->match.route->body == TRIB_BODY_MESSAGE)
		body = trib_bytes_text("{}");
	if (trib_http_request_read(request, descriptor, body, &request->arena, &message, &error) != TRIB_OK) {
		refuse_as(request, &error);
		return;
	}
	call->body = message;
	if (request->match.route->body == TRIB_BODY_NOUN || call->kind == TRIB_CALL_WEBHOOK_PUT)
		set_id(request, message);
	if (call->kind == TRIB_CALL_WEBHOOK_PUT)
		check_secret(request, (const Tributary__Webhook *)message);
	if (call->kind == TRIB_CALL_RULES_ACTIVATE) {
		const Tributary__ActivateRequest *activate =
			(const Tributary__ActivateRequest *)message;

		call->version = activate->version;
		call->has_at = activate->has_at;
		call->at_ms = activate->at;
	}
}

/* A rule tree goes on as canonical JSON. */
static void parse_rules(struct trib_http_request *request)
{
	struct trib_buffer text;
	struct trib_error error;

	trib_buffer_init(&text, TRIB_LIMIT_HTTP_BODY_BYTES * 2);
	if (trib_json_canonical(trib_buffer_bytes(&request->body), &request->arena, &text,
				&error) != TRIB_OK) {
		refuse_as(request, &error);
	} else {
		const char *copy = trib_arena_copy(&request->arena, trib_buffer_bytes(&text));

		if (copy)
			request->call.source = trib_bytes(copy, text.size);
		else
			trib_http_request_refuse(
				request, TRIB_TOO_LARGE, 0, "body",
				"found more than one request may hold in memory, expected less");
	}
	trib_buffer_fini(&text);
}

void trib_http_request_parse(struct trib_http_request *request)
{
	const struct trib_route *route = request->match.route;

	hash_body(request);

	switch (route->body) {
	case TRIB_BODY_NONE:
	case TRIB_BODY_LINES:
		return;
	case TRIB_BODY_MESSAGE:
		parse_message(request, route->message);
		break;
	case TRIB_BODY_NOUN:
		parse_message(request, trib_noun_descriptor(request->call.noun));
		break;
	case TRIB_BODY_RULES:
		parse_rules(request);
		break;
	}
	if (!trib_http_request_charge(request, request->arena.size))
		trib_http_request_refuse(request, TRIB_BUSY, 0, "body",
					 "found too many requests in memory, expected fewer");
}
