#include "engine/freshness.h"

#include "base/macros.h"

enum { MINUTE_MS = 60000, FIRST = 26297280 /* minutes from 1970 to 2020 */, MINUTES = 80 * 366 * 24 * 60 };

static uint32_t minute_of(int64_t at_ms)
{
	int64_t minute = at_ms / MINUTE_MS - FIRST;

	return (uint32_t)TRIB_MIN(TRIB_MAX(minute, (int64_t)0), (int64_t)MINUTES - 1);
}

static uint32_t *counts_of(const struct freshness *freshness)
{
	return freshness->counts.data;
}

void freshness_fini(struct freshness *freshness)
{
	trib_column_fini(&freshness->counts);
	*freshness = (struct freshness){ 0 };
}

void freshness_add(struct freshness *freshness, int64_t seen_ms)
{
	uint32_t minute = minute_of(seen_ms);

	if (minute >= freshness->top) {
		trib_column_reserve(&freshness->counts, ((size_t)minute + 1) * sizeof(uint32_t));
		freshness->top = minute + 1;
	}
	counts_of(freshness)[minute]++;
	freshness->oldest = freshness->total++ ? TRIB_MIN(freshness->oldest, minute) : minute;
	for (int i = 0; i < FRESHNESS_LIMITS; i++)
		freshness->limits[i].older += minute < freshness->limits[i].minute;
}

void freshness_remove(struct freshness *freshness, int64_t seen_ms)
{
	uint32_t minute = minute_of(seen_ms);

	trib_assert(minute < freshness->top && counts_of(freshness)[minute]);
	counts_of(freshness)[minute]--;
	freshness->total--;
	for (int i = 0; i < FRESHNESS_LIMITS; i++)
		freshness->limits[i].older -= minute < freshness->limits[i].minute;
}

void freshness_limit(struct freshness *freshness, int limit, int64_t at_ms)
{
	uint32_t from = freshness->limits[limit].minute, to = minute_of(at_ms);
	uint32_t low = TRIB_MAX(TRIB_MIN(from, to), freshness->oldest), high = TRIB_MIN(TRIB_MAX(from, to), freshness->top);
	uint32_t between = 0;

	for (uint32_t minute = low; minute < high; minute++)
		between += counts_of(freshness)[minute];
	freshness->limits[limit].older += to > from ? between : 0u - between;
	freshness->limits[limit].minute = to;
}

int64_t freshness_oldest(struct freshness *freshness)
{
	if (!freshness->total)
		return -1;
	while (!counts_of(freshness)[freshness->oldest])
		freshness->oldest++;
	return ((int64_t)freshness->oldest + FIRST) * MINUTE_MS;
}
