#include "rules/patch.h"

#include <jansson.h>

/* A node and the array it stands in; list NULL: it is the root. */
struct place {
	json_t *node, *list;
	size_t index;
};

static bool is_called(const json_t *node, struct trib_bytes id)
{
	const char *text = json_string_value(json_object_get(node, "id"));

	return text && trib_bytes_is(id, text);
}

/* Recurses as deep as a tree is nested, which is limited. */
static bool find_node(json_t *node, struct trib_bytes id, struct place *place)
{
	json_t *children = json_object_get(node, "children");

	if (is_called(node, id)) {
		place->node = node;
		return true;
	}
	for (size_t i = 0; i < json_array_size(children); i++) {
		json_t *child = json_array_get(children, i);

		place->list = children;
		place->index = i;
		if (is_called(child, id)) {
			place->node = child;
			return true;
		}
		if (find_node(child, id, place))
			return true;
	}
	return false;
}

/* Before or after a sibling. */
static trib_status move(const struct place *place, const char *where, const json_t *sibling, struct trib_error *error)
{
	const char *id = json_string_value(sibling);
	size_t count = json_array_size(place->list), target = count;

	for (size_t i = 0; id && i < count; i++)
		if (i != place->index && is_called(json_array_get(place->list, i), trib_bytes_text(id)))
			target = i;
	if (target == count)
		return trib_fail(error, TRIB_INVALID, where, "found %.80s, expected the id of a sibling",
				 id ? id : "no string");
	json_incref(place->node);
	json_array_remove(place->list, place->index);
	target -= target > place->index;
	target += !strcmp(where, "after");
	json_array_insert_new(place->list, target, place->node);
	return TRIB_OK;
}

static trib_status change(const struct place *place, json_t *patch, struct trib_error *error)
{
	const char *name;
	json_t *value;

	if (!json_is_object(patch) || json_object_size(patch) == 0)
		return trib_fail(error, TRIB_INVALID, "", "expected an object of fields to change");
	json_object_foreach (patch, name, value) {
		if (!strcmp(name, "id") || !strcmp(name, "children"))
			return trib_fail(error, TRIB_INVALID, name,
					 "found it, expected any field of a node but id and children");
		if (!strcmp(name, "before") || !strcmp(name, "after"))
			continue;
		if (json_is_null(value))
			json_object_del(place->node, name);
		else
			json_object_set(place->node, name, value);
	}
	json_t *before = json_object_get(patch, "before"), *after = json_object_get(patch, "after");

	if (before && after)
		return trib_fail(error, TRIB_INVALID, "after", "found before as well, expected one of them");
	if (!before && !after)
		return TRIB_OK;
	return move(place, before ? "before" : "after", before ? before : after, error);
}

trib_status trib_rules_patch(struct trib_bytes source, struct trib_bytes node, struct trib_bytes patch,
			     struct trib_buffer *ret_source, struct trib_error *error)
{
	json_t *tree = json_loadb(source.data, source.size, 0, NULL);
	json_t *changes = json_loadb(patch.data, patch.size, JSON_REJECT_DUPLICATES, NULL);
	struct place place = { 0 };
	trib_status status;

	trib_assert(tree);
	if (!find_node(json_object_get(tree, "root"), node, &place))
		status = trib_fail(error, TRIB_NOT_FOUND, "node", "found no node of that id in this version");
	else
		status = change(&place, changes, error);
	if (status == TRIB_OK) {
		char *text = json_dumps(tree, JSON_COMPACT | JSON_SORT_KEYS);

		trib_assert(text);
		trib_buffer_add_text(ret_source, text);
		free(text);
	}
	json_decref(changes);
	json_decref(tree);
	return status;
}
