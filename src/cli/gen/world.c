#include "cli/gen/world.h"

#include <math.h>

static const enum trib_entry_class plan_classes[] = {
#define X(name, word, letter, class) class,
	TRIB_WORLD_PLAN_TABLE(X)
#undef X
};

enum { EXCLUSIVE_CREATORS_MAX = 50, EXCLUSIVE_RANK_MIN = 20, PLAN_CREATORS_MAX = 10000 };

/* Followers say much about who sells, but not all. */
static const double SELLING_NOISE = 2.0;

enum trib_entry_class trib_world_class(const struct trib_world_plan *plan)
{
	return plan_classes[plan->kind];
}

void trib_world_rng(const struct trib_world *world, uint32_t purpose, struct trib_rng *ret_rng)
{
	trib_rng_seed(ret_rng, world->size.seed * 31 + purpose);
}

/* Sorted by key, the greatest first; equal keys by index, so that every qsort gives the same order. */
struct keyed {
	double key;
	uint32_t index;
};

static int by_key_descending(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

/* ---- goods ---- */

/* Most prices end in 9 or .9; the others must not. */
static int64_t dress_price(double cents, bool nine)
{
	int64_t yuan = trib_draw_round(cents / 100, 1, 10000000);

	if (cents < 5000) {
		int64_t tenths = trib_draw_round(cents / 10, 10, 500);

		return nine ? yuan * 100 - 10 : tenths % 10 == 9 ? tenths * 10 - 10 : tenths * 10;
	}
	if (nine)
		return ((yuan + 5) / 10 * 10 - 1) * 100;
	return (yuan % 10 == 9 ? yuan - 1 : yuan) * 100;
}

static uint16_t draw_commission(const struct trib_market *market, uint8_t category,
				double shift_bps, double u)
{
	const double *range = market->categories[category].commission_bps;
	double mode = range[1] + shift_bps;

	mode = mode < range[0] ? range[0] : mode > range[2] ? range[2] : mode;
	double bps = trib_draw_triangle(u, range[0], mode, range[2]);

	/* Whole percents, halves below two. */
	int64_t step = bps < 200 ? 50 : 100;

	return (uint16_t)(trib_draw_round(bps / (double)step, 1, 100) * step);
}

static void draw_goods(struct trib_world *world, struct trib_world_goods *goods, double hot,
		       struct trib_rng *rng)
{
	const struct trib_market *market = world->market;
	const struct trib_market_category *category = &market->categories[goods->category];
	double of_price = market->hot_price[0], of_commission = market->hot_commission[0];
	double z = of_price * hot + sqrt(1 - of_price * of_price) * trib_draw_normal(rng);
	double brand = trib_rng_unit(rng), shift = 0;
	uint32_t brands = (uint32_t)market->brand_per_category[0], big = brands / 6 + 1;

	goods->noun = (uint8_t)trib_rng_below(rng, category->nouns.count);
	goods->price = dress_price(category->price * trib_draw_exp(category->price_sigma * z),
				   trib_rng_chance(rng, market->price_end_in_nine[0]));
	if (brand < market->brand_unbranded[0]) {
		shift = market->brand_unbranded_bps[0];
	} else if (brand < market->brand_unbranded[0] + market->brand_big[0]) {
		goods->brand = (uint16_t)(1 + trib_rng_below(rng, big));
		shift = market->brand_big_bps[0];
	} else {
		goods->brand = (uint16_t)(1 + big + trib_rng_below(rng, brands));
	}
	z = of_commission * hot + sqrt(1 - of_commission * of_commission) * trib_draw_normal(rng);
	goods->commission_bps =
		draw_commission(market, goods->category, shift, trib_draw_normal_cdf(z));
}

static void make_goods(struct trib_world *world)
{
	const struct trib_market *market = world->market;
	uint32_t n = world->size.goods, merchant = 0;
	TRIB_AUTOFREE struct keyed *hot = trib_alloc_zeroed(n, sizeof(*hot));
	double weights[TRIB_MARKET_CATEGORIES_MAX];
	struct trib_alias categories;
	struct trib_rng rng;

	trib_world_rng(world, TRIB_RNG_GOODS, &rng);
	for (uint32_t i = 0; i < market->category_count; i++)
		weights[i] = market->categories[i].goods;
	trib_alias_init(&categories, weights, market->category_count);
	world->goods = trib_alloc_zeroed(n, sizeof(*world->goods));
	uint32_t main_category = trib_alias_draw(&categories, &rng);

	for (uint32_t i = 0; i < n; i++) {
		struct trib_world_goods *goods = &world->goods[i];

		if (i && trib_rng_chance(&rng, 1 / market->merchant_goods_mean[0])) {
			merchant++;
			main_category = trib_alias_draw(&categories, &rng);
		}
		goods->merchant = merchant;
		goods->category = (uint8_t)(trib_rng_chance(&rng, market->merchant_main_category[0])
						    ? main_category
						    : trib_alias_draw(&categories, &rng));
		hot[i] = (struct keyed){ trib_draw_normal(&rng), i };
		draw_goods(world, goods, hot[i].key, &rng);
	}
	world->merchants = merchant + 1;
	trib_alias_fini(&categories);
	qsort(hot, n, sizeof(*hot), by_key_descending);
	world->goods_by_rank = trib_alloc_zeroed(n, sizeof(*world->goods_by_rank));
	for (uint32_t i = 0; i < n; i++) {
		world->goods_by_rank[i] = hot[i].index;
		world->goods[hot[i].index].rank = i + 1;
	}
}

/* ---- plans ---- */

static struct trib_world_plan *add_plan(struct trib_world *world, uint32_t goods,
					enum trib_world_plan_kind kind, double more_bps)
{
	struct trib_world_plan *plan = &world->plans[world->plan_count++];
	int64_t bps =
		world->goods[goods].commission_bps + trib_draw_round(more_bps / 50, 0, 100) * 50;

	*plan = (struct trib_world_plan){ .goods = goods,
					  .kind = (uint8_t)kind,
					  .commission_bps = (uint16_t)TRIB_MIN(bps, 8000),
					  .leader = TRIB_NONE,
					  .leader2 = TRIB_NONE };
	return plan;
}

static void add_activity(struct trib_world *world, uint32_t goods, enum trib_world_plan_kind kind,
			 struct trib_quota *second_level, struct trib_rng *rng)
{
	const struct trib_market *market = world->market;
	const double *service = market->plans_service_bps, *part = market->plans_leader2_bps;
	struct trib_world_plan *plan = add_plan(world, goods, kind, trib_rng_unit(rng) * 300);
	double rank = world->goods[goods].rank;

	/* A few leaders recruit most goods. */
	plan->leader = (uint32_t)(trib_rng_unit(rng) * trib_rng_unit(rng) * world->leaders);
	plan->service_bps =
		(uint16_t)(trib_draw_round(trib_draw_triangle(trib_rng_unit(rng), service[0],
							      service[1], service[2]) /
						   50,
					   1, 200) *
			   50);
	if (!trib_quota_take(second_level, trib_draw_pow(rank, -market->shelf_orders_zipf[0])))
		return;
	plan->leader2 = (uint32_t)trib_rng_below(rng, world->leaders2);
	plan->service2_bps =
		(uint16_t)(trib_draw_round((part[0] + trib_rng_unit(rng) * (part[1] - part[0])) /
						   500,
					   0, 20) *
			   500);
}

static void make_plans(struct trib_world *world)
{
	const struct trib_market *market = world->market;
	uint32_t n = world->size.goods;
	struct trib_quota second_level = { .share = market->plans_leader2[0] };
	const double *targeted = market->plans_targeted_bps;
	struct trib_rng rng;

	trib_world_rng(world, TRIB_RNG_PLANS, &rng);
	world->leaders = n / 400 + 2;
	world->leaders2 = n / 1000 + 2;
	world->plans = trib_alloc_zeroed((size_t)n * 4 + 1, sizeof(*world->plans));
	for (uint32_t i = 0; i < n; i++) {
		struct trib_world_goods *goods = &world->goods[i];

		goods->first_plan = world->plan_count;
		if (goods->rank > EXCLUSIVE_RANK_MIN &&
		    trib_rng_chance(&rng, market->plans_exclusive[0])) {
			add_plan(world, i, TRIB_WORLD_PLAN_EXCLUSIVE,
				 targeted[0] + trib_rng_unit(&rng) * (targeted[1] - targeted[0]));
			continue;
		}
		add_plan(world, i,
			 trib_rng_chance(&rng, market->plans_managed[0]) ? TRIB_WORLD_PLAN_MANAGED
									 : TRIB_WORLD_PLAN_GENERAL,
			 0);
		if (trib_rng_chance(&rng, market->plans_activity[0])) {
			add_activity(world, i, TRIB_WORLD_PLAN_ACTIVITY, &second_level, &rng);
			if (trib_rng_chance(&rng, market->plans_second_activity[0]))
				add_activity(world, i, TRIB_WORLD_PLAN_ACTIVITY2, &second_level,
					     &rng);
		}
		if (trib_rng_chance(&rng, market->plans_targeted[0]))
			add_plan(world, i, TRIB_WORLD_PLAN_TARGETED,
				 targeted[0] + trib_rng_unit(&rng) * (targeted[1] - targeted[0]));
	}
}

static uint32_t plans_end(const struct trib_world *world, uint32_t goods)
{
	return goods + 1 < world->size.goods ? world->goods[goods + 1].first_plan
					     : world->plan_count;
}

/* ---- creators ---- */

static void draw_creator(struct trib_world *world, struct trib_world_creator *creator,
			 struct trib_rng *rng)
{
	const struct trib_market *market = world->market;
	double most = market->followers_max[0], least = market->followers_min[0];
	double u = 1 - trib_rng_unit(rng);

	creator->followers =
		trib_draw_round(least * trib_draw_pow(u, -1 / market->followers_alpha[0]),
				(int64_t)least, (int64_t)most);
	creator->agency = TRIB_NONE;
	creator->level = 1;
	for (int64_t step = 1000; step <= creator->followers && creator->level < 6; step *= 10)
		creator->level++;
	creator->score_tenths = (uint8_t)trib_draw_round(46 + 3 * trib_draw_normal(rng), 30, 50);
	creator->category = (uint8_t)trib_rng_below(rng, market->category_count);
	creator->region = (uint8_t)trib_rng_below(rng, market->regions.count);
}

/* The share that the first `top` of n hold under weights i^-s. */
static double zipf_top_share(uint32_t n, uint32_t top, double s)
{
	double sum = 0, first = 0;

	for (uint32_t i = 1; i <= n; i++) {
		sum += trib_draw_pow(i, -s);
		if (i == top)
			first = sum;
	}
	return first / sum;
}

/* Weights i^-s with the exponent under which the top sellers hold the share that they do hold. */
static void weigh_sellers(struct trib_world *world)
{
	const struct trib_market *market = world->market;
	uint32_t n = world->seller_count;
	uint32_t top = (uint32_t)trib_draw_round(n * market->creators_top[0], 1, n);
	double low = 0, high = 2, sum = 0;

	for (int i = 0; i < 24; i++) {
		double middle = (low + high) / 2;

		if (zipf_top_share(n, top, middle) < market->creators_top_gmv[0])
			low = middle;
		else
			high = middle;
	}
	/* Among a hundred sellers the top 1 % is one; nobody is that far ahead of the second. */
	low = TRIB_MIN(low, 1.4);
	for (uint32_t i = 0; i < n; i++) {
		world->sellers[i].weight = trib_draw_pow(i + 1, -low);
		sum += world->sellers[i].weight;
	}
	for (uint32_t i = 0; i < n; i++)
		world->sellers[i].weight /= sum;
}

/* Two shares, of the top sellers and of the others, that meet both the count and the GMV of those bound. */
static void bind_agencies(struct trib_world *world, struct trib_rng *rng)
{
	const struct trib_market *market = world->market;
	uint32_t n = world->seller_count;
	uint32_t top = (uint32_t)trib_draw_round(n * market->creators_top[0], 1, n);
	double count = TRIB_MIN(market->creators_agency[0] / market->creators_sell[0], 1);
	double t = (double)top / n, gmv = 0;

	for (uint32_t i = 0; i < top; i++)
		gmv += world->sellers[i].weight;

	double of_top = (market->creators_agency_gmv[0] * (1 - t) - count * (1 - gmv)) /
			(gmv * (1 - t) - t * (1 - gmv) + 1e-9);

	of_top = of_top < 0 ? 0 : of_top > 1 ? 1 : of_top;
	double of_rest = t < 1 ? (count - of_top * t) / (1 - t) : 0;
	struct trib_quota first = { .share = of_top };
	struct trib_quota rest = { .share = of_rest < 0 ? 0 : of_rest > 1 ? 1 : of_rest };

	world->agencies = (uint32_t)(world->size.creators * market->creators_agency[0] / 40) + 1;
	for (uint32_t i = 0; i < n; i++)
		if (trib_quota_take(i < top ? &first : &rest, world->sellers[i].weight))
			world->creators[world->sellers[i].creator].agency =
				(uint32_t)trib_rng_below(rng, world->agencies);
}

static void make_creators(struct trib_world *world)
{
	const struct trib_market *market = world->market;
	uint32_t n = world->size.creators;
	TRIB_AUTOFREE struct keyed *selling = trib_alloc_zeroed(n, sizeof(*selling));
	struct trib_rng rng;

	trib_world_rng(world, TRIB_RNG_CREATORS, &rng);
	world->creators = trib_alloc_zeroed(n, sizeof(*world->creators));
	for (uint32_t i = 0; i < n; i++) {
		draw_creator(world, &world->creators[i], &rng);
		selling[i] = (struct keyed){ trib_draw_log((double)world->creators[i].followers) +
						     SELLING_NOISE * trib_draw_normal(&rng),
					     i };
	}
	qsort(selling, n, sizeof(*selling), by_key_descending);
	world->seller_count = (uint32_t)trib_draw_round(n * market->creators_sell[0], 1, n);
	world->sellers = trib_alloc_zeroed(world->seller_count, sizeof(*world->sellers));
	for (uint32_t i = 0; i < world->seller_count; i++) {
		world->sellers[i].creator = selling[i].index;
		world->creators[selling[i].index].sells = true;
	}
	weigh_sellers(world);
	bind_agencies(world, &rng);
}

/* ---- shelves ---- */

static int by_size_descending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x > y ? -1 : x < y;
}

/* How many entries each seller has; who sells more has more. */
static uint32_t *draw_shelf_sizes(struct trib_world *world, struct trib_rng *rng, uint64_t *ret_sum)
{
	const struct trib_market *market = world->market;
	uint32_t *sizes = trib_alloc_zeroed(world->seller_count, sizeof(*sizes));
	double ratio = market->shelf_mean[0] / market->shelf_median[0];
	double sigma = ratio > 1 ? sqrt(2 * trib_draw_log(ratio)) : 0;
	int64_t most = TRIB_MIN((int64_t)market->shelf_max[0], (int64_t)world->size.goods / 2 + 1);

	*ret_sum = 0;
	for (uint32_t i = 0; i < world->seller_count; i++) {
		sizes[i] = (uint32_t)trib_draw_round(
			trib_draw_lognormal(rng, market->shelf_median[0], sigma), 1, most);
		*ret_sum += sizes[i];
	}
	qsort(sizes, world->seller_count, sizeof(*sizes), by_size_descending);
	return sizes;
}

/* The plan that this creator takes the goods from: exclusive where it is so, else by chance among what is open. */
static uint32_t choose_plan(const struct trib_world *world, uint32_t goods, struct trib_rng *rng)
{
	uint32_t first = world->goods[goods].first_plan, end = plans_end(world, goods);

	return first + (uint32_t)trib_rng_below(rng, end - first);
}

static bool plan_is_full(const struct trib_world_plan *plan)
{
	if (plan_classes[plan->kind] != TRIB_CLASS_TARGETED)
		return false;
	return plan->creators >= (plan->kind == TRIB_WORLD_PLAN_EXCLUSIVE ? EXCLUSIVE_CREATORS_MAX
									  : PLAN_CREATORS_MAX);
}

/* Orders entries by class and sums their weights, so that one of a class can be picked by weight. */
static void close_shelf(struct trib_world *world, struct trib_world_seller *seller,
			struct trib_world_entry *drawn, uint32_t count)
{
	double exponent = world->market->shelf_goods_zipf[0] - world->market->shelf_orders_zipf[0];
	uint32_t at = seller->first_entry;

	for (int class = 0; class < TRIB_CLASSES; class ++) {
		double sum = 0;

		for (uint32_t i = 0; i < count; i++) {
			if (trib_world_class(&world->plans[drawn[i].plan]) != class)
				continue;
			sum += trib_draw_pow(world->goods[drawn[i].goods].rank, exponent);
			world->class_example[class] = at;
			world->entries[at] = drawn[i];
			world->entries[at++].cumulative = (float)sum;
		}
		seller->class_end[class] = at;
	}
	world->entry_count = at;
}

static void fill_shelf(struct trib_world *world, uint32_t number, uint32_t size,
		       const struct trib_alias *popular, uint32_t *marks,
		       struct trib_world_entry *drawn, struct trib_rng *rng)
{
	uint32_t count = 0;

	/* What is there already, full or exclusive to others is passed over; a short shelf is no harm. */
	for (uint32_t tries = 0; count < size && tries < size * 8 + 64; tries++) {
		uint32_t goods = world->goods_by_rank[trib_alias_draw(popular, rng)];
		uint32_t plan = choose_plan(world, goods, rng);

		if (marks[goods] == number + 1 || plan_is_full(&world->plans[plan]) ||
		    world->goods[goods].entries >= world->market->shelf_goods_creators_max[0])
			continue;
		marks[goods] = number + 1;
		world->goods[goods].entries++;
		if (trib_world_class(&world->plans[plan]) == TRIB_CLASS_TARGETED)
			world->plans[plan].creators++;
		drawn[count++] = (struct trib_world_entry){ .goods = goods, .plan = plan };
	}
	world->sellers[number].first_entry = world->entry_count;
	close_shelf(world, &world->sellers[number], drawn, count);
}

static void make_shelves(struct trib_world *world)
{
	uint32_t n = world->size.goods;
	TRIB_AUTOFREE double *weights = trib_alloc_zeroed(n, sizeof(*weights));
	TRIB_AUTOFREE uint32_t *marks = trib_alloc_zeroed(n, sizeof(*marks));
	struct trib_alias popular;
	struct trib_rng rng;
	uint64_t sum;

	trib_world_rng(world, TRIB_RNG_SHELVES, &rng);
	for (uint32_t i = 0; i < n; i++)
		weights[i] = trib_draw_pow(i + 1, -world->market->shelf_goods_zipf[0]);
	trib_alias_init(&popular, weights, n);
	TRIB_AUTOFREE uint32_t *sizes = draw_shelf_sizes(world, &rng, &sum);
	TRIB_AUTOFREE struct trib_world_entry *drawn = trib_alloc_zeroed(sizes[0], sizeof(*drawn));

	for (int class = 0; class < TRIB_CLASSES; class ++)
		world->class_example[class] = TRIB_NONE;
	world->entries = trib_alloc_zeroed(sum, sizeof(*world->entries));
	for (uint32_t i = 0; i < world->seller_count; i++)
		fill_shelf(world, i, sizes[i], &popular, marks, drawn, &rng);
	trib_alias_fini(&popular);
}

/* Who is listed in each targeted or exclusive plan: those whose shelf has it from there. */
static void list_plan_creators(struct trib_world *world)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < world->plan_count; i++) {
		world->plans[i].first_creator = at;
		at += world->plans[i].creators;
		world->plans[i].creators = 0;
	}
	world->plan_creators = trib_alloc_zeroed((size_t)at + 1, sizeof(*world->plan_creators));
	for (uint32_t i = 0; i < world->seller_count; i++) {
		const struct trib_world_seller *seller = &world->sellers[i];

		for (uint32_t e = seller->class_end[TRIB_CLASS_TARGETED - 1];
		     e < seller->class_end[TRIB_CLASS_TARGETED]; e++) {
			struct trib_world_plan *plan = &world->plans[world->entries[e].plan];

			world->plan_creators[plan->first_creator + plan->creators++] =
				seller->creator;
		}
	}
}

struct trib_world *trib_world_new(const struct trib_market *market,
				  const struct trib_world_size *size)
{
	struct trib_world *world = trib_alloc_zeroed(1, sizeof(*world));

	trib_assert(size->creators > 0 && size->goods > 0);
	world->market = market;
	world->size = *size;
	make_goods(world);
	make_plans(world);
	make_creators(world);
	make_shelves(world);
	list_plan_creators(world);
	return world;
}

void trib_world_free(struct trib_world *world)
{
	if (!world)
		return;
	free(world->goods);
	free(world->creators);
	free(world->sellers);
	free(world->plans);
	free(world->entries);
	free(world->goods_by_rank);
	free(world->plan_creators);
	free(world);
}

uint32_t trib_world_entry_seller(const struct trib_world *world, uint32_t entry)
{
	uint32_t low = 0, high = world->seller_count - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (entry < world->sellers[middle].class_end[TRIB_CLASSES - 1])
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint32_t trib_world_pick(const struct trib_world *world, uint32_t number,
			 enum trib_entry_class class, struct trib_rng *rng)
{
	const struct trib_world_seller *seller = &world->sellers[number];
	uint32_t first = class ? seller->class_end[class - 1] : seller->first_entry;
	uint32_t end = seller->class_end[class];

	if (first == end)
		return TRIB_NONE;
	float at = (float)(trib_rng_unit(rng) * world->entries[end - 1].cumulative);

	while (first + 1 < end) {
		uint32_t middle = (first + end - 1) / 2;

		if (at < world->entries[middle].cumulative)
			end = middle + 1;
		else
			first = middle + 1;
	}
	return first;
}
