#include "engine/pid_pool.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/limits.h"

/* A heap of pids by `at`, then number. Entries of what is not so any more are passed over when they come to the top. */
struct entry {
	int64_t at_ms;
	uint32_t pid;
};

struct heap {
	struct entry *items;
	uint32_t count, capacity;
};

struct site {
	struct heap resting; /* by free_at_ms */
	struct heap ready;   /* by number */
	uint32_t states[PID_STATES], n_ready;
};

struct row {
	struct pid_fact fact;
	uint32_t next; /* of its creator's chain, 0: the last */
	bool ready;    /* its rest is over: it is among the ready */
	bool entered;  /* the heap of the ready has an entry of it, true or past */
};

struct pid_pool {
	struct row *rows; /* by number, [0] none */
	uint32_t count, capacity;
	uint32_t *buckets, bucket_mask; /* by creator: the first of a chain */
	uint32_t chained;
	struct site sites[TRIB_LIMIT_SITES + 1];
};

struct pid_pool *pid_pool_new(void)
{
	struct pid_pool *pool = trib_alloc_zeroed(1, sizeof(*pool));

	pool->bucket_mask = 255;
	pool->buckets = trib_alloc_zeroed(256, sizeof(*pool->buckets));
	return pool;
}

void pid_pool_free(struct pid_pool *pool)
{
	if (!pool)
		return;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(pool->sites); i++) {
		free(pool->sites[i].resting.items);
		free(pool->sites[i].ready.items);
	}
	free(pool->rows);
	free(pool->buckets);
	free(pool);
}

/* --- Heaps --------------------------------------------------------------------------------------------- */

static bool is_before(struct entry a, struct entry b)
{
	return a.at_ms != b.at_ms ? a.at_ms < b.at_ms : a.pid < b.pid;
}

static void sink(struct heap *heap, uint32_t i, struct entry entry)
{
	for (uint32_t child; (child = 2 * i + 1) < heap->count; i = child) {
		child += child + 1 < heap->count && is_before(heap->items[child + 1], heap->items[child]);
		if (!is_before(heap->items[child], entry))
			break;
		heap->items[i] = heap->items[child];
	}
	heap->items[i] = entry;
}

static void push(struct heap *heap, struct entry entry)
{
	uint32_t i = heap->count++;

	if (i == heap->capacity) {
		heap->capacity = TRIB_MAX(2 * i, 16u);
		heap->items = trib_realloc(heap->items, heap->capacity * sizeof(*heap->items));
	}
	for (uint32_t parent; i > 0 && is_before(entry, heap->items[parent = (i - 1) / 2]); i = parent)
		heap->items[i] = heap->items[parent];
	heap->items[i] = entry;
}

static void pop(struct heap *heap)
{
	struct entry last = heap->items[--heap->count];

	if (heap->count)
		sink(heap, 0, last);
}

/* Is this what the pool says of the pid now? */
static bool rests(const struct pid_pool *pool, uint32_t site, struct entry entry)
{
	const struct row *row = &pool->rows[entry.pid];

	return row->fact.state == PID_FREE && row->fact.site == site && !row->ready &&
	       row->fact.free_at_ms == entry.at_ms;
}

static bool is_ready(const struct pid_pool *pool, uint32_t site, struct entry entry)
{
	const struct row *row = &pool->rows[entry.pid];

	return row->fact.state == PID_FREE && row->fact.site == site && row->ready;
}

/* Where most of those at rest are past, the others move together. */
static void tidy(struct pid_pool *pool, uint32_t site, struct heap *heap, uint32_t live)
{
	uint32_t kept = 0;

	if (heap->count < 64 || heap->count / 2 < live)
		return;
	for (uint32_t i = 0; i < heap->count; i++)
		if (rests(pool, site, heap->items[i]))
			heap->items[kept++] = heap->items[i];
	heap->count = kept;
	for (uint32_t i = kept / 2; i-- > 0;)
		sink(heap, i, heap->items[i]);
}

/* --- Creators ------------------------------------------------------------------------------------------ */

static uint32_t *bucket_of(const struct pid_pool *pool, uint32_t creator)
{
	return &pool->buckets[trib_hash_u64(creator) & pool->bucket_mask];
}

static void chain(struct pid_pool *pool, uint32_t pid)
{
	uint32_t *link = bucket_of(pool, pool->rows[pid].fact.creator);

	while (*link && *link < pid)
		link = &pool->rows[*link].next;
	pool->rows[pid].next = *link;
	*link = pid;
	pool->chained++;
}

static void unchain(struct pid_pool *pool, uint32_t pid)
{
	uint32_t *link = bucket_of(pool, pool->rows[pid].fact.creator);

	while (*link != pid)
		link = &pool->rows[*link].next;
	*link = pool->rows[pid].next;
	pool->chained--;
}

static void grow_buckets(struct pid_pool *pool)
{
	free(pool->buckets);
	pool->bucket_mask = 2 * pool->bucket_mask + 1;
	pool->buckets = trib_alloc_zeroed((size_t)pool->bucket_mask + 1, sizeof(*pool->buckets));
	pool->chained = 0;
	for (uint32_t pid = pool->count; pid-- > 1;) /* the highest first: each goes to the front of its chain */
		if (pool->rows[pid].fact.state == PID_LEASED)
			chain(pool, pid);
}

/* --- Facts --------------------------------------------------------------------------------------------- */

static struct row *row_of(struct pid_pool *pool, uint32_t pid)
{
	if (pid >= pool->capacity) {
		uint32_t capacity = TRIB_MAX(TRIB_MAX(2 * pool->capacity, pid + 1), 1024u);

		pool->rows = trib_realloc(pool->rows, capacity * sizeof(*pool->rows));
		memset(pool->rows + pool->capacity, 0, (capacity - pool->capacity) * sizeof(*pool->rows));
		pool->capacity = capacity;
	}
	pool->count = TRIB_MAX(pool->count, pid + 1);
	return &pool->rows[pid];
}

static void forget(struct pid_pool *pool, uint32_t pid)
{
	struct row *row = &pool->rows[pid];
	struct site *site = &pool->sites[row->fact.site];

	if (row->fact.state == PID_LEASED)
		unchain(pool, pid);
	site->states[row->fact.state]--;
	site->n_ready -= row->ready;
	*row = (struct row){ .entered = row->entered };
}

void pid_pool_put(struct pid_pool *pool, uint32_t pid, const struct pid_fact *fact)
{
	struct row *row = row_of(pool, pid);
	struct site *site = &pool->sites[fact->site];

	trib_assert(fact->site <= TRIB_LIMIT_SITES);
	if (row->fact.state == PID_FREE && fact->state == PID_FREE && row->fact.site == fact->site &&
	    row->fact.free_at_ms == fact->free_at_ms)
		return; /* it stands where it stands */
	if (row->fact.state)
		forget(pool, pid);
	row->fact = *fact;
	site->states[fact->state]++;
	if (fact->state == PID_LEASED) {
		if (pool->chained > pool->bucket_mask)
			grow_buckets(pool); /* takes this one along */
		else
			chain(pool, pid);
	}
	if (fact->state != PID_FREE)
		return;
	tidy(pool, fact->site, &site->resting, site->states[PID_FREE] - site->n_ready);
	push(&site->resting, (struct entry){ fact->free_at_ms, pid });
}

uint32_t pid_pool_find(const struct pid_pool *pool, uint32_t site, uint32_t creator, uint32_t channel)
{
	uint32_t pid = *bucket_of(pool, creator);

	for (; pid; pid = pool->rows[pid].next) {
		const struct pid_fact *fact = &pool->rows[pid].fact;

		if (fact->creator == creator && fact->site == site && fact->channel == channel)
			break;
	}
	return pid;
}

uint32_t pid_pool_of(const struct pid_pool *pool, uint32_t creator, uint32_t after)
{
	uint32_t pid = *bucket_of(pool, creator);

	while (pid && (pid <= after || pool->rows[pid].fact.creator != creator))
		pid = pool->rows[pid].next;
	return pid;
}

/* Those whose rest is over are ready. */
static struct site *wake(struct pid_pool *pool, uint32_t number, int64_t now_ms)
{
	struct site *site = &pool->sites[number];

	while (site->resting.count && site->resting.items[0].at_ms <= now_ms) {
		struct entry entry = site->resting.items[0];

		pop(&site->resting);
		if (!rests(pool, number, entry))
			continue;
		struct row *row = &pool->rows[entry.pid];

		row->ready = true;
		site->n_ready++;
		if (!row->entered)
			push(&site->ready, (struct entry){ 0, entry.pid });
		row->entered = true;
	}
	return site;
}

uint32_t pid_pool_next(struct pid_pool *pool, uint32_t number, int64_t now_ms)
{
	struct site *site = wake(pool, number, now_ms);

	while (site->ready.count && !is_ready(pool, number, site->ready.items[0])) {
		pool->rows[site->ready.items[0].pid].entered = false;
		pop(&site->ready);
	}
	return site->ready.count ? site->ready.items[0].pid : 0;
}

struct pid_counts pid_pool_count(struct pid_pool *pool, uint32_t number, int64_t now_ms)
{
	const struct site *site = wake(pool, number, now_ms);

	return (struct pid_counts){ .free = site->n_ready,
				    .resting = site->states[PID_FREE] - site->n_ready,
				    .leased = site->states[PID_LEASED],
				    .unknown = site->states[PID_UNKNOWN] };
}
