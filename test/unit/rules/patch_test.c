/* One node changed, the rest as it was; nodes that are switched off or have their time. */
#include "world.h"

#include "rules/patch.h"

static const char tree[] = "{'root':{'children':[{'id':'a','priority':1,'when':'order.qty > 1'},{'children':[{'id':'b1','window':'2d'}],"
			   "'id':'b'},{'id':'c'}],'id':'r'},'scene':'s'}";

static const struct {
	const char *node, *patch;
	trib_status status;
	const char *result; /* or where it is refused */
} rows[] = {
	{ "a", "{'enabled':false}", TRIB_OK,
	  "{'root':{'children':[{'enabled':false,'id':'a','priority':1,'when':'order.qty > 1'},{'children':[{'id':'b1',"
	  "'window':'2d'}],'id':'b'},{'id':'c'}],'id':'r'},'scene':'s'}" },
	{ "a", "{'priority':null,'when':'true'}", TRIB_OK,
	  "{'root':{'children':[{'id':'a','when':'true'},{'children':[{'id':'b1','window':'2d'}],'id':'b'},{'id':'c'}],"
	  "'id':'r'},'scene':'s'}" },
	{ "c", "{'before':'a'}", TRIB_OK,
	  "{'root':{'children':[{'id':'c'},{'id':'a','priority':1,'when':'order.qty > 1'},{'children':[{'id':'b1',"
	  "'window':'2d'}],'id':'b'}],'id':'r'},'scene':'s'}" },
	{ "a", "{'after':'b'}", TRIB_OK,
	  "{'root':{'children':[{'children':[{'id':'b1','window':'2d'}],'id':'b'},{'id':'a','priority':1,'when':"
	  "'order.qty > 1'},{'id':'c'}],'id':'r'},'scene':'s'}" },
	{ "a", "{'after':'c','to':9}", TRIB_OK,
	  "{'root':{'children':[{'children':[{'id':'b1','window':'2d'}],'id':'b'},{'id':'c'},{'id':'a','priority':1,'to':9,"
	  "'when':'order.qty > 1'}],'id':'r'},'scene':'s'}" },
	{ "b1", "{'window':'3d'}", TRIB_OK,
	  "{'root':{'children':[{'id':'a','priority':1,'when':'order.qty > 1'},{'children':[{'id':'b1','window':'3d'}],"
	  "'id':'b'},{'id':'c'}],'id':'r'},'scene':'s'}" },
	{ "r", "{'model':'first'}", TRIB_OK,
	  "{'root':{'children':[{'id':'a','priority':1,'when':'order.qty > 1'},{'children':[{'id':'b1','window':'2d'}],"
	  "'id':'b'},{'id':'c'}],'id':'r','model':'first'},'scene':'s'}" },
	{ "x", "{'enabled':false}", TRIB_NOT_FOUND, "node" },
	{ "a", "{}", TRIB_INVALID, "" },
	{ "a", "[]", TRIB_INVALID, "" },
	{ "a", "{'id':'z'}", TRIB_INVALID, "id" },
	{ "b", "{'children':[]}", TRIB_INVALID, "children" },
	{ "a", "{'before':'b1'}", TRIB_INVALID, "before" },
	{ "a", "{'before':'a'}", TRIB_INVALID, "before" },
	{ "a", "{'before':3}", TRIB_INVALID, "before" },
	{ "r", "{'after':'a'}", TRIB_INVALID, "after" },
	{ "a", "{'before':'b','after':'c'}", TRIB_INVALID, "after" },
};

static void rows_are_patched(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char source[1024], patch[256], result[1024];
		struct trib_buffer out;
		struct trib_error error = { 0 };

		trib_buffer_init(&out, 1 << 20);
		trib_status status = trib_rules_patch(trib_bytes_text(world_json(tree, source)),
						      trib_bytes_text(rows[i].node),
						      trib_bytes_text(world_json(rows[i].patch, patch)), &out, &error);

		if (status != rows[i].status ||
		    strcmp(status == TRIB_OK ? trib_buffer_text(&out) : error.at,
			   status == TRIB_OK ? world_json(rows[i].result, result) : rows[i].result) != 0)
			fail_msg("%s of %s: %s at %s: %s\n%s", rows[i].patch, rows[i].node, trib_status_word(status),
				 error.at, error.text, trib_buffer_text(&out));
		trib_buffer_fini(&out);
	}
}

/* "root+ a- …": the walk, by facts. */
static void assert_node(struct world *world, const struct trib_tree *compiled, const char *text, const char *node)
{
	struct world_facts facts;
	struct trib_walk walk;

	trib_tree_walk(compiled, world_facts(world, text, &facts), &walk);
	if (!trib_bytes_is(walk.node->id, node))
		fail_msg("%s: found " TRIB_BYTES_FMT ", expected %s", text, TRIB_BYTES_ARG(walk.node->id), node);
}

static void nodes_have_their_time(void **state)
{
	struct world world;

	world_init(&world);
	struct trib_tree *compiled = world_tree_ok(
		&world, "{'root':{'id':'r','children':["
			"{'id':'off','enabled':false},"
			"{'id':'spring','when':\"order.page == 'p'\",'from':1000,'to':2000},"
			"{'id':'autumn','when':\"order.page == 'p'\",'from':5000},"
			"{'id':'rich','when':\"order.page.startsWith('q') || order.qty == 9\",'to':3000,"
			"'children':[{'id':'rich-off','enabled':false,'children':[{'id':'deep'}]}]}]}}");

	assert_true(trib_fact_in(&(trib_fact_set){ trib_tree_facts(compiled) }, TRIB_FACT_ORDER_CREATED_AT));
	assert_node(&world, compiled, "order.created_at=999 order.page=p", "r");
	assert_node(&world, compiled, "order.created_at=1000 order.page=p", "spring");
	assert_node(&world, compiled, "order.created_at=1999 order.page=p", "spring");
	assert_node(&world, compiled, "order.created_at=2000 order.page=p", "r");
	assert_node(&world, compiled, "order.created_at=5000 order.page=p", "autumn");
	assert_node(&world, compiled, "order.created_at=1500 order.page=x", "r");
	assert_node(&world, compiled, "order.created_at=2999 order.page=qq", "rich");
	assert_node(&world, compiled, "order.created_at=3000 order.page=qq", "r");
	assert_node(&world, compiled, "order.created_at=2999 order.qty=9", "rich");
	assert_node(&world, compiled, "order.created_at=3000 order.qty=9", "r");
	trib_tree_unref(compiled);
	compiled = world_tree_ok(&world, "{'root':{'id':'r','enabled':false}}");
	struct world_facts facts;
	struct trib_walk walk;

	trib_tree_walk(compiled, world_facts(&world, "", &facts), &walk);
	assert_int_equal(walk.outcome, TRIB_OUTCOME_NOT_DISTRIBUTED);
	trib_tree_unref(compiled);
	world_fini(&world);
}

static void times_are_checked(void **state)
{
	static const char *const wrong[] = { "'enabled':1", "'from':'x'", "'from':-1", "'to':0", "'from':5,'to':5" };
	struct world world;

	world_init(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(wrong); i++) {
		char text[128];
		struct trib_tree *none;
		struct trib_error error;

		snprintf(text, sizeof(text), "{'root':{'id':'r',%s}}", wrong[i]);
		assert_int_equal(world_tree(&world, text, false, &none, &error), TRIB_INVALID);
	}
	world_fini(&world);
}

/* A tree that was compiled without a dictionary and told of it later walks as one that knew it at once. */
static void prepared_trees_are_the_same(void **state)
{
	static const char source[] = "{\"root\":{\"id\":\"r\",\"children\":[{\"id\":\"a\",\"when\":\"goods.category == 'lips'\"},"
				     "{\"id\":\"b\",\"when\":\"order.page in ['p','q','r','s','t','u','v','w','x']\"},"
				     "{\"id\":\"c\",\"when\":\"goods.category == 'late'\"}]}}";
	struct world world;
	struct trib_tree *prepared;
	struct trib_error error;
	uint32_t version;

	world_init(&world);
	world_add(&world, TRIB_SPACE_SYMBOL, "lips");
	world_add(&world, TRIB_SPACE_SYMBOL, "x");
	struct trib_rules *rules = trib_rules_new(&world_key, &world.spaces);

	assert_ok(trib_rules_prepare(&world_key, trib_bytes_text("t"), trib_bytes_text(source), &prepared, &error), error);
	assert_ok(trib_rules_decide_prepared(rules, trib_bytes_text("t"), prepared, &version, &error), error);
	assert_int_equal(version, 1);
	trib_rules_offer(rules, prepared);
	assert_ok(trib_rules_apply_put(rules, trib_bytes_text("t"), 1, trib_tree_source(prepared), &error), error);
	trib_rules_offer(rules, NULL);
	assert_true(trib_rules_tree(rules, 2, 1) == prepared);
	assert_int_equal(trib_tree_number(prepared), 2);
	assert_node(&world, prepared, "goods.category=lips", "a");
	assert_node(&world, prepared, "order.page=x", "b");
	assert_node(&world, prepared, "order.page=w", "b");
	assert_node(&world, prepared, "goods.category=late", "c");
	trib_rules_name_added(rules, TRIB_SPACE_SYMBOL, trib_bytes_text("late"),
			      world_add(&world, TRIB_SPACE_SYMBOL, "late"));
	assert_node(&world, prepared, "goods.category=late", "c");
	trib_tree_unref(prepared);
	trib_rules_free(rules);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_patched),
		cmocka_unit_test(nodes_have_their_time),
		cmocka_unit_test(times_are_checked),
		cmocka_unit_test(prepared_trees_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
