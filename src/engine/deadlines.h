/*
 * Deadlines: what is to be looked at once engine time has come to a moment. A heap, the earliest first; nothing is taken
 * out before its time, so whoever is given one looks whether it still holds.
 *
 *	deadlines_add(&deadlines, invitation.expires_at, TRIB_NOUN_INVITATION, number);
 *	…
 *	while (deadlines_take(&deadlines, now_ms, &due))
 *		…
 *
 * Not in the store: made again from what is there.
 */
#ifndef TRIB_ENGINE_DEADLINES_H
#define TRIB_ENGINE_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadline {
	int64_t at_ms;
	uint32_t noun, number;
};

struct deadlines {
	struct deadline *items; /* a heap */
	size_t count, capacity;
};

void deadlines_fini(struct deadlines *deadlines);
void deadlines_add(struct deadlines *deadlines, int64_t at_ms, uint32_t noun, uint32_t number);

/* Is one due? And takes the earliest that is; of equal times, in no order. */
static inline bool deadlines_due(const struct deadlines *deadlines, int64_t now_ms)
{
	return deadlines->count && deadlines->items[0].at_ms <= now_ms;
}
bool deadlines_take(struct deadlines *deadlines, int64_t now_ms, struct deadline *ret_deadline);

#endif
