/*
 * Nouns: what PUT and DELETE come to, what is refused, words, lists, the choice of a registration.
 */
#include "base/limits.h"
#include "world.h"

static void seed(struct world *world)
{
	world_init(world);
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"roles\":[\"merchant\"]}");
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"level\":3}");
	world_put(world, TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1990}");
	world_put(world, TRIB_NOUN_PLAN,
		  "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],"
		  "\"terms\":{\"commission_bps\":1000}}");
	world_put(world, TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\"}");
	world_put(world, TRIB_NOUN_BLOCK, "{\"id\":\"b1\",\"kind\":\"user\",\"value\":\"bad\"}");
	world_put(world, TRIB_NOUN_ACTIVITY, "{\"id\":\"a1\",\"leader\":\"m1\"}");
}

static void a_put_is_told_once_and_read_back(void **state)
{
	struct world world;

	seed(&world);
	const struct trib_party *creator =
		trib_domain_party(world.domain, world_number(&world, TRIB_NOUN_PARTY, "c1"));
	const struct trib_goods *goods =
		trib_domain_goods(world.domain, world_number(&world, TRIB_NOUN_GOODS, "g1"));
	const struct trib_plan *plan =
		trib_domain_plan(world.domain, world_number(&world, TRIB_NOUN_PLAN, "p1"));
	const struct trib_registration *registration = trib_domain_registration(
		world.domain, world_number(&world, TRIB_NOUN_REGISTRATION, "r1"));

	assert_int_equal(creator->level, 3);
	assert_int_equal(creator->status, TRIB_WORD_ACTIVE);
	assert_true(trib_codes_has(creator->roles, TRIB_WORD_CREATOR));
	assert_int_equal(goods->price, 1990);
	assert_int_equal(goods->currency, TRIB_WORD_CNY);
	assert_int_equal(goods->merchant, world_number(&world, TRIB_NOUN_PARTY, "m1"));
	assert_int_equal(goods->plan_count, 1);
	assert_int_equal(goods->first_plan.plan, 1);
	assert_int_equal(plan->newest.commission_bps, 1000);
	assert_int_equal(plan->newest.from_ms, 1000);
	assert_int_equal(plan->newest.kind, TRIB_WORD_GENERAL);
	assert_int_equal(registration->token_ttl_ms, INT64_C(30) * 86400000);
	assert_int_equal(registration->ext_overflow, TRIB_WORD_KEEP);
	assert_string_equal(
		world_get(&world, TRIB_NOUN_GOODS, "g1"),
		"{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1990,\"currency\":\"CNY\","
		"\"status\":\"active\"}");
	world_fini(&world);
}

static void same_content_changes_nothing_but_plans(void **state)
{
	static const struct {
		enum trib_noun noun;
		const char *json;
		uint32_t events, version;
	} rows[] = {
		{ TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"level\":3}", 0, 1 },
		{ TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"level\":4}", 1, 2 },
		{ TRIB_NOUN_PARTY,
		  "{\"id\":\"c1\",\"roles\":[\"creator\"],\"level\":4,\"status\":\"active\"}", 0,
		  2 },
		{ TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"tags\":[\"new\",\"new\"]}", 2, 3 },
		{ TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1990}", 0, 1 },
		{ TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\"}", 1, 2 },
		{ TRIB_NOUN_GOODS,
		  "{\"id\":\"g2\",\"merchant\":\"m1\",\"brand\":\"b\",\"category\":\"b\"}", 2, 1 },
		{ TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\"}", 0, 1 },
		{ TRIB_NOUN_PLAN,
		  "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],"
		  "\"terms\":{\"commission_bps\":1000}}",
		  1, 2 },
	};
	struct world world;

	seed(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		world_put(&world, rows[i].noun, rows[i].json);
		assert_int_equal(world.decision.event_count, rows[i].events);
		assert_int_equal(world.decision.version, rows[i].version);
	}
	world_fini(&world);
}

/* Does the party own that buyer account? */
static bool owns(const struct world *world, const char *party, const char *user)
{
	return trib_domain_party_has_user(world->domain, world_number(world, TRIB_NOUN_PARTY, party),
					  world_hash_user(NULL, trib_bytes_text(user)));
}

static uint32_t owner(const struct world *world, const char *user)
{
	return trib_domain_party_of_user(world->domain,
					 world_hash_user(NULL, trib_bytes_text(user)));
}

static void users_are_found_again(void **state)
{
	char json[200];
	struct world world;

	seed(&world);
	assert_int_equal(owner(&world, "u1"), 0);
	/* Two parties claim u2: the first of them counts, in whatever order they came. */
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"user_ids\":[\"u1\",\"u2\"]}");
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"user_ids\":[\"u2\"]}");
	assert_int_equal(owner(&world, "u1"), world_number(&world, TRIB_NOUN_PARTY, "c1"));
	assert_int_equal(owner(&world, "u2"), world_number(&world, TRIB_NOUN_PARTY, "m1"));
	assert_true(owns(&world, "c1", "u2"));
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"m1\"}");
	assert_int_equal(owner(&world, "u2"), world_number(&world, TRIB_NOUN_PARTY, "c1"));

	/* What was read can be put back; hashes of others claim nothing. */
	snprintf(json, sizeof(json), "{\"id\":\"c1\",\"user_hashes\":[\"%016llx\",\"%016llx\"]}",
		 (unsigned long long)world_hash_user(NULL, trib_bytes_text("u2")),
		 (unsigned long long)world_hash_user(NULL, trib_bytes_text("u9")));
	world_put(&world, TRIB_NOUN_PARTY, json);
	assert_true(owns(&world, "c1", "u2"));
	assert_false(owns(&world, "c1", "u1") || owns(&world, "c1", "u9"));
	world_fini(&world);
}

static void a_put_replaces_everything(void **state)
{
	struct world world;

	seed(&world);
	world_put(&world, TRIB_NOUN_PARTY,
		  "{\"id\":\"c1\",\"user_ids\":[\"u1\",\"u2\",\"u1\"],\"tags\":[\"a\"],\"score\":4."
		  "5}");
	const struct trib_party *creator =
		trib_domain_party(world.domain, world_number(&world, TRIB_NOUN_PARTY, "c1"));

	assert_null(creator->roles);
	assert_true(owns(&world, "c1", "u1") && owns(&world, "c1", "u2"));
	assert_false(owns(&world, "c1", "u3") || owns(&world, "m1", "u1"));
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_PARTY, "c1"), "\"user_hashes\":[\""));
	assert_null(strstr(world_get(&world, TRIB_NOUN_PARTY, "c1"), "user_ids"));
	assert_null(strstr(world_get(&world, TRIB_NOUN_PARTY, "c1"), "u1"));
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\"}");
	creator = trib_domain_party(world.domain, world_number(&world, TRIB_NOUN_PARTY, "c1"));
	assert_false(owns(&world, "c1", "u1"));
	assert_null(creator->tags);
	assert_true(creator->score == 0);
	world_fini(&world);
}

static void agencies_by_time(void **state)
{
	static const struct {
		int64_t at_ms;
		const char *agency;
		uint8_t pay;
	} rows[] = {
		{ 0, NULL, TRIB_AGENCY_SPLIT },	    { 1999, NULL, TRIB_AGENCY_SPLIT },
		{ 2000, "a1", TRIB_AGENCY_SPLIT },  { 4999, "a1", TRIB_AGENCY_SPLIT },
		{ 5000, "a2", TRIB_AGENCY_ALL },    { 6999, "a2", TRIB_AGENCY_ALL },
		{ 7000, NULL, TRIB_AGENCY_SPLIT },  { 9000, "a1", TRIB_AGENCY_SPLIT },
		{ INT64_MAX - 1, "a1", TRIB_AGENCY_SPLIT },
	};
	struct world world;

	seed(&world);
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"a1\",\"roles\":[\"agency\"]}");
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"a2\",\"roles\":[\"agency\"]}");
	uint32_t creator = world_put(
		&world, TRIB_NOUN_PARTY,
		"{\"id\":\"c1\",\"agencies\":[{\"agency\":\"a1\",\"from\":9000},"
		"{\"agency\":\"a2\",\"from\":5000,\"to\":7000,\"pay\":\"all_to_agency\"},"
		"{\"agency\":\"a1\",\"from\":2000,\"to\":5000}]}");
	struct trib_domain *again = world_replay(&world);

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		uint32_t expected = world_number(&world, TRIB_NOUN_PARTY, rows[i].agency);
		uint8_t pay, pay_again;

		assert_int_equal(trib_domain_agency(world.domain, creator, rows[i].at_ms, &pay),
				 expected);
		assert_int_equal(trib_domain_agency(again, creator, rows[i].at_ms, &pay_again),
				 expected);
		assert_int_equal(pay, rows[i].pay);
		assert_int_equal(pay_again, rows[i].pay);
	}
	trib_domain_free(again);
	/* Without times again. */
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"agency\":\"a2\"}");
	uint8_t pay;

	assert_int_equal(trib_domain_agency(world.domain, creator, 0, &pay),
			 world_number(&world, TRIB_NOUN_PARTY, "a2"));
	world_fini(&world);
}

static const struct trib_plan_attributes *attributes_of(const struct world *world, const char *plan)
{
	const struct trib_plan *entry = trib_domain_plan(
		world->domain, world_number(world, TRIB_NOUN_PLAN, plan));

	return trib_domain_attributes(world->domain, entry->newest.attributes);
}

static void what_only_some_plans_say(void **state)
{
	struct world world;

	seed(&world);
	assert_int_equal(trib_domain_plan(world.domain, 1)->newest.attributes, 0);
	world_put(&world, TRIB_NOUN_PLAN,
		  "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"budget\":500000,"
		  "\"daily_cap\":20000,\"step\":{\"measure\":\"gmv\",\"per\":\"plan\","
		  "\"period\":\"week\",\"applies\":\"all\",\"counted_at\":\"settled\","
		  "\"tiers\":[{\"from\":0,\"bps\":100},{\"from\":1000,\"bps\":250}]},"
		  "\"incentive\":{\"amount\":50,\"budget\":9000},"
		  "\"new_to_shop\":{\"bps\":300,\"window\":\"90d\"}}");
	const struct trib_plan_attributes *said = attributes_of(&world, "p1");

	assert_int_equal(said->budget, 500000);
	assert_int_equal(said->daily_cap, 20000);
	assert_int_equal(said->zone,
			 trib_domain_find_code(world.domain, trib_bytes_text("Asia/Shanghai")));
	assert_int_equal(said->step.measure, TRIB_MEASURE_GMV);
	assert_int_equal(said->step.counted_at, TRIB_COUNTED_AT_SETTLED);
	assert_int_equal(said->step.per, TRIB_STEP_PER_PLAN);
	assert_int_equal(said->step.period, TRIB_STEP_WEEK);
	assert_true(said->step.applies_to_all);
	assert_int_equal(said->step.tier_count, 2);
	assert_int_equal(said->step.tiers[1].from, 1000);
	assert_int_equal(said->step.tiers[1].bps, 250);
	assert_int_equal(said->incentive.by, TRIB_WORD_PLATFORM);
	assert_int_equal(said->incentive.amount, 50);
	assert_int_equal(said->incentive_budget, 9000);
	assert_int_equal(said->new_to_shop.by, TRIB_WORD_MERCHANT);
	assert_int_equal(said->new_to_shop.bps, 300);
	assert_int_equal(said->new_to_shop_window_ms, INT64_C(90) * 86400000);
	/* Defaults; and a version that says nothing of it. */
	world_put(&world, TRIB_NOUN_PLAN,
		  "{\"id\":\"p1\",\"merchant\":\"m1\",\"step\":{\"tiers\":[{\"from\":10,\"bps\":50}]}}");
	said = attributes_of(&world, "p1");
	assert_int_equal(said->step.measure, TRIB_MEASURE_ORDERS);
	assert_int_equal(said->step.period, TRIB_STEP_MONTH);
	assert_false(said->step.applies_to_all);
	assert_int_equal(said->incentive.by, 0);
	world_put(&world, TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\"}");
	assert_int_equal(trib_domain_plan(world.domain, 1)->newest.attributes, 0);
	world_fini(&world);
}

static void a_cut_waits_for_the_next_day(void **state)
{
	/* 2026-11-22 20:00 in Shanghai; the next day begins four hours later. */
	const int64_t now_ms = INT64_C(1795348800000), midnight_ms = now_ms + 4 * 3600000;
	static const struct {
		const char *rest;
		bool at_midnight;
	} rows[] = {
		{ "\"terms\":{\"commission_bps\":900}", false },
		{ "\"cut\":\"next_day\",\"terms\":{\"commission_bps\":1100}", false },
		{ "\"cut\":\"next_day\",\"terms\":{\"commission_bps\":1100}", false },
		{ "\"cut\":\"next_day\",\"terms\":{\"commission_bps\":800}", true },
		{ "\"cut\":\"next_day\"", true },
		{ "\"cut\":\"at_once\",\"terms\":{\"commission_bps\":100}", false },
	};
	struct world world;
	char json[200];

	seed(&world);
	world.now_ms = now_ms;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		snprintf(json, sizeof(json), "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],%s}",
			 rows[i].rest);
		world_put(&world, TRIB_NOUN_PLAN, json);
		if (trib_domain_plan(world.domain, 1)->newest.from_ms !=
		    (rows[i].at_midnight ? midnight_ms : now_ms))
			fail_msg("row %zu", i);
	}
	/* A stated time is taken as it is. */
	world_put(&world, TRIB_NOUN_PLAN,
		  "{\"id\":\"p1\",\"merchant\":\"m1\",\"cut\":\"next_day\",\"effective_from\":77}");
	assert_int_equal(trib_domain_plan(world.domain, 1)->newest.from_ms, 77);
	world_fini(&world);
}

static void bounds_of_a_managed_plan_stay(void **state)
{
	static const struct {
		const char *rest;
		trib_status status;
	} rows[] = {
		{ "\"kind\":\"managed\",\"bounds\":{\"min_bps\":500,\"max_bps\":1500},"
		  "\"terms\":{\"commission_bps\":1000}", TRIB_OK },
		{ "\"kind\":\"managed\",\"terms\":{\"commission_bps\":1500}", TRIB_OK },
		{ "\"kind\":\"managed\",\"terms\":{\"commission_bps\":1501}", TRIB_INVALID },
		{ "\"kind\":\"managed\",\"terms\":{\"commission_bps\":499}", TRIB_INVALID },
		{ "\"kind\":\"managed\"", TRIB_INVALID },
		{ "\"kind\":\"managed\",\"bounds\":{\"min_bps\":2000,\"max_bps\":1500},"
		  "\"terms\":{\"commission_bps\":1800}", TRIB_INVALID },
		{ "\"kind\":\"general\",\"bounds\":{\"max_bps\":1500}", TRIB_INVALID },
		{ "\"kind\":\"managed\",\"bounds\":{\"max_bps\":3000},"
		  "\"terms\":{\"commission_bps\":3000}", TRIB_OK },
		{ "\"kind\":\"managed\",\"terms\":{\"commission_bps\":0}", TRIB_OK },
	};
	struct world world;
	char json[300];

	seed(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		snprintf(json, sizeof(json), "{\"id\":\"mg\",\"merchant\":\"m1\",\"goods\":[\"g1\"],%s}",
			 rows[i].rest);
		if (world_try(&world, TRIB_NOUN_PLAN, json) != rows[i].status)
			fail_msg("row %zu", i);
	}
	world_fini(&world);
}

static const struct {
	enum trib_noun noun;
	const char *json;
	trib_status status;
	const char *at, *text;
} refusals[] = {
	/* clang-format off */
	{ TRIB_NOUN_PARTY, "{}", TRIB_INVALID, "id", "found nothing, expected 1 to 64" },
	{ TRIB_NOUN_PARTY, "{\"id\":\"x\",\"agency\":\"nobody\"}", TRIB_INVALID, "agency",
	  "found \"nobody\", expected the id of a known party" },
	{ TRIB_NOUN_PARTY, "{\"id\":\"x\",\"agency\":\"x\"}", TRIB_INVALID, "agency", "found the party itself" },
	{ TRIB_NOUN_GOODS, "{\"id\":\"x\",\"merchant\":\"m9\"}", TRIB_INVALID, "merchant",
	  "found \"m9\", expected the id of a known party" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"goods\":[\"g1\",\"g1\",\"g1\",\"g9\"]}", TRIB_INVALID, "goods[3]",
	  "found \"g9\", expected the id of known goods" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m9\"}", TRIB_INVALID, "merchant", "found \"m9\"" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"kind\":\"targeted\",\"creators\":[\"c1\",\"c9\"]}", TRIB_INVALID,
	  "creators[1]", "found \"c9\"" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"kind\":\"exclusive\"}", TRIB_INVALID, "creators", "found none" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"terms\":{\"commission_bps\":9000,\"service_bps\":1001}}", TRIB_INVALID,
	  "terms.service_bps", "at most 1000" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"creators\":[\"c1\"],\"creators_when\":\"level >= 1\"}", TRIB_INVALID,
	  "creators_when", "found it beside creators" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"creators_when\":\"size(1)\"}", TRIB_INVALID, "creators_when:1",
	  "found something else, expected level >= N" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"effective_from\":500,\"effective_to\":500}", TRIB_INVALID,
	  "effective_to", "expected a time after effective_from" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"effective_to\":1000}", TRIB_INVALID, "effective_to",
	  "expected a time after effective_from" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"terms\":{\"leader\":\"l9\"}}", TRIB_INVALID, "terms.leader",
	  "found \"l9\"" },
	{ TRIB_NOUN_PARTY, "{\"id\":\"x\",\"agency\":\"m1\",\"agencies\":[{\"agency\":\"m1\"}]}", TRIB_INVALID, "agencies",
	  "found them beside agency" },
	{ TRIB_NOUN_PARTY, "{\"id\":\"x\",\"agencies\":[{\"agency\":\"a9\"}]}", TRIB_INVALID, "agencies[0].agency", "found \"a9\"" },
	{ TRIB_NOUN_PARTY, "{\"id\":\"x\",\"agencies\":[{\"agency\":\"m1\"},{\"agency\":\"c1\",\"from\":5}]}", TRIB_INVALID,
	  "agencies", "expected them apart from each other" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"step\":{}}", TRIB_INVALID, "step.tiers", "found 0" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"step\":{\"tiers\":[{\"from\":5,\"bps\":1},{\"from\":5,\"bps\":2}]}}",
	  TRIB_INVALID, "step.tiers[1].from", "expected more than the tier before" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"cut\":\"next_day\",\"time_zone\":\"Mars\"}", TRIB_INVALID, "time_zone",
	  "found \"Mars\"" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"grace\":\"1d\"}", TRIB_INVALID, "grace", "expected kind exclusive" },
	{ TRIB_NOUN_PLAN, "{\"id\":\"x\",\"merchant\":\"m1\",\"incentive\":{}}", TRIB_INVALID, "incentive", "expected one of them" },
	{ TRIB_NOUN_REGISTRATION, "{\"id\":\"x\",\"channel\":\"a\",\"when\":\"nonsense\"}", TRIB_INVALID, "when:1",
	  "found something else" },
	/* clang-format on */
};

static void what_cannot_be_is_refused_by_name(void **state)
{
	struct world world;

	seed(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(refusals); i++) {
		uint64_t before = trib_domain_digest(world.domain);

		assert_int_equal(world_try(&world, refusals[i].noun, refusals[i].json), refusals[i].status);
		assert_string_equal(world.error.at, refusals[i].at);
		if (!strstr(world.error.text, refusals[i].text))
			fail_msg("row %zu: \"%s\"", i, world.error.text);
		assert_true(before == trib_domain_digest(world.domain));
	}
	world_fini(&world);
}

static void closing_keeps_the_entity(void **state)
{
	struct world world;

	seed(&world);
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		static const char *const ids[TRIB_NOUN_COUNT] = { "c1", "g1", "p1", "r1", "b1", "a1" };

		if (!ids[noun])
			continue;
		world.now_ms = 2000;
		assert_ok(world_close(&world, noun, ids[noun]), world.error);
		assert_int_equal(world.decision.event_count, 1);
		assert_int_equal(world.decision.version, 2);
		assert_non_null(
			strstr(world_get(&world, noun, ids[noun]), "\"status\":\"closed\""));
		world.now_ms = 3000;
		assert_ok(world_close(&world, noun, ids[noun]), world.error);
		assert_int_equal(world.decision.event_count, 0);
		assert_int_equal(world.decision.version, 2);
		assert_int_equal(world_close(&world, noun, "nobody"), TRIB_NOT_FOUND);
	}
	assert_int_equal(trib_domain_plan(world.domain, 1)->newest.from_ms, 2000);
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\"}");
	assert_int_equal(world.decision.version, 3);
	assert_int_equal(trib_domain_party(world.domain, world.decision.number)->status,
			 TRIB_WORD_ACTIVE);
	world_fini(&world);
}

static void statuses_by_time(void **state)
{
	static const struct {
		enum trib_noun noun;
		const char *id, *json;
		trib_status status;
		uint32_t events;
	} rows[] = {
		{ TRIB_NOUN_PARTY, "c1", "{\"status\":\"frozen\",\"from\":3000,\"reason\":\"r\"}",
		  TRIB_OK, 1 },
		{ TRIB_NOUN_PARTY, "c1", "{\"status\":\"frozen\",\"from\":3000,\"reason\":\"r\"}",
		  TRIB_OK, 0 },
		{ TRIB_NOUN_PARTY, "c1", "{\"status\":\"frozen\",\"from\":3000}", TRIB_OK, 1 },
		{ TRIB_NOUN_PARTY, "c1", "{\"status\":\"active\",\"from\":4000}", TRIB_OK, 1 },
		{ TRIB_NOUN_PARTY, "c1", "{\"status\":\"paused\"}", TRIB_INVALID, 0 },
		{ TRIB_NOUN_PARTY, "c9", "{\"status\":\"frozen\"}", TRIB_NOT_FOUND, 0 },
		{ TRIB_NOUN_PARTY, "c1", "{}", TRIB_INVALID, 0 },
		{ TRIB_NOUN_REGISTRATION, "r1", "{\"status\":\"closed\"}", TRIB_UNSUPPORTED, 0 },
		{ TRIB_NOUN_GOODS, "g1", "{\"status\":\"withdrawn\",\"from\":7000}", TRIB_OK, 1 },
	};
	struct world world;
	uint32_t count;

	seed(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		if (world_status(&world, rows[i].noun, rows[i].id, rows[i].json) != rows[i].status ||
		    (rows[i].status == TRIB_OK && world.decision.event_count != rows[i].events))
			fail_msg("row %zu: %s", i, world.error.text);
	}
	uint32_t creator = world_number(&world, TRIB_NOUN_PARTY, "c1");

	assert_int_equal(trib_domain_party_status(world.domain, creator, 2999), TRIB_WORD_ACTIVE);
	assert_int_equal(trib_domain_party_status(world.domain, creator, 3000), TRIB_WORD_FROZEN);
	assert_int_equal(trib_domain_party_status(world.domain, creator, 4000), TRIB_WORD_ACTIVE);
	trib_domain_statuses(world.domain, TRIB_NOUN_PARTY, creator, &count);
	assert_int_equal(count, 2);
	assert_int_equal(trib_domain_withdrawn_at(world.domain, 1), 7000);

	/* A PUT that says nothing of it leaves the table alone; one that says what is so, too. */
	world.now_ms = 3500;
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"level\":9}");
	assert_int_equal(trib_domain_party_status(world.domain, creator, 3600), TRIB_WORD_FROZEN);
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"level\":9,\"status\":\"frozen\"}");
	assert_int_equal(world.decision.event_count, 0);
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"level\":9,\"status\":\"active\"}");
	assert_int_equal(world.decision.event_count, 1);
	assert_int_equal(trib_domain_party_status(world.domain, creator, 3400), TRIB_WORD_FROZEN);
	assert_int_equal(trib_domain_party_status(world.domain, creator, 3500), TRIB_WORD_ACTIVE);
	/* DELETE closes for good; a PUT opens again. */
	assert_ok(world_close(&world, TRIB_NOUN_PARTY, "c1"), world.error);
	assert_int_equal(trib_domain_party_status(world.domain, creator, 9000), TRIB_WORD_CLOSED);
	world.now_ms = 5000;
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\"}");
	assert_int_equal(trib_domain_party_status(world.domain, creator, 9000), TRIB_WORD_ACTIVE);
	world_fini(&world);
}

static void what_is_read_can_be_put_back(void **state)
{
	struct world world;
	struct trib_buffer json;
	struct trib_entity entity;

	seed(&world);
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"user_ids\":[\"u1\"],\"level\":2}");
	assert_ok(world_status(&world, TRIB_NOUN_PARTY, "c1", "{\"status\":\"frozen\",\"from\":500}"),
		  world.error);
	assert_ok(world_status(&world, TRIB_NOUN_GOODS, "g1",
			       "{\"status\":\"withdrawn\",\"from\":500}"),
		  world.error);
	trib_buffer_init(&json, 1 << 20);
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		static const char *const ids[TRIB_NOUN_COUNT] = { "c1", "g1", "p1", "r1", "b1", "a1" };

		if (!ids[noun])
			continue;
		uint64_t before = trib_domain_digest(world.domain);
		struct trib_record *record = trib_domain_record(
			world.domain, noun, world_number(&world, noun, ids[noun]));

		trib_arena_reset(&world.arena);
		trib_buffer_reset(&json);
		assert_ok(trib_record_unpack(record, noun, &world.arena, &entity, &world.error),
			  world.error);
		trib_domain_show(world.domain, noun, world.now_ms, &entity);
		trib_proto_to_json(entity.message, TRIB_PROTO_ALL_FIELDS, &json);
		trib_record_unref(record);
		world_put(&world, noun, trib_buffer_text(&json));
		if (noun != TRIB_NOUN_PLAN && trib_domain_digest(world.domain) != before)
			fail_msg("%s", trib_buffer_text(&json));
	}
	assert_int_equal(trib_domain_goods_status(world.domain, 1, 400), TRIB_WORD_ACTIVE);
	trib_buffer_fini(&json);
	world_fini(&world);
}

static uint32_t blocked(const struct world *world, enum trib_block_kind kind, const char *value,
			int64_t at_ms)
{
	if (kind == TRIB_BLOCK_USER)
		return trib_domain_blocked(world->domain, kind,
					   world_hash_user(NULL, trib_bytes_text(value)), at_ms);
	if (kind == TRIB_BLOCK_CREATOR)
		return trib_domain_blocked(world->domain, kind,
					   world_number(world, TRIB_NOUN_PARTY, value), at_ms);
	return trib_domain_blocked_text(world->domain, kind, trib_bytes_text(value), at_ms);
}

static void blocks(void **state)
{
	struct world world;

	seed(&world); /* b1 blocks the user "bad" */
	assert_int_equal(blocked(&world, TRIB_BLOCK_USER, "bad", INT64_MAX - 1), 1);
	assert_int_equal(blocked(&world, TRIB_BLOCK_USER, "good", 0), 0);
	assert_int_equal(blocked(&world, TRIB_BLOCK_DEVICE, "bad", 0), 0);
	assert_null(strstr(world_get(&world, TRIB_NOUN_BLOCK, "b1"), "bad"));
	assert_false(trib_domain_has_blocks(world.domain, TRIB_BLOCK_DEVICE));
	uint32_t b2 = world_put(&world, TRIB_NOUN_BLOCK,
				"{\"id\":\"b2\",\"kind\":\"device\",\"value\":\"d1\",\"until\":5000}");
	uint32_t b3 = world_put(&world, TRIB_NOUN_BLOCK,
				"{\"id\":\"b3\",\"kind\":\"device\",\"value\":\"d1\",\"until\":9000}");

	assert_int_equal(blocked(&world, TRIB_BLOCK_DEVICE, "d1", 4999), b2);
	assert_int_equal(blocked(&world, TRIB_BLOCK_DEVICE, "d1", 5000), b3);
	assert_int_equal(blocked(&world, TRIB_BLOCK_DEVICE, "d1", 9000), 0);
	world_put(&world, TRIB_NOUN_BLOCK,
		  "{\"id\":\"b2\",\"kind\":\"creator\",\"value\":\"c1\",\"reason\":\"fraud\"}");
	assert_int_equal(blocked(&world, TRIB_BLOCK_CREATOR, "c1", 1), b2);
	assert_int_equal(blocked(&world, TRIB_BLOCK_DEVICE, "d1", 4999), b3);
	assert_ok(world_close(&world, TRIB_NOUN_BLOCK, "b2"), world.error);
	assert_int_equal(blocked(&world, TRIB_BLOCK_CREATOR, "c1", 1), 0);
	assert_int_equal(world_try(&world, TRIB_NOUN_BLOCK,
				   "{\"id\":\"b4\",\"kind\":\"creator\",\"value\":\"c9\"}"),
			 TRIB_INVALID);
	assert_string_equal(world.error.at, "value");
	assert_int_equal(world_try(&world, TRIB_NOUN_BLOCK, "{\"id\":\"b4\",\"kind\":\"device\"}"),
			 TRIB_INVALID);
	world_fini(&world);
}

static trib_status set_bounds(struct world *world, const char *category, const char *json)
{
	ProtobufCMessage *message = NULL;

	trib_arena_reset(&world->arena);
	if (json)
		assert_ok(trib_proto_from_json(&tributary__bounds__descriptor, trib_bytes_text(json),
					       &world->arena, &message, &world->error),
			  world->error);
	trib_status status = trib_domain_decide_bounds(
		world->domain, trib_bytes_text(category), (const Tributary__Bounds *)message,
		&world->arena, &world->decision, &world->error);

	if (status == TRIB_OK)
		world_apply(world);
	return status;
}

static void bounds_by_category(void **state)
{
	static const struct {
		const char *category;
		int32_t low, high; /* -1: none */
		const char *prefix;
	} rows[] = {
		{ "beauty", 100, 5000, "beauty" },
		{ "beauty/lips", 500, 3000, "beauty/lips" },
		{ "beauty/lips/gloss", 500, 3000, "beauty/lips" },
		{ "beauty/skin", 100, 5000, "beauty" },
		{ "beautyful", -1, -1, NULL },
		{ "shoes", -1, -1, NULL },
		{ "", -1, -1, NULL },
	};
	struct world world;

	seed(&world);
	assert_int_equal(set_bounds(&world, "beauty", "{\"min_bps\":100,\"max_bps\":5000}"), TRIB_OK);
	assert_true(world.decision.created);
	assert_int_equal(set_bounds(&world, "beauty/lips", "{\"min_bps\":500,\"max_bps\":3000}"),
			 TRIB_OK);
	assert_int_equal(set_bounds(&world, "beauty/lips", "{\"min_bps\":500,\"max_bps\":3000}"),
			 TRIB_OK);
	assert_int_equal(world.decision.event_count, 0);
	assert_int_equal(set_bounds(&world, "beauty", "{\"min_bps\":2,\"max_bps\":1}"), TRIB_INVALID);
	assert_int_equal(set_bounds(&world, "shoes", NULL), TRIB_NOT_FOUND);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		int32_t low = -1, high = -1;
		struct trib_bytes prefix;
		bool found = trib_domain_find_bounds(world.domain, trib_bytes_text(rows[i].category),
						     &low, &high, &prefix);

		assert_int_equal(found, rows[i].prefix != NULL);
		assert_int_equal(low, rows[i].low);
		assert_int_equal(high, rows[i].high);
		assert_true(!found || trib_bytes_is(prefix, rows[i].prefix));
	}
	/* What a plan pays must lie within those of all its goods. */
	world_put(&world, TRIB_NOUN_GOODS, "{\"id\":\"g2\",\"merchant\":\"m1\",\"category\":\"beauty/lips/x\"}");
	assert_int_equal(world_try(&world, TRIB_NOUN_PLAN,
				   "{\"id\":\"p2\",\"merchant\":\"m1\",\"goods\":[\"g1\",\"g2\"],"
				   "\"terms\":{\"commission_bps\":3001}}"),
			 TRIB_INVALID);
	assert_string_equal(world.error.at, "terms.commission_bps");
	world_put(&world, TRIB_NOUN_PLAN,
		  "{\"id\":\"p2\",\"merchant\":\"m1\",\"goods\":[\"g1\",\"g2\"],"
		  "\"terms\":{\"commission_bps\":3000}}");
	assert_int_equal(set_bounds(&world, "beauty/lips", NULL), TRIB_OK);
	world_put(&world, TRIB_NOUN_PLAN,
		  "{\"id\":\"p2\",\"merchant\":\"m1\",\"goods\":[\"g2\"],"
		  "\"terms\":{\"commission_bps\":5000}}");
	struct trib_domain *again = world_replay(&world);

	assert_true(trib_domain_digest(again) == trib_domain_digest(world.domain));
	trib_domain_free(again);
	world_fini(&world);
}

/* Everything that stands in a table of its own, from the store. */
static void tables_come_back_from_the_store(void **state)
{
	struct trib_domain *domain = trib_domain_new(&world_key);
	struct trib_error error;
	struct world world;
	const char *reason = "";
	size_t count;

	seed(&world);
	assert_ok(world_status(&world, TRIB_NOUN_PLAN, "p1", "{\"status\":\"paused\",\"from\":5000}"),
		  world.error);
	assert_ok(world_status(&world, TRIB_NOUN_PLAN, "p1",
			       "{\"status\":\"active\",\"from\":6000,\"reason\":\"again\"}"),
		  world.error);
	assert_ok(world_status(&world, TRIB_NOUN_PARTY, "c1", "{\"status\":\"frozen\"}"), world.error);
	assert_int_equal(set_bounds(&world, "a", "{\"max_bps\":5000}"), TRIB_OK);
	assert_int_equal(set_bounds(&world, "b", "{\"max_bps\":4000}"), TRIB_OK);
	assert_int_equal(set_bounds(&world, "a", NULL), TRIB_OK);
	assert_ok(world_close(&world, TRIB_NOUN_BLOCK, "b1"), world.error);
	world_put(&world, TRIB_NOUN_BLOCK, "{\"id\":\"b2\",\"kind\":\"order\",\"value\":\"o1\"}");
	struct trib_domain_freeze *freeze = trib_domain_freeze(world.domain);
	const struct trib_domain_row *rows = trib_domain_freeze_rows(freeze, &count);

	for (size_t i = 0; i < count; i++)
		assert_ok(trib_domain_load(domain, rows[i].table,
					   trib_bytes(rows[i].key, rows[i].key_size), rows[i].value,
					   &error),
			  error);
	assert_ok(trib_domain_load_done(domain, &error), error);
	if (!trib_domain_check(domain, &reason))
		fail_msg("%s", reason);
	assert_true(trib_domain_digest(domain) == trib_domain_digest(world.domain));
	assert_int_equal(trib_domain_blocked_text(domain, TRIB_BLOCK_ORDER, trib_bytes_text("o1"), 0),
			 2);
	trib_domain_freeze_free(freeze);
	trib_domain_free(domain);
	world_fini(&world);
}

static void shipped_words_stand_at_their_codes(void **state)
{
	struct world world;

	world_init(&world);
	assert_int_equal(trib_domain_find_code(world.domain, trib_bytes_text("merchant")), 2);
	assert_int_equal(trib_domain_find_code(world.domain, trib_bytes_text("exclusive")), 26);
	assert_int_equal(trib_domain_find_code(world.domain, trib_bytes_text("checkout")), 43);
	assert_int_equal(trib_domain_find_code(world.domain, trib_bytes_text("beauty")), 0);
	Tributary__Event event;

	assert_true(trib_domain_decide_name(world.domain, "beauty", &world.arena, &event));
	assert_ok(trib_domain_apply(world.domain, &event, &world.error), world.error);
	assert_int_equal(trib_domain_find_code(world.domain, trib_bytes_text("beauty")),
			 TRIB_WORD_FIRST_FREE);
	assert_int_equal(trib_domain_apply(world.domain, &event, &world.error), TRIB_CORRUPT);
	world_fini(&world);
}

static void events_of_another_state_are_refused(void **state)
{
	struct world world, other;

	seed(&world);
	seed(&other);
	uint64_t before = trib_domain_digest(other.domain);

	/* Made in a world that has g2, and a third version. */
	world_put(&world, TRIB_NOUN_GOODS, "{\"id\":\"g2\",\"merchant\":\"m1\"}");
	world_put(&world, TRIB_NOUN_GOODS, "{\"id\":\"g3\",\"merchant\":\"m1\"}");
	assert_int_equal(trib_domain_apply(other.domain, world.decision.events, &other.error),
			 TRIB_CORRUPT);
	world_put(&world, TRIB_NOUN_PLAN, "{\"id\":\"p2\",\"merchant\":\"m1\",\"goods\":[\"g2\"]}");
	assert_int_equal(trib_domain_apply(other.domain, world.decision.events, &other.error),
			 TRIB_CORRUPT);
	world_put(&world, TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\"}");
	world_put(&world, TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\"}");
	assert_int_equal(trib_domain_apply(other.domain, world.decision.events, &other.error),
			 TRIB_CORRUPT);
	assert_true(before == trib_domain_digest(other.domain));
	world_fini(&world);
	world_fini(&other);
}

static void pages_of_a_list_are_complete_and_in_order(void **state)
{
	struct trib_record *records[7];
	char json[64], next[TRIB_CURSOR_CHARS] = "", cursor[TRIB_CURSOR_CHARS];
	struct trib_entity entity;
	struct world world;
	uint32_t count, seen = 0;

	world_init(&world);
	for (int i = 1; i <= 40; i++) {
		snprintf(json, sizeof(json), "{\"id\":\"c%d\"}", i);
		world_put(&world, TRIB_NOUN_PARTY, json);
	}
	do {
		memcpy(cursor, next, sizeof(cursor));
		assert_ok(trib_domain_list(world.domain, TRIB_NOUN_PARTY, trib_bytes_text(cursor),
					   7, records, &count, next, &world.error),
			  world.error);
		for (uint32_t i = 0; i < count; i++) {
			assert_ok(trib_record_unpack(records[i], TRIB_NOUN_PARTY, &world.arena,
						     &entity, &world.error),
				  world.error);
			assert_int_equal(entity.number, ++seen);
			trib_record_unref(records[i]);
		}
	} while (next[0]);
	assert_int_equal(seen, 40);
	/* A cursor of another list, and one of nobody's. */
	assert_int_equal(trib_domain_list(world.domain, TRIB_NOUN_PLAN, trib_bytes_text(cursor), 7,
					  records, &count, next, &world.error),
			 TRIB_INVALID);
	assert_int_equal(trib_domain_list(world.domain, TRIB_NOUN_PARTY, trib_bytes_text("abc!"), 7,
					  records, &count, next, &world.error),
			 TRIB_INVALID);
	assert_string_equal(world.error.at, "cursor");
	world_fini(&world);
}

/* `when` holds for the registrations whose bit is set. */
static bool holds(void *context, uint32_t registration)
{
	return *(const uint32_t *)context >> registration & 1;
}

static void the_registration_of_a_link(void **state)
{
	static const char *const registrations[] = {
		"{\"id\":\"r1\",\"channel\":\"app\",\"priority\":1}",
		"{\"id\":\"r2\",\"channel\":\"app\",\"priority\":5,\"scene\":\"live\"}",
		"{\"id\":\"r3\",\"channel\":\"app\",\"priority\":5,\"scene\":\"live\"}",
		"{\"id\":\"r4\",\"channel\":\"app\",\"priority\":9,\"when\":\"level >= 4\"}",
		"{\"id\":\"r5\",\"channel\":\"web\",\"status\":\"closed\"}",
		"{\"id\":\"r6\",\"channel\":\"web\",\"priority\":-2147483648}",
		"{\"id\":\"r7\",\"channel\":\"mail\",\"when\":\"level >= 7\"}",
	};
	static const struct {
		const char *channel, *scene;
		uint32_t holds, expected;
	} rows[] = {
		{ "app", NULL, 1 << 4, 4 },  { "app", NULL, 0, 2 },  { "app", "live", 1 << 4, 2 },
		{ "app", "search", ~0u, 0 }, { "web", NULL, 0, 6 },  { "mail", NULL, 0, 0 },
		{ "mail", NULL, 1 << 7, 7 }, { "tv", NULL, ~0u, 0 },
	};
	struct world world;

	world_init(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(registrations); i++)
		world_put(&world, TRIB_NOUN_REGISTRATION, registrations[i]);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const char *scene = rows[i].scene;
		uint32_t scene_code =
			scene ? trib_domain_find_code(world.domain, trib_bytes_text(scene)) : 0;

		if (scene && !scene_code)
			scene_code = UINT32_MAX;
		assert_int_equal(trib_domain_choose_registration(
					 world.domain,
					 trib_domain_find_code(world.domain,
							       trib_bytes_text(rows[i].channel)),
					 scene_code, holds, (void *)&rows[i].holds),
				 rows[i].expected);
	}
	/* Another channel and priority for r3: it leaves its place in the order. */
	world_put(&world, TRIB_NOUN_REGISTRATION,
		  "{\"id\":\"r3\",\"channel\":\"mail\",\"priority\":1}");
	assert_int_equal(trib_domain_choose_registration(
				 world.domain,
				 trib_domain_find_code(world.domain, trib_bytes_text("mail")), 0,
				 NULL, NULL),
			 3);
	world_fini(&world);
}

static void an_import_is_checked_with_its_own_ids(void **state)
{
	struct trib_names *also = trib_names_new(&world_key);
	ProtobufCMessage *message;
	struct world world;

	seed(&world);
	assert_ok(trib_proto_from_json(trib_noun_descriptor(TRIB_NOUN_PARTY),
				       trib_bytes_text("{\"id\":\"c2\",\"agency\":\"a1\"}"),
				       &world.arena, &message, &world.error),
		  world.error);
	assert_int_equal(trib_domain_check_put(world.domain, TRIB_NOUN_PARTY, message, 0, also,
					       &world.arena, &world.error),
			 TRIB_INVALID);
	trib_names_add(also, trib_bytes_text("a1"));
	assert_int_equal(trib_domain_check_put(world.domain, TRIB_NOUN_PARTY, message, 0, also,
					       &world.arena, &world.error),
			 TRIB_OK);
	trib_names_free(also);
	world_fini(&world);
}

static void what_needs_a_hook_is_refused_without_one(void **state)
{
	static const struct trib_domain_hooks none = { 0 };
	struct world world;

	seed(&world);
	trib_domain_set_hooks(world.domain, &none);
	assert_int_equal(world_try(&world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"user_ids\":[\"u\"]}"),
			 TRIB_UNSUPPORTED);
	assert_int_equal(
		world_try(&world, TRIB_NOUN_PLAN,
			  "{\"id\":\"p1\",\"merchant\":\"m1\",\"creators_when\":\"level >= 1\"}"),
		TRIB_UNSUPPORTED);
	world_fini(&world);
}

static void goods_take_only_so_many_plans(void **state)
{
	char json[128];
	struct world world;

	seed(&world); /* p1 is the first */
	for (int i = 2; i <= TRIB_LIMIT_GOODS_PLANS; i++) {
		snprintf(json, sizeof(json),
			 "{\"id\":\"p%d\",\"merchant\":\"m1\",\"goods\":[\"g1\"]}", i);
		world_put(&world, TRIB_NOUN_PLAN, json);
	}
	assert_int_equal(world_try(&world, TRIB_NOUN_PLAN,
				   "{\"id\":\"one more\",\"merchant\":\"m1\",\"goods\":[\"g1\"]}"),
			 TRIB_INVALID);
	assert_int_equal(world_try(&world, TRIB_NOUN_PLAN,
				   "{\"id\":\"more\",\"merchant\":\"m1\",\"goods\":[\"g1\"]}"),
			 TRIB_LIMIT);
	assert_string_equal(world.error.at, "goods[0]");
	/* Those that are there may change. */
	world_put(&world, TRIB_NOUN_PLAN, json);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_put_is_told_once_and_read_back),
		cmocka_unit_test(same_content_changes_nothing_but_plans),
		cmocka_unit_test(a_put_replaces_everything),
		cmocka_unit_test(users_are_found_again),
		cmocka_unit_test(agencies_by_time),
		cmocka_unit_test(what_only_some_plans_say),
		cmocka_unit_test(a_cut_waits_for_the_next_day),
		cmocka_unit_test(bounds_of_a_managed_plan_stay),
		cmocka_unit_test(what_cannot_be_is_refused_by_name),
		cmocka_unit_test(closing_keeps_the_entity),
		cmocka_unit_test(statuses_by_time),
		cmocka_unit_test(what_is_read_can_be_put_back),
		cmocka_unit_test(blocks),
		cmocka_unit_test(bounds_by_category),
		cmocka_unit_test(tables_come_back_from_the_store),
		cmocka_unit_test(shipped_words_stand_at_their_codes),
		cmocka_unit_test(events_of_another_state_are_refused),
		cmocka_unit_test(pages_of_a_list_are_complete_and_in_order),
		cmocka_unit_test(the_registration_of_a_link),
		cmocka_unit_test(an_import_is_checked_with_its_own_ids),
		cmocka_unit_test(what_needs_a_hook_is_refused_without_one),
		cmocka_unit_test(goods_take_only_so_many_plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
