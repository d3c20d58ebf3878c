#include "engine/lines.h"

#include <stdlib.h>
#include <string.h>
#include "base/macros.h"

enum { FIRST_CAPACITY = 256 };

static uint32_t *head_of(const struct line_log *log, uint64_t order)
{
	return &log->heads[order & (log->capacity - 1)];
}

static void grow(struct line_log *log)
{
	log->capacity = log->capacity ? 2 * log->capacity : FIRST_CAPACITY;
	log->entries = trib_realloc(log->entries, log->capacity * sizeof(*log->entries));
	free(log->heads);
	log->heads = trib_alloc_zeroed(log->capacity, sizeof(*log->heads));
	for (uint32_t i = 0; i < log->count; i++) {
		uint32_t *head = head_of(log, log->entries[i].order);

		log->entries[i].chain = *head;
		*head = i + 1;
	}
}

void line_log_add(struct line_log *log, uint64_t order, uint64_t position)
{
	if (log->count == log->capacity)
		grow(log);
	uint32_t *head = head_of(log, order);

	log->entries[log->count] = (struct line_entry){ order, position, *head };
	*head = ++log->count;
}

bool line_log_next(const struct line_log *log, uint64_t order, uint32_t *cursor, uint64_t *ret_position)
{
	uint32_t at = !log->count ? 0 : *cursor ? log->entries[*cursor - 1].chain : *head_of(log, order);

	while (at && log->entries[at - 1].order != order)
		at = log->entries[at - 1].chain;
	if (!at)
		return false;
	*cursor = at;
	*ret_position = log->entries[at - 1].position;
	return true;
}

static int compare_entries(const void *left, const void *right)
{
	const struct line_entry *a = left, *b = right;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->position < b->position ? -1 : a->position > b->position;
}

struct line_entry *line_log_sorted(const struct line_log *log)
{
	struct line_entry *sorted = trib_alloc((log->count + 1) * sizeof(*sorted));

	if (log->count) {
		memcpy(sorted, log->entries, log->count * sizeof(*sorted));
		qsort(sorted, log->count, sizeof(*sorted), compare_entries);
	}
	return sorted;
}

void line_log_fini(struct line_log *log)
{
	free(log->entries);
	free(log->heads);
	*log = (struct line_log){ 0 };
}
