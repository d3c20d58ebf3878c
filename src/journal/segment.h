/*
 * The segment home: our own files (format.h), written by one lane and made ahead by the other
 * (disk.h).
 *
 *	segment.c          the engine's side: open, begin, append, poll, free
 *	segment_claim.c    writer lane: epoch, cutting, the opening record; makes it writable
 *	segment_write.c    writer lane: records, syncs, from one segment to the next; fencing
 *	segment_make.c     background lane: zeroing segments ahead, unlinking trimmed ones
 *	segment_read.c     readers (any thread) and fetches (engine's thread)
 */
#ifndef TRIB_JOURNAL_SEGMENT_H
#define TRIB_JOURNAL_SEGMENT_H

#include <pthread.h>
#include <stdatomic.h>
#include "journal/home.h"
#include "journal/recovery.h"
#include "journal/window.h"

enum {
	SEGMENT_QUEUE = 64,	   /* records handed over and not yet written */
	SEGMENTS_AHEAD = 2,	   /* made before they are needed */
	SEGMENT_ZEROS = 256 << 10, /* written at a time */
	SEGMENT_FETCH_STEP = 64 << 10,
	SEGMENT_READ_STEP = 1 << 20,
};

/* A record on its way. Its slot is used again once a later one has been taken up. */
struct segment_record_job {
	struct trib_disk_job job;
	uint64_t mark;
	uint32_t length;
};

/* Sync off: a full segment that is being made durable behind our back. */
struct segment_finish_job {
	struct trib_disk_job job;
	struct trib_disk_file *file;
	uint64_t mark; /* durable, once it is done */
	struct segment_finish_job *next;
};

struct segment_journal {
	struct trib_journal base;

	/* Fixed when open returns. */
	struct trib_disk *disk;
	struct trib_disk_lanes *lanes;
	char *folder;
	struct trib_segment_layout layout;
	enum trib_journal_sync sync;
	bool observe;
	int64_t interval_ns;
	size_t payload_max;
	char *ring;
	uint64_t ring_bytes;
	struct trib_disk_file *epoch_file; /* locked */
	char warning[256];

	/* The engine's. */
	uint64_t head;	   /* where the next record goes (set by the claim before WRITABLE) */
	uint64_t ring_low; /* the ring holds [ring_low, …) */
	bool begun;
	uint64_t appended; /* records handed over */
	struct segment_record_job records[SEGMENT_QUEUE];
	struct trib_window fetch_window;

	/* The writer lane's. */
	struct trib_recovery recovered; /* what the claim has still to do */
	bool epoch_raised, folder_synced;
	struct trib_disk_file *file; /* being written */
	uint32_t file_segment;
	bool file_durable; /* a pwrite to it is durable by itself */
	uint32_t previous; /* checksum of the last record */
	char *mark_record; /* one aligned block for opening and closing records */
	bool sync_queued;  /* sync_job waits for its time */
	struct segment_finish_job *finishing;
	struct trib_disk_job claim_job, sync_job, sync_now_job, close_job;

	/* Between lanes and threads. */
	_Atomic enum trib_journal_state state;
	_Atomic uint32_t epoch;
	_Atomic uint64_t written, durable; /* marks */
	_Atomic uint64_t first;		   /* mark */
	_Atomic uint64_t done;		   /* records written or given up */
	atomic_bool direct;		   /* O_DIRECT works here */
	atomic_bool warned;		   /* `warning` is filled */
	atomic_bool opened;		   /* open has returned: the caller has seen `written` */
	atomic_bool stopping;
	atomic_bool probing, sync_asked;
	_Atomic uint64_t sync_wanted; /* a mark: all before it was asked to be made durable */
	struct trib_disk_job make_job, trim_job;

	pthread_mutex_t lock; /* of what follows */
	struct trib_journal_failure failure;
	uint32_t made;	      /* the last segment that exists */
	uint32_t make_wanted; /* … and that should */
	bool making;	      /* make_job is queued or at work */
	int make_error;	      /* of the last attempt; 0 since */
	uint32_t kept;	      /* the first segment that exists */
	uint32_t trim_wanted; /* segments before this one may go */
	bool trimming;	      /* trim_job is queued or at work */
	struct trib_journal_stats stats;
};

/* Any lane: notes the first failure; later ones change nothing. `state` becomes what is given. */
trib_status trib_segment_fail(struct segment_journal *journal, enum trib_journal_state state,
			      trib_status status, int os_error, const char *at, const char *what);

/* Tells the engine that there is something to poll. */
void trib_segment_wake(struct segment_journal *journal);

void trib_segment_path(const struct segment_journal *journal, const char *name,
		       char ret_path[4096]);

/* --- segment_claim.c: job, writer lane ----------------------------------------------------------- */

void trib_segment_claim_run(struct trib_disk_job *job);

/* --- segment_write.c: jobs, writer lane ---------------------------------------------------------- */

void trib_segment_record_run(struct trib_disk_job *job);
void trib_segment_sync_run(struct trib_disk_job *job);	   /* after interval_ms */
void trib_segment_sync_now_run(struct trib_disk_job *job); /* asked for */
void trib_segment_close_run(struct trib_disk_job *job);

/* Writes an empty record at `mark` and makes it durable. Failure is noted with the given state. */
trib_status trib_segment_put_mark_record(struct segment_journal *journal, uint64_t mark, int kind,
					 enum trib_journal_state state, uint64_t *ret_next);
void trib_segment_file_close(struct segment_journal *journal);

/* --- segment_make.c ------------------------------------------------------------------------------ */

void trib_segment_make_run(struct trib_disk_job *job); /* background lane */
void trib_segment_trim_run(struct trib_disk_job *job); /* background lane */

/* Writer lane: has the segment made if it is not there, and waits for it. 0 or an errno value. */
int trib_segment_need(struct segment_journal *journal, uint32_t segment);

/* Any thread: has segments made up to this one in the background. */
void trib_segment_want(struct segment_journal *journal, uint32_t segment);

/* Any thread: the open flags of a file that is written past the cache where that works. */
unsigned trib_segment_write_flags(const struct segment_journal *journal);

/* --- segment_read.c ------------------------------------------------------------------------------ */

const char *trib_segment_recent(const struct trib_journal *journal, uint64_t position, size_t size);
trib_status trib_segment_fetch(struct trib_journal *journal, struct trib_journal_fetch *fetches,
			       size_t count, struct trib_error *error);
trib_status trib_segment_reader_new(struct trib_journal *journal, uint64_t from,
				    struct trib_journal_reader **ret_reader,
				    struct trib_error *error);
trib_status trib_segment_reader_next(struct trib_journal_reader *reader,
				     struct trib_journal_record *ret_record,
				     struct trib_error *error);
void trib_segment_reader_free(struct trib_journal_reader *reader);

#endif
