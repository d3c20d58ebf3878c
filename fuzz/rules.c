/*
 * Any bytes as the body of PUT /rules/{name}. Beyond not crashing: what is accepted is written canonically, its
 * canonical form is accepted too and is the same tree, and both lead the same facts along the same path.
 */
#include "base/names.h"
#include "base/rng.h"
#include "rules/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct trib_hash_key key = { { 9 } };
static struct trib_names *names;

static uint32_t find(void *context, enum trib_space space, struct trib_bytes text)
{
	return trib_names_find(names, text);
}

static struct trib_bytes text(void *context, enum trib_space space, uint32_t code)
{
	return trib_names_text(names, code);
}

static const struct trib_spaces spaces = { find, text, NULL };

static uint32_t some_code(struct trib_rng *rng)
{
	return 1 + (uint32_t)trib_rng_below(rng, trib_names_count(names));
}

static void fill(struct trib_rng *rng, struct trib_facts *facts, uint32_t tags[3],
		 struct trib_ext_pair *ext, struct trib_arena *scratch)
{
	trib_facts_init(facts, &spaces, scratch);
	for (int group = 0; group < TRIB_GROUPS; group++)
		if (group == TRIB_GROUP_ORDER || trib_rng_chance(rng, 0.7))
			trib_facts_open(facts, (enum trib_fact_group)group);
	for (int fact = 1; fact < TRIB_FACTS; fact++) {
		uint8_t kind = trib_fact_rows[fact].kind;

		if (!trib_fact_in(&facts->open, (unsigned)fact) || trib_rng_chance(rng, 0.2))
			continue;
		if (kind == TRIB_FACT_STRING)
			trib_facts_set_string(facts, (enum trib_fact)fact,
					      trib_rng_chance(rng, 0.3) ? 0 : some_code(rng),
					      trib_bytes_text("a"));
		else if (kind == TRIB_FACT_DOUBLE)
			trib_facts_set_double(facts, (enum trib_fact)fact,
					      (double)trib_rng_below(rng, 50) / 8);
		else if (kind == TRIB_FACT_BOOL)
			trib_facts_set_bool(facts, (enum trib_fact)fact, trib_rng_chance(rng, 0.5));
		else if (kind != TRIB_FACT_TAGS && kind != TRIB_FACT_EXT && kind != TRIB_FACT_PATH)
			trib_facts_set(facts, (enum trib_fact)fact,
				       (int64_t)trib_rng_below(rng, 12) - 1);
	}
	tags[0] = 2; /* as struct trib_codes: their number, then they */
	tags[1] = some_code(rng);
	tags[2] = some_code(rng);
	if (trib_fact_in(&facts->open, TRIB_FACT_CREATOR_TAGS))
		trib_facts_set_tags(facts, (const struct trib_codes *)(const void *)tags);
	*ext = (struct trib_ext_pair){ trib_bytes_text("a"),
				       trib_names_text(names, some_code(rng)) };
	trib_facts_set_ext(facts, ext, 1);
}

static void walk_both(const struct trib_tree *tree, const struct trib_tree *again, size_t seed)
{
	struct trib_arena scratch;
	struct trib_rng rng;

	trib_arena_init(&scratch, 1 << 20);
	trib_rng_seed(&rng, seed);
	for (int i = 0; i < 8; i++) {
		struct trib_walk walk, other;
		struct trib_path_cursor cursor;
		const struct trib_node *node;
		struct trib_facts facts;
		struct trib_ext_pair ext;
		uint32_t tags[3], entered = 0;
		bool value;

		fill(&rng, &facts, tags, &ext, &scratch);
		trib_tree_walk(tree, &facts, &walk);
		trib_tree_walk(again, &facts, &other);
		trib_assert(walk.node->index == other.node->index &&
			    trib_bytes_equal(walk.path, other.path));
		trib_path_begin(tree, walk.path, &cursor);
		while (trib_path_next(&cursor, &node, &value))
			entered = value ? node->index : entered;
		trib_assert(entered == walk.node->index);
		if (walk.node->priority_by)
			trib_node_priority(walk.node, &facts);
	}
	trib_arena_fini(&scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trib_tree_options options = { .spaces = &spaces, .key = &key, .name = "t" };
	struct trib_tree *tree, *again;
	struct trib_error error;

	if (!names) {
		names = trib_names_new(&key);
		trib_names_add(names, trib_bytes_text("b"));
		trib_names_add(names, trib_bytes_text("click"));
		trib_names_add(names, trib_bytes_text("active"));
		trib_names_add(names, trib_bytes_text("commission"));
	}
	if (trib_tree_new(&options, trib_bytes(data, size), &tree, &error) != TRIB_OK) {
		trib_assert(error.text[0] && memchr(error.at, '\0', sizeof(error.at)));
		return 0;
	}
	options.trusted = true;
	trib_assert(trib_tree_new(&options, trib_tree_source(tree), &again, &error) == TRIB_OK);
	trib_assert(trib_bytes_equal(trib_tree_source(tree), trib_tree_source(again)));
	walk_both(tree, again, size);
	trib_tree_name_added(tree, TRIB_SPACE_SYMBOL, trib_bytes_text("a"), 5);
	trib_tree_unref(again);
	trib_tree_unref(tree);
	return 0;
}
