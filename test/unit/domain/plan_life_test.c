/*
 * What is done to plans: drafts give no terms, actions are versions again, what lies ahead can be taken out.
 */
#include "domain/life.h"
#include "domain/private.h"
#include "world.h"

static void seed(struct world *world)
{
	world_init(world);
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"roles\":[\"merchant\"]}");
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"]}");
	world_put(world, TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\"}");
}

/* From `from` on (0: now) at a rate, in a status (NULL: none stated). */
static trib_status put_plan(struct world *world, const char *id, int64_t from_ms, int rate, const char *status)
{
	char json[256];

	snprintf(json, sizeof(json),
		 "{\"id\":\"%s\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":%d},"
		 "\"effective_from\":%lld%s%s%s}",
		 id, rate, (long long)from_ms, status ? ",\"status\":\"" : "", status ? status : "", status ? "\"" : "");
	return world_try(world, TRIB_NOUN_PLAN, json);
}

static trib_status act_as(struct world *world, enum trib_access_role role, const char *id, const char *action)
{
	const struct trib_actor actor = { .role = role, .party_id = { "m1", 2 } };
	const char *to = NULL;

	trib_arena_reset(&world->arena);
	trib_domain_set_actor(world->domain, &actor);
	trib_status status = trib_domain_decide_action(world->domain, TRIB_NOUN_PLAN, trib_bytes_text(id),
						       trib_bytes_text(action), NULL, world->now_ms, &world->arena,
						       &world->decision, &to, &world->error);

	trib_domain_set_actor(world->domain, NULL);
	if (status == TRIB_OK)
		world_apply(world);
	return status;
}

/* Commission of g1 for c1 at a time; below 0 the outcome that there is none by. */
static int rate_at(const struct world *world, int64_t at_ms)
{
	struct trib_terms_request request = { .goods = world_number(world, TRIB_NOUN_GOODS, "g1"),
					      .creator = world_number(world, TRIB_NOUN_PARTY, "c1"),
					      .at_ms = at_ms,
					      .lock_ms = at_ms };
	struct trib_terms terms;

	trib_terms_resolve(world->domain, &request, &terms);
	return terms.outcome ? -(int)terms.outcome : terms.commission_bps;
}

enum { MERCHANT = TRIB_ACCESS_MERCHANT, OPERATOR = TRIB_ACCESS_OPERATOR };

/* Each row begins with a plan put at 1000 in the first status; then the actions at 2000, then the rate at 3000. */
static void drafts_wait_for_approval(void **state)
{
	static const struct {
		const char *status;
		struct {
			int role;
			const char *action; /* or a status that a PUT states: "=active"; "=" for none */
			trib_status status;
		} steps[5];
		int rate;
	} rows[] = {
		{ NULL, { { 0 } }, 1000 },
		{ "active", { { 0 } }, 1000 },
		{ "draft", { { 0 } }, -TRIB_OUTCOME_NO_PLAN },
		{ "review", { { 0 } }, -TRIB_OUTCOME_NO_PLAN },
		{ "draft", { { MERCHANT, "submit", TRIB_OK } }, -TRIB_OUTCOME_NO_PLAN },
		{ "draft", { { MERCHANT, "submit", TRIB_OK }, { OPERATOR, "approve", TRIB_OK } }, 1000 },
		{ "draft", { { MERCHANT, "submit", TRIB_OK }, { MERCHANT, "approve", TRIB_FORBIDDEN } }, -TRIB_OUTCOME_NO_PLAN },
		{ "draft", { { OPERATOR, "approve", TRIB_REFUSED } }, -TRIB_OUTCOME_NO_PLAN },
		{ "review", { { OPERATOR, "reject", TRIB_OK }, { OPERATOR, "approve", TRIB_REFUSED } }, -TRIB_OUTCOME_NO_PLAN },
		{ "draft", { { MERCHANT, "=", TRIB_OK } }, -TRIB_OUTCOME_NO_PLAN },
		{ "review", { { MERCHANT, "=", TRIB_OK }, { OPERATOR, "approve", TRIB_REFUSED } }, -TRIB_OUTCOME_NO_PLAN },
		{ "draft", { { MERCHANT, "=active", TRIB_FORBIDDEN } }, -TRIB_OUTCOME_NO_PLAN },
		{ "draft", { { OPERATOR, "=active", TRIB_OK } }, 1000 },
		{ "active", { { MERCHANT, "=draft", TRIB_REFUSED } }, 1000 },
		{ "active", { { MERCHANT, "pause", TRIB_OK } }, -TRIB_OUTCOME_PLAN_PAUSED },
		{ "active", { { MERCHANT, "pause", TRIB_OK }, { MERCHANT, "resume", TRIB_OK } }, 1000 },
		{ "active", { { MERCHANT, "pause", TRIB_OK }, { MERCHANT, "=", TRIB_OK } }, 1000 },
		{ "active", { { MERCHANT, "end", TRIB_OK }, { MERCHANT, "resume", TRIB_REFUSED } }, -TRIB_OUTCOME_PLAN_ENDED },
		{ "paused", { { MERCHANT, "end", TRIB_OK } }, -TRIB_OUTCOME_PLAN_ENDED },
		{ "active", { { TRIB_ACCESS_CREATOR, "pause", TRIB_FORBIDDEN } }, 1000 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct world world;

		seed(&world);
		assert_ok(put_plan(&world, "p1", 0, 1000, rows[i].status), world.error);
		world.now_ms = 2000;
		for (size_t j = 0; j < 5 && rows[i].steps[j].action; j++) {
			const char *action = rows[i].steps[j].action;
			struct trib_actor actor = { .role = (enum trib_access_role)rows[i].steps[j].role, .party_id = { "m1", 2 } };
			trib_status got;

			if (action[0] == '=') {
				trib_domain_set_actor(world.domain, &actor);
				got = put_plan(&world, "p1", 0, 1000, action[1] ? action + 1 : NULL);
				trib_domain_set_actor(world.domain, NULL);
			} else {
				got = act_as(&world, actor.role, "p1", action);
			}
			if (got != rows[i].steps[j].status)
				fail_msg("row %zu, %s: %d %s", i, action, got, world.error.text);
		}
		if (rate_at(&world, 3000) != rows[i].rate)
			fail_msg("row %zu: found %d, expected %d", i, rate_at(&world, 3000), rows[i].rate);
		world_fini(&world);
	}
}

static void check_schedule(struct world *world, const char *expected)
{
	uint32_t number = world_number(world, TRIB_NOUN_PLAN, "p1"), count;
	struct trib_scheduled *items;
	char text[256] = "";
	size_t size = 0;

	trib_arena_reset(&world->arena);
	assert_ok(trib_domain_schedule(world->domain, number, world->now_ms, &world->arena, &items, &count,
				       &world->error),
		  world->error);
	for (uint32_t i = 0; i < count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%lld%s %d %s", i ? ", " : "",
					 (long long)items[i].from_ms, items[i].in_force ? " now" : "",
					 items[i].plan->terms->commission_bps, items[i].plan->status);
	assert_string_equal(text, expected);
}

static uint32_t version_from(struct world *world, int64_t from_ms)
{
	struct trib_scheduled *items;
	uint32_t count;

	trib_arena_reset(&world->arena);
	assert_ok(trib_domain_schedule(world->domain, 1, world->now_ms, &world->arena, &items, &count, &world->error),
		  world->error);
	for (uint32_t i = 0; i < count; i++)
		if (items[i].from_ms == from_ms)
			return items[i].version;
	return 99;
}

static trib_status cancel(struct world *world, int64_t from_ms)
{
	uint32_t version = version_from(world, from_ms);

	trib_arena_reset(&world->arena);
	trib_status status = trib_domain_decide_unschedule(world->domain, trib_bytes_text("p1"), version, world->now_ms,
							   &world->arena, &world->decision, &world->error);

	if (status == TRIB_OK)
		world_apply(world);
	return status;
}

static void what_lies_ahead_is_listed_and_taken_out(void **state)
{
	struct world world;

	seed(&world);
	assert_ok(put_plan(&world, "p1", 0, 1000, NULL), world.error);
	check_schedule(&world, "1000 now 1000 active");
	assert_ok(put_plan(&world, "p1", 9000, 900, NULL), world.error);
	assert_ok(put_plan(&world, "p1", 5000, 500, NULL), world.error); /* covers what was to begin at 9000 */
	check_schedule(&world, "1000 now 1000 active, 5000 500 active");
	assert_ok(put_plan(&world, "p1", 7000, 700, NULL), world.error);
	check_schedule(&world, "1000 now 1000 active, 5000 500 active, 7000 700 active");
	assert_int_equal(cancel(&world, 1000), TRIB_REFUSED);
	assert_ok(cancel(&world, 5000), world.error);
	check_schedule(&world, "1000 now 1000 active, 7000 700 active");
	assert_int_equal(rate_at(&world, 6000), 1000);
	assert_int_equal(rate_at(&world, 8000), 700);
	assert_ok(cancel(&world, 7000), world.error);
	check_schedule(&world, "1000 now 1000 active"); /* and nothing lies ahead that would hold others up */
	assert_int_equal(rate_at(&world, 8000), 1000);
	/* Time goes on: what has begun lies ahead no more. */
	assert_ok(put_plan(&world, "p1", 8000, 800, NULL), world.error);
	world.now_ms = 8500;
	check_schedule(&world, "8000 now 800 active");
	assert_int_equal(cancel(&world, 8000), TRIB_REFUSED);
	world_fini(&world);
}

static void a_pause_does_not_forget_what_lies_ahead(void **state)
{
	struct world world;

	seed(&world);
	assert_ok(put_plan(&world, "p1", 0, 1000, NULL), world.error);
	assert_ok(put_plan(&world, "p1", 5000, 500, NULL), world.error);
	world.now_ms = 2000;
	assert_ok(act_as(&world, TRIB_ACCESS_MERCHANT, "p1", "pause"), world.error);
	assert_int_equal(world.decision.event_count, 2);
	check_schedule(&world, "2000 now 1000 paused, 5000 500 paused");
	world.now_ms = 3000;
	assert_ok(act_as(&world, TRIB_ACCESS_MERCHANT, "p1", "resume"), world.error);
	check_schedule(&world, "3000 now 1000 active, 5000 500 active");
	assert_int_equal(rate_at(&world, 1500), 1000);
	assert_int_equal(rate_at(&world, 2500), -TRIB_OUTCOME_PLAN_PAUSED);
	assert_int_equal(rate_at(&world, 4000), 1000);
	assert_int_equal(rate_at(&world, 6000), 500);
	/* Where a table of statuses rules, it is told. */
	assert_ok(world_status(&world, TRIB_NOUN_PLAN, "p1", "{\"status\":\"paused\",\"from\":3500}"), world.error);
	world.now_ms = 3600;
	assert_ok(act_as(&world, TRIB_ACCESS_MERCHANT, "p1", "resume"), world.error);
	assert_int_equal(rate_at(&world, 3550), -TRIB_OUTCOME_PLAN_PAUSED);
	assert_int_equal(rate_at(&world, 4000), 1000);
	assert_int_equal(rate_at(&world, 6000), 500);
	world_fini(&world);
}

static void a_draft_of_the_future_begins_when_it_was_to(void **state)
{
	struct world world;

	seed(&world);
	assert_ok(put_plan(&world, "p1", 5000, 500, "draft"), world.error);
	assert_int_equal(rate_at(&world, 1000), -TRIB_OUTCOME_NO_PLAN);
	assert_ok(act_as(&world, TRIB_ACCESS_MERCHANT, "p1", "submit"), world.error);
	assert_ok(act_as(&world, TRIB_ACCESS_OPERATOR, "p1", "approve"), world.error);
	assert_int_equal(rate_at(&world, 1000), -TRIB_OUTCOME_PLAN_NOT_STARTED);
	assert_int_equal(rate_at(&world, 5000), 500);
	world_fini(&world);
}

/* Times of November 2026, of which the 23rd is a Monday; local time of Shanghai. */
enum { DAY = 23 };
#define LOCAL(day, hour, minute)                                                                   \
	(INT64_C(1795363200000) + (((day) - DAY) * 1440 + (hour) * 60 + (minute)) * INT64_C(60000))

static void a_plan_is_open_in_its_hours(void **state)
{
	static const struct {
		const char *schedule;
		int64_t at_ms;
		int rate;
	} rows[] = {
		{ "", LOCAL(23, 3, 0), 1000 },
		{ "{\"from\":\"09:00\",\"to\":\"22:00\"}", LOCAL(23, 8, 59), -TRIB_OUTCOME_PLAN_PAUSED },
		{ "{\"from\":\"09:00\",\"to\":\"22:00\"}", LOCAL(23, 9, 0), 1000 },
		{ "{\"from\":\"09:00\",\"to\":\"22:00\"}", LOCAL(23, 21, 59), 1000 },
		{ "{\"from\":\"09:00\",\"to\":\"22:00\"}", LOCAL(23, 22, 0), -TRIB_OUTCOME_PLAN_PAUSED },
		{ "{\"days\":[6,7]}", LOCAL(23, 0, 0), -TRIB_OUTCOME_PLAN_PAUSED },
		{ "{\"days\":[6,7]}", LOCAL(27, 23, 59), -TRIB_OUTCOME_PLAN_PAUSED },
		{ "{\"days\":[6,7]}", LOCAL(28, 0, 0), 1000 },
		{ "{\"days\":[6,7]}", LOCAL(29, 23, 59), 1000 },
		{ "{\"days\":[1],\"to\":\"02:00\"},{\"days\":[7],\"from\":\"23:00\"}", LOCAL(23, 1, 59), 1000 },
		{ "{\"days\":[1],\"to\":\"02:00\"},{\"days\":[7],\"from\":\"23:00\"}", LOCAL(22, 23, 0), 1000 },
		{ "{\"days\":[1],\"to\":\"02:00\"},{\"days\":[7],\"from\":\"23:00\"}", LOCAL(22, 1, 0), -TRIB_OUTCOME_PLAN_PAUSED },
	};
	static const char *const bad[] = { "{\"from\":\"9:00\"}", "{\"from\":\"12:60\"}", "{\"to\":\"24:01\"}",
					   "{\"from\":\"10:00\",\"to\":\"10:00\"}", "{\"days\":[0]}", "{\"days\":[8]}",
					   "{},{},{},{},{}" };
	char json[256];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct world world;

		seed(&world);
		snprintf(json, sizeof(json),
			 "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1000},\"schedule\":[%s]}",
			 rows[i].schedule);
		world_put(&world, TRIB_NOUN_PLAN, json);
		if (rate_at(&world, rows[i].at_ms) != rows[i].rate)
			fail_msg("row %zu: found %d", i, rate_at(&world, rows[i].at_ms));
		world_fini(&world);
	}
	struct world world;

	seed(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(bad); i++) {
		snprintf(json, sizeof(json), "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"schedule\":[%s]}", bad[i]);
		if (world_try(&world, TRIB_NOUN_PLAN, json) != TRIB_INVALID)
			fail_msg("%s was taken", bad[i]);
	}
	world_fini(&world);
}

/* c1 is first put on day 0, which is not known for sure; c2 on day 100. */
static void a_plan_may_be_for_new_creators(void **state)
{
	const int64_t day_ms = 86400000;
	struct world world;

	seed(&world);
	world.now_ms = 100 * day_ms + 5;
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c2\",\"roles\":[\"creator\"]}");
	world_put(&world, TRIB_NOUN_PLAN,
		  "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":900}}");
	world_put(&world, TRIB_NOUN_PLAN,
		  "{\"id\":\"p2\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"new_creators\":\"30d\",\"terms\":{\"commission_bps\":2000}}");
	world.now_ms = 150 * day_ms;
	world_put(&world, TRIB_NOUN_PARTY, "{\"id\":\"c2\",\"roles\":[\"creator\"],\"level\":9}");
	for (int replayed = 0; replayed < 2; replayed++) {
		struct trib_domain *domain = replayed ? world_replay(&world) : world.domain;

		for (int day = 100; day < 140; day++) {
			struct trib_terms_request request = { .goods = 1, .creator = world_number(&world, TRIB_NOUN_PARTY, "c2"),
							      .at_ms = day * day_ms + 10, .lock_ms = day * day_ms + 10 };
			struct trib_terms terms;

			trib_terms_resolve(domain, &request, &terms);
			assert_int_equal(terms.commission_bps, day < 130 ? 2000 : 900);
			request.creator = world_number(&world, TRIB_NOUN_PARTY, "c1");
			trib_terms_resolve(domain, &request, &terms);
			assert_int_equal(terms.commission_bps, 900);
		}
		if (replayed)
			trib_domain_free(domain);
	}
	world_fini(&world);
}

static void the_same_after_replay_and_from_the_store(void **state)
{
	struct world world;
	struct trib_error error;
	const char *reason = "";
	size_t count;

	seed(&world);
	assert_ok(put_plan(&world, "p1", 0, 1000, "draft"), world.error);
	assert_ok(act_as(&world, TRIB_ACCESS_MERCHANT, "p1", "submit"), world.error);
	assert_ok(act_as(&world, TRIB_ACCESS_OPERATOR, "p1", "approve"), world.error);
	assert_ok(put_plan(&world, "p1", 5000, 500, NULL), world.error);
	assert_ok(put_plan(&world, "p1", 7000, 700, NULL), world.error);
	struct trib_domain *again = world_replay(&world), *loaded = trib_domain_new(&world_key);
	struct trib_domain_freeze *freeze = trib_domain_freeze(world.domain);
	const struct trib_domain_row *rows = trib_domain_freeze_rows(freeze, &count);

	for (size_t i = 0; i < count; i++)
		assert_ok(trib_domain_load(loaded, rows[i].table, trib_bytes(rows[i].key, rows[i].key_size),
					   rows[i].value, &error),
			  error);
	assert_ok(trib_domain_load_done(loaded, &error), error);
	if (!trib_domain_check(loaded, &reason))
		fail_msg("%s", reason);
	assert_true(trib_domain_digest(again) == trib_domain_digest(world.domain));
	assert_true(trib_domain_digest(loaded) == trib_domain_digest(world.domain));
	assert_int_equal(trib_plan_past(loaded, 1)->note_count, 3);
	assert_int_equal(trib_plan_past(loaded, 1)->kept_count, 2);
	trib_domain_freeze_free(freeze);
	trib_domain_free(again);
	trib_domain_free(loaded);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drafts_wait_for_approval),
		cmocka_unit_test(what_lies_ahead_is_listed_and_taken_out),
		cmocka_unit_test(a_pause_does_not_forget_what_lies_ahead),
		cmocka_unit_test(a_draft_of_the_future_begins_when_it_was_to),
		cmocka_unit_test(a_plan_is_open_in_its_hours),
		cmocka_unit_test(a_plan_may_be_for_new_creators),
		cmocka_unit_test(the_same_after_replay_and_from_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
