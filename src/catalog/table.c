/* Tables. The manifest is JSON: {"format": 1, "table": "goods", "segments": [{"rows": 65536, "bytes": 1, "digest": "…"}]}. */
#include "catalog/table.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

enum { FORMAT = 1, PATH_BYTES = 4096, DIGEST_CHARS = 33 };

struct chunk_place {
	uint32_t segment, chunk;
};

struct trib_table {
	char *folder, *name;
	struct trib_segment **segments;
	struct trib_dictionary **words; /* a field each */
	struct chunk_place *chunks;
	const struct trib_field *fields; /* of the first segment; the others have the same */
	uint32_t segment_count, chunk_count, field_count;
	uint64_t rows, bytes;
};

void trib_table_segment_path(const char *folder, uint32_t segment, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%u.seg", folder, segment);
}

void trib_table_words_path(const char *folder, const char *field, char *ret_path, size_t size)
{
	snprintf(ret_path, size, "%s/%s.words", folder, field);
}

static void digest_text(const uint8_t digest[16], char ret_text[DIGEST_CHARS])
{
	for (int i = 0; i < 16; i++)
		snprintf(ret_text + i * 2, 3, "%02x", digest[i]);
}

/* ---- The manifest ------------------------------------------------------------------------- */

static trib_status replace_file(const char *folder, const char *path, const char *text,
				struct trib_error *error)
{
	char beside[PATH_BYTES];

	snprintf(beside, sizeof(beside), "%s.new", path);
	int fd = open(beside, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	ssize_t size = (ssize_t)strlen(text);
	bool good = fd >= 0 && write(fd, text, (size_t)size) == size && fdatasync(fd) == 0 &&
		    rename(beside, path) == 0;

	if (fd >= 0)
		close(fd);
	fd = good ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	good = good && fd >= 0 && fsync(fd) == 0;
	trib_status status =
		good ? TRIB_OK : trib_fail(error, TRIB_IO, path, "write: %s", strerror(errno));

	if (fd >= 0)
		close(fd);
	return status;
}

trib_status trib_table_write_manifest(const char *folder, const char *name,
				      const struct trib_segment_info *segments,
				      uint32_t segment_count, struct trib_error *error)
{
	char path[PATH_BYTES], digest[DIGEST_CHARS];
	json_t *list = json_array();

	for (uint32_t i = 0; i < segment_count; i++) {
		digest_text(segments[i].digest, digest);
		json_array_append_new(
			list, json_pack("{s:I, s:I, s:s}", "rows", (json_int_t)segments[i].rows,
					"bytes", (json_int_t)segments[i].bytes, "digest", digest));
	}
	json_t *manifest =
		json_pack("{s:i, s:s, s:o}", "format", FORMAT, "table", name, "segments", list);
	char *text = json_dumps(manifest, JSON_INDENT(1));

	snprintf(path, sizeof(path), "%s/table.json", folder);
	trib_status status = replace_file(folder, path, text, error);

	json_decref(manifest);
	free(text);
	return status;
}

/* ---- Opening ------------------------------------------------------------------------------ */

static bool same_fields(const struct trib_table *table, const struct trib_segment *segment)
{
	uint32_t count;
	const struct trib_field *fields = trib_segment_fields(segment, &count);

	if (count != table->field_count)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(fields[i].name, table->fields[i].name) != 0 ||
		    fields[i].kind != table->fields[i].kind ||
		    fields[i].decimals != table->fields[i].decimals)
			return false;
	return true;
}

static trib_status open_segment(struct trib_table *table, const json_t *said,
				struct trib_error *error)
{
	char path[PATH_BYTES], digest[DIGEST_CHARS];
	struct trib_segment *segment;
	const char *expected = json_string_value(json_object_get(said, "digest"));

	trib_table_segment_path(table->folder, table->segment_count, path, sizeof(path));
	trib_status status = trib_segment_open(path, &segment, error);

	if (status != TRIB_OK)
		return status;
	table->segments[table->segment_count] = segment;
	digest_text(trib_segment_info(segment)->digest, digest);
	if (!expected || strcmp(expected, digest) != 0)
		status = trib_fail(error, TRIB_CORRUPT, path,
				   "found a segment with digest %s, expected %s", digest,
				   expected ? expected : "one that the manifest names");
	if (table->segment_count++ == 0)
		table->fields = trib_segment_fields(segment, &table->field_count);
	else if (status == TRIB_OK && !same_fields(table, segment))
		status = trib_fail(error, TRIB_CORRUPT, path,
				   "found other fields, expected those of the first segment");
	if (status != TRIB_OK)
		return status;
	uint32_t chunks = trib_segment_chunks(segment);

	table->chunks =
		trib_realloc(table->chunks, (table->chunk_count + chunks) * sizeof(*table->chunks));
	for (uint32_t i = 0; i < chunks; i++)
		table->chunks[table->chunk_count++] =
			(struct chunk_place){ table->segment_count - 1, i };
	table->rows += trib_segment_info(segment)->rows;
	table->bytes += trib_segment_info(segment)->bytes;
	return TRIB_OK;
}

static trib_status open_words(struct trib_table *table, struct trib_error *error)
{
	char path[PATH_BYTES];
	trib_status status = TRIB_OK;

	table->words = trib_alloc_zeroed(table->field_count, sizeof(*table->words));
	for (uint32_t i = 0; status == TRIB_OK && i < table->field_count; i++) {
		if (table->fields[i].kind != TRIB_FIELD_CODE &&
		    table->fields[i].kind != TRIB_FIELD_CODES)
			continue;
		trib_table_words_path(table->folder, table->fields[i].name, path, sizeof(path));
		status = trib_dictionary_open(path, &table->words[i], error);
	}
	return status;
}

static trib_status read_manifest(const char *folder, json_t **ret_manifest,
				 struct trib_error *error)
{
	char path[PATH_BYTES];
	json_error_t why;

	snprintf(path, sizeof(path), "%s/table.json", folder);
	if (access(path, R_OK) < 0)
		return trib_fail(error, errno == ENOENT ? TRIB_NOT_FOUND : TRIB_IO, path, "%s",
				 strerror(errno));
	json_t *manifest = json_load_file(path, JSON_REJECT_DUPLICATES, &why);

	if (!manifest)
		return trib_fail(error, TRIB_CORRUPT, path, "line %d: %s", why.line, why.text);
	if (json_integer_value(json_object_get(manifest, "format")) != FORMAT ||
	    !json_is_string(json_object_get(manifest, "table")) ||
	    !json_is_array(json_object_get(manifest, "segments")) ||
	    json_array_size(json_object_get(manifest, "segments")) == 0) {
		json_decref(manifest);
		return trib_fail(error, TRIB_CORRUPT, path,
				 "found another shape, expected {\"format\": %d, \"table\": …, "
				 "\"segments\": […]} with a segment",
				 FORMAT);
	}
	*ret_manifest = manifest;
	return TRIB_OK;
}

trib_status trib_table_open(const char *folder, struct trib_table **ret_table,
			    struct trib_error *error)
{
	json_t *manifest;
	trib_status status = read_manifest(folder, &manifest, error);

	if (status != TRIB_OK)
		return status;
	struct trib_table *table = trib_alloc_zeroed(1, sizeof(*table));
	const json_t *list = json_object_get(manifest, "segments");

	table->folder = trib_strdup(folder);
	table->name = trib_strdup(json_string_value(json_object_get(manifest, "table")));
	table->segments = trib_alloc_zeroed(json_array_size(list), sizeof(*table->segments));
	for (size_t i = 0; status == TRIB_OK && i < json_array_size(list); i++)
		status = open_segment(table, json_array_get(list, i), error);
	if (status == TRIB_OK)
		status = open_words(table, error);
	json_decref(manifest);
	if (status != TRIB_OK)
		trib_table_close(table);
	else
		*ret_table = table;
	return status;
}

void trib_table_close(struct trib_table *table)
{
	if (!table)
		return;
	for (uint32_t i = 0; table->words && i < table->field_count; i++)
		trib_dictionary_close(table->words[i]);
	for (uint32_t i = 0; i < table->segment_count; i++)
		trib_segment_close(table->segments[i]);
	free(table->words);
	free(table->segments);
	free(table->chunks);
	free(table->folder);
	free(table->name);
	free(table);
}

/* ---- Reading ------------------------------------------------------------------------------ */

const char *trib_table_name(const struct trib_table *table)
{
	return table->name;
}

uint64_t trib_table_rows(const struct trib_table *table)
{
	return table->rows;
}

uint64_t trib_table_bytes(const struct trib_table *table)
{
	return table->bytes;
}

uint32_t trib_table_chunks(const struct trib_table *table)
{
	return table->chunk_count;
}

uint32_t trib_table_chunk_rows(const struct trib_table *table, uint32_t chunk)
{
	return trib_segment_chunk_rows(table->segments[table->chunks[chunk].segment],
				       table->chunks[chunk].chunk);
}

const struct trib_field *trib_table_fields(const struct trib_table *table, uint32_t *ret_count)
{
	*ret_count = table->field_count;
	return table->fields;
}

bool trib_table_field(const struct trib_table *table, struct trib_bytes name, uint32_t *ret_field)
{
	for (uint32_t i = 0; i < table->field_count; i++)
		if (trib_bytes_is(name, table->fields[i].name)) {
			*ret_field = i;
			return true;
		}
	return false;
}

const struct trib_dictionary *trib_table_words(const struct trib_table *table, uint32_t field)
{
	return table->words[field];
}

trib_status trib_table_chunk(const struct trib_table *table, uint32_t chunk, uint32_t field,
			     struct trib_chunk *ret_chunk, struct trib_error *error)
{
	struct chunk_place place = table->chunks[chunk];

	return trib_segment_chunk(table->segments[place.segment], place.chunk, field, ret_chunk,
				  error);
}

trib_status trib_table_codes(const struct trib_table *table, uint32_t chunk, uint32_t field,
			     struct trib_code_sets *ret_sets, struct trib_error *error)
{
	struct chunk_place place = table->chunks[chunk];

	return trib_segment_codes(table->segments[place.segment], place.chunk, field, ret_sets,
				  error);
}

trib_status trib_table_texts(const struct trib_table *table, uint32_t chunk, uint32_t field,
			     struct trib_texts *ret_texts, struct trib_error *error)
{
	struct chunk_place place = table->chunks[chunk];

	return trib_segment_texts(table->segments[place.segment], place.chunk, field, ret_texts,
				  error);
}
