#include "engine/events.h"

#include "proto/proto.h"

/* Field numbers, as in proto/tributary.proto; the unit test compares with protobuf-c. */
enum { BATCH_TIME = 1, BATCH_EVENT = 2 };
enum { EVENT_LENGTH_WIDTH = 3, SLICE_LENGTH_WIDTH = 2, SMALL_LENGTH_WIDTH = 1 };

void trib_order_record_reset(struct trib_order_record *record)
{
	memset(record, 0, offsetof(struct trib_order_record, ext));
}

size_t trib_order_event_bytes_max(const struct trib_order_record *record)
{
	size_t ext = 0;

	for (uint32_t i = 0; i < record->n_ext; i++)
		ext += record->ext[i].key.size + record->ext[i].value.size + 16;
	return 256 + record->order.size + record->bad_token.size + record->path.size + record->facts.size +
	       ext + record->n_touches * 128 + record->n_slices * 64 + record->n_lines * 64;
}

/* --- Writing ------------------------------------------------------------------------------------------ */

static char *open_event(char *p, enum trib_event_kind kind, char **ret_event, char **ret_body)
{
	*ret_event = trib_wire_open(p, BATCH_EVENT, EVENT_LENGTH_WIDTH);
	*ret_body = trib_wire_open(*ret_event, kind, EVENT_LENGTH_WIDTH);
	return *ret_body;
}

static char *close_event(char *p, char *event, char *body)
{
	trib_wire_close(body, p, EVENT_LENGTH_WIDTH);
	trib_wire_close(event, p, EVENT_LENGTH_WIDTH);
	return p;
}

/* message TokenFields: at most 82 bytes. */
static char *put_token_fields(char *p, uint32_t field, const struct trib_touch *touch)
{
	char *content = trib_wire_open(p, field, SMALL_LENGTH_WIDTH);

	p = trib_wire_put_u64(content, 1, touch->link);
	p = trib_wire_put_u64(p, 2, touch->registration);
	p = trib_wire_put_u64(p, 3, touch->plan);
	p = trib_wire_put_u64(p, 4, touch->plan_version);
	p = trib_wire_put_u64(p, 5, touch->offer);
	p = trib_wire_put_u64(p, 6, touch->goods);
	p = trib_wire_put_u64(p, 7, touch->creator);
	p = trib_wire_put_u64(p, 8, touch->channel);
	p = trib_wire_put_u64(p, 9, touch->carrier_kind);
	p = trib_wire_put_u64(p, 10, touch->carrier);
	p = trib_wire_put_u64(p, 11, touch->carrier_owner);
	p = trib_wire_put_u64(p, 12, touch->page);
	p = trib_wire_put_u64(p, 13, (uint64_t)touch->issued_at_ms);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

static char *put_considered(char *p, const struct trib_considered *considered)
{
	char *content = trib_wire_open(p, 13, SMALL_LENGTH_WIDTH);

	p = put_token_fields(content, 1, &considered->touch);
	p = trib_wire_put_u64(p, 2, (uint64_t)considered->touch.at_ms);
	p = trib_wire_put_u64(p, 3, considered->touch.kind);
	p = trib_wire_put_u64(p, 4, considered->reason);
	trib_wire_close(content, p, SMALL_LENGTH_WIDTH);
	return p;
}

static char *put_slice(char *p, const struct trib_slice *slice, const struct trib_order_line *lines)
{
	char *content = trib_wire_open(p, 14, SLICE_LENGTH_WIDTH);

	p = trib_wire_put_u64(content, 1, slice->touch);
	p = trib_wire_put_u64(p, 2, slice->plan);
	p = trib_wire_put_u64(p, 3, slice->plan_version);
	p = trib_wire_put_u64(p, 4, slice->offer);
	p = trib_wire_put_u64(p, 5, slice->offer_version);
	p = trib_wire_put_u64(p, 6, (uint64_t)slice->base);
	for (uint32_t i = 0; i < slice->n_lines; i++) {
		const struct trib_order_line *line = &lines[slice->line + i];
		char *posting = trib_wire_open(p, 7, SMALL_LENGTH_WIDTH);

		p = trib_wire_put_u64(posting, 1, line->share);
		p = trib_wire_put_u64(p, 2, line->name);
		p = trib_wire_put_u64(p, 3, line->to_party);
		p = trib_wire_put_u64(p, 4, line->to_role);
		p = trib_wire_put_u64(p, 5, line->from_party);
		p = trib_wire_put_u64(p, 6, line->from_role);
		p = trib_wire_put_s64(p, 7, line->amount);
		trib_wire_close(posting, p, SMALL_LENGTH_WIDTH);
	}
	trib_wire_close(content, p, SLICE_LENGTH_WIDTH);
	return p;
}

static char *put_pairs(char *p, uint32_t field, const struct trib_pair *pairs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char *content = trib_wire_open(p, field, SLICE_LENGTH_WIDTH);

		p = trib_wire_put_bytes(content, 1, pairs[i].key);
		p = trib_wire_put_bytes(p, 2, pairs[i].value);
		trib_wire_close(content, p, SLICE_LENGTH_WIDTH);
	}
	return p;
}

char *trib_order_event_put(char *p, const struct trib_order_record *record)
{
	char *event, *body;

	p = open_event(p, TRIB_EVENT_ORDER_DECIDED, &event, &body);
	p = trib_wire_put_bytes(p, 1, record->order);
	p = trib_wire_put_fixed64(p, 2, record->user);
	p = trib_wire_put_fixed64(p, 3, record->content);
	p = trib_wire_put_u64(p, 4, record->goods);
	p = trib_wire_put_u64(p, 5, (uint64_t)record->base_amount);
	p = trib_wire_put_u64(p, 6, (uint64_t)record->at_ms);
	p = trib_wire_put_u64(p, 7, record->currency);
	p = trib_wire_put_u64(p, 8, record->outcome);
	p = trib_wire_put_u64(p, 9, record->tree);
	p = trib_wire_put_u64(p, 10, record->tree_version);
	p = trib_wire_put_u64(p, 11, record->node);
	p = trib_wire_put_bytes(p, 12, record->path);
	for (uint32_t i = 0; i < record->n_touches; i++)
		p = put_considered(p, &record->touches[i]);
	for (uint32_t i = 0; i < record->n_slices; i++)
		p = put_slice(p, &record->slices[i], record->lines);
	p = trib_wire_put_s64(p, 15, record->charged);
	p = trib_wire_put_u64(p, 16, record->qty);
	p = trib_wire_put_u64(p, 17, record->scene);
	p = trib_wire_put_u64(p, 18, record->page);
	p = trib_wire_put_u64(p, 19, record->carrier_kind);
	p = trib_wire_put_u64(p, 20, record->carrier);
	p = trib_wire_put_u64(p, 21, record->carrier_owner);
	p = put_pairs(p, 22, record->ext, record->n_ext);
	p = trib_wire_put_bytes(p, 23, record->bad_token);
	p = trib_wire_put_u64(p, 24, record->at_stated);
	p = trib_wire_put_u64(p, 25, record->by_token);
	p = trib_wire_put_bytes(p, 26, record->facts);
	return close_event(p, event, body);
}

char *trib_touch_body_put(char *p, const struct trib_touch_event *touch)
{
	p = trib_wire_put_fixed64(p, 1, touch->user);
	p = put_token_fields(p, 2, &touch->touch);
	p = trib_wire_put_u64(p, 3, (uint64_t)touch->touch.at_ms);
	p = trib_wire_put_u64(p, 4, touch->touch.kind);
	return trib_wire_put_u64(p, 5, touch->touch.at_stated);
}

char *trib_touch_event_put(char *p, const struct trib_touch_event *touch)
{
	char *event, *body;

	p = trib_touch_body_put(open_event(p, TRIB_EVENT_TOUCH_RECORDED, &event, &body), touch);
	return close_event(p, event, body);
}

char *trib_link_event_put(char *p, const struct trib_link_event *link)
{
	char *event, *body;

	p = open_event(p, TRIB_EVENT_LINK_ISSUED, &event, &body);
	p = put_token_fields(p, 1, &link->token);
	p = put_pairs(p, 2, link->ext, link->n_ext);
	return close_event(p, event, body);
}

size_t trib_event_size(const Tributary__Event *event)
{
	return tributary__event__get_packed_size(event) + 1 + 5;
}

char *trib_event_put(char *p, const Tributary__Event *event)
{
	char *content = trib_wire_open(p, BATCH_EVENT, EVENT_LENGTH_WIDTH);

	p = content + tributary__event__pack(event, (uint8_t *)content);
	trib_wire_close(content, p, EVENT_LENGTH_WIDTH);
	return p;
}

/* --- Reading ------------------------------------------------------------------------------------------ */

bool trib_batch_next(struct trib_bytes batch, size_t *offset, int64_t *ret_time_ms,
		     struct trib_bytes *ret_event, size_t *ret_offset, bool *ret_ok)
{
	struct trib_bytes rest = trib_bytes(batch.data + *offset, batch.size - *offset);
	struct trib_wire_field field;

	while (trib_wire_next(&rest, &field, ret_ok)) {
		size_t begin = *offset;

		*offset = batch.size - rest.size;
		if (field.number == BATCH_TIME && field.type == TRIB_WIRE_VARINT)
			*ret_time_ms = (int64_t)field.value;
		if (field.number != BATCH_EVENT || field.type != TRIB_WIRE_BYTES)
			continue;
		*ret_event = field.bytes;
		*ret_offset = begin;
		return true;
	}
	return false;
}

uint32_t trib_event_kind(struct trib_bytes event, struct trib_bytes *ret_body)
{
	struct trib_wire_field field;
	bool ok;

	if (!trib_wire_next(&event, &field, &ok) || field.type != TRIB_WIRE_BYTES || event.size != 0)
		return 0;
	*ret_body = field.bytes;
	return field.number;
}

static bool get_token_fields(struct trib_bytes rest, struct trib_touch *touch)
{
	struct trib_wire_field field;
	bool ok;

	while (trib_wire_next(&rest, &field, &ok)) {
		uint32_t narrow = (uint32_t)field.value;

		if (field.type != TRIB_WIRE_VARINT)
			continue;
		switch (field.number) {
		case 1: touch->link = field.value; break;
		case 2: touch->registration = narrow; break;
		case 3: touch->plan = narrow; break;
		case 4: touch->plan_version = narrow; break;
		case 5: touch->offer = narrow; break;
		case 6: touch->goods = narrow; break;
		case 7: touch->creator = narrow; break;
		case 8: touch->channel = narrow; break;
		case 9: touch->carrier_kind = narrow; break;
		case 10: touch->carrier = narrow; break;
		case 11: touch->carrier_owner = narrow; break;
		case 12: touch->page = narrow; break;
		case 13: touch->issued_at_ms = (int64_t)field.value; break;
		}
	}
	return ok;
}

static bool get_considered(struct trib_bytes rest, struct trib_considered *ret_considered)
{
	struct trib_wire_field field;
	bool ok;

	*ret_considered = (struct trib_considered){ 0 };
	while (trib_wire_next(&rest, &field, &ok)) {
		switch (field.number) {
		case 1:
			if (field.type != TRIB_WIRE_BYTES ||
			    !get_token_fields(field.bytes, &ret_considered->touch))
				return false;
			break;
		case 2: ret_considered->touch.at_ms = (int64_t)field.value; break;
		case 3: ret_considered->touch.kind = (uint8_t)field.value; break;
		case 4: ret_considered->reason = (uint8_t)field.value; break;
		}
	}
	return ok;
}

static bool get_line(struct trib_bytes rest, struct trib_order_line *ret_line)
{
	struct trib_wire_field field;
	bool ok;

	*ret_line = (struct trib_order_line){ 0 };
	while (trib_wire_next(&rest, &field, &ok)) {
		uint32_t narrow = (uint32_t)field.value;

		switch (field.number) {
		case 1: ret_line->share = narrow; break;
		case 2: ret_line->name = narrow; break;
		case 3: ret_line->to_party = narrow; break;
		case 4: ret_line->to_role = narrow; break;
		case 5: ret_line->from_party = narrow; break;
		case 6: ret_line->from_role = narrow; break;
		case 7: ret_line->amount = trib_wire_unzigzag(field.value); break;
		}
	}
	return ok;
}

static bool get_slice(struct trib_bytes rest, struct trib_order_record *record, struct trib_slice *ret_slice)
{
	struct trib_wire_field field;
	bool ok;

	*ret_slice = (struct trib_slice){ .line = record->n_lines };
	while (trib_wire_next(&rest, &field, &ok)) {
		switch (field.number) {
		case 1: ret_slice->touch = (uint32_t)field.value; break;
		case 2: ret_slice->plan = (uint32_t)field.value; break;
		case 3: ret_slice->plan_version = (uint32_t)field.value; break;
		case 4: ret_slice->offer = (uint32_t)field.value; break;
		case 5: ret_slice->offer_version = (uint32_t)field.value; break;
		case 6: ret_slice->base = (int64_t)field.value; break;
		case 7:
			if (field.type != TRIB_WIRE_BYTES || record->n_lines == TRIB_ORDER_LINES_MAX ||
			    !get_line(field.bytes, &record->lines[record->n_lines]))
				return false;
			record->n_lines++;
			ret_slice->n_lines++;
			break;
		}
	}
	return ok && ret_slice->touch < TRIB_MAX(record->n_touches, 1u);
}

static bool get_pair(struct trib_bytes rest, struct trib_pair *ret_pair)
{
	struct trib_wire_field field;
	bool ok;

	*ret_pair = (struct trib_pair){ 0 };
	while (trib_wire_next(&rest, &field, &ok)) {
		if (field.type == TRIB_WIRE_BYTES && field.number == 1)
			ret_pair->key = field.bytes;
		else if (field.type == TRIB_WIRE_BYTES && field.number == 2)
			ret_pair->value = field.bytes;
	}
	return ok;
}

static bool get_order_bytes_field(const struct trib_wire_field *field, struct trib_order_record *record)
{
	switch (field->number) {
	case 1: record->order = field->bytes; return true;
	case 12: record->path = field->bytes; return true;
	case 13:
		return record->n_touches < TRIB_LIMIT_TOUCHES_CONSIDERED &&
		       get_considered(field->bytes, &record->touches[record->n_touches++]);
	case 14:
		return record->n_slices < TRIB_LIMIT_TOUCHES_CONSIDERED &&
		       get_slice(field->bytes, record, &record->slices[record->n_slices++]);
	case 22:
		return record->n_ext < TRIB_LIMIT_EXT_PAIRS &&
		       get_pair(field->bytes, &record->ext[record->n_ext++]);
	case 23: record->bad_token = field->bytes; return true;
	case 26: record->facts = field->bytes; return true;
	}
	return true;
}

bool trib_order_event_get(struct trib_bytes body, struct trib_order_record *ret_record)
{
	struct trib_order_record *record = ret_record;
	struct trib_wire_field field;
	bool ok;

	trib_order_record_reset(record);
	while (trib_wire_next(&body, &field, &ok)) {
		uint32_t narrow = (uint32_t)field.value;

		if (field.type == TRIB_WIRE_BYTES) {
			if (!get_order_bytes_field(&field, record))
				return false;
			continue;
		}
		switch (field.number) {
		case 2: record->user = field.value; break;
		case 3: record->content = field.value; break;
		case 4: record->goods = narrow; break;
		case 5: record->base_amount = (int64_t)field.value; break;
		case 6: record->at_ms = (int64_t)field.value; break;
		case 7: record->currency = narrow; break;
		case 8: record->outcome = (enum trib_outcome)narrow; break;
		case 9: record->tree = narrow; break;
		case 10: record->tree_version = narrow; break;
		case 11: record->node = narrow; break;
		case 15: record->charged = trib_wire_unzigzag(field.value); break;
		case 16: record->qty = narrow; break;
		case 17: record->scene = narrow; break;
		case 18: record->page = narrow; break;
		case 19: record->carrier_kind = narrow; break;
		case 20: record->carrier = narrow; break;
		case 21: record->carrier_owner = narrow; break;
		case 24: record->at_stated = narrow; break;
		case 25: record->by_token = narrow; break;
		}
	}
	return ok && record->order.size > 0 && record->order.size <= TRIB_ORDER_ID_BYTES_MAX;
}

bool trib_touch_event_get(struct trib_bytes body, struct trib_touch_event *ret_event)
{
	struct trib_wire_field field;
	bool ok;

	*ret_event = (struct trib_touch_event){ 0 };
	while (trib_wire_next(&body, &field, &ok)) {
		switch (field.number) {
		case 1: ret_event->user = field.value; break;
		case 2:
			if (field.type != TRIB_WIRE_BYTES ||
			    !get_token_fields(field.bytes, &ret_event->touch))
				return false;
			break;
		case 3: ret_event->touch.at_ms = (int64_t)field.value; break;
		case 4: ret_event->touch.kind = (uint8_t)field.value; break;
		case 5: ret_event->touch.at_stated = field.value != 0; break;
		}
	}
	return ok;
}

bool trib_link_event_get(struct trib_bytes body, struct trib_link_event *ret_event)
{
	struct trib_wire_field field;
	bool ok;

	memset(&ret_event->token, 0, sizeof(ret_event->token));
	ret_event->n_ext = 0;
	while (trib_wire_next(&body, &field, &ok)) {
		if (field.type != TRIB_WIRE_BYTES)
			continue;
		if (field.number == 1 && !get_token_fields(field.bytes, &ret_event->token))
			return false;
		if (field.number == 2 && (ret_event->n_ext == TRIB_LIMIT_EXT_PAIRS ||
					  !get_pair(field.bytes, &ret_event->ext[ret_event->n_ext++])))
			return false;
	}
	ret_event->token.at_ms = ret_event->token.issued_at_ms;
	return ok;
}
