/*
 * Rule trees, and plays, are parsed, checked and compiled beside the engine, in a thread of their own, one after
 * another: however large one is, orders do not wait for it. The engine numbers it and takes it as it is. Private to the
 * room.
 */
#ifndef TRIB_ENGINE_COMPILER_H
#define TRIB_ENGINE_COMPILER_H

#include "engine/call.h"

struct trib_tree;
struct trib_play;

struct compile_job;
struct compiler {
	struct compile_job *job;
	struct trib_call *waiting, **last_waiting; /* in their order */
};

void compiler_init(struct trib_engine *engine);
/* Answers what waits with -UNKNOWN, once the job's thread has ended. */
void compiler_fini(struct trib_engine *engine);

/* True where the call brings a tree or a play to compile: it has been taken, and will be decided when that is done. */
bool compiler_take(struct trib_engine *engine, struct trib_call *call);

/* The tree that the job of this call made; the caller's from now on. And the version that a PATCH began with. */
struct trib_tree *compiler_tree(struct trib_engine *engine, const struct trib_call *call, uint32_t *ret_base);

/* The play that the job of this call read; the caller's from now on. */
struct trib_play *compiler_play(struct trib_engine *engine, const struct trib_call *call);

/* The rule trees that the play came with; the job's. */
struct compiled_tree {
	char name[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
	struct trib_tree *tree;
};
struct compiled_trees {
	struct compiled_tree items[TRIB_LIMIT_PLAY_FILES];
	uint32_t count;
};
const struct compiled_trees *compiler_trees(struct trib_engine *engine, const struct trib_call *call);

/* Goes on with the job. */
void compiler_turn(struct trib_engine *engine);

#endif
