/*
 * Where does the log end? Looks at the files of a folder and decides what an opening may build on.
 * Reads only: what has to be cut is carried out by whoever opens, once it has the epoch (segment.c).
 *
 * The walk starts one segment before the last mark that the newest segment calls durable, and
 * follows the chain to the first address A at which no whole record stands. Then everything behind A
 * is looked at:
 *
 *	nothing but zeros                                    the end; clean
 *	bytes within record_max of A                         a torn last record: cut
 *	a whole record that calls A durable                  A was lost or has rotted: refuse
 *	a whole record that does not (relaxed sync)          lost with the last seconds: cut
 *	bytes further on, though nobody wrote relaxed        something is wrong: refuse
 *	a whole record at A that does not fit the chain      something is wrong: refuse
 */
#ifndef TRIB_JOURNAL_RECOVERY_H
#define TRIB_JOURNAL_RECOVERY_H

#include "journal/format.h"

struct trib_recovery {
	struct trib_segment_layout layout;
	/* Files that exist; 0 none: a new log, layout not filled. */
	uint32_t first_segment, last_segment;
	uint64_t first, end; /* marks: the first record kept; where the next one goes */
	uint32_t previous;   /* checksum of the last record, 0 none */
	uint32_t epoch;	     /* of the last record, 0 none */
	uint64_t durable;    /* mark: what the log itself proves to be durable */
	uint8_t flags;	     /* of the last record */
	uint64_t cut_bytes;  /* from `end` on these are not zero, and have to be */
	bool drop_later;     /* nor are the segments behind: they have to go */
};

/* TRIB_CORRUPT names what is wrong. ENOENT of the folder counts as a new log. */
trib_status trib_recover(struct trib_disk *disk, const char *folder, uint16_t engine,
			 struct trib_recovery *ret_recovery, struct trib_error *error);

#endif
