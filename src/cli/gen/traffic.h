/*
 * The traffic of one day: links, touches and orders as they arrive, a JSON line each, `at` saying when they
 * happened. A week of sparse clicks goes before the day: some people buy late.
 *
 *	{"at":…,"link":{"n":17,"channel":"live","creator":"c4","goods":"g9","offer":"a9",
 *	                "carrier":["live","live4","c4"],"page":"live_cart"}}
 *	{"at":…,"touch":{"user":"u81","link":17}}
 *	{"at":…,"order":{"id":"o5","user":"u81","goods":"g9","base_amount":1990,"link":17,
 *	                 "carrier":["live","live4","c4"],"page":"checkout"}}
 *	{"at":…,"put":"plans","value":{"id":"p9",…}}
 *
 * A link's line comes once, before its first touch; `link` in a touch or an order says whose token it bears.
 * An order without one asks for the user's touches (`-`). `qty` stands where it is not 1, `scene` where no
 * token tells it, `forge` says which character of the token was changed, and `repeat` marks a line that is sent
 * once more: nothing but the mark differs.
 *
 * Sources (a launch in a live room, a kind of carrier, the orders that nobody led) each yield their events in
 * order; a heap merges them with what is still to come: orders after their clicks, repeats, late arrivals.
 */
#ifndef TRIB_CLI_GEN_TRAFFIC_H
#define TRIB_CLI_GEN_TRAFFIC_H

#include "cli/gen/write.h"

enum { TRIB_TRAFFIC_LEAD_DAYS = 7, TRIB_TRAFFIC_DAYS = TRIB_TRAFFIC_LEAD_DAYS + 1 };

struct trib_traffic_counts {
	uint64_t lines, links, touches, orders, repeats, plan_changes;
	uint64_t distributed; /* orders that a creator's link led to */
	uint64_t delayed, other_goods, forged, self_purchases, second_creators,
		plan_changed_between;
	int64_t last_ms; /* the latest `at` */
};

/* Plans change on the way: the world's are written to. */
void trib_write_traffic(struct trib_world *world, int64_t start_ms, struct trib_sink *sink,
			struct trib_traffic_counts *ret_counts);

#endif
