/* As engine/kept.h says: chains by fingerprint, and a list from the entry that was put first to the one put last. */
#include "engine/kept.h"

#include "base/hash.h"
#include "base/limits.h"

enum { BUCKETS_FIRST = 1024, NONE = 0 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* Numbered from 1. A free one is chained by `chain`. */
struct entry {
	struct kept_key key;
	int64_t at_ms;
	char *body;
	size_t size;
	uint32_t chain, older, newer;
};

struct kept {
	struct entry *entries;
	uint32_t *buckets;
	uint32_t bucket_mask, capacity, used, free, oldest, newest;
	size_t count, bytes;
	struct kept_key *changed;
	size_t n_changed, changed_capacity;
};

struct kept *kept_new(void)
{
	struct kept *kept = trib_alloc_zeroed(1, sizeof(*kept));

	kept->bucket_mask = BUCKETS_FIRST - 1;
	kept->buckets = trib_alloc_zeroed(BUCKETS_FIRST, sizeof(*kept->buckets));
	kept->used = 1;
	return kept;
}

void kept_free(struct kept *kept)
{
	if (!kept)
		return;
	for (uint32_t i = kept->oldest; i; i = kept->entries[i].newer)
		free(kept->entries[i].body);
	free(kept->entries);
	free(kept->buckets);
	free(kept->changed);
	free(kept);
}

struct kept_key kept_key(struct trib_bytes order, uint64_t fingerprint)
{
	return (struct kept_key){ fingerprint, trib_hash_bytes(order) };
}

static uint32_t *bucket_of(const struct kept *kept, struct kept_key key)
{
	return &kept->buckets[key.fingerprint & kept->bucket_mask];
}

static uint32_t find(const struct kept *kept, struct kept_key key)
{
	uint32_t i = *bucket_of(kept, key);

	while (i && (kept->entries[i].key.fingerprint != key.fingerprint || kept->entries[i].key.hash != key.hash))
		i = kept->entries[i].chain;
	return i;
}

static bool too_old(const struct entry *entry, int64_t now_ms)
{
	return now_ms - entry->at_ms > TRIB_LIMIT_KEPT_DAYS * DAY_MS;
}

bool kept_find(const struct kept *kept, struct kept_key key, int64_t now_ms, struct trib_bytes *ret_body)
{
	uint32_t i = kept->count ? find(kept, key) : NONE;

	if (!i || too_old(&kept->entries[i], now_ms))
		return false;
	*ret_body = trib_bytes(kept->entries[i].body, kept->entries[i].size);
	return true;
}

int64_t kept_since(const struct kept *kept, struct kept_key key)
{
	return kept->entries[find(kept, key)].at_ms;
}

bool kept_has_room(const struct kept *kept, size_t size)
{
	return kept->count < TRIB_LIMIT_KEPT_ORDERS && kept->bytes + size <= TRIB_LIMIT_KEPT_BYTES;
}

size_t kept_count(const struct kept *kept)
{
	return kept->count;
}

static void note_changed(struct kept *kept, struct kept_key key)
{
	if (kept->n_changed == kept->changed_capacity) {
		kept->changed_capacity = kept->changed_capacity ? 2 * kept->changed_capacity : 64;
		kept->changed = trib_realloc(kept->changed, kept->changed_capacity * sizeof(*kept->changed));
	}
	kept->changed[kept->n_changed++] = key;
}

static void unlink_entry(struct kept *kept, uint32_t i)
{
	struct entry *entry = &kept->entries[i];
	uint32_t *link = bucket_of(kept, entry->key);

	while (*link != i)
		link = &kept->entries[*link].chain;
	*link = entry->chain;
	*(entry->older ? &kept->entries[entry->older].newer : &kept->oldest) = entry->newer;
	*(entry->newer ? &kept->entries[entry->newer].older : &kept->newest) = entry->older;
	kept->bytes -= entry->size;
	kept->count--;
	note_changed(kept, entry->key);
	free(entry->body);
	*entry = (struct entry){ .chain = kept->free };
	kept->free = i;
}

bool kept_remove(struct kept *kept, struct kept_key key)
{
	uint32_t i = kept->count ? find(kept, key) : NONE;

	if (i)
		unlink_entry(kept, i);
	return i != NONE;
}

static void grow_buckets(struct kept *kept)
{
	if (kept->count <= kept->bucket_mask)
		return;
	free(kept->buckets);
	kept->bucket_mask = 2 * kept->bucket_mask + 1;
	kept->buckets = trib_alloc_zeroed((size_t)kept->bucket_mask + 1, sizeof(*kept->buckets));
	for (uint32_t i = kept->oldest; i; i = kept->entries[i].newer) {
		uint32_t *bucket = bucket_of(kept, kept->entries[i].key);

		kept->entries[i].chain = *bucket;
		*bucket = i;
	}
}

static uint32_t take_entry(struct kept *kept)
{
	uint32_t i = kept->free;

	if (i) {
		kept->free = kept->entries[i].chain;
		return i;
	}
	if (kept->used >= kept->capacity) {
		kept->capacity = kept->capacity ? 2 * kept->capacity : 64;
		kept->entries = trib_realloc(kept->entries, kept->capacity * sizeof(*kept->entries));
	}
	return kept->used++;
}

void kept_put(struct kept *kept, struct kept_key key, int64_t now_ms, struct trib_bytes body)
{
	char *copy = trib_alloc(body.size);

	/* The body may be the entry's own. */
	memcpy(copy, body.data, body.size);
	kept_remove(kept, key);
	while (kept->oldest && too_old(&kept->entries[kept->oldest], now_ms))
		unlink_entry(kept, kept->oldest);
	uint32_t i = take_entry(kept), *bucket = bucket_of(kept, key);

	kept->entries[i] = (struct entry){ .key = key, .at_ms = now_ms, .body = copy, .size = body.size,
					   .chain = *bucket, .older = kept->newest };
	*bucket = i;
	*(kept->newest ? &kept->entries[kept->newest].newer : &kept->oldest) = i;
	kept->newest = i;
	kept->bytes += body.size;
	kept->count++;
	note_changed(kept, key);
	grow_buckets(kept);
}

static int compare_keys(const void *left, const void *right)
{
	const struct kept_key *a = left, *b = right;

	if (a->fingerprint != b->fingerprint)
		return a->fingerprint < b->fingerprint ? -1 : 1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

struct kept_key *kept_take_changed(struct kept *kept, size_t *ret_count)
{
	struct kept_key *keys = TRIB_TAKE_PTR(kept->changed);
	size_t n = 0;

	if (kept->n_changed)
		qsort(keys, kept->n_changed, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < kept->n_changed; i++)
		if (!n || compare_keys(&keys[n - 1], &keys[i]) != 0)
			keys[n++] = keys[i];
	kept->n_changed = kept->changed_capacity = 0;
	*ret_count = n;
	return keys;
}
