/* Where deliveries may go: a row a URL, the expected status last. */
#include "test.h"
#include "engine/targets.h"

#define LIST "https://hooks.example.com/in/,http://127.0.0.1:9000,http://[::1]:81/a,https://whole.example.com/"

static const struct {
	const char *url;
	trib_status status;
} rows[] = {
	{ "https://hooks.example.com/in/", TRIB_OK },
	{ "https://hooks.example.com/in/x?y=1", TRIB_OK },
	{ "HTTPS://Hooks.Example.Com:443/in/x", TRIB_OK },
	{ "http://127.0.0.1:9000", TRIB_OK },
	{ "http://127.0.0.1:9000/anything", TRIB_OK },
	{ "http://127.0.0.1:9000?q", TRIB_OK },
	{ "http://[::1]:81/a", TRIB_OK },
	{ "http://[::1]:81/a/b", TRIB_OK },
	{ "http://[::1]:81/a?b", TRIB_OK },
	{ "https://whole.example.com", TRIB_OK },
	{ "https://whole.example.com/a..b/.c/...", TRIB_OK },
	/* another host, port, scheme or path */
	{ "https://hooks.example.com/", TRIB_FORBIDDEN },
	{ "https://hooks.example.com/inside", TRIB_FORBIDDEN },
	{ "https://hooks.example.com/IN/x", TRIB_FORBIDDEN },
	{ "http://hooks.example.com/in/x", TRIB_FORBIDDEN },
	{ "https://hooks.example.com:444/in/x", TRIB_FORBIDDEN },
	{ "https://hooks.example.com.evil.org/in/x", TRIB_FORBIDDEN },
	{ "https://hooks.example.co/in/x", TRIB_FORBIDDEN },
	{ "http://127.0.0.1/", TRIB_FORBIDDEN },
	{ "http://127.0.0.1:90001/", TRIB_INVALID },
	{ "http://127.0.0.2:9000/", TRIB_FORBIDDEN },
	{ "http://[::1]:81/ab", TRIB_FORBIDDEN },
	{ "http://169.254.169.254/", TRIB_FORBIDDEN },
	/* what is read differently by others */
	{ "https://hooks.example.com/in/../out", TRIB_INVALID },
	{ "https://hooks.example.com/in/%2e%2E/out", TRIB_INVALID },
	{ "https://hooks.example.com/in/.%2e/out", TRIB_INVALID },
	{ "https://hooks.example.com/in/%2e%2e%2fout", TRIB_INVALID },
	{ "https://hooks.example.com/in/..", TRIB_INVALID },
	{ "https://hooks.example.com/in/./x", TRIB_INVALID },
	{ "https://hooks.example.com\\@evil.org/in/", TRIB_INVALID },
	{ "https://hooks.example.com@evil.org/in/", TRIB_INVALID },
	{ "https://evil.org#hooks.example.com/in/", TRIB_INVALID },
	{ "https://a:b@hooks.example.com/in/", TRIB_INVALID },
	{ "https://hooks.example.com%2eevil.org/in/", TRIB_INVALID },
	{ "https:///in/", TRIB_INVALID },
	{ "https://", TRIB_INVALID },
	{ "ftp://hooks.example.com/in/", TRIB_INVALID },
	{ "file:///etc/passwd", TRIB_INVALID },
	{ "hooks.example.com/in/", TRIB_INVALID },
	{ " https://hooks.example.com/in/", TRIB_INVALID },
	{ "https://hooks.example.com/in/\r\nHost: x", TRIB_INVALID },
	{ "http://127.0.0.1:/", TRIB_INVALID },
	{ "http://127.0.0.1:0/", TRIB_INVALID },
	{ "", TRIB_INVALID },
};

static void urls(void **state)
{
	struct trib_targets *targets, *none;
	struct trib_error error;

	assert_ok(trib_targets_new(LIST, &targets, &error), error);
	assert_ok(trib_targets_new("", &none, &error), error);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		trib_status found = trib_targets_allow(targets, trib_bytes_text(rows[i].url), &error);

		if (found != rows[i].status)
			fail_msg("%s: found %s, expected %s", rows[i].url, trib_status_word(found),
				 trib_status_word(rows[i].status));
		assert_int_not_equal(trib_targets_allow(none, trib_bytes_text(rows[i].url), &error), TRIB_OK);
	}
	trib_targets_free(none);
	trib_targets_free(targets);
}

static void lists_that_are_none(void **state)
{
	static const char *const lists[] = { "hooks.example.com", "https://*.example.com", "https://a/?b", "https://a,,https://b",
					     "https://a/../b", "https://a b" };
	struct trib_targets *targets;
	struct trib_error error;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(lists); i++) {
		assert_int_equal(trib_targets_new(lists[i], &targets, &error), TRIB_INVALID);
		assert_string_equal(error.at, "--outbox-allow");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(urls), cmocka_unit_test(lists_that_are_none) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
