/*
 * The three events that come by the million, between their structs and the journal's bytes: an order line
 * decided, a touch recorded, a link issued. All other events go through protobuf-c.
 *
 * An event stands in a batch as field 2 of the message Batch (proto/tributary.proto), so a record of the journal
 * is an ordinary protobuf message.
 */
#ifndef TRIB_ENGINE_EVENTS_H
#define TRIB_ENGINE_EVENTS_H

#include "proto/proto.h"
#include "resolve/resolve.h"

/* What a touch event says besides the touch. */
struct trib_touch_event {
	uint64_t user;
	struct trib_touch touch;
};

struct trib_link_event {
	struct trib_touch token; /* the token's numbers; kind is 0, at_ms the issue time */
	uint32_t n_ext;
	struct trib_ext_pair ext[TRIB_LIMIT_EXT_PAIRS];
};

/* Kinds of events: the field numbers of message Event. */
enum trib_event_kind {
	TRIB_EVENT_ORDER_DECIDED = 1,
	TRIB_EVENT_TOUCH_RECORDED = 2,
	TRIB_EVENT_LINK_ISSUED = 3,
	TRIB_EVENT_ORDER_CHANGED = 15, /* engine/change.h */
	TRIB_EVENT_MESSAGES_KEPT = 16,
};

enum { TRIB_BATCH_TIME = 1, TRIB_BATCH_EVENT = 2 }; /* fields of message Batch */

/* An upper bound of what the event takes, so that a batch can be closed in time. */
size_t trib_order_event_bytes_max(const struct trib_order_record *record);
enum { TRIB_TOUCH_EVENT_BYTES_MAX = 192, TRIB_LINK_EVENT_BYTES_MAX = 256 + TRIB_LIMIT_EXT_BYTES + 16 * TRIB_LIMIT_EXT_PAIRS };

/* Writes the event at p, which has room for …_bytes_max, and returns its end. */
char *trib_order_event_put(char *p, const struct trib_order_record *record);
char *trib_touch_event_put(char *p, const struct trib_touch_event *event);
/* Only the message TouchRecorded, which trib_touch_event_get reads. */
char *trib_touch_body_put(char *p, const struct trib_touch_event *event);
char *trib_link_event_put(char *p, const struct trib_link_event *event);

/* Any other event: its size, and writing it. */
size_t trib_event_size(const Tributary__Event *event);
char *trib_event_put(char *p, const Tributary__Event *event);

/*
 * Reads a batch: engine time, then one event after another. False at the end or where the bytes are no batch
 * (*ret_ok). `ret_event` is the content of message Event; ret_offset is where the event begins in the batch.
 */
bool trib_batch_next(struct trib_bytes batch, size_t *offset, int64_t *ret_time_ms,
		     struct trib_bytes *ret_event, size_t *ret_offset, bool *ret_ok);

/* The kind of an event and its body; 0 where the bytes are no event. */
uint32_t trib_event_kind(struct trib_bytes event, struct trib_bytes *ret_body);

/* False where the bytes are not such an event. It points into `body`. */
bool trib_touch_event_get(struct trib_bytes body, struct trib_touch_event *ret_event);
bool trib_link_event_get(struct trib_bytes body, struct trib_link_event *ret_event);

#endif
