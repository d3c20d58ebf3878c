/*
 * Random lives of random orders: is what is left in the books the same whatever the sequence in which messages came, and
 * is it what a twin says that looks at the set only? For the unit test, and for bench/lifecycle.c.
 */
#ifndef TRIB_TEST_COMMISSION_LIVES_H
#define TRIB_TEST_COMMISSION_LIVES_H

#include "attribution/models.h"
#include "base/rng.h"
#include "commission/commission.h"

enum { LIVES_TOLD_MAX = 24, LIVES_PARTIES = 16, LIVES_TIMES = 30 };

struct told {
	bool is_refund;
	struct trib_status_message status;
	struct trib_refund refund;
};

struct life_case {
	struct trib_life_order order;
	struct trib_share shares[5];
	uint32_t n_told;
	struct told told[LIVES_TOLD_MAX];
};

/* Estimated and final balances. */
struct books {
	int64_t of[2][LIVES_PARTIES];
};

struct lives_counts {
	uint64_t lives, messages, refused, other_sequences;
};

static inline void lives_draw_shares(struct trib_rng *rng, struct life_case *life)
{
	/* Commission, service, a fee and an agency out of the commission, a subsidy. */
	static const struct trib_share all[] = {
		{ .name = 1, .to = TRIB_SLOT_CREATOR, .from = TRIB_SLOT_MERCHANT, .of = TRIB_OF_BASE, .rate = TRIB_RATE_COMMISSION },
		{ .name = 2, .to = TRIB_SLOT_LEADER, .from = TRIB_SLOT_MERCHANT, .of = TRIB_OF_BASE, .rate = TRIB_RATE_SERVICE },
		{ .name = 3, .to = TRIB_SLOT_PLATFORM, .from = TRIB_SLOT_CREATOR, .of = 0, .rate = TRIB_RATE_PLATFORM },
		{ .name = 4, .to = TRIB_SLOT_AGENCY, .from = TRIB_SLOT_CREATOR, .of = 0, .take = TRIB_TAKE_REST, .rate = TRIB_RATE_AGENCY },
		{ .name = 5, .to = TRIB_SLOT_CREATOR, .from = TRIB_SLOT_PLATFORM, .of = TRIB_OF_BASE, .bps = 150 },
	};

	memcpy(life->shares, all, sizeof(all));
	for (size_t i = 0; i < TRIB_ARRAY_SIZE(all); i++) {
		life->shares[i].round = trib_rng_below(rng, 3) == 0;
		life->shares[i].cap = trib_rng_below(rng, 8) ? TRIB_CAP_NONE : (int64_t)trib_rng_below(rng, 2000);
	}
	life->order.shares = life->shares;
	life->order.n_shares = 1 + (uint32_t)trib_rng_below(rng, TRIB_ARRAY_SIZE(all));
}

static inline void lives_draw_order(struct trib_rng *rng, struct life_case *life)
{
	struct trib_life_order *order = &life->order;

	lives_draw_shares(rng, life);
	order->base = trib_rng_below(rng, 50) ? (int64_t)trib_rng_below(rng, 100000) : INT64_C(1) << trib_rng_below(rng, 60);
	order->qty = (int64_t)trib_rng_below(rng, 6);
	order->deposit = trib_rng_below(rng, 4) ? 0 : (int64_t)trib_rng_below(rng, (uint64_t)order->base + 1);
	order->deposit_counts = trib_rng_below(rng, 2);
	order->after_settlement = (enum trib_after_settlement)trib_rng_below(rng, 3);
	order->claw_back_ms = (int64_t)trib_rng_below(rng, LIVES_TIMES / 2);
	order->n_slices = trib_rng_below(rng, 3) ? 1 : 1 + (uint32_t)trib_rng_below(rng, 4);
	for (uint32_t i = 0; i < order->n_slices; i++) {
		struct trib_life_slice *slice = &order->slices[i];

		*slice = (struct trib_life_slice){ .weight = 1 + trib_rng_below(rng, 100), .earns = trib_rng_below(rng, 10) != 0 };
		for (uint32_t slot = 0; slot <= TRIB_SLOT_AGENCY; slot++)
			slice->parties[slot] = slot < TRIB_SLOT_CREATOR || trib_rng_below(rng, 10) ?
						       1 + slot + (slot == TRIB_SLOT_CREATOR ? 6 + i : 0) :
						       0;
		/* An incentive, as the engine adds it. */
		slice->base = order->base / (1 + (int64_t)trib_rng_below(rng, 3));
		slice->n_extras = slice->base && slice->parties[TRIB_SLOT_CREATOR] ? (uint32_t)trib_rng_below(rng, 2) : 0;
		slice->extras[0] = (struct trib_line){ .share = 252, .name = 9, .from = TRIB_SLOT_PLATFORM, .to = TRIB_SLOT_CREATOR,
						       .from_party = slice->parties[TRIB_SLOT_PLATFORM],
						       .to_party = slice->parties[TRIB_SLOT_CREATOR],
						       .amount = (int64_t)trib_rng_below(rng, (uint64_t)slice->base / 20 + 1) };
		for (int rate = TRIB_RATE_COMMISSION; rate < TRIB_RATES; rate++)
			slice->rates.bps[rate] = (uint16_t)trib_rng_below(rng, 4000);
	}
}

static inline void lives_draw_told(struct trib_rng *rng, struct life_case *life)
{
	static const char ids[LIVES_TOLD_MAX][3] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
						     "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x" };
	int64_t base = life->order.base, small = base / 6 + 2;

	life->n_told = (uint32_t)trib_rng_below(rng, 14);
	for (uint32_t i = 0; i < life->n_told; i++) {
		struct told *told = &life->told[i];
		int64_t at = 1 + (int64_t)trib_rng_below(rng, LIVES_TIMES);

		*told = (struct told){ .is_refund = trib_rng_below(rng, 2) };
		if (told->is_refund) {
			told->refund = (struct trib_refund){
				.id = trib_bytes(ids[i], 1),
				.kind = (enum trib_refund_kind)(1 + trib_rng_below(rng, TRIB_REFUND_FORFEITURE)),
				.amount = (int64_t)trib_rng_below(rng, (uint64_t)(trib_rng_below(rng, 12) ? small : base + 1)),
				.qty = trib_rng_below(rng, 3) ? 0 : (uint32_t)trib_rng_below(rng, 4),
				.at_ms = at, .at_stated = true,
			};
			continue;
		}
		/* `invalid` ends most of what could be told: it is rarer. */
		told->status = (struct trib_status_message){
			.state = (enum trib_order_state)(1 + trib_rng_below(rng, trib_rng_below(rng, 6) ? 5 : 6)), .at_ms = at
		};
		if (trib_rng_below(rng, 6) == 0) {
			told->status.states_base = true;
			told->status.base = base / 2 + (int64_t)trib_rng_below(rng, (uint64_t)base / 2 + 1);
		}
	}
}

static inline void lives_shuffle(struct trib_rng *rng, struct life_case *life)
{
	for (uint32_t i = life->n_told; i > 1; i--) {
		uint32_t j = (uint32_t)trib_rng_below(rng, i);
		struct told told = life->told[j];

		life->told[j] = life->told[i - 1];
		life->told[i - 1] = told;
	}
}

/* Lines as transfers, with slots for roles. */
static inline uint32_t lives_transfers(const struct trib_life *life, struct trib_transfer *ret_transfers)
{
	for (uint32_t i = 0; i < life->n_lines; i++) {
		const struct trib_line *line = &life->lines[i].line;

		ret_transfers[i] = (struct trib_transfer){ .name = line->name, .from_party = line->from_party, .from_role = line->from,
							   .to_party = line->to_party, .to_role = line->to, .from_kind = TRIB_ACCOUNT_PAYABLE,
							   .to_kind = TRIB_ACCOUNT_PAYABLE };
		*(life->final ? &ret_transfers[i].posted : &ret_transfers[i].pending) = line->amount;
	}
	return life->n_lines;
}

static inline void lives_post(struct books *books, const struct trib_life *before, const struct trib_life *after)
{
	static struct trib_transfer had[TRIB_LIFE_LINES_MAX], has[TRIB_LIFE_LINES_MAX], moves[2 * TRIB_LIFE_LINES_MAX];
	uint32_t n_had = lives_transfers(before, had), n_has = lives_transfers(after, has);
	size_t n = trib_chain_difference(had, n_had, has, n_has, moves);

	for (size_t i = 0; i < n; i++) {
		books->of[0][moves[i].from_party] -= moves[i].pending;
		books->of[0][moves[i].to_party] += moves[i].pending;
		books->of[1][moves[i].from_party] -= moves[i].posted;
		books->of[1][moves[i].to_party] += moves[i].posted;
	}
}

/*
 * Tells everything in the sequence in which it stands, and posts the difference after each. What is refused is taken out
 * of the case; returns how much that was.
 */
static inline uint32_t lives_run(struct life_case *life, struct trib_life_messages *messages, struct books *books,
				 struct trib_life **ret_end)
{
	static struct trib_life pair[2];
	unsigned now = 0;
	uint32_t kept = 0, refused = 0;
	static const struct trib_life nothing;

	memset(messages->reached, 0, sizeof(messages->reached));
	messages->n_edits = messages->n_refunds = 0;
	memset(books, 0, sizeof(*books));
	trib_lifecycle(&life->order, messages, &pair[now]);
	lives_post(books, &nothing, &pair[now]);
	for (uint32_t i = 0; i < life->n_told; i++) {
		const struct told *told = &life->told[i];
		uint32_t at;
		bool changed;
		trib_status status = told->is_refund ?
					     trib_life_tell_refund(&life->order, messages, &told->refund, &changed, &at, NULL) :
					     trib_life_tell_status(&life->order, messages, &told->status, &changed, NULL);

		if (status != TRIB_OK) {
			refused++;
			continue;
		}
		life->told[kept++] = *told;
		trib_lifecycle(&life->order, messages, &pair[!now]);
		lives_post(books, &pair[now], &pair[!now]);
		now = !now;
	}
	life->n_told = kept;
	*ret_end = &pair[now];
	return refused;
}

/* --- The twin: looks at the set of what was told, in no sequence ---------------------------------------- */

static inline int64_t twin_first(const struct life_case *life, enum trib_order_state state)
{
	int64_t first = INT64_MAX;

	for (uint32_t i = 0; i < life->n_told; i++)
		if (!life->told[i].is_refund && life->told[i].status.state == state)
			first = TRIB_MIN(first, life->told[i].status.at_ms);
	return first;
}

static inline bool twin_counts(const struct life_case *life, int64_t at_ms)
{
	int64_t settled = twin_first(life, TRIB_ORDER_SETTLED);

	if (settled == INT64_MAX || at_ms <= settled)
		return true;
	return life->order.after_settlement == TRIB_AFTER_SETTLEMENT_CLAW_BACK ||
	       (life->order.after_settlement == TRIB_AFTER_SETTLEMENT_CLAW_BACK_WITHIN &&
		at_ms - settled <= life->order.claw_back_ms);
}

static inline int64_t twin_counted(const struct life_case *life, bool *ret_forfeited)
{
	int64_t base = life->order.base, newest = 0, invalid = twin_first(life, TRIB_ORDER_INVALID), taken = 0;

	*ret_forfeited = false;
	for (uint32_t i = 0; i < life->n_told; i++) {
		const struct trib_status_message *status = &life->told[i].status;

		/* Of equal times the further state. */
		if (!life->told[i].is_refund && status->states_base && twin_counts(life, status->at_ms) &&
		    status->at_ms * 8 + status->state > newest) {
			newest = status->at_ms * 8 + status->state;
			base = status->base;
		}
	}
	for (uint32_t i = 0; i < life->n_told; i++) {
		const struct trib_refund *refund = &life->told[i].refund;

		if (!life->told[i].is_refund || !twin_counts(life, refund->at_ms))
			continue;
		if (refund->kind == TRIB_REFUND_FORFEITURE)
			*ret_forfeited = true;
		else if (refund->kind != TRIB_REFUND_FREIGHT_ONLY && refund->kind != TRIB_REFUND_EXCHANGE)
			taken += refund->amount;
	}
	base = TRIB_MAX(base - taken, 0);
	if (invalid == INT64_MAX || !twin_counts(life, invalid))
		return base;
	return life->order.deposit_counts && twin_first(life, TRIB_ORDER_PAID) == INT64_MAX &&
			       twin_first(life, TRIB_ORDER_SETTLED) == INT64_MAX ?
		       TRIB_MIN(base, life->order.deposit) :
		       0;
}

/* The pieces that still count. */
static inline int64_t twin_pieces(const struct life_case *life)
{
	int64_t left = life->order.qty ? life->order.qty : 1;

	for (uint32_t i = 0; i < life->n_told; i++)
		switch (life->told[i].is_refund && twin_counts(life, life->told[i].refund.at_ms) ? life->told[i].refund.kind : 0) {
		case TRIB_REFUND_FULL:
		case TRIB_REFUND_PARTIAL:
		case TRIB_REFUND_REFUND_ONLY:
		case TRIB_REFUND_RETURN:
		case TRIB_REFUND_CHARGEBACK:
			left -= life->told[i].refund.qty;
			break;
		default:
			break;
		}
	return TRIB_MAX(left, 0);
}

/* The books as if the order had been decided on what is left of it. */
static inline void twin_books(const struct life_case *life, struct books *books)
{
	uint64_t weights[TRIB_LIMIT_TOUCHES_CONSIDERED], sum = 0;
	int64_t parts[TRIB_LIMIT_TOUCHES_CONSIDERED], charged;
	struct trib_line lines[TRIB_SPLIT_LINES_MAX];
	bool forfeited, final = twin_first(life, TRIB_ORDER_SETTLED) != INT64_MAX || twin_first(life, TRIB_ORDER_INVALID) != INT64_MAX;
	int64_t counted = twin_counted(life, &forfeited), *of = books->of[final];

	memset(books, 0, sizeof(*books));
	for (uint32_t i = 0; i < life->order.n_slices; i++)
		sum += weights[i] = life->order.slices[i].weight;
	trib_model_divide_by(weights, life->order.n_slices, sum, counted, parts);
	for (uint32_t i = 0; i < life->order.n_slices; i++) {
		const struct trib_life_slice *slice = &life->order.slices[i];
		size_t n = slice->earns ? trib_split(life->order.shares, life->order.n_shares, parts[i], &slice->rates,
						     slice->parties, lines, &charged) :
					  0;
		uint32_t creator = slice->parties[TRIB_SLOT_CREATOR];

		for (size_t j = 0; j < n; j++) {
			of[lines[j].from_party] -= lines[j].amount;
			of[lines[j].to_party] += lines[j].amount;
		}
		if (slice->earns && slice->n_extras) {
			int64_t amount = (int64_t)((__int128)slice->extras[0].amount * parts[i] / slice->base);

			of[slice->parties[TRIB_SLOT_PLATFORM]] -= amount;
			of[creator] += amount;
		}
		if (forfeited && creator) {
			of[slice->parties[TRIB_SLOT_PLATFORM]] += of[creator];
			of[creator] = 0;
		}
	}
}

/* --- One life, told twice ------------------------------------------------------------------------------- */

static inline bool lives_same_set(const struct trib_life_messages *a, const struct trib_life_messages *b)
{
	if (a->n_edits != b->n_edits || a->n_refunds != b->n_refunds)
		return false;
	for (uint32_t i = 0; i < TRIB_ORDER_STATES; i++)
		if (a->reached[i].at_ms != b->reached[i].at_ms)
			return false;
	for (uint32_t i = 0; i < a->n_edits; i++)
		if (a->edits[i].at_ms != b->edits[i].at_ms || a->edits[i].base != b->edits[i].base)
			return false;
	for (uint32_t i = 0; i < a->n_refunds; i++)
		if (!trib_bytes_equal(a->refunds[i].id, b->refunds[i].id) || a->refunds[i].amount != b->refunds[i].amount)
			return false;
	return true;
}

/* NULL, or the first promise that is broken. */
static inline const char *lives_try(struct trib_rng *rng, struct life_case *life, struct lives_counts *counts)
{
	static struct trib_life_messages first, second;
	struct trib_life *end;
	struct books books, again, expected;
	const char *reason;
	bool forfeited;

	lives_draw_order(rng, life);
	lives_draw_told(rng, life);
	counts->refused += lives_run(life, &first, &books, &end);
	counts->lives++;
	counts->messages += life->n_told;
	if (!trib_life_messages_check(&first, &reason))
		return reason;
	twin_books(life, &expected);
	if (end->counted != twin_counted(life, &forfeited))
		return "the counted base is not the twin's";
	if (trib_life_pieces(&life->order, &first) != twin_pieces(life))
		return "the pieces that count are not the twin's";
	if (memcmp(&books, &expected, sizeof(books)) != 0)
		return "the books are not the split of what is left";
	for (int other = 0; other < 2; other++) {
		struct life_case shuffled = *life;

		shuffled.order.shares = shuffled.shares;
		lives_shuffle(rng, &shuffled);
		/* Some sequences are impossible: a refund of more than the base before the edit that raises it. */
		if (lives_run(&shuffled, &second, &again, &end))
			continue;
		counts->other_sequences++;
		if (!lives_same_set(&first, &second))
			return "the same messages in another sequence are another set";
		if (memcmp(&books, &again, sizeof(books)) != 0)
			return "the same messages in another sequence end in other books";
	}
	return NULL;
}

#endif
