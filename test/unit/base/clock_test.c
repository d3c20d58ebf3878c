#include "test.h"

static void times(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t ms;
	} rows[] = {
		{ "0", true, 0 },
		{ "-5", true, -5 },
		{ "1795339800250", true, 1795339800250 },
		{ "2026-11-22T09:30:00.250Z", true, 1795339800250 },
		{ "2026-11-22T09:30:00.25Z", true, 1795339800250 },
		{ "2026-11-22T09:30:00.2509999Z", true, 1795339800250 },
		{ "2026-11-22T17:30:00.25+08:00", true, 1795339800250 },
		{ "2026-11-22 04:00:00.25-05:30", true, 1795339800250 },
		{ "2026-11-22t09:30:00z", true, 1795339800000 },
		{ "1970-01-01T00:00:00Z", true, 0 },
		{ "1969-12-31T23:59:59.999Z", true, -1 },
		{ "2024-02-29T00:00:00Z", true, 1709164800000 },
		{ "0000-01-01T00:00:00Z", true, -62167219200000 },
		{ "9999-12-31T23:59:59.999Z", true, 253402300799999 },
		{ "2023-02-29T00:00:00Z", false, 0 },
		{ "2026-04-31T00:00:00Z", false, 0 },
		{ "2026-13-01T00:00:00Z", false, 0 },
		{ "2026-00-01T00:00:00Z", false, 0 },
		{ "2026-11-00T00:00:00Z", false, 0 },
		{ "2026-11-22T24:00:00Z", false, 0 },
		{ "2026-11-22T09:60:00Z", false, 0 },
		{ "2026-11-22T09:30:60Z", false, 0 },
		{ "2026-11-22T09:30:00", false, 0 },
		{ "2026-11-22T09:30:00.Z", false, 0 },
		{ "2026-11-22T09:30:00+8", false, 0 },
		{ "2026-11-22T09:30:00+24:00", false, 0 },
		{ "2026-11-22T09:30:00ZZ", false, 0 },
		{ "2026-11-22", false, 0 },
		{ "22026-11-22T09:30:00Z", false, 0 },
		{ "2026/11/22T09:30:00Z", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "1.5", false, 0 },
		{ "", false, 0 },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_error error;
		int64_t ms = 0;
		trib_status status =
			trib_time_parse(trib_bytes_text(rows[i].text), "at", &ms, &error);

		if ((status == TRIB_OK) != rows[i].ok || ms != rows[i].ms)
			fail_msg("\"%s\": %lld", rows[i].text, (long long)ms);
	}
}

static void written_times_are_read_back(void **state)
{
	struct trib_rng rng;
	char text[40];

	trib_rng_seed(&rng, trib_test_seed());
	for (int i = 0; i < 100000; i++) {
		int64_t ms = trib_rng_between(&rng, -62167219200000, 253402300799999), back;

		assert_int_equal(trib_time_parse(trib_bytes_text(trib_time_format(ms, text)), "",
						 &back, NULL),
				 TRIB_OK);
		assert_true(back == ms);
	}
}

static void times_of_logs(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t us;
	} rows[] = {
		/* clang-format off */
		{ "2018-07-22T20:40:41Z", true, 1532292041000000 },
		{ "2018-07-23T04:40:41+08:00", true, 1532292041000000 },
		{ "2018-07-22 20:40:41", true, 1532292041000000 },
		{ "2018-07-22 20:40:41 UTC", true, 1532292041000000 },
		{ "2018-07-22T20:40:41.1234567", true, 1532292041123456 },
		{ "2018-07-22 20:40", true, 1532292000000000 },
		{ "2018-07-22", true, 1532217600000000 },
		{ "1532292041", true, 1532292041000000 },
		{ "1532292041.25", true, 1532292041250000 },
		{ "1532292041123", true, 1532292041123000 },
		{ "1532292041123.5", true, 1532292041123500 },
		{ "7", true, 7000000 },
		{ "99999999999", true, 99999999999000000 },
		{ "100000000000", true, 100000000000000 },
		{ "-1", true, -1000000 },
		{ "1969-12-31T23:59:59.5Z", true, -500000 },
		{ "2018-02-29", false, 0 },
		{ "2018-07-22 20", false, 0 },
		{ "2018-07-22 20:40:41 CET", false, 0 },
		{ "2018-07-22 20:40Z", true, 1532292000000000 },
		{ "2018-07-23 04:40:41 +0800", true, 1532292041000000 },
		{ "2018-07-22 15:40:41.5-0500", true, 1532292041500000 },
		{ "2018-07-22 20:40 ", false, 0 },
		{ "2018-07-22T20:40:41+08", false, 0 },
		{ "22.07.2018", false, 0 },
		{ "UTC", false, 0 },
		{ " UTC", false, 0 },
		{ "", false, 0 },
		{ "1e40", false, 0 },
		/* clang-format on */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		int64_t us = 0;
		bool ok = trib_time_parse_log(trib_bytes_text(rows[i].text), &us);

		if (ok != rows[i].ok || (ok && us != rows[i].us))
			fail_msg("\"%s\": found %lld", rows[i].text, (long long)us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times),
		cmocka_unit_test(written_times_are_read_back),
		cmocka_unit_test(times_of_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
