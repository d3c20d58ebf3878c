/* The machine's disk: system calls, and two threads a pair of lanes. */
#include "journal/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/bell.h"

/* --- Files --------------------------------------------------------------------------------------- */

struct trib_disk_file {
	int fd;
};

static int system_open(struct trib_disk *disk, const char *path, unsigned flags,
		       struct trib_disk_file **ret_file)
{
	int mode = O_CLOEXEC | O_NOFOLLOW;
	int fd;

	mode |= flags & TRIB_DISK_WRITE ? O_RDWR : O_RDONLY;
	mode |= flags & TRIB_DISK_CREATE ? O_CREAT : 0;
	mode |= flags & TRIB_DISK_DIRECT ? O_DIRECT : 0;
	mode |= flags & TRIB_DISK_DURABLE ? O_DSYNC : 0;
	do
		fd = open(path, mode, 0600);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return errno;
	if ((flags & TRIB_DISK_LOCK) && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		int error = errno;

		close(fd);
		return error;
	}
	struct trib_disk_file *file = trib_alloc(sizeof(*file));

	file->fd = fd;
	*ret_file = file;
	return 0;
}

static void system_close(struct trib_disk *disk, struct trib_disk_file *file)
{
	if (!file)
		return;
	close(file->fd);
	free(file);
}

static int system_pwrite(struct trib_disk *disk, struct trib_disk_file *file, const void *data,
			 size_t size, uint64_t offset)
{
	const char *from = data;

	while (size > 0) {
		ssize_t done = pwrite(file->fd, from, size, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? errno : EIO;
		from += done;
		offset += (uint64_t)done;
		size -= (size_t)done;
	}
	return 0;
}

static int system_pread(struct trib_disk *disk, struct trib_disk_file *file, void *data,
			size_t size, uint64_t offset, size_t *ret_size)
{
	size_t total = 0;

	while (total < size) {
		ssize_t done = pread(file->fd, (char *)data + total, size - total,
				     (off_t)(offset + total));

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno;
		if (done == 0)
			break;
		total += (size_t)done;
	}
	*ret_size = total;
	return 0;
}

static void system_prefetch(struct trib_disk *disk, struct trib_disk_file *file, uint64_t offset,
			    size_t size)
{
	posix_fadvise(file->fd, (off_t)offset, (off_t)size, POSIX_FADV_WILLNEED);
}

static int system_sync(struct trib_disk *disk, struct trib_disk_file *file)
{
	return fdatasync(file->fd) == 0 ? 0 : errno;
}

static int system_allocate(struct trib_disk *disk, struct trib_disk_file *file, uint64_t size)
{
	/* Only a promise of room: where the file system cannot give it, writing the zeros will
	 * tell. */
	if (fallocate(file->fd, 0, 0, (off_t)size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return errno;
}

static int system_size(struct trib_disk *disk, struct trib_disk_file *file, uint64_t *ret_size)
{
	struct stat status;

	if (fstat(file->fd, &status) != 0)
		return errno;
	*ret_size = (uint64_t)status.st_size;
	return 0;
}

static int system_truncate(struct trib_disk *disk, struct trib_disk_file *file, uint64_t size)
{
	return ftruncate(file->fd, (off_t)size) == 0 ? 0 : errno;
}

static int system_linked(struct trib_disk *disk, struct trib_disk_file *file, bool *ret_linked)
{
	struct stat status;

	if (fstat(file->fd, &status) != 0)
		return errno;
	*ret_linked = status.st_nlink > 0;
	return 0;
}

/* --- Folders ------------------------------------------------------------------------------------- */

static int system_list(struct trib_disk *disk, const char *folder,
		       bool (*each)(void *context, const char *name), void *context)
{
	DIR *entries = opendir(folder);

	if (!entries)
		return errno;
	for (;;) {
		errno = 0;
		struct dirent *entry = readdir(entries);

		if (!entry || !each(context, entry->d_name))
			break;
	}
	int error = errno;

	closedir(entries);
	return error;
}

static int system_make_folder(struct trib_disk *disk, const char *path)
{
	if (mkdir(path, 0700) == 0)
		return 0;
	return errno == EEXIST ? 0 : errno;
}

static int system_unlink(struct trib_disk *disk, const char *path)
{
	return unlink(path) == 0 ? 0 : errno;
}

static int system_rename(struct trib_disk *disk, const char *from, const char *to)
{
	return rename(from, to) == 0 ? 0 : errno;
}

static int system_sync_folder(struct trib_disk *disk, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	int error = fsync(fd) == 0 ? 0 : errno;

	close(fd);
	return error;
}

static uint64_t system_random(struct trib_disk *disk)
{
	uint64_t value;

	trib_assert(getrandom(&value, sizeof(value), 0) == sizeof(value));
	return value;
}

static int64_t system_now_ns(struct trib_disk *disk)
{
	return trib_clock_monotonic_ns(trib_clock_system());
}

/* --- Lanes --------------------------------------------------------------------------------------- */

struct lane {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;	     /* the lane waits for a job */
	pthread_cond_t done;	     /* somebody waits for one to end */
	struct trib_disk_job *queue; /* by due_ns, equal ones in order of submission */
	bool stop, idle, waited;
	const char *name;
	int nice;
};

struct trib_disk_lanes {
	struct lane lanes[TRIB_DISK_LANES];
	struct trib_bell bell;
};

/* Sleeps until a job comes or the first falls due; with the lock held. */
static void sleep_for_work(struct lane *lane)
{
	lane->idle = true;
	if (!lane->queue) {
		pthread_cond_wait(&lane->work, &lane->lock);
	} else {
		int64_t due_ns = lane->queue->due_ns;
		struct timespec until = { due_ns / 1000000000, due_ns % 1000000000 };

		pthread_cond_timedwait(&lane->work, &lane->lock, &until);
	}
	lane->idle = false;
}

static void run_lane(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	while (!lane->stop) {
		int64_t now_ns = system_now_ns(NULL);

		if (!lane->queue || lane->queue->due_ns > now_ns) {
			sleep_for_work(lane);
			continue;
		}
		struct trib_disk_job *job = lane->queue;

		lane->queue = job->next;
		job->state = TRIB_DISK_JOB_RUNNING;
		pthread_mutex_unlock(&lane->lock);
		job->run(job);
		pthread_mutex_lock(&lane->lock);
		/* A job may have been submitted again while it ran: then it stays queued. */
		if (job->state == TRIB_DISK_JOB_RUNNING)
			job->state = TRIB_DISK_JOB_IDLE;
		if (lane->waited) {
			lane->waited = false;
			pthread_cond_broadcast(&lane->done);
		}
	}
	pthread_mutex_unlock(&lane->lock);
}

static void *lane_main(void *context)
{
	struct lane *lane = context;

	pthread_setname_np(pthread_self(), lane->name);
	/* Linux: of the calling thread alone. */
	if (lane->nice)
		setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), lane->nice);
	run_lane(lane);
	return NULL;
}

static int lane_start(struct lane *lane, const char *name, int nice)
{
	pthread_condattr_t attributes;

	lane->name = name;
	lane->nice = nice;
	pthread_mutex_init(&lane->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&lane->work, &attributes);
	pthread_cond_init(&lane->done, &attributes);
	pthread_condattr_destroy(&attributes);

	/* Signals are the program's main thread's. */
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&lane->thread, NULL, lane_main, lane);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static void lane_stop(struct lane *lane)
{
	pthread_mutex_lock(&lane->lock);
	lane->stop = true;
	pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&lane->lock);
	pthread_join(lane->thread, NULL);
	trib_assert(!lane->queue);
	pthread_cond_destroy(&lane->work);
	pthread_cond_destroy(&lane->done);
	pthread_mutex_destroy(&lane->lock);
}

static int system_lanes_new(struct trib_disk *disk, struct trib_disk_lanes **ret_lanes)
{
	struct trib_disk_lanes *lanes = trib_alloc_zeroed(1, sizeof(*lanes));
	int error;

	error = trib_bell_init(&lanes->bell);
	if (error)
		goto fail_bell;
	error = lane_start(&lanes->lanes[TRIB_DISK_WRITER], "journal-writer", 0);
	if (error)
		goto fail_writer;
	error = lane_start(&lanes->lanes[TRIB_DISK_BACKGROUND], "journal-zeroer", 10);
	if (error)
		goto fail_background;
	*ret_lanes = lanes;
	return 0;

fail_background:
	lane_stop(&lanes->lanes[TRIB_DISK_WRITER]);
fail_writer:
	trib_bell_fini(&lanes->bell);
fail_bell:
	free(lanes);
	return error;
}

static void system_lanes_free(struct trib_disk *disk, struct trib_disk_lanes *lanes)
{
	if (!lanes)
		return;
	for (int i = 0; i < TRIB_DISK_LANES; i++)
		lane_stop(&lanes->lanes[i]);
	trib_bell_fini(&lanes->bell);
	free(lanes);
}

static void system_submit(struct trib_disk *disk, struct trib_disk_lanes *lanes,
			  enum trib_disk_lane which, struct trib_disk_job *job, int64_t delay_ns)
{
	struct lane *lane = &lanes->lanes[which];
	int64_t due_ns = system_now_ns(disk) + delay_ns;

	pthread_mutex_lock(&lane->lock);
	trib_assert(job->state != TRIB_DISK_JOB_QUEUED);
	job->state = TRIB_DISK_JOB_QUEUED;
	job->lane = which;
	job->due_ns = due_ns;
	struct trib_disk_job **at = &lane->queue;

	while (*at && (*at)->due_ns <= due_ns)
		at = &(*at)->next;
	job->next = *at;
	*at = job;
	if (lane->idle)
		pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&lane->lock);
}

static bool system_cancel(struct trib_disk *disk, struct trib_disk_lanes *lanes,
			  struct trib_disk_job *job)
{
	struct lane *lane = &lanes->lanes[job->lane];
	bool found = false;

	pthread_mutex_lock(&lane->lock);
	for (struct trib_disk_job **at = &lane->queue; *at && !found; at = &(*at)->next)
		if (*at == job) {
			*at = job->next;
			job->state = TRIB_DISK_JOB_IDLE;
			found = true;
			break;
		}
	pthread_mutex_unlock(&lane->lock);
	return found;
}

static void system_wait(struct trib_disk *disk, struct trib_disk_lanes *lanes,
			struct trib_disk_job *job)
{
	struct lane *lane = &lanes->lanes[job->lane];

	pthread_mutex_lock(&lane->lock);
	while (job->state != TRIB_DISK_JOB_IDLE) {
		lane->waited = true;
		pthread_cond_wait(&lane->done, &lane->lock);
	}
	pthread_mutex_unlock(&lane->lock);
}

static int system_event_fd(struct trib_disk *disk, struct trib_disk_lanes *lanes)
{
	return lanes->bell.fd;
}

static void system_wake(struct trib_disk *disk, struct trib_disk_lanes *lanes)
{
	trib_bell_ring(&lanes->bell);
}

static void system_wake_clear(struct trib_disk *disk, struct trib_disk_lanes *lanes)
{
	trib_bell_clear(&lanes->bell);
}

struct trib_disk *trib_disk_system(void)
{
	static struct trib_disk disk = {
		.open = system_open,
		.close = system_close,
		.pwrite = system_pwrite,
		.pread = system_pread,
		.prefetch = system_prefetch,
		.sync = system_sync,
		.allocate = system_allocate,
		.size = system_size,
		.truncate = system_truncate,
		.linked = system_linked,
		.list = system_list,
		.make_folder = system_make_folder,
		.unlink = system_unlink,
		.rename = system_rename,
		.sync_folder = system_sync_folder,
		.random = system_random,
		.now_ns = system_now_ns,
		.lanes_new = system_lanes_new,
		.lanes_free = system_lanes_free,
		.submit = system_submit,
		.cancel = system_cancel,
		.wait = system_wait,
		.event_fd = system_event_fd,
		.wake = system_wake,
		.wake_clear = system_wake_clear,
	};

	return &disk;
}
