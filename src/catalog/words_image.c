/* Writes segments; words_segment.h draws them. */
#include "base/hash.h"
#include "catalog/words_analysis.h"
#include "catalog/words_segment.h"

static void *reserve(struct trib_words_image *image, enum trib_words_region region, size_t size)
{
	trib_column_reserve(&image->regions[region], image->sizes[region] + size);
	return (char *)image->regions[region].data + image->sizes[region];
}

void trib_words_image_init(struct trib_words_image *image, uint64_t fields)
{
	*image = (struct trib_words_image){
		.header = { .magic = { 'T', 'R', 'I', 'B', 'W', 'O', 'R', 'D' },
			    .version = 1,
			    .analysis = trib_words_analysis_digest(),
			    .fields = fields },
	};
	*(char *)reserve(image, TRIB_WORDS_TEXTS, 1) = 0; /* so that no text is at 0 */
	image->sizes[TRIB_WORDS_TEXTS] = 1;
}

void trib_words_image_fini(struct trib_words_image *image)
{
	for (size_t i = 0; i < TRIB_WORDS_REGIONS; i++)
		trib_column_fini(&image->regions[i]);
}

void trib_words_image_row(struct trib_words_image *image, uint32_t row)
{
	struct trib_words_header *header = &image->header;

	if (header->rows == 0)
		header->row_first = row & ~(uint32_t)63;
	trib_assert(header->rows == 0 || row >= header->row_end);
	header->row_end = row + 1;
	header->rows++;
	size_t word = (row - header->row_first) / 64;

	trib_column_reserve(&image->regions[TRIB_WORDS_PRESENT], (word + 1) * 8);
	image->sizes[TRIB_WORDS_PRESENT] = (word + 1) * 8;
	((uint64_t *)image->regions[TRIB_WORDS_PRESENT].data)[word] |= (uint64_t)1 << (row & 63);
}

static unsigned char *varint_put(unsigned char *to, uint32_t value)
{
	for (; value >= 0x80; value >>= 7)
		*to++ = (unsigned char)(value | 0x80);
	*to++ = (unsigned char)value;
	return to;
}

/* Lane l of four takes values l, l+4, …; each lane is a string of bits in 32-bit words, and the words of the lanes alternate. */
static void pack(const uint32_t *gaps, unsigned bits, uint32_t *out)
{
	memset(out, 0, bits * 16);
	for (unsigned i = 0; i < TRIB_WORDS_BLOCK && bits; i++) {
		unsigned lane = i % 4, at = i / 4 * bits;

		out[at / 32 * 4 + lane] |= gaps[i] << at % 32;
		if (at % 32 + bits > 32)
			out[(at / 32 + 1) * 4 + lane] |= gaps[i] >> (32 - at % 32);
	}
}

struct block {
	uint32_t gaps[TRIB_WORDS_BLOCK];
	unsigned char impacts[TRIB_WORDS_BLOCK];
	uint32_t count, gap_all, impact_max, row_last;
};

static void put_block(struct trib_words_image *image, const struct block *block, size_t data_at,
		      struct trib_words_skip *skip)
{
	size_t *size = &image->sizes[TRIB_WORDS_POSTINGS];
	unsigned bits = block->gap_all ? 32 - (unsigned)__builtin_clz(block->gap_all) : 0;

	skip->row_last = block->row_last;
	skip->impact_max = block->impact_max;
	skip->count = block->count;
	skip->bits = block->count == TRIB_WORDS_BLOCK ? bits : TRIB_WORDS_TAIL;
	trib_assert((*size - data_at) / 16 <= UINT32_MAX);
	skip->data = (uint32_t)((*size - data_at) / 16);
	if (block->count == TRIB_WORDS_BLOCK) {
		pack(block->gaps, bits,
		     reserve(image, TRIB_WORDS_POSTINGS, bits * 16 + TRIB_WORDS_BLOCK));
		*size += bits * 16;
		memcpy(reserve(image, TRIB_WORDS_POSTINGS, TRIB_WORDS_BLOCK), block->impacts,
		       TRIB_WORDS_BLOCK);
		*size += TRIB_WORDS_BLOCK;
		return;
	}
	unsigned char *from = reserve(image, TRIB_WORDS_POSTINGS, TRIB_WORDS_BLOCK * 6), *to = from;

	for (uint32_t i = 0; i < block->count; i++)
		to = varint_put(to, block->gaps[i]);
	memcpy(to, block->impacts, block->count);
	to += block->count;
	while ((to - from) % 16)
		*to++ = 0;
	*size += (size_t)(to - from);
}

static size_t count_rows(const uint64_t *records, size_t count)
{
	size_t rows = 0;

	for (size_t i = 0; i < count; i++)
		rows += i == 0 || records[i] >> 32 != records[i - 1] >> 32;
	return rows;
}

/* The positions of the row that begins at record `i`; where the next row begins. */
static size_t put_positions(struct trib_words_image *image, const uint64_t *records, size_t count,
			    size_t i)
{
	uint32_t before = 0;

	for (bool more = true; more; i++) {
		uint32_t position = (uint32_t)(records[i] & 0xffff);
		unsigned char *from = reserve(image, TRIB_WORDS_POSITIONS, 5);

		more = i + 1 < count && records[i + 1] >> 32 == records[i] >> 32;
		image->sizes[TRIB_WORDS_POSITIONS] +=
			(size_t)(varint_put(from, (position - before) << 1 | more) - from);
		before = position;
	}
	return i;
}

static uint32_t put_text(struct trib_words_image *image, struct trib_bytes text)
{
	size_t at = image->sizes[TRIB_WORDS_TEXTS];

	if (text.size == 0)
		return 0;
	trib_assert(text.size < 256 && at + text.size < UINT32_MAX);
	unsigned char *to = reserve(image, TRIB_WORDS_TEXTS, text.size + 1);

	to[0] = (unsigned char)text.size;
	memcpy(to + 1, text.data, text.size);
	image->sizes[TRIB_WORDS_TEXTS] += text.size + 1;
	return (uint32_t)at;
}

void trib_words_image_term(struct trib_words_image *image, uint64_t key, struct trib_bytes text,
			   const uint64_t *records, size_t count)
{
	size_t rows = count_rows(records, count),
	       blocks = (rows + TRIB_WORDS_BLOCK - 1) / TRIB_WORDS_BLOCK;
	size_t skips_at = image->sizes[TRIB_WORDS_POSTINGS],
	       data_at = skips_at + blocks * sizeof(struct trib_words_skip);
	struct trib_words_term term = { .rows = (uint32_t)rows,
					.text = put_text(image, text),
					.postings = skips_at,
					.positions = image->sizes[TRIB_WORDS_POSITIONS],
					.blocks = (uint32_t)blocks };
	uint32_t next = 0;

	reserve(image, TRIB_WORDS_POSTINGS, data_at - skips_at);
	image->sizes[TRIB_WORDS_POSTINGS] = data_at;
	for (size_t b = 0, i = 0; b < blocks; b++) {
		struct block block = { 0 };
		struct trib_words_skip skip = { .positions = image->sizes[TRIB_WORDS_POSITIONS] -
							     term.positions };

		while (block.count < TRIB_WORDS_BLOCK && i < count) {
			uint32_t row = (uint32_t)(records[i] >> 32),
				 impact = (uint32_t)(records[i] >> 16) & 0xff;

			block.gap_all |= block.gaps[block.count] = row - next;
			block.impacts[block.count++] = (unsigned char)impact;
			block.impact_max = TRIB_MAX(block.impact_max, impact);
			block.row_last = row;
			next = row + 1;
			i = put_positions(image, records, count, i);
		}
		put_block(image, &block, data_at, &skip);
		term.impact_max = TRIB_MAX(term.impact_max, block.impact_max);
		/* the region may have moved */
		((struct trib_words_skip *)((char *)image->regions[TRIB_WORDS_POSTINGS].data +
					    skips_at))[b] = skip;
	}
	*(uint64_t *)reserve(image, TRIB_WORDS_KEYS, sizeof(key)) = key;
	image->sizes[TRIB_WORDS_KEYS] += sizeof(key);
	*(struct trib_words_term *)reserve(image, TRIB_WORDS_TERMS, sizeof(term)) = term;
	image->sizes[TRIB_WORDS_TERMS] += sizeof(term);
	image->header.terms++;
}

/* Regions begin at multiples of 64; 16 bytes stand after the last, so that an unpacking that reads ahead stays within. */
struct trib_words_segment *trib_words_image_seal(struct trib_words_image *image)
{
	struct trib_words_header *header = &image->header;
	struct trib_column whole = { 0 };
	size_t at = sizeof(*header);

	for (size_t i = 0; i < TRIB_WORDS_REGIONS; i++) {
		at = (at + 63) & ~(size_t)63;
		header->regions[i].at = at;
		header->regions[i].size = image->sizes[i];
		header->regions[i].crc = trib_crc32c(0, image->regions[i].data, image->sizes[i]);
		at += image->sizes[i];
	}
	header->size = at + 16;
	trib_column_reserve(&whole, header->size);
	for (size_t i = 0; i < TRIB_WORDS_REGIONS; i++) {
		if (image->sizes[i])
			memcpy((char *)whole.data + header->regions[i].at, image->regions[i].data,
			       image->sizes[i]);
		trib_column_fini(&image->regions[i]);
	}
	header->crc = 0;
	header->crc = trib_crc32c(0, header, sizeof(*header));
	memcpy(whole.data, header, sizeof(*header));
	return trib_words_segment_of_image(&whole, header->size);
}
