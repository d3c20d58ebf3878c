/*
 * What-ifs that callers have asked for, each in a thread of its own beside the engine; one runs at a time, the newest
 * few are kept until the process ends. Private to the room.
 */
#ifndef TRIB_ENGINE_SIMULATIONS_H
#define TRIB_ENGINE_SIMULATIONS_H

#include "engine/call.h"

struct simulations;

/* {version | scene?, root, from?, to?, examples?}: begins one, or runs it where there are no threads. */
trib_status simulations_begin(struct trib_engine *engine, struct trib_call *call);

/* One of a tree, by its number: how far it is, and its report once it is done. */
trib_status simulations_show(struct trib_engine *engine, struct trib_call *call);

/* Ends what runs, waits for it, forgets all. */
void simulations_fini(struct trib_engine *engine);

#endif
