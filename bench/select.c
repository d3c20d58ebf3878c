/*
 * A filter of six predicates over a table of goods, with its count and the first 100 by sales; and a case file of what
 * operators ask. Wall and CPU time of all threads, the median of the runs, the first one apart (it reads what is not
 * mapped yet and looks at checksums).
 *
 *	build/bench/bench-select --table DIR [--rows N] [--threads T] [--runs R] [--cases FILE] [--raw DIR]
 *
 * Makes the table where there is none. --raw writes every column as int32 beside a list of them, for bench/beside_duckdb.py,
 * which asks DuckDB the same of the same rows.
 */
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include "bench.h"
#include "cli/gen/catalog.h"
#include "select/select.h"

#define FILTER                                                                                     \
	"category in ['women/dresses/a', 'women/dresses/b', 'women/dresses/c', "                   \
	"'women/dresses/d', 'women/tops/a', 'women/tops/b', "                                      \
	"'men/shirts/a', 'men/shirts/b'] && site == 'own' && season in ['summer', 'spring'] && "   \
	"price >= 2000 && price <= 9900 && "                                                       \
	"commission_bps >= 1500 && status != 'closed'"
#define ORDER "sold_30d"

enum { RUNS_MAX = 1000, LINE_BYTES = 4096, CASES_MAX = 200 };

static struct {
	const char *table, *cases, *raw;
	uint64_t rows, threads, runs;
} options = { .rows = 1 << 24, .threads = 1, .runs = 5 };

struct timed {
	double wall_ms, cpu_ms;
};

static double cpu_ms(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void must(trib_status status, const struct trib_error *error)
{
	if (status == TRIB_OK)
		return;
	fprintf(stderr, "bench-select: %s: %s\n", error->at, error->text);
	exit(1);
}

static struct timed ask(struct trib_selection *selection, struct trib_selected *ret_selected)
{
	struct trib_error error;
	double cpu = cpu_ms();
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system());

	must(trib_selection_run(selection, (uint32_t)options.threads, ret_selected, &error),
	     &error);
	return (struct timed){ (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun) / 1e6,
			       cpu_ms() - cpu };
}

static int by_wall(const void *a, const void *b)
{
	const struct timed *x = a, *y = b;

	return (x->wall_ms > y->wall_ms) - (x->wall_ms < y->wall_ms);
}

/* The median, after one run that does not count. */
static struct timed measure(const struct trib_table *table, const char *filter, const char *order,
			    uint32_t limit, bool explain, struct trib_selected *ret_selected,
			    struct timed *ret_first)
{
	struct trib_select_request request = { .filter = trib_bytes_text(filter),
					       .order_by = trib_bytes_text(order),
					       .limit = limit };
	static struct timed runs[RUNS_MAX];
	struct trib_selection *selection;
	struct trib_error error;

	must(trib_selection_new(table, &request, &selection, &error), &error);
	*ret_first = ask(selection, ret_selected);
	for (uint64_t i = 0; i < options.runs; i++) {
		trib_selected_fini(ret_selected);
		runs[i] = ask(selection, ret_selected);
	}
	if (explain) {
		struct trib_buffer text;

		trib_buffer_init(&text, 1 << 20);
		trib_selection_explain(selection, &text);
		fputs(trib_buffer_text(&text), stdout);
		trib_buffer_fini(&text);
	}
	trib_selection_free(selection);
	qsort(runs, options.runs, sizeof(*runs), by_wall);
	return runs[options.runs / 2];
}

/* A line each: filter, a tab, what to order by. */
static void run_cases(const struct trib_table *table)
{
	static struct timed all[CASES_MAX];
	char line[LINE_BYTES];
	FILE *file = fopen(options.cases, "r");
	size_t count = 0;

	if (!file) {
		fprintf(stderr, "bench-select: %s: %s\n", options.cases, strerror(errno));
		exit(1);
	}
	while (count < CASES_MAX && fgets(line, sizeof(line), file)) {
		struct trib_selected selected;
		struct timed first;

		line[strcspn(line, "\n")] = '\0';
		if (!*line || *line == '#')
			continue;
		char *order = strchr(line, '\t');

		if (order)
			*order++ = '\0';
		all[count] =
			measure(table, line, order ? order : "", 100, false, &selected, &first);
		printf("%9.1f ms %9.1f ms CPU  first %9.1f  %12" PRIu64 "  %s\n",
		       all[count].wall_ms, all[count].cpu_ms, first.wall_ms, selected.count, line);
		fflush(stdout);
		trib_selected_fini(&selected);
		count++;
	}
	fclose(file);
	if (!count)
		return;
	qsort(all, count, sizeof(*all), by_wall);
	printf("cases      %zu, median %.1f ms, slowest %.1f ms\n", count, all[count / 2].wall_ms,
	       all[count - 1].wall_ms);
}

static void write_raw(const struct trib_table *table)
{
	static int64_t values[TRIB_BLOCK_ROWS];
	static int32_t narrow[TRIB_CHUNK_ROWS];
	struct trib_error error;
	char path[4096];
	uint32_t count;
	const struct trib_field *fields = trib_table_fields(table, &count);

	mkdir(options.raw, 0700);
	for (uint32_t field = 0; field < count; field++) {
		if (fields[field].kind > TRIB_FIELD_CODE)
			continue;
		snprintf(path, sizeof(path), "%s/%s", options.raw, fields[field].name);
		FILE *file = fopen(path, "wb");

		for (uint32_t chunk = 0; file && chunk < trib_table_chunks(table); chunk++) {
			struct trib_chunk column;
			uint32_t rows = trib_table_chunk_rows(table, chunk);

			must(trib_table_chunk(table, chunk, field, &column, &error), &error);
			for (uint32_t row = 0; row < rows; row++) {
				if (row % TRIB_BLOCK_ROWS == 0)
					trib_chunk_decode(&column, row / TRIB_BLOCK_ROWS, values);
				int64_t value = values[row % TRIB_BLOCK_ROWS];

				narrow[row] = (int32_t)(fields[field].kind == TRIB_FIELD_TIME
								? value / 60000
								: value);
			}
			fwrite(narrow, sizeof(*narrow), rows, file);
		}
		if (!file || fclose(file) != 0)
			exit(1);
	}
}

static void read_options(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--table"))
			options.table = argv[i + 1];
		else if (!strcmp(argv[i], "--cases"))
			options.cases = argv[i + 1];
		else if (!strcmp(argv[i], "--raw"))
			options.raw = argv[i + 1];
		else if (!strcmp(argv[i], "--rows"))
			options.rows = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--threads"))
			options.threads = strtoull(argv[i + 1], NULL, 10);
		else if (!strcmp(argv[i], "--runs"))
			options.runs = TRIB_MIN(TRIB_MAX(strtoull(argv[i + 1], NULL, 10), 1ull),
						(unsigned long long)RUNS_MAX);
	}
}

int main(int argc, char **argv)
{
	static char folder[64] = "/var/tmp/tributary-select-XXXXXX";
	struct trib_selected selected;
	struct trib_table *table;
	struct trib_error error;
	struct timed first;
	char path[4096];
	bool own;

	read_options(argc, argv);
	own = !options.table;
	if (own)
		options.table = mkdtemp(folder);
	bench_machine(own ? options.table : "/var/tmp");
	snprintf(path, sizeof(path), "%s/table.json", options.table);
	if (access(path, F_OK) != 0) {
		struct trib_gen_catalog gen = {
			.folder = options.table, .rows = options.rows, .seed = 1, .threads = 2
		};
		int64_t begun = trib_clock_monotonic_ns(trib_clock_system());

		must(trib_gen_catalog(&gen, &error), &error);
		printf("gen        %" PRIu64 " rows in %.1f s by 2 threads\n", options.rows,
		       (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun) / 1e9);
	}
	int64_t begun = trib_clock_monotonic_ns(trib_clock_system());

	must(trib_table_open(options.table, &table, &error), &error);
	printf("open       %" PRIu64 " rows in %.1f ms, %.2f bytes a row\n", trib_table_rows(table),
	       (double)(trib_clock_monotonic_ns(trib_clock_system()) - begun) / 1e6,
	       (double)trib_table_bytes(table) / (double)trib_table_rows(table));
	if (options.raw)
		write_raw(table);
	struct timed six = measure(table, FILTER, ORDER, 100, true, &selected, &first);

	printf("six        %.1f ms, %.1f ms CPU by %" PRIu64 " threads (first %.1f, %.1f); %" PRIu64
	       " rows, the first sold %.0f, the last %.0f\n",
	       six.wall_ms, six.cpu_ms, options.threads, first.wall_ms, first.cpu_ms,
	       selected.count, selected.row_count ? selected.rows[0].key : 0,
	       selected.row_count ? selected.rows[selected.row_count - 1].key : 0);
	trib_selected_fini(&selected);
	if (options.cases)
		run_cases(table);
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("resident   %.0f MiB at the most\n", (double)usage.ru_maxrss / 1024);
	trib_table_close(table);
	if (own)
		bench_remove(options.table);
	return 0;
}
