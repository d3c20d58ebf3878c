/*
 * Words that rules, links and orders share across rooms, each in one table: X(NAME, number, word). Numbers and
 * words never change: they are in rules, events and snapshots. New rows go to the end.
 *
 *	enum trib_model model;
 *	if (!trib_model_of_word(text, &model)) …        // "found X, expected one of …"
 *	puts(trib_model_word(TRIB_MODEL_DECAY));        // "decay"
 */
#ifndef TRIB_BASE_WORDS_H
#define TRIB_BASE_WORDS_H

#include "base/bytes.h"

/* Which touches of an order get what; attribution/models.h computes it. */
#define TRIB_MODEL_TABLE(X)                                                                        \
	X(MODEL_LAST, 0, "last")                                                                   \
	X(MODEL_FIRST, 1, "first")                                                                 \
	X(MODEL_PRIORITY, 2, "priority")                                                           \
	X(MODEL_LINEAR, 3, "linear")                                                               \
	X(MODEL_POSITION, 4, "position")                                                           \
	X(MODEL_DECAY, 5, "decay")

/* How near the touch's goods must be to the order's. Each level includes those before it. */
#define TRIB_MATCH_TABLE(X)                                                                        \
	X(MATCH_GOODS, 0, "goods")                                                                 \
	X(MATCH_SHOP, 1, "shop")                                                                   \
	X(MATCH_ANY, 2, "any")

/*
 * Which time's version of the plan gives the rates. pay and deposit are not known when an order is decided: until the
 * message comes that says so, order stands for them.
 */
#define TRIB_LOCK_TABLE(X)                                                                         \
	X(LOCK_ORDER, 0, "order")                                                                  \
	X(LOCK_LINK, 1, "link")                                                                    \
	X(LOCK_TOUCH, 2, "touch")                                                                  \
	X(LOCK_PAY, 3, "pay")                                                                      \
	X(LOCK_DEPOSIT, 4, "deposit")

/* What the user did. */
#define TRIB_TOUCH_KIND_TABLE(X)                                                                   \
	X(TOUCH_CLICK, 1, "click")                                                                 \
	X(TOUCH_VIEW, 2, "view")                                                                   \
	X(TOUCH_CART, 3, "cart")                                                                   \
	X(TOUCH_FAVOURITE, 4, "favourite")                                                         \
	X(TOUCH_SHARE_OPEN, 5, "share_open")

/* What is told of an order after its settlement (a refund, say): does it still change money? */
#define TRIB_AFTER_SETTLEMENT_TABLE(X)                                                             \
	X(AFTER_SETTLEMENT_CLAW_BACK, 0, "claw_back")                                              \
	X(AFTER_SETTLEMENT_KEEP, 1, "keep")                                                        \
	X(AFTER_SETTLEMENT_CLAW_BACK_WITHIN, 2, "claw_back_within")

#define X(name, number, word) TRIB_##name = number,
enum trib_model { TRIB_MODEL_TABLE(X) };
enum trib_match { TRIB_MATCH_TABLE(X) };
enum trib_lock { TRIB_LOCK_TABLE(X) };
enum trib_touch_kind { TRIB_TOUCH_KIND_TABLE(X) };
enum trib_after_settlement { TRIB_AFTER_SETTLEMENT_TABLE(X) };
#undef X

/* The word of a number; NULL where there is none. */
const char *trib_model_word(enum trib_model model);
const char *trib_match_word(enum trib_match match);
const char *trib_lock_word(enum trib_lock lock);
const char *trib_touch_kind_word(enum trib_touch_kind kind);
const char *trib_after_settlement_word(enum trib_after_settlement after);

/* The number of a word; false where there is none. */
bool trib_model_of_word(struct trib_bytes word, enum trib_model *ret_model);
bool trib_match_of_word(struct trib_bytes word, enum trib_match *ret_match);
bool trib_lock_of_word(struct trib_bytes word, enum trib_lock *ret_lock);
bool trib_touch_kind_of_word(struct trib_bytes word, enum trib_touch_kind *ret_kind);
bool trib_after_settlement_of_word(struct trib_bytes word, enum trib_after_settlement *ret_after);

#endif
