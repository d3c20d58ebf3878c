/*
 * Plan writes, durable, through HTTP: so many connections to a server of its own, each PUTs the next plan when the one
 * before is answered. Prints writes a second, and what they cost the server in CPU.
 *
 *	bench-plan_writes [seconds] [connections] [build/tributary]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include "server.h"

enum { CONNECTIONS_MAX = 1024, PLANS = 100000, GOODS = 1000 };

struct connection {
	int fd;
	size_t sent, size;   /* of the request */
	size_t got, wanted;  /* of the answer; wanted 0: its head is not complete */
	char request[1024], answer[4096];
};

static struct connection connections[CONNECTIONS_MAX];
static uint64_t plans, failed;
static uint16_t port;

static void make_request(struct connection *connection, const char *path, const char *body)
{
	connection->size = (size_t)snprintf(connection->request, sizeof(connection->request),
					    "PUT /api/v1/%s HTTP/1.1\r\nHost: localhost:%u\r\n"
					    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
					    path, port, strlen(body), body);
	connection->sent = connection->got = connection->wanted = 0;
}

static void next_plan(struct connection *connection)
{
	char path[64], body[256];
	uint64_t n = plans++;

	snprintf(path, sizeof(path), "plans/p%llu", (unsigned long long)(n % PLANS));
	snprintf(body, sizeof(body), "{\"goods\":[\"g%llu\"],\"merchant\":\"m1\",\"terms\":{\"commission_bps\":%llu}}",
		 (unsigned long long)(n % GOODS), (unsigned long long)(500 + n % 1000));
	make_request(connection, path, body);
}

static void push(struct connection *connection)
{
	ssize_t sent = send(connection->fd, connection->request + connection->sent, connection->size - connection->sent,
			    MSG_NOSIGNAL);

	if (sent > 0)
		connection->sent += (size_t)sent;
}

/* True once the answer is whole. */
static bool pull(struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->answer + connection->got,
			   sizeof(connection->answer) - 1 - connection->got, 0);

	if (got <= 0) {
		fprintf(stderr, "the server has gone\n");
		exit(1);
	}
	connection->got += (size_t)got;
	connection->answer[connection->got] = '\0';
	if (!connection->wanted) {
		const char *end = strstr(connection->answer, "\r\n\r\n"), *length;

		if (!end)
			return false;
		length = strcasestr(connection->answer, "content-length:");
		connection->wanted = (size_t)(end + 4 - connection->answer) +
				     (length ? strtoul(length + 15, NULL, 10) : 0);
	}
	if (connection->got < connection->wanted)
		return false;
	if (strncmp(connection->answer + 9, "20", 2) != 0) {
		if (failed++ == 0)
			fprintf(stderr, "%s\n", connection->answer);
	}
	return true;
}

static void ask(const char *path, const char *body)
{
	struct connection *connection = &connections[0];

	make_request(connection, path, body);
	while (connection->sent < connection->size)
		push(connection);
	while (!pull(connection))
		;
}

static void run(int n_connections, double seconds, uint64_t *ret_answered)
{
	struct epoll_event events[64];
	int epoll = epoll_create1(0);
	int64_t end_ns = trib_clock_monotonic_ns(trib_clock_system()) + (int64_t)(seconds * 1e9);
	uint64_t answered = 0;

	for (int i = 0; i < n_connections; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)i };

		epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
		next_plan(&connections[i]);
		push(&connections[i]);
	}
	while (trib_clock_monotonic_ns(trib_clock_system()) < end_ns) {
		int n = epoll_wait(epoll, events, 64, 100);

		for (int i = 0; i < n; i++) {
			struct connection *connection = &connections[events[i].data.u32];

			if (!pull(connection))
				continue;
			answered++;
			next_plan(connection);
			push(connection);
		}
	}
	close(epoll);
	*ret_answered = answered;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 5;
	int n_connections = argc > 2 ? atoi(argv[2]) : 32;
	const char *binary = argc > 3 ? argv[3] : "build/tributary";
	char folder[] = "/var/tmp/tributary-bench-XXXXXX", path[64];
	uint64_t answered;

	if (n_connections < 1 || n_connections > CONNECTIONS_MAX || !mkdtemp(folder))
		return 2;
	static const char *const words[] = { "--order-index", "64MiB", "--touches", "64MiB", NULL };
	struct bench_server server;

	snprintf(path, sizeof(path), "%s/data", folder);
	bench_server_start(binary, path, BENCH_HTTP, words, &server);
	port = server.http;
	for (int i = 0; i < n_connections; i++)
		connections[i].fd = bench_connect(port);
	ask("parties/m1", "{\"roles\":[\"merchant\"]}");
	for (int i = 0; i < GOODS; i++) {
		snprintf(path, sizeof(path), "goods/g%d", i);
		ask(path, "{\"merchant\":\"m1\",\"price\":1990}");
	}
	double cpu = (double)bench_cpu_ns(server.pid) / 1e9;
	int64_t began_ns = trib_clock_monotonic_ns(trib_clock_system());

	run(n_connections, seconds, &answered);
	double took = (double)(trib_clock_monotonic_ns(trib_clock_system()) - began_ns) / 1e9;

	cpu = (double)bench_cpu_ns(server.pid) / 1e9 - cpu;
	printf("plan writes, durable, HTTP, %d connections: %.0f/s; server %.1f us of CPU each, %.2f cores; %llu refused\n",
	       n_connections, (double)answered / took, cpu * 1e6 / (double)answered, cpu / took,
	       (unsigned long long)failed);
	bench_server_stop(&server, SIGTERM);
	bench_remove(folder);
	return failed ? 1 : 0;
}
