#include "journal/recovery.h"

#include <errno.h>
#include <limits.h>
#include "journal/window.h"

enum { SCAN_STEP = 1 << 20 };

struct segment_list {
	uint32_t *numbers;
	size_t count, capacity;
};

static bool add_segment(void *context, const char *name)
{
	struct segment_list *list = context;
	uint32_t segment;

	if (!trib_segment_name_parse(name, &segment))
		return true;
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? 2 * list->capacity : 64;
		list->numbers =
			trib_realloc(list->numbers, list->capacity * sizeof(list->numbers[0]));
	}
	list->numbers[list->count++] = segment;
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static trib_status list_segments(struct trib_disk *disk, const char *folder,
				 struct segment_list *list, struct trib_error *error)
{
	int failed = disk->list(disk, folder, add_segment, list);

	if (failed && failed != ENOENT)
		return trib_fail(error, TRIB_IO, folder, "found %s, expected to list it",
				 strerror(failed));
	if (list->count > 1)
		qsort(list->numbers, list->count, sizeof(list->numbers[0]), by_number);
	for (size_t i = 1; i < list->count; i++) {
		char name[TRIB_SEGMENT_NAME_MAX];

		if (list->numbers[i] == list->numbers[i - 1] + 1)
			continue;
		trib_segment_name(list->numbers[i - 1] + 1, name);
		return trib_fail(error, TRIB_CORRUPT, name,
				 "found no such file, expected it between segments %u and %u",
				 list->numbers[i - 1], list->numbers[i]);
	}
	return TRIB_OK;
}

static trib_status read_segment_head(struct trib_disk *disk, const char *folder, uint32_t segment,
				     char block[TRIB_DISK_BLOCK], uint64_t *ret_size,
				     struct trib_error *error)
{
	char name[TRIB_SEGMENT_NAME_MAX], path[PATH_MAX];
	struct trib_disk_file *file;
	size_t got = 0;

	trib_segment_name(segment, name);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	int failed = disk->open(disk, path, 0, &file);

	if (!failed) {
		failed = disk->size(disk, file, ret_size);
		if (!failed)
			failed = disk->pread(disk, file, block, TRIB_DISK_BLOCK, 0, &got);
		disk->close(disk, file);
	}
	if (failed)
		return trib_fail(error, TRIB_IO, name, "found %s, expected to read it",
				 strerror(failed));
	if (got < TRIB_DISK_BLOCK)
		return trib_fail(error, TRIB_CORRUPT, name, "found %zu bytes, expected a segment",
				 got);
	return TRIB_OK;
}

/* Every file must be a whole segment of this engine's log; the first one read says of which. */
static trib_status check_segment(struct trib_disk *disk, const char *folder, uint32_t segment,
				 struct trib_recovery *recovery, struct trib_error *error)
{
	char name[TRIB_SEGMENT_NAME_MAX], block[TRIB_DISK_BLOCK];
	struct trib_segment_layout layout, *known = &recovery->layout;
	uint32_t number;
	uint64_t size;
	trib_status status = read_segment_head(disk, folder, segment, block, &size, error);

	trib_segment_name(segment, name);
	if (status == TRIB_OK)
		status = trib_segment_header_read(block, name, &layout, &number, error);
	if (status != TRIB_OK)
		return status;
	if (layout.engine != known->engine)
		return trib_fail(error, TRIB_CORRUPT, name,
				 "found a segment of engine %u, expected engine %u", layout.engine,
				 known->engine);
	if (number != segment)
		return trib_fail(error, TRIB_CORRUPT, name,
				 "found segment %u in this file, expected %u", number, segment);
	if (recovery->first_segment == 0) {
		*known = layout;
		recovery->first_segment = segment;
	}
	if (layout.journal != known->journal || layout.segment_bytes != known->segment_bytes ||
	    layout.record_max != known->record_max)
		return trib_fail(error, TRIB_CORRUPT, name,
				 "found a segment of another log, expected that of segment %u",
				 recovery->first_segment);
	if (size != layout.segment_bytes)
		return trib_fail(error, TRIB_CORRUPT, name, "found %llu bytes, expected %llu",
				 (unsigned long long)size,
				 (unsigned long long)layout.segment_bytes);
	recovery->last_segment = segment;
	return TRIB_OK;
}

struct scan {
	struct trib_recovery *recovery;
	struct trib_window window;
	bool previous_known, epoch_known;
};

static uint64_t segment_start(const struct scan *scan, uint32_t segment)
{
	return trib_address(&scan->recovery->layout, segment, TRIB_SEGMENT_DATA);
}

/* The segment from which to walk: see the header. 0 where no segment begins with a whole record. */
static trib_status find_start(struct scan *scan, uint32_t *ret_segment, struct trib_error *error)
{
	const struct trib_recovery *recovery = scan->recovery;

	for (uint32_t segment = recovery->last_segment; segment >= recovery->first_segment;
	     segment--) {
		struct trib_record_header header;
		const char *record;
		trib_status status = trib_window_record(&scan->window, segment_start(scan, segment),
							UINT64_MAX, &record, &header, error);

		if (status != TRIB_OK)
			return status;
		if (!record)
			continue;
		uint32_t sure =
			TRIB_MIN(trib_address_segment(&recovery->layout, header.durable), segment);

		*ret_segment = TRIB_MAX(recovery->first_segment, sure > 0 ? sure - 1 : 0);
		return TRIB_OK;
	}
	*ret_segment = 0;
	return TRIB_OK;
}

static trib_status check_link(const struct scan *scan, uint64_t address,
			      const struct trib_record_header *header, struct trib_error *error)
{
	const struct trib_recovery *recovery = scan->recovery;
	const char *at = trib_address_text(&recovery->layout, address);

	if (scan->previous_known && header->previous != recovery->previous)
		return trib_fail(
			error, TRIB_CORRUPT, at,
			"found a record that follows one of checksum 0x%08x, expected 0x%08x",
			header->previous, recovery->previous);
	if (header->kind < TRIB_RECORD_BATCH || header->kind > TRIB_RECORD_CLOSE)
		return trib_fail(error, TRIB_CORRUPT, at,
				 "found a record of kind %u, expected 1 to 3", header->kind);
	bool fits = header->kind == TRIB_RECORD_OPEN ? header->epoch > recovery->epoch
						     : header->epoch == recovery->epoch;

	if (scan->epoch_known && !fits)
		return trib_fail(error, TRIB_CORRUPT, at,
				 "found a record of epoch %u (kind %u), expected epoch %u to go on "
				 "or a later one to open",
				 header->epoch, header->kind, recovery->epoch);
	if (header->durable > address)
		return trib_fail(
			error, TRIB_CORRUPT, at,
			"found a record that calls %s durable, expected nothing behind itself",
			trib_address_text(&recovery->layout, header->durable));
	return TRIB_OK;
}

/* Follows the chain from `start` to the first address without a whole record. */
static trib_status walk(struct scan *scan, uint64_t start, struct trib_error *error)
{
	struct trib_recovery *recovery = scan->recovery;

	recovery->end = start;
	recovery->durable = start;
	while (trib_address_segment(&recovery->layout, recovery->end) <= recovery->last_segment) {
		struct trib_record_header header;
		const char *record;
		trib_status status = trib_window_record(&scan->window, recovery->end, UINT64_MAX,
							&record, &header, error);

		if (status == TRIB_OK && record)
			status = check_link(scan, recovery->end, &header, error);
		if (status != TRIB_OK || !record)
			return status;
		recovery->previous = header.checksum;
		recovery->epoch = header.epoch;
		recovery->durable = header.durable;
		recovery->flags = header.flags;
		scan->previous_known = scan->epoch_known = true;
		recovery->end = trib_address_mark(&recovery->layout,
						  recovery->end + trib_record_bytes(header.length));
	}
	return TRIB_OK;
}

static bool is_zero(const char *block)
{
	return block[0] == 0 && memcmp(block, block + 1, TRIB_DISK_BLOCK - 1) == 0;
}

/* One block behind the end that is not zero. */
static trib_status judge(struct scan *scan, uint64_t address, struct trib_error *error)
{
	struct trib_recovery *recovery = scan->recovery;
	const struct trib_segment_layout *layout = &recovery->layout;
	struct trib_record_header header;
	const char *record;
	trib_status status =
		trib_window_record(&scan->window, address, UINT64_MAX, &record, &header, error);

	if (status != TRIB_OK)
		return status;
	if (record && address > recovery->end && header.durable > recovery->end)
		return trib_fail(
			error, TRIB_CORRUPT, trib_address_text(layout, recovery->end),
			"found no whole record, but one behind it at %s, written when this one was "
			"durable; expected a chain without gaps",
			trib_address_text(layout, address));
	if (!(recovery->flags & TRIB_RECORD_RELAXED) &&
	    address >= recovery->end + layout->record_max)
		return trib_fail(error, TRIB_CORRUPT, trib_address_text(layout, address),
				 "found bytes, expected zeros: the log ends at %s and nothing "
				 "longer than %u was in flight",
				 trib_address_text(layout, recovery->end), layout->record_max);
	if (trib_address_segment(layout, address) == trib_address_segment(layout, recovery->end))
		recovery->cut_bytes = address + TRIB_DISK_BLOCK - recovery->end;
	else
		recovery->drop_later = true;
	return TRIB_OK;
}

/* Looks at every block from the end of the chain to the end of the files. */
static trib_status look_behind(struct scan *scan, struct trib_error *error)
{
	const struct trib_recovery *recovery = scan->recovery;
	const struct trib_segment_layout *layout = &recovery->layout;
	uint64_t address = recovery->end;

	while (trib_address_segment(layout, address) <= recovery->last_segment) {
		const char *block;
		trib_status status = trib_window_bytes(&scan->window, address, TRIB_DISK_BLOCK,
						       UINT64_MAX, &block, error);

		if (status == TRIB_OK && !is_zero(block))
			status = judge(scan, address, error);
		if (status != TRIB_OK)
			return status;
		address += TRIB_DISK_BLOCK;
		if (trib_address_offset(layout, address) == 0)
			address += TRIB_SEGMENT_DATA;
	}
	return TRIB_OK;
}

static trib_status scan_log(struct scan *scan, struct trib_error *error)
{
	struct trib_recovery *recovery = scan->recovery;
	uint32_t start = 0;
	trib_status status = find_start(scan, &start, error);

	if (status != TRIB_OK)
		return status;
	recovery->first = segment_start(scan, recovery->first_segment);
	if (start == 0 && recovery->first_segment != 1)
		return trib_fail(
			error, TRIB_CORRUPT, trib_address_text(&recovery->layout, recovery->first),
			"found no whole record in any segment, expected one to begin this one");
	/* Only the very first record has no predecessor. */
	scan->previous_known = scan->epoch_known = start <= 1;
	status = walk(scan, segment_start(scan, start ? start : 1), error);
	if (status != TRIB_OK)
		return status;
	return look_behind(scan, error);
}

trib_status trib_recover(struct trib_disk *disk, const char *folder, uint16_t engine,
			 struct trib_recovery *ret_recovery, struct trib_error *error)
{
	struct trib_recovery recovery = { .layout.engine = engine };
	struct scan scan = { .recovery = &recovery };
	struct segment_list list = { 0 };
	trib_status status = list_segments(disk, folder, &list, error);

	for (size_t i = 0; i < list.count && status == TRIB_OK; i++)
		status = check_segment(disk, folder, list.numbers[i], &recovery, error);
	if (status == TRIB_OK && list.count > 0) {
		trib_window_init(&scan.window, disk, folder, &recovery.layout, SCAN_STEP);
		status = scan_log(&scan, error);
		trib_window_fini(&scan.window);
	}
	free(list.numbers);
	if (status == TRIB_OK)
		*ret_recovery = recovery;
	return status;
}
