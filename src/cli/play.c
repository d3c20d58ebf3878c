/* `tributary play`: plays as folders: a new one, are they right, do their cases hold. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/play_folder.h"
#include "cli/play_server.h"
#include "engine/engine.h"

static const char usage[] = "play new|check|test|install|list|diff|rollback … [--http HOST:PORT] [--json]";
static const char help[] =
	"A play is one way of selling 玩法, as a folder of data (docs/plays.md).\n"
	"\n"
	"  play new NAME          makes the folder NAME with a play that is right, to be changed\n"
	"  play check FOLDER …    reads plays whole; says file, line and reason of what is wrong\n"
	"  play test FOLDER …     the same, then runs their cases; prints TAP\n"
	"\n"
	"With a server that runs:\n"
	"\n"
	"  play install FOLDER …  tests them, then puts and activates them, parents first 安装\n"
	"  play list              the plays of the server: newest and active version 列表\n"
	"  play diff A [B]        what B has that A has not: folders, or NAME@VERSION of the server;\n"
	"                         without B the server's active version of A against A 比较\n"
	"  play rollback NAME     back to the version that was active before; again: further 回滚\n"
	"\n"
	"  --http HOST:PORT       the server (127.0.0.1:7380)\n"
	"  --token-file FILE      a file with the access token\n"
	"  --json                 what the server answers; of diff, a list of files\n"
	"\n"
	"A parent that is not named is looked for beside its child; install installs only what is named.\n";

enum { PATH_BYTES = PLAY_PATH_BYTES };

/* ---- Plays ---------------------------------------------------------------------------------------- */

static trib_status read_play(const char *path, struct trib_play **ret_play, struct trib_error *error)
{
	struct play_folder *folder = trib_alloc_zeroed(1, sizeof(*folder));
	char before[PATH_BYTES], name[PATH_BYTES], root[2 * PATH_BYTES], at[2 * PATH_BYTES];
	struct trib_play *play = NULL;
	trib_status status;

	play_path_split(path, before, name);
	snprintf(root, sizeof(root), "%s%s", before, name);
	status = play_folder_read(folder, root, error);
	if (status == TRIB_OK) {
		status = trib_play_new(folder->files, folder->count, &trib_play_trees, &play, error);
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
	play_folder_fini(folder);
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
	play_path_split(path, before, name);
	snprintf(parent, sizeof(parent), "%s%s", before, trib_play_parent(play));
	return add_play(plays, parent, &known, error);
}

/* ---- Commands ------------------------------------------------------------------------------------- */

static bool run_cases(const struct trib_plays *plays, const struct trib_play *play, uint32_t *number)
{
	struct trib_error error;
	bool good = true;

	for (uint32_t i = 0; i < trib_play_cases(play); i++) {
		bool holds = trib_play_run_case(plays, play, i, &trib_play_trees, &error) == TRIB_OK;

		printf("%s %u - %s: %s\n", holds ? "ok" : "not ok", ++*number, trib_play_name(play),
		       trib_play_case(play, i));
		if (!holds)
			printf("# %s: %s\n", error.at, error.text);
		good = good && holds;
	}
	return good;
}

/* Plays that were named, read and linked. */
struct named {
	struct trib_plays *plays;
	const struct trib_play **read;
	uint32_t cases;
};

static void named_fini(struct named *named)
{
	trib_plays_free(named->plays);
	free(named->read);
}

/* Reads all, and says what is wrong with each. */
static bool read_named(char **paths, int count, struct named *ret_named)
{
	struct named named = { .plays = trib_plays_new(),
			       .read = trib_alloc_zeroed((size_t)count, sizeof(*named.read)) };
	struct trib_error error;
	bool good = true;

	for (int i = 0; i < count; i++)
		if (add_play(named.plays, paths[i], &named.read[i], &error) != TRIB_OK) {
			trib_cli_failed("play", &error);
			good = false;
		}
	if (good && trib_plays_link(named.plays, &error) != TRIB_OK) {
		trib_cli_failed("play", &error);
		good = false;
	}
	for (int i = 0; i < count && good; i++)
		named.cases += trib_play_cases(named.read[i]);
	*ret_named = named;
	return good;
}

static int check(char **paths, int count, bool test)
{
	struct named named;
	uint32_t number = 0;
	bool good = read_named(paths, count, &named);

	if (good && test)
		printf("1..%u\n", named.cases);
	for (int i = 0; i < count && (good || number); i++)
		if (test)
			good &= run_cases(named.plays, named.read[i], &number);
		else
			printf("%s: right, %u cases\n", trib_play_name(named.read[i]), trib_play_cases(named.read[i]));
	named_fini(&named);
	return good ? TRIB_EXIT_DONE : TRIB_EXIT_FAILED;
}

/* Cases that do not hold, on stderr. */
static bool cases_hold(const struct named *named, int count)
{
	struct trib_error error;
	char at[2 * TRIB_ERROR_AT_MAX];
	bool good = true;

	for (int i = 0; i < count; i++)
		for (uint32_t n = 0; n < trib_play_cases(named->read[i]); n++) {
			if (trib_play_run_case(named->plays, named->read[i], n, &trib_play_trees, &error) == TRIB_OK)
				continue;
			snprintf(at, sizeof(at), "%s/%s", trib_play_name(named->read[i]), error.at);
			snprintf(error.at, sizeof(error.at), "%.150s", at);
			trib_cli_failed("play", &error);
			good = false;
		}
	return good;
}

static uint32_t depth_of(const struct trib_play *play)
{
	uint32_t depth = 0;

	while ((play = trib_play_up(play)))
		depth++;
	return depth;
}

/* Parents first: a play is bound to the version of its parent that the server has. */
static int install(const struct play_server *server, char **paths, int count)
{
	struct named named;
	bool good = read_named(paths, count, &named) && cases_hold(&named, count);

	for (uint32_t depth = 0; good && depth < TRIB_LIMIT_PLAY_DEPTH; depth++)
		for (int i = 0; good && i < count; i++)
			if (depth_of(named.read[i]) == depth)
				good = play_server_install(server, paths[i], trib_play_name(named.read[i]));
	named_fini(&named);
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

	play_path_split(path, before, name);
	snprintf(text, sizeof(text), "name: %s\ntitle: A new play\nwhen: request.scene == 'live'\n", name);
	snprintf(cases, sizeof(cases), new_cases, name);
	/* Read before anything is written: a name that no play may have leaves no folder behind. */
	struct trib_play_file files[] = { { trib_bytes_text("play.yaml"), trib_bytes_text(text) } };

	if (trib_play_new(files, 1, &trib_play_trees, &play, &error) != TRIB_OK)
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

/* Takes the options out of the arguments: what is left are words. */
static int parse(int argc, char **argv, struct play_server *server, int *ret_words)
{
	int words = 1;

	for (int i = 1; i < argc; i++) {
		const char **value = !strcmp(argv[i], "--http")	      ? &server->http :
				     !strcmp(argv[i], "--token-file") ? &server->token_file :
									NULL;

		if (value && i + 1 < argc)
			*value = argv[++i];
		else if (!strcmp(argv[i], "--json"))
			server->json = true;
		else if (argv[i][0] == '-' || !argv[i][0])
			return trib_cli_usage_error("play", "found \"%s\", expected a folder or an option with its value",
						    argv[i]);
		else if (strlen(argv[i]) > PATH_BYTES / 4)
			return trib_cli_usage_error("play", "found a path longer than %d bytes", PATH_BYTES / 4);
		else
			argv[words++] = argv[i];
	}
	*ret_words = words;
	return TRIB_EXIT_DONE;
}

int trib_cli_play(int argc, char **argv)
{
	struct play_server server = { .http = "127.0.0.1:7380" };
	int words = 0;

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help"))
			return trib_cli_help(usage, help);
	int wrong = parse(argc, argv, &server, &words);
	const char *verb = words > 1 ? argv[1] : "";

	if (wrong)
		return wrong;
	if (words == 3 && !strcmp(verb, "new"))
		return make_new(argv[2]);
	if (words >= 3 && (!strcmp(verb, "check") || !strcmp(verb, "test")))
		return check(argv + 2, words - 2, verb[0] == 't');
	if (words >= 3 && !strcmp(verb, "install"))
		return install(&server, argv + 2, words - 2);
	if (words == 2 && !strcmp(verb, "list"))
		return play_server_list(&server);
	if ((words == 3 || words == 4) && !strcmp(verb, "diff"))
		return play_diff(&server, argv[2], words == 4 ? argv[3] : NULL);
	if (words == 3 && !strcmp(verb, "rollback"))
		return play_server_rollback(&server, argv[2]);
	return trib_cli_usage_error("play", "expected new NAME, check|test|install FOLDER …, list, diff A [B] or rollback NAME");
}
