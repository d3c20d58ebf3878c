#include "server/resp.h"

#include "server/limiter.h"
#include "server/resp_client.h"
#include "server/resp_tls.h"

enum {
	INPUT_BYTES_FIRST = 16 << 10,
	INPUT_BYTES_READ = 512 << 10, /* grown to by clients that fill what they have */
	INPUT_BYTES_MAX = 2 * TRIB_LIMIT_RESP_FRAME_BYTES,
	BACKLOG = 1024,
	SEALED_BYTES_READ = 64 << 10, /* of TLS, at a time */
};

/* Replies up to `end` of the output wait for `ticket`. */
struct mark {
	uint64_t ticket;
	size_t end;
	size_t replies;
};

struct connection {
	struct resp_client client; /* first */
	uv_tcp_t tcp;
	uv_write_t write;
	struct connection *next, *previous;	    /* of all */
	struct connection *next_waiting;	    /* of those with something to send */
	bool waiting, writing, reading, closed, ended;

	char *input;
	size_t input_size, input_capacity;

	struct trib_buffer output;  /* not sent yet; from here */
	size_t sent;
	struct trib_buffer written; /* in the hands of uv_write */
	struct mark *marks;
	size_t n_marks, marks_capacity;
	size_t replies; /* not marked yet */
	size_t held;	/* bytes of its buffers that are in the door's sum */
	struct resp_tls *tls; /* NULL: plain */
};

struct trib_resp {
	struct trib_resp_options options;
	uv_loop_t *loop;
	uv_tcp_t listener;
	struct connection *connections, *waiting;
	struct resp_totals totals;
	uint64_t ids;
	uint64_t told; /* position of the market that subscribers have been told */
	bool draining, listener_closed;
	size_t open; /* connections whose memory is not freed */
	size_t held; /* by the buffers of all */
	struct resp_tls_door *tls; /* NULL: plain */
	struct trib_limiter *limiter;  /* made for the first client that has one */
};

const struct resp_totals *resp_totals(const struct trib_resp *resp)
{
	return &resp->totals;
}

uint32_t resp_default_rate(const struct trib_resp *resp)
{
	return resp->options.rate;
}

bool resp_take_turn(struct trib_resp *resp, const struct resp_client *client)
{
	if (!resp->limiter)
		resp->limiter = trib_alloc_zeroed(1, sizeof(*resp->limiter));
	return trib_limiter_take(resp->limiter, client->who.token, client->rate, trib_clock_monotonic_ns(trib_clock_system()));
}

void resp_describe_client(const struct resp_client *client, struct trib_buffer *out)
{
	const struct connection *connection = (const struct connection *)client;
	struct sockaddr_storage peer = { 0 };
	char host[INET6_ADDRSTRLEN] = "?";
	int size = sizeof(peer);
	uint16_t port = 0;

	if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&peer, &size) == 0) {
		uv_ip_name((struct sockaddr *)&peer, host, sizeof(host));
		port = ntohs(((struct sockaddr_in *)&peer)->sin_port); /* where IPv6 has it too */
	}
	trib_buffer_add_format(out, peer.ss_family == AF_INET6 ? "id=%llu addr=[%s]:%u" : "id=%llu addr=%s:%u",
			       (unsigned long long)client->id, host, port);
	trib_buffer_add_format(out, " name=%s db=0 qbuf=%zu obl=%zu resp=%d\n", client->name, connection->input_size,
			       connection->output.size, client->version);
}

void resp_list_clients(const struct trib_resp *resp, struct trib_buffer *out)
{
	for (const struct connection *connection = resp->connections; connection; connection = connection->next)
		resp_describe_client(&connection->client, out);
}

/* --- Life of a connection ----------------------------------------------------------------------------- */

/* Takes what the buffers hold now into the sum. */
static void account(struct connection *connection)
{
	size_t held = connection->closed ? 0 :
					   connection->input_capacity + connection->output.capacity +
						   connection->written.capacity +
						   (connection->tls ? resp_tls_held(connection->tls) : 0);

	connection->client.resp->held += held - connection->held;
	connection->held = held;
}

/* Close callbacks come in any order; the last one turns off the light. */
static void free_if_last(struct trib_resp *resp)
{
	if (!resp->listener_closed || resp->open)
		return;
	resp_tls_door_free(resp->tls);
	free(resp->limiter);
	free(resp);
}

static void on_closed(uv_handle_t *handle)
{
	struct connection *connection = handle->data;
	struct trib_resp *resp = connection->client.resp;

	free(connection->input);
	free(connection->marks);
	resp_tls_free(connection->tls);
	trib_buffer_fini(&connection->output);
	trib_buffer_fini(&connection->written);
	free(connection);
	resp->open--;
	free_if_last(resp);
}

static void unlink_waiting(struct trib_resp *resp, struct connection *connection)
{
	for (struct connection **link = &resp->waiting; *link; link = &(*link)->next_waiting)
		if (*link == connection) {
			*link = connection->next_waiting;
			break;
		}
	connection->waiting = false;
}

/* Only so far as the socket takes it. */
static void say_goodbye(struct connection *connection)
{
	struct trib_buffer *out = resp_tls_out(connection->tls);

	resp_tls_end(connection->tls);
	uv_buf_t buf = uv_buf_init(out->data, (unsigned)out->size);

	if (out->size && !connection->writing)
		uv_try_write((uv_stream_t *)&connection->tcp, &buf, 1);
}

static void close_connection(struct connection *connection)
{
	struct trib_resp *resp = connection->client.resp;

	if (connection->closed)
		return;
	if (connection->tls)
		say_goodbye(connection);
	connection->closed = true;
	account(connection);
	if (connection->waiting)
		unlink_waiting(resp, connection);
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		resp->connections = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	resp->totals.clients--;
	uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

/* A client that does not read what it asked for is cut off before it takes all memory. */
static void cut(struct connection *connection)
{
	trib_metrics_add(connection->client.resp->options.metrics, TRIB_METRIC_RESP_CUT, 0, 1);
	close_connection(connection);
}

static void release(struct trib_buffer *buffer)
{
	size_t size_max = buffer->size_max;

	trib_buffer_fini(buffer);
	trib_buffer_init(buffer, size_max);
}

/* Gives back what buffers keep for the next command. */
static void trim(struct connection *connection)
{
	if (!connection->input_size) {
		free(TRIB_TAKE_PTR(connection->input));
		connection->input_capacity = 0;
	}
	if (!connection->writing)
		release(&connection->written);
	if (!connection->output.size)
		release(&connection->output);
	account(connection);
}

/*
 * Clients that read slowly, or send a command in small pieces, hold our memory: each no more than its own limits, and all
 * together no more than theirs. What is merely kept is given back first; then whoever holds most goes.
 */
static void bound_memory(struct trib_resp *resp)
{
	struct connection *connection;

	if (TRIB_LIKELY(resp->held <= TRIB_LIMIT_RESP_MEMORY_BYTES))
		return;
	for (connection = resp->connections; connection; connection = connection->next)
		trim(connection);
	while (resp->held > TRIB_LIMIT_RESP_MEMORY_BYTES) {
		struct connection *largest = resp->connections;

		for (connection = resp->connections; connection; connection = connection->next)
			if (connection->held > largest->held)
				largest = connection;
		cut(largest);
	}
}

/* --- Output ------------------------------------------------------------------------------------------- */

static void send_settled(struct connection *connection, uint64_t settled);
static void send_sealed(struct connection *connection);

static void on_written(uv_write_t *request, int status)
{
	struct connection *connection = request->data;

	connection->writing = false;
	if (status < 0) {
		close_connection(connection);
		return;
	}
	if (TRIB_UNLIKELY(connection->tls) && !connection->closed)
		send_sealed(connection);
	if (!connection->closed)
		send_settled(connection, trib_engine_settled(connection->client.engine));
}

/* What the socket does not take at once goes to uv_write in a buffer of its own: this one, where there is nothing else in it. */
/* What TLS has made of replies, or says by itself, in the order in which it was made. */
static void send_sealed(struct connection *connection)
{
	struct trib_buffer *out = resp_tls_out(connection->tls), spare = connection->written;

	if (connection->writing || !out->size)
		return;
	trib_buffer_reset(&spare);
	connection->written = *out;
	*out = spare;
	uv_buf_t buf = uv_buf_init(connection->written.data, (unsigned)connection->written.size);
	int written = uv_try_write((uv_stream_t *)&connection->tcp, &buf, 1);

	if (written < 0 && written != UV_EAGAIN) {
		close_connection(connection);
		return;
	}
	if (written > 0)
		buf = uv_buf_init(buf.base + written, (unsigned)(buf.len - (size_t)written));
	if (!buf.len)
		return;
	connection->writing = true;
	connection->write.data = connection;
	if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_written) < 0)
		close_connection(connection);
}

static void send_by_tls(struct connection *connection, size_t end)
{
	if (!resp_tls_write(connection->tls, trib_bytes(connection->output.data + connection->sent, end - connection->sent))) {
		close_connection(connection);
		return;
	}
	connection->sent = end;
	send_sealed(connection);
}

static void send_bytes(struct connection *connection, size_t end)
{
	if (TRIB_UNLIKELY(connection->tls)) {
		send_by_tls(connection, end);
		return;
	}
	struct trib_buffer *output = &connection->output;
	uv_buf_t buf = uv_buf_init(output->data + connection->sent, (unsigned)(end - connection->sent));
	int written = uv_try_write((uv_stream_t *)&connection->tcp, &buf, 1);

	if (written < 0 && written != UV_EAGAIN) {
		close_connection(connection);
		return;
	}
	connection->sent += written > 0 ? (size_t)written : 0;
	if (connection->sent == end)
		return;
	trib_buffer_reset(&connection->written);
	if (end == output->size) {
		struct trib_buffer spare = connection->written;

		connection->written = *output;
		*output = spare;
		buf = uv_buf_init(connection->written.data + connection->sent, (unsigned)(end - connection->sent));
		connection->sent = 0;
	} else {
		trib_buffer_add(&connection->written, output->data + connection->sent, end - connection->sent);
		buf = uv_buf_init(connection->written.data, (unsigned)connection->written.size);
		connection->sent = end;
	}
	connection->writing = true;
	connection->write.data = connection;
	if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_written) < 0)
		close_connection(connection);
}

static void forget_sent(struct connection *connection)
{
	struct trib_buffer *output = &connection->output;

	if (connection->sent == 0)
		return;
	memmove(output->data, output->data + connection->sent, output->size - connection->sent);
	output->size -= connection->sent;
	for (size_t i = 0; i < connection->n_marks; i++)
		connection->marks[i].end -= connection->sent;
	connection->sent = 0;
}

static void start_reading(struct connection *connection);

static void send_settled(struct connection *connection, uint64_t settled)
{
	size_t end = 0, done = 0;

	if (connection->writing || connection->closed)
		return;
	while (done < connection->n_marks && connection->marks[done].ticket <= settled)
		end = connection->marks[done++].end;
	if (done) {
		connection->n_marks -= done;
		memmove(connection->marks, connection->marks + done,
			connection->n_marks * sizeof(*connection->marks));
		send_bytes(connection, end);
		if (connection->closed)
			return;
		forget_sent(connection);
	}
	if (connection->n_marks || connection->writing)
		return;
	if (connection->waiting)
		unlink_waiting(connection->client.resp, connection);
	if (connection->client.closing || connection->ended)
		close_connection(connection);
	else if (!connection->reading)
		start_reading(connection);
}

/* All output up to here, with so many more replies, may leave with what has been decided so far. */
static void add_mark(struct connection *connection, size_t replies)
{
	struct trib_resp *resp = connection->client.resp;
	uint64_t ticket = trib_engine_ticket(connection->client.engine);
	size_t end = connection->output.size;

	if (connection->n_marks && connection->marks[connection->n_marks - 1].ticket == ticket) {
		connection->marks[connection->n_marks - 1].end = end;
		connection->marks[connection->n_marks - 1].replies += replies;
	} else {
		if (connection->n_marks == connection->marks_capacity) {
			connection->marks_capacity = connection->marks_capacity ? connection->marks_capacity * 2 : 4;
			connection->marks = trib_realloc(connection->marks,
							 connection->marks_capacity * sizeof(struct mark));
		}
		connection->marks[connection->n_marks++] = (struct mark){ ticket, end, replies };
	}
	if (!connection->waiting) {
		connection->waiting = true;
		connection->next_waiting = resp->waiting;
		resp->waiting = connection;
	}
}

static void mark_replies(struct connection *connection)
{
	if (connection->replies)
		add_mark(connection, connection->replies);
	connection->replies = 0;
}

/*
 * Tells whoever subscribed where the market stands now. It stands behind the replies that are there, and waits as they do:
 * nobody is told of a change that is not durable.
 */
static void push_position(struct trib_resp *resp)
{
	uint64_t position = trib_engine_market_position(resp->options.engine);

	if (position == resp->told)
		return;
	resp->told = position;
	for (struct connection *connection = resp->connections; connection; connection = connection->next) {
		struct trib_buffer *out = &connection->output;

		if (!connection->client.subscribed || connection->client.closing || connection->ended)
			continue;
		mark_replies(connection);
		trib_resp_header(out, '>', 2);
		trib_resp_text(out, "snapshot");
		trib_resp_integer(out, (int64_t)position);
		add_mark(connection, 0);
	}
}

/* --- Input -------------------------------------------------------------------------------------------- */

static void make_room(struct connection *connection)
{
	if (connection->input_capacity - connection->input_size <= connection->input_capacity / 4) {
		size_t most = connection->input_size > INPUT_BYTES_READ / 2 ? INPUT_BYTES_MAX : INPUT_BYTES_READ;

		if (connection->input_capacity < most) {
			connection->input_capacity =
				TRIB_MIN(TRIB_MAX(connection->input_capacity * 4, (size_t)INPUT_BYTES_FIRST), most);
			connection->input = trib_realloc(connection->input, connection->input_capacity);
		}
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested TRIB_UNUSED, uv_buf_t *ret_buf)
{
	struct connection *connection = handle->data;

	make_room(connection);
	*ret_buf = uv_buf_init(connection->input + connection->input_size,
			       (unsigned)(connection->input_capacity - connection->input_size));
}

static void refuse(struct connection *connection, const struct trib_error *error)
{
	trib_resp_error_text(&connection->output, "ERR Protocol error: %s", error->text);
	connection->replies++;
	connection->client.closing = true;
}

/* All whole commands of the input; returns how many bytes they took. */
static size_t run_commands(struct connection *connection)
{
	static _Thread_local struct trib_bytes args[TRIB_LIMIT_RESP_ARGUMENTS];
	struct trib_resp *resp = connection->client.resp;
	size_t used = 0;

	while (!connection->client.closing) {
		struct trib_error error;
		size_t n, consumed;
		enum trib_resp_parse parsed =
			trib_resp_parse(trib_bytes(connection->input + used, connection->input_size - used), args,
					&n, &consumed, &error);

		if (parsed == TRIB_RESP_INCOMPLETE)
			break;
		if (parsed == TRIB_RESP_REFUSED) {
			resp_commands_flush(&connection->client);
			refuse(connection, &error);
			break;
		}
		used += consumed;
		if (n == 0)
			continue;
		connection->replies++;
		resp->totals.commands++;
		if (TRIB_UNLIKELY(connection->client.rate) && !resp_take_turn(resp, &connection->client)) {
			resp_commands_flush(&connection->client);
			resp_refuse_rate(&connection->client);
			continue;
		}
		resp_command(&connection->client, args, n);
		if (connection->output.failed)
			break;
	}
	resp_commands_flush(&connection->client);
	return used;
}

/* The client has said all it wants to say; what it is still owed is sent first. */
static void end_reading(struct connection *connection)
{
	connection->ended = true;
	uv_read_stop((uv_stream_t *)&connection->tcp);
	connection->reading = false;
	if (connection->n_marks == 0 && !connection->writing)
		close_connection(connection);
}

/* So much more stands in the input. */
static void take_input(struct connection *connection, size_t size)
{
	connection->input_size += size;
	resp_look_again(&connection->client);
	size_t used = run_commands(connection);

	if (used) {
		memmove(connection->input, connection->input + used, connection->input_size - used);
		connection->input_size -= used;
	}
	if (connection->output.failed) {
		cut(connection);
		return;
	}
	mark_replies(connection);
	account(connection);
	bound_memory(connection->client.resp);
	if (connection->closed)
		return;
	if (connection->output.size > TRIB_LIMIT_RESP_OUTPUT_BYTES / 2 || connection->client.closing) {
		uv_read_stop((uv_stream_t *)&connection->tcp);
		connection->reading = false;
	}
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf TRIB_UNUSED)
{
	struct connection *connection = stream->data;

	if (size < 0)
		end_reading(connection);
	else
		take_input(connection, (size_t)size);
}

/* ---- TLS: another pair of callbacks, so that plain connections pay nothing for it ---- */

/* What is read here is taken before the loop goes on, so all connections share the place. */
static void on_alloc_sealed(uv_handle_t *handle TRIB_UNUSED, size_t suggested TRIB_UNUSED, uv_buf_t *ret_buf)
{
	static _Thread_local char sealed[SEALED_BYTES_READ];

	*ret_buf = uv_buf_init(sealed, sizeof(sealed));
}

static void on_read_sealed(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
	struct connection *connection = stream->data;
	ssize_t got = RESP_TLS_ENDED;

	if (size > 0)
		resp_tls_feed(connection->tls, trib_bytes(buf->base, (size_t)size));
	while (size > 0 && !connection->closed && !connection->client.closing) {
		make_room(connection);
		got = resp_tls_read(connection->tls, connection->input + connection->input_size,
				    connection->input_capacity - connection->input_size);
		if (got <= 0)
			break;
		take_input(connection, (size_t)got);
	}
	if (size == 0 || connection->closed || got > 0) /* the rest of who is done with is not looked at */
		return;
	send_sealed(connection);
	if (got == RESP_TLS_BROKEN)
		close_connection(connection);
	else if (got == RESP_TLS_ENDED && !connection->closed)
		end_reading(connection);
}

static void start_reading(struct connection *connection)
{
	if (connection->client.resp->draining)
		return;
	connection->reading = true;
	if (connection->tls)
		uv_read_start((uv_stream_t *)&connection->tcp, on_alloc_sealed, on_read_sealed);
	else
		uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct trib_resp *resp = listener->data;

	if (status < 0)
		return;
	struct connection *connection = trib_alloc_zeroed(1, sizeof(*connection));

	connection->client = (struct resp_client){ .resp = resp,
						   .engine = resp->options.engine,
						   .auth = resp->options.auth,
						   .out = &connection->output,
						   .id = ++resp->ids,
						   .version = 2 };
	resp_set_rights(&connection->client);
	trib_buffer_init(&connection->output, TRIB_LIMIT_RESP_OUTPUT_BYTES);
	trib_buffer_init(&connection->written, TRIB_LIMIT_RESP_OUTPUT_BYTES);
	uv_tcp_init(resp->loop, &connection->tcp);
	connection->tcp.data = connection;
	connection->next = resp->connections;
	if (resp->connections)
		resp->connections->previous = connection;
	resp->connections = connection;
	resp->open++;
	resp->totals.clients++;
	if (uv_accept(listener, (uv_stream_t *)&connection->tcp) < 0 || resp->draining ||
	    resp->totals.clients > TRIB_LIMIT_RESP_CLIENTS) {
		static const char full[] = "-ERR max number of clients reached\r\n";
		uv_buf_t buf = uv_buf_init((char *)full, sizeof(full) - 1);

		if (!resp->tls) /* nobody could read it */
			uv_try_write((uv_stream_t *)&connection->tcp, &buf, 1);
		close_connection(connection);
		return;
	}
	connection->tls = resp->tls ? resp_tls_new(resp->tls, TRIB_LIMIT_RESP_OUTPUT_BYTES) : NULL;
	if (resp->tls && !connection->tls) {
		close_connection(connection);
		return;
	}
	uv_tcp_nodelay(&connection->tcp, 1);
	start_reading(connection);
}

/* --- The door ----------------------------------------------------------------------------------------- */

trib_status trib_resp_start(uv_loop_t *loop, const struct trib_resp_options *options,
			    struct trib_resp **ret_resp, struct trib_error *error)
{
	const struct trib_address *address = options->address;
	struct trib_resp *resp = trib_alloc_zeroed(1, sizeof(*resp));
	struct sockaddr_storage bound;
	int size = sizeof(bound);
	int failed;

	resp->options = *options;
	resp->loop = loop;
	resp->totals.started_ms = trib_clock_wall_ms(trib_clock_system());
	uv_tcp_init(loop, &resp->listener);
	resp->listener.data = resp;
	failed = uv_tcp_bind(&resp->listener, (const struct sockaddr *)&address->socket, 0);
	if (!failed)
		failed = uv_listen((uv_stream_t *)&resp->listener, BACKLOG, on_connection);
	if (failed) {
		trib_resp_stop(resp);
		return trib_fail(error, TRIB_IO, "--resp", "cannot listen on %s:%u: %s", address->host,
				 address->port, uv_strerror(failed));
	}
	if (options->tls)
		resp->tls = resp_tls_door_new();
	uv_tcp_getsockname(&resp->listener, (struct sockaddr *)&bound, &size);
	resp->totals.port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port :
								((struct sockaddr_in *)&bound)->sin_port);
	*ret_resp = resp;
	return TRIB_OK;
}

uint16_t trib_resp_port(const struct trib_resp *resp)
{
	return resp->totals.port;
}

void trib_resp_settle(struct trib_resp *resp)
{
	uint64_t settled = trib_engine_settled(resp->options.engine);

	push_position(resp);
	for (struct connection *connection = resp->waiting, *next; connection; connection = next) {
		next = connection->next_waiting;
		send_settled(connection, settled);
		account(connection);
	}
	bound_memory(resp);
	trib_metrics_set(resp->options.metrics, TRIB_METRIC_RESP_MEMORY_BYTES, 0, resp->held);
	trib_metrics_set(resp->options.metrics, TRIB_METRIC_RESP_CLIENTS, 0, resp->totals.clients);
}

void trib_resp_lost(struct trib_resp *resp)
{
	uint64_t settled = trib_engine_settled(resp->options.engine);

	for (struct connection *connection = resp->connections; connection; connection = connection->next) {
		size_t kept = 0, replies = 0;

		while (kept < connection->n_marks && connection->marks[kept].ticket <= settled)
			kept++;
		if (kept == connection->n_marks)
			continue;
		connection->output.size = kept ? connection->marks[kept - 1].end : connection->sent;
		for (size_t i = kept; i < connection->n_marks; i++)
			replies += connection->marks[i].replies;
		for (size_t i = 0; i < replies; i++)
			trib_buffer_add_text(&connection->output, "-UNKNOWN repeat this command\r\n");
		connection->marks[kept] = (struct mark){ settled, connection->output.size, replies };
		connection->n_marks = kept + 1;
	}
	trib_resp_settle(resp);
	resp->told = 0; /* the push may have been among what is lost */
}

void trib_resp_drain(struct trib_resp *resp)
{
	resp->draining = true;
	for (struct connection *connection = resp->connections; connection; connection = connection->next) {
		uv_read_stop((uv_stream_t *)&connection->tcp);
		connection->reading = false;
	}
}

bool trib_resp_drained(const struct trib_resp *resp)
{
	for (const struct connection *connection = resp->connections; connection; connection = connection->next)
		if (connection->n_marks || connection->writing)
			return false;
	return true;
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct trib_resp *resp = handle->data;

	resp->listener_closed = true;
	free_if_last(resp);
}

void trib_resp_stop(struct trib_resp *resp)
{
	if (!resp)
		return;
	while (resp->connections)
		close_connection(resp->connections);
	uv_close((uv_handle_t *)&resp->listener, on_listener_closed);
}
