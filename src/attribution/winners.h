/*
 * Winners: which of the candidate touches an order is credited to, and each one's part of the base.
 *
 *	struct trib_attribution attribution;
 *	trib_attribute(&rule, order_at_ms, 1999, candidates, n, &attribution);
 *	for (i < attribution.n_winners)
 *		… attribution.winners[i].touch, .base …          // Σ base == 1999
 *
 * Candidates stand oldest first, as trib_touches_of gives them. A candidate counts when it lies in the window
 * [order − window, order], its goods match, and, if it is a view, no other kind of touch counts. The model divides
 * the base among those that count. Pure; any thread.
 */
#ifndef TRIB_ATTRIBUTION_WINNERS_H
#define TRIB_ATTRIBUTION_WINNERS_H

#include "attribution/models.h"
#include "base/limits.h"
#include "domain/outcome.h"

/* What became of a candidate. X(NAME, number, word); numbers never change: they stand in events. */
#define TRIB_REASON_TABLE(X)                                                                       \
	X(WON, 1, "won")                                                                           \
	X(OTHER_WON, 2, "other_won") /* it counts, but the model gives it nothing */               \
	X(OUTSIDE_WINDOW, 3, "outside_window")                                                     \
	X(OTHER_GOODS, 4, "other_goods")                                                           \
	X(OTHER_SHOP, 5, "other_shop")                                                             \
	X(VIEW_BELOW_CLICK, 6, "view_below_click")                                                 \
	X(NOT_JUDGED, 7, "not_judged") /* no node was reached that could */

enum trib_reason {
#define X(name, number, word) TRIB_REASON_##name = number,
	TRIB_REASON_TABLE(X)
#undef X
};
const char *trib_reason_word(enum trib_reason reason); /* "unknown" for what no row has */

struct trib_candidate {
	int64_t at_ms;
	int64_t priority;      /* of model priority */
	enum trib_match match; /* how near its goods are to the order's */
	uint8_t kind;	       /* enum trib_touch_kind */
};

struct trib_attribution_rule {
	int64_t window_ms;
	enum trib_match match;
	struct trib_model_rule model;
};

struct trib_winner {
	uint32_t touch; /* index of the candidate */
	int64_t base;
};

struct trib_attribution {
	enum trib_outcome
		outcome; /* no winners: NO_TOUCH (none in the window), GOODS_MISMATCH (none matches) */
	uint32_t n_winners;
	struct trib_winner winners[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint8_t reasons[TRIB_LIMIT_TOUCHES_CONSIDERED]; /* enum trib_reason, one a candidate */
};

void trib_attribute(const struct trib_attribution_rule *rule, int64_t order_at_ms, int64_t base,
		    const struct trib_candidate *candidates, size_t n,
		    struct trib_attribution *ret_attribution);

#endif
