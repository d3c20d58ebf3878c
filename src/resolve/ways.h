/*
 * Whose an order is, and what its play has its own way of: the capabilities on the way of orders (play/order_path.h),
 * asked at their points of resolving. What they give stands in the record, so that nothing asks again.
 *
 *	base             amounts → base, where the caller states none and the node no formula
 *	judge            of an order that would be attributed: the outcome
 *	self_purchase    the same; whether the buyer is the creator or the merchant, only the engine knows
 *	hold             of an attributed order: does its money wait? Beside what its node says
 *	amount, cap      of each share's line, in the split; and again whenever it is split anew
 *	refund           when one is told: may it be?
 *
 * A play is asked where it says otherwise, and only there: an order without such a play costs a comparison. It can be
 * stricter than the platform, never laxer: what the fixed checks refuse stays refused, a line takes no more than its part
 * has.
 */
#ifndef TRIB_RESOLVE_WAYS_H
#define TRIB_RESOLVE_WAYS_H

#include "resolve/resolve.h"

struct trib_order_asker {
	const struct trib_market *market;
	const struct trib_order_ways *ways; /* NULL: nothing is asked */
	struct trib_arena *scratch;	    /* of the thread; reset by each question */
	struct trib_order_record *record;   /* what was asked is noted there; NULL: it is not */
};

/*
 * Whose the record is: the registration's play; else that of the plan, in the version that the plan has it. A play that the
 * plan has not: its active version. Returns what it has its own way of, NULL for nothing.
 */
const struct trib_order_ways *trib_order_name_play(const struct trib_market *market, int64_t now_ms, uint32_t registration,
						   uint32_t plan, struct trib_order_record *record);
/* The same of a record that bears its play. */
const struct trib_order_ways *trib_order_ways_of(const struct trib_market *market, const struct trib_order_record *record);

/* True: *ret_base is the base, which may be below 0. */
bool trib_order_ask_base(struct trib_order_asker *asker, int64_t *ret_base);

/* Of an order that a touch would be credited with: what it comes to. same: the buyer is the creator or merchant. */
enum trib_outcome trib_order_ask_outcome(struct trib_order_asker *asker, const struct trib_resolve_request *request,
					 const struct trib_touch *touch);
bool trib_order_ask_hold(struct trib_order_asker *asker, const struct trib_touch *touch);

/* The asker's way of amounts and caps; false: it has none. It lends the asker. */
bool trib_order_split_way(struct trib_order_asker *asker, struct trib_split_way *ret_way);

/* REFUSED, at "refund.admit": the play says why not. */
trib_status trib_order_ask_refund(struct trib_order_asker *asker, int64_t amount, int64_t remaining,
				  struct trib_error *error);

#endif
