/* Running what a play has for a capability: of a list the first that holds, or all; then its parents', then the default. */
#include "play/private.h"

static bool get_input(void *context, uint32_t index, struct trib_arena *arena, struct trib_value *ret_value)
{
	*ret_value = ((const struct play_run *)context)->in[index];
	return true;
}

static bool has_input(void *context, uint32_t index)
{
	return play_value_is_stated(&((const struct play_run *)context)->in[index]);
}

static trib_status evaluate(struct play_run *run, const struct trib_expr_program *program, struct trib_value *ret_value)
{
	struct trib_expr_facts facts = { .get = get_input, .has = has_input, .context = run };
	struct trib_expr_error why;

	if (trib_expr_eval(program, &facts, run->arena, ret_value, &why) != TRIB_OK)
		return trib_expr_fail(run->error, "cel", &why);
	return TRIB_OK;
}

static bool holds(struct play_run *run, const struct trib_expr_program *when)
{
	struct trib_error ignored, *error = run->error;
	struct trib_value value = { 0 };

	if (!when)
		return true;
	run->error = &ignored;
	trib_status status = evaluate(run, when, &value);

	run->error = error;
	return status == TRIB_OK && value.kind == TRIB_VALUE_BOOL && value.boolean;
}

/* What `pass` gives. */
static void prefill(struct play_run *run)
{
	for (uint32_t i = 0; i < run->row->output_count; i++)
		run->out[i] = run->row->laid_over[i] == UINT8_MAX ? play_value_zero(run->row->outputs[i].type)
								 : run->in[run->row->laid_over[i]];
}

static trib_status take_output(struct play_run *run, uint32_t index, struct trib_value value)
{
	const struct trib_capability_field *field = &run->row->outputs[index];

	if (value.kind == TRIB_VALUE_NULL)
		return TRIB_OK;
	if (!play_value_fit(&value, field->type))
		return trib_fail(run->error, TRIB_INVALID, field->name, "found a value of type %s, expected another",
				 trib_value_kind_name((enum trib_value_kind)value.kind));
	run->out[index] = value;
	return TRIB_OK;
}

/* Of one output it is the value itself; of several a map of them by name, where what is not there stays as it was. */
trib_status play_take_outputs(struct play_run *run, struct trib_value value)
{
	uint32_t taken = 0;
	trib_status status = TRIB_OK;

	if (run->row->output_count == 1)
		return take_output(run, 0, value);
	if (value.kind == TRIB_VALUE_NULL)
		return TRIB_OK;
	if (value.kind != TRIB_VALUE_MAP)
		return trib_fail(run->error, TRIB_INVALID, "output", "found a value of type %s, expected a map of outputs",
				 trib_value_kind_name((enum trib_value_kind)value.kind));
	for (uint32_t i = 0; i < run->row->output_count && status == TRIB_OK; i++) {
		struct trib_value key = trib_value_string(trib_bytes_text(run->row->outputs[i].name));
		const struct trib_value *found = trib_map_find(value.map, &key);

		taken += found != NULL;
		status = found ? take_output(run, i, *found) : TRIB_OK;
	}
	if (status == TRIB_OK && taken < value.map->count)
		return trib_fail(run->error, TRIB_INVALID, "output", "found a name that is no output of %s", run->row->name);
	return status;
}

static trib_status run_one(struct play_run *run, const struct play_override *way, const struct play_implementation *item)
{
	struct trib_value value;
	trib_status status;

	if (item->kind == PLAY_USE && !strcmp(item->text, "parent"))
		return play_run_way(run, way->next);
	if (run->by) {
		static const char *const kinds[] = { "lua", "cel", "use" };

		trib_buffer_add_format(run->by, "%s%s/play.yaml:%u %s", run->by->size ? ", " : "", way->play->name, item->line,
				       kinds[item->kind]);
		if (item->kind != PLAY_CEL)
			trib_buffer_add_format(run->by, " %.64s", item->text);
	}
	prefill(run);
	switch (item->kind) {
	case PLAY_LUA:
		return run->script(run, item->text);
	case PLAY_CEL:
		status = evaluate(run, item->cel, &value);
		return status == TRIB_OK ? play_take_outputs(run, value) : status;
	default:
		if (strcmp(item->text, "pass") != 0)
			trib_capability_default(run->id, run->in, run->out);
		return TRIB_OK;
	}
}

/* Where nothing of a play holds, its parents are asked; at the end it is the default. */
trib_status play_run_way(struct play_run *run, const struct play_override *way)
{
	trib_status status = TRIB_OK;

	for (; way; way = way->next) {
		bool any = false;

		for (uint32_t i = 0; i < way->count && status == TRIB_OK; i++) {
			if (!holds(run, way->items[i].when))
				continue;
			any = true;
			status = run_one(run, way, &way->items[i]);
			if (!way->chain)
				break;
			for (uint32_t out = 0; out < run->row->output_count; out++)
				if (run->row->laid_over[out] != UINT8_MAX)
					run->in[run->row->laid_over[out]] = run->out[out];
			if (play_refusal(run->row, run->out))
				break;
		}
		if (any)
			return status;
	}
	if (run->by)
		trib_buffer_add_text(run->by, run->by->size ? ", default" : "default");
	prefill(run);
	trib_capability_default(run->id, run->in, run->out);
	return TRIB_OK;
}

const struct trib_value *play_refusal(const struct trib_capability_row *row, const struct trib_value *out)
{
	return !strcmp(row->outputs[0].name, "refusal") && out[0].size ? &out[0] : NULL;
}
