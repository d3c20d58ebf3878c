/*
 * Sets of int64 as sorted, disjoint, non-adjacent closed ranges, in an arena. What a test of one fact accepts is
 * such a set: of integers, milliseconds, ordered doubles, or numbers of constants. Immutable.
 *
 * The arena must be one that does not run out: the room's are as large as the bounded source of a tree makes them.
 */
#ifndef TRIB_RULES_SET_H
#define TRIB_RULES_SET_H

#include "base/arena.h"

struct range {
	int64_t lo, hi; /* lo <= hi */
};

struct set {
	uint32_t count;
	const struct range *ranges;
};

/* [lo, hi]; empty where lo > hi. */
struct set set_range(struct trib_arena *arena, int64_t lo, int64_t hi);

struct set set_union(struct trib_arena *arena, const struct set *sets, uint32_t count);
struct set set_intersect(struct trib_arena *arena, struct set a, struct set b);

/* All of [lowest, INT64_MAX] that is not in a; a has nothing below lowest. */
struct set set_complement(struct trib_arena *arena, struct set a, int64_t lowest);

bool set_subset(struct set a, struct set b); /* a ⊆ b */
bool set_equal(struct set a, struct set b);
bool set_has(struct set a, int64_t value);

/* Does it go on for ever? (A set of constants that does means "all but".) */
static inline bool set_unbounded(struct set a)
{
	return a.count && a.ranges[a.count - 1].hi == INT64_MAX;
}

#endif
