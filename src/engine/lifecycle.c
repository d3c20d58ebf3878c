/*
 * ORDER and REFUND: what is told of an order after it was decided.
 *
 *	 find	    the decision, and the newest OrderChanged if there is one; an unknown order's messages are kept
 *	 tell	    the message joins the set of those before it, or is a repeat, or is refused
 *	 compute    commission/lifecycle.h: the whole life anew, from the decision and the set
 *	 compare    its lines with those that stand in the books
 *	 record	    the event: all that stands now, and the difference; encoded, applied, answered
 *
 * Rates and parties come from the decision's record, shares from the version of the rules that it names: neither a change
 * of plans nor one of rules reaches an order that was decided.
 */
#include "engine/business.h"
#include "engine/state.h"

#include "attribution/models.h"

enum { EVENT_BYTES_MAX = TRIB_LIMIT_BATCH_BYTES };

void lifecycle_init(struct trib_engine *engine)
{
	engine->life = trib_alloc_zeroed(1, sizeof(*engine->life));
	trib_buffer_init(&engine->life->earlier_bytes, EVENT_BYTES_MAX);
	trib_buffer_init(&engine->life->bytes, EVENT_BYTES_MAX);
	trib_arena_init(&engine->life->scratch, TRIB_LIMIT_CEL_MEMORY_BYTES);
}

void lifecycle_fini(struct trib_engine *engine)
{
	trib_buffer_fini(&engine->life->earlier_bytes);
	trib_buffer_fini(&engine->life->bytes);
	trib_arena_fini(&engine->life->scratch);
	free(TRIB_TAKE_PTR(engine->life));
}

/* --- What the decision fixed -------------------------------------------------------------------------- */

static const struct trib_node *node_of(const struct trib_engine *engine, const struct trib_order_record *record)
{
	const struct trib_tree *tree =
		record->tree ? trib_rules_tree(engine->rules, record->tree, record->tree_version) : NULL;

	return tree ? trib_tree_node(tree, record->node) : NULL;
}

/* Records of 0.1 do not bear their rates: the versions of the plans that they name do, and these never change. */
static void rates_of_plans(const struct trib_engine *engine, const struct trib_slice *slice, struct trib_rates *ret_rates)
{
	const struct trib_plan *plan = trib_domain_plan(engine->domain, slice->plan);
	const struct trib_plan_version *won = plan ? trib_plan_version(plan, slice->plan_version) : NULL;
	const struct trib_plan *offered = slice->offer ? trib_domain_plan(engine->domain, slice->offer) : NULL;
	const struct trib_plan_version *offer = offered ? trib_plan_version(offered, slice->offer_version) : won;

	if (!won || !offer)
		return;
	ret_rates->bps[TRIB_RATE_COMMISSION] = won->commission_bps;
	ret_rates->bps[TRIB_RATE_PLATFORM] = won->platform_bps;
	ret_rates->bps[TRIB_RATE_AGENCY] = won->agency_bps;
	ret_rates->bps[TRIB_RATE_SERVICE] = offer->service_bps;
	ret_rates->bps[TRIB_RATE_SERVICE2] = offer->service2_bps;
}

static bool has_rates(const struct trib_rates *rates)
{
	for (uint32_t i = TRIB_RATE_COMMISSION; i < TRIB_RATES; i++)
		if (rates->bps[i])
			return true;
	return false;
}

/* The slot of a role that lines name, for those that come from no share. */
static uint8_t slot_of_role(uint32_t role)
{
	uint8_t slot = TRIB_SLOT_MERCHANT;

	while (slot < TRIB_SLOT_NAMED && trib_role_of_slot(slot) != role)
		slot++;
	return slot;
}

static struct trib_line extra_of(const struct trib_order_line *line)
{
	const char *word = trib_stateful_share_word(line->share);
	enum trib_line_kind kind = word ? trib_line_kind_of_name(trib_bytes_text(word)) : TRIB_LINE_OTHER;

	return (struct trib_line){ .share = (uint8_t)line->share, .name = line->name, .kind = (uint8_t)kind,
				   .to = slot_of_role(line->to_role), .from = slot_of_role(line->from_role),
				   .to_party = line->to_party, .from_party = line->from_party, .amount = line->amount };
}

/* Who takes part and at what rate: a share that gave no line then gives none later. */
static void fix_slice(const struct trib_engine *engine, const struct trib_order_record *record,
		      const struct trib_node *node, const struct trib_slice *slice, struct trib_life_slice *ret_slice)
{
	ret_slice->earns = true;
	ret_slice->base = slice->base;
	ret_slice->n_extras = 0;
	ret_slice->rates = slice->rates;
	memset(ret_slice->parties, 0, sizeof(ret_slice->parties));
	ret_slice->parties[TRIB_SLOT_PLATFORM] = engine->platform;
	ret_slice->parties[TRIB_SLOT_CREATOR] = record->touches[slice->touch].touch.creator;
	if (!has_rates(&slice->rates))
		rates_of_plans(engine, slice, &ret_slice->rates);
	for (uint32_t i = 0; i < slice->n_lines; i++) {
		const struct trib_order_line *line = &record->lines[slice->line + i];

		if (line->share == TRIB_SHARE_PASSED) {
			ret_slice->parties[TRIB_SLOT_AGENCY] = line->to_party;
			continue;
		}
		if (line->share >= node->n_shares) {
			if (ret_slice->n_extras < TRIB_LIFE_EXTRAS)
				ret_slice->extras[ret_slice->n_extras++] = extra_of(line);
			continue;
		}
		ret_slice->parties[node->shares[line->share].to] = line->to_party;
		ret_slice->parties[node->shares[line->share].from] = line->from_party;
	}
}

/* Do these weights divide the decided base as it was divided? */
static bool weights_hold(const struct trib_order_record *record, const uint64_t *weights, const uint8_t *touches,
			 uint32_t n)
{
	int64_t parts[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint64_t sum = 0;
	uint32_t slice = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += weights[i];
	if (!sum)
		return false;
	trib_model_divide_by(weights, n, sum, record->base_amount, parts);
	for (uint32_t i = 0; i < n; i++)
		if (slice < record->n_slices && record->slices[slice].touch == touches[i] &&
		    record->slices[slice++].base != parts[i])
			return false;
	return slice == record->n_slices;
}

/* The slices by their share of the base; what earned nothing then is one more, before them. */
static uint32_t weigh_slices(const struct trib_order_record *record, uint64_t *ret_weights, uint8_t *ret_touches)
{
	int64_t left = record->base_amount;
	uint32_t n = 0;

	for (uint32_t i = 0; i < record->n_slices; i++)
		left -= record->slices[i].base;
	if (left > 0 && record->n_slices < TRIB_LIMIT_TOUCHES_CONSIDERED) {
		ret_weights[n] = (uint64_t)left;
		ret_touches[n++] = UINT8_MAX;
	}
	for (uint32_t i = 0; i < record->n_slices; i++) {
		ret_weights[n] = (uint64_t)TRIB_MAX(record->slices[i].base, 0);
		ret_touches[n++] = (uint8_t)record->slices[i].touch;
	}
	return n;
}

/* What the order's play has its own way of; what it had when the order was decided is what it has. */
static struct trib_order_asker *play_asker(const struct trib_engine *engine, const struct trib_order_record *record)
{
	struct life_work *life = engine->life;

	life->market = engine_market(engine);
	life->asker = (struct trib_order_asker){ &life->market, trib_order_ways_of(&life->market, record), &life->scratch, NULL };
	return &life->asker;
}

static const struct trib_split_way *play_way(const struct trib_engine *engine, const struct trib_order_record *record)
{
	return trib_order_split_way(play_asker(engine, record), &engine->life->way) ? &engine->life->way : NULL;
}

static void fix_order(const struct trib_engine *engine, const struct trib_order_record *record,
		      struct trib_life_order *order, uint32_t *ret_slice_of)
{
	const struct trib_node *node = node_of(engine, record);
	uint64_t weights[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint8_t touches[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint32_t slice = 0;

	order->base = record->base_amount;
	order->qty = record->qty;
	order->deposit = record->amounts[TRIB_AMOUNT_DEPOSIT];
	order->after_settlement = node ? node->after_settlement : TRIB_AFTER_SETTLEMENT_CLAW_BACK;
	order->claw_back_ms = node ? node->claw_back_ms : 0;
	order->deposit_counts = node && node->deposit_counts;
	order->shares = node ? node->shares : NULL;
	order->n_shares = node ? node->n_shares : 0;
	order->way = play_way(engine, record);
	order->n_slices = 0;
	if (!node || !record->n_slices)
		return;
	order->n_slices = trib_resolve_weights(record, node, touches, weights);
	if (!weights_hold(record, weights, touches, order->n_slices))
		order->n_slices = weigh_slices(record, weights, touches);
	for (uint32_t i = 0; i < order->n_slices; i++) {
		bool earns = slice < record->n_slices && record->slices[slice].touch == touches[i];

		order->slices[i].weight = weights[i];
		order->slices[i].earns = earns;
		ret_slice_of[i] = earns ? slice : UINT32_MAX;
		if (earns)
			fix_slice(engine, record, node, &record->slices[slice++], &order->slices[i]);
	}
}

/* --- Lines -------------------------------------------------------------------------------------------- */

/*
 * A line of the life as events have it. Of a line that the decision had, the kinds of its accounts stay, unless a review
 * has released them.
 */
static struct trib_order_line order_line(const struct trib_order_record *record, uint32_t slice,
					 const struct trib_line *line, bool released)
{
	struct trib_order_line made = {
		.share = line->share,
		.name = line->share == TRIB_LIFE_FORFEITURE ? TRIB_WORD_FORFEITURE : line->name,
		.to_party = line->to_party, .to_role = trib_role_of_slot(line->to),
		.from_party = line->from_party, .from_role = trib_role_of_slot(line->from),
		.amount = line->amount,
	};
	const struct trib_slice *decided = &record->slices[slice];
	bool held = record->held && !released;

	for (uint32_t i = 0; i < decided->n_lines && held == record->held; i++)
		if (record->lines[decided->line + i].share == line->share) {
			made.kinds = record->lines[decided->line + i].kinds;
			made.name = record->lines[decided->line + i].name;
			return made;
		}
	made.kinds = trib_line_kinds((enum trib_line_kind)line->kind, made.from_role, made.to_role, held);
	return made;
}

static struct trib_transfer transfer_of(const struct trib_order_line *line, bool final)
{
	return (struct trib_transfer){
		.name = line->name,
		.from_party = line->from_party, .from_role = line->from_role,
		.to_party = line->to_party, .to_role = line->to_role,
		.from_kind = trib_kinds_from(line->kinds, line->from_role),
		.to_kind = trib_kinds_to(line->kinds, line->to_role),
		.pending = final ? 0 : line->amount, .posted = final ? line->amount : 0,
	};
}

/* What stands in the books: the newest change's lines, or the decision's. */
static void lines_before(const struct trib_order_record *record, bool has_earlier, struct life_work *life)
{
	life->n_before = 0;
	life->stood = has_earlier;
	if (has_earlier)
		for (uint32_t i = 0; i < life->earlier.n_lines; i++)
			life->before[life->n_before++] =
				transfer_of(&life->earlier.lines[i].line, life->earlier.final);
	else
		for (uint32_t i = 0; i < record->n_lines; i++)
			life->before[life->n_before++] = transfer_of(&record->lines[i], false);
}

/* --- Locks that are told after the decision ------------------------------------------------------------ */

/* The rates that an earlier change had from the same time. */
static void take_locked(const struct trib_order_change *earlier, struct life_work *life)
{
	uint32_t slice = 0;

	for (uint32_t i = 0; i < life->order.n_slices; i++)
		if (life->slice_of[i] != UINT32_MAX && slice < earlier->n_slices)
			memcpy(life->order.slices[i].rates.bps, earlier->slice_rates[slice++].bps,
			       sizeof(earlier->slice_rates[0].bps));
}

/* The plans that won stay; their versions become those of the time that was told. */
static void relock(const struct trib_engine *engine, const struct trib_order_record *record,
		   const struct trib_node *node, const struct trib_lock_times *times, struct life_work *life)
{
	const struct trib_market market = engine_market(engine);

	for (uint32_t i = 0; i < life->order.n_slices; i++) {
		struct trib_rates *rates = &life->order.slices[i].rates;
		bool all_to_agency = rates->all_to_agency;

		if (life->slice_of[i] == UINT32_MAX)
			continue;
		trib_resolve_relock(&market, record, node, &record->slices[life->slice_of[i]], times, rates);
		rates->all_to_agency = all_to_agency; /* by the creator's binding, which is that of the order's time */
	}
}

/*
 * `lock: pay` and `lock: deposit` are estimated by the order's time and fixed by that of `paid`, of `created`. What has
 * been fixed stands in the order's events, so that nothing asks for it again unless that time becomes another.
 */
static int64_t fix_locked(const struct trib_engine *engine, const struct trib_order_record *record, bool has_earlier,
			  struct life_work *life)
{
	const struct trib_node *node = node_of(engine, record);
	struct trib_lock_times times = { 0 };

	if (!node || (node->lock != TRIB_LOCK_PAY && node->lock != TRIB_LOCK_DEPOSIT))
		return 0;
	times.pay_ms = node->lock == TRIB_LOCK_PAY ? life->messages.reached[TRIB_ORDER_PAID].at_ms : 0;
	times.deposit_ms = node->lock == TRIB_LOCK_DEPOSIT ? life->messages.reached[TRIB_ORDER_CREATED].at_ms : 0;
	int64_t locked_ms = times.pay_ms + times.deposit_ms;

	if (locked_ms && has_earlier && life->earlier.locked_ms == locked_ms)
		take_locked(&life->earlier, life);
	else if (locked_ms)
		relock(engine, record, node, &times, life);
	return locked_ms;
}

/* --- The change --------------------------------------------------------------------------------------- */

/* The lines of each slice: those of its shares, then what the engine adds. */
static void add_lines(struct trib_engine *engine, const struct trib_order_record *record)
{
	struct life_work *life = engine->life;
	struct trib_order_change *change = &life->change;
	const struct trib_life *now = &life->life;
	bool released = life->messages.review.verdict == TRIB_REVIEW_RELEASED;
	uint32_t next = 0;

	stateful_begin_change(engine);
	for (uint32_t i = 0; i < life->order.n_slices; i++) {
		uint32_t slice = life->slice_of[i], first = change->n_lines;

		if (slice == UINT32_MAX)
			continue;
		for (; next < now->n_lines && now->lines[next].slice == i; next++)
			change->lines[change->n_lines++] = (struct trib_change_line){
				slice, order_line(record, slice, &now->lines[next].line, released) };
		stateful_change_slice(engine, record, change, slice, first);
	}
	stateful_end_change(engine, change);
}

/* Everything that follows from the set of messages, into life->change. */
static void compute_change(struct trib_engine *engine, const struct trib_order_record *record)
{
	struct life_work *life = engine->life;
	struct trib_order_change *change = &life->change;
	const struct trib_life *now = &life->life;
	int64_t locked_ms = fix_locked(engine, record, life->stood, life);

	trib_lifecycle(&life->order, &life->messages, &life->life);
	trib_order_change_reset(change);
	change->left_out = life->stood ? life->earlier.left_out : 0;
	change->currency = record->currency;
	change->locked_ms = locked_ms;
	change->state = now->state;
	change->final = now->final;
	change->base = now->base;
	change->remaining = now->remaining;
	change->counted = now->counted;
	change->charged = now->charged;
	change->forfeited = now->forfeited;
	change->messages = life->messages;
	for (uint32_t i = 0; i < life->order.n_slices; i++) {
		if (life->slice_of[i] == UINT32_MAX)
			continue;
		change->slice_base[change->n_slices] = now->slice_base[i];
		change->slice_rates[change->n_slices] = life->order.slices[i].rates;
		change->slice_touch[change->n_slices++] = record->slices[life->slice_of[i]].touch;
	}
	add_lines(engine, record);
	for (uint32_t i = 0; i < change->n_lines; i++)
		life->after[i] = transfer_of(&change->lines[i].line, now->final);
	change->n_moves = (uint32_t)trib_chain_difference(life->before, life->n_before, life->after, change->n_lines,
							  change->moves);
	business_of_change(record, life->stood ? &life->earlier : NULL, life->before, life->n_before, life->after, change);
}

void lifecycle_compute(struct trib_engine *engine)
{
	compute_change(engine, &engine->earlier);
}

static bool change_fits(struct trib_engine *engine, const struct trib_order_change *change)
{
	return TRIB_LIKELY(change->base < INT64_C(1) << 40) ||
	       trib_chain_accepts(engine->ledger, change->moves, change->n_moves, change->currency);
}

/* Encodes life->change for an order whose newest event is `previous`, before a batch is let go that its texts stand in. */
static void encode_change(struct life_work *life, struct trib_bytes order, uint64_t decision, uint64_t previous)
{
	struct trib_order_change *change = &life->change;

	change->order = order;
	change->decision = decision;
	change->previous = previous;
	change->told_at_ms = life->told_at_ms;
	change->messages = life->messages;
	trib_buffer_reset(&life->bytes);
	char *begin = trib_buffer_reserve(&life->bytes, trib_order_change_bytes_max(change));

	life->bytes.size = (size_t)(trib_order_change_put(begin, change) - begin);
}

static void put_encoded(struct trib_engine *engine, uint64_t *ret_position)
{
	struct trib_bytes bytes = trib_buffer_bytes(&engine->life->bytes);
	char *place = engine_event_place(engine);

	memcpy(place, bytes.data, bytes.size);
	*ret_position = engine_commit_event(engine, place + bytes.size);
}

trib_status lifecycle_record(struct trib_engine *engine, struct trib_bytes order, uint64_t fingerprint,
			     uint64_t decision, struct trib_error *error)
{
	struct life_work *life = engine->life;
	uint64_t position;

	if (!change_fits(engine, &life->change))
		return trib_fail(error, TRIB_LIMIT, "base_amount", "found %lld, a balance would pass 64 bits",
				 (long long)life->change.base);
	encode_change(life, order, decision, life->position);
	trib_status status = engine_reserve(engine, life->bytes.size, error);

	if (status != TRIB_OK)
		return status;
	put_encoded(engine, &position);
	apply_change(engine, &life->change, fingerprint, position);
	return TRIB_OK;
}

trib_status lifecycle_find(struct trib_engine *engine, struct trib_bytes order, uint64_t fingerprint,
			   uint64_t *ret_decision, struct trib_error *error)
{
	struct life_work *life = engine->life;
	trib_status status = history_find_order(engine, order, fingerprint, ret_decision, error);

	if (status != TRIB_OK)
		return status;
	fix_order(engine, &engine->earlier, &life->order, life->slice_of);
	lines_before(&engine->earlier, life->has_earlier, life);
	if (life->has_earlier)
		life->messages = life->earlier.messages;
	else
		memset(&life->messages, 0, offsetof(struct trib_life_messages, edits));
	return TRIB_OK;
}

static int64_t charged_before(const struct trib_engine *engine)
{
	return engine->life->has_earlier ? engine->life->earlier.charged : engine->earlier.charged;
}

static int64_t forfeited_before(const struct trib_engine *engine)
{
	return engine->life->has_earlier ? engine->life->earlier.forfeited : 0;
}

/* --- Unknown orders ----------------------------------------------------------------------------------- */

static bool find_kept(struct trib_engine *engine, struct kept_key key)
{
	struct life_work *life = engine->life;
	struct trib_bytes body, order;

	memset(&life->messages, 0, offsetof(struct trib_life_messages, edits));
	return kept_find(engine->kept, key, engine->now_ms, &body) &&
	       trib_messages_kept_get(body, &order, &life->messages);
}

trib_status lifecycle_keep(struct trib_engine *engine, struct trib_bytes order, struct trib_error *error)
{
	const struct kept_key key = kept_key(order, trib_hash_keyed(order, engine->order_key));
	struct life_work *life = engine->life;
	struct trib_bytes event, body;
	size_t offset = 0, at;
	int64_t time_ms;
	uint64_t position;
	bool ok;

	trib_buffer_reset(&life->bytes);
	char *begin = trib_buffer_reserve(&life->bytes, trib_messages_kept_bytes_max(order, &life->messages));

	life->bytes.size = (size_t)(trib_messages_kept_put(begin, order, &life->messages) - begin);
	if (!kept_has_room(engine->kept, life->bytes.size))
		return trib_fail(error, TRIB_LIMIT, "order", "found an unknown one, expected a known one: too many wait already");
	trib_status status = engine_reserve(engine, life->bytes.size, error);

	if (status != TRIB_OK)
		return status;
	put_encoded(engine, &position);
	trib_assert(trib_batch_next(trib_buffer_bytes(&life->bytes), &offset, &time_ms, &event, &at, &ok));
	trib_event_kind(event, &body);
	kept_put(engine->kept, key, engine->now_ms, body);
	return TRIB_OK;
}

/* "o1" of "o1/2"; empty of a line without a slash. */
static struct trib_bytes prefix_of(struct trib_bytes order)
{
	const char *slash = memchr(order.data, '/', order.size);

	return trib_bytes(order.data, slash ? (size_t)(slash - order.data) : 0);
}

static struct trib_bytes kept_body(struct trib_engine *engine, struct trib_bytes order)
{
	struct trib_bytes body = trib_bytes(NULL, 0);

	if (order.size)
		kept_find(engine->kept, kept_key(order, trib_hash_keyed(order, engine->order_key)), engine->now_ms, &body);
	return body;
}

bool lifecycle_find_kept(struct trib_engine *engine, const struct trib_order_record *record, uint64_t fingerprint,
			 struct kept_bodies *ret_bodies)
{
	struct trib_bytes prefix = prefix_of(record->order), group = groups_name(record);

	*ret_bodies = (struct kept_bodies){ 0 };
	kept_find(engine->kept, kept_key(record->order, fingerprint), engine->now_ms, &ret_bodies->own);
	ret_bodies->order = kept_body(engine, prefix);
	if (!trib_bytes_equal(group, prefix) && !trib_bytes_equal(group, record->order))
		ret_bodies->parent = kept_body(engine, group);
	const struct trib_bytes of_group = trib_bytes_equal(group, prefix) ? ret_bodies->order : ret_bodies->parent;
	struct trib_bytes order;

	ret_bodies->shares = of_group.size && trib_messages_kept_get(of_group, &order, &engine->life->messages) &&
			     engine->life->messages.n_refunds;
	ret_bodies->shared = ret_bodies->own.size && groups_has_lines(engine, record->order);
	return ret_bodies->own.size || ret_bodies->order.size || ret_bodies->parent.size;
}

size_t lifecycle_kept_bytes_max(const struct trib_order_record *record, const struct kept_bodies *bodies)
{
	/* Of each line what stands, and what moves twice; a forfeiture adds one a slice. */
	return (bodies->shares ? GROUPS_BATCH_BYTES : 1024) + record->order.size + 4 * (bodies->own.size + bodies->order.size + bodies->parent.size) +
	       (record->n_lines + record->n_slices) * (size_t)(3 * 80 + 96);
}

/* Of what was told of the whole order, its lines take the statuses. */
static void take_parents(struct trib_bytes body, struct trib_life_messages *scratch, struct trib_life_messages *messages)
{
	struct trib_bytes order;
	bool changed;

	if (!trib_messages_kept_get(body, &order, scratch))
		return;
	for (uint32_t state = TRIB_ORDER_INVALID; state >= TRIB_ORDER_CREATED; state--) {
		const struct trib_status_message message = { .state = (enum trib_order_state)state,
							     .at_ms = scratch->reached[state].at_ms,
							     .reason = scratch->reached[state].reason };

		if (message.at_ms)
			trib_life_tell_status(NULL, messages, &message, &changed, NULL);
	}
}

void lifecycle_take_kept(struct trib_engine *engine, const struct kept_bodies *bodies)
{
	struct life_work *life = engine->life;
	struct trib_bytes own = trib_bytes(trib_arena_copy(&engine->arena, bodies->own), bodies->own.size), order;

	memset(&life->kept_messages, 0, offsetof(struct trib_life_messages, edits));
	if (own.size && own.data)
		trib_messages_kept_get(own, &order, &life->kept_messages);
	if (bodies->shared)
		life->kept_messages.n_refunds = 0;
	if (bodies->order.size)
		take_parents(bodies->order, &life->messages, &life->kept_messages);
	if (bodies->parent.size)
		take_parents(bodies->parent, &life->messages, &life->kept_messages);
}

/* What refunds that were kept are told when they are repeated: as if they had come one after another by their AT. */
static void answer_kept(const struct trib_order_record *record, struct life_work *life)
{
	uint32_t n = life->messages.n_refunds;
	int64_t charged = record->charged, forfeited = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct trib_refund *refund = &life->messages.refunds[i];

		life->messages.n_refunds = i + 1;
		trib_lifecycle(&life->order, &life->messages, &life->life);
		refund->remaining = life->life.remaining;
		refund->reversed = trib_refund_effect(refund->kind) == TRIB_REFUND_FORFEITS ?
					   life->life.forfeited - forfeited :
					   charged - life->life.charged;
		charged = life->life.charged;
		forfeited = life->life.forfeited;
	}
	life->messages.n_refunds = n;
}

void lifecycle_tell_kept(struct trib_engine *engine, const struct trib_order_record *record, uint64_t fingerprint,
			 uint64_t position)
{
	struct life_work *life = engine->life;
	uint64_t at;

	fix_order(engine, record, &life->order, life->slice_of);
	lines_before(record, false, life);
	uint32_t left_out = trib_life_tell_kept(&life->order, &life->kept_messages, &life->messages);

	answer_kept(record, life);
	compute_change(engine, record);
	life->change.left_out = left_out;
	if (!change_fits(engine, &life->change))
		return;
	life->told_at_ms = record->at_ms;
	encode_change(life, record->order, position, position);
	put_encoded(engine, &at);
	apply_change(engine, &life->change, fingerprint, at);
}

/* --- Commands ----------------------------------------------------------------------------------------- */

static bool is_taken(const struct trib_life_messages *messages, int64_t at_ms)
{
	for (uint32_t i = TRIB_ORDER_CREATED; i < TRIB_ORDER_STATES; i++)
		if (messages->reached[i].at_ms == at_ms)
			return true;
	for (uint32_t i = 0; i < messages->n_refunds; i++)
		if (messages->refunds[i].at_ms == at_ms)
			return true;
	return messages->n_edits && messages->edits[messages->n_edits - 1].at_ms == at_ms;
}

/*
 * The time of a message. One that states none comes behind what was told of the order in the same millisecond: engine time
 * stands still within a batch.
 */
static trib_status message_time(struct trib_engine *engine, bool has_at, int64_t at_ms, int64_t *ret_at_ms,
				struct trib_error *error)
{
	trib_status status = engine_event_time(engine, has_at, at_ms, ret_at_ms, error);

	while (status == TRIB_OK && !has_at && is_taken(&engine->life->messages, *ret_at_ms))
		(*ret_at_ms)++;
	if (status == TRIB_OK && *ret_at_ms <= 0)
		return trib_fail(error, TRIB_TOO_OLD, "AT", "found %lld, expected a time after 1970", (long long)*ret_at_ms);
	if (status == TRIB_OK)
		engine->life->told_at_ms = *ret_at_ms;
	return status;
}

static trib_status check_status(const struct trib_status_request *request, struct trib_error *error)
{
	trib_status status = check_order_id(request->order, error);

	if (status == TRIB_OK && (request->reason.size > TRIB_LIMIT_ORDER_REASON_BYTES || !trib_utf8_valid(request->reason)))
		status = trib_fail(error, TRIB_INVALID, "REASON", "found %zu bytes, expected at most %d of UTF-8",
				   request->reason.size, TRIB_LIMIT_ORDER_REASON_BYTES);
	if (status == TRIB_OK && request->has_base && request->base_amount < 0)
		status = trib_fail(error, TRIB_INVALID, "base_amount", "found %lld, expected 0 or more, in minor units",
				   (long long)request->base_amount);
	return status;
}

/* The payment whose refunds the order that was found has parts of, in the arena; empty: it has none. */
static struct trib_bytes group_to_share(struct trib_engine *engine)
{
	const struct trib_life_messages *messages = &engine->life->messages;
	struct trib_bytes name = groups_name(&engine->earlier);

	for (uint32_t i = 0; i < messages->n_refunds; i++)
		if (messages->refunds[i].is_part) {
			const char *copy = trib_arena_copy(&engine->arena, name);

			return trib_bytes(copy, copy ? name.size : 0);
		}
	return trib_bytes(NULL, 0);
}

/*
 * Has it been told before? Then it changes nothing now, and may be told whatever the time and the storage. A status
 * without AT and base is told again once the order has reached it.
 */
static bool is_known(const struct trib_life_messages *messages, const struct trib_status_request *request)
{
	const struct trib_reached *reached = &messages->reached[request->state];

	if (!reached->at_ms || request->has_base)
		return false;
	return !request->has_at || (request->at_ms == reached->at_ms && trib_bytes_equal(request->reason, reached->reason));
}

/* The order that was found or, with `known` false, one whose messages are kept: adds the status to life->messages. */
static trib_status add_status(struct trib_engine *engine, const struct trib_status_request *request, bool known,
			      bool *ret_changed, struct trib_error *error)
{
	struct life_work *life = engine->life;
	struct trib_status_message message = { .state = request->state, .reason = request->reason,
					       .states_base = request->has_base, .base = request->base_amount };
	trib_status status;

	*ret_changed = false;
	if (is_known(&life->messages, request))
		return TRIB_OK;
	if ((status = engine_begin(engine, 0, error)) != TRIB_OK ||
	    (status = message_time(engine, request->has_at, request->at_ms, &message.at_ms, error)) != TRIB_OK)
		return status;
	return trib_life_tell_status(known ? &life->order : NULL, &life->messages, &message, ret_changed, error);
}

/*
 * TRIB_NOT_FOUND: it is not known. *ret_group: the payment whose refunds are to be shared anew afterwards, in the arena;
 * empty: none.
 */
static trib_status tell_line(struct trib_engine *engine, const struct trib_status_request *request,
			     struct trib_status_answer *ret_answer, struct trib_bytes *ret_group, struct trib_error *error)
{
	uint64_t fingerprint = trib_hash_keyed(request->order, engine->order_key), decision;
	trib_status status = lifecycle_find(engine, request->order, fingerprint, &decision, error);
	bool changed;

	if (status != TRIB_OK || (status = add_status(engine, request, true, &changed, error)) != TRIB_OK)
		return status;
	*ret_group = trib_bytes(NULL, 0);
	if (request->state == TRIB_ORDER_INVALID || request->has_base)
		*ret_group = group_to_share(engine);
	compute_change(engine, &engine->earlier);
	*ret_answer = (struct trib_status_answer){ .state = engine->life->change.state };
	return changed ? lifecycle_record(engine, request->order, fingerprint, decision, error) : TRIB_OK;
}

/*
 * Tells the lines of an order what was told of the order. They end up in the state of the one that is furthest behind;
 * a line that refuses is passed over, unless all do.
 */
static trib_status tell_lines(struct trib_engine *engine, const struct trib_status_request *request,
			      const struct trib_bytes *lines, size_t n, struct trib_status_answer *answer,
			      struct trib_error *error)
{
	trib_status refused = TRIB_OK, status = TRIB_OK;
	struct trib_bytes shared = trib_bytes(NULL, 0);
	size_t told = 0;

	for (size_t i = 0; i < n; i++) {
		struct trib_status_request one = *request;
		struct trib_status_answer line;
		struct trib_bytes group;

		one.order = lines[i];
		status = tell_line(engine, &one, &line, &group, error);
		if (status == TRIB_READ_ONLY || status == TRIB_CORRUPT)
			return status;
		if (status != TRIB_OK) {
			refused = status;
			continue;
		}
		answer->state = told++ ? TRIB_MIN(answer->state, line.state) : line.state;
		/* Once for all lines of a payment. */
		if (group.size && shared.size && !trib_bytes_equal(group, shared) &&
		    (status = groups_share_again(engine, shared, error)) != TRIB_OK)
			return status;
		shared = group.size ? group : shared;
	}
	answer->pending = false;
	if (!told)
		return refused;
	return shared.size ? groups_share_again(engine, shared, error) : TRIB_OK;
}

/* An order that is not known itself: its lines are told, and it is kept for those that are still to come. */
static trib_status tell_unknown(struct trib_engine *engine, const struct trib_status_request *request,
				struct trib_status_answer *answer, struct trib_error *error)
{
	trib_status status = TRIB_OK;
	struct trib_bytes *lines;
	bool changed;
	size_t n = 0;

	*answer = (struct trib_status_answer){ .pending = true };
	if (!memchr(request->order.data, '/', request->order.size))
		status = history_find_lines(engine, request->order, &lines, &n, error);
	if (status == TRIB_OK && n && request->has_base)
		return trib_fail(error, TRIB_INVALID, "BASE", "found one for an order of %zu lines, expected it for a line", n);
	/* First: what all lines refuse is not kept. */
	if (status == TRIB_OK && n)
		status = tell_lines(engine, request, lines, n, answer, error);
	if (status != TRIB_OK)
		return status;
	find_kept(engine, kept_key(request->order, trib_hash_keyed(request->order, engine->order_key)));
	status = add_status(engine, request, false, &changed, error);
	if (status != TRIB_OK || !changed)
		return status;
	status = lifecycle_keep(engine, request->order, error);
	/* The lines that are there have been told; for those to come there is no room. */
	return status == TRIB_LIMIT && n ? TRIB_OK : status;
}

trib_status trib_engine_order_status(struct trib_engine *engine, const struct trib_status_request *request,
				     struct trib_status_answer *ret_answer, struct trib_error *error)
{
	struct trib_status_answer answer;
	struct trib_bytes group;
	trib_status status = check_status(request, error);

	if (status != TRIB_OK)
		return status;
	trib_arena_reset(&engine->arena);
	/* First: views of what is found live as long as the batch. A repeat is answered where nothing can be written, too. */
	engine_begin(engine, 0, error);
	status = tell_line(engine, request, &answer, &group, error);
	if (status == TRIB_OK && group.size)
		status = groups_share_again(engine, group, error);
	if (status == TRIB_NOT_FOUND)
		status = tell_unknown(engine, request, &answer, error);
	if (status == TRIB_OK)
		*ret_answer = answer;
	return status;
}

static trib_status check_refund(const struct trib_refund_request *request, struct trib_error *error)
{
	trib_status status = check_order_id(request->order, error);

	if (status == TRIB_OK && !trib_external_id_valid(request->refund))
		status = trib_fail(error, TRIB_INVALID, "refund",
				   "found %zu bytes, expected 1 to 64 bytes of UTF-8 without space, control or '/'",
				   request->refund.size);
	if (status == TRIB_OK && request->amount < 0)
		status = trib_fail(error, TRIB_INVALID, "amount", "found %lld, expected 0 or more, in minor units",
				   (long long)request->amount);
	if (status == TRIB_OK && (request->qty < 0 || request->qty > 1000000))
		status = trib_fail(error, TRIB_INVALID, "QTY", "found %lld, expected 1 to 1000000",
				   (long long)request->qty);
	return status;
}

static bool refund_is_known(const struct trib_life_messages *messages, struct trib_bytes id)
{
	for (uint32_t i = 0; i < messages->n_refunds; i++)
		if (!messages->refunds[i].is_part && trib_bytes_equal(messages->refunds[i].id, id))
			return true;
	return false;
}

void lifecycle_answer_refund(const struct trib_engine *engine, uint32_t at, struct trib_refund_answer *ret_answer)
{
	struct life_work *life = engine->life;
	struct trib_refund *refund = &life->messages.refunds[at];

	refund->remaining = life->change.remaining;
	refund->reversed = trib_refund_effect(refund->kind) == TRIB_REFUND_FORFEITS ?
				   life->change.forfeited - forfeited_before(engine) :
				   charged_before(engine) - life->change.charged;
	ret_answer->remaining = refund->remaining;
	ret_answer->reversed = refund->reversed;
}

trib_status lifecycle_tell_refund(struct trib_engine *engine, const struct trib_refund_request *request, bool known,
				  bool *ret_changed, uint32_t *ret_at, struct trib_error *error)
{
	struct life_work *life = engine->life;
	struct trib_refund refund = { .id = request->refund, .kind = request->kind, .amount = request->amount,
				      .qty = (uint32_t)request->qty, .at_ms = TRIB_MAX(request->at_ms, 1),
				      .at_stated = request->has_at };

	if (!refund_is_known(&life->messages, request->refund)) {
		trib_status status = engine_begin(engine, 0, error);

		if (status == TRIB_OK)
			status = message_time(engine, request->has_at, request->at_ms, &refund.at_ms, error);

		if (status != TRIB_OK)
			return status;
	}
	return trib_life_tell_refund(known ? &life->order : NULL, &life->messages, &refund, ret_changed, ret_at, error);
}

/* The order's play may refuse one that is new, and takes something off. */
static trib_status admit_refund(struct trib_engine *engine, const struct trib_refund_request *request, struct trib_error *error)
{
	struct life_work *life = engine->life;

	if (!life->asker.ways || refund_is_known(&life->messages, request->refund) ||
	    trib_refund_effect(request->kind) != TRIB_REFUND_LOWERS)
		return TRIB_OK;
	return trib_order_ask_refund(&life->asker, request->amount,
				     life->has_earlier ? life->earlier.remaining : engine->earlier.base_amount, error);
}

/* A refund of an order that is known. */
static trib_status refund_line(struct trib_engine *engine, const struct trib_refund_request *request,
			       uint64_t fingerprint, uint64_t decision, struct trib_refund_answer *ret_answer,
			       struct trib_error *error)
{
	struct life_work *life = engine->life;
	bool changed;
	uint32_t at;
	trib_status status = admit_refund(engine, request, error);

	if (status == TRIB_OK)
		status = lifecycle_tell_refund(engine, request, true, &changed, &at, error);
	if (status != TRIB_OK)
		return status;
	struct trib_bytes group = group_to_share(engine);

	*ret_answer = (struct trib_refund_answer){ .remaining = life->messages.refunds[at].remaining,
						   .reversed = life->messages.refunds[at].reversed };
	if (changed) {
		lifecycle_compute(engine);
		lifecycle_answer_refund(engine, at, ret_answer);
		status = lifecycle_record(engine, request->order, fingerprint, decision, error);
	}
	return status == TRIB_OK && group.size ? groups_share_again(engine, group, error) : status;
}

trib_status trib_engine_refund(struct trib_engine *engine, const struct trib_refund_request *request,
			       struct trib_refund_answer *ret_answer, struct trib_error *error)
{
	struct life_work *life = engine->life;
	uint64_t fingerprint = trib_hash_keyed(request->order, engine->order_key), decision = 0;
	trib_status status = check_refund(request, error);
	bool changed, found = false;
	uint32_t at;

	if (status != TRIB_OK)
		return status;
	trib_arena_reset(&engine->arena);
	/* A repeat is answered where nothing can be written, too. */
	engine_begin(engine, 0, error);
	status = lifecycle_find(engine, request->order, fingerprint, &decision, error);
	if (status == TRIB_OK)
		return refund_line(engine, request, fingerprint, decision, ret_answer, error);
	if (status == TRIB_NOT_FOUND && !memchr(request->order.data, '/', request->order.size))
		status = groups_refund(engine, request, &found, ret_answer, error);
	if (found || (status != TRIB_OK && status != TRIB_NOT_FOUND))
		return status;
	find_kept(engine, kept_key(request->order, fingerprint));
	status = lifecycle_tell_refund(engine, request, false, &changed, &at, error);
	if (status != TRIB_OK)
		return status;
	*ret_answer = (struct trib_refund_answer){ .pending = true, .remaining = life->messages.refunds[at].remaining,
						   .reversed = life->messages.refunds[at].reversed };
	return changed ? lifecycle_keep(engine, request->order, error) : TRIB_OK;
}

static trib_status check_review(const struct trib_review_request *request, struct trib_error *error)
{
	trib_status status = check_order_id(request->order, error);

	if (status == TRIB_OK && (request->reason.size > TRIB_LIMIT_ORDER_REASON_BYTES || !trib_utf8_valid(request->reason)))
		return trib_fail(error, TRIB_INVALID, "REASON", "found %zu bytes, expected at most %d of UTF-8",
				 request->reason.size, TRIB_LIMIT_ORDER_REASON_BYTES);
	if (status == TRIB_OK && (request->by.size > TRIB_LIMIT_ORDER_REASON_BYTES || !trib_utf8_valid(request->by)))
		return trib_fail(error, TRIB_INVALID, "BY", "found %zu bytes, expected at most %d of UTF-8", request->by.size,
				 TRIB_LIMIT_ORDER_REASON_BYTES);
	return status;
}

trib_status trib_engine_review(struct trib_engine *engine, const struct trib_review_request *request,
			       struct trib_error *error)
{
	struct life_work *life = engine->life;
	uint64_t fingerprint = trib_hash_keyed(request->order, engine->order_key), decision;
	struct trib_review review = { .verdict = request->verdict, .reason = request->reason, .by = request->by };
	bool changed;
	trib_status status = check_review(request, error);

	if (status != TRIB_OK || (status = engine_begin(engine, 0, error)) != TRIB_OK)
		return status;
	status = lifecycle_find(engine, request->order, fingerprint, &decision, error);
	if (status == TRIB_NOT_FOUND)
		return trib_fail(error, TRIB_NOT_FOUND, "order", "found \"%.*s\", expected the id of an order that was decided",
				 (int)TRIB_MIN(request->order.size, (size_t)TRIB_ORDER_ID_BYTES_MAX), request->order.data);
	if (status != TRIB_OK)
		return status;
	if (!engine->earlier.held)
		return trib_fail(error, TRIB_REFUSED, "order", "found one that is not held, expected one that waits for a review");
	if ((status = message_time(engine, request->has_at, request->at_ms, &review.at_ms, error)) != TRIB_OK ||
	    (status = trib_life_tell_review(&life->messages, &review, &changed, error)) != TRIB_OK || !changed)
		return status;
	compute_change(engine, &engine->earlier);
	return lifecycle_record(engine, request->order, fingerprint, decision, error);
}
