/*
 * The life of an order: states and refunds by tables, and for random messages: whatever the sequence in which they come,
 * the books end the same, as a simple twin says they must.
 */
#include "test.h"

#include "commission/commission.h"
#include "unit/commission/lives.h"

enum { MERCHANT = TRIB_SLOT_MERCHANT, PLATFORM, CREATOR, LEADER, LEADER2, AGENCY };
enum { DAY = 86400000, T0 = 1000 };

/* 20 % to the creator, of which 10 % to the platform and of the rest 30 % to the agency; 3 % to the leader. */
static const struct trib_share shares[] = {
	{ .name = 1, .to = CREATOR, .from = MERCHANT, .of = TRIB_OF_BASE, .rate = TRIB_RATE_COMMISSION, .cap = TRIB_CAP_NONE },
	{ .name = 2, .to = LEADER, .from = MERCHANT, .of = TRIB_OF_BASE, .rate = TRIB_RATE_SERVICE, .cap = TRIB_CAP_NONE },
	{ .name = 3, .to = PLATFORM, .from = CREATOR, .of = 0, .rate = TRIB_RATE_PLATFORM, .cap = TRIB_CAP_NONE },
	{ .name = 4, .to = AGENCY, .from = CREATOR, .of = 0, .take = TRIB_TAKE_REST, .rate = TRIB_RATE_AGENCY, .cap = TRIB_CAP_NONE },
};

static void make_order(struct trib_life_order *order, int64_t base)
{
	order->base = base;
	order->deposit = 0;
	order->after_settlement = TRIB_AFTER_SETTLEMENT_CLAW_BACK;
	order->claw_back_ms = 0;
	order->deposit_counts = false;
	order->shares = shares;
	order->n_shares = TRIB_ARRAY_SIZE(shares);
	order->n_slices = 1;
	order->slices[0] = (struct trib_life_slice){
		.weight = 1, .earns = true, .parties = { 1, 2, 3, 4, 5, 6 },
		.rates = { .bps = { [TRIB_RATE_COMMISSION] = 2000, [TRIB_RATE_SERVICE] = 300, [TRIB_RATE_PLATFORM] = 1000,
				    [TRIB_RATE_AGENCY] = 3000 } },
	};
}

/* --- Words -------------------------------------------------------------------------------------------- */

static void words_and_codes(void **state)
{
	static const struct {
		const char *word;
		int code;
	} rows[] = { { "created", 0 }, { "paid", 30 }, { "shipped", 30 }, { "received", 50 }, { "settled", 60 }, { "invalid", 80 } };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		enum trib_order_state found;

		assert_true(trib_order_state_of_word(trib_bytes_text(rows[i].word), &found));
		assert_string_equal(trib_order_state_word(found), rows[i].word);
		assert_int_equal(trib_order_state_code(found), rows[i].code);
	}
	for (int kind = TRIB_REFUND_FULL; kind <= TRIB_REFUND_FORFEITURE; kind++) {
		enum trib_refund_kind found;

		assert_true(trib_refund_kind_of_word(trib_bytes_text(trib_refund_kind_word(kind)), &found));
		assert_int_equal(found, kind);
	}
	assert_null(trib_order_state_word(0));
	assert_null(trib_refund_kind_word(0));
}

/* --- State × event ------------------------------------------------------------------------------------ */

/* In the state that the row names, the status of the column is told: what is it then? "" : impossible, refused. */
static const char *const states[6][6] = {
	/*		created	    paid	shipped	    received	settled	    invalid */
	/* created */  { "created",  "paid",	"shipped",  "received", "settled",  "invalid" },
	/* paid */     { "paid",     "paid",	"shipped",  "received", "settled",  "invalid" },
	/* shipped */  { "shipped",  "shipped",	"shipped",  "received", "settled",  "invalid" },
	/* received */ { "received", "received", "received", "received", "settled",  "invalid" },
	/* settled */  { "settled",  "settled", "settled",  "settled",	"settled",  "invalid" },
	/* invalid */  { "",	     "",	"",	    "",		"",	    "invalid" },
};

static trib_status tell_order(const struct trib_life_order *order, struct trib_life_messages *messages,
			      enum trib_order_state state, int64_t at_ms)
{
	const struct trib_status_message message = { .state = state, .at_ms = at_ms };
	struct trib_error error;
	bool changed;

	return trib_life_tell_status(order, messages, &message, &changed, &error);
}

static trib_status refund_order(const struct trib_life_order *order, struct trib_life_messages *messages, const char *id,
				enum trib_refund_kind kind, int64_t amount, int64_t at_ms)
{
	const struct trib_refund refund = { .id = trib_bytes_text(id), .kind = kind, .amount = amount, .at_ms = at_ms,
					    .at_stated = true };
	struct trib_error error;
	uint32_t at;
	bool changed;

	return trib_life_tell_refund(order, messages, &refund, &changed, &at, &error);
}

static void every_status_in_every_state(void **state)
{
	static struct trib_life_order order;
	static struct trib_life life;

	make_order(&order, 10000);
	for (int from = 0; from < 6; from++) {
		for (int to = 0; to < 6; to++) {
			struct trib_life_messages messages = { 0 };
			const char *expected = states[from][to];

			assert_int_equal(tell_order(&order, &messages, from + 1, T0), TRIB_OK);
			assert_int_equal(tell_order(&order, &messages, to + 1, T0 + 1), expected[0] ? TRIB_OK : TRIB_REFUSED);
			trib_lifecycle(&order, &messages, &life);
			assert_string_equal(trib_order_state_word(life.state), expected[0] ? expected : "invalid");
			/* What comes late, but was earlier, is never refused. */
			messages = (struct trib_life_messages){ 0 };
			assert_int_equal(tell_order(&order, &messages, from + 1, T0 + 1), TRIB_OK);
			assert_int_equal(tell_order(&order, &messages, to + 1, T0), TRIB_OK);
		}
	}
}

static void every_refund_in_every_state(void **state)
{
	static struct trib_life_order order;
	static struct trib_life life;

	make_order(&order, 10000);
	for (int from = TRIB_ORDER_CREATED; from <= TRIB_ORDER_INVALID; from++) {
		for (int kind = TRIB_REFUND_FULL; kind <= TRIB_REFUND_FORFEITURE; kind++) {
			struct trib_life_messages messages = { 0 };
			bool invalid = from == TRIB_ORDER_INVALID;
			enum trib_refund_effect effect = trib_refund_effect(kind);
			trib_status expected = !invalid				  ? TRIB_OK :
					       effect == TRIB_REFUND_LOWERS	  ? TRIB_OVER_REFUND :
					       effect == TRIB_REFUND_FORFEITS ? TRIB_REFUSED :
										    TRIB_OK;

			assert_int_equal(tell_order(&order, &messages, from, T0), TRIB_OK);
			assert_int_equal(refund_order(&order, &messages, "r", kind, 4000, T0 + 1), expected);
			trib_lifecycle(&order, &messages, &life);
			assert_int_equal(life.remaining, invalid ? 0 : effect == TRIB_REFUND_LOWERS ? 6000 : 10000);
			assert_int_equal(life.counted, life.remaining);
			assert_int_equal(life.charged, life.counted * 2300 / 10000);
			/* 2000 − 200 − 540 would be the creator's. */
			assert_int_equal(life.forfeited, effect == TRIB_REFUND_FORFEITS && !invalid ? 1260 : 0);
			messages = (struct trib_life_messages){ 0 };
			assert_int_equal(tell_order(&order, &messages, from, T0 + 1), TRIB_OK);
			assert_int_equal(refund_order(&order, &messages, "r", kind, 4000, T0), TRIB_OK);
		}
	}
}

/* --- Stories ------------------------------------------------------------------------------------------ */

/* "p5" paid at 5, "s7=9000" shipped at 7 with base 9000, "r8:full:100" a refund of 100 at 8; "!" before: refused. */
struct story {
	const char *title;
	enum trib_after_settlement after;
	int64_t claw_back_ms, deposit;
	bool deposit_counts;
	const char *messages;
	const char *state;
	int64_t remaining, counted, charged, forfeited;
};

static const struct story stories[] = {
	/* clang-format off */
	{ "nothing was told", 0, 0, 0, false, "", "created", 10000, 10000, 2300, 0 },
	{ "a life", 0, 0, 0, false, "c1 p2 s3 g4 t5", "settled", 10000, 10000, 2300, 0 },
	{ "a life backwards", 0, 0, 0, false, "t5 g4 s3 p2 c1", "settled", 10000, 10000, 2300, 0 },
	{ "partial refund, then full refund", 0, 0, 0, false, "p1 r2:partial:3000 r3:full:7000", "paid", 0, 0, 0, 0 },
	{ "the full refund comes first", 0, 0, 0, false, "p1 r3:full:7000 r2:partial:3000", "paid", 0, 0, 0, 0 },
	{ "more than remains", 0, 0, 0, false, "p1 r2:partial:3000 !r3:full:7001", "paid", 7000, 7000, 1610, 0 },
	{ "freight-only refund: no effect, whatever its amount", 0, 0, 0, false, "p1 r2:freight_only:90000", "paid", 10000, 10000, 2300, 0 },
	{ "exchange: no effect", 0, 0, 0, false, "p1 r2:exchange:10000", "paid", 10000, 10000, 2300, 0 },
	{ "price protection lowers the base", 0, 0, 0, false, "p1 r2:price_protection:1000", "paid", 9000, 9000, 2070, 0 },
	{ "chargeback after settlement", 0, 0, 0, false, "p1 t2 r3:chargeback:10000", "settled", 0, 0, 0, 0 },
	{ "forfeiture: the creator's part goes to the platform", 0, 0, 0, false, "p1 r2:forfeiture:0", "paid", 10000, 10000, 2300, 1260 },
	{ "forfeiture and then a refund: what is left is forfeited", 0, 0, 0, false, "p1 r2:forfeiture:0 r3:partial:5000", "paid", 5000, 5000, 1150, 630 },
	{ "two forfeitures are one", 0, 0, 0, false, "r2:forfeiture:0 r3:forfeiture:0", "created", 10000, 10000, 2300, 1260 },
	{ "invalid voids", 0, 0, 0, false, "p1 i2", "invalid", 0, 0, 0, 0 },
	{ "invalid after settlement, claw back", 0, 0, 0, false, "p1 t2 i3", "invalid", 0, 0, 0, 0 },
	{ "invalid after settlement, keep", TRIB_AFTER_SETTLEMENT_KEEP, 0, 0, false, "p1 t2 i3", "invalid", 0, 10000, 2300, 0 },
	{ "invalid before settlement, told later", TRIB_AFTER_SETTLEMENT_KEEP, 0, 0, false, "p1 t3 i2", "invalid", 0, 0, 0, 0 },
	{ "keep: the split at settlement stands", TRIB_AFTER_SETTLEMENT_KEEP, 0, 0, false, "p1 r2:partial:1000 t3 r4:full:9000", "settled", 0, 9000, 2070, 0 },
	{ "keep: a refund of before, told later", TRIB_AFTER_SETTLEMENT_KEEP, 0, 0, false, "p1 t3 r2:partial:1000", "settled", 9000, 9000, 2070, 0 },
	{ "keep: at the very time of settlement is not late", TRIB_AFTER_SETTLEMENT_KEEP, 0, 0, false, "t3 r3:partial:1000", "settled", 9000, 9000, 2070, 0 },
	{ "keep: even a forfeiture", TRIB_AFTER_SETTLEMENT_KEEP, 0, 0, false, "t3 r4:forfeiture:0", "settled", 10000, 10000, 2300, 0 },
	{ "within: the last moment", TRIB_AFTER_SETTLEMENT_CLAW_BACK_WITHIN, 10, 0, false, "t3 r13:partial:1000", "settled", 9000, 9000, 2070, 0 },
	{ "within: too late", TRIB_AFTER_SETTLEMENT_CLAW_BACK_WITHIN, 10, 0, false, "t3 r14:partial:1000", "settled", 9000, 10000, 2300, 0 },
	{ "an edit before payment", 0, 0, 0, false, "p2=8000", "paid", 8000, 8000, 1840, 0 },
	{ "of two edits the later counts", 0, 0, 0, false, "s3=9000 p2=8000", "shipped", 9000, 9000, 2070, 0 },
	{ "an edit below what has been refunded", 0, 0, 0, false, "r1:partial:3000 !p2=2999 p2=3000", "paid", 0, 0, 0, 0 },
	{ "an edit upwards makes room", 0, 0, 0, false, "!r1:partial:11000 p2=12000 r1:partial:11000", "paid", 1000, 1000, 230, 0 },
	{ "keep: an edit after settlement", TRIB_AFTER_SETTLEMENT_KEEP, 0, 0, false, "p2=9000 t3 g4=8000", "settled", 9000, 9000, 2070, 0 },
	{ "one status, one time, two bases", 0, 0, 0, false, "p2=9000 !p2=8000", "paid", 9000, 9000, 2070, 0 },
	{ "pre-sale: the deposit is paid, the balance not", 0, 0, 1500, false, "c1 i2", "invalid", 0, 0, 0, 0 },
	{ "pre-sale: the forfeited deposit earns where the rule says so", 0, 0, 1500, true, "c1 i2", "invalid", 0, 1500, 345, 0 },
	{ "pre-sale: the balance was paid, so the deposit is not forfeited", 0, 0, 1500, true, "c1 p2 i3", "invalid", 0, 0, 0, 0 },
	{ "pre-sale: the balance is another than thought", 0, 0, 1500, true, "c1 p2=9500", "paid", 9500, 9500, 2185, 0 },
	{ "the same id, the same content", 0, 0, 0, false, "r2:partial:10 r2:partial:10", "created", 9990, 9990, 2297, 0 },
	{ "the same id, another amount", 0, 0, 0, false, "r2:partial:10 !r2:partial:11", "created", 9990, 9990, 2297, 0 },
	/* clang-format on */
};

static enum trib_order_state state_of_letter(char letter)
{
	static const char letters[] = "?cpsgti"; /* g: got it; t: settled */

	return (enum trib_order_state)(strchr(letters, letter) - letters);
}

/* Refunds are named by their AT. */
static trib_status tell_word(const struct trib_life_order *order, struct trib_life_messages *messages, const char *word)
{
	static char ids[64][8];
	struct trib_status_message message = { 0 };
	struct trib_error error;
	long long at = 0, amount = 0;
	char kind[32];
	bool changed;

	if (word[0] == 'r') {
		enum trib_refund_kind number;

		assert_int_equal(sscanf(word, "r%lld:%31[a-z_]:%lld", &at, kind, &amount), 3);
		assert_true(trib_refund_kind_of_word(trib_bytes_text(kind), &number));
		snprintf(ids[at], sizeof(ids[at]), "r%lld", at);
		return refund_order(order, messages, ids[at], number, amount, at);
	}
	message.state = state_of_letter(word[0]);
	message.states_base = sscanf(word + 1, "%lld=%lld", &at, &amount) == 2;
	message.at_ms = at;
	message.base = amount;
	return trib_life_tell_status(order, messages, &message, &changed, &error);
}

static void told_stories(void **state)
{
	static struct trib_life_order order;
	static struct trib_life life;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(stories); i++) {
		const struct story *story = &stories[i];
		struct trib_life_messages messages = { 0 };
		char text[256], *rest = text;
		const char *word, *reason;

		make_order(&order, 10000);
		order.after_settlement = story->after;
		order.claw_back_ms = story->claw_back_ms;
		order.deposit = story->deposit;
		order.deposit_counts = story->deposit_counts;
		snprintf(text, sizeof(text), "%s", story->messages);
		while ((word = strsep(&rest, " ")) && *word) {
			bool refused = *word == '!';

			if ((tell_word(&order, &messages, word + refused) != TRIB_OK) != refused)
				fail_msg("%s: %s", story->title, word);
			assert_true(trib_life_messages_check(&messages, &reason));
		}
		trib_lifecycle(&order, &messages, &life);
		if (strcmp(trib_order_state_word(life.state), story->state) != 0 || life.remaining != story->remaining ||
		    life.counted != story->counted || life.charged != story->charged || life.forfeited != story->forfeited)
			fail_msg("%s: %s remaining %lld counted %lld charged %lld forfeited %lld", story->title,
				 trib_order_state_word(life.state), (long long)life.remaining, (long long)life.counted,
				 (long long)life.charged, (long long)life.forfeited);
	}
}

static void bounds(void **state)
{
	static struct trib_life_order order;
	struct trib_life_messages messages = { 0 };
	char ids[TRIB_LIMIT_ORDER_REFUNDS + 1][8];

	make_order(&order, 10000);
	for (int i = 0; i <= TRIB_LIMIT_ORDER_REFUNDS; i++) {
		snprintf(ids[i], sizeof(ids[i]), "r%d", i);
		assert_int_equal(refund_order(&order, &messages, ids[i], TRIB_REFUND_PARTIAL, 1, T0 - i),
				 i < TRIB_LIMIT_ORDER_REFUNDS ? TRIB_OK : TRIB_LIMIT);
	}
	messages.n_refunds = 0;
	for (int i = 0; i <= TRIB_LIMIT_ORDER_EDITS; i++) {
		const struct trib_status_message message = { .state = TRIB_ORDER_PAID, .at_ms = T0 + i, .states_base = true,
							     .base = i };
		struct trib_error error;
		bool changed;

		assert_int_equal(trib_life_tell_status(&order, &messages, &message, &changed, &error),
				 i < TRIB_LIMIT_ORDER_EDITS ? TRIB_OK : TRIB_LIMIT);
	}
}

/* --- Kept --------------------------------------------------------------------------------------------- */

/* Messages kept while the order was unknown come to the same as if it had been known. */
static void kept_messages(void **state)
{
	static struct trib_life_order order;
	static struct trib_life life;
	struct trib_life_messages kept = { 0 }, messages;

	make_order(&order, 10000);
	assert_int_equal(tell_word(NULL, &kept, "p5=9000"), TRIB_OK);
	assert_int_equal(tell_word(NULL, &kept, "r8:partial:8000"), TRIB_OK);
	assert_int_equal(tell_word(NULL, &kept, "r9:partial:2000"), TRIB_OK); /* takes too much, as will be seen */
	assert_int_equal(tell_word(NULL, &kept, "r7:partial:500"), TRIB_OK);
	assert_int_equal(tell_word(NULL, &kept, "r7:partial:501"), TRIB_CONFLICT);
	assert_int_equal(trib_life_tell_kept(&order, &kept, &messages), 1);
	trib_lifecycle(&order, &messages, &life);
	assert_int_equal(life.state, TRIB_ORDER_PAID);
	assert_int_equal(life.remaining, 500);
	assert_int_equal(messages.n_refunds, 2);
}

/* Pieces come back with their refund; what does not bring goods back leaves them. */
static void pieces(void **state)
{
	static const struct {
		int64_t ordered;
		enum trib_refund_kind kind[2];
		uint32_t qty[2];
		int64_t at_ms[2];
		trib_status second;
		int64_t left;
	} rows[] = {
		{ 3, { TRIB_REFUND_PARTIAL, TRIB_REFUND_RETURN }, { 1, 2 }, { 1, 2 }, TRIB_OK, 0 },
		{ 3, { TRIB_REFUND_PARTIAL, TRIB_REFUND_RETURN }, { 2, 2 }, { 1, 2 }, TRIB_OVER_REFUND, 1 },
		{ 3, { TRIB_REFUND_PARTIAL, TRIB_REFUND_RETURN }, { 3, 0 }, { 1, 2 }, TRIB_OK, 0 },
		{ 3, { TRIB_REFUND_PRICE_PROTECTION, TRIB_REFUND_CHARGEBACK }, { 3, 3 }, { 1, 2 }, TRIB_OK, 0 },
		{ 3, { TRIB_REFUND_EXCHANGE, TRIB_REFUND_REFUND_ONLY }, { 3, 4 }, { 1, 2 }, TRIB_OVER_REFUND, 3 },
		{ 3, { TRIB_REFUND_FREIGHT_ONLY, TRIB_REFUND_FORFEITURE }, { 9, 9 }, { 1, 2 }, TRIB_OK, 3 },
		/* How many were ordered is not known: then any number may come back. */
		{ 0, { TRIB_REFUND_RETURN, TRIB_REFUND_RETURN }, { 1, 1 }, { 1, 2 }, TRIB_OK, 0 },
		/* After settlement the rule keeps them. */
		{ 3, { TRIB_REFUND_RETURN, TRIB_REFUND_RETURN }, { 1, 1 }, { 1, 50 }, TRIB_OK, 2 },
		{ 3, { TRIB_REFUND_RETURN, TRIB_REFUND_RETURN }, { 1, 3 }, { 50, 1 }, TRIB_OVER_REFUND, 3 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		static struct trib_life_order order;
		struct trib_life_messages messages = { 0 };
		struct trib_error error;
		uint32_t at;
		bool changed;

		make_order(&order, 10000);
		order.qty = rows[i].ordered;
		order.after_settlement = TRIB_AFTER_SETTLEMENT_KEEP;
		assert_int_equal(tell_order(&order, &messages, TRIB_ORDER_SETTLED, 40), TRIB_OK);
		for (uint32_t j = 0; j < 2; j++) {
			const struct trib_refund refund = { .id = trib_bytes_text(j ? "b" : "a"), .kind = rows[i].kind[j],
							    .amount = 10, .qty = rows[i].qty[j], .at_ms = rows[i].at_ms[j] };
			trib_status status = trib_life_tell_refund(&order, &messages, &refund, &changed, &at, &error);

			assert_int_equal(status, j ? rows[i].second : TRIB_OK);
			if (status != TRIB_OK)
				assert_string_equal(error.at, "QTY");
		}
		assert_int_equal(trib_life_pieces(&order, &messages), rows[i].left);
	}
}

/* bench/lifecycle.c tells a million. */
static void random_lives(void **state)
{
	static struct life_case life;
	struct lives_counts counts = { 0 };
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	while (counts.lives < 20000) {
		const char *reason = lives_try(&rng, &life, &counts);

		if (reason)
			fail_msg("life %llu: %s", (unsigned long long)counts.lives, reason);
	}
	assert_true(counts.other_sequences > counts.lives);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_codes),
		cmocka_unit_test(every_status_in_every_state),
		cmocka_unit_test(every_refund_in_every_state),
		cmocka_unit_test(told_stories),
		cmocka_unit_test(bounds),
		cmocka_unit_test(kept_messages),
		cmocka_unit_test(pieces),
		cmocka_unit_test(random_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
