/*
 * Invitations and samples: what may be said, who may do what when, and what an action comes to. The tables of statuses,
 * roles and actions as such are looked at in life_test.c.
 */
#include "base/limits.h"
#include "domain/cold.h"
#include "world.h"

static const struct trib_actor admin = { .role = TRIB_ACCESS_ADMIN },
			       shop = { .role = TRIB_ACCESS_MERCHANT, .party_id = { "m1", 2 } },
			       other = { .role = TRIB_ACCESS_MERCHANT, .party_id = { "m2", 2 } },
			       leader = { .role = TRIB_ACCESS_LEADER, .party_id = { "l1", 2 } },
			       anna = { .role = TRIB_ACCESS_CREATOR, .party_id = { "c1", 2 } },
			       ben = { .role = TRIB_ACCESS_CREATOR, .party_id = { "c2", 2 } },
			       auditor = { .role = TRIB_ACCESS_AUDITOR };

static void seed(struct world *world)
{
	world_init(world);
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"roles\":[\"merchant\"]}");
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"m2\",\"roles\":[\"merchant\"]}");
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"l1\",\"roles\":[\"leader\"]}");
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"]}");
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"c2\",\"roles\":[\"creator\"]}");
	world_put(world, TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":9900}");
	world_put(world, TRIB_NOUN_GOODS, "{\"id\":\"g2\",\"merchant\":\"m1\",\"price\":100}");
	world_put(world, TRIB_NOUN_GOODS, "{\"id\":\"x1\",\"merchant\":\"m2\"}");
	world_put(world, TRIB_NOUN_PLAN,
		  "{\"id\":\"a1\",\"goods\":[\"g2\"],\"merchant\":\"m1\",\"kind\":\"activity\","
		  "\"terms\":{\"commission_bps\":1000,\"service_bps\":500,\"leader\":\"l1\"}}");
}

static trib_status put_as(struct world *world, const struct trib_actor *actor, enum trib_noun noun, const char *json)
{
	trib_domain_set_actor(world->domain, actor);
	trib_status status = world_try(world, noun, json);

	trib_domain_set_actor(world->domain, NULL);
	return status;
}

static const char *status_of(const struct world *world, enum trib_noun noun, const char *id)
{
	return trib_domain_cold(world->domain, noun, world_number(world, noun, id))->status;
}

/* ---- PUT ---------------------------------------------------------------------------------- */

static void may_be_put_so(void **state)
{
	static const struct {
		const struct trib_actor *actor;
		const char *json;
		trib_status status;
		const char *at;
	} rows[] = {
		{ &admin, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"]}", TRIB_OK, "" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\",\"g2\"]}", TRIB_OK, "" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creators\":[\"c1\",\"c2\"],\"goods\":[\"g1\"]}", TRIB_OK, "" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creators_when\":\"level >= 1\",\"goods\":[\"g1\"]}", TRIB_OK, "" },
		{ &leader, "{\"id\":\"i\",\"from\":\"l1\",\"creator\":\"c1\",\"goods\":[\"g2\"],\"terms\":{\"commission_bps\":1200,\"service_bps\":300}}", TRIB_OK, "" },
		{ &other, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"]}", TRIB_FORBIDDEN, "from" },
		{ &anna, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"]}", TRIB_FORBIDDEN, "from" },
		{ &other, "{\"id\":\"i\",\"from\":\"m2\",\"creator\":\"c1\",\"goods\":[\"g1\"]}", TRIB_INVALID, "from" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\",\"x1\"]}", TRIB_INVALID, "goods[1]" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g9\"]}", TRIB_INVALID, "goods[0]" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\"}", TRIB_INVALID, "goods" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"goods\":[\"g1\"]}", TRIB_INVALID, "creator" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"creators\":[\"c2\"],\"goods\":[\"g1\"]}", TRIB_INVALID, "creator" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"m1\",\"goods\":[\"g1\"]}", TRIB_INVALID, "creator" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c9\",\"goods\":[\"g1\"]}", TRIB_INVALID, "creator" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creators_when\":\"rain\",\"goods\":[\"g1\"]}", TRIB_INVALID, "creators_when:1" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"expires_at\":1000}", TRIB_INVALID, "expires_at" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"expires_at\":99000000000}", TRIB_INVALID, "expires_at" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"effective_to\":5}", TRIB_INVALID, "effective_to" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"slot_fee\":{\"amount\":0}}", TRIB_INVALID, "slot_fee.amount" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"slot_fee\":{\"amount\":5,\"currency\":\"XYZ\"}}", TRIB_INVALID, "slot_fee.currency" },
		{ &shop, "{\"id\":\"i\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"terms\":{\"leader\":\"l9\"}}", TRIB_INVALID, "terms.leader" },
		{ &leader, "{\"id\":\"i\",\"from\":\"l1\",\"creator\":\"c1\",\"goods\":[\"g1\"]}", TRIB_INVALID, "from" },
		{ &leader, "{\"id\":\"i\",\"from\":\"l1\",\"creator\":\"c1\",\"goods\":[\"g2\"],\"terms\":{\"commission_bps\":1501}}", TRIB_INVALID, "terms.commission_bps" },
		{ &leader, "{\"id\":\"i\",\"from\":\"l1\",\"creator\":\"c1\",\"goods\":[\"g2\"],\"terms\":{\"leader\":\"m1\"}}", TRIB_INVALID, "terms.leader" },
		{ &shop, "{\"id\":\"i2345678901234567890123456789012345678901234567890\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"]}", TRIB_INVALID, "id" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct world world;

		seed(&world);
		trib_status status = put_as(&world, rows[i].actor, TRIB_NOUN_INVITATION, rows[i].json);

		if (status != rows[i].status || (status != TRIB_OK && strcmp(world.error.at, rows[i].at) != 0))
			fail_msg("%s: %d at %s: %s", rows[i].json, status, world.error.at, world.error.text);
		world_fini(&world);
	}
}

static void is_sent_once(void **state)
{
	struct world world;

	seed(&world);
	world_put(&world, TRIB_NOUN_INVITATION, "{\"id\":\"i1\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"]}");
	assert_string_equal(status_of(&world, TRIB_NOUN_INVITATION, "i1"), "sent");
	world_put(&world, TRIB_NOUN_INVITATION, "{\"id\":\"i1\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"]}");
	assert_int_equal(world.decision.event_count, 0);
	assert_int_equal(world_try(&world, TRIB_NOUN_INVITATION,
				   "{\"id\":\"i1\",\"from\":\"m1\",\"creator\":\"c2\",\"goods\":[\"g1\"]}"),
			 TRIB_CONFLICT);
	assert_ok(world_close(&world, TRIB_NOUN_INVITATION, "i1"), world.error);
	world_put(&world, TRIB_NOUN_INVITATION, "{\"id\":\"i1\",\"from\":\"m1\",\"creator\":\"c2\",\"goods\":[\"g1\"]}");
	assert_string_equal(status_of(&world, TRIB_NOUN_INVITATION, "i1"), "sent");
	world_put(&world, TRIB_NOUN_INVITATION, "{\"id\":\"s1\",\"from\":\"m1\",\"creators\":[\"c1\"],\"goods\":[\"g1\"]}");
	assert_string_equal(status_of(&world, TRIB_NOUN_INVITATION, "s1"), "sending");
	world_fini(&world);
}

/* ---- Whose turn it is --------------------------------------------------------------------- */

enum { ACTIONS_MAX = 6 };

struct turn {
	const struct trib_actor *actor;
	const char *action;
	trib_status status;
};

#define COUNTER "{\"offer\":{\"terms\":{\"commission_bps\":2000}}}"

static void goes_from_hand_to_hand(void **state)
{
	/* The last action of each row is what it is about; those before it are done. */
	static const struct turn rows[][ACTIONS_MAX] = {
		{ { &anna, "accept", TRIB_OK } },
		{ { &admin, "accept", TRIB_OK } },
		{ { &ben, "accept", TRIB_FORBIDDEN } },
		{ { &auditor, "accept", TRIB_FORBIDDEN } },
		{ { &other, "accept", TRIB_FORBIDDEN } },
		{ { &shop, "accept", TRIB_REFUSED } },
		{ { &shop, "counter", TRIB_REFUSED } },
		{ { &shop, "decline", TRIB_REFUSED } },
		{ { &shop, "withdraw", TRIB_OK } },
		{ { &other, "withdraw", TRIB_FORBIDDEN } },
		{ { &anna, "withdraw", TRIB_FORBIDDEN } },
		{ { &anna, "expire", TRIB_FORBIDDEN } },
		{ { &admin, "expire", TRIB_REFUSED } },
		{ { &anna, "decline", TRIB_OK } },
		{ { &anna, "decline", TRIB_OK }, { &anna, "accept", TRIB_REFUSED } },
		{ { &anna, "counter", TRIB_OK }, { &anna, "accept", TRIB_REFUSED } },
		{ { &anna, "counter", TRIB_OK }, { &anna, "counter", TRIB_REFUSED } },
		{ { &anna, "counter", TRIB_OK }, { &anna, "decline", TRIB_OK } },
		{ { &anna, "counter", TRIB_OK }, { &shop, "accept", TRIB_OK } },
		{ { &anna, "counter", TRIB_OK }, { &shop, "decline", TRIB_OK } },
		{ { &anna, "counter", TRIB_OK }, { &shop, "withdraw", TRIB_OK } },
		{ { &anna, "counter", TRIB_OK }, { &shop, "counter", TRIB_OK }, { &anna, "accept", TRIB_OK } },
		{ { &anna, "counter", TRIB_OK }, { &shop, "counter", TRIB_OK }, { &shop, "accept", TRIB_REFUSED } },
		{ { &anna, "accept", TRIB_OK }, { &shop, "withdraw", TRIB_REFUSED } },
		{ { &anna, "accept", TRIB_OK }, { &shop, "settle_fee", TRIB_OK } },
		{ { &anna, "accept", TRIB_OK }, { &anna, "settle_fee", TRIB_FORBIDDEN } },
		{ { &anna, "accept", TRIB_OK }, { &shop, "return_fee", TRIB_FORBIDDEN } },
		{ { &anna, "accept", TRIB_OK }, { &admin, "return_fee", TRIB_OK }, { &admin, "return_fee", TRIB_REFUSED } },
		{ { &anna, "accept", TRIB_OK }, { &shop, "settle_fee", TRIB_OK }, { &admin, "return_fee", TRIB_OK } },
		{ { &admin, "settle_fee", TRIB_REFUSED } },
		{ { &admin, "dance", TRIB_NOT_FOUND } },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct world world;

		seed(&world);
		world_put(&world, TRIB_NOUN_INVITATION,
			  "{\"id\":\"i1\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"slot_fee\":{\"amount\":100}}");
		for (const struct turn *turn = rows[i]; turn < rows[i] + ACTIONS_MAX && turn->actor; turn++) {
			uint64_t before = trib_domain_digest(world.domain);
			trib_status status = world_act(&world, turn->actor, TRIB_NOUN_INVITATION, "i1", turn->action,
						 strcmp(turn->action, "counter") == 0 ? COUNTER : "{}");

			if (status != turn->status)
				fail_msg("row %zu: %s: %d, expected %d: %s: %s", i, turn->action, status, turn->status,
					 world.error.at, world.error.text);
			assert_true(status == TRIB_OK || before == trib_domain_digest(world.domain));
		}
		world_fini(&world);
	}
}

static void acceptance_makes_plan_and_sample(void **state)
{
	struct world world;
	char rounds[8];

	seed(&world);
	world_put(&world, TRIB_NOUN_INVITATION,
		  "{\"id\":\"i1\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\",\"g2\"],\"sample\":{\"sold\":1},"
		  "\"terms\":{\"commission_bps\":1500}}");
	assert_int_equal(world_act(&world, &anna, TRIB_NOUN_INVITATION, "i1", "counter", "{}"), TRIB_INVALID);
	assert_int_equal(world_act(&world, &anna, TRIB_NOUN_INVITATION, "i1", "counter",
			     "{\"offer\":{\"terms\":{\"leader\":\"nobody\"}}}"),
			 TRIB_INVALID);
	assert_ok(world_act(&world, &anna, TRIB_NOUN_INVITATION, "i1", "counter", COUNTER), world.error);
	assert_ok(world_act(&world, &shop, TRIB_NOUN_INVITATION, "i1", "accept", "{}"), world.error);
	const struct trib_plan *plan = trib_domain_plan(world.domain, world_number(&world, TRIB_NOUN_PLAN, "i1.plan"));

	assert_int_equal(plan->newest.kind, TRIB_WORD_TARGETED);
	assert_int_equal(plan->newest.commission_bps, 2000);
	assert_int_equal(plan->goods_count, 2);
	assert_int_equal(plan->newest.creators.count, 1);
	assert_string_equal(status_of(&world, TRIB_NOUN_SAMPLE, "i1.sample"), "approved");
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_SAMPLE, "i1.sample"), "\"invitation\":\"i1\""));
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_INVITATION, "i1"), "\"commission_bps\":1500"));
	/* Rounds are bounded. */
	world_put(&world, TRIB_NOUN_INVITATION, "{\"id\":\"i2\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"]}");
	for (int i = 0; i < TRIB_LIMIT_INVITATION_ROUNDS; i++)
		assert_ok(world_act(&world, &admin, TRIB_NOUN_INVITATION, "i2", "counter", COUNTER), world.error);
	assert_int_equal(world_act(&world, &admin, TRIB_NOUN_INVITATION, "i2", "counter", COUNTER), TRIB_REFUSED);
	snprintf(rounds, sizeof(rounds), "%d", TRIB_LIMIT_INVITATION_ROUNDS);
	assert_non_null(strstr(world.error.text, rounds));
	/* What expires is not open any more, whether or not anybody has said so. */
	world.now_ms += INT64_C(31) * 86400000;
	assert_int_equal(world_act(&world, &admin, TRIB_NOUN_INVITATION, "i2", "accept", "{}"), TRIB_REFUSED);
	assert_ok(world_act(&world, &admin, TRIB_NOUN_INVITATION, "i2", "expire", "{}"), world.error);
	world_fini(&world);
}

/* A guarantee gives back what is missing of it, in the proportion of what is missing. */
static void guarantees_give_back(void **state)
{
	static const struct {
		const char *ext, *state;
		int64_t returned;
	} rows[] = {
		{ "{\"ext\":{\"sold\":0}}", "returned", 1000 },	 { "{\"ext\":{\"sold\":1}}", "settled", 666 },
		{ "{\"ext\":{\"sold\":2}}", "settled", 333 },	 { "{\"ext\":{\"sold\":3}}", "settled", 0 },
		{ "{\"ext\":{\"sold\":9}}", "settled", 0 },	 { "{}", "returned", 1000 },
		{ "{\"ext\":{\"sold\":\"x\"}}", "returned", 1000 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct world world;
		char expected[64];

		seed(&world);
		world_put(&world, TRIB_NOUN_INVITATION,
			  "{\"id\":\"i1\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],"
			  "\"slot_fee\":{\"amount\":1000,\"guarantee\":{\"least\":3}}}");
		assert_ok(world_act(&world, &anna, TRIB_NOUN_INVITATION, "i1", "accept", "{}"), world.error);
		assert_ok(world_act(&world, &admin, TRIB_NOUN_INVITATION, "i1", "return_fee", rows[i].ext), world.error);
		const char *json = world_get(&world, TRIB_NOUN_INVITATION, "i1");

		snprintf(expected, sizeof(expected), "\"state\":\"%s\"", rows[i].state);
		assert_non_null(strstr(json, expected));
		snprintf(expected, sizeof(expected), "\"returned\":%lld", (long long)rows[i].returned);
		assert_true(rows[i].returned == 0 || strstr(json, expected));
		world_fini(&world);
	}
}

/* ---- Samples ------------------------------------------------------------------------------ */

static void samples_go_their_way(void **state)
{
	static const struct turn rows[][ACTIONS_MAX] = {
		{ { &shop, "approve", TRIB_OK }, { &shop, "ship", TRIB_OK }, { &anna, "receive", TRIB_OK }, { &shop, "fulfil", TRIB_OK } },
		{ { &shop, "approve", TRIB_OK }, { &anna, "receive", TRIB_OK }, { &anna, "fulfil", TRIB_FORBIDDEN } },
		{ { &shop, "approve", TRIB_OK }, { &anna, "receive", TRIB_OK }, { &admin, "lapse", TRIB_REFUSED } },
		{ { &shop, "approve", TRIB_OK }, { &anna, "receive", TRIB_OK }, { &admin, "list", TRIB_OK }, { &shop, "fulfil", TRIB_OK } },
		{ { &shop, "reject", TRIB_OK }, { &shop, "approve", TRIB_REFUSED } },
		{ { &other, "approve", TRIB_FORBIDDEN } },
		{ { &anna, "approve", TRIB_FORBIDDEN } },
		{ { &ben, "cancel", TRIB_FORBIDDEN } },
		{ { &anna, "cancel", TRIB_OK }, { &shop, "approve", TRIB_REFUSED } },
		{ { &anna, "receive", TRIB_REFUSED } },
		{ { &shop, "ship", TRIB_REFUSED } },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct world world;

		seed(&world);
		assert_ok(put_as(&world, &anna, TRIB_NOUN_SAMPLE,
				 "{\"id\":\"s1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"terms\":{\"sold\":2}}"),
			  world.error);
		for (const struct turn *turn = rows[i]; turn < rows[i] + ACTIONS_MAX && turn->actor; turn++) {
			trib_status status = world_act(&world, turn->actor, TRIB_NOUN_SAMPLE, "s1", turn->action, "{}");

			if (status != turn->status)
				fail_msg("row %zu: %s: %d, expected %d: %s: %s", i, turn->action, status, turn->status,
					 world.error.at, world.error.text);
		}
		world_fini(&world);
	}
}

static void samples_say(void **state)
{
	static const struct {
		const struct trib_actor *actor;
		const char *json;
		trib_status status;
		const char *at;
	} rows[] = {
		{ &anna, "{\"id\":\"s\",\"creator\":\"c1\",\"goods\":[\"g1\",\"g2\"]}", TRIB_OK, "" },
		{ &anna, "{\"id\":\"s\",\"creator\":\"c1\",\"goods\":[\"g2\"],\"plan\":\"a1\"}", TRIB_OK, "" },
		{ &ben, "{\"id\":\"s\",\"creator\":\"c1\",\"goods\":[\"g1\"]}", TRIB_FORBIDDEN, "creator" },
		{ &anna, "{\"id\":\"s\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"plan\":\"a1\"}", TRIB_INVALID, "goods[0]" },
		{ &anna, "{\"id\":\"s\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"plan\":\"p9\"}", TRIB_INVALID, "plan" },
		{ &anna, "{\"id\":\"s\",\"creator\":\"c1\",\"goods\":[\"g1\",\"x1\"]}", TRIB_INVALID, "goods[1]" },
		{ &anna, "{\"id\":\"s\",\"creator\":\"c1\"}", TRIB_INVALID, "goods" },
		{ &admin, "{\"id\":\"s\",\"creator\":\"c9\",\"goods\":[\"g1\"]}", TRIB_INVALID, "creator" },
	};
	struct world world;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		seed(&world);
		trib_status status = put_as(&world, rows[i].actor, TRIB_NOUN_SAMPLE, rows[i].json);

		if (status != rows[i].status || (status != TRIB_OK && strcmp(world.error.at, rows[i].at) != 0))
			fail_msg("%s: %d at %s: %s", rows[i].json, status, world.error.at, world.error.text);
		world_fini(&world);
	}
	/* Nothing promised: received is fulfilled; what was bought is given back, once, at the prices. */
	seed(&world);
	world_put(&world, TRIB_NOUN_SAMPLE,
		  "{\"id\":\"s1\",\"creator\":\"c1\",\"goods\":[\"g1\",\"g2\"],\"terms\":{\"rule\":\"buy_refund\",\"qty\":2}}");
	assert_ok(world_act(&world, &shop, TRIB_NOUN_SAMPLE, "s1", "approve", "{}"), world.error);
	assert_ok(world_act(&world, &anna, TRIB_NOUN_SAMPLE, "s1", "receive", "{}"), world.error);
	assert_string_equal(status_of(&world, TRIB_NOUN_SAMPLE, "s1"), "fulfilled");
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_SAMPLE, "s1"), "\"refunded\":20000"));
	assert_int_equal(world_act(&world, &shop, TRIB_NOUN_SAMPLE, "s1", "fulfil", "{}"), TRIB_REFUSED);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(may_be_put_so),
		cmocka_unit_test(is_sent_once),
		cmocka_unit_test(goes_from_hand_to_hand),
		cmocka_unit_test(acceptance_makes_plan_and_sample),
		cmocka_unit_test(guarantees_give_back),
		cmocka_unit_test(samples_go_their_way),
		cmocka_unit_test(samples_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
