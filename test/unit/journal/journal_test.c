/* The journal in ordinary life, and what it says when life is not ordinary. Simulated disk, stupid twin. */
#include <errno.h>
#include "fixture.h"

static void what_is_appended_is_read_back(void **state)
{
	struct fixture *f = fixture_new(trib_test_seed());

	assert_ok(fixture_open(f), f->error);
	for (int opening = 1; opening <= 4; opening++) {
		assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_WRITABLE);
		assert_int_equal(trib_journal_epoch(f->journal), opening);
		fixture_append_many(f, 40);
		struct trib_journal_progress progress = fixture_wait(f);

		assert_int_equal(progress.written, trib_journal_next(f->journal));
		assert_int_equal(progress.durable, progress.written);
		assert_int_equal(fixture_compare(f, 0), f->twin.count);
		/* Peacefully, or not. */
		if (opening % 2)
			fixture_close(f);
		else
			fixture_kill(f);
		assert_ok(fixture_open(f), f->error);
		assert_int_equal(fixture_compare(f, 0), f->twin.count);
	}
	for (size_t i = 0; i < f->twin.count; i += 7)
		assert_int_equal(fixture_compare(f, f->twin.records[i].next), f->twin.count);
	fixture_free(f);
}

static void positions_rise_and_batches_stay_in_a_segment(void **state)
{
	struct fixture *f = fixture_new(trib_test_seed());

	assert_ok(fixture_open(f), f->error);
	fixture_append_many(f, 200);
	for (size_t i = 0; i < f->twin.count; i++) {
		const struct twin_record *record = &f->twin.records[i];

		assert_true(record->position > 0 &&
			    record->next >= record->position + record->size);
		assert_int_equal(record->position / f->options.segment_bytes,
				 (record->position + record->size - 1) / f->options.segment_bytes);
		if (i > 0)
			assert_true(record->position >= f->twin.records[i - 1].next);
	}
	fixture_free(f);
}

static void a_record_may_end_where_its_segment_ends(void **state)
{
	struct fixture *f = fixture_new(1);

	assert_ok(fixture_open(f), f->error);
	size_t most = trib_journal_batch_bytes_max(f->journal);

	/* One block for the header of the segment, one for the opening record: 14 are left of 16. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(fixture_append(f, 100), TRIB_OK);
	assert_int_equal(fixture_append(f, most), TRIB_OK);
	assert_int_equal(trib_record_bytes(most), 4 * TRIB_DISK_BLOCK);
	assert_int_equal(f->twin.records[10].position - TRIB_RECORD_HEADER_BYTES +
				 trib_record_bytes(most),
			 2 * f->options.segment_bytes);
	assert_int_equal(f->twin.records[10].next,
			 2 * f->options.segment_bytes + TRIB_SEGMENT_DATA);
	fixture_kill(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, 0), 11);
	assert_int_equal(fixture_append(f, 100), TRIB_OK);
	fixture_wait(f);
	assert_int_equal(fixture_compare(f, 0), 12);
	fixture_free(f);
}

static void recent_and_stored_bytes_are_found_by_position(void **state)
{
	struct fixture *f = fixture_new(trib_test_seed());
	char bytes[64];
	size_t recent = 0, stored = 0;

	assert_ok(fixture_open(f), f->error);
	fixture_append_many(f, 60);
	for (int round = 0; round < 2000; round++) {
		const struct twin_record *record =
			&f->twin.records[trib_rng_below(&f->rng, f->twin.count)];
		size_t offset = trib_rng_below(&f->rng, record->size);
		size_t size = TRIB_MIN(sizeof(bytes), record->size - offset);
		struct trib_journal_fetch fetch = { record->position + offset, size, bytes,
						    TRIB_IO };
		const char *at = trib_journal_recent(f->journal, fetch.position, size);

		assert_ok(trib_journal_fetch(f->journal, &fetch, 1, &f->error), f->error);
		assert_memory_equal(bytes, record->payload + offset, size);
		if (at)
			assert_memory_equal(at, record->payload + offset, size);
		recent += at != NULL;
		stored += at == NULL;
	}
	assert_true(recent > 0 && stored > 0);
	/* The batch that is open can be read as well. */
	struct trib_journal_batch batch;

	assert_int_equal(trib_journal_begin(f->journal, &batch), TRIB_OK);
	batch.payload[5] = 'x';
	assert_ptr_equal(trib_journal_recent(f->journal, batch.position + 5, 1), batch.payload + 5);
	fixture_free(f);
}

static void a_fetch_of_what_is_not_there_says_so(void **state)
{
	struct fixture *f = fixture_new(2);
	char bytes[16];

	f->options.ring_bytes = f->options.segment_bytes;
	assert_ok(fixture_open(f), f->error);
	for (int i = 0; i < 30; i++)
		assert_int_equal(fixture_append(f, 5000), TRIB_OK), fixture_wait(f);
	const struct twin_record *first = &f->twin.records[0];
	struct {
		uint64_t position;
		size_t size;
		trib_status status;
	} rows[] = {
		{ first->position, 16, TRIB_OK },
		{ first->position + 5000 - 16, 16, TRIB_OK },
		{ first->position + 5000 - 15, 16, TRIB_NOT_FOUND }, /* across the end */
		{ first->position - 1, 1, TRIB_NOT_FOUND },	     /* a header */
		{ first->position + 5000, 1, TRIB_NOT_FOUND },	     /* the zeros behind */
		{ 0, 1, TRIB_NOT_FOUND },
		{ 1, 1, TRIB_NOT_FOUND },
		{ trib_journal_next(f->journal), 1, TRIB_NOT_FOUND },
		{ UINT64_MAX - 3, 16, TRIB_NOT_FOUND },
		{ 2 * f->options.segment_bytes + 5, 1, TRIB_NOT_FOUND }, /* a segment's header */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_journal_fetch fetch = { rows[i].position, rows[i].size, bytes,
						    TRIB_IO };

		assert_int_equal(trib_journal_fetch(f->journal, &fetch, 1, &f->error),
				 rows[i].status);
		assert_int_equal(fetch.status, rows[i].status);
	}
	fixture_free(f);
}

static void several_fetches_fail_one_by_one(void **state)
{
	struct fixture *f = fixture_new(3);
	char bytes[3][16], path[64];

	f->options.ring_bytes = f->options.segment_bytes;
	assert_ok(fixture_open(f), f->error);
	for (int i = 0; i < 40; i++)
		assert_int_equal(fixture_append(f, 5000), TRIB_OK), fixture_wait(f);
	uint64_t bad = f->twin.records[1].position;

	segment_path(1, path);
	trib_sim_disk_poke(f->sim, path, bad % f->options.segment_bytes + 1000, "rot", 3);
	struct trib_journal_fetch fetches[] = {
		{ f->twin.records[0].position, 16, bytes[0], TRIB_IO },
		{ bad, 16, bytes[1], TRIB_IO },
		{ f->twin.records[39].position, 16, bytes[2], TRIB_IO },
	};

	assert_int_equal(trib_journal_fetch(f->journal, fetches, 3, &f->error), TRIB_CORRUPT);
	assert_non_null(strstr(f->error.at, "segment-0000000001@"));
	assert_int_equal(fetches[0].status, TRIB_OK);
	assert_int_equal(fetches[1].status, TRIB_CORRUPT);
	assert_int_equal(fetches[2].status, TRIB_OK);
	assert_memory_equal(bytes[2], f->twin.records[39].payload, 16);
	fixture_free(f);
}

static void a_batch_is_not_written_before_its_time(void **state)
{
	struct fixture *f = fixture_new(4);
	struct trib_journal_progress progress;
	struct trib_journal_batch batch;

	assert_ok(fixture_open(f), f->error);
	while (trib_sim_disk_step(f->sim))
		;
	assert_int_equal(fixture_append(f, 100), TRIB_OK);
	assert_int_equal(trib_journal_poll(f->journal, &progress, NULL), TRIB_OK);
	assert_true(progress.written < f->twin.records[0].next);
	/* The next one is encoded meanwhile, elsewhere. */
	assert_int_equal(trib_journal_begin(f->journal, &batch), TRIB_OK);
	assert_true(batch.position >= f->twin.records[0].next);
	assert_true(trib_sim_disk_step(f->sim));
	assert_int_equal(trib_journal_poll(f->journal, &progress, NULL), TRIB_OK);
	assert_int_equal(progress.written, f->twin.records[0].next);
	fixture_free(f);
}

static void too_much_waiting_is_busy(void **state)
{
	struct fixture *f = fixture_new(5);
	struct trib_journal_progress progress;
	size_t accepted = 0;

	assert_ok(fixture_open(f), f->error);
	while (fixture_append(f, 10000) == TRIB_OK)
		accepted++;
	/* 128 KiB of ring take three blocks each and keep room for one of the largest. */
	assert_in_range(accepted, 7, 10);
	assert_true(trib_sim_disk_step(f->sim) && trib_sim_disk_step(f->sim));
	fixture_wait(f);
	assert_int_equal(fixture_append(f, 10000), TRIB_OK);
	fixture_wait(f);
	fixture_close(f);

	/* Small ones: as many as there are slots. */
	f->options.ring_bytes = 4 << 20;
	assert_ok(fixture_open(f), f->error);
	for (accepted = 0; fixture_append(f, 10) == TRIB_OK; accepted++)
		;
	assert_int_equal(accepted, 63);
	for (int i = 0; i < 500; i++) {
		while (fixture_append(f, 10) == TRIB_BUSY)
			trib_sim_disk_step(f->sim);
		trib_journal_poll(f->journal, &progress, NULL);
	}
	fixture_wait(f);
	assert_int_equal(fixture_compare(f, 0), f->twin.count);
	fixture_free(f);
}

static void interval_is_durable_after_its_time(void **state)
{
	struct fixture *f = fixture_new(6);
	struct trib_journal_progress progress;

	f->options.sync = TRIB_JOURNAL_SYNC_INTERVAL;
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_append(f, 100), TRIB_OK);
	progress = fixture_wait(f);
	assert_int_equal(progress.written, f->twin.records[0].next);
	assert_true(progress.durable < f->twin.records[0].next);
	int64_t start_ns = trib_sim_disk_now_ns(f->sim);

	while (progress.durable < progress.written) {
		assert_true(trib_sim_disk_step(f->sim));
		trib_journal_poll(f->journal, &progress, NULL);
	}
	assert_in_range(trib_sim_disk_now_ns(f->sim) - start_ns, 90000000, 110000000);
	/* Asked for, it does not wait. */
	assert_int_equal(fixture_append(f, 100), TRIB_OK);
	fixture_wait(f);
	assert_int_equal(trib_journal_sync(f->journal), TRIB_OK);
	progress = fixture_wait(f);
	assert_int_equal(progress.durable, f->twin.records[1].next);
	fixture_free(f);
}

static void off_is_durable_by_segment_or_when_asked(void **state)
{
	struct fixture *f = fixture_new(7);
	struct trib_journal_progress progress;

	f->options.sync = TRIB_JOURNAL_SYNC_OFF;
	assert_ok(fixture_open(f), f->error);
	uint64_t opened = trib_journal_next(f->journal);

	for (int i = 0; i < 3; i++)
		assert_int_equal(fixture_append(f, 10000), TRIB_OK);
	while (trib_sim_disk_step(f->sim))
		;
	progress = fixture_wait(f);
	assert_int_equal(progress.written, trib_journal_next(f->journal));
	assert_int_equal(progress.durable, opened);
	for (int i = 0; i < 30; i++)
		assert_int_equal(fixture_append(f, 10000), TRIB_OK), fixture_wait(f);
	while (trib_sim_disk_step(f->sim))
		;
	progress = fixture_wait(f);
	assert_int_equal(progress.durable,
			 progress.written / f->options.segment_bytes * f->options.segment_bytes +
				 TRIB_SEGMENT_DATA);
	assert_int_equal(trib_journal_sync(f->journal), TRIB_OK);
	progress = fixture_wait(f);
	assert_int_equal(progress.durable, progress.written);
	/* Asked for again, while the first asking waits in front of what has been appended since. */
	assert_int_equal(trib_journal_sync(f->journal), TRIB_OK);
	assert_int_equal(fixture_append(f, 10000), TRIB_OK);
	assert_int_equal(trib_journal_sync(f->journal), TRIB_OK);
	progress = fixture_wait(f);
	assert_int_equal(progress.durable, trib_journal_next(f->journal));
	fixture_free(f);
}

static void a_refusal_of_direct_writes_is_told_and_survived(void **state)
{
	struct fixture *f = fixture_new(8);
	struct trib_journal_stats stats;

	trib_sim_disk_faults(f->sim)->direct_refused = true;
	assert_ok(fixture_open(f), f->error);
	assert_non_null(strstr(trib_journal_warning(f->journal), "O_DIRECT"));
	fixture_append_many(f, 30);
	trib_journal_stats(f->journal, &stats);
	assert_false(stats.direct);
	assert_int_equal(stats.records, 30);
	assert_true(stats.syncs >= 30);
	fixture_kill(f);
	trib_sim_disk_faults(f->sim)->direct_refused = false;
	assert_ok(fixture_open(f), f->error);
	assert_null(trib_journal_warning(f->journal));
	assert_int_equal(fixture_compare(f, 0), 30);
	fixture_free(f);
}

static void trimming_keeps_what_is_needed(void **state)
{
	struct fixture *f = fixture_new(trib_test_seed());
	char path[64];
	size_t size;

	assert_ok(fixture_open(f), f->error);
	fixture_append_many(f, 100);
	uint64_t middle = f->twin.records[50].next;

	assert_int_equal(trib_journal_trim(f->journal, middle), TRIB_OK);
	uint64_t first = trib_journal_first(f->journal);
	uint32_t kept = (uint32_t)(middle / f->options.segment_bytes);

	assert_int_equal(first / f->options.segment_bytes, kept);
	while (trib_sim_disk_step(f->sim))
		;
	segment_path(kept - 1, path);
	assert_null(trib_sim_disk_peek(f->sim, path, &size));
	segment_path(kept, path);
	assert_non_null(trib_sim_disk_peek(f->sim, path, &size));
	assert_int_equal(fixture_compare(f, middle), 100);
	assert_int_equal(fixture_compare(f, first), 100);

	struct trib_journal_reader *reader;

	assert_int_equal(
		trib_journal_reader_new(f->journal, f->twin.records[0].next, &reader, &f->error),
		TRIB_NOT_FOUND);
	/* All of it: the last record stays. */
	assert_int_equal(trib_journal_trim(f->journal, trib_journal_next(f->journal)), TRIB_OK);
	while (trib_sim_disk_step(f->sim))
		;
	fixture_kill(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, f->twin.records[99].next), 100);
	fixture_append_many(f, 3);
	assert_int_equal(fixture_compare(f, f->twin.records[99].next), 103);
	fixture_free(f);
}

static void a_second_opening_is_refused(void **state)
{
	struct fixture *f = fixture_new(9);
	struct trib_journal *other;

	assert_ok(fixture_open(f), f->error);
	assert_int_equal(trib_journal_open(&f->options, &other, &f->error), TRIB_BUSY);
	assert_non_null(strstr(f->error.at, "data/epoch"));
	fixture_append_many(f, 3);
	fixture_free(f);
}

/* As on a file system without locks: somebody else has raised the epoch. */
static void a_later_epoch_fences(void **state)
{
	for (int removed = 0; removed < 2; removed++) {
		struct fixture *f = fixture_new(10);
		struct trib_journal_failure failure;
		struct trib_journal_progress progress;
		char slots[2 * TRIB_DISK_BLOCK];
		size_t size;

		assert_ok(fixture_open(f), f->error);
		fixture_append_many(f, 3);
		if (removed) {
			trib_sim_disk_remove(f->sim, FOLDER "/epoch");
		} else {
			struct trib_epoch_slot *slot = (struct trib_epoch_slot *)slots;
			const char *bytes = trib_sim_disk_peek(f->sim, FOLDER "/epoch", &size);

			memcpy(slots, bytes + TRIB_DISK_BLOCK, TRIB_DISK_BLOCK);
			struct trib_segment_layout layout = { .engine = slot->engine,
							      .journal = slot->journal };

			trib_epoch_slot_write(&layout, 2, slots);
			if (size < sizeof(slots))
				fail_msg("the epoch file is %zu bytes", size);
			trib_sim_disk_poke(f->sim, FOLDER "/epoch", 0, slots, TRIB_DISK_BLOCK);
		}
		assert_int_equal(fixture_append(f, 100), TRIB_OK);
		assert_int_equal(trib_journal_wait(f->journal, &progress, &failure), TRIB_FENCED);
		assert_int_equal(failure.status, TRIB_FENCED);
		assert_int_equal(progress.written, f->twin.records[2].next);
		assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_FAILED);
		assert_int_equal(fixture_append(f, 100), TRIB_FENCED);
		assert_int_equal(trib_journal_probe(f->journal), TRIB_FENCED);
		fixture_free(f);
	}
}

/* A log that another process writes to can be looked at, without a lock and without a trace. */
static void an_observer_takes_nothing(void **state)
{
	struct fixture *f = fixture_new(16);
	struct trib_journal_options options = f->options;
	struct trib_journal_failure failure;
	struct trib_journal_progress progress;
	struct trib_journal *owner;

	assert_ok(fixture_open(f), f->error);
	fixture_append_many(f, 20);
	owner = f->journal;
	options.observe = true;
	options.durable = f->twin.records[19].next;
	uint64_t changes = trib_sim_disk_changes(f->sim);

	for (int round = 0; round < 3; round++) {
		assert_ok(trib_journal_open(&options, &f->journal, &f->error), f->error);
		assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_READ_ONLY);
		assert_int_equal(trib_journal_poll(f->journal, &progress, &failure), TRIB_FENCED);
		assert_int_equal(trib_journal_probe(f->journal), TRIB_FENCED);
		assert_int_equal(fixture_append(f, 100), TRIB_READ_ONLY);
		/* Without being told or being allowed to sync, it cannot know of the last one. */
		assert_int_equal(fixture_compare(f, 0), round ? 19 : 20);
		fixture_close(f);
		options.durable = 0;
	}
	assert_int_equal(trib_sim_disk_changes(f->sim), changes);
	f->journal = owner;
	fixture_append_many(f, 20);
	assert_int_equal(fixture_compare(f, 0), 40);
	fixture_free(f);
}

static void a_failed_write_ends_the_journal(void **state)
{
	struct fixture *f = fixture_new(11);
	struct trib_journal_failure failure;
	struct trib_journal_progress progress;
	struct trib_sim_faults *faults = trib_sim_disk_faults(f->sim);

	assert_ok(fixture_open(f), f->error);
	fixture_append_many(f, 5);
	while (trib_sim_disk_step(f->sim))
		;
	faults->fail_after = 0;
	faults->fail_count = -1;
	for (int i = 0; i < 3; i++)
		assert_int_equal(fixture_append(f, 100), TRIB_OK);
	assert_int_equal(trib_journal_wait(f->journal, &progress, &failure), TRIB_IO);
	assert_int_equal(failure.os_error, EIO);
	assert_non_null(strstr(failure.error.at, "segment-"));
	assert_int_equal(progress.written, f->twin.records[4].next);
	assert_int_equal(fixture_append(f, 100), TRIB_IO);

	/* Opened again, it can be read; once the disk takes writes, written. */
	fixture_close(f);
	f->options.durable = progress.durable;
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_READ_ONLY);
	assert_int_equal(fixture_append(f, 100), TRIB_READ_ONLY);
	assert_int_equal(fixture_compare(f, 0), 5);
	assert_int_equal(trib_journal_probe(f->journal), TRIB_OK);
	assert_int_equal(trib_journal_probe(f->journal), TRIB_BUSY);
	assert_int_equal(trib_journal_wait(f->journal, &progress, &failure), TRIB_IO);
	faults->fail_after = -1;
	assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_READ_ONLY);
	assert_int_equal(trib_journal_probe(f->journal), TRIB_OK);
	trib_journal_wait(f->journal, &progress, NULL);
	/* If the failed one has come through after all, this opening has not shown it: the next one does. */
	if (trib_journal_state(f->journal) == TRIB_JOURNAL_FAILED) {
		fixture_close(f);
		assert_ok(fixture_open(f), f->error);
	}
	assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_WRITABLE);
	size_t there = fixture_compare(f, 0);

	assert_in_range(there, 5, 6);
	twin_cut(&f->twin, there);
	fixture_append_many(f, 5);
	assert_int_equal(fixture_compare(f, 0), there + 5);
	fixture_free(f);
}

static void a_full_disk_is_read_only_until_there_is_room(void **state)
{
	struct fixture *f = fixture_new(12);
	struct trib_journal_failure failure = { 0 };
	struct trib_journal_progress progress;
	struct trib_sim_faults *faults = trib_sim_disk_faults(f->sim);
	char path[64];
	size_t size;
	trib_status status = TRIB_OK;

	faults->room_bytes = (64 << 10) * 6 + (8 << 10) + 4096;
	assert_ok(fixture_open(f), f->error);
	for (int i = 0; i < 100 && status == TRIB_OK; i++) {
		if (fixture_append(f, 10000) != TRIB_OK)
			break;
		status = trib_journal_wait(f->journal, &progress, &failure);
	}
	assert_int_equal(status, TRIB_IO);
	assert_int_equal(failure.os_error, ENOSPC);
	assert_string_equal(failure.error.at, "segment-0000000007");
	/* What was begun of the seventh is given back. */
	assert_null(trib_sim_disk_peek(f->sim, FOLDER "/unfinished", &size));
	segment_path(6, path);
	assert_non_null(trib_sim_disk_peek(f->sim, path, &size));
	twin_cut(&f->twin, f->twin.count - 1);

	fixture_close(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_READ_ONLY);
	assert_int_equal(trib_journal_poll(f->journal, &progress, &failure), TRIB_IO);
	assert_int_equal(failure.os_error, ENOSPC);
	assert_int_equal(fixture_compare(f, 0), f->twin.count);
	faults->room_bytes *= 2;
	assert_int_equal(trib_journal_probe(f->journal), TRIB_OK);
	fixture_wait(f);
	fixture_append_many(f, 10);
	assert_int_equal(fixture_compare(f, 0), f->twin.count);
	fixture_free(f);
}

static void options_are_checked(void **state)
{
	struct fixture *f = fixture_new(13);
	struct {
		struct trib_journal_options options;
		const char *at;
	} rows[] = {
		{ { .folder = NULL }, "folder" },
		{ { .folder = "" }, "folder" },
		{ { .folder = "x", .segment_bytes = 100000 }, "segment_bytes" },
		{ { .folder = "x", .segment_bytes = 32 << 10 }, "segment_bytes" },
		{ { .folder = "x", .segment_bytes = 2ull << 30 }, "segment_bytes" },
		{ { .folder = "x", .segment_bytes = 1 << 20, .ring_bytes = 1 << 19 },
		  "ring_bytes" },
		{ { .folder = "x", .segment_bytes = 1 << 20, .ring_bytes = 3 << 20 },
		  "ring_bytes" },
		{ { .folder = "x", .interval_ms = -1 }, "interval_ms" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		rows[i].options.disk = f->options.disk;
		assert_int_equal(trib_journal_open(&rows[i].options, &f->journal, &f->error),
				 TRIB_INVALID);
		assert_string_equal(f->error.at, rows[i].at);
	}
	fixture_free(f);
}

static void a_log_keeps_the_segments_it_was_made_with(void **state)
{
	struct fixture *f = fixture_new(14);
	struct trib_journal_stats stats;

	assert_ok(fixture_open(f), f->error);
	fixture_append_many(f, 10);
	fixture_close(f);
	f->options.segment_bytes = 1 << 20;
	f->options.ring_bytes = 1 << 20;
	assert_ok(fixture_open(f), f->error);
	trib_journal_stats(f->journal, &stats);
	assert_int_equal(stats.segment_bytes, 64 << 10);
	fixture_append_many(f, 30);
	assert_int_equal(fixture_compare(f, 0), 40);
	fixture_free(f);
}

static void a_reader_waits_at_the_end(void **state)
{
	struct fixture *f = fixture_new(15);
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	struct trib_error error;

	assert_ok(fixture_open(f), f->error);
	assert_ok(trib_journal_reader_new(f->journal, 0, &reader, &error), error);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(trib_journal_reader_next(reader, &record, &error), TRIB_NOT_FOUND);
		assert_int_equal(fixture_append(f, fixture_random_size(f)), TRIB_OK);
		assert_int_equal(trib_journal_reader_next(reader, &record, &error), TRIB_NOT_FOUND);
		fixture_wait(f);
		assert_ok(trib_journal_reader_next(reader, &record, &error), error);
		assert_int_equal(record.position, f->twin.records[i].position);
		assert_int_equal(record.next, f->twin.records[i].next);
	}
	trib_journal_reader_free(reader);
	assert_int_equal(trib_journal_reader_new(f->journal, 12345, &reader, &error),
			 TRIB_NOT_FOUND);
	assert_int_equal(trib_journal_reader_new(f->journal, trib_journal_next(f->journal) + 1,
						 &reader, &error),
			 TRIB_INVALID);
	assert_int_equal(
		trib_journal_reader_new(f->journal, f->twin.records[3].position, &reader, &error),
		TRIB_INVALID);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_appended_is_read_back),
		cmocka_unit_test(positions_rise_and_batches_stay_in_a_segment),
		cmocka_unit_test(a_record_may_end_where_its_segment_ends),
		cmocka_unit_test(recent_and_stored_bytes_are_found_by_position),
		cmocka_unit_test(a_fetch_of_what_is_not_there_says_so),
		cmocka_unit_test(several_fetches_fail_one_by_one),
		cmocka_unit_test(a_batch_is_not_written_before_its_time),
		cmocka_unit_test(too_much_waiting_is_busy),
		cmocka_unit_test(interval_is_durable_after_its_time),
		cmocka_unit_test(off_is_durable_by_segment_or_when_asked),
		cmocka_unit_test(a_refusal_of_direct_writes_is_told_and_survived),
		cmocka_unit_test(trimming_keeps_what_is_needed),
		cmocka_unit_test(a_second_opening_is_refused),
		cmocka_unit_test(a_later_epoch_fences),
		cmocka_unit_test(an_observer_takes_nothing),
		cmocka_unit_test(a_failed_write_ends_the_journal),
		cmocka_unit_test(a_full_disk_is_read_only_until_there_is_room),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(a_log_keeps_the_segments_it_was_made_with),
		cmocka_unit_test(a_reader_waits_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
