/* The chains of commission/chain.h. */
#include "commission/chain.h"

#include "proto/wire.h"

/* --- Differences -------------------------------------------------------------------------------------- */

static int compare_lines(const struct trib_transfer *a, const struct trib_transfer *b)
{
	const uint32_t left[] = { a->name, a->from_party, a->from_role, a->from_kind,
				  a->to_party, a->to_role, a->to_kind };
	const uint32_t right[] = { b->name, b->from_party, b->from_role, b->from_kind,
				   b->to_party, b->to_role, b->to_kind };

	for (size_t i = 0; i < TRIB_ARRAY_SIZE(left); i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0;
}

bool trib_transfer_same_line(const struct trib_transfer *a, const struct trib_transfer *b)
{
	return compare_lines(a, b) == 0;
}

static int compare_for_sort(const void *left, const void *right)
{
	return compare_lines(left, right);
}

/* Adds sign × amounts. They are parts of one order's base, far from 64 bits together: lines of both stay within it. */
static void add_amounts(struct trib_transfer *sum, const struct trib_transfer *line, int sign)
{
	trib_assert(!__builtin_add_overflow(sum->pending, sign * line->pending, &sum->pending) &&
		    !__builtin_add_overflow(sum->posted, sign * line->posted, &sum->posted));
}

/* Drops what is nought. */
static size_t keep_amounts(struct trib_transfer *transfers, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (transfers[i].pending || transfers[i].posted)
			transfers[kept++] = transfers[i];
	return kept;
}

/* The usual case: the same lines in the same order, with other amounts. */
static bool differs_in_amounts_only(const struct trib_transfer *before, size_t n_before,
				    const struct trib_transfer *after, size_t n_after)
{
	if (n_before != n_after)
		return false;
	for (size_t i = 0; i < n_before; i++)
		if (compare_lines(&before[i], &after[i]) != 0)
			return false;
	return true;
}

size_t trib_chain_difference(const struct trib_transfer *before, size_t n_before,
			     const struct trib_transfer *after, size_t n_after,
			     struct trib_transfer *ret_transfers)
{
	size_t n = 0, merged = 0;

	if (differs_in_amounts_only(before, n_before, after, n_after)) {
		for (; n < n_after; n++) {
			ret_transfers[n] = after[n];
			add_amounts(&ret_transfers[n], &before[n], -1);
		}
		return keep_amounts(ret_transfers, n);
	}
	for (size_t i = 0; i < n_before; i++) {
		ret_transfers[n] = before[i];
		ret_transfers[n].pending = ret_transfers[n].posted = 0;
		add_amounts(&ret_transfers[n++], &before[i], -1);
	}
	for (size_t i = 0; i < n_after; i++)
		ret_transfers[n++] = after[i];
	if (n)
		qsort(ret_transfers, n, sizeof(*ret_transfers), compare_for_sort);
	for (size_t i = 0; i < n; i++) {
		if (merged && compare_lines(&ret_transfers[merged - 1], &ret_transfers[i]) == 0)
			add_amounts(&ret_transfers[merged - 1], &ret_transfers[i], 1);
		else
			ret_transfers[merged++] = ret_transfers[i];
	}
	return keep_amounts(ret_transfers, merged);
}

/* --- Posting ------------------------------------------------------------------------------------------ */

size_t trib_transfer_postings(const struct trib_transfer *transfer, uint32_t currency,
			      struct trib_posting ret_postings[2])
{
	size_t n = 0;

	for (uint8_t stage = TRIB_STAGE_PENDING; stage <= TRIB_STAGE_POSTED; stage++) {
		int64_t amount = stage == TRIB_STAGE_PENDING ? transfer->pending : transfer->posted;
		struct trib_account from = { transfer->from_party, transfer->from_role, currency,
					     transfer->from_kind, stage };
		struct trib_account to = { transfer->to_party, transfer->to_role, currency, transfer->to_kind,
					   stage };

		trib_assert(amount != INT64_MIN);
		if (amount > 0)
			ret_postings[n++] = (struct trib_posting){ from, to, amount };
		else if (amount < 0)
			ret_postings[n++] = (struct trib_posting){ to, from, -amount };
	}
	return n;
}

char *trib_transfer_put(char *p, uint32_t field, const struct trib_transfer *transfer)
{
	char *content = trib_wire_open(p, field, 1);

	p = trib_wire_put_u64(content, 2, transfer->name);
	p = trib_wire_put_u64(p, 3, transfer->to_party);
	p = trib_wire_put_u64(p, 4, transfer->to_role);
	p = trib_wire_put_u64(p, 5, transfer->from_party);
	p = trib_wire_put_u64(p, 6, transfer->from_role);
	p = trib_wire_put_s64(p, 7, transfer->pending);
	p = trib_wire_put_u64(p, 8, trib_kinds_pack(transfer->from_kind, transfer->to_kind));
	p = trib_wire_put_s64(p, 9, transfer->posted);
	trib_wire_close(content, p, 1);
	return p;
}

bool trib_transfer_get(struct trib_bytes posting, struct trib_transfer *ret_transfer)
{
	struct trib_transfer transfer = { 0 };
	struct trib_wire_field field;
	uint64_t kinds = 0;
	bool ok;

	while (trib_wire_next(&posting, &field, &ok)) {
		uint32_t narrow = (uint32_t)field.value;

		switch (field.number) {
		case 2: transfer.name = narrow; break;
		case 3: transfer.to_party = narrow; break;
		case 4: transfer.to_role = narrow; break;
		case 5: transfer.from_party = narrow; break;
		case 6: transfer.from_role = narrow; break;
		case 7: transfer.pending = trib_wire_unzigzag(field.value); break;
		case 8: kinds = field.value; break;
		case 9: transfer.posted = trib_wire_unzigzag(field.value); break;
		}
	}
	if (!ok || !trib_kinds_valid(kinds))
		return false;
	transfer.from_kind = trib_kinds_from((uint8_t)kinds, transfer.from_role);
	transfer.to_kind = trib_kinds_to((uint8_t)kinds, transfer.to_role);
	*ret_transfer = transfer;
	return true;
}

bool trib_chain_accepts(const struct trib_ledger *ledger, const struct trib_transfer *transfers, size_t n,
			uint32_t currency)
{
	TRIB_AUTOFREE struct trib_posting *postings = trib_alloc((2 * n + 1) * sizeof(*postings));
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if (transfers[i].pending == INT64_MIN || transfers[i].posted == INT64_MIN)
			return false;
		count += trib_transfer_postings(&transfers[i], currency, postings + count);
	}
	return trib_ledger_accepts(ledger, postings, count);
}

void trib_chain_post(struct trib_ledger *ledger, const struct trib_transfer *transfers, size_t n,
		     uint32_t currency)
{
	for (size_t i = 0; i < n; i++) {
		struct trib_posting postings[2];

		trib_ledger_post(ledger, postings, trib_transfer_postings(&transfers[i], currency, postings));
	}
}
