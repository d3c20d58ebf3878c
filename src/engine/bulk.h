/*
 * Bulk edits: plans chosen by a condition, all changed alike, a slice a turn, so that orders never wait for them.
 *
 *	PUT ──► previewing ──► previewed ──apply──► applying ──► done
 *	             └────────── without dry_run ──────▲
 *
 * The job is an entity: what it is to do and how far it is. Each change is an ordinary version of its plan, whose note names the
 * job; so one that a crash cut off goes on where it was, and changes nothing twice. One job at a time, the oldest first.
 */
#ifndef TRIB_ENGINE_BULK_H
#define TRIB_ENGINE_BULK_H

#include "engine/engine.h"

struct bulk;

/* A job has been put, or led on: look for work. */
void bulk_told(struct trib_engine *engine);
/* One slice. */
void bulk_turn(struct trib_engine *engine);
void bulk_fini(struct trib_engine *engine);

/* May this stand as the filter of a job? */
trib_status bulk_check_filter(struct trib_bytes source, struct trib_error *error);

/* POST /api/v1/plans:bulk */
trib_status call_bulk(struct trib_engine *engine, struct trib_call *call);

#endif
