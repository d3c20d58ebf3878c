/*
 * Refunds of a whole order: one payment of several lines, and a refund that names the payment. Each such refund is
 * shared out over the lines; a line's *part* of it is then one of the line's refunds as any other.
 *
 *	struct trib_group_line lines[] = { … };                       // by the time of the order, then id
 *	struct trib_refund whole[] = { { .amount = 500, … } };         // by AT, kind, id
 *	int64_t parts[N_WHOLE * N_LINES];
 *
 *	trib_group_share(lines, n_lines, whole, n_whole, parts);      // parts[k * n_lines + i]: of refund k, line i's
 *
 * The parts are a *pure function* of what is known: the lines, what was told of each, and the refunds of the whole. They
 * are computed anew when any of these changes, so it does not matter in which sequence lines and messages came.
 *
 *	weight   what remained of a line just before the refund, by AT: its base then, less its own refunds and parts
 *		 of that order in time; none once the line was invalid
 *	room     what a line's own refunds, whenever they come, leave of its base: no part ever makes one impossible
 *	part     floor(amount × weight / Σ weights), as far as there is room
 *	the rest goes to the latest line that has room, then to the one before it; at last to invalid lines, too
 *
 * What then is left over finds no room: lines have not arrived yet, or were edited. Refunds that do not lower the base
 * (freight, exchange, forfeiture) are shared out by the same weights and take no room.
 */
#ifndef TRIB_COMMISSION_GROUP_H
#define TRIB_COMMISSION_GROUP_H

#include "commission/lifecycle.h"

/* What of a line matters. Arrays are the caller's. */
struct trib_group_line {
	int64_t base;	    /* as decided */
	int64_t invalid_ms; /* 0: it is not */
	uint32_t n_edits, n_own;
	struct trib_base_edit *edits; /* those that count, by AT */
	struct trib_refund *own;      /* its refunds but for parts, as messages have them */
	int64_t parts;		      /* of trib_group_share: what its parts have taken so far */
};

/* Fills a line but for its arrays, which have room for messages->n_edits and n_refunds; their texts stay where they are. */
void trib_group_line_of(const struct trib_life_order *order, const struct trib_life_messages *messages,
			struct trib_group_line *line);

void trib_group_share(struct trib_group_line *lines, uint32_t n_lines, const struct trib_refund *whole, uint32_t n_whole,
		      int64_t *ret_parts);

/* What a further refund of the whole may take at most, after those that were shared out. */
int64_t trib_group_remaining(const struct trib_group_line *lines, uint32_t n_lines, int64_t at_ms);

#endif
