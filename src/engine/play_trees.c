#include "engine/play_trees.h"

#include "base/names.h"
#include "expr/expr.h"
#include "rules/rules.h"

static const struct trib_hash_key key = { "tributary play" };

/* Every string is numbered when it is first met, by condition or fact: enough for one tree and one order. */
static uint32_t find(void *context, enum trib_space space, struct trib_bytes text)
{
	struct trib_names *const *names = context;

	return trib_names_add(names[space], text);
}

static struct trib_bytes text_of(void *context, enum trib_space space, uint32_t code)
{
	struct trib_names *const *names = context;

	return trib_names_text(names[space], code);
}

/* Whosever ext it is, its JSON is a name among those of plan versions. */
static struct trib_bytes ext_of(void *context, enum trib_space space, uint32_t code, struct trib_arena *arena)
{
	return text_of(context, TRIB_SPACE_VERSION, code);
}

struct walk {
	struct trib_names *names[TRIB_SPACES];
	struct trib_spaces spaces;
	struct trib_arena arena, scratch;
	struct trib_facts facts;
	struct trib_error *error;
};

static trib_status make_tree(const struct trib_spaces *spaces, struct trib_bytes name, struct trib_bytes json,
			     struct trib_tree **ret_tree, struct trib_error *error)
{
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
	struct trib_tree_options options = { .spaces = spaces, .key = &key, .name = text, .number = 1, .version = 1 };

	snprintf(text, sizeof(text), TRIB_BYTES_FMT, TRIB_BYTES_ARG(name));
	return trib_tree_new(&options, json, ret_tree, error);
}

static trib_status check(void *context, struct trib_bytes name, struct trib_bytes json, struct trib_error *error)
{
	struct trib_tree *tree;
	trib_status status = make_tree(NULL, name, json, &tree, error);

	if (status == TRIB_OK)
		trib_tree_unref(tree);
	return status;
}

/* ---- Facts ---------------------------------------------------------------------------------------- */

static trib_status wrong(struct walk *walk, const struct trib_json *json, const char *text)
{
	return trib_fail(walk->error, TRIB_INVALID, json->key.data, "%s", text);
}

/* As struct trib_codes: their number, then they. */
static trib_status set_tags(struct walk *walk, const struct trib_json *json)
{
	struct trib_codes *codes = trib_arena_alloc(&walk->arena, sizeof(*codes) + json->count * sizeof(uint32_t));

	if (json->kind != TRIB_JSON_ARRAY || !codes)
		return wrong(walk, json, "expected a list of strings");
	codes->count = 0;
	for (const struct trib_json *item = json->first; item; item = item->next) {
		if (item->kind != TRIB_JSON_STRING)
			return wrong(walk, json, "expected a list of strings");
		codes->codes[codes->count++] = find(walk->names, TRIB_SPACE_SYMBOL, item->text);
	}
	trib_facts_set_tags(&walk->facts, codes->count ? codes : NULL);
	return TRIB_OK;
}

static trib_status set_ext(struct walk *walk, const struct trib_json *json)
{
	struct trib_ext_pair *pairs = trib_arena_alloc(&walk->arena, json->count * sizeof(*pairs));
	uint32_t count = 0;

	if (json->kind != TRIB_JSON_OBJECT || !pairs)
		return wrong(walk, json, "expected an object of strings");
	for (const struct trib_json *item = json->first; item; item = item->next) {
		if (item->kind != TRIB_JSON_STRING)
			return wrong(walk, json, "expected an object of strings");
		pairs[count++] = (struct trib_ext_pair){ item->key, item->text };
	}
	trib_facts_set_ext(&walk->facts, pairs, count);
	return TRIB_OK;
}

static trib_status set_json(struct walk *walk, const struct trib_json *json, enum trib_fact fact)
{
	struct trib_buffer text;

	if (json->kind != TRIB_JSON_OBJECT)
		return wrong(walk, json, "expected an object");
	trib_buffer_init(&text, TRIB_LIMIT_ENTITY_EXT_BYTES);
	trib_json_add(&text, json, &walk->arena);
	bool fits = !text.failed;

	if (fits)
		trib_facts_set(&walk->facts, fact,
			       find(walk->names, TRIB_SPACE_VERSION, trib_bytes(text.data, text.size)));
	trib_buffer_fini(&text);
	return fits ? TRIB_OK : wrong(walk, json, "expected a smaller object");
}

static trib_status set_number(struct walk *walk, const struct trib_json *json, enum trib_fact fact, bool real)
{
	struct trib_value value = trib_value_double(0);
	int64_t number;

	if (json->kind != TRIB_JSON_NUMBER || (real ? !trib_value_parse_double(json->text, &value)
						    : !trib_bytes_to_i64(json->text, &number)))
		return wrong(walk, json, real ? "expected a number" : "expected a whole number (times and durations: ms)");
	if (real)
		trib_facts_set_double(&walk->facts, fact, value.number);
	else
		trib_facts_set(&walk->facts, fact, number);
	return TRIB_OK;
}

static trib_status set_fact(struct walk *walk, const struct trib_json *json, enum trib_fact fact)
{
	struct trib_facts *facts = &walk->facts;
	bool truth = json->kind == TRIB_JSON_TRUE;

	trib_facts_open(facts, (enum trib_fact_group)trib_fact_rows[fact].group);
	switch ((enum trib_fact_kind)trib_fact_rows[fact].kind) {
	case TRIB_FACT_STRING:
		if (json->kind != TRIB_JSON_STRING)
			return wrong(walk, json, "expected a string");
		if (fact == TRIB_FACT_GOODS_CATEGORY)
			trib_facts_set_category(facts, find(walk->names, TRIB_SPACE_SYMBOL, json->text), json->text);
		else
			trib_facts_set_text(facts, fact, json->text);
		return TRIB_OK;
	case TRIB_FACT_BOOL:
		if (!truth && json->kind != TRIB_JSON_FALSE)
			return wrong(walk, json, "expected true or false");
		trib_facts_set_bool(facts, fact, truth);
		return TRIB_OK;
	case TRIB_FACT_TAGS:
		return set_tags(walk, json);
	case TRIB_FACT_EXT:
		return set_ext(walk, json);
	case TRIB_FACT_JSON:
		return set_json(walk, json, fact);
	case TRIB_FACT_PATH:
		return wrong(walk, json, "found a fact that follows from goods.category, expected that one");
	default:
		return set_number(walk, json, fact, trib_fact_rows[fact].kind == TRIB_FACT_DOUBLE);
	}
}

/* "order.qty: 3" sets a fact and opens its group; "touch: true" only opens the group. */
static trib_status set_facts(struct walk *walk, const struct trib_json *facts)
{
	trib_status status = TRIB_OK;

	trib_facts_open(&walk->facts, TRIB_GROUP_ORDER);
	for (const struct trib_json *json = facts->first; json && status == TRIB_OK; json = json->next) {
		enum trib_fact fact = trib_fact_find(json->key);
		int group = 0;

		if (fact != TRIB_FACT_NONE) {
			status = set_fact(walk, json, fact);
			continue;
		}
		while (group < TRIB_GROUPS &&
		       !trib_bytes_is(json->key, trib_fact_group_name((enum trib_fact_group)group)))
			group++;
		if (group == TRIB_GROUPS || json->kind != TRIB_JSON_TRUE)
			return wrong(walk, json, "found no fact, expected one, or a group with `true`");
		trib_facts_open(&walk->facts, (enum trib_fact_group)group);
	}
	return status;
}

static trib_status walk_tree(void *context, struct trib_bytes name, struct trib_bytes json,
			     const struct trib_json *facts, struct trib_buffer *ret_node, const char **ret_outcome,
			     struct trib_error *error)
{
	struct walk walk = { .spaces = { .find = find, .text = text_of, .ext = ext_of, .context = walk.names }, .error = error };
	struct trib_tree *tree;
	struct trib_walk way;

	for (int space = 0; space < TRIB_SPACES; space++)
		walk.names[space] = trib_names_new(&key);
	trib_arena_init(&walk.arena, 1 << 20);
	trib_arena_init(&walk.scratch, TRIB_LIMIT_CEL_MEMORY_BYTES);
	trib_status status = make_tree(&walk.spaces, name, json, &tree, error);

	if (status == TRIB_OK) {
		trib_facts_init(&walk.facts, &walk.spaces, &walk.scratch);
		status = set_facts(&walk, facts);
		if (status == TRIB_OK) {
			trib_tree_walk(tree, &walk.facts, &way);
			trib_buffer_add_bytes(ret_node, way.node->id);
			*ret_outcome = trib_outcome_word(way.outcome);
		}
		trib_tree_unref(tree);
	}
	trib_arena_fini(&walk.arena);
	trib_arena_fini(&walk.scratch);
	for (int space = 0; space < TRIB_SPACES; space++)
		trib_names_free(walk.names[space]);
	return status;
}

const struct trib_play_trees trib_play_trees = { .check = check, .walk = walk_tree };
