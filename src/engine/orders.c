/*
 * ATTRIBUTE: an order line finds its way back.
 *
 *	 prepare     hashes, numbers, tokens: for the whole batch, so that memory is on its way when it is needed
 *	 repeat?     the same order again gets the same answer; other content is a conflict
 *	 candidates  the token, or the user's touches
 *	 resolve     everything that follows from them and the state: resolve/resolve.h
 *	 record      the event: encoded, applied, answered
 */
#include "engine/state.h"

/* What is prepared for one order of a call. */
struct order_work {
	uint64_t fingerprint, user, goods_hash;
	uint32_t goods;
	enum trib_token_result result;
	bool by_token; /* one token, decoded here */
	bool several;  /* a list of candidates, looked at when it is this order's turn */
	struct trib_token token;
};

void orders_init(struct trib_engine *engine)
{
	engine->work = trib_alloc_zeroed(TRIB_ORDERS_MAX, sizeof(*engine->work));
}

void orders_fini(struct trib_engine *engine)
{
	free(TRIB_TAKE_PTR(engine->work));
}

/* --- Prepare ------------------------------------------------------------------------------------------ */

static void decode_tokens(struct trib_engine *engine, const struct trib_order_request *requests, size_t n)
{
	static _Thread_local struct trib_bytes texts[TRIB_ORDERS_MAX];
	static _Thread_local struct trib_token tokens[TRIB_ORDERS_MAX];
	static _Thread_local enum trib_token_result results[TRIB_ORDERS_MAX];
	uint16_t who[TRIB_ORDERS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct trib_bytes text = requests[i].token;

		engine->work[i].several = trib_candidates_are_several(text);
		engine->work[i].by_token = !engine->work[i].several && !trib_bytes_is(text, "-");
		if (!engine->work[i].by_token)
			continue;
		texts[count] = text;
		who[count++] = (uint16_t)i;
	}
	if (count == 0)
		return;
	trib_token_decode_batch(engine->keys, texts, count, tokens, results);
	for (size_t j = 0; j < count; j++) {
		struct order_work *work = &engine->work[who[j]];

		work->result = results[j];
		work->token = tokens[j];
		if (work->result == TRIB_TOKEN_OK && !engine_could_issue(engine, &work->token))
			work->result = TRIB_TOKEN_MAC;
	}
}

/* Passes over the batch, each of which sends for the memory that the next one reads. */
static void prepare(struct trib_engine *engine, const struct trib_order_request *requests, size_t n)
{
	const struct trib_names *ids = trib_domain_ids(engine->domain, TRIB_NOUN_GOODS);

	for (size_t i = 0; i < n; i++) {
		struct order_work *work = &engine->work[i];

		work->fingerprint = trib_hash_keyed(requests[i].order, engine->order_key);
		history_prefetch_order(engine, work->fingerprint);
		work->goods_hash = trib_names_hash(ids, requests[i].goods);
		trib_names_prefetch(ids, work->goods_hash);
		work->user = trib_hash_keyed(requests[i].user, engine->user_key);
	}
	decode_tokens(engine, requests, n);
	for (size_t i = 0; i < n; i++) {
		struct order_work *work = &engine->work[i];

		work->goods = trib_names_find_hashed(ids, requests[i].goods, work->goods_hash);
		if (!work->by_token)
			trib_touches_prefetch(engine->touches, work->user);
		if (work->by_token && work->result == TRIB_TOKEN_OK) {
			trib_terms_prefetch(engine->domain, work->goods, work->token.creator);
			trib_ledger_prefetch(engine->ledger, work->token.creator);
		} else {
			trib_terms_prefetch(engine->domain, work->goods, 0);
		}
	}
	for (size_t i = 0; i < n; i++) {
		struct order_work *work = &engine->work[i];

		trib_terms_prefetch_plans(engine->domain, work->goods, 0);
		trib_ledger_prefetch(engine->ledger, trib_domain_goods(engine->domain, work->goods)->merchant);
		if (!work->by_token)
			trib_touches_prefetch_list(engine->touches, work->user);
		else if (work->result == TRIB_TOKEN_OK)
			trib_ledger_prefetch_accounts(engine->ledger, work->token.creator);
	}
	for (size_t i = 0; i < n; i++)
		trib_ledger_prefetch_accounts(engine->ledger,
					      trib_domain_goods(engine->domain, engine->work[i].goods)->merchant);
}

/* --- Repeats ------------------------------------------------------------------------------------------ */

/*
 * A hash of what the caller stated. Each part stands behind its size, so that no two requests run together.
 * Not keyed: whoever makes two contents collide only fools himself.
 */
static uint64_t content_hash(const struct trib_order_request *request, uint64_t user)
{
	char flat[1024];
	struct trib_buffer big;
	struct trib_bytes parts[] = { request->goods, request->token, request->carrier.kind,
				      request->carrier.id, request->carrier.owner, request->page,
				      request->scene };
	int64_t numbers[] = { (int64_t)user, request->base_amount, request->qty, request->has_at,
			      request->has_at ? request->at_ms : 0, request->n_ext };
	size_t size = sizeof(numbers);
	char *p = flat;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(parts); i++)
		size += parts[i].size + 8;
	for (uint32_t i = 0; i < request->n_ext; i++)
		size += request->ext[i].key.size + request->ext[i].value.size + 16;
	if (request->has_amounts)
		size += 2 + sizeof(request->amounts);
	trib_buffer_init(&big, size);
	if (size > sizeof(flat))
		p = trib_buffer_reserve(&big, size);
	char *begin = p;

	memcpy(p, numbers, sizeof(numbers));
	p += sizeof(numbers);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(parts); i++) {
		p = trib_wire_put_varint(p, parts[i].size);
		if (parts[i].size)
			memcpy(p, parts[i].data, parts[i].size);
		p += parts[i].size;
	}
	for (uint32_t i = 0; i < request->n_ext; i++) {
		p = trib_wire_put_bytes(p, 1, request->ext[i].key);
		p = trib_wire_put_bytes(p, 2, request->ext[i].value);
	}
	if (request->has_amounts) {
		*p++ = 3;
		*p++ = request->no_base;
		memcpy(p, request->amounts, sizeof(request->amounts));
		p += sizeof(request->amounts);
	}
	uint64_t hash = trib_hash_bytes(trib_bytes(begin, (size_t)(p - begin)));

	trib_buffer_fini(&big);
	return hash;
}

/* --- Candidates --------------------------------------------------------------------------------------- */

/* The user's newest touches not after the order, but for the oldest `room` would have no place for. */
static trib_status add_touches(struct trib_engine *engine, const struct order_work *work, uint32_t room,
			       struct trib_order_record *record, struct trib_error *error)
{
	struct trib_touch list[TRIB_LIMIT_TOUCHES_CONSIDERED];
	trib_status status = history_load_user(engine, work->user, error);

	if (status != TRIB_OK)
		return status;
	record->n_touches = (uint32_t)trib_touches_of(engine->touches, work->user, record->at_ms, list, room);
	for (uint32_t i = 0; i < record->n_touches; i++)
		record->touches[i] = (struct trib_considered){ .touch = list[i] };
	return TRIB_OK;
}

/* The good tokens of a list, each link once, so that it is known how much room is left for touches. */
struct good_tokens {
	struct trib_token tokens[TRIB_LIMIT_ORDER_TOKENS];
	uint32_t count;
};

static void verify(struct trib_engine *engine, const struct trib_candidate_list *list, struct good_tokens *good,
		   struct trib_order_record *record)
{
	for (uint32_t i = 0; i < list->count; i++) {
		struct trib_token *token = &good->tokens[good->count];
		enum trib_token_result result;
		bool known = false;

		trib_token_decode_batch(engine->keys, &list->texts[i], 1, token, &result);
		if (result != TRIB_TOKEN_OK || !engine_could_issue(engine, token)) {
			trib_candidates_add_bad(record, list->texts[i]);
			continue;
		}
		for (uint32_t j = 0; j < good->count; j++)
			known |= good->tokens[j].link == token->link;
		good->count += !known;
	}
}

/* Tokens and recorded touches, decided in one pass. A token whose link was touched is that touch. */
static trib_status find_several(struct trib_engine *engine, const struct order_work *work,
				struct trib_bytes text, struct trib_order_record *record,
				struct trib_error *error)
{
	struct good_tokens good = { .count = 0 };
	struct trib_candidate_list list;
	trib_status status = trib_candidates_split(text, &list, error);

	if (status != TRIB_OK)
		return status;
	verify(engine, &list, &good, record);
	if (list.touches)
		status = add_touches(engine, work, TRIB_LIMIT_TOUCHES_CONSIDERED - good.count, record, error);
	record->by_token = !list.touches;
	for (uint32_t i = 0; status == TRIB_OK && i < good.count; i++)
		record->by_token |= trib_candidates_add_token(record, &good.tokens[i]);
	return status;
}

static trib_status find_candidates(struct trib_engine *engine, const struct trib_order_request *request,
				   const struct order_work *work, struct trib_order_record *record,
				   struct trib_error *error)
{
	if (TRIB_UNLIKELY(work->several))
		return find_several(engine, work, request->token, record, error);
	if (!work->by_token)
		return add_touches(engine, work, TRIB_LIMIT_TOUCHES_CONSIDERED, record, error);
	record->by_token = true;
	if (work->result == TRIB_TOKEN_OK)
		trib_candidates_add_token(record, &work->token);
	else
		trib_candidates_add_bad(record, request->token);
	return TRIB_OK;
}

/* --- One order ---------------------------------------------------------------------------------------- */

trib_status check_id(struct trib_bytes text, const char *at, struct trib_error *error)
{
	if (trib_external_id_valid(text))
		return TRIB_OK;
	return trib_fail(error, TRIB_INVALID, at,
			 "found %zu bytes, expected 1 to 64 bytes of UTF-8 without space, control or '/'",
			 text.size);
}

/* "<order>" or "<order>/<line>", each an external id. */
trib_status check_order_id(struct trib_bytes order, struct trib_error *error)
{
	const char *slash = memchr(order.data, '/', order.size);
	size_t first = slash ? (size_t)(slash - order.data) : order.size;

	if (trib_external_id_valid(trib_bytes(order.data, first)) &&
	    (!slash || trib_external_id_valid(trib_bytes(slash + 1, order.size - first - 1))))
		return TRIB_OK;
	return trib_fail(error, TRIB_INVALID, "order",
			 "found %zu bytes, expected <order> or <order>/<line>, each 1 to 64 bytes of UTF-8 "
			 "without space or control",
			 order.size);
}

static trib_status check_request(const struct trib_order_request *request, struct trib_error *error)
{
	trib_status status = check_order_id(request->order, error);

	if (status == TRIB_OK)
		status = check_id(request->user, "user", error);
	if (status == TRIB_OK && request->no_base && !request->has_amounts)
		status = trib_fail(error, TRIB_INVALID, "base_amount",
				   "found nothing, expected an amount in minor units, or amounts to compute it from");
	for (uint32_t i = 0; status == TRIB_OK && i < TRIB_AMOUNTS && request->has_amounts; i++)
		if (request->amounts[i] < 0 || request->amounts[i] > TRIB_AMOUNT_MAX)
			status = trib_fail(error, TRIB_INVALID, trib_amount_word((enum trib_amount)i),
					   "found %lld, expected 0 to 2^60, in minor units",
					   (long long)request->amounts[i]);
	if (status == TRIB_OK && request->base_amount < 0)
		status = trib_fail(error, TRIB_INVALID, "base_amount",
				   "found %lld, expected 0 or more, in minor units",
				   (long long)request->base_amount);
	if (status == TRIB_OK && (request->qty < 0 || request->qty > 1000000))
		status = trib_fail(error, TRIB_INVALID, "QTY", "found %lld, expected 1 to 1000000",
				   (long long)request->qty);
	return status;
}

/* Fills what the record says of the request. Names that are new get their codes here. */
static trib_status fill_request(struct trib_engine *engine, const struct trib_order_request *request,
				const struct order_work *work, struct trib_order_record *record,
				struct trib_error *error)
{
	trib_status status;

	if (!work->goods && (status = check_id(request->goods, "goods", error)) != TRIB_OK)
		return status;
	if (!work->goods)
		return trib_fail(error, TRIB_NOT_FOUND, "goods", "found \"%.*s\", expected the id of known goods",
				 (int)TRIB_MIN(request->goods.size, (size_t)64), request->goods.data);
	record->order = request->order;
	record->user = work->user;
	record->goods = work->goods;
	record->base_amount = request->no_base ? 0 : request->base_amount;
	record->base_computed = request->no_base;
	record->has_amounts = request->has_amounts;
	if (request->has_amounts)
		memcpy(record->amounts, request->amounts, sizeof(record->amounts));
	record->currency = trib_domain_goods(engine->domain, work->goods)->currency;
	record->qty = (uint32_t)request->qty;
	record->at_stated = request->has_at;
	record->n_ext = request->n_ext;
	if (request->n_ext)
		memcpy(record->ext, request->ext, request->n_ext * sizeof(record->ext[0]));
	if ((status = engine_event_time(engine, request->has_at, request->at_ms, &record->at_ms, error)) !=
		    TRIB_OK ||
	    (status = engine_carrier(engine, &request->carrier, &record->carrier_kind, &record->carrier,
				     &record->carrier_owner, error)) != TRIB_OK ||
	    (status = engine_code(engine, request->scene, "SCENE", &record->scene, error)) != TRIB_OK)
		return status;
	return engine_code(engine, request->page, "PAGE", &record->page, error);
}

static trib_status order_one(struct trib_engine *engine, const struct trib_order_request *request,
			     const struct order_work *work, struct trib_order_answer *ret_answer,
			     struct trib_error *error)
{
	struct trib_order_record *record = &engine->record;
	uint64_t content, position;
	trib_status status = check_request(request, error);

	if (status != TRIB_OK)
		return status;
	content = content_hash(request, work->user);
	status = history_find_order(engine, request->order, work->fingerprint, &position, error);
	if (status == TRIB_OK) {
		ret_answer->record = &engine->earlier;
		ret_answer->repeated = true;
		if (engine->earlier.content == content) {
			engine->counts.repeats++;
			return TRIB_OK;
		}
		engine->counts.conflicts++;
		return trib_fail(error, TRIB_CONFLICT, "order",
				 "found other content than at first, expected the same or another id");
	}
	if (status != TRIB_NOT_FOUND)
		return status;
	if ((status = engine_begin(engine, 0, error)) != TRIB_OK)
		return status;
	trib_order_record_reset(record);
	record->content = content;
	if ((status = fill_request(engine, request, work, record, error)) != TRIB_OK ||
	    (status = find_candidates(engine, request, work, record, error)) != TRIB_OK)
		return status;
	const struct trib_market market = engine_market(engine);
	const struct trib_resolve_request resolve = { .now_ms = engine->now_ms,
						      .engine_facts = counting_facts,
						      .engine_context = engine,
						      .scratch = &engine->facts_arena };

	trib_resolve_order(&market, &resolve, record);
	if ((status = stateful_decide(engine, record, error)) != TRIB_OK)
		return status;
	if (!apply_order_fits(engine, record))
		return trib_fail(error, TRIB_LIMIT, "base_amount", "found %lld, a balance would pass 64 bits",
				 (long long)request->base_amount);
	struct kept_bodies kept;
	size_t bytes = trib_order_event_bytes_max(record);
	bool has_kept = kept_count(engine->kept) &&
			lifecycle_find_kept(engine, record, work->fingerprint, &kept);

	if (TRIB_UNLIKELY(has_kept))
		bytes += lifecycle_kept_bytes_max(record, &kept);
	if ((status = engine_reserve(engine, bytes, error)) != TRIB_OK)
		return status;
	char *end = trib_order_event_put(engine_event_place(engine), record);

	position = engine_commit_event(engine, end);
	if (TRIB_UNLIKELY(has_kept))
		lifecycle_take_kept(engine, &kept);
	apply_order(engine, record, work->fingerprint, position);
	if (TRIB_UNLIKELY(has_kept))
		lifecycle_tell_kept(engine, record, work->fingerprint, position);
	/* There is room for it in this batch. Should memory not do, the next message about a line makes up for it. */
	if (TRIB_UNLIKELY(has_kept && kept.shares))
		groups_share_again(engine, groups_name(record), error);
	ret_answer->record = record;
	return TRIB_OK;
}

void trib_engine_orders(struct trib_engine *engine, const struct trib_order_request *requests, size_t n,
			trib_order_answer_fn *answer, void *context)
{
	trib_assert(n <= TRIB_ORDERS_MAX);
	prepare(engine, requests, n);
	for (size_t i = 0; i < n; i++) {
		struct trib_order_answer made = { 0 };
		struct trib_error error;

		made.status = order_one(engine, &requests[i], &engine->work[i], &made, &error);
		made.error = &error;
		if (made.status != TRIB_OK)
			engine->counts.refusals++;
		answer(context, i, &made);
		trib_arena_reset(&engine->arena);
	}
}
