#include "server/config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include "base/clock.h"

enum type { TEXT, ADDRESS, CHOICE, DURATION, SIZE };

struct row {
	const char *flag; /* with underscores */
	enum type type;
	const char *initial, *argument, *help;
	size_t offset;
};

static const struct row rows[] = {
#define X(field, type, initial, argument, help)                                                    \
	{ #field, type, initial, argument, help, offsetof(struct trib_config, field) },
	TRIB_CONFIG_TABLE(X)
#undef X
};

/* "--token-file" */
static void flag_text(const struct row *row, char text[48])
{
	snprintf(text, 48, "--%s", row->flag);
	for (char *p = text; *p; p++)
		if (*p == '_')
			*p = '-';
}

bool trib_host_is_loopback(struct trib_bytes host)
{
	char text[64];
	struct in_addr four;
	struct in6_addr six;

	if (host.size >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), TRIB_BYTES_FMT, TRIB_BYTES_ARG(host));
	if (!strcasecmp(text, "localhost"))
		return true;
	if (inet_pton(AF_INET, text, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, text, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool resolve(struct trib_address *address)
{
	struct sockaddr_in *four = (struct sockaddr_in *)&address->socket;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->socket;
	const char *host = strcasecmp(address->host, "localhost") ? address->host : "127.0.0.1";

	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(address->port);
		address->socket_size = sizeof(*four);
		return true;
	}
	if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(address->port);
		address->socket_size = sizeof(*six);
		return true;
	}
	return false;
}

trib_status trib_address_parse(struct trib_bytes text, const char *at,
			       struct trib_address *ret_address, struct trib_error *error)
{
	struct trib_address address = { .on = true };
	const char *colon = text.data ? memrchr(text.data, ':', text.size) : NULL;
	int64_t port = -1;

	if (trib_bytes_is(text, "off")) {
		*ret_address = (struct trib_address){ 0 };
		return TRIB_OK;
	}
	if (colon) {
		struct trib_bytes host = trib_bytes(text.data, (size_t)(colon - text.data));

		if (!trib_bytes_to_i64(trib_bytes(colon + 1, text.size - host.size - 1), &port))
			port = -1;
		if (host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
			host = trib_bytes(host.data + 1, host.size - 2);
		if (host.size < sizeof(address.host) && host.size)
			memcpy(address.host, host.data, host.size);
	}
	address.port = (uint16_t)port;
	if (port < 0 || port > 65535 || !resolve(&address))
		return trib_fail(error, TRIB_INVALID, at,
				 "found \"%.*s\", expected host:port with a numeric address or "
				 "localhost, or off",
				 (int)TRIB_MIN(text.size, (size_t)80), text.data);
	address.loopback = trib_host_is_loopback(trib_bytes_text(address.host));
	*ret_address = address;
	return TRIB_OK;
}

trib_status trib_size_parse(struct trib_bytes text, const char *at, uint64_t *ret_bytes,
			    struct trib_error *error)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = { { "KiB", 10 }, { "MiB", 20 }, { "GiB", 30 }, { "TiB", 40 }, { "", 0 } };
	uint64_t number;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(units); i++) {
		size_t unit = strlen(units[i].unit);

		if (text.size <= unit ||
		    memcmp(text.data + text.size - unit, units[i].unit, unit) != 0)
			continue;
		if (!trib_bytes_to_u64(trib_bytes(text.data, text.size - unit), &number) ||
		    number > UINT64_MAX >> units[i].shift >> 1)
			break;
		*ret_bytes = number << units[i].shift;
		return TRIB_OK;
	}
	return trib_fail(
		error, TRIB_INVALID, at,
		"found \"%.*s\", expected bytes, or a whole number of KiB, MiB, GiB or TiB",
		(int)TRIB_MIN(text.size, (size_t)80), text.data);
}

static trib_status choose(const struct row *row, struct trib_bytes text, const char *at,
			  int *ret_index, struct trib_error *error)
{
	int index = 0;

	for (const char *p = row->argument, *end; *p; p = *end ? end + 1 : end, index++) {
		end = strchrnul(p, '|');
		if (trib_bytes_equal(trib_bytes(p, (size_t)(end - p)), text)) {
			*ret_index = index;
			return TRIB_OK;
		}
	}
	return trib_fail(error, TRIB_INVALID, at, "found \"%.*s\", expected %s",
			 (int)TRIB_MIN(text.size, (size_t)80), text.data, row->argument);
}

static trib_status set(const struct row *row, const char *text, struct trib_config *config,
		       struct trib_error *error)
{
	void *field = (char *)config + row->offset;
	struct trib_bytes bytes = trib_bytes_text(text);
	char at[48];

	flag_text(row, at);
	switch (row->type) {
	case TEXT:
		*(const char **)field = text;
		return TRIB_OK;
	case ADDRESS:
		return trib_address_parse(bytes, at, field, error);
	case CHOICE:
		return choose(row, bytes, at, field, error);
	case DURATION:
		return trib_duration_parse(bytes, at, field, error);
	case SIZE:
		return trib_size_parse(bytes, at, field, error);
	}
	return TRIB_INTERNAL;
}

/* The row of "--flag" or "--flag=value"; *ret_value is after the '=', NULL without one. */
static const struct row *find(const char *arg, const char **ret_value)
{
	char flag[48];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		flag_text(&rows[i], flag);
		size_t size = strlen(flag);

		if (strncmp(arg, flag, size) != 0 || (arg[size] && arg[size] != '='))
			continue;
		*ret_value = arg[size] ? arg + size + 1 : NULL;
		return &rows[i];
	}
	return NULL;
}

trib_status trib_config_parse(int count, char **args, struct trib_config *ret_config,
			      struct trib_error *error)
{
	struct trib_config config = { 0 };
	trib_status status;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		status = set(&rows[i], rows[i].initial, &config, error);
		trib_assert(status == TRIB_OK);
	}
	for (int i = 0; i < count; i++) {
		const char *value;
		const struct row *row = find(args[i], &value);

		if (!row)
			return trib_fail(error, TRIB_INVALID, args[i],
					 "found an unknown option, expected one that --help lists");
		if (!value && i + 1 == count)
			return trib_fail(error, TRIB_INVALID, args[i],
					 "found no value, expected %s", row->argument);
		status = set(row, value ? value : args[++i], &config, error);
		if (status != TRIB_OK)
			return status;
	}
	*ret_config = config;
	return TRIB_OK;
}

void trib_config_help(struct trib_buffer *text)
{
	char left[96], flag[48];

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		flag_text(&rows[i], flag);
		snprintf(left, sizeof(left), "%s %s", flag, rows[i].argument);
		int width = 34;
		for (const char *byte = left; *byte; byte++)
			width += (*byte & 0xc0) == 0x80; /* of "…" one column is seen */
		trib_buffer_add_format(text, "  %-*s %s", width, left, rows[i].help);
		if (rows[i].initial[0])
			trib_buffer_add_format(text, " (%s)", rows[i].initial);
		trib_buffer_add_char(text, '\n');
	}
}
