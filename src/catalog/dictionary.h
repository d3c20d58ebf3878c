/*
 * The words of a column as one file: code to text by place, text to code and all texts with a prefix through an order of
 * the codes by text. Codes go from 1; 0 is "none" and reads as "". Written once, mapped, read only; any thread.
 *
 *	trib_dictionary_write("category.words", texts, 1024, &digest, &error);      // texts[0] gets code 1
 *	trib_dictionary_open("category.words", &words, &error);
 *	trib_dictionary_find(words, trib_bytes_text("women/dresses"));              // 0: there is no such word
 *	trib_dictionary_within(words, trib_bytes_text("women/"), &arena);           // codes of what begins so, as ranges
 *
 * A file that is not what was written is TRIB_CORRUPT.
 */
#ifndef TRIB_CATALOG_DICTIONARY_H
#define TRIB_CATALOG_DICTIONARY_H

#include "base/ranges.h"
#include "base/status.h"

struct trib_dictionary;

/* The texts are all different. */
trib_status trib_dictionary_write(const char *path, const struct trib_bytes *texts, uint32_t count,
				  struct trib_error *error);
trib_status trib_dictionary_open(const char *path, struct trib_dictionary **ret_words,
				 struct trib_error *error);
void trib_dictionary_close(struct trib_dictionary *words);

uint32_t trib_dictionary_count(const struct trib_dictionary *words);
struct trib_bytes trib_dictionary_text(const struct trib_dictionary *words,
				       uint32_t code); /* "" for 0 and for codes of no word */
uint32_t trib_dictionary_find(const struct trib_dictionary *words, struct trib_bytes text);
struct trib_ranges trib_dictionary_within(const struct trib_dictionary *words,
					  struct trib_bytes prefix, struct trib_arena *arena);

#endif
