/*
 * Tallies: what plans have sold and spent so far, per creator and period. Events hold the whole new values, so that
 * applying one is putting it here.
 *
 *	struct trib_tally_key key = { .kind = TRIB_TALLY_STEP, .plan = plan, .rule = rule, .creator = creator,
 *				      .period = 20780 };
 *	const struct trib_tally *tally = trib_tallies_get(tallies, &key);        // NULL: nothing yet
 *
 *	struct trib_tally next = { .key = key, .sold = { 1, 1, 2990 }, .amount = 29 };
 *	trib_tallies_put(tallies, &next);
 *
 * One thread. Nothing is ever taken out; there is room for `count_max`, after which trib_tallies_has_room says no. So each
 * has a place, counted from 0 in the order in which they came, and those of one plan are a chain of places:
 *
 *	for (uint32_t i = trib_tallies_first(tallies, plan); i != TRIB_TALLY_NONE; i = trib_tallies_next(tallies, i))
 *		tally = trib_tallies_at(tallies, i);
 *
 *	heads[hash] ──► entry ──next──► entry ──next──► 0      entries stand where they were added: growing moves none
 */
#ifndef TRIB_ENGINE_TALLIES_H
#define TRIB_ENGINE_TALLIES_H

#include "commission/commission.h"

/*
 * X(NAME, number, word, what `amount` is). Numbers never change: they stand in events.
 */
#define TRIB_TALLY_TABLE(X)                                                                        \
	X(STEP, 1, "step", "the step line so far; of plan, rule, creator (0: all), period")        \
	X(BUDGET, 2, "budget", "spent; of plan")                                                   \
	X(DAY, 3, "daily_cap", "spent on a day; of plan, period")                                  \
	X(INCENTIVE, 4, "incentive", "spent on incentives; of plan")                               \
	X(BUYER, 5, "buyer", "when he bought last, ms; plan and rule are a hash of buyer and shop")  \
	/* Up to SAMPLES: engine/experience.h, which keeps them apart. `plan` is what is said there. */ \
	X(DEALS, 6, "deals", "when they dealt last, ms, or plans; of party, creator")               \
	X(SOLD, 7, "sold", "refunded; of party, currency, creator")                                \
	X(PLAN_SOLD, 8, "plan_sold", "refunded; of plan")                                          \
	X(GOODS_SOLD, 9, "goods_sold", "refunded; of goods, creator")                              \
	X(WATCH, 10, "watch", "nothing; of goods, creator")       \
	X(SAMPLES, 11, "samples", "nothing; of plan")                                         \
	X(MANAGED, 12, "managed", "charged, net of refunds; of a managed plan that has a goal")

enum trib_tally_kind {
#define X(name, number, word, doc) TRIB_TALLY_##name = number,
	TRIB_TALLY_TABLE(X)
#undef X
};

static inline bool trib_tally_is_experience(uint32_t kind)
{
	return kind >= TRIB_TALLY_DEALS && kind <= TRIB_TALLY_SAMPLES;
}

const char *trib_tally_kind_word(enum trib_tally_kind kind); /* NULL where there is none */

struct trib_tally_key {
	uint32_t kind; /* enum trib_tally_kind */
	uint32_t plan;
	uint32_t rule; /* hash of what the plan's step says: a change of it begins anew */
	uint32_t creator;
	int32_t period; /* when it began, in minutes since 1970; 0: the plan's whole life */
};

struct trib_tally {
	struct trib_tally_key key;
	struct trib_measured sold;
	int64_t amount;
};

struct trib_tallies;

struct trib_tallies *trib_tallies_new(size_t count_max);
void trib_tallies_free(struct trib_tallies *tallies);

const struct trib_tally *trib_tallies_get(const struct trib_tallies *tallies, const struct trib_tally_key *key);
/* Adds or replaces; there is room. */
void trib_tallies_put(struct trib_tallies *tallies, const struct trib_tally *tally);
bool trib_tallies_has_room(const struct trib_tallies *tallies, size_t more);
size_t trib_tallies_count(const struct trib_tallies *tallies);

typedef void trib_tallies_fn(void *context, const struct trib_tally *tally);

/*
 * Checkpoints: a freeze hands out, as they stand now, those put since the last one, each once; in no order, and up to
 * `max` a step, true while there are more. Those put meanwhile are handed out before they change.
 */
void trib_tallies_freeze(struct trib_tallies *tallies, trib_tallies_fn *emit, void *context);
bool trib_tallies_freeze_step(struct trib_tallies *tallies, size_t max);
/* One that is read back. */
void trib_tallies_load(struct trib_tallies *tallies, const struct trib_tally *tally);

/* Places: all are 0 to count - 1. Of one plan: the first, and the next behind it. */
#define TRIB_TALLY_NONE UINT32_MAX
const struct trib_tally *trib_tallies_at(const struct trib_tallies *tallies, uint32_t place);
uint32_t trib_tallies_first(const struct trib_tallies *tallies, uint32_t plan);
uint32_t trib_tallies_next(const struct trib_tallies *tallies, uint32_t place);

/* All, by ascending key: tests. */
void trib_tallies_each(const struct trib_tallies *tallies, trib_tallies_fn *visit, void *context);

/* The bytes of a key, in whose order keys ascend. */
enum { TRIB_TALLY_KEY_BYTES = 20, TRIB_TALLY_VALUE_BYTES = 32 };
void trib_tally_put_row(const struct trib_tally *tally, char ret_key[TRIB_TALLY_KEY_BYTES],
			char ret_value[TRIB_TALLY_VALUE_BYTES]);
bool trib_tally_get_row(struct trib_bytes key, struct trib_bytes value, struct trib_tally *ret_tally);

#endif
