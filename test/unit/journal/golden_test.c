/*
 * Logs of earlier releases are read for ever: test/golden/<release>/journal/ is opened as it lies there, gives what
 * was put into it, and goes on. With TRIB_GOLDEN_WRITE=<release> the test writes that folder instead, once a release.
 */
#include "fixture.h"

enum { RECORDS = 20, ENGINE = 3 };
#define SEGMENTS 2

static size_t size_of(int i)
{
	return (size_t)(1 + i * i * 7);
}

static char byte_of(int i, size_t at)
{
	return (char)(i * 31 + at * 7 + (at >> 8));
}

static void append_pattern(struct fixture *f, int i)
{
	struct trib_journal_batch batch;
	uint64_t next;

	assert_int_equal(trib_journal_begin(f->journal, &batch), TRIB_OK);
	for (size_t at = 0; at < size_of(i); at++)
		batch.payload[at] = byte_of(i, at);
	assert_int_equal(trib_journal_append(f->journal, size_of(i), &next), TRIB_OK);
	fixture_wait(f);
}

static int read_pattern(struct fixture *f)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	trib_status status;
	int count = 0;

	assert_ok(trib_journal_reader_new(f->journal, 0, &reader, &f->error), f->error);
	while ((status = trib_journal_reader_next(reader, &record, &f->error)) == TRIB_OK) {
		assert_int_equal(record.payload.size, size_of(count));
		for (size_t at = 0; at < record.payload.size; at++)
			assert_int_equal(record.payload.data[at], byte_of(count, at));
		count++;
	}
	if (status != TRIB_NOT_FOUND)
		fail_msg("%s: %s", f->error.at, f->error.text);
	trib_journal_reader_free(reader);
	return count;
}

static void file_names(int i, const char *release, char ret_sim[64], char ret_real[1024])
{
	char name[TRIB_SEGMENT_NAME_MAX] = "epoch";

	if (i > 0)
		trib_segment_name((uint32_t)i, name);
	snprintf(ret_sim, 64, "%s/%s", FOLDER, name);
	snprintf(ret_real, 1024, "%s/test/golden/%s/journal/%s", getenv("TRIB_SOURCE_DIR"), release,
		 name);
}

/* Two openings, the first of which ended in peace; the last record of the second lies in segment 2. */
static void write_release(const char *release)
{
	struct fixture *f = fixture_new(1);

	f->options.engine = ENGINE;
	assert_ok(fixture_open(f), f->error);
	for (int i = 0; i < RECORDS; i++) {
		if (i == RECORDS / 2) {
			fixture_close(f);
			assert_ok(fixture_open(f), f->error);
		}
		append_pattern(f, i);
	}
	assert_int_equal(trib_journal_next(f->journal) / f->options.segment_bytes, SEGMENTS);
	for (int i = 0; i <= SEGMENTS; i++) {
		char path[64], real[1024];
		size_t size;

		file_names(i, release, path, real);
		const char *bytes = trib_sim_disk_peek(f->sim, path, &size);
		FILE *file = fopen(real, "wb");

		assert_non_null(file);
		assert_int_equal(fwrite(bytes, 1, size, file), size);
		fclose(file);
	}
	fixture_free(f);
}

static void read_release(const char *release)
{
	struct fixture *f = fixture_new(2);

	f->options.engine = ENGINE;
	for (int i = 0; i <= SEGMENTS; i++) {
		char path[64], real[1024], *bytes = trib_alloc(1 << 20);

		file_names(i, release, path, real);
		FILE *file = fopen(real, "rb");

		if (!file)
			fail_msg("%s is not there", real);
		trib_sim_disk_put(f->sim, path, bytes, fread(bytes, 1, 1 << 20, file));
		fclose(file);
		free(bytes);
	}
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(trib_journal_epoch(f->journal), 3);
	assert_int_equal(read_pattern(f), RECORDS);
	append_pattern(f, RECORDS);
	fixture_close(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(read_pattern(f), RECORDS + 1);
	fixture_free(f);
}

static void logs_of_earlier_releases_are_read(void **state)
{
	static const char *const releases[] = { "v0.1.0" };

	if (getenv("TRIB_GOLDEN_WRITE"))
		write_release(getenv("TRIB_GOLDEN_WRITE"));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(releases); i++)
		read_release(releases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_of_earlier_releases_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
