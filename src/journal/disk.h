/*
 * Everything of the operating system that a journal touches, behind one table of functions, so that the
 * simulator can own files, time and the order of completions. trib_disk_system() is the machine's own.
 *
 * Files. Every call returns 0 or an errno value. Paths are as open(2) takes them. A file opened with
 * TRIB_DISK_DIRECT takes only offsets, sizes and memory aligned to TRIB_DISK_BLOCK.
 *
 * Lanes. Work that would block is a *job*: a struct of the caller with `run`, handed to one of two lanes
 * that each run one job at a time, in the order in which they become due.
 *
 *	lane WRITER       what an answer waits for: writes and syncs of records
 *	lane BACKGROUND   what nobody should notice: zeroing segments ahead, unlinking (niced)
 *
 * On the machine a lane is a thread; in the simulator it is a queue ordered by virtual time. `run` may
 * use the file calls and may `wait` for a job of the other lane; it must not wait for its own.
 *
 *	submit ──► queued ──due──► running (run, then finished) ──► done ──► may be submitted again
 */
#ifndef TRIB_JOURNAL_DISK_H
#define TRIB_JOURNAL_DISK_H

#include "base/clock.h"

enum { TRIB_DISK_BLOCK = 4096 };

static inline uint64_t trib_blocks_up(uint64_t size)
{
	return (size + TRIB_DISK_BLOCK - 1) & ~(uint64_t)(TRIB_DISK_BLOCK - 1);
}

enum trib_disk_flags {
	TRIB_DISK_CREATE = 1,  /* make it if it is not there */
	TRIB_DISK_WRITE = 2,   /* for reading and writing; else reading only */
	TRIB_DISK_DIRECT = 4,  /* past the page cache; EINVAL where the file system cannot */
	TRIB_DISK_DURABLE = 8, /* a pwrite that has returned is durable */
	TRIB_DISK_LOCK = 16,   /* held by this opening alone until it is closed; else EWOULDBLOCK */
};

struct trib_disk_file; /* the implementation's */
struct trib_disk_lanes;

enum trib_disk_lane { TRIB_DISK_WRITER, TRIB_DISK_BACKGROUND, TRIB_DISK_LANES };

enum trib_disk_job_state { TRIB_DISK_JOB_IDLE, TRIB_DISK_JOB_QUEUED, TRIB_DISK_JOB_RUNNING };

struct trib_disk_job {
	void (*run)(struct trib_disk_job *job);
	void *owner;

	/* The lane's, under its lock. */
	enum trib_disk_job_state state;
	enum trib_disk_lane lane;
	int64_t due_ns;
	struct trib_disk_job *next;
};

struct trib_disk {
	int (*open)(struct trib_disk *disk, const char *path, unsigned flags,
		    struct trib_disk_file **ret_file);
	void (*close)(struct trib_disk *disk, struct trib_disk_file *file);

	/* All of it or an error. */
	int (*pwrite)(struct trib_disk *disk, struct trib_disk_file *file, const void *data,
		      size_t size, uint64_t offset);
	/* Fewer bytes than asked for only at the end of the file. */
	int (*pread)(struct trib_disk *disk, struct trib_disk_file *file, void *data, size_t size,
		     uint64_t offset, size_t *ret_size);
	/* These bytes will be wanted soon; may do nothing. */
	void (*prefetch)(struct trib_disk *disk, struct trib_disk_file *file, uint64_t offset,
			 size_t size);
	int (*sync)(struct trib_disk *disk, struct trib_disk_file *file);
	/* Reserves the blocks of [0, size); ENOSPC is told here and not later. */
	int (*allocate)(struct trib_disk *disk, struct trib_disk_file *file, uint64_t size);
	int (*size)(struct trib_disk *disk, struct trib_disk_file *file, uint64_t *ret_size);
	int (*truncate)(struct trib_disk *disk, struct trib_disk_file *file, uint64_t size);
	/* Does any path still lead to the file? */
	int (*linked)(struct trib_disk *disk, struct trib_disk_file *file, bool *ret_linked);

	/* The names in a folder, in no order; stops where `each` returns false. */
	int (*list)(struct trib_disk *disk, const char *folder,
		    bool (*each)(void *context, const char *name), void *context);
	int (*make_folder)(struct trib_disk *disk, const char *path); /* 0 where it exists */
	int (*unlink)(struct trib_disk *disk, const char *path);
	int (*rename)(struct trib_disk *disk, const char *from, const char *to);
	/* Makes creations, renames and unlinks in the folder durable. */
	int (*sync_folder)(struct trib_disk *disk, const char *path);

	uint64_t (*random)(struct trib_disk *disk);
	int64_t (*now_ns)(struct trib_disk *disk);

	/* A pair of lanes, and a file descriptor that becomes readable after `wake` (-1 in the simulator). */
	int (*lanes_new)(struct trib_disk *disk, struct trib_disk_lanes **ret_lanes);
	void (*lanes_free)(struct trib_disk *disk, struct trib_disk_lanes *lanes);
	void (*submit)(struct trib_disk *disk, struct trib_disk_lanes *lanes,
		       enum trib_disk_lane lane, struct trib_disk_job *job, int64_t delay_ns);
	/* Takes a queued job back; false where it runs or is done. */
	bool (*cancel)(struct trib_disk *disk, struct trib_disk_lanes *lanes,
		       struct trib_disk_job *job);
	/* Returns once the job is neither queued nor running. */
	void (*wait)(struct trib_disk *disk, struct trib_disk_lanes *lanes,
		     struct trib_disk_job *job);
	int (*event_fd)(struct trib_disk *disk, struct trib_disk_lanes *lanes);
	void (*wake)(struct trib_disk *disk, struct trib_disk_lanes *lanes);
	void (*wake_clear)(struct trib_disk *disk, struct trib_disk_lanes *lanes);
};

struct trib_disk *trib_disk_system(void);

#endif
