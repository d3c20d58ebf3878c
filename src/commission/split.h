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
 * A creator whose agency is paid for both keeps nothing: what is left to it after all shares goes on to the agency, by a
 * last line of kind agency_pay. So the creator sees what it earned, and who has it.
 *
 * A share gives no line where its rate is 0 or one of its two parties is not there; its part is then 0.
 *
 * Pure, no allocation; any thread.
 */
#ifndef TRIB_COMMISSION_SPLIT_H
#define TRIB_COMMISSION_SPLIT_H

#include "rules/rules.h"

/* The rates of the terms that hold for one slice; rates.bps[TRIB_RATE_COMMISSION] … each 0 to 10,000. */
struct trib_rates {
	uint16_t bps[TRIB_RATES];
	bool all_to_agency; /* what the creator would keep goes through the agency's hands: a line behind the others */
};

enum {
	TRIB_SHARE_PASSED = 253, /* the `share` of that line */
	TRIB_SPLIT_LINES_MAX = TRIB_LIMIT_RULE_SHARES + 1,
};

/* part × bps / 10,000, rounded; part ≥ 0, bps ≤ 10,000. */
int64_t trib_portion(int64_t part, uint32_t bps, enum trib_round round);

struct trib_line {
	uint8_t share; /* its index */
	uint8_t kind, to, from;
	uint32_t name;
	uint32_t to_party, from_party;
	int64_t amount; /* ≥ 0, may be 0 */
};

/*
 * Splits base ≥ 0 by n ≤ TRIB_LIMIT_RULE_SHARES checked shares. parties[slot] is a party's number, 0 where there is
 * none. Writes at most TRIB_SPLIT_LINES_MAX lines, one a share and that of the agency, and returns how many; *ret_charged
 * is what merchant and platform pay.
 */
size_t trib_split(const struct trib_share *shares, size_t n, int64_t base,
		  const struct trib_rates *rates, const uint32_t parties[TRIB_SLOTS],
		  struct trib_line *ret_lines, int64_t *ret_charged);

/*
 * Somebody's own way of amounts, asked for each share in turn: `amount` of bps of a part, in place of `otherwise`, and then,
 * once it is within the share's cap, what of it is paid; cap 0: it has none. What they give is held between 0 and what
 * the split would allow, so that the promises above hold whatever they say.
 */
struct trib_split_way {
	int64_t (*amount)(void *context, int64_t part, uint32_t bps, int64_t otherwise);
	int64_t (*cap)(void *context, int64_t amount, int64_t cap);
	void *context;
};
size_t trib_split_by(const struct trib_split_way *way, const struct trib_share *shares, size_t n, int64_t base,
		     const struct trib_rates *rates, const uint32_t parties[TRIB_SLOTS], struct trib_line *ret_lines,
		     int64_t *ret_charged);

/*
 * The invariant: are these lines a split of base by shares of this form? No line is negative or above its cap, no
 * payer pays more of a part than it holds, nobody inside pays more than it has been paid, what all parties are
 * credited is what all payers are charged, and `charged` is what came from outside. Else false and the first reason.
 */
bool trib_split_conserved(const struct trib_share *shares, size_t n, int64_t base,
			  const struct trib_line *lines, size_t lines_count, int64_t charged,
			  const char **ret_reason);

#endif
