/* `tributary select`: a selection over a table's folder, offline. */
#include <inttypes.h>
#include <jansson.h>
#include <unistd.h>
#include "base/clock.h"
#include "cli/cli.h"
#include "select/select.h"

static const char help[] =
	"Selects rows of a table by a CEL expression over its fields, and prints how many there "
	"are and the first of them.\n\n"
	"  --table DIR       the folder of the table (`tributary gen goods` makes one)\n"
	"  --order-by CEL    the highest value first; without it by row\n"
	"  --ascending       the lowest first\n"
	"  --limit N         rows to print (20); 0: only count\n"
	"  --fields a,b,…    what of each to print (all)\n"
	"  --facets a,b,…    fields of words or flags whose values are counted over all that is "
	"selected\n"
	"  --threads N       (as many as there are cores, up to 16)\n"
	"  --explain         the plan, and what each step was given, has left and took\n"
	"  --json            an object a row, then {\"count\": …, \"facets\": …}\n\n"
	"  tributary select --table goods 'category.startsWith(\"women/dresses\") && price < 9900' "
	"--order-by sold_30d\n\n"
	"docs/select.md tells what a filter can say.\n";

enum { EXPLAIN_BYTES = 1 << 20, VALUE_BYTES = 1 << 20 };

struct options {
	const char *folder, *fields, *facets;
	uint32_t facet_fields[TRIB_LIMIT_SELECT_FACETS];
	struct trib_select_request request;
	uint32_t threads;
	bool explain, json;
};

static int read_number(const char *name, const char *text, int64_t least, int64_t most,
		       uint32_t *ret_number)
{
	int64_t number;

	if (!trib_bytes_to_i64(trib_bytes_text(text), &number) || number < least || number > most)
		return trib_cli_usage_error("select",
					    "%s: found \"%s\", expected %" PRId64 " to %" PRId64,
					    name, text, least, most);
	*ret_number = (uint32_t)number;
	return TRIB_EXIT_DONE;
}

static bool read_flag(const char *text, struct options *options)
{
	if (!strcmp(text, "--explain"))
		options->explain = true;
	else if (!strcmp(text, "--json"))
		options->json = true;
	else if (!strcmp(text, "--ascending"))
		options->request.ascending = true;
	else
		return false;
	return true;
}

static int read_option(const char *name, const char *text, struct options *options)
{
	if (!strcmp(name, "--limit"))
		return read_number(name, text, 0, TRIB_LIMIT_SELECT_ROWS, &options->request.limit);
	if (!strcmp(name, "--threads"))
		return read_number(name, text, 1, 64, &options->threads);
	if (!strcmp(name, "--table"))
		options->folder = text;
	else if (!strcmp(name, "--fields"))
		options->fields = text;
	else if (!strcmp(name, "--facets"))
		options->facets = text;
	else if (!strcmp(name, "--order-by"))
		options->request.order_by = trib_bytes_text(text);
	else
		return trib_cli_usage_error("select", "found \"%s\", expected an option", name);
	return TRIB_EXIT_DONE;
}

static int read_options(int argc, char **argv, struct options *options)
{
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] != '-' || argv[i][1] != '-') {
			if (options->request.filter.size)
				return trib_cli_usage_error(
					"select", "found a second filter, \"%s\"", argv[i]);
			options->request.filter = trib_bytes_text(argv[i]);
		} else if (!read_flag(argv[i], options)) {
			if (i + 1 == argc)
				return trib_cli_usage_error("select", "found nothing after \"%s\"",
							    argv[i]);
			int code = read_option(argv[i], argv[i + 1], options);

			if (code != TRIB_EXIT_DONE)
				return code;
			i++;
		}
	}
	if (!options->folder)
		return trib_cli_usage_error("select",
					    "found no --table, expected the folder of one");
	return TRIB_EXIT_DONE;
}

/* ---- Printing ----------------------------------------------------------------------------- */

static bool is_wanted(const char *name, const char *wanted)
{
	size_t size = strlen(name);

	for (const char *at = wanted; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
		if (!strncmp(at, name, size) && (at[size] == ',' || !at[size]))
			return true;
	return !wanted;
}

/* The fields of "a,b"; at most `max` are written, and how many there are is returned in *ret_count. */
static trib_status read_fields(const struct trib_table *table, const char *option,
			       const char *wanted, uint32_t *ret_fields, uint32_t max,
			       uint32_t *ret_count, struct trib_error *error)
{
	*ret_count = 0;
	for (const char *at = wanted; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		struct trib_bytes name = trib_bytes(at, strcspn(at, ","));
		uint32_t field;

		if (!trib_table_field(table, name, &field))
			return trib_fail(error, TRIB_INVALID, option,
					 "found \"%.*s\", expected a field of the table",
					 (int)name.size, name.data);
		if (*ret_count < max)
			ret_fields[*ret_count] = field;
		++*ret_count;
	}
	return TRIB_OK;
}

static json_t *json_of(const struct trib_value *value)
{
	switch ((enum trib_value_kind)value->kind) {
	case TRIB_VALUE_BOOL:
		return json_boolean(value->boolean);
	case TRIB_VALUE_INT:
		return json_integer(value->integer);
	case TRIB_VALUE_DOUBLE:
		return json_real(value->number);
	case TRIB_VALUE_STRING:
		return json_stringn(value->text, value->size);
	case TRIB_VALUE_TIMESTAMP:
		return json_integer(value->integer * 1000 + value->nanos / 1000000);
	case TRIB_VALUE_LIST: {
		json_t *list = json_array();

		for (uint32_t i = 0; i < value->list->count; i++)
			json_array_append_new(list, json_of(&value->list->items[i]));
		return list;
	}
	default:
		return json_null();
	}
}

static void print_text(const char *name, const struct trib_value *value, struct trib_buffer *buffer)
{
	trib_buffer_add_format(buffer, "  %s=", name);
	if (value->kind == TRIB_VALUE_STRING)
		trib_buffer_add_bytes(buffer, trib_value_text(value));
	else if (value->kind == TRIB_VALUE_DOUBLE)
		trib_buffer_add_format(buffer, "%.10g", value->number);
	else
		trib_value_print(value, buffer);
}

static trib_status print_row(const struct trib_table *table, const struct options *options,
			     const struct trib_selected_row *row, struct trib_arena *arena,
			     struct trib_buffer *buffer, struct trib_error *error)
{
	uint32_t count;
	const struct trib_field *fields = trib_table_fields(table, &count);
	json_t *object = json_object();
	trib_status status = TRIB_OK;

	json_object_set_new(object, "row", json_integer(row->row));
	trib_buffer_add_format(buffer, "row %u", row->row);
	for (uint32_t i = 0; status == TRIB_OK && i < count; i++) {
		struct trib_value value;

		if (!is_wanted(fields[i].name, options->fields))
			continue;
		status = trib_select_value(table, row->row, i, arena, &value, error);
		if (status != TRIB_OK)
			break;
		if (options->json)
			json_object_set_new(object, fields[i].name, json_of(&value));
		else
			print_text(fields[i].name, &value, buffer);
	}
	if (status == TRIB_OK && options->json) {
		char *text = json_dumps(object, JSON_COMPACT);

		puts(text);
		free(text);
	} else if (status == TRIB_OK) {
		puts(trib_buffer_text(buffer));
	}
	json_decref(object);
	trib_buffer_reset(buffer);
	trib_arena_reset(arena);
	return status;
}

static struct trib_bytes facet_text(const struct trib_table *table, uint32_t field, uint32_t code)
{
	const struct trib_dictionary *words = trib_table_words(table, field);

	return words ? trib_dictionary_text(words, code) : trib_bytes_text(code ? "true" : "false");
}

static void print_facets(const struct trib_table *table, const struct trib_selected *selected)
{
	uint32_t count;
	const struct trib_field *fields = trib_table_fields(table, &count);

	for (uint32_t i = 0; i < selected->facet_count; i++) {
		const struct trib_facet *facet = &selected->facets[i];

		printf("%s: %" PRIu64 " values\n", fields[facet->field].name, facet->distinct);
		for (uint32_t v = 0; v < facet->value_count; v++) {
			struct trib_bytes text =
				facet_text(table, facet->field, facet->values[v].code);

			printf("%12" PRIu64 "  %.*s\n", facet->values[v].count, (int)text.size,
			       text.data);
		}
	}
}

static void print_end_as_json(const struct trib_table *table, const struct trib_selected *selected)
{
	json_t *facets = json_object(),
	       *end = json_pack("{s:I}", "count", (json_int_t)selected->count);
	uint32_t count;
	const struct trib_field *fields = trib_table_fields(table, &count);

	for (uint32_t i = 0; i < selected->facet_count; i++) {
		const struct trib_facet *facet = &selected->facets[i];
		json_t *values = json_array();

		for (uint32_t v = 0; v < facet->value_count; v++) {
			struct trib_bytes text =
				facet_text(table, facet->field, facet->values[v].code);

			json_array_append_new(
				values, json_pack("{s:s%, s:I}", "value", text.data, text.size,
						  "count", (json_int_t)facet->values[v].count));
		}
		json_object_set_new(facets, fields[facet->field].name,
				    json_pack("{s:I, s:o}", "distinct", (json_int_t)facet->distinct,
					      "values", values));
	}
	if (selected->facet_count)
		json_object_set(end, "facets", facets);
	json_decref(facets);
	char *text = json_dumps(end, JSON_COMPACT);

	puts(text);
	free(text);
	json_decref(end);
}

static trib_status print(const struct trib_table *table, const struct options *options,
			 const struct trib_selection *selection,
			 const struct trib_selected *selected, struct trib_error *error)
{
	trib_status status = TRIB_OK;
	struct trib_buffer buffer;
	struct trib_arena arena;

	trib_buffer_init(&buffer, EXPLAIN_BYTES);
	trib_arena_init(&arena, VALUE_BYTES);
	for (uint32_t i = 0; status == TRIB_OK && i < selected->row_count; i++)
		status = print_row(table, options, &selected->rows[i], &arena, &buffer, error);
	if (status == TRIB_OK && options->json) {
		print_end_as_json(table, selected);
	} else if (status == TRIB_OK) {
		print_facets(table, selected);
		printf("%" PRIu64 " rows\n", selected->count);
	}
	if (status == TRIB_OK && options->explain) {
		trib_selection_explain(selection, &buffer);
		fputs(trib_buffer_text(&buffer), stderr);
	}
	trib_arena_fini(&arena);
	trib_buffer_fini(&buffer);
	return status;
}

static trib_status select_from(const struct trib_table *table, struct options *options,
			       struct trib_error *error)
{
	struct trib_select_request *request = &options->request;
	struct trib_selection *selection;
	struct trib_selected selected;
	uint32_t shown;
	trib_status status =
		read_fields(table, "--fields", options->fields, NULL, 0, &shown, error);

	request->facets = options->facet_fields;
	if (status == TRIB_OK)
		status = read_fields(table, "--facets", options->facets, options->facet_fields,
				     TRIB_LIMIT_SELECT_FACETS, &request->facet_count, error);
	if (status == TRIB_OK)
		status = trib_selection_new(table, request, &selection, error);
	if (status != TRIB_OK)
		return status;
	status = trib_selection_run(selection, options->threads, &selected, error);
	if (status == TRIB_OK) {
		status = print(table, options, selection, &selected, error);
		trib_selected_fini(&selected);
	}
	trib_selection_free(selection);
	return status;
}

int trib_cli_select(int argc, char **argv)
{
	struct options options = { .request.limit = 20,
				   .request.now_ms = trib_clock_wall_ms(trib_clock_system()),
				   .threads = (uint32_t)TRIB_MIN(
					   TRIB_MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L), 16L) };
	struct trib_table *table;
	struct trib_error error;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return trib_cli_help("select --table DIR [FILTER] [OPTION …]", help);
	int code = read_options(argc, argv, &options);

	if (code != TRIB_EXIT_DONE)
		return code;
	if (trib_table_open(options.folder, &table, &error) != TRIB_OK)
		return trib_cli_failed("select", &error);
	trib_status status = select_from(table, &options, &error);

	trib_table_close(table);
	return status == TRIB_OK ? TRIB_EXIT_DONE : trib_cli_failed("select", &error);
}
