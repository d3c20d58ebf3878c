/*
 * Messages about orders that are not known yet: one entry an order, with the whole of what has been told of it (the body
 * of its newest MessagesKept). An entry is good for TRIB_LIMIT_KEPT_DAYS after its last message.
 *
 *	kept_put(kept, kept_key(order, fingerprint), now_ms, body);
 *	if (kept_find(kept, key, now_ms, &body)) …
 *	kept_remove(kept, key);                         // the order has come
 *
 * An order is named by 128 bits of hash. Entries are dropped by engine time, so that a replay drops the same.
 */
#ifndef TRIB_ENGINE_KEPT_H
#define TRIB_ENGINE_KEPT_H

#include "base/bytes.h"

struct kept;

struct kept_key {
	uint64_t fingerprint; /* of the index of orders, keyed */
	uint64_t hash;	      /* another one */
};

struct kept *kept_new(void);
void kept_free(struct kept *kept);

struct kept_key kept_key(struct trib_bytes order, uint64_t fingerprint);

/* The body is good until the next change. */
bool kept_find(const struct kept *kept, struct kept_key key, int64_t now_ms, struct trib_bytes *ret_body);
int64_t kept_since(const struct kept *kept, struct kept_key key); /* when it was put; of one that is there */

/* Is there room for one more, of that size, within the limits? */
bool kept_has_room(const struct kept *kept, size_t size);

/* Makes or replaces, and drops what is too old. */
void kept_put(struct kept *kept, struct kept_key key, int64_t now_ms, struct trib_bytes body);
bool kept_remove(struct kept *kept, struct kept_key key); /* false: there was none */

size_t kept_count(const struct kept *kept);

/* The keys that were put, removed or dropped since the last time, each once, ascending. The caller frees. */
struct kept_key *kept_take_changed(struct kept *kept, size_t *ret_count);

#endif
