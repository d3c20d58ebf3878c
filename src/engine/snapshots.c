#include "engine/state.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "engine/state.h"

enum {
	CHANGES_BYTES_KEPT = TRIB_LIMIT_SNAPSHOT_DELTA_BYTES, /* for deltas, whatever the store has */
	CHANGES_BYTES_MAX = 256 << 20, /* … of what the store has not got yet */
	CHANGE_OVERHEAD_BYTES = 64,
	FILE_BEHIND_BYTES_MAX = CHANGES_BYTES_KEPT / 4, /* a file that lacks more is made anew */
	NICE = 10,
};

/* --- Changes ------------------------------------------------------------------------------------------ */

void snapshots_init(struct trib_engine *engine)
{
	engine->snapshots = (struct snapshots){ .last_waiting = &engine->snapshots.waiting };
}

void snapshots_loaded(struct trib_engine *engine, uint64_t position)
{
	engine->snapshots.floor = engine->snapshots.position =
		position ? position : trib_store_position(engine->store);
}

static void forget_oldest(struct snapshots *snapshots)
{
	struct market_change *oldest = &snapshots->changes[snapshots->first++];

	snapshots->floor = oldest->position;
	snapshots->bytes -= oldest->event.size + CHANGE_OVERHEAD_BYTES;
	snapshots->count--;
	free((char *)oldest->event.data);
}

/* The newest are kept for deltas; more than those only until the store has them. */
static void trim(struct trib_engine *engine)
{
	struct snapshots *snapshots = &engine->snapshots;
	uint64_t stored = trib_store_position(engine->store);

	while (snapshots->bytes > CHANGES_BYTES_KEPT &&
	       (snapshots->changes[snapshots->first].position < stored || snapshots->bytes > CHANGES_BYTES_MAX))
		forget_oldest(snapshots);
}

void snapshots_note(struct trib_engine *engine, const Tributary__Event *event)
{
	struct snapshots *snapshots = &engine->snapshots;
	Tributary__Event lean = *event;
	Tributary__PlayPut put;

	/* Clients do without the files of plays. */
	if (event->kind_case == TRIBUTARY__EVENT__KIND_PLAY_PUT) {
		put = *event->play_put;
		put.n_files = 0;
		lean.play_put = &put;
		event = &lean;
	}
	size_t size = tributary__event__get_packed_size(event);
	uint8_t *bytes = trib_alloc(size);

	tributary__event__pack(event, bytes);
	if (snapshots->first + snapshots->count == snapshots->capacity) {
		if (snapshots->first > snapshots->capacity / 2) {
			memmove(snapshots->changes, snapshots->changes + snapshots->first,
				snapshots->count * sizeof(*snapshots->changes));
			snapshots->first = 0;
		} else {
			snapshots->capacity = snapshots->capacity ? 2 * snapshots->capacity : 1024;
			snapshots->changes = trib_realloc(snapshots->changes,
							  snapshots->capacity * sizeof(*snapshots->changes));
		}
	}
	snapshots->changes[snapshots->first + snapshots->count++] =
		(struct market_change){ engine->position, trib_bytes(bytes, size) };
	snapshots->bytes += size + CHANGE_OVERHEAD_BYTES;
	snapshots->added += size + CHANGE_OVERHEAD_BYTES;
	snapshots->position = engine->position;
	trim(engine);
}

/* The first change behind a position, as an index from `first` on. */
static size_t find_behind(const struct snapshots *snapshots, uint64_t since)
{
	size_t low = 0, high = snapshots->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (snapshots->changes[snapshots->first + middle].position <= since)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The market's name, told from the keys of the data folder, which it does not give away. */
static uint64_t market_id(const struct trib_engine *engine)
{
	uint64_t id = trib_hash_u64(trib_hash_keyed(trib_bytes_text("market"), &engine->table_key));

	return id ? id : 1;
}

static struct trib_snapshot_head head_of(const struct trib_engine *engine, uint64_t since)
{
	return (struct trib_snapshot_head){ .market = market_id(engine), .since = since,
					    .position = engine->snapshots.position,
					    .made_ms = trib_clock_wall_ms(engine->options.clock) };
}

static bool add_to_buffer(void *context, struct trib_bytes bytes)
{
	struct trib_buffer *buffer = context;

	trib_buffer_add_bytes(buffer, bytes);
	return !buffer->failed;
}

static void write_changes(const struct snapshots *snapshots, uint64_t since, struct trib_snapshot_writer *writer)
{
	for (size_t i = find_behind(snapshots, since); i < snapshots->count; i++) {
		const struct market_change *change = &snapshots->changes[snapshots->first + i];

		trib_snapshot_event(writer, change->position, change->event);
	}
}

static void write_delta(struct trib_engine *engine, uint64_t since, struct trib_buffer *reply)
{
	struct trib_snapshot_head head = head_of(engine, since);
	struct trib_snapshot_writer writer;

	trib_snapshot_begin(&writer, &head, add_to_buffer, reply);
	write_changes(&engine->snapshots, since, &writer);
	trib_snapshot_end(&writer);
}

/* --- The file ----------------------------------------------------------------------------------------- */

struct snapshot_job {
	struct trib_snapshot_head head;
	struct trib_store *store;
	struct trib_store_view *view;
	struct trib_buffer changes; /* a delta part's events, behind the view; as a list of changes */
	struct market_change *list;
	size_t n_list;
	int fd;
	uint64_t added;
	size_t written;
	struct trib_buffer out; /* not written yet */
	trib_status status;
	struct trib_error error;
	pthread_t thread;
	bool thread_started;
	bool done;
	struct trib_bell *bell;
};

struct trib_call_file *trib_call_file_ref(struct trib_call_file *file)
{
	__atomic_add_fetch(&file->count, 1, __ATOMIC_RELAXED);
	return file;
}

void trib_call_file_unref(struct trib_call_file *file)
{
	if (!file || __atomic_sub_fetch(&file->count, 1, __ATOMIC_ACQ_REL))
		return;
	close(file->fd);
	free(file);
}

/* A file without a name: gone when nobody reads it any more, after a crash too. */
static int open_unnamed(const char *folder)
{
	char path[4096];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "%s/snapshot-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static bool write_out(struct snapshot_job *job)
{
	const char *p = job->out.data;
	size_t left = job->out.size;

	while (left) {
		ssize_t size = write(job->fd, p, left);

		if (size < 0 && errno == EINTR)
			continue;
		if (size <= 0) {
			job->status = trib_fail(&job->error, TRIB_IO, "snapshot", "cannot be written: %s",
						strerror(errno));
			return false;
		}
		p += size;
		left -= (size_t)size;
		job->written += (size_t)size;
	}
	trib_buffer_reset(&job->out);
	return true;
}

static bool add_to_file(void *context, struct trib_bytes bytes)
{
	struct snapshot_job *job = context;

	trib_buffer_add_bytes(&job->out, bytes);
	return job->out.size < 256 << 10 || write_out(job);
}

struct scan {
	struct trib_snapshot_writer *writer;
	enum trib_table table;
};

static trib_status add_row(void *context, struct trib_bytes key, struct trib_bytes value, struct trib_error *error)
{
	struct scan *scan = context;
	struct trib_buffer lean;

	trib_buffer_init(&lean, value.size);
	if (scan->table == TRIB_TABLE_PLAY)
		trib_order_path_add_lean(value, &lean);
	trib_snapshot_row(scan->writer, scan->table, key, scan->table == TRIB_TABLE_PLAY ? trib_buffer_bytes(&lean) : value);
	trib_buffer_fini(&lean);
	return scan->writer->failed ? trib_fail(error, TRIB_IO, "snapshot", "cannot be written") : TRIB_OK;
}

static void make_file(struct snapshot_job *job)
{
	struct trib_snapshot_writer writer;
	struct scan scan = { .writer = &writer };

	trib_snapshot_begin(&writer, &job->head, add_to_file, job);
	for (size_t i = 0; job->status == TRIB_OK && i < trib_market_tables_count; i++) {
		scan.table = trib_market_tables[i];
		job->status = trib_store_scan_view(job->store, job->view, scan.table, trib_bytes("", 0), add_row, &scan,
						   &job->error);
	}
	for (size_t i = 0; i < job->n_list; i++)
		trib_snapshot_event(&writer, job->list[i].position, job->list[i].event);
	if (!trib_snapshot_end(&writer) && job->status == TRIB_OK)
		job->status = trib_fail(&job->error, TRIB_IO, "snapshot", "cannot be written");
	if (job->status == TRIB_OK)
		write_out(job);
}

static void *job_thread(void *context)
{
	struct snapshot_job *job = context;

	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	make_file(job);
	__atomic_store_n(&job->done, true, __ATOMIC_RELEASE);
	trib_bell_ring(job->bell);
	return NULL;
}

/* The changes behind the view, copied: the engine goes on and forgets. */
static void copy_changes(const struct snapshots *snapshots, uint64_t since, struct snapshot_job *job)
{
	size_t from = find_behind(snapshots, since), bytes = 0;
	const struct market_change *changes = snapshots->changes + snapshots->first;

	for (size_t i = from; i < snapshots->count; i++)
		bytes += changes[i].event.size;
	trib_buffer_init(&job->changes, bytes);
	job->list = trib_alloc((snapshots->count - from + 1) * sizeof(*job->list));
	trib_buffer_reserve(&job->changes, bytes);
	for (size_t i = from; i < snapshots->count; i++) {
		job->list[job->n_list++] = (struct market_change){
			changes[i].position, trib_bytes(job->changes.data + job->changes.size, changes[i].event.size)
		};
		trib_buffer_add_bytes(&job->changes, changes[i].event);
	}
}

static void job_free(struct trib_engine *engine, struct snapshot_job *job)
{
	if (job->thread_started)
		pthread_join(job->thread, NULL);
	trib_store_view_free(engine->store, job->view);
	if (job->fd >= 0)
		close(job->fd);
	trib_buffer_fini(&job->changes);
	trib_buffer_fini(&job->out);
	free(job->list);
	free(job);
}

/* Do the changes reach back to where the store stands, and are they few? */
static bool may_begin(struct trib_engine *engine)
{
	const struct snapshots *snapshots = &engine->snapshots;

	return snapshots->floor <= trib_store_position(engine->store) && snapshots->bytes <= 2 * CHANGES_BYTES_KEPT;
}

static void begin_job(struct trib_engine *engine)
{
	struct snapshots *snapshots = &engine->snapshots;
	struct snapshot_job *job = trib_alloc_zeroed(1, sizeof(*job));
	uint64_t stored;

	job->store = engine->store;
	job->bell = &engine->bell;
	job->head = head_of(engine, 0);
	job->added = snapshots->added;
	job->fd = -1;
	trib_buffer_init(&job->out, 1 << 30);
	job->view = trib_store_view_new(engine->store, &stored);
	/* A checkpoint may have come in between; it only brings the view nearer. */
	copy_changes(snapshots, stored, job);
	job->fd = open_unnamed(engine->options.data);
	if (job->fd < 0)
		job->status = trib_fail(&job->error, TRIB_IO, "snapshot", "cannot be made: %s", strerror(errno));
	snapshots->job = job;
	if (job->status != TRIB_OK) {
		job->done = true;
	} else if (engine->options.foreground ||
		   pthread_create(&job->thread, NULL, job_thread, job) != 0) {
		make_file(job);
		job->done = true;
	} else {
		job->thread_started = true;
	}
}

static void finish_job(struct trib_engine *engine)
{
	struct snapshots *snapshots = &engine->snapshots;
	struct snapshot_job *job = TRIB_TAKE_PTR(snapshots->job);
	struct trib_call *waiting = TRIB_TAKE_PTR(snapshots->waiting);

	if (job->thread_started)
		pthread_join(job->thread, NULL);
	job->thread_started = false;
	snapshots->last_waiting = &snapshots->waiting;
	if (job->status == TRIB_OK) {
		struct trib_call_file *file = trib_alloc_zeroed(1, sizeof(*file));

		*file = (struct trib_call_file){ .fd = job->fd, .size = job->written, .count = 1 };
		job->fd = -1;
		trib_call_file_unref(snapshots->file);
		snapshots->file = file;
		snapshots->file_position = job->head.position;
		snapshots->file_added = job->added;
		engine->counts.snapshots++;
	}
	while (waiting) {
		struct trib_call *call = waiting;

		waiting = call->next;
		calls_decide(engine, call, job->status, &job->error);
	}
	job_free(engine, job);
}

void snapshots_turn(struct trib_engine *engine)
{
	struct snapshots *snapshots = &engine->snapshots;

	if (snapshots->job && __atomic_load_n(&snapshots->job->done, __ATOMIC_ACQUIRE)) {
		finish_job(engine);
	}
	if (!snapshots->waiting || snapshots->job)
		return;
	trim(engine); /* a checkpoint may have come since the last change */
	if (may_begin(engine))
		begin_job(engine);
	else if (engine->state == TRIB_ENGINE_RUNNING)
		checkpoint_turn(engine, true);
}

void snapshots_fini(struct trib_engine *engine)
{
	struct snapshots *snapshots = &engine->snapshots;
	struct trib_call *waiting = TRIB_TAKE_PTR(snapshots->waiting);

	while (waiting) {
		struct trib_call *call = waiting;

		waiting = call->next;
		call->status = trib_fail(&call->error, TRIB_UNKNOWN, "", "repeat this command");
		call->done(call);
	}
	if (snapshots->job)
		job_free(engine, TRIB_TAKE_PTR(snapshots->job));
	trib_call_file_unref(snapshots->file);
	while (snapshots->count)
		forget_oldest(snapshots);
	free(snapshots->changes);
	snapshots_init(engine);
}

/* --- Answers ------------------------------------------------------------------------------------------ */

/* Can a client that stands there go on with a delta? */
static bool has_delta(const struct snapshots *snapshots, uint64_t since)
{
	return since && since >= snapshots->floor && since <= snapshots->position;
}

/* Is there a file that a small delta brings up to now? */
static bool has_file(const struct snapshots *snapshots)
{
	return snapshots->file && has_delta(snapshots, snapshots->file_position) &&
	       snapshots->added - snapshots->file_added <= FILE_BEHIND_BYTES_MAX;
}

bool snapshots_take(struct trib_engine *engine, struct trib_call *call)
{
	struct snapshots *snapshots = &engine->snapshots;

	if (call->kind != TRIB_CALL_SNAPSHOT || has_delta(snapshots, call->since) || call->since > snapshots->position ||
	    has_file(snapshots))
		return false;
	call->next = NULL;
	*snapshots->last_waiting = call;
	snapshots->last_waiting = &call->next;
	return true;
}

trib_status snapshots_answer(struct trib_engine *engine, struct trib_call *call)
{
	struct snapshots *snapshots = &engine->snapshots;

	if (call->since > snapshots->position)
		return trib_fail(&call->error, TRIB_CONFLICT, "since",
				 "found %llu, expected at most %llu, where this market stands",
				 (unsigned long long)call->since, (unsigned long long)snapshots->position);
	if (has_delta(snapshots, call->since)) {
		write_delta(engine, call->since, &call->reply);
		return TRIB_OK;
	}
	call->file = trib_call_file_ref(snapshots->file);
	if (snapshots->position > snapshots->file_position)
		write_delta(engine, snapshots->file_position, &call->reply);
	return TRIB_OK;
}

uint64_t trib_engine_market_position(const struct trib_engine *engine)
{
	return engine->snapshots.position;
}
