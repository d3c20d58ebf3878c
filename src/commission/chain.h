/*
 * A chain: all transfers of one order, from its attribution to its end. Its *lines* say what stands now, each from one
 * account to another, estimated (pending) and final (posted); its *transfers* are what was ever added to get there.
 *
 *	                        post
 *	          open        ┌─────────────────────────────► POSTED ──┐
 *	  NONE ─────────► PENDING ── post_part ──► PARTLY_POSTED ──────┤
 *	                      │      (some, or some of one)  │  post   │
 *	                      └──────────── void ────────────┴─────────┴──► VOIDED: every line at 0
 *
 * Nothing is ever taken back: a refund, a correction or a void is a further transfer with the difference, below 0 where
 * less is to stand. So whoever knows the lines before and after knows the transfers:
 *
 *	n = trib_chain_difference(before, n_before, after, n_after, transfers);
 *	if (trib_chain_accepts(ledger, transfers, n, currency))        // no balance would pass 64 bits
 *		trib_chain_post(ledger, transfers, n, currency);
 *
 * and posting the differences one after another gives the balances of the lines that stand at the end, by whatever way
 * they came about. What is settled:
 *
 *	trib_chain_settle(lines, n);                                   // all that is pending is posted
 *	trib_chain_settle_part(&lines[i], 500);                        // 500 of it
 *	trib_chain_void(lines, n);
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

enum trib_chain_state {
	TRIB_CHAIN_NONE,
	TRIB_CHAIN_PENDING,
	TRIB_CHAIN_PARTLY_POSTED,
	TRIB_CHAIN_POSTED,
	TRIB_CHAIN_VOIDED
};

enum trib_chain_event {
	TRIB_CHAIN_OPEN,      /* the order is attributed */
	TRIB_CHAIN_CORRECT,   /* other amounts, in the stages as they are */
	TRIB_CHAIN_POST_PART, /* some is settled */
	TRIB_CHAIN_POST,      /* all that is pending is settled */
	TRIB_CHAIN_VOID	      /* the order is invalid */
};

/* "pending", "partly_posted" …; "open", "post_part" … */
const char *trib_chain_state_word(enum trib_chain_state state);
const char *trib_chain_event_word(enum trib_chain_event event);

/* May a chain in that state take the event? TRIB_REFUSED names both. What POST_PART comes to, its lines tell. */
trib_status trib_chain_check(enum trib_chain_state state, enum trib_chain_event event, struct trib_error *error);

/* What lines amount to: PENDING, PARTLY_POSTED or POSTED. All at 0 is PENDING; whether voided, its order says. */
enum trib_chain_state trib_chain_state_of(const struct trib_transfer *lines, size_t n);

void trib_chain_settle(struct trib_transfer *lines, size_t n);
/* Posts `amount` of what is pending of a line; TRIB_REFUSED where that is more than there is, or not above 0. */
trib_status trib_chain_settle_part(struct trib_transfer *line, int64_t amount, struct trib_error *error);
void trib_chain_void(struct trib_transfer *lines, size_t n);

/* Do they have the same name, accounts and kinds? */
bool trib_transfer_same_line(const struct trib_transfer *a, const struct trib_transfer *b);

/*
 * What must be added to the lines `before` for the lines `after` to stand. Where both have the same lines in the same
 * order, in that order; else sorted, and lines of the same name and accounts as one. Writes at most n_before + n_after transfers, none of them nought, and returns how many. `ret_transfers` is
 * neither of the others.
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
