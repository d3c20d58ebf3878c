/*
 * The outbox: how whatever is decided here reaches the world outside: notices, webhooks, requests for samples.
 *
 * An effect is decided together with its cause, in the same batch, so that there is never one without the other:
 *
 *	status = engine_emit(engine, &event, error);                    // the sample is shipped …
 *	if (status == TRIB_OK)
 *		status = engine_outbox_add(engine, &(struct engine_effect){
 *			.kind = "sample.shipped", .to = creator_id, .play = play, .entity = trib_bytes_text("sample/s1"),
 *			.body = trib_bytes_text("{\"sample\":\"s1\",\"tracking\":\"SF123\"}"),
 *		}, error);                                               // … and the creator is told
 *
 * Every active webhook that asks for that kind, and whose `when` holds, gets a delivery of its own: an OutboxAdded, whose
 * position is its id. Where nobody asks, nothing is journalled, and the call costs a comparison. Deliveries begin once
 * their event is durable; from then on it is at least once, with the same id each time, until the target has taken it
 * or it is given up (deliveries.h draws the states). What waits survives kill -9.
 *
 * Somebody is to be told once, however many causes there are: `key` says what is one. While a delivery of the same
 * webhook, kind, addressee and key waits, no other is made; `spread_ms` puts the first off by a random part of so long,
 * so that a million who are to be told at one time are not all told in one second.
 */
#ifndef TRIB_ENGINE_OUTBOX_H
#define TRIB_ENGINE_OUTBOX_H

#include "engine/call.h"
#include "engine/deliveries.h"
#include "engine/targets.h"

struct engine_effect {
	const char *kind;	   /* words with dots between: "sample.shipped"; 1 to 64 bytes, as an external id */
	struct trib_bytes to;	   /* whom it concerns: the id of a party; empty: nobody in particular */
	struct trib_bytes body;	   /* a JSON object; empty: {} */
	struct trib_bytes play;	   /* whose business it is; empty: none */
	struct trib_bytes entity;  /* what it is about: "sample/s1"; empty: nothing */
	struct trib_bytes key;	   /* see above; empty: each is told of */
	int64_t spread_ms;
};

/* From inside the decide of a command. BUSY: too much waits already; the command must fail with it. */
trib_status engine_outbox_add(struct trib_engine *engine, const struct engine_effect *effect, struct trib_error *error);

/* Does anybody ask for effects of that kind? To spare making a body. */
bool engine_outbox_wanted(const struct trib_engine *engine, const char *kind);

/* --- The engine's own ---------------------------------------------------------------------------------- */

/* A call's event and its effects stand in one batch up to so many bytes. */
enum { OUTBOX_ROOM_BYTES = 256 << 10 };

struct outbox;

trib_status outbox_init(struct trib_engine *engine, struct trib_error *error); /* with what the configuration says */
void outbox_fini(struct trib_engine *engine);
void outbox_open(struct trib_engine *engine); /* empty, to be loaded */
void outbox_close(struct trib_engine *engine);
bool outbox_is_used(const struct trib_engine *engine);

/*
 * Asked before the first event of a command, so that one is refused whole or not at all: could this effect be sent, is
 * there room for so many, and for what the engine tells beside them?
 */
trib_status outbox_check_effect(const struct engine_effect *effect, struct trib_error *error);
trib_status outbox_admits(const struct trib_engine *engine, uint32_t effects, struct trib_error *error);

/* Does an event of this kind change the outbox? */
bool outbox_is_changed_by(Tributary__Event__KindCase kind);
trib_status outbox_apply(struct trib_engine *engine, const Tributary__Event *event, uint64_t position,
			 struct trib_error *error);
/* Once a turn: tells who delivers that something is durable now. */
void outbox_turn(struct trib_engine *engine);

struct delivery_counts outbox_count(const struct trib_engine *engine);

typedef void outbox_row_fn(void *context, bool webhook, uint32_t key, struct trib_bytes row);
void outbox_freeze(struct trib_engine *engine, outbox_row_fn *emit, void *context);
trib_status outbox_load(struct trib_engine *engine, bool webhook, uint32_t key, struct trib_bytes row,
			struct trib_error *error);
void outbox_load_done(struct trib_engine *engine);
bool outbox_check(const struct trib_engine *engine, const char **ret_reason);

trib_status call_webhook_put(struct trib_engine *engine, struct trib_call *call);
trib_status call_webhook_get(struct trib_engine *engine, struct trib_call *call);
trib_status call_webhook_close(struct trib_engine *engine, struct trib_call *call);
trib_status call_webhook_test(struct trib_engine *engine, struct trib_call *call);
trib_status call_webhook_list(struct trib_engine *engine, struct trib_call *call);
trib_status call_outbox_list(struct trib_engine *engine, struct trib_call *call);
trib_status call_outbox_retry(struct trib_engine *engine, struct trib_call *call);
trib_status call_outbox_drop(struct trib_engine *engine, struct trib_call *call);
trib_status call_outbox_take(struct trib_engine *engine, struct trib_call *call);
trib_status call_outbox_tell(struct trib_engine *engine, struct trib_call *call);

#endif
