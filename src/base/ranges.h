/*
 * Sets of int64 as sorted, disjoint, non-adjacent closed ranges, in an arena. What a test of one fact or one column
 * accepts is such a set: of integers, milliseconds, ordered doubles, or numbers of constants. Immutable.
 *
 * The arena must be one that does not run out: sets are as large as the bounded source of an expression makes them.
 */
#ifndef TRIB_BASE_RANGES_H
#define TRIB_BASE_RANGES_H

#include "base/arena.h"

struct trib_range {
	int64_t lo, hi; /* lo <= hi */
};

struct trib_ranges {
	uint32_t count;
	const struct trib_range *ranges;
};

/* [lo, hi]; empty where lo > hi. */
struct trib_ranges trib_ranges_of(struct trib_arena *arena, int64_t lo, int64_t hi);

struct trib_ranges trib_ranges_union(struct trib_arena *arena, const struct trib_ranges *sets, uint32_t count);
struct trib_ranges trib_ranges_intersect(struct trib_arena *arena, struct trib_ranges a, struct trib_ranges b);

/* All of [lowest, INT64_MAX] that is not in a; a has nothing below lowest. */
struct trib_ranges trib_ranges_complement(struct trib_arena *arena, struct trib_ranges a, int64_t lowest);

bool trib_ranges_subset(struct trib_ranges a, struct trib_ranges b); /* a ⊆ b */
bool trib_ranges_equal(struct trib_ranges a, struct trib_ranges b);
bool trib_ranges_has(struct trib_ranges a, int64_t value);

/* Does it go on for ever? (A set of constants that does means "all but".) */
static inline bool trib_ranges_unbounded(struct trib_ranges a)
{
	return a.count && a.ranges[a.count - 1].hi == INT64_MAX;
}

#endif
