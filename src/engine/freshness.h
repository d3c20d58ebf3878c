/*
 * How old is what is known of a site's goods? They are counted by the minute in which they were seen; limits move over
 * the minutes as time goes on, so that what is older than a limit is known at any time without asking the goods:
 *
 *	freshness_add(freshness, seen_ms);                          // goods were seen
 *	freshness_remove(freshness, seen_ms);                       // … and are not any more, or were seen again later
 *	freshness_limit(freshness, 0, now_ms - limit_ms);           // moves: costs the minutes between
 *	stale = freshness_older(freshness, 0);
 *
 * Four bytes a minute between the oldest and the newest; what was seen before 2020 is counted as of then, what after
 * 2100 as of then. Knows nothing of the engine.
 */
#ifndef TRIB_ENGINE_FRESHNESS_H
#define TRIB_ENGINE_FRESHNESS_H

#include <stdint.h>
#include "base/column.h"

enum { FRESHNESS_LIMITS = 3 };

struct freshness {
	struct trib_column counts; /* uint32_t by minute since the first */
	uint32_t top;		   /* one more than the newest minute that ever had a count */
	uint32_t oldest;	   /* no minute before it has a count */
	uint32_t total;
	struct {
		uint32_t minute; /* what was seen before it is older */
		uint32_t older;
	} limits[FRESHNESS_LIMITS];
};

void freshness_fini(struct freshness *freshness);
void freshness_add(struct freshness *freshness, int64_t seen_ms);
void freshness_remove(struct freshness *freshness, int64_t seen_ms);

/* What was seen in a minute that ends by then is older. */
void freshness_limit(struct freshness *freshness, int limit, int64_t at_ms);

static inline uint32_t freshness_older(const struct freshness *freshness, int limit)
{
	return freshness->limits[limit].older;
}

/* When the oldest was seen, to the minute; -1 where there is nothing. */
int64_t freshness_oldest(struct freshness *freshness);

#endif
