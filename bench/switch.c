/*
 * `bench-switch [--orders N]`: rule trees at work. First a tree of 10,000 nodes is put and activated while orders go
 * on: how long from the upload until the first order is decided by it, and how long the engine's longest turn was, beside
 * the longest without an upload. Then the orders (half a million) are decided again by another tree: a simulation.
 *
 * Orders come by tokens, in batches of 256; a turn is one batch and whatever else the engine has to do.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include "bench.h"
#include "engine/engine.h"

enum { TOKENS = 4096, NOUNS = 64, BATCH = 256, NODES = 10000, PUTS = 8 };

static char tokens[TOKENS][TRIB_LIMIT_TOKEN_CHARS];
static size_t token_sizes[TOKENS];
static struct trib_engine *engine;
static uint32_t seen_version; /* of the tree, by the newest order */
static uint64_t orders;

static void must(trib_status status, const struct trib_error *error)
{
	if (status == TRIB_OK)
		return;
	fprintf(stderr, "bench-switch: %s: %s\n", error->at, error->text);
	_exit(1);
}

static int64_t now_ns(void)
{
	return trib_clock_monotonic_ns(trib_clock_system());
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void note_done(struct trib_call *call)
{
	must(call->status, &call->error);
	__atomic_store_n((bool *)call->context, true, __ATOMIC_RELEASE);
}

/* Another thread of one's own would do; here the engine's loop looks after it. */
static void begin(struct trib_call *call, bool *done)
{
	*done = false;
	call->done = note_done;
	call->context = done;
	trib_buffer_init(&call->reply, 1 << 20);
	trib_engine_submit(engine, call);
}

static void put(enum trib_noun noun, const char *format, int i)
{
	struct trib_call call = { .kind = TRIB_CALL_PUT, .noun = noun };
	struct trib_arena arena;
	struct trib_error error;
	ProtobufCMessage *message;
	bool done;
	char json[512];

	snprintf(json, sizeof(json), format, i, i, i);
	trib_arena_init(&arena, 1 << 20);
	must(trib_proto_from_json(trib_noun_descriptor(noun), trib_bytes_text(json), &arena,
				  &message, &error),
	     &error);
	call.body = message;
	begin(&call, &done);
	while (!done) {
		trib_engine_turn(engine);
		trib_engine_settle(engine);
	}
	trib_buffer_fini(&call.reply);
	trib_arena_fini(&arena);
}

static void make_market(void)
{
	struct trib_error error;
	enum trib_outcome outcome;
	char creator[16], goods[16];

	put(TRIB_NOUN_REGISTRATION, "{\"id\":\"r%d\",\"channel\":\"app\"}", 0);
	for (int i = 0; i < NOUNS; i++) {
		put(TRIB_NOUN_PARTY, "{\"id\":\"m%d\",\"roles\":[\"merchant\"]}", i);
		put(TRIB_NOUN_PARTY, "{\"id\":\"c%d\",\"roles\":[\"creator\"]}", i);
		put(TRIB_NOUN_GOODS, "{\"id\":\"g%d\",\"merchant\":\"m%d\"}", i);
		put(TRIB_NOUN_PLAN,
		    "{\"id\":\"p%d\",\"merchant\":\"m%d\",\"goods\":[\"g%d\"],\"terms\":{"
		    "\"commission_bps\":1000}}",
		    i);
	}
	for (int i = 0; i < TOKENS; i++) {
		struct trib_link_request request = { .channel = trib_bytes_text("app") };

		snprintf(creator, sizeof(creator), "c%d", i % NOUNS);
		snprintf(goods, sizeof(goods), "g%d", i / NOUNS % NOUNS);
		request.creator = trib_bytes_text(creator);
		request.goods = trib_bytes_text(goods);
		must(trib_engine_link(engine, &request, tokens[i], &token_sizes[i], &outcome,
				      &error),
		     &error);
	}
	trib_engine_settle(engine);
}

/* As many nodes as a tree may have, each with a condition of its own; about 75 bytes a node. */
static void write_tree(struct trib_buffer *json, int salt)
{
	trib_buffer_reset(json);
	trib_buffer_add_text(json,
			     "{\"root\":{\"id\":\"r\",\"shares\":[{\"name\":\"commission\",\"to\":"
			     "\"creator\",\"from\":"
			     "\"merchant\",\"bps\":\"terms.commission_bps\"}],\"children\":[");
	for (int i = 0; i < 99; i++) {
		trib_buffer_add_format(
			json, "%s{\"id\":\"c%d\",\"when\":\"goods.category=='k%d'\",\"children\":[",
			i ? "," : "", i, i);
		for (int j = 0; j < 100; j++)
			trib_buffer_add_format(
				json,
				"%s{\"id\":\"%d-%d\",\"when\":\"goods.price>%d&&order.qty==%d\"}",
				j ? "," : "", i, j, salt + (100 - j) * 10, 2 + j % 40);
		trib_buffer_add_text(json, "]}");
	}
	trib_buffer_add_text(json, "]},\"scene\":\"default\"}");
}

static void answered(void *context, size_t i, const struct trib_order_answer *answer)
{
	must(answer->status, answer->error);
	/* Versions come one after another, and never back. */
	trib_assert(answer->record->tree_version >= seen_version);
	seen_version = answer->record->tree_version;
}

/* One batch and all else that the engine has to do; how long that took. */
static int64_t turn(void)
{
	static struct trib_order_request requests[BATCH];
	static char ids[BATCH][24], goods[BATCH][16];

	for (size_t i = 0; i < BATCH; i++, orders++) {
		uint64_t token = trib_hash_u64(orders) % TOKENS;

		snprintf(ids[i], sizeof(ids[i]), "o%" PRIu64, orders);
		snprintf(goods[i], sizeof(goods[i]), "g%d", (int)(token / NOUNS % NOUNS));
		requests[i] = (struct trib_order_request){
			.order = trib_bytes_text(ids[i]),
			.user = trib_bytes_text("u1"),
			.goods = trib_bytes_text(goods[i]),
			.token = trib_bytes(tokens[token], token_sizes[token]),
			.base_amount = 1000 + (int64_t)(orders % 9000)
		};
	}
	int64_t begun = now_ns();

	trib_engine_orders(engine, requests, BATCH, answered, NULL);
	trib_engine_turn(engine);
	return now_ns() - begun;
}

static int compare(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

/* Put, activate, first order: in ms. *longest: the engine's longest turn meanwhile. */
static double switch_once(const struct trib_buffer *json, int64_t *longest)
{
	struct trib_call upload = { .kind = TRIB_CALL_RULES_PUT,
				    .name = trib_bytes_text("default"),
				    .source = trib_buffer_bytes(json) };
	struct trib_call activate = { .kind = TRIB_CALL_RULES_ACTIVATE,
				      .name = trib_bytes_text("default") };
	uint32_t before = seen_version;
	int64_t begun = now_ns();
	bool put_done, activated = false;

	begin(&upload, &put_done);
	while (seen_version == before) {
		*longest = TRIB_MAX(*longest, turn());
		if (put_done && !activate.version) {
			activate.version = trib_rules_latest(trib_engine_rules(engine), 1);
			begin(&activate, &activated);
		}
	}
	double ms = (double)(now_ns() - begun) / 1e6;

	while (!activated)
		turn();
	trib_buffer_fini(&upload.reply);
	trib_buffer_fini(&activate.reply);
	return ms;
}

static void bench_switches(void)
{
	int64_t turns[4000], with[PUTS] = { 0 };
	struct trib_buffer json;
	double total[PUTS];

	trib_buffer_init(&json, 16 << 20);
	for (int i = 0; i < 1000; i++)
		turn();
	for (int i = 0; i < 4000; i++)
		turns[i] = turn();
	qsort(turns, 4000, sizeof(turns[0]), compare);
	printf("turns of 256 orders, no upload: median %.2f ms, 99.9 %% %.2f ms, longest %.2f ms\n",
	       (double)turns[2000] / 1e6, (double)turns[3996] / 1e6, (double)turns[3999] / 1e6);
	for (int i = 0; i < PUTS; i++) {
		write_tree(&json, 1000 * i);
		total[i] = switch_once(&json, &with[i]);
	}
	printf("tree of %d nodes, %zu bytes: upload to first order decided by it", NODES,
	       json.size);
	for (int i = 0; i < PUTS; i++)
		printf("%s%.0f", i ? ", " : " ", total[i]);
	printf(" ms; the engine's longest turn meanwhile");
	for (int i = 0; i < PUTS; i++)
		printf("%s%.2f", i ? ", " : " ", (double)with[i] / 1e6);
	puts(" ms");
	trib_buffer_fini(&json);
}

static void bench_simulation(const char *data)
{
	static const char candidate[] =
		"{\"root\":{\"id\":\"r\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\","
		"\"from\":\"merchant\",\"bps\":"
		"\"terms.commission_bps\"}],\"children\":[{\"id\":\"big\",\"when\":\"order.base > "
		"8000\",\"shares\":[{\"name\":"
		"\"commission\",\"to\":\"creator\",\"from\":\"merchant\",\"bps\":500}]}]},"
		"\"scene\":\"default\"}";
	const struct trib_simulate_options options = { .data = data,
						       .name = trib_bytes_text("default"),
						       .source = trib_bytes_text(candidate) };
	struct trib_simulate_progress progress = { 0 };
	struct trib_buffer report;
	struct trib_error error;

	trib_buffer_init(&report, 64 << 20);
	double begun = cpu_seconds();

	must(trib_simulate(&options, &progress, &report, &error), &error);
	double seconds = cpu_seconds() - begun;

	printf("simulation: %" PRIu64
	       " orders decided again in %.2f CPU-seconds, %.2f million a CPU-second\n",
	       progress.orders, seconds, (double)progress.orders / seconds / 1e6);
	trib_buffer_fini(&report);
}

int main(int argc, char **argv)
{
	uint64_t count = 500000;
	char data[] = "/tmp/trib-switch-XXXXXX";
	const struct trib_engine_options options = { .data = data,
						     .sync = TRIB_JOURNAL_SYNC_OFF,
						     .segment_bytes = 64 << 20,
						     .ring_bytes = 128 << 20,
						     .order_index_bytes = 64 << 20,
						     .touches_bytes = 64 << 20 };
	struct trib_error error;

	if (argc == 3 && !strcmp(argv[1], "--orders"))
		count = strtoull(argv[2], NULL, 10);
	if (!mkdtemp(data))
		return 1;
	must(trib_engine_open(&options, &engine, &error), &error);
	make_market();
	bench_switches();
	while (orders < count)
		turn();
	trib_engine_settle(engine);
	trib_engine_close(engine);
	bench_simulation(data);
	bench_remove(data);
	return 0;
}
