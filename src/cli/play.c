/* `tributary play`: plays as folders: a new one, are they right, do their cases hold. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/play_trees.h"

static const char usage[] = "play new|check|test …";
static const char help[] =
	"A play is one way of selling, as a folder of data (docs/plays.md).\n"
	"\n"
	"  play new NAME        makes the folder NAME with a play that is right, to be changed\n"
	"  play check FOLDER …  reads plays whole; says file, line and reason of what is wrong\n"
	"  play test FOLDER …   the same, then runs their cases; prints TAP\n"
	"\n"
	"A parent that is not named is looked for beside its child.\n";

enum { PATH_BYTES = 4096 };

/* ---- Folders -------------------------------------------------------------------------------------- */

/* The files of a folder. Names and texts are of the heap. */
struct folder {
	struct trib_play_file files[TRIB_LIMIT_PLAY_FILES];
	uint32_t count;
	size_t bytes;
};

static void folder_fini(struct folder *folder)
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

static trib_status add_file(struct folder *folder, const char *path, const char *name, struct trib_error *error)
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
static trib_status read_inside(struct folder *folder, const char *root, const char *inside, struct trib_error *error)
{
	char path[PATH_BYTES], name[PATH_BYTES];
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

/* ---- Plays ---------------------------------------------------------------------------------------- */

/* The last part of a path, and what comes before it with its '/'. */
static void split_path(const char *path, char ret_before[PATH_BYTES], char ret_name[PATH_BYTES])
{
	size_t size = strlen(path);

	while (size > 1 && path[size - 1] == '/')
		size--;
	size_t start = size;

	while (start > 0 && path[start - 1] != '/')
		start--;
	snprintf(ret_before, PATH_BYTES, "%.*s", (int)start, path);
	snprintf(ret_name, PATH_BYTES, "%.*s", (int)(size - start), path + start);
}

static trib_status read_play(const char *path, struct trib_play **ret_play, struct trib_error *error)
{
	struct folder *folder = trib_alloc_zeroed(1, sizeof(*folder));
	char before[PATH_BYTES], name[PATH_BYTES], root[2 * PATH_BYTES], at[2 * PATH_BYTES];
	struct trib_play *play = NULL;
	trib_status status;

	split_path(path, before, name);
	snprintf(root, sizeof(root), "%s%s", before, name);
	status = read_inside(folder, root, "", error);
	if (status == TRIB_OK) {
		qsort(folder->files, folder->count, sizeof(folder->files[0]), compare_files);
		status = trib_play_new(folder->files, folder->count, &play_trees, &play, error);
		if (status != TRIB_OK) {
			snprintf(at, sizeof(at), "%.60s/%s", root, error->at);
			snprintf(error->at, sizeof(error->at), "%s", at);
		}
	}
	if (status == TRIB_OK && strcmp(name, trib_play_name(play)) != 0 && strcmp(name, ".") != 0) {
		status = trib_fail(error, TRIB_INVALID, root, "found a play named \"%s\", expected the folder's name",
				   trib_play_name(play));
		trib_play_free(play);
	}
	folder_fini(folder);
	free(folder);
	if (status == TRIB_OK)
		*ret_play = play;
	return status;
}

/* Reads a play into the set, then those that it specialises, where they are not there yet. */
static trib_status add_play(struct trib_plays *plays, const char *path, const struct trib_play **ret_play,
			    struct trib_error *error)
{
	char before[PATH_BYTES], name[PATH_BYTES], parent[2 * PATH_BYTES];
	struct trib_play *play;
	trib_status status = read_play(path, &play, error);

	if (status != TRIB_OK)
		return status;
	const struct trib_play *known = trib_plays_find(plays, trib_play_name(play));

	*ret_play = known ? known : play;
	if (known || trib_plays_add(plays, play, error) != TRIB_OK) {
		trib_play_free(play);
		return TRIB_OK;
	}
	if (!trib_play_parent(play)[0] || trib_plays_find(plays, trib_play_parent(play)))
		return TRIB_OK;
	split_path(path, before, name);
	snprintf(parent, sizeof(parent), "%s%s", before, trib_play_parent(play));
	return add_play(plays, parent, &known, error);
}

/* ---- Commands ------------------------------------------------------------------------------------- */

static bool run_cases(const struct trib_plays *plays, const struct trib_play *play, uint32_t *number)
{
	struct trib_error error;
	bool good = true;

	for (uint32_t i = 0; i < trib_play_cases(play); i++) {
		bool holds = trib_play_run_case(plays, play, i, &play_trees, &error) == TRIB_OK;

		printf("%s %u - %s: %s\n", holds ? "ok" : "not ok", ++*number, trib_play_name(play),
		       trib_play_case(play, i));
		if (!holds)
			printf("# %s: %s\n", error.at, error.text);
		good = good && holds;
	}
	return good;
}

/* check and test: reads all, says what is wrong with each, and goes on only if nothing is. */
static int check(char **paths, int count, bool test)
{
	struct trib_plays *plays = trib_plays_new();
	const struct trib_play **read = trib_alloc_zeroed((size_t)count, sizeof(const struct trib_play *));
	struct trib_error error;
	uint32_t cases = 0, number = 0;
	bool good = true;

	for (int i = 0; i < count; i++)
		if (add_play(plays, paths[i], &read[i], &error) != TRIB_OK) {
			trib_cli_failed("play", &error);
			good = false;
		}
	if (good && trib_plays_link(plays, &error) != TRIB_OK) {
		trib_cli_failed("play", &error);
		good = false;
	}
	for (int i = 0; i < count && good; i++)
		cases += trib_play_cases(read[i]);
	if (good && test)
		printf("1..%u\n", cases);
	for (int i = 0; i < count && (good || number); i++)
		if (test)
			good &= run_cases(plays, read[i], &number);
		else
			printf("%s: right, %u cases\n", trib_play_name(read[i]), trib_play_cases(read[i]));
	trib_plays_free(plays);
	free(read);
	return good ? TRIB_EXIT_DONE : TRIB_EXIT_FAILED;
}

static trib_status write_file(const char *root, const char *name, const char *text, struct trib_error *error)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	FILE *file = fopen(path, "wx");

	if (!file)
		return trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
	bool written = fputs(text, file) >= 0;

	if (fclose(file) != 0 || !written)
		return trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
	return TRIB_OK;
}

static const char new_ext[] =
	"{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	" \"properties\": {\n"
	"   \"plan\": {\n"
	"     \"required\": [\"slot_fee\"],\n"
	"     \"properties\": {\n"
	"       \"slot_fee\": {\"title\": \"坑位费\", \"type\": \"integer\", \"minimum\": 0}}}}}\n";
static const char new_cases[] = "- case: a live room is ours\n"
				"  request: {scene: live}\n"
				"  expect: {play: %s}\n"
				"- case: a shelf is not\n"
				"  request: {scene: shelf}\n"
				"  expect: {play: default}\n"
				"- case: a plan with a fee is good\n"
				"  ext: {plan: {slot_fee: 50000}}\n"
				"  expect: valid\n"
				"- case: a fee below zero is refused\n"
				"  ext: {plan: {slot_fee: -1}}\n"
				"  expect: {refused: plan.slot_fee}\n";

static int make_new(const char *path)
{
	char before[PATH_BYTES], name[PATH_BYTES], text[2 * PATH_BYTES], cases[2 * PATH_BYTES];
	struct trib_play *play;
	struct trib_error error;

	split_path(path, before, name);
	snprintf(text, sizeof(text), "name: %s\ntitle: A new play\nwhen: request.scene == 'live'\n", name);
	snprintf(cases, sizeof(cases), new_cases, name);
	/* Read before anything is written: a name that no play may have leaves no folder behind. */
	struct trib_play_file files[] = { { trib_bytes_text("play.yaml"), trib_bytes_text(text) } };

	if (trib_play_new(files, 1, &play_trees, &play, &error) != TRIB_OK)
		return trib_cli_failed("play", &error);
	trib_play_free(play);
	if (mkdir(path, 0777) != 0) {
		trib_fail(&error, TRIB_IO, path, "%s", strerror(errno));
		return trib_cli_failed("play", &error);
	}
	snprintf(before, sizeof(before), "%s/cases", path);
	if (mkdir(before, 0777) != 0)
		trib_fail(&error, TRIB_IO, before, "%s", strerror(errno));
	else if (write_file(path, "play.yaml", text, &error) == TRIB_OK &&
		 write_file(path, "ext.schema.json", new_ext, &error) == TRIB_OK &&
		 write_file(path, "cases/first.yaml", cases, &error) == TRIB_OK)
		return TRIB_EXIT_DONE;
	return trib_cli_failed("play", &error);
}

int trib_cli_play(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help"))
			return trib_cli_help(usage, help);
	for (int i = 2; i < argc; i++)
		if (argv[i][0] == '-' || !argv[i][0])
			return trib_cli_usage_error("play", "found \"%s\", expected a folder", argv[i]);
		else if (strlen(argv[i]) > PATH_BYTES / 4)
			return trib_cli_usage_error("play", "found a path longer than %d bytes", PATH_BYTES / 4);
	if (argc == 3 && !strcmp(argv[1], "new"))
		return make_new(argv[2]);
	if (argc >= 3 && (!strcmp(argv[1], "check") || !strcmp(argv[1], "test")))
		return check(argv + 2, argc - 2, argv[1][0] == 't');
	return trib_cli_usage_error("play", "expected new NAME, check FOLDER … or test FOLDER …");
}
