/*
 * Which lines an order has: `o1/1` and `o1/2` are lines of `o1`. A log of the positions of their decisions, chained by the
 * order's fingerprint; what a checkpoint has written of it is looked up in the store (TRIB_TABLE_LINE).
 *
 *	uint32_t cursor = 0;
 *	while (line_log_next(&log, fingerprint, &cursor, &position))
 *		…                                        // the newest first
 */
#ifndef TRIB_ENGINE_LINES_H
#define TRIB_ENGINE_LINES_H

#include <stdbool.h>
#include <stdint.h>

struct line_entry {
	uint64_t order, position;
	uint32_t chain; /* index + 1 of the one before of the same chain, 0: none */
};

/* Zeroed: empty. */
struct line_log {
	struct line_entry *entries;
	uint32_t *heads;
	uint32_t count, capacity; /* heads are as many, a power of two */
};

void line_log_add(struct line_log *log, uint64_t order, uint64_t position);
bool line_log_next(const struct line_log *log, uint64_t order, uint32_t *cursor, uint64_t *ret_position);
/* A copy of the entries by order, then position, as the store wants them: one thread may make it while another looks up. */
struct line_entry *line_log_sorted(const struct line_log *log);
void line_log_fini(struct line_log *log);

#endif
