/* The vocabulary: data/select/vocabulary.yaml read into fields and words, each word with its meanings. */
#include "base/limits.h"
#include "play/play.h"
#include "select/ask_private.h"
#include "select/functions.h"

enum { VOCABULARY_BYTES = 16 << 20, FIELDS_MAX = 200, WINDOWS = 4 };

const char *const ask_op_texts[ASK_OP_COUNT] = { "==", "<", "<=", ">", ">=" };

static const char *const windows[WINDOWS] = { "1h", "1d", "7d", "30d" };
static const uint32_t window_hours[WINDOWS] = { 1, 24, 168, 720 };

struct reader {
	struct trib_ask *ask;
	struct trib_error *error;
};

static trib_status refuse(const struct reader *reader, const struct trib_json *json,
			  const char *text)
{
	char at[32];

	snprintf(at, sizeof(at), "line %u", json->line);
	return trib_fail(reader->error, TRIB_INVALID, at, "%s", text);
}

/* ---- Words ---------------------------------------------------------------------------------------- */

/* Gives each word of a list another meaning. */
static trib_status add_words(const struct reader *reader, const struct trib_json *list,
			     struct ask_meaning meaning)
{
	if (list->kind != TRIB_JSON_ARRAY)
		return refuse(reader, list, "expected a list of words");
	for (const struct trib_json *word = list->first; word; word = word->next) {
		void **place = word->kind == TRIB_JSON_STRING || word->kind == TRIB_JSON_NUMBER
				       ? ask_words_place(reader->ask->words, word->text)
				       : NULL;
		struct ask_meaning *own = trib_arena_alloc(&reader->ask->arena, sizeof(*own));

		if (!place || !own)
			return refuse(reader, word, "expected a word of 1 to 64 bytes");
		*own = meaning;
		own->next = *place;
		*place = own;
	}
	return TRIB_OK;
}

/* ---- Fields --------------------------------------------------------------------------------------- */

const struct ask_field *ask_field_find(const struct trib_ask *ask, struct trib_bytes name)
{
	for (uint32_t i = 0; i < ask->field_count; i++)
		if (trib_bytes_is(name, ask->fields[i].name))
			return &ask->fields[i];
	return NULL;
}

static const char *text_of(const struct trib_json *object, const char *name)
{
	const struct trib_json *member = trib_json_member(object, name);

	return member && member->kind == TRIB_JSON_STRING ? member->text.data : NULL;
}

static bool is_set(const struct trib_json *object, const char *name)
{
	const struct trib_json *member = trib_json_member(object, name);

	return member && member->kind == TRIB_JSON_TRUE;
}

static bool find_op(const char *text, enum ask_op *ret_op)
{
	for (int op = 0; op < ASK_OP_COUNT; op++)
		if (!strcmp(text, ask_op_texts[op])) {
			*ret_op = (enum ask_op)op;
			return true;
		}
	return false;
}

static trib_status read_field(const struct reader *reader, const struct trib_json *json,
			      struct ask_field *field)
{
	static const char *const kinds[] = {
#define X(id, name, type) [ASK_##id] = name,
		ASK_KIND_TABLE(X)
#undef X
	};
	const char *kind = text_of(json, "kind"), *bare = text_of(json, "bare"),
		   *first = text_of(json, "first");
	uint32_t i = 0;

	field->name = text_of(json, "name");
	while (kind && i < TRIB_ARRAY_SIZE(kinds) && strcmp(kind, kinds[i]))
		i++;
	if (!field->name || !kind || i == TRIB_ARRAY_SIZE(kinds))
		return refuse(reader, json, "expected a field with a name and one of the kinds");
	field->kind = (enum ask_kind)i;
	field->bare = field->kind == ASK_MONEY ? ASK_EQ : ASK_GE;
	if (bare && !find_op(bare, &field->bare))
		return refuse(reader, json, "expected bare to be a comparison");
	field->windows = is_set(json, "windows");
	field->rank = is_set(json, "rank");
	field->low_first = field->rank || (first && !strcmp(first, "low"));
	field->any =
		field->kind == ASK_CODE || field->kind == ASK_VIRTUAL || text_of(json, "together");
	field->alone = text_of(json, "alone");
	field->is = text_of(json, "is");
	const struct trib_json *words = trib_json_member(json, "words");

	return words ? add_words(reader, words,
				 (struct ask_meaning){ .class = 'F', .field = field })
		     : TRIB_OK;
}

static trib_status read_fields(const struct reader *reader, const struct trib_json *list)
{
	struct trib_ask *ask = reader->ask;
	trib_status status = TRIB_OK;

	if (!list || list->kind != TRIB_JSON_ARRAY || list->count > FIELDS_MAX)
		return trib_fail(reader->error, TRIB_INVALID, "fields",
				 "expected a list of at most %d fields", FIELDS_MAX);
	ask->fields =
		trib_arena_alloc_zeroed(&ask->arena, (list->count + 1) * sizeof(*ask->fields));
	if (!ask->fields)
		return trib_fail(reader->error, TRIB_NO_MEMORY, "fields",
				 "the vocabulary is too large");
	for (const struct trib_json *json = list->first; json && status == TRIB_OK;
	     json = json->next)
		status = read_field(reader, json, &ask->fields[ask->field_count++]);
	uint32_t i = 0;

	for (const struct trib_json *json = list->first; json && status == TRIB_OK;
	     json = json->next, i++) {
		const char *recent = text_of(json, "recent");

		ask->fields[i].recent = ask->fields[i].windows ? &ask->fields[i]
					: recent ? ask_field_find(ask, trib_bytes_text(recent))
						 : NULL;
	}
	return status;
}

/* The fields that are meant where none is named, by their names. */
static trib_status read_unnamed(const struct reader *reader)
{
	struct trib_ask *ask = reader->ask;
	const struct {
		const char *name;
		const struct ask_field **place;
	} rows[] = {
		{ "price", &ask->price },
		{ "commission_bps", &ask->commission },
		{ "rating", &ask->rating },
		{ "stock", &ask->stock },
		{ "stock_regions", &ask->stock_regions },
		{ "listed_at", &ask->listed_at },
		{ "title", &ask->title },
	};

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(rows); i++) {
		*rows[i].place = ask_field_find(ask, trib_bytes_text(rows[i].name));
		if (!*rows[i].place)
			return trib_fail(reader->error, TRIB_INVALID, "fields",
					 "expected a field %s", rows[i].name);
	}
	return TRIB_OK;
}

/* Fields as variables; a family is as many as it has windows. */
static trib_status declare(const struct reader *reader)
{
	static const struct trib_type *const types[] = {
#define X(id, name, type) [ASK_##id] = type,
		ASK_KIND_TABLE(X)
#undef X
	};
	struct trib_ask *ask = reader->ask;
	uint32_t count = 0;

	ask->variables = trib_arena_alloc(&ask->arena, (WINDOWS * ask->field_count + 1) *
							       sizeof(*ask->variables));
	for (uint32_t i = 0; ask->variables && i < ask->field_count; i++) {
		const struct ask_field *field = &ask->fields[i];

		for (int window = 0; types[field->kind] && window < (field->windows ? WINDOWS : 1);
		     window++)
			ask->variables[count++] = (struct trib_expr_variable){
				ask_field_text(&ask->arena, field,
					       field->windows ? window_hours[window] : 0)
					.data,
				types[field->kind],
			};
	}
	ask->env = (struct trib_expr_env){ .variables = ask->variables,
					   .variable_count = count,
					   .functions = trib_select_functions,
					   .function_count = TRIB_SELECT_FUNCTION_COUNT };
	return ask->variables ? TRIB_OK
			      : trib_fail(reader->error, TRIB_NO_MEMORY, "",
					  "the vocabulary is too large");
}

struct trib_bytes ask_field_text(struct trib_arena *arena, const struct ask_field *field,
				 uint32_t hours)
{
	int window = WINDOWS - 1;

	if (!field->windows)
		return ask_format(arena, "%s", field->name);
	/* The window that covers the time: three days are answered by seven. */
	while (hours && window > 0 && window_hours[window - 1] >= hours)
		window--;
	return ask_format(arena, "%s_%s", field->name, windows[window]);
}

/* ---- Phrases, values, comparisons, units, times --------------------------------------------------- */

static trib_status read_phrases(const struct reader *reader, const struct trib_json *list)
{
	trib_status status = TRIB_OK;

	for (const struct trib_json *json = list ? list->first : NULL; json && status == TRIB_OK;
	     json = json->next) {
		struct ask_phrase *phrase =
			trib_arena_alloc_zeroed(&reader->ask->arena, sizeof(*phrase));
		const struct trib_json *words = trib_json_member(json, "words");
		const char *order = text_of(json, "order");

		if (!phrase || !words)
			return refuse(reader, json, "expected a phrase with words");
		phrase->filter = text_of(json, "filter");
		phrase->weak = is_set(json, "weak");
		if (order) {
			phrase->descending = *order == '-';
			phrase->order = ask_field_find(reader->ask,
						       trib_bytes_text(order + phrase->descending));
		}
		if (!phrase->filter && !phrase->order)
			return refuse(reader, json, "expected a filter, or an order by a field");
		status = add_words(reader, words,
				   (struct ask_meaning){ .class = 'X', .phrase = phrase });
	}
	return status;
}

char ask_value_class(const struct ask_field *field)
{
	return !strcmp(field->name, "origin") ? 'G' : !strcmp(field->name, "pool") ? 'I' : 'V';
}

static trib_status read_values(const struct reader *reader, const struct trib_json *values)
{
	trib_status status = TRIB_OK;

	for (const struct trib_json *json = values ? values->first : NULL;
	     json && status == TRIB_OK; json = json->next) {
		const struct ask_field *field = ask_field_find(reader->ask, json->key);

		if (!field)
			return refuse(reader, json, "expected the name of a field");
		for (const struct trib_json *code = json->first; code && status == TRIB_OK;
		     code = code->next)
			status = add_words(reader, code,
					   (struct ask_meaning){ .class = ask_value_class(field),
								 .field = field,
								 .code = code->key });
	}
	return status;
}

static trib_status read_ops(const struct reader *reader, const struct trib_json *ops, char class)
{
	trib_status status = TRIB_OK;

	for (const struct trib_json *json = ops ? ops->first : NULL; json && status == TRIB_OK;
	     json = json->next) {
		enum ask_op op;

		if (!find_op(json->key.data, &op))
			return refuse(reader, json, "expected a comparison");
		status = add_words(reader, json,
				   (struct ask_meaning){ .class = class, .number = op });
	}
	return status;
}

static trib_status read_units(const struct reader *reader, const struct trib_json *units)
{
	static const char *const names[] = { [ASK_UNIT_NONE] = "",
#define X(id, name) [ASK_UNIT_##id] = name,
					     ASK_UNIT_TABLE(X)
#undef X
	};
	trib_status status = TRIB_OK;

	for (const struct trib_json *json = units ? units->first : NULL; json && status == TRIB_OK;
	     json = json->next) {
		uint32_t i = 1;

		while (i < TRIB_ARRAY_SIZE(names) && !trib_bytes_is(json->key, names[i]))
			i++;
		if (i == TRIB_ARRAY_SIZE(names))
			return refuse(reader, json, "expected a kind of unit");
		status = add_words(
			reader, json,
			(struct ask_meaning){ .class = ASK_CLASS_UNIT, .number = (uint8_t)i });
	}
	return status;
}

/* Hours with their words: times (P), or sales in such a time (F). */
static trib_status read_hours(const struct reader *reader, const struct trib_json *hours,
			      struct ask_meaning meaning)
{
	trib_status status = TRIB_OK;

	for (const struct trib_json *json = hours ? hours->first : NULL; json && status == TRIB_OK;
	     json = json->next) {
		uint64_t value;

		if (!trib_bytes_to_u64(json->key, &value) || value == 0 || value > UINT16_MAX)
			return refuse(reader, json, "expected a number of hours");
		meaning.hours = (uint32_t)value;
		status = add_words(reader, json, meaning);
	}
	return status;
}

/* ---- The whole ------------------------------------------------------------------------------------ */

/* Lists of words: where they stand, and their class. */
static const struct {
	const char *within, *name;
	char class;
	uint8_t number;
} lists[] = {
	{ NULL, "about", 'Z' },
	{ NULL, "between", 'W' },
	{ NULL, "to", 'R' },
	{ NULL, "within", 'M' },
	{ NULL, "money_before", ASK_CLASS_MONEY_BEFORE },
	{ NULL, "recent", ASK_CLASS_RECENT },
	{ "words", "not", '!' },
	{ "words", "or", '|' },
	{ "words", "and", '&' },
	{ "words", "in_stock", 'k' },
	{ "words", "made_in", 'o' },
	{ "words", "listed", 'L' },
	{ "words", "new", 'n' },
	{ "words", "most", 'S' },
	{ "words", "least", 's' },
	{ "words", "high", 'H' },
	{ "words", "low", 'h' },
	{ "words", "sort", 'Y' },
	{ "words", "sorted", 'y' },
	{ "words", "top", 'T' },
	{ "words", "pool", 'p' },
	{ "words", "title", 't' },
	{ "words", "request", 'v' },
	{ "words", "filler", '.' },
	{ "words", "particle", '.', ASK_PARTICLE },
};

static trib_status read_lists(const struct reader *reader, const struct trib_json *root)
{
	trib_status status = TRIB_OK;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(lists) && status == TRIB_OK; i++) {
		const struct trib_json *list = trib_json_member(
			lists[i].within ? trib_json_member(root, lists[i].within) : root,
			lists[i].name);

		if (list)
			status = add_words(reader, list,
					   (struct ask_meaning){ .class = lists[i].class,
								 .number = lists[i].number });
	}
	return status;
}

static trib_status read_all(const struct reader *reader, const struct trib_json *root)
{
	const struct ask_field *orders;
	trib_status status = read_fields(reader, trib_json_member(root, "fields"));

	status = status == TRIB_OK ? read_unnamed(reader) : status;
	status = status == TRIB_OK ? read_phrases(reader, trib_json_member(root, "phrases"))
				   : status;
	status = status == TRIB_OK ? read_values(reader, trib_json_member(root, "values")) : status;
	status = status == TRIB_OK ? read_ops(reader, trib_json_member(root, "before"), 'B')
				   : status;
	status =
		status == TRIB_OK ? read_ops(reader, trib_json_member(root, "after"), 'A') : status;
	status = status == TRIB_OK ? read_units(reader, trib_json_member(root, "units")) : status;
	status = status == TRIB_OK ? read_hours(reader, trib_json_member(root, "periods"),
						(struct ask_meaning){ .class = 'P' })
				   : status;
	if (status != TRIB_OK)
		return status;
	orders = ask_field_find(reader->ask, trib_bytes_text("orders"));
	if (orders)
		status = read_hours(reader, trib_json_member(root, "sales"),
				    (struct ask_meaning){ .class = 'F', .field = orders });
	status = status == TRIB_OK ? read_lists(reader, root) : status;
	return status == TRIB_OK ? declare(reader) : status;
}

trib_status trib_ask_new(struct trib_bytes yaml, struct trib_ask **ret_ask,
			 struct trib_error *error)
{
	struct trib_ask *ask = trib_alloc_zeroed(1, sizeof(*ask));
	struct reader reader = { ask, error };
	const struct trib_json *root;

	trib_arena_init(&ask->arena, VOCABULARY_BYTES);
	ask->words = ask_words_new();
	trib_status status =
		trib_yaml_parse(yaml, TRIB_LIMIT_JSON_DEPTH, &ask->arena, &root, error);

	if (status == TRIB_OK)
		status = read_all(&reader, root);
	if (status != TRIB_OK) {
		trib_ask_free(ask);
		return status;
	}
	*ret_ask = ask;
	return TRIB_OK;
}

void trib_ask_free(struct trib_ask *ask)
{
	if (!ask)
		return;
	ask_words_free(ask->words);
	trib_arena_fini(&ask->arena);
	free(ask);
}

const struct trib_expr_env *trib_ask_env(const struct trib_ask *ask)
{
	return &ask->env;
}
