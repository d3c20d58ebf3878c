/*
 * Candidates: what stands in an order's token's place, and the touches that it makes. The engine and the rich client
 * read it by this code, so that the same list gives the same record.
 *
 *	<token>                one token
 *	-                      the touches that were recorded of the user
 *	<token>,<token>,-      several of these, decided in one pass
 *
 *	if (trib_candidates_are_several(text) && trib_candidates_split(text, &list, &error) == TRIB_OK)
 *		for (i < list.count)                            // verified by whoever has the keys
 *			if (…)  trib_candidates_add_token(&record, &token);
 *			else    trib_candidates_add_bad(&record, list.texts[i]);
 *
 * Candidates stand in the order of their times, equal ones in that in which they were added: recorded touches first, then
 * tokens as stated. A link is a candidate once: a token whose link is there already adds nothing.
 */
#ifndef TRIB_RESOLVE_CANDIDATES_H
#define TRIB_RESOLVE_CANDIDATES_H

#include "resolve/record.h"
#include "track/track.h"

struct trib_candidate_list {
	struct trib_bytes texts[TRIB_LIMIT_ORDER_TOKENS]; /* tokens, as stated */
	uint32_t count;
	bool touches; /* `-` is among them */
};

static inline bool trib_candidates_are_several(struct trib_bytes text)
{
	return text.size && memchr(text.data, ',', text.size);
}

/* TRIB_INVALID where one is empty, or there are more than TRIB_LIMIT_ORDER_TOKENS. */
trib_status trib_candidates_split(struct trib_bytes text, struct trib_candidate_list *ret_list,
				  struct trib_error *error);

/* A verified token as a click at its issue time. False: its link is a candidate already. */
bool trib_candidates_add_token(struct trib_order_record *record, const struct trib_token *token);

/* A token that cannot be trusted drops out; the first one is told. */
void trib_candidates_add_bad(struct trib_order_record *record, struct trib_bytes text);

#endif
