/*
 * Facts: what a rule may ask about an order. One table says which there are; the checker, the compiler, the
 * engine's filler, the event and docs/rules.md follow from it.
 *
 *	struct trib_facts facts;
 *	trib_facts_init(&facts, &spaces, &scratch);
 *	trib_facts_open(&facts, TRIB_GROUP_ORDER);
 *	trib_facts_set(&facts, TRIB_FACT_ORDER_BASE, 1999);
 *	trib_facts_set_string(&facts, TRIB_FACT_ORDER_PAGE, page_code, page_text);   // either may be missing
 *	if (by_touch) {
 *		trib_facts_open(&facts, TRIB_GROUP_TOUCH);                            // has(touch) is now true
 *		trib_facts_set(&facts, TRIB_FACT_TOUCH_AGE, at_ms - touch.at_ms);
 *	}
 *
 * Every fact is one int64: an integer, milliseconds, a double in an order-preserving form, or a *code*. A code is
 * the number of the string in the fact's *space*: the engine-wide dictionary (SYMBOL; domain/words.h gives the fixed
 * codes of statuses and kinds), or the numbers of goods, parties and plans. So a comparison costs one comparison of
 * integers, and a string is looked at only where its space does not know it.
 *
 * A fact belongs to a group (order, touch, …), which is open or not. Of a group that is not open every fact is
 * absent: using it is an error of the expression, has(touch) and has(touch.kind) are false. In an open group, what
 * nobody has set reads as "", 0, or an empty list, and has() of it is false.
 */
#ifndef TRIB_RULES_FACTS_H
#define TRIB_RULES_FACTS_H

#include "base/arena.h"
#include "base/macros.h"
#include "domain/domain.h"
#include "track/ext.h"

/* X(ID, name) */
#define TRIB_GROUP_TABLE(X)                                                                        \
	X(ORDER, "order")                                                                          \
	X(TOUCH, "touch")                                                                          \
	X(GOODS, "goods")                                                                          \
	X(CREATOR, "creator")                                                                      \
	X(MERCHANT, "merchant")                                                                    \
	X(TERMS, "terms")                                                                          \
	X(LINK, "link")

enum trib_fact_group {
#define X(id, name) TRIB_GROUP_##id,
	TRIB_GROUP_TABLE(X)
#undef X
		TRIB_GROUPS
};

enum trib_fact_kind {
	TRIB_FACT_INT,	    /* CEL int */
	TRIB_FACT_DOUBLE,   /* CEL double */
	TRIB_FACT_TIME,	    /* CEL timestamp; ms UTC */
	TRIB_FACT_DURATION, /* CEL duration; ms */
	TRIB_FACT_STRING,   /* CEL string; a code in the fact's space */
	TRIB_FACT_TAGS,	    /* CEL list(string); codes in the fact's space, facts.tags */
	TRIB_FACT_EXT,	    /* CEL map(string, string); facts.ext */
};

/* Whose numbers a string's code is. */
enum trib_space {
	TRIB_SPACE_NONE,
	TRIB_SPACE_SYMBOL, /* the dictionary of names */
	TRIB_SPACE_GOODS,  /* local numbers of goods, */
	TRIB_SPACE_PARTY,  /* parties, */
	TRIB_SPACE_PLAN,   /* plans */
	TRIB_SPACES
};

#define TRIB_WORDS_STATUS "active|restricted|frozen|closed"
#define TRIB_WORDS_TOUCH  "click|view|cart|favourite|share_open"
#define TRIB_WORDS_MATCH  "goods|shop|any"
#define TRIB_WORDS_PLAN	  "general|targeted|exclusive|activity|managed"

/*
 * X(ID, number, group, name, kind, space, words, doc). Numbers never change: they stand in events.
 */
#define TRIB_FACT_TABLE(X)                                                                         \
	X(ORDER_BASE, 1, ORDER, "order.base", INT, NONE, "",                                       \
	  "the stated base amount, minor units")                                                   \
	X(ORDER_QTY, 2, ORDER, "order.qty", INT, NONE, "", "how many; 1 unless stated")            \
	X(ORDER_GOODS, 3, ORDER, "order.goods", STRING, GOODS, "", "the goods' id")                \
	X(ORDER_SITE, 4, ORDER, "order.site", STRING, SYMBOL, "", "the site of the goods")         \
	X(ORDER_CREATED_AT, 5, ORDER, "order.created_at", TIME, NONE, "", "AT of the order")       \
	X(ORDER_CARRIER, 6, ORDER, "order.carrier", STRING, SYMBOL, "",                            \
	  "kind of the content bought in: live, video, shelf …")                                   \
	X(ORDER_CARRIER_ID, 7, ORDER, "order.carrier.id", STRING, SYMBOL, "", "its id")            \
	X(ORDER_CARRIER_OWNER, 8, ORDER, "order.carrier.owner", STRING, PARTY, "",                 \
	  "the id of the party whose content it was")                                              \
	X(ORDER_PAGE, 9, ORDER, "order.page", STRING, SYMBOL, "",                                  \
	  "the page bought on: live_cart, product, cart, checkout …")                              \
	X(ORDER_EXT, 10, ORDER, "order.ext", EXT, NONE, "", "EXT of the order")                    \
	X(TOUCH_KIND, 11, TOUCH, "touch.kind", STRING, SYMBOL, TRIB_WORDS_TOUCH,                   \
	  "what the buyer did; a token counts as click")                                           \
	X(TOUCH_AGE, 12, TOUCH, "touch.age", DURATION, NONE, "", "order.created_at less its time") \
	X(TOUCH_COUNT, 13, TOUCH, "touch.count", INT, NONE, "",                                    \
	  "touches of the buyer not after the order, at most 64; 1 with a token")                  \
	X(TOUCH_CARRIER, 14, TOUCH, "touch.carrier", STRING, SYMBOL, "",                           \
	  "kind of the content it came from")                                                      \
	X(TOUCH_CARRIER_ID, 15, TOUCH, "touch.carrier.id", STRING, SYMBOL, "", "its id")           \
	X(TOUCH_CARRIER_OWNER, 16, TOUCH, "touch.carrier.owner", STRING, PARTY, "",                \
	  "the id of the party whose content it was")                                              \
	X(TOUCH_PAGE, 17, TOUCH, "touch.page", STRING, SYMBOL, "", "the page it happened on")      \
	X(TOUCH_CHANNEL, 18, TOUCH, "touch.channel", STRING, SYMBOL, "", "the link's channel")     \
	X(TOUCH_MATCH, 19, TOUCH, "touch.match", STRING, SYMBOL, TRIB_WORDS_MATCH,                 \
	  "how near its goods are to the order's: the same, of the same shop, neither")            \
	X(GOODS_CATEGORY, 20, GOODS, "goods.category", STRING, SYMBOL, "", "as the goods say")     \
	X(GOODS_BRAND, 21, GOODS, "goods.brand", STRING, SYMBOL, "", "as the goods say")           \
	X(GOODS_PRICE, 22, GOODS, "goods.price", INT, NONE, "", "minor units of its currency")     \
	X(CREATOR_STATUS, 23, CREATOR, "creator.status", STRING, SYMBOL, TRIB_WORDS_STATUS,        \
	  "of the primary touch's creator")                                                        \
	X(CREATOR_LEVEL, 24, CREATOR, "creator.level", INT, NONE, "", "of that creator")           \
	X(CREATOR_SCORE, 25, CREATOR, "creator.score", DOUBLE, NONE, "", "of that creator")        \
	X(CREATOR_TAGS, 26, CREATOR, "creator.tags", TAGS, SYMBOL, "", "of that creator")          \
	X(MERCHANT_STATUS, 27, MERCHANT, "merchant.status", STRING, SYMBOL, TRIB_WORDS_STATUS,     \
	  "of the goods' merchant")                                                                \
	X(TERMS_KIND, 28, TERMS, "terms.kind", STRING, SYMBOL, TRIB_WORDS_PLAN,                    \
	  "kind of the plan that wins for the primary touch")                                      \
	X(TERMS_PLAN, 29, TERMS, "terms.plan", STRING, PLAN, "", "its id")                         \
	X(TERMS_VERSION, 30, TERMS, "terms.version", INT, NONE, "", "its version")                 \
	X(TERMS_LEADER, 31, TERMS, "terms.leader", STRING, PARTY, "",                              \
	  "the id of the leader of the chosen offer")                                              \
	X(LINK_ISSUED_AT, 32, LINK, "link.issued_at", TIME, NONE, "",                              \
	  "when the primary touch's link was made")

enum trib_fact {
	TRIB_FACT_NONE = 0,
#define X(id, number, group, name, kind, space, words, doc) TRIB_FACT_##id = number,
	TRIB_FACT_TABLE(X)
#undef X
		TRIB_FACTS
};
_Static_assert(TRIB_FACTS <= 64, "a set of facts is one word");

#define TRIB_FACT_BIT(fact) (UINT64_C(1) << (fact))

struct trib_fact_row {
	const char *name;
	uint8_t group, kind, space;
	const char *words; /* the only ones it can be, separated by '|'; "": any */
	const char *doc;
};

extern const struct trib_fact_row trib_fact_rows[TRIB_FACTS]; /* [0] is empty */
extern const uint64_t trib_fact_group_masks[TRIB_GROUPS];     /* the facts of a group */

const char *trib_fact_group_name(enum trib_fact_group group);
const char *trib_fact_type_name(enum trib_fact fact); /* "int", "list(string)" */

/* The fact of a name as CEL writes it; NONE where there is none. order.carrier.kind is order.carrier. */
enum trib_fact trib_fact_find(struct trib_bytes name);

/* How codes and strings are found in each other. SYMBOL, GOODS, PARTY and PLAN are asked for. */
struct trib_spaces {
	uint32_t (*find)(void *context, enum trib_space space,
			 struct trib_bytes text); /* 0: not there (yet) */
	struct trib_bytes (*text)(void *context, enum trib_space space, uint32_t code);
	void *context;
};

struct trib_facts {
	uint64_t open;	  /* facts of the open groups */
	uint64_t present; /* facts that somebody set */
	uint64_t raw;	  /* of them strings that their space does not know: raw_text */
	int64_t value[TRIB_FACTS];
	const struct trib_codes *tags; /* NULL: none */
	const struct trib_ext_pair *ext;
	uint32_t ext_count;
	const struct trib_spaces *spaces;
	struct trib_arena *scratch;		/* of the thread; reset by whoever evaluates */
	struct trib_bytes raw_text[TRIB_FACTS]; /* not initialised */
};

/* spaces and scratch serve the conditions that are left to the evaluator of expr. Both outlive facts. */
static inline void trib_facts_init(struct trib_facts *facts, const struct trib_spaces *spaces,
				   struct trib_arena *scratch)
{
	memset(facts, 0, offsetof(struct trib_facts, spaces));
	facts->spaces = spaces;
	facts->scratch = scratch;
}

static inline void trib_facts_open(struct trib_facts *facts, enum trib_fact_group group)
{
	facts->open |= trib_fact_group_masks[group];
}

/* An integer, milliseconds, or the code of a string (not 0). */
static inline void trib_facts_set(struct trib_facts *facts, enum trib_fact fact, int64_t value)
{
	facts->value[fact] = value;
	facts->present |= TRIB_FACT_BIT(fact);
}

/* A string by its code, or, where its space does not know it (code 0), by its text; "" is not set at all. */
static inline void trib_facts_set_string(struct trib_facts *facts, enum trib_fact fact,
					 uint32_t code, struct trib_bytes text)
{
	if (TRIB_LIKELY(code)) {
		trib_facts_set(facts, fact, code);
	} else if (text.size) {
		trib_facts_set(facts, fact, 0);
		facts->raw |= TRIB_FACT_BIT(fact);
		facts->raw_text[fact] = text;
	}
}

/*
 * Doubles in a form that orders as integers do: −inf < … < −0 = 0 < … < inf < NaN. The other way gives the same
 * double back, but for −0 and for the many NaN.
 */
static inline int64_t trib_fact_of_double(double number)
{
	int64_t bits;

	if (number != number)
		return INT64_MAX;
	number += 0.0; /* −0 becomes 0 */
	memcpy(&bits, &number, sizeof(bits));
	return bits < 0 ? (int64_t)(~(uint64_t)bits ^ (UINT64_C(1) << 63)) : bits;
}

static inline double trib_fact_to_double(int64_t value)
{
	uint64_t bits = value < 0 ? ~((uint64_t)value ^ (UINT64_C(1) << 63)) : (uint64_t)value;
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

static inline void trib_facts_set_double(struct trib_facts *facts, enum trib_fact fact,
					 double number)
{
	trib_facts_set(facts, fact, trib_fact_of_double(number));
}

/* NULL: none. Not read before a condition asks: they stand in memory of their own, which is far away. */
static inline void trib_facts_set_tags(struct trib_facts *facts, const struct trib_codes *tags)
{
	facts->tags = tags;
	if (tags)
		facts->present |= TRIB_FACT_BIT(TRIB_FACT_CREATOR_TAGS);
}

/* Any order, no key twice. */
static inline void trib_facts_set_ext(struct trib_facts *facts, const struct trib_ext_pair *pairs,
				      uint32_t count)
{
	facts->ext = pairs;
	facts->ext_count = count;
	if (count)
		facts->present |= TRIB_FACT_BIT(TRIB_FACT_ORDER_EXT);
}

/* The text of a string fact, "" where it is not set. */
struct trib_bytes trib_facts_text(const struct trib_facts *facts, enum trib_fact fact);

#endif
