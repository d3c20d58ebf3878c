/* What several benches share: the machine's limits printed beside the figures, a progress bar, clean-up. */
#ifndef TRIB_BENCH_BENCH_H
#define TRIB_BENCH_BENCH_H

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/bytes.h"
#include "base/clock.h"
#include "base/hash.h"

/* Durable 64 KiB records a second in a zeroed file of the folder, by O_DIRECT and O_DSYNC. */
static inline double bench_disk_limit(const char *folder)
{
	enum { RECORD = 64 << 10, RECORDS = 512 };
	char path[4096];
	void *block;
	int64_t begun = 0;

	snprintf(path, sizeof(path), "%s/limit", folder);
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);

	if (fd < 0 || posix_memalign(&block, 4096, RECORD) != 0)
		return 0;
	memset(block, 0, RECORD);
	for (int i = 0; i < RECORDS; i++)
		if (write(fd, block, RECORD) != RECORD)
			break;
	fsync(fd);
	close(fd);
	fd = open(path, O_RDWR | O_DIRECT | O_DSYNC);
	begun = trib_clock_monotonic_ns(trib_clock_system());
	for (int i = 0; fd >= 0 && i < RECORDS; i++)
		if (pwrite(fd, block, RECORD, (off_t)i * RECORD) != RECORD)
			break;
	double seconds = (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun) / 1e9;

	close(fd);
	unlink(path);
	free(block);
	return RECORDS / seconds;
}

/* Nanoseconds for one random line out of `bytes` of memory, independent reads. */
static inline double bench_memory_limit(size_t bytes)
{
	enum { READS = 4000000 };
	volatile uint64_t *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	uint64_t sum = 0, lines = bytes / 64;

	if (memory == MAP_FAILED)
		return 0;
	int64_t begun = trib_cpu_thread_ns();

	for (uint64_t i = 0; i < READS; i++)
		sum += memory[trib_hash_u64(i) % lines * 8];
	double ns = (double)(trib_cpu_thread_ns() - begun) / READS;

	munmap((void *)memory, bytes);
	return sum == 1 ? 0 : ns;
}

static inline void bench_machine(const char *folder)
{
	printf("this machine: %.0f durable 64 KiB records/s, %.0f ns a random line of 1 GiB\n",
	       bench_disk_limit(folder), bench_memory_limit((size_t)1 << 30));
	fflush(stdout);
}

static inline void bench_progress(const char *what, uint64_t done, uint64_t all)
{
	static int64_t last_ns;
	int64_t now_ns = trib_clock_monotonic_ns(trib_clock_system());

	if (now_ns - last_ns < 200000000 || !isatty(2))
		return;
	last_ns = now_ns;
	fprintf(stderr, "\r%-10s %3d %%  %" PRIu64 " of %" PRIu64 "   ", what, (int)(done * 100 / (all ? all : 1)), done,
		all);
}

static inline int bench_remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline void bench_remove(const char *folder)
{
	nftw(folder, bench_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
