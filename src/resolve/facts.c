/* The facts of an order, from nouns and numbers. */
#include "resolve/resolve.h"

/* What the user did, as a word of the dictionary. */
static const uint8_t touch_words[] = {
	[TRIB_TOUCH_CLICK] = TRIB_WORD_CLICK,
	[TRIB_TOUCH_VIEW] = TRIB_WORD_VIEW,
	[TRIB_TOUCH_CART] = TRIB_WORD_CART,
	[TRIB_TOUCH_FAVOURITE] = TRIB_WORD_FAVOURITE,
	[TRIB_TOUCH_SHARE_OPEN] = TRIB_WORD_SHARE_OPEN,
};

/* --- Words and numbers ------------------------------------------------------------------------------- */

static enum trib_noun noun_of_space(enum trib_space space)
{
	return space == TRIB_SPACE_GOODS ? TRIB_NOUN_GOODS :
	       space == TRIB_SPACE_PARTY ? TRIB_NOUN_PARTY :
					   TRIB_NOUN_PLAN;
}

static uint32_t space_find(void *context, enum trib_space space, struct trib_bytes text)
{
	const struct trib_domain *domain = context;

	if (space == TRIB_SPACE_SYMBOL)
		return trib_domain_find_code(domain, text);
	return trib_domain_find(domain, noun_of_space(space), text);
}

static struct trib_bytes space_text(void *context, enum trib_space space, uint32_t code)
{
	const struct trib_domain *domain = context;

	if (space == TRIB_SPACE_SYMBOL)
		return trib_names_text(trib_domain_symbols(domain), code);
	return trib_domain_id(domain, noun_of_space(space), code);
}

static struct trib_bytes space_ext(void *context, enum trib_space space, uint32_t code, struct trib_arena *arena)
{
	const struct trib_domain *domain = context;

	return space == TRIB_SPACE_VERSION ? trib_domain_ext_of_plan(domain, code) :
					     trib_domain_ext(domain, noun_of_space(space), code, arena);
}

struct trib_spaces trib_resolve_spaces(struct trib_domain *domain)
{
	return (struct trib_spaces){ .find = space_find, .text = space_text, .ext = space_ext, .context = domain };
}

/* --- Groups ------------------------------------------------------------------------------------------- */

void trib_facts_open_goods(const struct trib_market *market, struct trib_facts *facts, uint32_t number,
			    int64_t at_ms)
{
	const struct trib_goods *goods = trib_domain_goods(market->domain, number);
	const struct trib_party *merchant = trib_domain_party(market->domain, goods->merchant);
	struct trib_bytes none = { 0 };

	trib_facts_open(facts, TRIB_GROUP_GOODS);
	trib_facts_set_category(facts, goods->category, none);
	trib_facts_set_string(facts, TRIB_FACT_GOODS_BRAND, goods->brand, none);
	trib_facts_set(facts, TRIB_FACT_GOODS_PRICE, goods->price);
	trib_facts_set_string(facts, TRIB_FACT_GOODS_SITE, goods->site, none);
	trib_facts_set_string(facts, TRIB_FACT_GOODS_STATUS,
			      trib_domain_goods_status(market->domain, number, at_ms), none);
	trib_facts_set_bool(facts, TRIB_FACT_GOODS_PROMOTED, goods->promoted);
	if (TRIB_UNLIKELY(goods->timed))
		trib_facts_set(facts, TRIB_FACT_GOODS_WITHDRAWN_AT,
			       trib_domain_withdrawn_at(market->domain, number));
	trib_facts_open(facts, TRIB_GROUP_MERCHANT);
	trib_facts_set(facts, TRIB_FACT_GOODS_EXT, number);
	trib_facts_set(facts, TRIB_FACT_MERCHANT_EXT, goods->merchant);
	trib_facts_set_string(facts, TRIB_FACT_MERCHANT_ID, goods->merchant, none);
	trib_facts_set(facts, TRIB_FACT_MERCHANT_STATUS,
		       trib_domain_party_status(market->domain, goods->merchant, at_ms));
	trib_facts_set(facts, TRIB_FACT_MERCHANT_DEPOSIT, merchant->deposit);
	trib_facts_set_double(facts, TRIB_FACT_MERCHANT_SCORE, merchant->score);
}

void trib_facts_open_creator(const struct trib_market *market, struct trib_facts *facts, uint32_t number,
			    int64_t at_ms)
{
	const struct trib_party *creator = trib_domain_party(market->domain, number);
	struct trib_bytes none = { 0 };
	uint8_t pay;

	trib_facts_open(facts, TRIB_GROUP_CREATOR);
	trib_facts_set_string(facts, TRIB_FACT_CREATOR_ID, number, none);
	trib_facts_set(facts, TRIB_FACT_CREATOR_EXT, number);
	trib_facts_set(facts, TRIB_FACT_CREATOR_FOLLOWERS, creator->followers);
	trib_facts_set_string(facts, TRIB_FACT_CREATOR_AGENCY,
			      trib_domain_agency(market->domain, number, at_ms, &pay), none);
	trib_facts_set_string(facts, TRIB_FACT_CREATOR_REGION, creator->region, none);
	trib_facts_set(facts, TRIB_FACT_CREATOR_STATUS, trib_domain_party_status(market->domain, number, at_ms));
	trib_facts_set(facts, TRIB_FACT_CREATOR_LEVEL, creator->level);
	trib_facts_set_double(facts, TRIB_FACT_CREATOR_SCORE, creator->score);
	trib_facts_set_tags(facts, creator->tags);
}

void trib_facts_open_touch(struct trib_facts *facts, const struct trib_touch *touch)
{
	struct trib_bytes none = { 0 };

	trib_facts_open(facts, TRIB_GROUP_TOUCH);
	trib_assert(touch->kind < TRIB_ARRAY_SIZE(touch_words));
	trib_facts_set(facts, TRIB_FACT_TOUCH_KIND, touch_words[touch->kind]);
	trib_facts_set_string(facts, TRIB_FACT_TOUCH_CARRIER, touch->carrier_kind, none);
	trib_facts_set_string(facts, TRIB_FACT_TOUCH_CARRIER_ID, touch->carrier, none);
	trib_facts_set_string(facts, TRIB_FACT_TOUCH_CARRIER_OWNER, touch->carrier_owner, none);
	trib_facts_set_string(facts, TRIB_FACT_TOUCH_PAGE, touch->page, none);
	trib_facts_set_string(facts, TRIB_FACT_TOUCH_CHANNEL, touch->channel, none);
	trib_facts_open(facts, TRIB_GROUP_LINK);
	trib_facts_set(facts, TRIB_FACT_LINK_ISSUED_AT, touch->issued_at_ms);
}
