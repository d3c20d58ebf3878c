/*
 * The double-entry ledger: an account per (party, role, currency, kind), with a balance per stage: credits less debits.
 * Merchant and platform have accounts as everybody else, so that over all accounts of a currency the sum is 0 in each
 * stage.
 *
 *	struct trib_posting postings[] = { { .debit = { shop, role_merchant, cny, TRIB_ACCOUNT_RECEIVABLE, TRIB_STAGE_PENDING },
 *					     .credit = { anna, role_creator, cny, TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_PENDING },
 *					     .amount = 399 } };
 *	if (trib_ledger_accepts(ledger, postings, 1))           // no balance would pass 64 bits
 *		trib_ledger_post(ledger, postings, 1);
 *
 * What an order's attribution promises is *pending* (estimated 预估); what its settlement makes good is *posted* (final
 * 结算). commission/chain.h moves the money of an order from one to the other.
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

#include "rules/share.h"

/*
 * Kinds of account, seen from the platform that keeps the books. X(NAME, number, word, 中文, English). Numbers are in
 * the store and in events: they never change.
 */
#define TRIB_ACCOUNT_KIND_TABLE(X)                                                                 \
	X(PAYABLE, 1, "payable", "应付", "owed to the party")                                      \
	X(RECEIVABLE, 2, "receivable", "应收", "owed by the party")                                \
	X(HELD, 3, "held", "冻结", "owed to the party, frozen")                                    \
	X(SUBSIDY, 4, "subsidy", "补贴", "paid by the platform")                                   \
	X(FEE, 5, "fee", "费用收入", "earned by the platform")                                     \
	X(TAX, 6, "tax", "代扣税", "tax withheld")

#define TRIB_STAGE_TABLE(X)                                                                        \
	X(PENDING, 1, "pending", "预估", "estimated")                                              \
	X(POSTED, 2, "posted", "结算", "final")

enum trib_account_kind {
#define X(name, number, word, zh, en) TRIB_ACCOUNT_##name = number,
	TRIB_ACCOUNT_KIND_TABLE(X)
#undef X
};

enum trib_stage {
#define X(name, number, word, zh, en) TRIB_STAGE_##name = number,
	TRIB_STAGE_TABLE(X)
#undef X
};

/* NULL, false where there is none. */
const char *trib_account_kind_word(enum trib_account_kind kind);
const char *trib_account_kind_title(enum trib_account_kind kind, bool zh);
bool trib_account_kind_of_word(struct trib_bytes word, enum trib_account_kind *ret_kind);
const char *trib_stage_word(enum trib_stage stage);
const char *trib_stage_title(enum trib_stage stage, bool zh);
bool trib_stage_of_word(struct trib_bytes word, enum trib_stage *ret_stage);

/* Events of release 0.1 state no kinds: their lines, and its balances, stand in one kind for each role. */
enum trib_account_kind trib_account_kind_of_role(uint32_t role);

/*
 * The kinds of a line's two accounts, in a byte as events bear it; 0: none are stated. Merchants owe; what the platform
 * pays is a subsidy and what it gets a fee; tax is tax; all others are owed, and what they get of a held order is held.
 */
uint8_t trib_line_kinds(enum trib_line_kind line, uint32_t from_role, uint32_t to_role, bool held);

static inline uint8_t trib_kinds_pack(uint8_t from_kind, uint8_t to_kind)
{
	return (uint8_t)(from_kind + 8u * to_kind);
}

static inline uint8_t trib_kinds_from(uint8_t kinds, uint32_t from_role)
{
	return TRIB_LIKELY(kinds) ? kinds % 8 : (uint8_t)trib_account_kind_of_role(from_role);
}

static inline uint8_t trib_kinds_to(uint8_t kinds, uint32_t to_role)
{
	return TRIB_LIKELY(kinds) ? kinds / 8 : (uint8_t)trib_account_kind_of_role(to_role);
}

bool trib_kinds_valid(uint64_t kinds);

/* role and currency (below 2^29) are dictionary codes of the engine, party its number. */
struct trib_account {
	uint32_t party, role, currency;
	uint8_t kind;  /* enum trib_account_kind */
	uint8_t stage; /* enum trib_stage */
};

/* amount ≥ 0 goes from debit to credit; both bear the same currency. */
struct trib_posting {
	struct trib_account debit, credit;
	int64_t amount;
};

/* What an account holds, by stage. */
struct trib_balance {
	int64_t pending, posted;
};

struct trib_ledger;

struct trib_ledger *trib_ledger_new(void);
void trib_ledger_free(struct trib_ledger *ledger);

/*
 * Do these postings, together and in any order, keep every balance, and the sum of a party's balances in one role and
 * currency, within 64 bits? Changes nothing. It errs only where one comes near that: whatever it accepts can be posted.
 */
bool trib_ledger_accepts(const struct trib_ledger *ledger, const struct trib_posting *postings,
			 size_t n);

/* Posts both sides of each. The postings have been accepted; else the process ends. A posting of 0 does nothing. */
void trib_ledger_post(struct trib_ledger *ledger, const struct trib_posting *postings, size_t n);

/* The balance, summed over all kinds where kind is 0, and over both stages where stage is 0; 0 for no such account. */
int64_t trib_ledger_balance(const struct trib_ledger *ledger, struct trib_account account);

void trib_ledger_prefetch(const struct trib_ledger *ledger, uint32_t party);
void trib_ledger_prefetch_accounts(const struct trib_ledger *ledger, uint32_t party);

/* Sets the balances that a checkpoint wrote; the account is not considered changed. Its stage is of no account. */
void trib_ledger_load(struct trib_ledger *ledger, struct trib_account account, struct trib_balance balance);

/* An account in both stages: account.stage is 0. */
typedef void trib_ledger_fn(void *context, struct trib_account account, struct trib_balance balance);

/* Marks the point. The freeze before must have been handed out to its end. */
void trib_ledger_freeze(struct trib_ledger *ledger);

/* Hands out up to max changed accounts as they were at the freeze; false when that was the last. */
bool trib_ledger_freeze_step(struct trib_ledger *ledger, size_t max, trib_ledger_fn *emit,
			     void *context);

/* At most how many accounts the freeze has still to hand out. */
size_t trib_ledger_freeze_left(const struct trib_ledger *ledger);

/*
 * Accounts in order of their first posting, from *cursor on (0 to begin), at most max of those that match; a field of
 * `filter` that is 0 matches all, a stage those that hold anything in it. False, and *cursor 0, when the end is
 * reached. A call looks at a bounded number of accounts, so it may hand out none and be true.
 */
bool trib_ledger_list(const struct trib_ledger *ledger, struct trib_account filter,
		      uint64_t *cursor, size_t max, trib_ledger_fn *emit, void *context);

/* The same, but those of a party in one role and currency that match are handed out as one: account.kind is 0. */
bool trib_ledger_list_sums(const struct trib_ledger *ledger, struct trib_account filter,
			   uint64_t *cursor, size_t max, trib_ledger_fn *emit, void *context);

size_t trib_ledger_count(const struct trib_ledger *ledger);

/* Every currency sums to 0 in each stage and the structure is whole; else false and the first reason. Walks everything. */
bool trib_ledger_check(const struct trib_ledger *ledger, const char **ret_reason);

#endif
