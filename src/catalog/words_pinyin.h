/*
 * How ideographs are typed in Latin letters: 玉米 is "yumi", by its initials "ym". One reading a character, the usual one (ICU's
 * Han-Latin): 重 is zhong, 行 is xing. ü is v. The table is made at the first use in some 100 ms.
 */
#ifndef TRIB_CATALOG_WORDS_PINYIN_H
#define TRIB_CATALOG_WORDS_PINYIN_H

#include "base/bytes.h"

/* The folded text (trib_words_fold) by its syllables, other characters as they are, no spaces; what has no ideograph at all has
 * none: false. */
bool trib_words_pinyin(struct trib_bytes folded, struct trib_buffer *full,
		       struct trib_buffer *initials);

#endif
