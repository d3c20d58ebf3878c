#include "server/workers.h"

#include <pthread.h>

enum { THREADS_MAX = 4 };

struct trib_workers {
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t wake;
	struct trib_work *first, **end;
	unsigned waiting, queue_max;
	bool stopping;
	const char *name;
	unsigned count;
	pthread_t threads[THREADS_MAX];
};

static void *work_on(void *context)
{
	struct trib_workers *workers = context;

	pthread_setname_np(pthread_self(), workers->name);
	pthread_mutex_lock(&workers->lock);
	for (;;) {
		while (!workers->first && !workers->stopping)
			pthread_cond_wait(&workers->wake, &workers->lock);
		struct trib_work *work = workers->first;

		if (!work)
			break;
		workers->first = work->next;
		if (!workers->first)
			workers->end = &workers->first;
		workers->waiting--;
		pthread_mutex_unlock(&workers->lock);
		work->run(work);
		pthread_mutex_lock(&workers->lock);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

struct trib_workers *trib_workers_new(const char *name, unsigned threads, unsigned queue_max)
{
	struct trib_workers *workers = trib_alloc_zeroed(1, sizeof(*workers));

	trib_assert(threads <= THREADS_MAX);
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->wake, NULL);
	workers->end = &workers->first;
	workers->queue_max = queue_max;
	workers->name = name;
	workers->count = threads;
	for (unsigned i = 0; i < threads; i++)
		trib_assert(pthread_create(&workers->threads[i], NULL, work_on, workers) == 0);
	return workers;
}

void trib_workers_free(struct trib_workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	pthread_cond_broadcast(&workers->wake);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < workers->count; i++)
		pthread_join(workers->threads[i], NULL);
	pthread_cond_destroy(&workers->wake);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}

bool trib_workers_submit(struct trib_workers *workers, struct trib_work *work)
{
	bool taken;

	work->next = NULL;
	pthread_mutex_lock(&workers->lock);
	taken = workers->waiting < workers->queue_max && !workers->stopping;
	if (taken) {
		*workers->end = work;
		workers->end = &work->next;
		workers->waiting++;
		pthread_cond_signal(&workers->wake);
	}
	pthread_mutex_unlock(&workers->lock);
	return taken;
}
