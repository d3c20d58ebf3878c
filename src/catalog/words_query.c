#include "catalog/words_query.h"

#include <unicode/ubrk.h>
#include <unicode/ustring.h>
#include <pthread.h>
#include "catalog/words_analysis.h"

/* Left out of a query while another word is in it. */
static const char *const fillers[] = { "的", "了", "和", "与",	"及",  "或", "在",  "是",  "也",
				       "之", "a",  "an", "and", "as",  "at", "by",  "for", "from",
				       "in", "of", "on", "or",	"the", "to", "with" };

struct parser {
	struct trib_words_analysis analysis;
	struct trib_words_query *query;
	bool full; /* a limit was passed */
};

static void add_term(struct parser *parser, uint64_t key, size_t position)
{
	struct trib_words_query *query = parser->query;

	if (query->term_count == TRIB_LIMIT_WORDS_QUERY_TERMS) {
		parser->full = true;
		return;
	}
	query->terms[query->term_count++] =
		(struct trib_words_query_term){ .key = key, .position = (uint32_t)position };
	query->alternatives[query->alternative_count - 1].count++;
}

static void begin_alternative(struct parser *parser)
{
	struct trib_words_query *query = parser->query;

	if (query->alternative_count == TRIB_LIMIT_WORDS_QUERY_ALTERNATIVES) {
		parser->full = true;
		return;
	}
	query->alternatives[query->alternative_count++] =
		(struct trib_words_alternative){ .weight_percent = 100,
						 .first = query->term_count };
	query->words[query->word_count - 1].count++;
}

static void begin_word(struct parser *parser, size_t first_unit, size_t end_unit)
{
	struct trib_words_query *query = parser->query;

	if (query->word_count == TRIB_LIMIT_WORDS_QUERY_WORDS) {
		parser->full = true;
		return;
	}
	query->words[query->word_count++] =
		(struct trib_words_query_word){ .begin = parser->analysis.units[first_unit].begin,
						.end = parser->analysis.units[end_unit - 1].end,
						.first = query->alternative_count };
	begin_alternative(parser);
}

static struct trib_bytes unit_text(const struct parser *parser, size_t i)
{
	return trib_bytes(parser->analysis.text + parser->analysis.units[i].text,
			  parser->analysis.units[i].size);
}

static void add_ideographs(struct parser *parser, size_t first, size_t end)
{
	const struct trib_words_unit *units = parser->analysis.units;

	if (end == first + 1)
		add_term(parser, trib_words_key_of_ideograph(units[first].character), first);
	for (size_t i = first; i + 1 < end; i++)
		add_term(parser, trib_words_key_of_pair(units[i].character, units[i + 1].character),
			 i);
}

/* The same word twice is one. */
static void drop_repeated(struct parser *parser)
{
	struct trib_words_query *query = parser->query;
	const struct trib_words_query_word *last = &query->words[query->word_count - 1];
	const struct trib_words_alternative *a = &query->alternatives[last->first];

	for (uint32_t w = 0; w + 1 < query->word_count; w++) {
		const struct trib_words_alternative *b =
			&query->alternatives[query->words[w].first];
		bool same = a->count == b->count && query->words[w].count == last->count;

		for (uint32_t i = 0; i < a->count && same; i++)
			same = query->terms[a->first + i].key == query->terms[b->first + i].key;
		if (!same)
			continue;
		query->term_count = a->first;
		query->alternative_count = last->first;
		query->word_count--;
		return;
	}
}

/* The dictionary is loaded once; each use clones what holds it, which takes a microsecond. */
static UBreakIterator *shared_cutter;

static void open_cutter(void)
{
	UErrorCode status = U_ZERO_ERROR;

	shared_cutter = ubrk_open(UBRK_WORD, "zh", NULL, 0, &status);
	trib_assert(U_SUCCESS(status)); /* ICU without its data */
}

/* Where the dictionary cuts units first … end (ideographs): cuts[i] says that a word begins at first + i. */
static void cut_by_dictionary(struct parser *parser, size_t first, size_t end, bool *cuts)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	UChar text[TRIB_LIMIT_WORDS_QUERY_TERMS * 2];
	uint16_t unit_at[TRIB_LIMIT_WORDS_QUERY_TERMS * 2 + 1];
	UErrorCode status = U_ZERO_ERROR;
	int32_t size = 0;

	pthread_once(&once, open_cutter);
	UBreakIterator *cutter = ubrk_clone(shared_cutter, &status);

	for (size_t i = first; i < end; i++) {
		unit_at[size] = (uint16_t)(i - first);
		U16_APPEND_UNSAFE(text, size, (UChar32)parser->analysis.units[i].character);
	}
	unit_at[size] = (uint16_t)(end - first);
	ubrk_setText(cutter, text, size, &status);
	trib_assert(U_SUCCESS(status));
	memset(cuts, 0, end - first);
	for (int32_t at = ubrk_first(cutter); at != UBRK_DONE && at < size; at = ubrk_next(cutter))
		cuts[unit_at[at]] = true;
	ubrk_close(cutter);
}

static bool is_filler(const struct parser *parser, size_t first, size_t end)
{
	const struct trib_words_unit *unit = &parser->analysis.units[first];
	char character[8];
	struct trib_bytes text;

	if (end != first + 1)
		return false;
	text = unit_text(parser, first);
	if (unit->kind == TRIB_WORDS_IDEOGRAPH)
		text = trib_bytes(character,
				  trib_words_key_print(trib_words_key_of_ideograph(unit->character),
						       character));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(fillers); i++)
		if (trib_bytes_is(text, fillers[i]))
			return true;
	return false;
}

/* `loose`: found by its ideographs apart, too. */
static void add_run_word(struct parser *parser, size_t first, size_t end, bool loose,
			 bool fillers_too)
{
	if (!fillers_too && is_filler(parser, first, end))
		return;
	begin_word(parser, first, end);
	if (parser->full)
		return;
	add_ideographs(parser, first, end);
	if (loose)
		begin_alternative(parser);
	for (size_t i = first; i < end && loose && !parser->full; i++)
		add_ideographs(parser, i, i + 1);
	if (!parser->full)
		drop_repeated(parser);
}

/* A run of ideographs as words. What the dictionary leaves single, and what it does not know is single, is joined with its
 * single neighbours: found together, or each. */
static void add_run(struct parser *parser, size_t first, size_t end, bool fillers_too)
{
	bool cuts[TRIB_LIMIT_WORDS_QUERY_TERMS + 1];
	size_t count = end - first, begin = 0;

	if (count <= 2) {
		add_run_word(parser, first, end, false, fillers_too);
		return;
	}
	cut_by_dictionary(parser, first, end, cuts);
	cuts[count] = true;
	while (begin < count && !parser->full) {
		size_t to = begin + 1;

		while (!cuts[to])
			to++;
		bool single = to == begin + 1 && !is_filler(parser, first + begin, first + to);

		while (single && to < count && cuts[to + 1] &&
		       !is_filler(parser, first + to, first + to + 1))
			to++;
		add_run_word(parser, first + begin, first + to, single && to > begin + 1,
			     fillers_too);
		begin = to;
	}
}

/* A word of letters and numbers that stand together: the whole, or all its parts. */
static void add_mixed(struct parser *parser, size_t first, size_t end, bool fillers_too)
{
	char whole[TRIB_LIMIT_WORDS_TERM_BYTES];
	size_t size = 0;

	if (!fillers_too && is_filler(parser, first, end))
		return;
	begin_word(parser, first, end);
	for (size_t i = first; i < end && size < sizeof(whole); i++) {
		struct trib_bytes text = unit_text(parser, i);
		size_t part = TRIB_MIN(text.size, sizeof(whole) - size);

		memcpy(whole + size, text.data, part);
		size += part;
	}
	if (!parser->full)
		add_term(parser, trib_words_key_of_text(trib_bytes(whole, size)), first);
	if (end > first + 1 && !parser->full) {
		begin_alternative(parser);
		for (size_t i = first; i < end && !parser->full; i++)
			add_term(parser, trib_words_key_of_text(unit_text(parser, i)), i);
	}
	if (!parser->full)
		drop_repeated(parser);
}

static bool is_ideograph(const struct parser *parser, size_t i)
{
	return parser->analysis.units[i].kind == TRIB_WORDS_IDEOGRAPH;
}

static void add_words(struct parser *parser, bool fillers_too)
{
	struct trib_words_analysis *analysis = &parser->analysis;

	for (size_t i = 0, end; i < analysis->unit_count && !parser->full; i = end) {
		uint32_t text, size;
		size_t taken = trib_words_measure(analysis, i, &text, &size);

		end = i + 1;
		if (taken) {
			end = i + taken;
			begin_word(parser, i, end);
			if (!parser->full) {
				add_term(parser,
					 trib_words_key_of_text(
						 trib_bytes(analysis->text + text, size)),
					 i);
				drop_repeated(parser);
			}
			continue;
		}
		while (end < analysis->unit_count && analysis->units[end].glued &&
		       is_ideograph(parser, end) == is_ideograph(parser, i))
			end++;
		if (is_ideograph(parser, i))
			add_run(parser, i, end, fillers_too);
		else
			add_mixed(parser, i, end, fillers_too);
	}
}

static void add_phrase(struct parser *parser)
{
	const struct trib_words_analysis *analysis = &parser->analysis;

	begin_word(parser, 0, analysis->unit_count);
	for (size_t i = 0; i < analysis->unit_count && !parser->full; i++) {
		bool starts = i == 0 || !analysis->units[i].glued || !is_ideograph(parser, i - 1);
		bool goes_on = i + 1 < analysis->unit_count && analysis->units[i + 1].glued &&
			       is_ideograph(parser, i + 1);

		if (!is_ideograph(parser, i))
			add_term(parser, trib_words_key_of_text(unit_text(parser, i)), i);
		else if (goes_on)
			add_ideographs(parser, i, i + 2);
		else if (starts)
			add_ideographs(parser, i, i + 1);
	}
}

trib_status trib_words_query_parse(struct trib_bytes text, enum trib_words_mode mode,
				   struct trib_words_query *ret_query, struct trib_error *error)
{
	struct parser parser = { .query = ret_query };

	if (text.size > TRIB_LIMIT_WORDS_QUERY_BYTES)
		return trib_fail(error, TRIB_LIMIT, "text", "found %zu bytes, expected at most %d",
				 text.size, TRIB_LIMIT_WORDS_QUERY_BYTES);
	*ret_query = (struct trib_words_query){ .mode = mode };
	trib_words_cut(&parser.analysis, text);
	if (parser.analysis.unit_count >
	    TRIB_LIMIT_WORDS_QUERY_TERMS) { /* some characters stand for many */
		parser.full = true;
	} else if (parser.analysis.unit_count > 0 && mode == TRIB_WORDS_PHRASE) {
		add_phrase(&parser);
	} else {
		add_words(&parser, false);
		if (ret_query->word_count == 0)
			add_words(&parser, true);
	}
	trib_words_analysis_fini(&parser.analysis);
	if (parser.full)
		return trib_fail(error, TRIB_LIMIT, "text",
				 "expected at most %d words and %d terms",
				 TRIB_LIMIT_WORDS_QUERY_WORDS, TRIB_LIMIT_WORDS_QUERY_TERMS);
	if (ret_query->word_count == 0)
		return trib_fail(error, TRIB_INVALID, "text",
				 "found no letter, number or ideograph");
	return TRIB_OK;
}
