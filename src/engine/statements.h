/*
 * Statements of parties, made beside the engine: a thread reads the rows that checkpoints left (TRIB_TABLE_STATEMENT)
 * and the stretches of the journal that are needed (commission/statement.h); the engine then gives numbers their names,
 * some entries a turn. Private to the room.
 *
 *	call ──► waiting ──► job: rows, stretches (its thread) ──► format (a slice a turn) ──► answer
 *
 * One is made at a time: they read the disk that everybody else needs.
 */
#ifndef TRIB_ENGINE_STATEMENTS_H
#define TRIB_ENGINE_STATEMENTS_H

#include "engine/call.h"
#include "store/store.h"

struct statement_job;

struct statements {
	struct statement_job *job;
	struct trib_call *waiting, **last_waiting;
	uint64_t untold;  /* before this mark no rows were kept: releases before 0.2 */
	int64_t stored_ms; /* engine time where the store stands: no event behind it is earlier */
};

void statements_init(struct trib_engine *engine);
/* Answers what waits with -UNKNOWN, ends the job. */
void statements_fini(struct trib_engine *engine);

/* True where the call has been taken: it is decided when its statement has been read. */
bool statements_take(struct trib_engine *engine, struct trib_call *call);
trib_status statements_answer(struct trib_engine *engine, struct trib_call *call);

/* Goes on with the job. */
void statements_turn(struct trib_engine *engine);

/* A row as the store has it, and back; false where the bytes are none. */
enum { STATEMENT_KEY_BYTES = 21, STATEMENT_VALUE_BYTES = 40 };
struct trib_statement_row;
void statement_row_put(char key[STATEMENT_KEY_BYTES], char value[STATEMENT_VALUE_BYTES],
		       const struct trib_statement_row *row);
bool statement_row_get(struct trib_bytes key, struct trib_bytes value, struct trib_statement_row *ret_row);

#endif
