/*
 * A shelf: what a creator shows in one place, in order. An entry is (goods, offer) and never copies terms; those are
 * resolved when it is read. Plain values here, without the nouns they name: numbers in, numbers out.
 *
 *	struct trib_shelf shelf;
 *
 *	if (!trib_shelf_read(record, &shelf))             // the store's bytes
 *		…                                         // they are no shelf
 *	trib_shelf_put(&shelf, (struct trib_shelf_entry){ .goods = goods, .offer = plan }, 0);
 *	size = trib_shelf_write(&shelf, place);           // TRIB_SHELF_BYTES_MAX of it
 *
 * A record, in varints, because there are as many entries as everything else together (some 6 bytes each):
 *
 *	1, version, policy, groups, { size, text } of each, entries, then of each entry:
 *	goods << 1 | more; where there is more: offer << 4 | told << 3 | policy << 1 | has group; where it has one: group
 */
#ifndef TRIB_DOMAIN_SHELF_H
#define TRIB_DOMAIN_SHELF_H

#include "base/bytes.h"
#include "base/limits.h"

/* Kinds of shelves. X(NAME, number, word, what); numbers stand in journal and store and never change. */
#define TRIB_SHELF_KIND_TABLE(X)                                                                   \
	X(SHOWCASE, 1, "showcase", "橱窗: what a creator shows all the time")                      \
	X(LIVE_CART, 2, "live_cart", "小黄车: what hangs in a live room")

enum trib_shelf_kind {
	TRIB_SHELF_KIND_NONE,
#define X(name, number, word, what) TRIB_SHELF_##name = number,
	TRIB_SHELF_KIND_TABLE(X)
#undef X
		TRIB_SHELF_KINDS /* one more than there are */
};

/* "showcase"; NULL where there is no such kind. And back: TRIB_SHELF_KIND_NONE. */
const char *trib_shelf_kind_word(enum trib_shelf_kind kind);
enum trib_shelf_kind trib_shelf_kind_of(struct trib_bytes word);

/* What becomes of an entry whose offer has ended. X(NAME, number, word, what); numbers never change. */
#define TRIB_SHELF_POLICY_TABLE(X)                                                                 \
	X(SHELF, 0, "shelf", "as the shelf says; of a shelf: fall_back")                           \
	X(FALL_BACK, 1, "fall_back", "the best open plan takes its place")                         \
	X(INVALID, 2, "invalid", "it cannot be sold")                                              \
	X(ASK, 3, "ask", "it cannot be sold until the creator has chosen again")

enum trib_shelf_policy {
#define X(name, number, word, what) TRIB_SHELF_POLICY_##name = number,
	TRIB_SHELF_POLICY_TABLE(X)
#undef X
		TRIB_SHELF_POLICIES
};

const char *trib_shelf_policy_word(enum trib_shelf_policy policy);
bool trib_shelf_policy_of(struct trib_bytes word, enum trib_shelf_policy *ret_policy);

struct trib_shelf_entry {
	uint32_t goods; /* number */
	uint32_t offer; /* plan number; 0: the best that is open */
	uint8_t group;	/* from 1; 0: in none */
	uint8_t policy; /* enum trib_shelf_policy */
	bool told;	/* that the offer has ended; where it has one */
};

/* Large: not for stacks of threads that have little. Group names point into the record, or wherever they came from. */
struct trib_shelf {
	uint32_t version; /* 0: it was never written */
	uint32_t count;
	uint8_t policy; /* enum trib_shelf_policy, never SHELF */
	uint8_t group_count;
	struct trib_bytes groups[TRIB_LIMIT_SHELF_GROUPS];
	struct trib_shelf_entry entries[TRIB_LIMIT_SHELF_ENTRIES]; /* each goods once */
};

enum {
	TRIB_SHELF_BYTES_MAX = 24 + TRIB_LIMIT_SHELF_GROUPS * (TRIB_LIMIT_EXTERNAL_ID_BYTES + 1) +
			       TRIB_LIMIT_SHELF_ENTRIES * 12
};

/* An empty record is an empty shelf. False where the bytes are none; they are not trusted. */
bool trib_shelf_read(struct trib_bytes record, struct trib_shelf *ret_shelf);
size_t trib_shelf_write(const struct trib_shelf *shelf, char *place);

/*
 * Entries from a place on, at most `limit`, without looking at more than must be; everything but `entries` and `count`
 * is filled in as trib_shelf_read does, *ret_total tells what count would be.
 */
bool trib_shelf_read_page(struct trib_bytes record, uint32_t from, uint32_t limit, struct trib_shelf *ret_shelf,
			  uint32_t *ret_total);

#define TRIB_SHELF_NOWHERE UINT32_MAX

/* Where goods stand, or TRIB_SHELF_NOWHERE. */
uint32_t trib_shelf_find(const struct trib_shelf *shelf, uint32_t goods);

/*
 * Puts an entry at a place (behind the last: at the end), from which the old one of the same goods is taken first;
 * TRIB_SHELF_NOWHERE: where that stood, else at the end. False where the shelf is full.
 */
bool trib_shelf_put(struct trib_shelf *shelf, struct trib_shelf_entry entry, uint32_t place);

/* False where they were not on it. */
bool trib_shelf_remove(struct trib_shelf *shelf, uint32_t goods);

/* These goods, without repeats and all on it, come first in this order; the others follow as they stood. */
void trib_shelf_order(struct trib_shelf *shelf, const uint32_t *goods, uint32_t count);

/* The number of a group, made if it is new; 0 where there is no room. */
uint8_t trib_shelf_group(struct trib_shelf *shelf, struct trib_bytes name);

/* The groups are these from now on, without repeats; entries of others stay, in none. */
void trib_shelf_set_groups(struct trib_shelf *shelf, const struct trib_bytes *names, uint32_t count);

#endif
