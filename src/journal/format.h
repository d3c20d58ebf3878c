/*
 * The bytes of the segment home: what a file looks like and when a record is believed. README.md
 * explains why.
 *
 *	segment file, segment_bytes long, zeroed before it gets its name
 *	┌────────────────┬──────────────┬─────────────────────┬──────────────┬─────────────────┐
 *	│ segment header │ record       │ record              │ record       │ zeros, or room  │
 *	│ one block      │ n blocks     │ n blocks            │ n blocks     │ < record_max    │
 *	└────────────────┴──────────────┴─────────────────────┴──────────────┴─────────────────┘
 *	record
 *	┌───────────────────┬──────────────────┬────────────────────────────┐
 *	│ header, 64 bytes  │ payload, length  │ zeros up to a whole block  │
 *	└───────────────────┴──────────────────┴────────────────────────────┘
 *
 * An address is segment × segment_bytes + offset. Segments are numbered from 1, so that 0 is no
 * address. A record starts where the last one ends, unless less than record_max is left: then in the
 * next segment. Hence the place of every next record is known beforehand, and a mark is always the
 * address of a record's header.
 *
 * All numbers are little endian, as they lie in memory.
 */
#ifndef TRIB_JOURNAL_FORMAT_H
#define TRIB_JOURNAL_FORMAT_H

#include "base/bytes.h"
#include "base/status.h"
#include "journal/disk.h"

enum {
	TRIB_RECORD_HEADER_BYTES = 64,
	TRIB_SEGMENT_DATA = TRIB_DISK_BLOCK, /* offset of the first record */
	TRIB_SEGMENT_BYTES_MIN = 64 << 10,
};
#define TRIB_SEGMENT_BYTES_MAX (UINT64_C(1) << 30)
#define TRIB_RECORD_BYTES_EVER (16u << 20) /* no release will write longer records */

/* What all segments of a log share. */
struct trib_segment_layout {
	uint64_t segment_bytes;
	uint32_t record_max; /* the largest record, in whole blocks */
	uint16_t engine;
	/*
	 * Drawn when the log is made, and in every header: bytes of another log, and bytes that an
	 * outsider has put into a payload, are not taken for records of this one.
	 */
	uint64_t journal;
};

enum trib_record_kind {
	TRIB_RECORD_BATCH = 1, /* what the engine appended */
	TRIB_RECORD_OPEN =
		2, /* the first of an epoch; always durable before anything follows; empty */
	TRIB_RECORD_CLOSE = 3, /* the last of an epoch that ended in peace; empty */
};

enum trib_record_flags {
	/* The writer does not wait: what follows `durable` may be lost in any pattern by a power cut. */
	TRIB_RECORD_RELAXED = 1,
	/* Written through the page cache: seen by a reader does not mean that a sync will write it. */
	TRIB_RECORD_CACHED = 2,
};

#define TRIB_RECORD_MAGIC  0x31524a54u /* "TJR1": a journal's record, format 1 */
#define TRIB_SEGMENT_MAGIC 0x31534a54u /* "TJS1" */
#define TRIB_EPOCH_MAGIC   0x31454a54u /* "TJE1" */

struct trib_record_header {
	uint32_t magic;
	uint16_t engine;
	uint8_t kind, flags;
	uint64_t position; /* address of the first byte of payload */
	uint64_t journal;
	uint64_t durable; /* mark: all before it was durable when this was written */
	uint32_t segment;
	uint32_t epoch;
	uint32_t length;   /* of the payload */
	uint32_t previous; /* checksum of the record before; 0 in the first of a log */
	uint8_t zero[12];
	uint32_t checksum; /* crc32c of the whole blocks, this field left out */
};
_Static_assert(sizeof(struct trib_record_header) == TRIB_RECORD_HEADER_BYTES, "no padding");

struct trib_segment_header {
	uint32_t magic;
	uint16_t engine;
	uint16_t zero;
	uint64_t journal;
	uint64_t segment_bytes;
	uint32_t record_max;
	uint32_t segment;
	uint32_t epoch; /* of the opening that made the file; for people */
	uint32_t zero2;
	/* zeros up to the last four bytes of the block, which are the crc32c of those before */
};

/* Two of them, in blocks 0 and 1 of the epoch file, written in turn so that a torn one leaves the
 * other. */
struct trib_epoch_slot {
	uint32_t magic;
	uint16_t engine;
	uint16_t zero;
	uint64_t journal;
	uint32_t epoch;
	uint32_t checksum; /* crc32c of what is before it */
};

static inline uint64_t trib_record_bytes(uint64_t length)
{
	return trib_blocks_up(TRIB_RECORD_HEADER_BYTES + length);
}

static inline uint64_t trib_address(const struct trib_segment_layout *layout, uint32_t segment,
				    uint64_t offset)
{
	return segment * layout->segment_bytes + offset;
}

static inline uint32_t trib_address_segment(const struct trib_segment_layout *layout,
					    uint64_t address)
{
	return (uint32_t)(address / layout->segment_bytes);
}

static inline uint64_t trib_address_offset(const struct trib_segment_layout *layout,
					   uint64_t address)
{
	return address & (layout->segment_bytes - 1);
}

/* The mark behind a record that ends at `address`: there, or in the next segment. */
uint64_t trib_address_mark(const struct trib_segment_layout *layout, uint64_t address);

/* May a record start there? */
bool trib_address_is_mark(const struct trib_segment_layout *layout, uint64_t address);

/* record_max of a log whose segments have that size, and the payload that it leaves room for. */
uint32_t trib_record_max_for(uint64_t segment_bytes);
size_t trib_payload_max_for(uint64_t segment_bytes);

/* "segment-0000000007@4096", the way that errors name an address. The last four of a thread are
 * valid. */
const char *trib_address_text(const struct trib_segment_layout *layout, uint64_t address);

/* "segment-0000000007"; false where `name` is none. */
enum { TRIB_SEGMENT_NAME_MAX = 24 };
void trib_segment_name(uint32_t segment, char ret_name[TRIB_SEGMENT_NAME_MAX]);
bool trib_segment_name_parse(const char *name, uint32_t *ret_segment);

/*
 * Completes the record whose header and payload stand at `record`: zeroes up to the whole block,
 * fills the header (constant fields, checksum). header->position, epoch, length, previous, durable,
 * kind, flags are the caller's. Returns the checksum.
 */
uint32_t trib_record_seal(const struct trib_segment_layout *layout, char *record,
			  struct trib_record_header header);

/* Could a record of this log start with these 64 bytes, at this address? Then its size is known. */
bool trib_record_plausible(const struct trib_segment_layout *layout, uint64_t address,
			   const struct trib_record_header *header);

/* Is the plausible record, of which all blocks are in memory, whole? */
bool trib_record_whole(const char *record);

/* Fills one block. */
void trib_segment_header_write(const struct trib_segment_layout *layout, uint32_t segment,
			       uint32_t epoch, char ret_block[TRIB_DISK_BLOCK]);

/* Reads one block; what it says is checked for sense, not against anything. `at` names the file. */
trib_status trib_segment_header_read(const char block[TRIB_DISK_BLOCK], const char *at,
				     struct trib_segment_layout *ret_layout, uint32_t *ret_segment,
				     struct trib_error *error);

void trib_epoch_slot_write(const struct trib_segment_layout *layout, uint32_t epoch,
			   char ret_block[TRIB_DISK_BLOCK]);
/* 0 where the slot is not whole or not of this log (journal 0: of any log). */
uint32_t trib_epoch_slot_read(const struct trib_segment_layout *layout, const char *slot);

#endif
