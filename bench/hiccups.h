/*
 * What the machine itself holds up while a bench runs: on each core a thread of the highest priority that only sleeps,
 * a millisecond at a time, and notes how late it wakes. Whoever comes while it is late waits as well, so a wake that is
 * L late counts as those who came at each millisecond of it: L, L - 1 ms, L - 2 ms … (as HdrHistogram corrects for
 * coordinated omission, and jHiccup measures). Virtual machines are held up by their host in ways that no counter shows.
 */
#ifndef TRIB_BENCH_HICCUPS_H
#define TRIB_BENCH_HICCUPS_H

#include <pthread.h>
#include <sched.h>
#include "base/clock.h"
#include "base/histogram.h"

enum { HICCUP_CORES_MAX = 64, HICCUP_STEP_NS = 1000000 };

struct hiccup_core {
	pthread_t thread;
	int number;
	const bool *stop;
	struct trib_histogram late;
};

struct hiccups {
	struct hiccup_core cores[HICCUP_CORES_MAX];
	int count;
	bool stop;
};

static inline void *hiccup_thread(void *context)
{
	struct hiccup_core *core = context;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core->number, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 90 });
	while (!__atomic_load_n(core->stop, __ATOMIC_RELAXED)) {
		int64_t due = trib_clock_monotonic_ns(trib_clock_system()) + HICCUP_STEP_NS;

		clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = HICCUP_STEP_NS }, NULL);
		int64_t late = trib_clock_monotonic_ns(trib_clock_system()) - due;

		do
			trib_histogram_record(&core->late, late > 0 ? (uint64_t)late : 0);
		while ((late -= HICCUP_STEP_NS) > 0);
	}
	return NULL;
}

static inline void hiccups_start(struct hiccups *hiccups)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < HICCUP_CORES_MAX; i++) {
		struct hiccup_core *core = &hiccups->cores[hiccups->count];

		core->number = i;
		core->stop = &hiccups->stop;
		if (CPU_ISSET(i, &set) && pthread_create(&core->thread, NULL, hiccup_thread, core) == 0)
			hiccups->count++;
	}
}

/* All cores together. */
static inline void hiccups_stop(struct hiccups *hiccups, struct trib_histogram *ret_late)
{
	*ret_late = (struct trib_histogram){ 0 };
	__atomic_store_n(&hiccups->stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < hiccups->count; i++) {
		const struct trib_histogram *late = &hiccups->cores[i].late;

		pthread_join(hiccups->cores[i].thread, NULL);
		ret_late->count += late->count;
		ret_late->sum += late->sum;
		ret_late->max = TRIB_MAX(ret_late->max, late->max);
		for (int slot = 0; slot < TRIB_HISTOGRAM_SLOTS; slot++)
			ret_late->slots[slot] += late->slots[slot];
	}
}

#endif
