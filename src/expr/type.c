/* Types: the constants, their names, and reading them from text such as "map(string, list(int))". */
#include "expr/expr.h"

enum { TYPE_DEPTH_MAX = 32 };

const struct trib_type trib_type_dyn = { TRIB_TYPE_DYN };
const struct trib_type trib_type_null = { TRIB_TYPE_NULL };
const struct trib_type trib_type_bool = { TRIB_TYPE_BOOL };
const struct trib_type trib_type_int = { TRIB_TYPE_INT };
const struct trib_type trib_type_uint = { TRIB_TYPE_UINT };
const struct trib_type trib_type_double = { TRIB_TYPE_DOUBLE };
const struct trib_type trib_type_string = { TRIB_TYPE_STRING };
const struct trib_type trib_type_bytes = { TRIB_TYPE_BYTES };
const struct trib_type trib_type_timestamp = { TRIB_TYPE_TIMESTAMP };
const struct trib_type trib_type_duration = { TRIB_TYPE_DURATION };
const struct trib_type trib_type_type = { TRIB_TYPE_TYPE };
const struct trib_type trib_type_list_dyn = { TRIB_TYPE_LIST, .element = &trib_type_dyn };
const struct trib_type trib_type_list_string = { TRIB_TYPE_LIST, .element = &trib_type_string };
const struct trib_type trib_type_map_dyn = { TRIB_TYPE_MAP, .key = &trib_type_dyn,
					     .element = &trib_type_dyn };
const struct trib_type trib_type_map_string = { TRIB_TYPE_MAP, .key = &trib_type_string,
						.element = &trib_type_string };

static const struct trib_type wrapper_bool = { TRIB_TYPE_WRAPPER, .element = &trib_type_bool };
static const struct trib_type wrapper_bytes = { TRIB_TYPE_WRAPPER, .element = &trib_type_bytes };
static const struct trib_type wrapper_double = { TRIB_TYPE_WRAPPER, .element = &trib_type_double };
static const struct trib_type wrapper_int = { TRIB_TYPE_WRAPPER, .element = &trib_type_int };
static const struct trib_type wrapper_string = { TRIB_TYPE_WRAPPER, .element = &trib_type_string };
static const struct trib_type wrapper_uint = { TRIB_TYPE_WRAPPER, .element = &trib_type_uint };
static const struct trib_type map_json = { TRIB_TYPE_MAP, .key = &trib_type_string,
					   .element = &trib_type_dyn };

/* The names that stand alone. The first name of a type is the one it is printed with. */
static const struct {
	const char *name;
	const struct trib_type *type;
} simple_types[] = {
	{ "dyn", &trib_type_dyn },
	{ "null_type", &trib_type_null },
	{ "bool", &trib_type_bool },
	{ "int", &trib_type_int },
	{ "uint", &trib_type_uint },
	{ "double", &trib_type_double },
	{ "string", &trib_type_string },
	{ "bytes", &trib_type_bytes },
	{ "google.protobuf.Timestamp", &trib_type_timestamp },
	{ "google.protobuf.Duration", &trib_type_duration },
	{ "type", &trib_type_type },
	{ "list", &trib_type_list_dyn },
	{ "map", &trib_type_map_dyn },
	{ "null", &trib_type_null },
	{ "any", &trib_type_dyn },
	{ "timestamp", &trib_type_timestamp },
	{ "duration", &trib_type_duration },
	{ "google.protobuf.Any", &trib_type_dyn },
	{ "google.protobuf.Value", &trib_type_dyn },
	{ "google.protobuf.ListValue", &trib_type_list_dyn },
	{ "google.protobuf.Struct", &map_json },
	{ "google.protobuf.BoolValue", &wrapper_bool },
	{ "google.protobuf.BytesValue", &wrapper_bytes },
	{ "google.protobuf.DoubleValue", &wrapper_double },
	{ "google.protobuf.FloatValue", &wrapper_double },
	{ "google.protobuf.Int32Value", &wrapper_int },
	{ "google.protobuf.Int64Value", &wrapper_int },
	{ "google.protobuf.StringValue", &wrapper_string },
	{ "google.protobuf.UInt32Value", &wrapper_uint },
	{ "google.protobuf.UInt64Value", &wrapper_uint },
};

struct reader {
	struct trib_bytes text;
	size_t next;
	struct trib_arena *arena;
	struct trib_error *error;
};

static void skip_space(struct reader *reader)
{
	while (reader->next < reader->text.size && strchr(" \t", reader->text.data[reader->next]) &&
	       reader->text.data[reader->next])
		reader->next++;
}

static bool take(struct reader *reader, char c)
{
	skip_space(reader);
	if (reader->next >= reader->text.size || reader->text.data[reader->next] != c)
		return false;
	reader->next++;
	return true;
}

static struct trib_bytes take_name(struct reader *reader)
{
	skip_space(reader);
	size_t start = reader->next;

	while (reader->next < reader->text.size) {
		char c = reader->text.data[reader->next];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '.'))
			break;
		reader->next++;
	}
	return trib_bytes(reader->text.data + start, reader->next - start);
}

static trib_status refuse(struct reader *reader)
{
	return trib_fail(reader->error, TRIB_INVALID, "",
			 "found \"" TRIB_BYTES_FMT
			 "\", expected a CEL type such as int or map(string, list(int))",
			 TRIB_BYTES_ARG(reader->text));
}

static trib_status read_type(struct reader *reader, int depth, const struct trib_type **ret_type);

/* What stands in the parentheses of list, map, wrapper and type. */
static trib_status read_parameters(struct reader *reader, enum trib_type_kind kind, int depth,
				   const struct trib_type **ret_type)
{
	struct trib_type type = { .kind = kind };

	if (kind == TRIB_TYPE_MAP) {
		trib_status status = read_type(reader, depth + 1, &type.key);

		if (status != TRIB_OK)
			return status;
		if (!take(reader, ','))
			return refuse(reader);
	}
	trib_status status = read_type(reader, depth + 1, &type.element);

	if (status != TRIB_OK)
		return status;
	if (!take(reader, ')'))
		return refuse(reader);
	if (kind == TRIB_TYPE_TYPE) {
		*ret_type = &trib_type_type;
		return TRIB_OK;
	}
	struct trib_type *copy = trib_arena_alloc(reader->arena, sizeof(*copy));

	if (!copy)
		return trib_fail(reader->error, TRIB_NO_MEMORY, "", "no memory for a type");
	*copy = type;
	*ret_type = copy;
	return TRIB_OK;
}

static trib_status read_type(struct reader *reader, int depth, const struct trib_type **ret_type)
{
	static const struct {
		const char *name;
		enum trib_type_kind kind;
	} parametric[] = { { "list", TRIB_TYPE_LIST },
			   { "map", TRIB_TYPE_MAP },
			   { "wrapper", TRIB_TYPE_WRAPPER },
			   { "type", TRIB_TYPE_TYPE } };

	if (depth > TYPE_DEPTH_MAX)
		return refuse(reader);
	struct trib_bytes name = take_name(reader);

	if (take(reader, '(')) {
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(parametric); i++)
			if (trib_bytes_is(name, parametric[i].name))
				return read_parameters(reader, parametric[i].kind, depth, ret_type);
		return refuse(reader);
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(simple_types); i++) {
		if (!trib_bytes_is(name, simple_types[i].name))
			continue;
		*ret_type = simple_types[i].type;
		return TRIB_OK;
	}
	return refuse(reader);
}

trib_status trib_type_parse(struct trib_bytes text, struct trib_arena *arena,
			    const struct trib_type **ret_type, struct trib_error *error)
{
	struct reader reader = { .text = text, .arena = arena, .error = error };
	const struct trib_type *type;
	trib_status status = read_type(&reader, 0, &type);

	if (status != TRIB_OK)
		return status;
	skip_space(&reader);
	if (reader.next != text.size)
		return refuse(&reader);
	*ret_type = type;
	return TRIB_OK;
}

void trib_type_format(const struct trib_type *type, struct trib_buffer *buffer)
{
	switch (type->kind) {
	case TRIB_TYPE_LIST:
		trib_buffer_add_text(buffer, "list(");
		trib_type_format(type->element, buffer);
		trib_buffer_add_char(buffer, ')');
		break;
	case TRIB_TYPE_MAP:
		trib_buffer_add_text(buffer, "map(");
		trib_type_format(type->key, buffer);
		trib_buffer_add_text(buffer, ", ");
		trib_type_format(type->element, buffer);
		trib_buffer_add_char(buffer, ')');
		break;
	case TRIB_TYPE_WRAPPER:
		trib_buffer_add_text(buffer, "wrapper(");
		trib_type_format(type->element, buffer);
		trib_buffer_add_char(buffer, ')');
		break;
	case TRIB_TYPE_VAR:
		trib_buffer_add_text(buffer, "any type");
		break;
	default:
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(simple_types); i++) {
			if (simple_types[i].type->kind != type->kind)
				continue;
			trib_buffer_add_text(buffer, simple_types[i].name);
			return;
		}
	}
}

bool trib_type_equal(const struct trib_type *a, const struct trib_type *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->index != b->index)
		return false;
	if (a->kind == TRIB_TYPE_MAP && !trib_type_equal(a->key, b->key))
		return false;
	return a->kind != TRIB_TYPE_MAP && a->kind != TRIB_TYPE_LIST && a->kind != TRIB_TYPE_WRAPPER
		       ? true
		       : trib_type_equal(a->element, b->element);
}
