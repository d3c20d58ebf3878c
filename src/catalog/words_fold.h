/*
 * One character to what stands for it in terms (words_analysis.h): a table of the Basic Multilingual Plane, made from ICU's
 * data at the first use in some 20 ms, 256 KiB.
 */
#ifndef TRIB_CATALOG_WORDS_FOLD_H
#define TRIB_CATALOG_WORDS_FOLD_H

#include <stdint.h>

enum trib_words_class {
	TRIB_WORDS_CLASS_SEPARATOR = 0,
	TRIB_WORDS_CLASS_LETTER,
	TRIB_WORDS_CLASS_DIGIT,
	TRIB_WORDS_CLASS_IDEOGRAPH,
	TRIB_WORDS_CLASS_NOTHING,    /* accents, joiners, selectors: as if they were not there */
	TRIB_WORDS_CLASS_APOSTROPHE, /* within letters as if it were not there, else a separator */
	TRIB_WORDS_CLASS_DOT,	     /* within a number a part of it, else a separator */
	TRIB_WORDS_CLASS_SEVERAL, /* several characters stand for it (㎏ ½ ﬁ): see trib_words_fold_several */
};

/* Class in the upper 8 bits, character in the lower 24. */
static inline enum trib_words_class trib_words_folded_class(uint32_t folded)
{
	return (enum trib_words_class)(folded >> 24);
}
static inline uint32_t trib_words_folded_character(uint32_t folded)
{
	return folded & 0xffffff;
}

/* The table; made once, never changed. Index: a code point below 0x10000. */
const uint32_t *trib_words_fold_table(void);
/* A code point beyond it. */
uint32_t trib_words_fold_beyond(uint32_t character);
/* What stands for a character of class SEVERAL, folded each. */
const uint32_t *trib_words_fold_several(uint32_t folded, uint32_t *ret_count);

#endif
