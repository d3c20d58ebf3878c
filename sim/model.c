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
	*model = (struct model){ 0 };
}

enum trib_outcome model_terms(const struct model *model, uint32_t goods, uint32_t creator)
{
	const struct model_state *state = &model->state;
	const struct model_plan *plan = &state->plans[goods];

	if (!plan->there)
		return TRIB_OUTCOME_NO_PLAN;
	if (plan->state == 1)
		return TRIB_OUTCOME_PLAN_PAUSED;
	if (plan->state == 2)
		return TRIB_OUTCOME_PLAN_ENDED;
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

/*
 * The link whose creator is to be paid: the token's, or that of the user's latest touch of the same goods among
 * the newest 64 in the window. Else NULL, and why.
 */
static const struct model_op *winner(const struct model *model, const struct model_op *order,
				     enum trib_outcome *ret_why)
{
	const struct model_op *found = NULL;
	uint32_t days = model->state.window_days;
	int64_t window_ms = (days ? days : 30) * DAY_MS;
	size_t in_window = 0;

	if (order->link == MODEL_FORGED) {
		*ret_why = TRIB_OUTCOME_BAD_TOKEN;
		return NULL;
	}
	if (order->link >= 0) {
		const struct model_op *link = &model->ops[order->link];

		*ret_why = order->at_ms - link->at_ms > window_ms ? TRIB_OUTCOME_EXPIRED
			   : link->goods != order->goods	  ? TRIB_OUTCOME_GOODS_MISMATCH
								  : TRIB_OUTCOME_NONE;
		return *ret_why == TRIB_OUTCOME_NONE ? link : NULL;
	}
	for (size_t i = model->count; i-- > 0 && in_window < TRIB_LIMIT_TOUCHES_CONSIDERED;) {
		const struct model_op *touch = &model->ops[i];

		if (touch->kind != MODEL_TOUCH || touch->user != order->user ||
		    order->at_ms - touch->at_ms > window_ms)
			continue;
		in_window++;
		if (!found && model->ops[touch->link].goods == order->goods)
			found = &model->ops[touch->link];
	}
	*ret_why = in_window ? TRIB_OUTCOME_GOODS_MISMATCH : TRIB_OUTCOME_NO_TOUCH;
	return found;
}

static int64_t part(int64_t amount, uint32_t bps)
{
	return amount * bps / 10000;
}

/* The money that stands for the order, posted (1) or taken back (-1). Returns what outside payers are charged. */
static int64_t post(struct model_state *state, const struct model_op *order, int64_t sign)
{
	const struct model_life *life = &order->life;
	int64_t counted = life->state == TRIB_ORDER_INVALID ? 0 : life->remaining;
	int64_t commission = part(counted, life->commission_bps);
	int64_t service = life->leader >= 0 ? part(counted, life->service_bps) : 0;
	int64_t technical = part(commission, life->platform_bps);
	int64_t kept = commission - technical;

	if (order->outcome != TRIB_OUTCOME_ATTRIBUTED)
		return 0;
	state->merchant_balance[model_merchant_of(order->goods)] -= sign * (commission + service);
	state->creator_balance[life->creator] += life->forfeited ? 0 : sign * kept;
	state->platform_balance += sign * (technical + (life->forfeited ? kept : 0));
	if (life->leader >= 0)
		state->leader_balance[life->leader] += sign * service;
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
static void live(struct model *model, struct model_op *order, uint32_t creator)
{
	const struct model_plan *plan = &model->state.plans[order->goods];

	order->life = (struct model_life){ .state = TRIB_ORDER_CREATED, .remaining = order->base, .creator = creator, .commission_bps = plan->commission_bps,
					   .service_bps = plan->service_bps, .platform_bps = plan->platform_bps,
					   .leader = plan->leader };
	order->charged = post(&model->state, order, 1);
	post(&model->state, order, -1);
	const struct model_life kept = model_kept(model, order->number, order->at_ms);

	order->life.reached |= kept.reached;
	order->life.state = TRIB_MAX(order->life.state, kept.state);
	post(&model->state, order, 1);
}

static void apply_order(struct model *model, struct model_op *order)
{
	const struct model_op *link = winner(model, order, &order->outcome);

	order->charged = 0;
	if (!link) {
		live(model, order, 0);
		return;
	}
	order->outcome = model_terms(model, order->goods, link->creator);
	if (order->outcome == TRIB_OUTCOME_NONE)
		order->outcome =
			order->base == 0 ? TRIB_OUTCOME_ZERO_BASE : TRIB_OUTCOME_ATTRIBUTED;
	live(model, order, link->creator);
}

static void apply(struct model *model, struct model_op *op)
{
	struct model_state *state = &model->state;

	op->outcome = TRIB_OUTCOME_NONE;
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
		state->plans[op->subject] = (struct model_plan){
			true,	   op->state, op->commission_bps, op->service_bps, op->platform_bps,
			op->leader
		};
		break;
	case MODEL_RULES:
		state->window_days = op->state;
		break;
	case MODEL_LINK:
		op->outcome = model_terms(model, op->goods, op->creator);
		break;
	case MODEL_TOUCH:
		if (op->at_ms - model->ops[op->link].at_ms > TOKEN_TTL_MS)
			op->outcome = TRIB_OUTCOME_EXPIRED;
		break;
	case MODEL_ORDER:
		apply_order(model, op);
		break;
	case MODEL_STATUS:
	case MODEL_REFUND:
		apply_message(model, op);
		break;
	case MODEL_KINDS:
		break;
	}
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
