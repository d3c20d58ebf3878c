#include "catalog/words_show.h"

#include "catalog/words.h"
#include "catalog/words_analysis.h"

/* The terms of a query that a text has. */
struct met {
	const struct trib_words_query *query;
	const struct trib_words_analysis *analysis;
	bool terms[TRIB_LIMIT_WORDS_QUERY_TERMS];
};

static void meet(struct met *met)
{
	for (uint32_t t = 0; t < met->query->term_count; t++)
		for (size_t i = 0; i < met->analysis->count && !met->terms[t]; i++)
			met->terms[t] = met->analysis->tokens[i].key == met->query->terms[t].key;
}

static bool way_is_met(const struct met *met, const struct trib_words_alternative *way)
{
	bool all = way->count > 0;

	for (uint32_t t = way->first; t < way->first + way->count; t++)
		all = all && met->terms[t];
	return all;
}

/* Does the phrase stand from this position on? */
static bool phrase_stands(const struct met *met, uint32_t base)
{
	for (uint32_t t = 0; t < met->query->term_count; t++) {
		const struct trib_words_query_term *term = &met->query->terms[t];
		bool stands = false;

		for (size_t i = 0; i < met->analysis->count && !stands; i++)
			stands = met->analysis->tokens[i].key == term->key &&
				 met->analysis->tokens[i].position == base + term->position;
		if (!stands)
			return false;
	}
	return true;
}

/* Is this token one that the query asks for? */
static bool is_asked(const struct met *met, const struct trib_words_token *token)
{
	const struct trib_words_query *query = met->query;

	for (uint32_t a = 0; a < query->alternative_count; a++) {
		const struct trib_words_alternative *way = &query->alternatives[a];

		for (uint32_t t = way->first; t < way->first + way->count; t++) {
			if (query->terms[t].key != token->key || !way_is_met(met, way))
				continue;
			if (query->mode != TRIB_WORDS_PHRASE ||
			    (token->position >= query->terms[t].position &&
			     phrase_stands(met, token->position - query->terms[t].position)))
				return true;
		}
	}
	return false;
}

size_t trib_words_highlight(const struct trib_words_query *query, struct trib_bytes text,
			    size_t max, struct trib_words_range *ret_ranges)
{
	struct trib_words_analysis analysis = { 0 };
	struct met met = { .query = query, .analysis = &analysis };
	size_t count = 0;

	trib_words_analyse(&analysis, text, 0);
	meet(&met);
	for (size_t i = 0; i < analysis.count; i++) {
		const struct trib_words_token *token = &analysis.tokens[i];
		struct trib_words_range *last = count ? &ret_ranges[count - 1] : NULL;

		if (!is_asked(&met, token))
			continue;
		if (last && token->begin <= last->end)
			last->end = TRIB_MAX(last->end, token->end);
		else if (count < max)
			ret_ranges[count++] = (struct trib_words_range){ token->begin, token->end };
		else
			break;
	}
	trib_words_analysis_fini(&analysis);
	return count;
}

struct share {
	int64_t code;
	uint64_t score;
};

static int by_code(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return x->code < y->code ? -1 : x->code > y->code;
}

static int greatest_first(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return by_code(a, b);
}

size_t trib_words_intent(const struct trib_words_view *view, const struct trib_words_query *query,
			 int64_t (*code_of)(void *context, uint32_t row), void *context, size_t max,
			 struct trib_words_intent *ret_intents)
{
	struct trib_words_hit hits[TRIB_LIMIT_WORDS_INTENT_ROWS];
	struct share shares[TRIB_LIMIT_WORDS_INTENT_ROWS];
	size_t hit_count = trib_words_top(view, query, NULL, TRIB_LIMIT_WORDS_INTENT_ROWS, hits),
	       count = 0, kept = 0;
	uint64_t all = 0;

	for (size_t i = 0; i < hit_count; i++) {
		int64_t code = code_of(context, hits[i].row);

		all += hits[i].score;
		if (code >= 0)
			shares[count++] = (struct share){ code, hits[i].score };
	}
	if (count > 0)
		qsort(shares, count, sizeof(*shares), by_code);
	for (size_t i = 0; i < count; i++)
		if (kept > 0 && shares[kept - 1].code == shares[i].code)
			shares[kept - 1].score += shares[i].score;
		else
			shares[kept++] = shares[i];
	if (kept > 0)
		qsort(shares, kept, sizeof(*shares), greatest_first);
	kept = TRIB_MIN(kept, max);
	for (size_t i = 0; i < kept; i++)
		ret_intents[i] = (struct trib_words_intent){
			.code = shares[i].code,
			.share_permille = (uint32_t)(shares[i].score * 1000 / all)
		};
	return kept;
}
