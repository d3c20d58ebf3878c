/*
 * A flow that fails anywhere leaves no trace. Random flows through the real engine, at every door that runs one; a step
 * that fails is put before each of their steps in turn, and behind the last. What it is about is called "bad…", and
 * nothing of that name may be found afterwards: the whole state, the journal and the outbox are as they were.
 */
#include "unit/engine/world.h"

#include "base/rng.h"
#include "unit/engine/digest.h"

enum { WEBHOOKS = 2, STEPS_MAX = 4, FLOWS = 6 };

/* --- Plays ---------------------------------------------------------------------------------------------- */

static const char play_yaml[] = "name: p\nwhen: 'true'\ncapabilities:\n"
				"  creator.score: [{lua: loop}]\n"
				"  goods.withdraw: [{lua: eat}]\n"
				"  plan.end: [{lua: crash}]\n"
				"  settle.due: [{cel: 1 / (received_at - received_at)}]\n"
				"  payout.admit: [{cel: '\"never\"'}]\n";
static const char hooks_lua[] = "function loop() while true do end end\n"
				"function eat() local t = '' for i = 1, 99 do t = t .. i .. t end end\n"
				"function crash() error({}) end\n";

/* A new version, active from now on. */
static void install(const char *yaml, const char *flow)
{
	const struct world_file files[] = { { "play.yaml", yaml }, { "hooks.lua", hooks_lua }, { "flow.yaml", flow } };

	world_play("p", files, flow ? 3 : 2, true);
}

/* Steps that go well: each with the effects that it leaves, one for each webhook that asks, and approvals. */
static const struct {
	const char *step;
	unsigned effects, approvals;
} good_steps[] = {
	{ "do: notify, with: {kind: '\"a.b\"', to: '\"m1\"', body: '{\"n\": 1}'}", 2, 0 },
	{ "do: notify, with: {kind: '\"z.z\"'}", 1, 0 },
	{ "do: webhook, with: {kind: '\"a.c\"'}", 2, 0 },
	{ "do: approval.ask, with: {what: '\"look\"'}", 0, 1 },
	{ "do: party.validate", 0, 0 },
	{ "do: notify", 1, 0 },
	{ "when: 'true', then: [{do: notify, with: {kind: '\"a.b\"'}}, {do: goods.validate}]", 2, 0 },
	{ "when: '1 > 2', refuse: never", 0, 0 },
	{ "when: '1 > 2', then: [{do: notify}], else: [{do: approval.ask, with: {what: '\"x\"'}}]", 0, 1 },
};

#define LONG "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""
#define FOUR "{do: notify}, {do: notify}, {do: notify}, {do: notify}"

/* Steps that fail, and how. */
static const struct {
	const char *step;
	trib_status status;
} bad_steps[] = {
	{ "refuse: no", TRIB_REFUSED },
	{ "do: payout.admit", TRIB_REFUSED },
	{ "do: creator.score", TRIB_LIMIT },
	{ "do: goods.withdraw", TRIB_LIMIT },
	{ "do: plan.end", TRIB_INVALID },
	{ "do: settle.due", TRIB_INVALID },
	{ "do: plan.risk, with: {commission_bps: 1 / (now - now)}", TRIB_INVALID },
	{ "do: notify, with: {kind: '\"no kind\"'}", TRIB_INVALID },
	{ "do: notify, with: {kind: '\"a.*\"'}", TRIB_INVALID },
	{ "do: notify, with: {kind: '\"a.b\"', to: '" LONG "'}", TRIB_TOO_LARGE },
	{ "then: [" FOUR ", " FOUR ", " FOUR ", " FOUR ", {do: notify}]", TRIB_LIMIT },
};

enum { SILENT_BAD_STEPS = 7 }; /* those before the first that tells */

struct flow {
	char text[4096];
	unsigned steps[STEPS_MAX], count, effects, approvals;
};

static void draw(struct trib_rng *rng, struct flow *flow)
{
	*flow = (struct flow){ .count = (unsigned)trib_rng_below(rng, STEPS_MAX + 1) };
	for (unsigned i = 0; i < flow->count; i++) {
		flow->steps[i] = (unsigned)trib_rng_below(rng, TRIB_ARRAY_SIZE(good_steps));
		flow->effects += good_steps[flow->steps[i]].effects;
		flow->approvals += good_steps[flow->steps[i]].approvals;
	}
}

/* As YAML: the step that fails for what is bad stands before the place, `extra` at the end. */
static void write(struct flow *flow, const char *name, const char *is_bad, const char *bad, unsigned place, const char *extra)
{
	size_t size = (size_t)snprintf(flow->text, sizeof(flow->text), "flows:\n  %s:\n    - {do: party.validate}\n", name);

	for (unsigned i = 0; i <= flow->count; i++) {
		if (i == place)
			size += (size_t)snprintf(flow->text + size, sizeof(flow->text) - size, "    - {when: \"%s\", %s}\n",
						 is_bad, bad);
		if (i < flow->count)
			size += (size_t)snprintf(flow->text + size, sizeof(flow->text) - size, "    - {%s}\n",
						 good_steps[flow->steps[i]].step);
	}
	snprintf(flow->text + size, sizeof(flow->text) - size, "%s", extra);
}

/* --- Traces --------------------------------------------------------------------------------------------- */

struct state {
	uint64_t position, pending;
	uint32_t approvals;
	struct trib_buffer digest;
};

static void look(struct state *state)
{
	struct trib_engine_counts counts;

	trib_buffer_init(&state->digest, DIGEST_BYTES_MAX);
	digest_dump(world.engine, DIGEST_POSITIONS, &state->digest);
	trib_engine_count(world.engine, &counts);
	state->position = counts.position;
	state->pending = counts.outbox_pending;
	state->approvals = trib_domain_count(trib_engine_domain(world.engine), TRIB_NOUN_APPROVAL);
}

static void expect_nothing(const struct state *before, const char *what)
{
	struct trib_engine_counts counts;

	trib_engine_count(world.engine, &counts);
	if (counts.position != before->position || counts.outbox_pending != before->pending)
		fail_msg("%s: position %llu, %llu deliveries; expected %llu, %llu", what, (unsigned long long)counts.position,
			 (unsigned long long)counts.outbox_pending, (unsigned long long)before->position,
			 (unsigned long long)before->pending);
}

static void expect_same(struct state *before, const char *what)
{
	struct state now;

	look(&now);
	digest_assert_equal(what, trib_buffer_bytes(&now.digest), trib_buffer_bytes(&before->digest));
	expect_nothing(before, what);
	trib_buffer_fini(&now.digest);
	trib_buffer_fini(&before->digest);
}

/* Stands the text anywhere in the journal, from a position on? */
static bool journal_has(uint64_t from, const char *text)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	bool found = false;

	trib_engine_settle(world.engine);
	assert_ok(trib_journal_reader_new(world.engine->journal, 0, &reader, &world_error), world_error);
	while (trib_journal_reader_next(reader, &record, &world_error) == TRIB_OK)
		found |= record.position + record.payload.size > from &&
			 memmem(record.payload.data, record.payload.size, text, strlen(text));
	trib_journal_reader_free(reader);
	return found;
}

/* --- Doors ---------------------------------------------------------------------------------------------- */

static unsigned next_id;

static void make_json(const char *format, const char *id, const char *more, char *ret_json, size_t size)
{
	snprintf(ret_json, size, format, id, id);
	snprintf(strrchr(ret_json, '}'), size - strlen(ret_json), "%s}", more);
}

static const struct put_door {
	const char *flow, *is_bad, *json;
	enum trib_noun noun;
	bool waits;
} put_doors[] = {
	{ "party.put", "party.id.startsWith('bad')", "{\"id\":\"%s\",\"roles\":[\"creator\"]}", TRIB_NOUN_PARTY, false },
	{ "goods.put", "goods.id.startsWith('bad')", "{\"id\":\"%s\",\"merchant\":\"m1\",\"price\":100}", TRIB_NOUN_GOODS, true },
	{ "plan.put", "plan.id.startsWith('bad')",
	  "{\"id\":\"%s\",\"merchant\":\"m1\",\"goods\":[\"g2\"],\"terms\":{\"commission_bps\":1000}}", TRIB_NOUN_PLAN, true },
	{ "activity.put", "activity.id.startsWith('bad')", "{\"id\":\"%s\",\"leader\":\"l1\",\"title\":\"t\"}", TRIB_NOUN_ACTIVITY,
	  true },
	{ "enrolment.put", "enrolment.id.startsWith('bad')",
	  "{\"id\":\"%s\",\"activity\":\"a1\",\"goods\":\"of-%s\",\"merchant\":\"m1\",\"commission_bps\":2500,\"service_bps\":500}",
	  TRIB_NOUN_ENROLMENT, false },
	{ "sample.put", "sample.id.startsWith('bad')", "{\"id\":\"%s\",\"creator\":\"c1\",\"goods\":[\"g1\"]}", TRIB_NOUN_SAMPLE,
	  false },
	{ "invitation.put", "invitation.id.startsWith('bad')",
	  "{\"id\":\"%s\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":2000}}", TRIB_NOUN_INVITATION,
	  false },
};

/* What an entity needs beside it, outside of every play. */
static void need(const struct put_door *door, const char *id)
{
	char json[256];

	if (door->noun != TRIB_NOUN_ENROLMENT)
		return;
	snprintf(json, sizeof(json), "{\"id\":\"of-%s\",\"merchant\":\"m1\",\"price\":500,\"play\":\"default\"}", id);
	world_put(TRIB_NOUN_GOODS, json);
}

static trib_status put(const struct put_door *door, const char *id, const char *more, bool dry_run)
{
	char json[512];

	make_json(door->json, id, more, json, sizeof(json));
	return world_ask((struct trib_call){ .kind = TRIB_CALL_PUT, .noun = door->noun, .name = trib_bytes_text(id), .dry_run = dry_run },
			trib_noun_descriptor(door->noun), json);
}

enum { LINES = 3 };

static void import(const struct put_door *door, const char ids[LINES][24], bool atomic, trib_status ret_status[LINES])
{
	const ProtobufCMessage *items[LINES];
	struct trib_error errors[LINES];
	ProtobufCMessage *message;
	struct trib_arena arena;
	char json[512];

	trib_arena_init(&arena, 1 << 24);
	for (int i = 0; i < LINES; i++) {
		make_json(door->json, ids[i], "", json, sizeof(json));
		assert_ok(trib_proto_from_json(trib_noun_descriptor(door->noun), trib_bytes_text(json), &arena, &message, &world_error),
			  world_error);
		items[i] = message;
		ret_status[i] = TRIB_OK;
	}
	struct trib_call call = { .kind = TRIB_CALL_IMPORT, .noun = door->noun, .items = items, .n_items = LINES,
				  .item_status = ret_status, .item_errors = errors, .atomic = atomic };

	assert_ok(world_run(&call), world_error);
	trib_arena_fini(&arena);
}

/* PUT of what is new and of what is there, dry runs, imports: the bad one fails and is nowhere; the good ones are whole. */
static void check_put(const struct put_door *door, struct flow *flow, unsigned bad, const char *old)
{
	const char *what = bad_steps[bad].step;
	trib_status statuses[LINES];
	char ids[LINES][24];
	struct state before;

	snprintf(ids[0], sizeof(ids[0]), "ok%u", next_id);
	snprintf(ids[1], sizeof(ids[1]), "bad%u", next_id);
	snprintf(ids[2], sizeof(ids[2]), "fine%u", next_id++);
	for (int i = 0; i < LINES; i++)
		need(door, ids[i]);
	look(&before);
	trib_status status = put(door, ids[1], "", false);

	if (status != bad_steps[bad].status)
		fail_msg("%s in\n%s\nis %s, expected %s: %s: %s", what, flow->text, trib_status_word(status),
			 trib_status_word(bad_steps[bad].status), world_error.at, world_error.text);
	expect_nothing(&before, "put");
	assert_int_not_equal(put(door, old, ",\"play\":\"p\"", false), TRIB_OK);
	expect_nothing(&before, "put again");
	assert_int_equal(put(door, ids[1], "", true), TRIB_OK);
	assert_null(strstr(world_reply, "\"refused\":null"));
	expect_nothing(&before, "dry run of a bad one");
	assert_int_equal(put(door, ids[0], "", true), TRIB_OK);
	if (!strstr(world_reply, "\"refused\":null"))
		fail_msg("%s\n%s", flow->text, world_reply);
	expect_nothing(&before, "dry run of a good one");
	import(door, ids, true, statuses);
	assert_int_equal(statuses[1], bad_steps[bad].status);
	expect_same(&before, flow->text);

	look(&before);
	import(door, ids, false, statuses);
	struct state after;

	look(&after);
	if (statuses[0] != TRIB_OK || statuses[1] != bad_steps[bad].status || statuses[2] != TRIB_OK)
		fail_msg("%s\nimport: %s %s %s", flow->text, trib_status_word(statuses[0]), trib_status_word(statuses[1]),
			 trib_status_word(statuses[2]));
	if (journal_has(before.position, ids[1]))
		fail_msg("%s\n%s stands in the journal", flow->text, ids[1]);
	if (after.pending - before.pending != 2 * flow->effects || after.approvals - before.approvals != 2 * flow->approvals)
		fail_msg("%s\nleft %llu deliveries and %u approvals, expected twice %u and %u", flow->text,
			 (unsigned long long)(after.pending - before.pending), after.approvals - before.approvals, flow->effects,
			 flow->approvals);
	trib_buffer_fini(&before.digest);
	trib_buffer_fini(&after.digest);
}

static void every_step_of_random_flows(void **state)
{
	struct trib_rng rng;
	unsigned bad = 0;

	trib_rng_seed(&rng, trib_test_seed());
	for (size_t d = 0; d < TRIB_ARRAY_SIZE(put_doors); d++) {
		const struct put_door *door = &put_doors[d];
		char old[24];

		snprintf(old, sizeof(old), "bad-old%zu", d);
		install(play_yaml, NULL);
		need(door, old);
		assert_ok(put(door, old, ",\"play\":\"default\"", false), world_error);
		for (int i = 0; i < FLOWS; i++) {
			struct flow flow;

			draw(&rng, &flow);
			for (unsigned place = 0; place <= flow.count; place++, bad++) {
				unsigned which = bad % (unsigned)TRIB_ARRAY_SIZE(bad_steps);

				write(&flow, door->flow, door->is_bad, bad_steps[which].step, place, "");
				install(play_yaml, flow.text);
				check_put(door, &flow, which, old);
			}
		}
	}
	const char *reason = "";

	world_crash();
	if (!trib_engine_check(world.engine, &reason))
		fail_msg("%s", reason);
}

/* --- Actions -------------------------------------------------------------------------------------------- */

static trib_status act(enum trib_noun noun, const char *id, const char *action)
{
	return world_ask((struct trib_call){ .kind = TRIB_CALL_ACT, .noun = noun, .name = trib_bytes_text(id),
					     .action = trib_bytes_text(action) },
			 &tributary__action_request__descriptor, "{\"reason\":\"r\"}");
}

static trib_status withdraw_goods(const char *id)
{
	return world_ask((struct trib_call){ .kind = TRIB_CALL_STATUS_PUT, .noun = TRIB_NOUN_GOODS, .name = trib_bytes_text(id) },
			 &tributary__status_request__descriptor, "{\"status\":\"withdrawn\"}");
}

/* Below 0 it comes in, of which nobody is asked. */
static trib_status pay(const char *party, int amount)
{
	char json[256];

	snprintf(json, sizeof(json), "{\"id\":\"%s%d\",\"party\":\"%s\",\"role\":\"creator\",\"currency\":\"CNY\",\"amount\":%d}", party,
		 amount, party, amount);
	return world_ask((struct trib_call){ .kind = TRIB_CALL_PAYOUT }, &tributary__payout_request__descriptor, json);
}

static trib_status pay_out(const char *party)
{
	return pay(party, 100);
}

static trib_status shelve(const char *plan)
{
	char json[128];

	snprintf(json, sizeof(json), "{\"entries\":[{\"goods\":\"g2\",\"offer\":\"%s\"}]}", plan);
	return world_ask((struct trib_call){ .kind = TRIB_CALL_SHELF_PUT, .name = trib_bytes_text("c1"),
					     .node = trib_bytes_text("showcase") },
			 &tributary__shelf__descriptor, json);
}

#define A_PLAN "{\"id\":\"%s\",\"merchant\":\"m1\",\"goods\":[\"g2\"],\"terms\":{\"commission_bps\":1000}}"
#define AN_INVITATION                                                                                                    \
	"{\"id\":\"%s\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":2000},"                     \
	"\"sample\":{\"sold\":3},\"slot_fee\":{\"amount\":500}}"

/* What is put, and what is done with it then: an action, or something else. */
static const struct act_door {
	const char *flow, *is_bad, *extra, *json, *action;
	enum trib_noun put, noun;
	trib_status (*other)(const char *id);
	bool silent; /* its runs tell nobody: no step may */
} act_doors[] = {
	{ "plan.act", "plan.id.startsWith('bad')", "", A_PLAN, "pause", TRIB_NOUN_PLAN, TRIB_NOUN_PLAN, NULL, false },
	{ "invitation.accept", "invitation.id.startsWith('bad')", "", AN_INVITATION, "accept", TRIB_NOUN_INVITATION,
	  TRIB_NOUN_INVITATION, NULL, false },
	/* Behind a flow that goes well and tells: that of the plan which the acceptance makes. */
	{ "plan.put", "plan.id.startsWith('bad')", "  invitation.accept:\n    - do: notify\n", AN_INVITATION, "accept",
	  TRIB_NOUN_INVITATION, TRIB_NOUN_INVITATION, NULL, false },
	{ "approval.decided", "approval.entity.startsWith('bad')", "  goods.put:\n    - {wait: approval, what: look}\n",
	  "{\"id\":\"%s\",\"merchant\":\"m1\",\"price\":100}", "approve", TRIB_NOUN_GOODS, TRIB_NOUN_APPROVAL, NULL, false },
	{ "activity.close", "activity.id.startsWith('bad')", "", "{\"id\":\"%s\",\"leader\":\"l1\",\"title\":\"t\"}", "delist",
	  TRIB_NOUN_ACTIVITY, TRIB_NOUN_ACTIVITY, NULL, false },
	{ "enrolment.withdraw", "enrolment.id.startsWith('bad')", "",
	  "{\"id\":\"%s\",\"activity\":\"a1\",\"goods\":\"of-%s\",\"merchant\":\"m1\",\"commission_bps\":2500,\"service_bps\":500}", "withdraw",
	  TRIB_NOUN_ENROLMENT, TRIB_NOUN_ENROLMENT, NULL, false },
	{ "goods.withdraw", "goods.id.startsWith('bad')", "", "{\"id\":\"%s\",\"merchant\":\"m1\",\"price\":100}", "", TRIB_NOUN_GOODS,
	  TRIB_NOUN_GOODS, withdraw_goods, false },
	{ "payout.put", "party.id.startsWith('bad')", "", "{\"id\":\"%s\",\"roles\":[\"creator\"]}", "", TRIB_NOUN_PARTY, TRIB_NOUN_PARTY,
	  pay_out, false },
	{ "shelf.list", "plan.id.startsWith('bad')", "", A_PLAN, "", TRIB_NOUN_PLAN, TRIB_NOUN_PLAN, shelve, true },
};

/* The id of what is acted on: the entity, or the approval that waits for it. */
static void prepare_act(const struct act_door *door, const char *id, char ret_id[24])
{
	char json[512];

	if (door->put == TRIB_NOUN_ENROLMENT)
		need(&put_doors[4], id);
	make_json(door->json, id, "", json, sizeof(json));
	if (world_ask((struct trib_call){ .kind = TRIB_CALL_PUT, .noun = door->put, .name = trib_bytes_text(id) },
		      trib_noun_descriptor(door->put), json) != TRIB_OK)
		fail_msg("%s: %s: %s", json, world_error.at, world_error.text);
	snprintf(ret_id, 24, "%s", id);
	if (door->noun == TRIB_NOUN_APPROVAL)
		assert_int_equal(sscanf(strstr(world_reply, "\"approval\":\""), "\"approval\":\"%23[^\"]", ret_id), 1);
	if (door->put == TRIB_NOUN_ACTIVITY)
		assert_ok(act(TRIB_NOUN_ACTIVITY, id, "publish"), world_error);
	if (door->other == pay_out)
		assert_ok(pay(id, -500), world_error);
}

static trib_status attempt(const struct act_door *door, const char *at)
{
	return door->other ? door->other(at) : act(door->noun, at, door->action);
}

static void actions(void **state)
{
	struct trib_rng rng;
	unsigned bad = 0;

	trib_rng_seed(&rng, trib_test_seed());
	for (size_t d = 0; d < TRIB_ARRAY_SIZE(act_doors); d++)
		for (int i = 0; i < 3 * FLOWS; i++, bad++) {
			const struct act_door *door = &act_doors[d];
			unsigned which = bad % (unsigned)(door->silent ? SILENT_BAD_STEPS : TRIB_ARRAY_SIZE(bad_steps));
			char id[24], good[24], at[24];
			struct state before, after;
			struct flow flow;

			draw(&rng, &flow);
			if (door->silent)
				flow = (struct flow){ 0 };
			write(&flow, door->flow, door->is_bad, bad_steps[which].step, (unsigned)trib_rng_below(&rng, flow.count + 1),
			      door->extra);
			install(play_yaml, flow.text);
			snprintf(id, sizeof(id), "bad%u", next_id);
			snprintf(good, sizeof(good), "ok%u", next_id++);
			prepare_act(door, id, at);
			look(&before);
			trib_status status = attempt(door, at);

			if (status != bad_steps[which].status)
				fail_msg("%s\n%s by %s: %s: %s", flow.text, trib_status_word(status), bad_steps[which].step, world_error.at,
					 world_error.text);
			expect_same(&before, flow.text);
			prepare_act(door, good, at);
			look(&before);
			if (attempt(door, at) != TRIB_OK)
				fail_msg("%s\n%s: %s", flow.text, world_error.at, world_error.text);
			look(&after);
			/* An acceptance is told to those who ask for everything, too, and so is what it makes. */
			if (after.approvals - before.approvals != flow.approvals ||
			    after.pending - before.pending < flow.effects)
				fail_msg("%s\nleft %llu deliveries, expected at least %u", flow.text,
					 (unsigned long long)(after.pending - before.pending), flow.effects);
			trib_buffer_fini(&before.digest);
			trib_buffer_fini(&after.digest);
		}
}

/* What waited and cannot be done any more: nothing is done of it, and it goes on waiting. */
static void approvals_that_come_too_late(void **state)
{
	install(play_yaml, "flows:\n  goods.put:\n    - {when: role == 'merchant', wait: approval, what: look}\n    - do: notify\n"
			   "  approval.decided:\n    - do: notify\n");
	for (int i = 0; i < 3; i++) {
		const char *json = i == 0 ? "{\"id\":\"late\",\"merchant\":\"m1\",\"price\":1}" :
				   i == 1 ? "{\"id\":\"late\",\"merchant\":\"m1\",\"price\":2}" :
					    "{\"id\":\"late\",\"merchant\":\"m1\",\"price\":3}";
		char id[24];
		struct state before;

		assert_ok(world_ask((struct trib_call){ .kind = TRIB_CALL_PUT, .noun = TRIB_NOUN_GOODS, .name = trib_bytes_text("late"),
						       .actor = { .role = TRIB_ACCESS_MERCHANT, .party_id = { "m1", 2 } } },
				   &tributary__goods__descriptor, json),
			  world_error);
		assert_int_equal(sscanf(strstr(world_reply, "\"approval\":\""), "\"approval\":\"%23[^\"]", id), 1);
		world_put(TRIB_NOUN_GOODS, i == 0 ? "{\"id\":\"late\",\"merchant\":\"m1\",\"price\":7}" :
						    i == 1 ? "{\"id\":\"late\",\"merchant\":\"m1\",\"price\":8}" :
							     "{\"id\":\"late\",\"merchant\":\"m1\",\"price\":9}");
		look(&before);
		assert_int_equal(act(TRIB_NOUN_APPROVAL, id, "approve"), TRIB_CONFLICT);
		expect_same(&before, "an approval of what has changed");
		assert_ok(act(TRIB_NOUN_APPROVAL, id, "reject"), world_error);
	}
}

/* --- Many at once --------------------------------------------------------------------------------------- */

/* Runs, messages and approvals about an entity that stand in the journal from a position on. */
static unsigned traces_of(uint64_t from, const char *id)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	unsigned found = 0;
	char entity[64];

	snprintf(entity, sizeof(entity), "/%s", id);
	trib_engine_settle(world.engine);
	assert_ok(trib_journal_reader_new(world.engine->journal, 0, &reader, &world_error), world_error);
	while (trib_journal_reader_next(reader, &record, &world_error) == TRIB_OK) {
		if (record.position + record.payload.size <= from)
			continue;
		Tributary__Batch *batch = tributary__batch__unpack(NULL, record.payload.size, (const uint8_t *)record.payload.data);

		for (size_t i = 0; i < batch->n_event; i++) {
			const Tributary__Event *event = batch->event[i];

			found += event->kind_case == TRIBUTARY__EVENT__KIND_FLOW_RAN && !strcmp(event->flow_ran->entity, id);
			found += event->kind_case == TRIBUTARY__EVENT__KIND_OUTBOX_ADDED && strstr(event->outbox_added->entity, entity);
			found += event->kind_case == TRIBUTARY__EVENT__KIND_APPROVAL_PUT &&
				 !strcmp(event->approval_put->approval->entity, id);
		}
		tributary__batch__free_unpacked(batch, NULL);
	}
	trib_journal_reader_free(reader);
	return found;
}

/* Each flow that failed is about "bad…", those of "ok…" and "fine…" went well and left all of theirs. */
static void expect_good_ones(const struct state *before, const struct flow *flow, unsigned number)
{
	struct state after;
	char id[24];

	look(&after);
	if (after.pending - before->pending != 2 * flow->effects || after.approvals - before->approvals != 2 * flow->approvals)
		fail_msg("%s\nleft %llu deliveries and %u approvals, expected twice %u and %u", flow->text,
			 (unsigned long long)(after.pending - before->pending), after.approvals - before->approvals, flow->effects,
			 flow->approvals);
	snprintf(id, sizeof(id), "bad%u", number);
	if (traces_of(before->position, id) != 0)
		fail_msg("%s\nleft %u traces of %s", flow->text, traces_of(before->position, id), id);
	snprintf(id, sizeof(id), "ok%u", number);
	assert_int_equal(traces_of(before->position, id), 1 + flow->effects + flow->approvals);
	trib_buffer_fini(&after.digest);
}

/* Goods are enrolled by the dozen. */
static void many_enrolments(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (unsigned i = 0; i < 2 * FLOWS; i++) {
		unsigned which = i % (unsigned)TRIB_ARRAY_SIZE(bad_steps), number = next_id++;
		struct state before;
		struct flow flow;
		char json[1024];

		draw(&rng, &flow);
		write(&flow, "enrolment.put", "enrolment.id.startsWith('bad')", bad_steps[which].step,
		      (unsigned)trib_rng_below(&rng, flow.count + 1), "");
		install(play_yaml, flow.text);
		size_t size = (size_t)snprintf(json, sizeof(json), "{\"items\":[");

		for (int j = 0; j < LINES; j++) {
			static const char *const names[LINES] = { "ok", "bad", "fine" };
			char id[24];

			snprintf(id, sizeof(id), "%s%u", names[j], number);
			need(&put_doors[4], id);
			size += (size_t)snprintf(json + size, sizeof(json) - size,
						 "%s{\"id\":\"%s\",\"goods\":\"of-%s\",\"commission_bps\":2000,\"service_bps\":300}", j ? "," : "",
						 id, id);
		}
		snprintf(json + size, sizeof(json) - size, "]}");
		look(&before);
		assert_ok(world_ask((struct trib_call){ .kind = TRIB_CALL_ENROL, .name = trib_bytes_text("a1"),
							.actor = { .role = TRIB_ACCESS_MERCHANT, .party_id = { "m1", 2 } } },
				    &tributary__enrol_request__descriptor, json),
			  world_error);
		assert_non_null(strstr(world_reply, "\"accepted\":2,\"refused\":1"));
		expect_good_ones(&before, &flow, number);
		trib_buffer_fini(&before.digest);
	}
}

/* Plans are edited in bulk: those whose flow fails are told of in the job, and stay as they were. */
static void many_plans(void **state)
{
	static const char *const names[LINES] = { "ok", "bad", "fine" };
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (unsigned i = 0; i < 2 * FLOWS; i++) {
		unsigned which = i % (unsigned)TRIB_ARRAY_SIZE(bad_steps), number = next_id++;
		struct state before;
		struct flow flow;
		char id[24], json[512], shown[128];

		draw(&rng, &flow);
		write(&flow, "plan.put", "has(old.id) && plan.id.startsWith('bad')", bad_steps[which].step,
		      (unsigned)trib_rng_below(&rng, flow.count + 1), "");
		install(play_yaml, flow.text);
		for (int j = 0; j < LINES; j++) {
			snprintf(id, sizeof(id), "%s%u", names[j], number);
			assert_ok(put(&put_doors[2], id, "", false), world_error);
		}
		look(&before);
		snprintf(json, sizeof(json), "{\"id\":\"job%u\",\"filter\":\"id.endsWith('%u')\",\"change\":{\"add_commission_bps\":10}}",
			 number, number);
		snprintf(id, sizeof(id), "job%u", number);
		assert_ok(world_ask((struct trib_call){ .kind = TRIB_CALL_PUT, .noun = TRIB_NOUN_BULK, .name = trib_bytes_text(id) },
				    &tributary__bulk__descriptor, json),
			  world_error);
		do {
			trib_engine_turn(world.engine);
			trib_engine_settle(world.engine);
			assert_ok(world_ask((struct trib_call){ .kind = TRIB_CALL_GET, .noun = TRIB_NOUN_BULK, .name = trib_bytes_text(id) },
					    NULL, NULL),
				  world_error);
		} while (!strstr(world_reply, "\"status\":\"done\""));
		snprintf(shown, sizeof(shown), "\"plan\":\"bad%u\"", number);
		if (!strstr(world_reply, shown))
			fail_msg("%s\n%s", flow.text, world_reply);
		expect_good_ones(&before, &flow, number);
		snprintf(id, sizeof(id), "bad%u", number);
		assert_int_equal(trib_domain_plan(trib_engine_domain(world.engine),
						  trib_domain_find(trib_engine_domain(world.engine), TRIB_NOUN_PLAN, trib_bytes_text(id)))
					 ->newest.commission_bps,
				 1000);
		trib_buffer_fini(&before.digest);
	}
}

/* --- What comes behind the flow --------------------------------------------------------------------------- */

/* The flow goes well, and what it is about is refused: by what the run gave, by the domain, by the books. */
static void refused_behind_the_flow(void **state)
{
	static const struct {
		const char *flow, *json;
		enum trib_noun noun;
	} rows[] = {
		{ "plan.put: [{do: notify}, {do: plan.price}]", "{\"id\":\"bad1\",\"merchant\":\"m1\",\"goods\":[\"g2\"]}", TRIB_NOUN_PLAN },
		{ "plan.put: [{do: notify}, {do: plan.approve}]", "{\"id\":\"bad2\",\"merchant\":\"m1\",\"goods\":[\"g2\"]}", TRIB_NOUN_PLAN },
		{ "plan.put: [{do: notify}]", "{\"id\":\"bad3\",\"merchant\":\"m1\",\"goods\":[\"none\"]}", TRIB_NOUN_PLAN },
		{ "goods.put: [{do: notify}]", "{\"id\":\"bad4\",\"merchant\":\"nobody\"}", TRIB_NOUN_GOODS },
		{ "activity.put: [{do: notify}]", "{\"id\":\"bad5\",\"leader\":\"m1x\",\"title\":\"t\"}", TRIB_NOUN_ACTIVITY },
		{ "enrolment.put: [{do: notify}]",
		  "{\"id\":\"bad6\",\"activity\":\"a1\",\"goods\":\"g2\",\"merchant\":\"m1\",\"commission_bps\":1}", TRIB_NOUN_ENROLMENT },
		{ "sample.put: [{do: notify}]", "{\"id\":\"bad7\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"plan\":\"p3\"}", TRIB_NOUN_SAMPLE },
	};
	static const char yaml[] = "name: p\nwhen: 'true'\ncapabilities:\n  plan.price: [{cel: '20000'}]\n"
				   "  plan.approve: [{cel: '\"nonsense\"'}]\n";

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char flow[256];
		struct state before;

		snprintf(flow, sizeof(flow), "flows:\n  %s\n", rows[i].flow);
		install(yaml, flow);
		look(&before);
		struct trib_error why;

		assert_int_not_equal(world_put_status(rows[i].noun, rows[i].json, &why), TRIB_OK);
		expect_same(&before, rows[i].json);
	}
}

/* 1,024 of the largest fees fit into 64 bits. */
static void books_that_would_overflow(void **state)
{
	enum { FIT = 1024 };
	char id[24], json[256];
	struct state before;

	install(play_yaml, "flows:\n  invitation.accept:\n    - do: notify\n");
	for (int i = 0; i <= FIT; i++) {
		snprintf(id, sizeof(id), "h%d", i);
		snprintf(json, sizeof(json),
			 "{\"id\":\"%s\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"slot_fee\":{\"amount\":9007199254740991}}", id);
		world_put(TRIB_NOUN_INVITATION, json);
		if (i < FIT)
			assert_ok(act(TRIB_NOUN_INVITATION, id, "accept"), world_error);
	}
	look(&before);
	assert_int_equal(act(TRIB_NOUN_INVITATION, id, "accept"), TRIB_LIMIT);
	expect_same(&before, "a fee that the books cannot hold");
}

/* A play calls a sample overdue before its time, at every look: the engine does not lapse it, and tells nobody that it did. */
static void a_sample_that_is_not_due(void **state)
{
	struct state before;

	install("name: p\nwhen: 'true'\ncapabilities:\n  sample.overdue: [{cel: 'true'}]\n",
		"flows:\n  sample.check:\n    - do: notify\n    - do: sample.overdue\n");
	world_put(TRIB_NOUN_SAMPLE, "{\"id\":\"bad1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"terms\":{\"sold\":5,\"within\":\"10d\"}}");
	assert_ok(act(TRIB_NOUN_SAMPLE, "bad1", "approve"), world_error);
	assert_ok(act(TRIB_NOUN_SAMPLE, "bad1", "receive"), world_error);
	look(&before);
	for (int i = 0; i < 3; i++) {
		char order[8];

		snprintf(order, sizeof(order), "o%d", i);
		assert_int_equal(world_order(order, "u", "g1", 1000, world_token("c1", "g1")).outcome, TRIB_OUTCOME_ATTRIBUTED);
		for (int j = 0; j < 5; j++) {
			trib_engine_settle(world.engine);
			trib_engine_turn(world.engine);
		}
	}
	assert_int_equal(traces_of(before.position, "bad1"), 0);
	trib_buffer_fini(&before.digest);
	world_pass(11 * WORLD_DAY_MS);
	for (int j = 0; j < 5; j++) {
		trib_engine_turn(world.engine);
		trib_engine_settle(world.engine);
	}
	assert_int_equal(traces_of(before.position, "bad1"), 2); /* now it is: the run, and its message */
}

/* There is room for less than what the command would tell. */
static void an_outbox_that_is_full(void **state)
{
	const struct engine_effect effect = { .kind = "z.full" };
	struct trib_error why;
	struct state before;

	install(play_yaml, "flows:\n  goods.put: [" FOUR ", " FOUR "]\n  invitation.accept: [{do: notify}]\n");
	world_put(TRIB_NOUN_INVITATION, "{\"id\":\"i1\",\"from\":\"m1\",\"creator\":\"c1\",\"goods\":[\"g1\"],\"sample\":{\"sold\":1}}");
	for (unsigned room = 0; room < 12; room++) {
		struct trib_engine_counts counts;

		trib_engine_count(world.engine, &counts);
		for (uint64_t n = counts.outbox_pending; n + 11 - room < TRIB_LIMIT_OUTBOX_ITEMS; n++) {
			assert_ok(engine_outbox_add(world.engine, &effect, &why), why);
			if (n % 4096 == 0)
				trib_engine_turn(world.engine);
		}
		look(&before);
		if (world_put_status(TRIB_NOUN_GOODS, "{\"id\":\"bad\",\"merchant\":\"m1\"}", &why) == TRIB_OK)
			fail_msg("taken with room for %u", 11 - room);
		assert_int_equal(why.status, TRIB_BUSY);
		expect_nothing(&before, "goods");
		assert_int_equal(act(TRIB_NOUN_INVITATION, "i1", "accept"), TRIB_BUSY);
		expect_same(&before, "a full outbox");
	}
}

/* --- Links ---------------------------------------------------------------------------------------------- */

static void links(void **state)
{
	static const char *const steps[] = { "{refuse: no}", "{do: link.convert}", "{do: order.base, with: {paid: 1 / (now - now)}}" };
	char ret_token[128], flow[256];
	enum trib_outcome outcome;

	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r2\",\"channel\":\"web\",\"play\":\"p\"}");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(steps); i++) {
		const struct trib_link_request request = { .channel = trib_bytes_text("web"), .creator = trib_bytes_text("c1"),
							   .goods = trib_bytes_text("g1") };
		struct state before;
		size_t size;

		snprintf(flow, sizeof(flow), "flows:\n  link.convert: [{do: order.base}, %s]\n", steps[i]);
		install("name: p\nwhen: 'true'\ncapabilities:\n  link.convert: [{cel: '\"no link\"'}]\n", flow);
		look(&before);
		assert_int_not_equal(trib_engine_link(world.engine, &request, ret_token, &size, &outcome, &world_error), TRIB_OK);
		expect_same(&before, steps[i]);
	}
}

/* --------------------------------------------------------------------------------------------------------- */

static void webhook(const char *id, const char *json)
{
	assert_ok(world_ask((struct trib_call){ .kind = TRIB_CALL_WEBHOOK_PUT, .name = trib_bytes_text(id) },
			   &tributary__webhook__descriptor, json),
		  world_error);
}

static int setup(void **state)
{
	if (world_prepare() != 0)
		return -1;
	world.options.outbox_allow = "http://127.0.0.1:9000/";
	world.options.segment_bytes = world.options.ring_bytes = 16 << 20; /* a run wants its room in one batch */
	world_open();
	world_market();
	webhook("w1", "{\"id\":\"w1\",\"url\":\"http://127.0.0.1:9000/x\",\"kinds\":[\"a.*\"]}");
	webhook("w2", "{\"id\":\"w2\",\"url\":\"http://127.0.0.1:9000/y\",\"kinds\":[\"a.*\",\"z.*\",\"notify\"]}");
	world_put(TRIB_NOUN_ACTIVITY, "{\"id\":\"a1\",\"leader\":\"l1\",\"title\":\"May\",\"min_commission_bps\":1000}");
	return act(TRIB_NOUN_ACTIVITY, "a1", "publish") == TRIB_OK ? 0 : -1;
}

#define IN_A_MARKET(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_MARKET(every_step_of_random_flows), IN_A_MARKET(actions),
		IN_A_MARKET(approvals_that_come_too_late), IN_A_MARKET(many_enrolments), IN_A_MARKET(many_plans), IN_A_MARKET(refused_behind_the_flow),
		IN_A_MARKET(books_that_would_overflow),	 IN_A_MARKET(an_outbox_that_is_full),
		IN_A_MARKET(a_sample_that_is_not_due),	 IN_A_MARKET(links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
