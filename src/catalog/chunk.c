/* Chunks: dictionary or offset, whichever is smaller; ranges of values as ranges of indexes. */
#include "catalog/chunk.h"
#include "catalog/planes.h"

enum {
	FEW_RANGES = 8,	 /* more are looked up row by row */
	SLOTS = 1 << 18, /* of the encoder's table: half full at the most */
};

/* ---- Making ------------------------------------------------------------------------------- */

struct slot {
	int64_t value;
	uint32_t round; /* of another chunk: free */
	uint32_t index;
};

struct trib_chunk_encoder {
	struct slot slots[SLOTS];
	uint32_t round;
	uint32_t row_slots[TRIB_CHUNK_ROWS];
	int64_t values[TRIB_CHUNK_ROWS]; /* the dictionary */
	uint64_t indexes[TRIB_BLOCK_ROWS];
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

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static struct slot *find_slot(struct trib_chunk_encoder *encoder, int64_t value)
{
	uint32_t i = (uint32_t)((uint64_t)value * 0x9e3779b97f4a7c15u >> 46);

	while (encoder->slots[i].round == encoder->round && encoder->slots[i].value != value)
		i = (i + 1) % SLOTS;
	return &encoder->slots[i];
}

/*
 * Gathers the distinct values and every row's slot, sorted, and gives slots their indexes. 0: there are more than
 * `most`.
 */
static uint32_t gather(struct trib_chunk_encoder *encoder, const int64_t *values, uint32_t rows,
		       uint32_t most)
{
	uint32_t count = 0;

	encoder->round++;
	for (uint32_t row = 0; row < rows; row++) {
		struct slot *slot = find_slot(encoder, values[row]);

		if (slot->round != encoder->round) {
			if (count == most)
				return 0;
			*slot = (struct slot){ values[row], encoder->round, 0 };
			encoder->values[count++] = values[row];
		}
		encoder->row_slots[row] = (uint32_t)(slot - encoder->slots);
	}
	qsort(encoder->values, count, sizeof(*encoder->values), by_value);
	for (uint32_t i = 0; i < count; i++)
		find_slot(encoder, encoder->values[i])->index = i;
	return count;
}

/* So many distinct values at the most are worth a dictionary: it and narrower indexes take less than offsets do. */
static uint32_t worth(uint8_t offset_bits)
{
	uint32_t most = 0;

	for (uint8_t bits = 1; bits < offset_bits && bits <= 16; bits++) {
		uint32_t fits = (uint32_t)((offset_bits - bits) * (TRIB_CHUNK_ROWS / 64) - 1);

		most = TRIB_MAX(most, TRIB_MIN(fits, 1u << bits));
	}
	return most;
}

struct trib_chunk trib_chunk_encode(struct trib_chunk_encoder *encoder, const int64_t *values,
				    uint32_t rows)
{
	struct trib_chunk chunk = { .min = values[0], .max = values[0], .rows = rows };

	trib_assert(rows >= 1 && rows <= TRIB_CHUNK_ROWS);
	for (uint32_t row = 1; row < rows; row++) {
		chunk.min = TRIB_MIN(chunk.min, values[row]);
		chunk.max = TRIB_MAX(chunk.max, values[row]);
	}
	uint8_t offset_bits = bits_for((uint64_t)chunk.max - (uint64_t)chunk.min);
	uint32_t most = worth(offset_bits);
	uint32_t count = most ? gather(encoder, values, rows, most) : 0;

	chunk.bits = count ? bits_for(count - 1) : offset_bits;
	if (!chunk.bits)
		return chunk;
	chunk.planes = encoder->planes;
	if (count) {
		chunk.values = encoder->values;
		chunk.value_count = count;
	}
	for (uint32_t first = 0; first < TRIB_CHUNK_ROWS; first += TRIB_BLOCK_ROWS) {
		for (uint32_t i = 0; i < TRIB_BLOCK_ROWS; i++) {
			uint32_t row = first + i;

			encoder->indexes[i] =
				row >= rows ? 0
				: count	    ? encoder->slots[encoder->row_slots[row]].index
					    : (uint64_t)values[row] - (uint64_t)chunk.min;
		}
		trib_planes()->encode(encoder->indexes, chunk.bits,
				      encoder->planes + (size_t)first / 64 * chunk.bits);
	}
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
	uint32_t count = 0;

	for (uint32_t i = 0; i < TRIB_CHUNK_WORDS; i++)
		count += (uint32_t)__builtin_popcountll(rows[i]);
	return count;
}

/* The first index whose value is not less than `value`. */
static uint32_t lower_bound(const struct trib_chunk *chunk, int64_t value)
{
	uint32_t low = 0, high = chunk->value_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (chunk->values[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The next of the set's ranges, from *i on, that the chunk has indexes of. */
static bool next_range(const struct trib_chunk *chunk, struct trib_ranges set, uint32_t *i,
		       struct trib_index_range *ret_range)
{
	for (; *i < set.count; ++*i) {
		struct trib_range range = set.ranges[*i];
		struct trib_index_range now;

		if (range.hi < chunk->min)
			continue;
		if (range.lo > chunk->max)
			return false;
		now.from = range.lo > chunk->min;
		now.to = range.hi < chunk->max;
		if (chunk->values) {
			now.lo = now.from ? lower_bound(chunk, range.lo) : 0;
			now.hi = now.to ? lower_bound(chunk, range.hi + 1) - 1
					: chunk->value_count - 1;
			if (now.lo > now.hi || now.hi == UINT32_MAX) /* between two values */
				continue;
		} else {
			now.lo = now.from ? (uint64_t)range.lo - (uint64_t)chunk->min : 0;
			now.hi = (uint64_t)(now.to ? range.hi : chunk->max) - (uint64_t)chunk->min;
		}
		++*i;
		*ret_range = now;
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
	if (!ranges[0].from && !ranges[0].to) { /* all that it has */
		return trib_chunk_count(rows) != 0;
	}
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

int64_t trib_chunk_value(const struct trib_chunk *chunk, uint32_t row)
{
	const uint64_t *word = chunk->planes +
			       (size_t)(row / TRIB_BLOCK_ROWS) * chunk->bits * TRIB_BLOCK_WORDS +
			       row % TRIB_BLOCK_ROWS / 64;
	uint64_t index = 0;

	trib_assert(row < chunk->rows);
	for (uint8_t b = 0; b < chunk->bits; b++, word += TRIB_BLOCK_WORDS)
		index |= (*word >> row % 64 & 1) << b;
	return chunk->values ? chunk->values[index] : (int64_t)((uint64_t)chunk->min + index);
}

void trib_chunk_decode(const struct trib_chunk *chunk, uint32_t block,
		       int64_t ret_values[TRIB_BLOCK_ROWS])
{
	uint64_t indexes[TRIB_BLOCK_ROWS];

	if (!chunk->bits) {
		for (uint32_t i = 0; i < TRIB_BLOCK_ROWS; i++)
			ret_values[i] = chunk->min;
		return;
	}
	trib_planes()->decode(chunk->planes + (size_t)block * chunk->bits * TRIB_BLOCK_WORDS,
			      chunk->bits, indexes);
	for (uint32_t i = 0; i < TRIB_BLOCK_ROWS; i++)
		ret_values[i] = chunk->values ? chunk->values[indexes[i]]
					      : (int64_t)((uint64_t)chunk->min + indexes[i]);
}
