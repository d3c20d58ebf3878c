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
	size_t used = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &tm);

	if (fraction)
		snprintf(text + used, 40 - used, ".%03dZ", fraction);
	else
		snprintf(text + used, 40 - used, "Z");
	return text;
}
