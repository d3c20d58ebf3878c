/* `tributary load`: what it reads, traffic and replies. */
#include "test.h"
#include "cli/load/line.h"
#include "cli/load/resp_client.h"

static void test_line_reads_every_field(void **state)
{
	struct trib_traffic_line line;
	struct trib_error error;

	assert_ok(
		trib_traffic_line_parse(
			trib_bytes_text(
				"{\"at\":17,\"order\":{\"id\":\"o1/"
				"2\",\"user\":\"u1\",\"goods\":\"g1\","
				"\"base_amount\":1990,\"qty\":3,\"link\":9,\"forge\":5,\"scene\":"
				"\"live\","
				"\"carrier\":[\"live\",\"live4\",\"c4\"],\"page\":\"checkout\"}}"),
			&line, &error),
		error);
	assert_int_equal(line.what, TRIB_TRAFFIC_ORDER);
	assert_int_equal(line.at_ms, 17);
	assert_true(trib_bytes_is(line.id, "o1/2"));
	assert_true(trib_bytes_is(line.user, "u1"));
	assert_true(trib_bytes_is(line.goods, "g1"));
	assert_int_equal(line.base_amount, 1990);
	assert_int_equal(line.qty, 3);
	assert_int_equal(line.link, 9);
	assert_int_equal(line.forge, 5);
	assert_true(trib_bytes_is(line.scene, "live"));
	assert_true(trib_bytes_is(line.carrier[2], "c4"));
	assert_true(trib_bytes_is(line.page, "checkout"));

	assert_ok(trib_traffic_line_parse(
			  trib_bytes_text("{\"at\":1,\"touch\":{\"user\":\"u\",\"link\":2}}"),
			  &line, &error),
		  error);
	assert_int_equal(line.what, TRIB_TRAFFIC_TOUCH);
	assert_int_equal(line.qty, 1);
	assert_int_equal(line.forge, -1);
	assert_int_equal(line.carrier[0].size, 0);

	assert_ok(trib_traffic_line_parse(trib_bytes_text("{\"at\":1,\"put\":\"plans\",\"value\":{"
							  "\"id\":\"}\",\"x\":{\"y\":[]}}}"),
					  &line, &error),
		  error);
	assert_int_equal(line.what, TRIB_TRAFFIC_PUT);
	assert_true(trib_bytes_is(line.value, "{\"id\":\"}\",\"x\":{\"y\":[]}}"));
}

static void test_line_refuses_what_is_no_traffic(void **state)
{
	static const char *const rows[] = {
		"",
		"{",
		"{}",
		"[]",
		"{\"at\":1,}",
		"{\"at\":x}",
		"{\"at\":99999999999999999999}",
		"{\"at\":1,\"touch\":{}}",
		"{\"at\":1,\"touch\":{\"user\":\"a\\\\b\",\"link\":1}}",
		"{\"at\":1,\"touch\":{\"who\":\"u\"}}",
		"{\"at\":1,\"other\":{\"user\":\"u\"}}",
		"{\"at\":1,\"order\":{\"carrier\":[\"a\",\"b\"]}}",
		"{\"at\":1} ",
		"{\"put\":\"plans\",\"value\":{}",
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_traffic_line line = { .at_ms = -7 };
		struct trib_error error;
		/* A copy of exactly its size, so that a sanitizer sees one byte too far. */
		size_t size = strlen(rows[i]);
		char *copy = trib_alloc(size + !size);

		memcpy(copy, rows[i], size);
		assert_int_equal(trib_traffic_line_parse(trib_bytes(copy, size), &line, &error),
				 TRIB_SYNTAX);
		assert_int_equal(line.at_ms, -7);
		free(copy);
	}
}

static void test_reply_reads_nested_arrays(void **state)
{
	static const char text[] =
		"*3\r\n$10\r\nattributed\r\n:199\r\n*2\r\n+a\r\n$-1\r\n-ERR x\r\n";
	struct trib_bytes input = trib_bytes(text, sizeof(text) - 1);
	struct trib_reply reply;
	size_t consumed;

	assert_true(trib_reply_parse(input, &reply, &consumed));
	assert_int_equal(consumed, input.size - 8);
	assert_int_equal(reply.count, 6);
	assert_int_equal(reply.items[0].type, '*');
	assert_int_equal(reply.items[0].number, 3);
	assert_true(trib_bytes_is(reply.items[1].text, "attributed"));
	assert_int_equal(reply.items[2].number, 199);
	assert_int_equal(reply.items[3].number, 2);
	assert_int_equal(reply.items[5].type, '_');
	assert_true(trib_reply_parse(trib_bytes(text + consumed, 8), &reply, &consumed));
	assert_int_equal(reply.items[0].type, '-');
	assert_true(trib_bytes_is(reply.items[0].text, "ERR x"));
}

/* However the bytes come in, nothing is taken before it is whole. */
static void test_reply_waits_for_the_whole(void **state)
{
	static const char text[] = "*2\r\n$10\r\nattributed\r\n:199\r\n";

	for (size_t size = 0; size < sizeof(text) - 1; size++) {
		struct trib_reply reply;
		size_t consumed;
		char *copy = trib_alloc(size + !size);

		memcpy(copy, text, size);
		assert_false(trib_reply_parse(trib_bytes(copy, size), &reply, &consumed));
		free(copy);
	}
}

static void test_reply_refuses_what_is_no_resp(void **state)
{
	static const char *const rows[] = { "hello\r\n", "$x\r\n",	     "\r\n",
					    ":\r\n",	 "*99999999999\r\n", "+a\rb" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_reply reply;
		size_t consumed;

		assert_true(trib_reply_parse(trib_bytes_text(rows[i]), &reply, &consumed));
		assert_true(consumed == SIZE_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_reads_every_field),
		cmocka_unit_test(test_line_refuses_what_is_no_traffic),
		cmocka_unit_test(test_reply_reads_nested_arrays),
		cmocka_unit_test(test_reply_waits_for_the_whole),
		cmocka_unit_test(test_reply_refuses_what_is_no_resp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
