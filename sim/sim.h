/*
 * The deterministic simulator: a world is a program on a simulated disk and clock, a workload that drives it, and
 * an auditor that knows, by a model of its own that is too simple to be wrong, what must be true. Everything that
 * happens follows from the seed, so that a seed and a commit replay any run.
 *
 *	build/sim/sim --seed 7 --seeds 50             seeds 7 to 56 in every world
 *	build/sim/sim --world counter --seed 7 -v     one run, told step by step
 *	build/sim/sim --plants                        every planted bug must be caught
 *	build/sim/sim --plant no-sync --seeds 20      … this one, by one of twenty seeds
 *
 * Worlds:
 *	counter   the journal under a toy state machine: what is lost, torn, invented
 *	market    the real engine: links, touches, orders, repeats, puts; money and answers; what becomes of orders later;
 *	          rules that change while orders go on; rich clients with snapshots of their own
 *	trade     the nouns of the trade: plays and their flows, plans, activities, invitations, samples, shelves,
 *	          approvals, messages that leave, access tokens and sessions
 *
 * A planted bug is a lie told between two layers (a sync that does nothing, an answer that leaves too early):
 * what the code would do if it had forgotten the call. An auditor that does not catch it is no auditor.
 */
#ifndef TRIB_SIM_SIM_H
#define TRIB_SIM_SIM_H

#include <stdbool.h>
#include "base/rng.h"
#include "engine/engine.h"
#include "disk.h"

/* X(NAME, word, worlds that must catch it, what it is) */
#define SIM_PLANT_TABLE(X)                                                                         \
	X(NO_SYNC, "no-sync", BOTH, "a sync that does nothing")                                    \
	X(NO_FOLDER_SYNC, "no-folder-sync", BOTH, "a folder that is never made durable")           \
	X(NOT_DURABLE, "not-durable", BOTH, "O_DSYNC that does nothing")                           \
	X(EARLY_ANSWER, "early-answer", ALL,  "answers that do not wait for the journal")          \
	X(EARLY_STORE, "early-store", COUNTER, "a store that is given what is not durable")        \
	X(LOST_EVENT, "lost-event", COUNTER, "a replay that forgets one event in fifty")           \
	X(DOUBLE_EVENT, "double-event", COUNTER, "a replay that begins one record too early")      \
	X(FORGOTTEN_REPEAT, "forgotten-repeat", MARKET, "a repeat that is sent as a new order")    \
	X(LOST_CENT, "lost-cent", MARKET, "an answer whose charge is one less")                    \
	X(OLD_RATE, "old-rate", MARKET, "a change of a plan that does not reach the engine")       \
	X(LOST_REFUND, "lost-refund", MARKET, "a refund that is answered and not told")            \
	X(LOST_PATCH, "lost-patch", MARKET, "a change of a node that changes nothing")             \
	X(LOST_ROLLBACK, "lost-rollback", MARKET, "a version taken back that goes on")             \
	X(OTHER_SHARE, "other-share", MARKET, "a roll-out to half the share that was asked for")   \
	X(LOST_DELTA, "lost-delta", MARKET, "a delta of the market without its last change")       \
	X(LOST_RECORD, "lost-record", MARKET, "records forgotten before they were answered")       \
	X(DOUBLE_RECORD, "double-record", MARKET, "a record that is taken twice")                  \
	X(UNSEEN_DIFFERENCE, "unseen-difference", MARKET, "records that nobody compares")          \
	X(LOST_SHELF, "lost-shelf", TRADE, "a shelf that is answered and not told")                \
	X(LOST_ACCEPTANCE, "lost-acceptance", TRADE, "an invitation accepted at the door only")    \
	X(LOST_APPROVAL, "lost-approval", TRADE, "an approval decided at the door only")           \
	X(LOST_REVOKE, "lost-revoke", TRADE, "an access token that goes on when it is revoked")    \
	X(OLD_PLAY, "old-play", TRADE, "a play that is rolled back and goes on")                   \
	X(LATE_PAUSE, "late-pause", TRADE, "an action that does not reach its plan")               \
	X(LOST_MESSAGE, "lost-message", TRADE, "messages told as taken that never left")           \
	X(HALF_FLOW, "half-flow", TRADE, "a flow that fails and leaves its message")

/* X(NAME, world, what has happened): what the seeds of `make check` must have met there, or they prove little. */
#define SIM_MARK_TABLE(X) \
	X(FULL_TAKEN, MARKET, "a client took a full snapshot") \
	X(DELTA_TAKEN, MARKET, "a client took a delta") \
	X(DAMAGED_REFUSED, MARKET, "a client refused a damaged snapshot") \
	X(OLDER_REFUSED, MARKET, "a client refused an older snapshot") \
	X(GAP_REFUSED, MARKET, "a client refused a delta that left a gap") \
	X(FILE_DAMAGED, MARKET, "a client began with a damaged file") \
	X(STALE, MARKET, "a client decided by a market that had changed since") \
	X(ASKED, MARKET, "a client asked the engine") \
	X(RECORD_LOST, MARKET, "records were lost on their way") \
	X(ANSWER_LOST, MARKET, "the answer to records was lost on its way") \
	X(RECORD_LATE, MARKET, "records came once more, late") \
	X(CUT_OFF, MARKET, "the engine ended with records unanswered") \
	X(RECORD_REFUSED, MARKET, "records came too late") \
	X(DIFFERS_OUTCOME, MARKET, "a client came to another outcome") \
	X(DIFFERS_RULES, MARKET, "a client decided by another version") \
	X(DIFFERS_NODE, MARKET, "a client came to another node") \
	X(DIFFERS_CREDITS, MARKET, "a client came to other credits") \
	X(ROLLED_OUT, MARKET, "an order was decided by a version that was rolled out") \
	X(TAKEN_BACK, MARKET, "an older version was activated") \
	X(LATER, MARKET, "rules were switched for later") \
	X(PATCHED, MARKET, "a node was changed") \
	X(OUT_OF_TIME, MARKET, "a node was passed over, being off or out of its time") \
	X(PLAY_ROLLED_BACK, TRADE, "a play was rolled back") \
	X(FLOW_REFUSED, TRADE, "a flow refused a plan") \
	X(WAITED, TRADE, "a plan waited for approval") \
	X(APPROVED, TRADE, "one that waited was approved") \
	X(APPROVED_LATE, TRADE, "an approval came too late") \
	X(SCHEDULED, TRADE, "a plan was put for later") \
	X(BUDGET_SPENT, TRADE, "a budget was spent") \
	X(ACCEPTED, TRADE, "an invitation was accepted") \
	X(EXPIRED, TRADE, "an invitation had expired") \
	X(FEE_RETURNED, TRADE, "a slot fee went back") \
	X(RECEIVED, TRADE, "a sample was received") \
	X(LEFT_AGAIN, TRADE, "a message left again") \
	X(ACCESS_ENDED, TRADE, "a token or a session ended")

enum sim_mark {
#define X(name, world, text) SIM_MARK_##name,
	SIM_MARK_TABLE(X)
#undef X
		SIM_MARKS
};

enum sim_plant {
	SIM_PLANT_NONE,
#define X(name, word, worlds, text) SIM_PLANT_##name,
	SIM_PLANT_TABLE(X)
#undef X
		SIM_PLANTS
};

struct sim_run {
	uint64_t seed;
	enum sim_plant plant;
	bool verbose;
	struct trib_rng rng; /* the workload's */
	struct trib_sim_disk *disk;

	bool failed; /* the auditor has found something: the run ends */
	char why[512];
	uint64_t lives, commands, answered, crashes, refusals;
	uint64_t marks[SIM_MARKS];
};

/* The auditor speaks: the first finding is kept. */
void sim_fail(struct sim_run *run, const char *format, ...) TRIB_PRINTF(2, 3);
#define sim_expect(run, condition, ...)                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			sim_fail((run), __VA_ARGS__);                                              \
	} while (0)

static inline void sim_mark(struct sim_run *run, enum sim_mark mark)
{
	run->marks[mark]++;
}

/* Told with -v. */
void sim_tell(const struct sim_run *run, const char *format, ...) TRIB_PRINTF(2, 3);

static inline bool sim_chance(struct sim_run *run, double probability)
{
	return trib_rng_chance(&run->rng, probability);
}

static inline uint64_t sim_below(struct sim_run *run, uint64_t bound)
{
	return trib_rng_below(&run->rng, bound);
}

/* The faults and moods that a new life of the process meets. Sets fail_after and the like. */
void sim_draw_faults(struct sim_run *run);
void sim_clear_faults(struct sim_run *run);

/* Worlds. Each runs from an empty disk to its last audit, and frees what it has made. */
void sim_counter(struct sim_run *run);
void sim_market(struct sim_run *run);
void sim_trade(struct sim_run *run);

/*
 * A folder for the store, in memory: RocksDB syncs, and nothing here asks it to be durable. Keys follow from the seed, too:
 * their values reach the sizes of events.
 */
void sim_folder_make(struct sim_run *run, char ret_path[64]);
void sim_folder_remove(const char *path);

/* The disk's time, and what was skipped beside it. */
#define SIM_START_MS INT64_C(1790000000000)
struct sim_clock {
	struct trib_clock clock; /* first: what the engine is given */
	struct sim_run *run;
	int64_t skipped_ms;
};
void sim_clock_init(struct sim_clock *clock, struct sim_run *run);

/* Opening may meet the disk's faults as well; then it is tried again. NULL, and a finding, where it never works. */
struct trib_engine *sim_engine_open(struct sim_run *run, const struct trib_engine_options *options);
/* Stopped, killed, or without power, as chance has it. Returns whether that was so. */
bool sim_engine_end(struct sim_run *run, struct trib_engine *engine);

#endif
