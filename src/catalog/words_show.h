/*
 * What is shown beside the rows a query found: which parts of a text it met, and what kind of goods it seems to mean.
 */
#ifndef TRIB_CATALOG_WORDS_SHOW_H
#define TRIB_CATALOG_WORDS_SHOW_H

#include "base/bytes.h"
#include "catalog/words_query.h"

struct trib_words_view;

struct trib_words_range {
	uint32_t begin, end; /* bytes of the text, at bounds of characters */
};

/*
 * Where the text has what the query asks for, in order, apart from each other, at most `max`; how many. An alternative counts
 * where the text has all its terms; a phrase where it stands as a whole.
 *
 *	"糯 玉米" in "东北甜玉米 糯玉米"      东北甜[玉米] [糯玉米]
 */
size_t trib_words_highlight(const struct trib_words_query *query, struct trib_bytes text,
			    size_t max, struct trib_words_range *ret_ranges);

struct trib_words_intent {
	int64_t code;
	uint32_t share_permille; /* of the score of the rows that were looked at */
};

/*
 * What the best TRIB_LIMIT_WORDS_INTENT_ROWS rows of a query are: the codes (categories, brands) of theirs, those with the
 * greatest share of the rows' scores first; how many. code_of gives a row's code, negative for none. There is no
 * model to be trained or to grow old: it is as good as the ranking, and knows a new row at once.
 */
size_t trib_words_intent(const struct trib_words_view *view, const struct trib_words_query *query,
			 int64_t (*code_of)(void *context, uint32_t row), void *context, size_t max,
			 struct trib_words_intent *ret_intents);

#endif
