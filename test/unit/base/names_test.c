#include "test.h"

#include "base/names.h"

static void numbers_are_dense_and_found_again(void **state)
{
	struct trib_hash_key key = { { 1, 2, 3 } };
	struct trib_names *names = trib_names_new(&key);
	char text[32];

	for (uint32_t i = 1; i <= 20000; i++) {
		snprintf(text, sizeof(text), "name-%u", i * 7);
		assert_int_equal(trib_names_find(names, trib_bytes_text(text)), 0);
		assert_int_equal(trib_names_add(names, trib_bytes_text(text)), i);
		assert_int_equal(trib_names_add(names, trib_bytes_text(text)), i);
	}
	for (uint32_t i = 1; i <= 20000; i++) {
		snprintf(text, sizeof(text), "name-%u", i * 7);
		assert_int_equal(trib_names_find(names, trib_bytes_text(text)), i);
		assert_true(trib_bytes_is(trib_names_text(names, i), text));
	}
	trib_names_free(names);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(numbers_are_dense_and_found_again) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
