/* The hand-made codec of events against protobuf-c. */
#include "unit/resolve/draw.h"

#include "engine/events.h"

/* An order's record stands in its event as it is; resolve/record_test.c looks inside. */
static void orders_are_events(void **state)
{
	static struct trib_order_record record;
	static char bytes[1 << 12], body_again[1 << 12];
	struct trib_bytes event, body;
	size_t offset = 0, at;
	int64_t time_ms = 0;
	bool ok;

	trib_order_record_reset(&record);
	record.order = trib_bytes_text("o-123/7");
	record.base_amount = 1999;
	char *end = trib_order_event_put(bytes, &record);
	struct trib_bytes batch = trib_bytes(bytes, (size_t)(end - bytes));

	assert_true(batch.size <= trib_order_event_bytes_max(&record));
	assert_true(trib_batch_next(batch, &offset, &time_ms, &event, &at, &ok));
	assert_int_equal(at, 0);
	assert_int_equal(trib_event_kind(event, &body), TRIB_EVENT_ORDER_DECIDED);
	assert_int_equal(trib_order_record_put(body_again, &record) - body_again, body.size);
	assert_memory_equal(body.data, body_again, body.size);
	assert_false(trib_batch_next(batch, &offset, &time_ms, &event, &at, &ok));
	assert_true(ok);
	Tributary__Batch *read = tributary__batch__unpack(NULL, batch.size, (const uint8_t *)bytes);

	assert_true(read && read->n_event == 1);
	assert_string_equal(read->event[0]->order_decided->order, "o-123/7");
	tributary__batch__free_unpacked(read, NULL);
}

static void touches_and_links_come_back(void **state)
{
	struct trib_rng rng;
	static char bytes[1 << 16];

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 2000; round++) {
		struct trib_touch_event touch = { .user = trib_rng_u64(&rng) }, touch_again;
		struct trib_bytes event, body;
		size_t offset = 0, at;
		int64_t time_ms;
		bool ok;

		draw_touch(&rng, &touch.touch);
		touch.touch.at_stated = trib_rng_chance(&rng, 0.5);
		char *end = trib_touch_event_put(bytes, &touch);

		assert_true(end - bytes <= TRIB_TOUCH_EVENT_BYTES_MAX);
		assert_true(trib_batch_next(trib_bytes(bytes, (size_t)(end - bytes)), &offset, &time_ms,
					    &event, &at, &ok));
		assert_int_equal(trib_event_kind(event, &body), TRIB_EVENT_TOUCH_RECORDED);
		assert_true(trib_touch_event_get(body, &touch_again));
		assert_memory_equal(&touch, &touch_again, sizeof(touch));
		Tributary__Batch *batch =
			tributary__batch__unpack(NULL, (size_t)(end - bytes), (const uint8_t *)bytes);

		assert_true(batch && batch->event[0]->touch_recorded->token->creator == touch.touch.creator);
		tributary__batch__free_unpacked(batch, NULL);

		static struct trib_link_event link, link_again;

		link.token = touch.touch;
		link.token.kind = 0;
		link.token.at_stated = false;
		link.token.at_ms = link.token.issued_at_ms;
		link.n_ext = 1;
		link.ext[0] = (struct trib_ext_pair){ trib_bytes_text("pid"), trib_bytes_text("mm_1") };
		end = trib_link_event_put(bytes, &link);
		offset = 0;
		assert_true(trib_batch_next(trib_bytes(bytes, (size_t)(end - bytes)), &offset, &time_ms,
					    &event, &at, &ok));
		assert_int_equal(trib_event_kind(event, &body), TRIB_EVENT_LINK_ISSUED);
		assert_true(trib_link_event_get(body, &link_again));
		assert_memory_equal(&link.token, &link_again.token, sizeof(link.token));
		assert_true(trib_bytes_is(link_again.ext[0].value, "mm_1"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_are_events),
		cmocka_unit_test(touches_and_links_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
