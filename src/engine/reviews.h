/*
 * The review queue: held orders that wait for somebody to release or reject them, by the position of their decision in
 * the journal, which ascends. 8 bytes each.
 *
 *	trib_reviews_open(reviews, position);           // an order was held
 *	…
 *	if (trib_reviews_close(reviews, position))      // it was looked at
 *
 * One thread.
 */
#ifndef TRIB_ENGINE_REVIEWS_H
#define TRIB_ENGINE_REVIEWS_H

#include "base/bytes.h"

struct trib_reviews;

struct trib_reviews *trib_reviews_new(void);
void trib_reviews_free(struct trib_reviews *reviews);

/* position is above every earlier one. */
void trib_reviews_open(struct trib_reviews *reviews, uint64_t position);
/* False where it does not wait. */
bool trib_reviews_close(struct trib_reviews *reviews, uint64_t position);

bool trib_reviews_waits(const struct trib_reviews *reviews, uint64_t position);
size_t trib_reviews_count(const struct trib_reviews *reviews);
/* The first that waits behind `after`; 0: none. */
uint64_t trib_reviews_next(const struct trib_reviews *reviews, uint64_t after);

/* Checkpoints: what was opened and closed since the last call, ascending. Load: those that wait, ascending. */
typedef void trib_reviews_fn(void *context, uint64_t position, bool waits);
void trib_reviews_take_changes(struct trib_reviews *reviews, trib_reviews_fn *emit, void *context);
void trib_reviews_load(struct trib_reviews *reviews, uint64_t position);

#endif
