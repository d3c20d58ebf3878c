/*
 * Shelves in memory: those that changed since the last checkpoint, and, as long as there is room, those that were
 * looked at. The store has all others. And on how many shelves each of the goods is.
 *
 *	in the store only ──load──► CLEAN ──put──► CHANGED ──freeze──► FROZEN ──stored──► CLEAN ──┐
 *	        ▲                                     ▲                   │ put                    │
 *	        └──────────── forgotten ──────────────│── (never) ◄───────┴──► CHANGED, FROZEN     │
 *	        └──────────────────────────────────────────────────────────────────────────────────┘
 *
 * Records are immutable and counted, so a checkpoint writes them while they are changed here. Private to the room.
 */
#ifndef TRIB_ENGINE_SHELVES_H
#define TRIB_ENGINE_SHELVES_H

#include "domain/domain.h"
#include "domain/shelf.h"

struct shelves;

/* bytes_max: of what may be forgotten. */
struct shelves *shelves_new(size_t bytes_max);
void shelves_free(struct shelves *shelves);

/* False: the store must be asked. Else *ret_record is borrowed until the next call; NULL: there is no such shelf. */
bool shelves_find(struct shelves *shelves, uint32_t creator, enum trib_shelf_kind kind, struct trib_record **ret_record);
/* What the store said of a shelf that was not found; takes the reference, NULL: nothing. */
void shelves_load(struct shelves *shelves, uint32_t creator, enum trib_shelf_kind kind, struct trib_record *record);
/* A shelf as it is now; takes the reference. */
void shelves_put(struct shelves *shelves, uint32_t creator, enum trib_shelf_kind kind, struct trib_record *record);

size_t shelves_bytes(const struct shelves *shelves);
/* Those that are in memory. */
size_t shelves_count(const struct shelves *shelves);

/* On how many shelves goods are. */
uint32_t shelves_of_goods(const struct shelves *shelves, uint32_t goods);
void shelves_set_of_goods(struct shelves *shelves, uint32_t goods, uint32_t count);

/* ---- Checkpoints ---------------------------------------------------------------------------------- */

struct shelf_frozen {
	uint32_t creator, slot;
	uint8_t kind;
	struct trib_record *record;
};

/* What has changed, for the caller to free; each record is a reference. Counts that changed are gathered from now on. */
struct shelf_frozen *shelves_freeze(struct shelves *shelves, size_t *ret_count);
/* The store has them now. */
void shelves_stored(struct shelves *shelves, const struct shelf_frozen *frozen, size_t count);

/* One row of the store: that of `block`, 1024 goods. */
enum { SHELVES_BLOCK_GOODS = 1024, SHELVES_BLOCK_BYTES = SHELVES_BLOCK_GOODS * 4 };
typedef void shelves_block_fn(void *context, uint32_t block, const char bytes[SHELVES_BLOCK_BYTES]);

/*
 * Some of the blocks that had changed when it was frozen, as they are now: events state counts, so what is newer than
 * the checkpoint does no harm. True while there are more.
 */
bool shelves_gather(struct shelves *shelves, uint32_t limit, shelves_block_fn *fn, void *context);
bool shelves_load_block(struct shelves *shelves, uint32_t block, struct trib_bytes bytes);

#endif
