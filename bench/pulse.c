/*
 * `bench-pulse`: orders over RESP on loopback into a real server, all answered durable.
 *
 *	bench-pulse [--orders N] [--rate R] [--seconds S] [--creators N] [--plans N] [--tokens N] [--connections N]
 *	            [--window N] [--sync batch|interval|off] [--data FOLDER] [--keep] [--restart]
 *
 * A marketplace is made in a data folder through the engine itself (no doors), with links and touches; then
 * `tributary serve` is started on it and this process is its one client, in the closed loop on a core of its own.
 * Of the orders, 80 % bear a token (80 % of them distinct), 20 % say `-`, 2 % are repeats of an earlier order.
 *
 * Closed loop (default): as fast as the window lets it. --rate R: open loop, latency from the intended send time, beside
 * what the disk alone, with no server on it, makes of that rate.
 */
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/rng.h"
#include "engine/engine.h"
#include "server.h"
#include "hiccups.h"

enum {
	TOKEN_STRIDE = 112,
	GOODS_PER_PLAN = 1,
	SEND_BYTES = 64 << 10,
	RECEIVE_BYTES = 256 << 10,
	CONNECTIONS_MAX = 256,
	REPEAT_LAG = 100000, /* a repeat is of an order at most so long ago */
	TOUCHED_USERS = 200000,
	DUE_EVERY_NS = 100000, /* the open loop sends what has come due at least this often */
};

static struct {
	uint64_t orders, rate, seconds, creators, plans, tokens, connections, window;
	const char *sync, *data, *server;
	bool keep, restart;
} options = { .orders = 10000000, .creators = 1000000, .plans = 100000, .tokens = 8000000, .connections = 8,
	      .window = 4096, .sync = "batch" };

static char *tokens; /* TOKEN_STRIDE each: size byte, text */
static uint32_t *token_goods;

/* --- The marketplace ---------------------------------------------------------------------------------- */

static struct trib_engine *engine;

static void must(trib_status status, const struct trib_error *error)
{
	if (status == TRIB_OK)
		return;
	fprintf(stderr, "bench-pulse: %s: %s\n", error->at, error->text);
	exit(1);
}

static void put_done(struct trib_call *call)
{
	must(call->status, &call->error);
	*(bool *)call->context = true;
}

static void put_items(enum trib_noun noun, ProtobufCMessage **items, size_t n)
{
	static trib_status statuses[1000];
	static struct trib_error errors[1000];
	bool done = false;
	struct trib_call call = { .kind = TRIB_CALL_IMPORT, .noun = noun,
				  .items = (const ProtobufCMessage *const *)items, .n_items = n,
				  .item_status = statuses, .item_errors = errors, .done = put_done,
				  .context = &done };

	trib_buffer_init(&call.reply, 1 << 20);
	trib_engine_submit(engine, &call);
	while (!done)
		if (trib_engine_turn(engine) != TRIB_ENGINE_RUNNING)
			must(TRIB_IO, trib_engine_reason(engine));
		else
			trib_engine_settle(engine);
	for (size_t i = 0; i < n; i++)
		must(statuses[i], &errors[i]);
	trib_buffer_fini(&call.reply);
}

struct nouns {
	enum trib_noun noun;
	void (*fill)(uint64_t i, void *message, char ids[4][32]);
};

static void fill_merchant(uint64_t i, void *message, char ids[4][32])
{
	Tributary__Party *party = message;
	static char *roles[] = { "merchant" };

	snprintf(ids[0], 32, "m%" PRIu64, i);
	party->id = ids[0];
	party->roles = roles;
	party->n_roles = 1;
}

static void fill_creator(uint64_t i, void *message, char ids[4][32])
{
	Tributary__Party *party = message;
	static char *roles[] = { "creator" };

	snprintf(ids[0], 32, "c%" PRIu64, i);
	party->id = ids[0];
	party->roles = roles;
	party->n_roles = 1;
	party->has_level = 1;
	party->level = (int64_t)(i % 7);
}

static void fill_goods(uint64_t i, void *message, char ids[4][32])
{
	Tributary__Goods *goods = message;
	static char *const categories[] = { "snack", "beauty", "apparel", "digital" };

	snprintf(ids[0], 32, "g%" PRIu64, i);
	snprintf(ids[1], 32, "m%" PRIu64, i % 10000);
	goods->id = ids[0];
	goods->merchant = ids[1];
	goods->category = categories[i % 4];
	goods->has_price = 1;
	goods->price = 1990;
}

static void fill_plan(uint64_t i, void *message, char ids[4][32])
{
	static Tributary__Terms terms[1000];
	static char *goods[1000];
	Tributary__Plan *plan = message;

	snprintf(ids[0], 32, "p%" PRIu64, i);
	snprintf(ids[1], 32, "m%" PRIu64, i % 10000);
	snprintf(ids[2], 32, "g%" PRIu64, i);
	plan->id = ids[0];
	plan->merchant = ids[1];
	goods[i % 1000] = ids[2];
	plan->goods = &goods[i % 1000];
	plan->n_goods = 1;
	tributary__terms__init(&terms[i % 1000]);
	terms[i % 1000].has_commission_bps = 1;
	terms[i % 1000].commission_bps = (int32_t)(500 + i % 2000);
	terms[i % 1000].has_platform_bps = 1;
	terms[i % 1000].platform_bps = 1000;
	plan->terms = &terms[i % 1000];
}

static void put_many(const char *what, enum trib_noun noun, uint64_t n,
		     void (*fill)(uint64_t i, void *message, char ids[4][32]))
{
	static char ids[1000][4][32];
	static union {
		ProtobufCMessage base;
		Tributary__Party party;
		Tributary__Goods goods;
		Tributary__Plan plan;
	} messages[1000];
	ProtobufCMessage *items[1000];

	for (uint64_t i = 0; i < n;) {
		size_t count = 0;

		for (; count < 1000 && i < n; count++, i++) {
			protobuf_c_message_init(trib_noun_descriptor(noun), &messages[count]);
			fill(i, &messages[count], ids[count]);
			items[count] = &messages[count].base;
		}
		put_items(noun, items, count);
		bench_progress(what, i, n);
	}
}

static void make_links(void)
{
	struct trib_zipf zipf;
	struct trib_rng rng;
	struct trib_error error;
	char creator[32], goods[32];

	trib_rng_seed(&rng, 7);
	trib_zipf_init(&zipf, options.plans, 0.99);
	tokens = malloc(options.tokens * TOKEN_STRIDE);
	token_goods = malloc(options.tokens * sizeof(*token_goods));
	for (uint64_t i = 0; i < options.tokens; i++) {
		struct trib_link_request request = { .channel = trib_bytes_text("app") };
		enum trib_outcome outcome;
		size_t size;

		token_goods[i] = (uint32_t)(trib_zipf_draw(&zipf, &rng) - 1);
		snprintf(creator, sizeof(creator), "c%" PRIu64, trib_rng_below(&rng, options.creators));
		snprintf(goods, sizeof(goods), "g%u", token_goods[i]);
		request.creator = trib_bytes_text(creator);
		request.goods = trib_bytes_text(goods);
		must(trib_engine_link(engine, &request, tokens + i * TOKEN_STRIDE + 1, &size, &outcome, &error),
		     &error);
		tokens[i * TOKEN_STRIDE] = (char)size;
		if (i % 512 == 511) {
			trib_engine_turn(engine);
			bench_progress("links", i, options.tokens);
		}
	}
	trib_engine_settle(engine);
}

static void make_market(void)
{
	const struct trib_engine_options engine_options = { .data = options.data, .ring_bytes = 256 << 20,
							    .segment_bytes = 256 << 20 };
	Tributary__Registration registration = TRIBUTARY__REGISTRATION__INIT;
	ProtobufCMessage *one = &registration.base;
	struct trib_error error;

	must(trib_engine_open(&engine_options, &engine, &error), &error);
	put_many("merchants", TRIB_NOUN_PARTY, 10000, fill_merchant);
	put_many("creators", TRIB_NOUN_PARTY, options.creators, fill_creator);
	put_many("goods", TRIB_NOUN_GOODS, options.plans, fill_goods);
	put_many("plans", TRIB_NOUN_PLAN, options.plans, fill_plan);
	registration.id = "r1";
	registration.channel = "app";
	put_items(TRIB_NOUN_REGISTRATION, &one, 1);
	make_links();
	trib_engine_close(engine);
	fprintf(stderr, "\r%60s\r", "");
}

/* --- The server --------------------------------------------------------------------------------------- */

static struct bench_server server;

static void start_server(void)
{
	const char *const words[] = { "--sync", options.sync, NULL };

	bench_server_start(options.server, options.data, BENCH_RESP, words, &server);
}

/* --- The client --------------------------------------------------------------------------------------- */

struct connection {
	int fd;
	char *out;
	size_t out_size, out_sent;
	char *in;
	size_t in_size;
	uint64_t asked, answered;
	bool orders; /* what it asks */
	int64_t *intended; /* ring of options.window: the time each order should have been sent */
};

static struct connection connections[CONNECTIONS_MAX];
static uint64_t outcomes_attributed, outcomes_other, errors, charged;
static char first_error[256];

static int connect_to(uint16_t port)
{
	int fd = bench_connect(port);

	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static char *put_arg(char *p, const char *data, size_t size)
{
	*p++ = '$';
	p += trib_format_u64(p, size);
	*p++ = '\r';
	*p++ = '\n';
	memcpy(p, data, size);
	p += size;
	*p++ = '\r';
	*p++ = '\n';
	return p;
}

/* Order i is the same wherever it is written: everything follows from i. */
/* Each by a token of his own. */
static uint64_t touched_users(void)
{
	return TRIB_MIN((uint64_t)TOUCHED_USERS, options.tokens);
}

static char *put_order(char *p, uint64_t i)
{
	uint64_t h = trib_hash_u64(i);
	uint64_t token = h % 10 < 2 ? 0 : (h % 100 < 84 ? i % options.tokens : h % options.tokens);
	bool bare = h % 10 < 2;
	uint64_t toucher = (h >> 20) % touched_users();
	char text[32];
	size_t size;

	memcpy(p, "*7\r\n$9\r\nATTRIBUTE\r\n", 19);
	p += 19;
	text[0] = 'o';
	size = 1 + trib_format_u64(text + 1, i);
	p = put_arg(p, text, size);
	text[0] = bare ? 't' : 'u';
	size = 1 + trib_format_u64(text + 1, bare ? toucher : (h >> 16) % 20000000);
	p = put_arg(p, text, size);
	text[0] = 'g';
	size = 1 + trib_format_u64(text + 1, token_goods[bare ? toucher : token]);
	p = put_arg(p, text, size);
	size = trib_format_u64(text, 100 + h % 20000);
	p = put_arg(p, text, size);
	if (bare)
		p = put_arg(p, "-", 1);
	else
		p = put_arg(p, tokens + token * TOKEN_STRIDE + 1, (size_t)(unsigned char)tokens[token * TOKEN_STRIDE]);
	memcpy(p, "$5\r\nBRIEF\r\n", 11);
	return p + 11;
}

/* The i-th request: an order of its own, or in 2 % a repeat. */
static char *put_request(char *p, uint64_t i)
{
	uint64_t h = trib_hash_u64(i ^ 0x5eed);

	if (h % 50 == 0 && i > 0)
		i -= 1 + (h >> 8) % TRIB_MIN(i, (uint64_t)REPEAT_LAG);
	return put_order(p, i);
}

static const char *line_end(const char *p, const char *end)
{
	return memchr(p, '\n', (size_t)(end - p));
}

/* "*2\r\n$10\r\nattributed\r\n:12\r\n" or "-CODE …\r\n"; false while it is not whole. */
static bool take_reply(struct connection *connection, const char **at, const char *end)
{
	const char *p = *at, *stop;
	int lines = 4;

	if (p == end)
		return false;
	if (*p == '$' && !connection->orders) { /* a touch: "$8\r\nrecorded\r\n" */
		stop = line_end(p, end);
		stop = stop ? line_end(stop + 1, end) : NULL;
		if (stop)
			*at = stop + 1;
		return stop != NULL;
	}
	if (*p == '-') {
		stop = line_end(p, end);
		if (!stop)
			return false;
		if (errors++ == 0)
			snprintf(first_error, sizeof(first_error), "%.*s", (int)(stop - p), p);
		*at = stop + 1;
		return true;
	}
	const char *starts[4];

	for (const char *line = p; lines > 0; lines--) {
		stop = line_end(line, end);
		if (!stop)
			return false;
		starts[4 - lines] = line;
		line = stop + 1;
	}
	if (starts[2][0] == 'a')
		outcomes_attributed++;
	else
		outcomes_other++;
	charged += strtoull(starts[3] + 1, NULL, 10);
	*at = stop + 1;
	return true;
}

static void receive(struct connection *connection, struct trib_histogram *latencies)
{
	for (;;) {
		ssize_t got = recv(connection->fd, connection->in + connection->in_size,
				   RECEIVE_BYTES - connection->in_size, 0);

		if (got == 0) {
			fprintf(stderr, "bench-pulse: the server closed the connection\n");
			exit(1);
		}
		if (got < 0)
			return;
		connection->in_size += (size_t)got;
		const char *at = connection->in, *end = at + connection->in_size;
		int64_t now = latencies ? trib_clock_monotonic_ns(trib_clock_system()) : 0;

		/* A reply that is cut is looked at again when the rest has come. */
		while (take_reply(connection, &at, end)) {
			if (latencies)
				trib_histogram_record(latencies,
						      (uint64_t)(now - connection->intended[connection->answered %
											    options.window]));
			connection->answered++;
		}
		connection->in_size = (size_t)(end - at);
		memmove(connection->in, at, connection->in_size);
		if ((size_t)got < RECEIVE_BYTES / 2)
			return;
	}
}

static void flush(struct connection *connection)
{
	while (connection->out_sent < connection->out_size) {
		ssize_t sent = send(connection->fd, connection->out + connection->out_sent,
				    connection->out_size - connection->out_sent, MSG_NOSIGNAL);

		if (sent < 0)
			return;
		connection->out_sent += (size_t)sent;
	}
	connection->out_size = connection->out_sent = 0;
}

static void open_connections(uint16_t port)
{
	for (uint64_t i = 0; i < options.connections; i++)
		connections[i] = (struct connection){ .fd = connect_to(port),
						      .out = malloc(SEND_BYTES + 1024),
						      .in = malloc(RECEIVE_BYTES),
						      .intended = malloc(options.window * sizeof(int64_t)) };
}

static void close_connections(void)
{
	for (uint64_t i = 0; i < options.connections; i++) {
		close(connections[i].fd);
		free(connections[i].out);
		free(connections[i].in);
		free(connections[i].intended);
	}
}

static void wait_for_any(int timeout_ms)
{
	struct pollfd fds[CONNECTIONS_MAX];

	for (uint64_t i = 0; i < options.connections; i++)
		fds[i] = (struct pollfd){ connections[i].fd,
					  (short)(POLLIN | (connections[i].out_size ? POLLOUT : 0)), 0 };
	poll(fds, options.connections, timeout_ms);
}

/* Until a reply comes or the next orders are due: a client that spins would take a core from the server. */
static void wait_for_due(void)
{
	struct pollfd fds[CONNECTIONS_MAX];
	struct timespec until = { .tv_nsec = DUE_EVERY_NS };

	for (uint64_t i = 0; i < options.connections; i++)
		fds[i] = (struct pollfd){ connections[i].fd, POLLIN, 0 };
	ppoll(fds, options.connections, &until, NULL);
}

static char *put_touch(char *p, uint64_t i)
{
	char text[32];

	memcpy(p, "*3\r\n$5\r\nTOUCH\r\n", 15);
	text[0] = 't';
	p = put_arg(p + 15, text, 1 + trib_format_u64(text + 1, i));
	return put_arg(p, tokens + i * TOKEN_STRIDE + 1, (size_t)(unsigned char)tokens[i * TOKEN_STRIDE]);
}

/* Each connection keeps up to a window of orders on the way. Returns seconds. */
static double closed_loop(uint64_t first, uint64_t count, char *(*put)(char *p, uint64_t i))
{
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system());
	uint64_t sent = 0, answered = 0;

	while (answered < count) {
		bool moved = false;

		answered = 0;
		for (uint64_t i = 0; i < options.connections; i++) {
			struct connection *connection = &connections[i];
			uint64_t before = connection->answered;

			receive(connection, NULL);
			while (connection->out_size < SEND_BYTES && connection->out_sent == 0 && sent < count &&
			       connection->asked - connection->answered < options.window) {
				char *p = connection->out + connection->out_size;

				connection->out_size = (size_t)(put(p, first + sent++) - connection->out);
				connection->asked++;
				moved = true;
			}
			flush(connection);
			moved |= connection->answered != before;
			answered += connection->answered;
		}
		if (!moved)
			wait_for_any(1000);
		bench_progress("orders", answered, count);
	}
	return (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun) / 1e9;
}

/* Orders are due at a fixed rate whether or not the server keeps up. */
static double open_loop(uint64_t first, uint64_t count, struct trib_histogram *latencies)
{
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system()), now = begun;
	double gap_ns = 1e9 / (double)options.rate;
	uint64_t sent = 0, answered = 0;

	while (answered < count) {
		now = trib_clock_monotonic_ns(trib_clock_system());
		uint64_t due = TRIB_MIN((uint64_t)((double)(now - begun) / gap_ns), count);

		while (sent < due) {
			struct connection *connection = &connections[sent % options.connections];

			if (connection->out_size >= SEND_BYTES || connection->out_sent ||
			    connection->asked - connection->answered >= options.window)
				break;
			connection->intended[connection->asked++ % options.window] =
				begun + (int64_t)((double)sent * gap_ns);
			connection->out_size = (size_t)(put_request(connection->out + connection->out_size,
								    first + sent++) -
							connection->out);
		}
		answered = 0;
		for (uint64_t i = 0; i < options.connections; i++) {
			flush(&connections[i]);
			receive(&connections[i], latencies);
			answered += connections[i].answered;
		}
		wait_for_due();
		bench_progress("orders", answered, count);
	}
	return (double)(now - begun) / 1e9;
}

/*
 * What the disk alone makes of the same rate: orders due in turn, each write taking all that are due, as the journal does,
 * and nothing else at work. No server on this disk answers sooner.
 */
static void disk_alone(struct trib_histogram *latencies)
{
	enum { ORDER_BYTES = 160, FILE_BYTES = 256 << 20, STEP = 1 << 20, SECONDS = 10 };
	char path[4096];
	void *zeros;

	snprintf(path, sizeof(path), "%s/disk-alone", options.data);
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);

	if (fd < 0 || posix_memalign(&zeros, 4096, STEP) != 0)
		return;
	memset(zeros, 0, STEP);
	for (int i = 0; i < FILE_BYTES / STEP; i++)
		if (write(fd, zeros, STEP) != STEP)
			exit(1);
	fsync(fd);
	close(fd);
	fd = open(path, O_RDWR | O_DIRECT | O_DSYNC);
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system()), now = begun;
	double gap_ns = 1e9 / (double)options.rate;
	off_t at = 0;

	for (uint64_t written = 0; fd >= 0 && now - begun < SECONDS * INT64_C(1000000000);) {
		uint64_t due = (uint64_t)((double)(now - begun) / gap_ns);
		size_t bytes = TRIB_MIN((size_t)(due - written) * ORDER_BYTES / 4096 * 4096 + 4096, (size_t)STEP);

		if (due > written && pwrite(fd, zeros, bytes, at) != (ssize_t)bytes)
			exit(1);
		now = trib_clock_monotonic_ns(trib_clock_system());
		for (; written < due; written++)
			trib_histogram_record(latencies, (uint64_t)(now - begun - (int64_t)((double)written * gap_ns)));
		at = (at + (off_t)bytes) % (FILE_BYTES - STEP);
	}
	close(fd);
	unlink(path);
	free(zeros);
}

static void print_latencies(const char *what, const struct trib_histogram *latencies)
{
	printf("%s: p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, max %.2f ms\n", what,
	       (double)trib_histogram_quantile(latencies, 0.5) / 1e6,
	       (double)trib_histogram_quantile(latencies, 0.99) / 1e6,
	       (double)trib_histogram_quantile(latencies, 0.999) / 1e6, (double)latencies->max / 1e6);
}

/* One INFO on a connection of its own. */
static uint64_t ask_info(uint16_t port, const char *field)
{
	char text[1 << 16];
	size_t size = 0;
	int fd = connect_to(port);

	fcntl(fd, F_SETFL, 0);
	if (send(fd, "INFO\r\n", 6, 0) != 6)
		exit(1);
	do {
		ssize_t got = recv(fd, text + size, sizeof(text) - 1 - size, 0);

		if (got <= 0)
			exit(1);
		size += (size_t)got;
		text[size] = '\0';
	} while (!strstr(text, "indexes_complete:"));
	close(fd);
	const char *found = strstr(text, field);

	return found ? strtoull(found + strlen(field), NULL, 10) : 0;
}

static void report(double seconds, int64_t cpu_ns, int64_t client_ns, uint64_t count)
{
	printf("orders                 %12" PRIu64 "\n", count);
	printf("  attributed / other   %12" PRIu64 " / %" PRIu64 "\n", outcomes_attributed, outcomes_other);
	printf("  errors               %12" PRIu64 " %s\n", errors, first_error);
	printf("wall seconds           %12.2f\n", seconds);
	printf("orders per second      %12.0f\n", (double)count / seconds);
	printf("per server-CPU-second  %12.0f  (%.2f CPU-s)\n", (double)count / ((double)cpu_ns / 1e9),
	       (double)cpu_ns / 1e9);
	printf("client CPU-s           %12.2f\n", (double)client_ns / 1e9);
}

static void run_pulse(uint16_t port)
{
	static struct trib_histogram latencies;
	uint64_t count = options.seconds ? options.seconds * (options.rate ? options.rate : 250000) : options.orders;
	int64_t client_before = trib_cpu_process_ns(), cpu_before = bench_cpu_ns(server.pid);

	open_connections(port);
	double touching = closed_loop(0, touched_users(), put_touch);

	printf("touches per second     %12.0f\n", (double)touched_users() / touching);
	close_connections();
	open_connections(port);
	for (uint64_t i = 0; i < options.connections; i++)
		connections[i].orders = true;
	client_before = trib_cpu_process_ns();
	cpu_before = bench_cpu_ns(server.pid);
	static struct hiccups hiccups;
	static struct trib_histogram late;

	if (options.rate)
		hiccups_start(&hiccups);
	double seconds = options.rate ? open_loop(1, count, &latencies) : closed_loop(1, count, put_request);

	hiccups_stop(&hiccups, &late);
	int64_t cpu_ns = bench_cpu_ns(server.pid) - cpu_before;

	fprintf(stderr, "\r%60s\r", "");
	report(seconds, cpu_ns, trib_cpu_process_ns() - client_before, count);
	if (options.rate) {
		print_latencies("latency from the intended time", &latencies);
		print_latencies("the machine meanwhile: a thread of the highest priority that only sleeps woke late by", &late);
	}
	close_connections();
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system());

	printf("journal write p50 / p99 %" PRIu64 " / %" PRIu64 " us, checkpoints %" PRIu64 "\n",
	       ask_info(port, "journal_write_p50_us:"), ask_info(port, "journal_write_p99_us:"),
	       ask_info(port, "\ncheckpoints:"));
	while (ask_info(port, "checkpoint_due:"))
		usleep(100000);
	printf("background work done   %12.2f s after\n",
	       (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun) / 1e9);
}

static uint64_t number_arg(const char *text)
{
	return strtoull(text ? text : "0", NULL, 10);
}

static void parse(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint64_t *number;
	} numbers[] = { { "--orders", &options.orders },   { "--rate", &options.rate },
			{ "--seconds", &options.seconds }, { "--creators", &options.creators },
			{ "--plans", &options.plans },	   { "--tokens", &options.tokens },
			{ "--connections", &options.connections }, { "--window", &options.window } };

	for (int i = 1; i < argc; i++) {
		size_t n = 0;

		while (n < TRIB_ARRAY_SIZE(numbers) && strcmp(argv[i], numbers[n].name))
			n++;
		if (n < TRIB_ARRAY_SIZE(numbers))
			*numbers[n].number = number_arg(argv[++i]);
		else if (!strcmp(argv[i], "--sync"))
			options.sync = argv[++i];
		else if (!strcmp(argv[i], "--data"))
			options.data = argv[++i];
		else if (!strcmp(argv[i], "--keep"))
			options.keep = true;
		else if (!strcmp(argv[i], "--restart"))
			options.restart = true;
		else {
			fprintf(stderr, "bench-pulse: found \"%s\"; see the head of bench/pulse.c\n", argv[i]);
			exit(2);
		}
	}
	options.connections = TRIB_MIN(options.connections, (uint64_t)CONNECTIONS_MAX);
}

int main(int argc, char **argv)
{
	static char folder[64] = "/var/tmp/tributary-pulse-XXXXXX", path[4096];
	cpu_set_t core;

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(argc, argv);
	if (!options.data)
		options.data = mkdtemp(folder);
	snprintf(path, sizeof(path), "%s", argv[0]);
	char *slash = strrchr(path, '/');

	snprintf(slash ? slash : path, 32, "/../tributary");
	options.server = path;
	mkdir(options.data, 0700);
	bench_machine(options.data);
	if (options.rate) {
		static struct trib_histogram latencies;

		disk_alone(&latencies);
		print_latencies("the disk alone at that rate, no server", &latencies);
	}
	make_market();
	start_server();
	printf("server opened in       %12.2f s\n", server.seconds);
	while (!ask_info(server.resp, "\nwarm:"))
		usleep(100000);
	CPU_ZERO(&core);
	CPU_SET(1, &core);
	if (!options.rate) /* the open loop mostly sleeps: it runs where there is room, as a client would */
		sched_setaffinity(0, sizeof(core), &core);
	run_pulse(server.resp);
	if (options.restart) {
		bench_server_stop(&server, SIGKILL);
		start_server();
		printf("after kill -9, open in %12.2f s\n", server.seconds);
	}
	bench_server_stop(&server, SIGTERM);
	if (!options.keep)
		bench_remove(options.data);
	return errors ? 1 : 0;
}
