#include "engine/play_rules.h"

#include "engine/state.h"

/* --- Putting ------------------------------------------------------------------------------------------- */

/* The version that the tree is already, the newest of its name; 0: it is another, or new. */
static uint32_t find_same(const struct trib_engine *engine, const struct compiled_tree *tree)
{
	uint32_t number = trib_rules_number(engine->rules, trib_bytes_text(tree->name));
	uint32_t latest = number ? trib_rules_latest(engine->rules, number) : 0;

	return latest && trib_bytes_equal(trib_tree_source(trib_rules_tree(engine->rules, number, latest)),
					  trib_tree_source(tree->tree)) ?
		       latest :
		       0;
}

static trib_status put_tree(struct trib_engine *engine, const struct compiled_tree *tree, uint32_t *ret_version,
			    struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__RulesPut put = TRIBUTARY__RULES_PUT__INIT;
	trib_status status =
		trib_rules_decide_prepared(engine->rules, trib_bytes_text(tree->name), tree->tree, ret_version, error);

	if (status != TRIB_OK)
		return status;
	TRIB_AUTOFREE char *source = strndup(trib_tree_source(tree->tree).data, trib_tree_source(tree->tree).size);

	put.name = (char *)(uintptr_t)tree->name;
	put.source = source;
	put.has_version = true;
	put.version = *ret_version;
	event.kind_case = TRIBUTARY__EVENT__KIND_RULES_PUT;
	event.rules_put = &put;
	trib_rules_offer(engine->rules, tree->tree);
	status = engine_emit(engine, &event, error);
	trib_rules_offer(engine->rules, NULL);
	return status == TRIB_OK ?
		       engine_name_tree(engine, trib_rules_number(engine->rules, trib_bytes_text(tree->name)), *ret_version, error) :
		       status;
}

trib_status play_rules_put(struct trib_engine *engine, const struct compiled_trees *trees, Tributary__PlayPut *put,
			   struct trib_error *error)
{
	Tributary__PlayTree *items = trib_arena_alloc(&engine->arena, trees->count * sizeof(*items));
	trib_status status = TRIB_OK;

	put->trees = trib_arena_alloc(&engine->arena, trees->count * sizeof(*put->trees));
	if (!items || !put->trees)
		return trib_fail(error, TRIB_NO_MEMORY, "files", "out of the memory granted to a command");
	for (uint32_t i = 0; i < trees->count && status == TRIB_OK; i++) {
		const struct compiled_tree *tree = &trees->items[i];

		tributary__play_tree__init(&items[i]);
		items[i].tree = trib_arena_copy(&engine->arena, trib_bytes_text(tree->name));
		items[i].has_version = true;
		items[i].version = find_same(engine, tree);
		if (!items[i].version)
			status = put_tree(engine, tree, &items[i].version, error);
		if (status == TRIB_OK && !items[i].tree)
			status = trib_fail(error, TRIB_NO_MEMORY, "files", "out of the memory granted to a command");
		put->trees[put->n_trees++] = &items[i];
	}
	return status;
}

/* --- Activating ---------------------------------------------------------------------------------------- */

static uint32_t number_of(const struct trib_engine *engine, const char *play)
{
	return trib_names_find(trib_domain_plays(engine->domain), trib_bytes_text(play));
}

/* Why a tree's version is not to be activated: somebody else's stands there. NULL: it may be. */
static const char *stands(struct trib_engine *engine, uint32_t play, const Tributary__PlayTreeItem *item, int64_t at_ms)
{
	struct trib_bytes name = trib_bytes_text(item->tree);
	uint32_t number = trib_rules_number(engine->rules, name), active = trib_rules_active(engine->rules, number, at_ms);
	struct trib_bytes scene = trib_tree_scene(trib_rules_tree(engine->rules, number, item->version));
	const struct trib_tree *serving = trib_rules_find_text(engine->rules, scene, at_ms);
	bool built_in = number == 1 && active == 1;
	char why[256] = "";

	if (active && !built_in && !trib_order_path_has_tree(engine->order_path, play, name, active))
		snprintf(why, sizeof(why), "version %u, which is active, did not come with the play", active);
	else if (trib_tree_number(serving) != number && trib_tree_number(serving) != 1 &&
		 trib_bytes_equal(trib_tree_scene(serving), scene) &&
		 !trib_order_path_has_tree(engine->order_path, play, trib_rules_name(engine->rules, trib_tree_number(serving)),
					   trib_tree_version(serving)))
		snprintf(why, sizeof(why), "the scene is that of the tree " TRIB_BYTES_FMT,
			 TRIB_BYTES_ARG(trib_rules_name(engine->rules, trib_tree_number(serving))));
	return why[0] ? trib_arena_copy(&engine->arena, trib_bytes_text(why)) : NULL;
}

static trib_status activate_tree(struct trib_engine *engine, const Tributary__PlayTreeItem *item, int64_t at_ms,
				 struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__RulesActivated activated = TRIBUTARY__RULES_ACTIVATED__INIT;
	trib_status status = trib_rules_decide_activate(engine->rules, trib_bytes_text(item->tree), item->version, at_ms,
							engine->now_ms, &activated.at, error);

	if (status != TRIB_OK)
		return status;
	activated.name = item->tree;
	activated.has_version = activated.has_at = true;
	activated.version = item->version;
	event.kind_case = TRIBUTARY__EVENT__KIND_RULES_ACTIVATED;
	event.rules_activated = &activated;
	return engine_emit(engine, &event, error);
}

void play_rules_show(struct trib_engine *engine, const char *play, uint32_t version, int64_t at_ms, size_t *ret_count,
		     Tributary__PlayTreeItem ***ret_items)
{
	uint32_t count, number = number_of(engine, play);
	const struct trib_play_tree *trees = trib_order_path_trees(engine->order_path, number, version, &count);
	Tributary__PlayTreeItem *items = trib_arena_alloc(&engine->arena, count * sizeof(*items));

	*ret_count = 0;
	*ret_items = trib_arena_alloc(&engine->arena, count * sizeof(**ret_items));
	for (uint32_t i = 0; items && *ret_items && i < count; i++) {
		tributary__play_tree_item__init(&items[i]);
		items[i].tree = trees[i].name;
		items[i].has_version = true;
		items[i].version = trees[i].version;
		items[i].has_active = true;
		items[i].active = trib_rules_active(engine->rules, trib_rules_number(engine->rules, trib_bytes_text(trees[i].name)),
						    at_ms) == trees[i].version;
		items[i].why = items[i].active ? NULL : (char *)(uintptr_t)stands(engine, number, &items[i], at_ms);
		(*ret_items)[(*ret_count)++] = &items[i];
	}
}

trib_status play_rules_activate(struct trib_engine *engine, const Tributary__PlayActivated *activated, size_t *ret_count,
				Tributary__PlayTreeItem ***ret_items, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	play_rules_show(engine, activated->name, activated->version, activated->at, ret_count, ret_items);
	for (size_t i = 0; i < *ret_count && status == TRIB_OK; i++) {
		Tributary__PlayTreeItem *item = (*ret_items)[i];

		if (item->active || item->why)
			continue;
		status = activate_tree(engine, item, activated->at, error);
		item->active = true;
	}
	return status;
}
