/*
 * The double-entry ledger: an account per (party, role, currency), whose balance is its
 * credits less its debits. Merchant and platform have accounts as everybody else, so that over all
 * accounts of a currency the sum is 0.
 *
 *	struct trib_posting postings[] = { { .debit = { shop, role_merchant, cny },
 *					     .credit = { anna, role_creator, cny }, .amount = 399 } };
 *	if (trib_ledger_accepts(ledger, postings, 1))           // no balance would pass 64 bits
 *		trib_ledger_post(ledger, postings, 1);
 *
 * Parties are dense local numbers, so an account is found without hashing: party → its first account → the few
 * others of the same party. A batch prefetches in two passes, as with touches:
 *
 *	for each posting:  trib_ledger_prefetch(ledger, party);
 *	for each posting:  trib_ledger_prefetch_accounts(ledger, party);
 *
 * Checkpoints do not stop the ledger. A freeze marks a point; then slices of what had changed up to that point are
 * handed out, with the balances of that point, while postings go on:
 *
 *	trib_ledger_freeze(ledger);                             // position p
 *	while (trib_ledger_freeze_step(ledger, 1000, write_balance, context))
 *		… other batches …
 *	// all that changed between the freeze before and this one has been written, as it was at p
 *
 * One thread. Memory grows in chunks, no account is ever removed.
 */
#ifndef TRIB_COMMISSION_LEDGER_H
#define TRIB_COMMISSION_LEDGER_H

#include "base/status.h"

/* role and currency are dictionary codes of the engine, party its number. */
struct trib_account {
	uint32_t party, role, currency;
};

/* amount ≥ 0 goes from debit to credit; both bear the same currency. */
struct trib_posting {
	struct trib_account debit, credit;
	int64_t amount;
};

struct trib_ledger;

struct trib_ledger *trib_ledger_new(void);
void trib_ledger_free(struct trib_ledger *ledger);

/*
 * Do these postings, together and in any order, keep every balance within 64 bits? Changes nothing. It errs only
 * where a balance comes near that: whatever it accepts can be posted.
 */
bool trib_ledger_accepts(const struct trib_ledger *ledger, const struct trib_posting *postings,
			 size_t n);

/* Posts both sides of each. The postings have been accepted; else the process ends. A posting of 0 does nothing. */
void trib_ledger_post(struct trib_ledger *ledger, const struct trib_posting *postings, size_t n);

/* The balance; 0 for an account that was never posted to. */
int64_t trib_ledger_balance(const struct trib_ledger *ledger, struct trib_account account);

void trib_ledger_prefetch(const struct trib_ledger *ledger, uint32_t party);
void trib_ledger_prefetch_accounts(const struct trib_ledger *ledger, uint32_t party);

/* Sets a balance that a checkpoint wrote; the account is not considered changed. */
void trib_ledger_load(struct trib_ledger *ledger, struct trib_account account, int64_t balance);

typedef void trib_ledger_fn(void *context, struct trib_account account, int64_t balance);

/* Marks the point. The freeze before must have been handed out to its end. */
void trib_ledger_freeze(struct trib_ledger *ledger);

/* Hands out up to max changed accounts as they were at the freeze; false when that was the last. */
bool trib_ledger_freeze_step(struct trib_ledger *ledger, size_t max, trib_ledger_fn *emit,
			     void *context);

/* At most how many accounts the freeze has still to hand out. */
size_t trib_ledger_freeze_left(const struct trib_ledger *ledger);

/*
 * Accounts in order of their first posting, from *cursor on (0 to begin), at most max of those that match; a field of
 * `filter` that is 0 matches all. False, and *cursor 0, when the end is reached. A call looks at a bounded number of
 * accounts, so it may hand out none and be true.
 */
bool trib_ledger_list(const struct trib_ledger *ledger, struct trib_account filter,
		      uint64_t *cursor, size_t max, trib_ledger_fn *emit, void *context);

size_t trib_ledger_count(const struct trib_ledger *ledger);

/* Every currency sums to 0 and the structure is whole; else false and the first reason. Walks everything. */
bool trib_ledger_check(const struct trib_ledger *ledger, const char **ret_reason);

#endif
