/*
 * How often somebody may ask: buckets that fill by a rate, a second's worth at most, by key. A bounded number of them: of
 * very many askers the one who was quiet longest begins anew. One thread each.
 */
#ifndef TRIB_SERVER_LIMITER_H
#define TRIB_SERVER_LIMITER_H

#include "base/bytes.h"

enum { TRIB_LIMITER_SETS = 1024, TRIB_LIMITER_WAYS = 4 };

struct trib_limiter_bucket {
	uint64_t key; /* plus one */
	double left;
	int64_t at_ns;
};

/* Zeros: nobody has asked. */
struct trib_limiter {
	struct trib_limiter_bucket sets[TRIB_LIMITER_SETS][TRIB_LIMITER_WAYS];
};

/* One more: false where that is more than the rate, in times a second, lets. */
bool trib_limiter_take(struct trib_limiter *limiter, uint64_t key, uint32_t rate, int64_t now_ns);

#endif
