/* Offline credit, as attribution/credit.h says. */
#include "attribution/credit.h"
#include "attribution/tally.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/names.h"

enum { MILLION = 1000000, VALUE_PLACES = 2, COUNT_PLACES = 6, NO_COLUMN = -1 };

/* One credit run: a file being read. */
struct run {
	const struct trib_credit_options *options;
	struct trib_csv *csv;
	struct trib_csv_row row;
	struct trib_tally *tally;
	struct trib_buffer header; /* names of the columns, each ended by NUL */
	size_t columns;
};

/* ---- Rows and columns ------------------------------------------------------------------------------- */

static const char *column_name(const struct run *run, int column)
{
	const char *name = run->header.data;

	while (column--)
		name += strlen(name) + 1;
	return name;
}

static int find_column(const struct run *run, const char *name)
{
	for (size_t i = 0; i < run->columns; i++)
		if (!strcmp(column_name(run, (int)i), name))
			return (int)i;
	return NO_COLUMN;
}

static trib_status need_column(const struct run *run, const char *name, int *ret_column,
			       struct trib_error *error)
{
	char names[200] = "";

	*ret_column = find_column(run, name);
	if (*ret_column != NO_COLUMN)
		return TRIB_OK;
	for (size_t i = 0, used = 0; i < run->columns && used < sizeof(names) - 1; i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "",
					 column_name(run, (int)i));
	return trib_fail(error, TRIB_NOT_FOUND, "line 1",
			 "found the columns %s, expected one named %.64s", names, name);
}

static trib_status fail_in(const struct run *run, int column, const char *expected,
			   struct trib_error *error)
{
	struct trib_bytes field = run->row.fields[column];
	char at[TRIB_ERROR_AT_MAX];

	snprintf(at, sizeof(at), "line %llu, column %.64s", (unsigned long long)run->row.line,
		 column_name(run, column));
	if (!field.size)
		return trib_fail(error, TRIB_INVALID, at, "found nothing, expected %s", expected);
	return trib_fail(error, TRIB_INVALID, at, "found \"%.*s\", expected %s",
			 (int)TRIB_MIN(field.size, (size_t)64), field.data, expected);
}

/* The next row, with as many fields as there are columns; row.count 0 at the end. */
static trib_status next_row(struct run *run, struct trib_error *error)
{
	trib_status status = trib_csv_next(run->csv, &run->row, error);
	char at[32];

	if (status != TRIB_OK || !run->row.count || run->row.count == run->columns)
		return status;
	snprintf(at, sizeof(at), "line %llu", (unsigned long long)run->row.line);
	return trib_fail(error, TRIB_SYNTAX, at, "found %zu fields, expected %zu as in the header",
			 run->row.count, run->columns);
}

static trib_status read_header(struct run *run, struct trib_error *error)
{
	trib_status status = trib_csv_next(run->csv, &run->row, error);

	if (status != TRIB_OK)
		return status;
	if (!run->row.count)
		return trib_fail(error, TRIB_SYNTAX, "line 1",
				 "found an empty file, expected a line of column names");
	for (size_t i = 0; i < run->row.count; i++) {
		if (memchr(run->row.fields[i].data, '\0', run->row.fields[i].size))
			return trib_fail(error, TRIB_SYNTAX, "line 1",
					 "found a NUL, expected column names");
		trib_buffer_add_bytes(&run->header, run->row.fields[i]);
		trib_buffer_add_char(&run->header, '\0');
	}
	run->columns = run->row.count;
	return TRIB_OK;
}

static trib_status amount_in(const struct run *run, int column, unsigned places, int64_t *ret_units,
			     struct trib_error *error)
{
	int64_t units;

	if (!trib_bytes_to_decimal(run->row.fields[column], places, &units) || units < 0)
		return fail_in(run, column, "a decimal number of 0 or more", error);
	*ret_units = units;
	return TRIB_OK;
}

/* ---- Touch logs ------------------------------------------------------------------------------------- */

struct touch {
	int64_t at_us;
	uint64_t place; /* order in the file */
	uint32_t user, channel;
};

struct conversion {
	int64_t at_us;
	int64_t value;
	uint32_t user;
};

struct log {
	int user, time, channel, kind, value; /* columns */
	struct trib_names *users;
	struct touch *touches;
	struct conversion *conversions;
	size_t touches_count, touches_max, conversions_count, conversions_max;
};

static trib_status find_log_columns(const struct run *run, struct log *log,
				    struct trib_error *error)
{
	const struct trib_credit_options *options = run->options;
	const struct {
		const char *name;
		int *column;
	} needed[] = {
		{ options->user, &log->user },
		{ options->time, &log->time },
		{ options->channel, &log->channel },
		{ options->kind, &log->kind },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(needed); i++) {
		trib_status status = need_column(run, needed[i].name, needed[i].column, error);

		if (status != TRIB_OK)
			return status;
	}
	if (options->value)
		return need_column(run, options->value, &log->value, error);
	log->value = find_column(run, "value");
	return TRIB_OK;
}

#define MAKE_ROOM(array, count, max)                                                               \
	do {                                                                                       \
		if ((count) == (max)) {                                                            \
			(max) = (max) ? 2 * (max) : 1024;                                          \
			(array) = trib_realloc((array), (max) * sizeof(*(array)));                 \
		}                                                                                  \
	} while (0)

/* Takes a touch or a conversion from the row; other kinds are passed over. */
static trib_status take_log_row(struct run *run, struct log *log, struct trib_error *error)
{
	const struct trib_bytes *fields = run->row.fields;
	bool touch = trib_bytes_is(fields[log->kind], run->options->touch);
	int64_t at_us, value = 0;
	uint32_t user;

	if (!touch && !trib_bytes_is(fields[log->kind], run->options->conversion))
		return TRIB_OK;
	if (!fields[log->user].size)
		return fail_in(run, log->user, "a user", error);
	if (!trib_time_parse_log(fields[log->time], &at_us))
		return fail_in(run, log->time, "a time such as 2026-11-22T09:30:00Z", error);
	user = trib_names_add(log->users, fields[log->user]);
	if (touch) {
		if (!fields[log->channel].size)
			return fail_in(run, log->channel, "a channel", error);
		MAKE_ROOM(log->touches, log->touches_count, log->touches_max);
		log->touches[log->touches_count] =
			(struct touch){ at_us, log->touches_count, user,
					trib_tally_channel(run->tally, fields[log->channel]) };
		log->touches_count++;
		return TRIB_OK;
	}
	trib_status status = log->value == NO_COLUMN
				     ? TRIB_OK
				     : amount_in(run, log->value, VALUE_PLACES, &value, error);

	if (status == TRIB_OK) {
		MAKE_ROOM(log->conversions, log->conversions_count, log->conversions_max);
		log->conversions[log->conversions_count++] =
			(struct conversion){ at_us, value, user };
	}
	return status;
}

static int compare_touches(const void *a, const void *b)
{
	const struct touch *x = a, *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return x->place < y->place ? -1 : x->place > y->place;
}

static int compare_conversions(const void *a, const void *b)
{
	const struct conversion *x = a, *y = b;

	if (x->user != y->user)
		return x->user < y->user ? -1 : 1;
	return x->at_us < y->at_us ? -1 : x->at_us > y->at_us;
}

static bool is_before(const struct touch *touch, uint32_t user, int64_t at_us)
{
	return touch->user < user || (touch->user == user && touch->at_us < at_us);
}

/* Both sorted: the touches of each conversion stand together, and they only move on. */
static trib_status credit_log(const struct run *run, struct log *log, struct trib_error *error)
{
	int64_t window_us;
	size_t first = 0, end = 0;

	if (__builtin_mul_overflow(run->options->window_ms, 1000, &window_us))
		window_us = INT64_MAX;
	if (log->touches_count)
		qsort(log->touches, log->touches_count, sizeof(*log->touches), compare_touches);
	if (log->conversions_count)
		qsort(log->conversions, log->conversions_count, sizeof(*log->conversions),
		      compare_conversions);
	for (size_t i = 0; i < log->conversions_count; i++) {
		const struct conversion *conversion = &log->conversions[i];
		int64_t start_us;
		trib_status status;

		if (__builtin_sub_overflow(conversion->at_us, window_us, &start_us))
			start_us = INT64_MIN;
		while (first < log->touches_count &&
		       is_before(&log->touches[first], conversion->user, start_us))
			first++;
		end = TRIB_MAX(end, first);
		while (end < log->touches_count &&
		       is_before(&log->touches[end], conversion->user, conversion->at_us))
			end++;
		trib_tally_begin(run->tally);
		for (size_t t = first; t < end; t++)
			trib_tally_touch(run->tally, log->touches[t].channel,
					 conversion->at_us - log->touches[t].at_us);
		status = trib_tally_credit(run->tally, MILLION, conversion->value, error);
		if (status != TRIB_OK)
			return status;
	}
	return TRIB_OK;
}

static trib_status read_log(struct run *run, struct trib_error *error)
{
	struct log log = { .users = trib_names_new(&run->options->key) };
	trib_status status = find_log_columns(run, &log, error);

	while (status == TRIB_OK && (status = next_row(run, error)) == TRIB_OK && run->row.count)
		status = take_log_row(run, &log, error);
	if (status == TRIB_OK)
		status = credit_log(run, &log, error);
	trib_names_free(log.users);
	free(log.touches);
	free(log.conversions);
	return status;
}

/* ---- Path files ------------------------------------------------------------------------------------- */

static const char separator[] = " > ";

/* Gives the tally the channels of a path; false where one is empty. */
static bool take_path(struct run *run, struct trib_bytes path)
{
	trib_tally_begin(run->tally);
	while (path.size) {
		const char *end = memmem(path.data, path.size, separator, strlen(separator));
		struct trib_bytes channel = { path.data,
					      end ? (size_t)(end - path.data) : path.size };
		size_t taken = channel.size + (end ? strlen(separator) : 0);

		if (!channel.size || (end && taken == path.size))
			return false;
		trib_tally_touch(run->tally, trib_tally_channel(run->tally, channel), 0);
		path = trib_bytes(path.data + taken, path.size - taken);
	}
	return true;
}

static trib_status take_path_row(struct run *run, int path, int conversions, int value_column,
				 struct trib_error *error)
{
	int64_t count = 0, value = 0;
	trib_status status = amount_in(run, conversions, COUNT_PLACES, &count, error);

	if (status == TRIB_OK && value_column != NO_COLUMN)
		status = amount_in(run, value_column, VALUE_PLACES, &value, error);
	if (status != TRIB_OK)
		return status;
	if (!take_path(run, run->row.fields[path]))
		return fail_in(run, path, "channels separated by \" > \"", error);
	return trib_tally_credit(run->tally, count, value, error);
}

static trib_status read_paths(struct run *run, struct trib_error *error)
{
	int path, conversions, value;
	trib_status status = need_column(run, "path", &path, error);

	if (run->options->rule.model == TRIB_MODEL_DECAY)
		return trib_fail(
			error, TRIB_REFUSED, "--model",
			"found decay for paths, which have no times, expected another model");
	if (run->options->window_stated)
		return trib_fail(error, TRIB_REFUSED, "--window",
				 "found a window for paths, which have no times, expected none");
	if (status == TRIB_OK)
		status = need_column(run, "total_conversions", &conversions, error);
	if (status != TRIB_OK)
		return status;
	value = find_column(run, "total_conversion_value");
	while ((status = next_row(run, error)) == TRIB_OK && run->row.count) {
		status = take_path_row(run, path, conversions, value, error);
		if (status != TRIB_OK)
			break;
	}
	return status;
}

/* ---- The door --------------------------------------------------------------------------------------- */

static bool holds_paths(const struct run *run)
{
	if (run->options->format == TRIB_CREDIT_BY_HEADER)
		return find_column(run, "path") != NO_COLUMN &&
		       find_column(run, "total_conversions") != NO_COLUMN;
	return run->options->format == TRIB_CREDIT_PATHS;
}

trib_status trib_credit(const struct trib_credit_options *options, struct trib_csv *csv,
			struct trib_buffer *text, struct trib_error *error)
{
	struct run run = { .options = options, .csv = csv };
	struct trib_model_rule rule = options->rule;
	trib_status status;

	if (__builtin_mul_overflow(rule.half_life, 1000, &rule.half_life)) /* ages are in µs here */
		rule.half_life = INT64_MAX;
	status = trib_tally_new(&rule, &options->key, options->priority, &run.tally, error);
	if (status != TRIB_OK)
		return status;
	trib_buffer_init(&run.header, 2 * TRIB_LIMIT_CSV_ROW_BYTES);
	status = read_header(&run, error);
	if (status == TRIB_OK)
		status = holds_paths(&run) ? read_paths(&run, error) : read_log(&run, error);
	if (status == TRIB_OK)
		trib_tally_print(run.tally, text);
	trib_buffer_fini(&run.header);
	trib_tally_free(run.tally);
	return status;
}
