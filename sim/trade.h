/*
 * What the auditor of the trade believes: plays, plans and their lives, budgets, enrolments, invitations, samples,
 * shelves, approvals, messages, access tokens and sessions, in a few arrays. Like model.h a list of all that was decided,
 * gone through from the start; one function says what an op comes to, and lays it over the state if it comes to anything.
 *
 *	struct trade_state copy = model->state;
 *	expected = trade_fold(&copy, &op, model->count);      // TRIB_OK, or how it is refused
 *
 * The market is small: merchant m; creators c0 …; goods g0 … with general plans p0 …, of which every other has a budget;
 * goods h0 …, which are enrolled as e0 … with leader l; one play, whose version n wants a fee of n and adds n to a rate.
 */
#ifndef TRIB_SIM_TRADE_H
#define TRIB_SIM_TRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/status.h"
#include "domain/outcome.h"

enum {
	TRADE_CREATORS = 3,
	TRADE_GOODS = 4,
	TRADE_ENROLMENTS = 3,
	TRADE_KINDS_OF_SHELF = 2,
	TRADE_MANY =
		40, /* versions of the play, of a plan; invitations, samples, approvals, tokens, … */
	TRADE_SESSIONS_MAX = 12,
	TRADE_BUDGET = 40000,
	TRADE_REFUSED_BPS =
		8000, /* the play's flow refuses from there on, and waits from here on */
	TRADE_WAITS_BPS = 5000,
};

enum trade_kind {
	TRADE_PLAY,	/* its next version */
	TRADE_ACTIVATE, /* .subject: the version */
	TRADE_ROLLBACK,
	TRADE_CLOSE,
	TRADE_PLAN,	 /* .subject .amount: bps .other: the fee .from_ms, 0: at once */
	TRADE_PLAN_ACT,	 /* .subject .act */
	TRADE_DECIDE,	 /* of approval .subject: .act */
	TRADE_ENROL,	 /* .subject */
	TRADE_ENROL_ACT, /* .subject .act */
	TRADE_INVITE, /* .subject: creator .other: goods .amount: bps .fee .settled .sample .expires_ms */
	TRADE_INVITE_ACT, /* .subject .act .amount: bps of a counter */
	TRADE_SAMPLE,	  /* .subject: creator .other: goods */
	TRADE_SAMPLE_ACT, /* .subject .act */
	TRADE_SHELVE,	  /* .subject: creator and kind; .goods .n_goods */
	TRADE_LINK,	  /* .subject: creator .other: goods → .text */
	TRADE_ORDER, /* .subject: its number .other: the link's op .amount: the base → .outcome .charged */
	TRADE_TOKEN,	/* → .text */
	TRADE_REVOKE,	/* .subject */
	TRADE_SIGN_IN,	/* → .text */
	TRADE_SIGN_OUT, /* .subject */
};

/* X(NAME, word); statuses by their words, "" for none. */
#define TRADE_ACT_TABLE(X)                                                                         \
	X(PAUSE, "pause")                                                                          \
	X(RESUME, "resume")                                                                        \
	X(END, "end")                                                                              \
	X(APPROVE, "approve")                                                                      \
	X(REJECT, "reject")                                                                        \
	X(WITHDRAW, "withdraw")                                                                    \
	X(ACCEPT, "accept")                                                                        \
	X(COUNTER, "counter")                                                                      \
	X(DECLINE, "decline")                                                                      \
	X(SETTLE, "settle_fee")                                                                    \
	X(RETURN, "return_fee")                                                                    \
	X(SHIP, "ship")                                                                            \
	X(RECEIVE, "receive")                                                                      \
	X(CANCEL, "cancel")

enum trade_act {
#define X(name, word) TRADE_ACT_##name,
	TRADE_ACT_TABLE(X)
#undef X
};
const char *trade_act_word(enum trade_act act);

struct trade_op {
	enum trade_kind kind;
	uint32_t subject, other;
	enum trade_act act;
	int64_t amount, from_ms, fee, expires_ms;
	bool settled, sample;
	uint32_t goods[TRADE_GOODS], n_goods;
	char text[160];

	int64_t at_ms;	   /* engine time when it was decided */
	uint64_t position; /* of the newest event behind it */
	uint64_t ticket;

	enum trib_outcome outcome; /* of an order */
	int64_t charged;
};

struct trade_plan {
	bool exists;
	uint32_t play, count; /* version of the play, 0 none; its own versions */
	struct trade_plan_version {
		int64_t from_ms, bps;
		const char *status;
	} versions[TRADE_MANY];
	int64_t spent;
};

struct trade_invitation {
	uint32_t creator, goods, rounds;
	int64_t bps, fee, expires_ms;
	bool due_accepted, sample, returned;
	const char *status, *fee_state;
};

struct trade_state {
	uint32_t play_versions, n_activations;
	struct {
		uint32_t version, previous;
	} activations[TRADE_MANY];
	struct trade_plan plans[TRADE_GOODS];
	uint32_t told[TRADE_GOODS]; /* messages of flows that went well, by plan */
	uint32_t n_approvals;
	struct {
		uint32_t plan, play, version, op;
		int64_t bps;
		const char *status;
	} approvals[TRADE_MANY];
	const char *enrolments[TRADE_ENROLMENTS]; /* NULL: there is none */
	bool offered[TRADE_ENROLMENTS];		  /* it was approved once: its plan is there */
	uint32_t n_invitations;
	struct trade_invitation invitations[TRADE_MANY];
	uint32_t n_samples;
	struct {
		int32_t invitation; /* -1: it was asked for */
		const char *status;
	} samples[2 * TRADE_MANY];
	uint32_t n_asked; /* samples that were */
	struct trade_shelf {
		uint32_t version, count, goods[TRADE_GOODS];
	} shelves[TRADE_CREATORS * TRADE_KINDS_OF_SHELF];
	uint32_t n_tokens, n_sessions;
	struct {
		uint32_t op;
		bool ended;
	} tokens[TRADE_MANY], sessions[TRADE_MANY];
	int64_t merchant, creators[TRADE_CREATORS];
};

struct trade_model {
	struct trade_op *ops;
	size_t count, capacity;
	struct trade_state state;
};

void trade_model_fini(struct trade_model *model);
/* The op has happened: it is laid over the state. How it should have been refused, if it should. */
trib_status trade_add(struct trade_model *model, const struct trade_op *op);
/* The ops from `count` on have not happened. */
void trade_cut(struct trade_model *model, size_t count);

/* `index`: where it stands, or would stand, in the list. */
trib_status trade_fold(const struct trade_model *model, struct trade_state *state,
		       struct trade_op *op, size_t index);

/* The version that is active; 0 none. */
uint32_t trade_active(const struct trade_state *state);
/* NULL: none has begun. */
const struct trade_plan_version *trade_in_force(const struct trade_plan *plan, int64_t at_ms);
/* Does a version lie ahead? */
bool trade_is_ahead(const struct trade_plan *plan, int64_t at_ms);
/* What the terms say, and the rate; *ret_plan: the general plan that it is of, -1: an invitation's. */
enum trib_outcome trade_terms(const struct trade_state *state, uint32_t creator, uint32_t goods,
			      int64_t at_ms, int64_t *ret_bps, int32_t *ret_plan);
/* "i3.sample" */
void trade_sample_id(const struct trade_state *state, uint32_t sample, char ret_id[32]);

#endif
