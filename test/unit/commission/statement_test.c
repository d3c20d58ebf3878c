#include "test.h"

#include "commission/commission.h"

/*
 * A journal of random transfers, cut into stretches at random places, with the rows that checkpoints would leave. The
 * twin adds up the whole journal for each question.
 */
enum { TRANSFERS = 400, PARTIES = 4, ROWS = 4000, PARTS = 40 };

struct posted {
	struct trib_statement_at at;
	uint32_t currency;
	struct trib_transfer transfer;
};

static struct {
	struct posted posted[TRANSFERS];
	size_t n, told; /* stretches before `told` left no rows */
	struct trib_statement_row rows[ROWS];
	size_t n_rows;
	uint64_t tail, end, untold;
	int64_t tail_ms;
} journal;

static struct trib_account account_of(const struct posted *posted, bool credit)
{
	const struct trib_transfer *t = &posted->transfer;

	return credit ? (struct trib_account){ t->to_party, t->to_role, posted->currency, t->to_kind, 0 } :
			(struct trib_account){ t->from_party, t->from_role, posted->currency, t->from_kind, 0 };
}

static bool same(const struct trib_account *a, const struct trib_account *b)
{
	return a->party == b->party && a->role == b->role && a->currency == b->currency && a->kind == b->kind;
}

/* What the account holds after the first n transfers. */
static struct trib_balance twin_balance(const struct trib_account *account, size_t n)
{
	struct trib_balance balance = { 0, 0 };

	for (size_t i = 0; i < n; i++)
		for (int credit = 0; credit < 2; credit++) {
			struct trib_account side = account_of(&journal.posted[i], credit);

			if (!same(&side, account))
				continue;
			balance.pending += (credit ? 1 : -1) * journal.posted[i].transfer.pending;
			balance.posted += (credit ? 1 : -1) * journal.posted[i].transfer.posted;
		}
	return balance;
}

static void random_journal(struct trib_rng *rng)
{
	int64_t at_ms = 1000;
	uint64_t position = 100;

	journal.n = trib_rng_below(rng, TRANSFERS) + 1;
	for (size_t i = 0; i < journal.n; i++) {
		struct posted *posted = &journal.posted[i];

		/* Several transfers of one event, several events of one time. */
		if (i && trib_rng_chance(rng, 0.7))
			position += 1 + trib_rng_below(rng, 300);
		if (trib_rng_chance(rng, 0.4) && position != (i ? posted[-1].at.position : 0))
			at_ms += (int64_t)trib_rng_below(rng, 50);
		*posted = (struct posted){
			.at = { at_ms, at_ms - 1, position, trib_bytes_text(i % 2 ? "o-1" : "order/2") },
			.currency = 54 + (uint32_t)trib_rng_below(rng, 2),
			.transfer = { .name = 70 + (uint32_t)trib_rng_below(rng, 3),
				      .from_party = 1 + (uint32_t)trib_rng_below(rng, PARTIES),
				      .from_role = 2 + (uint32_t)trib_rng_below(rng, 2),
				      .to_party = 1 + (uint32_t)trib_rng_below(rng, PARTIES),
				      .to_role = 2 + (uint32_t)trib_rng_below(rng, 3),
				      .from_kind = 1 + (uint8_t)trib_rng_below(rng, 2),
				      .to_kind = 1 + (uint8_t)trib_rng_below(rng, 2),
				      .pending = trib_rng_between(rng, -500, 500),
				      .posted = trib_rng_chance(rng, 0.5) ? trib_rng_between(rng, -500, 500) : 0 }
		};
	}
	journal.end = position + 1;
}

/* The rows that a checkpoint behind transfer `to` leaves, `from` being the one before. */
static void leave_rows(size_t from, size_t to, uint64_t from_mark, uint64_t to_mark, int64_t began_ms)
{
	size_t first = journal.n_rows;

	for (size_t i = from; i < to; i++)
		for (int credit = 0; credit < 2; credit++) {
			struct trib_account account = account_of(&journal.posted[i], credit);
			bool known = false;

			for (size_t j = first; j < journal.n_rows; j++)
				known |= same(&journal.rows[j].account, &account);
			if (known)
				continue;
			assert_true(journal.n_rows < ROWS);
			journal.rows[journal.n_rows++] = (struct trib_statement_row){
				account, from_mark, to_mark, began_ms, journal.posted[to - 1].at.at_ms,
				twin_balance(&account, to)
			};
		}
}

static void random_rows(struct trib_rng *rng)
{
	size_t parts = trib_rng_below(rng, PARTS), from = 0;
	uint64_t from_mark = 0;
	bool untold = trib_rng_chance(rng, 0.3);

	journal.n_rows = 0;
	journal.untold = 0;
	journal.tail_ms = 0;
	for (size_t part = 0; part < parts; part++) {
		size_t to = from + trib_rng_below(rng, 40);

		/* Between two events. */
		while (to < journal.n && to > from &&
		       journal.posted[to].at.position == journal.posted[to - 1].at.position)
			to++;
		if (to <= from || to >= journal.n)
			continue;
		uint64_t to_mark = journal.posted[to - 1].at.position + 1;

		if (untold && part < 3)
			journal.untold = to_mark;
		else
			leave_rows(from, to, from_mark, to_mark, journal.tail_ms);
		journal.tail_ms = journal.posted[to - 1].at.at_ms;
		from = to;
		from_mark = to_mark;
	}
	journal.tail = from_mark;
}

static void read_stretches(struct trib_statement *statement)
{
	for (size_t i = 0; i < journal.n_rows; i++)
		if (journal.rows[i].account.party == statement->query.account.party)
			trib_statement_row(statement, &journal.rows[i]);
	size_t n = trib_statement_plan(statement, journal.tail, journal.tail_ms, journal.end, journal.untold);

	for (size_t i = 0; i < n; i++) {
		const struct trib_statement_stretch *stretch = &statement->stretches[i];

		if (!trib_statement_wants(statement, stretch))
			continue;
		for (size_t j = 0; j < journal.n; j++)
			if (journal.posted[j].at.position >= stretch->from &&
			    journal.posted[j].at.position < stretch->to)
				trib_statement_transfer(statement, &journal.posted[j].at, journal.posted[j].currency,
							&journal.posted[j].transfer);
	}
	trib_statement_finish(statement);
}

/* How many transfers come before a time. */
static size_t before(int64_t at_ms)
{
	size_t n = 0;

	while (n < journal.n && journal.posted[n].at.at_ms < at_ms)
		n++;
	return n;
}

static size_t twin_entries(const struct trib_statement_query *query)
{
	size_t n = 0;

	for (size_t i = before(query->from_ms); i < TRIB_MAX(before(query->from_ms), before(query->to_ms)); i++)
		for (int credit = 0; credit < 2; credit++) {
			const struct trib_account side = account_of(&journal.posted[i], credit);
			const struct trib_account *wanted = &query->account;
			const struct trib_transfer *t = &journal.posted[i].transfer;

			if (side.party == wanted->party && (!wanted->role || side.role == wanted->role) &&
			    (!wanted->currency || side.currency == wanted->currency) &&
			    (!wanted->kind || side.kind == wanted->kind))
				n += (t->pending && wanted->stage != TRIB_STAGE_POSTED) +
				     (t->posted && wanted->stage != TRIB_STAGE_PENDING);
		}
	return n;
}

static void check_figures(const struct trib_statement *statement)
{
	size_t first = before(statement->query.from_ms), last = before(statement->query.to_ms);

	for (size_t i = 0; i < statement->n_accounts; i++) {
		const struct trib_statement_account *held = &statement->accounts[i];
		struct trib_balance opening = twin_balance(&held->account, first);
		struct trib_balance closing = twin_balance(&held->account, TRIB_MAX(last, 0u));

		assert_int_equal(held->opening.pending, opening.pending);
		assert_int_equal(held->opening.posted, opening.posted);
		assert_int_equal(held->closing.pending, closing.pending);
		assert_int_equal(held->closing.posted, closing.posted);
	}
}

/* Page by page; the pages must be the whole, and figures the same on each. */
static void check_pages(struct trib_statement_query query, size_t limit, const struct trib_statement *whole)
{
	size_t seen = 0;

	query.limit = limit;
	for (bool more = true; more;) {
		struct trib_statement page;

		trib_statement_init(&page, &query);
		read_stretches(&page);
		check_figures(&page);
		for (size_t i = 0; i < page.n_entries; i++, seen++) {
			const struct trib_statement_entry *a = &page.entries[i], *b = &whole->entries[seen];

			assert_true(seen < whole->n_entries);
			assert_true(a->place.position == b->place.position && a->place.index == b->place.index);
			assert_int_equal(a->amount, b->amount);
			assert_memory_equal(page.texts.data + a->order, whole->texts.data + b->order, a->order_size);
		}
		more = page.more;
		assert_true(!more || page.n_entries == limit);
		if (page.n_entries)
			query.after = page.entries[page.n_entries - 1].place;
		trib_statement_fini(&page);
	}
	assert_int_equal(seen, whole->n_entries);
}

static void statements_say_what_a_whole_reading_says(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 400; round++) {
		random_journal(&rng);
		random_rows(&rng);
		for (int question = 0; question < 20; question++) {
			int64_t last_ms = journal.posted[journal.n - 1].at.at_ms;
			struct trib_statement_query query = {
				.account = { .party = 1 + (uint32_t)trib_rng_below(&rng, PARTIES) },
				.from_ms = trib_rng_between(&rng, 990, last_ms + 10),
				.limit = SIZE_MAX
			};
			struct trib_statement statement;
			const char *reason = "";

			query.to_ms = trib_rng_between(&rng, query.from_ms, last_ms + 20);
			if (trib_rng_chance(&rng, 0.3))
				query.account.role = 2 + (uint32_t)trib_rng_below(&rng, 3);
			if (trib_rng_chance(&rng, 0.3))
				query.account.currency = 54;
			if (trib_rng_chance(&rng, 0.2))
				query.account.kind = 1;
			if (trib_rng_chance(&rng, 0.2))
				query.account.stage = 1 + (uint8_t)trib_rng_below(&rng, 2);
			trib_statement_init(&statement, &query);
			read_stretches(&statement);
			check_figures(&statement);
			assert_int_equal(statement.n_entries, twin_entries(&query));
			assert_false(statement.more);
			if (!trib_statement_adds_up(&statement, &reason))
				fail_msg("round %d: %s", round, reason);
			if (question < 4)
				check_pages(query, 1 + trib_rng_below(&rng, 20), &statement);
			trib_statement_fini(&statement);
		}
	}
}

/* Only the stretches where something begins, ends or happens are read. */
static void quiet_stretches_are_not_read(void **state)
{
	struct trib_statement statement;
	const struct trib_statement_query query = { .account = { .party = 7 }, .from_ms = 2000, .to_ms = 6000,
						    .limit = 10 };
	const struct trib_account account = { 7, 3, 54, 1, 0 };
	const struct trib_statement_row rows[] = {
		{ account, 0, 100, 0, 1000, { 5, 0 } },	     /* before: its balance alone */
		{ account, 100, 200, 1000, 2500, { 9, 0 } },  /* `from` lies in it */
		{ account, 400, 500, 4000, 4500, { 10, 0 } }, /* entries; that between changed nothing */
		{ account, 700, 800, 7000, 8000, { 11, 0 } }, /* behind */
	};

	trib_statement_init(&statement, &query);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		trib_statement_row(&statement, &rows[i]);
	assert_int_equal(trib_statement_plan(&statement, 900, 9000, 1000, 0), 2);
	assert_int_equal(statement.stretches[0].from, 100);
	assert_int_equal(statement.stretches[1].from, 400);
	assert_int_equal(statement.accounts[0].opening.pending, 5);
	assert_int_equal(statement.accounts[0].closing.pending, 10);
	assert_true(trib_statement_wants(&statement, &statement.stretches[0]));
	assert_true(trib_statement_wants(&statement, &statement.stretches[1]));
	statement.more = true; /* a full page needs the first for its opening figures only */
	assert_true(trib_statement_wants(&statement, &statement.stretches[0]));
	assert_false(trib_statement_wants(&statement, &statement.stretches[1]));
	trib_statement_fini(&statement);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_say_what_a_whole_reading_says),
		cmocka_unit_test(quiet_stretches_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
