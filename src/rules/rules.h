/*
 * Rules: named trees, each a line of immutable versions, one of which is active at any time. The room's door.
 *
 *	facts.h		what a condition may ask
 *	share.h		how money is divided
 *	tree.h		one version, compiled; walking it
 *	complete.h	what may be written next in a condition
 *	patch.h		one node changed without touching the rest
 *
 *	struct trib_rules *rules = trib_rules_new(&key, &spaces);      // holds `default` version 1, active
 *
 *	status = trib_rules_decide_put(rules, name, json, &version, &source, &error);    // changes nothing
 *	… event RulesPut {name, version, source} …
 *	status = trib_rules_apply_put(rules, name, version, source, &error);             // also when replayed
 *
 *	status = trib_rules_decide_activate(rules, name, version, at_ms, now_ms, &from_ms, &error);
 *	… event RulesActivated {name, version, at} …
 *	status = trib_rules_apply_activate(rules, name, version, from_ms, &error);
 *
 *	const struct trib_tree *tree = trib_rules_find(rules, scene_code, now_ms);       // per order
 *
 * Beside the active version others may take a part of the orders (a roll-out). A later activation ends them all:
 *
 *	status = trib_rules_decide_rollout(rules, name, &request, now_ms, &arena, &event, &error);
 *	status = trib_rules_apply_rollout(rules, &event, &error);
 *	tree = trib_rules_choose(rules, scene_code, now_ms, &order, &choice);
 *
 * A version serves one scene, the tree's name unless its body says another. Of trees that serve the same scene the
 * one activated last holds. An order whose scene no active tree serves gets `default`, which may be replaced as any.
 *
 * One writer (the engine's thread). Other threads use a copy (trib_rules_copy), which shares the trees.
 */
#ifndef TRIB_RULES_RULES_H
#define TRIB_RULES_RULES_H

#include "proto/proto.h"
#include "rules/complete.h"
#include "rules/facts.h"
#include "rules/patch.h"
#include "rules/share.h"
#include "rules/tree.h"

struct trib_rules;

/* spaces outlives the rules. */
struct trib_rules *trib_rules_new(const struct trib_hash_key *key,
				  const struct trib_spaces *spaces);
void trib_rules_free(struct trib_rules *rules);

/* The same trees, versions and activations, for readers; hit counts and later changes are not in it. */
struct trib_rules *trib_rules_copy(const struct trib_rules *rules);

/* ---- Changes --------------------------------------------------------------------------------------- */

/* Checks and compiles; gives the version it will have and its canonical source, and changes nothing. */
trib_status trib_rules_decide_put(const struct trib_rules *rules, struct trib_bytes name,
				  struct trib_bytes json, uint32_t *ret_version,
				  struct trib_buffer *ret_source, struct trib_error *error);

/*
 * The same in two steps, so that the engine need not wait: a tree is parsed, checked and compiled by any thread,
 *
 *	status = trib_rules_prepare(&key, name, json, &tree, &error);
 *	status = trib_rules_decide_prepared(rules, name, tree, &version, &error);     // the engine's thread
 *	trib_rules_offer(rules, tree);
 *	… event RulesPut {name, version, trib_tree_source(tree)}: apply_put takes the tree instead of compiling …
 *	trib_rules_offer(rules, NULL);
 */
trib_status trib_rules_prepare(const struct trib_hash_key *key, struct trib_bytes name, struct trib_bytes json,
			       struct trib_tree **ret_tree, struct trib_error *error);
trib_status trib_rules_decide_prepared(const struct trib_rules *rules, struct trib_bytes name,
				       struct trib_tree *tree, uint32_t *ret_version, struct trib_error *error);
void trib_rules_offer(struct trib_rules *rules, struct trib_tree *tree);

/* CORRUPT where the source is not one that was ever accepted, or the version is not the next. */
trib_status trib_rules_apply_put(struct trib_rules *rules, struct trib_bytes name, uint32_t version,
				 struct trib_bytes source, struct trib_error *error);

/*
 * From when on the version will be active: at_ms, but not before now_ms. Activations of one tree make a timeline:
 * at any time the one with the latest start not after it holds, of equal starts the one decided last. NOT_FOUND
 * names the version that is not there.
 */
trib_status trib_rules_decide_activate(const struct trib_rules *rules, struct trib_bytes name,
				       uint32_t version, int64_t at_ms, int64_t now_ms,
				       int64_t *ret_from_ms, struct trib_error *error);
trib_status trib_rules_apply_activate(struct trib_rules *rules, struct trib_bytes name,
				      uint32_t version, int64_t from_ms, struct trib_error *error);

/*
 * A roll-out that may be: the event lives in the arena. REFUSED where no version is active from then on, or one of
 * another scene. At any time those count that were decided for, or begin, after the activation that holds; of two of
 * one version the later one does. A share of 0 takes a version back.
 */
trib_status trib_rules_decide_rollout(const struct trib_rules *rules, struct trib_bytes name,
				      const Tributary__RolloutRequest *request, int64_t now_ms,
				      struct trib_arena *arena,
				      Tributary__RulesActivated *ret_event,
				      struct trib_error *error);
/* Of an event, or of a row, that says `part`. */
trib_status trib_rules_apply_rollout(struct trib_rules *rules,
				     const Tributary__RulesActivated *event,
				     struct trib_error *error);

/* An entity or a dictionary entry got its number: constants that waited for it know it from now on. Cheap. */
void trib_rules_name_added(struct trib_rules *rules, enum trib_space space, struct trib_bytes text,
			   uint32_t code);

/* ---- Per order ------------------------------------------------------------------------------------- */

/* The tree for a scene, by its dictionary code (0: none) or its text. Never NULL. */
const struct trib_tree *trib_rules_find(const struct trib_rules *rules, uint32_t scene,
					int64_t now_ms);
const struct trib_tree *trib_rules_find_text(const struct trib_rules *rules,
					     struct trib_bytes scene, int64_t now_ms);

/* The order that asks, for roll-outs. `holds`: is the condition (a tree) true for it? */
struct trib_rules_order {
	struct trib_bytes id;
	bool (*holds)(void *context, const struct trib_tree *condition);
	void *context;
};

/* How roll-outs chose a version. All 0: none is under way. */
struct trib_rules_choice {
	bool asked;	  /* there are roll-outs; where none was `chosen`, the version is the active one */
	bool chosen, has_place;
	bool conditional; /* chosen by a condition that holds */
	uint16_t place;	  /* of the order among 10000; has_place: a share was asked for */
	uint16_t from, to; /* the places of the share that took it; to 0: no share limits it */
};

/*
 * As trib_rules_find, and then the version that a roll-out gives the order. Roll-outs are asked in the order in which
 * their versions first came: a share takes the next so many places of 10000, whether or not its condition holds.
 * ret_choice is left alone where no roll-out is under way.
 */
const struct trib_tree *trib_rules_choose(const struct trib_rules *rules, uint32_t scene,
					  int64_t now_ms, const struct trib_rules_order *order,
					  struct trib_rules_choice *ret_choice);

/* The facts that the conditions of a tree's roll-outs read now; 0 where none is under way. */
trib_fact_set trib_rules_rollout_facts(const struct trib_rules *rules, uint32_t tree,
				       int64_t now_ms);

/* Counts a decision, on apply. False: no such tree, version or node (a broken event). */
bool trib_rules_hit(struct trib_rules *rules, uint32_t tree, uint32_t version, uint32_t node);

/* ---- Looking ---------------------------------------------------------------------------------------- */

/* Trees have numbers 1 … count, in the order in which they came; `default` is 1. Versions are 1 … latest. */
uint32_t trib_rules_count(const struct trib_rules *rules);
uint32_t trib_rules_number(const struct trib_rules *rules, struct trib_bytes name); /* 0: none */
struct trib_bytes trib_rules_name(const struct trib_rules *rules, uint32_t tree);
uint32_t trib_rules_latest(const struct trib_rules *rules, uint32_t tree);
uint32_t trib_rules_active(const struct trib_rules *rules, uint32_t tree,
			   int64_t now_ms); /* 0: none yet */
const struct trib_tree *trib_rules_tree(const struct trib_rules *rules, uint32_t tree,
					uint32_t version); /* or NULL */
const uint64_t *trib_rules_hits(const struct trib_rules *rules, uint32_t tree,
				uint32_t version); /* per node */

/* All activations in the order in which they were decided, but for the one that is built in. */
struct trib_rules_activation {
	int64_t from_ms;
	uint32_t tree, version;
	struct rollout *rollout; /* NULL: of all orders */
};

/* The facts that the version reads, and the condition of its roll-out. */
trib_fact_set trib_rules_activation_facts(const struct trib_rules *rules,
					  const struct trib_rules_activation *activation);

/* Appends the RulesActivated of a roll-out, packed; nothing for an activation. */
void trib_rules_pack_rollout(const struct trib_rules *rules,
			     const struct trib_rules_activation *activation,
			     struct trib_buffer *buffer);
const struct trib_rules_activation *trib_rules_activations(const struct trib_rules *rules,
							   uint32_t *ret_count);

/* The bodies of GET /rules, /rules/{name}, …/versions/{n} (version 0: of the first kind), …/hits. */
trib_status trib_rules_write_json(const struct trib_rules *rules, struct trib_bytes name,
				  uint32_t version, int64_t now_ms, struct trib_buffer *buffer,
				  struct trib_error *error);
void trib_rules_write_list(const struct trib_rules *rules, int64_t now_ms, struct trib_buffer *buffer);
trib_status trib_rules_write_hits(const struct trib_rules *rules, struct trib_bytes name,
				  struct trib_buffer *buffer, struct trib_error *error);

/*
 * Checkpoints: a fresh trib_rules becomes this one by apply_put of every version of every tree in the order of
 * numbers (but for version 1 of tree 1, which is built in), apply_activate or apply_rollout in the order of
 * trib_rules_activations(),
 * and trib_rules_load_hits.
 */
bool trib_rules_load_hits(struct trib_rules *rules, uint32_t tree, uint32_t version,
			  const uint64_t *hits, uint32_t nodes);

#endif
