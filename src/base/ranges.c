/* Set algebra by merging sorted ranges. */
#include "base/ranges.h"

struct trib_ranges trib_ranges_of(struct trib_arena *arena, int64_t lo, int64_t hi)
{
	if (lo > hi)
		return (struct trib_ranges){ 0 };
	struct trib_range *range = trib_arena_alloc(arena, sizeof(*range));

	trib_assert(range);
	*range = (struct trib_range){ lo, hi };
	return (struct trib_ranges){ 1, range };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct trib_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

struct trib_ranges trib_ranges_union(struct trib_arena *arena, const struct trib_ranges *sets, uint32_t count)
{
	size_t total = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		total += sets[i].count;
	if (total == 0)
		return (struct trib_ranges){ 0 };
	struct trib_range *ranges = trib_arena_alloc(arena, total * sizeof(*ranges));

	trib_assert(ranges);
	total = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (sets[i].count)
			memcpy(&ranges[total], sets[i].ranges, sets[i].count * sizeof(*ranges));
		total += sets[i].count;
	}
	qsort(ranges, total, sizeof(*ranges), compare_ranges);
	for (size_t i = 0; i < total; i++) {
		struct trib_range next = ranges[i];

		if (n && (ranges[n - 1].hi == INT64_MAX || next.lo <= ranges[n - 1].hi + 1))
			ranges[n - 1].hi = TRIB_MAX(ranges[n - 1].hi, next.hi);
		else
			ranges[n++] = next;
	}
	return (struct trib_ranges){ n, ranges };
}

struct trib_ranges trib_ranges_intersect(struct trib_arena *arena, struct trib_ranges a, struct trib_ranges b)
{
	if (!a.count || !b.count)
		return (struct trib_ranges){ 0 };
	struct trib_range *ranges = trib_arena_alloc(arena, (a.count + b.count) * sizeof(*ranges));
	uint32_t n = 0, i = 0, j = 0;

	trib_assert(ranges);
	while (i < a.count && j < b.count) {
		int64_t lo = TRIB_MAX(a.ranges[i].lo, b.ranges[j].lo);
		int64_t hi = TRIB_MIN(a.ranges[i].hi, b.ranges[j].hi);

		if (lo <= hi)
			ranges[n++] = (struct trib_range){ lo, hi };
		if (a.ranges[i].hi < b.ranges[j].hi)
			i++;
		else
			j++;
	}
	return (struct trib_ranges){ n, ranges };
}

struct trib_ranges trib_ranges_complement(struct trib_arena *arena, struct trib_ranges a, int64_t lowest)
{
	struct trib_range *ranges = trib_arena_alloc(arena, (a.count + 1) * sizeof(*ranges));
	uint32_t n = 0;
	int64_t next = lowest;

	trib_assert(ranges);
	for (uint32_t i = 0; i < a.count; i++) {
		if (next < a.ranges[i].lo)
			ranges[n++] = (struct trib_range){ next, a.ranges[i].lo - 1 };
		if (a.ranges[i].hi == INT64_MAX)
			return (struct trib_ranges){ n, ranges };
		next = a.ranges[i].hi + 1;
	}
	ranges[n++] = (struct trib_range){ next, INT64_MAX };
	return (struct trib_ranges){ n, ranges };
}

bool trib_ranges_subset(struct trib_ranges a, struct trib_ranges b)
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

bool trib_ranges_equal(struct trib_ranges a, struct trib_ranges b)
{
	return a.count == b.count &&
	       (a.count == 0 || memcmp(a.ranges, b.ranges, a.count * sizeof(*a.ranges)) == 0);
}

bool trib_ranges_has(struct trib_ranges a, int64_t value)
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
