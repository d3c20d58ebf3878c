/*
 * Managed plans: the platform moves the rate inside the merchant's bounds, a step at a time, towards a goal. Every so often
 * (`manage.every`, in engine time) it compares what the plan has sold since it last looked with the target:
 *
 *	gmv, orders    less than the target: a step up; more than a tenth above it: a step down
 *	cost_share     commission by GMV above the target: a step down; below nine tenths of it: a step up; nothing sold: it stays
 *
 * A move is an ordinary version of the plan whose note says why: the goal, what was measured, the rates. Where measuring began anew
 * is an event of its own, so that replay knows it: a move is decided once, and never by a replay.
 */
#ifndef TRIB_ENGINE_MANAGED_H
#define TRIB_ENGINE_MANAGED_H

#include "engine/engine.h"

struct managed;

/* What is looked at, and what comes of it. */
struct managed_look {
	uint8_t goal; /* enum trib_goal */
	int64_t target, orders, gmv, cost; /* since the last look */
	int32_t rate_bps, step_bps, min_bps, max_bps;
};
/* The next rate; *ret_measured is what was compared with the target, -1: nothing to compare. */
int32_t managed_next_rate(const struct managed_look *look, int64_t *ret_measured);

/* A plan has been put: is it one of them? */
void managed_told(struct trib_engine *engine, uint32_t plan);
/* Measuring begins anew. */
trib_status managed_apply(struct trib_engine *engine, const Tributary__PlanMoved *moved, struct trib_error *error);
/* Looks at those that are due, at most once a second. */
void managed_turn(struct trib_engine *engine);
void managed_fini(struct trib_engine *engine);

/* Checkpoints: calls `emit` for each mark that is not in the store yet. */
void managed_freeze(struct trib_engine *engine, void (*emit)(void *context, const Tributary__PlanMoved *moved),
		    void *context);
/* Before marks are loaded: every plan that is there. */
void managed_begin(struct trib_engine *engine);
trib_status managed_load(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error);

#endif
