/*
 * What the files of the market world share.
 *
 *	market.c	the engine's lives, what the workload does at its doors, the audit
 *	switches.c	versions of the rules, roll-outs, changes of one node
 *	clients.c	rich clients: snapshots, orders resolved by them, records
 *	model.h		what the auditor believes
 */
#ifndef TRIB_SIM_MARKET_H
#define TRIB_SIM_MARKET_H

#include "engine/engine.h"
#include "model.h"
#include "sim.h"

#define HOUR_MS (INT64_C(3600) * 1000)

enum { BATCH_MAX = 12 };

struct clients;

struct market {
	struct sim_clock clock;
	struct sim_run *run;
	char folder[64];
	struct trib_engine_options options;
	struct trib_engine *engine;

	struct model model;
	struct clients *clients;
	size_t answered; /* ops whose answers have left */
	size_t least;	 /* ops that must have survived at the next opening */
	bool forgetful;	 /* the machine lost power while answers did not wait for the disk: some may be lost */
	uint64_t next_order;
	bool struck;	   /* this opening can write, and the list was cut to what is there */
	unsigned openings; /* counted, because what was drawn before one is void behind it */
};

/* --- market.c ------------------------------------------------------------------------------------------- */

static inline int64_t market_now_ms(struct market *market)
{
	return trib_clock_wall_ms(&market->clock.clock);
}

/* The id of an order line; some have a line. */
void market_order_id(uint64_t number, char ret_id[32]);

/* Notes when an op was decided, and where the journal stands. */
void market_decided(struct market *market, struct model_op *op);

/*
 * Runs a call to its end, as the HTTP door does. Its op (or NULL) is noted as soon as it is decided: should the write
 * fail, it may have happened all the same. Returns whether it was decided. The reply is freed.
 */
bool market_call(struct market *market, struct trib_call *call, struct model_op *op);
/* The same, and the reply, and the file of a snapshot, are the caller's to free. */
bool market_call_kept(struct market *market, struct trib_call *call, struct model_op *op);

/* A refusal because of the disk is no op. Anything else that is unexpected is a finding. */
bool market_refused(struct market *market, trib_status status, const char *what, const struct trib_error *error);

/* Whatever the op needs and is not there yet; returns whether it is all there. */
bool market_need(struct market *market, enum model_kind kind, uint32_t subject);

/* A new order, without a number yet, and the token that it states, "-" for none. */
void market_draw_order(struct market *market, double no_token_chance, struct model_op *ret_op,
		       char ret_token[TRIB_LIMIT_TOKEN_CHARS + 1]);

/* Some orders state amounts that come to their base instead of it; a repeat says it the same way. */
bool market_states_amounts(const struct model_op *op, int64_t ret_amounts[TRIB_AMOUNTS]);

/* Others state their token twice. */
static inline bool market_states_twice(const struct model_op *op)
{
	return op->number % 5 == 2;
}

/* Sends an order that nobody has sent before to the engine, and checks the answer. */
void market_ask(struct market *market, const struct model_op *op, const char *token);

/* Is what the engine has decided what the auditor says? */
void market_check_order(struct market *market, const struct trib_order_record *record, int64_t charged,
			const struct model_op *op);

/* --- switches.c ----------------------------------------------------------------------------------------- */

/* Something about the rules changes. */
void switch_rules(struct market *market);
/* After an opening, and after each roll-out: the hash of orders is the one it has always been. */
void switches_audit(struct market *market);

/* --- clients.c ------------------------------------------------------------------------------------------ */

struct clients *clients_new(struct market *market);
void clients_free(struct clients *clients);

/* One of them does something. */
void clients_step(struct market *market);
/* What has settled by then is answered. */
void clients_settled(struct market *market, uint64_t settled);
/* The connections to the engine have broken. */
void clients_cut_off(struct market *market);
/* What has survived is known: nothing that a client was told is missing. */
void clients_audit(struct market *market);
/* Everything that waits is sent; all that was recorded is in the books. */
void clients_drain(struct market *market);

#endif
