/* The split of commission/split.h. Shares are few (32 at most), so earlier lines are searched, not indexed. */
#include "commission/split.h"

static bool pays_from_outside(uint8_t slot)
{
	return slot == TRIB_SLOT_MERCHANT || slot == TRIB_SLOT_PLATFORM;
}

/* part × bps / 10,000 without a product above 64 bits: the part is cut at 10,000 first. */
int64_t trib_portion(int64_t part, uint32_t bps, enum trib_round round)
{
	uint64_t whole = (uint64_t)part / TRIB_BPS_MAX, rest = (uint64_t)part % TRIB_BPS_MAX * bps;
	uint64_t amount = whole * bps + rest / TRIB_BPS_MAX;
	uint64_t left = rest % TRIB_BPS_MAX;

	if (round == TRIB_ROUND_HALF_EVEN)
		amount += left > TRIB_BPS_MAX / 2 || (left == TRIB_BPS_MAX / 2 && (amount & 1));
	return (int64_t)amount;
}

/* What a payer has left: of the part, and in hand. */
struct purse {
	int64_t rest;
	int64_t held;
};

static struct purse purse_of(const struct trib_share *shares, const struct trib_share *share,
			     int64_t part, const struct trib_line *lines, size_t lines_count)
{
	struct purse purse = { .rest = part };

	for (size_t i = 0; i < lines_count; i++) {
		const struct trib_line *line = &lines[i];

		if (line->from == share->from) {
			purse.held -= line->amount;
			if (shares[line->share].of == share->of)
				purse.rest -= line->amount;
		}
		if (line->to == share->from)
			purse.held += line->amount;
	}
	return purse;
}

static int64_t held_by(uint8_t slot, const struct trib_line *lines, size_t lines_count)
{
	int64_t held = 0;

	for (size_t i = 0; i < lines_count; i++) {
		held += lines[i].to == slot ? lines[i].amount : 0;
		held -= lines[i].from == slot ? lines[i].amount : 0;
	}
	return held;
}

/* The line by which the creator's rest goes to its agency; how many there are of it. */
static size_t pass_on(const uint32_t parties[TRIB_SLOTS], struct trib_line *lines, size_t count)
{
	int64_t held = held_by(TRIB_SLOT_CREATOR, lines, count);

	if (held <= 0 || !parties[TRIB_SLOT_CREATOR] || !parties[TRIB_SLOT_AGENCY])
		return 0;
	lines[count] = (struct trib_line){ .share = TRIB_SHARE_PASSED,
					   .kind = TRIB_LINE_AGENCY_PAY,
					   .to = TRIB_SLOT_AGENCY,
					   .from = TRIB_SLOT_CREATOR,
					   .to_party = parties[TRIB_SLOT_AGENCY],
					   .from_party = parties[TRIB_SLOT_CREATOR],
					   .amount = held };
	return 1;
}

static int64_t within(int64_t amount, int64_t max)
{
	return TRIB_MAX((int64_t)0, TRIB_MIN(amount, max));
}

/* way NULL: there is none, which a caller that says so pays nothing for. */
static inline __attribute__((always_inline)) size_t split(const struct trib_split_way *way, const struct trib_share *shares,
							  size_t n, int64_t base, const struct trib_rates *rates,
							  const uint32_t parties[TRIB_SLOTS], struct trib_line *ret_lines,
							  int64_t *ret_charged)
{
	int64_t parts[TRIB_LIMIT_RULE_SHARES];
	int64_t charged = 0;
	size_t count = 0;

	trib_assert(base >= 0 && n <= TRIB_LIMIT_RULE_SHARES);
	for (size_t i = 0; i < n; i++) {
		const struct trib_share *share = &shares[i];
		uint32_t bps =
			share->rate == TRIB_RATE_STATED ? share->bps : rates->bps[share->rate];
		bool outside = pays_from_outside(share->from);

		parts[i] = 0;
		if (!bps || !parties[share->to] || !parties[share->from])
			continue;
		int64_t part = share->of == TRIB_OF_BASE ? base : parts[share->of];
		struct purse purse = purse_of(shares, share, part, ret_lines, count);
		int64_t of = share->take == TRIB_TAKE_REST ? purse.rest : part;
		int64_t amount = trib_portion(of, bps, share->round);

		if (way)
			amount = within(way->amount(way->context, of, bps, amount), of);
		amount = TRIB_MIN(amount, TRIB_MIN(share->cap, purse.rest));
		if (way)
			amount = within(way->cap(way->context, amount, share->cap == TRIB_CAP_NONE ? 0 : share->cap), amount);
		/* What is charged stays within 64 bits even of an absurd base, and so does all that is held. */
		amount = TRIB_MIN(amount, outside ? INT64_MAX - charged : purse.held);
		charged += outside ? amount : 0;
		parts[i] = amount;
		ret_lines[count++] = (struct trib_line){ .share = (uint8_t)i,
							 .kind = share->kind,
							 .to = share->to,
							 .from = share->from,
							 .name = share->name,
							 .to_party = parties[share->to],
							 .from_party = parties[share->from],
							 .amount = amount };
	}
	*ret_charged = charged;
	if (TRIB_UNLIKELY(rates->all_to_agency))
		count += pass_on(parties, ret_lines, count);
	return count;
}

size_t trib_split(const struct trib_share *shares, size_t n, int64_t base,
		  const struct trib_rates *rates, const uint32_t parties[TRIB_SLOTS],
		  struct trib_line *ret_lines, int64_t *ret_charged)
{
	return split(NULL, shares, n, base, rates, parties, ret_lines, ret_charged);
}

size_t trib_split_by(const struct trib_split_way *way, const struct trib_share *shares, size_t n, int64_t base,
		     const struct trib_rates *rates, const uint32_t parties[TRIB_SLOTS], struct trib_line *ret_lines,
		     int64_t *ret_charged)
{
	return split(way, shares, n, base, rates, parties, ret_lines, ret_charged);
}

/*
 * The first broken promise up to and with line i, judged anew from the lines alone. Sums are of 128 bits, so that
 * wrong lines cannot hide by wrapping.
 */
static const char *line_reason(const struct trib_share *shares, size_t n, int64_t base,
			       const struct trib_line *lines, size_t i)
{
	const struct trib_line *line = &lines[i];
	__int128 part = 0, taken = 0, credited = 0, debited = 0;

	if (line->share == TRIB_SHARE_PASSED)
		return line->to == TRIB_SLOT_AGENCY && line->from == TRIB_SLOT_CREATOR && line->amount > 0 &&
				       line->amount == held_by(TRIB_SLOT_CREATOR, lines, i) ?
			       NULL :
			       "what an agency is paid for its creator is not what that has left";
	if (line->share >= n)
		return "a line of no share";
	if (i && line->share <= lines[i - 1].share)
		return "lines out of order";
	const struct trib_share *share = &shares[line->share];

	if (line->to != share->to || line->from != share->from || line->name != share->name)
		return "a line that is not its share's";
	if (line->amount < 0 || line->amount > share->cap)
		return "an amount below 0 or above its cap";
	for (size_t j = 0; j <= i; j++) {
		bool same_payer = lines[j].from == line->from;

		part += lines[j].share == share->of ? lines[j].amount : 0;
		taken += same_payer && shares[lines[j].share].of == share->of ? lines[j].amount : 0;
		debited += same_payer ? lines[j].amount : 0;
		credited += lines[j].to == line->from ? lines[j].amount : 0;
	}
	if (taken > (share->of == TRIB_OF_BASE ? base : part))
		return "a payer pays more of a part than there is";
	if (!pays_from_outside(line->from) && debited > credited)
		return "a party pays more than it has been paid";
	return NULL;
}

bool trib_split_conserved(const struct trib_share *shares, size_t n, int64_t base,
			  const struct trib_line *lines, size_t lines_count, int64_t charged,
			  const char **ret_reason)
{
	__int128 outside = 0;

	for (size_t i = 0; i < lines_count; i++) {
		const char *reason = line_reason(shares, n, base, lines, i);

		if (reason) {
			*ret_reason = reason;
			return false;
		}
		outside += pays_from_outside(lines[i].from) ? lines[i].amount : 0;
	}
	if (outside != charged) {
		*ret_reason = "charged is not what came from outside";
		return false;
	}
	return true;
}
