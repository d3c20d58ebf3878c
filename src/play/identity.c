/* Whose request is it? CEL over the fields of a request. */
#include "play/private.h"

enum field_type { STRING, INT, TAGS, EXT };

static const struct field {
	const char *name;
	enum field_type type;
} fields[TRIB_REQUEST_FIELDS] = {
#define X(id, name, type, what) { name, type },
	TRIB_REQUEST_TABLE(X)
#undef X
};

static const struct trib_type map_of_dyn = { TRIB_TYPE_MAP, .key = &trib_type_string,
					     .element = &trib_type_dyn };

static const struct trib_expr_variable variables[TRIB_REQUEST_FIELDS] = {
#define TYPE_STRING &trib_type_string
#define TYPE_INT &trib_type_int
#define TYPE_TAGS &trib_type_list_string
#define TYPE_EXT &map_of_dyn
#define X(id, name, type, what) { "request." name, TYPE_##type },
	TRIB_REQUEST_TABLE(X)
#undef X
};

/* ---- Conditions ----------------------------------------------------------------------------------- */

/* The tree's depth is bounded by its source's nesting but for chains such as a + b + c, hence the list. */
static trib_status fields_read(const struct trib_expr_node *root, uint32_t *ret_fields,
			       struct trib_error *error)
{
	enum { WAITING_MAX = 4096 };
	TRIB_AUTOFREE const struct trib_expr_node **waiting = trib_alloc(WAITING_MAX * sizeof(*waiting));
	uint32_t count = 0;

	*ret_fields = 0;
	waiting[count++] = root;
	while (count) {
		const struct trib_expr_node *node = waiting[--count];

		if (node->kind == TRIB_EXPR_VARIABLE || node->kind == TRIB_EXPR_PRESENT)
			*ret_fields |= 1u << node->index;
		if (count + node->count > WAITING_MAX)
			return trib_fail(error, TRIB_LIMIT, "when", "found a condition too large, expected a smaller one");
		for (uint32_t i = 0; i < node->count; i++)
			waiting[count++] = node->args[i];
	}
	return TRIB_OK;
}

/* The checker knows names, not what is near them. */
static void tell_fields(struct trib_expr_error *why)
{
	if (strstr(why->text, "undeclared reference to 'request'"))
		snprintf(why->text, sizeof(why->text), "found no field of a request, expected `request.` and one of"
#define X(id, name, type, what) " " name
			 TRIB_REQUEST_TABLE(X)
#undef X
		);
}

trib_status play_identity_new(const struct trib_json *when, struct trib_expr_program **ret_when,
			      uint32_t *ret_fields, struct trib_error *error)
{
	struct trib_expr_env env = { .variables = variables,
				     .variable_count = TRIB_REQUEST_FIELDS,
				     .flags = TRIB_EXPR_FACTS,
				     .lasting = true };
	struct trib_expr_program *program;
	struct trib_expr_error why;
	trib_status status;

	if (trib_expr_compile(&env, when->text, &program, &why) != TRIB_OK) {
		tell_fields(&why);
		return trib_expr_fail(error, "when", &why);
	}
	if (trib_expr_type(program)->kind == TRIB_TYPE_BOOL)
		status = fields_read(trib_expr_root(program), ret_fields, error);
	else
		status = trib_fail(error, TRIB_INVALID, "when", "found another type, expected a condition (bool)");
	if (status != TRIB_OK) {
		trib_expr_free(program);
		return status;
	}
	*ret_when = program;
	return TRIB_OK;
}

static bool get_field(void *context, uint32_t index, struct trib_arena *arena,
		      struct trib_value *ret_value)
{
	const struct play_request *request = context;

	*ret_value = request->values[index];
	return true;
}

/* has(request.scene): is it stated and not empty? */
static bool has_field(void *context, uint32_t index)
{
	const struct play_request *request = context;
	const struct trib_value *value = &request->values[index];

	switch (value->kind) {
	case TRIB_VALUE_STRING:
		return value->size > 0;
	case TRIB_VALUE_INT:
		return value->integer != 0;
	case TRIB_VALUE_LIST:
		return value->list->count > 0;
	default:
		return value->map->count > 0;
	}
}

const struct trib_play *play_identity_fails(const struct trib_play *play, struct play_request *request,
					    struct trib_arena *arena, struct trib_expr_error *ret_why)
{
	struct trib_expr_facts facts = { .get = get_field, .has = has_field, .context = request,
					 .steps = TRIB_LIMIT_CEL_CONDITION_COST };

	for (; play; play = play->up) {
		struct trib_value value;

		if (ret_why)
			*ret_why = (struct trib_expr_error){ 0 };
		if (trib_expr_eval(play->when, &facts, arena, &value, ret_why) != TRIB_OK ||
		    value.kind != TRIB_VALUE_BOOL || !value.boolean)
			break;
	}
	return play;
}

bool play_identity_holds(const struct trib_play *play, struct play_request *request,
			 struct trib_arena *arena)
{
	return !play_identity_fails(play, request, arena, NULL);
}

/* ---- Requests ------------------------------------------------------------------------------------- */

static bool is_list_of_strings(const struct trib_json *json)
{
	for (const struct trib_json *item = json->first; item; item = item->next)
		if (item->kind != TRIB_JSON_STRING)
			return false;
	return json->kind == TRIB_JSON_ARRAY;
}

/* What is wrong with the value of a field; NULL if nothing is. */
static const char *problem_of(const struct trib_json *json, enum field_type type)
{
	int64_t integer;

	switch (type) {
	case STRING:
		return json->kind == TRIB_JSON_STRING ? NULL : "expected a string";
	case INT:
		return json->kind == TRIB_JSON_NUMBER && trib_bytes_to_i64(json->text, &integer) ?
			       NULL :
			       "expected a whole number";
	case TAGS:
		return is_list_of_strings(json) ? NULL : "expected a list of strings";
	default:
		return json->kind == TRIB_JSON_OBJECT ? NULL : "expected an object";
	}
}

static trib_status read_field(const struct trib_json *member, struct trib_arena *arena,
			      struct play_request *request, struct trib_error *error)
{
	const char *problem = "found no field of a request, expected one";
	trib_status status = TRIB_INVALID;

	for (int i = 0; i < TRIB_REQUEST_FIELDS; i++) {
		if (!trib_bytes_is(member->key, fields[i].name))
			continue;
		problem = problem_of(member, fields[i].type);
		status = problem ? TRIB_INVALID : trib_json_value(member, arena, &request->values[i]);
		break;
	}
	if (status == TRIB_OK)
		return TRIB_OK;
	return trib_fail(error, status, member->key.data, "%s",
			 problem ? problem : "found a value too large, expected a smaller one");
}

/* A request that states nothing. */
static trib_status begin_request(struct trib_arena *arena, struct play_request *ret_request)
{
	struct play_request request;
	trib_status status = TRIB_OK;

	for (int i = 0; i < TRIB_REQUEST_FIELDS && status == TRIB_OK; i++)
		switch (fields[i].type) {
		case STRING:
			request.values[i] = trib_value_string(trib_bytes("", 0));
			break;
		case INT:
			request.values[i] = trib_value_int(0);
			break;
		case TAGS:
			status = trib_value_list(arena, NULL, 0, &request.values[i]);
			break;
		case EXT:
			status = trib_value_map(arena, NULL, NULL, 0, &request.values[i]);
			break;
		}
	if (status == TRIB_OK)
		*ret_request = request;
	return status;
}

trib_status play_request_make(const struct trib_request *given, struct trib_arena *arena,
			      struct play_request *ret_request, struct trib_error *error)
{
	struct trib_value *tags = trib_arena_alloc(arena, given->tag_count * sizeof(*tags));
	struct play_request request;
	trib_status status = tags ? begin_request(arena, &request) : TRIB_NO_MEMORY;

	for (int i = 0; i < TRIB_REQUEST_FIELDS && status == TRIB_OK; i++)
		if (fields[i].type == STRING)
			request.values[i] = trib_value_string(given->texts[i]);
	for (uint32_t i = 0; i < given->tag_count && status == TRIB_OK; i++)
		tags[i] = trib_value_string(given->tags[i]);
	if (status == TRIB_OK)
		status = trib_value_list(arena, tags, given->tag_count, &request.values[TRIB_REQUEST_TAGS]);
	if (status == TRIB_OK && given->ext)
		status = trib_json_value(given->ext, arena, &request.values[TRIB_REQUEST_EXT]);
	if (status != TRIB_OK)
		return trib_fail(error, status, "ext", "found more than a condition may read, expected less");
	request.values[TRIB_REQUEST_LEVEL] = trib_value_int(given->level);
	*ret_request = request;
	return TRIB_OK;
}

trib_status play_request_read(const struct trib_json *json, struct trib_arena *arena,
			      struct play_request *ret_request, struct trib_error *error)
{
	struct play_request request;
	trib_status status = begin_request(arena, &request);

	if (status != TRIB_OK)
		return trib_fail(error, status, "request", "out of the memory granted to it");
	if (json->kind != TRIB_JSON_OBJECT)
		return trib_fail(error, TRIB_INVALID, "request", "expected an object");
	for (const struct trib_json *member = json->first; member && status == TRIB_OK; member = member->next)
		status = read_field(member, arena, &request, error);
	if (status == TRIB_OK)
		*ret_request = request;
	else
		trib_error_within(error, "request");
	return status;
}
