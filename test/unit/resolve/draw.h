/* Touches at random, for tests of the codecs: numbers of every length, so that every length of a varint is met. */
#ifndef TRIB_TEST_RESOLVE_DRAW_H
#define TRIB_TEST_RESOLVE_DRAW_H

#include "test.h"

#include "resolve/resolve.h"

static inline uint32_t draw_number(struct trib_rng *rng)
{
	return (uint32_t)(trib_rng_u64(rng) >> (32 + trib_rng_below(rng, 32)));
}

static inline void draw_touch(struct trib_rng *rng, struct trib_touch *touch)
{
	*touch = (struct trib_touch){
		.at_ms = (int64_t)(trib_rng_u64(rng) >> 22),
		.issued_at_ms = (int64_t)(trib_rng_u64(rng) >> 22),
		.link = trib_rng_u64(rng) >> 16,
		.goods = draw_number(rng),
		.creator = draw_number(rng),
		.plan = draw_number(rng),
		.offer = draw_number(rng),
		.plan_version = draw_number(rng),
		.registration = draw_number(rng),
		.channel = draw_number(rng),
		.carrier_kind = draw_number(rng),
		.carrier = draw_number(rng),
		.carrier_owner = draw_number(rng),
		.page = draw_number(rng),
		.kind = (uint8_t)trib_rng_between(rng, 1, 5),
	};
}

#endif
