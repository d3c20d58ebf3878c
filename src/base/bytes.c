#include "base/bytes.h"

#include <stdarg.h>

int trib_bytes_compare(struct trib_bytes a, struct trib_bytes b)
{
	size_t common = TRIB_MIN(a.size, b.size);
	int order = common ? memcmp(a.data, b.data, common) : 0;

	if (order)
		return order;
	return a.size < b.size ? -1 : a.size > b.size;
}

bool trib_bytes_to_u64(struct trib_bytes text, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (text.size == 0 || text.size > 20)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		unsigned digit = (unsigned char)text.data[i] - '0';

		if (digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*ret_value = value;
	return true;
}

bool trib_bytes_to_i64(struct trib_bytes text, int64_t *ret_value)
{
	bool negative = text.size > 0 && text.data[0] == '-';
	uint64_t magnitude;

	if (!trib_bytes_to_u64(trib_bytes(text.data + negative, text.size - negative), &magnitude))
		return false;
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	*ret_value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

/* Digits of a decimal: those before the point, then those after it. */
struct digits {
	struct trib_bytes whole, fraction;
};

static int64_t count_digits(const struct digits *digits)
{
	return (int64_t)(digits->whole.size + digits->fraction.size);
}

static unsigned digit_at(const struct digits *digits, int64_t i)
{
	size_t at = (size_t)i;

	return (unsigned)(at < digits->whole.size
				  ? digits->whole.data[at]
				  : digits->fraction.data[at - digits->whole.size]) -
	       '0';
}

static struct trib_bytes take_all_digits(struct trib_bytes *rest)
{
	struct trib_bytes digits = { rest->data, 0 };

	while (digits.size < rest->size && (unsigned char)rest->data[digits.size] - '0' <= 9u)
		digits.size++;
	*rest = trib_bytes(rest->data + digits.size, rest->size - digits.size);
	return digits;
}

static bool take_char(struct trib_bytes *rest, const char *either)
{
	if (!rest->size || !rest->data[0] || !strchr(either, rest->data[0]))
		return false;
	*rest = trib_bytes(rest->data + 1, rest->size - 1);
	return true;
}

/* "e-3" → -3; nothing is 0. Beyond what could matter it is cut. */
static bool take_exponent(struct trib_bytes *rest, int64_t *ret_exponent)
{
	struct trib_bytes digits;
	int64_t exponent = 0;
	bool negative;

	*ret_exponent = 0;
	if (!take_char(rest, "eE"))
		return true;
	negative = rest->size && rest->data[0] == '-';
	take_char(rest, "+-");
	digits = take_all_digits(rest);
	for (size_t i = 0; i < digits.size; i++)
		exponent = TRIB_MIN(exponent * 10 + (digits.data[i] - '0'), INT64_C(1) << 40);
	*ret_exponent = negative ? -exponent : exponent;
	return digits.size > 0;
}

/* The digits before `cut` as a number, rounded half to even by those behind it; false where it passes 64 bits. */
static bool round_digits(const struct digits *digits, int64_t cut, uint64_t *ret_value)
{
	int64_t count = count_digits(digits);
	uint64_t value = 0;
	bool rest = false;

	for (int64_t i = 0; i < cut && (i < count || value); i++) {
		unsigned digit = i < count ? digit_at(digits, i) : 0;

		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (value > INT64_MAX)
		return false;
	for (int64_t i = TRIB_MAX(cut + 1, 0); i < count && !rest; i++)
		rest = digit_at(digits, i) != 0;
	if (cut >= 0 && cut < count) {
		unsigned next = digit_at(digits, cut);

		value += next > 5 || (next == 5 && (rest || value % 2));
	}
	*ret_value = value;
	return true;
}

bool trib_bytes_to_decimal(struct trib_bytes text, unsigned places, int64_t *ret_units)
{
	bool negative = text.size && text.data[0] == '-';
	struct digits digits = { 0 };
	int64_t exponent;
	uint64_t units;

	take_char(&text, "+-");
	digits.whole = take_all_digits(&text);
	if (take_char(&text, "."))
		digits.fraction = take_all_digits(&text);
	if (!count_digits(&digits) || !take_exponent(&text, &exponent) || text.size ||
	    !round_digits(&digits, (int64_t)digits.whole.size + exponent + places, &units) ||
	    units > (uint64_t)INT64_MAX)
		return false;
	*ret_units = negative ? -(int64_t)units : (int64_t)units;
	return true;
}

/* Length of the well-formed sequence that starts at s, 0 if there is none (Unicode 15, table 3-7). */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;
	size_t size;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		size = 2;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		size = 3;
		low = s[0] == 0xe0 ? 0xa0 : 0x80;
		high = s[0] == 0xed ? 0x9f : 0xbf;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		size = 4;
		low = s[0] == 0xf0 ? 0x90 : 0x80;
		high = s[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (left < size || s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return size;
}

size_t trib_utf8_step(struct trib_bytes text)
{
	return text.size ? utf8_sequence((const unsigned char *)text.data, text.size) : 0;
}

bool trib_utf8_valid(struct trib_bytes text)
{
	const unsigned char *s = (const unsigned char *)text.data;

	for (size_t i = 0, step; i < text.size; i += step) {
		step = utf8_sequence(s + i, text.size - i);
		if (step == 0)
			return false;
	}
	return true;
}

bool trib_external_id_valid(struct trib_bytes text)
{
	bool ascii = true;

	if (text.size < 1 || text.size > 64)
		return false;
	for (size_t i = 0; i < text.size; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (c <= 0x20 || c == 0x7f || c == '/')
			return false;
		if (c >= 0x80)
			ascii = false;
	}
	return ascii || trib_utf8_valid(text);
}

void trib_buffer_init(struct trib_buffer *buffer, size_t size_max)
{
	*buffer = (struct trib_buffer){ .size_max = size_max };
}

void trib_buffer_fini(struct trib_buffer *buffer)
{
	if (!buffer)
		return;
	free(buffer->data);
	*buffer = (struct trib_buffer){ 0 };
}

void trib_buffer_reset(struct trib_buffer *buffer)
{
	buffer->size = 0;
	buffer->failed = false;
}

char *trib_buffer_reserve(struct trib_buffer *buffer, size_t size)
{
	if (TRIB_LIKELY(!buffer->failed && buffer->capacity - buffer->size >= size && buffer->data))
		return buffer->data + buffer->size;
	if (buffer->failed || size > buffer->size_max - buffer->size) {
		buffer->failed = true;
		return NULL;
	}
	size_t capacity = buffer->capacity ? buffer->capacity : 64;

	while (capacity < buffer->size + size)
		capacity *= 2;
	capacity = TRIB_MIN(capacity, buffer->size_max);
	buffer->data = trib_realloc(buffer->data, capacity);
	buffer->capacity = capacity;
	return buffer->data + buffer->size;
}

void trib_buffer_add(struct trib_buffer *buffer, const void *data, size_t size)
{
	char *place = trib_buffer_reserve(buffer, size);

	if (!place || size == 0)
		return;
	memcpy(place, data, size);
	buffer->size += size;
}

void trib_buffer_add_bytes(struct trib_buffer *buffer, struct trib_bytes bytes)
{
	trib_buffer_add(buffer, bytes.data, bytes.size);
}

void trib_buffer_add_text(struct trib_buffer *buffer, const char *text)
{
	trib_buffer_add(buffer, text, strlen(text));
}

void trib_buffer_add_char(struct trib_buffer *buffer, char c)
{
	trib_buffer_add(buffer, &c, 1);
}

size_t trib_format_u64(char *ret_text, uint64_t value)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (size_t i = 0; i < n; i++)
		ret_text[i] = digits[n - 1 - i];
	return n;
}

size_t trib_format_i64(char *ret_text, int64_t value)
{
	if (value >= 0)
		return trib_format_u64(ret_text, (uint64_t)value);
	ret_text[0] = '-';
	return 1 + trib_format_u64(ret_text + 1, 0 - (uint64_t)value);
}

void trib_buffer_add_i64(struct trib_buffer *buffer, int64_t value)
{
	char text[20];

	trib_buffer_add(buffer, text, trib_format_i64(text, value));
}

void trib_buffer_add_u64(struct trib_buffer *buffer, uint64_t value)
{
	char text[20];

	trib_buffer_add(buffer, text, trib_format_u64(text, value));
}

void trib_buffer_add_format(struct trib_buffer *buffer, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int size = vsnprintf(NULL, 0, format, args);

	va_end(args);
	trib_assert(size >= 0);
	char *place = trib_buffer_reserve(buffer, (size_t)size + 1);

	if (place) {
		vsnprintf(place, (size_t)size + 1, format, again);
		buffer->size += (size_t)size;
	}
	va_end(again);
}

const char *trib_buffer_text(struct trib_buffer *buffer)
{
	char *end = trib_buffer_reserve(buffer, 1);

	if (!end)
		return "";
	*end = '\0';
	return buffer->data;
}
