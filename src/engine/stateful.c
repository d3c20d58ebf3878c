#include "engine/stateful.h"

#include "engine/state.h"
#include "expr/expr.h"
#include "proto/wire.h"

enum { CHANGES_MAX = 256, PERIODS = 8, CHANGE_BYTES_MAX = 160, MINUTE_MS = 60000,
       VERSIONS_SEARCHED_MAX = 1000 };

/* The period of a zone that holds a moment, as it was last asked for: calendars are slow. */
struct period {
	uint32_t zone;
	enum trib_period kind;
	int64_t from_ms, to_ms; /* both 0: not asked for yet */
};

struct stateful {
	struct trib_order_line lines[TRIB_ORDER_LINES_MAX];
	struct trib_tally_change changes[CHANGES_MAX];
	size_t n_changes;
	struct trib_buffer bytes;
	struct period periods[PERIODS];
	unsigned next_period;
};

void stateful_init(struct trib_engine *engine)
{
	engine->stateful = trib_alloc_zeroed(1, sizeof(*engine->stateful));
	trib_buffer_init(&engine->stateful->bytes, TRIB_LIMIT_BATCH_BYTES);
}

void stateful_fini(struct trib_engine *engine)
{
	if (engine->stateful)
		trib_buffer_fini(&engine->stateful->bytes);
	free(TRIB_TAKE_PTR(engine->stateful));
}

/* --- Bytes -------------------------------------------------------------------------------------------- */

size_t trib_tally_changes_bytes_max(size_t n)
{
	return n * CHANGE_BYTES_MAX;
}

char *trib_tally_changes_put(char *p, const struct trib_tally_change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct trib_tally_change *change = &changes[i];
		const struct trib_tally *now = &change->now;
		char *content = trib_wire_open(p, 1, 2);

		p = trib_wire_put_u64(content, 1, now->key.kind);
		p = trib_wire_put_u64(p, 2, now->key.plan);
		p = trib_wire_put_u64(p, 3, now->key.rule);
		p = trib_wire_put_u64(p, 4, now->key.creator);
		p = trib_wire_put_s64(p, 5, now->key.period);
		p = trib_wire_put_u64(p, 6, (uint64_t)now->sold.orders);
		p = trib_wire_put_u64(p, 7, (uint64_t)now->sold.qty);
		p = trib_wire_put_u64(p, 8, (uint64_t)now->sold.gmv);
		p = trib_wire_put_s64(p, 9, now->amount);
		p = trib_wire_put_s64(p, 10, change->sold_by.orders);
		p = trib_wire_put_s64(p, 11, change->sold_by.qty);
		p = trib_wire_put_s64(p, 12, change->sold_by.gmv);
		p = trib_wire_put_s64(p, 13, change->amount_by);
		p = trib_wire_put_u64(p, 14, change->plan_version);
		trib_wire_close(content, p, 2);
	}
	return p;
}

static bool get_change(struct trib_bytes rest, struct trib_tally_change *ret_change)
{
	struct trib_tally_change change = { 0 };
	struct trib_wire_field field;
	bool ok;

	while (trib_wire_next(&rest, &field, &ok)) {
		uint32_t narrow = (uint32_t)field.value;
		int64_t number = trib_wire_unzigzag(field.value);

		switch (field.number) {
		case 1: change.now.key.kind = narrow; break;
		case 2: change.now.key.plan = narrow; break;
		case 3: change.now.key.rule = narrow; break;
		case 4: change.now.key.creator = narrow; break;
		case 5: change.now.key.period = (int32_t)number; break;
		case 6: change.now.sold.orders = (int64_t)field.value; break;
		case 7: change.now.sold.qty = (int64_t)field.value; break;
		case 8: change.now.sold.gmv = (int64_t)field.value; break;
		case 9: change.now.amount = number; break;
		case 10: change.sold_by.orders = number; break;
		case 11: change.sold_by.qty = number; break;
		case 12: change.sold_by.gmv = number; break;
		case 13: change.amount_by = number; break;
		case 14: change.plan_version = narrow; break;
		}
	}
	*ret_change = change;
	return ok && trib_tally_kind_word((enum trib_tally_kind)change.now.key.kind);
}

bool stateful_next_tally(struct trib_bytes *rest, struct trib_tally_change *ret_change)
{
	struct trib_wire_field field;
	bool ok;

	while (trib_wire_next(rest, &field, &ok))
		if (field.number == 1 && field.type == TRIB_WIRE_BYTES)
			return get_change(field.bytes, ret_change);
	return false;
}

bool trib_tally_changes_get(struct trib_bytes bytes, struct trib_tally_change *ret_changes, size_t max, size_t *ret_n)
{
	struct trib_wire_field field;
	size_t n = 0;
	bool ok;

	while (trib_wire_next(&bytes, &field, &ok)) {
		if (field.number != 1 || field.type != TRIB_WIRE_BYTES)
			continue;
		if (n < max && !get_change(field.bytes, &ret_changes[n]))
			return false;
		n += n < max;
	}
	*ret_n = n;
	return ok;
}

/* --- Tallies ------------------------------------------------------------------------------------------ */

static int64_t add_bounded(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

struct trib_tally_change *stateful_change_of(struct trib_engine *engine, const struct trib_tallies *tallies,
					     struct trib_tally_key key, uint32_t plan_version)
{
	struct stateful *work = engine->stateful;
	const struct trib_tally *stands;

	for (size_t i = 0; i < work->n_changes; i++)
		if (memcmp(&work->changes[i].now.key, &key, sizeof(key)) == 0)
			return &work->changes[i];
	stands = trib_tallies_get(tallies, &key);
	if (work->n_changes == CHANGES_MAX || (!stands && !trib_tallies_has_room(tallies, work->n_changes + 1)))
		return NULL;
	struct trib_tally_change *change = &work->changes[work->n_changes++];

	memset(change, 0, sizeof(*change));
	change->now.key = key;
	if (stands)
		change->now = *stands;
	change->plan_version = plan_version;
	return change;
}

static struct trib_tally_change *change_of(struct trib_engine *engine, struct trib_tally_key key, uint32_t plan_version)
{
	return stateful_change_of(engine, engine->tallies, key, plan_version);
}

static void spend(struct trib_tally_change *change, int64_t amount)
{
	if (!change)
		return;
	change->now.amount = add_bounded(change->now.amount, amount);
	change->amount_by = add_bounded(change->amount_by, amount);
}

/* The period of a zone that holds a moment; an unknown zone is UTC. */
static const struct period *find_period(struct trib_engine *engine, uint32_t zone, enum trib_period kind, int64_t at_ms)
{
	struct stateful *work = engine->stateful;
	struct trib_bytes text = trib_bytes_text("UTC");

	for (int i = 0; i < PERIODS; i++) {
		const struct period *known = &work->periods[i];

		if (known->zone == zone && known->kind == kind && at_ms >= known->from_ms && at_ms < known->to_ms)
			return known;
	}
	struct period *period = &work->periods[work->next_period++ % PERIODS];

	*period = (struct period){ .zone = zone, .kind = kind };
	if (zone)
		text = trib_names_text(trib_domain_symbols(engine->domain), zone);
	if (!trib_zone_period(text, kind, at_ms, &period->from_ms, &period->to_ms))
		trib_zone_period(trib_bytes_text("UTC"), kind, at_ms, &period->from_ms, &period->to_ms);
	return period;
}

/* When it began, in minutes since 1970. */
static int32_t period_of(struct trib_engine *engine, uint32_t zone, enum trib_period kind, int64_t at_ms)
{
	return (int32_t)(find_period(engine, zone, kind, at_ms)->from_ms / MINUTE_MS);
}

static const enum trib_period step_periods[] = { [TRIB_STEP_DAY] = TRIB_PERIOD_DAY, [TRIB_STEP_WEEK] = TRIB_PERIOD_WEEK,
						 [TRIB_STEP_MONTH] = TRIB_PERIOD_MONTH };

/* --- One order ---------------------------------------------------------------------------------------- */

static const struct trib_plan_attributes *attributes_of(const struct trib_engine *engine, const struct trib_slice *slice)
{
	const struct trib_plan_version *version =
		trib_plan_version(trib_domain_plan(engine->domain, slice->plan), slice->plan_version);

	return version && version->attributes ? trib_domain_attributes(engine->domain, version->attributes) : NULL;
}

static bool is_outside(uint32_t role)
{
	return role == TRIB_WORD_MERCHANT || role == TRIB_WORD_PLATFORM;
}

static int64_t charged_by(const struct trib_order_line *lines, uint32_t n)
{
	int64_t charged = 0;

	for (uint32_t i = 0; i < n; i++)
		if (is_outside(lines[i].from_role))
			charged = add_bounded(charged, lines[i].amount);
	return charged;
}

static int64_t extra_amount(const struct trib_extra *extra, int64_t base)
{
	if (!extra->by || base <= 0)
		return 0;
	return add_bounded((int64_t)((__int128)base * extra->bps / TRIB_BPS_MAX), extra->amount);
}

static struct trib_tally_key key_of_buyer(const struct trib_engine *engine, const struct trib_order_record *record)
{
	uint32_t shop = trib_domain_goods(engine->domain, record->goods)->merchant;
	uint64_t hash = trib_hash_u64(record->user ^ trib_hash_u64(shop));

	return (struct trib_tally_key){ .kind = TRIB_TALLY_BUYER, .plan = (uint32_t)(hash >> 32), .rule = (uint32_t)hash };
}

bool stateful_is_new_to_shop(const struct trib_engine *engine, const struct trib_order_record *record, int64_t window_ms)
{
	const struct trib_tally_key key = key_of_buyer(engine, record);
	const struct trib_tally *bought;

	/* A memory that is full cannot tell new buyers from those it had no room for: nobody is new. */
	if (!engine->buyers || !trib_tallies_has_room(engine->buyers, 1))
		return false;
	bought = trib_tallies_get(engine->buyers, &key);
	return !bought || bought->amount < record->at_ms - window_ms;
}

/* May the plan still spend? Where it may, `charged` is spent. */
static bool spend_budget(struct trib_engine *engine, const struct trib_plan_attributes *attributes,
			 const struct trib_order_record *record, const struct trib_slice *slice, int64_t charged)
{
	struct trib_tally_key key = { .kind = TRIB_TALLY_BUDGET, .plan = slice->plan };
	struct trib_tally_change *whole = NULL, *day = NULL;

	if (attributes->budget)
		whole = change_of(engine, key, slice->plan_version);
	if (attributes->budget && (!whole || whole->now.amount >= attributes->budget))
		return false;
	if (attributes->daily_cap) {
		key.kind = TRIB_TALLY_DAY;
		key.period = period_of(engine, attributes->zone, TRIB_PERIOD_DAY, record->at_ms);
		day = change_of(engine, key, slice->plan_version);
		if (!day || day->now.amount >= attributes->daily_cap)
			return false;
	}
	spend(whole, charged);
	spend(day, charged);
	return true;
}

/* A managed plan with a goal: what it sells, and at what cost; what comes back later is taken out: follow_managed(). */
static void count_managed(struct trib_engine *engine, const struct trib_order_record *record,
			  const struct trib_slice *slice, int64_t charged)
{
	const struct trib_tally_key key = { .kind = TRIB_TALLY_MANAGED, .plan = slice->plan };
	struct trib_tally_change *change = change_of(engine, key, slice->plan_version);
	int64_t qty = record->qty ? record->qty : 1;

	if (!change)
		return;
	change->now.sold.orders = add_bounded(change->now.sold.orders, 1);
	change->now.sold.qty = add_bounded(change->now.sold.qty, qty);
	change->now.sold.gmv = add_bounded(change->now.sold.gmv, slice->base);
	change->sold_by.orders++;
	change->sold_by.qty = add_bounded(change->sold_by.qty, qty);
	change->sold_by.gmv = add_bounded(change->sold_by.gmv, slice->base);
	spend(change, charged);
}

/* What is added to the slice's commission, as far as its own budget goes. */
static int64_t spend_incentive(struct trib_engine *engine, const struct trib_plan_attributes *attributes,
			       const struct trib_slice *slice)
{
	const struct trib_tally_key key = { .kind = TRIB_TALLY_INCENTIVE, .plan = slice->plan };
	int64_t amount = extra_amount(&attributes->incentive, slice->base);
	struct trib_tally_change *spent;

	if (!amount || !attributes->incentive_budget)
		return amount;
	spent = change_of(engine, key, slice->plan_version);
	if (!spent || spent->now.amount >= attributes->incentive_budget)
		return 0;
	spend(spent, amount);
	return amount;
}

/* A line of ours at the end of those that are being gathered. */
static trib_status add_line(struct trib_engine *engine, struct trib_order_record *record, struct trib_slice *slice,
			    enum trib_stateful_share share, uint8_t by, int64_t amount, struct trib_error *error)
{
	struct trib_order_line *line = &engine->stateful->lines[record->n_lines];
	uint32_t name;
	trib_status status;

	amount = TRIB_MIN(amount, INT64_MAX - record->charged);
	if (amount <= 0 || record->n_lines == TRIB_ORDER_LINES_MAX)
		return TRIB_OK;
	status = engine_code(engine, trib_bytes_text(trib_stateful_share_word(share)), "line", &name, error);
	if (status != TRIB_OK)
		return status;
	*line = (struct trib_order_line){
		.share = share, .name = name, .amount = amount,
		.to_party = record->touches[slice->touch].touch.creator, .to_role = TRIB_WORD_CREATOR,
		.from_party = by == TRIB_WORD_PLATFORM ? engine->platform :
							 trib_domain_goods(engine->domain, record->goods)->merchant,
		.from_role = by,
	};
	line->kinds = trib_line_kinds(TRIB_LINE_INCENTIVE, line->from_role, line->to_role, record->held);
	record->n_lines++;
	slice->n_lines++;
	record->charged += amount;
	return TRIB_OK;
}

/* A slice that stays: its lines, then ours. */
static trib_status keep_slice(struct trib_engine *engine, struct trib_order_record *record, struct trib_slice slice,
			      const struct trib_plan_attributes *attributes, struct trib_error *error)
{
	struct trib_slice *kept = &record->slices[record->n_slices++];
	trib_status status = TRIB_OK;
	uint32_t step_name;

	memcpy(&engine->stateful->lines[record->n_lines], &record->lines[slice.line],
	       slice.n_lines * sizeof(record->lines[0]));
	slice.line = record->n_lines;
	record->n_lines += slice.n_lines;
	*kept = slice;
	if (!attributes)
		return TRIB_OK;
	/* Messages will name the line; they cannot make a name. */
	if (attributes->step.tier_count)
		status = engine_code(engine, trib_bytes_text("step"), "line", &step_name, error);
	if (status == TRIB_OK && attributes->incentive.by)
		status = add_line(engine, record, kept, TRIB_SHARE_INCENTIVE, attributes->incentive.by,
				  spend_incentive(engine, attributes, kept), error);
	if (status == TRIB_OK && attributes->new_to_shop.by &&
	    stateful_is_new_to_shop(engine, record, attributes->new_to_shop_window_ms))
		status = add_line(engine, record, kept, TRIB_SHARE_NEW_TO_SHOP, attributes->new_to_shop.by,
				  extra_amount(&attributes->new_to_shop, kept->base), error);
	return status;
}

static void encode(struct trib_engine *engine, struct trib_order_record *record)
{
	struct stateful *work = engine->stateful;

	trib_buffer_reset(&work->bytes);
	char *begin = trib_buffer_reserve(&work->bytes, trib_tally_changes_bytes_max(work->n_changes));

	record->tallies = trib_bytes(begin, (size_t)(trib_tally_changes_put(begin, work->changes, work->n_changes) - begin));
}

/* The entry for what an EXT of the order names, a device or an address; 0: none. */
static uint32_t blocked_by_ext(const struct trib_engine *engine, const struct trib_order_record *record,
			       enum trib_block_kind kind, const char *name)
{
	uint32_t block = 0;

	if (TRIB_LIKELY(!trib_domain_has_blocks(engine->domain, kind)))
		return 0;
	for (uint32_t i = 0; i < record->n_ext && !block; i++)
		if (trib_bytes_is(record->ext[i].key, name))
			block = trib_domain_blocked_text(engine->domain, kind, record->ext[i].value, record->at_ms);
	return block;
}

/* The first entry that has the order, by whose kind it is one of `user_blocked`; 0: none. */
static uint32_t blocked_by(const struct trib_engine *engine, const struct trib_order_record *record)
{
	const struct trib_domain *domain = engine->domain;
	int64_t at_ms = record->at_ms;
	uint32_t block = 0;

	if (trib_domain_has_blocks(domain, TRIB_BLOCK_USER))
		block = trib_domain_blocked(domain, TRIB_BLOCK_USER, record->user, at_ms);
	if (!block && trib_domain_has_blocks(domain, TRIB_BLOCK_ORDER))
		block = trib_domain_blocked_text(domain, TRIB_BLOCK_ORDER, record->order, at_ms);
	if (!block && trib_domain_has_blocks(domain, TRIB_BLOCK_CARRIER) && record->carrier)
		block = trib_domain_blocked_text(domain, TRIB_BLOCK_CARRIER,
						 trib_names_text(trib_domain_symbols(domain), record->carrier), at_ms);
	if (!block)
		block = blocked_by_ext(engine, record, TRIB_BLOCK_DEVICE, "device");
	return block ? block : blocked_by_ext(engine, record, TRIB_BLOCK_ADDRESS, "address");
}

/* Notes the entry as it is, for the event; the first that spoke against the order stays. True: there is one. */
static bool note_block(const struct trib_engine *engine, struct trib_order_record *record, uint32_t number)
{
	const struct trib_block *block = trib_domain_block(engine->domain, number);

	if (number && !record->listed.block)
		record->listed = (struct trib_order_listed){ number, block->version, block->kind };
	return number != 0;
}

/* What an order comes to that is on a list; NONE: it is on none. A creator or goods on one count as frozen, withdrawn. */
static enum trib_outcome blocked_outcome(const struct trib_engine *engine, struct trib_order_record *record)
{
	const struct trib_domain *domain = engine->domain;

	if (trib_domain_has_blocks(domain, TRIB_BLOCK_GOODS) &&
	    note_block(engine, record, trib_domain_blocked(domain, TRIB_BLOCK_GOODS, record->goods, record->at_ms)))
		return TRIB_OUTCOME_GOODS_WITHDRAWN;
	return note_block(engine, record, blocked_by(engine, record)) ? TRIB_OUTCOME_USER_BLOCKED : TRIB_OUTCOME_NONE;
}

/* The entry that has the creator of a slice; 0: none. */
static uint32_t creator_blocked_by(const struct trib_engine *engine, const struct trib_order_record *record,
				   const struct trib_slice *slice)
{
	if (TRIB_LIKELY(!trib_domain_has_blocks(engine->domain, TRIB_BLOCK_CREATOR)))
		return 0;
	return trib_domain_blocked(engine->domain, TRIB_BLOCK_CREATOR, record->touches[slice->touch].touch.creator,
				   record->at_ms);
}

/* Nobody is credited. */
static void refuse(struct trib_order_record *record, enum trib_outcome outcome)
{
	record->outcome = outcome;
	record->held = false;
	record->n_slices = record->n_lines = 0;
	record->charged = 0;
}

static trib_status decide(struct trib_engine *engine, struct trib_order_record *record, struct trib_error *error)
{
	enum trib_outcome refused = TRIB_OUTCOME_NONE;
	uint32_t n_slices = record->n_slices;
	trib_status status = TRIB_OK;

	engine->stateful->n_changes = 0;
	record->n_slices = record->n_lines = 0;
	for (uint32_t i = 0; status == TRIB_OK && i < n_slices; i++) {
		const struct trib_slice slice = record->slices[i];
		const struct trib_plan_attributes *attributes = attributes_of(engine, &slice);
		int64_t charged = charged_by(&record->lines[slice.line], slice.n_lines);
		bool blocked = note_block(engine, record, creator_blocked_by(engine, record, &slice));

		if (!blocked && (!attributes || spend_budget(engine, attributes, record, &slice, charged))) {
			if (attributes && attributes->goal)
				count_managed(engine, record, &slice, charged);
			status = keep_slice(engine, record, slice, attributes, error);
			continue;
		}
		record->charged -= charged;
		refused = blocked ? TRIB_OUTCOME_PARTY_FROZEN : refused ? refused : TRIB_OUTCOME_BUDGET_EXHAUSTED;
	}
	memcpy(record->lines, engine->stateful->lines, record->n_lines * sizeof(record->lines[0]));
	if (record->n_slices == 0)
		refuse(record, refused);
	else if (dealings_concern(engine, record))
		dealings_count(engine, record);
	encode(engine, record);
	return status;
}

/* Is any slice's creator on a list, or its plan one with attributes? */
static bool concerns(const struct trib_engine *engine, const struct trib_order_record *record)
{
	for (uint32_t i = 0; i < record->n_slices; i++)
		if (TRIB_UNLIKELY(attributes_of(engine, &record->slices[i]) ||
				  creator_blocked_by(engine, record, &record->slices[i])))
			return true;
	return false;
}

trib_status stateful_decide(struct trib_engine *engine, struct trib_order_record *record, struct trib_error *error)
{
	enum trib_outcome blocked;

	if (record->n_slices == 0)
		return TRIB_OK;
	blocked = blocked_outcome(engine, record);
	if (TRIB_UNLIKELY(blocked)) {
		refuse(record, blocked);
		return TRIB_OK;
	}
	return concerns(engine, record) || TRIB_UNLIKELY(dealings_concern(engine, record)) ?
		       decide(engine, record, error) :
		       TRIB_OK;
}

const char *trib_stateful_share_word(uint32_t share)
{
	switch (share) {
	case TRIB_SHARE_STEP:
		return "step";
	case TRIB_SHARE_INCENTIVE:
		return "incentive";
	case TRIB_SHARE_NEW_TO_SHOP:
		return "new_to_shop";
	}
	return NULL;
}

/* --- For people --------------------------------------------------------------------------------------- */

/* Whose step it is, what was sold, and which tier (from 1; 0: none) that came to before and after. */
static void explain_step(const struct trib_engine *engine, const struct trib_tally_change *change,
			 const struct trib_step *step, struct trib_buffer *json)
{
	const struct trib_measured *now = &change->now.sold, *by = &change->sold_by;
	const struct trib_measured sold = { now->orders - by->orders, now->qty - by->qty, now->gmv - by->gmv };
	struct trib_step_rated before, after;

	trib_step_rate(step, &sold, &before);
	trib_step_rate(step, now, &after);
	if (change->now.key.creator) {
		trib_buffer_add_text(json, ",\"creator\":");
		trib_json_add_string(json, trib_engine_party_id(engine, change->now.key.creator));
	}
	trib_buffer_add_format(json, ",\"orders\":%lld,\"qty\":%lld,\"gmv\":%lld,\"tier_before\":%u,\"tier\":%u,\"reason\":\"%s\"",
			       (long long)now->orders, (long long)now->qty, (long long)now->gmv, before.tier, after.tier,
			       after.tier > before.tier ? "tier_reached" :
			       after.tier < before.tier ? "tier_lost" :
							  "counted");
}

/* Up to what a plan may spend of this kind; 0: there is no such limit. */
static int64_t limit_of(const struct trib_plan_attributes *attributes, uint32_t kind)
{
	return kind == TRIB_TALLY_BUDGET    ? attributes->budget :
	       kind == TRIB_TALLY_DAY	    ? attributes->daily_cap :
	       kind == TRIB_TALLY_INCENTIVE ? attributes->incentive_budget :
					      0;
}

static int64_t overshoot_of(int64_t amount, int64_t limit)
{
	return limit && amount > limit ? amount - limit : 0;
}

/* What a tally stood at before and after, and against what it is held. */
static void explain_change(const struct trib_engine *engine, const struct trib_tally_change *change,
			   struct trib_buffer *json)
{
	const struct trib_tally *now = &change->now;
	const struct trib_plan_version *version =
		trib_plan_version(trib_domain_plan(engine->domain, now->key.plan), change->plan_version);
	const struct trib_plan_attributes *attributes =
		trib_domain_attributes(engine->domain, version ? version->attributes : 0);
	int64_t limit = limit_of(attributes, now->key.kind);

	trib_buffer_add_format(json, "{\"line\":\"%s\",\"plan\":", trib_tally_kind_word((enum trib_tally_kind)now->key.kind));
	trib_json_add_string(json, trib_domain_id(engine->domain, TRIB_NOUN_PLAN, now->key.plan));
	trib_buffer_add_format(json, ",\"version\":%u", change->plan_version);
	if (now->key.period)
		trib_buffer_add_format(json, ",\"from\":%lld", (long long)now->key.period * MINUTE_MS);
	trib_buffer_add_format(json, ",\"before\":%lld,\"now\":%lld", (long long)(now->amount - change->amount_by),
			       (long long)now->amount);
	if (now->key.kind == TRIB_TALLY_STEP)
		explain_step(engine, change, &attributes->step, json);
	if (limit)
		trib_buffer_add_format(json, ",\"limit\":%lld,\"overshoot\":%lld", (long long)limit,
				       (long long)overshoot_of(now->amount, limit));
	if (now->key.kind != TRIB_TALLY_STEP)
		trib_buffer_add_format(json, ",\"reason\":\"%s\"",
				       limit && now->amount - change->amount_by >= limit ? "spent" : "counted");
	trib_buffer_add_char(json, '}');
}

static uint32_t rule_of(const struct trib_step *step);

/*
 * The version of a plan that says what a tally is held against: of a step the newest that says the same, of what is spent
 * the one that is in force. NULL: none, or none of the newest thousand.
 */
static const struct trib_plan_version *version_of(const struct trib_engine *engine, const struct trib_tally_key *key)
{
	const struct trib_plan *plan = trib_domain_plan(engine->domain, key->plan);
	uint32_t newest = plan->version_count, in_force = trib_plan_version_in_force(plan, engine->now_ms);

	if (key->kind != TRIB_TALLY_STEP)
		return trib_plan_version(plan, in_force ? in_force : newest);
	for (uint32_t version = newest; version > 0 && newest - version < VERSIONS_SEARCHED_MAX; version--) {
		const struct trib_plan_version *found = trib_plan_version(plan, version);

		if (found->attributes &&
		    rule_of(&trib_domain_attributes(engine->domain, found->attributes)->step) == key->rule)
			return found;
	}
	return NULL;
}

static void add_period(struct trib_engine *engine, const struct trib_tally_key *key,
		       const struct trib_plan_attributes *attributes, struct trib_buffer *json)
{
	enum trib_period kind = TRIB_PERIOD_DAY;
	int64_t from_ms = (int64_t)key->period * MINUTE_MS;

	if (!key->period)
		return;
	trib_buffer_add_format(json, ",\"from\":%lld", (long long)from_ms);
	if (key->kind == TRIB_TALLY_STEP && attributes->step.period < TRIB_ARRAY_SIZE(step_periods))
		kind = step_periods[attributes->step.period];
	trib_buffer_add_format(json, ",\"to\":%lld",
			       (long long)find_period(engine, attributes->zone, kind, from_ms)->to_ms);
}

static void add_step(const struct trib_tally *tally, const struct trib_step *step, struct trib_buffer *json)
{
	static const char *const words[] = { [TRIB_MEASURE_ORDERS] = "orders", [TRIB_MEASURE_QTY] = "qty",
					     [TRIB_MEASURE_GMV] = "gmv" };
	struct trib_step_rated rated;

	trib_step_rate(step, &tally->sold, &rated);
	trib_buffer_add_format(json, ",\"measure\":\"%s\",\"orders\":%lld,\"qty\":%lld,\"gmv\":%lld,\"tier\":%u",
			       words[step->measure], (long long)tally->sold.orders, (long long)tally->sold.qty,
			       (long long)tally->sold.gmv, rated.tier);
	trib_buffer_add_format(json, ",\"bps\":%d", rated.tier ? step->tiers[rated.tier - 1].bps : 0);
	if (rated.tier < step->tier_count)
		trib_buffer_add_format(json, ",\"next_from\":%lld", (long long)step->tiers[rated.tier].from);
}

void stateful_add_tally(struct trib_engine *engine, const struct trib_tally *tally, struct trib_buffer *json)
{
	const struct trib_tally_key *key = &tally->key;
	const struct trib_plan_version *version = version_of(engine, key);
	const struct trib_plan_attributes *attributes =
		trib_domain_attributes(engine->domain, version ? version->attributes : 0);
	int64_t limit = limit_of(attributes, key->kind);

	trib_buffer_add_format(json, "{\"line\":\"%s\",\"plan\":", trib_tally_kind_word((enum trib_tally_kind)key->kind));
	trib_json_add_string(json, trib_domain_id(engine->domain, TRIB_NOUN_PLAN, key->plan));
	if (version)
		trib_buffer_add_format(json, ",\"version\":%u", version->number);
	if (key->creator) {
		trib_buffer_add_text(json, ",\"creator\":");
		trib_json_add_string(json, trib_engine_party_id(engine, key->creator));
	}
	add_period(engine, key, attributes, json);
	trib_buffer_add_format(json, ",\"amount\":%lld", (long long)tally->amount);
	if (key->kind == TRIB_TALLY_STEP && version)
		add_step(tally, &attributes->step, json);
	if (limit)
		trib_buffer_add_format(json, ",\"limit\":%lld,\"overshoot\":%lld,\"spent\":%s", (long long)limit,
				       (long long)overshoot_of(tally->amount, limit), tally->amount >= limit ? "true" : "false");
	trib_buffer_add_char(json, '}');
}

void stateful_explain(const struct trib_engine *engine, struct trib_bytes tallies, struct trib_buffer *json)
{
	struct trib_tally_change *changes = engine->stateful->changes;
	size_t n = 0;

	trib_buffer_add_text(json, ",\"stateful\":[");
	if (tallies.size)
		trib_tally_changes_get(tallies, changes, CHANGES_MAX, &n);
	for (size_t i = 0, shown = 0; i < n; i++) {
		if (trib_tally_is_experience(changes[i].now.key.kind))
			continue; /* it decides no line */
		if (shown++)
			trib_buffer_add_char(json, ',');
		explain_change(engine, &changes[i], json);
	}
	trib_buffer_add_char(json, ']');
}

/* --- Events → state ------------------------------------------------------------------------------------ */

/* By how much this order has passed a limit, or gone further beyond it. */
static void count_overshoot(struct trib_engine *engine, const struct trib_tally_change *change)
{
	const struct trib_plan_version *version =
		trib_plan_version(trib_domain_plan(engine->domain, change->now.key.plan), change->plan_version);
	int64_t limit = version ? limit_of(trib_domain_attributes(engine->domain, version->attributes),
					   change->now.key.kind) :
				  0;
	int64_t by = overshoot_of(change->now.amount, limit) - overshoot_of(change->now.amount - change->amount_by, limit);

	if (TRIB_LIKELY(by <= 0))
		return;
	engine->counts.overshoots[change->now.key.kind]++;
	engine->counts.overshoot_amounts[change->now.key.kind] += (uint64_t)by;
}

void stateful_apply(struct trib_engine *engine, struct trib_bytes tallies)
{
	struct trib_tally_change *changes = engine->stateful->changes;
	size_t n;

	if (TRIB_LIKELY(!tallies.size) || !trib_tally_changes_get(tallies, changes, CHANGES_MAX, &n))
		return;
	for (size_t i = 0; i < n; i++) {
		if (trib_tally_is_experience(changes[i].now.key.kind)) {
			dealings_apply(engine, &changes[i].now);
			continue;
		}
		count_overshoot(engine, &changes[i]);
		trib_tallies_put(engine->tallies, &changes[i].now);
	}
}

/* The buyer has bought in the shop, whoever is credited. */
void stateful_bought(struct trib_engine *engine, const struct trib_order_record *record)
{
	if (TRIB_LIKELY(!engine->buyers))
		return;
	struct trib_tally tally = { .key = key_of_buyer(engine, record), .amount = record->at_ms };
	const struct trib_tally *before = trib_tallies_get(engine->buyers, &tally.key);

	if (before ? before->amount < record->at_ms : trib_tallies_has_room(engine->buyers, 1))
		trib_tallies_put(engine->buyers, &tally);
}

void stateful_begin_buyers(struct trib_engine *engine)
{
	if (!engine->buyers)
		engine->buyers = trib_tallies_new(TRIB_LIMIT_BUYERS);
}

trib_status stateful_load(struct trib_engine *engine, struct trib_bytes key, struct trib_bytes value,
			  struct trib_error *error)
{
	struct trib_tally tally;

	if (!trib_tally_get_row(key, value, &tally))
		return trib_fail(error, TRIB_CORRUPT, "store", "found bytes that are no tally");
	if (trib_tally_is_experience(tally.key.kind))
		return dealings_load(engine, &tally);
	if (tally.key.kind != TRIB_TALLY_BUYER) {
		trib_tallies_load(engine->tallies, &tally);
		return TRIB_OK;
	}
	stateful_begin_buyers(engine);
	trib_tallies_load(engine->buyers, &tally);
	return TRIB_OK;
}

/* --- An order's life ---------------------------------------------------------------------------------- */

/* What a slice adds to the measure of its step, and when. */
struct contribution {
	bool counts;
	int64_t at_ms;
	struct trib_measured sold;
};

static int64_t counted_at_ms(const struct trib_step *step, const struct trib_life_messages *messages)
{
	static const uint8_t needed[] = { [TRIB_COUNTED_AT_PAID] = TRIB_ORDER_PAID,
					  [TRIB_COUNTED_AT_RECEIVED] = TRIB_ORDER_RECEIVED,
					  [TRIB_COUNTED_AT_SETTLED] = TRIB_ORDER_SETTLED };
	int64_t at_ms = 0;

	for (int state = needed[step->counted_at]; state <= TRIB_ORDER_SETTLED; state++) {
		int64_t reached_ms = messages->reached[state].at_ms;

		if (reached_ms && (!at_ms || reached_ms < at_ms))
			at_ms = reached_ms;
	}
	return at_ms;
}

/* Nothing of an order that is invalid, rejected, forfeited, or still held. */
static struct contribution contribution_of(const struct trib_engine *engine, const struct trib_step *step,
					   const struct trib_order_record *record,
					   const struct trib_order_change *change, uint32_t slice)
{
	const struct trib_life_messages *messages = &change->messages;
	int64_t at_ms = counted_at_ms(step, messages);
	bool held = record->held && messages->review.verdict != TRIB_REVIEW_RELEASED;

	if (!step->tier_count || !at_ms || change->state == TRIB_ORDER_INVALID || change->forfeited || held ||
	    slice >= change->n_slices || change->slice_base[slice] <= 0)
		return (struct contribution){ 0 };
	return (struct contribution){ true, at_ms, { 1, trib_life_pieces(&engine->life->order, messages), change->slice_base[slice] } };
}

static uint32_t rule_of(const struct trib_step *step)
{
	int64_t numbers[5 + 2 * TRIB_TIERS_MAX] = { step->measure, step->counted_at, step->per, step->period,
						    step->applies_to_all };
	uint64_t hash;

	for (uint32_t i = 0; i < step->tier_count; i++) {
		numbers[5 + 2 * i] = step->tiers[i].from;
		numbers[6 + 2 * i] = step->tiers[i].bps;
	}
	hash = trib_hash_bytes(trib_bytes((const char *)numbers, (5 + 2 * step->tier_count) * sizeof(numbers[0])));
	return (uint32_t)(hash ^ hash >> 32) | 1;
}

/* Adds (sign 1) a contribution to its tally, or takes it out; returns what that is to the step line. */
static int64_t contribute(struct trib_engine *engine, const struct trib_plan_attributes *attributes,
			  const struct trib_slice *slice, uint32_t creator, const struct contribution *one, int sign)
{
	const struct trib_step *step = &attributes->step;
	struct trib_tally_key key = { .kind = TRIB_TALLY_STEP, .plan = slice->plan, .rule = rule_of(step),
				      .creator = step->per == TRIB_STEP_PER_CREATOR ? creator : 0 };
	struct trib_step_rated rated;

	if (!one->counts)
		return 0;
	if (step->period != TRIB_STEP_WHOLE_PLAN)
		key.period = period_of(engine, attributes->zone, step_periods[step->period], one->at_ms);
	struct trib_tally_change *change = change_of(engine, key, slice->plan_version);

	if (!change)
		return 0;
	struct trib_measured *now = &change->now.sold, *by = &change->sold_by;

	now->orders = TRIB_MAX(add_bounded(now->orders, sign * one->sold.orders), 0);
	now->qty = TRIB_MAX(add_bounded(now->qty, sign * one->sold.qty), 0);
	now->gmv = TRIB_MAX(add_bounded(now->gmv, sign * one->sold.gmv), 0);
	by->orders = add_bounded(by->orders, sign * one->sold.orders);
	by->qty = add_bounded(by->qty, sign * one->sold.qty);
	by->gmv = add_bounded(by->gmv, sign * one->sold.gmv);
	trib_step_rate(step, now, &rated);
	int64_t moved = rated.amount - change->now.amount;

	spend(change, moved);
	return moved;
}

/* What the plan's budget paid for, what its incentive, and the step line, below 0 where it goes back to the merchant. */
struct spent {
	int64_t charged, incentive, step;
};

static void add_spent(struct spent *spent, const struct trib_order_line *line)
{
	if (line->share == TRIB_SHARE_STEP)
		spent->step += line->to_role == TRIB_WORD_CREATOR ? line->amount : -line->amount;
	else if (line->share == TRIB_SHARE_INCENTIVE)
		spent->incentive = add_bounded(spent->incentive, line->amount);
	else if (!trib_stateful_share_word(line->share) && is_outside(line->from_role))
		spent->charged = add_bounded(spent->charged, line->amount);
}

/* By what stands in the books of a slice before the change. */
static struct spent spent_before(const struct trib_order_record *record, const struct life_work *life, uint32_t slice)
{
	const struct trib_slice *decided = &record->slices[slice];
	struct spent spent = { 0 };

	if (life->stood) {
		for (uint32_t i = 0; i < life->earlier.n_lines; i++)
			if (life->earlier.lines[i].slice == slice)
				add_spent(&spent, &life->earlier.lines[i].line);
	} else {
		for (uint32_t i = 0; i < decided->n_lines; i++)
			add_spent(&spent, &record->lines[decided->line + i]);
	}
	return spent;
}

static void add_step_line(struct trib_engine *engine, const struct trib_order_record *record,
			  struct trib_order_change *change, uint32_t slice, int64_t amount)
{
	uint32_t creator = record->touches[record->slices[slice].touch].touch.creator;
	uint32_t payer = trib_domain_goods(engine->domain, record->goods)->merchant;
	bool held = record->held && change->messages.review.verdict != TRIB_REVIEW_RELEASED, back = amount < 0;
	struct trib_order_line *line = &change->lines[change->n_lines].line;

	if (!amount || change->n_lines == TRIB_CHANGE_LINES_MAX)
		return;
	change->lines[change->n_lines++].slice = slice;
	*line = (struct trib_order_line){
		.share = TRIB_SHARE_STEP,
		.name = trib_domain_find_code(engine->domain, trib_bytes_text("step")),
		.to_party = back ? payer : creator, .to_role = back ? TRIB_WORD_MERCHANT : TRIB_WORD_CREATOR,
		.from_party = back ? creator : payer, .from_role = back ? TRIB_WORD_CREATOR : TRIB_WORD_MERCHANT,
		.amount = back ? -amount : amount,
	};
	line->kinds = trib_line_kinds(TRIB_LINE_STEP, line->from_role, line->to_role, held);
	change->charged = add_bounded(change->charged, amount);
}

void stateful_begin_change(struct trib_engine *engine)
{
	engine->stateful->n_changes = 0;
}

/* Budgets follow what they paid for. */
static void follow_budgets(struct trib_engine *engine, const struct trib_order_record *record,
			   const struct trib_slice *slice, const struct trib_plan_attributes *attributes, int64_t charged,
			   int64_t incentive)
{
	struct trib_tally_key key = { .kind = TRIB_TALLY_BUDGET, .plan = slice->plan };

	if (attributes->budget && charged)
		spend(change_of(engine, key, slice->plan_version), charged);
	key.kind = TRIB_TALLY_INCENTIVE;
	if (attributes->incentive_budget && incentive)
		spend(change_of(engine, key, slice->plan_version), incentive);
	key.kind = TRIB_TALLY_DAY;
	if (attributes->daily_cap && charged) {
		key.period = period_of(engine, attributes->zone, TRIB_PERIOD_DAY, record->at_ms);
		spend(change_of(engine, key, slice->plan_version), charged);
	}
}

/* What a slice is to the goal of its managed plan: nothing of an order that is invalid, rejected or forfeited. */
static struct trib_measured sold_of(const struct trib_engine *engine, const struct trib_order_change *change, uint32_t slice)
{
	if (change->state == TRIB_ORDER_INVALID || change->forfeited || slice >= change->n_slices ||
	    change->slice_base[slice] <= 0 || change->messages.review.verdict == TRIB_REVIEW_REJECTED)
		return (struct trib_measured){ 0 };
	return (struct trib_measured){ 1, trib_life_pieces(&engine->life->order, &change->messages), change->slice_base[slice] };
}

/* Refunds, and orders that come to nothing, lower what a managed plan has sold and what that cost. */
static void follow_managed(struct trib_engine *engine, const struct trib_order_record *record,
			   const struct trib_order_change *change, uint32_t slice, int64_t charged)
{
	const struct trib_slice *decided = &record->slices[slice];
	const struct trib_tally_key key = { .kind = TRIB_TALLY_MANAGED, .plan = decided->plan };
	const struct trib_measured decision = { 1, record->qty ? record->qty : 1, decided->base };
	const struct trib_measured before = engine->life->stood ? sold_of(engine, &engine->life->earlier, slice) : decision;
	const struct trib_measured now = sold_of(engine, change, slice);

	if (!charged && !memcmp(&before, &now, sizeof(now)))
		return;
	struct trib_tally_change *tally = change_of(engine, key, decided->plan_version);

	if (!tally)
		return;
	struct trib_measured *all = &tally->now.sold, *by = &tally->sold_by;

	all->orders = TRIB_MAX(add_bounded(all->orders, now.orders - before.orders), 0);
	all->qty = TRIB_MAX(add_bounded(all->qty, now.qty - before.qty), 0);
	all->gmv = TRIB_MAX(add_bounded(all->gmv, now.gmv - before.gmv), 0);
	by->orders = add_bounded(by->orders, now.orders - before.orders);
	by->qty = add_bounded(by->qty, now.qty - before.qty);
	by->gmv = add_bounded(by->gmv, now.gmv - before.gmv);
	spend(tally, charged);
}

void stateful_change_slice(struct trib_engine *engine, const struct trib_order_record *record,
			   struct trib_order_change *change, uint32_t slice, uint32_t first_line)
{
	const struct life_work *life = engine->life;
	const struct trib_slice *decided = &record->slices[slice];
	const struct trib_plan_attributes *attributes = attributes_of(engine, decided);
	uint32_t creator = record->touches[decided->touch].touch.creator;
	struct contribution counted = { 0 }, counts;

	if (TRIB_UNLIKELY(engine->experience && record->tallies.size))
		dealings_change_slice(engine, record, change, slice);
	if (TRIB_LIKELY(!attributes))
		return;
	struct spent before = spent_before(record, life, slice), now = { 0 };

	for (uint32_t i = first_line; i < change->n_lines; i++)
		add_spent(&now, &change->lines[i].line);
	follow_budgets(engine, record, decided, attributes, now.charged - before.charged,
		       now.incentive - before.incentive);
	if (attributes->goal)
		follow_managed(engine, record, change, slice, now.charged - before.charged);
	if (!attributes->step.tier_count)
		return;
	if (life->stood)
		counted = contribution_of(engine, &attributes->step, record, &life->earlier, slice);
	counts = contribution_of(engine, &attributes->step, record, change, slice);
	/* The same again is no change; else what was counted goes, and what counts now comes. */
	if (memcmp(&counted.sold, &counts.sold, sizeof(counted.sold)) != 0 || counted.at_ms != counts.at_ms) {
		before.step = add_bounded(before.step, contribute(engine, attributes, decided, creator, &counted, -1));
		before.step = add_bounded(before.step, contribute(engine, attributes, decided, creator, &counts, 1));
	}
	add_step_line(engine, record, change, slice, before.step);
}

void stateful_end_change(struct trib_engine *engine, struct trib_order_change *change)
{
	struct stateful *work = engine->stateful;

	change->tallies = trib_bytes(NULL, 0);
	if (!work->n_changes)
		return;
	trib_buffer_reset(&work->bytes);
	char *begin = trib_buffer_reserve(&work->bytes, trib_tally_changes_bytes_max(work->n_changes));

	change->tallies = trib_bytes(begin, (size_t)(trib_tally_changes_put(begin, work->changes, work->n_changes) - begin));
}
