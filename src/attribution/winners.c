#include "attribution/winners.h"

const char *trib_reason_word(enum trib_reason reason)
{
	switch (reason) {
#define X(name, number, word)                                                                      \
	case TRIB_REASON_##name:                                                                   \
		return word;
		TRIB_REASON_TABLE(X)
#undef X
	}
	return "unknown";
}

static enum trib_reason judge(const struct trib_attribution_rule *rule, int64_t order_at_ms,
			      const struct trib_candidate *candidate)
{
	/* In this order nothing overflows, whatever the window. */
	if (candidate->at_ms > order_at_ms || order_at_ms - candidate->at_ms > rule->window_ms)
		return TRIB_REASON_OUTSIDE_WINDOW;
	if (candidate->match <= rule->match)
		return TRIB_REASON_OTHER_WON;
	return rule->match == TRIB_MATCH_GOODS ? TRIB_REASON_OTHER_GOODS : TRIB_REASON_OTHER_SHOP;
}

/* Views give way to anything else that counts. */
static void drop_views(const struct trib_candidate *candidates, size_t n, uint8_t *reasons)
{
	bool stronger = false;

	for (size_t i = 0; i < n; i++)
		stronger |= reasons[i] == TRIB_REASON_OTHER_WON &&
			    candidates[i].kind != TRIB_TOUCH_VIEW;
	for (size_t i = 0; stronger && i < n; i++)
		if (reasons[i] == TRIB_REASON_OTHER_WON && candidates[i].kind == TRIB_TOUCH_VIEW)
			reasons[i] = TRIB_REASON_VIEW_BELOW_CLICK;
}

void trib_attribute(const struct trib_attribution_rule *rule, int64_t order_at_ms, int64_t base,
		    const struct trib_candidate *candidates, size_t n,
		    struct trib_attribution *ret_attribution)
{
	struct trib_attribution *result = ret_attribution;
	struct trib_model_touch touches[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint64_t weights[TRIB_LIMIT_TOUCHES_CONSIDERED];
	int64_t parts[TRIB_LIMIT_TOUCHES_CONSIDERED];
	uint32_t who[TRIB_LIMIT_TOUCHES_CONSIDERED];
	size_t count = 0;

	trib_assert(n <= TRIB_LIMIT_TOUCHES_CONSIDERED);
	result->outcome = TRIB_OUTCOME_NO_TOUCH;
	result->n_winners = 0;
	for (size_t i = 0; i < n; i++) {
		result->reasons[i] = (uint8_t)judge(rule, order_at_ms, &candidates[i]);
		if (result->reasons[i] == TRIB_REASON_OTHER_GOODS ||
		    result->reasons[i] == TRIB_REASON_OTHER_SHOP)
			result->outcome = TRIB_OUTCOME_GOODS_MISMATCH;
	}
	drop_views(candidates, n, result->reasons);
	for (size_t i = 0; i < n; i++) {
		if (result->reasons[i] != TRIB_REASON_OTHER_WON)
			continue;
		touches[count] =
			(struct trib_model_touch){ .age = order_at_ms - candidates[i].at_ms,
						   .priority = candidates[i].priority };
		who[count++] = (uint32_t)i;
	}
	if (count == 0)
		return;
	uint64_t sum = trib_model_weights(&rule->model, touches, count, weights);

	trib_model_divide_by(weights, count, sum, base, parts);
	for (size_t i = 0; i < count; i++) {
		/* Where all weights are 0 the newest gets everything. */
		if (weights[i] == 0 && !(sum == 0 && i + 1 == count))
			continue;
		result->winners[result->n_winners++] = (struct trib_winner){ who[i], parts[i] };
		result->reasons[who[i]] = TRIB_REASON_WON;
	}
	result->outcome = TRIB_OUTCOME_NONE;
}
