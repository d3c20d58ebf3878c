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

enum {
	CHUNK_BITS = 12,
	CHUNK = 1 << CHUNK_BITS, /* elements of a vector's chunk */
	PARTY_BITS = 16,	 /* low bits of a party: its place in a page of firsts */
	LIST_LOOKS = 65536,	 /* entries that one call of trib_ledger_list looks at */
};

struct entry {
	int64_t balance;
	struct trib_account account;
	uint32_t next : 30;
	uint32_t mark : 2;
};
_Static_assert(sizeof(struct entry) == 24, "a cache line holds two and a half");

struct saved {
	struct trib_account account;
	int64_t balance;
};

/* A list that never moves its elements. */
struct vector {
	char **chunks;
	size_t count, chunks_max;
};

struct trib_ledger {
	uint32_t **firsts; /* pages of the first entry of each party */
	struct vector entries;
	unsigned current; /* 1 or 2 */
	struct vector changed, frozen, saved;
	size_t frozen_next, saved_next;
	bool freezing;
};

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
	vector_add(&ledger->entries, sizeof(struct entry)); /* number 0: none */
	return ledger;
}

void trib_ledger_free(struct trib_ledger *ledger)
{
	if (!ledger)
		return;
	for (size_t i = 0; i < (size_t)1 << (32 - PARTY_BITS); i++)
		free(ledger->firsts[i]);
	free(ledger->firsts);
	vector_fini(&ledger->entries);
	vector_fini(&ledger->changed);
	vector_fini(&ledger->frozen);
	vector_fini(&ledger->saved);
	free(ledger);
}

static struct entry *entry_at(const struct trib_ledger *ledger, uint32_t number)
{
	return vector_at(&ledger->entries, number, sizeof(struct entry));
}

static const uint32_t *first_of(const struct trib_ledger *ledger, uint32_t party)
{
	const uint32_t *page = ledger->firsts[party >> PARTY_BITS];

	return page ? &page[party & ((1u << PARTY_BITS) - 1)] : NULL;
}

static bool same_account(const struct trib_account *a, const struct trib_account *b)
{
	return a->party == b->party && a->role == b->role && a->currency == b->currency;
}

/* The number of the account's entry; 0 if there is none, then *ret_last is the party's last, or 0. */
static uint32_t find(const struct trib_ledger *ledger, const struct trib_account *account,
		     uint32_t *ret_last)
{
	const uint32_t *first = first_of(ledger, account->party);
	uint32_t number = first ? *first : 0, last = 0;

	while (number) {
		const struct entry *entry = entry_at(ledger, number);

		if (same_account(&entry->account, account))
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
	trib_assert(ledger->entries.count < UINT32_C(1) << 30);
	number = (uint32_t)ledger->entries.count;
	*(struct entry *)vector_add(&ledger->entries, sizeof(struct entry)) =
		(struct entry){ .account = *account };
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
			(struct saved){ entry->account, entry->balance };
	entry->mark = ledger->current;
	*(uint32_t *)vector_add(&ledger->changed, sizeof(uint32_t)) = number;
}

static void add(struct trib_ledger *ledger, const struct trib_account *account, int64_t amount)
{
	uint32_t number = find_or_add(ledger, account);
	struct entry *entry = entry_at(ledger, number);
	int64_t balance;

	trib_assert(!__builtin_add_overflow(entry->balance, amount, &balance));
	mark(ledger, number, entry);
	entry->balance = balance;
}

bool trib_ledger_accepts(const struct trib_ledger *ledger, const struct trib_posting *postings,
			 size_t n)
{
	int64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		if (postings[i].amount < 0 ||
		    postings[i].debit.currency != postings[i].credit.currency ||
		    __builtin_add_overflow(sum, postings[i].amount, &sum))
			return false;
	for (size_t i = 0; i < n; i++) {
		int64_t debit = trib_ledger_balance(ledger, postings[i].debit);
		int64_t credit = trib_ledger_balance(ledger, postings[i].credit), ignored;

		if (__builtin_sub_overflow(debit, sum, &ignored) ||
		    __builtin_add_overflow(credit, sum, &ignored))
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

int64_t trib_ledger_balance(const struct trib_ledger *ledger, struct trib_account account)
{
	uint32_t last, number = find(ledger, &account, &last);

	return number ? entry_at(ledger, number)->balance : 0;
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

void trib_ledger_load(struct trib_ledger *ledger, struct trib_account account, int64_t balance)
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
		emit(context, entry->account, entry->balance);
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

static bool matches(const struct trib_account *account, const struct trib_account *filter)
{
	return (!filter->party || account->party == filter->party) &&
	       (!filter->role || account->role == filter->role) &&
	       (!filter->currency || account->currency == filter->currency);
}

/* The first entry from `number` on that may match, 0 at the end. */
static uint32_t list_from(const struct trib_ledger *ledger, const struct trib_account *filter,
			  uint32_t number)
{
	const uint32_t *first;
	uint32_t at;

	if (!filter->party)
		return number < ledger->entries.count ? number : 0;
	first = first_of(ledger, filter->party);
	for (at = first ? *first : 0; at && at < number; at = entry_at(ledger, at)->next)
		;
	return at;
}

bool trib_ledger_list(const struct trib_ledger *ledger, struct trib_account filter,
		      uint64_t *cursor, size_t max, trib_ledger_fn *emit, void *context)
{
	uint32_t number = list_from(ledger, &filter, (uint32_t)TRIB_MAX(*cursor, 1));

	for (size_t looks = 0; number && max && looks < LIST_LOOKS; looks++) {
		const struct entry *entry = entry_at(ledger, number);

		if (matches(&entry->account, &filter)) {
			emit(context, entry->account, entry->balance);
			max--;
		}
		number = filter.party			      ? entry->next
			 : number + 1 < ledger->entries.count ? number + 1
							      : 0;
	}
	*cursor = number;
	return number != 0;
}

size_t trib_ledger_count(const struct trib_ledger *ledger)
{
	return ledger->entries.count - 1;
}

struct currency_sum {
	uint32_t currency;
	__int128 sum;
};

/* Currencies are few: a list of sums, searched from where the last one was found. */
static void sum_up(const struct entry *entry, struct vector *sums)
{
	struct currency_sum *sum;

	for (size_t i = 0; i < sums->count; i++) {
		sum = vector_at(sums, i, sizeof(*sum));
		if (sum->currency == entry->account.currency) {
			sum->sum += entry->balance;
			return;
		}
	}
	sum = vector_add(sums, sizeof(*sum));
	*sum = (struct currency_sum){ entry->account.currency, entry->balance };
}

static const char *entry_reason(const struct trib_ledger *ledger, uint32_t number, size_t *marked)
{
	const struct entry *entry = entry_at(ledger, number);
	uint32_t last;

	if (find(ledger, &entry->account, &last) != number)
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

	for (uint32_t number = 1; number < ledger->entries.count && !reason; number++) {
		reason = entry_reason(ledger, number, marked);
		sum_up(entry_at(ledger, number), &sums);
	}
	for (size_t i = 0; i < sums.count && !reason; i++)
		if (((struct currency_sum *)vector_at(&sums, i, sizeof(struct currency_sum)))->sum)
			reason = "a currency whose balances do not sum to 0";
	vector_fini(&sums);
	if (!reason && marked[ledger->current] != ledger->changed.count)
		reason = "changed accounts that are not listed";
	if (!reason && marked[3 - ledger->current] + ledger->saved.count > ledger->frozen.count)
		reason = "more accounts to hand out than were frozen";
	if (reason)
		*ret_reason = reason;
	return !reason;
}
