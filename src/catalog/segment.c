/* Reading a segment. Nothing of the file is believed before its checksum and its bounds have been looked at. */
#include "catalog/segment.h"

#include <sys/mman.h>
#include "base/hash.h"
#include "base/mapping.h"
#include "catalog/segment_file.h"

enum { PAGE_BYTES = 4096 };
enum seen { SEEN_NOT, SEEN_WHOLE, SEEN_TORN };

struct trib_segment {
	char *path;
	struct trib_bytes bytes; /* mapped */
	const struct segment_head *head;
	const struct segment_entry *entries; /* chunk by chunk, of each the fields */
	struct trib_field *fields;
	struct trib_segment_info info;
	uint8_t *seen; /* an entry each, enum seen; atomic */
};

static trib_status torn(const char *path, struct trib_error *error, const char *what)
{
	return trib_fail(error, TRIB_CORRUPT, path,
			 "found %s, expected a segment as it was written", what);
}

/* ---- Opening ------------------------------------------------------------------------------ */

static bool within(uint64_t at, uint64_t size, uint64_t end)
{
	return at >= SEGMENT_HEAD_BYTES && at % 8 == 0 && at <= end && size <= end - at;
}

static trib_status check_head(const struct trib_segment *segment, struct trib_error *error)
{
	const struct segment_head *head =
		(const struct segment_head *)(const void *)segment->bytes.data;

	if (segment->bytes.size < SEGMENT_HEAD_BYTES ||
	    memcmp(head->magic, TRIB_SEGMENT_MAGIC, sizeof(head->magic)) != 0)
		return torn(segment->path, error, "no finished segment");
	if (head->crc != trib_crc32c(0, head, offsetof(struct segment_head, crc)))
		return torn(segment->path, error, "a head with another checksum");
	if (head->size != segment->bytes.size)
		return torn(segment->path, error, "another size than its head says");
	uint64_t fields = (uint64_t)head->field_count * sizeof(struct segment_field);
	uint64_t entries =
		(uint64_t)head->field_count * head->chunk_count * sizeof(struct segment_entry);

	if (!head->field_count || head->field_count > TRIB_FIELDS_MAX ||
	    head->chunk_count > TRIB_SEGMENT_CHUNKS_MAX ||
	    !within(head->fields_at, fields, segment->bytes.size) ||
	    !within(head->directory_at, entries, segment->bytes.size))
		return torn(segment->path, error, "a directory beyond its end");
	if (head->behind_crc !=
	    trib_crc32c(trib_crc32c(0, segment->bytes.data + head->fields_at, fields),
			segment->bytes.data + head->directory_at, entries))
		return torn(segment->path, error, "a directory with another checksum");
	return TRIB_OK;
}

static trib_status read_fields(struct trib_segment *segment, struct trib_error *error)
{
	const struct segment_field *fields =
		(const void *)(segment->bytes.data + segment->head->fields_at);

	segment->fields = trib_alloc_zeroed(segment->head->field_count, sizeof(*segment->fields));
	for (uint32_t i = 0; i < segment->head->field_count; i++) {
		if (!memchr(fields[i].name, 0, sizeof(fields[i].name)) ||
		    fields[i].kind >= TRIB_FIELD_KINDS || fields[i].decimals > 9)
			return torn(segment->path, error, "a field that is none");
		segment->fields[i] =
			(struct trib_field){ fields[i].name, fields[i].kind, fields[i].decimals };
	}
	return TRIB_OK;
}

/* Where blobs lie and how large they are; what is in them is looked at later. */
static bool entry_fits(const struct trib_segment *segment, const struct segment_entry *entry,
		       uint8_t kind, uint32_t rows)
{
	if (entry->rows != rows || !within(entry->at, entry->size, segment->bytes.size) ||
	    entry->at % SEGMENT_ALIGNMENT)
		return false;
	if (kind == TRIB_FIELD_TEXT)
		return entry->size >= rows * sizeof(uint32_t);
	if (kind == TRIB_FIELD_CODES)
		return entry->size >= entry->count * 2ull * sizeof(uint32_t);
	return entry->bits <= 64 && entry->step && entry->min <= entry->max &&
	       entry->count <= TRIB_CHUNK_ROWS && (entry->bits || entry->min == entry->max) &&
	       entry->size == trib_chunk_plane_bytes(entry->bits) + entry->count * sizeof(uint32_t);
}

static trib_status check_entries(struct trib_segment *segment, struct trib_error *error)
{
	const struct segment_head *head = segment->head;

	for (uint32_t chunk = 0; chunk < head->chunk_count; chunk++) {
		const struct segment_entry *entries =
			segment->entries + (size_t)chunk * head->field_count;
		uint32_t rows = entries->rows;

		if (!rows || rows > TRIB_CHUNK_ROWS ||
		    (rows < TRIB_CHUNK_ROWS && chunk + 1 < head->chunk_count))
			return torn(segment->path, error, "a chunk that is not full");
		for (uint32_t i = 0; i < head->field_count; i++)
			if (!entry_fits(segment, &entries[i], segment->fields[i].kind, rows))
				return torn(segment->path, error,
					    "an entry that its file does not have room for");
		segment->info.rows += rows;
	}
	return segment->info.rows == head->rows
		       ? TRIB_OK
		       : torn(segment->path, error, "another number of rows");
}

static trib_status map_file(struct trib_segment *segment, struct trib_error *error)
{
	trib_status status = trib_map(segment->path, &segment->bytes, error);

	if (status == TRIB_OK &&
	    segment->bytes.size) /* a query reads columns, not their neighbours */
		madvise((void *)(uintptr_t)segment->bytes.data, segment->bytes.size, MADV_RANDOM);
	return status;
}

trib_status trib_segment_open(const char *path, struct trib_segment **ret_segment,
			      struct trib_error *error)
{
	struct trib_segment *segment = trib_alloc_zeroed(1, sizeof(*segment));
	trib_status status;

	segment->path = trib_strdup(path);
	status = map_file(segment, error);
	if (status == TRIB_OK)
		status = check_head(segment, error);
	if (status == TRIB_OK) {
		segment->head = (const void *)segment->bytes.data;
		segment->entries =
			(const void *)(segment->bytes.data + segment->head->directory_at);
		segment->seen =
			trib_alloc_zeroed(segment->head->chunk_count, segment->head->field_count);
		segment->info.bytes = segment->bytes.size;
		memcpy(segment->info.digest, segment->head->digest, sizeof(segment->info.digest));
		status = read_fields(segment, error);
	}
	if (status == TRIB_OK)
		status = check_entries(segment, error);
	if (status != TRIB_OK) {
		trib_segment_close(segment);
		return status;
	}
	*ret_segment = segment;
	return TRIB_OK;
}

void trib_segment_close(struct trib_segment *segment)
{
	if (!segment)
		return;
	trib_unmap(segment->bytes);
	free(segment->seen);
	free(segment->fields);
	free(segment->path);
	free(segment);
}

const struct trib_segment_info *trib_segment_info(const struct trib_segment *segment)
{
	return &segment->info;
}

uint32_t trib_segment_chunks(const struct trib_segment *segment)
{
	return segment->head->chunk_count;
}

uint32_t trib_segment_chunk_rows(const struct trib_segment *segment, uint32_t chunk)
{
	return segment->entries[(size_t)chunk * segment->head->field_count].rows;
}

const struct trib_field *trib_segment_fields(const struct trib_segment *segment,
					     uint32_t *ret_count)
{
	*ret_count = segment->head->field_count;
	return segment->fields;
}

/* ---- Chunks ------------------------------------------------------------------------------- */

static struct trib_chunk numbers_of(const struct segment_entry *entry, const char *blob)
{
	size_t planes = trib_chunk_plane_bytes(entry->bits);

	return (struct trib_chunk){
		.min = entry->min,
		.max = entry->max,
		.step = entry->step,
		.offsets = entry->count ? (const void *)(blob + planes) : NULL,
		.planes = entry->bits ? (const void *)blob : NULL,
		.offset_count = entry->count,
		.rows = entry->rows,
		.bits = entry->bits,
	};
}

static struct trib_code_sets codes_of(const struct segment_entry *entry, const char *blob)
{
	const uint32_t *codes = (const void *)blob;

	return (struct trib_code_sets){ .rows = entry->rows,
					.count = entry->count,
					.codes = codes,
					.ends = codes + entry->count,
					.places =
						(const void *)(codes + 2 * (size_t)entry->count) };
}

/* An index that the dictionary does not have would be read beyond it. */
static bool numbers_are_whole(const struct segment_entry *entry, const char *blob)
{
	struct trib_chunk chunk = numbers_of(entry, blob);
	uint64_t indexes[TRIB_BLOCK_ROWS];

	for (uint32_t i = 1; i < chunk.offset_count; i++)
		if (chunk.offsets[i] <= chunk.offsets[i - 1])
			return false;
	for (uint32_t block = 0; chunk.offset_count && block < TRIB_CHUNK_BLOCKS; block++) {
		trib_chunk_indexes(&chunk, block, indexes);
		for (uint32_t i = 0; i < TRIB_BLOCK_ROWS; i++)
			if (indexes[i] >= chunk.offset_count)
				return false;
	}
	return true;
}

static bool codes_are_whole(const struct segment_entry *entry, const char *blob)
{
	struct trib_code_sets sets = codes_of(entry, blob);
	uint64_t places = (entry->size - entry->count * 2ull * sizeof(uint32_t)) / sizeof(uint16_t);

	for (uint32_t i = 0; i < sets.count; i++)
		if (sets.ends[i] > places ||
		    (i && (sets.codes[i] <= sets.codes[i - 1] || sets.ends[i] < sets.ends[i - 1])))
			return false;
	return true;
}

static bool texts_are_whole(const struct segment_entry *entry, const char *blob)
{
	const uint32_t *ends = (const void *)blob;

	for (uint32_t i = 0; i < entry->rows; i++)
		if (ends[i] > entry->size - entry->rows * sizeof(uint32_t) ||
		    (i && ends[i] < ends[i - 1]))
			return false;
	return true;
}

/* The blob of a chunk's column, which has been looked at once by then. */
static trib_status look(struct trib_segment *segment, uint32_t chunk, uint32_t field,
			const char **ret_blob, struct trib_error *error)
{
	size_t place = (size_t)chunk * segment->head->field_count + field;
	const struct segment_entry *entry = &segment->entries[place];
	const char *blob = segment->bytes.data + entry->at;
	uint8_t kind = segment->fields[field].kind,
		seen = __atomic_load_n(&segment->seen[place], __ATOMIC_ACQUIRE);

	if (TRIB_UNLIKELY(seen == SEEN_NOT)) {
		/* All of it in one read, not page by page. */
		size_t begin = entry->at / PAGE_BYTES * PAGE_BYTES;

		madvise((void *)(segment->bytes.data + begin), entry->at + entry->size - begin,
			MADV_WILLNEED);
		bool whole = trib_crc32c(0, blob, entry->size) == entry->crc &&
			     (kind == TRIB_FIELD_TEXT	 ? texts_are_whole(entry, blob)
			      : kind == TRIB_FIELD_CODES ? codes_are_whole(entry, blob)
							 : numbers_are_whole(entry, blob));

		seen = whole ? SEEN_WHOLE : SEEN_TORN;
		__atomic_store_n(&segment->seen[place], seen, __ATOMIC_RELEASE);
	}
	if (seen == SEEN_TORN)
		return trib_fail(
			error, TRIB_CORRUPT, segment->path,
			"found other bytes in %s of chunk %u, expected a segment as it was written",
			segment->fields[field].name, chunk);
	*ret_blob = blob;
	return TRIB_OK;
}

static const struct segment_entry *entry_of(const struct trib_segment *segment, uint32_t chunk,
					    uint32_t field)
{
	trib_assert(chunk < segment->head->chunk_count && field < segment->head->field_count);
	return &segment->entries[(size_t)chunk * segment->head->field_count + field];
}

trib_status trib_segment_chunk(struct trib_segment *segment, uint32_t chunk, uint32_t field,
			       struct trib_chunk *ret_chunk, struct trib_error *error)
{
	const struct segment_entry *entry = entry_of(segment, chunk, field);
	const char *blob;
	trib_status status = look(segment, chunk, field, &blob, error);

	if (status == TRIB_OK)
		*ret_chunk = numbers_of(entry, blob);
	return status;
}

trib_status trib_segment_codes(struct trib_segment *segment, uint32_t chunk, uint32_t field,
			       struct trib_code_sets *ret_sets, struct trib_error *error)
{
	const struct segment_entry *entry = entry_of(segment, chunk, field);
	const char *blob;
	trib_status status = look(segment, chunk, field, &blob, error);

	if (status == TRIB_OK)
		*ret_sets = codes_of(entry, blob);
	return status;
}

trib_status trib_segment_texts(struct trib_segment *segment, uint32_t chunk, uint32_t field,
			       struct trib_texts *ret_texts, struct trib_error *error)
{
	const struct segment_entry *entry = entry_of(segment, chunk, field);
	const char *blob;
	trib_status status = look(segment, chunk, field, &blob, error);

	if (status == TRIB_OK)
		*ret_texts = (struct trib_texts){ entry->rows, (const void *)blob,
						  blob + entry->rows * sizeof(uint32_t) };
	return status;
}

/* ---- Sets of codes ------------------------------------------------------------------------ */

/* The rows of the code at place i; true where they are a bitmap. */
static bool rows_of(const struct trib_code_sets *sets, uint32_t i, const uint16_t **ret_places,
		    uint32_t *ret_count)
{
	uint32_t begin = i ? sets->ends[i - 1] : 0;

	*ret_places = sets->places + begin;
	*ret_count = sets->ends[i] - begin;
	return *ret_count == TRIB_CHUNK_WORDS * 4;
}

bool trib_codes_filter(const struct trib_code_sets *sets, struct trib_ranges set,
		       uint64_t rows[TRIB_CHUNK_WORDS])
{
	uint64_t have[TRIB_CHUNK_WORDS] = { 0 }, any = 0;
	const uint16_t *places;
	uint32_t count;

	for (uint32_t i = 0; i < sets->count; i++) {
		if (!trib_ranges_has(set, sets->codes[i]))
			continue;
		if (rows_of(sets, i, &places, &count))
			for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word++) {
				uint64_t bits;

				memcpy(&bits, places + word * 4, sizeof(bits));
				have[word] |= bits;
			}
		else
			for (uint32_t j = 0; j < count; j++)
				have[places[j] / 64] |= 1ull << places[j] % 64;
	}
	for (uint32_t word = 0; word < TRIB_CHUNK_WORDS; word++)
		any |= rows[word] &= have[word];
	return any != 0;
}

static bool has_row(const uint16_t *places, uint32_t count, uint32_t row)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (places[middle] < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && places[low] == row;
}

uint32_t trib_codes_of(const struct trib_code_sets *sets, uint32_t row, uint32_t *ret_codes,
		       uint32_t max)
{
	uint32_t found = 0, count;
	const uint16_t *places;

	for (uint32_t i = 0; i < sets->count; i++) {
		bool crowded = rows_of(sets, i, &places, &count);

		if (crowded ? !(places[row / 16] >> row % 16 & 1) : !has_row(places, count, row))
			continue;
		if (found < max)
			ret_codes[found] = sets->codes[i];
		found++;
	}
	return found;
}
