#include "disk.h"

#include <errno.h>
#include <string.h>

enum sector { CLEAN, DIRTY, UNFLUSHED, STRANDED };

struct inode {
	char *seen, *durable;
	uint8_t *sectors;
	uint64_t capacity; /* of each image */
	uint64_t seen_size, durable_size;
	uint64_t room; /* taken from the disk */
	unsigned handles;
	struct trib_disk_file *locked;
	struct inode *next;
};

struct name {
	char *path;
	struct inode *seen, *durable;
};

/* A change of names that is not durable. Creation has no `from`, unlinking no `to`. */
struct change {
	char *from, *to;
	struct inode *inode;
};

struct trib_disk_file {
	struct inode *inode;
	unsigned flags;
	unsigned life;
};

struct lane {
	struct trib_disk_job *queue;
	bool running;
	int64_t free_ns;
	int64_t took_ns; /* of the first job, -1 not drawn */
};

struct trib_disk_lanes {
	struct trib_sim_disk *sim;
	struct lane lanes[TRIB_DISK_LANES];
	unsigned life;
	struct trib_disk_lanes *next;
};

struct trib_sim_disk {
	struct trib_disk table; /* first: the table is the disk */
	struct trib_rng rng;
	struct trib_sim_faults faults;
	int64_t now_ns;
	uint64_t changes;
	unsigned life, acting; /* which process; which one is calling */
	int64_t doom;	       /* calls until the crash under way; negative none */
	bool kernel_dies;      /* in it: else what a call has begun, the kernel ends */

	struct inode *inodes;
	struct name *names;
	size_t name_count;
	struct change *pending;
	size_t pending_count;
	struct trib_disk_lanes *lanes;
};

static struct trib_sim_disk *sim_of(struct trib_disk *disk)
{
	return (struct trib_sim_disk *)disk;
}

/* --- Whether a call happens -------------------------------------------------------------------------- */

enum verdict { GO_ON, FAIL, CRASH_DURING };

static bool dead(const struct trib_sim_disk *sim)
{
	return sim->acting != sim->life || sim->doom == 0;
}

/* Asked by every call that changes something. */
static enum verdict judge(struct trib_sim_disk *sim)
{
	struct trib_sim_faults *faults = &sim->faults;

	sim->changes++;
	if (sim->doom > 0 && --sim->doom == 0)
		return CRASH_DURING;
	if (faults->fail_after > 0)
		faults->fail_after--;
	else if (faults->fail_after == 0 && faults->fail_count != 0) {
		faults->fail_count -= faults->fail_count > 0;
		return FAIL;
	}
	return GO_ON;
}

/* --- Files ------------------------------------------------------------------------------------------- */

static struct inode *inode_new(struct trib_sim_disk *sim)
{
	struct inode *inode = trib_alloc_zeroed(1, sizeof(*inode));

	inode->next = sim->inodes;
	sim->inodes = inode;
	return inode;
}

static void inode_free(struct inode *inode)
{
	free(inode->seen);
	free(inode->durable);
	free(inode->sectors);
	free(inode);
}

static bool inode_named(const struct trib_sim_disk *sim, const struct inode *inode)
{
	for (size_t i = 0; i < sim->name_count; i++)
		if (sim->names[i].seen == inode || sim->names[i].durable == inode)
			return true;
	for (size_t i = 0; i < sim->pending_count; i++)
		if (sim->pending[i].inode == inode)
			return true;
	return false;
}

/* Frees what nothing leads to any more. */
static void collect(struct trib_sim_disk *sim)
{
	for (struct inode **at = &sim->inodes; *at;) {
		struct inode *inode = *at;

		if (inode->handles > 0 || inode_named(sim, inode)) {
			at = &inode->next;
			continue;
		}
		*at = inode->next;
		inode_free(inode);
	}
}

static void grow(struct inode *inode, uint64_t size)
{
	uint64_t capacity = TRIB_MAX(inode->capacity, (uint64_t)TRIB_DISK_BLOCK);

	while (capacity < size)
		capacity *= 2;
	if (capacity == inode->capacity)
		return;
	inode->seen = trib_realloc(inode->seen, capacity);
	inode->durable = trib_realloc(inode->durable, capacity);
	inode->sectors = trib_realloc(inode->sectors, capacity / TRIB_SIM_SECTOR);
	memset(inode->seen + inode->capacity, 0, capacity - inode->capacity);
	memset(inode->durable + inode->capacity, 0, capacity - inode->capacity);
	memset(inode->sectors + inode->capacity / TRIB_SIM_SECTOR, CLEAN,
	       (capacity - inode->capacity) / TRIB_SIM_SECTOR);
	inode->capacity = capacity;
}

static uint64_t room_taken(const struct trib_sim_disk *sim)
{
	uint64_t taken = 0;

	for (const struct inode *inode = sim->inodes; inode; inode = inode->next) {
		bool kept = inode->handles > 0;

		for (size_t i = 0; i < sim->name_count && !kept; i++)
			kept = sim->names[i].seen == inode;
		taken += kept ? inode->room : 0;
	}
	return taken;
}

static int take_room(struct trib_sim_disk *sim, struct inode *inode, uint64_t size)
{
	uint64_t blocks = trib_blocks_up(size);

	if (blocks <= inode->room)
		return 0;
	if (sim->faults.room_bytes &&
	    room_taken(sim) - inode->room + blocks > sim->faults.room_bytes)
		return ENOSPC;
	inode->room = blocks;
	return 0;
}

static void make_sector_durable(struct inode *inode, uint64_t sector)
{
	memcpy(inode->durable + sector * TRIB_SIM_SECTOR, inode->seen + sector * TRIB_SIM_SECTOR,
	       TRIB_SIM_SECTOR);
	inode->sectors[sector] = CLEAN;
}

static void make_dirty_durable(struct inode *inode, uint64_t from, uint64_t to)
{
	for (uint64_t sector = from / TRIB_SIM_SECTOR; sector * TRIB_SIM_SECTOR < to; sector++)
		if (inode->sectors[sector] == DIRTY || inode->sectors[sector] == UNFLUSHED)
			make_sector_durable(inode, sector);
	inode->durable_size = inode->seen_size;
}

static struct name *find_name(struct trib_sim_disk *sim, const char *path)
{
	for (size_t i = 0; i < sim->name_count; i++)
		if (strcmp(sim->names[i].path, path) == 0)
			return &sim->names[i];
	return NULL;
}

static struct name *need_name(struct trib_sim_disk *sim, const char *path)
{
	struct name *name = find_name(sim, path);

	if (name)
		return name;
	sim->names = trib_realloc(sim->names, (sim->name_count + 1) * sizeof(sim->names[0]));
	name = &sim->names[sim->name_count++];
	*name = (struct name){ .path = trib_strdup(path) };
	return name;
}

static void note_change(struct trib_sim_disk *sim, const char *from, const char *to,
			struct inode *inode)
{
	sim->pending =
		trib_realloc(sim->pending, (sim->pending_count + 1) * sizeof(sim->pending[0]));
	sim->pending[sim->pending_count++] = (struct change){
		.from = from ? trib_strdup(from) : NULL,
		.to = to ? trib_strdup(to) : NULL,
		.inode = inode,
	};
}

static int sim_open(struct trib_disk *disk, const char *path, unsigned flags,
		    struct trib_disk_file **ret_file)
{
	struct trib_sim_disk *sim = sim_of(disk);
	struct name *name = find_name(sim, path);

	if (dead(sim))
		return EIO;
	if ((flags & TRIB_DISK_DIRECT) && sim->faults.direct_refused)
		return EINVAL;
	if (!name || !name->seen) {
		if (!(flags & TRIB_DISK_CREATE))
			return ENOENT;
		enum verdict verdict = judge(sim);

		if (verdict == FAIL)
			return sim->faults.fail_error;
		name = need_name(sim, path);
		name->seen = inode_new(sim);
		note_change(sim, NULL, path, name->seen);
		if (verdict == CRASH_DURING)
			return EIO;
	}
	if ((flags & TRIB_DISK_LOCK) && name->seen->locked)
		return EWOULDBLOCK;
	struct trib_disk_file *file = trib_alloc_zeroed(1, sizeof(*file));

	file->inode = name->seen;
	file->flags = flags;
	file->life = sim->life;
	file->inode->handles++;
	if (flags & TRIB_DISK_LOCK)
		file->inode->locked = file;
	*ret_file = file;
	return 0;
}

static void sim_close(struct trib_disk *disk, struct trib_disk_file *file)
{
	if (!file)
		return;
	if (file->inode->locked == file)
		file->inode->locked = NULL;
	file->inode->handles--;
	free(file);
	collect(sim_of(disk));
}

static bool usable(const struct trib_sim_disk *sim, const struct trib_disk_file *file)
{
	return !dead(sim) && file->life == sim->life;
}

static bool aligned(const struct trib_disk_file *file, const void *data, size_t size,
		    uint64_t offset)
{
	return !(file->flags & TRIB_DISK_DIRECT) ||
	       ((uintptr_t)data | size | offset) % TRIB_DISK_BLOCK == 0;
}

/* Puts bytes where readers see them, all or (torn) sector by sector. */
static void put_bytes(struct trib_sim_disk *sim, struct inode *inode, const char *data, size_t size,
		      uint64_t offset, enum sector as, bool torn)
{
	uint64_t end = offset + size;

	grow(inode, end);
	inode->seen_size = TRIB_MAX(inode->seen_size, end);
	for (uint64_t at = offset; at < end;) {
		uint64_t sector = at / TRIB_SIM_SECTOR;
		uint64_t next = TRIB_MIN(end, (sector + 1) * TRIB_SIM_SECTOR);

		if (!torn || trib_rng_chance(&sim->rng, 0.5)) {
			memcpy(inode->seen + at, data + (at - offset), next - at);
			inode->sectors[sector] = as;
		}
		at = next;
	}
}

static int sim_pwrite(struct trib_disk *disk, struct trib_disk_file *file, const void *data,
		      size_t size, uint64_t offset)
{
	struct trib_sim_disk *sim = sim_of(disk);

	if (!usable(sim, file))
		return EIO;
	trib_assert(file->flags & TRIB_DISK_WRITE);
	if (!aligned(file, data, size, offset))
		return EINVAL;
	enum verdict verdict = judge(sim);
	int failed = take_room(sim, file->inode, offset + size);

	if (failed)
		return failed;
	if (sim->faults.lose_after >= 0 && sim->faults.lose_after-- == 0)
		return 0;
	put_bytes(sim, file->inode, data, size, offset,
		  file->flags & TRIB_DISK_DIRECT ? UNFLUSHED : DIRTY, verdict == FAIL);
	if (verdict == FAIL)
		return sim->faults.fail_error;
	if (verdict == CRASH_DURING && sim->kernel_dies)
		return EIO;
	if ((file->flags & TRIB_DISK_DURABLE) && !sim->faults.plant_not_durable)
		make_dirty_durable(file->inode, offset, offset + size);
	return 0;
}

static int sim_pread(struct trib_disk *disk, struct trib_disk_file *file, void *data, size_t size,
		     uint64_t offset, size_t *ret_size)
{
	struct trib_sim_disk *sim = sim_of(disk);
	struct inode *inode = file->inode;

	if (!usable(sim, file) || sim->faults.fail_reads)
		return EIO;
	if (!aligned(file, data, size, offset))
		return EINVAL;
	uint64_t got = offset < inode->seen_size ? TRIB_MIN(size, inode->seen_size - offset) : 0;

	if (got)
		memcpy(data, inode->seen + offset, got);
	*ret_size = got;
	return 0;
}

static void sim_prefetch(struct trib_disk *disk, struct trib_disk_file *file, uint64_t offset,
			 size_t size)
{
}

static int sim_sync(struct trib_disk *disk, struct trib_disk_file *file)
{
	struct trib_sim_disk *sim = sim_of(disk);
	struct inode *inode = file->inode;

	if (!usable(sim, file))
		return EIO;
	enum verdict verdict = judge(sim);

	if (verdict == CRASH_DURING)
		return EIO;
	if (verdict == FAIL) {
		for (uint64_t i = 0; i < inode->capacity / TRIB_SIM_SECTOR; i++)
			if (inode->sectors[i] == DIRTY)
				inode->sectors[i] = STRANDED;
		return sim->faults.fail_error;
	}
	if (!sim->faults.plant_no_sync)
		make_dirty_durable(inode, 0, inode->capacity);
	return 0;
}

static int sim_allocate(struct trib_disk *disk, struct trib_disk_file *file, uint64_t size)
{
	struct trib_sim_disk *sim = sim_of(disk);

	if (!usable(sim, file))
		return EIO;
	if (judge(sim) != GO_ON)
		return sim->doom == 0 ? EIO : sim->faults.fail_error;
	int failed = take_room(sim, file->inode, size);

	if (failed)
		return failed;
	grow(file->inode, size);
	file->inode->seen_size = TRIB_MAX(file->inode->seen_size, size);
	return 0;
}

static int sim_size(struct trib_disk *disk, struct trib_disk_file *file, uint64_t *ret_size)
{
	if (!usable(sim_of(disk), file))
		return EIO;
	*ret_size = file->inode->seen_size;
	return 0;
}

/* Only to nothing, which is what the journal does. */
static int sim_truncate(struct trib_disk *disk, struct trib_disk_file *file, uint64_t size)
{
	struct trib_sim_disk *sim = sim_of(disk);
	struct inode *inode = file->inode;

	if (!usable(sim, file))
		return EIO;
	trib_assert(size == 0);
	if (judge(sim) != GO_ON)
		return sim->doom == 0 ? EIO : sim->faults.fail_error;
	if (inode->seen_size > 0)
		memset(inode->seen, 0, inode->seen_size);
	for (uint64_t i = 0; i * TRIB_SIM_SECTOR < inode->seen_size; i++)
		inode->sectors[i] = DIRTY;
	inode->seen_size = 0;
	inode->room = 0;
	return 0;
}

static int sim_linked(struct trib_disk *disk, struct trib_disk_file *file, bool *ret_linked)
{
	struct trib_sim_disk *sim = sim_of(disk);

	if (!usable(sim, file))
		return EIO;
	*ret_linked = false;
	for (size_t i = 0; i < sim->name_count; i++)
		*ret_linked |= sim->names[i].seen == file->inode;
	return 0;
}

/* --- Names ------------------------------------------------------------------------------------------- */

static bool in_folder(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && path[length] == '/' &&
	       !strchr(path + length + 1, '/');
}

static int sim_list(struct trib_disk *disk, const char *folder,
		    bool (*each)(void *context, const char *name), void *context)
{
	struct trib_sim_disk *sim = sim_of(disk);

	if (dead(sim))
		return EIO;
	for (size_t i = 0; i < sim->name_count; i++)
		if (sim->names[i].seen && in_folder(sim->names[i].path, folder) &&
		    !each(context, strrchr(sim->names[i].path, '/') + 1))
			break;
	return 0;
}

static int sim_make_folder(struct trib_disk *disk, const char *path)
{
	return dead(sim_of(disk)) ? EIO : 0;
}

static int sim_unlink(struct trib_disk *disk, const char *path)
{
	struct trib_sim_disk *sim = sim_of(disk);
	struct name *name = find_name(sim, path);

	if (dead(sim))
		return EIO;
	if (!name || !name->seen)
		return ENOENT;
	enum verdict verdict = judge(sim);

	if (verdict == FAIL)
		return sim->faults.fail_error;
	note_change(sim, path, NULL, name->seen);
	name->seen = NULL;
	collect(sim);
	return verdict == CRASH_DURING ? EIO : 0;
}

static int sim_rename(struct trib_disk *disk, const char *from, const char *to)
{
	struct trib_sim_disk *sim = sim_of(disk);
	struct name *old = find_name(sim, from);

	if (dead(sim))
		return EIO;
	if (!old || !old->seen)
		return ENOENT;
	enum verdict verdict = judge(sim);

	if (verdict == FAIL)
		return sim->faults.fail_error;
	struct inode *inode = old->seen;

	note_change(sim, from, to, inode);
	old->seen = NULL;
	need_name(sim, to)->seen = inode;
	return verdict == CRASH_DURING ? EIO : 0;
}

static void apply_change(struct trib_sim_disk *sim, const struct change *change)
{
	if (change->from)
		need_name(sim, change->from)->durable = NULL;
	if (change->to)
		need_name(sim, change->to)->durable = change->inode;
}

static void drop_change(struct change *change)
{
	free(change->from);
	free(change->to);
}

static int sim_sync_folder(struct trib_disk *disk, const char *path)
{
	struct trib_sim_disk *sim = sim_of(disk);
	size_t kept = 0;

	if (dead(sim))
		return EIO;
	enum verdict verdict = judge(sim);

	if (verdict != GO_ON)
		return verdict == FAIL ? sim->faults.fail_error : EIO;
	if (sim->faults.plant_no_folder_sync)
		return 0;
	for (size_t i = 0; i < sim->pending_count; i++) {
		struct change *change = &sim->pending[i];

		if (in_folder(change->to ? change->to : change->from, path)) {
			apply_change(sim, change);
			drop_change(change);
		} else {
			sim->pending[kept++] = *change;
		}
	}
	sim->pending_count = kept;
	collect(sim);
	return 0;
}

/* --- Lanes ------------------------------------------------------------------------------------------- */

static uint64_t sim_random(struct trib_disk *disk)
{
	return trib_rng_u64(&sim_of(disk)->rng);
}

static int64_t sim_now_ns(struct trib_disk *disk)
{
	return sim_of(disk)->now_ns;
}

static int sim_lanes_new(struct trib_disk *disk, struct trib_disk_lanes **ret_lanes)
{
	struct trib_sim_disk *sim = sim_of(disk);
	struct trib_disk_lanes *lanes = trib_alloc_zeroed(1, sizeof(*lanes));

	for (int i = 0; i < TRIB_DISK_LANES; i++)
		lanes->lanes[i].took_ns = -1;
	lanes->sim = sim;
	lanes->life = sim->life;
	lanes->next = sim->lanes;
	sim->lanes = lanes;
	*ret_lanes = lanes;
	return 0;
}

static void sim_lanes_free(struct trib_disk *disk, struct trib_disk_lanes *lanes)
{
	struct trib_sim_disk *sim = sim_of(disk);

	if (!lanes)
		return;
	for (int i = 0; i < TRIB_DISK_LANES; i++)
		trib_assert(!lanes->lanes[i].queue && !lanes->lanes[i].running);
	for (struct trib_disk_lanes **at = &sim->lanes; *at; at = &(*at)->next)
		if (*at == lanes) {
			*at = lanes->next;
			break;
		}
	free(lanes);
}

static void sim_submit(struct trib_disk *disk, struct trib_disk_lanes *lanes,
		       enum trib_disk_lane which, struct trib_disk_job *job, int64_t delay_ns)
{
	struct lane *lane = &lanes->lanes[which];
	struct trib_disk_job *first = lane->queue, **at = &lane->queue;

	trib_assert(job->state != TRIB_DISK_JOB_QUEUED);
	job->state = TRIB_DISK_JOB_QUEUED;
	job->lane = which;
	job->due_ns = lanes->sim->now_ns + delay_ns;
	while (*at && (*at)->due_ns <= job->due_ns)
		at = &(*at)->next;
	job->next = *at;
	*at = job;
	if (lane->queue != first)
		lane->took_ns = -1;
}

static bool sim_cancel(struct trib_disk *disk, struct trib_disk_lanes *lanes,
		       struct trib_disk_job *job)
{
	struct lane *lane = &lanes->lanes[job->lane];

	for (struct trib_disk_job **at = &lane->queue; *at; at = &(*at)->next)
		if (*at == job) {
			*at = job->next;
			job->state = TRIB_DISK_JOB_IDLE;
			lane->took_ns = -1;
			return true;
		}
	return false;
}

static int64_t draw_ns(struct trib_sim_disk *sim)
{
	if (trib_rng_chance(&sim->rng, sim->faults.slow_chance))
		return trib_rng_between(&sim->rng, 1000000, 500000000);
	return trib_rng_between(&sim->rng, 20000, 400000);
}

/* When the first job of the lane ends. */
static int64_t end_ns(struct trib_sim_disk *sim, struct lane *lane)
{
	if (!lane->queue || lane->running)
		return INT64_MAX;
	if (lane->took_ns < 0)
		lane->took_ns = draw_ns(sim);
	return TRIB_MAX(lane->queue->due_ns, lane->free_ns) + lane->took_ns;
}

static void run_first(struct trib_disk_lanes *lanes, struct lane *lane)
{
	struct trib_sim_disk *sim = lanes->sim;
	struct trib_disk_job *job = lane->queue;
	unsigned acting = sim->acting;

	sim->now_ns = TRIB_MAX(sim->now_ns, end_ns(sim, lane));
	lane->queue = job->next;
	lane->took_ns = -1;
	lane->running = true;
	job->state = TRIB_DISK_JOB_RUNNING;
	sim->acting = lanes->life;
	job->run(job);
	sim->acting = acting;
	lane->running = false;
	lane->free_ns = sim->now_ns;
	if (job->state == TRIB_DISK_JOB_RUNNING)
		job->state = TRIB_DISK_JOB_IDLE;
}

static struct lane *next_lane(struct trib_sim_disk *sim, struct trib_disk_lanes **ret_lanes)
{
	struct lane *best = NULL;

	for (struct trib_disk_lanes *lanes = sim->lanes; lanes; lanes = lanes->next)
		for (int i = 0; i < TRIB_DISK_LANES; i++) {
			struct lane *lane = &lanes->lanes[i];

			if (end_ns(sim, lane) < (best ? end_ns(sim, best) : INT64_MAX)) {
				best = lane;
				*ret_lanes = lanes;
			}
		}
	return best;
}

static void sim_wait(struct trib_disk *disk, struct trib_disk_lanes *lanes,
		     struct trib_disk_job *job)
{
	while (job->state != TRIB_DISK_JOB_IDLE) {
		trib_assert(job->state != TRIB_DISK_JOB_RUNNING);
		run_first(lanes, &lanes->lanes[job->lane]);
	}
}

static int sim_event_fd(struct trib_disk *disk, struct trib_disk_lanes *lanes)
{
	return -1;
}

static void sim_wake(struct trib_disk *disk, struct trib_disk_lanes *lanes)
{
}

/* --- The door ---------------------------------------------------------------------------------------- */

struct trib_sim_disk *trib_sim_disk_new(uint64_t seed)
{
	struct trib_sim_disk *sim = trib_alloc_zeroed(1, sizeof(*sim));

	sim->table = (struct trib_disk){
		.open = sim_open,
		.close = sim_close,
		.pwrite = sim_pwrite,
		.pread = sim_pread,
		.prefetch = sim_prefetch,
		.sync = sim_sync,
		.allocate = sim_allocate,
		.size = sim_size,
		.truncate = sim_truncate,
		.linked = sim_linked,
		.list = sim_list,
		.make_folder = sim_make_folder,
		.unlink = sim_unlink,
		.rename = sim_rename,
		.sync_folder = sim_sync_folder,
		.random = sim_random,
		.now_ns = sim_now_ns,
		.lanes_new = sim_lanes_new,
		.lanes_free = sim_lanes_free,
		.submit = sim_submit,
		.cancel = sim_cancel,
		.wait = sim_wait,
		.event_fd = sim_event_fd,
		.wake = sim_wake,
		.wake_clear = sim_wake,
	};
	trib_rng_seed(&sim->rng, seed);
	sim->doom = -1;
	sim->faults.fail_after = sim->faults.lose_after = -1;
	sim->faults.fail_error = EIO;
	return sim;
}

void trib_sim_disk_free(struct trib_sim_disk *sim)
{
	if (!sim)
		return;
	trib_assert(!sim->lanes);
	for (size_t i = 0; i < sim->pending_count; i++)
		drop_change(&sim->pending[i]);
	free(sim->pending);
	for (size_t i = 0; i < sim->name_count; i++)
		free(sim->names[i].path);
	free(sim->names);
	while (sim->inodes) {
		struct inode *next = sim->inodes->next;

		inode_free(sim->inodes);
		sim->inodes = next;
	}
	free(sim);
}

struct trib_disk *trib_sim_disk_table(struct trib_sim_disk *sim)
{
	return &sim->table;
}

struct trib_sim_disk *trib_sim_disk_clone(const struct trib_sim_disk *sim, uint64_t seed)
{
	struct trib_sim_disk *copy = trib_sim_disk_new(seed);

	copy->now_ns = sim->now_ns;
	for (size_t i = 0; i < sim->name_count; i++) {
		const struct inode *from = sim->names[i].seen;

		if (!from)
			continue;
		struct inode *to = inode_new(copy);
		struct name *name = need_name(copy, sim->names[i].path);

		grow(to, from->seen_size);
		if (from->seen_size > 0) {
			memcpy(to->seen, from->seen, from->seen_size);
			memcpy(to->durable, from->seen, from->seen_size);
		}
		to->seen_size = to->durable_size = from->seen_size;
		to->room = from->room;
		name->seen = name->durable = to;
	}
	return copy;
}

bool trib_sim_disk_step(struct trib_sim_disk *sim)
{
	struct trib_disk_lanes *lanes;
	struct lane *lane = next_lane(sim, &lanes);

	if (!lane)
		return false;
	run_first(lanes, lane);
	return true;
}

int64_t trib_sim_disk_next_ns(struct trib_sim_disk *sim)
{
	struct trib_disk_lanes *lanes;
	struct lane *lane = next_lane(sim, &lanes);

	return lane ? end_ns(sim, lane) : INT64_MAX;
}

int64_t trib_sim_disk_now_ns(const struct trib_sim_disk *sim)
{
	return sim->now_ns;
}

void trib_sim_disk_advance(struct trib_sim_disk *sim, int64_t to_ns)
{
	trib_assert(to_ns <= trib_sim_disk_next_ns(sim));
	sim->now_ns = TRIB_MAX(sim->now_ns, to_ns);
}

struct trib_sim_faults *trib_sim_disk_faults(struct trib_sim_disk *sim)
{
	return &sim->faults;
}

uint64_t trib_sim_disk_changes(const struct trib_sim_disk *sim)
{
	return sim->changes;
}

/* The first job of each lane may be under way: it gets so far and no further. */
static void run_doomed(struct trib_sim_disk *sim)
{
	for (struct trib_disk_lanes *lanes = sim->lanes; lanes; lanes = lanes->next)
		for (int i = 0; i < TRIB_DISK_LANES; i++) {
			struct lane *lane = &lanes->lanes[i];

			if (lanes->life != sim->life || !lane->queue || lane->running ||
			    lane->queue->due_ns > sim->now_ns || trib_rng_chance(&sim->rng, 0.3))
				continue;
			sim->doom =
				1 + (int64_t)trib_rng_below(
					    &sim->rng, trib_rng_chance(&sim->rng, 0.5) ? 3 : 40);
			run_first(lanes, lane);
			sim->doom = -1;
		}
}

static void lose_sectors(struct trib_sim_disk *sim, struct inode *inode)
{
	static const double chances[] = { 0, 0.1, 0.5, 0.9, 1 };
	double kept = chances[trib_rng_below(&sim->rng, TRIB_ARRAY_SIZE(chances))];
	uint64_t sectors = inode->capacity / TRIB_SIM_SECTOR;

	if (inode->durable_size != inode->seen_size && trib_rng_chance(&sim->rng, kept))
		inode->durable_size = inode->seen_size;
	for (uint64_t i = 0; i < sectors; i++)
		if (inode->sectors[i] != CLEAN && inode->sectors[i] != STRANDED &&
		    trib_rng_chance(&sim->rng, kept))
			make_sector_durable(inode, i);
	if (inode->capacity) {
		memcpy(inode->seen, inode->durable, inode->capacity);
		memset(inode->sectors, CLEAN, sectors);
		memset(inode->seen + inode->durable_size, 0, inode->capacity - inode->durable_size);
		memset(inode->durable + inode->durable_size, 0,
		       inode->capacity - inode->durable_size);
	}
	inode->seen_size = inode->durable_size;
	inode->room = trib_blocks_up(inode->seen_size);
}

static void end_life(struct trib_sim_disk *sim)
{
	sim->life++;
	sim->acting = sim->life;
	for (struct inode *inode = sim->inodes; inode; inode = inode->next)
		inode->locked = NULL;
}

void trib_sim_disk_crash(struct trib_sim_disk *sim)
{
	double kept = trib_rng_unit(&sim->rng);

	sim->kernel_dies = true;
	run_doomed(sim);
	for (size_t i = 0; i < sim->pending_count; i++) {
		if (trib_rng_chance(&sim->rng, kept))
			apply_change(sim, &sim->pending[i]);
		drop_change(&sim->pending[i]);
	}
	sim->pending_count = 0;
	for (size_t i = 0; i < sim->name_count; i++)
		sim->names[i].seen = sim->names[i].durable;
	for (struct inode *inode = sim->inodes; inode; inode = inode->next)
		lose_sectors(sim, inode);
	end_life(sim);
	collect(sim);
}

void trib_sim_disk_kill(struct trib_sim_disk *sim)
{
	sim->kernel_dies = false;
	run_doomed(sim);
	end_life(sim);
}

/* --- Meddling ---------------------------------------------------------------------------------------- */

static struct inode *inode_at(struct trib_sim_disk *sim, const char *path)
{
	struct name *name = find_name(sim, path);

	return name ? name->seen : NULL;
}

const char *trib_sim_disk_peek(struct trib_sim_disk *sim, const char *path, size_t *ret_size)
{
	struct inode *inode = inode_at(sim, path);

	if (!inode)
		return NULL;
	*ret_size = inode->seen_size;
	return inode->seen;
}

void trib_sim_disk_poke(struct trib_sim_disk *sim, const char *path, uint64_t offset,
			const void *data, size_t size)
{
	struct inode *inode = inode_at(sim, path);

	trib_assert(inode && offset + size <= inode->seen_size);
	memcpy(inode->seen + offset, data, size);
	memcpy(inode->durable + offset, data, size);
}

void trib_sim_disk_put(struct trib_sim_disk *sim, const char *path, const void *data, size_t size)
{
	struct inode *inode = inode_new(sim);
	struct name *name = need_name(sim, path);

	grow(inode, size);
	inode->seen_size = inode->durable_size = size;
	inode->room = trib_blocks_up(size);
	name->seen = name->durable = inode;
	trib_sim_disk_poke(sim, path, 0, data, size);
	collect(sim);
}

void trib_sim_disk_cut(struct trib_sim_disk *sim, const char *path, uint64_t size)
{
	struct inode *inode = inode_at(sim, path);

	trib_assert(inode && size <= inode->seen_size);
	memset(inode->seen + size, 0, inode->capacity - size);
	memset(inode->durable + size, 0, inode->capacity - size);
	inode->seen_size = inode->durable_size = size;
}

void trib_sim_disk_remove(struct trib_sim_disk *sim, const char *path)
{
	struct name *name = find_name(sim, path);

	trib_assert(name && name->seen);
	name->seen = name->durable = NULL;
	collect(sim);
}

void trib_sim_disk_move(struct trib_sim_disk *sim, const char *from, const char *to)
{
	struct inode *inode = inode_at(sim, from);

	trib_assert(inode);
	*need_name(sim, to) =
		(struct name){ .path = find_name(sim, to)->path, .seen = inode, .durable = inode };
	struct name *old = find_name(sim, from);

	old->seen = old->durable = NULL;
	collect(sim);
}

const char *trib_sim_disk_path(const struct trib_sim_disk *sim, size_t index)
{
	for (size_t i = 0; i < sim->name_count; i++)
		if (sim->names[i].seen && index-- == 0)
			return sim->names[i].path;
	return NULL;
}
