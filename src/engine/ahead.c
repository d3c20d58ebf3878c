#include "engine/ahead.h"

#include <pthread.h>

enum { ROWS_AHEAD = 16 }; /* whose memory is sent for */
enum { BATCHES = 4, BATCH_ROWS = 512, BATCH_BYTES_MAX = 256 << 20 };

struct batch {
	struct trib_arena arena; /* of the messages */
	struct trib_domain_prepared rows[BATCH_ROWS];
	uint32_t count;
};

/* The reader fills batches[read % BATCHES], the caller folds batches[taken % BATCHES]. */
struct ahead {
	struct trib_store *store;
	enum trib_table table;
	struct batch batches[BATCHES];
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t moved;
	uint64_t read, taken; /* batches */
	bool ended;
	bool stop; /* atomic: the caller has failed */
	trib_status status; /* of the scan, once it has ended */
	struct trib_error error;
};

/* The batch at hand is full, or the last: it is handed over, and the next one waited for. */
static void hand_over(struct ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->read++;
	pthread_cond_broadcast(&ahead->moved);
	while (ahead->read - ahead->taken == BATCHES) /* after a failure, too, the caller goes on giving back */
		pthread_cond_wait(&ahead->moved, &ahead->lock);
	pthread_mutex_unlock(&ahead->lock);
}

static trib_status read_row(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct ahead *ahead = context;
	struct batch *batch = &ahead->batches[ahead->read % BATCHES];
	trib_status status = trib_domain_prepare(ahead->table, key, value, &batch->arena, &batch->rows[batch->count], error);

	if (status != TRIB_OK)
		return status;
	if (++batch->count == BATCH_ROWS)
		hand_over(ahead);
	return __atomic_load_n(&ahead->stop, __ATOMIC_RELAXED) ? TRIB_BUSY : TRIB_OK;
}

static void *read_table(void *context)
{
	struct ahead *ahead = context;
	trib_status status = trib_store_scan(ahead->store, ahead->table, trib_bytes("", 0), read_row, ahead, &ahead->error);

	if (ahead->batches[ahead->read % BATCHES].count)
		hand_over(ahead);
	pthread_mutex_lock(&ahead->lock);
	ahead->status = status;
	ahead->ended = true;
	pthread_cond_broadcast(&ahead->moved);
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

static trib_status fold(struct batch *batch, struct trib_domain *domain, trib_status status, struct trib_error *error)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		if (i + ROWS_AHEAD < batch->count)
			trib_domain_prefetch_prepared(domain, &batch->rows[i + ROWS_AHEAD]);
		if (status == TRIB_OK)
			status = trib_domain_load_prepared(domain, &batch->rows[i], error);
		trib_record_unref(batch->rows[i].record);
	}
	batch->count = 0;
	trib_arena_reset(&batch->arena);
	return status;
}

/* Until the scan has ended; after a failure what is left is only given back. */
static trib_status fold_all(struct ahead *ahead, struct trib_domain *domain, struct trib_error *error)
{
	trib_status status = TRIB_OK;

	pthread_mutex_lock(&ahead->lock);
	for (;;) {
		while (ahead->taken == ahead->read && !ahead->ended)
			pthread_cond_wait(&ahead->moved, &ahead->lock);
		if (ahead->taken == ahead->read)
			break;
		pthread_mutex_unlock(&ahead->lock);
		status = fold(&ahead->batches[ahead->taken % BATCHES], domain, status, error);
		pthread_mutex_lock(&ahead->lock);
		ahead->taken++;
		__atomic_store_n(&ahead->stop, status != TRIB_OK, __ATOMIC_RELAXED);
		pthread_cond_broadcast(&ahead->moved);
	}
	pthread_mutex_unlock(&ahead->lock);
	if (status == TRIB_OK && ahead->status != TRIB_OK) {
		*error = ahead->error;
		status = ahead->status;
	}
	return status;
}

trib_status ahead_load(struct trib_store *store, enum trib_table table, struct trib_domain *domain,
		       struct trib_error *error)
{
	struct ahead *ahead = trib_alloc_zeroed(1, sizeof(*ahead));
	pthread_t thread;

	ahead->store = store;
	ahead->table = table;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->moved, NULL);
	for (int i = 0; i < BATCHES; i++)
		trib_arena_init(&ahead->batches[i].arena, BATCH_BYTES_MAX);
	trib_assert(pthread_create(&thread, NULL, read_table, ahead) == 0);
	trib_status status = fold_all(ahead, domain, error);

	pthread_join(thread, NULL);
	for (int i = 0; i < BATCHES; i++)
		trib_arena_fini(&ahead->batches[i].arena);
	pthread_cond_destroy(&ahead->moved);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
	return status;
}
