/*
 * The events of an order's life, between their structs and the journal's bytes: OrderChanged, which holds all that
 * stands of an order after a message about it, and MessagesKept, which holds what has been told of an order that is not
 * known yet. The index of orders points at the newest event of each.
 */
#ifndef TRIB_ENGINE_CHANGE_H
#define TRIB_ENGINE_CHANGE_H

#include "engine/events.h"

enum {
	TRIB_CHANGE_LINES_MAX = TRIB_LIFE_LINES_MAX,
	TRIB_CHANGE_MOVES_MAX = TRIB_LIFE_LINES_MAX + TRIB_ORDER_LINES_MAX,
};

/* A line of a slice; `slice` is the index of the decision's. Of a forfeiture, share is TRIB_LIFE_FORFEITURE. */
struct trib_change_line {
	uint32_t slice;
	struct trib_order_line line;
};

/* What a change adds to the figures of its play: engine/business.h. */
struct trib_change_business {
	bool counts; /* the order is one that was attributed */
	uint32_t registration, plan; /* by which the play is known */
	uint32_t paid_orders, refunds, refunded_orders;
	int64_t paid_base, net_commission, refunded;
};

/* Large: reused. Texts point into the bytes that it was read from, or are the caller's. */
struct trib_order_change {
	struct trib_bytes order;
	uint64_t decision, previous; /* positions */
	uint32_t currency;
	enum trib_order_state state;
	bool final;
	int64_t base, remaining, counted, charged, forfeited;
	struct trib_change_business business;
	struct trib_bytes tallies; /* message Tallies: what our stateful lines went by */
	uint32_t left_out;
	int64_t told_at_ms; /* AT of the message that it comes from */
	int64_t locked_ms; /* the time that has fixed the rates after the decision; 0: the decision's stand */
	uint32_t n_slices, n_lines, n_moves;
	struct trib_life_messages messages;
	int64_t slice_base[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint32_t slice_touch[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_rates slice_rates[TRIB_LIMIT_TOUCHES_CONSIDERED]; /* where locked_ms is */
	struct trib_change_line lines[TRIB_CHANGE_LINES_MAX]; /* by slice */
	struct trib_transfer moves[TRIB_CHANGE_MOVES_MAX];    /* what the event adds to the books */
};

/* Empty, without touching the large arrays. */
void trib_order_change_reset(struct trib_order_change *change);

/* Bounds of what the events take, and writing them: as in engine/events.h. */
size_t trib_order_change_bytes_max(const struct trib_order_change *change);
char *trib_order_change_put(char *p, const struct trib_order_change *change);
size_t trib_messages_kept_bytes_max(struct trib_bytes order, const struct trib_life_messages *messages);
char *trib_messages_kept_put(char *p, struct trib_bytes order, const struct trib_life_messages *messages);

/* The body of an event; false where the bytes are no such event. */
bool trib_order_change_get(struct trib_bytes body, struct trib_order_change *ret_change);
bool trib_messages_kept_get(struct trib_bytes body, struct trib_bytes *ret_order,
			    struct trib_life_messages *ret_messages);

#endif
