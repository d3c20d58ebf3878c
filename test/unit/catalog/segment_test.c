#include "test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "catalog/segment.h"

static const struct trib_field fields[] = {
	{ "price", TRIB_FIELD_INT },	{ "rating", TRIB_FIELD_DECIMAL, 2 }, { "listed_at", TRIB_FIELD_TIME },
	{ "promoted", TRIB_FIELD_BOOL }, { "brand", TRIB_FIELD_CODE },	     { "tags", TRIB_FIELD_CODES },
	{ "title", TRIB_FIELD_TEXT },
};
enum { NUMBERS = 5, TAGS = 5, TITLE = 6, FIELDS = 7, ROWS = TRIB_CHUNK_ROWS + 1234 };

/* What the segment was made of. */
struct world {
	char folder[64], path[96];
	int64_t numbers[NUMBERS][ROWS];
	uint32_t tag_ends[ROWS], tags[ROWS * 4]; /* of all rows */
	char titles[ROWS][24];
	struct trib_segment_info info;
};

static struct world *world;

static void append(struct trib_segment_writer *writer, uint32_t first, uint32_t rows)
{
	struct trib_column_values columns[FIELDS] = { { 0 } };
	TRIB_AUTOFREE uint32_t *ends = trib_alloc(rows * sizeof(*ends));
	TRIB_AUTOFREE struct trib_bytes *texts = trib_alloc(rows * sizeof(*texts));
	uint32_t begin = first ? world->tag_ends[first - 1] : 0;
	struct trib_error error;

	for (int i = 0; i < NUMBERS; i++)
		columns[i].numbers = world->numbers[i] + first;
	for (uint32_t i = 0; i < rows; i++) {
		ends[i] = world->tag_ends[first + i] - begin;
		texts[i] = trib_bytes_text(world->titles[first + i]);
	}
	columns[TAGS].ends = ends;
	columns[TAGS].codes = world->tags + begin;
	columns[TITLE].texts = texts;
	assert_ok(trib_segment_append(writer, columns, rows, &error), error);
}

static void make_rows(struct trib_rng *rng)
{
	uint32_t end = 0;

	for (uint32_t row = 0; row < ROWS; row++) {
		world->numbers[0][row] = trib_rng_between(rng, 100, 99999);
		world->numbers[1][row] = trib_rng_between(rng, 0, 500);
		world->numbers[2][row] = 1763000000000 + row * 1000;
		world->numbers[3][row] = trib_rng_chance(rng, 0.2);
		world->numbers[4][row] = trib_rng_between(rng, 0, 3000);
		for (uint32_t tag = 1; tag <= 40; tag++) /* the first is nearly everywhere */
			if (end < row * 3 + 4 && trib_rng_chance(rng, tag == 1 ? 0.8 : 0.02))
				world->tags[end++] = tag * 10;
		world->tag_ends[row] = end;
		if (row % 7) /* else it has none */
			snprintf(world->titles[row], sizeof(world->titles[row]), "连衣裙 %u", row);
	}
}

static int make(void **state)
{
	struct trib_segment_writer *writer;
	struct trib_error error;
	struct trib_rng rng;

	world = trib_alloc_zeroed(1, sizeof(*world));
	snprintf(world->folder, sizeof(world->folder), "/tmp/tributary-segment-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	snprintf(world->path, sizeof(world->path), "%s/a.seg", world->folder);
	trib_rng_seed(&rng, trib_test_seed());
	make_rows(&rng);
	assert_ok(trib_segment_create(world->path, fields, FIELDS, &writer, &error), error);
	append(writer, 0, TRIB_CHUNK_ROWS);
	append(writer, TRIB_CHUNK_ROWS, ROWS - TRIB_CHUNK_ROWS);
	assert_ok(trib_segment_finish(writer, &world->info, &error), error);
	return 0;
}

static int clean(void **state)
{
	unlink(world->path);
	rmdir(world->folder);
	free(world);
	return 0;
}

static void what_was_written_is_read(void **state)
{
	struct trib_segment *segment;
	struct trib_error error;
	uint32_t count;

	assert_ok(trib_segment_open(world->path, &segment, &error), error);
	const struct trib_field *found = trib_segment_fields(segment, &count);

	assert_int_equal(count, FIELDS);
	for (uint32_t i = 0; i < FIELDS; i++) {
		assert_string_equal(found[i].name, fields[i].name);
		assert_int_equal(found[i].kind, fields[i].kind);
		assert_int_equal(found[i].decimals, fields[i].decimals);
	}
	assert_int_equal(trib_segment_info(segment)->rows, ROWS);
	assert_memory_equal(trib_segment_info(segment)->digest, world->info.digest, 16);
	assert_int_equal(trib_segment_chunks(segment), 2);
	for (uint32_t chunk = 0; chunk < 2; chunk++) {
		struct trib_code_sets tags;
		struct trib_texts titles;
		struct trib_chunk numbers[NUMBERS];

		for (uint32_t i = 0; i < NUMBERS; i++)
			assert_ok(trib_segment_chunk(segment, chunk, i, &numbers[i], &error), error);
		assert_ok(trib_segment_codes(segment, chunk, TAGS, &tags, &error), error);
		assert_ok(trib_segment_texts(segment, chunk, TITLE, &titles, &error), error);
		for (uint32_t i = 0; i < trib_segment_chunk_rows(segment, chunk); i++) {
			uint32_t row = chunk * TRIB_CHUNK_ROWS + i, begin = row ? world->tag_ends[row - 1] : 0, codes[64];

			for (uint32_t f = 0; f < NUMBERS; f++)
				assert_int_equal(trib_chunk_value(&numbers[f], i), world->numbers[f][row]);
			assert_true(trib_bytes_is(trib_texts_at(&titles, i), world->titles[row]));
			assert_int_equal(trib_codes_of(&tags, i, codes, 64), world->tag_ends[row] - begin);
			assert_memory_equal(codes, world->tags + begin, (world->tag_ends[row] - begin) * sizeof(*codes));
		}
	}
	trib_segment_close(segment);
}

static void codes_filter_what_a_loop_does(void **state)
{
	struct trib_segment *segment;
	struct trib_code_sets tags;
	struct trib_arena arena;
	struct trib_error error;
	uint64_t rows[TRIB_CHUNK_WORDS];

	trib_arena_init(&arena, 1 << 16);
	assert_ok(trib_segment_open(world->path, &segment, &error), error);
	assert_ok(trib_segment_codes(segment, 0, TAGS, &tags, &error), error);
	for (uint32_t tag = 0; tag <= 41; tag++) {
		struct trib_ranges sets[2] = { trib_ranges_of(&arena, tag * 10, tag * 10), trib_ranges_of(&arena, 200, 220) };
		struct trib_ranges set = trib_ranges_union(&arena, sets, tag % 2 + 1);

		trib_chunk_all(TRIB_CHUNK_ROWS, rows);
		trib_codes_filter(&tags, set, rows);
		for (uint32_t row = 0; row < TRIB_CHUNK_ROWS; row++) {
			bool expected = false;

			for (uint32_t i = row ? world->tag_ends[row - 1] : 0; i < world->tag_ends[row]; i++)
				expected |= trib_ranges_has(set, world->tags[i]);
			assert_int_equal(rows[row / 64] >> row % 64 & 1, expected);
		}
	}
	trib_segment_close(segment);
	trib_arena_fini(&arena);
}

/* A byte that is not as it was written is found before it is believed, wherever it stands; so is a cut. */
static void other_bytes_are_refused_by_name(void **state)
{
	char path[128];
	struct trib_segment *segment;
	struct trib_error error;
	struct trib_rng rng;
	struct stat stat_of;

	trib_rng_seed(&rng, trib_test_seed());
	stat(world->path, &stat_of);
	TRIB_AUTOFREE char *bytes = trib_alloc((size_t)stat_of.st_size);
	int fd = open(world->path, O_RDONLY);

	assert_int_equal(read(fd, bytes, (size_t)stat_of.st_size), stat_of.st_size);
	close(fd);
	snprintf(path, sizeof(path), "%s/b.seg", world->folder);
	for (int round = 0; round < 60; round++) {
		bool cut = round % 4 == 3;
		size_t at = round % 4 == 0 ? trib_rng_below(&rng, 72) : trib_rng_below(&rng, (uint64_t)stat_of.st_size - 4096) + 4096;
		uint32_t refused = 0, padding = 0;

		bytes[at] ^= 0x10;
		fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
		size_t size = cut ? at : (size_t)stat_of.st_size;

		assert_int_equal(write(fd, bytes, size), size);
		close(fd);
		bytes[at] ^= 0x10;
		trib_status status = trib_segment_open(path, &segment, &error);

		if (status != TRIB_OK) {
			assert_int_equal(status, TRIB_CORRUPT);
			assert_string_equal(error.at, path);
			continue;
		}
		for (uint32_t chunk = 0; chunk < 2; chunk++)
			for (uint32_t i = 0; i < FIELDS; i++) {
				struct trib_code_sets tags;
				struct trib_texts titles;
				struct trib_chunk numbers;

				status = i < NUMBERS ? trib_segment_chunk(segment, chunk, i, &numbers, &error) :
					 i == TAGS   ? trib_segment_codes(segment, chunk, i, &tags, &error) :
						       trib_segment_texts(segment, chunk, i, &titles, &error);
				refused += status == TRIB_CORRUPT;
			}
		padding = refused == 0; /* between two blobs: nobody reads it */
		assert_true(refused == 1 || (padding && !cut));
		trib_segment_close(segment);
	}
	unlink(path);
}

static void what_is_dropped_is_gone(void **state)
{
	struct trib_segment_writer *writer;
	struct trib_error error;
	char path[128];

	snprintf(path, sizeof(path), "%s/c.seg", world->folder);
	assert_ok(trib_segment_create(path, fields, FIELDS, &writer, &error), error);
	append(writer, 0, 10);
	trib_segment_drop(writer);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(path, sizeof(path), "%s/none/c.seg", world->folder);
	assert_int_equal(trib_segment_create(path, fields, FIELDS, &writer, &error), TRIB_IO);
	assert_string_equal(error.at, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(codes_filter_what_a_loop_does),
		cmocka_unit_test(other_bytes_are_refused_by_name),
		cmocka_unit_test(what_is_dropped_is_gone),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
