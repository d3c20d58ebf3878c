/*
 * NDJSON imports. Lines are gathered from whatever pieces the body comes in, each is parsed and checked, and the
 * good ones go to the engine a batch at a time; while it decides, nothing more is read from the socket. With
 * atomic=true all are held and go in one call, or none does.
 */
#include "server/http_request.h"

#include "proto/proto.h"

enum {
	BATCH_BYTES =
		1 << 20, /* of lines in a batch; the rest of the limit is IMPORT_BATCH_LINES */
	ARENA_BYTES = 256 << 20, /* never reached by a batch: a byte of JSON becomes at most 64 */
	ERRORS_BYTES = TRIB_LIMIT_IMPORT_ERRORS * 4096,
};

struct trib_http_import {
	struct trib_http_request *request;
	const ProtobufCMessageDescriptor *descriptor;
	struct trib_arena arena; /* the batch's messages */
	struct trib_buffer line; /* a line that is not whole yet */
	bool too_long;		 /* … and passed its limit: the rest of it is skipped */
	bool ended, stopped;	 /* stopped: storage fails, the rest is refused unseen */
	uint64_t lines, accepted, refused, listed;
	struct trib_buffer errors; /* JSON objects, by commas */
	size_t batch_bytes, capacity, count;
	size_t charged; /* of the arena, against the memory of all requests */
	const ProtobufCMessage **messages;
	uint64_t *item_lines;
	trib_status *item_status;
	struct trib_error *item_errors;
	struct trib_error stop_error;
	const char *stop_code;
};

struct trib_http_import *trib_http_import_new(struct trib_http_request *request, bool atomic)
{
	struct trib_http_import *import = trib_alloc_zeroed(1, sizeof(*import));

	import->request = request;
	import->descriptor = request->match.route->message ? request->match.route->message :
							     trib_noun_descriptor(request->call.noun);
	trib_arena_init(&import->arena, ARENA_BYTES);
	trib_buffer_init(&import->line, TRIB_LIMIT_HTTP_LINE_BYTES);
	trib_buffer_init(&import->errors, ERRORS_BYTES);
	return import;
}

void trib_http_import_free(struct trib_http_import *import)
{
	if (!import)
		return;
	trib_arena_fini(&import->arena);
	trib_buffer_fini(&import->line);
	trib_buffer_fini(&import->errors);
	free(import->messages);
	free(import->item_lines);
	free(import->item_status);
	free(import->item_errors);
	free(import);
}

static void add_error(struct trib_http_import *import, uint64_t line,
		      const struct trib_error *error, const char *code)
{
	Tributary__ImportError entry = TRIBUTARY__IMPORT_ERROR__INIT;

	import->refused++;
	if (import->listed == TRIB_LIMIT_IMPORT_ERRORS)
		return;
	if (import->listed++)
		trib_buffer_add_char(&import->errors, ',');
	entry.has_line = true;
	entry.line = line;
	entry.at = (char *)error->at;
	entry.code = (char *)code;
	entry.detail = (char *)error->text;
	trib_proto_to_json(&entry.base, TRIB_PROTO_SET_FIELDS, &import->errors);
}

static const char *code_of(trib_status status)
{
	return status == TRIB_READ_ONLY ? "read_only" : trib_status_word(status);
}

static void refuse_line(struct trib_http_import *import, const struct trib_error *error)
{
	add_error(import, import->lines, error, code_of(error->status));
}

static void grow(struct trib_http_import *import)
{
	if (import->count < import->capacity)
		return;
	import->capacity = import->capacity ? import->capacity * 2 : 64;
	import->messages =
		trib_realloc(import->messages, import->capacity * sizeof(*import->messages));
	import->item_lines =
		trib_realloc(import->item_lines, import->capacity * sizeof(*import->item_lines));
	import->item_status =
		trib_realloc(import->item_status, import->capacity * sizeof(*import->item_status));
	import->item_errors =
		trib_realloc(import->item_errors, import->capacity * sizeof(*import->item_errors));
}

/* The place inside a line needs no number of its own: "line 1 column 7" becomes "column 7". */
static void shorten_place(struct trib_error *error)
{
	static const char first[] = "line 1 ";

	if (!strncmp(error->at, first, sizeof(first) - 1))
		memmove(error->at, error->at + sizeof(first) - 1,
			strlen(error->at) - sizeof(first) + 2);
}

static bool is_blank(struct trib_bytes line)
{
	for (size_t i = 0; i < line.size; i++)
		if (line.data[i] != ' ' && line.data[i] != '\t' && line.data[i] != '\r')
			return false;
	return true;
}

/* An import of entities names each inside its line. */
static bool has_id(const ProtobufCMessage *message)
{
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(message->descriptor, "id");

	return !field || *(char **)((char *)message + field->offset) != NULL;
}

static void add_item(struct trib_http_import *import, struct trib_bytes line)
{
	ProtobufCMessage *message;
	struct trib_error error;
	trib_status status =
		trib_http_request_read(import->request, import->descriptor, line, &import->arena, &message, &error);

	if (import->arena.size > import->charged) {
		if (trib_http_request_charge(import->request, import->arena.size - import->charged))
			import->charged = import->arena.size;
		else
			status = trib_fail(&error, TRIB_BUSY, "",
					   "found too many requests in memory, expected fewer");
	}
	if (status == TRIB_OK && !has_id(message))
		status = trib_fail(&error, TRIB_INVALID, "id", "found nothing, expected a string");
	if (status != TRIB_OK) {
		shorten_place(&error);
		refuse_line(import, &error);
		return;
	}
	grow(import);
	import->messages[import->count] = message;
	import->item_lines[import->count] = import->lines;
	import->count++;
	import->batch_bytes += line.size;
}

static void refuse_whole(struct trib_http_import *import)
{
	trib_http_request_refuse(
		import->request, TRIB_TOO_LARGE, 0, "body",
		"found more than %d lines or %d bytes with atomic=true, expected fewer or "
		"atomic=false",
		TRIB_LIMIT_IMPORT_ATOMIC_LINES, TRIB_LIMIT_IMPORT_ATOMIC_BYTES);
}

static void take_line(struct trib_http_import *import, struct trib_bytes line)
{
	struct trib_error error;

	import->lines++;
	if (import->too_long) {
		trib_fail(&error, TRIB_TOO_LARGE, "",
			  "found a longer line, expected at most %d bytes",
			  TRIB_LIMIT_HTTP_LINE_BYTES);
		refuse_line(import, &error);
	} else if (is_blank(line)) {
		return;
	} else if (import->stopped) {
		add_error(import, import->lines, &import->stop_error, import->stop_code);
	} else {
		add_item(import, line);
	}
	if (import->request->call.atomic && (import->count > TRIB_LIMIT_IMPORT_ATOMIC_LINES ||
					     import->batch_bytes > TRIB_LIMIT_IMPORT_ATOMIC_BYTES))
		refuse_whole(import);
}

/* A piece of a line that is not whole yet. */
static void keep_piece(struct trib_http_import *import, struct trib_bytes piece)
{
	if (import->too_long)
		return;
	trib_buffer_add_bytes(&import->line, piece);
	if (import->line.failed) {
		import->too_long = true;
		trib_buffer_reset(&import->line);
	}
}

static void end_line(struct trib_http_import *import, struct trib_bytes piece)
{
	if (import->line.size == 0 && piece.size <= TRIB_LIMIT_HTTP_LINE_BYTES &&
	    !import->too_long) {
		take_line(import, piece);
	} else {
		keep_piece(import, piece);
		take_line(import, trib_buffer_bytes(&import->line));
	}
	trib_buffer_reset(&import->line);
	import->too_long = false;
}

static bool is_full(const struct trib_http_import *import)
{
	return !import->request->call.atomic && (import->count >= TRIB_LIMIT_IMPORT_BATCH_LINES ||
						 import->batch_bytes >= BATCH_BYTES);
}

size_t trib_http_import_feed(struct trib_http_import *import, struct trib_bytes data)
{
	size_t taken = 0;

	while (taken < data.size && !is_full(import) && !import->request->refused) {
		const char *start = data.data + taken;
		const char *newline = memchr(start, '\n', data.size - taken);
		size_t size = newline ? (size_t)(newline - start) : data.size - taken;

		if (newline)
			end_line(import, trib_bytes(start, size));
		else
			keep_piece(import, trib_bytes(start, size));
		taken += size + (newline != NULL);
	}
	return import->request->refused ? data.size : taken;
}

void trib_http_import_end(struct trib_http_import *import)
{
	if (import->ended)
		return;
	import->ended = true;
	if (import->line.size || import->too_long)
		end_line(import, trib_bytes("", 0));
	/* One bad line refuses all of an atomic import: the engine is not asked. */
	if (import->request->call.atomic && import->refused) {
		import->refused += import->count;
		import->count = 0;
	}
}

bool trib_http_import_ready(struct trib_http_import *import)
{
	struct trib_call *call = &import->request->call;

	if (import->request->refused || import->count == 0 || !(is_full(import) || import->ended))
		return false;
	call->items = import->messages;
	call->n_items = import->count;
	call->item_status = import->item_status;
	call->item_errors = import->item_errors;
	for (size_t i = 0; i < import->count; i++)
		import->item_status[i] = TRIB_OK;
	call->status = TRIB_OK;
	return true;
}

/* The call as a whole failed: each of its lines did, and later ones will not be tried. */
static void collect_failed(struct trib_http_import *import)
{
	struct trib_call *call = &import->request->call;

	import->stopped = true;
	import->stop_error = call->error;
	import->stop_code = call->code ? call->code : code_of(call->status);
	for (size_t i = 0; i < import->count; i++)
		add_error(import, import->item_lines[i], &import->stop_error, import->stop_code);
}

static void collect_items(struct trib_http_import *import)
{
	bool atomic = import->request->call.atomic;
	size_t failed = 0;

	for (size_t i = 0; i < import->count; i++) {
		if (import->item_status[i] == TRIB_OK)
			continue;
		failed++;
		add_error(import, import->item_lines[i], &import->item_errors[i],
			  code_of(import->item_status[i]));
	}
	if (atomic && failed)
		import->refused += import->count - failed;
	else
		import->accepted += import->count - failed;
}

void trib_http_import_collect(struct trib_http_import *import)
{
	if (import->request->call.status != TRIB_OK)
		collect_failed(import);
	else
		collect_items(import);
	import->count = 0;
	import->batch_bytes = 0;
	trib_arena_reset(&import->arena);
}

void trib_http_import_print(struct trib_http_import *import, struct trib_buffer *reply)
{
	struct trib_metrics *metrics = import->request->http->options.metrics;

	trib_metrics_add(metrics, TRIB_METRIC_IMPORT_LINES, 0, import->accepted);
	trib_metrics_add(metrics, TRIB_METRIC_IMPORT_LINES, 1, import->refused);
	if (import->stopped && import->accepted == 0) {
		trib_http_request_refuse(import->request, import->stop_error.status, 0,
					 import->stop_error.at, "%s", import->stop_error.text);
		return;
	}
	import->request->call.http_status = MHD_HTTP_OK;
	trib_buffer_add_text(reply, "{\"accepted\":");
	trib_buffer_add_u64(reply, import->accepted);
	trib_buffer_add_text(reply, ",\"refused\":");
	trib_buffer_add_u64(reply, import->refused);
	trib_buffer_add_text(reply, ",\"errors\":[");
	trib_buffer_add_bytes(reply, trib_buffer_bytes(&import->errors));
	trib_buffer_add_text(reply, "]}");
}
