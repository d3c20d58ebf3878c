/*
 * Delivers the outbox: a thread of its own that asks the engine for what is due, sends it by HTTP, and tells the engine what
 * came of it.
 *
 *	trib_deliver_start(&options, &deliver, &error);
 *	trib_engine_listen_outbox(engine, trib_deliver_ring, deliver);
 *	…
 *	trib_deliver_drain(deliver);                    // nothing new is begun
 *	while (!trib_deliver_idle(deliver))
 *		trib_engine_turn(engine);
 *	trib_deliver_stop(deliver);
 *
 *	          ring, or the time has come           TAKE                    HTTP answered, or not
 *	(asleep) ────────────────────────────► (asks) ─────► (under way) ─────────────────────────► (tells) ─► (asks)
 *
 * It keeps no state that matters: what it was sending when the process ended is sent again, with the same id.
 *
 * A POST of the content, with the headers
 *
 *	Idempotency-Key: 81920                          the id, the same at every attempt
 *	Tributary-Event: sample.shipped                 the kind
 *	Tributary-Attempt: 1
 *	Tributary-Signature: t=1790000000,v1=5257a8…    where the webhook names a secret: HMAC-SHA-256 of "<t>.<content>"
 *
 * Taken is what is answered 2xx in time. Redirects are not followed, proxies of the environment not used: what may be called
 * is what --outbox-allow says, which the engine has asked before it gave the parcel out.
 */
#ifndef TRIB_SERVER_DELIVER_H
#define TRIB_SERVER_DELIVER_H

#include "engine/call.h"

struct trib_deliver;

struct trib_deliver_options {
	const char *secrets; /* a file: lines of a name, a space, a secret; "" for none */
	int64_t timeout_ms;
	bool (*submit)(void *context, struct trib_call *call); /* any thread; false: full */
	void *context;
};

trib_status trib_deliver_start(const struct trib_deliver_options *options, struct trib_deliver **ret_deliver,
			       struct trib_error *error);
/* Something may be due. Any thread; `deliver` is a struct trib_deliver. */
void trib_deliver_ring(void *deliver);
/* Is there a secret of that name? Any thread; `deliver` is a struct trib_deliver. */
bool trib_deliver_has_secret(void *deliver, const char *name);
/* Reads the secrets again; a failure leaves them as they were. */
trib_status trib_deliver_reload(struct trib_deliver *deliver, struct trib_error *error);
/* Begins nothing new; what is under way has a second. */
void trib_deliver_drain(struct trib_deliver *deliver);
/* After drain: has the engine given back every call? */
bool trib_deliver_idle(const struct trib_deliver *deliver);
/* Idle; on the engine's thread. */
void trib_deliver_stop(struct trib_deliver *deliver);

/* The value of Tributary-Signature: "t=<seconds>,v1=<64 hexadecimal digits>", terminated. */
enum { TRIB_SIGNATURE_CHARS = 96 };
void trib_deliver_sign(struct trib_bytes secret, int64_t at_seconds, struct trib_bytes content,
		       char ret_text[TRIB_SIGNATURE_CHARS]);

#endif
