/* Which rows match, a chunk of 65,536 at a time: bits of terms, joined by and, or; phrases are looked at row by row. */
#include "catalog/words_view.h"

struct leaf {
	struct trib_words_cursor cursor;
	const struct trib_words_term *term; /* NULL: the segment has it not */
};

struct trib_words_set {
	struct trib_words_view *view;
	struct trib_words_query query;
	struct leaf *leaves; /* for each segment, one a term */
	uint32_t next_chunk; /* cursors are not behind it */
};

static void rewind_leaves(struct trib_words_set *set)
{
	for (size_t p = 0; p < set->view->count; p++)
		for (uint32_t t = 0; t < set->query.term_count; t++) {
			struct leaf *leaf = &set->leaves[p * set->query.term_count + t];

			if (leaf->term &&
			    !trib_words_cursor_open(&leaf->cursor, set->view->parts[p].segment,
						    leaf->term))
				leaf->term = NULL;
		}
	set->next_chunk = 0;
}

struct trib_words_set *trib_words_set_new(const struct trib_words_view *view,
					  const struct trib_words_query *query)
{
	struct trib_words_set *set = trib_alloc_zeroed(1, sizeof(*set));

	set->view = (struct trib_words_view *)view; /* only its count of references changes */
	atomic_fetch_add_explicit(&set->view->references, 1, memory_order_relaxed);
	set->query = *query;
	set->leaves = trib_alloc_zeroed(view->count * query->term_count + 1, sizeof(*set->leaves));
	for (size_t p = 0; p < view->count; p++)
		for (uint32_t t = 0; t < query->term_count; t++)
			set->leaves[p * query->term_count + t].term = trib_words_segment_find(
				view->parts[p].segment, query->terms[t].key);
	rewind_leaves(set);
	return set;
}

void trib_words_set_free(struct trib_words_set *set)
{
	if (!set)
		return;
	trib_words_view_unref(set->view);
	free(set->leaves);
	free(set);
}

static uint32_t count_bits(const uint64_t *bits)
{
	uint64_t count = 0;

	/* By hand: without an instruction for it, which not every machine has, the compiler would call a function a word. */
	for (size_t i = 0; i < TRIB_WORDS_CHUNK_WORDS; i++) {
		uint64_t x = bits[i];

		x = x - (x >> 1 & 0x5555555555555555u);
		x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
		count += ((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu) * 0x0101010101010101u >> 56;
	}
	return (uint32_t)count;
}

static void set_leaf(struct leaf *leaf, uint32_t chunk, uint64_t *bits)
{
	struct trib_words_cursor *cursor = &leaf->cursor;

	trib_words_cursor_seek(cursor, chunk * TRIB_WORDS_CHUNK);
	for (; cursor->row != TRIB_WORDS_END && cursor->row / TRIB_WORDS_CHUNK == chunk;
	     trib_words_cursor_next(cursor)) {
		uint32_t bit = cursor->row % TRIB_WORDS_CHUNK;

		bits[bit / 64] |= (uint64_t)1 << bit % 64;
	}
}

/* Leaves of the bits those that the term has too. Few bits: the cursor is asked for each. */
static void keep_leaf(struct leaf *leaf, uint32_t chunk, uint64_t *bits, uint32_t count)
{
	enum { FEW = 256 };
	uint64_t other[TRIB_WORDS_CHUNK_WORDS];

	if (count > FEW) {
		memset(other, 0, sizeof(other));
		set_leaf(leaf, chunk, other);
		for (size_t i = 0; i < TRIB_WORDS_CHUNK_WORDS; i++)
			bits[i] &= other[i];
		return;
	}
	for (size_t i = 0; i < TRIB_WORDS_CHUNK_WORDS; i++)
		for (uint64_t left = bits[i]; left; left &= left - 1) {
			uint32_t row = chunk * TRIB_WORDS_CHUNK + (uint32_t)i * 64 +
				       (uint32_t)__builtin_ctzll(left);

			trib_words_cursor_seek(&leaf->cursor, row);
			if (leaf->cursor.row != row)
				bits[i] &= ~(left & -left);
		}
}

/* All terms of an alternative, the rarest first. False: none. */
static bool match_alternative(struct trib_words_set *set, size_t part,
			      const struct trib_words_alternative *alternative, uint32_t chunk,
			      uint64_t *bits)
{
	struct leaf *leaves = set->leaves + part * set->query.term_count + alternative->first;
	uint32_t rarest = 0, count;

	for (uint32_t i = 0; i < alternative->count; i++) {
		if (!leaves[i].term)
			return false;
		if (leaves[i].cursor.total < leaves[rarest].cursor.total)
			rarest = i;
	}
	memset(bits, 0, TRIB_WORDS_CHUNK / 8);
	set_leaf(&leaves[rarest], chunk, bits);
	count = count_bits(bits);
	for (uint32_t i = 0; i < alternative->count && count; i++)
		if (i != rarest) {
			keep_leaf(&leaves[i], chunk, bits, count);
			count = count_bits(bits);
		}
	return count > 0;
}

static bool match_word(struct trib_words_set *set, size_t part,
		       const struct trib_words_query_word *word, uint32_t chunk, uint64_t *bits)
{
	uint64_t one[TRIB_WORDS_CHUNK_WORDS];
	bool any = false;

	if (word->count == 1)
		return match_alternative(set, part, &set->query.alternatives[word->first], chunk,
					 bits);
	memset(bits, 0, TRIB_WORDS_CHUNK / 8);
	for (uint32_t a = 0; a < word->count; a++) {
		if (!match_alternative(set, part, &set->query.alternatives[word->first + a], chunk,
				       one))
			continue;
		any = true;
		for (size_t i = 0; i < TRIB_WORDS_CHUNK_WORDS; i++)
			bits[i] |= one[i];
	}
	return any;
}

static void keep_phrases(struct trib_words_set *set, size_t part, uint32_t chunk, uint64_t *bits)
{
	const struct trib_words_query *query = &set->query;
	TRIB_AUTOFREE struct trib_words_cursor *cursors =
		trib_alloc(query->term_count * sizeof(*cursors));

	if (query->term_count == 1)
		return;
	for (uint32_t t = 0; t < query->term_count; t++)
		if (!trib_words_cursor_open(&cursors[t], set->view->parts[part].segment,
					    set->leaves[part * query->term_count + t].term))
			return;
	for (size_t i = 0; i < TRIB_WORDS_CHUNK_WORDS; i++)
		for (uint64_t left = bits[i]; left; left &= left - 1) {
			uint32_t row = chunk * TRIB_WORDS_CHUNK + (uint32_t)i * 64 +
				       (uint32_t)__builtin_ctzll(left);

			for (uint32_t t = 0; t < query->term_count; t++)
				trib_words_cursor_seek(&cursors[t], row);
			if (!trib_words_phrase_at(query, cursors))
				bits[i] &= ~(left & -left);
		}
}

static bool match_query(struct trib_words_set *set, size_t part, uint32_t chunk, uint64_t *bits)
{
	const struct trib_words_query *query = &set->query;
	uint64_t one[TRIB_WORDS_CHUNK_WORDS];
	bool all = query->mode != TRIB_WORDS_ANY, any = false;

	for (uint32_t w = 0; w < query->word_count; w++) {
		if (!match_word(set, part, &query->words[w], chunk, w && any ? one : bits)) {
			if (all)
				return false;
			continue;
		}
		for (size_t i = 0; i < TRIB_WORDS_CHUNK_WORDS && any; i++)
			bits[i] = all ? bits[i] & one[i] : bits[i] | one[i];
		any = true;
	}
	if (any && query->mode == TRIB_WORDS_PHRASE)
		keep_phrases(set, part, chunk, bits);
	return any;
}

/* Of one segment, of those that live. */
static void add_part(struct trib_words_set *set, size_t p, uint32_t chunk, uint64_t *ret_bits)
{
	const struct trib_words_view_part *part = &set->view->parts[p];
	const struct trib_words_header *header = trib_words_segment_header(part->segment);
	uint64_t first = (uint64_t)chunk * TRIB_WORDS_CHUNK, bits[TRIB_WORDS_CHUNK_WORDS];

	if (header->row_end <= first || header->row_first >= first + TRIB_WORDS_CHUNK ||
	    !match_query(set, p, chunk, bits))
		return;
	for (size_t i = 0; i < TRIB_WORDS_CHUNK_WORDS; i++) {
		uint64_t row = first + i * 64;

		if (bits[i] && row >= header->row_first && row < header->row_end)
			ret_bits[i] |= bits[i] & part->live->bits[(row - header->row_first) / 64];
	}
}

uint32_t trib_words_set_chunk(struct trib_words_set *set, uint32_t chunk,
			      uint64_t ret_bits[TRIB_WORDS_CHUNK_WORDS])
{
	memset(ret_bits, 0, TRIB_WORDS_CHUNK / 8);
	if (chunk < set->next_chunk)
		rewind_leaves(set);
	set->next_chunk = chunk + 1;
	for (size_t p = 0; p < set->view->count; p++)
		add_part(set, p, chunk, ret_bits);
	return count_bits(ret_bits);
}

bool trib_words_phrase_at(const struct trib_words_query *query,
			  const struct trib_words_cursor *cursors)
{
	enum { POSITIONS = 512 };
	uint32_t bases[POSITIONS], positions[POSITIONS];
	size_t base_count = 0;

	for (uint32_t t = 0; t < query->term_count; t++) {
		size_t count = trib_words_cursor_positions(&cursors[t], positions, POSITIONS),
		       kept = 0;

		if (cursors[t].row != cursors[0].row)
			return false;
		for (size_t i = 0, b = 0; i < count; i++) {
			if (positions[i] < query->terms[t].position)
				continue;
			uint32_t base = positions[i] - query->terms[t].position;

			if (t == 0) {
				bases[base_count++] = base;
				continue;
			}
			while (b < base_count && bases[b] < base)
				b++;
			if (b < base_count && bases[b] == base)
				bases[kept++] = base;
		}
		if (t > 0)
			base_count = kept;
		if (base_count == 0)
			return false;
	}
	return true;
}
