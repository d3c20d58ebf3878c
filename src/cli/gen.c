#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include "cli/cli.h"
#include "cli/gen/builtin.h"
#include "cli/gen/traffic.h"
#include "cli/gen_goods.h"

static const char help[] =
	"Writes a marketplace and a day of its traffic as NDJSON, the same for the same seed on "
	"every\n"
	"machine. With --out DIR: parties, goods, plans and registrations, a line each for\n"
	"POST /api/v1/<noun>:import; rules.ndjson; traffic.ndjson; about.json with the counts.\n"
	"With --out - everything on standard output, each line saying where it goes.\n\n"
	"  --seed S        which marketplace (1)\n"
	"  --creators N    creators, of whom an eighth sells (1000)\n"
	"  --goods N       goods (1000)\n"
	"  --orders N      orders, half of which a creator's link has led to (10000)\n"
	"  --start T       instant of the first traffic, ms UTC; the day itself is the eighth\n"
	"  --market FILE   numbers of one's own instead of data/market.json\n"
	"  --out DIR|-     where to (-)\n\n"
	"docs/market.md tells what is drawn from what. `tributary gen goods --help`: a catalog of any size, as segments.\n";

/* Midnight in Shanghai, a week before the eleventh of November 2025: then the day of traffic is that one. */
#define START_MS INT64_C(1762185600000)

enum { MARKET_BYTES_MAX = 4 << 20, LINE_BYTES_MAX = 64 << 20 };

struct options {
	struct trib_world_size size;
	int64_t start_ms;
	const char *market, *out;
};

struct file_sink {
	struct trib_sink sink;
	FILE *file;
};

static bool write_file(struct trib_sink *sink, struct trib_bytes lines)
{
	struct file_sink *to = (struct file_sink *)sink;

	return fwrite(lines.data, 1, lines.size, to->file) == lines.size;
}

static trib_status read_market(const char *path, struct trib_market **ret_market,
			       struct trib_error *error)
{
	if (!path)
		return trib_market_parse(trib_market_builtin(), ret_market, error);
	FILE *file = fopen(path, "rb");

	if (!file)
		return trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
	TRIB_AUTOFREE char *text = trib_alloc(MARKET_BYTES_MAX);
	size_t size = fread(text, 1, MARKET_BYTES_MAX, file);
	bool failed = ferror(file), whole = feof(file);

	fclose(file);
	if (failed || !whole)
		return trib_fail(error, failed ? TRIB_IO : TRIB_TOO_LARGE, path,
				 "found %s, expected at most %d bytes",
				 failed ? "an error" : "more", MARKET_BYTES_MAX);
	trib_status status = trib_market_parse(trib_bytes(text, size), ret_market, error);

	if (status != TRIB_OK)
		trib_error_within(error, path);
	return status;
}

static trib_status open_sink(const struct options *options, const char *name,
			     struct file_sink *ret_sink, struct trib_error *error)
{
	char path[4096];

	*ret_sink = (struct file_sink){ .sink.write = write_file, .file = stdout };
	ret_sink->sink.wrapped = !strcmp(options->out, "-");
	trib_buffer_init(&ret_sink->sink.buffer, LINE_BYTES_MAX);
	if (ret_sink->sink.wrapped)
		return TRIB_OK;
	snprintf(path, sizeof(path), "%s/%s.ndjson", options->out, name);
	ret_sink->file = fopen(path, "wb");
	return ret_sink->file ? TRIB_OK : trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
}

static trib_status close_sink(struct file_sink *sink, const char *name, struct trib_error *error)
{
	trib_sink_flush(&sink->sink);
	trib_buffer_fini(&sink->sink.buffer);

	bool failed = fflush(sink->file) != 0 || sink->sink.failed;

	if (sink->file != stdout && fclose(sink->file) != 0)
		failed = true;
	return failed ? trib_fail(error, TRIB_IO, name, "%s", strerror(errno)) : TRIB_OK;
}

static trib_status write_nouns(const struct options *options, const struct trib_world *world,
			       uint64_t *lines, struct trib_error *error)
{
	static const struct {
		const char *name;
		void (*write)(const struct trib_world *world, int64_t start_ms,
			      struct trib_sink *sink);
	} nouns[] = {
#define X(function, name) { name, function },
		TRIB_WRITE_TABLE(X)
#undef X
	};

	for (size_t i = 0; i <= TRIB_ARRAY_SIZE(nouns); i++) {
		bool rules = i == TRIB_ARRAY_SIZE(nouns);
		const char *name = rules ? "rules" : nouns[i].name;
		struct file_sink sink;
		trib_status status = open_sink(options, name, &sink, error);

		if (status != TRIB_OK)
			return status;
		if (rules)
			trib_write_rules(&sink.sink);
		else
			nouns[i].write(world, options->start_ms, &sink.sink);
		*lines += sink.sink.lines;
		status = close_sink(&sink, name, error);
		if (status != TRIB_OK)
			return status;
	}
	return TRIB_OK;
}

/* What was written, for loaders and people: last_at is what a loader shifts to now. */
static void write_about(FILE *to, const struct options *options,
			const struct trib_traffic_counts *counts, uint64_t lines)
{
	fprintf(to,
		"{\"format\":1,\"seed\":%" PRIu64 ",\"creators\":%u,\"goods\":%u,\"start\":%" PRId64
		",\"last_at\":%" PRId64 ",\"lines\":%" PRIu64 ",\"traffic_lines\":%" PRIu64
		",\"links\":%" PRIu64 ",\"touches\":%" PRIu64 ",\"orders\":%" PRIu64
		",\"distributed\":%" PRIu64 ",\"repeats\":%" PRIu64 ",\"plan_changes\":%" PRIu64
		",\"delayed\":%" PRIu64 ",\"other_goods\":%" PRIu64 ",\"forged\":%" PRIu64
		",\"self_purchases\":%" PRIu64 ",\"second_creators\":%" PRIu64 "}\n",
		options->size.seed, options->size.creators, options->size.goods, options->start_ms,
		counts->last_ms, lines, counts->lines, counts->links, counts->touches,
		counts->orders, counts->distributed, counts->repeats, counts->plan_changes,
		counts->delayed, counts->other_goods, counts->forged, counts->self_purchases,
		counts->second_creators);
}

static trib_status generate(const struct options *options, struct trib_error *error)
{
	struct trib_market *market;
	struct trib_traffic_counts counts;
	struct file_sink sink;
	uint64_t lines = 0;
	trib_status status = read_market(options->market, &market, error);

	if (status != TRIB_OK)
		return status;
	if (strcmp(options->out, "-") && mkdir(options->out, 0777) != 0 && errno != EEXIST) {
		trib_market_free(market);
		return trib_fail(error, TRIB_IO, options->out, "%s", strerror(errno));
	}
	struct trib_world *world = trib_world_new(market, &options->size);

	status = write_nouns(options, world, &lines, error);
	if (status == TRIB_OK)
		status = open_sink(options, "traffic", &sink, error);
	if (status == TRIB_OK) {
		trib_write_traffic(world, options->start_ms, &sink.sink, &counts);
		lines += sink.sink.lines;
		status = close_sink(&sink, "traffic", error);
	}
	trib_world_free(world);
	trib_market_free(market);
	if (status != TRIB_OK || !strcmp(options->out, "-"))
		return status;

	char path[4096];

	snprintf(path, sizeof(path), "%s/about.json", options->out);
	FILE *about = fopen(path, "wb");

	if (about)
		write_about(about, options, &counts, lines);
	if (!about || fclose(about) != 0)
		return trib_fail(error, TRIB_IO, path, "%s", strerror(errno));
	return TRIB_OK;
}

/* X(NAME, option, least, most, default) */
#define NUMBER_TABLE(X)                                                                            \
	X(SEED, "--seed", 0, INT64_MAX, 1)                                                         \
	X(CREATORS, "--creators", 1, 50000000, 1000)                                               \
	X(GOODS, "--goods", 1, 20000000, 1000)                                                     \
	X(ORDERS, "--orders", 0, 1000000000, 10000)                                                \
	X(START, "--start", 86400000, INT64_C(4102444800000), START_MS)

enum number {
#define X(name, option, least, most, normal) NUMBER_##name,
	NUMBER_TABLE(X)
#undef X
		NUMBERS
};

static const struct {
	const char *option;
	int64_t least, most;
} number_rows[NUMBERS] = {
#define X(name, option, least, most, normal) { option, least, most },
	NUMBER_TABLE(X)
#undef X
};

static int read_number(const char *option, const char *text, int64_t numbers[NUMBERS])
{
	for (int i = 0; i < NUMBERS; i++) {
		int64_t least = number_rows[i].least, most = number_rows[i].most, value;

		if (strcmp(option, number_rows[i].option))
			continue;
		if (!trib_bytes_to_i64(trib_bytes_text(text), &value) || value < least ||
		    value > most)
			return trib_cli_usage_error(
				"gen", "%s: found \"%s\", expected %" PRId64 " to %" PRId64, option,
				text, least, most);
		numbers[i] = value;
		return TRIB_EXIT_DONE;
	}
	return trib_cli_usage_error("gen", "found \"%s\", expected an option", option);
}

static int read_options(int argc, char **argv, struct options *options)
{
	int64_t numbers[NUMBERS] = {
#define X(name, option, least, most, normal) normal,
		NUMBER_TABLE(X)
#undef X
	};

	for (int i = 1; i < argc; i += 2) {
		int code = TRIB_EXIT_DONE;

		if (i + 1 == argc)
			return trib_cli_usage_error("gen", "found nothing after \"%s\"", argv[i]);
		if (!strcmp(argv[i], "--out"))
			options->out = argv[i + 1];
		else if (!strcmp(argv[i], "--market"))
			options->market = argv[i + 1];
		else
			code = read_number(argv[i], argv[i + 1], numbers);
		if (code != TRIB_EXIT_DONE)
			return code;
	}
	options->size.seed = (uint64_t)numbers[NUMBER_SEED];
	options->size.creators = (uint32_t)numbers[NUMBER_CREATORS];
	options->size.goods = (uint32_t)numbers[NUMBER_GOODS];
	options->size.orders = (uint64_t)numbers[NUMBER_ORDERS];
	options->start_ms = numbers[NUMBER_START];
	return TRIB_EXIT_DONE;
}

int trib_cli_gen(int argc, char **argv)
{
	struct options options = { .out = "-" };
	struct trib_error error;

	if (argc > 1 && !strcmp(argv[1], "goods"))
		return trib_cli_gen_goods(argc - 1, argv + 1);
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return trib_cli_help("gen [goods] [OPTION VALUE …]", help);

	int code = read_options(argc, argv, &options);

	if (code != TRIB_EXIT_DONE)
		return code;
	return generate(&options, &error) == TRIB_OK ? TRIB_EXIT_DONE
						     : trib_cli_failed("gen", &error);
}
