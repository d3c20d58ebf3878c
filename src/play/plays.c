/* Several plays: parents, and which of them a request belongs to. */
#include "play/private.h"

struct trib_plays {
	struct trib_play **plays; /* once linked in the order in which they win */
	uint32_t count, capacity;
	bool lent; /* they are a book's */
};

struct trib_plays *trib_plays_new(void)
{
	return trib_alloc_zeroed(1, sizeof(struct trib_plays));
}

void trib_plays_free(struct trib_plays *plays)
{
	if (!plays)
		return;
	for (uint32_t i = 0; i < plays->count && !plays->lent; i++)
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

static void add(struct trib_plays *plays, struct trib_play *play)
{
	if (plays->count == plays->capacity) {
		plays->capacity = TRIB_MAX(16u, plays->capacity * 2);
		plays->plays = trib_realloc(plays->plays, plays->capacity * sizeof(struct trib_play *));
	}
	plays->plays[plays->count++] = play;
}

trib_status trib_plays_add(struct trib_plays *plays, struct trib_play *play, struct trib_error *error)
{
	if (find(plays, play->name))
		return trib_fail(error, TRIB_CONFLICT, play->name, "found a second play of that name");
	add(plays, play);
	return TRIB_OK;
}

/* A set never changes what is in it once it is bound: the cast is of the array's type only. */
void plays_lend(struct trib_plays *plays, const struct trib_play *play)
{
	plays->lent = true;
	add(plays, (struct trib_play *)(uintptr_t)play);
}

trib_status play_bind(struct trib_play *play, const struct trib_play *up, struct trib_error *error)
{
	uint32_t depth = 0;

	for (const struct trib_play *ancestor = up; ancestor; ancestor = ancestor->up)
		if (++depth == TRIB_LIMIT_PLAY_DEPTH || !strcmp(ancestor->name, play->name)) {
			trib_fail(error, TRIB_LIMIT, "parent", "found itself among its parents, or more than %d of them",
				  TRIB_LIMIT_PLAY_DEPTH);
			return play_error_in(error, "play.yaml", play->parent_line);
		}
	play->up = up;
	play->depth = depth;
	if (!play->has_priority)
		play->priority = up ? up->priority : 0;
	return play_link(play, error);
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

static int by_winning(const void *left, const void *right)
{
	const char *by;
	int64_t order = compare(*(struct trib_play *const *)left, *(struct trib_play *const *)right, &by);

	return order > 0 ? -1 : order < 0;
}

void plays_sort(struct trib_plays *plays)
{
	if (plays->count)
		qsort(plays->plays, plays->count, sizeof(*plays->plays), by_winning);
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
	plays_sort(plays);
	return TRIB_OK;
}

void trib_plays_each(const struct trib_plays *plays, void (*visit)(void *context, const struct trib_play *play),
		     void *context)
{
	for (uint32_t i = 0; i < plays->count; i++)
		visit(context, plays->plays[i]);
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

static const struct trib_play *first_that_holds(const struct trib_plays *plays, struct play_request *facts,
						struct trib_arena *arena)
{
	for (uint32_t i = 0; i < plays->count; i++)
		if (play_identity_holds(plays->plays[i], facts, arena))
			return plays->plays[i];
	return NULL;
}

trib_status trib_plays_resolve(const struct trib_plays *plays, const struct trib_json *request,
			       struct trib_arena *arena, const struct trib_play **ret_play,
			       struct trib_error *error)
{
	struct play_request facts;
	trib_status status = play_request_read(request, arena, &facts, error);

	if (status == TRIB_OK)
		*ret_play = first_that_holds(plays, &facts, arena);
	return status;
}

trib_status trib_plays_choose(const struct trib_plays *plays, const struct trib_request *request,
			      struct trib_arena *arena, const struct trib_play **ret_play,
			      struct trib_error *error)
{
	struct play_request facts;
	trib_status status = play_request_make(request, arena, &facts, error);

	if (status == TRIB_OK)
		*ret_play = first_that_holds(plays, &facts, arena);
	return status;
}

trib_status trib_play_applies(const struct trib_play *play, const struct trib_request *request,
			      struct trib_arena *arena, struct trib_error *error)
{
	struct play_request facts;
	struct trib_buffer why;
	trib_status status = play_request_make(request, arena, &facts, error);

	if (status != TRIB_OK || play_identity_holds(play, &facts, arena))
		return status;
	trib_buffer_init(&why, 2 * TRIB_ERROR_TEXT_MAX);
	play_why_not(play, NULL, &facts, arena, &why);
	status = trib_fail(error, TRIB_REFUSED, "play", "found %s, expected a play that applies; %s", play->name,
			   trib_buffer_text(&why));
	trib_buffer_fini(&why);
	return status;
}

/* Why the first that holds wins over the next one that does, which may be NULL. */
static void why_won(const struct trib_play *won, const struct trib_play *next, struct trib_buffer *why)
{
	const char *by;

	if (!next) {
		trib_buffer_add_text(why, "it alone says that the request is its own");
		return;
	}
	compare(won, next, &by);
	trib_buffer_add_format(why, "before %s, for it %s", next->name, by);
}

static void explain_all(const struct trib_plays *plays, struct play_request *facts, struct trib_arena *arena,
			struct trib_play_candidate *candidates, const struct trib_play *won,
			const struct trib_play *next)
{
	struct trib_buffer why;

	trib_buffer_init(&why, 2 * TRIB_ERROR_TEXT_MAX);
	for (uint32_t i = 0; i < plays->count; i++) {
		trib_buffer_reset(&why);
		if (plays->plays[i] == won)
			why_won(won, next, &why);
		else
			play_why_not(plays->plays[i], won, facts, arena, &why);
		const char *text = trib_arena_copy(arena, trib_buffer_bytes(&why));

		candidates[i].why = text ? text : "";
	}
	trib_buffer_fini(&why);
}

trib_status trib_plays_explain(const struct trib_plays *plays, const struct trib_json *request,
			       struct trib_arena *arena, struct trib_play_candidate **ret_candidates,
			       uint32_t *ret_count, struct trib_error *error)
{
	struct trib_play_candidate *candidates =
		trib_arena_alloc_zeroed(arena, plays->count * sizeof(*candidates));
	const struct trib_play *won = NULL, *next = NULL;
	struct play_request facts;

	if (!candidates)
		return trib_fail(error, TRIB_NO_MEMORY, "request", "out of the memory granted to it");
	trib_status status = play_request_read(request, arena, &facts, error);

	if (status != TRIB_OK)
		return status;
	for (uint32_t i = 0; i < plays->count; i++) {
		candidates[i].play = plays->plays[i];
		candidates[i].applies = play_identity_holds(plays->plays[i], &facts, arena);
		if (candidates[i].applies && !won)
			won = plays->plays[i];
		else if (candidates[i].applies && !next)
			next = plays->plays[i];
	}
	explain_all(plays, &facts, arena, candidates, won, next);
	*ret_candidates = candidates;
	*ret_count = plays->count;
	return TRIB_OK;
}

bool trib_play_adds_to(const struct trib_play *play, struct trib_bytes entity)
{
	for (; play; play = play->up)
		if (play->ext && trib_schema_has_part(play->ext, entity))
			return true;
	return false;
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
