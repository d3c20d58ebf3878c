/*
 * Durable records per second and CPU per KiB of the journal, beside a bare loop of O_DIRECT | O_DSYNC writes to
 * a zeroed file on the same disk, in turns, because disks and neighbours have moods. Then the rate at which the
 * log is read back for replay, checksums and all.
 *
 *	bench-journal [folder] [seconds a turn]        (default: a folder in the current one; 1)
 *
 * "handed over" is one: the next record is appended when the last one is durable, as the engine does. Two: one
 * more waits in the queue, so that the disk is never idle.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <unistd.h>
#include "base/clock.h"
#include "journal/journal.h"

enum { TURNS = 5, RAW_BYTES = 64 << 20 };

struct rate {
	double per_second, cpu_us_per_kib;
};

static int64_t now_ns(void)
{
	return trib_clock_monotonic_ns(trib_clock_system());
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct rate rate_of(uint64_t records, size_t bytes, int64_t wall_ns, int64_t cpu_ns)
{
	return (struct rate){
		.per_second = (double)records * 1e9 / (double)wall_ns,
		.cpu_us_per_kib = (double)cpu_ns / 1e3 / ((double)records * (double)bytes / 1024),
	};
}

static int make_raw_file(const char *folder)
{
	char path[4096], *zeros = aligned_alloc(4096, 1 << 20);

	snprintf(path, sizeof(path), "%s/raw", folder);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	memset(zeros, 0, 1 << 20);
	for (off_t offset = 0; fd >= 0 && offset < RAW_BYTES; offset += 1 << 20)
		if (pwrite(fd, zeros, 1 << 20, offset) != 1 << 20)
			die("raw file");
	free(zeros);
	if (fd < 0 || fsync(fd) != 0 || close(fd) != 0)
		die("raw file");
	fd = open(path, O_RDWR | O_DIRECT | O_DSYNC);
	unlink(path);
	return fd;
}

static struct rate run_raw(int fd, size_t bytes, int64_t run_ns)
{
	char *memory = aligned_alloc(4096, bytes);
	uint64_t records = 0;
	off_t offset = 0;

	memset(memory, 7, bytes);
	int64_t start_ns = now_ns(), cpu_ns = trib_cpu_process_ns();

	while (now_ns() - start_ns < run_ns) {
		if (pwrite(fd, memory, bytes, offset) != (ssize_t)bytes)
			die("raw write");
		offset = offset + 2 * (off_t)bytes > RAW_BYTES ? 0 : offset + (off_t)bytes;
		records++;
	}
	struct rate rate =
		rate_of(records, bytes, now_ns() - start_ns, trib_cpu_process_ns() - cpu_ns);

	free(memory);
	return rate;
}

static void check(trib_status status, const struct trib_error *error)
{
	if (status == TRIB_OK)
		return;
	fprintf(stderr, "%s: %s\n", error->at, error->text);
	exit(1);
}

/* Sleeps until there is news, unless there already is. */
static uint64_t wait_written(struct trib_journal *journal, uint64_t before)
{
	struct pollfd news = { .fd = trib_journal_event_fd(journal), .events = POLLIN };
	struct trib_journal_progress progress;
	struct trib_journal_failure failure;

	for (;;) {
		check(trib_journal_poll(journal, &progress, &failure), &failure.error);
		if (progress.written > before)
			return progress.written;
		poll(&news, 1, -1);
	}
}

/* A record takes `bytes` on the disk; its payload is that less the header. */
static struct rate run_journal(struct trib_journal *journal, size_t bytes, unsigned ahead,
			       int64_t run_ns)
{
	uint64_t marks[2] = { 0 }, records = 0, written = trib_journal_next(journal);
	int64_t start_ns = now_ns(), cpu_ns = trib_cpu_process_ns();
	struct trib_journal_batch batch;

	while (now_ns() - start_ns < run_ns) {
		if (records >= ahead && marks[records % ahead] > written)
			written = wait_written(journal, marks[records % ahead] - 1);
		if (trib_journal_begin(journal, &batch) != TRIB_OK)
			break;
		memcpy(batch.payload, &records, sizeof(records));
		if (trib_journal_append(journal, bytes - 64, &marks[records % ahead]) != TRIB_OK)
			break;
		records++;
	}
	struct trib_journal_progress progress;
	struct trib_journal_failure failure;

	check(trib_journal_wait(journal, &progress, &failure), &failure.error);
	return rate_of(records, bytes, now_ns() - start_ns, trib_cpu_process_ns() - cpu_ns);
}

static int by_rate(const void *a, const void *b)
{
	double x = ((const struct rate *)a)->per_second, y = ((const struct rate *)b)->per_second;

	return (x > y) - (x < y);
}

static struct rate median(struct rate *rates)
{
	qsort(rates, TURNS, sizeof(rates[0]), by_rate);
	return rates[TURNS / 2];
}

static void bench_writes(struct trib_journal *journal, int raw, int64_t run_ns)
{
	static const size_t sizes[] = { 8 << 10, 64 << 10, 256 << 10 };

	printf("%10s %12s %12s %9s %10s %10s %8s\n", "record", "handed over", "journal/s", "raw/s",
	       "cpu us/KiB", "raw us/KiB", "ratio");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(sizes); i++)
		for (unsigned ahead = 1; ahead <= 2; ahead++) {
			struct rate ours[TURNS], bare[TURNS], ratios[TURNS];

			for (int turn = 0; turn < TURNS; turn++) {
				bare[turn] = run_raw(raw, sizes[i], run_ns);
				ours[turn] = run_journal(journal, sizes[i], ahead, run_ns);
				ratios[turn].per_second =
					ours[turn].per_second / bare[turn].per_second;
			}
			struct rate us = median(ours), them = median(bare);

			printf("%6zu KiB %12u %12.0f %9.0f %10.2f %10.2f %8.2f\n", sizes[i] >> 10,
			       ahead, us.per_second, them.per_second, us.cpu_us_per_kib,
			       them.cpu_us_per_kib, median(ratios).per_second);
			fflush(stdout);
		}
}

/* The newest GiB at most, once to warm the page cache, then measured. */
static void bench_replay(struct trib_journal *journal)
{
	struct trib_journal_stats stats;
	uint64_t end = trib_journal_next(journal), from = trib_journal_first(journal);

	trib_journal_stats(journal, &stats);
	if (end - from > 1 << 30)
		from = (end - (1 << 30)) / stats.segment_bytes * stats.segment_bytes + 4096;
	for (int round = 0; round < 2; round++) {
		struct trib_journal_reader *reader;
		struct trib_journal_record record;
		struct trib_error error;
		uint64_t bytes = 0, records = 0;
		int64_t start_ns = now_ns(), cpu_ns = trib_cpu_thread_ns();
		trib_status status;

		check(trib_journal_reader_new(journal, from, &reader, &error), &error);
		while ((status = trib_journal_reader_next(reader, &record, &error)) == TRIB_OK) {
			bytes += record.payload.size;
			records++;
		}
		if (status != TRIB_NOT_FOUND)
			check(status, &error);
		trib_journal_reader_free(reader);
		printf("replay, %s: %" PRIu64
		       " records, %.0f MB, %.2f GB/s, %.2f GB per CPU-second\n",
		       round ? "from page cache" : "first time", records, (double)bytes / 1e6,
		       (double)bytes / (double)(now_ns() - start_ns),
		       (double)bytes / (double)(trib_cpu_thread_ns() - cpu_ns));
	}
}

int main(int count, char **words)
{
	char made[] = "bench-journal-XXXXXX", command[4200];
	char *folder = count > 1 ? words[1] : mkdtemp(made);
	int64_t run_ns = (int64_t)((count > 2 ? atof(words[2]) : 1) * 1e9);
	char path[4096];

	if (!folder)
		die("folder");
	snprintf(path, sizeof(path), "%s/journal", folder);
	struct trib_journal_options options = { .folder = path };
	struct trib_journal *journal;
	struct trib_error error;
	int64_t start_ns = now_ns();

	check(trib_journal_open(&options, &journal, &error), &error);
	printf("opened in %.0f ms%s%s\n", (double)(now_ns() - start_ns) / 1e6,
	       trib_journal_warning(journal) ? "; " : "", trib_journal_warning(journal) ?: "");
	int raw = make_raw_file(folder);

	if (raw < 0)
		die("raw file with O_DIRECT");
	bench_writes(journal, raw, run_ns);
	bench_replay(journal);
	close(raw);
	trib_journal_free(journal);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder == made ? made : path);
	return system(command) == 0 ? 0 : 1;
}
