#include "cli/load/resp_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEND_BYTES = 64 << 10, READ_BYTES = 256 << 10, REPLY_BYTES_MAX = 64 << 20, DEPTH_MAX = 16 };

struct trib_resp_client {
	int fd;
	trib_on_reply *on_reply;
	void *context;
	struct trib_buffer out;
	size_t sent; /* of out */
	char *in;
	size_t in_size, in_capacity;
	uint64_t unanswered;
};

trib_status trib_connect(const char *address, int *ret_fd, struct trib_error *error)
{
	const char *colon = strrchr(address, ':');
	struct sockaddr_in to = { .sin_family = AF_INET };
	char host[64];
	int64_t port;

	if (!colon || (size_t)(colon - address) >= sizeof(host) ||
	    !trib_bytes_to_i64(trib_bytes_text(colon + 1), &port) || port < 1 || port > 65535)
		return trib_fail(error, TRIB_INVALID, "address", "found \"%s\", expected HOST:PORT",
				 address);
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	to.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &to.sin_addr) != 1)
		return trib_fail(error, TRIB_INVALID, "address",
				 "found \"%s\", expected localhost or four numbers", host);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		trib_fail(error, TRIB_IO, address, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return TRIB_IO;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*ret_fd = fd;
	return TRIB_OK;
}

trib_status trib_resp_client_connect(const char *address, trib_on_reply *on_reply, void *context,
				     struct trib_resp_client **ret_client, struct trib_error *error)
{
	int fd = -1;
	trib_status status = trib_connect(address, &fd, error);

	if (status != TRIB_OK)
		return status;
	struct trib_resp_client *client = trib_alloc_zeroed(1, sizeof(*client));

	client->fd = fd;
	client->on_reply = on_reply;
	client->context = context;
	trib_buffer_init(&client->out, SIZE_MAX);
	client->in_capacity = READ_BYTES;
	client->in = trib_alloc(client->in_capacity);
	*ret_client = client;
	return TRIB_OK;
}

void trib_resp_client_free(struct trib_resp_client *client)
{
	if (!client)
		return;
	close(client->fd);
	trib_buffer_fini(&client->out);
	free(client->in);
	free(client);
}

/* ---- commands ---- */

static void header(struct trib_buffer *out, char type, uint64_t number)
{
	char *place = trib_buffer_reserve(out, 24);

	place[0] = type;
	size_t size = 1 + trib_format_u64(place + 1, number);

	place[size++] = '\r';
	place[size++] = '\n';
	out->size += size;
}

void trib_resp_command(struct trib_resp_client *client, size_t n)
{
	header(&client->out, '*', n);
	client->unanswered++;
}

void trib_resp_argument(struct trib_resp_client *client, struct trib_bytes argument)
{
	header(&client->out, '$', argument.size);
	trib_buffer_add_bytes(&client->out, argument);
	trib_buffer_add(&client->out, "\r\n", 2);
}

void trib_resp_argument_i64(struct trib_resp_client *client, int64_t argument)
{
	char text[20];

	trib_resp_argument(client, trib_bytes(text, trib_format_i64(text, argument)));
}

/* ---- replies ---- */

struct cursor {
	const char *at, *end;
	struct trib_reply *reply;
	bool broken;
};

/* The text up to the next CR LF; false where it has not come yet. */
static bool read_line(struct cursor *cursor, struct trib_bytes *ret_line)
{
	const char *stop = memchr(cursor->at, '\r', (size_t)(cursor->end - cursor->at));

	if (!stop || stop + 1 >= cursor->end)
		return false;
	*ret_line = trib_bytes(cursor->at, (size_t)(stop - cursor->at));
	cursor->broken |= stop[1] != '\n';
	cursor->at = stop + 2;
	return true;
}

static bool read_item(struct cursor *cursor, int depth)
{
	struct trib_reply_item item = { 0 };
	struct trib_bytes line;

	if (!read_line(cursor, &line))
		return false;
	if (!line.size || depth > DEPTH_MAX) {
		cursor->broken = true;
		return true;
	}
	item.type = line.data[0];
	item.text = trib_bytes(line.data + 1, line.size - 1);
	if (strchr(":$*", item.type) && !trib_bytes_to_i64(item.text, &item.number))
		cursor->broken = true;
	if (!strchr("+-:$*", item.type) || item.number > REPLY_BYTES_MAX)
		cursor->broken = cursor->broken || item.type != ':';
	if ((item.type == '$' || item.type == '*') && item.number < 0)
		item.type = '_';
	if (item.type == '$') {
		if (cursor->end - cursor->at < item.number + 2)
			return false;
		item.text = trib_bytes(cursor->at, (size_t)item.number);
		cursor->at += item.number + 2;
	}
	if (cursor->reply->count < TRIB_REPLY_ITEMS_MAX)
		cursor->reply->items[cursor->reply->count++] = item;
	for (int64_t i = 0; item.type == '*' && i < item.number && !cursor->broken; i++)
		if (!read_item(cursor, depth + 1))
			return false;
	return true;
}

bool trib_reply_parse(struct trib_bytes input, struct trib_reply *ret_reply, size_t *ret_consumed)
{
	struct cursor cursor = { input.data, input.data + input.size, ret_reply, false };

	ret_reply->count = 0;
	if (!input.size)
		return false;
	if (!read_item(&cursor, 0) && !cursor.broken)
		return false;
	*ret_consumed = cursor.broken ? SIZE_MAX : (size_t)(cursor.at - input.data);
	return true;
}

static trib_status take_replies(struct trib_resp_client *client, struct trib_error *error)
{
	struct trib_reply reply;
	size_t at = 0, consumed;

	while (trib_reply_parse(trib_bytes(client->in + at, client->in_size - at), &reply,
				&consumed)) {
		if (consumed == SIZE_MAX || !client->unanswered)
			return trib_fail(error, TRIB_SYNTAX, "reply",
					 "found bytes that are no reply");
		at += consumed;
		client->unanswered--;
		client->on_reply(client->context, &reply);
	}
	client->in_size -= at;
	memmove(client->in, client->in + at, client->in_size);
	return TRIB_OK;
}

static trib_status receive(struct trib_resp_client *client, struct trib_error *error)
{
	if (client->in_capacity - client->in_size < READ_BYTES / 2) {
		client->in_capacity *= 2;
		if (client->in_capacity > REPLY_BYTES_MAX)
			return trib_fail(error, TRIB_TOO_LARGE, "reply",
					 "expected at most %d bytes", REPLY_BYTES_MAX);
		client->in = trib_realloc(client->in, client->in_capacity);
	}
	ssize_t size = recv(client->fd, client->in + client->in_size,
			    client->in_capacity - client->in_size, MSG_DONTWAIT);

	if (size == 0)
		return trib_fail(error, TRIB_IO, "server", "closed the connection");
	if (size < 0)
		return errno == EAGAIN || errno == EINTR
			       ? TRIB_OK
			       : trib_fail(error, TRIB_IO, "server", "%s", strerror(errno));
	client->in_size += (size_t)size;
	return take_replies(client, error);
}

static trib_status transmit(struct trib_resp_client *client, struct trib_error *error)
{
	ssize_t size = send(client->fd, client->out.data + client->sent,
			    client->out.size - client->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (size < 0)
		return errno == EAGAIN || errno == EINTR
			       ? TRIB_OK
			       : trib_fail(error, TRIB_IO, "server", "%s", strerror(errno));
	client->sent += (size_t)size;
	if (client->sent == client->out.size) {
		trib_buffer_reset(&client->out);
		client->sent = 0;
	}
	return TRIB_OK;
}

trib_status trib_resp_client_wait(struct trib_resp_client *client, uint64_t unanswered_max,
				  struct trib_error *error)
{
	/* While there is room a queue grows to a good size before it is sent. */
	if (client->unanswered <= unanswered_max && client->out.size - client->sent < SEND_BYTES)
		return TRIB_OK;
	for (;;) {
		bool unsent = client->out.size > client->sent;
		struct pollfd poll_fd = { client->fd, (short)(POLLIN | (unsent ? POLLOUT : 0)), 0 };
		trib_status status = TRIB_OK;

		if (client->unanswered <= unanswered_max && !unsent)
			return TRIB_OK;
		if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
			return trib_fail(error, TRIB_IO, "server", "%s", strerror(errno));
		if (poll_fd.revents & POLLOUT)
			status = transmit(client, error);
		if (status == TRIB_OK && poll_fd.revents & (POLLIN | POLLHUP | POLLERR))
			status = receive(client, error);
		if (status != TRIB_OK)
			return status;
	}
}
