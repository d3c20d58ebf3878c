#include "engine/experience.h"

#include "base/column.h"

struct trib_experience {
	struct trib_tallies *rows;
	struct trib_column known; /* a bit by creator */
	struct trib_column first, last; /* by creator: its first and last pair, as place + 1 */
	struct trib_column next;  /* by place: the creator's next pair, as place + 1 */
	uint32_t creators;	  /* numbers below have their bit */
	uint32_t currencies[TRIB_EXPERIENCE_CURRENCIES], n_currencies;
};

struct deal_row {
	uint32_t rule, column;
};

static const struct deal_row deal_rows[TRIB_DEALS] = {
#define X(name, rule, column) [TRIB_DEAL_##name] = { rule, column },
	TRIB_DEAL_TABLE(X)
#undef X
};

struct trib_experience *trib_experience_new(size_t rows_max)
{
	struct trib_experience *experience = trib_alloc_zeroed(1, sizeof(*experience));

	experience->rows = trib_tallies_new(rows_max);
	return experience;
}

void trib_experience_free(struct trib_experience *experience)
{
	if (!experience)
		return;
	trib_tallies_free(experience->rows);
	trib_column_fini(&experience->known);
	trib_column_fini(&experience->first);
	trib_column_fini(&experience->last);
	trib_column_fini(&experience->next);
	free(experience);
}

struct trib_tallies *trib_experience_rows(const struct trib_experience *experience)
{
	return experience->rows;
}

bool trib_experience_knows(const struct trib_experience *experience, uint32_t creator)
{
	if (!experience || creator >= experience->creators)
		return false;
	return ((const uint64_t *)experience->known.data)[creator / 64] >> (creator % 64) & 1;
}

/* --- Rows ---------------------------------------------------------------------------------------------- */

static struct trib_tally_key key_of(enum trib_tally_kind kind, uint32_t of, uint32_t rule, uint32_t creator)
{
	return (struct trib_tally_key){ .kind = kind, .plan = of, .rule = rule, .creator = creator };
}

static bool begins_pair(const struct trib_tally_key *key)
{
	return key->kind == TRIB_TALLY_DEALS && key->rule == 0;
}

/* The newest row is the first of a pair: it joins the chain of its creator. */
static void begin_pair(struct trib_experience *experience, uint32_t creator)
{
	uint32_t place = (uint32_t)trib_tallies_count(experience->rows) - 1;

	trib_column_reserve(&experience->known, ((size_t)creator / 64 + 1) * sizeof(uint64_t));
	trib_column_reserve(&experience->first, ((size_t)creator + 1) * sizeof(uint32_t));
	trib_column_reserve(&experience->last, ((size_t)creator + 1) * sizeof(uint32_t));
	trib_column_reserve(&experience->next, ((size_t)place + 1) * sizeof(uint32_t));
	uint32_t *last = (uint32_t *)experience->last.data + creator;

	if (*last)
		((uint32_t *)experience->next.data)[*last - 1] = place + 1;
	else
		((uint32_t *)experience->first.data)[creator] = place + 1;
	*last = place + 1;
	((uint64_t *)experience->known.data)[creator / 64] |= UINT64_C(1) << (creator % 64);
	experience->creators = TRIB_MAX(experience->creators, creator + 1);
}

static void note_currency(struct trib_experience *experience, uint32_t code)
{
	for (uint32_t i = 0; i < experience->n_currencies; i++)
		if (experience->currencies[i] == code)
			return;
	if (experience->n_currencies < TRIB_EXPERIENCE_CURRENCIES)
		experience->currencies[experience->n_currencies++] = code;
}

/* False: there is no room for a new one. */
static bool put_row(struct trib_experience *experience, const struct trib_tally *row)
{
	bool is_new = !trib_tallies_get(experience->rows, &row->key);

	if (is_new && !trib_tallies_has_room(experience->rows, 1))
		return false;
	trib_tallies_put(experience->rows, row);
	if (is_new && begins_pair(&row->key))
		begin_pair(experience, row->key.creator);
	if (is_new && row->key.kind == TRIB_TALLY_SOLD)
		note_currency(experience, row->key.rule);
	return true;
}

void trib_experience_load(struct trib_experience *experience, const struct trib_tally *row)
{
	size_t before = trib_tallies_count(experience->rows);

	trib_tallies_load(experience->rows, row);
	if (trib_tallies_count(experience->rows) == before)
		return;
	if (begins_pair(&row->key))
		begin_pair(experience, row->key.creator);
	if (row->key.kind == TRIB_TALLY_SOLD)
		note_currency(experience, row->key.rule);
}

const struct trib_tally *trib_experience_row(const struct trib_experience *experience, enum trib_tally_kind kind,
					     uint32_t of, uint32_t rule, uint32_t creator)
{
	const struct trib_tally_key key = key_of(kind, of, rule, creator);

	return experience ? trib_tallies_get(experience->rows, &key) : NULL;
}

/* The row as it stands, or an empty one. */
static struct trib_tally row_of(const struct trib_experience *experience, enum trib_tally_kind kind, uint32_t of,
				uint32_t rule, uint32_t creator)
{
	const struct trib_tally *row = trib_experience_row(experience, kind, of, rule, creator);

	return row ? *row : (struct trib_tally){ .key = key_of(kind, of, rule, creator) };
}

/* --- Deals --------------------------------------------------------------------------------------------- */

static bool touch_pair(struct trib_experience *experience, uint32_t party, uint32_t creator, int64_t at_ms)
{
	struct trib_tally first = row_of(experience, TRIB_TALLY_DEALS, party, 0, creator);

	first.amount = TRIB_MAX(first.amount, at_ms);
	return put_row(experience, &first);
}

static int64_t *column_of(struct trib_tally *row, uint32_t column)
{
	return column == 0 ? &row->sold.orders : column == 1 ? &row->sold.qty : &row->sold.gmv;
}

void trib_experience_add(struct trib_experience *experience, uint32_t party, uint32_t creator, enum trib_deal deal,
			 int64_t at_ms)
{
	const struct deal_row *place = &deal_rows[deal];

	if (!party || !creator || !touch_pair(experience, party, creator, at_ms))
		return;
	struct trib_tally row = row_of(experience, TRIB_TALLY_DEALS, party, place->rule, creator);

	++*column_of(&row, place->column);
	put_row(experience, &row);
}

void trib_experience_add_known(struct trib_experience *experience, uint32_t party, uint32_t creator, enum trib_deal deal,
			       int64_t at_ms)
{
	if (trib_experience_row(experience, TRIB_TALLY_DEALS, party, 0, creator))
		trib_experience_add(experience, party, creator, deal, at_ms);
}

void trib_experience_put(struct trib_experience *experience, const struct trib_tally *row, int64_t at_ms)
{
	put_row(experience, row);
	if (row->key.kind == TRIB_TALLY_SOLD)
		touch_pair(experience, row->key.plan, row->key.creator, at_ms);
}

bool trib_experience_get(const struct trib_experience *experience, uint32_t party, uint32_t creator,
			 struct trib_deals *ret_deals)
{
	const struct trib_tally *first = trib_experience_row(experience, TRIB_TALLY_DEALS, party, 0, creator);

	if (!first)
		return false;
	for (uint32_t deal = 0; deal < TRIB_DEALS; deal++) {
		struct trib_tally row =
			row_of(experience, TRIB_TALLY_DEALS, party, deal_rows[deal].rule, creator);

		ret_deals->count[deal] = *column_of(&row, deal_rows[deal].column);
	}
	ret_deals->last_ms = first->amount;
	return true;
}

uint32_t trib_experience_currencies(const struct trib_experience *experience, const uint32_t **ret_codes)
{
	*ret_codes = experience->currencies;
	return experience->n_currencies;
}

/* --- Lists --------------------------------------------------------------------------------------------- */

/* Places as place + 1; 0: none. */
static uint32_t first_place(const struct trib_experience *experience, uint32_t party, uint32_t creator)
{
	if (creator)
		return creator < experience->creators ? ((const uint32_t *)experience->first.data)[creator] : 0;
	if (party)
		return trib_tallies_first(experience->rows, party) + 1;
	return trib_tallies_count(experience->rows) ? 1 : 0;
}

static uint32_t next_place(const struct trib_experience *experience, uint32_t party, uint32_t creator, uint32_t place)
{
	if (creator)
		return place * sizeof(uint32_t) <= experience->next.bytes ?
			       ((const uint32_t *)experience->next.data)[place - 1] :
			       0;
	if (party)
		return trib_tallies_next(experience->rows, place - 1) + 1;
	return place < trib_tallies_count(experience->rows) ? place + 1 : 0;
}

bool trib_experience_next(const struct trib_experience *experience, uint32_t party, uint32_t creator, uint32_t *place,
			  uint32_t *looks, uint32_t *ret_party, uint32_t *ret_creator)
{
	uint32_t at = *place ? *place : first_place(experience, party, creator);

	if (at == TRIB_EXPERIENCE_END)
		at = 0;
	for (; at && *looks; --*looks) {
		const struct trib_tally_key *key = &trib_tallies_at(experience->rows, at - 1)->key;
		bool found = begins_pair(key) && (!party || key->plan == party) &&
			     (!creator || key->creator == creator);

		at = next_place(experience, party, creator, at);
		if (!found)
			continue;
		*ret_party = key->plan;
		*ret_creator = key->creator;
		*place = at ? at : TRIB_EXPERIENCE_END;
		return true;
	}
	*place = at;
	return false;
}
