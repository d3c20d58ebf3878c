#include "test.h"

static void error_names_its_place(void **state)
{
	struct trib_error error;

	assert_int_equal(trib_fail(&error, TRIB_INVALID, "bps", "found %d, expected %s", -1, "0 to 10000"),
			 TRIB_INVALID);
	trib_error_within(&error, "shares[2]");
	assert_string_equal(error.at, "shares[2].bps");
	assert_string_equal(error.text, "found -1, expected 0 to 10000");
	assert_int_equal(trib_fail(NULL, TRIB_IO, "x", "y"), TRIB_IO);
}

static void numbers_never_change(void **state)
{
	assert_int_equal(TRIB_CONFLICT, 3);
	assert_string_equal(trib_status_word(TRIB_READ_ONLY), "readonly");
	assert_int_equal(trib_status_http(TRIB_TOO_OLD), 422);
	assert_true(trib_status_retriable(TRIB_UNKNOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_names_its_place),
		cmocka_unit_test(numbers_never_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
