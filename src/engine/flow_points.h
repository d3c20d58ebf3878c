/*
 * Where plays are asked beside PUTs and links (engine/flows.h): what somebody does with an entity, what the engine looks at
 * by itself, what is listed, what is paid. Each runs the flow of the play of what it is about; NULL or the default: nothing.
 *
 *	status = points_payout(engine, party, amount, balance, &flow, error);   // REFUSED at "payout.admit"
 *	…                                                                        // what is to be done, decided
 *	status = engine_flow_end(engine, &flow, &about, error);                  // with its events
 *
 * Results are out parameters, which are left alone where nothing ran.
 */
#ifndef TRIB_ENGINE_FLOW_POINTS_H
#define TRIB_ENGINE_FLOW_POINTS_H

#include "engine/flows.h"

/*
 * Before an action is decided: closing an activity (delist, stop). *body becomes a copy whose `at` has room for the notice
 * that the play gives; one that states less is REFUSED.
 */
trib_status points_before_action(struct trib_engine *engine, const struct trib_call *call,
				 const Tributary__ActionRequest **body, struct engine_flow *ret_flow, struct trib_error *error);

/* Once it is decided: goods are withdrawn from an activity, or their leader lets them go. */
trib_status points_action(struct trib_engine *engine, const struct trib_call *call, struct engine_flow *ret_flow,
			  struct trib_error *error);

/* Goods are withdrawn or closed, from a time on; *from_ms (0: now) gets room for the play's notice, unless it is stated. */
trib_status points_withdraw_goods(struct trib_engine *engine, struct trib_bytes id, const char *reason, bool states_from,
				  int64_t *from_ms, struct engine_flow *ret_flow, struct trib_error *error);
/* A PUT cannot withdraw goods whose play has a say about that. */
trib_status points_check_goods(struct trib_engine *engine, const Tributary__Goods *goods, struct trib_error *error);

trib_status points_payout(struct trib_engine *engine, uint32_t party, int64_t amount, int64_t balance,
			  struct engine_flow *ret_flow, struct trib_error *error);

trib_status points_sample(struct trib_engine *engine, const Tributary__Sample *sample, bool listed, int64_t sold,
			  bool *fulfilled, bool *overdue, struct engine_flow *ret_flow, struct trib_error *error);

struct managed_look;
/* *reason lives until the next run. */
trib_status points_managed(struct trib_engine *engine, const Tributary__Plan *plan, const struct managed_look *look,
			   int64_t measured, int32_t *rate_bps, const char **reason, struct engine_flow *ret_flow,
			   struct trib_error *error);

/* One entry, by the plan that it is listed under. Its flow sends no messages, so there is nothing to end. */
trib_status points_list(struct trib_engine *engine, uint32_t creator, uint32_t goods, uint32_t offer, uint32_t plan,
			const char *group, struct trib_error *error);

#endif
