/* A play as it stands in memory. read.c makes it. */
#ifndef TRIB_PLAY_PRIVATE_H
#define TRIB_PLAY_PRIVATE_H

#include "expr/expr.h"
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

struct trib_play {
	struct trib_arena arena;
	const struct document *documents;
	uint32_t document_count;

	const char *name, *title, *parent;
	bool has_priority;
	int64_t priority; /* the parent's where it says none, once linked */
	struct trib_expr_program *when;
	uint32_t fields; /* of the request that `when` reads, as bits of trib_request_field */
	struct trib_schema *ext;    /* NULL: adds nothing */
	struct trib_script *script; /* NULL: has none */
	const struct play_case *cases;
	uint32_t case_count;

	/* By trib_plays_link: */
	const struct trib_play *up; /* NULL: has no parent */
	uint32_t depth;		    /* 0 without a parent */
};

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
/* The play, or the ancestor of it, whose `when` is not true; NULL: it is theirs. *ret_why has a text where it is an error. */
const struct trib_play *play_identity_fails(const struct trib_play *play, struct play_request *request,
					    struct trib_arena *arena, struct trib_expr_error *ret_why);
bool play_identity_holds(const struct trib_play *play, struct play_request *request,
			 struct trib_arena *arena);

/* plays.c: why a request does not belong to a play but to `won`, which may be NULL; in words. */
void play_why_not(const struct trib_play *play, const struct trib_play *won, struct play_request *request,
		  struct trib_arena *arena, struct trib_buffer *buffer);

#endif
