/* As resolve/candidates.h says. */
#include "resolve/candidates.h"

trib_status trib_candidates_split(struct trib_bytes text, struct trib_candidate_list *ret_list,
				  struct trib_error *error)
{
	uint32_t named = 0;

	ret_list->count = 0;
	ret_list->touches = false;
	for (size_t end, at = 0; at <= text.size; at = end + 1) {
		const char *comma = at < text.size ? memchr(text.data + at, ',', text.size - at) : NULL;
		struct trib_bytes one;

		end = comma ? (size_t)(comma - text.data) : text.size;
		one = trib_bytes(text.data + at, end - at);
		if (one.size == 0 || named++ == TRIB_LIMIT_ORDER_TOKENS)
			return trib_fail(error, TRIB_INVALID, "token",
					 "found %s, expected up to %d tokens or - with commas between",
					 one.size ? "more" : "an empty one", TRIB_LIMIT_ORDER_TOKENS);
		if (trib_bytes_is(one, "-"))
			ret_list->touches = true;
		else
			ret_list->texts[ret_list->count++] = one;
	}
	return TRIB_OK;
}

bool trib_candidates_add_token(struct trib_order_record *record, const struct trib_token *token)
{
	struct trib_considered added = { .by_token = true };
	uint32_t place = record->n_touches;

	for (uint32_t i = 0; i < record->n_touches; i++)
		if (record->touches[i].touch.link == token->link)
			return false;
	trib_assert(record->n_touches < TRIB_LIMIT_TOUCHES_CONSIDERED);
	trib_touch_of_token(token, &added.touch);
	for (; place > 0 && record->touches[place - 1].touch.at_ms > added.touch.at_ms; place--)
		record->touches[place] = record->touches[place - 1];
	record->touches[place] = added;
	record->n_touches++;
	return true;
}

void trib_candidates_add_bad(struct trib_order_record *record, struct trib_bytes text)
{
	if (!record->bad_token.size)
		record->bad_token = trib_bytes(text.data, TRIB_MIN(text.size, (size_t)TRIB_LIMIT_TOKEN_CHARS));
}
