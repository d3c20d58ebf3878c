/*
 * What the journal's tests share: a journal on the simulated disk, and its stupid twin, a list of all that
 * was appended, with the position and the mark of each.
 */
#ifndef TRIB_JOURNAL_FIXTURE_H
#define TRIB_JOURNAL_FIXTURE_H

#include "test.h"
#include "journal/format.h"
#include "journal/journal.h"
#include "../../../sim/disk.h"

#define FOLDER "data"

struct twin_record {
	uint64_t position, next;
	char *payload;
	size_t size;
};

struct twin {
	struct twin_record *records;
	size_t count, capacity;
};

struct fixture {
	struct trib_sim_disk *sim;
	struct trib_journal_options options;
	struct trib_journal *journal;
	struct trib_error error;
	struct twin twin;
	struct trib_rng rng;
};

static inline void twin_add(struct twin *twin, uint64_t position, uint64_t next,
			    const char *payload, size_t size)
{
	if (twin->count == twin->capacity) {
		twin->capacity = twin->capacity ? 2 * twin->capacity : 64;
		twin->records =
			trib_realloc(twin->records, twin->capacity * sizeof(twin->records[0]));
	}
	char *copy = trib_alloc(size);

	memcpy(copy, payload, size);
	twin->records[twin->count++] = (struct twin_record){ position, next, copy, size };
}

static inline void twin_cut(struct twin *twin, size_t count)
{
	while (twin->count > count)
		free(twin->records[--twin->count].payload);
}

static inline struct fixture *fixture_new(uint64_t seed)
{
	struct fixture *f = trib_alloc_zeroed(1, sizeof(*f));

	trib_rng_seed(&f->rng, seed);
	f->sim = trib_sim_disk_new(trib_rng_u64(&f->rng));
	f->options = (struct trib_journal_options){
		.folder = FOLDER,
		.engine = 7,
		.disk = trib_sim_disk_table(f->sim),
		.segment_bytes = 64 << 10,
		.ring_bytes = 128 << 10,
	};
	return f;
}

static inline void fixture_free(struct fixture *f)
{
	trib_journal_free(f->journal);
	trib_sim_disk_free(f->sim);
	twin_cut(&f->twin, 0);
	free(f->twin.records);
	free(f);
}

static inline trib_status fixture_open(struct fixture *f)
{
	return trib_journal_open(&f->options, &f->journal, &f->error);
}

static inline void fixture_close(struct fixture *f)
{
	trib_journal_free(f->journal);
	f->journal = NULL;
}

/* Ends the process without a word once all jobs that are due are done. */
static inline void fixture_kill(struct fixture *f)
{
	struct trib_journal_progress progress;

	trib_journal_wait(f->journal, &progress, NULL);
	while (trib_sim_disk_step(f->sim))
		;
	trib_sim_disk_kill(f->sim);
	fixture_close(f);
}

static inline void fixture_fill(struct fixture *f, char *payload, size_t size)
{
	for (size_t i = 0; i < size; i++)
		payload[i] = (char)trib_rng_u64(&f->rng);
}

/* Appends one record of random bytes. */
static inline trib_status fixture_append(struct fixture *f, size_t size)
{
	struct trib_journal_batch batch;
	uint64_t next;
	trib_status status = trib_journal_begin(f->journal, &batch);

	if (status != TRIB_OK)
		return status;
	assert_true(size <= batch.capacity);
	fixture_fill(f, batch.payload, size);
	status = trib_journal_append(f->journal, size, &next);
	if (status == TRIB_OK)
		twin_add(&f->twin, batch.position, next, batch.payload, size);
	return status;
}

static inline struct trib_journal_progress fixture_wait(struct fixture *f)
{
	struct trib_journal_progress progress;
	struct trib_journal_failure failure;

	assert_ok(trib_journal_wait(f->journal, &progress, &failure), failure.error);
	return progress;
}

static inline size_t fixture_random_size(struct fixture *f)
{
	size_t most = trib_journal_batch_bytes_max(f->journal);

	switch (trib_rng_below(&f->rng, 8)) {
	case 0:
		return most;
	case 1: /* ends at the end of a block, or a byte before or behind it */
		return TRIB_MIN(most, 4096 * (1 + trib_rng_below(&f->rng, 3)) -
					      TRIB_RECORD_HEADER_BYTES - 1 +
					      trib_rng_below(&f->rng, 3));
	case 2:
		return 1;
	default:
		return 1 + trib_rng_below(&f->rng, most);
	}
}

static inline void fixture_append_many(struct fixture *f, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(fixture_append(f, fixture_random_size(f)), TRIB_OK);
		fixture_wait(f);
	}
}

/*
 * Reads the journal from a mark and compares with the twin: what is there must be its records, from that mark
 * on, in order and without a gap. Returns how many of the twin's there are from the first to the last read.
 */
static inline size_t fixture_read(struct fixture *f, uint64_t from, trib_status *ret_status)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	size_t i = 0;

	assert_ok(trib_journal_reader_new(f->journal, from, &reader, &f->error), f->error);
	from = from ? from : trib_journal_first(f->journal);
	while (i < f->twin.count && f->twin.records[i].position < from)
		i++;
	while ((*ret_status = trib_journal_reader_next(reader, &record, &f->error)) == TRIB_OK) {
		assert_true(i < f->twin.count);
		const struct twin_record *twin = &f->twin.records[i++];

		assert_int_equal(record.position, twin->position);
		assert_int_equal(record.payload.size, twin->size);
		assert_memory_equal(record.payload.data, twin->payload, twin->size);
	}
	trib_journal_reader_free(reader);
	return i;
}

/* … to its end. */
static inline size_t fixture_compare(struct fixture *f, uint64_t from)
{
	trib_status status;
	size_t there = fixture_read(f, from, &status);

	if (status != TRIB_NOT_FOUND)
		fail_msg("%s: %s", f->error.at, f->error.text);
	return there;
}

static inline void segment_path(uint32_t segment, char path[64])
{
	char name[TRIB_SEGMENT_NAME_MAX];

	trib_segment_name(segment, name);
	snprintf(path, 64, "%s/%s", FOLDER, name);
}

#endif
