/*
 * The journal: the ordered, durable log of one engine's events. What is not in it has not happened.
 *
 *	struct trib_journal_options options = { .folder = "data/journal-0", .engine = 0 };
 *	trib_journal_open(&options, &journal, &error);
 *
 *	struct trib_journal_reader *reader = …;              // replay what is there
 *	while (trib_journal_reader_next(reader, &record, &error) == TRIB_OK)
 *		fold(record.payload);
 *
 *	trib_journal_begin(journal, &batch);                 // then live: encode in place …
 *	size = encode(batch.payload, batch.capacity);
 *	trib_journal_append(journal, size, &next);           // … hand over, go on with the next batch …
 *	trib_journal_poll(journal, &progress, &failure);     // … answer once progress.written >= next
 *
 * **Positions** are addresses: opaque, increasing, not dense, 0 is none. An event's position is the address
 * of its first byte: batch.position + its offset in the payload. Between records stand *marks*: `next`,
 * `progress`, `from`, `trim` are marks. Everything whose position is below a mark lies before it. Compare
 * marks and positions freely; never compute one from another, except inside a batch.
 *
 * **The ring.** Batches are encoded in place in a ring of memory (aligned, pre-touched) in which the newest
 * records stay readable by position without I/O: trib_journal_recent().
 *
 * **One write in flight.** Records that are appended while another is being written wait in order. Hence only
 * the last record of a log can be torn by a crash, and opening cuts it; whatever else is wrong refuses to
 * open with TRIB_CORRUPT and names the place (README.md draws the format and the rules).
 *
 * **Failure.** The first write that fails ends the journal: nothing after it is written, begin and append
 * return the failure from then on. The owner frees it and opens again. An opening whose disk reads but takes
 * no writes succeeds in state READ_ONLY; trib_journal_probe() tries again.
 *
 * **Homes.** The interface does not depend on where the log lives. Now: `segment`, our own files.
 *
 * Threads: all calls belong to the engine's thread, except where a declaration says "any thread".
 */
#ifndef TRIB_JOURNAL_JOURNAL_H
#define TRIB_JOURNAL_JOURNAL_H

#include "base/bytes.h"
#include "base/histogram.h"
#include "base/limits.h"
#include "base/status.h"
#include "journal/disk.h"

struct trib_journal;

enum trib_journal_sync {
	TRIB_JOURNAL_SYNC_BATCH, /* written means durable */
	TRIB_JOURNAL_SYNC_INTERVAL, /* written means handed to the kernel; made durable every interval_ms */
	TRIB_JOURNAL_SYNC_OFF, /* … made durable when the kernel likes, and per finished segment */
};

/* Zero or NULL takes the default. */
struct trib_journal_options {
	const char *folder;	/* made if it is not there; one engine's alone */
	uint16_t engine;	/* the number that its records bear */
	struct trib_disk *disk; /* trib_disk_system() */
	/*
	 * Powers of two; ring_bytes >= segment_bytes. An existing log keeps the segment_bytes that it was
	 * made with. Defaults 64 MiB and 256 MiB; segments are at least 64 KiB (tests).
	 */
	uint64_t segment_bytes, ring_bytes;
	enum trib_journal_sync sync;
	int64_t interval_ms; /* 100 */
	/*
	 * A mark that the caller knows to be durable: the store's, or the last progress of an opening that failed. A log
	 * that ends before it is refused. Records behind it are shown only once they are known to be durable, too.
	 */
	uint64_t durable;
	/*
	 * Takes nothing and writes nothing, whoever has the log: what is known to be durable can be read, the state is
	 * READ_ONLY for good. For a process that was fenced, and for tools.
	 */
	bool observe;
};

/*
 * Locks the folder (a second opener gets TRIB_BUSY), finds the end of the log, cuts a torn last record, raises
 * the epoch and writes an opening record. TRIB_CORRUPT names the file and offset of what is wrong and changes
 * nothing. Where only writing fails, returns TRIB_OK in state READ_ONLY.
 */
trib_status trib_journal_open(const struct trib_journal_options *options,
			      struct trib_journal **ret_journal, struct trib_error *error);

/* Waits for what is in flight, makes it durable if it can, and lets the folder go. NULL is allowed. */
void trib_journal_free(struct trib_journal *journal);

enum trib_journal_state {
	TRIB_JOURNAL_WRITABLE,
	TRIB_JOURNAL_READ_ONLY, /* opened at what is known to be durable; no write has succeeded yet; probe */
	TRIB_JOURNAL_FAILED, /* a write failed or was fenced; free and open again */
};
enum trib_journal_state trib_journal_state(const struct trib_journal *journal);

/* What the program should log once after opening (such as: O_DIRECT refused); NULL if nothing. */
const char *trib_journal_warning(const struct trib_journal *journal);

/* --- Writing ----------------------------------------------------------------------------------------- */

struct trib_journal_batch {
	char *payload;	   /* where the batch is encoded, inside the ring */
	size_t capacity;   /* at most TRIB_LIMIT_BATCH_BYTES */
	uint64_t position; /* of payload[0] */
};

/*
 * Opens the next batch. It stays open, and its bytes readable by trib_journal_recent(), until it is appended;
 * beginning again before that gives the same batch.
 * TRIB_BUSY: too much waits to be written; try after the next poll. TRIB_READ_ONLY, TRIB_IO, TRIB_FENCED: by state.
 */
trib_status trib_journal_begin(struct trib_journal *journal, struct trib_journal_batch *ret_batch);

/*
 * Hands the open batch over as one record of `size` bytes (1 to capacity) and returns at once. *ret_next is the
 * mark behind it. A payload must not be changed once it is appended.
 */
trib_status trib_journal_append(struct trib_journal *journal, size_t size, uint64_t *ret_next);

struct trib_journal_progress {
	uint64_t written; /* records before this mark may be answered (as the sync mode has it) */
	uint64_t
		durable; /* records before this mark survive a power cut: what the store may be given */
};

struct trib_journal_failure {
	trib_status status; /* TRIB_FENCED: a later epoch owns the log; TRIB_IO: the disk */
	int os_error;	    /* ENOSPC, EIO, …; 0 when fenced */
	struct trib_error error;
};

/*
 * How far writing has come. *ret_progress is always filled. Returns TRIB_OK, or the failure's status with
 * *ret_failure filled (NULL is allowed) in states READ_ONLY and FAILED. Does no I/O; cheap when nothing is new.
 */
trib_status trib_journal_poll(struct trib_journal *journal,
			      struct trib_journal_progress *ret_progress,
			      struct trib_journal_failure *ret_failure);

/* Becomes readable when poll has news; poll makes it unreadable. -1 in the simulator. */
int trib_journal_event_fd(const struct trib_journal *journal);

/* For tools and tests: blocks until everything appended is written or failed; then as poll. */
trib_status trib_journal_wait(struct trib_journal *journal,
			      struct trib_journal_progress *ret_progress,
			      struct trib_journal_failure *ret_failure);

/* Asks that all that is appended be made durable (a checkpoint, a graceful stop); poll tells when. */
trib_status trib_journal_sync(struct trib_journal *journal);

/*
 * In state READ_ONLY: tries again to become writable, by a durable probe record. Returns at once; poll returns
 * TRIB_OK once it has succeeded, and the latest reason until then. TRIB_BUSY while one is under way. Where it
 * finds that the log goes on behind what could be called durable when it was opened, the state becomes FAILED:
 * opened again, it shows all of it.
 */
trib_status trib_journal_probe(struct trib_journal *journal);

/* --- Reading ----------------------------------------------------------------------------------------- */

/*
 * The bytes at a position if they are in the ring, else NULL. `size` may not pass the end of the batch. Valid
 * until the next trib_journal_begin().
 */
const char *trib_journal_recent(const struct trib_journal *journal, uint64_t position, size_t size);

/* Bytes at an address, from the ring or else from the disk, where the whole record is checked first. */
struct trib_journal_fetch {
	uint64_t position;
	size_t size;
	char *ret_bytes; /* the caller's, `size` bytes */
	trib_status
		status; /* TRIB_OK, TRIB_NOT_FOUND (never written, or trimmed), TRIB_CORRUPT, TRIB_IO */
};
/* Does `count` of them; several reads overlap. TRIB_OK if each is, else the first failure. */
trib_status trib_journal_fetch(struct trib_journal *journal, struct trib_journal_fetch *fetches,
			       size_t count, struct trib_error *error);

/* An iterator over records. Each belongs to one thread, which may be any; several may run beside the engine. */
struct trib_journal_reader;

struct trib_journal_record {
	uint64_t position;	   /* of the first byte of payload */
	uint64_t next;		   /* the mark behind it: read from here to go on */
	uint32_t epoch;		   /* of the opening that wrote it */
	struct trib_bytes payload; /* valid until the next call on the reader */
};

/* `from` is a mark, or 0 for the first record kept. TRIB_NOT_FOUND where it has been trimmed. */
trib_status trib_journal_reader_new(struct trib_journal *journal, uint64_t from,
				    struct trib_journal_reader **ret_reader,
				    struct trib_error *error);
/* TRIB_NOT_FOUND at progress.written: there may be more later. TRIB_CORRUPT, TRIB_IO name the place. */
trib_status trib_journal_reader_next(struct trib_journal_reader *reader,
				     struct trib_journal_record *ret_record,
				     struct trib_error *error);
void trib_journal_reader_free(struct trib_journal_reader *reader);

/* --- Keeping ----------------------------------------------------------------------------------------- */

/* Lets go, in the background, of what lies wholly before the mark. */
trib_status trib_journal_trim(struct trib_journal *journal, uint64_t before);

uint32_t trib_journal_epoch(const struct trib_journal *journal);
uint64_t
trib_journal_first(const struct trib_journal *journal); /* mark of the oldest record kept */
uint64_t
trib_journal_next(const struct trib_journal *journal); /* mark behind all that is appended */
size_t trib_journal_batch_bytes_max(const struct trib_journal *journal);

struct trib_journal_stats {
	uint64_t records, payload_bytes, written_bytes; /* by this opening */
	uint64_t syncs, segments_made, segments_trimmed;
	uint64_t segments; /* files kept, those made ahead included */
	uint64_t segment_bytes, ring_bytes;
	uint64_t cut_bytes; /* what opening cut off as torn */
	bool direct;	    /* O_DIRECT is in use */
	enum trib_journal_sync sync;
	struct trib_histogram write_ns; /* one record, from the writer's start to written */
};
/* Any thread. */
void trib_journal_stats(const struct trib_journal *journal, struct trib_journal_stats *ret_stats);

#endif
