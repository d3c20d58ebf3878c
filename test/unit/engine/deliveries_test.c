/* Deliveries beside an array that is looked through, and through the store. */
#include "test.h"
#include "base/limits.h"
#include "engine/deliveries.h"

enum { WEBHOOKS = 4, TWINS_MAX = 400, STEPS = 20000 };

struct twin {
	uint64_t id, entered;
	uint32_t webhook;
	enum delivery_state state;
	bool under_way;
	int64_t due_ms;
	char key[8];
};

static struct {
	struct trib_rng rng;
	struct deliveries *all;
	struct twin twins[TWINS_MAX];
	size_t count;
	uint64_t position;
	int64_t now_ms;
	unsigned under_way[WEBHOOKS + 1], width[WEBHOOKS + 1];
} world;

static struct twin *some(void)
{
	return world.count ? &world.twins[trib_rng_below(&world.rng, world.count)] : NULL;
}

static void check_sound(void)
{
	const char *reason;

	if (!deliveries_check(world.all, &reason))
		fail_msg("%s", reason);
}

static bool twin_waits_for(uint32_t webhook, const char *key)
{
	for (size_t i = 0; i < world.count; i++)
		if (world.twins[i].state == DELIVERY_PENDING && world.twins[i].webhook == webhook &&
		    !strcmp(world.twins[i].key, key))
			return true;
	return false;
}

static void add(void)
{
	struct twin *twin = &world.twins[world.count];
	Tributary__OutboxAdded added = TRIBUTARY__OUTBOX_ADDED__INIT;

	if (world.count == TWINS_MAX)
		return;
	*twin = (struct twin){ .id = ++world.position, .entered = world.position, .state = DELIVERY_PENDING,
			       .webhook = 1 + (uint32_t)trib_rng_below(&world.rng, WEBHOOKS),
			       .due_ms = world.now_ms + trib_rng_between(&world.rng, 0, 50) };
	if (trib_rng_chance(&world.rng, 0.5))
		snprintf(twin->key, sizeof(twin->key), "k%d", (int)trib_rng_below(&world.rng, 20));
	struct trib_bytes key = trib_bytes_text(twin->key);

	if (key.size) {
		bool waits = deliveries_wait_for(world.all, twin->webhook, trib_bytes_text("x.y"), trib_bytes_text("c"), key);

		assert_int_equal(waits, twin_waits_for(twin->webhook, twin->key));
		if (waits)
			return;
	}
	added.webhook = twin->webhook;
	added.kind = "x.y";
	added.to = "c";
	added.key = twin->key;
	added.body = "{\"a\":1}";
	added.due_at = twin->due_ms;
	deliveries_add(world.all, twin->id, world.now_ms, &added);
	world.count++;
}

/* The twin's idea of what is next. */
static struct twin *next_of(uint32_t webhook, uint64_t durable)
{
	struct twin *best = NULL;

	for (size_t i = 0; i < world.count; i++) {
		struct twin *twin = &world.twins[i];

		if (twin->webhook != webhook || twin->state != DELIVERY_PENDING || twin->under_way)
			continue;
		if (!best || twin->due_ms < best->due_ms || (twin->due_ms == best->due_ms && twin->id < best->id))
			best = twin;
	}
	return best && best->due_ms <= world.now_ms && best->id < durable ? best : NULL;
}

static void take(void)
{
	uint32_t webhook = 1 + (uint32_t)trib_rng_below(&world.rng, WEBHOOKS);
	uint64_t durable = world.position - trib_rng_below(&world.rng, TRIB_MIN(world.position, (uint64_t)5) + 1) + 1;
	struct twin *twin = next_of(webhook, durable);
	struct delivery *found = deliveries_take(world.all, webhook, durable, world.now_ms);

	if (world.under_way[webhook] >= world.width[webhook])
		twin = NULL;
	assert_int_equal(found ? found->id : 0, twin ? twin->id : 0);
	if (!twin)
		return;
	twin->under_way = true;
	world.under_way[webhook]++;
}

static void tell(void)
{
	struct twin *twin = some();
	Tributary__OutboxTold told = TRIBUTARY__OUTBOX_TOLD__INIT;

	if (!twin)
		return;
	struct delivery *delivery = deliveries_find(world.all, twin->id);

	assert_non_null(delivery);
	told.state = 1 + (uint32_t)trib_rng_below(&world.rng, 4);
	told.attempts = delivery->attempts + 1;
	told.due_at = world.now_ms + trib_rng_between(&world.rng, 0, 50);
	told.reason = "HTTP 500";
	if (trib_rng_chance(&world.rng, 0.1)) {
		deliveries_slow_down(world.all, twin->webhook);
		world.width[twin->webhook] = 1;
	}
	if (told.state == DELIVERY_DONE)
		world.width[twin->webhook] = TRIB_MIN(world.width[twin->webhook] + 1, 8u);
	world.under_way[twin->webhook] -= twin->under_way;
	deliveries_tell(world.all, delivery, ++world.position, world.now_ms, &told);
	twin->state = (enum delivery_state)told.state;
	twin->under_way = false;
	twin->due_ms = told.due_at;
	twin->entered = world.position;
	if (twin->state != DELIVERY_DROPPED)
		return;
	assert_null(deliveries_find(world.all, twin->id));
	memmove(twin, twin + 1, (size_t)(&world.twins[--world.count] - twin) * sizeof(*twin));
}

static void compare(void)
{
	const struct delivery *delivery = deliveries_next(world.all, 0);
	size_t count[5] = { 0 };

	for (size_t i = 0; i < world.count; i++, delivery = deliveries_next(world.all, delivery->id)) {
		const struct twin *twin = &world.twins[i];

		assert_non_null(delivery);
		assert_int_equal(delivery->id, twin->id);
		assert_int_equal(delivery->state, twin->state);
		assert_int_equal(delivery->entered, twin->entered);
		assert_int_equal(delivery->due_ms, twin->due_ms);
		assert_string_equal(delivery->key, twin->key);
		count[twin->state]++;
	}
	assert_null(delivery);
	struct delivery_counts counts = deliveries_count(world.all);

	assert_int_equal(counts.pending, count[DELIVERY_PENDING]);
	assert_int_equal(counts.dead, count[DELIVERY_DEAD]);
	assert_int_equal(counts.done, count[DELIVERY_DONE]);
}

/* What a store would have: rows by slot. */
static struct {
	char *rows[TWINS_MAX * 2];
	size_t sizes[TWINS_MAX * 2];
	uint32_t slots;
} store;

static void put_row(void *context, uint32_t slot, struct trib_bytes row)
{
	assert_true(slot < TRIB_ARRAY_SIZE(store.rows));
	free(store.rows[slot]);
	store.rows[slot] = trib_alloc(row.size + 1);
	if (row.size)
		memcpy(store.rows[slot], row.data, row.size);
	store.sizes[slot] = row.size;
	store.slots = TRIB_MAX(store.slots, slot + 1);
}

static void restart(void)
{
	struct trib_error error;

	deliveries_take_changed(world.all, put_row, NULL);
	deliveries_free(world.all);
	world.all = deliveries_new();
	for (uint32_t slot = 0; slot < store.slots; slot++)
		if (store.rows[slot])
			assert_ok(deliveries_load(world.all, slot, trib_bytes(store.rows[slot], store.sizes[slot]), &error), error);
	deliveries_load_done(world.all);
	for (size_t i = 0; i < world.count; i++)
		world.twins[i].under_way = false;
	for (uint32_t i = 1; i <= WEBHOOKS; i++) {
		world.under_way[i] = 0;
		world.width[i] = 8;
	}
}

static void behave_as_an_array_does(void **state)
{
	trib_rng_seed(&world.rng, trib_test_seed());
	world.all = deliveries_new();
	world.now_ms = 1000;
	for (uint32_t i = 1; i <= WEBHOOKS; i++)
		world.width[i] = 8;
	for (int i = 0; i < STEPS; i++) {
		uint64_t what = trib_rng_below(&world.rng, 1000);

		if (what < 350)
			add();
		else if (what < 700)
			take();
		else if (what < 995)
			tell();
		else
			restart();
		world.now_ms += trib_rng_between(&world.rng, 0, 3);
		if (i % 50 == 0) {
			check_sound();
			compare();
		}
	}
	restart();
	check_sound();
	compare();
	deliveries_free(world.all);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(store.rows); i++)
		free(store.rows[i]);
}

static struct delivery *add_to(struct deliveries *all, uint64_t id, uint32_t webhook)
{
	Tributary__OutboxAdded added = TRIBUTARY__OUTBOX_ADDED__INIT;

	added.webhook = webhook;
	added.kind = "x";
	added.body = "{}";
	return deliveries_add(all, id, 1, &added);
}

static void end_as(struct deliveries *all, uint64_t id, uint64_t position, enum delivery_state state)
{
	Tributary__OutboxTold told = TRIBUTARY__OUTBOX_TOLD__INIT;

	told.state = state;
	deliveries_tell(all, deliveries_find(all, id), position, 2, &told);
}

static void the_oldest_done_and_dead_make_room(void **state)
{
	struct deliveries *all = deliveries_new();
	const char *reason;
	uint64_t position = 0;

	for (int i = 0; i < TRIB_LIMIT_OUTBOX_DONE + 10; i++) {
		uint64_t id = ++position;

		add_to(all, id, 1);
		end_as(all, id, ++position, DELIVERY_DONE);
	}
	assert_int_equal(deliveries_count(all).done, TRIB_LIMIT_OUTBOX_DONE);
	assert_null(deliveries_find(all, 19));
	assert_non_null(deliveries_find(all, 21));
	uint64_t first_dead = position + 1;

	for (int i = 0; i < 100; i++) {
		uint64_t id = ++position;

		add_to(all, id, 1);
		end_as(all, id, ++position, DELIVERY_DEAD);
	}
	for (int i = 0; i < TRIB_LIMIT_OUTBOX_ITEMS - 50; i++)
		add_to(all, ++position, 1);
	assert_int_equal(deliveries_count(all).dead, 50);
	assert_int_equal(deliveries_count(all).done, 0);
	assert_null(deliveries_find(all, first_dead));
	assert_true(deliveries_have_room(all, 1, 10));
	for (int i = 0; i < 50; i++)
		add_to(all, ++position, 1);
	assert_false(deliveries_have_room(all, 1, 10));
	assert_true(deliveries_check(all, &reason));
	deliveries_free(all);
}

static void a_closed_webhook_gives_up_its_own(void **state)
{
	struct deliveries *all = deliveries_new();
	const char *reason;

	for (uint64_t id = 1; id <= 10; id++)
		add_to(all, id, 1 + id % 2);
	assert_non_null(deliveries_take(all, 1, UINT64_MAX, 1));
	deliveries_give_up(all, 1, 11, 5, "closed");
	assert_int_equal(deliveries_count(all).pending, 5);
	assert_int_equal(deliveries_count(all).dead, 5);
	assert_string_equal(deliveries_find(all, 2)->reason, "closed");
	assert_null(deliveries_take(all, 1, UINT64_MAX, 1));
	assert_true(deliveries_check(all, &reason));
	deliveries_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behave_as_an_array_does),
		cmocka_unit_test(the_oldest_done_and_dead_make_room),
		cmocka_unit_test(a_closed_webhook_gives_up_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
