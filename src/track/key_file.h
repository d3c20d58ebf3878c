/*
 * Files of secrets: small, text, a line a key, closed by a line that counts and checks them.
 *Private to the room.
 *
 *	tributary token keys 1
 *	1 active * 1763800000000 - - 00112233445566778899aabbccddeeff
 *	2 retired shop 1763800000000 1763800000000 - -
 *	end 2 9ae0daaf
 *
 * Reading never goes through memory that is not locked; writing replaces the file as a whole,
 *synced.
 */
#ifndef TRIB_TRACK_KEY_FILE_H
#define TRIB_TRACK_KEY_FILE_H

#include <sys/stat.h>
#include "base/bytes.h"
#include "base/status.h"

enum { TRIB_KEY_FILE_BYTES_MAX = 4 << 20 };

/* Opens <data>/keys, made 0700 together with <data> where `create` says so; refuses one open to
 * others. */
trib_status trib_key_folder_open(const char *data_dir, bool create, int *ret_fd,
				 struct trib_error *error);

/*
 * Reads a file of 0600 or less into memory of sodium_malloc, terminated by a 0 byte. TRIB_NOT_FOUND
 * where there is none. *ret_info is the file that was read.
 */
trib_status trib_key_file_read(int folder, const char *name, char **ret_text, struct stat *ret_info,
			       struct trib_error *error);

/* Replaces the file: a new one, synced, renamed over the old, the folder synced. */
trib_status trib_key_file_write(int folder, const char *name, struct trib_bytes text,
				struct trib_error *error);

/* Walks the lines: checks heading, count and checksum first, then gives each line without its end.
 */
struct trib_key_lines {
	const char *next, *end;
	const char *name;
	size_t number; /* of the line given last, from 1 */
};
trib_status trib_key_lines_init(struct trib_key_lines *lines, const char *name, const char *text,
				const char *heading, struct trib_error *error);
bool trib_key_lines_next(struct trib_key_lines *lines, struct trib_bytes *ret_line);

/* "token.keys line 3", for errors; the line itself may hold a secret and is not shown. */
trib_status trib_key_lines_refuse(const struct trib_key_lines *lines, const char *expected,
				  struct trib_error *error);

/* The closing line for a text of `count` lines under its heading. Returns its length. */
size_t trib_key_file_close(struct trib_bytes text, size_t count, char ret_line[48]);

#endif
