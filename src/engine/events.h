/*
 * The three events that come by the million, between their structs and the journal's bytes: an order line
 * decided, a touch recorded, a link issued. All other events go through protobuf-c.
 *
 * An event stands in a batch as field 2 of the message Batch (proto/tributary.proto), so a record of the journal
 * is an ordinary protobuf message.
 */
#ifndef TRIB_ENGINE_EVENTS_H
#define TRIB_ENGINE_EVENTS_H

#include "attribution/attribution.h"
#include "base/limits.h"
#include "domain/outcome.h"
#include "proto/proto.h"

enum {
	TRIB_ORDER_ID_BYTES_MAX = 2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 1, /* <order>/<line> */
	TRIB_ORDER_LINES_MAX = TRIB_LIMIT_TOUCHES_CONSIDERED * TRIB_LIMIT_RULE_SHARES,
	TRIB_ORDER_PATH_BYTES_MAX = 4096,
	TRIB_ORDER_FACTS_MAX = 64,
};

struct trib_pair {
	struct trib_bytes key, value;
};

struct trib_considered {
	struct trib_touch touch;
	uint8_t reason; /* enum trib_reason */
};

/* One touch's part of an order; its lines are lines[line .. line + n_lines). */
struct trib_slice {
	uint32_t touch; /* index in touches */
	uint32_t plan, plan_version;
	uint32_t offer, offer_version;
	int64_t base;
	uint32_t line, n_lines;
};

/* amount goes from one party in one role to another. */
struct trib_order_line {
	uint32_t share; /* index in the node's shares */
	uint32_t name;	/* dictionary code, as the roles */
	uint32_t to_party, to_role;
	uint32_t from_party, from_role;
	int64_t amount;
};

/*
 * One order line, decided. Strings and ext point into the request or the event's bytes. Reused from order to
 * order: `trib_order_record_reset` makes it empty without touching the large arrays.
 */
struct trib_order_record {
	struct trib_bytes order;
	uint64_t user, content;
	uint32_t goods;
	int64_t base_amount, at_ms;
	uint32_t currency;
	enum trib_outcome outcome;
	uint32_t tree, tree_version, node;
	int64_t charged;
	uint32_t qty, scene, page;
	uint32_t carrier_kind, carrier, carrier_owner;
	bool at_stated, by_token;
	struct trib_bytes bad_token;
	struct trib_bytes path;	 /* varints: node index << 1 | value */
	struct trib_bytes facts; /* varints: fact, zigzag value */
	uint32_t n_ext, n_touches, n_slices, n_lines;
	struct trib_pair ext[TRIB_LIMIT_EXT_PAIRS];
	struct trib_considered touches[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_slice slices[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_order_line lines[TRIB_ORDER_LINES_MAX];
};

void trib_order_record_reset(struct trib_order_record *record);

/* What a touch event says besides the touch. */
struct trib_touch_event {
	uint64_t user;
	struct trib_touch touch;
};

struct trib_link_event {
	struct trib_touch token; /* the token's numbers; kind is 0, at_ms the issue time */
	uint32_t n_ext;
	struct trib_pair ext[TRIB_LIMIT_EXT_PAIRS];
};

/* Kinds of events: the field numbers of message Event. */
enum trib_event_kind {
	TRIB_EVENT_ORDER_DECIDED = 1,
	TRIB_EVENT_TOUCH_RECORDED = 2,
	TRIB_EVENT_LINK_ISSUED = 3,
};

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

/* False where the bytes are not such an event. The records point into `body`. */
bool trib_order_event_get(struct trib_bytes body, struct trib_order_record *ret_record);
bool trib_touch_event_get(struct trib_bytes body, struct trib_touch_event *ret_event);
bool trib_link_event_get(struct trib_bytes body, struct trib_link_event *ret_event);

#endif
