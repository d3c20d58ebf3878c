/*
 * Every RESP command and every way to be wrong, as a table: what a client writes, and the bytes that come back. In the
 * tables '|' stands for CR LF; $A … $D are tokens that were made before; a '*' that ends an expectation matches any rest.
 */
#include "unit/engine/world.h"

#include <unistd.h>
#include "server/resp_client.h"

enum { TOKENS = 8, TEXT = 16384 };

static struct resp_client client;
static struct trib_buffer out;
static struct trib_auth *open_auth;
static char tokens[TOKENS][128];
static uv_loop_t loop;
static struct trib_resp *door; /* INFO asks it for totals */

/* $A → the token; '|' → CR LF where `lines`. */
static void expand(const char *text, bool lines, char ret_text[TEXT])
{
	size_t size = 0;

	for (; *text; text++) {
		const char *piece = NULL;

		if (*text == '|' && lines)
			piece = "\r\n";
		if (text[0] == '$' && text[1] >= 'A' && text[1] < 'A' + TOKENS)
			piece = tokens[*++text - 'A'];
		assert_true(size + 200 < TEXT);
		if (piece)
			size += (size_t)sprintf(ret_text + size, "%s", piece);
		else
			ret_text[size++] = *text;
	}
	ret_text[size] = '\0';
}

/* Runs one line as if typed into a connection, and returns the reply. */
static const char *say(const char *line)
{
	static struct trib_bytes args[TRIB_LIMIT_RESP_ARGUMENTS];
	char input[TEXT];
	struct trib_error error;
	size_t n, consumed;

	expand(line, false, input);
	strcat(input, "\r\n");
	trib_buffer_reset(&out);
	assert_int_equal(trib_resp_parse(trib_bytes_text(input), args, &n, &consumed, &error), TRIB_RESP_COMMAND);
	assert_int_equal(consumed, strlen(input));
	resp_command(&client, args, n);
	resp_commands_flush(&client);
	trib_buffer_add_char(&out, '\0');
	return out.data;
}

static void expect(const char *line, const char *reply)
{
	char expected[TEXT];
	const char *found = say(line);

	expand(reply, true, expected);
	size_t size = strlen(expected);
	bool prefix = size && expected[size - 1] == '*';

	if (prefix ? strncmp(found, expected, size - 1) != 0 : strcmp(found, expected) != 0)
		fail_msg("RESP%d: %s\n   found %s\nexpected %s", client.version, line, found, expected);
}

/* resp3 NULL: the same. Only for commands that can be said twice. */
struct row {
	const char *line, *resp2, *resp3;
};

static void expect_rows(const struct row *rows, size_t n)
{
	for (int version = 2; version <= 3; version++) {
		for (size_t i = 0; i < n; i++) {
			client.version = version;
			expect(rows[i].line, version == 3 && rows[i].resp3 ? rows[i].resp3 : rows[i].resp2);
		}
	}
}
#define EXPECT(rows) expect_rows(rows, TRIB_ARRAY_SIZE(rows))

static void take_token(int slot, const char *line)
{
	const char *reply = say(line), *text = strchr(reply, '\n');

	if (reply[0] != '$' || !text)
		fail_msg("%s: %s", line, reply);
	snprintf(tokens[slot], sizeof(tokens[slot]), "%.*s", (int)strcspn(text + 1, "\r"), text + 1);
}

static int setup(void **state)
{
	struct trib_error error;
	struct trib_address address;

	if (world_setup(state) != 0)
		return -1;
	world_market();
	trib_buffer_init(&out, 16 << 20);
	assert_ok(trib_auth_open("", &open_auth, &error), error);
	assert_ok(trib_address_parse(trib_bytes_text("127.0.0.1:0"), "resp", &address, &error), error);
	const struct trib_resp_options options = { .address = &address, .auth = open_auth, .engine = world.engine };

	uv_loop_init(&loop);
	assert_ok(trib_resp_start(&loop, &options, &door, &error), error);
	client = (struct resp_client){ .resp = door, .engine = world.engine, .auth = open_auth, .out = &out, .id = 7,
				       .version = 2 };
	resp_set_rights(&client);
	take_token(0, "LINK app c1 g1");
	take_token(1, "LINK app c2 g1 CARRIER live room-1 c1 PAGE live_cart EXT a 1");
	take_token(2, "LINK app c1 g1 OFFER p1 EXT campaign double-eleven-2026 pid mm_1_2_3");
	return 0;
}

static int teardown(void **state)
{
	trib_resp_stop(door);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	trib_buffer_fini(&out);
	trib_auth_free(open_auth);
	return world_teardown(state);
}

/* --- What every Redis client says --------------------------------------------------------------------- */

static void plain_commands(void **state)
{
	static const struct row rows[] = {
		{ "PING", "+PONG|", NULL },
		{ "ping hello", "$5|hello|", NULL },
		{ "PING \"\"", "$0||", NULL },
		{ "PING a b", "-ERR wrong number of arguments for 'ping' command|", NULL },
		{ "ECHO hi", "$2|hi|", NULL },
		{ "ECHO", "-ERR wrong number of arguments for 'echo' command|", NULL },
		{ "ECHO a b", "-ERR wrong number of arguments for 'echo' command|", NULL },
		{ "SELECT 0", "+OK|", NULL },
		{ "SELECT 1", "-ERR DB index is out of range|", NULL },
		{ "SELECT", "-ERR wrong number of arguments for 'select' command|", NULL },
		{ "GET a", "-ERR unknown command 'GET'*", NULL },
		{ "\"\"", "-ERR unknown command ''*", NULL },
		{ "INFO", "$*", "=*" },
		{ "INFO server", "$*", "=*" },
	};

	EXPECT(rows);
	client.version = 2;
	assert_non_null(strstr(say("INFO"), "redis_version:7.0"));
	assert_non_null(strstr(say("INFO"), "\r\nsync:batch\r\n"));
	expect("QUIT", "+OK|");
	assert_true(client.closing);
	client.closing = false;
}

static void hello(void **state)
{
	static const char map2[] = "*14|$6|server|$9|tributary|$7|version|$5|0.1.0|$5|proto|:2|$2|id|:7|$4|mode|$10|standalone|$4|role|$6|master|$7|modules|*0|";
	static const char map3[] = "%7|$6|server|$9|tributary|$7|version|$5|0.1.0|$5|proto|:3|$2|id|:7|$4|mode|$10|standalone|$4|role|$6|master|$7|modules|*0|";

	client.version = 2;
	expect("HELLO", map2);
	expect("HELLO 3", map3);
	assert_int_equal(client.version, 3);
	expect("HELLO", map3);
	/* What is refused changes nothing. */
	expect("HELLO 4", "-NOPROTO unsupported protocol version|");
	expect("HELLO 1", "-NOPROTO unsupported protocol version|");
	expect("HELLO two", "-ERR Protocol version is not an integer or out of range|");
	expect("HELLO 2 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'|");
	expect("HELLO 2 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'|");
	expect("HELLO 2 WHAT", "-ERR Syntax error in HELLO option 'WHAT'|");
	expect("HELLO 2 SETNAME \"a b\"", "-ERR Client names cannot contain spaces, newlines or special characters.|");
	assert_int_equal(client.version, 3);
	assert_string_equal(client.name, "");
	expect("hello 2 setname me auth default anything", map2);
	assert_string_equal(client.name, "me");
	client.name[0] = '\0';
}

static void client_subcommands(void **state)
{
	static const struct row rows[] = {
		{ "CLIENT", "-ERR wrong number of arguments for 'client' command|", NULL },
		{ "CLIENT ID", ":7|", NULL },
		{ "CLIENT GETNAME", "$-1|", "_|" },
		{ "CLIENT SETNAME one", "+OK|", NULL },
		{ "CLIENT GETNAME", "$3|one|", NULL },
		{ "CLIENT SETNAME \"a b\"", "-ERR Client names cannot contain spaces, newlines or special characters.|", NULL },
		{ "client getname", "$3|one|", NULL },
		{ "CLIENT SETNAME \"\"", "+OK|", NULL },
		{ "CLIENT SETINFO LIB-NAME x", "+OK|", NULL },
		{ "CLIENT SETINFO LIB-VER 1.2", "+OK|", NULL },
		{ "CLIENT NO-EVICT on", "+OK|", NULL },
		{ "CLIENT NO-TOUCH off", "+OK|", NULL },
		{ "CLIENT LIST", "$*", "=*" },
		{ "CLIENT INFO", "$*", "=*" },
		{ "CLIENT KILL all", "-ERR unknown subcommand 'KILL'*", NULL },
	};

	/* '|' in an error that a client shows is the real character. */
	for (int version = 2; version <= 3; version++) {
		client.version = version;
		for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
			expect(rows[i].line, version == 3 && rows[i].resp3 ? rows[i].resp3 : rows[i].resp2);
		assert_non_null(strstr(say("CLIENT ID 3"), "-ERR wrong number of arguments for 'client|id' command\r\n"));
		assert_non_null(strstr(say("CLIENT GETNAME a"), "-ERR wrong number of arguments for 'client|getname' command\r\n"));
		assert_non_null(strstr(say("CLIENT SETNAME"), "-ERR wrong number of arguments for 'client|setname' command\r\n"));
	}
}

static void command_forms(void **state)
{
	static const struct row rows[] = {
		{ "COMMAND COUNT", ":25|", NULL },
		{ "COMMAND LIST", "*25|$9|attribute|$5|order|$6|refund|$6|review|$5|touch|$4|link|$5|track|*", NULL },
		{ "COMMAND INFO track", "*1|*10|$5|track|:2|*1|+readonly|:0|:0|:0|*0|*0|*0|*0|", NULL },
		{ "COMMAND INFO get TOUCH", "*2|*-1|*10|$5|touch|:-3|*1|+write|:0|:0|:0|*0|*0|*0|*0|",
		  "*2|_|*10|$5|touch|:-3|*1|+write|:0|:0|:0|*0|*0|*0|*0|" },
		{ "COMMAND", "*25|*10|$9|attribute|:-6|*1|+write|*", NULL },
		{ "COMMAND INFO", "*25|*10|$9|attribute|*", NULL },
		{ "COMMAND DOCS", "*0|", "%0|" },
		{ "COMMAND DOCS track", "*0|", "%0|" },
		{ "COMMAND WHAT", "-ERR unknown subcommand 'WHAT'*", NULL },
	};

	EXPECT(rows);
}

static void access_token(void **state)
{
	struct trib_auth *auth;
	struct trib_error error;
	char path[128];
	FILE *file;

	client.version = 2;
	expect("AUTH x", "-ERR AUTH called without any access token configured*");
	expect("AUTH", "-ERR wrong number of arguments for 'auth' command|");
	expect("AUTH a b c", "-ERR syntax error|");
	snprintf(path, sizeof(path), "%s/token", world.folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("0123456789abcdef0123\n", file);
	fclose(file);
	chmod(path, 0600);
	assert_ok(trib_auth_open(path, &auth, &error), error);
	client.auth = auth;
	client.allowed = client.attributes = client.authenticated = false;
	expect("PING", "-NOAUTH Authentication required.|");
	expect("ATTRIBUTE o u g1 1 -", "-NOAUTH Authentication required.|");
	expect("COMMAND", "-NOAUTH Authentication required.|");
	expect("HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated*");
	assert_int_equal(client.version, 2);
	expect("AUTH wrong", "-WRONGPASS invalid username-password pair or user is disabled.|");
	expect("AUTH other 0123456789abcdef0123", "-WRONGPASS *");
	expect("HELLO 3 AUTH default wrong", "-WRONGPASS *");
	expect("PING", "-NOAUTH Authentication required.|");
	expect("AUTH 0123456789abcdef0123", "+OK|");
	expect("PING", "+PONG|");
	client.allowed = client.attributes = client.authenticated = false;
	expect("AUTH default 0123456789abcdef0123", "+OK|");
	client.allowed = client.attributes = client.authenticated = false;
	expect("HELLO 3 AUTH default 0123456789abcdef0123", "%7|*");
	expect("PING", "+PONG|");
	client.auth = open_auth;
	resp_set_rights(&client);
	trib_auth_free(auth);
}

/* --- Orders ------------------------------------------------------------------------------------------- */

static void attribute_answers(void **state)
{
	static const struct row rows[] = {
		{ "ATTRIBUTE o1 u1 g1 1999 $A",
		  "*12|$7|outcome|$10|attributed|$5|rules|$9|default@1|$4|node|$7|default|$7|charged|:199|$8|currency|$3|CNY|"
		  "$7|credits|*1|*4|$1|1|$4|p1@1|:1999|*1|*4|$10|commission|$7|creator|$8|merchant|:199|",
		  "%6|$7|outcome|$10|attributed|$5|rules|$9|default@1|$4|node|$7|default|$7|charged|:199|$8|currency|$3|CNY|"
		  "$7|credits|*1|*4|$1|1|$4|p1@1|:1999|*1|*4|$10|commission|$7|creator|$8|merchant|:199|" },
		{ "ATTRIBUTE o1 u1 g1 1999 $A BRIEF", "*2|$10|attributed|:199|", NULL },
		{ "attribute o1 u1 g1 1999 $A brief", "*2|$10|attributed|:199|", NULL },
		{ "ATTRIBUTE o2 u1 g1 100 -",
		  "*12|$7|outcome|$8|no_touch|$5|rules|$9|default@1|$4|node|$7|default|$7|charged|:0|$8|currency|$3|CNY|$7|credits|*0|",
		  "%6|$7|outcome|$8|no_touch|$5|rules|$9|default@1|$4|node|$7|default|$7|charged|:0|$8|currency|$3|CNY|$7|credits|*0|" },
		{ "ATTRIBUTE o3 u1 g1 100 nonsense BRIEF", "*2|$9|bad_token|:0|", NULL },
		{ "ATTRIBUTE o3 u1 g1 100 nonsense2 BRIEF", "-CONFLICT order: *", NULL },
		{ "ATTRIBUTE o4/1 u1 g1 100 $A BRIEF QTY 2 CARRIER live r c1 PAGE cart SCENE default EXT a 1 b 2", "*2|$10|attributed|:10|", NULL },
		/* EXT is a map; BRIEF may stand behind it, and is no content. */
		{ "ATTRIBUTE o4/1 u1 g1 100 $A EXT b 2 a 1 BRIEF SCENE default PAGE cart CARRIER live r c1 QTY 2", "-SYNTAX *", NULL },
		{ "ATTRIBUTE o4/1 u1 g1 100 $A SCENE default PAGE cart CARRIER live r c1 QTY 2 EXT b 2 a 1 BRIEF", "*2|$10|attributed|:10|", NULL },
		{ "ATTRIBUTE o4/1 u1 g1 100 $A BRIEF SCENE default PAGE cart CARRIER live r c1 QTY 2 EXT a 1 b 3", "-CONFLICT *", NULL },
		{ "ATTRIBUTE o4/1 u1 g1 100 $A BRIEF SCENE default PAGE cart CARRIER live r c1 EXT a 1 b 2", "-CONFLICT *", NULL },
		{ "ATTRIBUTE o5 u1 g1 100 $A AT 1790000000000 BRIEF", "*2|$10|attributed|:10|", NULL },
		{ "ATTRIBUTE o5 u1 g1 100 $A AT 1790000000000 BRIEF", "*2|$10|attributed|:10|", NULL },
		{ "ATTRIBUTE o5 u1 g1 100 $A BRIEF", "-CONFLICT *", NULL },
		{ "ATTRIBUTE o5 u1 g1 100 $A BRIEF AT 1790000000001", "-CONFLICT *", NULL },
		{ "ATTRIBUTE o6 u1 g1 0 $A BRIEF", "*2|$9|zero_base|:0|", NULL },
		{ "ATTRIBUTE o7 u1 g1 9223372036854775807 nonsense BRIEF", "*2|$9|bad_token|:0|", NULL },
		{ "ATTRIBUTE o8 u1 g1 100 $A EXT brief yes at 5 BRIEF", "*2|$10|attributed|:10|", NULL },
		{ "ATTRIBUTE o9 u1 g1 100 $A BRIEF EXT BRIEF yes", "*2|$10|attributed|:10|", NULL },
		/* paid - freight - tax + coupon_platform = 1500 */
		{ "ATTRIBUTE oa u1 g1 - $A AMOUNTS 1600 200 100 50 200 70 0 BRIEF", "*2|$10|attributed|:150|", NULL },
		{ "ATTRIBUTE oa u1 g1 - $A AMOUNTS 1600 200 100 50 200 70 0 BRIEF", "*2|$10|attributed|:150|", NULL },
		{ "ATTRIBUTE oa u1 g1 - $A AMOUNTS 1600 200 100 51 200 70 0 BRIEF", "-CONFLICT *", NULL },
		{ "ATTRIBUTE oa u1 g1 1500 $A AMOUNTS 1600 200 100 50 200 70 0 BRIEF", "-CONFLICT *", NULL },
		{ "ATTRIBUTE oa u1 g1 1500 $A BRIEF", "-CONFLICT *", NULL },
		/* A stated base wins. */
		{ "ATTRIBUTE ob u1 g1 900 $A AMOUNTS 1600 200 100 50 200 70 0 BRIEF", "*2|$10|attributed|:90|", NULL },
		{ "ATTRIBUTE oc u1 g1 - $A AMOUNTS 100 200 0 0 0 0 0 BRIEF", "*2|$9|zero_base|:0|", NULL },
	};

	EXPECT(rows);
}

/* Said twice, each answers as before. */
static void lives_of_orders(void **state)
{
	static const struct row rows[] = {
		{ "ATTRIBUTE p1 u1 g1 10000 $A BRIEF", "*2|$10|attributed|:1000|", NULL },
		{ "ATTRIBUTE p2 u1 g1 10000 $A BRIEF", "*2|$10|attributed|:1000|", NULL },
		{ "ATTRIBUTE p3/1 u1 g1 10000 $A BRIEF", "*2|$10|attributed|:1000|", NULL },
		{ "ATTRIBUTE p4 u1 g1 10000 $A BRIEF", "*2|$10|attributed|:1000|", NULL },
		{ "ORDER p1 created", "*2|$7|created|$-1|", "*2|$7|created|_|" },
		{ "REFUND p1 r1 partial 3000", "*2|:7000|:300|", NULL },
		{ "REFUND p1 r2 freight_only 99999 QTY 1", "*2|:7000|:0|", NULL },
		{ "REFUND p1 r3 full 7001", "-OVER_REFUND amount: found 7001, expected at most the 7000 that remain|", NULL },
		{ "REFUND p1 r1 partial 3001", "-CONFLICT refund: *", NULL },
		{ "REFUND p1 r1 partial 3000 QTY 2", "-CONFLICT refund: *", NULL },
		{ "order p2 PAID", "-INVALID status: found \"PAID\", expected created, *", NULL },
		{ "order p2 paid BASE 9000 at 1790000000000", "*2|$4|paid|:30|", NULL },
		{ "ORDER p2 paid", "*2|$4|paid|:30|", NULL },
		{ "ORDER p2 paid BASE 8000 AT 1790000000000", "-CONFLICT base_amount: *", NULL },
		{ "REFUND p2 r1 full 9000", "*2|:0|:900|", NULL },
		{ "ORDER p3/1 settled", "*2|$7|settled|:60|", NULL },
		{ "ORDER p3/1 received", "*2|$7|settled|:60|", NULL },
		{ "ORDER p4 invalid REASON \"never paid\" AT 1789999999999", "*2|$7|invalid|:80|", NULL },
		{ "ORDER p4 paid", "-REFUSED status: *", NULL },
		{ "REFUND p4 r1 partial 1", "-OVER_REFUND *", NULL },
		{ "REFUND p4 r2 exchange 1", "*2|:0|:0|", NULL },
		{ "ORDER p9 shipped", "*2|$7|pending|$-1|", "*2|$7|pending|_|" },
		{ "REFUND p9 r1 full 1", "*2|$7|pending|$-1|", "*2|$7|pending|_|" },
		{ "ORDER p1", "-ERR wrong number of arguments for 'order' command|", NULL },
		{ "REFUND p1 r1 full", "-ERR wrong number of arguments for 'refund' command|", NULL },
		{ "ORDER p1 paid QTY 1", "-SYNTAX arguments: *", NULL },
		{ "ORDER p1 paid BASE -1", "-INVALID BASE: *", NULL },
		{ "ORDER p1 paid AT 1", "-TOO_OLD AT: *", NULL },
		{ "ORDER p1 paid AT 1890000000000", "-BADTIME AT: *", NULL },
		{ "ORDER \"\" paid", "-INVALID order: *", NULL },
		{ "ORDER p1/2/3 paid", "-INVALID order: *", NULL },
		{ "REFUND p1 a/b full 1", "-INVALID refund: *", NULL },
		{ "REFUND p1 r7 gift 1", "-INVALID kind: found \"gift\", expected full, *", NULL },
		{ "REFUND p1 r7 full -1", "-INVALID amount: *", NULL },
		{ "REFUND p1 r7 full 1 REASON x", "-SYNTAX arguments: *", NULL },
		{ "REFUND p1 r7 full 1 QTY 0", "-INVALID QTY: *", NULL },
	};

	EXPECT(rows);
}

static void attribute_refusals(void **state)
{
	static const struct row rows[] = {
		{ "ATTRIBUTE o u1 g1 1", "-ERR wrong number of arguments for 'attribute' command|", NULL },
		{ "ATTRIBUTE", "-ERR wrong number of arguments for 'attribute' command|", NULL },
		{ "ATTRIBUTE x u1 g1 -1 $A", "-INVALID base_amount: found \"-1\", expected an integer of at least 0|", NULL },
		{ "ATTRIBUTE x u1 g1 1.5 $A", "-INVALID base_amount: found \"1.5\", expected *", NULL },
		{ "ATTRIBUTE x u1 g1 +1 $A", "-INVALID base_amount: *", NULL },
		{ "ATTRIBUTE x u1 g1 \"\" $A", "-INVALID base_amount: *", NULL },
		{ "ATTRIBUTE x u1 g1 9223372036854775808 $A", "-INVALID base_amount: *", NULL },
		{ "ATTRIBUTE x u1 g1 - $A", "-INVALID base_amount: found nothing, expected *", NULL },
		{ "ATTRIBUTE x u1 g1 - $A AMOUNTS 1 2 3", "-SYNTAX AMOUNTS: found 3 arguments, expected 7|", NULL },
		{ "ATTRIBUTE x u1 g1 - $A AMOUNTS 1 -2 3 0 0 0 0", "-INVALID freight: found \"-2\", expected an integer of at least 0|", NULL },
		{ "ATTRIBUTE x u1 g1 - $A AMOUNTS 1 0 0 0 0 0 1152921504606846977", "-INVALID deposit: found 1152921504606846977, *", NULL },
		{ "ATTRIBUTE x u1 nope 1 $A", "-NOT_FOUND goods: found \"nope\", expected *", NULL },
		{ "ATTRIBUTE a/b/c u1 g1 1 $A", "-INVALID order: *", NULL },
		{ "ATTRIBUTE \"\" u1 g1 1 $A", "-INVALID order: *", NULL },
		{ "ATTRIBUTE \"a b\" u1 g1 1 $A", "-INVALID order: *", NULL },
		{ "ATTRIBUTE x \"u 1\" g1 1 $A", "-INVALID user: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A WHAT", "-SYNTAX arguments: found \"WHAT\", expected an option of this command|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A OFFER p1", "-SYNTAX arguments: found \"OFFER\", *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A KIND click", "-SYNTAX arguments: found \"KIND\", *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A AT", "-SYNTAX AT: found 0 arguments, expected 1|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A AT now", "-INVALID AT: found \"now\", expected *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A AT -1", "-INVALID AT: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A AT 1", "-TOO_OLD AT: found 1, expected at least *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A AT 1790000300001", "-BADTIME AT: found 1790000300001, expected at most 1790000300000|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A QTY 0", "-INVALID QTY: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A QTY 1000001", "-INVALID QTY: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A QTY", "-SYNTAX QTY: found 0 arguments, expected 1|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A QTY 1 QTY 1", "-SYNTAX QTY: found it twice, expected it once|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A BRIEF BRIEF", "-SYNTAX BRIEF: found it twice, expected it once|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A CARRIER live r", "-SYNTAX CARRIER: found 2 arguments, expected 3|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A CARRIER live", "-SYNTAX CARRIER: found 1 arguments, expected 3|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A CARRIER \"\" r c1", "-INVALID CARRIER: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A CARRIER live r nobody", "-NOT_FOUND carrier.owner: found \"nobody\", expected *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A CARRIER live \"r 1\" c1", "-INVALID carrier: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A PAGE", "-SYNTAX PAGE: found 0 arguments, expected 1|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A PAGE \"a b\"", "-INVALID PAGE: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A SCENE", "-SYNTAX SCENE: found 0 arguments, expected 1|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A EXT", "-SYNTAX EXT: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A EXT a", "-SYNTAX *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A EXT a 1 b", "-SYNTAX *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A EXT BRIEF", "-SYNTAX EXT: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A EXT a 1 a 2", "-INVALID EXT: found a name twice, expected it once|", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A EXT \"\" 1", "-INVALID EXT: *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A EXT a 1 EXT b 2", "-SYNTAX *", NULL },
		{ "ATTRIBUTE x u1 g1 1 $A EXT a \xff", "-INVALID EXT: *", NULL },
	};

	EXPECT(rows);
	/* Nothing of all that was journalled. */
	expect("EXPLAIN x", "-NOT_FOUND order: found \"x\", expected *");
	expect("ATTRIBUTE x u1 g1 1 nonsense BRIEF", "*2|$9|bad_token|:0|");
}

/* Neighbouring orders are decided together; an error among them keeps its place. */
static void replies_keep_their_order(void **state)
{
	static const char input[] = "ATTRIBUTE p1 u1 g1 1000 - BRIEF\r\nATTRIBUTE p2 u1 g1 x - BRIEF\r\nATTRIBUTE p3 u1 g3 10 - BRIEF\r\n"
				    "PING\r\nATTRIBUTE p1 u1 g1 1000 - BRIEF\r\nATTRIBUTE p1 u1 g1 1001 -\r\n";
	static struct trib_bytes args[TRIB_LIMIT_RESP_ARGUMENTS];
	struct trib_bytes rest = trib_bytes_text(input);
	struct trib_error error;

	trib_buffer_reset(&out);
	while (rest.size) {
		size_t n, consumed;

		assert_int_equal(trib_resp_parse(rest, args, &n, &consumed, &error), TRIB_RESP_COMMAND);
		resp_command(&client, args, n);
		rest = trib_bytes(rest.data + consumed, rest.size - consumed);
	}
	resp_commands_flush(&client);
	trib_buffer_add_char(&out, '\0');
	static const char head[] = "*2\r\n$8\r\nno_touch\r\n:0\r\n-INVALID base_amount: found \"x\", expected an integer of at least 0\r\n"
				   "*2\r\n$8\r\nno_touch\r\n:0\r\n+PONG\r\n*2\r\n$8\r\nno_touch\r\n:0\r\n-CONFLICT ";

	if (strncmp(out.data, head, sizeof(head) - 1) != 0)
		fail_msg("%s", out.data);
}

/* --- Links, touches ----------------------------------------------------------------------------------- */

static void link_refusals(void **state)
{
	static const struct row rows[] = {
		{ "LINK app c1", "-ERR wrong number of arguments for 'link' command|", NULL },
		{ "LINK nowhere c1 g1", "-NOT_FOUND channel: found \"nowhere\", expected *", NULL },
		{ "LINK app nobody g1", "-NOT_FOUND creator: found \"nobody\", expected *", NULL },
		{ "LINK app c1 nothing", "-NOT_FOUND goods: found \"nothing\", expected *", NULL },
		{ "LINK app c1 g2", "-NO_PLAN terms: *", NULL },
		{ "LINK app c1 g1 OFFER nothing", "-NOT_FOUND offer: *", NULL },
		{ "LINK app c1 g1 OFFER", "-SYNTAX OFFER: found 0 arguments, expected 1|", NULL },
		{ "LINK app c1 g1 SCENE nowhere", "-NOT_FOUND channel: *", NULL },
		{ "LINK app c1 g1 BRIEF", "-SYNTAX arguments: found \"BRIEF\", *", NULL },
		{ "LINK app c1 g1 QTY 1", "-SYNTAX arguments: found \"QTY\", *", NULL },
		{ "LINK app c1 g1 AT 1", "-TOO_OLD AT: *", NULL },
		{ "LINK app c1 g1 AT 1790000300001", "-BADTIME AT: *", NULL },
		{ "LINK app c1 g1 CARRIER live", "-SYNTAX CARRIER: *", NULL },
		{ "LINK app c1 g1 CARRIER live r nobody", "-NOT_FOUND carrier.owner: *", NULL },
		{ "LINK app c1 g1 EXT a", "-SYNTAX *", NULL },
		{ "LINK app c1 g1 EXT a 1 a 2", "-INVALID EXT: *", NULL },
		{ "LINK strict c1 g1 EXT campaign double-eleven-2026", "-TOKEN_TOO_LONG EXT: *", NULL },
		{ "LINK app c1 x1", "-CREATOR_NOT_ALLOWED terms: *", NULL },
	};

	world_put(TRIB_NOUN_REGISTRATION, "{\"id\":\"strict\",\"channel\":\"strict\",\"ext_overflow\":\"refuse\"}");
	world_put(TRIB_NOUN_GOODS, "{\"id\":\"x1\",\"merchant\":\"m1\",\"price\":1}");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"px\",\"merchant\":\"m1\",\"goods\":[\"x1\"],\"kind\":\"exclusive\",\"creators\":[\"c2\"],"
				  "\"terms\":{\"commission_bps\":3000}}");
	EXPECT(rows);
}

static void track_answers(void **state)
{
	static const struct row rows[] = {
		{ "TRACK", "-ERR wrong number of arguments for 'track' command|", NULL },
		{ "TRACK a b", "-ERR wrong number of arguments for 'track' command|", NULL },
		{ "TRACK nonsense", "*4|$7|outcome|$9|bad_token|$6|reason|$9|malformed|", "%2|$7|outcome|$9|bad_token|$6|reason|$9|malformed|" },
		{ "TRACK \"\"", "*4|$7|outcome|$9|bad_token|$6|reason|$9|malformed|", "%2|$7|outcome|$9|bad_token|$6|reason|$9|malformed|" },
		{ "TRACK $A",
		  "*18|$7|outcome|$2|ok|$4|link|:1|$12|registration|$2|r1|$7|channel|$3|app|$7|creator|$2|c1|$5|goods|$2|g1|$4|plan|$4|p1@1|"
		  "$9|issued_at|:1790000000000|$10|expires_at|:1792592000000|",
		  "%9|$7|outcome|$2|ok|$4|link|:1|$12|registration|$2|r1|$7|channel|$3|app|$7|creator|$2|c1|$5|goods|$2|g1|$4|plan|$4|p1@1|"
		  "$9|issued_at|:1790000000000|$10|expires_at|:1792592000000|" },
		{ "TRACK $B",
		  "*24|$7|outcome|$2|ok|$4|link|:2|$12|registration|$2|r1|$7|channel|$3|app|$7|creator|$2|c2|$5|goods|$2|g1|$4|plan|$4|p1@1|"
		  "$7|carrier|*3|$4|live|$6|room-1|$2|c1|$4|page|$9|live_cart|$9|issued_at|:1790000000000|$10|expires_at|:1792592000000|"
		  "$3|ext|*2|$1|a|$1|1|",
		  "%12|$7|outcome|$2|ok|$4|link|:2|$12|registration|$2|r1|$7|channel|$3|app|$7|creator|$2|c2|$5|goods|$2|g1|$4|plan|$4|p1@1|"
		  "$7|carrier|*3|$4|live|$6|room-1|$2|c1|$4|page|$9|live_cart|$9|issued_at|:1790000000000|$10|expires_at|:1792592000000|"
		  "$3|ext|%1|$1|a|$1|1|" },
		{ "TRACK $C",
		  "*22|$7|outcome|$2|ok|$4|link|:3|$12|registration|$2|r1|$7|channel|$3|app|$7|creator|$2|c1|$5|goods|$2|g1|$4|plan|$4|p1@1|"
		  "$5|offer|$2|p1|$9|issued_at|:1790000000000|$10|expires_at|:1792592000000|$3|ext|*4|*",
		  "%11|$7|outcome|$2|ok|$4|link|:3|$12|registration|$2|r1|$7|channel|$3|app|$7|creator|$2|c1|$5|goods|$2|g1|$4|plan|$4|p1@1|"
		  "$5|offer|$2|p1|$9|issued_at|:1790000000000|$10|expires_at|:1792592000000|$3|ext|%2|*" },
	};
	char changed[128];

	EXPECT(rows);
	/* One character of the MAC. */
	snprintf(changed, sizeof(changed), "TRACK %s", tokens[0]);
	char *last = &changed[strlen(changed) - 6];

	*last = *last == 'A' ? 'B' : 'A';
	client.version = 2;
	expect(changed, "*4|$7|outcome|$9|bad_token|$6|reason|$3|mac|");
	world_pass(31 * WORLD_DAY_MS);
	expect("TRACK $A", "*18|$7|outcome|$7|expired|$4|link|:1|*");
	expect("TOUCH u1 $A", "$7|expired|");
}

static void touch_answers(void **state)
{
	static const struct row rows[] = {
		{ "TOUCH u1", "-ERR wrong number of arguments for 'touch' command|", NULL },
		{ "TOUCH u1 $A", "$8|recorded|", NULL },
		{ "TOUCH u1 $A KIND view CARRIER video v1 c1 PAGE product AT 1790000000000", "$8|recorded|", NULL },
		{ "touch u1 $A at 1790000000000 kind share_open", "$8|recorded|", NULL },
		{ "TOUCH u1 nonsense", "$9|bad_token|", NULL },
		{ "TOUCH u1 -", "$9|bad_token|", NULL },
		{ "TOUCH \"u 1\" $A", "-INVALID user: *", NULL },
		{ "TOUCH u1 $A KIND buy", "-INVALID KIND: found \"buy\", expected click, view, cart, favourite or share_open|", NULL },
		{ "TOUCH u1 $A KIND", "-SYNTAX KIND: found 0 arguments, expected 1|", NULL },
		{ "TOUCH u1 $A KIND click KIND view", "-SYNTAX KIND: found it twice, expected it once|", NULL },
		{ "TOUCH u1 $A CARRIER live r", "-SYNTAX CARRIER: found 2 arguments, expected 3|", NULL },
		{ "TOUCH u1 $A CARRIER live r nobody", "-NOT_FOUND carrier.owner: *", NULL },
		{ "TOUCH u1 $A AT 1", "-TOO_OLD AT: *", NULL },
		{ "TOUCH u1 $A AT 1790000300001", "-BADTIME AT: *", NULL },
		{ "TOUCH u1 $A BRIEF", "-SYNTAX arguments: found \"BRIEF\", expected an option of this command|", NULL },
		{ "TOUCH u1 $A EXT a 1", "-SYNTAX arguments: *", NULL },
		{ "TOUCH u1 $A SCENE x", "-SYNTAX arguments: *", NULL },
	};

	EXPECT(rows);
}

static void explain_answers(void **state)
{
	static const struct row rows[] = {
		{ "EXPLAIN", "-ERR wrong number of arguments for 'explain' command|", NULL },
		{ "EXPLAIN o o", "-ERR wrong number of arguments for 'explain' command|", NULL },
		{ "EXPLAIN never", "-NOT_FOUND order: found \"never\", expected the id of an order that was decided|", NULL },
		{ "EXPLAIN e1", "$*", NULL },
	};

	say("ATTRIBUTE e1 u1 g1 1000 $A");
	EXPECT(rows);
	assert_non_null(strstr(say("EXPLAIN e1"), "{\"order\":\"e1\",\"at\":1790000000000,\"position\":"));
}

int main(void)
{
#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(plain_commands), ROW(hello), ROW(client_subcommands), ROW(command_forms),
		ROW(access_token), ROW(attribute_answers), ROW(lives_of_orders), ROW(attribute_refusals), ROW(replies_keep_their_order),
		ROW(link_refusals), ROW(track_answers), ROW(touch_answers), ROW(explain_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
