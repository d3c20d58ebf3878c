/* What people type against what they mean: vocabulary, completion, highlighting, intent. */
#include "test.h"
#include "base/hash.h"
#include "catalog/words.h"
#include "catalog/words_analysis.h"
#include "catalog/words_expand.h"
#include "catalog/words_pinyin.h"
#include "catalog/words_show.h"

static const struct {
	const char *text;
	uint64_t weight;
} known[] = {
	{ "玉米", 500 },   { "糯玉米", 300 },  { "羽绒服", 900 },   { "连衣裙", 800 },
	{ "防晒霜", 700 }, { "Lipstick", 60 }, { "sunscreen", 50 }, { "华为", 1000 },
	{ "女鞋", 40 },	   { "T恤", 30 },      { "雨衣", 20 },	    { "玉米", 1 },
	{ "手机", 100 },   { "手机壳", 90 },   { "手机 支架", 80 },
};

static const char synonyms[] = "# comment\n"
			       "番茄, 西红柿\n"
			       "\n"
			       "phone => 手机 # one way\n";

static struct trib_words_vocabulary *vocabulary_new(void)
{
	struct trib_words_vocabulary *vocabulary = trib_words_vocabulary_new();
	struct trib_error error;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(known); i++)
		assert_true(trib_words_vocabulary_add(vocabulary, trib_bytes_text(known[i].text),
						      known[i].weight));
	assert_ok(trib_words_vocabulary_synonyms(vocabulary, trib_bytes_text(synonyms), &error),
		  error);
	trib_words_vocabulary_seal(vocabulary);
	return vocabulary;
}

/* The row of each known word that the expanded query finds, best first. */
static void found_by(const struct trib_words_vocabulary *vocabulary,
		     const struct trib_words_view *view, const char *text, char *ret_found,
		     size_t max)
{
	static struct trib_words_query query;
	struct trib_words_hit hits[4];
	size_t at = 0;

	assert_int_equal(
		trib_words_query_parse(trib_bytes_text(text), TRIB_WORDS_ALL, &query, NULL),
		TRIB_OK);
	trib_words_expand(vocabulary, trib_bytes_text(text), &query);
	size_t count = trib_words_top(view, &query, NULL, 4, hits);

	ret_found[0] = '\0';
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(ret_found + at, max - at, "%s%s", i ? "," : "",
				       known[hits[i].row].text);
}

static void other_ways_to_find_a_word(void **state)
{
	static const struct {
		const char *typed, *found;
	} rows[] = {
		{ "玉米", "玉米,糯玉米" },    { "yumi", "玉米,糯玉米" },
		{ "lianyiqun", "连衣裙" },    { "yrf", "羽绒服" },
		{ "羽绒服", "羽绒服" },	      { "羽容服", "羽绒服" }, /* sounds the same */
		{ "lipstik", "Lipstick" },    { "lispstick", "Lipstick" },
		{ "sunscrean", "sunscreen" }, { "snuscrean", "sunscreen" },
		{ "sunblock", "" },	      { "nvxie", "女鞋" },
		{ "phone", "手机" },	      { "txu", "T恤" },
		{ "华为", "华为" },	      { "unknown", "" },
	};
	static const struct trib_words_field field = { "title", .weight_percent = 100,
						       .usual_units = 4 };
	struct trib_words_vocabulary *vocabulary = vocabulary_new();
	struct trib_words *words = trib_words_new(&field, 1);
	char found[256];

	for (uint32_t i = 0; i < TRIB_ARRAY_SIZE(known); i++)
		if (i != 11 && i < 13) /* once each, and the phones once */
			trib_words_put(
				words, i,
				&(struct trib_bytes){ known[i].text, strlen(known[i].text) });
	trib_words_refresh(words);
	struct trib_words_view *view = trib_words_view_ref(words);

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		found_by(vocabulary, view, rows[i].typed, found, sizeof(found));
		if (strcmp(found, rows[i].found) != 0)
			fail_msg("%s: found %s, expected %s", rows[i].typed, found, rows[i].found);
	}
	trib_words_view_unref(view);
	trib_words_free(words);
	trib_words_vocabulary_free(vocabulary);
}

static void completions(void **state)
{
	static const struct {
		const char *typed, *found;
	} rows[] = {
		{ "手", "手机,手机壳,手机 支架" },
		{ "手机", "手机,手机壳,手机 支架" },
		{ "手机 ", "手机,手机壳,手机 支架" },
		{ "shouji", "手机,手机壳,手机 支架" },
		{ "sj", "手机,手机壳,手机 支架" },
		{ "LIP", "Lipstick" },
		{ "yumi", "玉米" },
		{ "ym", "玉米" },
		{ "y", "羽绒服,玉米,雨衣" },
		{ "", "" },
		{ "zzz", "" },
	};
	struct trib_words_vocabulary *vocabulary = vocabulary_new();
	struct trib_words_completion found[3];
	char text[256];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		size_t count = trib_words_complete(vocabulary, trib_bytes_text(rows[i].typed), 3,
						   found),
		       at = 0;

		text[0] = '\0';
		for (size_t c = 0; c < count; c++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s", c ? "," : "",
					       TRIB_BYTES_ARG(found[c].text));
		assert_string_equal(text, rows[i].found);
	}
	assert_int_equal(trib_words_complete(vocabulary, trib_bytes_text("yumi"), 3, found), 1);
	assert_int_equal(found[0].weight, 501); /* added twice */
	trib_words_vocabulary_free(vocabulary);
}

static void pinyin(void **state)
{
	static const struct {
		const char *text, *full, *initials;
	} rows[] = {
		{ "玉米", "yumi", "ym" }, { "女", "nv", "n" },	 { "绿茶", "lvcha", "lc" },
		{ "t恤", "txu", "tx" },	  { "abc", NULL, NULL },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_buffer full, initials;

		trib_buffer_init(&full, 100);
		trib_buffer_init(&initials, 100);
		assert_int_equal(trib_words_pinyin(trib_bytes_text(rows[i].text), &full, &initials),
				 rows[i].full != NULL);
		if (rows[i].full) {
			assert_string_equal(trib_buffer_text(&full), rows[i].full);
			assert_string_equal(trib_buffer_text(&initials), rows[i].initials);
		}
		trib_buffer_fini(&full);
		trib_buffer_fini(&initials);
	}
}

static void files_of_synonyms(void **state)
{
	static const struct {
		const char *file, *at;
		trib_status status;
	} rows[] = {
		{ "a, b\r\nc => d", "", TRIB_OK },
		{ "a, b\n,c", "line 2", TRIB_SYNTAX },
		{ "a => ", "line 1", TRIB_SYNTAX },
		{ "\n\n!", "line 3", TRIB_SYNTAX },
		{ "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "line 1", TRIB_LIMIT },
	};
	struct trib_words_vocabulary *vocabulary = trib_words_vocabulary_new();

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_error error = { 0 };

		assert_int_equal(trib_words_vocabulary_synonyms(
					 vocabulary, trib_bytes_text(rows[i].file), &error),
				 rows[i].status);
		assert_string_equal(error.at, rows[i].at);
	}
	trib_words_vocabulary_free(vocabulary);
}

/* The file that comes with the product. */
static void our_synonyms(void **state)
{
	static char text[65536];
	char path[1024];
	struct trib_words_vocabulary *vocabulary = trib_words_vocabulary_new();
	struct trib_error error;

	if (!getenv("TRIB_SOURCE_DIR"))
		skip();
	snprintf(path, sizeof(path), "%s/data/words/synonyms.txt", getenv("TRIB_SOURCE_DIR"));
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	size_t size = fread(text, 1, sizeof(text), file);

	fclose(file);
	assert_true(size > 0 && size < sizeof(text));
	assert_ok(trib_words_vocabulary_synonyms(vocabulary, trib_bytes(text, size), &error),
		  error);
	trib_words_vocabulary_seal(vocabulary);
	trib_words_vocabulary_free(vocabulary);
}

/* A query that is full already stays as it is, and whole. */
static void expansion_keeps_within_the_limits(void **state)
{
	struct trib_words_vocabulary *vocabulary = trib_words_vocabulary_new();
	static struct trib_words_query query;
	char text[TRIB_LIMIT_WORDS_QUERY_BYTES];
	size_t at = 0;

	for (unsigned i = 0; i < 3000; i++) {
		char word[32];

		snprintf(word, sizeof(word), "abcd%c%c%c", 'a' + i % 26, 'a' + i / 26 % 26,
			 'a' + i / 676);
		trib_words_vocabulary_add(vocabulary, trib_bytes_text(word), i);
	}
	trib_words_vocabulary_seal(vocabulary);
	for (unsigned i = 0; i < TRIB_LIMIT_WORDS_QUERY_WORDS; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%sabcd%c1zz", i ? " " : "",
				       'a' + i);
	assert_int_equal(trib_words_query_parse(trib_bytes(text, at), TRIB_WORDS_ANY, &query, NULL),
			 TRIB_OK);
	for (int turn = 0; turn < 20; turn++)
		trib_words_expand(vocabulary, trib_bytes(text, at), &query);
	assert_int_equal(query.word_count, TRIB_LIMIT_WORDS_QUERY_WORDS);
	uint32_t ways = 0, terms = 0;

	for (uint32_t w = 0; w < query.word_count; w++) {
		assert_int_equal(query.words[w].first, ways);
		assert_true(query.words[w].count > 0);
		ways += query.words[w].count;
	}
	for (uint32_t a = 0; a < ways; a++) {
		assert_int_equal(query.alternatives[a].first, terms);
		assert_true(query.alternatives[a].count > 0);
		terms += query.alternatives[a].count;
	}
	assert_int_equal(query.alternative_count, ways);
	assert_int_equal(query.term_count, terms);
	trib_words_vocabulary_free(vocabulary);
}

static void highlights(void **state)
{
	static const struct {
		const char *query;
		enum trib_words_mode mode;
		const char *text, *marked;
	} rows[] = {
		{ "糯 玉米", TRIB_WORDS_ALL, "东北甜玉米 糯玉米", "东北甜[玉米] [糯玉米]" },
		{ "玉米 连衣裙", TRIB_WORDS_ANY, "衣裙与玉米", "[衣裙]与[玉米]" },
		{ "羽绒服", TRIB_WORDS_ALL, "羽绒被服", "[羽绒]被[服]" },
		{ "玉米", TRIB_WORDS_PHRASE, "玉米 米玉", "[玉米] 米玉" },
		{ "糯 玉米", TRIB_WORDS_PHRASE, "玉米糯玉米", "玉米[糯玉米]" },
		{ "dress 500ML", TRIB_WORDS_ALL, "Red Dresses, ５００毫升!",
		  "Red [Dresses], [５００毫升]!" },
		{ "x", TRIB_WORDS_ALL, "y", "y" },
		{ "發財", TRIB_WORDS_ALL, "恭喜发财", "恭喜[发财]" },
	};
	static struct trib_words_query query;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_words_range ranges[8];
		char marked[256];
		size_t at = 0, from = 0;

		assert_int_equal(trib_words_query_parse(trib_bytes_text(rows[i].query),
							rows[i].mode, &query, NULL),
				 TRIB_OK);
		size_t count =
			trib_words_highlight(&query, trib_bytes_text(rows[i].text), 8, ranges);

		for (size_t r = 0; r < count; r++) {
			at += (size_t)snprintf(marked + at, sizeof(marked) - at, "%.*s[%.*s]",
					       (int)(ranges[r].begin - from), rows[i].text + from,
					       (int)(ranges[r].end - ranges[r].begin),
					       rows[i].text + ranges[r].begin);
			from = ranges[r].end;
		}
		snprintf(marked + at, sizeof(marked) - at, "%s", rows[i].text + from);
		assert_string_equal(marked, rows[i].marked);
	}
}

static int64_t by_third(void *context, uint32_t row)
{
	return row % 3 == 2 ? -1 : (int64_t)(row % 3);
}

static void intent(void **state)
{
	static const struct trib_words_field field = { "title", .weight_percent = 100,
						       .usual_units = 4 };
	static struct trib_words_query query;
	static const char *const titles[] = { "玉米", "玉米 棒", "玉米", "玉米" };
	struct trib_words *words = trib_words_new(&field, 1);
	struct trib_words_intent found[4];

	for (uint32_t i = 0; i < TRIB_ARRAY_SIZE(titles); i++)
		trib_words_put(words, i, &(struct trib_bytes){ titles[i], strlen(titles[i]) });
	trib_words_refresh(words);
	struct trib_words_view *view = trib_words_view_ref(words);

	assert_int_equal(
		trib_words_query_parse(trib_bytes_text("玉米"), TRIB_WORDS_ALL, &query, NULL),
		TRIB_OK);
	assert_int_equal(trib_words_intent(view, &query, by_third, NULL, 4, found), 2);
	assert_int_equal(found[0].code, 0);
	assert_int_equal(found[1].code, 1);
	assert_true(found[0].share_permille > 500 && found[1].share_permille > 200);
	assert_int_equal(trib_words_intent(view, &query, by_third, NULL, 1, found), 1);
	trib_words_view_unref(view);
	trib_words_free(words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(other_ways_to_find_a_word),
		cmocka_unit_test(completions),
		cmocka_unit_test(pinyin),
		cmocka_unit_test(files_of_synonyms),
		cmocka_unit_test(our_synonyms),
		cmocka_unit_test(expansion_keeps_within_the_limits),
		cmocka_unit_test(highlights),
		cmocka_unit_test(intent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
