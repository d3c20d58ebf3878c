/*
 * What third-party sites report of orders. A row is compared with the lease of its pid and with the order of the same id
 * here, never attributed: it becomes one event with the row as it is from now on. What somebody should look at stands in a
 * queue (site_rows.c) until a later row, a lease or somebody takes it out. Whose a row is, is asked when it is read.
 */
#include "base/limits.h"
#include "engine/sites.h"
#include "engine/state.h"

enum { ROW_BYTES = 4096, KEY_TEXT = 2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 32 };

static const char *const look_words[] = {
#define X(name, bit, word) [bit] = word,
	TRIB_SITE_LOOK_TABLE(X)
#undef X
};

#define BIT(name) (1u << SITE_LOOK_##name)

/* ---- Rows ---------------------------------------------------------------------------------- */

static struct kept_key key_of(const struct trib_engine *engine, uint32_t site, struct trib_bytes order)
{
	char text[KEY_TEXT];
	struct trib_bytes name = trib_bytes(text, (size_t)snprintf(text, sizeof(text), "site %u " TRIB_BYTES_FMT, site,
								   TRIB_BYTES_ARG(order)));

	return kept_key(name, trib_hash_keyed(name, engine->order_key));
}

/* Where its newest row stands; 0: there is none. */
static trib_status find_position(struct trib_engine *engine, struct kept_key key, uint64_t *ret_position,
				 struct trib_error *error)
{
	const struct site_index *frozen = checkpoint_site_rows(engine);
	char bytes[16];
	trib_status status;

	*ret_position = site_index_find(&engine->changes.site_rows, key);
	if (!*ret_position && frozen)
		*ret_position = site_index_find(frozen, key);
	if (*ret_position)
		return TRIB_OK;
	trib_key_u64(bytes, key.fingerprint);
	trib_key_u64(bytes + 8, key.hash);
	status = trib_store_get(engine->store, TRIB_TABLE_SITE_ORDER, trib_bytes(bytes, sizeof(bytes)), &engine->link_bytes,
				error);
	if (status == TRIB_OK && engine->link_bytes.size == 8)
		*ret_position = trib_key_read_u64(engine->link_bytes.data);
	return status == TRIB_NOT_FOUND ? TRIB_OK : status;
}

/* The newest row of a line, to be freed; NULL: there is none. */
static trib_status read_row(struct trib_engine *engine, uint32_t site, struct trib_bytes order, Tributary__Event **ret_event,
			    uint64_t *ret_position, struct trib_error *error)
{
	trib_status status = find_position(engine, key_of(engine, site, order), ret_position, error);

	*ret_event = NULL;
	if (status != TRIB_OK || !*ret_position)
		return status;
	status = history_read_event(engine, *ret_position, ret_event, error);
	if (status == TRIB_OK && ((*ret_event)->kind_case != TRIBUTARY__EVENT__KIND_SITE_ORDER_PUT ||
				  !(*ret_event)->site_order_put->order || (*ret_event)->site_order_put->site != site ||
				  !trib_bytes_is(order, (*ret_event)->site_order_put->order->order))) {
		tributary__event__free_unpacked(TRIB_TAKE_PTR(*ret_event), NULL);
		status = trib_fail(error, TRIB_CORRUPT, "journal", "no row of \"%.*s\" stands at position %llu",
				   (int)TRIB_MIN(order.size, (size_t)64), order.data, (unsigned long long)*ret_position);
	}
	return status;
}

/* Whose the row is now; NULL: nobody's. */
static const Tributary__PidLease *lease_of(struct trib_engine *engine, uint32_t pid, int64_t at_ms)
{
	const ProtobufCMessage *entity =
		pid ? trib_cold_read(engine->domain, TRIB_NOUN_PID, pid, &engine->arena) : NULL;

	return entity ? trib_pid_lease_at((const Tributary__Pid *)entity, at_ms) : NULL;
}

trib_status site_orders_apply(struct trib_engine *engine, const Tributary__SiteOrderPut *put, uint64_t position,
			      struct trib_error *error)
{
	if (!put->order || !put->order->order || !put->site || put->site > trib_domain_count(engine->domain, TRIB_NOUN_SITE) ||
	    put->pid > trib_domain_count(engine->domain, TRIB_NOUN_PID))
		return trib_fail(error, TRIB_CORRUPT, "event", "found an order of a site that is not there");
	const struct site_review review = { .key = key_of(engine, put->site, trib_bytes_text(put->order->order)),
					    .position = position,
					    .at_ms = put->order->at,
					    .site = put->site,
					    .pid = put->pid,
					    .look_at = put->look_at & ~put->resolved };

	site_index_put(&engine->changes.site_rows, review.key, position);
	site_reviews_put(sites_reviews(engine), &review);
	return TRIB_OK;
}

struct leased {
	const Tributary__Pid *pid;
};

static bool is_mapped(void *context, const struct site_review *review)
{
	return trib_pid_lease_at(((const struct leased *)context)->pid, review->at_ms) != NULL;
}

void site_orders_leased(struct trib_engine *engine, uint32_t number, const Tributary__Pid *pid)
{
	struct leased leased = { pid };

	site_reviews_clear(sites_reviews(engine), number, BIT(PID_UNMAPPED), is_mapped, &leased);
}

/* ---- Import -------------------------------------------------------------------------------- */

/* A pid that nobody has imported is one that is unknown, for somebody to say whose it is. */
static trib_status find_pid(struct trib_engine *engine, const char *site, const char *text, uint32_t *ret_pid,
			    struct trib_error *error)
{
	Tributary__Pid pid = TRIBUTARY__PID__INIT;
	struct trib_domain_decision decision;
	char id[2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 2];
	trib_status status;

	*ret_pid = 0;
	if (!text || !text[0])
		return TRIB_OK;
	snprintf(id, sizeof(id), "%s-%s", site, text);
	*ret_pid = trib_domain_find(engine->domain, TRIB_NOUN_PID, trib_bytes_text(id));
	if (*ret_pid)
		return TRIB_OK;
	if (!trib_external_id_valid(trib_bytes_text(id)))
		return trib_fail(error, TRIB_INVALID, "pid",
				 "found \"%.64s\", expected a pid without space, control or '/', shorter by the site's name than an id",
				 text);
	pid.id = id;
	pid.site = (char *)site;
	status = trib_domain_decide_put(engine->domain, TRIB_NOUN_PID, &pid.base, engine->now_ms, &engine->arena, &decision,
					error);
	if (status != TRIB_OK || decision.event_count != 1)
		return status;
	decision.events[0].pid_put->pid->status = (char *)"unknown";
	status = engine_emit(engine, &decision.events[0], error);
	*ret_pid = decision.number;
	return status;
}

/* Ours of the same id, where there is one. */
static trib_status compare_with_ours(struct trib_engine *engine, Tributary__SiteOrderPut *put, struct trib_error *error)
{
	struct trib_bytes order = trib_bytes_text(put->order->order);
	uint64_t position;
	trib_status status =
		history_find_order(engine, order, trib_hash_keyed(order, engine->order_key), &position, error);

	if (status == TRIB_NOT_FOUND)
		return TRIB_OK;
	if (status != TRIB_OK)
		return status;
	put->has_our_outcome = put->has_our_base = true;
	put->our_outcome = engine->earlier.outcome;
	put->our_base = engine->earlier.base_amount;
	put->look_at |= (engine->earlier.outcome == TRIB_OUTCOME_ATTRIBUTED ? BIT(ATTRIBUTED_HERE) : 0) |
			(engine->earlier.base_amount != put->order->paid ? BIT(BASE_DIFFERS) : 0);
	return TRIB_OK;
}

static bool is_equal(const Tributary__SiteOrder *a, const Tributary__SiteOrder *b)
{
	const char *texts[][2] = { { a->goods, b->goods }, { a->pid, b->pid }, { a->status, b->status } };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(texts); i++)
		if (strcmp(texts[i][0] ? texts[i][0] : "", texts[i][1] ? texts[i][1] : "") != 0)
			return false;
	return a->at == b->at && a->paid == b->paid && a->estimated == b->estimated && a->has_final == b->has_final &&
	       a->final == b->final;
}

/* How far an order has come; an older export does not bring it back. */
static int rank_of(const char *status)
{
	static const char *const words[] = { "paid", "received", "settled", "closed" };
	int rank = 0;

	while (rank < 3 && strcmp(words[rank], status) != 0)
		rank++;
	return rank;
}

/* Nothing is new about it. What was looked at stays so, as long as nothing else is to be looked at. */
static bool is_known(Tributary__SiteOrderPut *put, const Tributary__SiteOrderPut *before)
{
	if (rank_of(put->order->status) < rank_of(before->order->status))
		return true;
	put->has_resolved = before->resolved != 0;
	put->resolved = before->resolved & put->look_at;
	if (put->resolved) {
		put->has_resolved_at = before->has_resolved_at;
		put->resolved_at = before->resolved_at;
		put->resolved_by = before->resolved_by;
		put->reason = before->reason;
	}
	return is_equal(put->order, before->order) && put->look_at == before->look_at && put->pid == before->pid &&
	       put->has_our_base == before->has_our_base && put->our_base == before->our_base &&
	       put->our_outcome == before->our_outcome;
}

static trib_status emit(struct trib_engine *engine, Tributary__SiteOrderPut *put, struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	struct kept_key key = key_of(engine, put->site, trib_bytes_text(put->order->order));

	if (put->look_at & ~put->resolved && !site_reviews_find(sites_reviews(engine), key) &&
	    site_reviews_total(sites_reviews(engine)) >= TRIB_LIMIT_SITE_REVIEWS)
		return trib_fail(error, TRIB_LIMIT, "order", "found one more to be looked at, expected that the %d that wait are",
				 TRIB_LIMIT_SITE_REVIEWS);
	put->has_site = put->has_pid = put->has_look_at = true;
	event.kind_case = TRIBUTARY__EVENT__KIND_SITE_ORDER_PUT;
	event.site_order_put = put;
	return engine_emit(engine, &event, error);
}

static trib_status import_row(struct trib_engine *engine, uint32_t site, const Tributary__SiteOrder *row,
			      struct trib_error *error)
{
	Tributary__SiteOrderPut put = TRIBUTARY__SITE_ORDER_PUT__INIT;
	Tributary__SiteOrder order = *row; /* what the server writes was left out at the door */
	Tributary__Event *before;
	uint64_t position;
	trib_status status = check_order_id(trib_bytes_text(row->order), error);

	put.site = site;
	put.order = &order;
	if (status == TRIB_OK)
		status = engine_reserve(engine, ROW_BYTES, error);
	if (status == TRIB_OK)
		status = find_pid(engine, sites_id(engine, site), row->pid, &put.pid, error);
	if (status == TRIB_OK)
		status = compare_with_ours(engine, &put, error);
	if (status == TRIB_OK)
		status = read_row(engine, site, trib_bytes_text(row->order), &before, &position, error);
	if (status != TRIB_OK)
		return status;
	if (!lease_of(engine, put.pid, row->at))
		put.look_at |= BIT(PID_UNMAPPED);
	if (row->has_final && row->final != row->estimated)
		put.look_at |= BIT(FINAL_DIFFERS);
	if (!before || !is_known(&put, before->site_order_put))
		status = emit(engine, &put, error);
	if (before)
		tributary__event__free_unpacked(before, NULL);
	return status;
}

static trib_status find_site(struct trib_engine *engine, struct trib_call *call, uint32_t *ret_site)
{
	*ret_site = trib_domain_find(engine->domain, TRIB_NOUN_SITE, call->name);
	if (*ret_site)
		return TRIB_OK;
	return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"%.*s\", expected the id of a known site",
			 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
}

trib_status call_site_import(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t site;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = find_site(engine, call, &site);
	for (size_t i = 0; status == TRIB_OK && i < call->n_items; i++) {
		call->item_status[i] = import_row(engine, site, (const Tributary__SiteOrder *)call->items[i],
						  &call->item_errors[i]);
		trib_arena_reset(&engine->arena);
		if (call->item_status[i] == TRIB_READ_ONLY) {
			call->error = call->item_errors[i];
			status = TRIB_READ_ONLY;
		}
	}
	return status;
}

/* ---- Looking ------------------------------------------------------------------------------- */

/* The row as people see it: whose it is now, and what is still to be looked at. */
static void add_row(struct trib_engine *engine, const Tributary__SiteOrderPut *put, uint64_t position,
		    struct trib_buffer *json)
{
	Tributary__SiteOrder order = *put->order;
	const Tributary__PidLease *lease = lease_of(engine, put->pid, order.at);
	uint32_t look_at = put->look_at & ~put->resolved & ~(lease ? BIT(PID_UNMAPPED) : 0);
	char *words[SITE_LOOKS];

	order.site = (char *)sites_id(engine, put->site);
	order.creator = lease ? lease->creator : NULL;
	order.channel = lease ? lease->channel : NULL;
	order.outcome = (char *)trib_outcome_word(TRIB_OUTCOME_EXTERNAL);
	if (put->has_our_base) {
		order.our_outcome = (char *)trib_outcome_word((enum trib_outcome)put->our_outcome);
		order.has_our_base = true;
		order.our_base = put->our_base;
	}
	order.n_look_at = 0;
	order.look_at = words;
	for (int i = 0; i < SITE_LOOKS; i++)
		if (look_at >> i & 1)
			words[order.n_look_at++] = (char *)look_words[i];
	order.has_resolved_at = put->has_resolved_at;
	order.resolved_at = put->resolved_at;
	order.resolved_by = put->resolved_by;
	order.reason = put->reason;
	order.has_position = true;
	order.position = position;
	trib_proto_to_json(&order.base, TRIB_PROTO_ALL_FIELDS, json);
}

/* The row that a call names, to be freed. */
static trib_status find_row(struct trib_engine *engine, struct trib_call *call, uint32_t *ret_site, Tributary__Event **ret_row,
			    uint64_t *ret_position)
{
	trib_status status = find_site(engine, call, ret_site);

	*ret_row = NULL;
	if (status == TRIB_OK)
		status = check_order_id(call->node, &call->error);
	if (status == TRIB_OK)
		status = read_row(engine, *ret_site, call->node, ret_row, ret_position, &call->error);
	if (status == TRIB_OK && !*ret_row)
		status = trib_fail(&call->error, TRIB_NOT_FOUND, "order", "found \"%.*s\", expected an order that the site has reported",
				   (int)TRIB_MIN(call->node.size, (size_t)64), call->node.data);
	return status;
}

trib_status call_site_order(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Event *row;
	uint64_t position;
	uint32_t site;
	trib_status status = find_row(engine, call, &site, &row, &position);

	if (status != TRIB_OK)
		return status;
	add_row(engine, row->site_order_put, position, &call->reply);
	tributary__event__free_unpacked(row, NULL);
	return TRIB_OK;
}

static trib_status resolve(struct trib_engine *engine, struct trib_call *call, Tributary__SiteOrderPut *put)
{
	const Tributary__ReviewRequest *body = (const Tributary__ReviewRequest *)call->body;
	const struct site_review *review =
		site_reviews_find(sites_reviews(engine), key_of(engine, put->site, call->node));
	char *by = body->by ? body->by : call->actor.name.size ? trib_arena_copy(&engine->arena, call->actor.name) : NULL;
	char *before_by = put->resolved_by, *before_reason = put->reason;

	if (!review)
		return trib_fail(&call->error, TRIB_REFUSED, "order", "found nothing to be looked at, expected a row that waits");
	if (lease_of(engine, put->pid, put->order->at))
		put->look_at &= ~BIT(PID_UNMAPPED); /* it is somebody's since it came */
	put->has_resolved = put->has_resolved_at = true;
	put->resolved |= review->look_at;
	put->resolved_at = engine->now_ms;
	put->resolved_by = by;
	put->reason = body->reason;
	trib_status status = emit(engine, put, &call->error);

	if (status == TRIB_OK)
		add_row(engine, put, engine->position, &call->reply);
	put->resolved_by = before_by; /* these are the event's to free */
	put->reason = before_reason;
	return status;
}

trib_status call_site_resolve(struct trib_engine *engine, struct trib_call *call)
{
	Tributary__Event *row = NULL;
	uint64_t position;
	uint32_t site;
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status == TRIB_OK)
		status = find_row(engine, call, &site, &row, &position);
	if (status == TRIB_OK)
		status = resolve(engine, call, row->site_order_put);
	if (row)
		tributary__event__free_unpacked(row, NULL);
	return status;
}

trib_status call_site_reviews(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), site;
	struct site_review rows[TRIB_LIMIT_LIST_ITEMS];
	uint64_t after = 0;
	trib_status status = find_site(engine, call, &site);

	if (status == TRIB_OK && call->cursor.size && !trib_bytes_to_u64(call->cursor, &after))
		status = engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	if (status != TRIB_OK)
		return status;
	size_t count = site_reviews_page(sites_reviews(engine), site, after, rows, limit);

	trib_buffer_add_text(&call->reply, "{\"items\":[");
	for (size_t i = 0; status == TRIB_OK && i < count; i++) {
		Tributary__Event *row;

		status = history_read_event(engine, rows[i].position, &row, &call->error);
		if (status != TRIB_OK)
			return status;
		trib_buffer_add_text(&call->reply, i ? "," : "");
		if (row->kind_case == TRIBUTARY__EVENT__KIND_SITE_ORDER_PUT)
			add_row(engine, row->site_order_put, rows[i].position, &call->reply);
		tributary__event__free_unpacked(row, NULL);
		trib_arena_reset(&engine->arena);
	}
	struct site_review next;
	bool more = count == limit && site_reviews_page(sites_reviews(engine), site, rows[count - 1].position, &next, 1);

	if (more)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%llu\"", (unsigned long long)rows[count - 1].position);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null");
	trib_buffer_add_format(&call->reply, ",\"total\":%zu}", site_reviews_count(sites_reviews(engine), site));
	return TRIB_OK;
}
