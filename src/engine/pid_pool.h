/*
 * The pools of pids: which of a site are free, and whose the others are. What is said of a pid replaces what was said of
 * it before, so the order in which the facts come does not matter:
 *
 *	pid_pool_put(pool, number, &(struct pid_fact){ .site = site, .state = PID_FREE, .free_at_ms = at });
 *	if (!(pid = pid_pool_find(pool, site, creator, channel)))        // theirs already?
 *		pid = pid_pool_next(pool, site, now_ms);                 // the first that is free; 0: none
 *
 * A pid that was released rests: it is free from free_at_ms on. Of several that are free the lowest number is next.
 * Times that are asked about never go back. Knows nothing of the engine.
 */
#ifndef TRIB_ENGINE_PID_POOL_H
#define TRIB_ENGINE_PID_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pid_state { PID_NONE, PID_FREE, PID_LEASED, PID_UNKNOWN, PID_CLOSED, PID_STATES };

struct pid_fact {
	int64_t free_at_ms;	   /* of PID_FREE */
	uint32_t site;		   /* number, below TRIB_LIMIT_SITES + 1 */
	uint32_t creator, channel; /* of PID_LEASED; channel: a code, or 0 */
	uint8_t state;
};

struct pid_pool;

struct pid_pool *pid_pool_new(void);
void pid_pool_free(struct pid_pool *pool);

void pid_pool_put(struct pid_pool *pool, uint32_t pid, const struct pid_fact *fact);

/* The creator's in that channel, the lowest where there are several; 0: none. */
uint32_t pid_pool_find(const struct pid_pool *pool, uint32_t site, uint32_t creator, uint32_t channel);
/* The first that is free, which it stays until something else is said of it; 0: none. */
uint32_t pid_pool_next(struct pid_pool *pool, uint32_t site, int64_t now_ms);
/* The next of the creator's behind `after`, of whatever site, ascending; 0: no more. */
uint32_t pid_pool_of(const struct pid_pool *pool, uint32_t creator, uint32_t after);

struct pid_counts {
	uint32_t free, resting, leased, unknown;
};
struct pid_counts pid_pool_count(struct pid_pool *pool, uint32_t site, int64_t now_ms);

#endif
