/* JSON as a value of expressions: whole numbers are int, others double. */
#include "proto/json.h"

trib_status trib_json_value(const struct trib_json *json, struct trib_arena *arena, struct trib_value *ret_value)
{
	struct trib_value *items;
	uint32_t i = 0;
	trib_status status = TRIB_OK;

	switch (json->kind) {
	case TRIB_JSON_NULL:
		*ret_value = trib_value_null();
		return TRIB_OK;
	case TRIB_JSON_TRUE:
	case TRIB_JSON_FALSE:
		*ret_value = trib_value_bool(json->kind == TRIB_JSON_TRUE);
		return TRIB_OK;
	case TRIB_JSON_STRING:
		*ret_value = trib_value_string(json->text);
		return TRIB_OK;
	case TRIB_JSON_NUMBER:
		*ret_value = trib_value_int(0);
		return trib_bytes_to_i64(json->text, &ret_value->integer) ||
				       trib_value_parse_double(json->text, ret_value)
			       ? TRIB_OK
			       : TRIB_INVALID;
	default:
		break;
	}
	items = trib_arena_alloc(arena, 2 * json->count * sizeof(*items));
	if (!items)
		return TRIB_NO_MEMORY;
	for (const struct trib_json *child = json->first; child && status == TRIB_OK; child = child->next, i++) {
		items[json->count + i] = trib_value_string(child->key);
		status = trib_json_value(child, arena, &items[i]);
	}
	if (status != TRIB_OK)
		return status;
	return json->kind == TRIB_JSON_ARRAY ? trib_value_list(arena, items, json->count, ret_value) :
					       trib_value_map(arena, items + json->count, items, json->count, ret_value);
}
