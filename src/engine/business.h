/*
 * What each play comes to: plans, listings, links, orders by outcome, commission, payments and refunds, folded from events into
 * rollups (rollups.h), so that a restart gives the same figures. docs/metrics.md says what each means.
 *
 * The play of an order is its registration's `play`; else that of the plan that won; else `default`. Plays have numbers of our own
 * here, in the order in which they were first seen; past 254 of them, further ones are counted together as `others`.
 */
#ifndef TRIB_ENGINE_BUSINESS_H
#define TRIB_ENGINE_BUSINESS_H

#include "engine/call.h"
#include "engine/change.h"
#include "engine/rollups.h"

void business_open(struct trib_engine *engine);
void business_close(struct trib_engine *engine);

/* Apply: all of these are folds. */
void business_order(struct trib_engine *engine, const struct trib_order_record *record);
void business_change(struct trib_engine *engine, const struct trib_order_change *change);
void business_link(struct trib_engine *engine, const struct trib_link_event *event);
void business_market(struct trib_engine *engine, const Tributary__Event *event);
/* These goods stand on so many more shelves, by that plan (0: none was chosen). */
void business_listed(struct trib_engine *engine, uint32_t plan, uint32_t count);

/* Decide: what this change of an order adds, into change->business; `before` and `after` are the lines that stand. */
void business_of_change(const struct trib_order_record *record, const struct trib_order_change *earlier, const struct trib_transfer *before, uint32_t n_before,
			const struct trib_transfer *after, struct trib_order_change *change);

/* `metric`: a rollup, by level and slot; else the name of a play, by number. */
typedef void business_row_fn(void *context, bool metric, uint32_t level, uint32_t key, struct trib_bytes row);
void business_freeze(struct trib_engine *engine, business_row_fn *emit, void *context);
/* Names of plays first, then rollups, then load_done. */
trib_status business_load_play(struct trib_engine *engine, uint32_t number, struct trib_bytes name, struct trib_error *error);
struct rollups *business_rollups(struct trib_engine *engine);

trib_status call_metrics(struct trib_engine *engine, struct trib_call *call);

#endif
