/*
 * What plays do on the way of orders: their rule trees, by name and version, and their own ways of the capabilities of that path, compiled, so that whoever resolves
 * orders has them at hand: the engine, the rich client, a simulation. No Lua, and nothing of a play's files.
 *
 *	trib_order_path_put(path, number, parent, event);               // PlayPut, as it is folded
 *	trib_order_path_activated(path, number, event);
 *	trib_order_path_ready(path);                                     // once rows of a store are all there
 *
 *	struct trib_order_ways *ways = trib_order_path_ways(path, play, version);   // NULL: all as the platform has it
 *	if (trib_order_ways_have(ways, TRIB_CAPABILITY_ORDER_HOLD) &&
 *	    trib_order_ask(ways, TRIB_CAPABILITY_ORDER_HOLD, in, scratch, &out))
 *		…                                                        // asked only where somebody says otherwise
 *
 * A fold over the same events as the book's, which has the files and everything else of a play. Numbers of plays are
 * the caller's (trib_domain_plays). Reading is for any number of threads, as long as nobody folds.
 */
#ifndef TRIB_PLAY_ORDER_PATH_H
#define TRIB_PLAY_ORDER_PATH_H

#include "play/capability.h"
#include "proto/proto.h"

struct trib_order_path;
struct trib_order_ways;

struct trib_order_path *trib_order_path_new(void);
void trib_order_path_free(struct trib_order_path *path);

/* ---- Folding -------------------------------------------------------------------------------------- */

/* parent: the number of event->parent, 0: it has none. CORRUPT: no version that could come. */
trib_status trib_order_path_put(struct trib_order_path *path, uint32_t play, uint32_t parent,
				const Tributary__PlayPut *event, struct trib_error *error);
trib_status trib_order_path_activated(struct trib_order_path *path, uint32_t play,
				      const Tributary__PlayActivated *event, struct trib_error *error);

/* Rows of a store come by play: a parent may stand behind its child. */
void trib_order_path_ready(struct trib_order_path *path);

/* A PlayPut as markets travel with it: without its files, behind what stands in the buffer. */
void trib_order_path_add_lean(struct trib_bytes packed, struct trib_buffer *ret_lean);

/* ---- Rule trees ------------------------------------------------------------------------------------ */

/* Which version of which tree came with a version of a play; and does any version of it have this one? */
struct trib_play_tree {
	char *name;
	uint32_t version;
};
const struct trib_play_tree *trib_order_path_trees(const struct trib_order_path *path, uint32_t play, uint32_t version,
						   uint32_t *ret_count);
bool trib_order_path_has_tree(const struct trib_order_path *path, uint32_t play, struct trib_bytes name, uint32_t version);

/* ---- Asking --------------------------------------------------------------------------------------- */

/* The version that takes what is new at a time; 0: none does. */
uint32_t trib_order_path_active(const struct trib_order_path *path, uint32_t play, int64_t at_ms);

/* NULL: of no capability the version, or a parent, says anything. */
const struct trib_order_ways *trib_order_path_ways(const struct trib_order_path *path, uint32_t play, uint32_t version);

bool trib_order_ways_have(const struct trib_order_ways *ways, enum trib_capability capability);

/*
 * out: as many as the capability's row has; they live in the arena, or where the inputs do. False: it failed, and out is what
 * `pass` gives.
 */
bool trib_order_ask(const struct trib_order_ways *ways, enum trib_capability capability, const struct trib_value *in,
		    struct trib_arena *arena, struct trib_value *out);

#endif
