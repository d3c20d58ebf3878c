/*
 * Any bytes as the files of a play: name and text in turn, a NUL after each. Beyond not crashing: a refusal says where
 * and why, and of what is accepted every case can be run, twice with the same end.
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

static void run_cases(struct trib_play *play)
{
	struct trib_plays *plays = trib_plays_new();
	struct trib_error error;

	trib_assert(trib_plays_add(plays, play, &error) == TRIB_OK);
	if (trib_plays_link(plays, &error) == TRIB_OK)
		for (uint32_t i = 0; i < TRIB_MIN(trib_play_cases(play), 8u); i++)
			trib_assert(trib_play_run_case(plays, play, i, &trees, &error) ==
				    trib_play_run_case(plays, play, i, &trees, &error));
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
