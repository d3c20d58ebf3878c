/*
 * What an order line comes to. An outcome is a value, never a failure: the event says it, the
 * answer says it, and a repeat of the order gets it again.
 *
 *	X(NAME, number, word, English, Chinese)
 *
 * Numbers and words never change and are never reused: they stand in journals. New rows go to the
 * end. 0 is no outcome: nothing speaks against the order (yet).
 */
#ifndef TRIB_DOMAIN_OUTCOME_H
#define TRIB_DOMAIN_OUTCOME_H

#include "base/bytes.h"

#define TRIB_OUTCOME_TABLE(X)                                                                      \
	X(ATTRIBUTED, 1, "attributed", "credited and split", "已归因")                             \
	X(NOT_DISTRIBUTED, 2, "not_distributed", "not a distribution order", "非分销订单")         \
	X(OWN_SHOP, 3, "own_shop", "sold by the merchant's own content", "商家自营成交")           \
	X(NO_TOUCH, 4, "no_touch", "no touch of this user counts", "无有效触点")                   \
	X(NO_PLAN, 5, "no_plan", "no plan offers these goods to this creator", "无推广计划")       \
	X(PLAN_NOT_STARTED, 6, "plan_not_started", "the plan starts later", "计划未开始")          \
	X(PLAN_PAUSED, 7, "plan_paused", "the plan is paused", "计划已暂停")                       \
	X(PLAN_ENDED, 8, "plan_ended", "the plan has ended", "计划已结束")                         \
	X(BUDGET_EXHAUSTED, 9, "budget_exhausted", "the plan's budget is spent", "预算已用尽")     \
	X(CREATOR_NOT_ALLOWED, 10, "creator_not_allowed", "the goods are exclusive to others",     \
	  "达人无推广权限")                                                                        \
	X(GOODS_WITHDRAWN, 11, "goods_withdrawn", "the goods are withdrawn", "商品已下架")         \
	X(GOODS_MISMATCH, 12, "goods_mismatch", "the token is of other goods", "商品不匹配")       \
	X(SELF_PURCHASE, 13, "self_purchase", "the buyer is the creator", "达人自购")              \
	X(PARTY_FROZEN, 14, "party_frozen", "the creator or merchant is frozen or closed",         \
	  "主体已冻结")                                                                            \
	X(USER_BLOCKED, 15, "user_blocked", "the buyer is blocked", "用户受限")                    \
	X(CARRIER_CONFLICT, 16, "carrier_conflict", "bought where somebody else's content was",    \
	  "载体冲突")                                                                              \
	X(EXPIRED, 17, "expired", "the token is older than the window", "链接已过期")              \
	X(BAD_TOKEN, 18, "bad_token", "the token cannot be trusted", "追踪参数无效")               \
	X(ZERO_BASE, 19, "zero_base", "nothing to compute commission on", "计佣金额为零")          \
	X(EXTERNAL, 20, "external", "credited by another site", "站外平台归因")

enum trib_outcome {
	TRIB_OUTCOME_NONE = 0,
#define X(name, number, word, english, chinese) TRIB_OUTCOME_##name = number,
	TRIB_OUTCOME_TABLE(X)
#undef X
};

/* "no_plan"; "none" for 0, "unknown" for what has no row. */
const char *trib_outcome_word(enum trib_outcome outcome);

/* For people, in English and in Chinese. */
const char *trib_outcome_text(enum trib_outcome outcome);
const char *trib_outcome_text_zh(enum trib_outcome outcome);

/* The outcome of a word, TRIB_OUTCOME_NONE where there is none of that name. */
enum trib_outcome trib_outcome_find(struct trib_bytes word);

#endif
