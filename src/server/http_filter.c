/*
 * Lists: ?filter=, CEL over the fields of an item as they are shown. The engine gives pages as to anybody; a worker
 * looks at their items, asks for the next page, and ends when it has enough or has looked at so much that the rest is
 * the next request's, which goes on where this one ended.
 *
 *	engine: a page ──► worker: which items? ──► enough ──► (the cursor behind the last one) ──► the answer
 *	   ▲                        │ not yet
 *	   └────────────────────────┘
 *
 * A list that is short by its nature (plays, versions of a plan) the engine gives whole; the worker cuts the page out of
 * it, and a cursor is a place in it.
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
	struct trib_buffer items, beside; /* beside: the members that are not items, as the first page has them */
	bool whole;
	uint64_t skip; /* of a whole list */
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

/* Short by their nature: the engine gives all of it. */
static bool is_whole(const struct trib_route *route)
{
	switch (route->call) {
	case TRIB_CALL_PLAY_LIST:
	case TRIB_CALL_CAPABILITIES:
	case TRIB_CALL_PLAN_VERSIONS:
	case TRIB_CALL_STATUS_GET:
	case TRIB_CALL_RULES_LIST: return true;
	default: return false;
	}
}

static uint32_t limit_of(const struct trib_http_request *request)
{
	if (request->call.limit)
		return request->call.limit;
	switch (request->match.route->call) {
	case TRIB_CALL_BALANCES:
	case TRIB_CALL_STATEMENT:
	case TRIB_CALL_METRICS: return TRIB_LIMIT_LIST_ITEMS;
	case TRIB_CALL_SHELF: return 50;
	default: return is_whole(request->match.route) ? TRIB_LIMIT_LIST_ITEMS : 100;
	}
}

/* A statement's items are its entries. */
static const struct trib_json *items_in(const struct trib_json *answer)
{
	const struct trib_json *items = trib_json_member(answer, "items");

	return items ? items : trib_json_member(answer, "entries");
}

/* What the items of the route's answer are. */
static const ProtobufCMessageDescriptor *item_of(const struct trib_http_request *request)
{
	const struct trib_route *route = request->match.route;

	if (!route->answer)
		return trib_noun_descriptor(request->call.noun);
	for (const ProtobufCMessageDescriptor *const *message = trib_proto_messages; *message; message++) {
		const ProtobufCFieldDescriptor *field;

		if (strcmp((*message)->short_name, route->answer) != 0)
			continue;
		field = protobuf_c_message_descriptor_get_field_by_name(*message, "items");
		if (!field)
			field = protobuf_c_message_descriptor_get_field_by_name(*message, "entries");
		trib_assert(field && field->type == PROTOBUF_C_TYPE_MESSAGE);
		return field->descriptor;
	}
	trib_assert(!"a list whose answer is in the protocol");
	return NULL;
}

/* With the fields that there are, where it asks for another one. */
static void refuse(struct trib_http_filter *filter, const struct trib_error *error)
{
	char names[200] = "";
	size_t used = 0;

	for (unsigned i = 0; strstr(error->text, "undeclared") && i < filter->descriptor->n_fields; i++) {
		const char *name = filter->descriptor->fields[i].name;

		if (used + strlen(name) + sizeof(", …") > sizeof(names)) {
			snprintf(names + used, sizeof(names) - used, " …");
			break;
		}
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "; expected one of ", name);
	}
	trib_http_request_refuse(filter->request, TRIB_INVALID, 0, error->at, "%s%s%s", used ? "found an " : "", error->text, names);
}

static bool compile(struct trib_http_filter *filter, struct trib_bytes source)
{
	struct trib_http_request *request = filter->request;
	struct trib_expr_variable variables[VARIABLES_MAX];
	struct trib_expr_env env = { .variables = variables, .variable_count = filter->descriptor->n_fields };
	struct trib_expr_error why;
	struct trib_error error;

	if (!source.size)
		return true;
	trib_assert(filter->descriptor->n_fields <= VARIABLES_MAX);
	for (unsigned i = 0; i < filter->descriptor->n_fields; i++)
		variables[i] = (struct trib_expr_variable){ filter->descriptor->fields[i].name,
							    type_of(&filter->descriptor->fields[i]) };
	if (trib_expr_compile(&env, source, &filter->program, &why) != TRIB_OK) {
		trib_expr_fail(&error, "filter", &why);
		refuse(filter, &error);
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

static void read_cursor(struct trib_http_filter *filter)
{
	struct trib_http_request *request = filter->request;
	struct trib_bytes cursor = request->call.cursor;
	bool good = cursor.size < sizeof(filter->cursor);

	if (good)
		memcpy(filter->cursor, cursor.data ? cursor.data : "", cursor.size);
	if (filter->whole && cursor.size)
		good = trib_bytes_to_u64(cursor, &filter->skip);
	if (!good)
		trib_http_request_refuse(request, TRIB_INVALID, 0, "cursor",
					 "found one that is not ours, expected a next_cursor of this list");
}

void trib_http_filter_make(struct trib_http_request *request, struct trib_bytes source)
{
	struct trib_http_filter *filter;
	bool whole = is_whole(request->match.route);

	if (!source.size && !(whole && (request->call.limit || request->call.cursor.size)))
		return; /* as the engine gives it */
	if (trib_bytes_is(request->call.format, "csv")) {
		trib_http_request_refuse(request, TRIB_INVALID, 0, "filter",
					 "found it with format=csv, expected it with json");
		return;
	}
	filter = trib_alloc_zeroed(1, sizeof(*filter));
	filter->request = request;
	filter->descriptor = item_of(request);
	filter->whole = whole;
	trib_arena_init(&filter->arena, ARENA_BYTES);
	trib_arena_init(&filter->values, TRIB_LIMIT_CEL_MEMORY_BYTES);
	trib_buffer_init(&filter->items, TRIB_LIMIT_HTTP_REPLY_BYTES / 2);
	trib_buffer_init(&filter->beside, TRIB_LIMIT_HTTP_REPLY_BYTES / 2);
	filter->limit = limit_of(request);
	request->call.limit = SLICE;
	request->filter = filter;
	filter->began_ns = trib_http_now_ns();
	read_cursor(filter);
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
	trib_buffer_fini(&filter->beside);
	free(filter);
}

/* --- Looking --------------------------------------------------------------------------------------------- */

static bool matches(struct trib_http_filter *filter, const struct trib_json *item)
{
	struct facts facts = { filter, item };
	const struct trib_expr_facts given = { .get = get_field, .context = &facts };
	struct trib_value value;

	trib_arena_reset(&filter->values);
	if (!filter->program)
		return true;
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
	trib_buffer_add_text(reply, request->match.route->call == TRIB_CALL_STATEMENT ? "{\"entries\":[" : "{\"items\":[");
	trib_buffer_add_bytes(reply, trib_buffer_bytes(&filter->items));
	trib_buffer_add_text(reply, "],\"next_cursor\":");
	if (filter->next[0])
		trib_json_add_string(reply, trib_bytes_text(filter->next));
	else
		trib_buffer_add_text(reply, "null");
	trib_buffer_add_bytes(reply, trib_buffer_bytes(&filter->beside));
	trib_buffer_add_char(reply, '}');
	if (filter->items.failed || filter->beside.failed)
		reply->failed = true;
	trib_http_request_wake(request);
}

/* How many of these items were looked at until enough were found; 0: not enough. */
static uint32_t look_at(struct trib_http_filter *filter, const struct trib_json *first)
{
	uint32_t looked = 0;

	for (const struct trib_json *item = first; item; item = item->next) {
		looked++;
		filter->scanned++;
		if (matches(filter, item)) {
			if (filter->found++)
				trib_buffer_add_char(&filter->items, ',');
			trib_json_add(&filter->items, item, &filter->values);
		}
		if (filter->found == filter->limit || is_over(filter))
			return looked;
	}
	return 0;
}

/* What a list says beside its items (a total, a shelf's version) is of the list as it is, filter or not. */
static void keep_beside(struct trib_http_filter *filter, const struct trib_json *root, const struct trib_json *items)
{
	if (filter->beside.size)
		return;
	for (const struct trib_json *member = root->first; member; member = member->next) {
		if (member == items || trib_bytes_is(member->key, "next_cursor"))
			continue;
		trib_buffer_add_char(&filter->beside, ',');
		trib_json_add_string(&filter->beside, member->key);
		trib_buffer_add_char(&filter->beside, ':');
		trib_arena_reset(&filter->values);
		trib_json_add(&filter->beside, member, &filter->values);
	}
}

static void look_at_whole(struct trib_http_filter *filter, const struct trib_json *items)
{
	const struct trib_json *first = items ? items->first : NULL;
	uint64_t place = 0;

	for (; first && place < filter->skip; place++)
		first = first->next;
	place += look_at(filter, first);
	filter->next[0] = '\0';
	if (place > filter->skip && place < items->count)
		snprintf(filter->next, sizeof(filter->next), "%llu", (unsigned long long)place);
	answer(filter);
}

static void look(struct trib_http_filter *filter)
{
	struct trib_http_request *request = filter->request;
	const struct trib_json *root;
	uint32_t enough = 0;

	trib_arena_reset(&filter->arena);
	if (trib_json_parse(trib_buffer_bytes(&request->call.reply), TRIB_LIMIT_JSON_DEPTH + 4, &filter->arena, &root,
			    &request->call.error) != TRIB_OK) {
		request->call.status = trib_fail(&request->call.error, TRIB_LIMIT, "filter",
						 "found items that take more memory than a filter has");
		trib_http_request_wake(request);
		return;
	}
	const struct trib_json *items = items_in(root), *next = trib_json_member(root, "next_cursor");

	keep_beside(filter, root, items);
	if (filter->whole) {
		look_at_whole(filter, items);
		return;
	}
	if (!filter->seeks)
		enough = look_at(filter, items ? items->first : NULL);
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
