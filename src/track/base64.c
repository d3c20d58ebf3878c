#include "track/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Value + 1 of each character; 0 for what is none, so that the unnamed ones need no row. */
static const uint8_t values[256] = {
	['A'] = 1,  ['B'] = 2,	['C'] = 3,  ['D'] = 4,	['E'] = 5,  ['F'] = 6,	['G'] = 7,
	['H'] = 8,  ['I'] = 9,	['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
	['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
	['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
	['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
	['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
	['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
	['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63,
	['_'] = 64,
};

size_t trib_base64_encode(const uint8_t *data, size_t size, char *ret_text)
{
	char *out = ret_text;
	size_t i;

	for (i = 0; i + 3 <= size; i += 3) {
		uint32_t bits = (uint32_t)data[i] << 16 | (uint32_t)data[i + 1] << 8 | data[i + 2];

		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = alphabet[bits >> 6 & 63];
		*out++ = alphabet[bits & 63];
	}
	if (size - i == 1) {
		*out++ = alphabet[data[i] >> 2];
		*out++ = alphabet[(data[i] & 3) << 4];
	} else if (size - i == 2) {
		*out++ = alphabet[data[i] >> 2];
		*out++ = alphabet[(data[i] & 3) << 4 | data[i + 1] >> 4];
		*out++ = alphabet[(data[i + 1] & 15) << 2];
	}
	return (size_t)(out - ret_text);
}

bool trib_base64_decode(struct trib_bytes text, uint8_t *ret_data)
{
	const unsigned char *in = (const unsigned char *)text.data;
	size_t left = text.size;
	uint32_t bad = 0; /* a missing character gives 0 - 1: its high bits gather here */

	for (; left >= 4; left -= 4, in += 4) {
		uint32_t a = values[in[0]] - 1u, b = values[in[1]] - 1u, c = values[in[2]] - 1u,
			 d = values[in[3]] - 1u;

		bad |= a | b | c | d;
		*ret_data++ = (uint8_t)(a << 2 | b >> 4);
		*ret_data++ = (uint8_t)(b << 4 | c >> 2);
		*ret_data++ = (uint8_t)(c << 6 | d);
	}
	if (left == 1)
		return false;
	if (left) {
		uint32_t a = values[in[0]] - 1u, b = values[in[1]] - 1u;
		uint32_t c = left == 3 ? values[in[2]] - 1u : 0;

		bad |= a | b | c;
		*ret_data++ = (uint8_t)(a << 2 | b >> 4);
		if (left == 3)
			*ret_data++ = (uint8_t)(b << 4 | c >> 2);
		/* the bits that belong to no byte */
		bad |= left == 3 ? (c & 3) << 8 : (b & 15) << 8;
	}
	return bad < 64;
}
