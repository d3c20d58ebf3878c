/* What every unit test includes: cmocka with its headers in order, and a few helpers. */
#ifndef TRIB_TEST_H
#define TRIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/bytes.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"

/* The seed of a randomised test: TRIB_SEED if it is set, else the clock. It is printed, so that a failure can be run again. */
static inline uint64_t trib_test_seed(void)
{
	const char *text = getenv("TRIB_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) :
			       (uint64_t)trib_clock_monotonic_ns(trib_clock_system());

	printf("# TRIB_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

#define assert_ok(status, error)                                                                   \
	do {                                                                                       \
		if ((status) != TRIB_OK)                                                           \
			fail_msg("%s: %s", (error).at, (error).text);                              \
	} while (0)

#endif
