/*
 * What has left memory: orders behind the index's horizon and touches from before this opening are in the store,
 * stretch by stretch of the journal (runs), each with filters that say "surely not here".
 */
#include "engine/state.h"

enum { RUN_KEY_BYTES = 16, POSITIONS_MAX = 16, EVENT_BYTES_GUESS = 512, EVENT_LENGTH_BYTES = 8 };

/* --- Runs --------------------------------------------------------------------------------------------- */

static trib_status load_run(void *context, struct trib_bytes key, struct trib_bytes value,
			    struct trib_error *error)
{
	if (key.size != RUN_KEY_BYTES)
		return trib_fail(error, TRIB_CORRUPT, "store", "found a run that is no stretch of the journal");
	return runs_loader_add(context, trib_key_read_u64(key.data), trib_key_read_u64(key.data + 8), value, error);
}

static trib_status load_table(struct trib_engine *engine, enum trib_table table, struct trib_error *error)
{
	struct runs_loader loader = { .runs = &engine->runs, .touches = table == TRIB_TABLE_TOUCH_RUN,
				      .whole_prints = RUNS_LOADED_PRINTS };
	trib_status status = trib_store_scan(engine->store, table, trib_bytes("", 0), load_run, &loader, error);
	trib_status ended = runs_loader_end(&loader, status == TRIB_OK ? error : NULL);

	return status == TRIB_OK ? ended : status;
}

static void *load_runs(void *context)
{
	struct trib_engine *engine = context;
	struct trib_error *error = &engine->runs_error;

	error->status = load_table(engine, TRIB_TABLE_ORDER_RUN, error);
	if (error->status == TRIB_OK)
		error->status = load_table(engine, TRIB_TABLE_TOUCH_RUN, error);
	return NULL;
}

void history_load_begin(struct trib_engine *engine)
{
	/* Position 1 comes before every event: a horizon of 0 would call free slots entries. */
	trib_order_index_set_horizon(engine->order_index, TRIB_MAX(trib_store_position(engine->store), 1u));
	engine->runs_loading = !engine->options.foreground &&
			       pthread_create(&engine->runs_loader, NULL, load_runs, engine) == 0;
	if (!engine->runs_loading) {
		load_runs(engine);
		history_load_end(engine, NULL);
	}
}

trib_status history_load_end(struct trib_engine *engine, struct trib_error *error)
{
	if (engine->runs_loading)
		pthread_join(engine->runs_loader, NULL);
	engine->runs_loading = false;
	engine->n_cold_runs = engine->runs.count;
	if (engine->runs_error.status != TRIB_OK && error)
		*error = engine->runs_error;
	return engine->runs_error.status;
}

void history_free_runs(struct trib_engine *engine)
{
	runs_fini(&engine->runs);
	runs_fini(&engine->old_runs);
	engine->n_cold_runs = 0;
}

/* --- Orders ------------------------------------------------------------------------------------------- */

/* Does the run hold orders that the index no longer does? */
static bool behind_horizon(const struct trib_engine *engine, const struct run *run)
{
	return run->orders.filter.words && run->from < trib_order_index_horizon(engine->order_index);
}

static bool may_be_behind(const struct trib_engine *engine, uint64_t fingerprint)
{
	for (size_t i = 0; i < engine->runs.count; i++)
		if (behind_horizon(engine, &engine->runs.items[i]) &&
		    run_filter_may_have(&engine->runs.items[i].orders, fingerprint))
			return true;
	return false;
}

void history_prefetch_order(const struct trib_engine *engine, uint64_t fingerprint)
{
	trib_order_index_prefetch(engine->order_index, fingerprint);
	for (size_t i = 0; i < engine->runs.count; i++)
		if (behind_horizon(engine, &engine->runs.items[i]))
			run_filter_prefetch(&engine->runs.items[i].orders, fingerprint);
}

/* The whole event at a position; a view that is good until the next fetch into `bytes`, or batch. */
static trib_status fetch_event(struct trib_engine *engine, uint64_t position, struct trib_buffer *bytes,
			       struct trib_bytes *ret_event, struct trib_error *error)
{
	char head[EVENT_LENGTH_BYTES];
	struct trib_journal_fetch fetch = { .position = position, .size = sizeof(head), .ret_bytes = head };
	const char *recent = trib_journal_recent(engine->journal, position, sizeof(head));
	uint64_t tag, size;

	if (recent)
		memcpy(head, recent, sizeof(head));
	else if (trib_journal_fetch(engine->journal, &fetch, 1, error) != TRIB_OK)
		return error->status;
	struct trib_bytes rest = trib_bytes(head, sizeof(head));

	if (!trib_wire_get_varint(&rest, &tag) || !trib_wire_get_varint(&rest, &size) ||
	    size > TRIB_LIMIT_BATCH_BYTES)
		return trib_fail(error, TRIB_CORRUPT, "journal", "no event stands at position %llu",
				 (unsigned long long)position);
	fetch.position = position + sizeof(head) - rest.size;
	fetch.size = (size_t)size;
	recent = trib_journal_recent(engine->journal, fetch.position, fetch.size);
	if (!recent) {
		trib_buffer_reset(bytes);
		fetch.ret_bytes = trib_buffer_reserve(bytes, fetch.size);
		if (trib_journal_fetch(engine->journal, &fetch, 1, error) != TRIB_OK)
			return error->status;
		recent = fetch.ret_bytes;
	}
	*ret_event = trib_bytes(recent, fetch.size);
	return TRIB_OK;
}

static trib_status no_order(uint64_t position, struct trib_error *error)
{
	return trib_fail(error, TRIB_CORRUPT, "journal", "no order stands at position %llu",
			 (unsigned long long)position);
}

/* The decision behind an OrderChanged. */
static trib_status read_decision(struct trib_engine *engine, struct trib_bytes order, uint64_t position,
				 struct trib_error *error)
{
	struct trib_bytes event, body;
	trib_status status = fetch_event(engine, position, &engine->event_bytes, &event, error);

	if (status != TRIB_OK)
		return status == TRIB_NOT_FOUND ? no_order(position, error) : status;
	if (trib_event_kind(event, &body) != TRIB_EVENT_ORDER_DECIDED ||
	    !trib_order_record_get(body, &engine->earlier) || !trib_bytes_equal(engine->earlier.order, order))
		return no_order(position, error);
	return TRIB_OK;
}

trib_status history_read_decision(struct trib_engine *engine, uint64_t position, struct trib_error *error)
{
	struct trib_bytes event, body;
	trib_status status = fetch_event(engine, position, &engine->event_bytes, &event, error);

	if (status == TRIB_OK && (trib_event_kind(event, &body) != TRIB_EVENT_ORDER_DECIDED ||
				  !trib_order_record_get(body, &engine->earlier)))
		status = no_order(position, error);
	return status;
}

trib_status history_read_event(struct trib_engine *engine, uint64_t position, Tributary__Event **ret_event,
			       struct trib_error *error)
{
	struct trib_bytes bytes;
	trib_status status = fetch_event(engine, position, &engine->event_bytes, &bytes, error);

	if (status != TRIB_OK)
		return status;
	*ret_event = tributary__event__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
	return *ret_event ? TRIB_OK : trib_fail(error, TRIB_CORRUPT, "journal", "no event stands at position %llu",
						(unsigned long long)position);
}

struct sought_order {
	struct trib_bytes order;
	uint64_t *ret_decision;
};

/*
 * Reads the newest event of an order: its decision into engine->earlier, and what has been told of it since into
 * engine->life->earlier. NOT_FOUND where it is another order's.
 */
static trib_status read_order(struct trib_engine *engine, void *context, uint64_t position, struct trib_error *error)
{
	const struct sought_order *sought = context;
	struct trib_bytes order = sought->order;
	struct life_work *life = engine->life;
	struct trib_bytes event, body;
	trib_status status = fetch_event(engine, position, &life->earlier_bytes, &event, error);

	if (status != TRIB_OK)
		return status == TRIB_NOT_FOUND ? trib_fail(error, TRIB_CORRUPT, "journal",
							    "position %llu is not there any more",
							    (unsigned long long)position) :
						  status;
	life->has_earlier = false;
	life->position = *sought->ret_decision = position;
	switch (trib_event_kind(event, &body)) {
	case TRIB_EVENT_ORDER_DECIDED:
		if (!trib_order_record_get(body, &engine->earlier))
			return no_order(position, error);
		return trib_bytes_equal(engine->earlier.order, order) ? TRIB_OK : TRIB_NOT_FOUND;
	case TRIB_EVENT_ORDER_CHANGED:
		if (!trib_order_change_get(body, &life->earlier))
			return no_order(position, error);
		if (!trib_bytes_equal(life->earlier.order, order))
			return TRIB_NOT_FOUND;
		life->has_earlier = true;
		*sought->ret_decision = life->earlier.decision;
		return read_decision(engine, order, life->earlier.decision, error);
	case TRIBUTARY__EVENT__KIND_LEDGER_PAID:
		return TRIB_NOT_FOUND; /* a payout of the same fingerprint */
	default:
		return no_order(position, error);
	}
}

/* Other orders of the same fingerprint: whichever row of the store comes last must name them all. */
static void name_again(struct trib_engine *engine, uint64_t fingerprint, uint64_t position)
{
	*(struct order_entry *)log_add(&engine->changes.orders) = (struct order_entry){ fingerprint, position };
}

/* Reads an event into what is sought; NOT_FOUND where it is another's of the same fingerprint. */
typedef trib_status read_fn(struct trib_engine *engine, void *sought, uint64_t position, struct trib_error *error);

static trib_status find_in_store(struct trib_engine *engine, uint64_t fingerprint, read_fn *read, void *sought,
				 struct trib_error *error)
{
	struct trib_buffer positions;
	char key[8];

	trib_buffer_init(&positions, POSITIONS_MAX * 8);
	trib_status status = trib_store_get(engine->store, TRIB_TABLE_ORDER,
					    trib_bytes(key, trib_key_u64(key, fingerprint)), &positions, error);

	if (status == TRIB_OK) {
		status = TRIB_NOT_FOUND;
		for (size_t at = 0; status == TRIB_NOT_FOUND && at + 8 <= positions.size; at += 8) {
			uint64_t position = trib_key_read_u64(positions.data + at);

			status = read(engine, sought, position, error);
			if (status == TRIB_NOT_FOUND)
				name_again(engine, fingerprint, position);
		}
	}
	trib_buffer_fini(&positions);
	return status;
}

/* The newest in memory, older ones in the store. */
static trib_status find(struct trib_engine *engine, uint64_t fingerprint, read_fn *read, void *sought, struct trib_error *error)
{
	uint32_t cursor = 0;

	for (uint64_t position; (position = trib_order_index_find(engine->order_index, fingerprint, &cursor));) {
		trib_status status = read(engine, sought, position, error);

		if (status != TRIB_NOT_FOUND)
			return status;
		name_again(engine, fingerprint, position);
	}
	return may_be_behind(engine, fingerprint) ? find_in_store(engine, fingerprint, read, sought, error) : TRIB_NOT_FOUND;
}

trib_status history_find_order(struct trib_engine *engine, struct trib_bytes order, uint64_t fingerprint,
			       uint64_t *ret_position, struct trib_error *error)
{
	struct sought_order sought = { order, ret_position };

	return find(engine, fingerprint, read_order, &sought, error);
}

/* The lines of an order that are being gathered. */
struct find_lines {
	struct trib_engine *engine;
	struct trib_bytes order, *lines;
	size_t count;
};

/* Does this pair of EXT, message Pair, name the payment? */
static bool names_parent(struct trib_bytes pair, struct trib_bytes parent)
{
	struct trib_ext_pair found = { { 0 }, { 0 } };

	return trib_ext_pair_get(pair, &found) && trib_bytes_is(found.key, "parent") && trib_bytes_equal(found.value, parent);
}

/* Is it a line "<order>/…", or one that states the order as its `parent`? The decision's id, too. */
static bool is_line_of(struct trib_bytes body, struct trib_bytes order, struct trib_bytes *ret_id)
{
	struct trib_wire_field field;
	bool ok, is_line = false;

	while (trib_wire_next(&body, &field, &ok)) {
		if (field.type != TRIB_WIRE_BYTES)
			continue;
		if (field.number == 1) {
			*ret_id = field.bytes;
			is_line = field.bytes.size > order.size && field.bytes.data[order.size] == '/' &&
				  memcmp(field.bytes.data, order.data, order.size) == 0;
		}
		is_line |= field.number == 22 && names_parent(field.bytes, order);
	}
	return ok && is_line;
}

/* Adds the line whose decision stands there, unless it is another order's of the same fingerprint. */
static trib_status add_line_at(struct find_lines *find, uint64_t position, struct trib_error *error)
{
	struct trib_engine *engine = find->engine;
	struct trib_bytes event, body, id = trib_bytes(NULL, 0);

	if (find->count == TRIB_LIMIT_ORDER_LINES)
		return TRIB_OK;
	trib_status status = fetch_event(engine, position, &engine->event_bytes, &event, error);

	if (status != TRIB_OK)
		return status == TRIB_NOT_FOUND ? no_order(position, error) : status;
	if (trib_event_kind(event, &body) != TRIB_EVENT_ORDER_DECIDED)
		return no_order(position, error);
	if (!is_line_of(body, find->order, &id) || !id.size)
		return TRIB_OK;
	const char *copy = trib_arena_copy(&engine->arena, id);

	if (!copy)
		return trib_fail(error, TRIB_NO_MEMORY, "order", "its lines need more memory than a command has");
	find->lines[find->count++] = trib_bytes(copy, id.size);
	return TRIB_OK;
}

static trib_status add_stored_line(void *context, struct trib_bytes key, struct trib_bytes value TRIB_UNUSED,
				   struct trib_error *error)
{
	if (key.size != 16)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no line of an order");
	return add_line_at(context, trib_key_read_u64(key.data + 8), error);
}

trib_status history_find_lines(struct trib_engine *engine, struct trib_bytes order, struct trib_bytes **ret_lines,
			       size_t *ret_count, struct trib_error *error)
{
	const struct line_log *logs[] = { &engine->changes.lines, checkpoint_lines(engine) };
	uint64_t fingerprint = trib_hash_keyed(order, engine->order_key), position;
	struct find_lines find = { engine, order, NULL, 0 };
	char key[8];

	find.lines = trib_arena_alloc(&engine->arena, TRIB_LIMIT_ORDER_LINES * sizeof(*find.lines));
	if (!find.lines)
		return trib_fail(error, TRIB_NO_MEMORY, "order", "its lines need more memory than a command has");
	/* What a checkpoint under way holds may be in the store already: a line told twice is told once. */
	trib_status status = trib_store_scan(engine->store, TRIB_TABLE_LINE,
					     trib_bytes(key, trib_key_u64(key, fingerprint)), add_stored_line, &find,
					     error);

	for (size_t i = 0; status == TRIB_OK && i < TRIB_ARRAY_SIZE(logs); i++)
		for (uint32_t cursor = 0; status == TRIB_OK && logs[i] &&
					  line_log_next(logs[i], fingerprint, &cursor, &position);)
			status = add_line_at(&find, position, error);
	*ret_lines = find.lines;
	*ret_count = find.count;
	return status;
}

/* Lets the oldest run of the index go, which must be in the store. */
static void make_room(struct trib_engine *engine)
{
	uint64_t horizon = trib_order_index_horizon(engine->order_index), next = 0;

	for (int attempt = 0; attempt < 2 && !next; attempt++) {
		for (size_t i = 0; i < engine->runs.count; i++)
			if (engine->runs.items[i].orders.filter.words && engine->runs.items[i].to > horizon &&
			    (!next || engine->runs.items[i].to < next))
				next = engine->runs.items[i].to;
		if (!next && !checkpoint_finish(engine, true))
			break;
	}
	/* The store takes nothing and the index is full: the process has nowhere to put an order. */
	trib_assert(next);
	trib_order_index_set_horizon(engine->order_index, next);
}

void history_change_order(struct trib_engine *engine, uint64_t fingerprint, uint64_t previous, uint64_t position)
{
	*(struct order_entry *)log_add(&engine->changes.orders) =
		(struct order_entry){ fingerprint, position | ORDER_ENTRY_REPLACES };
	*(struct order_entry *)log_add(&engine->changes.orders) = (struct order_entry){ fingerprint, previous };
	if (trib_order_index_replace(engine->order_index, fingerprint, previous, position))
		return;
	while (TRIB_UNLIKELY(!trib_order_index_insert(engine->order_index, fingerprint, position)))
		make_room(engine);
}

void history_add_order(struct trib_engine *engine, uint64_t fingerprint, uint64_t position)
{
	*(struct order_entry *)log_add(&engine->changes.orders) = (struct order_entry){ fingerprint, position };
	while (TRIB_UNLIKELY(!trib_order_index_insert(engine->order_index, fingerprint, position)))
		make_room(engine);
}

/* --- Payouts, which stand among orders ----------------------------------------------------------------- */

struct sought_payout {
	struct trib_bytes id;
	Tributary__LedgerPaid *paid;
	uint64_t position;
};

static trib_status read_payout(struct trib_engine *engine, void *context, uint64_t position, struct trib_error *error)
{
	struct sought_payout *sought = context;
	struct trib_bytes event, body;
	trib_status status = fetch_event(engine, position, &engine->event_bytes, &event, error);

	if (status != TRIB_OK)
		return status == TRIB_NOT_FOUND ? no_order(position, error) : status;
	if (trib_event_kind(event, &body) != TRIBUTARY__EVENT__KIND_LEDGER_PAID)
		return TRIB_NOT_FOUND;
	sought->position = position;
	sought->paid = tributary__ledger_paid__unpack(NULL, body.size, (const uint8_t *)body.data);
	if (!sought->paid)
		return no_order(position, error);
	if (sought->paid->id && trib_bytes_is(sought->id, sought->paid->id))
		return TRIB_OK;
	tributary__ledger_paid__free_unpacked(sought->paid, NULL);
	return TRIB_NOT_FOUND;
}

trib_status history_find_payout(struct trib_engine *engine, struct trib_bytes id, uint64_t fingerprint,
				Tributary__LedgerPaid **ret_paid, uint64_t *ret_position, struct trib_error *error)
{
	struct sought_payout sought = { .id = id };
	trib_status status = find(engine, fingerprint, read_payout, &sought, error);

	if (status == TRIB_OK) {
		*ret_paid = sought.paid;
		*ret_position = sought.position;
	}
	return status;
}

/* --- Touches ------------------------------------------------------------------------------------------ */

struct load_user {
	struct trib_touch list[TRIB_LIMIT_TOUCHES_KEPT];
	size_t count;
};

/* Runs come oldest first, and within a run touches stand in journal order. */
static trib_status load_touches(void *context, struct trib_bytes key TRIB_UNUSED, struct trib_bytes value,
				struct trib_error *error)
{
	struct load_user *load = context;

	while (value.size) {
		struct trib_touch_event event;
		uint64_t size;

		if (!trib_wire_get_varint(&value, &size) || size > value.size ||
		    !trib_touch_event_get(trib_bytes(value.data, (size_t)size), &event))
			return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no touch");
		value.data += size;
		value.size -= (size_t)size;
		if (load->count == TRIB_LIMIT_TOUCHES_KEPT) {
			memmove(load->list, load->list + 1, sizeof(load->list) - sizeof(load->list[0]));
			load->count--;
		}
		/* Sorted by time; of equal times the later in the journal comes later. */
		size_t at = load->count++;

		for (; at > 0 && load->list[at - 1].at_ms > event.touch.at_ms; at--)
			load->list[at] = load->list[at - 1];
		load->list[at] = event.touch;
	}
	return TRIB_OK;
}

trib_status history_load_user(struct trib_engine *engine, uint64_t user, struct trib_error *error)
{
	struct load_user load;
	char key[8];

	/* Replay may be the one that asks. */
	if (TRIB_UNLIKELY(engine->runs_loading) && history_load_end(engine, error) != TRIB_OK)
		return engine->runs_error.status;
	/* Once users have been forgotten, those of this opening's runs may be among them. */
	size_t n_runs = trib_touches_count(engine->touches).evicted ? engine->runs.count : engine->n_cold_runs;
	size_t i = 0;

	if (TRIB_LIKELY(n_runs == 0) || trib_touches_has_user(engine->touches, user))
		return TRIB_OK;
	while (i < n_runs && !run_filter_may_have(&engine->runs.items[i].touches, user))
		i++;
	if (i == n_runs)
		return TRIB_OK;
	load.count = 0;
	trib_status status = trib_store_scan(engine->store, TRIB_TABLE_TOUCH,
					     trib_bytes(key, trib_key_u64(key, user)), load_touches, &load,
					     error);

	if (status != TRIB_OK || load.count == 0)
		return status;
	return trib_touches_load(engine->touches, user, load.list, load.count, error);
}

bool history_may_forget(void *context, uint64_t user)
{
	const struct trib_engine *engine = context;

	return !trib_filter_may_have(&engine->recent_users, user) && !checkpoint_may_have_user(engine, user);
}

/* --- Links -------------------------------------------------------------------------------------------- */

/* Links are numbered in the order of their events: the log is sorted. 0 where the link is not in it. */
static uint64_t find_link(const struct log_of *log, uint64_t link)
{
	const struct link_entry *entries = log ? log->items : NULL;
	size_t low = 0, high = log ? log->count : 0;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (entries[middle].link == link)
			return entries[middle].position;
		if (entries[middle].link < link)
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

trib_status history_link_ext(struct trib_engine *engine, uint64_t link, struct trib_error *error)
{
	uint64_t position = find_link(&engine->changes.links, link);
	struct trib_bytes event, body;
	trib_status status;
	char key[8];

	if (!position)
		position = find_link(checkpoint_links(engine), link);
	if (!position) {
		status = trib_store_get(engine->store, TRIB_TABLE_LINK_EXT,
					trib_bytes(key, trib_key_u64(key, link)), &engine->link_bytes, error);
		if (status == TRIB_NOT_FOUND)
			return trib_fail(error, TRIB_NOT_FOUND, "token", "the EXT of link %llu is not here",
					 (unsigned long long)link);
		if (status != TRIB_OK)
			return status;
		position = trib_key_read_u64(engine->link_bytes.data);
	}
	if ((status = fetch_event(engine, position, &engine->event_bytes, &event, error)) !=
	    TRIB_OK)
		return status;
	return trib_event_kind(event, &body) == TRIB_EVENT_LINK_ISSUED &&
			       trib_link_event_get(body, &engine->link_event) ?
		       TRIB_OK :
		       trib_fail(error, TRIB_CORRUPT, "journal", "no link stands at position %llu",
				 (unsigned long long)position);
}
