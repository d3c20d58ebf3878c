/* The life of an order, as commission/lifecycle.h says. */
#include "commission/lifecycle.h"

#include "attribution/models.h"

/* --- Words -------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	int code;
} states[TRIB_ORDER_STATES] = {
#define X(name, number, word, code, english, chinese) [number] = { word, code },
	TRIB_ORDER_STATE_TABLE(X)
#undef X
};

static const struct {
	const char *word;
	enum trib_refund_effect effect;
} kinds[] = {
#define X(name, number, word, effect, english, chinese) [number] = { word, TRIB_REFUND_##effect },
	TRIB_REFUND_KIND_TABLE(X)
#undef X
};

const char *trib_order_state_word(enum trib_order_state state)
{
	return (size_t)state < TRIB_ARRAY_SIZE(states) ? states[state].word : NULL;
}

int trib_order_state_code(enum trib_order_state state)
{
	return (size_t)state < TRIB_ARRAY_SIZE(states) ? states[state].code : 0;
}

bool trib_order_state_of_word(struct trib_bytes word, enum trib_order_state *ret_state)
{
	for (size_t i = TRIB_ORDER_CREATED; i < TRIB_ARRAY_SIZE(states); i++)
		if (trib_bytes_is(word, states[i].word)) {
			*ret_state = (enum trib_order_state)i;
			return true;
		}
	return false;
}

const char *trib_refund_kind_word(enum trib_refund_kind kind)
{
	return (size_t)kind < TRIB_ARRAY_SIZE(kinds) ? kinds[kind].word : NULL;
}

bool trib_refund_kind_of_word(struct trib_bytes word, enum trib_refund_kind *ret_kind)
{
	for (size_t i = TRIB_REFUND_FULL; i < TRIB_ARRAY_SIZE(kinds); i++)
		if (trib_bytes_is(word, kinds[i].word)) {
			*ret_kind = (enum trib_refund_kind)i;
			return true;
		}
	return false;
}

enum trib_refund_effect trib_refund_effect(enum trib_refund_kind kind)
{
	return kinds[kind].effect;
}

bool trib_refund_takes_pieces(enum trib_refund_kind kind)
{
	return kinds[kind].effect == TRIB_REFUND_LOWERS && kind != TRIB_REFUND_PRICE_PROTECTION;
}

/* --- What counts -------------------------------------------------------------------------------------- */

bool trib_life_counts(const struct trib_life_order *order, const struct trib_life_messages *messages, int64_t at_ms)
{
	int64_t settled_ms = messages->reached[TRIB_ORDER_SETTLED].at_ms;

	if (!settled_ms || at_ms <= settled_ms)
		return true;
	switch (order->after_settlement) {
	case TRIB_AFTER_SETTLEMENT_CLAW_BACK:
		return true;
	case TRIB_AFTER_SETTLEMENT_KEEP:
		return false;
	case TRIB_AFTER_SETTLEMENT_CLAW_BACK_WITHIN:
		return at_ms - settled_ms <= order->claw_back_ms;
	}
	return true;
}

/* Nothing is told of an order behind its `invalid`. */
static bool comes_after_invalid(const struct trib_life_messages *messages, int64_t at_ms)
{
	int64_t invalid_ms = messages->reached[TRIB_ORDER_INVALID].at_ms;

	return invalid_ms && at_ms > invalid_ms;
}

static int64_t base_of(const struct trib_life_order *order, const struct trib_life_messages *messages)
{
	int64_t base = order->base;

	for (uint32_t i = 0; i < messages->n_edits; i++)
		if (trib_life_counts(order, messages, messages->edits[i].at_ms))
			base = messages->edits[i].base;
	return base;
}

/* What refunds take off the base. It never passes a base that once was, so it stays within 64 bits. */
static int64_t taken_off(const struct trib_life_order *order, const struct trib_life_messages *messages,
			 bool only_what_counts)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < messages->n_refunds; i++) {
		const struct trib_refund *refund = &messages->refunds[i];

		if (trib_refund_effect(refund->kind) == TRIB_REFUND_LOWERS &&
		    (!only_what_counts || trib_life_counts(order, messages, refund->at_ms)))
			sum += refund->amount;
	}
	return sum;
}

/* --- Telling ------------------------------------------------------------------------------------------ */

static bool edit_before(const struct trib_base_edit *a, const struct trib_base_edit *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->state < b->state;
}

bool trib_refund_before(const struct trib_refund *a, const struct trib_refund *b)
{
	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms;
	if (a->kind != b->kind)
		return a->kind < b->kind;
	int order = trib_bytes_compare(a->id, b->id);

	return order ? order < 0 : a->is_part < b->is_part;
}

static trib_status add_edit(struct trib_life_messages *messages, const struct trib_base_edit *edit,
			    bool *ret_changed, struct trib_error *error)
{
	uint32_t at = 0;

	while (at < messages->n_edits && edit_before(&messages->edits[at], edit))
		at++;
	if (at < messages->n_edits && !edit_before(edit, &messages->edits[at])) {
		if (messages->edits[at].base == edit->base)
			return TRIB_OK;
		return trib_fail(error, TRIB_CONFLICT, "base_amount",
				 "found %lld, expected the %lld that this status stated for the same time",
				 (long long)edit->base, (long long)messages->edits[at].base);
	}
	if (messages->n_edits == TRIB_LIMIT_ORDER_EDITS)
		return trib_fail(error, TRIB_LIMIT, "base_amount", "found one more, expected at most %d in the life of an order",
				 TRIB_LIMIT_ORDER_EDITS);
	memmove(&messages->edits[at + 1], &messages->edits[at], (messages->n_edits - at) * sizeof(*edit));
	messages->edits[at] = *edit;
	messages->n_edits++;
	*ret_changed = true;
	return TRIB_OK;
}

static void remove_edit(struct trib_life_messages *messages, const struct trib_base_edit *edit)
{
	for (uint32_t i = 0; i < messages->n_edits; i++)
		if (messages->edits[i].at_ms == edit->at_ms && messages->edits[i].state == edit->state) {
			messages->n_edits--;
			memmove(&messages->edits[i], &messages->edits[i + 1],
				(messages->n_edits - i) * sizeof(*edit));
			return;
		}
}

/* The base that a status states, unless more than that has been refunded. */
static trib_status tell_edit(const struct trib_life_order *order, struct trib_life_messages *messages,
			     const struct trib_status_message *message, bool *ret_changed, struct trib_error *error)
{
	const struct trib_base_edit edit = { message->at_ms, message->state, message->base };
	bool added = false;
	trib_status status = add_edit(messages, &edit, &added, error);

	if (status != TRIB_OK || !added)
		return status;
	int64_t taken = order ? taken_off(order, messages, false) : 0;

	if (order && base_of(order, messages) < taken) {
		remove_edit(messages, &edit);
		return trib_fail(error, TRIB_REFUSED, "base_amount",
				 "found %lld, expected at least the %lld that have been refunded",
				 (long long)message->base, (long long)taken);
	}
	*ret_changed = true;
	return TRIB_OK;
}

trib_status trib_life_tell_status(const struct trib_life_order *order, struct trib_life_messages *messages,
				  const struct trib_status_message *message, bool *ret_changed,
				  struct trib_error *error)
{
	struct trib_reached *reached = &messages->reached[message->state];
	bool same = reached->at_ms == message->at_ms;

	trib_assert(message->at_ms > 0);
	*ret_changed = false;
	if (message->state != TRIB_ORDER_INVALID && comes_after_invalid(messages, message->at_ms) && !same)
		return trib_fail(error, TRIB_REFUSED, "status",
				 "found %s at %lld, expected nothing more of an order that is invalid since %lld",
				 trib_order_state_word(message->state), (long long)message->at_ms,
				 (long long)messages->reached[TRIB_ORDER_INVALID].at_ms);
	if (same && !trib_bytes_equal(reached->reason, message->reason))
		return trib_fail(error, TRIB_CONFLICT, "REASON",
				 "found another one for the same status at the same time");
	if (message->states_base) {
		trib_status status = tell_edit(order, messages, message, ret_changed, error);

		if (status != TRIB_OK)
			return status;
	}
	if (!reached->at_ms || message->at_ms < reached->at_ms) {
		*reached = (struct trib_reached){ message->at_ms, message->reason };
		*ret_changed = true;
	}
	return TRIB_OK;
}

/* What a refund of this AT may take at most. */
static int64_t most(const struct trib_life_order *order, const struct trib_life_messages *messages, int64_t at_ms)
{
	if (comes_after_invalid(messages, at_ms))
		return 0;
	int64_t left = base_of(order, messages) - taken_off(order, messages, false);

	return TRIB_MAX(left, 0);
}

static int64_t pieces_taken(const struct trib_life_order *order, const struct trib_life_messages *messages,
			    bool only_what_counts)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < messages->n_refunds; i++) {
		const struct trib_refund *refund = &messages->refunds[i];

		if (trib_refund_takes_pieces(refund->kind) &&
		    (!only_what_counts || trib_life_counts(order, messages, refund->at_ms)))
			sum += refund->qty;
	}
	return sum;
}

int64_t trib_life_pieces(const struct trib_life_order *order, const struct trib_life_messages *messages)
{
	int64_t left = TRIB_MAX(order->qty, 1) - pieces_taken(order, messages, true);

	return TRIB_MAX(left, 0);
}

/* Of an order that stated how many no more come back than there were. */
static trib_status admit_pieces(const struct trib_life_order *order, const struct trib_life_messages *messages,
				const struct trib_refund *refund, struct trib_error *error)
{
	if (!order || !order->qty || !refund->qty || !trib_refund_takes_pieces(refund->kind))
		return TRIB_OK;
	int64_t left = order->qty - pieces_taken(order, messages, false);

	if (refund->qty <= left)
		return TRIB_OK;
	return trib_fail(error, TRIB_OVER_REFUND, "QTY", "found %u, expected at most the %lld that remain", refund->qty,
			 (long long)left);
}

static trib_status admit_refund(const struct trib_life_order *order, const struct trib_life_messages *messages,
				const struct trib_refund *refund, struct trib_error *error)
{
	enum trib_refund_effect effect = trib_refund_effect(refund->kind);
	bool too_late = comes_after_invalid(messages, refund->at_ms);

	if (effect == TRIB_REFUND_FORFEITS && too_late)
		return trib_fail(error, TRIB_REFUSED, "kind", "found forfeiture, expected none of an order that is invalid");
	if (effect == TRIB_REFUND_LOWERS && (order || too_late)) {
		int64_t left = order ? most(order, messages, refund->at_ms) : 0;

		if (refund->amount > left)
			return trib_fail(error, TRIB_OVER_REFUND, "amount", "found %lld, expected at most the %lld that remain%s",
					 (long long)refund->amount, (long long)left,
					 too_late ? " of an order that is invalid" : "");
	}
	trib_status status = admit_pieces(order, messages, refund, error);

	if (status != TRIB_OK)
		return status;
	if (messages->n_refunds == TRIB_LIMIT_ORDER_REFUNDS)
		return trib_fail(error, TRIB_LIMIT, "refund", "found one more, expected at most %d of one order",
				 TRIB_LIMIT_ORDER_REFUNDS);
	return TRIB_OK;
}

trib_status trib_life_tell_refund(const struct trib_life_order *order, struct trib_life_messages *messages,
				  const struct trib_refund *refund, bool *ret_changed, uint32_t *ret_at,
				  struct trib_error *error)
{
	uint32_t at = 0;

	trib_assert(refund->at_ms > 0 && refund->amount >= 0);
	for (uint32_t i = 0; i < messages->n_refunds; i++) {
		const struct trib_refund *known = &messages->refunds[i];

		if (known->is_part || !trib_bytes_equal(known->id, refund->id))
			continue;
		if (known->kind != refund->kind || known->amount != refund->amount || known->qty != refund->qty ||
		    known->at_stated != refund->at_stated || (refund->at_stated && known->at_ms != refund->at_ms))
			return trib_fail(error, TRIB_CONFLICT, "refund",
					 "found other content than at first, expected the same or another id");
		*ret_changed = false;
		*ret_at = i;
		return TRIB_OK;
	}
	trib_status status = admit_refund(order, messages, refund, error);

	if (status != TRIB_OK)
		return status;
	while (at < messages->n_refunds && trib_refund_before(&messages->refunds[at], refund))
		at++;
	memmove(&messages->refunds[at + 1], &messages->refunds[at], (messages->n_refunds - at) * sizeof(*refund));
	messages->refunds[at] = *refund;
	messages->n_refunds++;
	*ret_changed = true;
	*ret_at = at;
	return TRIB_OK;
}

static const struct trib_refund *find_part(const struct trib_refund *refunds, uint32_t n, struct trib_bytes id)
{
	for (uint32_t i = 0; i < n; i++)
		if (refunds[i].is_part && trib_bytes_equal(refunds[i].id, id))
			return &refunds[i];
	return NULL;
}

bool trib_life_set_parts(struct trib_life_messages *messages, const struct trib_refund *parts, uint32_t n)
{
	struct trib_refund before[TRIB_LIMIT_ORDER_REFUNDS];
	uint32_t n_before = messages->n_refunds, had = 0, kept = 0, next = 0, n_own = 0;
	bool changed = false;

	memcpy(before, messages->refunds, n_before * sizeof(before[0]));
	for (uint32_t i = 0; i < n_before; i++)
		had += before[i].is_part;
	n_own = n_before - had;
	n = TRIB_MIN(n, TRIB_LIMIT_ORDER_REFUNDS - n_own);
	messages->n_refunds = 0;
	for (uint32_t i = 0; i <= n_before; i++) {
		if (i < n_before && before[i].is_part)
			continue;
		for (; next < n && (i == n_before || trib_refund_before(&parts[next], &before[i])); next++) {
			const struct trib_refund *known = find_part(before, n_before, parts[next].id);
			struct trib_refund *part = &messages->refunds[messages->n_refunds++];

			*part = parts[next];
			part->remaining = known ? known->remaining : 0;
			part->reversed = known ? known->reversed : 0;
			kept += known != NULL;
			changed |= !known || known->amount != part->amount;
		}
		if (i < n_before)
			messages->refunds[messages->n_refunds++] = before[i];
	}
	return changed || kept != had;
}

const char *trib_review_word(enum trib_review_verdict verdict)
{
	return verdict == TRIB_REVIEW_RELEASED ? "released" : verdict == TRIB_REVIEW_REJECTED ? "rejected" : "none";
}

trib_status trib_life_tell_review(struct trib_life_messages *messages, const struct trib_review *review,
				  bool *ret_changed, struct trib_error *error)
{
	*ret_changed = messages->review.verdict == TRIB_REVIEW_NONE;
	if (*ret_changed)
		messages->review = *review;
	else if (messages->review.verdict != review->verdict)
		return trib_fail(error, TRIB_CONFLICT, "order", "found it %s by an earlier review",
				 trib_review_word(messages->review.verdict));
	return TRIB_OK;
}

uint32_t trib_life_tell_kept(const struct trib_life_order *order, const struct trib_life_messages *kept,
			     struct trib_life_messages *ret_messages)
{
	uint32_t edit = 0, refund = 0, left_out = 0, at;
	bool changed;

	memcpy(ret_messages->reached, kept->reached, sizeof(kept->reached));
	ret_messages->review = kept->review;
	ret_messages->n_edits = ret_messages->n_refunds = 0;
	while (edit < kept->n_edits || refund < kept->n_refunds) {
		trib_status status;

		if (refund == kept->n_refunds || (edit < kept->n_edits && kept->edits[edit].at_ms <= kept->refunds[refund].at_ms)) {
			const struct trib_base_edit *next = &kept->edits[edit++];
			const struct trib_status_message message = { .state = next->state, .at_ms = next->at_ms,
								     .base = next->base };

			status = tell_edit(order, ret_messages, &message, &changed, NULL);
		} else {
			status = trib_life_tell_refund(order, ret_messages, &kept->refunds[refund++], &changed, &at, NULL);
		}
		left_out += status != TRIB_OK;
	}
	return left_out;
}

bool trib_life_messages_check(const struct trib_life_messages *messages, const char **ret_reason)
{
	*ret_reason = NULL;
	if (messages->n_edits > TRIB_LIMIT_ORDER_EDITS || messages->n_refunds > TRIB_LIMIT_ORDER_REFUNDS)
		*ret_reason = "more messages than an order may have";
	for (uint32_t i = 0; !*ret_reason && i < TRIB_ORDER_STATES; i++)
		if (messages->reached[i].at_ms < 0 || messages->reached[i].reason.size > TRIB_LIMIT_ORDER_REASON_BYTES)
			*ret_reason = "a status out of range";
	if (messages->review.verdict > TRIB_REVIEW_REJECTED || messages->review.at_ms < 0 ||
	    messages->review.reason.size > TRIB_LIMIT_ORDER_REASON_BYTES ||
	    messages->review.by.size > TRIB_LIMIT_ORDER_REASON_BYTES)
		*ret_reason = "a review out of range";
	for (uint32_t i = 0; !*ret_reason && i < messages->n_edits; i++) {
		const struct trib_base_edit *edit = &messages->edits[i];

		if (edit->at_ms <= 0 || edit->base < 0 || !trib_order_state_word(edit->state))
			*ret_reason = "an edit out of range";
		else if (i && !edit_before(edit - 1, edit))
			*ret_reason = "edits out of order";
	}
	for (uint32_t i = 0; !*ret_reason && i < messages->n_refunds; i++) {
		const struct trib_refund *refund = &messages->refunds[i];

		if (refund->at_ms <= 0 || refund->amount < 0 || refund->whole < 0 || !trib_refund_kind_word(refund->kind) || !refund->id.size)
			*ret_reason = "a refund out of range";
		else if (i && !trib_refund_before(refund - 1, refund))
			*ret_reason = "refunds out of order";
	}
	return !*ret_reason;
}

/* --- What follows ------------------------------------------------------------------------------------- */

static enum trib_order_state state_of(const struct trib_life_messages *messages)
{
	/* `invalid` has the highest number. */
	for (int state = TRIB_ORDER_INVALID; state > TRIB_ORDER_CREATED; state--)
		if (messages->reached[state].at_ms)
			return (enum trib_order_state)state;
	return TRIB_ORDER_CREATED;
}

static int64_t counted_base(const struct trib_life_order *order, const struct trib_life_messages *messages)
{
	int64_t invalid_ms = messages->reached[TRIB_ORDER_INVALID].at_ms;
	int64_t left = base_of(order, messages) - taken_off(order, messages, true);

	left = TRIB_MAX(left, 0);
	if (messages->review.verdict == TRIB_REVIEW_REJECTED)
		return 0;
	if (!invalid_ms || !trib_life_counts(order, messages, invalid_ms))
		return left;
	/* The balance of a pre-sale was never paid. */
	bool unpaid = !messages->reached[TRIB_ORDER_PAID].at_ms && !messages->reached[TRIB_ORDER_SETTLED].at_ms;

	return order->deposit_counts && unpaid ? TRIB_MIN(left, order->deposit) : 0;
}

static bool is_forfeited(const struct trib_life_order *order, const struct trib_life_messages *messages)
{
	for (uint32_t i = 0; i < messages->n_refunds; i++)
		if (trib_refund_effect(messages->refunds[i].kind) == TRIB_REFUND_FORFEITS &&
		    trib_life_counts(order, messages, messages->refunds[i].at_ms))
			return true;
	return false;
}

static void divide(const struct trib_life_order *order, int64_t base, int64_t *ret_parts)
{
	uint64_t weights[TRIB_LIMIT_TOUCHES_CONSIDERED], sum = 0;

	for (uint32_t i = 0; i < order->n_slices; i++)
		sum += weights[i] = order->slices[i].weight;
	trib_model_divide_by(weights, order->n_slices, sum, base, ret_parts);
}

/* What the creator of a slice would keep goes to the platform, by a line behind the slice's others. */
static void forfeit(const struct trib_life_slice *slice, uint32_t index, uint32_t first, struct trib_life *life)
{
	int64_t kept = 0;

	for (uint32_t i = first; i < life->n_lines; i++) {
		const struct trib_line *line = &life->lines[i].line;

		kept += line->to == TRIB_SLOT_CREATOR ? line->amount : 0;
		kept -= line->from == TRIB_SLOT_CREATOR ? line->amount : 0;
	}
	if (kept <= 0 || !slice->parties[TRIB_SLOT_PLATFORM])
		return;
	life->forfeited += kept;
	life->lines[life->n_lines++] = (struct trib_life_line){
		.slice = index,
		.line = { .share = TRIB_LIFE_FORFEITURE, .kind = TRIB_LINE_FORFEITURE, .to = TRIB_SLOT_PLATFORM,
			  .from = TRIB_SLOT_CREATOR, .to_party = slice->parties[TRIB_SLOT_PLATFORM],
			  .from_party = slice->parties[TRIB_SLOT_CREATOR], .amount = kept },
	};
}

/* Lines that no share makes follow their slice's base. */
static void add_extras(const struct trib_life_slice *slice, uint32_t index, struct trib_life *life)
{
	for (uint32_t i = 0; i < slice->n_extras; i++) {
		struct trib_life_line made = { index, slice->extras[i] };
		__int128 product = (__int128)made.line.amount * life->slice_base[index];

		if (slice->base > 0)
			made.line.amount = (int64_t)TRIB_MIN(product / slice->base, (__int128)INT64_MAX - life->charged);
		if (made.line.from == TRIB_SLOT_MERCHANT || made.line.from == TRIB_SLOT_PLATFORM)
			life->charged += made.line.amount;
		life->lines[life->n_lines++] = made;
	}
}

static void split_slice(const struct trib_life_order *order, uint32_t index, bool forfeited,
			struct trib_life *life)
{
	const struct trib_life_slice *slice = &order->slices[index];
	struct trib_line lines[TRIB_SPLIT_LINES_MAX];
	struct trib_rates rates = slice->rates;
	uint32_t first = life->n_lines;
	int64_t charged = 0;

	if (!slice->earns)
		return;
	/* What is forfeited does not go to the creator's agency either. */
	rates.all_to_agency = rates.all_to_agency && !forfeited;
	size_t n = order->way ? trib_split_by(order->way, order->shares, order->n_shares, life->slice_base[index], &rates,
					      slice->parties, lines, &charged) :
				trib_split(order->shares, order->n_shares, life->slice_base[index], &rates, slice->parties,
					   lines, &charged);

	for (size_t i = 0; i < n; i++)
		life->lines[life->n_lines++] = (struct trib_life_line){ index, lines[i] };
	life->charged += charged;
	add_extras(slice, index, life);
	if (forfeited)
		forfeit(slice, index, first, life);
}

void trib_lifecycle(const struct trib_life_order *order, const struct trib_life_messages *messages,
		    struct trib_life *ret_life)
{
	struct trib_life *life = ret_life;
	int64_t left;

	life->state = state_of(messages);
	life->base = base_of(order, messages);
	life->counted = counted_base(order, messages);
	left = life->base - taken_off(order, messages, false);
	life->remaining = life->state == TRIB_ORDER_INVALID ? 0 : TRIB_MAX(left, 0);
	life->final = life->state == TRIB_ORDER_INVALID || messages->review.verdict == TRIB_REVIEW_REJECTED || messages->reached[TRIB_ORDER_SETTLED].at_ms;
	life->charged = life->forfeited = 0;
	life->n_lines = 0;
	if (!order->n_slices)
		return;
	bool forfeited = is_forfeited(order, messages);

	divide(order, life->counted, life->slice_base);
	for (uint32_t i = 0; i < order->n_slices; i++)
		split_slice(order, i, forfeited, life);
}
