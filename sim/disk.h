/*
 * A disk in memory, with its own time, that fails in every way a seed can think of. Behind the same table
 * of functions as the machine's (journal/disk.h), so that the code above it cannot tell.
 *
 *	struct trib_sim_disk *sim = trib_sim_disk_new(seed);
 *	options.disk = trib_sim_disk_table(sim);
 *	…
 *	while (trib_sim_disk_step(sim))      // runs the job that ends next, at its time
 *		…
 *	trib_sim_disk_crash(sim);            // power cut: what was not durable is lost, kept or torn
 *	trib_journal_free(journal);          // the dead process; all its calls fail
 *	trib_journal_open(&options, …);      // a new one finds what is left
 *
 * Model. A file has two images, what a reader sees and what is durable, and a mark for each 512-byte sector:
 *
 *	clean      both alike
 *	dirty      in the page cache: a sync makes it durable; a crash keeps it or not, sector by sector
 *	unflushed  as dirty, but in the disk's own cache
 *	stranded   was dirty when a sync failed: the next one "succeeds" without writing it; a crash loses it
 *
 * Names likewise: creating, renaming and unlinking wait for sync_folder; a crash keeps any subset.
 * Nothing runs by itself: jobs run in `step` and `wait`, each in one go at the virtual time at which it
 * ends. A crash ends those under way after any number of their calls.
 */
#ifndef TRIB_SIM_DISK_H
#define TRIB_SIM_DISK_H

#include "base/rng.h"
#include "journal/disk.h"

enum { TRIB_SIM_SECTOR = 512 };

struct trib_sim_disk;

struct trib_sim_disk *trib_sim_disk_new(uint64_t seed);
void trib_sim_disk_free(struct trib_sim_disk *sim);
struct trib_disk *trib_sim_disk_table(struct trib_sim_disk *sim);

/* A copy of the files as they are, all durable, with no job and no fault. */
struct trib_sim_disk *trib_sim_disk_clone(const struct trib_sim_disk *sim, uint64_t seed);

/* --- Time -------------------------------------------------------------------------------------------- */

/* Runs the job that ends next and moves the time there; false where none is queued. */
bool trib_sim_disk_step(struct trib_sim_disk *sim);

/* When the next job ends; INT64_MAX for none. */
int64_t trib_sim_disk_next_ns(struct trib_sim_disk *sim);
int64_t trib_sim_disk_now_ns(const struct trib_sim_disk *sim);

/* Moves the time on (never past the end of the next job). */
void trib_sim_disk_advance(struct trib_sim_disk *sim, int64_t to_ns);

/* --- Faults ------------------------------------------------------------------------------------------ */

struct trib_sim_faults {
	bool direct_refused; /* opening with TRIB_DISK_DIRECT gives EINVAL */
	uint64_t room_bytes; /* ENOSPC beyond; 0 without end */
	double slow_chance;  /* that a job takes up to half a second */
	int64_t fail_after;  /* calls that change something until one fails; negative never */
	int64_t fail_count;  /* how many fail then; negative all */
	int fail_error;
	int64_t lose_after; /* pwrites until one is lost without a word; negative never */
	bool fail_reads;    /* every pread gives EIO */

	/* Bugs planted between the code and the disk, for the simulator to catch. */
	bool plant_no_sync;	   /* sync does nothing */
	bool plant_no_folder_sync; /* sync_folder does nothing */
	bool plant_not_durable;	   /* TRIB_DISK_DURABLE does nothing */
};
struct trib_sim_faults *trib_sim_disk_faults(struct trib_sim_disk *sim);

/* Calls so far that changed something: the range of fail_after. */
uint64_t trib_sim_disk_changes(const struct trib_sim_disk *sim);

/* Power cut. Every opening so far is dead: all that it still calls fails with EIO. */
void trib_sim_disk_crash(struct trib_sim_disk *sim);

/*
 * The process dies, the kernel lives (kill -9): what a call has begun is done, later calls are not made, nothing
 * else is lost.
 */
void trib_sim_disk_kill(struct trib_sim_disk *sim);

/* --- Meddling with files ----------------------------------------------------------------------------- */

/* The bytes of a file, both images to be changed alike by _poke; NULL where there is none. */
const char *trib_sim_disk_peek(struct trib_sim_disk *sim, const char *path, size_t *ret_size);
void trib_sim_disk_poke(struct trib_sim_disk *sim, const char *path, uint64_t offset,
			const void *data, size_t size);
/* Makes a file of these bytes, durable. */
void trib_sim_disk_put(struct trib_sim_disk *sim, const char *path, const void *data, size_t size);
void trib_sim_disk_cut(struct trib_sim_disk *sim, const char *path, uint64_t size);
void trib_sim_disk_remove(struct trib_sim_disk *sim, const char *path);
void trib_sim_disk_move(struct trib_sim_disk *sim, const char *from, const char *to);

/* The paths of all files, in order of creation; NULL behind the last. */
const char *trib_sim_disk_path(const struct trib_sim_disk *sim, size_t index);

#endif
