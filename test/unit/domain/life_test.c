/*
 * Life cycles: every status × role × action of the table, and what an action does to a cold entity.
 */
#include "base/limits.h"
#include "domain/life.h"
#include "domain/private.h"
#include "world.h"

/* Is the word one of "a|b|c"? The stupid way. */
static bool among(const char *list, const char *word)
{
	char rest[256], *save = NULL;

	snprintf(rest, sizeof(rest), "%s", list);
	for (char *one = strtok_r(rest, "|", &save); one; one = strtok_r(NULL, "|", &save))
		if (strcmp(one, word) == 0)
			return true;
	return false;
}

struct status {
	enum trib_noun noun;
	const char *word;
};
static const struct status all[] = {
#define X(noun, word) { TRIB_NOUN_##noun, word },
	TRIB_LIFE_STATUS_TABLE(X)
#undef X
};

static bool known(enum trib_noun noun, const char *word)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(all); i++)
		if (all[i].noun == noun && strcmp(all[i].word, word) == 0)
			return true;
	return false;
}

static void rows_lead_between_known_statuses(void **state)
{
	for (size_t i = 0; i < trib_life_rows_count; i++) {
		const struct trib_life_row *row = &trib_life_rows[i];
		char rest[256], *save = NULL;

		assert_true(known(row->noun, row->to));
		assert_true(row->what[0]);
		snprintf(rest, sizeof(rest), "%s", row->from);
		for (char *one = strtok_r(rest, "|", &save); one; one = strtok_r(NULL, "|", &save)) {
			if (!known(row->noun, one))
				fail_msg("%s: %s is no status", row->action, one);
			for (size_t j = 0; j < i; j++)
				if (trib_life_rows[j].noun == row->noun &&
				    strcmp(trib_life_rows[j].action, row->action) == 0 &&
				    among(trib_life_rows[j].from, one))
					fail_msg("%s from %s stands there twice", row->action, one);
		}
	}
	for (int noun = 0; noun < TRIB_NOUN_COUNT; noun++) {
		if (trib_noun_is_cold((enum trib_noun)noun))
			assert_true(known((enum trib_noun)noun, "closed"));
	}
}

/* What a person who reads the table expects. */
static trib_status expected(enum trib_noun noun, const char *status, enum trib_access_role role, const char *action,
			    const char **ret_to)
{
	bool named = false;

	for (size_t i = 0; i < trib_life_rows_count; i++) {
		const struct trib_life_row *row = &trib_life_rows[i];

		if (row->noun != noun || strcmp(row->action, action) != 0)
			continue;
		named = true;
		if (!among(row->from, status))
			continue;
		*ret_to = row->to;
		return role <= TRIB_ACCESS_OPERATOR || role == TRIB_ACCESS_ENGINE || (row->may >> role & 1) ? TRIB_OK :
												   TRIB_FORBIDDEN;
	}
	return named ? TRIB_REFUSED : TRIB_NOT_FOUND;
}

static void every_status_role_and_action(void **state)
{
	size_t done = 0;

	for (size_t s = 0; s < TRIB_ARRAY_SIZE(all); s++)
		for (size_t i = 0; i <= trib_life_rows_count; i++)
			for (int role = 0; role < TRIB_ACCESS_ROLES; role++) {
				const char *action = i < trib_life_rows_count ? trib_life_rows[i].action : "dance";
				const struct trib_actor actor = { .role = (enum trib_access_role)role };
				const struct trib_life_row *row = NULL;
				const char *to = NULL;
				struct trib_error error;
				trib_status want = expected(all[s].noun, all[s].word, actor.role, action, &to);
				trib_status got = trib_life_check(all[s].noun, trib_bytes_text(action), all[s].word,
								  &actor, &row, &error);

				if (got != want || (got == TRIB_OK && strcmp(row->to, to) != 0))
					fail_msg("%s %s by %s: %d, expected %d", all[s].word, action,
						 trib_access_role_word(actor.role), got, want);
				done++;
			}
	assert_true(done > 0);
}

/* ---- A cold entity ------------------------------------------------------------------------ */

static void seed(struct world *world)
{
	world_init(world);
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"l1\",\"roles\":[\"leader\"]}");
	world_put(world, TRIB_NOUN_PARTY, "{\"id\":\"l2\",\"roles\":[\"leader\"]}");
	world_put(world, TRIB_NOUN_ACTIVITY, "{\"id\":\"a1\",\"leader\":\"l1\",\"title\":\"May\"}");
}

static trib_status act(struct world *world, const struct trib_actor *actor, const char *id, const char *action,
		       const char *json)
{
	return world_act(world, actor, TRIB_NOUN_ACTIVITY, id, action, json);
}

static void an_action_leads_on_and_is_remembered(void **state)
{
	static const struct trib_actor l1 = { .role = TRIB_ACCESS_LEADER, .party_id = { "l1", 2 }, .name = { "t1", 2 } },
				       l2 = { .role = TRIB_ACCESS_LEADER, .party_id = { "l2", 2 }, .name = { "t2", 2 } },
				       creator = { .role = TRIB_ACCESS_CREATOR, .party_id = { "c1", 2 } };
	static const struct {
		const struct trib_actor *actor;
		const char *id, *action, *json;
		trib_status status;
		const char *at;
	} rows[] = {
		{ &l1, "a9", "publish", "{}", TRIB_NOT_FOUND, "id" },
		{ &l1, "a1", "dance", "{}", TRIB_NOT_FOUND, "action" },
		{ &l1, "a1", "withdraw", "{}", TRIB_REFUSED, "status" },
		{ &l2, "a1", "publish", "{}", TRIB_FORBIDDEN, "leader" },
		{ &creator, "a1", "publish", "{}", TRIB_FORBIDDEN, "action" },
		{ &l1, "a1", "publish", "{\"reason\":\"ready\",\"at\":900,\"ext\":{\"n\":1}}", TRIB_OK, NULL },
		{ &l1, "a1", "publish", "{}", TRIB_REFUSED, "status" },
		{ NULL, "a1", "withdraw", "{}", TRIB_OK, NULL },
	};
	struct world world;

	seed(&world);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		uint64_t before = trib_domain_digest(world.domain);
		trib_status status = act(&world, rows[i].actor, rows[i].id, rows[i].action, rows[i].json);

		if (status != rows[i].status)
			fail_msg("row %zu: %d %s: %s", i, status, world.error.at, world.error.text);
		if (rows[i].at)
			assert_string_equal(world.error.at, rows[i].at);
		assert_true((status == TRIB_OK) == (before != trib_domain_digest(world.domain)));
	}
	assert_string_equal(
		world_get(&world, TRIB_NOUN_ACTIVITY, "a1"),
		"{\"id\":\"a1\",\"title\":\"May\",\"leader\":\"l1\",\"status\":\"draft\",\"history\":["
		"{\"action\":\"create\",\"status\":\"draft\",\"at\":1000,\"role\":\"engine\"},"
		"{\"action\":\"publish\",\"status\":\"published\",\"at\":1000,\"by\":\"t1\",\"role\":\"leader\","
		"\"reason\":\"ready\",\"said_at\":900,\"ext\":{\"n\":1}},"
		"{\"action\":\"withdraw\",\"status\":\"draft\",\"at\":1000,\"role\":\"engine\"}]}");
	assert_int_equal(world.decision.version, 3);
	world_fini(&world);
}

static void a_put_leaves_the_status_and_the_history(void **state)
{
	struct world world;

	seed(&world);
	assert_ok(act(&world, NULL, "a1", "publish", "{}"), world.error);
	world_put(&world, TRIB_NOUN_ACTIVITY, "{\"id\":\"a1\",\"leader\":\"l1\",\"title\":\"June\"}");
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_ACTIVITY, "a1"), "\"status\":\"published\",\"history\":["));
	assert_int_equal(world_try(&world, TRIB_NOUN_ACTIVITY, "{\"id\":\"a1\",\"leader\":\"l1\",\"status\":\"draft\"}"),
			 TRIB_REFUSED);
	assert_int_equal(world_try(&world, TRIB_NOUN_ACTIVITY, "{\"id\":\"a2\",\"leader\":\"l1\",\"status\":\"published\"}"),
			 TRIB_REFUSED);
	assert_int_equal(world_try(&world, TRIB_NOUN_ACTIVITY, "{\"id\":\"a2\",\"leader\":\"l9\"}"), TRIB_INVALID);
	world_put(&world, TRIB_NOUN_ACTIVITY,
		  "{\"id\":\"a1\",\"leader\":\"l1\",\"title\":\"June\",\"status\":\"published\"}");
	assert_int_equal(world.decision.event_count, 0);
	/* Closed, and begun anew. */
	assert_ok(world_close(&world, TRIB_NOUN_ACTIVITY, "a1"), world.error);
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_ACTIVITY, "a1"), "{\"action\":\"delete\",\"status\":\"closed\""));
	assert_string_equal(trib_domain_cold(world.domain, TRIB_NOUN_ACTIVITY, 1)->status, "closed");
	world_put(&world, TRIB_NOUN_ACTIVITY, "{\"id\":\"a1\",\"leader\":\"l1\"}");
	assert_string_equal(trib_domain_cold(world.domain, TRIB_NOUN_ACTIVITY, 1)->status, "draft");
	world_fini(&world);
}

static void the_oldest_of_a_long_history_are_dropped(void **state)
{
	struct world world;

	seed(&world);
	for (int i = 0; i < TRIB_LIMIT_HISTORY - 1; i++) {
		char json[64];

		snprintf(json, sizeof(json), "{\"reason\":\"r%d\"}", i);
		assert_ok(act(&world, NULL, "a1", i % 2 ? "withdraw" : "publish", json), world.error);
	}
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_ACTIVITY, "a1"), "\"r0\""));
	assert_ok(act(&world, NULL, "a1", "withdraw", "{\"reason\":\"last\"}"), world.error);
	assert_null(strstr(world_get(&world, TRIB_NOUN_ACTIVITY, "a1"), "\"r0\""));
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_ACTIVITY, "a1"), "\"r1\""));
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_ACTIVITY, "a1"), "\"last\""));
	/* But for who made it. */
	assert_non_null(strstr(world_get(&world, TRIB_NOUN_ACTIVITY, "a1"), "\"history\":[{\"action\":\"create\""));
	world_fini(&world);
}

static void replay_and_store_come_to_the_same(void **state)
{
	struct world world;
	struct trib_error error;
	const char *reason = "";
	size_t count;

	seed(&world);
	assert_ok(act(&world, NULL, "a1", "publish", "{\"reason\":\"r\"}"), world.error);
	world_put(&world, TRIB_NOUN_ACTIVITY, "{\"id\":\"a2\",\"leader\":\"l2\"}");
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
	assert_string_equal(trib_domain_cold(loaded, TRIB_NOUN_ACTIVITY, 1)->status, "published");
	assert_int_equal(trib_domain_cold(loaded, TRIB_NOUN_ACTIVITY, 1)->version, 2);
	trib_domain_freeze_free(freeze);
	trib_domain_free(again);
	trib_domain_free(loaded);
	world_fini(&world);
}

/* The journal of another release, or of somebody else. */
static void events_that_no_decision_made_are_refused(void **state)
{
	static const struct {
		uint32_t number, version;
		const char *id, *status;
	} rows[] = {
		{ 1, 1, "a1", "draft" }, { 3, 1, "a3", "draft" }, { 2, 2, "a2", "draft" },
		{ 2, 1, "a1", "draft" }, { 2, 1, "a2", "lost" },  { 2, 1, "a2", NULL },
		{ 2, 1, NULL, "draft" },
	};
	struct world world;

	seed(&world);
	uint64_t before = trib_domain_digest(world.domain);

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		Tributary__Event event = TRIBUTARY__EVENT__INIT;
		Tributary__ActivityPut put = TRIBUTARY__ACTIVITY_PUT__INIT;
		Tributary__Activity activity = TRIBUTARY__ACTIVITY__INIT;

		activity.id = (char *)rows[i].id;
		activity.status = (char *)rows[i].status;
		put.has_number = put.has_version = true;
		put.number = rows[i].number;
		put.version = rows[i].version;
		put.activity = &activity;
		event.kind_case = TRIBUTARY__EVENT__KIND_ACTIVITY_PUT;
		event.activity_put = &put;
		assert_int_equal(trib_domain_apply(world.domain, &event, &world.error), TRIB_CORRUPT);
		put.activity = NULL;
		assert_int_equal(trib_domain_apply(world.domain, &event, &world.error), TRIB_CORRUPT);
		assert_true(before == trib_domain_digest(world.domain));
	}
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_lead_between_known_statuses),
		cmocka_unit_test(every_status_role_and_action),
		cmocka_unit_test(an_action_leads_on_and_is_remembered),
		cmocka_unit_test(a_put_leaves_the_status_and_the_history),
		cmocka_unit_test(the_oldest_of_a_long_history_are_dropped),
		cmocka_unit_test(replay_and_store_come_to_the_same),
		cmocka_unit_test(events_that_no_decision_made_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
