/* Reads the rows of one term (words_segment.h). Whatever the bytes are, nothing outside the segment is read and every step ends. */
#include "catalog/words_segment.h"

typedef uint32_t lanes __attribute__((vector_size(16), aligned(4)));

bool trib_words_cursor_open(struct trib_words_cursor *cursor,
			    const struct trib_words_segment *segment,
			    const struct trib_words_term *term)
{
	const struct trib_words_header *header = trib_words_segment_header(segment);
	const unsigned char *postings = trib_words_segment_region(segment, TRIB_WORDS_POSTINGS);
	const unsigned char *positions = trib_words_segment_region(segment, TRIB_WORDS_POSITIONS);
	uint64_t size = header->regions[TRIB_WORDS_POSTINGS].size;
	uint64_t positions_size = header->regions[TRIB_WORDS_POSITIONS].size;
	uint64_t skips_size = (uint64_t)term->blocks * sizeof(struct trib_words_skip);

	cursor->row = TRIB_WORDS_END;
	cursor->blocks = cursor->block = cursor->shallow = 0;
	cursor->index = cursor->count = 0;
	cursor->gain = 1;
	cursor->total = term->rows;
	cursor->impact_max = term->impact_max;
	if (term->postings % 16 || term->postings > size || skips_size > size - term->postings ||
	    term->positions > positions_size)
		return false;
	cursor->blocks = term->blocks;
	cursor->skips = (const void *)(postings + term->postings);
	cursor->data = postings + term->postings + skips_size;
	cursor->data_end = postings + size;
	cursor->positions = positions + term->positions;
	cursor->positions_end = positions + positions_size;
	trib_words_cursor_block(cursor, 0);
	return true;
}

/* The gaps of a full block, and the rows they lead to: four lanes at a time. */
static void unpack(const unsigned char *from, unsigned bits, uint32_t next, uint32_t *rows)
{
	const lanes *words = (const lanes *)from;
	const uint32_t mask = bits == 32 ? UINT32_MAX : ((uint32_t)1 << bits) - 1;
	lanes last = { next - 1, next - 1, next - 1, next - 1 };
	unsigned at = 0;

	for (unsigned i = 0; i < TRIB_WORDS_BLOCK / 4; i++, at += bits) {
		unsigned shift = at % 32;
		lanes gaps = { 0 };

		if (bits) {
			gaps = words[at / 32] >> shift;
			if (shift + bits > 32)
				gaps |= words[at / 32 + 1] << (32 - shift);
			gaps &= mask;
		}
		gaps += 1;
		gaps += __builtin_shufflevector((lanes){ 0 }, gaps, 0, 4, 5, 6);
		gaps += __builtin_shufflevector((lanes){ 0 }, gaps, 0, 1, 4, 5);
		last = gaps + last;
		memcpy(rows + i * 4, &last, 16);
		last = __builtin_shufflevector(last, last, 3, 3, 3, 3);
	}
}

static bool unpack_tail(struct trib_words_cursor *cursor, const unsigned char *at, uint32_t next,
			uint32_t count)
{
	const unsigned char *end = cursor->data_end;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t gap = 0;
		unsigned shift = 0;

		do {
			if (at >= end || shift > 28)
				return false;
			gap |= (uint32_t)(*at & 0x7f) << shift;
			shift += 7;
		} while (*at++ & 0x80);
		cursor->rows[i] = next + gap;
		next = cursor->rows[i] + 1;
	}
	if ((size_t)(end - at) < count)
		return false;
	memcpy(cursor->tail_impacts, at, count);
	cursor->impacts = cursor->tail_impacts;
	return true;
}

void trib_words_cursor_block(struct trib_words_cursor *cursor, uint32_t block)
{
	cursor->block = block;
	cursor->row = TRIB_WORDS_END;
	cursor->index = cursor->count = 0;
	if (block >= cursor->blocks) {
		cursor->block = cursor->blocks;
		return;
	}
	const struct trib_words_skip *skip = &cursor->skips[block];
	uint32_t next = block ? skip[-1].row_last + 1 : 0;
	size_t left = (size_t)(cursor->data_end - cursor->data);
	const unsigned char *at = cursor->data + (size_t)skip->data * 16;
	bool good = (size_t)skip->data * 16 <= left;

	left -= good ? (size_t)skip->data * 16 : 0;
	if (good && skip->bits <= 32) {
		good = left >= skip->bits * 16 + TRIB_WORDS_BLOCK &&
		       skip->count == TRIB_WORDS_BLOCK;
		if (good) {
			unpack(at, skip->bits, next, cursor->rows);
			cursor->impacts = at + skip->bits * 16;
		}
	} else {
		good = good && skip->bits == TRIB_WORDS_TAIL && skip->count > 0 &&
		       skip->count <= TRIB_WORDS_BLOCK &&
		       unpack_tail(cursor, at, next, skip->count);
	}
	if (!good) { /* damaged: nothing more of this term */
		cursor->block = cursor->blocks;
		return;
	}
	cursor->count = skip->count;
	cursor->row = cursor->rows[0];
}

/* The first block whose last row is at `row` or after, beyond the present one: doubling steps, then halves. */
static uint32_t block_of(const struct trib_words_cursor *cursor, uint32_t row)
{
	uint32_t low = cursor->block + 1, step = 1;

	while (low + step < cursor->blocks && cursor->skips[low + step].row_last < row) {
		low += step;
		step *= 2;
	}
	uint32_t high = TRIB_MIN(low + step, cursor->blocks);

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (cursor->skips[middle].row_last < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The index of the first row of the block at `row` or after; count if there is none. Without branches on rows, for where to go
 * cannot be foretold: among the next few, as in terms that are about as frequent, by counting; else by halves. The present row
 * is before `row`, so at least one is passed.
 */
static uint32_t row_of(const struct trib_words_cursor *cursor, uint32_t row)
{
	enum { NEAR = 8 };
	const uint32_t *rows = cursor->rows;
	uint32_t low = cursor->index, left = cursor->count - low;

	if (left > NEAR && rows[low + NEAR] >= row) {
		uint32_t passed = 0;

		for (uint32_t i = 0; i < NEAR; i++)
			passed += rows[low + i] < row;
		return low + passed;
	}
	for (uint32_t half; left > 1; left -= half) {
		half = left / 2;
		low += half & -(uint32_t)(rows[low + half - 1] < row);
	}
	return low + (rows[low] < row);
}

/* One turn is enough, and a second where the block was left for the next, unless the bytes are damaged. */
void trib_words_cursor_seek_far(struct trib_words_cursor *cursor, uint32_t row)
{
	while (cursor->row < row) {
		if (cursor->skips[cursor->block].row_last < row) {
			trib_words_cursor_block(cursor, block_of(cursor, row));
			continue;
		}
		uint32_t low = row_of(cursor, row);

		cursor->index = low;
		if (low < cursor->count)
			cursor->row = cursor->rows[low];
		else
			trib_words_cursor_block(cursor, cursor->block + 1);
	}
}

size_t trib_words_cursor_positions(const struct trib_words_cursor *cursor, uint32_t *ret_positions,
				   size_t max)
{
	const unsigned char *at = cursor->positions, *end = cursor->positions_end;
	size_t count = 0;
	uint32_t position = 0;

	if (cursor->row == TRIB_WORDS_END ||
	    cursor->skips[cursor->block].positions > (size_t)(end - at))
		return 0;
	at += cursor->skips[cursor->block].positions;
	for (uint32_t i = 0; i <= cursor->index && at < end;) {
		uint32_t value = 0;

		for (unsigned shift = 0; at < end && shift <= 28; shift += 7) {
			value |= (uint32_t)(*at & 0x7f) << shift;
			if (!(*at++ & 0x80))
				break;
		}
		position += value >> 1;
		if (i == cursor->index && count < max)
			ret_positions[count++] = position;
		if (!(value & 1)) {
			i++;
			position = 0;
		}
	}
	return count;
}
