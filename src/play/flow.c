/* Flows: flow.yaml → flat programs, and their runs. */
#include "play/private.h"

#include <pthread.h>
#include "base/clock.h"
#include "play/shapes.h"

/* ---- The table ------------------------------------------------------------------------------------ */

enum { LATER, SERVED };

static const struct {
	const char *name, *variables, *results, *what;
	bool served;
} table[TRIB_FLOWS] = {
#define X(id, name, served, variables, results, what) { name, variables, results, what, served },
	TRIB_FLOW_TABLE(X)
#undef X
};

static struct trib_flow_row rows[TRIB_FLOWS];
static pthread_once_t rows_once = PTHREAD_ONCE_INIT;

static void make_rows(void)
{
	for (int id = 0; id < TRIB_FLOWS; id++) {
		struct trib_flow_row *row = &rows[id];

		row->name = table[id].name;
		row->what = table[id].what;
		row->served = table[id].served;
		row->order = id == TRIB_FLOW_LINK_CONVERT || id == TRIB_FLOW_ORDER_JUDGE;
		row->results_from = play_fields_read(table[id].variables, row->fields, TRIB_FLOW_FIELDS_MAX);
		row->count = row->results_from + play_fields_read(table[id].results, row->fields + row->results_from,
								  TRIB_FLOW_FIELDS_MAX - row->results_from);
	}
}

const struct trib_flow_row *trib_flow_row(enum trib_flow flow)
{
	pthread_once(&rows_once, make_rows);
	return &rows[flow];
}

enum trib_flow trib_flow_find(struct trib_bytes name)
{
	int id = 0;

	while (id < TRIB_FLOWS && !trib_bytes_is(name, table[id].name))
		id++;
	return (enum trib_flow)id;
}

/* ---- Programs ------------------------------------------------------------------------------------- */

enum op_kind { OP_DO, OP_UNLESS, OP_JUMP, OP_REFUSE };
enum { NAMES_MAX = TRIB_FLOW_FIELDS_MAX + TRIB_LIMIT_FLOW_NAMES, NONE = UINT8_MAX };

/* Where an input of a step comes from: `with`, a constant, or a variable. */
struct source {
	struct trib_expr_program *with;
	const char *constant;
	uint8_t variable; /* NONE: zero */
};

struct op {
	enum op_kind kind;
	uint32_t target; /* UNLESS, JUMP: the next op then */
	uint32_t line;
	struct trib_expr_program *when; /* UNLESS */
	const char *text;		/* REFUSE; of others the condition or the step's name */
	enum trib_capability capability;
	bool ends; /* a `wait` */
	uint8_t as; /* the variable that gets its outputs; NONE: no */
	struct source inputs[TRIB_CAPABILITY_FIELDS_MAX];
	uint8_t result[TRIB_CAPABILITY_FIELDS_MAX]; /* the flow's result that an output is laid over; NONE */
};

struct flow_program {
	const struct trib_play *play; /* NULL: the platform's */
	enum trib_flow flow;
	uint32_t op_count, name_count;
	struct op ops[TRIB_LIMIT_FLOW_STEPS];
	struct trib_expr_variable names[NAMES_MAX]; /* the fields, then what steps are called by `as` */
};

static void program_free(struct flow_program *program)
{
	for (uint32_t i = 0; program && i < program->op_count; i++) {
		trib_expr_free(program->ops[i].when);
		for (uint32_t in = 0; in < TRIB_CAPABILITY_FIELDS_MAX; in++)
			trib_expr_free(program->ops[i].inputs[in].with);
	}
	free(program);
}

/* ---- Reading -------------------------------------------------------------------------------------- */

struct reader {
	const struct trib_flow_row *row;
	struct flow_program *program;
	struct trib_arena *arena;
	uint32_t *ret_line;
	struct trib_error *error;
};

static trib_status refuse(struct reader *reader, const struct trib_json *json, const char *at, const char *text)
{
	*reader->ret_line = json->line;
	return trib_fail(reader->error, TRIB_INVALID, at, "%s", text);
}

static trib_status add_op(struct reader *reader, const struct trib_json *json, enum op_kind kind, uint32_t *ret_op)
{
	struct flow_program *program = reader->program;

	*reader->ret_line = json->line;
	if (program->op_count == TRIB_LIMIT_FLOW_STEPS)
		return trib_fail(reader->error, TRIB_LIMIT, "", "found more than %d steps and branches", TRIB_LIMIT_FLOW_STEPS);
	struct op *op = &program->ops[program->op_count];

	*op = (struct op){ .kind = kind, .line = json->line, .as = NONE };
	memset(op->result, NONE, sizeof(op->result));
	*ret_op = program->op_count++;
	return TRIB_OK;
}

static trib_status compile(struct reader *reader, const struct trib_json *json, const struct trib_type *type,
			   struct trib_expr_program **ret_program)
{
	*reader->ret_line = json->line;
	return play_compile(reader->program->names, reader->program->name_count, json, type, ret_program, reader->error);
}

static uint8_t variable_of(const struct reader *reader, const char *name)
{
	for (uint32_t i = 0; i < reader->program->name_count; i++)
		if (!strcmp(reader->program->names[i].name, name))
			return (uint8_t)i;
	return NONE;
}

/* `as`: a name for what the step gives, for the steps behind it. */
static trib_status read_as(struct reader *reader, const struct trib_json *as, struct op *op)
{
	struct flow_program *program = reader->program;

	if (!as)
		return TRIB_OK;
	if (variable_of(reader, as->text.data) != NONE)
		return refuse(reader, as, "as", "found a name that is taken, expected another");
	if (program->name_count - reader->row->count == TRIB_LIMIT_FLOW_NAMES)
		return refuse(reader, as, "as", "found more names than a flow may give");
	op->as = (uint8_t)program->name_count;
	program->names[program->name_count++] = (struct trib_expr_variable){ as->text.data, &trib_type_map_dyn };
	return TRIB_OK;
}

/* Where each input comes from, and what of the flow each output is laid over. */
static trib_status bind(struct reader *reader, const struct trib_json *step, struct op *op)
{
	const struct trib_capability_row *row = trib_capability_row(op->capability);
	const struct trib_json *with = trib_json_member(step, "with");
	uint32_t stated = 0;
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; i < row->input_count && status == TRIB_OK; i++) {
		const struct trib_json *value = trib_json_member(with, row->inputs[i].name);
		const struct trib_json *plain = op->ends ? trib_json_member(step, row->inputs[i].name) : NULL;

		stated += value != NULL;
		op->inputs[i].variable = variable_of(reader, row->inputs[i].name);
		op->inputs[i].constant = plain ? plain->text.data : NULL;
		if (value)
			status = compile(reader, value, row->inputs[i].type, &op->inputs[i].with);
	}
	for (uint32_t i = 0; i < row->output_count; i++)
		for (uint32_t field = reader->row->results_from; field < reader->row->count; field++)
			if (!strcmp(row->outputs[i].name, reader->row->fields[field].name) &&
			    trib_type_equal(row->outputs[i].type, reader->row->fields[field].type))
				op->result[i] = (uint8_t)field;
	if (status == TRIB_OK && with && stated < with->count)
		return refuse(reader, with, "with", "found a name that is no input of the capability");
	return status;
}

/* The users of a party are not kept in the clear, so a change of one cannot wait; nor can what is no change. */
static bool may_wait(enum trib_flow flow)
{
	return flow == TRIB_FLOW_GOODS_PUT || flow == TRIB_FLOW_PLAN_PUT || flow == TRIB_FLOW_ACTIVITY_PUT;
}

static trib_status read_do(struct reader *reader, const struct trib_json *step, const struct trib_json *what, bool ends)
{
	enum trib_capability id = ends ? TRIB_CAPABILITY_APPROVAL_ASK : trib_capability_find(what->text);
	const struct trib_json *as = trib_json_member(step, "as");
	uint32_t at;
	trib_status status;

	if (id == TRIB_CAPABILITIES)
		return refuse(reader, what, "do", "found no capability of that name; GET /api/v1/capabilities lists them");
	if (ends && !may_wait(reader->program->flow))
		return refuse(reader, what, "wait", "found a wait where nothing can be kept for later, expected it in goods.put, plan.put or "
						    "activity.put");
	if (reader->program->flow == TRIB_FLOW_SHELF_LIST && trib_capability_row(id)->path >= TRIB_CAPABILITY_OUTSIDE)
		return refuse(reader, what, what->key.data, "found a message where runs are not kept, expected none when goods are listed");
	if (reader->row->order && trib_capability_row(id)->path != TRIB_CAPABILITY_ORDER)
		return refuse(reader, what, what->key.data, "found what is not for the way of orders, expected order.… or the like");
	status = add_op(reader, step, OP_DO, &at);
	if (status != TRIB_OK)
		return status;
	struct op *op = &reader->program->ops[at];

	op->capability = id;
	op->ends = ends;
	op->text = as ? as->text.data : trib_capability_row(id)->name;
	status = bind(reader, step, op);
	return status == TRIB_OK ? read_as(reader, as, op) : status;
}

static trib_status read_steps(struct reader *reader, const struct trib_json *steps);

/* What a step does, its condition aside; the shape has seen that it is one of these. */
static trib_status read_body(struct reader *reader, const struct trib_json *step)
{
	const struct trib_json *what = trib_json_member(step, "do"), *wait = trib_json_member(step, "wait"),
			       *no = trib_json_member(step, "refuse");
	uint32_t at;

	if (what || wait)
		return read_do(reader, step, what ? what : wait, wait != NULL);
	if (!no)
		return read_steps(reader, trib_json_member(step, "then"));
	trib_status status = add_op(reader, step, OP_REFUSE, &at);

	if (status == TRIB_OK)
		reader->program->ops[at].text = no->text.data;
	return status;
}

static trib_status read_step(struct reader *reader, const struct trib_json *step)
{
	const struct trib_json *when = trib_json_member(step, "when"), *otherwise = trib_json_member(step, "else");
	struct flow_program *program = reader->program;
	uint32_t unless = 0, jump = 0;
	trib_status status = TRIB_OK;

	if (when) {
		status = add_op(reader, when, OP_UNLESS, &unless);
		if (status == TRIB_OK) {
			program->ops[unless].text = when->text.data;
			status = compile(reader, when, &trib_type_bool, &program->ops[unless].when);
		}
	}
	if (status == TRIB_OK)
		status = read_body(reader, step);
	if (status == TRIB_OK && otherwise)
		status = add_op(reader, step, OP_JUMP, &jump);
	if (status == TRIB_OK && when)
		program->ops[unless].target = program->op_count;
	if (status == TRIB_OK && otherwise) {
		status = read_steps(reader, otherwise);
		program->ops[jump].target = program->op_count;
	}
	return status;
}

/* It recurses as deep as JSON may nest. */
static trib_status read_steps(struct reader *reader, const struct trib_json *steps)
{
	trib_status status = TRIB_OK;
	uint32_t number = 0;
	char at[32];

	for (const struct trib_json *step = steps->first; step && status == TRIB_OK; step = step->next, number++) {
		status = read_step(reader, step);
		if (status == TRIB_OK)
			continue;
		snprintf(at, sizeof(at), "%.20s[%u]", steps->key.data, number);
		trib_error_within(reader->error, at);
	}
	return status;
}

static trib_status read_flow(const struct trib_play *play, const struct trib_json *steps, struct trib_arena *arena,
			     struct flow_program **ret_program, uint32_t *ret_line, struct trib_error *error)
{
	enum trib_flow flow = trib_flow_find(steps->key);
	struct reader reader = { .arena = arena, .ret_line = ret_line, .error = error };

	if (flow == TRIB_FLOWS)
		return refuse(&reader, steps, steps->key.data, "found no flow of that name; docs/plays.md lists them");
	/* Orders are judged where there are no flows: in the rich client, a simulation. */
	if (play && flow == TRIB_FLOW_ORDER_JUDGE)
		return refuse(&reader, steps, steps->key.data,
			      "found a flow of its own where orders are judged, expected capabilities: order.judge, order.hold …");
	reader.row = trib_flow_row(flow);
	reader.program = trib_alloc_zeroed(1, sizeof(*reader.program));
	reader.program->play = play;
	reader.program->flow = flow;
	reader.program->name_count = reader.row->count;
	play_fields_declare(reader.row->fields, reader.row->count, reader.program->names);
	trib_status status = read_steps(&reader, steps);

	if (status != TRIB_OK) {
		program_free(reader.program);
		return status;
	}
	*ret_program = reader.program;
	return TRIB_OK;
}

trib_status play_flows_read(struct trib_play *play, const struct trib_json *json, uint32_t *ret_line,
			    struct trib_error *error)
{
	trib_status status = TRIB_OK;

	for (const struct trib_json *steps = trib_json_member(json, "flows")->first; steps && status == TRIB_OK;
	     steps = steps->next) {
		struct flow_program *program;

		status = read_flow(play, steps, &play->arena, &program, ret_line, error);
		if (status == TRIB_OK)
			play->flows[program->flow] = program;
	}
	if (status != TRIB_OK)
		trib_error_within(error, "flows");
	return status;
}

void play_flows_free(struct trib_play *play)
{
	for (int flow = 0; flow < TRIB_FLOWS; flow++)
		program_free(play->flows[flow]);
}

/* ---- The platform's flows -------------------------------------------------------------------------- */

static const struct flow_program *defaults[TRIB_FLOWS];
static pthread_once_t defaults_once = PTHREAD_ONCE_INIT;

/* Read once, kept as long as the process; that they are right is a matter of our own tests. */
static void make_defaults(void)
{
	static struct trib_arena arena;
	const struct trib_json *json;
	struct trib_error error;
	uint32_t line;

	trib_arena_init(&arena, 1 << 20);
	trib_assert(trib_yaml_parse(play_flows_default(), TRIB_LIMIT_JSON_DEPTH, &arena, &json, &error) == TRIB_OK);
	for (const struct trib_json *steps = trib_json_member(json, "flows")->first; steps; steps = steps->next) {
		struct flow_program *program;

		trib_assert(read_flow(NULL, steps, &arena, &program, &line, &error) == TRIB_OK);
		defaults[program->flow] = program;
	}
	for (int flow = 0; flow < TRIB_FLOWS; flow++)
		trib_assert(defaults[flow]);
}

static const struct flow_program *program_of(const struct trib_play *play, enum trib_flow flow)
{
	pthread_once(&defaults_once, make_defaults);
	return play && play->ways_of_flows[flow] ? play->ways_of_flows[flow] : defaults[flow];
}

bool trib_flow_is_default(const struct trib_play *play, enum trib_flow flow)
{
	const struct flow_program *program = program_of(play, flow);

	if (!play)
		return true;
	if (program->play)
		return false;
	for (uint32_t i = 0; i < program->op_count; i++)
		if (program->ops[i].kind == OP_DO && play->ways[program->ops[i].capability])
			return false;
	return true;
}

bool play_flow_asks(enum trib_flow flow, enum trib_capability capability)
{
	const struct flow_program *program = program_of(NULL, flow);

	for (uint32_t i = 0; i < program->op_count; i++)
		if (program->ops[i].kind == OP_DO && program->ops[i].capability == capability)
			return true;
	return false;
}

/* ---- Runs ----------------------------------------------------------------------------------------- */

struct running {
	const struct trib_play *play;
	const struct flow_program *program;
	struct trib_flow_run *run;
	struct trib_value names[TRIB_LIMIT_FLOW_NAMES]; /* what was given by `as` */
	bool given[TRIB_LIMIT_FLOW_NAMES];
	struct trib_arena *arena;
	struct trib_buffer trace, by;
	struct trib_error *error;
};

static bool get_name(void *context, uint32_t index, struct trib_arena *arena, struct trib_value *ret_value)
{
	const struct running *running = context;
	uint32_t count = running->run->row->count;

	if (index >= count && !running->given[index - count])
		return false;
	*ret_value = index < count ? running->run->values[index] : running->names[index - count];
	return true;
}

static bool has_name(void *context, uint32_t index)
{
	struct trib_value value;

	return get_name(context, index, NULL, &value) && play_value_is_stated(&value);
}

static trib_status evaluate(struct running *running, const struct trib_expr_program *program, const char *at,
			    struct trib_value *ret_value)
{
	struct trib_expr_facts facts = { .get = get_name, .has = has_name, .context = running };
	struct trib_expr_error why;

	if (trib_expr_eval(program, &facts, running->arena, ret_value, &why) != TRIB_OK)
		return trib_expr_fail(running->error, at, &why);
	return TRIB_OK;
}

/* The fields as an object, or null where the trace has no room for it. */
static void trace_values(struct running *running, const char *name, const struct trib_capability_field *fields,
			 const struct trib_value *values, uint32_t count)
{
	enum { VALUES_BYTES = 2048 };
	struct trib_buffer json;

	trib_buffer_init(&json, VALUES_BYTES);
	for (uint32_t i = 0; i < count; i++) {
		trib_buffer_add_char(&json, i ? ',' : '{');
		trib_json_add_string(&json, trib_bytes_text(fields[i].name));
		trib_buffer_add_char(&json, ':');
		play_value_add_json(&values[i], &json);
	}
	trib_buffer_add_char(&json, '}');
	trib_buffer_add_format(&running->trace, ",\"%s\":", name);
	if (json.failed || running->trace.size + json.size > TRIB_LIMIT_FLOW_TRACE_BYTES / 2)
		trib_buffer_add_text(&running->trace, "null");
	else
		trib_buffer_add_bytes(&running->trace, trib_buffer_bytes(&json));
	trib_buffer_fini(&json);
}

/* Begins an item; false where there is no room for one. */
static bool trace_begin(struct running *running, const char *kind, const char *text)
{
	if (running->trace.size > TRIB_LIMIT_FLOW_TRACE_BYTES - 1024)
		return false;
	trib_buffer_add_format(&running->trace, "%s{\"%s\":", running->trace.size > 1 ? "," : "", kind);
	trib_json_add_string(&running->trace, trib_bytes(text, strnlen(text, 200)));
	return true;
}

static void trace_step(struct running *running, const struct op *op, const struct trib_value *in,
		       const struct trib_value *out, int64_t began_ns, trib_status status)
{
	const struct trib_capability_row *row = trib_capability_row(op->capability);

	if (!trace_begin(running, "step", op->text))
		return;
	trib_buffer_add_format(&running->trace, ",\"capability\":\"%s\",\"by\":", row->name);
	trib_json_add_string(&running->trace, trib_bytes(running->by.data, TRIB_MIN(running->by.size, (size_t)300)));
	trace_values(running, "input", row->inputs, in, row->input_count);
	if (status == TRIB_OK)
		trace_values(running, "output", row->outputs, out, row->output_count);
	else
		trib_buffer_add_format(&running->trace, ",\"failed\":\"%s\"", trib_status_word(status));
	trib_buffer_add_format(&running->trace, ",\"ns\":%lld}", (long long)(trib_cpu_thread_ns() - began_ns));
}

static trib_status gather(struct running *running, const struct op *op, struct trib_value *in)
{
	const struct trib_capability_row *row = trib_capability_row(op->capability);
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; i < row->input_count && status == TRIB_OK; i++) {
		const struct source *source = &op->inputs[i];

		in[i] = play_value_zero(row->inputs[i].type);
		if (source->constant)
			in[i] = trib_value_string(trib_bytes_text(source->constant));
		else if (source->with)
			status = evaluate(running, source->with, row->inputs[i].name, &in[i]);
		else if (source->variable != NONE)
			get_name(running, source->variable, running->arena, &in[i]);
		if (status == TRIB_OK && !play_value_fit(&in[i], row->inputs[i].type))
			status = trib_fail(running->error, TRIB_INVALID, row->inputs[i].name,
					   "found a value of type %s, expected another",
					   trib_value_kind_name((enum trib_value_kind)in[i].kind));
	}
	return status;
}

static trib_status propose(struct running *running, const struct op *op, const struct trib_value *out)
{
	const struct trib_capability_row *row = trib_capability_row(op->capability);
	struct trib_flow_run *run = running->run;
	struct trib_buffer json;

	if (run->proposal_count == TRIB_LIMIT_FLOW_PROPOSALS)
		return trib_fail(running->error, TRIB_LIMIT, "", "found more than %d proposals", TRIB_LIMIT_FLOW_PROPOSALS);
	trib_buffer_init(&json, TRIB_LIMIT_FLOW_TRACE_BYTES);
	for (uint32_t i = 0; i < row->output_count; i++) {
		trib_buffer_add_char(&json, i ? ',' : '{');
		trib_json_add_string(&json, trib_bytes_text(row->outputs[i].name));
		trib_buffer_add_char(&json, ':');
		play_value_add_json(&out[i], &json);
	}
	trib_buffer_add_char(&json, '}');
	char *body = json.failed ? NULL : trib_arena_copy(running->arena, trib_buffer_bytes(&json));
	size_t size = json.size;

	trib_buffer_fini(&json);
	if (!body)
		return trib_fail(running->error, TRIB_LIMIT, "", "found a proposal of more than %d bytes",
				 TRIB_LIMIT_FLOW_TRACE_BYTES);
	run->proposals[run->proposal_count++] =
		(struct trib_flow_proposal){ op->capability, op->text, trib_bytes(body, size) };
	return TRIB_OK;
}

/* Its outputs go over the flow's results, and under its name. */
static trib_status take(struct running *running, const struct op *op, const struct trib_value *out)
{
	const struct trib_capability_row *row = trib_capability_row(op->capability);
	uint32_t count = running->run->row->count;

	for (uint32_t i = 0; i < row->output_count; i++)
		if (op->result[i] != NONE)
			running->run->values[op->result[i]] = out[i];
	if (op->as == NONE)
		return TRIB_OK;
	struct trib_value *pairs = trib_arena_alloc(running->arena, 2 * row->output_count * sizeof(*pairs));
	trib_status status = TRIB_NO_MEMORY;

	for (uint32_t i = 0; pairs && i < row->output_count; i++) {
		pairs[i] = trib_value_string(trib_bytes_text(row->outputs[i].name));
		pairs[row->output_count + i] = out[i];
	}
	if (pairs)
		status = trib_value_map(running->arena, pairs, pairs + row->output_count, row->output_count,
					&running->names[op->as - count]);
	running->given[op->as - count] = status == TRIB_OK;
	return status == TRIB_OK ? TRIB_OK : trib_fail(running->error, TRIB_LIMIT, "", "the run is out of memory");
}

static trib_status run_do(struct running *running, const struct op *op)
{
	struct trib_value in[TRIB_CAPABILITY_FIELDS_MAX], out[TRIB_CAPABILITY_FIELDS_MAX];
	const struct trib_capability_row *row = trib_capability_row(op->capability);
	int64_t began_ns = trib_cpu_thread_ns();
	trib_status status = gather(running, op, in);

	trib_buffer_reset(&running->by);
	if (status == TRIB_OK) {
		status = play_capability_run(running->play, op->capability, in, running->arena, out, &running->by,
					     running->error);
		trace_step(running, op, in, out, began_ns, status);
	}
	if (status == TRIB_OK)
		status = take(running, op, out);
	if (status == TRIB_OK && row->path >= TRIB_CAPABILITY_OUTSIDE)
		status = propose(running, op, out);
	return status;
}

/* One op; *pc is where it goes on. */
static trib_status run_op(struct running *running, uint32_t *pc)
{
	const struct op *op = &running->program->ops[(*pc)++];
	struct trib_value value = { 0 };
	struct trib_error ignored, *error = running->error;
	trib_status status;

	switch (op->kind) {
	case OP_JUMP:
		*pc = op->target;
		return TRIB_OK;
	case OP_UNLESS:
		running->error = &ignored; /* an error counts as false */
		status = evaluate(running, op->when, "when", &value);
		running->error = error;
		bool holds = status == TRIB_OK && value.kind == TRIB_VALUE_BOOL && value.boolean;

		if (trace_begin(running, "when", op->text))
			trib_buffer_add_format(&running->trace, ",\"value\":%s}",
					       status != TRIB_OK ? "null" : holds ? "true" : "false");
		*pc = holds ? *pc : op->target;
		return TRIB_OK;
	case OP_REFUSE:
		if (trace_begin(running, "refuse", op->text))
			trib_buffer_add_char(&running->trace, '}');
		return trib_fail(running->error, TRIB_REFUSED, "", "%.300s", op->text);
	default:
		status = run_do(running, op);
		running->run->waits = status == TRIB_OK && op->ends;
		return status;
	}
}

static trib_status read_input(const struct trib_json *input, struct trib_arena *arena, struct trib_flow_run *run,
			      struct trib_error *error)
{
	for (uint32_t i = 0; i < run->row->count; i++)
		run->values[i] = play_value_zero(run->row->fields[i].type);
	for (const struct trib_json *member = input->first; member; member = member->next) {
		uint32_t i = 0;

		while (i < run->row->count && !trib_bytes_is(member->key, run->row->fields[i].name))
			i++;
		if (i == run->row->count)
			return trib_fail(error, TRIB_INVALID, member->key.data, "found no field of the flow %s", run->row->name);
		if (member->kind != TRIB_JSON_NULL &&
		    (trib_json_value(member, arena, &run->values[i]) != TRIB_OK ||
		     !play_value_fit(&run->values[i], run->row->fields[i].type)))
			return trib_fail(error, TRIB_INVALID, member->key.data, "found a value of another type than the flow's");
	}
	return TRIB_OK;
}

static trib_status run_program(struct running *running)
{
	int64_t deadline_ns = trib_cpu_thread_ns() + TRIB_LIMIT_FLOW_MS * INT64_C(1000000);
	const struct flow_program *program = running->program;
	trib_status status = TRIB_OK;
	uint32_t pc = 0, at = 0;

	while (pc < program->op_count && status == TRIB_OK && !running->run->waits) {
		at = pc;
		if (trib_cpu_thread_ns() > deadline_ns)
			status = trib_fail(running->error, TRIB_LIMIT, "", "the flow ran out of time");
		else
			status = run_op(running, &pc);
	}
	if (status == TRIB_OK)
		return TRIB_OK;
	/* The place is the step; what failed inside it goes into the text. */
	const struct op *op = &program->ops[at];
	struct trib_error why = *running->error;
	const char *step = op->kind == OP_DO ? op->text : "refuse";

	if (why.at[0])
		trib_fail(running->error, status, step, "%.150s: %.160s", why.at, why.text);
	else
		trib_fail(running->error, status, step, "%.310s", why.text);
	return status;
}

trib_status trib_flow_run(const struct trib_play *play, enum trib_flow flow, const struct trib_json *input,
			  struct trib_arena *arena, struct trib_flow_run *ret_run, struct trib_error *error)
{
	struct running running = { .play = play, .program = program_of(play, flow), .run = ret_run, .arena = arena, .error = error };
	struct trib_value before[TRIB_FLOW_FIELDS_MAX];

	*ret_run = (struct trib_flow_run){ .row = trib_flow_row(flow) };
	trib_status status = read_input(input, arena, ret_run, error);

	if (status != TRIB_OK)
		return status;
	memcpy(before, ret_run->values, sizeof(before));
	trib_buffer_init(&running.trace, 2 * TRIB_LIMIT_FLOW_TRACE_BYTES);
	trib_buffer_init(&running.by, 1 << 16);
	trib_buffer_add_char(&running.trace, '[');
	status = run_program(&running);
	trib_buffer_add_char(&running.trace, ']');
	char *trace = running.trace.failed ? NULL : trib_arena_copy(arena, trib_buffer_bytes(&running.trace));

	ret_run->trace = trace ? trib_bytes(trace, running.trace.size) : trib_bytes("[]", 2);
	trib_buffer_fini(&running.trace);
	trib_buffer_fini(&running.by);
	if (status != TRIB_OK) {
		ret_run->proposal_count = 0;
		ret_run->waits = false;
		memcpy(ret_run->values, before, sizeof(before));
	}
	return status;
}

struct trib_value trib_flow_value(const struct trib_flow_run *run, const char *name)
{
	uint32_t i = 0;

	while (i < run->row->count && strcmp(run->row->fields[i].name, name) != 0)
		i++;
	trib_assert(i < run->row->count);
	return run->values[i];
}

void trib_flow_write_results(const struct trib_flow_run *run, struct trib_buffer *json)
{
	for (uint32_t i = run->row->results_from; i < run->row->count; i++) {
		trib_buffer_add_char(json, i > run->row->results_from ? ',' : '{');
		trib_json_add_string(json, trib_bytes_text(run->row->fields[i].name));
		trib_buffer_add_char(json, ':');
		play_value_add_json(&run->values[i], json);
	}
	trib_buffer_add_text(json, run->row->results_from < run->row->count ? "}" : "{}");
}
