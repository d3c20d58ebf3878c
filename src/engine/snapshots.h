/*
 * Snapshots for rich clients: the market as it stands, full or as what has changed since a position, made without
 * the engine waiting for it. Private to the room.
 *
 *	changes   every event that changed the market since the floor, in memory: what deltas are made of
 *	file      the newest full part, made in the background from a view of the store and the changes behind it
 *
 *	store   ═══════════════╗ S
 *	changes          floor ╟────────┬──────────┐ newest
 *	file    ═══════════════╩════════╡ file      │
 *	answer to "full"                └ + delta ──┘
 *
 * A full answer is the file and, behind it, a delta up to now. Where the changes do not reach back to the store (much
 * has been put since the last checkpoint), a checkpoint comes first.
 */
#ifndef TRIB_ENGINE_SNAPSHOTS_H
#define TRIB_ENGINE_SNAPSHOTS_H

#include <pthread.h>
#include "engine/call.h"
#include "proto/proto.h"
#include "store/store.h"

struct market_change {
	uint64_t position;
	struct trib_bytes event; /* the content of message Event, on the heap */
};

struct snapshot_job;

struct snapshots {
	struct market_change *changes; /* from `first` on */
	size_t first, count, capacity;
	size_t bytes;
	uint64_t floor;	   /* all changes behind it are here */
	uint64_t position; /* of the newest change ever */
	struct trib_call_file *file;
	uint64_t file_position;
	uint64_t added, file_added; /* bytes of changes ever; when the file was begun */
	struct snapshot_job *job;
	struct trib_call *waiting, **last_waiting; /* calls that wait for the file, in their order */
};

void snapshots_init(struct trib_engine *engine);
/* Answers what waits with -UNKNOWN, ends the job, forgets everything. */
void snapshots_fini(struct trib_engine *engine);

/* The store has been read; what it says of the newest change, 0 if it does not. */
void snapshots_loaded(struct trib_engine *engine, uint64_t position);

/* An event has changed the market, and stands at engine->position. */
void snapshots_note(struct trib_engine *engine, const Tributary__Event *event);

/* True where the call has to wait for a file: it has been taken, and will be decided again. */
bool snapshots_take(struct trib_engine *engine, struct trib_call *call);
trib_status snapshots_answer(struct trib_engine *engine, struct trib_call *call);

/* Goes on with the job. */
void snapshots_turn(struct trib_engine *engine);

#endif
