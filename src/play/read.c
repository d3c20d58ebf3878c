/* Reads a play's files: each into a tree, by its shape, then by what the shape cannot say. */
#include "play/private.h"
#include "play/shapes.h"

/* A file is read into some ten times its size; YAML's shortest value, "[]", takes a node. */
enum { ARENA_BYTES = 64 << 20, CHECK_BYTES = 16 << 20 };

struct reading {
	struct trib_play *play;
	const struct trib_play_trees *trees;
	struct trib_error *error;
	struct trib_arena scratch;
};

typedef trib_status read_fn(struct reading *reading, const struct document *document);
static read_fn read_play, read_ext, read_cases, read_flows, read_script, read_tree, read_nothing;

/* The files of a play: X(folder or "", name or "", ending, how it is read, its shape or NULL, how its content is taken). */
static const struct kind {
	const char *folder, *name, *ending;
	struct trib_bytes (*shape)(void);
	read_fn *take;
	bool text; /* not parsed */
} kinds[] = {
	{ "", "play", ".yaml", play_shape_play, read_play, false },
	{ "", "ext.schema", ".json", play_shape_ext, read_ext, false },
	{ "", "flow", ".yaml", play_shape_flow, read_flows, false },
	{ "", "hooks", ".lua", NULL, read_script, true },
	{ "", "checklist", ".yaml", play_shape_checklist, read_nothing, false },
	{ "", "README", ".md", NULL, read_nothing, true },
	{ "cases/", "", ".yaml", play_shape_cases, read_cases, false },
	{ "rules/", "", ".json", NULL, read_tree, true },
};

trib_status play_error_in(struct trib_error *error, const char *file, uint32_t line)
{
	char at[TRIB_ERROR_AT_MAX];
	unsigned parsed_line, column;

	if (sscanf(error->at, "line %u column %u", &parsed_line, &column) == 2)
		snprintf(at, sizeof(at), "%s:%u:%u", file, parsed_line, column);
	else if (snprintf(at, sizeof(at), line ? "%s:%u%s%.80s" : "%s%.0u%s%.80s", file, line,
			  error->at[0] ? ": " : "", error->at) < 0)
		return error->status;
	memcpy(error->at, at, sizeof(at));
	return error->status;
}

/* ---- Names of files ------------------------------------------------------------------------------- */

static bool has_ending(struct trib_bytes name, const char *ending)
{
	size_t size = strlen(ending);

	return name.size > size && !memcmp(name.data + name.size - size, ending, size);
}

/* The file's name without folder and ending. */
static struct trib_bytes stem_of(struct trib_bytes name, const struct kind *kind)
{
	size_t before = strlen(kind->folder);

	return trib_bytes(name.data + before, name.size - before - strlen(kind->ending));
}

static const struct kind *kind_of(struct trib_bytes name)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(kinds); i++) {
		size_t folder = strlen(kinds[i].folder);

		if (name.size <= folder + strlen(kinds[i].ending) || !has_ending(name, kinds[i].ending) ||
		    memcmp(name.data, kinds[i].folder, folder) != 0)
			continue;
		struct trib_bytes stem = stem_of(name, &kinds[i]);

		if (kinds[i].name[0] ? trib_bytes_is(stem, kinds[i].name) :
				       trib_external_id_valid(stem))
			return &kinds[i];
	}
	return NULL;
}

/* ---- What the files say --------------------------------------------------------------------------- */

static const char *text_of(const struct trib_json *object, const char *name)
{
	const struct trib_json *member = trib_json_member(object, name);

	return member ? member->text.data : "";
}

static trib_status read_nothing(struct reading *reading, const struct document *document)
{
	return TRIB_OK;
}

static trib_status read_play(struct reading *reading, const struct document *document)
{
	const struct trib_json *json = document->json, *when = trib_json_member(json, "when");
	const struct trib_json *priority = trib_json_member(json, "priority");
	struct trib_play *play = reading->play;

	play->name = text_of(json, "name");
	play->title = text_of(json, "title");
	play->description = text_of(json, "description");
	play->parent = text_of(json, "parent");
	play->when_text = when->text.data;
	if (play->parent[0])
		play->parent_line = trib_json_member(json, "parent")->line;
	if (!strcmp(play->name, "default")) {
		trib_fail(reading->error, TRIB_INVALID, "name", "found \"default\", which are the platform's own ways, expected another name");
		return play_error_in(reading->error, document->name, trib_json_member(json, "name")->line);
	}
	if (priority && !trib_bytes_to_i64(priority->text, &play->priority)) {
		trib_fail(reading->error, TRIB_INVALID, "priority", "expected a whole number without a point");
		return play_error_in(reading->error, document->name, priority->line);
	}
	play->has_priority = priority != NULL;
	if (play_identity_new(when, &play->when, &play->fields, reading->error) != TRIB_OK)
		return play_error_in(reading->error, document->name, when->line);
	const struct trib_json *capabilities = trib_json_member(json, "capabilities");
	uint32_t line = 0;

	if (capabilities && play_overrides_read(play, capabilities, &line, reading->error) != TRIB_OK)
		return play_error_in(reading->error, document->name, line);
	return TRIB_OK;
}

static trib_status read_flows(struct reading *reading, const struct document *document)
{
	uint32_t line = 0;

	if (play_flows_read(reading->play, document->json, &line, reading->error) != TRIB_OK)
		return play_error_in(reading->error, document->name, line);
	return TRIB_OK;
}

static trib_status read_ext(struct reading *reading, const struct document *document)
{
	uint32_t line = 0;

	if (trib_schema_new(document->json, &reading->play->ext, &line, reading->error) != TRIB_OK)
		return play_error_in(reading->error, document->name, line);
	return TRIB_OK;
}

static trib_status read_script(struct reading *reading, const struct document *document)
{
	uint32_t line;

	if (trib_script_new(document->text, &reading->play->script, &line, reading->error) != TRIB_OK)
		return play_error_in(reading->error, document->name, line);
	return TRIB_OK;
}

static trib_status read_cases(struct reading *reading, const struct document *document)
{
	struct trib_play *play = reading->play;
	uint32_t count = play->case_count + document->json->count;
	struct play_case *cases = trib_arena_alloc(&play->arena, count * sizeof(*cases));
	uint32_t i = play->case_count;

	if (!cases)
		return trib_fail(reading->error, TRIB_TOO_LARGE, document->name, "found more cases than memory may hold");
	for (uint32_t old = 0; old < play->case_count; old++)
		cases[old] = play->cases[old];
	for (const struct trib_json *json = document->json->first; json; json = json->next)
		cases[i++] = (struct play_case){ document, json };
	play->cases = cases;
	play->case_count = count;
	return TRIB_OK;
}

/* Does a place begin with a name, and end there or go on below it? */
static bool begins_with(const char *at, struct trib_bytes name)
{
	return !strncmp(at, name.data, name.size) && memchr(".[:", at[name.size], sizeof(".[:"));
}

/* The line of the field in the node that a place of rules names, "node.when:1:11"; 0 if it is not found. */
static uint32_t line_of_node(const struct trib_json *json, const char *at)
{
	const struct trib_json *id = trib_json_member(json, "id");
	uint32_t line = 0;

	if (id && id->kind == TRIB_JSON_STRING && begins_with(at, id->text)) {
		at += id->text.size + (at[id->text.size] != '\0');
		for (const struct trib_json *member = json->first; member; member = member->next)
			if (begins_with(at, member->key))
				return member->line;
		return id->line;
	}
	for (const struct trib_json *child = json->first; child && !line; child = child->next)
		line = line_of_node(child, at);
	return line;
}

static trib_status read_tree(struct reading *reading, const struct document *document)
{
	struct trib_bytes name = trib_bytes_text(document->name);
	const struct trib_json *json;
	trib_status status;

	/* Parsed for the lines; the tree's own reader says what is wrong with it. */
	status = trib_json_parse(document->text, TRIB_LIMIT_JSON_DEPTH, &reading->scratch, &json,
				 reading->error);
	if (status != TRIB_OK)
		return play_error_in(reading->error, document->name, 0);
	status = reading->trees->check(reading->trees->context, stem_of(name, kind_of(name)),
				       document->text, reading->error);
	if (status != TRIB_OK)
		return play_error_in(reading->error, document->name,
				     line_of_node(json, reading->error->at));
	return TRIB_OK;
}

/* ---- Files ---------------------------------------------------------------------------------------- */

/* By one of the schemas that are built in. */
static trib_status check_shape(struct reading *reading, const struct document *document,
			       struct trib_bytes shape)
{
	struct trib_schema *schema;
	const struct trib_json *json;
	uint32_t line = 0;
	trib_status status;

	status = trib_json_parse(shape, TRIB_LIMIT_JSON_DEPTH, &reading->scratch, &json, reading->error);
	trib_assert(status == TRIB_OK);
	status = trib_schema_new(json, &schema, &line, reading->error);
	trib_assert(status == TRIB_OK);
	status = trib_schema_check(schema, document->json, &reading->scratch, &line, reading->error);
	trib_schema_free(schema);
	return status == TRIB_OK ? TRIB_OK : play_error_in(reading->error, document->name, line);
}

static trib_status parse(struct reading *reading, const struct document *document, bool yaml,
			 const struct trib_json **ret_json)
{
	trib_status status = (yaml ? trib_yaml_parse : trib_json_parse)(
		document->text, TRIB_LIMIT_JSON_DEPTH, &reading->play->arena, ret_json,
		reading->error);

	return status == TRIB_OK ? TRIB_OK : play_error_in(reading->error, document->name, 0);
}

static trib_status read_file(struct reading *reading, const struct trib_play_file *file,
			     struct document *document)
{
	const struct kind *kind = kind_of(file->name);
	char name[80];
	trib_status status = TRIB_OK;

	snprintf(name, sizeof(name), TRIB_BYTES_FMT, TRIB_BYTES_ARG(file->name.size ? file->name : trib_bytes_text("\"\"")));
	if (!kind)
		return trib_fail(reading->error, TRIB_INVALID, name,
				 "found a file that no play has, expected play.yaml, ext.schema.json, flow.yaml, hooks.lua, checklist.yaml, "
				 "README.md, cases/*.yaml or rules/*.json");
	if (!trib_utf8_valid(file->text))
		return trib_fail(reading->error, TRIB_SYNTAX, name, "found bytes that are no UTF-8");
	char *text = trib_arena_copy(&reading->play->arena, file->text);

	document->name = trib_arena_copy(&reading->play->arena, file->name);
	document->text = trib_bytes(text, file->text.size);
	if (!document->name || !text)
		return trib_fail(reading->error, TRIB_TOO_LARGE, name, "found more than memory may hold");
	if (!kind->text)
		status = parse(reading, document, has_ending(file->name, ".yaml"), &document->json);
	if (status == TRIB_OK && kind->shape)
		status = check_shape(reading, document, kind->shape());
	if (status == TRIB_OK)
		status = kind->take(reading, document);
	trib_arena_reset(&reading->scratch);
	return status;
}

static trib_status check_files(const struct trib_play_file *files, uint32_t count,
			       struct trib_error *error)
{
	size_t bytes = 0;
	bool found = false;

	if (count > TRIB_LIMIT_PLAY_FILES)
		return trib_fail(error, TRIB_LIMIT, "", "found %u files, expected at most %d", count,
				 TRIB_LIMIT_PLAY_FILES);
	for (uint32_t i = 0; i < count; i++) {
		bytes += files[i].name.size + files[i].text.size;
		found = found || trib_bytes_is(files[i].name, "play.yaml");
		for (uint32_t j = 0; j < i; j++)
			if (trib_bytes_equal(files[i].name, files[j].name))
				return trib_fail(error, TRIB_INVALID, "", "found a file twice: \"%.*s\"",
						 (int)TRIB_MIN(files[i].name.size, (size_t)80),
						 files[i].name.data);
	}
	if (bytes > TRIB_LIMIT_PLAY_BYTES)
		return trib_fail(error, TRIB_TOO_LARGE, "", "found %zu bytes in all files, expected at most %d", bytes,
				 TRIB_LIMIT_PLAY_BYTES);
	return found ? TRIB_OK : trib_fail(error, TRIB_INVALID, "play.yaml", "found no such file, expected it in every play");
}

trib_status trib_play_new(const struct trib_play_file *files, uint32_t count,
			  const struct trib_play_trees *trees, struct trib_play **ret_play,
			  struct trib_error *error)
{
	struct reading reading = { .trees = trees, .error = error };
	struct document *documents;
	trib_status status = check_files(files, count, error);

	if (status != TRIB_OK)
		return status;
	struct trib_play *play = reading.play = trib_alloc_zeroed(1, sizeof(*play));

	trib_arena_init(&play->arena, ARENA_BYTES);
	trib_arena_init(&reading.scratch, CHECK_BYTES);
	play->documents = documents = trib_arena_alloc_zeroed(&play->arena, count * sizeof(*documents));
	play->document_count = count;
	for (uint32_t i = 0; i < count && status == TRIB_OK; i++)
		status = read_file(&reading, &files[i], &documents[i]);
	trib_arena_fini(&reading.scratch);
	if (status != TRIB_OK) {
		trib_play_free(play);
		return status;
	}
	*ret_play = play;
	return TRIB_OK;
}

void trib_play_free(struct trib_play *play)
{
	if (!play)
		return;
	trib_expr_free(play->when);
	trib_schema_free(play->ext);
	trib_script_free(play->script);
	play_overrides_free(play);
	play_flows_free(play);
	trib_arena_fini(&play->arena);
	free(play);
}

const char *trib_play_name(const struct trib_play *play)
{
	return play->name;
}

const char *trib_play_title(const struct trib_play *play)
{
	return play->title;
}

const char *trib_play_description(const struct trib_play *play)
{
	return play->description;
}

const char *trib_play_parent(const struct trib_play *play)
{
	return play->parent;
}

const char *trib_play_when(const struct trib_play *play)
{
	return play->when_text;
}

int64_t trib_play_priority(const struct trib_play *play)
{
	return play->priority;
}

uint32_t trib_play_version(const struct trib_play *play)
{
	return play->version;
}

const struct trib_play *trib_play_up(const struct trib_play *play)
{
	return play->up;
}

uint32_t trib_play_cases(const struct trib_play *play)
{
	return play->case_count;
}

const char *trib_play_case(const struct trib_play *play, uint32_t number)
{
	return text_of(play->cases[number].json, "case");
}
