/*
 * ?filter= of lists: CEL over the fields of an item as they are shown. The engine gives pages as to anybody; a worker
 * looks at their items, asks for the next page, and ends when it has enough or has looked at so much that the rest is
 * the next request's, which goes on where this one ended.
 *
 *	engine: a page ──► worker: which items? ──► enough ──► (the cursor behind the last one) ──► the answer
 *	   ▲                        │ not yet
 *	   └────────────────────────┘
 */
#include "server/http_request.h"

#include "expr/expr.h"
#include "proto/proto.h"

enum { SLICE = 256, VARIABLES_MAX = 64, ARENA_BYTES = 64 << 20 };
#define TIME_NS INT64_C(1000000000) /* of one request */

struct trib_http_filter {
	struct trib_http_request *request;
	const ProtobufCMessageDescriptor *descriptor;
	struct trib_expr_program *program;
	struct trib_arena arena, values;
	struct trib_buffer items;
	uint32_t limit, found, scanned;
	char cursor[TRIB_CALL_CURSOR_CHARS], next[TRIB_CALL_CURSOR_CHARS];
	bool seeks; /* enough is found: only where the page ends is asked */
	int64_t began_ns;
};

/* --- Values ---------------------------------------------------------------------------------------------- */

static struct trib_value number_of(struct trib_bytes text, bool whole)
{
	struct trib_value value = trib_value_null();
	int64_t integer;

	if (whole && trib_bytes_to_i64(text, &integer))
		return trib_value_int(integer);
	trib_value_parse_double(text, &value);
	return value;
}

static bool value_of(const struct trib_json *json, bool whole, struct trib_arena *arena, struct trib_value *ret_value);

static bool list_of(const struct trib_json *json, bool whole, struct trib_arena *arena, struct trib_value *ret_value)
{
	bool map = json->kind == TRIB_JSON_OBJECT;
	struct trib_value *values = trib_arena_alloc(arena, json->count * sizeof(*values));
	struct trib_value *keys = map ? trib_arena_alloc(arena, json->count * sizeof(*keys)) : NULL;
	uint32_t i = 0;

	if (!values || (map && !keys))
		return false;
	for (const struct trib_json *item = json->first; item; item = item->next, i++) {
		if (map)
			keys[i] = trib_value_string(item->key);
		if (!value_of(item, whole, arena, &values[i]))
			return false;
	}
	return (map ? trib_value_map(arena, keys, values, i, ret_value) : trib_value_list(arena, values, i, ret_value)) ==
	       TRIB_OK;
}

static bool value_of(const struct trib_json *json, bool whole, struct trib_arena *arena, struct trib_value *ret_value)
{
	switch (json->kind) {
	case TRIB_JSON_NULL: *ret_value = trib_value_null(); return true;
	case TRIB_JSON_FALSE: *ret_value = trib_value_bool(false); return true;
	case TRIB_JSON_TRUE: *ret_value = trib_value_bool(true); return true;
	case TRIB_JSON_NUMBER: *ret_value = number_of(json->text, whole); return true;
	case TRIB_JSON_STRING: *ret_value = trib_value_string(json->text); return true;
	case TRIB_JSON_ARRAY:
	case TRIB_JSON_OBJECT: return list_of(json, whole, arena, ret_value);
	}
	return false;
}

struct facts {
	const struct trib_http_filter *filter;
	const struct trib_json *item;
};

static bool get_field(void *context, uint32_t index, struct trib_arena *arena, struct trib_value *ret_value)
{
	const struct facts *facts = context;
	const ProtobufCFieldDescriptor *field = &facts->filter->descriptor->fields[index];
	const struct trib_json *member = trib_json_member(facts->item, field->name);

	if (!member) /* what is not shown because it is not there */
		*ret_value = trib_value_null();
	return !member || value_of(member, field->type != PROTOBUF_C_TYPE_DOUBLE, arena, ret_value);
}

/* --- Making one ------------------------------------------------------------------------------------------ */

static const struct trib_type *type_of(const ProtobufCFieldDescriptor *field)
{
	static const struct trib_type whole = { TRIB_TYPE_WRAPPER, .element = &trib_type_int },
				      number = { TRIB_TYPE_WRAPPER, .element = &trib_type_double },
				      boolean = { TRIB_TYPE_WRAPPER, .element = &trib_type_bool },
				      text = { TRIB_TYPE_WRAPPER, .element = &trib_type_string };

	if (!strcmp(field->name, "ext"))
		return &trib_type_dyn;
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return field->type == PROTOBUF_C_TYPE_STRING ? &trib_type_list_string : &trib_type_dyn;
	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING: return &text;
	case PROTOBUF_C_TYPE_BOOL: return &boolean;
	case PROTOBUF_C_TYPE_DOUBLE: return &number;
	case PROTOBUF_C_TYPE_MESSAGE:
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_ENUM: return &trib_type_dyn;
	default: return &whole;
	}
}

static const ProtobufCMessageDescriptor *item_of(const struct trib_http_request *request)
{
	switch (request->match.route->call) {
	case TRIB_CALL_AUDIT: return &tributary__audit_entry__descriptor;
	case TRIB_CALL_TOKEN_LIST: return &tributary__access_token__descriptor;
	case TRIB_CALL_USER_LIST: return &tributary__user__descriptor;
	default: return trib_noun_descriptor(request->call.noun);
	}
}

static bool compile(struct trib_http_filter *filter, struct trib_bytes source)
{
	struct trib_http_request *request = filter->request;
	struct trib_expr_variable variables[VARIABLES_MAX];
	struct trib_expr_env env = { .variables = variables, .variable_count = filter->descriptor->n_fields };
	struct trib_expr_error why;
	struct trib_error error;

	trib_assert(filter->descriptor->n_fields <= VARIABLES_MAX);
	for (unsigned i = 0; i < filter->descriptor->n_fields; i++)
		variables[i] = (struct trib_expr_variable){ filter->descriptor->fields[i].name,
							    type_of(&filter->descriptor->fields[i]) };
	if (trib_expr_compile(&env, source, &filter->program, &why) != TRIB_OK) {
		trib_expr_fail(&error, "filter", &why);
		trib_http_request_refuse(request, TRIB_INVALID, 0, error.at, "%s", error.text);
		return false;
	}
	const struct trib_type *type = trib_expr_type(filter->program);

	if (type->kind == TRIB_TYPE_WRAPPER)
		type = type->element;
	if (type->kind == TRIB_TYPE_BOOL || type->kind == TRIB_TYPE_DYN)
		return true;
	trib_http_request_refuse(request, TRIB_INVALID, 0, "filter", "found another type, expected true or false");
	return false;
}

void trib_http_filter_make(struct trib_http_request *request, struct trib_bytes source)
{
	struct trib_http_filter *filter = trib_alloc_zeroed(1, sizeof(*filter));

	filter->request = request;
	filter->descriptor = item_of(request);
	trib_arena_init(&filter->arena, ARENA_BYTES);
	trib_arena_init(&filter->values, TRIB_LIMIT_CEL_MEMORY_BYTES);
	trib_buffer_init(&filter->items, TRIB_LIMIT_HTTP_REPLY_BYTES / 2);
	filter->limit = request->call.limit ? request->call.limit : 100;
	request->call.limit = SLICE;
	request->filter = filter;
	filter->began_ns = trib_http_now_ns();
	if (request->call.cursor.size >= sizeof(filter->cursor))
		trib_http_request_refuse(request, TRIB_INVALID, 0, "cursor",
					 "found one that is not ours, expected a next_cursor of this list");
	else
		memcpy(filter->cursor, request->call.cursor.data ? request->call.cursor.data : "",
		       request->call.cursor.size);
	compile(filter, source);
}

void trib_http_filter_free(struct trib_http_filter *filter)
{
	if (!filter)
		return;
	trib_expr_free(filter->program);
	trib_arena_fini(&filter->arena);
	trib_arena_fini(&filter->values);
	trib_buffer_fini(&filter->items);
	free(filter);
}

/* --- Looking --------------------------------------------------------------------------------------------- */

static bool matches(struct trib_http_filter *filter, const struct trib_json *item)
{
	struct facts facts = { filter, item };
	const struct trib_expr_facts given = { .get = get_field, .context = &facts };
	struct trib_value value;

	trib_arena_reset(&filter->values);
	return trib_expr_eval(filter->program, &given, &filter->values, &value, NULL) == TRIB_OK &&
	       value.kind == TRIB_VALUE_BOOL && value.boolean;
}

static bool is_over(const struct trib_http_filter *filter)
{
	return filter->scanned >= TRIB_LIMIT_FILTER_SCANNED || trib_http_now_ns() - filter->began_ns >= TIME_NS;
}

/* Asks for another page; ends with what there is where the ring has no room. */
static void ask(struct trib_http_filter *filter, uint32_t limit)
{
	struct trib_http_request *request = filter->request;

	request->call.cursor = trib_bytes_text(filter->cursor);
	request->call.limit = limit;
	trib_buffer_reset(&request->call.reply);
	if (!trib_http_give(request->http, &request->call))
		trib_http_request_busy(request);
}

static void answer(struct trib_http_filter *filter)
{
	struct trib_http_request *request = filter->request;
	struct trib_buffer *reply = &request->call.reply;

	trib_buffer_reset(reply);
	trib_buffer_add_text(reply, "{\"items\":[");
	trib_buffer_add_bytes(reply, trib_buffer_bytes(&filter->items));
	trib_buffer_add_text(reply, "],\"next_cursor\":");
	if (filter->next[0])
		trib_json_add_string(reply, trib_bytes_text(filter->next));
	else
		trib_buffer_add_text(reply, "null");
	trib_buffer_add_char(reply, '}');
	if (filter->items.failed)
		reply->failed = true;
	trib_http_request_wake(request);
}

/* How many items of the page were looked at until enough were found; 0: not enough. */
static uint32_t look_at(struct trib_http_filter *filter, const struct trib_json *items, uint32_t *ret_looked)
{
	uint32_t looked = 0;

	for (const struct trib_json *item = items ? items->first : NULL; item; item = item->next) {
		looked++;
		filter->scanned++;
		*ret_looked = looked;
		if (!matches(filter, item)) {
			if (is_over(filter))
				return looked;
			continue;
		}
		if (filter->found++)
			trib_buffer_add_char(&filter->items, ',');
		trib_json_add(&filter->items, item, &filter->values);
		if (filter->found == filter->limit || is_over(filter))
			return looked;
	}
	return 0;
}

static void look(struct trib_http_filter *filter)
{
	struct trib_http_request *request = filter->request;
	const struct trib_json *root;
	uint32_t looked = 0, enough = 0;

	trib_arena_reset(&filter->arena);
	if (trib_json_parse(trib_buffer_bytes(&request->call.reply), TRIB_LIMIT_JSON_DEPTH + 4, &filter->arena, &root,
			    &request->call.error) != TRIB_OK) {
		request->call.status = trib_fail(&request->call.error, TRIB_LIMIT, "filter",
						 "found items that take more memory than a filter has");
		trib_http_request_wake(request);
		return;
	}
	const struct trib_json *items = trib_json_member(root, "items"), *next = trib_json_member(root, "next_cursor");

	if (!filter->seeks)
		enough = look_at(filter, items, &looked);
	snprintf(filter->next, sizeof(filter->next), "%s", next && next->kind == TRIB_JSON_STRING ? next->text.data : "");
	/* A page is shorter than what was asked for only where it ended: what follows its last item is `next`. */
	if (enough && enough < items->count) {
		filter->seeks = true;
		ask(filter, enough);
	} else if (filter->seeks || enough || !filter->next[0] || is_over(filter)) {
		answer(filter);
	} else {
		memcpy(filter->cursor, filter->next, sizeof(filter->cursor));
		ask(filter, SLICE);
	}
}

static void run(struct trib_work *work)
{
	struct trib_http_request *request =
		(struct trib_http_request *)(void *)((char *)work - offsetof(struct trib_http_request, work));
	struct trib_http *http = request->http;

	look(request->filter);
	atomic_fetch_sub(&http->in_flight, 1);
}

bool trib_http_filter_take(struct trib_http_request *request)
{
	struct trib_http *http = request->http;

	if (!request->filter || request->call.status != TRIB_OK)
		return false;
	request->work.run = run;
	atomic_fetch_add(&http->in_flight, 1);
	if (trib_workers_submit(http->filters, &request->work))
		return true;
	atomic_fetch_sub(&http->in_flight, 1);
	request->call.status =
		trib_fail(&request->call.error, TRIB_BUSY, "filter", "found too many filters at work, expected fewer");
	return false;
}
