/*
 * Pairs of a 64-bit key and a number: which party has a user, which blocks a device. A key may stand with several
 * numbers. Open addressing at half load, so that an answer costs a cache line; the order of coming does not show.
 *
 *	struct trib_pairs users = { 0 };
 *
 *	trib_pairs_add(&users, hash, party);
 *	party = trib_pairs_first(&users, hash);    // the lowest number of the key, 0: none
 *	trib_pairs_remove(&users, hash, party);
 */
#ifndef TRIB_DOMAIN_PAIRS_H
#define TRIB_DOMAIN_PAIRS_H

#include "base/hash.h"

struct trib_pair_slot {
	uint64_t key;
	uint32_t number; /* 0: free */
};

struct trib_pairs {
	struct trib_pair_slot *slots; /* mask + 1 of them */
	uint32_t mask, count;
};

void trib_pairs_fini(struct trib_pairs *pairs);

/* The number is not 0. A pair that is there already stays one. */
void trib_pairs_add(struct trib_pairs *pairs, uint64_t key, uint32_t number);
void trib_pairs_remove(struct trib_pairs *pairs, uint64_t key, uint32_t number);
bool trib_pairs_has(const struct trib_pairs *pairs, uint64_t key, uint32_t number);
uint32_t trib_pairs_first(const struct trib_pairs *pairs, uint64_t key);

/* The numbers of a key, one after another, in no order; begins with *slot = 0 and ends with 0. */
uint32_t trib_pairs_next(const struct trib_pairs *pairs, uint64_t key, uint32_t *slot);

#endif
