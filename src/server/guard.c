#include "server/guard.h"

#include <arpa/inet.h>

static bool equal_fold(struct trib_bytes a, struct trib_bytes b)
{
	return a.size == b.size && (a.size == 0 || strncasecmp(a.data, b.data, a.size) == 0);
}

/* "[::1]:80" → "::1", "localhost:80" → "localhost"; empty where it is neither. */
static struct trib_bytes without_port(struct trib_bytes host)
{
	size_t size = host.size;

	if (size && host.data[0] == '[') {
		const char *close = memchr(host.data, ']', size);
		size_t inside = close ? (size_t)(close - host.data) - 1 : 0;

		if (!close || (inside + 2 < size && host.data[inside + 2] != ':'))
			return trib_bytes("", 0);
		return trib_bytes(host.data + 1, inside);
	}
	const char *colon = size ? memchr(host.data, ':', size) : NULL;

	return trib_bytes(host.data, colon ? (size_t)(colon - host.data) : size);
}

static bool is_numeric(struct trib_bytes host)
{
	char text[64];
	struct in6_addr any;

	if (host.size >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), TRIB_BYTES_FMT, TRIB_BYTES_ARG(host));
	return inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1;
}

static bool is_every_address(const struct trib_address *address)
{
	return !strcmp(address->host, "0.0.0.0") || !strcmp(address->host, "::");
}

static bool is_listed(const char *hosts, struct trib_bytes host)
{
	for (const char *p = hosts ? hosts : "", *end; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ',');
		if (host.size && equal_fold(trib_bytes(p, (size_t)(end - p)), host))
			return true;
	}
	return false;
}

trib_status trib_guard_host(const struct trib_guard *guard, struct trib_bytes host,
			    struct trib_error *error)
{
	struct trib_bytes name = without_port(host);

	if (trib_host_is_loopback(name) || is_listed(guard->hosts, name) ||
	    equal_fold(name, trib_bytes_text(guard->address->host)) ||
	    (is_every_address(guard->address) && is_numeric(name)))
		return TRIB_OK;
	return trib_fail(error, TRIB_FORBIDDEN, "Host",
			 "found \"%.*s\", expected this server's address or a name of --http-hosts",
			 (int)TRIB_MIN(host.size, (size_t)80), host.data);
}

trib_status trib_guard_origin(struct trib_bytes origin, struct trib_bytes host,
			      struct trib_error *error)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(schemes); i++) {
		size_t size = strlen(schemes[i]);

		if (origin.size > size && !strncasecmp(origin.data, schemes[i], size) &&
		    equal_fold(trib_bytes(origin.data + size, origin.size - size), host))
			return TRIB_OK;
	}
	return trib_fail(error, TRIB_FORBIDDEN, "Origin",
			 "found \"%.*s\", expected none or http://%.*s",
			 (int)TRIB_MIN(origin.size, (size_t)80), origin.data,
			 (int)TRIB_MIN(host.size, (size_t)80), host.data);
}

/* The media type without parameters. */
static struct trib_bytes media_type(struct trib_bytes type)
{
	const char *semicolon = type.size ? memchr(type.data, ';', type.size) : NULL;
	size_t size = semicolon ? (size_t)(semicolon - type.data) : type.size;

	while (size && type.data[size - 1] == ' ')
		size--;
	return trib_bytes(type.data, size);
}

/*
 * What clients call a body that they did not think about: curl says a form, others text or bytes. A page of another
 * site can send these too, but not without its Origin, which the guard refuses.
 */
static bool is_unthinking(struct trib_bytes media)
{
	static const char *const names[] = { "application/x-www-form-urlencoded", "application/octet-stream",
					     "text/plain" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++)
		if (equal_fold(media, trib_bytes_text(names[i])))
			return true;
	return false;
}

bool trib_guard_is_json(struct trib_bytes type)
{
	struct trib_bytes media = media_type(type);

	return equal_fold(media, trib_bytes_text("application/json")) ||
	       (media.size > 17 && !strncasecmp(media.data, "application/", 12) &&
		!strncasecmp(media.data + media.size - 5, "+json", 5)) ||
	       is_unthinking(media);
}

bool trib_guard_is_lines(struct trib_bytes type)
{
	static const char *const names[] = { "application/x-ndjson",  "application/ndjson",
					     "application/jsonl",     "application/x-jsonlines",
					     "application/jsonlines", "application/json" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++)
		if (equal_fold(media_type(type), trib_bytes_text(names[i])))
			return true;
	return is_unthinking(media_type(type));
}
