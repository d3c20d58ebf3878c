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
	return TRIB_OK;
}

/* Does a win over b? Both say that the request is theirs. */
static bool wins(const struct trib_play *a, const struct trib_play *b)
{
	int fields_a = __builtin_popcount(a->fields), fields_b = __builtin_popcount(b->fields);

	if (a->priority != b->priority)
		return a->priority > b->priority;
	if (a->depth != b->depth)
		return a->depth > b->depth;
	if (fields_a != fields_b)
		return fields_a > fields_b;
	return strcmp(a->name, b->name) < 0;
}

trib_status trib_plays_resolve(const struct trib_plays *plays, const struct trib_json *request,
			       struct trib_arena *arena, const struct trib_play **ret_play,
			       struct trib_error *error)
{
	const struct trib_play *best = NULL;
	struct play_request facts;
	trib_status status = play_request_read(request, arena, &facts, error);

	if (status != TRIB_OK)
		return status;
	for (uint32_t i = 0; i < plays->count; i++)
		if ((!best || wins(plays->plays[i], best)) &&
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
