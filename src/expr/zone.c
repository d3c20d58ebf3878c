/*
 * Time zones from the system's tz database (RFC 8536 files under /usr/share/zoneinfo). libc offers them only
 * through the process-wide TZ, so the files are read here. A zone is a sorted list of moments at which the
 * offset changes, and a rule in POSIX form for all time after the last of them.
 */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
#include "expr/time.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

enum {
	ZONE_NAME_MAX = 64,
	ZONE_FILE_MAX = 64 << 10, /* the largest is 3.6 KB */
	ZONES_MAX = 2048,	  /* there are 1,800 files, names for the same zone included */
};

/* "M3.2.0/2": the second Sunday of March at 2 o'clock. */
struct rule_date {
	enum { DATE_MONTH_WEEK_DAY, DATE_JULIAN, DATE_ZERO_BASED } form;
	int month, week, day;
	int32_t seconds; /* from midnight; may be negative or past the day */
};

struct time_zone {
	uint32_t count;
	int64_t *moments;     /* sorted */
	int32_t *offsets;     /* from that moment on */
	int32_t first_offset; /* before the first */
	bool has_rule, has_summer;
	int32_t standard_offset, summer_offset;
	struct rule_date start, end; /* of summer time, in local time of what was before */
};

static struct zone_entry {
	char name[ZONE_NAME_MAX + 1];
	const struct time_zone *zone;
} zones[ZONES_MAX];
static uint32_t zone_count;
static pthread_rwlock_t zones_lock = PTHREAD_RWLOCK_INITIALIZER;

/* ---- The rule in POSIX form ----------------------------------------------------------------------- */

struct text {
	const char *next, *end;
};

static bool take(struct text *text, char c)
{
	if (text->next >= text->end || *text->next != c)
		return false;
	text->next++;
	return true;
}

static bool take_integer(struct text *text, int max, int *ret_number)
{
	int number = 0;
	const char *first = text->next;

	for (; text->next < text->end && *text->next >= '0' && *text->next <= '9'; text->next++) {
		number = number * 10 + (*text->next - '0');
		if (number > max)
			return false;
	}
	*ret_number = number;
	return text->next > first;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct text *text, int32_t *ret_seconds)
{
	int hours, minutes = 0, seconds = 0;
	bool negative = take(text, '-');

	if (!negative)
		take(text, '+');
	if (!take_integer(text, 167, &hours) ||
	    (take(text, ':') && !take_integer(text, 59, &minutes)) ||
	    (take(text, ':') && !take_integer(text, 59, &seconds)))
		return false;
	*ret_seconds = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
	return true;
}

/* CST or <+08>; what it says is of no interest. */
static bool take_abbreviation(struct text *text)
{
	const char *first = text->next;

	if (take(text, '<')) {
		while (text->next < text->end && *text->next != '>')
			text->next++;
		return take(text, '>');
	}
	while (text->next < text->end && ((*text->next >= 'a' && *text->next <= 'z') ||
					  (*text->next >= 'A' && *text->next <= 'Z')))
		text->next++;
	return text->next > first;
}

static bool take_date(struct text *text, struct rule_date *ret_date)
{
	struct rule_date date = { .form = DATE_ZERO_BASED, .seconds = 7200 };

	if (take(text, 'M')) {
		date.form = DATE_MONTH_WEEK_DAY;
		if (!take_integer(text, 12, &date.month) || date.month < 1 || !take(text, '.') ||
		    !take_integer(text, 5, &date.week) || date.week < 1 || !take(text, '.') ||
		    !take_integer(text, 6, &date.day))
			return false;
	} else {
		if (take(text, 'J'))
			date.form = DATE_JULIAN;
		if (!take_integer(text, 365, &date.day))
			return false;
	}
	if (take(text, '/') && !take_time(text, &date.seconds))
		return false;
	*ret_date = date;
	return true;
}

static bool read_rule(struct time_zone *zone, struct text text)
{
	int32_t west;

	if (text.next == text.end)
		return true;
	if (!take_abbreviation(&text) || !take_time(&text, &west))
		return false;
	zone->standard_offset = -west;
	zone->has_rule = true;
	if (text.next == text.end)
		return true;
	zone->has_summer = true;
	if (!take_abbreviation(&text))
		return false;
	zone->summer_offset = zone->standard_offset + 3600;
	if (text.next < text.end && *text.next != ',') {
		if (!take_time(&text, &west))
			return false;
		zone->summer_offset = -west;
	}
	return take(&text, ',') && take_date(&text, &zone->start) && take(&text, ',') &&
	       take_date(&text, &zone->end) && text.next == text.end;
}

/* Seconds from 1970 in local time. */
static int64_t moment_of(const struct rule_date *date, int64_t year)
{
	int64_t days;

	if (date->form == DATE_MONTH_WEEK_DAY) {
		int64_t first = time_days_from_date(year, (unsigned)date->month, 1);
		int64_t next = date->month == 12
				       ? time_days_from_date(year + 1, 1, 1)
				       : time_days_from_date(year, (unsigned)date->month + 1, 1);

		days = first + (date->day - (int)time_week_day(first) + 7) % 7 +
		       7 * (date->week - 1);
		if (days >= next)
			days -= 7;
	} else {
		days = time_days_from_date(year, 1, 1) + date->day;
		/* J60 is always 1 March: the leap day is never counted. */
		if (date->form == DATE_JULIAN)
			days += (time_is_leap_year(year) && date->day >= 60) - 1;
	}
	return days * 86400 + date->seconds;
}

static int32_t offset_by_rule(const struct time_zone *zone, int64_t seconds)
{
	int64_t year;
	unsigned month, day;

	if (!zone->has_summer)
		return zone->standard_offset;
	int64_t local = seconds + zone->standard_offset;

	time_date_from_days((local >= 0 ? local : local - 86399) / 86400, &year, &month, &day);
	int64_t start = moment_of(&zone->start, year) - zone->standard_offset;
	int64_t end = moment_of(&zone->end, year) - zone->summer_offset;
	bool summer = start < end ? seconds >= start && seconds < end
				  : !(seconds >= end && seconds < start);

	return summer ? zone->summer_offset : zone->standard_offset;
}

/* ---- Files ---------------------------------------------------------------------------------------- */

struct header {
	uint32_t utc_count, standard_count, leap_count, time_count, type_count, char_count;
};

static uint32_t read_u32(const unsigned char *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

enum { HEADER_SIZE = 44 };

static bool read_header(struct trib_bytes file, size_t place, struct header *ret_header)
{
	const unsigned char *data = (const unsigned char *)file.data + place;
	uint32_t counts[6];

	if (file.size < place + HEADER_SIZE || memcmp(data, "TZif", 4) || data[4] < '2')
		return false;
	for (int i = 0; i < 6; i++) {
		counts[i] = read_u32(data + 20 + 4 * i);
		if (counts[i] > ZONE_FILE_MAX)
			return false;
	}
	*ret_header =
		(struct header){ counts[0], counts[1], counts[2], counts[3], counts[4], counts[5] };
	return true;
}

static size_t body_size(const struct header *header, size_t time_size)
{
	return header->time_count * (time_size + 1) + header->type_count * 6 + header->char_count +
	       header->leap_count * (time_size + 4) + header->standard_count + header->utc_count;
}

/* The 64-bit block at data. Zones that count leap seconds ("right/…") are not for civil time. */
static bool read_transitions(struct time_zone *zone, const unsigned char *data,
			     const struct header *header)
{
	const unsigned char *indices = data + header->time_count * 8,
			    *types = indices + header->time_count;

	if (header->type_count == 0 || header->leap_count > 0)
		return false;
	zone->count = header->time_count;
	zone->moments = trib_alloc((zone->count + 1) * sizeof(*zone->moments));
	zone->offsets = trib_alloc((zone->count + 1) * sizeof(*zone->offsets));
	zone->first_offset = (int32_t)read_u32(types);
	for (uint32_t i = 0; i < zone->count; i++) {
		zone->moments[i] = (int64_t)((uint64_t)read_u32(data + 8 * i) << 32 |
					     read_u32(data + 8 * i + 4));
		if (indices[i] >= header->type_count ||
		    (i > 0 && zone->moments[i] <= zone->moments[i - 1]))
			return false;
		zone->offsets[i] = (int32_t)read_u32(types + 6 * indices[i]);
	}
	return true;
}

static bool read_zone(struct time_zone *zone, struct trib_bytes file)
{
	struct header header;

	if (!read_header(file, 0, &header))
		return false;
	size_t second = HEADER_SIZE + body_size(&header, 4);

	if (!read_header(file, second, &header))
		return false;
	size_t footer = second + HEADER_SIZE + body_size(&header, 8);

	if (footer + 2 > file.size || file.data[footer] != '\n')
		return false;
	const char *rule = file.data + footer + 1,
		   *rule_end = memchr(rule, '\n', file.size - footer - 1);

	return rule_end &&
	       read_transitions(zone, (const unsigned char *)file.data + second + HEADER_SIZE,
				&header) &&
	       read_rule(zone, (struct text){ rule, rule_end });
}

static void free_zone(struct time_zone *zone)
{
	free(zone->moments);
	free(zone->offsets);
	free(zone);
}

/* NULL: there is no such file, or it is not a zone. */
static const struct time_zone *load(const char *name)
{
	char path[sizeof(ZONE_FOLDER) + ZONE_NAME_MAX + 2];

	snprintf(path, sizeof(path), "%s/%s", ZONE_FOLDER, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return NULL;
	char *data = trib_alloc(ZONE_FILE_MAX);
	ssize_t size = read(fd, data, ZONE_FILE_MAX);
	struct time_zone *zone = trib_alloc_zeroed(1, sizeof(*zone));

	close(fd);
	if (size <= 0 || !read_zone(zone, trib_bytes(data, (size_t)size))) {
		free_zone(zone);
		zone = NULL;
	}
	free(data);
	return zone;
}

/* Letters, digits and _+-/ only: no dots, so no way out of the folder. */
static bool name_valid(struct trib_bytes name)
{
	if (name.size == 0 || name.size > ZONE_NAME_MAX || name.data[0] == '/' ||
	    name.data[name.size - 1] == '/')
		return false;
	for (size_t i = 0; i < name.size; i++) {
		char c = name.data[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '+' || c == '-' || c == '/'))
			return false;
	}
	return true;
}

static const struct time_zone *find_loaded(struct trib_bytes name)
{
	for (uint32_t i = 0; i < zone_count; i++)
		if (trib_bytes_is(name, zones[i].name))
			return zones[i].zone;
	return NULL;
}

static const struct time_zone *find_named(struct trib_bytes name)
{
	if (!name_valid(name))
		return NULL;
	pthread_rwlock_rdlock(&zones_lock);
	const struct time_zone *zone = find_loaded(name);

	pthread_rwlock_unlock(&zones_lock);
	if (zone)
		return zone;
	pthread_rwlock_wrlock(&zones_lock);
	zone = find_loaded(name);
	if (!zone && zone_count < ZONES_MAX) {
		struct zone_entry *entry = &zones[zone_count];

		memcpy(entry->name, name.data, name.size);
		entry->name[name.size] = '\0';
		zone = load(entry->name);
		entry->zone = zone;
		zone_count += zone != NULL;
	}
	pthread_rwlock_unlock(&zones_lock);
	return zone;
}

/* [+-]h:mm, [+-]hh:mm */
static bool parse_offset(struct trib_bytes name, int32_t *ret_seconds)
{
	struct text text = { name.data, name.data + name.size };
	bool negative = take(&text, '-');
	int hours, minutes;

	if (!negative)
		take(&text, '+');
	const char *first = text.next;

	if (!take_integer(&text, 23, &hours) || text.next - first > 2 || !take(&text, ':') ||
	    text.end - text.next != 2 || !take_integer(&text, 59, &minutes) ||
	    text.next != text.end)
		return false;
	*ret_seconds = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
	return true;
}

bool time_zone_find(struct trib_bytes name, struct time_zone_name *ret_name)
{
	struct time_zone_name found = { 0 };

	if (name.size > 0 && !trib_bytes_is(name, "UTC") &&
	    !parse_offset(name, &found.offset_seconds)) {
		found.zone = find_named(name);
		if (!found.zone)
			return false;
	}
	*ret_name = found;
	return true;
}

int32_t time_zone_offset(const struct time_zone_name *name, int64_t seconds)
{
	const struct time_zone *zone = name->zone;

	if (!zone)
		return name->offset_seconds;
	if (zone->has_rule && (zone->count == 0 || seconds >= zone->moments[zone->count - 1]))
		return offset_by_rule(zone, seconds);
	uint32_t low = 0, high = zone->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (zone->moments[middle] <= seconds)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? zone->first_offset : zone->offsets[low - 1];
}

/* ---- Calendars ------------------------------------------------------------------------------------ */

static int64_t floor_divide(int64_t number, int64_t by)
{
	return number / by - (number % by < 0);
}

/*
 * The moment at which a local day begins: by the offset of the day before, or that of the day after where the clock was
 * put back; where midnight is skipped, the moment of the change.
 */
static int64_t day_begins(const struct time_zone_name *zone, int64_t day)
{
	int64_t local = day * 86400;
	int64_t before = local - time_zone_offset(zone, local - 2 * 86400);
	int64_t after = local - time_zone_offset(zone, local + 2 * 86400);

	if (before + time_zone_offset(zone, before) == local)
		return before;
	return after + time_zone_offset(zone, after) == local ? after : before;
}

/* The first day of the period that holds a day, or of the next one. */
static int64_t first_day(enum trib_period period, int64_t day, bool next)
{
	unsigned month, of_month;
	int64_t year;

	switch (period) {
	case TRIB_PERIOD_DAY:
		return day + next;
	case TRIB_PERIOD_WEEK:
		return day - (time_week_day(day) + 6) % 7 + 7 * next;
	case TRIB_PERIOD_MONTH:
		break;
	}
	time_date_from_days(day, &year, &month, &of_month);
	if (next && month == 12)
		return time_days_from_date(year + 1, 1, 1);
	return time_days_from_date(year, month + next, 1);
}

bool trib_zone_period(struct trib_bytes name, enum trib_period period, int64_t at_ms,
		      int64_t *ret_from_ms, int64_t *ret_to_ms)
{
	struct time_zone_name zone;
	int64_t seconds = floor_divide(at_ms, 1000);

	if (!time_zone_find(name, &zone))
		return false;
	int64_t day = floor_divide(seconds + time_zone_offset(&zone, seconds), 86400);

	*ret_from_ms = day_begins(&zone, first_day(period, day, false)) * 1000;
	*ret_to_ms = day_begins(&zone, first_day(period, day, true)) * 1000;
	return true;
}
