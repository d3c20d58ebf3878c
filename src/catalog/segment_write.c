/* Writing a segment: blob by blob, then the directory, then, once all of it is durable, the head. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>
#include "base/hash.h"
#include "catalog/segment_file.h"

enum { BUFFER_BYTES = 4 << 20 };
#define BLOB_BYTES_MAX ((size_t)5 << 30) /* 4 GiB of text and its ends */

struct trib_segment_writer {
	char *path;
	int fd;
	const struct trib_field *fields;
	uint32_t field_count, chunk_count;
	uint64_t rows, size;
	bool full; /* the last chunk was not a full one */
	struct segment_entry *entries;
	struct trib_chunk_encoder *encoder;
	XXH3_state_t *digest;
	char *buffer; /* what is not written yet */
	size_t buffered;
	struct trib_buffer blob; /* of CODES and TEXT */
};

static trib_status io(struct trib_segment_writer *writer, const char *what,
		      struct trib_error *error)
{
	return trib_fail(error, TRIB_IO, writer->path, "%s: %s", what, strerror(errno));
}

static trib_status flush(struct trib_segment_writer *writer, struct trib_error *error)
{
	for (size_t done = 0; done < writer->buffered;) {
		ssize_t some = write(writer->fd, writer->buffer + done, writer->buffered - done);

		if (some < 0 && errno == EINTR)
			continue;
		if (some < 0)
			return io(writer, "write", error);
		done += (size_t)some;
	}
	writer->buffered = 0;
	return TRIB_OK;
}

static trib_status put(struct trib_segment_writer *writer, const void *data, size_t size,
		       struct trib_error *error)
{
	XXH3_128bits_update(writer->digest, data, size);
	writer->size += size;
	while (size) {
		size_t some = TRIB_MIN(size, BUFFER_BYTES - writer->buffered);

		memcpy(writer->buffer + writer->buffered, data, some);
		writer->buffered += some;
		data = (const char *)data + some;
		size -= some;
		if (writer->buffered == BUFFER_BYTES) {
			trib_status status = flush(writer, error);

			if (status != TRIB_OK)
				return status;
		}
	}
	return TRIB_OK;
}

static trib_status align(struct trib_segment_writer *writer, struct trib_error *error)
{
	static const char zeros[SEGMENT_ALIGNMENT];

	return put(writer, zeros, -writer->size % SEGMENT_ALIGNMENT, error);
}

trib_status trib_segment_create(const char *path, const struct trib_field *fields,
				uint32_t field_count, struct trib_segment_writer **ret_writer,
				struct trib_error *error)
{
	struct trib_segment_writer *writer = trib_alloc_zeroed(1, sizeof(*writer));

	trib_assert(field_count && field_count <= TRIB_FIELDS_MAX);
	*writer = (struct trib_segment_writer){
		.path = trib_strdup(path),
		.fields = fields,
		.field_count = field_count,
		.size = SEGMENT_HEAD_BYTES,
		.entries = trib_alloc_zeroed((size_t)TRIB_SEGMENT_CHUNKS_MAX * field_count,
					     sizeof(*writer->entries)),
		.encoder = trib_chunk_encoder_new(),
		.digest = XXH3_createState(),
		.buffer = trib_alloc(BUFFER_BYTES),
	};
	XXH3_128bits_reset(writer->digest);
	trib_buffer_init(&writer->blob, BLOB_BYTES_MAX);
	writer->fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (writer->fd < 0 || lseek(writer->fd, SEGMENT_HEAD_BYTES, SEEK_SET) < 0) {
		trib_status status = io(writer, "open", error);

		trib_segment_drop(writer);
		return status;
	}
	*ret_writer = writer;
	return TRIB_OK;
}

/* ---- Blobs -------------------------------------------------------------------------------- */

static trib_status put_numbers(struct trib_segment_writer *writer, const int64_t *numbers,
			       uint32_t rows, struct segment_entry *entry, struct trib_error *error)
{
	struct trib_chunk chunk = trib_chunk_encode(writer->encoder, numbers, rows);
	size_t planes = trib_chunk_plane_bytes(chunk.bits),
	       offsets = chunk.offset_count * sizeof(*chunk.offsets);

	entry->min = chunk.min;
	entry->max = chunk.max;
	entry->step = chunk.step;
	entry->count = chunk.offset_count;
	entry->bits = chunk.bits;
	entry->size = planes + offsets;
	entry->crc = trib_crc32c(trib_crc32c(0, chunk.planes, planes), chunk.offsets, offsets);
	trib_status status = put(writer, chunk.planes, planes, error);

	return status == TRIB_OK ? put(writer, chunk.offsets, offsets, error) : status;
}

struct code_at {
	uint32_t code, row;
};

static int by_code(const void *a, const void *b)
{
	const struct code_at *x = a, *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

static void add_places(struct trib_buffer *places, const struct code_at *items, uint32_t count)
{
	if (count < TRIB_CHUNK_WORDS * 4) {
		for (uint32_t i = 0; i < count; i++) {
			uint16_t row = (uint16_t)items[i].row;

			trib_buffer_add(places, &row, sizeof(row));
		}
		return;
	}
	uint64_t bits[TRIB_CHUNK_WORDS] = { 0 };

	for (uint32_t i = 0; i < count; i++)
		bits[items[i].row / 64] |= 1ull << items[i].row % 64;
	trib_buffer_add(places, bits, sizeof(bits));
}

/* Codes, the ends of their places, places. */
static uint32_t pack_codes(const struct trib_column_values *column, uint32_t rows,
			   struct trib_buffer *blob)
{
	uint32_t total = column->ends[rows - 1], count = 0;
	TRIB_AUTOFREE struct code_at *items = trib_alloc(total * sizeof(*items));
	TRIB_AUTOFREE uint32_t *ends = trib_alloc(total * sizeof(*ends));
	struct trib_buffer places;

	for (uint32_t row = 0, i = 0; row < rows; row++)
		for (; i < column->ends[row]; i++)
			items[i] = (struct code_at){ column->codes[i], row };
	qsort(items, total, sizeof(*items), by_code);
	trib_buffer_init(&places, BLOB_BYTES_MAX);
	for (uint32_t i = 0, next; i < total; i = next) {
		for (next = i; next < total && items[next].code == items[i].code;)
			next++;
		trib_buffer_add(blob, &items[i].code, sizeof(items[i].code));
		add_places(&places, items + i, next - i);
		ends[count++] = (uint32_t)(places.size / sizeof(uint16_t));
	}
	trib_buffer_add(blob, ends, count * sizeof(*ends));
	trib_buffer_add_bytes(blob, trib_buffer_bytes(&places));
	trib_buffer_fini(&places);
	return count;
}

static trib_status pack_texts(struct trib_segment_writer *writer, const struct trib_bytes *texts,
			      uint32_t rows, struct trib_error *error)
{
	uint64_t end = 0;

	for (uint32_t row = 0; row < rows; row++) {
		end += texts[row].size;
		if (end > UINT32_MAX)
			return trib_fail(
				error, TRIB_TOO_LARGE, writer->path,
				"found more than 4 GiB of text, expected less in 65536 rows");
		uint32_t at = (uint32_t)end;

		trib_buffer_add(&writer->blob, &at, sizeof(at));
	}
	for (uint32_t row = 0; row < rows; row++)
		trib_buffer_add_bytes(&writer->blob, texts[row]);
	return TRIB_OK;
}

static trib_status put_column(struct trib_segment_writer *writer, uint8_t kind,
			      const struct trib_column_values *column, uint32_t rows,
			      struct segment_entry *entry, struct trib_error *error)
{
	trib_status status = align(writer, error);

	if (status != TRIB_OK)
		return status;
	*entry = (struct segment_entry){ .at = writer->size, .rows = rows };
	if (kind < TRIB_FIELD_CODES)
		return put_numbers(writer, column->numbers, rows, entry, error);
	trib_buffer_reset(&writer->blob);
	if (kind == TRIB_FIELD_CODES)
		entry->count = pack_codes(column, rows, &writer->blob);
	else
		status = pack_texts(writer, column->texts, rows, error);
	entry->size = writer->blob.size;
	entry->crc = trib_crc32c(0, writer->blob.data, writer->blob.size);
	return status == TRIB_OK ? put(writer, writer->blob.data, writer->blob.size, error)
				 : status;
}

trib_status trib_segment_append(struct trib_segment_writer *writer,
				const struct trib_column_values *columns, uint32_t rows,
				struct trib_error *error)
{
	struct segment_entry *entries =
		writer->entries + (size_t)writer->chunk_count * writer->field_count;
	trib_status status = TRIB_OK;

	trib_assert(rows >= 1 && rows <= TRIB_CHUNK_ROWS &&
		    writer->chunk_count < TRIB_SEGMENT_CHUNKS_MAX && !writer->full);
	for (uint32_t i = 0; status == TRIB_OK && i < writer->field_count; i++)
		status = put_column(writer, writer->fields[i].kind, &columns[i], rows, &entries[i],
				    error);
	if (status != TRIB_OK)
		return status;
	writer->chunk_count++;
	writer->rows += rows;
	writer->full = rows < TRIB_CHUNK_ROWS;
	return TRIB_OK;
}

/* ---- The end ------------------------------------------------------------------------------ */

static void finish_writer(struct trib_segment_writer *writer)
{
	if (writer->fd >= 0)
		close(writer->fd);
	trib_chunk_encoder_free(writer->encoder);
	trib_buffer_fini(&writer->blob);
	XXH3_freeState(writer->digest);
	free(writer->entries);
	free(writer->buffer);
	free(writer->path);
	free(writer);
}

void trib_segment_drop(struct trib_segment_writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0)
		unlink(writer->path);
	finish_writer(writer);
}

static trib_status put_directory(struct trib_segment_writer *writer, struct segment_head *head,
				 struct trib_error *error)
{
	trib_status status = align(writer, error);

	head->fields_at = writer->size;
	for (uint32_t i = 0; status == TRIB_OK && i < writer->field_count; i++) {
		struct segment_field field = { .kind = writer->fields[i].kind,
					       .decimals = writer->fields[i].decimals };

		snprintf(field.name, sizeof(field.name), "%s", writer->fields[i].name);
		head->behind_crc = trib_crc32c(head->behind_crc, &field, sizeof(field));
		status = put(writer, &field, sizeof(field), error);
	}
	size_t size = (size_t)writer->chunk_count * writer->field_count * sizeof(*writer->entries);

	if (status == TRIB_OK)
		status = align(writer, error);
	head->directory_at = writer->size;
	head->behind_crc = trib_crc32c(head->behind_crc, writer->entries, size);
	return status == TRIB_OK ? put(writer, writer->entries, size, error) : status;
}

trib_status trib_segment_finish(struct trib_segment_writer *writer,
				struct trib_segment_info *ret_info, struct trib_error *error)
{
	struct segment_head head = { .magic = TRIB_SEGMENT_MAGIC,
				     .field_count = writer->field_count,
				     .chunk_count = writer->chunk_count,
				     .rows = writer->rows };
	trib_status status = put_directory(writer, &head, error);

	if (status == TRIB_OK)
		status = flush(writer, error);
	XXH128_canonical_t digest;

	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(writer->digest));
	memcpy(head.digest, digest.digest, sizeof(head.digest));
	head.size = writer->size;
	head.crc = trib_crc32c(0, &head, offsetof(struct segment_head, crc));
	if (status == TRIB_OK && (fdatasync(writer->fd) < 0 ||
				  pwrite(writer->fd, &head, sizeof(head), 0) != sizeof(head) ||
				  fdatasync(writer->fd) < 0))
		status = io(writer, "write", error);
	if (status != TRIB_OK) {
		trib_segment_drop(writer);
		return status;
	}
	*ret_info = (struct trib_segment_info){ .rows = head.rows, .bytes = head.size };
	memcpy(ret_info->digest, head.digest, sizeof(head.digest));
	finish_writer(writer);
	return TRIB_OK;
}
