#include "expr/time.h"

#define NANOS_PER_SECOND INT64_C(1000000000)

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
#define TIMESTAMP_MIN INT64_C(-62135596800)
#define TIMESTAMP_MAX INT64_C(253402300799)

/* A duration is shorter than from the first timestamp to the last: their difference is already out of range. */
#define DURATION_LIMIT (TIMESTAMP_MAX - TIMESTAMP_MIN)

/* ---- Calendar ------------------------------------------------------------------------------------- */

bool time_is_leap_year(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Years begin in March here, so that the leap day is the last of its year; 400 years are an era of 146097 days. */
int64_t time_days_from_date(int64_t year, unsigned month, unsigned day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

void time_date_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned month = (unsigned)((5 * day_of_year + 2) / 153);

	*ret_day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
	*ret_month = month < 10 ? month + 3 : month - 9;
	*ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

unsigned time_week_day(int64_t days)
{
	return (unsigned)(((days + 4) % 7 + 7) % 7);
}

static unsigned month_length(int64_t year, unsigned month)
{
	static const unsigned char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return lengths[month - 1] + (month == 2 && time_is_leap_year(year));
}

/* ---- Values --------------------------------------------------------------------------------------- */

/* From a count of nanoseconds, which 128 bits hold whatever is added to what. */
static struct trib_value timestamp_of(__int128 nanos)
{
	__int128 seconds = nanos / NANOS_PER_SECOND, rest = nanos % NANOS_PER_SECOND;

	if (rest < 0) {
		rest += NANOS_PER_SECOND;
		seconds--;
	}
	if (seconds < TIMESTAMP_MIN || seconds > TIMESTAMP_MAX)
		return function_fail(FAULT_TIME_RANGE);
	return (struct trib_value){ .kind = TRIB_VALUE_TIMESTAMP,
				    .nanos = (int32_t)rest,
				    .integer = (int64_t)seconds };
}

static struct trib_value duration_of(__int128 nanos)
{
	__int128 seconds = nanos / NANOS_PER_SECOND;

	if (seconds <= -DURATION_LIMIT || seconds >= DURATION_LIMIT)
		return function_fail(FAULT_DURATION_RANGE);
	return (struct trib_value){ .kind = TRIB_VALUE_DURATION,
				    .nanos = (int32_t)(nanos % NANOS_PER_SECOND),
				    .integer = (int64_t)seconds };
}

static __int128 nanos_of(const struct trib_value *value)
{
	return (__int128)value->integer * NANOS_PER_SECOND + value->nanos;
}

struct trib_value time_from_seconds(int64_t seconds)
{
	return timestamp_of((__int128)seconds * NANOS_PER_SECOND);
}

struct trib_value time_add(const struct trib_value *a, const struct trib_value *b)
{
	bool a_duration = a->kind == TRIB_VALUE_DURATION,
	     b_duration = b->kind == TRIB_VALUE_DURATION;

	if (a_duration && b_duration)
		return duration_of(nanos_of(a) + nanos_of(b));
	if ((a_duration && b->kind == TRIB_VALUE_TIMESTAMP) ||
	    (a->kind == TRIB_VALUE_TIMESTAMP && b_duration))
		return timestamp_of(nanos_of(a) + nanos_of(b));
	return function_fail(FAULT_NO_OVERLOAD);
}

struct trib_value time_subtract(const struct trib_value *a, const struct trib_value *b)
{
	bool a_timestamp = a->kind == TRIB_VALUE_TIMESTAMP,
	     b_duration = b->kind == TRIB_VALUE_DURATION;

	if (a_timestamp && b_duration)
		return timestamp_of(nanos_of(a) - nanos_of(b));
	if ((a_timestamp && b->kind == TRIB_VALUE_TIMESTAMP) ||
	    (a->kind == TRIB_VALUE_DURATION && b_duration))
		return duration_of(nanos_of(a) - nanos_of(b));
	return function_fail(FAULT_NO_OVERLOAD);
}

/* ---- Text ----------------------------------------------------------------------------------------- */

struct reader {
	const char *next, *end;
};

static bool take(struct reader *reader, char c)
{
	if (reader->next >= reader->end || *reader->next != c)
		return false;
	reader->next++;
	return true;
}

/* Exactly `digits` digits. */
static bool take_number(struct reader *reader, int digits, int64_t *ret_number)
{
	int64_t number = 0;

	for (int i = 0; i < digits; i++, reader->next++) {
		if (reader->next >= reader->end || *reader->next < '0' || *reader->next > '9')
			return false;
		number = number * 10 + (*reader->next - '0');
	}
	*ret_number = number;
	return true;
}

/* .123456789: digits past the ninth are dropped. */
static bool take_fraction(struct reader *reader, int64_t *ret_nanos)
{
	int64_t nanos = 0, unit = NANOS_PER_SECOND / 10;
	const char *first = reader->next;

	for (; reader->next < reader->end && *reader->next >= '0' && *reader->next <= '9';
	     reader->next++) {
		nanos += unit * (*reader->next - '0');
		unit /= 10;
	}
	*ret_nanos = nanos;
	return reader->next > first;
}

/* Z, +08:00 */
static bool take_offset(struct reader *reader, int64_t *ret_seconds)
{
	int64_t hours, minutes;

	*ret_seconds = 0;
	if (take(reader, 'Z') || take(reader, 'z'))
		return true;
	bool negative = take(reader, '-');

	if (!negative && !take(reader, '+'))
		return false;
	if (!take_number(reader, 2, &hours) || !take(reader, ':') ||
	    !take_number(reader, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret_seconds = (hours * 3600 + minutes * 60) * (negative ? -1 : 1);
	return true;
}

struct trib_value time_parse_timestamp(struct trib_bytes text)
{
	struct reader reader = { text.data, text.data + text.size };
	int64_t year, month, day, hour, minute, second, nanos = 0, offset;

	if (!take_number(&reader, 4, &year))
		return function_fail(FAULT_BAD_TIMESTAMP);
	/* A fifth digit: a year past 9999. */
	if (reader.next < reader.end && *reader.next >= '0' && *reader.next <= '9')
		return function_fail(FAULT_TIME_RANGE);
	if (!take(&reader, '-') || !take_number(&reader, 2, &month) || !take(&reader, '-') ||
	    !take_number(&reader, 2, &day) || (!take(&reader, 'T') && !take(&reader, 't')) ||
	    !take_number(&reader, 2, &hour) || !take(&reader, ':') ||
	    !take_number(&reader, 2, &minute) || !take(&reader, ':') ||
	    !take_number(&reader, 2, &second) ||
	    (take(&reader, '.') && !take_fraction(&reader, &nanos)) ||
	    !take_offset(&reader, &offset) || reader.next != reader.end)
		return function_fail(FAULT_BAD_TIMESTAMP);
	if (month < 1 || month > 12 || day < 1 || day > month_length(year, (unsigned)month) ||
	    hour > 23 || minute > 59 || second > 59)
		return function_fail(FAULT_BAD_TIMESTAMP);
	int64_t seconds = time_days_from_date(year, (unsigned)month, (unsigned)day) * 86400 +
			  hour * 3600 + minute * 60 + second - offset;

	return timestamp_of((__int128)seconds * NANOS_PER_SECOND + nanos);
}

static int64_t take_unit(struct reader *reader)
{
	static const struct {
		const char *name;
		int64_t nanos;
	} units[] = {
		/* "m" after "ms". */
		{ "ns", 1 },
		{ "us", 1000 },
		{ "\xc2\xb5s", 1000 },
		{ "\xce\xbcs", 1000 },
		{ "ms", 1000000 },
		{ "s", NANOS_PER_SECOND },
		{ "m", 60 * NANOS_PER_SECOND },
		{ "h", 3600 * NANOS_PER_SECOND },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(units); i++) {
		size_t size = strlen(units[i].name);

		if ((size_t)(reader->end - reader->next) < size ||
		    memcmp(reader->next, units[i].name, size))
			continue;
		reader->next += size;
		return units[i].nanos;
	}
	return 0;
}

/* "1.5" and the unit after it, in nanoseconds; what is finer is dropped. False: no number or no unit. */
static bool take_quantity(struct reader *reader, __int128 *ret_nanos)
{
	const __int128 most = (__int128)1 << 100;
	__int128 whole = 0;
	int64_t fraction = 0;
	const char *first = reader->next;
	bool any = false;

	for (; reader->next < reader->end && *reader->next >= '0' && *reader->next <= '9';
	     reader->next++)
		whole = TRIB_MIN(whole * 10 + (*reader->next - '0'), (__int128)INT64_MAX);
	any = reader->next > first;
	if (take(reader, '.') && take_fraction(reader, &fraction))
		any = true;
	int64_t unit = any ? take_unit(reader) : 0;

	if (unit == 0)
		return false;
	*ret_nanos = TRIB_MIN(whole * unit, most) + (__int128)fraction * unit / NANOS_PER_SECOND;
	return true;
}

struct trib_value time_parse_duration(struct trib_bytes text)
{
	struct reader reader = { text.data, text.data + text.size };
	bool negative = take(&reader, '-');
	__int128 total = 0;

	if (!negative)
		take(&reader, '+');
	if (reader.end - reader.next == 1 && *reader.next == '0')
		return duration_of(0);
	if (reader.next == reader.end)
		return function_fail(FAULT_BAD_DURATION);
	while (reader.next < reader.end) {
		__int128 quantity;

		if (!take_quantity(&reader, &quantity))
			return function_fail(FAULT_BAD_DURATION);
		total = TRIB_MIN(total + quantity, (__int128)1 << 100);
	}
	return duration_of(negative ? -total : total);
}

/* ".5", ".000000001" or nothing. */
static size_t format_fraction(int32_t nanos, char *text)
{
	if (nanos == 0)
		return 0;
	size_t size = (size_t)sprintf(text, ".%09d", abs(nanos));

	while (text[size - 1] == '0')
		size--;
	text[size] = '\0';
	return size;
}

size_t time_format_timestamp(const struct trib_value *timestamp, char text[48])
{
	int64_t days = timestamp->integer / 86400, rest = timestamp->integer % 86400, year;
	unsigned month, day;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	time_date_from_days(days, &year, &month, &day);
	size_t size = (size_t)sprintf(text, "%04d-%02u-%02uT%02d:%02d:%02d", (int)year, month, day,
				      (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60));

	size += format_fraction(timestamp->nanos, text + size);
	text[size++] = 'Z';
	text[size] = '\0';
	return size;
}

size_t time_format_duration(const struct trib_value *duration, char text[48])
{
	bool negative = duration->integer < 0 || duration->nanos < 0;
	size_t size = (size_t)sprintf(text, "%s%lld", negative ? "-" : "",
				      llabs((long long)duration->integer));

	size += format_fraction(duration->nanos, text + size);
	text[size++] = 's';
	text[size] = '\0';
	return size;
}

/* ---- Selectors ------------------------------------------------------------------------------------ */

struct trib_value time_select(enum trib_expr_function selector, const struct trib_value *timestamp,
			      const struct time_zone_name *zone)
{
	int64_t local = timestamp->integer + time_zone_offset(zone, timestamp->integer);
	int64_t days = local / 86400, rest = local % 86400, year;
	unsigned month, day;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	switch (selector) {
	case TRIB_FN_GET_HOURS:
		return trib_value_int(rest / 3600);
	case TRIB_FN_GET_MINUTES:
		return trib_value_int(rest / 60 % 60);
	case TRIB_FN_GET_SECONDS:
		return trib_value_int(rest % 60);
	case TRIB_FN_GET_MILLISECONDS:
		return trib_value_int(timestamp->nanos / 1000000);
	case TRIB_FN_GET_DAY_OF_WEEK:
		return trib_value_int(time_week_day(days));
	default:
		break;
	}
	time_date_from_days(days, &year, &month, &day);
	switch (selector) {
	case TRIB_FN_GET_FULL_YEAR:
		return trib_value_int(year);
	case TRIB_FN_GET_MONTH:
		return trib_value_int(month - 1);
	case TRIB_FN_GET_DATE:
		return trib_value_int(day);
	case TRIB_FN_GET_DAY_OF_MONTH:
		return trib_value_int(day - 1);
	case TRIB_FN_GET_DAY_OF_YEAR:
		return trib_value_int(days - time_days_from_date(year, 1, 1));
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

/* Of a duration: the whole of it in hours, minutes or seconds, but the milliseconds of its last second. */
static struct trib_value select_duration(enum trib_expr_function selector,
					 const struct trib_value *duration)
{
	switch (selector) {
	case TRIB_FN_GET_HOURS:
		return trib_value_int(duration->integer / 3600);
	case TRIB_FN_GET_MINUTES:
		return trib_value_int(duration->integer / 60);
	case TRIB_FN_GET_SECONDS:
		return trib_value_int(duration->integer);
	case TRIB_FN_GET_MILLISECONDS:
		return trib_value_int(duration->nanos / 1000000);
	default:
		return function_fail(FAULT_NO_OVERLOAD);
	}
}

static struct trib_value select_part(struct function_context *context,
				     enum trib_expr_function selector,
				     const struct trib_value *args, uint32_t count)
{
	struct time_zone_name zone = { 0 };

	if (args[0].kind == TRIB_VALUE_DURATION && count == 1)
		return select_duration(selector, args);
	if (args[0].kind != TRIB_VALUE_TIMESTAMP ||
	    (count == 2 && args[1].kind != TRIB_VALUE_STRING))
		return function_fail(FAULT_NO_OVERLOAD);
	if (count == 2 && !function_spend(context, 10))
		return function_fail(FAULT_COST);
	if (count == 2 && !time_zone_find(trib_value_text(&args[1]), &zone))
		return function_fail(FAULT_BAD_ZONE);
	return time_select(selector, args, &zone);
}

#define SELECTOR(name, selector)                                                                   \
	FUNCTION_BODY(name)                                                                        \
	{                                                                                          \
		return select_part(context, selector, args, count);                                \
	}

SELECTOR(time_get_full_year, TRIB_FN_GET_FULL_YEAR)
SELECTOR(time_get_month, TRIB_FN_GET_MONTH)
SELECTOR(time_get_date, TRIB_FN_GET_DATE)
SELECTOR(time_get_day_of_month, TRIB_FN_GET_DAY_OF_MONTH)
SELECTOR(time_get_day_of_week, TRIB_FN_GET_DAY_OF_WEEK)
SELECTOR(time_get_day_of_year, TRIB_FN_GET_DAY_OF_YEAR)
SELECTOR(time_get_hours, TRIB_FN_GET_HOURS)
SELECTOR(time_get_minutes, TRIB_FN_GET_MINUTES)
SELECTOR(time_get_seconds, TRIB_FN_GET_SECONDS)
SELECTOR(time_get_milliseconds, TRIB_FN_GET_MILLISECONDS)
