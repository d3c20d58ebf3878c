/* The hand-made codec of an order's record against protobuf-c. */
#include "unit/resolve/draw.h"

#include "proto/proto.h"

static struct trib_order_record record, again;

static void random_record(struct trib_rng *rng)
{
	trib_order_record_reset(&record);
	record.order = trib_bytes_text("o-123/7");
	record.user = trib_rng_u64(rng);
	record.content = trib_rng_u64(rng);
	record.goods = draw_number(rng);
	record.base_amount = (int64_t)(trib_rng_u64(rng) >> 1);
	record.at_ms = (int64_t)(trib_rng_u64(rng) >> 20);
	record.outcome = TRIB_OUTCOME_ATTRIBUTED;
	record.node = draw_number(rng);
	record.charged = (int64_t)(trib_rng_u64(rng) >> 1);
	record.qty = draw_number(rng);
	record.at_stated = trib_rng_chance(rng, 0.5);
	record.path = trib_bytes("\x01\x02\x05", trib_rng_below(rng, 4));
	record.facts = trib_bytes("\x07\x08", trib_rng_below(rng, 3));
	if (trib_rng_chance(rng, 0.3))
		record.listed = (struct trib_order_listed){ 1 + draw_number(rng) / 2, draw_number(rng), TRIB_BLOCK_DEVICE };
	if (trib_rng_chance(rng, 0.3)) {
		record.choice = (struct trib_rules_choice){ .asked = true, .chosen = trib_rng_chance(rng, 0.5),
							    .conditional = trib_rng_chance(rng, 0.5),
							    .has_place = trib_rng_chance(rng, 0.5),
							    .from = (uint16_t)trib_rng_below(rng, 10000),
							    .to = (uint16_t)trib_rng_below(rng, 10001) };
		record.choice.place = (uint16_t)(record.choice.has_place ? trib_rng_below(rng, 10000) : 0);
	}
	if (trib_rng_chance(rng, 0.3)) {
		record.play = trib_bytes_text("slot-live");
		record.play_version = draw_number(rng);
		record.n_asked = (uint32_t)trib_rng_below(rng, TRIB_ORDER_ASKED_MAX + 1);
		for (uint32_t i = 0; i < record.n_asked; i++)
			record.asked[i] = (struct trib_asked){ .capability = trib_bytes_text("order.self_purchase"),
							       .gave = trib_bytes("attributed", trib_rng_below(rng, 2) * 10),
							       .failed = trib_rng_chance(rng, 0.5) };
	}
	record.n_ext = (uint32_t)trib_rng_below(rng, 4);
	for (uint32_t i = 0; i < record.n_ext; i++)
		record.ext[i] = (struct trib_ext_pair){ trib_bytes_text("key"), trib_bytes_text("某") };
	record.n_touches = (uint32_t)trib_rng_between(rng, 1, TRIB_LIMIT_TOUCHES_CONSIDERED);
	for (uint32_t i = 0; i < record.n_touches; i++) {
		draw_touch(rng, &record.touches[i].touch);
		record.touches[i].reason = (uint8_t)trib_rng_below(rng, 9);
	}
	record.n_slices = (uint32_t)trib_rng_below(rng, record.n_touches + 1);
	for (uint32_t i = 0; i < record.n_slices; i++) {
		struct trib_slice *slice = &record.slices[i];

		*slice = (struct trib_slice){ .touch = i, .plan = draw_number(rng), .plan_version = draw_number(rng),
					      .offer = draw_number(rng), .offer_version = draw_number(rng),
					      .base = (int64_t)(trib_rng_u64(rng) >> 1),
					      .line = record.n_lines,
					      .n_lines = (uint32_t)trib_rng_below(rng, 33) };
		for (uint32_t j = 0; j < slice->n_lines; j++)
			record.lines[record.n_lines++] = (struct trib_order_line){
				.share = (uint16_t)j,
				.kinds = trib_rng_chance(rng, 0.1) ? 0 : trib_line_kinds(TRIB_LINE_OTHER, 2, 3, false),
				.name = draw_number(rng), .to_party = draw_number(rng), .to_role = draw_number(rng),
				.from_party = draw_number(rng), .from_role = draw_number(rng),
				.amount = (int64_t)(trib_rng_u64(rng) >> 1) };
	}
}

static void orders_as_protobuf_c_reads_them(void **state)
{
	struct trib_rng rng;
	static char bytes[1 << 20];

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 2000; round++) {
		random_record(&rng);
		char *end = trib_order_record_put(bytes, &record);

		assert_true((size_t)(end - bytes) <= trib_order_record_bytes_max(&record));
		Tributary__OrderDecided *order =
			tributary__order_decided__unpack(NULL, (size_t)(end - bytes), (const uint8_t *)bytes);

		assert_non_null(order);

		assert_string_equal(order->order, "o-123/7");
		assert_true(order->user == record.user && order->content == record.content);
		assert_true(order->base_amount == record.base_amount && order->charged == record.charged);
		assert_int_equal(order->outcome, record.outcome);
		assert_int_equal(order->n_touch, record.n_touches);
		for (size_t i = 0; i < order->n_touch; i++) {
			assert_true(order->touch[i]->token->link == record.touches[i].touch.link);
			assert_true(order->touch[i]->at == record.touches[i].touch.at_ms);
			assert_true(order->touch[i]->token->page == record.touches[i].touch.page);
			assert_int_equal(order->touch[i]->reason, record.touches[i].reason);
		}
		assert_int_equal(order->n_slice, record.n_slices);
		for (size_t i = 0, line = 0; i < order->n_slice; i++) {
			assert_int_equal(order->slice[i]->n_line, record.slices[i].n_lines);
			for (size_t j = 0; j < order->slice[i]->n_line; j++, line++)
				assert_true(order->slice[i]->line[j]->amount == record.lines[line].amount);
		}
		assert_int_equal(order->n_ext, record.n_ext);
		tributary__order_decided__free_unpacked(order, NULL);
	}
}

/* Written, read, written again: the same bytes. A cut text is refused or shorter, never a crash. */
static void orders_come_back(void **state)
{
	struct trib_rng rng;
	static char bytes[1 << 20], second[1 << 20];

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 2000; round++) {
		random_record(&rng);
		char *end = trib_order_record_put(bytes, &record), *second_end;

		assert_true(trib_order_record_get(trib_bytes(bytes, (size_t)(end - bytes)), &again));
		second_end = trib_order_record_put(second, &again);
		assert_int_equal(second_end - second, end - bytes);
		assert_memory_equal(bytes, second, end - bytes);
		trib_order_record_get(trib_bytes(bytes, trib_rng_below(&rng, (size_t)(end - bytes))), &again);
	}
}

/* What was decided is gone, what was stated is not. */
static void undecided(void **state)
{
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	random_record(&rng);
	int64_t base_amount = record.base_amount;
	uint32_t n_touches = record.n_touches, n_ext = record.n_ext, qty = record.qty;

	trib_order_record_undecide(&record);
	assert_true(record.base_amount == base_amount && record.n_touches == n_touches);
	assert_true(record.n_ext == n_ext && record.qty == qty && record.order.size);
	assert_true(!record.outcome && !record.n_slices && !record.n_lines && !record.path.size);
	assert_true(!record.charged && !record.node && !record.facts.size);
	for (uint32_t i = 0; i < n_touches; i++)
		assert_int_equal(record.touches[i].reason, TRIB_REASON_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_as_protobuf_c_reads_them),
		cmocka_unit_test(orders_come_back),
		cmocka_unit_test(undecided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
