/*
 * Any bytes as a batch of the journal. Beyond not crashing: what the hot codec reads and writes again is read as the same
 * and stays the same bytes, and protobuf-c can read it.
 */
#include "engine/change.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENT_BYTES_MAX = 4 << 20 };

static char first[EVENT_BYTES_MAX], second[EVENT_BYTES_MAX];

/* The one event of `bytes`, which a codec wrote as a member of Batch. */
static struct trib_bytes only_event(const char *bytes, const char *end)
{
	struct trib_bytes batch = trib_bytes(bytes, (size_t)(end - bytes)), event, body;
	size_t offset = 0, at;
	int64_t time_ms = 0;
	bool ok;

	trib_assert(trib_batch_next(batch, &offset, &time_ms, &event, &at, &ok));
	trib_assert(at == 0 && offset == batch.size);
	Tributary__Event *message = tributary__event__unpack(NULL, event.size, (const uint8_t *)event.data);

	/* Strings of the journal were checked when they came in; the fuzzer's need not be UTF-8, which is no matter here. */
	trib_assert(message);
	tributary__event__free_unpacked(message, NULL);
	trib_assert(trib_event_kind(event, &body) != 0);
	return body;
}

static void same(const char *end, const char *second_end)
{
	trib_assert(end - first == second_end - second);
	trib_assert(memcmp(first, second, (size_t)(end - first)) == 0);
}

/* Tallies pass through as they came: the engine makes and reads them. */
static bool are_tallies(struct trib_bytes bytes)
{
	Tributary__Tallies *tallies = tributary__tallies__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);

	if (tallies)
		tributary__tallies__free_unpacked(tallies, NULL);
	return tallies != NULL;
}

static void try_order(struct trib_bytes body)
{
	static struct trib_order_record record, again;

	if (!trib_order_record_get(body, &record) || !are_tallies(record.tallies))
		return;
	trib_assert(record.n_touches <= TRIB_LIMIT_TOUCHES_CONSIDERED && record.n_slices <= TRIB_LIMIT_TOUCHES_CONSIDERED);
	trib_assert(record.n_lines <= TRIB_ORDER_LINES_MAX && record.n_ext <= TRIB_LIMIT_EXT_PAIRS);
	size_t most = trib_order_event_bytes_max(&record);

	trib_assert(most < EVENT_BYTES_MAX);
	char *end = trib_order_event_put(first, &record);

	trib_assert((size_t)(end - first) <= most);
	trib_assert(trib_order_record_get(only_event(first, end), &again));
	same(end, trib_order_event_put(second, &again));
}

static void try_touch(struct trib_bytes body)
{
	struct trib_touch_event event, again;

	if (!trib_touch_event_get(body, &event))
		return;
	char *end = trib_touch_event_put(first, &event);

	trib_assert(end - first <= TRIB_TOUCH_EVENT_BYTES_MAX);
	trib_assert(trib_touch_event_get(only_event(first, end), &again));
	same(end, trib_touch_event_put(second, &again));
}

static void try_link(struct trib_bytes body)
{
	static struct trib_link_event event, again;
	size_t bytes = 0;

	if (!trib_link_event_get(body, &event))
		return;
	for (uint32_t i = 0; i < event.n_ext; i++)
		bytes += event.ext[i].key.size + event.ext[i].value.size;
	/* Nobody writes more than that. */
	if (bytes > TRIB_LIMIT_EXT_BYTES)
		return;
	char *end = trib_link_event_put(first, &event);

	trib_assert(end - first <= TRIB_LINK_EVENT_BYTES_MAX);
	trib_assert(trib_link_event_get(only_event(first, end), &again));
	same(end, trib_link_event_put(second, &again));
}

static void try_change(struct trib_bytes body)
{
	static struct trib_order_change change, again;
	const char *reason = "";

	if (!trib_order_change_get(body, &change))
		return;
	trib_assert(trib_life_messages_check(&change.messages, &reason));
	trib_assert(change.n_lines <= TRIB_CHANGE_LINES_MAX && change.n_moves <= TRIB_CHANGE_MOVES_MAX);
	size_t most = trib_order_change_bytes_max(&change);

	trib_assert(most < EVENT_BYTES_MAX);
	char *end = trib_order_change_put(first, &change);

	trib_assert((size_t)(end - first) <= most);
	trib_assert(trib_order_change_get(only_event(first, end), &again));
	same(end, trib_order_change_put(second, &again));
}

static void try_kept(struct trib_bytes body)
{
	static struct trib_life_messages messages, again;
	struct trib_bytes order;

	if (!trib_messages_kept_get(body, &order, &messages))
		return;
	char *end = trib_messages_kept_put(first, order, &messages);

	trib_assert((size_t)(end - first) <= trib_messages_kept_bytes_max(order, &messages));
	trib_assert(trib_messages_kept_get(only_event(first, end), &order, &again));
	same(end, trib_messages_kept_put(second, order, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trib_bytes batch = trib_bytes(data, size), event, body;
	size_t offset = 0, at, before = 0;
	int64_t time_ms = 0;
	bool ok = true;

	if (size > TRIB_LIMIT_BATCH_BYTES)
		return 0;
	while (trib_batch_next(batch, &offset, &time_ms, &event, &at, &ok)) {
		trib_assert(at >= before && at < offset && offset <= size);
		trib_assert(event.data >= batch.data && event.data + event.size <= batch.data + size);
		before = offset;
		switch (trib_event_kind(event, &body)) {
		case TRIB_EVENT_ORDER_DECIDED: try_order(body); break;
		case TRIB_EVENT_TOUCH_RECORDED: try_touch(body); break;
		case TRIB_EVENT_LINK_ISSUED: try_link(body); break;
		case TRIB_EVENT_ORDER_CHANGED: try_change(body); break;
		case TRIB_EVENT_MESSAGES_KEPT: try_kept(body); break;
		}
	}
	return 0;
}

/* A batch and its events are protobuf, all the way down. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	return seed % 8 ? fuzz_mutate_message(data, size, max, seed) : LLVMFuzzerMutate(data, size, max);
}
