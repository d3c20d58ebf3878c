/*
 * Experience: who worked with whom, and with what result. A pair is a merchant or leader and a creator; it begins with
 * their first private dealing (an invitation, a sample), and from then on what the creator sells of that party counts.
 *
 *	trib_experience_add(experience, merchant, creator, TRIB_DEAL_INVITED, now_ms);
 *	…
 *	if (trib_experience_knows(experience, creator))         // one bit: orders of all others cost nothing
 *		…
 *	trib_experience_get(experience, merchant, creator, &deals);
 *
 * Everything is kept as tallies (tallies.h) in an instance of its own, so checkpoints and replay are theirs:
 *
 *	DEALS       party, creator      rule 0: invited, accepted, declined, last time; rule 1: samples approved, fulfilled,
 *	                                overdue, plans; rule 2: lapsed
 *	SOLD        party, currency, creator    orders, orders refunded whole, GMV, refunded
 *	PLAN_SOLD   plan                the same, of plans whose invitation guarantees something
 *	GOODS_SOLD  goods, creator      the same, of goods that the creator was given a sample of
 *	WATCH       goods, creator      the sample that waits for such orders (0: none does any more), how many, and from
 *	                                which of them on
 *	SAMPLES     plan                samples approved, for its quota
 *
 * Rows are never taken out; where there is no room, new pairs are not begun. One thread.
 */
#ifndef TRIB_ENGINE_EXPERIENCE_H
#define TRIB_ENGINE_EXPERIENCE_H

#include "engine/tallies.h"

/* What is counted of a pair: X(NAME, rule of its row, column of it). They stand in the store so. */
#define TRIB_DEAL_TABLE(X)                                                                         \
	X(INVITED, 0, 0)                                                                           \
	X(ACCEPTED, 0, 1)                                                                          \
	X(DECLINED, 0, 2)                                                                          \
	X(SAMPLES, 1, 0)                                                                           \
	X(FULFILLED, 1, 1)                                                                         \
	X(OVERDUE, 1, 2)                                                                           \
	X(LAPSED, 2, 0)                                                                            \
	X(PLANS, 2, 1)

enum trib_deal {
#define X(name, rule, column) TRIB_DEAL_##name,
	TRIB_DEAL_TABLE(X)
#undef X
		TRIB_DEALS
};

struct trib_deals {
	int64_t count[TRIB_DEALS];
	int64_t last_ms;
};

struct trib_experience;

struct trib_experience *trib_experience_new(size_t rows_max);
void trib_experience_free(struct trib_experience *experience);

/* The rows: to be read, and handed to checkpoints. They are put by the functions below only. */
struct trib_tallies *trib_experience_rows(const struct trib_experience *experience);

/* Has anybody dealt with the creator? NULL: nobody with anybody. */
bool trib_experience_knows(const struct trib_experience *experience, uint32_t creator);

/* Begins the pair if it is new. */
void trib_experience_add(struct trib_experience *experience, uint32_t party, uint32_t creator, enum trib_deal deal,
			 int64_t at_ms);

/* The same for a pair that is there; else nothing. */
void trib_experience_add_known(struct trib_experience *experience, uint32_t party, uint32_t creator, enum trib_deal deal,
			       int64_t at_ms);

/* Any other row, whole. That of a SOLD makes `at_ms` the last time of its pair. */
void trib_experience_put(struct trib_experience *experience, const struct trib_tally *row, int64_t at_ms);

/* A row that a checkpoint wrote. */
void trib_experience_load(struct trib_experience *experience, const struct trib_tally *row);

/* False: they have never dealt with each other. */
bool trib_experience_get(const struct trib_experience *experience, uint32_t party, uint32_t creator,
			 struct trib_deals *ret_deals);

/* NULL: nothing. `of` is a party, plan or goods, as the kind says. */
const struct trib_tally *trib_experience_row(const struct trib_experience *experience, enum trib_tally_kind kind,
					     uint32_t of, uint32_t rule, uint32_t creator);

/* The currencies that anything was sold in, as codes; at most TRIB_EXPERIENCE_CURRENCIES are told. */
enum { TRIB_EXPERIENCE_CURRENCIES = 32 };
uint32_t trib_experience_currencies(const struct trib_experience *experience, const uint32_t **ret_codes);

/*
 * Pairs of a party, of a creator (the other is 0), or all (both 0), each once, in no order. `place` is where to begin, 0
 * at first; true gives the pair there or behind it and moves `place` beyond it. At most *looks rows are looked at, and taken off it:
 * false with *place other than 0 means go on, with 0 the end.
 */
#define TRIB_EXPERIENCE_END UINT32_MAX /* a place behind all */
bool trib_experience_next(const struct trib_experience *experience, uint32_t party, uint32_t creator, uint32_t *place,
			  uint32_t *looks, uint32_t *ret_party, uint32_t *ret_creator);

#endif
