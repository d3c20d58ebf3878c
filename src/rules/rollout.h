/*
 * A roll-out: a version that takes a part of its tree's orders, beside the version that is active. The part is a
 * share of the orders, by a hash of the order's id, and may grow by steps; or those for which a condition holds; or
 * both at once.
 */
#ifndef TRIB_RULES_ROLLOUT_H
#define TRIB_RULES_ROLLOUT_H

#include "proto/proto.h"
#include "rules/tree.h"

struct rollout {
	uint32_t references;
	uint64_t
		salt; /* of the tree: keeps its hash apart from those of others, and from outsiders */
	struct trib_tree *when; /* a tree of one node; NULL: always */
	struct trib_bytes when_text;
	uint32_t step_count; /* 0: all that `when` holds for */
	struct rollout_step {
		int64_t from_ms;
		uint32_t share_bps;
	} steps[]; /* ascending */
};

/* From the event, or a request that has been made one. `trusted`: it has been accepted before. */
trib_status rollout_new(const Tributary__RulesActivated *event, const struct trib_spaces *spaces,
			const struct trib_hash_key *key, struct rollout **ret_rollout,
			struct trib_error *error);
struct rollout *rollout_ref(struct rollout *rollout);
void rollout_unref(struct rollout *rollout);

/* The share at a time; before the first step 0. */
uint32_t rollout_share_bps(const struct rollout *rollout, int64_t now_ms);

/* Where an order stands among 0 … 9999. All lines of one order stand at one place. */
uint32_t rollout_position(const struct rollout *rollout, struct trib_bytes order);

#endif
