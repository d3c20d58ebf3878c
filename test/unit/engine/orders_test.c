/* The rows that the trade knows of, order by order: amounts, locks, carriers, candidates. */
#include "unit/engine/world.h"

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

/* Every order is told by a call with named fields; what is not named is not stated. */
static struct world_answer place(const struct trib_order_request *stated)
{
	struct trib_order_request request = *stated;
	struct world_answer answer;

	if (!request.user.size)
		request.user = trib_bytes_text("u1");
	if (!request.goods.size)
		request.goods = trib_bytes_text("g1");
	if (!request.token.size)
		request.token = trib_bytes_text("-");
	trib_engine_orders(world.engine, &request, 1, world_answered, &answer);
	return answer;
}

#define T(text) trib_bytes_text(text)
#define ORDER(...) place(&(struct trib_order_request){ __VA_ARGS__ })

static void expect_shown(const char *order, const char *part)
{
	struct trib_buffer json;
	const struct trib_order_record *record;
	struct trib_error error;
	uint64_t position;
	trib_status status = trib_engine_order(world.engine, T(order), &record, &position, &error);

	assert_ok(status, error);
	trib_buffer_init(&json, 1 << 20);
	trib_engine_order_json(world.engine, record, position, &json);
	if (!strstr(trib_buffer_text(&json), part))
		fail_msg("found %s, expected %s in it", trib_buffer_text(&json), part);
	trib_buffer_fini(&json);
}

/* --- Amounts ------------------------------------------------------------------------------------------ */

static void bases_are_computed(void **state)
{
	static const struct {
		const char *order;
		int64_t amounts[TRIB_AMOUNTS]; /* paid freight tax merchant platform creator deposit */
		int64_t stated; /* -1: - */
		enum trib_outcome outcome;
		int64_t base, charged;
	} rows[] = {
		{ "a1", { 10000 }, -1, TRIB_OUTCOME_ATTRIBUTED, 10000, 1000 },
		{ "a2", { 10000, 800, 200 }, -1, TRIB_OUTCOME_ATTRIBUTED, 9000, 900 },
		/* What merchant and creator give away is not in the base; what the platform gives is. */
		{ "a3", { 10000, 0, 0, 500, 300, 200 }, -1, TRIB_OUTCOME_ATTRIBUTED, 10300, 1030 },
		/* A platform coupon larger than what was paid. */
		{ "a4", { 100, 0, 0, 0, 5000 }, -1, TRIB_OUTCOME_ATTRIBUTED, 5100, 510 },
		{ "a5", { 0, 0, 0, 0, 5000 }, -1, TRIB_OUTCOME_ATTRIBUTED, 5000, 500 },
		/* Freight larger than what was paid: never below 0. */
		{ "a6", { 500, 800 }, -1, TRIB_OUTCOME_ZERO_BASE, 0, 0 },
		{ "a7", { 800, 800 }, -1, TRIB_OUTCOME_ZERO_BASE, 0, 0 },
		{ "a8", { 10000, 800 }, 7000, TRIB_OUTCOME_ATTRIBUTED, 7000, 700 },
		{ "a9", { 10000, 800 }, 0, TRIB_OUTCOME_ZERO_BASE, 0, 0 },
		{ "b1", { TRIB_AMOUNT_MAX, 0, 0, 0, TRIB_AMOUNT_MAX }, -1, TRIB_OUTCOME_ATTRIBUTED,
		  2 * TRIB_AMOUNT_MAX, TRIB_AMOUNT_MAX / 5 },
		/* A deposit is a part of what is paid. */
		{ "b2", { 10000, 0, 0, 0, 0, 0, 2000 }, -1, TRIB_OUTCOME_ATTRIBUTED, 10000, 1000 },
	};

	world_market();
	const char *token = world_token("c1", "g1");

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_order_request request = { .order = T(rows[i].order), .token = T(token),
						      .base_amount = TRIB_MAX(rows[i].stated, (int64_t)0),
						      .no_base = rows[i].stated < 0, .has_amounts = true };
		char part[64];

		memcpy(request.amounts, rows[i].amounts, sizeof(request.amounts));
		struct world_answer answer = place(&request);

		assert_ok(answer.status, answer.error);
		if (answer.outcome != rows[i].outcome || answer.charged != rows[i].charged)
			fail_msg("%s: found %s, %lld", rows[i].order, trib_outcome_word(answer.outcome),
				 (long long)answer.charged);
		snprintf(part, sizeof(part), "\"base_amount\":%lld,\"base_stated\":%s", (long long)rows[i].base,
			 rows[i].stated < 0 ? "false" : "true");
		expect_shown(rows[i].order, part);
	}
	expect_shown("a6", "\"base_formula\":\"default@1/default\",\"base_result\":-300");
	expect_shown("a2", "\"trade_amount\":10000,\"amounts\":{\"paid\":10000,\"freight\":800,\"tax\":200,");
	/* After a restart the same. */
	world_crash();
	expect_shown("a6", "\"base_formula\":\"default@1/default\",\"base_result\":-300");
}

static void formulas_of_nodes(void **state)
{
	world_market();
	const char *token = world_token("c1", "g1");
	static const struct {
		const char *order, *scene;
		int64_t paid, freight, charged;
		const char *formula;
	} rows[] = {
		{ "a1", "live", 1000, 100, 90, "live@1/live" },	    /* paid - freight */
		{ "a2", "live", 5000, 100, 500, "live@1/big" },	    /* its own: paid */
		{ "a3", "live", 9000, 100, 890, "live@1/biggest" }, /* the default again */
		{ "a4", "live", 20000, 0, 0, "live@1/broken" },	    /* a division by 0: base 0 */
	};

	world_rules("live", "{\"root\":{\"id\":\"live\",\"base\":\"order.paid - order.freight\",\"shares\":"
			    "[{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":1000}],\"children\":["
			    "{\"id\":\"broken\",\"when\":\"order.paid >= 20000\",\"base\":\"order.paid / order.freight\"},"
			    "{\"id\":\"biggest\",\"when\":\"order.base >= 8000\",\"base\":\"order.base\"},"
			    "{\"id\":\"big\",\"when\":\"order.base >= 4000\",\"base\":\"order.paid\"}]}}");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char part[64];
		struct world_answer answer = ORDER(.order = T(rows[i].order), .token = T(token), .no_base = true,
						   .has_amounts = true, .scene = T(rows[i].scene),
						   .amounts = { rows[i].paid, rows[i].freight });

		assert_ok(answer.status, answer.error);
		assert_int_equal(answer.charged, rows[i].charged);
		snprintf(part, sizeof(part), "\"base_formula\":\"%s\"", rows[i].formula);
		expect_shown(rows[i].order, part);
	}
	/* A stated base asks no formula. */
	struct world_answer stated = ORDER(.order = T("b1"), .token = T(token), .base_amount = 700, .has_amounts = true,
					   .scene = T("live"), .amounts = { 1000, 100 });

	assert_int_equal(stated.charged, 70);
}

/* --- Locks -------------------------------------------------------------------------------------------- */

static void put_commission(const char *bps)
{
	char json[256];

	snprintf(json, sizeof(json),
		 "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":%s}}", bps);
	world_put(TRIB_NOUN_PLAN, json);
}

/*
 * The link is made at 10 %, the click comes after a cut to 8 %, the order after another to 5 %; then the rate
 * rises to 20 % before anything is paid, which no lock of an order that was decided sees.
 */
static void whose_time_fixes_the_rate(void **state)
{
	static const char *const locks[] = { "link", "touch", "order", "pay", "deposit" };
	static const int64_t by_touch[] = { 1000, 800, 500, 500, 500 };
	static const int64_t by_token[] = { 1000, 1000, 500, 500, 500 };
	char token[128], order[16];

	world_market();
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(locks); i++) {
		char json[256];

		snprintf(json, sizeof(json),
			 "{\"root\":{\"id\":\"r\",\"lock\":\"%s\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\","
			 "\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}",
			 locks[i]);
		world_rules(locks[i], json);
	}
	strcpy(token, world_token("c1", "g1"));
	world_pass(1000);
	put_commission("800");
	world_pass(1000);
	world_touch("u1", token);
	world_pass(1000);
	put_commission("500");
	world_pass(1000);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(locks); i++) {
		snprintf(order, sizeof(order), "touch%zu", i);
		assert_int_equal(ORDER(.order = T(order), .base_amount = 10000, .scene = T(locks[i])).charged, by_touch[i]);
		snprintf(order, sizeof(order), "token%zu", i);
		assert_int_equal(ORDER(.order = T(order), .base_amount = 10000, .scene = T(locks[i]), .token = T(token)).charged,
				 by_token[i]);
	}
	/* A rate that changes between order and payment leaves what was decided. */
	world_pass(1000);
	put_commission("2000");
	world_pass(1000);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(locks); i++) {
		snprintf(order, sizeof(order), "touch%zu", i);
		struct world_answer again = ORDER(.order = T(order), .base_amount = 10000, .scene = T(locks[i]));

		assert_true(again.repeated);
		assert_int_equal(again.charged, by_touch[i]);
	}
	assert_int_equal(ORDER(.order = T("late"), .base_amount = 10000, .scene = T("order")).charged, 2000);
}

static void cuts_have_a_grace(void **state)
{
	world_market();
	world_rules("kind", "{\"root\":{\"id\":\"r\",\"grace\":\"2h\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\","
			    "\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}");
	const char *token = world_token("c1", "g1");
	static const struct {
		const char *order, *put; /* the commission from now on, NULL: as it is */
		int64_t pass_ms;	 /* after that */
		int64_t commission_bps;
	} rows[] = {
		{ "a1", NULL, 3600000, 1000 },
		{ "a2", "800", 0, 1000 },
		{ "a3", NULL, 7200000 - 1, 1000 }, /* the last moment of the grace */
		{ "a4", NULL, 1, 800 },
		{ "a5", "1500", 1000, 1500 }, /* a rise, at once */
		{ "a6", "300", 60000, 1500 },
		{ "a7", "600", 60000, 1500 }, /* higher than the last, lower than what stands in the grace */
		{ "a8", NULL, 7200000 - 120000, 600 }, /* 1500 is over; 300 was, until 600 came, lower anyway */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		if (rows[i].put)
			put_commission(rows[i].put);
		world_pass(rows[i].pass_ms);
		struct world_answer answer = ORDER(.order = T(rows[i].order), .base_amount = 10000, .scene = T("kind"),
						   .token = T(token));

		if (answer.charged != rows[i].commission_bps)
			fail_msg("%s: found %lld", rows[i].order, (long long)answer.charged);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(bases_are_computed),
		WORLD_TEST(formulas_of_nodes),
		WORLD_TEST(whose_time_fixes_the_rate),
		WORLD_TEST(cuts_have_a_grace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
