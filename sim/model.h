/*
 * What the auditor believes: the whole trade in a few arrays and loops, with nothing that could be wrong because
 * it is fast. A list of all that was decided, in order; the state is made by going through it from the start.
 *
 *	one plan a goods (general), a timeline of versions; one scene with a tree of up to three nodes below the
 *	root: last click, same goods
 *
 * Whoever holds the market as it stood at some position believes what the list says up to there:
 *
 *	model_state_at(&model, position, &state);
 *	model_resolve(&model, &state, &order, at_ms, now_ms, &answer);
 */
#ifndef TRIB_SIM_MODEL_H
#define TRIB_SIM_MODEL_H

#include "commission/commission.h"
#include "domain/outcome.h"
#include "resolve/resolve.h"
#include "base/limits.h"

enum {
	MODEL_MERCHANTS = 3,
	MODEL_LEADERS = 2,
	MODEL_CREATORS = 5,
	MODEL_GOODS = 8,
	MODEL_USERS = 10,
	MODEL_NODES = 4,
	MODEL_STEPS = 3,
};

enum model_kind {
	MODEL_REGISTRATION,
	MODEL_MERCHANT, /* .subject; like all nouns, put whole */
	MODEL_LEADER,
	MODEL_CREATOR, /* .state: 0 active, 1 frozen */
	MODEL_ITEM,    /* goods: .state: 0 active, 1 withdrawn */
	MODEL_PLAN,    /* of goods .subject: .state: 0 active, 1 paused, 2 ended; rates; leader */
	MODEL_VERSION, /* of the rules: what was staged */
	MODEL_SWITCH,  /* an activation or a roll-out: what was staged */
	MODEL_LINK,    /* .creator .goods → .token; the first that is no change of the market */
	MODEL_TOUCH,   /* .user .link */
	MODEL_ORDER,   /* .number .user .goods .base .link .stated_ms */
	MODEL_STATUS,  /* of order .number, known or not: .state (enum trib_order_state) */
	MODEL_REFUND,  /* of order .number, which is known: .refund .state (enum trib_refund_kind) .base */
	MODEL_KINDS
};

enum { MODEL_NO_TOKEN = -1, MODEL_FORGED = -2 }; /* as .link of an order */

/* --- Rules ---------------------------------------------------------------------------------------------- */

struct model_condition {
	enum model_when {
		MODEL_ALWAYS,
		MODEL_BASE,    /* order.base >= value */
		MODEL_BY,      /* creator.id is that of value */
		MODEL_OF,      /* order.goods is that of value */
		MODEL_RATED,   /* terms.commission_bps >= value */
	} when;
	int64_t value;
};

/* A node below the root. Of those that hold the first decides. */
struct model_node {
	char id;
	bool disabled;
	int64_t from_ms, to_ms; /* 0: open */
	struct model_condition condition;
	enum model_effect {
		MODEL_OWN_RATE, /* a commission of `value` basis points and no service */
		MODEL_OWN_SHOP, /* the outcome own_shop */
		MODEL_OWN_WINDOW, /* of `value` days */
	} effect;
	uint32_t value;
};

struct model_tree {
	uint32_t window_days, n_nodes;
	struct model_node nodes[MODEL_NODES];
};

/* Version 1 is built in: 30 days, no nodes. */
enum { MODEL_BUILT_IN = 1 };

struct model_switch {
	bool rollout; /* else an activation */
	uint32_t version;
	int64_t at_ms; /* as asked for: not before it is decided */
	bool has_share;
	struct model_condition condition;
	uint32_t n_steps; /* with has_share the first is the share at the beginning */
	struct model_step {
		int64_t at_ms;
		uint32_t share_bps;
	} steps[MODEL_STEPS];
};

/* --- The list --------------------------------------------------------------------------------------------- */

/* What an order comes to. */
struct model_answer {
	enum trib_outcome outcome;
	uint32_t version;   /* of the rules */
	char node;	    /* its id; 0 the root */
	int32_t link, plan; /* the winner's, places in the list; -1 */
	uint32_t creator, commission_bps, service_bps, platform_bps;
	int32_t leader;
	bool rolled_out;  /* by a version that is not for all */
	bool passed_over; /* a node that would have decided, were it not off or out of its time */
};

/* What stands of an order. Its rates are those of the decision, whatever the plan says later. */
struct model_life {
	enum trib_order_state state;
	unsigned reached; /* a bit a state that was told */
	int64_t remaining;
	bool forfeited;
};

struct model_op {
	enum model_kind kind;
	uint32_t subject, state;
	uint32_t commission_bps, service_bps, platform_bps;
	int32_t leader; /* -1 none */
	uint32_t creator, goods, user;
	int32_t link; /* the place of the link's op in the list; of a plan its version before, -1 none */
	uint64_t number, refund; /* number of a plan: its version; of a link: its id */
	int64_t base;
	int64_t stated_ms; /* of an order: AT; 0 not stated */
	char token[TRIB_LIMIT_TOKEN_CHARS + 1];

	int64_t at_ms;	   /* engine time when it was decided */
	uint64_t position; /* of the newest event behind it */
	uint64_t ticket;   /* settled from then on */

	/* What comes of it: filled by model_add. */
	enum trib_outcome outcome; /* of a link: NONE where it is issued */
	int64_t charged;
	struct model_answer answer; /* of an order, as its life */
	struct model_life life;
};

struct model_state {
	bool registration, merchants[MODEL_MERCHANTS], leaders[MODEL_LEADERS];
	bool creators[MODEL_CREATORS], frozen[MODEL_CREATORS];
	bool goods[MODEL_GOODS], withdrawn[MODEL_GOODS];
	int32_t plans[MODEL_GOODS]; /* the place of the newest version's op, plus 1; 0 none */
	uint32_t versions, switches; /* how many of those that were staged are there */

	int64_t merchant_balance[MODEL_MERCHANTS], leader_balance[MODEL_LEADERS];
	int64_t creator_balance[MODEL_CREATORS], platform_balance;
};

struct model {
	struct model_op *ops;
	size_t count, capacity;
	struct model_state state;
	struct model_tree *trees;      /* [0] is version 2 */
	struct model_switch *switches; /* at_ms: from when on, once it is there */
	size_t tree_capacity, switch_capacity;
	uint64_t salt; /* of the tree's hash of orders */
};

void model_fini(struct model *model);

/* Decides and folds one more op: fills what comes of it. */
struct model_op *model_add(struct model *model, const struct model_op *op);

/* The ops from `count` on have not happened. */
void model_cut(struct model *model, size_t count);

static inline uint32_t model_merchant_of(uint32_t goods)
{
	return goods % MODEL_MERCHANTS;
}

/* The state of the market, without its money, for whoever has heard of it up to that position. */
void model_state_at(const struct model *model, uint64_t position, struct model_state *ret_state);

/* What the terms of these goods say to that creator at a time. *ret_plan: the op of the version in force, -1 none. */
enum trib_outcome model_terms(const struct model *model, const struct model_state *state, uint32_t goods,
			      uint32_t creator, int64_t at_ms, int32_t *ret_plan);

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

/* --- Deciding ------------------------------------------------------------------------------------------- */

/* An order at its time, by the rules that are active at now_ms; its touches are those of the whole list. */
void model_resolve(const struct model *model, const struct model_state *state, const struct model_op *order,
		   int64_t at_ms, int64_t now_ms, struct model_answer *ret_answer);

/* The lines of an attributed order, in the order of shares; -1 for one that is not there. */
enum { MODEL_COMMISSION, MODEL_SERVICE, MODEL_TECHNICAL, MODEL_LINES };
void model_lines(const struct model_answer *answer, int64_t base, int64_t ret_lines[MODEL_LINES]);

/* The first thing that two answers to one order differ in. */
enum trib_difference model_difference(const struct model_answer *theirs, const struct model_answer *ours, int64_t base);

/* "order.goods == 'g1'"; "" for always. */
void model_condition_text(const struct model_condition *condition, char ret_text[64]);

/* --- Rules (model_rules.c) -------------------------------------------------------------------------------- */

/* What the next op of kind MODEL_VERSION, or MODEL_SWITCH, says. */
void model_stage_tree(struct model *model, const struct model_tree *tree);
void model_stage_switch(struct model *model, const struct model_switch *change);

/* NULL: of the version that is built in. */
const struct model_tree *model_tree_of(const struct model *model, uint32_t version);

/* The newest version that there is. */
static inline uint32_t model_latest(const struct model *model)
{
	return MODEL_BUILT_IN + model->state.versions;
}

/* What conditions ask of an order. */
struct model_facts {
	uint64_t number;
	int64_t base, at_ms;
	uint32_t goods;
	int32_t creator, rate; /* of the primary touch, and of its terms; -1 none */
};

/* Which version decides about an order. */
uint32_t model_choose(const struct model *model, const struct model_state *state, const struct model_facts *facts,
		      int64_t now_ms, bool *ret_rolled_out);

/* Which node of it; NULL: the root. */
const struct model_node *model_walk(const struct model_tree *tree, const struct model_facts *facts,
				    bool *ret_passed_over);

#endif
