#include "test.h"

static void numbers(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 },
		{ "-1", true, -1 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "1 ", false, 0 },
		{ "+1", false, 0 },
		{ "1e3", false, 0 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		int64_t value = 0;
		char text[24];

		assert_int_equal(trib_bytes_to_i64(trib_bytes_text(rows[i].text), &value),
				 rows[i].ok);
		if (!rows[i].ok)
			continue;
		assert_true(value == rows[i].value);
		text[trib_format_i64(text, value)] = '\0';
		assert_string_equal(text, rows[i].text);
	}
}

static void external_ids(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "c1", true },	    { "达人-1", true },	       { "", false },
		{ "a b", false },   { "a/b", false },	       { "a\nb", false },
		{ "\xff", false },  { "\xed\xa0\x80", false }, { "\xc0\x80", false },
		{ "a\x7f", false },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		assert_int_equal(trib_external_id_valid(trib_bytes_text(rows[i].text)), rows[i].ok);
	char longest[65];

	memset(longest, 'x', sizeof(longest));
	assert_true(trib_external_id_valid(trib_bytes(longest, 64)));
	assert_false(trib_external_id_valid(trib_bytes(longest, 65)));
}

static void buffer_stops_at_its_maximum(void **state)
{
	struct trib_buffer buffer;

	trib_buffer_init(&buffer, 10);
	trib_buffer_add_text(&buffer, "12345");
	trib_buffer_add_text(&buffer, "678901");
	assert_true(buffer.failed);
	trib_buffer_add_text(&buffer, "6");
	assert_int_equal(buffer.size, 5);
	trib_buffer_reset(&buffer);
	trib_buffer_add_i64(&buffer, -42);
	assert_string_equal(trib_buffer_text(&buffer), "-42");
	trib_buffer_fini(&buffer);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = { { "30d", INT64_C(2592000000) },
		     { "12h", 43200000 },
		     { "90s", 90000 },
		     { "5m", 300000 },
		     { "250ms", 250 },
		     { "0s", 0 } };
	char text[24];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		int64_t ms = -1;

		assert_int_equal(trib_duration_parse(trib_bytes_text(rows[i].text), "", &ms, NULL),
				 TRIB_OK);
		assert_true(ms == rows[i].ms);
		assert_string_equal(trib_duration_format(ms, text), rows[i].text);
	}
	static const char *const bad[] = {
		"", "30", "d", "-1d", "1w", "1 d", "99999999999999999999d"
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(bad); i++) {
		int64_t ms;
		struct trib_error error;

		assert_int_equal(
			trib_duration_parse(trib_bytes_text(bad[i]), "window", &ms, &error),
			TRIB_INVALID);
		assert_string_equal(error.at, "window");
	}
}

static void decimals(void **state)
{
	static const struct {
		const char *text;
		unsigned places;
		bool ok;
		int64_t units;
	} rows[] = {
		/* clang-format off */
		{ "5.5", 2, true, 550 },      { "5", 2, true, 500 },        { "+5.", 2, true, 500 },
		{ ".5", 2, true, 50 },        { "-2.5", 0, true, -2 },      { "-3.5", 0, true, -4 },
		{ "0.244", 2, true, 24 },     { "0.245", 2, true, 24 },     { "0.2450001", 2, true, 25 },
		{ "0.255", 2, true, 26 },     { "2.675", 2, true, 268 },    { "0.005", 2, true, 0 },
		{ "0.0050000000000001", 2, true, 1 },                       { "0.015", 2, true, 2 },
		{ "0.004999", 2, true, 0 },   { "0.0009", 2, true, 0 },     { "9.995", 2, true, 1000 },
		{ "-2.5e3", 2, true, -250000 },                             { "1e-3", 2, true, 0 },
		{ "5e-3", 2, true, 0 },       { "15E-3", 2, true, 2 },      { "1234.5e-2", 2, true, 1234 },
		{ "0e99999999999999999999", 2, true, 0 },                   { "7e-99999999999999999999", 2, true, 0 },
		{ "92233720368547758.07", 2, true, INT64_MAX },             { "92233720368547758.08", 2, false, 0 },
		{ "92233720368547758.074", 2, true, INT64_MAX },            { "92233720368547758.075", 2, false, 0 },
		{ "184467440737095516.155", 2, false, 0 },                  { "1e30", 2, false, 0 },
		{ "000000000000000000000000012.50", 1, true, 125 },
		{ "", 2, false, 0 },          { ".", 2, false, 0 },         { "-", 2, false, 0 },
		{ "e5", 2, false, 0 },        { "1e", 2, false, 0 },        { "1e+", 2, false, 0 },
		{ "1,5", 2, false, 0 },       { "1.5.5", 2, false, 0 },     { " 1", 2, false, 0 },
		{ "1 ", 2, false, 0 },        { "nan", 2, false, 0 },       { "0x10", 2, false, 0 },
		/* clang-format on */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		int64_t units = 0;

		if (trib_bytes_to_decimal(trib_bytes_text(rows[i].text), rows[i].places, &units) !=
			    rows[i].ok ||
		    units != rows[i].units)
			fail_msg("\"%s\": found %lld", rows[i].text, (long long)units);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(external_ids),
		cmocka_unit_test(buffer_stops_at_its_maximum),
		cmocka_unit_test(durations),
		cmocka_unit_test(decimals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
