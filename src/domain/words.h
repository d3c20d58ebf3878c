/*
 * The dictionary and its shipped words.
 *
 * Whatever rules compare as text (roles, statuses, kinds, categories, brands, tags, channels,
 * pages, carriers …) has a code in one dictionary per engine. The words below ship with the
 * program and stand at fixed codes, so that a small field holds a word and a fact needs no
 * translation:
 *
 *	if (party->status == TRIB_WORD_FROZEN)
 *		…
 *	trib_names_text(trib_domain_symbols(domain), party->status);   // "frozen"
 *
 * All other words get codes from TRIB_WORD_FIRST_FREE on, in the order of their NameAdded events.
 * Codes stand in journals and tokens: a row never changes, new rows take unused codes below
 * TRIB_WORD_FIRST_FREE.
 */
#ifndef TRIB_DOMAIN_WORDS_H
#define TRIB_DOMAIN_WORDS_H

#include "base/bytes.h"

/* Who takes part. X(NAME, code, word, English, Chinese) */
#define TRIB_ROLE_TABLE(X)                                                                         \
	X(PLATFORM, 1, "platform", "platform", "平台")                                             \
	X(MERCHANT, 2, "merchant", "merchant", "商家")                                             \
	X(CREATOR, 3, "creator", "creator", "达人")                                                \
	X(LEADER, 4, "leader", "leader, first level", "招商团长")                                  \
	X(LEADER2, 5, "leader2", "leader, second level", "推广团长")                               \
	X(AGENCY, 6, "agency", "agency, MCN", "机构")                                              \
	X(SERVICE_PROVIDER, 7, "service_provider", "service provider", "服务商")                   \
	X(SOURCE_CREATOR, 8, "source_creator", "source creator of a clip", "原创达人")             \
	X(SITE, 9, "site", "site", "站点")

/* Other words that the code names. X(NAME, code, word) */
#define TRIB_OTHER_WORD_TABLE(X)                                                                   \
	X(ACTIVE, 16, "active")                                                                    \
	X(RESTRICTED, 17, "restricted")                                                            \
	X(FROZEN, 18, "frozen")                                                                    \
	X(CLOSED, 19, "closed")                                                                    \
	X(WITHDRAWN, 20, "withdrawn")                                                              \
	X(PAUSED, 21, "paused")                                                                    \
	X(ENDED, 22, "ended")                                                                      \
	X(GENERAL, 24, "general")                                                                  \
	X(TARGETED, 25, "targeted")                                                                \
	X(EXCLUSIVE, 26, "exclusive")                                                              \
	X(ACTIVITY, 27, "activity")                                                                \
	X(MANAGED, 28, "managed")                                                                  \
	X(LIVE, 32, "live")                                                                        \
	X(VIDEO, 33, "video")                                                                      \
	X(SHELF, 34, "shelf")                                                                      \
	X(CARD, 35, "card")                                                                        \
	X(SEARCH, 36, "search")                                                                    \
	X(SHARE, 37, "share")                                                                      \
	X(OFFSITE, 38, "offsite")                                                                  \
	X(LIVE_CART, 40, "live_cart")                                                              \
	X(PRODUCT, 41, "product")                                                                  \
	X(CART, 42, "cart")                                                                        \
	X(CHECKOUT, 43, "checkout")                                                                \
	X(CLICK, 44, "click")                                                                      \
	X(VIEW, 45, "view")                                                                        \
	X(FAVOURITE, 46, "favourite")                                                              \
	X(SHARE_OPEN, 47, "share_open")                                                            \
	X(GOODS, 48, "goods")                                                                      \
	X(SHOP, 49, "shop")                                                                        \
	X(ANY, 50, "any")                                                                          \
	X(DEFAULT, 51, "default")                                                                  \
	X(KEEP, 52, "keep")                                                                        \
	X(REFUSE, 53, "refuse")                                                                    \
	X(CNY, 54, "CNY")                                                                          \
	X(FORFEITURE, 60, "forfeiture")

/*
 * Words that came later: journals may have given them codes of their own by then, so they are not in the dictionary
 * from the start and stand for statuses only. X(NAME, code, word)
 */
#define TRIB_LATER_WORD_TABLE(X)                                                                   \
	X(DRAFT, 55, "draft")                                                                      \
	X(REVIEW, 56, "review")

enum trib_word {
	TRIB_WORD_NONE = 0,
#define X(name, code, word, english, chinese) TRIB_WORD_##name = code,
	TRIB_ROLE_TABLE(X)
#undef X
#define X(name, code, word) TRIB_WORD_##name = code,
		TRIB_OTHER_WORD_TABLE(X) TRIB_LATER_WORD_TABLE(X)
#undef X
			TRIB_WORD_FIRST_FREE = 64
};

#endif
