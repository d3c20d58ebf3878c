/* Sharing refunds out, as commission/group.h says. */
#include "commission/group.h"

typedef unsigned __int128 u128;

void trib_group_line_of(const struct trib_life_order *order, const struct trib_life_messages *messages,
			struct trib_group_line *line)
{
	line->base = order->base;
	line->invalid_ms = messages->reached[TRIB_ORDER_INVALID].at_ms;
	line->n_edits = line->n_own = 0;
	line->parts = 0;
	for (uint32_t i = 0; i < messages->n_edits; i++)
		if (trib_life_counts(order, messages, messages->edits[i].at_ms))
			line->edits[line->n_edits++] = messages->edits[i];
	for (uint32_t i = 0; i < messages->n_refunds; i++)
		if (!messages->refunds[i].is_part)
			line->own[line->n_own++] = messages->refunds[i];
}

/* The base at a time. */
static int64_t base_at(const struct trib_group_line *line, int64_t at_ms)
{
	int64_t base = line->base;

	for (uint32_t i = 0; i < line->n_edits && line->edits[i].at_ms <= at_ms; i++)
		base = line->edits[i].base;
	return base;
}

/* What the line's own refunds have taken before this one; NULL: all of them. */
static int64_t taken_before(const struct trib_group_line *line, const struct trib_refund *whole)
{
	int64_t taken = 0;

	for (uint32_t i = 0; i < line->n_own && !(whole && trib_refund_before(whole, &line->own[i])); i++)
		if (trib_refund_effect(line->own[i].kind) == TRIB_REFUND_LOWERS)
			taken += line->own[i].amount;
	return taken;
}

static bool is_invalid(const struct trib_group_line *line, int64_t at_ms)
{
	return line->invalid_ms && at_ms > line->invalid_ms;
}

static int64_t weight_of(const struct trib_group_line *line, const struct trib_refund *whole)
{
	int64_t left = base_at(line, whole->at_ms) - taken_before(line, whole) - line->parts;

	return is_invalid(line, whole->at_ms) ? 0 : TRIB_MAX(left, 0);
}

static int64_t room_of(const struct trib_group_line *line)
{
	int64_t left = base_at(line, INT64_MAX) - taken_before(line, NULL) - line->parts;

	return TRIB_MAX(left, 0);
}

static void share_one(struct trib_group_line *lines, uint32_t n, const struct trib_refund *whole, int64_t *ret_parts)
{
	bool lowers = trib_refund_effect(whole->kind) == TRIB_REFUND_LOWERS;
	int64_t left = whole->amount;
	u128 weights = 0;

	for (uint32_t i = 0; i < n; i++)
		weights += (u128)(ret_parts[i] = weight_of(&lines[i], whole));
	for (uint32_t i = 0; i < n; i++) {
		int64_t part = weights ? (int64_t)((u128)whole->amount * (u128)ret_parts[i] / weights) : 0;

		ret_parts[i] = lowers ? TRIB_MIN(part, room_of(&lines[i])) : part;
		left -= ret_parts[i];
	}
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = n; left > 0 && i-- > 0;) {
			int64_t more = lowers ? TRIB_MIN(left, room_of(&lines[i]) - ret_parts[i]) : left;

			if (pass == 0 && is_invalid(&lines[i], whole->at_ms))
				continue;
			ret_parts[i] += more;
			left -= more;
		}
	for (uint32_t i = 0; lowers && i < n; i++)
		lines[i].parts += ret_parts[i];
}

void trib_group_share(struct trib_group_line *lines, uint32_t n_lines, const struct trib_refund *whole, uint32_t n_whole,
		      int64_t *ret_parts)
{
	for (uint32_t i = 0; i < n_lines; i++)
		lines[i].parts = 0;
	for (uint32_t k = 0; k < n_whole; k++)
		share_one(lines, n_lines, &whole[k], &ret_parts[(size_t)k * n_lines]);
}

int64_t trib_group_remaining(const struct trib_group_line *lines, uint32_t n_lines, int64_t at_ms)
{
	int64_t sum = 0;

	for (uint32_t i = 0; i < n_lines; i++)
		if (!is_invalid(&lines[i], at_ms) && __builtin_add_overflow(sum, room_of(&lines[i]), &sum))
			return INT64_MAX;
	return sum;
}
