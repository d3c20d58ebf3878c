/* Resolving, as attribution/resolve.h says. */
#include "attribution/resolve.h"
#include "attribution/models.h"

const char *trib_reason_word(enum trib_reason reason)
{
	switch (reason) {
	case TRIB_REASON_NONE:
		break;
#define X(name, number, word)                                                                      \
	case TRIB_REASON_##name:                                                                   \
		return word;
		TRIB_REASON_TABLE(X)
#undef X
	}
	return NULL;
}

enum trib_match trib_match_level(const struct trib_order_facts *order, uint32_t goods,
				 uint32_t merchant)
{
	if (goods == order->goods)
		return TRIB_MATCH_GOODS;
	return merchant && merchant == order->merchant ? TRIB_MATCH_SHOP : TRIB_MATCH_ANY;
}

/* Indexes of the candidates that are still in, oldest first. */
struct field {
	uint8_t index[TRIB_LIMIT_TOUCHES_CONSIDERED];
	size_t count;
};

static void keep_inside_window(int64_t window_ms, const struct trib_order_facts *order,
			       const struct trib_candidate *candidates, size_t n,
			       struct field *field, uint8_t *reasons)
{
	for (size_t i = 0; i < n; i++) {
		int64_t at_ms = candidates[i].at_ms;

		if (at_ms > order->at_ms)
			reasons[i] = TRIB_REASON_AFTER_ORDER;
		else if (at_ms < order->at_ms - window_ms)
			reasons[i] = TRIB_REASON_OUTSIDE_WINDOW;
		else
			field->index[field->count++] = (uint8_t)i;
	}
}

static void keep_matching(enum trib_match match, const struct trib_order_facts *order,
			  const struct trib_candidate *candidates, struct field *field,
			  uint8_t *reasons)
{
	size_t kept = 0;

	for (size_t i = 0; i < field->count; i++) {
		uint8_t index = field->index[i];

		if (trib_match_level(order, candidates[index].goods, candidates[index].merchant) <=
		    match)
			field->index[kept++] = index;
		else
			reasons[index] = match == TRIB_MATCH_GOODS ? TRIB_REASON_OTHER_GOODS
								   : TRIB_REASON_OTHER_SHOP;
	}
	field->count = kept;
}

static void drop_views_below_clicks(const struct trib_candidate *candidates, struct field *field,
				    uint8_t *reasons)
{
	size_t views = 0, kept = 0;

	for (size_t i = 0; i < field->count; i++)
		views += candidates[field->index[i]].kind == TRIB_TOUCH_VIEW;
	if (!views || views == field->count)
		return;
	for (size_t i = 0; i < field->count; i++) {
		uint8_t index = field->index[i];

		if (candidates[index].kind == TRIB_TOUCH_VIEW)
			reasons[index] = TRIB_REASON_VIEW_BELOW_CLICK;
		else
			field->index[kept++] = index;
	}
	field->count = kept;
}

/* Why somebody lost to a single winner. */
static enum trib_reason lost_by(enum trib_model model)
{
	return model == TRIB_MODEL_LAST	   ? TRIB_REASON_LATER_WON
	       : model == TRIB_MODEL_FIRST ? TRIB_REASON_EARLIER_WON
					   : TRIB_REASON_HIGHER_PRIORITY_WON;
}

static bool has_one_winner(enum trib_model model)
{
	return model == TRIB_MODEL_LAST || model == TRIB_MODEL_FIRST ||
	       model == TRIB_MODEL_PRIORITY;
}

static void divide(const struct trib_node *node, const struct trib_order_facts *order,
		   const struct trib_candidate *candidates, const struct field *field,
		   struct trib_resolution *resolution)
{
	struct trib_model_rule rule = { .model = node->model, .half_life = node->half_life_ms };
	struct trib_model_touch touches[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint64_t weights[TRIB_LIMIT_TOUCHES_CONSIDERED], sum;
	int64_t parts[TRIB_LIMIT_TOUCHES_CONSIDERED];
	bool one = has_one_winner(rule.model);

	for (size_t i = 0; i < field->count; i++) {
		const struct trib_candidate *candidate = &candidates[field->index[i]];

		touches[i] = (struct trib_model_touch){ .age = order->at_ms - candidate->at_ms,
							.priority = candidate->priority };
	}
	sum = trib_model_weights(&rule, touches, field->count, weights);
	trib_model_divide_by(weights, field->count, sum, order->base, parts);
	for (size_t i = 0; i < field->count; i++) {
		uint8_t index = field->index[i];

		if (one && !weights[i]) {
			resolution->reason[index] = lost_by(rule.model);
			continue;
		}
		resolution->reason[index] = TRIB_REASON_WON;
		resolution->winner[resolution->winners] = index;
		resolution->slice[resolution->winners++] = parts[i];
	}
}

void trib_attribution_resolve(const struct trib_node *node, const struct trib_order_facts *order,
			      const struct trib_candidate *candidates, size_t n,
			      struct trib_resolution *ret_resolution)
{
	struct field field;

	trib_assert(n <= TRIB_LIMIT_TOUCHES_CONSIDERED && order->base >= 0);
	field.count = 0;
	ret_resolution->outcome = TRIB_OUTCOME_NONE;
	ret_resolution->winners = 0;
	keep_inside_window(node->window_ms, order, candidates, n, &field, ret_resolution->reason);
	if (!field.count) {
		ret_resolution->outcome =
			order->by_token ? TRIB_OUTCOME_EXPIRED : TRIB_OUTCOME_NO_TOUCH;
		return;
	}
	keep_matching(node->match, order, candidates, &field, ret_resolution->reason);
	if (!field.count) {
		ret_resolution->outcome = TRIB_OUTCOME_GOODS_MISMATCH;
		return;
	}
	drop_views_below_clicks(candidates, &field, ret_resolution->reason);
	divide(node, order, candidates, &field, ret_resolution);
}

void trib_touch_of_token(const struct trib_token *token, struct trib_touch *ret_touch)
{
	*ret_touch = (struct trib_touch){
		.at_ms = token->issued_at_ms,
		.issued_at_ms = token->issued_at_ms,
		.link = token->link,
		.goods = token->goods,
		.creator = token->creator,
		.plan = token->plan,
		.offer = token->offer,
		.plan_version = token->plan_version,
		.registration = token->registration,
		.channel = token->channel,
		.carrier_kind = token->carrier_kind,
		.carrier = token->carrier,
		.carrier_owner = token->carrier_owner,
		.page = token->page,
		.kind = TRIB_TOUCH_CLICK,
	};
}
