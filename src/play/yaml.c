/* The reader of YAML, over libyaml's events; see yaml.h. It recurses, at most depth_max levels. */
#include "play/yaml.h"

#include <yaml.h>
#include "base/limits.h"

struct reader {
	yaml_parser_t parser;
	yaml_event_t event; /* the next one */
	bool filled;
	uint32_t depth, depth_max;
	struct trib_arena *arena;
	struct trib_error *error;
};

static trib_status read_value(struct reader *reader, struct trib_json *json);

static trib_status refuse(struct reader *reader, trib_status status, const yaml_mark_t *mark,
			  const char *text)
{
	char at[64];

	snprintf(at, sizeof(at), "line %zu column %zu", mark->line + 1, mark->column + 1);
	return trib_fail(reader->error, status, at, "%s", text);
}

static trib_status refuse_here(struct reader *reader, const char *text)
{
	return refuse(reader, TRIB_SYNTAX, &reader->event.start_mark, text);
}

static trib_status no_room(struct reader *reader)
{
	return refuse(reader, TRIB_TOO_LARGE, &reader->event.start_mark,
		      "found more values than memory may hold, expected a smaller text");
}

/* libyaml's own words, where it stands. */
static trib_status broken(struct reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	char text[TRIB_ERROR_TEXT_MAX];
	/* Of bytes that are no text libyaml tells the offset, and no mark. */
	const yaml_mark_t *mark = parser->error == YAML_READER_ERROR ? &parser->mark :
								       &parser->problem_mark;

	snprintf(text, sizeof(text), "%s%s%s", parser->context ? parser->context : "",
		 parser->context ? ", " : "", parser->problem ? parser->problem : "broken YAML");
	return refuse(reader, parser->error == YAML_MEMORY_ERROR ? TRIB_NO_MEMORY : TRIB_SYNTAX, mark,
		      text);
}

static trib_status advance(struct reader *reader)
{
	if (reader->filled)
		yaml_event_delete(&reader->event);
	reader->filled = yaml_parser_parse(&reader->parser, &reader->event);
	return reader->filled ? TRIB_OK : broken(reader);
}

/* ---- Scalars -------------------------------------------------------------------------------------- */

static bool is_number(struct trib_bytes text)
{
	size_t i = text.size && text.data[0] == '-', digits = 0, from = i;

	for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++)
		digits++;
	if (!digits || (digits > 1 && text.data[from] == '0'))
		return false;
	if (i < text.size && text.data[i] == '.') {
		for (digits = 0, i++; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++)
			digits++;
		if (!digits)
			return false;
	}
	if (i < text.size && (text.data[i] == 'e' || text.data[i] == 'E')) {
		i++;
		i += i < text.size && (text.data[i] == '+' || text.data[i] == '-');
		for (digits = 0; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++)
			digits++;
		if (!digits)
			return false;
	}
	return i == text.size;
}

static enum trib_json_kind kind_of_plain(struct trib_bytes text)
{
	return text.size == 0 || trib_bytes_is(text, "~") || trib_bytes_is(text, "null")
		       ? TRIB_JSON_NULL
	       : trib_bytes_is(text, "true")  ? TRIB_JSON_TRUE
	       : trib_bytes_is(text, "false") ? TRIB_JSON_FALSE
	       : is_number(text)	      ? TRIB_JSON_NUMBER
					      : TRIB_JSON_STRING;
}

/* The text of the scalar that comes next, copied. */
static trib_status take_text(struct reader *reader, struct trib_bytes *ret_text)
{
	struct trib_bytes text = trib_bytes(reader->event.data.scalar.value,
					    reader->event.data.scalar.length);
	char *copy = trib_arena_copy(reader->arena, text);

	if (!copy)
		return no_room(reader);
	*ret_text = trib_bytes(copy, text.size);
	return TRIB_OK;
}

/* Anchors and tags would be a second way to say things; an alias can make a small text a huge tree. */
static trib_status refuse_extras(struct reader *reader)
{
	const yaml_event_t *event = &reader->event;
	bool scalar = event->type == YAML_SCALAR_EVENT, list = event->type == YAML_SEQUENCE_START_EVENT;
	const void *anchor = scalar ? event->data.scalar.anchor
			     : list ? event->data.sequence_start.anchor
				    : event->data.mapping_start.anchor;
	const void *tag = scalar ? event->data.scalar.tag
			  : list ? event->data.sequence_start.tag
				 : event->data.mapping_start.tag;

	if (anchor)
		return refuse_here(reader, "found an anchor, expected none");
	return tag ? refuse_here(reader, "found a tag, expected none") : TRIB_OK;
}

static trib_status read_scalar(struct reader *reader, struct trib_json *json)
{
	trib_status status = take_text(reader, &json->text);

	if (status != TRIB_OK)
		return status;
	json->kind = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE
			     ? kind_of_plain(json->text)
			     : TRIB_JSON_STRING;
	if (json->kind != TRIB_JSON_NUMBER && json->kind != TRIB_JSON_STRING)
		json->text = (struct trib_bytes){ 0 };
	return advance(reader);
}

/* ---- Lists and mappings --------------------------------------------------------------------------- */

static trib_status read_key(struct reader *reader, const struct trib_json *mapping,
			    struct trib_bytes *ret_key)
{
	if (reader->event.type != YAML_SCALAR_EVENT)
		return refuse_here(reader, "found no name, expected one before ':'");
	trib_status status = refuse_extras(reader);

	if (status == TRIB_OK)
		status = take_text(reader, ret_key);
	if (status != TRIB_OK)
		return status;
	for (const struct trib_json *other = mapping->first; other; other = other->next)
		if (trib_bytes_equal(other->key, *ret_key))
			return refuse_here(reader, "found a name a second time, expected each once");
	return advance(reader);
}

static trib_status read_children(struct reader *reader, struct trib_json *json)
{
	bool mapping = json->kind == TRIB_JSON_OBJECT;
	yaml_event_type_t end = mapping ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
	struct trib_json *last = NULL;
	trib_status status = advance(reader);

	while (status == TRIB_OK && reader->event.type != end) {
		struct trib_json *child = trib_arena_alloc_zeroed(reader->arena, sizeof(*child));

		if (!child)
			return no_room(reader);
		child->line = (uint32_t)reader->event.start_mark.line + 1;
		if (mapping)
			status = json->count == TRIB_LIMIT_YAML_NAMES
					 ? refuse(reader, TRIB_LIMIT, &reader->event.start_mark,
						  "found more names in one mapping than its limit")
					 : read_key(reader, json, &child->key);
		if (status == TRIB_OK)
			status = read_value(reader, child);
		if (last)
			last->next = child;
		else
			json->first = child;
		last = child;
		json->count++;
	}
	return status == TRIB_OK ? advance(reader) : status;
}

static trib_status read_value(struct reader *reader, struct trib_json *json)
{
	yaml_event_type_t type = reader->event.type;
	trib_status status;

	if (type == YAML_ALIAS_EVENT)
		return refuse_here(reader, "found an alias, expected the value itself");
	if ((status = refuse_extras(reader)) != TRIB_OK)
		return status;
	if (type == YAML_SCALAR_EVENT)
		return read_scalar(reader, json);
	if (reader->depth == reader->depth_max)
		return refuse(reader, TRIB_LIMIT, &reader->event.start_mark,
			      "found deeper nesting than its limit");
	reader->depth++;
	json->kind = type == YAML_MAPPING_START_EVENT ? TRIB_JSON_OBJECT : TRIB_JSON_ARRAY;
	status = read_children(reader, json);
	reader->depth--;
	return status;
}

static trib_status read_document(struct reader *reader, struct trib_json *root)
{
	trib_status status = advance(reader); /* the stream begins */

	if (status == TRIB_OK)
		status = advance(reader);
	if (status != TRIB_OK)
		return status;
	if (reader->event.type != YAML_DOCUMENT_START_EVENT)
		return refuse_here(reader, "found nothing, expected a document");
	if ((status = advance(reader)) != TRIB_OK)
		return status;
	root->line = (uint32_t)reader->event.start_mark.line + 1;
	if ((status = read_value(reader, root)) == TRIB_OK)
		status = advance(reader); /* past the document's end */
	if (status == TRIB_OK && reader->event.type != YAML_STREAM_END_EVENT)
		return refuse_here(reader, "found a second document, expected one");
	return status;
}

trib_status trib_yaml_parse(struct trib_bytes text, uint32_t depth_max, struct trib_arena *arena,
			    const struct trib_json **ret_root, struct trib_error *error)
{
	struct reader reader = { .depth_max = depth_max, .arena = arena, .error = error };
	struct trib_json *root = trib_arena_alloc_zeroed(arena, sizeof(*root));
	trib_status status;

	if (!root || !yaml_parser_initialize(&reader.parser))
		return trib_fail(error, TRIB_NO_MEMORY, "line 1 column 1", "out of memory");
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(text.data ? text.data : ""),
				     text.size);
	status = read_document(&reader, root);
	if (reader.filled)
		yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	if (status == TRIB_OK)
		*ret_root = root;
	return status;
}
