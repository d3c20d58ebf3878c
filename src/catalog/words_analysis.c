#include "catalog/words_analysis.h"

#include "base/hash.h"
#include "base/limits.h"
#include "catalog/words_fold.h"

/* Changes with what this file makes of a text. */
enum { ANALYSIS_VERSION = 1, TERM_BYTES = TRIB_LIMIT_WORDS_TERM_BYTES };

#define KEY_IDEOGRAPH ((uint64_t)1 << 63)

/* X(Latin letters as in the term, as written). The longest way of writing of one beginning first. */
#define MEASURE_TABLE(X)                                                                           \
	X("ml", "毫升")                                                                            \
	X("l", "升")                                                                               \
	X("mg", "毫克")                                                                            \
	X("kg", "千克") X("kg", "公斤") X("g", "克") X("mm", "毫米") X("cm", "厘米")               \
		X("cm", "公分") X("m", "米") X("w", "瓦") X("inch", "英寸") X("inch", "寸")        \
			X("ml", "ml") X("l", "l") X("mg", "mg") X("kg", "kg") X("g", "g")          \
				X("mm", "mm") X("cm", "cm") X("m", "m") X("w", "w") X("v", "v")    \
					X("gb", "gb") X("tb", "tb") X("mah", "mah")                \
						X("mah", "毫安") X("inch", "inch") X("oz", "oz")

static const struct {
	const char *term, *written;
} measures[] = {
#define X(term, written) { term, written },
	MEASURE_TABLE(X)
#undef X
};

void trib_words_analysis_fini(struct trib_words_analysis *analysis)
{
	free(analysis->units);
	free(analysis->tokens);
	free(analysis->text);
	*analysis = (struct trib_words_analysis){ 0 };
}

static char *text_reserve(struct trib_words_analysis *analysis, size_t size)
{
	if (analysis->text_size + size > analysis->text_capacity) {
		analysis->text_capacity = (analysis->text_size + size) * 2 + 256;
		analysis->text = trib_realloc(analysis->text, analysis->text_capacity);
	}
	return analysis->text + analysis->text_size;
}

static size_t utf8_put(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* The next code point and its length; length 0 where the bytes are no UTF-8. */
static size_t utf8_get(const unsigned char *at, size_t left, uint32_t *ret_character)
{
	if (at[0] < 0x80) {
		*ret_character = at[0];
		return 1;
	}
	if (left >= 3 && at[0] >= 0xe1 && at[0] <= 0xec && (at[1] & 0xc0) == 0x80 &&
	    (at[2] & 0xc0) == 0x80) {
		*ret_character =
			(uint32_t)(at[0] & 15) << 12 | (uint32_t)(at[1] & 63) << 6 | (at[2] & 63);
		return 3;
	}
	size_t size = trib_utf8_step(trib_bytes(at, left));

	if (size == 2)
		*ret_character = (uint32_t)(at[0] & 31) << 6 | (at[1] & 63);
	else if (size == 3)
		*ret_character =
			(uint32_t)(at[0] & 15) << 12 | (uint32_t)(at[1] & 63) << 6 | (at[2] & 63);
	else if (size == 4)
		*ret_character = (uint32_t)(at[0] & 7) << 18 | (uint32_t)(at[1] & 63) << 12 |
				 (uint32_t)(at[2] & 63) << 6 | (at[3] & 63);
	return size;
}

/* Cuts a text into units, one character after the other. */
struct cutter {
	struct trib_words_analysis *analysis;
	bool open;     /* the last unit may grow */
	bool glued;    /* nothing stands since the last unit */
	uint32_t held; /* a dot or an apostrophe that the next character decides about; 0: none */
};

static struct trib_words_unit *unit_add(struct cutter *cutter, enum trib_words_unit_kind kind,
					uint32_t begin, uint32_t end)
{
	struct trib_words_analysis *analysis = cutter->analysis;

	if (analysis->unit_count == analysis->unit_capacity) {
		analysis->unit_capacity = analysis->unit_capacity * 2 + 64;
		analysis->units = trib_realloc(analysis->units,
					       analysis->unit_capacity * sizeof(*analysis->units));
	}
	struct trib_words_unit *unit = &analysis->units[analysis->unit_count++];

	*unit = (struct trib_words_unit){ .kind = kind,
					  .text = (uint32_t)analysis->text_size,
					  .begin = begin,
					  .end = end,
					  .glued = cutter->glued };
	cutter->glued = true;
	cutter->open = kind != TRIB_WORDS_IDEOGRAPH;
	return unit;
}

static struct trib_words_unit *last_unit(const struct cutter *cutter)
{
	return &cutter->analysis->units[cutter->analysis->unit_count - 1];
}

/* An open unit's text ends where the text does. What passes the longest term is left out, its end moves on. */
static void unit_grow(struct cutter *cutter, uint32_t character, uint32_t end)
{
	struct trib_words_unit *unit = last_unit(cutter);
	size_t size = utf8_put(text_reserve(cutter->analysis, 4), character);

	unit->end = end;
	if (unit->size + size > TERM_BYTES)
		return;
	cutter->analysis->text_size += size;
	unit->size += (uint32_t)size;
}

static void separate(struct cutter *cutter)
{
	cutter->open = cutter->glued = false;
	cutter->held = 0;
}

static void take_run(struct cutter *cutter, enum trib_words_unit_kind kind, uint32_t character,
		     uint32_t begin, uint32_t end)
{
	bool same = cutter->open && last_unit(cutter)->kind == kind;

	if (cutter->held) {
		bool within = same && (kind == TRIB_WORDS_LETTERS) == (cutter->held == '\'');

		if (!within)
			separate(cutter);
		else if (cutter->held == '.')
			unit_grow(cutter, '.', begin);
		same = within;
		cutter->held = 0;
	}
	if (!same)
		unit_add(cutter, kind, begin, begin);
	unit_grow(cutter, character, end);
}

static void take(struct cutter *cutter, uint32_t folded, uint32_t begin, uint32_t end)
{
	uint32_t character = trib_words_folded_character(folded);

	switch (trib_words_folded_class(folded)) {
	case TRIB_WORDS_CLASS_NOTHING:
		return;
	case TRIB_WORDS_CLASS_IDEOGRAPH:
		if (cutter->held)
			separate(cutter);
		unit_add(cutter, TRIB_WORDS_IDEOGRAPH, begin, end)->character = character;
		return;
	case TRIB_WORDS_CLASS_LETTER:
		take_run(cutter, TRIB_WORDS_LETTERS, character, begin, end);
		return;
	case TRIB_WORDS_CLASS_DIGIT:
		take_run(cutter, TRIB_WORDS_NUMBER, character, begin, end);
		return;
	case TRIB_WORDS_CLASS_APOSTROPHE:
	case TRIB_WORDS_CLASS_DOT:
		if (cutter->open && !cutter->held)
			cutter->held = character == '.' ? '.' : '\'';
		else
			separate(cutter);
		return;
	default:
		separate(cutter);
	}
}

static bool ends_with(const char *text, size_t size, const char *end)
{
	size_t end_size = strlen(end);

	return size > end_size && memcmp(text + size - end_size, end, end_size) == 0;
}

/* Plurals of English: "dresses" and "dress", "boxes" and "box", "berries" and "berry", "men's" is "mens" by now. */
static uint32_t singular(char *text, uint32_t size)
{
	static const char *const hissing[] = { "sses", "xes", "ches", "shes", "zes" };

	if (size < 4 || text[size - 1] != 's')
		return size;
	for (uint32_t i = 0; i < size; i++)
		if (text[i] < 'a' || text[i] > 'z')
			return size;
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(hissing); i++)
		if (ends_with(text, size, hissing[i]))
			return size - 2;
	if (ends_with(text, size, "ies") && size > 4) {
		text[size - 3] = 'y';
		return size - 2;
	}
	if (ends_with(text, size, "ss") || ends_with(text, size, "us") ||
	    ends_with(text, size, "is"))
		return size;
	return size - 1;
}

static void cut_as_written(struct trib_words_analysis *analysis, struct trib_bytes text)
{
	const uint32_t *table = trib_words_fold_table();
	struct cutter cutter = { .analysis = analysis };
	size_t size = TRIB_MIN(text.size, (size_t)TRIB_LIMIT_WORDS_TEXT_BYTES);
	uint32_t character = 0;

	analysis->unit_count = analysis->text_size = 0;
	text_reserve(analysis, 1); /* so that it is somewhere, even where no unit has text */
	for (size_t at = 0; at < size;) {
		size_t step =
			utf8_get((const unsigned char *)text.data + at, size - at, &character);
		uint32_t begin = (uint32_t)at, folded, count;

		if (step == 0) {
			separate(&cutter);
			at++;
			continue;
		}
		at += step;
		folded = character < 0x10000 ? table[character] : trib_words_fold_beyond(character);
		if (trib_words_folded_class(folded) != TRIB_WORDS_CLASS_SEVERAL) {
			take(&cutter, folded, begin, (uint32_t)at);
			continue;
		}
		const uint32_t *each = trib_words_fold_several(folded, &count);

		for (uint32_t i = 0; i < count; i++)
			take(&cutter, each[i], begin, (uint32_t)at);
	}
}

void trib_words_cut(struct trib_words_analysis *analysis, struct trib_bytes text)
{
	cut_as_written(analysis, text);
	for (size_t i = 0; i < analysis->unit_count; i++) {
		struct trib_words_unit *unit = &analysis->units[i];

		if (unit->kind == TRIB_WORDS_LETTERS)
			unit->size = singular(analysis->text + unit->text, unit->size);
	}
}

uint64_t trib_words_key_of_ideograph(uint32_t character)
{
	return KEY_IDEOGRAPH | (uint64_t)character << 24;
}

uint64_t trib_words_key_of_pair(uint32_t first, uint32_t second)
{
	return KEY_IDEOGRAPH | (uint64_t)first << 24 | second;
}

uint64_t trib_words_key_of_text(struct trib_bytes text)
{
	return trib_hash_bytes(text) & ~KEY_IDEOGRAPH;
}

size_t trib_words_key_print(uint64_t key, char ret_text[8])
{
	size_t size;

	if (!(key & KEY_IDEOGRAPH))
		return 0;
	size = utf8_put(ret_text, (uint32_t)(key >> 24) & 0x1fffff);
	if (key & 0xffffff)
		size += utf8_put(ret_text + size, (uint32_t)key & 0x1fffff);
	return size;
}

/* Do the units from `i` on read as `written`? How many that takes. */
static size_t units_read(const struct trib_words_analysis *analysis, size_t i, const char *written)
{
	const unsigned char *at = (const unsigned char *)written;
	size_t first = i, left = strlen(written);

	if (i < analysis->unit_count && analysis->units[i].kind == TRIB_WORDS_LETTERS)
		return trib_bytes_is(trib_bytes(analysis->text + analysis->units[i].text,
						analysis->units[i].size),
				     written);
	for (uint32_t character; left > 0; i++) {
		size_t step = utf8_get(at, left, &character);

		if (i >= analysis->unit_count || analysis->units[i].kind != TRIB_WORDS_IDEOGRAPH ||
		    analysis->units[i].character != character ||
		    (i > first && !analysis->units[i].glued))
			return 0;
		at += step;
		left -= step;
	}
	return i - first;
}

size_t trib_words_measure(struct trib_words_analysis *analysis, size_t i, uint32_t *ret_text,
			  uint32_t *ret_size)
{
	const struct trib_words_unit *unit = &analysis->units[i];
	uint32_t size = unit->size;

	if (unit->kind != TRIB_WORDS_NUMBER || i + 1 >= analysis->unit_count)
		return 0;
	const struct trib_words_unit *next = unit + 1;

	if (next->kind == TRIB_WORDS_LETTERS ? next->size > 4 : next->kind != TRIB_WORDS_IDEOGRAPH)
		return 0;
	for (size_t m = 0; m < TRIB_ARRAY_SIZE(measures); m++) {
		size_t taken = units_read(analysis, i + 1, measures[m].written);

		if (taken == 0)
			continue;
		uint32_t term_size = (uint32_t)strlen(measures[m].term);
		char *to = text_reserve(analysis, size + term_size);

		memcpy(to, analysis->text + analysis->units[i].text, size);
		memcpy(to + size, measures[m].term, term_size);
		*ret_text = (uint32_t)analysis->text_size;
		*ret_size = TRIB_MIN(size + term_size, (uint32_t)TERM_BYTES);
		analysis->text_size += size + term_size;
		return taken + 1;
	}
	return 0;
}

static void token_add(struct trib_words_analysis *analysis, struct trib_words_token token)
{
	if (analysis->count == analysis->capacity) {
		analysis->capacity = analysis->capacity * 2 + 128;
		analysis->tokens = trib_realloc(analysis->tokens,
						analysis->capacity * sizeof(*analysis->tokens));
	}
	if (token.size)
		token.key =
			trib_words_key_of_text(trib_bytes(analysis->text + token.text, token.size));
	analysis->tokens[analysis->count++] = token;
}

static bool is_run(const struct trib_words_unit *unit)
{
	return unit->kind != TRIB_WORDS_IDEOGRAPH;
}

/* The whole of a mixed run that begins at unit `i`; nothing where it does not. */
static void add_whole(struct trib_words_analysis *analysis, size_t i, uint32_t position)
{
	const struct trib_words_unit *units = analysis->units;
	size_t end = i + 1, size = 0;

	if (units[i].glued && i > 0 && is_run(&units[i - 1]))
		return;
	while (end < analysis->unit_count && units[end].glued && is_run(&units[end]))
		end++;
	if (end == i + 1)
		return;
	char *to = text_reserve(analysis, TERM_BYTES);

	for (size_t u = i; u < end && size < TERM_BYTES; u++) {
		size_t part = TRIB_MIN((size_t)units[u].size, TERM_BYTES - size);

		memcpy(to + size, analysis->text + units[u].text, part);
		size += part;
	}
	uint32_t text = (uint32_t)analysis->text_size;

	analysis->text_size += size;
	token_add(analysis, (struct trib_words_token){ .text = text,
						       .size = (uint32_t)size,
						       .begin = units[i].begin,
						       .end = units[end - 1].end,
						       .position = position });
}

static void add_tokens(struct trib_words_analysis *analysis, size_t i, uint32_t position)
{
	const struct trib_words_unit *unit = &analysis->units[i];
	struct trib_words_token token = { .begin = unit->begin,
					  .end = unit->end,
					  .position = position };

	if (unit->kind == TRIB_WORDS_IDEOGRAPH) {
		token.key = trib_words_key_of_ideograph(unit->character);
		token_add(analysis, token);
		if (i + 1 < analysis->unit_count && unit[1].glued && !is_run(&unit[1])) {
			token.key = trib_words_key_of_pair(unit->character, unit[1].character);
			token.end = unit[1].end;
			token_add(analysis, token);
		}
		return;
	}
	token.text = unit->text;
	token.size = unit->size;
	if (token.size == 0)
		return;
	token_add(analysis, token);
	add_whole(analysis, i, position);
	if (unit->kind == TRIB_WORDS_NUMBER) {
		size_t taken = trib_words_measure(analysis, i, &token.text, &token.size);

		if (taken) {
			token.end = analysis->units[i + taken - 1].end;
			token_add(analysis, token);
		}
	}
}

void trib_words_analyse(struct trib_words_analysis *analysis, struct trib_bytes text,
			uint32_t first)
{
	trib_words_cut(analysis, text);
	analysis->count = 0;
	for (size_t i = 0; i < analysis->unit_count; i++)
		add_tokens(analysis, i, first + (uint32_t)i);
	analysis->next_position = first + (uint32_t)analysis->unit_count;
}

void trib_words_fold(struct trib_bytes text, struct trib_buffer *folded)
{
	struct trib_words_analysis analysis = { 0 };

	cut_as_written(&analysis, text);
	for (size_t i = 0; i < analysis.unit_count; i++) {
		const struct trib_words_unit *unit = &analysis.units[i];
		char character[4];

		if (i > 0 && !unit->glued)
			trib_buffer_add_char(folded, ' ');
		if (unit->kind == TRIB_WORDS_IDEOGRAPH)
			trib_buffer_add(folded, character, utf8_put(character, unit->character));
		else
			trib_buffer_add(folded, analysis.text + unit->text, unit->size);
	}
	trib_words_analysis_fini(&analysis);
}

uint64_t trib_words_analysis_digest(void)
{
	return trib_hash_u64(
		trib_hash_bytes(trib_bytes(trib_words_fold_table(), 0x10000 * sizeof(uint32_t))) +
		ANALYSIS_VERSION);
}
