#include "trade.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/macros.h"

#define TOKEN_TTL_MS (INT64_C(30) * 24 * 3600 * 1000)

static const char *const acts[] = {
#define X(name, word) word,
	TRADE_ACT_TABLE(X)
#undef X
};

const char *trade_act_word(enum trade_act act)
{
	return acts[act];
}

void trade_model_fini(struct trade_model *model)
{
	free(model->ops);
	*model = (struct trade_model){ 0 };
}

/* --- Looking -------------------------------------------------------------------------------------------- */

uint32_t trade_active(const struct trade_state *state)
{
	return state->n_activations ? state->activations[state->n_activations - 1].version : 0;
}

/* The one put last of those that have begun. */
const struct trade_plan_version *trade_in_force(const struct trade_plan *plan, int64_t at_ms)
{
	for (uint32_t i = plan->count; i-- > 0;)
		if (plan->versions[i].from_ms <= at_ms)
			return &plan->versions[i];
	return NULL;
}

bool trade_is_ahead(const struct trade_plan *plan, int64_t at_ms)
{
	return plan->count && plan->versions[plan->count - 1].from_ms > at_ms;
}

enum trib_outcome trade_terms(const struct trade_state *state, uint32_t creator, uint32_t goods,
			      int64_t at_ms, int64_t *ret_bps, int32_t *ret_plan)
{
	const struct trade_plan_version *version = trade_in_force(&state->plans[goods], at_ms);

	*ret_bps = *ret_plan = -1;
	for (uint32_t i = 0; i < state->n_invitations; i++) {
		const struct trade_invitation *one = &state->invitations[i];

		if (!strcmp(one->status, "accepted") && one->creator == creator &&
		    one->goods == goods)
			*ret_bps = TRIB_MAX(*ret_bps, one->bps);
	}
	if (*ret_bps >= 0)
		return TRIB_OUTCOME_NONE;
	if (!version)
		return state->plans[goods].exists ? TRIB_OUTCOME_PLAN_NOT_STARTED
						  : TRIB_OUTCOME_NO_PLAN;
	*ret_bps = version->bps;
	*ret_plan = (int32_t)goods;
	return !strcmp(version->status, "active")   ? TRIB_OUTCOME_NONE
	       : !strcmp(version->status, "paused") ? TRIB_OUTCOME_PLAN_PAUSED
						    : TRIB_OUTCOME_PLAN_ENDED;
}

void trade_sample_id(const struct trade_state *state, uint32_t sample, char ret_id[32])
{
	uint32_t asked = 0;

	for (uint32_t i = 0; i < sample; i++)
		asked += state->samples[i].invitation < 0;
	if (state->samples[sample].invitation >= 0)
		snprintf(ret_id, 32, "i%d.sample", state->samples[sample].invitation);
	else
		snprintf(ret_id, 32, "s%u", asked);
}

/* --- Plays and plans ------------------------------------------------------------------------------------ */

static trib_status switch_to(struct trade_state *state, uint32_t version, uint32_t previous)
{
	state->activations[state->n_activations].version = version;
	state->activations[state->n_activations++].previous = previous;
	return TRIB_OK;
}

static trib_status activate(struct trade_state *state, uint32_t version)
{
	uint32_t before = state->n_activations;

	if (version > state->play_versions)
		return TRIB_NOT_FOUND;
	if (trade_active(state) == version)
		return TRIB_OK;
	/* Back behind a closing, and behind what is the same. */
	while (before && (!state->activations[before - 1].version ||
			  state->activations[before - 1].version == version))
		before = state->activations[before - 1].previous;
	return switch_to(state, version, before);
}

static trib_status roll_back(struct trade_state *state)
{
	uint32_t previous =
		state->n_activations ? state->activations[state->n_activations - 1].previous : 0;

	if (!state->play_versions)
		return TRIB_NOT_FOUND;
	if (!previous)
		return TRIB_REFUSED;
	return switch_to(state, state->activations[previous - 1].version,
			 state->activations[previous - 1].previous);
}

static trib_status close_play(struct trade_state *state)
{
	if (!state->play_versions)
		return TRIB_NOT_FOUND;
	return trade_active(state) ? switch_to(state, 0, state->n_activations) : TRIB_OK;
}

static void add_version(struct trade_plan *plan, int64_t from_ms, int64_t bps, const char *status)
{
	plan->exists = true;
	plan->versions[plan->count++] = (struct trade_plan_version){ from_ms, bps, status };
}

static trib_status put_plan(struct trade_state *state, const struct trade_op *op, size_t index)
{
	struct trade_plan *plan = &state->plans[op->subject];
	uint32_t play = plan->exists ? plan->play : trade_active(state);

	if (play && op->other != play)
		return TRIB_INVALID; /* the play's schema */
	if (play && op->amount >= TRADE_REFUSED_BPS)
		return TRIB_REFUSED; /* its flow, behind its message */
	state->told[op->subject] += play != 0;
	if (play && op->amount >= TRADE_WAITS_BPS) {
		uint32_t n = state->n_approvals++;

		state->approvals[n].plan = op->subject;
		state->approvals[n].play = play;
		state->approvals[n].version = plan->count;
		state->approvals[n].op = (uint32_t)index;
		state->approvals[n].bps = op->amount;
		state->approvals[n].status = "waiting";
		return TRIB_OK;
	}
	if (!plan->exists)
		plan->play = play;
	add_version(plan, op->from_ms ? op->from_ms : op->at_ms, op->amount + play, "active");
	return TRIB_OK;
}

static trib_status act_on_plan(struct trade_state *state, const struct trade_op *op)
{
	struct trade_plan *plan = &state->plans[op->subject];
	const struct trade_plan_version *now = trade_in_force(plan, op->at_ms);

	if (!now)
		return TRIB_NOT_FOUND;
	bool active = !strcmp(now->status, "active"), paused = !strcmp(now->status, "paused");

	if (op->act == TRADE_ACT_PAUSE	  ? !active
	    : op->act == TRADE_ACT_RESUME ? !paused
					  : !active && !paused)
		return TRIB_REFUSED;
	add_version(plan, op->at_ms, now->bps,
		    op->act == TRADE_ACT_PAUSE	  ? "paused"
		    : op->act == TRADE_ACT_RESUME ? "active"
						  : "ended");
	return TRIB_OK;
}

static trib_status decide(struct trade_state *state, const struct trade_op *op)
{
	struct trade_plan *plan = &state->plans[state->approvals[op->subject].plan];

	if (strcmp(state->approvals[op->subject].status, "waiting") != 0)
		return TRIB_REFUSED;
	if (op->act == TRADE_ACT_REJECT) {
		state->approvals[op->subject].status = "rejected";
		return TRIB_OK;
	}
	if (plan->count != state->approvals[op->subject].version)
		return TRIB_CONFLICT;
	state->approvals[op->subject].status = "approved";
	if (!plan->exists)
		plan->play = state->approvals[op->subject].play;
	add_version(plan, op->at_ms, state->approvals[op->subject].bps, "active");
	return TRIB_OK;
}

/* --- Statuses ------------------------------------------------------------------------------------------- */

/* "a b" has the status? */
static bool among(const char *list, const char *status)
{
	size_t size = strlen(status);

	for (const char *at = list; (at = strstr(at, status)); at++)
		if ((at == list || at[-1] == ' ') && (at[size] == ' ' || !at[size]))
			return true;
	return false;
}

static trib_status lead(const char **status, const char *from, const char *to)
{
	if (!*status)
		return TRIB_NOT_FOUND;
	if (!among(from, *status))
		return TRIB_REFUSED;
	*status = to;
	return TRIB_OK;
}

static trib_status act_on_enrolment(struct trade_state *state, const struct trade_op *op)
{
	const char **status = &state->enrolments[op->subject];

	if (op->act == TRADE_ACT_REJECT)
		return lead(status, "submitted", "rejected");
	if (op->act == TRADE_ACT_WITHDRAW)
		return lead(status, "submitted rejected approved", "withdrawn");
	if (lead(status, "submitted", "approved") != TRIB_OK)
		return *status ? TRIB_REFUSED : TRIB_NOT_FOUND;
	state->offered[op->subject] = true;
	return TRIB_OK;
}

static void pay_fee(struct trade_state *state, const struct trade_invitation *one, int64_t sign)
{
	state->merchant -= sign * one->fee;
	state->creators[one->creator] += sign * one->fee;
}

static trib_status accept(struct trade_state *state, uint32_t subject)
{
	struct trade_invitation *one = &state->invitations[subject];

	if (lead(&one->status, "sent countered", "accepted") != TRIB_OK)
		return TRIB_REFUSED;
	if (one->sample) {
		state->samples[state->n_samples].invitation = (int32_t)subject;
		state->samples[state->n_samples++].status = "approved";
	}
	if (one->fee) {
		one->fee_state = one->due_accepted ? "settled" : "owed";
		pay_fee(state, one, 1);
	}
	return TRIB_OK;
}

static trib_status act_on_invitation(struct trade_state *state, const struct trade_op *op)
{
	struct trade_invitation *one = &state->invitations[op->subject];
	trib_status status;

	switch (op->act) {
	case TRADE_ACT_ACCEPT:
		return accept(state, op->subject);
	case TRADE_ACT_COUNTER:
		status = lead(&one->status, "sent countered", "countered");
		one->bps = status == TRIB_OK ? op->amount : one->bps;
		one->rounds += status == TRIB_OK;
		return status;
	case TRADE_ACT_DECLINE:
		return lead(&one->status, "sent countered", "declined");
	case TRADE_ACT_WITHDRAW:
		return lead(&one->status, "sent countered", "withdrawn");
	case TRADE_ACT_SETTLE:
		if (strcmp(one->status, "accepted") != 0 || !one->fee ||
		    strcmp(one->fee_state, "owed") != 0)
			return TRIB_REFUSED;
		one->fee_state = "settled";
		return TRIB_OK;
	default:
		if (strcmp(one->status, "accepted") != 0 || !one->fee || one->returned)
			return TRIB_REFUSED;
		one->returned = true;
		one->fee_state = "returned";
		pay_fee(state, one, -1);
		return TRIB_OK;
	}
}

static trib_status invite(struct trade_state *state, const struct trade_op *op)
{
	state->invitations[state->n_invitations++] = (struct trade_invitation){
		.creator = op->subject,
		.goods = op->other,
		.bps = op->amount,
		.fee = op->fee,
		.due_accepted = op->settled,
		.sample = op->sample,
		.expires_ms = op->expires_ms,
		.status = "sent",
	};
	return TRIB_OK;
}

static trib_status act_on_sample(struct trade_state *state, const struct trade_op *op)
{
	const char **status = &state->samples[op->subject].status;

	switch (op->act) {
	case TRADE_ACT_APPROVE:
		return lead(status, "applied", "approved");
	case TRADE_ACT_REJECT:
		return lead(status, "applied", "rejected");
	case TRADE_ACT_SHIP:
		return lead(status, "approved", "shipped");
	case TRADE_ACT_RECEIVE:
		return lead(status, "approved shipped",
			    "fulfilled"); /* nothing was promised for it */
	default:
		return lead(status, "applied approved", "closed");
	}
}

/* --- Shelves, orders ------------------------------------------------------------------------------------- */

static bool stands_on(const struct trade_shelf *shelf, uint32_t goods)
{
	for (uint32_t i = 0; i < shelf->count; i++)
		if (shelf->goods[i] == goods)
			return true;
	return false;
}

static trib_status shelve(struct trade_state *state, const struct trade_op *op)
{
	struct trade_shelf *shelf = &state->shelves[op->subject];
	int64_t bps;
	int32_t plan;

	for (uint32_t i = 0; i < op->n_goods; i++)
		if (!stands_on(shelf, op->goods[i]) &&
		    trade_terms(state, op->subject / TRADE_KINDS_OF_SHELF, op->goods[i], op->at_ms,
				&bps, &plan) != TRIB_OUTCOME_NONE)
			return TRIB_REFUSED;
	if (shelf->count == op->n_goods &&
	    !memcmp(shelf->goods, op->goods, op->n_goods * sizeof(op->goods[0])))
		return TRIB_OK;
	shelf->version++;
	shelf->count = op->n_goods;
	memcpy(shelf->goods, op->goods, sizeof(shelf->goods));
	return TRIB_OK;
}

static trib_status order(const struct trade_model *model, struct trade_state *state,
			 struct trade_op *op)
{
	const struct trade_op *link = &model->ops[op->other];
	int64_t bps;
	int32_t plan;

	op->charged = 0;
	op->outcome = trade_terms(state, link->subject, link->other, op->at_ms, &bps, &plan);
	if (op->at_ms - link->at_ms > TOKEN_TTL_MS)
		op->outcome = TRIB_OUTCOME_EXPIRED;
	else if (op->outcome == TRIB_OUTCOME_NONE && plan >= 0 && plan % 2 &&
		 state->plans[plan].spent >= TRADE_BUDGET)
		op->outcome = TRIB_OUTCOME_BUDGET_EXHAUSTED;
	if (op->outcome != TRIB_OUTCOME_NONE)
		return TRIB_OK;
	op->outcome = TRIB_OUTCOME_ATTRIBUTED;
	op->charged = op->amount * bps / 10000;
	state->merchant -= op->charged;
	state->creators[link->subject] += op->charged;
	if (plan >= 0)
		state->plans[plan].spent += op->charged;
	return TRIB_OK;
}

/* --- The list -------------------------------------------------------------------------------------------- */

static trib_status fold_people(struct trade_state *state, struct trade_op *op)
{
	switch (op->kind) {
	case TRADE_ENROL:
		state->enrolments[op->subject] = "submitted";
		return TRIB_OK;
	case TRADE_ENROL_ACT:
		return act_on_enrolment(state, op);
	case TRADE_INVITE:
		return invite(state, op);
	case TRADE_INVITE_ACT:
		return act_on_invitation(state, op);
	case TRADE_SAMPLE:
		state->samples[state->n_samples].invitation = -1;
		state->samples[state->n_samples++].status = "applied";
		state->n_asked++;
		return TRIB_OK;
	default:
		return act_on_sample(state, op);
	}
}

static trib_status fold_access(struct trade_state *state, const struct trade_op *op, size_t index)
{
	switch (op->kind) {
	case TRADE_TOKEN:
		state->tokens[state->n_tokens++].op = (uint32_t)index;
		break;
	case TRADE_REVOKE:
		state->tokens[op->subject].ended = true;
		break;
	case TRADE_SIGN_IN:
		state->sessions[state->n_sessions++].op = (uint32_t)index;
		break;
	default:
		state->sessions[op->subject].ended = true;
	}
	return TRIB_OK;
}

trib_status trade_fold(const struct trade_model *model, struct trade_state *state,
		       struct trade_op *op, size_t index)
{
	int64_t bps;
	int32_t plan;

	switch (op->kind) {
	case TRADE_PLAY:
		state->play_versions++;
		return TRIB_OK;
	case TRADE_ACTIVATE:
		return activate(state, op->subject);
	case TRADE_ROLLBACK:
		return roll_back(state);
	case TRADE_CLOSE:
		return close_play(state);
	case TRADE_PLAN:
		return put_plan(state, op, index);
	case TRADE_PLAN_ACT:
		return act_on_plan(state, op);
	case TRADE_DECIDE:
		return decide(state, op);
	case TRADE_SHELVE:
		return shelve(state, op);
	case TRADE_LINK:
		return trade_terms(state, op->subject, op->other, op->at_ms, &bps, &plan) ==
				       TRIB_OUTCOME_NONE
			       ? TRIB_OK
			       : TRIB_REFUSED;
	case TRADE_ORDER:
		return order(model, state, op);
	case TRADE_TOKEN:
	case TRADE_REVOKE:
	case TRADE_SIGN_IN:
	case TRADE_SIGN_OUT:
		return fold_access(state, op, index);
	default:
		return fold_people(state, op);
	}
}

trib_status trade_add(struct trade_model *model, const struct trade_op *op)
{
	if (model->count == model->capacity) {
		model->capacity = model->capacity ? 2 * model->capacity : 256;
		model->ops = trib_realloc(model->ops, model->capacity * sizeof(model->ops[0]));
	}
	model->ops[model->count] = *op;
	trib_status status =
		trade_fold(model, &model->state, &model->ops[model->count], model->count);

	model->count++;
	return status;
}

void trade_cut(struct trade_model *model, size_t count)
{
	memset(&model->state, 0, sizeof(model->state));
	model->count = count;
	for (size_t i = 0; i < count; i++)
		trade_fold(model, &model->state, &model->ops[i], i);
}
