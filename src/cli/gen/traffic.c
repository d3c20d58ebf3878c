#include "cli/gen/traffic.h"

#include <inttypes.h>
#include <math.h>

/*
 * Times here are ms from the start of the traffic. The day begins after TRIB_TRAFFIC_LEAD_DAYS; an "hour" is one
 * of the day, taken as the local one.
 */
static const int64_t HOUR = 3600000, DAY = 86400000;
static const int64_t DAY_START = TRIB_TRAFFIC_LEAD_DAYS * INT64_C(86400000);

enum {
	ROOMS_LAUNCHES_MAX = 400,
	REPEAT_MS_MAX = 60000,
	OUT_OF_ORDER_MEAN_MS = 20000,
	PROFILE_STEPS = 24 * 60,
	CHANGE_PENDING_MAX =
		3, /* a plan of which more is under way is not changed: it would touch too many */
};
static const double LATE_MEAN_MS = 2 * 3600000.0;
static const double CARRIER_MOVED =
	0.05; /* of those with a second creator, bought in that one's live room */

/* Who clicked what, where. */
struct visit {
	uint64_t user;
	uint32_t entry, seller;
	uint32_t link;
	uint8_t carrier;
};

struct pending_order {
	struct visit visit;
	uint32_t
		moved_entry; /* TRIB_NONE, or the entry in whose seller's live room the order was placed */
	bool self;
};

enum source_kind { SOURCE_BURST, SOURCE_TAIL, SOURCE_DAY, SOURCE_LATE, SOURCE_ORGANIC };

/* Yields `left` events at sorted places u in [0, 1), each mapped to a time by its kind. */
struct source {
	double u;
	int64_t left, orders; /* events to come; how many of them lead to an order */
	int64_t start_ms, end_ms;
	double rise_ms;
	uint32_t entry, seller, room; /* of a launch */
	uint32_t link;
	uint8_t kind, carrier;
};

enum item_kind { ITEM_SOURCE, ITEM_TOUCH, ITEM_ORDER, ITEM_CHANGE, ITEM_TEXT };

struct item {
	int64_t at_ms;
	uint64_t sequence; /* of equal times the earlier made comes first */
	uint32_t index;	   /* in the pool of its kind */
	uint8_t kind;
};

struct heap {
	struct item *items;
	size_t count, capacity;
	uint64_t sequence;
};

/* Slots that are reused; a slot's number stays while it is taken. */
struct pool {
	char *slots;
	uint32_t *free;
	uint32_t count, capacity, free_count;
	size_t size;
};

struct traffic {
	struct trib_world *world;
	const struct trib_market *market;
	struct trib_sink *sink;
	struct trib_traffic_counts counts;
	struct trib_rng rng;
	struct heap heap;
	struct source *sources;
	uint32_t source_count;
	struct pool visits, orders, texts;
	struct trib_alias sellers, popular;
	double profile[PROFILE_STEPS + 1]; /* cumulative share of a day's events */
	uint32_t *links;	/* entry * carriers + carrier → link number, 0: none yet */
	uint32_t *plan_pending; /* orders under way, by plan */
	int64_t start_ms, now_ms;
	uint64_t user, order;
	uint64_t expected,
		change_planned; /* led orders to come; how many of them see a plan change */
};

/* ---- heap and pools ---- */

static bool before(const struct item *a, const struct item *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->sequence < b->sequence;
}

static void heap_push(struct heap *heap, int64_t at_ms, enum item_kind kind, uint32_t index)
{
	struct item item = { at_ms, heap->sequence++, index, (uint8_t)kind };

	if (heap->count == heap->capacity) {
		heap->capacity = heap->capacity ? heap->capacity * 2 : 1024;
		heap->items = trib_realloc(heap->items, heap->capacity * sizeof(*heap->items));
	}
	size_t at = heap->count++;

	while (at > 0 && before(&item, &heap->items[(at - 1) / 2])) {
		heap->items[at] = heap->items[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap->items[at] = item;
}

static struct item heap_pop(struct heap *heap)
{
	struct item top = heap->items[0], last = heap->items[--heap->count];
	size_t at = 0;

	for (;;) {
		size_t child = at * 2 + 1;

		if (child >= heap->count)
			break;
		if (child + 1 < heap->count && before(&heap->items[child + 1], &heap->items[child]))
			child++;
		if (!before(&heap->items[child], &last))
			break;
		heap->items[at] = heap->items[child];
		at = child;
	}
	heap->items[at] = last;
	return top;
}

static uint32_t pool_take(struct pool *pool, const void *value)
{
	uint32_t slot = pool->free_count ? pool->free[--pool->free_count] : pool->count++;

	if (slot >= pool->capacity) {
		pool->capacity = pool->capacity ? pool->capacity * 2 : 256;
		pool->slots = trib_realloc(pool->slots, pool->capacity * pool->size);
		pool->free = trib_realloc(pool->free, pool->capacity * sizeof(*pool->free));
	}
	memcpy(pool->slots + slot * pool->size, value, pool->size);
	return slot;
}

static void pool_give(struct pool *pool, uint32_t slot, void *ret_value)
{
	memcpy(ret_value, pool->slots + slot * pool->size, pool->size);
	pool->free[pool->free_count++] = slot;
}

static void pool_fini(struct pool *pool)
{
	free(pool->slots);
	free(pool->free);
}

/* ---- lines ---- */

/* The line in the sink's buffer from `begin` on: written now, or taken out to arrive later. */
static void arrive(struct traffic *traffic, size_t begin, int64_t delay_ms)
{
	struct trib_buffer *buffer = &traffic->sink->buffer;

	if (!delay_ms) {
		trib_sink_end_line(traffic->sink);
		return;
	}
	struct trib_buffer line;

	trib_buffer_init(&line, 1 << 20);
	trib_buffer_add(&line, buffer->data + begin, buffer->size - begin);
	buffer->size = begin;
	heap_push(&traffic->heap, traffic->now_ms + delay_ms, ITEM_TEXT,
		  pool_take(&traffic->texts, &line));
}

/* How long a line is on its way: mostly not at all. */
static int64_t draw_arrival(struct traffic *traffic)
{
	const struct trib_market *market = traffic->market;
	double u = trib_rng_unit(&traffic->rng), mean = OUT_OF_ORDER_MEAN_MS;
	int64_t least = 1;

	if (u >= market->noise_out_of_order[0] + market->noise_later_than_an_hour[0])
		return 0;
	if (u < market->noise_later_than_an_hour[0]) {
		mean = LATE_MEAN_MS;
		least = HOUR;
	}
	traffic->counts.delayed++;
	return least + trib_draw_round(trib_draw_exponential(&traffic->rng, mean), 0, DAY);
}

/* `{"at":…,"<what>":{` */
static size_t begin_line(struct traffic *traffic, const char *what)
{
	struct trib_buffer *buffer = &traffic->sink->buffer;
	size_t begin = buffer->size;
	int64_t at_ms = traffic->start_ms + traffic->now_ms;

	if (at_ms > traffic->counts.last_ms)
		traffic->counts.last_ms = at_ms;
	trib_buffer_add_text(buffer, "{\"at\":");
	trib_buffer_add_i64(buffer, at_ms);
	trib_buffer_add_text(buffer, ",\"");
	trib_buffer_add_text(buffer, what);
	trib_buffer_add_text(buffer, "\":{");
	return begin;
}

static void add_id(struct trib_buffer *buffer, const char *key, char letter, uint64_t index)
{
	trib_buffer_add_text(buffer, key);
	trib_write_id(buffer, letter, index);
	trib_buffer_add_char(buffer, '"');
}

/* `,"carrier":["live","live4","c4"]`: rooms and shelves are named by their creator, the rest by the entry. */
static void add_carrier(struct traffic *traffic, uint8_t carrier, uint32_t entry, uint32_t seller)
{
	struct trib_buffer *buffer = &traffic->sink->buffer;
	const char *kind = traffic->market->carriers[carrier].kind;
	uint32_t creator = traffic->world->sellers[seller].creator;
	bool of_creator = carrier == 0 || !strcmp(kind, "shelf");

	trib_buffer_add_text(buffer, ",\"carrier\":[\"");
	trib_buffer_add_text(buffer, kind);
	trib_buffer_add_text(buffer, "\",\"");
	trib_buffer_add_text(buffer, kind);
	trib_buffer_add_u64(buffer, of_creator ? creator : entry);
	add_id(buffer, "\",\"", 'c', creator);
	trib_buffer_add_char(buffer, ']');
}

/* The link of an entry and a kind of carrier; its line is written when it is first wanted. */
static uint32_t find_link(struct traffic *traffic, uint32_t entry, uint32_t seller, uint8_t carrier)
{
	struct trib_world *world = traffic->world;
	uint32_t *link = &traffic->links[(size_t)entry * traffic->market->carrier_count + carrier];
	const struct trib_world_plan *plan = &world->plans[world->entries[entry].plan];
	struct trib_buffer *buffer = &traffic->sink->buffer;

	if (*link)
		return *link;
	*link = (uint32_t)++traffic->counts.links;

	size_t begin = begin_line(traffic, "link");

	trib_buffer_add_text(buffer, "\"n\":");
	trib_buffer_add_u64(buffer, *link);
	trib_buffer_add_text(buffer, ",\"channel\":\"");
	trib_buffer_add_text(buffer, traffic->market->carriers[carrier].kind);
	add_id(buffer, "\",\"creator\":\"", 'c', world->sellers[seller].creator);
	add_id(buffer, ",\"goods\":\"", 'g', world->entries[entry].goods);
	if (trib_world_class(plan) == TRIB_CLASS_ACTIVITY) {
		trib_buffer_add_text(buffer, ",\"offer\":\"");
		trib_write_plan_id(buffer, plan);
		trib_buffer_add_char(buffer, '"');
	}
	add_carrier(traffic, carrier, entry, seller);
	trib_buffer_add_text(buffer, ",\"page\":\"");
	trib_buffer_add_text(buffer, traffic->market->carriers[carrier].page);
	trib_buffer_add_text(buffer, "\"}}");
	arrive(traffic, begin, 0);
	return *link;
}

static void write_touch(struct traffic *traffic, const struct visit *visit)
{
	struct trib_buffer *buffer = &traffic->sink->buffer;
	size_t begin = begin_line(traffic, "touch");

	traffic->counts.touches++;
	add_id(buffer, "\"user\":\"", 'u', visit->user);
	trib_buffer_add_text(buffer, ",\"link\":");
	trib_buffer_add_u64(buffer, visit->link);
	trib_buffer_add_text(buffer, "}}");
	arrive(traffic, begin, draw_arrival(traffic));
}

/* ---- orders ---- */

/* What commission is computed on: the price of all, less the coupons that the merchant or creator gave. */
static int64_t draw_base(struct traffic *traffic, uint32_t goods, int *ret_qty)
{
	const struct trib_market *market = traffic->market;
	struct trib_rng *rng = &traffic->rng;
	double u = trib_rng_unit(rng), coupon_bps = 0;
	int64_t qty = u < market->orders_qty3[0]			    ? 3
		      : u < market->orders_qty3[0] + market->orders_qty2[0] ? 2
									    : 1;
	int64_t amount = traffic->world->goods[goods].price * qty;
	const double *range = market->orders_coupon_bps;

	if (trib_rng_chance(rng, market->orders_coupon_merchant[0]))
		coupon_bps += range[0] + trib_rng_unit(rng) * (range[1] - range[0]);
	if (trib_rng_chance(rng, market->orders_coupon_creator[0]))
		coupon_bps += range[0] + trib_rng_unit(rng) * (range[1] - range[0]);
	*ret_qty = (int)qty;
	return amount - amount * (int64_t)coupon_bps / 10000;
}

/* Other goods of the same shop, which stand beside; the same where the shop has no other. */
static uint32_t other_goods_of_shop(const struct trib_world *world, uint32_t goods)
{
	uint32_t merchant = world->goods[goods].merchant;

	if (goods + 1 < world->size.goods && world->goods[goods + 1].merchant == merchant)
		return goods + 1;
	if (goods > 0 && world->goods[goods - 1].merchant == merchant)
		return goods - 1;
	return goods;
}

static void begin_order(struct traffic *traffic, uint32_t goods, uint64_t user, bool self,
			size_t *ret_begin)
{
	struct trib_buffer *buffer = &traffic->sink->buffer;
	int qty;
	int64_t base = draw_base(traffic, goods, &qty);

	*ret_begin = begin_line(traffic, "order");
	traffic->counts.orders++;
	add_id(buffer, "\"id\":\"", 'o', ++traffic->order);
	trib_buffer_add_text(buffer, self ? ",\"user\":\"self" : ",\"user\":\"u");
	trib_buffer_add_u64(buffer, user);
	add_id(buffer, "\",\"goods\":\"", 'g', goods);
	trib_buffer_add_text(buffer, ",\"base_amount\":");
	trib_buffer_add_i64(buffer, base);
	if (qty > 1) {
		trib_buffer_add_text(buffer, ",\"qty\":");
		trib_buffer_add_i64(buffer, qty);
	}
}

/* Some lines come twice. */
static void end_order(struct traffic *traffic, size_t begin)
{
	struct trib_buffer *buffer = &traffic->sink->buffer;

	trib_buffer_add_text(buffer, ",\"page\":\"checkout\"}}");
	if (trib_rng_chance(&traffic->rng, traffic->market->noise_repeat[0])) {
		size_t size = buffer->size - begin;

		traffic->counts.repeats++;
		trib_buffer_reserve(buffer, size); /* so that what is copied stays where it is */
		trib_buffer_add(buffer, buffer->data + begin, size - 2);
		trib_buffer_add_text(buffer, ",\"repeat\":1}}");
		arrive(traffic, begin + size,
		       1 + (int64_t)trib_rng_below(&traffic->rng, REPEAT_MS_MAX));
	}
	arrive(traffic, begin, draw_arrival(traffic));
}

static void write_led_order(struct traffic *traffic, const struct pending_order *order)
{
	const struct trib_market *market = traffic->market;
	struct trib_world *world = traffic->world;
	struct trib_buffer *buffer = &traffic->sink->buffer;
	struct trib_rng *rng = &traffic->rng;
	const struct visit *visit = &order->visit;
	uint32_t goods = world->entries[visit->entry].goods, moved = order->moved_entry;
	bool by_token = trib_rng_chance(rng, market->orders_token[0]), other = false;
	uint64_t user = order->self ? world->sellers[visit->seller].creator : visit->user;
	size_t begin;

	if (trib_rng_chance(rng, market->noise_other_goods[0])) {
		other = other_goods_of_shop(world, goods) != goods;
		goods = other_goods_of_shop(world, goods);
	}
	begin_order(traffic, goods, user, order->self, &begin);
	traffic->counts.distributed++;
	traffic->counts.other_goods += other;
	traffic->counts.self_purchases += order->self;
	traffic->plan_pending[world->entries[visit->entry].plan]--;
	if (by_token) {
		trib_buffer_add_text(buffer, ",\"link\":");
		trib_buffer_add_u64(buffer, visit->link);
		if (trib_rng_chance(rng, market->noise_forged[0])) {
			traffic->counts.forged++;
			trib_buffer_add_format(buffer, ",\"forge\":%d",
					       (int)trib_rng_below(rng, 40));
		}
	} else {
		trib_buffer_add_text(buffer, ",\"scene\":\"");
		trib_buffer_add_text(buffer, market->carriers[visit->carrier].scene);
		trib_buffer_add_char(buffer, '"');
	}
	if (moved != TRIB_NONE)
		add_carrier(traffic, 0, moved, trib_world_entry_seller(world, moved));
	else
		add_carrier(traffic, visit->carrier, visit->entry, visit->seller);
	end_order(traffic, begin);
}

/* Nobody led the buyer here: the merchant's own live room, or a search of one's own. */
static void write_organic_order(struct traffic *traffic)
{
	struct trib_world *world = traffic->world;
	struct trib_buffer *buffer = &traffic->sink->buffer;
	uint32_t goods = world->goods_by_rank[trib_alias_draw(&traffic->popular, &traffic->rng)];
	bool own = trib_rng_chance(&traffic->rng, traffic->market->orders_own_shop[0]);
	uint32_t merchant = world->goods[goods].merchant;
	size_t begin;

	begin_order(traffic, goods, ++traffic->user, false, &begin);
	trib_buffer_add_text(buffer, own ? ",\"scene\":\"live\",\"carrier\":[\"live\",\"own"
					 : ",\"scene\":\"shelf\",\"carrier\":[\"search\",\"word");
	trib_buffer_add_u64(buffer, own ? merchant : goods);
	add_id(buffer, "\",\"", 'm', merchant);
	trib_buffer_add_char(buffer, ']');
	end_order(traffic, begin);
}

/* ---- clicks ---- */

static enum trib_entry_class draw_class(struct traffic *traffic)
{
	const struct trib_market *market = traffic->market;
	double u = trib_rng_unit(&traffic->rng);

	if ((u -= market->orders_general[0]) < 0)
		return TRIB_CLASS_GENERAL;
	if ((u -= market->orders_activity[0]) < 0)
		return TRIB_CLASS_ACTIVITY;
	return u < market->orders_targeted[0] ? TRIB_CLASS_TARGETED : TRIB_CLASS_MANAGED;
}

/* An entry of the class, its seller by share of orders; another class only where no shelf has that one. */
static uint32_t draw_entry(struct traffic *traffic, enum trib_entry_class class,
			   uint32_t *ret_seller)
{
	struct trib_world *world = traffic->world;

	for (int tries = 0; tries < 32; tries++) {
		uint32_t seller = trib_alias_draw(&traffic->sellers, &traffic->rng);
		uint32_t entry = trib_world_pick(world, seller, class, &traffic->rng);

		if (entry != TRIB_NONE) {
			*ret_seller = seller;
			return entry;
		}
	}
	uint32_t entry = world->class_example[class];

	if (entry == TRIB_NONE)
		entry = (uint32_t)trib_rng_below(&traffic->rng, world->entry_count);
	*ret_seller = trib_world_entry_seller(world, entry);
	return entry;
}

static int64_t draw_order_delay(struct traffic *traffic, uint8_t carrier)
{
	double delay =
		trib_draw_lognormal(&traffic->rng, traffic->market->carriers[carrier].delay_ms,
				    traffic->market->delay_sigma[0]);

	return trib_draw_round(delay, 1000, DAY);
}

/* Another creator's link, clicked by the same user between the click and the order. */
static void visit_second_creator(struct traffic *traffic, struct pending_order *order,
				 int64_t delay_ms)
{
	struct visit second = { .user = order->visit.user };

	for (int tries = 0; tries < 8; tries++) {
		second.entry = draw_entry(traffic, draw_class(traffic), &second.seller);
		if (second.seller != order->visit.seller)
			break;
	}
	if (second.seller == order->visit.seller)
		return;
	second.carrier = (uint8_t)trib_rng_below(&traffic->rng, traffic->market->carrier_count);
	traffic->counts.second_creators++;
	if (order->visit.carrier == 0 && trib_rng_chance(&traffic->rng, CARRIER_MOVED))
		order->moved_entry = second.entry;
	heap_push(&traffic->heap,
		  traffic->now_ms + (int64_t)trib_rng_below(&traffic->rng, (uint64_t)delay_ms),
		  ITEM_TOUCH, pool_take(&traffic->visits, &second));
}

/* The click leads to an order: when, and what happens in between. */
static void expect_order(struct traffic *traffic, const struct visit *visit, int64_t delay_ms)
{
	const struct trib_market *market = traffic->market;
	uint32_t plan = traffic->world->entries[visit->entry].plan;
	struct pending_order order = { .visit = *visit, .moved_entry = TRIB_NONE };

	order.self = trib_rng_chance(&traffic->rng, market->noise_self_purchase[0]);
	if (trib_rng_chance(&traffic->rng, market->noise_second_creator[0]))
		visit_second_creator(traffic, &order, delay_ms);
	traffic->plan_pending[plan]++;
	traffic->expected++;
	if (traffic->plan_pending[plan] <= CHANGE_PENDING_MAX &&
	    (double)traffic->change_planned <
		    market->noise_plan_changed[0] * (double)traffic->expected) {
		traffic->change_planned += traffic->plan_pending[plan];
		heap_push(&traffic->heap, traffic->now_ms + delay_ms / 2, ITEM_CHANGE, plan);
	}
	heap_push(&traffic->heap, traffic->now_ms + delay_ms, ITEM_ORDER,
		  pool_take(&traffic->orders, &order));
}

/* A rise, a cut, or now and then an end: most are plans of one merchant's own goods. */
static void change_plan(struct traffic *traffic, uint32_t index)
{
	struct trib_world_plan *plan = &traffic->world->plans[index];
	struct trib_buffer *buffer = &traffic->sink->buffer;
	struct trib_rng *rng = &traffic->rng;
	int64_t at_ms = traffic->start_ms + traffic->now_ms;

	if (!traffic->plan_pending[index] || plan->status != TRIB_WORLD_ACTIVE)
		return;
	if (trib_world_class(plan) == TRIB_CLASS_GENERAL &&
	    trib_rng_chance(rng, traffic->market->noise_plan_stopped[0]))
		plan->status = trib_rng_chance(rng, 0.5) ? TRIB_WORLD_PAUSED : TRIB_WORLD_ENDED;
	else if (trib_rng_chance(rng, 0.5))
		plan->commission_bps = (uint16_t)TRIB_MIN(plan->commission_bps + 100, 9000);
	else
		plan->commission_bps = (uint16_t)(plan->commission_bps / 100 * 50 + 50);
	traffic->counts.plan_changes++;
	traffic->counts.plan_changed_between += traffic->plan_pending[index];
	trib_buffer_add_format(buffer, "{\"at\":%" PRId64 ",\"put\":\"plans\",\"value\":", at_ms);
	trib_write_plan(traffic->world, index, at_ms, buffer);
	trib_buffer_add_char(buffer, '}');
	trib_sink_end_line(traffic->sink);
}

/* ---- sources ---- */

/* Where in the day the share u of its events has come. */
static int64_t profile_time(const struct traffic *traffic, double u)
{
	int low = 0, high = PROFILE_STEPS;

	while (low + 1 < high) {
		int middle = (low + high) / 2;

		if (traffic->profile[middle] <= u)
			low = middle;
		else
			high = middle;
	}
	double step = traffic->profile[low + 1] - traffic->profile[low];
	double part = step > 0 ? (u - traffic->profile[low]) / step : 0;

	return (int64_t)((low + part) * (double)(DAY / PROFILE_STEPS));
}

/* A linear rise, then a decay by halves. */
static int64_t burst_time(const struct traffic *traffic, const struct source *source)
{
	double decay_ms = traffic->market->live_half_life_ms[0] / 0.69314718055994530942;
	double rise = source->rise_ms / 2 / (source->rise_ms / 2 + decay_ms);

	if (source->u < rise)
		return (int64_t)(source->rise_ms * sqrt(source->u / rise));
	return (int64_t)(source->rise_ms - decay_ms * trib_draw_log((1 - source->u) / (1 - rise)));
}

static int64_t source_time(const struct traffic *traffic, const struct source *source)
{
	switch ((enum source_kind)source->kind) {
	case SOURCE_BURST:
		return TRIB_MIN(source->start_ms + burst_time(traffic, source), source->end_ms);
	case SOURCE_TAIL:
	case SOURCE_LATE:
		return source->start_ms +
		       (int64_t)(source->u * (double)(source->end_ms - source->start_ms));
	case SOURCE_DAY:
	case SOURCE_ORGANIC:
		break;
	}
	return DAY_START + profile_time(traffic, source->u);
}

/* To the next of n sorted uniform places: 1 − u shrinks by the largest of the n that are left. */
static void source_advance(struct traffic *traffic, uint32_t index)
{
	struct source *source = &traffic->sources[index];

	if (source->left <= 0)
		return;
	double r = 1 - trib_rng_unit(&traffic->rng);

	source->u = 1 - (1 - source->u) * trib_draw_pow(r, 1 / (double)source->left);
	if (source->u >= 1)
		source->u = 0x1.fffffffffffffp-1;
	heap_push(&traffic->heap, source_time(traffic, source), ITEM_SOURCE, index);
}

static void source_event(struct traffic *traffic, uint32_t index)
{
	struct source *source = &traffic->sources[index];
	struct visit visit = { .carrier = source->carrier };
	bool leads =
		trib_rng_below(&traffic->rng, (uint64_t)source->left) < (uint64_t)source->orders;

	source->left--;
	source->orders -= leads;
	if (source->kind == SOURCE_ORGANIC) {
		write_organic_order(traffic);
		return;
	}
	visit.user = ++traffic->user;
	visit.entry = source->entry;
	visit.seller = source->seller;
	if (source->entry == TRIB_NONE)
		visit.entry = draw_entry(traffic, draw_class(traffic), &visit.seller);
	visit.link = find_link(traffic, visit.entry, visit.seller, visit.carrier);
	write_touch(traffic, &visit);
	if (!leads)
		return;
	if (source->kind == SOURCE_LATE)
		expect_order(traffic, &visit,
			     DAY_START + profile_time(traffic, trib_rng_unit(&traffic->rng)) -
				     traffic->now_ms);
	else
		expect_order(traffic, &visit, draw_order_delay(traffic, visit.carrier));
}

static void add_source(struct traffic *traffic, const struct source *source)
{
	if (source->left > 0)
		traffic->sources[traffic->source_count++] = *source;
}

/* ---- the plan of the day ---- */

static int64_t draw_session_start(struct traffic *traffic, uint32_t rank)
{
	const struct trib_market *market = traffic->market;
	struct trib_rng *rng = &traffic->rng;
	const double *hours = NULL;
	double u = trib_rng_unit(rng), at;

	if (rank < (uint32_t)market->live_top_rooms[0])
		return (int64_t)market->live_top_rooms_hour[0] * HOUR;
	if (u < market->live_evening[0])
		hours = market->live_evening_hours;
	else if (u < market->live_evening[0] + market->live_morning[0])
		hours = market->live_morning_hours;
	at = hours ? hours[0] + trib_rng_unit(rng) * (hours[1] - hours[0])
		   : trib_rng_unit(rng) * 22;
	return (int64_t)(at * (double)HOUR);
}

struct launch {
	int64_t start_ms, end_ms;
	double weight;
	uint32_t seller;
	bool flash;
};

/* The rooms of the day: who is live, when, and when each item comes up. */
static struct launch *plan_launches(struct traffic *traffic, uint32_t *ret_count,
				    double *ret_weight)
{
	const struct trib_market *market = traffic->market;
	struct trib_world *world = traffic->world;
	struct trib_rng *rng = &traffic->rng;
	int64_t every = (int64_t)market->live_launch_every_s[0] * 1000;
	struct launch *launches = NULL;
	uint32_t count = 0, capacity = 0;

	*ret_weight = 0;
	for (uint32_t i = 0; i < world->seller_count; i++) {
		if (i && !trib_rng_chance(rng, market->live_sellers[0]))
			continue;
		int64_t start = draw_session_start(traffic, i);
		double hours = trib_draw_lognormal(rng, market->live_duration_hours_median[0],
						   market->live_duration_sigma[0]);
		int64_t end = TRIB_MIN(start + (int64_t)(hours * (double)HOUR), DAY - 1);
		uint32_t items = (uint32_t)TRIB_MIN((end - start) / every + 1, ROOMS_LAUNCHES_MAX);

		for (uint32_t k = 0; k < items; k++) {
			if (count == capacity) {
				capacity = capacity ? capacity * 2 : 1024;
				launches = trib_realloc(launches, capacity * sizeof(*launches));
			}
			int64_t jitter = k ? (int64_t)trib_rng_below(rng, (uint64_t)every / 2) : 0;

			launches[count] = (struct launch){
				.start_ms = DAY_START + TRIB_MIN(start + k * every + jitter, end),
				.end_ms = DAY_START + end,
				.weight = world->sellers[i].weight / items,
				.seller = i,
				.flash = trib_rng_chance(rng, market->live_flash[0]),
			};
			*ret_weight += launches[count++].weight;
		}
	}
	*ret_count = count;
	return launches;
}

/* The class that is furthest behind its share among those that the seller has. */
static uint32_t launch_entry(struct traffic *traffic, uint32_t seller, double weight,
			     struct trib_quota quotas[TRIB_CLASSES])
{
	uint32_t best = TRIB_NONE;
	double most = -INFINITY;
	int chosen = 0;

	for (int class = 0; class < TRIB_CLASSES; class ++) {
		struct trib_quota *quota = &quotas[class];
		double behind = quota->share * (quota->offered + weight) - quota->taken;

		quota->offered += weight;
		if (behind <= most)
			continue;
		uint32_t entry = trib_world_pick(traffic->world, seller, class, &traffic->rng);

		if (entry != TRIB_NONE) {
			best = entry;
			most = behind;
			chosen = class;
		}
	}
	quotas[chosen].taken += weight;
	return best;
}

static void plan_live(struct traffic *traffic, int64_t orders)
{
	const struct trib_market *market = traffic->market;
	uint32_t count;
	double weight;
	TRIB_AUTOFREE struct launch *launches = plan_launches(traffic, &count, &weight);
	struct trib_portion portion = { .total = (double)orders, .all = weight };
	struct trib_quota quotas[TRIB_CLASSES] = {
		[TRIB_CLASS_GENERAL] = { .share = market->orders_general[0] },
		[TRIB_CLASS_MANAGED] = { .share = market->orders_managed[0] },
		[TRIB_CLASS_ACTIVITY] = { .share = market->orders_activity[0] },
		[TRIB_CLASS_TARGETED] = { .share = market->orders_targeted[0] },
	};

	traffic->sources =
		trib_realloc(traffic->sources, ((size_t)count * 2 + traffic->source_count + 64) *
						       sizeof(*traffic->sources));
	for (uint32_t i = 0; i < count; i++) {
		const struct launch *launch = &launches[i];
		double conversion = launch->flash ? market->live_flash_conversion[0]
						  : market->carriers[0].conversion;
		int64_t mine = trib_portion_next(&portion, launch->weight);
		int64_t clicks = (int64_t)((double)mine / conversion + 0.5);
		struct source source = { .kind = SOURCE_BURST,
					 .seller = launch->seller,
					 .start_ms = launch->start_ms,
					 .end_ms = launch->end_ms };

		if (!mine)
			continue;
		source.entry = launch_entry(traffic, launch->seller, (double)mine, quotas);
		source.rise_ms = market->live_rise_ms[0] +
				 trib_rng_unit(&traffic->rng) *
					 (market->live_rise_ms[1] - market->live_rise_ms[0]);
		source.left = (int64_t)((double)clicks * market->live_burst[0] + 0.5);
		source.orders = TRIB_MIN((int64_t)((double)mine * market->live_burst[0] + 0.5),
					 source.left);
		add_source(traffic, &source);
		source.kind = SOURCE_TAIL;
		source.left = clicks - source.left;
		source.orders = mine - source.orders;
		source.left = TRIB_MAX(source.left, source.orders);
		add_source(traffic, &source);
	}
}

/* Orders by source: half are nobody's; of the rest each kind of carrier has its share, some of it late. */
static void plan_day(struct traffic *traffic)
{
	const struct trib_market *market = traffic->market;
	double orders = (double)traffic->world->size.orders;
	int64_t led = (int64_t)(orders * (1 - market->orders_not_distributed[0]) + 0.5), late = 0;
	struct trib_portion portion = { .total = (double)led };

	for (uint32_t i = 0; i < market->carrier_count; i++)
		portion.all += market->carriers[i].orders;
	for (uint32_t i = 0; i < market->carrier_count; i++) {
		int64_t mine = trib_portion_next(&portion, market->carriers[i].orders);

		late = (int64_t)((double)mine * market->delay_after_a_day[0] + 0.5);

		struct source source = { .kind = SOURCE_LATE,
					 .carrier = (uint8_t)i,
					 .entry = TRIB_NONE,
					 .left = late,
					 .orders = late,
					 .end_ms = (TRIB_TRAFFIC_LEAD_DAYS - 1) * DAY };

		if (i == 0)
			plan_live(traffic, mine - late);
		add_source(traffic, &source);
		if (i == 0)
			continue;
		source.kind = SOURCE_DAY;
		source.orders = mine - late;
		source.left =
			(int64_t)((double)source.orders / market->carriers[i].conversion + 0.5);
		add_source(traffic, &source);
	}
	add_source(traffic, &(struct source){ .kind = SOURCE_ORGANIC,
					      .entry = TRIB_NONE,
					      .left = (int64_t)traffic->world->size.orders - led });
}

static void prepare(struct traffic *traffic)
{
	struct trib_world *world = traffic->world;
	const struct trib_market *market = world->market;
	uint32_t goods = world->size.goods, sellers = world->seller_count;
	TRIB_AUTOFREE double *weights =
		trib_alloc_zeroed(TRIB_MAX(goods, sellers), sizeof(*weights));
	double sum = 0;

	traffic->market = market;
	traffic->visits.size = sizeof(struct visit);
	traffic->orders.size = sizeof(struct pending_order);
	traffic->texts.size = sizeof(struct trib_buffer);
	trib_world_rng(world, TRIB_RNG_TRAFFIC, &traffic->rng);
	traffic->links = trib_alloc_zeroed((size_t)world->entry_count * market->carrier_count,
					   sizeof(*traffic->links));
	traffic->plan_pending =
		trib_alloc_zeroed(world->plan_count, sizeof(*traffic->plan_pending));
	for (uint32_t i = 0; i < sellers; i++)
		weights[i] = world->sellers[i].weight;
	trib_alias_init(&traffic->sellers, weights, sellers);
	for (uint32_t i = 0; i < goods; i++)
		weights[i] = trib_draw_pow(i + 1, -market->shelf_orders_zipf[0]);
	trib_alias_init(&traffic->popular, weights, goods);
	for (int i = 0; i < TRIB_MARKET_HOURS; i++)
		sum += market->hours[i];
	for (int i = 0; i < PROFILE_STEPS; i++)
		traffic->profile[i + 1] =
			traffic->profile[i] + market->hours[i * TRIB_MARKET_HOURS / PROFILE_STEPS] /
						      sum * TRIB_MARKET_HOURS / PROFILE_STEPS;
}

static void release(struct traffic *traffic)
{
	free(traffic->heap.items);
	free(traffic->sources);
	free(traffic->links);
	free(traffic->plan_pending);
	pool_fini(&traffic->visits);
	pool_fini(&traffic->orders);
	pool_fini(&traffic->texts);
	trib_alias_fini(&traffic->sellers);
	trib_alias_fini(&traffic->popular);
}

static void handle(struct traffic *traffic, const struct item *item)
{
	struct trib_buffer line;
	struct pending_order order;
	struct visit visit;

	switch ((enum item_kind)item->kind) {
	case ITEM_SOURCE:
		source_event(traffic, item->index);
		source_advance(traffic, item->index);
		break;
	case ITEM_TOUCH:
		pool_give(&traffic->visits, item->index, &visit);
		visit.link = find_link(traffic, visit.entry, visit.seller, visit.carrier);
		write_touch(traffic, &visit);
		break;
	case ITEM_ORDER:
		pool_give(&traffic->orders, item->index, &order);
		write_led_order(traffic, &order);
		break;
	case ITEM_CHANGE:
		change_plan(traffic, item->index);
		break;
	case ITEM_TEXT:
		pool_give(&traffic->texts, item->index, &line);
		trib_buffer_add_bytes(&traffic->sink->buffer, trib_buffer_bytes(&line));
		trib_sink_end_line(traffic->sink);
		trib_buffer_fini(&line);
		break;
	}
}

void trib_write_traffic(struct trib_world *world, int64_t start_ms, struct trib_sink *sink,
			struct trib_traffic_counts *ret_counts)
{
	struct traffic traffic = { .world = world, .sink = sink, .start_ms = start_ms };
	uint64_t lines_before = sink->lines;

	prepare(&traffic);
	plan_day(&traffic);
	for (uint32_t i = 0; i < traffic.source_count; i++)
		source_advance(&traffic, i);
	while (traffic.heap.count && !sink->failed) {
		struct item item = heap_pop(&traffic.heap);

		traffic.now_ms = item.at_ms;
		handle(&traffic, &item);
	}
	traffic.counts.lines = sink->lines - lines_before;
	*ret_counts = traffic.counts;
	release(&traffic);
}
