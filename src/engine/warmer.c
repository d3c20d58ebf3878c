/*
 * A background thread that asks the kernel for memory before orders and touches need it: a fresh page of 2 MiB
 * costs a millisecond and more.
 */
#include "engine/state.h"

#include <errno.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NICE = 5, LOOK_EVERY_MS = 20, TOUCHES_AHEAD_BYTES = 32 << 20 };

struct warmer {
	struct trib_engine *engine;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t stopped;
	bool stop;
};

/* Waits a little; true when it is time to end. */
static bool pause_or_stop(struct warmer *warmer)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_EVERY_MS * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&warmer->mutex);
	while (!warmer->stop && pthread_cond_timedwait(&warmer->stopped, &warmer->mutex, &until) != ETIMEDOUT)
		;
	bool stop = warmer->stop;

	pthread_mutex_unlock(&warmer->mutex);
	return stop;
}

static void *run(void *context)
{
	struct warmer *warmer = context;
	struct trib_engine *engine = warmer->engine;

	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	while (trib_order_index_warm(engine->order_index))
		if (__atomic_load_n(&warmer->stop, __ATOMIC_RELAXED))
			return NULL;
	do
		trib_touches_touch_ahead(engine->touches, TOUCHES_AHEAD_BYTES);
	while (!pause_or_stop(warmer));
	return NULL;
}

void warmer_start(struct trib_engine *engine)
{
	struct warmer *warmer = trib_alloc_zeroed(1, sizeof(*warmer));

	warmer->engine = engine;
	pthread_mutex_init(&warmer->mutex, NULL);
	pthread_cond_init(&warmer->stopped, NULL);
	if (pthread_create(&warmer->thread, NULL, run, warmer) != 0) {
		free(warmer); /* without it memory comes when it is used */
		return;
	}
	engine->warmer = warmer;
}

void warmer_stop(struct trib_engine *engine)
{
	struct warmer *warmer = TRIB_TAKE_PTR(engine->warmer);

	if (!warmer)
		return;
	pthread_mutex_lock(&warmer->mutex);
	__atomic_store_n(&warmer->stop, true, __ATOMIC_RELAXED);
	pthread_cond_signal(&warmer->stopped);
	pthread_mutex_unlock(&warmer->mutex);
	pthread_join(warmer->thread, NULL);
	pthread_mutex_destroy(&warmer->mutex);
	pthread_cond_destroy(&warmer->stopped);
	free(warmer);
}
