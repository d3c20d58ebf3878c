/*
 * Any bytes as what is told of an order: statuses, bases, refunds, reviews, some of them impossible. The set stays sorted
 * and within its bounds, what follows from it keeps its promises, and told in the opposite sequence it comes to the same.
 * Told before the order was known, as much of it is taken as can be true.
 */
#include "commission/commission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOLD_BYTES = 6, TOLD_MAX = 200 };

static const struct trib_share shares[] = {
	{ .name = 1, .to = TRIB_SLOT_CREATOR, .from = TRIB_SLOT_MERCHANT, .of = TRIB_OF_BASE, .bps = 2000, .cap = TRIB_CAP_NONE },
	{ .name = 2, .to = TRIB_SLOT_PLATFORM, .from = TRIB_SLOT_CREATOR, .of = 0, .bps = 1000, .cap = 700 },
};

static void make_order(struct trib_life_order *order, const uint8_t *data)
{
	*order = (struct trib_life_order){ .base = data[0] << 8 | data[1], .deposit = data[2],
					   .after_settlement = data[3] % 3, .claw_back_ms = data[3] / 3,
					   .deposit_counts = data[4] & 1, .shares = shares, .n_shares = 2,
					   .n_slices = 1 + data[4] % 3 };
	for (uint32_t i = 0; i < order->n_slices; i++)
		order->slices[i] = (struct trib_life_slice){ .weight = 1 + data[5] * i, .earns = true, .parties = { 1, 2, 3 + i } };
}

/* Six bytes a message; ids are drawn from the bytes, so that some are told again. */
static trib_status tell(const struct trib_life_order *order, struct trib_life_messages *messages, const uint8_t *p)
{
	static const char ids[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	uint32_t at;
	bool changed;

	if (p[0] & 1) {
		const struct trib_refund refund = { .id = trib_bytes(ids + p[1] % 64, 1), .kind = 1 + p[2] % 9,
						    .amount = p[3] << 8 | p[4], .at_ms = 1 + p[5], .at_stated = true };

		return trib_life_tell_refund(order, messages, &refund, &changed, &at, NULL);
	}
	if (p[0] & 4) {
		const struct trib_review review = { .verdict = 1 + p[2] % 2, .at_ms = 1 + p[5], .by = trib_bytes(ids, p[1] % 3) };

		return trib_life_tell_review(messages, &review, &changed, NULL);
	}
	const struct trib_status_message message = { .state = 1 + p[2] % 6, .at_ms = 1 + p[5], .states_base = p[0] & 2,
						     .base = p[3] << 8 | p[4],
						     .reason = trib_bytes(ids, p[1] % 3) };

	return trib_life_tell_status(order, messages, &message, &changed, NULL);
}

static void check(const struct trib_life_order *order, const struct trib_life_messages *messages, struct trib_life *life)
{
	const char *reason = "";
	int64_t charged = 0;

	trib_assert(trib_life_messages_check(messages, &reason));
	trib_lifecycle(order, messages, life);
	trib_assert(trib_order_state_word(life->state) && life->remaining >= 0 && life->counted >= 0);
	for (uint32_t i = 0; i < life->n_lines; i++) {
		trib_assert(life->lines[i].line.amount >= 0 && life->lines[i].slice < order->n_slices);
		charged += life->lines[i].line.from == TRIB_SLOT_MERCHANT ? life->lines[i].line.amount : 0;
	}
	trib_assert(charged == life->charged && life->charged <= life->counted && life->forfeited <= life->charged);
}

static void tell_before(const struct trib_life_order *order, const uint8_t *data, size_t size)
{
	static struct trib_life_messages kept, taken;
	static struct trib_life life;
	const char *reason = "";

	kept = (struct trib_life_messages){ 0 };
	for (size_t at = TOLD_BYTES; at + TOLD_BYTES <= size && at < TOLD_MAX * TOLD_BYTES; at += TOLD_BYTES)
		tell(NULL, &kept, data + at);
	trib_assert(trib_life_messages_check(&kept, &reason));
	uint32_t left_out = trib_life_tell_kept(order, &kept, &taken);

	trib_assert(left_out + taken.n_edits + taken.n_refunds == kept.n_edits + kept.n_refunds);
	check(order, &taken, &life);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trib_life_order order;
	static struct trib_life_messages there, back;
	static struct trib_life life, again;
	static size_t told[TOLD_MAX];
	size_t n = 0;
	bool possible = true;

	if (size < TOLD_BYTES)
		return 0;
	make_order(&order, data);
	tell_before(&order, data, size);
	there = back = (struct trib_life_messages){ 0 };
	for (size_t at = TOLD_BYTES; at + TOLD_BYTES <= size && n < TOLD_MAX; at += TOLD_BYTES) {
		if (tell(&order, &there, data + at) == TRIB_OK)
			told[n++] = at;
		check(&order, &there, &life);
	}
	for (size_t i = n; i-- > 0;)
		possible &= tell(&order, &back, data + told[i]) == TRIB_OK;
	check(&order, &back, &again);
	if (!possible)
		return 0;
	check(&order, &there, &life);
	trib_assert(life.state == again.state && life.counted == again.counted && life.n_lines == again.n_lines);
	for (uint32_t i = 0; i < life.n_lines; i++)
		trib_assert(life.lines[i].line.amount == again.lines[i].line.amount);
	return 0;
}
