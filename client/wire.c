#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	IN_BYTES_MAX = 64 << 20,
	READ_BYTES = 256 << 10,
	DEPTH_MAX = 8,
	HTTP_HEAD_BYTES_MAX = 64 << 10,
};

int64_t wire_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void wire_init(struct wire *wire)
{
	*wire = (struct wire){ .fd = -1 };
	trib_buffer_init(&wire->in, IN_BYTES_MAX);
}

void wire_close(struct wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
	wire->used = 0;
	trib_buffer_reset(&wire->in);
}

void wire_fini(struct wire *wire)
{
	wire_close(wire);
	trib_buffer_fini(&wire->in);
}

static trib_status wait_for(int fd, short events, int64_t deadline_ms, struct trib_error *error)
{
	struct pollfd poll_fd = { fd, events, 0 };

	for (;;) {
		int64_t left_ms = deadline_ms - wire_now_ms();
		int ready = poll(&poll_fd, 1, left_ms > 0 ? (int)TRIB_MIN(left_ms, (int64_t)60000) : 0);

		if (ready > 0)
			return TRIB_OK;
		if (ready < 0 && errno != EINTR)
			return trib_fail(error, TRIB_IO, "server", "%s", strerror(errno));
		if (ready == 0 && left_ms <= 0)
			return trib_fail(error, TRIB_LIMIT, "server", "found no answer in time");
	}
}

/* "host:port", the host a name, a number, or a number in brackets. */
static struct addrinfo *look_up(const char *address)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char host[256];
	const char *colon = strrchr(address, ':');

	if (!colon || (size_t)(colon - address) >= sizeof(host))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
	size_t size = strlen(host);

	if (size > 1 && host[0] == '[' && host[size - 1] == ']') {
		host[size - 1] = '\0';
		return getaddrinfo(host + 1, colon + 1, &hints, &found) == 0 ? found : NULL;
	}
	return getaddrinfo(host, colon + 1, &hints, &found) == 0 ? found : NULL;
}

static trib_status finish_connect(int fd, const struct addrinfo *to, int64_t deadline_ms, struct trib_error *error)
{
	int failed = connect(fd, to->ai_addr, to->ai_addrlen) == 0 ? 0 : errno;
	socklen_t size = sizeof(failed);
	int one = 1;

	if (failed == EINPROGRESS) {
		trib_status status = wait_for(fd, POLLOUT, deadline_ms, error);

		if (status != TRIB_OK)
			return status;
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
	}
	if (failed)
		return trib_fail(error, TRIB_IO, "server", "cannot be reached: %s", strerror(failed));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return TRIB_OK;
}

trib_status wire_connect(struct wire *wire, const char *address, int64_t deadline_ms, struct trib_error *error)
{
	struct addrinfo *found = look_up(address);
	trib_status status = trib_fail(error, TRIB_IO, address, "found no such address");

	wire_close(wire);
	for (struct addrinfo *to = found; to && status != TRIB_OK; to = to->ai_next) {
		int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		if (fd < 0)
			continue;
		status = finish_connect(fd, to, deadline_ms, error);
		if (status == TRIB_OK)
			wire->fd = fd;
		else
			close(fd);
	}
	if (found)
		freeaddrinfo(found);
	return status;
}

trib_status wire_send(struct wire *wire, struct trib_bytes bytes, int64_t deadline_ms, struct trib_error *error)
{
	while (bytes.size) {
		ssize_t size = send(wire->fd, bytes.data, bytes.size, MSG_NOSIGNAL);

		if (size > 0) {
			bytes.data += size;
			bytes.size -= (size_t)size;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return trib_fail(error, TRIB_IO, "server", "%s", strerror(errno));
		trib_status status = wait_for(wire->fd, POLLOUT, deadline_ms, error);

		if (status != TRIB_OK)
			return status;
	}
	return TRIB_OK;
}

trib_status wire_fill(struct wire *wire, int64_t deadline_ms, struct trib_error *error)
{
	struct trib_buffer *in = &wire->in;

	if (wire->used) {
		memmove(in->data, in->data + wire->used, in->size - wire->used);
		in->size -= wire->used;
		wire->used = 0;
	}
	for (;;) {
		char *place = trib_buffer_reserve(in, READ_BYTES);

		if (!place)
			return trib_fail(error, TRIB_TOO_LARGE, "server", "found an answer of over %d bytes", IN_BYTES_MAX);
		ssize_t size = recv(wire->fd, place, READ_BYTES, 0);

		if (size > 0) {
			in->size += (size_t)size;
			return TRIB_OK;
		}
		if (size == 0)
			return trib_fail(error, TRIB_IO, "server", "has closed the connection");
		if (errno != EINTR && errno != EAGAIN)
			return trib_fail(error, TRIB_IO, "server", "%s", strerror(errno));
		trib_status status = wait_for(wire->fd, POLLIN, deadline_ms, error);

		if (status != TRIB_OK)
			return status;
	}
}

/* --- RESP --------------------------------------------------------------------------------------------- */

void wire_command(struct trib_buffer *out, size_t n)
{
	trib_buffer_add_format(out, "*%zu\r\n", n);
}

void wire_argument(struct trib_buffer *out, struct trib_bytes argument)
{
	trib_buffer_add_format(out, "$%zu\r\n", argument.size);
	trib_buffer_add_bytes(out, argument);
	trib_buffer_add(out, "\r\n", 2);
}

/* Takes one line off; false where it is not whole. */
static bool take_line(struct trib_bytes *rest, struct trib_bytes *ret_line)
{
	const char *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;

	if (!end)
		return false;
	size_t size = (size_t)(end - rest->data);

	*ret_line = trib_bytes(rest->data, size && rest->data[size - 1] == '\r' ? size - 1 : size);
	*rest = trib_bytes(end + 1, rest->size - size - 1);
	return true;
}

enum taken { TAKEN, INCOMPLETE, BROKEN };

/* One item of the wire and, where it holds others, those. */
static enum taken take_item(struct trib_bytes *rest, int depth, struct wire_reply *reply)
{
	struct wire_item item = { 0 };
	struct trib_bytes line;
	int64_t number = 0;

	if (!take_line(rest, &line))
		return INCOMPLETE;
	if (line.size == 0 || depth > DEPTH_MAX)
		return BROKEN;
	item.type = line.data[0];
	item.text = trib_bytes(line.data + 1, line.size - 1);
	if (strchr(":$*%>=~", item.type) && !trib_bytes_to_i64(item.text, &number))
		return BROKEN;
	item.number = number;
	if (item.type == '$' || item.type == '=') {
		if (number < 0) {
			item.type = '_';
		} else {
			if ((uint64_t)number + 2 > rest->size)
				return number > IN_BYTES_MAX ? BROKEN : INCOMPLETE;
			item.text = trib_bytes(rest->data, (size_t)number);
			*rest = trib_bytes(rest->data + number + 2, rest->size - (size_t)number - 2);
		}
	}
	if (reply->count < WIRE_ITEMS_MAX)
		reply->items[reply->count] = item;
	reply->count++;
	if (!strchr("*%>~", item.type))
		return strchr("+-:$=_#,(", item.type) ? TAKEN : BROKEN;
	for (int64_t i = 0; i < number * (item.type == '%' ? 2 : 1); i++) {
		enum taken taken = take_item(rest, depth + 1, reply);

		if (taken != TAKEN)
			return taken;
	}
	return TAKEN;
}

trib_status wire_next(struct wire *wire, struct wire_reply *ret_reply, struct trib_error *error)
{
	struct trib_bytes rest = trib_bytes(wire->in.data + wire->used, wire->in.size - wire->used);
	size_t before = rest.size;

	ret_reply->count = 0;
	if (before == 0)
		return TRIB_NOT_FOUND;
	switch (take_item(&rest, 0, ret_reply)) {
	case INCOMPLETE:
		return TRIB_NOT_FOUND;
	case BROKEN:
		return trib_fail(error, TRIB_SYNTAX, "server", "found other bytes, expected RESP");
	case TAKEN:
		break;
	}
	ret_reply->count = TRIB_MIN(ret_reply->count, (uint32_t)WIRE_ITEMS_MAX);
	wire->used += before - rest.size;
	return TRIB_OK;
}

trib_status wire_reply(struct wire *wire, int64_t deadline_ms, struct wire_reply *ret_reply, struct trib_error *error)
{
	trib_status status;

	while ((status = wire_next(wire, ret_reply, error)) == TRIB_NOT_FOUND)
		if ((status = wire_fill(wire, deadline_ms, error)) != TRIB_OK)
			return status;
	return status;
}

/* --- HTTP --------------------------------------------------------------------------------------------- */

/* The value of a header in the head, as a number; -1 where it is not there. */
static int64_t header_number(struct trib_bytes head, const char *name)
{
	struct trib_bytes line;
	size_t size = strlen(name);
	int64_t number;

	while (take_line(&head, &line)) {
		if (line.size <= size || strncasecmp(line.data, name, size) != 0 || line.data[size] != ':')
			continue;
		line = trib_bytes(line.data + size + 1, line.size - size - 1);
		while (line.size && *line.data == ' ')
			line = trib_bytes(line.data + 1, line.size - 1);
		return trib_bytes_to_i64(line, &number) ? number : -1;
	}
	return -1;
}

/* The head, up to the empty line; what has come of the body stays in the wire. */
static trib_status read_head(struct wire *wire, int64_t deadline_ms, int *ret_code, int64_t *ret_length,
			     struct trib_error *error)
{
	for (;;) {
		struct trib_buffer *in = &wire->in;
		const char *end = in->size ? memmem(in->data, in->size, "\r\n\r\n", 4) : NULL;

		if (end) {
			struct trib_bytes head = trib_bytes(in->data, (size_t)(end - in->data) + 2);

			if (head.size < 12 || memcmp(head.data, "HTTP/1.", 7) != 0)
				return trib_fail(error, TRIB_SYNTAX, "server", "found other bytes, expected HTTP");
			*ret_code = atoi(head.data + 9);
			*ret_length = header_number(head, "Content-Length");
			wire->used = head.size + 2;
			return TRIB_OK;
		}
		if (in->size > HTTP_HEAD_BYTES_MAX)
			return trib_fail(error, TRIB_SYNTAX, "server", "found other bytes, expected HTTP");
		trib_status status = wire_fill(wire, deadline_ms, error);

		if (status != TRIB_OK)
			return status;
	}
}

static trib_status read_body(struct wire *wire, size_t length, int64_t deadline_ms, struct trib_buffer *body,
			     struct trib_error *error)
{
	size_t begin = body->size;

	for (;;) {
		size_t got = body->size - begin, here = TRIB_MIN(wire->in.size - wire->used, length - got);

		trib_buffer_add(body, wire->in.data + wire->used, here);
		wire->used += here;
		if (body->failed)
			return trib_fail(error, TRIB_TOO_LARGE, "server", "found an answer of over %zu bytes", body->size_max);
		if (got + here == length)
			return TRIB_OK;
		/* A large body may take its time as long as it comes. */
		trib_status status = wire_fill(wire, TRIB_MAX(deadline_ms, wire_now_ms() + 10000), error);

		if (status != TRIB_OK)
			return status;
	}
}

trib_status wire_http_get(const char *address, const char *path, const char *access_token, int64_t deadline_ms,
			  struct trib_buffer *ret_body, struct trib_error *error)
{
	struct trib_buffer head;
	struct wire wire;
	int64_t length = 0;
	int code = 0;

	wire_init(&wire);
	trib_buffer_init(&head, 8192);
	trib_status status = wire_connect(&wire, address, deadline_ms, error);

	trib_buffer_add_format(&head, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", path, address);
	if (access_token)
		trib_buffer_add_format(&head, "Authorization: Bearer %s\r\n", access_token);
	trib_buffer_add_text(&head, "\r\n");
	if (status == TRIB_OK)
		status = wire_send(&wire, trib_buffer_bytes(&head), deadline_ms, error);
	if (status == TRIB_OK)
		status = read_head(&wire, deadline_ms, &code, &length, error);
	if (status == TRIB_OK && length < 0)
		status = trib_fail(error, TRIB_SYNTAX, "server", "found no Content-Length");
	if (status == TRIB_OK)
		status = read_body(&wire, (size_t)length, deadline_ms, ret_body, error);
	if (status == TRIB_OK && code >= 300)
		status = trib_fail(error, TRIB_REFUSED, path, "%d %.200s", code, trib_buffer_text(ret_body));
	wire_fini(&wire);
	trib_buffer_fini(&head);
	return status;
}
