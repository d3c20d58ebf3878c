#include "rules/patch.h"

#include "base/limits.h"
#include "proto/json.h"

/* A node and the array it stands in; list NULL: it is the root. */
struct place {
	struct trib_json *node, *list;
};

static bool is_called(const struct trib_json *node, struct trib_bytes id)
{
	const struct trib_json *own = trib_json_member(node, "id");

	return own && own->kind == TRIB_JSON_STRING && trib_bytes_equal(own->text, id);
}

/* Recurses as deep as a tree is nested, which is limited. */
static bool find_node(struct trib_json *node, struct trib_json *list, struct trib_bytes id, struct place *ret_place)
{
	struct trib_json *children = (struct trib_json *)(uintptr_t)trib_json_member(node, "children");

	if (is_called(node, id)) {
		*ret_place = (struct place){ node, list };
		return true;
	}
	for (struct trib_json *child = children ? children->first : NULL; child; child = child->next)
		if (find_node(child, children, id, ret_place))
			return true;
	return false;
}

/* Where the list, or what stands before it in the list, points to a child. */
static struct trib_json **link_to(struct trib_json *list, const struct trib_json *child)
{
	struct trib_json **link = &list->first;

	while (*link != child)
		link = &(*link)->next;
	return link;
}

/* Before or after a sibling. */
static trib_status move(const struct place *place, const char *where, const struct trib_json *sibling,
			struct trib_error *error)
{
	struct trib_json *target = place->list ? place->list->first : NULL, **link;

	while (target && (target == place->node || sibling->kind != TRIB_JSON_STRING ||
			  !is_called(target, sibling->text)))
		target = target->next;
	if (!target)
		return trib_fail(error, TRIB_INVALID, where, "found %.80s, expected the id of a sibling",
				 sibling->kind == TRIB_JSON_STRING ? sibling->text.data : "no string");
	link = link_to(place->list, place->node);
	*link = place->node->next;
	link = !strcmp(where, "after") ? &target->next : link_to(place->list, target);
	place->node->next = *link;
	*link = place->node;
	return TRIB_OK;
}

static void drop_member(struct trib_json *object, struct trib_bytes name)
{
	struct trib_json **link = &object->first;

	while (*link && !trib_bytes_equal((*link)->key, name))
		link = &(*link)->next;
	if (!*link)
		return;
	*link = (*link)->next;
	object->count--;
}

/* Takes the members of `patch` over; it is not one any more afterwards. */
static trib_status change(const struct place *place, const struct trib_json *patch, struct trib_error *error)
{
	const struct trib_json *before = trib_json_member(patch, "before"), *after = trib_json_member(patch, "after");

	if (!patch || patch->kind != TRIB_JSON_OBJECT || !patch->first)
		return trib_fail(error, TRIB_INVALID, "", "expected an object of fields to change");
	for (struct trib_json *member = patch->first, *next; member; member = next) {
		next = member->next;
		if (trib_bytes_is(member->key, "id") || trib_bytes_is(member->key, "children"))
			return trib_fail(error, TRIB_INVALID, member->key.data,
					 "found it, expected any field of a node but id and children");
		if (member == before || member == after)
			continue;
		drop_member(place->node, member->key);
		if (member->kind == TRIB_JSON_NULL)
			continue;
		member->next = place->node->first;
		place->node->first = member;
		place->node->count++;
	}
	if (before && after)
		return trib_fail(error, TRIB_INVALID, "after", "found before as well, expected one of them");
	if (!before && !after)
		return TRIB_OK;
	return move(place, before ? "before" : "after", before ? before : after, error);
}

trib_status trib_rules_patch(struct trib_bytes source, struct trib_bytes node, struct trib_bytes patch,
			     struct trib_buffer *ret_source, struct trib_error *error)
{
	const struct trib_json *tree, *root, *changes = NULL;
	struct trib_arena arena;
	struct place place;
	trib_status status;

	trib_arena_init(&arena, SIZE_MAX / 2);
	/* What is no JSON at all is no object of fields, either. */
	if (trib_json_parse(patch, TRIB_LIMIT_JSON_DEPTH, &arena, &changes, NULL) != TRIB_OK)
		changes = NULL;
	trib_assert(trib_json_parse(source, UINT32_MAX, &arena, &tree, NULL) == TRIB_OK);
	root = trib_json_member(tree, "root");
	if (!find_node((struct trib_json *)(uintptr_t)root, NULL, node, &place))
		status = trib_fail(error, TRIB_NOT_FOUND, "node", "found no node of that id in this version");
	else
		status = change(&place, changes, error);
	if (status == TRIB_OK)
		trib_json_add(ret_source, tree, &arena);
	trib_arena_fini(&arena);
	return status;
}
