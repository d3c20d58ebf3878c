/*
 * The money of one order: shares (the rule) turn a base into lines (amounts), one after another, as written.
 *
 *	struct trib_share shares[] = {
 *		{ .name = commission, .to = creator, .from = TRIB_SLOT_MERCHANT, .of = TRIB_OF_BASE,
 *		  .rate = TRIB_RATE_COMMISSION, .cap = TRIB_CAP_NONE },
 *		{ .name = agency, .to = agency, .from = creator, .of = 0, .bps = 3000, .cap = TRIB_CAP_NONE },
 *	};
 *	n = trib_split(shares, 2, 1999, &rates, parties, lines, &charged);
 *	// commission: 399 from the merchant to the creator; agency: 119 of them from the creator on to the agency
 *
 * A share computes its amount from a *part*: the base, or what an earlier share amounted to. `gross` is the part
 * as first formed, `rest` what this payer's earlier shares of that part have left of it. It takes the amount from
 * its payer:
 *   - merchant and platform pay from outside. Together, their shares of one part take at most that part each.
 *   - any other party pays out of what it has been paid earlier in this order, and never more than that.
 * So every line is a charge to one party and a credit to another, nobody inside pays what it has not got, and for
 * every payer credits equal charges. What rounding or a cap leaves stays where it was.
 *
 * A share gives no line where its rate is 0 or one of its two parties is not there; its part is then 0.
 *
 * Pure, no allocation; any thread.
 */
#ifndef TRIB_COMMISSION_SPLIT_H
#define TRIB_COMMISSION_SPLIT_H

#include "base/limits.h"
#include "base/bytes.h"
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
	X(TAX, 12, "tax", "代扣税", "tax withheld")

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

/* The rates of the terms that hold for one slice; rates.bps[TRIB_RATE_COMMISSION] … each 0 to 10,000. */
struct trib_rates {
	uint16_t bps[TRIB_RATES];
};

/*
 * Who takes part in a split stands in numbered slots. The first two pay from outside; what the others are (creator,
 * leader, agency, …) is the caller's table, the same for shares and parties.
 */
enum { TRIB_SLOT_MERCHANT = 0, TRIB_SLOT_PLATFORM = 1, TRIB_SLOTS = 32 };

enum trib_take { TRIB_TAKE_GROSS = 0, TRIB_TAKE_REST = 1 };
enum trib_round { TRIB_ROUND_FLOOR = 0, TRIB_ROUND_HALF_EVEN = 1 };
enum { TRIB_OF_BASE = 255, TRIB_BPS_MAX = 10000 };
#define TRIB_CAP_NONE INT64_MAX

/* One share, compiled. 24 bytes. */
struct trib_share {
	uint32_t name;	  /* the caller's dictionary code; carried into the line */
	uint8_t kind;	  /* enum trib_line_kind */
	uint8_t to, from; /* slots */
	uint8_t of;	  /* TRIB_OF_BASE, or the index of an earlier share */
	uint8_t take;	  /* enum trib_take */
	uint8_t round;	  /* enum trib_round */
	uint8_t rate;	  /* enum trib_rate */
	uint16_t bps;	  /* where rate is STATED */
	int64_t cap;	  /* TRIB_CAP_NONE: none */
};

struct trib_line {
	uint8_t share; /* its index */
	uint8_t kind, to, from;
	uint32_t name;
	uint32_t to_party, from_party;
	int64_t amount; /* ≥ 0, may be 0 */
};

/*
 * Can these shares be split by? `of` names an earlier share, `to` is not `from`, a payer other than merchant and
 * platform has been paid by an earlier share, rates and caps are in range, and the stated rates that one payer pays
 * of the gross of one part do not pass 10,000. The place is "shares[i].field". To be asked once, at upload.
 */
trib_status trib_shares_check(const struct trib_share *shares, size_t n, struct trib_error *error);

/*
 * Splits base ≥ 0 by n ≤ TRIB_LIMIT_RULE_SHARES checked shares. parties[slot] is a party's number, 0 where there is
 * none. Writes at most n lines and returns how many; *ret_charged is what merchant and platform pay.
 */
size_t trib_split(const struct trib_share *shares, size_t n, int64_t base,
		  const struct trib_rates *rates, const uint32_t parties[TRIB_SLOTS],
		  struct trib_line *ret_lines, int64_t *ret_charged);

/*
 * The invariant: are these lines a split of base by shares of this form? No line is negative or above its cap, no
 * payer pays more of a part than it holds, nobody inside pays more than it has been paid, what all parties are
 * credited is what all payers are charged, and `charged` is what came from outside. Else false and the first reason.
 */
bool trib_split_conserved(const struct trib_share *shares, size_t n, int64_t base,
			  const struct trib_line *lines, size_t lines_count, int64_t charged,
			  const char **ret_reason);

#endif
