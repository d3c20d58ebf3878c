#include "store/prints.h"

#include "proto/proto.h"

enum {
	FORM = 2,
	HEAD_BYTES = 9,
	ODD_BYTES = 64,		   /* sizes are never multiples of it */
	PRINT_BYTES_MAX = 6,	   /* a varint of 40 bits */
	SLICE_BYTES = 256 << 10,   /* of the filter: it stays in cache while all runs fill it */
};

static void put_count(char *p, uint64_t count)
{
	count = __builtin_bswap64(count);
	memcpy(p, &count, sizeof(count));
}

void trib_prints_pack(struct trib_buffer *buffer, const void *items, size_t count, size_t item_size)
{
	size_t head = buffer->size;
	uint64_t prints = 0, last = 0;

	trib_buffer_reserve(buffer, HEAD_BYTES);
	buffer->size += HEAD_BYTES;
	for (size_t i = 0; i < count; i++) {
		uint64_t hash, print;
		char *p;

		memcpy(&hash, (const char *)items + i * item_size, sizeof(hash));
		print = hash >> (64 - TRIB_PRINT_BITS);
		if (prints && print == last)
			continue;
		trib_assert(print >= last);
		p = trib_buffer_reserve(buffer, PRINT_BYTES_MAX + 1);
		buffer->size += (size_t)(trib_wire_put_varint(p, print - last) - p);
		last = print;
		prints++;
	}
	buffer->data[head] = FORM;
	put_count(buffer->data + head + 1, prints);
	if ((buffer->size - head) % ODD_BYTES == 0)
		trib_buffer_add_char(buffer, 0);
}

bool trib_prints_are(struct trib_bytes stored)
{
	return stored.size >= HEAD_BYTES && stored.size % ODD_BYTES != 0 && stored.data[0] == FORM &&
	       trib_prints_count(stored) <= stored.size - HEAD_BYTES;
}

uint64_t trib_prints_count(struct trib_bytes packed)
{
	uint64_t count;

	memcpy(&count, packed.data + 1, sizeof(count));
	return __builtin_bswap64(count);
}

struct cursor {
	struct trib_bytes rest;
	uint64_t left, print; /* print: the next one; UINT64_MAX: no more */
};

static bool advance(struct cursor *cursor)
{
	uint64_t gap;

	if (cursor->left == 0) {
		cursor->print = UINT64_MAX;
		return true;
	}
	cursor->left--;
	if (!trib_wire_get_varint(&cursor->rest, &gap) || gap >> TRIB_PRINT_BITS)
		return false;
	cursor->print += gap;
	return cursor->print >> TRIB_PRINT_BITS == 0;
}

/* Slice by slice of the filter: prints are in the order of its lines, so that every run goes on where it was. */
static bool fill(struct trib_filter *filter, struct cursor *cursors, size_t count)
{
	uint64_t slices = filter->lines * TRIB_FILTER_LINE_WORDS * sizeof(uint64_t) / SLICE_BYTES + 1;

	for (uint64_t slice = 1; slice <= slices; slice++) {
		uint64_t end = (uint64_t)(((unsigned __int128)slice << TRIB_PRINT_BITS) / slices);

		for (size_t i = 0; i < count; i++)
			while (cursors[i].print < end) {
				trib_filter_add(filter, trib_print_hash(cursors[i].print
									<< (64 - TRIB_PRINT_BITS)));
				if (!advance(&cursors[i]))
					return false;
			}
	}
	return true;
}

bool trib_filter_fill(struct trib_filter *ret_filter, const struct trib_bytes *packed, size_t count)
{
	TRIB_AUTOFREE struct cursor *cursors = trib_alloc((count + 1) * sizeof(*cursors));
	struct trib_filter filter;
	uint64_t prints = 0;

	for (size_t i = 0; i < count; i++) {
		cursors[i] = (struct cursor){
			.rest = trib_bytes(packed[i].data + HEAD_BYTES, packed[i].size - HEAD_BYTES),
			.left = trib_prints_count(packed[i]),
		};
		prints += cursors[i].left;
		if (!advance(&cursors[i]))
			return false;
	}
	trib_filter_init(&filter, prints);
	if (!fill(&filter, cursors, count)) {
		trib_filter_fini(&filter);
		return false;
	}
	*ret_filter = filter;
	return true;
}
