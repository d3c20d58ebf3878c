/* Effects → deliveries, and what is asked about both; webhooks.c: who asks for what; deliveries.c: what waits. */
#include "engine/outbox.h"

#include "engine/state.h"
#include "engine/webhooks.h"

enum { WAIT_MAX_MS = 60 * 60 * 1000, ARENA_BYTES_MAX = 8 << 20, LOOKED_AT_MAX = 1 << 16 };

struct outbox {
	struct deliveries *all;
	struct webhooks *webhooks;
	struct trib_targets *targets;
	uint64_t unheard; /* who delivers is to look once this position is durable; 0: has been told */
	void (*ring)(void *context);
	void *ring_context;
	uint32_t first; /* webhook that is looked at first, in turn */
	struct trib_arena arena; /* of conditions */
};

trib_status outbox_init(struct trib_engine *engine, struct trib_error *error)
{
	struct outbox *outbox = engine->outbox = trib_alloc_zeroed(1, sizeof(*outbox));

	trib_arena_init(&outbox->arena, ARENA_BYTES_MAX);
	return trib_targets_new(engine->options.outbox_allow ? engine->options.outbox_allow : "", &outbox->targets,
				error);
}

void outbox_fini(struct trib_engine *engine)
{
	struct outbox *outbox = TRIB_TAKE_PTR(engine->outbox);

	if (!outbox)
		return;
	trib_targets_free(outbox->targets);
	trib_arena_fini(&outbox->arena);
	free(outbox);
}

void outbox_open(struct trib_engine *engine)
{
	engine->outbox->all = deliveries_new();
	engine->outbox->webhooks = webhooks_new();
	engine->outbox->unheard = 0;
}

void outbox_close(struct trib_engine *engine)
{
	if (!engine->outbox)
		return;
	deliveries_free(TRIB_TAKE_PTR(engine->outbox->all));
	webhooks_free(TRIB_TAKE_PTR(engine->outbox->webhooks));
}

bool outbox_is_used(const struct trib_engine *engine)
{
	return webhooks_active(engine->outbox->webhooks) > 0;
}

struct delivery_counts outbox_count(const struct trib_engine *engine)
{
	return deliveries_count(engine->outbox->all);
}

bool outbox_check(const struct trib_engine *engine, const char **ret_reason)
{
	return deliveries_check(engine->outbox->all, ret_reason);
}

void trib_engine_listen_outbox(struct trib_engine *engine, void (*ring)(void *context), void *context)
{
	engine->outbox->ring = ring;
	engine->outbox->ring_context = context;
}

void outbox_turn(struct trib_engine *engine)
{
	struct outbox *outbox = engine->outbox;

	if (TRIB_LIKELY(!outbox->unheard) || engine->progress.durable <= outbox->unheard || !outbox->ring)
		return;
	outbox->unheard = 0;
	outbox->ring(outbox->ring_context);
}

/* --- Apply -------------------------------------------------------------------------------------------- */

bool outbox_is_changed_by(Tributary__Event__KindCase kind)
{
	return kind == TRIBUTARY__EVENT__KIND_OUTBOX_ADDED || kind == TRIBUTARY__EVENT__KIND_OUTBOX_TOLD ||
	       kind == TRIBUTARY__EVENT__KIND_WEBHOOK_PUT;
}

static trib_status apply_told(struct trib_engine *engine, const Tributary__OutboxTold *told, uint64_t position,
			      struct trib_error *error)
{
	struct delivery *delivery = deliveries_find(engine->outbox->all, told->id);

	if (!delivery || told->state < DELIVERY_PENDING || told->state > DELIVERY_DROPPED)
		return trib_fail(error, TRIB_CORRUPT, "event", "found news of no delivery");
	engine->counts.outbox_done += told->state == DELIVERY_DONE;
	engine->counts.outbox_dead += told->state == DELIVERY_DEAD;
	engine->counts.outbox_failed += told->attempts > delivery->attempts && told->state != DELIVERY_DONE;
	deliveries_tell(engine->outbox->all, delivery, position, engine->now_ms, told);
	return TRIB_OK;
}

static trib_status apply_webhook(struct trib_engine *engine, const Tributary__WebhookPut *put, uint64_t position,
				 struct trib_error *error)
{
	struct outbox *outbox = engine->outbox;
	trib_status status = webhooks_apply(outbox->webhooks, put, error);

	if (status == TRIB_OK && webhooks_is(outbox->webhooks, put->number, "closed"))
		deliveries_give_up(outbox->all, put->number, position, engine->now_ms, "the webhook was closed");
	return status;
}

trib_status outbox_apply(struct trib_engine *engine, const Tributary__Event *event, uint64_t position,
			 struct trib_error *error)
{
	engine->outbox->unheard = position;
	if (event->kind_case == TRIBUTARY__EVENT__KIND_WEBHOOK_PUT)
		return apply_webhook(engine, event->webhook_put, position, error);
	if (event->kind_case == TRIBUTARY__EVENT__KIND_OUTBOX_TOLD)
		return apply_told(engine, event->outbox_told, position, error);
	if (event->outbox_added->webhook == 0 ||
	    event->outbox_added->webhook > webhooks_count(engine->outbox->webhooks))
		return trib_fail(error, TRIB_CORRUPT, "event", "found a delivery to no webhook");
	deliveries_add(engine->outbox->all, position, engine->now_ms, event->outbox_added);
	return TRIB_OK;
}

/* --- Effects ------------------------------------------------------------------------------------------ */

bool engine_outbox_wanted(const struct trib_engine *engine, const char *kind)
{
	const struct webhooks *webhooks = engine->outbox->webhooks;

	for (uint32_t number = 1; outbox_is_used(engine) && number <= webhooks_count(webhooks); number++)
		if (webhooks_ask_for(webhooks, number, trib_bytes_text(kind)))
			return true;
	return false;
}

/* Of 0 … span - 1, the same for the same delivery and attempt. */
static int64_t part_of(uint64_t id, uint64_t attempt, int64_t span)
{
	return span > 0 ? (int64_t)(trib_hash_u64(id ^ trib_hash_u64(attempt)) % (uint64_t)span) : 0;
}

static char *text_of(struct trib_engine *engine, struct trib_bytes text)
{
	return text.size ? trib_arena_copy(&engine->arena, text) : "";
}

/* The body as it is kept: canonical; *ret_json is its tree. */
static trib_status read_body(struct trib_engine *engine, const struct engine_effect *effect, char **ret_text,
			     const struct trib_json **ret_json, struct trib_error *error)
{
	struct trib_bytes body = effect->body.size ? effect->body : trib_bytes_text("{}");
	struct trib_buffer text;
	trib_status status;

	status = trib_json_parse(body, TRIB_LIMIT_JSON_DEPTH, &engine->arena, ret_json, error);
	if (status == TRIB_OK && (*ret_json)->kind != TRIB_JSON_OBJECT)
		status = trib_fail(error, TRIB_INVALID, "body", "found %s, expected an object",
				   trib_json_kind_name((*ret_json)->kind));
	if (status != TRIB_OK)
		return status;
	trib_buffer_init(&text, 2 * TRIB_LIMIT_OUTBOX_BODY_BYTES);
	trib_json_add(&text, *ret_json, &engine->arena);
	*ret_text = trib_arena_copy(&engine->arena, trib_buffer_bytes(&text));
	if (text.failed || !*ret_text)
		status = trib_fail(error, TRIB_TOO_LARGE, "body", "found more than a command may hold in memory");
	trib_buffer_fini(&text);
	return status;
}

/* Does it wait already, being told once? */
static bool is_waiting(const struct outbox *outbox, uint32_t webhook, const struct engine_effect *effect)
{
	return effect->key.size && deliveries_wait_for(outbox->all, webhook, trib_bytes_text(effect->kind), effect->to,
						       effect->key);
}

static trib_status emit_added(struct trib_engine *engine, uint32_t webhook, const struct engine_effect *effect,
			      Tributary__OutboxAdded *added, struct trib_error *error)
{
	struct outbox *outbox = engine->outbox;
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

	if (is_waiting(outbox, webhook, effect))
		return TRIB_OK;
	added->has_webhook = added->has_due_at = 1;
	added->webhook = webhook;
	added->due_at = engine->now_ms +
			part_of(trib_hash_bytes(effect->to) ^ trib_hash_bytes(effect->key) ^ engine->position, webhook,
				effect->spread_ms);
	event.kind_case = TRIBUTARY__EVENT__KIND_OUTBOX_ADDED;
	event.outbox_added = added;
	return engine_emit(engine, &event, error);
}

trib_status outbox_check_effect(const struct engine_effect *effect, struct trib_error *error)
{
	if (!trib_external_id_valid(trib_bytes_text(effect->kind)) || strchr(effect->kind, '*'))
		return trib_fail(error, TRIB_INVALID, "kind", "found \"%.64s\", expected 1 to 64 bytes as \"sample.shipped\"",
				 effect->kind);
	if (effect->to.size > TRIB_LIMIT_EXTERNAL_ID_BYTES || effect->play.size > TRIB_LIMIT_EXTERNAL_ID_BYTES ||
	    effect->entity.size > 2 * TRIB_LIMIT_EXTERNAL_ID_BYTES || effect->key.size > 2 * TRIB_LIMIT_EXTERNAL_ID_BYTES)
		return trib_fail(error, TRIB_TOO_LARGE, "effect", "found names that are too long, expected at most %d bytes each",
				 TRIB_LIMIT_EXTERNAL_ID_BYTES);
	if (effect->body.size > TRIB_LIMIT_OUTBOX_BODY_BYTES)
		return trib_fail(error, TRIB_TOO_LARGE, "body", "found %zu bytes, expected at most %d", effect->body.size,
				 TRIB_LIMIT_OUTBOX_BODY_BYTES);
	return TRIB_OK;
}

static trib_status refuse_full(const struct trib_engine *engine, struct trib_error *error)
{
	return trib_fail(error, TRIB_BUSY, "outbox", "found %zu deliveries that wait, expected fewer: see /api/v1/outbox",
			 deliveries_count(engine->outbox->all).pending);
}

/* As if every webhook asked for all of them, and they were as long as they may be; those beside are notices of our own. */
trib_status outbox_admits(const struct trib_engine *engine, uint32_t effects, struct trib_error *error)
{
	enum { BESIDE = 32, NOTICE_BYTES = 2048 };
	size_t webhooks = webhooks_active(engine->outbox->webhooks);
	size_t count = webhooks * (effects + BESIDE);
	size_t size = webhooks * (effects * (size_t)(TRIB_LIMIT_OUTBOX_BODY_BYTES + NOTICE_BYTES) + BESIDE * NOTICE_BYTES);

	/* However many webhooks there are, an outbox that is half empty takes it. */
	if (deliveries_have_room(engine->outbox->all, TRIB_MIN(count, (size_t)TRIB_LIMIT_OUTBOX_ITEMS / 2),
				 TRIB_MIN(size, (size_t)TRIB_LIMIT_OUTBOX_BYTES / 2)))
		return TRIB_OK;
	return refuse_full(engine, error);
}

/* Of all who ask for it, or of none. */
static bool has_room(struct trib_engine *engine, const struct engine_effect *effect, const struct webhooks_effect *seen,
		     const Tributary__OutboxAdded *added)
{
	struct outbox *outbox = engine->outbox;
	size_t size = strlen(added->body) + strlen(added->kind) + effect->to.size + effect->play.size +
		      effect->entity.size + effect->key.size;
	size_t count = 0;

	if (deliveries_have_room(outbox->all, webhooks_count(outbox->webhooks), webhooks_count(outbox->webhooks) * size))
		return true;
	for (uint32_t number = 1; number <= webhooks_count(outbox->webhooks); number++) {
		count += webhooks_want(outbox->webhooks, number, seen, &outbox->arena) &&
			 !is_waiting(outbox, number, effect);
		trib_arena_reset(&outbox->arena);
	}
	return deliveries_have_room(outbox->all, count, count * size);
}

trib_status engine_outbox_add(struct trib_engine *engine, const struct engine_effect *effect, struct trib_error *error)
{
	struct outbox *outbox = engine->outbox;
	Tributary__OutboxAdded added = TRIBUTARY__OUTBOX_ADDED__INIT;
	struct webhooks_effect seen = { trib_bytes_text(effect->kind), effect->to, effect->play, effect->entity, NULL };
	trib_status status;

	if (!engine_outbox_wanted(engine, effect->kind))
		return TRIB_OK;
	if ((status = outbox_check_effect(effect, error)) != TRIB_OK ||
	    (status = engine_begin(engine, 0, error)) != TRIB_OK ||
	    (status = read_body(engine, effect, &added.body, &seen.body, error)) != TRIB_OK)
		return status;
	added.kind = (char *)effect->kind;
	added.to = text_of(engine, effect->to);
	added.play = text_of(engine, effect->play);
	added.entity = text_of(engine, effect->entity);
	added.key = text_of(engine, effect->key);
	if (!added.to || !added.play || !added.entity || !added.key)
		return trib_fail(error, TRIB_NO_MEMORY, "effect", "an effect needs more memory than a command has");
	if (!has_room(engine, effect, &seen, &added))
		return refuse_full(engine, error);
	for (uint32_t number = 1; status == TRIB_OK && number <= webhooks_count(outbox->webhooks); number++) {
		if (webhooks_want(outbox->webhooks, number, &seen, &outbox->arena))
			status = emit_added(engine, number, effect, &added, error);
		trib_arena_reset(&outbox->arena);
	}
	return status;
}

/* --- What became of attempts -------------------------------------------------------------------------- */

static trib_status emit_told(struct trib_engine *engine, Tributary__OutboxTold *told, struct trib_error *error)
{
	Tributary__Event event = TRIBUTARY__EVENT__INIT;

	told->has_id = told->has_state = told->has_attempts = told->has_due_at = told->has_since = told->has_code = 1;
	event.kind_case = TRIBUTARY__EVENT__KIND_OUTBOX_TOLD;
	event.outbox_told = told;
	return engine_emit(engine, &event, error);
}

static Tributary__OutboxTold news_of(const struct delivery *delivery)
{
	Tributary__OutboxTold told = TRIBUTARY__OUTBOX_TOLD__INIT;

	told.id = delivery->id;
	told.state = delivery->state;
	told.attempts = delivery->attempts;
	told.due_at = delivery->due_ms;
	told.since = delivery->since_ms;
	told.code = delivery->code;
	told.reason = (char *)delivery->reason;
	return told;
}

/*
 * The n-th wait is retry × 2^(n-1), an hour at most, and of that a random part between half and all, so that what failed
 * together does not come back together. A target may ask for more. Nothing is tried beyond the time that is granted.
 */
static void decide_retry(struct trib_engine *engine, const struct delivery *delivery,
			 const Tributary__ParcelResult *result, Tributary__OutboxTold *told)
{
	unsigned doublings = TRIB_MIN(told->attempts - 1, 30u);
	int64_t wait_ms = engine->options.outbox_retry_ms, asked_ms = result->has_retry_after_ms ? result->retry_after_ms : 0;

	wait_ms = wait_ms > WAIT_MAX_MS >> doublings ? WAIT_MAX_MS : wait_ms << doublings;
	wait_ms = wait_ms / 2 + part_of(delivery->id, told->attempts, wait_ms - wait_ms / 2 + 1);
	told->due_at = engine->now_ms + TRIB_MAX(wait_ms, TRIB_MIN(asked_ms, engine->options.outbox_give_up_ms));
	if (result->never || told->due_at - delivery->since_ms > engine->options.outbox_give_up_ms)
		told->state = DELIVERY_DEAD;
}

static trib_status tell_one(struct trib_engine *engine, const Tributary__ParcelResult *result, struct trib_error *error)
{
	struct outbox *outbox = engine->outbox;
	const struct delivery *delivery = deliveries_find(outbox->all, result->id);

	/* An operator may have been faster, or an earlier telling got through. */
	if (!delivery || delivery->state != DELIVERY_PENDING)
		return TRIB_OK;
	Tributary__OutboxTold told = news_of(delivery);

	told.attempts++;
	told.code = result->code;
	told.reason = result->reason ? result->reason : "";
	if (!result->reason)
		told.state = DELIVERY_DONE;
	else
		decide_retry(engine, delivery, result, &told);
	if (result->reason)
		deliveries_slow_down(outbox->all, delivery->webhook);
	return emit_told(engine, &told, error);
}

trib_status call_outbox_tell(struct trib_engine *engine, struct trib_call *call)
{
	const Tributary__ParcelResults *results = (const Tributary__ParcelResults *)call->body;
	trib_status status = engine_begin(engine, 0, &call->error);

	for (size_t i = 0; status == TRIB_OK && i < results->n_result; i++)
		status = tell_one(engine, results->result[i], &call->error);
	return status;
}

/* --- What is due -------------------------------------------------------------------------------------- */

static void add_member(struct trib_buffer *json, const char *name, const char *text)
{
	if (!text[0])
		return;
	trib_buffer_add_format(json, ",\"%s\":", name);
	trib_json_add_string(json, trib_bytes_text(text));
}

/* What is sent. The same bytes at every attempt. */
static char *content_of(struct trib_engine *engine, const struct delivery *delivery)
{
	struct trib_buffer json;

	trib_buffer_init(&json, 1 << 20);
	trib_buffer_add_format(&json, "{\"id\":%llu,\"kind\":", (unsigned long long)delivery->id);
	trib_json_add_string(&json, trib_bytes_text(delivery->kind));
	trib_buffer_add_format(&json, ",\"at\":%lld", (long long)delivery->at_ms);
	add_member(&json, "to", delivery->to);
	add_member(&json, "play", delivery->play);
	add_member(&json, "entity", delivery->entity);
	trib_buffer_add_format(&json, ",\"body\":%s}", delivery->body);
	char *content = trib_arena_copy(&engine->arena, trib_buffer_bytes(&json));

	trib_buffer_fini(&json);
	return content;
}

struct taking {
	Tributary__Parcels parcels;
	size_t room;
	int64_t next_ms; /* when something else is due */
};

static trib_status take_one(struct trib_engine *engine, struct delivery *delivery, struct taking *taking,
			    struct trib_error *error)
{
	const Tributary__Webhook *webhook = webhooks_at(engine->outbox->webhooks, delivery->webhook);
	Tributary__Parcel *parcel;
	struct trib_error why;

	if (trib_targets_allow(engine->outbox->targets, trib_bytes_text(webhook->url), &why) != TRIB_OK) {
		Tributary__OutboxTold told = news_of(delivery);

		told.state = DELIVERY_DEAD;
		told.reason = "the url is not allowed by --outbox-allow";
		return emit_told(engine, &told, error);
	}
	parcel = trib_arena_alloc(&engine->arena, sizeof(*parcel));
	if (!parcel)
		return trib_fail(error, TRIB_NO_MEMORY, "outbox", "found more that is due than a command can hold");
	*parcel = (Tributary__Parcel)TRIBUTARY__PARCEL__INIT;
	parcel->has_id = parcel->has_attempt = 1;
	parcel->id = delivery->id;
	parcel->attempt = delivery->attempts + 1;
	parcel->kind = (char *)delivery->kind;
	parcel->url = webhook->url;
	parcel->secret = webhook->secret;
	parcel->content = content_of(engine, delivery);
	if (!parcel->content)
		return trib_fail(error, TRIB_NO_MEMORY, "outbox", "found more that is due than a command can hold");
	taking->parcels.parcel[taking->parcels.n_parcel++] = parcel;
	return TRIB_OK;
}

static trib_status take_of(struct trib_engine *engine, uint32_t webhook, struct taking *taking, struct trib_error *error)
{
	struct outbox *outbox = engine->outbox;
	trib_status status = TRIB_OK;

	if (!webhooks_is(outbox->webhooks, webhook, "active"))
		return TRIB_OK;
	while (status == TRIB_OK && taking->parcels.n_parcel < taking->room) {
		struct delivery *delivery =
			deliveries_take(outbox->all, webhook, engine->progress.durable, engine->now_ms);

		if (!delivery)
			break;
		status = take_one(engine, delivery, taking, error);
	}
	int64_t due_ms = deliveries_due(outbox->all, webhook);

	/* What is due already waits for the disk, which rings, or for room, which who delivers knows of. */
	if (due_ms > engine->now_ms)
		taking->next_ms = TRIB_MIN(taking->next_ms, due_ms);
	return status;
}

/* The answer is a packed message Parcels. */
trib_status call_outbox_take(struct trib_engine *engine, struct trib_call *call)
{
	struct outbox *outbox = engine->outbox;
	struct taking taking = { TRIBUTARY__PARCELS__INIT, call->limit, INT64_MAX };
	uint32_t count = webhooks_count(outbox->webhooks);
	trib_status status = engine_begin(engine, 0, &call->error);

	if (status != TRIB_OK)
		return status;
	taking.parcels.parcel = trib_arena_alloc(&engine->arena, (call->limit + 1) * sizeof(Tributary__Parcel *));
	if (!taking.parcels.parcel)
		return trib_fail(&call->error, TRIB_NO_MEMORY, "outbox", "found no memory");
	outbox->first++;
	for (uint32_t i = 0; status == TRIB_OK && i < count; i++)
		status = take_of(engine, (outbox->first + i) % count + 1, &taking, &call->error);
	/* What has been taken is under way; so what stopped the rest is no reason to keep it back. */
	taking.parcels.has_next_ms = taking.next_ms != INT64_MAX;
	taking.parcels.next_ms = taking.parcels.has_next_ms ? taking.next_ms - engine->now_ms : 0;
	size_t size = tributary__parcels__get_packed_size(&taking.parcels);
	uint8_t *place = (uint8_t *)trib_buffer_reserve(&call->reply, size + 1);

	if (place)
		call->reply.size += tributary__parcels__pack(&taking.parcels, place);
	return TRIB_OK;
}

/* --- Looking, and what operators do ------------------------------------------------------------------- */

static void add_delivery(const struct trib_engine *engine, const struct delivery *delivery, struct trib_buffer *json)
{
	Tributary__Delivery shown = TRIBUTARY__DELIVERY__INIT;

	shown.has_id = shown.has_at = shown.has_attempts = 1;
	shown.id = delivery->id;
	shown.state = (char *)delivery_state_word(delivery->state);
	shown.webhook = webhooks_at(engine->outbox->webhooks, delivery->webhook)->id;
	shown.kind = (char *)delivery->kind;
	shown.to = delivery->to[0] ? (char *)delivery->to : NULL;
	shown.play = delivery->play[0] ? (char *)delivery->play : NULL;
	shown.entity = delivery->entity[0] ? (char *)delivery->entity : NULL;
	shown.key = delivery->key[0] ? (char *)delivery->key : NULL;
	shown.body = (char *)delivery->body;
	shown.at = delivery->at_ms;
	shown.attempts = delivery->attempts;
	shown.has_due_at = delivery->state == DELIVERY_PENDING;
	shown.due_at = delivery->due_ms;
	shown.has_code = delivery->code != 0;
	shown.code = delivery->code;
	shown.reason = delivery->reason[0] ? (char *)delivery->reason : NULL;
	shown.has_ended_at = delivery->state != DELIVERY_PENDING;
	shown.ended_at = delivery->ended_ms;
	trib_proto_to_json(&shown.base, TRIB_PROTO_SET_FIELDS, json);
}

trib_status call_outbox_list(struct trib_engine *engine, struct trib_call *call)
{
	const struct deliveries *all = engine->outbox->all;
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), count = 0;
	enum delivery_state state = DELIVERY_PENDING;
	uint64_t after = 0;

	if (call->state_word.size && !delivery_state_find(call->state_word, &state))
		return engine_refuse(&call->error, "state", call->state_word, "pending, dead or done");
	if (call->cursor.size && !trib_bytes_to_u64(call->cursor, &after))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	const struct delivery *delivery = deliveries_next(all, after);

	trib_buffer_add_text(&call->reply, "{\"items\":[");
	for (uint32_t looked = 0; delivery && count < limit && looked < LOOKED_AT_MAX; looked++) {
		after = delivery->id;
		if (delivery->state == state) {
			if (count++)
				trib_buffer_add_char(&call->reply, ',');
			add_delivery(engine, delivery, &call->reply);
		}
		delivery = deliveries_next(all, after);
	}
	if (delivery)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%llu\"}", (unsigned long long)after);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}

static trib_status find(struct trib_engine *engine, struct trib_call *call, struct delivery **ret_delivery)
{
	uint64_t id;

	*ret_delivery = trib_bytes_to_u64(call->name, &id) ? deliveries_find(engine->outbox->all, id) : NULL;
	if (*ret_delivery)
		return TRIB_OK;
	return trib_fail(&call->error, TRIB_NOT_FOUND, "id", "found \"%.*s\", expected the id of a delivery",
			 (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
}

/* At once, and again and again from now on. */
trib_status call_outbox_retry(struct trib_engine *engine, struct trib_call *call)
{
	struct delivery *delivery;
	trib_status status = find(engine, call, &delivery);

	if (status != TRIB_OK || (status = engine_begin(engine, 0, &call->error)) != TRIB_OK)
		return status;
	if (delivery->state == DELIVERY_DONE)
		return trib_fail(&call->error, TRIB_REFUSED, "state", "found done, expected pending or dead");
	if (webhooks_is(engine->outbox->webhooks, delivery->webhook, "closed"))
		return trib_fail(&call->error, TRIB_REFUSED, "webhook", "found a closed one, expected one that takes deliveries");
	if (delivery->state == DELIVERY_DEAD && !deliveries_have_room(engine->outbox->all, 1, delivery->size))
		return trib_fail(&call->error, TRIB_BUSY, "outbox", "found too many that wait, expected fewer");
	if (!delivery->under_way) {
		Tributary__OutboxTold told = news_of(delivery);

		told.state = DELIVERY_PENDING;
		told.due_at = told.since = engine->now_ms;
		status = emit_told(engine, &told, &call->error);
	}
	if (status == TRIB_OK)
		add_delivery(engine, delivery, &call->reply);
	return status;
}

trib_status call_outbox_drop(struct trib_engine *engine, struct trib_call *call)
{
	struct delivery *delivery;
	trib_status status = find(engine, call, &delivery);

	if (status != TRIB_OK || (status = engine_begin(engine, 0, &call->error)) != TRIB_OK)
		return status;
	Tributary__OutboxTold told = news_of(delivery);

	add_delivery(engine, delivery, &call->reply);
	told.state = DELIVERY_DROPPED;
	return emit_told(engine, &told, &call->error);
}

/* --- Webhooks ----------------------------------------------------------------------------------------- */

static void add_webhook(const struct trib_engine *engine, uint32_t number, struct trib_buffer *json)
{
	trib_proto_to_json(&webhooks_at(engine->outbox->webhooks, number)->base, TRIB_PROTO_ALL_FIELDS, json);
}

/* Journals it as the next version; number 0: a new one. */
static trib_status put_webhook(struct trib_engine *engine, struct trib_call *call, uint32_t number,
			       const Tributary__Webhook *webhook)
{
	struct webhooks *webhooks = engine->outbox->webhooks;
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__WebhookPut put = TRIBUTARY__WEBHOOK_PUT__INIT;
	Tributary__Webhook whole = *webhook;

	put.has_number = put.has_version = 1;
	put.number = number ? number : webhooks_count(webhooks) + 1;
	put.version = number ? webhooks_at(webhooks, number)->version + 1 : 1;
	whole.status = whole.status ? whole.status : "active";
	whole.has_number = whole.has_version = 1;
	whole.number = put.number;
	whole.version = put.version;
	put.webhook = &whole;
	event.kind_case = TRIBUTARY__EVENT__KIND_WEBHOOK_PUT;
	event.webhook_put = &put;
	trib_status status = engine_emit(engine, &event, &call->error);

	if (status != TRIB_OK)
		return status;
	trib_buffer_add_text(&call->reply, "{\"id\":");
	trib_json_add_string(&call->reply, call->name);
	trib_buffer_add_format(&call->reply, ",\"number\":%u,\"version\":%u,\"position\":%llu}", put.number, put.version,
			       (unsigned long long)engine->position);
	return TRIB_OK;
}

trib_status call_webhook_put(struct trib_engine *engine, struct trib_call *call)
{
	struct outbox *outbox = engine->outbox;
	const Tributary__Webhook *webhook = (const Tributary__Webhook *)call->body;
	uint32_t number = webhooks_find(outbox->webhooks, call->name);
	trib_status status;

	if (!number && webhooks_count(outbox->webhooks) == TRIB_LIMIT_WEBHOOKS)
		return trib_fail(&call->error, TRIB_LIMIT, "webhooks", "found %d, expected at most that many",
				 TRIB_LIMIT_WEBHOOKS);
	if ((status = webhooks_check(webhook, &call->error)) != TRIB_OK ||
	    (status = trib_targets_allow(outbox->targets, trib_bytes_text(webhook->url), &call->error)) != TRIB_OK ||
	    (status = engine_begin(engine, 0, &call->error)) != TRIB_OK)
		return status;
	call->http_status = number ? 200 : 201;
	return put_webhook(engine, call, number, webhook);
}

static trib_status find_webhook(struct trib_engine *engine, struct trib_call *call, uint32_t *ret_number)
{
	*ret_number = webhooks_find(engine->outbox->webhooks, call->name);
	return *ret_number ? TRIB_OK :
			     trib_fail(&call->error, TRIB_NOT_FOUND, "webhook",
				       "found \"%.*s\", expected the id of a known webhook",
				       (int)TRIB_MIN(call->name.size, (size_t)64), call->name.data);
}

trib_status call_webhook_get(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t number;
	trib_status status = find_webhook(engine, call, &number);

	if (status == TRIB_OK)
		add_webhook(engine, number, &call->reply);
	return status;
}

trib_status call_webhook_close(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t number;
	trib_status status = find_webhook(engine, call, &number);

	if (status != TRIB_OK || (status = engine_begin(engine, 0, &call->error)) != TRIB_OK)
		return status;
	Tributary__Webhook webhook = *webhooks_at(engine->outbox->webhooks, number);

	webhook.status = "closed";
	return put_webhook(engine, call, number, &webhook);
}

/* An effect for this one alone, whatever it asks for. */
trib_status call_webhook_test(struct trib_engine *engine, struct trib_call *call)
{
	const struct engine_effect effect = { .kind = "webhook.test" };
	Tributary__OutboxAdded added = TRIBUTARY__OUTBOX_ADDED__INIT;
	uint32_t number;
	trib_status status = find_webhook(engine, call, &number);

	if (status != TRIB_OK || (status = engine_begin(engine, 0, &call->error)) != TRIB_OK)
		return status;
	if (webhooks_is(engine->outbox->webhooks, number, "closed"))
		return trib_fail(&call->error, TRIB_REFUSED, "webhook", "found a closed one, expected one that takes deliveries");
	added.kind = (char *)effect.kind;
	added.body = "{}";
	status = emit_added(engine, number, &effect, &added, &call->error);
	if (status != TRIB_OK)
		return status;
	call->http_status = 201;
	add_delivery(engine, deliveries_find(engine->outbox->all, engine->position), &call->reply);
	return TRIB_OK;
}

trib_status call_webhook_list(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS);
	uint32_t count = webhooks_count(engine->outbox->webhooks);
	uint64_t after = 0;

	if (call->cursor.size && (!trib_bytes_to_u64(call->cursor, &after) || after > count))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	uint32_t end = TRIB_MIN(count, (uint32_t)after + limit);

	trib_buffer_add_text(&call->reply, "{\"items\":[");
	for (uint32_t number = (uint32_t)after + 1; number <= end; number++) {
		if (number > after + 1)
			trib_buffer_add_char(&call->reply, ',');
		add_webhook(engine, number, &call->reply);
	}
	if (end < count)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%u\"}", end);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}

/* --- Store -------------------------------------------------------------------------------------------- */

struct freezing {
	outbox_row_fn *emit;
	void *context;
};

static void freeze_delivery(void *context, uint32_t slot, struct trib_bytes row)
{
	const struct freezing *freezing = context;

	freezing->emit(freezing->context, false, slot, row);
}

static void freeze_webhook(void *context, uint32_t number, struct trib_bytes row)
{
	const struct freezing *freezing = context;

	freezing->emit(freezing->context, true, number, row);
}

void outbox_freeze(struct trib_engine *engine, outbox_row_fn *emit, void *context)
{
	struct freezing freezing = { emit, context };

	deliveries_take_changed(engine->outbox->all, freeze_delivery, &freezing);
	webhooks_take_changed(engine->outbox->webhooks, freeze_webhook, &freezing);
}

/* Rows of webhooks come by number, and after the deliveries: each is looked at only when all are there. */
trib_status outbox_load(struct trib_engine *engine, bool webhook, uint32_t key, struct trib_bytes row,
			struct trib_error *error)
{
	if (!webhook)
		return deliveries_load(engine->outbox->all, key, row, error);
	Tributary__WebhookPut *put = tributary__webhook_put__unpack(NULL, row.size, (const uint8_t *)row.data);

	if (!put)
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no webhook");
	trib_status status = webhooks_apply(engine->outbox->webhooks, put, error);

	tributary__webhook_put__free_unpacked(put, NULL);
	return status;
}

static void pass_over(void *context TRIB_UNUSED, uint32_t number TRIB_UNUSED, struct trib_bytes row TRIB_UNUSED)
{
}

void outbox_load_done(struct trib_engine *engine)
{
	deliveries_load_done(engine->outbox->all);
	webhooks_take_changed(engine->outbox->webhooks, pass_over, NULL);
	/* What waited when the process ended. */
	engine->outbox->unheard = deliveries_count(engine->outbox->all).pending ? 1 : 0;
}
