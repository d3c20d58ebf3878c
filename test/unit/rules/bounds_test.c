/* Commissions that a tree states, against what categories bound. */
#include "unit/rules/world.h"

static const struct {
	const char *category;
	int32_t min_bps, max_bps;
} bounded[] = { { "beauty", 500, 3000 }, { "voucher", 100, 1000 }, { "gone", 1, 0 } };

static bool bounds_of(void *context, struct trib_bytes category, int32_t *ret_min_bps, int32_t *ret_max_bps)
{
	for (size_t i = 0; i < 2; i++)
		if (trib_bytes_is(category, bounded[i].category)) {
			*ret_min_bps = bounded[i].min_bps;
			*ret_max_bps = bounded[i].max_bps;
			return true;
		}
	return false;
}

static bool bounded_at(void *context, uint32_t number, struct trib_bytes *ret_category, int32_t *ret_min_bps,
		       int32_t *ret_max_bps)
{
	if (number > TRIB_ARRAY_SIZE(bounded))
		return false;
	*ret_category = trib_bytes_text(bounded[number - 1].category);
	*ret_min_bps = bounded[number - 1].min_bps;
	*ret_max_bps = bounded[number - 1].max_bps;
	return true;
}

#define COMMISSION(bps) "'shares': [{'name': 'commission', 'to': 'creator', 'from': 'merchant', 'bps': " bps "}]"

static void stated_commissions_are_held_to_bounds(void **state)
{
	static const struct {
		const char *title, *json, *at; /* NULL: accepted */
	} rows[] = {
		/* clang-format off */
		{ "anything may come here: every category's bounds hold",
		  "{'root': {'id': 'r', " COMMISSION("1500") "}}", "r.shares[0].bps" },
		{ "within all of them", "{'root': {'id': 'r', " COMMISSION("800") "}}", NULL },
		{ "a rate of terms is the plan's", "{'root': {'id': 'r', " COMMISSION("'terms.commission_bps'") "}}", NULL },
		{ "a node for one category", "{'root': {'id': 'r', 'children': [{'id': 'a', "
		  "\"when\": \"goods.category == 'beauty'\", " COMMISSION("3001") "}]}}", "a.shares[0].bps" },
		{ "within", "{'root': {'id': 'r', 'children': [{'id': 'a', "
		  "\"when\": \"goods.category == 'beauty'\", " COMMISSION("3000") "}]}}", NULL },
		{ "below", "{'root': {'id': 'r', 'children': [{'id': 'a', "
		  "\"when\": \"goods.category == 'beauty'\", " COMMISSION("499") "}]}}", "a.shares[0].bps" },
		{ "one of several", "{'root': {'id': 'r', 'children': [{'id': 'a', "
		  "\"when\": \"goods.category in ['shoes', 'voucher'] && order.qty > 1\", " COMMISSION("1200") "}]}}", "a.shares[0].bps" },
		{ "one without bounds", "{'root': {'id': 'r', 'children': [{'id': 'a', "
		  "\"when\": \"goods.category == 'shoes'\", " COMMISSION("9000") "}]}}", NULL },
		{ "inherited by a node for one category", "{'root': {'id': 'r', " COMMISSION("1500") ", 'children': [{'id': 'a', "
		  "\"when\": \"goods.category == 'voucher'\"}]}}", "a.shares[0].bps" },
		{ "what comes to the root is not certain then", "{'root': {'id': 'r', " COMMISSION("1500") ", 'children': [{'id': 'a', "
		  "\"when\": \"goods.category == 'beauty'\"}]}}", NULL },
		{ "a path may be any", "{'root': {'id': 'r', 'children': [{'id': 'a', "
		  "\"when\": \"'shoes' in goods.category_path\", " COMMISSION("9000") "}]}}", NULL },
		{ "other lines have no bounds",
		  "{'root': {'id': 'r', 'shares': [{'name': 'service', 'to': 'leader', 'from': 'merchant', 'bps': 9000}]}}", NULL },
		{ "rates of match levels", "{'root': {'id': 'r', 'match': 'any', 'match_rates': {'any': 5000}}}", "r.match_rates.any" },
		/* clang-format on */
	};
	struct world world;

	world_init(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char json[1024];
		struct trib_error error = { 0 };
		struct trib_tree *tree;
		struct trib_tree_options options = { .spaces = &world.spaces, .key = &world_key, .name = "t" };
		struct trib_bytes text = trib_bytes_text(world_json(rows[i].json, json));

		/* Nobody bounds anything: all of them are good. */
		world.spaces.bounds = NULL;
		assert_ok(trib_tree_new(&options, text, &tree, &error), error);
		trib_tree_unref(tree);
		world.spaces.bounds = bounds_of;
		world.spaces.bounded = bounded_at;
		trib_status status = trib_tree_new(&options, text, &tree, &error);

		if (status == TRIB_OK)
			trib_tree_unref(tree);
		if (status != (rows[i].at ? TRIB_INVALID : TRIB_OK) || (rows[i].at && strcmp(error.at, rows[i].at)))
			fail_msg("%s: %s: %s", rows[i].title, error.at, error.text);
		/* What was accepted once is read again whatever bounds say now. */
		options.trusted = true;
		assert_ok(trib_tree_new(&options, text, &tree, &error), error);
		trib_tree_unref(tree);
	}
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stated_commissions_are_held_to_bounds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
