/* One tree: what it inherits, where facts lead, what is refused and with which words. */
#include "world.h"

/* ---- Walking -------------------------------------------------------------------------------------------- */

#define NODE(id, when) "{'id':'" id "','when':\"" when "\"}"
#define TREE(...)      "{'root':{'id':'root','children':[" __VA_ARGS__ "]}}"

static const struct {
	const char *tree, *facts, *node, *path;
} walks[] = {
	/* clang-format off */
	{ "{'root':{'id':'only'}}", "order", "only", "only+" },
	{ "{'root':{'id':'r','when':'order.qty > 1'}}", "order.qty=2", "r", "r+" },
	{ "{'root':{'id':'r','when':'order.qty > 1'}}", "order.qty=1", "r", "r-" },
	/* The higher priority first, then as written; no child: the node itself. */
	{ "{'root':{'id':'r','children':[{'id':'a','when':'order.qty > 1'},{'id':'b','priority':1,'when':'order.qty > 2'},"
	  "{'id':'c','when':'order.base > 5'}]}}", "order.qty=3 order.base=9", "b", "r+ b+" },
	{ "{'root':{'id':'r','children':[{'id':'a','when':'order.qty > 1'},{'id':'b','priority':1,'when':'order.qty > 2'},"
	  "{'id':'c','when':'order.base > 5'}]}}", "order.qty=2 order.base=9", "a", "r+ b- a+" },
	{ "{'root':{'id':'r','children':[{'id':'a','when':'order.qty > 1'},{'id':'b','priority':1,'when':'order.qty > 2'},"
	  "{'id':'c','when':'order.base > 5'}]}}", "order.qty=1 order.base=1", "r", "r+ b- a- c-" },
	/* Within a child it goes on; there is no way back out of it. */
	{ "{'root':{'id':'r','children':[{'id':'a','when':'order.qty > 1','children':[{'id':'a1','when':'order.qty == 9'}]},"
	  "{'id':'b','when':'order.base > 5'}]}}", "order.qty=2 order.base=9", "a", "r+ a+ a1-" },
	/* A table of siblings, with more conditions behind, in order. */
	{ TREE(NODE("a", "goods.category in ['x','y'] && order.qty > 5") "," NODE("b", "goods.category == 'x'") ","
	       NODE("c", "goods.category == 'y' && order.qty > 2") "," NODE("d", "goods.category == 'z'")),
	  "order.qty=3 goods.category=y", "c", "root+ a- b- c+" },
	{ TREE(NODE("a", "goods.category in ['x','y'] && order.qty > 5") "," NODE("b", "goods.category == 'x'") ","
	       NODE("c", "goods.category == 'y' && order.qty > 2") "," NODE("d", "goods.category == 'z'")),
	  "order.qty=6 goods.category=y", "a", "root+ a+" },
	{ TREE(NODE("a", "goods.category in ['x','y'] && order.qty > 5") "," NODE("b", "goods.category == 'x'") ","
	       NODE("c", "goods.category == 'y' && order.qty > 2") "," NODE("d", "goods.category == 'z'")),
	  "order.qty=1 goods.category=y", "root", "root+ a- b- c- d-" },
	/* Steps of a number: the first that holds it. */
	{ TREE(NODE("a", "order.base > 1000") "," NODE("b", "order.base > 100") "," NODE("c", "order.base < 10") ","
	       NODE("d", "order.base == 50")), "order.base=50", "d", "root+ a- b- c- d+" },
	{ TREE(NODE("a", "order.base > 1000") "," NODE("b", "order.base > 100") "," NODE("c", "order.base < 10") ","
	       NODE("d", "order.base == 50")), "order.base=1000", "b", "root+ a- b+" },
	/* What is not stated reads as "", 0 or an empty list; a group that is not there is an error, which is no yes. */
	{ TREE(NODE("a", "order.page == ''")), "order", "a", "root+ a+" },
	{ TREE(NODE("a", "order.page != 'cart'")), "order", "a", "root+ a+" },
	{ TREE(NODE("a", "has(order.page)")), "order", "root", "root+ a-" },
	{ TREE(NODE("a", "has(order.page)")), "order.page=new", "a", "root+ a+" },
	{ TREE(NODE("a", "touch.kind != 'view'")), "order", "root", "root+ a-" },
	{ TREE(NODE("a", "!(touch.kind == 'view')")), "order", "root", "root+ a-" },
	{ TREE(NODE("a", "!has(touch) || touch.kind == 'click'")), "order", "a", "root+ a+" },
	{ TREE(NODE("a", "touch.kind == 'click' || order.qty > 0")), "order.qty=1", "a", "root+ a+" },
	{ TREE(NODE("a", "has(touch) ? touch.age < duration('1h') : order.qty == 1")), "order.qty=1", "a", "root+ a+" },
	{ TREE(NODE("a", "touch.age < duration('1h')")), "touch.age=3599999", "a", "root+ a+" },
	{ TREE(NODE("a", "touch.age < duration('1h')")), "touch.age=3600000", "root", "root+ a-" },
	{ TREE(NODE("a", "order.created_at >= timestamp('2026-11-11T00:00:00+08:00')")),
	  "order.created_at=1794326400000", "a", "root+ a+" },
	{ TREE(NODE("a", "order.created_at >= timestamp('2026-11-11T00:00:00+08:00')")),
	  "order.created_at=1794326399999", "root", "root+ a-" },
	/* Strings that nobody knows, ids, lists, maps, facts against facts. */
	{ TREE(NODE("a", "order.page == 'nobody knows me'")), "order.page=other", "root", "root+ a-" },
	{ TREE(NODE("a", "order.page == 'unheard'")), "order.page=unheard", "a", "root+ a+" },
	{ TREE(NODE("a", "order.goods in ['g1','g2']")), "order.goods=g2", "a", "root+ a+" },
	{ TREE(NODE("a", "terms.leader == 'l1' && terms.kind == 'activity'")), "terms.leader=l1 terms.kind=activity", "a", "root+ a+" },
	{ TREE(NODE("a", "'vip' in creator.tags")), "creator.tags=new|vip", "a", "root+ a+" },
	{ TREE(NODE("a", "!('vip' in creator.tags)")), "creator", "a", "root+ a+" },
	{ TREE(NODE("a", "creator.score >= 4.5")), "creator.score=4.5", "a", "root+ a+" },
	{ TREE(NODE("a", "creator.score > -0.5 && creator.score < 0.5")), "creator.score=-0.0", "a", "root+ a+" },
	{ TREE(NODE("a", "order.ext.bu == 'local'")), "order.ext=x:1|bu:local", "a", "root+ a+" },
	{ TREE(NODE("a", "order.ext.bu != 'local'")), "order.ext=x:1", "root", "root+ a-" },
	{ TREE(NODE("a", "has(order.ext.bu) && order.ext['bu'] in ['a','b']")), "order.ext=bu:b", "a", "root+ a+" },
	{ TREE(NODE("a", "order.carrier.owner == touch.carrier.owner")), "order.carrier.owner=p1 touch.carrier.owner=p1", "a", "root+ a+" },
	{ TREE(NODE("a", "order.carrier.owner != touch.carrier.owner")), "order.carrier.owner=p1 touch.carrier.owner=p2", "a", "root+ a+" },
	{ TREE(NODE("a", "order.carrier == 'live' && order.carrier.kind == 'live'")), "order.carrier=live", "a", "root+ a+" },
	/* What only the evaluator can do. */
	{ TREE(NODE("a", "goods.category.startsWith('beauty/') && order.base / order.qty > 100")),
	  "goods.category=beauty/lips order.base=900 order.qty=3", "a", "root+ a+" },
	{ TREE(NODE("a", "order.base / order.qty > 100")), "order.base=900 order.qty=0", "root", "root+ a-" },
	{ TREE(NODE("a", "order.created_at.getHours('Asia/Shanghai') == 20")), "order.created_at=1794312000000", "a", "root+ a+" },
	/* clang-format on */
};

static void path_text(const struct trib_tree *tree, struct trib_bytes path, char *ret_text)
{
	struct trib_path_cursor cursor;
	const struct trib_node *node;
	bool value;

	*ret_text = '\0';
	trib_path_begin(tree, path, &cursor);
	while (trib_path_next(&cursor, &node, &value))
		sprintf(ret_text + strlen(ret_text), "%s" TRIB_BYTES_FMT "%c", *ret_text ? " " : "",
			TRIB_BYTES_ARG(node->id), value ? '+' : '-');
}

static void facts_lead_to_nodes(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(walks); i++) {
		struct world world;
		struct world_facts facts;
		struct trib_walk walk;
		char path[512];

		world_init(&world);
		world_add(&world, TRIB_SPACE_GOODS, "g2");
		world_add(&world, TRIB_SPACE_SYMBOL, "y");
		world_add(&world, TRIB_SPACE_SYMBOL, "vip");
		struct trib_tree *tree = world_tree_ok(&world, walks[i].tree);

		trib_tree_walk(tree, world_facts(&world, walks[i].facts, &facts), &walk);
		path_text(tree, walk.path, path);
		if (!trib_bytes_is(walk.node->id, walks[i].node) ||
		    strcmp(path, walks[i].path) != 0)
			fail_msg("row %zu: found " TRIB_BYTES_FMT
				 " by \"%s\", expected %s by \"%s\"\n%s with %s",
				 i, TRIB_BYTES_ARG(walk.node->id), path, walks[i].node,
				 walks[i].path, walks[i].tree, walks[i].facts);
		trib_tree_unref(tree);
		world_fini(&world);
	}
}

/* ---- What a node is --------------------------------------------------------------------------------------- */

static void children_inherit_what_they_do_not_say(void **state)
{
	struct world world;

	world_init(&world);
	world_add(&world, TRIB_SPACE_PARTY, "fund");
	struct trib_tree *tree = world_tree_ok(
		&world, "{'scene':'live','root':{'id':'r','model':'linear','window':'12h','match':'"
			"shop','lock':'link',"
			"'half_life':'2d','priority':5,'outcome':'own_shop','reason':'ours',"
			"'shares':[{'name':'commission','to':'creator','from':'merchant','bps':'"
			"terms.commission_bps'},"
			"{'name':'charity','to':'fund','from':'creator','of':'commission','take':'"
			"rest','bps':100,'cap':50,"
			"'round':'half_even'}],"
			"'children':[{'id':'a','when':'order.qty > "
			"1','model':'decay','held':true,'children':[{'id':'a1','when':'order.qty > "
			"2','shares':[]}]},"
			"{'id':'b','when':'order.base > "
			"1','outcome':'attributed','base':'order.base','window':'30d'}]}}");
	const struct trib_node *r = trib_tree_node(tree, 0), *a = trib_tree_node(tree, 1),
			       *a1 = trib_tree_node(tree, 2), *b = trib_tree_node(tree, 3);

	assert_true(trib_bytes_is(trib_tree_scene(tree), "live"));
	assert_int_equal(trib_tree_nodes(tree), 4);
	assert_int_equal(r->priority, 5);
	assert_int_equal(a->priority, 0);
	assert_int_equal(a->model, TRIB_MODEL_DECAY);
	assert_int_equal(a1->model, TRIB_MODEL_DECAY);
	assert_int_equal(b->model, TRIB_MODEL_LINEAR);
	assert_int_equal(a1->window_ms, 12 * 3600 * 1000);
	assert_int_equal(b->window_ms, INT64_C(30) * 86400000);
	assert_int_equal(a1->half_life_ms, 2 * 86400000);
	assert_int_equal(a1->match, TRIB_MATCH_SHOP);
	assert_int_equal(a1->lock, TRIB_LOCK_LINK);
	assert_int_equal(a1->outcome, TRIB_OUTCOME_OWN_SHOP);
	assert_true(trib_bytes_is(r->reason, "ours") && trib_bytes_is(a1->reason, ""));
	assert_int_equal(b->outcome, TRIB_OUTCOME_ATTRIBUTED);
	assert_true(trib_bytes_is(b->reason, ""));
	assert_true(!r->held && a->held && a1->held && !b->held);
	assert_int_equal(a->n_shares, 2);
	assert_int_equal(a1->n_shares, 0);
	assert_int_equal(a1->parent, 1);
	assert_int_equal(a1->depth, 2);
	assert_null(a->priority_by);
	trib_tree_unref(tree);
	world_fini(&world);
}

static void shares_are_compiled(void **state)
{
	struct world world;
	uint32_t parties[TRIB_SLOTS] = { 0 };

	world_init(&world);
	uint32_t commission = world_add(&world, TRIB_SPACE_SYMBOL, "commission");
	uint32_t fund = world_add(&world, TRIB_SPACE_PARTY, "fund");
	struct trib_tree *tree =
		world_tree_ok(&world, "{'root':{'id':'r','shares':["
				      "{'name':'commission','to':'creator','from':'merchant','bps':"
				      "'terms.commission_bps'},"
				      "{'name':'charity','to':'fund','from':'creator','of':'"
				      "commission','take':'rest','bps':100,'cap':50,"
				      "'round':'half_even'},{'name':'back','to':'merchant','from':'"
				      "fund','of':'charity','bps':10000}]}}");
	const struct trib_node *node = trib_tree_node(tree, 0);

	assert_int_equal(node->n_shares, 3);
	assert_int_equal(node->shares[0].name, commission);
	assert_int_equal(node->shares[0].kind, TRIB_LINE_COMMISSION);
	assert_int_equal(node->shares[0].to, TRIB_SLOT_CREATOR);
	assert_int_equal(node->shares[0].from, TRIB_SLOT_MERCHANT);
	assert_int_equal(node->shares[0].of, TRIB_OF_BASE);
	assert_int_equal(node->shares[0].rate, TRIB_RATE_COMMISSION);
	assert_true(node->shares[0].cap == TRIB_CAP_NONE);
	assert_int_equal(node->shares[1].name, 0);
	assert_int_equal(node->shares[1].kind, TRIB_LINE_OTHER);
	assert_int_equal(node->shares[1].to, TRIB_SLOT_NAMED);
	assert_int_equal(node->shares[1].of, 0);
	assert_int_equal(node->shares[1].take, TRIB_TAKE_REST);
	assert_int_equal(node->shares[1].round, TRIB_ROUND_HALF_EVEN);
	assert_int_equal(node->shares[1].bps, 100);
	assert_int_equal(node->shares[1].cap, 50);
	assert_int_equal(node->shares[2].from, TRIB_SLOT_NAMED);
	assert_true(trib_bytes_is(node->share_names[1], "charity"));
	trib_node_fill_parties(node, parties);
	assert_int_equal(parties[TRIB_SLOT_NAMED], fund);
	/* The dictionary learns the name later. */
	trib_tree_name_added(tree, TRIB_SPACE_SYMBOL, trib_bytes_text("charity"), 77);
	assert_int_equal(node->shares[1].name, 77);
	/* scene, then names, each once */
	assert_int_equal(trib_tree_symbols(tree), 4);
	assert_true(trib_bytes_is(trib_tree_symbol(tree, 0), "t"));
	assert_true(trib_bytes_is(trib_tree_symbol(tree, 3), "back"));
	trib_tree_unref(tree);
	world_fini(&world);
}

/* Constants of all sorts of instructions that wait for their codes. */
static void late_names_match(void **state)
{
	struct world world;
	struct world_facts facts;
	struct trib_walk walk;

	world_init(&world);
	struct trib_tree *tree = world_tree_ok(
		&world,
		TREE(NODE("one", "order.goods == 'g1'") "," NODE("gap1", "order.qty == 100") "," NODE("list", "order.goods in ['g2','g3']") "," NODE("gap2", "order.qty == 101") "," NODE(
			"long",
			"order.goods in "
			"['h0','h1','h2','h3','h4','h5','h6','h7','h8'"
			"]") "," NODE("gap3",
				      "order.qty == 102") "," NODE("t"
								   "1",
								   "te"
								   "rm"
								   "s."
								   "le"
								   "ad"
								   "er"
								   " ="
								   "= "
								   "'l"
								   "1"
								   "'") "," NODE("t2",
										 "terms.leader == "
										 "'l2'") "," NODE("t3",
												  "terms.leader == 'l3'") "," NODE("tag",
																   "'vip' in creator.tags")));
	static const struct {
		enum trib_space space;
		const char *text, *facts, *node;
	} rows[] = {
		{ TRIB_SPACE_GOODS, "g1", "order.goods=g1", "one" },
		{ TRIB_SPACE_GOODS, "g3", "order.goods=g3", "list" },
		{ TRIB_SPACE_GOODS, "h8", "order.goods=h8", "long" },
		{ TRIB_SPACE_PARTY, "l2", "order.goods=x terms.leader=l2", "t2" },
		{ TRIB_SPACE_SYMBOL, "vip", "order.goods=x creator.tags=vip", "tag" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		/* Before, by the text; tags only ever come by their codes. */
		trib_tree_walk(tree, world_facts(&world, rows[i].facts, &facts), &walk);
		if (rows[i].space != TRIB_SPACE_SYMBOL)
			assert_true(trib_bytes_is(walk.node->id, rows[i].node));
		uint32_t waiting = trib_tree_waiting(tree),
			 code = world_add(&world, rows[i].space, rows[i].text);

		/* The other way of telling, once. */
		if (i == 1)
			trib_tree_resolve(tree, &world.spaces);
		else
			trib_tree_name_added(tree, rows[i].space, trib_bytes_text(rows[i].text),
					     code);
		assert_int_equal(trib_tree_waiting(tree), waiting - 1);
		trib_tree_walk(tree, world_facts(&world, rows[i].facts, &facts), &walk);
		if (!trib_bytes_is(walk.node->id, rows[i].node))
			fail_msg("row %zu: found " TRIB_BYTES_FMT, i,
				 TRIB_BYTES_ARG(walk.node->id));
	}
	/* The same text in another space is another name. */
	trib_tree_name_added(tree, TRIB_SPACE_PLAN, trib_bytes_text("l1"), 1);
	trib_tree_walk(tree, world_facts(&world, "order.goods=x terms.plan=l1", &facts), &walk);
	assert_true(trib_bytes_is(walk.node->id, "root"));
	trib_tree_unref(tree);
	world_fini(&world);
}

static void errors_are_counted_and_are_no_yes(void **state)
{
	struct world world;
	struct world_facts facts;
	struct trib_walk walk;

	world_init(&world);
	struct trib_tree *tree = world_tree_ok(
		&world,
		TREE(NODE("a", "touch.age < duration('1h')") "," NODE(
			"b", "order.base / order.qty > 1") "," NODE("c", "order.ext.x == '1'")));

	trib_tree_walk(tree, world_facts(&world, "order.qty=0", &facts), &walk);
	assert_int_equal(walk.outcome, TRIB_OUTCOME_ATTRIBUTED);
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(trib_tree_errors(tree, i), 1);
	assert_int_equal(trib_tree_errors(tree, 0), 0);
	trib_tree_walk(tree,
		       world_facts(&world, "order.qty=1 touch.age=3600000 order.ext=x:2", &facts),
		       &walk);
	for (uint32_t i = 1; i < 4; i++)
		assert_int_equal(trib_tree_errors(tree, i), 1);
	trib_tree_unref(tree);
	world_fini(&world);
}

static void priority_by_is_asked_per_touch(void **state)
{
	struct world world;
	struct world_facts facts;

	world_init(&world);
	struct trib_tree *tree = world_tree_ok(
		&world, "{'root':{'id':'r','model':'priority','priority_by':\"touch.channel == "
			"'live' ? 10 : "
			"touch.count\",'children':[{'id':'a','when':'order.qty > 1'}]}}");
	const struct trib_node *node = trib_tree_node(tree, 1);

	assert_non_null(node->priority_by);
	assert_true(node->priority_facts == (TRIB_FACT_BIT(TRIB_FACT_TOUCH_CHANNEL) |
					     TRIB_FACT_BIT(TRIB_FACT_TOUCH_COUNT)));
	assert_true(trib_node_priority(node, world_facts(&world, "touch.channel=live", &facts)) ==
		    10);
	assert_true(trib_node_priority(node, world_facts(&world, "touch.channel=card touch.count=3",
							 &facts)) == 3);
	assert_true(trib_node_priority(node, world_facts(&world, "order", &facts)) == INT64_MIN);
	trib_tree_unref(tree);
	world_fini(&world);
}

static void paths_are_read_carefully(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *path;
	} rows[] = {
		{ "", 0, "r-" },
		{ "\x00", 1, "r-" },
		{ "\x01", 1, "r+ a- b-" },
		{ "\x01\x05", 2, "r+ a- b+" },
		{ "\x01\x80", 2, "r+ a- b-" },
		{ "\x01\x7f", 2, "r+ a- b-" },
		{ "\x05", 1, "r-" },
		{ "\xff\xff\xff\xff\xff", 5, "r-" },
		{ "\x01\x03\x05", 3, "r+ a+" },
		{ "\x01\x01\x01", 3, "r+ a- b-" },
	};
	struct world world;

	world_init(&world);
	struct trib_tree *tree =
		world_tree_ok(&world, "{'root':{'id':'r','children':[{'id':'a','when':'order.qty > "
				      "1'},{'id':'b','when':'order.base > 1'}]}}");

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char path[256];

		path_text(tree, trib_bytes(rows[i].bytes, rows[i].size), path);
		if (strcmp(path, rows[i].path) != 0)
			fail_msg("row %zu: found %s, expected %s", i, path, rows[i].path);
	}
	trib_tree_unref(tree);
	world_fini(&world);
}

/* ---- Refusals ---------------------------------------------------------------------------------------------- */

#define ROOT(fields)  "{'root':{'id':'r'," fields "}}"
#define SHARES(list)  ROOT("'shares':[" list "]")
#define SHARE(fields) "{'name':'x','to':'creator','from':'merchant','bps':100" fields "}"

/* What is refused, where, and a part of the reason. */
static const struct {
	const char *json;
	trib_status status;
	const char *at, *text;
} refusals[] = {
	/* clang-format off */
	{ "", TRIB_SYNTAX, "body:", "no JSON" },
	{ "{'root':", TRIB_SYNTAX, "body:1:", "no JSON" },
	{ "[]", TRIB_INVALID, "body", "expected an object" },
	{ "{'root':{'id':'r'},'root':{'id':'s'}}", TRIB_SYNTAX, "body:1:", "a second \"root\"" },
	{ "{}", TRIB_INVALID, "root", "expected a node" },
	{ "{'root':7}", TRIB_INVALID, "root", "found 7" },
	{ "{'root':{}}", TRIB_INVALID, "root.id", "found nothing" },
	{ "{'root':{'id':'a b'}}", TRIB_INVALID, "root.id", "found \"a b\"" },
	{ "{'root':{'id':'r'},'sceen':'x'}", TRIB_INVALID, "body", "unknown field \"sceen\", expected scene, root" },
	{ "{'root':{'id':'r'},'scene':'a/b'}", TRIB_INVALID, "scene", "expected a name" },
	{ ROOT("'wen':'true'"), TRIB_INVALID, "r", "unknown field \"wen\"" },
	{ ROOT("'children':{}"), TRIB_INVALID, "r.children", "an array" },
	{ ROOT("'children':[{'when':'true'}]"), TRIB_INVALID, "r.children[0].id", "found nothing" },
	{ ROOT("'children':[{'id':'a','when':'order.qty>1'},{'id':'a'}]"), TRIB_INVALID, "r.children[1].id", "no other node" },
	{ ROOT("'priority':1.5"), TRIB_INVALID, "r.priority", "found 1.5, expected a whole number" },
	{ ROOT("'priority':99999999999999999999"), TRIB_INVALID, "r.priority", "found 99999999999999999999" },
	{ ROOT("'window':'30'"), TRIB_INVALID, "r.window", "found \"30\"" },
	{ ROOT("'window':30"), TRIB_INVALID, "r.window", "found 30" },
	{ ROOT("'window':'0s'"), TRIB_INVALID, "r.window", "above 0" },
	{ ROOT("'window':'-1d'"), TRIB_INVALID, "r.window", "found \"-1d\"" },
	{ ROOT("'window':'367d'"), TRIB_INVALID, "r.window", "up to 366d" },
	{ ROOT("'half_life':'x'"), TRIB_INVALID, "r.half_life", "" },
	{ ROOT("'model':'newest'"), TRIB_INVALID, "r.model", "one of last, first" },
	{ ROOT("'match':'item'"), TRIB_INVALID, "r.match", "one of goods, shop, any" },
	{ ROOT("'lock':'never'"), TRIB_INVALID, "r.lock", "one of link, touch, order, pay, deposit" },
	{ ROOT("'lock':'paid'"), TRIB_INVALID, "r.lock", "one of link, touch, order, pay, deposit" },
	{ ROOT("'base':'paid - freight'"), TRIB_INVALID, "r.base", "" },
	{ ROOT("'base':'order.paid - touch.count'"), TRIB_INVALID, "r.base", "a formula over order.*" },
	{ ROOT("'base':'order.paid > 3'"), TRIB_INVALID, "r.base", "int" },
	{ ROOT("'held':'yes'"), TRIB_INVALID, "r.held", "true or false" },
	{ ROOT("'outcome':'lost'"), TRIB_INVALID, "r.outcome", "found \"lost\"" },
	{ ROOT("'outcome':'bad_token'"), TRIB_INVALID, "r.outcome", "found \"bad_token\"" },
	{ ROOT("'reason':''"), TRIB_INVALID, "r.reason", "not empty" },
	/* CEL */
	{ ROOT("'when':7"), TRIB_INVALID, "r.when", "found 7" },
	{ ROOT("'when':''"), TRIB_INVALID, "r.when", "found \"\"" },
	{ ROOT("'when':'\\u0000'"), TRIB_INVALID, "r.when", "found \"\\u0000\"" },
	{ ROOT("'when':'order.qty >'"), TRIB_SYNTAX, "r.when:1:", "" },
	{ ROOT("'when':\"order.qty > 'a'\""), TRIB_INVALID, "r.when:1:11", "" },
	{ ROOT("'when':'order.qty'"), TRIB_INVALID, "r.when", "of type int, expected bool" },
	{ ROOT("'when':'dyn(order.qty > 1)'"), TRIB_INVALID, "r.when", "of type dyn, expected bool" },
	{ ROOT("'when':'order.colour == 1'"), TRIB_INVALID, "r.when", "unknown fact order.colour, expected one of order.base, order.qty" },
	{ ROOT("'when':\"'order.x' == goods.colour\""), TRIB_INVALID, "r.when", "unknown fact goods.colour, expected one of goods.category" },
	{ ROOT("'when':'buyer.age > 3'"), TRIB_INVALID, "r.when:1:1", "buyer" },
	{ ROOT("'when':\"goods.category.matches('(')\""), TRIB_INVALID, "r.when", "" },
	{ ROOT("'priority_by':'true'"), TRIB_INVALID, "r.priority_by", "of type bool, expected int" },
	{ ROOT("'priority_by':'touch.rank'"), TRIB_INVALID, "r.priority_by", "unknown fact touch.rank" },
	/* Shares */
	{ ROOT("'shares':{}"), TRIB_INVALID, "r.shares", "an array" },
	{ SHARES("7"), TRIB_INVALID, "r.shares[0]", "an object" },
	{ SHARES(SHARE(",'rate':1")), TRIB_INVALID, "r.shares[0]", "unknown field \"rate\"" },
	{ SHARES("{'to':'creator','from':'merchant','bps':1}"), TRIB_INVALID, "r.shares[0].name", "found nothing" },
	{ SHARES("{'name':'base','to':'creator','from':'merchant','bps':1}"), TRIB_INVALID, "r.shares[0].name", "other than base" },
	{ SHARES(SHARE("") "," SHARE("")), TRIB_INVALID, "r.shares[1].name", "no earlier share" },
	{ SHARES("{'name':'x','from':'merchant','bps':1}"), TRIB_INVALID, "r.shares[0].to", "found nothing" },
	{ SHARES("{'name':'x','to':'creater','from':'merchant','bps':1}"), TRIB_INVALID, "r.shares[0].to", "known party" },
	{ SHARES("{'name':'x','to':'creator','from':'nobody','bps':1}"), TRIB_INVALID, "r.shares[0].from", "known party" },
	{ SHARES("{'name':'x','to':'service_provider','from':'merchant','bps':1}"), TRIB_UNSUPPORTED, "r.shares[0].to", "service_provider" },
	{ SHARES("{'name':'x','to':'merchant','from':'merchant','bps':1}"), TRIB_INVALID, "r.shares[0].to", "" },
	{ SHARES("{'name':'x','to':'creator','from':'leader','bps':1}"), TRIB_INVALID, "r.shares[0].from", "no earlier share pays" },
	{ SHARES("{'name':'x','to':'creator','from':'merchant'}"), TRIB_INVALID, "r.shares[0].bps", "found nothing" },
	{ SHARES("{'name':'x','to':'creator','from':'merchant','bps':10001}"), TRIB_INVALID, "r.shares[0].bps", "0 to 10000" },
	{ SHARES("{'name':'x','to':'creator','from':'merchant','bps':'terms.tax_bps'}"), TRIB_INVALID, "r.shares[0].bps", "terms.commission_bps" },
	{ SHARES("{'name':'x','to':'creator','from':'merchant','bps':6000},{'name':'y','to':'leader','from':'merchant','bps':4001}"),
	  TRIB_INVALID, "r.shares[1].bps", "more than the whole part" },
	{ SHARES("{'name':'x','to':'creator','from':'merchant','bps':1,'of':'y'},{'name':'y','to':'leader','from':'merchant','bps':1}"),
	  TRIB_INVALID, "r.shares[0].of", "earlier share" },
	{ SHARES(SHARE(",'of':'tax'")), TRIB_INVALID, "r.shares[0].of", "found \"tax\"" },
	{ SHARES(SHARE(",'take':'net'")), TRIB_INVALID, "r.shares[0].take", "gross or rest" },
	{ SHARES(SHARE(",'round':'up'")), TRIB_INVALID, "r.shares[0].round", "floor or half_even" },
	{ SHARES(SHARE(",'cap':-1")), TRIB_INVALID, "r.shares[0].cap", "minor units" },
	/* Unreachable */
	{ ROOT("'when':'false'"), TRIB_REFUSED, "r.when", "unreachable: its condition is never true" },
	{ ROOT("'when':'1 > 2'"), TRIB_REFUSED, "r.when", "never true" },
	{ ROOT("'when':'order.qty > 3 && order.qty < 2'"), TRIB_REFUSED, "r.when", "never true" },
	{ ROOT("'when':\"goods.category == 'a' && goods.category == 'b'\""), TRIB_REFUSED, "r.when", "never true" },
	{ ROOT("'when':\"touch.kind == 'clik'\""), TRIB_REFUSED, "r.when", "never true" },
	{ ROOT("'when':'order.qty > 5','children':[{'id':'a','when':'order.qty < 3'}]"), TRIB_REFUSED, "a.when", "never true here" },
	{ ROOT("'when':'has(touch)','children':[{'id':'a','when':'!has(touch)'}]"), TRIB_REFUSED, "a.when", "never true here" },
	{ TREE("{'id':'a'}" "," "{'id':'b','when':'order.qty > 1'}"), TRIB_REFUSED, "b.when", "taken before by a" },
	{ TREE("{'id':'a','when':'order.qty > 1'}" "," "{'id':'b','priority':1,'when':'true'}"), TRIB_REFUSED, "a.when", "taken before by b" },
	{ TREE("{'id':'a'}" "," "{'id':'b'}"), TRIB_REFUSED, "b", "taken before by a" },
	{ TREE(NODE("a", "order.qty > 1") "," NODE("b", "1 < order.qty")), TRIB_REFUSED, "b.when", "a" },
	{ TREE(NODE("a", "goods.category.startsWith('x')") "," NODE("b", "goods.category.startsWith('x')")), TRIB_REFUSED, "b.when", "a" },
	{ TREE(NODE("a", "order.qty > 1") "," NODE("b", "order.qty > 2 && has(touch)")), TRIB_REFUSED, "b.when", "so is that of, tried before, a" },
	{ TREE(NODE("a", "order.qty > 5") "," NODE("b", "order.qty <= 5") "," NODE("c", "has(touch)")), TRIB_REFUSED, "c.when", "taken before by b" },
	{ TREE(NODE("a", "goods.category in ['x','y']") "," NODE("b", "goods.category == 'z'") "," NODE("c", "goods.category in ['y','z']")),
	  TRIB_REFUSED, "c.when", "siblings" },
	/* clang-format on */
};

static void bad_trees_are_refused_by_place(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(refusals); i++) {
		struct world world;
		struct trib_error error = { 0 };
		struct trib_tree *tree = NULL;

		world_init(&world);
		trib_status status = world_tree(&world, refusals[i].json, false, &tree, &error);

		if (status != refusals[i].status ||
		    strncmp(error.at, refusals[i].at, strlen(refusals[i].at)) != 0 ||
		    !strstr(error.text, refusals[i].text))
			fail_msg("row %zu: found %s at %s: %s\nexpected %s at %s: %s\n%s", i,
				 trib_status_word(status), error.at, error.text,
				 trib_status_word(refusals[i].status), refusals[i].at,
				 refusals[i].text, refusals[i].json);
		assert_null(tree);
		world_fini(&world);
	}
}

/* Not unreachable, though it looks a little like it. */
static void cautious_trees_are_accepted(void **state)
{
	static const char *const trees[] = {
		TREE(NODE("a", "touch.age < duration('1h')") "," NODE(
			"b", "touch.age >= duration('1h')") ","
							    "{\'id\':'none'}"),
		TREE(NODE("a", "has(touch)") "," NODE("b", "order.qty > 1") ","
									    "{\'id\':'c'}"),
		TREE(NODE("a", "order.qty > 2 && has(touch)") "," NODE("b", "order.qty > 2")),
		TREE(NODE("a", "goods.category == 'x' && order.qty > 1") "," NODE(
			"b", "goods.category == 'x'")),
		TREE(NODE("a", "creator.score < 1.0") "," NODE(
			"b", "creator.score >= 1.0") "," NODE("c", "!(creator.score < 1.0)")),
		TREE(NODE("a", "goods.brand != 'x'") "," NODE("b", "goods.brand == 'x'")),
		TREE("{'id':'a','priority':-1}"
		     "," NODE("b", "order.qty > 1")),
		"{'scene':null,'root':{'id':'r','when':null,'priority':'-7','shares':[{'name':'x','"
		"to':'creator',"
		"'from':'merchant','bps':1e2,'cap':'9','of':null}]}}",
		"{'scene':'s','name':'t','version':3,'active':1,'scheduled':[],'number':1,'root':{'"
		"id':'r'}}",
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(trees); i++) {
		struct world world;

		world_init(&world);
		trib_tree_unref(world_tree_ok(&world, trees[i]));
		world_fini(&world);
	}
}

static void add_deep(struct trib_buffer *json, int depth)
{
	trib_buffer_add_text(json, "{\"root\":");
	for (int i = 0; i < depth; i++)
		trib_buffer_add_format(json, "{\"id\":\"n%d\",\"when\":\"order.base > %d\"%s", i, i,
				       i + 1 < depth ? ",\"children\":[" : "");
	for (int i = 0; i < depth; i++)
		trib_buffer_add_text(json, i + 1 < depth ? "}]" : "}");
	trib_buffer_add_text(json, "}");
}

static void limits_hold(void **state)
{
	struct world world;
	struct trib_error error;
	struct trib_tree *tree;
	struct trib_buffer json;

	world_init(&world);
	trib_buffer_init(&json, 64 << 20);
	add_deep(&json, TRIB_LIMIT_RULE_DEPTH);
	assert_ok(world_tree(&world, trib_buffer_text(&json), false, &tree, &error), error);
	trib_tree_unref(tree);
	trib_buffer_reset(&json);
	add_deep(&json, TRIB_LIMIT_RULE_DEPTH + 1);
	assert_int_equal(world_tree(&world, trib_buffer_text(&json), false, &tree, &error),
			 TRIB_LIMIT);
	trib_buffer_reset(&json);
	add_deep(&json, 100000);
	assert_int_equal(world_tree(&world, trib_buffer_text(&json), false, &tree, &error),
			 TRIB_TOO_LARGE);
	trib_buffer_reset(&json);
	for (int i = 0; i < 100000; i++)
		trib_buffer_add_char(&json, '[');
	assert_int_equal(world_tree(&world, trib_buffer_text(&json), false, &tree, &error),
			 TRIB_LIMIT);

	/* As many nodes as there may be, side by side, each for one string; then one more. */
	for (int more = 0; more < 2; more++) {
		trib_buffer_reset(&json);
		trib_buffer_add_text(&json, "{\"root\":{\"id\":\"r\",\"children\":[");
		for (int i = 1; i < TRIB_LIMIT_RULE_NODES + more; i++)
			trib_buffer_add_format(&json,
					       "%s{\"id\":\"%d\",\"when\":\"order.goods=='g%d'\"}",
					       i > 1 ? "," : "", i, i);
		trib_buffer_add_text(&json, "]}}");
		struct trib_tree_options options = { .spaces = &world.spaces,
						     .key = &world_key,
						     .name = "t" };
		trib_status status =
			trib_tree_new(&options, trib_buffer_bytes(&json), &tree, &error);

		assert_int_equal(status, more ? TRIB_LIMIT : TRIB_OK);
		if (status == TRIB_OK)
			trib_tree_unref(tree);
	}
	trib_buffer_fini(&json);
	world_fini(&world);
}

/* What is written back is read as the same tree, and is written the same. */
static void sources_are_canonical(void **state)
{
	struct world world;

	world_init(&world);
	struct trib_tree *tree =
		world_tree_ok(&world, "{ 'root' : {'when':\"order.page == 'é'\", 'id':'r', "
				      "'window':'30d'}, 'version': 4, 'scene':'s'}");
	TRIB_AUTOFREE char *source = trib_alloc(trib_tree_source(tree).size + 1);

	memcpy(source, trib_tree_source(tree).data, trib_tree_source(tree).size);
	source[trib_tree_source(tree).size] = '\0';
	assert_string_equal(source, "{\"root\":{\"id\":\"r\",\"when\":\"order.page == "
				    "'é'\",\"window\":\"30d\"},\"scene\":\"s\"}");
	struct trib_tree_options options = { .key = &world_key, .name = "t" };
	struct trib_tree *again;
	struct trib_error error;

	assert_ok(trib_tree_new(&options, trib_tree_source(tree), &again, &error), error);
	assert_true(trib_bytes_equal(trib_tree_source(tree), trib_tree_source(again)));
	trib_tree_unref(again);
	trib_tree_unref(tree);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_lead_to_nodes),
		cmocka_unit_test(children_inherit_what_they_do_not_say),
		cmocka_unit_test(shares_are_compiled),
		cmocka_unit_test(late_names_match),
		cmocka_unit_test(errors_are_counted_and_are_no_yes),
		cmocka_unit_test(priority_by_is_asked_per_touch),
		cmocka_unit_test(paths_are_read_carefully),
		cmocka_unit_test(bad_trees_are_refused_by_place),
		cmocka_unit_test(cautious_trees_are_accepted),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(sources_are_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
