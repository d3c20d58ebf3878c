#include "cli/load/http_client.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include "cli/load/resp_client.h"

enum { ANSWER_BYTES_MAX = 64 << 20, READ_BYTES = 64 << 10 };

struct trib_http {
	int fd;
	struct trib_buffer out;
};

static trib_status send_all(int fd, struct trib_bytes bytes, struct trib_error *error)
{
	while (bytes.size) {
		ssize_t size = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return trib_fail(error, TRIB_IO, "server", "%s", strerror(errno));
		bytes.data += size;
		bytes.size -= (size_t)size;
	}
	return TRIB_OK;
}

trib_status trib_http_begin(const char *address, const char *method, const char *path,
			    const char *type, struct trib_http **ret_http, struct trib_error *error)
{
	int fd = -1;
	trib_status status = trib_connect(address, &fd, error);

	if (status != TRIB_OK)
		return status;
	struct trib_http *http = trib_alloc_zeroed(1, sizeof(*http));

	http->fd = fd;
	trib_buffer_init(&http->out, SIZE_MAX);
	trib_buffer_add_format(
		&http->out,
		"%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nConnection: close\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		method, path, address, type);
	*ret_http = http;
	return TRIB_OK;
}

void trib_http_free(struct trib_http *http)
{
	if (!http)
		return;
	close(http->fd);
	trib_buffer_fini(&http->out);
	free(http);
}

trib_status trib_http_send(struct trib_http *http, struct trib_bytes part, struct trib_error *error)
{
	if (part.size) { /* an empty chunk would end the body */
		trib_buffer_add_format(&http->out, "%zx\r\n", part.size);
		trib_buffer_add_bytes(&http->out, part);
		trib_buffer_add_text(&http->out, "\r\n");
	}
	trib_status status = send_all(http->fd, trib_buffer_bytes(&http->out), error);

	trib_buffer_reset(&http->out);
	return status;
}

static trib_status receive_all(int fd, struct trib_buffer *answer, struct trib_error *error)
{
	for (;;) {
		char *place = trib_buffer_reserve(answer, READ_BYTES);

		if (!place)
			return trib_fail(error, TRIB_TOO_LARGE, "answer",
					 "expected at most %d bytes", ANSWER_BYTES_MAX);
		ssize_t size = recv(fd, place, READ_BYTES, 0);

		if (size == 0)
			return TRIB_OK;
		if (size < 0 && errno != EINTR)
			return trib_fail(error, TRIB_IO, "server", "%s", strerror(errno));
		if (size > 0)
			answer->size += (size_t)size;
	}
}

/* Chunks to plain bytes: "size in hex" CR LF, bytes, CR LF, …, "0". */
static bool add_chunks(struct trib_bytes from, struct trib_buffer *body)
{
	while (from.size) {
		char *after;
		size_t size = strtoul(from.data, &after, 16);
		const char *line = memmem(from.data, from.size, "\r\n", 2);

		if (!line || after == from.data)
			return false;
		if (size == 0)
			return true;
		size_t head = (size_t)(line - from.data) + 2;

		if (size > from.size - head)
			return false;
		trib_buffer_add(body, from.data + head, size);
		head = TRIB_MIN(from.size, head + size + 2);
		from = trib_bytes(from.data + head, from.size - head);
	}
	return false;
}

static trib_status read_answer(struct trib_buffer *answer, int *ret_code,
			       struct trib_buffer *ret_body, struct trib_error *error)
{
	const char *text = trib_buffer_text(answer);
	const char *body = strstr(text, "\r\n\r\n");

	if (strncmp(text, "HTTP/1.", 7) || strlen(text) < 12 || !body)
		return trib_fail(error, TRIB_SYNTAX, "answer", "found \"%.40s\", expected HTTP",
				 text);
	*ret_code = atoi(text + 9);
	body += 4;

	struct trib_bytes rest = trib_bytes(body, answer->size - (size_t)(body - text));
	const char *chunked = strcasestr(text, "Transfer-Encoding: chunked");

	if (!chunked || chunked > body)
		trib_buffer_add_bytes(ret_body, rest);
	else if (!add_chunks(rest, ret_body))
		return trib_fail(error, TRIB_SYNTAX, "answer", "found broken chunks");
	return TRIB_OK;
}

trib_status trib_http_end(struct trib_http *http, int *ret_code, struct trib_buffer *ret_body,
			  struct trib_error *error)
{
	struct trib_buffer answer;

	trib_buffer_init(&answer, ANSWER_BYTES_MAX);
	trib_buffer_add_text(&http->out, "0\r\n\r\n");

	trib_status status = send_all(http->fd, trib_buffer_bytes(&http->out), error);

	if (status == TRIB_OK)
		status = receive_all(http->fd, &answer, error);
	if (status == TRIB_OK)
		status = read_answer(&answer, ret_code, ret_body, error);
	trib_buffer_fini(&answer);
	trib_http_free(http);
	return status;
}

trib_status trib_http_request(const char *address, const char *method, const char *path,
			      struct trib_bytes body, struct trib_buffer *ret_body,
			      struct trib_error *error)
{
	struct trib_http *http = NULL;
	int code = 0;
	trib_status status =
		trib_http_begin(address, method, path, "application/json", &http, error);

	if (status != TRIB_OK)
		return status;
	status = trib_http_send(http, body, error);
	if (status != TRIB_OK) {
		trib_http_free(http);
		return status;
	}
	status = trib_http_end(http, &code, ret_body, error);
	if (status == TRIB_OK && code >= 300)
		return trib_fail(error, TRIB_REFUSED, path, "%d %.200s", code,
				 trib_buffer_text(ret_body));
	return status;
}

trib_status trib_http_ask(const char *address, const char *method, const char *path, const char *token,
			  struct trib_bytes body, int *ret_code, struct trib_buffer *ret_body,
			  struct trib_error *error)
{
	struct trib_buffer text;
	int fd = -1;
	trib_status status = trib_connect(address, &fd, error);

	if (status != TRIB_OK)
		return status;
	trib_buffer_init(&text, SIZE_MAX / 2);
	trib_buffer_add_format(&text, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", method, path, address);
	if (token[0])
		trib_buffer_add_format(&text, "Authorization: Bearer %s\r\n", token);
	if (strcmp(method, "GET") != 0)
		trib_buffer_add_format(&text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.size);
	trib_buffer_add_text(&text, "\r\n");
	trib_buffer_add_bytes(&text, body);
	status = send_all(fd, trib_buffer_bytes(&text), error);
	trib_buffer_reset(&text);
	if (status == TRIB_OK)
		status = receive_all(fd, &text, error);
	if (status == TRIB_OK)
		status = read_answer(&text, ret_code, ret_body, error);
	close(fd);
	trib_buffer_fini(&text);
	return status;
}

trib_status trib_http_get(const char *address, const char *path, const char *token, struct trib_buffer *ret_body,
			  struct trib_error *error)
{
	int code = 0;
	trib_status status = trib_http_ask(address, "GET", path, token, trib_bytes("", 0), &code, ret_body, error);

	if (status == TRIB_OK && code >= 300)
		return trib_fail(error, TRIB_REFUSED, path, "%d %.200s", code, trib_buffer_text(ret_body));
	return status;
}
