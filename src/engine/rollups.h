/*
 * Rollups: what a business came to, by play, currency and minute, hour, day, and altogether.
 *
 *	struct rollup *open = rollups_open(rollups, play, currency, now_ms);   // of the minute under way
 *	open->value[ROLLUP_CHARGED] += charged;
 *	open->orders[outcome]++;
 *	…
 *	rollups_each(rollups, ROLLUP_HOUR, from_ms, to_ms, visit, context);
 *
 *	counts ──► minute under way ──(the next minute's first count)──► minutes, and added to hour, day, total
 *
 * Only the minute under way is counted in: one line or two of memory for each play and currency that sells in it. Time is the
 * engine's, so it never goes back, and the same events give the same rollups. A level keeps its newest cells (limits below)
 * and forgets the oldest: with a dozen of plays, minutes for a week, hours for a year, days for decades.
 *
 * One thread; knows nothing of the engine.
 */
#ifndef TRIB_ENGINE_ROLLUPS_H
#define TRIB_ENGINE_ROLLUPS_H

#include "base/bytes.h"
#include "base/status.h"
#include "domain/outcome.h"

/* X(NAME, number, "word", currency, what). Numbers stand in the store. `currency`: does it stand in cells of one? */
#define TRIB_ROLLUP_TABLE(X)                                                                       \
	X(PLANS, 0, "plans", false, "plans made")                                                  \
	X(LISTINGS, 1, "listings", false, "goods listed on shelves")                               \
	X(LINKS, 2, "links", false, "links converted")                                             \
	X(BASE, 3, "base_amount", true, "of attributed orders, as ordered")                        \
	X(CHARGED, 4, "charged", true, "what merchants and the platform pay for them, as ordered") \
	X(COMMISSION, 5, "commission", true, "what creators get of it, as ordered")                \
	X(PAID_ORDERS, 6, "paid_orders", true, "attributed orders that were paid")                 \
	X(PAID_BASE, 7, "paid_base_amount", true, "their bases, as paid")                          \
	X(NET_COMMISSION, 8, "net_commission", true, "what creators get of paid orders, net of refunds")  \
	X(REFUNDS, 9, "refunds", true, "refunds of attributed orders that lower their bases") \
	X(REFUNDED_ORDERS, 10, "refunded_orders", true, "attributed orders refunded for the first time") \
	X(REFUNDED, 11, "refunded_amount", true, "what they came to")

enum rollup_value {
#define X(name, number, word, currency, what) ROLLUP_##name = number,
	TRIB_ROLLUP_TABLE(X)
#undef X
		ROLLUP_VALUES
};

/* X(NAME, number, "word", ms, cells kept) */
#define TRIB_ROLLUP_LEVELS(X)                                                                      \
	X(TOTAL, 0, "total", 0, 4096)                                                              \
	X(DAY, 1, "day", 86400000, 65536)                                                          \
	X(HOUR, 2, "hour", 3600000, 131072)                                                        \
	X(MINUTE, 3, "minute", 60000, 131072)

enum rollup_level {
#define X(name, number, word, ms, cells) ROLLUP_##name = number,
	TRIB_ROLLUP_LEVELS(X)
#undef X
		ROLLUP_LEVELS
};

enum { ROLLUP_OUTCOMES = 32 };

const char *rollup_level_word(enum rollup_level level);
int64_t rollup_level_ms(enum rollup_level level);

struct rollup {
	uint32_t play;	   /* a number of engine/business.h */
	uint32_t currency; /* a code; 0: of what has none */
	int64_t from_ms;	 /* when its period begins */
	int64_t value[ROLLUP_VALUES];
	uint32_t orders[ROLLUP_OUTCOMES]; /* by outcome */
};

struct rollups;

struct rollups *rollups_new(void);
void rollups_free(struct rollups *rollups);

/* The cell of the minute under way. Good until the next call. */
struct rollup *rollups_open_slow(struct rollups *rollups, uint32_t play, uint32_t currency, int64_t now_ms);

/* The first of rollups: what was looked for lately. */
enum { ROLLUP_NEAR = 64 };
struct rollups_near {
	int64_t until_ms; /* when the minute under way ends */
	struct rollup *cells[ROLLUP_NEAR];
};

static inline struct rollup *rollups_open(struct rollups *rollups, uint32_t play, uint32_t currency, int64_t now_ms)
{
	const struct rollups_near *near = (const struct rollups_near *)rollups;
	struct rollup *cell = near->cells[(play * 31 + currency) % ROLLUP_NEAR];

	if (TRIB_LIKELY(cell && cell->play == play && cell->currency == currency && now_ms < near->until_ms))
		return cell;
	return rollups_open_slow(rollups, play, currency, now_ms);
}

/* The cells of a level whose periods begin in [from, to), by time; those of the minute under way are told as they stand. */
typedef bool rollups_fn(void *context, const struct rollup *cell); /* false: enough */
void rollups_each(const struct rollups *rollups, enum rollup_level level, int64_t from_ms, int64_t to_ms,
		  rollups_fn *visit, void *context);
/*
 * Checkpoints: what has changed since the last freeze, a row a cell: level and slot, which a newer cell takes over. Load:
 * any order, then load_done.
 */
typedef void rollups_row_fn(void *context, enum rollup_level level, uint32_t slot, struct trib_bytes row);
void rollups_freeze(struct rollups *rollups, rollups_row_fn *emit, void *context);
trib_status rollups_load(struct rollups *rollups, uint32_t level, uint32_t slot, struct trib_bytes row,
			 struct trib_error *error);
void rollups_load_done(struct rollups *rollups);

#endif
