#include "engine/targets.h"

#include <stdlib.h>

enum { PREFIXES_MAX = 64, HOST_BYTES_MAX = 255 };

struct url {
	bool tls;
	uint16_t port;
	struct trib_bytes host; /* an IPv6 address with its brackets */
	struct trib_bytes path; /* "" or from '/' or '?' on */
};

struct trib_targets {
	char *text; /* what the prefixes point into */
	uint32_t count;
	struct url prefixes[PREFIXES_MAX];
};

static bool starts_with(struct trib_bytes text, const char *with)
{
	size_t size = strlen(with);

	return text.size >= size && strncasecmp(text.data, with, size) == 0;
}

static struct trib_bytes from(struct trib_bytes text, size_t at)
{
	return trib_bytes(text.data + at, text.size - at);
}

static bool has(struct trib_bytes text, char c)
{
	return text.size && memchr(text.data, c, text.size);
}

static bool is_host(struct trib_bytes host)
{
	bool numeric = host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']';

	if (host.size == 0 || host.size > HOST_BYTES_MAX)
		return false;
	if (numeric)
		host = trib_bytes(host.data + 1, host.size - 2);
	for (size_t i = 0; i < host.size; i++) {
		char c = host.data[i];
		bool digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= (numeric ? 'f' : 'z');

		if (!digit && !letter && c != '.' && (numeric ? c != ':' : c != '-'))
			return false;
	}
	return true;
}

/* Would somebody's idea of this path leave the folder that it begins in? "%2e" is a dot to some. */
static bool climbs(struct trib_bytes path)
{
	const char *query = path.size ? memchr(path.data, '?', path.size) : NULL;
	size_t size = query ? (size_t)(query - path.data) : path.size, dots = 0, others = 0;

	for (size_t i = 0; i <= size; i++) {
		if (i == size || path.data[i] == '/') {
			if (dots && !others && dots <= 2)
				return true;
			dots = others = 0;
		} else if (path.data[i] == '.') {
			dots++;
		} else if (i + 2 < size && strncasecmp(path.data + i, "%2e", 3) == 0) {
			dots++;
			i += 2;
		} else if (i + 2 < size && strncasecmp(path.data + i, "%2f", 3) == 0) {
			return true;
		} else {
			others++;
		}
	}
	return false;
}

static bool read_port(struct trib_bytes text, uint16_t *ret_port)
{
	uint64_t port;

	if (!trib_bytes_to_u64(text, &port) || port < 1 || port > 65535)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool read_url(struct trib_bytes text, struct url *ret_url)
{
	struct url url = { .tls = starts_with(text, "https://") };
	size_t end = 0;

	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~' || strchr("\\#\"<>^`{|}", text.data[i]))
			return false;
	if (!url.tls && !starts_with(text, "http://"))
		return false;
	url.port = url.tls ? 443 : 80;
	text = from(text, url.tls ? strlen("https://") : strlen("http://"));
	while (end < text.size && text.data[end] != '/' && text.data[end] != '?')
		end++;
	url.path = from(text, end);
	url.host = trib_bytes(text.data, end);
	const char *colon = end ? memrchr(text.data, ':', end) : NULL;

	if (colon && !has(from(url.host, (size_t)(colon - text.data)), ']')) {
		if (!read_port(from(url.host, (size_t)(colon - text.data) + 1), &url.port))
			return false;
		url.host.size = (size_t)(colon - text.data);
	}
	*ret_url = url;
	return is_host(url.host) && !climbs(url.path);
}

static bool begins(const struct url *url, const struct url *prefix)
{
	struct trib_bytes path = prefix->path;

	if (url->tls != prefix->tls || url->port != prefix->port || url->host.size != prefix->host.size ||
	    strncasecmp(url->host.data, prefix->host.data, url->host.size) != 0)
		return false;
	if (path.size == 0 || (path.size == 1 && *path.data == '/'))
		return true;
	if (url->path.size < path.size || memcmp(url->path.data, path.data, path.size) != 0)
		return false;
	return url->path.size == path.size || path.data[path.size - 1] == '/' ||
	       strchr("/?", url->path.data[path.size]) != NULL;
}

trib_status trib_targets_new(const char *list, struct trib_targets **ret_targets, struct trib_error *error)
{
	struct trib_targets *targets = trib_alloc_zeroed(1, sizeof(*targets));

	targets->text = trib_strdup(list);
	for (char *p = targets->text, *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ',');
		struct trib_bytes prefix = trib_bytes(p, (size_t)(end - p));

		if (targets->count == PREFIXES_MAX || !read_url(prefix, &targets->prefixes[targets->count]) ||
		    has(targets->prefixes[targets->count].path, '?')) {
			trib_status status = trib_fail(
				error, TRIB_INVALID, "--outbox-allow",
				"found \"%.*s\", expected at most %d of http:// or https://, host, port and the beginning of a path",
				(int)TRIB_MIN(prefix.size, (size_t)100), prefix.data, PREFIXES_MAX);

			trib_targets_free(targets);
			return status;
		}
		targets->count++;
	}
	*ret_targets = targets;
	return TRIB_OK;
}

void trib_targets_free(struct trib_targets *targets)
{
	if (!targets)
		return;
	free(targets->text);
	free(targets);
}

trib_status trib_targets_allow(const struct trib_targets *targets, struct trib_bytes url, struct trib_error *error)
{
	struct url read;

	if (!read_url(url, &read))
		return trib_fail(error, TRIB_INVALID, "url",
				 "found \"%.*s\", expected http:// or https:// and a host, without user, fragment or `..`",
				 (int)TRIB_MIN(url.size, (size_t)100), url.data);
	for (uint32_t i = 0; i < targets->count; i++)
		if (begins(&read, &targets->prefixes[i]))
			return TRIB_OK;
	return trib_fail(error, TRIB_FORBIDDEN, "url", "found \"%.*s\", expected one that begins with a prefix of --outbox-allow",
			 (int)TRIB_MIN(url.size, (size_t)100), url.data);
}
