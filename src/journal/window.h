/*
 * A window on the segment files of one folder: bytes by address, read ahead in large steps. What
 * recovery, readers and fetches look through. It opens the files by itself, one at a time, through
 * the page cache. One thread each.
 */
#ifndef TRIB_JOURNAL_WINDOW_H
#define TRIB_JOURNAL_WINDOW_H

#include "journal/format.h"

struct trib_window {
	struct trib_disk *disk;
	const char *folder; /* the owner's */
	const struct trib_segment_layout *layout;
	uint64_t step; /* bytes read ahead */

	struct trib_disk_file *file;
	uint32_t segment; /* of `file`, 0 none */
	char *data;
	size_t capacity;
	uint64_t start, size; /* what `data` holds: [start, start + size) */
};

void trib_window_init(struct trib_window *window, struct trib_disk *disk, const char *folder,
		      const struct trib_segment_layout *layout, uint64_t step);
void trib_window_fini(struct trib_window *window);

/* Forgets what it holds: the file has changed. */
void trib_window_forget(struct trib_window *window);

/*
 * `size` bytes at `address`, all in one segment, valid until the next call; nothing at or behind
 * `limit` is kept for later calls. TRIB_NOT_FOUND: no such file. TRIB_CORRUPT: the file ends
 * before. TRIB_IO.
 */
trib_status trib_window_bytes(struct trib_window *window, uint64_t address, size_t size,
			      uint64_t limit, const char **ret_bytes, struct trib_error *error);

/*
 * The whole record at `address` if there is one that stands by itself (right place and log,
 * checksum), else *ret_record is NULL. Says nothing about the chain. Failures as above.
 */
trib_status trib_window_record(struct trib_window *window, uint64_t address, uint64_t limit,
			       const char **ret_record, struct trib_record_header *ret_header,
			       struct trib_error *error);

/* Starts to read `size` bytes at `address` in the background, if it can. */
void trib_window_prefetch(struct trib_window *window, uint64_t address, size_t size);

#endif
