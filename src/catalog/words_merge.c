/* Segments into one: for each key, the records of all that live, by row. */
#include "catalog/words_build.h"

struct records {
	struct trib_column column;
	size_t count;
};

static bool lives(const struct trib_words_part *part, uint32_t row)
{
	const struct trib_words_header *header = trib_words_segment_header(part->segment);
	uint32_t bit = row - header->row_first;

	return row >= header->row_first && row < header->row_end &&
	       (part->live[bit / 64] >> bit % 64 & 1);
}

static void gather(struct records *records, const struct trib_words_part *part,
		   const struct trib_words_term *term)
{
	enum { POSITIONS_MAX = 4096 };
	struct trib_words_cursor cursor;
	static _Thread_local uint32_t positions[POSITIONS_MAX];

	if (!trib_words_cursor_open(&cursor, part->segment, term))
		return;
	for (; cursor.row != TRIB_WORDS_END; trib_words_cursor_next(&cursor)) {
		if (!lives(part, cursor.row))
			continue;
		size_t count = trib_words_cursor_positions(&cursor, positions, POSITIONS_MAX);

		trib_column_reserve(&records->column, (records->count + count) * sizeof(uint64_t));
		uint64_t *to = (uint64_t *)records->column.data + records->count;

		for (size_t i = 0; i < count; i++)
			to[i] = trib_words_record(cursor.row, trib_words_cursor_impact(&cursor),
						  positions[i] & 0xffff);
		records->count += count;
	}
}

static int compare_records(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a >> 32 << 16 | (*(const uint64_t *)a & 0xffff);
	uint64_t y = *(const uint64_t *)b >> 32 << 16 | (*(const uint64_t *)b & 0xffff);

	return x < y ? -1 : x > y;
}

/* Parts that follow one another in rows, as a bulk load's do, are in order by then. */
static void order(struct records *records)
{
	uint64_t *at = records->column.data;

	for (size_t i = 1; i < records->count; i++)
		if (at[i] >> 32 < at[i - 1] >> 32) {
			qsort(at, records->count, sizeof(*at), compare_records);
			return;
		}
}

static size_t put_rows(struct trib_words_image *image, const struct trib_words_part *parts,
		       size_t count)
{
	uint64_t first = UINT64_MAX, end = 0;

	for (size_t i = 0; i < count; i++) {
		const struct trib_words_header *header =
			trib_words_segment_header(parts[i].segment);

		first = TRIB_MIN(first, (uint64_t)header->row_first);
		end = TRIB_MAX(end, (uint64_t)header->row_end);
	}
	for (uint64_t base = first; base < end; base += 64) {
		uint64_t bits = 0;

		for (size_t i = 0; i < count; i++) {
			const struct trib_words_header *header =
				trib_words_segment_header(parts[i].segment);

			if (base >= header->row_first && base < header->row_end)
				bits |= parts[i].live[(base - header->row_first) / 64];
		}
		for (; bits; bits &= bits - 1)
			trib_words_image_row(image,
					     (uint32_t)base + (uint32_t)__builtin_ctzll(bits));
	}
	return image->header.rows;
}

struct trib_words_segment *trib_words_merge(const struct trib_words_part *parts, size_t count,
					    uint64_t fields)
{
	struct trib_words_image image;
	struct records records = { 0 };
	TRIB_AUTOFREE uint32_t *next = trib_alloc_zeroed(count + 1, sizeof(*next));

	trib_words_image_init(&image, fields);
	if (put_rows(&image, parts, count) == 0) {
		trib_words_image_fini(&image);
		return NULL;
	}
	for (;;) {
		uint64_t key = UINT64_MAX;
		bool any = false;

		for (size_t i = 0; i < count; i++)
			if (next[i] < trib_words_segment_header(parts[i].segment)->terms) {
				key = TRIB_MIN(key,
					       trib_words_segment_keys(parts[i].segment)[next[i]]);
				any = true;
			}
		if (!any)
			break;
		struct trib_bytes text = trib_bytes("", 0);

		records.count = 0;
		for (size_t i = 0; i < count; i++) {
			if (next[i] >= trib_words_segment_header(parts[i].segment)->terms ||
			    trib_words_segment_keys(parts[i].segment)[next[i]] != key)
				continue;
			const struct trib_words_term *term =
				trib_words_segment_term(parts[i].segment, next[i]++);

			text = trib_words_segment_text(parts[i].segment, term);
			gather(&records, &parts[i], term);
		}
		order(&records);
		if (records.count)
			trib_words_image_term(&image, key, text, records.column.data,
					      records.count);
	}
	trib_column_fini(&records.column);
	return trib_words_image_seal(&image);
}
