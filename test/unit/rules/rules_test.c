/* Named trees: versions, activations, scenes, hit counts, copies, and what is written about them. */
#include "world.h"

struct stage {
	struct world world;
	struct trib_rules *rules;
};

static int set_up(void **state)
{
	struct stage *stage = trib_alloc_zeroed(1, sizeof(*stage));

	world_init(&stage->world);
	world_add(&stage->world, TRIB_SPACE_SYMBOL, "default");
	stage->rules = trib_rules_new(&world_key, &stage->world.spaces);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;

	trib_rules_free(stage->rules);
	world_fini(&stage->world);
	free(stage);
	return 0;
}

static trib_status put(struct trib_rules *rules, const char *name, const char *text,
		       uint32_t *ret_version, struct trib_error *error)
{
	char json[4096];
	struct trib_buffer source;
	trib_status status;

	trib_buffer_init(&source, 1 << 20);
	status = trib_rules_decide_put(rules, trib_bytes_text(name),
				       trib_bytes_text(world_json(text, json)), ret_version,
				       &source, error);
	if (status == TRIB_OK)
		assert_ok(trib_rules_apply_put(rules, trib_bytes_text(name), *ret_version,
					       trib_buffer_bytes(&source), error),
			  *error);
	trib_buffer_fini(&source);
	return status;
}

static void put_ok(struct trib_rules *rules, const char *name, const char *text, uint32_t expected)
{
	struct trib_error error = { 0 };
	uint32_t version = 0;

	assert_ok(put(rules, name, text, &version, &error), error);
	assert_int_equal(version, expected);
}

static void activate(struct trib_rules *rules, const char *name, uint32_t version, int64_t at_ms,
		     int64_t now_ms)
{
	struct trib_error error = { 0 };
	int64_t from_ms = -7;

	assert_ok(trib_rules_decide_activate(rules, trib_bytes_text(name), version, at_ms, now_ms,
					     &from_ms, &error),
		  error);
	assert_true(from_ms == TRIB_MAX(at_ms, now_ms));
	assert_ok(trib_rules_apply_activate(rules, trib_bytes_text(name), version, from_ms, &error),
		  error);
}

/* "name@version" for the scene's tree at a time. */
static void assert_serves(struct trib_rules *rules, const char *scene, int64_t now_ms,
			  const char *expected)
{
	const struct trib_tree *tree = trib_rules_find_text(rules, trib_bytes_text(scene), now_ms);
	char found[128];

	snprintf(found, sizeof(found), "%s@%u", trib_tree_name(tree), trib_tree_version(tree));
	assert_string_equal(found, expected);
}

static void default_is_built_in(void **state)
{
	struct stage *stage = *state;
	const struct trib_tree *tree = trib_rules_find(stage->rules, 0, 0);
	const struct trib_node *node = trib_tree_node(tree, 0);
	struct world_facts facts;
	struct trib_walk walk;

	assert_serves(stage->rules, "", 0, "default@1");
	assert_serves(stage->rules, "default", INT64_MIN, "default@1");
	assert_serves(stage->rules, "anything", INT64_MAX, "default@1");
	assert_true(trib_rules_find(stage->rules, 1, 0) == tree);
	assert_true(trib_rules_find(stage->rules, 99, 0) == tree);
	assert_int_equal(trib_rules_count(stage->rules), 1);
	assert_int_equal(node->model, TRIB_MODEL_LAST);
	assert_true(node->window_ms == INT64_C(30) * 86400 * 1000);
	assert_int_equal(node->lock, TRIB_LOCK_ORDER);
	assert_int_equal(node->match, TRIB_MATCH_GOODS);
	assert_int_equal(node->n_shares, 5);
	assert_int_equal(node->shares[4].take, TRIB_TAKE_REST);
	assert_int_equal(node->shares[2].from, TRIB_SLOT_LEADER);
	assert_int_equal(node->shares[2].of, 1);
	trib_tree_walk(tree, world_facts(&stage->world, "", &facts), &walk);
	assert_int_equal(walk.outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_true(trib_bytes_is(walk.node->id, "default"));
}

static void versions_are_added_and_activated(void **state)
{
	struct trib_rules *rules = ((struct stage *)*state)->rules;
	struct trib_error error = { 0 };
	int64_t from_ms;

	put_ok(rules, "flash", "{'scene':'live','root':{'id':'v1'}}", 1);
	assert_serves(rules, "live", 1000, "default@1");
	activate(rules, "flash", 1, 1000, 1000);
	assert_serves(rules, "live", 999, "default@1");
	assert_serves(rules, "live", 1000, "flash@1");
	assert_serves(rules, "flash", 1000, "default@1");
	put_ok(rules, "flash", "{'scene':'live','root':{'id':'v2'}}", 2);
	assert_serves(rules, "live", 2000, "flash@1");
	/* Later, and going back. */
	activate(rules, "flash", 2, 5000, 2000);
	assert_serves(rules, "live", 4999, "flash@1");
	assert_serves(rules, "live", 5000, "flash@2");
	assert_int_equal(trib_rules_active(rules, 2, 4999), 1);
	assert_int_equal(trib_rules_active(rules, 2, 5000), 2);
	assert_int_equal(trib_rules_active(rules, 2, 1), 0);
	activate(rules, "flash", 1, 0, 6000);
	assert_serves(rules, "live", 5999, "flash@2");
	assert_serves(rules, "live", 6000, "flash@1");
	/* At the same moment the later word holds. */
	activate(rules, "flash", 2, 6000, 6000);
	assert_serves(rules, "live", 6000, "flash@2");
	assert_int_equal(trib_rules_decide_activate(rules, trib_bytes_text("flash"), 3, 0, 0,
						    &from_ms, &error),
			 TRIB_NOT_FOUND);
	assert_string_equal(error.text, "found 3, expected 1 to 2");
	assert_int_equal(trib_rules_decide_activate(rules, trib_bytes_text("flash"), 0, 0, 0,
						    &from_ms, &error),
			 TRIB_NOT_FOUND);
	assert_int_equal(trib_rules_decide_activate(rules, trib_bytes_text("flush"), 1, 0, 0,
						    &from_ms, &error),
			 TRIB_NOT_FOUND);
	assert_int_equal(trib_rules_apply_activate(rules, trib_bytes_text("flash"), 3, 0, &error),
			 TRIB_CORRUPT);
}

static void scenes_go_to_the_tree_activated_last(void **state)
{
	struct stage *stage = *state;
	struct trib_rules *rules = stage->rules;

	put_ok(rules, "a", "{'scene':'s','root':{'id':'r'}}", 1);
	put_ok(rules, "b", "{'scene':'s','root':{'id':'r'}}", 1);
	activate(rules, "a", 1, 10, 10);
	activate(rules, "b", 1, 20, 20);
	assert_serves(rules, "s", 20, "b@1");
	activate(rules, "a", 1, 30, 30);
	assert_serves(rules, "s", 30, "a@1");
	/* A tree that turns to another scene leaves this one to who is there. */
	put_ok(rules, "a", "{'scene':'t','root':{'id':'r'}}", 2);
	activate(rules, "a", 2, 40, 40);
	assert_serves(rules, "s", 40, "b@1");
	assert_serves(rules, "t", 40, "a@2");
	/* The default is replaced like any other, and by any other. */
	put_ok(rules, "default", "{'root':{'id':'mine'}}", 2);
	activate(rules, "default", 2, 50, 50);
	assert_serves(rules, "", 50, "default@2");
	put_ok(rules, "house", "{'scene':'default','root':{'id':'mine'}}", 1);
	activate(rules, "house", 1, 60, 60);
	assert_serves(rules, "nowhere", 60, "house@1");
	activate(rules, "default", 1, 70, 70);
	assert_serves(rules, "nowhere", 70, "default@1");
	/* The default tree serving another scene leaves what is built in. */
	put_ok(rules, "default", "{'scene':'u','root':{'id':'mine'}}", 3);
	activate(rules, "default", 3, 80, 80);
	put_ok(rules, "house", "{'scene':'u','root':{'id':'mine'}}", 2);
	activate(rules, "house", 2, 90, 90);
	assert_serves(rules, "nowhere", 90, "default@1");
	/* By code, before and after the dictionary knows the scene. */
	uint32_t code = world_add(&stage->world, TRIB_SPACE_SYMBOL, "t");

	assert_string_equal(trib_tree_name(trib_rules_find(rules, code, 90)), "default");
	trib_rules_name_added(rules, TRIB_SPACE_SYMBOL, trib_bytes_text("t"), code);
	assert_string_equal(trib_tree_name(trib_rules_find(rules, code, 90)), "a");
}

static void refused_puts_change_nothing(void **state)
{
	struct trib_rules *rules = ((struct stage *)*state)->rules;
	struct trib_error error = { 0 };
	uint32_t version = 77;

	put_ok(rules, "a", "{'root':{'id':'r'}}", 1);
	activate(rules, "a", 1, 10, 10);
	assert_int_equal(
		put(rules, "a", "{'root':{'id':'r','when':'order.colour'}}", &version, &error),
		TRIB_INVALID);
	assert_string_equal(error.at, "r.when");
	assert_int_equal(put(rules, "b", "{'root':{'id':'r','when':'false'}}", &version, &error),
			 TRIB_REFUSED);
	assert_int_equal(put(rules, "b/c", "{'root':{'id':'r'}}", &version, &error), TRIB_INVALID);
	assert_int_equal(put(rules, "", "{'root':{'id':'r'}}", &version, &error), TRIB_INVALID);
	assert_int_equal(version, 77);
	assert_int_equal(trib_rules_count(rules), 2);
	assert_int_equal(trib_rules_latest(rules, 2), 1);
	assert_serves(rules, "a", 10, "a@1");
	assert_int_equal(trib_rules_apply_put(rules, trib_bytes_text("a"), 3,
					      trib_bytes_text("{\"root\":{\"id\":\"r\"}}"), &error),
			 TRIB_CORRUPT);
	assert_int_equal(
		trib_rules_apply_put(rules, trib_bytes_text("a"), 2, trib_bytes_text("{}"), &error),
		TRIB_CORRUPT);
	assert_int_equal(trib_rules_latest(rules, 2), 1);
}

static void names_reach_every_version(void **state)
{
	struct stage *stage = *state;
	struct world_facts facts;
	struct trib_walk walk;

	put_ok(stage->rules, "a",
	       "{'root':{'id':'r','children':[{'id':'hit','when':\"order.goods == 'g'\"}]}}", 1);
	put_ok(stage->rules, "a",
	       "{'root':{'id':'r','children':[{'id':'hit','when':\"order.goods in ['f','g']\"}]}}",
	       2);
	trib_rules_name_added(stage->rules, TRIB_SPACE_PARTY, trib_bytes_text("g"), 1);
	uint32_t code = world_add(&stage->world, TRIB_SPACE_GOODS, "g");

	trib_rules_name_added(stage->rules, TRIB_SPACE_GOODS, trib_bytes_text("g"), code);
	for (uint32_t version = 1; version <= 2; version++) {
		const struct trib_tree *tree = trib_rules_tree(stage->rules, 2, version);

		trib_tree_walk(tree, world_facts(&stage->world, "order.goods=g", &facts), &walk);
		assert_true(trib_bytes_is(walk.node->id, "hit"));
		assert_int_equal(trib_tree_waiting(tree), version - 1);
	}
}

static void hits_are_counted_per_node_and_version(void **state)
{
	struct trib_rules *rules = ((struct stage *)*state)->rules;
	struct trib_error error;
	struct trib_buffer json;
	uint64_t hits[2] = { 5, 6 };

	put_ok(rules, "a", "{'root':{'id':'r','children':[{'id':'c','when':'order.qty > 1'}]}}", 1);
	put_ok(rules, "a", "{'root':{'id':'r'}}", 2);
	assert_true(trib_rules_hit(rules, 2, 1, 1));
	assert_true(trib_rules_hit(rules, 2, 1, 1));
	assert_true(trib_rules_hit(rules, 2, 2, 0));
	assert_false(trib_rules_hit(rules, 2, 2, 1));
	assert_false(trib_rules_hit(rules, 2, 3, 0));
	assert_false(trib_rules_hit(rules, 3, 1, 0));
	assert_false(trib_rules_hit(rules, 0, 1, 0));
	assert_false(trib_rules_hit(rules, 2, 0, 0));
	trib_buffer_init(&json, 1 << 20);
	assert_ok(trib_rules_write_hits(rules, trib_bytes_text("a"), &json, &error), error);
	assert_string_equal(trib_buffer_text(&json),
			    "{\"name\":\"a\",\"versions\":[{\"version\":1,\"hits\":2,\"nodes\":[{"
			    "\"node\":\"r\",\"hits\":0,"
			    "\"errors\":0},{\"node\":\"c\",\"hits\":2,\"errors\":0}]},{\"version\":"
			    "2,\"hits\":1,\"nodes\":["
			    "{\"node\":\"r\",\"hits\":1,\"errors\":0}]}]}");
	assert_true(trib_rules_load_hits(rules, 2, 1, hits, 2));
	assert_false(trib_rules_load_hits(rules, 2, 1, hits, 1));
	assert_int_equal(trib_rules_hits(rules, 2, 1)[1], 6);
	assert_int_equal(trib_rules_write_hits(rules, trib_bytes_text("b"), &json, &error),
			 TRIB_NOT_FOUND);
	trib_buffer_fini(&json);
}

static void trees_are_written_as_they_can_be_put(void **state)
{
	struct trib_rules *rules = ((struct stage *)*state)->rules;
	struct trib_error error;
	struct trib_buffer json;
	uint32_t version;

	put_ok(rules, "a", "{'root':{'window':'1d','id':'r'}}", 1);
	put_ok(rules, "a", "{'scene':'s','root':{'id':'r'}}", 2);
	activate(rules, "a", 1, 10, 10);
	activate(rules, "a", 2, 100, 10);
	trib_buffer_init(&json, 1 << 20);
	assert_ok(trib_rules_write_json(rules, trib_bytes_text("a"), 0, 50, &json, &error), error);
	assert_string_equal(trib_buffer_text(&json),
			    "{\"name\":\"a\",\"number\":2,\"version\":2,\"active\":1,\"scheduled\":"
			    "[{\"version\":2,\"at\":100}],\"rollouts\":[],"
			    "\"scene\":\"s\",\"root\":{\"id\":\"r\"}}");
	assert_ok(put(rules, "a", trib_buffer_text(&json), &version, &error), error);
	assert_int_equal(version, 3);
	trib_buffer_reset(&json);
	assert_ok(trib_rules_write_json(rules, trib_bytes_text("a"), 1, 100, &json, &error), error);
	assert_string_equal(trib_buffer_text(&json),
			    "{\"name\":\"a\",\"number\":2,\"version\":1,\"active\":2,\"scheduled\":"
			    "[],\"rollouts\":[],\"scene\":\"a\",\"root\":{"
			    "\"id\":\"r\",\"window\":\"1d\"}}");
	assert_int_equal(trib_rules_write_json(rules, trib_bytes_text("a"), 9, 0, &json, &error),
			 TRIB_NOT_FOUND);
	assert_int_equal(trib_rules_write_json(rules, trib_bytes_text("b"), 0, 0, &json, &error),
			 TRIB_NOT_FOUND);
	trib_buffer_fini(&json);
}

/* As a checkpoint would: every version, then every activation, then the hits. */
static void load_from(struct trib_rules *from, struct trib_rules *to)
{
	struct trib_error error;
	uint32_t count;

	for (uint32_t tree = 1; tree <= trib_rules_count(from); tree++)
		for (uint32_t version = tree == 1 ? 2 : 1; version <= trib_rules_latest(from, tree);
		     version++)
			assert_ok(trib_rules_apply_put(
					  to, trib_rules_name(from, tree), version,
					  trib_tree_source(trib_rules_tree(from, tree, version)),
					  &error),
				  error);
	const struct trib_rules_activation *list = trib_rules_activations(from, &count);

	for (uint32_t i = 0; i < count; i++)
		assert_ok(trib_rules_apply_activate(to, trib_rules_name(from, list[i].tree),
						    list[i].version, list[i].from_ms, &error),
			  error);
	for (uint32_t tree = 1; tree <= trib_rules_count(from); tree++)
		for (uint32_t version = 1; version <= trib_rules_latest(from, tree); version++)
			assert_true(trib_rules_load_hits(
				to, tree, version, trib_rules_hits(from, tree, version),
				trib_tree_nodes(trib_rules_tree(from, tree, version))));
}

/* Random changes: the copy of each moment, and what is loaded from it, answer as the original does. */
static void copies_and_checkpoints_answer_alike(void **state)
{
	static const char *const names[] = { "a", "b", "default" };
	static const char *const scenes[] = { "default", "s", "t", "u" };
	struct stage *stage = *state;
	struct trib_rng rng;
	int64_t now_ms = 1000;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 60; round++) {
		const char *name = names[trib_rng_below(&rng, 3)];
		uint32_t number = trib_rules_number(stage->rules, trib_bytes_text(name));
		char json[128];

		now_ms += (int64_t)trib_rng_below(&rng, 3);
		if (!number || trib_rng_chance(&rng, 0.3)) {
			snprintf(json, sizeof(json), "{'scene':'%s','root':{'id':'r'}}",
				 scenes[trib_rng_below(&rng, 4)]);
			put_ok(stage->rules, name, json,
			       trib_rules_latest(stage->rules, number) + 1);
		} else {
			activate(stage->rules, name,
				 1 + (uint32_t)trib_rng_below(
					     &rng, trib_rules_latest(stage->rules, number)),
				 trib_rng_chance(&rng, 0.5)
					 ? 0
					 : now_ms + (int64_t)trib_rng_below(&rng, 20),
				 now_ms);
		}
		trib_rules_hit(stage->rules, 1, 1, 0);
		struct trib_rules *copy = trib_rules_copy(stage->rules);
		struct trib_rules *loaded = trib_rules_new(&world_key, &stage->world.spaces);

		load_from(stage->rules, loaded);
		for (int64_t at = now_ms; at < now_ms + 25; at += 6)
			for (int i = 0; i < 4; i++) {
				struct trib_bytes scene = trib_bytes_text(scenes[i]);
				const struct trib_tree *tree =
					trib_rules_find_text(stage->rules, scene, at);
				const struct trib_tree *other =
					trib_rules_find_text(loaded, scene, at);

				assert_true(trib_rules_find_text(copy, scene, at) == tree);
				assert_int_equal(trib_tree_number(tree), trib_tree_number(other));
				assert_int_equal(trib_tree_version(tree), trib_tree_version(other));
			}
		assert_true(trib_rules_hits(loaded, 1, 1)[0] == (uint64_t)round + 1);
		assert_null(trib_rules_hits(copy, 1, 1));
		trib_rules_free(loaded);
		trib_rules_free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(default_is_built_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(versions_are_added_and_activated, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(scenes_go_to_the_tree_activated_last, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(refused_puts_change_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_reach_every_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hits_are_counted_per_node_and_version, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(trees_are_written_as_they_can_be_put, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(copies_and_checkpoints_answer_alike, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
