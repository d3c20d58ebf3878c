/* Functions of strings: the standard ones and the string extension library. Places count code points. */
#include "expr/re2_shim.h"
#include "expr/text.h"
#include "expr/unicode.h"

static struct trib_value no_overload(void)
{
	return function_fail(FAULT_NO_OVERLOAD);
}

/* Whether the first `count` arguments are of these kinds: "ssi". */
static bool are(const struct trib_value *args, uint32_t count, const char *kinds)
{
	for (uint32_t i = 0; i < count; i++)
		if (args[i].kind != (kinds[i] == 's' ? TRIB_VALUE_STRING : TRIB_VALUE_INT))
			return false;
	return true;
}

static bool spend_on_bytes(struct function_context *context, uint64_t bytes)
{
	return function_spend(context, 1 + bytes / 64);
}

/* ---- Searching ------------------------------------------------------------------------------------ */

/*
 * Where `part` first is in text from `from` on; SIZE_MAX: nowhere. memmem is asked window by window: it takes
 * linear time, but a sanitizer reads all it is given before each of a million matches.
 */
static size_t find_from(struct trib_bytes text, struct trib_bytes part, size_t from)
{
	size_t window = 4 * part.size + 256;

	if (part.size == 0)
		return from;
	while (from <= text.size && part.size <= text.size - from) {
		size_t size = TRIB_MIN(window, text.size - from);
		const char *found = memmem(text.data + from, size, part.data, part.size);

		if (found)
			return (size_t)(found - text.data);
		from += size - part.size + 1;
	}
	return SIZE_MAX;
}

FUNCTION_BODY(text_contains)
{
	if (!are(args, 2, "ss"))
		return no_overload();
	if (!spend_on_bytes(context, args[0].size))
		return function_fail(FAULT_COST);
	return trib_value_bool(find_from(trib_value_text(&args[0]), trib_value_text(&args[1]), 0) !=
			       SIZE_MAX);
}

FUNCTION_BODY(text_starts_with)
{
	if (!are(args, 2, "ss"))
		return no_overload();
	return trib_value_bool(args[1].size <= args[0].size &&
			       trib_bytes_equal(trib_bytes(args[0].text, args[1].size),
						trib_value_text(&args[1])));
}

FUNCTION_BODY(text_ends_with)
{
	if (!are(args, 2, "ss"))
		return no_overload();
	return trib_value_bool(
		args[1].size <= args[0].size &&
		trib_bytes_equal(
			trib_bytes(args[0].text + (args[0].size - args[1].size), args[1].size),
			trib_value_text(&args[1])));
}

bool text_spend_on_match(struct function_context *context, const struct re2_pattern *pattern,
			 uint64_t bytes)
{
	/* RE2 is linear in the text; where its automaton does not fit memory, in text times pattern. */
	return function_spend(context,
			      1 + bytes / 16 + bytes * (uint64_t)re2_pattern_size(pattern) / 2048);
}

FUNCTION_BODY(text_matches)
{
	if (!are(args, 2, "ss"))
		return no_overload();
	if (args[1].size > TRIB_LIMIT_CEL_PATTERN_BYTES)
		return function_fail(FAULT_BAD_PATTERN);
	/* A pattern that is computed is compiled each time: some 10 µs, and more for repetitions. */
	if (!function_spend(context, 500 + args[1].size * 10))
		return function_fail(FAULT_COST);
	struct re2_pattern *pattern =
		re2_pattern_new(args[1].text, args[1].size, TEXT_PATTERN_MEMORY);

	if (!pattern)
		return function_fail(FAULT_BAD_PATTERN);
	struct trib_value result = function_fail(FAULT_COST);

	if (function_spend(context, (uint64_t)re2_pattern_size(pattern)) &&
	    text_spend_on_match(context, pattern, args[0].size))
		result = trib_value_bool(re2_pattern_matches(pattern, args[0].text, args[0].size));
	re2_pattern_free(pattern);
	return result;
}

FUNCTION_BODY(text_index_of)
{
	if (!are(args, count, "ssi"))
		return no_overload();
	struct trib_bytes text = trib_value_text(&args[0]);

	if (!spend_on_bytes(context, 2 * text.size))
		return function_fail(FAULT_COST);
	int64_t from = count == 3 ? args[2].integer : 0;

	if (from < 0 || (uint64_t)from > unicode_count(text))
		return function_fail_with(FAULT_INDEX, from);
	size_t found =
		find_from(text, trib_value_text(&args[1]), unicode_offset(text, (uint64_t)from));

	return trib_value_int(
		found == SIZE_MAX ? -1 : (int64_t)unicode_count(trib_bytes(text.data, found)));
}

FUNCTION_BODY(text_last_index_of)
{
	if (!are(args, count, "ssi"))
		return no_overload();
	struct trib_bytes text = trib_value_text(&args[0]), part = trib_value_text(&args[1]);
	uint64_t length = unicode_count(text);
	int64_t from = count == 3 ? args[2].integer : (int64_t)length;

	if (from < 0 || (uint64_t)from > length)
		return function_fail_with(FAULT_INDEX, from);
	size_t place = unicode_offset(text, (uint64_t)from);

	/* Each place is compared with the whole part at worst. */
	if (!function_spend(context, 1 + place / 8 + (uint64_t)place / 64 * (part.size / 64)))
		return function_fail(FAULT_COST);
	for (;; place--) {
		if (place + part.size <= text.size &&
		    trib_bytes_equal(trib_bytes(text.data + place, part.size), part) &&
		    (place == text.size || (text.data[place] & 0xc0) != 0x80))
			return trib_value_int((int64_t)unicode_count(trib_bytes(text.data, place)));
		if (place == 0)
			return trib_value_int(-1);
	}
}

/* ---- Parts ---------------------------------------------------------------------------------------- */

static struct trib_value part_of(struct trib_bytes text, size_t from, size_t to)
{
	return trib_value_string(trib_bytes(text.data + from, to - from));
}

FUNCTION_BODY(text_char_at)
{
	if (!are(args, 2, "si"))
		return no_overload();
	struct trib_bytes text = trib_value_text(&args[0]);

	if (!spend_on_bytes(context, text.size))
		return function_fail(FAULT_COST);
	if (args[1].integer < 0 || (uint64_t)args[1].integer > unicode_count(text))
		return function_fail_with(FAULT_INDEX, args[1].integer);
	size_t place = unicode_offset(text, (uint64_t)args[1].integer);

	return part_of(text, place,
		       place == text.size ? place : place + unicode_size(text.data[place]));
}

FUNCTION_BODY(text_substring)
{
	if (!are(args, count, "sii"))
		return no_overload();
	struct trib_bytes text = trib_value_text(&args[0]);

	if (!spend_on_bytes(context, 2 * text.size))
		return function_fail(FAULT_COST);
	int64_t length = (int64_t)unicode_count(text);
	int64_t from = args[1].integer, to = count == 3 ? args[2].integer : length;

	if (from < 0 || from > length)
		return function_fail_with(FAULT_INDEX, from);
	if (to < 0 || to > length)
		return function_fail_with(FAULT_INDEX, to);
	if (from > to)
		return function_fail(FAULT_BAD_RANGE);
	return part_of(text, unicode_offset(text, (uint64_t)from),
		       unicode_offset(text, (uint64_t)to));
}

/* Unicode's White_Space. */
static bool is_space(uint32_t code_point)
{
	return (code_point >= 0x09 && code_point <= 0x0d) || code_point == 0x20 ||
	       code_point == 0x85 || code_point == 0xa0 || code_point == 0x1680 ||
	       (code_point >= 0x2000 && code_point <= 0x200a) || code_point == 0x2028 ||
	       code_point == 0x2029 || code_point == 0x202f || code_point == 0x205f ||
	       code_point == 0x3000;
}

FUNCTION_BODY(text_trim)
{
	if (!are(args, 1, "s"))
		return no_overload();
	struct trib_bytes text = trib_value_text(&args[0]);
	size_t from = 0, to = text.size;

	if (!spend_on_bytes(context, text.size))
		return function_fail(FAULT_COST);
	while (from < to && is_space(unicode_decode(text.data + from)))
		from += unicode_size(text.data[from]);
	while (to > from) {
		size_t last = to - 1;

		while (last > from && (text.data[last] & 0xc0) == 0x80)
			last--;
		if (!is_space(unicode_decode(text.data + last)))
			break;
		to = last;
	}
	return part_of(text, from, to);
}

/* ---- New strings ---------------------------------------------------------------------------------- */

static struct trib_value map_ascii(struct function_context *context, const struct trib_value *args,
				   char first, char last, int difference)
{
	if (!are(args, 1, "s"))
		return no_overload();
	if (!spend_on_bytes(context, args[0].size))
		return function_fail(FAULT_COST);
	char *text = trib_arena_alloc(context->arena, args[0].size);

	if (!text)
		return function_fail(FAULT_MEMORY);
	for (uint32_t i = 0; i < args[0].size; i++) {
		char c = args[0].text[i];

		text[i] = c >= first && c <= last ? (char)(c + difference) : c;
	}
	return trib_value_string(trib_bytes(text, args[0].size));
}

FUNCTION_BODY(text_lower_ascii)
{
	return map_ascii(context, args, 'A', 'Z', 'a' - 'A');
}

FUNCTION_BODY(text_upper_ascii)
{
	return map_ascii(context, args, 'a', 'z', 'A' - 'a');
}

FUNCTION_BODY(text_reverse)
{
	if (!are(args, 1, "s"))
		return no_overload();
	if (!spend_on_bytes(context, args[0].size))
		return function_fail(FAULT_COST);
	char *text = trib_arena_alloc(context->arena, args[0].size);

	if (!text)
		return function_fail(FAULT_MEMORY);
	for (uint32_t i = 0; i < args[0].size;) {
		uint32_t size = unicode_size(args[0].text[i]);

		memcpy(text + args[0].size - i - size, args[0].text + i, size);
		i += size;
	}
	return trib_value_string(trib_bytes(text, args[0].size));
}

/* "" is found before each code point and at the end. */
struct finder {
	struct trib_bytes text, part;
	size_t next; /* where to look from */
	bool at_end; /* of an empty part: the last one was given */
};

/* The next place of the part; SIZE_MAX: no more. */
static size_t find_next(struct finder *finder)
{
	size_t place;

	if (finder->part.size > 0) {
		place = find_from(finder->text, finder->part, finder->next);
		if (place != SIZE_MAX)
			finder->next = place + finder->part.size;
		return place;
	}
	if (finder->at_end)
		return SIZE_MAX;
	place = finder->next;
	if (place >= finder->text.size)
		finder->at_end = true;
	else
		finder->next = place + unicode_size(finder->text.data[place]);
	return place;
}

/* How many times the part is there, at most `max`. */
static uint64_t count_parts(struct finder finder, uint64_t max)
{
	uint64_t count = 0;

	while (count < max && find_next(&finder) != SIZE_MAX)
		count++;
	return count;
}

FUNCTION_BODY(text_replace)
{
	if (!are(args, TRIB_MIN(count, 3u), "sss") ||
	    (count == 4 && args[3].kind != TRIB_VALUE_INT))
		return no_overload();
	struct finder finder = { .text = trib_value_text(&args[0]),
				 .part = trib_value_text(&args[1]) };
	uint64_t max = count == 4 && args[3].integer >= 0 ? (uint64_t)args[3].integer : UINT64_MAX;

	if (!function_spend(context, 1 + args[0].size / 8))
		return function_fail(FAULT_COST);
	uint64_t times = count_parts(finder, max);
	uint64_t size = args[0].size - times * args[1].size + times * args[2].size;

	if (times == 0)
		return args[0];
	if (!spend_on_bytes(context, size))
		return function_fail(FAULT_COST);
	char *text = size > UINT32_MAX ? NULL : trib_arena_alloc(context->arena, size);

	if (!text)
		return function_fail(FAULT_MEMORY);
	size_t from = 0, written = 0;

	for (; times > 0; times--) {
		size_t place = find_next(&finder);

		memcpy(text + written, finder.text.data + from, place - from);
		written += place - from;
		if (args[2].size)
			memcpy(text + written, args[2].text, args[2].size);
		written += args[2].size;
		from = place + finder.part.size;
	}
	if (finder.text.size > from)
		memcpy(text + written, finder.text.data + from, finder.text.size - from);
	return trib_value_string(trib_bytes(text, size));
}

static struct trib_value make_list(struct function_context *context, const struct trib_value *items,
				   uint32_t count)
{
	struct trib_value list;

	return trib_value_list(context->arena, items, count, &list) == TRIB_OK
		       ? list
		       : function_fail(FAULT_MEMORY);
}

FUNCTION_BODY(text_split)
{
	if (!are(args, count, "ssi"))
		return no_overload();
	struct finder finder = { .text = trib_value_text(&args[0]),
				 .part = trib_value_text(&args[1]) };
	uint64_t max = count == 3 && args[2].integer >= 0 ? (uint64_t)args[2].integer : UINT64_MAX;

	if (max == 0)
		return make_list(context, NULL, 0);
	if (!function_spend(context, 1 + args[0].size / 8))
		return function_fail(FAULT_COST);
	/* Between characters: not before the first nor after the last. */
	if (finder.part.size == 0) {
		if (finder.text.size == 0)
			return make_list(context, NULL, 0);
		find_next(&finder);
	}
	uint64_t cuts = count_parts(finder, max - 1);

	cuts -= finder.part.size == 0 && cuts == unicode_count(finder.text);
	struct trib_value *items = trib_arena_alloc(context->arena, (cuts + 1) * sizeof(*items));

	if (!items)
		return function_fail(FAULT_MEMORY);
	size_t from = 0;

	for (uint64_t i = 0; i < cuts; i++) {
		size_t place = find_next(&finder);

		items[i] = part_of(finder.text, from, place);
		from = place + finder.part.size;
	}
	items[cuts] = part_of(finder.text, from, finder.text.size);
	return make_list(context, items, (uint32_t)(cuts + 1));
}

FUNCTION_BODY(text_join)
{
	if (args[0].kind != TRIB_VALUE_LIST || (count == 2 && args[1].kind != TRIB_VALUE_STRING))
		return no_overload();
	const struct trib_list *list = args[0].list;
	struct trib_bytes separator = count == 2 ? trib_value_text(&args[1]) : trib_bytes(NULL, 0);
	uint64_t size = list->count ? (uint64_t)(list->count - 1) * separator.size : 0;

	for (uint32_t i = 0; i < list->count; i++) {
		if (list->items[i].kind != TRIB_VALUE_STRING)
			return no_overload();
		size += list->items[i].size;
	}
	if (!spend_on_bytes(context, size + 8 * (uint64_t)list->count))
		return function_fail(FAULT_COST);
	char *text = size > UINT32_MAX ? NULL : trib_arena_alloc(context->arena, size);

	if (!text)
		return function_fail(FAULT_MEMORY);
	char *next = text;

	for (uint32_t i = 0; i < list->count; i++) {
		if (i > 0 && separator.size)
			next = mempcpy(next, separator.data, separator.size);
		if (list->items[i].size)
			next = mempcpy(next, list->items[i].text, list->items[i].size);
	}
	return trib_value_string(trib_bytes(text, size));
}

FUNCTION_BODY(text_quote)
{
	static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";

	if (!are(args, 1, "s"))
		return no_overload();
	if (!spend_on_bytes(context, 2 * (uint64_t)args[0].size))
		return function_fail(FAULT_COST);
	char *text = args[0].size > UINT32_MAX / 2 - 2
			     ? NULL
			     : trib_arena_alloc(context->arena, 2 * (size_t)args[0].size + 2);
	size_t size = 0;

	if (!text)
		return function_fail(FAULT_MEMORY);
	text[size++] = '"';
	for (uint32_t i = 0; i < args[0].size; i++) {
		char c = args[0].text[i];
		const char *escaped = c ? strchr(from, c) : NULL;

		if (escaped)
			text[size++] = '\\';
		text[size++] = escaped ? to[escaped - from] : c;
	}
	text[size++] = '"';
	return trib_value_string(trib_bytes(text, size));
}
