/* Events → state. The same functions serve the live path and replay; nothing here may refuse a valid journal. */
#include "engine/business.h"
#include "engine/flows.h"
#include "engine/sites.h"
#include "engine/state.h"

void *log_add(struct log_of *log)
{
	if (TRIB_UNLIKELY(log->count == log->capacity)) {
		log->capacity = log->capacity ? log->capacity * 2 : 1024;
		log->items = trib_realloc(log->items, log->capacity * log->item_size);
	}
	return (char *)log->items + log->item_size * log->count++;
}

struct log_of log_take(struct log_of *log)
{
	struct log_of taken = *log;

	*log = (struct log_of){ .item_size = taken.item_size };
	return taken;
}

void changes_fini(struct changes *changes)
{
	free(changes->orders.items);
	free(changes->touches.items);
	free(changes->links.items);
	free(changes->flows.items);
	site_index_fini(&changes->site_rows);
	line_log_fini(&changes->lines);
	*changes = (struct changes){ 0 };
}

/* --- Orders ------------------------------------------------------------------------------------------- */

static struct trib_posting posting_of(const struct trib_order_record *record,
				      const struct trib_order_line *line)
{
	uint32_t currency = record->currency;

	return (struct trib_posting){
		.debit = { line->from_party, line->from_role, currency,
			   trib_kinds_from(line->kinds, line->from_role), TRIB_STAGE_PENDING },
		.credit = { line->to_party, line->to_role, currency,
			    trib_kinds_to(line->kinds, line->to_role), TRIB_STAGE_PENDING },
		.amount = line->amount,
	};
}

bool apply_order_fits(struct trib_engine *engine, const struct trib_order_record *record)
{
	/* Balances stay far from 64 bits unless somebody tries: the exact check is for large amounts only. */
	if (TRIB_LIKELY(record->base_amount < INT64_C(1) << 40))
		return true;
	struct trib_posting *postings =
		trib_arena_alloc(&engine->arena, (record->n_lines + 1) * sizeof(*postings));

	if (!postings)
		return false;
	for (uint32_t i = 0; i < record->n_lines; i++)
		postings[i] = posting_of(record, &record->lines[i]);
	return trib_ledger_accepts(engine->ledger, postings, record->n_lines);
}

/* By which names the line may be told of: its order's, its payment's. */
static void add_line(struct trib_engine *engine, const struct trib_order_record *record, uint64_t position)
{
	const char *slash = memchr(record->order.data, '/', record->order.size);
	struct trib_bytes order = trib_bytes(record->order.data, slash ? (size_t)(slash - record->order.data) : 0);

	if (slash)
		line_log_add(&engine->changes.lines, trib_hash_keyed(order, engine->order_key), position);
	if (TRIB_LIKELY(!record->n_ext))
		return;
	struct trib_bytes group = groups_name(record);

	if (group.size && !trib_bytes_equal(group, order) && !trib_bytes_equal(group, record->order))
		line_log_add(&engine->changes.lines, trib_hash_keyed(group, engine->order_key), position);
}

void apply_order(struct trib_engine *engine, const struct trib_order_record *record, uint64_t fingerprint,
		 uint64_t position)
{
	history_add_order(engine, fingerprint, position);
	add_line(engine, record, position);
	if (TRIB_UNLIKELY(kept_count(engine->kept)))
		kept_remove(engine->kept, kept_key(record->order, fingerprint));
	for (uint32_t i = 0; i < record->n_lines; i++) {
		struct trib_posting posting = posting_of(record, &record->lines[i]);

		trib_ledger_post(engine->ledger, &posting, 1);
	}
	if (record->tree)
		trib_rules_hit(engine->rules, record->tree, record->tree_version, record->node);
	counting_order(engine, record);
	stateful_apply(engine, record->tallies);
	stateful_bought(engine, record);
	business_order(engine, record);
	if (TRIB_UNLIKELY(record->held))
		trib_reviews_open(engine->reviews, position);
	engine->counts.orders++;
	if (record->outcome < TRIB_ARRAY_SIZE(engine->counts.outcomes))
		engine->counts.outcomes[record->outcome]++;
}

void apply_change(struct trib_engine *engine, const struct trib_order_change *change, uint64_t fingerprint,
		  uint64_t position)
{
	history_change_order(engine, fingerprint, change->previous, position);
	trib_chain_post(engine->ledger, change->moves, change->n_moves, change->currency);
	stateful_apply(engine, change->tallies);
	business_change(engine, change);
	if (TRIB_UNLIKELY(change->messages.review.verdict || change->state == TRIB_ORDER_INVALID))
		trib_reviews_close(engine->reviews, change->decision);
	engine->counts.changes++;
}

/* Keeps the event's body as it is. */
static trib_status apply_kept(struct trib_engine *engine, struct trib_bytes body, struct trib_error *error)
{
	struct trib_bytes order;

	if (!trib_messages_kept_get(body, &order, &engine->life->messages))
		return trib_fail(error, TRIB_CORRUPT, "event", "found bytes that are no kept messages");
	kept_put(engine->kept, kept_key(order, trib_hash_keyed(order, engine->order_key)), engine->now_ms, body);
	return TRIB_OK;
}

/* --- Touches and links -------------------------------------------------------------------------------- */

trib_status apply_touch(struct trib_engine *engine, const struct trib_touch_event *event,
			struct trib_error *error)
{
	bool known;
	trib_status status = trib_touches_insert(engine->touches, event->user, &event->touch,
						 engine->now_ms, &known, error);

	if (status != TRIB_OK)
		return status;
	*(struct trib_touch_event *)log_add(&engine->changes.touches) = *event;
	counting_touch(engine, event);
	trib_filter_add(&engine->recent_users, event->user);
	engine->counts.touches++;
	return TRIB_OK;
}

void apply_link(struct trib_engine *engine, const struct trib_link_event *event, uint64_t position)
{
	engine->links_issued = TRIB_MAX(engine->links_issued, event->token.link);
	engine->counts.links++;
	business_link(engine, event);
	if (event->n_ext)
		*(struct link_entry *)log_add(&engine->changes.links) =
			(struct link_entry){ event->token.link, position };
}

/* --- Nouns, names, rules ------------------------------------------------------------------------------ */

trib_status apply_market(struct trib_engine *engine, const Tributary__Event *event, struct trib_error *error)
{
	people_fold(engine, event);
	sites_fold(engine, event);
	const struct trib_market_state state = engine_market_state(engine);
	trib_status status = trib_market_apply(&state, event, error);

	if (status == TRIB_OK && (event->kind_case == TRIBUTARY__EVENT__KIND_PLAY_PUT ||
				  event->kind_case == TRIBUTARY__EVENT__KIND_PLAY_ACTIVATED))
		status = apply_play(engine, event, error);
	if (status == TRIB_OK)
		business_market(engine, event);
	if (status == TRIB_OK && event->kind_case == TRIBUTARY__EVENT__KIND_BULK_PUT)
		bulk_told(engine);
	if (status == TRIB_OK && event->kind_case == TRIBUTARY__EVENT__KIND_PLAN_PUT)
		managed_told(engine, event->plan_put->number);
	if (status == TRIB_OK && event->kind_case == TRIBUTARY__EVENT__KIND_PLAN_MOVED)
		status = managed_apply(engine, event->plan_moved, error);
	/* The scope of a key may have waited for this name. */
	if (status == TRIB_OK && event->kind_case == TRIBUTARY__EVENT__KIND_REGISTRATION_PUT)
		trib_keys_rebind(engine->keys);
	if (status == TRIB_OK && event->kind_case == TRIBUTARY__EVENT__KIND_RULES_ACTIVATED)
		counting_begin(engine);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_PLAN_PUT || event->kind_case == TRIBUTARY__EVENT__KIND_STATUS_SET)
		shelf_rounds_want(engine);
	if (status == TRIB_OK && event->kind_case == TRIBUTARY__EVENT__KIND_PLAN_PUT && event->plan_put->plan &&
	    event->plan_put->plan->new_to_shop)
		stateful_begin_buyers(engine);
	return status;
}

static trib_status apply_chunk(struct trib_engine *engine, const Tributary__Chunk *chunk,
			       struct trib_error *error)
{
	if (chunk->index == 0) {
		trib_buffer_reset(&engine->chunk_bytes);
		engine->chunk_change = chunk->change;
		engine->chunk_count = 0;
	}
	/* Pieces of a change that a crash cut off are left behind by the next change. */
	if (chunk->change != engine->chunk_change || chunk->index != engine->chunk_count)
		return trib_fail(error, TRIB_CORRUPT, "chunk", "found piece %u of change %llu, expected piece %u of %llu",
				 chunk->index, (unsigned long long)chunk->change, engine->chunk_count,
				 (unsigned long long)engine->chunk_change);
	trib_buffer_add(&engine->chunk_bytes, chunk->data.data, chunk->data.len);
	engine->chunk_count++;
	engine->changes_written = TRIB_MAX(engine->changes_written, chunk->change);
	return engine->chunk_bytes.failed ?
		       trib_fail(error, TRIB_CORRUPT, "chunk", "found a change of over %zu bytes",
				 engine->chunk_bytes.size_max) :
		       TRIB_OK;
}

static trib_status apply_unpacked(struct trib_engine *engine, const Tributary__Event *event, uint64_t position,
				  struct trib_error *error)
{
	if (trib_market_is_changed_by(event->kind_case)) {
		trib_status status = apply_market(engine, event, error);

		if (status == TRIB_OK)
			snapshots_note(engine, event);
		return status;
	}
	if (trib_event_is_of_cold_noun(event->kind_case))
		return apply_market(engine, event, error);
	if (outbox_is_changed_by(event->kind_case))
		return outbox_apply(engine, event, position, error);
	if (access_is_changed_by(event->kind_case))
		return access_apply(engine, event, error);
	if (sites_is_changed_by(event->kind_case))
		return sites_apply(engine, event, position, error);
	switch (event->kind_case) {
	case TRIBUTARY__EVENT__KIND_LEDGER_PAID:
		return apply_payout(engine, event->ledger_paid, position, error);
	case TRIBUTARY__EVENT__KIND_SHELF_PUT:
		return apply_shelf(engine, event->shelf_put, error);
	case TRIBUTARY__EVENT__KIND_PLAN_MOVED:
		return managed_apply(engine, event->plan_moved, error);
	case TRIBUTARY__EVENT__KIND_FLOW_RAN:
		flows_note(engine, position);
		return TRIB_OK;
	case TRIBUTARY__EVENT__KIND_ENGINE_STARTED:
	case TRIBUTARY__EVENT__KIND_PROBE:
		return TRIB_OK;
	case TRIBUTARY__EVENT__KIND_CHUNK:
		return apply_chunk(engine, event->chunk, error);
	case TRIBUTARY__EVENT__KIND_CHUNKS_COMMITTED:
		if (event->chunks_committed->change != engine->chunk_change ||
		    event->chunks_committed->count != engine->chunk_count)
			return trib_fail(error, TRIB_CORRUPT, "chunks_committed",
					 "found %u pieces, expected %u", engine->chunk_count,
					 event->chunks_committed->count);
		return apply_event(engine, trib_buffer_bytes(&engine->chunk_bytes), position, error);
	default:
		return trib_fail(error, TRIB_UNSUPPORTED, "event",
				 "found a kind of event that this version does not know; a newer one wrote it");
	}
}

trib_status apply_event(struct trib_engine *engine, struct trib_bytes bytes, uint64_t position,
			struct trib_error *error)
{
	struct trib_bytes body;
	struct trib_touch_event touch;
	trib_status status;

	engine->position = position;
	switch (trib_event_kind(bytes, &body)) {
	case TRIB_EVENT_ORDER_DECIDED:
		if (!trib_order_record_get(body, &engine->earlier))
			break;
		apply_order(engine, &engine->earlier,
			    trib_hash_keyed(engine->earlier.order, engine->order_key), position);
		return TRIB_OK;
	case TRIB_EVENT_ORDER_CHANGED:
		if (!trib_order_change_get(body, &engine->life->change))
			break;
		apply_change(engine, &engine->life->change,
			     trib_hash_keyed(engine->life->change.order, engine->order_key), position);
		return TRIB_OK;
	case TRIB_EVENT_MESSAGES_KEPT:
		return apply_kept(engine, body, error);
	case TRIB_EVENT_TOUCH_RECORDED:
		if (!trib_touch_event_get(body, &touch))
			break;
		status = history_load_user(engine, touch.user, error);
		return status == TRIB_OK ? apply_touch(engine, &touch, error) : status;
	case TRIB_EVENT_LINK_ISSUED:
		if (!trib_link_event_get(body, &engine->link_event))
			break;
		apply_link(engine, &engine->link_event, position);
		return TRIB_OK;
	case 0:
		break;
	default: {
		Tributary__Event *event =
			tributary__event__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);

		if (!event)
			break;
		status = apply_unpacked(engine, event, position, error);
		tributary__event__free_unpacked(event, NULL);
		return status;
	}
	}
	return trib_fail(error, TRIB_CORRUPT, "event", "found bytes that are no event of a known form");
}
