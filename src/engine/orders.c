/*
 * ATTRIBUTE: an order line finds its way back.
 *
 *	 prepare     hashes, numbers, tokens: for the whole batch, so that memory is on its way when it is needed
 *	 repeat?     the same order again gets the same answer; other content is a conflict
 *	 candidates  the token, or the user's touches
 *	 walk        facts of the order and its primary touch → the node
 *	 winners     which candidates count, and their parts of the base
 *	 terms       who is to get what rate, for each winner
 *	 split       the money
 *	 record      the event: encoded, applied, answered
 */
#include "engine/state.h"

/* What is prepared for one order of a call. */
struct order_work {
	uint64_t fingerprint, user, goods_hash;
	uint32_t goods;
	enum trib_token_result result;
	bool by_token;
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
		engine->work[i].by_token = !trib_bytes_is(requests[i].token, "-");
		if (!engine->work[i].by_token)
			continue;
		texts[count] = requests[i].token;
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

/* Three passes over the batch, each of which sends for the memory that the next one reads. */
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
	uint64_t hash = trib_hash_bytes(trib_bytes(begin, (size_t)(p - begin)));

	trib_buffer_fini(&big);
	return hash;
}

/* --- Candidates --------------------------------------------------------------------------------------- */

static trib_status find_candidates(struct trib_engine *engine, const struct order_work *work,
				   struct trib_order_record *record, struct trib_error *error)
{
	struct trib_touch list[TRIB_LIMIT_TOUCHES_CONSIDERED];

	record->by_token = work->by_token;
	if (work->by_token) {
		if (work->result == TRIB_TOKEN_OK) {
			trib_touch_of_token(&work->token, &record->touches[0].touch);
			record->touches[0].reason = 0;
			record->n_touches = 1;
		}
		return TRIB_OK;
	}
	trib_status status = history_load_user(engine, work->user, error);

	if (status != TRIB_OK)
		return status;
	record->n_touches = (uint32_t)trib_touches_of(engine->touches, work->user, record->at_ms, list,
						      TRIB_LIMIT_TOUCHES_CONSIDERED);
	for (uint32_t i = 0; i < record->n_touches; i++)
		record->touches[i] = (struct trib_considered){ .touch = list[i] };
	return TRIB_OK;
}

/* --- Walk --------------------------------------------------------------------------------------------- */

static enum trib_match match_of(const struct trib_engine *engine, uint32_t order_goods, uint32_t touch_goods)
{
	const struct trib_order_facts order = {
		.goods = order_goods, .merchant = trib_domain_goods(engine->domain, order_goods)->merchant
	};

	return trib_match_level(&order, touch_goods, trib_domain_goods(engine->domain, touch_goods)->merchant);
}

static void fill_order_facts(struct trib_engine *engine, const struct trib_order_request *request,
			     const struct trib_order_record *record, struct trib_facts *facts)
{
	struct trib_bytes none = { 0 };

	trib_facts_open(facts, TRIB_GROUP_ORDER);
	trib_facts_set(facts, TRIB_FACT_ORDER_BASE, record->base_amount);
	trib_facts_set(facts, TRIB_FACT_ORDER_QTY, record->qty ? record->qty : 1);
	trib_facts_set(facts, TRIB_FACT_ORDER_GOODS, record->goods);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_SITE,
			      trib_domain_goods(engine->domain, record->goods)->site, none);
	trib_facts_set(facts, TRIB_FACT_ORDER_CREATED_AT, record->at_ms);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_CARRIER, record->carrier_kind, none);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_CARRIER_ID, record->carrier, none);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_CARRIER_OWNER, record->carrier_owner, none);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_PAGE, record->page, none);
	trib_facts_set_ext(facts, request->ext, request->n_ext);
}

static void resolve_terms(struct trib_engine *engine, const struct trib_order_record *record,
			  const struct trib_touch *touch, enum trib_lock lock, struct trib_terms *ret_terms)
{
	const struct trib_terms_request request = {
		.goods = record->goods,
		.creator = touch->creator,
		.offer = touch->offer,
		.at_ms = record->at_ms,
		.lock_ms = lock == TRIB_LOCK_LINK ? touch->issued_at_ms : record->at_ms,
	};

	trib_terms_resolve(engine->domain, &request, ret_terms);
}

static void fill_terms_facts(struct trib_engine *engine, const struct trib_order_record *record,
			     const struct trib_touch *touch, struct trib_facts *facts)
{
	struct trib_terms terms;
	struct trib_bytes none = { 0 };

	resolve_terms(engine, record, touch, TRIB_LOCK_ORDER, &terms);
	trib_facts_open(facts, TRIB_GROUP_TERMS);
	if (terms.outcome != TRIB_OUTCOME_NONE)
		return;
	trib_facts_set(facts, TRIB_FACT_TERMS_KIND, terms.kind);
	trib_facts_set_string(facts, TRIB_FACT_TERMS_PLAN, terms.plan, none);
	trib_facts_set(facts, TRIB_FACT_TERMS_VERSION, terms.plan_version);
	trib_facts_set_string(facts, TRIB_FACT_TERMS_LEADER, terms.leader, none);
}

static void fill_facts(struct trib_engine *engine, const struct trib_order_request *request,
		       const struct trib_order_record *record, uint64_t wanted, struct trib_facts *facts)
{
	const struct trib_touch *primary =
		record->n_touches ? &record->touches[record->n_touches - 1].touch : NULL;

	trib_facts_init(facts, &engine->spaces, &engine->facts_arena);
	if (wanted & trib_fact_group_masks[TRIB_GROUP_ORDER])
		fill_order_facts(engine, request, record, facts);
	if (wanted & (trib_fact_group_masks[TRIB_GROUP_GOODS] | trib_fact_group_masks[TRIB_GROUP_MERCHANT]))
		facts_open_goods(engine, facts, record->goods);
	if (!primary)
		return;
	/* has(touch) asks for the group itself, whatever facts are read. */
	facts_open_touch(engine, facts, primary);
	trib_facts_set(facts, TRIB_FACT_TOUCH_AGE, record->at_ms - primary->at_ms);
	trib_facts_set(facts, TRIB_FACT_TOUCH_COUNT, record->n_touches);
	_Static_assert(TRIB_WORD_ANY - TRIB_WORD_GOODS == TRIB_MATCH_ANY, "goods, shop, any");
	trib_facts_set(facts, TRIB_FACT_TOUCH_MATCH,
		       TRIB_WORD_GOODS + match_of(engine, record->goods, primary->goods));
	if (wanted & trib_fact_group_masks[TRIB_GROUP_CREATOR])
		facts_open_creator(engine, facts, primary->creator);
	if (wanted & trib_fact_group_masks[TRIB_GROUP_TERMS])
		fill_terms_facts(engine, record, primary, facts);
}

/* The scene that the caller names, else the token's registration's, else `default`. */
static const struct trib_tree *find_tree(struct trib_engine *engine, const struct trib_order_request *request,
					 const struct trib_order_record *record, const struct order_work *work)
{
	uint32_t scene = record->scene;

	if (request->scene.size == 0 && work->by_token && work->result == TRIB_TOKEN_OK)
		scene = trib_domain_registration(engine->domain, work->token.registration)->scene;
	return trib_rules_find(engine->rules, scene, engine->now_ms);
}

/* What the walk read, for the event. */
static struct trib_bytes note_facts(struct trib_engine *engine, uint64_t wanted, const struct trib_facts *facts)
{
	char *begin = trib_arena_alloc(&engine->arena, TRIB_FACTS * 12), *p = begin;

	if (!begin)
		return trib_bytes(NULL, 0);
	for (uint64_t left = wanted & facts->present; left; left &= left - 1) {
		int fact = __builtin_ctzll(left);

		p = trib_wire_put_varint(p, (uint64_t)fact);
		p = trib_wire_put_varint(p, trib_wire_zigzag(facts->value[fact]));
	}
	return trib_bytes(begin, (size_t)(p - begin));
}

/* --- Winners and money -------------------------------------------------------------------------------- */

static void fill_parties(struct trib_engine *engine, const struct trib_node *node,
			 const struct trib_terms *terms, uint32_t parties[TRIB_SLOTS])
{
	memset(parties, 0, TRIB_SLOTS * sizeof(parties[0]));
	parties[TRIB_SLOT_MERCHANT] = terms->merchant;
	parties[TRIB_SLOT_PLATFORM] = engine->platform;
	parties[TRIB_SLOT_CREATOR] = terms->creator;
	parties[TRIB_SLOT_LEADER] = terms->leader;
	parties[TRIB_SLOT_LEADER2] = terms->leader2;
	parties[TRIB_SLOT_AGENCY] = terms->agency;
	trib_node_fill_parties(node, parties);
}

/* The role in whose account a slot's money stands. */
static uint32_t role_of_slot(uint8_t slot)
{
	static const uint8_t roles[TRIB_SLOT_NAMED] = {
		[TRIB_SLOT_MERCHANT] = TRIB_WORD_MERCHANT, [TRIB_SLOT_PLATFORM] = TRIB_WORD_PLATFORM,
		[TRIB_SLOT_CREATOR] = TRIB_WORD_CREATOR,   [TRIB_SLOT_LEADER] = TRIB_WORD_LEADER,
		[TRIB_SLOT_LEADER2] = TRIB_WORD_LEADER2,   [TRIB_SLOT_AGENCY] = TRIB_WORD_AGENCY,
	};

	return slot < TRIB_SLOT_NAMED ? roles[slot] : TRIB_WORD_SERVICE_PROVIDER;
}

static void split_slice(struct trib_engine *engine, struct trib_order_record *record,
			const struct trib_node *node, const struct trib_terms *terms, uint32_t touch,
			int64_t base)
{
	struct trib_slice *slice = &record->slices[record->n_slices++];
	struct trib_line lines[TRIB_LIMIT_RULE_SHARES];
	uint32_t parties[TRIB_SLOTS];
	const struct trib_rates rates = { .bps = {
		[TRIB_RATE_COMMISSION] = (uint16_t)terms->commission_bps,
		[TRIB_RATE_SERVICE] = (uint16_t)terms->service_bps,
		[TRIB_RATE_SERVICE2] = (uint16_t)terms->service2_bps,
		[TRIB_RATE_PLATFORM] = (uint16_t)terms->platform_bps,
		[TRIB_RATE_AGENCY] = (uint16_t)terms->agency_bps,
	} };
	int64_t charged = 0;

	fill_parties(engine, node, terms, parties);
	size_t n = trib_split(node->shares, node->n_shares, base, &rates, parties, lines, &charged);

	*slice = (struct trib_slice){ .touch = touch, .plan = terms->plan, .plan_version = terms->plan_version,
				      .offer = terms->offer, .offer_version = terms->offer_version,
				      .base = base, .line = record->n_lines, .n_lines = (uint32_t)n };
	for (size_t i = 0; i < n; i++)
		record->lines[record->n_lines++] = (struct trib_order_line){
			.share = lines[i].share, .name = lines[i].name,
			.to_party = lines[i].to_party, .to_role = role_of_slot(lines[i].to),
			.from_party = lines[i].from_party, .from_role = role_of_slot(lines[i].from),
			.amount = lines[i].amount,
		};
	record->charged += charged;
}

/* Of several outcomes of terms the one that stands first in the fixed order is told. */
static enum trib_outcome earlier_outcome(enum trib_outcome a, enum trib_outcome b)
{
	static const uint8_t order[] = { TRIB_OUTCOME_NO_PLAN, TRIB_OUTCOME_PLAN_NOT_STARTED,
					 TRIB_OUTCOME_PLAN_PAUSED, TRIB_OUTCOME_PLAN_ENDED,
					 TRIB_OUTCOME_GOODS_WITHDRAWN, TRIB_OUTCOME_PARTY_FROZEN,
					 TRIB_OUTCOME_CREATOR_NOT_ALLOWED };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a != TRIB_OUTCOME_NONE ? a : b;
}

/*
 * Terms and money of every winner. Where the terms of some winners say no, their part of the base earns nothing;
 * where those of all do, that is the order's outcome. What the node states comes after the fixed checks.
 */
static void pay_winners(struct trib_engine *engine, struct trib_order_record *record,
			const struct trib_node *node, enum trib_outcome stated,
			const struct trib_resolution *resolution)
{
	struct trib_terms terms[TRIB_LIMIT_TOUCHES_CONSIDERED];
	enum trib_outcome refused = TRIB_OUTCOME_NONE;
	uint32_t good = 0;

	for (uint32_t i = 0; i < resolution->winners; i++) {
		const struct trib_touch *touch = &record->touches[resolution->winner[i]].touch;

		resolve_terms(engine, record, touch, node->lock, &terms[i]);
		if (terms[i].outcome == TRIB_OUTCOME_NONE)
			good++;
		else
			refused = earlier_outcome(refused, terms[i].outcome);
	}
	if (good == 0)
		record->outcome = refused;
	else if (record->base_amount == 0)
		record->outcome = TRIB_OUTCOME_ZERO_BASE;
	else
		record->outcome = stated;
	if (record->outcome != TRIB_OUTCOME_ATTRIBUTED)
		return;
	for (uint32_t i = 0; i < resolution->winners; i++)
		if (terms[i].outcome == TRIB_OUTCOME_NONE)
			split_slice(engine, record, node, &terms[i], resolution->winner[i],
				    resolution->slice[i]);
}

/* priority_by of every candidate, or its registration's priority. */
static void fill_priorities(struct trib_engine *engine, const struct trib_order_request *request,
			    const struct trib_order_record *record, const struct trib_node *node,
			    int64_t *ret_priorities)
{
	struct trib_order_record *one = &engine->earlier; /* free while an order is decided */

	for (uint32_t i = 0; i < record->n_touches; i++) {
		const struct trib_touch *touch = &record->touches[i].touch;
		struct trib_facts facts;

		if (!node->priority_by) {
			ret_priorities[i] =
				trib_domain_registration(engine->domain, touch->registration)->priority;
			continue;
		}
		memcpy(one, record, offsetof(struct trib_order_record, ext));
		one->touches[0].touch = *touch;
		one->n_touches = 1;
		fill_facts(engine, request, one, node->priority_facts, &facts);
		trib_facts_set(&facts, TRIB_FACT_TOUCH_COUNT, record->n_touches);
		ret_priorities[i] = trib_node_priority(node, &facts);
	}
}

static void choose_winners(struct trib_engine *engine, const struct trib_order_request *request,
			   struct trib_order_record *record, const struct trib_node *node,
			   struct trib_resolution *ret_resolution)
{
	struct trib_candidate candidates[TRIB_LIMIT_TOUCHES_CONSIDERED];
	int64_t priorities[TRIB_LIMIT_TOUCHES_CONSIDERED];
	const struct trib_order_facts order = {
		.at_ms = record->at_ms,
		.base = record->base_amount,
		.goods = record->goods,
		.merchant = trib_domain_goods(engine->domain, record->goods)->merchant,
		.by_token = record->by_token,
	};

	if (node->model == TRIB_MODEL_PRIORITY)
		fill_priorities(engine, request, record, node, priorities);
	for (uint32_t i = 0; i < record->n_touches; i++) {
		const struct trib_touch *touch = &record->touches[i].touch;

		candidates[i] = (struct trib_candidate){
			.at_ms = touch->at_ms,
			.priority = node->model == TRIB_MODEL_PRIORITY ? priorities[i] : 0,
			.goods = touch->goods,
			.merchant = trib_domain_goods(engine->domain, touch->goods)->merchant,
			.kind = touch->kind,
		};
	}
	trib_attribution_resolve(node, &order, candidates, record->n_touches, ret_resolution);
	for (uint32_t i = 0; i < record->n_touches; i++)
		record->touches[i].reason = ret_resolution->reason[i];
}

/* --- One order ---------------------------------------------------------------------------------------- */

/* Everything that follows from the request and the state: fills the record, changes nothing. */
static void decide(struct trib_engine *engine, const struct trib_order_request *request,
		   const struct order_work *work, struct trib_order_record *record)
{
	const struct trib_tree *tree = find_tree(engine, request, record, work);
	struct trib_resolution resolution;
	struct trib_facts facts;
	struct trib_walk walk;

	fill_facts(engine, request, record, trib_tree_facts(tree), &facts);
	trib_tree_walk(tree, &facts, &walk);
	record->tree = trib_tree_number(tree);
	record->tree_version = trib_tree_version(tree);
	record->node = walk.node->index;
	record->path = walk.path;
	record->facts = note_facts(engine, trib_tree_facts(tree), &facts);
	if (work->by_token && work->result != TRIB_TOKEN_OK) {
		record->outcome = TRIB_OUTCOME_BAD_TOKEN;
		record->bad_token = trib_bytes(request->token.data,
					       TRIB_MIN(request->token.size, (size_t)TRIB_LIMIT_TOKEN_CHARS));
		return;
	}
	/* A root that does not hold has no window and no match to judge touches by. */
	if (walk.outcome == TRIB_OUTCOME_NOT_DISTRIBUTED && walk.node->index == 0 && record->path.size == 1 &&
	    record->path.data[0] == 0) {
		record->outcome = TRIB_OUTCOME_NOT_DISTRIBUTED;
		return;
	}
	choose_winners(engine, request, record, walk.node, &resolution);
	if (resolution.outcome != TRIB_OUTCOME_NONE)
		record->outcome = resolution.outcome;
	else
		pay_winners(engine, record, walk.node, walk.outcome, &resolution);
}

static trib_status check_text(struct trib_bytes text, const char *at, struct trib_error *error)
{
	if (trib_external_id_valid(text))
		return TRIB_OK;
	return trib_fail(error, TRIB_INVALID, at,
			 "found %zu bytes, expected 1 to 64 bytes of UTF-8 without space, control or '/'",
			 text.size);
}

/* "<order>" or "<order>/<line>", each an external id. */
static trib_status check_order_id(struct trib_bytes order, struct trib_error *error)
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
		status = check_text(request->user, "user", error);
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

	if (!work->goods)
		return trib_fail(error, TRIB_NOT_FOUND, "goods", "found \"%.*s\", expected the id of known goods",
				 (int)TRIB_MIN(request->goods.size, (size_t)64), request->goods.data);
	record->order = request->order;
	record->user = work->user;
	record->goods = work->goods;
	record->base_amount = request->base_amount;
	record->currency = trib_domain_goods(engine->domain, work->goods)->currency;
	record->qty = (uint32_t)request->qty;
	record->at_stated = request->has_at;
	record->n_ext = request->n_ext;
	for (uint32_t i = 0; i < request->n_ext; i++)
		record->ext[i] = (struct trib_pair){ request->ext[i].key, request->ext[i].value };
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
	    (status = find_candidates(engine, work, record, error)) != TRIB_OK)
		return status;
	decide(engine, request, work, record);
	if (!apply_order_fits(engine, record))
		return trib_fail(error, TRIB_LIMIT, "base_amount", "found %lld, a balance would pass 64 bits",
				 (long long)request->base_amount);
	if ((status = engine_reserve(engine, trib_order_event_bytes_max(record), error)) != TRIB_OK)
		return status;
	char *end = trib_order_event_put(engine_event_place(engine), record);

	apply_order(engine, record, work->fingerprint, engine_commit_event(engine, end));
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
