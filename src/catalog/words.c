#include "catalog/words.h"

#include <pthread.h>
#include "catalog/words_build.h"
#include "catalog/words_view.h"

struct trib_words {
	struct trib_words_field fields[TRIB_LIMIT_WORDS_FIELDS];
	size_t field_count;
	uint64_t fields_digest;
	struct trib_words_builder *builder;
	uint32_t *
		touched; /* rows put or removed since the last refresh: what older segments have of them is gone */
	size_t touched_count, touched_capacity;
	pthread_mutex_t lock; /* of the pointer below */
	struct trib_words_view *view;
};

enum {
	OCCURRENCES_MAX =
		48
		<< 20, /* collected rows with more become a segment: some 800 MB while it is made */
	MERGE_AT = 8,  /* segments of about one size are merged */
};

static struct trib_words_live *live_new(const struct trib_words_segment *segment)
{
	const struct trib_words_header *header = trib_words_segment_header(segment);
	size_t size = header->regions[TRIB_WORDS_PRESENT].size;
	struct trib_words_live *live = trib_alloc(sizeof(*live) + size);

	atomic_init(&live->references, 1);
	live->rows = header->rows;
	memcpy(live->bits, trib_words_segment_present(segment), size);
	return live;
}

static void live_unref(struct trib_words_live *live)
{
	if (live && atomic_fetch_sub_explicit(&live->references, 1, memory_order_acq_rel) == 1)
		free(live);
}

struct trib_words_view *trib_words_view_new(size_t capacity)
{
	struct trib_words_view *view = trib_alloc_zeroed(
		1, sizeof(*view) + capacity * sizeof(struct trib_words_view_part));

	atomic_init(&view->references, 1);
	return view;
}

struct trib_words_view *trib_words_view_ref(struct trib_words *words)
{
	pthread_mutex_lock(&words->lock);
	struct trib_words_view *view = words->view;

	atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
	pthread_mutex_unlock(&words->lock);
	return view;
}

void trib_words_view_unref(struct trib_words_view *view)
{
	if (!view || atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < view->count; i++) {
		trib_words_segment_unref(view->parts[i].segment);
		live_unref(view->parts[i].live);
	}
	free(view);
}

/* Takes over the view; whoever holds the old one keeps it. */
static void publish(struct trib_words *words, struct trib_words_view *view)
{
	view->rows = 0;
	for (size_t i = 0; i < view->count; i++)
		view->rows += view->parts[i].live->rows;
	pthread_mutex_lock(&words->lock);
	struct trib_words_view *old = words->view;

	words->view = view;
	pthread_mutex_unlock(&words->lock);
	trib_words_view_unref(old);
}

struct trib_words *trib_words_new(const struct trib_words_field *fields, size_t field_count)
{
	struct trib_words *words = trib_alloc_zeroed(1, sizeof(*words));

	words->builder = trib_words_builder_new(fields, field_count);
	memcpy(words->fields, fields, field_count * sizeof(*fields));
	words->field_count = field_count;
	words->fields_digest = trib_words_fields_digest(fields, field_count);
	pthread_mutex_init(&words->lock, NULL);
	words->view = trib_words_view_new(0);
	return words;
}

void trib_words_free(struct trib_words *words)
{
	if (!words)
		return;
	trib_words_builder_free(words->builder);
	trib_words_view_unref(words->view);
	pthread_mutex_destroy(&words->lock);
	free(words->touched);
	free(words);
}

static void touch(struct trib_words *words, uint32_t row)
{
	if (words->touched_count == words->touched_capacity) {
		words->touched_capacity = words->touched_capacity * 2 + 256;
		words->touched = trib_realloc(words->touched,
					      words->touched_capacity * sizeof(*words->touched));
	}
	words->touched[words->touched_count++] = row;
}

void trib_words_put(struct trib_words *words, uint32_t row, const struct trib_bytes *texts)
{
	touch(words, row);
	trib_words_builder_put(words->builder, row, texts);
	if (trib_words_builder_occurrences(words->builder) > OCCURRENCES_MAX)
		trib_words_refresh(words);
}

void trib_words_remove(struct trib_words *words, uint32_t row)
{
	touch(words, row);
	trib_words_builder_remove(words->builder, row);
}

/* What a segment's rows are without the touched ones: the same, if it has none of them. NULL: none is left. */
static struct trib_words_live *live_without(const struct trib_words *words,
					    const struct trib_words_view_part *part)
{
	const struct trib_words_header *header = trib_words_segment_header(part->segment);
	struct trib_words_live *live = part->live;
	bool own = false;

	atomic_fetch_add_explicit(&live->references, 1, memory_order_relaxed);
	for (size_t i = 0; i < words->touched_count && live->rows > 0; i++) {
		uint32_t bit = words->touched[i] - header->row_first;

		if (!trib_words_live_has(live, header, words->touched[i]))
			continue;
		if (!own) {
			size_t size = header->regions[TRIB_WORDS_PRESENT].size;
			struct trib_words_live *copy = trib_alloc(sizeof(*copy) + size);

			memcpy(copy->bits, live->bits, size);
			copy->rows = live->rows;
			atomic_init(&copy->references, 1);
			live_unref(live);
			live = copy;
			own = true;
		}
		live->bits[bit / 64] &= ~((uint64_t)1 << bit % 64);
		live->rows--;
	}
	if (live->rows > 0)
		return live;
	live_unref(live);
	return NULL;
}

/* The parts from `first` on as one; none, where nothing of them lives. */
static void merge_parts(struct trib_words *words, struct trib_words_view *view, size_t first)
{
	size_t count = view->count - first;
	TRIB_AUTOFREE struct trib_words_part *parts = trib_alloc((count + 1) * sizeof(*parts));

	for (size_t i = 0; i < count; i++)
		parts[i] = (struct trib_words_part){ view->parts[first + i].segment,
						     view->parts[first + i].live->bits };
	struct trib_words_segment *merged = trib_words_merge(parts, count, words->fields_digest);

	for (size_t i = first; i < view->count; i++) {
		trib_words_segment_unref(view->parts[i].segment);
		live_unref(view->parts[i].live);
	}
	view->count = first;
	if (merged)
		view->parts[view->count++] =
			(struct trib_words_view_part){ .segment = merged,
						       .live = live_new(merged) };
}

/* Sizes stand in falling order, near enough. From the end on, as long as there are many of about one size, they become one. */
static void merge_small(struct trib_words *words, struct trib_words_view *view)
{
	for (;;) {
		size_t first = view->count, like = 0;
		uint64_t rows = 1024;

		for (; first > 0; first--) {
			uint64_t next = view->parts[first - 1].live->rows;

			if (next > rows * MERGE_AT)
				break;
			rows = TRIB_MAX(rows, next);
			like++;
		}
		if (like < MERGE_AT)
			return;
		merge_parts(words, view, first);
	}
}

void trib_words_refresh(struct trib_words *words)
{
	struct trib_words_view *old = words->view;

	if (words->touched_count == 0)
		return;
	struct trib_words_view *view = trib_words_view_new(old->count + 1);

	for (size_t i = 0; i < old->count; i++) {
		struct trib_words_live *live = live_without(words, &old->parts[i]);

		if (live)
			view->parts[view->count++] = (struct trib_words_view_part){
				.segment = trib_words_segment_ref(old->parts[i].segment),
				.live = live
			};
	}
	struct trib_words_segment *fresh = trib_words_builder_seal(words->builder);

	if (fresh)
		view->parts[view->count++] =
			(struct trib_words_view_part){ .segment = fresh, .live = live_new(fresh) };
	words->touched_count = 0;
	merge_small(words, view);
	publish(words, view);
}

static struct trib_words_view *view_copy(const struct trib_words_view *old)
{
	struct trib_words_view *view = trib_words_view_new(old->count + 1);

	for (size_t i = 0; i < old->count; i++) {
		view->parts[view->count] = old->parts[i];
		trib_words_segment_ref(old->parts[i].segment);
		atomic_fetch_add_explicit(&old->parts[i].live->references, 1, memory_order_relaxed);
		view->count++;
	}
	return view;
}

void trib_words_merge_all(struct trib_words *words)
{
	trib_words_refresh(words);
	struct trib_words_view *old = words->view;

	if (old->count == 0 ||
	    (old->count == 1 &&
	     old->parts[0].live->rows == trib_words_segment_header(old->parts[0].segment)->rows))
		return;
	struct trib_words_view *view = view_copy(old);

	merge_parts(words, view, 0);
	publish(words, view);
}

trib_status trib_words_save(struct trib_words *words, const char *folder, struct trib_error *error)
{
	trib_words_refresh(words);
	struct trib_words_view *view = view_copy(words->view);
	trib_status status = trib_words_view_save(view, folder, words->fields_digest, error);

	if (status == TRIB_OK)
		publish(words, view);
	else
		trib_words_view_unref(view);
	return status;
}

trib_status trib_words_open(struct trib_words *words, const char *folder, bool whole,
			    struct trib_error *error)
{
	struct trib_words_view *view;

	trib_assert(words->view->count == 0 && words->touched_count == 0);
	trib_status status =
		trib_words_view_open(folder, words->fields_digest, whole, &view, error);

	if (status == TRIB_OK)
		publish(words, view);
	return status;
}

struct trib_words_size trib_words_view_size(const struct trib_words_view *view)
{
	struct trib_words_size size = { .rows = view->rows, .segments = view->count };

	for (size_t i = 0; i < view->count; i++) {
		size.bytes += trib_words_segment_bytes(view->parts[i].segment).size;
		size.terms += trib_words_segment_header(view->parts[i].segment)->terms;
	}
	return size;
}

uint64_t trib_words_view_rows(const struct trib_words_view *view, uint64_t key)
{
	uint64_t rows = 0;

	for (size_t i = 0; i < view->count; i++) {
		const struct trib_words_term *term =
			trib_words_segment_find(view->parts[i].segment, key);

		rows += term ? term->rows : 0;
	}
	return rows;
}

void trib_words_view_terms(const struct trib_words_view *view,
			   bool (*take)(void *context, struct trib_bytes term, uint32_t rows),
			   void *context)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct trib_words_segment *segment = view->parts[i].segment;
		uint32_t terms = trib_words_segment_header(segment)->terms;

		for (uint32_t t = 0; t < terms; t++) {
			const struct trib_words_term *term = trib_words_segment_term(segment, t);
			struct trib_bytes text = trib_words_segment_text(segment, term);

			if (text.size && !take(context, text, term->rows))
				return;
		}
	}
}
