/*
 * An order's answer in words: a decided record as the message Resolution, in ids and names instead of numbers. The
 * engine writes it from its state, the rich client from its snapshot: the same market and record give the same bytes.
 *
 *	char *end = trib_answer_put(p, &market, position, &record);    // room for trib_answer_bytes_max(&record)
 *
 * Comparing tells what a client made of an order that the server then decided again:
 *
 *	enum trib_difference difference = trib_answer_compare(client_bytes, server_bytes);
 */
#ifndef TRIB_RESOLVE_ANSWER_H
#define TRIB_RESOLVE_ANSWER_H

#include "resolve/resolve.h"

/*
 * Kinds of lines that depend on counters: whoever decides the order adds them later. X(NAME, bit, word).
 */
#define TRIB_PENDING_TABLE(X)                                                                      \
	X(STEP, 0, "step")                                                                         \
	X(BUDGET, 1, "budget")                                                                     \
	X(INCENTIVE, 2, "incentive")                                                               \
	X(NEW_TO_SHOP, 3, "new_to_shop")

enum trib_pending {
#define X(name, bit, word) TRIB_PENDING_##name = 1 << bit,
	TRIB_PENDING_TABLE(X)
#undef X
};

/* Those that the plans of a decided record ask for; bits. */
uint32_t trib_answer_pending(const struct trib_market *market, const struct trib_order_record *record);

size_t trib_answer_bytes_max(const struct trib_market *market, const struct trib_order_record *record);

/* position: of the newest change of the market. The record's tree is one of the market's. */
char *trib_answer_put(char *p, const struct trib_market *market, uint64_t position,
		      const struct trib_order_record *record);

/* How a line is called, and who pays or gets it: a role, or the id of a party that its share calls by it. */
struct trib_bytes trib_market_line_name(const struct trib_market *market, const struct trib_order_record *record,
					const struct trib_order_line *line);
struct trib_bytes trib_market_line_party(const struct trib_market *market, uint32_t party, uint32_t role);

/*
 * The first field in which two resolutions of one order differ, in the order of the table; positions do not count.
 * X(NAME, number, word, field of message Resolution)
 */
#define TRIB_DIFFERENCE_TABLE(X)                                                                   \
	X(OUTCOME, 1, "outcome", 4)                                                                \
	X(RULES, 2, "rules", 5)                                                                    \
	X(NODE, 3, "node", 6)                                                                      \
	X(CREDITS, 4, "credits", 9)                                                                \
	X(CHARGED, 5, "charged", 7)                                                                \
	X(OTHER, 6, "other", 0)                                                                    \
	X(UNREADABLE, 7, "unreadable", 0)

enum trib_difference {
	TRIB_DIFFERENCE_NONE = 0,
#define X(name, number, word, field) TRIB_DIFFERENCE_##name = number,
	TRIB_DIFFERENCE_TABLE(X)
#undef X
		TRIB_DIFFERENCES
};

const char *trib_difference_word(enum trib_difference difference);

/* `theirs` is an outsider's bytes. */
enum trib_difference trib_answer_compare(struct trib_bytes theirs, struct trib_bytes ours);

#endif
