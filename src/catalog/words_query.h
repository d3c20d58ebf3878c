/*
 * A query of the word index: words, each with alternatives, each of terms.
 *
 *	trib_words_query_parse(trib_bytes_text("夏季 连衣裙"), TRIB_WORDS_ALL, &query, &error);
 *
 * A run of ideographs longer than two is cut into words by ICU's dictionary; single ideographs that are left side by side are
 * one word, found together or each. A word of two ideographs is the pair; a longer one is found where all its pairs are. A number with a unit is one
 * term (500ml, 500 毫升). A mixed run (iPhone15) is found as a whole or by its parts. 的 and the like are left out while
 * anything else remains.
 *
 *	ALL      every word                糯 玉米    a row with 糯 and with 玉米
 *	ANY      one of the words
 *	PHRASE   all units in this order, one after the other, within one field; what the query writes together (玉米糯) stands
 *	         together, what it parts by a space (玉米 糯) may be parted
 *
 * An alternative is another way to find a word (words_expand.h): a synonym, what a pinyin stands for, a likely typo. It may be worth less.
 */
#ifndef TRIB_CATALOG_WORDS_QUERY_H
#define TRIB_CATALOG_WORDS_QUERY_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"

enum trib_words_mode { TRIB_WORDS_ALL, TRIB_WORDS_ANY, TRIB_WORDS_PHRASE };

struct trib_words_query_term {
	uint64_t key;
	uint32_t position; /* of its first unit within the query: for phrases */
};

struct trib_words_alternative {
	uint32_t weight_percent; /* 100: as the word itself */
	uint32_t first, count;	 /* of the query's terms */
};

struct trib_words_query_word {
	uint32_t begin, end;   /* bytes of the query */
	uint32_t first, count; /* of the query's alternatives: they stand together */
};

struct trib_words_query {
	enum trib_words_mode mode;
	uint32_t word_count, alternative_count, term_count;
	struct trib_words_query_word words[TRIB_LIMIT_WORDS_QUERY_WORDS];
	struct trib_words_alternative alternatives[TRIB_LIMIT_WORDS_QUERY_ALTERNATIVES];
	struct trib_words_query_term terms[TRIB_LIMIT_WORDS_QUERY_TERMS];
};

/* TRIB_INVALID where the text has no words, TRIB_LIMIT where it has too many. */
trib_status trib_words_query_parse(struct trib_bytes text, enum trib_words_mode mode,
				   struct trib_words_query *ret_query, struct trib_error *error);

#endif
