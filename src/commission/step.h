/*
 * Step rates 阶梯: the more is sold in a period, the higher the rate on top of the commission.
 *
 *	const struct trib_step step = { .measure = TRIB_MEASURE_ORDERS, .tier_count = 2,
 *					.tiers = { { 10, 100 }, { 20, 200 } } };
 *	struct trib_measured sold = { .orders = 12, .qty = 15, .gmv = 60000 };
 *
 *	trib_step_rate(&step, &sold, &rated);         // 2 of 12 orders lie beyond 10: 1 % of 10000 is 100
 *
 * What a period comes to is a pure function of what has been sold in it, so it does not matter in which order sales,
 * refunds and losses came: whoever posts the difference after each ends at the same amount.
 *
 *	all      gmv × bps of the highest tier reached
 *	beyond   for each tier: the turnover between its `from` and the next tier's × its bps
 *
 * A tier is reached when the measure is at least its `from`. Where orders or pieces are counted, the turnover between two
 * of them is the whole turnover in proportion: floor(gmv × their number / the measure). Every product is floored.
 */
#ifndef TRIB_COMMISSION_STEP_H
#define TRIB_COMMISSION_STEP_H

#include "domain/nouns.h"

/* What is counted of a period, none of it below 0. */
struct trib_measured {
	int64_t orders, qty, gmv;
};

/* How an amount came about, for EXPLAIN. */
struct trib_step_rated {
	int64_t measure;
	uint32_t tier;	  /* the highest that is reached, from 1; 0: none */
	int64_t turnover; /* that earns anything */
	int64_t amount;
};

void trib_step_rate(const struct trib_step *step, const struct trib_measured *sold, struct trib_step_rated *ret_rated);

#endif
