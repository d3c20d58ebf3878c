/*
 * From candidates to winners: which of an order's touches it is credited to, by what the node says.
 *
 *	struct trib_candidate candidates[TRIB_LIMIT_TOUCHES_CONSIDERED];   // oldest first
 *	struct trib_resolution resolution;
 *	trib_attribution_resolve(node, &order, candidates, n, &resolution);
 *	if (resolution.outcome != TRIB_OUTCOME_NONE)
 *		…                                     // expired, no_touch, goods_mismatch: a value, not a failure
 *	for (uint32_t i = 0; i < resolution.winners; i++)
 *		split resolution.slice[i] under the terms of candidates[resolution.winner[i]]
 *
 * The candidates are the token alone, at its issue time, or the user's newest touches not after the order
 * (trib_touches_of). One after another they drop out, each with its reason:
 *
 *	window	order − window ≤ touch ≤ order; nothing left: `expired` for a token, else `no_touch`
 *	match	goods: the same goods; shop: goods of the same merchant; any; nothing left: `goods_mismatch`
 *	views	a view counts only where nothing but views is left
 *	model	last, first and priority leave one; the others divide the base among all that are left
 *
 * Pure; no allocation; any thread.
 */
#ifndef TRIB_ATTRIBUTION_RESOLVE_H
#define TRIB_ATTRIBUTION_RESOLVE_H

#include "attribution/touches.h"
#include "domain/domain.h"
#include "rules/rules.h"
#include "track/track.h"

/* Why a candidate won or did not. X(NAME, number, word); numbers and words never change: they are in events. */
#define TRIB_REASON_TABLE(X)                                                                       \
	X(WON, 1, "won")                                                                           \
	X(OUTSIDE_WINDOW, 2, "outside_window")                                                     \
	X(AFTER_ORDER, 3, "after_order")                                                           \
	X(OTHER_GOODS, 4, "other_goods")                                                           \
	X(OTHER_SHOP, 5, "other_shop")                                                             \
	X(VIEW_BELOW_CLICK, 6, "view_below_click")                                                 \
	X(LATER_WON, 7, "later_won")                                                               \
	X(EARLIER_WON, 8, "earlier_won")                                                           \
	X(HIGHER_PRIORITY_WON, 9, "higher_priority_won")

enum trib_reason {
	TRIB_REASON_NONE = 0,
#define X(name, number, word) TRIB_REASON_##name = number,
	TRIB_REASON_TABLE(X)
#undef X
};

const char *trib_reason_word(enum trib_reason reason); /* NULL where there is none */

struct trib_candidate {
	int64_t at_ms;
	int64_t priority; /* read by model priority only */
	uint32_t goods;
	uint32_t merchant; /* of those goods, 0: not known; read by match shop only */
	uint8_t kind;	   /* enum trib_touch_kind */
};

/* What resolving reads of an order. */
struct trib_order_facts {
	int64_t at_ms;
	int64_t base; /* ≥ 0 */
	uint32_t goods, merchant;
	bool by_token; /* the one candidate is a token */
};

struct trib_resolution {
	enum trib_outcome outcome; /* NONE: there are winners */
	uint32_t winners;
	uint8_t winner[TRIB_LIMIT_TOUCHES_CONSIDERED]; /* indexes of candidates, oldest first */
	int64_t slice[TRIB_LIMIT_TOUCHES_CONSIDERED];  /* of winner i; together the base */
	uint8_t reason[TRIB_LIMIT_TOUCHES_CONSIDERED]; /* of each candidate, enum trib_reason */
};

/* Reads window_ms, match, model and half_life_ms of the node; n ≤ TRIB_LIMIT_TOUCHES_CONSIDERED. */
void trib_attribution_resolve(const struct trib_node *node, const struct trib_order_facts *order,
			      const struct trib_candidate *candidates, size_t n,
			      struct trib_resolution *ret_resolution);

/* How near a touch's goods are to the order's: the fact touch.match. */
enum trib_match trib_match_level(const struct trib_order_facts *order, uint32_t goods,
				 uint32_t merchant);

/* A token as a touch: a click at its issue time. */
void trib_touch_of_token(const struct trib_token *token, struct trib_touch *ret_touch);

#endif
