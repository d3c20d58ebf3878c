#include "base/histogram.h"

#include "base/macros.h"

enum { STEPS = 32, STEPS_LOG2 = 5 };

static unsigned slot_of(uint64_t value)
{
	if (value < STEPS)
		return (unsigned)value;
	unsigned shift = 63 - (unsigned)__builtin_clzll(value) - STEPS_LOG2;

	return (shift + 1) * STEPS + (unsigned)(value >> shift) - STEPS;
}

static uint64_t slot_upper_edge(unsigned slot)
{
	if (slot < STEPS)
		return slot;
	unsigned shift = slot / STEPS - 1;

	return ((UINT64_C(1) * STEPS + slot % STEPS + 1) << shift) - 1;
}

void trib_histogram_record(struct trib_histogram *histogram, uint64_t value)
{
	histogram->count++;
	histogram->sum += value;
	histogram->max = TRIB_MAX(histogram->max, value);
	histogram->slots[slot_of(value)]++;
}

uint64_t trib_histogram_quantile(const struct trib_histogram *histogram, double quantile)
{
	uint64_t rank = (uint64_t)(quantile * (double)histogram->count), seen = 0;

	if (rank >= histogram->count)
		return histogram->max;
	for (unsigned i = 0; i < TRIB_HISTOGRAM_SLOTS; i++) {
		seen += histogram->slots[i];
		if (seen > rank)
			return TRIB_MIN(slot_upper_edge(i), histogram->max);
	}
	return histogram->max;
}
