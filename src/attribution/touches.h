/*
 * The touches of users, in memory: for each user, known by a 64-bit keyed hash only, the newest touches.
 *
 *	struct trib_touches *touches = trib_touches_new(&(struct trib_touches_options){
 *		.bytes_max = 8ull << 30, .retention_ms = 90 * day });
 *	status = trib_touches_insert(touches, user, &touch, &known, &error);   // known: it was already there
 *
 *	for each order of a batch:   trib_touches_prefetch(touches, user);          // two passes, each of which
 *	for each order of a batch:   trib_touches_prefetch_list(touches, user);     // hides one miss of the cache
 *	for each order of a batch:
 *		n = trib_touches_of(touches, user, order_at_ms, list, TRIB_LIMIT_TOUCHES_CONSIDERED);
 *
 * A list is sorted by (at, order of insertion): the last one is the newest. A user's touches stand in one block
 * of memory, 44 bytes each, blocks of one size stand without holes, and the index takes 8 bytes a slot:
 * bench-touches prints what that comes to. No allocation per touch; memory comes in chunks up to bytes_max.
 *
 * The store is a cache of what the engine's journal and state hold: it may forget a whole user (may_evict),
 * whom the engine then loads again. One thread.
 */
#ifndef TRIB_ATTRIBUTION_TOUCHES_H
#define TRIB_ATTRIBUTION_TOUCHES_H

#include "base/limits.h"
#include "base/status.h"
#include "base/words.h"

/*
 * A touch: the numbers of its token, with the carrier and page it happened in. The names are those of
 * track/token.h. The ranges are what the store keeps; beyond them an insertion is refused by name.
 */
struct trib_touch {
	int64_t at_ms;	      /* 0 to 2^42 − 1: until the year 2109 */
	int64_t issued_at_ms; /* the token's; within 17 years of at_ms */
	uint64_t link;	      /* 48 bits */
	uint32_t goods;
	uint32_t creator;      /* 28 bits, as all parties */
	uint32_t plan, offer;  /* 28 bits */
	uint32_t plan_version; /* 20 bits */
	uint32_t registration, channel;
	uint32_t carrier_kind;
	uint32_t carrier;
	uint32_t carrier_owner; /* 28 bits */
	uint32_t page;
	uint8_t kind; /* enum trib_touch_kind */
	bool at_stated; /* the caller stated AT: then the same user, link and time is the same touch */
};

struct trib_touches;

struct trib_touches_options {
	size_t bytes_max;     /* all in; an insertion that would pass it evicts, else is refused */
	int64_t retention_ms; /* a touch older than the engine's time less this is dropped; 0: never */
	/* May this user be forgotten now, because it can be loaded again? NULL: never. */
	bool (*may_evict)(void *context, uint64_t user);
	void *context;
};

struct trib_touches *trib_touches_new(const struct trib_touches_options *options);
void trib_touches_free(struct trib_touches *touches);

/*
 * What insertion would refuse whatever the memory: TRIB_INVALID and the field's name (a number out of the ranges
 * above), TRIB_LIMIT (too many combinations of registration, channel, carrier kind and page). Changes nothing.
 */
trib_status trib_touches_accepts(const struct trib_touches *touches, const struct trib_touch *touch,
				 struct trib_error *error);

/* Is it there: same user, link and time, both with their time stated? */
bool trib_touches_knows(const struct trib_touches *touches, uint64_t user,
			const struct trib_touch *touch);

/*
 * Adds a touch unless it is known. A user keeps the newest TRIB_LIMIT_TOUCHES_KEPT. now_ms is the engine's
 * time, by which the user's expired touches are dropped. Fails as trib_touches_accepts does, and with
 * TRIB_NO_MEMORY; then nothing has changed (but evictions).
 */
trib_status trib_touches_insert(struct trib_touches *touches, uint64_t user,
				const struct trib_touch *touch, int64_t now_ms, bool *ret_known,
				struct trib_error *error);

/* Lazy loading: gives a user who is not here these touches, sorted, at most TRIB_LIMIT_TOUCHES_KEPT. */
trib_status trib_touches_load(struct trib_touches *touches, uint64_t user,
			      const struct trib_touch *list, size_t n, struct trib_error *error);
bool trib_touches_has_user(const struct trib_touches *touches, uint64_t user);
void trib_touches_forget_user(struct trib_touches *touches, uint64_t user);

void trib_touches_prefetch(const struct trib_touches *touches, uint64_t user);
void trib_touches_prefetch_list(const struct trib_touches *touches, uint64_t user);

/* The newest touches of a user at or before not_after_ms, at most max, oldest first. Returns how many. */
size_t trib_touches_of(struct trib_touches *touches, uint64_t user, int64_t not_after_ms,
		       struct trib_touch *ret_list, size_t max);

/* Background work: looks at the next `slots` slots of the index and drops what has expired of those users. */
void trib_touches_sweep(struct trib_touches *touches, int64_t now_ms, size_t slots);

/*
 * Faults in the memory that comes next, so that an insertion does not wait for the kernel to clear 2 MiB. Any thread,
 * now and then; does nothing to the store.
 */
void trib_touches_touch_ahead(const struct trib_touches *touches, size_t bytes);

struct trib_touches_counts {
	uint64_t users, touches;
	uint64_t evicted; /* users, since the start */
	uint64_t places;
	uint64_t bytes;	      /* all in, taken from the kernel */
	uint64_t block_bytes; /* of them in the users' blocks */
};
struct trib_touches_counts trib_touches_count(const struct trib_touches *touches);

/* Walks the whole store; false and the first broken invariant. For tests and `fsck`. */
bool trib_touches_validate(const struct trib_touches *touches, const char **ret_reason);

#endif
