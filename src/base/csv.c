/* The reader of base/csv.h: finds the end of a row first, then cuts it in place. */
#include "base/csv.h"
#include "base/limits.h"

enum { READ_BYTES = 64 << 10 };

struct trib_csv {
	trib_csv_read_fn *read;
	void *context;
	char *data; /* [start, end) is not consumed yet */
	size_t start, end, capacity;
	uint64_t line;
	char delimiter; /* 0: before the first row */
	bool at_end;
	struct trib_bytes fields[TRIB_LIMIT_CSV_FIELDS];
};

struct trib_csv *trib_csv_new(trib_csv_read_fn *read, void *context)
{
	struct trib_csv *csv = trib_alloc_zeroed(1, sizeof(*csv));

	csv->read = read;
	csv->context = context;
	csv->line = 1;
	csv->capacity = 2 * READ_BYTES;
	csv->data = trib_alloc(csv->capacity);
	return csv;
}

void trib_csv_free(struct trib_csv *csv)
{
	if (!csv)
		return;
	free(csv->data);
	free(csv);
}

static trib_status fail_at_line(const struct trib_csv *csv, struct trib_error *error,
				trib_status status, const char *text)
{
	char at[32];

	snprintf(at, sizeof(at), "line %llu", (unsigned long long)csv->line);
	return trib_fail(error, status, at, "%s", text);
}

static trib_status refill(struct trib_csv *csv, struct trib_error *error)
{
	size_t size;

	if (csv->end - csv->start > TRIB_LIMIT_CSV_ROW_BYTES)
		return fail_at_line(csv, error, TRIB_TOO_LARGE,
				    "found a row of more than 1 MiB, expected a shorter one");
	memmove(csv->data, csv->data + csv->start, csv->end - csv->start);
	csv->end -= csv->start;
	csv->start = 0;
	if (csv->capacity - csv->end < READ_BYTES) {
		csv->capacity *= 2;
		csv->data = trib_realloc(csv->data, csv->capacity);
	}
	trib_status status =
		csv->read(csv->context, csv->data + csv->end, READ_BYTES, &size, error);

	if (status == TRIB_OK) {
		csv->end += size;
		csv->at_end = size == 0;
	}
	return status;
}

/* The size of the row that begins at start, its line end not counted. A last line may lack its end. */
static trib_status find_row_end(struct trib_csv *csv, size_t *ret_size, struct trib_error *error)
{
	bool quoted = false, field_begins = true;

	for (size_t i = 0;; i++) {
		while (csv->start + i == csv->end && !csv->at_end) {
			trib_status status = refill(csv, error);

			if (status != TRIB_OK)
				return status;
		}
		if (csv->start + i == csv->end) {
			*ret_size = i;
			return quoted ? fail_at_line(csv, error, TRIB_SYNTAX,
						     "found the end of the file inside quotes, "
						     "expected a closing quote")
				      : TRIB_OK;
		}
		char c = csv->data[csv->start + i];

		if (quoted) {
			quoted = c != '"'; /* a doubled quote closes and opens again */
			field_begins = !quoted;
		} else if (c == '\n') {
			*ret_size = i;
			return TRIB_OK;
		} else {
			quoted = c == '"' && field_begins;
			field_begins = c == csv->delimiter;
		}
	}
}

static void choose_delimiter(struct trib_csv *csv, struct trib_bytes first)
{
	static const char delimiters[] = { ',', ';', '\t' };
	size_t counts[TRIB_ARRAY_SIZE(delimiters)] = { 0 }, best = 0;
	bool quoted = false;

	for (size_t i = 0; i < first.size; i++) {
		quoted ^= first.data[i] == '"';
		for (size_t d = 0; d < TRIB_ARRAY_SIZE(delimiters) && !quoted; d++)
			counts[d] += first.data[i] == delimiters[d];
	}
	for (size_t d = 1; d < TRIB_ARRAY_SIZE(delimiters); d++)
		if (counts[d] > counts[best])
			best = d;
	csv->delimiter = delimiters[best];
}

/* Takes one field off the row, in place; false where something follows a closing quote. */
static bool cut_field(char delimiter, char **at, const char *end, struct trib_bytes *ret_field)
{
	char *from = *at, *to = *at;

	if (from == end || *from != '"') {
		while (from < end && *from != delimiter)
			from++;
		*ret_field = trib_bytes(to, (size_t)(from - to));
		*at = from;
		return true;
	}
	for (from++;; from++) {
		if (*from == '"' && (from + 1 == end || from[1] != '"'))
			break;
		from += *from == '"';
		*to++ = *from;
	}
	from++;
	*ret_field = trib_bytes(*at, (size_t)(to - *at));
	*at = from;
	return from == end || *from == delimiter;
}

static trib_status cut_row(struct trib_csv *csv, size_t size, size_t *ret_count,
			   struct trib_error *error)
{
	char *at = csv->data + csv->start;
	const char *end = at + size;

	for (size_t count = 0; count < TRIB_LIMIT_CSV_FIELDS;) {
		if (!cut_field(csv->delimiter, &at, end, &csv->fields[count++]))
			return fail_at_line(
				csv, error, TRIB_SYNTAX,
				"found text after a closing quote, expected a delimiter");
		if (at == end) {
			*ret_count = count;
			return TRIB_OK;
		}
		at++;
	}
	return fail_at_line(csv, error, TRIB_TOO_LARGE,
			    "found more than 1,024 fields, expected fewer");
}

static size_t lines_in(const char *data, size_t size)
{
	size_t lines = 0;

	for (const char *at = data, *end = data + size; (at = memchr(at, '\n', (size_t)(end - at)));
	     at++)
		lines++;
	return lines;
}

trib_status trib_csv_next(struct trib_csv *csv, struct trib_csv_row *ret_row,
			  struct trib_error *error)
{
	for (;;) {
		size_t size, count = 0, lines;
		trib_status status = find_row_end(csv, &size, error);

		if (status != TRIB_OK)
			return status;
		if (!csv->delimiter) {
			if (size >= 3 && memcmp(csv->data + csv->start, "\xef\xbb\xbf", 3) == 0) {
				csv->start += 3;
				size -= 3;
			}
			choose_delimiter(csv, trib_bytes(csv->data + csv->start, size));
			/* A quoted field may begin behind the delimiter that is known only now. */
			status = find_row_end(csv, &size, error);
			if (status != TRIB_OK)
				return status;
		}
		if (csv->start == csv->end) {
			*ret_row = (struct trib_csv_row){ .line = csv->line };
			return TRIB_OK;
		}
		char *row = csv->data + csv->start;
		size_t whole = size + (csv->start + size < csv->end);
		size_t text = size - (size && row[size - 1] == '\r');

		lines = lines_in(row, whole);
		status = text ? cut_row(csv, text, &count, error) : TRIB_OK;
		if (status != TRIB_OK)
			return status;
		*ret_row = (struct trib_csv_row){ .fields = csv->fields,
						  .count = count,
						  .line = csv->line };
		csv->start += whole;
		csv->line += lines;
		if (text)
			return TRIB_OK;
	}
}

void trib_csv_add(struct trib_buffer *buffer, struct trib_bytes field)
{
	bool quoted = false;

	for (size_t i = 0; i < field.size; i++)
		quoted |= strchr(",\"\r\n", field.data[i]) != NULL;
	if (!quoted) {
		trib_buffer_add_bytes(buffer, field);
		return;
	}
	trib_buffer_add_char(buffer, '"');
	for (size_t i = 0; i < field.size; i++) {
		if (field.data[i] == '"')
			trib_buffer_add_char(buffer, '"');
		trib_buffer_add_char(buffer, field.data[i]);
	}
	trib_buffer_add_char(buffer, '"');
}
