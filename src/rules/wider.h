/*
 * Siblings that were tried before, by what they ask: which of them might take all orders of a condition is found
 * without comparing it with each of thousands. Private to the room.
 *
 * Where a condition a implies another b, it implies every test of b; and a test for few values ("category == 'x'",
 * "qty in [2, 3]") is implied only by a test of the same fact for some of those values. So b is kept under the values
 * of one such test, and a is looked for under the lowest value of each of its tests: whatever it implies is among what
 * is found there, or among the few siblings that ask for no such values, which are all looked at.
 */
#ifndef TRIB_RULES_WIDER_H
#define TRIB_RULES_WIDER_H

#include "rules/condition.h"

struct wider;

/* For so many siblings. */
struct wider *wider_new(uint32_t siblings);
void wider_free(struct wider *wider);

/* The sibling at `place`, with its condition and its text; what is scheduled is not the same as its text. */
void wider_add(struct wider *wider, uint32_t place, const struct cond *cond, struct trib_bytes when, bool scheduled);

/*
 * The first sibling that takes whatever this condition is true for; -1: none is known. Comparisons count *steps down;
 * when they are used up, what has not been compared is not looked at.
 */
int64_t wider_find(const struct wider *wider, const struct cond *cond, struct trib_bytes when, uint32_t *steps);

#endif
