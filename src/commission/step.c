#include "commission/step.h"

#include "base/macros.h"

enum { BPS_WHOLE = 10000 };

static int64_t measure_of(const struct trib_step *step, const struct trib_measured *sold)
{
	switch ((enum trib_measure)step->measure) {
	case TRIB_MEASURE_ORDERS:
		return sold->orders;
	case TRIB_MEASURE_QTY:
		return sold->qty;
	case TRIB_MEASURE_GMV:
		break;
	}
	return sold->gmv;
}

static int64_t share_of(int64_t turnover, int32_t bps)
{
	return (int64_t)((__int128)turnover * bps / BPS_WHOLE);
}

/* The turnover of `part` of the measure. */
static int64_t turnover_of(const struct trib_step *step, const struct trib_measured *sold, int64_t part,
			   int64_t measure)
{
	if (step->measure == TRIB_MEASURE_GMV)
		return part;
	return (int64_t)((__int128)sold->gmv * part / measure);
}

void trib_step_rate(const struct trib_step *step, const struct trib_measured *sold, struct trib_step_rated *ret_rated)
{
	struct trib_step_rated rated = { .measure = measure_of(step, sold) };

	while (rated.tier < step->tier_count && step->tiers[rated.tier].from <= rated.measure)
		rated.tier++;
	if (step->applies_to_all && rated.tier) {
		rated.turnover = sold->gmv;
		rated.amount = share_of(sold->gmv, step->tiers[rated.tier - 1].bps);
	}
	for (uint32_t i = 0; !step->applies_to_all && rated.measure > 0 && i < rated.tier; i++) {
		int64_t end = i + 1 < rated.tier ? step->tiers[i + 1].from : rated.measure;
		int64_t turnover = turnover_of(step, sold, end - step->tiers[i].from, rated.measure);

		rated.turnover += turnover;
		rated.amount += share_of(turnover, step->tiers[i].bps);
	}
	*ret_rated = rated;
}
