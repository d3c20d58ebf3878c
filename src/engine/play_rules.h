/*
 * The rule trees that a play comes with (the files in rules/): put with it, as versions of trees like any other, and active with it.
 *
 *	PUT /plays/x         ─ RulesPut of each tree that is another than its newest version ─ PlayPut, which names them
 *	:activate, :rollback ─ PlayActivated ─ RulesActivated of each, from the same time on
 *
 * A tree that somebody else has changed since stays as it is: where its active version, or that of the scene, did not come
 * with the play, the play's version is there, but is not activated, and the answer says so.
 */
#ifndef TRIB_ENGINE_PLAY_RULES_H
#define TRIB_ENGINE_PLAY_RULES_H

#include "engine/compiler.h"
#include "proto/proto.h"

/* Journals trees that are new; fills put->trees. */
trib_status play_rules_put(struct trib_engine *engine, const struct compiled_trees *trees, Tributary__PlayPut *put,
			   struct trib_error *error);

/* Journals what becomes of them; what that is, for the answer. */
trib_status play_rules_activate(struct trib_engine *engine, const Tributary__PlayActivated *activated, size_t *ret_count,
				Tributary__PlayTreeItem ***ret_items, struct trib_error *error);

/* Those of a version, for an answer: whether they are active, and why not where somebody else's stand in their place. */
void play_rules_show(struct trib_engine *engine, const char *play, uint32_t version, int64_t at_ms, size_t *ret_count,
		     Tributary__PlayTreeItem ***ret_items);

#endif
