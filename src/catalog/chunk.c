/* Chunks: dictionary or offset, whichever is smaller; ranges of values as ranges of indexes. */
#include "catalog/chunk.h"
#include "catalog/planes.h"

enum {
	FEW_RANGES = 8,	 /* more are looked up row by row */
	SLOTS = 1 << 18, /* of the encoder's table: half full at the most */
};

/* ---- Making ------------------------------------------------------------------------------- */

struct slot {
	uint32_t offset;
	uint32_t round; /* of another chunk: free */
	uint32_t index;
};

struct trib_chunk_encoder {
	uint64_t offsets[TRIB_CHUNK_ROWS]; /* of the rows; then their indexes */
	uint32_t dictionary[TRIB_CHUNK_ROWS];
	uint32_t row_slots[TRIB_CHUNK_ROWS];
	uint32_t round;
	struct slot slots[SLOTS];
	uint64_t planes[64 * TRIB_CHUNK_WORDS];
};

struct trib_chunk_encoder *trib_chunk_encoder_new(void)
{
	return trib_alloc_zeroed(1, sizeof(struct trib_chunk_encoder));
}

void trib_chunk_encoder_free(struct trib_chunk_encoder *encoder)
{
	free(encoder);
}

static uint8_t bits_for(uint64_t highest)
{
	return (uint8_t)(highest ? 64 - __builtin_clzll(highest) : 0);
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The greatest number that divides what lies between any two values, which are not all alike. */
static uint64_t common_step(const int64_t *values, uint32_t rows, int64_t min)
{
	uint64_t step = 0;

	for (uint32_t row = 0; row < rows && step != 1; row++) {
		uint64_t rest = (uint64_t)values[row] - (uint64_t)min;

		if (step == 0 || rest % step)
			step = common_divisor(rest, step);
	}
	return step;
}

static int by_offset(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static struct slot *find_slot(struct trib_chunk_encoder *encoder, uint32_t offset)
{
	uint32_t i = offset * 0x9e3779b1u >> 14;

	while (encoder->slots[i].round == encoder->round && encoder->slots[i].offset != offset)
		i = (i + 1) % SLOTS;
	return &encoder->slots[i];
}

/* Replaces offsets by indexes of the dictionary that it makes. 0: there are more than `most` to it. */
static uint32_t make_dictionary(struct trib_chunk_encoder *encoder, uint32_t rows, uint32_t most)
{
	uint32_t count = 0;

	encoder->round++;
	for (uint32_t row = 0; row < rows; row++) {
		uint32_t offset = (uint32_t)encoder->offsets[row];
		struct slot *slot = find_slot(encoder, offset);

		if (slot->round != encoder->round) {
			if (count == most)
				return 0;
			*slot = (struct slot){ offset, encoder->round, 0 };
			encoder->dictionary[count++] = offset;
		}
		encoder->row_slots[row] = (uint32_t)(slot - encoder->slots);
	}
	qsort(encoder->dictionary, count, sizeof(*encoder->dictionary), by_offset);
	for (uint32_t i = 0; i < count; i++)
		find_slot(encoder, encoder->dictionary[i])->index = i;
	for (uint32_t row = 0; row < rows; row++)
		encoder->offsets[row] = encoder->slots[encoder->row_slots[row]].index;
	return count;
}

/* So many distinct offsets at the most are worth a dictionary: it and narrower indexes take less than they do. */
static uint32_t worth(uint8_t offset_bits)
{
	uint32_t most = 0;

	for (uint8_t bits = 1; bits < offset_bits && bits <= 16 && offset_bits <= 32; bits++) {
		uint32_t fits = (uint32_t)((offset_bits - bits) * (TRIB_CHUNK_ROWS / 32) - 1);

		most = TRIB_MAX(most, TRIB_MIN(fits, 1u << bits));
	}
	return most;
}

struct trib_chunk trib_chunk_encode(struct trib_chunk_encoder *encoder, const int64_t *values,
				    uint32_t rows)
{
	struct trib_chunk chunk = { .min = values[0], .max = values[0], .step = 1, .rows = rows };

	trib_assert(rows >= 1 && rows <= TRIB_CHUNK_ROWS);
	for (uint32_t row = 1; row < rows; row++) {
		chunk.min = TRIB_MIN(chunk.min, values[row]);
		chunk.max = TRIB_MAX(chunk.max, values[row]);
	}
	if (chunk.min == chunk.max)
		return chunk;
	chunk.step = common_step(values, rows, chunk.min);
	for (uint32_t row = 0; row < rows; row++)
		encoder->offsets[row] = (uint64_t)values[row] - (uint64_t)chunk.min;
	if (chunk.step > 1)
		for (uint32_t row = 0; row < rows; row++)
			encoder->offsets[row] /= chunk.step;
	memset(encoder->offsets + rows, 0, (TRIB_CHUNK_ROWS - rows) * sizeof(*encoder->offsets));
	chunk.bits = bits_for(((uint64_t)chunk.max - (uint64_t)chunk.min) / chunk.step);
	uint32_t most = worth(chunk.bits);

	chunk.offset_count = most ? make_dictionary(encoder, rows, most) : 0;
	if (chunk.offset_count) {
		chunk.offsets = encoder->dictionary;
		chunk.bits = bits_for(chunk.offset_count - 1);
	}
	chunk.planes = encoder->planes;
	for (uint32_t block = 0; block < TRIB_CHUNK_BLOCKS; block++)
		trib_planes()->encode(encoder->offsets + block * TRIB_BLOCK_ROWS, chunk.bits,
				      encoder->planes +
					      (size_t)block * chunk.bits * TRIB_BLOCK_WORDS);
	return chunk;
}

/* ---- Asking ------------------------------------------------------------------------------- */

void trib_chunk_all(uint32_t count, uint64_t rows[TRIB_CHUNK_WORDS])
{
	trib_assert(count <= TRIB_CHUNK_ROWS);
	memset(rows, 0, TRIB_CHUNK_WORDS * sizeof(*rows));
	memset(rows, 0xff, count / 64 * sizeof(*rows));
	if (count % 64)
		rows[count / 64] = (1ull << count % 64) - 1;
}

uint32_t trib_chunk_count(const uint64_t rows[TRIB_CHUNK_WORDS])
{
	return trib_planes()->count(rows);
}

/* The first index of the dictionary whose offset is not less. */
static uint32_t lower_bound(const struct trib_chunk *chunk, uint64_t offset)
{
	uint32_t low = 0, high = chunk->offset_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (chunk->offsets[middle] < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The indexes of [lo, hi], which the chunk's values reach into; false: they pass it by. */
static bool index_range(const struct trib_chunk *chunk, struct trib_range range,
			struct trib_index_range *ret_range)
{
	uint64_t min = (uint64_t)chunk->min, lo = 0,
		 hi = ((uint64_t)chunk->max - min) / chunk->step;

	ret_range->from = range.lo > chunk->min;
	ret_range->to = range.hi < chunk->max;
	if (ret_range->from) {
		uint64_t rest = (uint64_t)range.lo - min;

		lo = rest / chunk->step + (rest % chunk->step != 0);
	}
	if (ret_range->to)
		hi = ((uint64_t)range.hi - min) / chunk->step;
	if (lo > hi)
		return false;
	if (chunk->offsets) {
		lo = lower_bound(chunk, lo);
		hi = lower_bound(chunk, hi + 1);
		if (lo == hi)
			return false;
		hi--;
	}
	ret_range->lo = lo;
	ret_range->hi = hi;
	return true;
}

/* The next of the set's ranges, from *i on, that the chunk has indexes of. */
static bool next_range(const struct trib_chunk *chunk, struct trib_ranges set, uint32_t *i,
		       struct trib_index_range *ret_range)
{
	while (*i < set.count && set.ranges[*i].lo <= chunk->max) {
		struct trib_range range = set.ranges[(*i)++];

		if (range.hi >= chunk->min && index_range(chunk, range, ret_range))
			return true;
	}
	return false;
}

static bool is_empty(const uint64_t rows[TRIB_BLOCK_WORDS])
{
	uint64_t any = 0;

	for (uint32_t i = 0; i < TRIB_BLOCK_WORDS; i++)
		any |= rows[i];
	return !any;
}

/* Many ranges: row by row. */
static void filter_block(const struct trib_chunk *chunk, struct trib_ranges set, uint32_t block,
			 uint64_t *rows)
{
	int64_t values[TRIB_BLOCK_ROWS];

	trib_chunk_decode(chunk, block, values);
	for (uint32_t word = 0; word < TRIB_BLOCK_WORDS; word++)
		for (uint64_t left = rows[word]; left; left &= left - 1) {
			uint32_t bit = (uint32_t)__builtin_ctzll(left);

			if (!trib_ranges_has(set, values[word * 64 + bit]))
				rows[word] &= ~(1ull << bit);
		}
}

bool trib_chunk_filter(const struct trib_chunk *chunk, struct trib_ranges set,
		       uint64_t rows[TRIB_CHUNK_WORDS])
{
	struct trib_index_range ranges[FEW_RANGES + 1];
	uint32_t count = 0, i = 0;
	const struct trib_planes_kernel *kernel = trib_planes();
	bool any = false;

	while (count <= FEW_RANGES && next_range(chunk, set, &i, &ranges[count]))
		count++;
	if (count == 0) {
		memset(rows, 0, TRIB_CHUNK_WORDS * sizeof(*rows));
		return false;
	}
	if (!ranges[0].from && !ranges[0].to) /* all that it has */
		return trib_chunk_count(rows) != 0;
	for (uint32_t block = 0; block < TRIB_CHUNK_BLOCKS; block++) {
		uint64_t *left = rows + block * TRIB_BLOCK_WORDS;

		if (is_empty(left))
			continue;
		if (count > FEW_RANGES)
			filter_block(chunk, set, block, left);
		else
			kernel->filter(chunk->planes +
					       (size_t)block * chunk->bits * TRIB_BLOCK_WORDS,
				       chunk->bits, ranges, count, left);
		any |= !is_empty(left);
	}
	return any;
}

static int64_t value_of(const struct trib_chunk *chunk, uint64_t index)
{
	uint64_t offset = chunk->offsets ? chunk->offsets[index] : index;

	return (int64_t)((uint64_t)chunk->min + offset * chunk->step);
}

/* Of the block that has planes: bits is not 0. */
static const uint64_t *planes_of(const struct trib_chunk *chunk, uint32_t block)
{
	return chunk->planes + (size_t)block * chunk->bits * TRIB_BLOCK_WORDS;
}

int64_t trib_chunk_value(const struct trib_chunk *chunk, uint32_t row)
{
	trib_assert(row < chunk->rows);
	if (!chunk->bits)
		return chunk->min;
	const uint64_t *word = planes_of(chunk, row / TRIB_BLOCK_ROWS) + row % TRIB_BLOCK_ROWS / 64;
	uint64_t index = 0;

	for (uint8_t b = 0; b < chunk->bits; b++)
		index |= (word[b * TRIB_BLOCK_WORDS] >> row % 64 & 1) << b;
	return value_of(chunk, index);
}

void trib_chunk_indexes(const struct trib_chunk *chunk, uint32_t block,
			uint64_t ret_indexes[TRIB_BLOCK_ROWS])
{
	if (chunk->bits)
		trib_planes()->decode(planes_of(chunk, block), chunk->bits, ret_indexes);
	else
		memset(ret_indexes, 0, TRIB_BLOCK_ROWS * sizeof(*ret_indexes));
}

void trib_chunk_decode(const struct trib_chunk *chunk, uint32_t block,
		       int64_t ret_values[TRIB_BLOCK_ROWS])
{
	uint64_t indexes[TRIB_BLOCK_ROWS];

	trib_chunk_indexes(chunk, block, indexes);
	for (uint32_t i = 0; i < TRIB_BLOCK_ROWS; i++)
		ret_values[i] = value_of(chunk, indexes[i]);
}
