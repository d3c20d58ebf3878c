#include "catalog/words_fold.h"

#include <pthread.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>
#include <stdbool.h>
#include "base/macros.h"

enum { PLANE = 0x10000, SEVERAL_MAX = 18 /* U+FDFA is the longest */ };

static uint32_t table[PLANE];
static uint32_t *several; /* count, characters, count, … */
static uint32_t several_size, several_capacity;
static const UNormalizer2 *compatible, *decomposed;

static bool is_ideograph(UChar32 c)
{
	UErrorCode status = U_ZERO_ERROR;
	UScriptCode script;

	if (u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC))
		return true;
	script = uscript_getScript(c, &status);
	return U_SUCCESS(status) && u_isalpha(c) &&
	       (script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA);
}

/* Of a character that nothing else stands for any more. */
static uint32_t classified(UChar32 c)
{
	enum trib_words_class class = TRIB_WORDS_CLASS_SEPARATOR;
	int digit = u_charDigitValue(c);

	if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
	    (U_GET_GC_MASK(c) & U_GC_MN_MASK))
		return (uint32_t)TRIB_WORDS_CLASS_NOTHING << 24;
	if (u_charType(c) == U_DECIMAL_DIGIT_NUMBER && digit >= 0) {
		class = TRIB_WORDS_CLASS_DIGIT;
		c = '0' + digit;
	} else if (is_ideograph(c)) {
		class = TRIB_WORDS_CLASS_IDEOGRAPH;
	} else if (u_isalpha(c) || (U_GET_GC_MASK(c) & U_GC_MC_MASK)) {
		class = TRIB_WORDS_CLASS_LETTER;
	} else if (c == '\'' || c == 0x2019) {
		class = TRIB_WORDS_CLASS_APOSTROPHE;
	} else if (c == '.') {
		class = TRIB_WORDS_CLASS_DOT;
	}
	return (uint32_t) class << 24 | (uint32_t)c;
}

/* Both forms are needed: the first makes alike, the second parts accents from letters. Hangul stays whole. */
static int32_t normalised(UChar32 c, UChar ret_text[32])
{
	UErrorCode status = U_ZERO_ERROR;
	UChar source[2], folded[32];
	int32_t size = 0;

	U16_APPEND_UNSAFE(source, size, c);
	size = unorm2_normalize(compatible, source, size, folded, 32, &status);
	for (int32_t i = 0; i < size && U_SUCCESS(status); i++)
		if (folded[i] >= 0xac00 && folded[i] <= 0xd7a3) {
			u_memcpy(ret_text, folded, size);
			return size;
		}
	size = unorm2_normalize(decomposed, folded, size, ret_text, 32, &status);
	return U_SUCCESS(status) ? size : -1;
}

static uint32_t fold(UChar32 c, const uint32_t *simplified)
{
	UChar text[32];
	int32_t size = normalised(c, text);
	uint32_t out[SEVERAL_MAX + 1], count = 0;

	if (size < 0)
		return classified(c);
	for (int32_t i = 0; i < size && count < SEVERAL_MAX;) {
		UChar32 each;

		U16_NEXT(text, i, size, each);
		if (simplified && each < PLANE && simplified[each])
			each = (UChar32)simplified[each];
		uint32_t one = classified(each);

		if (trib_words_folded_class(one) != TRIB_WORDS_CLASS_NOTHING)
			out[count++] = one;
	}
	if (count == 0)
		return (uint32_t)TRIB_WORDS_CLASS_NOTHING << 24;
	if (count == 1 || !simplified)
		return out[0];
	while (several_size + count + 1 > several_capacity) {
		several_capacity = several_capacity ? several_capacity * 2 : 16384;
		several = trib_realloc(several, several_capacity * sizeof(*several));
	}
	uint32_t at = several_size;

	several[several_size++] = count;
	for (uint32_t i = 0; i < count; i++)
		several[several_size++] = out[i];
	return (uint32_t)TRIB_WORDS_CLASS_SEVERAL << 24 | at;
}

/* Traditional to simplified, character by character: each stands between two spaces, so that no rule for phrases applies. */
static void simplify(uint32_t *simplified)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t size = 0, capacity = PLANE * 3;
	UChar *text = trib_alloc((size_t)capacity * sizeof(*text));
	UTransliterator *hans =
		utrans_openU(u"Traditional-Simplified", -1, UTRANS_FORWARD, NULL, 0, NULL, &status);

	trib_assert(U_SUCCESS(status)); /* ICU without its data */
	for (UChar32 c = 0x3400; c < 0xa000; c++) {
		text[size++] = ' ';
		text[size++] = (UChar)c;
	}
	int32_t limit = size;

	utrans_transUChars(hans, text, &size, capacity, 0, &limit, &status);
	trib_assert(U_SUCCESS(status));
	UChar32 c = 0x3400;

	for (int32_t i = 0; i + 1 < size && c < 0xa000; c++) {
		i++; /* the space */
		UChar32 to;

		U16_NEXT(text, i, size, to);
		if (to != c && u_hasBinaryProperty(to, UCHAR_IDEOGRAPHIC))
			simplified[c] = (uint32_t)to;
	}
	utrans_close(hans);
	free(text);
}

static void make_table(void)
{
	UErrorCode status = U_ZERO_ERROR;
	uint32_t *simplified = trib_alloc_zeroed(PLANE, sizeof(*simplified));

	compatible = unorm2_getNFKCCasefoldInstance(&status);
	decomposed = unorm2_getNFDInstance(&status);
	trib_assert(U_SUCCESS(status)); /* ICU without its data */
	simplify(simplified);
	for (UChar32 c = 0; c < PLANE; c++)
		table[c] = U_IS_SURROGATE(c) ? 0 : fold(c, simplified);
	free(simplified);
}

const uint32_t *trib_words_fold_table(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_table);
	return table;
}

uint32_t trib_words_fold_beyond(uint32_t character)
{
	trib_words_fold_table();
	return fold((UChar32)character, NULL);
}

const uint32_t *trib_words_fold_several(uint32_t folded, uint32_t *ret_count)
{
	uint32_t at = trib_words_folded_character(folded);

	*ret_count = several[at];
	return several + at + 1;
}
