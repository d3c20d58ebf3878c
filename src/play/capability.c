/* The table of capabilities as rows, and the types of their fields. */
#include "play/private.h"

#include <pthread.h>

static const struct trib_type map_of_dyn = { TRIB_TYPE_MAP, .key = &trib_type_string, .element = &trib_type_dyn };

static const struct {
	const char *name;
	const struct trib_type *type;
} types[] = {
	{ "bool", &trib_type_bool },	 { "int", &trib_type_int },	     { "double", &trib_type_double },
	{ "string", &trib_type_string }, { "strings", &trib_type_list_string }, { "map", &map_of_dyn },
};

uint32_t play_fields_read(const char *text, struct trib_capability_field *ret_fields, uint32_t count_max)
{
	uint32_t count = 0;

	while (*text) {
		size_t name = strcspn(text, ":"), type = strcspn(text + name + 1, " ");
		struct trib_capability_field *field = &ret_fields[count++];

		trib_assert(count <= count_max && text[name]);
		field->name = strndup(text, name);
		trib_assert(field->name);
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(types); i++)
			if (trib_bytes_is(trib_bytes(text + name + 1, type), types[i].name))
				field->type = types[i].type;
		trib_assert(field->type);
		text += name + 1 + type;
		text += *text == ' ';
	}
	return count;
}

/* ---- Rows ----------------------------------------------------------------------------------------- */

enum { CONTROL, ORDER, OUTSIDE, PEOPLE };

static const struct {
	const char *name, *inputs, *outputs, *what;
	enum trib_capability_path path;
} table[TRIB_CAPABILITIES] = {
#define X(id, name, path, inputs, outputs, otherwise, what)                                        \
	{ name, inputs, outputs, what, (enum trib_capability_path)path },
	TRIB_CAPABILITY_TABLE(X)
#undef X
};

static struct trib_capability_row rows[TRIB_CAPABILITIES];
static pthread_once_t rows_once = PTHREAD_ONCE_INIT;

/* Made once, and kept as long as the process. */
static void make_rows(void)
{
	for (int id = 0; id < TRIB_CAPABILITIES; id++) {
		struct trib_capability_row *row = &rows[id];

		row->name = table[id].name;
		row->what = table[id].what;
		row->path = table[id].path;
		row->input_count = play_fields_read(table[id].inputs, row->inputs, TRIB_CAPABILITY_FIELDS_MAX);
		row->output_count = play_fields_read(table[id].outputs, row->outputs, TRIB_CAPABILITY_FIELDS_MAX);
		for (uint32_t out = 0; out < row->output_count; out++) {
			row->laid_over[out] = UINT8_MAX;
			for (uint32_t in = 0; in < row->input_count; in++)
				if (!strcmp(row->outputs[out].name, row->inputs[in].name))
					row->laid_over[out] = (uint8_t)in;
		}
	}
}

const struct trib_capability_row *trib_capability_row(enum trib_capability capability)
{
	pthread_once(&rows_once, make_rows);
	return &rows[capability];
}

enum trib_capability trib_capability_find(struct trib_bytes name)
{
	int id = 0;

	while (id < TRIB_CAPABILITIES && !trib_bytes_is(name, table[id].name))
		id++;
	return (enum trib_capability)id;
}

const char *trib_capability_path_word(enum trib_capability_path path)
{
	static const char *const words[] = { "control", "order", "outside", "people" };

	return words[path];
}

/* ---- Values --------------------------------------------------------------------------------------- */

struct trib_value play_value_zero(const struct trib_type *type)
{
	static const struct trib_list no_items;
	static const struct trib_map no_members;

	switch (type->kind) {
	case TRIB_TYPE_BOOL:
		return trib_value_bool(false);
	case TRIB_TYPE_INT:
		return trib_value_int(0);
	case TRIB_TYPE_DOUBLE:
		return trib_value_double(0);
	case TRIB_TYPE_STRING:
		return trib_value_string(trib_bytes("", 0));
	case TRIB_TYPE_LIST:
		return (struct trib_value){ .kind = TRIB_VALUE_LIST, .list = &no_items };
	default:
		return (struct trib_value){ .kind = TRIB_VALUE_MAP, .map = &no_members };
	}
}

bool play_value_is_stated(const struct trib_value *value)
{
	switch (value->kind) {
	case TRIB_VALUE_STRING:
		return value->size > 0;
	case TRIB_VALUE_INT:
		return value->integer != 0;
	case TRIB_VALUE_LIST:
		return value->list->count > 0;
	case TRIB_VALUE_MAP:
		return value->map->count > 0;
	case TRIB_VALUE_BOOL:
		return value->boolean;
	default:
		return value->kind != TRIB_VALUE_NULL;
	}
}

static bool all_strings(const struct trib_value *values, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (values[i].kind != TRIB_VALUE_STRING)
			return false;
	return true;
}

static bool fit_int(struct trib_value *value)
{
	if (value->kind == TRIB_VALUE_UINT && value->unsigned_integer <= INT64_MAX)
		*value = trib_value_int((int64_t)value->unsigned_integer);
	else if (value->kind == TRIB_VALUE_DOUBLE && value->number >= -0x1p53 && value->number <= 0x1p53 &&
		 (double)(int64_t)value->number == value->number)
		*value = trib_value_int((int64_t)value->number);
	return value->kind == TRIB_VALUE_INT;
}

bool play_value_fit(struct trib_value *value, const struct trib_type *type)
{
	switch (type->kind) {
	case TRIB_TYPE_BOOL:
		return value->kind == TRIB_VALUE_BOOL;
	case TRIB_TYPE_INT:
		return fit_int(value);
	case TRIB_TYPE_DOUBLE:
		if (value->kind == TRIB_VALUE_INT)
			*value = trib_value_double((double)value->integer);
		return value->kind == TRIB_VALUE_DOUBLE;
	case TRIB_TYPE_STRING:
		return value->kind == TRIB_VALUE_STRING;
	case TRIB_TYPE_LIST:
		/* Lua knows one empty table. */
		if (value->kind == TRIB_VALUE_MAP && value->map->count == 0)
			*value = play_value_zero(type);
		return value->kind == TRIB_VALUE_LIST && all_strings(value->list->items, value->list->count);
	default:
		return value->kind == TRIB_VALUE_MAP && all_strings(value->map->keys, value->map->count);
	}
}

static void add_key(const struct trib_value *key, struct trib_buffer *json)
{
	struct trib_buffer text;

	if (key->kind == TRIB_VALUE_STRING) {
		trib_json_add_string(json, trib_value_text(key));
		return;
	}
	trib_buffer_init(&text, 256);
	trib_value_print(key, &text);
	trib_json_add_string(json, trib_buffer_bytes(&text));
	trib_buffer_fini(&text);
}

void play_value_add_json(const struct trib_value *value, struct trib_buffer *json)
{
	struct trib_buffer text;

	switch (value->kind) {
	case TRIB_VALUE_NULL:
		trib_buffer_add_text(json, "null");
		return;
	case TRIB_VALUE_BOOL:
		trib_buffer_add_text(json, value->boolean ? "true" : "false");
		return;
	case TRIB_VALUE_INT:
		trib_buffer_add_i64(json, value->integer);
		return;
	case TRIB_VALUE_DOUBLE:
		trib_json_add_double(json, value->number);
		return;
	case TRIB_VALUE_STRING:
		trib_json_add_string(json, trib_value_text(value));
		return;
	case TRIB_VALUE_LIST:
		for (uint32_t i = 0; i < value->list->count; i++) {
			trib_buffer_add_char(json, i ? ',' : '[');
			play_value_add_json(&value->list->items[i], json);
		}
		trib_buffer_add_text(json, value->list->count ? "]" : "[]");
		return;
	case TRIB_VALUE_MAP:
		for (uint32_t i = 0; i < value->map->count; i++) {
			trib_buffer_add_char(json, i ? ',' : '{');
			add_key(&value->map->keys[i], json);
			trib_buffer_add_char(json, ':');
			play_value_add_json(&value->map->values[i], json);
		}
		trib_buffer_add_text(json, value->map->count ? "}" : "{}");
		return;
	default: /* what JSON has no word for is written as CEL has it */
		trib_buffer_init(&text, 4096);
		trib_value_print(value, &text);
		trib_json_add_string(json, trib_buffer_bytes(&text));
		trib_buffer_fini(&text);
	}
}
