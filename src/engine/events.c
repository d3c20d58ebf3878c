#include "engine/events.h"

#include "proto/proto.h"

/* Field numbers, as in proto/tributary.proto; the unit test compares with protobuf-c. */
enum { BATCH_TIME = 1, BATCH_EVENT = 2 };
enum { EVENT_LENGTH_WIDTH = 3 };

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

size_t trib_order_event_bytes_max(const struct trib_order_record *record)
{
	return 16 + trib_order_record_bytes_max(record);
}

char *trib_order_event_put(char *p, const struct trib_order_record *record)
{
	char *event, *body;

	p = open_event(p, TRIB_EVENT_ORDER_DECIDED, &event, &body);
	return close_event(trib_order_record_put(p, record), event, body);
}

char *trib_touch_body_put(char *p, const struct trib_touch_event *touch)
{
	p = trib_wire_put_fixed64(p, 1, touch->user);
	p = trib_token_fields_put(p, 2, &touch->touch);
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
	p = trib_token_fields_put(p, 1, &link->token);
	p = trib_ext_pairs_put(p, 2, link->ext, link->n_ext);
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
			    !trib_token_fields_get(field.bytes, &ret_event->touch))
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
		if (field.number == 1 && !trib_token_fields_get(field.bytes, &ret_event->token))
			return false;
		if (field.number == 2 && (ret_event->n_ext == TRIB_LIMIT_EXT_PAIRS ||
					  !trib_ext_pair_get(field.bytes, &ret_event->ext[ret_event->n_ext++])))
			return false;
	}
	ret_event->token.at_ms = ret_event->token.issued_at_ms;
	return ok;
}
