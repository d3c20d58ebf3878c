/*
 * The walk: an interpreter of the flat program of rules/program.h.
 *
 * It is written twice by the compiler: once for facts of which every group that the tree reads is open, and once,
 * with the counting of errors, for the others.
 */
#include "rules/program.h"

/* Counts that a condition met a fact that is not there. Lost counts would do no harm, torn ones would. */
static void count_error(const struct trib_tree *tree, const struct instr *instr)
{
	__atomic_fetch_add(&tree->errors[tree->owner[instr - tree->code]], 1, __ATOMIC_RELAXED);
}

static int64_t load(const int64_t *place)
{
	return __atomic_load_n(place, __ATOMIC_RELAXED);
}

static bool is_in(const int64_t *data, uint32_t count, int64_t value)
{
	for (uint32_t i = 0; i < count; i++)
		if (load(&data[i]) == value)
			return true;
	return false;
}

static uint32_t look_up(const struct table_row *rows, uint64_t mask, int64_t key, uint32_t missed)
{
	for (size_t i = table_hash(key) & mask;; i = (i + 1) & mask) {
		int64_t found = __atomic_load_n(&rows[i].key, __ATOMIC_ACQUIRE);

		if (found == key)
			return __atomic_load_n(&rows[i].place, __ATOMIC_RELAXED);
		if (found == ROW_FREE)
			return missed;
	}
}

/* How many of the ascending ends are <= value. */
static uint32_t count_steps(const int64_t *ends, uint32_t count, int64_t value)
{
	const int64_t *base = ends;

	if (count == 0)
		return 0;
	while (count > 1) {
		uint32_t half = count / 2;

		base = base[half - 1] <= value ? base + half : base;
		count -= half;
	}
	return (uint32_t)(base - ends) + (*base <= value);
}

static bool has_tag(const struct trib_facts *facts, int64_t code)
{
	/* A constant that waits for its code is wider than any code. */
	return code == (uint32_t)code && trib_codes_has(facts->tags, (uint32_t)code);
}

static const struct trib_ext_pair *find_ext(const struct trib_facts *facts, struct trib_bytes key)
{
	for (uint32_t i = 0; i < facts->ext_count; i++)
		if (trib_bytes_equal(facts->ext[i].key, key))
			return &facts->ext[i];
	return NULL;
}

/* Yes, no, or neither, where the key is not there. */
enum answer { NO, YES, NEITHER };

static enum answer ext_text(const struct trib_tree *tree, const struct instr *instr,
			    const struct trib_facts *facts)
{
	const struct trib_bytes *texts = &tree->texts[instr->instr_at];
	const struct trib_ext_pair *pair = find_ext(facts, texts[0]);

	if (!pair)
		return NEITHER;
	for (uint32_t i = 1; i <= instr->count; i++)
		if (trib_bytes_equal(pair->value, texts[i]))
			return YES;
	return NO;
}

/* Two facts of the same kind and space. */
static bool same(const struct trib_facts *facts, enum trib_fact a, enum trib_fact b)
{
	if (TRIB_UNLIKELY((trib_fact_in(&facts->raw, a) || trib_fact_in(&facts->raw, b)) &&
			  trib_fact_rows[a].kind == TRIB_FACT_STRING))
		return trib_bytes_equal(trib_facts_text(facts, a), trib_facts_text(facts, b));
	return facts->value[a] == facts->value[b];
}

static bool has_part(const struct trib_facts *facts, struct trib_bytes text)
{
	struct trib_bytes rest = trib_facts_text(facts, TRIB_FACT_GOODS_CATEGORY), part;

	while (trib_facts_next_part(&rest, &part))
		if (trib_bytes_equal(part, text))
			return true;
	return false;
}

static bool rich(const struct trib_tree *tree, const struct instr *instr,
		 const struct trib_facts *facts)
{
	struct trib_value value;

	if (condition_eval(tree->nodes[instr->instr_at].program, facts, &value) != TRIB_OK) {
		count_error(tree, instr);
		return false;
	}
	return value.kind == TRIB_VALUE_BOOL && value.boolean;
}

/* The rarer questions, out of the way of the others. Facts of the instruction are open. */
static __attribute__((noinline)) uint32_t
step_rare(const struct trib_tree *tree, const struct instr *instr, const struct trib_facts *facts)
{
	enum trib_fact a = (enum trib_fact)instr->fact, b = (enum trib_fact)instr->other;
	enum answer answer;

	switch ((enum op)instr->op) {
	case OP_PART:
		answer = has_part(facts, tree->texts[instr->instr_at]) ? YES : NO;
		break;
	case OP_NOT_PART:
		answer = has_part(facts, tree->texts[instr->instr_at]) ? NO : YES;
		break;
	case OP_EXT_HAS:
		answer = find_ext(facts, tree->texts[instr->instr_at]) ? YES : NO;
		break;
	case OP_NOT_EXT_HAS:
		answer = find_ext(facts, tree->texts[instr->instr_at]) ? NO : YES;
		break;
	case OP_EXT_TEXT:
		answer = ext_text(tree, instr, facts);
		break;
	case OP_NOT_EXT_TEXT:
		answer = ext_text(tree, instr, facts);
		answer = answer == NEITHER ? NEITHER : answer == NO ? YES : NO;
		break;
	case OP_SAME:
		answer = same(facts, a, b) ? YES : NO;
		break;
	case OP_NOT_SAME:
		answer = same(facts, a, b) ? NO : YES;
		break;
	case OP_LESS:
		answer = facts->value[a] < facts->value[b] ? YES : NO;
		break;
	case OP_NOT_LESS:
		answer = facts->value[a] < facts->value[b] ? NO : YES;
		break;
	case OP_LESS_OR_SAME:
		answer = facts->value[a] <= facts->value[b] ? YES : NO;
		break;
	case OP_NOT_LESS_OR_SAME:
		answer = facts->value[a] <= facts->value[b] ? NO : YES;
		break;
	case OP_RICH:
		answer = rich(tree, instr, facts) ? YES : NO;
		break;
	default:
		trib_assert(!"an instruction of the program");
		answer = NO;
	}
	if (answer == NEITHER)
		count_error(tree, instr);
	return answer == YES ? instr->t : instr->f;
}

/* Is every fact that the instruction asks for there? */
static inline bool is_open(const struct instr *instr, const trib_fact_set *open)
{
	switch ((enum op)instr->op) {
	case OP_JUMP:
	case OP_PRESENT:
	case OP_NOT_PRESENT:
	case OP_OPEN:
	case OP_NOT_OPEN:
	case OP_RICH:
		return true;
	case OP_SAME:
	case OP_NOT_SAME:
	case OP_LESS:
	case OP_NOT_LESS:
	case OP_LESS_OR_SAME:
	case OP_NOT_LESS_OR_SAME:
		return trib_fact_in(open, instr->fact) && trib_fact_in(open, instr->other);
	default:
		return trib_fact_in(open, instr->fact);
	}
}

static inline bool in_range(const struct instr *instr, const int64_t *value)
{
	return (uint64_t)value[instr->fact] - (uint64_t)load(&instr->lo) <= instr->span;
}

/* One case a question: longer than other functions, and read as a table. */
static inline __attribute__((always_inline)) uint32_t
run(const struct trib_tree *tree, const struct trib_facts *facts, const bool all_open)
{
	const int64_t *value = facts->value;
	const struct instr *code = tree->code;
	uint32_t place = tree->start;

	while (!(place & PC_DONE)) {
		const struct instr *instr = &code[place];
		const int64_t *data;

		if (!all_open && !is_open(instr, &facts->open)) {
			count_error(tree, instr);
			place = instr->f;
			continue;
		}
		switch ((enum op)instr->op) {
		case OP_JUMP:
			place = instr->t;
			break;
		case OP_SCAN:
			/* Most siblings say no, one after another: no dispatch between them. */
			while (instr->op == OP_SCAN && (all_open || is_open(instr, &facts->open)) &&
			       !in_range(instr, value))
				instr++;
			place = (uint32_t)(instr - code);
			if (instr->op == OP_SCAN && (all_open || is_open(instr, &facts->open)))
				place = instr->t;
			break;
		case OP_RANGE:
			place = in_range(instr, value) ? instr->t : instr->f;
			break;
		case OP_OUTSIDE:
			place = in_range(instr, value) ? instr->f : instr->t;
			break;
		case OP_IN:
			place = is_in(&tree->data[instr->instr_at], instr->count,
				      value[instr->fact])
					? instr->t
					: instr->f;
			break;
		case OP_NOT_IN:
			place = is_in(&tree->data[instr->instr_at], instr->count,
				      value[instr->fact])
					? instr->f
					: instr->t;
			break;
		case OP_TABLE:
			place = look_up(&tree->rows[instr->instr_at], instr->mask,
					value[instr->fact], instr->f);
			break;
		case OP_STEPS:
			data = &tree->data[instr->instr_at];
			place = (uint32_t)data[instr->count +
					       count_steps(data, instr->count, value[instr->fact])];
			break;
		case OP_PRESENT:
			place = trib_fact_in(&facts->present, instr->fact) ? instr->t : instr->f;
			break;
		case OP_NOT_PRESENT:
			place = trib_fact_in(&facts->present, instr->fact) ? instr->f : instr->t;
			break;
		case OP_OPEN:
			place = trib_fact_in(&facts->open, instr->fact) ? instr->t : instr->f;
			break;
		case OP_NOT_OPEN:
			place = trib_fact_in(&facts->open, instr->fact) ? instr->f : instr->t;
			break;
		case OP_TAG:
			place = has_tag(facts, load(&instr->lo)) ? instr->t : instr->f;
			break;
		case OP_NOT_TAG:
			place = has_tag(facts, load(&instr->lo)) ? instr->f : instr->t;
			break;
		default:
			place = step_rare(tree, instr, facts);
		}
	}
	return place;
}

/* Strings that their spaces do not know: such a one can only be a constant that waits for its code. */
static __attribute__((noinline)) void stand_in(const struct trib_tree *tree,
					       struct trib_facts *facts)
{
	trib_fact_set raw = facts->raw & tree->strings;

	while (raw) {
		enum trib_fact fact = trib_fact_take(&raw);
		uint32_t constant = constants_find(&tree->constants,
						   (enum trib_space)trib_fact_rows[fact].space,
						   facts->raw_text[fact]);

		facts->value[fact] = constant ? CODE_STAND_IN + constant : CODE_UNKNOWN;
	}
}

void trib_tree_walk(const struct trib_tree *tree, struct trib_facts *facts,
		    struct trib_walk *ret_walk)
{
	const struct node *node;
	uint32_t place;

	if (TRIB_UNLIKELY(facts->raw & tree->strings))
		stand_in(tree, facts);
	if (TRIB_LIKELY((tree->facts & ~facts->open) == 0))
		place = run(tree, facts, true);
	else
		place = run(tree, facts, false);
	node = &tree->nodes[place & ~(PC_DONE | PC_OUTSIDE)];
	ret_walk->node = &node->public;
	if (TRIB_UNLIKELY(place & PC_OUTSIDE)) {
		ret_walk->outcome = TRIB_OUTCOME_NOT_DISTRIBUTED;
		ret_walk->path = trib_bytes(tree->paths, 1);
		return;
	}
	ret_walk->outcome = node->public.outcome;
	ret_walk->path = trib_bytes(tree->paths + node->path_at, node->path_size);
}
