#include "engine/deliveries.h"

#include "base/hash.h"
#include "base/limits.h"

enum {
	SMALLEST = 64,
	LANE_WIDTH = 8, /* attempts under way to one webhook */
};

/* What waits for one webhook. */
struct lane {
	struct delivery **heap; /* the first is due first; those under way are not in it */
	size_t count, capacity;
	unsigned under_way, width;
};

struct list {
	struct delivery *oldest, *newest;
	size_t count;
};

struct deliveries {
	struct delivery **entries; /* by id; NULL where one has gone */
	uint64_t *ids;		   /* of the entries, those that have gone too */
	size_t count, capacity, gone;

	struct delivery **slots; /* NULL: free */
	uint32_t n_slots, slots_capacity;
	uint32_t *free_slots;
	size_t n_free, free_capacity;
	bool *slot_changed;
	uint32_t *changed;
	size_t n_changed, changed_capacity;

	struct list lists[DELIVERY_DROPPED]; /* by state */
	size_t bytes, pending_bytes;
	struct lane *lanes; /* by webhook */
	size_t n_lanes;
	struct delivery **keys; /* chains of those that wait and have a key */
	size_t n_keys, keys_size; /* a power of two */
};

const char *delivery_state_word(enum delivery_state state)
{
	switch (state) {
#define X(name, number, word) case DELIVERY_##name: return word;
		TRIB_DELIVERY_TABLE(X)
#undef X
	}
	return "";
}

bool delivery_state_find(struct trib_bytes word, enum delivery_state *ret_state)
{
	for (enum delivery_state state = DELIVERY_PENDING; state <= DELIVERY_DONE; state++)
		if (trib_bytes_is(word, delivery_state_word(state))) {
			*ret_state = state;
			return true;
		}
	return false;
}

struct deliveries *deliveries_new(void)
{
	return trib_alloc_zeroed(1, sizeof(struct deliveries));
}

void deliveries_free(struct deliveries *all)
{
	if (!all)
		return;
	for (uint32_t i = 0; i < all->n_slots; i++)
		free(all->slots[i]);
	for (size_t i = 0; i < all->n_lanes; i++)
		free(all->lanes[i].heap);
	free(all->entries);
	free(all->ids);
	free(all->slots);
	free(all->free_slots);
	free(all->slot_changed);
	free(all->changed);
	free(all->lanes);
	free(all->keys);
	free(all);
}

/* --- Slots -------------------------------------------------------------------------------------------- */

static void change_slot(struct deliveries *all, uint32_t slot)
{
	if (all->slot_changed[slot])
		return;
	all->slot_changed[slot] = true;
	if (all->n_changed == all->changed_capacity) {
		all->changed_capacity = TRIB_MAX(all->changed_capacity * 2, (size_t)SMALLEST);
		all->changed = trib_realloc(all->changed, all->changed_capacity * sizeof(*all->changed));
	}
	all->changed[all->n_changed++] = slot;
}

static void make_slots(struct deliveries *all, uint32_t count)
{
	if (count > all->slots_capacity) {
		uint32_t capacity = TRIB_MAX(TRIB_MAX(all->slots_capacity * 2, (uint32_t)SMALLEST), count);

		all->slots = trib_realloc(all->slots, capacity * sizeof(*all->slots));
		all->slot_changed = trib_realloc(all->slot_changed, capacity * sizeof(*all->slot_changed));
		all->slots_capacity = capacity;
	}
	for (; all->n_slots < count; all->n_slots++) {
		all->slots[all->n_slots] = NULL;
		all->slot_changed[all->n_slots] = false;
	}
}

static void free_slot(struct deliveries *all, uint32_t slot)
{
	if (all->n_free == all->free_capacity) {
		all->free_capacity = TRIB_MAX(all->free_capacity * 2, (size_t)SMALLEST);
		all->free_slots = trib_realloc(all->free_slots, all->free_capacity * sizeof(*all->free_slots));
	}
	all->slots[slot] = NULL;
	all->free_slots[all->n_free++] = slot;
}

static void take_slot(struct deliveries *all, struct delivery *delivery)
{
	if (all->n_free) {
		delivery->slot = all->free_slots[--all->n_free];
	} else {
		delivery->slot = all->n_slots;
		make_slots(all, all->n_slots + 1);
	}
	all->slots[delivery->slot] = delivery;
	change_slot(all, delivery->slot);
}

/* --- By id -------------------------------------------------------------------------------------------- */

/* The index of the first entry at or behind the id. */
static size_t search(const struct deliveries *all, uint64_t id)
{
	size_t low = 0, high = all->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (all->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void add_entry(struct deliveries *all, struct delivery *delivery)
{
	trib_assert(!all->count || all->ids[all->count - 1] < delivery->id);
	if (all->count == all->capacity) {
		all->capacity = TRIB_MAX(all->capacity * 2, (size_t)SMALLEST);
		all->entries = trib_realloc(all->entries, all->capacity * sizeof(*all->entries));
		all->ids = trib_realloc(all->ids, all->capacity * sizeof(*all->ids));
	}
	all->entries[all->count] = delivery;
	all->ids[all->count++] = delivery->id;
}

static void drop_entry(struct deliveries *all, const struct delivery *delivery)
{
	size_t kept = 0;

	all->entries[search(all, delivery->id)] = NULL;
	if (++all->gone < SMALLEST || all->gone < all->count / 2)
		return;
	for (size_t i = 0; i < all->count; i++) {
		if (!all->entries[i])
			continue;
		all->entries[kept] = all->entries[i];
		all->ids[kept++] = all->ids[i];
	}
	all->count = kept;
	all->gone = 0;
}

struct delivery *deliveries_find(const struct deliveries *all, uint64_t id)
{
	size_t at = search(all, id);

	return at < all->count && all->ids[at] == id ? all->entries[at] : NULL;
}

struct delivery *deliveries_next(const struct deliveries *all, uint64_t after)
{
	for (size_t i = after == UINT64_MAX ? all->count : search(all, after + 1); i < all->count; i++)
		if (all->entries[i])
			return all->entries[i];
	return NULL;
}

/* --- By webhook --------------------------------------------------------------------------------------- */

static struct lane *lane_of(struct deliveries *all, uint32_t webhook)
{
	if (webhook >= all->n_lanes) {
		all->lanes = trib_realloc(all->lanes, (webhook + 1) * sizeof(*all->lanes));
		for (; all->n_lanes <= webhook; all->n_lanes++)
			all->lanes[all->n_lanes] = (struct lane){ .width = LANE_WIDTH };
	}
	return &all->lanes[webhook];
}

static bool is_before(const struct delivery *a, const struct delivery *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->id < b->id;
}

static void place(struct lane *lane, size_t at, struct delivery *delivery)
{
	lane->heap[at - 1] = delivery;
	delivery->heap = at;
}

static void sift(struct lane *lane, size_t at, struct delivery *delivery)
{
	for (; at > 1 && is_before(delivery, lane->heap[at / 2 - 1]); at /= 2)
		place(lane, at, lane->heap[at / 2 - 1]);
	for (size_t child; (child = 2 * at) <= lane->count; at = child) {
		if (child < lane->count && is_before(lane->heap[child], lane->heap[child - 1]))
			child++;
		if (!is_before(lane->heap[child - 1], delivery))
			break;
		place(lane, at, lane->heap[child - 1]);
	}
	place(lane, at, delivery);
}

static void heap_add(struct lane *lane, struct delivery *delivery)
{
	if (lane->count == lane->capacity) {
		lane->capacity = TRIB_MAX(lane->capacity * 2, (size_t)SMALLEST);
		lane->heap = trib_realloc(lane->heap, lane->capacity * sizeof(struct delivery *));
	}
	lane->count++;
	sift(lane, lane->count, delivery);
}

static void heap_remove(struct lane *lane, struct delivery *delivery)
{
	size_t at = delivery->heap;
	struct delivery *last = lane->heap[lane->count - 1];

	delivery->heap = 0;
	lane->count--;
	if (last != delivery)
		sift(lane, at, last);
}

struct delivery *deliveries_take(struct deliveries *all, uint32_t webhook, uint64_t durable, int64_t now_ms)
{
	struct lane *lane = lane_of(all, webhook);
	struct delivery *first = lane->count ? lane->heap[0] : NULL;

	if (!first || lane->under_way >= lane->width || first->due_ms > now_ms || first->id >= durable)
		return NULL;
	heap_remove(lane, first);
	first->under_way = true;
	lane->under_way++;
	return first;
}

int64_t deliveries_due(const struct deliveries *all, uint32_t webhook)
{
	const struct lane *lane = webhook < all->n_lanes ? &all->lanes[webhook] : NULL;

	return lane && lane->count && lane->under_way < lane->width ? lane->heap[0]->due_ms : INT64_MAX;
}

void deliveries_slow_down(struct deliveries *all, uint32_t webhook)
{
	lane_of(all, webhook)->width = 1;
}

/* --- By key ------------------------------------------------------------------------------------------- */

static uint64_t hash_of_key(uint32_t webhook, struct trib_bytes kind, struct trib_bytes to, struct trib_bytes key)
{
	return trib_hash_u64(trib_hash_bytes(kind) ^ trib_hash_u64(trib_hash_bytes(to) + webhook) ^
			     trib_hash_u64(trib_hash_bytes(key) + 1));
}

static uint64_t key_of(const struct delivery *delivery)
{
	return hash_of_key(delivery->webhook, trib_bytes_text(delivery->kind), trib_bytes_text(delivery->to),
			   trib_bytes_text(delivery->key));
}

static void grow_keys(struct deliveries *all)
{
	size_t size = TRIB_MAX(all->keys_size * 2, (size_t)SMALLEST);
	struct delivery **keys = trib_alloc_zeroed(size, sizeof(*keys));

	for (size_t i = 0; i < all->keys_size; i++)
		for (struct delivery *delivery = all->keys[i], *next; delivery; delivery = next) {
			struct delivery **chain = &keys[key_of(delivery) & (size - 1)];

			next = delivery->next_of_key;
			delivery->next_of_key = *chain;
			*chain = delivery;
		}
	free(all->keys);
	all->keys = keys;
	all->keys_size = size;
}

static void add_key(struct deliveries *all, struct delivery *delivery)
{
	if (!delivery->key[0])
		return;
	if (all->n_keys++ >= all->keys_size)
		grow_keys(all);
	struct delivery **chain = &all->keys[key_of(delivery) & (all->keys_size - 1)];

	delivery->next_of_key = *chain;
	*chain = delivery;
}

static void drop_key(struct deliveries *all, struct delivery *delivery)
{
	if (!delivery->key[0])
		return;
	struct delivery **link = &all->keys[key_of(delivery) & (all->keys_size - 1)];

	while (*link != delivery)
		link = &(*link)->next_of_key;
	*link = delivery->next_of_key;
	all->n_keys--;
}

bool deliveries_wait_for(const struct deliveries *all, uint32_t webhook, struct trib_bytes kind, struct trib_bytes to,
			 struct trib_bytes key)
{
	const struct delivery *delivery =
		all->keys_size ? all->keys[hash_of_key(webhook, kind, to, key) & (all->keys_size - 1)] : NULL;

	for (; delivery; delivery = delivery->next_of_key)
		if (delivery->webhook == webhook && trib_bytes_is(kind, delivery->kind) &&
		    trib_bytes_is(to, delivery->to) && trib_bytes_is(key, delivery->key))
			return true;
	return false;
}

/* --- States ------------------------------------------------------------------------------------------- */

static struct list *list_of(struct deliveries *all, const struct delivery *delivery)
{
	return &all->lists[delivery->state];
}

static void enter(struct deliveries *all, struct delivery *delivery)
{
	struct list *list = list_of(all, delivery);

	delivery->older = list->newest;
	delivery->newer = NULL;
	if (list->newest)
		list->newest->newer = delivery;
	else
		list->oldest = delivery;
	list->newest = delivery;
	list->count++;
	all->bytes += delivery->size;
	if (delivery->state != DELIVERY_PENDING)
		return;
	all->pending_bytes += delivery->size;
	add_key(all, delivery);
	heap_add(lane_of(all, delivery->webhook), delivery);
}

static void leave(struct deliveries *all, struct delivery *delivery)
{
	struct list *list = list_of(all, delivery);

	*(delivery->older ? &delivery->older->newer : &list->oldest) = delivery->newer;
	*(delivery->newer ? &delivery->newer->older : &list->newest) = delivery->older;
	list->count--;
	all->bytes -= delivery->size;
	if (delivery->state != DELIVERY_PENDING)
		return;
	struct lane *lane = lane_of(all, delivery->webhook);

	all->pending_bytes -= delivery->size;
	drop_key(all, delivery);
	if (delivery->heap)
		heap_remove(lane, delivery);
	if (delivery->under_way)
		lane->under_way--;
	delivery->under_way = false;
}

/* It is in no list any more. */
static void forget(struct deliveries *all, struct delivery *delivery)
{
	drop_entry(all, delivery);
	change_slot(all, delivery->slot);
	free_slot(all, delivery->slot);
	free(delivery);
}

static void forget_oldest(struct deliveries *all, enum delivery_state state)
{
	struct delivery *oldest = all->lists[state].oldest;

	leave(all, oldest);
	forget(all, oldest);
}

/* What was taken goes first, then what was given up; never what waits. */
static void make_room(struct deliveries *all)
{
	struct list *dead = &all->lists[DELIVERY_DEAD], *done = &all->lists[DELIVERY_DONE];

	while (done->count > TRIB_LIMIT_OUTBOX_DONE)
		forget_oldest(all, DELIVERY_DONE);
	while ((all->lists[DELIVERY_PENDING].count + dead->count > TRIB_LIMIT_OUTBOX_ITEMS ||
		all->bytes > TRIB_LIMIT_OUTBOX_BYTES) &&
	       (done->count || dead->count))
		forget_oldest(all, done->count ? DELIVERY_DONE : DELIVERY_DEAD);
}

bool deliveries_have_room(const struct deliveries *all, size_t count, size_t size)
{
	return all->lists[DELIVERY_PENDING].count + count <= TRIB_LIMIT_OUTBOX_ITEMS &&
	       all->pending_bytes + size <= TRIB_LIMIT_OUTBOX_BYTES;
}

static const char *copy(char **at, const char *text)
{
	size_t size = text ? strlen(text) : 0;
	char *here = *at;

	if (size)
		memcpy(here, text, size);
	here[size] = '\0';
	*at += size + 1;
	return here;
}

/* In no list and no slot. */
static struct delivery *make(uint64_t id, int64_t at_ms, const Tributary__OutboxAdded *added)
{
	const char *const texts[] = { added->kind, added->to, added->play, added->entity, added->key, added->body };
	size_t size = TRIB_ARRAY_SIZE(texts);

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(texts); i++)
		size += texts[i] ? strlen(texts[i]) : 0;
	struct delivery *delivery = trib_alloc(sizeof(*delivery) + size);
	char *at = (char *)(delivery + 1);

	*delivery = (struct delivery){ .id = id, .entered = id, .webhook = added->webhook, .state = DELIVERY_PENDING,
				       .at_ms = at_ms, .since_ms = TRIB_MAX(at_ms, added->due_at),
				       .due_ms = added->due_at, .size = size };
	delivery->kind = copy(&at, added->kind);
	delivery->to = copy(&at, added->to);
	delivery->play = copy(&at, added->play);
	delivery->entity = copy(&at, added->entity);
	delivery->key = copy(&at, added->key);
	delivery->body = copy(&at, added->body);
	return delivery;
}

struct delivery *deliveries_add(struct deliveries *all, uint64_t id, int64_t now_ms,
				const Tributary__OutboxAdded *added)
{
	struct delivery *delivery = make(id, now_ms, added);

	take_slot(all, delivery);
	add_entry(all, delivery);
	enter(all, delivery);
	make_room(all);
	return delivery;
}

static void set_told(struct delivery *delivery, const Tributary__OutboxTold *told)
{
	delivery->state = (enum delivery_state)told->state;
	delivery->attempts = told->attempts;
	delivery->due_ms = told->due_at;
	delivery->since_ms = told->since;
	delivery->code = told->code;
	snprintf(delivery->reason, sizeof(delivery->reason), "%s", told->reason ? told->reason : "");
}

void deliveries_tell(struct deliveries *all, struct delivery *delivery, uint64_t position, int64_t now_ms,
		     const Tributary__OutboxTold *told)
{
	struct lane *lane = lane_of(all, delivery->webhook);

	if (told->state == DELIVERY_DONE)
		lane->width = TRIB_MIN(lane->width + 1, (unsigned)LANE_WIDTH);
	leave(all, delivery);
	set_told(delivery, told);
	if (delivery->state == DELIVERY_DROPPED) {
		forget(all, delivery);
		return;
	}
	delivery->entered = position;
	delivery->ended_ms = delivery->state == DELIVERY_PENDING ? 0 : now_ms;
	enter(all, delivery);
	change_slot(all, delivery->slot);
	make_room(all);
}

void deliveries_give_up(struct deliveries *all, uint32_t webhook, uint64_t position, int64_t now_ms,
			const char *reason)
{
	for (struct delivery *delivery = all->lists[DELIVERY_PENDING].oldest, *next; delivery; delivery = next) {
		Tributary__OutboxTold told = TRIBUTARY__OUTBOX_TOLD__INIT;

		next = delivery->newer;
		if (delivery->webhook != webhook)
			continue;
		told.state = DELIVERY_DEAD;
		told.attempts = delivery->attempts;
		told.since = delivery->since_ms;
		told.code = delivery->code;
		told.reason = (char *)reason;
		deliveries_tell(all, delivery, position, now_ms, &told);
	}
}

struct delivery_counts deliveries_count(const struct deliveries *all)
{
	const struct delivery *oldest = all->lists[DELIVERY_PENDING].oldest;

	return (struct delivery_counts){ all->lists[DELIVERY_PENDING].count, all->lists[DELIVERY_DEAD].count,
					 all->lists[DELIVERY_DONE].count, oldest ? oldest->since_ms : 0 };
}

/* --- Store -------------------------------------------------------------------------------------------- */

static void pack(const struct delivery *delivery, struct trib_buffer *row)
{
	Tributary__OutboxStored stored = TRIBUTARY__OUTBOX_STORED__INIT;
	Tributary__OutboxAdded added = TRIBUTARY__OUTBOX_ADDED__INIT;
	Tributary__OutboxTold told = TRIBUTARY__OUTBOX_TOLD__INIT;

	added.has_webhook = added.has_due_at = 1;
	added.webhook = delivery->webhook;
	added.kind = (char *)delivery->kind;
	added.to = (char *)delivery->to;
	added.play = (char *)delivery->play;
	added.entity = (char *)delivery->entity;
	added.key = (char *)delivery->key;
	added.body = (char *)delivery->body;
	told.has_state = told.has_attempts = told.has_due_at = told.has_since = told.has_code = 1;
	told.state = delivery->state;
	told.attempts = delivery->attempts;
	told.due_at = delivery->due_ms;
	told.since = delivery->since_ms;
	told.code = delivery->code;
	told.reason = (char *)delivery->reason;
	stored.has_id = stored.has_at = stored.has_entered = stored.has_ended_at = 1;
	stored.id = delivery->id;
	stored.at = delivery->at_ms;
	stored.added = &added;
	stored.told = &told;
	stored.entered = delivery->entered;
	stored.ended_at = delivery->ended_ms;
	size_t size = tributary__outbox_stored__get_packed_size(&stored);

	tributary__outbox_stored__pack(&stored, (uint8_t *)trib_buffer_reserve(row, size));
	row->size += size;
}

void deliveries_take_changed(struct deliveries *all, deliveries_fn *emit, void *context)
{
	struct trib_buffer row;

	trib_buffer_init(&row, SIZE_MAX / 2);
	for (size_t i = 0; i < all->n_changed; i++) {
		uint32_t slot = all->changed[i];

		trib_buffer_reset(&row);
		if (all->slots[slot])
			pack(all->slots[slot], &row);
		emit(context, slot, trib_buffer_bytes(&row));
		all->slot_changed[slot] = false;
	}
	all->n_changed = 0;
	trib_buffer_fini(&row);
}

trib_status deliveries_load(struct deliveries *all, uint32_t slot, struct trib_bytes row, struct trib_error *error)
{
	if (slot >= 2 * TRIB_LIMIT_OUTBOX_ITEMS)
		return trib_fail(error, TRIB_CORRUPT, "store", "found slot %u of the outbox", slot);
	make_slots(all, slot + 1);
	if (row.size == 0)
		return TRIB_OK;
	Tributary__OutboxStored *stored =
		tributary__outbox_stored__unpack(NULL, row.size, (const uint8_t *)row.data);

	if (!stored || !stored->added || !stored->told || stored->told->state < DELIVERY_PENDING ||
	    stored->told->state > DELIVERY_DONE || all->slots[slot]) {
		tributary__outbox_stored__free_unpacked(stored, NULL);
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no delivery");
	}
	struct delivery *delivery = make(stored->id, stored->at, stored->added);

	set_told(delivery, stored->told);
	delivery->entered = stored->entered;
	delivery->ended_ms = stored->ended_at;
	delivery->slot = slot;
	all->slots[slot] = delivery;
	tributary__outbox_stored__free_unpacked(stored, NULL);
	return TRIB_OK;
}

static int compare_ids(const void *left, const void *right)
{
	const struct delivery *a = *(struct delivery *const *)left, *b = *(struct delivery *const *)right;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* Those that were given up together have entered at the same event, in the sequence in which they had waited. */
static int compare_entered(const void *left, const void *right)
{
	const struct delivery *a = *(struct delivery *const *)left, *b = *(struct delivery *const *)right;

	if (a->entered != b->entered)
		return a->entered < b->entered ? -1 : 1;
	return compare_ids(left, right);
}

void deliveries_load_done(struct deliveries *all)
{
	TRIB_AUTOFREE struct delivery **found = trib_alloc((all->n_slots + 1) * sizeof(*found));
	size_t count = 0;

	for (uint32_t slot = all->n_slots; slot-- > 0;) {
		if (all->slots[slot])
			found[count++] = all->slots[slot];
		else
			free_slot(all, slot);
	}
	qsort(found, count, sizeof(struct delivery *), compare_ids);
	for (size_t i = 0; i < count; i++)
		add_entry(all, found[i]);
	qsort(found, count, sizeof(struct delivery *), compare_entered);
	for (size_t i = 0; i < count; i++)
		enter(all, found[i]);
}

/* --- Proof -------------------------------------------------------------------------------------------- */

static bool lane_is_heap(const struct deliveries *all, uint32_t webhook, size_t *waiting, size_t *under_way)
{
	const struct lane *lane = &all->lanes[webhook];

	for (size_t i = 0; i < lane->count; i++) {
		const struct delivery *delivery = lane->heap[i];

		if (delivery->webhook != webhook || delivery->heap != i + 1 || delivery->under_way ||
		    delivery->state != DELIVERY_PENDING ||
		    (i && is_before(delivery, lane->heap[(i + 1) / 2 - 1])))
			return false;
	}
	*waiting += lane->count;
	*under_way += lane->under_way;
	return true;
}

static bool lists_hold(const struct deliveries *all, size_t *ret_total, size_t *ret_bytes, size_t *ret_under_way)
{
	for (enum delivery_state state = DELIVERY_PENDING; state <= DELIVERY_DONE; state++) {
		const struct delivery *delivery = all->lists[state].oldest, *before = NULL;
		size_t count = 0;

		for (; delivery; before = delivery, delivery = delivery->newer, count++) {
			if (delivery->state != state || delivery->older != before ||
			    all->slots[delivery->slot] != delivery || deliveries_find(all, delivery->id) != delivery)
				return false;
			*ret_bytes += delivery->size;
			*ret_under_way += delivery->under_way;
		}
		if (count != all->lists[state].count || all->lists[state].newest != before)
			return false;
		*ret_total += count;
	}
	return true;
}

bool deliveries_check(const struct deliveries *all, const char **ret_reason)
{
	size_t total = 0, bytes = 0, flying = 0, waiting = 0, under_way = 0, keyed = 0;

	*ret_reason = "outbox: the lists by state";
	if (!lists_hold(all, &total, &bytes, &flying) || bytes != all->bytes)
		return false;
	*ret_reason = "outbox: the heaps by webhook";
	for (uint32_t i = 0; i < all->n_lanes; i++)
		if (!lane_is_heap(all, i, &waiting, &under_way))
			return false;
	if (under_way != flying || waiting + under_way != all->lists[DELIVERY_PENDING].count)
		return false;
	*ret_reason = "outbox: the keys";
	for (size_t i = 0; i < all->keys_size; i++)
		for (const struct delivery *one = all->keys[i]; one; one = one->next_of_key)
			keyed += one->state == DELIVERY_PENDING;
	if (keyed != all->n_keys)
		return false;
	*ret_reason = "outbox: slots and ids";
	return total + all->n_free == all->n_slots && total == all->count - all->gone;
}
