/* Opening, replay and recovery; the loop; batches. */
#include "engine/business.h"
#include "engine/flows.h"
#include "engine/simulations.h"
#include "engine/sites.h"
#include "engine/state.h"

enum { PLAY_SCHEMAS_BYTES = 8 << 20 }; /* more is not shown at all */

#include <errno.h>
#include <sys/stat.h>

enum {
	DEFAULT_ORDER_INDEX_BYTES = 1 << 30,
	DEFAULT_CHECKPOINT_BYTES = 256 << 20,
	ARENA_BYTES_MAX = 64 << 20,
	CHANGE_BYTES_MAX = 64 << 20,
	CHUNK_FRAME_BYTES = 64,
	BATCH_TIME_BYTES = 16,
	TOUCH_BYTES = 64, /* of memory or journal, about */
};
#define DEFAULT_TOUCHES_BYTES	((size_t)8 << 30)
#define DAY_MS			(INT64_C(24) * 3600 * 1000)
#define PROBE_EVERY_NS		INT64_C(1000000000)

/* --- Words and numbers for the rules ------------------------------------------------------------------ */

static bool space_bounds(void *context, struct trib_bytes category, int32_t *ret_min_bps, int32_t *ret_max_bps)
{
	const struct trib_domain *domain = context;
	struct trib_bytes prefix;

	return trib_domain_find_bounds(domain, category, ret_min_bps, ret_max_bps, &prefix);
}

static bool space_bounded(void *context, uint32_t number, struct trib_bytes *ret_category, int32_t *ret_min_bps,
			  int32_t *ret_max_bps)
{
	const struct trib_domain *domain = context;

	if (number > trib_domain_bounds_count(domain))
		return false;
	if (!trib_domain_bounds(domain, number, ret_category, ret_min_bps, ret_max_bps)) {
		*ret_min_bps = 1;
		*ret_max_bps = 0;
	}
	return true;
}

static uint32_t registration_number(void *context, struct trib_bytes id)
{
	const struct trib_engine *engine = context;

	return trib_domain_find(engine->domain, TRIB_NOUN_REGISTRATION, id);
}

static uint64_t hash_user(void *context, struct trib_bytes user)
{
	const struct trib_engine *engine = context;

	return trib_hash_keyed(user, engine->user_key);
}

/* --- Batches ------------------------------------------------------------------------------------------ */

/* The journal has failed: nothing that was decided since the last settled batch has happened. */
static void lose(struct trib_engine *engine, const struct trib_journal_failure *failure)
{
	engine->state = TRIB_ENGINE_LOST;
	engine->fenced = engine->fenced || failure->status == TRIB_FENCED;
	engine->reason = failure->error;
	engine->reason.status = TRIB_READ_ONLY;
}

trib_status engine_writable(struct trib_engine *engine, struct trib_error *error)
{
	if (TRIB_LIKELY(engine->state == TRIB_ENGINE_RUNNING))
		return TRIB_OK;
	*error = engine->reason;
	return error->status = TRIB_READ_ONLY;
}

static void note_progress(struct trib_engine *engine)
{
	struct trib_journal_failure failure;

	if (engine->state == TRIB_ENGINE_LOST)
		return;
	trib_status status = trib_journal_poll(engine->journal, &engine->progress, &failure);

	while (engine->in_flight_count) {
		const struct in_flight *oldest = &engine->in_flight[engine->in_flight_head];

		if (oldest->next > engine->progress.written)
			break;
		engine->settled = oldest->seq;
		engine->in_flight_head = (engine->in_flight_head + 1) % IN_FLIGHT_MAX;
		engine->in_flight_count--;
	}
	if (status == TRIB_OK && engine->state == TRIB_ENGINE_READ_ONLY) {
		if (!trib_store_read_only(engine->store))
			engine->state = TRIB_ENGINE_RUNNING;
	} else if (status != TRIB_OK && trib_journal_state(engine->journal) == TRIB_JOURNAL_FAILED)
		lose(engine, &failure);
	else if (status != TRIB_OK)
		engine->reason = failure.error;
}

/* Hands the open batch to the journal. */
static void close_batch(struct trib_engine *engine)
{
	struct in_flight *slot;
	uint64_t next;

	if (!engine->batch_open || engine->write_at == engine->batch.payload)
		return;
	while (engine->in_flight_count == IN_FLIGHT_MAX && engine->state == TRIB_ENGINE_RUNNING) {
		trib_journal_wait(engine->journal, &engine->progress, NULL);
		note_progress(engine);
	}
	if (trib_journal_append(engine->journal, (size_t)(engine->write_at - engine->batch.payload), &next) !=
	    TRIB_OK) {
		note_progress(engine);
		return;
	}
	slot = &engine->in_flight[(engine->in_flight_head + engine->in_flight_count++) % IN_FLIGHT_MAX];
	*slot = (struct in_flight){ engine->seq++, next };
	engine->batch_open = false;
	engine->counts.batches++;
}

static trib_status open_batch(struct trib_engine *engine, struct trib_error *error)
{
	struct trib_journal_failure failure = { 0 };
	trib_status status;

	while ((status = trib_journal_begin(engine->journal, &engine->batch)) == TRIB_BUSY) {
		/* Too much waits to be written: there is nothing better to do than to wait with it. */
		status = trib_journal_wait(engine->journal, &engine->progress, &failure);
		note_progress(engine);
		if (status != TRIB_OK)
			break;
	}
	if (status != TRIB_OK) {
		note_progress(engine);
		return engine_writable(engine, error) == TRIB_OK ?
			       trib_fail(error, status, "journal", "cannot take a batch") :
			       TRIB_READ_ONLY;
	}
	engine->batch_open = true;
	engine->write_at = engine->batch.payload;
	engine->now_ms = TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock));
	return TRIB_OK;
}

trib_status engine_reserve(struct trib_engine *engine, size_t bytes, struct trib_error *error)
{
	trib_status status = engine_writable(engine, error);

	if (status != TRIB_OK)
		return status;
	if (engine->batch_open) {
		size_t used = (size_t)(engine->write_at - engine->batch.payload);

		if (TRIB_LIKELY(used + bytes + BATCH_TIME_BYTES <= engine->batch.capacity))
			return TRIB_OK;
		if (used == 0)
			return trib_fail(error, TRIB_TOO_LARGE, "event", "found %zu bytes, expected at most %zu",
					 bytes, engine->batch.capacity);
		close_batch(engine);
	}
	status = open_batch(engine, error);
	return status == TRIB_OK ? engine_reserve(engine, bytes, error) : status;
}

trib_status engine_begin(struct trib_engine *engine, size_t bytes, struct trib_error *error)
{
	trib_status status = engine_reserve(engine, bytes, error);

	/* Time stands still within a batch that has events; a batch that has none yet moves on. */
	if (status != TRIB_OK || engine->write_at == engine->batch.payload)
		engine->now_ms = TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock));
	return status;
}

char *engine_event_place(struct trib_engine *engine)
{
	if (engine->write_at == engine->batch.payload)
		engine->write_at = trib_wire_put_u64(engine->write_at, 1, (uint64_t)engine->now_ms);
	return engine->write_at;
}

uint64_t engine_commit_event(struct trib_engine *engine, char *end)
{
	engine->position = engine->batch.position + (uint64_t)(engine->write_at - engine->batch.payload);
	engine->write_at = end;
	return engine->position;
}

static trib_status put_event(struct trib_engine *engine, const Tributary__Event *event, size_t size,
			     struct trib_error *error)
{
	trib_status status = engine_reserve(engine, size, error);

	if (status == TRIB_OK)
		engine_commit_event(engine, trib_event_put(engine_event_place(engine), event));
	return status;
}

/* A change larger than a batch: numbered pieces, then the commit without which they are void. */
static trib_status put_in_chunks(struct trib_engine *engine, const Tributary__Event *event, size_t size,
				 struct trib_error *error)
{
	TRIB_AUTOFREE uint8_t *bytes = trib_alloc(size);
	uint64_t change = ++engine->changes_written;
	size_t chunk_bytes = trib_journal_batch_bytes_max(engine->journal) - CHUNK_FRAME_BYTES;
	uint32_t count = 0;
	trib_status status = TRIB_OK;

	size = tributary__event__pack(event, bytes);
	for (size_t at = 0; status == TRIB_OK && at < size; at += chunk_bytes) {
		Tributary__Event piece = TRIBUTARY__EVENT__INIT;
		Tributary__Chunk chunk = TRIBUTARY__CHUNK__INIT;

		chunk.has_change = chunk.has_index = chunk.has_data = 1;
		chunk.change = change;
		chunk.index = count++;
		chunk.data = (ProtobufCBinaryData){ TRIB_MIN(chunk_bytes, size - at), bytes + at };
		piece.kind_case = TRIBUTARY__EVENT__KIND_CHUNK;
		piece.chunk = &chunk;
		status = put_event(engine, &piece, trib_event_size(&piece), error);
	}
	Tributary__Event end = TRIBUTARY__EVENT__INIT;
	Tributary__ChunksCommitted committed = TRIBUTARY__CHUNKS_COMMITTED__INIT;

	committed.has_change = committed.has_count = 1;
	committed.change = change;
	committed.count = count;
	end.kind_case = TRIBUTARY__EVENT__KIND_CHUNKS_COMMITTED;
	end.chunks_committed = &committed;
	return status == TRIB_OK ? put_event(engine, &end, trib_event_size(&end), error) : status;
}

/* Applies what put has written: everything but the three hot kinds. */
static trib_status apply_emitted(struct trib_engine *engine, const Tributary__Event *event,
				 struct trib_error *error)
{
	if (event->kind_case == TRIBUTARY__EVENT__KIND_ENGINE_STARTED)
		return TRIB_OK;
	if (outbox_is_changed_by(event->kind_case))
		return outbox_apply(engine, event, engine->position, error);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_LEDGER_PAID)
		return apply_payout(engine, event->ledger_paid, engine->position, error);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_SHELF_PUT)
		return apply_shelf(engine, event->shelf_put, error);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_FLOW_RAN) {
		flows_note(engine, engine->position);
		return TRIB_OK;
	}
	if (access_is_changed_by(event->kind_case))
		return access_apply(engine, event, error);
	if (sites_is_changed_by(event->kind_case))
		return sites_apply(engine, event, engine->position, error);
	return apply_market(engine, event, error);
}

trib_status engine_emit(struct trib_engine *engine, const Tributary__Event *event, struct trib_error *error)
{
	size_t size = trib_event_size(event);
	trib_status status = engine_writable(engine, error);

	if (status != TRIB_OK)
		return status;
	status = size + BATCH_TIME_BYTES <= trib_journal_batch_bytes_max(engine->journal) ?
			 put_event(engine, event, size, error) :
			 put_in_chunks(engine, event, size, error);
	if (status == TRIB_OK)
		status = apply_emitted(engine, event, error);
	if (status == TRIB_OK && trib_market_is_changed_by(event->kind_case))
		snapshots_note(engine, event);
	return status;
}

/* --- What several commands need ----------------------------------------------------------------------- */

trib_status engine_code(struct trib_engine *engine, struct trib_bytes word, const char *at,
			uint32_t *ret_code, struct trib_error *error)
{
	Tributary__Event event;

	*ret_code = word.size ? trib_domain_find_code(engine->domain, word) : 0;
	if (word.size == 0 || *ret_code)
		return TRIB_OK;
	if (!trib_external_id_valid(word))
		return trib_fail(error, TRIB_INVALID, at,
				 "found %zu bytes, expected 1 to 64 bytes of UTF-8 without space, control or '/'",
				 word.size);
	char *text = trib_arena_copy(&engine->arena, word);

	if (!text || !trib_domain_decide_name(engine->domain, text, &engine->arena, &event))
		return trib_fail(error, TRIB_NO_MEMORY, at, "a new name needs more memory than a command has");
	trib_status status = engine_emit(engine, &event, error);

	if (status == TRIB_OK)
		*ret_code = trib_domain_find_code(engine->domain, word);
	return status;
}

trib_status engine_event_time(struct trib_engine *engine, bool has_at, int64_t at_ms, int64_t *ret_at_ms,
			      struct trib_error *error)
{
	int64_t now_ms = engine->now_ms;

	if (!has_at)
		at_ms = now_ms;
	if (at_ms < now_ms - engine->options.duplicate_window_ms)
		return trib_fail(error, TRIB_TOO_OLD, "AT", "found %lld, expected at least %lld", (long long)at_ms,
				 (long long)(now_ms - engine->options.duplicate_window_ms));
	if (at_ms > now_ms + TRIB_AHEAD_MS_MAX)
		return trib_fail(error, TRIB_BAD_TIME, "AT", "found %lld, expected at most %lld", (long long)at_ms,
				 (long long)(now_ms + TRIB_AHEAD_MS_MAX));
	*ret_at_ms = at_ms;
	return TRIB_OK;
}

trib_status engine_carrier(struct trib_engine *engine, const struct trib_carrier_request *carrier,
			   uint32_t *ret_kind, uint32_t *ret_id, uint32_t *ret_owner,
			   struct trib_error *error)
{
	uint32_t owner = 0;

	*ret_kind = *ret_id = *ret_owner = 0;
	if (carrier->kind.size == 0)
		return TRIB_OK;
	/* Both are looked at before either becomes a name. */
	if (!trib_external_id_valid(carrier->kind) || (carrier->id.size && !trib_external_id_valid(carrier->id)))
		return trib_fail(error, TRIB_INVALID, "carrier",
				 "found a kind or id that is none, expected 1 to 64 bytes of UTF-8 without space, control or '/'");
	if (carrier->owner.size) {
		owner = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, carrier->owner);
		if (!owner)
			return trib_fail(error, TRIB_NOT_FOUND, "carrier.owner",
					 "found \"%.*s\", expected the id of a known party",
					 (int)TRIB_MIN(carrier->owner.size, (size_t)64), carrier->owner.data);
	}
	*ret_owner = owner;
	trib_status status = engine_code(engine, carrier->kind, "carrier.kind", ret_kind, error);

	return status == TRIB_OK ? engine_code(engine, carrier->id, "carrier.id", ret_id, error) : status;
}

/* --- Opening ------------------------------------------------------------------------------------------ */

/* The index is the one large table that replay writes to: its lines are sent for before they are needed. */
static void send_for_orders(const struct trib_engine *engine, struct trib_bytes payload)
{
	struct trib_bytes event, body;
	struct trib_wire_field order;
	size_t offset = 0, at;
	int64_t time_ms;
	bool ok;

	while (trib_batch_next(payload, &offset, &time_ms, &event, &at, &ok))
		if (trib_event_kind(event, &body) == TRIB_EVENT_ORDER_DECIDED && trib_wire_next(&body, &order, &ok) &&
		    order.number == 1 && order.type == TRIB_WIRE_BYTES)
			trib_order_index_prefetch(engine->order_index,
						  trib_hash_keyed(order.bytes, engine->order_key));
}

static trib_status replay_record(struct trib_engine *engine, const struct trib_journal_record *record,
				 struct trib_error *error)
{
	struct trib_bytes event;
	size_t offset = 0, at;
	int64_t time_ms = engine->now_ms;
	bool ok;

	send_for_orders(engine, record->payload);
	while (trib_batch_next(record->payload, &offset, &time_ms, &event, &at, &ok)) {
		engine->now_ms = time_ms;
		engine->counts.replayed_events++;
		trib_status status = apply_event(engine, event, record->position + at, error);

		trib_arena_reset(&engine->arena);
		if (status != TRIB_OK) {
			char place[64];

			snprintf(place, sizeof(place), "journal position %llu",
				 (unsigned long long)(record->position + at));
			trib_error_within(error, place);
			return status;
		}
	}
	return ok ? TRIB_OK :
		    trib_fail(error, TRIB_CORRUPT, "journal", "the record at %llu is no batch",
			      (unsigned long long)record->position);
}

static trib_status replay(struct trib_engine *engine, struct trib_error *error)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	uint64_t from = trib_store_position(engine->store);

	if (from > trib_journal_next(engine->journal))
		return trib_fail(error, TRIB_CORRUPT, "store",
				 "found it at journal position %llu, expected at most %llu: it is ahead of its journal",
				 (unsigned long long)from,
				 (unsigned long long)trib_journal_next(engine->journal));
	trib_status status = trib_journal_reader_new(engine->journal, from, &reader, error);

	if (status != TRIB_OK)
		return status;
	while ((status = trib_journal_reader_next(reader, &record, error)) == TRIB_OK &&
	       (status = replay_record(engine, &record, error)) == TRIB_OK)
		;
	trib_journal_reader_free(reader);
	return status == TRIB_NOT_FOUND ? TRIB_OK : status;
}

/* The platform takes part in every market: it is there from the first event on. */
static trib_status found(struct trib_engine *engine, struct trib_error *error)
{
	struct trib_domain_decision decision;
	Tributary__Party platform = TRIBUTARY__PARTY__INIT;
	char *roles[] = { "platform" };
	trib_status status;

	if (engine->state != TRIB_ENGINE_RUNNING ||
	    trib_domain_find(engine->domain, TRIB_NOUN_PARTY, trib_bytes_text("platform")))
		return TRIB_OK;
	platform.id = "platform";
	platform.name = "platform";
	platform.roles = roles;
	platform.n_roles = 1;
	status = engine_begin(engine, 0, error);
	if (status == TRIB_OK)
		status = trib_domain_decide_put(engine->domain, TRIB_NOUN_PARTY, &platform.base, engine->now_ms,
						&engine->arena, &decision, error);
	for (uint32_t i = 0; status == TRIB_OK && i < decision.event_count; i++)
		status = engine_emit(engine, &decision.events[i], error);
	if (status == TRIB_OK)
		status = engine_name_tree(engine, 1, 1, error);
	trib_arena_reset(&engine->arena);
	return status;
}

static trib_status open_journal(struct trib_engine *engine, struct trib_error *error)
{
	struct trib_buffer folder;
	struct trib_journal_options options = {
		.disk = engine->options.disk,
		.segment_bytes = engine->options.segment_bytes,
		.ring_bytes = engine->options.ring_bytes,
		.sync = engine->options.sync,
		.durable = TRIB_MAX(trib_store_position(engine->store), engine->known_durable),
		.observe = engine->fenced,
	};

	trib_buffer_init(&folder, 4096);
	trib_buffer_add_format(&folder, "%s/journal", engine->options.data);
	options.folder = trib_buffer_text(&folder);
	trib_status status = trib_journal_open(&options, &engine->journal, error);

	trib_buffer_fini(&folder);
	return status;
}

static trib_status open_store(struct trib_engine *engine, struct trib_error *error)
{
	struct trib_buffer folder;

	trib_buffer_init(&folder, 4096);
	trib_buffer_add_format(&folder, "%s/store", engine->options.data);
	trib_status status = trib_store_open(trib_buffer_text(&folder), &engine->store, error);

	trib_buffer_fini(&folder);
	return status;
}

static void make_state(struct trib_engine *engine)
{
	const struct trib_domain_hooks hooks = { .context = engine, .hash_user = hash_user,
						 .check_condition = conditions_check,
						 .creators_when = conditions_creator,
						 .meets = conditions_meets };
	const struct trib_touches_options touches = { .bytes_max = engine->options.touches_bytes,
						      .retention_ms = engine->options.touch_retention_ms,
						      .may_evict = history_may_forget,
						      .context = engine };

	engine->domain = trib_domain_new(&engine->table_key);
	trib_domain_set_hooks(engine->domain, &hooks);
	engine->spaces = trib_resolve_spaces(engine->domain);
	engine->spaces.bounds = space_bounds;
	engine->spaces.bounded = space_bounded;
	engine->rules = trib_rules_new(&engine->table_key, &engine->spaces);
	engine->order_path = trib_order_path_new();
	engine->plays = trib_playbook_new(&engine->table_key, &trib_play_trees);
	trib_buffer_init(&engine->play_schemas, PLAY_SCHEMAS_BYTES);
	engine->touches = trib_touches_new(&touches);
	engine->touches_share = TRIB_MIN(engine->options.touches_bytes / 8, engine->options.checkpoint_bytes) /
				TOUCH_BYTES;
	trib_filter_init(&engine->recent_users, engine->touches_share);
	trib_filter_init(&engine->spare_users, engine->touches_share);
	engine->ledger = trib_ledger_new();
	engine->kept = kept_new();
	access_begin(engine);
	engine->tallies = trib_tallies_new(TRIB_LIMIT_TALLIES);
	engine->reviews = trib_reviews_new();
	engine->shelves = shelf_table_new();
	outbox_open(engine);
	business_open(engine);
	people_init(engine);
	sites_init(engine);
	engine->order_index = trib_order_index_new(engine->options.order_index_bytes);
	if (!engine->options.foreground)
		warmer_start(engine);
	snapshots_init(engine);
	statements_init(engine);
	engine->changes = (struct changes){ .orders.item_size = sizeof(struct order_entry),
					    .touches.item_size = sizeof(struct trib_touch_event),
					    .links.item_size = sizeof(struct link_entry),
					    .flows.item_size = sizeof(uint64_t) };
	trib_keys_bind(engine->keys, registration_number, engine);
}

/* Everything that is read from the data folder. */
static trib_status open_state(struct trib_engine *engine, struct trib_error *error)
{
	trib_status status;

	make_state(engine);
	if ((status = open_store(engine, error)) != TRIB_OK ||
	    (status = checkpoint_load(engine, error)) != TRIB_OK ||
	    (status = open_journal(engine, error)) != TRIB_OK)
		return status;
	engine->position = trib_store_position(engine->store); /* behind all that the store has */
	if (trib_journal_state(engine->journal) == TRIB_JOURNAL_READ_ONLY) {
		struct trib_journal_failure failure;

		trib_journal_poll(engine->journal, &engine->progress, &failure);
		engine->state = TRIB_ENGINE_READ_ONLY;
		engine->reason = failure.error;
	} else if (trib_store_read_only(engine->store)) {
		engine->state = TRIB_ENGINE_READ_ONLY;
		engine->reason = *trib_store_read_only(engine->store);
	} else {
		engine->state = TRIB_ENGINE_RUNNING;
	}
	engine->probed_ns = trib_clock_monotonic_ns(engine->options.clock);
	history_load_begin(engine);
	status = replay(engine, error);
	if (history_load_end(engine, status == TRIB_OK ? error : NULL) != TRIB_OK && status == TRIB_OK)
		status = engine->runs_error.status;
	if (status != TRIB_OK)
		return status;
	engine->now_ms = TRIB_MAX(engine->now_ms, trib_clock_wall_ms(engine->options.clock));
	plays_ready(engine);
	trib_directory_loaded(engine->directory);
	if (trib_domain_count(engine->domain, TRIB_NOUN_BULK))
		bulk_told(engine);
	status = found(engine, error);
	engine->platform = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, trib_bytes_text("platform"));
	return status;
}

static void close_state(struct trib_engine *engine)
{
	warmer_stop(engine);
	if (engine->store) {
		snapshots_fini(engine);
		statements_fini(engine);
	}
	checkpoint_drop(engine);
	conditions_fini(engine);
	bulk_fini(engine);
	managed_fini(engine);
	trib_journal_free(TRIB_TAKE_PTR(engine->journal));
	history_free_runs(engine);
	changes_fini(&engine->changes);
	trib_filter_fini(&engine->recent_users);
	trib_filter_fini(&engine->spare_users);
	trib_order_index_free(TRIB_TAKE_PTR(engine->order_index));
	trib_counters_free(TRIB_TAKE_PTR(engine->counters));
	trib_tallies_free(TRIB_TAKE_PTR(engine->tallies));
	trib_tallies_free(TRIB_TAKE_PTR(engine->buyers));
	trib_reviews_free(TRIB_TAKE_PTR(engine->reviews));
	shelves_free(TRIB_TAKE_PTR(engine->shelves));
	outbox_close(engine);
	business_close(engine);
	people_fini(engine);
	sites_fini(engine);
	trib_ledger_free(TRIB_TAKE_PTR(engine->ledger));
	kept_free(TRIB_TAKE_PTR(engine->kept));
	access_end(engine);
	trib_touches_free(TRIB_TAKE_PTR(engine->touches));
	trib_playbook_free(TRIB_TAKE_PTR(engine->plays));
	trib_order_path_free(TRIB_TAKE_PTR(engine->order_path));
	trib_buffer_fini(&engine->play_schemas);
	trib_rules_free(TRIB_TAKE_PTR(engine->rules));
	trib_domain_free(TRIB_TAKE_PTR(engine->domain));
	trib_store_close(TRIB_TAKE_PTR(engine->store));
	free(engine->rules_saved);
	engine->rules_saved = NULL;
	engine->rules_saved_count = 0;
	engine->batch_open = false;
	engine->in_flight_count = 0;
	engine->links_issued = engine->changes_written = 0;
	engine->position = 0;
	engine->known_durable = TRIB_MAX(engine->known_durable, engine->progress.durable);
	engine->progress = (struct trib_journal_progress){ 0 };
	memset(&engine->counts, 0, sizeof(engine->counts));
}

static void set_defaults(struct trib_engine_options *options)
{
	if (!options->clock)
		options->clock = trib_clock_system();
	if (!options->order_index_bytes)
		options->order_index_bytes = DEFAULT_ORDER_INDEX_BYTES;
	if (!options->touches_bytes)
		options->touches_bytes = DEFAULT_TOUCHES_BYTES;
	if (!options->checkpoint_bytes)
		options->checkpoint_bytes = DEFAULT_CHECKPOINT_BYTES;
	if (!options->duplicate_window_ms)
		options->duplicate_window_ms = 30 * DAY_MS;
	if (!options->touch_retention_ms)
		options->touch_retention_ms = 90 * DAY_MS;
	if (!options->outbox_retry_ms)
		options->outbox_retry_ms = 1000;
	if (!options->outbox_give_up_ms)
		options->outbox_give_up_ms = DAY_MS;
}

static trib_status open_keys(struct trib_engine *engine, struct trib_error *error)
{
	struct trib_buffer journal;
	struct stat st;

	if (mkdir(engine->options.data, 0700) < 0 && errno != EEXIST)
		return trib_fail(error, TRIB_IO, engine->options.data, "cannot make the data folder: %s",
				 strerror(errno));
	/* A folder that has a journal has been used: then keys that are missing are a fault, not a beginning. */
	trib_buffer_init(&journal, 4096);
	trib_buffer_add_format(&journal, "%s/journal", engine->options.data);
	bool used = stat(trib_buffer_text(&journal), &st) == 0;

	trib_buffer_fini(&journal);
	trib_status status = trib_keys_open(engine->options.data, used ? TRIB_KEYS_EXISTING : TRIB_KEYS_CREATE,
					    engine->options.clock, &engine->keys, error);

	if (status == TRIB_OK) {
		engine->table_key = *trib_keys_names_hash(engine->keys);
		engine->order_key = trib_keys_order_hash(engine->keys);
		engine->user_key = trib_keys_user_hash(engine->keys);
	}
	return status;
}

trib_status trib_engine_open(const struct trib_engine_options *options, struct trib_engine **ret_engine,
			     struct trib_error *error)
{
	struct trib_engine *engine = trib_alloc_zeroed(1, sizeof(*engine));
	trib_status status;

	engine->options = *options;
	set_defaults(&engine->options);
	trib_arena_init(&engine->arena, ARENA_BYTES_MAX);
	trib_arena_init(&engine->facts_arena, ARENA_BYTES_MAX);
	trib_arena_init(&engine->flow_arena, TRIB_LIMIT_FLOW_BYTES);
	trib_arena_init(&engine->made_arena, TRIB_LIMIT_FLOW_BYTES);
	trib_buffer_init(&engine->chunk_bytes, CHANGE_BYTES_MAX);
	trib_buffer_init(&engine->event_bytes, CHANGE_BYTES_MAX);
	trib_buffer_init(&engine->link_bytes, TRIB_LINK_EVENT_BYTES_MAX);
	engine->seq = 1;
	engine->directory = trib_directory_new();
	pthread_mutex_init(&engine->refusals.lock, NULL);
	orders_init(engine);
	lifecycle_init(engine);
	stateful_init(engine);
	shelf_init(engine);
	shelf_page_init(engine);
	shelf_rounds_init(engine);
	calls_init(engine);
	if ((status = outbox_init(engine, error)) != TRIB_OK ||
	    (status = open_keys(engine, error)) != TRIB_OK ||
	    (status = open_state(engine, error)) != TRIB_OK) {
		trib_engine_abandon(engine);
		return status;
	}
	*ret_engine = engine;
	return TRIB_OK;
}

void trib_engine_abandon(struct trib_engine *engine)
{
	if (!engine)
		return;
	close_state(engine);
	simulations_fini(engine);
	calls_fini(engine);
	orders_fini(engine);
	lifecycle_fini(engine);
	stateful_fini(engine);
	shelf_fini(engine);
	shelf_page_fini(engine);
	shelf_rounds_fini(engine);
	outbox_fini(engine);
	trib_keys_free(engine->keys);
	trib_directory_free(engine->directory);
	pthread_mutex_destroy(&engine->refusals.lock);
	trib_buffer_fini(&engine->chunk_bytes);
	trib_buffer_fini(&engine->event_bytes);
	trib_buffer_fini(&engine->link_bytes);
	trib_arena_fini(&engine->arena);
	trib_arena_fini(&engine->facts_arena);
	trib_arena_fini(&engine->flow_arena);
	trib_arena_fini(&engine->made_arena);
	free(engine);
}

void trib_engine_close(struct trib_engine *engine)
{
	if (!engine)
		return;
	if (trib_engine_settle(engine) == TRIB_ENGINE_RUNNING)
		checkpoint_finish(engine, true);
	trib_engine_abandon(engine);
}

trib_status trib_engine_recover(struct trib_engine *engine, struct trib_error *error)
{
	trib_assert(engine->state == TRIB_ENGINE_LOST);
	calls_answer(engine, true);
	engine->settled = engine->seq; /* what waited has been answered, one way or the other */
	engine->seq++;
	close_state(engine);
	return open_state(engine, error);
}

const char *trib_engine_warning(const struct trib_engine *engine)
{
	const char *journal = trib_journal_warning(engine->journal);

	if (!journal && !trib_keys_locked(engine->keys))
		return "the keys could not be locked in memory and may reach swap: raise RLIMIT_MEMLOCK";
	return journal;
}

/* --- The loop ----------------------------------------------------------------------------------------- */

static void probe(struct trib_engine *engine)
{
	int64_t now_ns = trib_clock_monotonic_ns(engine->options.clock);

	if (now_ns - engine->probed_ns < PROBE_EVERY_NS)
		return;
	engine->probed_ns = now_ns;
	if (!engine->snapshots.job && !engine->statements.job)
		trib_store_retry(engine->store); /* no checkpoint is under way, no other thread reads */
	trib_journal_probe(engine->journal);
}

/* A folder that was new when nothing could be written gets now what every market has. */
static void begin_to_write(struct trib_engine *engine)
{
	struct trib_error error;

	if (found(engine, &error) == TRIB_OK)
		engine->platform = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, trib_bytes_text("platform"));
}

enum trib_engine_state trib_engine_turn(struct trib_engine *engine)
{
	enum trib_engine_state before = engine->state;

	note_progress(engine);
	if (before == TRIB_ENGINE_READ_ONLY && engine->state == TRIB_ENGINE_RUNNING)
		begin_to_write(engine);
	if (engine->state == TRIB_ENGINE_LOST)
		return engine->state;
	trib_bell_clear(&engine->bell); /* what was laid down before it rang is looked for from here on */
	snapshots_turn(engine);
	people_turn(engine);
	sites_turn(engine);
	calls_turn(engine);
	access_turn(engine);
	statements_turn(engine);
	compiler_turn(engine);
	if (engine->state == TRIB_ENGINE_RUNNING)
		shelf_rounds_turn(engine);
	bulk_turn(engine);
	managed_turn(engine);
	outbox_turn(engine);
	if (engine->in_flight_count == 0)
		close_batch(engine);
	if (engine->state == TRIB_ENGINE_RUNNING)
		checkpoint_turn(engine, false);
	else if (engine->state == TRIB_ENGINE_READ_ONLY)
		probe(engine);
	calls_answer(engine, false);
	return engine->state;
}

enum trib_engine_state trib_engine_settle(struct trib_engine *engine)
{
	while (engine->state == TRIB_ENGINE_RUNNING) {
		if (engine->in_flight_count == 0)
			close_batch(engine);
		if (engine->in_flight_count == 0)
			break;
		trib_journal_wait(engine->journal, &engine->progress, NULL);
		note_progress(engine);
	}
	if (engine->state != TRIB_ENGINE_LOST)
		calls_answer(engine, false);
	return engine->state;
}

uint64_t trib_engine_ticket(const struct trib_engine *engine)
{
	bool empty = !engine->batch_open || engine->write_at == engine->batch.payload;

	return empty ? engine->seq - 1 : engine->seq;
}

uint64_t trib_engine_settled(const struct trib_engine *engine)
{
	return engine->settled;
}

int trib_engine_event_fd(const struct trib_engine *engine)
{
	return trib_journal_event_fd(engine->journal);
}

trib_status trib_engine_reload_keys(struct trib_engine *engine, bool *ret_changed, struct trib_error *error)
{
	return trib_keys_reload(engine->keys, ret_changed, error);
}

enum trib_engine_state trib_engine_state(const struct trib_engine *engine)
{
	return engine->state;
}

const struct trib_error *trib_engine_reason(const struct trib_engine *engine)
{
	return &engine->reason;
}

/* --- Looking ------------------------------------------------------------------------------------------ */

const struct trib_domain *trib_engine_domain(const struct trib_engine *engine)
{
	return engine->domain;
}

const struct trib_rules *trib_engine_rules(const struct trib_engine *engine)
{
	return engine->rules;
}

const struct trib_ledger *trib_engine_ledger(const struct trib_engine *engine)
{
	return engine->ledger;
}

int64_t trib_engine_now(const struct trib_engine *engine)
{
	return engine->now_ms;
}

struct trib_bytes trib_engine_party_id(const struct trib_engine *engine, uint32_t party)
{
	return party ? trib_domain_id(engine->domain, TRIB_NOUN_PARTY, party) : trib_bytes_text("platform");
}

void trib_engine_count(const struct trib_engine *engine, struct trib_engine_counts *ret_counts)
{
	*ret_counts = engine->counts;
	ret_counts->position = engine->position;
	ret_counts->store_position = trib_store_position(engine->store);
	trib_journal_stats(engine->journal, &ret_counts->journal);
	ret_counts->live_touches = trib_touches_count(engine->touches);
	ret_counts->indexed_orders = trib_order_index_count(engine->order_index);
	ret_counts->warm = trib_order_index_is_warm(engine->order_index);
	ret_counts->runs = engine->runs.count;
	ret_counts->kept = kept_count(engine->kept);
	const struct delivery_counts outbox = outbox_count(engine);

	ret_counts->outbox_pending = outbox.pending;
	ret_counts->outbox_dead_now = outbox.dead;
	ret_counts->outbox_oldest_ms = outbox.oldest_ms ? TRIB_MAX(engine->now_ms - outbox.oldest_ms, (int64_t)0) : 0;
	ret_counts->checkpoint_due = checkpoint_is_due(engine);
	ret_counts->indexes_complete = engine->changes.orders.count == 0 && !engine->checkpoint;
}

void trib_engine_checkpoint(struct trib_engine *engine)
{
	checkpoint_turn(engine, true);
}

bool trib_engine_check(const struct trib_engine *engine, const char **ret_reason)
{
	return trib_domain_check(engine->domain, ret_reason) && trib_ledger_check(engine->ledger, ret_reason) &&
	       trib_touches_validate(engine->touches, ret_reason) && outbox_check(engine, ret_reason);
}
