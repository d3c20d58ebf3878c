/*
 * How a market comes to be: rows of a store, then events, folded into domain, rules and what plays do to orders. The engine opens and replays
 * with these, the rich client's view is made with them; so both stand where the same events have brought them.
 */
#ifndef TRIB_RESOLVE_FOLD_H
#define TRIB_RESOLVE_FOLD_H

#include "play/play.h"
#include "proto/proto.h"
#include "rules/rules.h"
#include "store/store.h"

/* What is folded into. */
struct trib_market_state {
	struct trib_domain *domain;
	struct trib_rules *rules;
	struct trib_order_path *plays;
};

/* The tables of a market in the order of loading: those of plays and of the domain, trib_domain_load_done(), those of the rules. */
extern const enum trib_table trib_market_tables[];
extern const size_t trib_market_tables_count;

/* Is this a table of the rules, which come after the domain? */
bool trib_market_table_is_rules(enum trib_table table);

/* One row of one of these tables; key without its table. */
trib_status trib_market_load(const struct trib_market_state *state, enum trib_table table, struct trib_bytes key,
			     struct trib_bytes value, struct trib_error *error);

/* Does an event of this kind change the market? */
bool trib_market_is_changed_by(Tributary__Event__KindCase kind);

/* The name that an event gives a number to; false: it gives none. */
bool trib_market_names(const Tributary__Event *event, enum trib_space *ret_space, struct trib_bytes *ret_text,
		       uint32_t *ret_number);

/* Folds in such an event: constants of rules that waited for a name know it from then on. */
trib_status trib_market_apply(const struct trib_market_state *state, const Tributary__Event *event, struct trib_error *error);

#endif
