/*
 * Deliveries: effects on their way to webhooks, those that were given up (dead), and the newest that were taken (done).
 *
 *	struct delivery *delivery = deliveries_add(all, position, now_ms, &added);
 *	…
 *	while ((delivery = deliveries_take(all, webhook, durable, now_ms)))   // due, durable, and not under way yet
 *		…                                                            // somebody delivers it
 *	deliveries_tell(all, delivery, position, now_ms, &told);              // DONE, DEAD, or PENDING again, later
 *
 *	             add                      tell
 *	(nothing) ────────► PENDING ◄──────────────────┐
 *	                       │  tell: taken → DONE    │ tell: an operator says again
 *	                       │  tell: given up → DEAD ┘     tell: DROPPED → (nothing)
 *
 * Which of them are under way is known to memory only: whoever asks after a restart gets them again. All else is a fold
 * of events. One thread; knows nothing of the engine.
 *
 * Each stands in a slot, which the next one takes when it has gone: so the table of the store is as large as the most
 * that ever waited at a time, not as long as the history. All that wait for one webhook are a heap by when they are due,
 * so that one that does not answer holds up nobody else's.
 */
#ifndef TRIB_ENGINE_DELIVERIES_H
#define TRIB_ENGINE_DELIVERIES_H

#include "proto/proto.h"

/* X(NAME, number, word). Numbers stand in events. */
#define TRIB_DELIVERY_TABLE(X)                                                                     \
	X(PENDING, 1, "pending")                                                                   \
	X(DEAD, 2, "dead")                                                                         \
	X(DONE, 3, "done")                                                                         \
	X(DROPPED, 4, "dropped")

enum delivery_state {
#define X(name, number, word) DELIVERY_##name = number,
	TRIB_DELIVERY_TABLE(X)
#undef X
};

const char *delivery_state_word(enum delivery_state state);
bool delivery_state_find(struct trib_bytes word, enum delivery_state *ret_state);

struct delivery {
	uint64_t id, entered;		  /* positions: of OutboxAdded; of the event that brought it into its state */
	uint32_t slot, webhook, attempts;
	int32_t code;
	enum delivery_state state;
	bool under_way;
	int64_t at_ms, since_ms, due_ms, ended_ms;
	const char *kind, *to, *play, *entity, *key, *body; /* "" for none */
	char reason[120];

	/* The structure's own. */
	size_t heap;			  /* its place, from 1; 0: in none */
	size_t size;			  /* of its texts */
	struct delivery *older, *newer;	  /* of the same state */
	struct delivery *next_of_key;
};

struct deliveries;

struct deliveries *deliveries_new(void);
void deliveries_free(struct deliveries *all);

/* Is there room for so many more, whose texts are of that size together? Those that are dead or done make room. */
bool deliveries_have_room(const struct deliveries *all, size_t count, size_t size);

/* Ids ascend. The texts are copied. */
struct delivery *deliveries_add(struct deliveries *all, uint64_t id, int64_t now_ms,
				const Tributary__OutboxAdded *added);
/* NULL where there is none (any more). */
struct delivery *deliveries_find(const struct deliveries *all, uint64_t id);
/* Does one wait of that webhook, kind, addressee and key? */
bool deliveries_wait_for(const struct deliveries *all, uint32_t webhook, struct trib_bytes kind, struct trib_bytes to,
			 struct trib_bytes key);
/* `position` is of the event. The delivery may be gone afterwards. */
void deliveries_tell(struct deliveries *all, struct delivery *delivery, uint64_t position, int64_t now_ms,
		     const Tributary__OutboxTold *told);
/* A webhook is closed: what waits for it is dead. */
void deliveries_give_up(struct deliveries *all, uint32_t webhook, uint64_t position, int64_t now_ms,
			const char *reason);

/*
 * The next of a webhook that is due, and whose event is before `durable`; it is under way from then on, until told.
 * NULL: none, or as many are under way as it takes at a time: one after a failure, and one more for each that is taken.
 */
struct delivery *deliveries_take(struct deliveries *all, uint32_t webhook, uint64_t durable, int64_t now_ms);
/* When the next of it is due; INT64_MAX: none waits, or those under way come first. */
int64_t deliveries_due(const struct deliveries *all, uint32_t webhook);
void deliveries_slow_down(struct deliveries *all, uint32_t webhook);

/* The one behind that id, by id; NULL: the last. Of any state. */
struct delivery *deliveries_next(const struct deliveries *all, uint64_t after);

struct delivery_counts {
	size_t pending, dead, done;
	int64_t oldest_ms; /* since when the oldest is tried; 0: none waits */
};
struct delivery_counts deliveries_count(const struct deliveries *all);

/*
 * Checkpoints: the slots that have changed since the last time, with their rows (empty: free). Load: any order, then
 * load_done.
 */
typedef void deliveries_fn(void *context, uint32_t slot, struct trib_bytes row);
void deliveries_take_changed(struct deliveries *all, deliveries_fn *emit, void *context);
trib_status deliveries_load(struct deliveries *all, uint32_t slot, struct trib_bytes row, struct trib_error *error);
void deliveries_load_done(struct deliveries *all);

/* False names the first broken invariant. Slow: tests. */
bool deliveries_check(const struct deliveries *all, const char **ret_reason);

#endif
