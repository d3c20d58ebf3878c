/* The life of a tree: made, shared, told of new names, looked at. */
#include "rules/formula.h"
#include "rules/program.h"

static void free_tree(struct trib_tree *tree)
{
	for (uint32_t i = 0; i < tree->node_count; i++)
		trib_expr_free(tree->nodes[i].program);
	for (uint32_t i = 0; i < tree->formula_count; i++)
		trib_expr_free(tree->formulas[i]);
	free(tree->formulas);
	free(tree->nodes);
	free(tree->order);
	free(tree->block);
	free(tree->texts);
	free(tree->paths);
	free(tree->constant_rows);
	free(tree->site_pool);
	free(tree->errors);
	free(tree->symbols);
	free(tree->name);
	trib_names_free(tree->constants.names);
	trib_arena_fini(&tree->arena);
	free(tree);
}

trib_status trib_tree_new(const struct trib_tree_options *options, struct trib_bytes json,
			  struct trib_tree **ret_tree, struct trib_error *error)
{
	struct trib_tree *tree = trib_alloc_zeroed(1, sizeof(*tree));
	struct trib_arena scratch;
	trib_status status;

	tree->references = 1;
	tree->name = trib_strdup(options->name);
	tree->number = options->number;
	tree->version = options->version;
	tree->constants.names = trib_names_new(options->key);
	/* What a source of bounded size becomes is bounded too, so the arenas need no limit of their own. */
	trib_arena_init(&tree->arena, SIZE_MAX / 2);
	trib_arena_init(&scratch, SIZE_MAX / 2);
	status = tree_parse(tree, options, json, &scratch, error);
	if (status == TRIB_OK)
		status = tree_check(tree, options, &scratch, error);
	if (status == TRIB_OK) {
		tree->errors = trib_alloc_zeroed(tree->node_count, sizeof(*tree->errors));
		tree_compile(tree, options->spaces);
		for (uint32_t i = 0; i < tree->node_count; i++)
			tree->nodes[i].cond = NULL;
		*ret_tree = tree;
	} else {
		free_tree(tree);
	}
	trib_arena_fini(&scratch);
	return status;
}

struct trib_tree *trib_tree_ref(struct trib_tree *tree)
{
	__atomic_fetch_add(&tree->references, 1, __ATOMIC_RELAXED);
	return tree;
}

void trib_tree_unref(struct trib_tree *tree)
{
	if (tree && __atomic_fetch_sub(&tree->references, 1, __ATOMIC_ACQ_REL) == 1)
		free_tree(tree);
}

const char *trib_tree_name(const struct trib_tree *tree)
{
	return tree->name;
}

uint32_t trib_tree_number(const struct trib_tree *tree)
{
	return tree->number;
}

uint32_t trib_tree_version(const struct trib_tree *tree)
{
	return tree->version;
}

struct trib_bytes trib_tree_scene(const struct trib_tree *tree)
{
	return tree->scene;
}

struct trib_bytes trib_tree_source(const struct trib_tree *tree)
{
	return tree->source;
}

trib_fact_set trib_tree_facts(const struct trib_tree *tree)
{
	return tree->facts;
}

uint32_t trib_tree_nodes(const struct trib_tree *tree)
{
	return tree->node_count;
}

const struct trib_node *trib_tree_node(const struct trib_tree *tree, uint32_t index)
{
	trib_assert(index < tree->node_count);
	return &tree->nodes[index].public;
}

uint32_t trib_tree_symbols(const struct trib_tree *tree)
{
	return tree->symbol_count;
}

struct trib_bytes trib_tree_symbol(const struct trib_tree *tree, uint32_t i)
{
	trib_assert(i < tree->symbol_count);
	return tree->symbols[i];
}

uint32_t trib_tree_waiting(const struct trib_tree *tree)
{
	return tree->waiting;
}

uint64_t trib_tree_errors(const struct trib_tree *tree, uint32_t index)
{
	trib_assert(index < tree->node_count);
	return __atomic_load_n(&tree->errors[index], __ATOMIC_RELAXED);
}

/* ---- Names that become known ------------------------------------------------------------------------------ */

/* A walker that meets the key finds the place, because the place is there first. */
static void publish_row(struct table_row *rows, uint32_t mask, int64_t key, uint32_t place)
{
	size_t i = table_hash(key) & mask;

	while (rows[i].key != ROW_FREE)
		i = (i + 1) & mask;
	__atomic_store_n(&rows[i].place, place, __ATOMIC_RELAXED);
	__atomic_store_n(&rows[i].key, key, __ATOMIC_RELEASE);
}

static void set_site(struct trib_tree *tree, const struct site *site, uint32_t code)
{
	const struct trib_node *node;

	switch ((enum site_kind)site->kind) {
	case SITE_INSTR:
		__atomic_store_n(&tree->code[site->at].lo, code, __ATOMIC_RELAXED);
		break;
	case SITE_DATA:
		__atomic_store_n(&tree->data[site->at], code, __ATOMIC_RELAXED);
		break;
	case SITE_TABLE:
		publish_row(&tree->rows[site->at], site->mask, code, site->place);
		break;
	case SITE_NAME:
		node = &tree->nodes[site->at].public;
		__atomic_store_n(&((struct trib_share *)(uintptr_t)node->shares)[site->mask].name,
				 code, __ATOMIC_RELAXED);
		break;
	case SITE_PARTY:
		node = &tree->nodes[site->at].public;
		__atomic_store_n(
			&((struct trib_node_party *)(uintptr_t)node->parties)[site->mask].number,
			code, __ATOMIC_RELAXED);
		break;
	}
}

static void set_constant(struct trib_tree *tree, uint32_t constant, uint32_t code)
{
	struct constant_row *row = &tree->constant_rows[constant];

	for (uint32_t i = row->sites; i; i = tree->site_pool[i].next)
		set_site(tree, &tree->site_pool[i], code);
	row->sites = 0;
	tree->waiting--;
}

static bool waits(const struct trib_tree *tree, uint32_t constant)
{
	return constant && constant < tree->constant_capacity &&
	       tree->constant_rows[constant].sites;
}

void trib_tree_name_added(struct trib_tree *tree, enum trib_space space, struct trib_bytes text,
			  uint32_t code)
{
	if (TRIB_LIKELY(tree->waiting == 0))
		return;
	uint32_t constant = constants_find(&tree->constants, space, text);

	if (waits(tree, constant))
		set_constant(tree, constant, code);
}

void trib_tree_resolve(struct trib_tree *tree, const struct trib_spaces *spaces)
{
	for (uint32_t constant = 1; tree->waiting && constant < tree->constant_capacity;
	     constant++) {
		if (!waits(tree, constant))
			continue;
		uint32_t code =
			spaces->find(spaces->context, constants_space(&tree->constants, constant),
				     constants_text(&tree->constants, constant));

		if (code)
			set_constant(tree, constant, code);
	}
}

/* ---- Paths ------------------------------------------------------------------------------------------------- */

static bool next_varint(struct trib_bytes *rest, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (unsigned shift = 0; rest->size && shift < 32; shift += 7) {
		uint8_t byte = (uint8_t)rest->data[0];

		rest->data++;
		rest->size--;
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

/* Reads the next entered node: a child of the one entered last, or the root. */
static void read_target(struct trib_path_cursor *cursor)
{
	uint32_t value, index;

	cursor->target = -1;
	if (!next_varint(&cursor->rest, &value) || !(value & 1))
		return;
	index = value >> 1;
	if (index < cursor->tree->node_count &&
	    (cursor->entered
		     ? index && cursor->tree->nodes[index].public.parent == cursor->entered->index
		     : !index))
		cursor->target = index;
}

void trib_path_begin(const struct trib_tree *tree, struct trib_bytes path,
		     struct trib_path_cursor *ret_cursor)
{
	*ret_cursor = (struct trib_path_cursor){ .tree = tree, .rest = path };
	read_target(ret_cursor);
}

bool trib_path_next(struct trib_path_cursor *cursor, const struct trib_node **ret_node,
		    bool *ret_value)
{
	const struct trib_tree *tree = cursor->tree;
	const struct node *entered = cursor->entered ? &tree->nodes[cursor->entered->index] : NULL;
	uint32_t index = 0;

	if (cursor->child >= (entered ? entered->children : 1))
		return false;
	if (entered)
		index = tree->order[entered->tried + cursor->child];
	cursor->child++;
	*ret_node = &tree->nodes[index].public;
	*ret_value = cursor->target == index;
	if (*ret_value) {
		cursor->entered = *ret_node;
		cursor->child = 0;
		read_target(cursor);
	}
	return true;
}

bool trib_node_base(const struct trib_node *node, const struct trib_facts *facts, int64_t *ret_base)
{
	trib_assert(node->base);
	return formula_eval(node->base, facts, ret_base);
}

int64_t trib_node_priority(const struct trib_node *node, const struct trib_facts *facts)
{
	int64_t priority;

	trib_assert(node->priority_by);
	return formula_eval(node->priority_by, facts, &priority) ? priority : INT64_MIN;
}
