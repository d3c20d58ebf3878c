/*
 * Flows of plays, run while a command is decided: what a play's flow.yaml and capabilities say is asked before anything
 * is journalled, and what its steps propose is journalled with the command's own events, or not at all.
 *
 *	struct engine_flow flow;
 *	status = engine_flow(engine, play, TRIB_FLOW_PLAN_PUT, input, &flow, error);      // REFUSED at "plan.validate"
 *	…                                                        // decide, by trib_flow_value(&flow.run, "status") …
 *	status = engine_flow_end(engine, &flow, &about, error);                           // with the events of the command
 *
 * Where no play says anything, `engine_flow` costs a comparison and `flow.ran` is false. A run that did something stands
 * in the journal as a FlowRan, whose position is its id: GET /api/v1/flows/{id} reads it, whatever the play says later.
 * Replay runs none of this.
 */
#ifndef TRIB_ENGINE_FLOWS_H
#define TRIB_ENGINE_FLOWS_H

#include "domain/domain.h"
#include "engine/call.h"
#include "play/play.h"

struct engine_flow {
	bool ran;
	enum trib_flow flow;
	const struct trib_play *play;
	struct trib_flow_run run; /* its memory is the engine's until the next run */
	uint64_t position;	  /* of its event, once it has ended; 0: it has none */
	char approval[24];	  /* the id of what waits now; "": nothing does */
};

/* `input`: an object with the flow's fields, as text. */
trib_status engine_flow(struct trib_engine *engine, const struct trib_play *play, enum trib_flow flow,
			struct trib_bytes input, struct engine_flow *ret_flow, struct trib_error *error);

/* What a run is about. */
struct engine_flow_about {
	enum trib_noun noun;
	struct trib_bytes id;
	uint32_t version;		 /* as it is; 0: it is not there */
	const ProtobufCMessage *message; /* as it was to be put; NULL: it is not */
	struct trib_bytes change;	 /* where the run waits: JSON of what happens once that is approved; empty: nothing */
};

/* Journals the run and what it has proposed. */
trib_status engine_flow_end(struct trib_engine *engine, struct engine_flow *flow, const struct engine_flow_about *about,
			    struct trib_error *error);

/* --- The engine's own ---------------------------------------------------------------------------------- */

/* The play that an entity bears; NULL: the platform's ways. */
trib_status flows_play_of(struct trib_engine *engine, const ProtobufCMessage *entity, const struct trib_play **ret_play,
			  struct trib_error *error);
/* `,"name":"text"` of an input. */
void flows_add_text(struct trib_buffer *json, const char *name, const char *text);

/* A FlowRan stands there. */
void flows_note(struct trib_engine *engine, uint64_t position);

/*
 * party.put, goods.put, plan.put, activity.put, enrolment.put, sample.put, invitation.put: *message becomes a copy with what the run has given. Then, once the PUT is
 * decided, and with its events unless the run waits, flows_put_end: an approval keeps the whole of it, and nothing happens
 * before it is approved.
 */
trib_status flows_put(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage **message,
		      struct engine_flow *ret_flow, struct trib_error *error);
trib_status flows_put_end(struct trib_engine *engine, enum trib_noun noun, const ProtobufCMessage *message,
			  struct engine_flow *flow, struct trib_error *error);

/*
 * enrolment.put and sample.put, once the PUT stands: a run that gave "approved" or "rejected" has it approved or rejected,
 * where that may be.
 */
trib_status flows_put_decide(struct trib_engine *engine, enum trib_noun noun, uint32_t number, const struct engine_flow *flow,
			     struct trib_error *error);

/*
 * An invitation that is accepted: the plan and the sample that it makes are given their plays in the decision, and
 * invitation.accept of the invitation's own play may refuse it, or give the plan other terms; then plan.put of the
 * plan's play has its say.
 */
trib_status flows_accept(struct trib_engine *engine, struct trib_domain_decision *decision, struct engine_flow *ret_flow,
			 struct engine_flow *ret_made, struct trib_error *error);
/* Then, with the events of the decision: the run of the plan that it makes. */
trib_status flows_made_end(struct trib_engine *engine, const struct trib_domain_decision *decision, struct engine_flow *made,
			   struct trib_error *error);

/* plan.act: before the action is decided. */
trib_status flows_plan_act(struct trib_engine *engine, const struct trib_call *call, struct engine_flow *ret_flow,
			   struct trib_error *error);

/* link.convert, by the play of the registration. */
struct trib_link_request;
trib_status flows_link(struct trib_engine *engine, const struct trib_link_request *request, uint32_t registration,
		       uint32_t creator, uint32_t goods, int32_t commission_bps, struct trib_error *error);

/* The action of a call about an approval: decided, asked of approval.decided, and journalled with what it sets free. */
trib_status flows_decide_approval(struct trib_engine *engine, struct trib_call *call,
				  struct trib_domain_decision *ret_decision, const char **ret_status);

trib_status call_capabilities(struct trib_engine *engine, struct trib_call *call);
trib_status call_checklist(struct trib_engine *engine, struct trib_call *call);
trib_status call_flow(struct trib_engine *engine, struct trib_call *call);
trib_status call_flow_list(struct trib_engine *engine, struct trib_call *call);

#endif
