/* The sites of domain/site.h as tables, and the one reader for all of them. */
#include "domain/site.h"
#include "base/clock.h"
#include "base/limits.h"
#include "proto/proto.h"

enum form { CSV, NDJSON };
enum unit {
	PLAIN,
	YUAN,	  /* a decimal with at most two places */
	CENTS,	  /* a whole number */
	SHANGHAI, /* "2026-11-22 20:00:03" there */
	MS,	  /* ms UTC */
};

enum {
	WORDS_MAX = 8,
	SITE_NAME_BYTES_MAX = 8,
	TEXT_BYTES_MAX = 256,
	ARENA_BYTES_MAX = 64 << 20, /* a row of JSON, parsed */
	READ_BYTES = 64 << 10,
};

/* Above any price there is, and far from where sums of a file would overflow. */
static const int64_t number_max = INT64_C(1000000000000000);

struct column {
	const char *name;
	enum unit unit;
	struct {
		const char *theirs, *ours;
	} words[WORDS_MAX];
};

struct trib_site_adapter {
	const char *name;
	const char *pid, *pid_expected; /* '#' stands for digits, one or more */
	const char *link;
	enum form form;
	struct column
		columns[TRIB_SITE_FIELDS]; /* by field; without a name: the site does not tell it */
};

static const struct trib_site_adapter adapters[] = {
	{ "jd",
	  "#",
	  "digits",
	  "https://union.example/jd?sku={goods}&position={pid}&sub={link}",
	  NDJSON,
	  {
		  [TRIB_SITE_GOODS] = { "skuId" },
		  [TRIB_SITE_TITLE] = { "skuName" },
		  [TRIB_SITE_SHOP] = { "shopId" },
		  [TRIB_SITE_CATEGORY] = { "categoryName" },
		  [TRIB_SITE_BRAND] = { "brandName" },
		  [TRIB_SITE_PRICE] = { "priceFen", CENTS },
		  [TRIB_SITE_STOCK] = { "stockNum" },
		  [TRIB_SITE_GOODS_STATUS] = { "skuStatus",
					       PLAIN,
					       { { "1", "active" },
						 { "0", "withdrawn" },
						 { "2", "closed" } } },
		  [TRIB_SITE_SEEN] = { "updateTime", MS },
		  [TRIB_SITE_ORDER] = { "orderId" },
		  [TRIB_SITE_LINE] = { "lineId" },
		  [TRIB_SITE_ORDERED_GOODS] = { "skuId" },
		  [TRIB_SITE_PID] = { "positionId" },
		  [TRIB_SITE_ORDER_STATUS] = { "validCode",
					       PLAIN,
					       { { "16", "paid" },
						 { "17", "received" },
						 { "18", "settled" },
						 { "3", "closed" } } },
		  [TRIB_SITE_PAID] = { "payFen", CENTS },
		  [TRIB_SITE_ESTIMATED] = { "estimateFen", CENTS },
		  [TRIB_SITE_FINAL] = { "actualFen", CENTS },
		  [TRIB_SITE_CREATED] = { "orderTime", MS },
	  } },
	{ "taobao",
	  "mm_#_#_#",
	  "a pid like mm_1_2_101",
	  "https://union.example/taobao?id={goods}&pid={pid}&ext={link}",
	  CSV,
	  {
		  [TRIB_SITE_GOODS] = { "item_id" },
		  [TRIB_SITE_TITLE] = { "title" },
		  [TRIB_SITE_SHOP] = { "shop_id" },
		  [TRIB_SITE_CATEGORY] = { "category" },
		  [TRIB_SITE_PRICE] = { "price", YUAN },
		  [TRIB_SITE_STOCK] = { "stock" },
		  [TRIB_SITE_GOODS_STATUS] = { "status",
					       PLAIN,
					       { { "onsale", "active" },
						 { "instock", "withdrawn" },
						 { "deleted", "closed" } } },
		  [TRIB_SITE_SEEN] = { "modified", SHANGHAI },
		  [TRIB_SITE_ORDER] = { "trade_id" },
		  [TRIB_SITE_LINE] = { "sub_trade_id" },
		  [TRIB_SITE_ORDERED_GOODS] = { "item_id" },
		  [TRIB_SITE_PID] = { "pid" },
		  [TRIB_SITE_ORDER_STATUS] = { "status",
					       PLAIN,
					       { { "已付款", "paid" },
						 { "已收货", "received" },
						 { "已结算", "settled" },
						 { "已失效", "closed" } } },
		  [TRIB_SITE_PAID] = { "paid", YUAN },
		  [TRIB_SITE_ESTIMATED] = { "estimated", YUAN },
		  [TRIB_SITE_FINAL] = { "settled", YUAN },
		  [TRIB_SITE_CREATED] = { "created", SHANGHAI },
	  } },
};

static const struct {
	enum trib_site_file file;
	enum trib_site_kind kind;
	bool required;
} fields[] = {
#define X(name, file, kind, required) { TRIB_SITE_##file, TRIB_SITE_##kind, required },
	TRIB_SITE_FIELD_TABLE(X)
#undef X
};

struct trib_site_reader {
	const struct trib_site_adapter *site;
	enum trib_site_file file;
	trib_csv_read_fn *read;
	void *context;
	/* CSV */
	struct trib_csv *csv;
	size_t places[TRIB_SITE_FIELDS]; /* the column of a field, from 1; 0: none */
	size_t width;			 /* columns; 0: the names are not read yet */
	/* NDJSON */
	struct trib_buffer lines; /* from `start` on not consumed yet */
	size_t start;
	uint64_t line;
	bool at_end;
	struct trib_arena arena;
};

const struct trib_site_adapter *trib_site_adapter_find(const char *name)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(adapters); i++)
		if (!strcmp(adapters[i].name, name))
			return &adapters[i];
	return NULL;
}

const char *trib_site_adapter_name(const struct trib_site_adapter *site)
{
	return site->name;
}

const char *trib_site_adapter_names(void)
{
	return "jd, taobao";
}

const char *trib_site_adapter_link(const struct trib_site_adapter *site)
{
	return site->link;
}

const char *trib_site_pid_expected(const struct trib_site_adapter *site, struct trib_bytes pid)
{
	size_t at = 0;

	for (const char *shape = site->pid; *shape; shape++) {
		size_t from = at;

		if (*shape != '#') {
			if (at == pid.size || pid.data[at++] != *shape)
				return site->pid_expected;
			continue;
		}
		while (at < pid.size && pid.data[at] >= '0' && pid.data[at] <= '9')
			at++;
		if (at == from)
			return site->pid_expected;
	}
	return at == pid.size ? NULL : site->pid_expected;
}

struct trib_site_reader *trib_site_reader_new(const struct trib_site_adapter *site,
					      enum trib_site_file file, trib_csv_read_fn *read,
					      void *context)
{
	struct trib_site_reader *reader = trib_alloc_zeroed(1, sizeof(*reader));

	trib_assert(strlen(site->name) <= SITE_NAME_BYTES_MAX);
	reader->site = site;
	reader->file = file;
	reader->read = read;
	reader->context = context;
	reader->csv = site->form == CSV ? trib_csv_new(read, context) : NULL;
	trib_buffer_init(&reader->lines, TRIB_LIMIT_CSV_ROW_BYTES + READ_BYTES);
	trib_arena_init(&reader->arena, ARENA_BYTES_MAX);
	return reader;
}

void trib_site_reader_free(struct trib_site_reader *reader)
{
	if (!reader)
		return;
	trib_csv_free(reader->csv);
	trib_buffer_fini(&reader->lines);
	trib_arena_fini(&reader->arena);
	free(reader);
}

static bool take_words(const struct column *column, struct trib_site_value *value)
{
	for (size_t i = 0; i < WORDS_MAX && column->words[i].theirs; i++)
		if (trib_bytes_is(value->text, column->words[i].theirs)) {
			value->text = trib_bytes_text(column->words[i].ours);
			return true;
		}
	return false;
}

/* Exactly: money that would have to be rounded is refused. */
static bool take_yuan(struct trib_bytes text, int64_t *ret_cents)
{
	int64_t finer;

	return trib_bytes_to_decimal(text, 2, ret_cents) && *ret_cents <= number_max &&
	       trib_bytes_to_decimal(text, 4, &finer) && finer == *ret_cents * 100;
}

static bool take_shanghai(struct trib_bytes text, int64_t *ret_ms)
{
	char zoned[48];
	int64_t us;
	int size = snprintf(zoned, sizeof(zoned), TRIB_BYTES_FMT " +0800", TRIB_BYTES_ARG(text));

	/* "2026-11-22 20:00:03" and nothing else: a zone or a number would be another time */
	if (text.size != 19 || !trib_time_parse_log(trib_bytes(zoned, (size_t)size), &us))
		return false;
	*ret_ms = us / 1000;
	return us >= 0;
}

/* What was expected where it is something else; NULL if it is well. */
static const char *take_value(const struct column *column, enum trib_site_kind kind,
			      struct trib_site_value *value)
{
	struct trib_bytes text = value->text;
	bool whole = trib_bytes_to_i64(text, &value->number) && value->number >= 0 &&
		     value->number <= number_max;

	switch (kind) {
	case TRIB_SITE_ID:
		return trib_external_id_valid(text) && text.size + SITE_NAME_BYTES_MAX <
							       TRIB_LIMIT_EXTERNAL_ID_BYTES
			       ? NULL
			       : "an id of at most 55 bytes without space, control character or "
				 "'/'";
	case TRIB_SITE_TEXT:
		return text.size <= TEXT_BYTES_MAX && trib_utf8_valid(text) &&
				       !memchr(text.data, 0, text.size)
			       ? NULL
			       : "UTF-8 of at most 256 bytes without NUL";
	case TRIB_SITE_AMOUNT:
		if (column->unit == CENTS)
			return whole ? NULL : "a whole number of cents from 0 to 10^15";
		return take_yuan(text, &value->number) && value->number >= 0
			       ? NULL
			       : "yuan from 0 to 10^13 with at most two places";
	case TRIB_SITE_COUNT:
		return whole ? NULL : "a whole number from 0 to 10^15";
	case TRIB_SITE_TIME:
		if (column->unit == MS)
			return whole ? NULL : "ms UTC";
		return take_shanghai(text, &value->number) ? NULL
							   : "a time like 2026-11-22 20:00:03";
	case TRIB_SITE_WORD:
		return take_words(column, value) ? NULL : "a status";
	}
	return "nothing";
}

static trib_status fail_at_column(uint64_t line, const char *column, struct trib_error *error,
				  const char *found, struct trib_bytes text, const char *expected)
{
	char at[TRIB_ERROR_AT_MAX];

	snprintf(at, sizeof(at), "line %llu, column %s", (unsigned long long)line, column);
	if (found)
		return trib_fail(error, TRIB_INVALID, at, "found %s, expected %s", found, expected);
	/* Of long ones the beginning, whole characters only. */
	struct trib_bytes shown = trib_bytes(text.data, 0);

	while (shown.size < text.size && shown.size < 60) {
		size_t step =
			trib_utf8_step(trib_bytes(text.data + shown.size, text.size - shown.size));

		if (!step)
			break;
		shown.size += step;
	}
	return trib_fail(error, TRIB_INVALID, at, "found \"" TRIB_BYTES_FMT "\"%s, expected %s",
			 TRIB_BYTES_ARG(shown), shown.size < text.size ? "…" : "", expected);
}

static void words_expected(const struct column *column, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < WORDS_MAX && column->words[i].theirs; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "one of ",
					 column->words[i].theirs);
}

static trib_status take_field(const struct trib_site_reader *reader, int field, uint64_t line,
			      struct trib_bytes text, struct trib_site_row *row,
			      struct trib_error *error)
{
	const struct column *column = &reader->site->columns[field];
	struct trib_site_value *value = &row->values[field];
	char words[128];

	if (!text.size)
		return fields[field].required ? fail_at_column(line, column->name, error, "nothing",
							       text, "a value")
					      : TRIB_OK;
	value->text = text;
	const char *expected = take_value(column, fields[field].kind, value);

	if (expected && fields[field].kind == TRIB_SITE_WORD) {
		words_expected(column, words, sizeof(words));
		expected = words;
	}
	value->present = true;
	return expected ? fail_at_column(line, column->name, error, NULL, text, expected) : TRIB_OK;
}

static bool asked(const struct trib_site_reader *reader, int field)
{
	return fields[field].file == reader->file && reader->site->columns[field].name;
}

static trib_status read_names(struct trib_site_reader *reader, const struct trib_csv_row *names,
			      struct trib_error *error)
{
	reader->width = names->count;
	for (int field = 0; field < TRIB_SITE_FIELDS; field++) {
		const char *name = reader->site->columns[field].name;

		if (!asked(reader, field))
			continue;
		for (size_t i = 0; i < names->count; i++)
			if (trib_bytes_is(names->fields[i], name)) {
				if (reader->places[field])
					return fail_at_column(names->line, name, error, "it twice",
							      trib_bytes(NULL, 0), "it once");
				reader->places[field] = i + 1;
			}
		if (fields[field].required && !reader->places[field])
			return fail_at_column(names->line, name, error, "no such column",
					      trib_bytes(NULL, 0), "one");
	}
	return TRIB_OK;
}

static trib_status next_of_csv(struct trib_site_reader *reader, struct trib_site_row *row,
			       struct trib_error *error)
{
	struct trib_csv_row cells;
	trib_status status = trib_csv_next(reader->csv, &cells, error);
	char at[40];

	if (status == TRIB_OK && !reader->width) {
		if (!cells.count)
			return trib_fail(error, TRIB_INVALID, "line 1",
					 "found nothing, expected the names of columns");
		status = read_names(reader, &cells, error);
		if (status == TRIB_OK)
			status = trib_csv_next(reader->csv, &cells, error);
	}
	if (status != TRIB_OK || !cells.count)
		return status;
	if (cells.count != reader->width) {
		snprintf(at, sizeof(at), "line %llu", (unsigned long long)cells.line);
		return trib_fail(error, TRIB_INVALID, at,
				 "found %zu columns, expected %zu as in the first line",
				 cells.count, reader->width);
	}
	row->line = cells.line;
	for (int field = 0; field < TRIB_SITE_FIELDS && status == TRIB_OK; field++)
		if (reader->places[field])
			status = take_field(reader, field, cells.line,
					    cells.fields[reader->places[field] - 1], row, error);
	return status;
}

/* The next line without its end, size 0 where it is empty; false in *ret_more at the end. */
static trib_status next_line(struct trib_site_reader *reader, struct trib_bytes *ret_line,
			     bool *ret_more, struct trib_error *error)
{
	struct trib_buffer *lines = &reader->lines;
	size_t looked = reader->start, size;
	char at[40];

	reader->line++;
	for (;;) {
		const char *end = looked < lines->size
					  ? memchr(lines->data + looked, '\n', lines->size - looked)
					  : NULL;
		size_t stop = end ? (size_t)(end - lines->data) : lines->size;

		if (end || reader->at_end) {
			*ret_more = end || reader->start < lines->size;
			*ret_line = trib_bytes(*ret_more ? lines->data + reader->start : NULL,
					       stop - reader->start);
			reader->start = stop + (end != NULL);
			return TRIB_OK;
		}
		if (lines->size - reader->start > TRIB_LIMIT_CSV_ROW_BYTES) {
			snprintf(at, sizeof(at), "line %llu", (unsigned long long)reader->line);
			return trib_fail(error, TRIB_TOO_LARGE, at,
					 "found a row of more than 1 MiB, expected a shorter one");
		}
		looked = lines->size - reader->start;
		if (looked)
			memmove(lines->data, lines->data + reader->start, looked);
		lines->size = looked;
		reader->start = 0;
		char *room = trib_buffer_reserve(lines, READ_BYTES);
		trib_status status = reader->read(reader->context, room, READ_BYTES, &size, error);

		if (status != TRIB_OK)
			return status;
		lines->size += size;
		reader->at_end = size == 0;
	}
}

static trib_status next_of_json(struct trib_site_reader *reader, struct trib_site_row *row,
				struct trib_error *error)
{
	const struct trib_json *root;
	struct trib_bytes line;
	trib_status status;
	char at[40];
	bool more;

	do {
		status = next_line(reader, &line, &more, error);
		if (more && status == TRIB_OK && line.size && line.data[line.size - 1] == '\r')
			line.size--;
	} while (status == TRIB_OK && more && !line.size);
	if (status != TRIB_OK || !more)
		return status;
	trib_arena_reset(&reader->arena);
	snprintf(at, sizeof(at), "line %llu", (unsigned long long)reader->line);
	status = trib_json_parse(line, TRIB_LIMIT_JSON_DEPTH, &reader->arena, &root, error);
	if (status != TRIB_OK) {
		snprintf(error->at, sizeof(error->at), "%s",
			 at); /* the parser's own is a line of this line */
		return status;
	}
	if (root->kind != TRIB_JSON_OBJECT)
		return trib_fail(error, TRIB_INVALID, at, "found %s, expected an object",
				 trib_json_kind_name(root->kind));
	row->line = reader->line;
	for (int field = 0; field < TRIB_SITE_FIELDS && status == TRIB_OK; field++) {
		if (!asked(reader, field))
			continue;
		const char *name = reader->site->columns[field].name;
		const struct trib_json *member = trib_json_member(root, name);
		bool null = !member || member->kind == TRIB_JSON_NULL;

		if (!null && member->kind != TRIB_JSON_NUMBER && member->kind != TRIB_JSON_STRING)
			return fail_at_column(reader->line, name, error,
					      trib_json_kind_name(member->kind),
					      trib_bytes(NULL, 0), "a string or a number");
		status = take_field(reader, field, reader->line,
				    null ? trib_bytes(NULL, 0) : member->text, row, error);
	}
	return status;
}

trib_status trib_site_next(struct trib_site_reader *reader, struct trib_site_row *ret_row,
			   struct trib_error *error)
{
	struct trib_site_row row = { 0 };
	trib_status status =
		reader->csv ? next_of_csv(reader, &row, error) : next_of_json(reader, &row, error);

	if (status == TRIB_OK)
		*ret_row = row;
	return status;
}

static void add_text(struct trib_buffer *buffer, const char *name,
		     const struct trib_site_value *value)
{
	if (!value->present)
		return;
	trib_buffer_add_format(buffer, ",\"%s\":", name);
	trib_json_add_string(buffer, value->text);
}

void trib_site_add_id(const struct trib_site_adapter *site, const struct trib_site_value *value,
		      struct trib_buffer *buffer)
{
	char text[TRIB_LIMIT_EXTERNAL_ID_BYTES + 1];
	int size = snprintf(text, sizeof(text), "%s-" TRIB_BYTES_FMT, site->name,
			    TRIB_BYTES_ARG(value->text));

	trib_json_add_string(buffer, trib_bytes(text, (size_t)size));
}

void trib_site_add_goods(const struct trib_site_adapter *site, const struct trib_site_row *row,
			 struct trib_buffer *buffer)
{
	const struct trib_site_value *values = row->values;

	trib_buffer_add_text(buffer, "{\"id\":");
	trib_site_add_id(site, &values[TRIB_SITE_GOODS], buffer);
	trib_buffer_add_text(buffer, ",\"merchant\":");
	trib_site_add_id(site, &values[TRIB_SITE_SHOP], buffer);
	add_text(buffer, "title", &values[TRIB_SITE_TITLE]);
	add_text(buffer, "category", &values[TRIB_SITE_CATEGORY]);
	add_text(buffer, "brand", &values[TRIB_SITE_BRAND]);
	trib_buffer_add_format(buffer, ",\"price\":%lld,\"currency\":\"CNY\",\"site\":\"%s\"",
			       (long long)values[TRIB_SITE_PRICE].number, site->name);
	if (values[TRIB_SITE_STOCK].present)
		trib_buffer_add_format(buffer, ",\"stock\":%lld",
				       (long long)values[TRIB_SITE_STOCK].number);
	add_text(buffer, "status", &values[TRIB_SITE_GOODS_STATUS]);
	trib_buffer_add_text(buffer, ",\"ext\":{\"site_goods\":");
	trib_json_add_string(buffer, values[TRIB_SITE_GOODS].text);
	trib_buffer_add_text(buffer, ",\"site_shop\":");
	trib_json_add_string(buffer, values[TRIB_SITE_SHOP].text);
	trib_buffer_add_format(buffer, ",\"seen_at\":%lld}}\n",
			       (long long)values[TRIB_SITE_SEEN].number);
}

void trib_site_add_order(const struct trib_site_adapter *site, const struct trib_site_row *row,
			 struct trib_buffer *buffer)
{
	const struct trib_site_value *values = row->values, *line = &values[TRIB_SITE_LINE];
	char order[2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 2];
	int size = snprintf(order, sizeof(order), TRIB_BYTES_FMT "%s" TRIB_BYTES_FMT,
			    TRIB_BYTES_ARG(values[TRIB_SITE_ORDER].text), line->present ? "/" : "",
			    TRIB_BYTES_ARG(line->text));

	trib_buffer_add_text(buffer, "{\"order\":");
	trib_json_add_string(buffer, trib_bytes(order, (size_t)size));
	trib_buffer_add_text(buffer, ",\"goods\":");
	trib_site_add_id(site, &values[TRIB_SITE_ORDERED_GOODS], buffer);
	add_text(buffer, "pid", &values[TRIB_SITE_PID]);
	add_text(buffer, "status", &values[TRIB_SITE_ORDER_STATUS]);
	trib_buffer_add_format(buffer, ",\"at\":%lld,\"paid\":%lld,\"estimated\":%lld",
			       (long long)values[TRIB_SITE_CREATED].number, (long long)values[TRIB_SITE_PAID].number,
			       (long long)values[TRIB_SITE_ESTIMATED].number);
	if (values[TRIB_SITE_FINAL].present)
		trib_buffer_add_format(buffer, ",\"final\":%lld", (long long)values[TRIB_SITE_FINAL].number);
	trib_buffer_add_text(buffer, "}\n");
}
