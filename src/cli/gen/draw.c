#include "cli/gen/draw.h"

#include <math.h>

static const double LN_2 = 0.69314718055994530942;

/* x = 2^k e^r with |r| <= ln 2 / 2; the Taylor series of e^r is then good to 1e-16 after 14 terms. */
double trib_draw_exp(double x)
{
	if (x > 700)
		x = 700;
	if (x < -700)
		return 0;
	double k = floor(x / LN_2 + 0.5);
	double r = x - k * LN_2;
	double sum = 1;

	for (int i = 14; i > 0; i--)
		sum = 1 + sum * r / i;
	return ldexp(sum, (int)k);
}

/* x = 2^e m with m near 1; log m = 2 artanh((m - 1) / (m + 1)). */
double trib_draw_log(double x)
{
	int e;
	double m = frexp(x, &e);

	if (m < 0.70710678118654752440) {
		m *= 2;
		e--;
	}
	double s = (m - 1) / (m + 1), square = s * s, sum = 0;

	for (int i = 23; i > 0; i -= 2)
		sum = sum * square + 1.0 / i;
	return e * LN_2 + 2 * s * sum;
}

double trib_draw_normal(struct trib_rng *rng)
{
	for (;;) {
		double x = 2 * trib_rng_unit(rng) - 1;
		double y = 2 * trib_rng_unit(rng) - 1;
		double r = x * x + y * y;

		if (r > 0 && r < 1)
			return x * sqrt(-2 * trib_draw_log(r) / r);
	}
}

/* Abramowitz and Stegun, 7.1.26. */
double trib_draw_normal_cdf(double z)
{
	double x = (z < 0 ? -z : z) * 0.70710678118654752440;
	double t = 1 / (1 + 0.3275911 * x);
	double tail =
		t *
		(0.254829592 +
		 t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
		trib_draw_exp(-x * x);

	return z < 0 ? tail / 2 : 1 - tail / 2;
}

double trib_draw_exponential(struct trib_rng *rng, double mean)
{
	return -mean * trib_draw_log(1 - trib_rng_unit(rng));
}

double trib_draw_triangle(double u, double low, double mode, double high)
{
	double span = high - low;

	if (span <= 0)
		return low;
	if (u < (mode - low) / span)
		return low + sqrt(u * span * (mode - low));
	return high - sqrt((1 - u) * span * (high - mode));
}

int64_t trib_draw_round(double x, int64_t low, int64_t high)
{
	if (x <= (double)low)
		return low;
	if (x >= (double)high)
		return high;
	return (int64_t)floor(x + 0.5);
}

void trib_alias_init(struct trib_alias *alias, const double *weights, uint32_t n)
{
	TRIB_AUTOFREE uint32_t *small = trib_alloc_zeroed(n, sizeof(*small));
	TRIB_AUTOFREE uint32_t *large = trib_alloc_zeroed(n, sizeof(*large));
	uint32_t small_count = 0, large_count = 0;
	double sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += weights[i];
	trib_assert(n > 0 && sum > 0);
	alias->n = n;
	alias->rows = trib_alloc_zeroed(n, sizeof(*alias->rows));
	for (uint32_t i = 0; i < n; i++) {
		alias->rows[i] = (struct trib_alias_row){ weights[i] * n / sum, i };
		if (alias->rows[i].keep < 1)
			small[small_count++] = i;
		else
			large[large_count++] = i;
	}
	while (small_count && large_count) {
		uint32_t less = small[--small_count], more = large[large_count - 1];

		alias->rows[less].other = more;
		alias->rows[more].keep -= 1 - alias->rows[less].keep;
		if (alias->rows[more].keep < 1) {
			large_count--;
			small[small_count++] = more;
		}
	}
	/* What is left is 1 but for rounding. */
	while (small_count)
		alias->rows[small[--small_count]].keep = 1;
	while (large_count)
		alias->rows[large[--large_count]].keep = 1;
}

void trib_alias_fini(struct trib_alias *alias)
{
	free(alias->rows);
	*alias = (struct trib_alias){ 0 };
}

uint32_t trib_alias_draw(const struct trib_alias *alias, struct trib_rng *rng)
{
	double x = trib_rng_unit(rng) * alias->n;
	uint32_t i = (uint32_t)x;

	return x - i < alias->rows[i].keep ? i : alias->rows[i].other;
}

bool trib_quota_take(struct trib_quota *quota, double weight)
{
	quota->offered += weight;
	if (quota->taken + weight / 2 > quota->share * quota->offered)
		return false;
	quota->taken += weight;
	return true;
}

int64_t trib_portion_next(struct trib_portion *portion, double weight)
{
	portion->given_weight += weight;

	double due = portion->total * (portion->given_weight / portion->all);
	int64_t part = (int64_t)floor(due + 0.5) - portion->given;

	portion->given += part;
	return part;
}
