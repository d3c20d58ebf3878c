/* The statements of commission/statement.h. */
#include "commission/statement.h"

enum { TEXTS_BYTES_MAX = 1 << 30 };

void trib_statement_init(struct trib_statement *statement, const struct trib_statement_query *query)
{
	*statement = (struct trib_statement){ .query = *query };
	trib_buffer_init(&statement->texts, TEXTS_BYTES_MAX);
}

void trib_statement_fini(struct trib_statement *statement)
{
	free(statement->rows);
	free(statement->stretches);
	free(statement->accounts);
	free(statement->entries);
	trib_buffer_fini(&statement->texts);
}

/* Room for one more; the array may move. */
static void *grow(void *items, size_t count, size_t *capacity, size_t item_size)
{
	if (count < *capacity)
		return items;
	*capacity = *capacity ? *capacity * 2 : 16;
	return trib_realloc(items, *capacity * item_size);
}

static bool matches(const struct trib_statement *statement, const struct trib_account *account)
{
	const struct trib_account *wanted = &statement->query.account;

	return account->party == wanted->party && (!wanted->role || account->role == wanted->role) &&
	       (!wanted->currency || account->currency == wanted->currency) &&
	       (!wanted->kind || account->kind == wanted->kind);
}

static int compare_accounts(const struct trib_account *a, const struct trib_account *b)
{
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	if (a->currency != b->currency)
		return a->currency < b->currency ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

/* A party has a handful of accounts: they are searched, not indexed. */
static struct trib_statement_account *account_at(struct trib_statement *statement,
						 const struct trib_account *account)
{
	for (size_t i = 0; i < statement->n_accounts; i++)
		if (compare_accounts(&statement->accounts[i].account, account) == 0)
			return &statement->accounts[i];
	statement->accounts = grow(statement->accounts, statement->n_accounts, &statement->accounts_max,
				   sizeof(*statement->accounts));
	struct trib_statement_account *added = &statement->accounts[statement->n_accounts++];

	*added = (struct trib_statement_account){ .account = *account };
	added->account.stage = 0;
	return added;
}

void trib_statement_row(struct trib_statement *statement, const struct trib_statement_row *row)
{
	const struct trib_statement_query *query = &statement->query;

	if (!matches(statement, &row->account) || row->began_ms >= query->to_ms)
		return;
	struct trib_statement_account *account = account_at(statement, &row->account);

	if (row->ended_ms < query->from_ms) {
		account->opening = row->balance;
		account->opened_at = row->to;
	}
	if (row->ended_ms < query->to_ms) {
		account->closing = row->balance;
		account->closed_at = row->to;
	}
	account->stages |= (row->balance.pending ? 1 << TRIB_STAGE_PENDING : 0) |
			   (row->balance.posted ? 1 << TRIB_STAGE_POSTED : 0);
	/* Rows that end before the period are needed no more. */
	if (row->ended_ms < query->from_ms)
		return;
	statement->rows = grow(statement->rows, statement->n_rows, &statement->rows_max, sizeof(*statement->rows));
	statement->rows[statement->n_rows++] = *row;
}

static int compare_stretches(const void *left, const void *right)
{
	const struct trib_statement_stretch *a = left, *b = right;

	return a->from < b->from ? -1 : a->from > b->from;
}

size_t trib_statement_plan(struct trib_statement *statement, uint64_t tail, int64_t tail_ms, uint64_t end,
			   uint64_t untold)
{
	size_t n = 0, kept = 0;
	struct trib_statement_stretch *list =
		trib_alloc((statement->n_rows + 2) * sizeof(*statement->stretches));

	/* Of what nobody kept rows it is not known when it was, or who changed in it. */
	if (untold)
		list[n++] = (struct trib_statement_stretch){ 0, untold, INT64_MIN, INT64_MAX };
	for (size_t i = 0; i < statement->n_rows; i++) {
		const struct trib_statement_row *row = &statement->rows[i];

		list[n++] = (struct trib_statement_stretch){ row->from, row->to, row->began_ms, row->ended_ms };
	}
	if (tail < end && tail_ms < statement->query.to_ms)
		list[n++] = (struct trib_statement_stretch){ tail, end, tail_ms, INT64_MAX };
	if (n)
		qsort(list, n, sizeof(*list), compare_stretches);
	for (size_t i = 0; i < n; i++)
		if (!kept || list[i].from != list[kept - 1].from)
			list[kept++] = list[i];
	statement->stretches = list;
	return statement->n_stretches = kept;
}

bool trib_statement_wants(const struct trib_statement *statement, const struct trib_statement_stretch *stretch)
{
	const struct trib_statement_query *query = &statement->query;
	bool opens = stretch->began_ms < query->from_ms && stretch->ended_ms >= query->from_ms;
	bool closes = stretch->began_ms < query->to_ms && stretch->ended_ms >= query->to_ms;
	bool entries = stretch->ended_ms >= query->from_ms && stretch->began_ms < query->to_ms &&
		       stretch->to > query->after.position && !statement->more;

	return opens || closes || entries;
}

static bool is_behind(const struct trib_statement_place *place, const struct trib_statement_place *after)
{
	return place->position > after->position ||
	       (place->position == after->position && place->index > after->index);
}

static void add_entry(struct trib_statement *statement, const struct trib_statement_at *at,
		      const struct trib_statement_entry *entry)
{
	const struct trib_statement_query *query = &statement->query;

	if (statement->more || (query->after.position && !is_behind(&entry->place, &query->after)))
		return;
	if (statement->n_entries == query->limit) {
		statement->more = true;
		return;
	}
	statement->entries = grow(statement->entries, statement->n_entries, &statement->entries_max,
				  sizeof(*statement->entries));
	struct trib_statement_entry *added = &statement->entries[statement->n_entries++];

	*added = *entry;
	added->order = (uint32_t)statement->texts.size;
	added->order_size = (uint32_t)at->order.size;
	trib_buffer_add_bytes(&statement->texts, at->order);
}

static void add_to(struct trib_balance *balance, uint8_t stage, int64_t amount)
{
	int64_t *held = stage == TRIB_STAGE_PENDING ? &balance->pending : &balance->posted;

	trib_assert(!__builtin_add_overflow(*held, amount, held));
}

/* One side of a transfer in one stage. */
static void add_side(struct trib_statement *statement, const struct trib_statement_at *at,
		     struct trib_account account, int64_t amount, const struct trib_transfer *transfer,
		     bool is_credit)
{
	const struct trib_statement_query *query = &statement->query;

	if (!amount)
		return;
	uint32_t index = ++statement->index;

	if (at->at_ms >= query->to_ms)
		return;
	struct trib_statement_account *held = account_at(statement, &account);

	if (at->at_ms < query->from_ms && at->position >= held->opened_at)
		add_to(&held->opening, account.stage, amount);
	held->stages |= (uint8_t)(1 << account.stage);
	if (at->position >= held->closed_at)
		add_to(&held->closing, account.stage, amount);
	if (at->at_ms < query->from_ms ||
	    (query->account.stage && query->account.stage != account.stage))
		return;
	const struct trib_statement_entry entry = {
		.at_ms = at->at_ms,
		.event_ms = at->event_ms,
		.place = { at->position, index },
		.account = account,
		.amount = amount,
		.other_party = is_credit ? transfer->from_party : transfer->to_party,
		.other_role = is_credit ? transfer->from_role : transfer->to_role,
		.name = transfer->name,
	};

	add_entry(statement, at, &entry);
}

void trib_statement_transfer(struct trib_statement *statement, const struct trib_statement_at *at,
			     uint32_t currency, const struct trib_transfer *transfer)
{
	if (statement->position != at->position) {
		statement->position = at->position;
		statement->index = 0;
	}
	struct trib_account from = { transfer->from_party, transfer->from_role, currency, transfer->from_kind, 0 };
	struct trib_account to = { transfer->to_party, transfer->to_role, currency, transfer->to_kind, 0 };
	bool from_it = matches(statement, &from), to_it = matches(statement, &to);

	for (uint8_t stage = TRIB_STAGE_PENDING; stage <= TRIB_STAGE_POSTED; stage++) {
		int64_t amount = stage == TRIB_STAGE_PENDING ? transfer->pending : transfer->posted;

		trib_assert(amount != INT64_MIN);
		from.stage = to.stage = stage;
		if (from_it)
			add_side(statement, at, from, -amount, transfer, false);
		if (to_it)
			add_side(statement, at, to, amount, transfer, true);
	}
}

static int compare_for_sort(const void *left, const void *right)
{
	return compare_accounts(&((const struct trib_statement_account *)left)->account,
				&((const struct trib_statement_account *)right)->account);
}

void trib_statement_finish(struct trib_statement *statement)
{
	size_t kept = 0;

	for (size_t i = 0; i < statement->n_accounts; i++)
		if (statement->accounts[i].stages)
			statement->accounts[kept++] = statement->accounts[i];
	statement->n_accounts = kept;
	if (kept)
		qsort(statement->accounts, kept, sizeof(*statement->accounts), compare_for_sort);
}

bool trib_statement_adds_up(const struct trib_statement *statement, const char **ret_reason)
{
	uint8_t stage = statement->query.account.stage;

	for (size_t i = 0; i < statement->n_accounts; i++) {
		const struct trib_statement_account *account = &statement->accounts[i];
		__int128 pending = account->opening.pending, posted = account->opening.posted;

		for (size_t j = 0; j < statement->n_entries; j++) {
			const struct trib_statement_entry *entry = &statement->entries[j];

			if (compare_accounts(&entry->account, &account->account) != 0)
				continue;
			pending += entry->account.stage == TRIB_STAGE_PENDING ? entry->amount : 0;
			posted += entry->account.stage == TRIB_STAGE_POSTED ? entry->amount : 0;
		}
		if ((stage != TRIB_STAGE_POSTED && pending != account->closing.pending) ||
		    (stage != TRIB_STAGE_PENDING && posted != account->closing.posted)) {
			*ret_reason = "an account whose opening and entries do not make its closing";
			return false;
		}
	}
	return true;
}
