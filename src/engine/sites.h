/*
 * Third-party sites in the engine: what a link to their goods needs, and what somebody should be warned of.
 *
 *	links.c ──► sites_link_begin ─► the creator's pid, or the next free one ─► sites_link_end ─► PidPut, url ─► LinkIssued
 *	goods, pids ──► sites_fold ─► freshness.c, pid_pool.c ◄── sites_turn, once a minute: alarms ─► SiteAlarmed, effects
 *
 * Both structures are indexes over nouns: a restart makes them anew. Alarms are state, so that each is told of once.
 * Private to the room.
 */
#ifndef TRIB_ENGINE_SITES_H
#define TRIB_ENGINE_SITES_H

#include "engine/call.h"
#include "engine/site_rows.h"
#include "track/track.h"

/* X(NAME, bit, word); bits never change, they stand in events. The first ones are the limits of freshness.h. */
#define TRIB_SITE_ALARM_TABLE(X)                                                                   \
	X(PRICE_STALE, 0, "price_stale")                                                           \
	X(STOCK_STALE, 1, "stock_stale")                                                           \
	X(STATUS_STALE, 2, "status_stale")                                                         \
	X(PIDS_LOW, 3, "pids_low")

enum site_alarm {
#define X(name, bit, word) SITE_ALARM_##name = bit,
	TRIB_SITE_ALARM_TABLE(X)
#undef X
		SITE_ALARMS
};

/* What is to be looked at in a row. X(NAME, bit, word); bits never change. */
#define TRIB_SITE_LOOK_TABLE(X)                                                                    \
	X(PID_UNMAPPED, 0, "pid_unmapped")                                                         \
	X(FINAL_DIFFERS, 1, "final_differs")                                                       \
	X(ATTRIBUTED_HERE, 2, "attributed_here")                                                   \
	X(BASE_DIFFERS, 3, "base_differs")

enum site_look {
#define X(name, bit, word) SITE_LOOK_##name = bit,
	TRIB_SITE_LOOK_TABLE(X)
#undef X
		SITE_LOOKS
};

struct sites;

void sites_init(struct trib_engine *engine);
void sites_fini(struct trib_engine *engine);
/* The store's nouns have been read. */
trib_status sites_load(struct trib_engine *engine, struct trib_error *error);
/* Before an event is applied: goods are compared with what they were. */
void sites_fold(struct trib_engine *engine, const Tributary__Event *event);
/* Events of nothing but sites. */
bool sites_is_changed_by(Tributary__Event__KindCase kind);
trib_status sites_apply(struct trib_engine *engine, const Tributary__Event *event, uint64_t position,
			struct trib_error *error);
void sites_turn(struct trib_engine *engine);

typedef void site_row_fn(void *context, uint32_t site, struct trib_bytes row);
void sites_freeze(struct trib_engine *engine, site_row_fn *emit, void *context);

/* ---- Links ------------------------------------------------------------------------------- */

/* What a link needs at the site of its goods. */
struct site_link {
	uint32_t site;	       /* 0: they are of none */
	struct trib_bytes pid; /* as the site writes it */
	struct trib_domain_decision lease; /* no events: the pid is the creator's already */
	size_t bytes;	       /* of its events */
};

/* TRIB_NO_PID: none is free. */
trib_status sites_link_begin(struct trib_engine *engine, const struct trib_token *token, struct site_link *ret_link,
			     struct trib_error *error);
/* There is room for its events, and for the link's, in one batch. */
trib_status sites_link_end(struct trib_engine *engine, const struct trib_token *token, const struct site_link *link,
			   struct trib_bytes text, struct trib_error *error);

/* ---- Orders: site_orders.c ---------------------------------------------------------------- */

const char *sites_id(const struct trib_engine *engine, uint32_t site);
struct site_reviews *sites_reviews(const struct trib_engine *engine);
trib_status site_orders_apply(struct trib_engine *engine, const Tributary__SiteOrderPut *put, uint64_t position,
			      struct trib_error *error);
/* A pid is to become what the message says: rows that it maps need not be looked at for that any more. */
void site_orders_leased(struct trib_engine *engine, uint32_t number, const Tributary__Pid *pid);
trib_status call_site_import(struct trib_engine *engine, struct trib_call *call);
trib_status call_site_order(struct trib_engine *engine, struct trib_call *call);
trib_status call_site_resolve(struct trib_engine *engine, struct trib_call *call);
trib_status call_site_reviews(struct trib_engine *engine, struct trib_call *call);

void sites_add_alarms(const struct trib_engine *engine, struct trib_buffer *json);
trib_status call_site_state(struct trib_engine *engine, struct trib_call *call);

#endif
