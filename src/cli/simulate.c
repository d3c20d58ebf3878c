/* `tributary simulate`: what a candidate tree would have made of orders that were decided. */
#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cli/cli.h"
#include "engine/engine.h"

static const char usage[] = "simulate [--data DIR] --rules NAME (--candidate FILE | --version N) [--from T] [--to T] [--json]";
static const char help[] =
	"Decides the orders of a rule tree again by a candidate, with the touches and the market of then, and reports what\n"
	"would have changed: outcomes, winners, money by node and party, examples. A server may run on the folder: what is\n"
	"durable is read, and nothing is written.\n"
	"\n"
	"  --data DIR         the data folder (" TRIB_DATA_DIR_DEFAULT ")\n"
	"  --rules NAME       the tree\n"
	"  --candidate FILE   the candidate, JSON as of PUT /api/v1/rules/{name}\n"
	"  --version N        or a version that has been put\n"
	"  --from T, --to T   orders decided from … until before …, ms UTC\n"
	"  --examples N       at most (20)\n"
	"  --json             the whole report, as of GET /api/v1/rules/{name}/simulations/{id}\n";

struct options {
	const char *data, *rules, *candidate;
	uint64_t version, from, to, examples;
	bool json, help;
};

static bool number_of(const char *text, uint64_t *ret_number)
{
	return trib_bytes_to_u64(trib_bytes_text(text), ret_number) && *ret_number <= INT64_MAX;
}

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "data", required_argument, NULL, 'd' },	{ "rules", required_argument, NULL, 'r' },
		{ "candidate", required_argument, NULL, 'c' },	{ "version", required_argument, NULL, 'v' },
		{ "from", required_argument, NULL, 'f' },	{ "to", required_argument, NULL, 't' },
		{ "examples", required_argument, NULL, 'e' },	{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, '?' + 1 },		{ NULL, 0, NULL, 0 },
	};
	bool good = true;
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (c) {
		case 'd': options->data = optarg; break;
		case 'r': options->rules = optarg; break;
		case 'c': options->candidate = optarg; break;
		case 'v': good &= number_of(optarg, &options->version) && options->version; break;
		case 'f': good &= number_of(optarg, &options->from); break;
		case 't': good &= number_of(optarg, &options->to); break;
		case 'e': good &= number_of(optarg, &options->examples) && options->examples <= 1000; break;
		case 'j': options->json = true; break;
		case '?' + 1: options->help = true; break;
		default: return trib_cli_usage_error("simulate", "unknown option or one without a value");
		}
	if (options->help)
		return 0;
	if (!good)
		return trib_cli_usage_error("simulate", "expected numbers from 0 on (--examples up to 1000)");
	if (optind < argc)
		return trib_cli_usage_error("simulate", "found \"%s\", expected options only", argv[optind]);
	if (!options->rules || !options->candidate == !options->version)
		return trib_cli_usage_error("simulate", "expected --rules, and --candidate or --version");
	return 0;
}

static trib_status read_candidate(const struct options *options, struct trib_buffer *source,
				  struct trib_error *error)
{
	FILE *file;

	if (!options->candidate)
		return trib_simulate_find_version(options->data, trib_bytes_text(options->rules),
						  (uint32_t)TRIB_MIN(options->version, (uint64_t)UINT32_MAX), source,
						  error);
	file = fopen(options->candidate, "re");
	if (!file)
		return trib_fail(error, TRIB_IO, options->candidate, "cannot be read");
	for (;;) {
		char *place = trib_buffer_reserve(source, 64 << 10);
		size_t size = source->failed ? 0 : fread(place, 1, 64 << 10, file);

		if (!size)
			break;
		source->size += size;
	}
	fclose(file);
	return source->failed ? trib_fail(error, TRIB_TOO_LARGE, options->candidate, "expected at most 4 MiB") :
				TRIB_OK;
}

/* --- The bar ------------------------------------------------------------------------------------------ */

struct bar {
	const struct trib_simulate_progress *progress;
	pthread_t thread;
	bool shown, done;
};

static void draw(const struct bar *bar)
{
	unsigned percent = trib_simulate_percent(bar->progress), filled = percent * 40 / 100;
	char text[41];

	memset(text, '.', 40);
	memset(text, '#', filled);
	text[40] = '\0';
	fprintf(stderr, "\r[%s] %3u %%  %llu orders", text, percent,
		(unsigned long long)__atomic_load_n(&bar->progress->orders, __ATOMIC_RELAXED));
}

static void *keep_drawing(void *context)
{
	struct bar *bar = context;
	const struct timespec pause = { 0, 100000000 };

	while (!__atomic_load_n(&bar->done, __ATOMIC_RELAXED)) {
		draw(bar);
		nanosleep(&pause, NULL);
	}
	draw(bar);
	fputc('\n', stderr);
	return NULL;
}

static void bar_begin(struct bar *bar)
{
	bar->shown = isatty(STDERR_FILENO) && pthread_create(&bar->thread, NULL, keep_drawing, bar) == 0;
}

static void bar_end(struct bar *bar)
{
	__atomic_store_n(&bar->done, true, __ATOMIC_RELAXED);
	if (bar->shown)
		pthread_join(bar->thread, NULL);
}

/* --- The report, for people ---------------------------------------------------------------------------- */

static long long number_at(const json_t *json, const char *name)
{
	return (long long)json_integer_value(json_object_get(json, name));
}

static const char *text_at(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text ? text : "";
}

static void print_money(const json_t *list, const char *title, const char *name, const char *role)
{
	printf("\n%s\n", title);
	for (size_t i = 0; i < json_array_size(list) && i < 20; i++) {
		const json_t *row = json_array_get(list, i);
		char label[160];

		snprintf(label, sizeof(label), "%s%s%s", text_at(row, name), role ? " " : "",
			 role ? text_at(row, role) : "");
		printf("  %-32s %3s %16lld -> %16lld  %+lld\n", label, text_at(row, "currency"),
		       number_at(row, "before"), number_at(row, "after"),
		       number_at(row, "after") - number_at(row, "before"));
	}
}

static void print_report(const json_t *report)
{
	const json_t *changed = json_object_get(report, "changed"), *row;
	size_t i;

	printf("%lld orders of %s decided again, %lld change (outcome %lld, winner %lld, money %lld)\n",
	       number_at(report, "orders"), text_at(report, "rules"), number_at(changed, "orders"),
	       number_at(changed, "outcome"), number_at(changed, "winner"), number_at(changed, "money"));
	if (number_at(report, "orders_without_counted_facts"))
		printf("of %lld orders, facts that only the engine counts were not recorded and read as not stated\n",
		       number_at(report, "orders_without_counted_facts"));
	puts("\noutcomes");
	json_array_foreach (json_object_get(report, "outcomes"), i, row)
		printf("  %-20s -> %-20s %12lld\n", text_at(row, "before"), text_at(row, "after"),
		       number_at(row, "orders"));
	print_money(json_object_get(report, "charged"), "charged, minor units", "currency", NULL);
	print_money(json_object_get(report, "nodes"), "charged by node", "node", NULL);
	print_money(json_object_get(report, "parties"), "money by party", "party", "role");
	puts("\nexamples");
	json_array_foreach (json_object_get(report, "examples"), i, row) {
		const json_t *before = json_object_get(row, "before"), *after = json_object_get(row, "after");

		printf("  %-24s %s %s %lld -> %s %s %lld\n", text_at(row, "order"), text_at(before, "outcome"),
		       text_at(before, "node"), number_at(before, "charged"), text_at(after, "outcome"),
		       text_at(after, "node"), number_at(after, "charged"));
	}
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int trib_cli_simulate(int argc, char **argv)
{
	struct options options = { .data = TRIB_DATA_DIR_DEFAULT };
	struct trib_simulate_progress progress = { 0 };
	struct bar bar = { .progress = &progress };
	struct trib_buffer source, report;
	struct trib_error error;
	int wrong = parse(argc, argv, &options);

	if (options.help)
		return trib_cli_help(usage, help);
	if (wrong)
		return wrong;
	trib_buffer_init(&source, 4 << 20);
	trib_buffer_init(&report, 64 << 20);
	trib_status status = read_candidate(&options, &source, &error);

	if (status == TRIB_OK) {
		const struct trib_simulate_options simulate = { .data = options.data,
								.name = trib_bytes_text(options.rules),
								.source = trib_buffer_bytes(&source),
								.from_ms = (int64_t)options.from,
								.to_ms = (int64_t)options.to,
								.examples = (uint32_t)options.examples };
		double seconds = cpu_seconds();

		bar_begin(&bar);
		status = trib_simulate(&simulate, &progress, &report, &error);
		bar_end(&bar);
		seconds = cpu_seconds() - seconds;
		if (status == TRIB_OK && !options.json)
			fprintf(stderr, "%.2f CPU-seconds, %.2f million orders a CPU-second\n", seconds,
				(double)progress.orders / seconds / 1e6);
	}
	if (status == TRIB_OK && options.json) {
		puts(trib_buffer_text(&report));
	} else if (status == TRIB_OK) {
		json_t *json = json_loadb(report.data, report.size, 0, NULL);

		print_report(json);
		json_decref(json);
	}
	trib_buffer_fini(&source);
	trib_buffer_fini(&report);
	return status == TRIB_OK ? TRIB_EXIT_DONE : trib_cli_failed("simulate", &error);
}
