/* The models of attribution/models.h: weights, and the division of an amount by them. Integers
 * only. */
#include "attribution/models.h"
#include "base/limits.h"

typedef unsigned __int128 u128;

static uint64_t high_half(uint64_t a, uint64_t b)
{
	return (uint64_t)((u128)a * b >> 64);
}

/*
 * 2^(−fraction / 2^64) with 63 bits after the point, from 2^62 (excluded) to 2^63. The upper four
 * bits of the fraction choose 2^(−i/16); what is left, g < 1/16, is e^(−g ln 2) by ten terms of its
 * series, whose remainder is below 2^−70.
 */
static uint64_t exp2_negative(uint64_t fraction)
{
	static const uint64_t sixteenths[16] = {
		/* round(2^64 × 2^(−i/16)); the first would be 2^64 and is not multiplied by */
		0,
		0xf5257d152486cc2c,
		0xeac0c6e7dd24392f,
		0xe0ccdeec2a94e111,
		0xd744fccad69d6af4,
		0xce248c151f8480e4,
		0xc5672a115506dadd,
		0xbd08a39f580c36bf,
		0xb504f333f9de6484,
		0xad583eea42a14ac6,
		0xa5fed6a9b15138ea,
		0x9ef5326091a111ae,
		0x9837f0518db8a96f,
		0x91c3d373ab11c336,
		0x8b95c1e3ea8bd6e7,
		0x85aac367cc487b15,
	};
	static const uint64_t ln2 = 0xb17217f7d1cf79ac; /* round(2^64 × ln 2) */
	const uint64_t one = UINT64_C(1) << 63;
	uint64_t t = high_half(fraction & (UINT64_MAX >> 4), ln2);
	uint64_t p = one;

#pragma GCC unroll 10
	for (unsigned k = 10; k >= 1; k--)
		p = one - high_half(t, p) / k;
	return fraction >> 60 ? high_half(p, sixteenths[fraction >> 60]) : p;
}

uint64_t trib_model_decay_weight(int64_t age, int64_t half_life)
{
	trib_assert(age >= 0 && half_life > 0);
	uint64_t halvings = (uint64_t)(age / half_life), rest = (uint64_t)(age % half_life);

	if (halvings > 33)
		return 0;
	uint64_t power = exp2_negative((uint64_t)(((u128)rest << 64) / (uint64_t)half_life));
	unsigned shift =
		31 + (unsigned)halvings; /* from 63 bits after the point to 32 and the halvings */

	return (uint64_t)(((u128)power + ((u128)1 << (shift - 1))) >> shift);
}

static size_t highest_priority(const struct trib_model_touch *touches, size_t n)
{
	size_t best = 0;

	for (size_t i = 1; i < n; i++)
		if (touches[i].priority >= touches[best].priority)
			best = i;
	return best;
}

static uint64_t only_one(size_t index, size_t n, uint64_t *ret_weights)
{
	memset(ret_weights, 0, n * sizeof(*ret_weights));
	ret_weights[index] = 1;
	return 1;
}

/* 40 / 20 shared / 40, times n − 2 so that the shared part stays whole. */
static uint64_t by_position(size_t n, uint64_t *ret_weights)
{
	uint64_t end = n > 2 ? 40 * (uint64_t)(n - 2) : 1;

	for (size_t i = 1; i + 1 < n; i++)
		ret_weights[i] = 20;
	ret_weights[0] = ret_weights[n - 1] = end;
	return n == 1 ? 1 : n == 2 ? 2 : 100 * (uint64_t)(n - 2);
}

uint64_t trib_model_weights(const struct trib_model_rule *rule,
			    const struct trib_model_touch *touches, size_t n, uint64_t *ret_weights)
{
	uint64_t sum = 0;

	trib_assert(n > 0 && n < UINT64_C(1) << 31);
	switch (rule->model) {
	case TRIB_MODEL_LAST:
		return only_one(n - 1, n, ret_weights);
	case TRIB_MODEL_FIRST:
		return only_one(0, n, ret_weights);
	case TRIB_MODEL_PRIORITY:
		return only_one(highest_priority(touches, n), n, ret_weights);
	case TRIB_MODEL_LINEAR:
		for (size_t i = 0; i < n; i++)
			ret_weights[i] = 1;
		return n;
	case TRIB_MODEL_POSITION:
		return by_position(n, ret_weights);
	case TRIB_MODEL_DECAY:
		for (size_t i = 0; i < n; i++)
			sum += ret_weights[i] =
				trib_model_decay_weight(touches[i].age, rule->half_life);
		return sum ? sum : only_one(n - 1, n, ret_weights);
	}
	trib_assert(!"a model of the table");
	return 0;
}

void trib_model_divide_by(const uint64_t *weights, size_t n, uint64_t weights_sum, int64_t total,
			  int64_t *ret_parts)
{
	int64_t left = total;

	trib_assert(n > 0 && total >= 0 && weights_sum > 0);
	for (size_t i = 0; i + 1 < n; i++) {
		u128 product = (u128)(uint64_t)total * weights[i];
		uint64_t part = 0;

		if (product >> 64)
			part = (uint64_t)(product / weights_sum);
		else
			part = (uint64_t)product / weights_sum;
		ret_parts[i] = (int64_t)part;
		left -= (int64_t)part;
	}
	ret_parts[n - 1] = left;
}

void trib_model_divide(const struct trib_model_rule *rule, const struct trib_model_touch *touches,
		       size_t n, int64_t total, int64_t *ret_parts)
{
	uint64_t weights[TRIB_LIMIT_TOUCHES_CONSIDERED];

	trib_assert(n <= TRIB_LIMIT_TOUCHES_CONSIDERED);
	uint64_t sum = trib_model_weights(rule, touches, n, weights);

	trib_model_divide_by(weights, n, sum, total, ret_parts);
}
