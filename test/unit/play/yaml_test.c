/* YAML: what plain scalars mean, what is refused and where. */
#include "test.h"

#include "base/limits.h"
#include "play/play.h"

/* Canonical JSON of a text, or "at: text" of its refusal. */
static void read_as(struct trib_bytes text, struct trib_buffer *result)
{
	struct trib_arena arena;
	struct trib_error error;
	const struct trib_json *root;

	trib_arena_init(&arena, 1 << 20);
	trib_buffer_reset(result);
	if (trib_yaml_parse(text, 4, &arena, &root, &error) == TRIB_OK)
		trib_json_add(result, root, &arena);
	else
		trib_buffer_add_format(result, "%s: %s", error.at, error.text);
	trib_arena_fini(&arena);
}

static void test_values(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "a: 1\nb: [x, 'y', \"z\\n\"]\n", "{\"a\":1,\"b\":[\"x\",\"y\",\"z\\n\"]}" },
		{ "[null, ~, , true, false]", "line 1 column 11: while parsing a flow node, did not find expected node content" },
		{ "[null, ~, true, false]", "[null,null,true,false]" },
		{ "a:\nb: ''\n", "{\"a\":null,\"b\":\"\"}" },
		{ "[yes, No, on, True, NULL]", "[\"yes\",\"No\",\"on\",\"True\",\"NULL\"]" },
		{ "[0, -1, 1.50, 1e9, -2.5E-3]", "[0,-1,1.50,1e9,-2.5E-3]" },
		{ "[007, +1, .5, 1., 0x1f, 1_000, 12:30, 1.2.3]",
		  "[\"007\",\"+1\",\".5\",\"1.\",\"0x1f\",\"1_000\",\"12:30\",\"1.2.3\"]" },
		{ "['1', \"true\", '~']", "[\"1\",\"true\",\"~\"]" },
		{ "a: |\n  one\n  two\nb: >\n  one\n  two\n", "{\"a\":\"one\\ntwo\\n\",\"b\":\"one two\\n\"}" },
		{ "# only a comment\nname: 达人 # here\n", "{\"name\":\"达人\"}" },
		{ "{\"as\": [\"json\", 1.5, null]}", "{\"as\":[\"json\",1.5,null]}" },
		{ "- a: 1\n  b: 2\n- c\n", "[{\"a\":1,\"b\":2},\"c\"]" },
		{ "", "line 1 column 1: found nothing, expected a document" },
		{ "# nothing\n", "line 2 column 1: found nothing, expected a document" },
		{ "a: 1\na: 2\n", "line 2 column 1: found a name a second time, expected each once" },
		{ "a: 1\n---\nb: 2\n", "line 2 column 1: found a second document, expected one" },
		{ "a: &x 1\n", "line 1 column 4: found an anchor, expected none" },
		{ "a: *x\n", "line 1 column 4: found an alias, expected the value itself" },
		{ "a: !!str 1\n", "line 1 column 4: found a tag, expected none" },
		{ "[[[[1]]]]", "[[[[1]]]]" },
		{ "[[[[[1]]]]]", "line 1 column 5: found deeper nesting than its limit" },
		{ "? [a]\n: b\n", "line 1 column 3: found no name, expected one before ':'" },
		{ "a: b: c\n", "line 1 column 5: mapping values are not allowed in this context" },
		{ "a: [1, 2\nb: 3\n", "line 2 column 2: while parsing a flow sequence, did not find expected ',' or ']'" },
		{ "a:\n\t- 1\n", "line 2 column 1: while scanning for the next token, found character that cannot start any token" },
		{ "a: \"\\ud800\"\n", "line 1 column 7: while parsing a quoted scalar, found invalid Unicode character escape code" },
	};
	struct trib_buffer result;

	trib_buffer_init(&result, 1 << 20);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		read_as(trib_bytes_text(rows[i].text), &result);
		if (strcmp(trib_buffer_text(&result), rows[i].expected) != 0)
			fail_msg("%s\ngives    %s\nexpected %s", rows[i].text,
				 trib_buffer_text(&result), rows[i].expected);
	}
	read_as(trib_bytes("a: \xff\xfe", 5), &result);
	assert_non_null(strstr(trib_buffer_text(&result), "line 1"));
	read_as(trib_bytes("\xff\xfe" "a\0", 4), &result); /* no UTF-16 */
	assert_non_null(strstr(trib_buffer_text(&result), "line 1"));
	trib_buffer_fini(&result);
}

static void test_lines(void **state)
{
	static const char text[] = "# first\na: 1\nb:\n  - x\n  -\n    c: 2\n";
	struct trib_arena arena;
	struct trib_error error;
	const struct trib_json *root, *b;

	trib_arena_init(&arena, 1 << 20);
	assert_ok(trib_yaml_parse(trib_bytes_text(text), 9, &arena, &root, &error), error);
	assert_int_equal(root->line, 2);
	b = trib_json_member(root, "b");
	assert_int_equal(b->line, 3);
	assert_int_equal(b->first->line, 4);
	assert_int_equal(b->first->next->first->line, 6);
	trib_arena_fini(&arena);
}

/* What outsiders can make large is bounded: names of one mapping, memory. */
static void test_limits(void **state)
{
	struct trib_buffer text, result;
	struct trib_arena arena;
	struct trib_error error;
	const struct trib_json *root;

	trib_buffer_init(&text, 1 << 20);
	trib_buffer_init(&result, 1 << 20);
	for (int i = 0; i <= TRIB_LIMIT_YAML_NAMES; i++)
		trib_buffer_add_format(&text, "n%d: 1\n", i);
	read_as(trib_buffer_bytes(&text), &result);
	assert_string_equal(trib_buffer_text(&result),
			    "line 1001 column 1: found more names in one mapping than its limit");
	trib_arena_init(&arena, 4096);
	assert_int_equal(trib_yaml_parse(trib_buffer_bytes(&text), 9, &arena, &root, &error),
			 TRIB_TOO_LARGE);
	trib_arena_fini(&arena);
	trib_buffer_fini(&text);
	trib_buffer_fini(&result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
