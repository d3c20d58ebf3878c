/*
 * Any bytes as what a RESP client sends: the wire, the command layer and a real engine behind them, without sockets. Every
 * command gets one reply that RESP can read, and whatever was said, the engine's rooms stay whole.
 *
 * Keys and clock are fixed, so that the tokens in the dictionary and the corpus are good. The engine lives on from
 * input to input and is made anew now and then.
 */
#include <ftw.h>
#include <sys/stat.h>
#include "server/resp_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Between inputs the engine keeps memory in places where the leak checker does not look: mappings of its own. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

enum { INPUTS_OF_AN_ENGINE = 5000, CHECK_EVERY = 64, REPLY_DEPTH_MAX = 16 };
#define START_MS INT64_C(1790000000000)

static struct trib_engine *engine;
static struct trib_resp *door; /* INFO asks it for totals; it listens, and nobody comes */
static struct trib_auth *auth;
static uv_loop_t loop;
static char folder[64];
static unsigned inputs;

static int64_t wall_ms(struct trib_clock *clock TRIB_UNUSED)
{
	return START_MS;
}

static int64_t monotonic_ns(struct trib_clock *clock TRIB_UNUSED)
{
	return START_MS * 1000000;
}

static int remove_entry(const char *path, const struct stat *st TRIB_UNUSED, int flag TRIB_UNUSED,
			struct FTW *ftw TRIB_UNUSED)
{
	return remove(path);
}

static void put_file(const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/keys/%s", folder, name);
	FILE *file = fopen(path, "w");

	trib_assert(file && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, 0600) == 0);
}

/* The keys of test/golden/v0.1.0. */
static void put_keys(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/keys", folder);
	trib_assert(mkdir(path, 0700) == 0);
	put_file("hash.keys", "tributary hash keys 1\n"
			      "user 404142434445464748494a4b4c4d4e4f\n"
			      "order 505152535455565758595a5b5c5d5e5f\n"
			      "names 606162636465666768696a6b6c6d6e6f\n"
			      "end 3 a7d09c58\n");
	put_file("token.keys",
		 "tributary token keys 1\n"
		 "1 active * 1750000000000 - 1760000000000 000102030405060708090a0b0c0d0e0f\n"
		 "2 active * 1760000000000 1760000000000 - 101112131415161718191a1b1c1d1e1f\n"
		 "3 active shop 1760000000000 - - 202122232425262728292a2b2c2d2e2f\n"
		 "4 retired * 1762000000000 - 1763000000000 -\n"
		 "end 4 5e49bf6b\n");
}

static void on_done(struct trib_call *call)
{
	trib_assert(call->status == TRIB_OK);
	*(bool *)call->context = true;
}

static void put(enum trib_noun noun, const char *json)
{
	struct trib_arena arena;
	ProtobufCMessage *message;
	struct trib_error error;
	bool done = false;
	struct trib_call call = { .kind = TRIB_CALL_PUT, .noun = noun, .name = trib_bytes_text("x"), .done = on_done,
				  .context = &done };

	trib_arena_init(&arena, 1 << 20);
	trib_buffer_init(&call.reply, 1 << 16);
	trib_assert(trib_proto_from_json(trib_noun_descriptor(noun), trib_bytes_text(json), &arena, &message, &error) ==
		    TRIB_OK);
	call.body = message;
	trib_assert(trib_engine_submit(engine, &call));
	while (!done) {
		trib_engine_turn(engine);
		trib_engine_settle(engine);
	}
	trib_buffer_fini(&call.reply);
	trib_arena_fini(&arena);
}

/* Links 1 to 3, whose tokens the dictionary has. */
static void put_links(void)
{
	static const char *const rows[][2] = { { "c1", "g1" }, { "c2", "g1" }, { "c1", "g2" } };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		const struct trib_link_request request = { .channel = trib_bytes_text("app"),
							   .creator = trib_bytes_text(rows[i][0]),
							   .goods = trib_bytes_text(rows[i][1]) };
		char text[TRIB_LIMIT_TOKEN_CHARS];
		enum trib_outcome outcome;
		struct trib_error error;
		size_t size;

		trib_assert(trib_engine_link(engine, &request, text, &size, &outcome, &error) == TRIB_OK);
		if (getenv("TRIB_FUZZ_TOKENS"))
			fprintf(stderr, "%.*s\n", (int)size, text);
	}
}

static void end_engine(void)
{
	if (!engine)
		return;
	trib_resp_stop(door);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	trib_auth_free(auth);
	trib_engine_abandon(TRIB_TAKE_PTR(engine));
	nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin_engine(void)
{
	static struct trib_clock clock = { wall_ms, monotonic_ns };
	const struct trib_engine_options options = { .data = folder, .clock = &clock, .sync = TRIB_JOURNAL_SYNC_OFF,
						     .segment_bytes = 1 << 20, .ring_bytes = 4 << 20,
						     .order_index_bytes = 1 << 20, .touches_bytes = 64 << 20,
						     .foreground = true };
	struct trib_address address;
	struct trib_error error;

	snprintf(folder, sizeof(folder), "/tmp/trib-fuzz-XXXXXX");
	trib_assert(mkdtemp(folder));
	put_keys();
	trib_assert(trib_engine_open(&options, &engine, &error) == TRIB_OK);
	put(TRIB_NOUN_PARTY, "{\"id\":\"m1\",\"roles\":[\"merchant\"]}");
	put(TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"tags\":[\"mum\"]}");
	put(TRIB_NOUN_PARTY, "{\"id\":\"c2\",\"roles\":[\"creator\"]}");
	put(TRIB_NOUN_GOODS, "{\"id\":\"g1\",\"merchant\":\"m1\",\"price\":1999}");
	put(TRIB_NOUN_GOODS, "{\"id\":\"g2\",\"merchant\":\"m1\",\"price\":500}");
	put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\",\"g2\"],\"terms\":{\"commission_bps\":1000}}");
	put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r1\",\"channel\":\"app\"}");
	put_links();
	trib_assert(trib_auth_open("", &auth, &error) == TRIB_OK);
	trib_assert(trib_address_parse(trib_bytes_text("127.0.0.1:0"), "resp", &address, &error) == TRIB_OK);
	const struct trib_resp_options door_options = { .address = &address, .auth = auth, .engine = engine };

	uv_loop_init(&loop);
	trib_assert(trib_resp_start(&loop, &door_options, &door, &error) == TRIB_OK);
}

/* The twin of what writes replies. False where the bytes are no reply. */
static bool skip_reply(struct trib_bytes *rest, int depth)
{
	const char *end = rest->size ? memmem(rest->data, rest->size, "\r\n", 2) : NULL;

	if (!end || depth > REPLY_DEPTH_MAX)
		return false;
	char type = rest->data[0];
	struct trib_bytes number_text = trib_bytes(rest->data + 1, (size_t)(end - rest->data) - 1);
	int64_t number = 0;

	*rest = trib_bytes(end + 2, rest->size - (size_t)(end + 2 - rest->data));
	if (type == '+' || type == '-')
		return true;
	if (type == '_')
		return number_text.size == 0;
	if (!trib_bytes_to_i64(number_text, &number))
		return false;
	if (type == ':')
		return true;
	if (type == '$' || type == '=') {
		if (number < 0)
			return number == -1 && type == '$';
		if ((uint64_t)number + 2 > rest->size || memcmp(rest->data + number, "\r\n", 2) != 0)
			return false;
		*rest = trib_bytes(rest->data + number + 2, rest->size - (size_t)number - 2);
		return true;
	}
	if (type != '*' && type != '%')
		return false;
	for (int64_t i = 0; i < (type == '%' ? 2 * number : number); i++)
		if (!skip_reply(rest, depth + 1))
			return false;
	return number >= (type == '*' ? -1 : 0);
}

static void expect_replies(struct trib_bytes rest, size_t n)
{
	for (size_t i = 0; i < n; i++)
		trib_assert(skip_reply(&rest, 0));
	trib_assert(rest.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trib_bytes args[TRIB_LIMIT_RESP_ARGUMENTS];
	struct trib_buffer out;
	struct trib_error error;
	size_t used = 0, n, consumed, commands = 0;

	if (inputs++ % INPUTS_OF_AN_ENGINE == 0) {
		end_engine();
		begin_engine();
		if (inputs == 1) /* behind RocksDB's own, so that ours runs first */
			atexit(end_engine);
	}
	trib_buffer_init(&out, 64 << 20);
	struct resp_client client = { .resp = door, .engine = engine, .auth = auth, .out = &out, .id = 1, .version = 2,
				      .allowed = true };

	while (!client.closing && !out.failed &&
	       trib_resp_parse(trib_bytes(data + used, size - used), args, &n, &consumed, &error) == TRIB_RESP_COMMAND) {
		trib_assert(consumed > 0 && consumed <= size - used && n <= TRIB_LIMIT_RESP_ARGUMENTS);
		used += consumed;
		if (n == 0)
			continue;
		commands++;
		resp_command(&client, args, n);
	}
	resp_commands_flush(&client);
	if (!out.failed)
		expect_replies(trib_buffer_bytes(&out), commands);
	trib_buffer_fini(&out);
	trib_engine_turn(engine);
	if (inputs < CHECK_EVERY || inputs % CHECK_EVERY == 0) {
		const char *reason = "";

		trib_assert(trib_engine_check(engine, &reason));
	}
	return 0;
}
