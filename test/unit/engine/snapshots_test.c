/* Snapshots of a real engine: full, delta, after restarts; and a view resolves as the engine decides. */
#include "world.h"

#include <unistd.h>
#include "resolve/resolve.h"

enum { ANSWER_BYTES_MAX = 64 << 10 };

/* The bytes of GET /api/v1/snapshot?since=. */
static trib_status fetch(uint64_t since, struct trib_buffer *ret_bytes, struct trib_error *ret_error)
{
	struct trib_call call = { .kind = TRIB_CALL_SNAPSHOT, .since = since };

	world_call(&call);
	*ret_error = call.error;
	if (call.file) {
		char *place = trib_buffer_reserve(ret_bytes, call.file->size);

		assert_int_equal(pread(call.file->fd, place, call.file->size, 0), call.file->size);
		ret_bytes->size += call.file->size;
		trib_call_file_unref(call.file);
	}
	if (call.status == TRIB_OK)
		trib_buffer_add_bytes(ret_bytes, trib_buffer_bytes(&call.reply));
	trib_buffer_fini(&call.reply);
	return call.status;
}

/* Takes all parts of a snapshot since the view's position. Returns how many bytes came. */
static size_t refresh(struct trib_view *view)
{
	struct trib_snapshot_part part;
	struct trib_buffer bytes;
	struct trib_error error;
	size_t offset = 0;
	trib_status status;

	trib_buffer_init(&bytes, 1 << 30);
	assert_ok(fetch(trib_view_position(view), &bytes, &error), error);
	while ((status = trib_snapshot_next(trib_buffer_bytes(&bytes), &offset, &part, &error)) == TRIB_OK)
		assert_ok(trib_view_take(view, &part, &error), error);
	assert_int_equal(status, TRIB_NOT_FOUND);
	trib_buffer_fini(&bytes);
	assert_int_equal(trib_view_position(view), trib_engine_market_position(world.engine));
	return offset;
}

static struct {
	char bytes[ANSWER_BYTES_MAX];
	size_t size;
	struct trib_order_record stated; /* without what was decided */
} decided;

static void note_answer(void *context TRIB_UNUSED, size_t i TRIB_UNUSED, const struct trib_order_answer *answer)
{
	const struct trib_spaces *spaces = NULL;
	const struct trib_market market = { trib_engine_domain(world.engine), trib_engine_rules(world.engine), spaces,
					    0 };

	assert_int_equal(answer->status, TRIB_OK);
	assert_true(trib_answer_bytes_max(&market, answer->record) <= ANSWER_BYTES_MAX);
	decided.size = (size_t)(trib_answer_put(decided.bytes, &market, trib_engine_market_position(world.engine),
						answer->record) -
				decided.bytes);
	decided.stated = *answer->record;
}

/* The engine decides; the view resolves the same order; the bytes are the same. */
static void same_bytes(const struct trib_view *view, const char *order, const char *goods, int64_t base, const char *token)
{
	const struct trib_order_request request = { .order = trib_bytes_text(order), .user = trib_bytes_text("u1"),
						    .goods = trib_bytes_text(goods), .token = trib_bytes_text(token),
						    .base_amount = base };
	static char bytes[ANSWER_BYTES_MAX];
	struct trib_arena arena;

	trib_engine_orders(world.engine, &request, 1, note_answer, NULL);
	trib_arena_init(&arena, 1 << 20);
	struct trib_resolve_request resolve = { .now_ms = trib_engine_now(world.engine), .scratch = &arena };

	trib_order_record_undecide(&decided.stated);
	trib_view_resolve(view, &resolve, &decided.stated);
	size_t size = (size_t)(trib_answer_put(bytes, trib_view_market(view), trib_view_position(view),
					       &decided.stated) -
			       bytes);

	assert_int_equal(size, decided.size);
	assert_memory_equal(bytes, decided.bytes, size);
	trib_arena_fini(&arena);
}

static void full_then_delta(void **state TRIB_UNUSED)
{
	struct trib_view *view = trib_view_new();

	world_market();
	size_t full = refresh(view);

	assert_int_equal(trib_domain_digest(trib_view_market(view)->domain),
			 trib_domain_digest(trib_engine_domain(world.engine)));
	same_bytes(view, "o1", "g1", 1999, world_token("c1", "g1"));
	same_bytes(view, "o2", "g3", 999, world_token("c2", "g3"));
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],"
				  "\"creators_when\":\"creator.level > 2\",\"terms\":{\"commission_bps\":1500}}");
	world_rules("default", "{\"root\":{\"id\":\"r\",\"window\":\"7d\",\"children\":[{\"id\":\"b\",\"when\":"
			       "\"goods.category == 'beauty'\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\","
			       "\"bps\":\"terms.commission_bps\"}]}]}}");
	assert_true(refresh(view) < full);
	same_bytes(view, "o3", "g1", 1999, world_token("c1", "g1"));
	same_bytes(view, "o4", "g3", 999, world_token("c2", "g3"));
	assert_int_equal(trib_domain_digest(trib_view_market(view)->domain),
			 trib_domain_digest(trib_engine_domain(world.engine)));
	trib_view_free(view);
}

/* Orders and touches leave the market where it is; so does a restart. A client goes on with deltas. */
static void positions_stay(void **state TRIB_UNUSED)
{
	struct trib_view *view = trib_view_new(), *second = trib_view_new();

	world_market();
	refresh(view);
	uint64_t position = trib_view_position(view);

	world_touch("u7", world_token("c1", "g1"));
	world_order("o1", "u7", "g1", 100, "-");
	assert_int_equal(trib_engine_market_position(world.engine), position);
	world_restart();
	assert_int_equal(trib_engine_market_position(world.engine), position);
	assert_true(refresh(view) < 256);
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c9\",\"roles\":[\"creator\"]}");
	world_crash();
	refresh(view);
	refresh(second);
	assert_int_equal(trib_domain_digest(trib_view_market(view)->domain),
			 trib_domain_digest(trib_view_market(second)->domain));
	trib_view_free(view);
	trib_view_free(second);
}

/* More has changed since the last checkpoint than is kept for deltas: a checkpoint comes first, and then the snapshot. */
static void many_changes(void **state TRIB_UNUSED)
{
	enum { EXT_BYTES = 60000, GOODS = 700 };
	TRIB_AUTOFREE char *json = trib_alloc(EXT_BYTES + 200);
	struct trib_view *view = trib_view_new();
	char name[EXT_BYTES / 1000];

	world_market();
	refresh(view);
	memset(name, 'x', sizeof(name));
	for (int i = 0; i < GOODS; i++) {
		char *p = json + sprintf(json, "{\"id\":\"big%d\",\"merchant\":\"m1\",\"ext\":{\"a\":\"", i);

		for (int piece = 0; piece < 1000; piece++, p += sizeof(name))
			memcpy(p, name, sizeof(name));
		strcpy(p, "\"}}");
		world_put(TRIB_NOUN_GOODS, json);
	}
	struct trib_view *second = trib_view_new();

	refresh(second);
	world_put(TRIB_NOUN_PARTY, "{\"id\":\"c10\",\"roles\":[\"creator\"]}");
	assert_true(refresh(second) < 1024);
	trib_view_free(second);
	trib_view_free(view);
}

static void from_the_future_is_refused(void **state TRIB_UNUSED)
{
	struct trib_buffer bytes;
	struct trib_error error;

	world_market();
	trib_buffer_init(&bytes, 1 << 20);
	assert_int_equal(fetch(UINT64_MAX, &bytes, &error), TRIB_CONFLICT);
	trib_buffer_fini(&bytes);
}

/* A view refuses a snapshot of another market, an older one, and a full one on top of what it has. */
static void views_do_not_mix(void **state TRIB_UNUSED)
{
	struct trib_view *view = trib_view_new();
	struct trib_snapshot_part part;
	struct trib_buffer bytes;
	struct trib_error error;
	size_t offset = 0;

	world_market();
	refresh(view);
	trib_buffer_init(&bytes, 1 << 30);
	assert_ok(fetch(0, &bytes, &error), error);
	assert_ok(trib_snapshot_next(trib_buffer_bytes(&bytes), &offset, &part, &error), error);
	assert_int_equal(trib_view_take(view, &part, &error), TRIB_CONFLICT);
	part.head.since = part.head.position;
	part.head.market++;
	assert_int_equal(trib_view_take(view, &part, &error), TRIB_CONFLICT);
	part.head.market--;
	part.head.since = part.head.position = trib_view_position(view) - 1;
	assert_int_equal(trib_view_take(view, &part, &error), TRIB_CONFLICT);
	trib_buffer_fini(&bytes);
	trib_view_free(view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(full_then_delta, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(positions_stay, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(many_changes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(from_the_future_is_refused, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(views_do_not_mix, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
