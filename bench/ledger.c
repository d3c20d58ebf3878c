/*
 * Postings into the ledger: a merchant pays a creator, both drawn from Zipf, in batches that prefetch.
 *
 *	bench-ledger [postings, default 20 million] [creators, default 1 million]
 */
#include "base/clock.h"
#include "base/rng.h"
#include "commission/commission.h"

enum { BATCH = 256, MERCHANTS = 100000 };

static void count_emitted(void *context, struct trib_account account, struct trib_balance balance)
{
	(*(size_t *)context)++;
}

int main(int argc, char **argv)
{
	size_t postings = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000000;
	uint32_t creators = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 1000000;
	struct trib_ledger *ledger = trib_ledger_new();
	struct trib_posting *batch = trib_alloc(BATCH * sizeof(*batch)), *drawn;
	struct trib_rng rng;
	struct trib_zipf zipf;
	size_t drawn_count = 1 << 22, emitted = 0, slices = 0;
	int64_t longest_ns = 0;

	trib_rng_seed(&rng, 1);
	trib_zipf_init(&zipf, creators, 0.99);
	drawn = trib_alloc(drawn_count * sizeof(*drawn));
	for (size_t i = 0; i < drawn_count; i++) {
		uint32_t creator =
			(uint32_t)(trib_hash_u64(trib_zipf_draw(&zipf, &rng)) % creators);

		drawn[i] = (struct trib_posting){
			.debit = { (uint32_t)trib_rng_below(&rng, MERCHANTS) + 1, 2, 54,
				   TRIB_ACCOUNT_RECEIVABLE, TRIB_STAGE_PENDING },
			.credit = { creator + MERCHANTS + 1, 3, 54, TRIB_ACCOUNT_PAYABLE,
				    TRIB_STAGE_PENDING },
			.amount = (int64_t)trib_rng_below(&rng, 10000),
		};
	}
	int64_t start_ns = trib_cpu_process_ns();

	for (size_t done = 0; done < postings; done += BATCH) {
		memcpy(batch, &drawn[done & (drawn_count - 1)], BATCH * sizeof(*batch));
		for (size_t i = 0; i < BATCH; i++) {
			trib_ledger_prefetch(ledger, batch[i].debit.party);
			trib_ledger_prefetch(ledger, batch[i].credit.party);
		}
		for (size_t i = 0; i < BATCH; i++) {
			trib_ledger_prefetch_accounts(ledger, batch[i].debit.party);
			trib_ledger_prefetch_accounts(ledger, batch[i].credit.party);
		}
		trib_ledger_post(ledger, batch, BATCH);
	}
	int64_t spent_ns = trib_cpu_process_ns() - start_ns;

	start_ns = trib_cpu_process_ns();
	trib_ledger_freeze(ledger);
	int64_t freeze_ns = trib_cpu_process_ns() - start_ns;

	for (bool more = true; more; slices++) {
		start_ns = trib_cpu_process_ns();
		more = trib_ledger_freeze_step(ledger, 1000, count_emitted, &emitted);
		longest_ns = TRIB_MAX(longest_ns, trib_cpu_process_ns() - start_ns);
	}
	printf("postings (two sides each) per CPU-second: %.1f million\n",
	       postings * 1e3 / spent_ns);
	printf("accounts: %zu; freeze: %.1f us; %zu accounts in %zu slices of 1000, the longest "
	       "%.1f us\n",
	       trib_ledger_count(ledger), freeze_ns / 1e3, emitted, slices, longest_ns / 1e3);
	trib_ledger_free(ledger);
	free(drawn);
	free(batch);
	return 0;
}
