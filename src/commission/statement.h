/*
 * A statement of one party: what its accounts held when a period began, every entry of the period, what they held when
 * it ended. Opening and entries make closing, exactly, account by account and stage by stage.
 *
 * Nobody keeps statements. A checkpoint leaves a *row* for each account that has changed since the one before: the
 * stretch of the journal, the time when it began and ended, and the balances at its end. What a stretch has no row of,
 * it did not change. So a statement needs the rows of its party, and reads only those stretches in which the period
 * begins, ends, or has entries; and the tail, which no checkpoint has covered yet:
 *
 *	     row        row       row          row       tail
 *	├──────────┼ ─ ─ ─ ─┼──────────┼ ─ ─ ┼─────────┼────────►
 *	          │           from ▲                 ▲ to
 *	          └ opening = this balance + what comes up to `from`
 *
 *	trib_statement_init(&statement, &query);
 *	for each row:            trib_statement_row(&statement, &row);
 *	n = trib_statement_plan(&statement, tail, end, …);      // the stretches to read, in order
 *	for each that trib_statement_wants(): for each transfer in it:
 *		trib_statement_transfer(&statement, &at, currency, &transfer);
 *	trib_statement_finish(&statement);
 *	statement.accounts, statement.entries, statement.next …
 *
 * The time of an entry is that of its posting: engine time, which never goes back. So what comes late never changes a
 * statement of the past. Beside it stands the time of the event, as somebody stated it, which no period goes by.
 *
 * One thread; memory on the heap, bounded by the rows of one party and the entries asked for.
 */
#ifndef TRIB_COMMISSION_STATEMENT_H
#define TRIB_COMMISSION_STATEMENT_H

#include "commission/chain.h"

/* Where an entry stands: its event, and its number within it. */
struct trib_statement_place {
	uint64_t position;
	uint32_t index;
};

struct trib_statement_query {
	struct trib_account account; /* party stated; a field that is 0 matches all */
	int64_t from_ms, to_ms;	     /* [from, to) */
	size_t limit;		     /* of entries */
	struct trib_statement_place after; /* go on behind this one; 0: from the beginning */
};

/* An account at the end of a stretch (from, to] of the journal, in which it changed. */
struct trib_statement_row {
	struct trib_account account; /* stage 0 */
	uint64_t from, to;	     /* marks */
	int64_t began_ms, ended_ms;  /* no event in it is earlier, or later */
	struct trib_balance balance;
};

struct trib_statement_stretch {
	uint64_t from, to;
	int64_t began_ms, ended_ms;
};

struct trib_statement_account {
	struct trib_account account; /* stage 0 */
	struct trib_balance opening, closing;
	uint8_t stages; /* bits 1 << stage: in which it ever held or moved anything before the period's end */
	/* What came before these marks is in `opening` and `closing`. */
	uint64_t opened_at, closed_at;
};

struct trib_statement_entry {
	int64_t at_ms;
	struct trib_statement_place place;
	struct trib_account account; /* with its stage */
	int64_t amount;		     /* credited, below 0: debited */
	int64_t event_ms; /* AT of what it comes from */
	uint32_t other_party, other_role;
	uint32_t name;		/* of the line */
	uint32_t order, order_size; /* its id, in `texts` */
};

struct trib_statement {
	struct trib_statement_query query;
	struct trib_statement_row *rows;
	size_t n_rows, rows_max;
	struct trib_statement_stretch *stretches;
	size_t n_stretches;
	struct trib_statement_account *accounts; /* in the order of role, currency, kind */
	size_t n_accounts, accounts_max;
	struct trib_statement_entry *entries;
	size_t n_entries, entries_max;
	struct trib_buffer texts;
	bool more; /* than `limit`: go on behind the last entry */
	/* Of the event at hand. */
	uint64_t position;
	uint32_t index;
};

void trib_statement_init(struct trib_statement *statement, const struct trib_statement_query *query);
void trib_statement_fini(struct trib_statement *statement);

/* A row of the party, oldest first for each account. */
void trib_statement_row(struct trib_statement *statement, const struct trib_statement_row *row);

/*
 * All rows have been given. `tail` is the mark where they end, at tail_ms, `end` that of the newest event; before
 * `untold` nobody kept rows (0: they were always kept). Returns how many stretches there are to read.
 */
size_t trib_statement_plan(struct trib_statement *statement, uint64_t tail, int64_t tail_ms, uint64_t end,
			   uint64_t untold);

/* Must this stretch be read? Asked when those before it have been. */
bool trib_statement_wants(const struct trib_statement *statement, const struct trib_statement_stretch *stretch);

/* Where and when a transfer was posted, and of which order (or payout). */
struct trib_statement_at {
	int64_t at_ms, event_ms;
	uint64_t position;
	struct trib_bytes order;
};

/* One transfer of a stretch, in the order of the journal; other parties' are passed over. */
void trib_statement_transfer(struct trib_statement *statement, const struct trib_statement_at *at,
			     uint32_t currency, const struct trib_transfer *transfer);

/* All stretches have been read: sorts the accounts, and drops those that never held or moved anything. */
void trib_statement_finish(struct trib_statement *statement);

/*
 * The invariant: for each account and stage, opening and entries make closing. Holds where all entries are here (no
 * `more`, and from the beginning). Else false and the first reason.
 */
bool trib_statement_adds_up(const struct trib_statement *statement, const char **ret_reason);

#endif
