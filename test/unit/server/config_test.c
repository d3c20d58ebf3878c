#include "test.h"

#include "server/config.h"

static void has_defaults(void **state)
{
	struct trib_config config;
	struct trib_error error;

	assert_ok(trib_config_parse(0, NULL, &config, &error), error);
	assert_string_equal(config.data, "tributary-data");
	assert_int_equal(config.resp.port, 7390);
	assert_int_equal(config.http.port, 7380);
	assert_true(config.http.on && config.http.loopback);
	assert_string_equal(config.token_file, "");
	assert_int_equal(config.sync, 0);
	assert_int_equal(config.duplicate_window, 30ll * 24 * 3600 * 1000);
	assert_int_equal(config.order_index, 1ll << 30);
	assert_int_equal(config.log_level, 1);
}

static void takes_flags(void **state)
{
	static char *args[] = { "--data",
				"/d",
				"--sync=off",
				"--http",
				"[::1]:0",
				"--resp=off",
				"--touch-retention=12h",
				"--segment",
				"64MiB" };
	struct trib_config config;
	struct trib_error error;

	assert_ok(trib_config_parse(TRIB_ARRAY_SIZE(args), args, &config, &error), error);
	assert_string_equal(config.data, "/d");
	assert_int_equal(config.sync, 2);
	assert_true(config.http.loopback);
	assert_string_equal(config.http.host, "::1");
	assert_int_equal(config.http.port, 0);
	assert_int_equal(config.http.socket.ss_family, AF_INET6);
	assert_false(config.resp.on);
	assert_int_equal(config.touch_retention, 12 * 3600 * 1000);
	assert_int_equal(config.segment, 64 << 20);
}

static void refuses(void **state)
{
	static const struct {
		char *args[2];
		int count;
		const char *at, *text;
	} rows[] = {
		{ { "--colour", "red" },
		  2,
		  "--colour",
		  "found an unknown option, expected one that --help lists" },
		{ { "serve" },
		  1,
		  "serve",
		  "found an unknown option, expected one that --help lists" },
		{ { "--sync" }, 1, "--sync", "found no value, expected batch|interval|off" },
		{ { "--sync", "always" },
		  2,
		  "--sync",
		  "found \"always\", expected batch|interval|off" },
		{ { "--http", "7380" },
		  2,
		  "--http",
		  "found \"7380\", expected host:port with a numeric address or localhost, or "
		  "off" },
		{ { "--http", "127.0.0.1:65536" },
		  2,
		  "--http",
		  "found \"127.0.0.1:65536\", expected host:port with a numeric address or "
		  "localhost, or off" },
		{ { "--http", "example.com:80" },
		  2,
		  "--http",
		  "found \"example.com:80\", expected host:port with a numeric address or "
		  "localhost, or off" },
		{ { "--segment=1GB" },
		  1,
		  "--segment",
		  "found \"1GB\", expected bytes, or a whole number of KiB, MiB, GiB or TiB" },
		{ { "--segment=99999999999TiB" },
		  1,
		  "--segment",
		  "found \"99999999999TiB\", expected bytes, or a whole number of KiB, MiB, GiB or "
		  "TiB" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_config config;
		struct trib_error error;

		assert_int_equal(
			trib_config_parse(rows[i].count, (char **)rows[i].args, &config, &error),
			TRIB_INVALID);
		assert_string_equal(error.at, rows[i].at);
		assert_string_equal(error.text, rows[i].text);
	}
}

static void knows_loopback(void **state)
{
	static const struct {
		const char *host;
		bool loopback;
	} rows[] = {
		{ "localhost", true },	 { "LocalHost", true }, { "127.0.0.1", true },
		{ "127.9.9.9", true },	 { "::1", true },	{ "0.0.0.0", false },
		{ "10.0.0.1", false },	 { "::", false },	{ "127.0.0.1.evil.com", false },
		{ "localhost.", false }, { "", false },		{ "128.0.0.1", false }
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		assert_int_equal(trib_host_is_loopback(trib_bytes_text(rows[i].host)),
				 rows[i].loopback);
}

static void prints_help(void **state)
{
	struct trib_buffer text;

	trib_buffer_init(&text, 1 << 16);
	trib_config_help(&text);
	assert_non_null(strstr(trib_buffer_text(&text),
			       "  --sync batch|interval|off          when an answer leaves"));
	assert_non_null(strstr(trib_buffer_text(&text), "(127.0.0.1:7390)\n"));
	trib_buffer_fini(&text);
}

/* docs/configuration.md holds the help as it is printed. */
static void is_documented(void **state)
{
	const char *source = getenv("TRIB_SOURCE_DIR");
	static char document[1 << 16];
	struct trib_buffer help;
	char path[512];

	snprintf(path, sizeof(path), "%s/docs/configuration.md", source ? source : ".");
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	document[fread(document, 1, sizeof(document) - 1, file)] = '\0';
	fclose(file);
	trib_buffer_init(&help, 1 << 16);
	trib_config_help(&help);
	if (!strstr(document, trib_buffer_text(&help)))
		fail_msg("docs/configuration.md lacks:\n%s", trib_buffer_text(&help));
	trib_buffer_fini(&help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_defaults), cmocka_unit_test(takes_flags),
		cmocka_unit_test(refuses),	cmocka_unit_test(knows_loopback),
		cmocka_unit_test(prints_help),	cmocka_unit_test(is_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
