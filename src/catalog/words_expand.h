/*
 * What people mean by what they type: the words that a catalog knows, and other ways to find them.
 *
 *	struct trib_words_vocabulary *known = trib_words_vocabulary_new();
 *	trib_words_vocabulary_add(known, trib_bytes_text("糯玉米"), 5200);       // brands, categories, tags, frequent queries
 *	trib_words_vocabulary_synonyms(known, file, &error);                     // 土豆, 马铃薯
 *	trib_words_vocabulary_seal(known);                                       // from here on any thread may read it
 *
 *	trib_words_query_parse(text, TRIB_WORDS_ALL, &query, &error);
 *	trib_words_expand(known, text, &query);                                  // nuoyumi, nym, 糯玉迷 find 糯玉米, too
 *	count = trib_words_complete(known, trib_bytes_text("nuo"), 10, completions);
 *
 * A word of a query gets as alternatives, each with what it is worth in percent:
 *
 *	synonyms                                    100
 *	a word of letters that is not known:        the words whose pinyin it is     80
 *	                                            the words whose initials it is   60
 *	a word of ideographs that is not known:     the words that sound like it     60
 *	one that is not known otherwise:            the words one typing error away  50, two away  35
 *
 * the WORDS_ALTERNATIVES heaviest of each. One typing error (a character left out, put in, changed, two swapped) is thought of
 * from three ideographs or four letters on, two from eight letters on. Errors are found by leaving characters out on both sides
 * (symmetric delete: Garbe 2012), so a query costs some look-ups, whatever the number of words.
 */
#ifndef TRIB_CATALOG_WORDS_EXPAND_H
#define TRIB_CATALOG_WORDS_EXPAND_H

#include "catalog/words_query.h"

struct trib_words_vocabulary;

struct trib_words_vocabulary *trib_words_vocabulary_new(void);
void trib_words_vocabulary_free(struct trib_words_vocabulary *vocabulary);

/* A word or a short text and its weight (how many rows, how often asked); again: the weights are added. What is longer than
 * TRIB_LIMIT_WORDS_KNOWN_BYTES, or beyond TRIB_LIMIT_WORDS_KNOWN of them, is left out: false. */
bool trib_words_vocabulary_add(struct trib_words_vocabulary *vocabulary, struct trib_bytes text,
			       uint64_t weight);

/* Lines of words that mean the same, by commas; `a, b => c, d`: a and b find c and d, too, not the other way round. # begins a
 * comment. On failure, which names the line, nothing of the file is taken. */
trib_status trib_words_vocabulary_synonyms(struct trib_words_vocabulary *vocabulary,
					   struct trib_bytes file, struct trib_error *error);

void trib_words_vocabulary_seal(struct trib_words_vocabulary *vocabulary);

/* `text`: the one the query was parsed from. Phrases are left as they are; so is what would pass the limits of a query. */
void trib_words_expand(const struct trib_words_vocabulary *vocabulary, struct trib_bytes text,
		       struct trib_words_query *query);

struct trib_words_completion {
	struct trib_bytes text; /* as it was added first; the vocabulary's */
	uint64_t weight;
};

/* The heaviest of what begins so, in writing, pinyin or initials; how many. */
size_t trib_words_complete(const struct trib_words_vocabulary *vocabulary, struct trib_bytes prefix,
			   size_t max, struct trib_words_completion *ret_completions);

#endif
