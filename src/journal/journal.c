/* The door: checks options, then hands every call to the journal's home. */
#include "journal/home.h"
#include "journal/format.h"

enum { INTERVAL_MS_DEFAULT = 100, INTERVAL_MS_MAX = 60000 };
#define SEGMENT_BYTES_DEFAULT (UINT64_C(64) << 20)
#define RING_BYTES_DEFAULT    (UINT64_C(256) << 20)
#define RING_BYTES_MAX	      (UINT64_C(1) << 36)

static trib_status check_size(const char *at, uint64_t bytes, uint64_t low, uint64_t high,
			      struct trib_error *error)
{
	if (bytes >= low && bytes <= high && (bytes & (bytes - 1)) == 0)
		return TRIB_OK;
	return trib_fail(
		error, TRIB_INVALID, at, "found %llu, expected a power of two from %llu to %llu",
		(unsigned long long)bytes, (unsigned long long)low, (unsigned long long)high);
}

trib_status trib_journal_open(const struct trib_journal_options *options,
			      struct trib_journal **ret_journal, struct trib_error *error)
{
	struct trib_journal_options all = *options;

	if (!all.folder || !all.folder[0])
		return trib_fail(error, TRIB_INVALID, "folder", "found none, expected a path");
	if (!all.disk)
		all.disk = trib_disk_system();
	if (!all.segment_bytes)
		all.segment_bytes = SEGMENT_BYTES_DEFAULT;
	if (!all.ring_bytes)
		all.ring_bytes = TRIB_MAX(RING_BYTES_DEFAULT, all.segment_bytes);
	if (!all.interval_ms)
		all.interval_ms = INTERVAL_MS_DEFAULT;
	trib_status status = check_size("segment_bytes", all.segment_bytes, TRIB_SEGMENT_BYTES_MIN,
					TRIB_SEGMENT_BYTES_MAX, error);

	if (status == TRIB_OK)
		status = check_size("ring_bytes", all.ring_bytes, all.segment_bytes, RING_BYTES_MAX,
				    error);
	if (status != TRIB_OK)
		return status;
	if (all.interval_ms < 1 || all.interval_ms > INTERVAL_MS_MAX)
		return trib_fail(error, TRIB_INVALID, "interval_ms", "found %lld, expected 1 to %d",
				 (long long)all.interval_ms, INTERVAL_MS_MAX);
	return trib_segment_journal_open(&all, ret_journal, error);
}

void trib_journal_free(struct trib_journal *journal)
{
	if (journal)
		journal->home->free(journal);
}

enum trib_journal_state trib_journal_state(const struct trib_journal *journal)
{
	return journal->home->state(journal);
}

const char *trib_journal_warning(const struct trib_journal *journal)
{
	return journal->home->warning(journal);
}

trib_status trib_journal_begin(struct trib_journal *journal, struct trib_journal_batch *ret_batch)
{
	return journal->home->begin(journal, ret_batch);
}

trib_status trib_journal_append(struct trib_journal *journal, size_t size, uint64_t *ret_next)
{
	return journal->home->append(journal, size, ret_next);
}

trib_status trib_journal_poll(struct trib_journal *journal,
			      struct trib_journal_progress *ret_progress,
			      struct trib_journal_failure *ret_failure)
{
	return journal->home->poll(journal, ret_progress, ret_failure);
}

int trib_journal_event_fd(const struct trib_journal *journal)
{
	return journal->home->event_fd(journal);
}

trib_status trib_journal_wait(struct trib_journal *journal,
			      struct trib_journal_progress *ret_progress,
			      struct trib_journal_failure *ret_failure)
{
	journal->home->wait(journal);
	return journal->home->poll(journal, ret_progress, ret_failure);
}

trib_status trib_journal_sync(struct trib_journal *journal)
{
	return journal->home->sync(journal);
}

trib_status trib_journal_probe(struct trib_journal *journal)
{
	return journal->home->probe(journal);
}

const char *trib_journal_recent(const struct trib_journal *journal, uint64_t position, size_t size)
{
	return journal->home->recent(journal, position, size);
}

trib_status trib_journal_fetch(struct trib_journal *journal, struct trib_journal_fetch *fetches,
			       size_t count, struct trib_error *error)
{
	return journal->home->fetch(journal, fetches, count, error);
}

trib_status trib_journal_reader_new(struct trib_journal *journal, uint64_t from,
				    struct trib_journal_reader **ret_reader,
				    struct trib_error *error)
{
	return journal->home->reader_new(journal, from, ret_reader, error);
}

trib_status trib_journal_reader_next(struct trib_journal_reader *reader,
				     struct trib_journal_record *ret_record,
				     struct trib_error *error)
{
	return reader->home->reader_next(reader, ret_record, error);
}

void trib_journal_reader_free(struct trib_journal_reader *reader)
{
	if (reader)
		reader->home->reader_free(reader);
}

trib_status trib_journal_trim(struct trib_journal *journal, uint64_t before)
{
	return journal->home->trim(journal, before);
}

uint32_t trib_journal_epoch(const struct trib_journal *journal)
{
	return journal->home->epoch(journal);
}

uint64_t trib_journal_first(const struct trib_journal *journal)
{
	return journal->home->first(journal);
}

uint64_t trib_journal_next(const struct trib_journal *journal)
{
	return journal->home->next(journal);
}

size_t trib_journal_batch_bytes_max(const struct trib_journal *journal)
{
	return journal->home->batch_bytes_max(journal);
}

void trib_journal_stats(const struct trib_journal *journal, struct trib_journal_stats *ret_stats)
{
	journal->home->stats(journal, ret_stats);
}
