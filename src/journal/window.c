#include "journal/window.h"

#include <errno.h>
#include <limits.h>

void trib_window_init(struct trib_window *window, struct trib_disk *disk, const char *folder,
		      const struct trib_segment_layout *layout, uint64_t step)
{
	*window = (struct trib_window){
		.disk = disk, .folder = folder, .layout = layout, .step = trib_blocks_up(step)
	};
}

void trib_window_fini(struct trib_window *window)
{
	if (window->file)
		window->disk->close(window->disk, window->file);
	free(window->data);
	*window = (struct trib_window){ 0 };
}

void trib_window_forget(struct trib_window *window)
{
	if (window->file)
		window->disk->close(window->disk, window->file);
	window->file = NULL;
	window->segment = 0;
	window->size = 0;
}

static trib_status open_segment(struct trib_window *window, uint32_t segment,
				struct trib_error *error)
{
	char name[TRIB_SEGMENT_NAME_MAX], path[PATH_MAX];

	if (window->segment == segment)
		return TRIB_OK;
	trib_window_forget(window);
	trib_segment_name(segment, name);
	snprintf(path, sizeof(path), "%s/%s", window->folder, name);
	int failed = window->disk->open(window->disk, path, 0, &window->file);

	if (failed)
		return trib_fail(error, failed == ENOENT ? TRIB_NOT_FOUND : TRIB_IO, path,
				 "found %s, expected to open it", strerror(failed));
	window->segment = segment;
	return TRIB_OK;
}

static trib_status fill(struct trib_window *window, uint64_t address, size_t size, uint64_t limit,
			struct trib_error *error)
{
	const struct trib_segment_layout *layout = window->layout;
	uint64_t offset = trib_address_offset(layout, address);
	uint64_t wanted = TRIB_MAX(size, window->step);
	size_t got;

	if (address < limit)
		wanted = TRIB_MAX(size, TRIB_MIN(wanted, limit - address));
	else
		wanted = size;
	wanted = TRIB_MIN(wanted, layout->segment_bytes - offset);
	if (window->capacity < wanted) {
		free(window->data);
		window->capacity = TRIB_MAX(wanted, window->step);
		window->data = trib_alloc(window->capacity);
	}
	window->size = 0;
	int failed =
		window->disk->pread(window->disk, window->file, window->data, wanted, offset, &got);

	if (failed)
		return trib_fail(error, TRIB_IO, trib_address_text(layout, address),
				 "found %s, expected to read %llu bytes", strerror(failed),
				 (unsigned long long)wanted);
	if (got < size)
		return trib_fail(error, TRIB_CORRUPT, trib_address_text(layout, address + got),
				 "found the end of the file, expected %llu bytes to a segment",
				 (unsigned long long)layout->segment_bytes);
	window->start = address;
	window->size = got;
	return TRIB_OK;
}

trib_status trib_window_bytes(struct trib_window *window, uint64_t address, size_t size,
			      uint64_t limit, const char **ret_bytes, struct trib_error *error)
{
	if (address < window->start || address + size > window->start + window->size) {
		trib_status status =
			open_segment(window, trib_address_segment(window->layout, address), error);

		if (status == TRIB_OK)
			status = fill(window, address, size, limit, error);
		if (status != TRIB_OK)
			return status;
	}
	*ret_bytes = window->data + (address - window->start);
	/* What lies beyond the limit may be written yet. */
	if (window->start + window->size > limit)
		window->size = limit > window->start ? limit - window->start : 0;
	return TRIB_OK;
}

trib_status trib_window_record(struct trib_window *window, uint64_t address, uint64_t limit,
			       const char **ret_record, struct trib_record_header *ret_header,
			       struct trib_error *error)
{
	struct trib_record_header header;
	const char *record;
	trib_status status =
		trib_window_bytes(window, address, sizeof(header), limit, &record, error);

	if (status != TRIB_OK)
		return status;
	memcpy(&header, record, sizeof(header));
	if (!trib_record_plausible(window->layout, address, &header)) {
		*ret_record = NULL;
		return TRIB_OK;
	}
	status = trib_window_bytes(window, address, trib_record_bytes(header.length), limit,
				   &record, error);
	if (status != TRIB_OK)
		return status;
	/* Read once more: the first look may have been at other bytes. */
	memcpy(ret_header, record, sizeof(header));
	bool whole = trib_record_plausible(window->layout, address, ret_header) &&
		     ret_header->length == header.length && trib_record_whole(record);

	*ret_record = whole ? record : NULL;
	return TRIB_OK;
}

void trib_window_prefetch(struct trib_window *window, uint64_t address, size_t size)
{
	struct trib_disk *disk = window->disk;

	if (open_segment(window, trib_address_segment(window->layout, address), NULL) == TRIB_OK)
		disk->prefetch(disk, window->file, trib_address_offset(window->layout, address),
			       size);
}
