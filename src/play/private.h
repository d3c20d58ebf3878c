/* A play as it stands in memory. read.c makes it. */
#ifndef TRIB_PLAY_PRIVATE_H
#define TRIB_PLAY_PRIVATE_H

#include "expr/expr.h"
#include "play/flow.h"
#include "play/play.h"
#include "play/script.h"

/* A file that has been read. Its strings live in the play's arena. */
struct document {
	const char *name;
	struct trib_bytes text;
	const struct trib_json *json;
};

struct play_case {
	const struct document *file;
	const struct trib_json *json;
};

/* One way of doing what a capability is for; its texts live in the play's arena. */
enum play_implementation_kind { PLAY_LUA, PLAY_CEL, PLAY_USE };
struct play_implementation {
	enum play_implementation_kind kind;
	const char *text;		/* the function, the expression, or what is used */
	struct trib_expr_program *when; /* NULL: always */
	struct trib_expr_program *cel;	/* of PLAY_CEL */
	uint32_t line;			/* of play.yaml */
};

/* What a play says of a capability. */
struct play_override {
	const struct trib_play *play;
	bool chain; /* all that hold, one after the other; else the first */
	uint32_t count;
	struct play_implementation *items;
	const struct play_override *next; /* linked: what is asked where none holds; NULL: the default */
};

struct flow_program;

struct trib_play {
	struct trib_arena arena;
	const struct document *documents;
	uint32_t document_count;

	const char *name, *title, *description, *parent, *when_text;
	uint32_t parent_line;
	bool has_priority;
	int64_t priority; /* the parent's where it says none, once linked */
	struct trib_expr_program *when;
	uint32_t fields; /* of the request that `when` reads, as bits of trib_request_field */
	struct trib_schema *ext;    /* NULL: adds nothing */
	struct trib_script *script; /* NULL: has none */
	const struct play_case *cases;
	uint32_t case_count;
	struct play_override *overrides[TRIB_CAPABILITIES]; /* NULL: says nothing of it */
	struct flow_program *flows[TRIB_FLOWS];

	/* By trib_plays_link, or by the book that has it: */
	const struct trib_play *up; /* NULL: has no parent */
	uint32_t depth;		    /* 0 without a parent */
	const struct play_override *ways[TRIB_CAPABILITIES]; /* NULL: the default */
	const struct flow_program *ways_of_flows[TRIB_FLOWS]; /* NULL: the default */
	uint32_t version;	    /* in a book; 0: it is in none */
};

/* plays.c: binds a play to its parent, which is bound itself, or NULL. */
trib_status play_bind(struct trib_play *play, const struct trib_play *up, struct trib_error *error);
/* A set of plays that are bound, and stay the book's. */
void plays_lend(struct trib_plays *plays, const struct trib_play *play);
/* Once all are there: puts them in the order in which they win. */
void plays_sort(struct trib_plays *plays);

/* Puts "file:line" before the place of an error; 0: no line is known. Turns "line 3 column 7" into "file:3:7". */
trib_status play_error_in(struct trib_error *error, const char *file, uint32_t line);

/* identity.c */
trib_status play_identity_new(const struct trib_json *when, struct trib_expr_program **ret_when,
			      uint32_t *ret_fields, struct trib_error *error);

/* A request as facts. */
struct play_request {
	struct trib_value values[TRIB_REQUEST_FIELDS];
};
trib_status play_request_read(const struct trib_json *json, struct trib_arena *arena,
			      struct play_request *ret_request, struct trib_error *error);
trib_status play_request_make(const struct trib_request *given, struct trib_arena *arena,
			      struct play_request *ret_request, struct trib_error *error);
/* The play, or the ancestor of it, whose `when` is not true; NULL: it is theirs. *ret_why has a text where it is an error. */
const struct trib_play *play_identity_fails(const struct trib_play *play, struct play_request *request,
					    struct trib_arena *arena, struct trib_expr_error *ret_why);
bool play_identity_holds(const struct trib_play *play, struct play_request *request,
			 struct trib_arena *arena);

/* capability.c */

/* "name:type name:type" → fields; asserts that it is right, for it stands in our tables. */
uint32_t play_fields_read(const char *text, struct trib_capability_field *ret_fields, uint32_t count_max);
struct trib_value play_value_zero(const struct trib_type *type);
/* Neither zero nor empty: what has() says. */
bool play_value_is_stated(const struct trib_value *value);
/* Makes it one of that type where no meaning is lost; false: it is none. */
bool play_value_fit(struct trib_value *value, const struct trib_type *type);
void play_value_add_json(const struct trib_value *value, struct trib_buffer *json);

/* implementation.c */

/* `capabilities` of play.yaml. */
trib_status play_overrides_read(struct trib_play *play, const struct trib_json *json, uint32_t *ret_line,
				struct trib_error *error);
void play_overrides_free(struct trib_play *play);
/* Once `up` is known of it and its ancestors. */
trib_status play_link(struct trib_play *play, struct trib_error *error);
void play_fields_declare(const struct trib_capability_field *fields, uint32_t count,
			 struct trib_expr_variable *ret_variables);
/* The text of json as an expression of a type; NULL: of any. Places begin with its name. */
trib_status play_compile(const struct trib_expr_variable *variables, uint32_t count, const struct trib_json *json,
			 const struct trib_type *wanted, struct trib_expr_program **ret_program, struct trib_error *error);
/*
 * Runs what the play has for a capability; NULL: the default. out: as many as the row has. `by` (or NULL) gets what was
 * run, in words. REFUSED: it said no.
 */
trib_status play_capability_run(const struct trib_play *play, enum trib_capability id, const struct trib_value *in,
				struct trib_arena *arena, struct trib_value *out, struct trib_buffer *by,
				struct trib_error *error);
/* The text of a refusal; NULL: there is none. */
const struct trib_value *play_refusal(const struct trib_capability_row *row, const struct trib_value *out);

/* way.c */

/* One run of one capability. */
struct play_run {
	enum trib_capability id;
	const struct trib_capability_row *row;
	const struct trib_play *play; /* whose hooks come first, as they do everywhere */
	struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX];
	struct trib_arena *arena;
	struct trib_value *out;
	struct trib_buffer *by; /* what was run, in words */
	struct trib_error *error;
	/* Calls a function of hooks.lua, as of now; NULL where there are none: on the way of orders. */
	trib_status (*script)(struct play_run *run, const char *function);
};

/* NULL: the default. run->out is then what it gives. */
trib_status play_run_way(struct play_run *run, const struct play_override *way);
/* What an implementation gave, over what stands in run->out. */
trib_status play_take_outputs(struct play_run *run, struct trib_value value);

/* order_path.c: a packed message but for one of its fields. */
enum { PLAY_PUT_FILES = 3, PLAY_PUT_TREES = 8 }; /* of message PlayPut */
void play_add_without(struct trib_bytes packed, uint32_t number, struct trib_buffer *buffer);

/* flow.c: flow.yaml. */
trib_status play_flows_read(struct trib_play *play, const struct trib_json *json, uint32_t *ret_line,
			    struct trib_error *error);
void play_flows_free(struct trib_play *play);

/* Does the platform's flow ask for the capability? */
bool play_flow_asks(enum trib_flow flow, enum trib_capability capability);

/* plays.c: why a request does not belong to a play but to `won`, which may be NULL; in words. */
void play_why_not(const struct trib_play *play, const struct trib_play *won, struct play_request *request,
		  struct trib_arena *arena, struct trib_buffer *buffer);

#endif
