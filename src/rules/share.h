/*
 * Shares, compiled: how a node says that the money of an order is divided. Rules make and check them at upload,
 * commission/split.h turns them into lines.
 *
 * A share computes its amount from a *part*: the base, or what an earlier share amounted to. It takes the amount
 * from its payer, and gives it to its receiver; both stand in numbered slots.
 */
#ifndef TRIB_RULES_SHARE_H
#define TRIB_RULES_SHARE_H

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"

/*
 * The usual kinds of line. X(NAME, number, word, 中文, English). A share of another name is of kind `other`.
 * Numbers and words never change.
 */
#define TRIB_LINE_TABLE(X)                                                                         \
	X(OTHER, 0, "other", "其他", "other")                                                      \
	X(COMMISSION, 1, "commission", "佣金", "commission")                                       \
	X(STEP, 2, "step", "阶梯佣金", "step commission")                                          \
	X(SERVICE, 3, "service", "团长服务费", "service fee of the first leader")                  \
	X(SERVICE2, 4, "service2", "推广团长服务费", "service fee of the second leader")           \
	X(ORDER_TAKING, 5, "order_taking", "接单服务费", "order-taking service fee")               \
	X(REWARD, 6, "reward", "奖励服务费", "reward service fee")                                 \
	X(REMISE, 7, "remise", "出让", "remise")                                                   \
	X(INCENTIVE, 8, "incentive", "激励", "incentive")                                          \
	X(SUBSIDY, 9, "subsidy", "补贴", "subsidy")                                                \
	X(TECHNICAL, 10, "technical", "技术服务费", "technical service fee")                       \
	X(AGENCY, 11, "agency", "机构分成", "agency share")                                        \
	X(TAX, 12, "tax", "代扣税", "tax withheld")                                                \
	X(AGENCY_PAY, 13, "agency_pay", "机构代收", "paid to the agency for its creator")          \
	X(PAYOUT, 14, "payout", "打款", "paid out")                                                \
	X(FORFEITURE, 15, "forfeiture", "违规罚没", "forfeited for a violation")                   \
	X(NEW_TO_SHOP, 16, "new_to_shop", "新客奖励", "reward for a buyer new to the shop")

enum trib_line_kind {
#define X(name, number, word, zh, en) TRIB_LINE_##name = number,
	TRIB_LINE_TABLE(X)
#undef X
};

const char *trib_line_kind_word(enum trib_line_kind kind);
const char *trib_line_kind_title(enum trib_line_kind kind, bool zh);
enum trib_line_kind trib_line_kind_of_name(struct trib_bytes name); /* OTHER where there is none */

/* Where a share's basis points come from. X(NAME, number, word in `terms.`). */
#define TRIB_RATE_TABLE(X)                                                                         \
	X(STATED, 0, "")                                                                           \
	X(COMMISSION, 1, "commission_bps")                                                         \
	X(SERVICE, 2, "service_bps")                                                               \
	X(SERVICE2, 3, "service2_bps")                                                             \
	X(PLATFORM, 4, "platform_bps")                                                             \
	X(AGENCY, 5, "agency_bps")

enum trib_rate {
#define X(name, number, word) TRIB_RATE_##name = number,
	TRIB_RATE_TABLE(X)
#undef X
		TRIB_RATES
};

bool trib_rate_of_word(struct trib_bytes word, enum trib_rate *ret_rate); /* not STATED */

/*
 * Who takes part in a split. The first two pay from outside; the other roles are those of the terms; from
 * TRIB_SLOT_NAMED on stand the parties that a node calls by their external id.
 */
#define TRIB_SLOT_TABLE(X)                                                                         \
	X(MERCHANT, 0, "merchant")                                                                 \
	X(PLATFORM, 1, "platform")                                                                 \
	X(CREATOR, 2, "creator")                                                                   \
	X(LEADER, 3, "leader")                                                                     \
	X(LEADER2, 4, "leader2")                                                                   \
	X(AGENCY, 5, "agency")

enum trib_slot {
#define X(name, number, word) TRIB_SLOT_##name = number,
	TRIB_SLOT_TABLE(X)
#undef X
		TRIB_SLOT_NAMED,
	TRIB_SLOTS = 32
};

bool trib_slot_of_word(struct trib_bytes word, enum trib_slot *ret_slot);

enum trib_take { TRIB_TAKE_GROSS = 0, TRIB_TAKE_REST = 1 };
enum trib_round { TRIB_ROUND_FLOOR = 0, TRIB_ROUND_HALF_EVEN = 1 };
enum { TRIB_OF_BASE = 255, TRIB_BPS_MAX = 10000 };
#define TRIB_CAP_NONE INT64_MAX

/* One share, compiled. 24 bytes. */
struct trib_share {
	uint32_t
		name; /* its dictionary code; carried into the line; 0 while the dictionary does not know it */
	uint8_t kind;	  /* enum trib_line_kind */
	uint8_t to, from; /* slots */
	uint8_t of;	  /* TRIB_OF_BASE, or the index of an earlier share */
	uint8_t take;	  /* enum trib_take */
	uint8_t round;	  /* enum trib_round */
	uint8_t rate;	  /* enum trib_rate */
	uint16_t bps;	  /* where rate is STATED */
	int64_t cap;	  /* TRIB_CAP_NONE: none */
};

/*
 * Can these shares be split by? `of` names an earlier share, `to` is not `from`, a payer other than merchant and
 * platform has been paid by an earlier share, rates and caps are in range, and the stated rates that one payer pays
 * of the gross of one part do not pass 10,000. The place is "shares[i].field". To be asked once, at upload.
 */
trib_status trib_shares_check(const struct trib_share *shares, size_t n, struct trib_error *error);

#endif
