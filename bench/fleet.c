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

int main(int argc, char **argv)
{
	trib_assert(argc == 9);
	bool rpc = !strcmp(argv[1], "rpc");
	struct trib_client_options options = { .size = sizeof(options), .snapshot_file = argv[2], .http = argv[3],
					       .resp = argv[4], .access_token = argv[5] };
	struct trib_client_answer answer = { .size = sizeof(answer) };
	struct trib_client_state state = { .size = sizeof(state) };
	uint64_t n = strtoull(argv[7], NULL, 10), number = strtoull(argv[8], NULL, 10);
	uint64_t here = 0, asked = 0, with_token = 0, failed = 0, serialised = 0;
	struct trib_client_error error;
	struct trib_client *client;
	struct trib_zipf zipf;
	struct trib_rng rng;

	read_choices(argv[6]);
	trib_rng_seed(&rng, 1000 + number);
	trib_zipf_init(&zipf, n_choices, 1.1);
	if (trib_client_open(&options, &client, &error) != TRIB_CLIENT_OK) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	for (int i = 0; i < 3000 && !(state.has_snapshot && state.has_keys); i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		trib_client_state(client, &state);
	}
	struct trib_resolver *resolver = trib_resolver_new(client);
	int64_t at_ms = trib_clock_wall_ms(trib_clock_system()), begun_ns = cpu_ns();
	int64_t wall_ns = trib_clock_monotonic_ns(trib_clock_system());

	for (uint64_t i = 0; i < n; i++) {
		const struct choice *choice = &choices[trib_zipf_draw(&zipf, &rng) % n_choices];
		bool bears = trib_rng_below(&rng, 100) != 0;
		char order[48], user[24];

		snprintf(order, sizeof(order), "%s%" PRIu64 "-%" PRIu64, argv[1], number, i);
		snprintf(user, sizeof(user), "u%u", (unsigned)trib_rng_below(&rng, 1000000));
		struct trib_client_order line = { .size = sizeof(line), .order = text(order), .user = text(user),
						  .goods = text(choice->goods),
						  .token = text(bears ? choice->token : "-"),
						  .base_amount = (int64_t)trib_rng_below(&rng, 30000), .at_ms = at_ms };
		int status = TRIB_CLIENT_OK;

		with_token += bears;
		answer.needs_server = 1;
		if (!rpc) {
			int64_t from_ns = trib_clock_monotonic_ns(trib_clock_system());

			status = trib_resolve(resolver, &line, &answer);
			resolve_ns[i % LATENCIES] = trib_clock_monotonic_ns(trib_clock_system()) - from_ns;
		}
		if (status == TRIB_CLIENT_OK && !answer.needs_server) {
			here += bears;
			serialised++;
			while (trib_client_record(client, &line, &answer) == TRIB_CLIENT_BUSY)
				trib_client_flush(client, 1000);
			continue;
		}
		asked++;
		serialised += 2;
		failed += trib_client_ask(client, &line, &answer, 30000) != TRIB_CLIENT_OK;
	}
	int64_t spent_ns = cpu_ns() - begun_ns;
	bool flushed = trib_client_flush(client, 120000) == TRIB_CLIENT_OK;

	wall_ns = trib_clock_monotonic_ns(trib_clock_system()) - wall_ns;
	trib_client_state(client, &state);
	uint64_t kept = TRIB_MIN(n, (uint64_t)LATENCIES);

	qsort(resolve_ns, kept, sizeof(*resolve_ns), compare);
	printf("{\"orders\":%" PRIu64 ",\"with_token\":%" PRIu64 ",\"here\":%" PRIu64 ",\"asked\":%" PRIu64 ",\"failed\":%" PRIu64
	       ",\"serialised\":%" PRIu64 ",\"recorded\":%" PRIu64 ",\"differed\":%" PRIu64 ",\"refused\":%" PRIu64
	       ",\"flushed\":%d,\"cpu_ms\":%" PRId64 ",\"wall_ms\":%" PRId64 ",\"p50_ns\":%" PRId64 ",\"p99_ns\":%" PRId64 "}\n",
	       n, with_token, here, asked, failed, serialised, state.accepted + state.repeated, state.differed, state.refused,
	       flushed, spent_ns / 1000000, wall_ns / 1000000, resolve_ns[kept / 2], resolve_ns[kept - 1 - kept / 100]);
	trib_resolver_free(resolver);
	trib_client_close(client, 0);
	return failed != 0 || !flushed;
}
