/*
 * Completion: what may be written next in a condition, for consoles and editors. It looks at the text before the
 * cursor only, so it works where the whole does not parse yet.
 *
 *	or|                     facts, groups and functions that begin so
 *	order.|                 the facts of the group
 *	goods.brand.st|         methods of a string
 *	touch.kind == '|        the words that this fact can be
 *	touch.kind in ['view', '|
 *
 * The answer is {"from", "to", "items": [{"label", "kind", "type", "insert", "doc"} …]}: what stands between from and
 * to, in characters, is to be replaced by insert. kind is fact, function, method, macro, word or keyword.
 */
#ifndef TRIB_RULES_COMPLETE_H
#define TRIB_RULES_COMPLETE_H

#include "base/bytes.h"

/* The cursor stands before character `cursor` of text, or at its end. At most COMPLETE_ITEMS_MAX items. */
void trib_rules_complete(struct trib_bytes text, size_t cursor, struct trib_buffer *reply);

enum { TRIB_COMPLETE_ITEMS_MAX = 256 };

#endif
