/*
 * A few threads for what would hold up a door: looking at passwords, evaluating filters. The queue is bounded.
 *
 *	struct job { struct trib_work work; … };
 *	job->work.run = look;                       // called once, on a worker; what it does last is up to it
 *	if (!trib_workers_submit(workers, &job->work))
 *		…                                   // 503
 */
#ifndef TRIB_SERVER_WORKERS_H
#define TRIB_SERVER_WORKERS_H

#include <stdbool.h>
#include "base/macros.h"

struct trib_work {
	struct trib_work *next;
	void (*run)(struct trib_work *work);
};

struct trib_workers;

struct trib_workers *trib_workers_new(const char *name, unsigned threads, unsigned queue_max);
/* Whatever was submitted runs first. NULL is allowed. */
void trib_workers_free(struct trib_workers *workers);

/* Any thread. False when the queue is full. */
bool trib_workers_submit(struct trib_workers *workers, struct trib_work *work);

#endif
