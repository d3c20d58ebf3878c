/*
 * What the codec reads of the keys, on the hot path: one line of cache a key, found by its id.
 * Private to the room; the memory is locked and belongs to struct trib_keys.
 */
#ifndef TRIB_TRACK_RING_H
#define TRIB_TRACK_RING_H

#include "track/keys.h"
#include "track/token.h"

enum trib_ring_state { TRIB_RING_ABSENT, TRIB_RING_ACTIVE, TRIB_RING_RETIRED };

struct trib_ring_key {
	uint64_t secret[2]; /* little-endian halves, as SipHash takes them */
	int64_t not_before_ms, not_after_ms;
	uint64_t scope;	    /* registration number; UINT64_MAX: not known yet */
	uint64_t any_scope; /* 1 or 0 */
	uint64_t state;	    /* enum trib_ring_state; a retired key has no secret */
	uint64_t unused;
};

struct trib_ring {
	const struct trib_ring_key
		*keys; /* by id, 0 to id_max; those that do not exist (0 always) are absent */
	uint32_t id_max;
};

const struct trib_ring *trib_keys_ring(const struct trib_keys *keys);

static inline const struct trib_ring_key *trib_ring_find(const struct trib_ring *ring, uint64_t id)
{
	return &ring->keys[id <= ring->id_max ? id : 0];
}

/* Of a well-formed token, before its MAC is looked at. */
static inline enum trib_token_result trib_ring_judge(const struct trib_ring_key *key,
						     int64_t issued_at_ms, uint64_t registration)
{
	if (key->state == TRIB_RING_ABSENT)
		return TRIB_TOKEN_UNKNOWN_KEY;
	if (key->state != TRIB_RING_ACTIVE || issued_at_ms < key->not_before_ms ||
	    issued_at_ms > key->not_after_ms || !(key->any_scope || key->scope == registration))
		return TRIB_TOKEN_KEY_NOT_VALID;
	return TRIB_TOKEN_OK;
}

/* The id of the key to sign with, 0 if there is none. */
uint32_t trib_ring_signer(const struct trib_ring *ring, int64_t issued_at_ms,
			  uint64_t registration);

#endif
