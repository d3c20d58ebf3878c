/*
 * One segment of the word index (catalog/words.h): terms and where they stand, written once, read as it lies on disk.
 *
 *	header           256 bytes: magic, version, digests, sizes, where the regions begin; its own CRC
 *	keys             u64 a term, ascending
 *	terms            struct trib_words_term each
 *	present          a bit a row from row_first on
 *	texts            of terms that are no ideographs
 *	postings         a term: struct trib_words_skip a block, then the blocks, each at a multiple of 16
 *	positions        a term: for each posting its positions
 *
 * A full block is 128 rows: the gaps between them less one, packed to `bits` each (lane l of four holds rows l, l+4, …), then
 * 128 impacts of a byte. The last block, if it is not full, is its gaps as varints, then its impacts. Positions are varints of
 * gaps, doubled, odd while more of the same row follow. All numbers are little-endian.
 *
 * An *impact* is what one term gives one row, 1 to 255: BM25F over the fields, which depends on nothing but the row's texts
 * (trib_words_impact). Hence merging copies impacts, and the score of a row does not depend on which segment it is in.
 */
#ifndef TRIB_CATALOG_WORDS_SEGMENT_H
#define TRIB_CATALOG_WORDS_SEGMENT_H

#include "base/bytes.h"
#include "base/column.h"
#include "base/status.h"

enum { TRIB_WORDS_BLOCK = 128, TRIB_WORDS_POSITION_MAX = 0xfff0 };

struct trib_words_term {
	uint32_t rows;	    /* that have it */
	uint32_t text;	    /* where in texts; one byte of size first. 0: none */
	uint64_t postings;  /* where in postings: the skips */
	uint64_t positions; /* where in positions */
	uint32_t impact_max;
	uint32_t blocks;
};

struct trib_words_skip {
	uint32_t row_last;
	uint32_t data; /* where the block begins, in units of 16 bytes from the end of the skips */
	uint64_t positions : 40; /* where its positions begin, from the term's */
	uint64_t bits : 8;	 /* of a full block; TRIB_WORDS_TAIL otherwise */
	uint64_t impact_max : 8;
	uint64_t count : 8;
};
enum { TRIB_WORDS_TAIL = 255 };

/* Regions in the order of the file. */
#define TRIB_WORDS_REGION_TABLE(X) X(KEYS) X(TERMS) X(PRESENT) X(TEXTS) X(POSTINGS) X(POSITIONS)
enum trib_words_region {
#define X(name) TRIB_WORDS_##name,
	TRIB_WORDS_REGION_TABLE(X)
#undef X
		TRIB_WORDS_REGIONS
};

struct trib_words_header {
	char magic[8];
	uint32_t version, crc;	   /* of the header with this field 0 */
	uint64_t analysis, fields; /* digests: what made the terms, what made the impacts */
	uint64_t size;		   /* of the whole */
	uint32_t rows, row_first, row_end, terms;
	struct {
		uint64_t at, size;
		uint32_t crc, unused;
	} regions[TRIB_WORDS_REGIONS];
	char unused[256 - 56 - 24 * TRIB_WORDS_REGIONS];
};
_Static_assert(sizeof(struct trib_words_header) == 256, "the header is 256 bytes");
_Static_assert(sizeof(struct trib_words_term) == 32 && sizeof(struct trib_words_skip) == 16,
	       "as on disk");

/* A segment, mapped or in memory. Shared by views, never changed. */
struct trib_words_segment;

/* Takes over the image (a column, `size` bytes of it). */
struct trib_words_segment *trib_words_segment_of_image(struct trib_column *image, size_t size);
/* Maps a file. Header, keys, terms and rows are checked; postings and positions only if `whole`: they are read with care in any
 * case, so that damage gives wrong answers at worst. TRIB_CORRUPT names the file. */
trib_status trib_words_segment_open(const char *path, bool whole,
				    struct trib_words_segment **ret_segment,
				    struct trib_error *error);
/* The same of bytes that stay where they are for the segment's life. */
trib_status trib_words_segment_of_bytes(struct trib_bytes bytes, const char *name, bool whole,
					struct trib_words_segment **ret_segment,
					struct trib_error *error);
trib_status trib_words_segment_write(const struct trib_words_segment *segment, const char *path,
				     struct trib_error *error);
struct trib_words_segment *trib_words_segment_ref(struct trib_words_segment *segment);
void trib_words_segment_unref(struct trib_words_segment *segment);

const struct trib_words_header *trib_words_segment_header(const struct trib_words_segment *segment);
struct trib_bytes trib_words_segment_bytes(const struct trib_words_segment *segment);
const void *trib_words_segment_region(const struct trib_words_segment *segment,
				      enum trib_words_region region);

static inline const uint64_t *trib_words_segment_keys(const struct trib_words_segment *segment)
{
	return trib_words_segment_region(segment, TRIB_WORDS_KEYS);
}
static inline const uint64_t *trib_words_segment_present(const struct trib_words_segment *segment)
{
	return trib_words_segment_region(segment, TRIB_WORDS_PRESENT);
}

/* The term of a key, NULL where there is none. */
const struct trib_words_term *trib_words_segment_find(const struct trib_words_segment *segment,
						      uint64_t key);
const struct trib_words_term *trib_words_segment_term(const struct trib_words_segment *segment,
						      uint32_t number);
struct trib_bytes trib_words_segment_text(const struct trib_words_segment *segment,
					  const struct trib_words_term *term);

/*
 * Reads one term's rows in order.
 *
 *	if (trib_words_cursor_open(&cursor, segment, term))
 *		for (; cursor.row != TRIB_WORDS_END; trib_words_cursor_next(&cursor))
 *			…
 *
 * `row` is END past the last. `impact` of the row is impacts[index].
 */
#define TRIB_WORDS_END UINT32_MAX

struct trib_words_cursor {
	uint32_t row, index, count; /* within the block */
	uint32_t block, blocks;
	uint32_t shallow; /* the block that bounds were asked of */
	const struct trib_words_skip *skips;
	const unsigned char *data, *data_end;
	const unsigned char *positions, *positions_end;
	const unsigned char *impacts; /* of the block */
	uint32_t impact_max, total;
	uint32_t gain; /* an impact is worth so much to the score; the caller's */
	unsigned char tail_impacts[TRIB_WORDS_BLOCK];
	uint32_t rows[TRIB_WORDS_BLOCK];
};

/* At the first row. False, and at END, where the term's bytes are not within the segment. */
bool trib_words_cursor_open(struct trib_words_cursor *cursor,
			    const struct trib_words_segment *segment,
			    const struct trib_words_term *term);
void trib_words_cursor_block(struct trib_words_cursor *cursor,
			     uint32_t block); /* at its first row; END past the last */
void trib_words_cursor_seek_far(struct trib_words_cursor *cursor, uint32_t row);
/* The positions of the present row, at most `max`; how many. */
size_t trib_words_cursor_positions(const struct trib_words_cursor *cursor, uint32_t *ret_positions,
				   size_t max);

static inline void trib_words_cursor_next(struct trib_words_cursor *cursor)
{
	if (TRIB_LIKELY(++cursor->index < cursor->count))
		cursor->row = cursor->rows[cursor->index];
	else
		trib_words_cursor_block(cursor, cursor->block + 1);
}

/* To the first row at `row` or after; never back. */
static inline void trib_words_cursor_seek(struct trib_words_cursor *cursor, uint32_t row)
{
	if (cursor->row < row)
		trib_words_cursor_seek_far(cursor, row);
}

static inline uint32_t trib_words_cursor_impact(const struct trib_words_cursor *cursor)
{
	return cursor->impacts[cursor->index];
}

/* The most a row from `row` on up to *ret_until can get; nothing is unpacked. */
static inline uint32_t trib_words_cursor_bound(struct trib_words_cursor *cursor, uint32_t row,
					       uint32_t *ret_until)
{
	cursor->shallow = TRIB_MAX(cursor->shallow, row >= cursor->row ? cursor->block : 0);
	while (cursor->shallow < cursor->blocks && cursor->skips[cursor->shallow].row_last < row)
		cursor->shallow++;
	if (cursor->shallow == cursor->blocks) {
		*ret_until = TRIB_WORDS_END;
		return 0;
	}
	*ret_until = cursor->skips[cursor->shallow].row_last;
	return cursor->skips[cursor->shallow].impact_max;
}

/*
 * Writes an image: terms by ascending key, each with its occurrences in order of row and position.
 */
struct trib_words_image {
	struct trib_column regions[TRIB_WORDS_REGIONS];
	size_t sizes[TRIB_WORDS_REGIONS];
	struct trib_words_header header;
};

/* One occurrence: row in the upper 32 bits, impact in the next 16, position in the lowest 16. */
static inline uint64_t trib_words_record(uint32_t row, uint32_t impact, uint32_t position)
{
	return (uint64_t)row << 32 | (uint64_t)impact << 16 | position;
}

void trib_words_image_init(struct trib_words_image *image, uint64_t fields);
void trib_words_image_row(struct trib_words_image *image,
			  uint32_t row); /* it is in the segment; ascending */
void trib_words_image_term(struct trib_words_image *image, uint64_t key, struct trib_bytes text,
			   const uint64_t *records, size_t count);
/* Ends the image (which is empty afterwards) in a segment in memory. */
struct trib_words_segment *trib_words_image_seal(struct trib_words_image *image);
void trib_words_image_fini(struct trib_words_image *image);

#endif
