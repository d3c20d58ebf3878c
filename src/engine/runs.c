#include "engine/runs.h"

static void free_packed(struct run_filter *of)
{
	for (size_t i = 0; i < of->n_packed; i++)
		free((char *)(uintptr_t)of->packed[i].data);
	free(of->packed);
	of->packed = NULL;
	of->n_packed = 0;
}

static void filter_fini(struct run_filter *of)
{
	if (of->filter.words)
		trib_filter_fini(&of->filter);
	free_packed(of);
}

void run_fini(struct run *run)
{
	filter_fini(&run->orders);
	filter_fini(&run->touches);
}

/* Takes the bytes over. */
static void add_packed(struct run_filter *of, struct trib_bytes packed)
{
	of->packed = trib_realloc(of->packed, (of->n_packed + 1) * sizeof(*of->packed));
	of->packed[of->n_packed++] = packed;
	of->prints += trib_prints_count(packed);
}

void run_filter_make(struct run_filter *ret_of, const void *items, size_t count, size_t item_size)
{
	struct trib_buffer packed;

	*ret_of = (struct run_filter){ 0 };
	if (count == 0)
		return;
	trib_buffer_init(&packed, SIZE_MAX / 2);
	trib_prints_pack(&packed, items, count, item_size);
	add_packed(ret_of, trib_bytes(trib_realloc(packed.data, packed.size), packed.size));
	trib_assert(trib_filter_fill(&ret_of->filter, ret_of->packed, 1));
}

struct trib_bytes run_filter_bytes(const struct run_filter *of)
{
	trib_assert(of->n_packed == 1);
	return of->packed[0];
}

/* ---- Opening --------------------------------------------------------------------------------------------- */

static struct run_filter *part(struct run *run, bool touches)
{
	return touches ? &run->touches : &run->orders;
}

static trib_status no_run(struct trib_error *error)
{
	return trib_fail(error, TRIB_CORRUPT, "store", "found a run that has no filter");
}

/* The prints gathered so far become a run, which keeps none of them. */
static trib_status close_run(struct runs_loader *loader, struct trib_error *error)
{
	struct run_filter *of = part(&loader->open, loader->touches);

	if (of->n_packed == 0)
		return TRIB_OK;
	bool filled = trib_filter_fill(&of->filter, of->packed, of->n_packed);

	free_packed(of);
	if (filled)
		runs_add(loader->runs, loader->open);
	loader->open = (struct run){ 0 };
	return filled ? TRIB_OK : no_run(error);
}

trib_status runs_loader_add(struct runs_loader *loader, uint64_t from, uint64_t to, struct trib_bytes stored,
			    struct trib_error *error)
{
	struct run_filter *of = part(&loader->open, loader->touches);

	if (!trib_prints_are(stored)) {
		struct run run = { .from = from, .to = to };

		part(&run, loader->touches)->of_hashes = true;
		if (!trib_filter_load(&part(&run, loader->touches)->filter, stored))
			return no_run(error);
		runs_add(loader->runs, run);
		return TRIB_OK;
	}
	if (of->n_packed == 0)
		loader->open.from = from;
	loader->open.to = to;
	char *copy = trib_alloc(stored.size);

	memcpy(copy, stored.data, stored.size);
	add_packed(of, trib_bytes(copy, stored.size));
	return of->prints >= loader->whole_prints ? close_run(loader, error) : TRIB_OK;
}

trib_status runs_loader_end(struct runs_loader *loader, struct trib_error *error)
{
	return close_run(loader, error);
}

/* ---- Putting together ------------------------------------------------------------------------------------- */

void runs_add(struct runs *runs, struct run run)
{
	runs->items = trib_realloc(runs->items, (runs->count + 1) * sizeof(*runs->items));
	runs->items[runs->count++] = run;
}

void runs_fini(struct runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		run_fini(&runs->items[i]);
	free(runs->items);
	*runs = (struct runs){ 0 };
}

static uint64_t prints_of(const struct run *run)
{
	return run->orders.prints + run->touches.prints;
}

/* May it be put together with others: are its prints here? */
static bool is_open(const struct run *run)
{
	return (!run->orders.filter.words || run->orders.packed) &&
	       (!run->touches.filter.words || run->touches.packed);
}

void runs_to_merge(const struct runs *runs, uint64_t horizon, size_t *ret_first, size_t *ret_count)
{
	size_t end = runs->count, first;
	uint64_t prints = 0;

	while (end && runs->items[end - 1].to > horizon)
		end--;
	for (first = end; first && is_open(&runs->items[first - 1]); first--) {
		uint64_t more = prints_of(&runs->items[first - 1]);

		if (first < end && more > 2 * prints)
			break;
		prints += more;
	}
	*ret_first = first;
	*ret_count = end - first > 1 ? end - first : 0;
}

static bool merge_part(const struct run *items, size_t count, bool touches, struct run_filter *ret_of)
{
	struct run_filter of = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += part((struct run *)(uintptr_t)&items[i], touches)->n_packed;
	if (n == 0) {
		*ret_of = of;
		return true;
	}
	of.packed = trib_alloc(n * sizeof(*of.packed));
	for (size_t i = 0; i < count; i++) {
		const struct run_filter *from = part((struct run *)(uintptr_t)&items[i], touches);

		if (from->n_packed)
			memcpy(of.packed + of.n_packed, from->packed, from->n_packed * sizeof(*of.packed));
		of.n_packed += from->n_packed;
		of.prints += from->prints;
	}
	if (!trib_filter_fill(&of.filter, of.packed, of.n_packed)) {
		free(of.packed);
		return false;
	}
	*ret_of = of;
	return true;
}

bool runs_merge(const struct run *items, size_t count, struct run *ret_run)
{
	struct run run = { .from = items[0].from, .to = items[count - 1].to };

	if (!merge_part(items, count, false, &run.orders))
		return false;
	if (!merge_part(items, count, true, &run.touches)) {
		runs_drop_merged(&run);
		return false;
	}
	*ret_run = run;
	return true;
}

void runs_drop_merged(struct run *merged)
{
	struct run_filter *both[] = { &merged->orders, &merged->touches };

	/* The prints are those of the runs that it was made of. */
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(both); i++) {
		free(both[i]->packed);
		both[i]->packed = NULL;
		both[i]->n_packed = 0;
	}
	run_fini(merged);
}

/* What the merged one has taken over is not theirs any more. */
static void forget_packed(struct run_filter *of)
{
	free(of->packed);
	of->packed = NULL;
	of->n_packed = 0;
}

void runs_replace(struct runs *runs, size_t first, size_t count, struct run merged, struct runs *old)
{
	trib_assert(count && first + count <= runs->count);
	for (size_t i = first; i < first + count; i++) {
		forget_packed(&runs->items[i].orders);
		forget_packed(&runs->items[i].touches);
		runs_add(old, runs->items[i]);
	}
	runs->items[first] = merged;
	memmove(&runs->items[first + 1], &runs->items[first + count],
		(runs->count - first - count) * sizeof(*runs->items));
	runs->count -= count - 1;
	if (prints_of(&merged) < RUNS_WHOLE_PRINTS)
		return;
	/* Large enough: its prints go, too. */
	struct run prints = { .orders = { .packed = merged.orders.packed, .n_packed = merged.orders.n_packed },
			      .touches = { .packed = merged.touches.packed, .n_packed = merged.touches.n_packed } };

	runs->items[first].orders.packed = runs->items[first].touches.packed = NULL;
	runs->items[first].orders.n_packed = runs->items[first].touches.n_packed = 0;
	runs_add(old, prints);
}
