/* The words of shares, and whether a list of them can be split by. */
#include "rules/share.h"

static const struct {
	const char *word, *zh, *en;
} line_kinds[] = {
#define X(name, number, word, zh, en) [number] = { word, zh, en },
	TRIB_LINE_TABLE(X)
#undef X
};

static const char *const rate_words[] = {
#define X(name, number, word) [number] = word,
	TRIB_RATE_TABLE(X)
#undef X
};

const char *trib_line_kind_word(enum trib_line_kind kind)
{
	return (size_t)kind < TRIB_ARRAY_SIZE(line_kinds) ? line_kinds[kind].word : NULL;
}

const char *trib_line_kind_title(enum trib_line_kind kind, bool zh)
{
	if ((size_t)kind >= TRIB_ARRAY_SIZE(line_kinds))
		return NULL;
	return zh ? line_kinds[kind].zh : line_kinds[kind].en;
}

enum trib_line_kind trib_line_kind_of_name(struct trib_bytes name)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(line_kinds); i++)
		if (trib_bytes_is(name, line_kinds[i].word))
			return (enum trib_line_kind)i;
	return TRIB_LINE_OTHER;
}

static const char *const slot_words[] = {
#define X(name, number, word) [number] = word,
	TRIB_SLOT_TABLE(X)
#undef X
};

bool trib_slot_of_word(struct trib_bytes word, enum trib_slot *ret_slot)
{
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(slot_words); i++)
		if (trib_bytes_is(word, slot_words[i])) {
			*ret_slot = (enum trib_slot)i;
			return true;
		}
	return false;
}

bool trib_rate_of_word(struct trib_bytes word, enum trib_rate *ret_rate)
{
	for (size_t i = TRIB_RATE_STATED + 1; i < TRIB_RATES; i++)
		if (trib_bytes_is(word, rate_words[i])) {
			*ret_rate = (enum trib_rate)i;
			return true;
		}
	return false;
}

static bool pays_from_outside(uint8_t slot)
{
	return slot == TRIB_SLOT_MERCHANT || slot == TRIB_SLOT_PLATFORM;
}

static trib_status fail_at(struct trib_error *error, size_t index, const char *field,
			   const char *found, const char *expected)
{
	char at[64];

	snprintf(at, sizeof(at), "shares[%zu].%s", index, field);
	return trib_fail(error, TRIB_INVALID, at, "found %s, expected %s", found, expected);
}

/* What the earlier shares, and this one, say of the money it takes. */
static trib_status check_source(const struct trib_share *shares, size_t i, struct trib_error *error)
{
	const struct trib_share *share = &shares[i];
	bool paid = pays_from_outside(share->from);
	uint32_t bps = 0;

	for (size_t j = 0; j <= i; j++) {
		paid |= j < i && shares[j].to == share->from;
		if (shares[j].from == share->from && shares[j].of == share->of &&
		    shares[j].take == TRIB_TAKE_GROSS && shares[j].rate == TRIB_RATE_STATED)
			bps += shares[j].bps;
	}
	if (!paid)
		return fail_at(error, i, "from", "a party that no earlier share pays",
			       "merchant, platform or a party paid earlier");
	if (bps > TRIB_BPS_MAX)
		return fail_at(error, i, "bps",
			       "more than the whole part with the shares before it",
			       "at most 10000 of one payer's part");
	return TRIB_OK;
}

static trib_status check_share(const struct trib_share *shares, size_t i, struct trib_error *error)
{
	const struct trib_share *share = &shares[i];

	for (size_t j = 0; j < i; j++)
		if (share->name && shares[j].name == share->name)
			return fail_at(error, i, "name", "the name of an earlier share",
				       "one of its own");
	if (share->of != TRIB_OF_BASE && share->of >= i)
		return fail_at(error, i, "of", "a share that is not before it",
			       "base or the name of an earlier share");
	if (share->to >= TRIB_SLOTS || share->from >= TRIB_SLOTS)
		return fail_at(error, i, share->to >= TRIB_SLOTS ? "to" : "from",
			       "too many parties", "at most 32 in one split");
	if (share->to == share->from)
		return fail_at(error, i, "to", "its own payer", "another party");
	if (share->kind >= TRIB_ARRAY_SIZE(line_kinds))
		return fail_at(error, i, "kind", "an unknown kind", "a kind of the table of lines");
	if (share->take > TRIB_TAKE_REST)
		return fail_at(error, i, "take", "something else", "gross or rest");
	if (share->round > TRIB_ROUND_HALF_EVEN)
		return fail_at(error, i, "round", "something else", "floor or half_even");
	if (share->rate >= TRIB_RATES ||
	    (share->rate == TRIB_RATE_STATED && share->bps > TRIB_BPS_MAX))
		return fail_at(error, i, "bps", "something else", "0 to 10000, or a rate of terms");
	if (share->cap < 0)
		return fail_at(error, i, "cap", "less than 0", "an amount");
	return check_source(shares, i, error);
}

trib_status trib_shares_check(const struct trib_share *shares, size_t n, struct trib_error *error)
{
	if (n > TRIB_LIMIT_RULE_SHARES)
		return trib_fail(error, TRIB_LIMIT, "shares", "found %zu, expected at most %d", n,
				 TRIB_LIMIT_RULE_SHARES);
	for (size_t i = 0; i < n; i++) {
		trib_status status = check_share(shares, i, error);

		if (status != TRIB_OK)
			return status;
	}
	return TRIB_OK;
}
