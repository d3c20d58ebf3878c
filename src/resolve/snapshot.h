/*
 * A snapshot: the market at a journal position, as bytes that travel. It holds what resolving an order needs (names,
 * parties, goods, plans, registrations, rules and which of them are active) and nothing else: no keys, no touches,
 * no orders, no money.
 *
 * A file is one *part* or several behind each other: a full one, then deltas, each of which begins where the one
 * before ends. So a client appends what it is sent, and a part that was torn off is cut without harm.
 *
 *	part      header, section, section, …, END
 *
 *	          0          8         12     16       24      32         40
 *	header    +----------+---------+------+--------+-------+----------+---------+
 *	          | TRIBSNAP | version | 0    | market | since | position | made_ms |   48 bytes
 *	          +----------+---------+------+--------+-------+----------+---------+
 *	section   | kind | flags | size | size bytes |                                16 bytes, then its content
 *	END       kind 0, size 32: BLAKE2b-256 of the part from its first byte to here
 *
 *	ROWS      rows of the store's tables, in the order of tables, then keys: table, key size, key, size, value
 *	EVENTS    events of the journal in its order: position, size, the content of message Event
 *
 * Header and sections are little-endian; numbers inside sections are varints. A section of an unknown kind is passed
 * over unless its flags say that it must be understood. `since` is 0 in a full part, else the position that the
 * delta begins behind. `position` is that of the newest change of the market that is in it; orders and touches do not
 * move it. `market` tells one market's snapshots from another's.
 *
 * Writing streams; nothing is known of the end at the beginning:
 *
 *	trib_snapshot_begin(&writer, &head, sink, context);
 *	trib_snapshot_row(&writer, TRIB_TABLE_PARTY, key, value);   …
 *	trib_snapshot_event(&writer, position, event);              …
 *	ok = trib_snapshot_end(&writer);
 *
 * Reading checks before it believes: trib_snapshot_next() looks at sizes and digest of a whole part, the items are
 * taken from it after that. What they mean is checked where they are folded in (view.h).
 */
#ifndef TRIB_RESOLVE_SNAPSHOT_H
#define TRIB_RESOLVE_SNAPSHOT_H

#include <sodium.h>
#include "base/bytes.h"
#include "base/status.h"
#include "store/store.h"

enum {
	TRIB_SNAPSHOT_VERSION = 1,
	TRIB_SNAPSHOT_HEADER_BYTES = 48,
	TRIB_SNAPSHOT_SECTION_BYTES = 16,
	TRIB_SNAPSHOT_DIGEST_BYTES = 32,
};

enum trib_snapshot_kind { TRIB_SNAPSHOT_END = 0, TRIB_SNAPSHOT_ROWS = 1, TRIB_SNAPSHOT_EVENTS = 2 };

enum { TRIB_SNAPSHOT_MUST = 1 }; /* a flag: who does not know this section must refuse the part */

struct trib_snapshot_head {
	uint64_t market, since, position;
	int64_t made_ms;
};

/* Takes bytes in order; false ends the writing. */
typedef bool trib_snapshot_sink(void *context, struct trib_bytes bytes);

struct trib_snapshot_writer {
	trib_snapshot_sink *sink;
	void *context;
	crypto_generichash_state digest;
	struct trib_buffer section; /* being filled */
	uint32_t kind;
	bool failed;
};

void trib_snapshot_begin(struct trib_snapshot_writer *writer, const struct trib_snapshot_head *head,
			 trib_snapshot_sink *sink, void *context);
void trib_snapshot_row(struct trib_snapshot_writer *writer, enum trib_table table, struct trib_bytes key,
		       struct trib_bytes value);
void trib_snapshot_event(struct trib_snapshot_writer *writer, uint64_t position, struct trib_bytes event);
/* False where the sink has refused something. The writer is done with either way. */
bool trib_snapshot_end(struct trib_snapshot_writer *writer);

/* One whole part, checked: its digest holds and every size lies inside. */
struct trib_snapshot_part {
	struct trib_snapshot_head head;
	struct trib_bytes sections; /* all but END */
	struct trib_bytes bytes;    /* the whole part */
};

/*
 * The part that begins at *offset, which then moves behind it. TRIB_NOT_FOUND at the end; TRIB_CORRUPT or
 * TRIB_UNSUPPORTED with the place where it is anything else.
 */
trib_status trib_snapshot_next(struct trib_bytes file, size_t *offset, struct trib_snapshot_part *ret_part,
			       struct trib_error *error);

/* One row (kind ROWS) or event (kind EVENTS). */
struct trib_snapshot_item {
	enum trib_snapshot_kind kind;
	enum trib_table table;
	struct trib_bytes key, value; /* an event is its value */
	uint64_t position;
};

struct trib_snapshot_cursor {
	struct trib_bytes sections, rest; /* not begun yet; of the section at hand */
	uint32_t kind;
};

static inline struct trib_snapshot_cursor trib_snapshot_items(const struct trib_snapshot_part *part)
{
	return (struct trib_snapshot_cursor){ .sections = part->sections };
}

/* False at the end (*ret_ok true) or at bytes that are no item (false). */
bool trib_snapshot_item(struct trib_snapshot_cursor *cursor, struct trib_snapshot_item *ret_item, bool *ret_ok);

#endif
