#include "test.h"

#include "server/resp_wire.h"

static struct trib_bytes args[TRIB_LIMIT_RESP_ARGUMENTS];

static enum trib_resp_parse parse(struct trib_bytes input, size_t *ret_n, size_t *ret_consumed)
{
	struct trib_error error;

	return trib_resp_parse(input, args, ret_n, ret_consumed, &error);
}

static void commands(void **state)
{
	static const struct {
		const char *input;
		enum trib_resp_parse expected;
		size_t n;
		const char *last;
	} rows[] = {
		{ "*1\r\n$4\r\nPING\r\n", TRIB_RESP_COMMAND, 1, "PING" },
		{ "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", TRIB_RESP_COMMAND, 2, "" },
		{ "*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\n", TRIB_RESP_COMMAND, 2, "a\r\nb" },
		{ "*0\r\n", TRIB_RESP_COMMAND, 0, NULL },
		{ "*-1\r\n", TRIB_RESP_COMMAND, 0, NULL },
		{ "PING\r\n", TRIB_RESP_COMMAND, 1, "PING" },
		{ "  TRACK   'a b' \n", TRIB_RESP_COMMAND, 2, "a b" },
		{ "\r\n", TRIB_RESP_COMMAND, 0, NULL },
		{ "", TRIB_RESP_INCOMPLETE, 0, NULL },
		{ "*1", TRIB_RESP_INCOMPLETE, 0, NULL },
		{ "*1\r", TRIB_RESP_INCOMPLETE, 0, NULL },
		{ "*1\r\n$4\r\nPIN", TRIB_RESP_INCOMPLETE, 0, NULL },
		{ "PING", TRIB_RESP_INCOMPLETE, 0, NULL },
		{ "*x\r\n", TRIB_RESP_REFUSED, 0, NULL },
		{ "*1\r\n:4\r\n", TRIB_RESP_REFUSED, 0, NULL },
		{ "*1\r\n$-1\r\n", TRIB_RESP_REFUSED, 0, NULL },
		{ "*1\r\n$9999999999\r\n", TRIB_RESP_REFUSED, 0, NULL },
		{ "*1\r\n$99999999999999\r\n", TRIB_RESP_REFUSED, 0, NULL },
		{ "*99999\r\n", TRIB_RESP_REFUSED, 0, NULL },
		{ "*1\r\n$4\r\nPINGxx", TRIB_RESP_REFUSED, 0, NULL },
		{ "ECHO 'a\r\n", TRIB_RESP_REFUSED, 0, NULL },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		size_t n = 0, consumed = 0;

		assert_int_equal(parse(trib_bytes_text(rows[i].input), &n, &consumed), rows[i].expected);
		if (rows[i].expected != TRIB_RESP_COMMAND)
			continue;
		assert_int_equal(n, rows[i].n);
		assert_int_equal(consumed, strlen(rows[i].input));
		if (n)
			assert_true(trib_bytes_is(args[n - 1], rows[i].last));
	}
}

/* However a stream is cut, the same commands come out. */
static void any_cut_gives_the_same(void **state)
{
	static const char stream[] = "*2\r\n$5\r\nTRACK\r\n$3\r\nabc\r\nPING\r\n*1\r\n$4\r\nPING\r\n";

	for (size_t cut = 0; cut < sizeof(stream) - 1; cut++) {
		size_t commands_seen = 0, start = 0;

		for (size_t end = cut; end <= sizeof(stream) - 1; end += sizeof(stream) - 1 - cut) {
			size_t n, consumed;

			while (parse(trib_bytes(stream + start, end - start), &n, &consumed) ==
			       TRIB_RESP_COMMAND) {
				start += consumed;
				commands_seen++;
			}
			if (end == sizeof(stream) - 1)
				break;
		}
		assert_int_equal(commands_seen, 3);
	}
}

static void errors_stay_on_one_line(void **state)
{
	struct trib_buffer out;
	struct trib_error error;

	trib_buffer_init(&out, 4096);
	trib_fail(&error, TRIB_NOT_FOUND, "goods", "found \"a\r\nb\", expected a known goods id");
	trib_resp_error(&out, &error);
	assert_string_equal(trib_buffer_text(&out),
			    "-NOT_FOUND goods: found \"a  b\", expected a known goods id\r\n");
	/* A character that was cut off, and bytes that are none. */
	trib_buffer_reset(&out);
	trib_fail(&error, TRIB_INVALID, "KIND", "found \"灯\xe7\x81\", \xff, expected a word");
	trib_resp_error(&out, &error);
	assert_string_equal(trib_buffer_text(&out), "-INVALID KIND: found \"灯??\", ?, expected a word\r\n");
	trib_buffer_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(any_cut_gives_the_same),
		cmocka_unit_test(errors_stay_on_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
