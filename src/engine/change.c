/* The bytes of an order's life: messages OrderChanged and MessagesKept. */
#include "engine/change.h"

/* The widths of lengths that are written before what they count; protobuf allows the longer form. */
enum { EVENT_WIDTH = 3, MESSAGES_WIDTH = 3, SLICE_WIDTH = 2, SMALL_WIDTH = 2 };

void trib_order_change_reset(struct trib_order_change *change)
{
	memset(change, 0, offsetof(struct trib_order_change, messages));
	memset(&change->messages, 0, offsetof(struct trib_life_messages, edits));
}

/* --- Writing ------------------------------------------------------------------------------------------ */

static size_t messages_bytes_max(const struct trib_life_messages *messages)
{
	size_t size = 64 + TRIB_ORDER_STATES * 32 + messages->n_edits * 48 + messages->review.reason.size +
		      messages->review.by.size;

	for (uint32_t i = 0; i < TRIB_ORDER_STATES; i++)
		size += messages->reached[i].reason.size;
	for (uint32_t i = 0; i < messages->n_refunds; i++)
		size += 96 + messages->refunds[i].id.size;
	return size;
}

enum { BUSINESS_FIELD = 80 };

static char *put_business(char *p, const struct trib_change_business *business)
{
	enum { WIDTH = 1 };

	if (!business->counts)
		return p;
	char *content = trib_wire_open(p, BUSINESS_FIELD, WIDTH);

	p = trib_wire_put_u64(content, 1, business->registration);
	p = trib_wire_put_u64(p, 2, business->plan);
	p = trib_wire_put_u64(p, 3, business->paid_orders);
	p = trib_wire_put_s64(p, 4, business->paid_base);
	p = trib_wire_put_s64(p, 5, business->net_commission);
	p = trib_wire_put_u64(p, 6, business->refunds);
	p = trib_wire_put_u64(p, 7, business->refunded_orders);
	p = trib_wire_put_s64(p, 8, business->refunded);
	trib_wire_close(content, p, WIDTH);
	return p;
}

size_t trib_order_change_bytes_max(const struct trib_order_change *change)
{
	return 352 + change->order.size + change->tallies.size + messages_bytes_max(&change->messages) + change->n_slices * 64 +
	       change->n_lines * (size_t)64 + change->n_moves * (size_t)(TRIB_TRANSFER_BYTES_MAX + 16);
}

size_t trib_messages_kept_bytes_max(struct trib_bytes order, const struct trib_life_messages *messages)
{
	return 32 + order.size + messages_bytes_max(messages);
}

static char *put_refund(char *p, const struct trib_refund *refund)
{
	char *content = trib_wire_open(p, 3, SMALL_WIDTH);

	p = trib_wire_put_bytes(content, 1, refund->id);
	p = trib_wire_put_u64(p, 2, refund->kind);
	p = trib_wire_put_u64(p, 3, (uint64_t)refund->amount);
	p = trib_wire_put_u64(p, 4, refund->qty);
	p = trib_wire_put_u64(p, 5, (uint64_t)refund->at_ms);
	p = trib_wire_put_u64(p, 6, refund->at_stated);
	p = trib_wire_put_u64(p, 7, (uint64_t)refund->remaining);
	p = trib_wire_put_u64(p, 8, (uint64_t)refund->reversed);
	p = trib_wire_put_u64(p, 9, refund->is_part);
	p = trib_wire_put_u64(p, 10, (uint64_t)refund->whole);
	trib_wire_close(content, p, SMALL_WIDTH);
	return p;
}

static char *put_messages(char *p, uint32_t field, const struct trib_life_messages *messages)
{
	char *content = trib_wire_open(p, field, MESSAGES_WIDTH);

	p = content;
	for (uint32_t state = TRIB_ORDER_CREATED; state < TRIB_ORDER_STATES; state++) {
		const struct trib_reached *reached = &messages->reached[state];

		if (!reached->at_ms)
			continue;
		char *one = trib_wire_open(p, 1, SMALL_WIDTH);

		p = trib_wire_put_u64(one, 1, state);
		p = trib_wire_put_u64(p, 2, (uint64_t)reached->at_ms);
		p = trib_wire_put_bytes(p, 3, reached->reason);
		trib_wire_close(one, p, SMALL_WIDTH);
	}
	for (uint32_t i = 0; i < messages->n_edits; i++) {
		char *one = trib_wire_open(p, 2, SMALL_WIDTH);

		p = trib_wire_put_u64(one, 1, (uint64_t)messages->edits[i].at_ms);
		p = trib_wire_put_u64(p, 2, messages->edits[i].state);
		p = trib_wire_put_u64(p, 3, (uint64_t)messages->edits[i].base);
		trib_wire_close(one, p, SMALL_WIDTH);
	}
	for (uint32_t i = 0; i < messages->n_refunds; i++)
		p = put_refund(p, &messages->refunds[i]);
	if (messages->review.verdict) {
		char *one = trib_wire_open(p, 4, SMALL_WIDTH);

		p = trib_wire_put_u64(one, 1, messages->review.verdict);
		p = trib_wire_put_u64(p, 2, (uint64_t)messages->review.at_ms);
		p = trib_wire_put_bytes(p, 3, messages->review.reason);
		p = trib_wire_put_bytes(p, 4, messages->review.by);
		trib_wire_close(one, p, SMALL_WIDTH);
	}
	trib_wire_close(content, p, MESSAGES_WIDTH);
	return p;
}

/* message Posting */
/* Where the rates of a slice stand, as in a decision. */
enum { FIRST_RATE_FIELD = 8 };
_Static_assert(TRIB_RATE_AGENCY - TRIB_RATE_COMMISSION == 4, "fields 8 to 12");

static char *put_slices(char *p, const struct trib_order_change *change)
{
	uint32_t line = 0;

	for (uint32_t i = 0; i < change->n_slices; i++) {
		char *content = trib_wire_open(p, 13, SLICE_WIDTH);

		p = trib_wire_put_u64(content, 1, change->slice_touch[i]);
		p = trib_wire_put_u64(p, 6, (uint64_t)change->slice_base[i]);
		for (; line < change->n_lines && change->lines[line].slice == i; line++)
			p = trib_order_line_put(p, 7, &change->lines[line].line);
		for (uint32_t rate = TRIB_RATE_COMMISSION; change->locked_ms && rate < TRIB_RATES; rate++)
			p = trib_wire_put_u64(p, FIRST_RATE_FIELD + rate - TRIB_RATE_COMMISSION,
					      change->slice_rates[i].bps[rate]);
		trib_wire_close(content, p, SLICE_WIDTH);
	}
	return p;
}

char *trib_order_change_put(char *p, const struct trib_order_change *change)
{
	char *event = trib_wire_open(p, TRIB_BATCH_EVENT, EVENT_WIDTH);
	char *body = trib_wire_open(event, TRIB_EVENT_ORDER_CHANGED, EVENT_WIDTH);

	p = trib_wire_put_bytes(body, 1, change->order);
	p = trib_wire_put_u64(p, 2, change->decision);
	p = trib_wire_put_u64(p, 3, change->previous);
	p = trib_wire_put_u64(p, 4, change->currency);
	p = trib_wire_put_u64(p, 5, change->state);
	p = trib_wire_put_u64(p, 6, change->final);
	p = trib_wire_put_u64(p, 7, (uint64_t)change->base);
	p = trib_wire_put_u64(p, 8, (uint64_t)change->remaining);
	p = trib_wire_put_u64(p, 9, (uint64_t)change->counted);
	p = trib_wire_put_u64(p, 10, (uint64_t)change->charged);
	p = trib_wire_put_u64(p, 11, (uint64_t)change->forfeited);
	p = trib_wire_put_u64(p, 46, (uint64_t)change->told_at_ms); /* before the moves: statements read both in one pass */
	p = put_messages(p, 12, &change->messages);
	p = put_slices(p, change);
	for (uint32_t i = 0; i < change->n_moves; i++)
		p = trib_transfer_put(p, 14, &change->moves[i]);
	p = trib_wire_put_u64(p, 15, change->left_out);
	p = trib_wire_put_u64(p, 16, (uint64_t)change->locked_ms);
	p = trib_wire_put_bytes(p, 45, change->tallies);
	p = put_business(p, &change->business);
	trib_wire_close(body, p, EVENT_WIDTH);
	trib_wire_close(event, p, EVENT_WIDTH);
	return p;
}

char *trib_messages_kept_put(char *p, struct trib_bytes order, const struct trib_life_messages *messages)
{
	char *event = trib_wire_open(p, TRIB_BATCH_EVENT, EVENT_WIDTH);
	char *body = trib_wire_open(event, TRIB_EVENT_MESSAGES_KEPT, EVENT_WIDTH);

	p = trib_wire_put_bytes(body, 1, order);
	p = put_messages(p, 2, messages);
	trib_wire_close(body, p, EVENT_WIDTH);
	trib_wire_close(event, p, EVENT_WIDTH);
	return p;
}

/* --- Reading ------------------------------------------------------------------------------------------ */

static bool get_reached(struct trib_bytes rest, struct trib_life_messages *messages)
{
	struct trib_reached reached = { 0 };
	struct trib_wire_field field;
	uint64_t state = 0;
	bool ok;

	while (trib_wire_next(&rest, &field, &ok))
		switch (field.number) {
		case 1: state = field.value; break;
		case 2: reached.at_ms = (int64_t)field.value; break;
		case 3: reached.reason = field.type == TRIB_WIRE_BYTES ? field.bytes : reached.reason; break;
		}
	if (!ok || state < TRIB_ORDER_CREATED || state >= TRIB_ORDER_STATES)
		return false;
	messages->reached[state] = reached;
	return true;
}

static bool get_edit(struct trib_bytes rest, struct trib_base_edit *ret_edit)
{
	struct trib_wire_field field;
	bool ok;

	*ret_edit = (struct trib_base_edit){ 0 };
	while (trib_wire_next(&rest, &field, &ok))
		switch (field.number) {
		case 1: ret_edit->at_ms = (int64_t)field.value; break;
		case 2: ret_edit->state = (enum trib_order_state)TRIB_MIN(field.value, (uint64_t)TRIB_ORDER_STATES); break;
		case 3: ret_edit->base = (int64_t)field.value; break;
		}
	return ok;
}

static bool get_refund(struct trib_bytes rest, struct trib_refund *ret_refund)
{
	struct trib_wire_field field;
	bool ok;

	*ret_refund = (struct trib_refund){ 0 };
	while (trib_wire_next(&rest, &field, &ok))
		switch (field.number) {
		case 1: ret_refund->id = field.type == TRIB_WIRE_BYTES ? field.bytes : ret_refund->id; break;
		case 2: ret_refund->kind = (enum trib_refund_kind)TRIB_MIN(field.value, (uint64_t)UINT8_MAX); break;
		case 3: ret_refund->amount = (int64_t)field.value; break;
		case 4: ret_refund->qty = (uint32_t)field.value; break;
		case 5: ret_refund->at_ms = (int64_t)field.value; break;
		case 6: ret_refund->at_stated = field.value != 0; break;
		case 7: ret_refund->remaining = (int64_t)field.value; break;
		case 8: ret_refund->reversed = (int64_t)field.value; break;
		case 9: ret_refund->is_part = field.value != 0; break;
		case 10: ret_refund->whole = (int64_t)field.value; break;
		}
	return ok;
}

static bool get_review(struct trib_bytes rest, struct trib_review *ret_review)
{
	struct trib_wire_field field;
	bool ok;

	*ret_review = (struct trib_review){ 0 };
	while (trib_wire_next(&rest, &field, &ok))
		switch (field.number) {
		case 1: ret_review->verdict = (enum trib_review_verdict)TRIB_MIN(field.value, (uint64_t)UINT8_MAX); break;
		case 2: ret_review->at_ms = (int64_t)field.value; break;
		case 3: ret_review->reason = field.type == TRIB_WIRE_BYTES ? field.bytes : ret_review->reason; break;
		case 4: ret_review->by = field.type == TRIB_WIRE_BYTES ? field.bytes : ret_review->by; break;
		}
	return ok && ret_review->verdict != TRIB_REVIEW_NONE;
}

static bool get_messages(struct trib_bytes rest, struct trib_life_messages *messages)
{
	struct trib_wire_field field;
	const char *reason;
	bool ok;

	memset(messages, 0, offsetof(struct trib_life_messages, edits));
	while (trib_wire_next(&rest, &field, &ok)) {
		if (field.type != TRIB_WIRE_BYTES)
			continue;
		if ((field.number == 1 && !get_reached(field.bytes, messages)) ||
		    (field.number == 2 && (messages->n_edits == TRIB_LIMIT_ORDER_EDITS ||
					   !get_edit(field.bytes, &messages->edits[messages->n_edits++]))) ||
		    (field.number == 3 && (messages->n_refunds == TRIB_LIMIT_ORDER_REFUNDS ||
					   !get_refund(field.bytes, &messages->refunds[messages->n_refunds++]))) ||
		    (field.number == 4 && !get_review(field.bytes, &messages->review)))
			return false;
	}
	return ok && trib_life_messages_check(messages, &reason);
}

static bool get_line(struct trib_bytes bytes, struct trib_order_line *ret_line)
{
	return trib_order_line_get(bytes, ret_line) && ret_line->amount >= 0;
}

static bool get_slice(struct trib_bytes rest, struct trib_order_change *change)
{
	struct trib_wire_field field;
	uint32_t slice = change->n_slices;
	bool ok;

	if (slice == TRIB_LIMIT_TOUCHES_CONSIDERED)
		return false;
	change->n_slices++;
	change->slice_base[slice] = 0;
	change->slice_touch[slice] = 0;
	memset(&change->slice_rates[slice], 0, sizeof(change->slice_rates[slice]));
	while (trib_wire_next(&rest, &field, &ok)) {
		if (field.number == 1)
			change->slice_touch[slice] = (uint32_t)field.value;
		if (field.number == 6)
			change->slice_base[slice] = (int64_t)field.value;
		if (field.number >= FIRST_RATE_FIELD && field.number - FIRST_RATE_FIELD + TRIB_RATE_COMMISSION < TRIB_RATES)
			change->slice_rates[slice].bps[field.number - FIRST_RATE_FIELD + TRIB_RATE_COMMISSION] =
				(uint16_t)TRIB_MIN(field.value, (uint64_t)TRIB_BPS_MAX);
		if (field.number != 7)
			continue;
		if (field.type != TRIB_WIRE_BYTES || change->n_lines == TRIB_CHANGE_LINES_MAX ||
		    !get_line(field.bytes, &change->lines[change->n_lines].line))
			return false;
		change->lines[change->n_lines++].slice = slice;
	}
	return ok && change->slice_touch[slice] < TRIB_LIMIT_TOUCHES_CONSIDERED;
}

static bool get_business(struct trib_bytes rest, struct trib_change_business *ret_business)
{
	struct trib_wire_field field;
	bool ok;

	*ret_business = (struct trib_change_business){ .counts = true };
	while (trib_wire_next(&rest, &field, &ok))
		switch (field.number) {
		case 1: ret_business->registration = (uint32_t)field.value; break;
		case 2: ret_business->plan = (uint32_t)field.value; break;
		case 3: ret_business->paid_orders = (uint32_t)field.value; break;
		case 4: ret_business->paid_base = trib_wire_unzigzag(field.value); break;
		case 5: ret_business->net_commission = trib_wire_unzigzag(field.value); break;
		case 6: ret_business->refunds = (uint32_t)field.value; break;
		case 7: ret_business->refunded_orders = (uint32_t)field.value; break;
		case 8: ret_business->refunded = trib_wire_unzigzag(field.value); break;
		}
	return ok;
}

static bool get_bytes_field(const struct trib_wire_field *field, struct trib_order_change *change)
{
	switch (field->number) {
	case 1: change->order = field->bytes; return true;
	case 45: change->tallies = field->bytes; return true;
	case BUSINESS_FIELD: return get_business(field->bytes, &change->business);
	case 12: return get_messages(field->bytes, &change->messages);
	case 13: return get_slice(field->bytes, change);
	case 14:
		return change->n_moves < TRIB_CHANGE_MOVES_MAX && trib_transfer_get(field->bytes, &change->moves[change->n_moves++]);
	}
	return true;
}

bool trib_order_change_get(struct trib_bytes body, struct trib_order_change *ret_change)
{
	struct trib_order_change *change = ret_change;
	struct trib_wire_field field;
	bool ok;

	trib_order_change_reset(change);
	while (trib_wire_next(&body, &field, &ok)) {
		if (field.type == TRIB_WIRE_BYTES) {
			if (!get_bytes_field(&field, change))
				return false;
			continue;
		}
		switch (field.number) {
		case 2: change->decision = field.value; break;
		case 3: change->previous = field.value; break;
		case 4: change->currency = (uint32_t)field.value; break;
		case 5: change->state = (enum trib_order_state)TRIB_MIN(field.value, (uint64_t)TRIB_ORDER_STATES); break;
		case 6: change->final = field.value != 0; break;
		case 7: change->base = (int64_t)field.value; break;
		case 8: change->remaining = (int64_t)field.value; break;
		case 9: change->counted = (int64_t)field.value; break;
		case 10: change->charged = (int64_t)field.value; break;
		case 11: change->forfeited = (int64_t)field.value; break;
		case 15: change->left_out = (uint32_t)field.value; break;
		case 16: change->locked_ms = (int64_t)field.value; break;
		case 46: change->told_at_ms = (int64_t)field.value; break;
		}
	}
	return ok && change->order.size > 0 && change->order.size <= TRIB_ORDER_ID_BYTES_MAX && change->decision &&
	       change->previous && trib_order_state_word(change->state);
}

bool trib_messages_kept_get(struct trib_bytes body, struct trib_bytes *ret_order,
			    struct trib_life_messages *ret_messages)
{
	struct trib_wire_field field;
	bool ok;

	*ret_order = trib_bytes(NULL, 0);
	memset(ret_messages, 0, offsetof(struct trib_life_messages, edits));
	while (trib_wire_next(&body, &field, &ok)) {
		if (field.type != TRIB_WIRE_BYTES)
			continue;
		if (field.number == 1)
			*ret_order = field.bytes;
		else if (field.number == 2 && !get_messages(field.bytes, ret_messages))
			return false;
	}
	return ok && ret_order->size > 0 && ret_order->size <= TRIB_ORDER_ID_BYTES_MAX;
}
