/*
 * The journal under a toy: a row of counters. A command adds to one of them; its event is {number, counter, by};
 * the state is the fold of all events; a store in memory keeps a state together with its journal position, as
 * RocksDB does in earnest.
 *
 * The auditor keeps the list of all events that were ever decided, in order. After every opening it asks:
 *
 *	1. is what the journal gives exactly a beginning of that list, from where the store stands?
 *	2. is it at least as long as what was answered, or, after a power cut, as what was called durable?
 *	3. is the state of the toy the sum that the list says?
 *
 * What the list has beyond that has not happened, and is struck off.
 */
#include "sim.h"

#include "journal/journal.h"

enum {
	COUNTERS = 16,
	EVENT_BYTES = 24,
	LIVES = 10,
	STEPS = 160,
	SEGMENT_BYTES = 64 << 10,
};

struct event {
	uint64_t number, counter, by;
};
_Static_assert(sizeof(struct event) == EVENT_BYTES, "as it lies in a payload");

struct state {
	uint64_t counters[COUNTERS];
	uint64_t position; /* a mark: all before it is in here */
};

/* Events that were decided, each with the mark behind its batch (0 while that is open). */
struct decided {
	struct event event;
	uint64_t mark;
};

struct toy {
	struct sim_run *run;
	struct trib_journal_options options;
	struct trib_journal *journal;
	struct trib_journal_batch batch;
	bool open;
	size_t used; /* bytes of the open batch */

	struct state state; /* as commands see it */
	struct state store; /* what a restart begins with */

	/* The auditor's. */
	struct decided *list;
	size_t count, capacity;
	size_t marked;	 /* those before have their mark */
	size_t there;	 /* … are in the state */
	size_t answered; /* … were told to have happened */
	size_t durable;	 /* … are known to be durable */
	size_t least;	 /* … must be there at the next opening */
	bool writable;	 /* this opening has become so, and the list was struck off */
	bool may_lie;	 /* the disk is going to swallow a write */
	bool lied;	 /* the disk has swallowed a write since the last judgement */
	bool over;	 /* the log was refused, as it should be: the run ends */
	bool relaxed;	 /* the last opening that could write did not wait for the disk */
};

static void apply(struct state *state, const struct event *event)
{
	state->counters[event->counter % COUNTERS] += event->by;
}

/* --- The toy ----------------------------------------------------------------------------------------- */

static void decide(struct toy *toy)
{
	struct event event = { .number = toy->count + 1,
			       .counter = sim_below(toy->run, COUNTERS),
			       .by = sim_below(toy->run, 1000) };

	memcpy(toy->batch.payload + toy->used, &event, sizeof(event));
	toy->used += sizeof(event);
	apply(&toy->state, &event);
	if (toy->count == toy->capacity) {
		toy->capacity = toy->capacity ? 2 * toy->capacity : 1024;
		toy->list = trib_realloc(toy->list, toy->capacity * sizeof(toy->list[0]));
	}
	toy->list[toy->count++] = (struct decided){ .event = event };
	toy->there = toy->count;
	toy->run->commands++;
}

static void command(struct toy *toy)
{
	size_t most = 1 + sim_below(toy->run, sim_chance(toy->run, 0.1) ? 600 : 20);

	if (!toy->open && trib_journal_begin(toy->journal, &toy->batch) != TRIB_OK)
		return;
	toy->open = true;
	for (size_t i = 0; i < most && toy->used + EVENT_BYTES <= toy->batch.capacity; i++)
		decide(toy);
}

static void append(struct toy *toy)
{
	uint64_t next;

	if (!toy->open || toy->used == 0 ||
	    trib_journal_append(toy->journal, toy->used, &next) != TRIB_OK)
		return;
	toy->open = false;
	toy->used = 0;
	while (toy->marked < toy->count)
		toy->list[toy->marked++].mark = next;
	toy->state.position = next;
}

/* What was decided and is not there has not happened. */
static void strike_off(struct toy *toy)
{
	struct sim_run *run = toy->run;

	sim_expect(run, toy->there >= toy->least || toy->lied,
		   "%zu events are there, expected at least %zu of %zu", toy->there, toy->least,
		   toy->count);
	toy->lied = false;
	toy->count = toy->marked = toy->there;
	toy->answered = TRIB_MIN(toy->answered, toy->there);
	toy->durable = TRIB_MIN(toy->durable, toy->there);
	toy->relaxed = toy->options.sync != TRIB_JOURNAL_SYNC_BATCH;
	toy->writable = true;
}

static void poll_journal(struct toy *toy)
{
	struct trib_journal_progress progress;
	uint64_t answered;

	trib_journal_poll(toy->journal, &progress, NULL);
	/* Marks of what has not happened may come again: it goes off the list first. */
	if (!toy->writable && trib_journal_state(toy->journal) == TRIB_JOURNAL_WRITABLE)
		strike_off(toy);
	answered = toy->run->plant == SIM_PLANT_EARLY_ANSWER ? UINT64_MAX : progress.written;
	while (toy->answered < toy->marked && toy->list[toy->answered].mark <= answered) {
		toy->answered++;
		toy->run->answered++;
	}
	while (toy->durable < toy->marked && toy->list[toy->durable].mark <= progress.durable)
		toy->durable++;
	sim_expect(toy->run, progress.durable <= progress.written,
		   "durable %llu passes written %llu", (unsigned long long)progress.durable,
		   (unsigned long long)progress.written);
}

/* The store may be given what is durable, and only a state between two batches. */
static void checkpoint(struct toy *toy)
{
	struct trib_journal_progress progress;

	if (toy->used > 0)
		return;
	trib_journal_poll(toy->journal, &progress, NULL);
	if (toy->state.position <= progress.durable || toy->run->plant == SIM_PLANT_EARLY_STORE)
		toy->store = toy->state;
	if (sim_chance(toy->run, 0.5))
		trib_journal_trim(toy->journal, toy->store.position);
}

/* --- A life ------------------------------------------------------------------------------------------ */

/* The place in the list of what lies behind a mark. */
static size_t behind(const struct toy *toy, uint64_t mark)
{
	size_t i = 0;

	while (i < toy->count && toy->list[i].mark && toy->list[i].mark <= mark)
		i++;
	return i;
}

static void replay_record(struct toy *toy, const struct trib_journal_record *record, size_t *there)
{
	struct sim_run *run = toy->run;

	for (size_t at = 0; at + EVENT_BYTES <= record->payload.size && !run->failed;
	     at += EVENT_BYTES) {
		struct event event;

		memcpy(&event, record->payload.data + at, sizeof(event));
		if (*there >= toy->count ||
		    memcmp(&event, &toy->list[*there].event, sizeof(event)) != 0) {
			sim_fail(run, "event %llu at position %llu was never decided there",
				 (unsigned long long)event.number,
				 (unsigned long long)(record->position + at));
			return;
		}
		if (run->plant != SIM_PLANT_LOST_EVENT || event.number % 50 != 0)
			apply(&toy->state, &event);
		toy->list[(*there)++].mark = record->next;
	}
	toy->state.position = record->next;
}

/* Reads what the store does not have; returns how many events of the list have happened. */
static size_t replay(struct toy *toy)
{
	struct trib_journal_reader *reader;
	struct trib_journal_record record;
	struct trib_error error;
	size_t there = behind(toy, toy->store.position);

	toy->state = toy->store;
	if (toy->store.position > trib_journal_next(toy->journal)) {
		sim_fail(toy->run, "the store at %llu is ahead of its journal at %llu",
			 (unsigned long long)toy->store.position,
			 (unsigned long long)trib_journal_next(toy->journal));
		return 0;
	}
	trib_status status =
		trib_journal_reader_new(toy->journal, toy->store.position, &reader, &error);

	if (status != TRIB_OK) {
		sim_fail(toy->run, "reading from the store's mark: %s: %s", error.at, error.text);
		return 0;
	}
	while ((status = trib_journal_reader_next(reader, &record, &error)) == TRIB_OK &&
	       !toy->run->failed)
		replay_record(toy, &record, &there);
	sim_expect(toy->run, status == TRIB_NOT_FOUND || toy->run->failed, "replay: %s: %s",
		   error.at, error.text);
	trib_journal_reader_free(reader);
	return there;
}

static void audit_state(struct toy *toy)
{
	struct state sum = { 0 };

	for (size_t i = 0; i < toy->there; i++)
		apply(&sum, &toy->list[i].event);
	for (int i = 0; i < COUNTERS; i++)
		sim_expect(toy->run, sum.counters[i] == toy->state.counters[i],
			   "counter %d is %llu, expected %llu", i,
			   (unsigned long long)toy->state.counters[i],
			   (unsigned long long)sum.counters[i]);
}

static void note_lies(struct toy *toy)
{
	toy->lied =
		toy->lied || (toy->may_lie && trib_sim_disk_faults(toy->run->disk)->lose_after < 0);
}

/* A log of which a write was swallowed may be refused, by name; it may never be believed. */
static void forgive(struct toy *toy)
{
	struct sim_run *run = toy->run;

	note_lies(toy);
	if (!run->failed || !toy->lied ||
	    (!strstr(run->why, "opening: segment-") && !strstr(run->why, "replay: segment-")))
		return;
	run->failed = false;
	run->refusals++;
	toy->over = true;
}

/*
 * Opens what the lives before have left, and judges it. An opening that cannot write shows what it can prove to
 * be durable; the rest may come to light later.
 */
static void open_toy(struct toy *toy)
{
	struct sim_run *run = toy->run;
	struct trib_error error;
	trib_status status = TRIB_IO;

	for (int attempt = 0; attempt < 20 && status == TRIB_IO; attempt++)
		status = trib_journal_open(&toy->options, &toy->journal, &error);
	if (status != TRIB_OK) {
		sim_fail(run, "opening: %s: %s", error.at, error.text);
		forgive(toy);
		return;
	}
	toy->there = replay(toy);
	forgive(toy);
	toy->writable = false;
	toy->open = false;
	toy->used = 0;
	sim_tell(run, "epoch %u, %s: %zu events, %zu had to be there, %zu were decided",
		 trib_journal_epoch(toy->journal),
		 trib_journal_state(toy->journal) == TRIB_JOURNAL_WRITABLE ? "writable"
									   : "read-only",
		 toy->there, toy->least, toy->count);
	if (run->failed || toy->over)
		return;
	if (trib_journal_state(toy->journal) == TRIB_JOURNAL_WRITABLE)
		strike_off(toy);
	if (run->plant == SIM_PLANT_DOUBLE_EVENT && toy->there > 0)
		apply(&toy->state, &toy->list[toy->there - 1].event);
	audit_state(toy);
}

/* A failed journal is opened again by the same process, and asked for until it takes writes. */
static void survive(struct toy *toy)
{
	struct trib_journal_failure failure;
	struct trib_journal_progress progress;

	switch (trib_journal_state(toy->journal)) {
	case TRIB_JOURNAL_WRITABLE:
		break;
	case TRIB_JOURNAL_READ_ONLY:
		trib_journal_probe(toy->journal);
		break;
	case TRIB_JOURNAL_FAILED:
		poll_journal(toy);
		trib_journal_poll(toy->journal, &progress, &failure);
		sim_tell(toy->run, "failed: %s: %s", failure.error.at, failure.error.text);
		toy->run->refusals++;
		toy->least = toy->answered;
		toy->options.durable = progress.durable;
		trib_journal_free(TRIB_TAKE_PTR(toy->journal));
		open_toy(toy);
		break;
	}
}

static void step(struct toy *toy)
{
	struct sim_run *run = toy->run;

	survive(toy);
	if (run->failed || toy->over)
		return;
	switch (sim_below(run, 16)) {
	case 0:
		checkpoint(toy);
		break;
	case 1:
		trib_journal_sync(toy->journal);
		break;
	case 2:
		trib_journal_wait(toy->journal, &(struct trib_journal_progress){ 0 }, NULL);
		break;
	case 3:
	case 4:
	case 5:
		trib_sim_disk_step(run->disk);
		break;
	case 6:
	case 7:
	case 8:
	case 9:
		append(toy);
		break;
	default:
		command(toy);
	}
	poll_journal(toy);
}

/* --- Rot --------------------------------------------------------------------------------------------- */

/* One bit of one file, or a sector that has never been written. */
static void damage(struct sim_run *run, struct trib_sim_disk *copy, char ret_what[96])
{
	char zeros[TRIB_SIM_SECTOR] = { 0 };
	size_t files = 0, size;

	while (trib_sim_disk_path(copy, files))
		files++;
	const char *path = trib_sim_disk_path(copy, sim_below(run, files));
	const char *bytes = trib_sim_disk_peek(copy, path, &size);

	if (size < TRIB_SIM_SECTOR)
		return;
	uint64_t offset = sim_below(run, size), sector = offset / TRIB_SIM_SECTOR * TRIB_SIM_SECTOR;
	char flipped = (char)(bytes[offset] ^ (1 << sim_below(run, 8)));

	snprintf(ret_what, 96, "rot in %.60s at %llu", path, (unsigned long long)offset);
	if (sim_chance(run, 0.5))
		trib_sim_disk_poke(copy, path, offset, &flipped, 1);
	else
		trib_sim_disk_poke(copy, path, sector, zeros, sizeof(zeros));
}

/* Opens a copy of the disk; returns how many events it gives, SIZE_MAX where it is refused by name. */
static size_t look_at_copy(struct toy *side, bool damaged, char what[96])
{
	struct sim_run *run = side->run;
	struct trib_sim_disk *real = run->disk;
	struct trib_error error;
	size_t there = SIZE_MAX;

	run->disk = trib_sim_disk_clone(real, trib_rng_u64(&run->rng));
	if (damaged)
		damage(run, run->disk, what);
	side->options.disk = trib_sim_disk_table(run->disk);
	trib_status status = trib_journal_open(&side->options, &side->journal, &error);

	if (status == TRIB_OK) {
		there = replay(side);
		trib_journal_free(TRIB_TAKE_PTR(side->journal));
	}
	if (damaged && status == TRIB_CORRUPT)
		there = SIZE_MAX;
	else
		sim_expect(run, status == TRIB_OK, "%s: %s: %s", what, error.at, error.text);
	/* A replay that names the damage is as good as a refusal. */
	if (damaged && run->failed && strstr(run->why, "replay: segment-")) {
		run->failed = false;
		there = SIZE_MAX;
	}
	trib_sim_disk_free(run->disk);
	run->disk = real;
	return there;
}

/*
 * On the side, a copy of the disk rots. It must be refused, or give a beginning of the list that lacks no more
 * than the last record. Where the last writer did not wait for the disk, damage to what the log itself does not
 * call durable looks as a power cut does, and may cost more.
 */
static void rot(struct toy *toy)
{
	struct sim_run *run = toy->run;
	struct toy side = *toy;
	char what[96] = "a copy";

	side.list = trib_alloc(toy->count * sizeof(toy->list[0]) + 1);
	if (toy->count)
		memcpy(side.list, toy->list, toy->count * sizeof(toy->list[0]));
	size_t sound = look_at_copy(&side, false, what), least = run->failed ? 0 : sound;
	uint64_t last = least ? side.list[least - 1].mark : 0;

	while (least > 0 && (toy->relaxed || side.list[least - 1].mark == last))
		least--;
	if (!run->failed) {
		size_t there = look_at_copy(&side, true, what);

		sim_tell(run, "%s: %zd of %zu events", what, (ssize_t)there, sound);
		sim_expect(run, there >= least,
			   "%s: %zu events are left, expected %zu or a refusal", what, there,
			   least);
	}
	free(side.list);
}

/* --- The world --------------------------------------------------------------------------------------- */

static void end_life(struct toy *toy)
{
	struct sim_run *run = toy->run;
	uint64_t how = sim_below(run, 5);
	/* What the kernel has, only a power cut takes away. */
	bool all = toy->options.sync == TRIB_JOURNAL_SYNC_BATCH || how < 2;

	poll_journal(toy);
	toy->least = all ? toy->answered : toy->durable;
	toy->options.durable = toy->store.position; /* a new process knows no more */
	sim_tell(run, "%s", how == 0 ? "stopped" : how == 1 ? "killed" : "power cut");
	if (how == 1)
		trib_sim_disk_kill(run->disk);
	if (how > 1)
		trib_sim_disk_crash(run->disk);
	run->crashes += how > 1;
	trib_journal_free(TRIB_TAKE_PTR(toy->journal));
	note_lies(toy);
}

void sim_counter(struct sim_run *run)
{
	struct toy toy = {
		.run = run,
		.options = { .folder = "data",
			     .disk = trib_sim_disk_table(run->disk),
			     .segment_bytes = SEGMENT_BYTES,
			     .ring_bytes = 2 * SEGMENT_BYTES },
	};

	for (int life = 0; life < LIVES && !run->failed && !toy.over; life++) {
		run->lives++;
		toy.options.sync =
			(enum trib_journal_sync)(sim_chance(run, 0.6) ? 0 : sim_below(run, 3));
		open_toy(&toy);
		if (run->failed || toy.over)
			break;
		sim_draw_faults(run);
		toy.may_lie = sim_chance(run, 0.05);
		trib_sim_disk_faults(run->disk)->lose_after =
			toy.may_lie ? (int64_t)sim_below(run, 60) : -1;
		for (uint64_t i = 0, steps = sim_below(run, STEPS);
		     i < steps && !run->failed && !toy.over; i++)
			step(&toy);
		if (run->failed || toy.over)
			break;
		end_life(&toy);
		toy.may_lie = false;
		sim_clear_faults(run);
		if (sim_chance(run, 0.3) && !toy.lied)
			rot(&toy);
	}
	trib_journal_free(TRIB_TAKE_PTR(toy.journal));
	free(toy.list);
}
