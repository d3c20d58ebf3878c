#include "engine/deadlines.h"

#include "base/bytes.h"

void deadlines_fini(struct deadlines *deadlines)
{
	free(deadlines->items);
	*deadlines = (struct deadlines){ 0 };
}

void deadlines_add(struct deadlines *deadlines, int64_t at_ms, uint32_t noun, uint32_t number)
{
	size_t i = deadlines->count++;

	if (i == deadlines->capacity) {
		deadlines->capacity = TRIB_MAX(2 * i, (size_t)16);
		deadlines->items = trib_realloc(deadlines->items, deadlines->capacity * sizeof(*deadlines->items));
	}
	for (size_t parent; i > 0 && deadlines->items[parent = (i - 1) / 2].at_ms > at_ms; i = parent)
		deadlines->items[i] = deadlines->items[parent];
	deadlines->items[i] = (struct deadline){ at_ms, noun, number };
}

bool deadlines_take(struct deadlines *deadlines, int64_t now_ms, struct deadline *ret_deadline)
{
	if (!deadlines_due(deadlines, now_ms))
		return false;
	const struct deadline *items = deadlines->items, last = items[--deadlines->count];
	size_t i = 0, count = deadlines->count;

	*ret_deadline = items[0];
	for (size_t child; (child = 2 * i + 1) < count; i = child) {
		child += child + 1 < count && items[child + 1].at_ms < items[child].at_ms;
		if (items[child].at_ms >= last.at_ms)
			break;
		deadlines->items[i] = items[child];
	}
	if (count)
		deadlines->items[i] = last;
	return true;
}
