/*
 * The best rows of a query. A query becomes a tree of nodes that walk a segment's rows together:
 *
 *	LEAF   one term                                   a cursor
 *	BOTH   rows that all children have                score: their sum      terms of an alternative; words under ALL
 *	BEST   rows that a child has                      score: the greatest   alternatives of a word
 *	SUM    rows that a child has                      score: their sum      words under ANY
 *
 * Each node tells the most that rows up to some row can score, from the blocks' greatest impacts, without unpacking them; where
 * that does not reach the worst of the best so far, the walk goes on behind (block-max WAND, Ding and Suel 2011). SUM does the
 * same child by child: children whose greatest scores together do not reach are asked only about rows that others
 * propose (MaxScore, Turtle and Flood 1995).
 */
#include <math.h>
#include "catalog/words_view.h"

enum kind { LEAF, BOTH, BEST, SUM };

struct node {
	enum kind kind;
	uint32_t row;
	uint32_t most; /* no row scores more */
	uint32_t rows; /* about so many at most: who leads */
	uint32_t count;
	uint32_t
		first_needed; /* of SUM: the children before it are asked only about rows that others propose */
	struct trib_words_cursor *cursor; /* of LEAF */
	struct node **children;
	uint64_t *most_before; /* of SUM: what the children before may score together */
};

/* The best so far, the worst of them at the top: score in the upper half, row inverted below, so that greater is better. */
struct best {
	uint64_t *heap;
	size_t count, max;
};

uint32_t trib_words_view_idf(const struct trib_words_view *view, uint64_t key)
{
	double rows = (double)trib_words_view_rows(view, key), all = (double)view->rows;
	double idf = log(1 + ((all > rows ? all - rows : 0) + 0.5) / (rows + 0.5));

	return (uint32_t)TRIB_MAX(lround(idf * 256), 1L);
}

static uint64_t rank_of(uint64_t score, uint32_t row)
{
	return score << 32 | (uint32_t)~row;
}

static bool is_full(const struct best *best)
{
	return best->count == best->max;
}

/* Rows from `row` on that score no more than `bound`: can none of them be among the best? While there is room, all can. */
static bool hopeless(const struct best *best, uint64_t bound, uint32_t row)
{
	return is_full(best) && rank_of(bound, row) <= best->heap[0];
}

static void best_add(struct best *best, uint64_t rank)
{
	uint64_t *heap = best->heap;
	size_t at;

	if (best->count < best->max) {
		at = best->count++;
		for (; at > 0 && heap[(at - 1) / 2] > rank; at = (at - 1) / 2)
			heap[at] = heap[(at - 1) / 2];
		heap[at] = rank;
		return;
	}
	if (rank <= heap[0])
		return;
	for (at = 0;;) {
		size_t child = at * 2 + 1;

		if (child >= best->count)
			break;
		if (child + 1 < best->count && heap[child + 1] < heap[child])
			child++;
		if (heap[child] >= rank)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = rank;
}

static void node_seek(struct node *node, uint32_t row);

static void seek_leaf(struct node *node, uint32_t row)
{
	trib_words_cursor_seek(node->cursor, row);
	node->row = node->cursor->row;
}

static void seek_both(struct node *node, uint32_t row)
{
	for (uint32_t i = 0; i < node->count;) {
		struct node *child = node->children[i];

		node_seek(child, row);
		if (child->row == row) {
			i++;
			continue;
		}
		row = child->row;
		if (row == TRIB_WORDS_END)
			break;
		i = i == 0; /* the one that went ahead is there already */
	}
	node->row = row;
}

static void seek_any(struct node *node, uint32_t row)
{
	uint32_t least = TRIB_WORDS_END;

	for (uint32_t i = 0; i < node->count; i++) {
		node_seek(node->children[i], row);
		least = TRIB_MIN(least, node->children[i]->row);
	}
	node->row = least;
}

/* To the first row at `row` or after. */
static void node_seek(struct node *node, uint32_t row)
{
	if (node->row >= row)
		return;
	if (TRIB_LIKELY(node->kind == LEAF))
		seek_leaf(node, row);
	else if (node->kind == BOTH)
		seek_both(node, row);
	else
		seek_any(node, row);
}

/* Of the present row. */
static uint32_t node_score(const struct node *node)
{
	uint32_t score = 0;

	if (TRIB_LIKELY(node->kind == LEAF))
		return node->cursor->gain * trib_words_cursor_impact(node->cursor);
	for (uint32_t i = 0; i < node->count; i++) {
		const struct node *child = node->children[i];

		if (child->row != node->row)
			continue;
		uint32_t part = node_score(child);

		score = node->kind == BEST ? TRIB_MAX(score, part) : score + part;
	}
	return score;
}

/* The most of rows from `row` on up to *ret_until. */
static uint32_t node_bound(struct node *node, uint32_t row, uint32_t *ret_until)
{
	uint32_t bound = 0, until = TRIB_WORDS_END;

	if (TRIB_LIKELY(node->kind == LEAF))
		return node->cursor->gain * trib_words_cursor_bound(node->cursor, row, ret_until);
	for (uint32_t i = 0; i < node->count; i++) {
		uint32_t child_until, part = node_bound(node->children[i], row, &child_until);

		until = TRIB_MIN(until, child_until);
		if (node->kind == BOTH && part == 0) { /* this child has no row there */
			*ret_until = child_until;
			return 0;
		}
		bound = node->kind == BEST ? TRIB_MAX(bound, part) : bound + part;
	}
	*ret_until = until;
	return bound;
}

struct walk {
	const struct trib_words_view_part *part;
	const struct trib_words_header *header;
	const struct trib_words_filter *filter;
	const uint64_t *allowed; /* of the chunk */
	uint32_t chunk;
	struct best *best;
	const struct trib_words_query *phrase; /* its terms stand at the cursors; NULL: no phrase */
	const struct trib_words_cursor *cursors;
};

static bool row_counts(struct walk *walk, uint32_t row)
{
	if (!trib_words_live_has(walk->part->live, walk->header, row))
		return false;
	if (!walk->filter)
		return !walk->phrase || trib_words_phrase_at(walk->phrase, walk->cursors);
	if (walk->chunk != row / TRIB_WORDS_CHUNK) {
		walk->chunk = row / TRIB_WORDS_CHUNK;
		walk->allowed = walk->filter->chunk(walk->filter->context, walk->chunk);
	}
	uint32_t bit = row % TRIB_WORDS_CHUNK;

	return walk->allowed && (walk->allowed[bit / 64] >> bit % 64 & 1) &&
	       (!walk->phrase || trib_words_phrase_at(walk->phrase, walk->cursors));
}

/* Every row of a node, but those behind a bound that is too low. */
static void walk_rows(struct walk *walk, struct node *node)
{
	uint32_t until = 0, bound = 0;
	bool known = false;

	for (uint32_t row = node->row; row != TRIB_WORDS_END; row = node->row) {
		if (is_full(walk->best) && (!known || row > until)) {
			bound = node_bound(node, row, &until);
			known = true;
		}
		if (known && hopeless(walk->best, bound, row)) {
			if (until == TRIB_WORDS_END)
				return;
			node_seek(node, until + 1);
			continue;
		}
		if (row_counts(walk, row))
			best_add(walk->best, rank_of(node_score(node), row));
		node_seek(node, row + 1);
	}
}

/* BOTH, led by its rarest child: the others are asked only where the blocks let hope. */
static void walk_both(struct walk *walk, struct node *node)
{
	struct node *lead = node->children[0];
	uint32_t until = 0, bound = 0;
	bool known = false;

	for (uint32_t row = lead->row; row != TRIB_WORDS_END; row = lead->row) {
		uint32_t i;

		if (is_full(walk->best) && (!known || row > until)) {
			bound = node_bound(node, row, &until);
			known = true;
		}
		if (known && (bound == 0 || hopeless(walk->best, bound, row))) {
			if (until == TRIB_WORDS_END)
				return;
			node_seek(lead, until + 1);
			continue;
		}
		for (i = 1; i < node->count; i++) {
			node_seek(node->children[i], row);
			if (node->children[i]->row != row)
				break;
		}
		if (i < node->count) {
			node_seek(lead, node->children[i]->row);
			continue;
		}
		node->row = row;
		if (row_counts(walk, row))
			best_add(walk->best, rank_of(node_score(node), row));
		node_seek(lead, row + 1);
	}
}

/* Scores the row that needed children propose, asking the others while they can still matter. */
static void sum_row(struct walk *walk, struct node *node, uint32_t row)
{
	uint64_t score = 0;

	for (uint32_t i = node->first_needed; i < node->count; i++)
		if (node->children[i]->row == row)
			score += node_score(node->children[i]);
	for (uint32_t i = node->first_needed; i-- > 0;) {
		if (hopeless(walk->best, score + node->most_before[i] + node->children[i]->most,
			     row))
			return;
		node_seek(node->children[i], row);
		if (node->children[i]->row == row)
			score += node_score(node->children[i]);
	}
	if (row_counts(walk, row))
		best_add(walk->best, rank_of(score, row));
}

static uint32_t needed_row(const struct node *node)
{
	uint32_t row = TRIB_WORDS_END;

	for (uint32_t i = node->first_needed; i < node->count; i++)
		row = TRIB_MIN(row, node->children[i]->row);
	return row;
}

static void seek_needed(struct node *node, uint32_t row)
{
	for (uint32_t i = node->first_needed; i < node->count; i++)
		node_seek(node->children[i], row);
}

/* SUM; its children stand by what they may score, the least first. */
static void walk_sum(struct walk *walk, struct node *node)
{
	uint32_t until = 0, bound = 0;
	bool known = false;

	for (uint32_t row = needed_row(node); row != TRIB_WORDS_END; row = needed_row(node)) {
		if (is_full(walk->best) && (!known || row > until)) {
			bound = node_bound(node, row, &until);
			known = true;
			/* The worst of the best grows: with it what need not be asked. */
			while (node->first_needed < node->count &&
			       hopeless(walk->best,
					node->most_before[node->first_needed] +
						node->children[node->first_needed]->most,
					0))
				node->first_needed++;
			if (node->first_needed == node->count)
				return;
			row = needed_row(node);
			if (row == TRIB_WORDS_END)
				return;
			if (row > until) {
				known = false;
				continue;
			}
		}
		if (known && hopeless(walk->best, bound, row)) {
			if (until == TRIB_WORDS_END)
				return;
			seek_needed(node, until + 1);
			continue;
		}
		sum_row(walk, node, row);
		seek_needed(node, row + 1);
	}
}

/* Makes the tree of one segment; all of it is freed at once. */
struct maker {
	const struct trib_words_view *view;
	const struct trib_words_query *query;
	const uint32_t *idf; /* a term of the query */
	struct trib_words_segment *segment;
	struct node *nodes;
	struct node **children;
	uint64_t *sums;
	struct trib_words_cursor *cursors;
	uint32_t node_count, child_count, cursor_count;
};

static struct node *node_new(struct maker *maker, enum kind kind)
{
	struct node *node = &maker->nodes[maker->node_count++];

	*node = (struct node){ .kind = kind };
	return node;
}

static struct node *leaf_new(struct maker *maker, uint32_t term, uint32_t weight_percent)
{
	const struct trib_words_term *found =
		trib_words_segment_find(maker->segment, maker->query->terms[term].key);

	if (!found)
		return NULL;
	struct trib_words_cursor *cursor = &maker->cursors[maker->cursor_count++];

	if (!trib_words_cursor_open(cursor, maker->segment, found) || cursor->row == TRIB_WORDS_END)
		return NULL;
	struct node *node = node_new(maker, LEAF);

	cursor->gain = TRIB_MAX((uint32_t)((uint64_t)maker->idf[term] * weight_percent / 100), 1u);
	node->cursor = cursor;
	node->row = cursor->row;
	node->rows = found->rows;
	node->most = cursor->gain * TRIB_MIN(found->impact_max, 255u);
	return node;
}

static int rarest_first(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;

	return x->rows < y->rows ? -1 : x->rows > y->rows;
}

static int least_first(const void *a, const void *b)
{
	const struct node *x = *(struct node *const *)a, *y = *(struct node *const *)b;

	return x->most < y->most ? -1 : x->most > y->most;
}

/* Joins children; one alone stands for itself. A BOTH within a BOTH gives its children instead. */
static struct node *join(struct maker *maker, enum kind kind, struct node **children,
			 uint32_t count)
{
	if (count <= 1)
		return count ? children[0] : NULL;
	struct node *node = node_new(maker, kind);

	node->children = maker->children + maker->child_count;
	node->rows = kind == BOTH ? UINT32_MAX : 0;
	for (uint32_t i = 0; i < count; i++) {
		struct node *child = children[i];
		bool open = kind == BOTH && child->kind == BOTH;

		for (uint32_t c = 0; c < (open ? child->count : 1); c++)
			node->children[node->count++] = open ? child->children[c] : child;
		node->most =
			kind == BEST ? TRIB_MAX(node->most, child->most) : node->most + child->most;
		node->rows =
			kind == BOTH ? TRIB_MIN(node->rows, child->rows) : node->rows + child->rows;
	}
	maker->child_count += node->count;
	qsort(node->children, node->count, sizeof(*node->children),
	      kind == SUM ? least_first : rarest_first);
	if (kind == SUM) {
		node->most_before = maker->sums;
		for (uint32_t i = 0; i < node->count; i++)
			node->most_before[i] =
				i ? node->most_before[i - 1] + node->children[i - 1]->most : 0;
	}
	node->row = 0;
	return node;
}

static struct node *alternative_node(struct maker *maker,
				     const struct trib_words_alternative *alternative)
{
	struct node *leaves[TRIB_LIMIT_WORDS_QUERY_TERMS];

	for (uint32_t i = 0; i < alternative->count; i++) {
		leaves[i] = leaf_new(maker, alternative->first + i, alternative->weight_percent);
		if (!leaves[i])
			return NULL;
	}
	return join(maker, BOTH, leaves, alternative->count);
}

static struct node *query_node(struct maker *maker)
{
	const struct trib_words_query *query = maker->query;
	struct node *words[TRIB_LIMIT_WORDS_QUERY_WORDS];
	uint32_t word_count = 0;

	for (uint32_t w = 0; w < query->word_count; w++) {
		struct node *ways[TRIB_LIMIT_WORDS_QUERY_ALTERNATIVES];
		uint32_t way_count = 0;

		for (uint32_t a = 0; a < query->words[w].count; a++) {
			ways[way_count] = alternative_node(
				maker, &query->alternatives[query->words[w].first + a]);
			way_count += ways[way_count] != NULL;
		}
		words[word_count] = join(maker, BEST, ways, way_count);
		if (words[word_count])
			word_count++;
		else if (query->mode != TRIB_WORDS_ANY)
			return NULL;
	}
	return join(maker, query->mode == TRIB_WORDS_ANY ? SUM : BOTH, words, word_count);
}

static void start(struct node *node)
{
	if (node->kind == LEAF)
		return;
	for (uint32_t i = 0; i < node->count; i++)
		start(node->children[i]);
	uint32_t row = UINT32_MAX;

	for (uint32_t i = 0; i < node->count; i++)
		row = TRIB_MIN(row, node->children[i]->row);
	if (node->kind == BOTH)
		seek_both(node, row);
	else
		node->row = row;
}

static void walk_segment(struct walk *walk, struct node *node)
{
	for (uint32_t i = 0; i < node->count; i++)
		start(node->children[i]);
	if (node->kind == SUM) {
		walk_sum(walk, node);
	} else if (node->kind == BOTH) {
		walk_both(walk, node);
	} else {
		start(node);
		walk_rows(walk, node);
	}
}

static void sort_hits(struct best *best, struct trib_words_hit *ret_hits)
{
	for (size_t left = best->count; left-- > 0;) {
		uint64_t rank = best->heap[0];

		ret_hits[left] = (struct trib_words_hit){ .row = ~(uint32_t)rank,
							  .score = (uint32_t)(rank >> 32) };
		/* the last takes the root's place */
		uint64_t moved = best->heap[left];

		best->count = left;
		best->max = left;
		if (left > 0) {
			best->heap[0] = 0;
			best_add(best, moved);
		}
	}
}

size_t trib_words_top(const struct trib_words_view *view, const struct trib_words_query *query,
		      const struct trib_words_filter *filter, size_t count,
		      struct trib_words_hit *ret_hits)
{
	uint32_t idf[TRIB_LIMIT_WORDS_QUERY_TERMS];
	size_t nodes_max = query->term_count + query->alternative_count + query->word_count + 1;

	count = TRIB_MIN(count, (size_t)TRIB_LIMIT_WORDS_TOP);
	if (count == 0 || view->count == 0)
		return 0;
	TRIB_AUTOFREE uint64_t *heap = trib_alloc(count * sizeof(*heap));
	TRIB_AUTOFREE struct node *nodes = trib_alloc(nodes_max * sizeof(*nodes));
	/* A BOTH that is taken apart leaves its children's places behind. */
	TRIB_AUTOFREE struct node **children = trib_alloc(nodes_max * 3 * sizeof(struct node *));
	TRIB_AUTOFREE struct trib_words_cursor *cursors =
		trib_alloc((query->term_count + 1) * sizeof(*cursors));
	uint64_t sums[TRIB_LIMIT_WORDS_QUERY_WORDS];
	struct best best = { .heap = heap, .max = count };

	for (uint32_t i = 0; i < query->term_count; i++)
		idf[i] = trib_words_view_idf(view, query->terms[i].key);
	for (size_t p = 0; p < view->count; p++) {
		struct maker maker = { .view = view,
				       .query = query,
				       .idf = idf,
				       .segment = view->parts[p].segment,
				       .nodes = nodes,
				       .children = children,
				       .sums = sums,
				       .cursors = cursors };
		struct walk walk = { .part = &view->parts[p],
				     .header = trib_words_segment_header(view->parts[p].segment),
				     .filter = filter,
				     .chunk = UINT32_MAX,
				     .best = &best,
				     .phrase = query->mode == TRIB_WORDS_PHRASE ? query : NULL,
				     .cursors = cursors };
		struct node *node = query_node(&maker);

		if (node)
			walk_segment(&walk, node);
	}
	size_t found = best.count;

	sort_hits(&best, ret_hits);
	return found;
}
