#include "test.h"

#include "commission/commission.h"

enum {
	PARTIES = 40,
	ROLES = 3,
	KINDS = 3,
	STAGES = 2,
	OF_CURRENCY = PARTIES * ROLES * KINDS * STAGES,
	CURRENCIES = 2,
	ACCOUNTS = OF_CURRENCY * CURRENCIES
};

enum { PAYABLE = TRIB_ACCOUNT_PAYABLE, PENDING = TRIB_STAGE_PENDING };
#define BOTH(a, b) (struct trib_balance){ (a), (b) }

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
	/* Parties far apart, so that several pages of the ledger are in use. Stages are a bit below kinds. */
	return (struct trib_account){
		.stage = (uint8_t)(slot % STAGES + 1),
		.kind = (uint8_t)(slot / STAGES % KINDS + 1),
		.party = (uint32_t)(slot / STAGES / KINDS % PARTIES + 1) * 30011,
		.role = (uint32_t)(slot / STAGES / KINDS / PARTIES % ROLES + 1),
		.currency = (uint32_t)(slot / OF_CURRENCY + 54),
	};
}

static size_t slot_of(struct trib_account account, enum trib_stage stage)
{
	return (stage - 1u) +
	       STAGES * (account.kind - 1u +
			 KINDS * (account.party / 30011 - 1 +
				  PARTIES * (account.role - 1 + ROLES * (account.currency - 54))));
}

static void check(const struct trib_ledger *ledger)
{
	const char *reason;

	if (!trib_ledger_check(ledger, &reason))
		fail_msg("%s", reason);
}

static void take_frozen(void *context, struct trib_account account, struct trib_balance balance)
{
	struct twin *twin = context;
	size_t pending = slot_of(account, TRIB_STAGE_PENDING), posted = slot_of(account, TRIB_STAGE_POSTED);

	assert_true(twin->frozen[pending] || twin->frozen[posted]);
	assert_int_equal(twin->frozen_balance[pending], balance.pending);
	assert_int_equal(twin->frozen_balance[posted], balance.posted);
	twin->frozen[pending] = twin->frozen[posted] = false;
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
		/* Both sides in one stage, as chains post: so each stage sums to 0. */
		size_t from = trib_rng_below(rng, CURRENCIES) * OF_CURRENCY + trib_rng_below(rng, STAGES);
		size_t debit = from + STAGES * trib_rng_below(rng, OF_CURRENCY / STAGES);
		size_t credit = from + STAGES * trib_rng_below(rng, OF_CURRENCY / STAGES);
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

struct sums {
	size_t count;
	__int128 total;
	const struct twin *twin;
	struct trib_account filter;
};

/* What the twin has of a party in one role and currency, in one stage, in the kinds that the filter lets through. */
static int64_t twin_sum(const struct sums *sums, struct trib_account account, enum trib_stage stage)
{
	int64_t sum = 0;

	for (uint8_t kind = 1; kind <= KINDS; kind++) {
		account.kind = kind;
		bool passes = !sums->filter.kind || sums->filter.kind == kind;

		/* A stage lets accounts through that hold anything in it, whole. */
		if (sums->filter.stage &&
		    !sums->twin->balance[slot_of(account, (enum trib_stage)sums->filter.stage)])
			passes = false;
		sum += passes ? sums->twin->balance[slot_of(account, stage)] : 0;
	}
	return sum;
}

static void take_sum(void *context, struct trib_account account, struct trib_balance balance)
{
	struct sums *sums = context;

	assert_int_equal(account.kind, 0);
	assert_int_equal(balance.pending, twin_sum(sums, account, TRIB_STAGE_PENDING));
	assert_int_equal(balance.posted, twin_sum(sums, account, TRIB_STAGE_POSTED));
	sums->count++;
	sums->total += (__int128)balance.pending + balance.posted;
}

static void check_sums(const struct trib_ledger *ledger, const struct twin *twin)
{
	for (uint8_t kind = 0; kind <= KINDS; kind++) {
		for (uint8_t stage = 0; stage <= STAGES; stage++) {
			struct sums sums = { .twin = twin, .filter = { .kind = kind, .stage = stage } };
			uint64_t cursor = 0;

			while (trib_ledger_list_sums(ledger, sums.filter, &cursor, 7, take_sum, &sums))
				;
			assert_true(sums.count <= OF_CURRENCY / KINDS / STAGES * CURRENCIES);
			assert_true(kind || stage || !sums.total);
		}
	}
	for (size_t slot = 0; slot < ACCOUNTS; slot += 5) {
		struct trib_account account = account_of(slot);
		int64_t both = 0, all = 0;

		account.stage = 0;
		for (uint8_t kind = 1; kind <= KINDS; kind++) {
			struct trib_account one = account;
			int64_t sum;

			one.kind = kind;
			sum = twin->balance[slot_of(one, TRIB_STAGE_PENDING)] +
			      twin->balance[slot_of(one, TRIB_STAGE_POSTED)];
			all += sum;
			both += kind == account.kind ? sum : 0;
		}
		assert_int_equal(trib_ledger_balance(ledger, account), both);
		account.kind = 0;
		assert_int_equal(trib_ledger_balance(ledger, account), all);
	}
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
	check_sums(ledger, &twin);
	check(ledger);
	trib_ledger_free(ledger);
}

struct listed {
	size_t count;
	int64_t total;
	struct trib_account last;
};

static void take_listed(void *context, struct trib_account account, struct trib_balance balance)
{
	struct listed *listed = context;

	listed->count++;
	listed->total += balance.pending + balance.posted;
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
			{ { 5000, 1, 54, PAYABLE, PENDING }, { i, 2, 54, PAYABLE, PENDING }, 7 },
			{ { i, 2, 54, PAYABLE, PENDING }, { 6000, 3, 54, PAYABLE, PENDING }, i % 2 ? 0 : 2 }
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
	struct trib_posting posting = { { 1, 1, 54, PAYABLE, PENDING }, { 2, 2, 54, PAYABLE, PENDING }, 10 };
	struct listed written = { 0 };
	const char *reason = "";

	trib_ledger_load(ledger, (struct trib_account){ 1, 1, 54, PAYABLE, 0 }, BOTH(-400, 100));
	assert_false(trib_ledger_check(ledger, &reason));
	assert_string_equal(reason, "a currency whose balances do not sum to 0");
	trib_ledger_load(ledger, (struct trib_account){ 2, 2, 54, PAYABLE, 0 }, BOTH(300, -100));
	trib_ledger_load(ledger, (struct trib_account){ 2, 3, 54, PAYABLE, 0 }, BOTH(100, 0));
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
	struct trib_posting huge = { { 1, 1, 54, PAYABLE, PENDING }, { 2, 2, 54, PAYABLE, PENDING }, INT64_MAX };
	struct trib_posting one = { { 1, 1, 54, PAYABLE, PENDING }, { 2, 2, 54, PAYABLE, PENDING }, 1 };
	struct trib_posting back = { { 2, 2, 54, PAYABLE, PENDING }, { 1, 1, 54, PAYABLE, PENDING }, INT64_MAX };
	struct trib_posting twice[] = { huge, huge };
	struct trib_posting negative = { { 1, 1, 54, PAYABLE, PENDING }, { 2, 2, 54, PAYABLE, PENDING }, -1 };
	struct trib_posting mixed = { { 1, 1, 54, PAYABLE, PENDING }, { 2, 2, 55, PAYABLE, PENDING }, 1 };

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

static void kinds_and_stages_of_a_party_fit_together(void **state)
{
	struct trib_ledger *ledger = trib_ledger_new();
	struct trib_posting huge = { { 1, 1, 54, PAYABLE, PENDING }, { 2, 2, 54, PAYABLE, PENDING }, INT64_MAX };
	struct trib_posting other = { { 1, 1, 54, TRIB_ACCOUNT_FEE, TRIB_STAGE_POSTED },
				      { 2, 2, 54, TRIB_ACCOUNT_FEE, TRIB_STAGE_POSTED }, 1 };

	trib_ledger_post(ledger, &huge, 1);
	/* The account is new, but what the party has in that role would not fit. */
	assert_false(trib_ledger_accepts(ledger, &other, 1));
	other.credit.role = other.debit.role = 7;
	assert_true(trib_ledger_accepts(ledger, &other, 1));
	trib_ledger_free(ledger);
}

static void lines_post_to_the_kinds_that_the_books_want(void **state)
{
	enum { MERCHANT = 2, PLATFORM = 1, CREATOR = 3, LEADER = 4, LEADER2 = 5 }; /* codes of roles */
	static const struct {
		enum trib_line_kind line;
		uint32_t from, to;
		bool held;
		enum trib_account_kind from_kind, to_kind;
	} rows[] = {
		/* clang-format off */
		{ TRIB_LINE_COMMISSION, MERCHANT, CREATOR, false, TRIB_ACCOUNT_RECEIVABLE, TRIB_ACCOUNT_PAYABLE },
		{ TRIB_LINE_COMMISSION, MERCHANT, CREATOR, true, TRIB_ACCOUNT_RECEIVABLE, TRIB_ACCOUNT_HELD },
		{ TRIB_LINE_SERVICE, MERCHANT, LEADER, false, TRIB_ACCOUNT_RECEIVABLE, TRIB_ACCOUNT_PAYABLE },
		{ TRIB_LINE_SERVICE2, LEADER, LEADER2, false, TRIB_ACCOUNT_PAYABLE, TRIB_ACCOUNT_PAYABLE },
		{ TRIB_LINE_SERVICE2, LEADER, LEADER2, true, TRIB_ACCOUNT_HELD, TRIB_ACCOUNT_HELD },
		{ TRIB_LINE_SUBSIDY, PLATFORM, CREATOR, false, TRIB_ACCOUNT_SUBSIDY, TRIB_ACCOUNT_PAYABLE },
		{ TRIB_LINE_TECHNICAL, CREATOR, PLATFORM, false, TRIB_ACCOUNT_PAYABLE, TRIB_ACCOUNT_FEE },
		{ TRIB_LINE_TECHNICAL, CREATOR, PLATFORM, true, TRIB_ACCOUNT_HELD, TRIB_ACCOUNT_FEE },
		{ TRIB_LINE_TAX, CREATOR, PLATFORM, false, TRIB_ACCOUNT_PAYABLE, TRIB_ACCOUNT_TAX },
		{ TRIB_LINE_REMISE, CREATOR, MERCHANT, false, TRIB_ACCOUNT_PAYABLE, TRIB_ACCOUNT_RECEIVABLE },
		{ TRIB_LINE_OTHER, MERCHANT, PLATFORM, false, TRIB_ACCOUNT_RECEIVABLE, TRIB_ACCOUNT_FEE },
		/* clang-format on */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		uint8_t kinds = trib_line_kinds(rows[i].line, rows[i].from, rows[i].to, rows[i].held);

		assert_true(trib_kinds_valid(kinds));
		assert_int_equal(trib_kinds_from(kinds, rows[i].from), rows[i].from_kind);
		assert_int_equal(trib_kinds_to(kinds, rows[i].to), rows[i].to_kind);
	}
	/* As release 0.1 stated them: not at all. */
	assert_int_equal(trib_kinds_from(0, MERCHANT), TRIB_ACCOUNT_RECEIVABLE);
	assert_int_equal(trib_kinds_to(0, PLATFORM), TRIB_ACCOUNT_FEE);
	assert_int_equal(trib_kinds_to(0, LEADER), TRIB_ACCOUNT_PAYABLE);
	assert_false(trib_kinds_valid(7) || trib_kinds_valid(8) || trib_kinds_valid(64));
}

static void kinds_and_stages_have_words(void **state)
{
	enum trib_account_kind kind;
	enum trib_stage stage;

	assert_true(trib_account_kind_of_word(trib_bytes_text("held"), &kind));
	assert_int_equal(kind, TRIB_ACCOUNT_HELD);
	assert_false(trib_account_kind_of_word(trib_bytes_text("frozen"), &kind));
	assert_string_equal(trib_account_kind_title(TRIB_ACCOUNT_FEE, true), "费用收入");
	assert_null(trib_account_kind_word(0));
	assert_true(trib_stage_of_word(trib_bytes_text("posted"), &stage));
	assert_int_equal(stage, TRIB_STAGE_POSTED);
	assert_string_equal(trib_stage_title(TRIB_STAGE_PENDING, true), "预估");
	assert_null(trib_stage_word(3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(freezes_hand_out_what_was_while_postings_go_on),
		cmocka_unit_test(accounts_are_listed_page_by_page),
		cmocka_unit_test(a_checkpoint_loads_back),
		cmocka_unit_test(what_64_bits_cannot_hold_is_not_accepted),
		cmocka_unit_test(kinds_and_stages_of_a_party_fit_together),
		cmocka_unit_test(lines_post_to_the_kinds_that_the_books_want),
		cmocka_unit_test(kinds_and_stages_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
