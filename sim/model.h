/*
 * What the auditor believes: the whole trade in a few arrays and loops, with nothing that could be wrong because
 * it is fast. A list of all that was decided, in order; the state is made by going through it from the start.
 *
 *	one plan a goods (general); the built-in tree, whose window the workload changes: last click, same goods
 */
#ifndef TRIB_SIM_MODEL_H
#define TRIB_SIM_MODEL_H

#include "commission/commission.h"
#include "domain/outcome.h"
#include "base/limits.h"

enum {
	MODEL_MERCHANTS = 3,
	MODEL_LEADERS = 2,
	MODEL_CREATORS = 5,
	MODEL_GOODS = 8,
	MODEL_USERS = 10,
};

enum model_kind {
	MODEL_REGISTRATION,
	MODEL_MERCHANT, /* .subject; like all nouns, put whole */
	MODEL_LEADER,
	MODEL_CREATOR, /* .state: 0 active, 1 frozen */
	MODEL_ITEM,    /* goods: .state: 0 active, 1 withdrawn */
	MODEL_PLAN,    /* of goods .subject: .state: 0 active, 1 paused, 2 ended; rates; leader */
	MODEL_RULES,   /* .state: days of the window, from now on */
	MODEL_LINK,    /* .creator .goods → .token */
	MODEL_TOUCH,   /* .user .link */
	MODEL_ORDER,   /* .number .user .goods .base .link */
	MODEL_STATUS,  /* of order .number, known or not: .state (enum trib_order_state) */
	MODEL_REFUND,  /* of order .number, which is known: .refund .state (enum trib_refund_kind) .base */
	MODEL_KINDS
};

enum { MODEL_NO_TOKEN = -1, MODEL_FORGED = -2 }; /* as .link of an order */

/* What stands of an order. Its rates are those of the decision, whatever the plan says later. */
struct model_life {
	enum trib_order_state state;
	unsigned reached; /* a bit a state that was told */
	int64_t remaining;
	bool forfeited;
	uint32_t creator, commission_bps, service_bps, platform_bps;
	int32_t leader;
};

struct model_op {
	enum model_kind kind;
	uint32_t subject, state;
	uint32_t commission_bps, service_bps, platform_bps;
	int32_t leader; /* -1 none */
	uint32_t creator, goods, user;
	int32_t link; /* the place of the link's op in the list */
	uint64_t number, refund;
	int64_t base;
	char token[TRIB_LIMIT_TOKEN_CHARS + 1];

	int64_t at_ms;	   /* engine time when it was decided */
	uint64_t position; /* of the newest event behind it */
	uint64_t ticket;   /* settled from then on */

	/* What comes of it: filled by model_apply. */
	enum trib_outcome outcome; /* of a link: NONE where it is issued */
	int64_t charged;
	struct model_life life; /* of an order */
};

struct model_plan {
	bool there;
	uint32_t state, commission_bps, service_bps, platform_bps;
	int32_t leader;
};

struct model_state {
	bool registration, merchants[MODEL_MERCHANTS], leaders[MODEL_LEADERS];
	bool creators[MODEL_CREATORS], frozen[MODEL_CREATORS];
	bool goods[MODEL_GOODS], withdrawn[MODEL_GOODS];
	struct model_plan plans[MODEL_GOODS];
	uint32_t window_days; /* 0: 30 */

	int64_t merchant_balance[MODEL_MERCHANTS], leader_balance[MODEL_LEADERS];
	int64_t creator_balance[MODEL_CREATORS], platform_balance;
};

struct model {
	struct model_op *ops;
	size_t count, capacity;
	struct model_state state;
};

void model_fini(struct model *model);

/* Decides and folds one more op: fills outcome and charged. */
struct model_op *model_add(struct model *model, const struct model_op *op);

/* The ops from `count` on have not happened. */
void model_cut(struct model *model, size_t count);

static inline uint32_t model_merchant_of(uint32_t goods)
{
	return goods % MODEL_MERCHANTS;
}

/* What the terms of these goods say to that creator now. */
enum trib_outcome model_terms(const struct model *model, uint32_t goods, uint32_t creator);

/* The op of an order that was decided, NULL if there is none. */
const struct model_op *model_order(const struct model *model, uint64_t number);

/* What has been told by then of an order that is not known, and is still kept. */
struct model_life model_kept(const struct model *model, uint64_t number, int64_t at_ms);

/* Nothing more may be told of it: it was invalid before, be it in the same millisecond. */
static inline bool model_is_over(const struct model_life *life)
{
	return life->reached & 1u << TRIB_ORDER_INVALID;
}

/* The first telling of a refund, NULL if there is none. */
const struct model_op *model_refund(const struct model *model, uint64_t number, uint64_t refund);

#endif
