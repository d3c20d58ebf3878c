/* The writer lane: one record at a time from the ring to the disk. */
#include "journal/segment.h"

#include <errno.h>
#include <limits.h>

/* --- Fencing ------------------------------------------------------------------------------------- */

/*
 * Is this opening still the latest? The lock keeps others out where locks work. Where they do not
 * (a shared file system, a lock file deleted by hand) a later opener has raised the epoch first.
 * Asked before a write, this spares the new owner's records; asked after it, it makes sure that
 * what we call written was there when the later owner looked for the end of the log.
 */
static trib_status check_epoch(struct segment_journal *journal, enum trib_journal_state state)
{
	struct trib_disk *disk = journal->disk;
	char slots[TRIB_DISK_BLOCK + sizeof(struct trib_epoch_slot)];
	uint32_t ours = atomic_load(&journal->epoch), found[2];
	size_t got = 0;
	bool linked = false;
	int failed = disk->linked(disk, journal->epoch_file, &linked);

	if (!failed)
		failed = disk->pread(disk, journal->epoch_file, slots, sizeof(slots), 0, &got);
	if (failed)
		return trib_segment_fail(journal, state, TRIB_IO, failed, "epoch",
					 "read the epoch");
	found[0] = got >= sizeof(struct trib_epoch_slot)
			   ? trib_epoch_slot_read(&journal->layout, slots)
			   : 0;
	found[1] = got == sizeof(slots)
			   ? trib_epoch_slot_read(&journal->layout, slots + TRIB_DISK_BLOCK)
			   : 0;
	if (!linked || found[ours % 2] != ours || found[(ours + 1) % 2] > ours)
		return trib_segment_fail(journal, state, TRIB_FENCED, 0, "epoch",
					 linked ? "be the latest" : "find it in its folder");
	return TRIB_OK;
}

/* --- Which file ---------------------------------------------------------------------------------- */

void trib_segment_file_close(struct segment_journal *journal)
{
	if (journal->file)
		journal->disk->close(journal->disk, journal->file);
	journal->file = NULL;
	journal->file_segment = 0;
}

static void raise_mark(_Atomic uint64_t *mark, uint64_t value)
{
	uint64_t now = atomic_load(mark);

	while (now < value && !atomic_compare_exchange_weak(mark, &now, value))
		;
}

static void finish_run(struct trib_disk_job *job)
{
	struct segment_journal *journal = job->owner;
	struct segment_finish_job *finish =
		(struct segment_finish_job *)((char *)job -
					      offsetof(struct segment_finish_job, job));
	int failed = journal->disk->sync(journal->disk, finish->file);

	journal->disk->close(journal->disk, finish->file);
	if (failed)
		trib_segment_fail(journal, TRIB_JOURNAL_FAILED, TRIB_IO, failed,
				  trib_address_text(&journal->layout, finish->mark),
				  "make the segment before it durable");
	else if (atomic_load(&journal->state) == TRIB_JOURNAL_WRITABLE)
		raise_mark(&journal->durable, finish->mark);
	trib_segment_wake(journal);
}

static void reap_finished(struct segment_journal *journal)
{
	while (journal->finishing) {
		struct segment_finish_job *finish = journal->finishing;

		journal->disk->wait(journal->disk, journal->lanes, &finish->job);
		journal->finishing = finish->next;
		free(finish);
	}
}

static trib_status sync_file(struct segment_journal *journal, enum trib_journal_state state)
{
	int failed = journal->file ? journal->disk->sync(journal->disk, journal->file) : 0;

	if (failed)
		return trib_segment_fail(
			journal, state, TRIB_IO, failed,
			trib_address_text(&journal->layout, atomic_load(&journal->durable)),
			"make the records behind it durable");
	pthread_mutex_lock(&journal->lock);
	journal->stats.syncs++;
	pthread_mutex_unlock(&journal->lock);
	return TRIB_OK;
}

/* All that is written, made durable: in the order of the log, so that `durable` never jumps a gap.
 */
static trib_status sync_written(struct segment_journal *journal, enum trib_journal_state state)
{
	uint64_t written = atomic_load(&journal->written);

	reap_finished(journal);
	if (atomic_load(&journal->state) == TRIB_JOURNAL_FAILED)
		return TRIB_IO;
	if (atomic_load(&journal->durable) >= written)
		return TRIB_OK;
	trib_status status = sync_file(journal, state);

	if (status == TRIB_OK)
		raise_mark(&journal->durable, written);
	return status;
}

/* Leaves the file that is full: by sync mode, its records must be made durable first, or soon. */
static trib_status leave_file(struct segment_journal *journal, enum trib_journal_state state)
{
	uint64_t written = atomic_load(&journal->written);

	if (!journal->file || atomic_load(&journal->durable) >= written)
		return TRIB_OK;
	if (journal->sync == TRIB_JOURNAL_SYNC_INTERVAL)
		return sync_written(journal, state);

	struct segment_finish_job *finish = trib_alloc_zeroed(1, sizeof(*finish));

	/* At most two at a time: a disk that cannot keep up slows the writer down. */
	if (journal->finishing && journal->finishing->next)
		reap_finished(journal);
	finish->job.run = finish_run;
	finish->job.owner = journal;
	finish->file = TRIB_TAKE_PTR(journal->file);
	finish->mark = written;
	finish->next = journal->finishing;
	journal->finishing = finish;
	journal->disk->submit(journal->disk, journal->lanes, TRIB_DISK_BACKGROUND, &finish->job, 0);
	return TRIB_OK;
}

/* Has journal->file be the file of that segment. */
static trib_status enter_file(struct segment_journal *journal, uint32_t segment,
			      enum trib_journal_state state)
{
	struct trib_disk *disk = journal->disk;
	char name[TRIB_SEGMENT_NAME_MAX], path[PATH_MAX];
	unsigned flags = journal->sync == TRIB_JOURNAL_SYNC_BATCH
				 ? trib_segment_write_flags(journal)
				 : (unsigned)TRIB_DISK_WRITE;

	if (journal->file && journal->file_segment == segment)
		return TRIB_OK;
	trib_status status = leave_file(journal, state);

	if (status != TRIB_OK)
		return status;
	trib_segment_file_close(journal);
	trib_segment_name(segment, name);
	trib_segment_path(journal, name, path);
	int failed = trib_segment_need(journal, segment);

	if (failed)
		return trib_segment_fail(journal, state, TRIB_IO, failed, name,
					 "make this segment");
	failed = disk->open(disk, path, flags, &journal->file);
	if (failed)
		return trib_segment_fail(journal, state, TRIB_IO, failed, name,
					 "open it for writing");
	journal->file_segment = segment;
	journal->file_durable = flags & TRIB_DISK_DURABLE;
	trib_segment_want(journal, segment + SEGMENTS_AHEAD);
	return TRIB_OK;
}

/* --- Records ------------------------------------------------------------------------------------- */

/* Seals and writes one record; returns once it is written, and durable if `durable` says so. */
static trib_status put_record(struct segment_journal *journal, char *record, uint64_t mark,
			      int kind, uint32_t length, bool durable,
			      enum trib_journal_state state)
{
	struct trib_disk *disk = journal->disk;
	struct trib_record_header header = {
		.kind = (uint8_t)kind,
		.position = mark + TRIB_RECORD_HEADER_BYTES,
		.epoch = atomic_load(&journal->epoch),
		.length = length,
		.previous = journal->previous,
	};
	trib_status status =
		enter_file(journal, trib_address_segment(&journal->layout, mark), state);

	if (status == TRIB_OK)
		status = check_epoch(journal, state);
	if (status != TRIB_OK)
		return status;
	/* Only now: entering the file may have made records durable. */
	header.durable = atomic_load(&journal->durable);
	header.flags = (journal->sync == TRIB_JOURNAL_SYNC_BATCH ? 0 : TRIB_RECORD_RELAXED) |
		       (journal->file_durable ? 0 : TRIB_RECORD_CACHED);
	uint32_t checksum = trib_record_seal(&journal->layout, record, header);
	int failed = disk->pwrite(disk, journal->file, record, trib_record_bytes(length),
				  trib_address_offset(&journal->layout, mark));

	if (failed)
		return trib_segment_fail(journal, state, TRIB_IO, failed,
					 trib_address_text(&journal->layout, mark),
					 "write a record");
	if (durable && !journal->file_durable)
		status = sync_file(journal, state);
	if (status == TRIB_OK)
		status = check_epoch(journal, state);
	if (status == TRIB_OK)
		journal->previous = checksum;
	return status;
}

static void note_record(struct segment_journal *journal, const struct segment_record_job *record,
			int64_t took_ns)
{
	pthread_mutex_lock(&journal->lock);
	journal->stats.records++;
	journal->stats.payload_bytes += record->length;
	journal->stats.written_bytes += trib_record_bytes(record->length);
	trib_histogram_record(&journal->stats.write_ns, took_ns > 0 ? (uint64_t)took_ns : 0);
	pthread_mutex_unlock(&journal->lock);
}

static void write_job(struct segment_journal *journal, const struct segment_record_job *record)
{
	bool durable = journal->sync == TRIB_JOURNAL_SYNC_BATCH;
	int64_t start_ns = journal->disk->now_ns(journal->disk);
	char *memory = journal->ring + (record->mark & (journal->ring_bytes - 1));
	uint64_t next = trib_address_mark(&journal->layout,
					  record->mark + trib_record_bytes(record->length));

	if (put_record(journal, memory, record->mark, TRIB_RECORD_BATCH, record->length, durable,
		       TRIB_JOURNAL_FAILED) != TRIB_OK)
		return;
	if (durable)
		raise_mark(&journal->durable, next);
	raise_mark(&journal->written, next);
	note_record(journal, record, journal->disk->now_ns(journal->disk) - start_ns);
	if (journal->sync == TRIB_JOURNAL_SYNC_INTERVAL && !journal->sync_queued) {
		journal->sync_queued = true;
		journal->disk->submit(journal->disk, journal->lanes, TRIB_DISK_WRITER,
				      &journal->sync_job, journal->interval_ns);
	}
}

void trib_segment_record_run(struct trib_disk_job *job)
{
	struct segment_journal *journal = job->owner;

	if (atomic_load(&journal->state) == TRIB_JOURNAL_WRITABLE)
		write_job(journal, (const struct segment_record_job *)job);
	atomic_fetch_add(&journal->done, 1);
	trib_segment_wake(journal);
}

void trib_segment_sync_run(struct trib_disk_job *job)
{
	struct segment_journal *journal = job->owner;

	journal->sync_queued = false;
	if (atomic_load(&journal->state) == TRIB_JOURNAL_WRITABLE)
		sync_written(journal, TRIB_JOURNAL_FAILED);
	trib_segment_wake(journal);
}

void trib_segment_sync_now_run(struct trib_disk_job *job)
{
	struct segment_journal *journal = job->owner;

	atomic_store(&journal->sync_asked, false);
	if (atomic_load(&journal->state) == TRIB_JOURNAL_WRITABLE)
		sync_written(journal, TRIB_JOURNAL_FAILED);
	if (atomic_load(&journal->state) == TRIB_JOURNAL_WRITABLE &&
	    atomic_load(&journal->durable) < atomic_load(&journal->sync_wanted) &&
	    !atomic_exchange(&journal->sync_asked, true))
		journal->disk->submit(journal->disk, journal->lanes, TRIB_DISK_WRITER, job, 0);
	trib_segment_wake(journal);
}

trib_status trib_segment_put_mark_record(struct segment_journal *journal, uint64_t mark, int kind,
					 enum trib_journal_state state, uint64_t *ret_next)
{
	trib_status status = put_record(journal, journal->mark_record, mark, kind, 0, true, state);

	if (status != TRIB_OK)
		return status;
	*ret_next = trib_address_mark(&journal->layout, mark + trib_record_bytes(0));
	raise_mark(&journal->durable, *ret_next);
	raise_mark(&journal->written, *ret_next);
	return TRIB_OK;
}

/* The last job of an opening. The closing record makes sure that the last batch is not the last
 * record. */
void trib_segment_close_run(struct trib_disk_job *job)
{
	struct segment_journal *journal = job->owner;
	uint64_t next;

	if (atomic_load(&journal->state) == TRIB_JOURNAL_WRITABLE &&
	    sync_written(journal, TRIB_JOURNAL_FAILED) == TRIB_OK)
		trib_segment_put_mark_record(journal, atomic_load(&journal->written),
					     TRIB_RECORD_CLOSE, TRIB_JOURNAL_FAILED, &next);
	reap_finished(journal);
	trib_segment_file_close(journal);
}
