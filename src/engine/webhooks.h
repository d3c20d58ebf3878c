/*
 * Webhooks: who asks for which effects, and where they are delivered to. At most TRIB_LIMIT_WEBHOOKS, all in memory, numbered from 1
 * in the order in which they came; a closed one keeps its number.
 *
 *	webhooks_apply(webhooks, &put, &error);                            // makes or replaces
 *	for (uint32_t n = 1; n <= webhooks_count(webhooks); n++)
 *		if (webhooks_want(webhooks, n, &what, &arena)) …
 *
 * Knows nothing of the engine. One thread.
 */
#ifndef TRIB_ENGINE_WEBHOOKS_H
#define TRIB_ENGINE_WEBHOOKS_H

#include "proto/proto.h"

struct webhooks;

struct webhooks *webhooks_new(void);
void webhooks_free(struct webhooks *webhooks);

uint32_t webhooks_count(const struct webhooks *webhooks);  /* numbers are 1 to this */
uint32_t webhooks_active(const struct webhooks *webhooks); /* those that take effects: active or paused */
uint32_t webhooks_find(const struct webhooks *webhooks, struct trib_bytes id); /* 0: none */
const Tributary__Webhook *webhooks_at(const struct webhooks *webhooks, uint32_t number);
bool webhooks_is(const struct webhooks *webhooks, uint32_t number, const char *status);

/* Is what it says right, beyond what its fields' rules say? */
trib_status webhooks_check(const Tributary__Webhook *webhook, struct trib_error *error);
trib_status webhooks_apply(struct webhooks *webhooks, const Tributary__WebhookPut *put, struct trib_error *error);

/* What a `when` may ask for: X(FIELD). All are strings; `body` is a map beside them. */
#define TRIB_EFFECT_TABLE(X) X(kind) X(to) X(play) X(entity)

struct webhooks_effect {
#define X(field) struct trib_bytes field;
	TRIB_EFFECT_TABLE(X)
#undef X
	const struct trib_json *body;
};

bool webhooks_ask_for(const struct webhooks *webhooks, uint32_t number, struct trib_bytes kind);
/* Does it take effects, ask for the kind, and does its `when` hold? One that cannot be evaluated does not hold. */
bool webhooks_want(const struct webhooks *webhooks, uint32_t number, const struct webhooks_effect *effect,
		   struct trib_arena *arena);

/* Checkpoints: those put since the last time, as WebhookPut. */
typedef void webhooks_fn(void *context, uint32_t number, struct trib_bytes row);
void webhooks_take_changed(struct webhooks *webhooks, webhooks_fn *emit, void *context);

#endif
