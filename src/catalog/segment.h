/*
 * A segment: rows of a table by columns, in chunks, as one file. Written once, mapped, read only; opening costs its
 * directory, not its rows.
 *
 *	static const struct trib_field fields[] = { { "price", TRIB_FIELD_INT }, { "tags", TRIB_FIELD_CODES }, … };
 *
 *	trib_segment_create("goods-1.seg", fields, 2, &writer, &error);
 *	trib_segment_append(writer, columns, 65536, &error);           // a chunk; only the last may have fewer rows
 *	trib_segment_finish(writer, &info, &error);                    // durable, and named by its digest
 *
 *	trib_segment_open("goods-1.seg", &segment, &error);
 *	trib_segment_chunk(segment, chunk, field, &price, &error);     // struct trib_chunk: catalog/chunk.h
 *	trib_segment_close(segment);
 *
 * A segment that was not finished, or is not what was written, is TRIB_CORRUPT and named: head and directory when it is
 * opened, the bytes of a chunk's column when they are first asked for. Then nothing in it can lead a reader astray.
 * A writer is one thread's; readers are any threads'.
 *
 * The file, little-endian: a page with the head; blobs, each aligned to 64 bytes; the fields; the directory, an entry
 * for every column of every chunk.
 */
#ifndef TRIB_CATALOG_SEGMENT_H
#define TRIB_CATALOG_SEGMENT_H

#include "base/bytes.h"
#include "base/status.h"
#include "catalog/chunk.h"

enum { TRIB_SEGMENT_CHUNKS_MAX = 256, TRIB_FIELDS_MAX = 256, TRIB_FIELD_NAME_MAX = 64 };

/* What a column holds. X(NAME, number, word); numbers never change. */
#define TRIB_FIELD_KIND_TABLE(X)                                                                   \
	X(INT, 0, "int")	 /* integers; amounts in minor units */                            \
	X(DECIMAL, 1, "decimal") /* integers, 10^decimals of the value */                          \
	X(TIME, 2, "time")	 /* ms UTC */                                                      \
	X(BOOL, 3, "bool")	 /* 0, 1 */                                                        \
	X(CODE, 4, "code")	 /* a word of the column's dictionary, 0: none */                  \
	X(CODES, 5, "codes")	 /* any number of such words a row */                              \
	X(TEXT, 6, "text")	 /* UTF-8 */

enum trib_field_kind {
#define X(name, number, word) TRIB_FIELD_##name = number,
	TRIB_FIELD_KIND_TABLE(X)
#undef X
		TRIB_FIELD_KINDS
};

struct trib_field {
	const char *name;
	uint8_t kind;	  /* enum trib_field_kind */
	uint8_t decimals; /* of DECIMAL, at most 9 */
};

/* ---- Writing ------------------------------------------------------------------------------ */

/* The values of one column for the rows of a chunk; which member counts is the field's kind's. */
struct trib_column_values {
	const int64_t *numbers; /* INT to CODE */
	const uint32_t *ends,
		*codes; /* CODES: row r has codes[ends[r - 1] … ends[r]), in any order, without repeats */
	const struct trib_bytes *texts;
};

struct trib_segment_info {
	uint64_t rows, bytes;
	uint8_t digest[16]; /* XXH3-128 of what stands behind the head */
};

struct trib_segment_writer;
/* Replaces a file of that name. Fields are borrowed until the end. */
trib_status trib_segment_create(const char *path, const struct trib_field *fields,
				uint32_t field_count, struct trib_segment_writer **ret_writer,
				struct trib_error *error);
trib_status trib_segment_append(struct trib_segment_writer *writer,
				const struct trib_column_values *columns, uint32_t rows,
				struct trib_error *error);
/* Either ends the writer; after drop, or a failure, there is no file. */
trib_status trib_segment_finish(struct trib_segment_writer *writer,
				struct trib_segment_info *ret_info, struct trib_error *error);
void trib_segment_drop(struct trib_segment_writer *writer);

/* ---- Reading ------------------------------------------------------------------------------ */

/* Which rows of a chunk have a code, for each that one has: arrays of row numbers, bitmaps where they are crowded. */
struct trib_code_sets {
	uint32_t rows, count;
	const uint32_t *codes;	/* count of them, ascending */
	const uint32_t *ends;	/* of the codes' rows, in `places` */
	const uint16_t *places; /* TRIB_CHUNK_WORDS × 4 of them are a bitmap */
};

struct trib_texts {
	uint32_t rows;
	const uint32_t *ends;
	const char *bytes;
};

struct trib_segment;
trib_status trib_segment_open(const char *path, struct trib_segment **ret_segment,
			      struct trib_error *error);
void trib_segment_close(struct trib_segment *segment);

const struct trib_segment_info *trib_segment_info(const struct trib_segment *segment);
uint32_t trib_segment_chunks(const struct trib_segment *segment);
uint32_t trib_segment_chunk_rows(const struct trib_segment *segment, uint32_t chunk);
/* The fields as they were given to create. */
const struct trib_field *trib_segment_fields(const struct trib_segment *segment,
					     uint32_t *ret_count);

/* The column of a chunk, of a field of that kind. TRIB_CORRUPT: the bytes are not what was written. */
trib_status trib_segment_chunk(struct trib_segment *segment, uint32_t chunk, uint32_t field,
			       struct trib_chunk *ret_chunk, struct trib_error *error);
trib_status trib_segment_codes(struct trib_segment *segment, uint32_t chunk, uint32_t field,
			       struct trib_code_sets *ret_sets, struct trib_error *error);
trib_status trib_segment_texts(struct trib_segment *segment, uint32_t chunk, uint32_t field,
			       struct trib_texts *ret_texts, struct trib_error *error);

/* Of `rows`, those are left that have a code of the set. False: none has. */
bool trib_codes_filter(const struct trib_code_sets *sets, struct trib_ranges set,
		       uint64_t rows[TRIB_CHUNK_WORDS]);
/* The codes of a row, ascending; at most `max` are written, and how many there are is returned. */
uint32_t trib_codes_of(const struct trib_code_sets *sets, uint32_t row, uint32_t *ret_codes,
		       uint32_t max);

static inline struct trib_bytes trib_texts_at(const struct trib_texts *texts, uint32_t row)
{
	uint32_t begin = row ? texts->ends[row - 1] : 0;

	return trib_bytes(texts->bytes + begin, texts->ends[row] - begin);
}

#endif
