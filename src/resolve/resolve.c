/* Resolving, as resolve/resolve.h says. */
#include "resolve/resolve.h"

#include "proto/proto.h"

/* --- Facts -------------------------------------------------------------------------------------------- */

static enum trib_match match_of(const struct trib_market *market, uint32_t order_goods, uint32_t touch_goods)
{
	const struct trib_order_facts order = {
		.goods = order_goods, .merchant = trib_domain_goods(market->domain, order_goods)->merchant
	};

	return trib_match_level(&order, touch_goods, trib_domain_goods(market->domain, touch_goods)->merchant);
}

static void fill_amounts(const struct trib_order_record *record, struct trib_facts *facts)
{
	_Static_assert((int)TRIB_FACT_ORDER_DEPOSIT - (int)TRIB_FACT_ORDER_PAID == (int)TRIB_AMOUNT_DEPOSIT,
		       "as in the table of amounts");
	for (uint32_t i = 0; i < TRIB_AMOUNTS; i++)
		trib_facts_set(facts, (enum trib_fact)(TRIB_FACT_ORDER_PAID + i), record->amounts[i]);
}

/* Facts that a caller tells in EXT, under their own last name. What is not of their type is not told. */
static const uint8_t facts_of_ext[] = {
	TRIB_FACT_ORDER_KIND,	TRIB_FACT_ORDER_STATE,	TRIB_FACT_ORDER_PAID_AT,      TRIB_FACT_ORDER_DEPOSIT_AT,
	TRIB_FACT_ORDER_PARENT, TRIB_FACT_ORDER_REGION, TRIB_FACT_ORDER_PAID_TRAFFIC,
};
#define FACTS_OF_EXT                                                                                               \
	(TRIB_FACT_BIT(TRIB_FACT_ORDER_KIND) | TRIB_FACT_BIT(TRIB_FACT_ORDER_STATE) |                              \
	 TRIB_FACT_BIT(TRIB_FACT_ORDER_PAID_AT) | TRIB_FACT_BIT(TRIB_FACT_ORDER_DEPOSIT_AT) |                      \
	 TRIB_FACT_BIT(TRIB_FACT_ORDER_PARENT) | TRIB_FACT_BIT(TRIB_FACT_ORDER_REGION) |                           \
	 TRIB_FACT_BIT(TRIB_FACT_ORDER_PAID_TRAFFIC))

static bool is_word_of(const char *words, struct trib_bytes text)
{
	for (const char *p = words; *p; p += strcspn(p, "|"), p += *p == '|')
		if (trib_bytes_equal(text, trib_bytes(p, strcspn(p, "|"))))
			return true;
	return !*words;
}

static void lift_fact(enum trib_fact fact, struct trib_bytes text, struct trib_facts *facts)
{
	int64_t number;

	switch (trib_fact_rows[fact].kind) {
	case TRIB_FACT_STRING:
		if (is_word_of(trib_fact_rows[fact].words, text))
			trib_facts_set_text(facts, fact, text);
		break;
	case TRIB_FACT_BOOL:
		if (trib_bytes_is(text, "true") || trib_bytes_is(text, "false"))
			trib_facts_set_bool(facts, fact, trib_bytes_is(text, "true"));
		break;
	default:
		if (trib_bytes_to_i64(text, &number))
			trib_facts_set(facts, fact, number);
	}
}

static void lift_ext(const struct trib_order_record *record, trib_fact_set wanted, struct trib_facts *facts)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(facts_of_ext); i++) {
		enum trib_fact fact = (enum trib_fact)facts_of_ext[i];
		const char *key = strchr(trib_fact_rows[fact].name, '.') + 1;

		for (uint32_t j = 0; j < record->n_ext && trib_fact_in(&wanted, fact); j++)
			if (trib_bytes_is(record->ext[j].key, key))
				lift_fact(fact, record->ext[j].value, facts);
	}
}

/* By the kind of the plan that was chosen when the link was made. */
static const char *link_source(const struct trib_market *market, const struct trib_touch *touch)
{
	uint32_t plan = touch->offer ? touch->offer : touch->plan;
	uint8_t kind = trib_domain_plan(market->domain, plan)->newest.kind;

	return kind == TRIB_WORD_ACTIVITY ? "activity" : kind == TRIB_WORD_MANAGED ? "managed" : "self_picked";
}

static void fill_order_facts(const struct trib_market *market, const struct trib_resolve_request *request,
			     const struct trib_order_record *record, struct trib_facts *facts)
{
	struct trib_bytes none = { 0 };

	trib_facts_open(facts, TRIB_GROUP_ORDER);
	trib_facts_set(facts, TRIB_FACT_ORDER_BASE, record->base_amount);
	trib_facts_set_bool(facts, TRIB_FACT_ORDER_BASE_STATED, !record->base_computed);
	if (TRIB_UNLIKELY(record->has_amounts))
		fill_amounts(record, facts);
	trib_facts_set(facts, TRIB_FACT_ORDER_QTY, record->qty ? record->qty : 1);
	trib_facts_set(facts, TRIB_FACT_ORDER_GOODS, record->goods);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_SITE,
			      trib_domain_goods(market->domain, record->goods)->site, none);
	trib_facts_set(facts, TRIB_FACT_ORDER_CREATED_AT, record->at_ms);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_CARRIER, record->carrier_kind, request->carrier_kind_text);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_CARRIER_ID, record->carrier, request->carrier_text);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_CARRIER_OWNER, record->carrier_owner,
			      request->carrier_owner_text);
	trib_facts_set_string(facts, TRIB_FACT_ORDER_PAGE, record->page, request->page_text);
	trib_facts_set_ext(facts, record->ext, record->n_ext);
}

int64_t trib_resolve_lock_ms(const struct trib_order_record *record, const struct trib_touch *touch,
			     enum trib_lock lock, const struct trib_lock_times *times)
{
	switch (lock) {
	case TRIB_LOCK_LINK:
		return touch->issued_at_ms;
	case TRIB_LOCK_TOUCH:
		return touch->at_ms;
	case TRIB_LOCK_PAY:
		return times && times->pay_ms ? times->pay_ms : record->at_ms;
	case TRIB_LOCK_DEPOSIT:
		return times && times->deposit_ms ? times->deposit_ms : record->at_ms;
	case TRIB_LOCK_ORDER:
		break;
	}
	return record->at_ms;
}

void trib_resolve_terms(const struct trib_market *market, const struct trib_order_record *record,
			const struct trib_touch *touch, const struct trib_node *node,
			const struct trib_lock_times *times, struct trib_terms *ret_terms)
{
	const struct trib_terms_request request = {
		.goods = record->goods,
		.creator = touch->creator,
		.offer = touch->offer,
		.registration = touch->registration,
		.at_ms = record->at_ms,
		.lock_ms = node ? trib_resolve_lock_ms(record, touch, node->lock, times) : record->at_ms,
		.grace_ms = node ? node->grace_ms : 0,
	};

	trib_terms_resolve(market->domain, &request, ret_terms);
}

static struct trib_rates rates_of(const struct trib_terms *terms)
{
	return (struct trib_rates){ .bps = {
		[TRIB_RATE_COMMISSION] = (uint16_t)terms->commission_bps,
		[TRIB_RATE_SERVICE] = (uint16_t)terms->service_bps,
		[TRIB_RATE_SERVICE2] = (uint16_t)terms->service2_bps,
		[TRIB_RATE_PLATFORM] = (uint16_t)terms->platform_bps,
		[TRIB_RATE_AGENCY] = (uint16_t)terms->agency_bps,
	}, .all_to_agency = terms->agency_pay == TRIB_AGENCY_ALL };
}

/* A level of match may have a commission of its own. */
static void set_match_rate(const struct trib_market *market, const struct trib_node *node,
			   const struct trib_order_record *record, const struct trib_touch *touch,
			   struct trib_rates *rates)
{
	int32_t rate = node->match_bps[match_of(market, record->goods, touch->goods)];

	if (rate != TRIB_MATCH_RATE_NONE)
		rates->bps[TRIB_RATE_COMMISSION] = (uint16_t)rate;
}

bool trib_resolve_relock(const struct trib_market *market, const struct trib_order_record *record,
			 const struct trib_node *node, const struct trib_slice *slice,
			 const struct trib_lock_times *times, struct trib_rates *ret_rates)
{
	const struct trib_touch *touch = &record->touches[slice->touch].touch;
	const struct trib_terms_request request = {
		.goods = record->goods,
		.at_ms = record->at_ms,
		.lock_ms = trib_resolve_lock_ms(record, touch, node->lock, times),
		.grace_ms = node->grace_ms,
	};
	struct trib_terms terms = { .plan = slice->plan, .plan_version = slice->plan_version,
				    .offer = slice->offer, .offer_version = slice->offer_version };

	if ((node->lock != TRIB_LOCK_PAY && node->lock != TRIB_LOCK_DEPOSIT) ||
	    request.lock_ms == record->at_ms || !trib_terms_relock(market->domain, &request, &terms))
		return false;
	*ret_rates = rates_of(&terms);
	if (node->has_match_rates)
		set_match_rate(market, node, record, touch, ret_rates);
	return true;
}

/* The offer that counts, if it is an activity. */
static uint32_t chosen_activity(const struct trib_market *market, const struct trib_terms *terms)
{
	const struct trib_plan *plan = trib_domain_plan(market->domain, terms->offer);
	const struct trib_plan_version *version = trib_plan_version(plan, terms->offer_version);

	return terms->offer && version && version->kind == TRIB_WORD_ACTIVITY ? terms->offer : 0;
}

/* One id or, where ids are not stated, one owner. */
static bool same_carrier(const struct trib_order_record *order, const struct trib_touch *touch)
{
	if (order->carrier_kind != touch->carrier_kind)
		return false;
	if (order->carrier && touch->carrier)
		return order->carrier == touch->carrier;
	return order->carrier_owner && order->carrier_owner == touch->carrier_owner;
}

static void fill_terms_facts(const struct trib_market *market, const struct trib_order_record *record,
			     const struct trib_touch *touch, trib_fact_set wanted, struct trib_facts *facts)
{
	struct trib_terms terms;
	struct trib_bytes none = { 0 };

	trib_resolve_terms(market, record, touch, NULL, NULL, &terms);
	trib_facts_open(facts, TRIB_GROUP_TERMS);
	trib_facts_open(facts, TRIB_GROUP_PLAN);
	if (terms.outcome != TRIB_OUTCOME_NONE)
		return;
	trib_facts_set(facts, TRIB_FACT_TERMS_KIND, terms.kind);
	trib_facts_set_string(facts, TRIB_FACT_TERMS_PLAN, terms.plan, none);
	trib_facts_set(facts, TRIB_FACT_TERMS_VERSION, terms.plan_version);
	trib_facts_set_string(facts, TRIB_FACT_TERMS_LEADER, terms.leader, none);
	trib_facts_set_string(facts, TRIB_FACT_TERMS_LEADER2, terms.leader2, none);
	trib_facts_set_string(facts, TRIB_FACT_TERMS_ACTIVITY, chosen_activity(market, &terms), none);
	trib_facts_set(facts, TRIB_FACT_TERMS_LOCKED_AT, record->at_ms);
	trib_facts_set(facts, TRIB_FACT_TERMS_COMMISSION_BPS, terms.commission_bps);
	trib_facts_set(facts, TRIB_FACT_TERMS_SERVICE_BPS, terms.service_bps);
	if (TRIB_UNLIKELY(trib_fact_in(&wanted, TRIB_FACT_PLAN_EXT)))
		trib_facts_set(facts, TRIB_FACT_PLAN_EXT,
			       trib_plan_version(trib_domain_plan(market->domain, terms.plan), terms.plan_version)->attributes);
}

/* touch: the primary one, or the one that is being weighed; NULL: none. */
static void fill_facts(const struct trib_market *market, const struct trib_resolve_request *request,
		       const struct trib_order_record *record, const struct trib_touch *touch, trib_fact_set wanted,
		       struct trib_facts *facts)
{
	trib_facts_init(facts, market->spaces, request->scratch);
	if (wanted & trib_fact_group_masks[TRIB_GROUP_ORDER])
		fill_order_facts(market, request, record, facts);
	if (TRIB_UNLIKELY(record->n_ext && (wanted & FACTS_OF_EXT)))
		lift_ext(record, wanted, facts);
	if (wanted & (trib_fact_group_masks[TRIB_GROUP_GOODS] | trib_fact_group_masks[TRIB_GROUP_MERCHANT]))
		trib_facts_open_goods(market, facts, record->goods, record->at_ms);
	if (TRIB_UNLIKELY(wanted & trib_facts_engine_only) && request->engine_facts)
		request->engine_facts(request->engine_context, record, touch, wanted & trib_facts_engine_only, facts);
	if (!touch)
		return;
	/* has(touch) asks for the group itself, whatever facts are read. */
	trib_facts_open_touch(facts, touch);
	if (TRIB_UNLIKELY(wanted & TRIB_FACT_BIT(TRIB_FACT_LINK_SOURCE)))
		trib_facts_set_text(facts, TRIB_FACT_LINK_SOURCE, trib_bytes_text(link_source(market, touch)));
	if (TRIB_UNLIKELY(trib_fact_in(&wanted, TRIB_FACT_LINK_PID)))
		trib_facts_set_string(facts, TRIB_FACT_LINK_PID,
				      trib_domain_registration(market->domain, touch->registration)->pid,
				      trib_bytes("", 0));
	trib_facts_set(facts, TRIB_FACT_TOUCH_AGE, record->at_ms - touch->at_ms);
	trib_facts_set(facts, TRIB_FACT_TOUCH_COUNT, record->n_touches);
	trib_facts_set(facts, TRIB_FACT_TOUCH_FIRST_SEEN, record->touches[0].touch.at_ms);
	trib_facts_set_bool(facts, TRIB_FACT_TOUCH_SAME_CARRIER, same_carrier(record, touch));
	_Static_assert(TRIB_WORD_ANY - TRIB_WORD_GOODS == TRIB_MATCH_ANY, "goods, shop, any");
	trib_facts_set(facts, TRIB_FACT_TOUCH_MATCH,
		       TRIB_WORD_GOODS + match_of(market, record->goods, touch->goods));
	if (wanted & trib_fact_group_masks[TRIB_GROUP_CREATOR])
		trib_facts_open_creator(market, facts, touch->creator, record->at_ms);
	if (wanted & (trib_fact_group_masks[TRIB_GROUP_TERMS] | trib_fact_group_masks[TRIB_GROUP_PLAN]))
		fill_terms_facts(market, record, touch, wanted, facts);
}

static const struct trib_touch *newest_token(const struct trib_order_record *record)
{
	for (uint32_t i = record->n_touches; i-- > 0;)
		if (record->touches[i].by_token)
			return &record->touches[i].touch;
	return NULL;
}

/* What a roll-out's condition is asked with. */
struct rollout_asker {
	const struct trib_market *market;
	const struct trib_resolve_request *request;
	const struct trib_order_record *record;
};

static bool rollout_holds(void *context, const struct trib_tree *condition)
{
	const struct rollout_asker *asker = context;
	const struct trib_order_record *record = asker->record;
	struct trib_facts facts;
	struct trib_walk walk;

	fill_facts(asker->market, asker->request, record,
		   record->n_touches ? &record->touches[record->n_touches - 1].touch : NULL,
		   trib_tree_facts(condition), &facts);
	trib_tree_walk(condition, &facts, &walk);
	return walk.outcome != TRIB_OUTCOME_NOT_DISTRIBUTED;
}

/* The scene that the caller names, else the newest token's registration's, else `default`. */
static const struct trib_tree *find_tree(const struct trib_market *market,
					 const struct trib_resolve_request *request,
					 const struct trib_order_record *record,
					 struct trib_rules_choice *ret_choice)
{
	uint32_t scene = record->scene;

	if (request->tree)
		return request->tree;
	if (scene == 0 && request->scene_text.size == 0 && record->by_token) {
		const struct trib_touch *token = newest_token(record);

		if (token)
			scene = trib_domain_registration(market->domain, token->registration)->scene;
	}
	struct rollout_asker asker = { market, request, record };
	const struct trib_rules_order order = { record->order, rollout_holds, &asker };

	return trib_rules_choose(market->rules, scene, request->now_ms, &order, ret_choice);
}

/* What the walk read, for the event. */
static void note_facts(trib_fact_set wanted, const struct trib_facts *facts, struct trib_order_record *record)
{
	char *p = record->facts_read;

	/* Texts without a number stand elsewhere in the record. */
	for (trib_fact_set left = wanted & facts->present & ~facts->raw & ~trib_facts_json; left;) {
		enum trib_fact fact = trib_fact_take(&left);

		p = trib_wire_put_varint(p, (uint64_t)fact);
		p = trib_wire_put_varint(p, trib_wire_zigzag(facts->value[fact]));
	}
	record->facts = trib_bytes(record->facts_read, (size_t)(p - record->facts_read));
}

uint32_t trib_resolve_weights(const struct trib_order_record *record, const struct trib_node *node,
			      uint8_t ret_winner[TRIB_LIMIT_TOUCHES_CONSIDERED],
			      uint64_t ret_weight[TRIB_LIMIT_TOUCHES_CONSIDERED])
{
	const struct trib_model_rule rule = { .model = node->model, .half_life = node->half_life_ms };
	struct trib_model_touch touches[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint32_t n = 0;

	for (uint32_t i = 0; i < record->n_touches; i++) {
		if (record->touches[i].reason != TRIB_REASON_WON)
			continue;
		touches[n] = (struct trib_model_touch){ .age = record->at_ms - record->touches[i].touch.at_ms };
		ret_winner[n++] = (uint8_t)i;
	}
	if (n)
		trib_model_weights(&rule, touches, n, ret_weight);
	return n;
}

/* --- Winners and money -------------------------------------------------------------------------------- */

void trib_resolve_parties(const struct trib_market *market, const struct trib_node *node,
			  const struct trib_terms *terms, uint32_t parties[TRIB_SLOTS])
{
	memset(parties, 0, TRIB_SLOTS * sizeof(parties[0]));
	parties[TRIB_SLOT_MERCHANT] = terms->merchant;
	parties[TRIB_SLOT_PLATFORM] = market->platform;
	parties[TRIB_SLOT_CREATOR] = terms->creator;
	parties[TRIB_SLOT_LEADER] = terms->leader;
	parties[TRIB_SLOT_LEADER2] = terms->leader2;
	parties[TRIB_SLOT_AGENCY] = terms->agency;
	trib_node_fill_parties(node, parties);
}

/* The role in whose account a slot's money stands. */
uint32_t trib_role_of_slot(uint8_t slot)
{
	static const uint8_t roles[TRIB_SLOT_NAMED] = {
		[TRIB_SLOT_MERCHANT] = TRIB_WORD_MERCHANT, [TRIB_SLOT_PLATFORM] = TRIB_WORD_PLATFORM,
		[TRIB_SLOT_CREATOR] = TRIB_WORD_CREATOR,   [TRIB_SLOT_LEADER] = TRIB_WORD_LEADER,
		[TRIB_SLOT_LEADER2] = TRIB_WORD_LEADER2,   [TRIB_SLOT_AGENCY] = TRIB_WORD_AGENCY,
	};

	return slot < TRIB_SLOT_NAMED ? roles[slot] : TRIB_WORD_SERVICE_PROVIDER;
}

/* way NULL: the platform's. */
static void split_slice(const struct trib_market *market, struct trib_order_record *record,
			const struct trib_node *node, const struct trib_split_way *way, const struct trib_terms *terms,
			uint32_t touch, int64_t base)
{
	struct trib_slice *slice = &record->slices[record->n_slices++];
	struct trib_line lines[TRIB_SPLIT_LINES_MAX];
	uint32_t parties[TRIB_SLOTS];
	struct trib_rates rates = rates_of(terms);
	int64_t charged = 0;

	if (TRIB_UNLIKELY(node->has_match_rates))
		set_match_rate(market, node, record, &record->touches[touch].touch, &rates);
	trib_resolve_parties(market, node, terms, parties);
	size_t n = TRIB_UNLIKELY(way != NULL) ?
			   trib_split_by(way, node->shares, node->n_shares, base, &rates, parties, lines, &charged) :
			   trib_split(node->shares, node->n_shares, base, &rates, parties, lines, &charged);

	*slice = (struct trib_slice){ .touch = touch, .rates = rates, .plan = terms->plan, .plan_version = terms->plan_version,
				      .offer = terms->offer, .offer_version = terms->offer_version,
				      .base = base, .line = record->n_lines, .n_lines = (uint32_t)n };
	for (size_t i = 0; i < n; i++) {
		struct trib_order_line *line = &record->lines[record->n_lines++];

		*line = (struct trib_order_line){
			.share = lines[i].share, .name = lines[i].name,
			.to_party = lines[i].to_party, .to_role = trib_role_of_slot(lines[i].to),
			.from_party = lines[i].from_party, .from_role = trib_role_of_slot(lines[i].from),
			.amount = lines[i].amount,
		};
		/* It has no share to be named by; whoever bound the creator so has made its name known. */
		if (TRIB_UNLIKELY(lines[i].share == TRIB_SHARE_PASSED))
			line->name = trib_domain_find_code(
				market->domain, trib_bytes_text(trib_line_kind_word(TRIB_LINE_AGENCY_PAY)));
		line->kinds = trib_line_kinds(lines[i].kind, line->from_role, line->to_role, record->held);
	}
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

/* Did this candidate lose to others only, as the model has it, and was it more than a view? */
static bool assists(const struct trib_considered *considered)
{
	switch ((enum trib_reason)considered->reason) {
	case TRIB_REASON_WON:
	case TRIB_REASON_LATER_WON:
	case TRIB_REASON_EARLIER_WON:
	case TRIB_REASON_HIGHER_PRIORITY_WON:
		return true;
	default:
		return false;
	}
}

/* Assist credit: what each touch that counted did for the order, beside whom the money went to. */
static void share_assists(struct trib_order_record *record, const struct trib_node *node)
{
	const struct trib_model_rule rule = { .model = node->assist, .half_life = node->half_life_ms };
	struct trib_model_touch touches[TRIB_LIMIT_TOUCHES_CONSIDERED];
	int64_t parts[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint32_t n = 0;

	for (uint32_t i = 0; i < record->n_touches; i++)
		if (assists(&record->touches[i]))
			touches[n++] = (struct trib_model_touch){ .age = record->at_ms - record->touches[i].touch.at_ms };
	trib_model_divide(&rule, touches, n, record->base_amount, parts);
	for (uint32_t i = record->n_touches; i-- > 0;)
		if (assists(&record->touches[i]))
			record->touches[i].assist = parts[--n];
}

/* Samples are sold to nobody: whatever was paid for one, nothing is earned by it. */
static bool is_sample(const struct trib_order_record *record)
{
	for (uint32_t i = 0; i < record->n_ext; i++)
		if (trib_bytes_is(record->ext[i].key, "kind"))
			return trib_bytes_is(record->ext[i].value, "sample");
	return false;
}

static void set_base(struct trib_order_record *record, int64_t result)
{
	record->base_amount = TRIB_MAX(result, (int64_t)0);
	record->base_result = TRIB_MIN(result, (int64_t)0);
}

/* Nobody earns by it: it is as the newest candidate's registration says. */
static void name_newest(const struct trib_market *market, const struct trib_resolve_request *request,
			struct trib_order_record *record)
{
	if (record->n_touches)
		trib_order_name_play(market, request->now_ms,
				     record->touches[record->n_touches - 1].touch.registration, 0, record);
}

/* The play's own base, where nobody else states one: the winners stay, their parts are of that. */
static void ask_base(struct trib_order_asker *asker, const struct trib_node *node, struct trib_resolution *resolution)
{
	struct trib_order_record *record = asker->record;
	uint8_t winners[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint64_t weights[TRIB_LIMIT_TOUCHES_CONSIDERED], sum = 0;
	int64_t base;

	if (!record->base_computed || node->base || !trib_order_ask_base(asker, &base))
		return;
	set_base(record, base);
	uint32_t n = trib_resolve_weights(record, node, winners, weights);

	for (uint32_t i = 0; i < n; i++)
		sum += weights[i];
	trib_assert(n == resolution->winners && sum);
	trib_model_divide_by(weights, n, sum, record->base_amount, resolution->slice);
}

/*
 * Terms and money of every winner. Where the terms of some winners say no, their part of the base earns nothing;
 * where those of all do, that is the order's outcome. What the node states comes after the fixed checks.
 */
static void pay_winners(const struct trib_market *market, const struct trib_resolve_request *request,
			struct trib_order_record *record, const struct trib_node *node, enum trib_outcome stated,
			struct trib_resolution *resolution)
{
	struct trib_terms terms[TRIB_LIMIT_TOUCHES_CONSIDERED];
	enum trib_outcome refused = TRIB_OUTCOME_NONE;
	const struct trib_touch *first = NULL;
	struct trib_order_asker asker = { market, NULL, request->scratch, record };
	struct trib_split_way way;
	uint32_t good = 0;

	for (uint32_t i = 0; i < resolution->winners; i++) {
		const struct trib_touch *touch = &record->touches[resolution->winner[i]].touch;

		trib_resolve_terms(market, record, touch, node, NULL, &terms[i]);
		if (terms[i].outcome != TRIB_OUTCOME_NONE) {
			refused = earlier_outcome(refused, terms[i].outcome);
		} else if (!good++) {
			first = touch;
			asker.ways = trib_order_name_play(market, request->now_ms, touch->registration, terms[i].plan, record);
		}
	}
	if (TRIB_UNLIKELY(asker.ways != NULL))
		ask_base(&asker, node, resolution);
	if (good == 0)
		name_newest(market, request, record);
	if (good == 0)
		record->outcome = refused;
	else if (record->base_amount == 0 || TRIB_UNLIKELY(is_sample(record)))
		record->outcome = TRIB_OUTCOME_ZERO_BASE;
	else
		record->outcome = stated;
	if (TRIB_UNLIKELY(asker.ways != NULL))
		record->outcome = trib_order_ask_outcome(&asker, request, first);
	if (record->outcome != TRIB_OUTCOME_ATTRIBUTED)
		return;
	record->held = node->held || (TRIB_UNLIKELY(asker.ways != NULL) && trib_order_ask_hold(&asker, first));
	if (TRIB_UNLIKELY(node->has_assist))
		share_assists(record, node);
	const struct trib_split_way *own =
		TRIB_UNLIKELY(asker.ways != NULL) && trib_order_split_way(&asker, &way) ? &way : NULL;

	for (uint32_t i = 0; i < resolution->winners; i++)
		if (terms[i].outcome == TRIB_OUTCOME_NONE)
			split_slice(market, record, node, own, &terms[i], resolution->winner[i],
				    resolution->slice[i]);
}

/* priority_by of every candidate, or its registration's priority. */
static void fill_priorities(const struct trib_market *market, const struct trib_resolve_request *request,
			    const struct trib_order_record *record, const struct trib_node *node,
			    int64_t *ret_priorities)
{
	for (uint32_t i = 0; i < record->n_touches; i++) {
		const struct trib_touch *touch = &record->touches[i].touch;
		struct trib_facts facts;

		if (!node->priority_by) {
			ret_priorities[i] =
				trib_domain_registration(market->domain, touch->registration)->priority;
			continue;
		}
		fill_facts(market, request, record, touch, node->priority_facts, &facts);
		ret_priorities[i] = trib_node_priority(node, &facts);
	}
}

static void choose_winners(const struct trib_market *market, const struct trib_resolve_request *request,
			   struct trib_order_record *record, const struct trib_node *node,
			   struct trib_resolution *ret_resolution)
{
	struct trib_candidate candidates[TRIB_LIMIT_TOUCHES_CONSIDERED];
	int64_t priorities[TRIB_LIMIT_TOUCHES_CONSIDERED];
	const struct trib_order_facts order = {
		.at_ms = record->at_ms,
		.base = record->base_amount,
		.goods = record->goods,
		.merchant = trib_domain_goods(market->domain, record->goods)->merchant,
		.by_token = record->by_token,
	};

	if (node->model == TRIB_MODEL_PRIORITY)
		fill_priorities(market, request, record, node, priorities);
	for (uint32_t i = 0; i < record->n_touches; i++) {
		const struct trib_touch *touch = &record->touches[i].touch;

		candidates[i] = (struct trib_candidate){
			.at_ms = touch->at_ms,
			.priority = node->model == TRIB_MODEL_PRIORITY ? priorities[i] : 0,
			.goods = touch->goods,
			.merchant = trib_domain_goods(market->domain, touch->goods)->merchant,
			.kind = touch->kind,
		};
	}
	trib_attribution_resolve(node, &order, candidates, record->n_touches, ret_resolution);
	for (uint32_t i = 0; i < record->n_touches; i++)
		record->touches[i].reason = ret_resolution->reason[i];
}

/* What order.base says before a node is reached, and the base of nodes that state no formula. */
static void estimate_base(struct trib_order_record *record)
{
	const int64_t *amounts = record->amounts;

	set_base(record, amounts[TRIB_AMOUNT_PAID] - amounts[TRIB_AMOUNT_FREIGHT] - amounts[TRIB_AMOUNT_TAX] +
				 amounts[TRIB_AMOUNT_COUPON_PLATFORM]);
}

/* By the node's formula. Should it fail (a division by 0, 64 bits passed), the base is 0. */
static void compute_base(const struct trib_market *market, const struct trib_resolve_request *request,
			 const struct trib_node *node, struct trib_facts *facts, struct trib_order_record *record)
{
	int64_t result = 0;

	fill_order_facts(market, request, record, facts);
	trib_node_base(node, facts, &result);
	set_base(record, result);
}

void trib_resolve_order(const struct trib_market *market, const struct trib_resolve_request *request,
			struct trib_order_record *record)
{
	if (TRIB_UNLIKELY(record->base_computed))
		estimate_base(record);
	const struct trib_tree *tree = find_tree(market, request, record, &record->choice);
	struct trib_resolution resolution;
	struct trib_facts facts;
	struct trib_walk walk;

	fill_facts(market, request, record,
		   record->n_touches ? &record->touches[record->n_touches - 1].touch : NULL,
		   trib_tree_facts(tree), &facts);
	trib_tree_walk(tree, &facts, &walk);
	record->tree = trib_tree_number(tree);
	record->tree_version = trib_tree_version(tree);
	record->node = walk.node->index;
	record->path = walk.path;
	note_facts(trib_tree_facts(tree), &facts, record);
	if (TRIB_UNLIKELY(record->base_computed && walk.node->base))
		compute_base(market, request, walk.node, &facts, record);
	if (record->by_token && !record->n_touches) {
		record->outcome = TRIB_OUTCOME_BAD_TOKEN;
		return;
	}
	/* A root that does not hold has no window and no match to judge touches by. */
	if (walk.outcome == TRIB_OUTCOME_NOT_DISTRIBUTED && walk.node->index == 0 && record->path.size == 1 &&
	    record->path.data[0] == 0) {
		record->outcome = TRIB_OUTCOME_NOT_DISTRIBUTED;
		name_newest(market, request, record);
		return;
	}
	choose_winners(market, request, record, walk.node, &resolution);
	if (resolution.outcome == TRIB_OUTCOME_NONE) {
		pay_winners(market, request, record, walk.node, walk.outcome, &resolution);
		return;
	}
	record->outcome = resolution.outcome;
	name_newest(market, request, record);
}
