/*
 * `bench-switch [--orders N]`: rule trees at work. First what it costs to check and compile 10,000 nodes, by shapes of
 * trees. Then such a tree is put and activated while orders go on: how long from the upload until the first order is
 * decided by it, and how long the engine's longest turn was, beside the longest without an upload. Then the orders (half
 * a million) are decided again by another tree: a simulation.
 *
 * Orders come by tokens, in batches of 256; a turn is one batch and whatever else the engine has to do.
 */
#include <time.h>
#include "market.h"

enum { NODES = 10000, PUTS = 8, COMPILES = 5 };

static struct trib_engine *engine;
static uint32_t seen_version; /* of the tree, by the newest order */
static uint64_t orders;

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

/* All nodes side by side: a goods each, ranges of two numbers each, or conditions for the evaluator. */
static void write_flat(struct trib_buffer *json, const char *when)
{
	trib_buffer_reset(json);
	trib_buffer_add_text(json, "{\"root\":{\"id\":\"r\",\"children\":[");
	for (int i = 1; i < NODES; i++) {
		trib_buffer_add_format(json, "%s{\"id\":\"n%d\",\"when\":\"", i > 1 ? "," : "", i);
		trib_buffer_add_format(json, when, i, NODES - i);
		trib_buffer_add_text(json, "\"}");
	}
	trib_buffer_add_text(json, "]}}");
}

static void bench_compile(const char *what, const struct trib_buffer *json)
{
	const struct trib_hash_key key = { { 7 } };
	double best = 1e9;

	for (int i = 0; i < COMPILES; i++) {
		double begun = cpu_seconds();
		struct trib_tree *tree;
		struct trib_error error;

		bench_must(trib_rules_prepare(&key, trib_bytes_text("t"), trib_buffer_bytes(json), &tree,
					      &error),
			   &error);
		best = TRIB_MIN(best, cpu_seconds() - begun);
		trib_tree_unref(tree);
	}
	printf("checked and compiled: %.1f ms of CPU, the least of %d: %s\n", 1e3 * best, COMPILES, what);
}

static void bench_compiles(void)
{
	struct trib_buffer json;

	trib_buffer_init(&json, 16 << 20);
	write_tree(&json, 0);
	bench_compile("10,000 nodes: 99 categories of 100, two numbers each", &json);
	write_flat(&json, "order.goods=='g%d'");
	bench_compile("10,000 siblings, a goods each", &json);
	write_flat(&json, "goods.price>%d&&order.qty>%d");
	bench_compile("10,000 siblings, ranges of two numbers", &json);
	write_flat(&json, "goods.price*%d>order.qty*%d");
	bench_compile("10,000 siblings, arithmetic", &json);
	trib_buffer_fini(&json);
}

static void answered(void *context, size_t i, const struct trib_order_answer *answer)
{
	bench_must(answer->status, answer->error);
	/* Versions come one after another, and never back. */
	trib_assert(answer->record->tree_version >= seen_version);
	seen_version = answer->record->tree_version;
}

/* One batch and all else that the engine has to do; how long that took. */
static int64_t turn(void)
{
	const struct trib_order_request *requests = bench_market_batch(orders);
	int64_t begun = now_ns();

	trib_engine_orders(engine, requests, BENCH_BATCH, answered, NULL);
	orders += BENCH_BATCH;
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

	bench_call(engine, &upload, &put_done);
	while (seen_version == before) {
		*longest = TRIB_MAX(*longest, turn());
		if (put_done && !activate.version) {
			activate.version = trib_rules_latest(trib_engine_rules(engine), 1);
			bench_call(engine, &activate, &activated);
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

	bench_must(trib_simulate(&options, &progress, &report, &error), &error);
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
	bench_compiles();
	if (!mkdtemp(data))
		return 1;
	bench_must(trib_engine_open(&options, &engine, &error), &error);
	bench_market_make(engine);
	bench_switches();
	while (orders < count)
		turn();
	trib_engine_settle(engine);
	trib_engine_close(engine);
	bench_simulation(data);
	bench_remove(data);
	return 0;
}
