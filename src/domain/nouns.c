/*
 * What the plain structs of nouns answer: timelines of plans, sets of numbers.
 */
#include "domain/private.h"

const struct trib_plan_version *trib_plan_version_find(const struct trib_plan *plan,
						       uint32_t version)
{
	if (version == 0 || version > plan->version_count)
		return NULL;
	return plan->versions ? &plan->versions[version - 1] : &plan->newest;
}

uint32_t trib_plan_version_in_force_slow(const struct trib_plan *plan, int64_t at_ms)
{
	const struct trib_plan_step *steps = plan->steps;
	uint32_t low = 0,
		 high = plan->step_count; /* the last step with from_ms <= at_ms, plus one */

	if (!steps)
		return plan->version_count && at_ms >= plan->newest.from_ms ? 1 : 0;
	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (steps[middle].from_ms <= at_ms)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? steps[low - 1].version : 0;
}

struct trib_id_set trib_id_set_new(struct trib_arena *arena, const uint32_t *numbers, size_t count)
{
	struct trib_id_set set = { .count = (uint32_t)count };
	size_t size = 2;

	if (count == 0)
		return set;
	while (size < count * 2)
		size *= 2;
	uint32_t *slots = trib_arena_alloc_zeroed(arena, size * sizeof(*slots));

	trib_assert(slots); /* the arena is unlimited: PUTs are not */
	set.slots = slots;
	set.mask = (uint32_t)size - 1;
	for (size_t i = 0; i < count; i++) {
		uint32_t slot = trib_id_set_slot(set, numbers[i]);

		while (slots[slot])
			slot = (slot + 1) & set.mask;
		slots[slot] = numbers[i];
	}
	return set;
}

bool trib_id_set_is(struct trib_id_set set, const uint32_t *numbers, size_t count)
{
	if (set.count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!trib_id_set_has(set, numbers[i]))
			return false;
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

size_t trib_numbers_sort(uint32_t *numbers, size_t count)
{
	size_t kept = 0;

	if (count > 1)
		qsort(numbers, count, sizeof(*numbers), by_number);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || numbers[i] != numbers[kept - 1])
			numbers[kept++] = numbers[i];
	return kept;
}
