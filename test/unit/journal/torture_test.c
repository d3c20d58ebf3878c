/*
 * Torture: whatever is done to the disk, an opening recovers exactly a prefix of what was appended, no shorter
 * than what was called durable, or refuses and names a place. It never invents, never hangs, never crashes.
 */
#include <errno.h>
#include "fixture.h"

/*
 * Opens what is left of the log after its end and reads it; `least` records must be there, or it must be refused:
 * by the opening, or by the reader where the damage lies before what an opening looks at.
 */
static void judge_remains(struct fixture *f, size_t least, bool may_refuse, const char *what)
{
	trib_status status = fixture_open(f);
	size_t there = status == TRIB_OK ? fixture_read(f, 0, &status) : 0;

	if (status == TRIB_CORRUPT && may_refuse) {
		assert_non_null(strstr(f->error.at, "segment-"));
		return;
	}
	if (status != TRIB_NOT_FOUND)
		fail_msg("%s: %s: %s", what, f->error.at, f->error.text);
	if (there < least)
		fail_msg("%s: found %zu records, expected at least %zu of %zu", what, there, least,
			 f->twin.count);
}

/* --- Damage to a log at rest ------------------------------------------------------------------------- */

static struct fixture *small_log(uint64_t seed, bool closed)
{
	struct fixture *f = fixture_new(seed);

	assert_ok(fixture_open(f), f->error);
	fixture_append_many(f, 25);
	if (closed)
		fixture_close(f);
	else
		fixture_kill(f);
	return f;
}

/* The same log again, whole. */
static void restore(struct fixture *f, const struct trib_sim_disk *whole)
{
	fixture_close(f);
	trib_sim_disk_free(f->sim);
	f->sim = trib_sim_disk_clone(whole, 5);
	f->options.disk = trib_sim_disk_table(f->sim);
}

static void flip_at(struct trib_sim_disk *sim, const char *path, uint64_t offset, int bit)
{
	size_t size;
	char byte = trib_sim_disk_peek(sim, path, &size)[offset];

	byte ^= (char)(1 << bit);
	trib_sim_disk_poke(sim, path, offset, &byte, 1);
}

static void flip_a_bit_anywhere(void **state)
{
	uint64_t seed = trib_test_seed();

	for (int closed = 0; closed < 2; closed++) {
		struct fixture *f = small_log(seed, closed);
		struct trib_sim_disk *whole = trib_sim_disk_clone(f->sim, 1);
		size_t least = f->twin.count - (closed ? 0 : 1), size;

		for (int round = 0; round < 1500; round++) {
			restore(f, whole);
			size_t files = 0;

			while (trib_sim_disk_path(f->sim, files))
				files++;
			const char *path =
				trib_sim_disk_path(f->sim, trib_rng_below(&f->rng, files));

			trib_sim_disk_peek(f->sim, path, &size);
			flip_at(f->sim, path, trib_rng_below(&f->rng, size),
				(int)trib_rng_below(&f->rng, 8));
			judge_remains(f, least, true, path);
		}
		trib_sim_disk_free(whole);
		fixture_free(f);
	}
}

static void flip_every_bit_of_the_last_headers(void **state)
{
	struct fixture *f = small_log(trib_test_seed(), false);
	struct trib_sim_disk *whole = trib_sim_disk_clone(f->sim, 1);
	char path[64];

	for (size_t from_end = 1; from_end <= 2; from_end++) {
		uint64_t address = f->twin.records[f->twin.count - from_end].position -
				   TRIB_RECORD_HEADER_BYTES;

		segment_path((uint32_t)(address / f->options.segment_bytes), path);
		for (int bit = 0; bit < 8 * TRIB_RECORD_HEADER_BYTES; bit++) {
			restore(f, whole);
			flip_at(f->sim, path, address % f->options.segment_bytes + bit / 8,
				bit % 8);
			trib_status status = fixture_open(f);

			assert_int_equal(status, from_end == 1 ? TRIB_OK : TRIB_CORRUPT);
			if (status == TRIB_OK)
				assert_int_equal(fixture_compare(f, 0), f->twin.count - 1);
			else
				f->journal = NULL;
		}
	}
	trib_sim_disk_free(whole);
	fixture_free(f);
}

/* From every sector on, zeros (as after a torn write) or nothing (as after a copy that was cut). */
static void cut_at_every_sector(void **state)
{
	struct fixture *f = small_log(trib_test_seed(), false);
	struct trib_sim_disk *whole = trib_sim_disk_clone(f->sim, 1);
	const struct twin_record *last = &f->twin.records[f->twin.count - 1];
	uint64_t start = last->position - TRIB_RECORD_HEADER_BYTES;
	uint64_t bytes = trib_record_bytes(last->size), base = start % f->options.segment_bytes;
	char path[64], *zeros = trib_alloc_zeroed(1, bytes);

	segment_path((uint32_t)(start / f->options.segment_bytes), path);
	for (uint64_t cut = 0; cut < bytes; cut += TRIB_SIM_SECTOR) {
		restore(f, whole);
		trib_sim_disk_poke(f->sim, path, base + cut, zeros, bytes - cut);
		judge_remains(f, f->twin.count - 1, false, "zeros");
		restore(f, whole);
		trib_sim_disk_cut(f->sim, path, base + cut);
		assert_int_equal(fixture_open(f), TRIB_CORRUPT);
		f->journal = NULL;
		assert_non_null(strstr(path, f->error.at));
	}
	free(zeros);
	trib_sim_disk_free(whole);
	fixture_free(f);
}

/* --- Failing calls ----------------------------------------------------------------------------------- */

/* How many records lie before a mark. */
static size_t count_before(const struct fixture *f, uint64_t mark)
{
	size_t count = 0;

	while (count < f->twin.count && f->twin.records[count].next <= mark)
		count++;
	return count;
}

/* Some work, as long as it goes well; returns how far it has come. */
static struct trib_journal_progress work(struct fixture *f, size_t records)
{
	struct trib_journal_progress progress;

	for (size_t i = 0; i < records; i++) {
		if (trib_journal_state(f->journal) != TRIB_JOURNAL_WRITABLE ||
		    fixture_append(f, fixture_random_size(f)) != TRIB_OK)
			break;
		if (trib_rng_chance(&f->rng, 0.7))
			trib_journal_wait(f->journal, &progress, NULL);
		if (trib_rng_chance(&f->rng, 0.2))
			trib_sim_disk_step(f->sim);
		if (trib_rng_chance(&f->rng, 0.1))
			trib_journal_sync(f->journal);
		if (trib_rng_chance(&f->rng, 0.02) && f->twin.count > 0)
			trib_journal_trim(
				f->journal,
				f->twin.records[trib_rng_below(&f->rng, f->twin.count)].next);
	}
	trib_journal_poll(f->journal, &progress, NULL);
	return progress;
}

/*
 * The n-th call that changes something fails, for every n; in one case out of two all later ones do. The
 * process reopens, as the engine does, then dies and starts again with a sound disk.
 */
static void fail_every_call_in_turn(void **state)
{
	static const int errors[] = { EIO, ENOSPC };
	uint64_t seed = trib_test_seed();

	for (int sync = TRIB_JOURNAL_SYNC_BATCH; sync <= TRIB_JOURNAL_SYNC_OFF; sync++)
		for (int64_t n = 0; n < 160; n++) {
			struct fixture *f = fixture_new(seed);
			struct trib_sim_faults *faults = trib_sim_disk_faults(f->sim);
			char what[64];

			snprintf(what, sizeof(what), "sync %d, call %lld", sync, (long long)n);
			faults->direct_refused = n % 3 == 2;
			faults->fail_after = n;
			faults->fail_count = n % 2 ? -1 : 1;
			faults->fail_error = errors[n / 2 % 2];
			f->options.sync = (enum trib_journal_sync)sync;
			struct trib_journal_progress progress = { 0 };

			if (fixture_open(f) == TRIB_OK)
				progress = work(f, 25);
			fixture_close(f);
			/* Reopened by the same process, perhaps without being able to write. */
			f->options.durable = progress.durable;
			size_t done = count_before(f, progress.written);

			if (fixture_open(f) == TRIB_OK) {
				if (fixture_compare(f, 0) < done)
					fail_msg("%s: lost by reopening", what);
				/* What is not shown now may come to light later. */
				if (trib_journal_state(f->journal) == TRIB_JOURNAL_WRITABLE)
					twin_cut(&f->twin, fixture_compare(f, 0));
				done = TRIB_MAX(done, count_before(f, work(f, 5).written));
			}
			trib_sim_disk_kill(f->sim);
			fixture_close(f);
			faults->fail_after = -1;
			judge_remains(f, done, false, what);
			fixture_free(f);
		}
}

/*
 * One process on the disk that the ones before have left: opens, works, perhaps meets a fault, and ends in one of
 * three ways. What is known to be durable outlives them all, what was written only those that spare the kernel.
 */
static void live(struct fixture *f, size_t *durable, size_t *written, const char *what)
{
	struct trib_sim_faults *faults = trib_sim_disk_faults(f->sim);

	faults->direct_refused = trib_rng_chance(&f->rng, 0.3);
	f->options.sync = (enum trib_journal_sync)trib_rng_below(&f->rng, 3);
	judge_remains(f, *written, false, what);
	twin_cut(&f->twin, fixture_compare(f, 0));
	*written = f->twin.count;
	if (trib_rng_chance(&f->rng, 0.3)) {
		faults->fail_after = (int64_t)trib_rng_below(&f->rng, 40);
		faults->fail_count = 1 + (int64_t)trib_rng_below(&f->rng, 2);
	}
	struct trib_journal_progress progress = work(f, trib_rng_below(&f->rng, 40));

	*durable = TRIB_MAX(*durable, count_before(f, progress.durable));
	*written = TRIB_MAX(*written, count_before(f, progress.written));
	switch (trib_rng_below(&f->rng, 4)) {
	case 0: /* the process closes it, perhaps after a failure */
		break;
	case 1:
		trib_sim_disk_kill(f->sim);
		break;
	default:
		trib_sim_disk_crash(f->sim);
		*written = *durable;
	}
	fixture_close(f);
	faults->fail_after = -1;
}

static void cut_the_power_at_any_moment(void **state)
{
	uint64_t seed = trib_test_seed();

	for (int run = 0; run < 120; run++) {
		struct fixture *f = fixture_new(seed + (uint64_t)run);
		size_t durable = 0, written = 0;

		for (int i = 0; i < 12; i++) {
			char what[64];

			snprintf(what, sizeof(what), "run %d, life %d", run, i);
			live(f, &durable, &written, what);
		}
		fixture_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flip_a_bit_anywhere),
		cmocka_unit_test(flip_every_bit_of_the_last_headers),
		cmocka_unit_test(cut_at_every_sector),
		cmocka_unit_test(fail_every_call_in_turn),
		cmocka_unit_test(cut_the_power_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
