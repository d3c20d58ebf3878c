/* The outbox inside the engine: who gets a delivery, when it is due, what failures come to, what survives. */
#include "unit/engine/world.h"
#include "engine/outbox.h"

static int setup(void **state)
{
	if (world_prepare() != 0)
		return -1;
	world.options.outbox_allow = "http://127.0.0.1:9000/";
	world.options.outbox_give_up_ms = 10 * 60 * 1000;
	world_open();
	return 0;
}

static trib_status put_webhook(const char *id, const char *json, struct trib_error *ret_error)
{
	struct trib_buffer body;
	trib_status status;

	trib_buffer_init(&body, 1 << 20);
	trib_buffer_add_format(&body, "{\"id\":\"%s\",%s", id, json + 1);
	status = world_ask((struct trib_call){ .kind = TRIB_CALL_WEBHOOK_PUT, .name = trib_bytes_text(id) },
			   &tributary__webhook__descriptor, trib_buffer_text(&body));
	trib_buffer_fini(&body);
	*ret_error = world_error;
	return status;
}

static void webhook(const char *id, const char *json)
{
	struct trib_error error;
	trib_status status = put_webhook(id, json, &error);

	assert_ok(status, error);
}

static trib_status add(const struct engine_effect *effect)
{
	struct trib_error error;
	trib_status status = engine_outbox_add(world.engine, effect, &error);

	trib_engine_settle(world.engine);
	trib_engine_turn(world.engine);
	return status;
}

static uint64_t pending(void)
{
	struct trib_engine_counts counts;

	trib_engine_count(world.engine, &counts);
	return counts.outbox_pending;
}

static uint64_t dead(void)
{
	struct trib_engine_counts counts;

	trib_engine_count(world.engine, &counts);
	return counts.outbox_dead_now;
}

/* The ids of what is due, and when more is; the caller frees. */
static Tributary__Parcels *take(uint32_t limit)
{
	struct trib_call call = { .kind = TRIB_CALL_OUTBOX_TAKE, .limit = limit };

	trib_engine_settle(world.engine);
	trib_engine_turn(world.engine);
	world_call(&call);
	assert_ok(call.status, call.error);
	Tributary__Parcels *parcels =
		tributary__parcels__unpack(NULL, call.reply.size, (const uint8_t *)call.reply.data);

	trib_buffer_fini(&call.reply);
	assert_non_null(parcels);
	return parcels;
}

static size_t count_due(void)
{
	Tributary__Parcels *parcels = take(100);
	size_t count = parcels->n_parcel;

	tributary__parcels__free_unpacked(parcels, NULL);
	return count;
}

static void tell(uint64_t id, int code, const char *reason, int64_t retry_after_ms, bool never)
{
	Tributary__ParcelResults results = TRIBUTARY__PARCEL_RESULTS__INIT;
	Tributary__ParcelResult result = TRIBUTARY__PARCEL_RESULT__INIT, *list[] = { &result };
	struct trib_call call = { .kind = TRIB_CALL_OUTBOX_TELL, .body = &results.base };

	result.has_id = result.has_code = result.has_never = 1;
	result.id = id;
	result.code = code;
	result.reason = (char *)reason;
	result.has_retry_after_ms = retry_after_ms != 0;
	result.retry_after_ms = retry_after_ms;
	result.never = never;
	results.n_result = 1;
	results.result = list;
	world_call(&call);
	assert_ok(call.status, call.error);
	trib_buffer_fini(&call.reply);
}

static uint64_t take_one(void)
{
	Tributary__Parcels *parcels = take(1);

	assert_int_equal(parcels->n_parcel, 1);
	uint64_t id = parcels->parcel[0]->id;

	tributary__parcels__free_unpacked(parcels, NULL);
	return id;
}

#define URL "\"url\":\"http://127.0.0.1:9000/x\""

static void those_who_ask_get_one_each(void **state)
{
	static const struct {
		const char *webhook;
		const char *kind, *body;
		unsigned deliveries;
	} rows[] = {
		{ "{" URL ",\"kinds\":[\"sample.shipped\"]}", "sample.shipped", "{}", 1 },
		{ "{" URL ",\"kinds\":[\"sample.shipped\"]}", "sample.late", "{}", 0 },
		{ "{" URL ",\"kinds\":[\"sample.*\"]}", "sample.late", "{}", 1 },
		{ "{" URL ",\"kinds\":[\"sample.*\"]}", "samples.late", "{}", 0 },
		{ "{" URL ",\"kinds\":[\"*\"]}", "anything", "{}", 1 },
		{ "{" URL ",\"kinds\":[\"a\",\"b\",\"b\"]}", "b", "{}", 1 },
		{ "{" URL ",\"kinds\":[\"*\"],\"when\":\"to == 'c1'\"}", "x", "{}", 1 },
		{ "{" URL ",\"kinds\":[\"*\"],\"when\":\"to == 'c2'\"}", "x", "{}", 0 },
		{ "{" URL ",\"kinds\":[\"*\"],\"when\":\"body.amount > 5 && kind == 'x'\"}", "x", "{\"amount\":6}", 1 },
		{ "{" URL ",\"kinds\":[\"*\"],\"when\":\"body.amount > 5\"}", "x", "{\"amount\":5}", 0 },
		{ "{" URL ",\"kinds\":[\"*\"],\"when\":\"body.list[1] == {'a': 1.5}\"}", "x", "{\"list\":[null,{\"a\":1.5}]}", 1 },
		{ "{" URL ",\"kinds\":[\"*\"],\"when\":\"body.amount > 5\"}", "x", "{}", 0 }, /* cannot be evaluated */
		{ "{" URL ",\"kinds\":[\"*\"],\"status\":\"paused\"}", "x", "{}", 1 },
		{ "{" URL ",\"kinds\":[\"*\"],\"status\":\"closed\"}", "x", "{}", 0 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		uint64_t before = pending();

		webhook("w", rows[i].webhook);
		assert_int_equal(add(&(struct engine_effect){ .kind = rows[i].kind, .to = trib_bytes_text("c1"),
							      .body = trib_bytes_text(rows[i].body) }),
				 TRIB_OK);
		if (pending() != before + rows[i].deliveries && strstr(rows[i].webhook, "closed") == NULL)
			fail_msg("row %zu: found %llu more deliveries", i, (unsigned long long)(pending() - before));
	}
	assert_int_equal(pending(), 0); /* the last row has closed it */
	assert_true(dead() > 0);
}

static void nobody_asks_nothing_is_written(void **state)
{
	uint64_t ticket;

	trib_engine_settle(world.engine);
	ticket = trib_engine_ticket(world.engine);
	assert_int_equal(add(&(struct engine_effect){ .kind = "x", .body = trib_bytes_text("not even JSON") }), TRIB_OK);
	assert_int_equal(trib_engine_ticket(world.engine), ticket);
}

static void what_is_wrong_is_refused(void **state)
{
	static const char *const webhooks[] = {
		"{\"url\":\"http://127.0.0.1:9001/x\",\"kinds\":[\"*\"]}", "{\"url\":\"ftp://127.0.0.1:9000/x\",\"kinds\":[\"*\"]}",
		"{" URL ",\"kinds\":[]}", "{" URL ",\"kinds\":[\"a*\"]}", "{" URL ",\"kinds\":[\"*.a\"]}", "{" URL ",\"kinds\":[\"a b\"]}",
		"{" URL ",\"kinds\":[\"*\"],\"when\":\"1\"}", "{" URL ",\"kinds\":[\"*\"],\"when\":\"nobody == 1\"}", "{\"kinds\":[\"*\"]}",
	};
	static const struct engine_effect effects[] = { { .kind = "a b" }, { .kind = "" }, { .kind = "x.*" },
							{ .kind = "x", .body = { "[]", 2 } },
							{ .kind = "x", .body = { "{", 1 } } };
	struct trib_error error;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(webhooks); i++)
		if (put_webhook("w", webhooks[i], &error) == TRIB_OK)
			fail_msg("taken: %s", webhooks[i]);
	webhook("w", "{" URL ",\"kinds\":[\"*\"]}");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(effects); i++)
		assert_int_not_equal(add(&effects[i]), TRIB_OK);
	assert_int_equal(pending(), 0);
}

static void failures_are_tried_again_later_and_later(void **state)
{
	int64_t waited_ms = 0, longest_ms = 0;
	unsigned attempts = 0;

	webhook("w", "{" URL ",\"kinds\":[\"*\"]}");
	add(&(struct engine_effect){ .kind = "x" });
	while (pending()) {
		Tributary__Parcels *parcels = take(10);

		if (parcels->n_parcel) {
			attempts++;
			assert_int_equal(parcels->parcel[0]->attempt, attempts);
			tell(parcels->parcel[0]->id, 500, "HTTP 500", 0, false);
		} else {
			/* The n-th wait is half to all of 2^(n-1) seconds. */
			assert_true(parcels->has_next_ms);
			assert_true(parcels->next_ms >= 500 << (attempts - 1) && parcels->next_ms <= 1000 << (attempts - 1));
			longest_ms = TRIB_MAX(longest_ms, parcels->next_ms);
			waited_ms += parcels->next_ms;
			world_pass(parcels->next_ms);
		}
		tributary__parcels__free_unpacked(parcels, NULL);
	}
	assert_int_equal(dead(), 1);
	assert_true(attempts >= 8 && longest_ms > 60000 && waited_ms <= 10 * 60 * 1000);
}

static void a_target_may_ask_for_more_time(void **state)
{
	webhook("w", "{" URL ",\"kinds\":[\"*\"]}");
	add(&(struct engine_effect){ .kind = "x" });
	tell(take_one(), 429, "HTTP 429", 120000, false);
	world_pass(119999);
	assert_int_equal(count_due(), 0);
	world_pass(1);
	assert_int_equal(count_due(), 1);
}

static void gone_is_dead_at_once_and_may_be_retried(void **state)
{
	char id_text[24];
	uint64_t id;

	webhook("w", "{" URL ",\"kinds\":[\"*\"]}");
	add(&(struct engine_effect){ .kind = "x" });
	id = take_one();
	tell(id, 410, "HTTP 410", 0, true);
	assert_int_equal(dead(), 1);
	tell(id, 200, NULL, 0, false); /* too late: it is no longer waited for */
	assert_int_equal(dead(), 1);
	id_text[trib_format_u64(id_text, id)] = '\0';
	struct trib_call retry = { .kind = TRIB_CALL_OUTBOX_RETRY, .name = trib_bytes_text(id_text) };

	world_call(&retry);
	assert_ok(retry.status, retry.error);
	trib_buffer_fini(&retry.reply);
	assert_int_equal(take_one(), id);
	tell(id, 204, NULL, 0, false);
	assert_int_equal(pending() + dead(), 0);
	struct trib_call again = { .kind = TRIB_CALL_OUTBOX_RETRY, .name = trib_bytes_text(id_text) };

	world_call(&again);
	assert_int_equal(again.status, TRIB_REFUSED);
	trib_buffer_fini(&again.reply);
}

/* Delivers all that is due. */
static size_t deliver_due(void)
{
	Tributary__Parcels *parcels;
	size_t count = 0;

	while ((parcels = take(100))->n_parcel) {
		for (size_t i = 0; i < parcels->n_parcel; i++)
			tell(parcels->parcel[i]->id, 200, NULL, 0, false);
		count += parcels->n_parcel;
		tributary__parcels__free_unpacked(parcels, NULL);
	}
	tributary__parcels__free_unpacked(parcels, NULL);
	return count;
}

static void one_a_key_waits_and_they_are_spread(void **state)
{
	webhook("w", "{" URL ",\"kinds\":[\"*\"]}");
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 200; i++) {
			char to[16];

			snprintf(to, sizeof(to), "c%d", i);
			assert_int_equal(add(&(struct engine_effect){ .kind = "offer.ended", .to = trib_bytes_text(to),
								      .key = trib_bytes_text("p1"), .spread_ms = 600000 }),
					 TRIB_OK);
		}
	assert_int_equal(pending(), 200);
	world_pass(300000);
	size_t in_first_half = deliver_due();

	assert_in_range(in_first_half, 60, 140);
	world_pass(300000);
	assert_int_equal(in_first_half + deliver_due(), 200);
	/* Who has been told may be told again of what comes later. */
	add(&(struct engine_effect){ .kind = "offer.ended", .to = trib_bytes_text("c1"), .key = trib_bytes_text("p1") });
	assert_int_equal(pending(), 1);
}

static void what_waits_survives(void **state)
{
	webhook("w", "{" URL ",\"kinds\":[\"*\"],\"secret\":\"s\"}");
	webhook("v", "{" URL ",\"kinds\":[\"*\"],\"status\":\"paused\"}");
	for (int i = 0; i < 4; i++)
		add(&(struct engine_effect){ .kind = "x", .to = trib_bytes_text("c1"), .body = trib_bytes_text("{\"b\":1,\"a\":[2]}") });
	assert_int_equal(pending(), 8);
	uint64_t first = take_one();

	for (int round = 0; round < 2; round++) {
		if (round)
			world_restart();
		else
			world_crash();
		assert_int_equal(pending(), 8);
		Tributary__Parcels *parcels = take(100);
		char content[256];

		assert_int_equal(parcels->n_parcel, 4); /* none of the paused one */
		assert_int_equal(parcels->parcel[0]->id, first);
		snprintf(content, sizeof(content),
			 "{\"id\":%llu,\"kind\":\"x\",\"at\":%lld,\"to\":\"c1\",\"body\":{\"a\":[2],\"b\":1}}",
			 (unsigned long long)first, (long long)WORLD_START_MS);
		assert_string_equal(parcels->parcel[0]->content, content);
		assert_string_equal(parcels->parcel[0]->secret, "s");
		tributary__parcels__free_unpacked(parcels, NULL);
	}
	tell(first, 200, NULL, 0, false);
	world_restart();
	assert_int_equal(pending(), 7);
	world_crash();
	assert_int_equal(pending(), 7);
	const char *reason;

	assert_true(trib_engine_check(world.engine, &reason));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(those_who_ask_get_one_each, setup, world_teardown),
		cmocka_unit_test_setup_teardown(nobody_asks_nothing_is_written, setup, world_teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_refused, setup, world_teardown),
		cmocka_unit_test_setup_teardown(failures_are_tried_again_later_and_later, setup, world_teardown),
		cmocka_unit_test_setup_teardown(a_target_may_ask_for_more_time, setup, world_teardown),
		cmocka_unit_test_setup_teardown(gone_is_dead_at_once_and_may_be_retried, setup, world_teardown),
		cmocka_unit_test_setup_teardown(one_a_key_waits_and_they_are_spread, setup, world_teardown),
		cmocka_unit_test_setup_teardown(what_waits_survives, setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
