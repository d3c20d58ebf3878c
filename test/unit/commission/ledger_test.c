#include "test.h"

#include "commission/commission.h"

enum { PARTIES = 40, ROLES = 3, CURRENCIES = 2, ACCOUNTS = PARTIES * ROLES * CURRENCIES };

/* The twin: one slot for each account there can be. */
struct twin {
	int64_t balance[ACCOUNTS];
	bool posted[ACCOUNTS], changed[ACCOUNTS];
	/* a running freeze */
	int64_t frozen_balance[ACCOUNTS];
	bool frozen[ACCOUNTS];
};

static struct trib_account account_of(size_t slot)
{
	/* Parties far apart, so that several pages of the ledger are in use. */
	return (struct trib_account){ .party = (uint32_t)(slot % PARTIES + 1) * 30011,
				      .role = (uint32_t)(slot / PARTIES % ROLES + 1),
				      .currency = (uint32_t)(slot / PARTIES / ROLES + 54) };
}

static size_t slot_of(struct trib_account account)
{
	return account.party / 30011 - 1 +
	       PARTIES * (account.role - 1 + ROLES * (account.currency - 54));
}

static void check(const struct trib_ledger *ledger)
{
	const char *reason;

	if (!trib_ledger_check(ledger, &reason))
		fail_msg("%s", reason);
}

static void take_frozen(void *context, struct trib_account account, int64_t balance)
{
	struct twin *twin = context;
	size_t slot = slot_of(account);

	assert_true(twin->frozen[slot]);
	assert_int_equal(twin->frozen_balance[slot], balance);
	twin->frozen[slot] = false;
}

static void twin_freeze(struct twin *twin)
{
	memcpy(twin->frozen_balance, twin->balance, sizeof(twin->balance));
	memcpy(twin->frozen, twin->changed, sizeof(twin->changed));
	memset(twin->changed, 0, sizeof(twin->changed));
}

static void post_random(struct trib_rng *rng, struct trib_ledger *ledger, struct twin *twin)
{
	struct trib_posting postings[4];
	size_t n = 1 + trib_rng_below(rng, TRIB_ARRAY_SIZE(postings));

	for (size_t i = 0; i < n; i++) {
		size_t currency = trib_rng_below(rng, CURRENCIES) * PARTIES * ROLES;
		size_t debit = currency + trib_rng_below(rng, PARTIES * ROLES);
		size_t credit = currency + trib_rng_below(rng, PARTIES * ROLES);
		int64_t amount = trib_rng_chance(rng, 0.1) ? 0 : trib_rng_between(rng, 1, 100000);

		postings[i] =
			(struct trib_posting){ account_of(debit), account_of(credit), amount };
		if (!amount)
			continue;
		twin->balance[debit] -= amount;
		twin->balance[credit] += amount;
		twin->posted[debit] = twin->posted[credit] = true;
		twin->changed[debit] = twin->changed[credit] = true;
	}
	assert_true(trib_ledger_accepts(ledger, postings, n));
	trib_ledger_post(ledger, postings, n);
}

static void freezes_hand_out_what_was_while_postings_go_on(void **state)
{
	struct trib_rng rng;
	struct trib_ledger *ledger = trib_ledger_new();
	static struct twin twin;
	bool freezing = false;

	trib_rng_seed(&rng, trib_test_seed());
	for (int step = 0; step < 100000; step++) {
		uint64_t what = trib_rng_below(&rng, 1000);

		if (what < 900) {
			post_random(&rng, ledger, &twin);
		} else if (!freezing && what < 910) {
			trib_ledger_freeze(ledger);
			twin_freeze(&twin);
			freezing = true;
		} else if (freezing) {
			freezing = trib_ledger_freeze_step(ledger, trib_rng_below(&rng, 9),
							   take_frozen, &twin);
			for (size_t slot = 0; slot < ACCOUNTS && !freezing; slot++)
				assert_false(twin.frozen[slot]);
		}
		if (step % 1000 == 0)
			check(ledger);
	}
	for (size_t slot = 0; slot < ACCOUNTS; slot++)
		assert_int_equal(trib_ledger_balance(ledger, account_of(slot)), twin.balance[slot]);
	check(ledger);
	trib_ledger_free(ledger);
}

struct listed {
	size_t count;
	int64_t total;
	struct trib_account last;
};

static void take_listed(void *context, struct trib_account account, int64_t balance)
{
	struct listed *listed = context;

	listed->count++;
	listed->total += balance;
	listed->last = account;
}

static void accounts_are_listed_page_by_page(void **state)
{
	struct trib_ledger *ledger = trib_ledger_new();
	struct listed all = { 0 }, one = { 0 }, some = { 0 }, none = { 0 };
	uint64_t cursor = 0;

	/* A merchant pays each of 999 creators 7; the creators of even number pay an agency 2. */
	for (uint32_t i = 1; i <= 999; i++) {
		struct trib_posting postings[] = {
			{ { 5000, 1, 54 }, { i, 2, 54 }, 7 },
			{ { i, 2, 54 }, { 6000, 3, 54 }, i % 2 ? 0 : 2 }
		};

		trib_ledger_post(ledger, postings, 2);
	}
	while (trib_ledger_list(ledger, (struct trib_account){ 0 }, &cursor, 10, take_listed, &all))
		assert_int_equal(all.count % 10, 0);
	assert_int_equal(all.count, 1001);
	assert_int_equal(all.total, 0);
	assert_int_equal(cursor, 0);
	assert_int_equal(trib_ledger_count(ledger), 1001);

	assert_false(trib_ledger_list(ledger, (struct trib_account){ .party = 6000 }, &cursor, 10,
				      take_listed, &one));
	assert_int_equal(one.count, 1);
	assert_int_equal(one.total, 499 * 2);
	assert_int_equal(one.last.role, 3);
	assert_true(trib_ledger_list(ledger, (struct trib_account){ .role = 2, .currency = 54 },
				     &cursor, 1, take_listed, &some));
	assert_int_equal(some.last.party, 1);
	assert_true(trib_ledger_list(ledger, (struct trib_account){ .role = 2, .currency = 54 },
				     &cursor, 1, take_listed, &some));
	assert_int_equal(some.last.party, 2);
	cursor = 0;
	assert_false(trib_ledger_list(ledger, (struct trib_account){ .party = 77777 }, &cursor, 9,
				      take_listed, &none));
	assert_false(trib_ledger_list(ledger, (struct trib_account){ .party = 1, .role = 3 },
				      &cursor, 9, take_listed, &none));
	assert_int_equal(none.count, 0);
	trib_ledger_free(ledger);
}

static void a_checkpoint_loads_back(void **state)
{
	struct trib_ledger *ledger = trib_ledger_new();
	struct trib_posting posting = { { 1, 1, 54 }, { 2, 2, 54 }, 10 };
	struct listed written = { 0 };
	const char *reason = "";

	trib_ledger_load(ledger, (struct trib_account){ 1, 1, 54 }, -300);
	assert_false(trib_ledger_check(ledger, &reason));
	assert_string_equal(reason, "a currency whose balances do not sum to 0");
	trib_ledger_load(ledger, (struct trib_account){ 2, 2, 54 }, 200);
	trib_ledger_load(ledger, (struct trib_account){ 2, 3, 54 }, 100);
	check(ledger);
	trib_ledger_post(ledger, &posting, 1);
	trib_ledger_freeze(ledger);
	while (trib_ledger_freeze_step(ledger, 1, take_listed, &written))
		;
	assert_int_equal(written.count,
			 2); /* what was loaded and not posted to is as the checkpoint has it */
	assert_int_equal(written.total, -100);
	trib_ledger_freeze(ledger);
	assert_false(trib_ledger_freeze_step(ledger, 1, take_listed, &written));
	assert_int_equal(written.count, 2);
	check(ledger);
	trib_ledger_free(ledger);
}

static void what_64_bits_cannot_hold_is_not_accepted(void **state)
{
	struct trib_ledger *ledger = trib_ledger_new();
	struct trib_posting huge = { { 1, 1, 54 }, { 2, 2, 54 }, INT64_MAX };
	struct trib_posting one = { { 1, 1, 54 }, { 2, 2, 54 }, 1 };
	struct trib_posting back = { { 2, 2, 54 }, { 1, 1, 54 }, INT64_MAX };
	struct trib_posting twice[] = { huge, huge };
	struct trib_posting negative = { { 1, 1, 54 }, { 2, 2, 54 }, -1 };
	struct trib_posting mixed = { { 1, 1, 54 }, { 2, 2, 55 }, 1 };

	assert_false(trib_ledger_accepts(ledger, twice, 2));
	assert_false(trib_ledger_accepts(ledger, &negative, 1));
	assert_false(trib_ledger_accepts(ledger, &mixed, 1));
	assert_true(trib_ledger_accepts(ledger, &huge, 1));
	trib_ledger_post(ledger, &huge, 1);
	assert_false(trib_ledger_accepts(ledger, &one, 1));
	assert_true(trib_ledger_accepts(ledger, &back, 1));
	trib_ledger_post(ledger, &back, 1);
	assert_int_equal(trib_ledger_balance(ledger, huge.credit), 0);
	check(ledger);
	trib_ledger_free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freezes_hand_out_what_was_while_postings_go_on),
		cmocka_unit_test(accounts_are_listed_page_by_page),
		cmocka_unit_test(a_checkpoint_loads_back),
		cmocka_unit_test(what_64_bits_cannot_hold_is_not_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
