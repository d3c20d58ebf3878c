/* Several plays: parents, and which of them a request belongs to. */
#include "play/private.h"

struct trib_plays {
	struct trib_play **plays;
	uint32_t count, capacity;
};

struct trib_plays *trib_plays_new(void)
{
	return trib_alloc_zeroed(1, sizeof(struct trib_plays));
}

void trib_plays_free(struct trib_plays *plays)
{
	if (!plays)
		return;
	for (uint32_t i = 0; i < plays->count; i++)
		trib_play_free(plays->plays[i]);
	free(plays->plays);
	free(plays);
}

static struct trib_play *find(const struct trib_plays *plays, const char *name)
{
	for (uint32_t i = 0; i < plays->count; i++)
		if (!strcmp(plays->plays[i]->name, name))
			return plays->plays[i];
	return NULL;
}

const struct trib_play *trib_plays_find(const struct trib_plays *plays, const char *name)
{
	return find(plays, name);
}

trib_status trib_plays_add(struct trib_plays *plays, struct trib_play *play, struct trib_error *error)
{
	if (find(plays, play->name))
		return trib_fail(error, TRIB_CONFLICT, play->name, "found a second play of that name");
	if (plays->count == plays->capacity) {
		plays->capacity = TRIB_MAX(16u, plays->capacity * 2);
		plays->plays = trib_realloc(plays->plays, plays->capacity * sizeof(struct trib_play *));
	}
	plays->plays[plays->count++] = play;
	return TRIB_OK;
}

trib_status trib_plays_link(struct trib_plays *plays, struct trib_error *error)
{
	for (uint32_t i = 0; i < plays->count; i++) {
		struct trib_play *play = plays->plays[i];

		play->up = play->parent[0] ? find(plays, play->parent) : NULL;
		if (play->parent[0] && !play->up)
			return trib_fail(error, TRIB_NOT_FOUND, play->name, "found no play \"%s\", which is its parent",
					 play->parent);
	}
	for (uint32_t i = 0; i < plays->count; i++) {
		struct trib_play *play = plays->plays[i];
		bool stated = play->has_priority;

		play->depth = 0;
		for (const struct trib_play *up = play->up; up; up = up->up) {
			if (++play->depth == TRIB_LIMIT_PLAY_DEPTH)
				return trib_fail(error, TRIB_LIMIT, play->name,
						 "found a circle of parents, or more than %d of them",
						 TRIB_LIMIT_PLAY_DEPTH);
			if (!stated)
				play->priority = up->priority;
			stated = stated || up->has_priority;
		}
		if (!stated)
			play->priority = 0;
	}
	for (uint32_t i = 0; i < plays->count; i++)
		if (play_link(plays->plays[i], error) != TRIB_OK)
			return error->status;
	return TRIB_OK;
}

void trib_plays_each(const struct trib_plays *plays, void (*visit)(void *context, const struct trib_play *play),
		     void *context)
{
	for (uint32_t i = 0; i < plays->count; i++)
		visit(context, plays->plays[i]);
}

/* Above 0: a wins over b, where both say that the request is theirs. *ret_by: by what. */
static int64_t compare(const struct trib_play *a, const struct trib_play *b, const char **ret_by)
{
	*ret_by = "has the higher priority";
	if (a->priority != b->priority)
		return a->priority - b->priority;
	*ret_by = "has more ancestors";
	if (a->depth != b->depth)
		return (int64_t)a->depth - b->depth;
	*ret_by = "asks for more of the request";
	if (__builtin_popcount(a->fields) != __builtin_popcount(b->fields))
		return __builtin_popcount(a->fields) - __builtin_popcount(b->fields);
	*ret_by = "comes first by name";
	return strcmp(b->name, a->name);
}

void play_why_not(const struct trib_play *play, const struct trib_play *won, struct play_request *request,
		  struct trib_arena *arena, struct trib_buffer *buffer)
{
	struct trib_expr_error why;
	const struct trib_play *fails = play_identity_fails(play, request, arena, &why);
	const char *by;

	if (fails && why.text[0])
		trib_buffer_add_format(buffer, "the `when` of %s is an error: %s", fails->name, why.text);
	else if (fails)
		trib_buffer_add_format(buffer, "the `when` of %s is false", fails->name);
	else if (won && compare(won, play, &by) > 0)
		trib_buffer_add_format(buffer, "%s %s", won->name, by);
}

trib_status trib_plays_resolve(const struct trib_plays *plays, const struct trib_json *request,
			       struct trib_arena *arena, const struct trib_play **ret_play,
			       struct trib_error *error)
{
	const struct trib_play *best = NULL;
	struct play_request facts;
	const char *by;
	trib_status status = play_request_read(request, arena, &facts, error);

	if (status != TRIB_OK)
		return status;
	for (uint32_t i = 0; i < plays->count; i++)
		if ((!best || compare(plays->plays[i], best, &by) > 0) &&
		    play_identity_holds(plays->plays[i], &facts, arena))
			best = plays->plays[i];
	*ret_play = best;
	return TRIB_OK;
}

trib_status trib_play_check_ext(const struct trib_play *play, struct trib_bytes entity,
				const struct trib_json *ext, struct trib_arena *arena,
				struct trib_error *error)
{
	const struct trib_schema *schemas[TRIB_LIMIT_PLAY_DEPTH];
	uint32_t count = 0;

	for (; play; play = play->up)
		if (play->ext)
			schemas[count++] = play->ext;
	return trib_schema_check_part(schemas, count, entity, ext, arena, NULL, error);
}

trib_status trib_play_call(const struct trib_play *play, const char *hook, const struct trib_json *input,
			   struct trib_buffer *ret_output, struct trib_error *error)
{
	uint32_t line;

	for (; play; play = play->up) {
		if (!play->script || !trib_script_has(play->script, hook))
			continue;
		if (trib_script_call(play->script, hook, input, ret_output, &line, error) == TRIB_OK)
			return TRIB_OK;
		return play_error_in(error, "hooks.lua", line);
	}
	return trib_fail(error, TRIB_NOT_FOUND, "hooks.lua", "found no function \"%.64s\"", hook);
}
