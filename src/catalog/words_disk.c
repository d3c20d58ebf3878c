/*
 * The word index in a folder: a file a segment, named by its digest, and the list of them, `words`:
 *
 *	magic "TRIBWSET", u32 version, u32 CRC of all that follows, u64 digest of the fields, u64 segments
 *	each: u64 digest, u64 bytes that follow (0: all its rows live), the bits of rows that live
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"
#include "catalog/words_view.h"

static const char list_magic[8] = { 'T', 'R', 'I', 'B', 'W', 'S', 'E', 'T' };

enum { LIST_VERSION = 1, LIST_CRC_FROM = 16 };

static uint64_t digest_of(const struct trib_words_segment *segment)
{
	return trib_hash_bytes(
		trib_bytes(trib_words_segment_header(segment), sizeof(struct trib_words_header)));
}

static void path_of(char *ret_path, size_t max, const char *folder, uint64_t digest)
{
	snprintf(ret_path, max, "%s/words-%016llx", folder, (unsigned long long)digest);
}

static trib_status sync_folder(const char *folder, struct trib_error *error)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;
	int why = errno;

	if (fd >= 0)
		close(fd);
	return done ? TRIB_OK
		    : trib_fail(error, TRIB_IO, folder, "cannot be made durable: %s",
				strerror(why));
}

static trib_status write_list(const char *folder, struct trib_buffer *list,
			      struct trib_error *error)
{
	char path[4096], part[4096 + 8];

	snprintf(path, sizeof(path), "%s/words", folder);
	snprintf(part, sizeof(part), "%s.part", path);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool done = fd >= 0 && write(fd, list->data, list->size) == (ssize_t)list->size &&
		    fsync(fd) == 0;
	int why = errno;

	if (fd >= 0)
		close(fd);
	if (done && rename(part, path) != 0) {
		done = false;
		why = errno;
	}
	if (done)
		return sync_folder(folder, error);
	unlink(part);
	return trib_fail(error, TRIB_IO, path, "cannot be written: %s", strerror(why));
}

/* Segments that the list no longer names; one that is mapped still stays until it is not. */
static void remove_others(const char *folder, const struct trib_words_view *view)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;

	while (entries && (entry = readdir(entries))) {
		unsigned long long digest;
		int end = 0;
		bool named = false;
		char path[4096];

		if (sscanf(entry->d_name, "words-%16llx%n", &digest, &end) != 1 ||
		    entry->d_name[end])
			continue;
		for (size_t i = 0; i < view->count; i++)
			named = named || digest_of(view->parts[i].segment) == digest;
		if (named)
			continue;
		path_of(path, sizeof(path), folder, digest);
		unlink(path);
	}
	if (entries)
		closedir(entries);
}

static void list_add(struct trib_buffer *list, const void *data, size_t size)
{
	trib_buffer_add(list, data, size);
}

static void list_part(struct trib_buffer *list, const struct trib_words_view_part *part)
{
	const struct trib_words_header *header = trib_words_segment_header(part->segment);
	uint64_t digest = digest_of(part->segment);
	uint64_t size =
		part->live->rows == header->rows ? 0 : header->regions[TRIB_WORDS_PRESENT].size;

	list_add(list, &digest, sizeof(digest));
	list_add(list, &size, sizeof(size));
	list_add(list, part->live->bits, size);
}

/* Writes the segment where no file of that name is, and goes on with the file's mapping. */
static trib_status keep_segment(const char *folder, struct trib_words_view_part *part,
				struct trib_error *error)
{
	struct trib_words_segment *mapped;
	char path[4096];
	struct stat st;

	path_of(path, sizeof(path), folder, digest_of(part->segment));
	if (stat(path, &st) == 0 &&
	    (uint64_t)st.st_size == trib_words_segment_bytes(part->segment).size)
		return TRIB_OK;
	trib_status status = trib_words_segment_write(part->segment, path, error);

	if (status == TRIB_OK)
		status = trib_words_segment_open(path, false, &mapped, error);
	if (status != TRIB_OK)
		return status;
	trib_words_segment_unref(part->segment);
	part->segment = mapped;
	return TRIB_OK;
}

trib_status trib_words_view_save(struct trib_words_view *view, const char *folder, uint64_t fields,
				 struct trib_error *error)
{
	struct trib_buffer list;
	uint32_t version = LIST_VERSION, crc = 0;
	uint64_t count = view->count;

	if (strlen(folder) > 4000)
		return trib_fail(error, TRIB_TOO_LARGE, folder, "the path is too long");
	for (size_t i = 0; i < view->count; i++) {
		trib_status status = keep_segment(folder, &view->parts[i], error);

		if (status != TRIB_OK)
			return status;
	}
	trib_buffer_init(&list, SIZE_MAX / 2);
	list_add(&list, list_magic, sizeof(list_magic));
	list_add(&list, &version, sizeof(version));
	list_add(&list, &crc, sizeof(crc));
	list_add(&list, &fields, sizeof(fields));
	list_add(&list, &count, sizeof(count));
	for (size_t i = 0; i < view->count; i++)
		list_part(&list, &view->parts[i]);
	crc = trib_crc32c(0, list.data + LIST_CRC_FROM, list.size - LIST_CRC_FROM);
	memcpy(list.data + LIST_CRC_FROM - sizeof(crc), &crc, sizeof(crc));
	trib_status status = write_list(folder, &list, error);

	trib_buffer_fini(&list);
	if (status == TRIB_OK)
		remove_others(folder, view);
	return status;
}

static trib_status read_list(const char *path, struct trib_buffer *list, struct trib_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;

	if (fd < 0)
		return trib_fail(error, errno == ENOENT ? TRIB_NOT_FOUND : TRIB_IO, path,
				 "cannot be opened: %s", strerror(errno));
	while (got > 0) {
		char *to = trib_buffer_reserve(list, 1 << 20);

		got = to ? read(fd, to, 1 << 20) : -1;
		list->size += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	return got == 0 ? TRIB_OK : trib_fail(error, TRIB_IO, path, "cannot be read");
}

static bool take(struct trib_bytes *rest, void *ret_value, size_t size)
{
	if (rest->size < size)
		return false;
	memcpy(ret_value, rest->data, size);
	*rest = trib_bytes(rest->data + size, rest->size - size);
	return true;
}

/* The rows that live are some of those the segment has. */
static struct trib_words_live *live_of(const struct trib_words_segment *segment, const void *bits,
				       size_t size)
{
	const uint64_t *present = trib_words_segment_present(segment);
	size_t all = trib_words_segment_header(segment)->regions[TRIB_WORDS_PRESENT].size;
	struct trib_words_live *live = trib_alloc(sizeof(*live) + all);

	atomic_init(&live->references, 1);
	live->rows = 0;
	memcpy(live->bits, size ? bits : present, all);
	for (size_t i = 0; i < all / 8; i++) {
		live->bits[i] &= present[i];
		live->rows += (uint32_t)__builtin_popcountll(live->bits[i]);
	}
	return live;
}

struct opening {
	const char *folder, *list;
	uint64_t fields;
	bool whole;
};

static trib_status open_part(const struct opening *opening, struct trib_bytes *rest,
			     struct trib_words_view *view, struct trib_error *error)
{
	struct trib_words_segment *segment;
	uint64_t digest, size;
	char path[4096];

	if (!take(rest, &digest, sizeof(digest)) || !take(rest, &size, sizeof(size)) ||
	    size > rest->size)
		return trib_fail(error, TRIB_CORRUPT, opening->list,
				 "it ends before its last segment");
	path_of(path, sizeof(path), opening->folder, digest);
	trib_status status = trib_words_segment_open(path, opening->whole, &segment, error);

	if (status != TRIB_OK)
		return status == TRIB_NOT_FOUND
			       ? trib_fail(error, TRIB_CORRUPT, path, "the file is missing")
			       : status;
	const struct trib_words_header *header = trib_words_segment_header(segment);

	if (digest_of(segment) != digest ||
	    (size && size != header->regions[TRIB_WORDS_PRESENT].size))
		status = trib_fail(error, TRIB_CORRUPT, path,
				   "it is not the segment that `words` names");
	else if (header->fields != opening->fields)
		status = trib_fail(error, TRIB_UNSUPPORTED, path,
				   "it was made with other fields or weights; build it again");
	if (status != TRIB_OK) {
		trib_words_segment_unref(segment);
		return status;
	}
	view->parts[view->count++] =
		(struct trib_words_view_part){ .segment = segment,
					       .live = live_of(segment, rest->data, size) };
	*rest = trib_bytes(rest->data + size, rest->size - size);
	return TRIB_OK;
}

static trib_status check_list(struct trib_bytes list, const struct opening *opening,
			      uint64_t *ret_count, struct trib_error *error)
{
	uint32_t version, crc;
	uint64_t fields;
	struct trib_bytes rest =
		trib_bytes(list.data + sizeof(list_magic), list.size - sizeof(list_magic));

	if (list.size < sizeof(list_magic) ||
	    memcmp(list.data, list_magic, sizeof(list_magic)) != 0 ||
	    !take(&rest, &version, sizeof(version)) || version != LIST_VERSION ||
	    !take(&rest, &crc, sizeof(crc)))
		return trib_fail(error, TRIB_CORRUPT, opening->list,
				 "found other bytes, expected a list of segments, version 1");
	if (trib_crc32c(0, rest.data, rest.size) != crc || !take(&rest, &fields, sizeof(fields)) ||
	    !take(&rest, ret_count, sizeof(*ret_count)) || *ret_count > rest.size / 16)
		return trib_fail(error, TRIB_CORRUPT, opening->list, "it is not what was written");
	return TRIB_OK;
}

trib_status trib_words_view_open(const char *folder, uint64_t fields, bool whole,
				 struct trib_words_view **ret_view, struct trib_error *error)
{
	char path[4096];
	struct opening opening = {
		.folder = folder, .list = path, .fields = fields, .whole = whole
	};
	struct trib_buffer list;
	uint64_t count = 0;

	if (strlen(folder) > 4000)
		return trib_fail(error, TRIB_TOO_LARGE, folder, "the path is too long");
	snprintf(path, sizeof(path), "%s/words", folder);
	trib_buffer_init(&list, SIZE_MAX / 2);
	trib_status status = read_list(path, &list, error);

	if (status == TRIB_OK)
		status = check_list(trib_buffer_bytes(&list), &opening, &count, error);
	if (status == TRIB_OK) {
		struct trib_bytes rest = trib_bytes(list.data + 32, list.size - 32);
		struct trib_words_view *view = trib_words_view_new(count);

		for (uint64_t i = 0; i < count && status == TRIB_OK; i++)
			status = open_part(&opening, &rest, view, error);
		if (status == TRIB_OK)
			*ret_view = view;
		else
			trib_words_view_unref(view);
	}
	trib_buffer_fini(&list);
	return status;
}
