/* `tributary credit`: attribution/credit.h over a file. */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <zlib.h>
#include "attribution/attribution.h"
#include "base/clock.h"
#include "cli/cli.h"

static const char usage[] = "credit --model M [OPTION …] FILE[.gz]";
static const char help[] =
	"Credits channels with conversions and their value, by the models that the engine uses.\n"
	"\n"
	"  --model M        last, first, priority, linear, position or decay\n"
	"  --window 30d     touches count from conversion - window to before the conversion (30d)\n"
	"  --priority LIST  channels, the highest first, separated by commas (for model "
	"priority);\n"
	"                   channels that are not listed come last, ties go to the latest touch\n"
	"  --half-life 7d   of model decay (7d)\n"
	"  --format F       touches or paths (by the header: columns path and total_conversions)\n"
	"\n"
	"FILE is CSV with a line of column names; the delimiter is a comma, semicolon or tab; - is "
	"standard\n"
	"input. What gzip has packed is unpacked.\n"
	"\n"
	"Touch logs have one row a touch or conversion, in any order. Their columns:\n"
	"  --user NAME      who (user)\n"
	"  --time NAME      when (time): RFC 3339, \"2026-11-22 09:30:00\", a date, Unix seconds "
	"or ms;\n"
	"                   times without a zone are UTC\n"
	"  --channel NAME   where, of touches (channel)\n"
	"  --kind NAME      which kind of row (kind)\n"
	"  --touch WORD       the kind of touches (touch)\n"
	"  --conversion WORD  the kind of conversions (conversion); other kinds are passed over\n"
	"  --value NAME     of conversions: a decimal (value, if there is such a column)\n"
	"A conversion credits the touches of its user in the window before it; they are not used "
	"up. Of touches\n"
	"at the same time the later in the file is the later. Without any, it goes to (none).\n"
	"\n"
	"Path files have the columns path;total_conversions;total_conversion_value, and \" > \" "
	"between the\n"
	"touches of a path. They have no times: model decay and --window are refused.\n"
	"\n"
	"Values are rounded half to even to two places once per row, then divided in hundredths: "
	"floored, the\n"
	"rest to the latest touch. Conversions are divided by weight. Prints "
	"channel,conversions,value.\n"
	"\n"
	"  tributary credit --model linear --user customer_id --kind interaction --touch "
	"impression \\\n"
	"      --value conversion_value attribution_data.csv.gz\n";

enum { TEXT_BYTES_MAX = 1 << 30 };

static trib_status read_file(void *context, char *buffer, size_t size, size_t *ret_size,
			     struct trib_error *error)
{
	gzFile file = context;
	int n = gzread(file, buffer, (unsigned)size), code;
	const char *problem = gzerror(file, &code);

	if (n < 0 || (n == 0 && code != Z_OK && code != Z_STREAM_END))
		return trib_fail(error, TRIB_IO, "", "%s",
				 code == Z_ERRNO ? strerror(errno) : problem);
	*ret_size = (size_t)n;
	return TRIB_OK;
}

static gzFile open_file(const char *path, struct trib_error *error)
{
	bool standard = !strcmp(path, "-");
	int input = standard ? dup(STDIN_FILENO) : -1;
	gzFile file = standard ? gzdopen(input, "rb") : gzopen(path, "rb");

	if (file) {
		gzbuffer(file, 256 << 10);
		return file;
	}
	trib_fail(error, TRIB_IO, "", "found %s, expected a readable file", strerror(errno));
	if (input >= 0)
		close(input);
	return NULL;
}

static int take_duration(const char *option, int64_t *ret_ms)
{
	struct trib_error error;

	if (trib_duration_parse(trib_bytes_text(optarg), option, ret_ms, &error) == TRIB_OK)
		return 0;
	return trib_cli_usage_error("credit", "%s: %s", error.at, error.text);
}

static int take_model(struct trib_credit_options *options, bool *ret_stated)
{
	*ret_stated = true;
	if (trib_model_of_word(trib_bytes_text(optarg), &options->rule.model))
		return 0;
	return trib_cli_usage_error(
		"credit",
		"--model: found \"%s\", expected last, first, priority, linear, position or decay",
		optarg);
}

static int take_format(struct trib_credit_options *options)
{
	if (!strcmp(optarg, "touches"))
		options->format = TRIB_CREDIT_TOUCHES;
	else if (!strcmp(optarg, "paths"))
		options->format = TRIB_CREDIT_PATHS;
	else
		return trib_cli_usage_error(
			"credit", "--format: found \"%s\", expected touches or paths", optarg);
	return 0;
}

/* Fills options; the rest of argv, from optind on, are words. 0, or the exit code of a usage error. */
static int read_options(int argc, char **argv, struct trib_credit_options *options,
			bool *model_stated, bool *wants_help)
{
	const char **const texts[] = { &options->user,	     &options->time,	&options->channel,
				       &options->kind,	     &options->value,	&options->touch,
				       &options->conversion, &options->priority };
	static const struct option table[] = {
		{ "user", required_argument, NULL, 0 },
		{ "time", required_argument, NULL, 1 },
		{ "channel", required_argument, NULL, 2 },
		{ "kind", required_argument, NULL, 3 },
		{ "value", required_argument, NULL, 4 },
		{ "touch", required_argument, NULL, 5 },
		{ "conversion", required_argument, NULL, 6 },
		{ "priority", required_argument, NULL, 7 },
		{ "model", required_argument, NULL, 'm' },
		{ "window", required_argument, NULL, 'w' },
		{ "half-life", required_argument, NULL, 'l' },
		{ "format", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c, failed = 0;

	opterr = 0;
	while (!failed && (c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c >= 0 && c < (int)TRIB_ARRAY_SIZE(texts)) {
			*texts[c] = optarg;
		} else if (c == 'm') {
			failed = take_model(options, model_stated);
		} else if (c == 'w') {
			failed = take_duration("--window", &options->window_ms);
			options->window_stated = true;
		} else if (c == 'l') {
			failed = take_duration("--half-life", &options->rule.half_life);
		} else if (c == 'f') {
			failed = take_format(options);
		} else if (c == 'h') {
			*wants_help = true;
		} else {
			return trib_cli_usage_error(
				"credit", "found \"%s\", expected an option and its value",
				argv[optind - 1]);
		}
	}
	return failed;
}

static trib_status credit_file(const struct trib_credit_options *options, const char *path,
			       struct trib_buffer *text, struct trib_error *error)
{
	gzFile file = open_file(path, error);
	trib_status status = TRIB_IO;

	if (file) {
		struct trib_csv *csv = trib_csv_new(read_file, file);

		status = trib_credit(options, csv, text, error);
		trib_csv_free(csv);
		gzclose(file);
	}
	if (status != TRIB_OK) {
		char at[TRIB_ERROR_AT_MAX];

		/* "log.csv: line 7, column time" */
		if (snprintf(at, sizeof(at), "%.80s%s%s", path, error->at[0] ? ": " : "",
			     error->at) > 0)
			memcpy(error->at, at, sizeof(at));
	}
	return status;
}

int trib_cli_credit(int argc, char **argv)
{
	struct trib_credit_options options = TRIB_CREDIT_DEFAULTS;
	bool model_stated = false, wants_help = false;
	struct trib_error error;
	struct trib_buffer text;
	int usage_error = read_options(argc, argv, &options, &model_stated, &wants_help);

	if (usage_error)
		return usage_error;
	if (wants_help)
		return trib_cli_help(usage, help);
	if (!model_stated)
		return trib_cli_usage_error("credit", "found no --model, expected one");
	if (options.rule.model == TRIB_MODEL_PRIORITY && !options.priority)
		return trib_cli_usage_error("credit",
					    "found no --priority, expected the order of channels");
	if (options.rule.half_life == 0)
		return trib_cli_usage_error("credit", "--half-life: found 0, expected more");
	if (argc - optind != 1)
		return trib_cli_usage_error("credit", "found %d files, expected one",
					    argc - optind);
	if (getrandom(&options.key, sizeof(options.key), 0) != sizeof(options.key))
		memset(&options.key, 0x5a,
		       sizeof(options.key)); /* only chosen collisions would suffer */
	trib_buffer_init(&text, TEXT_BYTES_MAX);
	trib_status status = credit_file(&options, argv[optind], &text, &error);

	if (status == TRIB_OK && text.failed)
		status = trib_fail(&error, TRIB_TOO_LARGE, argv[optind],
				   "found more than 1 GiB of channels, expected fewer");
	if (status == TRIB_OK &&
	    (fwrite(text.data, 1, text.size, stdout) != text.size || fflush(stdout) != 0))
		status = trib_fail(&error, TRIB_IO, "standard output", "%s", strerror(errno));
	trib_buffer_fini(&text);
	return status == TRIB_OK ? TRIB_EXIT_DONE : trib_cli_failed("credit", &error);
}
