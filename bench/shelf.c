/*
 * `bench-shelf`: pages of shelves, with terms resolved, out of a real server; and what shelves cost to keep.
 *
 *	bench-shelf [--creators N] [--goods N] [--shelves N] [--seconds S] [--connections N] [--data FOLDER] [--keep] [--reuse]
 *
 * Made in a data folder through the engine itself: goods, plans of ten goods each (a third of them a leader's activity
 * beside), creators, and a shelf for each creator (--shelves: for the first N): log-normal sizes (median 8, mean 20, at most 500), goods by Zipf 0.85.
 * Then `tributary serve` is started on it, held to one core once it answers, and asked for pages of 50 by this process on another one.
 */
#include <dirent.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include "base/histogram.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "server.h"

enum { BATCH = 1000, PLAN_GOODS = 10, LEADERS = 100, PAGE = 50, ENTRIES_MAX = 500, IN_BYTES = 1 << 20,
       CONNECTIONS_MAX = 64, REQUEST_BYTES = 256, COLD_PAGES = 2000 };

static struct {
	uint64_t creators, goods, shelves, seconds, connections;
	const char *data, *server;
	bool keep, reuse;
} options = { .creators = 100000, .goods = 100000, .shelves = UINT64_MAX, .seconds = 5, .connections = 8 };

static struct trib_engine *engine;
static uint32_t *large; /* creators with a page of 50 at least */
static uint64_t n_large, n_entries;

static void must(trib_status status, const struct trib_error *error)
{
	if (status == TRIB_OK)
		return;
	fprintf(stderr, "bench-shelf: %s: %s\n", error->at, error->text);
	exit(1);
}

static double seconds_since(int64_t begun_ns)
{
	return (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun_ns) / 1e9;
}

static int64_t now_ns(void)
{
	return trib_clock_monotonic_ns(trib_clock_system());
}

/* --- The market --------------------------------------------------------------------------------------- */

static void put_done(struct trib_call *call)
{
	must(call->status, &call->error);
	*(bool *)call->context = true;
}

static void put_items(enum trib_noun noun, ProtobufCMessage **items, size_t n)
{
	static trib_status statuses[BATCH];
	static struct trib_error errors[BATCH];
	bool done = false;
	struct trib_call call = { .kind = TRIB_CALL_IMPORT, .noun = noun,
				  .items = (const ProtobufCMessage *const *)items, .n_items = n,
				  .item_status = statuses, .item_errors = errors, .done = put_done,
				  .context = &done };

	trib_buffer_init(&call.reply, 1 << 20);
	trib_engine_submit(engine, &call);
	while (!done) {
		if (trib_engine_turn(engine) != TRIB_ENGINE_RUNNING)
			must(TRIB_IO, trib_engine_reason(engine));
		trib_engine_settle(engine);
	}
	for (size_t i = 0; i < n; i++)
		must(statuses[i], &errors[i]);
	trib_buffer_fini(&call.reply);
}

/* What one message points to. */
struct texts {
	char text[PLAN_GOODS + 4][32];
	char *list[PLAN_GOODS];
	Tributary__Terms terms;
};

static void fill_merchant(uint64_t i, void *message, struct texts *texts)
{
	Tributary__Party *party = message;
	static char *roles[] = { "merchant" };

	snprintf(texts->text[0], 32, "m%" PRIu64, i);
	party->id = texts->text[0];
	party->roles = roles;
	party->n_roles = 1;
}

static void fill_leader(uint64_t i, void *message, struct texts *texts)
{
	Tributary__Party *party = message;
	static char *roles[] = { "leader" };

	snprintf(texts->text[0], 32, "l%" PRIu64, i);
	party->id = texts->text[0];
	party->roles = roles;
	party->n_roles = 1;
}

static void fill_creator(uint64_t i, void *message, struct texts *texts)
{
	Tributary__Party *party = message;
	static char *roles[] = { "creator" };

	snprintf(texts->text[0], 32, "c%" PRIu64, i);
	party->id = texts->text[0];
	party->roles = roles;
	party->n_roles = 1;
	party->has_level = party->has_followers = 1;
	party->level = (int64_t)(i % 7);
	party->followers = (int64_t)(trib_hash_u64(i) % 1000000);
}

static uint64_t merchants(void)
{
	return options.goods / 100 + 1;
}

static uint64_t merchant_of(uint64_t goods)
{
	return goods / PLAN_GOODS % merchants();
}

static void fill_goods(uint64_t i, void *message, struct texts *texts)
{
	Tributary__Goods *goods = message;
	static char *const categories[] = { "snack", "beauty", "apparel", "digital" };

	snprintf(texts->text[0], 32, "g%" PRIu64, i);
	snprintf(texts->text[1], 32, "m%" PRIu64, merchant_of(i));
	snprintf(texts->text[2], 32, "Goods of number %" PRIu64, i);
	goods->id = texts->text[0];
	goods->merchant = texts->text[1];
	goods->title = texts->text[2];
	goods->category = categories[i % 4];
	goods->site = "own";
	goods->has_price = goods->has_stock = 1;
	goods->price = (int64_t)(990 + trib_hash_u64(i) % 20000);
	goods->stock = (int64_t)(trib_hash_u64(i + 1) % 1000);
}

static void fill_plan_of(uint64_t i, Tributary__Plan *plan, struct texts *texts, char letter, uint64_t first)
{
	snprintf(texts->text[0], 32, "%c%" PRIu64, letter, i);
	snprintf(texts->text[1], 32, "m%" PRIu64, merchant_of(first));
	plan->id = texts->text[0];
	plan->merchant = texts->text[1];
	for (uint64_t n = 0; n < PLAN_GOODS && first + n < options.goods; n++) {
		snprintf(texts->text[4 + n], 32, "g%" PRIu64, first + n);
		texts->list[plan->n_goods++] = texts->text[4 + n];
	}
	plan->goods = texts->list;
	tributary__terms__init(&texts->terms);
	texts->terms.has_commission_bps = 1;
	texts->terms.commission_bps = (int32_t)(500 + i % 2000);
	plan->terms = &texts->terms;
}

static void fill_plan(uint64_t i, void *message, struct texts *texts)
{
	fill_plan_of(i, message, texts, 'p', i * PLAN_GOODS);
}

static void fill_activity(uint64_t i, void *message, struct texts *texts)
{
	Tributary__Plan *plan = message;

	fill_plan_of(i, plan, texts, 'a', i * 3 * PLAN_GOODS);
	snprintf(texts->text[2], 32, "l%" PRIu64, i % LEADERS);
	plan->kind = "activity";
	texts->terms.leader = texts->text[2];
	texts->terms.has_service_bps = 1;
	texts->terms.service_bps = 300;
}

static void put_many(const char *what, enum trib_noun noun, uint64_t n,
		     void (*fill)(uint64_t i, void *message, struct texts *texts))
{
	static struct texts texts[BATCH];
	static union {
		ProtobufCMessage base;
		Tributary__Party party;
		Tributary__Goods goods;
		Tributary__Plan plan;
	} messages[BATCH];
	ProtobufCMessage *items[BATCH];
	int64_t begun = now_ns();

	for (uint64_t i = 0; i < n;) {
		size_t count = 0;

		for (; count < BATCH && i < n; count++, i++) {
			protobuf_c_message_init(trib_noun_descriptor(noun), &messages[count]);
			fill(i, &messages[count], &texts[count]);
			items[count] = &messages[count].base;
		}
		put_items(noun, items, count);
		bench_progress(what, i, n);
	}
	printf("%-10s %9" PRIu64 " put, %.0f/s\n", what, n, (double)n / seconds_since(begun));
	fflush(stdout);
}

/* --- The shelves -------------------------------------------------------------------------------------- */

static uint32_t shelf_size(struct trib_rng *rng)
{
	double size = exp(log(8) + 1.354 * trib_rng_normal(rng));

	return size < 1 ? 1 : size > ENTRIES_MAX ? ENTRIES_MAX : (uint32_t)lround(size);
}

/* Drawn anew by --reuse, without being put. */
static uint32_t draw_shelf(struct trib_rng *rng, const struct trib_zipf *zipf, uint32_t *goods)
{
	static uint64_t *seen; /* creator that had these goods last */
	static uint64_t creator;
	uint32_t size = shelf_size(rng), n = 0;

	if (!seen)
		seen = calloc(options.goods, sizeof(*seen));
	creator++;
	for (uint32_t i = 0; i < size; i++) {
		/* Popular goods are anywhere among the numbers. */
		uint64_t one = trib_hash_u64(trib_zipf_draw(zipf, rng)) % options.goods;

		if (seen[one] == creator)
			continue;
		seen[one] = creator;
		goods[n++] = (uint32_t)one;
	}
	return n;
}

static void put_shelf(uint64_t creator, const uint32_t *goods, uint32_t n)
{
	static char texts[ENTRIES_MAX][2][24];
	static Tributary__ShelfEntry entries[ENTRIES_MAX], *list[ENTRIES_MAX];
	Tributary__Shelf shelf = TRIBUTARY__SHELF__INIT;
	struct trib_shelf_answer answer;
	enum trib_outcome outcome;
	struct trib_error error;
	char id[24];

	snprintf(id, sizeof(id), "c%" PRIu64, creator);
	const struct trib_shelf_request request = { .creator = trib_bytes_text(id), .kind = trib_bytes_text("showcase"),
						    .whole = &shelf };

	for (uint32_t i = 0; i < n; i++) {
		tributary__shelf_entry__init(&entries[i]);
		snprintf(texts[i][0], 24, "g%u", goods[i]);
		entries[i].goods = texts[i][0];
		if (goods[i] / PLAN_GOODS % 3 == 0 && i % 2) {
			snprintf(texts[i][1], 24, "a%u", goods[i] / PLAN_GOODS / 3);
			entries[i].offer = texts[i][1];
		}
		list[i] = &entries[i];
	}
	shelf.entries = list;
	shelf.n_entries = n;
	must(trib_engine_shelve(engine, &request, &answer, &outcome, &error), &error);
}

static void make_shelves(bool put)
{
	static uint32_t goods[ENTRIES_MAX];
	struct trib_zipf zipf;
	struct trib_rng rng;
	int64_t begun = now_ns(), cpu = trib_cpu_thread_ns();

	trib_rng_seed(&rng, 7);
	trib_zipf_init(&zipf, options.goods, 0.85);
	large = malloc((options.shelves + 1) * sizeof(*large));
	for (uint64_t i = 0; i < options.shelves; i++) {
		uint32_t n = draw_shelf(&rng, &zipf, goods);

		n_entries += n;
		if (n >= PAGE)
			large[n_large++] = (uint32_t)i;
		if (!put)
			continue;
		put_shelf(i, goods, n);
		if (i % 256 == 255 && trib_engine_turn(engine) != TRIB_ENGINE_RUNNING)
			must(TRIB_IO, trib_engine_reason(engine));
		bench_progress("shelves", i, options.shelves);
	}
	if (!put)
		return;
	trib_engine_settle(engine);
	printf("%-10s %9" PRIu64 " put with %" PRIu64 " entries, %.0f shelves/s, %.0f entries a CPU-second\n", "shelves",
	       options.shelves, n_entries, (double)options.shelves / seconds_since(begun),
	       (double)n_entries / ((double)(trib_cpu_thread_ns() - cpu) / 1e9));
}

static uint64_t folder_bytes;

static int add_size(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	folder_bytes += flag == FTW_F ? (uint64_t)st->st_size : 0;
	return 0;
}

static uint64_t store_bytes(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/store", options.data);
	folder_bytes = 0;
	nftw(path, add_size, 16, FTW_PHYS);
	return folder_bytes;
}

static void make_market(void)
{
	const struct trib_engine_options engine_options = { .data = options.data, .ring_bytes = 64 << 20,
							    .segment_bytes = 16 << 20, .order_index_bytes = 1 << 20,
							    .touches_bytes = 64 << 20 };
	struct trib_error error;
	uint64_t before, after;

	must(trib_engine_open(&engine_options, &engine, &error), &error);
	put_many("merchants", TRIB_NOUN_PARTY, merchants(), fill_merchant);
	put_many("leaders", TRIB_NOUN_PARTY, LEADERS, fill_leader);
	before = bench_resident_bytes(getpid());
	put_many("creators", TRIB_NOUN_PARTY, options.creators, fill_creator);
	after = bench_resident_bytes(getpid());
	printf("a creator  %.0f bytes of memory while changed\n", (double)(after - before) / (double)options.creators);
	put_many("goods", TRIB_NOUN_GOODS, options.goods, fill_goods);
	printf("goods      %.0f bytes of memory while changed\n",
	       (double)(bench_resident_bytes(getpid()) - after) / (double)options.goods);
	put_many("plans", TRIB_NOUN_PLAN, (options.goods + PLAN_GOODS - 1) / PLAN_GOODS, fill_plan);
	put_many("activities", TRIB_NOUN_PLAN, (options.goods + 3 * PLAN_GOODS - 1) / (3 * PLAN_GOODS), fill_activity);
	trib_engine_close(engine); /* so that what follows in the store is shelves */
	before = store_bytes();
	must(trib_engine_open(&engine_options, &engine, &error), &error);
	make_shelves(true);
	trib_engine_close(engine);
	after = store_bytes();
	printf("the store  %.1f MiB, of which shelves %.1f MiB: %.1f bytes an entry\n", (double)after / 1048576,
	       (double)(after - before) / 1048576, (double)(after - before) / (double)n_entries);
	fflush(stdout);
}

/* --- The server --------------------------------------------------------------------------------------- */

static struct bench_server server;

/* What the kernel has of the store's files goes, so that what is read next comes from the disk. */
static int drop_cached(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	int fd = flag == FTW_F ? open(path, O_RDONLY) : -1;

	if (fd >= 0) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
	return 0;
}

static void drop_store(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/store", options.data);
	nftw(path, drop_cached, 16, FTW_PHYS);
}

/* All threads that the process has by now. */
static void hold_to_core(pid_t process, int core)
{
	char path[64];
	cpu_set_t set;
	struct dirent *entry;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	snprintf(path, sizeof(path), "/proc/%d/task", process);
	DIR *tasks = opendir(path);

	while (tasks && (entry = readdir(tasks)))
		if (entry->d_name[0] != '.')
			sched_setaffinity(atoi(entry->d_name), sizeof(set), &set);
	if (tasks)
		closedir(tasks);
}

static void start_server(void)
{
	static const char *const words[] = { "--segment", "16MiB", "--order-index", "64MiB", "--touches", "64MiB", NULL };

	bench_server_start(options.server, options.data, BENCH_RESP | BENCH_HTTP, words, &server);
	printf("start      %.2f s until the doors are open, %.2f s of CPU, %.0f MiB resident\n", server.seconds,
	       (double)bench_cpu_ns(server.pid) / 1e9, (double)bench_resident_bytes(server.pid) / 1048576);
	fflush(stdout);
}

/* --- The client --------------------------------------------------------------------------------------- */

struct connection {
	int fd;
	char *in;
	size_t in_size, in_need; /* not looked at again before so much is there */
	uint64_t asked, answered;
	int64_t *asked_ns; /* ring of window */
};

static struct connection connections[CONNECTIONS_MAX];
static uint64_t reply_bytes, bad;

static size_t put_request(bool http, uint32_t creator, char *text)
{
	char id[16];
	int size = snprintf(id, sizeof(id), "c%u", creator);

	if (http)
		return (size_t)snprintf(text, REQUEST_BYTES,
					"GET /api/v1/shelves/%s/showcase?limit=50 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id);
	return (size_t)snprintf(text, REQUEST_BYTES, "*5\r\n$5\r\nSHELF\r\n$%d\r\n%s\r\n$8\r\nshowcase\r\n$5\r\nLIMIT\r\n$2\r\n50\r\n",
				size, id);
}

/* The size of the whole reply that `in` begins with; 0: not all of it is there. */
static size_t http_reply(struct connection *connection, const char *in, size_t size)
{
	const char *head, *length;

	if (!in || !(head = memmem(in, size, "\r\n\r\n", 4)))
		return 0;
	length = memmem(in, (size_t)(head - in), "Content-Length: ", 16);
	bad += memcmp(in, "HTTP/1.1 200", 12) != 0;
	connection->in_need = (size_t)(head + 4 - in) + (length ? strtoull(length + 16, NULL, 10) : 0);
	return size >= connection->in_need ? connection->in_need : 0;
}

/* A map of RESP2 is an array of twice as many. */
static size_t resp_reply(const char *in, size_t size)
{
	const char *p = in, *end = in + size;

	for (uint64_t wanted = 1; wanted; wanted--) {
		const char *line = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		int64_t number = line ? strtoll(p + 1, NULL, 10) : 0;
		char type = *p;

		if (!line)
			return 0;
		p = line + 1;
		if (type == '*')
			wanted += (uint64_t)number;
		if (type != '$' || number < 0)
			continue;
		if (end - p < number + 2)
			return 0;
		p += number + 2;
	}
	bad += *in != '*';
	return (size_t)(p - in);
}

static void receive(struct connection *connection, bool http, uint64_t window, struct trib_histogram *latencies)
{
	ssize_t got = recv(connection->fd, connection->in + connection->in_size, IN_BYTES - connection->in_size, MSG_DONTWAIT);
	size_t at = 0, size;

	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		fprintf(stderr, "bench-shelf: the server closed the connection\n");
		exit(1);
	}
	if (got < 0)
		return;
	connection->in_size += (size_t)got;
	while (at < connection->in_size && connection->in_size - at >= connection->in_need) {
		const char *in = connection->in + at;

		connection->in_need = 0;
		size = http ? http_reply(connection, in, connection->in_size - at) : resp_reply(in, connection->in_size - at);
		if (!size)
			break;
		connection->in_need = 0;
		trib_histogram_record(latencies,
				      (uint64_t)(now_ns() - connection->asked_ns[connection->answered++ % window]));
		reply_bytes += size;
		at += size;
	}
	connection->in_size -= at;
	memmove(connection->in, connection->in + at, connection->in_size);
}

static void ask(struct connection *connection, bool http, uint64_t window, uint32_t creator)
{
	char text[REQUEST_BYTES];
	size_t size = put_request(http, creator, text);

	connection->asked_ns[connection->asked++ % window] = now_ns();
	if (send(connection->fd, text, size, MSG_NOSIGNAL) != (ssize_t)size) {
		perror("bench-shelf: send");
		exit(1);
	}
}

static void wait_for_any(uint64_t n)
{
	struct pollfd fds[CONNECTIONS_MAX];

	for (uint64_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){ connections[i].fd, POLLIN, 0 };
	poll(fds, n, 1000);
}

struct load {
	const char *what;
	bool http;
	uint64_t connections, window, pages; /* pages: 0 for options.seconds */
	bool walk; /* each creator once, anywhere; else by Zipf 0.99 */
};

/* The closed loop: each connection keeps a window of requests on the way. */
static void run_load(const struct load *load, uint16_t port)
{
	static struct trib_histogram latencies;
	static uint64_t walked;
	struct trib_zipf zipf;
	struct trib_rng rng;
	uint64_t answered = 0, asked = 0;

	memset(&latencies, 0, sizeof(latencies));
	trib_rng_seed(&rng, 11);
	trib_zipf_init(&zipf, n_large, 0.99);
	for (uint64_t i = 0; i < load->connections; i++)
		connections[i] = (struct connection){ .fd = bench_connect(port), .in = malloc(IN_BYTES),
						      .asked_ns = malloc(load->window * sizeof(int64_t)) };
	int64_t begun = now_ns(), cpu = bench_cpu_ns(server.pid);
	bool more = true;

	reply_bytes = bad = 0;
	while (more || answered < asked) {
		more = load->pages ? asked < load->pages : seconds_since(begun) < (double)options.seconds;
		answered = 0;
		for (uint64_t i = 0; i < load->connections; i++) {
			struct connection *connection = &connections[i];

			receive(connection, load->http, load->window, &latencies);
			while (more && connection->asked - connection->answered < load->window) {
				uint64_t which = load->walk ? walked++ * 2654435761u : trib_zipf_draw(&zipf, &rng) - 1;

				ask(connection, load->http, load->window, large[which % n_large]);
				asked++;
			}
			answered += connection->answered;
		}
		if (answered < asked)
			wait_for_any(load->connections);
	}
	double seconds = seconds_since(begun), cpu_seconds = (double)(bench_cpu_ns(server.pid) - cpu) / 1e9;

	printf("%-28s %7.0f pages/s, %7.0f a CPU-second of the server, p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms; %.1f KiB a page%s\n",
	       load->what, (double)answered / seconds, (double)answered / TRIB_MAX(cpu_seconds, 0.01),
	       (double)trib_histogram_quantile(&latencies, .5) / 1e6, (double)trib_histogram_quantile(&latencies, .99) / 1e6,
	       (double)trib_histogram_quantile(&latencies, .999) / 1e6, (double)reply_bytes / 1024 / (double)answered,
	       bad ? "; ERRORS AMONG THEM" : "");
	fflush(stdout);
	for (uint64_t i = 0; i < load->connections; i++) {
		close(connections[i].fd);
		free(connections[i].in);
		free(connections[i].asked_ns);
	}
}

/* One request, its whole reply terminated. */
static const char *talk(int fd, const char *text, bool http)
{
	static char in[IN_BYTES];
	struct connection none = { 0 };
	size_t size = 0;

	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		exit(1);
	while (!(http ? http_reply(&none, in, size) : resp_reply(in, size))) {
		ssize_t got = recv(fd, in + size, sizeof(in) - 1 - size, 0);

		if (got <= 0)
			exit(1);
		size += (size_t)got;
	}
	in[size] = '\0';
	return in;
}

static uint64_t journal_bytes(int resp)
{
	const char *at = strstr(talk(resp, "INFO persistence\r\n", false), "journal_bytes:");

	return at ? strtoull(at + 14, NULL, 10) : 0;
}

/* The commission of what most shelves have changes; then some of those shelves are read. */
static void fan_out(uint16_t resp_port, uint16_t http_port)
{
	uint64_t hottest = trib_hash_u64(1) % options.goods, plan = hottest / PLAN_GOODS, seen = 0, stale = 0;
	int resp = bench_connect(resp_port), http = bench_connect(http_port);
	char text[1024], goods[400], wanted[64], body[800];
	size_t size = 0;

	for (uint64_t n = plan * PLAN_GOODS; n < (plan + 1) * PLAN_GOODS && n < options.goods; n++)
		size += (size_t)snprintf(goods + size, sizeof(goods) - size, "%s\"g%" PRIu64 "\"", size ? "," : "", n);
	snprintf(text, sizeof(text), "SHELFCOUNT g%" PRIu64 "\r\n", hottest);
	uint64_t shelves = strtoull(talk(resp, text, false) + 1, NULL, 10), before = journal_bytes(resp);

	snprintf(body, sizeof(body), "{\"merchant\":\"m%" PRIu64 "\",\"goods\":[%s],\"terms\":{\"commission_bps\":4999}}",
		 merchant_of(plan * PLAN_GOODS), goods);
	snprintf(text, sizeof(text),
		 "PUT /api/v1/plans/p%" PRIu64 " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		 plan, strlen(body), body);
	Tributary__Event event = TRIBUTARY__EVENT__INIT;
	Tributary__PlanPut plan_put = TRIBUTARY__PLAN_PUT__INIT;
	struct trib_arena arena;
	struct trib_error error;
	ProtobufCMessage *message;

	trib_arena_init(&arena, 1 << 20);
	must(trib_proto_from_json(&tributary__plan__descriptor, trib_bytes_text(body), &arena, &message, &error), &error);
	plan_put.plan = (Tributary__Plan *)message;
	plan_put.has_number = plan_put.has_version = plan_put.plan->has_effective_from = 1;
	plan_put.number = (uint32_t)plan;
	plan_put.version = 2;
	plan_put.plan->effective_from = trib_clock_wall_ms(trib_clock_system());
	event.kind_case = TRIBUTARY__EVENT__KIND_PLAN_PUT;
	event.plan_put = &plan_put;
	size_t event_bytes = tributary__event__get_packed_size(&event);

	trib_arena_fini(&arena);
	int64_t begun = now_ns();
	bool put = strstr(talk(http, text, true), "HTTP/1.1 200") != NULL;
	double ms = (double)(now_ns() - begun) / 1e6;
	uint64_t written = journal_bytes(resp) - before;

	snprintf(text, sizeof(text), "\r\ng%" PRIu64 "\r\n", hottest);
	snprintf(wanted, sizeof(wanted), "\r\np%" PRIu64 "@2\r\n", plan);
	char command[128], old[64];

	snprintf(old, sizeof(old), "\r\np%" PRIu64 "@1\r\n", plan);
	for (uint64_t i = 0; i < n_large && i < 1000; i++) {
		snprintf(command, sizeof(command), "SHELF c%u showcase LIMIT 500\r\n", large[i]);
		const char *page = talk(resp, command, false);

		seen += strstr(page, wanted) != NULL;
		stale += strstr(page, old) != NULL;
	}
	printf("fan-out    goods on %" PRIu64 " shelves: PUT of their plan %s in %.1f ms, an event of %zu bytes, in a journal of %" PRIu64
	       " more; of 1000 shelves read next %" PRIu64 " show it, %" PRIu64 " what was before\n",
	       shelves, put ? "answered" : "FAILED", ms, event_bytes, written, seen, stale);
	close(resp);
	close(http);
}

/* --- Main --------------------------------------------------------------------------------------------- */

static void read_options(int argc, char **argv)
{
	const struct {
		const char *name;
		uint64_t *number;
	} rows[] = { { "--creators", &options.creators }, { "--goods", &options.goods },
		     { "--shelves", &options.shelves },
		     { "--seconds", &options.seconds }, { "--connections", &options.connections } };

	for (int i = 1; i < argc; i++) {
		bool known = false;

		for (size_t r = 0; r < TRIB_ARRAY_SIZE(rows); r++)
			if (!strcmp(argv[i], rows[r].name) && i + 1 < argc) {
				*rows[r].number = strtoull(argv[++i], NULL, 10);
				known = true;
				break;
			}
		if (!known && !strcmp(argv[i], "--data") && i + 1 < argc)
			options.data = argv[++i];
		else if (!known && !strcmp(argv[i], "--keep"))
			options.keep = true;
		else if (!known && !strcmp(argv[i], "--reuse"))
			options.reuse = options.keep = true;
		else if (!known) {
			fprintf(stderr, "bench-shelf: found \"%s\", expected an option\n", argv[i]);
			exit(2);
		}
	}
	options.connections = TRIB_MIN(options.connections, (uint64_t)CONNECTIONS_MAX);
	options.shelves = TRIB_MIN(options.shelves, options.creators);
}

int main(int argc, char **argv)
{
	static char folder[64] = "/var/tmp/tributary-shelf-XXXXXX", path[4096];

	read_options(argc, argv);
	if (!options.data)
		options.data = mkdtemp(folder);
	snprintf(path, sizeof(path), "%.*s/../tributary", (int)(strrchr(argv[0], '/') - argv[0]), argv[0]);
	options.server = path;
	bench_machine(options.data);
	if (options.reuse)
		make_shelves(false);
	else
		make_market();
	start_server();
	hold_to_core(server.pid, 0);
	hold_to_core(getpid(), 1);
	const struct load cold = { "cold, RESP, one at a time", false, 1, 1, COLD_PAGES, true };
	const struct load warm_resp = { "RESP, 8 x 1 on the way", false, options.connections, 1, 0, false };
	const struct load pipelined = { "RESP, 8 x 16 on the way", false, options.connections, 16, 0, false };
	const struct load warm_http = { "HTTP, 8 x 1 on the way", true, options.connections, 1, 0, false };
	const struct load one_http = { "HTTP, one at a time", true, 1, 1, 0, false };

	drop_store();
	run_load(&cold, server.resp);
	run_load(&warm_resp, server.resp);
	run_load(&pipelined, server.resp);
	run_load(&warm_http, server.http);
	run_load(&one_http, server.http);
	fan_out(server.resp, server.http);
	printf("resident   %.0f MiB at the end\n", (double)bench_resident_bytes(server.pid) / 1048576);
	bench_server_stop(&server, SIGTERM);
	if (!options.keep)
		bench_remove(options.data);
	return 0;
}
