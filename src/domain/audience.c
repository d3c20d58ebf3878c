/*
 * Goods in many plans: who is spoken to, by creator, so that an order does not look at hundreds of plans that are for
 * others.
 *
 *	open          places of plans that may be for anybody: without a list of creators, or exclusive, which
 *	              others have to know of
 *	by_creator    creator → places of plans that list it, one behind another
 *
 * A place is one in the goods' list of plans. Places are only ever added, for every version of a plan that lists the
 * goods: so what is found is more than what holds at a time, and terms.c judges each as it would have without. The
 * index is memory for speed, so it is bounded: goods that would take too much go without.
 */
#include "domain/private.h"

enum { CROWDED_PLANS = 32, LISTINGS_MAX = 1 << 20, ALL_LISTINGS_MAX = 1 << 24 };

static void add_open(struct trib_audience *audience, uint32_t place)
{
	for (uint32_t i = audience->open_count; i-- > 0;)
		if (audience->open[i] == place)
			return;
	TRIB_GROW(audience->open, audience->open_count, audience->open_capacity);
	audience->open[audience->open_count++] = place;
}

static void add_listing(struct trib_audience *audience, uint32_t creator, uint32_t place)
{
	uint32_t newest = trib_pairs_first(&audience->by_creator, creator);

	/* Places come in order, so one that is told of again stands further back; twice would do no harm. */
	for (uint32_t i = newest; i && audience->listings[i].place >= place;
	     i = audience->told_again ? audience->listings[i].next : 0)
		if (audience->listings[i].place == place)
			return;
	if (newest)
		trib_pairs_remove(&audience->by_creator, creator, newest);
	if (!audience->listing_count)
		audience->listing_count = 1;
	if (audience->listing_count >= audience->listing_capacity) {
		audience->listing_capacity = TRIB_MAX(audience->listing_capacity * 2, 64u);
		audience->listings =
			trib_realloc(audience->listings,
				     audience->listing_capacity * sizeof(*audience->listings));
	}
	audience->listings[audience->listing_count] = (struct trib_listing){ place, newest };
	trib_pairs_add(&audience->by_creator, creator, audience->listing_count++);
}

/* False where it would take too much. */
static bool add_version(struct trib_domain *domain, struct trib_audience *audience, uint32_t place,
			const struct trib_plan_version *version)
{
	const struct trib_id_set creators = version->creators;

	if (!creators.slots || version->kind == TRIB_WORD_EXCLUSIVE) {
		add_open(audience, place);
		return true;
	}
	if (audience->listing_count + creators.count > LISTINGS_MAX ||
	    domain->listing_count + creators.count > ALL_LISTINGS_MAX)
		return false;
	uint32_t before = audience->listing_count;

	for (uint32_t slot = 0; slot <= creators.mask; slot++)
		if (creators.slots[slot])
			add_listing(audience, creators.slots[slot], place);
	domain->listing_count += audience->listing_count - before;
	return true;
}

static void give_up(struct trib_domain *domain, struct trib_goods *goods)
{
	struct trib_audience *audience = &domain->audiences[goods->audience - 1];

	domain->listing_count -= audience->listing_count;
	trib_pairs_fini(&audience->by_creator);
	free(audience->listings);
	free(audience->open);
	*audience = (struct trib_audience){ 0 };
	goods->audience = TRIB_AUDIENCE_NONE;
}

/* All versions of a plan that listed the goods under this place. */
static bool add_place(struct trib_domain *domain, struct trib_audience *audience,
		      const struct trib_goods *goods, uint32_t place)
{
	const struct trib_goods_plan *entry = &trib_goods_plans(goods)[place];
	const struct trib_plan *plan = trib_domain_plan(domain, entry->plan);
	const uint32_t *before = NULL;

	for (uint32_t v = entry->first; v <= entry->last && v <= plan->version_count; v++) {
		const struct trib_plan_version *version = trib_plan_version(plan, v);

		/* Versions that say the same of it share the list. */
		if (before && version->creators.slots == before &&
		    version->kind != TRIB_WORD_EXCLUSIVE)
			continue;
		before = version->creators.slots;
		if (!add_version(domain, audience, place, version))
			return false;
	}
	return true;
}

static void begin(struct trib_domain *domain, struct trib_goods *goods)
{
	TRIB_GROW(domain->audiences, domain->audience_count, domain->audience_capacity);
	domain->audiences[domain->audience_count++] = (struct trib_audience){ 0 };
	goods->audience = (uint32_t)domain->audience_count;
	for (uint32_t place = 0; place < goods->plan_count; place++)
		if (!add_place(domain, &domain->audiences[goods->audience - 1], goods, place)) {
			give_up(domain, goods);
			return;
		}
}

/* The place under which the newest version of a plan lists the goods. */
static uint32_t place_of(const struct trib_goods *goods, uint32_t plan)
{
	const struct trib_goods_plan *entries = trib_goods_plans(goods);
	uint32_t place = goods->plan_count;

	while (place-- > 0)
		if (entries[place].plan == plan && entries[place].last == UINT32_MAX)
			return place;
	trib_assert(!"listed goods know their plan");
	return 0;
}

void trib_audience_tell(struct trib_domain *domain, uint32_t number, uint32_t plan,
			const struct trib_plan_version *version, bool same)
{
	struct trib_goods *goods =
		(struct trib_goods *)domain->columns[TRIB_NOUN_GOODS].data + number;
	uint32_t place = goods->plan_count - 1;

	if (goods->audience == TRIB_AUDIENCE_NONE || goods->plan_count < CROWDED_PLANS)
		return;
	if (!goods->audience) {
		begin(domain, goods);
		return;
	}
	if (goods->plans[place].plan != plan || goods->plans[place].first != version->number) {
		if (same) /* listed before, for the same creators: most new versions are of a rate */
			return;
		place = place_of(goods, plan);
		domain->audiences[goods->audience - 1].told_again = true;
	}
	if (!add_version(domain, &domain->audiences[goods->audience - 1], place, version))
		give_up(domain, goods);
}

void trib_audiences_fini(struct trib_domain *domain)
{
	for (size_t i = 0; i < domain->audience_count; i++) {
		trib_pairs_fini(&domain->audiences[i].by_creator);
		free(domain->audiences[i].listings);
		free(domain->audiences[i].open);
	}
	free(domain->audiences);
}
