/*
 * Models: how one amount, or one conversion, is divided among the touches before it.
 *
 *	struct trib_model_touch touches[] = { { .age = 600000 }, { .age = 20000 } };   // oldest first
 *	int64_t parts[2];
 *	struct trib_model_rule rule = { .model = TRIB_MODEL_DECAY, .half_life = TRIB_HALF_LIFE_DEFAULT_MS };
 *	trib_model_divide(&rule, touches, 2, 1999, parts);                             // Σ parts == 1999
 *
 * The engine, the rich client and `tributary credit` all divide by this code, in integers only, so that the same
 * touches give the same parts on every machine.
 *
 *	last, first	all to the newest, the oldest
 *	priority	all to the touch of the highest priority, of equal ones the newest
 *	linear		equal weights
 *	position	one touch 100; two 50, 50; more: 40 to the first, 20 shared by those between, 40 to the last
 *	decay		weight round(2^32 × 2^(−age / half_life)), half a unit up
 *
 * Where all touches are so old that every weight is 0, the newest has weight 1. A part is
 * floor(total × weight / Σ weights); what the floors leave goes to the newest touch. Pure; no allocation; any thread.
 */
#ifndef TRIB_ATTRIBUTION_MODELS_H
#define TRIB_ATTRIBUTION_MODELS_H

#include "base/words.h"

#define TRIB_HALF_LIFE_DEFAULT_MS (INT64_C(7) * 24 * 3600 * 1000)

struct trib_model_rule {
	enum trib_model model;
	int64_t half_life; /* decay only; above 0, in the unit of `age` */
};

/* What a model needs to know of a touch. Touches stand oldest first: by time, equal times by order of arrival. */
struct trib_model_touch {
	int64_t age;	  /* order − touch, 0 or more; any unit; decay only */
	int64_t priority; /* higher wins; priority only */
};

/*
 * The weights of n > 0 touches and their sum. At most 2^32 each. Below 2^31 touches nothing overflows; the engine's
 * limit is TRIB_LIMIT_TOUCHES_CONSIDERED.
 */
uint64_t trib_model_weights(const struct trib_model_rule *rule,
			    const struct trib_model_touch *touches, size_t n,
			    uint64_t *ret_weights);

/* Divides total ≥ 0 by given weights: floors, the rest to the newest. ret_parts may not overlap weights. */
void trib_model_divide_by(const uint64_t *weights, size_t n, uint64_t weights_sum, int64_t total,
			  int64_t *ret_parts);

/* Both in one, for at most TRIB_LIMIT_TOUCHES_CONSIDERED touches. */
void trib_model_divide(const struct trib_model_rule *rule, const struct trib_model_touch *touches,
		       size_t n, int64_t total, int64_t *ret_parts);

/* round(2^32 × 2^(−age / half_life)); age ≥ 0, half_life > 0. */
uint64_t trib_model_decay_weight(int64_t age, int64_t half_life);

#endif
