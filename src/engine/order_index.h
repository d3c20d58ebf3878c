/*
 * Where each order's event stands in the journal: 64-bit fingerprint → position, for the newest orders, in one
 * hash table of fixed size. A new order costs one line of memory, which a batch prefetches.
 *
 * The table is told a horizon: entries whose position lies before it are as good as gone and their slots are
 * used again. Whoever raises it must have them in the store (engine/runs.h).
 *
 * Two orders may share a fingerprint (once in 10^12 pairs at a hundred million orders): both are kept, `find` is
 * called until it returns 0, and the event itself tells whose it is.
 *
 * 64 million orders fit into 1 GiB: a line of 64 bytes holds five slots of 12 bytes (position 56 bits, tag 40
 * bits; 24 further bits of the fingerprint are the line's number) at three quarters full.
 */
#ifndef TRIB_ENGINE_ORDER_INDEX_H
#define TRIB_ENGINE_ORDER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trib_order_index;

/* `bytes` is rounded down to a power of two, at least 4 KiB. Memory is reserved, and touched when used. */
struct trib_order_index *trib_order_index_new(size_t bytes);
void trib_order_index_free(struct trib_order_index *index);

/*
 * Faults the next few pages of the table in; false when all are there. For one background thread: fresh memory costs
 * seconds per GiB, which orders would pay.
 */
bool trib_order_index_warm(struct trib_order_index *index);
bool trib_order_index_is_warm(const struct trib_order_index *index);

void trib_order_index_prefetch(const struct trib_order_index *index, uint64_t fingerprint);

/*
 * The next position of this fingerprint after *cursor (0 to begin), 0 when there is none left. Fingerprints
 * are compared in all bits that the table keeps (at least 52).
 */
uint64_t trib_order_index_find(const struct trib_order_index *index, uint64_t fingerprint,
			       uint32_t *cursor);

/* False when the neighbourhood is full: raise the horizon and try again. position is not 0, below 2^56. */
bool trib_order_index_insert(struct trib_order_index *index, uint64_t fingerprint, uint64_t position);

/* The entry of `old` is that of `position` from now on. False where there is none: insert. */
bool trib_order_index_replace(struct trib_order_index *index, uint64_t fingerprint, uint64_t old, uint64_t position);

/* Entries before `horizon` are forgotten. It never goes back. */
void trib_order_index_set_horizon(struct trib_order_index *index, uint64_t horizon);
uint64_t trib_order_index_horizon(const struct trib_order_index *index);

size_t trib_order_index_capacity(const struct trib_order_index *index); /* orders it holds comfortably */
size_t trib_order_index_count(const struct trib_order_index *index);	  /* inserted and not overwritten */

#endif
