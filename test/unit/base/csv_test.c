#include "test.h"

#include "base/csv.h"
#include "base/limits.h"

/* A file in memory that is read a few bytes at a time. */
struct file {
	struct trib_bytes rest;
	size_t step;
};

static trib_status read_file(void *context, char *buffer, size_t size, size_t *ret_size,
			     struct trib_error *error)
{
	struct file *file = context;
	size_t n = TRIB_MIN(TRIB_MIN(file->step, size), file->rest.size);

	memcpy(buffer, file->rest.data, n);
	file->rest = trib_bytes(file->rest.data + n, file->rest.size - n);
	*ret_size = n;
	return TRIB_OK;
}

/* Rows as `line:[field|field]`, or the failure. */
static void read_all(struct trib_bytes text, size_t step, struct trib_buffer *out)
{
	struct file file = { text, step };
	struct trib_csv *csv = trib_csv_new(read_file, &file);
	struct trib_csv_row row;
	struct trib_error error;
	trib_status status;

	while ((status = trib_csv_next(csv, &row, &error)) == TRIB_OK && row.count) {
		trib_buffer_add_format(out, "%llu:[", (unsigned long long)row.line);
		for (size_t i = 0; i < row.count; i++) {
			trib_buffer_add_text(out, i ? "|" : "");
			trib_buffer_add_bytes(out, row.fields[i]);
		}
		trib_buffer_add_text(out, "]");
	}
	if (status != TRIB_OK)
		trib_buffer_add_format(out, "%s %s", error.at, trib_status_word(status));
	trib_csv_free(csv);
}

static void rows_are_cut_as_rfc_4180_says(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		/* clang-format off */
		{ "", "" },
		{ "\n\r\n\n", "" },
		{ "a", "1:[a]" },
		{ "a,b\n1,2\n", "1:[a|b]2:[1|2]" },
		{ "a,b\r\n1,2\r\n", "1:[a|b]2:[1|2]" },
		{ "a,b\n\n1,\n,\n", "1:[a|b]3:[1|]4:[|]" },
		{ "\xef\xbb\xbf" "a,b\n", "1:[a|b]" },
		{ "a;b,c;d\n1;2\n", "1:[a|b,c|d]2:[1|2]" },
		{ "a\tb\n1,5\t2\n", "1:[a|b]2:[1,5|2]" },
		{ "\"a\",\"b\"\n\"1\",\"\"\n", "1:[a|b]2:[1|]" },
		{ "a,b\n\"x,\"\"y\"\"\",z\n", "1:[a|b]2:[x,\"y\"|z]" },
		{ "a,b\n\"two\nlines\",z\nnext,row\n", "1:[a|b]2:[two\nlines|z]4:[next|row]" },
		{ "a;\"b;b\nb,,,,\";c\n1;2;3", "1:[a|b;b\nb,,,,|c]3:[1|2|3]" },
		{ "a,b\nx\"y,z\n", "1:[a|b]2:[x\"y|z]" },
		{ "a,b\n\"x\"y,z\n", "1:[a|b]line 2 syntax" },
		{ "a,b\n1,2\n\"x,z\n\n", "1:[a|b]2:[1|2]line 3 syntax" },
		{ "a,\"\"\"\"\n", "1:[a|\"]" },
		/* clang-format on */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++)
		for (size_t step = 1; step < 20; step += 6) {
			struct trib_buffer found;

			trib_buffer_init(&found, 4096);
			read_all(trib_bytes_text(rows[i].text), step, &found);
			if (strcmp(trib_buffer_text(&found), rows[i].found))
				fail_msg("row %zu: found %s, expected %s", i,
					 trib_buffer_text(&found), rows[i].found);
			trib_buffer_fini(&found);
		}
}

static void rows_are_bounded(void **state)
{
	size_t size = 3 * TRIB_LIMIT_CSV_ROW_BYTES;
	char *text = trib_alloc(size);
	struct trib_buffer found;

	trib_buffer_init(&found, 1 << 24);
	memset(text, 'x', size);
	memcpy(text, "a,b\n", 4);
	read_all(trib_bytes(text, size), 100000, &found);
	assert_string_equal(trib_buffer_text(&found), "1:[a|b]line 2 too_large");
	trib_buffer_reset(&found);
	memset(text, ',', size);
	read_all(trib_bytes(text, TRIB_LIMIT_CSV_FIELDS), 100000, &found);
	assert_string_equal(trib_buffer_text(&found), "line 1 too_large");
	trib_buffer_fini(&found);
	free(text);
}

/* What is written is read back, whatever the bytes. */
static void fields_are_quoted_where_they_need_it(void **state)
{
	static const char bytes[] = "ab,;\t\"\r\n \xe5";
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	for (int round = 0; round < 20000; round++) {
		struct trib_buffer line;
		struct trib_csv_row row;
		struct trib_error error;
		char field[8];
		size_t size = trib_rng_below(&rng, sizeof(field));

		for (size_t i = 0; i < size; i++)
			field[i] = bytes[trib_rng_below(&rng, sizeof(bytes) - 1)];
		trib_buffer_init(&line, 4096);
		trib_buffer_add_text(&line, "x,,,,,,,,,,,,");
		trib_csv_add(&line, trib_bytes(field, size));
		trib_buffer_add_text(&line, ",y\n");

		struct file file = { trib_buffer_bytes(&line), 1 + trib_rng_below(&rng, 9) };
		struct trib_csv *csv = trib_csv_new(read_file, &file);

		assert_ok(trib_csv_next(csv, &row, &error), error);
		assert_int_equal(row.count, 14);
		assert_true(trib_bytes_equal(row.fields[12], trib_bytes(field, size)));
		trib_csv_free(csv);
		trib_buffer_fini(&line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_cut_as_rfc_4180_says),
		cmocka_unit_test(rows_are_bounded),
		cmocka_unit_test(fields_are_quoted_where_they_need_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
