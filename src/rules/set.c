/* Set algebra by merging sorted ranges. */
#include "rules/set.h"

struct set set_range(struct trib_arena *arena, int64_t lo, int64_t hi)
{
	if (lo > hi)
		return (struct set){ 0 };
	struct range *range = trib_arena_alloc(arena, sizeof(*range));

	trib_assert(range);
	*range = (struct range){ lo, hi };
	return (struct set){ 1, range };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

struct set set_union(struct trib_arena *arena, const struct set *sets, uint32_t count)
{
	size_t total = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		total += sets[i].count;
	if (total == 0)
		return (struct set){ 0 };
	struct range *ranges = trib_arena_alloc(arena, total * sizeof(*ranges));

	trib_assert(ranges);
	total = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (sets[i].count)
			memcpy(&ranges[total], sets[i].ranges, sets[i].count * sizeof(*ranges));
		total += sets[i].count;
	}
	qsort(ranges, total, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < total; i++) {
		struct range next = ranges[i];

		if (n && (ranges[n - 1].hi == INT64_MAX || next.lo <= ranges[n - 1].hi + 1))
			ranges[n - 1].hi = TRIB_MAX(ranges[n - 1].hi, next.hi);
		else
			ranges[n++] = next;
	}
	return (struct set){ n, ranges };
}

struct set set_intersect(struct trib_arena *arena, struct set a, struct set b)
{
	if (!a.count || !b.count)
		return (struct set){ 0 };
	struct range *ranges = trib_arena_alloc(arena, (a.count + b.count) * sizeof(*ranges));
	uint32_t n = 0, i = 0, j = 0;

	trib_assert(ranges);
	while (i < a.count && j < b.count) {
		int64_t lo = TRIB_MAX(a.ranges[i].lo, b.ranges[j].lo);
		int64_t hi = TRIB_MIN(a.ranges[i].hi, b.ranges[j].hi);

		if (lo <= hi)
			ranges[n++] = (struct range){ lo, hi };
		if (a.ranges[i].hi < b.ranges[j].hi)
			i++;
		else
			j++;
	}
	return (struct set){ n, ranges };
}

struct set set_complement(struct trib_arena *arena, struct set a, int64_t lowest)
{
	struct range *ranges = trib_arena_alloc(arena, (a.count + 1) * sizeof(*ranges));
	uint32_t n = 0;
	int64_t next = lowest;

	trib_assert(ranges);
	for (uint32_t i = 0; i < a.count; i++) {
		if (next < a.ranges[i].lo)
			ranges[n++] = (struct range){ next, a.ranges[i].lo - 1 };
		if (a.ranges[i].hi == INT64_MAX)
			return (struct set){ n, ranges };
		next = a.ranges[i].hi + 1;
	}
	ranges[n++] = (struct range){ next, INT64_MAX };
	return (struct set){ n, ranges };
}

bool set_subset(struct set a, struct set b)
{
	uint32_t j = 0;

	for (uint32_t i = 0; i < a.count; i++) {
		while (j < b.count && b.ranges[j].hi < a.ranges[i].lo)
			j++;
		if (j == b.count || b.ranges[j].lo > a.ranges[i].lo ||
		    b.ranges[j].hi < a.ranges[i].hi)
			return false;
	}
	return true;
}

bool set_equal(struct set a, struct set b)
{
	return a.count == b.count &&
	       (a.count == 0 || memcmp(a.ranges, b.ranges, a.count * sizeof(*a.ranges)) == 0);
}

bool set_has(struct set a, int64_t value)
{
	uint32_t low = 0, high = a.count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (a.ranges[middle].hi < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < a.count && a.ranges[low].lo <= value;
}
