/*
 * Capabilities: the places at which a play may do something its own way.
 *
 *	play.yaml
 *	  capabilities:
 *	    plan.validate:
 *	      - {when: plan.kind == "targeted", lua: check_fee}
 *	      - {cel: 'plan.terms.commission_bps > 5000 ? "above half" : ""'}
 *
 * One table, below: what a capability takes and gives, as CEL knows types, what it does where no play says otherwise, and
 * whether it is asked about orders. What it takes are values by name; what it gives is laid over them, so that of
 * several implementations in a chain each sees what the one before it gave. An output that is called `refusal` refuses
 * where it is not empty.
 *
 * A look-up goes from a play to its parents to the default: it always ends. It is done once, when plays are linked.
 */
#ifndef TRIB_PLAY_CAPABILITY_H
#define TRIB_PLAY_CAPABILITY_H

#include "expr/expr.h"

/*
 * Where a capability is asked.
 *	CONTROL	when something is set up or decided about: Lua, CEL and what is built in
 *	ORDER	on the way of an order or a link: CEL and what is built in, never Lua
 *	OUTSIDE	as CONTROL; what it gives is a message, which leaves once the change is durable
 *	PEOPLE	as CONTROL; what it gives waits for somebody's decision
 */
enum trib_capability_path {
	TRIB_CAPABILITY_CONTROL,
	TRIB_CAPABILITY_ORDER,
	TRIB_CAPABILITY_OUTSIDE,
	TRIB_CAPABILITY_PEOPLE,
};

/*
 * X(ID, name, path, inputs, outputs, default, what). A field is name:type; types are bool, int, double, string,
 * strings and map (of string to dyn). Times and durations are ms, amounts minor units, rates basis points. The default
 * is a function of defaults.c; `pass` gives each output the input of its name, or its type's zero.
 */
#define TRIB_CAPABILITY_TABLE(X)                                                                                          \
	/* parties and goods */                                                                                           \
	X(PARTY_VALIDATE, "party.validate", CONTROL, "party:map old:map role:string now:int", "refusal:string", pass,     \
	  "is a party as it should be?")                                                                                  \
	X(CREATOR_ADMIT, "creator.admit", CONTROL, "creator:map plan:map", "refusal:string", creator_admit,               \
	  "may a creator take part? by default one who is active")                                                        \
	X(CREATOR_SCORE, "creator.score", CONTROL, "creator:map score:double", "score:double", pass,                      \
	  "how good a creator is")                                                                                        \
	X(GOODS_VALIDATE, "goods.validate", CONTROL, "goods:map old:map role:string now:int", "refusal:string", pass,     \
	  "are goods as they should be?")                                                                                 \
	X(GOODS_ADMIT, "goods.admit", CONTROL, "goods:map plan:map", "refusal:string", goods_admit,                       \
	  "may goods be distributed? by default those that are active")                                                   \
	X(GOODS_WITHDRAW, "goods.withdraw", CONTROL, "goods:map reason:string notice_ms:int", "notice_ms:int", pass,      \
	  "how long creators are told before goods go")                                                                   \
	/* plans */                                                                                                       \
	X(PLAN_VALIDATE, "plan.validate", CONTROL, "plan:map old:map role:string now:int", "refusal:string", pass,        \
	  "is a plan as it should be?")                                                                                   \
	X(PLAN_PRICE, "plan.price", CONTROL, "plan:map old:map commission_bps:int now:int", "commission_bps:int", pass,   \
	  "price the commission: by default what the plan says")                                                          \
	X(PLAN_SERVICE, "plan.service", CONTROL, "plan:map service_bps:int", "service_bps:int", pass,                     \
	  "price the leader's service: by default what the plan says")                                                    \
	X(PLAN_BOUNDS, "plan.bounds", CONTROL, "commission_bps:int min_bps:int max_bps:int", "refusal:string",            \
	  plan_bounds, "does a rate lie between its bounds?")                                                             \
	X(PLAN_RISK, "plan.risk", CONTROL, "plan:map old:map commission_bps:int", "level:int", plan_risk,                 \
	  "how much of a change it is: by default by how many bps the commission moves")                                  \
	X(PLAN_APPROVE, "plan.approve", CONTROL, "plan:map old:map role:string status:string", "status:string", pass,     \
	  "the status a plan gets: draft, review, active …; by default the one it says")                                  \
	X(PLAN_ACT, "plan.act", CONTROL, "plan:map action:string role:string reason:string now:int", "refusal:string",    \
	  pass, "may this be done with a plan now?")                                                                      \
	X(PLAN_BUDGET, "plan.budget", CONTROL, "plan:map budget:int spent:int", "refusal:string", plan_budget,            \
	  "may a budget be so? by default not below what is spent")                                                       \
	X(PLAN_END, "plan.end", CONTROL, "plan:map notice_ms:int", "notice_ms:int", pass,                                 \
	  "how long creators are told before a plan ends")                                                                \
	X(MANAGED_ENTRUST, "managed.entrust", CONTROL, "plan:map min_bps:int max_bps:int", "refusal:string",              \
	  managed_entrust, "may a plan be entrusted to the platform? by default where its bounds leave room")             \
	X(MANAGED_MOVE, "managed.move", CONTROL,                                                                          \
	  "plan:map commission_bps:int min_bps:int max_bps:int goal:int sold:int step_bps:int",                           \
	  "commission_bps:int reason:string", managed_move,                                                               \
	  "the next rate of a managed plan: by default a step towards the goal, inside the bounds")                       \
	/* activities and enrolments */                                                                                   \
	X(ACTIVITY_VALIDATE, "activity.validate", CONTROL, "activity:map old:map role:string now:int", "refusal:string",  \
	  pass, "is an activity as it should be?")                                                                        \
	X(ACTIVITY_CLOSE, "activity.close", CONTROL, "activity:map notice_ms:int", "notice_ms:int", pass,                 \
	  "how long those enrolled are told before an activity closes")                                                   \
	X(GOODS_ENROL, "goods.enrol", CONTROL,                                                                            \
	  "activity:map goods:map price:int commission_bps:int service_bps:int", "refusal:string", goods_enrol,           \
	  "may goods be enrolled? by default where the activity's min_commission_bps and min_service_bps are kept")       \
	X(ENROLMENT_APPROVE, "enrolment.approve", CONTROL, "enrolment:map activity:map role:string status:string",        \
	  "status:string", pass, "the status an enrolment gets: by default the one it says")                              \
	X(ENROLMENT_CHANGE, "enrolment.change", CONTROL,                                                                  \
	  "promoting:bool commission_bps:int old_commission_bps:int", "refusal:string", enrolment_change,                 \
	  "may an enrolled commission change? by default not down during promotion")                                      \
	X(ENROLMENT_WITHDRAW, "enrolment.withdraw", CONTROL, "enrolment:map promoting:bool consent:bool",                 \
	  "refusal:string", enrolment_withdraw, "may it be withdrawn? by default not during promotion without consent")   \
	X(PRICE_WATCH, "price.watch", CONTROL, "goods:map price:int enrolled_price:int", "refusal:string", price_watch,   \
	  "may goods cost so much? by default not more than was enrolled")                                                \
	X(LEADER2_RATE, "leader2.rate", CONTROL, "service2_bps:int min_bps:int service_bps:int", "refusal:string",        \
	  leader2_rate, "a second leader's rate: by default from the activity's minimum to the first leader's")           \
	X(LEADER2_CANCEL, "leader2.cancel", CONTROL, "consent:bool reason:string", "refusal:string", leader2_cancel,      \
	  "may a cooperation be cancelled? by default with the other's consent")                                          \
	/* people */                                                                                                      \
	X(INVITATION_VALIDATE, "invitation.validate", CONTROL, "invitation:map creator:map role:string now:int",          \
	  "refusal:string", pass, "may a creator be invited so?")                                                         \
	X(INVITATION_ACCEPT, "invitation.accept", CONTROL, "invitation:map creator:map terms:map", "terms:map", pass,     \
	  "the terms of the plan that an acceptance makes: by default those offered")                                     \
	X(INVITATION_EXPIRE, "invitation.expire", CONTROL, "invitation:map now:int expires_at:int", "expires_at:int",     \
	  invitation_expire, "when an invitation expires: by default after seven days")                                   \
	X(SAMPLE_RULE, "sample.rule", CONTROL, "creator:map rule:map", "refusal:string", sample_rule,                     \
	  "may a creator ask for a sample? by default by level, followers and score of the rule")                         \
	X(SAMPLE_APPROVE, "sample.approve", CONTROL, "sample:map creator:map role:string status:string", "status:string", \
	  pass, "the status an application gets: by default the one it says")                                             \
	X(SAMPLE_FULFILLED, "sample.fulfilled", CONTROL, "rule:map listed:bool live_minutes:int sold:int",                \
	  "fulfilled:bool", sample_fulfilled, "has a sample brought what it was for?")                                    \
	X(SAMPLE_OVERDUE, "sample.overdue", CONTROL, "sample:map now:int due_at:int", "overdue:bool", sample_overdue,     \
	  "has its time run out?")                                                                                        \
	X(SLOT_REFUND, "slot.refund", CONTROL, "fee:int promised:int sold:int", "refund:int", slot_refund,                \
	  "what goes back of a slot fee: by default in proportion to what was promised and not sold")                     \
	X(APPROVAL_ASK, "approval.ask", PEOPLE, "what:string ask:string", "what:string ask:string", approval_ask,       \
	  "which role decides what waits: by default an operator")                                                                          \
	X(APPROVAL_DECIDE, "approval.decide", CONTROL, "approval:map decision:string role:string", "refusal:string",      \
	  approval_decide, "may this be decided so? by default by the role that was asked, or an admin")                  \
	/* shelves */                                                                                                     \
	X(SHELF_LIST, "shelf.list", CONTROL, "entry:map creator:map goods:map offer:map", "refusal:string", pass,         \
	  "may a creator put goods on a shelf?")                                                                          \
	X(SHELF_OFFER_ENDED, "shelf.offer_ended", CONTROL, "entry:map offer:map then:string", "then:string",              \
	  shelf_offer_ended, "what becomes of an entry: fall_back (the default), invalid or ask")                         \
	X(SHELF_TELL, "shelf.tell", CONTROL, "entries:int spread_ms:int", "spread_ms:int", shelf_tell,                    \
	  "over how long creators are told of a change: by default a second for a thousand entries")                      \
	/* links and orders */                                                                                            \
	X(LINK_CONVERT, "link.convert", ORDER,                                                                            \
	  "channel:string scene:string page:string creator:map goods:map commission_bps:int now:int", "refusal:string",   \
	  pass, "may this link be made?")                                                                                 \
	X(ORDER_JUDGE, "order.judge", ORDER,                                                                              \
	  "scene:string outcome:string base:int qty:int creator_level:int ext:map", "outcome:string", pass,               \
	  "what an order is judged to be: by default what its rule tree says")                                            \
	X(ORDER_BASE, "order.base", ORDER, "paid:int freight:int tax:int coupon_platform:int coupon_merchant:int",        \
	  "base:int", order_base, "what commission is computed on: by default paid - freight - tax + coupon_platform")    \
	X(ORDER_HOLD, "order.hold", ORDER, "base:int creator_level:int outcome:string", "held:bool", pass,                \
	  "does the money wait for a review?")                                                                            \
	X(ORDER_SELF_PURCHASE, "order.self_purchase", ORDER, "outcome:string same:bool", "outcome:string",                \
	  order_self_purchase, "a creator's own order: by default self_purchase")                                         \
	X(COMMISSION_AMOUNT, "commission.amount", ORDER, "base:int bps:int", "amount:int", commission_amount,             \
	  "the amount of a share: by default floored")                                                                    \
	X(COMMISSION_CAP, "commission.cap", ORDER, "amount:int cap:int", "amount:int", commission_cap,                    \
	  "what of an amount is paid: by default no more than its cap")                                                   \
	X(COMMISSION_ESTIMATE, "commission.estimate", CONTROL, "price:int bps:int", "amount:int", commission_estimate,    \
	  "what creators are shown before they list: by default rounded half to even")                                    \
	X(REFUND_ADMIT, "refund.admit", ORDER, "amount:int remaining:int", "refusal:string", refund_admit,                \
	  "may so much be refunded? by default no more than remains")                                                     \
	/* settlement */                                                                                                  \
	X(SETTLE_DUE, "settle.due", CONTROL, "received_at:int wait_ms:int", "due_at:int", settle_due,                     \
	  "when an order settles: by default seven days after receipt")                                                   \
	X(SETTLE_CLAWBACK, "settle.clawback", CONTROL, "settled_at:int refunded_at:int window_ms:int", "claw_back:bool",  \
	  settle_clawback, "is a refund after settlement clawed back? by default within the window")                      \
	X(PAYOUT_ADMIT, "payout.admit", CONTROL, "party:map amount:int balance:int", "refusal:string", payout_admit,      \
	  "may so much be paid out? by default no more than the balance")                                                 \
	/* the outside */                                                                                                 \
	X(NOTIFY, "notify", OUTSIDE, "to:string kind:string body:map", "to:string kind:string body:map", pass,            \
	  "tell a party something")                                                                                       \
	X(WEBHOOK, "webhook", OUTSIDE, "to:string kind:string body:map", "to:string kind:string body:map", webhook,       \
	  "tell another system something")                                                                                \
	X(SAMPLE_REQUEST, "sample.request", OUTSIDE, "to:string kind:string body:map", "to:string kind:string body:map",  \
	  sample_request, "ask a merchant to ship a sample")

enum trib_capability {
#define X(id, name, path, inputs, outputs, otherwise, what) TRIB_CAPABILITY_##id,
	TRIB_CAPABILITY_TABLE(X)
#undef X
		TRIB_CAPABILITIES
};

enum { TRIB_CAPABILITY_FIELDS_MAX = 8 };

struct trib_capability_field {
	const char *name;
	const struct trib_type *type;
};

struct trib_capability_row {
	const char *name, *what;
	enum trib_capability_path path;
	uint32_t input_count, output_count;
	struct trib_capability_field inputs[TRIB_CAPABILITY_FIELDS_MAX], outputs[TRIB_CAPABILITY_FIELDS_MAX];
	uint8_t laid_over[TRIB_CAPABILITY_FIELDS_MAX]; /* of an output: the input of its name; UINT8_MAX: none */
};

/* One row; made at the first call of any thread. */
const struct trib_capability_row *trib_capability_row(enum trib_capability capability);

/* The one of that name; TRIB_CAPABILITIES if there is none. */
enum trib_capability trib_capability_find(struct trib_bytes name);

/* "control", "order", "outside", "people". */
const char *trib_capability_path_word(enum trib_capability_path path);

/*
 * What a capability does where no play says otherwise. out holds what `pass` would give, and is of the types that the
 * table states before and after.
 */
void trib_capability_default(enum trib_capability capability, const struct trib_value *in, struct trib_value *out);

#endif
