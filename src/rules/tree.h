/*
 * One rule tree, compiled and immutable: what an order's facts lead to.
 *
 *	struct trib_tree *tree;
 *	status = trib_tree_new(&options, json, &tree, &error);          // parses, checks, compiles
 *
 *	struct trib_walk walk;                                          // per order; no memory is taken
 *	… fill the facts of trib_tree_facts(tree) …
 *	trib_tree_walk(tree, &facts, &walk);
 *	walk.outcome, walk.node->window_ms, walk.node->shares …
 *
 * The walk enters, from the root on, the matching child of the highest priority (ties: the one written first),
 * until none matches; that node decides. `when` is compiled to a flat program over dictionary codes; conditions
 * that are too rich for it go to the evaluator of expr. An error in `when` counts as false, and is counted.
 *
 * Any number of threads may walk one tree at the same time, each with its own facts. Only
 * trib_tree_name_added(), on the engine's thread, ever writes to it, one word at a time, which walkers see or do not.
 */
#ifndef TRIB_RULES_TREE_H
#define TRIB_RULES_TREE_H

#include "base/hash.h"
#include "base/words.h"
#include "domain/domain.h"
#include "rules/facts.h"
#include "rules/share.h"

/* A party that shares call by its external id. */
struct trib_node_party {
	uint8_t slot;	 /* from TRIB_SLOT_NAMED on */
	uint32_t number; /* 0 while no such party is known */
	struct trib_bytes id;
};

enum { TRIB_MATCH_RATE_NONE = -1 }; /* a level has no rate of its own: the terms' holds */

/* A node with all that it inherits. */
struct trib_node {
	struct trib_bytes id;
	struct trib_bytes when;	  /* as written; "" where it is not stated */
	struct trib_bytes reason; /* "" where it is not stated */
	uint32_t index;		  /* in written order, depth first, from 0, which is the root */
	uint32_t parent;	  /* index; the root's is its own */
	uint32_t depth;		  /* the root's is 0 */
	int64_t priority;
	int64_t window_ms;
	int64_t half_life_ms; /* of model decay */
	enum trib_match match;
	enum trib_model model;
	bool has_assist, has_match_rates;
	enum trib_model assist; /* divides the base among the touches that counted, for reports */
	int32_t match_bps[TRIB_MATCH_ANY + 1]; /* the commission of touches of a level, instead of the terms' */
	enum trib_lock lock;
	int64_t grace_ms; /* a lower commission counts only once it has stood so long; 0: at once */
	enum trib_after_settlement after_settlement;
	int64_t claw_back_ms; /* of claw_back_within; 0: not stated */
	bool deposit_counts;  /* the deposit of a pre-sale whose balance is never paid earns */
	enum trib_outcome outcome; /* ATTRIBUTED: go on with winners and shares */
	bool disabled;		   /* never entered */
	int64_t from_ms, to_ms;	   /* entered by orders created from … until before …; to_ms INT64_MAX: open */
	bool held;		   /* what is attributed is frozen until somebody has looked at it */
	uint32_t n_shares, n_parties;
	const struct trib_share *shares;
	const struct trib_bytes *share_names; /* one a share */
	const struct trib_node_party *parties;
	struct trib_bytes base_formula; /* as written; "" where it is the default */
	const void *base;		/* see trib_node_base; NULL: the default, order.base */
	const void *
		priority_by; /* see trib_node_priority; NULL: the registration's priority is meant */
	trib_fact_set priority_facts; /* what priority_by reads */
};

struct trib_tree;

struct trib_tree_options {
	const struct trib_spaces *spaces; /* used while compiling; NULL: nothing is known yet */
	const struct trib_hash_key *key;  /* against chosen collisions */
	const char *name;
	uint32_t number, version;
	bool trusted; /* it has been accepted before: what could only be refused by a check is not looked for */
};

/*
 * Refuses with the node's id and the reason as the place and the text. `json` is the body of a PUT:
 * {scene, root}; without a scene the name is the scene.
 */
trib_status trib_tree_new(const struct trib_tree_options *options, struct trib_bytes json,
			  struct trib_tree **ret_tree, struct trib_error *error);
struct trib_tree *trib_tree_ref(struct trib_tree *tree);
void trib_tree_unref(struct trib_tree *tree);

const char *trib_tree_name(const struct trib_tree *tree);
uint32_t trib_tree_number(const struct trib_tree *tree);
uint32_t trib_tree_version(const struct trib_tree *tree);
struct trib_bytes trib_tree_scene(const struct trib_tree *tree);
struct trib_bytes
trib_tree_source(const struct trib_tree *tree); /* canonical JSON: keys sorted, no spaces */
trib_fact_set trib_tree_facts(
	const struct trib_tree *tree); /* the facts that its conditions read, TRIB_FACT_BITs */
uint32_t trib_tree_nodes(const struct trib_tree *tree);
const struct trib_node *trib_tree_node(const struct trib_tree *tree, uint32_t index);

/*
 * Strings that the engine's dictionary should know before the tree is used, so that lines can bear their codes:
 * scene, share names. Returns the number of them; the i-th is written.
 */
uint32_t trib_tree_symbols(const struct trib_tree *tree);
struct trib_bytes trib_tree_symbol(const struct trib_tree *tree, uint32_t i);

/*
 * The path, as it goes into the event: the conditions that came out true, from the root on, as varints
 * `index << 1 | 1`; or, if the root's is not true, a single 0. What came out false follows from it: of each entered
 * node's siblings those tried before it, and all children of the last. trib_path_next() gives them all.
 */
struct trib_walk {
	const struct trib_node *node; /* that decides */
	enum trib_outcome
		outcome; /* the node's; NOT_DISTRIBUTED where the root's condition is not true */
	struct trib_bytes path; /* lives as long as the tree */
};

/* facts: those of trib_tree_facts() are filled. Codes of strings that no space knows are written into them. */
void trib_tree_walk(const struct trib_tree *tree, struct trib_facts *facts,
		    struct trib_walk *ret_walk);

/* EXPLAIN: every condition in the order in which it was (or would have been) tried, with its value. */
struct trib_path_cursor {
	const struct trib_tree *tree;
	struct trib_bytes rest;
	const struct trib_node *entered; /* the children of which are being tried; NULL: begin */
	uint32_t child;
	int64_t target; /* the child that is true, −1: none */
};
void trib_path_begin(const struct trib_tree *tree, struct trib_bytes path,
		     struct trib_path_cursor *ret_cursor);
bool trib_path_next(struct trib_path_cursor *cursor, const struct trib_node **ret_node,
		    bool *ret_value);

/* `priority_by` for the touch of these facts; an error gives INT64_MIN. Only where priority_by is not NULL. */
int64_t trib_node_priority(const struct trib_node *node, const struct trib_facts *facts);

/* `base` for an order whose facts are filled; false, and nothing set, in an error. Only where base is not NULL. */
bool trib_node_base(const struct trib_node *node, const struct trib_facts *facts,
		    int64_t *ret_base);

/* Sets parties[slot] for the parties that the node's shares call by their ids. */
static inline void trib_node_fill_parties(const struct trib_node *node,
					  uint32_t parties[TRIB_SLOTS])
{
	for (uint32_t i = 0; i < node->n_parties; i++)
		parties[node->parties[i].slot] =
			__atomic_load_n(&node->parties[i].number, __ATOMIC_RELAXED);
}

/* Something was given a code: constants that waited for it know it from now on. Engine's thread. */
void trib_tree_name_added(struct trib_tree *tree, enum trib_space space, struct trib_bytes text,
			  uint32_t code);
/* Looks up again whatever still waits. Engine's thread. */
void trib_tree_resolve(struct trib_tree *tree, const struct trib_spaces *spaces);
uint32_t trib_tree_waiting(const struct trib_tree *tree); /* constants without a code */

/* Conditions that ended in an error since the tree was made, per node. Any thread. */
uint64_t trib_tree_errors(const struct trib_tree *tree, uint32_t index);

#endif
