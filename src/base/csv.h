/*
 * Rows of a CSV file, one at a time, whatever its size (RFC 4180).
 *
 *	struct trib_csv *csv = trib_csv_new(read_file, file);
 *	struct trib_csv_row row;
 *	while ((status = trib_csv_next(csv, &row, &error)) == TRIB_OK && row.count)
 *		use(row.fields[0], row.line);
 *	trib_csv_free(csv);
 *
 * The delimiter is ',', ';' or tab, whichever the first line has most of. A field may stand in quotes, then holds
 * delimiters, line ends and doubled quotes. Lines end in LF or CR LF; empty ones are skipped, as is a byte order mark.
 * A row has at most TRIB_LIMIT_CSV_ROW_BYTES and TRIB_LIMIT_CSV_FIELDS.
 */
#ifndef TRIB_BASE_CSV_H
#define TRIB_BASE_CSV_H

#include "base/bytes.h"
#include "base/status.h"

struct trib_csv;

struct trib_csv_row {
	const struct trib_bytes *fields; /* valid until the next call */
	size_t count;			 /* 0: the end */
	uint64_t line;			 /* where it begins, from 1 */
};

/* Reads up to size bytes; *ret_size 0 is the end. */
typedef trib_status trib_csv_read_fn(void *context, char *buffer, size_t size, size_t *ret_size,
				     struct trib_error *error);

struct trib_csv *trib_csv_new(trib_csv_read_fn *read, void *context);
void trib_csv_free(struct trib_csv *csv);

/* The next row. Failures name the line; after one, the reader is of no more use. */
trib_status trib_csv_next(struct trib_csv *csv, struct trib_csv_row *ret_row,
			  struct trib_error *error);

/* Adds a field to a line of CSV, in quotes where it needs them. */
void trib_csv_add(struct trib_buffer *buffer, struct trib_bytes field);

#endif
