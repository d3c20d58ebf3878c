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
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Between inputs the engine keeps memory in places where the leak checker does not look: mappings of its own. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

enum { INPUTS_OF_AN_ENGINE = 5000, CHECK_EVERY = 64, REPLY_DEPTH_MAX = 16 };
#define START_MS INT64_C(1790000000000)

/* By the quantity of an order. */
static const char rules[] =
	"{\"root\":{\"id\":\"r\",\"shares\":["
	"{\"name\":\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"},"
	"{\"name\":\"service\",\"to\":\"leader\",\"from\":\"merchant\",\"bps\":\"terms.service_bps\"},"
	"{\"name\":\"tech\",\"to\":\"platform\",\"from\":\"creator\",\"of\":\"commission\",\"bps\":\"terms.platform_bps\","
	"\"round\":\"half_even\"},"
	"{\"name\":\"agency\",\"to\":\"agency\",\"from\":\"creator\",\"of\":\"commission\",\"take\":\"rest\","
	"\"bps\":\"terms.agency_bps\"}],\"children\":["
	"{\"id\":\"n2\",\"when\":\"order.qty == 2\",\"model\":\"position\",\"match\":\"shop\"},"
	"{\"id\":\"n3\",\"when\":\"order.qty == 3\",\"model\":\"decay\",\"match\":\"any\",\"half_life\":\"1h\",\"assist\":\"linear\"},"
	"{\"id\":\"n4\",\"when\":\"order.qty == 4\",\"held\":true},"
	"{\"id\":\"n5\",\"when\":\"order.qty == 5\",\"after_settlement\":\"keep\",\"lock\":\"pay\"},"
	"{\"id\":\"n6\",\"when\":\"order.qty == 6\",\"after_settlement\":\"claw_back_within\",\"claw_back_within\":\"1d\",\"deposit_counts\":true,"
	"\"lock\":\"deposit\"},"
	"{\"id\":\"n7\",\"when\":\"order.qty == 7\",\"base\":\"order.paid - order.freight * 2\"},"
	"{\"id\":\"n8\",\"when\":\"order.qty == 8 && counter.user_clicks_1h > 1\",\"outcome\":\"self_purchase\",\"reason\":\"r\"},"
	"{\"id\":\"n9\",\"when\":\"order.qty == 9 && order.page == 'live_cart'\",\"model\":\"first\"}]}}";

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

/* Runs a call to its end. */
static void run(struct trib_call *call)
{
	bool done = false;

	call->done = on_done;
	call->context = &done;
	trib_buffer_init(&call->reply, 1 << 16);
	trib_assert(trib_engine_submit(engine, call));
	while (!done) {
		trib_engine_turn(engine);
		trib_engine_settle(engine);
	}
	trib_buffer_fini(&call->reply);
}

static void put(enum trib_noun noun, const char *json)
{
	struct trib_arena arena;
	ProtobufCMessage *message;
	struct trib_error error;
	struct trib_call call = { .kind = TRIB_CALL_PUT, .noun = noun, .name = trib_bytes_text("x") };

	trib_arena_init(&arena, 1 << 20);
	trib_assert(trib_proto_from_json(trib_noun_descriptor(noun), trib_bytes_text(json), &arena, &message, &error) ==
		    TRIB_OK);
	call.body = message;
	run(&call);
	trib_arena_fini(&arena);
}

static void put_rules(const char *name, uint32_t version, const char *json)
{
	struct trib_call call = { .kind = TRIB_CALL_RULES_PUT, .name = trib_bytes_text(name), .source = trib_bytes_text(json) };
	struct trib_call activate = { .kind = TRIB_CALL_RULES_ACTIVATE, .name = trib_bytes_text(name), .version = version };

	run(&call);
	run(&activate);
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

/* What makes lines differ: plans that compete, steps and budgets, agencies and leaders, and of the rules a node a quantity. */
static void put_rich_market(void)
{
	put(TRIB_NOUN_PARTY, "{\"id\":\"a1\",\"roles\":[\"agency\"]}");
	put(TRIB_NOUN_PARTY, "{\"id\":\"l1\",\"roles\":[\"leader\"]}");
	put(TRIB_NOUN_PARTY, "{\"id\":\"c1\",\"roles\":[\"creator\"],\"tags\":[\"mum\"],\"agency\":\"a1\",\"user_ids\":[\"c1u\"]}");
	put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\",\"g2\"],\"terms\":{\"commission_bps\":1000,"
			    "\"service_bps\":300,\"leader\":\"l1\",\"platform_bps\":500,\"agency_bps\":2000},\"budget\":5000,"
			    "\"daily_cap\":3000,\"step\":{\"tiers\":[{\"from\":2,\"bps\":100},{\"from\":4,\"bps\":300}]}}");
	put(TRIB_NOUN_PLAN, "{\"id\":\"p2\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"kind\":\"targeted\",\"creators\":[\"c2\"],"
			    "\"terms\":{\"commission_bps\":2000},\"incentive\":{\"bps\":100,\"budget\":200},"
			    "\"new_to_shop\":{\"amount\":50}}");
	put(TRIB_NOUN_PLAN, "{\"id\":\"p3\",\"merchant\":\"m1\",\"goods\":[\"g2\"],\"kind\":\"exclusive\","
			    "\"creators_when\":\"'mum' in creator.tags\",\"terms\":{\"commission_bps\":3000},\"grace\":\"1d\"}");
	put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r2\",\"channel\":\"live\",\"scene\":\"live\",\"when\":\"goods.price > 600\"}");
	put(TRIB_NOUN_BLOCK, "{\"id\":\"b1\",\"kind\":\"user\",\"value\":\"u9\"}");
	put_rules("default", 2, rules);
	put_rules("live", 1, "{\"scene\":\"live\",\"root\":{\"id\":\"r\",\"when\":\"touch.same_carrier\",\"shares\":[{\"name\":"
			     "\"commission\",\"to\":\"creator\",\"from\":\"platform\",\"bps\":700}]}}");
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
	put_rich_market();
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
	struct resp_client client = { .resp = door, .engine = engine, .auth = auth, .out = &out, .id = 1, .version = 2 };

	resp_set_rights(&client);

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

/* --- Mutation ----------------------------------------------------------------------------------------- */

/* Commands and words of them are changed, and their lengths made to fit again. */
enum { COMMANDS_MAX = 64 };

struct words {
	struct trib_bytes word[TRIB_LIMIT_RESP_ARGUMENTS];
	size_t n;
};

static const char *const vocabulary[] = {
	"ATTRIBUTE", "TOUCH", "LINK", "TRACK", "ORDER", "REFUND", "REVIEW", "EXPLAIN", "RECORD", "AT", "QTY", "SCENE", "CARRIER",
	"PAGE", "EXT", "BRIEF", "KIND", "OFFER", "AMOUNTS", "REASON", "BASE", "BY", "created", "paid", "shipped", "received",
	"settled", "invalid", "full", "partial", "refund_only", "return", "freight_only", "price_protection", "exchange",
	"chargeback", "forfeiture", "release", "reject", "-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "1999",
	"1790000000000", "1790000000001", "1789999990000", "9223372036854775807", "o1", "o2", "o1/1", "o1/2", "u1", "u9", "c1u",
	"g1", "g2", "c1", "c2", "p1", "p2", "p3", "app", "live", "view", "click", "live_cart",
	"AQIAAAEBAQEBAQNFgNjBoow0AgzdM2NGrUM8N6ZVJvCrlQ", "AQIAAAECAQEBAQRFgNjBoow0O8u2_VeyEIWNsu2zd1k7_Q",
	"AQIAAAEDAQEBAgNFgNjBoow0cpH-N4vIVm5RhAyd0VW_Yg",
};

static size_t parse(struct trib_bytes input, struct words *commands)
{
	struct trib_error error;
	size_t used = 0, n = 0, consumed;

	while (n < COMMANDS_MAX &&
	       trib_resp_parse(trib_bytes(input.data + used, input.size - used), commands[n].word, &commands[n].n, &consumed,
			       &error) == TRIB_RESP_COMMAND) {
		used += consumed;
		n += commands[n].n > 0;
	}
	return n;
}

static void change_word(struct words *command, struct trib_rng *rng, char *room, size_t room_bytes)
{
	struct trib_bytes *word = &command->word[trib_rng_below(rng, command->n)];
	const struct trib_bytes other = command->word[trib_rng_below(rng, command->n)];
	bool record = trib_bytes_is(command->word[0], "RECORD") && word != command->word;

	switch (trib_rng_below(rng, 6)) {
	case 0:
		if (word->size < room_bytes / 2)
			*word = trib_bytes(room, record ? fuzz_put_message(room, *word, room_bytes, rng, 0) :
							  fuzz_mutate_bytes(room, *word, room_bytes));
		break;
	case 1: *word = other; break;
	case 2: /* one more */
		if (command->n < TRIB_LIMIT_RESP_ARGUMENTS)
			command->word[command->n++] = other;
		break;
	case 3: command->n -= command->n > 1; break;
	default: *word = trib_bytes_text(vocabulary[trib_rng_below(rng, TRIB_ARRAY_SIZE(vocabulary))]);
	}
}

static void put_commands(const struct words *commands, size_t n, struct trib_buffer *out)
{
	for (size_t i = 0; i < n; i++) {
		trib_buffer_add_format(out, "*%zu\r\n", commands[i].n);
		for (size_t j = 0; j < commands[i].n; j++) {
			trib_buffer_add_format(out, "$%zu\r\n", commands[i].word[j].size);
			trib_buffer_add_bytes(out, commands[i].word[j]);
			trib_buffer_add_text(out, "\r\n");
		}
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static struct words commands[COMMANDS_MAX + 1];
	static char room[8192];
	struct trib_buffer out;
	struct trib_rng rng;
	size_t made = 0, n = parse(trib_bytes((char *)data, size), commands);

	trib_rng_seed(&rng, seed);
	if (n == 0 || trib_rng_chance(&rng, 0.1))
		return LLVMFuzzerMutate(data, size, max);
	size_t victim = trib_rng_below(&rng, n);

	switch (trib_rng_below(&rng, 8)) {
	case 0: /* one twice, at the end */
		commands[n++] = commands[victim];
		break;
	case 1: commands[victim] = commands[--n]; break;
	default:
		for (uint64_t changes = 1 + trib_rng_below(&rng, 2); changes-- > 0;)
			change_word(&commands[victim], &rng, room + changes * sizeof(room) / 2, sizeof(room) / 2);
	}
	trib_buffer_init(&out, 1 << 20);
	put_commands(commands, n, &out);
	if (!out.failed && out.size && out.size <= max) {
		memcpy(data, out.data, out.size);
		made = out.size;
	}
	trib_buffer_fini(&out);
	return made ? made : LLVMFuzzerMutate(data, size, max);
}
