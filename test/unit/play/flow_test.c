/* Flows: what flow.yaml may say, what runs give, that a failing one leaves nothing, and a twin that walks the file. */
#include "unit/play/trees.h"

#include "base/rng.h"

static trib_status read_play(const char *play, const char *flow, const char *hooks, const char *cases,
			     struct trib_play **ret_play, struct trib_error *error)
{
	struct trib_play_file files[4] = { { trib_bytes_text("play.yaml"), trib_bytes_text(play) } };
	uint32_t count = 1;

	if (flow)
		files[count++] = (struct trib_play_file){ trib_bytes_text("flow.yaml"), trib_bytes_text(flow) };
	if (hooks)
		files[count++] = (struct trib_play_file){ trib_bytes_text("hooks.lua"), trib_bytes_text(hooks) };
	if (cases)
		files[count++] = (struct trib_play_file){ trib_bytes_text("cases/a.yaml"), trib_bytes_text(cases) };
	return trib_play_new(files, count, &trees, ret_play, error);
}

/* A set of one. */
static struct trib_plays *plays_of(const char *play, const char *flow, const char *hooks, const char *cases)
{
	struct trib_plays *plays = trib_plays_new();
	struct trib_play *read;
	struct trib_error error;

	assert_ok(read_play(play, flow, hooks, cases, &read, &error), error);
	assert_ok(trib_plays_add(plays, read, &error), error);
	assert_ok(trib_plays_link(plays, &error), error);
	return plays;
}

static const char right[] = "name: p\nwhen: 'true'\n";

static void test_refused(void **state)
{
	static const struct {
		const char *flow, *expected;
	} rows[] = {
		{ "flows: {}\n", "flow.yaml:1: flows: " },
		{ "flow: {}\n", "flow.yaml:1: " },
		{ "flows:\n  plan.puts: []\n", "flow.yaml:2: flows.plan.puts: found no flow of that name" },
		{ "flows:\n  plan.put:\n    - do: plan.valid\n", "flow.yaml:3: flows.plan.put[0].do: found no capability of that name" },
		{ "flows:\n  plan.put:\n    - {do: plan.validate, refuse: x}\n", "flow.yaml:3: flows.plan.put[0]: " },
		{ "flows:\n  plan.put:\n    - when: 'true'\n", "flow.yaml:3: flows.plan.put[0]: " },
		{ "flows:\n  plan.put:\n    - then: []\n", "flow.yaml:3: flows.plan.put[0].when: found nothing" },
		{ "flows:\n  plan.put:\n    - wait: approval\n", "flow.yaml:3: flows.plan.put[0].what: found nothing" },
		{ "flows:\n  plan.put:\n    - wait: sample\n      what: x\n", "flow.yaml:3: flows.plan.put[0].wait: " },
		{ "flows:\n  plan.put:\n    - {refuse: x, as: y}\n", "flow.yaml:3: flows.plan.put[0]: " },
		{ "flows:\n  plan.put:\n    - when: plan\n      then: []\n",
		  "flow.yaml:3: flows.plan.put[0].when: found map(string, dyn), expected bool" },
		{ "flows:\n  plan.put:\n    - when: risk.level > 1\n      then: []\n    - {do: plan.risk, as: risk}\n",
		  "flow.yaml:3: flows.plan.put[0].when:1:1: " },
		{ "flows:\n  plan.put:\n    - when: 'true'\n      then:\n        - do: plan.validate\n        - do: x\n",
		  "flow.yaml:6: flows.plan.put[0].then[1].do: found no capability" },
		{ "flows:\n  plan.put:\n    - {do: plan.risk, as: plan}\n", "flow.yaml:3: flows.plan.put[0].as: found a name that is taken" },
		{ "flows:\n  plan.put:\n    - {do: plan.risk, as: r}\n    - {do: plan.risk, as: r}\n",
		  "flow.yaml:4: flows.plan.put[1].as: found a name that is taken" },
		{ "flows:\n  plan.put:\n    - {do: plan.risk, with: {level: '1'}}\n",
		  "flow.yaml:3: flows.plan.put[0].with: found a name that is no input of the capability" },
		{ "flows:\n  plan.put:\n    - {do: plan.risk, with: {commission_bps: now + }}\n",
		  "flow.yaml:3: flows.plan.put[0].commission_bps:1:" },
		{ "flows:\n  plan.put:\n    - {do: plan.risk, with: {commission_bps: role}}\n",
		  "flow.yaml:3: flows.plan.put[0].commission_bps: found string, expected int" },
		{ "flows:\n  link.convert:\n    - do: creator.admit\n",
		  "flow.yaml:3: flows.link.convert[0].do: found what is not for the way of orders" },
		{ "flows:\n  order.judge:\n    - do: order.judge\n",
		  "flow.yaml:2: flows.order.judge: found a flow of its own where orders are judged" },
		{ "flows:\n  link.convert:\n    - {wait: approval, what: x}\n",
		  "flow.yaml:3: flows.link.convert[0].wait: found a wait where nothing can be kept for later" },
		{ "flows:\n  party.put:\n    - {wait: approval, what: x}\n",
		  "flow.yaml:3: flows.party.put[0].wait: found a wait where nothing can be kept for later" },
		{ "flows:\n  link.convert:\n    - {do: approval.ask}\n",
		  "flow.yaml:3: flows.link.convert[0].do: found what is not for the way of orders" },
	};
	char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_play *play = NULL;
		struct trib_error error = { 0 };

		if (read_play(right, rows[i].flow, NULL, NULL, &play, &error) == TRIB_OK)
			fail_msg("row %zu is taken", i);
		snprintf(found, sizeof(found), "%s: %s", error.at, error.text);
		if (strncmp(found, rows[i].expected, strlen(rows[i].expected)) != 0)
			fail_msg("row %zu\ngives    %s\nexpected %s", i, found, rows[i].expected);
	}
}

static void test_limits(void **state)
{
	struct trib_buffer text;
	struct trib_play *play;
	struct trib_error error;

	trib_buffer_init(&text, 1 << 20);
	trib_buffer_add_text(&text, "flows:\n  plan.put:\n");
	for (int i = 0; i <= TRIB_LIMIT_FLOW_NAMES; i++)
		trib_buffer_add_format(&text, "    - {do: plan.risk, as: r%d}\n", i);
	assert_int_equal(read_play(right, trib_buffer_text(&text), NULL, NULL, &play, &error), TRIB_INVALID);
	trib_buffer_reset(&text);
	trib_buffer_add_text(&text, "flows:\n  plan.put:\n");
	for (int i = 0; i < TRIB_LIMIT_FLOW_STEPS; i++)
		trib_buffer_add_text(&text, "    - {do: plan.risk, when: 'true'}\n");
	assert_int_equal(read_play(right, trib_buffer_text(&text), NULL, NULL, &play, &error), TRIB_LIMIT);
	trib_buffer_fini(&text);
}

/* ---- Runs ----------------------------------------------------------------------------------------- */

/* "plan.validate risk; status=… | approval" or "refused at …: …". */
static void describe(const struct trib_flow_run *run, struct trib_arena *arena, struct trib_buffer *text)
{
	const struct trib_json *trace;
	struct trib_error error;

	assert_ok(trib_json_parse(run->trace, TRIB_LIMIT_JSON_DEPTH, arena, &trace, &error), error);
	for (const struct trib_json *item = trace->first; item; item = item->next)
		if (trib_json_member(item, "step"))
			trib_buffer_add_format(text, "%s ", trib_json_member(item, "step")->text.data);
	for (uint32_t i = run->row->results_from; i < run->row->count; i++) {
		trib_buffer_add_format(text, "%s=", run->row->fields[i].name);
		play_value_add_json(&run->values[i], text);
		trib_buffer_add_char(text, ' ');
	}
	for (uint32_t i = 0; i < run->proposal_count; i++)
		trib_buffer_add_format(text, "| %s " TRIB_BYTES_FMT " ", run->proposals[i].step,
				       TRIB_BYTES_ARG(run->proposals[i].body));
	trib_buffer_add_text(text, run->waits ? "waits" : ".");
}

static void test_runs(void **state)
{
	static const char flow[] = "flows:\n"
				   "  plan.put:\n"
				   "    - do: plan.validate\n"
				   "    - {do: plan.risk, as: risk}\n"
				   "    - when: risk.level > 1000\n"
				   "      then:\n"
				   "        - when: role == 'admin'\n"
				   "          then: []\n"
				   "          else:\n"
				   "            - do: notify\n"
				   "              with: {to: '\"ops\"', kind: '\"jump\"', body: '{\"by\": risk.level}'}\n"
				   "            - {wait: approval, what: a jump, as: asked}\n"
				   "      else:\n"
				   "        - {do: plan.price, with: {commission_bps: commission_bps + 1}}\n"
				   "    - {when: plan.kind == 'none', refuse: no such kind}\n"
				   "    - do: plan.approve\n";
	static const struct {
		const char *flow, *input, *expected;
	} rows[] = {
		{ "plan.put", "{'commission_bps': 1000, 'status': 'active', 'plan': {'kind': 'general'}}",
		  "plan.validate risk plan.price plan.approve status=\"active\" commission_bps=1001 service_bps=0 ." },
		{ "plan.put", "{'commission_bps': 3000, 'old': {'terms': {'commission_bps': 1000}}}",
		  "plan.validate risk notify asked status=\"\" commission_bps=3000 service_bps=0 "
		  "| notify {\"to\":\"ops\",\"kind\":\"jump\",\"body\":{\"by\":2000}} | asked {\"what\":\"a jump\",\"ask\":\"operator\"} waits" },
		{ "plan.put", "{'commission_bps': 3000, 'old': {'terms': {'commission_bps': 1000}}, 'role': 'admin', 'status': 'draft'}",
		  "plan.validate risk plan.approve status=\"draft\" commission_bps=3000 service_bps=0 ." },
		{ "plan.put", "{'commission_bps': 1, 'plan': {'kind': 'none'}}", "refused at refuse: no such kind" },
		{ "plan.put", "{'plan': {'kind': 'bad'}}", "refused at plan.validate: bad kind" },
		{ "plan.put", "{'commission': 1}", "invalid at commission: found no field of the flow plan.put" },
		{ "plan.put", "{'commission_bps': 'x'}", "invalid at commission_bps: found a value of another type than the flow's" },
		/* those of the platform */
		{ "payout.put", "{'amount': 2, 'balance': 1}", "refused at payout.admit: more than the balance" },
		{ "sample.check", "{'listed': true, 'now': 5, 'due_at': 4}", "sample.fulfilled fulfilled=true overdue=false ." },
		{ "sample.check", "{'now': 5, 'due_at': 4}", "sample.fulfilled sample.overdue fulfilled=false overdue=true ." },
		{ "invitation.accept", "{'invitation': {'terms': {'a': 1}}}", "invitation.accept terms={\"a\":1} ." },
		{ "invitation.accept", "{}", "invitation.accept terms={} ." },
		{ "managed.move", "{'commission_bps': 1000, 'min_bps': 900, 'max_bps': 1200, 'goal': 10}",
		  "managed.move plan.bounds commission_bps=1050 reason=\"below the goal: one step up\" ." },
	};
	struct trib_plays *plays = plays_of("name: p\nwhen: 'true'\ncapabilities:\n"
					    "  plan.validate: [{cel: \"plan.kind == 'bad' ? 'bad kind' : ''\", when: has(plan.kind)}]\n",
					    flow, NULL, NULL);

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		enum trib_flow id = trib_flow_find(trib_bytes_text(rows[i].flow));
		struct trib_flow_run run;
		struct trib_buffer text;
		struct trib_arena arena;
		struct trib_error error;

		trib_arena_init(&arena, TRIB_LIMIT_FLOW_BYTES);
		trib_buffer_init(&text, 1 << 20);
		if (trib_flow_run(trib_plays_find(plays, "p"), id, json_of(rows[i].input, &arena), &arena, &run, &error) == TRIB_OK)
			describe(&run, &arena, &text);
		else
			trib_buffer_add_format(&text, "%s at %s: %s", trib_status_word(error.status), error.at, error.text);
		if (strcmp(trib_buffer_text(&text), rows[i].expected) != 0)
			fail_msg("row %zu\ngives    %s\nexpected %s", i, trib_buffer_text(&text), rows[i].expected);
		trib_buffer_fini(&text);
		trib_arena_fini(&arena);
	}
	trib_plays_free(plays);
}

/* Every flow has one of the platform's, which needs no play; a play that says nothing of it leaves it as it is. */
static void test_defaults(void **state)
{
	struct trib_plays *plays = plays_of("name: p\nwhen: 'true'\ncapabilities:\n  plan.validate: [{use: default}]\n",
					    "flows:\n  goods.put: []\n", NULL, NULL);
	const struct trib_play *play = trib_plays_find(plays, "p");
	struct trib_arena arena;
	struct trib_error error;

	trib_arena_init(&arena, TRIB_LIMIT_FLOW_BYTES);
	for (int id = 0; id < TRIB_FLOWS; id++) {
		enum trib_flow flow = (enum trib_flow)id;
		struct trib_flow_run run;
		trib_status status = trib_flow_run(NULL, flow, json_of("{}", &arena), &arena, &run, &error);

		assert_true(status == TRIB_OK || status == TRIB_REFUSED);
		assert_true(trib_flow_is_default(NULL, flow));
		assert_int_equal(trib_flow_is_default(play, flow), flow != TRIB_FLOW_PLAN_PUT && flow != TRIB_FLOW_GOODS_PUT);
		assert_int_equal(trib_flow_find(trib_bytes_text(trib_flow_row(flow)->name)), id);
	}
	trib_arena_fini(&arena);
	trib_plays_free(plays);
}

/* A run that eats time, or memory, fails by itself, and soon. */
static void test_bounded(void **state)
{
	static const struct {
		const char *step, *expected;
	} rows[] = {
		{ "{do: plan.validate}", "limit at plan.validate: hooks.lua:1: the script ran out of instructions" },
		{ "{do: plan.service}", "limit at plan.service: hooks.lua: the script ran out of memory" },
		{ "{do: plan.price}", "invalid at plan.price: hooks.lua: an error that is no text" },
	};
	char flow[128], found[512];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_plays *plays;
		struct trib_flow_run run;
		struct trib_arena arena;
		struct trib_error error;

		snprintf(flow, sizeof(flow), "flows:\n  plan.put:\n    - {do: notify}\n    - %s\n", rows[i].step);
		plays = plays_of("name: p\nwhen: 'true'\ncapabilities:\n  plan.validate: [{lua: loop}]\n  plan.service: [{lua: eat}]\n"
				 "  plan.price: [{lua: fail}]\n",
				 flow,
				 "function loop() while true do end end\n"
				 "function eat() local t = '' for i = 1, 99 do t = t .. i .. t end end\n"
				 "function fail() error({}) end\n",
				 NULL);
		trib_arena_init(&arena, TRIB_LIMIT_FLOW_BYTES);
		assert_int_not_equal(trib_flow_run(trib_plays_find(plays, "p"), TRIB_FLOW_PLAN_PUT, json_of("{}", &arena), &arena, &run,
						   &error),
				     TRIB_OK);
		snprintf(found, sizeof(found), "%s at %s: %s", trib_status_word(error.status), error.at, error.text);
		if (strncmp(found, rows[i].expected, strlen(rows[i].expected) - 20) != 0)
			fail_msg("row %zu\ngives    %s\nexpected %s", i, found, rows[i].expected);
		assert_int_equal(run.proposal_count, 0);
		trib_arena_fini(&arena);
		trib_plays_free(plays);
	}
}

static void test_cases(void **state)
{
	static const char cases[] =
		"- {case: good, flow: plan.put, input: {commission_bps: 5, status: active}, expect: {commission_bps: 6, status: active}}\n"
		"- {case: no, flow: plan.put, input: {plan: {kind: bad}}, expect: {refused: check}}\n"
		"- {case: other, flow: plan.put, input: {commission_bps: 5}, expect: {commission_bps: 7}}\n"
		"- {case: not so, flow: plan.put, input: {}, expect: {refused: check}}\n"
		"- {case: nor so, flow: plan.put, input: {plan: {kind: bad}}, expect: {status: active}}\n"
		"- {case: told, flow: plan.put, input: {status: review}, expect: {proposed: [tell]}}\n"
		"- {case: told more, flow: plan.put, input: {status: review}, expect: {proposed: [tell, tell]}}\n"
		"- {case: none, flow: plan.putt, input: {}, expect: {status: active}}\n"
		"- {case: unknown, flow: plan.put, input: {}, expect: {stat: active}}\n";
	static const char *const expected[] = {
		NULL,
		NULL,
		"cases/a.yaml:3: commission_bps: found 6, expected 7",
		"cases/a.yaml:4: refused: found no refusal, expected check",
		"cases/a.yaml:5: refused: found check: no, expected none",
		NULL,
		"cases/a.yaml:7: proposed: found nothing as number 2, expected tell",
		"cases/a.yaml:8: flow: found no flow \"plan.putt\"",
		"cases/a.yaml:9: stat: found no field of the flow plan.put",
	};
	struct trib_plays *plays =
		plays_of("name: p\nwhen: 'true'\ncapabilities:\n  plan.validate: [{cel: '\"no\"', when: plan.kind == 'bad'}]\n"
			 "  plan.price: [{cel: commission_bps + 1}]\n",
			 "flows:\n  plan.put:\n    - {do: plan.validate, as: check}\n    - do: plan.price\n"
			 "    - {when: status == 'review', do: notify, as: tell}\n",
			 NULL, cases);
	const struct trib_play *play = trib_plays_find(plays, "p");
	struct trib_error error;
	char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

	for (uint32_t i = 0; i < TRIB_ARRAY_SIZE(expected); i++) {
		trib_status status = trib_play_run_case(plays, play, i, &trees, &error);

		snprintf(found, sizeof(found), "%s: %s", error.at, error.text);
		if ((status == TRIB_OK) != !expected[i] || (expected[i] && strcmp(found, expected[i]) != 0))
			fail_msg("case %u\ngives    %s\nexpected %s", i, status == TRIB_OK ? "good" : found,
				 expected[i] ? expected[i] : "good");
	}
	trib_plays_free(plays);
}

/* ---- The twin ------------------------------------------------------------------------------------- */

/* It walks the file's tree, and knows only the steps that make() writes. */
struct twin {
	int64_t commission;
	uint32_t proposals;
	char told[TRIB_LIMIT_FLOW_PROPOSALS + 1][64];
	bool refused, waits, full;
};

static void twin_steps(struct twin *twin, const struct trib_json *steps);

static void twin_propose(struct twin *twin)
{
	if (twin->proposals == TRIB_LIMIT_FLOW_PROPOSALS)
		twin->full = true;
	else
		snprintf(twin->told[twin->proposals++], 64, "%lld", (long long)twin->commission);
}

static void twin_step(struct twin *twin, const struct trib_json *step)
{
	const struct trib_json *when = trib_json_member(step, "when"), *what = trib_json_member(step, "do");
	long long modulus, rest;

	if (when) {
		assert_int_equal(sscanf(when->text.data, "commission_bps %% %lld == %lld", &modulus, &rest), 2);
		if (twin->commission % modulus != rest) {
			if (trib_json_member(step, "else"))
				twin_steps(twin, trib_json_member(step, "else"));
			return;
		}
	}
	if (trib_json_member(step, "then"))
		twin_steps(twin, trib_json_member(step, "then"));
	else if (trib_json_member(step, "refuse"))
		twin->refused = true;
	else if (!what) {
		twin_propose(twin);
		twin->waits = !twin->full;
	} else if (trib_bytes_is(what->text, "notify"))
		twin_propose(twin);
	else
		twin->commission += trib_bytes_is(what->text, "plan.price") ? 1 : 0;
}

static void twin_steps(struct twin *twin, const struct trib_json *steps)
{
	for (const struct trib_json *step = steps->first; step && !twin->refused && !twin->waits && !twin->full; step = step->next)
		twin_step(twin, step);
}

static void make(struct trib_rng *rng, struct trib_buffer *text, int depth)
{
	uint32_t count = (uint32_t)trib_rng_below(rng, depth ? 4 : 7);

	trib_buffer_add_char(text, '[');
	for (uint32_t i = 0; i < count; i++) {
		uint32_t kind = (uint32_t)trib_rng_below(rng, depth < 4 ? 12 : 7), modulus = 2 + (uint32_t)trib_rng_below(rng, 4);

		trib_buffer_add_text(text, i ? ", {" : "{");
		if (kind >= 7 || trib_rng_below(rng, 3) == 0)
			trib_buffer_add_format(text, "when: 'commission_bps %% %u == %u', ", modulus,
					       (uint32_t)trib_rng_below(rng, modulus));
		if (kind >= 7) {
			trib_buffer_add_text(text, "then: ");
			make(rng, text, depth + 1);
			if (kind >= 10) {
				trib_buffer_add_text(text, ", else: ");
				make(rng, text, depth + 1);
			}
		} else if (kind == 0 && trib_rng_below(rng, 3) == 0)
			trib_buffer_add_text(text, "refuse: no");
		else if (kind == 1 && trib_rng_below(rng, 3) == 0)
			trib_buffer_add_text(text, "wait: approval, what: x");
		else if (kind < 4)
			trib_buffer_add_text(text, "do: notify, with: {to: string(commission_bps)}");
		else
			trib_buffer_add_text(text, kind == 4 ? "do: plan.validate" : "do: plan.price");
		trib_buffer_add_char(text, '}');
	}
	trib_buffer_add_char(text, ']');
}

/* Also the property: what fails anywhere, by a refusal or a limit, leaves neither results nor proposals. */
static void compare_with_twin(const struct trib_play *play, const char *flow, int64_t commission)
{
	struct twin twin = { .commission = commission };
	const struct trib_json *tree;
	struct trib_flow_run run;
	struct trib_arena arena;
	struct trib_error error;
	char input[64];

	trib_arena_init(&arena, 2 * TRIB_LIMIT_FLOW_BYTES);
	assert_ok(trib_yaml_parse(trib_bytes_text(flow), TRIB_LIMIT_JSON_DEPTH, &arena, &tree, &error), error);
	twin_steps(&twin, trib_json_member(trib_json_member(tree, "flows"), "plan.put"));
	snprintf(input, sizeof(input), "{'commission_bps': %lld}", (long long)commission);
	trib_status status = trib_flow_run(play, TRIB_FLOW_PLAN_PUT, json_of(input, &arena), &arena, &run, &error);
	trib_status expected = twin.refused ? TRIB_REFUSED : twin.full ? TRIB_LIMIT : TRIB_OK;

	if (status != expected)
		fail_msg("%s\nfrom %lld: %s, expected %s", flow, (long long)commission, trib_status_word(status),
			 trib_status_word(expected));
	assert_int_equal(trib_flow_value(&run, "commission_bps").integer, status == TRIB_OK ? twin.commission : commission);
	assert_int_equal(run.proposal_count, status == TRIB_OK ? twin.proposals : 0);
	assert_int_equal(run.waits, status == TRIB_OK && twin.waits);
	assert_true(run.trace.size <= 2 * TRIB_LIMIT_FLOW_TRACE_BYTES);
	for (uint32_t i = 0; i < run.proposal_count; i++)
		if (run.proposals[i].capability == TRIB_CAPABILITY_NOTIFY)
			assert_string_equal(trib_json_member(json_of(run.proposals[i].body.data, &arena), "to")->text.data, twin.told[i]);
	trib_arena_fini(&arena);
}

static void test_twin(void **state)
{
	uint64_t seed = trib_test_seed();
	struct trib_rng rng;
	uint32_t read = 0;

	trib_rng_seed(&rng, seed);
	for (int round = 0; round < 400; round++) {
		struct trib_buffer flow;
		struct trib_play *play;
		struct trib_plays *plays = trib_plays_new();
		struct trib_error error;

		trib_buffer_init(&flow, 1 << 20);
		trib_buffer_add_text(&flow, "flows: {plan.put: ");
		make(&rng, &flow, 0);
		trib_buffer_add_text(&flow, "}\n");
		trib_status status = read_play("name: p\nwhen: 'true'\ncapabilities:\n  plan.price: [{cel: commission_bps + 1}]\n",
					       trib_buffer_text(&flow), NULL, NULL, &play, &error);

		assert_true(status == TRIB_OK || status == TRIB_LIMIT);
		if (status == TRIB_OK) {
			read++;
			assert_ok(trib_plays_add(plays, play, &error), error);
			assert_ok(trib_plays_link(plays, &error), error);
			for (int64_t commission = 0; commission < 6; commission++)
				compare_with_twin(play, trib_buffer_text(&flow), commission);
		}
		trib_plays_free(plays);
		trib_buffer_fini(&flow);
	}
	assert_true(read > 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	 cmocka_unit_test(test_limits),	 cmocka_unit_test(test_runs),
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_bounded), cmocka_unit_test(test_cases),
		cmocka_unit_test(test_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
