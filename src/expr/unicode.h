/* UTF-8 by code points. Text that comes in here is valid. */
#ifndef TRIB_EXPR_UNICODE_H
#define TRIB_EXPR_UNICODE_H

#include "base/bytes.h"

/* Writes the code point's 1 to 4 bytes and returns how many. */
static inline uint32_t unicode_encode(uint32_t code_point, char *to)
{
	if (code_point < 0x80) {
		to[0] = (char)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		to[0] = (char)(0xc0 | code_point >> 6);
		to[1] = (char)(0x80 | (code_point & 63));
		return 2;
	}
	if (code_point < 0x10000) {
		to[0] = (char)(0xe0 | code_point >> 12);
		to[1] = (char)(0x80 | (code_point >> 6 & 63));
		to[2] = (char)(0x80 | (code_point & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | code_point >> 18);
	to[1] = (char)(0x80 | (code_point >> 12 & 63));
	to[2] = (char)(0x80 | (code_point >> 6 & 63));
	to[3] = (char)(0x80 | (code_point & 63));
	return 4;
}

/* Bytes of the code point that begins with c. */
static inline uint32_t unicode_size(char c)
{
	unsigned char byte = (unsigned char)c;

	return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/* How many code points there are: every byte that does not continue one. */
static inline uint64_t unicode_count(struct trib_bytes text)
{
	uint64_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += (text.data[i] & 0xc0) != 0x80;
	return count;
}

/* The code point that begins at text. */
static inline uint32_t unicode_decode(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;

	switch (unicode_size(*text)) {
	case 1:
		return byte[0];
	case 2:
		return (byte[0] & 31u) << 6 | (byte[1] & 63u);
	case 3:
		return (byte[0] & 15u) << 12 | (byte[1] & 63u) << 6 | (byte[2] & 63u);
	default:
		return (byte[0] & 7u) << 18 | (byte[1] & 63u) << 12 | (byte[2] & 63u) << 6 |
		       (byte[3] & 63u);
	}
}

/* Where code point number `index` begins in bytes; text.size for the one after the last. index <= count. */
static inline size_t unicode_offset(struct trib_bytes text, uint64_t index)
{
	size_t place = 0;

	while (index-- > 0 && place < text.size)
		place += unicode_size(text.data[place]);
	return place;
}

#endif
