/*
 * Order lines of third-party sites: where the newest row of each stands in the journal, as far as the store does not say
 * so, and which of them somebody should look at. Knows nothing of the engine.
 *
 *	site_index_put(index, key, position);              // a row came
 *	position = site_index_find(index, key);            // 0: ask the checkpoint's, then the store
 *
 *	site_reviews_put(reviews, &(struct site_review){ .key = key, .position = position, .look_at = bits … });
 *	n = site_reviews_page(reviews, site, after, rows, 100);      // the oldest first
 *
 * A review whose look_at is 0 is over and leaves. A line is named by 128 bits of keyed hash (kept.h). One thread.
 */
#ifndef TRIB_ENGINE_SITE_ROWS_H
#define TRIB_ENGINE_SITE_ROWS_H

#include "base/bytes.h"
#include "engine/kept.h"

struct site_row {
	struct kept_key key;
	uint64_t position;
};

/* ---- The index ---------------------------------------------------------------------------- */

struct site_index {
	struct site_row *slots; /* open addressing; position 0: free */
	size_t count, mask;	/* NULL slots: nothing */
};

void site_index_fini(struct site_index *index);
void site_index_put(struct site_index *index, struct kept_key key, uint64_t position);
uint64_t site_index_find(const struct site_index *index, struct kept_key key);
/* Its rows by key, for the caller to free. */
struct site_row *site_index_sorted(const struct site_index *index);

/* ---- Reviews ------------------------------------------------------------------------------ */

struct site_review {
	struct kept_key key;
	uint64_t position; /* of the line's newest row */
	int64_t at_ms;	   /* of the order */
	uint32_t site, pid; /* numbers; pid 0: it states none */
	uint32_t look_at;  /* bits */
};

struct site_reviews;

struct site_reviews *site_reviews_new(void);
void site_reviews_free(struct site_reviews *reviews);

size_t site_reviews_count(const struct site_reviews *reviews, uint32_t site);
size_t site_reviews_total(const struct site_reviews *reviews);
/* NULL: nobody has to look at the line. Good until the next put. */
const struct site_review *site_reviews_find(const struct site_reviews *reviews, struct kept_key key);
void site_reviews_put(struct site_reviews *reviews, const struct site_review *review);

/* At most `max` of a site behind a position, by position; how many there were. */
size_t site_reviews_page(const struct site_reviews *reviews, uint32_t site, uint64_t after, struct site_review *ret_rows,
			 size_t max);

/* Takes `bit` away from reviews of the pid for which `gone` says so. */
typedef bool site_review_gone_fn(void *context, const struct site_review *review);
void site_reviews_clear(struct site_reviews *reviews, uint32_t pid, uint32_t bit, site_review_gone_fn *gone, void *context);

/* Checkpoints: what changed since the last call, each once; NULL: it is over. */
typedef void site_review_fn(void *context, struct kept_key key, const struct site_review *review);
void site_reviews_take_changes(struct site_reviews *reviews, site_review_fn *emit, void *context);

/* A row of the store, and back; false: it is none. */
enum { SITE_REVIEW_BYTES = 28 };
void site_review_pack(const struct site_review *review, char bytes[SITE_REVIEW_BYTES]);
bool site_reviews_load(struct site_reviews *reviews, struct kept_key key, struct trib_bytes row);

#endif
