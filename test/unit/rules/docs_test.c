/* docs/rules.md is true: its trees, facts and refusals are as it says, and its table of facts is the code's. */
#include "world.h"

static char *read_file(const char *name)
{
	const char *source = getenv("TRIB_SOURCE_DIR");
	char path[512], *text = trib_alloc(1 << 20);

	snprintf(path, sizeof(path), "%s/%s", source ? source : ".", name);
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	size_t size = fread(text, 1, (1 << 20) - 1, file);

	text[size] = '\0';
	fclose(file);
	return text;
}

/* The next block fenced as ```kind; false at the end. *cursor moves behind it. */
static bool next_block(char **cursor, char ret_kind[32], char **ret_text)
{
	char *fence = strstr(*cursor, "\n```"), *end;

	if (!fence)
		return false;
	fence += 4;
	size_t size = strcspn(fence, "\n");

	assert_true(size < 32);
	memcpy(ret_kind, fence, size);
	ret_kind[size] = '\0';
	*ret_text = fence + size + 1;
	end = strstr(fence + size, "\n```");
	assert_non_null(end);
	end[1] = '\0';
	*cursor = end + 4;
	return true;
}

static trib_status upload(struct world *world, const char *json, struct trib_tree **ret_tree,
			  struct trib_error *error)
{
	struct trib_tree_options options = { .spaces = &world->spaces,
					     .key = &world_key,
					     .name = "docs" };

	return trib_tree_new(&options, trib_bytes_text(json), ret_tree, error);
}

/* "facts : path : node" */
static void check_facts(struct world *world, const struct trib_tree *tree, char *line)
{
	char *path = strstr(line, " : "), *id = path ? strstr(path + 3, " : ") : NULL,
	     found[1024] = "";
	struct trib_path_cursor cursor;
	const struct trib_node *node;
	struct world_facts facts;
	struct trib_walk walk;
	bool value;

	if (!id)
		fail_msg("found %s, expected facts : path : node", line);
	*path = *id = '\0';
	trib_tree_walk(tree, world_facts(world, line, &facts), &walk);
	trib_path_begin(tree, walk.path, &cursor);
	while (trib_path_next(&cursor, &node, &value))
		sprintf(found + strlen(found), "%s" TRIB_BYTES_FMT "%c", *found ? " " : "",
			TRIB_BYTES_ARG(node->id), value ? '+' : '-');
	if (strcmp(found, path + 3) != 0 || !trib_bytes_is(walk.node->id, id + 3))
		fail_msg("%s: found %s to " TRIB_BYTES_FMT ", expected %s to %s", line, found,
			 TRIB_BYTES_ARG(walk.node->id), path + 3, id + 3);
}

static void examples_are_true(void **state)
{
	TRIB_AUTOFREE char *text = read_file("docs/rules.md");
	char *cursor = text, *block, kind[32];
	struct trib_tree *tree = NULL;
	struct trib_error error = { 0 };
	struct world world;
	int trees = 0, facts = 0, refused = 0;

	world_init(&world);
	while (next_block(&cursor, kind, &block)) {
		if (strcmp(kind, "json tree") == 0) {
			trib_tree_unref(tree);
			tree = NULL;
			assert_ok(upload(&world, block, &tree, &error), error);
			trees++;
		} else if (strcmp(kind, "facts") == 0) {
			char *save = NULL;

			for (char *line = strtok_r(block, "\n", &save); line;
			     line = strtok_r(NULL, "\n", &save), facts++)
				check_facts(&world, tree, line);
		} else if (strcmp(kind, "json refused") == 0) {
			struct trib_tree *none = NULL;
			char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

			assert_int_not_equal(upload(&world, block, &none, &error), TRIB_OK);
			snprintf(found, sizeof(found), "%s: %s\n", error.at, error.text);
			assert_true(next_block(&cursor, kind, &block));
			assert_string_equal(kind, "error");
			assert_string_equal(found, block);
			refused++;
		} else {
			fail_msg("found a block of \"%s\"", kind);
		}
	}
	assert_true(trees >= 3 && facts >= 10 && refused >= 8);
	trib_tree_unref(tree);
	world_fini(&world);
}

static void facts_are_listed(void **state)
{
	TRIB_AUTOFREE char *text = read_file("docs/facts.md");
	struct trib_buffer table;

	trib_buffer_init(&table, 1 << 20);
	trib_facts_write_markdown(&table);
	if (!strstr(text, trib_buffer_text(&table)))
		fail_msg("docs/facts.md lacks what `tributary facts --markdown` prints:\n%s",
			 trib_buffer_text(&table));
	trib_buffer_fini(&table);
}

/* The built-in tree is the one that is shown. */
static void default_is_as_shown(void **state)
{
	TRIB_AUTOFREE char *text = read_file("docs/rules.md");
	char *cursor = strstr(text, "The built-in tree"), *block, kind[32];
	struct world world;
	struct trib_tree *tree;
	struct trib_error error;

	world_init(&world);
	struct trib_rules *rules = trib_rules_new(&world_key, &world.spaces);

	assert_non_null(cursor);
	assert_true(next_block(&cursor, kind, &block));
	assert_ok(upload(&world, block, &tree, &error), error);
	assert_true(trib_bytes_equal(trib_tree_source(tree),
				     trib_tree_source(trib_rules_find(rules, 0, 0))));
	trib_tree_unref(tree);
	trib_rules_free(rules);
	world_fini(&world);
}

static void shipped_trees_are_accepted(void **state)
{
	static const char *const files[] = { "data/rules/live.json", "data/rules/shelf.json",
					     "data/rules/share.json", "data/rules/offsite.json",
					     "data/rules/presale.json" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(files); i++) {
		TRIB_AUTOFREE char *text = read_file(files[i]);
		struct world world;
		struct trib_tree *tree;
		struct trib_error error;

		world_init(&world);
		assert_ok(upload(&world, text, &tree, &error), error);
		trib_tree_unref(tree);
		world_fini(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_are_true),
		cmocka_unit_test(facts_are_listed),
		cmocka_unit_test(default_is_as_shown),
		cmocka_unit_test(shipped_trees_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
