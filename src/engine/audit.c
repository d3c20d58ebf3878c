#include "engine/audit.h"

enum { KEPT = 1024 }; /* though the store has them */

struct entry {
	char *data;
	size_t size;
};

struct audit {
	struct entry *entries; /* entries[0] is number first */
	size_t count, capacity;
	uint64_t first, frozen, stored;
};

struct audit *audit_new(void)
{
	struct audit *audit = trib_alloc_zeroed(1, sizeof(*audit));

	audit->first = 1;
	return audit;
}

void audit_free(struct audit *audit)
{
	if (!audit)
		return;
	for (size_t i = 0; i < audit->count; i++)
		free(audit->entries[i].data);
	free(audit->entries);
	free(audit);
}

void audit_begin(struct audit *audit, uint64_t last)
{
	trib_assert(audit->count == 0);
	audit->first = last + 1;
	audit->frozen = audit->stored = last;
}

uint64_t audit_last(const struct audit *audit)
{
	return audit->first + audit->count - 1;
}

void audit_add(struct audit *audit, struct trib_bytes bytes)
{
	if (audit->count == audit->capacity) {
		audit->capacity = audit->capacity ? audit->capacity * 2 : 256;
		audit->entries = trib_realloc(audit->entries, audit->capacity * sizeof(*audit->entries));
	}
	struct entry *entry = &audit->entries[audit->count++];

	entry->data = trib_alloc(bytes.size + 1);
	entry->size = bytes.size;
	if (bytes.size)
		memcpy(entry->data, bytes.data, bytes.size);
}

bool audit_find(const struct audit *audit, uint64_t number, struct trib_bytes *ret_bytes)
{
	if (number < audit->first || number > audit_last(audit))
		return false;
	*ret_bytes = trib_bytes(audit->entries[number - audit->first].data, audit->entries[number - audit->first].size);
	return true;
}

void audit_freeze(struct audit *audit, audit_row_fn *add, void *context)
{
	struct trib_bytes bytes;

	for (uint64_t number = TRIB_MAX(audit->frozen + 1, audit->first); audit_find(audit, number, &bytes); number++)
		add(context, number, bytes);
	audit->frozen = audit_last(audit);
}

void audit_frozen_is_stored(struct audit *audit)
{
	uint64_t last = audit_last(audit);
	size_t gone = 0;

	audit->stored = audit->frozen;
	while (audit->first + gone <= audit->stored && audit->first + gone + KEPT <= last)
		free(audit->entries[gone++].data);
	audit->count -= gone;
	audit->first += gone;
	if (gone)
		memmove(audit->entries, audit->entries + gone, audit->count * sizeof(*audit->entries));
}
