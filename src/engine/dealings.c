/*
 * Orders of creators whom somebody has dealt with: what they add to experience, what refunds take from it; and who may
 * ask for it.
 *
 * An order's event states the whole new rows that it has changed, among its tallies, so replay only puts them. The rows of
 * its decision say which of them a later refund changes.
 */
#include "engine/people.h"

#include "engine/state.h"

/* A page looks at so many rows at most, so that a party with many orders and few pairs holds up nobody. */
enum { LOOKED_AT_MAX = 1 << 16 };

bool dealings_concern(const struct trib_engine *engine, const struct trib_order_record *record)
{
	for (uint32_t i = 0; engine->experience && i < record->n_slices; i++)
		if (trib_experience_knows(engine->experience, record->touches[record->slices[i].touch].touch.creator))
			return true;
	return false;
}

/* --- What an order is to a row ------------------------------------------------------------------------- */

struct part {
	int64_t orders, lost, gmv, refunded;
};

static void add(struct trib_tally_change *change, const struct part *now, const struct part *before)
{
	const struct part by = { now->orders - before->orders, now->lost - before->lost, now->gmv - before->gmv,
				 now->refunded - before->refunded };

	if (!change || (!by.orders && !by.lost && !by.gmv && !by.refunded))
		return;
	change->now.sold.orders += by.orders;
	change->now.sold.qty += by.lost;
	change->now.sold.gmv += by.gmv;
	change->now.amount += by.refunded;
	change->sold_by.orders += by.orders;
	change->sold_by.qty += by.lost;
	change->sold_by.gmv += by.gmv;
	change->amount_by += by.refunded;
}

/* The row as this order changes it; NULL: there is none, and this is no occasion to begin it. */
static struct trib_tally_change *change_of(struct trib_engine *engine, enum trib_tally_kind kind, uint32_t of,
					   uint32_t rule, uint32_t creator)
{
	const struct trib_tally_key key = { .kind = kind, .plan = of, .rule = rule, .creator = creator };

	return stateful_change_of(engine, trib_experience_rows(engine->experience), key, 0);
}

static void count_pair(struct trib_engine *engine, uint32_t party, uint32_t creator, uint32_t currency,
		       const struct part *part)
{
	const struct part none = { 0 };

	if (trib_experience_row(engine->experience, TRIB_TALLY_DEALS, party, 0, creator))
		add(change_of(engine, TRIB_TALLY_SOLD, party, currency, creator), part, &none);
}

static void count_row(struct trib_engine *engine, enum trib_tally_kind kind, uint32_t of, uint32_t creator,
		      const struct part *part)
{
	const struct part none = { 0 };

	if (trib_experience_row(engine->experience, kind, of, 0, creator))
		add(change_of(engine, kind, of, 0, creator), part, &none);
}

static bool is_leader(uint32_t role)
{
	return role == TRIB_WORD_LEADER || role == TRIB_WORD_LEADER2;
}

/* Each leader that a line pays, once. */
static void count_leaders(struct trib_engine *engine, const struct trib_order_record *record,
			  const struct trib_slice *slice, uint32_t creator, const struct part *part)
{
	const struct trib_order_line *lines = &record->lines[slice->line];

	for (uint32_t i = 0; i < slice->n_lines; i++) {
		bool again = !is_leader(lines[i].to_role);

		for (uint32_t j = 0; j < i && !again; j++)
			again = is_leader(lines[j].to_role) && lines[j].to_party == lines[i].to_party;
		if (!again)
			count_pair(engine, lines[i].to_party, creator, record->currency, part);
	}
}

void dealings_count(struct trib_engine *engine, const struct trib_order_record *record)
{
	uint32_t merchant = trib_domain_goods(engine->domain, record->goods)->merchant;

	for (uint32_t i = 0; i < record->n_slices; i++) {
		const struct trib_slice *slice = &record->slices[i];
		uint32_t creator = record->touches[slice->touch].touch.creator;
		const struct part part = { .orders = 1, .gmv = slice->base };

		if (!trib_experience_knows(engine->experience, creator))
			continue;
		count_pair(engine, merchant, creator, record->currency, &part);
		count_leaders(engine, record, slice, creator, &part);
		count_row(engine, TRIB_TALLY_PLAN_SOLD, slice->plan, 0, &part);
		count_row(engine, TRIB_TALLY_GOODS_SOLD, record->goods, creator, &part);
	}
}

/* --- Refunds ------------------------------------------------------------------------------------------- */

static bool was_paid(const struct trib_life_messages *messages)
{
	for (int state = TRIB_ORDER_PAID; state <= TRIB_ORDER_SETTLED; state++)
		if (messages->reached[state].at_ms)
			return true;
	return false;
}

/* An order that became invalid before it was paid never was one. */
static struct part part_of(const struct trib_slice *decided, const struct trib_order_change *change, uint32_t slice)
{
	int64_t base = slice < change->n_slices ? change->slice_base[slice] : 0;

	if (change->state == TRIB_ORDER_INVALID && !was_paid(&change->messages))
		return (struct part){ 0 };
	return (struct part){ 1, base <= 0, decided->base, TRIB_MAX(decided->base - base, (int64_t)0) };
}

static bool is_of_slice(const struct trib_tally_key *key, const struct trib_slice *slice, uint32_t creator)
{
	switch (key->kind) {
	case TRIB_TALLY_PLAN_SOLD:
		return key->plan == slice->plan;
	case TRIB_TALLY_SOLD:
	case TRIB_TALLY_GOODS_SOLD:
		return key->creator == creator;
	default:
		return false;
	}
}

void dealings_change_slice(struct trib_engine *engine, const struct trib_order_record *record,
			   const struct trib_order_change *change, uint32_t slice)
{
	const struct life_work *life = engine->life;
	const struct trib_slice *decided = &record->slices[slice];
	uint32_t creator = record->touches[decided->touch].touch.creator;
	const struct part now = part_of(decided, change, slice);
	const struct part before = life->stood ? part_of(decided, &life->earlier, slice) :
						 (struct part){ .orders = 1, .gmv = decided->base };
	struct trib_tally_change counted;
	struct trib_bytes rest = record->tallies;

	while (stateful_next_tally(&rest, &counted)) {
		const struct trib_tally_key *key = &counted.now.key;

		if (is_of_slice(key, decided, creator))
			add(change_of(engine, (enum trib_tally_kind)key->kind, key->plan, key->rule, key->creator), &now,
			    &before);
	}
}

/* --- Events → state ------------------------------------------------------------------------------------ */

void dealings_apply(struct trib_engine *engine, const struct trib_tally *row)
{
	const struct trib_tally *watch;

	if (!engine->experience)
		return;
	trib_experience_put(engine->experience, row, engine->now_ms);
	if (row->key.kind != TRIB_TALLY_GOODS_SOLD)
		return;
	watch = trib_experience_row(engine->experience, TRIB_TALLY_WATCH, row->key.plan, 0, row->key.creator);
	/* `qty` is how many it is to be, `gmv` how many there were before. */
	if (watch && watch->sold.orders && dealings_orders(row) - watch->sold.gmv >= watch->sold.qty)
		number_list_add(&engine->people.ready, (uint32_t)watch->sold.orders);
}

trib_status dealings_load(struct trib_engine *engine, const struct trib_tally *row)
{
	if (!engine->experience)
		engine->experience = trib_experience_new(TRIB_LIMIT_EXPERIENCE);
	trib_experience_load(engine->experience, row);
	return TRIB_OK;
}

int64_t dealings_orders(const struct trib_tally *row)
{
	return row ? row->sold.orders - row->sold.qty : 0;
}

int64_t dealings_gmv(const struct trib_tally *row)
{
	return row ? row->sold.gmv - row->amount : 0;
}

/* --- GET /api/v1/experience ---------------------------------------------------------------------------- */

static void add_sold(const struct trib_engine *engine, uint32_t party, uint32_t creator, struct trib_buffer *json)
{
	const uint32_t *codes;
	uint32_t count = trib_experience_currencies(engine->experience, &codes);
	const char *before = "";

	for (uint32_t i = 0; i < count; i++) {
		const struct trib_tally *row =
			trib_experience_row(engine->experience, TRIB_TALLY_SOLD, party, codes[i], creator);

		if (!row)
			continue;
		trib_buffer_add_format(json, "%s{\"currency\":", before);
		trib_json_add_string(json, trib_names_text(trib_domain_symbols(engine->domain), codes[i]));
		trib_buffer_add_format(json, ",\"orders\":%lld,\"refunded_orders\":%lld,\"gmv\":%lld,\"refunded\":%lld,\"refund_bps\":%d}",
				       (long long)row->sold.orders, (long long)row->sold.qty, (long long)row->sold.gmv,
				       (long long)row->amount,
				       row->sold.gmv > 0 ? (int)((__int128)row->amount * 10000 / row->sold.gmv) : 0);
		before = ",";
	}
}

static void add_pair(const struct trib_engine *engine, uint32_t party, uint32_t creator, struct trib_buffer *json)
{
	static const char *const words[TRIB_DEALS] = {
		[TRIB_DEAL_INVITED] = "invited",     [TRIB_DEAL_ACCEPTED] = "accepted",
		[TRIB_DEAL_DECLINED] = "declined",   [TRIB_DEAL_LAPSED] = "lapsed",
		[TRIB_DEAL_PLANS] = "plans",	     [TRIB_DEAL_SAMPLES] = "samples",
		[TRIB_DEAL_FULFILLED] = "fulfilled", [TRIB_DEAL_OVERDUE] = "overdue",
	};
	struct trib_deals deals;

	if (!trib_experience_get(engine->experience, party, creator, &deals))
		return;
	trib_buffer_add_text(json, "{\"party\":");
	trib_json_add_string(json, trib_engine_party_id(engine, party));
	trib_buffer_add_text(json, ",\"creator\":");
	trib_json_add_string(json, trib_engine_party_id(engine, creator));
	for (int deal = 0; deal < TRIB_DEALS; deal++)
		trib_buffer_add_format(json, ",\"%s\":%lld", words[deal], (long long)deals.count[deal]);
	trib_buffer_add_text(json, ",\"sold\":[");
	add_sold(engine, party, creator, json);
	trib_buffer_add_format(json, "],\"last_at\":%lld}", (long long)deals.last_ms);
}

/* A party that is stated; `none` becomes true where it is not known. */
static uint32_t read_party(const struct trib_engine *engine, struct trib_bytes id, bool *none)
{
	uint32_t number = id.size ? trib_domain_find(engine->domain, TRIB_NOUN_PARTY, id) : 0;

	*none |= id.size && !number;
	return number;
}

/* Whoever acts for a party sees its own. */
static trib_status check_own(const struct trib_call *call, struct trib_error *error)
{
	const struct trib_actor *actor = &call->actor;
	struct trib_bytes own = actor->role == TRIB_ACCESS_CREATOR ? call->creator : call->party;

	if (!trib_access_role_has_party(actor->role) || trib_bytes_equal(own, actor->party_id))
		return TRIB_OK;
	return trib_fail(error, TRIB_FORBIDDEN, actor->role == TRIB_ACCESS_CREATOR ? "creator" : "merchant",
			 "found \"" TRIB_BYTES_FMT "\", expected \"" TRIB_BYTES_FMT "\", its own", TRIB_BYTES_ARG(own),
			 TRIB_BYTES_ARG(actor->party_id));
}

trib_status call_experience(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), count = 0;
	const struct trib_experience *experience = engine->experience;
	uint32_t party, creator, looks = LOOKED_AT_MAX, of = 0, with = 0, place = 0;
	uint64_t cursor = 0;
	bool none = !experience;
	trib_status status = check_own(call, &call->error);

	if (status != TRIB_OK)
		return status;
	if (call->cursor.size && (!trib_bytes_to_u64(call->cursor, &cursor) || none ||
				  (cursor > trib_tallies_count(trib_experience_rows(experience)) &&
				   cursor != TRIB_EXPERIENCE_END)))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	place = (uint32_t)cursor;
	party = read_party(engine, call->party, &none);
	creator = read_party(engine, call->creator, &none);
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	while (!none && !(party && creator) && count < limit &&
	       trib_experience_next(experience, party, creator, &place, &looks, &of, &with)) {
		if (count++)
			trib_buffer_add_char(&call->reply, ',');
		add_pair(engine, of, with, &call->reply);
	}
	if (!none && party && creator)
		add_pair(engine, party, creator, &call->reply);
	if (place && place != TRIB_EXPERIENCE_END)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%u\"}", place);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}
