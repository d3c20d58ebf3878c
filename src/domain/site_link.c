/* Where links of third-party sites lead: templates, checked when a site is put and filled when a link is converted. */
#include "domain/site.h"

static const char *const places[] = {
#define X(name, word, what) word,
	TRIB_SITE_LINK_TABLE(X)
#undef X
};

/* The place that stands between the braces at `at`, and the index behind them; -1: none. */
static int place_at(struct trib_bytes link, size_t at, size_t *ret_end)
{
	const char *end = memchr(link.data + at, '}', link.size - at);
	struct trib_bytes word = trib_bytes(link.data + at + 1, end ? (size_t)(end - link.data) - at - 1 : 0);

	for (int i = 0; end && i < TRIB_SITE_LINK_PLACES; i++)
		if (trib_bytes_is(word, places[i])) {
			*ret_end = (size_t)(end - link.data) + 1;
			return i;
		}
	return -1;
}

/* Where path, query or fragment begin; 0: it is no http URL with a host. */
static size_t behind_host(struct trib_bytes link)
{
	static const char *const schemes[] = { "https://", "http://" };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(schemes); i++) {
		size_t size = strlen(schemes[i]), at = size;

		if (link.size <= size || memcmp(link.data, schemes[i], size) != 0)
			continue;
		while (at < link.size && !strchr("/?#", link.data[at])) {
			if (strchr("{}@\\", link.data[at]))
				return 0;
			at++;
		}
		return at > size && at < link.size ? at : 0;
	}
	return 0;
}

trib_status trib_site_link_check(struct trib_bytes link, const char *at, struct trib_error *error)
{
	unsigned seen = 0;
	size_t i = 0, end;

	for (; i < link.size; i++)
		if (link.data[i] <= ' ' || link.data[i] >= 0x7f || link.data[i] == '"' || link.data[i] == '<' ||
		    link.data[i] == '>')
			return trib_fail(error, TRIB_INVALID, at,
					 "found character %zu, expected what may stand in a URL", i + 1);
	i = behind_host(link);
	if (!i)
		return trib_fail(error, TRIB_INVALID, at,
				 "found another thing, expected a URL of http or https whose host is written out");
	while (i < link.size) {
		int place = link.data[i] == '{' ? place_at(link, i, &end) : -1;

		if (place < 0 && (link.data[i] == '{' || link.data[i] == '}'))
			return trib_fail(error, TRIB_INVALID, at,
					 "found character %zu, expected {goods}, {shop}, {pid}, {creator}, {channel}, {link} or {token}",
					 i + 1);
		if (place >= 0)
			seen |= 1u << place;
		i = place < 0 ? i + 1 : end;
	}
	if (seen & 1u << TRIB_SITE_LINK_GOODS && seen & 1u << TRIB_SITE_LINK_PID)
		return TRIB_OK;
	return trib_fail(error, TRIB_INVALID, at, "found no {%s}, expected it",
			 seen & 1u << TRIB_SITE_LINK_GOODS ? "pid" : "goods");
}

static void add_encoded(struct trib_buffer *url, struct trib_bytes value)
{
	for (size_t i = 0; i < value.size; i++) {
		unsigned char c = (unsigned char)value.data[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			     c == '.' || c == '_' || c == '~';

		if (plain)
			trib_buffer_add_char(url, (char)c);
		else
			trib_buffer_add_format(url, "%%%02X", c);
	}
}

void trib_site_link_write(struct trib_bytes link, const struct trib_bytes values[TRIB_SITE_LINK_PLACES],
			  struct trib_buffer *url)
{
	for (size_t i = 0, end; i < link.size; i = end) {
		int place = link.data[i] == '{' ? place_at(link, i, &end) : -1;

		if (place < 0) {
			trib_buffer_add_char(url, link.data[i]);
			end = i + 1;
		} else {
			add_encoded(url, values[place]);
		}
	}
}
