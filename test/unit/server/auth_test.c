#include "test.h"

#include <unistd.h>
#include "server/auth.h"

#define TOKEN "0123456789abcdef-XYZ"

static void with_file(const char *text, char path[64])
{
	snprintf(path, 64, "/tmp/tributary-auth-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void allows_the_token_and_nothing_else(void **state)
{
	static const char *const others[] = { "", "0123456789abcdef-XY", TOKEN "Z",
					      "0123456789abcdef-XYz", TOKEN "\n" };
	struct trib_auth *auth;
	struct trib_error error;
	char path[64];

	with_file(TOKEN "\r\n", path);
	assert_ok(trib_auth_open(path, &auth, &error), error);
	assert_true(trib_auth_guards(auth));
	assert_true(trib_auth_allows(auth, trib_bytes_text(TOKEN)));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(others); i++)
		assert_false(trib_auth_allows(auth, trib_bytes_text(others[i])));
	trib_auth_free(auth);
	unlink(path);
	assert_ok(trib_auth_open("", &auth, &error), error);
	assert_false(trib_auth_guards(auth));
	assert_true(trib_auth_allows(auth, trib_bytes_text("anything")));
	trib_auth_free(auth);
}

static void refuses_weak_files(void **state)
{
	static const char *const texts[] = { "", "short", "two words of some length",
					     "0123456789abcdef\nsecond line" };
	struct trib_auth *auth = NULL;
	struct trib_error error;
	char path[64];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(texts); i++) {
		with_file(texts[i], path);
		assert_int_equal(trib_auth_open(path, &auth, &error), TRIB_INVALID);
		assert_null(auth);
		assert_string_equal(error.at, path);
		unlink(path);
	}
	assert_int_equal(trib_auth_open("/nowhere/at/all", &auth, &error), TRIB_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allows_the_token_and_nothing_else),
		cmocka_unit_test(refuses_weak_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
