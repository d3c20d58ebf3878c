/* A play's own tests. The shape of a case is checked when it is read (data/play/cases.schema.json). */
#include "play/private.h"

enum { CASE_BYTES = 16 << 20 };

struct run {
	const struct trib_plays *plays;
	const struct trib_play *play;
	const struct trib_play_trees *trees;
	const struct trib_json *json, *expect; /* the case, and what must come of it */
	struct trib_arena arena;
	struct trib_error *error;
};

/* "found X, expected Y" where they are not the same. */
static trib_status compare(struct run *run, const char *found, const char *name)
{
	const struct trib_json *expected = trib_json_member(run->expect, name);

	if (!expected || trib_bytes_is(expected->text, found))
		return TRIB_OK;
	return trib_fail(run->error, TRIB_INVALID, name, "found %.100s, expected %.100s", found,
			 expected->text.data);
}

/* Where another play wins than was expected, it says why. */
static trib_status run_request(struct run *run, const struct trib_json *request)
{
	const char *expected = trib_json_member(run->expect, "play")->text.data;
	const struct trib_play *won, *other = trib_plays_find(run->plays, expected);
	struct play_request facts;
	struct trib_buffer why;
	trib_status status = trib_plays_resolve(run->plays, request, &run->arena, &won, run->error);

	if (status != TRIB_OK || !strcmp(won ? won->name : "default", expected))
		return status;
	trib_buffer_init(&why, 2 * TRIB_ERROR_TEXT_MAX);
	if (other && play_request_read(request, &run->arena, &facts, run->error) == TRIB_OK)
		play_why_not(other, won, &facts, &run->arena, &why);
	trib_fail(run->error, TRIB_INVALID, "play", "found %s, expected %.64s%s%s", won ? won->name : "default", expected,
		  why.size ? "; " : "", trib_buffer_text(&why));
	trib_buffer_fini(&why);
	return TRIB_INVALID;
}

static trib_status run_ext(struct run *run, const struct trib_json *ext)
{
	struct trib_error found = { .at = "valid" };
	trib_status status = trib_play_check_ext(run->play, ext->first->key, ext->first, &run->arena,
						 &found);

	if (run->expect->kind == TRIB_JSON_OBJECT)
		return compare(run, found.at, "refused");
	if (status != TRIB_OK)
		return trib_fail(run->error, status, found.at, "%s", found.text);
	return TRIB_OK;
}

/* Its output, or the text of what it refused with. */
static trib_status run_hook(struct run *run, const struct trib_json *hook)
{
	const struct trib_json *output = trib_json_member(run->expect, "output");
	struct trib_buffer found, expected;
	struct trib_error why;
	trib_status status;

	trib_buffer_init(&found, CASE_BYTES);
	trib_buffer_init(&expected, CASE_BYTES);
	status = trib_play_call(run->play, hook->text.data, trib_json_member(run->json, "input"), &found, &why);
	if (output)
		trib_json_add(&expected, output, &run->arena);
	if (status == TRIB_REFUSED && !output)
		status = compare(run, why.text, "refused");
	else if (status != TRIB_OK)
		status = trib_fail(run->error, status, why.at, "%s", why.text);
	else if (!output || strcmp(trib_buffer_text(&found), trib_buffer_text(&expected)) != 0)
		status = trib_fail(run->error, TRIB_INVALID, output ? "output" : "refused", "found %.120s, expected %.120s",
				   trib_buffer_text(&found), output ? trib_buffer_text(&expected) : "a refusal");
	trib_buffer_fini(&found);
	trib_buffer_fini(&expected);
	return status;
}

/* A member of what is expected, as the value that a flow has for it. */
static trib_status compare_result(struct run *run, const struct trib_flow_run *flow, const struct trib_json *expected)
{
	struct trib_buffer found, wanted, canonical;
	trib_status status = TRIB_OK;
	uint32_t i = 0;

	while (i < flow->row->count && !trib_bytes_is(expected->key, flow->row->fields[i].name))
		i++;
	if (i == flow->row->count)
		return trib_fail(run->error, TRIB_INVALID, expected->key.data, "found no field of the flow %s", flow->row->name);
	trib_buffer_init(&found, CASE_BYTES);
	trib_buffer_init(&canonical, CASE_BYTES);
	trib_buffer_init(&wanted, CASE_BYTES);
	play_value_add_json(&flow->values[i], &found);
	status = trib_json_canonical(trib_buffer_bytes(&found), &run->arena, &canonical, run->error);
	trib_json_add(&wanted, expected, &run->arena);
	if (status == TRIB_OK && !trib_bytes_equal(trib_buffer_bytes(&canonical), trib_buffer_bytes(&wanted)))
		status = trib_fail(run->error, TRIB_INVALID, expected->key.data, "found %.120s, expected %.120s",
				   trib_buffer_text(&canonical), trib_buffer_text(&wanted));
	trib_buffer_fini(&found);
	trib_buffer_fini(&canonical);
	trib_buffer_fini(&wanted);
	return status;
}

static trib_status compare_proposals(struct run *run, const struct trib_flow_run *flow, const struct trib_json *expected)
{
	const struct trib_json *step = expected->first;
	uint32_t i = 0;

	for (; step && i < flow->proposal_count && trib_bytes_is(step->text, flow->proposals[i].step); step = step->next)
		i++;
	if (!step && i == flow->proposal_count)
		return TRIB_OK;
	return trib_fail(run->error, TRIB_INVALID, "proposed", "found %.64s as number %u, expected %.64s",
			 i < flow->proposal_count ? flow->proposals[i].step : "nothing", i + 1,
			 step ? step->text.data : "nothing");
}

/* Its results and proposals, or the step that refuses. */
static trib_status run_flow(struct run *run, const struct trib_json *name)
{
	const struct trib_json *refused = trib_json_member(run->expect, "refused");
	enum trib_flow id = trib_flow_find(name->text);
	struct trib_flow_run flow;
	struct trib_error why;

	if (id == TRIB_FLOWS)
		return trib_fail(run->error, TRIB_NOT_FOUND, "flow", "found no flow \"%.64s\"", name->text.data);
	trib_status status = trib_flow_run(run->play, id, trib_json_member(run->json, "input"), &run->arena, &flow, &why);

	if (status != TRIB_OK && status != TRIB_REFUSED)
		return trib_fail(run->error, status, why.at, "%s", why.text);
	if (refused || status != TRIB_OK)
		return status != TRIB_OK && refused ? compare(run, why.at, "refused")
						    : trib_fail(run->error, TRIB_INVALID, "refused", "found %s%s%s, expected %s",
								status == TRIB_OK ? "no refusal" : why.at,
								status == TRIB_OK ? "" : ": ", status == TRIB_OK ? "" : why.text,
								refused ? refused->text.data : "none");
	for (const struct trib_json *member = run->expect->first; member && status == TRIB_OK; member = member->next)
		status = trib_bytes_is(member->key, "proposed") ? compare_proposals(run, &flow, member)
								: compare_result(run, &flow, member);
	return status;
}

static const struct document *tree_of(const struct trib_play *play, struct trib_bytes name)
{
	char file[160];

	snprintf(file, sizeof(file), "rules/" TRIB_BYTES_FMT ".json", TRIB_BYTES_ARG(name));
	for (; play; play = play->up)
		for (uint32_t i = 0; i < play->document_count; i++)
			if (!strcmp(play->documents[i].name, file))
				return &play->documents[i];
	return NULL;
}

static trib_status run_rules(struct run *run, const struct trib_json *name)
{
	const struct document *tree = tree_of(run->play, name->text);
	struct trib_buffer node;
	const char *outcome;
	trib_status status;

	if (!tree)
		return trib_fail(run->error, TRIB_NOT_FOUND, "rules", "found no rules/%.64s.json", name->text.data);
	trib_buffer_init(&node, 4096);
	status = run->trees->walk(run->trees->context, name->text, tree->text,
				  trib_json_member(run->json, "facts"), &node, &outcome, run->error);
	if (status == TRIB_OK)
		status = compare(run, trib_buffer_text(&node), "node");
	if (status == TRIB_OK)
		status = compare(run, outcome, "outcome");
	trib_buffer_fini(&node);
	return status;
}

trib_status trib_play_run_case(const struct trib_plays *plays, const struct trib_play *play,
			       uint32_t number, const struct trib_play_trees *trees,
			       struct trib_error *error)
{
	const struct play_case *row = &play->cases[number];
	const struct trib_json *request = trib_json_member(row->json, "request"),
			       *ext = trib_json_member(row->json, "ext"),
			       *hook = trib_json_member(row->json, "hook"),
			       *flow = trib_json_member(row->json, "flow");
	struct run run = { .plays = plays,
			   .play = play,
			   .trees = trees,
			   .json = row->json,
			   .expect = trib_json_member(row->json, "expect"),
			   .error = error };
	trib_status status;

	trib_arena_init(&run.arena, CASE_BYTES);
	status = request ? run_request(&run, request)
		 : ext	 ? run_ext(&run, ext)
		 : hook	 ? run_hook(&run, hook)
		 : flow	 ? run_flow(&run, flow)
			 : run_rules(&run, trib_json_member(row->json, "rules"));
	trib_arena_fini(&run.arena);
	return status == TRIB_OK ? TRIB_OK : play_error_in(error, row->file->name, row->json->line);
}
