/*
 * From conditions to the flat program of rules/program.h.
 *
 * While it is made, places are labels: numbers of `labels`, which hold where they came to stand. link_program()
 * puts the places in, passing over jumps, and lays everything into one block of memory.
 */
#include "rules/program.h"

enum {
	IN_MAX = 8,  /* a longer list becomes a table */
	RUN_MIN = 3, /* siblings that ask for one fact's value; fewer are asked one by one */
	CHAINS_MAX =
		1
		<< 16, /* tests that a table may repeat for strings that several siblings ask for */
	UNBOUND = UINT32_MAX,
};

struct emitter {
	struct trib_tree *tree;
	const struct trib_spaces *spaces;
	struct instr *code;
	uint32_t *owner;
	uint32_t code_count, code_capacity;
	uint32_t *labels;
	uint32_t label_count, label_capacity;
	int64_t *data;
	uint32_t data_count, data_capacity;
	struct table_row *rows;
	uint32_t row_count, row_capacity;
	uint32_t text_count, text_capacity;
	uint32_t node;		   /* whose condition is being written */
	uint32_t yes, no;	   /* where that condition leads as a whole */
	uint32_t *entries;	   /* by node: the label of its children, or of its decision */
	struct trib_names *chains; /* scratch of tables */
};

#define GROW(array, count, capacity, more)                                                         \
	do {                                                                                       \
		while ((count) + (more) > (capacity)) {                                            \
			(capacity) = (capacity) ? (capacity)*2 : 64;                               \
			(array) = trib_realloc((array), (capacity) * sizeof(*(array)));            \
		}                                                                                  \
	} while (0)

/* ---- Labels, instructions, data -------------------------------------------------------------------------- */

static uint32_t new_label(struct emitter *e)
{
	GROW(e->labels, e->label_count, e->label_capacity, 1);
	e->labels[e->label_count] = UNBOUND;
	return e->label_count++;
}

static uint32_t label_at(struct emitter *e, uint32_t place)
{
	uint32_t label = new_label(e);

	e->labels[label] = place;
	return label;
}

static void bind_label(struct emitter *e, uint32_t label)
{
	trib_assert(e->labels[label] == UNBOUND);
	e->labels[label] = e->code_count;
}

static struct instr *emit(struct emitter *e, enum op op, enum trib_fact fact, uint32_t t,
			  uint32_t f)
{
	if (e->code_count == e->code_capacity) {
		e->code_capacity = e->code_capacity ? e->code_capacity * 2 : 256;
		e->code = trib_realloc(e->code, e->code_capacity * sizeof(*e->code));
		e->owner = trib_realloc(e->owner, e->code_capacity * sizeof(*e->owner));
	}
	struct instr *instr = &e->code[e->code_count];

	*instr = (struct instr){ .op = (uint8_t)op, .fact = (uint8_t)fact, .t = t, .f = f };
	e->owner[e->code_count++] = e->node;
	return instr;
}

static uint32_t add_data(struct emitter *e, uint32_t count)
{
	GROW(e->data, e->data_count, e->data_capacity, count);
	e->data_count += count;
	return e->data_count - count;
}

static uint32_t add_text(struct emitter *e, struct trib_bytes text)
{
	struct trib_tree *tree = e->tree;
	char *copy = trib_arena_copy(&tree->arena, text);

	trib_assert(copy);
	GROW(tree->texts, e->text_count, e->text_capacity, 1);
	tree->texts[e->text_count] = trib_bytes(copy, text.size);
	return e->text_count++;
}

void tree_add_site(struct trib_tree *tree, uint32_t constant, struct site site)
{
	if (tree->site_count == 0)
		tree->site_count = 1; /* 0 is none */
	if (tree->site_count >= tree->site_capacity) {
		tree->site_capacity = tree->site_capacity ? tree->site_capacity * 2 : 16;
		tree->site_pool = trib_realloc(tree->site_pool,
					       tree->site_capacity * sizeof(*tree->site_pool));
	}
	if (constant >= tree->constant_capacity) {
		uint32_t old = tree->constant_capacity;

		tree->constant_capacity = TRIB_MAX(constant + 1, old * 2);
		tree->constant_rows =
			trib_realloc(tree->constant_rows,
				     tree->constant_capacity * sizeof(*tree->constant_rows));
		memset(&tree->constant_rows[old], 0,
		       (tree->constant_capacity - old) * sizeof(*tree->constant_rows));
	}
	struct constant_row *row = &tree->constant_rows[constant];

	if (!row->sites)
		tree->waiting++;
	site.next = row->sites;
	tree->site_pool[tree->site_count] = site;
	row->sites = tree->site_count++;
}

/* A constant's code as it is now; a stand-in where its space does not know it. */
static int64_t code_of(struct emitter *e, uint32_t constant, bool *ret_known)
{
	struct trib_bytes text = constants_text(&e->tree->constants, constant);
	uint32_t code = 0;

	*ret_known = true;
	if (text.size == 0)
		return 0;
	if (e->spaces)
		code = e->spaces->find(e->spaces->context,
				       constants_space(&e->tree->constants, constant), text);
	*ret_known = code != 0;
	return code ? code : CODE_STAND_IN + constant;
}

/* ---- Tables ----------------------------------------------------------------------------------------------- */

static void put_row(struct table_row *rows, uint32_t mask, int64_t key, uint32_t place)
{
	size_t i = table_hash(key) & mask;

	while (rows[i].key != ROW_FREE && rows[i].key != key)
		i = (i + 1) & mask;
	rows[i] = (struct table_row){ key, place };
}

/* An empty table for n constants, each of which may need a second row once it is known. */
static uint32_t new_table(struct emitter *e, uint32_t n, uint32_t *ret_mask)
{
	uint32_t size = 16;

	while (size < 4 * n)
		size *= 2;
	GROW(e->rows, e->row_count, e->row_capacity, size);
	for (uint32_t i = 0; i < size; i++)
		e->rows[e->row_count + i] = (struct table_row){ ROW_FREE, 0 };
	*ret_mask = size - 1;
	e->row_count += size;
	return e->row_count - size;
}

static void add_row(struct emitter *e, uint32_t table, uint32_t mask, uint32_t constant,
		    uint32_t label)
{
	bool known;
	int64_t key = code_of(e, constant, &known);

	put_row(&e->rows[table], mask, key, label);
	if (!known)
		tree_add_site(
			e->tree, constant,
			(struct site){
				.kind = SITE_TABLE, .at = table, .mask = mask, .place = label });
}

/* ---- Tests ------------------------------------------------------------------------------------------------ */

/* How many constants; the set is bounded. */
static uint64_t set_size(struct trib_ranges set)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < set.count; i++)
		size += (uint64_t)set.ranges[i].hi - (uint64_t)set.ranges[i].lo + 1;
	return size;
}

static void emit_list(struct emitter *e, enum op op, enum trib_fact fact, struct trib_ranges set,
		      uint32_t t, uint32_t f)
{
	uint32_t at = add_data(e, (uint32_t)set_size(set)), n = 0;
	bool is_text = trib_fact_rows[fact].kind == TRIB_FACT_STRING;
	struct instr *instr = emit(e, op, fact, t, f);

	for (uint32_t i = 0; i < set.count; i++)
		for (int64_t value = set.ranges[i].lo;; value++) {
			bool known = true;

			e->data[at + n] = is_text ? code_of(e, (uint32_t)value, &known) : value;
			if (!known)
				tree_add_site(e->tree, (uint32_t)value,
					      (struct site){ .kind = SITE_DATA, .at = at + n });
			n++;
			if (value == set.ranges[i].hi)
				break;
		}
	instr->instr_at = at;
	instr->count = n;
}

static void emit_text_set(struct emitter *e, enum trib_fact fact, struct trib_ranges set, uint32_t t,
			  uint32_t f)
{
	bool negated = trib_ranges_unbounded(set);
	uint64_t size;

	if (negated)
		set = trib_ranges_complement(&e->tree->arena, set, 1);
	size = set_size(set);
	if (size == 1) {
		uint32_t constant = (uint32_t)set.ranges[0].lo;
		bool known;
		struct instr *instr = emit(e, negated ? OP_OUTSIDE : OP_RANGE, fact, t, f);

		instr->lo = code_of(e, constant, &known);
		if (!known)
			tree_add_site(e->tree, constant,
				      (struct site){ .kind = SITE_INSTR, .at = e->code_count - 1 });
	} else if (size <= IN_MAX) {
		emit_list(e, negated ? OP_NOT_IN : OP_IN, fact, set, t, f);
	} else {
		uint32_t mask, table = new_table(e, (uint32_t)size, &mask);
		/* A table leads to f both from a closed group and from a code without a row. */
		uint32_t missed = negated ? new_label(e) : f;

		if (negated) {
			struct instr *all = emit(e, OP_RANGE, fact, new_label(e), f);

			all->lo = INT64_MIN;
			all->span = UINT64_MAX;
			bind_label(e, all->t);
		}
		struct instr *instr = emit(e, OP_TABLE, fact, t, missed);

		instr->instr_at = table;
		instr->mask = mask;
		for (uint32_t i = 0; i < set.count; i++)
			for (int64_t id = set.ranges[i].lo; id <= set.ranges[i].hi; id++)
				add_row(e, table, mask, (uint32_t)id, negated ? f : t);
		if (negated) {
			bind_label(e, missed);
			emit(e, OP_JUMP, TRIB_FACT_NONE, t, t);
		}
	}
}

static void emit_number_set(struct emitter *e, enum trib_fact fact, struct trib_ranges set, uint32_t t,
			    uint32_t f)
{
	struct trib_ranges others = trib_ranges_complement(&e->tree->arena, set, INT64_MIN);
	struct instr *instr;

	if (set.count == 1) {
		instr = emit(e, OP_RANGE, fact, t, f);
		instr->lo = set.ranges[0].lo;
		instr->span = (uint64_t)set.ranges[0].hi - (uint64_t)set.ranges[0].lo;
		return;
	}
	if (others.count == 1) {
		instr = emit(e, OP_OUTSIDE, fact, t, f);
		instr->lo = others.ranges[0].lo;
		instr->span = (uint64_t)others.ranges[0].hi - (uint64_t)others.ranges[0].lo;
		return;
	}
	if (set.count <= IN_MAX && set_size(set) == set.count) {
		emit_list(e, OP_IN, fact, set, t, f);
		return;
	}
	/* Steps: where a range begins, and where it is over. */
	uint32_t at = add_data(e, 4 * set.count + 1), n = 0;

	instr = emit(e, OP_STEPS, fact, t, f);
	for (uint32_t i = 0; i < set.count; i++) {
		if (set.ranges[i].lo != INT64_MIN)
			e->data[at + n++] = set.ranges[i].lo;
		if (set.ranges[i].hi != INT64_MAX)
			e->data[at + n++] = set.ranges[i].hi + 1;
	}
	bool inside = set.ranges[0].lo == INT64_MIN;

	for (uint32_t i = 0; i <= n; i++, inside = !inside)
		e->data[at + n + i] = inside ? t : f;
	instr->instr_at = at;
	instr->count = n;
}

/* The facts of a group are open together, so one of them answers for all. */
static enum trib_fact first_of_group(uint8_t group)
{
	trib_fact_set facts = trib_fact_group_masks[group];

	return trib_fact_take(&facts);
}

/* Tests that compare texts. */
static void emit_ext(struct emitter *e, const struct cond *cond, uint32_t t, uint32_t f)
{
	uint32_t at = add_text(e, cond->key);
	enum op op;

	if (cond->kind == COND_PART)
		op = cond->negated ? OP_NOT_PART : OP_PART;
	else if (cond->kind == COND_EXT_HAS)
		op = cond->negated ? OP_NOT_EXT_HAS : OP_EXT_HAS;
	else
		op = cond->negated ? OP_NOT_EXT_TEXT : OP_EXT_TEXT;
	for (uint32_t i = 0; i < cond->count; i++)
		add_text(e, cond->texts[i]);
	struct instr *instr = emit(e, op, (enum trib_fact)cond->fact, t, f);

	instr->instr_at = at;
	instr->count = cond->count;
}

static void emit_tag(struct emitter *e, const struct cond *cond, uint32_t t, uint32_t f)
{
	struct instr *instr =
		emit(e, cond->negated ? OP_NOT_TAG : OP_TAG, TRIB_FACT_CREATOR_TAGS, t, f);
	uint32_t constant = (uint32_t)cond->set.ranges[0].lo;
	bool known;

	instr->lo = code_of(e, constant, &known);
	/* A tag is always in the dictionary, so "" and what is not known match nothing. */
	if (instr->lo == 0)
		instr->lo = CODE_UNKNOWN;
	if (!known)
		tree_add_site(e->tree, constant,
			      (struct site){ .kind = SITE_INSTR, .at = e->code_count - 1 });
}

static void emit_compare(struct emitter *e, const struct cond *cond, uint32_t t, uint32_t f)
{
	enum op op = cond->function == TRIB_FN_LT   ? OP_LESS
		     : cond->function == TRIB_FN_LE ? OP_LESS_OR_SAME
						    : OP_SAME;

	/* A negated test stands behind its test. */
	struct instr *instr =
		emit(e, cond->negated ? (enum op)(op + 1) : op, (enum trib_fact)cond->fact, t, f);

	instr->other = cond->other;
}

static void emit_cond(struct emitter *e, const struct cond *cond, uint32_t t, uint32_t f);

static void emit_logic(struct emitter *e, const struct cond *cond, uint32_t t, uint32_t f)
{
	for (uint32_t i = 0; i + 1 < cond->count; i++) {
		uint32_t next = new_label(e);

		if (cond->kind == COND_AND)
			emit_cond(e, cond->args[i], next, f);
		else
			emit_cond(e, cond->args[i], t, next);
		bind_label(e, next);
	}
	emit_cond(e, cond->args[cond->count - 1], t, f);
}

/* Tests cond, then goes on at label t or f. */
static void emit_cond(struct emitter *e, const struct cond *cond, uint32_t t, uint32_t f)
{
	enum trib_fact fact = (enum trib_fact)cond->fact;

	switch ((enum cond_kind)cond->kind) {
	case COND_NEVER:
		emit(e, OP_JUMP, TRIB_FACT_NONE, f, f);
		break;
	case COND_ALWAYS:
		emit(e, OP_JUMP, TRIB_FACT_NONE, t, t);
		break;
	case COND_AND:
	case COND_OR:
		emit_logic(e, cond, t, f);
		break;
	case COND_SET:
		if (trib_fact_rows[fact].kind == TRIB_FACT_STRING)
			emit_text_set(e, fact, cond->set, t, f);
		else
			emit_number_set(e, fact, cond->set, t, f);
		break;
	case COND_PRESENT:
		emit(e, cond->negated ? OP_NOT_PRESENT : OP_PRESENT, fact, t, f);
		break;
	case COND_OPEN:
		emit(e, cond->negated ? OP_NOT_OPEN : OP_OPEN, first_of_group(cond->group), t, f);
		break;
	case COND_TAG:
		emit_tag(e, cond, t, f);
		break;
	case COND_PART:
	case COND_EXT_HAS:
	case COND_EXT_TEXT:
		emit_ext(e, cond, t, f);
		break;
	case COND_COMPARE:
		emit_compare(e, cond, t, f);
		break;
	case COND_RICH:
		emit(e, OP_RICH, TRIB_FACT_NONE, e->yes, e->no)->instr_at = e->node;
		break;
	}
}

/* The whole condition of a node. */
static void emit_when(struct emitter *e, uint32_t node, const struct cond *cond, uint32_t t,
		      uint32_t f)
{
	e->node = node;
	e->yes = t;
	e->no = f;
	emit_cond(e, cond, t, f);
}

/* ---- Runs of siblings that ask for one fact ----------------------------------------------------------------- */

/* The part of cond that asks for certain strings of fact; NULL if there is none. */
static const struct cond *text_key(const struct cond *cond, enum trib_fact fact)
{
	if (cond->kind == COND_SET && cond->fact == fact && !trib_ranges_unbounded(cond->set))
		return cond;
	if (cond->kind == COND_AND)
		for (uint32_t i = 0; i < cond->count; i++)
			if (cond->args[i]->kind == COND_SET && cond->args[i]->fact == fact &&
			    !trib_ranges_unbounded(cond->args[i]->set))
				return cond->args[i];
	return NULL;
}

static bool asks(const struct cond *cond, enum trib_fact fact)
{
	if (trib_fact_rows[fact].kind == TRIB_FACT_STRING)
		return text_key(cond, fact);
	return cond->kind == COND_SET && cond->fact == fact;
}

/* The fact that most siblings from here on ask for, and how many they are. */
static uint32_t longest_run(const struct emitter *e, const uint32_t *tried, uint32_t count,
			    enum trib_fact *ret_fact)
{
	const struct node *nodes = e->tree->nodes;
	const struct cond *first = nodes[tried[0]].cond;
	uint32_t parts = first->kind == COND_AND ? first->count : 1, longest = 0;

	for (uint32_t i = 0; i < parts; i++) {
		const struct cond *part = first->kind == COND_AND ? first->args[i] : first;
		uint32_t n = 0;

		if (part->kind != COND_SET)
			continue;
		while (n < count && asks(nodes[tried[n]].cond, (enum trib_fact)part->fact))
			n++;
		if (n > longest) {
			longest = n;
			*ret_fact = (enum trib_fact)part->fact;
		}
	}
	return longest;
}

/* Siblings that ask for ranges of one number: which is the first to hold each stretch of the scale? */
static void emit_steps(struct emitter *e, enum trib_fact fact, const uint32_t *tried,
		       uint32_t count, uint32_t after);

/* One string and one sibling that asks for it. */
struct wish {
	uint32_t constant, member;
};

static int compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;

	if (x->constant != y->constant)
		return x->constant < y->constant ? -1 : 1;
	return x->member < y->member ? -1 : x->member > y->member;
}

/* What remains of cond, which is `key` or an AND with it, once `key` is true. */
static const struct cond *without(struct emitter *e, const struct cond *cond,
				  const struct cond *key)
{
	static const struct cond always = { .kind = COND_ALWAYS };
	struct trib_arena *arena = &e->tree->arena;

	if (cond == key)
		return &always;
	if (cond->count == 2)
		return cond->args[cond->args[0] == key];
	struct cond *rest = trib_arena_alloc(arena, sizeof(*rest));
	const struct cond **args = trib_arena_alloc(arena, cond->count * sizeof(*args));
	uint32_t n = 0;

	trib_assert(rest && args);
	for (uint32_t i = 0; i < cond->count; i++)
		if (cond->args[i] != key)
			args[n++] = cond->args[i];
	*rest = *cond;
	rest->args = args;
	rest->count = n;
	return rest;
}

static uint32_t cond_size(const struct cond *cond)
{
	uint32_t size = 1;

	if (cond->kind == COND_AND || cond->kind == COND_OR)
		for (uint32_t i = 0; i < cond->count; i++)
			size += cond_size(cond->args[i]);
	return size;
}

/* A run while its table is made. */
struct run {
	enum trib_fact fact;
	const uint32_t *tried; /* the members' nodes */
	const struct cond **rests;
	uint32_t *alone; /* by member: the label of its rest followed by `after`, UNBOUND */
	uint32_t after;
};

/* The code for strings that these members ask for, in this order: each rest, until one holds. */
static void emit_chain(struct emitter *e, struct run *run, const struct wish *wishes,
		       uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t member = wishes[i].member, no = run->after;

		if (i + 1 < count)
			no = new_label(e);
		emit_when(e, run->tried[member], run->rests[member], e->entries[run->tried[member]],
			  no);
		if (i + 1 < count)
			bind_label(e, no);
	}
}

/* The label to go to for one string. Equal chains are written once. */
static uint32_t chain_label(struct emitter *e, struct run *run, const struct wish *wishes,
			    uint32_t count, uint32_t *labels)
{
	uint32_t label, number, before;

	if (count == 1 && run->rests[wishes[0].member]->kind == COND_ALWAYS)
		return e->entries[run->tried[wishes[0].member]];
	if (count == 1 && run->alone[wishes[0].member] != UNBOUND)
		return run->alone[wishes[0].member];
	if (count > 1) {
		TRIB_AUTOFREE uint32_t *members = trib_alloc(count * sizeof(*members));

		for (uint32_t i = 0; i < count; i++)
			members[i] = wishes[i].member;
		before = trib_names_count(e->chains);
		number = trib_names_add(e->chains, trib_bytes(members, count * sizeof(*members)));
		if (number <= before)
			return labels[number];
		labels[number] = label = label_at(e, e->code_count);
	} else {
		run->alone[wishes[0].member] = label = label_at(e, e->code_count);
	}
	emit_chain(e, run, wishes, count);
	return label;
}

/* Members after one without a rest are never asked. */
static uint32_t chain_length(const struct run *run, const struct wish *wishes, uint32_t count)
{
	uint32_t n = 0;

	while (n < count && wishes[n].constant == wishes[0].constant) {
		n++;
		if (run->rests[wishes[n - 1].member]->kind == COND_ALWAYS)
			break;
	}
	return n;
}

static uint32_t next_constant(const struct wish *wishes, uint32_t count, uint32_t i)
{
	uint32_t constant = wishes[i].constant;

	while (i < count && wishes[i].constant == constant)
		i++;
	return i;
}

/* Is the code that the table repeats within bounds? */
static bool chains_fit(const struct run *run, const struct wish *wishes, uint32_t count)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < count; i = next_constant(wishes, count, i)) {
		uint32_t n = chain_length(run, &wishes[i], count - i);

		for (uint32_t j = 0; n > 1 && j < n; j++)
			size += cond_size(run->rests[wishes[i + j].member]);
		if (size > CHAINS_MAX)
			return false;
	}
	return true;
}

static void emit_run_table(struct emitter *e, struct run *run, const struct wish *wishes,
			   uint32_t count)
{
	uint32_t strings = 0, mask, table;
	TRIB_AUTOFREE uint32_t *labels = trib_alloc((count + 2) * sizeof(*labels));
	static const struct trib_hash_key key; /* of our own numbers */
	struct instr *instr;

	for (uint32_t i = 0; i < count; i = next_constant(wishes, count, i))
		strings++;
	table = new_table(e, strings, &mask);
	e->node = run->tried[0];
	instr = emit(e, OP_TABLE, run->fact, run->after, run->after);
	instr->instr_at = table;
	instr->mask = mask;
	e->chains = trib_names_new(&key);
	for (uint32_t i = 0; i < count; i = next_constant(wishes, count, i)) {
		uint32_t n = chain_length(run, &wishes[i], count - i);

		add_row(e, table, mask, wishes[i].constant,
			chain_label(e, run, &wishes[i], n, labels));
	}
	trib_names_free(e->chains);
	e->chains = NULL;
}

/* False: it would become too large, nothing was written. */
static bool emit_table(struct emitter *e, enum trib_fact fact, const uint32_t *tried,
		       uint32_t count, uint32_t after)
{
	struct node *nodes = e->tree->nodes;
	struct run run = { .fact = fact, .tried = tried, .after = after };
	uint64_t total = 0;
	uint32_t n = 0;
	bool fits;

	for (uint32_t i = 0; i < count; i++)
		total += set_size(text_key(nodes[tried[i]].cond, fact)->set);
	TRIB_AUTOFREE struct wish *wishes = trib_alloc((total + 1) * sizeof(*wishes));

	run.rests = trib_alloc(count * sizeof(*run.rests));
	run.alone = trib_alloc(count * sizeof(*run.alone));
	for (uint32_t i = 0; i < count; i++) {
		struct trib_ranges set = text_key(nodes[tried[i]].cond, fact)->set;

		run.rests[i] =
			without(e, nodes[tried[i]].cond, text_key(nodes[tried[i]].cond, fact));
		run.alone[i] = UNBOUND;
		for (uint32_t j = 0; j < set.count; j++)
			for (int64_t id = set.ranges[j].lo; id <= set.ranges[j].hi; id++)
				wishes[n++] = (struct wish){ (uint32_t)id, i };
	}
	qsort(wishes, n, sizeof(*wishes), compare_wishes);
	fits = n && chains_fit(&run, wishes, n);
	if (fits)
		emit_run_table(e, &run, wishes, n);
	free(run.rests);
	free(run.alone);
	return fits;
}

static int compare_i64(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The first of `ends` that is > value: which stretch a value is in. */
static uint32_t stretch_of(const int64_t *ends, uint32_t count, int64_t value)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (ends[middle] <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Gives the stretches [from, to] that nobody has to label; skip[i] leads past what somebody has. */
static void claim(uint32_t from, uint32_t to, uint32_t label, uint32_t *skip, int64_t *places)
{
	for (uint32_t i = from; i <= to;) {
		uint32_t next = i;

		while (skip[next] != next)
			next = skip[next];
		/* Shorten the way for those who come later. */
		while (skip[i] != i) {
			uint32_t step = skip[i];

			skip[i] = next;
			i = step;
		}
		if (next > to)
			break;
		places[next] = label;
		skip[next] = next + 1;
		i = next + 1;
	}
}

static void emit_steps(struct emitter *e, enum trib_fact fact, const uint32_t *tried,
		       uint32_t count, uint32_t after)
{
	struct node *nodes = e->tree->nodes;
	uint32_t total = 0, n = 0, kept = 0;

	for (uint32_t i = 0; i < count; i++)
		total += nodes[tried[i]].cond->set.count;
	uint32_t at = add_data(e, 4 * total + 1);
	int64_t *ends = &e->data[at];

	for (uint32_t i = 0; i < count; i++) {
		struct trib_ranges set = nodes[tried[i]].cond->set;

		for (uint32_t j = 0; j < set.count; j++) {
			if (set.ranges[j].lo != INT64_MIN)
				ends[n++] = set.ranges[j].lo;
			if (set.ranges[j].hi != INT64_MAX)
				ends[n++] = set.ranges[j].hi + 1;
		}
	}
	qsort(ends, n, sizeof(*ends), compare_i64);
	for (uint32_t i = 0; i < n; i++)
		if (kept == 0 || ends[kept - 1] != ends[i])
			ends[kept++] = ends[i];
	n = kept;
	TRIB_AUTOFREE uint32_t *skip = trib_alloc((n + 2) * sizeof(*skip));

	for (uint32_t i = 0; i <= n + 1; i++)
		skip[i] = i;
	for (uint32_t i = 0; i <= n; i++)
		ends[n + i] = after;
	for (uint32_t i = 0; i < count; i++) {
		struct trib_ranges set = nodes[tried[i]].cond->set;

		for (uint32_t j = 0; j < set.count; j++)
			claim(stretch_of(ends, n, set.ranges[j].lo),
			      stretch_of(ends, n, set.ranges[j].hi), e->entries[tried[i]], skip,
			      &ends[n]);
	}
	e->node = tried[0];
	struct instr *instr = emit(e, OP_STEPS, fact, after, after);

	instr->instr_at = at;
	instr->count = n;
}

/* ---- Nodes -------------------------------------------------------------------------------------------------- */

/* What is left to ask of a sibling whose first test was true. */
struct rest {
	uint32_t node, label, after;
	const struct cond *cond;
};

struct rests {
	struct rest *items;
	uint32_t count, capacity;
};

/* One sibling. Only its first test stands in the row of siblings, for most of them say no to it. */
static void emit_sibling(struct emitter *e, uint32_t index, uint32_t after, struct rests *rests)
{
	const struct cond *cond = e->tree->nodes[index].cond;
	struct rest rest = { .node = index, .after = after };

	if (cond->kind != COND_AND || cond->args[0]->kind != COND_SET) {
		emit_when(e, index, cond, e->entries[index], after);
		return;
	}
	rest.label = new_label(e);
	rest.cond = without(e, cond, cond->args[0]);
	GROW(rests->items, rests->count, rests->capacity, 1);
	rests->items[rests->count++] = rest;
	emit_when(e, index, cond->args[0], rest.label, after);
}

/* The children of a node, in the order tried; if none is true, the node decides. */
static void emit_children(struct emitter *e, uint32_t index)
{
	struct trib_tree *tree = e->tree;
	const struct node *node = &tree->nodes[index];
	const uint32_t *tried = &tree->order[node->tried];
	uint32_t decide = label_at(e, PC_DONE | index);
	struct rests rests = { 0 };

	for (uint32_t i = 0; i < node->children; i++) {
		uint32_t child = tried[i];

		e->entries[child] =
			tree->nodes[child].children ? new_label(e) : label_at(e, PC_DONE | child);
	}
	for (uint32_t i = 0; i < node->children;) {
		enum trib_fact fact = TRIB_FACT_NONE;
		uint32_t run = longest_run(e, &tried[i], node->children - i, &fact);
		uint32_t after = new_label(e);

		if (run >= RUN_MIN && trib_fact_rows[fact].kind != TRIB_FACT_STRING) {
			emit_steps(e, fact, &tried[i], run, after);
		} else if (run < RUN_MIN || !emit_table(e, fact, &tried[i], run, after)) {
			run = 1;
			emit_sibling(e, tried[i], after, &rests);
		}
		bind_label(e, after);
		i += run;
	}
	emit(e, OP_JUMP, TRIB_FACT_NONE, decide, decide);
	for (uint32_t i = 0; i < rests.count; i++) {
		const struct rest *rest = &rests.items[i];

		bind_label(e, rest->label);
		emit_when(e, rest->node, rest->cond, e->entries[rest->node], rest->after);
	}
	free(rests.items);
}

static void emit_program(struct emitter *e)
{
	struct trib_tree *tree = e->tree;

	e->entries = trib_alloc(tree->node_count * sizeof(*e->entries));
	e->entries[0] = tree->nodes[0].children ? new_label(e) : label_at(e, PC_DONE);
	emit_when(e, 0, tree->nodes[0].cond, e->entries[0], label_at(e, PC_DONE | PC_OUTSIDE));
	for (uint32_t i = 0; i < tree->node_count; i++)
		if (tree->nodes[i].children) {
			bind_label(e, e->entries[i]);
			emit_children(e, i);
		}
	free(e->entries);
}

/* ---- Linking ------------------------------------------------------------------------------------------------ */

/* Where a label leads, past jumps. Jumps lead to later siblings or further down, so this ends. */
static uint32_t place_of(const struct emitter *e, uint32_t label)
{
	uint32_t place = e->labels[label];

	while (!(place & PC_DONE) && e->code[place].op == OP_JUMP)
		place = e->labels[e->code[place].t];
	trib_assert(place & PC_DONE || place < e->code_count);
	return place;
}

static void *take(char **memory, size_t size)
{
	void *start = *memory;

	*memory += (size + 63) & ~(size_t)63;
	return start;
}

static void resolve_labels(struct emitter *e)
{
	struct trib_tree *tree = e->tree;

	for (uint32_t i = 0; i < e->code_count; i++) {
		struct instr *instr = &e->code[i];

		if (instr->op == OP_STEPS)
			for (uint32_t j = 0; j <= instr->count; j++) {
				int64_t *place = &e->data[instr->instr_at + instr->count + j];

				*place = place_of(e, (uint32_t)*place);
			}
	}
	for (uint32_t i = 0; i < e->row_count; i++)
		if (e->rows[i].key != ROW_FREE)
			e->rows[i].place = place_of(e, e->rows[i].place);
	for (uint32_t i = 1; i < tree->site_count; i++)
		if (tree->site_pool[i].kind == SITE_TABLE)
			tree->site_pool[i].place = place_of(e, tree->site_pool[i].place);
}

static void link_program(struct emitter *e)
{
	struct trib_tree *tree = e->tree;
	size_t code = e->code_count * sizeof(*e->code), rows = e->row_count * sizeof(*e->rows);
	size_t data = e->data_count * sizeof(*e->data), owner = e->code_count * sizeof(*e->owner);
	char *memory;

	resolve_labels(e);
	tree->start = e->code_count ? place_of(e, label_at(e, 0)) : PC_DONE;
	tree->block = aligned_alloc(64, (code + rows + data + owner + 5 * 64 - 1) & ~(size_t)63);
	trib_assert(tree->block);
	memory = tree->block;
	tree->code = take(&memory, code);
	tree->rows = take(&memory, rows);
	tree->data = take(&memory, data);
	tree->owner = take(&memory, owner);
	tree->code_count = e->code_count;
	for (uint32_t i = 0; i < e->code_count; i++) {
		tree->code[i] = e->code[i];
		tree->code[i].t = place_of(e, e->code[i].t);
		tree->code[i].f = place_of(e, e->code[i].f);
		tree->owner[i] = e->owner[i];
	}
	for (uint32_t i = 0; i + 1 < e->code_count; i++)
		if (tree->code[i].op == OP_RANGE && tree->code[i].f == i + 1 &&
		    tree->code[i + 1].op == OP_RANGE)
			tree->code[i].op = OP_SCAN;
	if (rows)
		memcpy(tree->rows, e->rows, rows);
	if (data)
		memcpy(tree->data, e->data, data);
}

/* Paths are the same for all orders that end at a node, so they are written once. */
static void write_paths(struct trib_tree *tree)
{
	struct trib_buffer paths;

	trib_buffer_init(&paths, SIZE_MAX);
	trib_buffer_add_char(&paths, 0); /* the root's condition is not true */
	for (uint32_t i = 0; i < tree->node_count; i++) {
		struct node *node = &tree->nodes[i];
		uint32_t number = i << 1 | 1;
		size_t at = paths.size;

		if (i) {
			const struct node *parent = &tree->nodes[node->public.parent];

			trib_buffer_reserve(&paths, parent->path_size);
			trib_buffer_add(&paths, paths.data + parent->path_at, parent->path_size);
		}
		for (; number >= 0x80; number >>= 7)
			trib_buffer_add_char(&paths, (char)(number | 0x80));
		trib_buffer_add_char(&paths, (char)number);
		node->path_at = (uint32_t)at;
		node->path_size = (uint32_t)(paths.size - at);
	}
	tree->paths = paths.data;
}

void tree_compile(struct trib_tree *tree, const struct trib_spaces *spaces)
{
	struct emitter e = { .tree = tree, .spaces = spaces };

	for (int fact = 1; fact < TRIB_FACTS; fact++)
		if (trib_fact_rows[fact].kind == TRIB_FACT_STRING)
			tree->strings |= tree->facts & TRIB_FACT_BIT(fact);
	emit_program(&e);
	link_program(&e);
	write_paths(tree);
	free(e.code);
	free(e.owner);
	free(e.labels);
	free(e.data);
	free(e.rows);
}
