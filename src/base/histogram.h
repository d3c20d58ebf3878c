/*
 * A histogram of latencies: 64 powers of two, each in 32 linear steps, so that a quantile is within 3.2 %.
 * Recording is one increment; not thread-safe.
 */
#ifndef TRIB_BASE_HISTOGRAM_H
#define TRIB_BASE_HISTOGRAM_H

#include <stdint.h>

enum { TRIB_HISTOGRAM_SLOTS = 60 * 32 };

struct trib_histogram {
	uint64_t count, sum, max;
	uint64_t slots[TRIB_HISTOGRAM_SLOTS];
};

void trib_histogram_record(struct trib_histogram *histogram, uint64_t value);

/* The upper edge of the slot that holds the given quantile (0 to 1); 0 when empty. */
uint64_t trib_histogram_quantile(const struct trib_histogram *histogram, double quantile);

#endif
