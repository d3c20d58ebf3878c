/* Numbers as people write them: 1,299.5 · 1.5k · 3万 · 一百五 · 两三百 · 百元 · 两成 · 百分之二十 · ¥99 · half. */
#include "select/ask_private.h"

/* 10^12, which is more than anything that is counted here; the scale of four places keeps it far from the ends of int64. */
#define NUMBER_MAX (INT64_C(1000000000000) * ASK_NUMBER_UNIT)

static const struct {
	const char *text;
	int64_t value;
} digits[] = {
	{ "零", 0 }, { "〇", 0 }, { "一", 1 }, { "二", 2 }, { "两", 2 }, { "俩", 2 }, { "三", 3 },
	{ "四", 4 }, { "五", 5 }, { "六", 6 }, { "七", 7 }, { "八", 8 }, { "九", 9 },
}, powers[] = {
	{ "十", 10 }, { "百", 100 }, { "千", 1000 },
}, scales[] = {
	{ "百万", 1000000 }, { "千万", 10000000 }, { "十万", 100000 }, { "万", 10000 }, { "亿", 100000000 },
	{ "千", 1000 }, { "百", 100 }, { "k", 1000 }, { "w", 10000 }, { "m", 1000000 },
}, english[] = {
	{ "one", 1 }, { "two", 2 }, { "three", 3 }, { "four", 4 }, { "five", 5 }, { "six", 6 }, { "seven", 7 },
	{ "eight", 8 }, { "nine", 9 }, { "ten", 10 }, { "fifteen", 15 }, { "twenty", 20 }, { "thirty", 30 },
	{ "forty", 40 }, { "fifty", 50 }, { "a hundred", 100 }, { "hundred", 100 }, { "one hundred", 100 },
	{ "a thousand", 1000 }, { "thousand", 1000 },
};

static bool starts(struct trib_bytes text, size_t at, const char *with, size_t *ret_size)
{
	*ret_size = strlen(with);
	return text.size - at >= *ret_size && !memcmp(text.data + at, with, *ret_size);
}

#define FIND(table, text, at, ret_size)                                                            \
	({                                                                                         \
		int64_t found_ = -1;                                                               \
		for (size_t i_ = 0; i_ < TRIB_ARRAY_SIZE(table) && found_ < 0; i_++)               \
			if (starts(text, at, table[i_].text, ret_size))                            \
				found_ = table[i_].value;                                          \
		found_;                                                                            \
	})

/* Chinese digits below 万. A last digit counts in tenths of the power before it: 一百五 is 150; two digits before a
 * power are a range: 两三百. */
static size_t read_chinese(struct trib_bytes text, int64_t *ret_low, int64_t *ret_high)
{
	int64_t low = 0, high = 0, digit = -1, second = -1, power = 0;
	size_t at = 0, size;
	bool zero = false;

	while (at < text.size) {
		int64_t value = FIND(digits, text, at, &size), times;

		if (value == 0 && digit < 0) {
			zero = true;
			at += size;
		} else if (value >= 0 && digit < 0) {
			digit = value;
			at += size;
		} else if (value > digit && second < 0 && power == 0) {
			second = value;
			at += size;
		} else if ((times = FIND(powers, text, at, &size)) > 0 &&
			   (power == 0 || times < power) &&
			   (digit >= 0 || power == 0 || times == 10)) {
			low += TRIB_MAX(digit, INT64_C(1)) * times;
			high += TRIB_MAX(second >= 0 ? second : digit, INT64_C(1)) * times;
			digit = second = -1;
			power = times;
			zero = false;
			at += size;
		} else {
			break;
		}
	}
	if (second >= 0) { /* 三五个, without a power */
		low = digit;
		high = second;
	} else if (digit >= 0) {
		int64_t rest = power >= 100 && !zero ? digit * power / 10 : digit;

		low += rest;
		high += rest;
	}
	*ret_low = low * ASK_NUMBER_UNIT;
	*ret_high = high * ASK_NUMBER_UNIT;
	return at;
}

/* 1,299.50 */
static size_t read_digits(struct trib_bytes text, int64_t *ret_value)
{
	int64_t value = 0, place = ASK_NUMBER_UNIT;
	size_t at = 0, group = 0;
	bool point = false;

	for (; at < text.size && value <= NUMBER_MAX; at++) {
		char c = text.data[at];

		if (c >= '0' && c <= '9') {
			value = point ? value + (c - '0') * (place /= 10)
				      : value * 10 + (c - '0') * (int64_t)ASK_NUMBER_UNIT;
			group++;
		} else if (c == '.' && !point && at + 1 < text.size && text.data[at + 1] >= '0' &&
			   text.data[at + 1] <= '9') {
			point = true;
		} else if (c == ',' && !point && group <= 3 && at + 3 < text.size &&
			   strspn(text.data + at + 1, "0123456789") == 3) {
			group = 0; /* a thousands' comma */
		} else {
			break;
		}
	}
	*ret_value = value;
	return at;
}

static const struct ask_meaning *meaning_of(const struct trib_ask *ask, struct trib_bytes text,
					    size_t at, char class, size_t size_max,
					    size_t *ret_size)
{
	const struct ask_meaning *meaning = ask_words_find(
		ask->words, trib_bytes(text.data + at, text.size - at), size_max, ret_size);

	while (meaning && meaning->class != class)
		meaning = meaning->next;
	return meaning;
}

/* The longest word of a class there; the lexicon's longest word may have others only. */
static const struct ask_meaning *longest_of(const struct trib_ask *ask, struct trib_bytes text,
					    size_t at, char class, size_t *ret_size)
{
	size_t size_max = text.size - at, size;

	while (size_max > 0) {
		const struct ask_meaning *meaning =
			meaning_of(ask, text, at, class, size_max, ret_size);

		if (meaning)
			return meaning;
		if (!ask_words_find(ask->words, trib_bytes(text.data + at, text.size - at),
				    size_max, &size))
			return NULL;
		size_max = TRIB_MIN(size, size_max) - 1; /* a plural is longer than its word */
	}
	return NULL;
}

static size_t skip_space(struct trib_bytes text, size_t at)
{
	return at + (at < text.size && text.data[at] == ' ');
}

/* The digits themselves: 1,299.5, 一百五, twenty, or the 百 of 百元. */
static size_t read_value(struct trib_bytes text, struct ask_token *number)
{
	size_t size = read_digits(text, &number->low), whole;

	number->high = number->low;
	if (!size)
		size = read_chinese(text, &number->low, &number->high);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(english) && !size; i++)
		if (starts(text, 0, english[i].text, &whole) &&
		    ask_word_ends(text, whole, &whole) && whole == strlen(english[i].text)) {
			number->low = number->high = english[i].value * ASK_NUMBER_UNIT;
			size = whole;
		}
	if (!size && (starts(text, 0, "万", &size) || (size = 0))) /* 过万 */
		number->low = number->high = ASK_NUMBER_UNIT, size = 0, number->scale = 1;
	return size;
}

/* 万, k …, after the digits. */
static size_t read_scale(struct trib_bytes text, size_t at, struct ask_token *number)
{
	size_t size, whole;
	bool latin;

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(scales); i++) {
		if (!starts(text, at, scales[i].text, &size))
			continue;
		latin = scales[i].text[0] >= 'a' && scales[i].text[0] <= 'z';
		if (latin &&
		    (!ask_word_ends(trib_bytes(text.data + at, text.size - at), size, &whole) ||
		     whole != size))
			continue;
		if (number->high > NUMBER_MAX / scales[i].value)
			return at;
		number->low *= scales[i].value;
		number->high *= scales[i].value;
		number->scale = scales[i].value;
		/* 一万五: the last digit counts in tenths of it. */
		int64_t digit = latin ? -1 : FIND(digits, text, at + size, &whole);

		if (digit > 0 && FIND(powers, text, at + size + whole, &(size_t){ 0 }) < 0) {
			number->low += digit * scales[i].value / 10 * ASK_NUMBER_UNIT;
			number->high += digit * scales[i].value / 10 * ASK_NUMBER_UNIT;
			size += whole;
		}
		return at + size;
	}
	return at;
}

size_t ask_number_read(const struct trib_ask *ask, struct trib_bytes text,
		       struct ask_token *ret_number)
{
	struct ask_token number = { .scale = 1 };
	const struct ask_meaning *unit;
	size_t at = 0, size, whole;
	bool percent = starts(text, 0, "百分之", &size);

	if (percent) {
		at = size;
	} else if (longest_of(ask, text, 0, ASK_CLASS_MONEY_BEFORE, &size)) {
		number.unit = ASK_UNIT_MONEY;
		at = skip_space(text, size);
	} else if (starts(text, 0, "一半", &whole) ||
		   (starts(text, 0, "half", &whole) && ask_word_ends(text, whole, &whole))) {
		*ret_number = (struct ask_token){ .low = 50 * ASK_NUMBER_UNIT,
						  .high = 50 * ASK_NUMBER_UNIT,
						  .scale = 1,
						  .unit = ASK_UNIT_PERCENT };
		return whole;
	}
	size = read_value(trib_bytes(text.data + at, text.size - at), &number);
	if (size == 0 && !starts(text, at, "万", &whole))
		return 0;
	at = read_scale(text, at + size, &number);
	if (number.low > NUMBER_MAX || number.high > NUMBER_MAX)
		return 0;
	if (percent)
		number.unit = ASK_UNIT_PERCENT;
	unit = number.unit == ASK_UNIT_PERCENT
		       ? NULL
		       : longest_of(ask, text, skip_space(text, at), ASK_CLASS_UNIT, &size);
	if (unit) {
		number.unit = number.unit ? number.unit : unit->number;
		at = skip_space(text, at) + size;
	}
	/* Letters that go on are a word: 3c, 5g. */
	if (!unit && (!ask_word_ends(text, at, &whole) || whole != at))
		return 0;
	*ret_number = number;
	return at;
}
