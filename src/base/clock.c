#include "base/clock.h"

#include <inttypes.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int64_t system_wall_ms(struct trib_clock *clock TRIB_UNUSED)
{
	return read_ns(CLOCK_REALTIME) / 1000000;
}

static int64_t system_monotonic_ns(struct trib_clock *clock TRIB_UNUSED)
{
	return read_ns(CLOCK_MONOTONIC);
}

struct trib_clock *trib_clock_system(void)
{
	static struct trib_clock system_clock = { system_wall_ms, system_monotonic_ns };

	return &system_clock;
}

int64_t trib_cpu_process_ns(void)
{
	return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t trib_cpu_thread_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{ "d", INT64_C(86400000) }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

trib_status trib_duration_parse(struct trib_bytes text, const char *at, int64_t *ret_ms,
				struct trib_error *error)
{
	size_t digits = 0;
	int64_t count;

	while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9')
		digits++;
	struct trib_bytes unit = trib_bytes(text.data + digits, text.size - digits);

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(units); i++) {
		if (!trib_bytes_is(unit, units[i].name))
			continue;
		if (!trib_bytes_to_i64(trib_bytes(text.data, digits), &count) ||
		    __builtin_mul_overflow(count, units[i].ms, &count))
			break;
		*ret_ms = count;
		return TRIB_OK;
	}
	return trib_fail(error, TRIB_INVALID, at,
			 "found \"%.*s\", expected a duration such as \"30d\", \"12h\", \"90s\"",
			 (int)TRIB_MIN(text.size, (size_t)32), text.data);
}

const char *trib_duration_format(int64_t ms, char text[24])
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(units); i++) {
		if (ms % units[i].ms != 0 || (ms == 0 && i + 2 < TRIB_ARRAY_SIZE(units)))
			continue;
		snprintf(text, 24, "%" PRId64 "%s", ms / units[i].ms, units[i].name);
		break;
	}
	return text;
}

/* `count` digits as a number from low to high; false where there is anything else. */
static bool take_digits(struct trib_bytes *rest, size_t count, int low, int high, int *ret_number)
{
	int number = 0;

	if (rest->size < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (rest->data[i] < '0' || rest->data[i] > '9')
			return false;
		number = number * 10 + (rest->data[i] - '0');
	}
	*rest = trib_bytes(rest->data + count, rest->size - count);
	*ret_number = number;
	return number >= low && number <= high;
}

static bool take_one_of(struct trib_bytes *rest, const char *characters)
{
	if (rest->size == 0 || !rest->data[0] || !strchr(characters, rest->data[0]))
		return false;
	*rest = trib_bytes(rest->data + 1, rest->size - 1);
	return true;
}

/* ".25" → 250000; no fraction is 0. */
static bool take_fraction(struct trib_bytes *rest, int *ret_us)
{
	int us = 0, digits = 0, digit;

	if (take_one_of(rest, ".")) {
		for (; take_digits(rest, 1, 0, 9, &digit); digits++)
			if (digits < 6)
				us = us * 10 + digit;
		if (digits == 0)
			return false;
	}
	for (; digits < 6; digits++)
		us *= 10;
	*ret_us = us;
	return true;
}

/* "Z", "+08:00"; where it need not be strict also "+0800". */
static bool take_zone(struct trib_bytes *rest, bool strict, int *ret_minutes)
{
	int hours, minutes;

	*ret_minutes = 0;
	if (take_one_of(rest, "Zz"))
		return true;
	bool west = rest->size && rest->data[0] == '-';

	if (!take_one_of(rest, "+-") || !take_digits(rest, 2, 0, 23, &hours) ||
	    (!take_one_of(rest, ":") && strict) || !take_digits(rest, 2, 0, 59, &minutes))
		return false;
	*ret_minutes = west ? -(hours * 60 + minutes) : hours * 60 + minutes;
	return true;
}

static bool take_date(struct trib_bytes *rest, struct tm *tm)
{
	int year, month;

	if (!take_digits(rest, 4, 0, 9999, &year) || !take_one_of(rest, "-") ||
	    !take_digits(rest, 2, 1, 12, &month) || !take_one_of(rest, "-") ||
	    !take_digits(rest, 2, 1, 31, &tm->tm_mday))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	return true;
}

static bool take_minutes(struct trib_bytes *rest, struct tm *tm)
{
	return take_one_of(rest, "Tt ") && take_digits(rest, 2, 0, 23, &tm->tm_hour) &&
	       take_one_of(rest, ":") && take_digits(rest, 2, 0, 59, &tm->tm_min);
}

/* µs since 1970; false for a day that the month has not: 30 February would come back as another one. */
static bool to_us(struct tm *tm, int us, int zone_minutes, int64_t *ret_us)
{
	int month = tm->tm_mon;
	time_t seconds = timegm(tm);
	struct tm back;

	gmtime_r(&seconds, &back);
	*ret_us = (int64_t)(seconds - zone_minutes * 60) * 1000000 + us;
	return back.tm_mon == month;
}

static bool parse_rfc3339(struct trib_bytes text, int64_t *ret_us)
{
	struct tm tm = { 0 };
	int us, zone;

	return take_date(&text, &tm) && take_minutes(&text, &tm) && take_one_of(&text, ":") &&
	       take_digits(&text, 2, 0, 59, &tm.tm_sec) && take_fraction(&text, &us) &&
	       take_zone(&text, true, &zone) && !text.size && to_us(&tm, us, zone, ret_us);
}

/* Nothing, " UTC" or a zone, with or without a space before it. */
static bool take_log_zone(struct trib_bytes *rest, int *ret_minutes)
{
	*ret_minutes = 0;
	if (!rest->size)
		return true;
	take_one_of(rest, " ");
	if (trib_bytes_is(*rest, "UTC")) {
		rest->size = 0;
		return true;
	}
	return take_zone(rest, false, ret_minutes);
}

static bool parse_log(struct trib_bytes text, int64_t *ret_us)
{
	struct tm tm = { 0 };
	int us = 0, zone = 0;

	if (!take_date(&text, &tm))
		return false;
	if (text.size && (!take_minutes(&text, &tm) ||
			  (take_one_of(&text, ":") && (!take_digits(&text, 2, 0, 59, &tm.tm_sec) ||
						       !take_fraction(&text, &us))) ||
			  !take_log_zone(&text, &zone)))
		return false;
	return !text.size && to_us(&tm, us, zone, ret_us);
}

bool trib_time_parse_log(struct trib_bytes text, int64_t *ret_us)
{
	int64_t us;

	if (parse_log(text, ret_us))
		return true;
	/* Up to 10^11 seconds are the years to 5138, from 10^11 ms on those from 1973. */
	if (!trib_bytes_to_decimal(text, 6, &us))
		return false;
	*ret_us = us > INT64_C(-100000000000000000) && us < INT64_C(100000000000000000) ? us
											: us / 1000;
	return true;
}

trib_status trib_time_parse(struct trib_bytes text, const char *at, int64_t *ret_ms,
			    struct trib_error *error)
{
	int64_t ms, us;

	if (trib_bytes_to_i64(text, &ms)) {
		*ret_ms = ms;
		return TRIB_OK;
	}
	if (parse_rfc3339(text, &us)) {
		*ret_ms = us / 1000 - (us % 1000 < 0);
		return TRIB_OK;
	}
	return trib_fail(
		error, TRIB_INVALID, at,
		"found \"%.*s\", expected ms UTC or a time such as \"2026-11-22T09:30:00Z\"",
		(int)TRIB_MIN(text.size, (size_t)40), text.data);
}

const char *trib_time_format(int64_t ms, char text[40])
{
	time_t seconds = ms / 1000;
	int fraction = (int)(ms % 1000);
	struct tm tm;

	if (fraction < 0) {
		fraction += 1000;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	/* Not strftime, which writes the year 7 as "7". */
	int used = snprintf(text, 40, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
			    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);

	if (fraction)
		snprintf(text + used, 40 - (size_t)used, ".%03dZ", fraction);
	else
		snprintf(text + used, 40 - (size_t)used, "Z");
	return text;
}
