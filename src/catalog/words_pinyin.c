#include "catalog/words_pinyin.h"

#include <pthread.h>
#include <unicode/ustring.h>
#include <unicode/utrans.h>

enum { FIRST = 0x3400, END = 0xa000, SYLLABLE_MAX = 8 };

static char (*syllables)[SYLLABLE_MAX]; /* of each character; empty where there is none */

/* ü with any tone, before the marks are taken off. */
static bool is_umlaut(UChar c)
{
	return c == 0xfc || c == 0x1d6 || c == 0x1d8 || c == 0x1da || c == 0x1dc;
}

/* Characters that are read, one a line, into Latin letters; the text is replaced. */
static void to_latin(UChar *text, int32_t *size, int32_t capacity)
{
	UErrorCode status = U_ZERO_ERROR;
	static const UChar *const steps[] = { u"Han-Latin", u"Latin-ASCII" };

	for (size_t s = 0; s < TRIB_ARRAY_SIZE(steps); s++) {
		int32_t limit = *size;
		UTransliterator *step =
			utrans_openU(steps[s], -1, UTRANS_FORWARD, NULL, 0, NULL, &status);

		trib_assert(U_SUCCESS(status)); /* ICU without its data */
		utrans_transUChars(step, text, size, capacity, 0, &limit, &status);
		trib_assert(U_SUCCESS(status));
		utrans_close(step);
		for (int32_t i = 0; i < *size; i++)
			if (is_umlaut(text[i]))
				text[i] = 'v';
	}
}

static void make_table(void)
{
	int32_t size = 0, capacity = (END - FIRST) * 12;
	UChar *text = trib_alloc((size_t)capacity * sizeof(*text));

	syllables = trib_alloc_zeroed(END - FIRST, sizeof(*syllables));
	for (UChar32 c = FIRST; c < END; c++) {
		text[size++] = (UChar)c;
		text[size++] = '\n';
	}
	to_latin(text, &size, capacity);
	for (int32_t i = 0, c = 0, at = 0; i < size && c < END - FIRST; i++) {
		if (text[i] == '\n') {
			if (at >= SYLLABLE_MAX)
				memset(syllables[c], 0, SYLLABLE_MAX);
			c++;
			at = 0;
		} else if (text[i] >= 'a' && text[i] <= 'z') {
			if (at < SYLLABLE_MAX - 1)
				syllables[c][at] = (char)text[i];
			at++;
		} else if (text[i] != ' ') {
			at = SYLLABLE_MAX; /* not read: it stands for itself */
		}
	}
	free(text);
}

bool trib_words_pinyin(struct trib_bytes folded, struct trib_buffer *full,
		       struct trib_buffer *initials)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	bool any = false;

	pthread_once(&once, make_table);
	for (size_t at = 0; at < folded.size;) {
		const unsigned char *from = (const unsigned char *)folded.data + at;
		size_t step = trib_utf8_step(trib_bytes(from, folded.size - at));
		uint32_t c = step == 3 ? (uint32_t)(from[0] & 15) << 12 |
						 (uint32_t)(from[1] & 63) << 6 | (from[2] & 63)
				       : 0;

		step = step ? step : 1;
		at += step;
		if (c >= FIRST && c < END && syllables[c - FIRST][0]) {
			trib_buffer_add_text(full, syllables[c - FIRST]);
			trib_buffer_add_char(initials, syllables[c - FIRST][0]);
			any = true;
		} else if (from[0] != ' ') {
			trib_buffer_add(full, from, step);
			trib_buffer_add(initials, from, step);
		}
	}
	return any;
}
