#include "catalog/words_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/mapping.h"
#include "catalog/words_analysis.h"

struct trib_words_segment {
	atomic_uint references;
	const struct trib_words_header *header;
	struct trib_bytes bytes;
	struct trib_column image; /* one of the two holds the bytes, or neither */
	bool mapped;
};

static struct trib_words_segment *segment_new(struct trib_bytes bytes)
{
	struct trib_words_segment *segment = trib_alloc_zeroed(1, sizeof(*segment));

	atomic_init(&segment->references, 1);
	segment->bytes = bytes;
	segment->header = (const void *)bytes.data;
	return segment;
}

struct trib_words_segment *trib_words_segment_of_image(struct trib_column *image, size_t size)
{
	struct trib_words_segment *segment = segment_new(trib_bytes(image->data, size));

	segment->image = *image;
	*image = (struct trib_column){ 0 };
	return segment;
}

struct trib_words_segment *trib_words_segment_ref(struct trib_words_segment *segment)
{
	atomic_fetch_add_explicit(&segment->references, 1, memory_order_relaxed);
	return segment;
}

void trib_words_segment_unref(struct trib_words_segment *segment)
{
	if (!segment ||
	    atomic_fetch_sub_explicit(&segment->references, 1, memory_order_acq_rel) != 1)
		return;
	trib_column_fini(&segment->image);
	if (segment->mapped)
		trib_unmap(segment->bytes);
	free(segment);
}

const struct trib_words_header *trib_words_segment_header(const struct trib_words_segment *segment)
{
	return segment->header;
}

struct trib_bytes trib_words_segment_bytes(const struct trib_words_segment *segment)
{
	return segment->bytes;
}

const void *trib_words_segment_region(const struct trib_words_segment *segment,
				      enum trib_words_region region)
{
	return segment->bytes.data + segment->header->regions[region].at;
}

static const char *const region_names[] = {
#define X(name) #name,
	TRIB_WORDS_REGION_TABLE(X)
#undef X
};

static trib_status check_header(const struct trib_words_header *header, size_t size,
				const char *name, struct trib_error *error)
{
	struct trib_words_header copy = *header;

	if (memcmp(header->magic, "TRIBWORD", 8) != 0 || header->version != 1)
		return trib_fail(error, TRIB_CORRUPT, name,
				 "found other bytes, expected a segment of words, version 1");
	copy.crc = 0;
	if (trib_crc32c(0, &copy, sizeof(copy)) != header->crc)
		return trib_fail(error, TRIB_CORRUPT, name, "the header is not what was written");
	if (header->size != size)
		return trib_fail(error, TRIB_CORRUPT, name,
				 "found %zu bytes, expected %llu: the file is torn", size,
				 (unsigned long long)header->size);
	if (header->analysis != trib_words_analysis_digest())
		return trib_fail(
			error, TRIB_UNSUPPORTED, name,
			"its terms were made by another analysis (another ICU); build it again");
	return TRIB_OK;
}

/* Sizes that follow from others, so that what is read by number is within. */
static bool sizes_fit(const struct trib_words_header *header)
{
	uint64_t bits = (uint64_t)header->row_end - header->row_first;

	if (header->row_end < header->row_first || header->row_first % 64 || header->rows > bits)
		return false;
	for (size_t i = 0; i < TRIB_WORDS_REGIONS; i++) {
		uint64_t at = header->regions[i].at, size = header->regions[i].size;

		if (at % 64 || at < sizeof(*header) || at > header->size ||
		    size > header->size - at || header->size - at - size < 16)
			return false;
	}
	return header->regions[TRIB_WORDS_KEYS].size ==
		       (uint64_t)header->terms * sizeof(uint64_t) &&
	       header->regions[TRIB_WORDS_TERMS].size ==
		       (uint64_t)header->terms * sizeof(struct trib_words_term) &&
	       header->regions[TRIB_WORDS_PRESENT].size == (bits + 63) / 64 * 8;
}

trib_status trib_words_segment_of_bytes(struct trib_bytes bytes, const char *name, bool whole,
					struct trib_words_segment **ret_segment,
					struct trib_error *error)
{
	const struct trib_words_header *header = (const void *)bytes.data;

	if (bytes.size < sizeof(*header))
		return trib_fail(error, TRIB_CORRUPT, name,
				 "found %zu bytes, expected a header of 256: the file is torn",
				 bytes.size);
	trib_status status = check_header(header, bytes.size, name, error);

	if (status != TRIB_OK)
		return status;
	if (!sizes_fit(header))
		return trib_fail(error, TRIB_CORRUPT, name, "its regions do not fit together");
	for (size_t i = 0; i < (whole ? TRIB_WORDS_REGIONS : TRIB_WORDS_TEXTS); i++)
		if (trib_crc32c(0, bytes.data + header->regions[i].at, header->regions[i].size) !=
		    header->regions[i].crc)
			return trib_fail(error, TRIB_CORRUPT, name,
					 "region %s is not what was written", region_names[i]);
	*ret_segment = segment_new(bytes);
	return TRIB_OK;
}

trib_status trib_words_segment_open(const char *path, bool whole,
				    struct trib_words_segment **ret_segment,
				    struct trib_error *error)
{
	struct trib_bytes bytes;
	trib_status status = trib_map(path, &bytes, error);

	if (status != TRIB_OK)
		return status;
	status = trib_words_segment_of_bytes(bytes, path, whole, ret_segment, error);
	if (status == TRIB_OK)
		(*ret_segment)->mapped = true;
	else
		trib_unmap(bytes);
	return status;
}

static bool write_all(int fd, struct trib_bytes bytes)
{
	while (bytes.size) {
		ssize_t written = write(fd, bytes.data, TRIB_MIN(bytes.size, (size_t)16 << 20));

		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0)
			bytes = trib_bytes(bytes.data + written, bytes.size - (size_t)written);
	}
	return true;
}

/* Under another name first: a file of this name is whole. */
trib_status trib_words_segment_write(const struct trib_words_segment *segment, const char *path,
				     struct trib_error *error)
{
	char part[4096];

	if (snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part))
		return trib_fail(error, TRIB_TOO_LARGE, path, "the path is too long");
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool done = fd >= 0 && write_all(fd, segment->bytes) && fsync(fd) == 0;
	int why = errno;

	if (fd >= 0 && close(fd) != 0 && done) {
		done = false;
		why = errno;
	}
	if (done && rename(part, path) != 0) {
		done = false;
		why = errno;
	}
	if (done)
		return TRIB_OK;
	unlink(part);
	return trib_fail(error, TRIB_IO, path, "cannot be written: %s", strerror(why));
}

const struct trib_words_term *trib_words_segment_find(const struct trib_words_segment *segment,
						      uint64_t key)
{
	const uint64_t *keys = trib_words_segment_keys(segment);
	size_t low = 0, high = segment->header->terms;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (keys[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == segment->header->terms || keys[low] != key)
		return NULL;
	return trib_words_segment_term(segment, (uint32_t)low);
}

const struct trib_words_term *trib_words_segment_term(const struct trib_words_segment *segment,
						      uint32_t number)
{
	return (const struct trib_words_term *)trib_words_segment_region(segment,
									 TRIB_WORDS_TERMS) +
	       number;
}

struct trib_bytes trib_words_segment_text(const struct trib_words_segment *segment,
					  const struct trib_words_term *term)
{
	const unsigned char *texts = trib_words_segment_region(segment, TRIB_WORDS_TEXTS);
	size_t size = segment->header->regions[TRIB_WORDS_TEXTS].size;

	if (term->text == 0 || term->text >= size || texts[term->text] > size - term->text - 1)
		return trib_bytes("", 0);
	return trib_bytes(texts + term->text + 1, texts[term->text]);
}
