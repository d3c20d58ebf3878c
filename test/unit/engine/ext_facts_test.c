/* What plays add to plans and goods, asked for by rules: plan.ext, goods.ext. */
#include "unit/engine/world.h"

static void market(void)
{
	world_market();
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1999,\"ext\":{\"season\":\"summer\",\"tags\":[\"a\",\"b\"]}}");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1000},"
				  "\"ext\":{\"slot_fee\":500,\"rush\":true,\"ratio\":0.5,\"room\":{\"floor\":2}}}");
}

static const struct {
	const char *when;
	bool holds;
} rows[] = {
	{ "plan.ext.slot_fee == 500", true },
	{ "plan.ext.slot_fee > 500", false },
	{ "plan.ext['slot_fee'] >= 500 && order.base > 0", true },
	{ "plan.ext.rush == true", true },
	{ "plan.ext.ratio < 0.6", true },
	{ "plan.ext.room.floor == 2", true },
	{ "has(plan.ext.slot_fee)", true },
	{ "has(plan.ext.slot)", false },
	{ "plan.ext.slot == 1", false }, /* an error is false */
	{ "!has(plan.ext.slot) || plan.ext.slot == 1", true },
	{ "plan.ext.slot_fee == 'much'", false },
	{ "goods.ext.season == 'summer'", true },
	{ "goods.ext.season in ['winter', 'spring']", false },
	{ "'b' in goods.ext.tags", true },
	{ "size(merchant.ext) == 0 && size(creator.ext) == 0", true },
};

/* A tree whose one child pays half where its condition holds, else a tenth. */
static int64_t charged(const char *when, const char *order)
{
	char json[1024];

	snprintf(json, sizeof(json),
		 "{\"root\":{\"id\":\"root\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":1000}],"
		 "\"children\":[{\"id\":\"yes\",\"when\":\"%s\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\","
		 "\"bps\":5000}]}]}}",
		 when);
	world_rules("default", json);
	struct world_answer answer = world_order(order, "u1", "g1", 1000, world_token("c1", "g1"));

	assert_ok(answer.status, answer.error);
	assert_int_equal(answer.outcome, TRIB_OUTCOME_ATTRIBUTED);
	return answer.charged;
}

static void conditions_ask_for_it(void **state)
{
	char order[16];

	market();
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		snprintf(order, sizeof(order), "o%zu", i);
		int64_t seen = charged(rows[i].when, order), expected = rows[i].holds ? 500 : 100;

		if (seen != expected)
			fail_msg("%s: found %lld, expected %lld", rows[i].when, (long long)seen, (long long)expected);
	}
}

/* The version in force counts, whatever was put after it; and all of it is there after a crash and a restart. */
static void versions_have_their_own(void **state)
{
	char json[256];

	market();
	snprintf(json, sizeof(json),
		 "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1000},\"effective_from\":%lld,"
		 "\"ext\":{\"slot_fee\":900}}",
		 (long long)(world.clock.ms + 3600000));
	world_put(TRIB_NOUN_PLAN, json);
	assert_int_equal(charged("plan.ext.slot_fee == 500", "o1"), 500);
	world_crash();
	assert_int_equal(charged("plan.ext.slot_fee == 500", "o2"), 500);
	world_restart();
	assert_int_equal(charged("plan.ext.slot_fee == 500 && goods.ext.season == 'summer'", "o3"), 500);
	world_pass(3600000);
	assert_int_equal(charged("plan.ext.slot_fee == 900", "o4"), 500);
	assert_int_equal(charged("has(plan.ext.rush)", "o5"), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(conditions_ask_for_it, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(versions_have_their_own, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
