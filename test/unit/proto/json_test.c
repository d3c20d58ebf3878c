/* The JSON reader: a table of what it takes and refuses, and jansson as its twin on random and damaged texts. */
#include "test.h"

#include <jansson.h>
#include "base/limits.h"
#include "proto/proto.h"

struct fixture {
	struct trib_arena arena;
	struct trib_buffer text;
	struct trib_error error;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	trib_arena_init(&f->arena, 64 << 20);
	trib_buffer_init(&f->text, 16 << 20);
}

static void tear_down(struct fixture *f)
{
	trib_arena_fini(&f->arena);
	trib_buffer_fini(&f->text);
}

static void test_canonical(void **state)
{
	static const struct {
		const char *text, *expected, *at;
	} rows[] = {
		{ "{\"b\":1, \"a\" : [ true,false , null ]}", "{\"a\":[true,false,null],\"b\":1}",
		  NULL },
		{ " 12345678901234567890123 ", "12345678901234567890123", NULL },
		{ "-0.5e+10", "-0.5e+10", NULL },
		{ "\"\\u00e9\\ud83d\\ude00\\/\\n\"", "\"é😀/\\n\"", NULL },
		{ "\"\\u0000\"", "\"\\u0000\"", NULL },
		{ "{\"\":{}}", "{\"\":{}}", NULL },
		{ "[]", "[]", NULL },
		{ "", NULL, "line 1 column 1" },
		{ "{\n \"a\":1,\n \"a\":2}", NULL, "line 3 column 8" },
		{ "[1,]", NULL, "line 1 column 4" },
		{ "{\"a\":1,}", NULL, "line 1 column 8" },
		{ "01", NULL, "line 1 column 2" },
		{ "-", NULL, "line 1 column 2" },
		{ "1.", NULL, "line 1 column 3" },
		{ "1e", NULL, "line 1 column 3" },
		{ "+1", NULL, "line 1 column 1" },
		{ "NaN", NULL, "line 1 column 1" },
		{ "nul", NULL, "line 1 column 1" },
		{ "1 2", NULL, "line 1 column 3" },
		{ "\"a", NULL, "line 1 column 3" },
		{ "\"\\", NULL, "line 1 column 3" },
		{ "\"\t\"", NULL, "line 1 column 2" },
		{ "\"\\x\"", NULL, "line 1 column 3" },
		{ "\"\\u12g4\"", NULL, "line 1 column 4" },
		{ "\"\\ud800\"", NULL, "line 1 column 8" },
		{ "\"\\ude00\"", NULL, "line 1 column 8" },
		{ "\"\xff\"", NULL, "line 1 column 2" },
		{ "\"\xc0\x80\"", NULL, "line 1 column 2" },
		{ "{a:1}", NULL, "line 1 column 2" },
		{ "{\"a\" 1}", NULL, "line 1 column 6" },
		{ "[1 2]", NULL, "line 1 column 4" },
		{ "[", NULL, "line 1 column 2" },
	};
	struct fixture f;

	set_up(&f);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		trib_arena_reset(&f.arena);
		trib_buffer_reset(&f.text);
		trib_status status = trib_json_canonical(trib_bytes_text(rows[i].text), &f.arena,
							 &f.text, &f.error);

		if (rows[i].expected) {
			assert_ok(status, f.error);
			assert_string_equal(trib_buffer_text(&f.text), rows[i].expected);
		} else {
			if (status == TRIB_OK)
				fail_msg("taken: %s", rows[i].text);
			assert_string_equal(f.error.at, rows[i].at);
		}
	}
	tear_down(&f);
}

static void test_depth(void **state)
{
	struct fixture f;
	const struct trib_json *root;
	char text[200];

	set_up(&f);
	for (size_t depth = 60; depth < 70; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		trib_status status =
			trib_json_parse(trib_bytes(text, 2 * depth), TRIB_LIMIT_JSON_DEPTH,
					&f.arena, &root, &f.error);

		assert_int_equal(status, depth <= TRIB_LIMIT_JSON_DEPTH ? TRIB_OK : TRIB_LIMIT);
	}
	tear_down(&f);
}

/* Many names, one twice: found by sorting, not by comparing all pairs. */
static void test_many_names(void **state)
{
	struct fixture f;
	struct trib_buffer text;
	const struct trib_json *root;

	set_up(&f);
	trib_buffer_init(&text, 16 << 20);
	trib_buffer_add_text(&text, "{\"k77\":0");
	for (int i = 1000; i < 51000; i++)
		trib_buffer_add_format(&text, ",\"k%d\":%d", i, i);
	trib_buffer_add_char(&text, '}');
	assert_ok(trib_json_parse(trib_buffer_bytes(&text), 64, &f.arena, &root, &f.error),
		  f.error);
	assert_int_equal(root->count, 50001);
	assert_non_null(trib_json_member(root, "k50999"));
	text.size--;
	trib_buffer_add_text(&text, ",\"k77\":1}");
	assert_int_equal(trib_json_parse(trib_buffer_bytes(&text), 64, &f.arena, &root, &f.error),
			 TRIB_SYNTAX);
	assert_string_equal(f.error.text, "found a second \"k77\", expected each name once");
	trib_buffer_fini(&text);
	tear_down(&f);
}

static void test_memory_is_bounded(void **state)
{
	struct trib_arena arena;
	struct trib_error error;
	const struct trib_json *root;
	char *text = trib_alloc(100001);

	trib_arena_init(&arena, 1 << 20);
	for (int i = 0; i < 100000; i++)
		text[i] = i % 2 ? '1' : ',';
	text[0] = '[';
	text[99999] = ']';
	assert_int_equal(trib_json_parse(trib_bytes(text, 100000), 64, &arena, &root, &error),
			 TRIB_TOO_LARGE);
	trib_arena_fini(&arena);
	free(text);
}

/* A random text, mostly well-formed. */
static void add_random(struct trib_rng *rng, struct trib_buffer *text, int depth)
{
	static const char *const scalars[] = { "null",	       "true",
					       "false",	       "0",
					       "-1",	       "1.5",
					       "2e3",	       "123456789012",
					       "\"\"",	       "\"a\"",
					       "\"\\u00e9\"",  "\"日本\"",
					       "\"\\\\\\\"\"", "\"\\ud83d\\ude00\"" };
	static const char *const keys[] = { "\"a\"",  "\"b\"", "\"\\u0061b\"", "\"c\"",
					    "\"日\"", "\"d\"", "\"e\"",	       "\"\"" };
	uint64_t kind = trib_rng_below(rng, depth ? 4 : 2), count;

	if (kind < 2) {
		trib_buffer_add_text(text, scalars[trib_rng_below(rng, TRIB_ARRAY_SIZE(scalars))]);
		return;
	}
	count = trib_rng_below(rng, 4);
	trib_buffer_add_text(text, kind == 2 ? "[" : "{ ");
	for (uint64_t i = 0; i < count; i++) {
		if (i)
			trib_buffer_add_text(text, ",\n");
		if (kind == 3) {
			trib_buffer_add_text(text,
					     keys[trib_rng_below(rng, TRIB_ARRAY_SIZE(keys))]);
			trib_buffer_add_text(text, " :");
		}
		add_random(rng, text, depth - 1);
	}
	trib_buffer_add_text(text, kind == 2 ? "]" : "}");
}

static void damage(struct trib_rng *rng, struct trib_buffer *text)
{
	static const char bytes[] = "{}[]\",:\\u0019.eE+-tfn \n\x80\xc3\xff\x01";

	if (text->size == 0)
		return;
	size_t at = trib_rng_below(rng, text->size);

	switch (trib_rng_below(rng, 3)) {
	case 0:
		text->data[at] = bytes[trib_rng_below(rng, sizeof(bytes) - 1)];
		break;
	case 1:
		memmove(text->data + at, text->data + at + 1, text->size - at - 1);
		text->size--;
		break;
	default:
		text->size = at;
		break;
	}
}

static void test_twin_jansson(void **state)
{
	struct trib_rng rng;
	struct fixture f;
	int taken = 0, refused = 0;

	set_up(&f);
	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 30000; i++) {
		struct trib_buffer text;
		const struct trib_json *root;
		json_error_t twin_error;

		trib_buffer_init(&text, 1 << 20);
		add_random(&rng, &text, 5);
		for (uint64_t n = trib_rng_below(&rng, 3); n > 0; n--)
			damage(&rng, &text);
		trib_arena_reset(&f.arena);
		trib_status status =
			trib_json_parse(trib_buffer_bytes(&text), 64, &f.arena, &root, &f.error);
		json_t *twin = json_loadb(text.data ? text.data : "", text.size,
					  JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL,
					  &twin_error);
		/* jansson has ranges of numbers; ours come later, by field */
		bool range = !twin && (json_error_code(&twin_error) == json_error_numeric_overflow);

		if ((status == TRIB_OK) != (twin != NULL) && !range)
			fail_msg("%s: ours %d (%s), jansson: %s", trib_buffer_text(&text), status,
				 f.error.text, twin ? "taken" : twin_error.text);
		if (twin) {
			char *expected =
				json_dumps(twin, JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_COMPACT);
			json_t *again;

			trib_buffer_reset(&f.text);
			trib_json_add(&f.text, root, &f.arena);
			again = json_loads(trib_buffer_text(&f.text),
					   JSON_DECODE_ANY | JSON_ALLOW_NUL, &twin_error);
			assert_non_null(again);
			assert_true(json_equal(twin, again));
			json_decref(again);
			free(expected);
		}
		taken += twin != NULL;
		refused += twin == NULL;
		json_decref(twin);
		trib_buffer_fini(&text);
	}
	assert_true(taken > 5000 && refused > 5000);
	tear_down(&f);
}

static void test_writers(void **state)
{
	struct fixture f;

	set_up(&f);
	trib_json_add_string(&f.text, trib_bytes("a\x01\"\\\n\x7f\xff\xc3\xa9\0z", 11));
	assert_string_equal(trib_buffer_text(&f.text),
			    "\"a\\u0001\\\"\\\\\\n\\u007f\xef\xbf\xbdé\\u0000z\"");
	trib_buffer_reset(&f.text);
	trib_json_add_double(&f.text, 0.1);
	trib_buffer_add_char(&f.text, ' ');
	trib_json_add_double(&f.text, 1.0 / 3);
	trib_buffer_add_char(&f.text, ' ');
	trib_json_add_double(&f.text, 1e300);
	trib_buffer_add_char(&f.text, ' ');
	trib_json_add_double(&f.text, 1e300 * 1e300);
	assert_string_equal(trib_buffer_text(&f.text), "0.1 0.3333333333333333 1e+300 null");
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_canonical),    cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_names),   cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_twin_jansson), cmocka_unit_test(test_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
