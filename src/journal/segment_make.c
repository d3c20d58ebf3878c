/* Segments come and go in the background: made and zeroed before they are needed, unlinked once
 * trimmed. */
#include "journal/segment.h"

#include <errno.h>
#include <limits.h>

static const char unfinished_name[] = "unfinished";

static int write_zeros(struct segment_journal *journal, struct trib_disk_file *file, char *zeros,
		       size_t step)
{
	for (uint64_t offset = 0; offset < journal->layout.segment_bytes; offset += step) {
		if (atomic_load(&journal->stopping))
			return ECANCELED;
		int failed = journal->disk->pwrite(journal->disk, file, zeros, step, offset);

		if (failed)
			return failed;
	}
	return 0;
}

/* All of the file but its name: room, zeros, header, durable. */
static int fill_segment(struct segment_journal *journal, struct trib_disk_file *file,
			uint32_t segment)
{
	struct trib_disk *disk = journal->disk;
	size_t step = TRIB_MIN((uint64_t)SEGMENT_ZEROS, journal->layout.segment_bytes);
	char *zeros = aligned_alloc(TRIB_DISK_BLOCK, step);

	trib_assert(zeros);
	memset(zeros, 0, step);
	int failed = disk->truncate(disk, file, 0);

	if (!failed)
		failed = disk->allocate(disk, file, journal->layout.segment_bytes);
	if (!failed)
		failed = write_zeros(journal, file, zeros, step);
	if (!failed) {
		trib_segment_header_write(&journal->layout, segment, atomic_load(&journal->epoch),
					  zeros);
		failed = disk->pwrite(disk, file, zeros, TRIB_DISK_BLOCK, 0);
	}
	if (!failed)
		failed = disk->sync(disk, file);
	free(zeros);
	return failed;
}

/*
 * A segment gets its name when it is whole and durable, so that a file with a segment's name always
 * has a segment's size and header. What could not be finished gives its room back.
 */
static int make_segment(struct segment_journal *journal, uint32_t segment)
{
	struct trib_disk *disk = journal->disk;
	char name[TRIB_SEGMENT_NAME_MAX], path[PATH_MAX], unfinished[PATH_MAX];
	struct trib_disk_file *file;
	unsigned flags = trib_segment_write_flags(journal) & ~(unsigned)TRIB_DISK_DURABLE;

	trib_segment_name(segment, name);
	trib_segment_path(journal, name, path);
	trib_segment_path(journal, unfinished_name, unfinished);
	int failed = disk->open(disk, unfinished, flags | TRIB_DISK_CREATE, &file);

	if (failed)
		return failed;
	failed = fill_segment(journal, file, segment);
	disk->close(disk, file);
	if (!failed)
		failed = disk->rename(disk, unfinished, path);
	if (failed) {
		disk->unlink(disk, unfinished);
		return failed;
	}
	return disk->sync_folder(disk, journal->folder);
}

unsigned trib_segment_write_flags(const struct segment_journal *journal)
{
	return TRIB_DISK_WRITE |
	       (atomic_load(&journal->direct) ? TRIB_DISK_DIRECT | TRIB_DISK_DURABLE : 0);
}

void trib_segment_make_run(struct trib_disk_job *job)
{
	struct segment_journal *journal = job->owner;

	pthread_mutex_lock(&journal->lock);
	journal->make_error = 0;
	while (journal->made < journal->make_wanted && !journal->make_error) {
		uint32_t segment = journal->made + 1;

		pthread_mutex_unlock(&journal->lock);
		int failed = make_segment(journal, segment);

		pthread_mutex_lock(&journal->lock);
		journal->make_error = failed;
		if (!failed) {
			journal->made = segment;
			journal->stats.segments_made++;
		}
	}
	journal->making = false;
	pthread_mutex_unlock(&journal->lock);
}

/* With the lock held. */
static void start_making(struct segment_journal *journal, uint32_t segment)
{
	journal->make_wanted = TRIB_MAX(journal->make_wanted, segment);
	if (journal->making || journal->made >= segment)
		return;
	journal->making = true;
	journal->disk->submit(journal->disk, journal->lanes, TRIB_DISK_BACKGROUND,
			      &journal->make_job, 0);
}

void trib_segment_want(struct segment_journal *journal, uint32_t segment)
{
	pthread_mutex_lock(&journal->lock);
	start_making(journal, segment);
	pthread_mutex_unlock(&journal->lock);
}

/* An attempt that is under way may have been doomed before there was room again: the second is our
 * own. */
int trib_segment_need(struct segment_journal *journal, uint32_t segment)
{
	int failed = 0;

	pthread_mutex_lock(&journal->lock);
	for (int attempt = 0; attempt < 2 && journal->made < segment; attempt++) {
		start_making(journal, segment);
		pthread_mutex_unlock(&journal->lock);
		journal->disk->wait(journal->disk, journal->lanes, &journal->make_job);
		pthread_mutex_lock(&journal->lock);
	}
	if (journal->made < segment)
		failed = journal->make_error ? journal->make_error : EIO;
	pthread_mutex_unlock(&journal->lock);
	return failed;
}

/* Oldest first, each durably gone before the next: a crash leaves no gap. */
void trib_segment_trim_run(struct trib_disk_job *job)
{
	struct segment_journal *journal = job->owner;
	struct trib_disk *disk = journal->disk;
	int failed = 0;

	pthread_mutex_lock(&journal->lock);
	while (journal->kept < journal->trim_wanted && !failed) {
		char name[TRIB_SEGMENT_NAME_MAX], path[PATH_MAX];

		trib_segment_name(journal->kept, name);
		pthread_mutex_unlock(&journal->lock);
		trib_segment_path(journal, name, path);
		failed = disk->unlink(disk, path);
		if (failed == ENOENT)
			failed = 0;
		if (!failed)
			failed = disk->sync_folder(disk, journal->folder);
		pthread_mutex_lock(&journal->lock);
		if (!failed) {
			journal->kept++;
			journal->stats.segments_trimmed++;
		}
	}
	journal->trimming = false; /* what failed is tried again by the next trim */
	pthread_mutex_unlock(&journal->lock);
}
