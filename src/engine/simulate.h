/*
 * What if: the orders of a stretch of the journal, decided again by a candidate tree, and what would have changed.
 *
 *	struct trib_simulate_options options = { .data = "tributary-data", .name = name, .source = json };
 *	struct trib_simulate_progress progress = { 0 };
 *
 *	status = trib_simulate(&options, &progress, &report, &error);     // JSON; runs for as long as it takes
 *
 * It reads the journal by itself, folds nouns and rules as they came, and resolves every order of the tree against the
 * market as it stood then, with the touches that were considered then; so nothing but the rules differs. It takes no
 * lock and asks no engine: any number run beside one, each in a thread of its own. Of a running server it sees what is
 * durable.
 *
 * The orders of the tree are those that any version of it decided; for a tree that is not there yet, those of its scene.
 */
#ifndef TRIB_ENGINE_SIMULATE_H
#define TRIB_ENGINE_SIMULATE_H

#include "base/bytes.h"
#include "base/status.h"

struct trib_simulate_options {
	const char *data;	  /* the engine's data folder */
	struct trib_bytes name;	  /* of the tree */
	struct trib_bytes source; /* the candidate, as the body of a PUT */
	int64_t from_ms, to_ms;	  /* orders decided from … until before …; to_ms 0: until the end */
	uint32_t examples;	  /* at most; 0: 20 */
	uint64_t durable;	  /* a mark that the caller knows to be durable; 0: of a running server the last batch is not seen */
};

/* Any thread may read it, and set `cancel`. */
struct trib_simulate_progress {
	uint64_t first, last, position; /* of the journal; last 0: not begun */
	uint64_t orders;		/* decided again so far */
	bool cancel;
};

/* From 0 to 100. */
unsigned trib_simulate_percent(const struct trib_simulate_progress *progress);

/* TRIB_REFUSED where it was ended. Facts that only the engine counts are taken from the events, where they are there. */
trib_status trib_simulate(const struct trib_simulate_options *options, struct trib_simulate_progress *progress,
			  struct trib_buffer *report, struct trib_error *error);

/* The source of a version, looked up in the journal. */
trib_status trib_simulate_find_version(const char *data, struct trib_bytes name, uint32_t version,
				       struct trib_buffer *ret_source, struct trib_error *error);

#endif
