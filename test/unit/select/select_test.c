#include "test.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>
#include "expr/expr.h"
#include "select/select.h"

/*
 * A small table of every kind of column, and beside it a stupid twin: the evaluator on every row of the values that the
 * table was made of.
 */
static const struct trib_field fields[] = {
	{ "price", TRIB_FIELD_INT },	{ "rating", TRIB_FIELD_DECIMAL, 2 }, { "listed_at", TRIB_FIELD_TIME },
	{ "promoted", TRIB_FIELD_BOOL }, { "category", TRIB_FIELD_CODE },    { "brand", TRIB_FIELD_CODE },
	{ "tags", TRIB_FIELD_CODES },	{ "title", TRIB_FIELD_TEXT },
};
enum { PRICE, RATING, LISTED, PROMOTED, CATEGORY, BRAND, TAGS, TITLE, FIELDS, CATEGORIES = 60, BRANDS = 300, TAG_COUNT = 12 };
enum { SEGMENT_ROWS = TRIB_CHUNK_ROWS + 700, FIRST_ROWS = SEGMENT_ROWS, SECOND_ROWS = 900, ROWS = FIRST_ROWS + SECOND_ROWS };

struct world {
	char folder[64];
	int64_t numbers[TAGS][ROWS];
	uint32_t tag_ends[ROWS], tags[ROWS * TAG_COUNT];
	char titles[ROWS][24];
	char words[3][BRANDS][24];
	struct trib_table *table;
	struct trib_expr_variable variables[FIELDS];
};

static struct world *world;

static void make_words(void)
{
	static const char *const tops[] = { "women", "men", "beauty" };
	static const uint32_t counts[] = { CATEGORIES, BRANDS, TAG_COUNT };
	static const char *const names[] = { "category", "brand", "tags" };
	struct trib_bytes texts[BRANDS];
	struct trib_error error;
	char path[128];

	for (uint32_t list = 0; list < 3; list++) {
		for (uint32_t i = 0; i < counts[list]; i++) {
			char *text = world->words[list][i];

			if (list == 0)
				snprintf(text, 24, "%s/%u/%c", tops[i % 3], i / 12, 'a' + (int)(i % 12));
			else
				snprintf(text, 24, "%s-%u", list == 1 ? "品牌" : "t", (i * 7919) % 1000);
			texts[i] = trib_bytes_text(text);
		}
		trib_table_words_path(world->folder, names[list], path, sizeof(path));
		assert_ok(trib_dictionary_write(path, texts, counts[list], &error), error);
	}
}

static void make_rows(struct trib_rng *rng)
{
	uint32_t end = 0;

	for (uint32_t row = 0; row < ROWS; row++) {
		world->numbers[PRICE][row] = trib_rng_between(rng, 0, 500) * 10 - 100;
		world->numbers[RATING][row] = trib_rng_between(rng, 300, 500);
		world->numbers[LISTED][row] = 1760000000000 + row * 60000ll;
		world->numbers[PROMOTED][row] = trib_rng_chance(rng, 0.3);
		world->numbers[CATEGORY][row] = trib_rng_between(rng, 0, CATEGORIES);
		world->numbers[BRAND][row] = trib_rng_between(rng, 0, BRANDS);
		for (uint32_t tag = 1; tag <= TAG_COUNT; tag++)
			if (trib_rng_chance(rng, tag == 1 ? 0.7 : 0.1))
				world->tags[end++] = tag;
		world->tag_ends[row] = end;
		snprintf(world->titles[row], sizeof(world->titles[row]), "%s %u", row % 3 ? "连衣裙" : "sun cream", row % 1000);
	}
}

static void write_segment(uint32_t number, uint32_t first, uint32_t count, struct trib_segment_info *ret_info)
{
	static struct trib_bytes texts[TRIB_CHUNK_ROWS];
	static uint32_t ends[TRIB_CHUNK_ROWS];
	struct trib_segment_writer *writer;
	struct trib_error error;
	char path[128];

	trib_table_segment_path(world->folder, number, path, sizeof(path));
	assert_ok(trib_segment_create(path, fields, FIELDS, &writer, &error), error);
	for (uint32_t done = 0, some; done < count; done += some) {
		struct trib_column_values columns[FIELDS] = { { 0 } };
		uint32_t row = first + done, begin = row ? world->tag_ends[row - 1] : 0;

		some = TRIB_MIN(count - done, (uint32_t)TRIB_CHUNK_ROWS);
		for (uint32_t i = 0; i < some; i++) {
			ends[i] = world->tag_ends[row + i] - begin;
			texts[i] = trib_bytes_text(world->titles[row + i]);
		}
		for (uint32_t f = 0; f < TAGS; f++)
			columns[f].numbers = world->numbers[f] + row;
		columns[TAGS] = (struct trib_column_values){ .ends = ends, .codes = world->tags + begin };
		columns[TITLE].texts = texts;
		assert_ok(trib_segment_append(writer, columns, some, &error), error);
	}
	assert_ok(trib_segment_finish(writer, ret_info, &error), error);
}

static int make(void **state)
{
	static const struct trib_type *const types[] = { [TRIB_FIELD_INT] = &trib_type_int,	  [TRIB_FIELD_DECIMAL] = &trib_type_double,
							 [TRIB_FIELD_TIME] = &trib_type_timestamp, [TRIB_FIELD_BOOL] = &trib_type_bool,
							 [TRIB_FIELD_CODE] = &trib_type_string,	  [TRIB_FIELD_CODES] = &trib_type_list_string,
							 [TRIB_FIELD_TEXT] = &trib_type_string };
	struct trib_segment_info infos[2];
	struct trib_error error;
	struct trib_rng rng;

	world = trib_alloc_zeroed(1, sizeof(*world));
	snprintf(world->folder, sizeof(world->folder), "/tmp/tributary-select-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	trib_rng_seed(&rng, 1);
	make_words();
	make_rows(&rng);
	write_segment(0, 0, FIRST_ROWS, &infos[0]);
	write_segment(1, FIRST_ROWS, SECOND_ROWS, &infos[1]);
	assert_ok(trib_table_write_manifest(world->folder, "goods", infos, 2, &error), error);
	assert_ok(trib_table_open(world->folder, &world->table, &error), error);
	for (uint32_t f = 0; f < FIELDS; f++)
		world->variables[f] = (struct trib_expr_variable){ fields[f].name, types[fields[f].kind] };
	return 0;
}

static int clean(void **state)
{
	static const char *const files[] = { "0.seg", "1.seg", "category.words", "brand.words", "tags.words", "table.json" };
	char path[128];

	trib_table_close(world->table);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", world->folder, files[i]);
		unlink(path);
	}
	rmdir(world->folder);
	free(world);
	return 0;
}

/* ---- The twin ----------------------------------------------------------------------------- */

/* The number of a row in the table: the first segment ends in a chunk that is not full. */
static uint32_t number_of(uint32_t i)
{
	return i < FIRST_ROWS ? i : 2 * TRIB_CHUNK_ROWS + i - FIRST_ROWS;
}

static struct trib_value word(uint32_t list, int64_t code)
{
	return trib_value_string(trib_bytes_text(code ? world->words[list][code - 1] : ""));
}

static bool get(void *context, uint32_t index, struct trib_arena *arena, struct trib_value *ret_value)
{
	uint32_t row = *(const uint32_t *)context, begin = row ? world->tag_ends[row - 1] : 0, count = world->tag_ends[row] - begin;

	switch (index) {
	case PRICE:
		*ret_value = trib_value_int(world->numbers[PRICE][row]);
		return true;
	case RATING:
		*ret_value = trib_value_double((double)world->numbers[RATING][row] / 100);
		return true;
	case LISTED:
		*ret_value = trib_value_timestamp_ms(world->numbers[LISTED][row]);
		return true;
	case PROMOTED:
		*ret_value = trib_value_bool(world->numbers[PROMOTED][row]);
		return true;
	case CATEGORY:
	case BRAND:
		*ret_value = word(index - CATEGORY, world->numbers[index][row]);
		return true;
	case TITLE:
		*ret_value = trib_value_string(trib_bytes_text(world->titles[row]));
		return true;
	default: {
		struct trib_value *items = trib_arena_alloc(arena, count * sizeof(*items));

		for (uint32_t i = 0; i < count; i++)
			items[i] = word(2, world->tags[begin + i]);
		return trib_value_list(arena, items, count, ret_value) == TRIB_OK;
	}
	}
}

static struct trib_expr_program *compile(const char *source)
{
	struct trib_expr_env env = { .variables = world->variables, .variable_count = FIELDS, .flags = TRIB_EXPR_FACTS };
	struct trib_expr_program *program;
	struct trib_expr_error why;

	if (trib_expr_compile(&env, trib_bytes_text(source), &program, &why) != TRIB_OK)
		fail_msg("%s: %s", source, why.text);
	return program;
}

static bool evaluate(const struct trib_expr_program *program, uint32_t row, struct trib_arena *arena, struct trib_value *ret_value)
{
	return trib_expr_eval(program, &(struct trib_expr_facts){ get, &row, NULL, 0 }, arena, ret_value, NULL) == TRIB_OK;
}

static int compare(const void *a, const void *b)
{
	const struct trib_selected_row *x = a, *y = b;

	if (isnan(x->key) != isnan(y->key))
		return isnan(x->key) ? 1 : -1;
	if (x->key != y->key && !isnan(x->key))
		return x->key > y->key ? -1 : 1;
	return (x->row > y->row) - (x->row < y->row);
}

/* The same rows in the same order, and as many. */
static void compare_with_twin(const char *filter, const char *order_by, bool ascending, uint32_t limit, uint32_t threads)
{
	static struct trib_selected_row rows[ROWS];
	static const uint32_t facets[] = { CATEGORY, TAGS, PROMOTED };
	struct trib_select_request request = { .filter = trib_bytes_text(filter),
					       .order_by = trib_bytes_text(order_by),
					       .ascending = ascending,
					       .limit = limit,
					       .facets = facets,
					       .facet_count = TRIB_ARRAY_SIZE(facets) };
	uint64_t counts[3][CATEGORIES + 1] = { { 0 } };
	struct trib_expr_program *program = compile(filter), *order = *order_by ? compile(order_by) : NULL;
	struct trib_selection *selection;
	struct trib_selected selected;
	struct trib_arena arena;
	struct trib_error error;
	uint32_t count = 0;

	trib_arena_init(&arena, 1 << 20);
	for (uint32_t row = 0; row < ROWS; row++) {
		struct trib_value value;

		trib_arena_reset(&arena);
		if (!evaluate(program, row, &arena, &value) || !value.boolean)
			continue;
		double key = 0;

		counts[0][world->numbers[CATEGORY][row]]++;
		for (uint32_t i = row ? world->tag_ends[row - 1] : 0; i < world->tag_ends[row]; i++)
			counts[1][world->tags[i]]++;
		counts[2][world->numbers[PROMOTED][row]]++;
		if (order)
			key = !evaluate(order, row, &arena, &value)	 ? NAN :
			      value.kind == TRIB_VALUE_DOUBLE	 ? value.number :
			      value.kind == TRIB_VALUE_TIMESTAMP ? (double)value.integer * 1000 + value.nanos / 1000000 :
								   (double)value.integer;
		rows[count++] = (struct trib_selected_row){ number_of(row), ascending ? -key : key };
	}
	qsort(rows, count, sizeof(*rows), compare);
	assert_ok(trib_selection_new(world->table, &request, &selection, &error), error);
	assert_ok(trib_selection_run(selection, threads, &selected, &error), error);
	if (selected.count != count)
		fail_msg("%s: %llu rows, expected %u", filter, (unsigned long long)selected.count, count);
	assert_int_equal(selected.row_count, TRIB_MIN(count, limit));
	for (uint32_t i = 0; i < selected.row_count; i++)
		if (selected.rows[i].row != rows[i].row)
			fail_msg("%s order by %s: row %u at place %u, expected %u", filter, order_by, selected.rows[i].row, i, rows[i].row);
	for (uint32_t f = 0; f < selected.facet_count; f++) {
		const struct trib_facet *facet = &selected.facets[f];
		uint64_t distinct = 0;

		for (uint32_t code = 0; code <= CATEGORIES; code++)
			distinct += counts[f][code] > 0;
		assert_int_equal(facet->distinct, distinct);
		assert_int_equal(facet->value_count, distinct);
		for (uint32_t i = 0; i < facet->value_count; i++) {
			assert_int_equal(facet->values[i].count, counts[f][facet->values[i].code]);
			assert_true(!i || facet->values[i].count <= facet->values[i - 1].count);
		}
	}
	trib_selected_fini(&selected);
	trib_selection_free(selection);
	trib_expr_free(program);
	trib_expr_free(order);
	trib_arena_fini(&arena);
}

/* ---- Random filters ----------------------------------------------------------------------- */

static void add_test(struct trib_buffer *text, struct trib_rng *rng)
{
	static const char *const signs[] = { "<", "<=", ">", ">=", "==", "!=" };
	const char *sign = signs[trib_rng_below(rng, 6)];
	uint32_t category = (uint32_t)trib_rng_below(rng, CATEGORIES), brand = (uint32_t)trib_rng_below(rng, BRANDS);

	switch (trib_rng_below(rng, 16)) {
	case 0:
		trib_buffer_add_format(text, "price %s %d", sign, (int)trib_rng_between(rng, -200, 5000));
		return;
	case 1:
		trib_buffer_add_format(text, "%d %s price", (int)trib_rng_between(rng, -200, 5000), sign);
		return;
	case 2:
		trib_buffer_add_format(text, "rating %s %.*f", sign, (int)trib_rng_below(rng, 4) + 1, 2.9 + trib_rng_unit(rng) * 2.2);
		return;
	case 3:
		trib_buffer_add_format(text, "listed_at %s timestamp(%lld)", sign, 1760000000ll + (long long)trib_rng_below(rng, 66000) * 60);
		return;
	case 4:
		trib_buffer_add_text(text, "promoted");
		return;
	case 5:
		trib_buffer_add_format(text, "category %s \"%s\"", trib_rng_chance(rng, 0.5) ? "==" : "!=",
				       trib_rng_chance(rng, 0.9) ? world->words[0][category] : trib_rng_chance(rng, 0.5) ? "" : "none");
		return;
	case 6:
		trib_buffer_add_format(text, "brand in [\"%s\", \"%s\", \"nobody\"]", world->words[1][brand], world->words[1][(brand * 7) % BRANDS]);
		return;
	case 7:
		trib_buffer_add_format(text, "category.startsWith(\"%s\")", trib_rng_chance(rng, 0.5) ? "women/" : "men/2");
		return;
	case 8:
		trib_buffer_add_format(text, "brand.endsWith(\"%u\")", (uint32_t)trib_rng_below(rng, 10));
		return;
	case 9:
		trib_buffer_add_format(text, "\"%s\" in tags", trib_rng_chance(rng, 0.9) ? world->words[2][trib_rng_below(rng, TAG_COUNT)] : "none");
		return;
	case 10:
		trib_buffer_add_format(text, "price in [%d, %d, %d]", (int)trib_rng_between(rng, 0, 400) * 10, 50, 333);
		return;
	case 11:
		trib_buffer_add_format(text, "category %s \"men\"", signs[trib_rng_below(rng, 4)]);
		return;
	case 12: /* the rest is beyond columns */
		trib_buffer_add_format(text, "price * 2 > %d / (price - 400)", (int)trib_rng_between(rng, 0, 5000));
		return;
	case 13:
		trib_buffer_add_format(text, "size(tags) == %d", (int)trib_rng_below(rng, 4));
		return;
	case 14:
		trib_buffer_add_format(text, "title.contains(\"%u\")", (uint32_t)trib_rng_below(rng, 100));
		return;
	default:
		trib_buffer_add_text(text, "category < brand");
	}
}

static void add_filter(struct trib_buffer *text, struct trib_rng *rng, int depth)
{
	uint64_t kind = depth ? trib_rng_below(rng, 10) : 9;

	if (kind > 6) {
		add_test(text, rng);
		return;
	}
	if (kind == 6) {
		trib_buffer_add_text(text, "!(");
		add_filter(text, rng, depth - 1);
		trib_buffer_add_text(text, ")");
		return;
	}
	trib_buffer_add_text(text, "(");
	add_filter(text, rng, depth - 1);
	trib_buffer_add_text(text, kind == 5 ? " ? " : kind < 3 ? " && " : " || ");
	add_filter(text, rng, depth - 1);
	if (kind == 5) {
		trib_buffer_add_text(text, " : ");
		add_filter(text, rng, depth - 1);
	}
	trib_buffer_add_text(text, ")");
}

static void random_filters_select_what_the_evaluator_does(void **state)
{
	static const char *const orders[] = { "",	"price",	       "rating",     "listed_at",
					      "-price", "price * 3 + int(rating)", "100 / price", "double(price) / (rating - 3.5)" };
	const char *rounds = getenv("TRIB_SELECT_ROUNDS");
	struct trib_buffer text;
	struct trib_rng rng;

	trib_rng_seed(&rng, trib_test_seed());
	trib_buffer_init(&text, 1 << 16);
	for (int i = 0; i < (rounds ? atoi(rounds) : 60); i++) {
		trib_buffer_reset(&text);
		add_filter(&text, &rng, 3);
		compare_with_twin(trib_buffer_text(&text), orders[trib_rng_below(&rng, TRIB_ARRAY_SIZE(orders))],
				  trib_rng_chance(&rng, 0.5), (uint32_t)trib_rng_below(&rng, 200), 1 + (uint32_t)trib_rng_below(&rng, 3));
	}
	trib_buffer_fini(&text);
}

static void ends_of_scales_are_exact(void **state)
{
	static const char *const filters[] = {
		"rating >= 4.5",
		"rating > 4.5",
		"rating == 4.35",
		"rating < 3.0000000001",
		"rating != 4.35",
		"rating >= 1e300",
		"rating < 1e300",
		"rating > -1e300",
		"listed_at > timestamp(\"2025-10-09T08:54:00.0005Z\")",
		"listed_at == timestamp(\"2025-10-09T08:54:00Z\")",
		"price < -9223372036854775808",
		"price >= -9223372036854775807 - 1",
		"price > 9223372036854775807",
		"true",
		"false",
		"category == \"\"",
		"category != \"\" && brand == \"\"",
		"!promoted",
		"promoted == false",
		"price in []",
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(filters); i++)
		compare_with_twin(filters[i], "price", i % 2, 10, 1);
}

static void bad_requests_name_the_place(void **state)
{
	static const struct {
		const char *filter, *order_by, *at;
		uint32_t limit;
		trib_status status;
	} rows[] = {
		{ "prise < 3", "", "filter:1:1", 1, TRIB_INVALID },
		{ "price <", "", "filter:1:8", 1, TRIB_SYNTAX },
		{ "price", "", "filter", 1, TRIB_INVALID },
		{ "true", "title", "order_by", 1, TRIB_INVALID },
		{ "true", "price +", "order_by:1:8", 1, TRIB_SYNTAX },
		{ "on_shelf('c1')", "", "filter:1:1", 1, TRIB_UNSUPPORTED },
		{ "promoted && title.words('x')", "", "filter:1:19", 1, TRIB_UNSUPPORTED },
		{ "in_region(title, 'x')", "", "filter:1:1", 1, TRIB_INVALID },
		{ "in_region(brand, category)", "", "filter:1:1", 1, TRIB_INVALID },
		{ "(in_region(brand, 'x') ? 1 : price) == 1", "", "filter", 1, TRIB_LIMIT },
		{ "true", "in_region(brand, 'x') ? 1 : 0", "order_by", 1, TRIB_LIMIT },
		{ "true", "", "limit", TRIB_LIMIT_SELECT_ROWS + 1, TRIB_LIMIT },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		struct trib_select_request request = { .filter = trib_bytes_text(rows[i].filter),
						       .order_by = trib_bytes_text(rows[i].order_by),
						       .limit = rows[i].limit };
		struct trib_selection *selection;
		struct trib_error error;

		assert_int_equal(trib_selection_new(world->table, &request, &selection, &error), rows[i].status);
		assert_string_equal(error.at, rows[i].at);
	}
}

/* What the functions of selections come to, said without them. */
static void functions_say_what_is_said_without_them(void **state)
{
	static const struct {
		const char *with, *without;
	} rows[] = {
		{ "listed_at >= now() - duration('1h')", "listed_at >= timestamp('2025-10-09T08:53:20Z') - duration('1h')" },
		{ "now() > listed_at", "listed_at < timestamp('2025-10-09T08:53:20Z')" },
		{ "now() - listed_at < duration('2h') && promoted", "timestamp('2025-10-09T08:53:20Z') - listed_at < duration('2h') && promoted" },
		{ "in_region(category, 'women')", "category.startsWith('women/')" },
		{ "in_region(category, 'women/1')", "category.startsWith('women/1/')" },
		{ "!in_region(category, 'men/0/b')", "category != 'men/0/b'" },
		{ "in_region(category, 'nowhere')", "false" },
		{ "in_region(tags, 't-919') || price < 0", "'t-919' in tags || price < 0" },
		{ "!in_region(tags, 't-919')", "!('t-919' in tags)" },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		uint64_t counts[2];

		for (int without = 0; without < 2; without++) {
			struct trib_select_request request = { .filter = trib_bytes_text(without ? rows[i].without : rows[i].with),
							       .order_by = trib_bytes_text(without ? "" : "listed_at - now() < duration('0s') ? 1 : 0"),
							       .limit = 10,
							       .now_ms = 1760000000000 };
			struct trib_selection *selection;
			struct trib_selected selected;
			struct trib_error error;

			assert_ok(trib_selection_new(world->table, &request, &selection, &error), error);
			assert_ok(trib_selection_run(selection, 1, &selected, &error), error);
			counts[without] = selected.count;
			trib_selected_fini(&selected);
			trib_selection_free(selection);
		}
		if (counts[0] != counts[1])
			fail_msg("%s: %llu rows, expected %llu", rows[i].with, (unsigned long long)counts[0], (unsigned long long)counts[1]);
	}
}

static void facets_are_of_words_and_flags(void **state)
{
	uint32_t facets[TRIB_LIMIT_SELECT_FACETS + 1] = { PRICE };
	struct trib_select_request request = { .facets = facets, .facet_count = 1 };
	struct trib_selection *selection;
	struct trib_error error;

	assert_int_equal(trib_selection_new(world->table, &request, &selection, &error), TRIB_INVALID);
	assert_string_equal(error.at, "facets");
	request.facet_count = TRIB_LIMIT_SELECT_FACETS + 1;
	assert_int_equal(trib_selection_new(world->table, &request, &selection, &error), TRIB_LIMIT);
}

static void explain_counts_rows(void **state)
{
	struct trib_select_request request = { .filter = trib_bytes_text("promoted && price < 100 && title.contains(\"9\")") };
	struct trib_selection *selection;
	struct trib_selected selected;
	struct trib_buffer text;
	struct trib_error error;

	trib_buffer_init(&text, 1 << 16);
	assert_ok(trib_selection_new(world->table, &request, &selection, &error), error);
	assert_ok(trib_selection_run(selection, 1, &selected, &error), error);
	trib_selection_explain(selection, &text);
	assert_non_null(strstr(trib_buffer_text(&text), "planes: price < 100"));
	assert_non_null(strstr(trib_buffer_text(&text), "evaluate: title.contains(\"9\")"));
	assert_non_null(strstr(trib_buffer_text(&text), "67136 → ")); /* all rows go into the first step */
	assert_int_equal(ROWS, 67136);
	trib_selected_fini(&selected);
	trib_selection_free(selection);
	trib_buffer_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_filters_select_what_the_evaluator_does),
		cmocka_unit_test(ends_of_scales_are_exact),
		cmocka_unit_test(bad_requests_name_the_place),
		cmocka_unit_test(functions_say_what_is_said_without_them),
		cmocka_unit_test(facets_are_of_words_and_flags),
		cmocka_unit_test(explain_counts_rows),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
