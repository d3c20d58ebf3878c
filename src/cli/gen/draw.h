/*
 * Drawing from distributions so that a seed gives the same numbers on every machine. The C library's exp,
 * log and pow may differ in the last bit from one machine to the next; these are built from + - * / and
 * sqrt alone, which IEEE 754 fixes. The file is compiled without contraction to fused operations.
 */
#ifndef TRIB_CLI_GEN_DRAW_H
#define TRIB_CLI_GEN_DRAW_H

#include "base/rng.h"

double trib_draw_exp(double x);
double trib_draw_log(double x); /* x > 0 */

static inline double trib_draw_pow(double x, double y)
{
	return trib_draw_exp(y * trib_draw_log(x));
}

double trib_draw_normal(struct trib_rng *rng);
double trib_draw_normal_cdf(double z); /* to 1e-7 */
double trib_draw_exponential(struct trib_rng *rng, double mean);

static inline double trib_draw_lognormal(struct trib_rng *rng, double median, double sigma)
{
	return median * trib_draw_exp(sigma * trib_draw_normal(rng));
}

/* Where the share u of a triangle from low to high with its top at mode ends. */
double trib_draw_triangle(double u, double low, double mode, double high);

/* The whole number nearest to x that is at least low and at most high. */
int64_t trib_draw_round(double x, int64_t low, int64_t high);

/* One of n things by weight in constant time (Walker's alias method, built after Vose). */
struct trib_alias {
	uint32_t n;
	struct trib_alias_row {
		double keep;
		uint32_t other;
	} * rows;
};

/* Weights are >= 0 and not all zero; n > 0. */
void trib_alias_init(struct trib_alias *alias, const double *weights, uint32_t n);
void trib_alias_fini(struct trib_alias *alias);
uint32_t trib_alias_draw(const struct trib_alias *alias, struct trib_rng *rng);

/*
 * Says yes to a share of what it is offered, by weight: after any number of offers the accepted weight is as
 * near to share × offered as one offer allows. Where weights are as uneven as sellers' are, chance would miss.
 */
struct trib_quota {
	double share, offered, taken;
};

bool trib_quota_take(struct trib_quota *quota, double weight);

/* The i-th of n whole parts of total, by weight, without loss: give the weights in order, the sum in `all`. */
struct trib_portion {
	double total, all, given_weight;
	int64_t given;
};

int64_t trib_portion_next(struct trib_portion *portion, double weight);

#endif
