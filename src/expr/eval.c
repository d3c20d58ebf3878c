/* The evaluator: a loop over the code, a stack of values, a frame for each comprehension that is under way. */
#include "expr/program.h"

enum {
	STACK_VALUES = 48,
	STACK_FRAMES = 2
}; /* kept on the C stack; larger programs take theirs from the arena */

struct frame {
	struct trib_value item;
	struct trib_value held; /* all, exists: the first error */
	const struct trib_value *range;
	uint32_t next, count;
	uint32_t matches;	  /* exists_one */
	struct trib_value *items; /* filter, map */
	uint32_t item_count, item_capacity;
};

struct machine {
	struct function_context context;
	const struct trib_expr_program *program;
	const struct trib_expr_facts *facts;
	struct trib_value *top; /* the next free place */
	struct frame *frames;
};

static inline struct trib_value fault_at(uint32_t pc, enum function_fault fault)
{
	return (struct trib_value){ .kind = TRIB_VALUE_ERROR, .code = (pc + 1) << 8 | fault };
}

/* ---- Steps ---------------------------------------------------------------------------------------- */

static struct trib_value variable(struct machine *machine, uint32_t index, uint32_t pc)
{
	struct trib_value value;

	if (!machine->facts ||
	    !machine->facts->get(machine->facts->context, index, machine->context.arena, &value))
		return fault_at(pc, FAULT_ABSENT);
	return value;
}

static struct trib_value is_present(struct machine *machine, uint32_t index, uint32_t pc)
{
	const struct trib_expr_facts *facts = machine->facts;

	if (facts && facts->has)
		return trib_value_bool(facts->has(facts->context, index));
	return trib_value_bool(variable(machine, index, pc).kind != TRIB_VALUE_ERROR);
}

static struct trib_value select_field(const struct trib_value *value, const struct trib_value *name,
				      uint32_t pc)
{
	if (value->kind == TRIB_VALUE_ERROR)
		return *value;
	if (value->kind != TRIB_VALUE_MAP)
		return fault_at(pc, FAULT_NO_FIELDS);
	const struct trib_value *found = trib_map_find(value->map, name);

	return found ? *found : fault_at(pc, FAULT_NO_KEY);
}

static struct trib_value has_field(const struct trib_value *value, const struct trib_value *name,
				   uint32_t pc)
{
	if (value->kind == TRIB_VALUE_ERROR)
		return *value;
	if (value->kind != TRIB_VALUE_MAP)
		return fault_at(pc, FAULT_NO_FIELDS);
	return trib_value_bool(trib_map_find(value->map, name) != NULL);
}

static inline struct trib_value with_place(struct trib_value value, uint32_t pc)
{
	if (TRIB_UNLIKELY(value.kind == TRIB_VALUE_ERROR))
		value.code = (pc + 1) << 8 | (value.code & 255);
	return value;
}

static struct trib_value call(struct machine *machine, const struct instruction *step,
			      const struct trib_value *args, uint32_t pc)
{
	for (uint32_t i = 0; i < step->count; i++)
		if (TRIB_UNLIKELY(args[i].kind == TRIB_VALUE_ERROR))
			return args[i];
	return with_place(function_call(&machine->context, step->arg, args, step->count), pc);
}

static struct trib_value match(struct machine *machine, const struct trib_value *text,
			       uint32_t index, uint32_t pc)
{
	const struct re2_pattern *pattern = machine->program->patterns[index];

	if (text->kind == TRIB_VALUE_ERROR)
		return *text;
	if (text->kind != TRIB_VALUE_STRING)
		return fault_at(pc, FAULT_NO_OVERLOAD);
	if (!text_spend_on_match(&machine->context, pattern, text->size))
		return fault_at(pc, FAULT_COST);
	return trib_value_bool(re2_pattern_matches(pattern, text->text, text->size));
}

static struct trib_value select_in_zone(struct machine *machine, const struct instruction *step,
					const struct trib_value *value, uint32_t pc)
{
	if (value->kind == TRIB_VALUE_ERROR)
		return *value;
	if (value->kind != TRIB_VALUE_TIMESTAMP)
		return fault_at(pc, FAULT_NO_OVERLOAD);
	return with_place(time_select(step->count, value, &machine->program->zones[step->arg]), pc);
}

static struct trib_value status_fault(trib_status status, enum function_fault invalid, uint32_t pc)
{
	return fault_at(pc, status == TRIB_INVALID ? invalid
			    : status == TRIB_LIMIT ? FAULT_TOO_DEEP
						   : FAULT_MEMORY);
}

static struct trib_value make_list(struct machine *machine, const struct trib_value *items,
				   uint32_t count, uint32_t pc)
{
	struct trib_value list;

	for (uint32_t i = 0; i < count; i++)
		if (items[i].kind == TRIB_VALUE_ERROR)
			return items[i];
	struct trib_value *copy = trib_arena_alloc(machine->context.arena, count * sizeof(*copy));

	if (!copy)
		return fault_at(pc, FAULT_MEMORY);
	memcpy(copy, items, count * sizeof(*copy));
	trib_status status = trib_value_list(machine->context.arena, copy, count, &list);

	return status == TRIB_OK ? list : status_fault(status, FAULT_TOO_DEEP, pc);
}

static bool is_key(const struct trib_value *value)
{
	return value->kind == TRIB_VALUE_STRING || value->kind == TRIB_VALUE_INT ||
	       value->kind == TRIB_VALUE_UINT || value->kind == TRIB_VALUE_BOOL;
}

/* items: keys and values in turn. */
static struct trib_value make_map(struct machine *machine, const struct trib_value *items,
				  uint32_t count, uint32_t pc)
{
	struct trib_value map;
	uint32_t pairs = count / 2;

	for (uint32_t i = 0; i < count; i++)
		if (items[i].kind == TRIB_VALUE_ERROR)
			return items[i];
	struct trib_value *copy = trib_arena_alloc(machine->context.arena, count * sizeof(*copy));

	if (!copy)
		return fault_at(pc, FAULT_MEMORY);
	for (uint32_t i = 0; i < pairs; i++) {
		if (!is_key(&items[2 * i]))
			return fault_at(pc, FAULT_BAD_KEY);
		copy[i] = items[2 * i];
		copy[pairs + i] = items[2 * i + 1];
	}
	trib_status status =
		trib_value_map(machine->context.arena, copy, copy + pairs, pairs, &map);

	return status == TRIB_OK ? map : status_fault(status, FAULT_REPEATED_KEY, pc);
}

/* ---- Comprehensions ------------------------------------------------------------------------------- */

/* False: *range is an error now. */
static bool begin(struct frame *frame, struct trib_value *range, uint32_t pc)
{
	*frame = (struct frame){ 0 };
	if (range->kind == TRIB_VALUE_LIST) {
		frame->range = range->list->items;
		frame->count = range->list->count;
		return true;
	}
	if (range->kind == TRIB_VALUE_MAP) {
		frame->range = range->map->keys;
		frame->count = range->map->count;
		return true;
	}
	if (range->kind != TRIB_VALUE_ERROR)
		*range = fault_at(pc, FAULT_NOT_ITERABLE);
	return false;
}

static bool collect(struct machine *machine, struct frame *frame, struct trib_value value)
{
	if (frame->item_count == frame->item_capacity) {
		/* Never more than there are items in the range. */
		uint32_t capacity = TRIB_MIN(frame->count, TRIB_MAX(8u, frame->item_capacity * 2));
		struct trib_value *items =
			trib_arena_alloc(machine->context.arena, capacity * sizeof(*items));

		if (!items)
			return false;
		if (frame->item_count)
			memcpy(items, frame->items, frame->item_count * sizeof(*items));
		frame->items = items;
		frame->item_capacity = capacity;
	}
	frame->items[frame->item_count++] = value;
	return true;
}

/*
 * The condition or value of one item. True: go on with the next; false: *value is the result of the whole.
 */
static bool step_over(struct machine *machine, enum operation operation, struct frame *frame,
		      struct trib_value *value, uint32_t pc)
{
	if (operation != OP_COLLECT && value->kind != TRIB_VALUE_BOOL &&
	    value->kind != TRIB_VALUE_ERROR)
		*value = fault_at(pc, FAULT_NO_OVERLOAD);
	if (value->kind == TRIB_VALUE_ERROR) {
		if (operation != OP_ALL && operation != OP_EXISTS)
			return false;
		if (frame->held.kind != TRIB_VALUE_ERROR)
			frame->held = *value;
		return true;
	}
	switch (operation) {
	case OP_ALL:
		return value->boolean;
	case OP_EXISTS:
		return !value->boolean;
	case OP_ONE:
		frame->matches += value->boolean;
		return true;
	case OP_FILTER:
		if (!value->boolean)
			return true;
		*value = frame->item;
		break;
	default:
		break;
	}
	if (collect(machine, frame, *value))
		return true;
	*value = fault_at(pc, FAULT_MEMORY);
	return false;
}

static struct trib_value result_of(struct machine *machine, enum operation operation,
				   struct frame *frame, uint32_t pc)
{
	struct trib_value list;

	if (operation == OP_END_ONE)
		return trib_value_bool(frame->matches == 1);
	if (operation != OP_END_LIST)
		return frame->held.kind == TRIB_VALUE_ERROR
			       ? frame->held
			       : trib_value_bool(operation == OP_END_ALL);
	trib_status status =
		trib_value_list(machine->context.arena, frame->items, frame->item_count, &list);

	return status == TRIB_OK ? list : status_fault(status, FAULT_TOO_DEEP, pc);
}

/* ---- The loop ------------------------------------------------------------------------------------- */

/* An operand of && or ||: a bool, or the error that stands for anything else. */
static inline void to_logic(struct trib_value *value, uint32_t pc)
{
	if (TRIB_UNLIKELY(value->kind != TRIB_VALUE_BOOL && value->kind != TRIB_VALUE_ERROR))
		*value = fault_at(pc, FAULT_NO_OVERLOAD);
}

static inline bool is_bool(const struct trib_value *value, bool boolean)
{
	return value->kind == TRIB_VALUE_BOOL && value->boolean == boolean;
}

/* One function, longer than others, so that the loop keeps its state in registers. */
static struct trib_value run(struct machine *machine)
{
	const struct instruction *code = machine->program->code;
	const struct trib_value *constants = machine->program->constants;
	struct trib_value *top = machine->top;
	uint32_t pc = 0;

	for (;;) {
		const struct instruction *step = &code[pc];
		uint32_t at = pc++;

		switch ((enum operation)step->operation) {
		case OP_CONST:
			*top++ = constants[step->arg];
			break;
		case OP_VARIABLE:
			*top++ = variable(machine, step->arg, at);
			break;
		case OP_PRESENT:
			*top++ = is_present(machine, step->arg, at);
			break;
		case OP_LOCAL:
			*top++ = machine->frames[step->arg].item;
			break;
		case OP_FAIL:
			*top++ = fault_at(at, step->count);
			break;
		case OP_SELECT:
			top[-1] = select_field(&top[-1], &constants[step->arg], at);
			break;
		case OP_HAS:
			top[-1] = has_field(&top[-1], &constants[step->arg], at);
			break;
		case OP_CALL:
			top -= step->count;
			*top = call(machine, step, top, at);
			top++;
			break;
		case OP_MATCH:
			top[-1] = match(machine, &top[-1], step->arg, at);
			break;
		case OP_ZONE:
			top[-1] = select_in_zone(machine, step, &top[-1], at);
			break;
		case OP_LIST:
			top -= step->arg;
			*top = make_list(machine, top, step->arg, at);
			top++;
			break;
		case OP_MAP:
			top -= step->arg;
			*top = make_map(machine, top, step->arg, at);
			top++;
			break;
		case OP_AND_FIRST:
		case OP_OR_FIRST:
			to_logic(&top[-1], at);
			if (is_bool(&top[-1], step->operation == OP_OR_FIRST))
				pc = step->arg;
			break;
		case OP_AND_NEXT:
		case OP_OR_NEXT:
			top--;
			to_logic(top, at);
			if (is_bool(top, step->operation == OP_OR_NEXT)) {
				top[-1] = *top;
				pc = step->arg;
			} else if (top[-1].kind != TRIB_VALUE_ERROR) {
				top[-1] = *top;
			}
			break;
		case OP_CONDITION:
			top--;
			if (TRIB_LIKELY(top->kind == TRIB_VALUE_BOOL)) {
				pc += top->boolean;
				break;
			}
			to_logic(top, at);
			top++;
			pc = step->arg;
			break;
		case OP_JUMP:
			pc = step->arg;
			break;
		case OP_ITER:
			if (begin(&machine->frames[step->count], &top[-1], at))
				top--;
			else
				pc = step->arg;
			break;
		case OP_NEXT: {
			struct frame *frame = &machine->frames[step->count];

			if (frame->next == frame->count) {
				pc = step->arg;
				break;
			}
			if (!function_spend(&machine->context, step->arg - at))
				return fault_at(at, FAULT_COST);
			frame->item = frame->range[frame->next++];
			break;
		}
		case OP_ALL:
		case OP_EXISTS:
		case OP_ONE:
		case OP_FILTER:
		case OP_COLLECT:
			top--;
			if (!step_over(machine, step->operation, &machine->frames[step->count], top,
				       at)) {
				top++;
				pc = step->arg;
			}
			break;
		case OP_END_ALL:
		case OP_END_EXISTS:
		case OP_END_ONE:
		case OP_END_LIST:
			*top++ = result_of(machine, step->operation, &machine->frames[step->count],
					   at);
			break;
		case OP_RETURN:
			return top[-1];
		}
	}
}

/* ---- Errors as text ------------------------------------------------------------------------------- */

static void describe_overload(const struct trib_expr_program *program,
			      const struct instruction *step, const struct trib_value *value,
			      struct trib_buffer *text)
{
	uint64_t kinds = value->unsigned_integer;

	if (step->operation != OP_CALL)
		return;
	trib_buffer_add_format(text, ": '%s' applied to (", trib_expr_function_name(step->arg));
	for (uint32_t i = 0; i < (kinds & 255); i++)
		trib_buffer_add_format(
			text, "%s%s", i ? ", " : "",
			trib_value_kind_name((enum trib_value_kind)(kinds >> (8 + 8 * i) & 255)));
	trib_buffer_add_text(text, ")");
}

static void describe(const struct trib_expr_program *program, const struct instruction *step,
		     const struct trib_value *value, struct trib_buffer *text)
{
	enum function_fault fault = value->code & 255;
	const struct trib_value *name = step->operation == OP_SELECT || step->operation == OP_HAS ||
							step->operation == OP_FAIL
						? &program->constants[step->arg]
						: NULL;

	if (fault == FAULT_UNRESOLVED && name) {
		trib_buffer_add_format(text, "undeclared reference to '%.*s' (in container '%s')",
				       (int)TRIB_MIN(name->size, 100u), name->text,
				       program->env.container ? program->env.container : "");
		return;
	}
	trib_buffer_add_text(text, function_fault_text(fault));
	if (fault == FAULT_ABSENT)
		trib_buffer_add_format(text, ": %s", program->env.variables[step->arg].name);
	else if (fault == FAULT_INDEX)
		trib_buffer_add_format(text, ": %lld", (long long)value->integer);
	else if (fault == FAULT_NO_OVERLOAD)
		describe_overload(program, step, value, text);
	else if (name)
		trib_buffer_add_format(text, ": '%.*s'", (int)TRIB_MIN(name->size, 100u),
				       name->text);
}

static trib_status fail_eval(const struct trib_expr_program *program,
			     const struct trib_value *value, struct trib_expr_error *error)
{
	uint32_t pc = (value->code >> 8) - 1;
	enum function_fault fault = value->code & 255;
	trib_status status = fault == FAULT_COST || fault == FAULT_TOO_DEEP ? TRIB_LIMIT
			     : fault == FAULT_MEMORY			    ? TRIB_NO_MEMORY
									    : TRIB_INVALID;
	struct trib_buffer text;

	if (!error)
		return status;
	trib_buffer_init(&text, sizeof(error->text) - 1);
	describe(program, &program->code[pc], value, &text);
	error->stage = TRIB_EXPR_EVAL;
	error->status = status;
	trib_expr_position(program, program->offsets[pc], &error->line, &error->column);
	snprintf(error->text, sizeof(error->text), "%s", trib_buffer_text(&text));
	trib_buffer_fini(&text);
	return status;
}

trib_status trib_expr_eval(const struct trib_expr_program *program,
			   const struct trib_expr_facts *facts, struct trib_arena *arena,
			   struct trib_value *ret_value, struct trib_expr_error *error)
{
	struct trib_value values[STACK_VALUES];
	struct frame frames[STACK_FRAMES];
	struct machine machine = { .context = { .arena = arena, .budget = facts && facts->steps ? facts->steps : TRIB_LIMIT_CEL_COST },
				   .program = program,
				   .facts = facts,
				   .top = values,
				   .frames = frames };

	if (program->stack_max + 1 > STACK_VALUES)
		machine.top =
			trib_arena_alloc(arena, (program->stack_max + 1) * sizeof(*machine.top));
	if (program->frames > STACK_FRAMES)
		machine.frames = trib_arena_alloc(arena, program->frames * sizeof(*machine.frames));
	struct trib_value value =
		machine.top && machine.frames ? run(&machine) : fault_at(0, FAULT_MEMORY);

	if (TRIB_UNLIKELY(value.kind == TRIB_VALUE_ERROR))
		return fail_eval(program, &value, error);
	*ret_value = value;
	return TRIB_OK;
}
