/* The journal on the machine's own disk, with its threads. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include "test.h"
#include "base/hash.h"
#include "journal/journal.h"

static char folder[64];

static int make_folder(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/journal-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct trib_journal *open_small(enum trib_journal_sync sync)
{
	struct trib_journal_options options = {
		.folder = folder,
		.segment_bytes = 1 << 20,
		.ring_bytes = 4 << 20,
		.sync = sync,
		.interval_ms = 5,
	};
	struct trib_journal *journal;
	struct trib_error error;

	assert_ok(trib_journal_open(&options, &journal, &error), error);
	assert_int_equal(trib_journal_state(journal), TRIB_JOURNAL_WRITABLE);
	return journal;
}

/* Record number i holds i over and over. */
static void put_record(struct trib_journal *journal, uint64_t i, size_t size)
{
	struct trib_journal_batch batch;
	struct trib_journal_progress progress;
	uint64_t next;
	trib_status status;

	while ((status = trib_journal_begin(journal, &batch)) == TRIB_BUSY) {
		struct pollfd news = { .fd = trib_journal_event_fd(journal), .events = POLLIN };

		assert_true(poll(&news, 1, 10000) > 0);
		assert_int_equal(trib_journal_poll(journal, &progress, NULL), TRIB_OK);
	}
	assert_int_equal(status, TRIB_OK);
	for (size_t at = 0; at + sizeof(i) <= size; at += sizeof(i))
		memcpy(batch.payload + at, &i, sizeof(i));
	assert_int_equal(trib_journal_append(journal, size, &next), TRIB_OK);
}

static size_t size_of(uint64_t i)
{
	return 8 * (1 + trib_hash_u64(i) % 8000);
}

/* Reads all records; they must be numbers 0, 1, 2 … Returns how many. */
static uint64_t count_records(struct trib_journal *journal)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	struct trib_error error;
	uint64_t count = 0;
	trib_status status;

	assert_ok(trib_journal_reader_new(journal, 0, &reader, &error), error);
	while ((status = trib_journal_reader_next(reader, &record, &error)) == TRIB_OK) {
		assert_int_equal(record.payload.size, size_of(count));
		for (size_t at = 0; at < record.payload.size; at += 8)
			assert_memory_equal(record.payload.data + at, &count, 8);
		count++;
	}
	if (status != TRIB_NOT_FOUND)
		fail_msg("%s: %s", error.at, error.text);
	trib_journal_reader_free(reader);
	return count;
}

static void threads_write_what_is_read(void **state)
{
	uint64_t count = 0;

	for (int sync = TRIB_JOURNAL_SYNC_BATCH; sync <= TRIB_JOURNAL_SYNC_OFF; sync++) {
		struct trib_journal *journal = open_small((enum trib_journal_sync)sync);
		struct trib_journal_progress progress;

		assert_int_equal(count_records(journal), count);
		for (int i = 0; i < 200; i++, count++)
			put_record(journal, count, size_of(count));
		assert_int_equal(trib_journal_sync(journal), TRIB_OK);
		assert_int_equal(trib_journal_wait(journal, &progress, NULL), TRIB_OK);
		assert_int_equal(progress.durable, trib_journal_next(journal));
		assert_int_equal(count_records(journal), count);
		trib_journal_free(journal);
	}
}

static void news_makes_the_descriptor_readable(void **state)
{
	struct trib_journal *journal = open_small(TRIB_JOURNAL_SYNC_BATCH);
	struct pollfd news = { .fd = trib_journal_event_fd(journal), .events = POLLIN };
	struct trib_journal_progress progress;

	assert_int_equal(trib_journal_poll(journal, &progress, NULL), TRIB_OK);
	assert_int_equal(poll(&news, 1, 0), 0);
	for (int i = 0; i < 20; i++) {
		uint64_t before = progress.written;

		put_record(journal, 0, size_of(0));
		while (progress.written == before) {
			assert_int_equal(poll(&news, 1, 10000), 1);
			assert_int_equal(trib_journal_poll(journal, &progress, NULL), TRIB_OK);
		}
		assert_int_equal(progress.written, trib_journal_next(journal));
	}
	trib_journal_free(journal);
}

static void another_process_is_kept_out(void **state)
{
	struct trib_journal *journal = open_small(TRIB_JOURNAL_SYNC_BATCH);
	pid_t child = fork();

	if (child == 0) {
		struct trib_journal_options options = { .folder = folder,
							.segment_bytes = 1 << 20,
							.ring_bytes = 1 << 20 };
		struct trib_journal *other;

		_exit(trib_journal_open(&options, &other, NULL) == TRIB_BUSY ? 0 : 1);
	}
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	trib_journal_free(journal);
}

/* kill -9 at some moment: whatever was called written is there, and nothing that was not appended. */
static void killed_processes_lose_nothing_written(void **state)
{
	uint64_t known = 0;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 9; round++) {
		int told[2];

		assert_int_equal(pipe(told), 0);
		pid_t child = fork();

		if (child == 0) {
			struct trib_journal *journal =
				open_small((enum trib_journal_sync)(round % 3));
			struct trib_journal_progress progress;

			close(told[0]);
			for (uint64_t i = count_records(journal);; i++) {
				put_record(journal, i, size_of(i));
				if (i % 4 == 0)
					trib_journal_wait(journal, &progress, NULL);
				if (i % 4 == 0 && write(told[1], &i, sizeof(i)) != sizeof(i))
					_exit(1);
			}
		}
		close(told[1]);
		uint64_t last = 0, wanted = 1 + trib_rng_below(&rng, 40);

		for (uint64_t heard = 0; heard < wanted; heard++)
			assert_int_equal(read(told[0], &last, sizeof(last)), sizeof(last));
		kill(child, SIGKILL);
		while (read(told[0], &last, sizeof(last)) == sizeof(last))
			;
		assert_int_equal(waitpid(child, NULL, 0), child);
		close(told[0]);
		struct trib_journal *journal = open_small(TRIB_JOURNAL_SYNC_BATCH);
		uint64_t there = count_records(journal);

		assert_true(there > last && there >= known);
		known = there;
		trib_journal_free(journal);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(threads_write_what_is_read, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(news_makes_the_descriptor_readable, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(another_process_is_kept_out, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(killed_processes_lose_nothing_written, make_folder,
						remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
