/*
 * Four threads resolve while delta after delta comes into force: every answer is wholly of one position, no thread ever goes
 * back, and all end at the last. A thread of the test plays the server.
 */
#include "market.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

enum { CHANGES = 20, THREADS = 4, BASE = 10000 };

/* What the server has: a full snapshot at positions[0], and deltas from each position to the next. */
static struct trib_buffer parts[CHANGES + 1];
static uint64_t positions[CHANGES + 1];
static int64_t charges[CHANGES + 1]; /* of the order, at each position */

static struct trib_client *shared;
static _Atomic bool stopping, mixed, went_back;
static _Atomic uint64_t resolved_orders;
static struct trib_client_order line = { .size = sizeof(line), .base_amount = BASE, .at_ms = WORLD_START_MS };

/* --- The server --------------------------------------------------------------------------------------- */

static void answer_one(int fd)
{
	char request[4096], head[128];
	ssize_t size = recv(fd, request, sizeof(request) - 1, 0);
	const char *since;
	size_t which = 0;

	if (size <= 0)
		return;
	request[size] = '\0';
	since = strstr(request, "since=");
	if (since) {
		uint64_t position = strtoull(since + 6, NULL, 10);

		while (which < CHANGES && positions[which] < position)
			which++;
		which = TRIB_MIN(which + 1, (size_t)CHANGES); /* the next delta; the last one again at the end */
	}
	int n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", parts[which].size);

	send(fd, head, (size_t)n, MSG_NOSIGNAL | MSG_MORE);
	for (size_t sent = 0; sent < parts[which].size;) {
		ssize_t done = send(fd, parts[which].data + sent, parts[which].size - sent, MSG_NOSIGNAL);

		if (done <= 0)
			return;
		sent += (size_t)done;
	}
}

static void *serve(void *context)
{
	int listener = *(int *)context, fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		answer_one(fd);
		close(fd);
	}
	return NULL;
}

static int listen_anywhere(char address[32])
{
	struct sockaddr_in where = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(where);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&where, size), 0);
	assert_int_equal(listen(fd, 16), 0);
	getsockname(fd, (struct sockaddr *)&where, &size);
	snprintf(address, 32, "127.0.0.1:%u", ntohs(where.sin_port));
	return fd;
}

/* --- The readers -------------------------------------------------------------------------------------- */

static void *read_orders(void *context TRIB_UNUSED)
{
	struct trib_resolver *mine = trib_resolver_new(shared);
	struct trib_client_answer answer = { .size = sizeof(answer) };
	uint64_t last = 0;

	while (!atomic_load(&stopping)) {
		size_t which = 0;

		if (trib_resolve(mine, &line, &answer) != TRIB_CLIENT_OK || answer.needs_server)
			continue;
		while (which <= CHANGES && positions[which] != answer.position)
			which++;
		if (which > CHANGES || answer.charged != charges[which])
			atomic_store(&mixed, true);
		if (answer.position < last)
			atomic_store(&went_back, true);
		last = answer.position;
		atomic_fetch_add(&resolved_orders, 1);
	}
	trib_resolver_free(mine);
	return NULL;
}

/* --- The test ----------------------------------------------------------------------------------------- */

static void take_part(size_t which, uint64_t since)
{
	struct trib_call call = { .kind = TRIB_CALL_SNAPSHOT, .since = since };

	trib_buffer_init(&parts[which], 1 << 24);
	world_call(&call);
	assert_ok(call.status, call.error);
	if (call.file) {
		char *place = trib_buffer_reserve(&parts[which], call.file->size);

		assert_int_equal(pread(call.file->fd, place, call.file->size, 0), call.file->size);
		parts[which].size += call.file->size;
		trib_call_file_unref(call.file);
	}
	trib_buffer_add_bytes(&parts[which], trib_buffer_bytes(&call.reply));
	trib_buffer_fini(&call.reply);
	positions[which] = trib_engine_market_position(world.engine);
}

static void make_parts(void)
{
	world_market();
	world_rules("default", "{\"root\":{\"id\":\"r\",\"window\":\"7d\",\"shares\":[{\"name\":\"commission\",\"to\":\"creator\","
			       "\"from\":\"merchant\",\"bps\":\"terms.commission_bps\"}]}}");
	world_put(TRIB_NOUN_PLAN, "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":1000},"
				  "\"effective_from\":1789000000000}");
	charges[0] = BASE / 10;
	take_part(0, 0);
	for (size_t i = 1; i <= CHANGES; i++) {
		put_format(TRIB_NOUN_PLAN,
			   "{\"id\":\"p1\",\"merchant\":\"m1\",\"goods\":[\"g1\"],\"terms\":{\"commission_bps\":%zu},"
			   "\"effective_from\":1789000000000}",
			   1000 + i);
		charges[i] = BASE / 10 + (int64_t)i;
		take_part(i, positions[i - 1]);
	}
}

static void answers_are_of_one_position(void **state TRIB_UNUSED)
{
	struct trib_client_options options = client_options();
	struct trib_call keys = { .kind = TRIB_CALL_KEYS };
	struct trib_client_error error;
	pthread_t server, readers[THREADS];
	char address[32], file[128], keys_file[128], token[TRIB_LIMIT_TOKEN_CHARS + 1];

	make_parts();
	snprintf(token, sizeof(token), "%s", world_token("c1", "g1"));
	line.order = text("o1");
	line.user = text("u1");
	line.goods = text("g1");
	line.token = text(token);
	world_call(&keys);
	snprintf(file, sizeof(file), "%s/client.snapshot", world.folder);
	snprintf(keys_file, sizeof(keys_file), "%s/client.keys", world.folder);
	FILE *out = fopen(keys_file, "w");

	fwrite(keys.reply.data, 1, keys.reply.size, out);
	fclose(out);
	chmod(keys_file, 0600);
	trib_buffer_fini(&keys.reply);
	int listener = listen_anywhere(address);

	pthread_create(&server, NULL, serve, &listener);
	options.snapshot_file = file;
	options.keys_file = keys_file;
	options.http = address;
	options.poll_ms = 10;
	if (trib_client_open(&options, &shared, &error) != TRIB_CLIENT_OK)
		fail_msg("%s", error.text);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&readers[i], NULL, read_orders, NULL);
	assert_int_equal(trib_client_wait(shared, positions[CHANGES], 100000), TRIB_CLIENT_OK);
	atomic_store(&stopping, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(readers[i], NULL);
	printf("# %llu orders over %d changes\n", (unsigned long long)resolved_orders, CHANGES);
	assert_false(mixed);
	assert_false(went_back);
	trib_client_close(shared, 0);
	shutdown(listener, SHUT_RDWR);
	pthread_join(server, NULL);
	close(listener);
	/* What was kept is all of it. */
	options.http = NULL;
	assert_int_equal(trib_client_open(&options, &shared, &error), TRIB_CLIENT_OK);
	assert_int_equal(trib_client_wait(shared, positions[CHANGES], 1000), TRIB_CLIENT_OK);
	trib_client_close(shared, 0);
	for (size_t i = 0; i <= CHANGES; i++)
		trib_buffer_fini(&parts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_are_of_one_position, world_setup, world_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
