/*
 * Runs: stretches (from, to] of the journal whose orders and touches are in the store. Of each the engine has a filter
 * that says "surely not here" of an order or user that it is asked for. A checkpoint makes a run; so that a new order
 * asks a handful of filters however long the history is, runs are put together:
 *
 *	at opening	all that the store has, by RUNS_LOADED_PRINTS (runs_loader_…)
 *	afterwards	those behind the index's horizon by their sizes, so that each is at least twice as large as all
 *			behind it; with the next checkpoint, on its thread (runs_to_merge, runs_merge, runs_replace)
 *
 * For that a run keeps its prints (store/prints.h) until it has RUNS_WHOLE_PRINTS of them. Memory: two bytes a print for
 * the filter, and three more while the prints are kept: 100 MB at most, beside those of runs before the horizon. Runs
 * that release 0.1 wrote are filters themselves; they stay as they are.
 *
 * Private to the room.
 */
#ifndef TRIB_ENGINE_RUNS_H
#define TRIB_ENGINE_RUNS_H

#include "base/status.h"
#include "store/prints.h"

enum {
	RUNS_WHOLE_PRINTS = 32 * 1000 * 1000,	/* a run of so many keeps none */
	RUNS_LOADED_PRINTS = 128 * 1000 * 1000, /* at opening: 400 MB of prints, until the filter is filled */
};

/* What a run knows of its orders, or of its users. */
struct run_filter {
	struct trib_filter filter; /* words NULL: nothing in that stretch */
	bool of_hashes;		   /* of release 0.1: not of prints */
	uint64_t prints;
	struct trib_bytes *packed; /* what it was filled from, on the heap; NULL: it stays as it is */
	size_t n_packed;
};

struct run {
	uint64_t from, to;
	struct run_filter orders, touches;
};

void run_fini(struct run *run);

static inline bool run_filter_may_have(const struct run_filter *of, uint64_t hash)
{
	return of->filter.words &&
	       trib_filter_may_have(&of->filter, of->of_hashes ? hash : trib_print_hash(hash));
}

static inline void run_filter_prefetch(const struct run_filter *of, uint64_t hash)
{
	trib_filter_prefetch(&of->filter, of->of_hashes ? hash : trib_print_hash(hash));
}

/* Of items with their hash at the beginning, sorted by it; nothing of none. */
void run_filter_make(struct run_filter *ret_of, const void *items, size_t count, size_t item_size);

/* What the store keeps of one that was just made; sizes are never 0. */
struct trib_bytes run_filter_bytes(const struct run_filter *of);

/* ---- Opening --------------------------------------------------------------------------------------- */

struct runs {
	struct run *items;
	size_t count;
};

/* Reads the store's runs of one kind, oldest first. CORRUPT where the bytes are none. */
struct runs_loader {
	struct runs *runs; /* where they go */
	bool touches;
	uint64_t whole_prints; /* RUNS_LOADED_PRINTS, but in tests */
	struct run open;       /* the one being put together, prints only */
};
trib_status runs_loader_add(struct runs_loader *loader, uint64_t from, uint64_t to, struct trib_bytes stored,
			    struct trib_error *error);
/* After the last one, or a failure. */
trib_status runs_loader_end(struct runs_loader *loader, struct trib_error *error);

/* ---- Putting together ------------------------------------------------------------------------------- */

void runs_add(struct runs *runs, struct run run);
void runs_fini(struct runs *runs);

/* Neighbours behind the horizon that are to become one; count 0: none are. */
void runs_to_merge(const struct runs *runs, uint64_t horizon, size_t *ret_first, size_t *ret_count);

/* One run of all that these have; they are only looked at. Any thread. False where there is no memory for it. */
bool runs_merge(const struct run *items, size_t count, struct run *ret_run);

/* Puts the merged one in their place. Their filters go to `old`, to be freed by who has the time. */
void runs_replace(struct runs *runs, size_t first, size_t count, struct run merged, struct runs *old);

/* Frees one that was not put in place. */
void runs_drop_merged(struct run *merged);

#endif
