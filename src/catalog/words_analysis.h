/*
 * Texts to terms: the one analysis of documents and queries of the word index (catalog/words.h).
 *
 *	struct trib_words_analysis analysis = { 0 };
 *	trib_words_analyse(&analysis, title, 0);
 *	for (size_t i = 0; i < analysis.count; i++)
 *		… analysis.tokens[i].key, .position …
 *	trib_words_analysis_fini(&analysis);
 *
 * Characters are made alike first, one by one: NFKC and case folding (full and half width, capitals), traditional to
 * simplified, accents off. What is left is a row of units, each with a position: one ideograph (kana too), one run of letters,
 * one number. From units come the terms:
 *
 *	玉米糯       玉 玉米 米 米糯 糯           each ideograph, and each two that stand together
 *	iPhone15     iphone 15 iphone15         the parts of a mixed run, and the whole
 *	500 毫升     500 毫 毫升 升 500ml         a number and its unit as one, in the unit's Latin letters
 *	dresses      dress                      an English plural; no other stemming
 *
 * Documents are never cut into words by a dictionary. A cut that errs, or that falls otherwise in another sentence, hides the
 * row from the query for good, and a dictionary costs ten times what all the rest of building does. A query is cut into words
 * (words_query.h, by ICU), and a word is found where all its pairs are: wherever its characters stand together. The price is
 * that 和服 is found in 产品和服务; ranking, not hiding, has to deal with that.
 *
 * Deterministic for one version of Unicode: trib_words_analysis_digest() names it, and a segment bears it.
 */
#ifndef TRIB_CATALOG_WORDS_ANALYSIS_H
#define TRIB_CATALOG_WORDS_ANALYSIS_H

#include "base/bytes.h"

enum trib_words_unit_kind {
	TRIB_WORDS_IDEOGRAPH = 1,
	TRIB_WORDS_LETTERS,
	TRIB_WORDS_NUMBER,
};

struct trib_words_unit {
	enum trib_words_unit_kind kind;
	uint32_t character;  /* of an ideograph */
	uint32_t text, size; /* of the others, in analysis->text */
	uint32_t begin, end; /* bytes of the source */
	bool glued;	     /* nothing stands between it and the unit before */
};

struct trib_words_token {
	uint64_t key; /* names the term */
	uint32_t text,
		size; /* of terms that are no ideographs, in analysis->text; size 0 otherwise */
	uint32_t begin, end; /* bytes of the source */
	uint32_t position;   /* of its first unit */
};

struct trib_words_analysis {
	struct trib_words_unit *units;
	struct trib_words_token *tokens;
	char *text;
	size_t unit_count, unit_capacity, count, capacity, text_size, text_capacity;
	uint32_t next_position; /* after the last unit */
};

/* Empties the analysis and fills it from one text, whose units begin at position `first`. Of a text that passes
 * TRIB_LIMIT_WORDS_TEXT_BYTES the rest is left out; bytes that are no UTF-8 separate. */
void trib_words_analyse(struct trib_words_analysis *analysis, struct trib_bytes text,
			uint32_t first);
void trib_words_analysis_fini(struct trib_words_analysis *analysis);

/* The units alone: what words of a query are made of. */
void trib_words_cut(struct trib_words_analysis *analysis, struct trib_bytes text);

/* Is a number (the unit `i`) followed by a unit of measure? Then how many units that takes and the term's text. */
size_t trib_words_measure(struct trib_words_analysis *analysis, size_t i, uint32_t *ret_text,
			  uint32_t *ret_size);

uint64_t trib_words_key_of_ideograph(uint32_t character);
uint64_t trib_words_key_of_pair(uint32_t first, uint32_t second);
uint64_t trib_words_key_of_text(struct trib_bytes text);

/* Writes the term of ideographs that `key` names as UTF-8, at most 8 bytes; 0 for a key of text. */
size_t trib_words_key_print(uint64_t key, char ret_text[8]);

/* The text as terms see it: alike characters made one, words parted by one space, plurals as they are. For comparing, completing, looking up. */
void trib_words_fold(struct trib_bytes text, struct trib_buffer *folded);

uint64_t trib_words_analysis_digest(void);

#endif
