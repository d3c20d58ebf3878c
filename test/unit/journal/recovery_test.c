/*
 * What an opening makes of a damaged log. Each row damages a copy of the same log of one opening that was
 * killed; expected is either how many records are left, or the place that the refusal names.
 */
#include "fixture.h"

struct damage {
	const char *name;
	void (*apply)(struct fixture *f, struct trib_sim_disk *sim);
	int left;	/* records of the twin that must be there; -1: refused */
	int left_least; /* … or any number from this one on; 0: exactly `left` */
	const char *at; /* what the place of the refusal contains; NULL: see at_record */
	int at_record;	/* … the address of this record of the twin, from the end */
};

/* Where the record lies: the n-th from the end, 1 is the last. */
static const struct twin_record *nth(const struct fixture *f, size_t from_end)
{
	return &f->twin.records[f->twin.count - from_end];
}

static uint64_t start_of(const struct fixture *f, size_t from_end)
{
	return nth(f, from_end)->position - TRIB_RECORD_HEADER_BYTES;
}

static void place(const struct fixture *f, uint64_t address, char path[64], uint64_t *ret_offset)
{
	segment_path((uint32_t)(address / f->options.segment_bytes), path);
	*ret_offset = address % f->options.segment_bytes;
}

static void poke(const struct fixture *f, struct trib_sim_disk *sim, uint64_t address,
		 const void *data, size_t size)
{
	char path[64];
	uint64_t offset;

	place(f, address, path, &offset);
	trib_sim_disk_poke(sim, path, offset, data, size);
}

static void zero(const struct fixture *f, struct trib_sim_disk *sim, uint64_t address, size_t size)
{
	char *zeros = trib_alloc_zeroed(1, size);

	poke(f, sim, address, zeros, size);
	free(zeros);
}

static void flip(const struct fixture *f, struct trib_sim_disk *sim, uint64_t address)
{
	char path[64], byte;
	uint64_t offset;
	size_t size;

	place(f, address, path, &offset);
	byte = trib_sim_disk_peek(sim, path, &size)[offset];
	byte ^= 0x10;
	trib_sim_disk_poke(sim, path, offset, &byte, 1);
}

static struct trib_segment_layout layout_of(struct fixture *f, struct trib_sim_disk *sim)
{
	struct trib_segment_layout layout;
	uint32_t segment;
	size_t size;
	char path[64];

	segment_path(1, path);
	assert_ok(trib_segment_header_read(trib_sim_disk_peek(sim, path, &size), path, &layout,
					   &segment, &f->error),
		  f->error);
	return layout;
}

/* A record with another header, sealed as if it were meant. */
static void reseal(struct fixture *f, struct trib_sim_disk *sim, uint64_t address,
		   void (*change)(struct trib_record_header *header))
{
	struct trib_segment_layout layout = layout_of(f, sim);
	struct trib_record_header header;
	char path[64], *record = trib_alloc(layout.record_max);
	uint64_t offset;
	size_t size;

	place(f, address, path, &offset);
	const char *bytes = trib_sim_disk_peek(sim, path, &size) + offset;

	memcpy(&header, bytes, sizeof(header));
	size_t whole = trib_record_bytes(header.length);

	memcpy(record, bytes, whole);
	change(&header);
	trib_record_seal(&layout, record, header);
	trib_sim_disk_poke(sim, path, offset, record, whole);
	free(record);
}

/* --- Damages ----------------------------------------------------------------------------------------- */

static void nothing(struct fixture *f, struct trib_sim_disk *sim)
{
}

static void last_header_torn(struct fixture *f, struct trib_sim_disk *sim)
{
	zero(f, sim, start_of(f, 1), TRIB_SIM_SECTOR);
}

static void last_header_half(struct fixture *f, struct trib_sim_disk *sim)
{
	zero(f, sim, start_of(f, 1) + 20, 100);
}

static void last_middle_zero(struct fixture *f, struct trib_sim_disk *sim)
{
	zero(f, sim, start_of(f, 1) + 4096, TRIB_SIM_SECTOR);
}

static void last_end_zero(struct fixture *f, struct trib_sim_disk *sim)
{
	zero(f, sim, start_of(f, 1) + trib_record_bytes(nth(f, 1)->size) - TRIB_SIM_SECTOR,
	     TRIB_SIM_SECTOR);
}

static void last_all_zero(struct fixture *f, struct trib_sim_disk *sim)
{
	zero(f, sim, start_of(f, 1), trib_record_bytes(nth(f, 1)->size));
}

static void last_padding_flipped(struct fixture *f, struct trib_sim_disk *sim)
{
	flip(f, sim, start_of(f, 1) + trib_record_bytes(nth(f, 1)->size) - 1);
}

static void second_last_header_flipped(struct fixture *f, struct trib_sim_disk *sim)
{
	flip(f, sim, start_of(f, 2) + 3);
}

static void second_last_padding_flipped(struct fixture *f, struct trib_sim_disk *sim)
{
	flip(f, sim, start_of(f, 2) + trib_record_bytes(nth(f, 2)->size) - 1);
}

static void second_last_all_zero(struct fixture *f, struct trib_sim_disk *sim)
{
	zero(f, sim, start_of(f, 2), trib_record_bytes(nth(f, 2)->size));
}

static void two_last_damaged(struct fixture *f, struct trib_sim_disk *sim)
{
	zero(f, sim, start_of(f, 3), trib_record_bytes(nth(f, 3)->size));
	zero(f, sim, start_of(f, 2), trib_record_bytes(nth(f, 2)->size));
	flip(f, sim, nth(f, 1)->position);
}

static void whole_segment_of_records_lost(struct fixture *f, struct trib_sim_disk *sim)
{
	uint32_t segment = (uint32_t)(nth(f, 1)->position / f->options.segment_bytes) - 1;

	zero(f, sim, segment * f->options.segment_bytes + TRIB_SEGMENT_DATA,
	     f->options.segment_bytes - TRIB_SEGMENT_DATA);
}

static void second_last_swapped(struct fixture *f, struct trib_sim_disk *sim)
{
	char *bytes = trib_alloc(TRIB_DISK_BLOCK), path[64];
	uint64_t offset;
	size_t size;

	/* The record of another place: whole, but not here. */
	place(f, start_of(f, 4), path, &offset);
	memcpy(bytes, trib_sim_disk_peek(sim, path, &size) + offset, TRIB_DISK_BLOCK);
	poke(f, sim, start_of(f, 2), bytes, TRIB_DISK_BLOCK);
	free(bytes);
}

static void lower_epoch(struct trib_record_header *header)
{
	header->epoch--;
}

static void last_of_an_earlier_epoch(struct fixture *f, struct trib_sim_disk *sim)
{
	reseal(f, sim, start_of(f, 1), lower_epoch);
}

static void higher_epoch(struct trib_record_header *header)
{
	header->epoch++;
}

static void last_of_an_unopened_epoch(struct fixture *f, struct trib_sim_disk *sim)
{
	reseal(f, sim, start_of(f, 1), higher_epoch);
}

static void other_previous(struct trib_record_header *header)
{
	header->previous ^= 1;
}

static void last_of_another_chain(struct fixture *f, struct trib_sim_disk *sim)
{
	reseal(f, sim, start_of(f, 1), other_previous);
}

static void bytes_behind(struct fixture *f, struct trib_sim_disk *sim)
{
	poke(f, sim, nth(f, 1)->next + 5000, "torn", 4);
}

static void bytes_far_behind(struct fixture *f, struct trib_sim_disk *sim)
{
	poke(f, sim, nth(f, 1)->next + 16384, "what?", 5);
}

static void bytes_in_a_segment_ahead(struct fixture *f, struct trib_sim_disk *sim)
{
	uint64_t segment = nth(f, 1)->next / f->options.segment_bytes + 1;

	poke(f, sim, segment * f->options.segment_bytes + 40000, "what?", 5);
}

static void segment_missing(struct fixture *f, struct trib_sim_disk *sim)
{
	trib_sim_disk_remove(sim, FOLDER "/segment-0000000002");
}

static void first_segment_missing(struct fixture *f, struct trib_sim_disk *sim)
{
	trib_sim_disk_remove(sim, FOLDER "/segment-0000000001");
}

static void segment_short(struct fixture *f, struct trib_sim_disk *sim)
{
	trib_sim_disk_cut(sim, FOLDER "/segment-0000000002", 40000);
}

static void segment_empty(struct fixture *f, struct trib_sim_disk *sim)
{
	trib_sim_disk_cut(sim, FOLDER "/segment-0000000002", 0);
}

static void segment_header_flipped(struct fixture *f, struct trib_sim_disk *sim)
{
	flip(f, sim, 2 * f->options.segment_bytes + 4000);
}

static void segment_of_another_engine(struct fixture *f, struct trib_sim_disk *sim)
{
	struct trib_segment_layout layout = layout_of(f, sim);
	char block[TRIB_DISK_BLOCK];

	layout.engine = 8;
	trib_segment_header_write(&layout, 2, 1, block);
	trib_sim_disk_poke(sim, FOLDER "/segment-0000000002", 0, block, sizeof(block));
}

static void segment_of_another_log(struct fixture *f, struct trib_sim_disk *sim)
{
	struct trib_segment_layout layout = layout_of(f, sim);
	char block[TRIB_DISK_BLOCK];

	layout.journal++;
	trib_segment_header_write(&layout, 2, 1, block);
	trib_sim_disk_poke(sim, FOLDER "/segment-0000000002", 0, block, sizeof(block));
}

static void segment_under_another_name(struct fixture *f, struct trib_sim_disk *sim)
{
	trib_sim_disk_remove(sim, FOLDER "/segment-0000000003");
	trib_sim_disk_move(sim, FOLDER "/segment-0000000002", FOLDER "/segment-0000000003");
	trib_sim_disk_move(sim, FOLDER "/segment-0000000001", FOLDER "/segment-0000000002");
}

/* A file reused without zeroing: the right header, and the records of an earlier segment. */
static void stale_segment_ahead(struct fixture *f, struct trib_sim_disk *sim)
{
	struct trib_segment_layout layout = layout_of(f, sim);
	uint32_t ahead = (uint32_t)(nth(f, 1)->next / f->options.segment_bytes) + 1;
	char block[TRIB_DISK_BLOCK], path[64], *copy = trib_alloc(f->options.segment_bytes);
	size_t size;

	memcpy(copy, trib_sim_disk_peek(sim, FOLDER "/segment-0000000001", &size),
	       f->options.segment_bytes);
	trib_segment_header_write(&layout, ahead, 1, block);
	memcpy(copy, block, sizeof(block));
	segment_path(ahead, path);
	trib_sim_disk_poke(sim, path, 0, copy, f->options.segment_bytes);
	free(copy);
}

static void epoch_file_gone(struct fixture *f, struct trib_sim_disk *sim)
{
	trib_sim_disk_remove(sim, FOLDER "/epoch");
}

static void epoch_file_rotten(struct fixture *f, struct trib_sim_disk *sim)
{
	size_t size;

	trib_sim_disk_peek(sim, FOLDER "/epoch", &size);
	for (size_t i = 0; i + 8 < size; i += TRIB_DISK_BLOCK)
		trib_sim_disk_poke(sim, FOLDER "/epoch", i, "rotten!", 8);
}

static void strange_files_beside(struct fixture *f, struct trib_sim_disk *sim)
{
	trib_sim_disk_move(sim, FOLDER "/epoch", FOLDER "/segment-12");
}

/*
 * The log: 28 records over five segments, one opening, not closed; the last lies in the middle of its
 * segment, has three blocks, the others two; the journal's largest has four.
 */
static const struct damage damages[] = {
	{ "nothing", nothing, 28 },
	{ "last header torn", last_header_torn, 27 },
	{ "last header half", last_header_half, 27 },
	{ "last middle zero", last_middle_zero, 27 },
	{ "last end zero", last_end_zero, 27 },
	{ "last never came", last_all_zero, 27 },
	{ "last padding flipped", last_padding_flipped, 27 },
	{ "second last header flipped", second_last_header_flipped, -1, 0, NULL, 2 },
	{ "second last padding flipped", second_last_padding_flipped, -1, 0, NULL, 2 },
	{ "second last lost", second_last_all_zero, -1, 0, NULL, 2 },
	{ "two lost, last flipped", two_last_damaged, -1, 0, "segment-0000000005@" },
	{ "a segment of records lost", whole_segment_of_records_lost, -1, 0,
	  "segment-0000000004@4096" },
	{ "another record in its place", second_last_swapped, -1, 0, NULL, 2 },
	{ "epoch goes back", last_of_an_earlier_epoch, -1, 0, NULL, 1 },
	{ "epoch nobody opened", last_of_an_unopened_epoch, -1, 0, NULL, 1 },
	{ "another chain", last_of_another_chain, -1, 0, NULL, 1 },
	{ "bytes behind the end", bytes_behind, 28 },
	{ "bytes far behind the end", bytes_far_behind, -1, 0, "segment-0000000005@" },
	{ "bytes in a segment ahead", bytes_in_a_segment_ahead, -1, 0, "segment-0000000006@36864" },
	{ "segment missing", segment_missing, -1, 0, "segment-0000000002" },
	{ "first segment missing", first_segment_missing, 28 },
	{ "segment short", segment_short, -1, 0, "segment-0000000002" },
	{ "segment empty", segment_empty, -1, 0, "segment-0000000002" },
	{ "segment header flipped", segment_header_flipped, -1, 0, "segment-0000000002" },
	{ "segment of another engine", segment_of_another_engine, -1, 0, "segment-0000000002" },
	{ "segment of another log", segment_of_another_log, -1, 0, "segment-0000000002" },
	{ "segment under another name", segment_under_another_name, -1, 0, "segment-0000000002" },
	{ "stale segment ahead", stale_segment_ahead, -1, 0, "segment-0000000006@4096" },
	{ "epoch file gone", epoch_file_gone, 28 },
	{ "epoch file rotten", epoch_file_rotten, 28 },
	{ "strange files beside", strange_files_beside, 28 },
};

static struct fixture *make_log(enum trib_journal_sync sync)
{
	struct fixture *f = fixture_new(99);

	f->options.sync = sync;
	assert_ok(fixture_open(f), f->error);
	for (int i = 0; i < 28; i++) {
		assert_int_equal(fixture_append(f, i < 27 ? 8000 : 12000), TRIB_OK);
		fixture_wait(f);
	}
	assert_int_equal(f->twin.records[27].position / f->options.segment_bytes, 5);
	fixture_kill(f);
	return f;
}

static void expect_refusal(struct fixture *f, const struct damage *damage, trib_status status)
{
	char at[64];
	uint64_t address = damage->at_record ? start_of(f, (size_t)damage->at_record) : 0;

	snprintf(at, sizeof(at), "segment-%010u@%u", (unsigned)(address / f->options.segment_bytes),
		 (unsigned)(address % f->options.segment_bytes));
	if (status != TRIB_CORRUPT)
		fail_msg("%s: found status %d, expected a refusal", damage->name, status);
	if (!strstr(f->error.at, damage->at ? damage->at : at))
		fail_msg("%s: found \"%s: %s\", expected it at %s", damage->name, f->error.at,
			 f->error.text, damage->at ? damage->at : at);
}

static void expect_records(struct fixture *f, const struct damage *damage, trib_status status)
{
	if (status != TRIB_OK)
		fail_msg("%s: %s: %s", damage->name, f->error.at, f->error.text);
	size_t there = fixture_compare(f, 0);

	if (there != (size_t)damage->left)
		fail_msg("%s: found %zu records, expected %d", damage->name, there, damage->left);
	/* What was cut is gone for good: new records, another opening. */
	uint64_t from = there ? f->twin.records[there - 1].next : 0;

	assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_WRITABLE);
	twin_cut(&f->twin, there);
	fixture_append_many(f, 3);
	fixture_kill(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, from), there + 3);
}

static void damaged_logs_are_cut_or_refused(void **state)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(damages); i++) {
		const struct damage *damage = &damages[i];
		struct fixture *f = make_log(TRIB_JOURNAL_SYNC_BATCH);

		damage->apply(f, f->sim);
		/* A refusal changes nothing: the second attempt says the same. */
		for (int attempt = 0; attempt < 2 && damage->left < 0; attempt++)
			expect_refusal(f, damage, fixture_open(f));
		if (damage->left >= 0)
			expect_records(f, damage, fixture_open(f));
		fixture_free(f);
	}
}

/* Opens a copy of the log with these records damaged. */
static trib_status open_with_holes(struct fixture *f, const struct trib_sim_disk *whole,
				   const size_t *holes, size_t count)
{
	fixture_close(f);
	trib_sim_disk_free(f->sim);
	f->sim = trib_sim_disk_clone(whole, 1);
	f->options.disk = trib_sim_disk_table(f->sim);
	for (size_t i = 0; i < count; i++)
		zero(f, f->sim, f->twin.records[holes[i]].position - TRIB_RECORD_HEADER_BYTES,
		     TRIB_SIM_SECTOR);
	return fixture_open(f);
}

/* Under relaxed sync a power cut may lose anything behind `durable`, but never what lies before it. */
static void relaxed_logs_lose_only_what_was_not_durable(void **state)
{
	struct fixture *f = fixture_new(98);
	struct trib_journal_progress progress;
	size_t durable = 0;

	f->options.sync = TRIB_JOURNAL_SYNC_OFF;
	assert_ok(fixture_open(f), f->error);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(fixture_append(f, 8000), TRIB_OK);
		progress = fixture_wait(f);
	}
	while (f->twin.records[durable].next <= progress.durable)
		durable++;
	assert_in_range(durable, 10, 35);
	fixture_kill(f);

	struct trib_sim_disk *whole = trib_sim_disk_clone(f->sim, 1);

	/* Behind the mark, with whole records between and behind: cut, later segments and all. */
	for (size_t first = durable; first < 40; first += 2) {
		size_t holes[] = { first, TRIB_MIN(first + 3, 39) };

		twin_cut(&f->twin, 40);
		assert_ok(open_with_holes(f, whole, holes, 2), f->error);
		assert_int_equal(fixture_compare(f, 0), first);
	}
	/* Before it: refused. */
	size_t hole = durable - 1;

	assert_int_equal(open_with_holes(f, whole, &hole, 1), TRIB_CORRUPT);
	f->journal = NULL;
	assert_string_equal(
		f->error.at,
		trib_address_text(&(struct trib_segment_layout){ .segment_bytes = 65536 },
				  f->twin.records[hole].position - 64));
	/* The log goes on from a cut. */
	assert_ok(open_with_holes(f, whole, &durable, 1), f->error);
	twin_cut(&f->twin, durable);
	fixture_append_many(f, 20);
	fixture_kill(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, 0), durable + 20);
	trib_sim_disk_free(whole);
	fixture_free(f);
}

/* The trace of src/journal/README.md, number by number. */
static void the_trace_of_the_readme(void **state)
{
	struct fixture *f = fixture_new(96);
	struct trib_journal_stats stats;

	assert_ok(fixture_open(f), f->error);
	assert_int_equal(trib_journal_first(f->journal), 69632);
	assert_int_equal(trib_journal_next(f->journal), 73728);
	static const size_t sizes[] = { 100, 5000, 5000 };
	static const uint64_t positions[] = { 73792, 77888, 86080 };

	for (int i = 0; i < 3; i++) {
		assert_int_equal(fixture_append(f, sizes[i]), TRIB_OK);
		fixture_wait(f);
		assert_int_equal(f->twin.records[i].position, positions[i]);
	}
	fixture_kill(f);
	struct trib_sim_disk *whole = trib_sim_disk_clone(f->sim, 1), *torn = f->sim;

	zero(f, f->sim, 86016 + 4096, 4096);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, 0), 2);
	assert_int_equal(trib_journal_epoch(f->journal), 2);
	trib_journal_stats(f->journal, &stats);
	assert_int_equal(stats.cut_bytes, 4096);
	assert_int_equal(trib_journal_next(f->journal), 90112);
	twin_cut(&f->twin, 2);
	assert_int_equal(fixture_append(f, 10), TRIB_OK);
	assert_int_equal(f->twin.records[2].position, 90176);
	fixture_close(f);
	/* Had C been whole and B not. */
	f->sim = whole;
	f->options.disk = trib_sim_disk_table(whole);
	zero(f, f->sim, 77824 + 4096, 4096);
	assert_int_equal(fixture_open(f), TRIB_CORRUPT);
	assert_string_equal(f->error.at, "segment-0000000001@12288");
	assert_non_null(strstr(f->error.text,
			       "found no whole record, but one behind it at "
			       "segment-0000000001@20480, written when this one was durable"));
	f->journal = NULL;
	trib_sim_disk_free(torn);
	fixture_free(f);
}

/* A payload that holds the image of a record, right in all but the number of the log, is no record. */
static void a_payload_cannot_imitate_a_record(void **state)
{
	struct fixture *f = fixture_new(97);
	struct trib_journal_batch batch;
	uint64_t next;

	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_append(f, 100), TRIB_OK);
	fixture_wait(f);
	struct trib_segment_layout layout = layout_of(f, f->sim);

	layout.journal = 0x1234567;
	assert_int_equal(trib_journal_begin(f->journal, &batch), TRIB_OK);
	memset(batch.payload, 'a', batch.capacity);
	uint64_t address = trib_blocks_up(batch.position);
	struct trib_record_header header = {
		.kind = TRIB_RECORD_BATCH,
		.position = address + TRIB_RECORD_HEADER_BYTES,
		.durable = address,
		.epoch = 1,
		.length = 1000,
	};

	trib_record_seal(&layout, batch.payload + (address - batch.position), header);
	assert_int_equal(trib_journal_append(f->journal, 12000, &next), TRIB_OK);
	twin_add(&f->twin, batch.position, next, batch.payload, 12000);
	fixture_wait(f);
	/* Torn in its first sector only: the forged one stands whole behind the end of the chain. */
	zero(f, f->sim, batch.position - TRIB_RECORD_HEADER_BYTES, TRIB_SIM_SECTOR);
	fixture_kill(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, 0), 1);
	fixture_free(f);
}

static void a_folder_of_another_engine_is_refused(void **state)
{
	struct fixture *f = make_log(TRIB_JOURNAL_SYNC_BATCH);

	f->options.engine = 8;
	assert_int_equal(fixture_open(f), TRIB_CORRUPT);
	assert_string_equal(f->error.at, "segment-0000000001");
	assert_non_null(strstr(f->error.text, "engine 7"));
	fixture_free(f);
}

/*
 * Opened while the disk takes no writes, then again: the cut waits for the first opening that can write. Until then
 * only what can be proved to be durable is shown: the last record takes a sync, or a caller who knows.
 */
static void cutting_waits_for_a_disk_that_takes_writes(void **state)
{
	struct fixture *f = make_log(TRIB_JOURNAL_SYNC_BATCH);
	struct trib_sim_faults *faults = trib_sim_disk_faults(f->sim);
	struct trib_journal_progress progress;
	struct trib_journal_failure failure;

	last_middle_zero(f, f->sim);
	faults->fail_after = 0;
	faults->fail_count = -1;
	f->options.durable = f->twin.records[26].next;
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_READ_ONLY);
	assert_int_equal(fixture_compare(f, 0), 27);
	fixture_close(f);
	f->options.durable = f->twin.records[27].next;
	assert_int_equal(fixture_open(f), TRIB_CORRUPT);
	assert_non_null(strstr(f->error.text, "known to be durable"));
	f->journal = NULL;
	f->options.durable = 0;
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, 0), 26);
	faults->fail_after = -1;
	assert_int_equal(trib_journal_probe(f->journal), TRIB_OK);
	assert_int_equal(trib_journal_wait(f->journal, &progress, &failure), TRIB_IO);
	assert_int_equal(trib_journal_state(f->journal), TRIB_JOURNAL_FAILED);
	assert_non_null(strstr(failure.error.text, "opened again"));
	fixture_close(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, 0), 27);
	twin_cut(&f->twin, 27);
	fixture_append_many(f, 2);
	fixture_kill(f);
	assert_ok(fixture_open(f), f->error);
	assert_int_equal(fixture_compare(f, 0), 29);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_logs_are_cut_or_refused),
		cmocka_unit_test(relaxed_logs_lose_only_what_was_not_durable),
		cmocka_unit_test(the_trace_of_the_readme),
		cmocka_unit_test(a_payload_cannot_imitate_a_record),
		cmocka_unit_test(a_folder_of_another_engine_is_refused),
		cmocka_unit_test(cutting_waits_for_a_disk_that_takes_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
