#include "engine/reviews.h"

enum { SMALLEST = 64 };

/* Positions ascend; the highest bit marks one that is closed. */
#define CLOSED (UINT64_C(1) << 63)

struct trib_reviews {
	uint64_t *entries;
	size_t count, capacity, closed;
	uint64_t *changed; /* positions, in the order of the changes */
	size_t n_changed, changed_capacity;
};

struct trib_reviews *trib_reviews_new(void)
{
	return trib_alloc_zeroed(1, sizeof(struct trib_reviews));
}

void trib_reviews_free(struct trib_reviews *reviews)
{
	if (!reviews)
		return;
	free(reviews->entries);
	free(reviews->changed);
	free(reviews);
}

static void add(uint64_t **list, size_t *count, size_t *capacity, uint64_t value)
{
	if (*count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : SMALLEST;
		*list = trib_realloc(*list, *capacity * sizeof(**list));
	}
	(*list)[(*count)++] = value;
}

/* The index of the first entry at or behind the position. */
static size_t search(const struct trib_reviews *reviews, uint64_t position)
{
	size_t low = 0, high = reviews->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if ((reviews->entries[middle] & ~CLOSED) < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void trib_reviews_load(struct trib_reviews *reviews, uint64_t position)
{
	trib_assert(position && !(position & CLOSED) &&
		    (!reviews->count || (reviews->entries[reviews->count - 1] & ~CLOSED) < position));
	add(&reviews->entries, &reviews->count, &reviews->capacity, position);
}

void trib_reviews_open(struct trib_reviews *reviews, uint64_t position)
{
	trib_reviews_load(reviews, position);
	add(&reviews->changed, &reviews->n_changed, &reviews->changed_capacity, position);
}

bool trib_reviews_waits(const struct trib_reviews *reviews, uint64_t position)
{
	size_t at = search(reviews, position);

	return at < reviews->count && reviews->entries[at] == position;
}

bool trib_reviews_close(struct trib_reviews *reviews, uint64_t position)
{
	size_t at = search(reviews, position), kept = 0;

	if (at == reviews->count || reviews->entries[at] != position)
		return false;
	reviews->entries[at] |= CLOSED;
	add(&reviews->changed, &reviews->n_changed, &reviews->changed_capacity, position);
	if (++reviews->closed < SMALLEST || reviews->closed < reviews->count / 2)
		return true;
	for (size_t i = 0; i < reviews->count; i++)
		if (!(reviews->entries[i] & CLOSED))
			reviews->entries[kept++] = reviews->entries[i];
	reviews->count = kept;
	reviews->closed = 0;
	return true;
}

size_t trib_reviews_count(const struct trib_reviews *reviews)
{
	return reviews->count - reviews->closed;
}

uint64_t trib_reviews_next(const struct trib_reviews *reviews, uint64_t after)
{
	for (size_t i = search(reviews, after + 1); i < reviews->count; i++)
		if (!(reviews->entries[i] & CLOSED))
			return reviews->entries[i];
	return 0;
}

static int compare_positions(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

void trib_reviews_take_changes(struct trib_reviews *reviews, trib_reviews_fn *emit, void *context)
{
	if (reviews->n_changed)
		qsort(reviews->changed, reviews->n_changed, sizeof(*reviews->changed), compare_positions);
	for (size_t i = 0; i < reviews->n_changed; i++)
		if (i == 0 || reviews->changed[i] != reviews->changed[i - 1])
			emit(context, reviews->changed[i], trib_reviews_waits(reviews, reviews->changed[i]));
	reviews->n_changed = 0;
}
