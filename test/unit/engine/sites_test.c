/* Third-party sites: pids that links lease, alarms, and what a restart leaves of them. */
#include "base/rng.h"
#include "unit/engine/world.h"

static char shown[1 << 16];

static const char *get(enum trib_call_kind kind, enum trib_noun noun, const char *id)
{
	struct trib_call call = { .kind = kind, .noun = noun, .name = trib_bytes_text(id) };

	world_call(&call);
	assert_ok(call.status, call.error);
	snprintf(shown, sizeof(shown), "%s", trib_buffer_text(&call.reply));
	trib_buffer_fini(&call.reply);
	return shown;
}

static void assert_pid(const char *id, const char *words)
{
	if (!strstr(get(TRIB_CALL_GET, TRIB_NOUN_PID, id), words))
		fail_msg("%s: found %s, expected %s in it", id, shown, words);
}

static void assert_state(const char *site, const char *words)
{
	if (!strstr(get(TRIB_CALL_SITE_STATE, TRIB_NOUN_SITE, site), words))
		fail_msg("%s: found %s, expected %s in it", site, shown, words);
}

static trib_status act(const char *pid, const char *action, const char *creator, int64_t at_ms)
{
	Tributary__ActionRequest request = TRIBUTARY__ACTION_REQUEST__INIT;
	struct trib_call call = { .kind = TRIB_CALL_ACT, .noun = TRIB_NOUN_PID, .name = trib_bytes_text(pid),
				  .action = trib_bytes_text(action), .body = &request.base };

	request.creator = (char *)creator;
	request.has_at = at_ms != 0;
	request.at = at_ms;
	world_call(&call);
	trib_buffer_fini(&call.reply);
	return call.status;
}

static void put_pids(int first, int last)
{
	for (int i = first; i <= last; i++) {
		char json[128];

		snprintf(json, sizeof(json), "{\"id\":\"taobao-mm_1_2_%d\",\"site\":\"taobao\"}", i);
		world_put(TRIB_NOUN_PID, json);
	}
}

static void put_goods(const char *status, int64_t seen_ms)
{
	char json[512];

	snprintf(json, sizeof(json),
		 "{\"id\":\"taobao-610\",\"merchant\":\"m1\",\"price\":100,\"site\":\"taobao\",\"status\":\"%s\","
		 "\"ext\":{\"site_goods\":\"610 &?\",\"site_shop\":\"s1\",\"seen_at\":%lld}}",
		 status, (long long)seen_ms);
	world_put(TRIB_NOUN_GOODS, json);
}

static void market(void)
{
	world_market();
	world_put(TRIB_NOUN_SITE, "{\"id\":\"taobao\",\"link\":\"https://t.example/i?id={goods}&pid={pid}&s={shop}&l={link}\"}");
	put_goods("active", WORLD_START_MS);
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"pt\",\"merchant\":\"m1\",\"goods\":[\"taobao-610\"],\"terms\":{\"commission_bps\":1000}}");
}

static trib_status link_url(const char *creator, char url[512])
{
	char token[128];
	enum trib_outcome outcome;
	trib_status status = world_link(creator, "taobao-610", token, &outcome);
	struct trib_bytes text = trib_engine_link_url(world.engine);

	assert_int_equal(outcome, TRIB_OUTCOME_NONE);
	snprintf(url, 512, TRIB_BYTES_FMT, TRIB_BYTES_ARG(text));
	return status;
}

static void turn(int64_t ms)
{
	world_pass(ms);
	for (int i = 0; i < 4; i++) {
		trib_engine_turn(world.engine);
		trib_engine_settle(world.engine);
	}
}

static void a_creator_keeps_its_pid(void **state)
{
	char url[512], again[512];

	market();
	assert_int_equal(link_url("c1", url), TRIB_NO_PID);
	assert_string_equal(url, "");
	put_pids(1, 2);
	assert_int_equal(link_url("c1", url), TRIB_OK);
	assert_string_equal(url, "https://t.example/i?id=610%20%26%3F&pid=mm_1_2_1&s=s1&l=1");
	assert_true(trib_bytes_is(trib_engine_link_pid(world.engine), "mm_1_2_1"));
	assert_int_equal(link_url("c1", again), TRIB_OK);
	assert_string_equal(again, "https://t.example/i?id=610%20%26%3F&pid=mm_1_2_1&s=s1&l=2");
	world_crash();
	assert_int_equal(link_url("c1", again), TRIB_OK);
	assert_true(strstr(again, "pid=mm_1_2_1&"));
	world_restart();
	assert_int_equal(link_url("c1", again), TRIB_OK);
	assert_true(strstr(again, "pid=mm_1_2_1&"));
	assert_int_equal(link_url("c2", again), TRIB_OK);
	assert_true(strstr(again, "pid=mm_1_2_2&"));
	assert_int_equal(link_url("l1", again), TRIB_NO_PID);
	assert_pid("taobao-mm_1_2_2", "\"creator\":\"c2\"");
	assert_state("taobao", "\"pids_free\":0,\"pids_resting\":0,\"pids_leased\":2,\"pids_unknown\":0");
	/* Goods of nobody's site have no url. */
	world_token("c1", "g1");
	assert_int_equal(trib_engine_link_url(world.engine).size, 0);
}

static void what_is_released_rests(void **state)
{
	char url[512];

	market();
	put_pids(1, 1);
	assert_int_equal(link_url("c1", url), TRIB_OK);
	assert_int_equal(act("taobao-mm_1_2_1", "release", NULL, 0), TRIB_OK);
	assert_int_equal(act("taobao-mm_1_2_1", "release", NULL, 0), TRIB_REFUSED);
	assert_int_equal(link_url("c2", url), TRIB_NO_PID);
	assert_state("taobao", "\"pids_free\":0,\"pids_resting\":1,\"pids_leased\":0");
	world_restart();
	turn(29 * WORLD_DAY_MS);
	assert_int_equal(link_url("c2", url), TRIB_NO_PID);
	turn(WORLD_DAY_MS);
	assert_int_equal(link_url("c2", url), TRIB_OK);
	assert_pid("taobao-mm_1_2_1", "\"leases\":[{\"creator\":\"c1\"");
	/* An import that comes again changes nothing. */
	put_pids(1, 1);
	assert_pid("taobao-mm_1_2_1", "\"creator\":\"c2\"");
}

static void a_closed_creator_gives_its_pids_back(void **state)
{
	char url[512];

	market();
	put_pids(1, 3);
	assert_int_equal(link_url("c1", url), TRIB_OK);
	assert_int_equal(link_url("c2", url), TRIB_OK);
	assert_int_equal(act("taobao-mm_1_2_3", "assign", "c1", 0), TRIB_OK);
	assert_int_equal(act("taobao-mm_1_2_3", "assign", "c1", 0), TRIB_REFUSED);
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"status\":\"closed\"}");
	world_crash(); /* before anything is released */
	turn(1000);
	assert_pid("taobao-mm_1_2_1", "\"status\":\"free\"");
	assert_pid("taobao-mm_1_2_2", "\"status\":\"leased\"");
	assert_pid("taobao-mm_1_2_3", "\"status\":\"free\"");
}

static void leases_are_told_by_time(void **state)
{
	char url[512];

	market();
	put_pids(1, 1);
	assert_int_equal(act("taobao-mm_1_2_1", "assign", "nobody", 0), TRIB_INVALID);
	assert_int_equal(act("taobao-mm_1_2_1", "assign", NULL, 0), TRIB_INVALID);
	assert_int_equal(act("taobao-mm_1_2_1", "assign", "c1", WORLD_START_MS + WORLD_DAY_MS), TRIB_INVALID);
	assert_int_equal(link_url("c2", url), TRIB_OK);
	assert_int_equal(act("taobao-mm_1_2_1", "assign", "c1", WORLD_START_MS - WORLD_DAY_MS), TRIB_OK); /* before c2's */
	assert_pid("taobao-mm_1_2_1", "\"creator\":\"c2\"");
	assert_pid("taobao-mm_1_2_1", "\"leases\":[{\"creator\":\"c1\"");
}

/* {"id": …} as it is put, the place of the refusal; NULL: taken */
static void puts_are_checked(void **state)
{
	static const struct {
		enum trib_noun noun;
		const char *json, *at;
	} rows[] = {
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\"}", NULL },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd2\",\"adapter\":\"jd\"}", NULL },
		{ TRIB_NOUN_SITE, "{\"id\":\"pdd\"}", "adapter" },
		{ TRIB_NOUN_SITE, "{\"id\":\"a-b\",\"adapter\":\"jd\"}", "id" },
		{ TRIB_NOUN_SITE, "{\"id\":\"a_very_long_site_name\",\"adapter\":\"jd\"}", "id" },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\",\"link\":\"https://{pid}.example/{goods}\"}", "link" },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\",\"link\":\"ftp://a.example/{goods}{pid}\"}", "link" },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\",\"link\":\"https://a.example/{goods}\"}", "link" },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\",\"link\":\"https://a.example/{goods}{pid}{user}\"}", "link" },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\",\"link\":\"https://a.example/{goods}{pid\"}", "link" },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\",\"link\":\"https://a.example/{goods} {pid}\"}", "link" },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\",\"link\":\"https://me@a.example/{goods}{pid}\"}", "link" },
		{ TRIB_NOUN_SITE, "{\"id\":\"jd\",\"link\":\"http://a.example?{goods}{pid}{creator}{channel}{token}\"}", NULL },
		{ TRIB_NOUN_PID, "{\"id\":\"taobao-mm_1_2_9\",\"site\":\"taobao\",\"pid\":\"mm_1_2_9\"}", NULL },
		{ TRIB_NOUN_PID, "{\"id\":\"mm_1_2_9\",\"site\":\"taobao\"}", "id" },
		{ TRIB_NOUN_PID, "{\"id\":\"taobao-\",\"site\":\"taobao\"}", "id" },
		{ TRIB_NOUN_PID, "{\"id\":\"taobao-mm_1_2_9\",\"site\":\"taobao\",\"pid\":\"mm_1_2_8\"}", "pid" },
		{ TRIB_NOUN_PID, "{\"id\":\"taobao-mm_1__9\",\"site\":\"taobao\"}", "pid" },
		{ TRIB_NOUN_PID, "{\"id\":\"jd-12x\",\"site\":\"jd\"}", "pid" },
		{ TRIB_NOUN_PID, "{\"id\":\"jd-12\",\"site\":\"jd\"}", NULL },
		{ TRIB_NOUN_PID, "{\"id\":\"pdd-1\",\"site\":\"pdd\"}", "site" },
	};

	market();
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_error error = { 0 };
		trib_status status = world_put_status(rows[i].noun, rows[i].json, &error);

		if (rows[i].at ? status != TRIB_INVALID || strcmp(error.at, rows[i].at) != 0 : status != TRIB_OK)
			fail_msg("row %zu: found %s at %s: %s", i, trib_status_word(status), error.at, error.text);
	}
}

static void alarms_are_told_once(void **state)
{
	struct trib_buffer json;

	market();
	world_put(TRIB_NOUN_SITE, "{\"id\":\"taobao\",\"price_age\":\"1h\",\"stock_age\":\"2h\",\"stale_bps\":5000,\"pids_low\":1}");
	turn(60000);
	assert_state("taobao", "\"goods\":1,\"stale_price\":0,\"stale_stock\":0,\"stale_status\":0");
	assert_state("taobao", "\"alarms\":[]");
	put_pids(1, 1);
	turn(60000);
	assert_state("taobao", "\"alarms\":[{\"alarm\":\"pids_low\"");
	put_pids(2, 3);
	turn(60000);
	assert_state("taobao", "\"alarms\":[]");
	turn(61 * 60000);
	assert_state("taobao", "\"stale_price\":1,\"stale_stock\":0,\"stale_status\":0");
	assert_state("taobao", "\"alarms\":[{\"alarm\":\"price_stale\",\"since\":");
	trib_buffer_init(&json, 1 << 16);
	uint64_t told = trib_engine_alarms(world.engine, &json);

	assert_string_equal(trib_buffer_text(&json), "[\"taobao: price_stale\"]");
	turn(60000);
	trib_buffer_reset(&json);
	assert_int_equal(trib_engine_alarms(world.engine, &json), told);
	for (int i = 0; i < 2; i++) { /* told of already: neither a crash nor a restart tells again */
		i ? world_restart() : world_crash();
		turn(60000);
		trib_buffer_reset(&json);
		assert_int_equal(trib_engine_alarms(world.engine, &json), 0);
		assert_string_equal(trib_buffer_text(&json), "[\"taobao: price_stale\"]");
	}
	put_goods("active", world.clock.ms);
	turn(60000);
	assert_state("taobao", "\"alarms\":[]");
	put_goods("withdrawn", WORLD_START_MS); /* nobody needs its price */
	turn(60000);
	assert_state("taobao", "\"goods\":0");
	assert_state("taobao", "\"alarms\":[]");
	trib_buffer_reset(&json);
	trib_engine_print_sites(world.engine, &json);
	assert_non_null(strstr(trib_buffer_text(&json), "tributary_site_pids{site=\"taobao\",state=\"free\"} 3\n"));
	trib_buffer_fini(&json);
}

/* Goods were there before their site: all are counted, live and after a restart. */
static void a_site_counts_goods_that_were_there(void **state)
{
	char before[512];

	world_market();
	put_goods("active", WORLD_START_MS - 2 * WORLD_DAY_MS);
	world_put(TRIB_NOUN_SITE, "{\"id\":\"taobao\"}");
	turn(60000);
	assert_state("taobao", "\"goods\":1,\"stale_price\":1,\"stale_stock\":1,\"stale_status\":1");
	snprintf(before, sizeof(before), "%.400s", shown);
	world_crash();
	assert_string_equal(get(TRIB_CALL_SITE_STATE, TRIB_NOUN_SITE, "taobao"), before);
	world_restart();
	assert_string_equal(get(TRIB_CALL_SITE_STATE, TRIB_NOUN_SITE, "taobao"), before);
}

/* ---- Orders ------------------------------------------------------------------------------- */

static trib_status import_row(const char *json)
{
	struct trib_arena arena;
	ProtobufCMessage *row;
	struct trib_error error;
	trib_status status = TRIB_OK;

	trib_arena_init(&arena, 1 << 20);
	assert_ok(trib_proto_from_json(&tributary__site_order__descriptor, trib_bytes_text(json), &arena, &row, &error), error);
	const ProtobufCMessage *rows[] = { row };
	struct trib_call call = { .kind = TRIB_CALL_SITE_IMPORT, .name = trib_bytes_text("taobao"), .items = rows, .n_items = 1,
				  .item_status = &status, .item_errors = &error };

	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
	trib_arena_fini(&arena);
	return status;
}

#define ROW(order, pid, status, more)                                                                                    \
	"{\"order\":\"" order "\",\"goods\":\"taobao-610\",\"pid\":\"" pid "\",\"status\":\"" status                        \
	"\",\"at\":1790000000000,\"paid\":1000,\"estimated\":200" more "}"

static trib_status ask_row(enum trib_call_kind kind, const char *order)
{
	Tributary__ReviewRequest request = TRIBUTARY__REVIEW_REQUEST__INIT;
	struct trib_call call = { .kind = kind, .name = trib_bytes_text("taobao"), .node = trib_bytes_text(order),
				  .body = &request.base };

	request.reason = (char *)"looked at";
	world_call(&call);
	snprintf(shown, sizeof(shown), "%s", call.status == TRIB_OK ? trib_buffer_text(&call.reply) : call.error.text);
	trib_buffer_fini(&call.reply);
	return call.status;
}

static void assert_row(const char *order, const char *creator, const char *status, const char *look_at)
{
	char words[4][64];

	assert_int_equal(ask_row(TRIB_CALL_SITE_ORDER, order), TRIB_OK);
	snprintf(words[0], 64, creator ? "\"creator\":\"%s\"" : "\"creator\":null", creator);
	snprintf(words[1], 64, "\"status\":\"%s\"", status);
	snprintf(words[2], 64, "\"look_at\":[%s]", look_at);
	snprintf(words[3], 64, "\"outcome\":\"external\"");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(words); i++)
		if (!strstr(shown, words[i]))
			fail_msg("%s: found %s, expected %s in it", order, shown, words[i]);
}

static void assert_reviews(const char *orders)
{
	struct trib_call call = { .kind = TRIB_CALL_SITE_REVIEWS, .name = trib_bytes_text("taobao") };
	char found[512] = "";
	const char *at;

	world_call(&call);
	assert_ok(call.status, call.error);
	at = trib_buffer_text(&call.reply);
	while ((at = strstr(at, "{\"order\":\""))) {
		size_t used = strlen(found);

		at += 10;
		snprintf(found + used, sizeof(found) - used, "%s%.*s", used ? " " : "", (int)strcspn(at, "\""), at);
	}
	assert_string_equal(found, orders);
	trib_buffer_fini(&call.reply);
}

static uint64_t position(void)
{
	struct trib_engine_counts counts;

	trib_engine_count(world.engine, &counts);
	return counts.position;
}

static void orders_are_compared(void **state)
{
	char url[512];
	uint64_t before;

	market();
	put_pids(1, 1);
	assert_int_equal(link_url("c1", url), TRIB_OK);
	assert_int_equal(import_row(ROW("o1", "mm_1_2_1", "paid", "")), TRIB_OK);
	assert_row("o1", "c1", "paid", "");
	before = position();
	assert_int_equal(import_row(ROW("o1", "mm_1_2_1", "paid", "")), TRIB_OK); /* again */
	assert_int_equal(position(), before);
	assert_int_equal(import_row(ROW("o1", "mm_1_2_1", "settled", ",\"final\":200")), TRIB_OK);
	assert_row("o1", "c1", "settled", "");
	assert_int_equal(import_row(ROW("o1", "mm_1_2_1", "received", "")), TRIB_OK); /* of an older export */
	assert_row("o1", "c1", "settled", "");
	assert_int_equal(import_row(ROW("o2/1", "mm_1_2_1", "settled", ",\"final\":150")), TRIB_OK);
	assert_row("o2/1", "c1", "settled", "\"final_differs\"");
	assert_int_equal(import_row(ROW("o2", "mm_1_2_1", "closed", "")), TRIB_OK); /* another line */
	world_order("o3", "u1", "taobao-610", 990, world_token("c1", "taobao-610"));
	assert_int_equal(import_row(ROW("o3", "mm_1_2_1", "paid", "")), TRIB_OK);
	assert_row("o3", "c1", "paid", "\"attributed_here\",\"base_differs\"");
	assert_true(strstr(shown, "\"our_outcome\":\"attributed\",\"our_base\":990"));
	assert_reviews("o2/1 o3");
	for (int i = 0; i < 3; i++) {
		if (i)
			i == 1 ? world_crash() : world_restart();
		assert_reviews("o2/1 o3");
		assert_row("o1", "c1", "settled", "");
		assert_row("o2/1", "c1", "settled", "\"final_differs\"");
		assert_row("o2", "c1", "closed", "");
		before = position();
		assert_int_equal(import_row(ROW("o3", "mm_1_2_1", "paid", "")), TRIB_OK);
		assert_int_equal(position(), before);
	}
	assert_int_equal(ask_row(TRIB_CALL_SITE_ORDER, "o9"), TRIB_NOT_FOUND);
	assert_int_equal(ask_row(TRIB_CALL_SITE_RESOLVE, "o1"), TRIB_REFUSED);
	assert_int_equal(ask_row(TRIB_CALL_SITE_RESOLVE, "o3"), TRIB_OK);
	assert_row("o3", "c1", "paid", "");
	assert_true(strstr(shown, "\"reason\":\"looked at\""));
	assert_int_equal(import_row(ROW("o3", "mm_1_2_1", "received", "")), TRIB_OK); /* the same is looked at no second time */
	assert_row("o3", "c1", "received", "");
	assert_int_equal(import_row(ROW("o3", "mm_1_2_1", "settled", ",\"final\":1")), TRIB_OK);
	assert_row("o3", "c1", "settled", "\"final_differs\"");
	assert_reviews("o2/1 o3");
	assert_state("taobao", "\"reviews\":2");
}

static void pids_of_nobody_wait_for_a_creator(void **state)
{
	market();
	assert_int_equal(import_row(ROW("o1", "mm_1_2_7", "paid", "")), TRIB_OK);
	assert_int_equal(import_row(ROW("o2", "mm_1_2_7", "settled", ",\"final\":100")), TRIB_OK);
	assert_int_equal(import_row("{\"order\":\"o3\",\"status\":\"paid\",\"at\":5,\"paid\":1,\"estimated\":0}"), TRIB_OK);
	assert_int_equal(import_row(ROW("o4", "mm 1", "paid", "")), TRIB_INVALID);
	assert_int_equal(import_row(ROW("o4/1/2", "mm_1_2_7", "paid", "")), TRIB_INVALID);
	assert_row("o1", NULL, "paid", "\"pid_unmapped\"");
	assert_reviews("o1 o2 o3");
	assert_pid("taobao-mm_1_2_7", "\"status\":\"unknown\"");
	assert_state("taobao", "\"pids_free\":0,\"pids_resting\":0,\"pids_leased\":0,\"pids_unknown\":1");
	world_restart();
	assert_int_equal(act("taobao-mm_1_2_7", "assign", "c2", 0), TRIB_OK);
	for (int i = 0; i < 3; i++) {
		if (i)
			i == 1 ? world_crash() : world_restart();
		assert_reviews("o2 o3");
		assert_row("o1", "c2", "paid", "");
		assert_row("o2", "c2", "settled", "\"final_differs\"");
		assert_row("o3", NULL, "paid", "\"pid_unmapped\"");
	}
	assert_int_equal(ask_row(TRIB_CALL_SITE_RESOLVE, "o2"), TRIB_OK); /* what was mapped since stays so */
	assert_int_equal(ask_row(TRIB_CALL_SITE_RESOLVE, "o2"), TRIB_REFUSED);
	assert_reviews("o3");
	/* From a time on only: what was before is nobody's still. */
	assert_int_equal(import_row(ROW("o5", "mm_1_2_8", "paid", "")), TRIB_OK);
	assert_int_equal(act("taobao-mm_1_2_8", "assign", "c1", WORLD_START_MS + 1), TRIB_INVALID);
	world_pass(1000);
	assert_int_equal(act("taobao-mm_1_2_8", "assign", "c1", WORLD_START_MS + 1), TRIB_OK);
	assert_row("o5", NULL, "paid", "\"pid_unmapped\"");
	assert_int_equal(act("taobao-mm_1_2_8", "assign", "c1", 1), TRIB_OK);
	assert_row("o5", "c1", "paid", "");
	assert_reviews("o3");
}

/* Rows and queue after crashes, restarts and checkpoints at any time are what they were. */
static void nothing_is_lost(void **state)
{
	enum { LINES = 40, STEPS = 400 };
	static char last[LINES][16];
	struct trib_rng rng;

	market();
	put_pids(1, 1);
	trib_rng_seed(&rng, trib_test_seed());
	for (int step = 0; step < STEPS; step++) {
		static const char *const words[] = { "paid", "received", "settled", "closed" };
		uint32_t line = (uint32_t)trib_rng_below(&rng, LINES), rank = (uint32_t)trib_rng_below(&rng, 4);
		char json[256], order[16];

		snprintf(order, sizeof(order), "o%u/%u", line / 3, line);
		snprintf(json, sizeof(json),
			 "{\"order\":\"%s\",\"pid\":\"mm_1_2_1\",\"status\":\"%s\",\"at\":7,\"paid\":1,\"estimated\":0}", order,
			 words[rank]);
		assert_int_equal(import_row(json), TRIB_OK);
		for (uint32_t i = 0; i <= rank; i++)
			if (!last[line][0] || !strcmp(last[line], words[i]))
				snprintf(last[line], sizeof(last[line]), "%s", words[rank]);
		assert_row(order, NULL, last[line], "\"pid_unmapped\"");
		if (trib_rng_below(&rng, 20) == 0)
			trib_engine_checkpoint(world.engine);
		if (trib_rng_below(&rng, 25) == 0)
			trib_rng_below(&rng, 2) ? world_crash() : world_restart();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_creator_keeps_its_pid, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(what_is_released_rests, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_closed_creator_gives_its_pids_back, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(leases_are_told_by_time, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(puts_are_checked, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(alarms_are_told_once, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_site_counts_goods_that_were_there, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(orders_are_compared, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(pids_of_nobody_wait_for_a_creator, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(nothing_is_lost, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
