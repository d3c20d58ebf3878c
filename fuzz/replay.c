/*
 * A fuzz target as an ordinary test: runs each file, and each file of each folder, named on the command line
 * through LLVMFuzzerTestOneInput, and prints one TAP line for each argument. What was found once by fuzzing
 * is put in the corpus and so stays found, under gcc too.
 *
 *	fuzz-token fuzz/corpus/token crash-1234
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "base/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES_MAX = 64 << 20 };

static bool replay_file(const char *path)
{
	struct stat info;
	FILE *file = fopen(path, "rb");

	if (!file || fstat(fileno(file), &info) != 0 || info.st_size > INPUT_BYTES_MAX) {
		fprintf(stderr, "%s: %s\n", path, file ? "too large" : strerror(errno));
		if (file)
			fclose(file);
		return false;
	}
	/* A block of exactly the input's size, so that ASan sees one byte too far. */
	uint8_t *data = trib_alloc(info.st_size ? (size_t)info.st_size : 1);
	size_t size = fread(data, 1, (size_t)info.st_size, file);
	bool whole = size == (size_t)info.st_size;

	fclose(file);
	/* Named first: a crash ends the process, and this line says on what. */
	fprintf(stderr, "%s: %zu bytes\n", path, size);
	if (whole)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	return whole;
}

/* The number of inputs run, -1 where one could not be read. */
static int replay_path(const char *path)
{
	struct stat info;
	struct dirent *entry;
	DIR *folder;
	int count = 0;

	if (stat(path, &info) != 0)
		return -1;
	if (!S_ISDIR(info.st_mode))
		return replay_file(path) ? 1 : -1;
	folder = opendir(path);
	if (!folder)
		return -1;
	while (count >= 0 && (entry = readdir(folder))) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		count = replay_file(name) ? count + 1 : -1;
	}
	closedir(folder);
	return count;
}

int main(int argc, char **argv)
{
	bool failed = argc < 2;

	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		int count = replay_path(argv[i]);
		const char *name = strrchr(argv[i], '/');

		name = name && name[1] ? name + 1 : argv[i];
		if (count > 0)
			printf("ok %d - %s: %d inputs\n", i, name, count);
		else
			printf("not ok %d - %s: no input could be read\n", i, name);
		fflush(stdout);
		failed = failed || count <= 0;
	}
	return failed ? 1 : 0;
}
