/* ORDER and REFUND in a real engine: the books, restarts, kills, checkpoints, messages that come before their order. */
#include "unit/engine/world.h"
#include "unit/engine/digest.h"

#define HOUR_MS INT64_C(3600000)

/* --- Telling ------------------------------------------------------------------------------------------ */

struct told_status {
	trib_status status;
	struct trib_error error;
	struct trib_status_answer answer;
};

static struct told_status tell_at(const char *order, const char *word, int64_t at_ms, int64_t base)
{
	struct trib_status_request request = { .order = trib_bytes_text(order), .has_at = at_ms != 0, .at_ms = at_ms,
					       .has_base = base >= 0, .base_amount = base };
	struct told_status told;

	assert_true(trib_order_state_of_word(trib_bytes_text(word), &request.state));
	told.status = trib_engine_order_status(world.engine, &request, &told.answer, &told.error);
	return told;
}

/* The state's word; "pending"; or the word of the refusal. */
static const char *tell(const char *order, const char *word)
{
	struct told_status told = tell_at(order, word, 0, -1);

	if (told.status != TRIB_OK)
		return trib_status_word(told.status);
	return told.answer.pending ? "pending" : trib_order_state_word(told.answer.state);
}

static trib_status refund_at(const char *order, const char *id, const char *kind, int64_t amount, int64_t at_ms,
			     struct trib_refund_answer *ret_answer)
{
	struct trib_refund_request request = { .order = trib_bytes_text(order), .refund = trib_bytes_text(id), .amount = amount,
					       .has_at = at_ms != 0, .at_ms = at_ms };
	struct trib_error error;

	assert_true(trib_refund_kind_of_word(trib_bytes_text(kind), &request.kind));
	return trib_engine_refund(world.engine, &request, ret_answer, &error);
}

static void expect_refund(const char *order, const char *id, const char *kind, int64_t amount, int64_t remaining,
			  int64_t reversed)
{
	struct trib_refund_answer answer;

	assert_int_equal(refund_at(order, id, kind, amount, 0, &answer), TRIB_OK);
	assert_false(answer.pending);
	assert_int_equal(answer.remaining, remaining);
	assert_int_equal(answer.reversed, reversed);
}

static trib_status refund_status(const char *order, const char *id, const char *kind, int64_t amount)
{
	struct trib_refund_answer answer;

	return refund_at(order, id, kind, amount, 0, &answer);
}

static void assert_whole(void)
{
	const char *reason = "";

	if (!trib_engine_check(world.engine, &reason))
		fail_msg("%s", reason);
}

static void expect_in(const char *order, const char *part)
{
	struct trib_buffer json;
	struct trib_error error;

	trib_buffer_init(&json, 1 << 20);
	trib_status status = trib_engine_explain(world.engine, trib_bytes_text(order), &json, &error);

	assert_ok(status, error);
	if (!strstr(trib_buffer_text(&json), part))
		fail_msg("%s\n is not in %s", part, trib_buffer_text(&json));
	trib_buffer_fini(&json);
}

/* --- Tests -------------------------------------------------------------------------------------------- */

static void a_life_in_the_books(void **state)
{
	world_market();
	assert_int_equal(world_order("o1", "u1", "g1", 10000, world_token("c1", "g1")).charged, 1000);
	assert_string_equal(tell("o1", "paid"), "paid");
	assert_string_equal(tell("o1", "created"), "paid");
	expect_refund("o1", "r1", "partial", 3000, 7000, 300);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 700);
	expect_refund("o1", "r2", "freight_only", 99999, 7000, 0);
	expect_refund("o1", "r1", "partial", 3000, 7000, 300); /* again */
	assert_int_equal(refund_status("o1", "r1", "partial", 3001), TRIB_CONFLICT);
	assert_int_equal(refund_status("o1", "r3", "full", 7001), TRIB_OVER_REFUND);
	assert_string_equal(tell("o1", "shipped"), "shipped");
	assert_string_equal(tell("o1", "received"), "received");
	expect_refund("o1", "r4", "forfeiture", 0, 7000, 700);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 0);
	assert_int_equal(world_balance("platform", TRIB_WORD_PLATFORM), 700);
	assert_int_equal(world_balance("m1", TRIB_WORD_MERCHANT), -700);
	expect_in("o1", "\"state\":\"received\",\"code\":50,\"remaining_base\":7000");
	expect_in("o1", "{\"name\":\"forfeiture\",\"to\":\"platform\",\"from\":\"creator\",\"amount\":700}");
	expect_refund("o1", "r5", "full", 7000, 0, 700);
	assert_int_equal(world_balance("platform", TRIB_WORD_PLATFORM), 0);
	assert_string_equal(tell("o1", "settled"), "settled");
	expect_in("o1", "\"code\":60");
	expect_in("o1", "\"base_final\":0");
	assert_string_equal(tell("o1", "invalid"), "invalid");
	assert_whole();
	/* The decision's answer stays what it was. */
	assert_true(world_order("o1", "u1", "g1", 10000, "-").status == TRIB_CONFLICT);
}

static void an_order_of_nobody(void **state)
{
	world_market();
	world_order("o1", "u1", "g1", 500, "-");
	assert_string_equal(tell("o1", "settled"), "settled");
	expect_refund("o1", "r1", "return", 200, 300, 0);
	assert_string_equal(tell("o1", "invalid"), "invalid");
	world_pass(1000);
	assert_int_equal(refund_status("o1", "r2", "return", 1), TRIB_OVER_REFUND);
	assert_string_equal(tell("o1", "paid"), "refused");
}

static void edits_change_the_base(void **state)
{
	world_market();
	world_order("o1", "u1", "g1", 10000, world_token("c1", "g1"));
	assert_int_equal(tell_at("o1", "paid", 0, 8000).status, TRIB_OK);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 800);
	expect_refund("o1", "r1", "partial", 7999, 1, 800);
	assert_int_equal(tell_at("o1", "shipped", 0, 7000).status, TRIB_REFUSED);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 0);
	assert_int_equal(tell_at("o1", "shipped", 0, 17999).status, TRIB_OK);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 1000);
}

static void rules_keep_after_settlement(void **state)
{
	world_market();
	world_rules("default", "{\"root\":{\"id\":\"r\",\"after_settlement\":\"claw_back_within\",\"claw_back_within\":\"1h\",\"shares\":["
			       "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}");
	world_order("o1", "u1", "g1", 10000, world_token("c1", "g1"));
	assert_string_equal(tell("o1", "settled"), "settled");
	world_pass(HOUR_MS);
	expect_refund("o1", "r1", "partial", 1000, 9000, 100);
	world_pass(1);
	expect_refund("o1", "r2", "partial", 2000, 7000, 0);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 900);
	assert_string_equal(tell("o1", "invalid"), "invalid");
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 900);
}

static void nothing_of_today_reaches_an_old_order(void **state)
{
	world_market();
	world_order("o1", "u1", "g1", 10000, world_token("c1", "g1"));
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":9000}}");
	world_rules("default", "{\"root\":{\"id\":\"r\",\"shares\":[]}}");
	expect_refund("o1", "r1", "partial", 5000, 5000, 500);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 500);
}

/* The rate of the time of payment; it was estimated with that of the order. */
static void rates_locked_at_payment(void **state)
{
	char plan[256];
	const char *token;

	world_market();
	world_rules("default", "{\"root\":{\"id\":\"r\",\"lock\":\"pay\",\"shares\":["
			       "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}");
	token = world_token("c1", "g1");
	assert_int_equal(world_order("o1", "u1", "g1", 10000, token).charged, 1000);
	assert_int_equal(world_order("o2", "u1", "g1", 10000, token).charged, 1000);
	world_pass(HOUR_MS);
	snprintf(plan, sizeof(plan), "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":500}}");
	world_put(TRIB_NOUN_PLAN, plan);
	world_pass(HOUR_MS);
	expect_refund("o1", "r1", "partial", 1000, 9000, 100);
	assert_string_equal(tell("o1", "paid"), "paid");
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 450 + 1000);
	snprintf(plan, sizeof(plan), "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":9000}}");
	world_put(TRIB_NOUN_PLAN, plan);
	world_crash();
	expect_refund("o1", "r2", "partial", 1000, 8000, 50);
	/* It was paid before the cut, as is told now. */
	assert_int_equal(tell_at("o1", "paid", world.clock.ms - 2 * HOUR_MS, -1).status, TRIB_OK);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 800 + 1000);
	assert_whole();
}

/* Estimated until settlement, final from then on; a creator who was paid goes negative. */
static void estimated_and_final(void **state)
{
	const struct trib_ledger *ledger;
	const struct trib_domain *domain;
	struct trib_account account;

	world_market();
	world_order("o1", "u1", "g1", 10000, world_token("c1", "g1"));
	ledger = trib_engine_ledger(world.engine);
	domain = trib_engine_domain(world.engine);
	account = (struct trib_account){ trib_domain_find(domain, TRIB_NOUN_PARTY, trib_bytes_text("c1")), TRIB_WORD_CREATOR,
					 TRIB_WORD_CNY, TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_PENDING };
	expect_refund("o1", "r1", "partial", 1000, 9000, 100);
	assert_int_equal(trib_ledger_balance(ledger, account), 900);
	assert_string_equal(tell("o1", "settled"), "settled");
	assert_int_equal(trib_ledger_balance(ledger, account), 0);
	account.stage = TRIB_STAGE_POSTED;
	assert_int_equal(trib_ledger_balance(ledger, account), 900);
	world_pass(1);
	expect_refund("o1", "r2", "return", 9000, 0, 900);
	assert_int_equal(trib_ledger_balance(ledger, account), 0);
	assert_string_equal(tell("o1", "invalid"), "invalid");
	assert_whole();
}

static int64_t balance_of(const char *party, uint32_t role, uint8_t kind, uint8_t stage)
{
	const struct trib_account account = {
		trib_domain_find(trib_engine_domain(world.engine), TRIB_NOUN_PARTY, trib_bytes_text(party)), role,
		TRIB_WORD_CNY, kind, stage
	};

	return trib_ledger_balance(trib_engine_ledger(world.engine), account);
}

static trib_status review(const char *order, enum trib_review_verdict verdict)
{
	struct trib_error error;

	const struct trib_review_request request = { .order = trib_bytes_text(order), .verdict = verdict,
						     .reason = trib_bytes_text("seen") };

	return trib_engine_review(world.engine, &request, &error);
}

/* Held money is frozen through all that is told, until a review releases or rejects it. */
static void held_money(void **state)
{
	const char *token;

	world_market();
	world_rules("default", "{\"root\":{\"id\":\"r\",\"held\":true,\"shares\":["
			       "{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}");
	token = world_token("c1", "g1");
	world_order("o1", "u1", "g1", 10000, token);
	world_order("o2", "u1", "g1", 10000, token);
	expect_refund("o1", "r1", "partial", 1000, 9000, 100);
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_HELD, TRIB_STAGE_PENDING), 1900);
	assert_string_equal(tell("o1", "settled"), "settled");
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_HELD, TRIB_STAGE_POSTED), 900);
	assert_int_equal(review("o1", TRIB_REVIEW_RELEASED), TRIB_OK);
	assert_int_equal(review("o1", TRIB_REVIEW_RELEASED), TRIB_OK);
	assert_int_equal(review("o1", TRIB_REVIEW_REJECTED), TRIB_CONFLICT);
	assert_int_equal(review("o3", TRIB_REVIEW_REJECTED), TRIB_NOT_FOUND);
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_HELD, TRIB_STAGE_POSTED), 0);
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_POSTED), 900);
	world_crash();
	expect_refund("o1", "r2", "partial", 1000, 8000, 100);
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_POSTED), 800);
	assert_int_equal(review("o2", TRIB_REVIEW_REJECTED), TRIB_OK);
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_HELD, TRIB_STAGE_PENDING), 0);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 800);
	expect_in("o2", "\"review\":{\"verdict\":\"rejected\"");
	assert_whole();
}

/* --- Chains: state × event ---------------------------------------------------------------------------- */

/*
 * What an order's chain comes to for its creator, once the row has been brought about and the column is told: the stage
 * and the amount, "0" where nothing is left; or how it is refused. A commission of 10 %; a base of 20000 is held, one of
 * 30000 is kept after settlement.
 */
static const char *const chain_events[] = { "paid",	"settled", "settled earlier", "invalid", "some back",
					    "all back", "forfeit", "release",	      "reject" };

static const struct chain_row {
	const char *title;
	char order; /* 'u' unknown, 'n' of nobody, 'c' credited */
	int64_t base;
	const char *before[2]; /* told before */
	const char *after[TRIB_ARRAY_SIZE(chain_events)];
} chain_rows[] = {
	/* clang-format off */
	/*			paid		settled		… earlier	invalid		some back	all back	forfeit		release		reject */
	{ "unknown",   'u', 10000, { 0 },
	  {			"0",		"0",		"0",		"0",		"0",		"0",		"0",		"not_found",	"not_found" } },
	{ "of nobody", 'n', 10000, { 0 },
	  {			"0",		"0",		"0",		"0",		"0",		"0",		"0",		"refused",	"refused" } },
	{ "pending",   'c', 10000, { 0 },
	  {			"pending 1000",	"posted 1000",	"posted 1000",	"0",		"pending 600",	"0",		"0",		"refused",	"refused" } },
	{ "refunded",  'c', 10000, { "all back" },
	  {			"0",		"0",		"0",		"0",		"over_refund",	"0",		"0",		"refused",	"refused" } },
	{ "forfeited", 'c', 10000, { "forfeit" },
	  {			"0",		"0",		"0",		"0",		"0",		"0",		"0",		"refused",	"refused" } },
	{ "posted",    'c', 10000, { "settled" },
	  {			"posted 1000",	"posted 1000",	"posted 1000",	"0",		"posted 600",	"0",		"0",		"refused",	"refused" } },
	{ "posted, kept", 'c', 30000, { "settled" },
	  {			"posted 3000",	"posted 3000",	"posted 3000",	"posted 3000",	"posted 3000",	"posted 3000",	"posted 3000",	"refused",	"refused" } },
	{ "void",      'c', 10000, { "invalid" },
	  {			"refused",	"refused",	"0",		"0",		"over_refund",	"over_refund",	"refused",	"refused",	"refused" } },
	{ "void, to be kept", 'c', 30000, { "invalid" },
	  {			"refused",	"refused",	"posted 3000",	"0",		"over_refund",	"over_refund",	"refused",	"refused",	"refused" } },
	{ "held",      'c', 20000, { 0 },
	  {			"held 2000",	"held posted 2000", "held posted 2000", "0",	"held 1600",	"0",		"0",		"pending 2000",	"0" } },
	{ "held, posted", 'c', 20000, { "settled" },
	  {			"held posted 2000", "held posted 2000", "held posted 2000", "0", "held posted 1600", "0",	"0",		"posted 2000",	"0" } },
	{ "released",  'c', 20000, { "release" },
	  {			"pending 2000",	"posted 2000",	"posted 2000",	"0",		"pending 1600",	"0",		"0",		"pending 2000",	"conflict" } },
	{ "rejected",  'c', 20000, { "reject" },
	  {			"0",		"0",		"0",		"0",		"0",		"0",		"0",		"conflict",	"0" } },
	{ "released, posted", 'c', 20000, { "release", "settled" },
	  {			"posted 2000",	"posted 2000",	"posted 2000",	"0",		"posted 1600",	"0",		"0",		"posted 2000",	"conflict" } },
	/* clang-format on */
};

static trib_status tell_chain(const char *order, int64_t base, const char *word)
{
	struct trib_refund_answer answer;

	world_pass(1000);
	if (!strcmp(word, "settled earlier"))
		return tell_at(order, "settled", WORLD_START_MS, -1).status;
	if (!strcmp(word, "some back"))
		return refund_at(order, "some", "partial", 4000, 0, &answer);
	if (!strcmp(word, "all back"))
		return refund_at(order, "all", "full", base, 0, &answer);
	if (!strcmp(word, "forfeit"))
		return refund_at(order, word, "forfeiture", 0, 0, &answer);
	if (!strcmp(word, "release") || !strcmp(word, "reject"))
		return review(order, word[2] == 'l' ? TRIB_REVIEW_RELEASED : TRIB_REVIEW_REJECTED);
	return tell_at(order, word, 0, -1).status;
}

enum { CHAIN_BALANCES = 4 };
static const struct {
	const char *word;
	uint8_t kind, stage;
} chain_balances[CHAIN_BALANCES] = {
	{ "pending", TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_PENDING },
	{ "posted", TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_POSTED },
	{ "held", TRIB_ACCOUNT_HELD, TRIB_STAGE_PENDING },
	{ "held posted", TRIB_ACCOUNT_HELD, TRIB_STAGE_POSTED },
};

static void take_chain(int64_t *ret_balances)
{
	for (size_t i = 0; i < CHAIN_BALANCES; i++)
		ret_balances[i] = balance_of("c1", TRIB_WORD_CREATOR, chain_balances[i].kind, chain_balances[i].stage);
}

/* The one balance of the creator that has changed; two would be a chain in two stages. */
static void name_chain(const int64_t *before, char *ret_text, size_t size)
{
	int64_t now[CHAIN_BALANCES];
	size_t changed = 0;

	take_chain(now);
	snprintf(ret_text, size, "0");
	for (size_t i = 0; i < CHAIN_BALANCES; i++)
		if (now[i] != before[i]) {
			snprintf(ret_text, size, "%s %lld", chain_balances[i].word, (long long)(now[i] - before[i]));
			changed++;
		}
	assert_true(changed <= 1);
}

static void try_chain(const struct chain_row *row, size_t event, const char *order, const char *token)
{
	int64_t before[CHAIN_BALANCES];
	char text[64];
	trib_status status;

	take_chain(before);
	if (row->order != 'u')
		world_order(order, "nobody", "g1", row->base, row->order == 'n' ? "-" : token);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(row->before) && row->before[i]; i++)
		assert_int_equal(tell_chain(order, row->base, row->before[i]), TRIB_OK);
	status = tell_chain(order, row->base, chain_events[event]);
	if (status == TRIB_OK)
		name_chain(before, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s", trib_status_word(status));
	if (strcmp(text, row->after[event]))
		fail_msg("%s, %s: %s, expected %s", row->title, chain_events[event], text, row->after[event]);
}

static void every_event_of_every_chain(void **state)
{
	const char *token;
	char order[16];

	world_market();
	world_rules("default", "{\"root\":{\"id\":\"r\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":"
			       "\"merchant\",\"bps\":\"terms.commission_bps\"}],\"children\":["
			       "{\"id\":\"held\",\"when\":\"order.base == 20000\",\"held\":true},"
			       "{\"id\":\"kept\",\"when\":\"order.base == 30000\",\"after_settlement\":\"keep\"}]}}");
	token = world_token("c1", "g1");
	for (size_t row = 0; row < TRIB_ARRAY_SIZE(chain_rows); row++)
		for (size_t event = 0; event < TRIB_ARRAY_SIZE(chain_events); event++) {
			snprintf(order, sizeof(order), "%zu-%zu", row, event);
			try_chain(&chain_rows[row], event, order, token);
		}
	assert_whole();
}

/* An order is partly posted while one of its lines is settled and another is not. */
static void an_order_is_posted_line_by_line(void **state)
{
	const char *token;

	world_market();
	token = world_token("c1", "g1");
	world_order("o1/1", "u1", "g1", 10000, token);
	world_order("o1/2", "u1", "g1", 5000, token);
	assert_string_equal(tell("o1/2", "settled"), "settled");
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_PENDING), 1000);
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_POSTED), 500);
	assert_string_equal(tell("o1", "settled"), "settled");
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_PENDING), 0);
	assert_int_equal(balance_of("c1", TRIB_WORD_CREATOR, TRIB_ACCOUNT_PAYABLE, TRIB_STAGE_POSTED), 1500);
	world_pass(1);
	assert_string_equal(tell("o1", "invalid"), "invalid");
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 0);
	assert_whole();
}

/* Restarts, kills and checkpoints between any two messages. */
static void lives_go_on_after_a_restart(void **state)
{
	world_market();
	world_order("o1", "u1", "g1", 10000, world_token("c1", "g1"));
	world_restart();
	assert_string_equal(tell("o1", "paid"), "paid"); /* decided before the store's position */
	world_crash();
	expect_in("o1", "\"code\":30");
	expect_refund("o1", "r1", "partial", 1000, 9000, 100);
	expect_refund("o1", "r2", "partial", 1000, 8000, 100);
	world_restart();
	expect_in("o1", "\"remaining_base\":8000");
	expect_refund("o1", "r1", "partial", 1000, 9000, 100);
	expect_refund("o1", "r3", "partial", 1000, 7000, 100);
	world_crash();
	world_restart();
	world_restart();
	expect_in("o1", "\"remaining_base\":7000");
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 700);
	assert_true(world_order("o1", "u1", "g1", 10000, "-").status == TRIB_CONFLICT);
	assert_whole();
}

static void messages_before_their_order(void **state)
{
	struct trib_refund_answer answer;
	struct trib_engine_counts counts;
	const char *token;

	world_market();
	token = world_token("c1", "g1");
	assert_string_equal(tell("o1", "paid"), "pending");
	assert_string_equal(tell("o1", "paid"), "pending");
	assert_int_equal(refund_at("o1", "r1", "partial", 4000, 0, &answer), TRIB_OK);
	assert_true(answer.pending);
	world_crash();
	assert_int_equal(refund_at("o1", "r1", "partial", 4000, 0, &answer), TRIB_OK);
	assert_int_equal(refund_at("o1", "r1", "partial", 4001, 0, &answer), TRIB_CONFLICT);
	world_restart();
	assert_string_equal(tell("o1", "shipped"), "pending");
	trib_engine_count(world.engine, &counts);
	assert_int_equal(counts.kept, 1);
	world_restart();
	assert_int_equal(world_order("o1", "u1", "g1", 10000, token).charged, 1000); /* as decided */
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 600);
	expect_in("o1", "\"state\":\"shipped\",\"code\":30,\"remaining_base\":6000");
	expect_refund("o1", "r1", "partial", 4000, 6000, 400);
	trib_engine_count(world.engine, &counts);
	assert_int_equal(counts.kept, 0);
	world_crash();
	expect_in("o1", "\"state\":\"shipped\",\"code\":30,\"remaining_base\":6000");
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 600);
	world_restart();
	trib_engine_count(world.engine, &counts);
	assert_int_equal(counts.kept, 0);
}

/* What is told of an order is told to its lines, those that are still to come included. */
static void lines_of_an_order(void **state)
{
	struct told_status told;
	const char *token;

	world_market();
	token = world_token("c1", "g1");
	world_order("o1/1", "u1", "g1", 10000, token);
	world_order("o1/2", "u1", "g1", 5000, token);
	world_order("o10/1", "u1", "g1", 100, token);
	assert_string_equal(tell("o1", "paid"), "paid");
	expect_in("o1/1", "\"code\":30");
	expect_in("o1/2", "\"code\":30");
	expect_in("o10/1", "\"code\":null");
	world_restart();
	world_order("o1/3", "u1", "g1", 2000, token);
	expect_in("o1/3", "\"code\":30");
	world_crash();
	expect_in("o1/3", "\"code\":30");
	assert_string_equal(tell("o1/1", "settled"), "settled");
	assert_string_equal(tell("o1", "received"), "received");
	expect_in("o1/1", "\"code\":60");
	expect_in("o1/2", "\"code\":50");
	world_restart();
	told = tell_at("o1", "shipped", 0, 100);
	assert_int_equal(told.status, TRIB_INVALID);
	assert_string_equal(told.error.at, "BASE");
	assert_string_equal(tell("o1", "invalid"), "invalid");
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 10);
	world_pass(1);
	assert_string_equal(tell("o1", "paid"), "invalid"); /* told before */
	/* A line of its own under the order's name. */
	world_order("o2", "u1", "g1", 1000, token);
	world_order("o2/1", "u1", "g1", 1000, token);
	assert_string_equal(tell("o2", "invalid"), "invalid");
	expect_in("o2/1", "\"code\":null");
	assert_whole();
}

static void kept_messages_expire(void **state)
{
	const char *token;

	world_market();
	assert_string_equal(tell("o1", "invalid"), "pending");
	assert_string_equal(tell("o2", "invalid"), "pending");
	world_pass(30 * WORLD_DAY_MS);
	token = world_token("c1", "g1");
	assert_int_equal(world_order("o1", "u1", "g1", 10000, token).charged, 1000);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 0);
	world_pass(1);
	assert_int_equal(world_order("o2", "u1", "g1", 10000, token).charged, 1000);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 1000);
	world_crash();
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 1000);
}

static void bad_messages(void **state)
{
	static const char long_reason[TRIB_LIMIT_ORDER_REASON_BYTES + 2] = { [0 ... TRIB_LIMIT_ORDER_REASON_BYTES] = 'x' };
	struct trib_status_request request = { .order = trib_bytes_text("o1"), .state = TRIB_ORDER_PAID };
	struct trib_refund_request refund = { .order = trib_bytes_text("o1"), .refund = trib_bytes_text("r1"),
					      .kind = TRIB_REFUND_PARTIAL };
	struct trib_status_answer answer;
	struct trib_refund_answer refunded;
	struct trib_error error;

	world_market();
	world_order("o1", "u1", "g1", 10000, world_token("c1", "g1"));
	request.reason = trib_bytes_text(long_reason);
	assert_int_equal(trib_engine_order_status(world.engine, &request, &answer, &error), TRIB_INVALID);
	assert_string_equal(error.at, "REASON");
	request.reason = trib_bytes_text("\xff");
	assert_int_equal(trib_engine_order_status(world.engine, &request, &answer, &error), TRIB_INVALID);
	request.reason = trib_bytes_text("");
	request.order = trib_bytes_text("o 1");
	assert_int_equal(trib_engine_order_status(world.engine, &request, &answer, &error), TRIB_INVALID);
	assert_string_equal(error.at, "order");
	request.order = trib_bytes_text("o1");
	request.has_at = true;
	request.at_ms = 1;
	assert_int_equal(trib_engine_order_status(world.engine, &request, &answer, &error), TRIB_TOO_OLD);
	request.at_ms = world.clock.ms + 2 * HOUR_MS;
	assert_int_equal(trib_engine_order_status(world.engine, &request, &answer, &error), TRIB_BAD_TIME);
	refund.refund = trib_bytes_text("");
	assert_int_equal(trib_engine_refund(world.engine, &refund, &refunded, &error), TRIB_INVALID);
	refund.refund = trib_bytes_text("r1");
	refund.amount = -1;
	assert_int_equal(trib_engine_refund(world.engine, &refund, &refunded, &error), TRIB_INVALID);
	assert_string_equal(error.at, "amount");
	refund.amount = INT64_MAX;
	assert_int_equal(trib_engine_refund(world.engine, &refund, &refunded, &error), TRIB_OVER_REFUND);
	expect_in("o1", "\"told\":[]");
}

static void huge_amounts(void **state)
{
	const char *token;

	world_market();
	token = world_token("c1", "g1");
	assert_int_equal(world_order("o1", "u1", "g1", INT64_MAX, token).status, TRIB_OK);
	assert_int_equal(tell_at("o1", "paid", 0, INT64_MAX).status, TRIB_OK);
	assert_int_equal(refund_status("o1", "r1", "partial", INT64_MAX), TRIB_OK);
	assert_int_equal(refund_status("o1", "r2", "partial", 1), TRIB_OVER_REFUND);
	assert_int_equal(world_balance("c1", TRIB_WORD_CREATOR), 0);
	assert_whole();
}

/* --- Any sequence --------------------------------------------------------------------------------------- */

enum { LIVES = 60, MESSAGES = 400 };

struct message {
	unsigned order;
	bool refund;
	const char *word;
	int64_t amount, at_ms;
	char id[8];
	bool refused;
};

static void draw_messages(struct trib_rng *rng, struct message *messages)
{
	static const char *const words[] = { "created", "paid", "shipped", "received", "settled", "invalid" };

	for (unsigned i = 0; i < MESSAGES; i++) {
		struct message *message = &messages[i];

		*message = (struct message){ .order = (unsigned)trib_rng_below(rng, LIVES), .refund = trib_rng_below(rng, 2),
					     .at_ms = WORLD_START_MS - (int64_t)trib_rng_below(rng, 1000) };
		snprintf(message->id, sizeof(message->id), "r%u", i);
		if (message->refund) {
			message->word = trib_refund_kind_word((enum trib_refund_kind)(1 + trib_rng_below(rng, 9)));
			message->amount = (int64_t)trib_rng_below(rng, 2000);
		} else {
			message->word = words[trib_rng_below(rng, trib_rng_below(rng, 5) ? 5 : 6)];
			message->amount = trib_rng_below(rng, 5) ? -1 : 5000 + (int64_t)trib_rng_below(rng, 9000);
		}
	}
}

static trib_status tell_message(const struct message *message)
{
	struct trib_refund_answer answer;
	char order[16];

	snprintf(order, sizeof(order), "o%u", message->order);
	return message->refund ? refund_at(order, message->id, message->word, message->amount, message->at_ms, &answer) :
				 tell_at(order, message->word, message->at_ms, message->amount).status;
}

static void make_order(unsigned i)
{
	char order[16], user[16];

	snprintf(order, sizeof(order), "o%u", i);
	snprintf(user, sizeof(user), "u%u", i);
	world_order(order, user, "g1", 1000 + 173 * i, i % 7 ? world_token(i % 2 ? "c1" : "c2", "g1") : "-");
}

/* Balances and what is said of every order, but for positions and what was answered. */
static void take_balances(int64_t *ret_balances)
{
	trib_engine_settle(world.engine);
	assert_whole();
	ret_balances[0] = world_balance("c1", TRIB_WORD_CREATOR);
	ret_balances[1] = world_balance("c2", TRIB_WORD_CREATOR);
	ret_balances[2] = world_balance("m1", TRIB_WORD_MERCHANT);
	ret_balances[3] = world_balance("platform", TRIB_WORD_PLATFORM);
}

static void any_sequence_ends_in_the_same_books(void **state)
{
	static struct message messages[MESSAGES];
	int64_t first[4], second[4];
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	draw_messages(&rng, messages);
	world_market();
	for (unsigned i = 0; i < LIVES; i++)
		make_order(i);
	for (unsigned i = 0; i < MESSAGES; i++) {
		messages[i].refused = tell_message(&messages[i]) != TRIB_OK;
		if (trib_rng_below(&rng, 100) == 0)
			world_restart();
	}
	take_balances(first);
	for (int round = 0; round < 4; round++) {
		unsigned refused = 0;

		world_teardown(state);
		world_setup(state);
		world_market();
		/* Odd rounds: half of the orders come after all that is told of them. */
		for (unsigned i = 0; i < LIVES; i++)
			if (round % 2 == 0 || i % 2)
				make_order(i);
		for (unsigned i = MESSAGES; i > 1; i--) {
			unsigned j = (unsigned)trib_rng_below(&rng, i);
			struct message message = messages[j];

			messages[j] = messages[i - 1];
			messages[i - 1] = message;
		}
		for (unsigned i = 0; i < MESSAGES; i++)
			if (!messages[i].refused && tell_message(&messages[i]) != TRIB_OK)
				refused++;
		for (unsigned i = 0; round % 2 && i < LIVES; i += 2)
			make_order(i);
		if (trib_rng_below(&rng, 2))
			world_crash();
		take_balances(second);
		/* A sequence may be impossible: a refund of what an edit has yet to add, a status behind `invalid`. */
		if (!refused && round % 2 == 0)
			assert_memory_equal(first, second, sizeof(first));
	}
}

/* What replay, store and tail make of random lives is what was lived. */
static void replay_is_what_was_lived(void **state)
{
	static struct message messages[MESSAGES];
	struct trib_buffer lived, again;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	draw_messages(&rng, messages);
	world_market();
	trib_buffer_init(&lived, DIGEST_BYTES_MAX);
	trib_buffer_init(&again, DIGEST_BYTES_MAX);
	for (unsigned i = 0; i < MESSAGES; i++) {
		if (i % 3 == 0 && i / 3 < LIVES)
			make_order(i / 3);
		tell_message(&messages[i]);
		if (trib_rng_below(&rng, 60) == 0)
			world_restart();
		if (trib_rng_below(&rng, 60) == 0)
			world_crash();
	}
	digest_dump(world.engine, DIGEST_POSITIONS, &lived);
	world_crash();
	digest_dump(world.engine, DIGEST_POSITIONS, &again);
	digest_assert_equal("after a kill", trib_buffer_bytes(&again), trib_buffer_bytes(&lived));
	world_restart();
	trib_buffer_reset(&again);
	digest_dump(world.engine, DIGEST_PLAIN, &again);
	trib_buffer_reset(&lived);
	world_crash();
	digest_dump(world.engine, DIGEST_PLAIN, &lived);
	digest_assert_equal("after a restart and a kill", trib_buffer_bytes(&again), trib_buffer_bytes(&lived));
	trib_buffer_fini(&lived);
	trib_buffer_fini(&again);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		T(a_life_in_the_books),
		T(an_order_of_nobody),
		T(edits_change_the_base),
		T(rules_keep_after_settlement),
		T(nothing_of_today_reaches_an_old_order),
		T(rates_locked_at_payment),
		T(estimated_and_final),
		T(held_money),
		T(every_event_of_every_chain),
		T(an_order_is_posted_line_by_line),
		T(lives_go_on_after_a_restart),
		T(messages_before_their_order),
		T(lines_of_an_order),
		T(kept_messages_expire),
		T(bad_messages),
		T(huge_amounts),
		T(any_sequence_ends_in_the_same_books),
		T(replay_is_what_was_lived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
