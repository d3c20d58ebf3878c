/*
 * The numbers of a marketplace, read from data/market.json (the copy in the program, or a file of one's own).
 * docs/market.md says what each means. Every number that is missing, misspelt or out of range is refused by
 * its place.
 */
#ifndef TRIB_CLI_GEN_MARKET_H
#define TRIB_CLI_GEN_MARKET_H

#include "base/bytes.h"
#include "base/status.h"

enum {
	TRIB_MARKET_FORMAT = 1,
	TRIB_MARKET_CATEGORIES_MAX = 64,
	TRIB_MARKET_CARRIERS_MAX = 16,
	TRIB_MARKET_WORDS_MAX = 64,
	TRIB_MARKET_HOURS = 24,
};

struct trib_words {
	uint32_t count;
	char *text[TRIB_MARKET_WORDS_MAX];
};

struct trib_market_category {
	char *name;
	double goods, price, price_sigma;
	double commission_bps[3]; /* lowest, most usual, highest */
	struct trib_words nouns;
};

struct trib_market_carrier {
	char *kind, *scene, *page;
	double orders, conversion, delay_ms;
};

/* X(field, how many numbers, least, most, place in the file) */
#define TRIB_MARKET_TABLE(X)                                                                       \
	X(price_end_in_nine, 1, 0, 1, "price.end_in_nine")                                         \
	X(brand_unbranded, 1, 0, 1, "brand.unbranded")                                             \
	X(brand_big, 1, 0, 1, "brand.big")                                                         \
	X(brand_unbranded_bps, 1, -10000, 10000, "brand.unbranded_bps")                            \
	X(brand_big_bps, 1, -10000, 10000, "brand.big_bps")                                        \
	X(brand_per_category, 1, 1, 100000, "brand.per_category")                                  \
	X(hot_price, 1, -1, 1, "hot.price")                                                        \
	X(hot_commission, 1, -1, 1, "hot.commission")                                              \
	X(merchant_goods_mean, 1, 1, 1e6, "merchant.goods_mean")                                   \
	X(merchant_main_category, 1, 0, 1, "merchant.main_category")                               \
	X(plans_managed, 1, 0, 1, "plans.managed")                                                 \
	X(plans_activity, 1, 0, 1, "plans.activity")                                               \
	X(plans_second_activity, 1, 0, 1, "plans.second_activity")                                 \
	X(plans_targeted, 1, 0, 1, "plans.targeted")                                               \
	X(plans_exclusive, 1, 0, 1, "plans.exclusive")                                             \
	X(plans_targeted_bps, 2, 0, 10000, "plans.targeted_bps")                                   \
	X(plans_service_bps, 3, 0, 10000, "plans.service_bps")                                     \
	X(plans_leader2, 1, 0, 1, "plans.leader2")                                                 \
	X(plans_leader2_bps, 2, 0, 10000, "plans.leader2_of_service_bps")                          \
	X(plans_platform_bps, 1, 0, 10000, "plans.platform_bps")                                   \
	X(plans_agency_bps, 1, 0, 10000, "plans.agency_bps")                                       \
	X(followers_alpha, 1, 0.01, 100, "creators.followers_alpha")                               \
	X(followers_min, 1, 1, 1e12, "creators.followers_min")                                     \
	X(followers_max, 1, 1, 1e12, "creators.followers_max")                                     \
	X(creators_sell, 1, 0, 1, "creators.sell")                                                 \
	X(creators_top, 1, 0.0001, 1, "creators.top")                                              \
	X(creators_top_gmv, 1, 0, 0.99, "creators.top_gmv")                                        \
	X(creators_agency, 1, 0, 1, "creators.agency")                                             \
	X(creators_agency_gmv, 1, 0, 1, "creators.agency_gmv")                                     \
	X(shelf_mean, 1, 1, 1e5, "shelf.mean")                                                     \
	X(shelf_median, 1, 1, 1e5, "shelf.median")                                                 \
	X(shelf_max, 1, 1, 1e5, "shelf.max")                                                       \
	X(shelf_goods_zipf, 1, 0, 3, "shelf.goods_zipf")                                           \
	X(shelf_goods_creators_max, 1, 1, 1e9, "shelf.goods_creators_max")                         \
	X(shelf_orders_zipf, 1, 0, 3, "shelf.orders_zipf")                                         \
	X(orders_not_distributed, 1, 0, 1, "orders.not_distributed")                               \
	X(orders_own_shop, 1, 0, 1, "orders.own_shop")                                             \
	X(orders_token, 1, 0, 1, "orders.token")                                                   \
	X(orders_general, 1, 0, 1, "orders.general")                                               \
	X(orders_activity, 1, 0, 1, "orders.activity")                                             \
	X(orders_targeted, 1, 0, 1, "orders.targeted")                                             \
	X(orders_managed, 1, 0, 1, "orders.managed")                                               \
	X(orders_qty2, 1, 0, 1, "orders.qty2")                                                     \
	X(orders_qty3, 1, 0, 1, "orders.qty3")                                                     \
	X(orders_coupon_merchant, 1, 0, 1, "orders.coupon_merchant")                               \
	X(orders_coupon_creator, 1, 0, 1, "orders.coupon_creator")                                 \
	X(orders_coupon_bps, 2, 0, 5000, "orders.coupon_bps")                                      \
	X(delay_sigma, 1, 0, 10, "delay.sigma")                                                    \
	X(delay_after_a_day, 1, 0, 1, "delay.after_a_day")                                         \
	X(live_sellers, 1, 0, 1, "live.sellers")                                                   \
	X(live_evening, 1, 0, 1, "live.evening")                                                   \
	X(live_evening_hours, 2, 0, 24, "live.evening_hours")                                      \
	X(live_morning, 1, 0, 1, "live.morning")                                                   \
	X(live_morning_hours, 2, 0, 24, "live.morning_hours")                                      \
	X(live_duration_hours_median, 1, 0.1, 24, "live.duration_hours_median")                    \
	X(live_duration_sigma, 1, 0, 5, "live.duration_sigma")                                     \
	X(live_launch_every_s, 1, 1, 86400, "live.launch_every_s")                                 \
	X(live_rise_ms, 2, 1, 3600000, "live.rise_ms")                                             \
	X(live_half_life_ms, 1, 1, 3600000, "live.half_life_ms")                                   \
	X(live_burst, 1, 0, 1, "live.burst")                                                       \
	X(live_flash, 1, 0, 1, "live.flash")                                                       \
	X(live_flash_conversion, 1, 0.0001, 1, "live.flash_conversion")                            \
	X(live_top_rooms, 1, 0, 1000, "live.top_rooms")                                            \
	X(live_top_rooms_hour, 1, 0, 23, "live.top_rooms_hour")                                    \
	X(hours, TRIB_MARKET_HOURS, 0, 1000, "hours")                                              \
	X(noise_repeat, 1, 0, 1, "noise.repeat")                                                   \
	X(noise_out_of_order, 1, 0, 1, "noise.out_of_order")                                       \
	X(noise_later_than_an_hour, 1, 0, 1, "noise.later_than_an_hour")                           \
	X(noise_self_purchase, 1, 0, 1, "noise.self_purchase")                                     \
	X(noise_other_goods, 1, 0, 1, "noise.other_goods")                                         \
	X(noise_forged, 1, 0, 1, "noise.forged")                                                   \
	X(noise_plan_changed, 1, 0, 1, "noise.plan_changed")                                       \
	X(noise_plan_stopped, 1, 0, 1, "noise.plan_stopped")                                       \
	X(noise_second_creator, 1, 0, 1, "noise.second_creator")

struct trib_market {
	char *currency;
	uint32_t category_count, carrier_count;
	struct trib_market_category categories[TRIB_MARKET_CATEGORIES_MAX];
	struct trib_market_carrier
		carriers[TRIB_MARKET_CARRIERS_MAX]; /* the first is the live room */
	struct trib_words first_names, second_names, regions;
#define X(field, count, least, most, place) double field[count];
	TRIB_MARKET_TABLE(X)
#undef X
};

trib_status trib_market_parse(struct trib_bytes json, struct trib_market **ret_market,
			      struct trib_error *error);
void trib_market_free(struct trib_market *market);

#endif
