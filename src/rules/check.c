/*
 * Compiles every `when`, puts children into the order in which they are tried, and refuses what can never be: a
 * condition that is never true where it is asked, or one that comes after another that takes all of its orders.
 *
 * Stated commissions are held to the bounds of the categories whose orders can come to their node.
 *
 * Reasoning is one-sided: what is refused is certain; what is too rich to be understood is let through.
 */
#include "rules/program.h"
#include "rules/wider.h"

/* Comparisons of conditions in one tree, about 10 ms; past it, only cheaper checks are made. */
enum { IMPLIES_STEPS = 2 * 1000 * 1000 };

struct checker {
	struct trib_tree *tree;
	struct trib_arena *arena;
	struct trib_error *error;
	bool trusted;
	const struct trib_spaces *bounds; /* NULL: no category has any */
	uint32_t steps;
	struct known universe; /* the words that some facts are limited to */
};

static trib_status refuse_when(struct checker *c, const struct node *node, const char *why,
			       const struct node *other)
{
	char at[TRIB_ERROR_AT_MAX];

	node_at(node, node->public.when.size ? "when" : "", at);
	if (other)
		return trib_fail(c->error, TRIB_REFUSED, at, "unreachable: %s " TRIB_BYTES_FMT, why,
				 TRIB_BYTES_ARG(other->public.id));
	return trib_fail(c->error, TRIB_REFUSED, at, "unreachable: %s", why);
}

/* ---- Conditions of all nodes ---------------------------------------------------------------------------- */

static const struct cond always = { .kind = COND_ALWAYS };

/* What the node's schedule adds to its condition. */
static void schedule(struct checker *c, struct node *node)
{
	static const struct cond never = { .kind = COND_NEVER };
	const struct trib_node *public = &node->public;

	if (public->disabled) {
		node->cond = &never;
	} else if (public->from_ms != INT64_MIN || public->to_ms != INT64_MAX) {
		node->cond = condition_within(node->cond, TRIB_FACT_ORDER_CREATED_AT, public->from_ms,
					      public->to_ms == INT64_MAX ? INT64_MAX : public->to_ms - 1,
					      c->arena);
		c->tree->facts |= TRIB_FACT_BIT(TRIB_FACT_ORDER_CREATED_AT);
	}
}

static trib_status within(struct checker *c, const struct node *node, trib_status status)
{
	char at[TRIB_ERROR_AT_MAX];

	if (c->error)
		trib_error_within(c->error, node_at(node, "", at));
	return status;
}

static trib_status compile_when(struct checker *c, struct node *node)
{
	struct trib_tree *tree = c->tree;
	trib_fact_set facts;

	node->cond = &always;
	if (node->public.when.size) {
		trib_status status = condition_check(node->public.when, TRIB_TYPE_BOOL,
						     "when", &node->program, &facts, c->error);

		if (status != TRIB_OK)
			return within(c, node, status);
		tree->facts |= facts;
		node->cond = condition_make(node->program, c->arena, &tree->constants);
		/* Tests do all of most conditions: their programs give their memory to the next. */
		if (!condition_has_rich(node->cond))
			trib_expr_free(TRIB_TAKE_PTR(node->program));
		else if ((status = condition_generate(node->program, "when", c->error)) != TRIB_OK)
			return within(c, node, status);
	}
	schedule(c, node);
	return TRIB_OK;
}

/* ---- The order in which children are tried --------------------------------------------------------------- */

struct rank {
	int64_t priority;
	uint32_t index;
};

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void order_children(struct trib_tree *tree)
{
	TRIB_AUTOFREE struct rank *ranks = trib_alloc(tree->node_count * sizeof(*ranks));
	uint32_t next = 0;

	tree->order = trib_alloc(tree->node_count * sizeof(*tree->order));
	for (uint32_t i = 0; i < tree->node_count; i++) {
		struct node *node = &tree->nodes[i];
		uint32_t n = 0;

		node->tried = next;
		for (uint32_t child = node->first_child; child;
		     child = tree->nodes[child].next_sibling)
			ranks[n++] = (struct rank){ tree->nodes[child].public.priority, child };
		qsort(ranks, n, sizeof(*ranks), compare_ranks);
		for (uint32_t j = 0; j < n; j++)
			tree->order[next++] = ranks[j].index;
	}
}

/* ---- Reachability ---------------------------------------------------------------------------------------- */

/*
 * The values of one string or number that earlier siblings have taken, growing. Heap, because a node may have
 * thousands of children, and each would copy all of it.
 */
struct taken {
	struct trib_range *ranges;
	uint32_t count, capacity;
};

static void take_range(struct taken *taken, struct trib_range range)
{
	uint32_t low = 0, high = taken->count, end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (taken->ranges[middle].hi < range.lo && taken->ranges[middle].hi + 1 < range.lo)
			low = middle + 1;
		else
			high = middle;
	}
	/* [low, end) touch the new range and become one with it. */
	for (end = low;
	     end < taken->count && (range.hi == INT64_MAX || taken->ranges[end].lo <= range.hi + 1);
	     end++) {
		range.lo = TRIB_MIN(range.lo, taken->ranges[end].lo);
		range.hi = TRIB_MAX(range.hi, taken->ranges[end].hi);
	}
	if (end == low) {
		if (taken->count == taken->capacity) {
			taken->capacity = taken->capacity ? taken->capacity * 2 : 8;
			taken->ranges = trib_realloc(taken->ranges,
						     taken->capacity * sizeof(*taken->ranges));
		}
		memmove(&taken->ranges[low + 1], &taken->ranges[low],
			(taken->count - low) * sizeof(range));
		taken->count++;
	} else {
		memmove(&taken->ranges[low + 1], &taken->ranges[end],
			(taken->count - end) * sizeof(range));
		taken->count -= end - low - 1;
	}
	taken->ranges[low] = range;
}

/* Everything that earlier siblings say about those that follow. */
struct siblings {
	struct taken taken[TRIB_FACTS];
	struct known known; /* groups */
	struct wider *wider;
};

static void siblings_add(struct siblings *siblings, const struct cond *cond,
			 struct trib_arena *arena)
{
	if (cond->kind == COND_OR) {
		for (uint32_t i = 0; i < cond->count; i++)
			siblings_add(siblings, cond->args[i], arena);
	} else if (cond->kind == COND_SET) {
		for (uint32_t i = 0; i < cond->set.count; i++)
			take_range(&siblings->taken[cond->fact], cond->set.ranges[i]);
	} else {
		known_not(&siblings->known, cond, arena);
	}
}

/* Are all orders for which cond is true taken by earlier siblings' values? */
static bool all_taken(const struct siblings *siblings, const struct cond *cond)
{
	if (cond->kind == COND_SET) {
		const struct taken *taken = &siblings->taken[cond->fact];

		return trib_ranges_subset(cond->set, (struct trib_ranges){ taken->count, taken->ranges });
	}
	if (cond->kind == COND_AND) {
		for (uint32_t i = 0; i < cond->count; i++)
			if (all_taken(siblings, cond->args[i]))
				return true;
		return false;
	}
	if (cond->kind == COND_OR) {
		for (uint32_t i = 0; i < cond->count; i++)
			if (!all_taken(siblings, cond->args[i]))
				return false;
		return true;
	}
	return cond->kind == COND_NEVER;
}

/* Have siblings, of which cond is the last, taken every value of its fact, which is always there? */
static bool nothing_left(const struct siblings *siblings, const struct cond *cond)
{
	const struct taken *taken = &siblings->taken[cond->fact];

	return cond->kind == COND_SET && siblings->known.open & TRIB_FACT_BIT(cond->fact) &&
	       taken->count == 1 &&
	       taken->ranges[0].lo == fact_lowest((enum trib_fact)cond->fact) &&
	       taken->ranges[0].hi == INT64_MAX;
}

static bool is_scheduled(const struct node *node)
{
	return node->public.disabled || node->public.from_ms != INT64_MIN || node->public.to_ms != INT64_MAX;
}

/*
 * Never true here? The words of a fact are used for this only, and not to make conditions simpler: should a word be
 * added one day, trees that were compiled before must not mistake it.
 */
static bool never_true(struct checker *c, const struct cond *cond, const struct known *known)
{
	cond = condition_simplify(cond, known, c->arena);
	return condition_simplify(cond, &c->universe, c->arena)->kind == COND_NEVER;
}

static trib_status check_child(struct checker *c, struct siblings *siblings,
			       const struct known *known, const uint32_t *tried, uint32_t i,
			       const struct node *open_end)
{
	struct node *node = &c->tree->nodes[tried[i]];
	int64_t wider;

	if (open_end)
		return refuse_when(c, node, "every order that comes here is taken before by",
				   open_end);
	if (never_true(c, node->cond, known))
		return refuse_when(c, node, "its condition is never true here", NULL);
	wider = wider_find(siblings->wider, node->cond, node->public.when, &c->steps);
	if (wider >= 0)
		return refuse_when(c, node,
				   "whenever its condition is true, so is that of, tried before,",
				   &c->tree->nodes[tried[wider]]);
	if (all_taken(siblings, node->cond) ||
	    condition_simplify(node->cond, &siblings->known, c->arena)->kind == COND_NEVER)
		return refuse_when(c, node, "the siblings tried before take all its orders", NULL);
	siblings_add(siblings, node->cond, c->arena);
	return TRIB_OK;
}

/* ---- Bounds ---------------------------------------------------------------------------------------------- */

/* A rate of commission that a node states. */
struct stated {
	const struct node *node;
	char field[32];
	int32_t bps;
};

static trib_status hold_to(struct checker *c, const struct stated *stated, struct trib_bytes category,
			   int32_t min_bps, int32_t max_bps)
{
	char at[TRIB_ERROR_AT_MAX];

	if (stated->bps >= min_bps && stated->bps <= max_bps)
		return TRIB_OK;
	return trib_fail(c->error, TRIB_INVALID, node_at(stated->node, stated->field, at),
			 "found %d, expected %d to %d: the bounds of category \"" TRIB_BYTES_FMT "\"", stated->bps,
			 min_bps, max_bps, (int)TRIB_MIN(category.size, (size_t)100), category.data);
}

/* Each category that the node is for, where its conditions name them. */
static trib_status hold_to_named(struct checker *c, const struct stated *stated, struct trib_ranges categories)
{
	const struct trib_spaces *bounds = c->bounds;
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; i < categories.count; i++)
		for (int64_t constant = categories.ranges[i].lo;
		     status == TRIB_OK && constant <= categories.ranges[i].hi; constant++) {
			struct trib_bytes text = constants_text(&c->tree->constants, (uint32_t)constant);
			int32_t low, high;

			if (bounds->bounds(bounds->context, text, &low, &high))
				status = hold_to(c, stated, text, low, high);
		}
	return status;
}

/* Any category: all that have bounds. */
static trib_status hold_to_all(struct checker *c, const struct stated *stated)
{
	const struct trib_spaces *bounds = c->bounds;
	struct trib_bytes category;
	trib_status status = TRIB_OK;
	int32_t low, high;

	for (uint32_t i = 1; status == TRIB_OK &&
			     bounds->bounded(bounds->context, i, &category, &low, &high);
	     i++)
		if (low <= high)
			status = hold_to(c, stated, category, low, high);
	return status;
}

static trib_status check_rate(struct checker *c, const struct stated *stated, const struct known *known)
{
	const trib_fact_set asked = TRIB_FACT_BIT(TRIB_FACT_GOODS_CATEGORY) |
				    TRIB_FACT_BIT(TRIB_FACT_GOODS_CATEGORY_PATH);
	struct trib_ranges categories = known->values[TRIB_FACT_GOODS_CATEGORY];

	if (known->bounded & TRIB_FACT_BIT(TRIB_FACT_GOODS_CATEGORY) && !trib_ranges_unbounded(categories))
		return hold_to_named(c, stated, categories);
	/* Where some condition asks for categories otherwise, it is not certain which come here. */
	return c->tree->facts & asked ? TRIB_OK : hold_to_all(c, stated);
}

static trib_status check_bounds(struct checker *c, const struct node *node, const struct known *known)
{
	const struct trib_node *public = &node->public;
	struct stated stated = { .node = node };
	trib_status status = TRIB_OK;

	for (uint32_t i = 0; status == TRIB_OK && i < public->n_shares; i++) {
		const struct trib_share *share = &public->shares[i];

		if (share->kind != TRIB_LINE_COMMISSION || share->rate != TRIB_RATE_STATED || share->of != TRIB_OF_BASE)
			continue;
		snprintf(stated.field, sizeof(stated.field), "shares[%u].bps", i);
		stated.bps = share->bps;
		status = check_rate(c, &stated, known);
	}
	for (int level = 0; status == TRIB_OK && public->has_match_rates && level <= TRIB_MATCH_ANY; level++) {
		if (public->match_bps[level] == TRIB_MATCH_RATE_NONE)
			continue;
		snprintf(stated.field, sizeof(stated.field), "match_rates.%s", trib_match_word((enum trib_match)level));
		stated.bps = public->match_bps[level];
		status = check_rate(c, &stated, known);
	}
	return status;
}

static trib_status check_node(struct checker *c, uint32_t index, const struct known *known);

/* The children of a node, about whose orders this is known. */
static trib_status check_children(struct checker *c, uint32_t index, const struct known *known)
{
	struct trib_tree *tree = c->tree;
	const struct node *node = &tree->nodes[index], *open_end = NULL;
	const uint32_t *tried = &tree->order[node->tried];
	struct siblings *siblings = trib_alloc_zeroed(1, sizeof(*siblings));
	trib_status status = TRIB_OK;

	siblings->known = *known;
	siblings->wider = c->trusted ? NULL : wider_new(node->children);
	for (uint32_t i = 0; status == TRIB_OK && i < node->children; i++) {
		struct node *child = &tree->nodes[tried[i]];
		struct known inside = *known;

		/* What is switched off is meant to be out of reach. */
		if (!c->trusted && !child->public.disabled)
			status = check_child(c, siblings, known, tried, i, open_end);
		/* Tests that are settled by the nodes above need not be walked. */
		child->cond = condition_simplify(child->cond, known, c->arena);
		if (!c->trusted)
			wider_add(siblings->wider, i, child->cond, child->public.when, is_scheduled(child));
		if (child->cond->kind == COND_ALWAYS || nothing_left(siblings, child->cond))
			open_end = child;
		known_true(&inside, child->cond, c->arena);
		if (status == TRIB_OK)
			status = check_node(c, tried[i], &inside);
	}
	for (int fact = 0; fact < TRIB_FACTS; fact++)
		free(siblings->taken[fact].ranges);
	wider_free(siblings->wider);
	free(siblings);
	return status;
}

/* Recurses as deep as the tree, with a `known` (about 2 KiB) a level. */
static trib_status check_node(struct checker *c, uint32_t index, const struct known *known)
{
	trib_status status = c->bounds ? check_bounds(c, &c->tree->nodes[index], known) : TRIB_OK;

	return status == TRIB_OK && c->tree->nodes[index].children ? check_children(c, index, known) : status;
}

static trib_status check_root(struct checker *c)
{
	struct node *root = &c->tree->nodes[0];
	struct known known = { .open = trib_fact_group_masks[TRIB_GROUP_ORDER] };

	for (int fact = 1; fact < TRIB_FACTS; fact++)
		if (fact_universe((enum trib_fact)fact, c->arena, &c->tree->constants,
				  &c->universe.values[fact]))
			c->universe.bounded |= TRIB_FACT_BIT(fact);
	root->cond = condition_simplify(root->cond, &known, c->arena);
	if (!c->trusted && !root->public.disabled && never_true(c, root->cond, &known))
		return refuse_when(c, root, "its condition is never true", NULL);
	known_true(&known, root->cond, c->arena);
	return check_node(c, 0, &known);
}

trib_status tree_check(struct trib_tree *tree, const struct trib_tree_options *options,
		       struct trib_arena *scratch, struct trib_error *error)
{
	const struct trib_spaces *spaces = options->spaces;
	bool bounded = !options->trusted && spaces && spaces->bounds;
	struct checker c = { .tree = tree,
			     .arena = scratch,
			     .error = error,
			     .trusted = options->trusted,
			     .bounds = bounded ? spaces : NULL,
			     .steps = IMPLIES_STEPS };
	trib_status status;

	for (uint32_t i = 0; i < tree->node_count; i++) {
		status = compile_when(&c, &tree->nodes[i]);
		if (status != TRIB_OK)
			return status;
	}
	order_children(tree);
	status = check_root(&c);
	/* The evaluator's programs are kept only where tests do not do everything. */
	for (uint32_t i = 0; i < tree->node_count; i++)
		if (!condition_has_rich(tree->nodes[i].cond)) {
			trib_expr_free(tree->nodes[i].program);
			tree->nodes[i].program = NULL;
		}
	return status;
}
