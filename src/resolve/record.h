/*
 * The record of one order line: what its caller stated, and what was decided about it. Its encoding is the message
 * OrderDecided of proto/tributary.proto: the journal's event, and what every resolver of the same order writes, byte
 * for byte.
 *
 *	trib_order_record_reset(&record);
 *	… the upper half is filled, trib_resolve_order() fills the rest …
 *	end = trib_order_record_put(p, &record);         // room for trib_order_record_bytes_max(&record)
 *	ok = trib_order_record_get(bytes, &record);      // strings and ext point into the bytes
 */
#ifndef TRIB_RESOLVE_RECORD_H
#define TRIB_RESOLVE_RECORD_H

#include "attribution/attribution.h"
#include "base/limits.h"
#include "commission/commission.h"
#include "domain/outcome.h"
#include "rules/rules.h"
#include "track/ext.h"

/* The amounts of an order line: X(NAME, index, word). The word is the door's and the fact's (order.paid). */
#define TRIB_AMOUNT_TABLE(X)                                                                                          \
	X(PAID, 0, "paid")                                                                                            \
	X(FREIGHT, 1, "freight")                                                                                      \
	X(TAX, 2, "tax")                                                                                              \
	X(COUPON_MERCHANT, 3, "coupon_merchant")                                                                      \
	X(COUPON_PLATFORM, 4, "coupon_platform")                                                                      \
	X(COUPON_CREATOR, 5, "coupon_creator")                                                                        \
	X(DEPOSIT, 6, "deposit")

enum trib_amount {
#define X(name, index, word) TRIB_AMOUNT_##name = index,
	TRIB_AMOUNT_TABLE(X)
#undef X
		TRIB_AMOUNTS
};

/* Each lies between 0 and this, so that formulas of a few of them stay within 64 bits. */
#define TRIB_AMOUNT_MAX (INT64_C(1) << 60)

const char *trib_amount_word(enum trib_amount amount);

enum {
	TRIB_ORDER_ID_BYTES_MAX = 2 * TRIB_LIMIT_EXTERNAL_ID_BYTES + 1, /* <order>/<line> */
	TRIB_ORDER_LINES_MAX = TRIB_LIMIT_TOUCHES_CONSIDERED * TRIB_SPLIT_LINES_MAX,
	TRIB_ORDER_PATH_BYTES_MAX = 4096,
	TRIB_ORDER_FACT_BYTES_MAX = 12, /* of one fact that was read */
	TRIB_ORDER_ASKED_MAX = 8,	/* capabilities of the path order */
};

struct trib_considered {
	struct trib_touch touch;
	bool by_token;	/* the order stated its token; else it was recorded before */
	uint8_t reason; /* enum trib_reason */
	int64_t assist; /* its part of the base for reports, as the node's `assist` divides it */
};

/* An entry of a block list, as it was. */
struct trib_order_listed {
	uint32_t block, version; /* 0: none */
	uint8_t kind;		 /* enum trib_block_kind */
};

/* One touch's part of an order; its lines are lines[line .. line + n_lines). */
struct trib_slice {
	uint32_t touch; /* index in touches */
	uint32_t plan, plan_version;
	uint32_t offer, offer_version;
	int64_t base;
	struct trib_rates rates; /* by which it was split; all 0 in records of 0.1 */
	uint32_t line, n_lines;
};

/* A capability that the order's play has its own way of. */
struct trib_asked {
	struct trib_bytes capability;
	struct trib_bytes gave; /* in words; "": it stands elsewhere in the record */
	bool failed;		/* it is as if it had not been asked */
	char text[24];		/* where `gave` stands when resolving writes it */
};

/* amount goes from one party in one role to another. */
struct trib_order_line {
	uint16_t share; /* index in the node's shares */
	uint8_t kinds;	/* of the accounts, commission/ledger.h */
	uint32_t name;	/* dictionary code, as the roles */
	uint32_t to_party, to_role;
	uint32_t from_party, from_role;
	int64_t amount;
};

/*
 * One order line, decided. Strings and ext point into the request, the rules, the record itself (facts) or the
 * bytes it was read from; so a record is not copied. Reused from order to order: `trib_order_record_reset` makes it
 * empty without touching the large arrays.
 */
struct trib_order_record {
	/* As stated, in numbers and dictionary codes. */
	struct trib_bytes order;
	uint64_t user, content; /* keyed hash of the user; hash of all that was stated */
	uint32_t goods;
	uint32_t currency; /* of the goods */
	int64_t base_amount; /* what commission is computed on, as stated, or as estimated by resolving */
	int64_t at_ms;
	int64_t amounts[TRIB_AMOUNTS]; /* all 0 unless has_amounts */
	uint32_t qty, scene, page;
	uint32_t carrier_kind, carrier, carrier_owner;
	bool at_stated;
	bool by_token; /* a token is a candidate; or tokens were stated, all of them bad, and nothing else */
	bool has_amounts;
	bool base_computed; /* base_amount is not stated: resolving gives it, from the amounts */
	struct trib_bytes bad_token; /* the first that could not be trusted */
	uint32_t n_ext, n_touches;   /* touches: oldest first, without reasons */

	/* As decided. */
	enum trib_outcome outcome;
	bool held; /* attributed, and frozen until somebody has looked at it */
	uint32_t tree, tree_version, node;
	int64_t charged;
	struct trib_rules_choice choice; /* of the tree's version, where roll-outs are under way */
	struct trib_order_listed listed; /* the entry of a block list that spoke against it */
	int64_t base_result; /* what the formula of the base gave where that is below 0, and the base is 0 */
	struct trib_bytes path;	 /* varints: node index << 1 | value */
	struct trib_bytes facts; /* varints: fact, zigzag value */
	struct trib_bytes tallies; /* message Tallies: what the engine's stateful lines went by */
	struct trib_bytes play;	   /* whose order it is; "": nobody's */
	uint32_t play_version;	   /* 0: none of it was active */
	bool needs_engine; /* the play asks for what only the engine knows, which was not there; not encoded */
	uint32_t n_asked;
	uint32_t n_slices, n_lines;

	struct trib_ext_pair ext[TRIB_LIMIT_EXT_PAIRS];
	struct trib_asked asked[TRIB_ORDER_ASKED_MAX];
	struct trib_considered touches[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_slice slices[TRIB_LIMIT_TOUCHES_CONSIDERED];
	struct trib_order_line lines[TRIB_ORDER_LINES_MAX];
	char facts_read[TRIB_FACTS * TRIB_ORDER_FACT_BYTES_MAX]; /* where resolving writes them */
};

void trib_order_record_reset(struct trib_order_record *record);

/* Forgets what was decided and keeps what was stated, so that the order can be resolved anew. */
void trib_order_record_undecide(struct trib_order_record *record);

/* An upper bound of what the encoding takes. */
size_t trib_order_record_bytes_max(const struct trib_order_record *record);

/* Writes the record at p and returns its end. */
char *trib_order_record_put(char *p, const struct trib_order_record *record);

/* False where the bytes are no such record. It points into `bytes`. */
bool trib_order_record_get(struct trib_bytes bytes, struct trib_order_record *ret_record);

/* Parts that other events have too: the message Posting (a line, at most 50 bytes), TokenFields (82), and lists of Pair. */
char *trib_order_line_put(char *p, uint32_t field, const struct trib_order_line *line);
bool trib_order_line_get(struct trib_bytes bytes, struct trib_order_line *ret_line);
char *trib_token_fields_put(char *p, uint32_t field, const struct trib_touch *touch);
bool trib_token_fields_get(struct trib_bytes bytes, struct trib_touch *touch);
char *trib_ext_pairs_put(char *p, uint32_t field, const struct trib_ext_pair *pairs, uint32_t n);
bool trib_ext_pair_get(struct trib_bytes bytes, struct trib_ext_pair *ret_pair);

#endif
