/*
 * Counters: how often somebody clicked or ordered lately, for rules that ask. What is counted stands in the table of
 * facts as `counter.…` (rules/facts.h); here is the memory behind it.
 *
 *	struct trib_counters *counters = trib_counters_new(TRIB_LIMIT_COUNTERS);
 *
 *	trib_counters_add(counters, TRIB_COUNTED_USER, user, TRIB_COUNT_CLICKS, touch.at_ms);
 *	…
 *	n = trib_counters_get(counters, TRIB_COUNTED_USER, user, TRIB_COUNT_CLICKS, TRIB_COUNTER_HOUR, order.at_ms);
 *
 * A counter is kept for each *subject*: a user, a device, a creator; and for links and devices a list of the different
 * users that were seen with them. A window slides by buckets, a tenth of it each, so a count of an hour covers between
 * 54 and 60 minutes. Times are event times (AT); no clock is read. What comes
 * later than a whole window behind the newest event of its subject is not counted in that window any more.
 *
 *	buckets of one window:    b−9 … b      b = time / width, the newest seen; slot of a bucket: its number mod 10
 *	                          count at t = the sum of buckets t/width − 9 … t/width that are still there
 *
 * Memory is bounded: sets of 8 places, found by the hash of the subject. Where a set is full, the subject that was
 * seen longest ago (by event time) is forgotten and counts from 0 when it comes back. So it depends on the
 * sequence of events alone what is remembered, and a place is a number: a checkpoint writes the places that
 * changed, and reading them back gives the same memory, place by place.
 *
 * One thread.
 */
#ifndef TRIB_ENGINE_COUNTERS_H
#define TRIB_ENGINE_COUNTERS_H

#include "base/bytes.h"

/* X(NAME, number, word). Numbers stand in checkpoints. */
#define TRIB_COUNTED_TABLE(X)                                                                      \
	X(USER, 1, "user")                                                                         \
	X(DEVICE, 2, "device")                                                                     \
	X(CREATOR, 3, "creator")                                                                   \
	X(LINK, 4, "link")             /* its users */                                             \
	X(DEVICE_USERS, 5, "device users")

enum trib_counted {
#define X(name, number, word) TRIB_COUNTED_##name = number,
	TRIB_COUNTED_TABLE(X)
#undef X
};

enum trib_count { TRIB_COUNT_CLICKS, TRIB_COUNT_ORDERS, TRIB_COUNTS };

/* X(NAME, window in ms) */
#define TRIB_COUNTER_WINDOW_TABLE(X)                                                               \
	X(MINUTE, 60 * 1000)                                                                       \
	X(TEN_MINUTES, 10 * 60 * 1000)                                                             \
	X(HOUR, 60 * 60 * 1000)                                                                    \
	X(DAY, 24 * 60 * 60 * 1000)                                                                \
	X(WEEK, 7 * 24 * 60 * 60 * 1000)

enum trib_counter_window {
#define X(name, ms) TRIB_COUNTER_##name,
	TRIB_COUNTER_WINDOW_TABLE(X)
#undef X
		TRIB_COUNTER_WINDOWS
};

enum {
	TRIB_COUNTER_BUCKETS = 10,
	TRIB_COUNTER_USERS_MAX = 60, /* different users of one link or device that are told apart */
	TRIB_COUNTER_ROW_BYTES_MAX = 1024,
};

struct trib_counters;

/* Room for `places` subjects, a power of two of at least 8. Memory is taken as it is used. */
struct trib_counters *trib_counters_new(uint32_t places);
void trib_counters_free(struct trib_counters *counters);

/* Of a user, device or creator. key is not 0. */
void trib_counters_add(struct trib_counters *counters, enum trib_counted subject, uint64_t key, enum trib_count count,
		       int64_t at_ms);

/* Events in the window that ends at at_ms. */
uint64_t trib_counters_get(const struct trib_counters *counters, enum trib_counted subject, uint64_t key,
			   enum trib_count count, enum trib_counter_window window, int64_t at_ms);

/* The earliest event of the subject; false where it was never seen. */
bool trib_counters_first(const struct trib_counters *counters, enum trib_counted subject, uint64_t key,
			 int64_t *ret_at_ms);

/* The newest click of the subject, if it is not after at_ms. */
bool trib_counters_last_click(const struct trib_counters *counters, enum trib_counted subject, uint64_t key,
			      int64_t at_ms, int64_t *ret_at_ms);

/* TOUCH does not say on which device it happened: a user's clicks count for the device of his latest order. 0: none. */
void trib_counters_set_device(struct trib_counters *counters, uint64_t user, uint64_t device, int64_t at_ms);
uint64_t trib_counters_device(const struct trib_counters *counters, uint64_t user);

/* A user was seen with a link, or on a device (LINK, DEVICE_USERS). */
void trib_counters_add_user(struct trib_counters *counters, enum trib_counted subject, uint64_t key, uint64_t user,
			    int64_t at_ms);
/* How many different ones, at most TRIB_COUNTER_USERS_MAX. */
uint32_t trib_counters_users(const struct trib_counters *counters, enum trib_counted subject, uint64_t key);

uint32_t trib_counters_count(const struct trib_counters *counters); /* subjects that are remembered */

/* --- Checkpoints -------------------------------------------------------------------------------------- */

/*
 * A freeze hands out every place that changed since the last one, as it stands now, each once; in no order, and up to
 * `max` a step, true while there are more. Those that change meanwhile are handed out before.
 */
typedef void trib_counters_fn(void *context, uint32_t place, struct trib_bytes row);
void trib_counters_freeze(struct trib_counters *counters, trib_counters_fn *emit, void *context);
bool trib_counters_freeze_step(struct trib_counters *counters, size_t max);

/* False where the bytes are no row of this place. */
bool trib_counters_load(struct trib_counters *counters, uint32_t place, struct trib_bytes row);

/* Every place as text, for tests: two memories with the same text answer alike. */
void trib_counters_dump(const struct trib_counters *counters, struct trib_buffer *text);

#endif
