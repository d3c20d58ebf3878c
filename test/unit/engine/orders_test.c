/* The rows that the trade knows of, order by order: amounts, locks, carriers, candidates. */
#include "engine/state.h"
#include "unit/engine/world.h"

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

/*
 * What was recorded, forgotten and resolved again, is the same to the byte: the rich client and a simulation see what
 * the engine saw.
 */
static void resolve_again(struct trib_bytes order)
{
	static char first[1 << 16], second[1 << 16];
	static struct trib_order_record record;
	const struct trib_order_record *found;
	struct trib_arena scratch;
	struct trib_error error;
	uint64_t position;
	trib_status status = trib_engine_order(world.engine, order, &found, &position, &error);

	assert_ok(status, error);
	size_t size = (size_t)(trib_order_record_put(first, found) - first);

	assert_true(trib_order_record_get(trib_bytes(first, size), &record));
	trib_order_record_undecide(&record);
	trib_arena_init(&scratch, 1 << 20);
	const struct trib_market market = engine_market(world.engine);
	const struct trib_resolve_request request = { .now_ms = world.engine->now_ms, .scratch = &scratch };

	trib_resolve_order(&market, &request, &record);
	assert_int_equal(trib_order_record_put(second, &record) - second, size);
	assert_memory_equal(first, second, size);
	trib_arena_fini(&scratch);
}

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
	if (answer.status == TRIB_OK && !answer.repeated)
		resolve_again(request.order);
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

static void expect_explained(const char *order, const char *part)
{
	struct trib_buffer json;
	struct trib_error error;

	trib_buffer_init(&json, 1 << 20);
	trib_status status = trib_engine_explain(world.engine, T(order), &json, &error);

	assert_ok(status, error);
	if (!strstr(trib_buffer_text(&json), part))
		fail_msg("found %s, expected %s in it", trib_buffer_text(&json), part);
	trib_buffer_fini(&json);
}

#define COMMISSION(bps) \
	"\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":" bps "}]"

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
	expect_explained("touch1", "\"lock\":\"touch\",\"locked_at\":1790000002000,\"commission_bps\":800}]");
	expect_explained("token0", "\"lock\":\"link\",\"locked_at\":1790000000000,\"commission_bps\":1000}]");
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

/* The rates once the payment is told: those of the version in force then, of the plan that won. */
static void payment_fixes_the_rate(void **state)
{
	static const struct {
		const char *scene;
		int64_t pay_ms; /* after the order */
		bool changes;
		int64_t commission_bps;
	} rows[] = {
		{ "pay", 0, false, 1000 },   { "pay", 999, true, 1000 }, { "pay", 1000, true, 600 },
		{ "pay", 5000, true, 900 },  { "order", 5000, false, 1000 }, { "link", 5000, false, 1000 },
		{ "kind", 2500, true, 1000 }, { "kind", 7000, true, 900 }, { "own", 5000, true, 300 },
	};
	static struct trib_order_record record;
	static char bytes[1 << 16];

	world_market();
	const char *token = world_token("c1", "g1");
#define LOCK(name, more) world_rules(name, "{\"root\":{\"id\":\"r\"," more COMMISSION("\"terms.commission_bps\"") "}}")
	LOCK("pay", "\"lock\":\"pay\",");
	LOCK("order", "");
	LOCK("link", "\"lock\":\"link\",");
	LOCK("kind", "\"lock\":\"pay\",\"grace\":\"3s\",");
	LOCK("own", "\"lock\":\"pay\",\"match_rates\":{\"goods\":300},");
#undef LOCK
	world_pass(1000);
	const int64_t at_ms = world.clock.ms;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		char order[8];

		snprintf(order, sizeof(order), "a%zu", i);
		ORDER(.order = T(order), .token = T(token), .base_amount = 10000, .scene = T(rows[i].scene), .at_ms = at_ms, .has_at = true);
	}
	world_pass(1000);
	put_commission("600");
	world_pass(2000);
	put_commission("900");
	/* Another plan, a better one: it did not win then. */
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"pt\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"targeted\",\"creators\":[\"c1\"],"
				  "\"terms\":{\"commission_bps\":2000}}");
	world_pass(1000);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct trib_lock_times times = { .pay_ms = at_ms + rows[i].pay_ms };
		const struct trib_market market = engine_market(world.engine);
		const struct trib_order_record *found;
		struct trib_error error;
		uint64_t position;
		char order[8];

		snprintf(order, sizeof(order), "a%zu", i);
		assert_int_equal(trib_engine_order(world.engine, T(order), &found, &position, &error), TRIB_OK);
		assert_true(trib_order_record_get(
			trib_bytes(bytes, (size_t)(trib_order_record_put(bytes, found) - bytes)), &record));
		const struct trib_node *node =
			trib_tree_node(trib_rules_tree(market.rules, record.tree, record.tree_version), record.node);
		struct trib_rates rates = record.slices[0].rates;

		assert_int_equal(trib_resolve_relock(&market, &record, node, &record.slices[0], &times, &rates),
				 rows[i].changes);
		if (rates.bps[TRIB_RATE_COMMISSION] != rows[i].commission_bps)
			fail_msg("row %zu: found %u", i, rates.bps[TRIB_RATE_COMMISSION]);
	}
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

/* --- Carriers, match levels, candidates --------------------------------------------------------------- */

/* A link of this creator's for these goods, made in one's own live room. */
static void live_link(const char *creator, const char *goods, char ret_token[128])
{
	const struct trib_link_request request = { .channel = T("app"), .creator = T(creator), .goods = T(goods),
						   .carrier = { T("live"), T(creator), T(creator) }, .page = T("live_cart") };
	enum trib_outcome outcome;
	struct trib_error error;
	size_t size;
	trib_status status = trib_engine_link(world.engine, &request, ret_token, &size, &outcome, &error);

	assert_ok(status, error);
	ret_token[size] = '\0';
}

/* c1's old token, bought in c2's live room. */
static void whose_room_it_was(void **state)
{
	char a[128], b[128], both[300];

	world_market();
	world_rules("strict", "{\"root\":{\"id\":\"r\"," COMMISSION("1000") ",\"children\":[{\"id\":\"moved\",\"outcome\":"
			      "\"carrier_conflict\",\"when\":\"has(touch) && order.carrier == 'live' && "
			      "order.carrier_owner != touch.carrier_owner\"}]}}");
	world_rules("owner", "{\"root\":{\"id\":\"r\",\"model\":\"priority\",\"priority_by\":"
			     "\"touch.same_carrier ? 1 : 0\"," COMMISSION("1000") "}}");
	live_link("c2", "g1", b);
	world_pass(1000);
	live_link("c1", "g1", a); /* the newer one */
	world_pass(1000);
	const struct trib_carrier_request in_b = { T("live"), T("c2"), T("c2") };
	const struct trib_carrier_request in_a = { T("live"), T("c1"), T("c1") };

	assert_int_equal(ORDER(.order = T("a1"), .token = T(a), .base_amount = 1000, .scene = T("strict"), .carrier = in_b).outcome,
			 TRIB_OUTCOME_CARRIER_CONFLICT);
	assert_int_equal(ORDER(.order = T("a2"), .token = T(a), .base_amount = 1000, .scene = T("strict"), .carrier = in_a).charged,
			 100);
	assert_int_equal(world_balance("c2", TRIB_WORD_CREATOR), 0);
	/* Both tokens stated: the room's owner wins, not the newer. */
	snprintf(both, sizeof(both), "%s,%s", a, b);
	assert_int_equal(ORDER(.order = T("b1"), .token = T(both), .base_amount = 1000, .scene = T("owner"), .carrier = in_b).charged,
			 100);
	assert_int_equal(world_balance("c2", TRIB_WORD_CREATOR), 100);
	expect_explained("b1", "\"won\":true,\"reason\":\"won\",\"kind\":\"click\",\"creator\":\"c2\",\"goods\":\"g1\",\"carrier\":"
			       "{\"kind\":\"live\",\"id\":\"c2\",\"owner\":\"c2\"},\"page\":\"live_cart\",\"token\":true}");
	expect_explained("b1", "\"won\":false,\"reason\":\"higher_priority_won\"");
	/* The same with c2's click on record instead of its token. */
	snprintf(both, sizeof(both), "%s,-", a);
	world_touch("u1", b);
	world_pass(1000);
	assert_int_equal(ORDER(.order = T("b2"), .token = T(both), .base_amount = 1000, .scene = T("owner"), .carrier = in_a).charged,
			 100);
	assert_int_equal(world_balance("c2", TRIB_WORD_CREATOR), 100);
	assert_int_equal(ORDER(.order = T("b3"), .token = T(both), .base_amount = 1000, .scene = T("owner"), .carrier = in_b).charged,
			 100);
	assert_int_equal(world_balance("c2", TRIB_WORD_CREATOR), 200);
}

/* A token for goods g1, an order for g2 of the same shop. */
static void levels_have_rates(void **state)
{
	static const struct {
		const char *order, *scene, *goods;
		enum trib_outcome outcome;
		int64_t charged;
	} rows[] = {
		{ "a1", "near", "g1", TRIB_OUTCOME_ATTRIBUTED, 100 }, /* the terms' */
		{ "a2", "near", "g2", TRIB_OUTCOME_ATTRIBUTED, 30 },
		{ "a3", "near", "g3", TRIB_OUTCOME_GOODS_MISMATCH, 0 },
		{ "a4", "any", "g1", TRIB_OUTCOME_ATTRIBUTED, 150 },
		{ "a5", "any", "g2", TRIB_OUTCOME_ATTRIBUTED, 70 }, /* the terms' of g2 */
		{ "a6", "any", "g3", TRIB_OUTCOME_ATTRIBUTED, 0 },  /* none */
		{ "a7", "exact", "g2", TRIB_OUTCOME_GOODS_MISMATCH, 0 },
	};

	world_market();
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p2\",\"merchant\":\"m1\",\"goods\":[\"g2\"],\"terms\":{\"commission_bps\":700}}");
	world_rules("exact", "{\"root\":{\"id\":\"r\"," COMMISSION("\"terms.commission_bps\"") "}}");
	world_rules("near", "{\"root\":{\"id\":\"r\",\"match\":\"shop\",\"match_rates\":{\"shop\":300}," COMMISSION("\"terms.commission_bps\"") "}}");
	world_rules("any", "{\"root\":{\"id\":\"r\",\"match\":\"any\",\"match_rates\":{\"goods\":1500,\"any\":0}," COMMISSION("\"terms.commission_bps\"") "}}");
	const char *token = world_token("c1", "g1");

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct world_answer answer = ORDER(.order = T(rows[i].order), .token = T(token), .base_amount = 1000,
						   .scene = T(rows[i].scene), .goods = T(rows[i].goods));

		assert_ok(answer.status, answer.error);
		if (answer.outcome != rows[i].outcome || answer.charged != rows[i].charged)
			fail_msg("%s: found %s, %lld", rows[i].order, trib_outcome_word(answer.outcome),
				 (long long)answer.charged);
	}
}

static void touch_kind(const char *user, const char *token, enum trib_touch_kind kind)
{
	const struct trib_touch_request request = { .user = T(user), .token = T(token), .kind = kind };
	enum trib_touch_answer answer;
	struct trib_error error;
	trib_status status = trib_engine_touch(world.engine, &request, &answer, &error);

	assert_ok(status, error);
	world_pass(1000);
}

/* Money follows the last click; who helped is told beside it, and a view below a click is not. */
static void assists_stand_beside_the_money(void **state)
{
	char a[128], b[128];

	world_market();
	world_rules("report", "{\"root\":{\"id\":\"r\",\"assist\":\"linear\"," COMMISSION("1000") "}}");
	strcpy(a, world_token("c1", "g1"));
	strcpy(b, world_token("c2", "g1"));
	world_pass(1000);
	touch_kind("u1", a, TRIB_TOUCH_CLICK);
	touch_kind("u1", b, TRIB_TOUCH_CART);
	touch_kind("u1", a, TRIB_TOUCH_VIEW);
	touch_kind("u1", b, TRIB_TOUCH_FAVOURITE);
	struct world_answer answer = ORDER(.order = T("a1"), .base_amount = 1000, .scene = T("report"));

	assert_int_equal(answer.charged, 100);
	assert_int_equal(answer.n_slices, 1);
	assert_int_equal(world_balance("c2", TRIB_WORD_CREATOR), 100);
	expect_explained("a1", "\"won\":false,\"reason\":\"later_won\",\"kind\":\"click\",\"creator\":\"c1\",\"goods\":\"g1\",\"assist\":333}");
	expect_explained("a1", "\"won\":false,\"reason\":\"view_below_click\",\"kind\":\"view\",\"creator\":\"c1\",\"goods\":\"g1\"}");
	expect_explained("a1", "\"won\":true,\"reason\":\"won\",\"kind\":\"favourite\",\"creator\":\"c2\",\"goods\":\"g1\",\"assist\":334}");
	world_crash();
	expect_explained("a1", "\"assist\":333}");
	/* An order that earns nothing has no assists; one without the field neither. */
	assert_int_equal(ORDER(.order = T("a2"), .base_amount = 0, .scene = T("report")).outcome, TRIB_OUTCOME_ZERO_BASE);
}

static void several_candidates(void **state)
{
	enum { OLD, A, B, C, TOKENS };
	char tokens[TOKENS][128], text[1400];
	static const struct {
		const char *order, *user;
		const char *list; /* o a b c: tokens; x: a forged one */
		enum trib_outcome outcome;
		const char *paid; /* the creator */
	} rows[] = {
		{ "a1", "u1", "a,b", TRIB_OUTCOME_ATTRIBUTED, "c2" },
		{ "a2", "u1", "b,a", TRIB_OUTCOME_ATTRIBUTED, "c2" },
		{ "a3", "u1", "a,b,-", TRIB_OUTCOME_ATTRIBUTED, "c2" }, /* nothing was recorded */
		{ "a4", "u2", "a,b,-", TRIB_OUTCOME_ATTRIBUTED, "c1" }, /* c1's link was touched last */
		{ "a5", "u2", "b,-", TRIB_OUTCOME_ATTRIBUTED, "c1" },
		{ "a6", "u2", "a,b", TRIB_OUTCOME_ATTRIBUTED, "c2" }, /* what was recorded is not asked for */
		{ "a7", "u1", "x,a", TRIB_OUTCOME_ATTRIBUTED, "c1" },
		{ "a8", "u1", "x,x", TRIB_OUTCOME_BAD_TOKEN, NULL },
		{ "a9", "u1", "x,-", TRIB_OUTCOME_NO_TOUCH, NULL },
		{ "b1", "u1", "a,a", TRIB_OUTCOME_ATTRIBUTED, "c1" },
		{ "b2", "u1", "o,x", TRIB_OUTCOME_EXPIRED, NULL },
		{ "b3", "u1", "o,-", TRIB_OUTCOME_EXPIRED, NULL },
		{ "b4", "u1", "o,a", TRIB_OUTCOME_ATTRIBUTED, "c1" },
		{ "b5", "u1", "c,o", TRIB_OUTCOME_GOODS_MISMATCH, NULL }, /* c is of other goods */
		{ "b6", "u1", "c,a", TRIB_OUTCOME_ATTRIBUTED, "c1" },
		{ "b7", "u1", "a,a,b,b,c,o,-,x", TRIB_OUTCOME_ATTRIBUTED, "c2" },
	};

	world_market();
	strcpy(tokens[OLD], world_token("c1", "g1"));
	world_pass(31 * WORLD_DAY_MS);
	strcpy(tokens[C], world_token("c1", "g3"));
	strcpy(tokens[A], world_token("c1", "g1"));
	world_pass(1000);
	strcpy(tokens[B], world_token("c2", "g1"));
	world_pass(1000);
	world_touch("u2", tokens[A]);
	world_pass(1000);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		int64_t before[2] = { world_balance("c1", TRIB_WORD_CREATOR), world_balance("c2", TRIB_WORD_CREATOR) };

		*text = '\0';
		for (const char *p = rows[i].list; *p; p++)
			strcat(text, *p == 'o'	 ? tokens[OLD]
				     : *p == 'a' ? tokens[A]
				     : *p == 'b' ? tokens[B]
				     : *p == 'c' ? tokens[C]
				     : *p == 'x' ? "nonsense"
				     : *p == ',' ? ","
						 : "-");
		struct world_answer answer = ORDER(.order = T(rows[i].order), .user = T(rows[i].user), .token = T(text),
						   .base_amount = 1000);
		int64_t gained[2] = { world_balance("c1", TRIB_WORD_CREATOR) - before[0],
				      world_balance("c2", TRIB_WORD_CREATOR) - before[1] };

		assert_ok(answer.status, answer.error);
		if (answer.outcome != rows[i].outcome)
			fail_msg("%s: found %s", rows[i].order, trib_outcome_word(answer.outcome));
		assert_int_equal(gained[0], rows[i].paid && !strcmp(rows[i].paid, "c1") ? 100 : 0);
		assert_int_equal(gained[1], rows[i].paid && !strcmp(rows[i].paid, "c2") ? 100 : 0);
		struct world_answer again = ORDER(.order = T(rows[i].order), .user = T(rows[i].user), .token = T(text),
						  .base_amount = 1000);

		assert_true(again.repeated && again.outcome == rows[i].outcome);
	}
	expect_explained("a7", "\"bad_token\":\"nonsense\"");
	static const char *const refused[] = { ",", "a,", ",a", "a,,b", "-,-,-,-,-,-,-,-,-", "a,a,a,a,a,a,a,a,a" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(refused); i++)
		assert_int_equal(ORDER(.order = T("c1"), .token = T(refused[i]), .base_amount = 1000).status, TRIB_INVALID);
}

/* --- Before listing ----------------------------------------------------------------------------------- */

static void estimate(const char *goods, const char *creator, const char *offer, trib_status status, const char *part)
{
	struct trib_call call = { .kind = TRIB_CALL_ESTIMATE, .name = T(goods), .creator = T(creator), .offer = T(offer) };

	world_call(&call);
	const char *found = call.status == TRIB_OK ? trib_buffer_text(&call.reply) : call.code ? call.code : call.error.at;

	if (call.status != status || !strstr(found, part))
		fail_msg("%s for %s: found %s %s, expected %s", goods, creator, trib_status_word(call.status), found, part);
	trib_buffer_fini(&call.reply);
}

static void creators_see_what_they_would_earn(void **state)
{
	static const struct {
		const char *price, *bps, *amount;
	} rows[] = {
		{ "2990", "1500", "448" }, /* 448.5: to even */
		{ "7900", "1000", "790" },
		{ "990", "2200", "218" }, /* 217.8 */
		{ "50", "500", "2" },	 /* 2.5 */
		{ "70", "500", "4" },	 /* 3.5 */
		{ "0", "500", "0" },
		{ "9223372036854775807", "10000", "9223372036854775807" },
		{ "199", "0", "0" },
	};
	char json[256], part[128];

	world_market();
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		snprintf(json, sizeof(json), "{\"id\":\"e%zu\",\"merchant\":\"m1\",\"price\":%s}", i, rows[i].price);
		world_put(TRIB_NOUN_GOODS, json);
		snprintf(json, sizeof(json), "{\"id\":\"pe%zu\",\"merchant\":\"m1\",\"goods\":[\"e%zu\"],\"terms\":{\"commission_bps\":%s}}",
			 i, i, rows[i].bps);
		world_put(TRIB_NOUN_PLAN, json);
		snprintf(json, sizeof(json), "e%zu", i);
		snprintf(part, sizeof(part), "\"commission_bps\":%s,\"amount\":%s,\"plan\":\"pe%zu@1\",\"kind\":\"general\"", rows[i].bps,
			 rows[i].amount, i);
		estimate(json, "c1", "", TRIB_OK, part);
	}
	/* Better terms for one creator; no terms; nobody. */
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"pt\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"targeted\",\"creators\":[\"c2\"],"
				  "\"terms\":{\"commission_bps\":2000}}");
	estimate("g1", "c1", "", TRIB_OK, "\"price\":1999,\"currency\":\"CNY\",\"commission_bps\":1000,\"amount\":200,\"plan\":\"p1@1\"");
	estimate("g1", "c2", "", TRIB_OK, "\"commission_bps\":2000,\"amount\":400,\"plan\":\"pt@1\",\"kind\":\"targeted\"");
	estimate("g1", "c2", "p1", TRIB_OK, "\"plan\":\"pt@1\",\"kind\":\"targeted\",\"offer\":\"p1@1\"");
	estimate("g1", "c1", "pt", TRIB_REFUSED, "no_plan");
	estimate("g2", "c1", "", TRIB_REFUSED, "no_plan");
	estimate("g1", "", "", TRIB_INVALID, "creator");
	estimate("g1", "nobody", "", TRIB_NOT_FOUND, "creator");
	estimate("nothing", "c1", "", TRIB_NOT_FOUND, "id");
}

/* What a caller tells in EXT under a fact's last name; words that a fact cannot be, and no numbers, are not told. */
static void facts_are_lifted_from_ext(void **state)
{
	static const struct {
		const char *key, *value, *node;
	} rows[] = {
		{ "region", "sh", "region" },	    { "region", "bj", "r" },
		{ "kind", "presale", "kind" },	    { "kind", "bazaar", "r" },
		{ "state", "paid", "state" },	    { "parent", "pay-7", "parent" },
		{ "paid_traffic", "true", "ads" },  { "paid_traffic", "false", "r" },
		{ "paid_at", "1790000000001", "late" }, { "paid_at", "soon", "r" },
	};

	world_market();
	world_rules("lift", "{\"root\":{\"id\":\"r\"," COMMISSION("1000") ",\"children\":["
			    "{\"id\":\"region\",\"when\":\"order.region == 'sh'\"},"
			    "{\"id\":\"kind\",\"when\":\"has(order.kind)\"},"
			    "{\"id\":\"state\",\"when\":\"order.state == 'paid'\"},"
			    "{\"id\":\"parent\",\"when\":\"order.parent == 'pay-7'\"},"
			    "{\"id\":\"ads\",\"when\":\"order.paid_traffic\"},"
			    "{\"id\":\"late\",\"when\":\"order.paid_at > timestamp(1790000000)\"}]}}");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_ext_pair ext = { T(rows[i].key), T(rows[i].value) };
		char id[16], node[64];

		snprintf(id, sizeof(id), "lift%zu", i);
		snprintf(node, sizeof(node), "\"node\":\"%s\"", rows[i].node);
		ORDER(.order = T(id), .scene = T("lift"), .base_amount = 100, .ext = &ext, .n_ext = 1);
		expect_explained(id, node);
	}
}

/* A registration's links bear its promotion id, in tokens and in touches. */
static void links_have_a_promotion_id(void **state)
{
	char token[TRIB_LIMIT_TOKEN_CHARS + 1];

	world_market();
	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"tb\",\"channel\":\"taobao\",\"pid\":\"mm_1_2_3\"}");
	world_rules("pid", "{\"root\":{\"id\":\"r\"," COMMISSION("1000") ",\"children\":["
			   "{\"id\":\"ours\",\"when\":\"link.pid == 'mm_1_2_3'\"},"
			   "{\"id\":\"bare\",\"when\":\"has(link) && link.pid == ''\"}]}}");
	const struct trib_link_request link = { .channel = T("taobao"), .creator = T("c1"), .goods = T("g1") };
	enum trib_outcome outcome;
	struct trib_error error;
	size_t size;
	trib_status status = trib_engine_link(world.engine, &link, token, &size, &outcome, &error);

	assert_ok(status, error);
	token[size] = '\0';
	ORDER(.order = T("o1"), .scene = T("pid"), .base_amount = 100, .token = T(token));
	expect_explained("o1", "\"node\":\"ours\"");
	expect_explained("o1", "\"link.pid\":\"mm_1_2_3\"");
	ORDER(.order = T("o2"), .scene = T("pid"), .base_amount = 100, .token = T(world_token("c1", "g1")));
	expect_explained("o2", "\"node\":\"bare\"");
	world_restart();
	const struct trib_touch_request touch = { .user = T("toucher"), .token = T(token) };
	enum trib_touch_answer answer;

	assert_int_equal(trib_engine_touch(world.engine, &touch, &answer, &error), TRIB_OK);
	ORDER(.order = T("o3"), .scene = T("pid"), .user = T("toucher"), .base_amount = 100);
	expect_explained("o3", "\"node\":\"ours\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(bases_are_computed),
		WORLD_TEST(formulas_of_nodes),
		WORLD_TEST(whose_time_fixes_the_rate),
		WORLD_TEST(payment_fixes_the_rate),
		WORLD_TEST(cuts_have_a_grace),
		WORLD_TEST(whose_room_it_was),
		WORLD_TEST(levels_have_rates),
		WORLD_TEST(assists_stand_beside_the_money),
		WORLD_TEST(several_candidates),
		WORLD_TEST(creators_see_what_they_would_earn),
		WORLD_TEST(facts_are_lifted_from_ext),
		WORLD_TEST(links_have_a_promotion_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
