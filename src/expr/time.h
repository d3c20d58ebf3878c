/* Timestamps and durations: arithmetic, text, calendar, time zones. */
#ifndef TRIB_EXPR_TIME_H
#define TRIB_EXPR_TIME_H

#include "expr/function.h"

/* + and - where at least one side may be a timestamp or duration; a NO_OVERLOAD fault for anything else. */
struct trib_value time_add(const struct trib_value *a, const struct trib_value *b);
struct trib_value time_subtract(const struct trib_value *a, const struct trib_value *b);

/* "2009-02-13T23:31:30.5+08:00" and "1h30m", "-1.5s"; a fault where the text is neither or out of range. */
struct trib_value time_parse_timestamp(struct trib_bytes text);
struct trib_value time_parse_duration(struct trib_bytes text);
struct trib_value time_from_seconds(int64_t seconds);

/* "2009-02-13T23:31:30.5Z", "5400s", "-1.5s". At most 40 bytes; returns the length. */
size_t time_format_timestamp(const struct trib_value *timestamp, char text[48]);
size_t time_format_duration(const struct trib_value *duration, char text[48]);

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back. Months and days from 1. */
int64_t time_days_from_date(int64_t year, unsigned month, unsigned day);
void time_date_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);

/* Day of the week of a day since 1970-01-01: 0 is Sunday. */
unsigned time_week_day(int64_t days);

bool time_is_leap_year(int64_t year);

/*
 * A time zone: a name of the tz database ("Asia/Shanghai"), "UTC", "", or an offset "+08:00", "-2:30", "02:00".
 * Zones of the database are read once and kept for the life of the process; their number is that of the files.
 */
struct time_zone;

struct time_zone_name {
	const struct time_zone *zone; /* NULL: the offset below */
	int32_t offset_seconds;
};

/* False: no such zone. Safe from any thread; takes a lock only for names of the database. */
bool time_zone_find(struct trib_bytes name, struct time_zone_name *ret_name);

/* Seconds east of UTC at a moment, in seconds since 1970. */
int32_t time_zone_offset(const struct time_zone_name *name, int64_t seconds);

/* A part of a timestamp in a zone, for a selector of function.h whose zone is known already. */
struct trib_value time_select(enum trib_expr_function selector, const struct trib_value *timestamp,
			      const struct time_zone_name *zone);

/* Whether the function is a selector that may take a zone. */
static inline bool time_is_selector(enum trib_expr_function function)
{
	return function >= TRIB_FN_GET_FULL_YEAR && function <= TRIB_FN_GET_MILLISECONDS;
}

#endif
