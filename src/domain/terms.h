/*
 * Terms: who gets what rate for these goods from this creator, fixed when.
 *
 *	struct trib_terms_request request = { .goods = goods, .creator = creator,
 *					      .offer = token.offer, .at_ms = at,
 *					      .lock_ms = token.issued_at_ms };
 *	struct trib_terms terms;
 *
 *	trib_terms_resolve(domain, &request, &terms);
 *	if (terms.outcome != TRIB_OUTCOME_NONE)
 *		…                        // plan_ended, party_frozen, …: a value, not a failure
 *
 * Pure: the same domain and request give the same terms anywhere. No allocation, lock or system
 * call, but for plans that state creators_when, which ask the domain's hook.
 *
 * At the time of the order (at_ms) it is settled which plans speak to the creator: those that list
 * the goods, in the version then in force, and whose audience (creators, creators_when; neither:
 * everyone) holds the creator. An open exclusive plan speaks to everyone. Then, in the fixed order:
 *
 *	no_plan              no plan speaks to the creator (one in draft or review speaks to nobody)
 *	plan_not_started     some do, none is open: the first of these three that is true of one.
 *	plan_paused          Not started: at_ms lies before the first version that comes into force;
 *	plan_ended           ended: the status is ended or closed, or at_ms >= to_ms
 *	goods_withdrawn      the goods are withdrawn or closed
 *	party_frozen         the creator or the goods' merchant is frozen or closed
 *	creator_not_allowed  an exclusive plan is open, and none has the creator in its audience
 *
 * Statuses are those of at_ms: what the table of statuses says (trib_domain_status_timed), else the plan's version,
 * the goods, the parties. An exclusive plan bars others from its beginning plus its grace on.
 *
 * Else the winner: exclusive > targeted > the activity that is the chosen offer > managed > general
 * > an activity that nobody chose; then the higher commission, then the newer plan (higher number). A registration may
 * state another precedence and other ties. Of goods that an exclusive activity promotes, an offer of that activity is
 * the chosen one, whatever was chosen.
 *
 * lock_ms says which time rules the rates: the version of a plan in force then. If the plan did
 * not list the goods then, the version in force at at_ms rules. With a grace, a version that lowers the
 * commission rules only once it has been in force for so long: of the versions in force at some time
 * in (lock_ms − grace_ms, lock_ms] the one with the highest commission, of equal ones the latest. Commission, platform and agency
 * rates come from the winner. Leader and service rates come from the chosen offer if it is open
 * and speaks to the creator, else from the winner. The agency is the one that the creator is bound to at at_ms.
 */
#ifndef TRIB_DOMAIN_TERMS_H
#define TRIB_DOMAIN_TERMS_H

#include "domain/nouns.h"
#include "domain/outcome.h"

struct trib_domain;

struct trib_terms_request {
	uint32_t goods, creator;
	uint32_t offer;	 /* the plan that the creator chose when listing; 0: none */
	uint32_t registration; /* whose precedence rules; 0: the usual */
	int64_t at_ms;	 /* of the order, or of the link being made */
	int64_t lock_ms; /* at_ms for `lock: order`, the link's issue time for `lock: link`, … */
	int64_t grace_ms; /* a lower commission counts only once it has stood so long; 0: at once */
};

/*
 * outcome is an enum trib_outcome; NONE: everything is filled in. With another, only creator,
 * merchant and offer_outcome are, and the rest is 0.
 */
struct trib_terms {
	uint8_t outcome;
	uint8_t kind; /* of the winning plan, a word */
	uint8_t agency_pay;    /* enum trib_agency_pay */
	uint8_t offer_outcome; /* why the chosen offer does not count; NONE: it does, or none is */
	uint32_t plan, plan_version;
	uint32_t offer, offer_version; /* the chosen offer, 0 when it does not count */
	uint32_t creator, merchant;    /* party numbers; merchant is the goods' */
	uint32_t leader, leader2, agency;
	int32_t commission_bps, service_bps, service2_bps, platform_bps, agency_bps;
};

void trib_terms_resolve(const struct trib_domain *domain, const struct trib_terms_request *request,
			struct trib_terms *ret_terms);

/*
 * Another time fixes the rates of terms that were resolved before: the plans in `terms` (plan, offer) stay, the versions
 * and rates become those of request.lock_ms and its grace. Reads timelines only; no condition is asked. False, and
 * nothing changed, where the goods or a plan are not known.
 */
bool trib_terms_relock(const struct trib_domain *domain, const struct trib_terms_request *request,
		       struct trib_terms *terms);

/*
 * For batches, so that cold plans cost a fraction: the first for all of them, then the second for all of them, then each is
 * resolved.
 */
void trib_terms_prefetch(const struct trib_domain *domain, uint32_t goods, uint32_t creator);
void trib_terms_prefetch_plans(const struct trib_domain *domain, uint32_t goods, uint32_t offer);

/*
 * What a creator knows of a plan by itself, whatever its goods: NONE, it is open and speaks to it; NO_PLAN, it speaks to others,
 * or nobody has approved it; else why it is not open.
 */
enum trib_outcome trib_terms_of_plan(const struct trib_domain *domain, uint32_t plan, uint32_t creator, int64_t at_ms);

/* What became of one plan that was looked at; `higher_commission` and `newer` lose under ties of their own,
 * `barred` to an exclusive plan of others. X(NAME, number, word); numbers never change. */
#define TRIB_TERMS_VERDICT_TABLE(X)                                                                \
	X(WON, 1, "won")                                                                           \
	X(LOWER_KIND, 2, "lower_kind")                                                             \
	X(LOWER_COMMISSION, 3, "lower_commission")                                                 \
	X(OLDER, 4, "older")                                                                       \
	X(NOT_STARTED, 5, "not_started")                                                           \
	X(PAUSED, 6, "paused")                                                                     \
	X(ENDED, 7, "ended")                                                                       \
	X(OTHER_CREATORS, 8, "other_creators")                                                     \
	X(HIGHER_COMMISSION, 9, "higher_commission")                                               \
	X(NEWER, 10, "newer")                                                                      \
	X(BARRED, 11, "barred")                                                                    \
	X(NOT_APPROVED, 12, "not_approved")

enum trib_terms_verdict {
#define X(name, number, word) TRIB_TERMS_##name = number,
	TRIB_TERMS_VERDICT_TABLE(X)
#undef X
};
const char *trib_terms_verdict_word(enum trib_terms_verdict verdict);

struct trib_terms_candidate {
	uint32_t plan, version; /* in force at at_ms; 0: none yet */
	uint32_t locked;	/* the version whose rates count */
	uint8_t kind;
	uint8_t rank;		/* of its kind: the higher wins */
	bool bars;		/* it is exclusive, and others may not sell */
	uint8_t verdict;	/* enum trib_terms_verdict */
	int32_t commission_bps; /* that would have been locked */
};

/* Resolves again, and tells of up to capacity plans, in the order they were listed. Returns how
 * many there are. */
uint32_t trib_terms_explain(const struct trib_domain *domain,
			    const struct trib_terms_request *request,
			    struct trib_terms_candidate *ret_candidates, uint32_t capacity);

#endif
