/* The tally of attribution/tally.h. */
#include "attribution/tally.h"
#include "base/csv.h"

typedef unsigned __int128 u128;

enum { MILLION = 1000000, MINOR = 100 };

struct total {
	u128 count; /* millionths of a conversion, with 64 bits after the point */
	int64_t value;
	int64_t priority;
	bool credited;
};

struct trib_tally {
	struct trib_model_rule rule;
	struct trib_names *channels;
	struct total *totals; /* by channel; 0 is "(none)" */
	size_t totals_max;
	struct trib_names *ranked; /* the channels of --priority, in its order */
	/* the path being put together, and its division */
	size_t n, n_max;
	uint32_t *path;
	struct trib_model_touch *touches;
	uint64_t *weights;
	int64_t *parts;
};

/* A line of CSV, read once. */
static trib_status read_text(void *context, char *buffer, size_t size, size_t *ret_size,
			     struct trib_error *error)
{
	struct trib_bytes *rest = context;

	*ret_size = TRIB_MIN(size, rest->size);
	memcpy(buffer, rest->data, *ret_size);
	*rest = trib_bytes(rest->data + *ret_size, rest->size - *ret_size);
	return TRIB_OK;
}

static struct trib_bytes trim(struct trib_bytes text)
{
	while (text.size && text.data[0] == ' ')
		text = trib_bytes(text.data + 1, text.size - 1);
	while (text.size && text.data[text.size - 1] == ' ')
		text.size--;
	return text;
}

static trib_status rank(struct trib_tally *tally, const char *priority, struct trib_error *error)
{
	struct trib_bytes rest = trib_bytes_text(priority);
	struct trib_csv *csv = trib_csv_new(read_text, &rest);
	struct trib_csv_row row;
	trib_status status = trib_csv_next(csv, &row, error);

	for (size_t i = 0; status == TRIB_OK && i < row.count; i++)
		trib_names_add(tally->ranked, trim(row.fields[i]));
	trib_csv_free(csv);
	return status;
}

trib_status trib_tally_new(const struct trib_model_rule *rule, const struct trib_hash_key *key,
			   const char *priority, struct trib_tally **ret_tally,
			   struct trib_error *error)
{
	struct trib_tally *tally = trib_alloc_zeroed(1, sizeof(*tally));
	trib_status status;

	tally->rule = *rule;
	tally->channels = trib_names_new(key);
	tally->ranked = trib_names_new(key);
	tally->totals_max = 16;
	tally->totals = trib_alloc_zeroed(tally->totals_max, sizeof(*tally->totals));
	status = priority ? rank(tally, priority, error) : TRIB_OK;
	if (status != TRIB_OK) {
		trib_error_within(error, "--priority");
		trib_tally_free(tally);
		return status;
	}
	*ret_tally = tally;
	return TRIB_OK;
}

void trib_tally_free(struct trib_tally *tally)
{
	if (!tally)
		return;
	trib_names_free(tally->channels);
	trib_names_free(tally->ranked);
	free(tally->totals);
	free(tally->path);
	free(tally->touches);
	free(tally->weights);
	free(tally->parts);
	free(tally);
}

uint32_t trib_tally_channel(struct trib_tally *tally, struct trib_bytes name)
{
	uint32_t known = trib_names_count(tally->channels);
	uint32_t channel = trib_names_add(tally->channels, name);
	uint32_t place;

	if (channel <= known)
		return channel;
	if (channel == tally->totals_max) {
		tally->totals_max *= 2;
		tally->totals =
			trib_realloc(tally->totals, tally->totals_max * sizeof(*tally->totals));
	}
	place = trib_names_find(tally->ranked, name);
	/* The first of the list is the highest; who is not on it comes after all who are. */
	tally->totals[channel] = (struct total){ .priority = place ? -(int64_t)place : INT64_MIN };
	return channel;
}

void trib_tally_begin(struct trib_tally *tally)
{
	tally->n = 0;
}

void trib_tally_touch(struct trib_tally *tally, uint32_t channel, int64_t age)
{
	if (tally->n == tally->n_max) {
		tally->n_max = tally->n_max ? 2 * tally->n_max : 64;
		tally->path = trib_realloc(tally->path, tally->n_max * sizeof(*tally->path));
		tally->touches =
			trib_realloc(tally->touches, tally->n_max * sizeof(*tally->touches));
		tally->weights =
			trib_realloc(tally->weights, tally->n_max * sizeof(*tally->weights));
		tally->parts = trib_realloc(tally->parts, tally->n_max * sizeof(*tally->parts));
	}
	tally->path[tally->n] = channel;
	tally->touches[tally->n++] =
		(struct trib_model_touch){ .age = age,
					   .priority = tally->totals[channel].priority };
}

static trib_status add(struct total *total, u128 count, int64_t value, struct trib_error *error)
{
	u128 sum;

	total->credited |= count || value;
	if (__builtin_add_overflow(total->count, count, &sum) || sum >> 127 ||
	    __builtin_add_overflow(total->value, value, &total->value))
		return trib_fail(error, TRIB_LIMIT, "",
				 "found sums beyond 64 bits, expected smaller values");
	total->count = sum;
	return TRIB_OK;
}

/* count × weight / sum with 64 bits after the point. */
static u128 weigh(int64_t count, uint64_t weight, uint64_t sum)
{
	u128 product = (u128)(uint64_t)count * weight;

	return (product / sum << 64) + ((product % sum << 64) / sum);
}

trib_status trib_tally_credit(struct trib_tally *tally, int64_t count, int64_t value,
			      struct trib_error *error)
{
	size_t n = tally->n;
	u128 left = (u128)(uint64_t)count << 64;
	trib_status status = TRIB_OK;

	if (n == 0)
		return add(&tally->totals[0], left, value, error);
	uint64_t sum = trib_model_weights(&tally->rule, tally->touches, n, tally->weights);

	trib_model_divide_by(tally->weights, n, sum, value, tally->parts);
	for (size_t i = 0; i < n && status == TRIB_OK; i++) {
		u128 part = i + 1 < n ? weigh(count, tally->weights[i], sum) : left;

		left -= part;
		status = add(&tally->totals[tally->path[i]], part, tally->parts[i], error);
	}
	return status;
}

static void print_row(struct trib_buffer *text, struct trib_bytes name, const struct total *total)
{
	uint64_t whole = (uint64_t)(total->count >> 64), rest = (uint64_t)total->count;

	/* To the nearest millionth, half to even. */
	whole += rest > UINT64_C(1) << 63 || (rest == UINT64_C(1) << 63 && whole % 2);
	trib_csv_add(text, name);
	trib_buffer_add_format(
		text, ",%llu.%06llu,%lld.%02lld\n", (unsigned long long)(whole / MILLION),
		(unsigned long long)(whole % MILLION), (long long)(total->value / MINOR),
		(long long)(total->value % MINOR));
}

struct named {
	struct trib_bytes name;
	const struct total *total;
};

static int compare_names(const void *a, const void *b)
{
	return trib_bytes_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

void trib_tally_print(const struct trib_tally *tally, struct trib_buffer *text)
{
	uint32_t count = trib_names_count(tally->channels);
	struct named *rows = trib_alloc((count + 1) * sizeof(*rows));

	for (uint32_t i = 0; i < count; i++)
		rows[i] = (struct named){ trib_names_text(tally->channels, i + 1),
					  &tally->totals[i + 1] };
	qsort(rows, count, sizeof(*rows), compare_names);
	trib_buffer_add_text(text, "channel,conversions,value\n");
	for (uint32_t i = 0; i < count; i++)
		if (rows[i].total->credited)
			print_row(text, rows[i].name, rows[i].total);
	if (tally->totals[0].credited)
		print_row(text, trib_bytes_text("(none)"), &tally->totals[0]);
	free(rows);
}
