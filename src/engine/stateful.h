/*
 * Stateful lines: what an order's money owes to other orders. Resolving gives the lines that follow from the order
 * alone; here the engine takes out what a spent budget no longer pays for, and adds lines of its own:
 *
 *	budget, daily_cap	the plan has spent what it may: its slices fall, `budget_exhausted` where none is left
 *	incentive		beside the commission, while its own budget lasts
 *	new_to_shop		beside the commission, where the buyer has bought nothing in the shop within the window
 *	step			the more of the plan is sold in a period, the higher its rate; commission/step.h
 *
 * Each goes by *tallies* (tallies.h), whose whole new values the order's event holds, so that replay puts them and
 * computes nothing. What an order contributes follows its life: refunds give back to budgets and lower the measure of a
 * step. A budget is asked before an order and charged after it, so the order that spends it may pass it: that is the
 * overshoot, less than one order's charge, and what was in flight elsewhere when it was reported by RECORD.
 */
#ifndef TRIB_ENGINE_STATEFUL_H
#define TRIB_ENGINE_STATEFUL_H

#include "engine/tallies.h"
#include "resolve/resolve.h"

/* The `share` of lines that come from no share of a node. Numbers never change: they stand in events. */
enum trib_stateful_share { TRIB_SHARE_STEP = 250, TRIB_SHARE_INCENTIVE = 252, TRIB_SHARE_NEW_TO_SHOP = 251 };
const char *trib_stateful_share_word(uint32_t share); /* "step"; NULL for any other */

/* A tally as an order's event states it: its new values, and by how much this order changed them. */
struct trib_tally_change {
	struct trib_tally now;
	uint32_t plan_version; /* whose step, budget … it was */
	struct trib_measured sold_by;
	int64_t amount_by;
};

/* message Tallies; `changes` beyond `max` are left out. False: no such message. */
size_t trib_tally_changes_bytes_max(size_t n);
char *trib_tally_changes_put(char *p, const struct trib_tally_change *changes, size_t n);
bool trib_tally_changes_get(struct trib_bytes bytes, struct trib_tally_change *ret_changes, size_t max, size_t *ret_n);

#endif
