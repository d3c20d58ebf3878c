/*
 * What is counted, and what rules are told of it: events → counters, counters → facts.
 *
 * Nothing is counted before a tree that asks for counters has been activated; from then on everything is, for all trees.
 * Both follow from the journal alone, so that replay counts the same. An order is told what had happened before it: its
 * own order is counted when it is applied.
 */
#include "engine/counters.h"
#include "engine/state.h"

/* The EXT of an order that names the buyer's device. */
static const char device_key[] = "device";

void counting_begin(struct trib_engine *engine)
{
	uint32_t count;
	const struct trib_rules_activation *activations = trib_rules_activations(engine->rules, &count);

	for (uint32_t i = 0; i < count; i++) {
		trib_fact_set facts = trib_rules_activation_facts(engine->rules, &activations[i]);

		if (!engine->counters && (facts & trib_fact_group_masks[TRIB_GROUP_COUNTER]))
			engine->counters = trib_counters_new(TRIB_LIMIT_COUNTERS);
		if (facts & TRIB_FACT_BIT(TRIB_FACT_ORDER_NEW_TO_SHOP))
			stateful_begin_buyers(engine);
	}
}

/* 0: the order names none. */
static uint64_t device_of(const struct trib_engine *engine, const struct trib_order_record *record)
{
	for (uint32_t i = 0; i < record->n_ext; i++)
		if (trib_bytes_is(record->ext[i].key, device_key) && record->ext[i].value.size)
			return trib_hash_keyed(record->ext[i].value, engine->user_key) | 1;
	return 0;
}

/* 0 is no key: the one user in 2^64 who has it shares a counter. */
static uint64_t key_of_user(uint64_t user)
{
	return user ? user : 1;
}

/* --- Events ------------------------------------------------------------------------------------------- */

void counting_touch(struct trib_engine *engine, const struct trib_touch_event *event)
{
	struct trib_counters *counters = engine->counters;
	const struct trib_touch *touch = &event->touch;
	uint64_t user = key_of_user(event->user), device;

	if (TRIB_LIKELY(!counters))
		return;
	trib_counters_add_user(counters, TRIB_COUNTED_LINK, touch->link, user, touch->at_ms);
	if (touch->kind != TRIB_TOUCH_CLICK)
		return;
	trib_counters_add(counters, TRIB_COUNTED_USER, user, TRIB_COUNT_CLICKS, touch->at_ms);
	trib_counters_add(counters, TRIB_COUNTED_CREATOR, touch->creator, TRIB_COUNT_CLICKS, touch->at_ms);
	if ((device = trib_counters_device(counters, user)))
		trib_counters_add(counters, TRIB_COUNTED_DEVICE, device, TRIB_COUNT_CLICKS, touch->at_ms);
}

/* One order each, for every creator whom it credits, however many of his touches won. */
static void count_credits(struct trib_counters *counters, const struct trib_order_record *record)
{
	for (uint32_t i = 0; i < record->n_slices; i++) {
		uint32_t creator = record->touches[record->slices[i].touch].touch.creator, before = 0;

		while (before < i && record->touches[record->slices[before].touch].touch.creator != creator)
			before++;
		if (before == i)
			trib_counters_add(counters, TRIB_COUNTED_CREATOR, creator, TRIB_COUNT_ORDERS, record->at_ms);
	}
}

void counting_order(struct trib_engine *engine, const struct trib_order_record *record)
{
	struct trib_counters *counters = engine->counters;
	uint64_t user = key_of_user(record->user), device;

	if (TRIB_LIKELY(!counters))
		return;
	device = device_of(engine, record);
	trib_counters_add(counters, TRIB_COUNTED_USER, user, TRIB_COUNT_ORDERS, record->at_ms);
	for (uint32_t i = 0; i < record->n_touches; i++)
		if (record->touches[i].by_token)
			trib_counters_add_user(counters, TRIB_COUNTED_LINK, record->touches[i].touch.link, user,
					       record->at_ms);
	count_credits(counters, record);
	if (!device)
		return;
	trib_counters_set_device(counters, user, device, record->at_ms);
	trib_counters_add(counters, TRIB_COUNTED_DEVICE, device, TRIB_COUNT_ORDERS, record->at_ms);
	trib_counters_add_user(counters, TRIB_COUNTED_DEVICE_USERS, device, user, record->at_ms);
}

/* --- Facts -------------------------------------------------------------------------------------------- */

/* X(fact, whose, what, window) */
#define WINDOW_FACTS(X)                                                                            \
	X(USER_CLICKS_1M, USER, CLICKS, MINUTE)                                                    \
	X(USER_CLICKS_10M, USER, CLICKS, TEN_MINUTES)                                              \
	X(USER_CLICKS_1H, USER, CLICKS, HOUR)                                                      \
	X(USER_CLICKS_24H, USER, CLICKS, DAY)                                                      \
	X(USER_CLICKS_7D, USER, CLICKS, WEEK)                                                      \
	X(USER_ORDERS_1M, USER, ORDERS, MINUTE)                                                    \
	X(USER_ORDERS_10M, USER, ORDERS, TEN_MINUTES)                                              \
	X(USER_ORDERS_1H, USER, ORDERS, HOUR)                                                      \
	X(USER_ORDERS_24H, USER, ORDERS, DAY)                                                      \
	X(CREATOR_CLICKS_1M, CREATOR, CLICKS, MINUTE)                                              \
	X(CREATOR_CLICKS_10M, CREATOR, CLICKS, TEN_MINUTES)                                        \
	X(CREATOR_CLICKS_1H, CREATOR, CLICKS, HOUR)                                                \
	X(CREATOR_CLICKS_24H, CREATOR, CLICKS, DAY)                                                \
	X(CREATOR_CLICKS_7D, CREATOR, CLICKS, WEEK)                                                \
	X(CREATOR_ORDERS_1M, CREATOR, ORDERS, MINUTE)                                              \
	X(CREATOR_ORDERS_10M, CREATOR, ORDERS, TEN_MINUTES)                                        \
	X(CREATOR_ORDERS_1H, CREATOR, ORDERS, HOUR)                                                \
	X(CREATOR_ORDERS_24H, CREATOR, ORDERS, DAY)                                                \
	X(DEVICE_CLICKS_1M, DEVICE, CLICKS, MINUTE)                                                \
	X(DEVICE_CLICKS_10M, DEVICE, CLICKS, TEN_MINUTES)                                          \
	X(DEVICE_CLICKS_1H, DEVICE, CLICKS, HOUR)                                                  \
	X(DEVICE_CLICKS_24H, DEVICE, CLICKS, DAY)                                                  \
	X(DEVICE_CLICKS_7D, DEVICE, CLICKS, WEEK)                                                  \
	X(DEVICE_ORDERS_1M, DEVICE, ORDERS, MINUTE)                                                \
	X(DEVICE_ORDERS_10M, DEVICE, ORDERS, TEN_MINUTES)                                          \
	X(DEVICE_ORDERS_1H, DEVICE, ORDERS, HOUR)                                                  \
	X(DEVICE_ORDERS_24H, DEVICE, ORDERS, DAY)

static const struct window_fact {
	uint8_t fact, subject, count, window;
} window_facts[] = {
#define X(fact, subject, count, window)                                                            \
	{ TRIB_FACT_COUNTER_##fact, TRIB_COUNTED_##subject, TRIB_COUNT_##count, TRIB_COUNTER_##window },
	WINDOW_FACTS(X)
#undef X
};

static void set_seen(const struct trib_counters *counters, enum trib_counted subject, uint64_t key,
		     enum trib_fact fact, struct trib_facts *facts)
{
	int64_t at_ms;

	if (key && trib_counters_first(counters, subject, key, &at_ms))
		trib_facts_set(facts, fact, at_ms);
}

static void fill_counters(const struct trib_engine *engine, const struct trib_order_record *record,
			  const struct trib_touch *touch, trib_fact_set wanted, struct trib_facts *facts)
{
	const struct trib_counters *counters = engine->counters;
	uint64_t keys[TRIB_COUNTED_LINK] = {
		[TRIB_COUNTED_USER] = key_of_user(record->user),
		[TRIB_COUNTED_DEVICE] = device_of(engine, record),
		[TRIB_COUNTED_CREATOR] = touch ? touch->creator : 0,
	};
	int64_t click_ms;

	trib_facts_open(facts, TRIB_GROUP_COUNTER);
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(window_facts); i++) {
		const struct window_fact *row = &window_facts[i];
		uint64_t key = keys[row->subject];

		if (key && trib_fact_in(&wanted, row->fact))
			trib_facts_set(facts, (enum trib_fact)row->fact,
				       (int64_t)trib_counters_get(counters, (enum trib_counted)row->subject, key,
								  (enum trib_count)row->count,
								  (enum trib_counter_window)row->window,
								  record->at_ms));
	}
	set_seen(counters, TRIB_COUNTED_USER, keys[TRIB_COUNTED_USER], TRIB_FACT_COUNTER_USER_FIRST_SEEN, facts);
	set_seen(counters, TRIB_COUNTED_DEVICE_USERS, keys[TRIB_COUNTED_DEVICE], TRIB_FACT_COUNTER_DEVICE_FIRST_SEEN,
		 facts);
	if (trib_counters_last_click(counters, TRIB_COUNTED_USER, keys[TRIB_COUNTED_USER], record->at_ms, &click_ms))
		trib_facts_set(facts, TRIB_FACT_COUNTER_CLICK_TO_ORDER, record->at_ms - click_ms);
	if (touch)
		trib_facts_set(facts, TRIB_FACT_COUNTER_TOKEN_USERS,
			       trib_counters_users(counters, TRIB_COUNTED_LINK, touch->link));
	if (keys[TRIB_COUNTED_DEVICE])
		trib_facts_set(facts, TRIB_FACT_COUNTER_DEVICE_USERS,
			       trib_counters_users(counters, TRIB_COUNTED_DEVICE_USERS, keys[TRIB_COUNTED_DEVICE]));
}

/* Whose own account is the buyer's? */
static void fill_buyer(const struct trib_engine *engine, const struct trib_order_record *record,
		       const struct trib_touch *touch, struct trib_facts *facts)
{
	const struct trib_domain *domain = engine->domain;
	const struct trib_goods *goods = trib_domain_goods(domain, record->goods);
	enum trib_word buyer = TRIB_WORD_NONE;

	if (trib_domain_party_has_user(domain, goods->merchant, record->user))
		buyer = TRIB_WORD_MERCHANT;
	else if (touch && trib_domain_party_has_user(domain, touch->creator, record->user))
		buyer = TRIB_WORD_CREATOR;
	trib_facts_set_string(facts, TRIB_FACT_ORDER_BUYER, buyer, trib_bytes("", 0));
	trib_facts_set_bool(facts, TRIB_FACT_ORDER_SELF_PURCHASE, buyer != TRIB_WORD_NONE);
}

void counting_facts(const void *context, const struct trib_order_record *record, const struct trib_touch *touch,
		    trib_fact_set wanted, struct trib_facts *facts)
{
	const struct trib_engine *engine = context;

	if (engine->counters && (wanted & trib_fact_group_masks[TRIB_GROUP_COUNTER]))
		fill_counters(engine, record, touch, wanted, facts);
	if (wanted & (TRIB_FACT_BIT(TRIB_FACT_ORDER_BUYER) | TRIB_FACT_BIT(TRIB_FACT_ORDER_SELF_PURCHASE)))
		fill_buyer(engine, record, touch, facts);
	if (engine->buyers && trib_fact_in(&wanted, TRIB_FACT_ORDER_NEW_TO_SHOP))
		trib_facts_set_bool(facts, TRIB_FACT_ORDER_NEW_TO_SHOP,
				    stateful_is_new_to_shop(engine, record, INT64_MAX / 2));
}

/* --- Checkpoints -------------------------------------------------------------------------------------- */

trib_status counting_load(struct trib_engine *engine, struct trib_bytes key, struct trib_bytes value,
			  struct trib_error *error)
{
	if (engine->counters && key.size == 4 &&
	    trib_counters_load(engine->counters, trib_key_read_u32(key.data), value))
		return TRIB_OK;
	return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no counter");
}
