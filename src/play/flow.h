/*
 * Flows: which capabilities are asked when something is done, in which order, and what follows.
 *
 *	flow.yaml
 *	  flows:
 *	    plan.put:
 *	      - do: plan.validate
 *	      - do: plan.risk
 *	        as: risk
 *	      - when: risk.level > 1000
 *	        then:
 *	          - {wait: approval, what: a jump of the commission}
 *	        else:
 *	          - do: plan.approve
 *
 * A flow is compiled to a flat program when its file is read, and run while a command is decided:
 *
 *	struct trib_flow_run run;
 *	if (trib_flow_run(play, TRIB_FLOW_PLAN_PUT, input, &arena, &run, &error) != TRIB_OK)
 *		…                              // REFUSED at "plan.validate": why; nothing is left of the run but its trace
 *	status = trib_flow_result(&run, "status");
 *	for (i = 0; i < run.proposal_count; i++)
 *		…                              // now, and not before, what its steps have proposed becomes events
 *
 * Steps return values and propose; they change nothing. What a step gives is laid over the flow's results of the same
 * names, and stands under the step's `as` for those behind it.
 */
#ifndef TRIB_PLAY_FLOW_H
#define TRIB_PLAY_FLOW_H

#include "play/capability.h"
#include "proto/proto.h"

struct trib_play;

/*
 * X(ID, name, SERVED where the server runs it, variables, results, what). Results are variables that steps may lay values
 * over. Where a play has no flow of a name, and no parent of it, data/play/default.flow.yaml has.
 */
#define TRIB_FLOW_TABLE(X)                                                                                                \
	X(PARTY_PUT, "party.put", SERVED, "party:map old:map role:string now:int", "", "a party is made or changed")       \
	X(GOODS_PUT, "goods.put", SERVED, "goods:map old:map role:string now:int", "", "goods are made or changed")        \
	X(GOODS_WITHDRAW, "goods.withdraw", SERVED, "goods:map reason:string role:string now:int", "notice_ms:int",        \
	  "goods are withdrawn")                                                                                          \
	X(PLAN_PUT, "plan.put", SERVED, "plan:map old:map role:string now:int min_bps:int max_bps:int",                    \
	  "status:string commission_bps:int service_bps:int", "a plan is made, or gets a new version")                    \
	X(PLAN_ACT, "plan.act", SERVED, "plan:map action:string role:string reason:string now:int", "notice_ms:int",       \
	  "something is done with a plan: submitted, approved, paused, ended …")                                          \
	X(MANAGED_MOVE, "managed.move", SERVED, "plan:map min_bps:int max_bps:int goal:int sold:int step_bps:int now:int", \
	  "commission_bps:int reason:string", "the platform looks at the rate of a managed plan")                         \
	X(ACTIVITY_PUT, "activity.put", SERVED, "activity:map old:map role:string now:int", "",                            \
	  "an activity is made or changed")                                                                               \
	X(ACTIVITY_CLOSE, "activity.close", SERVED, "activity:map role:string reason:string now:int", "notice_ms:int",     \
	  "an activity is closed")                                                                                        \
	X(ENROLMENT_PUT, "enrolment.put", SERVED,                                                                          \
	  "enrolment:map activity:map goods:map role:string now:int price:int enrolled_price:int commission_bps:int "     \
	  "old_commission_bps:int service_bps:int promoting:bool",                                                        \
	  "status:string", "goods are enrolled, or an enrolment is changed")                                              \
	X(ENROLMENT_WITHDRAW, "enrolment.withdraw", SERVED,                                                                \
	  "enrolment:map promoting:bool consent:bool role:string reason:string now:int", "", "an enrolment is withdrawn") \
	X(INVITATION_PUT, "invitation.put", SERVED, "invitation:map creator:map plan:map role:string now:int",             \
	  "expires_at:int", "a creator is invited")                                                                       \
	X(INVITATION_ACCEPT, "invitation.accept", SERVED, "invitation:map creator:map role:string now:int", "terms:map",   \
	  "a creator accepts an invitation")                                                                              \
	X(SAMPLE_PUT, "sample.put", SERVED, "sample:map creator:map rule:map role:string now:int", "status:string",        \
	  "a creator asks for a sample")                                                                                  \
	X(SAMPLE_CHECK, "sample.check", SERVED,                                                                            \
	  "sample:map rule:map listed:bool live_minutes:int sold:int due_at:int now:int", "fulfilled:bool overdue:bool",  \
	  "what has become of a sample")                                                                                  \
	X(SHELF_LIST, "shelf.list", SERVED, "entry:map creator:map goods:map offer:map plan:map role:string now:int", "",  \
	  "goods are put on a shelf")                                                                                     \
	X(SHELF_OFFER_ENDED, "shelf.offer_ended", LATER, "entry:map offer:map entries:int now:int",                       \
	  "then:string spread_ms:int", "the offer of shelf entries has ended")                                            \
	X(LINK_CONVERT, "link.convert", SERVED,                                                                            \
	  "channel:string scene:string page:string creator:map goods:map commission_bps:int now:int", "",                 \
	  "a link is converted: on the way of orders, so only capabilities of that path")                                 \
	X(ORDER_JUDGE, "order.judge", SERVED, "scene:string base:int qty:int creator_level:int ext:map",                   \
	  "outcome:string held:bool", "an order is judged: on the way of orders, as above")                               \
	X(PAYOUT_PUT, "payout.put", SERVED, "party:map amount:int balance:int role:string now:int", "",                    \
	  "a party is paid")                                                                                              \
	X(APPROVAL_DECIDED, "approval.decided", SERVED,                                                                    \
	  "approval:map decision:string role:string reason:string now:int", "status:string",                              \
	  "somebody has decided what waited")

enum trib_flow {
#define X(id, name, served, variables, results, what) TRIB_FLOW_##id,
	TRIB_FLOW_TABLE(X)
#undef X
		TRIB_FLOWS
};

enum { TRIB_FLOW_FIELDS_MAX = 16 };

struct trib_flow_row {
	const char *name, *what;
	bool served;
	bool order; /* on the way of orders: its capabilities are of that path */
	uint32_t count, results_from; /* fields; the first that is a result */
	struct trib_capability_field fields[TRIB_FLOW_FIELDS_MAX];
};

const struct trib_flow_row *trib_flow_row(enum trib_flow flow);
enum trib_flow trib_flow_find(struct trib_bytes name); /* TRIB_FLOWS if there is none */

/* What a step wants done: a message to the outside, or a decision of people. */
struct trib_flow_proposal {
	enum trib_capability capability;
	const char *step;
	struct trib_bytes body; /* JSON: what the capability gave */
};

struct trib_flow_run {
	const struct trib_flow_row *row;
	struct trib_value values[TRIB_FLOW_FIELDS_MAX]; /* of its fields */
	struct trib_flow_proposal proposals[TRIB_LIMIT_FLOW_PROPOSALS];
	uint32_t proposal_count;
	bool waits; /* it ended at a `wait`: what was to be done now happens when that is decided */
	struct trib_bytes trace; /* JSON list of the steps that ran; of a failed run, too */
};

/*
 * Runs the flow of a play; NULL: the platform's. `input` is an object with values of the flow's fields; those not stated
 * are zero or empty. Everything that the run gives lives in the arena, whose maximum bounds it. REFUSED, at the step: one said
 * no. INVALID, LIMIT, NOT_FOUND: one failed. Then there are no proposals, and values are the input's.
 */
trib_status trib_flow_run(const struct trib_play *play, enum trib_flow flow, const struct trib_json *input,
			  struct trib_arena *arena, struct trib_flow_run *ret_run, struct trib_error *error);

/* The value of a field of that name, which the table has. */
struct trib_value trib_flow_value(const struct trib_flow_run *run, const char *name);

/* Its results as a JSON object. */
void trib_flow_write_results(const struct trib_flow_run *run, struct trib_buffer *json);

/* Does the play leave this flow, and all that it asks, as the platform has it? Then running it changes nothing. */
bool trib_flow_is_default(const struct trib_play *play, enum trib_flow flow);

#endif
