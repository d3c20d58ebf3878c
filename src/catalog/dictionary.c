/* The file, little-endian: a head, the ends of the texts (u64 each), codes by text (u32 each), the texts. */
#include "catalog/dictionary.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "base/hash.h"
#include "base/mapping.h"

#define MAGIC "TRIBWRD1"

struct head {
	char magic[8];
	uint64_t size; /* of the file */
	uint32_t count;
	uint32_t crc; /* of all behind the head, from the two above on */
};
_Static_assert(sizeof(struct head) == 24, "no padding in files");

struct trib_dictionary {
	struct trib_bytes bytes; /* mapped */
	const uint64_t *ends;
	const uint32_t *order;
	const char *texts;
	uint32_t count;
};

/* ---- Writing ------------------------------------------------------------------------------ */

struct word {
	struct trib_bytes text;
	uint32_t code;
};

static int by_text(const void *a, const void *b)
{
	const struct word *x = a, *y = b;

	return trib_bytes_compare(x->text, y->text);
}

static uint32_t crc_of(const struct head *head, const char *behind, size_t size)
{
	uint32_t crc = trib_crc32c(0, &head->size, sizeof(head->size) + sizeof(head->count));

	return trib_crc32c(crc, behind, size);
}

static trib_status write_file(const char *path, const struct head *head, const char *behind,
			      size_t size, struct trib_error *error)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, head, sizeof(*head)) == sizeof(*head);

	while (good && size) {
		ssize_t some = write(fd, behind, size);

		if (some < 0 && errno == EINTR)
			continue;
		good = some >= 0;
		behind += good ? some : 0;
		size -= good ? (size_t)some : 0;
	}
	good = good && fdatasync(fd) == 0;
	trib_status status =
		good ? TRIB_OK : trib_fail(error, TRIB_IO, path, "write: %s", strerror(errno));

	if (fd >= 0)
		close(fd);
	if (!good && fd >= 0)
		unlink(path);
	return status;
}

trib_status trib_dictionary_write(const char *path, const struct trib_bytes *texts, uint32_t count,
				  struct trib_error *error)
{
	TRIB_AUTOFREE struct word *words = trib_alloc(count * sizeof(*words));
	size_t size = count * (sizeof(uint64_t) + sizeof(uint32_t)), end = 0;

	for (uint32_t i = 0; i < count; i++) {
		words[i] = (struct word){ texts[i], i + 1 };
		size += texts[i].size;
	}
	TRIB_AUTOFREE char *behind = trib_alloc(size);
	uint64_t *ends = (uint64_t *)(void *)behind;
	uint32_t *order = (uint32_t *)(void *)(ends + count);
	char *bytes = (char *)(order + count);

	qsort(words, count, sizeof(*words), by_text);
	for (uint32_t i = 0; i < count; i++) {
		if (texts[i].size)
			memcpy(bytes + end, texts[i].data, texts[i].size);
		ends[i] = end += texts[i].size;
		order[i] = words[i].code;
	}
	struct head head = { .magic = MAGIC, .size = sizeof(head) + size, .count = count };

	head.crc = crc_of(&head, behind, size);
	return write_file(path, &head, behind, size, error);
}

/* ---- Reading ------------------------------------------------------------------------------ */

static trib_status torn(const char *path, struct trib_error *error)
{
	return trib_fail(error, TRIB_CORRUPT, path,
			 "found other bytes, expected the words of a column as they were written");
}

static trib_status look(struct trib_dictionary *words, const char *path, struct trib_error *error)
{
	const struct head *head = (const void *)words->bytes.data;
	size_t fixed;

	if (words->bytes.size < sizeof(*head) ||
	    memcmp(head->magic, MAGIC, sizeof(head->magic)) != 0 ||
	    head->size != words->bytes.size ||
	    head->crc != crc_of(head, words->bytes.data + sizeof(*head),
				words->bytes.size - sizeof(*head)))
		return torn(path, error);
	words->count = head->count;
	fixed = words->count * (sizeof(uint64_t) + sizeof(uint32_t));
	if (words->bytes.size - sizeof(*head) < fixed)
		return torn(path, error);
	words->ends = (const void *)(words->bytes.data + sizeof(*head));
	words->order = (const void *)(words->ends + words->count);
	words->texts = (const char *)(words->order + words->count);
	for (uint32_t i = 0; i < words->count; i++)
		if (words->ends[i] > words->bytes.size - sizeof(*head) - fixed ||
		    (i && words->ends[i] < words->ends[i - 1]) || words->order[i] < 1 ||
		    words->order[i] > words->count)
			return torn(path, error);
	return TRIB_OK;
}

trib_status trib_dictionary_open(const char *path, struct trib_dictionary **ret_words,
				 struct trib_error *error)
{
	struct trib_dictionary *words = trib_alloc_zeroed(1, sizeof(*words));
	trib_status status = trib_map(path, &words->bytes, error);

	if (status == TRIB_OK)
		status = look(words, path, error);
	if (status != TRIB_OK)
		trib_dictionary_close(words);
	else
		*ret_words = words;
	return status;
}

void trib_dictionary_close(struct trib_dictionary *words)
{
	if (words)
		trib_unmap(words->bytes);
	free(words);
}

uint32_t trib_dictionary_count(const struct trib_dictionary *words)
{
	return words->count;
}

struct trib_bytes trib_dictionary_text(const struct trib_dictionary *words, uint32_t code)
{
	if (code < 1 || code > words->count)
		return trib_bytes("", 0);
	uint64_t begin = code > 1 ? words->ends[code - 2] : 0;

	return trib_bytes(words->texts + begin, words->ends[code - 1] - begin);
}

/* The first place in the order whose text is not before `text`. */
static uint32_t lower_bound(const struct trib_dictionary *words, struct trib_bytes text)
{
	uint32_t low = 0, high = words->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (trib_bytes_compare(trib_dictionary_text(words, words->order[middle]), text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t trib_dictionary_find(const struct trib_dictionary *words, struct trib_bytes text)
{
	uint32_t place = lower_bound(words, text);

	return place < words->count &&
			       trib_bytes_equal(trib_dictionary_text(words, words->order[place]),
						text)
		       ? words->order[place]
		       : 0;
}

static int by_code(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

struct trib_ranges trib_dictionary_within(const struct trib_dictionary *words,
					  struct trib_bytes prefix, struct trib_arena *arena)
{
	uint32_t first = lower_bound(words, prefix), count = 0;

	while (first + count < words->count) {
		struct trib_bytes text = trib_dictionary_text(words, words->order[first + count]);

		if (text.size < prefix.size || memcmp(text.data, prefix.data, prefix.size) != 0)
			break;
		count++;
	}
	TRIB_AUTOFREE uint32_t *codes = trib_alloc(count * sizeof(*codes));
	struct trib_range *ranges = trib_arena_alloc(arena, count * sizeof(*ranges));
	uint32_t n = 0;

	trib_assert(ranges);
	memcpy(codes, words->order + first, count * sizeof(*codes));
	qsort(codes, count, sizeof(*codes), by_code);
	for (uint32_t i = 0; i < count; i++) {
		if (n && ranges[n - 1].hi + 1 == codes[i])
			ranges[n - 1].hi++;
		else
			ranges[n++] = (struct trib_range){ codes[i], codes[i] };
	}
	return (struct trib_ranges){ n, ranges };
}
