/*
 * From rows to a segment (words_segment.h): rows in any order, a row that comes again replaces what it was.
 *
 *	struct trib_words_builder *builder = trib_words_builder_new(fields, field_count);
 *	trib_words_builder_put(builder, row, texts);
 *	segment = trib_words_builder_seal(builder);      // the builder is empty again
 */
#ifndef TRIB_CATALOG_WORDS_BUILD_H
#define TRIB_CATALOG_WORDS_BUILD_H

#include "catalog/words.h"
#include "catalog/words_segment.h"

struct trib_words_builder;

struct trib_words_builder *trib_words_builder_new(const struct trib_words_field *fields,
						  size_t field_count);
void trib_words_builder_free(struct trib_words_builder *builder);
void trib_words_builder_put(struct trib_words_builder *builder, uint32_t row,
			    const struct trib_bytes *texts);
void trib_words_builder_remove(struct trib_words_builder *builder,
			       uint32_t row); /* what was put of it is forgotten */
size_t trib_words_builder_occurrences(const struct trib_words_builder *builder);
/* The rows put since the last seal, latest state each, by row; NULL if there are none. Removed ones are not in it. */
struct trib_words_segment *trib_words_builder_seal(struct trib_words_builder *builder);

/* One of several segments whose rows that live do not overlap. `live`: a bit a row from the segment's row_first. */
struct trib_words_part {
	struct trib_words_segment *segment;
	const uint64_t *live;
};
/* All that lives, in one segment; NULL if nothing does. */
struct trib_words_segment *trib_words_merge(const struct trib_words_part *parts, size_t count,
					    uint64_t fields);

/* Which fields, in which weights. */
uint64_t trib_words_fields_digest(const struct trib_words_field *fields, size_t field_count);

#endif
