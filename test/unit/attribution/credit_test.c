#include "test.h"

#include "attribution/attribution.h"

static trib_status read_text(void *context, char *buffer, size_t size, size_t *ret_size,
			     struct trib_error *error)
{
	struct trib_bytes *rest = context;

	*ret_size = TRIB_MIN(size, rest->size);
	memcpy(buffer, rest->data, *ret_size);
	*rest = trib_bytes(rest->data + *ret_size, rest->size - *ret_size);
	return TRIB_OK;
}

#define HEADER "user,time,channel,kind,value\n"
#define TABLE  "channel,conversions,value\n"

static void logs_are_credited_as_the_table_says(void **state)
{
	static const struct {
		const char *model, *window, *text, *found;
	} rows[] = {
		/* clang-format off */
		{ "last", "30d", HEADER, TABLE },
		{ "last", "30d", HEADER "u,1,a,touch,\n", TABLE },
		{ "last", "30d", HEADER "u,1,,conversion,2\n", TABLE "(none),1.000000,2.00\n" },
		/* strictly before the conversion; the window's beginning counts */
		{ "last", "9s", HEADER "u,10,a,touch,\nu,10,,conversion,2\n", TABLE "(none),1.000000,2.00\n" },
		{ "last", "9s", HEADER "u,1,a,touch,\nu,10,,conversion,2\n", TABLE "a,1.000000,2.00\n" },
		{ "last", "9s", HEADER "u,0.999999,a,touch,\nu,10,,conversion,2\n", TABLE "(none),1.000000,2.00\n" },
		/* equal times by the order of the file; rows in any order */
		{ "last", "30d", HEADER "u,9,,conversion,2\nu,5,b,touch,\nu,5,a,touch,\nu,1,c,touch,\n", TABLE "a,1.000000,2.00\n" },
		{ "first", "30d", HEADER "u,9,,conversion,2\nu,5,b,touch,\nu,5,a,touch,\n", TABLE "b,1.000000,2.00\n" },
		/* not used up by an earlier conversion */
		{ "linear", "30d", HEADER "u,1,a,touch,\nu,2,,conversion,1\nu,3,b,touch,\nu,4,,conversion,0.01\n",
		  TABLE "a,1.500000,1.00\nb,0.500000,0.01\n" },
		/* the listed first, the latest of equals; others kinds are passed over, whatever is in them */
		{ "priority", "30d", HEADER "u,1,x,touch,\nu,2,y,touch,\nu,3,y,touch,\nu,4,z,touch,\nu,5,,conversion,1\nq,w,e,r,t\n",
		  TABLE "y,1.000000,1.00\n" },
		{ "position", "30d", HEADER "u,1,a,touch,\nu,2,b,touch,\nu,3,c,touch,\nu,4,d,touch,\nu,5,,conversion,0.99\n",
		  TABLE "a,0.400000,0.39\nb,0.100000,0.09\nc,0.100000,0.09\nd,0.400000,0.42\n" },
		{ "decay", "30d", HEADER "u,0,a,touch,\nu,604800,b,touch,\nu,1209600,,conversion,3\n",
		  TABLE "a,0.333333,1.00\nb,0.666667,2.00\n" },
		/* bytes, not letters, order the channels; a name is quoted where it must be */
		{ "linear", "30d", HEADER "u,1,b,touch,\nu,1,B,touch,\nu,1,\"a,\"\"b\",touch,\nu,1,\xc3\xa4,touch,\nu,2,,conversion,0\n",
		  TABLE "B,0.250000,0.00\n\"a,\"\"b\",0.250000,0.00\nb,0.250000,0.00\n\xc3\xa4,0.250000,0.00\n" },
		/* a value is rounded once per row, half to even */
		{ "last", "30d", HEADER "u,1,,conversion,0.005\nu,2,,conversion,0.015\nu,3,,conversion,0.025\n", TABLE "(none),3.000000,0.04\n" },
		{ "last", "30d", "user;time;channel;kind\nu;1;a;touch\nu;2;;conversion\n", TABLE "a,1.000000,0.00\n" },
		/* paths */
		{ "linear", NULL, "path;total_conversions;total_conversion_value;total_null\na > b > a;2;1;5\n;1;0.5;0\nc;0;0;9\n",
		  TABLE "a,1.333333,0.67\nb,0.666667,0.33\n(none),1.000000,0.50\n" },
		{ "position", NULL, "path;total_conversions\na > b;1.5\n", TABLE "a,0.750000,0.00\nb,0.750000,0.00\n" },
		/* clang-format on */
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_credit_options options = TRIB_CREDIT_DEFAULTS;
		struct trib_bytes rest = trib_bytes_text(rows[i].text);
		struct trib_csv *csv = trib_csv_new(read_text, &rest);
		struct trib_buffer text;
		struct trib_error error;

		options.priority = "\"y\", x";
		options.window_stated = rows[i].window != NULL;
		if (rows[i].window)
			assert_ok(trib_duration_parse(trib_bytes_text(rows[i].window), "",
						      &options.window_ms, &error),
				  error);
		assert_true(
			trib_model_of_word(trib_bytes_text(rows[i].model), &options.rule.model));
		trib_buffer_init(&text, 1 << 20);
		assert_ok(trib_credit(&options, csv, &text, &error), error);
		if (strcmp(trib_buffer_text(&text), rows[i].found))
			fail_msg("row %zu: found\n%sexpected\n%s", i, trib_buffer_text(&text),
				 rows[i].found);
		trib_buffer_fini(&text);
		trib_csv_free(csv);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(logs_are_credited_as_the_table_says) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
