/* `tributary key`: the token keys of a data folder. Prints ids, scopes and dates; secrets never. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "base/limits.h"
#include "cli/cli.h"
#include "track/track.h"

static const char usage[] = "key add|list|retire|export [ID | FILE] [--data DIR] [--scope REGISTRATION] "
			    "[--not-before T] [--not-after T] [--json]";
static const char help[] =
	"The keys that sign tokens. A running server takes up changes by itself, within a second.\n"
	"\n"
	"  add     a new key; from now on it signs, where its scope and time allow. Of several the "
	"newest\n"
	"          signs, one scoped to the registration before one for all\n"
	"  list    ids, scopes and dates\n"
	"  retire  the key ID signs and verifies no more, and its secret is erased: tokens it has "
	"signed\n"
	"          become bad_token (key_not_valid). Wait until they have expired\n"
	"  export  what rich clients need to verify tokens, as FILE (mode 0600): as secret as the keys\n"
	"\n"
	"  --data DIR            the data folder (" TRIB_DATA_DIR_DEFAULT ")\n"
	"  --scope REGISTRATION  good for links of this registration only (all)\n"
	"  --not-before T        good for links issued at T or later (any)\n"
	"  --not-after T         good for links issued at T or earlier (any)\n"
	"  --json                as JSON; times are ms UTC, null where open\n"
	"\n"
	"T is RFC 3339 (2026-11-22T09:30:00Z) or ms UTC.\n";

struct options {
	const char *data, *scope, *not_before, *not_after;
	bool json, help;
};

/* Null or a number. */
static void print_json_time(const char *name, int64_t ms)
{
	if (ms == INT64_MIN || ms == INT64_MAX)
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": %" PRId64, name, ms);
}

static const char *status_word(const struct trib_key_info *info)
{
	return info->status == TRIB_KEY_ACTIVE ? "active" : "retired";
}

static void print_json_key(const struct trib_key_info *info)
{
	printf("{\"id\": %u, \"status\": \"%s\", \"scope\": \"", info->id, status_word(info));
	for (const char *c = info->scope; *c; c++) /* an id has no control characters */
		printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
	printf("\", \"created_at\": %" PRId64, info->created_at_ms);
	print_json_time("not_before", info->not_before_ms);
	print_json_time("not_after", info->not_after_ms);
	printf("}");
}

static const char *time_or_dash(int64_t ms, char text[40])
{
	return ms == INT64_MIN || ms == INT64_MAX ? "-" : trib_time_format(ms, text);
}

static void print_key(const struct trib_key_info *info)
{
	char created[40], from[40], to[40];

	printf("%5u  %-7s  %-24s  %-24s  %-24s  %s\n", info->id, status_word(info),
	       trib_time_format(info->created_at_ms, created),
	       time_or_dash(info->not_before_ms, from), time_or_dash(info->not_after_ms, to),
	       info->scope);
}

static void print_heading(void)
{
	printf("%5s  %-7s  %-24s  %-24s  %-24s  %s\n", "id", "status", "created", "not before",
	       "not after", "scope");
}

static void print_one(const struct trib_key_info *info, bool json)
{
	if (json) {
		print_json_key(info);
		puts("");
	} else {
		print_heading();
		print_key(info);
	}
}

static void print_list(const struct trib_keys *keys, bool json)
{
	size_t count = trib_keys_count(keys);

	if (json)
		printf("[");
	else
		print_heading();
	for (size_t i = 0; i < count; i++) {
		struct trib_key_info info = trib_keys_info(keys, i);

		if (json) {
			print_json_key(&info);
			printf(i + 1 < count ? ",\n " : "");
		} else {
			print_key(&info);
		}
	}
	if (json)
		puts("]");
}

static trib_status time_option(const char *text, const char *at, int64_t *ret_ms,
			       struct trib_error *error)
{
	return text ? trib_time_parse(trib_bytes_text(text), at, ret_ms, error) : TRIB_OK;
}

static trib_status add(struct trib_keys *keys, const struct options *options,
		       struct trib_error *error)
{
	struct trib_key_info wanted = { .not_before_ms = INT64_MIN, .not_after_ms = INT64_MAX };
	const char *scope = options->scope ? options->scope : "*";

	if (strlen(scope) >= sizeof(wanted.scope))
		return trib_fail(error, TRIB_INVALID, "--scope",
				 "found %zu bytes, expected at most %d", strlen(scope),
				 TRIB_LIMIT_EXTERNAL_ID_BYTES);
	strcpy(wanted.scope, scope);
	trib_status status =
		time_option(options->not_before, "--not-before", &wanted.not_before_ms, error);

	if (status == TRIB_OK)
		status =
			time_option(options->not_after, "--not-after", &wanted.not_after_ms, error);
	if (status == TRIB_OK)
		status = trib_keys_add(keys, &wanted, &wanted, error);
	if (status == TRIB_OK)
		print_one(&wanted, options->json);
	return status;
}

static trib_status retire(struct trib_keys *keys, uint16_t id, const struct options *options,
			  struct trib_error *error)
{
	struct trib_key_info info;
	trib_status status = trib_keys_retire(keys, id, &info, error);

	if (status == TRIB_OK)
		print_one(&info, options->json);
	return status;
}

/* A new file that nobody else may read; what stands there is replaced. */
static trib_status export(const struct trib_keys *keys, const char *path, struct trib_error *error)
{
	struct trib_buffer text;
	FILE *file = NULL;
	int fd;

	trib_buffer_init(&text, TRIB_KEYS_EXPORT_BYTES_MAX);
	trib_status status = trib_keys_export(keys, &text, error);

	if (status == TRIB_OK) {
		unlink(path);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		file = fd >= 0 ? fdopen(fd, "w") : NULL;
		bool written = file && fwrite(text.data, 1, text.size, file) == text.size;

		if (!file || fclose(file) != 0 || !written)
			status = trib_fail(error, TRIB_IO, path, "cannot be written: %s", strerror(errno));
	}
	if (text.data)
		explicit_bzero(text.data, text.capacity);
	trib_buffer_fini(&text);
	return status;
}

/* Fills options; the rest of argv, from optind on, are words. 0, or the exit code of a usage error. */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{ "data", required_argument, NULL, 'd' },
		{ "scope", required_argument, NULL, 's' },
		{ "not-before", required_argument, NULL, 'b' },
		{ "not-after", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'd':
			options->data = optarg;
			break;
		case 's':
			options->scope = optarg;
			break;
		case 'b':
			options->not_before = optarg;
			break;
		case 'a':
			options->not_after = optarg;
			break;
		case 'j':
			options->json = true;
			break;
		case 'h':
			options->help = true;
			break;
		default:
			return trib_cli_usage_error(
				"key", "found \"%s\", expected an option and its value",
				argv[optind - 1]);
		}
	}
	return 0;
}

/*
 * Nothing but keys, or nothing at all? Then missing keys may be made. In a folder that has been used new keys
 * of hashes would no longer fit what is stored.
 */
static bool unused(const char *data)
{
	DIR *folder = opendir(data);
	struct dirent *entry;
	bool empty = true;

	while (folder && (entry = readdir(folder)))
		empty &= !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
			 !strcmp(entry->d_name, "keys");
	if (folder)
		closedir(folder);
	return empty;
}

int trib_cli_key(int argc, char **argv)
{
	struct options options = { .data = TRIB_DATA_DIR_DEFAULT };
	struct trib_keys *keys = NULL;
	struct trib_error error;
	uint64_t id = 0;
	int usage_error = read_options(argc, argv, &options);

	if (usage_error)
		return usage_error;
	if (options.help)
		return trib_cli_help(usage, help);
	const char *verb = optind < argc ? argv[optind] : "";
	bool adds = !strcmp(verb, "add"), retires = !strcmp(verb, "retire"), exports = !strcmp(verb, "export");
	int words = argc - optind;

	if (!adds && !retires && !exports && strcmp(verb, "list") != 0)
		return trib_cli_usage_error("key", "found \"%s\", expected add, list, retire or export",
					    verb);
	if (words != (retires || exports ? 2 : 1))
		return trib_cli_usage_error("key",
					    exports ? "found %d files, expected one" :
					    retires ? "found %d ids, expected one"
						    : "found %d more words, expected none",
					    words - 1);
	if (!adds && (options.scope || options.not_before || options.not_after))
		return trib_cli_usage_error("key", "%s takes neither scope nor times", verb);
	if (retires && (!trib_bytes_to_u64(trib_bytes_text(argv[optind + 1]), &id) || id < 1 ||
			id > TRIB_LIMIT_KEY_ID))
		return trib_cli_usage_error("key", "found \"%s\", expected the id of a key",
					    argv[optind + 1]);
	bool create = adds && unused(options.data);
	trib_status status =
		trib_keys_open(options.data, create ? TRIB_KEYS_CREATE : TRIB_KEYS_EXISTING,
			       trib_clock_system(), &keys, &error);

	if (status == TRIB_OK && adds)
		status = add(keys, &options, &error);
	else if (status == TRIB_OK && retires)
		status = retire(keys, (uint16_t)id, &options, &error);
	else if (status == TRIB_OK && exports)
		status = export(keys, argv[optind + 1], &error);
	else if (status == TRIB_OK)
		print_list(keys, options.json);
	trib_keys_free(keys);
	return status == TRIB_OK ? TRIB_EXIT_DONE : trib_cli_failed("key", &error);
}
