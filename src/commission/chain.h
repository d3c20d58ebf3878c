/*
 * A chain: all transfers of one order line, from its decision to its end. Its *lines* say what stands now, each from one
 * account to another, estimated (pending) or final (posted); its *transfers* are what was ever added to get there.
 *
 *	 nothing ──decided──► pending ◄──────► posted ◄──┐  which of the two, and how much, follows from all that has been
 *	 (of nobody:             │                │      │  told of the order (commission/lifecycle.h), in whatever sequence:
 *	 stays so)               └──► every line at 0 ◄──┘  so a chain goes back, too, where an earlier message comes late
 *
 * An order of several lines has a chain a line: it is partly posted while some are settled. Which event takes which chain
 * where, and which is refused, stands as a table in test/unit/engine/lifecycle_test.c.
 *
 * Nothing is ever taken back: a refund, a correction or a void is a further transfer with the difference, below 0 where
 * less is to stand. So whoever knows the lines before and after knows the transfers:
 *
 *	n = trib_chain_difference(before, n_before, after, n_after, transfers);
 *	if (trib_chain_accepts(ledger, transfers, n, currency))        // no balance would pass 64 bits
 *		trib_chain_post(ledger, transfers, n, currency);
 *
 * and posting the differences one after another gives the balances of the lines that stand at the end, by whatever way
 * they came about.
 */
#ifndef TRIB_COMMISSION_CHAIN_H
#define TRIB_COMMISSION_CHAIN_H

#include "commission/ledger.h"

/* A line of a chain as it stands or, with amounts that may be below 0, what is added to it. 40 bytes. */
struct trib_transfer {
	uint32_t name; /* dictionary code of the line's name */
	uint32_t from_party, from_role;
	uint32_t to_party, to_role;
	uint8_t from_kind, to_kind; /* enum trib_account_kind */
	int64_t pending, posted;
};

/* Do they have the same name, accounts and kinds? */
bool trib_transfer_same_line(const struct trib_transfer *a, const struct trib_transfer *b);

/*
 * What must be added to the lines `before` for the lines `after` to stand. Where both have the same lines in the same
 * order, in that order; else sorted, and lines of the same name and accounts as one. Writes at most n_before + n_after
 * transfers, none of them nought, and returns how many. `ret_transfers` is neither of the others.
 */
size_t trib_chain_difference(const struct trib_transfer *before, size_t n_before,
			     const struct trib_transfer *after, size_t n_after,
			     struct trib_transfer *ret_transfers);

/* The postings of a transfer, at most two: amounts of postings are not below 0. */
size_t trib_transfer_postings(const struct trib_transfer *transfer, uint32_t currency,
			      struct trib_posting ret_postings[2]);

/* Message Posting as field `field`, at most TRIB_TRANSFER_BYTES_MAX of them; false where bytes are none. */
enum { TRIB_TRANSFER_BYTES_MAX = 64 };
char *trib_transfer_put(char *p, uint32_t field, const struct trib_transfer *transfer);
bool trib_transfer_get(struct trib_bytes posting, struct trib_transfer *ret_transfer);

bool trib_chain_accepts(const struct trib_ledger *ledger, const struct trib_transfer *transfers, size_t n,
			uint32_t currency);
/* They have been accepted. */
void trib_chain_post(struct trib_ledger *ledger, const struct trib_transfer *transfers, size_t n,
		     uint32_t currency);

#endif
