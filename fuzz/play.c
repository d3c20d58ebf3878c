/*
 * Any bytes as the files of a play: name and text in turn, a NUL after each. Beyond not crashing: a refusal says where
 * and why, and of what is accepted every case and every flow can be run, twice with the same end.
 */
#include "base/limits.h"
#include "play/play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static trib_status check_tree(void *context, struct trib_bytes name, struct trib_bytes json, struct trib_error *error)
{
	return json.size % 7 == 3 ? trib_fail(error, TRIB_INVALID, "root.when:1:1", "found none") : TRIB_OK;
}

static trib_status walk_tree(void *context, struct trib_bytes name, struct trib_bytes json,
			     const struct trib_json *facts, struct trib_buffer *ret_node, const char **ret_outcome,
			     struct trib_error *error)
{
	trib_buffer_add_bytes(ret_node, name);
	*ret_outcome = "attributed";
	return TRIB_OK;
}

static const struct trib_play_trees trees = { .check = check_tree, .walk = walk_tree };

/* One that fails leaves nothing but its trace, which is JSON; so are proposals. */
static trib_status run_flow(const struct trib_play *play, enum trib_flow flow)
{
	static const struct trib_json nothing = { .kind = TRIB_JSON_OBJECT };
	struct trib_flow_run run;
	const struct trib_json *json;
	struct trib_arena arena;
	struct trib_error error;

	trib_arena_init(&arena, 2 * TRIB_LIMIT_FLOW_BYTES);
	trib_status status = trib_flow_run(play, flow, &nothing, &arena, &run, &error);

	trib_assert(status == TRIB_OK || (error.text[0] && !run.proposal_count && !run.waits));
	trib_assert(trib_json_parse(run.trace, TRIB_LIMIT_JSON_DEPTH, &arena, &json, &error) == TRIB_OK);
	for (uint32_t i = 0; i < run.proposal_count; i++)
		trib_assert(run.proposals[i].body.size <= TRIB_LIMIT_FLOW_TRACE_BYTES);
	trib_arena_fini(&arena);
	return status;
}

/* Where time is short, how far a run came is not the same each time. */
static void run_flows(const struct trib_play *play)
{
	for (int flow = 0; flow < TRIB_FLOWS; flow++) {
		if (trib_flow_is_default(play, (enum trib_flow)flow))
			continue;
		trib_status once = run_flow(play, (enum trib_flow)flow), again = run_flow(play, (enum trib_flow)flow);

		trib_assert(once == again || once == TRIB_LIMIT || again == TRIB_LIMIT);
	}
}

static void run_cases(struct trib_play *play)
{
	struct trib_plays *plays = trib_plays_new();
	struct trib_error error;

	trib_assert(trib_plays_add(plays, play, &error) == TRIB_OK);
	if (trib_plays_link(plays, &error) == TRIB_OK)
		for (uint32_t i = 0; i < TRIB_MIN(trib_play_cases(play), 8u); i++)
			trib_assert(trib_play_run_case(plays, play, i, &trees, &error) ==
				    trib_play_run_case(plays, play, i, &trees, &error));
	if (trib_plays_link(plays, &error) == TRIB_OK)
		run_flows(play);
	trib_plays_free(plays);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { FILES_MAX = 8 };
	struct trib_play_file files[FILES_MAX];
	struct trib_bytes parts[2 * FILES_MAX];
	struct trib_error error;
	struct trib_play *play;
	uint32_t count = 0;

	for (const uint8_t *end = data + size; data < end && count < 2 * FILES_MAX; data++) {
		const uint8_t *nul = memchr(data, 0, (size_t)(end - data));

		nul = nul ? nul : end;
		parts[count++] = trib_bytes(data, (size_t)(nul - data));
		data = nul;
	}
	for (uint32_t i = 0; i < count / 2; i++)
		files[i] = (struct trib_play_file){ parts[2 * i], parts[2 * i + 1] };
	if (trib_play_new(files, count / 2, &trees, &play, &error) == TRIB_OK)
		run_cases(play);
	else
		trib_assert(error.text[0] && memchr(error.at, '\0', sizeof(error.at)));
	return 0;
}
