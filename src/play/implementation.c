/* What plays do at capabilities: `capabilities` of play.yaml, read, linked to those of the parents, and run. */
#include "play/private.h"

#include "play/flow.h"

/* ---- Reading -------------------------------------------------------------------------------------- */

struct reader {
	struct trib_play *play;
	const struct trib_capability_row *row;
	uint32_t *ret_line;
	struct trib_error *error;
};

static trib_status refuse(struct reader *reader, const struct trib_json *json, const char *at, const char *text)
{
	*reader->ret_line = json->line;
	return trib_fail(reader->error, TRIB_INVALID, at, "%s", text);
}

void play_fields_declare(const struct trib_capability_field *fields, uint32_t count,
			 struct trib_expr_variable *ret_variables)
{
	for (uint32_t i = 0; i < count; i++)
		ret_variables[i] = (struct trib_expr_variable){ fields[i].name, fields[i].type };
}

trib_status play_compile(const struct trib_expr_variable *variables, uint32_t count, const struct trib_json *json,
			 const struct trib_type *wanted, struct trib_expr_program **ret_program, struct trib_error *error)
{
	struct trib_expr_env env = { .variables = variables, .variable_count = count, .flags = TRIB_EXPR_FACTS };
	struct trib_expr_program *program;
	struct trib_expr_error why;

	if (trib_expr_compile(&env, json->text, &program, &why) != TRIB_OK)
		return trib_expr_fail(error, json->key.data, &why);
	enum trib_type_kind found = trib_expr_type(program)->kind;

	if (!wanted || found == TRIB_TYPE_DYN || found == wanted->kind ||
	    (wanted->kind == TRIB_TYPE_DOUBLE && found == TRIB_TYPE_INT)) {
		*ret_program = program;
		return TRIB_OK;
	}
	struct trib_buffer text;

	trib_buffer_init(&text, 256);
	trib_type_format(trib_expr_type(program), &text);
	trib_buffer_add_text(&text, ", expected ");
	trib_type_format(wanted, &text);
	trib_fail(error, TRIB_INVALID, json->key.data, "found %.200s", trib_buffer_text(&text));
	trib_buffer_fini(&text);
	trib_expr_free(program);
	return TRIB_INVALID;
}

/* One of {when, lua | cel | use}; the shape has seen that there is exactly one. */
static trib_status read_one(struct reader *reader, const struct trib_json *json, struct play_implementation *item)
{
	struct trib_expr_variable variables[TRIB_CAPABILITY_FIELDS_MAX];
	const struct trib_json *when = trib_json_member(json, "when"), *lua = trib_json_member(json, "lua"),
			       *cel = trib_json_member(json, "cel"), *use = trib_json_member(json, "use");
	const struct trib_json *what = lua ? lua : cel ? cel : use;
	trib_status status = TRIB_OK;

	*item = (struct play_implementation){ .kind = lua ? PLAY_LUA : cel ? PLAY_CEL : PLAY_USE, .text = what->text.data,
					      .line = json->line };
	*reader->ret_line = json->line;
	if (lua && reader->row->path == TRIB_CAPABILITY_ORDER)
		return refuse(reader, lua, "lua", "found a script on the way of orders, expected cel or use");
	play_fields_declare(reader->row->inputs, reader->row->input_count, variables);
	if (when) {
		*reader->ret_line = when->line;
		status = play_compile(variables, reader->row->input_count, when, &trib_type_bool, &item->when, reader->error);
	}
	if (status == TRIB_OK && cel) {
		*reader->ret_line = cel->line;
		status = play_compile(variables, reader->row->input_count, cel,
				      reader->row->output_count == 1 ? reader->row->outputs[0].type : NULL, &item->cel,
				      reader->error);
	}
	return status;
}

/* A list, or {chain, of}. */
static trib_status read_list(struct reader *reader, const struct trib_json *json, struct play_override *override)
{
	const struct trib_json *chain = trib_json_member(json, "chain"), *of = trib_json_member(json, "of");
	const struct trib_json *list = of ? of : json;
	trib_status status = TRIB_OK;
	char at[32];

	override->play = reader->play;
	override->chain = chain && chain->kind == TRIB_JSON_TRUE;
	override->items = trib_arena_alloc_zeroed(&reader->play->arena, list->count * sizeof(*override->items));
	if (!override->items)
		return refuse(reader, json, "", "found more than memory may hold");
	for (const struct trib_json *item = list->first; item && status == TRIB_OK; item = item->next) {
		status = read_one(reader, item, &override->items[override->count]);
		if (status != TRIB_OK) {
			snprintf(at, sizeof(at), "[%u]", override->count);
			trib_error_within(reader->error, at);
		}
		override->count++;
	}
	return status;
}

trib_status play_overrides_read(struct trib_play *play, const struct trib_json *json, uint32_t *ret_line,
				struct trib_error *error)
{
	trib_status status = TRIB_OK;
	char at[TRIB_ERROR_AT_MAX];

	for (const struct trib_json *member = json->first; member && status == TRIB_OK; member = member->next) {
		enum trib_capability id = trib_capability_find(member->key);
		struct reader reader = { play, NULL, ret_line, error };

		snprintf(at, sizeof(at), "capabilities.%.60s", member->key.data);
		if (id == TRIB_CAPABILITIES)
			return refuse(&reader, member, at, "found no capability of that name; GET /api/v1/capabilities lists them");
		reader.row = trib_capability_row(id);
		play->overrides[id] = trib_arena_alloc_zeroed(&play->arena, sizeof(struct play_override));
		if (!play->overrides[id])
			return refuse(&reader, member, at, "found more than memory may hold");
		status = read_list(&reader, member, play->overrides[id]);
		if (status != TRIB_OK)
			trib_error_within(error, at);
	}
	return status;
}

void play_overrides_free(struct trib_play *play)
{
	for (int id = 0; id < TRIB_CAPABILITIES; id++)
		for (uint32_t i = 0; play->overrides[id] && i < play->overrides[id]->count; i++) {
			trib_expr_free(play->overrides[id]->items[i].when);
			trib_expr_free(play->overrides[id]->items[i].cel);
		}
}

/* ---- Linking -------------------------------------------------------------------------------------- */

static bool has_function(const struct trib_play *play, const char *name)
{
	for (; play; play = play->up)
		if (play->script && trib_script_has(play->script, name))
			return true;
	return false;
}

static const struct play_override *nearest(const struct trib_play *play, int id)
{
	while (play && !play->overrides[id])
		play = play->up;
	return play ? play->overrides[id] : NULL;
}

trib_status play_link(struct trib_play *play, struct trib_error *error)
{
	for (int id = 0; id < TRIB_CAPABILITIES; id++) {
		struct play_override *own = play->overrides[id];

		play->ways[id] = nearest(play, id);
		if (!own)
			continue;
		own->next = nearest(play->up, id);
		for (uint32_t i = 0; i < own->count; i++) {
			char at[TRIB_ERROR_AT_MAX];

			if (own->items[i].kind != PLAY_LUA || has_function(play, own->items[i].text))
				continue;
			snprintf(at, sizeof(at), "%s/play.yaml:%u: capabilities.%s[%u].lua", play->name, own->items[i].line,
				 trib_capability_row((enum trib_capability)id)->name, i);
			return trib_fail(error, TRIB_NOT_FOUND, at, "found no function \"%.64s\" in hooks.lua",
					 own->items[i].text);
		}
	}
	for (int id = 0; id < TRIB_FLOWS; id++) {
		const struct trib_play *of = play;

		while (of && !of->flows[id])
			of = of->up;
		play->ways_of_flows[id] = of ? of->flows[id] : NULL;
	}
	return TRIB_OK;
}

/* ---- Running -------------------------------------------------------------------------------------- */

static trib_status call_script(struct play_run *run, const char *function)
{
	const struct trib_json *json;
	struct trib_buffer input, output;
	struct trib_value value;

	trib_buffer_init(&input, TRIB_LIMIT_SCRIPT_BYTES);
	trib_buffer_init(&output, TRIB_LIMIT_SCRIPT_BYTES);
	for (uint32_t i = 0; i < run->row->input_count; i++) {
		trib_buffer_add_text(&input, i ? ",\"" : "{\"");
		trib_buffer_add_text(&input, run->row->inputs[i].name);
		trib_buffer_add_text(&input, "\":");
		play_value_add_json(&run->in[i], &input);
	}
	trib_buffer_add_char(&input, '}');
	trib_status status = input.failed ? trib_fail(run->error, TRIB_LIMIT, "input", "found more than a script may hold")
					  : trib_json_parse(trib_buffer_bytes(&input), TRIB_LIMIT_JSON_DEPTH, run->arena,
							    &json, run->error);

	if (status == TRIB_OK)
		status = trib_play_call(run->play, function, json, &output, run->error);
	/* The tree's numbers point into the text. */
	char *text = status == TRIB_OK ? trib_arena_copy(run->arena, trib_buffer_bytes(&output)) : NULL;

	if (status == TRIB_OK)
		status = text ? trib_json_parse(trib_bytes(text, output.size), TRIB_LIMIT_JSON_DEPTH, run->arena, &json, run->error)
			      : trib_fail(run->error, TRIB_LIMIT, "output", "found more than a run may hold");
	if (status == TRIB_OK)
		status = trib_json_value(json, run->arena, &value) == TRIB_OK
				 ? play_take_outputs(run, value)
				 : trib_fail(run->error, TRIB_LIMIT, "output", "found more than a run may hold");
	trib_buffer_fini(&input);
	trib_buffer_fini(&output);
	return status;
}

trib_status play_capability_run(const struct trib_play *play, enum trib_capability id, const struct trib_value *in,
				struct trib_arena *arena, struct trib_value *out, struct trib_buffer *by,
				struct trib_error *error)
{
	struct play_run run = { .id = id, .row = trib_capability_row(id), .play = play, .arena = arena, .out = out, .by = by,
			      .script = call_script, .error = error };
	const struct trib_value *refusal;

	memcpy(run.in, in, run.row->input_count * sizeof(*in));
	trib_status status = play_run_way(&run, play ? play->ways[id] : NULL);

	if (status != TRIB_OK || !(refusal = play_refusal(run.row, out)))
		return status;
	return trib_fail(error, TRIB_REFUSED, "", "%.*s", (int)TRIB_MIN(refusal->size, (uint32_t)TRIB_ERROR_TEXT_MAX - 1),
			 refusal->text);
}
