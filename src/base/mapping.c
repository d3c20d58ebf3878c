#include "base/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

trib_status trib_map(const char *path, struct trib_bytes *ret_bytes, struct trib_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat = { 0 };
	void *bytes = NULL;
	bool good = fd >= 0 && fstat(fd, &stat) == 0;

	if (good && stat.st_size > 0) {
		bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
		good = bytes != MAP_FAILED;
	}
	trib_status status = good ? TRIB_OK
				  : trib_fail(error, errno == ENOENT ? TRIB_NOT_FOUND : TRIB_IO,
					      path, "cannot be read: %s", strerror(errno));

	if (fd >= 0)
		close(fd);
	if (good)
		*ret_bytes = trib_bytes(bytes, (size_t)stat.st_size);
	return status;
}

void trib_unmap(struct trib_bytes bytes)
{
	if (bytes.size)
		munmap((void *)(uintptr_t)bytes.data, bytes.size);
}
