#include "test.h"
#include "catalog/words_analysis.h"
#include "catalog/words_query.h"

/* The terms of a text, by a space each, in the order of their making. */
static void print(const char *text, char *ret_text, size_t max)
{
	struct trib_words_analysis analysis = { 0 };
	size_t at = 0;

	trib_words_analyse(&analysis, trib_bytes_text(text), 0);
	ret_text[0] = '\0';
	for (size_t i = 0; i < analysis.count; i++) {
		const struct trib_words_token *token = &analysis.tokens[i];
		char term[8];
		size_t size = trib_words_key_print(token->key, term);

		at += (size_t)snprintf(ret_text + at, max - at, "%s%.*s@%u", i ? " " : "",
				       (int)(size ? size : token->size),
				       size ? term : analysis.text + token->text, token->position);
		assert_true(at < max && token->begin < token->end && token->end <= strlen(text));
	}
	trib_words_analysis_fini(&analysis);
}

static void terms_of_texts(void **state)
{
	static const struct {
		const char *text, *terms;
	} rows[] = {
		{ "", "" },
		{ " ，。! ", "" },
		{ "糯", "糯@0" },
		{ "糯 玉米", "糯@0 玉@1 玉米@1 米@2" },
		{ "【玉米】糯", "玉@0 玉米@0 米@1 糯@2" },
		{ "Dress", "dress@0" },
		{ "dresses boxes berries cities glass bus women's Levi’s socks",
		  "dress@0 box@1 berry@2 city@3 glass@4 bus@5 women@6 levis@7 sock@8" },
		{ "ＡＢＣ１２", "abc@0 abc12@0 12@1" }, /* full width */
		{ "ﾃﾞ", "テ@0" },			/* half width; voicing is an accent */
		{ "Café CAFE\xcc\x81", "cafe@0 cafe@1" },
		{ "㎏", "kg@0" },
		{ "發財與裡", "发@0 发财@0 财@1 财与@1 与@2 与里@2 里@3" }, /* traditional */
		{ "iPhone15", "iphone@0 iphone15@0 15@1" },
		{ "1.5L", "1.5@0 1.5l@0 1.5l@0 l@1" },
		{ "500 ml", "500@0 500ml@0 ml@1" },
		{ "500毫升", "500@0 500ml@0 毫@1 毫升@1 升@2" },
		{ "5公斤", "5@0 5kg@0 公@1 公斤@1 斤@2" },
		{ "3.", "3@0" },
		{ "3.pro", "3@0 pro@1" },
		{ "a\xff"
		  "b",
		  "a@0 b@1" },
		{ "\xf0\xa0\x80\x80好",
		  "\xf0\xa0\x80\x80@0 \xf0\xa0\x80\x80好@0 好@1" }, /* beyond the first plane */
		{ "x\xe2\x80\x8dy", "xy@0" },			    /* a joiner is nothing */
		{ "🌽玉", "玉@0" },
	};
	char found[1024];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		print(rows[i].text, found, sizeof(found));
		assert_string_equal(found, rows[i].terms);
	}
}

static void long_texts_end(void **state)
{
	struct trib_words_analysis analysis = { 0 };
	static char text[TRIB_LIMIT_WORDS_TEXT_BYTES * 2];

	memset(text, 'x', sizeof(text));
	trib_words_analyse(&analysis, trib_bytes(text, sizeof(text)), 0);
	assert_int_equal(analysis.count, 1);
	assert_int_equal(analysis.tokens[0].size, TRIB_LIMIT_WORDS_TERM_BYTES);
	for (size_t i = 0; i + 2 < sizeof(text); i += 3)
		memcpy(text + i, "糯", 3);
	trib_words_analyse(&analysis, trib_bytes(text, sizeof(text)), 0);
	assert_int_equal(analysis.unit_count, TRIB_LIMIT_WORDS_TEXT_BYTES / 3);
	trib_words_analysis_fini(&analysis);
}

/* Words by a comma, alternatives by a stroke, terms by a space: those of text by their hash, so only ideographs are printed. */
static void print_query(const struct trib_words_query *query, char *ret_text, size_t max)
{
	size_t at = 0;

	ret_text[0] = '\0';
	for (uint32_t w = 0; w < query->word_count; w++)
		for (uint32_t a = 0; a < query->words[w].count; a++) {
			const struct trib_words_alternative *alternative =
				&query->alternatives[query->words[w].first + a];

			for (uint32_t t = 0; t < alternative->count; t++) {
				char term[8];
				size_t size = trib_words_key_print(
					query->terms[alternative->first + t].key, term);
				const char *before = t ? " " : a ? "|" : w ? "," : "";

				at += (size_t)snprintf(ret_text + at, max - at, "%s%.*s", before,
						       size ? (int)size : 1, size ? term : "#");
			}
		}
}

static void words_of_queries(void **state)
{
	static const struct {
		const char *text;
		enum trib_words_mode mode;
		const char *words;
		trib_status status;
	} rows[] = {
		{ "糯 玉米", TRIB_WORDS_ALL, "糯,玉米", TRIB_OK },
		{ "夏季连衣裙", TRIB_WORDS_ALL, "夏季,连,衣裙", TRIB_OK },
		{ "适合宝妈的夏季防晒", TRIB_WORDS_ALL, "适合,宝妈|宝 妈,夏季,防晒", TRIB_OK },
		{ "羽绒服", TRIB_WORDS_ALL, "羽绒 绒服|羽 绒 服", TRIB_OK },
		{ "夏季女连衣裙", TRIB_WORDS_ALL, "夏季,女连|女 连,衣裙", TRIB_OK },
		{ "玉米 玉米", TRIB_WORDS_ALL, "玉米", TRIB_OK },
		{ "的", TRIB_WORDS_ALL, "的", TRIB_OK },
		{ "iphone15 手机", TRIB_WORDS_ALL, "#|# #,手机", TRIB_OK },
		{ "500毫升 牛奶", TRIB_WORDS_ANY, "#,牛奶", TRIB_OK },
		{ "the dress", TRIB_WORDS_ALL, "#", TRIB_OK },
		{ "糯 玉米", TRIB_WORDS_PHRASE, "糯 玉米", TRIB_OK },
		{ "糯玉米500ml", TRIB_WORDS_PHRASE, "糯玉 玉米 # #", TRIB_OK },
		{ "", TRIB_WORDS_ALL, "", TRIB_INVALID },
		{ "!?", TRIB_WORDS_ALL, "", TRIB_INVALID },
		{ "a b c d e f g h i j k l m n o p q r s t", TRIB_WORDS_ANY, "", TRIB_LIMIT },
	};
	static struct trib_words_query query;
	char found[1024];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		assert_int_equal(trib_words_query_parse(trib_bytes_text(rows[i].text), rows[i].mode,
							&query, NULL),
				 rows[i].status);
		if (rows[i].status != TRIB_OK)
			continue;
		print_query(&query, found, sizeof(found));
		assert_string_equal(found, rows[i].words);
	}
}

/* What stands for many characters stays within the bounds of a query. */
static void queries_that_swell(void **state)
{
	static struct trib_words_query query;
	char text[TRIB_LIMIT_WORDS_QUERY_BYTES + 3];
	static const char *const swelling[] = { "㌀", "ﷺ", "㍻", "糯" };

	for (size_t s = 0; s < TRIB_ARRAY_SIZE(swelling); s++)
		for (int mode = TRIB_WORDS_ALL; mode <= TRIB_WORDS_PHRASE; mode++) {
			size_t size = 0;

			for (; size + 3 <= TRIB_LIMIT_WORDS_QUERY_BYTES; size += 3)
				memcpy(text + size, swelling[s], 3);
			trib_words_query_parse(trib_bytes(text, size), (enum trib_words_mode)mode,
					       &query, NULL);
		}
	assert_int_equal(trib_words_query_parse(trib_bytes(text, sizeof(text)), TRIB_WORDS_ALL,
						&query, NULL),
			 TRIB_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_of_texts),
		cmocka_unit_test(long_texts_end),
		cmocka_unit_test(words_of_queries),
		cmocka_unit_test(queries_that_swell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
