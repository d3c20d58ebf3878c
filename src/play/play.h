/*
 * Plays: one business each, as a folder of data. The room's door.
 *
 *	yaml.h		YAML, read into the tree that JSON is read into
 *	schema.h	JSON Schema
 *	capability.h	where a play may do something its own way: the table
 *	flow.h		what is asked in which order when something is done, and its runs
 *	book.h		every version of every play, and which of them is active when
 *
 *	struct trib_play_file files[] = { { "play.yaml", … }, { "ext.schema.json", … }, { "cases/live.yaml", … } };
 *	struct trib_play *play;
 *	if (trib_play_new(files, 3, &trees, &play, &error) != TRIB_OK)        // "play.yaml:4: when:1:9: found …"
 *		…
 *	struct trib_plays *plays = trib_plays_new();
 *	trib_plays_add(plays, play);                                          // takes it
 *	if (trib_plays_link(plays, &error) != TRIB_OK)                        // each finds its parent
 *		…
 *	const struct trib_play *won;
 *	trib_plays_resolve(plays, request, &arena, &won, &error);             // NULL: the platform's defaults
 *
 * A play is read whole or not at all. It is immutable; any number of threads may use a linked set, each with its own
 * arena. Rule trees are of a room that stands above this one, which hands in how they are checked and walked.
 */
#ifndef TRIB_PLAY_PLAY_H
#define TRIB_PLAY_PLAY_H

#include "play/flow.h"
#include "play/schema.h"
#include "play/yaml.h"

/* ---- One play ------------------------------------------------------------------------------------- */

/* A file as it stands in the folder: "cases/live.yaml". */
struct trib_play_file {
	struct trib_bytes name, text;
};

/* What knows rule trees. name: of the tree, which is the file's without folder and ending. */
struct trib_play_trees {
	void *context;
	/* Is this a tree? At "node.when:1:11", the node by its id. */
	trib_status (*check)(void *context, struct trib_bytes name, struct trib_bytes json,
			     struct trib_error *error);
	/* Where do the facts (an object by their names) lead? */
	trib_status (*walk)(void *context, struct trib_bytes name, struct trib_bytes json,
			    const struct trib_json *facts, struct trib_buffer *ret_node,
			    const char **ret_outcome, struct trib_error *error);
};

struct trib_play;

/* Reads and checks all files; their texts may go afterwards. The place of what is refused is "file:line: path". */
trib_status trib_play_new(const struct trib_play_file *files, uint32_t count,
			  const struct trib_play_trees *trees, struct trib_play **ret_play,
			  struct trib_error *error);
void trib_play_free(struct trib_play *play);

const char *trib_play_name(const struct trib_play *play);
const char *trib_play_title(const struct trib_play *play);  /* "" if it has none */
const char *trib_play_description(const struct trib_play *play);
const char *trib_play_parent(const struct trib_play *play); /* "" if it has none */
const char *trib_play_when(const struct trib_play *play);
int64_t trib_play_priority(const struct trib_play *play);  /* its own, or once linked that of an ancestor */
uint32_t trib_play_version(const struct trib_play *play);  /* in a book; 0: it is in none */
const struct trib_play *trib_play_up(const struct trib_play *play); /* once linked: its parent, or NULL */

/* Does the play, or once linked an ancestor, add anything to the entity ("plan")? */
bool trib_play_adds_to(const struct trib_play *play, struct trib_bytes entity);

/* Its cases, from 0 on: how many; what the n-th tests, in words. */
uint32_t trib_play_cases(const struct trib_play *play);
const char *trib_play_case(const struct trib_play *play, uint32_t number);

/* ---- Requests ------------------------------------------------------------------------------------- */

/*
 * What an identity may ask of a request. X(ID, name after `request.`, type, what). What a request does not state
 * reads as "", 0, an empty list or an empty map.
 */
#define TRIB_REQUEST_TABLE(X)                                                                      \
	X(ACTION, "action", STRING, "what is asked for: plan.put, goods.enrol …")                  \
	X(ROLE, "role", STRING, "of who asks: merchant, leader, creator, operator …")              \
	X(SCENE, "scene", STRING, "where: live, shelf …")                                          \
	X(CHANNEL, "channel", STRING, "of the registration or link")                               \
	X(SITE, "site", STRING, "of the goods")                                                    \
	X(CATEGORY, "category", STRING, "of the goods, its parts with / between")                  \
	X(BRAND, "brand", STRING, "of the goods")                                                  \
	X(KIND, "kind", STRING, "of the plan")                                                     \
	X(ACTIVITY, "activity", STRING, "its id")                                                  \
	X(MERCHANT, "merchant", STRING, "its id")                                                  \
	X(LEADER, "leader", STRING, "its id")                                                      \
	X(CREATOR, "creator", STRING, "its id")                                                    \
	X(REGION, "region", STRING, "of the creator")                                              \
	X(LEVEL, "level", INT, "of the creator")                                                   \
	X(TAGS, "tags", TAGS, "of the creator")                                                    \
	X(EXT, "ext", EXT, "of what is asked for")

enum trib_request_field {
#define X(id, name, type, what) TRIB_REQUEST_##id,
	TRIB_REQUEST_TABLE(X)
#undef X
		TRIB_REQUEST_FIELDS
};

/* A request of whoever has it in fields. Everything is borrowed; zeros state nothing. */
struct trib_request {
	struct trib_bytes texts[TRIB_REQUEST_FIELDS]; /* of the fields that are strings */
	int64_t level;
	const struct trib_bytes *tags;
	uint32_t tag_count;
	const struct trib_json *ext; /* an object, or NULL */
};

/* ---- Several plays -------------------------------------------------------------------------------- */

struct trib_plays;

struct trib_plays *trib_plays_new(void);
void trib_plays_free(struct trib_plays *plays);

/* Takes the play. CONFLICT (and it stays the caller's): there is one of that name. */
trib_status trib_plays_add(struct trib_plays *plays, struct trib_play *play, struct trib_error *error);
const struct trib_play *trib_plays_find(const struct trib_plays *plays, const char *name);

/*
 * After the last one: parents are found, and what each has for every capability; a missing parent or function, a circle
 * and too long a chain are refused.
 */
trib_status trib_plays_link(struct trib_plays *plays, struct trib_error *error);

void trib_plays_each(const struct trib_plays *plays, void (*visit)(void *context, const struct trib_play *play),
		     void *context);

/*
 * The one play that a request (an object of request fields) belongs to; NULL where none says it is its own. A play
 * says so where its `when` is true and its parent says so; an error of `when` counts as false. Of several the one of
 * the higher priority wins; then the more specific: the one further from its oldest ancestor, then the one that asks
 * for more of the request; then the first by name.
 */
trib_status trib_plays_resolve(const struct trib_plays *plays, const struct trib_json *request,
			       struct trib_arena *arena, const struct trib_play **ret_play,
			       struct trib_error *error);

/* The same of a request in fields. NO_MEMORY, INVALID: its ext is more than CEL takes. */
trib_status trib_plays_choose(const struct trib_plays *plays, const struct trib_request *request,
			      struct trib_arena *arena, const struct trib_play **ret_play,
			      struct trib_error *error);

/*
 * Why: all plays in the order in which they win, each with its reason in words; the one that wins is the first that
 * applies. Reasons live in the arena.
 */
struct trib_play_candidate {
	const struct trib_play *play;
	bool applies;
	const char *why;
};
trib_status trib_plays_explain(const struct trib_plays *plays, const struct trib_json *request,
			       struct trib_arena *arena, struct trib_play_candidate **ret_candidates,
			       uint32_t *ret_count, struct trib_error *error);

/* May the play (of any set) be the request's? REFUSED: its own condition, or an ancestor's, is not true; in words. */
trib_status trib_play_applies(const struct trib_play *play, const struct trib_request *request,
			      struct trib_arena *arena, struct trib_error *error);

/*
 * Is `ext` good for an entity ("plan") of the play? Each schema of the play and its ancestors must agree, and a field
 * that none of them speaks of is refused. The place begins with the entity: "plan.slot_fee".
 */
trib_status trib_play_check_ext(const struct trib_play *play, struct trib_bytes entity,
				const struct trib_json *ext, struct trib_arena *arena,
				struct trib_error *error);

/*
 * Calls a function of the play's hooks.lua, or of its nearest ancestor's that has one of that name, and appends what it
 * returns as canonical JSON. NOT_FOUND: none has. REFUSED: it said no, and why. INVALID, LIMIT: it failed, at
 * "hooks.lua:12".
 */
trib_status trib_play_call(const struct trib_play *play, const char *hook, const struct trib_json *input,
			   struct trib_buffer *ret_output, struct trib_error *error);

/*
 * The map: every capability with its fields, the flows that ask for it, and what plays (of the set; NULL: none) do there.
 * `{"items":[{capability, path, what, inputs, outputs, flows, implementations:[{play, when, kind, text, line}], plays}],
 * "flows":[{flow, what, served, …}]}`.
 */
void trib_capabilities_write(const struct trib_plays *plays, struct trib_buffer *json);

/* The checklist of a play, or of its nearest ancestor that has one, as JSON; NOT_FOUND. */
trib_status trib_play_write_checklist(const struct trib_play *play, struct trib_buffer *json, struct trib_arena *arena,
				      struct trib_error *error);

/*
 * Runs one of the play's own cases. INVALID: something else came of it than was expected; at "cases/live.yaml:12:
 * play".
 */
trib_status trib_play_run_case(const struct trib_plays *plays, const struct trib_play *play,
			       uint32_t number, const struct trib_play_trees *trees,
			       struct trib_error *error);

/* ---- Forms ---------------------------------------------------------------------------------------- */

/*
 * What a form needs of an entity ("plan"): one JSON Schema of all that the play (NULL: the platform's own ways) and its
 * ancestors ask of ext; and its fields in written order, the oldest ancestor's first. Texts are the play's.
 */
struct trib_play_form_field {
	struct trib_bytes name, title, description, type, widget; /* "" where nothing is said */
	bool required;
	const char *play;
};
void trib_play_form_schema(const struct trib_play *play, const char *entity, struct trib_arena *arena,
			   struct trib_buffer *json);
/*
 * The same of many plays in one document, /openapi.json: `,"play.slot-live.1":{…}`, a schema that is in it once, and what
 * it says with its ancestors' of an entity, which refers to those.
 */
void trib_play_write_document(const struct trib_play *play, struct trib_arena *arena, struct trib_buffer *json);
void trib_play_write_part(const struct trib_play *play, const char *entity, struct trib_buffer *json);
uint32_t trib_play_form_fields(const struct trib_play *play, const char *entity, struct trib_play_form_field *ret_fields,
			       uint32_t fields_max);

#include "play/book.h"
#include "play/order_path.h"

#endif
