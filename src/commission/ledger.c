/*
 * The ledger of commission/ledger.h.
 *
 *	firsts[party] ──► entry ──next──► entry ──next──► 0        the accounts of one party, oldest first
 *
 * Entries are numbered from 1 in the order of their first posting and stand in chunks, so that nothing moves and no
 * table is ever rehashed. An entry's mark says in which generation it was last changed:
 *
 *	mark == current         changed since the freeze; listed in `changed`
 *	mark == 3 − current     changed before the freeze, not yet handed out; listed in `frozen`
 *	mark == 0               as the last checkpoint has it
 *
 * A freeze flips `current` and hands `changed` over to `frozen`, which walks nothing. A posting to an entry of the
 * other mark first saves its balance to `saved`. Impossible: an entry of the other mark when no freeze is running.
 */
#include "commission/ledger.h"

#include "base/column.h"
#include "domain/words.h"

enum {
	CHUNK_BITS = 12,
	CHUNK = 1 << CHUNK_BITS, /* elements of a vector's chunk */
	PARTY_BITS = 16,	 /* low bits of a party: its place in a page of firsts */
	LIST_LOOKS = 65536,	 /* entries that one call of trib_ledger_list looks at */
};

struct entry {
	struct trib_balance balance;
	uint32_t party, role;
	uint32_t currency : 29;
	uint32_t kind : 3;
	uint32_t next : 30;
	uint32_t mark : 2;
};
_Static_assert(sizeof(struct entry) == 32, "a cache line holds two");

struct saved {
	struct trib_account account;
	struct trib_balance balance;
};

/* A list that never moves its elements. */
struct vector {
	char **chunks;
	size_t count, chunks_max;
};

struct trib_ledger {
	uint32_t **firsts; /* pages of the first entry of each party */
	struct trib_column entries;
	size_t count; /* of entries; number 0 is none */
	unsigned current; /* 1 or 2 */
	struct vector changed, frozen, saved;
	size_t frozen_next, saved_next;
	bool freezing;
};

/* --- Words -------------------------------------------------------------------------------------------- */

struct word_row {
	const char *word, *zh, *en;
};

static const struct word_row kind_rows[] = {
#define X(name, number, word, zh, en) [number] = { word, zh, en },
	TRIB_ACCOUNT_KIND_TABLE(X)
#undef X
};

static const struct word_row stage_rows[] = {
#define X(name, number, word, zh, en) [number] = { word, zh, en },
	TRIB_STAGE_TABLE(X)
#undef X
};

/* Numbers begin with 1. 0 where there is none. */
static size_t find_word(const struct word_row *rows, size_t count, struct trib_bytes word)
{
	for (size_t i = 1; i < count; i++)
		if (trib_bytes_is(word, rows[i].word))
			return i;
	return 0;
}

const char *trib_account_kind_word(enum trib_account_kind kind)
{
	return (size_t)kind < TRIB_ARRAY_SIZE(kind_rows) ? kind_rows[kind].word : NULL;
}

const char *trib_account_kind_title(enum trib_account_kind kind, bool zh)
{
	if ((size_t)kind >= TRIB_ARRAY_SIZE(kind_rows))
		return NULL;
	return zh ? kind_rows[kind].zh : kind_rows[kind].en;
}

bool trib_account_kind_of_word(struct trib_bytes word, enum trib_account_kind *ret_kind)
{
	size_t found = find_word(kind_rows, TRIB_ARRAY_SIZE(kind_rows), word);

	if (found)
		*ret_kind = (enum trib_account_kind)found;
	return found != 0;
}

const char *trib_stage_word(enum trib_stage stage)
{
	return (size_t)stage < TRIB_ARRAY_SIZE(stage_rows) ? stage_rows[stage].word : NULL;
}

const char *trib_stage_title(enum trib_stage stage, bool zh)
{
	if ((size_t)stage >= TRIB_ARRAY_SIZE(stage_rows))
		return NULL;
	return zh ? stage_rows[stage].zh : stage_rows[stage].en;
}

bool trib_stage_of_word(struct trib_bytes word, enum trib_stage *ret_stage)
{
	size_t found = find_word(stage_rows, TRIB_ARRAY_SIZE(stage_rows), word);

	if (found)
		*ret_stage = (enum trib_stage)found;
	return found != 0;
}

uint8_t trib_line_kinds(enum trib_line_kind line, uint32_t from_role, uint32_t to_role, bool held)
{
	uint8_t owed = held ? TRIB_ACCOUNT_HELD : TRIB_ACCOUNT_PAYABLE;
	uint8_t from = from_role == TRIB_WORD_MERCHANT	 ? TRIB_ACCOUNT_RECEIVABLE
		       : from_role == TRIB_WORD_PLATFORM ? TRIB_ACCOUNT_SUBSIDY
							 : owed;
	uint8_t to = line == TRIB_LINE_TAX	     ? TRIB_ACCOUNT_TAX
		     : to_role == TRIB_WORD_PLATFORM ? TRIB_ACCOUNT_FEE
		     : to_role == TRIB_WORD_MERCHANT ? TRIB_ACCOUNT_RECEIVABLE
						     : owed;

	return trib_kinds_pack(from, to);
}

enum trib_account_kind trib_account_kind_of_role(uint32_t role)
{
	return role == TRIB_WORD_MERCHANT   ? TRIB_ACCOUNT_RECEIVABLE
	       : role == TRIB_WORD_PLATFORM ? TRIB_ACCOUNT_FEE
					    : TRIB_ACCOUNT_PAYABLE;
}

bool trib_kinds_valid(uint64_t kinds)
{
	return kinds == 0 || (kinds < 64 && trib_account_kind_word(kinds % 8) && trib_account_kind_word(kinds / 8));
}

/* --- Accounts ----------------------------------------------------------------------------------------- */

static void *vector_at(const struct vector *vector, size_t index, size_t element_size)
{
	return vector->chunks[index >> CHUNK_BITS] + (index & (CHUNK - 1)) * element_size;
}

static void *vector_add(struct vector *vector, size_t element_size)
{
	size_t chunk = vector->count >> CHUNK_BITS;

	if (!(vector->count & (CHUNK - 1))) {
		if (chunk == vector->chunks_max) {
			vector->chunks_max = vector->chunks_max ? 2 * vector->chunks_max : 16;
			vector->chunks = trib_realloc(vector->chunks,
						      vector->chunks_max * sizeof(*vector->chunks));
		}
		vector->chunks[chunk] = trib_alloc(CHUNK * element_size);
	}
	return vector_at(vector, vector->count++, element_size);
}

static void vector_fini(struct vector *vector)
{
	for (size_t i = 0; i << CHUNK_BITS < vector->count; i++)
		free(vector->chunks[i]);
	free(vector->chunks);
	*vector = (struct vector){ 0 };
}

struct trib_ledger *trib_ledger_new(void)
{
	struct trib_ledger *ledger = trib_alloc_zeroed(1, sizeof(*ledger));

	ledger->firsts = trib_alloc_zeroed((size_t)1 << (32 - PARTY_BITS), sizeof(*ledger->firsts));
	ledger->current = 1;
	ledger->count = 1;
	return ledger;
}

void trib_ledger_free(struct trib_ledger *ledger)
{
	if (!ledger)
		return;
	for (size_t i = 0; i < (size_t)1 << (32 - PARTY_BITS); i++)
		free(ledger->firsts[i]);
	free(ledger->firsts);
	trib_column_fini(&ledger->entries);
	vector_fini(&ledger->changed);
	vector_fini(&ledger->frozen);
	vector_fini(&ledger->saved);
	free(ledger);
}

static struct entry *entry_at(const struct trib_ledger *ledger, uint32_t number)
{
	return (struct entry *)ledger->entries.data + number;
}

static const uint32_t *first_of(const struct trib_ledger *ledger, uint32_t party)
{
	const uint32_t *page = ledger->firsts[party >> PARTY_BITS];

	return page ? &page[party & ((1u << PARTY_BITS) - 1)] : NULL;
}

static struct trib_account account_of(const struct entry *entry)
{
	return (struct trib_account){ entry->party, entry->role, entry->currency, (uint8_t)entry->kind, 0 };
}

static bool same_account(const struct entry *entry, const struct trib_account *account)
{
	return entry->role == account->role && entry->currency == account->currency &&
	       entry->kind == account->kind;
}

/* The number of the account's entry; 0 if there is none, then *ret_last is the party's last, or 0. */
static uint32_t find(const struct trib_ledger *ledger, const struct trib_account *account,
		     uint32_t *ret_last)
{
	const uint32_t *first = first_of(ledger, account->party);
	uint32_t number = first ? *first : 0, last = 0;

	while (number) {
		const struct entry *entry = entry_at(ledger, number);

		if (same_account(entry, account))
			return number;
		last = number;
		number = entry->next;
	}
	*ret_last = last;
	return 0;
}

static uint32_t find_or_add(struct trib_ledger *ledger, const struct trib_account *account)
{
	uint32_t last, number = find(ledger, account, &last);

	if (number)
		return number;
	trib_assert(ledger->count < UINT32_C(1) << 30 && account->currency < 1u << 29 &&
		    trib_account_kind_word(account->kind));
	number = (uint32_t)ledger->count++;
	trib_column_reserve(&ledger->entries, ledger->count * sizeof(struct entry));
	*entry_at(ledger, number) =
		(struct entry){ .party = account->party,
				.role = account->role,
				.currency = account->currency & ((1u << 29) - 1),
				.kind = account->kind & 7u };
	if (last) {
		entry_at(ledger, last)->next = number;
		return number;
	}
	uint32_t **page = &ledger->firsts[account->party >> PARTY_BITS];

	if (!*page)
		*page = trib_alloc_zeroed((size_t)1 << PARTY_BITS, sizeof(**page));
	(*page)[account->party & ((1u << PARTY_BITS) - 1)] = number;
	return number;
}

/* Before the entry's balance changes: saves it for a running freeze, and lists the entry as changed. */
static void mark(struct trib_ledger *ledger, uint32_t number, struct entry *entry)
{
	if (TRIB_LIKELY(entry->mark == ledger->current))
		return;
	if (entry->mark)
		*(struct saved *)vector_add(&ledger->saved, sizeof(struct saved)) =
			(struct saved){ account_of(entry), entry->balance };
	entry->mark = ledger->current;
	*(uint32_t *)vector_add(&ledger->changed, sizeof(uint32_t)) = number;
}

static int64_t *stage_of(struct trib_balance *balance, uint8_t stage)
{
	trib_assert(stage == TRIB_STAGE_PENDING || stage == TRIB_STAGE_POSTED);
	return stage == TRIB_STAGE_PENDING ? &balance->pending : &balance->posted;
}

static void add(struct trib_ledger *ledger, const struct trib_account *account, int64_t amount)
{
	uint32_t number = find_or_add(ledger, account);
	struct entry *entry = entry_at(ledger, number);
	int64_t *balance = stage_of(&entry->balance, account->stage);

	mark(ledger, number, entry);
	trib_assert(!__builtin_add_overflow(*balance, amount, balance));
}

/* The account's own balance, and all of its party's in that role and currency. */
static __int128 sum_of(const struct trib_ledger *ledger, const struct trib_account *account, int64_t *ret_own)
{
	const uint32_t *first = first_of(ledger, account->party);
	__int128 sum = 0;

	*ret_own = 0;
	for (uint32_t number = first ? *first : 0; number; number = entry_at(ledger, number)->next) {
		struct entry *entry = entry_at(ledger, number);

		if (entry->role != account->role || entry->currency != account->currency)
			continue;
		sum += (__int128)entry->balance.pending + entry->balance.posted;
		if (entry->kind == account->kind)
			*ret_own = *stage_of(&entry->balance, account->stage);
	}
	return sum;
}

static bool fits(__int128 value)
{
	return value >= INT64_MIN && value <= INT64_MAX;
}

bool trib_ledger_accepts(const struct trib_ledger *ledger, const struct trib_posting *postings,
			 size_t n)
{
	int64_t sum = 0, own;

	for (size_t i = 0; i < n; i++)
		if (postings[i].amount < 0 ||
		    postings[i].debit.currency != postings[i].credit.currency ||
		    __builtin_add_overflow(sum, postings[i].amount, &sum))
			return false;
	for (size_t i = 0; i < n; i++) {
		__int128 all = sum_of(ledger, &postings[i].debit, &own);

		if (!fits(all - sum) || !fits((__int128)own - sum))
			return false;
		all = sum_of(ledger, &postings[i].credit, &own);
		if (!fits(all + sum) || !fits((__int128)own + sum))
			return false;
	}
	return true;
}

void trib_ledger_post(struct trib_ledger *ledger, const struct trib_posting *postings, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct trib_posting *posting = &postings[i];

		trib_assert(posting->amount >= 0 &&
			    posting->debit.currency == posting->credit.currency);
		if (!posting->amount)
			continue;
		add(ledger, &posting->debit, -posting->amount);
		add(ledger, &posting->credit, posting->amount);
	}
}

/* All together fit; some of them, on purpose, may not. */
static int64_t clamp(__int128 sum)
{
	return sum < INT64_MIN ? INT64_MIN : sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

/* What an entry holds in a stage, or in both for 0. */
static __int128 held_in(const struct trib_balance *balance, uint8_t stage)
{
	return (stage == TRIB_STAGE_POSTED ? 0 : (__int128)balance->pending) +
	       (stage == TRIB_STAGE_PENDING ? 0 : balance->posted);
}

int64_t trib_ledger_balance(const struct trib_ledger *ledger, struct trib_account account)
{
	const uint32_t *first = first_of(ledger, account.party);
	__int128 sum = 0;

	for (uint32_t number = first ? *first : 0; number; number = entry_at(ledger, number)->next) {
		const struct entry *entry = entry_at(ledger, number);

		if (entry->role == account.role && entry->currency == account.currency &&
		    (!account.kind || entry->kind == account.kind))
			sum += held_in(&entry->balance, account.stage);
	}
	return clamp(sum);
}

void trib_ledger_prefetch(const struct trib_ledger *ledger, uint32_t party)
{
	const uint32_t *first = first_of(ledger, party);

	if (first)
		TRIB_PREFETCH(first);
}

void trib_ledger_prefetch_accounts(const struct trib_ledger *ledger, uint32_t party)
{
	const uint32_t *first = first_of(ledger, party);

	if (first && *first)
		TRIB_PREFETCH(entry_at(ledger, *first));
}

void trib_ledger_load(struct trib_ledger *ledger, struct trib_account account, struct trib_balance balance)
{
	entry_at(ledger, find_or_add(ledger, &account))->balance = balance;
}

void trib_ledger_freeze(struct trib_ledger *ledger)
{
	trib_assert(!ledger->freezing);
	ledger->freezing = true;
	ledger->current = 3 - ledger->current;
	ledger->frozen = ledger->changed;
	ledger->changed = (struct vector){ 0 };
	ledger->frozen_next = ledger->saved_next = 0;
}

size_t trib_ledger_freeze_left(const struct trib_ledger *ledger)
{
	/* Of the frozen that are still to come, those saved meanwhile are counted twice: an upper bound. */
	return ledger->freezing ? ledger->frozen.count - ledger->frozen_next + ledger->saved.count -
					  ledger->saved_next
				: 0;
}

bool trib_ledger_freeze_step(struct trib_ledger *ledger, size_t max, trib_ledger_fn *emit,
			     void *context)
{
	for (; max && ledger->frozen_next < ledger->frozen.count; max--) {
		const uint32_t *number =
			vector_at(&ledger->frozen, ledger->frozen_next++, sizeof(*number));
		struct entry *entry = entry_at(ledger, *number);

		if (entry->mark == ledger->current)
			continue; /* changed since: its balance stands in saved */
		entry->mark = 0;
		emit(context, account_of(entry), entry->balance);
	}
	for (; max && ledger->saved_next < ledger->saved.count; max--) {
		const struct saved *saved =
			vector_at(&ledger->saved, ledger->saved_next++, sizeof(*saved));

		emit(context, saved->account, saved->balance);
	}
	if (trib_ledger_freeze_left(ledger))
		return true;
	vector_fini(&ledger->frozen);
	vector_fini(&ledger->saved);
	ledger->freezing = false;
	return false;
}

static bool matches(const struct entry *entry, const struct trib_account *filter)
{
	return (!filter->party || entry->party == filter->party) &&
	       (!filter->role || entry->role == filter->role) &&
	       (!filter->currency || entry->currency == filter->currency) &&
	       (!filter->kind || entry->kind == filter->kind) &&
	       (!filter->stage || held_in(&entry->balance, filter->stage));
}

/* The first entry from `number` on that may match, 0 at the end. */
static uint32_t list_from(const struct trib_ledger *ledger, const struct trib_account *filter,
			  uint32_t number)
{
	const uint32_t *first;
	uint32_t at;

	if (!filter->party)
		return number < ledger->count ? number : 0;
	first = first_of(ledger, filter->party);
	for (at = first ? *first : 0; at && at < number; at = entry_at(ledger, at)->next)
		;
	return at;
}

/* Entries that match, of one party, role and currency, as one; false if an earlier one has spoken for them. */
static bool sum_up_entries(const struct trib_ledger *ledger, const struct trib_account *filter, uint32_t self,
			   struct trib_balance *ret_sum)
{
	const struct entry *one = entry_at(ledger, self);
	const uint32_t *first = first_of(ledger, one->party);
	__int128 pending = 0, posted = 0;

	for (uint32_t number = *first; number; number = entry_at(ledger, number)->next) {
		const struct entry *entry = entry_at(ledger, number);

		if (entry->role != one->role || entry->currency != one->currency || !matches(entry, filter))
			continue;
		if (number < self)
			return false;
		pending += entry->balance.pending;
		posted += entry->balance.posted;
	}
	*ret_sum = (struct trib_balance){ clamp(pending), clamp(posted) };
	return true;
}

static bool list(const struct trib_ledger *ledger, const struct trib_account *filter, uint64_t *cursor,
		 size_t max, bool sums, trib_ledger_fn *emit, void *context)
{
	uint32_t number = list_from(ledger, filter, (uint32_t)TRIB_MAX(*cursor, 1));

	for (size_t looks = 0; number && max && looks < LIST_LOOKS; looks++) {
		const struct entry *entry = entry_at(ledger, number);
		struct trib_account account = account_of(entry);
		struct trib_balance balance = entry->balance;

		if (matches(entry, filter) &&
		    (!sums || sum_up_entries(ledger, filter, number, &balance))) {
			account.kind = sums ? 0 : account.kind;
			emit(context, account, balance);
			max--;
		}
		number = filter->party			      ? entry->next
			 : number + 1 < ledger->count ? number + 1
							      : 0;
	}
	*cursor = number;
	return number != 0;
}

bool trib_ledger_list(const struct trib_ledger *ledger, struct trib_account filter,
		      uint64_t *cursor, size_t max, trib_ledger_fn *emit, void *context)
{
	return list(ledger, &filter, cursor, max, false, emit, context);
}

bool trib_ledger_list_sums(const struct trib_ledger *ledger, struct trib_account filter,
			   uint64_t *cursor, size_t max, trib_ledger_fn *emit, void *context)
{
	return list(ledger, &filter, cursor, max, true, emit, context);
}

size_t trib_ledger_count(const struct trib_ledger *ledger)
{
	return ledger->count - 1;
}

struct currency_sum {
	uint32_t currency;
	__int128 pending, posted;
};

/* Currencies are few: a list of sums, searched from where the last one was found. */
static void sum_up(const struct entry *entry, struct vector *sums)
{
	struct currency_sum *sum = NULL;

	for (size_t i = 0; i < sums->count; i++) {
		sum = vector_at(sums, i, sizeof(*sum));
		if (sum->currency == entry->currency)
			break;
		sum = NULL;
	}
	if (!sum) {
		sum = vector_add(sums, sizeof(*sum));
		*sum = (struct currency_sum){ .currency = entry->currency };
	}
	sum->pending += entry->balance.pending;
	sum->posted += entry->balance.posted;
}

static const char *entry_reason(const struct trib_ledger *ledger, uint32_t number, size_t *marked)
{
	const struct entry *entry = entry_at(ledger, number);
	const struct trib_account account = account_of(entry);
	uint32_t last;

	if (find(ledger, &account, &last) != number)
		return "an account that its party does not lead to, or twice the same";
	if (entry->next && entry->next <= number)
		return "accounts of a party out of order";
	if (entry->mark > 2 || (entry->mark == 3 - ledger->current && !ledger->freezing))
		return "an account of a freeze that is over";
	marked[entry->mark]++;
	return NULL;
}

bool trib_ledger_check(const struct trib_ledger *ledger, const char **ret_reason)
{
	struct vector sums = { 0 };
	size_t marked[3] = { 0 };
	const char *reason = NULL;

	for (uint32_t number = 1; number < ledger->count && !reason; number++) {
		reason = entry_reason(ledger, number, marked);
		sum_up(entry_at(ledger, number), &sums);
	}
	for (size_t i = 0; i < sums.count && !reason; i++) {
		const struct currency_sum *sum = vector_at(&sums, i, sizeof(*sum));

		if (sum->pending || sum->posted)
			reason = "a currency whose balances do not sum to 0";
	}
	vector_fini(&sums);
	if (!reason && marked[ledger->current] != ledger->changed.count)
		reason = "changed accounts that are not listed";
	if (!reason && marked[3 - ledger->current] + ledger->saved.count > ledger->frozen.count)
		reason = "more accounts to hand out than were frozen";
	if (reason)
		*ret_reason = reason;
	return !reason;
}
