/* The reader and writers of JSON; see json.h. The reader recurses, at most depth_max levels. */
#include "proto/json.h"

#include "base/limits.h"

struct reader {
	const char *start, *at, *end;
	uint32_t line, depth, depth_max;
	struct trib_arena *arena;
	struct trib_error *error;
};

static trib_status read_value(struct reader *reader, struct trib_json *ret_json);

/* "line 3 column 7" of where the reader stands. */
static void place(const struct reader *reader, char text[64])
{
	size_t line = 1, column = 1;

	for (const char *p = reader->start; p < reader->at; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	snprintf(text, 64, "line %zu column %zu", line, column);
}

static trib_status expected(struct reader *reader, const char *what)
{
	char at[64];

	place(reader, at);
	if (reader->at == reader->end)
		return trib_fail(reader->error, TRIB_SYNTAX, at, "found the end, expected %s",
				 what);
	unsigned char c = (unsigned char)*reader->at;

	if (c < 0x20 || c >= 0x7f)
		return trib_fail(reader->error, TRIB_SYNTAX, at, "found byte 0x%02x, expected %s",
				 c, what);
	return trib_fail(reader->error, TRIB_SYNTAX, at, "found '%c', expected %s", c, what);
}

static trib_status no_room(struct reader *reader)
{
	char at[64];

	place(reader, at);
	return trib_fail(reader->error, TRIB_TOO_LARGE, at,
			 "found more values than %zu bytes of memory hold, expected a smaller text",
			 reader->arena->size_max);
}

/* Lines end here only: in a string they are escaped. */
static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
					    *reader->at == '\r' || *reader->at == '\t'))
		reader->line += *reader->at++ == '\n';
}

static bool read_hex4(struct reader *reader, uint32_t *ret_code)
{
	uint32_t code = 0;

	if (reader->end - reader->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = reader->at[i];
		unsigned digit = c >= '0' && c <= '9'	? c - '0'
				 : c >= 'a' && c <= 'f' ? c - 'a' + 10
				 : c >= 'A' && c <= 'F' ? c - 'A' + 10
							: 16;

		if (digit == 16)
			return false;
		code = code << 4 | digit;
	}
	reader->at += 4;
	*ret_code = code;
	return true;
}

static char *write_utf8(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out++ = (char)code;
	} else if (code < 0x800) {
		*out++ = (char)(0xc0 | code >> 6);
		*out++ = (char)(0x80 | (code & 0x3f));
	} else if (code < 0x10000) {
		*out++ = (char)(0xe0 | code >> 12);
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		*out++ = (char)(0x80 | (code >> 12 & 0x3f));
		*out++ = (char)(0x80 | (code >> 6 & 0x3f));
		*out++ = (char)(0x80 | (code & 0x3f));
	}
	return out;
}

/* After a backslash. An escape is never longer decoded than written. */
static trib_status read_escape(struct reader *reader, char **out)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	uint32_t code, low;

	if (reader->at == reader->end)
		return expected(reader, "an escape");
	const char *name = *reader->at ? strchr(names, *reader->at) : NULL;

	if (name) {
		reader->at++;
		*(*out)++ = values[name - names];
		return TRIB_OK;
	}
	if (*reader->at != 'u')
		return expected(reader, "an escape of JSON");
	reader->at++;
	if (!read_hex4(reader, &code))
		return expected(reader, "four hexadecimal digits");
	if (code >= 0xdc00 && code <= 0xdfff)
		return expected(reader, "a high surrogate before a low one");
	if (code >= 0xd800 && code <= 0xdbff) {
		if (reader->end - reader->at < 2 || reader->at[0] != '\\' || reader->at[1] != 'u')
			return expected(reader, "a low surrogate");
		reader->at += 2;
		if (!read_hex4(reader, &low) || low < 0xdc00 || low > 0xdfff)
			return expected(reader, "a low surrogate");
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	*out = write_utf8(*out, code);
	return TRIB_OK;
}

/* Where the quotes close, or the end; *ret_escapes says whether a backslash was met. */
static const char *string_end(const struct reader *reader, bool *ret_escapes)
{
	const char *p = reader->at;

	*ret_escapes = false;
	while (p < reader->end && *p != '"') {
		if (*p == '\\') {
			*ret_escapes = true;
			p++;
		}
		p++;
	}
	return TRIB_MIN(p, reader->end);
}

/* At the opening quote. */
static trib_status read_string(struct reader *reader, struct trib_bytes *ret_text)
{
	bool escapes;
	char *text, *out;

	reader->at++;
	const char *end = string_end(reader, &escapes);

	text = out = trib_arena_alloc(reader->arena, (size_t)(end - reader->at) + 1);
	if (!text)
		return no_room(reader);
	while (reader->at < reader->end && *reader->at != '"') {
		unsigned char c = (unsigned char)*reader->at;

		if (c < 0x20)
			return expected(reader, "control characters escaped as \\u00XX");
		if (c == '\\') {
			reader->at++;
			trib_status status = read_escape(reader, &out);

			if (status != TRIB_OK)
				return status;
			continue;
		}
		if (c < 0x80) {
			*out++ = *reader->at++;
			continue;
		}
		size_t step =
			trib_utf8_step(trib_bytes(reader->at, (size_t)(reader->end - reader->at)));

		if (step == 0)
			return expected(reader, "UTF-8");
		memcpy(out, reader->at, step);
		out += step;
		reader->at += step;
	}
	if (reader->at == reader->end)
		return expected(reader, "'\"'");
	reader->at++;
	*out = '\0';
	*ret_text = trib_bytes(text, (size_t)(out - text));
	return TRIB_OK;
}

static bool digit_here(const struct reader *reader)
{
	return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

static trib_status read_number(struct reader *reader, struct trib_bytes *ret_text)
{
	const char *start = reader->at;

	reader->at += *reader->at == '-';
	if (!digit_here(reader))
		return expected(reader, "a digit");
	if (*reader->at == '0') {
		reader->at++;
		if (digit_here(reader))
			return expected(reader, "no digit after a leading zero");
	}
	while (digit_here(reader))
		reader->at++;
	if (reader->at < reader->end && *reader->at == '.') {
		reader->at++;
		if (!digit_here(reader))
			return expected(reader, "a digit");
		while (digit_here(reader))
			reader->at++;
	}
	if (reader->at < reader->end && (*reader->at == 'e' || *reader->at == 'E')) {
		reader->at++;
		if (reader->at < reader->end && (*reader->at == '+' || *reader->at == '-'))
			reader->at++;
		if (!digit_here(reader))
			return expected(reader, "a digit");
		while (digit_here(reader))
			reader->at++;
	}
	*ret_text = trib_bytes(start, (size_t)(reader->at - start));
	return TRIB_OK;
}

static int compare_keys(const void *a, const void *b)
{
	const struct trib_json *const *left = a, *const *right = b;

	return trib_bytes_compare((*left)->key, (*right)->key);
}

/* The members in the order of their keys; NULL where the arena is full. */
static const struct trib_json **sorted_members(const struct trib_json *object,
					       struct trib_arena *arena)
{
	const struct trib_json **members =
		trib_arena_alloc(arena, object->count * sizeof(*members));
	size_t i = 0;

	if (!members)
		return NULL;
	for (const struct trib_json *member = object->first; member; member = member->next)
		members[i++] = member;
	qsort(members, object->count, sizeof(*members), compare_keys);
	return members;
}

static trib_status second_key(struct reader *reader, struct trib_bytes key)
{
	char at[64];

	place(reader, at);
	return trib_fail(reader->error, TRIB_SYNTAX, at,
			 "found a second \"" TRIB_BYTES_FMT "\", expected each name once",
			 (int)TRIB_MIN(key.size, (size_t)64), key.data);
}

/* Few keys are compared with each other, many are sorted: outsiders choose how many there are. */
static trib_status refuse_duplicates(struct reader *reader, const struct trib_json *object)
{
	enum { FEW = 12 };

	if (object->count > FEW) {
		const struct trib_json **members = sorted_members(object, reader->arena);

		if (!members)
			return no_room(reader);
		for (uint32_t i = 1; i < object->count; i++)
			if (trib_bytes_equal(members[i - 1]->key, members[i]->key))
				return second_key(reader, members[i]->key);
		return TRIB_OK;
	}
	for (const struct trib_json *a = object->first; a; a = a->next)
		for (const struct trib_json *b = a->next; b; b = b->next)
			if (trib_bytes_equal(a->key, b->key))
				return second_key(reader, b->key);
	return TRIB_OK;
}

static trib_status read_key(struct reader *reader, struct trib_bytes *ret_key)
{
	if (reader->at == reader->end || *reader->at != '"')
		return expected(reader, "a name in quotes");
	trib_status status = read_string(reader, ret_key);

	if (status != TRIB_OK)
		return status;
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != ':')
		return expected(reader, "':'");
	reader->at++;
	skip_space(reader);
	return TRIB_OK;
}

/* The children of an array or object, after its opening bracket. */
static trib_status read_children(struct reader *reader, char close, struct trib_json *parent)
{
	struct trib_json *last = NULL;
	trib_status status;

	skip_space(reader);
	if (reader->at < reader->end && *reader->at == close) {
		reader->at++;
		return TRIB_OK;
	}
	for (;;) {
		struct trib_json *child = trib_arena_alloc_zeroed(reader->arena, sizeof(*child));

		if (!child)
			return no_room(reader);
		skip_space(reader);
		child->line = reader->line;
		if (close == '}' && (status = read_key(reader, &child->key)) != TRIB_OK)
			return status;
		status = read_value(reader, child);
		if (status != TRIB_OK)
			return status;
		if (last)
			last->next = child;
		else
			parent->first = child;
		last = child;
		parent->count++;
		skip_space(reader);
		if (reader->at == reader->end || (*reader->at != ',' && *reader->at != close))
			return expected(reader, close == '}' ? "',' or '}'" : "',' or ']'");
		if (*reader->at++ == close)
			return TRIB_OK;
	}
}

static trib_status read_nested(struct reader *reader, struct trib_json *json)
{
	bool object = *reader->at == '{';
	trib_status status;
	char at[64];

	if (reader->depth == reader->depth_max) {
		place(reader, at);
		return trib_fail(reader->error, TRIB_LIMIT, at,
				 "found deeper nesting, expected at most %u levels",
				 reader->depth_max);
	}
	reader->at++;
	reader->depth++;
	json->kind = object ? TRIB_JSON_OBJECT : TRIB_JSON_ARRAY;
	status = read_children(reader, object ? '}' : ']', json);
	if (status == TRIB_OK && object)
		status = refuse_duplicates(reader, json);
	reader->depth--;
	return status;
}

static bool take_word(struct reader *reader, const char *word)
{
	size_t size = strlen(word);

	if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, word, size) != 0)
		return false;
	reader->at += size;
	return true;
}

static trib_status read_value(struct reader *reader, struct trib_json *json)
{
	if (reader->at == reader->end)
		return expected(reader, "a JSON value");
	switch (*reader->at) {
	case '{':
	case '[':
		return read_nested(reader, json);
	case '"':
		json->kind = TRIB_JSON_STRING;
		return read_string(reader, &json->text);
	case '-':
	case '0' ... '9':
		json->kind = TRIB_JSON_NUMBER;
		return read_number(reader, &json->text);
	case 't':
		json->kind = TRIB_JSON_TRUE;
		if (take_word(reader, "true"))
			return TRIB_OK;
		break;
	case 'f':
		json->kind = TRIB_JSON_FALSE;
		if (take_word(reader, "false"))
			return TRIB_OK;
		break;
	case 'n':
		json->kind = TRIB_JSON_NULL;
		if (take_word(reader, "null"))
			return TRIB_OK;
		break;
	default:
		break;
	}
	return expected(reader, "a JSON value");
}

trib_status trib_json_parse(struct trib_bytes text, uint32_t depth_max, struct trib_arena *arena,
			    const struct trib_json **ret_root, struct trib_error *error)
{
	const char *start = text.data ? text.data : "";
	struct reader reader = { .start = start,
				 .at = start,
				 .end = start + text.size,
				 .line = 1,
				 .depth_max = depth_max,
				 .arena = arena,
				 .error = error };
	struct trib_json *root = trib_arena_alloc_zeroed(arena, sizeof(*root));
	trib_status status;

	if (!root)
		return no_room(&reader);
	skip_space(&reader);
	root->line = reader.line;
	status = read_value(&reader, root);
	if (status != TRIB_OK)
		return status;
	skip_space(&reader);
	if (reader.at != reader.end)
		return expected(&reader, "the end");
	*ret_root = root;
	return TRIB_OK;
}

const struct trib_json *trib_json_member(const struct trib_json *object, const char *name)
{
	if (!object || object->kind != TRIB_JSON_OBJECT)
		return NULL;
	for (const struct trib_json *member = object->first; member; member = member->next)
		if (trib_bytes_is(member->key, name))
			return member;
	return NULL;
}

const char *trib_json_kind_name(enum trib_json_kind kind)
{
	static const char *const names[] = {
		[TRIB_JSON_NULL] = "null",	  [TRIB_JSON_FALSE] = "false",
		[TRIB_JSON_TRUE] = "true",	  [TRIB_JSON_NUMBER] = "a number",
		[TRIB_JSON_STRING] = "a string",  [TRIB_JSON_ARRAY] = "an array",
		[TRIB_JSON_OBJECT] = "an object",
	};

	return names[kind];
}

static void add_children(struct trib_buffer *buffer, const struct trib_json *json,
			 struct trib_arena *arena)
{
	bool object = json->kind == TRIB_JSON_OBJECT;
	const struct trib_json **members = object ? sorted_members(json, arena) : NULL;
	const struct trib_json *child = json->first;

	if (object && !members) {
		buffer->failed = true;
		return;
	}
	trib_buffer_add_char(buffer, object ? '{' : '[');
	for (uint32_t i = 0; i < json->count; i++) {
		if (i)
			trib_buffer_add_char(buffer, ',');
		if (object) {
			trib_json_add_string(buffer, members[i]->key);
			trib_buffer_add_char(buffer, ':');
			trib_json_add(buffer, members[i], arena);
		} else {
			trib_json_add(buffer, child, arena);
			child = child->next;
		}
	}
	trib_buffer_add_char(buffer, object ? '}' : ']');
}

void trib_json_add(struct trib_buffer *buffer, const struct trib_json *json,
		   struct trib_arena *arena)
{
	switch (json->kind) {
	case TRIB_JSON_NULL:
	case TRIB_JSON_FALSE:
	case TRIB_JSON_TRUE:
		trib_buffer_add_text(buffer, trib_json_kind_name(json->kind));
		return;
	case TRIB_JSON_NUMBER:
		trib_buffer_add_bytes(buffer, json->text);
		return;
	case TRIB_JSON_STRING:
		trib_json_add_string(buffer, json->text);
		return;
	case TRIB_JSON_ARRAY:
	case TRIB_JSON_OBJECT:
		add_children(buffer, json, arena);
		return;
	}
}

trib_status trib_json_canonical(struct trib_bytes text, struct trib_arena *arena,
				struct trib_buffer *buffer, struct trib_error *error)
{
	const struct trib_json *root;
	trib_status status = trib_json_parse(text, TRIB_LIMIT_JSON_DEPTH, arena, &root, error);

	if (status != TRIB_OK)
		return status;
	trib_json_add(buffer, root, arena);
	if (buffer->failed)
		return trib_fail(error, TRIB_TOO_LARGE, "",
				 "found a text larger than its place, expected at most %zu bytes",
				 buffer->size_max);
	return TRIB_OK;
}

/* What stands after the backslash: a letter, 'u' for \u00XX, 0 where the byte stays as it is. */
static char escape_of(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return c < 0x20 || c == 0x7f ? 'u' : 0;
	}
}

/* Length of the longest beginning that needs no change. */
static size_t plain_run(struct trib_bytes text)
{
	size_t i = 0;

	while (i < text.size) {
		unsigned char c = (unsigned char)text.data[i];

		if (c >= 0x80) {
			size_t step = trib_utf8_step(trib_bytes(text.data + i, text.size - i));

			if (step == 0)
				return i;
			i += step;
		} else if (c == '"' || c == '\\' || c < 0x20 || c == 0x7f) {
			return i;
		} else {
			i++;
		}
	}
	return i;
}

void trib_json_add_string(struct trib_buffer *buffer, struct trib_bytes text)
{
	static const char hex[] = "0123456789abcdef";

	trib_buffer_add_char(buffer, '"');
	while (text.size) {
		size_t run = plain_run(text);

		trib_buffer_add(buffer, text.data, run);
		text = trib_bytes(text.data + run, text.size - run);
		if (text.size == 0)
			break;
		unsigned char c = (unsigned char)text.data[0];
		char escape = escape_of(c);

		if (c >= 0x80) {
			trib_buffer_add_text(buffer, "\xef\xbf\xbd");
		} else if (escape == 'u') {
			char code[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

			trib_buffer_add(buffer, code, sizeof(code));
		} else {
			trib_buffer_add_char(buffer, '\\');
			trib_buffer_add_char(buffer, escape);
		}
		text = trib_bytes(text.data + 1, text.size - 1);
	}
	trib_buffer_add_char(buffer, '"');
}

void trib_json_add_double(struct trib_buffer *buffer, double value)
{
	char text[32];

	if (!__builtin_isfinite(value)) {
		trib_buffer_add_text(buffer, "null");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	trib_buffer_add_text(buffer, text);
}
