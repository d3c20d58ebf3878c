#include "test.h"

#include "commission/commission.h"

/* A merchant pays 300 to a first leader, who pays 120 of them to a second. */
static const struct trib_transfer service[] = {
	{ 70, 1, 2, 2, 4, TRIB_ACCOUNT_RECEIVABLE, TRIB_ACCOUNT_PAYABLE, 300, 0 },
	{ 71, 2, 4, 3, 5, TRIB_ACCOUNT_PAYABLE, TRIB_ACCOUNT_PAYABLE, 120, 0 },
};

static void settle(struct trib_transfer *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		lines[i].posted += lines[i].pending;
		lines[i].pending = 0;
	}
}

static void a_difference_says_what_to_add(void **state)
{
	struct trib_transfer before[3], after[3], got[6];

	/* Nothing before: all of it. The same: nothing. */
	assert_int_equal(trib_chain_difference(NULL, 0, service, 2, got), 2);
	assert_memory_equal(got, service, sizeof(service));
	assert_int_equal(trib_chain_difference(service, 2, service, 2, got), 0);
	/* Settled. */
	memcpy(after, service, sizeof(service));
	settle(after, 2);
	assert_int_equal(trib_chain_difference(service, 2, after, 2, got), 2);
	assert_int_equal(got[0].pending, -300);
	assert_int_equal(got[0].posted, 300);
	/* One line gone, another new; the third in two pieces, of the same sum. */
	memcpy(before, service, sizeof(service));
	before[2] = (struct trib_transfer){ 72, 1, 2, 9, 3, 2, 1, 50, 0 };
	after[0] = (struct trib_transfer){ 73, 1, 2, 9, 3, 2, 1, 7, 0 };
	after[1] = after[2] = before[0];
	after[1].pending = 100;
	after[2].pending = 200;
	assert_int_equal(trib_chain_difference(before, 3, after, 3, got), 3);
	assert_int_equal(got[0].name, 71);
	assert_int_equal(got[0].pending, -120);
	assert_int_equal(got[1].name, 72);
	assert_int_equal(got[1].pending, -50);
	assert_int_equal(got[2].name, 73);
	assert_int_equal(got[2].pending, 7);
	/* Voided: everything back. */
	assert_int_equal(trib_chain_difference(service, 2, NULL, 0, got), 2);
	assert_int_equal(got[0].pending, -300);
}

/* --- Any way there is the same ------------------------------------------------------------------------- */

enum { LINES = 8 };

static size_t random_lines(struct trib_rng *rng, struct trib_transfer *lines)
{
	size_t n = trib_rng_below(rng, LINES + 1);

	for (size_t i = 0; i < n; i++) {
		lines[i] = (struct trib_transfer){ .name = 70 + (uint32_t)trib_rng_below(rng, 3),
						   .from_party = 1 + (uint32_t)trib_rng_below(rng, 3),
						   .to_party = 11 + (uint32_t)trib_rng_below(rng, 3),
						   .from_role = 2,
						   .to_role = 3,
						   .from_kind = TRIB_ACCOUNT_RECEIVABLE,
						   .to_kind = trib_rng_chance(rng, 0.2) ? TRIB_ACCOUNT_HELD :
											  TRIB_ACCOUNT_PAYABLE };
		if (trib_rng_chance(rng, 0.8))
			lines[i].pending = trib_rng_between(rng, 0, 100000);
		if (trib_rng_chance(rng, 0.3))
			lines[i].posted = trib_rng_between(rng, 0, 100000);
	}
	return n;
}

static void take_sum(void *context, struct trib_account account, struct trib_balance balance)
{
	struct trib_ledger *other = context;

	for (uint8_t stage = TRIB_STAGE_PENDING; stage <= TRIB_STAGE_POSTED; stage++) {
		account.stage = stage;
		assert_int_equal(trib_ledger_balance(other, account),
				 stage == TRIB_STAGE_PENDING ? balance.pending : balance.posted);
	}
}

/* Whatever a chain went through, the books say what its last lines say, and every stage sums to 0 on the way. */
static void a_million_changes_leave_the_books_as_if_made_at_once(void **state)
{
	struct trib_rng rng;
	struct trib_transfer lines[2][LINES], got[2 * LINES];
	const char *reason = "";

	trib_rng_seed(&rng, trib_test_seed());
	for (int chain = 0; chain < 100000; chain++) {
		struct trib_ledger *books = chain % 1000 == 0 ? trib_ledger_new() : NULL;
		struct trib_ledger *at_once = books ? trib_ledger_new() : NULL;
		size_t n[2] = { 0, 0 };
		int now = 0;

		for (int change = 0; change < 10; change++) {
			int next = 1 - now;

			if (trib_rng_chance(&rng, 0.5)) { /* other amounts in the same lines */
				memcpy(lines[next], lines[now], sizeof(lines[0]));
				n[next] = n[now];
				for (size_t i = 0; i < n[next]; i++)
					lines[next][i].pending = trib_rng_between(&rng, 0, 100000);
			} else {
				n[next] = random_lines(&rng, lines[next]);
			}
			size_t count = trib_chain_difference(lines[now], n[now], lines[next], n[next], got);

			assert_true(count <= n[now] + n[next]);
			for (size_t i = 0; i < count; i++) {
				/* The twin: add up each line by hand, and what was said to be added to it. */
				int64_t pending = 0, posted = 0, said_pending = 0, said_posted = 0;

				for (size_t j = 0; j < count; j++)
					if (trib_transfer_same_line(&got[j], &got[i])) {
						said_pending += got[j].pending;
						said_posted += got[j].posted;
					}

				for (int side = 0; side < 2; side++)
					for (size_t j = 0; j < n[side]; j++)
						if (trib_transfer_same_line(&lines[side][j], &got[i])) {
							pending += (side == next ? 1 : -1) * lines[side][j].pending;
							posted += (side == next ? 1 : -1) * lines[side][j].posted;
						}
				assert_int_equal(said_pending, pending);
				assert_int_equal(said_posted, posted);
				assert_true(got[i].pending || got[i].posted);
			}
			if (books) {
				assert_true(trib_chain_accepts(books, got, count, 54));
				trib_chain_post(books, got, count, 54);
				assert_true(trib_ledger_check(books, &reason));
			}
			now = next;
		}
		if (books) {
			uint64_t cursor = 0;

			trib_chain_post(at_once, lines[now], n[now], 54);
			while (trib_ledger_list(books, (struct trib_account){ 0 }, &cursor, 100, take_sum, at_once))
				;
		}
		trib_ledger_free(books);
		trib_ledger_free(at_once);
	}
}

static void transfers_are_written_and_read(void **state)
{
	struct trib_transfer all = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
				     TRIB_ACCOUNT_HELD, TRIB_ACCOUNT_TAX, INT64_MIN, INT64_MAX };
	struct trib_transfer got = { 0 };
	char bytes[TRIB_TRANSFER_BYTES_MAX];
	char *end = trib_transfer_put(bytes, 7, &all);

	assert_true((size_t)(end - bytes) <= sizeof(bytes));
	assert_int_equal(end - bytes - 2, bytes[1]);
	assert_true(trib_transfer_get(trib_bytes(bytes + 2, (size_t)bytes[1]), &got));
	assert_true(trib_transfer_same_line(&got, &all));
	assert_int_equal(got.pending, INT64_MIN);
	assert_int_equal(got.posted, INT64_MAX);
	assert_false(trib_transfer_get(trib_bytes(bytes + 2, (size_t)bytes[1] - 1), &got));
	/* As release 0.1 wrote it: no kinds. A merchant owes, a creator is owed. */
	assert_true(trib_transfer_get(trib_bytes("\x20\x03\x30\x02\x38\x0e", 6), &got));
	assert_int_equal(got.from_kind, TRIB_ACCOUNT_RECEIVABLE);
	assert_int_equal(got.to_kind, TRIB_ACCOUNT_PAYABLE);
	assert_int_equal(got.pending, 7);
	/* A kind that there is not. */
	assert_false(trib_transfer_get(trib_bytes("\x40\x3f", 2), &got));
}

static void what_cannot_be_posted_is_not_accepted(void **state)
{
	struct trib_ledger *ledger = trib_ledger_new();
	struct trib_transfer line = { 70, 1, 2, 2, 3, TRIB_ACCOUNT_RECEIVABLE, TRIB_ACCOUNT_PAYABLE, INT64_MIN, 0 };

	assert_false(trib_chain_accepts(ledger, &line, 1, 54));
	line.pending = INT64_MAX;
	assert_true(trib_chain_accepts(ledger, &line, 1, 54));
	trib_chain_post(ledger, &line, 1, 54);
	line.pending = 1;
	assert_false(trib_chain_accepts(ledger, &line, 1, 54));
	line.pending = -INT64_MAX;
	assert_true(trib_chain_accepts(ledger, &line, 1, 54));
	trib_ledger_free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_difference_says_what_to_add),
		cmocka_unit_test(a_million_changes_leave_the_books_as_if_made_at_once),
		cmocka_unit_test(transfers_are_written_and_read),
		cmocka_unit_test(what_cannot_be_posted_is_not_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
