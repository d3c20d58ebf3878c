/* `tributary site`: what other sites export, as goods to import and as orders compared. */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/limits.h"
#include "base/names.h"
#include "cli/cli.h"
#include "domain/domain.h"
#include "proto/proto.h"

static const char usage[] = "site feed|rows|orders --site SITE [OPTION …] FILE";
static const char help[] =
	"Reads what another site exports. FILE is CSV for taobao and NDJSON for jd, as "
	"docs/sites.md states it;\n"
	"- is standard input.\n"
	"\n"
	"  feed    prints the goods as NDJSON for POST /api/v1/goods:import\n"
	"  rows    prints the orders as NDJSON for POST /api/v1/sites/{site}/orders:import, where they are "
	"kept and compared\n"
	"  orders  compares the site's orders and prints what to look at; the site's word stands, "
	"nothing is\n"
	"          credited anew\n"
	"\n"
	"  --site SITE  jd or taobao\n"
	"  --pids FILE  of orders: CSV with the columns pid and creator; orders of other pids are "
	"to be reviewed\n"
	"  --ours FILE  of orders: NDJSON, a line what GET /api/v1/orders/{order} answers; - is "
	"standard input\n"
	"  --json       of orders: one JSON object an order line, and a last one with the sums\n";

enum { OUTPUT_BYTES = 64 << 10, LINE_BYTES_MAX = 1 << 20, ORDERS_MAX = 10 << 20 };

struct options {
	const char *what, *site, *pids, *ours, *file;
	bool json, help;
};

struct our_order {
	char outcome[32];
	int64_t base_amount;
	bool seen; /* the site's file has it */
};

/* What one run of `orders` knows: pids with their creators, our orders, and those that the file has had. */
struct comparison {
	struct trib_names *pids, *creators, *ours, *had;
	uint32_t *creator_of;	  /* by pid */
	struct our_order *orders; /* by number in `ours` */
	uint32_t pid_count, order_count;
	bool with_ours;
	int64_t lines, paid, estimated, final, unmapped, unmapped_estimated, changed, not_here,
		attributed_here, base_differs, status_lines[4];
};

static const char *const statuses[] = { "paid", "received", "settled", "closed" };

static trib_status read_file(void *context, char *buffer, size_t size, size_t *ret_size,
			     struct trib_error *error)
{
	*ret_size = fread(buffer, 1, size, context);
	if (!*ret_size && ferror((FILE *)context))
		return trib_fail(error, TRIB_IO, "", "%s", strerror(errno));
	return TRIB_OK;
}

static FILE *open_file(const char *path, struct trib_error *error)
{
	FILE *file = !strcmp(path, "-") ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "r");

	if (!file)
		trib_fail(error, TRIB_IO, "", "found %s, expected a readable file",
			  strerror(errno));
	return file;
}

/* "feed.csv: line 7, column price" */
static trib_status in_file(trib_status status, const char *path, struct trib_error *error)
{
	char at[TRIB_ERROR_AT_MAX];

	if (status != TRIB_OK) {
		snprintf(at, sizeof(at), "%.80s%s%.70s", path, error->at[0] ? ": " : "", error->at);
		memcpy(error->at, at, sizeof(at));
	}
	return status;
}

static void flush(struct trib_buffer *text)
{
	trib_assert(!text->failed); /* rows are bounded, and printed one at a time */
	fwrite(text->data, 1, text->size, stdout);
	trib_buffer_reset(text);
}

/* The rows of a file as lines for an import. */
static trib_status print_lines(const struct trib_site_adapter *site, enum trib_site_file kind, FILE *file,
			       struct trib_error *error)
{
	struct trib_site_reader *reader = trib_site_reader_new(site, kind, read_file, file);
	struct trib_site_row row;
	struct trib_buffer text;
	trib_status status;

	trib_buffer_init(&text, LINE_BYTES_MAX);
	while ((status = trib_site_next(reader, &row, error)) == TRIB_OK && row.line) {
		(kind == TRIB_SITE_FEED ? trib_site_add_goods : trib_site_add_order)(site, &row, &text);
		flush(&text);
	}
	trib_buffer_fini(&text);
	trib_site_reader_free(reader);
	return status;
}

static trib_status fail_at(uint64_t line, const char *column, struct trib_error *error,
			   const char *text)
{
	char at[64];

	snprintf(at, sizeof(at), "line %llu, column %s", (unsigned long long)line, column);
	return trib_fail(error, TRIB_INVALID, at, "%s", text);
}

static trib_status add_pid(struct comparison *all, const struct trib_csv_row *row, size_t pid,
			   size_t creator, struct trib_error *error)
{
	uint32_t known = trib_names_count(all->pids);

	if (row->count <= TRIB_MAX(pid, creator))
		return fail_at(row->line, "creator", error, "found no such column, expected one");
	if (!row->fields[pid].size || row->fields[pid].size > 256 ||
	    !trib_utf8_valid(row->fields[pid]))
		return fail_at(row->line, "pid", error,
			       "found another thing, expected 1 to 256 bytes of UTF-8");
	if (!trib_external_id_valid(row->fields[creator]))
		return fail_at(row->line, "creator", error,
			       "found another thing, expected the id of a party");
	if (known == ORDERS_MAX)
		return fail_at(row->line, "pid", error,
			       "found more than 10,485,760 pids, expected fewer");
	uint32_t number = trib_names_add(all->pids, row->fields[pid]);

	if (number <= known)
		return fail_at(row->line, "pid", error,
			       "found it twice, expected one creator a pid");
	if (!(number & (number - 1))) /* room for the next power of two */
		all->creator_of =
			trib_realloc(all->creator_of, sizeof(*all->creator_of) * 2 * number);
	all->creator_of[number] = trib_names_add(all->creators, row->fields[creator]);
	return TRIB_OK;
}

static trib_status read_pids(struct comparison *all, FILE *file, struct trib_error *error)
{
	struct trib_csv *csv = trib_csv_new(read_file, file);
	size_t pid = SIZE_MAX, creator = SIZE_MAX;
	struct trib_csv_row row;
	trib_status status = trib_csv_next(csv, &row, error);

	for (size_t i = 0; status == TRIB_OK && i < row.count; i++) {
		pid = trib_bytes_is(row.fields[i], "pid") ? i : pid;
		creator = trib_bytes_is(row.fields[i], "creator") ? i : creator;
	}
	if (status == TRIB_OK && (pid == SIZE_MAX || creator == SIZE_MAX))
		status = trib_fail(error, TRIB_INVALID, "line 1",
				   "found other columns, expected pid and creator");
	while (status == TRIB_OK && (status = trib_csv_next(csv, &row, error)) == TRIB_OK &&
	       row.count)
		status = add_pid(all, &row, pid, creator, error);
	trib_csv_free(csv);
	return status;
}

static trib_status add_our_order(struct comparison *all, const struct trib_json *root,
				 struct trib_error *error)
{
	const struct trib_json *order = trib_json_member(root, "order"),
			       *outcome = trib_json_member(root, "outcome"),
			       *base = trib_json_member(root, "base_amount");
	uint32_t known = trib_names_count(all->ours);
	int64_t base_amount;

	if (!order || order->kind != TRIB_JSON_STRING ||
	    order->text.size > 2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 1)
		return trib_fail(error, TRIB_INVALID, "order",
				 "found another thing, expected an order's id");
	if (!outcome || outcome->kind != TRIB_JSON_STRING ||
	    outcome->text.size >= sizeof(all->orders->outcome))
		return trib_fail(error, TRIB_INVALID, "outcome",
				 "found another thing, expected an outcome");
	if (!base || !trib_bytes_to_i64(base->text, &base_amount))
		return trib_fail(error, TRIB_INVALID, "base_amount",
				 "found another thing, expected a whole number");
	if (known == ORDERS_MAX)
		return trib_fail(error, TRIB_LIMIT, "order",
				 "found more than 10,485,760 orders, expected fewer");
	uint32_t number = trib_names_add(all->ours, order->text);

	if (number <= known)
		return trib_fail(error, TRIB_INVALID, "order", "found it twice, expected it once");
	if (!(number & (number - 1)))
		all->orders = trib_realloc(all->orders, sizeof(*all->orders) * 2 * number);
	all->orders[number] = (struct our_order){ .base_amount = base_amount };
	memcpy(all->orders[number].outcome, outcome->text.data, outcome->text.size);
	return TRIB_OK;
}

static trib_status read_ours(struct comparison *all, FILE *file, struct trib_error *error)
{
	const struct trib_json *root;
	struct trib_arena arena;
	trib_status status = TRIB_OK;
	char *line = NULL, at[32];
	size_t room = 0;
	ssize_t size;

	trib_arena_init(&arena, 64 << 20);
	for (unsigned long long number = 1;
	     status == TRIB_OK && (size = getline(&line, &room, file)) >= 0; number++) {
		while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
			size--;
		if (!size)
			continue;
		trib_arena_reset(&arena);
		status = trib_json_parse(trib_bytes(line, (size_t)size), TRIB_LIMIT_JSON_DEPTH,
					 &arena, &root, error);
		if (status == TRIB_OK)
			status = add_our_order(all, root, error);
		snprintf(at, sizeof(at), "line %llu", number);
		if (status != TRIB_OK)
			trib_error_within(error, at);
	}
	if (status == TRIB_OK && ferror(file))
		status = trib_fail(error, TRIB_IO, "", "%s", strerror(errno));
	free(line);
	trib_arena_fini(&arena);
	return status;
}

/* One order line of the site: what it is called, whose it is, and what is to be looked at. */
struct compared {
	char order[2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 2];
	struct trib_bytes creator; /* empty: the pid is nobody's */
	const struct our_order *ours;
	bool unmapped, changed, not_here, attributed_here, base_differs;
};

static void compare(struct comparison *all, const struct trib_site_value *values,
		    struct compared *ret)
{
	uint32_t pid = values[TRIB_SITE_PID].present
			       ? trib_names_find(all->pids, values[TRIB_SITE_PID].text)
			       : 0;
	uint32_t number = trib_names_find(all->ours, trib_bytes_text(ret->order));

	ret->unmapped = !pid;
	ret->creator =
		pid ? trib_names_text(all->creators, all->creator_of[pid]) : trib_bytes(NULL, 0);
	ret->changed = values[TRIB_SITE_FINAL].present &&
		       values[TRIB_SITE_FINAL].number != values[TRIB_SITE_ESTIMATED].number;
	ret->not_here = all->with_ours && !number;
	if (number) {
		all->orders[number].seen = true;
		ret->ours = &all->orders[number];
		ret->attributed_here = !strcmp(ret->ours->outcome, "attributed");
		ret->base_differs = ret->ours->base_amount != values[TRIB_SITE_PAID].number;
	}
}

static trib_status count(struct comparison *all, const struct trib_site_value *values,
			 const struct compared *one, struct trib_error *error)
{
	bool over = __builtin_add_overflow(all->paid, values[TRIB_SITE_PAID].number, &all->paid) |
		    __builtin_add_overflow(all->estimated, values[TRIB_SITE_ESTIMATED].number,
					   &all->estimated) |
		    __builtin_add_overflow(all->final, values[TRIB_SITE_FINAL].number, &all->final);

	if (over)
		return trib_fail(error, TRIB_LIMIT, one->order,
				 "found sums beyond 64 bits, expected less");
	all->lines++;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(statuses); i++)
		all->status_lines[i] +=
			trib_bytes_is(values[TRIB_SITE_ORDER_STATUS].text, statuses[i]);
	all->unmapped += one->unmapped;
	all->unmapped_estimated += one->unmapped ? values[TRIB_SITE_ESTIMATED].number : 0;
	all->changed += one->changed;
	all->not_here += one->not_here;
	all->attributed_here += one->attributed_here;
	all->base_differs += one->base_differs;
	return TRIB_OK;
}

static void add_marks(const struct compared *one, struct trib_buffer *text, bool json)
{
	const struct {
		bool set;
		const char *word;
	} marks[] = { { one->unmapped, "pid_unmapped" },
		      { one->changed, "final_differs" },
		      { one->not_here, "not_here" },
		      { one->attributed_here, "attributed_here" },
		      { one->base_differs, "base_differs" } };
	bool first = true;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(marks); i++)
		if (marks[i].set) {
			trib_buffer_add_format(text, json ? "%s\"%s\"" : "%s%s",
					       first  ? ""
					       : json ? ","
						      : " ",
					       marks[i].word);
			first = false;
		}
}

static void add_json_text(struct trib_buffer *text, const char *name, struct trib_bytes value)
{
	trib_buffer_add_format(text, ",\"%s\":", name);
	if (value.size)
		trib_json_add_string(text, value);
	else
		trib_buffer_add_text(text, "null");
}

static void print_one(const struct trib_site_adapter *site, const struct trib_site_value *values,
		      const struct compared *one, bool json, struct trib_buffer *text)
{
	long long paid = values[TRIB_SITE_PAID].number,
		  estimated = values[TRIB_SITE_ESTIMATED].number;
	bool settled = values[TRIB_SITE_FINAL].present;

	if (json) {
		trib_buffer_add_text(text, "{\"order\":");
		trib_json_add_string(text, trib_bytes_text(one->order));
		trib_buffer_add_text(text, ",\"goods\":");
		trib_site_add_id(site, &values[TRIB_SITE_ORDERED_GOODS], text);
		add_json_text(text, "pid", values[TRIB_SITE_PID].text);
		add_json_text(text, "creator", one->creator);
		trib_buffer_add_text(text, ",\"outcome\":\"external\"");
		add_json_text(text, "status", values[TRIB_SITE_ORDER_STATUS].text);
		trib_buffer_add_format(
			text, ",\"at\":%lld,\"paid\":%lld,\"estimated\":%lld,\"final\":",
			(long long)values[TRIB_SITE_CREATED].number, paid, estimated);
		trib_buffer_add_format(text, settled ? "%lld" : "null",
				       (long long)values[TRIB_SITE_FINAL].number);
		if (one->ours) {
			add_json_text(text, "our_outcome", trib_bytes_text(one->ours->outcome));
			trib_buffer_add_format(text, ",\"our_base\":%lld",
					       (long long)one->ours->base_amount);
		}
		trib_buffer_add_text(text, ",\"look_at\":[");
		add_marks(one, text, true);
		trib_buffer_add_text(text, "]}\n");
	} else if (one->unmapped || one->changed || one->not_here || one->attributed_here ||
		   one->base_differs) {
		trib_buffer_add_format(text, "%-24s  paid %lld  estimated %lld  final ", one->order,
				       paid, estimated);
		trib_buffer_add_format(text, settled ? "%lld  " : "-  ",
				       (long long)values[TRIB_SITE_FINAL].number);
		add_marks(one, text, false);
		trib_buffer_add_char(text, '\n');
	}
	flush(text);
}

/* Ours of which the site says nothing are told after its own, then the sums. */
static void print_sums(const struct comparison *all, bool json, struct trib_buffer *text)
{
	long long not_there = 0;

	for (uint32_t i = 1; i <= trib_names_count(all->ours); i++) {
		struct trib_bytes order = trib_names_text(all->ours, i);

		if (all->orders[i].seen)
			continue;
		not_there++;
		trib_buffer_add_text(text, json ? "{\"order\":" : "");
		if (json)
			trib_json_add_string(text, order);
		else
			trib_buffer_add_format(text, "%-24.*s  not_there", (int)order.size,
					       order.data);
		trib_buffer_add_text(text, json ? ",\"look_at\":[\"not_there\"]}\n" : "\n");
		flush(text);
	}
	const struct {
		const char *name;
		long long value;
	} sums[] = { { "lines", all->lines },
		     { "paid", all->paid },
		     { "estimated", all->estimated },
		     { "final", all->final },
		     { "status_paid", all->status_lines[0] },
		     { "status_received", all->status_lines[1] },
		     { "status_settled", all->status_lines[2] },
		     { "status_closed", all->status_lines[3] },
		     { "pid_unmapped", all->unmapped },
		     { "pid_unmapped_estimated", all->unmapped_estimated },
		     { "final_differs", all->changed },
		     { "not_here", all->not_here },
		     { "not_there", not_there },
		     { "attributed_here", all->attributed_here },
		     { "base_differs", all->base_differs } };

	trib_buffer_add_text(text, json ? "{\"sums\":{" : "");
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(sums); i++)
		if (json)
			trib_buffer_add_format(text, "%s\"%s\":%lld", i ? "," : "", sums[i].name,
					       sums[i].value);
		else
			trib_buffer_add_format(text, "%-24s  %lld\n", sums[i].name, sums[i].value);
	trib_buffer_add_text(text, json ? "}}\n" : "");
	flush(text);
}

static trib_status compare_row(const struct trib_site_adapter *site, struct comparison *all,
			       const struct trib_site_row *row, bool json, struct trib_buffer *text,
			       struct trib_error *error)
{
	const struct trib_site_value *values = row->values;
	struct trib_bytes order = values[TRIB_SITE_ORDER].text, line = values[TRIB_SITE_LINE].text;
	struct compared one = { 0 };
	uint32_t known = trib_names_count(all->had);

	snprintf(one.order, sizeof(one.order), TRIB_BYTES_FMT "%s" TRIB_BYTES_FMT,
		 TRIB_BYTES_ARG(order), line.size ? "/" : "", TRIB_BYTES_ARG(line));
	if (known == ORDERS_MAX)
		return fail_at(row->line, "order", error,
			       "found more than 10,485,760 orders, expected fewer");
	if (trib_names_add(all->had, trib_bytes_text(one.order)) <= known) {
		char at[40];

		snprintf(at, sizeof(at), "line %llu", (unsigned long long)row->line);
		return trib_fail(error, TRIB_INVALID, at,
				 "found order %s again, expected it once in a file", one.order);
	}
	compare(all, values, &one);
	trib_status status = count(all, values, &one, error);

	if (status == TRIB_OK)
		print_one(site, values, &one, json, text);
	return status;
}

static trib_status print_orders(const struct trib_site_adapter *site, struct comparison *all, bool json,
				FILE *file, struct trib_error *error)
{
	struct trib_site_reader *reader =
		trib_site_reader_new(site, TRIB_SITE_ORDERS, read_file, file);
	struct trib_site_row row;
	struct trib_buffer text;
	trib_status status;

	trib_buffer_init(&text, LINE_BYTES_MAX);
	while ((status = trib_site_next(reader, &row, error)) == TRIB_OK && row.line)
		if ((status = compare_row(site, all, &row, json, &text, error)) != TRIB_OK)
			break;
	if (status == TRIB_OK)
		print_sums(all, json, &text);
	trib_buffer_fini(&text);
	trib_site_reader_free(reader);
	return status;
}

typedef trib_status read_fn(struct comparison *all, FILE *file, struct trib_error *error);

static trib_status with_file(const char *path, read_fn *read, struct comparison *all,
			     struct trib_error *error)
{
	FILE *file = path ? open_file(path, error) : NULL;
	trib_status status = !path ? TRIB_OK : file ? read(all, file, error) : TRIB_IO;

	if (file)
		fclose(file);
	return in_file(status, path ? path : "", error);
}

static trib_status run(const struct options *options, const struct trib_site_adapter *site,
		       struct trib_error *error)
{
	struct trib_hash_key key;
	struct comparison all = { .with_ours = options->ours != NULL };

	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		memset(&key, 0x5a, sizeof(key)); /* only chosen collisions would suffer */
	struct trib_names **const names[] = { &all.pids, &all.creators, &all.ours, &all.had };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++)
		*names[i] = trib_names_new(&key);
	trib_status status = with_file(options->pids, read_pids, &all, error);

	if (status == TRIB_OK)
		status = with_file(options->ours, read_ours, &all, error);
	if (status == TRIB_OK) {
		FILE *file = open_file(options->file, error);

		status = !file ? TRIB_IO
			 : !strcmp(options->what, "feed")
				 ? print_lines(site, TRIB_SITE_FEED, file, error)
			 : !strcmp(options->what, "rows")
				 ? print_lines(site, TRIB_SITE_ORDERS, file, error)
				 : print_orders(site, &all, options->json, file, error);
		if (file)
			fclose(file);
		status = in_file(status, options->file, error);
	}
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(names); i++)
		trib_names_free(*names[i]);
	free(all.creator_of);
	free(all.orders);
	return status;
}

static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option table[] = {
		{ "site", required_argument, NULL, 's' }, { "pids", required_argument, NULL, 'p' },
		{ "ours", required_argument, NULL, 'o' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },	  { NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 's')
			options->site = optarg;
		else if (c == 'p')
			options->pids = optarg;
		else if (c == 'o')
			options->ours = optarg;
		else if (c == 'j')
			options->json = true;
		else if (c == 'h')
			options->help = true;
		else
			return trib_cli_usage_error(
				"site", "found \"%s\", expected an option and its value",
				argv[optind - 1]);
	}
	return 0;
}

int trib_cli_site(int argc, char **argv)
{
	struct options options = { 0 };
	struct trib_error error;
	int failed = read_options(argc, argv, &options);

	if (failed)
		return failed;
	if (options.help)
		return trib_cli_help(usage, help);
	if (argc - optind != 2)
		return trib_cli_usage_error("site",
					    "found %d words, expected feed, rows or orders, and a file",
					    argc - optind);
	options.what = argv[optind];
	options.file = argv[optind + 1];
	if (strcmp(options.what, "feed") && strcmp(options.what, "rows") && strcmp(options.what, "orders"))
		return trib_cli_usage_error("site", "found \"%s\", expected feed, rows or orders",
					    options.what);
	if (strcmp(options.what, "orders") && (options.pids || options.ours || options.json))
		return trib_cli_usage_error("site",
					    "found an option of orders, expected --site alone");
	const struct trib_site_adapter *site = options.site ? trib_site_adapter_find(options.site) : NULL;

	if (!site)
		return trib_cli_usage_error("site", "--site: found \"%s\", expected one of %s",
					    options.site ? options.site : "", trib_site_adapter_names());
	trib_status status = run(&options, site, &error);

	if (status == TRIB_OK && (fflush(stdout) != 0 || ferror(stdout)))
		status = trib_fail(&error, TRIB_IO, "standard output", "%s", strerror(errno));
	return status == TRIB_OK ? TRIB_EXIT_DONE : trib_cli_failed("site", &error);
}
