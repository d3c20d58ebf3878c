/*
 * Resolving: an order line finds its way back. Facts, rules, touches and terms in, outcome and money out. The
 * room's door.
 *
 *	record.h	what was stated and what was decided, and its bytes
 *	candidates.h	what stands in the token's place
 *	answer.h	the same in words: the message Resolution
 *	fold.h		how a market comes to be, from rows and events
 *	snapshot.h	a market as bytes that travel
 *	view.h		a market made from them
 *
 * The engine resolves what ATTRIBUTE states, the rich client does so from a snapshot, a simulation does so again
 * with other rules: all by this code, so that the same market and the same record give the same bytes anywhere.
 *
 *	struct trib_market market = { domain, rules, &spaces, platform, plays };
 *	struct trib_resolve_request request = { .now_ms = now_ms, .scratch = &arena };
 *
 *	… the upper half of the record: what was stated, and the touches that are candidates …
 *	trib_resolve_order(&market, &request, &record);
 *
 * Pure: no clock, journal, lock or memory of the heap; it changes the record's lower half (and the reasons of its
 * touches) and nothing else. Any number of threads may resolve over one market, each with its own record and scratch,
 * as long as nobody changes the market.
 *
 *	 candidates  the token, the user's touches, or both; a record that is by_token and has none bears a bad token
 *	 walk        facts of the order and its primary touch → the node
 *	 winners     which candidates count, and their parts of the base
 *	 terms       who is to get what rate, for each winner
 *	 split       the money
 */
#ifndef TRIB_RESOLVE_RESOLVE_H
#define TRIB_RESOLVE_RESOLVE_H

#include "commission/commission.h"
#include "play/play.h"
#include "resolve/candidates.h"
#include "resolve/record.h"
#include "track/track.h"

/* The state that orders are resolved over. None of it is owned. */
struct trib_market {
	const struct trib_domain *domain;
	const struct trib_rules *rules;
	const struct trib_spaces *spaces;
	uint32_t platform; /* its party number */
	const struct trib_order_path *plays;
};

/* What resolving needs to know beside the record. */
struct trib_resolve_request {
	int64_t now_ms;		      /* which version of the rules is active */
	const struct trib_tree *tree; /* rules to resolve by instead of the scene's; NULL: the scene's */

	/* Words that were stated but that no dictionary knows (their codes in the record are 0); else empty. */
	struct trib_bytes scene_text, page_text, carrier_kind_text, carrier_text, carrier_owner_text;

	/*
	 * Sets facts that only the engine knows (trib_facts_engine_only), of those that are wanted. touch: the primary one,
	 * or the one that is being weighed; NULL: none. NULL: nobody knows them here.
	 */
	void (*engine_facts)(const void *context, const struct trib_order_record *record, const struct trib_touch *touch,
			     trib_fact_set wanted, struct trib_facts *facts);
	const void *engine_context;

	struct trib_arena *scratch; /* of the thread, for conditions that are evaluated; reset by them */
};

void trib_resolve_order(const struct trib_market *market, const struct trib_resolve_request *request,
			struct trib_order_record *record);

/* Times that may fix the rates and are told after the order; 0: not yet. */
struct trib_lock_times {
	int64_t pay_ms, deposit_ms;
};

/* The time whose version of the plan rules. Of a time that is not told yet it is an estimate: the order's. */
int64_t trib_resolve_lock_ms(const struct trib_order_record *record, const struct trib_touch *touch,
			     enum trib_lock lock, const struct trib_lock_times *times);

/*
 * The terms under which one touch of the record earns, as the lock and the grace of the node fix them. node NULL: at
 * the time of the order, without grace. times NULL: none is told yet.
 */
void trib_resolve_terms(const struct trib_market *market, const struct trib_order_record *record,
			const struct trib_touch *touch, const struct trib_node *node,
			const struct trib_lock_times *times, struct trib_terms *ret_terms);

/*
 * The rates of a slice of a decided record, once a time is told that its node's lock waited for: the plan that won
 * stays, its version becomes that of the lock. False: nothing is to change.
 */
bool trib_resolve_relock(const struct trib_market *market, const struct trib_order_record *record,
			 const struct trib_node *node, const struct trib_slice *slice,
			 const struct trib_lock_times *times, struct trib_rates *ret_rates);

/*
 * The winners of a decided record, oldest first, and the weights by which its model divides any base among them:
 * a part is trib_model_divide_by() of the weights. Returns how many.
 */
uint32_t trib_resolve_weights(const struct trib_order_record *record, const struct trib_node *node,
			      uint8_t ret_winner[TRIB_LIMIT_TOUCHES_CONSIDERED],
			      uint64_t ret_weight[TRIB_LIMIT_TOUCHES_CONSIDERED]);

/* The parties that a winner's shares are split among, by slot, as its terms and the node name them. */
void trib_resolve_parties(const struct trib_market *market, const struct trib_node *node,
			  const struct trib_terms *terms, uint32_t ret_parties[TRIB_SLOTS]);

/* The role in whose account a slot's money stands. */
uint32_t trib_role_of_slot(uint8_t slot);

/* --- Facts -------------------------------------------------------------------------------------------- */

/* How codes of facts and what they stand for are found in each other: by a domain, which outlives the answer. */
struct trib_spaces trib_resolve_spaces(struct trib_domain *domain);

/* Open a group (goods: merchant as well; touch: link as well) and set what nouns and tokens say of it at a time. */
void trib_facts_open_goods(const struct trib_market *market, struct trib_facts *facts, uint32_t goods,
			   int64_t at_ms);
void trib_facts_open_creator(const struct trib_market *market, struct trib_facts *facts, uint32_t creator,
			     int64_t at_ms);
void trib_facts_open_touch(struct trib_facts *facts, const struct trib_touch *touch);

#include "resolve/answer.h"
#include "resolve/fold.h"
#include "resolve/view.h"
#include "resolve/ways.h"

#endif
