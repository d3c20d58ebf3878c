/*
 * One order service of the fleet bench (bench/fleet.py): resolves its orders by libtributary, or asks the server for each.
 *
 *	bench-fleet client|rpc SNAPSHOT HTTP RESP ACCESS TOKENS ORDERS NUMBER
 *
 * TOKENS holds "goods token" a line, a line a plan; orders draw from it by Zipf's law. One line of JSON at the end.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "base/rng.h"
#include "tributary/tributary.h"

enum { TOKENS_MAX = 20000, LATENCIES = 1 << 20 };

struct choice {
	char goods[65], token[121];
};

static struct choice choices[TOKENS_MAX];
static uint32_t n_choices;
static int64_t resolve_ns[LATENCIES];

static struct trib_client_text text(const char *string)
{
	return (struct trib_client_text){ string, strlen(string) };
}

static void read_choices(const char *path)
{
	FILE *file = fopen(path, "re");

	trib_assert(file);
	while (n_choices < TOKENS_MAX &&
	       fscanf(file, "%64s %120s", choices[n_choices].goods, choices[n_choices].token) == 2)
		n_choices++;
	fclose(file);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* What the run came to, printed for bench/fleet.py. */
struct tally {
	uint64_t orders, with_token, here, asked, failed, serialised;
	int64_t cpu_ns, wall_ns;
	bool flushed;
};

static struct trib_client *open_client(char **argv)
{
	const struct trib_client_options options = { .size = sizeof(options), .snapshot_file = argv[2], .http = argv[3],
						     .resp = argv[4], .access_token = argv[5] };
	struct trib_client_state state = { .size = sizeof(state) };
	struct trib_client_error error;
	struct trib_client *client;

	if (trib_client_open(&options, &client, &error) != TRIB_CLIENT_OK) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	for (int i = 0; i < 3000 && !(state.has_snapshot && state.has_keys); i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		trib_client_state(client, &state);
	}
	return client;
}

/* One order: resolved here and recorded, or asked for. */
static void settle_order(struct trib_client *client, struct trib_resolver *resolver, const struct trib_client_order *line,
			 struct tally *tally)
{
	struct trib_client_answer answer = { .size = sizeof(answer), .needs_server = 1 };
	int status = TRIB_CLIENT_OK;

	if (resolver) {
		int64_t from_ns = trib_clock_monotonic_ns(trib_clock_system());

		status = trib_resolve(resolver, line, &answer);
		resolve_ns[tally->orders % LATENCIES] = trib_clock_monotonic_ns(trib_clock_system()) - from_ns;
	}
	tally->orders++;
	if (status == TRIB_CLIENT_OK && !answer.needs_server) {
		tally->here += line->token.size > 1;
		tally->serialised++;
		while (trib_client_record(client, line, &answer) == TRIB_CLIENT_BUSY)
			trib_client_flush(client, 1000);
		return;
	}
	tally->asked++;
	tally->serialised += 2;
	tally->failed += trib_client_ask(client, line, &answer, 30000) != TRIB_CLIENT_OK;
}

static void settle_orders(struct trib_client *client, struct trib_resolver *resolver, const char *mode, uint64_t n,
			  uint64_t number, struct tally *tally)
{
	int64_t at_ms = trib_clock_wall_ms(trib_clock_system());
	struct trib_zipf zipf;
	struct trib_rng rng;

	trib_rng_seed(&rng, 1000 + number);
	trib_zipf_init(&zipf, n_choices, 1.1);
	for (uint64_t i = 0; i < n; i++) {
		const struct choice *choice = &choices[trib_zipf_draw(&zipf, &rng) % n_choices];
		bool bears = trib_rng_below(&rng, 100) != 0;
		char order[48], user[24];

		snprintf(order, sizeof(order), "%s%" PRIu64 "-%" PRIu64, mode, number, i);
		snprintf(user, sizeof(user), "u%u", (unsigned)trib_rng_below(&rng, 1000000));
		const struct trib_client_order line = { .size = sizeof(line), .order = text(order), .user = text(user),
							.goods = text(choice->goods),
							.token = text(bears ? choice->token : "-"),
							.base_amount = (int64_t)trib_rng_below(&rng, 30000), .at_ms = at_ms };

		tally->with_token += bears;
		settle_order(client, resolver, &line, tally);
	}
}

static void print_tally(const struct tally *tally, const struct trib_client_state *state)
{
	uint64_t kept = TRIB_MIN(tally->orders, (uint64_t)LATENCIES);

	qsort(resolve_ns, kept, sizeof(*resolve_ns), compare);
	printf("{\"orders\":%" PRIu64 ",\"with_token\":%" PRIu64 ",\"here\":%" PRIu64 ",\"asked\":%" PRIu64 ",\"failed\":%" PRIu64
	       ",\"serialised\":%" PRIu64 ",\"recorded\":%" PRIu64 ",\"differed\":%" PRIu64 ",\"refused\":%" PRIu64
	       ",\"flushed\":%d,\"cpu_ms\":%" PRId64 ",\"wall_ms\":%" PRId64 ",\"p50_ns\":%" PRId64 ",\"p99_ns\":%" PRId64 "}\n",
	       tally->orders, tally->with_token, tally->here, tally->asked, tally->failed, tally->serialised,
	       state->accepted + state->repeated, state->differed, state->refused, tally->flushed, tally->cpu_ns / 1000000,
	       tally->wall_ns / 1000000, resolve_ns[kept / 2], resolve_ns[kept - 1 - kept / 100]);
}

int main(int argc, char **argv)
{
	trib_assert(argc == 9);
	struct trib_client_state state = { .size = sizeof(state) };
	struct tally tally = { 0 };

	read_choices(argv[6]);
	struct trib_client *client = open_client(argv);
	struct trib_resolver *resolver = strcmp(argv[1], "rpc") ? trib_resolver_new(client) : NULL;
	int64_t begun_ns = cpu_ns(), wall_ns = trib_clock_monotonic_ns(trib_clock_system());

	settle_orders(client, resolver, argv[1], strtoull(argv[7], NULL, 10), strtoull(argv[8], NULL, 10), &tally);
	tally.cpu_ns = cpu_ns() - begun_ns;
	tally.flushed = trib_client_flush(client, 120000) == TRIB_CLIENT_OK;
	tally.wall_ns = trib_clock_monotonic_ns(trib_clock_system()) - wall_ns;
	trib_client_state(client, &state);
	print_tally(&tally, &state);
	trib_resolver_free(resolver);
	trib_client_close(client, 0);
	return tally.failed != 0 || !tally.flushed;
}
