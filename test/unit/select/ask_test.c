/* The grammar: what operators say and what it becomes (test/data/ask), and that nothing is dropped in silence. */
#include "test.h"

#include "base/limits.h"
#include "play/play.h"
#include "select/select.h"

/* What the catalog of these tests knows. */
static const struct {
	const char *name, *field, *code;
} names[] = {
	{ "花西子", "brand", "花西子" },   { "完美日记", "brand", "完美日记" },
	{ "Perfect Diary", "brand", "完美日记" }, { "珀莱雅", "brand", "珀莱雅" },
	{ "安踏", "brand", "安踏" },       { "李宁", "brand", "李宁" },
	{ "Nike", "brand", "nike" },       { "耐克", "brand", "nike" },
	{ "Adidas", "brand", "adidas" },   { "阿迪达斯", "brand", "adidas" },
	{ "华为", "brand", "华为" },       { "Huawei", "brand", "华为" },
	{ "小米", "brand", "小米" },       { "Xiaomi", "brand", "小米" },
	{ "飞鹤", "brand", "飞鹤" },       { "蓝月亮", "brand", "蓝月亮" },
	{ "三只松鼠", "brand", "三只松鼠" }, { "三只松鼠旗舰店", "merchant", "m_squirrel" },
	{ "夏日清凉", "pool", "summer" },  { "summer", "pool", "summer" },
	{ "清仓", "pool", "clearance" },   { "clearance", "pool", "clearance" },
};

struct fixture {
	struct trib_ask *ask;
	struct trib_ask_lexicon *lexicon;
	struct trib_arena arena;
};

static int set_up(void **state)
{
	struct fixture *fixture = trib_alloc_zeroed(1, sizeof(*fixture));
	struct trib_error error;

	assert_ok(trib_ask_new(trib_ask_vocabulary(), &fixture->ask, &error), error);
	fixture->lexicon = trib_ask_lexicon_new();
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++)
		trib_ask_lexicon_add(fixture->lexicon, trib_bytes_text(names[i].name), names[i].field,
				     trib_bytes_text(names[i].code));
	trib_arena_init(&fixture->arena, 64 << 20);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	trib_ask_free(fixture->ask);
	trib_ask_lexicon_free(fixture->lexicon);
	trib_arena_fini(&fixture->arena);
	free(fixture);
	return 0;
}

static trib_status answer_to(struct fixture *fixture, struct trib_bytes text, struct trib_ask_answer *ret_answer,
			     struct trib_error *error)
{
	struct trib_ask_request request = { .text = text, .creator = trib_bytes_text("c1"),
					    .find = trib_ask_lexicon_find, .context = fixture->lexicon };

	return trib_ask_answer(fixture->ask, &request, &fixture->arena, ret_answer, error);
}

/* ---- The two halves of the case file -------------------------------------------------------------- */

static char *read_data(const char *name, size_t *ret_size)
{
	char path[512];
	const char *root = getenv("TRIB_SOURCE_DIR");

	snprintf(path, sizeof(path), "%s/test/data/ask/%s", root ? root : ".", name);
	FILE *file = fopen(path, "re");
	char *text = trib_alloc(1 << 20);

	assert_non_null(file);
	*ret_size = fread(text, 1, 1 << 20, file);
	fclose(file);
	return text;
}

static const char *text_of(const struct trib_json *json, const char *name, const char *otherwise)
{
	const struct trib_json *member = trib_json_member(json, name);

	return member ? member->text.data : otherwise;
}

/* Whether a sentence came to exactly what stands beside it; prints where not. */
static bool is_exact(struct fixture *fixture, const struct trib_json *row)
{
	const char *ask = text_of(row, "ask", ""), *filter = text_of(row, "filter", "true"), *order = text_of(row, "order", "");
	const struct trib_json *limit = trib_json_member(row, "limit");
	struct trib_ask_answer answer;
	struct trib_error error;
	uint64_t count = 0;

	if (limit)
		assert_true(trib_bytes_to_u64(limit->text, &count));
	assert_ok(answer_to(fixture, trib_bytes_text(ask), &answer, &error), error);
	bool descending = *order == '-';
	bool exact = trib_bytes_is(answer.filter, filter) && trib_bytes_is(answer.order_by, order + descending) &&
		     answer.descending == descending && answer.limit == count;

	if (!exact) {
		printf("# %s\n#   wanted %s | %s | %llu\n#   found  " TRIB_BYTES_FMT " | %s" TRIB_BYTES_FMT " | %u\n", ask, filter, order,
		       (unsigned long long)count, TRIB_BYTES_ARG(answer.filter), answer.descending ? "-" : "",
		       TRIB_BYTES_ARG(answer.order_by), answer.limit);
	}
	return exact;
}

/* At least `least` percent of a file. */
static void assert_file(struct fixture *fixture, const char *name, uint32_t least)
{
	const struct trib_json *root;
	struct trib_error error;
	uint32_t exact = 0;
	size_t size;
	char *text = read_data(name, &size);

	assert_ok(trib_yaml_parse(trib_bytes(text, size), TRIB_LIMIT_JSON_DEPTH, &fixture->arena, &root, &error), error);
	for (const struct trib_json *row = root->first; row; row = row->next)
		exact += is_exact(fixture, row);
	printf("# %s: %u of %u exactly, %.1f %%\n", name, exact, root->count, 100.0 * exact / root->count);
	assert_true(root->count >= 150);
	assert_true(exact * 100 >= root->count * least);
	free(text);
}

static void tuning_half(void **state)
{
	assert_file(*state, "tuning.yaml", 100);
}

static void held_out_half(void **state)
{
	assert_file(*state, "held_out.yaml", 90);
}

/* ---- The rest ------------------------------------------------------------------------------------- */

/* "text=cel" of each part that came to something, then "text?why" of each that was not understood. */
static void write_parts(const struct trib_ask_answer *answer, struct trib_buffer *parts)
{
	trib_buffer_reset(parts);
	for (uint32_t i = 0; i < answer->understood_count; i++)
		if (answer->understood[i].cel.size)
			trib_buffer_add_format(parts, "[%u-%u %.*s=%.*s]", answer->understood[i].from, answer->understood[i].to,
					       TRIB_BYTES_ARG(answer->understood[i].text), TRIB_BYTES_ARG(answer->understood[i].cel));
	for (uint32_t i = 0; i < answer->not_understood_count; i++)
		trib_buffer_add_format(parts, "[%.*s?%s]", TRIB_BYTES_ARG(answer->not_understood[i].text), answer->not_understood[i].why);
}

static void parts(void **state)
{
	static const struct {
		const char *text, *parts;
	} rows[] = {
		{ "口红 100以内", "[0-2 口红=category.startsWith(\"beauty/makeup/lipstick\")][3-8 100以内=price <= 10000]" },
		{ "ＰＲＩＣＥ＜５０", "[0-8 ＰＲＩＣＥ＜５０=price < 5000]" },
		{ "不要花西子", "[0-5 不要花西子=brand != \"花西子\"]" },
		{ "近7天, 7", "[近7天?a time, and nothing that it is of][7?a number, and nothing that it is of]" },
		{ "近90天销量500以上", "[4-11 销量500以上=sold >= 500][近90天?counts reach back 30 days]" },
		{ "便宜的, 按佣金排序", "[5-10 按佣金排序=order by commission_bps descending][便宜?a second order]" },
		{ "top 5, top 6", "[0-5 top 5=limit 5][top 6?a second limit]" },
		{ "不要", "[不要?a negation of nothing]" },
		{ "以上", "[以上?a word of comparison, and nothing that it compares]" },
		{ "价格", "[价格?a word of comparison, and nothing that it compares]" },
		{ "\"q\\\"b\"", "[1-2 q=title.words(\"q\")][4-5 b=title.words(\"b\")]" },
		{ "", "" },
		{ " ,。", "" },
	};
	struct fixture *fixture = *state;
	struct trib_ask_answer answer;
	struct trib_buffer found;
	struct trib_error error;

	trib_buffer_init(&found, 1 << 16);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		assert_ok(answer_to(fixture, trib_bytes_text(rows[i].text), &answer, &error), error);
		write_parts(&answer, &found);
		assert_string_equal(trib_buffer_text(&found), rows[i].parts);
	}
	trib_buffer_fini(&found);
}

static void refused(void **state)
{
	struct fixture *fixture = *state;
	struct trib_ask_answer answer;
	struct trib_error error;
	char text[TRIB_LIMIT_ASK_BYTES + 1];

	memset(text, 'a', sizeof(text));
	assert_int_equal(answer_to(fixture, trib_bytes(text, sizeof(text)), &answer, &error), TRIB_TOO_LARGE);
	assert_ok(answer_to(fixture, trib_bytes(text, sizeof(text) - 1), &answer, &error), error);
	assert_int_equal(answer_to(fixture, trib_bytes_text("a\xff"), &answer, &error), TRIB_INVALID);
	assert_string_equal(error.at, "text");
	trib_arena_fini(&fixture->arena);
	trib_arena_init(&fixture->arena, 64);
	assert_int_equal(answer_to(fixture, trib_bytes_text("口红"), &answer, &error), TRIB_NO_MEMORY);
}

/* 100,000 names: the longest is found, wherever it begins. */
static void many_names(void **state)
{
	struct trib_ask_lexicon *lexicon = trib_ask_lexicon_new();
	struct trib_ask_value value;
	char name[40];

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "品牌%d号", i);
		trib_ask_lexicon_add(lexicon, trib_bytes_text(name), "brand", trib_bytes_text(name));
	}
	trib_ask_lexicon_add(lexicon, trib_bytes_text("品牌77号店"), "merchant", trib_bytes_text("m77"));
	trib_ask_lexicon_add(lexicon, trib_bytes_text("Brand X"), "brand", trib_bytes_text("x"));
	assert_true(trib_ask_lexicon_find(lexicon, trib_bytes_text("品牌99999号的"), &value));
	assert_true(trib_bytes_is(value.code, "品牌99999号") && value.size == strlen("品牌99999号"));
	assert_true(trib_ask_lexicon_find(lexicon, trib_bytes_text("品牌77号店里"), &value));
	assert_string_equal(value.field, "merchant");
	assert_true(trib_ask_lexicon_find(lexicon, trib_bytes_text("brand x!"), &value));
	assert_false(trib_ask_lexicon_find(lexicon, trib_bytes_text("brand xy"), &value));
	assert_false(trib_ask_lexicon_find(lexicon, trib_bytes_text("品牌100000号"), &value));
	trib_ask_lexicon_free(lexicon);
}

static void broken_vocabularies(void **state)
{
	static const struct {
		const char *yaml, *at, *text;
	} rows[] = {
		{ "[", "line 2 column 1", NULL },
		{ "a: 1", "fields", "expected a list of at most 200 fields" },
		{ "fields: [{name: a}]", "line 1", "expected a field with a name and one of the kinds" },
		{ "fields: [{name: a, kind: money, bare: about}]", "line 1", "expected bare to be a comparison" },
		{ "fields: [{name: price, kind: money}]", "fields", "expected a field commission_bps" },
		{ "fields: [{name: price, kind: money, words: ['']}]", "line 1", "expected a word of 1 to 64 bytes" },
	};
	struct trib_ask *ask;
	struct trib_error error;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		assert_int_not_equal(trib_ask_new(trib_bytes_text(rows[i].yaml), &ask, &error), TRIB_OK);
		assert_string_equal(error.at, rows[i].at);
		if (rows[i].text)
			assert_string_equal(error.text, rows[i].text);
	}
}

/* Pieces of sentences in any order: whatever comes out is CEL that the fields check (trib_ask_answer does that). */
static void random_sentences(void **state)
{
	static const char *const pieces[] = {
		"口红", "花西子", "佣金", "20%", "以上", "100", "到", "50", "元", "不要", "或", "和", "、", ",", " ", "浙江", "有货", "近7天", "销量",
		"最高", "按", "排序", "前10", "个", "夏", "price", " under ", " not ", " or ", " between ", " and ", "新品", "池", "summer",
		"好评", "还没上架", "类目日榜", "左右", "的", "糯玉米", "9.9", "两三百", "三位数", "4.8分", "-", "x",
	};
	struct fixture *fixture = *state;
	struct trib_rng rng;
	char text[TRIB_LIMIT_ASK_BYTES];

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 20000; i++) {
		struct trib_ask_answer answer;
		struct trib_error error;
		size_t size = 0;

		for (uint64_t count = trib_rng_below(&rng, 20); count > 0; count--)
			size += (size_t)snprintf(text + size, sizeof(text) - size, "%s", pieces[trib_rng_below(&rng, TRIB_ARRAY_SIZE(pieces))]);
		if (answer_to(fixture, trib_bytes(text, size), &answer, &error) != TRIB_OK)
			fail_msg("%.*s: %s: %s", (int)size, text, error.at, error.text);
		trib_arena_reset(&fixture->arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tuning_half, set_up, tear_down),
		cmocka_unit_test_setup_teardown(held_out_half, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
		cmocka_unit_test(many_names),
		cmocka_unit_test(broken_vocabularies),
		cmocka_unit_test_setup_teardown(random_sentences, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
