/*
 * Facts: what a rule may ask about an order. One table says which there are; the checker, the compiler, the
 * filler, the event and docs/facts.md follow from it.
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
 * nobody has set reads as "", 0, false, or an empty list, and has() of it is false.
 *
 * Some facts are known to the engine only, because they count what others have done (the row says ENGINE). Whoever
 * decides without it, as the rich client does, asks whether a tree reads any of trib_facts_engine_only.
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
	X(LINK, "link")                                                                            \
	X(COUNTER, "counter")                                                                      \
	X(PLAN, "plan")

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
	TRIB_FACT_BOOL,	    /* CEL bool; 0 or 1 */
	TRIB_FACT_PATH,	    /* CEL list(string); the parts of goods.category between '/' */
	TRIB_FACT_JSON,	    /* CEL map(string, dyn); whose it is, in the fact's space: spaces->ext */
};

/* Who can know a fact. */
enum trib_fact_home {
	TRIB_FACT_LOCAL,  /* whoever has the order, its touches and the nouns */
	TRIB_FACT_ENGINE, /* the engine only */
};

/* Whose numbers a string's code is. */
enum trib_space {
	TRIB_SPACE_NONE,
	TRIB_SPACE_SYMBOL, /* the dictionary of names */
	TRIB_SPACE_GOODS,  /* local numbers of goods, */
	TRIB_SPACE_PARTY,  /* parties, */
	TRIB_SPACE_PLAN,   /* plans */
	TRIB_SPACE_VERSION, /* what versions of plans say beside their terms: trib_plan_version.attributes */
	TRIB_SPACES
};

#define TRIB_WORDS_STATUS "active|restricted|frozen|closed"
#define TRIB_WORDS_TOUCH  "click|view|cart|favourite|share_open"
#define TRIB_WORDS_MATCH  "goods|shop|any"
#define TRIB_WORDS_PLAN	  "general|targeted|exclusive|activity|managed"
#define TRIB_WORDS_BUYER "merchant|creator"
#define TRIB_WORDS_ORDER  "normal|presale|group|gift|sample|virtual|voucher|points"
#define TRIB_WORDS_STATE  "created|paid|shipped|received|settled|invalid"
#define TRIB_WORDS_GOODS  "active|withdrawn|closed"
#define TRIB_WORDS_SOURCE "self_picked|activity|managed|invited"

/*
 * X(ID, number, group, name, kind, space, words, home, doc). Numbers never change: they stand in events.
 */
#define TRIB_FACT_TABLE(X)                                                                         \
	X(ORDER_BASE, 1, ORDER, "order.base", INT, NONE, "", LOCAL,                                \
	  "the base that commission is computed on, as stated or by its formula, minor units")     \
	X(ORDER_QTY, 2, ORDER, "order.qty", INT, NONE, "", LOCAL, "how many; 1 unless stated")     \
	X(ORDER_GOODS, 3, ORDER, "order.goods", STRING, GOODS, "", LOCAL, "the goods' id")         \
	X(ORDER_SITE, 4, ORDER, "order.site", STRING, SYMBOL, "", LOCAL, "the site of the goods")  \
	X(ORDER_CREATED_AT, 5, ORDER, "order.created_at", TIME, NONE, "", LOCAL,                   \
	  "AT of the order")                                                                       \
	X(ORDER_CARRIER, 6, ORDER, "order.carrier", STRING, SYMBOL, "", LOCAL,                     \
	  "kind of the content bought in: live, video, shelf …")                                   \
	X(ORDER_CARRIER_ID, 7, ORDER, "order.carrier.id", STRING, SYMBOL, "", LOCAL, "its id")     \
	X(ORDER_CARRIER_OWNER, 8, ORDER, "order.carrier.owner", STRING, PARTY, "", LOCAL,          \
	  "the id of the party whose content it was")                                              \
	X(ORDER_PAGE, 9, ORDER, "order.page", STRING, SYMBOL, "", LOCAL,                           \
	  "the page bought on: live_cart, product, cart, checkout …")                              \
	X(ORDER_EXT, 10, ORDER, "order.ext", EXT, NONE, "", LOCAL, "EXT of the order")             \
	X(TOUCH_KIND, 11, TOUCH, "touch.kind", STRING, SYMBOL, TRIB_WORDS_TOUCH, LOCAL,            \
	  "what the buyer did; a token counts as click")                                           \
	X(TOUCH_AGE, 12, TOUCH, "touch.age", DURATION, NONE, "", LOCAL,                            \
	  "order.created_at less its time")                                                        \
	X(TOUCH_COUNT, 13, TOUCH, "touch.count", INT, NONE, "", LOCAL,                             \
	  "candidates: touches of the buyer not after the order, tokens; at most 64")                  \
	X(TOUCH_CARRIER, 14, TOUCH, "touch.carrier", STRING, SYMBOL, "", LOCAL,                    \
	  "kind of the content it came from")                                                      \
	X(TOUCH_CARRIER_ID, 15, TOUCH, "touch.carrier.id", STRING, SYMBOL, "", LOCAL, "its id")    \
	X(TOUCH_CARRIER_OWNER, 16, TOUCH, "touch.carrier.owner", STRING, PARTY, "", LOCAL,         \
	  "the id of the party whose content it was")                                              \
	X(TOUCH_PAGE, 17, TOUCH, "touch.page", STRING, SYMBOL, "", LOCAL,                          \
	  "the page it happened on")                                                               \
	X(TOUCH_CHANNEL, 18, TOUCH, "touch.channel", STRING, SYMBOL, "", LOCAL,                    \
	  "the link's channel")                                                                    \
	X(TOUCH_MATCH, 19, TOUCH, "touch.match", STRING, SYMBOL, TRIB_WORDS_MATCH, LOCAL,          \
	  "how near its goods are to the order's: the same, of the same shop, neither")            \
	X(GOODS_CATEGORY, 20, GOODS, "goods.category", STRING, SYMBOL, "", LOCAL,                  \
	  "as the goods say")                                                                      \
	X(GOODS_BRAND, 21, GOODS, "goods.brand", STRING, SYMBOL, "", LOCAL, "as the goods say")    \
	X(GOODS_PRICE, 22, GOODS, "goods.price", INT, NONE, "", LOCAL,                             \
	  "minor units of its currency")                                                           \
	X(CREATOR_STATUS, 23, CREATOR, "creator.status", STRING, SYMBOL, TRIB_WORDS_STATUS, LOCAL, \
	  "of the primary touch's creator")                                                        \
	X(CREATOR_LEVEL, 24, CREATOR, "creator.level", INT, NONE, "", LOCAL, "of that creator")    \
	X(CREATOR_SCORE, 25, CREATOR, "creator.score", DOUBLE, NONE, "", LOCAL, "of that creator") \
	X(CREATOR_TAGS, 26, CREATOR, "creator.tags", TAGS, SYMBOL, "", LOCAL, "of that creator")   \
	X(MERCHANT_STATUS, 27, MERCHANT, "merchant.status", STRING, SYMBOL, TRIB_WORDS_STATUS,     \
	  LOCAL, "of the goods' merchant")                                                         \
	X(TERMS_KIND, 28, TERMS, "terms.kind", STRING, SYMBOL, TRIB_WORDS_PLAN, LOCAL,             \
	  "kind of the plan that wins for the primary touch")                                      \
	X(TERMS_PLAN, 29, TERMS, "terms.plan", STRING, PLAN, "", LOCAL, "its id")                  \
	X(TERMS_VERSION, 30, TERMS, "terms.version", INT, NONE, "", LOCAL, "its version")          \
	X(TERMS_LEADER, 31, TERMS, "terms.leader", STRING, PARTY, "", LOCAL,                       \
	  "the id of the leader of the chosen offer")                                              \
	X(LINK_ISSUED_AT, 32, LINK, "link.issued_at", TIME, NONE, "", LOCAL,                       \
	  "when the primary touch's link was made")                                                \
	X(ORDER_PAID, 33, ORDER, "order.paid", INT, NONE, "", LOCAL,                               \
	  "what the buyer paid, minor units; this and the six below come with AMOUNTS")            \
	X(ORDER_FREIGHT, 34, ORDER, "order.freight", INT, NONE, "", LOCAL, "of it freight")        \
	X(ORDER_TAX, 35, ORDER, "order.tax", INT, NONE, "", LOCAL, "of it tax")                    \
	X(ORDER_COUPON_MERCHANT, 36, ORDER, "order.coupon_merchant", INT, NONE, "", LOCAL,         \
	  "coupons that the merchant bears")                                                       \
	X(ORDER_COUPON_PLATFORM, 37, ORDER, "order.coupon_platform", INT, NONE, "", LOCAL,         \
	  "coupons that the platform bears")                                                       \
	X(ORDER_COUPON_CREATOR, 38, ORDER, "order.coupon_creator", INT, NONE, "", LOCAL,           \
	  "coupons that the creator bears")                                                        \
	X(ORDER_DEPOSIT, 39, ORDER, "order.deposit", INT, NONE, "", LOCAL,                         \
	  "the deposit of a presale")                                                              \
	X(ORDER_BASE_STATED, 40, ORDER, "order.base_stated", BOOL, NONE, "", LOCAL,                \
	  "the caller stated the base; it is not computed from AMOUNTS")                           \
	X(ORDER_KIND, 41, ORDER, "order.kind", STRING, SYMBOL, TRIB_WORDS_ORDER, LOCAL,            \
	  "what was bought how; EXT `kind` of the order")                                                                   \
	X(ORDER_STATE, 42, ORDER, "order.state", STRING, SYMBOL, TRIB_WORDS_STATE, LOCAL,          \
	  "where its life stands when it is decided; EXT `state` of the order")                                              \
	X(ORDER_PAID_AT, 43, ORDER, "order.paid_at", TIME, NONE, "", LOCAL, "when it was paid; EXT `paid_at` of the order, ms UTC")    \
	X(ORDER_DEPOSIT_AT, 44, ORDER, "order.deposit_at", TIME, NONE, "", LOCAL,                  \
	  "when the deposit of a presale was paid; EXT `deposit_at` of the order, ms UTC")                                                \
	X(ORDER_PARENT, 45, ORDER, "order.parent", STRING, SYMBOL, "", LOCAL,                      \
	  "the id that groups the lines of one payment; EXT `parent` of the order")                                           \
	X(ORDER_NEW_TO_SHOP, 46, ORDER, "order.new_to_shop", BOOL, NONE, "", ENGINE,               \
	  "the buyer's first order with this merchant")                                            \
	X(ORDER_REGION, 47, ORDER, "order.region", STRING, SYMBOL, "", LOCAL, "where it goes to; EXT `region` of the order")  \
	X(ORDER_PAID_TRAFFIC, 48, ORDER, "order.paid_traffic", BOOL, NONE, "", LOCAL,              \
	  "the buyer was brought by paid traffic; EXT `paid_traffic` of the order is `true`")                                                 \
	X(TOUCH_FIRST_SEEN, 49, TOUCH, "touch.first_seen", TIME, NONE, "", LOCAL,                  \
	  "time of the oldest of the touches that count counts")                                   \
	X(TOUCH_SAME_CARRIER, 50, TOUCH, "touch.same_carrier", BOOL, NONE, "", LOCAL,              \
	  "touch and order have the same carrier: one id or, where ids are not stated, one owner") \
	X(GOODS_CATEGORY_PATH, 51, GOODS, "goods.category_path", PATH, NONE, "", LOCAL,            \
	  "the parts of goods.category between `/`")                                               \
	X(GOODS_SITE, 52, GOODS, "goods.site", STRING, SYMBOL, "", LOCAL, "as the goods say")      \
	X(GOODS_STATUS, 53, GOODS, "goods.status", STRING, SYMBOL, TRIB_WORDS_GOODS, LOCAL,        \
	  "at the time of the order")                                                              \
	X(GOODS_PROMOTED, 54, GOODS, "goods.promoted", BOOL, NONE, "", LOCAL, "as the goods say")  \
	X(GOODS_WITHDRAWN_AT, 55, GOODS, "goods.withdrawn_at", TIME, NONE, "", LOCAL,              \
	  "since when they are withdrawn")                                                         \
	X(CREATOR_ID, 56, CREATOR, "creator.id", STRING, PARTY, "", LOCAL,                         \
	  "the id of that creator")                                                                \
	X(CREATOR_FOLLOWERS, 57, CREATOR, "creator.followers", INT, NONE, "", LOCAL,               \
	  "of that creator")                                                                       \
	X(CREATOR_AGENCY, 58, CREATOR, "creator.agency", STRING, PARTY, "", LOCAL,                 \
	  "the id of the agency that binds the creator at the time of the order")                  \
	X(CREATOR_REGION, 59, CREATOR, "creator.region", STRING, SYMBOL, "", LOCAL,                \
	  "of that creator")                                                                       \
	X(MERCHANT_ID, 60, MERCHANT, "merchant.id", STRING, PARTY, "", LOCAL,                      \
	  "the id of that merchant")                                                               \
	X(MERCHANT_SCORE, 61, MERCHANT, "merchant.score", DOUBLE, NONE, "", LOCAL,                 \
	  "of that merchant")                                                                      \
	X(MERCHANT_DEPOSIT, 62, MERCHANT, "merchant.deposit", INT, NONE, "", LOCAL,                \
	  "what that merchant has deposited, minor units")                                         \
	X(TERMS_ACTIVITY, 63, TERMS, "terms.activity", STRING, PLAN, "", LOCAL,                    \
	  "the id of the activity that was chosen as the offer and counts")                        \
	X(TERMS_LEADER2, 64, TERMS, "terms.leader2", STRING, PARTY, "", LOCAL,                     \
	  "the id of the second leader of the chosen offer")                                       \
	X(TERMS_LOCKED_AT, 65, TERMS, "terms.locked_at", TIME, NONE, "", LOCAL,                    \
	  "the time whose version of the plan gives these facts")                                  \
	X(TERMS_COMMISSION_BPS, 66, TERMS, "terms.commission_bps", INT, NONE, "", LOCAL,           \
	  "the commission rate, basis points")                                                     \
	X(TERMS_SERVICE_BPS, 67, TERMS, "terms.service_bps", INT, NONE, "", LOCAL,                 \
	  "the service rate, basis points")                                                        \
	X(LINK_SOURCE, 68, LINK, "link.source", STRING, SYMBOL, TRIB_WORDS_SOURCE, LOCAL,          \
	  "how the creator came by the offer: by the kind of its plan")                                                     \
	X(LINK_PID, 69, LINK, "link.pid", STRING, SYMBOL, "", LOCAL,                               \
	  "the promotion id at a third-party site, as the link's registration says")                                                \
	X(COUNTER_USER_CLICKS_1H, 70, COUNTER, "counter.user_clicks_1h", INT, NONE, "", ENGINE,    \
	  "clicks of the buyer in the hour before the order")                                      \
	X(COUNTER_USER_CLICKS_24H, 71, COUNTER, "counter.user_clicks_24h", INT, NONE, "", ENGINE,  \
	  "clicks of the buyer in the 24 hours before the order")                                  \
	X(COUNTER_USER_CLICKS_7D, 72, COUNTER, "counter.user_clicks_7d", INT, NONE, "", ENGINE,    \
	  "clicks of the buyer in the 7 days before the order")                                    \
	X(COUNTER_CREATOR_CLICKS_1H, 73, COUNTER, "counter.creator_clicks_1h", INT, NONE, "",      \
	  ENGINE,                                                                                  \
	  "clicks on links of the creator of the primary touch in the hour before the order")      \
	X(COUNTER_CREATOR_CLICKS_24H, 74, COUNTER, "counter.creator_clicks_24h", INT, NONE, "",    \
	  ENGINE,                                                                                  \
	  "clicks on links of the creator of the primary touch in the 24 hours before the order")  \
	X(COUNTER_CREATOR_CLICKS_7D, 75, COUNTER, "counter.creator_clicks_7d", INT, NONE, "",      \
	  ENGINE,                                                                                  \
	  "clicks on links of the creator of the primary touch in the 7 days before the order")    \
	X(COUNTER_DEVICE_CLICKS_1H, 76, COUNTER, "counter.device_clicks_1h", INT, NONE, "",        \
	  ENGINE, "clicks of the users last seen on the device in the hour before the order")                             \
	X(COUNTER_DEVICE_CLICKS_24H, 77, COUNTER, "counter.device_clicks_24h", INT, NONE, "",      \
	  ENGINE, "clicks of the users last seen on the device in the 24 hours before the order")                         \
	X(COUNTER_DEVICE_CLICKS_7D, 78, COUNTER, "counter.device_clicks_7d", INT, NONE, "",        \
	  ENGINE, "clicks of the users last seen on the device in the 7 days before the order")                           \
	X(COUNTER_USER_ORDERS_24H, 79, COUNTER, "counter.user_orders_24h", INT, NONE, "", ENGINE,  \
	  "orders of the buyer in the 24 hours before this one")                                   \
	X(COUNTER_CREATOR_ORDERS_24H, 80, COUNTER, "counter.creator_orders_24h", INT, NONE, "",    \
	  ENGINE,                                                                                  \
	  "orders credited to the creator of the primary touch in the 24 hours before this one")   \
	X(COUNTER_DEVICE_ORDERS_24H, 81, COUNTER, "counter.device_orders_24h", INT, NONE, "",      \
	  ENGINE, "orders of the device in the 24 hours before this one")                          \
	X(COUNTER_USER_FIRST_SEEN, 82, COUNTER, "counter.user_first_seen", TIME, NONE, "", ENGINE, \
	  "when the buyer was first heard of")                                                     \
	X(COUNTER_DEVICE_FIRST_SEEN, 83, COUNTER, "counter.device_first_seen", TIME, NONE, "",     \
	  ENGINE, "when the device was first heard of")                                            \
	X(COUNTER_CLICK_TO_ORDER, 84, COUNTER, "counter.click_to_order", DURATION, NONE, "",       \
	  ENGINE, "the buyer's newest click to this order")                                        \
	X(COUNTER_TOKEN_USERS, 85, COUNTER, "counter.token_users", INT, NONE, "", ENGINE,          \
	  "buyers who used the link of the primary touch; at most 60 are told apart")                                    \
	X(COUNTER_DEVICE_USERS, 86, COUNTER, "counter.device_users", INT, NONE, "", ENGINE,        \
	  "buyers who ordered on the device, which EXT `device` names; at most 60 are told apart")                                                             \
	X(COUNTER_USER_CLICKS_1M, 87, COUNTER, "counter.user_clicks_1m", INT, NONE, "", ENGINE,    \
	  "clicks of the buyer in the minute before the order")                                    \
	X(COUNTER_USER_CLICKS_10M, 88, COUNTER, "counter.user_clicks_10m", INT, NONE, "", ENGINE,  \
	  "clicks of the buyer in the 10 minutes before the order")                                \
	X(COUNTER_CREATOR_CLICKS_1M, 89, COUNTER, "counter.creator_clicks_1m", INT, NONE, "", ENGINE, \
	  "clicks on links of the creator of the primary touch in the minute before the order")    \
	X(COUNTER_CREATOR_CLICKS_10M, 90, COUNTER, "counter.creator_clicks_10m", INT, NONE, "", ENGINE, \
	  "clicks on links of the creator of the primary touch in the 10 minutes before the order") \
	X(COUNTER_DEVICE_CLICKS_1M, 91, COUNTER, "counter.device_clicks_1m", INT, NONE, "", ENGINE, \
	  "clicks of the users last seen on the device in the minute before the order")            \
	X(COUNTER_DEVICE_CLICKS_10M, 92, COUNTER, "counter.device_clicks_10m", INT, NONE, "", ENGINE, \
	  "clicks of the users last seen on the device in the 10 minutes before the order")        \
	X(COUNTER_USER_ORDERS_1M, 93, COUNTER, "counter.user_orders_1m", INT, NONE, "", ENGINE,    \
	  "orders of the buyer in the minute before this one")                                     \
	X(COUNTER_USER_ORDERS_10M, 94, COUNTER, "counter.user_orders_10m", INT, NONE, "", ENGINE,  \
	  "orders of the buyer in the 10 minutes before this one")                                 \
	X(COUNTER_USER_ORDERS_1H, 95, COUNTER, "counter.user_orders_1h", INT, NONE, "", ENGINE,    \
	  "orders of the buyer in the hour before this one")                                       \
	X(COUNTER_CREATOR_ORDERS_1M, 96, COUNTER, "counter.creator_orders_1m", INT, NONE, "", ENGINE, \
	  "orders credited to the creator of the primary touch in the minute before this one")     \
	X(COUNTER_CREATOR_ORDERS_10M, 97, COUNTER, "counter.creator_orders_10m", INT, NONE, "", ENGINE, \
	  "orders credited to the creator of the primary touch in the 10 minutes before this one") \
	X(COUNTER_CREATOR_ORDERS_1H, 98, COUNTER, "counter.creator_orders_1h", INT, NONE, "", ENGINE, \
	  "orders credited to the creator of the primary touch in the hour before this one")       \
	X(COUNTER_DEVICE_ORDERS_1M, 99, COUNTER, "counter.device_orders_1m", INT, NONE, "", ENGINE, \
	  "orders of the device in the minute before this one")                                    \
	X(COUNTER_DEVICE_ORDERS_10M, 100, COUNTER, "counter.device_orders_10m", INT, NONE, "", ENGINE, \
	  "orders of the device in the 10 minutes before this one")                                \
	X(COUNTER_DEVICE_ORDERS_1H, 101, COUNTER, "counter.device_orders_1h", INT, NONE, "", ENGINE, \
	  "orders of the device in the hour before this one")                                      \
	X(ORDER_BUYER, 102, ORDER, "order.buyer", STRING, SYMBOL, TRIB_WORDS_BUYER, ENGINE,        \
	  "whose own account the buyer's is, by user_ids; \"\" of all others")                     \
	X(ORDER_SELF_PURCHASE, 103, ORDER, "order.self_purchase", BOOL, NONE, "", ENGINE,          \
	  "the buyer is the merchant or the creator of the primary touch")                         \
	X(GOODS_EXT, 104, GOODS, "goods.ext", JSON, GOODS, "", LOCAL, "what plays add to the goods") \
	X(MERCHANT_EXT, 105, MERCHANT, "merchant.ext", JSON, PARTY, "", LOCAL, "what plays add to the party") \
	X(CREATOR_EXT, 106, CREATOR, "creator.ext", JSON, PARTY, "", LOCAL, "what plays add to the party") \
	X(PLAN_EXT, 107, PLAN, "plan.ext", JSON, VERSION, "", LOCAL, \
	  "what plays add to the plan that the terms are of, in its version")

/* Other names of facts: X(name, fact). */
#define TRIB_FACT_ALIAS_TABLE(X)                                                                   \
	X("order.carrier.kind", ORDER_CARRIER)                                                     \
	X("order.carrier_id", ORDER_CARRIER_ID)                                                    \
	X("order.carrier_owner", ORDER_CARRIER_OWNER)                                              \
	X("touch.carrier.kind", TOUCH_CARRIER)                                                     \
	X("touch.carrier_id", TOUCH_CARRIER_ID)                                                    \
	X("touch.carrier_owner", TOUCH_CARRIER_OWNER)

enum trib_fact {
	TRIB_FACT_NONE = 0,
#define X(id, number, group, name, kind, space, words, home, doc) TRIB_FACT_##id = number,
	TRIB_FACT_TABLE(X)
#undef X
		TRIB_FACTS
};
_Static_assert(TRIB_FACTS <= 128, "a set of facts is two words");

/* A set of facts: the bits of TRIB_FACT_BIT. */
__extension__ typedef unsigned __int128 trib_fact_set;
#define TRIB_FACT_BIT(fact) ((trib_fact_set)1 << (fact))

/* Is it in the set? Reads one word of two; a shift of both would be dearer. */
static inline bool trib_fact_in(const trib_fact_set *set, unsigned fact)
{
	uint64_t word;

	memcpy(&word, (const char *)set + (fact >> 6) * sizeof(word), sizeof(word));
	return word >> (fact & 63) & 1;
}
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low word of a set comes first");

/* Takes the lowest fact out of a set that is not empty. */
static inline enum trib_fact trib_fact_take(trib_fact_set *set)
{
	uint64_t low = (uint64_t)*set;
	int fact = low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(*set >> 64));

	*set &= *set - 1;
	return (enum trib_fact)fact;
}

struct trib_fact_row {
	const char *name;
	uint8_t group, kind, space, home;
	const char *words; /* the only ones it can be, separated by '|'; "": any */
	const char *doc;
};

extern const struct trib_fact_row trib_fact_rows[TRIB_FACTS];  /* [0] is empty */
extern const trib_fact_set trib_fact_group_masks[TRIB_GROUPS]; /* the facts of a group */
extern const trib_fact_set trib_facts_engine_only;
extern const trib_fact_set trib_facts_json; /* they are read from the market, and not kept with an order */

const char *trib_fact_group_name(enum trib_fact_group group);
const char *trib_fact_type_name(enum trib_fact fact); /* "int", "list(string)" */
const char *trib_fact_home_name(uint8_t home);	      /* "local", "engine" */

/* The fact of a name as CEL writes it; NONE where there is none. order.carrier.kind is order.carrier. */
enum trib_fact trib_fact_find(struct trib_bytes name);

/* How codes and strings are found in each other. SYMBOL, GOODS, PARTY and PLAN are asked for. */
struct trib_spaces {
	uint32_t (*find)(void *context, enum trib_space space,
			 struct trib_bytes text); /* 0: not there (yet) */
	struct trib_bytes (*text)(void *context, enum trib_space space, uint32_t code);
	void *context;
	/* The JSON of an ext, in the arena or longer-lived; empty where there is none. NULL: nobody has any. */
	struct trib_bytes (*ext)(void *context, enum trib_space space, uint32_t code, struct trib_arena *arena);
	/* What commission may lie between in a category; NULL: nobody bounds any. False: this one has no bounds. */
	bool (*bounds)(void *context, struct trib_bytes category, int32_t *ret_min_bps, int32_t *ret_max_bps);
	/* Those of all categories that have any, by number from 1; false past the last. min above max: taken away. */
	bool (*bounded)(void *context, uint32_t number, struct trib_bytes *ret_category, int32_t *ret_min_bps,
			int32_t *ret_max_bps);
};

struct trib_facts {
	trib_fact_set open;    /* facts of the open groups */
	trib_fact_set present; /* facts that somebody set */
	trib_fact_set raw;     /* of them strings that their space does not know: raw_text */
	int64_t value[TRIB_FACTS];
	const struct trib_codes *tags; /* NULL: none */
	const struct trib_ext_pair *ext;
	uint32_t ext_count;
	uint32_t steps; /* that each condition may take; 0: TRIB_LIMIT_CEL_COST */
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

/* A string by its text alone: its space is asked for the code. For texts that are not numbered on their way in. */
static inline void trib_facts_set_text(struct trib_facts *facts, enum trib_fact fact,
				       struct trib_bytes text)
{
	uint32_t code = 0;

	if (text.size)
		code = facts->spaces->find(facts->spaces->context,
					   (enum trib_space)trib_fact_rows[fact].space, text);
	trib_facts_set_string(facts, fact, code, text);
}

static inline void trib_facts_set_bool(struct trib_facts *facts, enum trib_fact fact, bool value)
{
	trib_facts_set(facts, fact, value);
}

/* The category and, with it, the list of its parts. */
static inline void trib_facts_set_category(struct trib_facts *facts, uint32_t code,
					   struct trib_bytes text)
{
	trib_facts_set_string(facts, TRIB_FACT_GOODS_CATEGORY, code, text);
	if (code || text.size)
		facts->present |= TRIB_FACT_BIT(TRIB_FACT_GOODS_CATEGORY_PATH);
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

/* The next part of a path between '/'; empty ones are passed over. False at the end. */
bool trib_facts_next_part(struct trib_bytes *rest, struct trib_bytes *ret_part);

/* The table, for people: docs/facts.md, and {"items":[{name, number, type, group, where, words, doc} …]}. */
void trib_facts_write_markdown(struct trib_buffer *buffer);
void trib_facts_write_json(struct trib_buffer *buffer);

#endif
