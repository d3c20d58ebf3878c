#include "track/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/hash.h"

static trib_status failed(struct trib_error *error, const char *at, const char *doing)
{
	return trib_fail(error, TRIB_IO, at, "%s: %s", doing, strerror(errno));
}

/* Nobody but the owner may read, write or enter. */
static trib_status check_mode(const struct stat *info, const char *at, int expected,
			      struct trib_error *error)
{
	if ((info->st_mode & 077) == 0)
		return TRIB_OK;
	return trib_fail(error, TRIB_FORBIDDEN, at,
			 "found permissions 0%03o, expected 0%03o or less",
			 (unsigned)info->st_mode & 0777, (unsigned)expected);
}

/* Makes <data> and <data>/keys where they are missing, the name of the latter durable. */
static bool make_folders(const char *data_dir, const char *path)
{
	if ((mkdir(data_dir, 0700) != 0 && errno != EEXIST) ||
	    (mkdir(path, 0700) != 0 && errno != EEXIST))
		return false;
	int fd = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return synced;
}

trib_status trib_key_folder_open(const char *data_dir, bool create, int *ret_fd,
				 struct trib_error *error)
{
	TRIB_AUTOFREE char *path = trib_alloc(strlen(data_dir) + sizeof("/keys"));
	struct stat info;

	sprintf(path, "%s/keys", data_dir);
	if (create && !make_folders(data_dir, path))
		return failed(error, path, "cannot make this folder");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return trib_fail(error, TRIB_NOT_FOUND, path,
				 "found no such folder, expected one of keys");
	if (fd < 0)
		return failed(error, path, "cannot open this folder");
	trib_status status = fstat(fd, &info) == 0
				     ? check_mode(&info, path, 0700, error)
				     : failed(error, path, "cannot look at this folder");

	if (status == TRIB_OK)
		*ret_fd = fd;
	else
		close(fd);
	return status;
}

static trib_status read_all(int fd, const char *name, size_t size, char **ret_text,
			    struct trib_error *error)
{
	char *text = sodium_malloc(size + 1);
	size_t have = 0;

	if (!text)
		return trib_fail(error, TRIB_NO_MEMORY, name,
				 "found no memory for %zu bytes of keys", size);
	while (have < size) {
		ssize_t n = read(fd, text + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			sodium_free(text);
			return n < 0 ? failed(error, name, "cannot read")
				     : trib_fail(error, TRIB_CORRUPT, name,
						 "the file became shorter");
		}
		have += (size_t)n;
	}
	text[size] = '\0';
	*ret_text = text;
	return TRIB_OK;
}

trib_status trib_key_file_read(int folder, const char *name, char **ret_text, struct stat *ret_info,
			       struct trib_error *error)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	trib_status status = TRIB_OK;
	struct stat info;

	if (fd < 0 && errno == ENOENT)
		return trib_fail(error, TRIB_NOT_FOUND, name, "found no such file of keys");
	if (fd < 0)
		return failed(error, name, "cannot open");
	if (fstat(fd, &info) != 0)
		status = failed(error, name, "cannot look at this file");
	else if (!S_ISREG(info.st_mode))
		status = trib_fail(error, TRIB_INVALID, name,
				   "found no regular file, expected one of keys");
	else
		status = check_mode(&info, name, 0600, error);
	if (status == TRIB_OK && info.st_size > TRIB_KEY_FILE_BYTES_MAX)
		status = trib_fail(error, TRIB_TOO_LARGE, name,
				   "found %" PRId64 " bytes, expected at most %d",
				   (int64_t)info.st_size, TRIB_KEY_FILE_BYTES_MAX);
	if (status == TRIB_OK)
		status = read_all(fd, name, (size_t)info.st_size, ret_text, error);
	if (status == TRIB_OK)
		*ret_info = info;
	close(fd);
	return status;
}

static bool write_all(int fd, struct trib_bytes text)
{
	while (text.size) {
		ssize_t n = write(fd, text.data, text.size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text = trib_bytes(text.data + n, text.size - (size_t)n);
	}
	return true;
}

trib_status trib_key_file_write(int folder, const char *name, struct trib_bytes text,
				struct trib_error *error)
{
	char fresh[64];

	snprintf(fresh, sizeof(fresh), "%s.new", name);
	/* One left by a crash would otherwise keep its own permissions. */
	if (unlinkat(folder, fresh, 0) != 0 && errno != ENOENT)
		return failed(error, fresh, "cannot remove");
	int fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return failed(error, fresh, "cannot make");
	bool written = fchmod(fd, 0600) == 0 && write_all(fd, text) && fsync(fd) == 0;
	int why = errno;

	close(fd);
	if (written) {
		if (renameat(folder, fresh, folder, name) == 0 && fsync(folder) == 0)
			return TRIB_OK;
		why = errno;
	}
	unlinkat(folder, fresh, 0);
	errno = why;
	return failed(error, name, "cannot write");
}

size_t trib_key_file_close(struct trib_bytes text, size_t count, char ret_line[48])
{
	return (size_t)snprintf(ret_line, 48, "end %zu %08" PRIx32 "\n", count,
				trib_crc32c(0, text.data, text.size));
}

trib_status trib_key_lines_init(struct trib_key_lines *lines, const char *name, const char *text,
				const char *heading, struct trib_error *error)
{
	struct trib_bytes all = trib_bytes_text(text), head = trib_bytes_text(heading);
	char closing[48];

	if (all.size < head.size || memcmp(text, heading, head.size) != 0)
		return trib_fail(error, TRIB_CORRUPT, name,
				 "found another first line, expected \"%.*s\"", (int)head.size - 1,
				 heading);
	/* The last line, and what stands before it. */
	size_t body = all.size;

	while (body > head.size && (body == all.size || text[body - 1] != '\n'))
		body--;
	size_t count = 0;

	for (size_t i = head.size; i < body; i++)
		count += text[i] == '\n';
	size_t size = trib_key_file_close(trib_bytes(text, body), count, closing);

	if (!trib_bytes_equal(trib_bytes(text + body, all.size - body), trib_bytes(closing, size)))
		return trib_fail(
			error, TRIB_CORRUPT, name,
			"found a last line that does not close the file, expected its count and "
			"checksum: it is cut or was changed by hand");
	*lines = (struct trib_key_lines){ text + head.size, text + body, name, 1 };
	return TRIB_OK;
}

bool trib_key_lines_next(struct trib_key_lines *lines, struct trib_bytes *ret_line)
{
	if (lines->next == lines->end)
		return false;
	const char *newline = memchr(lines->next, '\n', (size_t)(lines->end - lines->next));

	*ret_line = trib_bytes(lines->next, (size_t)(newline - lines->next));
	lines->next = newline + 1;
	lines->number++;
	return true;
}

trib_status trib_key_lines_refuse(const struct trib_key_lines *lines, const char *expected,
				  struct trib_error *error)
{
	char at[96];

	snprintf(at, sizeof(at), "%s line %zu", lines->name, lines->number);
	return trib_fail(error, TRIB_CORRUPT, at, "found something else, expected %s", expected);
}
