#include "test.h"

#include "commission/commission.h"

/* Slots of these tests; the first two are the room's. */
enum { MERCHANT, PLATFORM, CREATOR, LEADER, LEADER2, AGENCY };
enum { BASE = TRIB_OF_BASE, NONE = 0 };
static const char *const slot_words[] = { "merchant", "platform", "creator",
					  "leader",   "leader2",  "agency" };

#define ALL()	    .parties = { 1, 2, 3, 4, 5, 6 }
#define STATED(n)   .bps = (n), .cap = TRIB_CAP_NONE
#define TERMS(name) .rate = TRIB_RATE_##name, .cap = TRIB_CAP_NONE

struct row {
	const char *title;
	int64_t base;
	uint32_t parties[6];
	struct trib_rates rates;
	struct trib_share shares[4];
	int64_t charged;
	const char *lines; /* "share:from>to=amount …" */
};

static const struct row rows[] = {
	/* clang-format off */
	{ "one commission, floored", 1999, ALL(), { { 0, 2000 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) } },
	  399, "0:merchant>creator=399" },
	{ "half to even goes down", 250, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, .round = TRIB_ROUND_HALF_EVEN, STATED(100) } },
	  2, "0:merchant>creator=2" },
	{ "half to even goes up", 350, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, .round = TRIB_ROUND_HALF_EVEN, STATED(100) } },
	  4, "0:merchant>creator=4" },
	{ "expected income as creators see it: 29.9 at 15 %", 2990, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, .round = TRIB_ROUND_HALF_EVEN, STATED(1500) } },
	  448, "0:merchant>creator=448" },
	{ "a base of nothing still says who", 0, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, STATED(1000) } },
	  0, "0:merchant>creator=0" },
	{ "a rate of 0 says nothing", 1999, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) } },
	  0, "" },
	{ "a receiver who is not there", 1999, { 1, 2, 3, NONE, NONE, NONE }, { { 0, 2000, 300 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) },
	    { .to = LEADER, .from = MERCHANT, .of = BASE, TERMS(SERVICE) } },
	  399, "0:merchant>creator=399" },
	{ "a payer who is not there, and what is paid out of his part", 1999, { 1, 2, 3, NONE, 5, 6 }, { { 0 } },
	  { { .to = LEADER, .from = MERCHANT, .of = BASE, STATED(300) },
	    { .to = LEADER2, .from = LEADER, .of = 0, STATED(5000) } },
	  0, "" },
	{ "the second leader is paid by the first", 10000, ALL(), { { 0, 2000, 300, 4000 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) },
	    { .to = LEADER, .from = MERCHANT, .of = BASE, TERMS(SERVICE) },
	    { .to = LEADER2, .from = LEADER, .of = 1, TERMS(SERVICE2) } },
	  2300, "0:merchant>creator=2000 1:merchant>leader=300 2:leader>leader2=120" },
	{ "platform fee first, agency from the rest", 10000, ALL(), { { 0, 2000, 0, 0, 1000, 3000 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) },
	    { .to = PLATFORM, .from = CREATOR, .of = 0, TERMS(PLATFORM) },
	    { .to = AGENCY, .from = CREATOR, .of = 0, .take = TRIB_TAKE_REST, TERMS(AGENCY) } },
	  2000, "0:merchant>creator=2000 1:creator>platform=200 2:creator>agency=540" },
	{ "agency from the gross", 10000, ALL(), { { 0, 2000, 0, 0, 1000, 3000 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) },
	    { .to = PLATFORM, .from = CREATOR, .of = 0, TERMS(PLATFORM) },
	    { .to = AGENCY, .from = CREATOR, .of = 0, TERMS(AGENCY) } },
	  2000, "0:merchant>creator=2000 1:creator>platform=200 2:creator>agency=600" },
	{ "the rest is the payer's own: the platform's subsidy leaves the merchant's base whole", 10000, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = PLATFORM, .of = BASE, STATED(500) },
	    { .to = CREATOR, .from = MERCHANT, .of = BASE, .take = TRIB_TAKE_REST, STATED(1000) },
	    { .to = LEADER, .from = MERCHANT, .of = BASE, .take = TRIB_TAKE_REST, STATED(1000) } },
	  2400, "0:platform>creator=500 1:merchant>creator=1000 2:merchant>leader=900" },
	{ "a cap", 100000, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = PLATFORM, .of = BASE, .bps = 500, .cap = 1234 },
	    { .to = AGENCY, .from = CREATOR, .of = 0, STATED(10000) } },
	  1234, "0:platform>creator=1234 1:creator>agency=1234" },
	{ "never more of a part than there is", 1000, ALL(), { { 0, 8000, 7000 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) },
	    { .to = LEADER, .from = MERCHANT, .of = BASE, TERMS(SERVICE) } },
	  1000, "0:merchant>creator=800 1:merchant>leader=200" },
	{ "a fee on the goods, out of what the creator has", 10000, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, STATED(200) },
	    { .to = PLATFORM, .from = CREATOR, .of = BASE, STATED(300) } },
	  200, "0:merchant>creator=200 1:creator>platform=200" },
	{ "an agency that is paid for its creator, too", 10000, ALL(), { { 0, 2000, 0, 0, 1000, 3000 }, true },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) },
	    { .to = PLATFORM, .from = CREATOR, .of = 0, TERMS(PLATFORM) },
	    { .to = AGENCY, .from = CREATOR, .of = 0, .take = TRIB_TAKE_REST, TERMS(AGENCY) } },
	  2000, "0:merchant>creator=2000 1:creator>platform=200 2:creator>agency=540 253:creator>agency=1260" },
	{ "but there is none", 10000, { 1, 2, 3, 4, 5, NONE }, { { 0, 2000 }, true },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) } },
	  2000, "0:merchant>creator=2000" },
	{ "and nothing is left to it", 10000, ALL(), { { 0, 2000 }, true },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) },
	    { .to = PLATFORM, .from = CREATOR, .of = 0, STATED(10000) } },
	  2000, "0:merchant>creator=2000 1:creator>platform=2000" },
	{ "several payers, tax, and what goes back to the merchant", 20000, ALL(), { { 0, 1500 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, TERMS(COMMISSION) },
	    { .to = CREATOR, .from = PLATFORM, .of = BASE, .bps = 500, .cap = 800 },
	    { .to = MERCHANT, .from = CREATOR, .of = 0, STATED(1000) },
	    { .to = PLATFORM, .from = CREATOR, .of = 0, .round = TRIB_ROUND_HALF_EVEN, STATED(333) } },
	  3800, "0:merchant>creator=3000 1:platform>creator=800 2:creator>merchant=300 3:creator>platform=100" },
	{ "as much as 64 bits hold, from two payers", INT64_MAX, ALL(), { { 0 } },
	  { { .to = CREATOR, .from = MERCHANT, .of = BASE, STATED(10000) },
	    { .to = CREATOR, .from = PLATFORM, .of = BASE, STATED(10000) },
	    { .to = AGENCY, .from = CREATOR, .of = 0, STATED(10000) } },
	  INT64_MAX, "0:merchant>creator=9223372036854775807 1:platform>creator=0 2:creator>agency=9223372036854775807" },
	/* clang-format on */
};

static size_t shares_in(const struct row *row)
{
	size_t n = 0;

	while (n < TRIB_ARRAY_SIZE(row->shares) && row->shares[n].cap)
		n++;
	return n;
}

static void shares_split_as_the_table_says(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		size_t n = shares_in(row), count;
		uint32_t parties[TRIB_SLOTS] = { 0 };
		struct trib_line lines[TRIB_SPLIT_LINES_MAX];
		struct trib_error error;
		struct trib_buffer text;
		const char *reason;
		int64_t charged;

		memcpy(parties, row->parties, sizeof(row->parties));
		assert_ok(trib_shares_check(row->shares, n, &error), error);
		count = trib_split(row->shares, n, row->base, &row->rates, parties, lines,
				   &charged);
		trib_buffer_init(&text, 4096);
		for (size_t j = 0; j < count; j++)
			trib_buffer_add_format(&text, "%s%u:%s>%s=%lld", j ? " " : "",
					       lines[j].share, slot_words[lines[j].from],
					       slot_words[lines[j].to], (long long)lines[j].amount);
		if (charged != row->charged || strcmp(trib_buffer_text(&text), row->lines))
			fail_msg("%s: found %s (%lld), expected %s (%lld)", row->title,
				 trib_buffer_text(&text), (long long)charged, row->lines,
				 (long long)row->charged);
		if (!trib_split_conserved(row->shares, n, row->base, lines, count, charged,
					  &reason))
			fail_msg("%s: %s", row->title, reason);
		trib_buffer_fini(&text);
	}
}

static void bad_shares_are_refused_by_place(void **state)
{
	static const struct {
		struct trib_share shares[3];
		size_t n;
		const char *at;
	} bad[] = {
		/* clang-format off */
		{ { { .to = CREATOR, .from = MERCHANT, .of = 0, STATED(1) } }, 1, "shares[0].of" },
		{ { { .to = CREATOR, .from = MERCHANT, .of = BASE, STATED(1) },
		    { .to = CREATOR, .from = MERCHANT, .of = 2, STATED(1) } }, 2, "shares[1].of" },
		{ { { .to = CREATOR, .from = CREATOR, .of = BASE, STATED(1) } }, 1, "shares[0].to" },
		{ { { .to = 32, .from = MERCHANT, .of = BASE, STATED(1) } }, 1, "shares[0].to" },
		{ { { .to = CREATOR, .from = 32, .of = BASE, STATED(1) } }, 1, "shares[0].from" },
		{ { { .to = CREATOR, .from = LEADER, .of = BASE, STATED(1) } }, 1, "shares[0].from" },
		{ { { .to = LEADER, .from = CREATOR, .of = BASE, STATED(1) },
		    { .to = CREATOR, .from = MERCHANT, .of = BASE, STATED(1) } }, 2, "shares[0].from" },
		{ { { .to = CREATOR, .from = MERCHANT, .of = BASE, STATED(10001) } }, 1, "shares[0].bps" },
		{ { { .to = CREATOR, .from = MERCHANT, .of = BASE, .rate = TRIB_RATES, .cap = 1 } }, 1, "shares[0].bps" },
		{ { { .to = CREATOR, .from = MERCHANT, .of = BASE, STATED(6000) },
		    { .to = LEADER, .from = MERCHANT, .of = BASE, STATED(4001) } }, 2, "shares[1].bps" },
		{ { { .to = CREATOR, .from = MERCHANT, .of = BASE, .bps = 1, .cap = -1 } }, 1, "shares[0].cap" },
		{ { { .to = CREATOR, .from = MERCHANT, .of = BASE, .take = 2, STATED(1) } }, 1, "shares[0].take" },
		{ { { .to = CREATOR, .from = MERCHANT, .of = BASE, .round = 2, STATED(1) } }, 1, "shares[0].round" },
		{ { { .to = CREATOR, .from = MERCHANT, .of = BASE, .kind = 99, STATED(1) } }, 1, "shares[0].kind" },
		{ { { .name = 7, .to = CREATOR, .from = MERCHANT, .of = BASE, STATED(1) },
		    { .name = 7, .to = LEADER, .from = MERCHANT, .of = BASE, STATED(1) } }, 2, "shares[1].name" },
		/* clang-format on */
	};
	struct trib_share many[TRIB_LIMIT_RULE_SHARES + 1] = { 0 };
	struct trib_error error;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(bad); i++) {
		assert_int_equal(trib_shares_check(bad[i].shares, bad[i].n, &error), TRIB_INVALID);
		assert_string_equal(error.at, bad[i].at);
	}
	assert_int_equal(trib_shares_check(many, TRIB_ARRAY_SIZE(many), &error), TRIB_LIMIT);
}

/*
 * The twin keeps money in jars: what each payer has left of each part, and what each party has in hand. It has no
 * lines to search, and multiplies in 128 bits.
 */
static size_t twin_split(const struct trib_share *shares, size_t n, int64_t base,
			 const struct trib_rates *rates, const uint32_t *parties, int64_t *amounts)
{
	static __int128 jars[TRIB_SLOTS][TRIB_OF_BASE + 1];
	__int128 hands[TRIB_SLOTS] = { 0 }, gross[TRIB_OF_BASE + 1] = { 0 }, outside = 0;
	size_t count = 0;

	gross[TRIB_OF_BASE] = base;
	for (size_t slot = 0; slot < TRIB_SLOTS; slot++) {
		memset(jars[slot], 0, sizeof(jars[slot]));
		jars[slot][TRIB_OF_BASE] = base;
	}
	for (size_t i = 0; i < n; i++) {
		const struct trib_share *s = &shares[i];
		uint32_t bps = s->rate ? rates->bps[s->rate] : s->bps;

		amounts[i] = -1;
		if (!bps || !parties[s->to] || !parties[s->from])
			continue;
		__int128 product = (s->take ? jars[s->from][s->of] : gross[s->of]) * bps;
		__int128 amount = product / 10000, rest = product % 10000;

		if (s->round && (rest > 5000 || (rest == 5000 && amount % 2)))
			amount++;
		amount = amount > s->cap ? s->cap : amount;
		amount = amount > jars[s->from][s->of] ? jars[s->from][s->of] : amount;
		__int128 hand = s->from < 2 ? INT64_MAX - outside : hands[s->from];

		amount = amount > hand ? hand : amount;
		outside += s->from < 2 ? amount : 0;
		hands[s->from] -= amount;
		hands[s->to] += amount;
		jars[s->from][s->of] -= amount;
		gross[i] = amount;
		for (size_t slot = 0; slot < TRIB_SLOTS; slot++)
			jars[slot][i] = amount;
		amounts[i] = (int64_t)amount;
		count++;
	}
	return count;
}

static void random_shares(struct trib_rng *rng, struct trib_share *shares, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct trib_share *s = &shares[i];
		size_t earlier = i ? trib_rng_below(rng, i) : 0;

		*s = (struct trib_share){ .name = (uint32_t)i + 1,
					  .of = TRIB_OF_BASE,
					  .take = trib_rng_below(rng, 2),
					  .round = trib_rng_below(rng, 2),
					  .cap = trib_rng_chance(rng, 0.2)
							 ? trib_rng_between(rng, 0, 5000)
							 : TRIB_CAP_NONE };
		if (i && trib_rng_chance(rng, 0.5))
			s->of = (uint8_t)earlier;
		s->from = i && trib_rng_chance(rng, 0.5) ? shares[earlier].to
							 : (uint8_t)trib_rng_below(rng, 2);
		do {
			s->to = (uint8_t)trib_rng_below(rng, 6);
		} while (s->to == s->from);
		if (trib_rng_chance(rng, 0.5))
			s->rate = (uint8_t)(1 + trib_rng_below(rng, TRIB_RATES - 1));
		else
			s->bps = (uint16_t)trib_rng_below(rng,
							  trib_rng_chance(rng, 0.1) ? 10001 : 1000);
	}
}

/*
 * What every party has in hand when all lines are through: what came from outside, no more and no less, and nobody
 * inside below 0. With all to the agency the creator has nothing; what it would have had, the agency has more.
 */
static void check_hands(const struct trib_line *lines, size_t count, size_t by_share,
			const struct trib_rates *rates, const uint32_t *parties, int64_t charged)
{
	__int128 hands[TRIB_SLOTS] = { 0 }, creator = 0, outside = 0, sum = 0;

	for (size_t i = 0; i < count; i++) {
		hands[lines[i].from] -= lines[i].amount;
		hands[lines[i].to] += lines[i].amount;
		outside += lines[i].from < 2 ? lines[i].amount : 0;
		if (i < by_share)
			creator += lines[i].to == CREATOR ? lines[i].amount :
				   lines[i].from == CREATOR ? -lines[i].amount : 0;
	}
	for (size_t slot = 0; slot < TRIB_SLOTS; slot++) {
		sum += hands[slot];
		assert_true(slot < 2 || hands[slot] >= 0);
	}
	assert_true(sum == 0 && outside == charged);
	bool passes = rates->all_to_agency && parties[CREATOR] && parties[AGENCY] && creator > 0;

	assert_int_equal(count - by_share, passes);
	assert_true(hands[CREATOR] == (passes ? 0 : creator));
}

static void million_of_random_splits_are_conserved(void **state)
{
	struct trib_rng rng;
	struct trib_share shares[TRIB_LIMIT_RULE_SHARES];
	struct trib_line lines[TRIB_SPLIT_LINES_MAX];
	int64_t amounts[TRIB_LIMIT_RULE_SHARES], charged;
	uint32_t parties[TRIB_SLOTS] = { 0 };
	struct trib_rates rates = { { 0 }, false };
	size_t accepted = 0;

	trib_rng_seed(&rng, trib_test_seed());
	while (accepted < 1000000) {
		size_t n = trib_rng_below(&rng, trib_rng_chance(&rng, 0.01) ? 33 : 7), count;
		int64_t base = (int64_t)(trib_rng_u64(&rng) >> (1 + trib_rng_below(&rng, 63)));
		const char *reason = "";

		random_shares(&rng, shares, n);
		if (trib_shares_check(shares, n, NULL) != TRIB_OK)
			continue;
		accepted++;
		for (size_t i = 1; i < TRIB_RATES; i++)
			rates.bps[i] = (uint16_t)trib_rng_below(&rng, 10001);
		rates.all_to_agency = trib_rng_chance(&rng, 0.2);
		for (size_t slot = 0; slot < 6; slot++)
			parties[slot] = trib_rng_chance(&rng, 0.9) ? (uint32_t)(slot * 100 + 7) : 0;
		count = trib_split(shares, n, base, &rates, parties, lines, &charged);
		if (!trib_split_conserved(shares, n, base, lines, count, charged, &reason))
			fail_msg("split %zu: %s", accepted, reason);
		size_t by_share = count && lines[count - 1].share == TRIB_SHARE_PASSED ? count - 1 : count;

		assert_int_equal(twin_split(shares, n, base, &rates, parties, amounts), by_share);
		for (size_t i = 0; i < by_share; i++)
			assert_int_equal(lines[i].amount, amounts[lines[i].share]);
		check_hands(lines, count, by_share, &rates, parties, charged);
	}
}

static void broken_splits_are_told(void **state)
{
	static const struct trib_share shares[] = {
		{ .to = CREATOR, .from = MERCHANT, .of = BASE, .bps = 2000, .cap = 500 },
		{ .to = AGENCY, .from = CREATOR, .of = 0, .bps = 3000, .cap = TRIB_CAP_NONE },
		{ .to = LEADER, .from = CREATOR, .of = BASE, .bps = 3000, .cap = TRIB_CAP_NONE },
	};
	static const struct {
		struct trib_line lines[3];
		size_t n;
		int64_t charged;
		const char *reason;
	} broken[] = {
		/* clang-format off */
		{ { { .share = 9 } }, 1, 0, "a line of no share" },
		{ { { .share = 0, .to = CREATOR, .amount = 5 },
		    { .share = TRIB_SHARE_PASSED, .to = AGENCY, .from = CREATOR, .amount = 4 } },
		  2, 5, "what an agency is paid for its creator is not what that has left" },
		{ { { .share = 0, .to = CREATOR, .amount = 5 },
		    { .share = TRIB_SHARE_PASSED, .to = LEADER, .from = CREATOR, .amount = 5 } },
		  2, 5, "what an agency is paid for its creator is not what that has left" },
		{ { { .share = 0, .to = CREATOR }, { .share = 0, .to = CREATOR } }, 2, 0, "lines out of order" },
		{ { { .share = 0, .to = AGENCY } }, 1, 0, "a line that is not its share's" },
		{ { { .share = 0, .to = CREATOR, .amount = -1 } }, 1, -1, "an amount below 0 or above its cap" },
		{ { { .share = 0, .to = CREATOR, .amount = 501 } }, 1, 501, "an amount below 0 or above its cap" },
		{ { { .share = 0, .to = CREATOR, .amount = 5 }, { .share = 1, .from = CREATOR, .to = AGENCY, .amount = 6 } },
		  2, 5, "a payer pays more of a part than there is" },
		{ { { .share = 0, .to = CREATOR, .amount = 5 }, { .share = 1, .from = CREATOR, .to = AGENCY, .amount = 4 },
		    { .share = 2, .from = CREATOR, .to = LEADER, .amount = 2 } }, 3, 5, "a party pays more than it has been paid" },
		{ { { .share = 0, .to = CREATOR, .amount = 5 } }, 1, 4, "charged is not what came from outside" },
		/* clang-format on */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(broken); i++) {
		const char *reason = "none";

		assert_false(trib_split_conserved(shares, 3, 1000, broken[i].lines, broken[i].n,
						  broken[i].charged, &reason));
		assert_string_equal(reason, broken[i].reason);
	}
}

static void words_are_found(void **state)
{
	enum trib_rate rate = TRIB_RATE_STATED;

	assert_int_equal(trib_line_kind_of_name(trib_bytes_text("service2")), TRIB_LINE_SERVICE2);
	assert_int_equal(trib_line_kind_of_name(trib_bytes_text("bonus")), TRIB_LINE_OTHER);
	assert_string_equal(trib_line_kind_word(TRIB_LINE_TAX), "tax");
	assert_string_equal(trib_line_kind_title(TRIB_LINE_COMMISSION, true), "佣金");
	assert_true(trib_rate_of_word(trib_bytes_text("agency_bps"), &rate));
	assert_int_equal(rate, TRIB_RATE_AGENCY);
	assert_false(trib_rate_of_word(trib_bytes_text(""), &rate));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_split_as_the_table_says),
		cmocka_unit_test(bad_shares_are_refused_by_place),
		cmocka_unit_test(million_of_random_splits_are_conserved),
		cmocka_unit_test(broken_splits_are_told),
		cmocka_unit_test(words_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
