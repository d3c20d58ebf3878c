/*
 * Time behind a thin function, so that the simulator can own it.
 * Wall time is integer ms UTC; monotonic time is integer ns from an arbitrary start.
 */
#ifndef TRIB_BASE_CLOCK_H
#define TRIB_BASE_CLOCK_H

#include "base/bytes.h"
#include "base/status.h"

struct trib_clock {
	int64_t (*wall_ms)(struct trib_clock *clock);
	int64_t (*monotonic_ns)(struct trib_clock *clock);
};

/* The machine's clock. */
struct trib_clock *trib_clock_system(void);

static inline int64_t trib_clock_wall_ms(struct trib_clock *clock)
{
	return clock->wall_ms(clock);
}

static inline int64_t trib_clock_monotonic_ns(struct trib_clock *clock)
{
	return clock->monotonic_ns(clock);
}

/* CPU time used by this process / thread, ns. For benches. */
int64_t trib_cpu_process_ns(void);
int64_t trib_cpu_thread_ns(void);

/* "30d", "12h", "90s", "5m", "250ms": a whole number and one unit. 0 is allowed, negatives are not. */
trib_status trib_duration_parse(struct trib_bytes text, const char *at, int64_t *ret_ms,
				struct trib_error *error);

/* The shortest form of ms in the same grammar, at most 24 bytes with its terminator. */
const char *trib_duration_format(int64_t ms, char text[24]);

/*
 * A time as people and programs write it: ms UTC as a whole number, or RFC 3339 with its zone
 * ("2026-11-22T17:30:00.25+08:00"; digits beyond ms are cut). Years 0 to 9999.
 */
trib_status trib_time_parse(struct trib_bytes text, const char *at, int64_t *ret_ms,
			    struct trib_error *error);

/*
 * A time as logs write it, in µs UTC: RFC 3339, also with a zone like " +0800", " UTC" or none (UTC), without seconds,
 * a date alone (its beginning); or Unix time in seconds or, from 10^11 on, in ms, with or without a fraction.
 */
bool trib_time_parse_log(struct trib_bytes text, int64_t *ret_us);

/* "2026-11-22T09:30:00.250Z"; the fraction is left out when it is zero. At most 40 bytes. */
const char *trib_time_format(int64_t ms, char text[40]);

#endif
