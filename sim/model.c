#include "model.h"

#include <stdlib.h>
#include <string.h>
#include "base/macros.h"

#define DAY_MS	     (INT64_C(24) * 3600 * 1000)
#define TOKEN_TTL_MS (30 * DAY_MS)
#define KEPT_MS	     (30 * DAY_MS)

void model_fini(struct model *model)
{
	free(model->ops);
	free(model->trees);
	free(model->switches);
	*model = (struct model){ 0 };
}

/* --- Deciding ------------------------------------------------------------------------------------------- */

enum trib_outcome model_terms(const struct model *model, const struct model_state *state, uint32_t goods,
			      uint32_t creator, int64_t at_ms, int32_t *ret_plan)
{
	int32_t plan = state->plans[goods] - 1;

	*ret_plan = -1;
	if (plan < 0)
		return TRIB_OUTCOME_NO_PLAN;
	while (plan >= 0 && model->ops[plan].at_ms > at_ms)
		plan = model->ops[plan].link;
	if (plan < 0)
		return TRIB_OUTCOME_PLAN_NOT_STARTED;
	*ret_plan = plan;
	if (model->ops[plan].state)
		return model->ops[plan].state == 1 ? TRIB_OUTCOME_PLAN_PAUSED : TRIB_OUTCOME_PLAN_ENDED;
	if (state->withdrawn[goods])
		return TRIB_OUTCOME_GOODS_WITHDRAWN;
	return state->frozen[creator] ? TRIB_OUTCOME_PARTY_FROZEN : TRIB_OUTCOME_NONE;
}

const struct model_op *model_order(const struct model *model, uint64_t number)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->ops[i].kind == MODEL_ORDER && model->ops[i].number == number)
			return &model->ops[i];
	return NULL;
}

/* The newest touch of the user not after the order, from `i` on backwards; -1 none. */
static int32_t touch_before(const struct model *model, const struct model_op *order, int64_t at_ms, size_t i)
{
	while (i-- > 0) {
		const struct model_op *touch = &model->ops[i];

		if (touch->kind == MODEL_TOUCH && touch->user == order->user && touch->at_ms <= at_ms)
			return (int32_t)i;
	}
	return -1;
}

/* Whose link the order is seen with first: the token's, or that of the user's newest touch. -1 none. */
static int32_t primary_link(const struct model *model, const struct model_op *order, int64_t at_ms)
{
	if (order->link != MODEL_NO_TOKEN)
		return order->link >= 0 ? order->link : -1;
	int32_t touch = touch_before(model, order, at_ms, model->count);

	return touch >= 0 ? model->ops[touch].link : -1;
}

/*
 * The place of the link whose creator is to be paid: the token's, or that of the user's latest touch of the same
 * goods among the newest 64 in the window. Else -1, and why.
 */
static int32_t winner(const struct model *model, const struct model_op *order, int64_t at_ms, uint32_t window_days,
		      enum trib_outcome *ret_why)
{
	int64_t window_ms = window_days * DAY_MS;
	int32_t found = -1, touch = (int32_t)model->count;
	size_t in_window = 0;

	if (order->link == MODEL_FORGED) {
		*ret_why = TRIB_OUTCOME_BAD_TOKEN;
		return -1;
	}
	if (order->link >= 0) {
		const struct model_op *link = &model->ops[order->link];

		*ret_why = at_ms - link->at_ms > window_ms ? TRIB_OUTCOME_EXPIRED
			   : link->goods != order->goods   ? TRIB_OUTCOME_GOODS_MISMATCH
							   : TRIB_OUTCOME_NONE;
		return *ret_why == TRIB_OUTCOME_NONE ? order->link : -1;
	}
	while (in_window < TRIB_LIMIT_TOUCHES_CONSIDERED &&
	       (touch = touch_before(model, order, at_ms, (size_t)touch)) >= 0) {
		int32_t link = model->ops[touch].link;

		if (at_ms - model->ops[touch].at_ms > window_ms)
			break;
		in_window++;
		if (found < 0 && model->ops[link].goods == order->goods)
			found = link;
	}
	*ret_why = in_window ? TRIB_OUTCOME_GOODS_MISMATCH : TRIB_OUTCOME_NO_TOUCH;
	return found;
}

static struct model_facts facts_of(const struct model *model, const struct model_state *state,
				   const struct model_op *order, int64_t at_ms)
{
	int32_t primary = primary_link(model, order, at_ms), plan;
	struct model_facts facts = { .number = order->number, .base = order->base, .at_ms = at_ms,
				     .goods = order->goods, .creator = -1, .rate = -1 };

	if (primary < 0)
		return facts;
	uint32_t creator = model->ops[primary].creator;

	facts.creator = (int32_t)creator;
	if (model_terms(model, state, order->goods, creator, at_ms, &plan) == TRIB_OUTCOME_NONE)
		facts.rate = (int32_t)model->ops[plan].commission_bps;
	return facts;
}

void model_resolve(const struct model *model, const struct model_state *state, const struct model_op *order,
		   int64_t at_ms, int64_t now_ms, struct model_answer *ret_answer)
{
	const struct model_facts facts = facts_of(model, state, order, at_ms);
	bool rolled_out, passed_over;
	uint32_t version = model_choose(model, state, &facts, now_ms, &rolled_out);
	const struct model_tree *tree = model_tree_of(model, version);
	const struct model_node *node = model_walk(tree, &facts, &passed_over);
	uint32_t days = node && node->effect == MODEL_OWN_WINDOW ? node->value : tree ? tree->window_days : 30;
	struct model_answer answer = { .version = version, .node = node ? node->id : 0, .plan = -1, .leader = -1,
				       .rolled_out = rolled_out, .passed_over = passed_over };

	answer.link = winner(model, order, at_ms, days, &answer.outcome);
	if (answer.link >= 0) {
		answer.creator = model->ops[answer.link].creator;
		answer.outcome = model_terms(model, state, order->goods, answer.creator, at_ms, &answer.plan);
		if (answer.outcome == TRIB_OUTCOME_NONE)
			answer.outcome = order->base == 0			    ? TRIB_OUTCOME_ZERO_BASE
					 : node && node->effect == MODEL_OWN_SHOP ? TRIB_OUTCOME_OWN_SHOP
										    : TRIB_OUTCOME_ATTRIBUTED;
	}
	if (answer.outcome == TRIB_OUTCOME_ATTRIBUTED) {
		const struct model_op *plan = &model->ops[answer.plan];
		bool own = node && node->effect == MODEL_OWN_RATE;

		answer.commission_bps = own ? node->value : plan->commission_bps;
		answer.service_bps = own ? 0 : plan->service_bps;
		answer.platform_bps = plan->platform_bps;
		answer.leader = plan->leader;
	}
	*ret_answer = answer;
}

static int64_t part(int64_t amount, uint32_t bps)
{
	return amount * bps / 10000;
}

void model_lines(const struct model_answer *answer, int64_t base, int64_t ret_lines[MODEL_LINES])
{
	ret_lines[MODEL_COMMISSION] = answer->commission_bps ? part(base, answer->commission_bps) : -1;
	ret_lines[MODEL_SERVICE] =
		answer->service_bps && answer->leader >= 0 ? part(base, answer->service_bps) : -1;
	ret_lines[MODEL_TECHNICAL] =
		answer->platform_bps ? part(TRIB_MAX(ret_lines[MODEL_COMMISSION], (int64_t)0), answer->platform_bps)
				     : -1;
}

enum trib_difference model_difference(const struct model_answer *theirs, const struct model_answer *ours, int64_t base)
{
	int64_t a[MODEL_LINES], b[MODEL_LINES];

	if (theirs->outcome != ours->outcome)
		return TRIB_DIFFERENCE_OUTCOME;
	if (theirs->version != ours->version)
		return TRIB_DIFFERENCE_RULES;
	if (theirs->node != ours->node)
		return TRIB_DIFFERENCE_NODE;
	if (theirs->outcome != TRIB_OUTCOME_ATTRIBUTED)
		return TRIB_DIFFERENCE_NONE;
	model_lines(theirs, base, a);
	model_lines(ours, base, b);
	return theirs->link != ours->link || theirs->plan != ours->plan || memcmp(a, b, sizeof(a)) != 0
		       ? TRIB_DIFFERENCE_CREDITS
		       : TRIB_DIFFERENCE_NONE;
}

/* --- What was told of orders --------------------------------------------------------------------------------- */

/* The money that stands for the order, posted (1) or taken back (-1). Returns what outside payers are charged. */
static int64_t post(struct model_state *state, const struct model_op *order, int64_t sign)
{
	const struct model_life *life = &order->life;
	int64_t lines[MODEL_LINES];

	if (order->outcome != TRIB_OUTCOME_ATTRIBUTED)
		return 0;
	model_lines(&order->answer, life->state == TRIB_ORDER_INVALID ? 0 : life->remaining, lines);
	int64_t commission = TRIB_MAX(lines[MODEL_COMMISSION], (int64_t)0);
	int64_t service = TRIB_MAX(lines[MODEL_SERVICE], (int64_t)0);
	int64_t technical = TRIB_MAX(lines[MODEL_TECHNICAL], (int64_t)0), kept = commission - technical;

	state->merchant_balance[model_merchant_of(order->goods)] -= sign * (commission + service);
	state->creator_balance[order->answer.creator] += life->forfeited ? 0 : sign * kept;
	state->platform_balance += sign * (technical + (life->forfeited ? kept : 0));
	if (service)
		state->leader_balance[order->answer.leader] += sign * service;
	return commission + service;
}

/* The furthest counts, of each the first telling. Returns whether anything has changed. */
static bool reach(struct model_life *life, uint32_t told)
{
	if (life->reached & 1u << told || model_is_over(life))
		return false;
	life->reached |= 1u << told;
	life->state = TRIB_MAX(life->state, (enum trib_order_state)told);
	return true;
}

struct model_life model_kept(const struct model *model, uint64_t number, int64_t at_ms)
{
	struct model_life life = { 0 };
	int64_t last_ms = 0;

	for (size_t i = 0; i <= model->count; i++) {
		const struct model_op *told = &model->ops[i];
		int64_t now_ms = i < model->count ? told->at_ms : at_ms;

		if (i < model->count && (told->kind != MODEL_STATUS || told->number != number))
			continue;
		if (now_ms - last_ms > KEPT_MS)
			life = (struct model_life){ 0 };
		if (i < model->count && reach(&life, told->state))
			last_ms = now_ms;
	}
	return life;
}

static void apply_message(struct model *model, struct model_op *op)
{
	struct model_op *order = (struct model_op *)model_order(model, op->number);

	if (!order)
		return;
	struct model_life *life = &order->life;

	op->charged = post(&model->state, order, -1);
	if (op->kind == MODEL_STATUS) {
		reach(life, op->state);
	} else if (trib_refund_effect((enum trib_refund_kind)op->state) == TRIB_REFUND_LOWERS) {
		life->remaining -= op->base;
	} else if (op->state == TRIB_REFUND_FORFEITURE) {
		life->forfeited = true;
	}
	op->charged -= post(&model->state, order, 1); /* what was reversed */
	op->life = *life;
}

const struct model_op *model_refund(const struct model *model, uint64_t number, uint64_t refund)
{
	for (size_t i = 0; i < model->count; i++)
		if (model->ops[i].kind == MODEL_REFUND && model->ops[i].number == number && model->ops[i].refund == refund)
			return &model->ops[i];
	return NULL;
}

/* What was told of the order before it came is true of it, unless it is too long ago. */
static void live(struct model *model, struct model_op *order)
{
	order->life = (struct model_life){ .state = TRIB_ORDER_CREATED, .remaining = order->base };
	order->charged = post(&model->state, order, 1);
	post(&model->state, order, -1);
	const struct model_life kept = model_kept(model, order->number, order->at_ms);

	order->life.reached |= kept.reached;
	order->life.state = TRIB_MAX(order->life.state, kept.state);
	post(&model->state, order, 1);
}

/* --- The list --------------------------------------------------------------------------------------------- */

/* A change of the market, into a state that has seen all before it. */
static void fold(const struct model *model, size_t i, struct model_state *state)
{
	const struct model_op *op = &model->ops[i];

	switch (op->kind) {
	case MODEL_REGISTRATION:
		state->registration = true;
		break;
	case MODEL_MERCHANT:
		state->merchants[op->subject] = true;
		break;
	case MODEL_LEADER:
		state->leaders[op->subject] = true;
		break;
	case MODEL_CREATOR:
		state->creators[op->subject] = true;
		state->frozen[op->subject] = op->state;
		break;
	case MODEL_ITEM:
		state->goods[op->subject] = true;
		state->withdrawn[op->subject] = op->state;
		break;
	case MODEL_PLAN:
		state->plans[op->subject] = (int32_t)i + 1;
		break;
	case MODEL_VERSION:
		state->versions++;
		break;
	case MODEL_SWITCH:
		state->switches++;
		break;
	default:
		break;
	}
}

void model_state_at(const struct model *model, uint64_t position, struct model_state *ret_state)
{
	memset(ret_state, 0, sizeof(*ret_state));
	for (size_t i = 0; i < model->count && model->ops[i].position <= position; i++)
		fold(model, i, ret_state);
}

/* From when on it holds is said when it is decided. */
static void begin_switch(struct model_switch *change, const struct model_op *op)
{
	change->at_ms = TRIB_MAX(change->at_ms, op->at_ms);
	if (change->has_share)
		change->steps[0].at_ms = change->at_ms;
}

static void apply(struct model *model, struct model_op *op)
{
	struct model_state *state = &model->state;
	int32_t plan;

	op->outcome = TRIB_OUTCOME_NONE;
	switch (op->kind) {
	case MODEL_PLAN:
		op->link = state->plans[op->subject] - 1;
		op->number = op->link >= 0 ? model->ops[op->link].number + 1 : 1;
		break;
	case MODEL_SWITCH:
		begin_switch(&model->switches[state->switches], op);
		break;
	case MODEL_LINK:
		op->outcome = model_terms(model, state, op->goods, op->creator, op->at_ms, &plan);
		break;
	case MODEL_TOUCH:
		if (op->at_ms - model->ops[op->link].at_ms > TOKEN_TTL_MS)
			op->outcome = TRIB_OUTCOME_EXPIRED;
		break;
	case MODEL_ORDER:
		model_resolve(model, state, op, op->stated_ms ? op->stated_ms : op->at_ms, op->at_ms, &op->answer);
		op->outcome = op->answer.outcome;
		live(model, op);
		break;
	case MODEL_STATUS:
	case MODEL_REFUND:
		apply_message(model, op);
		break;
	default:
		break;
	}
	fold(model, (size_t)(op - model->ops), state);
}

struct model_op *model_add(struct model *model, const struct model_op *op)
{
	if (model->count == model->capacity) {
		model->capacity = model->capacity ? 2 * model->capacity : 512;
		model->ops = trib_realloc(model->ops, model->capacity * sizeof(model->ops[0]));
	}
	/* Applied before it counts: an order does not see itself. */
	model->ops[model->count] = *op;
	apply(model, &model->ops[model->count]);
	return &model->ops[model->count++];
}

void model_cut(struct model *model, size_t count)
{
	memset(&model->state, 0, sizeof(model->state));
	for (model->count = 0; model->count < count; model->count++)
		apply(model, &model->ops[model->count]);
}
