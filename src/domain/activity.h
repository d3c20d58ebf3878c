/*
 * Recruiting 招商: a leader's activities, what merchants enrol in them, and second-level leaders who sell it on.
 *
 * All three are cold nouns (domain/cold.h). What stands here is what other rooms ask of them: who enrolled these goods,
 * what state that is in, is the activity open. An enrolment that is approved has *offers*: plans of kind `activity`, the
 * first of which bears the enrolment's own id, so that a link or a shelf entry names either. An offer follows its
 * enrolment by decision: each change of the one decides the events of the other, in front of its own.
 *
 *	struct trib_enrolment_list list = { .by = TRIB_ENROLMENTS_OF_GOODS, .number = goods };
 *
 *	for (uint32_t n; (n = trib_enrolment_next(domain, &list)); )
 *		if (trib_enrolment_state(domain, n, now_ms) == TRIB_ENROLMENT_APPROVED)
 *			…
 *
 * What time alone changes is not stored: a phase is computed of the time that is asked for.
 */
#ifndef TRIB_DOMAIN_ACTIVITY_H
#define TRIB_DOMAIN_ACTIVITY_H

#include <stdbool.h>
#include "base/bytes.h"

struct trib_domain;

/*
 *	draft ── publish ──▶ published ─▶ enrolling ─▶ promoting ─▶ ended
 *	                         └──────────┴── delist ──┴──▶ delisted, once its notice is over
 *
 * Enrolment may begin before the promotion and go on during it: then the phase is promoting. X(NAME, number, word)
 */
#define TRIB_ACTIVITY_PHASE_TABLE(X)                                                               \
	X(DRAFT, 1, "draft")                                                                       \
	X(PUBLISHED, 2, "published")                                                               \
	X(ENROLLING, 3, "enrolling")                                                               \
	X(PROMOTING, 4, "promoting")                                                               \
	X(ENDED, 5, "ended")                                                                       \
	X(DELISTED, 6, "delisted")                                                                 \
	X(CLOSED, 7, "closed")

enum trib_activity_phase {
#define X(name, number, word) TRIB_ACTIVITY_##name = number,
	TRIB_ACTIVITY_PHASE_TABLE(X)
#undef X
};

/* X(NAME, number, word): the statuses of domain/life.h. */
#define TRIB_ENROLMENT_STATE_TABLE(X)                                                              \
	X(SUBMITTED, 1, "submitted")                                                               \
	X(APPROVED, 2, "approved")                                                                 \
	X(REJECTED, 3, "rejected")                                                                 \
	X(WITHDRAWING, 4, "withdrawing")                                                           \
	X(WITHDRAWN, 5, "withdrawn")                                                               \
	X(ENDED, 6, "ended")                                                                       \
	X(CLOSED, 7, "closed")

enum trib_enrolment_state {
#define X(name, number, word) TRIB_ENROLMENT_##name = number,
	TRIB_ENROLMENT_STATE_TABLE(X)
#undef X
		TRIB_ENROLMENT_STATES
};

/* What becomes of goods whose price is raised above the enrolled one. */
enum trib_price_rule { TRIB_PRICE_FREEZE, TRIB_PRICE_WARN, TRIB_PRICE_DELIST };

struct trib_activity {
	int64_t enrol_from_ms, enrol_to_ms;	/* [from, to) */
	int64_t promote_from_ms, promote_to_ms; /* [from, to) */
	int64_t delist_ms;			/* INT64_MAX: nobody has delisted it */
	int64_t notice_ms;
	uint32_t leader;       /* party number */
	uint32_t requirements; /* condition number, 0: none */
	uint32_t goods_max;    /* approved at most; 0: as many as may be */
	uint32_t newest_enrolment, newest_cooperation;
	uint32_t offers; /* plans of its enrolments */
	uint32_t counts[TRIB_ENROLMENT_STATES]; /* enrolments by stored state */
	uint16_t min_commission_bps, min_service_bps, min_service2_bps;
	uint8_t phase;	    /* DRAFT, PUBLISHED or CLOSED: what is stored */
	uint8_t price_rule; /* enum trib_price_rule */
	bool exclusive, has_leader2;
};

struct trib_enrolment {
	int64_t price; /* of the goods when they were submitted */
	uint32_t activity, goods, merchant;
	uint32_t before_of_activity, before_of_goods, before_of_merchant; /* the enrolment before this one */
	uint32_t offers; /* plans */
	uint16_t commission_bps, service_bps;
	uint8_t state;	 /* as it is stored */
	bool violated;	 /* the goods' price is above the enrolled one */
};

struct trib_cooperation {
	uint32_t activity, leader2;
	uint32_t before; /* the one before it of the activity */
	uint16_t service2_bps;
	bool active; /* its offers may be sold */
};

/* Zeros for number 0. Good until the next trib_domain_apply. */
const struct trib_activity *trib_domain_activity(const struct trib_domain *domain, uint32_t number);
const struct trib_enrolment *trib_domain_enrolment(const struct trib_domain *domain, uint32_t number);
const struct trib_cooperation *trib_domain_cooperation(const struct trib_domain *domain, uint32_t number);

enum trib_activity_phase trib_activity_phase(const struct trib_activity *activity, int64_t at_ms);
const char *trib_activity_phase_word(enum trib_activity_phase phase);

/* Does it take enrolments? */
bool trib_activity_enrols(const struct trib_activity *activity, int64_t at_ms);

/* Is its promotion over, or the activity itself? */
bool trib_activity_is_over(const struct trib_activity *activity, int64_t at_ms);

/* What is stored; but what was approved has ended where its activity is over. */
enum trib_enrolment_state trib_enrolment_state(const struct trib_domain *domain, uint32_t number, int64_t at_ms);
const char *trib_enrolment_state_word(enum trib_enrolment_state state);
bool trib_enrolment_state_of_word(struct trib_bytes word, enum trib_enrolment_state *ret_state);

/* Enrolments of one activity, goods or merchant, the newest first; `next` begins with 0. */
enum trib_enrolments_by { TRIB_ENROLMENTS_OF_ACTIVITY, TRIB_ENROLMENTS_OF_GOODS, TRIB_ENROLMENTS_OF_MERCHANT };

struct trib_enrolment_list {
	enum trib_enrolments_by by;
	uint32_t number;
	uint32_t last; /* that was given; 0: begin */
	bool begun;
};

/* 0: there are no more. */
uint32_t trib_enrolment_next(const struct trib_domain *domain, struct trib_enrolment_list *list);

/* Has anybody enrolled these goods? A look that costs nothing where there are no enrolments. */
bool trib_goods_are_enrolled(const struct trib_domain *domain, uint32_t goods);

#endif
