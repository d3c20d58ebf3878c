/*
 * The word index of a table: which rows have these words, and which of them best.
 *
 *	static const struct trib_words_field fields[] = {
 *		{ "title", .weight_percent = 100, .usual_units = 30 },
 *		{ "brand", .weight_percent = 200, .usual_units = 3 },
 *	};
 *	struct trib_words *words = trib_words_new(fields, 2);
 *
 *	trib_words_put(words, 7, (struct trib_bytes[]){ title, brand });   // row 7: new, or changed
 *	trib_words_remove(words, 5);
 *	trib_words_refresh(words);                                         // queries see it from here on
 *
 *	struct trib_words_view *view = trib_words_view_ref(words);         // any thread: what stands now, unchanging
 *	trib_words_query_parse(trib_bytes_text("糯 玉米"), TRIB_WORDS_ALL, &query, &error);
 *	count = trib_words_top(view, &query, NULL, 10, hits);              // best first
 *	trib_words_view_unref(view);
 *
 * Rows are numbers below 2^32 - 1 that the caller gives; a row's texts are one a field. What a text's terms are, say
 * words_analysis.h; how a query is cut into words, words_query.h.
 *
 * **Score.** A word's share is the sum over its terms of idf × impact: idf = ln(1 + (N - n + 0.5) / (n + 0.5)) in 256ths, of N rows
 * and n that have the term (rows that were removed or changed count until they are merged away); the impact is BM25F over the
 * fields in 255ths, with k1 = 1.2 and b = 0.75, against the *usual* length of a field, not the mean: so a row's impacts depend
 * on its own texts alone, and merging or removing others never changes them. Of alternatives the best counts. All integers:
 * the same on every machine. Equal scores: smaller row first.
 *
 * **How it stands.** Rows put are collected, and trib_words_refresh makes a small segment of them; small ones are merged, so
 * that there are few (words_segment.h, words_build.h). A view is a list of segments and of the rows that live in each. One
 * thread writes (put, remove, refresh, merge, save); views are taken and read by any.
 */
#ifndef TRIB_CATALOG_WORDS_H
#define TRIB_CATALOG_WORDS_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "catalog/words_query.h"

struct trib_words_field {
	const char *name;
	uint32_t weight_percent; /* 100: as it is */
	uint32_t
		usual_units; /* ideographs, words and numbers of a usual text; longer ones weigh less */
};

struct trib_words;
struct trib_words_view;

struct trib_words *trib_words_new(const struct trib_words_field *fields, size_t field_count);
void trib_words_free(struct trib_words *words); /* views that were taken stay */

void trib_words_put(struct trib_words *words, uint32_t row, const struct trib_bytes *texts);
void trib_words_remove(struct trib_words *words, uint32_t row);
void trib_words_refresh(struct trib_words *words);
/* All segments into one, without the rows that are gone: after a bulk load. */
void trib_words_merge_all(struct trib_words *words);

/*
 * On disk: a folder with a file a segment and one file, `words`, that names them with their digests and the rows gone since.
 * It is replaced at once. What was put after the save is the caller's to put again.
 */
trib_status trib_words_save(struct trib_words *words, const char *folder, struct trib_error *error);
/* Into an index that is empty. TRIB_NOT_FOUND: nothing was saved there; TRIB_CORRUPT names the file. `whole`: every byte is
 * checked; else postings are read when they are asked for. */
trib_status trib_words_open(struct trib_words *words, const char *folder, bool whole,
			    struct trib_error *error);

struct trib_words_view *trib_words_view_ref(struct trib_words *words);
void trib_words_view_unref(struct trib_words_view *view);

struct trib_words_size {
	uint64_t rows, segments, bytes;
	uint64_t terms; /* of all segments; a term of several counts so often */
};
struct trib_words_size trib_words_view_size(const struct trib_words_view *view);
/* Rows that have the term; those gone since its segment was written are counted. */
uint64_t trib_words_view_rows(const struct trib_words_view *view, uint64_t key);
/* Each term of text (no ideographs) of each segment; `take` returns false to end. */
void trib_words_view_terms(const struct trib_words_view *view,
			   bool (*take)(void *context, struct trib_bytes term, uint32_t rows),
			   void *context);

struct trib_words_hit {
	uint32_t row, score;
};

/* Which rows are allowed: the 65,536 bits of a chunk of rows, NULL for none of them. It may be asked in any order. */
struct trib_words_filter {
	const uint64_t *(*chunk)(void *context, uint32_t chunk);
	void *context;
};

/* The best `count` (at most TRIB_LIMIT_WORDS_TOP) of the rows that match; how many there are of them. filter: NULL for all rows. */
size_t trib_words_top(const struct trib_words_view *view, const struct trib_words_query *query,
		      const struct trib_words_filter *filter, size_t count,
		      struct trib_words_hit *ret_hits);

enum { TRIB_WORDS_CHUNK = 65536, TRIB_WORDS_CHUNK_WORDS = TRIB_WORDS_CHUNK / 64 };

/* Which rows match, chunk by chunk, in any order but fastest in ascending. */
struct trib_words_set;
struct trib_words_set *trib_words_set_new(const struct trib_words_view *view,
					  const struct trib_words_query *query);
void trib_words_set_free(struct trib_words_set *set);
/* Fills the bits of rows chunk * 65,536 …; how many are set. */
uint32_t trib_words_set_chunk(struct trib_words_set *set, uint32_t chunk,
			      uint64_t ret_bits[TRIB_WORDS_CHUNK_WORDS]);

#endif
