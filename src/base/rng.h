/*
 * A small generator of random numbers whose sequence is fixed by its seed on every machine
 * (xoshiro256**, Blackman and Vigna, seeded by SplitMix64). For tests, the simulator and `gen`;
 * never for secrets (libsodium's randombytes serves those).
 */
#ifndef TRIB_BASE_RNG_H
#define TRIB_BASE_RNG_H

#include <stdbool.h>
#include "base/macros.h"

struct trib_rng {
	uint64_t state[4];
};

void trib_rng_seed(struct trib_rng *rng, uint64_t seed);
uint64_t trib_rng_u64(struct trib_rng *rng);
uint64_t trib_rng_below(struct trib_rng *rng, uint64_t bound); /* uniform in [0, bound); bound > 0 */
int64_t trib_rng_between(struct trib_rng *rng, int64_t low, int64_t high); /* both included */
double trib_rng_unit(struct trib_rng *rng);				   /* uniform in [0, 1) */
bool trib_rng_chance(struct trib_rng *rng, double probability);
double trib_rng_normal(struct trib_rng *rng); /* mean 0, deviation 1 (Marsaglia's polar method) */

/*
 * Zipf over 1..n with exponent s > 0, s != 1 handled too: rejection-inversion after Hörmann and Derflinger
 * (1996). Set up once, draw in constant time.
 */
struct trib_zipf {
	uint64_t n;
	double s, h_x1, h_n, cut;
};
void trib_zipf_init(struct trib_zipf *zipf, uint64_t n, double s);
uint64_t trib_zipf_draw(const struct trib_zipf *zipf, struct trib_rng *rng);

#endif
