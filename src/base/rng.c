#include "base/rng.h"

#include <math.h>
#include "base/hash.h"

void trib_rng_seed(struct trib_rng *rng, uint64_t seed)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rng->state); i++)
		rng->state[i] = trib_hash_u64(seed + i * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

uint64_t trib_rng_u64(struct trib_rng *rng)
{
	uint64_t *s = rng->state;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t trib_rng_below(struct trib_rng *rng, uint64_t bound)
{
	trib_assert(bound > 0);
	return (uint64_t)(((unsigned __int128)trib_rng_u64(rng) * bound) >> 64);
}

int64_t trib_rng_between(struct trib_rng *rng, int64_t low, int64_t high)
{
	trib_assert(low <= high);
	uint64_t span = (uint64_t)high - (uint64_t)low + 1;

	return (int64_t)((uint64_t)low + (span ? trib_rng_below(rng, span) : trib_rng_u64(rng)));
}

double trib_rng_unit(struct trib_rng *rng)
{
	return (double)(trib_rng_u64(rng) >> 11) * 0x1.0p-53;
}

bool trib_rng_chance(struct trib_rng *rng, double probability)
{
	return trib_rng_unit(rng) < probability;
}

double trib_rng_normal(struct trib_rng *rng)
{
	for (;;) {
		double x = 2 * trib_rng_unit(rng) - 1;
		double y = 2 * trib_rng_unit(rng) - 1;
		double r = x * x + y * y;

		if (r > 0 && r < 1)
			return x * sqrt(-2 * log(r) / r);
	}
}

/* H, the integral of x^-s, and its inverse. */
static double zipf_h(double s, double x)
{
	return s == 1 ? log(x) : (pow(x, 1 - s) - 1) / (1 - s);
}

static double zipf_h_inverse(double s, double y)
{
	return s == 1 ? exp(y) : pow(1 + y * (1 - s), 1 / (1 - s));
}

void trib_zipf_init(struct trib_zipf *zipf, uint64_t n, double s)
{
	trib_assert(n > 0 && s > 0);
	zipf->n = n;
	zipf->s = s;
	zipf->h_x1 = zipf_h(s, 1.5) - 1;
	zipf->h_n = zipf_h(s, (double)n + 0.5);
	zipf->cut = 2 - zipf_h_inverse(s, zipf_h(s, 2.5) - pow(2, -s));
}

uint64_t trib_zipf_draw(const struct trib_zipf *zipf, struct trib_rng *rng)
{
	for (;;) {
		double u = zipf->h_n + trib_rng_unit(rng) * (zipf->h_x1 - zipf->h_n);
		double x = zipf_h_inverse(zipf->s, u);
		double k = floor(x + 0.5);

		k = k < 1 ? 1 : k > (double)zipf->n ? (double)zipf->n : k;
		if (k - x <= zipf->cut || u >= zipf_h(zipf->s, k + 0.5) - pow(k, -zipf->s))
			return (uint64_t)k;
	}
}
