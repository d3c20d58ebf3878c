/* JSON Schema: a table of schemas, values and what becomes of them, keyword by keyword; what no schema may say; limits. */
#include "test.h"

#include "base/limits.h"
#include "play/play.h"

struct fixture {
	struct trib_arena arena;

};

/* Written with ' for ". The arena keeps the text. */
static const struct trib_json *json_of(struct fixture *f, const char *text)
{
	const struct trib_json *json;
	struct trib_error error;
	char *copy = trib_arena_copy(&f->arena, trib_bytes_text(text));

	assert_non_null(copy);
	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	if (trib_json_parse(trib_bytes_text(copy), TRIB_LIMIT_JSON_DEPTH, &f->arena, &json, &error) != TRIB_OK)
		fail_msg("%s: %s: %s", text, error.at, error.text);
	return json;
}

struct row {
	const char *schema, *value, *expected; /* NULL: it fits; else "at: text", or "" for any refusal */
};

static void check_rows(const struct row *rows, size_t count)
{
	struct fixture f;
	struct trib_error error;
	char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

	for (size_t i = 0; i < count; i++) {
		struct trib_schema *schema;
		uint32_t line = 0;

		trib_arena_init(&f.arena, 16 << 20);
		if (trib_schema_new(json_of(&f, rows[i].schema), &schema, &line, &error) != TRIB_OK)
			fail_msg("%s: %s: %s", rows[i].schema, error.at, error.text);
		trib_status status = trib_schema_check(schema, json_of(&f, rows[i].value), &f.arena, &line, &error);

		snprintf(found, sizeof(found), "%s: %s", error.at, error.text);
		if ((status == TRIB_OK) != !rows[i].expected)
			fail_msg("%s of %s: %s", rows[i].value, rows[i].schema, status == TRIB_OK ? "fits" : found);
		if (rows[i].expected && rows[i].expected[0] && strcmp(found, rows[i].expected) != 0)
			fail_msg("%s of %s:\ngives    %s\nexpected %s", rows[i].value, rows[i].schema, found,
				 rows[i].expected);
		trib_schema_free(schema);
		trib_arena_fini(&f.arena);
	}
}

static void test_single_values(void **state)
{
	static const struct row rows[] = {
		{ "true", "1", NULL },
		{ "false", "1", ": found 1, expected nothing here" },
		{ "{}", "{'a': [1]}", NULL },
		{ "{'type': 'integer'}", "1.0", NULL },
		{ "{'type': 'integer'}", "1.5", ": found 1.5, expected an integer" },
		{ "{'type': 'integer'}", "12345678901234567890123", "" },
		{ "{'type': 'number'}", "12345678901234567890123", NULL },
		{ "{'type': 'number'}", "'1'", ": found \"1\", expected a number" },
		{ "{'type': 'boolean'}", "false", NULL },
		{ "{'type': 'null'}", "false", "" },
		{ "{'type': ['string', 'null']}", "null", NULL },
		{ "{'type': ['string', 'null']}", "{}", ": found an object, expected another type" },
		{ "{'enum': ['a', 1, null, [1], {'x': 1, 'y': 2}]}", "{'y': 2.0, 'x': 1}", NULL },
		{ "{'enum': ['a', 1]}", "[1]", ": found an array, expected one of \"a\", 1" },
		{ "{'enum': [0]}", "false", "" },
		{ "{'const': 1}", "1.0", NULL },
		{ "{'const': {'a': false}}", "{'a': 0}", "" },
		{ "{'const': 9007199254740993}", "9007199254740992", "" },
		{ "{'multipleOf': 0.0001}", "0.0075", NULL },
		{ "{'multipleOf': 0.0001}", "0.00751", "" },
		{ "{'multipleOf': 7}", "-21", NULL },
		{ "{'multipleOf': 0.5}", "1e308", NULL },
		{ "{'maximum': 3.0}", "3", NULL },
		{ "{'maximum': 3}", "3.01", ": found 3.01, expected at most 3" },
		{ "{'exclusiveMaximum': 3}", "3.0", ": found 3.0, expected less than 3" },
		{ "{'minimum': -2}", "-3", ": found -3, expected at least -2" },
		{ "{'exclusiveMinimum': 1.1}", "1.1", "" },
		{ "{'minimum': 9223372036854775807}", "9223372036854775806", "" },
		{ "{'maxLength': 2}", "'达人'", NULL },
		{ "{'maxLength': 2}", "'达人x'", ": found \"达人x\", expected at most 2 characters" },
		{ "{'minLength': 1}", "''", "" },
		{ "{'minLength': 9}", "7", NULL },
		{ "{'pattern': '^a*$'}", "'aaa'", NULL },
		{ "{'pattern': '^a*$'}", "'ab'", ": found \"ab\", expected what matches ^a*$" },
		{ "{'pattern': 'b'}", "'abc'", NULL },
		{ "{'format': 'date'}", "'not a date'", NULL },
		{ "{'x-widget': 'money', 'title': 't', 'default': 3}", "null", NULL },
	};

	check_rows(rows, TRIB_ARRAY_SIZE(rows));
}

static void test_lists(void **state)
{
	static const struct row rows[] = {
		{ "{'items': {'type': 'integer'}}", "[1, 2]", NULL },
		{ "{'items': {'type': 'integer'}}", "[1, 'x']", "[1]: found \"x\", expected an integer" },
		{ "{'items': {'type': 'integer'}}", "{'0': 'x'}", NULL },
		{ "{'prefixItems': [{'type': 'integer'}, {'type': 'string'}]}", "[1, 'x', null]", NULL },
		{ "{'prefixItems': [{'type': 'integer'}, {'type': 'string'}]}", "[1, 2]", "" },
		{ "{'prefixItems': [true], 'items': false}", "[1, 2]", "[1]: found 2, expected nothing here" },
		{ "{'maxItems': 1}", "[1, 2]", ": found an array, expected at most 1 items" },
		{ "{'minItems': 1.0}", "[]", "" },
		{ "{'uniqueItems': true}", "[1, true, '1', [1], {'a': 1}]", NULL },
		{ "{'uniqueItems': true}", "[{'a': 1, 'b': 2}, {'b': 2, 'a': 1.0}]", "" },
		{ "{'uniqueItems': false}", "[1, 1]", NULL },
		{ "{'contains': {'minimum': 5}}", "[3, 4, 5]", NULL },
		{ "{'contains': {'minimum': 5}}", "[3, 4]", "" },
		{ "{'contains': {'minimum': 5}, 'minContains': 0}", "[]", NULL },
		{ "{'contains': {'minimum': 5}, 'minContains': 2}", "[5, 4]", "" },
		{ "{'contains': {'minimum': 5}, 'maxContains': 1}", "[5, 6]", "" },
	};

	check_rows(rows, TRIB_ARRAY_SIZE(rows));
}

static void test_objects(void **state)
{
	static const struct row rows[] = {
		{ "{'properties': {'a': {'properties': {'b': {'type': 'string'}}}}}", "{'a': {'b': 7}}",
		  "a.b: found 7, expected a string" },
		{ "{'required': ['a', 'b']}", "{'a': 1}", "b: found nothing, expected a value: it is required" },
		{ "{'required': ['a']}", "[]", NULL },
		{ "{'properties': {'a': true}, 'additionalProperties': false}", "{'b': 1}",
		  "b: found a field that is not known here, expected only those of its schema" },
		{ "{'properties': {'a': true}, 'patternProperties': {'^x': true}, 'additionalProperties': {'type': 'integer'}}",
		  "{'a': null, 'x1': null, 'z': 1}", NULL },
		{ "{'patternProperties': {'o$': {'type': 'integer'}, '^f': {'minimum': 3}}}", "{'foo': 2}",
		  "foo: found 2, expected at least 3" },
		{ "{'propertyNames': {'maxLength': 2}}", "{'abc': 1}", "abc: found \"abc\", expected at most 2 characters" },
		{ "{'minProperties': 1}", "{}", "" },
		{ "{'maxProperties': 1}", "{'a': 1, 'b': 2}", ": found an object, expected at most 1 fields" },
		{ "{'dependentRequired': {'a': ['b']}}", "{'a': 1}", "" },
		{ "{'dependentRequired': {'a': ['b']}}", "{'c': 1}", NULL },
		{ "{'dependentSchemas': {'a': {'required': ['b']}}}", "{'a': 1}", "" },
		{ "{'dependentSchemas': {'x': true, 'a': {'required': ['b']}}}", "{'a': 1, 'b': 1}", NULL },
		{ "{'properties': {'a': {'type': 'array', 'items': {'minimum': 1}}}}", "{'a': [2, 1, 0]}",
		  "a[2]: found 0, expected at least 1" },
	};

	check_rows(rows, TRIB_ARRAY_SIZE(rows));
}

static void test_combinations(void **state)
{
	static const struct row rows[] = {
		{ "{'allOf': [{'minimum': 1}, {'maximum': 3}]}", "4", ": found 4, expected at most 3" },
		{ "{'anyOf': [{'type': 'string'}, {'minimum': 3}]}", "2", ": found 2, expected what fits one of anyOf" },
		{ "{'anyOf': [{'type': 'string'}, {'minimum': 3}]}", "3", NULL },
		{ "{'oneOf': [{'type': 'integer'}, {'minimum': 2}]}", "3",
		  ": found 3, expected what fits exactly one of oneOf, and not several" },
		{ "{'oneOf': [{'type': 'integer'}, {'minimum': 2}]}", "2.5", NULL },
		{ "{'oneOf': [{'type': 'integer'}, {'minimum': 2}]}", "1.5", "" },
		{ "{'not': {'type': 'integer'}}", "1", "" },
		{ "{'not': {'not': {'type': 'integer'}}}", "1", NULL },
		{ "{'if': {'minimum': 10}, 'then': {'multipleOf': 10}, 'else': {'multipleOf': 2}}", "15", "" },
		{ "{'if': {'minimum': 10}, 'then': {'multipleOf': 10}, 'else': {'multipleOf': 2}}", "4", NULL },
		{ "{'then': {'const': 0}}", "1", NULL },
		{ "{'$ref': '#/$defs/bps', '$defs': {'bps': {'maximum': 10000}}}", "10001", "" },
		{ "{'$ref': '#rate', 'minimum': 5, '$defs': {'a': {'$anchor': 'rate', 'maximum': 9}}}", "4", "" },
		{ "{'properties': {'a~b': {'type': 'null'}, 'c/d%': {'$ref': '#/properties/a~0b'}, 'e': {'$ref': "
		  "'#/properties/c~1d%25'}}}",
		  "{'e': 1}", "e: found 1, expected a null" },
		{ "{'properties': {'children': {'items': {'$ref': '#'}}}, 'required': ['id']}",
		  "{'id': 1, 'children': [{'id': 2, 'children': [{}]}]}",
		  "children[0].children[0].id: found nothing, expected a value: it is required" },
		{ "{'prefixItems': [{'type': 'integer'}, {'$ref': '#/prefixItems/0'}]}", "[1, 'x']", "" },
	};

	check_rows(rows, TRIB_ARRAY_SIZE(rows));
}

static void test_unevaluated(void **state)
{
	static const struct row rows[] = {
		{ "{'allOf': [{'properties': {'a': true}}], 'properties': {'b': true}, 'unevaluatedProperties': false}",
		  "{'a': 1, 'b': 2}", NULL },
		{ "{'allOf': [{'properties': {'a': true}}], 'unevaluatedProperties': false}", "{'c': 1}",
		  "c: found a field that is not known here, expected only those of its schema" },
		{ "{'anyOf': [{'properties': {'a': {'const': 1}}, 'required': ['a']}, {'properties': {'b': true}, 'required': "
		  "['b']}], 'unevaluatedProperties': false}",
		  "{'a': 1, 'b': 1}", NULL },
		{ "{'anyOf': [{'properties': {'a': {'const': 1}}, 'required': ['a']}, {'properties': {'b': true}, 'required': "
		  "['b']}], 'unevaluatedProperties': false}",
		  "{'a': 2, 'b': 1}", "" },
		{ "{'if': {'properties': {'a': {'const': 1}}, 'required': ['a']}, 'then': {'properties': {'b': true}}, "
		  "'unevaluatedProperties': false}",
		  "{'a': 1, 'b': 2}", NULL },
		{ "{'not': {'not': {'properties': {'a': true}}}, 'unevaluatedProperties': false}", "{'a': 1}", "" },
		{ "{'allOf': [{'unevaluatedProperties': true}], 'unevaluatedProperties': false}", "{'a': 1}", NULL },
		{ "{'allOf': [{'properties': {'a': true}}, {'unevaluatedProperties': false}]}", "{'a': 1}", "" },
		{ "{'additionalProperties': {'type': 'integer'}, 'unevaluatedProperties': false}", "{'a': 1}", NULL },
		{ "{'dependentSchemas': {'a': {'properties': {'a': true, 'b': true}}}, 'unevaluatedProperties': false}",
		  "{'a': 1, 'b': 2}", NULL },
		{ "{'properties': {'x': {'unevaluatedProperties': {'type': 'string'}}}}", "{'x': {'y': 1}}",
		  "x.y: found 1, expected a string" },
		{ "{'prefixItems': [true], 'unevaluatedItems': false}", "[1, 2]", "" },
		{ "{'prefixItems': [true], 'allOf': [{'prefixItems': [true, {'type': 'integer'}]}], 'unevaluatedItems': false}",
		  "[1, 2]", NULL },
		{ "{'contains': {'type': 'string'}, 'unevaluatedItems': {'type': 'integer'}}", "['x', 1]", NULL },
		{ "{'contains': {'type': 'string'}, 'unevaluatedItems': {'type': 'integer'}}", "['x', null]", "" },
		{ "{'$ref': '#/$defs/base', 'properties': {'b': true}, 'unevaluatedProperties': false, '$defs': {'base': "
		  "{'properties': {'a': true}}}}",
		  "{'a': 1, 'b': 2, 'c': 3}", "" },
	};

	check_rows(rows, TRIB_ARRAY_SIZE(rows));
}

static void test_refused(void **state)
{
	static const struct {
		const char *schema, *expected;
	} rows[] = {
		{ "7", "expected a schema: an object, true or false" },
		{ "{'propertys': {}}", "propertys: found no keyword of JSON Schema known here" },
		{ "{'properties': {'a': {'minimun': 1}}}", "properties.a.minimun: found no keyword" },
		{ "{'properties': {'a': 1}}", "properties.a: expected a schema" },
		{ "{'type': 'text'}", "type: expected null, boolean" },
		{ "{'type': []}", "type: expected null, boolean" },
		{ "{'allOf': []}", "allOf: found an empty list" },
		{ "{'allOf': [true, 1]}", "allOf[1]: expected a schema" },
		{ "{'minLength': -1}", "minLength: expected a whole number from 0 on" },
		{ "{'minLength': 1.5}", "minLength: expected a whole number" },
		{ "{'maximum': '3'}", "maximum: expected a number" },
		{ "{'multipleOf': 0}", "multipleOf: expected a number above 0" },
		{ "{'multipleOf': 1e-999}", "multipleOf: expected a number above 0" },
		{ "{'pattern': '(?=a)'}", "pattern: found a pattern that RE2 refuses" },
		{ "{'patternProperties': {'[': true}}", "patternProperties.[: found a pattern" },
		{ "{'required': 'a'}", "required: expected a list of names" },
		{ "{'dependentRequired': {'a': 'b'}}", "dependentRequired: expected an object of lists" },
		{ "{'uniqueItems': 'yes'}", "uniqueItems: expected true or false" },
		{ "{'enum': 1}", "enum: expected a list" },
		{ "{'$ref': 'other.json'}", "$ref: expected a place in this document" },
		{ "{'$ref': '#/$defs/none'}", "$ref: found no schema at that place" },
		{ "{'$ref': '#/properties', 'properties': {}}", "$ref: found no schema at that place" },
		{ "{'$ref': '#none'}", "$ref: found no schema" },
		{ "{'$ref': '#'}", "$ref: found a circle" },
		{ "{'allOf': [{'$ref': '#/$defs/a'}], '$defs': {'a': {'anyOf': [true, {'$ref': '#'}]}}}", "$ref: found a circle" },
		{ "{'$defs': {'a': {'not': {'$ref': '#/$defs/a'}}}}", "$ref: found a circle" },
		{ "{'$schema': 'http://json-schema.org/draft-07/schema#'}", "$schema: found another dialect" },
		{ "{'$dynamicRef': '#a'}", "$dynamicRef: found no keyword" },
		{ "{'properties': {'a': {'$id': 'x'}}}", "properties.a.$id: found $id below the root" },
	};
	struct fixture f;
	struct trib_error error;
	char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_schema *schema;
		uint32_t line = 0;

		trib_arena_init(&f.arena, 1 << 20);
		if (trib_schema_new(json_of(&f, rows[i].schema), &schema, &line, &error) == TRIB_OK)
			fail_msg("%s is taken", rows[i].schema);
		snprintf(found, sizeof(found), "%s%s%s", error.at, error.at[0] ? ": " : "", error.text);
		if (strncmp(found, rows[i].expected, strlen(rows[i].expected)) != 0 || line != 1)
			fail_msg("%s:\ngives    %u: %s\nexpected %s", rows[i].schema, line, found, rows[i].expected);
		trib_arena_fini(&f.arena);
	}
}

/* Parts of several schemas: all must agree, and somebody must know each field. */
static void test_part(void **state)
{
	static const struct {
		const char *value, *expected;
	} rows[] = {
		{ "{'fee': 1, 'label': 'x'}", NULL },
		{ "{'fee': 11}", "plan.fee: found 11, expected at most 10" },
		{ "{'fee': -1}", "plan.fee: found -1, expected at least 0" },
		{ "{'fee': 1, 'lable': 'x'}", "plan.lable: found a field that is not known here, expected only those of its schema" },
		{ "[]", "plan: found an array, expected an object" },
	};
	struct fixture f;
	struct trib_error error;
	struct trib_schema *parts[3];
	uint32_t line;
	char found[TRIB_ERROR_AT_MAX + TRIB_ERROR_TEXT_MAX + 4];

	trib_arena_init(&f.arena, 16 << 20);
	assert_ok(trib_schema_new(json_of(&f, "{'properties': {'plan': {'properties': {'fee': {'minimum': 0}}}}}"),
				  &parts[0], &line, &error), error);
	assert_ok(trib_schema_new(json_of(&f, "{'properties': {'goods': false}}"), &parts[1], &line, &error), error);
	assert_ok(trib_schema_new(json_of(&f, "{'properties': {'plan': {'properties': {'fee': {'maximum': 10}, "
					      "'label': {'type': 'string'}}}}}"),
				  &parts[2], &line, &error), error);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		trib_status status = trib_schema_check_part((const struct trib_schema *const *)parts, 3,
							    trib_bytes_text("plan"), json_of(&f, rows[i].value),
							    &f.arena, NULL, &error);

		snprintf(found, sizeof(found), "%s: %s", error.at, error.text);
		assert_int_equal(status == TRIB_OK, !rows[i].expected);
		if (rows[i].expected)
			assert_string_equal(found, rows[i].expected);
	}
	for (int i = 0; i < 3; i++)
		trib_schema_free(parts[i]);
	trib_arena_fini(&f.arena);
}

/* A schema whose work doubles with each step, and lists that are compared item by item, end at the limit. */
static void test_limits(void **state)
{
	struct fixture f;
	struct trib_error error;
	struct trib_schema *schema;
	struct trib_buffer text;
	uint32_t line;

	trib_arena_init(&f.arena, 256 << 20);
	trib_buffer_init(&text, 1 << 20);
	trib_buffer_add_text(&text, "{'$ref': '#/$defs/d0', '$defs': {");
	for (int i = 0; i < 40; i++)
		trib_buffer_add_format(&text, "'d%d': {'allOf': [{'$ref': '#/$defs/d%d'}, {'$ref': '#/$defs/d%d'}]}, ", i,
				       i + 1, i + 1);
	trib_buffer_add_text(&text, "'d40': true}}");
	assert_ok(trib_schema_new(json_of(&f, trib_buffer_text(&text)), &schema, &line, &error), error);
	assert_int_equal(trib_schema_check(schema, json_of(&f, "1"), &f.arena, &line, &error), TRIB_LIMIT);
	trib_schema_free(schema);

	trib_buffer_reset(&text);
	for (int i = 0; i < 3000; i++)
		trib_buffer_add_format(&text, "%c%d", i ? ',' : '[', i);
	trib_buffer_add_char(&text, ']');
	assert_ok(trib_schema_new(json_of(&f, "{'uniqueItems': true}"), &schema, &line, &error), error);
	assert_int_equal(trib_schema_check(schema, json_of(&f, trib_buffer_text(&text)), &f.arena, &line, &error),
			 TRIB_LIMIT);
	trib_schema_free(schema);

	trib_buffer_reset(&text);
	trib_buffer_add_text(&text, "{'$ref': '#/$defs/d0', '$defs': {");
	for (int i = 0; i < 200; i++)
		trib_buffer_add_format(&text, "'d%d': {'$ref': '#/$defs/d%d'}, ", i, i + 1);
	trib_buffer_add_text(&text, "'d200': true}}");
	assert_int_equal(trib_schema_new(json_of(&f, trib_buffer_text(&text)), &schema, &line, &error), TRIB_INVALID);
	assert_non_null(strstr(error.text, "longer chain"));
	trib_buffer_fini(&text);
	trib_arena_fini(&f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single_values), cmocka_unit_test(test_lists),
		cmocka_unit_test(test_objects),	      cmocka_unit_test(test_combinations),
		cmocka_unit_test(test_unevaluated),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_part),	      cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
