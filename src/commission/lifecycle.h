/*
 * The life of one order line after it has been decided: status messages and refunds in, state and money out.
 *
 * What becomes of an order is a *pure function* of what its decision fixed and of the set of messages about it. It is
 * computed anew, whole, for every message, and whoever keeps the books posts the difference to what stands there
 * (commission/chain.h). So two sequences of the same messages cannot end in different balances.
 *
 *	struct trib_life_order order = { .base = 2990, .shares = …, .slices = … };   // fixed by the decision
 *	struct trib_life_messages messages = { 0 };                                   // none yet
 *	struct trib_life life;
 *
 *	status = trib_life_tell_refund(&order, &messages, &refund, &error);   // TRIB_OVER_REFUND, TRIB_CONFLICT, …
 *	trib_lifecycle(&order, &messages, &life);
 *	life.state, life.remaining, life.lines …
 *
 * The *state* is the furthest that any message has told, in whatever sequence they came; `invalid` overrides all.
 *
 *	created ──► paid ──► shipped ──► received ──► settled
 *	   └─────────┴──────────┴───────────┴───────────┴──► invalid        nothing comes after it: a status or a refund
 *	                                                                     whose AT lies behind that of `invalid` is
 *	                                                                     impossible, and refused
 *
 * Of each status the earliest AT counts; telling it again with a later one changes nothing. A status may bear the base
 * as it is from then on (an edit: the price was changed before payment, the balance of a pre-sale was paid); of several
 * the one with the latest AT counts.
 *
 * The *counted base* is what lines are the split of: the base less what refunds have taken, divided among the order's
 * slices by the weights of its model and split by the shares and rates that the decision fixed. 0 of an invalid order.
 *
 * What is told with an AT behind that of `settled` (refunds, edits, `invalid`) is *late*. The order's rule says whether
 * it changes money: claw_back, keep (the split at settlement stands), claw_back_within (keep from so many ms on).
 *
 * Forfeiture moves what the creator would keep to the platform, and leaves the base alone.
 */
#ifndef TRIB_COMMISSION_LIFECYCLE_H
#define TRIB_COMMISSION_LIFECYCLE_H

#include "base/limits.h"
#include "base/status.h"
#include "commission/split.h"

/* X(NAME, number, word, code, English, 中文). Codes are those of the trade; 0: none. Numbers and words never change. */
#define TRIB_ORDER_STATE_TABLE(X)                                                                  \
	X(CREATED, 1, "created", 0, "created", "已下单")                                           \
	X(PAID, 2, "paid", 30, "paid", "已付款")                                                   \
	X(SHIPPED, 3, "shipped", 30, "shipped", "已发货")                                          \
	X(RECEIVED, 4, "received", 50, "received", "已收货")                                       \
	X(SETTLED, 5, "settled", 60, "settled", "已结算")                                          \
	X(INVALID, 6, "invalid", 80, "invalid", "已失效")

enum trib_order_state {
#define X(name, number, word, code, english, chinese) TRIB_ORDER_##name = number,
	TRIB_ORDER_STATE_TABLE(X)
#undef X
		TRIB_ORDER_STATES
};

const char *trib_order_state_word(enum trib_order_state state); /* NULL where there is none */
int trib_order_state_code(enum trib_order_state state);		/* 30, 50, 60, 80; 0: none */
bool trib_order_state_of_word(struct trib_bytes word, enum trib_order_state *ret_state);

/* What a refund does to the base. */
enum trib_refund_effect {
	TRIB_REFUND_LOWERS,   /* takes its amount off the base */
	TRIB_REFUND_NOTHING,  /* the base stays: freight was never in it, an exchange sells the same again */
	TRIB_REFUND_FORFEITS, /* the base stays; the creator's part goes to the platform */
};

/* X(NAME, number, word, effect, English, 中文). Numbers and words never change. */
#define TRIB_REFUND_KIND_TABLE(X)                                                                  \
	X(FULL, 1, "full", LOWERS, "all that is left", "全额退款")                                 \
	X(PARTIAL, 2, "partial", LOWERS, "a part", "部分退款")                                     \
	X(REFUND_ONLY, 3, "refund_only", LOWERS, "without the goods coming back", "仅退款")        \
	X(RETURN, 4, "return", LOWERS, "the goods come back", "退货退款")                          \
	X(FREIGHT_ONLY, 5, "freight_only", NOTHING, "freight alone", "仅退运费")                   \
	X(PRICE_PROTECTION, 6, "price_protection", LOWERS, "price protection", "价保")             \
	X(EXCHANGE, 7, "exchange", NOTHING, "exchanged for the same", "换货")                      \
	X(CHARGEBACK, 8, "chargeback", LOWERS, "taken back by the bank", "拒付")                   \
	X(FORFEITURE, 9, "forfeiture", FORFEITS, "forfeited for a violation", "违规罚没")

enum trib_refund_kind {
#define X(name, number, word, effect, english, chinese) TRIB_REFUND_##name = number,
	TRIB_REFUND_KIND_TABLE(X)
#undef X
};

const char *trib_refund_kind_word(enum trib_refund_kind kind); /* NULL where there is none */
bool trib_refund_kind_of_word(struct trib_bytes word, enum trib_refund_kind *ret_kind);
enum trib_refund_effect trib_refund_effect(enum trib_refund_kind kind);

/* Do the pieces that it states (QTY) no longer count as sold? Of refunds for the goods, not for their price. */
bool trib_refund_takes_pieces(enum trib_refund_kind kind);

/* --- What the decision fixed -------------------------------------------------------------------------- */

enum { TRIB_LIFE_EXTRAS = 4 }; /* lines of a slice that come from no share of the node: step, incentive … */

/* One winner of the order, oldest first. */
struct trib_life_slice {
	uint64_t weight; /* of its model: its part of any base is floor(base × weight / Σ weights) */
	bool earns;	 /* false: its terms said no; its part of the base earns nothing */
	struct trib_rates rates;
	uint32_t parties[TRIB_SLOTS];
	/* As decided on `base`; of another base they are floor(amount × that ÷ base). `share` is above all shares. */
	int64_t base;
	uint32_t n_extras;
	struct trib_line extras[TRIB_LIFE_EXTRAS];
};

struct trib_life_order {
	int64_t base;	 /* as decided: estimated */
	int64_t qty;	 /* pieces; 0: not stated */
	int64_t deposit; /* of it the deposit of a pre-sale, 0: none */
	enum trib_after_settlement after_settlement;
	int64_t claw_back_ms;	/* of claw_back_within */
	bool deposit_counts;	/* of an order that became invalid unpaid, its deposit still earns */
	const struct trib_share *shares;
	uint32_t n_shares;
	const struct trib_split_way *way; /* its own of amounts; NULL: none */
	uint32_t n_slices; /* 0: the order is credited to nobody */
	struct trib_life_slice slices[TRIB_LIMIT_TOUCHES_CONSIDERED];
};

/* --- What has been told ------------------------------------------------------------------------------- */

struct trib_reached {
	int64_t at_ms; /* 0: not told */
	struct trib_bytes reason;
};

/* The base as some status message stated it. */
struct trib_base_edit {
	int64_t at_ms;
	enum trib_order_state state;
	int64_t base;
};

/* What a review said of an order whose money was held: the first word stands. Numbers never change. */
enum trib_review_verdict { TRIB_REVIEW_NONE = 0, TRIB_REVIEW_RELEASED = 1, TRIB_REVIEW_REJECTED = 2 };
const char *trib_review_word(enum trib_review_verdict verdict); /* "released", "rejected", "none" */

struct trib_review {
	enum trib_review_verdict verdict;
	int64_t at_ms;
	struct trib_bytes reason;
	struct trib_bytes by; /* who said so; "": nobody is named */
};

struct trib_refund {
	struct trib_bytes id;
	enum trib_refund_kind kind;
	int64_t amount;
	uint32_t qty; /* 0: not stated */
	int64_t at_ms;
	bool at_stated;
	bool is_part;  /* the line's part of a refund of the whole order, which bears the same id; commission/group.h */
	int64_t whole; /* of a part: the amount of that refund */
	/* The answer it was given, which a repeat gets again; no part of what the order's money follows from. */
	int64_t remaining, reversed;
};

/*
 * The set. Edits are sorted by AT, then state; refunds by AT, kind and id, a part behind the line's own: the same messages
 * are the same bytes.
 * Texts are the caller's.
 */
struct trib_life_messages {
	struct trib_reached reached[TRIB_ORDER_STATES];
	struct trib_review review;
	uint32_t n_edits, n_refunds;
	struct trib_base_edit edits[TRIB_LIMIT_ORDER_EDITS];
	struct trib_refund refunds[TRIB_LIMIT_ORDER_REFUNDS];
};

struct trib_status_message {
	enum trib_order_state state;
	int64_t at_ms; /* above 0 */
	struct trib_bytes reason;
	bool states_base;
	int64_t base;
};

/*
 * Adds a message to the set, if it can be true together with what has been told. *ret_changed says whether the set is
 * another one now: a repeat is TRIB_OK and changes nothing. Refusals change nothing either:
 *
 *	TRIB_REFUSED	 it lies behind `invalid`; or an edit would put the base below what has been refunded
 *	TRIB_CONFLICT	 the same status at the same time, or the same refund, with other content
 *	TRIB_OVER_REFUND more than remains, of the base or of the pieces
 *	TRIB_LIMIT	 more refunds or edits than one order may have
 *
 * `order` NULL: it is not known yet; then what needs it is not looked at (trib_life_settle_kept does, once it is known).
 */
trib_status trib_life_tell_status(const struct trib_life_order *order, struct trib_life_messages *messages,
				  const struct trib_status_message *message, bool *ret_changed,
				  struct trib_error *error);
/* *ret_at: where in messages->refunds it stands now, or stood already. */
trib_status trib_life_tell_refund(const struct trib_life_order *order, struct trib_life_messages *messages,
				  const struct trib_refund *refund, bool *ret_changed, uint32_t *ret_at,
				  struct trib_error *error);

/* Which of two refunds comes first in the set. */
bool trib_refund_before(const struct trib_refund *a, const struct trib_refund *b);

/*
 * Gives the line these parts of refunds of the whole order, sorted, instead of those it had; a part that it had keeps its
 * answer. Beyond TRIB_LIMIT_ORDER_REFUNDS the latest are left out. True: the set is another one now.
 */
bool trib_life_set_parts(struct trib_life_messages *messages, const struct trib_refund *parts, uint32_t n);

/* TRIB_CONFLICT where the review said the other before. A rejected order earns nothing. */
trib_status trib_life_tell_review(struct trib_life_messages *messages, const struct trib_review *review,
				  bool *ret_changed, struct trib_error *error);

/*
 * The order has become known after messages about it were kept: `ret_messages` gets those that can be true of it, told
 * in the order of their AT. Returns how many refunds and edits were left out, because they take more than there is.
 */
uint32_t trib_life_tell_kept(const struct trib_life_order *order, const struct trib_life_messages *kept,
			     struct trib_life_messages *ret_messages);

/* Sorted, bounded, each refund once, amounts in range; else false and the first reason. */
bool trib_life_messages_check(const struct trib_life_messages *messages, const char **ret_reason);

/* --- What follows ------------------------------------------------------------------------------------- */

enum {
	TRIB_LIFE_FORFEITURE = 254, /* the `share` of a line that moves the creator's part to the platform */
	TRIB_LIFE_LINES_MAX = TRIB_LIMIT_TOUCHES_CONSIDERED * (TRIB_SPLIT_LINES_MAX + TRIB_LIFE_EXTRAS + 1),
};

/* A line of a slice. */
struct trib_life_line {
	uint32_t slice;
	struct trib_line line;
};

/* Large: reused, not copied. */
struct trib_life {
	enum trib_order_state state;
	int64_t base;	   /* before refunds: the decision's, or that of the newest edit that counts */
	int64_t remaining; /* of it, after every refund: the most that another may take */
	int64_t counted;   /* what the lines are the split of */
	int64_t charged;   /* what merchant and platform pay */
	int64_t forfeited; /* what the creators would have kept and the platform gets */
	bool final;	   /* settled, or invalid: amounts are no estimates any more */
	int64_t slice_base[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint32_t n_lines;
	struct trib_life_line lines[TRIB_LIFE_LINES_MAX]; /* by slice, then share */
};

/* Pure; no allocation; any thread. */
void trib_lifecycle(const struct trib_life_order *order, const struct trib_life_messages *messages,
		    struct trib_life *ret_life);

/* The pieces that still count as sold. */
int64_t trib_life_pieces(const struct trib_life_order *order, const struct trib_life_messages *messages);

/* Does something told with this AT change money? False of what came too late for the order's rule. */
bool trib_life_counts(const struct trib_life_order *order, const struct trib_life_messages *messages, int64_t at_ms);

#endif
