#include "cli/load/line.h"

struct scan {
	const char *at, *end;
	bool broken;
};

static bool take(struct scan *scan, char c)
{
	if (scan->at >= scan->end || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

static void expect(struct scan *scan, char c)
{
	if (!take(scan, c))
		scan->broken = true;
}

/* Strings of traffic have no escapes. */
static struct trib_bytes scan_string(struct scan *scan)
{
	expect(scan, '"');

	const char *begin = scan->at;
	const char *stop = scan->broken ? NULL : memchr(begin, '"', (size_t)(scan->end - begin));

	if (!stop || memchr(begin, '\\', (size_t)(stop - begin))) {
		scan->broken = true;
		return trib_bytes(NULL, 0);
	}
	scan->at = stop + 1;
	return trib_bytes(begin, (size_t)(stop - begin));
}

static int64_t scan_integer(struct scan *scan)
{
	const char *begin = scan->at;
	int64_t number = 0;

	while (scan->at < scan->end && (*scan->at == '-' || (*scan->at >= '0' && *scan->at <= '9')))
		scan->at++;
	if (!trib_bytes_to_i64(trib_bytes(begin, (size_t)(scan->at - begin)), &number))
		scan->broken = true;
	return number;
}

static void scan_carrier(struct scan *scan, struct trib_bytes ret_carrier[3])
{
	expect(scan, '[');
	for (int i = 0; i < 3; i++) {
		if (i)
			expect(scan, ',');
		ret_carrier[i] = scan_string(scan);
	}
	expect(scan, ']');
}

/* A whole object, unread: braces outside of strings are counted. */
static struct trib_bytes skip_object(struct scan *scan)
{
	const char *begin = scan->at;
	int depth = 0;
	bool quoted = false;

	for (; scan->at < scan->end; scan->at++) {
		char c = *scan->at;

		if (c == '"')
			quoted = !quoted;
		else if (c == '\\' && quoted && scan->at + 1 < scan->end)
			scan->at++;
		else if (!quoted && c == '{')
			depth++;
		else if (!quoted && c == '}' && --depth == 0)
			return trib_bytes(begin, (size_t)(++scan->at - begin));
	}
	scan->broken = true;
	return trib_bytes(NULL, 0);
}

static const struct field {
	const char *key;
	size_t offset;
	bool text;
} fields[] = {
#define TEXT(key, field)                                                                           \
	{                                                                                          \
		key, offsetof(struct trib_traffic_line, field), true                               \
	}
#define NUMBER(key, field)                                                                         \
	{                                                                                          \
		key, offsetof(struct trib_traffic_line, field), false                              \
	}
	NUMBER("link", link),	  NUMBER("n", link),	    NUMBER("base_amount", base_amount),
	NUMBER("qty", qty),	  NUMBER("repeat", repeat), NUMBER("forge", forge),
	TEXT("id", id),		  TEXT("user", user),	    TEXT("goods", goods),
	TEXT("creator", creator), TEXT("channel", channel), TEXT("offer", offer),
	TEXT("scene", scene),	  TEXT("page", page),
#undef TEXT
#undef NUMBER
};

static void scan_field(struct scan *scan, struct trib_bytes key, struct trib_traffic_line *line)
{
	if (trib_bytes_is(key, "carrier")) {
		scan_carrier(scan, line->carrier);
		return;
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(fields); i++) {
		void *place = (char *)line + fields[i].offset;

		if (!trib_bytes_is(key, fields[i].key))
			continue;
		if (fields[i].text)
			*(struct trib_bytes *)place = scan_string(scan);
		else
			*(int64_t *)place = scan_integer(scan);
		return;
	}
	scan->broken = true;
}

static void scan_fields(struct scan *scan, struct trib_traffic_line *line)
{
	expect(scan, '{');
	do {
		struct trib_bytes key = scan_string(scan);

		expect(scan, ':');
		if (!scan->broken)
			scan_field(scan, key, line);
	} while (!scan->broken && take(scan, ','));
	expect(scan, '}');
}

static void scan_member(struct scan *scan, struct trib_bytes key, struct trib_traffic_line *line)
{
	static const struct {
		const char *key;
		enum trib_traffic_what what;
	} bodies[] = { { "touch", TRIB_TRAFFIC_TOUCH },
		       { "order", TRIB_TRAFFIC_ORDER },
		       { "link", TRIB_TRAFFIC_LINK } };

	if (trib_bytes_is(key, "at")) {
		line->at_ms = scan_integer(scan);
		return;
	}
	if (trib_bytes_is(key, "put")) {
		line->what = TRIB_TRAFFIC_PUT;
		line->put = scan_string(scan);
		return;
	}
	if (trib_bytes_is(key, "value")) {
		line->value = skip_object(scan);
		return;
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(bodies); i++) {
		if (!trib_bytes_is(key, bodies[i].key))
			continue;
		line->what = bodies[i].what;
		scan_fields(scan, line);
		return;
	}
	scan->broken = true;
}

trib_status trib_traffic_line_parse(struct trib_bytes text, struct trib_traffic_line *ret_line,
				    struct trib_error *error)
{
	struct scan scan = { text.data, text.data + text.size, false };
	struct trib_traffic_line line = { .qty = 1, .forge = -1 };

	expect(&scan, '{');
	do {
		struct trib_bytes key = scan_string(&scan);

		expect(&scan, ':');
		if (!scan.broken)
			scan_member(&scan, key, &line);
	} while (!scan.broken && take(&scan, ','));
	expect(&scan, '}');
	if (scan.broken || scan.at != scan.end)
		return trib_fail(error, TRIB_SYNTAX, "line",
				 "found \"%.*s\" at byte %zu, expected traffic",
				 (int)TRIB_MIN(scan.end - scan.at, 40), scan.at,
				 (size_t)(scan.at - text.data));
	*ret_line = line;
	return TRIB_OK;
}
