/*
 * From READ_ONLY to WRITABLE. An opening has looked at the log; now it takes it over. Each step may
 * be done again after a crash or a failure, and none may come before those above it:
 *
 *	prove the tail           by a sync, if that is enough; then it can be read, whatever comes
 *	raise the epoch          whoever had the log before is fenced
 *	cut                      what stood behind the end becomes zeros: never to be taken for
 * records make the tail durable    records that were written but perhaps not durable are ours now
 *	make segments            the one to write to, and one ahead
 *	write the opening record proves that the disk takes writes; carries the new epoch
 */
#include "journal/segment.h"

#include <errno.h>
#include <limits.h>

static trib_status fail_claim(struct segment_journal *journal, int os_error, const char *at,
			      const char *what)
{
	return trib_segment_fail(journal, TRIB_JOURNAL_READ_ONLY, TRIB_IO, os_error, at, what);
}

/* --- Epoch --------------------------------------------------------------------------------------- */

static int write_slot_direct(struct segment_journal *journal, const char *block, uint64_t offset)
{
	struct trib_disk *disk = journal->disk;
	struct trib_disk_file *file;
	char path[PATH_MAX];

	trib_segment_path(journal, "epoch", path);
	int failed = disk->open(disk, path, trib_segment_write_flags(journal), &file);

	if (failed)
		return failed;
	failed = disk->pwrite(disk, file, block, TRIB_DISK_BLOCK, offset);
	disk->close(disk, file);
	return failed;
}

/* The first write of every opening; hence also the one that finds out whether O_DIRECT works here.
 */
static int write_slot(struct segment_journal *journal, const char *block, uint64_t offset)
{
	struct trib_disk *disk = journal->disk;
	int failed;

	if (atomic_load(&journal->direct)) {
		failed = write_slot_direct(journal, block, offset);
		if (failed != EINVAL && failed != EOPNOTSUPP)
			return failed;
		atomic_store(&journal->direct, false);
		snprintf(
			journal->warning, sizeof(journal->warning),
			"O_DIRECT is refused in %.100s (%s): records go through the page cache and "
			"fdatasync, which is slower",
			journal->folder, strerror(failed));
		atomic_store(&journal->warned, true);
	}
	failed = disk->pwrite(disk, journal->epoch_file, block, TRIB_DISK_BLOCK, offset);
	return failed ? failed : disk->sync(disk, journal->epoch_file);
}

static trib_status raise_epoch(struct segment_journal *journal)
{
	uint32_t epoch = atomic_load(&journal->epoch);
	char *block = journal->mark_record;

	if (!journal->epoch_raised) {
		trib_epoch_slot_write(&journal->layout, epoch, block);
		int failed = write_slot(journal, block, epoch % 2 * (uint64_t)TRIB_DISK_BLOCK);

		if (failed)
			return fail_claim(journal, failed, "epoch", "write the epoch");
		journal->epoch_raised = true;
	}
	if (!journal->folder_synced) {
		int failed = journal->disk->sync_folder(journal->disk, journal->folder);

		if (failed)
			return fail_claim(journal, failed, journal->folder,
					  "make the folder durable");
		journal->folder_synced = true;
	}
	return TRIB_OK;
}

/* --- Cutting ------------------------------------------------------------------------------------- */

/* Last first, each durably gone before the next: a crash leaves no gap. */
static trib_status drop_later(struct segment_journal *journal)
{
	struct trib_recovery *recovered = &journal->recovered;
	struct trib_disk *disk = journal->disk;
	uint32_t end = trib_address_segment(&journal->layout, recovered->end);

	for (uint32_t segment = recovered->last_segment; segment > end; segment--) {
		char name[TRIB_SEGMENT_NAME_MAX], path[PATH_MAX];

		trib_segment_name(segment, name);
		trib_segment_path(journal, name, path);
		int failed = disk->unlink(disk, path);

		if (!failed)
			failed = disk->sync_folder(disk, journal->folder);
		if (failed)
			return fail_claim(journal, failed, name, "remove it");
		recovered->last_segment = segment - 1;
		pthread_mutex_lock(&journal->lock);
		journal->made = segment - 1;
		pthread_mutex_unlock(&journal->lock);
	}
	recovered->drop_later = false;
	return TRIB_OK;
}

static int zero_range(struct segment_journal *journal, struct trib_disk_file *file, uint64_t offset,
		      uint64_t bytes)
{
	size_t step = SEGMENT_ZEROS;
	char *zeros = aligned_alloc(TRIB_DISK_BLOCK, step);
	int failed = 0;

	trib_assert(zeros);
	memset(zeros, 0, step);
	for (uint64_t done = 0; done < bytes && !failed; done += step)
		failed = journal->disk->pwrite(journal->disk, file, zeros,
					       TRIB_MIN(step, bytes - done), offset + done);
	free(zeros);
	return failed;
}

static int open_segment(struct segment_journal *journal, uint32_t segment,
			struct trib_disk_file **ret_file)
{
	char name[TRIB_SEGMENT_NAME_MAX], path[PATH_MAX];

	trib_segment_name(segment, name);
	trib_segment_path(journal, name, path);
	return journal->disk->open(journal->disk, path, TRIB_DISK_WRITE, ret_file);
}

static trib_status cut(struct segment_journal *journal)
{
	struct trib_recovery *recovered = &journal->recovered;
	struct trib_disk *disk = journal->disk;
	struct trib_disk_file *file;
	const char *at = trib_address_text(&journal->layout, recovered->end);
	int failed = open_segment(journal, trib_address_segment(&journal->layout, recovered->end),
				  &file);

	if (!failed) {
		failed = zero_range(journal, file,
				    trib_address_offset(&journal->layout, recovered->end),
				    recovered->cut_bytes);
		if (!failed)
			failed = disk->sync(disk, file);
		disk->close(disk, file);
	}
	if (failed)
		return fail_claim(journal, failed, at, "cut off a torn record");
	pthread_mutex_lock(&journal->lock);
	journal->stats.cut_bytes += recovered->cut_bytes;
	pthread_mutex_unlock(&journal->lock);
	recovered->cut_bytes = 0;
	return TRIB_OK;
}

/* --- The tail ------------------------------------------------------------------------------------ */

/*
 * Writes again what lies in [from, to) of one segment. After a sync that failed, the kernel may
 * hold such pages as clean though the disk has not got them: only writing makes the next sync mean
 * something.
 */
static int rewrite(struct segment_journal *journal, struct trib_disk_file *file, uint64_t from,
		   uint64_t to)
{
	struct trib_disk *disk = journal->disk;
	char *bytes = trib_alloc(SEGMENT_ZEROS);
	int failed = 0;

	for (uint64_t offset = from; offset < to && !failed; offset += SEGMENT_ZEROS) {
		size_t size = TRIB_MIN((uint64_t)SEGMENT_ZEROS, to - offset), got = 0;

		failed = disk->pread(disk, file, bytes, size, offset, &got);
		if (!failed)
			failed = disk->pwrite(disk, file, bytes, got, offset);
	}
	free(bytes);
	return failed;
}

static int sync_segment(struct segment_journal *journal, uint32_t segment)
{
	struct trib_disk_file *file;
	int failed = open_segment(journal, segment, &file);

	if (failed)
		return failed;
	failed = journal->disk->sync(journal->disk, file);
	journal->disk->close(journal->disk, file);
	return failed;
}

/*
 * Records that went past the page cache need no more than a sync, which may be tried by anybody: an opening that
 * cannot write can then show all of them.
 */
static void prove_tail(struct segment_journal *journal)
{
	struct trib_recovery *recovered = &journal->recovered;
	uint32_t last = trib_address_segment(&journal->layout, recovered->end);
	int failed = 0;

	if (recovered->flags & TRIB_RECORD_CACHED || recovered->durable >= recovered->end)
		return;
	for (uint32_t segment = trib_address_segment(&journal->layout, recovered->durable);
	     segment <= TRIB_MIN(last, recovered->last_segment) && !failed; segment++)
		failed = sync_segment(journal, segment);
	if (!failed)
		recovered->durable = recovered->end;
}

static trib_status make_tail_durable(struct segment_journal *journal)
{
	struct trib_recovery *recovered = &journal->recovered;
	const struct trib_segment_layout *layout = &journal->layout;
	bool cached = recovered->flags & TRIB_RECORD_CACHED;

	while (recovered->durable < recovered->end) {
		uint32_t segment = trib_address_segment(layout, recovered->durable);
		uint64_t next = trib_address(layout, segment + 1, TRIB_SEGMENT_DATA);
		uint64_t end = TRIB_MIN(recovered->end, trib_address(layout, segment + 1, 0));
		struct trib_disk_file *file;
		int failed = open_segment(journal, segment, &file);

		if (!failed) {
			if (cached)
				failed = rewrite(journal, file,
						 trib_address_offset(layout, recovered->durable),
						 end - trib_address(layout, segment, 0));
			if (!failed)
				failed = journal->disk->sync(journal->disk, file);
			journal->disk->close(journal->disk, file);
		}
		if (failed)
			return fail_claim(journal, failed,
					  trib_address_text(layout, recovered->durable),
					  "make the last records durable");
		recovered->durable = TRIB_MIN(recovered->end, next);
	}
	return TRIB_OK;
}

/* --- All of it ----------------------------------------------------------------------------------- */

/*
 * Tells what is known to be durable. Whoever has read the log without it must read it again: then this opening
 * has done its work, and the next one shows all.
 */
static trib_status show_tail(struct segment_journal *journal)
{
	uint64_t durable = journal->recovered.durable, shown = atomic_load(&journal->written);

	if (shown < durable && atomic_load(&journal->opened))
		return trib_segment_fail(journal, TRIB_JOURNAL_FAILED, TRIB_IO, EAGAIN,
					 trib_address_text(&journal->layout, shown),
					 "be opened again: more is durable than was known");
	if (shown < durable)
		atomic_store(&journal->written, durable);
	atomic_store(&journal->durable, durable);
	return TRIB_OK;
}

static trib_status make_segments(struct segment_journal *journal)
{
	uint32_t ahead = trib_address_segment(&journal->layout, journal->recovered.end) + 1;
	int failed = trib_segment_need(journal, ahead);
	char name[TRIB_SEGMENT_NAME_MAX];

	if (!failed)
		return TRIB_OK;
	trib_segment_name(ahead, name);
	return fail_claim(journal, failed, name, "make the segments up to it");
}

static trib_status claim(struct segment_journal *journal)
{
	uint64_t next;

	prove_tail(journal);
	trib_status status = show_tail(journal);

	if (status == TRIB_OK)
		status = raise_epoch(journal);
	if (status == TRIB_OK && journal->recovered.drop_later)
		status = drop_later(journal);
	if (status == TRIB_OK && journal->recovered.cut_bytes > 0)
		status = cut(journal);
	if (status == TRIB_OK)
		status = make_tail_durable(journal);
	if (status == TRIB_OK)
		status = show_tail(journal);
	if (status == TRIB_OK)
		status = make_segments(journal);
	if (status == TRIB_OK)
		status = trib_segment_put_mark_record(journal, journal->recovered.end,
						      TRIB_RECORD_OPEN, TRIB_JOURNAL_READ_ONLY,
						      &next);
	if (status != TRIB_OK)
		return status;
	journal->head = next;
	journal->ring_low = next;
	atomic_store(&journal->state, TRIB_JOURNAL_WRITABLE);
	return TRIB_OK;
}

void trib_segment_claim_run(struct trib_disk_job *job)
{
	struct segment_journal *journal = job->owner;

	claim(journal);
	atomic_store(&journal->probing, false);
	trib_segment_wake(journal);
}
