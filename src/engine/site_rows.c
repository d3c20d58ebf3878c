#include "engine/site_rows.h"

#include "base/limits.h"
#include "store/store.h"

static bool is_same(struct kept_key a, struct kept_key b)
{
	return a.fingerprint == b.fingerprint && a.hash == b.hash;
}

/* ---- The index ---------------------------------------------------------------------------- */

void site_index_fini(struct site_index *index)
{
	free(index->slots);
	*index = (struct site_index){ 0 };
}

/* Where the key stands, or would. */
static struct site_row *slot_of(const struct site_index *index, struct kept_key key)
{
	size_t i = key.hash & index->mask;

	while (index->slots[i].position && !is_same(index->slots[i].key, key))
		i = (i + 1) & index->mask;
	return &index->slots[i];
}

static void grow(struct site_index *index)
{
	struct site_index old = *index;

	index->mask = old.slots ? 2 * old.mask + 1 : 1023;
	index->slots = trib_alloc_zeroed(index->mask + 1, sizeof(*index->slots));
	for (size_t i = 0; old.slots && i <= old.mask; i++)
		if (old.slots[i].position)
			*slot_of(index, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

void site_index_put(struct site_index *index, struct kept_key key, uint64_t position)
{
	if (!index->slots || index->count > index->mask / 2)
		grow(index);
	struct site_row *slot = slot_of(index, key);

	index->count += slot->position == 0;
	*slot = (struct site_row){ key, position };
}

uint64_t site_index_find(const struct site_index *index, struct kept_key key)
{
	return index->slots ? slot_of(index, key)->position : 0;
}

static int compare_rows(const void *left, const void *right)
{
	const struct site_row *a = left, *b = right;

	if (a->key.fingerprint != b->key.fingerprint)
		return a->key.fingerprint < b->key.fingerprint ? -1 : 1;
	return a->key.hash < b->key.hash ? -1 : a->key.hash > b->key.hash;
}

struct site_row *site_index_sorted(const struct site_index *index)
{
	struct site_row *rows = trib_alloc((index->count + 1) * sizeof(*rows));
	size_t count = 0;

	for (size_t i = 0; index->slots && i <= index->mask; i++)
		if (index->slots[i].position)
			rows[count++] = index->slots[i];
	qsort(rows, count, sizeof(*rows), compare_rows);
	return rows;
}

/* ---- Reviews ------------------------------------------------------------------------------ */

struct site_reviews {
	struct site_review *rows; /* dense, in no order */
	size_t count, capacity;
	struct site_index places; /* key → index in rows, plus 1; of one that left: UINT64_MAX */
	struct site_index changed; /* since the last checkpoint; position 1 */
	size_t of_site[TRIB_LIMIT_SITES + 1];
	uint32_t of_pid[1024]; /* rows by pid's low bits: whether any is worth looking for */
};

#define LEFT UINT64_MAX

struct site_reviews *site_reviews_new(void)
{
	return trib_alloc_zeroed(1, sizeof(struct site_reviews));
}

void site_reviews_free(struct site_reviews *reviews)
{
	if (!reviews)
		return;
	free(reviews->rows);
	site_index_fini(&reviews->places);
	site_index_fini(&reviews->changed);
	free(reviews);
}

size_t site_reviews_count(const struct site_reviews *reviews, uint32_t site)
{
	return reviews->of_site[site];
}

size_t site_reviews_total(const struct site_reviews *reviews)
{
	return reviews->count;
}

const struct site_review *site_reviews_find(const struct site_reviews *reviews, struct kept_key key)
{
	uint64_t place = site_index_find(&reviews->places, key);

	return place && place != LEFT ? &reviews->rows[place - 1] : NULL;
}

static uint32_t *pid_count(struct site_reviews *reviews, uint32_t pid)
{
	return &reviews->of_pid[pid % TRIB_ARRAY_SIZE(reviews->of_pid)];
}

/* Names of lines that left stay behind: once they are most, the table is made anew. */
static void tidy(struct site_reviews *reviews)
{
	if (reviews->places.count < 4096 || reviews->places.count / 2 < reviews->count)
		return;
	site_index_fini(&reviews->places);
	for (size_t i = 0; i < reviews->count; i++)
		site_index_put(&reviews->places, reviews->rows[i].key, i + 1);
}

static void leave(struct site_reviews *reviews, size_t at)
{
	const struct site_review gone = reviews->rows[at];

	reviews->of_site[gone.site]--;
	--*pid_count(reviews, gone.pid);
	site_index_put(&reviews->places, gone.key, LEFT);
	reviews->rows[at] = reviews->rows[--reviews->count];
	if (at < reviews->count)
		site_index_put(&reviews->places, reviews->rows[at].key, at + 1);
	tidy(reviews);
}

static void enter(struct site_reviews *reviews, const struct site_review *review)
{
	if (reviews->count == reviews->capacity) {
		reviews->capacity = TRIB_MAX(2 * reviews->capacity, (size_t)64);
		reviews->rows = trib_realloc(reviews->rows, reviews->capacity * sizeof(*reviews->rows));
	}
	reviews->rows[reviews->count++] = *review;
	site_index_put(&reviews->places, review->key, reviews->count);
	reviews->of_site[review->site]++;
	++*pid_count(reviews, review->pid);
}

static void put(struct site_reviews *reviews, const struct site_review *review)
{
	const struct site_review *before = site_reviews_find(reviews, review->key);

	if (before)
		leave(reviews, (size_t)(before - reviews->rows));
	if (review->look_at)
		enter(reviews, review);
}

void site_reviews_put(struct site_reviews *reviews, const struct site_review *review)
{
	if (!review->look_at && !site_reviews_find(reviews, review->key))
		return;
	put(reviews, review);
	site_index_put(&reviews->changed, review->key, 1);
}

static int compare_positions(const void *left, const void *right)
{
	const struct site_review *a = left, *b = right;

	return a->position < b->position ? -1 : a->position > b->position;
}

/* Sifts the largest of a heap of positions down. */
static void sink(struct site_review *heap, size_t count, size_t at)
{
	const struct site_review row = heap[at];

	for (size_t child; (child = 2 * at + 1) < count; at = child) {
		child += child + 1 < count && heap[child + 1].position > heap[child].position;
		if (heap[child].position <= row.position)
			break;
		heap[at] = heap[child];
	}
	heap[at] = row;
}

size_t site_reviews_page(const struct site_reviews *reviews, uint32_t site, uint64_t after, struct site_review *ret_rows,
			 size_t max)
{
	size_t count = 0;

	for (size_t i = 0; max && i < reviews->count; i++) {
		const struct site_review *row = &reviews->rows[i];

		if (row->site != site || row->position <= after)
			continue;
		if (count < max) {
			ret_rows[count++] = *row;
			for (size_t at = count == max ? count : 0; at-- > 0;)
				sink(ret_rows, count, at);
		} else if (row->position < ret_rows[0].position) {
			ret_rows[0] = *row;
			sink(ret_rows, count, 0);
		}
	}
	qsort(ret_rows, count, sizeof(*ret_rows), compare_positions);
	return count;
}

void site_reviews_clear(struct site_reviews *reviews, uint32_t pid, uint32_t bit, site_review_gone_fn *gone, void *context)
{
	if (!pid || !*pid_count(reviews, pid))
		return;
	for (size_t i = reviews->count; i-- > 0;) { /* who leaves is replaced by one that was looked at */
		struct site_review row = reviews->rows[i];

		if (row.pid != pid || !(row.look_at & bit) || !gone(context, &row))
			continue;
		row.look_at &= ~bit;
		site_reviews_put(reviews, &row);
	}
}

void site_reviews_take_changes(struct site_reviews *reviews, site_review_fn *emit, void *context)
{
	TRIB_AUTOFREE struct site_row *rows = site_index_sorted(&reviews->changed);

	for (size_t i = 0; i < reviews->changed.count; i++)
		emit(context, rows[i].key, site_reviews_find(reviews, rows[i].key));
	site_index_fini(&reviews->changed);
}

void site_review_pack(const struct site_review *review, char bytes[SITE_REVIEW_BYTES])
{
	trib_key_u32(bytes, review->site);
	trib_key_u32(bytes + 4, review->pid);
	trib_key_u32(bytes + 8, review->look_at);
	trib_key_u64(bytes + 12, review->position);
	trib_key_u64(bytes + 20, (uint64_t)review->at_ms);
}

bool site_reviews_load(struct site_reviews *reviews, struct kept_key key, struct trib_bytes row)
{
	if (row.size == 0)
		return true; /* over */
	if (row.size != SITE_REVIEW_BYTES)
		return false;
	const struct site_review review = { .key = key,
					    .site = trib_key_read_u32(row.data),
					    .pid = trib_key_read_u32(row.data + 4),
					    .look_at = trib_key_read_u32(row.data + 8),
					    .position = trib_key_read_u64(row.data + 12),
					    .at_ms = (int64_t)trib_key_read_u64(row.data + 20) };

	if (review.site > TRIB_LIMIT_SITES || !review.look_at)
		return false;
	put(reviews, &review);
	return true;
}
