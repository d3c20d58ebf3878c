/* From a schema's JSON to nodes: every keyword is checked, every $ref found. */
#include "play/schema_private.h"

enum {
	ARENA_BYTES = 64 << 20,
	PATTERN_BYTES = 256 << 10, /* what RE2 may take for one pattern */
	CHAIN_MAX = 100,	 /* schemas that look at one value through each other */
};

const struct keyword_row keyword_rows[KEYWORDS] = {
#define X(id, name, shape, in_place) { name, SHAPE_##shape, in_place },
	KEYWORD_TABLE(X)
#undef X
};

/* Where in the schema we are, for messages. */
struct way {
	const struct way *up;
	struct trib_bytes name;
	uint32_t index; /* where name is empty */
	const struct trib_json *json;
};

struct compiler {
	struct trib_schema *schema;
	uint32_t *ret_line;
	struct trib_error *error;
	uint32_t patterns;
};

static void add_way(const struct way *way, struct trib_buffer *buffer)
{
	if (!way)
		return;
	add_way(way->up, buffer);
	if (way->name.data)
		trib_buffer_add_format(buffer, "%s" TRIB_BYTES_FMT, buffer->size ? "." : "",
				       TRIB_BYTES_ARG(way->name));
	else if (way->up)
		trib_buffer_add_format(buffer, "[%u]", way->index);
}

static trib_status refuse(struct compiler *compiler, const struct way *way, const char *text)
{
	struct trib_buffer path;

	trib_buffer_init(&path, TRIB_ERROR_AT_MAX);
	add_way(way, &path);
	*compiler->ret_line = way->json->line;
	trib_fail(compiler->error, TRIB_INVALID, trib_buffer_text(&path), "%s", text);
	trib_buffer_fini(&path);
	return TRIB_INVALID;
}

static trib_status no_room(struct compiler *compiler, const struct way *way)
{
	refuse(compiler, way, "found more than a schema may hold, expected a smaller one");
	return compiler->error->status = TRIB_LIMIT;
}

static trib_status compile(struct compiler *compiler, const struct way *way,
			   struct schema_node **ret_node);

/* ---- Values of keywords --------------------------------------------------------------------------- */

static trib_status compile_pattern(struct compiler *compiler, const struct way *way,
				   struct trib_bytes text, struct re2_pattern **ret_pattern)
{
	if (text.size > TRIB_LIMIT_CEL_PATTERN_BYTES)
		return refuse(compiler, way, "found a pattern longer than its limit");
	if (++compiler->patterns > TRIB_LIMIT_SCHEMA_PATTERNS)
		return no_room(compiler, way);
	*ret_pattern = re2_pattern_new(text.data, text.size, PATTERN_BYTES);
	return *ret_pattern ? TRIB_OK :
			      refuse(compiler, way, "found a pattern that RE2 refuses, expected one it takes");
}

static trib_status room_for(struct compiler *compiler, const struct way *way, struct use *use,
			    uint32_t count)
{
	struct trib_arena *arena = &compiler->schema->arena;

	use->schemas = trib_arena_alloc_zeroed(arena, count * sizeof(*use->schemas));
	use->patterns = trib_arena_alloc_zeroed(arena, count * sizeof(struct re2_pattern *));
	if (!use->schemas || !use->patterns)
		return no_room(compiler, way);
	use->count = count;
	return TRIB_OK;
}

/* SCHEMAS, MEMBERS and PATTERNS. */
static trib_status compile_children(struct compiler *compiler, const struct way *way, struct use *use)
{
	enum shape shape = keyword_rows[use->keyword].shape;
	enum trib_json_kind kind = shape == SHAPE_SCHEMAS ? TRIB_JSON_ARRAY : TRIB_JSON_OBJECT;
	uint32_t i = 0;

	if (use->value->kind != kind)
		return refuse(compiler, way,
			      shape == SHAPE_SCHEMAS ? "expected a list of schemas"
						     : "expected an object of schemas");
	if (shape == SHAPE_SCHEMAS && !use->value->count)
		return refuse(compiler, way, "found an empty list, expected a schema or more");
	trib_status status = room_for(compiler, way, use, use->value->count);

	for (const struct trib_json *child = use->value->first; child && status == TRIB_OK;
	     child = child->next, i++) {
		struct way below = { .up = way, .name = child->key, .index = i, .json = child };

		if (shape == SHAPE_PATTERNS)
			status = compile_pattern(compiler, &below, child->key, &use->patterns[i]);
		if (status == TRIB_OK)
			status = compile(compiler, &below, &use->schemas[i]);
	}
	return status;
}

uint32_t schema_type_bit(struct trib_bytes word)
{
	return trib_bytes_is(word, "null")      ? 1u << TRIB_JSON_NULL
	       : trib_bytes_is(word, "boolean") ? 1u << TRIB_JSON_FALSE | 1u << TRIB_JSON_TRUE
	       : trib_bytes_is(word, "number")	? 1u << TRIB_JSON_NUMBER | 1u << TYPE_INTEGER
	       : trib_bytes_is(word, "integer") ? 1u << TYPE_INTEGER
	       : trib_bytes_is(word, "string")	? 1u << TRIB_JSON_STRING
	       : trib_bytes_is(word, "array")	? 1u << TRIB_JSON_ARRAY
	       : trib_bytes_is(word, "object")	? 1u << TRIB_JSON_OBJECT
						: 0;
}

static trib_status compile_types(struct compiler *compiler, const struct way *way, struct use *use)
{
	static const char expected[] =
		"expected null, boolean, integer, number, string, array or object, or a list of them";
	const struct trib_json *first =
		use->value->kind == TRIB_JSON_ARRAY ? use->value->first : use->value;

	if (!first)
		return refuse(compiler, way, expected);
	for (const struct trib_json *type = first; type;
	     type = type == use->value ? NULL : type->next) {
		uint32_t bit = type->kind == TRIB_JSON_STRING ? schema_type_bit(type->text) : 0;

		if (!bit)
			return refuse(compiler, way, expected);
		use->number |= bit;
	}
	return TRIB_OK;
}

static bool all_strings(const struct trib_json *list)
{
	if (list->kind != TRIB_JSON_ARRAY)
		return false;
	for (const struct trib_json *item = list->first; item; item = item->next)
		if (item->kind != TRIB_JSON_STRING)
			return false;
	return true;
}

static bool all_lists_of_strings(const struct trib_json *object)
{
	if (object->kind != TRIB_JSON_OBJECT)
		return false;
	for (const struct trib_json *list = object->first; list; list = list->next)
		if (!all_strings(list))
			return false;
	return true;
}

static const char draft[] = "https://json-schema.org/draft/2020-12/schema";

/* The shapes that hold no schema. */
static trib_status compile_plain(struct compiler *compiler, const struct way *way, struct use *use)
{
	const struct trib_json *value = use->value;
	bool number = value->kind == TRIB_JSON_NUMBER, text = value->kind == TRIB_JSON_STRING;
	struct schema_number read = number ? schema_number(value) : (struct schema_number){ 0 };
	const char *problem = NULL;

	switch (keyword_rows[use->keyword].shape) {
	case SHAPE_TEXT:
		problem = text ? NULL : "expected a string";
		/* Of another draft, or with vocabularies of its own, keywords would mean something else. */
		if (use->keyword == KEYWORD_SCHEMA && text && !trib_bytes_is(value->text, draft))
			problem = "found another dialect, expected https://json-schema.org/draft/2020-12/schema";
		break;
	case SHAPE_NUMBER:
		problem = number ? NULL : "expected a number";
		break;
	case SHAPE_POSITIVE:
		problem = number && read.real > 0 ? NULL : "expected a number above 0";
		break;
	case SHAPE_COUNT:
		problem = read.whole && read.integer >= 0 ? NULL : "expected a whole number from 0 on";
		use->number = (uint64_t)read.integer;
		break;
	case SHAPE_FLAG:
		problem = value->kind == TRIB_JSON_TRUE || value->kind == TRIB_JSON_FALSE ?
				  NULL :
				  "expected true or false";
		break;
	case SHAPE_NAMES:
		problem = all_strings(value) ? NULL : "expected a list of names";
		break;
	case SHAPE_NEEDS:
		problem = all_lists_of_strings(value) ? NULL : "expected an object of lists of names";
		break;
	case SHAPE_VALUES:
		problem = value->kind == TRIB_JSON_ARRAY ? NULL : "expected a list";
		break;
	case SHAPE_REF:
		problem = text && value->text.size && value->text.data[0] == '#' ?
				  NULL :
				  "expected a place in this document, such as \"#/$defs/name\"";
		break;
	default:
		break;
	}
	return problem ? refuse(compiler, way, problem) : TRIB_OK;
}

static trib_status compile_use(struct compiler *compiler, const struct way *way, struct use *use)
{
	trib_status status;

	switch (keyword_rows[use->keyword].shape) {
	case SHAPE_SCHEMA:
		status = room_for(compiler, way, use, 1);
		return status == TRIB_OK ? compile(compiler, way, &use->schemas[0]) : status;
	case SHAPE_SCHEMAS:
	case SHAPE_MEMBERS:
	case SHAPE_MEMBERS_NOTE:
	case SHAPE_PATTERNS:
		return compile_children(compiler, way, use);
	case SHAPE_PATTERN:
		if (use->value->kind != TRIB_JSON_STRING)
			return refuse(compiler, way, "expected a pattern");
		status = room_for(compiler, way, use, 1);
		return status == TRIB_OK ? compile_pattern(compiler, way, use->value->text,
							   &use->patterns[0])
					 : status;
	case SHAPE_TYPES:
		return compile_types(compiler, way, use);
	default:
		return compile_plain(compiler, way, use);
	}
}

/* ---- Schemas -------------------------------------------------------------------------------------- */

static bool keyword_of(struct trib_bytes name, enum keyword *ret_keyword)
{
	for (int i = 0; i < KEYWORDS; i++)
		if (trib_bytes_is(name, keyword_rows[i].name)) {
			*ret_keyword = (enum keyword)i;
			return true;
		}
	return false;
}

static int compare_uses(const void *a, const void *b)
{
	const struct use *left = a, *right = b;

	return (int)left->keyword - (int)right->keyword;
}

/* The keywords of one schema, without their values. */
static trib_status list_uses(struct compiler *compiler, const struct way *way, struct schema_node *node)
{
	node->uses = trib_arena_alloc_zeroed(&compiler->schema->arena,
					     way->json->count * sizeof(*node->uses));
	if (!node->uses)
		return no_room(compiler, way);
	for (const struct trib_json *member = way->json->first; member; member = member->next) {
		struct way below = { .up = way, .name = member->key, .json = member };
		struct use *use = &node->uses[node->count];

		if (member->key.size > 2 && !memcmp(member->key.data, "x-", 2))
			continue;
		if (!keyword_of(member->key, &use->keyword))
			return refuse(compiler, &below,
				      "found no keyword of JSON Schema known here, expected one, or x-… for hints");
		if (use->keyword == KEYWORD_ID && way->up)
			return refuse(compiler, &below, "found $id below the root, expected it there only");
		use->value = member;
		node->count++;
		compiler->schema->tracks |= use->keyword == KEYWORD_UNEVALUATED_ITEMS ||
					    use->keyword == KEYWORD_UNEVALUATED_PROPERTIES;
	}
	qsort(node->uses, node->count, sizeof(*node->uses), compare_uses);
	return TRIB_OK;
}

/* The JSON's depth is bounded by its reader, and so is this recursion. */
static trib_status compile(struct compiler *compiler, const struct way *way,
			   struct schema_node **ret_node)
{
	struct trib_schema *schema = compiler->schema;
	const struct trib_json *json = way->json;
	struct schema_node *node;
	trib_status status;

	if (json->kind != TRIB_JSON_OBJECT && json->kind != TRIB_JSON_TRUE &&
	    json->kind != TRIB_JSON_FALSE)
		return refuse(compiler, way, "expected a schema: an object, true or false");
	node = trib_arena_alloc_zeroed(&schema->arena, sizeof(*node));
	if (!node || schema->count == TRIB_LIMIT_SCHEMA_NODES)
		return no_room(compiler, way);
	node->json = json;
	schema->count++;
	if (schema->last)
		schema->last->next = node;
	else
		schema->root = node;
	schema->last = node;
	*ret_node = node;
	if (json->kind != TRIB_JSON_OBJECT) {
		node->truth = json->kind == TRIB_JSON_TRUE ? TRUTH_ALWAYS : TRUTH_NEVER;
		return TRIB_OK;
	}
	status = list_uses(compiler, way, node);
	for (uint32_t i = 0; i < node->count && status == TRIB_OK; i++) {
		struct use *use = &node->uses[i];
		struct way below = { .up = way, .name = use->value->key, .json = use->value };

		status = compile_use(compiler, &below, use);
	}
	return status;
}

/* ---- References ----------------------------------------------------------------------------------- */

/* Decodes %41 and ~0, ~1 of a part of a pointer. */
static struct trib_bytes decode_part(struct trib_bytes part, char *buffer)
{
	size_t size = 0;

	for (size_t i = 0; i < part.size; i++) {
		char c = part.data[i];
		unsigned code;

		if (c == '%' && i + 2 < part.size &&
		    sscanf((char[]){ part.data[i + 1], part.data[i + 2], 0 }, "%2x", &code) == 1) {
			c = (char)code;
			i += 2;
		}
		if (c == '~' && i + 1 < part.size && (part.data[i + 1] == '0' || part.data[i + 1] == '1'))
			c = part.data[++i] == '0' ? '~' : '/';
		buffer[size++] = c;
	}
	return trib_bytes(buffer, size);
}

static const struct trib_json *child_of(const struct trib_json *json, struct trib_bytes part)
{
	const struct trib_json *child = json->first;
	uint64_t index;

	if (json->kind == TRIB_JSON_OBJECT)
		return schema_member(json, part);
	if (json->kind != TRIB_JSON_ARRAY || !trib_bytes_to_u64(part, &index))
		return NULL;
	for (; child && index; index--)
		child = child->next;
	return child;
}

/* "#/a/b": the schema at that place. */
static struct schema_node *find_pointer(const struct trib_schema *schema, struct trib_bytes pointer)
{
	const struct trib_json *json = schema->root->json;
	char buffer[256];

	while (json && pointer.size) {
		const char *slash = memchr(pointer.data + 1, '/', pointer.size - 1);
		size_t size = slash ? (size_t)(slash - pointer.data) : pointer.size;

		if (size > sizeof(buffer))
			return NULL;
		json = child_of(json, decode_part(trib_bytes(pointer.data + 1, size - 1), buffer));
		pointer = trib_bytes(pointer.data + size, pointer.size - size);
	}
	for (struct schema_node *node = schema->root; node && json; node = node->next)
		if (node->json == json)
			return node;
	return NULL;
}

static struct schema_node *find_ref(const struct trib_schema *schema, struct trib_bytes ref)
{
	ref = trib_bytes(ref.data + 1, ref.size - 1);
	if (!ref.size || ref.data[0] == '/')
		return find_pointer(schema, ref);
	for (struct schema_node *node = schema->root; node; node = node->next) {
		const struct use *anchor = schema_use(node, KEYWORD_ANCHOR);

		if (anchor && trib_bytes_equal(anchor->value->text, ref))
			return node;
	}
	return NULL;
}

static trib_status resolve_refs(struct compiler *compiler)
{
	for (struct schema_node *node = compiler->schema->root; node; node = node->next)
		for (uint32_t i = 0; i < node->count; i++) {
			struct use *use = &node->uses[i];
			struct way way = { .name = use->value->key, .json = use->value };

			if (use->keyword != KEYWORD_REF)
				continue;
			trib_status status = room_for(compiler, &way, use, 1);

			if (status != TRIB_OK)
				return status;
			use->schemas[0] = find_ref(compiler->schema, use->value->text);
			if (!use->schemas[0])
				return refuse(compiler, &way, "found no schema at that place of the document");
		}
	return TRIB_OK;
}

/* A schema that leads back to itself without looking deeper into the value would never end. */
static trib_status refuse_circles(struct compiler *compiler, struct schema_node *node, uint32_t depth)
{
	struct way way = { .name = trib_bytes_text("$ref"), .json = node->json };

	if (node->colour == COLOUR_DONE)
		return TRIB_OK;
	if (node->colour == COLOUR_OPEN)
		return refuse(compiler, &way, "found a circle that never looks deeper into the value");
	if (depth == CHAIN_MAX)
		return refuse(compiler, &way, "found a longer chain of schemas over one value than its limit");
	node->colour = COLOUR_OPEN;
	for (uint32_t i = 0; i < node->count; i++)
		for (uint32_t j = 0; keyword_rows[node->uses[i].keyword].in_place && j < node->uses[i].count;
		     j++) {
			trib_status status =
				refuse_circles(compiler, node->uses[i].schemas[j], depth + 1);

			if (status != TRIB_OK)
				return status;
		}
	node->colour = COLOUR_DONE;
	return TRIB_OK;
}

/* ---- The door ------------------------------------------------------------------------------------- */

void trib_schema_free(struct trib_schema *schema)
{
	if (!schema)
		return;
	for (struct schema_node *node = schema->root; node; node = node->next)
		for (uint32_t i = 0; i < node->count; i++)
			for (uint32_t j = 0; node->uses[i].patterns && j < node->uses[i].count; j++)
				re2_pattern_free(node->uses[i].patterns[j]);
	trib_arena_fini(&schema->arena);
	free(schema);
}

trib_status trib_schema_new(const struct trib_json *json, struct trib_schema **ret_schema,
			    uint32_t *ret_line, struct trib_error *error)
{
	struct trib_schema *schema = trib_alloc_zeroed(1, sizeof(*schema));
	struct compiler compiler = { schema, ret_line, error, 0 };
	struct way way = { .json = json };
	struct schema_node *root;
	trib_status status;

	trib_arena_init(&schema->arena, ARENA_BYTES);
	status = compile(&compiler, &way, &root);
	if (status == TRIB_OK)
		status = resolve_refs(&compiler);
	for (struct schema_node *node = schema->root; node && status == TRIB_OK; node = node->next)
		status = refuse_circles(&compiler, node, 0);
	if (status != TRIB_OK) {
		trib_schema_free(schema);
		return status;
	}
	*ret_schema = schema;
	return TRIB_OK;
}
