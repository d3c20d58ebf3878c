/* The engine's side of the segment home. */
#include "journal/segment.h"

#include <errno.h>
#include <limits.h>
#include <sys/mman.h>

/* --- What lanes and engine share ----------------------------------------------------------------- */

void trib_segment_path(const struct segment_journal *journal, const char *name,
		       char ret_path[PATH_MAX])
{
	snprintf(ret_path, PATH_MAX, "%s/%s", journal->folder, name);
}

void trib_segment_wake(struct segment_journal *journal)
{
	journal->disk->wake(journal->disk, journal->lanes);
}

trib_status trib_segment_fail(struct segment_journal *journal, enum trib_journal_state state,
			      trib_status status, int os_error, const char *at, const char *what)
{
	struct trib_journal_failure failure = { .status = status, .os_error = os_error };

	trib_fail(&failure.error, status, at, "found %s, expected to %s",
		  status == TRIB_FENCED ? "that a later opening has taken the log"
					: strerror(os_error),
		  what);
	pthread_mutex_lock(&journal->lock);
	/* The first failure of an opening that was writable is the one to tell. */
	if (atomic_load(&journal->state) != TRIB_JOURNAL_FAILED) {
		journal->failure = failure;
		atomic_store(&journal->state, status == TRIB_FENCED ? TRIB_JOURNAL_FAILED : state);
	}
	pthread_mutex_unlock(&journal->lock);
	return status;
}

static trib_status copy_failure(struct segment_journal *journal,
				struct trib_journal_failure *ret_failure)
{
	pthread_mutex_lock(&journal->lock);
	struct trib_journal_failure failure = journal->failure;

	pthread_mutex_unlock(&journal->lock);
	if (ret_failure)
		*ret_failure = failure;
	return failure.status;
}

static enum trib_journal_state get_state(const struct trib_journal *base)
{
	return atomic_load(&((const struct segment_journal *)base)->state);
}

/* --- Writing ------------------------------------------------------------------------------------- */

static trib_status begin(struct trib_journal *base, struct trib_journal_batch *ret_batch)
{
	struct segment_journal *journal = (struct segment_journal *)base;
	enum trib_journal_state state = atomic_load(&journal->state);
	uint64_t end = journal->head + journal->layout.record_max;

	if (state != TRIB_JOURNAL_WRITABLE)
		return state == TRIB_JOURNAL_READ_ONLY ? TRIB_READ_ONLY
						       : copy_failure(journal, NULL);
	if (!journal->begun) {
		/* One slot stays unused: its job may be marked done only after `done` has been
		 * raised. */
		if (journal->appended - atomic_load(&journal->done) >= SEGMENT_QUEUE - 1 ||
		    end > atomic_load(&journal->written) + journal->ring_bytes)
			return TRIB_BUSY;
		if (end > journal->ring_bytes)
			journal->ring_low = TRIB_MAX(journal->ring_low, end - journal->ring_bytes);
		journal->begun = true;
	}
	uint64_t position = journal->head + TRIB_RECORD_HEADER_BYTES;

	*ret_batch = (struct trib_journal_batch){
		.payload = journal->ring + (position & (journal->ring_bytes - 1)),
		.capacity = journal->payload_max,
		.position = position,
	};
	return TRIB_OK;
}

static trib_status append(struct trib_journal *base, size_t size, uint64_t *ret_next)
{
	struct segment_journal *journal = (struct segment_journal *)base;
	struct segment_record_job *record = &journal->records[journal->appended % SEGMENT_QUEUE];

	trib_assert(journal->begun && size > 0 && size <= journal->payload_max);
	if (atomic_load(&journal->state) != TRIB_JOURNAL_WRITABLE)
		return copy_failure(journal, NULL);
	record->mark = journal->head;
	record->length = (uint32_t)size;
	journal->head =
		trib_address_mark(&journal->layout, journal->head + trib_record_bytes(size));
	journal->begun = false;
	journal->appended++;
	journal->disk->submit(journal->disk, journal->lanes, TRIB_DISK_WRITER, &record->job, 0);
	*ret_next = journal->head;
	return TRIB_OK;
}

static trib_status poll(struct trib_journal *base, struct trib_journal_progress *ret_progress,
			struct trib_journal_failure *ret_failure)
{
	struct segment_journal *journal = (struct segment_journal *)base;

	journal->disk->wake_clear(journal->disk, journal->lanes);
	/* State first: what was written before a failure is then seen with it. */
	enum trib_journal_state state = atomic_load(&journal->state);

	ret_progress->durable = atomic_load(&journal->durable);
	ret_progress->written = atomic_load(&journal->written);
	return state == TRIB_JOURNAL_WRITABLE ? TRIB_OK : copy_failure(journal, ret_failure);
}

static int event_fd(const struct trib_journal *base)
{
	const struct segment_journal *journal = (const struct segment_journal *)base;

	return journal->disk->event_fd(journal->disk, journal->lanes);
}

static void wait_for_job(struct segment_journal *journal, struct trib_disk_job *job)
{
	journal->disk->wait(journal->disk, journal->lanes, job);
}

static void wait_for_all(struct trib_journal *base)
{
	struct segment_journal *journal = (struct segment_journal *)base;

	for (size_t i = 0; i < SEGMENT_QUEUE; i++)
		wait_for_job(journal, &journal->records[i].job);
	wait_for_job(journal, &journal->sync_now_job);
	wait_for_job(journal, &journal->claim_job);
}

static trib_status ask_sync(struct trib_journal *base)
{
	struct segment_journal *journal = (struct segment_journal *)base;

	if (atomic_load(&journal->state) != TRIB_JOURNAL_WRITABLE)
		return copy_failure(journal, NULL);
	/*
	 * The job takes the flag down before it looks at what is wanted, so that nothing asked for is missed. One that
	 * waits already may stand in front of the newest records: it then goes behind them.
	 */
	atomic_store(&journal->sync_wanted, journal->head);
	if (!atomic_exchange(&journal->sync_asked, true))
		journal->disk->submit(journal->disk, journal->lanes, TRIB_DISK_WRITER,
				      &journal->sync_now_job, 0);
	return TRIB_OK;
}

static trib_status probe(struct trib_journal *base)
{
	struct segment_journal *journal = (struct segment_journal *)base;
	enum trib_journal_state state = atomic_load(&journal->state);

	if (journal->observe)
		return TRIB_FENCED;
	if (state != TRIB_JOURNAL_READ_ONLY)
		return state == TRIB_JOURNAL_WRITABLE ? TRIB_OK : copy_failure(journal, NULL);
	if (atomic_exchange(&journal->probing, true))
		return TRIB_BUSY;
	journal->disk->submit(journal->disk, journal->lanes, TRIB_DISK_WRITER, &journal->claim_job,
			      0);
	return TRIB_OK;
}

/* --- Keeping ------------------------------------------------------------------------------------- */

static trib_status trim(struct trib_journal *base, uint64_t before)
{
	struct segment_journal *journal = (struct segment_journal *)base;
	const struct trib_segment_layout *layout = &journal->layout;
	uint64_t durable = atomic_load(&journal->durable);
	uint64_t mark = TRIB_MIN(before, durable);

	if (atomic_load(&journal->state) != TRIB_JOURNAL_WRITABLE)
		return copy_failure(journal, NULL);
	/* The chain must keep its last record: the one before a mark that begins a segment is in
	 * the one before. */
	uint32_t last = trib_address_segment(layout, durable) -
			(trib_address_offset(layout, durable) == TRIB_SEGMENT_DATA);
	uint32_t segment = TRIB_MIN(trib_address_segment(layout, mark), last);

	pthread_mutex_lock(&journal->lock);
	if (segment > journal->kept) {
		journal->trim_wanted = TRIB_MAX(journal->trim_wanted, segment);
		atomic_store(&journal->first,
			     trib_address(layout, journal->trim_wanted, TRIB_SEGMENT_DATA));
		if (!journal->trimming)
			journal->disk->submit(journal->disk, journal->lanes, TRIB_DISK_BACKGROUND,
					      &journal->trim_job, 0);
		journal->trimming = true;
	}
	pthread_mutex_unlock(&journal->lock);
	/* The file that a fetch holds open may be one of them. */
	trib_window_forget(&journal->fetch_window);
	return TRIB_OK;
}

static uint32_t epoch(const struct trib_journal *base)
{
	return atomic_load(&((const struct segment_journal *)base)->epoch);
}

static uint64_t first(const struct trib_journal *base)
{
	return atomic_load(&((const struct segment_journal *)base)->first);
}

static uint64_t next(const struct trib_journal *base)
{
	return ((const struct segment_journal *)base)->head;
}

static size_t batch_bytes_max(const struct trib_journal *base)
{
	return ((const struct segment_journal *)base)->payload_max;
}

static void stats(const struct trib_journal *base, struct trib_journal_stats *ret_stats)
{
	struct segment_journal *journal = (struct segment_journal *)base;

	pthread_mutex_lock(&journal->lock);
	*ret_stats = journal->stats;
	ret_stats->segments = journal->made - journal->kept + 1;
	pthread_mutex_unlock(&journal->lock);
	ret_stats->segment_bytes = journal->layout.segment_bytes;
	ret_stats->ring_bytes = journal->ring_bytes;
	ret_stats->direct = atomic_load(&journal->direct);
	ret_stats->sync = journal->sync;
}

static const char *warning(const struct trib_journal *base)
{
	const struct segment_journal *journal = (const struct segment_journal *)base;

	return atomic_load(&journal->warned) ? journal->warning : NULL;
}

/* --- Opening and closing ------------------------------------------------------------------------- */

/* The ring is touched now: the first write to a fresh page costs more than encoding into it. An observer writes nothing. */
static trib_status make_ring(struct segment_journal *journal, struct trib_error *error)
{
	enum { HUGE = 2 << 20 };
	char *ring = mmap(NULL, journal->ring_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ring == MAP_FAILED)
		return trib_fail(error, TRIB_NO_MEMORY, "ring_bytes",
				 "found no room for %llu bytes",
				 (unsigned long long)journal->ring_bytes);
	if (journal->ring_bytes >= HUGE)
		madvise(ring, journal->ring_bytes, MADV_HUGEPAGE);
	for (uint64_t i = 0; !journal->observe && i < journal->ring_bytes; i += TRIB_DISK_BLOCK)
		*(volatile char *)(ring + i) = 0;
	journal->ring = ring;
	return TRIB_OK;
}

/* Takes the folder, and reads which epoch has had it last. */
static trib_status lock_folder(struct segment_journal *journal, char *slots, size_t *ret_size,
			       struct trib_error *error)
{
	struct trib_disk *disk = journal->disk;
	char path[PATH_MAX];
	int failed = journal->observe ? 0 : disk->make_folder(disk, journal->folder);

	if (failed)
		return trib_fail(error, TRIB_IO, journal->folder,
				 "found %s, expected to make the folder", strerror(failed));
	trib_segment_path(journal, "epoch", path);
	failed = disk->open(disk, path,
			    journal->observe ? 0
					     : TRIB_DISK_WRITE | TRIB_DISK_CREATE | TRIB_DISK_LOCK,
			    &journal->epoch_file);
	if (failed == EWOULDBLOCK)
		return trib_fail(error, TRIB_BUSY, path, "found it locked by another process");
	if (!failed)
		failed = disk->pread(disk, journal->epoch_file, slots, 2 * TRIB_DISK_BLOCK, 0,
				     ret_size);
	if (failed)
		return trib_fail(error, TRIB_IO, path, "found %s, expected to lock and read it",
				 strerror(failed));
	return TRIB_OK;
}

static uint32_t epoch_before(const struct segment_journal *journal, const char *slots)
{
	uint32_t before = journal->recovered.epoch;

	for (int i = 0; i < 2; i++)
		before =
			TRIB_MAX(before, trib_epoch_slot_read(&journal->layout,
							      slots + i * (size_t)TRIB_DISK_BLOCK));
	return before;
}

static void take_recovery(struct segment_journal *journal,
			  const struct trib_journal_options *options, const char *slots)
{
	struct trib_recovery *recovered = &journal->recovered;

	journal->layout = recovered->layout;
	if (recovered->last_segment == 0) {
		/* A new log; its number is drawn below, so that whatever epoch file there is
		 * counts. */
		journal->layout.segment_bytes = options->segment_bytes;
		journal->layout.record_max = trib_record_max_for(options->segment_bytes);
		recovered->first = trib_address(&journal->layout, 1, TRIB_SEGMENT_DATA);
		recovered->end = recovered->durable = recovered->first;
	}
	atomic_store(&journal->epoch, epoch_before(journal, slots) + !journal->observe);
	while (!journal->layout.journal)
		journal->layout.journal = journal->disk->random(journal->disk);
	recovered->layout = journal->layout;
	journal->payload_max = TRIB_MIN((size_t)TRIB_LIMIT_BATCH_BYTES,
					journal->layout.record_max - TRIB_RECORD_HEADER_BYTES);
	journal->previous = recovered->previous;
	journal->head = journal->ring_low = recovered->end;
	atomic_store(&journal->first, recovered->first);
	recovered->durable = TRIB_MAX(recovered->durable, options->durable);
	journal->durable = recovered->durable;
	/* Where nobody waits for the disk, what the kernel has counts as written. */
	journal->written =
		recovered->flags & TRIB_RECORD_RELAXED ? recovered->end : recovered->durable;
	journal->made = journal->make_wanted = recovered->last_segment;
	journal->kept = recovered->last_segment ? recovered->first_segment : 1;
}

static void set_jobs(struct segment_journal *journal)
{
	for (size_t i = 0; i < SEGMENT_QUEUE; i++)
		journal->records[i].job.run = trib_segment_record_run;
	journal->claim_job.run = trib_segment_claim_run;
	journal->sync_job.run = trib_segment_sync_run;
	journal->sync_now_job.run = trib_segment_sync_now_run;
	journal->close_job.run = trib_segment_close_run;
	journal->make_job.run = trib_segment_make_run;
	journal->trim_job.run = trib_segment_trim_run;
	for (size_t i = 0; i < SEGMENT_QUEUE; i++)
		journal->records[i].job.owner = journal;
	journal->claim_job.owner = journal->sync_job.owner = journal->sync_now_job.owner = journal;
	journal->close_job.owner = journal->make_job.owner = journal->trim_job.owner = journal;
}

/* Ends the lanes: what waits is done or cancelled, what runs is waited for. */
static void stop_lanes(struct segment_journal *journal)
{
	struct trib_disk *disk = journal->disk;

	wait_for_all(&journal->base);
	if (!disk->cancel(disk, journal->lanes, &journal->sync_job))
		wait_for_job(journal, &journal->sync_job);
	disk->submit(disk, journal->lanes, TRIB_DISK_WRITER, &journal->close_job, 0);
	wait_for_job(journal, &journal->close_job);
	atomic_store(&journal->stopping, true);
	wait_for_job(journal, &journal->make_job);
	wait_for_job(journal, &journal->trim_job);
	disk->lanes_free(disk, journal->lanes);
}

static void segment_free(struct trib_journal *base)
{
	struct segment_journal *journal = (struct segment_journal *)base;

	if (journal->lanes)
		stop_lanes(journal);
	trib_window_fini(&journal->fetch_window);
	if (journal->epoch_file)
		journal->disk->close(journal->disk, journal->epoch_file);
	if (journal->ring)
		munmap(journal->ring, journal->ring_bytes);
	pthread_mutex_destroy(&journal->lock);
	free(journal->mark_record);
	free(journal->folder);
	free(journal);
}

static const struct trib_journal_home segment_home = {
	.free = segment_free,
	.state = get_state,
	.warning = warning,
	.begin = begin,
	.append = append,
	.poll = poll,
	.event_fd = event_fd,
	.wait = wait_for_all,
	.sync = ask_sync,
	.probe = probe,
	.recent = trib_segment_recent,
	.fetch = trib_segment_fetch,
	.reader_new = trib_segment_reader_new,
	.reader_next = trib_segment_reader_next,
	.reader_free = trib_segment_reader_free,
	.trim = trim,
	.epoch = epoch,
	.first = first,
	.next = next,
	.batch_bytes_max = batch_bytes_max,
	.stats = stats,
};

static trib_status open_parts(struct segment_journal *journal,
			      const struct trib_journal_options *options, struct trib_error *error)
{
	char slots[2 * TRIB_DISK_BLOCK] = { 0 };
	size_t size;
	trib_status status = lock_folder(journal, slots, &size, error);

	if (status == TRIB_OK)
		status = trib_recover(journal->disk, journal->folder, options->engine,
				      &journal->recovered, error);
	if (status != TRIB_OK)
		return status;
	take_recovery(journal, options, slots);
	if (options->durable > journal->recovered.end)
		return trib_fail(error, TRIB_CORRUPT,
				 trib_address_text(&journal->layout, journal->recovered.end),
				 "found the end of the log, expected it to go on to %s at least: "
				 "so much is known to be durable",
				 trib_address_text(&journal->layout, options->durable));
	if (!journal->observe && atomic_load(&journal->epoch) == 0)
		return trib_fail(error, TRIB_CORRUPT, "epoch", "found the last epoch there is, %u",
				 UINT32_MAX);
	if (journal->ring_bytes < journal->layout.segment_bytes)
		return trib_fail(error, TRIB_INVALID, "ring_bytes",
				 "found %llu, expected at least the %llu of a segment of this log",
				 (unsigned long long)journal->ring_bytes,
				 (unsigned long long)journal->layout.segment_bytes);
	status = make_ring(journal, error);
	if (status != TRIB_OK)
		return status;
	trib_window_init(&journal->fetch_window, journal->disk, journal->folder, &journal->layout,
			 SEGMENT_FETCH_STEP);
	int failed = journal->disk->lanes_new(journal->disk, &journal->lanes);

	if (failed)
		return trib_fail(error, TRIB_IO, "lanes", "found %s, expected to start them",
				 strerror(failed));
	return TRIB_OK;
}

trib_status trib_segment_journal_open(const struct trib_journal_options *options,
				      struct trib_journal **ret_journal, struct trib_error *error)
{
	struct segment_journal *journal = trib_alloc_zeroed(1, sizeof(*journal));

	journal->base.home = &segment_home;
	journal->disk = options->disk;
	journal->folder = trib_strdup(options->folder);
	journal->sync = options->sync;
	journal->observe = options->observe;
	journal->interval_ns = options->interval_ms * 1000000;
	journal->ring_bytes = options->ring_bytes;
	journal->mark_record = aligned_alloc(TRIB_DISK_BLOCK, TRIB_DISK_BLOCK);
	trib_assert(journal->mark_record);
	pthread_mutex_init(&journal->lock, NULL);
	atomic_store(&journal->direct, true);
	atomic_store(&journal->state, TRIB_JOURNAL_READ_ONLY);
	set_jobs(journal);
	trib_status status = open_parts(journal, options, error);

	if (status != TRIB_OK) {
		segment_free(&journal->base);
		return status;
	}
	/* Fails into READ_ONLY: the log can be read, whatever the disk says to writes. */
	if (probe(&journal->base) == TRIB_OK)
		wait_for_job(journal, &journal->claim_job);
	else
		trib_fail(&journal->failure.error, journal->failure.status = TRIB_FENCED, "journal",
			  "opened for reading only");
	atomic_store(&journal->opened, true);
	*ret_journal = &journal->base;
	return TRIB_OK;
}
