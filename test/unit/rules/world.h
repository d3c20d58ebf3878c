/* A small world for the tests of rules: the spaces that an engine would have, and facts from texts. */
#ifndef TRIB_TEST_RULES_WORLD_H
#define TRIB_TEST_RULES_WORLD_H

#include "test.h"

#include "base/names.h"
#include "rules/rules.h"

struct world {
	struct trib_names *names[TRIB_SPACES];
	struct trib_spaces spaces;
	struct trib_arena scratch;
};

static const struct trib_hash_key world_key = { "0123456789abcde" };

static uint32_t world_find(void *context, enum trib_space space, struct trib_bytes text)
{
	struct world *world = context;

	return trib_names_find(world->names[space], text);
}

static struct trib_bytes world_text(void *context, enum trib_space space, uint32_t code)
{
	struct world *world = context;

	return trib_names_text(world->names[space], code);
}

static inline uint32_t world_add(struct world *world, enum trib_space space, const char *text)
{
	return trib_names_add(world->names[space], trib_bytes_text(text));
}

static inline void world_init(struct world *world)
{
	for (int space = 0; space < TRIB_SPACES; space++)
		world->names[space] = trib_names_new(&world_key);
	world->spaces = (struct trib_spaces){ world_find, world_text, world };
	trib_arena_init(&world->scratch, 4 << 20);
}

static inline void world_fini(struct world *world)
{
	for (int space = 0; space < TRIB_SPACES; space++)
		trib_names_free(world->names[space]);
	trib_arena_fini(&world->scratch);
}

/* JSON is written with ' for ", but within "…", where ' stays. */
static inline const char *world_json(const char *text, char *json)
{
	bool quoted = false;

	for (size_t i = 0;; i++) {
		quoted ^= text[i] == '"';
		json[i] = text[i] == '\'' && !quoted ? '"' : text[i];
		if (!text[i])
			return json;
	}
}

static inline trib_status world_tree(struct world *world, const char *text, bool trusted,
				     struct trib_tree **ret_tree, struct trib_error *error)
{
	TRIB_AUTOFREE char *json = trib_alloc(strlen(text) + 1);
	struct trib_tree_options options = { .spaces = &world->spaces,
					     .key = &world_key,
					     .name = "t",
					     .number = 7,
					     .version = 3,
					     .trusted = trusted };

	return trib_tree_new(&options, trib_bytes_text(world_json(text, json)), ret_tree, error);
}

static inline struct trib_tree *world_tree_ok(struct world *world, const char *text)
{
	struct trib_error error = { 0 };
	struct trib_tree *tree = NULL;
	trib_status status = world_tree(world, text, false, &tree, &error);

	if (status != TRIB_OK)
		fail_msg("%s: %s\n%s", error.at, error.text, text);
	return tree;
}

/* Facts from a text as "order.qty=3 touch.age=5000 creator.tags=vip|new order.ext=a:1|b:2 touch" (a group alone opens
 * it; a fact opens its own). Everything points into `text`'s copy, which is never freed before the end. */
struct world_facts {
	struct trib_facts facts;
	char text[1024];
	struct {
		uint32_t count;
		uint32_t codes[64];
	} tags; /* as struct trib_codes */
	struct trib_ext_pair ext[32];
};

/* The first n of world->tags.codes. */
static inline void world_set_tags(struct trib_facts *facts, struct world_facts *world, uint32_t n)
{
	world->tags.count = n;
	trib_facts_set_tags(facts,
			    n ? (const struct trib_codes *)(const void *)&world->tags : NULL);
}

static inline void world_set_list(struct world *world, struct world_facts *facts,
				  enum trib_fact fact, char *value)
{
	char *save = NULL;
	uint32_t n = 0;

	for (char *item = strtok_r(value, "|", &save); item; item = strtok_r(NULL, "|", &save)) {
		char *colon = strchr(item, ':');

		if (fact == TRIB_FACT_CREATOR_TAGS) {
			facts->tags.codes[n++] = world_add(world, TRIB_SPACE_SYMBOL, item);
			continue;
		}
		assert_non_null(colon);
		*colon = '\0';
		facts->ext[n++] =
			(struct trib_ext_pair){ trib_bytes_text(item), trib_bytes_text(colon + 1) };
	}
	if (fact == TRIB_FACT_CREATOR_TAGS)
		world_set_tags(&facts->facts, facts, n);
	else
		trib_facts_set_ext(&facts->facts, facts->ext, n);
}

static inline void world_set_fact(struct world *world, struct world_facts *facts, char *name,
				  char *value)
{
	enum trib_fact fact = trib_fact_find(trib_bytes_text(name));
	const struct trib_fact_row *row = &trib_fact_rows[fact];
	int64_t number;

	if (fact == TRIB_FACT_NONE)
		fail_msg("no fact %s", name);
	trib_facts_open(&facts->facts, row->group);
	switch ((enum trib_fact_kind)row->kind) {
	case TRIB_FACT_STRING:
		trib_facts_set_string(
			&facts->facts, fact,
			trib_names_find(world->names[row->space], trib_bytes_text(value)),
			trib_bytes_text(value));
		if (fact == TRIB_FACT_GOODS_CATEGORY)
			trib_facts_set_category(
				&facts->facts,
				trib_names_find(world->names[row->space], trib_bytes_text(value)),
				trib_bytes_text(value));
		break;
	case TRIB_FACT_BOOL:
		trib_facts_set_bool(&facts->facts, fact, strcmp(value, "true") == 0);
		break;
	case TRIB_FACT_DOUBLE:
		trib_facts_set_double(&facts->facts, fact, strtod(value, NULL));
		break;
	case TRIB_FACT_TAGS:
	case TRIB_FACT_EXT:
		world_set_list(world, facts, fact, value);
		break;
	default:
		assert_true(trib_bytes_to_i64(trib_bytes_text(value), &number));
		trib_facts_set(&facts->facts, fact, number);
	}
}

static inline struct trib_facts *world_facts(struct world *world, const char *text,
					     struct world_facts *facts)
{
	char *save = NULL;

	trib_facts_init(&facts->facts, &world->spaces, &world->scratch);
	trib_facts_open(&facts->facts, TRIB_GROUP_ORDER); /* which is always there */
	assert_true(strlen(text) < sizeof(facts->text));
	memcpy(facts->text, text, strlen(text) + 1);
	for (char *word = strtok_r(facts->text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		char *equals = strchr(word, '=');

		if (equals) {
			*equals = '\0';
			world_set_fact(world, facts, word, equals + 1);
			continue;
		}
		for (int group = 0; group < TRIB_GROUPS; group++)
			if (strcmp(word, trib_fact_group_name((enum trib_fact_group)group)) == 0)
				trib_facts_open(&facts->facts, (enum trib_fact_group)group);
	}
	return &facts->facts;
}

#endif
