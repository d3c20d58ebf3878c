#include "engine/selection.h"

#include "expr/expr.h"

enum { VARIABLES_MAX = 64 };

struct selection {
	const ProtobufCMessageDescriptor *descriptor;
	struct trib_expr_program *program;
	struct trib_arena arena;
};

/* ---- Values ------------------------------------------------------------------------------------------ */

static struct trib_value value_of_message(const ProtobufCMessage *message, struct trib_arena *arena);

/* One scalar or message that stands at a place. */
static struct trib_value value_at(const ProtobufCFieldDescriptor *field, const void *place, struct trib_arena *arena)
{
	const ProtobufCMessage *message;
	const char *text;

	switch (field->type) {
	case PROTOBUF_C_TYPE_STRING:
		memcpy(&text, place, sizeof(text));
		return text ? trib_value_string(trib_bytes_text(text)) : trib_value_null();
	case PROTOBUF_C_TYPE_MESSAGE:
		memcpy(&message, place, sizeof(message));
		return message ? value_of_message(message, arena) : trib_value_null();
	case PROTOBUF_C_TYPE_BOOL: return trib_value_bool(*(const protobuf_c_boolean *)place);
	case PROTOBUF_C_TYPE_DOUBLE: return (struct trib_value){ .kind = TRIB_VALUE_DOUBLE, .number = *(const double *)place };
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32: return trib_value_int(*(const uint32_t *)place);
	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32: return trib_value_int(*(const int32_t *)place);
	case PROTOBUF_C_TYPE_BYTES:
	case PROTOBUF_C_TYPE_ENUM:
	case PROTOBUF_C_TYPE_FLOAT: return trib_value_null(); /* no message of a noun has such */
	default: return trib_value_int(*(const int64_t *)place);
	}
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	return field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) :
	       field->type == PROTOBUF_C_TYPE_INT32 || field->type == PROTOBUF_C_TYPE_UINT32 ? 4 :
												     8;
}

static struct trib_value value_of_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
					struct trib_arena *arena)
{
	const char *place = (const char *)message + field->offset;
	bool pointer = field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

	if (field->label != PROTOBUF_C_LABEL_REPEATED) {
		if (!pointer && !*(const protobuf_c_boolean *)((const char *)message + field->quantifier_offset))
			return trib_value_null();
		return value_at(field, place, arena);
	}
	size_t count = *(const size_t *)((const char *)message + field->quantifier_offset);
	const char *items = *(const char *const *)place;
	struct trib_value *values = trib_arena_alloc(arena, (count + 1) * sizeof(*values)), list;

	if (!values)
		return trib_value_null();
	for (size_t i = 0; i < count; i++)
		values[i] = value_at(field, items + i * size_of(field), arena);
	return trib_value_list(arena, values, (uint32_t)count, &list) == TRIB_OK ? list : trib_value_null();
}

static struct trib_value value_of_message(const ProtobufCMessage *message, struct trib_arena *arena)
{
	unsigned count = message->descriptor->n_fields;
	struct trib_value *keys = trib_arena_alloc(arena, 2 * (count + 1) * sizeof(*keys)), map;

	if (!keys)
		return trib_value_null();
	for (unsigned i = 0; i < count; i++) {
		const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];

		keys[i] = trib_value_string(trib_bytes_text(field->name));
		keys[count + i] = value_of_field(message, field, arena);
	}
	return trib_value_map(arena, keys, keys + count, count, &map) == TRIB_OK ? map : trib_value_null();
}

/* ---- Selections -------------------------------------------------------------------------------------- */

struct facts {
	const struct selection *selection;
	const ProtobufCMessage *message;
};

static bool get_field(void *context, uint32_t index, struct trib_arena *arena, struct trib_value *ret_value)
{
	const struct facts *facts = context;

	*ret_value = value_of_field(facts->message, &facts->selection->descriptor->fields[index], arena);
	return true;
}

trib_status selection_new(const ProtobufCMessageDescriptor *descriptor, struct trib_bytes source,
			  struct selection **ret_selection, struct trib_error *error)
{
	struct trib_expr_variable variables[VARIABLES_MAX];
	struct trib_expr_env env = { .variables = variables, .variable_count = descriptor->n_fields };
	struct selection *selection = trib_alloc_zeroed(1, sizeof(*selection));
	struct trib_expr_error why;

	trib_assert(descriptor->n_fields <= VARIABLES_MAX);
	for (unsigned i = 0; i < descriptor->n_fields; i++)
		variables[i] = (struct trib_expr_variable){ descriptor->fields[i].name, &trib_type_dyn };
	selection->descriptor = descriptor;
	trib_arena_init(&selection->arena, TRIB_LIMIT_CEL_MEMORY_BYTES);
	if (trib_expr_compile(&env, source, &selection->program, &why) != TRIB_OK) {
		selection_free(selection);
		trib_expr_fail(error, "filter", &why);
		return error->status = TRIB_INVALID;
	}
	enum trib_type_kind kind = trib_expr_type(selection->program)->kind;

	if (kind != TRIB_TYPE_BOOL && kind != TRIB_TYPE_DYN) {
		selection_free(selection);
		return trib_fail(error, TRIB_INVALID, "filter", "found another type, expected true or false");
	}
	*ret_selection = selection;
	return TRIB_OK;
}

void selection_free(struct selection *selection)
{
	if (!selection)
		return;
	trib_expr_free(selection->program);
	trib_arena_fini(&selection->arena);
	free(selection);
}

bool selection_holds(struct selection *selection, const ProtobufCMessage *message)
{
	struct facts facts = { selection, message };
	const struct trib_expr_facts given = { .get = get_field, .context = &facts };
	struct trib_value value;

	trib_arena_reset(&selection->arena);
	return trib_expr_eval(selection->program, &given, &selection->arena, &value, NULL) == TRIB_OK &&
	       value.kind == TRIB_VALUE_BOOL && value.boolean;
}
