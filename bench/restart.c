/*
 * `bench-restart [--orders N] [--data FOLDER] [--share MIB]`: how long an engine takes to open after kill -9, with N orders of
 * history (100 million) and the worst tail that its checkpoints leave, beside the same with a tenth of the history.
 *
 * The history is made in a child process through the engine itself, which then dies where it stands: with as much
 * journal behind the store as the engine lets commands run ahead of a checkpoint that does not end. Each order is one of its own,
 * by one of 4,096 tokens of 64 creators and goods. Then new orders come, and each asks the filters over the past; with a
 * smaller share of the journal to a checkpoint (256 MiB), the same orders make more runs.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include "market.h"

enum { WORST_SHARES = 5, NEW_ORDERS = 1000000 };
#define FIRST_NEW_ORDER (UINT64_C(1) << 40)

static struct trib_engine *engine;
static uint64_t share_bytes = UINT64_C(256) << 20; /* what the engine's default is */

static void answered(void *context, size_t i, const struct trib_order_answer *answer)
{
	bench_must(answer->status, answer->error);
}

static void place_orders(uint64_t first)
{
	trib_engine_orders(engine, bench_market_batch(first), BENCH_BATCH, answered, NULL);
	trib_engine_turn(engine);
}

static uint64_t tail_bytes(void)
{
	struct trib_engine_counts counts;

	trib_engine_count(engine, &counts);
	return counts.position - counts.store_position;
}

static void open_for(const char *data, uint64_t checkpoint_bytes)
{
	const struct trib_engine_options options = { .data = data, .segment_bytes = 256 << 20,
						     .sync = TRIB_JOURNAL_SYNC_OFF,
						     .checkpoint_bytes = checkpoint_bytes };
	struct trib_error error;

	bench_must(trib_engine_open(&options, &engine, &error), &error);
}

/* Runs in the child, and does not return. */
static void make_history(const char *data, uint64_t orders)
{
	struct trib_engine_counts counts;
	uint64_t done = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	open_for(data, share_bytes);
	bench_market_make(engine);
	for (; done < orders; done += BENCH_BATCH) {
		place_orders(done);
		bench_progress("history", done, orders);
	}
	trib_engine_count(engine, &counts);
	trib_engine_close(engine);
	/* On to the worst moment: as much journal as commands may run ahead of a checkpoint that does not end. */
	open_for(data, WORST_SHARES * share_bytes * 2);
	for (; tail_bytes() < WORST_SHARES * share_bytes; done += BENCH_BATCH)
		place_orders(done);
	trib_engine_settle(engine);
	fprintf(stderr, "\r%60s\r", "");
	printf("%" PRIu64 " orders, %" PRIu64 " checkpoints; dies with %" PRIu64 " MiB of journal behind the last one\n",
	       done, counts.checkpoints, tail_bytes() >> 20);
	fflush(stdout);
	kill(getpid(), SIGKILL);
}

/* What the filters of the past cost a new order. */
static void time_new_orders(void)
{
	int64_t begun = trib_cpu_thread_ns();

	for (uint64_t i = 0; i < NEW_ORDERS; i += BENCH_BATCH)
		place_orders(FIRST_NEW_ORDER + i);
	printf("then new orders: %.0f per CPU-second of the engine's thread\n",
	       NEW_ORDERS / ((double)(trib_cpu_thread_ns() - begun) / 1e9));
}

static double time_open(const char *data)
{
	const struct trib_engine_options options = { .data = data, .segment_bytes = 256 << 20 };
	struct trib_error error;
	struct trib_engine_counts counts;
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system());

	bench_must(trib_engine_open(&options, &engine, &error), &error);
	double seconds = (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun) / 1e9;

	trib_engine_count(engine, &counts);
	printf("open: %.2f s, %" PRIu64 " events replayed, %" PRIu64 " filters over the past\n", seconds, counts.replayed_events,
	       counts.runs);
	time_new_orders();
	trib_engine_abandon(engine);
	return seconds;
}

/* Makes and opens in a child each: RocksDB's threads would not come along into a child of a process that has used it. */
static double one_size(const char *folder, uint64_t orders)
{
	double *seconds = mmap(NULL, sizeof(*seconds), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char data[4096];

	trib_assert(seconds != MAP_FAILED);
	snprintf(data, sizeof(data), "%s/%" PRIu64, folder, orders);
	fflush(stdout);
	pid_t child = fork();

	if (child == 0)
		make_history(data, orders);
	waitpid(child, NULL, 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		*seconds = time_open(data);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	bench_remove(data);
	return *seconds;
}

int main(int argc, char **argv)
{
	static char folder[64] = "/var/tmp/tributary-restart-XXXXXX";
	uint64_t orders = 100000000;
	const char *data = NULL;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--orders"))
			orders = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--data"))
			data = argv[i + 1];
		else if (!strcmp(argv[i], "--share"))
			share_bytes = strtoull(argv[i + 1], NULL, 10) << 20;
	}
	if (!data)
		data = mkdtemp(folder);
	mkdir(data, 0700);
	setvbuf(stdout, NULL, _IOLBF, 0);
	bench_machine(data);
	double small = one_size(data, orders / 10);
	double large = one_size(data, orders);

	printf("restart with %" PRIu64 " orders: %.2f s; with a tenth of them: %.2f s\n", orders, large, small);
	bench_remove(data);
	return 0;
}
