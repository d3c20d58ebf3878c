/*
 * The split of an order into four lines: commission, two service fees (the second out of the first), agency.
 *
 *	bench-split [splits, default 20 million]
 */
#include "base/clock.h"
#include "base/rng.h"
#include "commission/commission.h"

enum { CREATOR = 2, LEADER, LEADER2, AGENCY };

int main(int argc, char **argv)
{
	size_t splits = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000000;
	static const struct trib_share shares[] = {
		{ .to = CREATOR,
		  .from = TRIB_SLOT_MERCHANT,
		  .of = TRIB_OF_BASE,
		  .rate = TRIB_RATE_COMMISSION,
		  .cap = TRIB_CAP_NONE },
		{ .to = LEADER,
		  .from = TRIB_SLOT_MERCHANT,
		  .of = TRIB_OF_BASE,
		  .rate = TRIB_RATE_SERVICE,
		  .cap = TRIB_CAP_NONE },
		{ .to = LEADER2,
		  .from = LEADER,
		  .of = 1,
		  .rate = TRIB_RATE_SERVICE2,
		  .cap = TRIB_CAP_NONE },
		{ .to = AGENCY,
		  .from = CREATOR,
		  .of = 0,
		  .take = TRIB_TAKE_REST,
		  .rate = TRIB_RATE_AGENCY,
		  .cap = TRIB_CAP_NONE },
	};
	uint32_t parties[TRIB_SLOTS] = { 1, 2, 3, 4, 5, 6 };
	struct trib_rates rates[1024];
	struct trib_line lines[TRIB_SPLIT_LINES_MAX];
	int64_t bases[1024], total = 0, checked = 0;
	const char *reason = "";
	struct trib_rng rng;

	trib_rng_seed(&rng, 1);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rates); i++) {
		for (size_t rate = 1; rate < TRIB_RATES; rate++)
			rates[i].bps[rate] = (uint16_t)(1 + trib_rng_below(&rng, 4000));
		bases[i] = trib_rng_between(&rng, 100, 1000000);
	}
	int64_t start_ns = trib_cpu_process_ns();

	for (size_t i = 0; i < splits; i++) {
		int64_t charged;

		trib_split(shares, TRIB_ARRAY_SIZE(shares), bases[i & 1023], &rates[i & 1023],
			   parties, lines, &charged);
		total += charged;
	}
	int64_t split_ns = trib_cpu_process_ns() - start_ns;

	start_ns = trib_cpu_process_ns();
	for (size_t i = 0; i < splits; i++) {
		int64_t charged;
		size_t n = trib_split(shares, TRIB_ARRAY_SIZE(shares), bases[i & 1023],
				      &rates[i & 1023], parties, lines, &charged);

		trib_assert(trib_split_conserved(shares, TRIB_ARRAY_SIZE(shares), bases[i & 1023],
						 lines, n, charged, &reason));
		checked += charged;
	}
	int64_t both_ns = trib_cpu_process_ns() - start_ns;

	trib_assert(total == checked);
	printf("split into 4 lines: %.1f ns; with its invariant checked: %.1f ns\n",
	       (double)split_ns / splits, (double)both_ns / splits);
	return 0;
}
