/* GET /api/v1/tallies: what plans have sold and spent, a page at a time. */
#include "engine/state.h"

/* A page looks at so many tallies at most, so that a filter which few match holds up nobody. */
enum { LOOKED_AT_MAX = 1 << 16 };

struct filter {
	uint32_t plan, creator, kind; /* 0: any */
	bool none;		      /* it names nobody that is known */
};

static trib_status read_kind(struct trib_call *call, uint32_t *ret_kind)
{
	enum trib_tally_kind kind = TRIB_TALLY_STEP;

	*ret_kind = 0;
	if (!call->line.size)
		return TRIB_OK;
	while (kind != TRIB_TALLY_BUYER && !trib_bytes_is(call->line, trib_tally_kind_word(kind)))
		kind++;
	if (kind == TRIB_TALLY_BUYER)
		return engine_refuse(&call->error, "line", call->line, "step, budget, daily_cap or incentive");
	*ret_kind = kind;
	return TRIB_OK;
}

static trib_status read_filter(const struct trib_engine *engine, struct trib_call *call, struct filter *ret_filter)
{
	struct filter filter = { 0 };
	trib_status status = read_kind(call, &filter.kind);

	if (status != TRIB_OK)
		return status;
	if (call->plan.size)
		filter.plan = trib_domain_find(engine->domain, TRIB_NOUN_PLAN, call->plan);
	if (call->creator.size)
		filter.creator = trib_domain_find(engine->domain, TRIB_NOUN_PARTY, call->creator);
	filter.none = (call->plan.size && !filter.plan) || (call->creator.size && !filter.creator);
	*ret_filter = filter;
	return TRIB_OK;
}

static bool matches(const struct filter *filter, const struct trib_tally_key *key)
{
	return (!filter->plan || key->plan == filter->plan) && (!filter->creator || key->creator == filter->creator) &&
	       (!filter->kind || key->kind == filter->kind);
}

/* The first place to look at, and the one behind another: along the plan's chain where there is a plan. */
static uint32_t first_place(const struct trib_engine *engine, const struct filter *filter)
{
	if (filter->none)
		return TRIB_TALLY_NONE;
	if (filter->plan)
		return trib_tallies_first(engine->tallies, filter->plan);
	return trib_tallies_count(engine->tallies) ? 0 : TRIB_TALLY_NONE;
}

static uint32_t next_place(const struct trib_engine *engine, const struct filter *filter, uint32_t place)
{
	if (filter->plan)
		return trib_tallies_next(engine->tallies, place);
	return place + 1 < trib_tallies_count(engine->tallies) ? place + 1 : TRIB_TALLY_NONE;
}

/* A cursor is the next place; nothing is ever taken out. */
static trib_status read_cursor(const struct trib_engine *engine, struct trib_call *call, const struct filter *filter,
			       uint32_t *ret_place)
{
	uint64_t place;

	*ret_place = first_place(engine, filter);
	if (!call->cursor.size)
		return TRIB_OK;
	if (!trib_bytes_to_u64(call->cursor, &place) || place >= trib_tallies_count(engine->tallies) ||
	    (filter->plan && trib_tallies_at(engine->tallies, (uint32_t)place)->key.plan != filter->plan))
		return engine_refuse(&call->error, "cursor", call->cursor, "one that this list has given");
	*ret_place = (uint32_t)place;
	return TRIB_OK;
}

trib_status call_tallies(struct trib_engine *engine, struct trib_call *call)
{
	uint32_t limit = TRIB_MIN(call->limit ? call->limit : 100, (uint32_t)TRIB_LIMIT_LIST_ITEMS), count = 0, place;
	struct filter filter;
	trib_status status = read_filter(engine, call, &filter);

	if (status != TRIB_OK || (status = read_cursor(engine, call, &filter, &place)) != TRIB_OK)
		return status;
	engine_begin(engine, 0, &call->error); /* which version is in force goes by the time of now */
	trib_buffer_add_text(&call->reply, "{\"items\":[");
	for (uint32_t looked = 0; place != TRIB_TALLY_NONE && count < limit && looked < LOOKED_AT_MAX; looked++) {
		const struct trib_tally *tally = trib_tallies_at(engine->tallies, place);

		if (matches(&filter, &tally->key)) {
			if (count++)
				trib_buffer_add_char(&call->reply, ',');
			stateful_add_tally(engine, tally, &call->reply);
		}
		place = next_place(engine, &filter, place);
	}
	if (place != TRIB_TALLY_NONE)
		trib_buffer_add_format(&call->reply, "],\"next_cursor\":\"%u\"}", place);
	else
		trib_buffer_add_text(&call->reply, "],\"next_cursor\":null}");
	return TRIB_OK;
}
