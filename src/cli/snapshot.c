/* `tributary snapshot`: the market as a file for rich clients, from a running server or from a data folder at rest. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/load/http_client.h"
#include "engine/engine.h"

static const char usage[] = "snapshot [--data DIR | --http HOST:PORT [--token-file FILE]] -o FILE";
static const char help[] =
	"Writes what a rich client resolves orders from: names, parties, goods, plans, registrations, rules. No keys,\n"
	"no touches, no orders. Says on stdout which position it stands at.\n"
	"\n"
	"  --data DIR           the data folder; no server may be running on it (" TRIB_DATA_DIR_DEFAULT ")\n"
	"  --http HOST:PORT     a running server instead\n"
	"  --token-file FILE    holds the server's access token\n"
	"  -o FILE              where it goes; replaced as a whole once everything is there\n";

struct options {
	const char *data, *http, *token_file, *out;
	bool help;
};

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "data", required_argument, NULL, 'd' },	{ "http", required_argument, NULL, 'h' },
		{ "token-file", required_argument, NULL, 't' }, { "out", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, '?' + 1 },		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "o:", names, NULL)) != -1)
		switch (c) {
		case 'd': options->data = optarg; break;
		case 'h': options->http = optarg; break;
		case 't': options->token_file = optarg; break;
		case 'o': options->out = optarg; break;
		case '?' + 1: options->help = true; break;
		default: return trib_cli_usage_error("snapshot", "unknown option or one without a value");
		}
	if (options->help)
		return 0;
	if (optind < argc)
		return trib_cli_usage_error("snapshot", "found \"%s\", expected options only", argv[optind]);
	if (!options->out)
		return trib_cli_usage_error("snapshot", "expected -o FILE");
	if (options->data && options->http)
		return trib_cli_usage_error("snapshot", "expected --data or --http, not both");
	return 0;
}

static trib_status from_http(const struct options *options, struct trib_buffer *bytes, struct trib_error *error)
{
	char token[1100] = "";

	if (options->token_file) {
		FILE *file = fopen(options->token_file, "re");

		if (!file)
			return trib_fail(error, TRIB_IO, options->token_file, "cannot be read: %s", strerror(errno));
		size_t size = fread(token, 1, sizeof(token) - 1, file);

		fclose(file);
		token[size] = '\0';
		token[strcspn(token, "\r\n")] = '\0';
	}
	return trib_http_get(options->http, "/api/v1/snapshot", token, bytes, error);
}

static void note_done(struct trib_call *call)
{
	*(bool *)call->context = true;
}

static trib_status from_data(const struct options *options, struct trib_buffer *bytes, struct trib_error *error)
{
	const struct trib_engine_options engine_options = {
		.data = options->data ? options->data : TRIB_DATA_DIR_DEFAULT, .foreground = true
	};
	bool done = false;
	struct trib_call call = { .kind = TRIB_CALL_SNAPSHOT, .done = note_done, .context = &done };
	struct trib_engine *engine;
	trib_status status;

	if (access(engine_options.data, F_OK) != 0)
		return trib_fail(error, TRIB_NOT_FOUND, engine_options.data, "found nothing, expected a data folder");
	status = trib_engine_open(&engine_options, &engine, error);
	if (status != TRIB_OK)
		return status;
	trib_buffer_init(&call.reply, (size_t)1 << 30);
	trib_engine_submit(engine, &call);
	while (!done && trib_engine_turn(engine) != TRIB_ENGINE_LOST)
		trib_engine_settle(engine);
	status = call.status;
	*error = call.error;
	if (status == TRIB_OK && call.file) {
		char *place = trib_buffer_reserve(bytes, call.file->size);

		if (!place || pread(call.file->fd, place, call.file->size, 0) != (ssize_t)call.file->size)
			status = trib_fail(error, TRIB_IO, "snapshot", "cannot be read back");
		else
			bytes->size += call.file->size;
	}
	trib_buffer_add_bytes(bytes, trib_buffer_bytes(&call.reply));
	trib_call_file_unref(call.file);
	trib_buffer_fini(&call.reply);
	trib_engine_close(engine);
	return status;
}

/* Each part is looked at before the file gets its name. */
static trib_status check(struct trib_bytes bytes, struct trib_snapshot_head *ret_head, struct trib_error *error)
{
	struct trib_snapshot_part part;
	size_t offset = 0, parts = 0;
	trib_status status;

	while ((status = trib_snapshot_next(bytes, &offset, &part, error)) == TRIB_OK) {
		*ret_head = part.head;
		parts++;
	}
	return status == TRIB_NOT_FOUND && parts ? TRIB_OK : status;
}

static trib_status write_file(const char *path, struct trib_bytes bytes, struct trib_error *error)
{
	char unfinished[4096];
	size_t written = 0;

	snprintf(unfinished, sizeof(unfinished), "%s.unfinished", path);
	int fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	while (fd >= 0 && written < bytes.size) {
		ssize_t size = write(fd, bytes.data + written, bytes.size - written);

		if (size <= 0 && errno != EINTR)
			break;
		written += size > 0 ? (size_t)size : 0;
	}
	if (fd >= 0 && written == bytes.size && fsync(fd) == 0 && close(fd) == 0 && rename(unfinished, path) == 0)
		return TRIB_OK;
	unlink(unfinished);
	return trib_fail(error, TRIB_IO, path, "cannot be written: %s", strerror(errno));
}

int trib_cli_snapshot(int argc, char **argv)
{
	struct options options = { 0 };
	struct trib_snapshot_head head = { 0 };
	struct trib_error error = { 0 };
	struct trib_buffer bytes;
	int code = parse(argc, argv, &options);

	if (code)
		return code;
	if (options.help)
		return trib_cli_help(usage, help);
	trib_buffer_init(&bytes, SIZE_MAX / 2);
	trib_status status = options.http ? from_http(&options, &bytes, &error) : from_data(&options, &bytes, &error);

	if (status == TRIB_OK)
		status = check(trib_buffer_bytes(&bytes), &head, &error);
	if (status == TRIB_OK)
		status = write_file(options.out, trib_buffer_bytes(&bytes), &error);
	if (status == TRIB_OK)
		printf("%s: %zu bytes, position %" PRIu64 "\n", options.out, bytes.size, head.position);
	trib_buffer_fini(&bytes);
	return status == TRIB_OK ? TRIB_EXIT_DONE : trib_cli_failed("snapshot", &error);
}
