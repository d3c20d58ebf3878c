/*
 * A real server in a process of its own, for benches that are its client: `tributary serve` on a data folder, with its
 * doors on ports of the machine's choice.
 *
 *	struct bench_server server;
 *	static const char *const words[] = { "--sync", "off", NULL };
 *
 *	bench_server_start(binary, folder, BENCH_RESP, words, &server); // until its doors are open; or says why not, and exits
 *	int fd = bench_connect(server.resp);
 *	…
 *	bench_server_stop(&server, SIGTERM);
 */
#ifndef TRIB_BENCH_SERVER_H
#define TRIB_BENCH_SERVER_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "bench.h"

struct bench_server {
	pid_t pid;
	int log;	     /* the pipe that it writes its log to */
	uint16_t resp, http; /* 0: that door is off */
	double seconds;	     /* until the doors were open */
};

/* User and system time of a process. */
static inline int64_t bench_cpu_ns(pid_t pid)
{
	char path[64], text[1024];
	unsigned long user = 0, system = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");

	if (file && fgets(text, sizeof(text), file) && strrchr(text, ')'))
		sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
	if (file)
		fclose(file);
	return (int64_t)(user + system) * (1000000000 / sysconf(_SC_CLK_TCK));
}

static inline uint64_t bench_resident_bytes(pid_t pid)
{
	char path[64];
	unsigned long pages = 0;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	FILE *file = fopen(path, "r");

	if (file && fscanf(file, "%*u %lu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "door=resp address=127.0.0.1:7379\n": the port, once the line is whole. */
static inline uint16_t bench_door(const char *log, const char *words)
{
	const char *door = strstr(log, words);

	return door && strchr(door, '\n') ? (uint16_t)atoi(door + strlen(words)) : 0;
}

/* The process that is to become the server. */
static inline void bench_server_become(const char *binary, const char *folder, const char *const *words, const bool doors[2],
				       int log)
{
	static const char *const options[] = { "--resp", "--http" };
	const char *line[32] = { "tributary", "serve", "--data", folder };
	size_t count = 4;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it never outlives the bench */
	dup2(log, 1);
	dup2(log, 2);
	for (int i = 0; i < 2; i++) {
		line[count++] = options[i];
		line[count++] = doors[i] ? "127.0.0.1:0" : "off";
	}
	for (; *words && count + 1 < sizeof(line) / sizeof(line[0]); words++)
		line[count++] = *words;
	execv(binary, (char **)(uintptr_t)line);
	_exit(127);
}

enum bench_doors { BENCH_RESP = 1, BENCH_HTTP = 2 };

/* `words`: more options of `serve`, NULL behind the last. */
static inline void bench_server_start(const char *binary, const char *folder, unsigned open, const char *const *words,
				      struct bench_server *ret_server)
{
	static char log[1 << 16];
	int64_t begun_ns = trib_clock_monotonic_ns(trib_clock_system());
	const bool doors[2] = { open & BENCH_RESP, open & BENCH_HTTP };
	size_t size = 0;
	int fds[2];

	if (pipe(fds) < 0)
		exit(1);
	*ret_server = (struct bench_server){ .pid = fork(), .log = fds[0] };
	if (ret_server->pid == 0) {
		close(fds[0]);
		bench_server_become(binary, folder, words, doors, fds[1]);
	}
	close(fds[1]);
	while ((doors[0] && !ret_server->resp) || (doors[1] && !ret_server->http)) {
		ssize_t got = read(fds[0], log + size, sizeof(log) - 1 - size);

		if (got <= 0) {
			fprintf(stderr, "the server did not start:\n%.*s", (int)size, log);
			exit(1);
		}
		size += (size_t)got;
		log[size] = '\0';
		ret_server->resp = bench_door(log, "door=resp address=127.0.0.1:");
		ret_server->http = bench_door(log, "door=http address=http://127.0.0.1:");
	}
	ret_server->seconds = (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun_ns) / 1e9;
}

static inline void bench_server_stop(struct bench_server *server, int how)
{
	kill(server->pid, how);
	waitpid(server->pid, NULL, 0);
	close(server->log);
}

/* A connection that sends at once. */
static inline int bench_connect(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

#endif
