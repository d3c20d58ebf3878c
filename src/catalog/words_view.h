/* What a view is, for the files of the word index that read one (catalog/words.h). */
#ifndef TRIB_CATALOG_WORDS_VIEW_H
#define TRIB_CATALOG_WORDS_VIEW_H

#include <stdatomic.h>
#include "catalog/words.h"
#include "catalog/words_segment.h"

/* Which rows of a segment live, a bit a row from its row_first on. Shared by views; never changed once a view has it. */
struct trib_words_live {
	atomic_uint references;
	uint32_t rows;
	uint64_t bits[];
};

struct trib_words_view_part {
	struct trib_words_segment *segment;
	struct trib_words_live *live;
};

struct trib_words_view {
	atomic_uint references;
	uint64_t rows;
	size_t count;
	struct trib_words_view_part parts[];
};

/* Empty, with room for `capacity` parts. */
struct trib_words_view *trib_words_view_new(size_t capacity);

/* The view's segments and which of their rows live, in a folder; from there on they are mapped. See catalog/words.h. */
trib_status trib_words_view_save(struct trib_words_view *view, const char *folder, uint64_t fields,
				 struct trib_error *error);
trib_status trib_words_view_open(const char *folder, uint64_t fields, bool whole,
				 struct trib_words_view **ret_view, struct trib_error *error);

static inline bool trib_words_live_has(const struct trib_words_live *live,
				       const struct trib_words_header *header, uint32_t row)
{
	uint32_t bit = row - header->row_first;

	return row >= header->row_first && row < header->row_end &&
	       (live->bits[bit / 64] >> bit % 64 & 1);
}

/* Do the terms of a phrase stand one after the other in the row that all cursors (one a term) are at? */
bool trib_words_phrase_at(const struct trib_words_query *query,
			  const struct trib_words_cursor *cursors);

/* What an impact of 1 of this term is worth: its idf in 256ths. */
uint32_t trib_words_view_idf(const struct trib_words_view *view, uint64_t key);

#endif
