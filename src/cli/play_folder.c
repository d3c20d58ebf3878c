#include "cli/play_folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void play_folder_fini(struct play_folder *folder)
{
	for (uint32_t i = 0; i < folder->count; i++) {
		free((char *)folder->files[i].name.data);
		free((char *)folder->files[i].text.data);
	}
	folder->count = 0;
}

/* At most what a play may hold, so that what is too large is seen to be so and not read. */
static trib_status read_text(const char *path, struct trib_bytes *ret_text, struct trib_error *error)
{
	FILE *file = fopen(path, "rb");
	char *text;

	if (!file)
		return trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
	text = trib_alloc(TRIB_LIMIT_PLAY_BYTES + 1);
	size_t size = fread(text, 1, TRIB_LIMIT_PLAY_BYTES + 1, file);
	bool failed = ferror(file);

	fclose(file);
	if (failed) {
		free(text);
		return trib_fail(error, TRIB_IO, path, "cannot be read");
	}
	*ret_text = trib_bytes(trib_realloc(text, size + 1), size);
	return TRIB_OK;
}

static trib_status add_file(struct play_folder *folder, const char *path, const char *name, struct trib_error *error)
{
	struct trib_bytes text;

	if (folder->count == TRIB_LIMIT_PLAY_FILES || folder->bytes > TRIB_LIMIT_PLAY_BYTES)
		return trib_fail(error, TRIB_LIMIT, path, "found more than %d files or %d bytes in one play",
				 TRIB_LIMIT_PLAY_FILES, TRIB_LIMIT_PLAY_BYTES);
	trib_status status = read_text(path, &text, error);

	if (status != TRIB_OK)
		return status;
	folder->bytes += text.size;
	folder->files[folder->count++] = (struct trib_play_file){ trib_bytes_text(trib_strdup(name)), text };
	return TRIB_OK;
}

/* `inside` is "" or "cases/"; what stands deeper is given by name, for the play's reader to refuse. */
static trib_status read_inside(struct play_folder *folder, const char *root, const char *inside, struct trib_error *error)
{
	char path[PLAY_PATH_BYTES], name[PLAY_PATH_BYTES];
	trib_status status = TRIB_OK;
	struct dirent *entry;
	struct stat info;
	DIR *directory;

	snprintf(path, sizeof(path), "%s/%s", root, inside);
	directory = opendir(path);
	if (!directory)
		return trib_fail(error, TRIB_IO, root, "%s", strerror(errno));
	while (status == TRIB_OK && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s%s", inside, entry->d_name);
		snprintf(path, sizeof(path), "%s/%s", root, name);
		if (stat(path, &info) != 0)
			status = trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
		else if (S_ISREG(info.st_mode))
			status = add_file(folder, path, name, error);
		else if (!S_ISDIR(info.st_mode) || inside[0])
			status = trib_fail(error, TRIB_INVALID, path, "found no file, expected files");
		else {
			strcat(name, "/");
			status = read_inside(folder, root, name, error);
		}
	}
	closedir(directory);
	return status;
}

static int compare_files(const void *a, const void *b)
{
	const struct trib_play_file *left = a, *right = b;

	return trib_bytes_compare(left->name, right->name);
}

trib_status play_folder_read(struct play_folder *folder, const char *root, struct trib_error *error)
{
	trib_status status = read_inside(folder, root, "", error);

	if (status == TRIB_OK)
		qsort(folder->files, folder->count, sizeof(folder->files[0]), compare_files);
	return status;
}

/* The last part of a path, and what comes before it with its '/'. */
void play_path_split(const char *path, char ret_before[PLAY_PATH_BYTES], char ret_name[PLAY_PATH_BYTES])
{
	size_t size = strlen(path);

	while (size > 1 && path[size - 1] == '/')
		size--;
	size_t start = size;

	while (start > 0 && path[start - 1] != '/')
		start--;
	snprintf(ret_before, PLAY_PATH_BYTES, "%.*s", (int)start, path);
	snprintf(ret_name, PLAY_PATH_BYTES, "%.*s", (int)(size - start), path + start);
}
