/*
 * People: what invitations and samples come to beside their life cycles (domain/invitation.c, domain/sample.c):
 *
 *	people.c	events → experience, deadlines; money; what engine time and orders bring about
 *	sets.c		an invitation of a set → one for each creator, slice by slice
 *	dealings.c	orders → experience, and GET /api/v1/experience
 *
 * Nothing of it runs in replay but the fold. What the engine does by itself (expiry, fulfilment, a guarantee that was
 * missed) it decides as an action of its own, once a turn, some at a time; each is an event as any other.
 *
 *	deadline, sold enough ──► people_turn ──► the action ──► event ──► people_fold ──► next deadline
 *
 * Private to the room.
 */
#ifndef TRIB_ENGINE_PEOPLE_H
#define TRIB_ENGINE_PEOPLE_H

#include "engine/call.h"
#include "engine/deadlines.h"
#include "engine/experience.h"

struct trib_order_record;
struct trib_order_change;

/* Numbers; one that was added lately is not added again. */
struct number_list {
	uint32_t *numbers;
	size_t count, capacity;
};
void number_list_add(struct number_list *set, uint32_t number);
void number_list_remove(struct number_list *set, uint32_t number);

struct people {
	struct deadlines deadlines;
	struct number_list sets;	 /* invitations of sets that have work left */
	struct number_list ready; /* samples whose creator has sold something since they were looked at */
	struct trib_arena arena; /* of the fold */
};

void people_init(struct trib_engine *engine);
void people_fini(struct trib_engine *engine);
/* The store has been read: deadlines and sets begin as they were. */
void people_loaded(struct trib_engine *engine);
/* Before an event is applied: it is compared with what it replaces. */
void people_fold(struct trib_engine *engine, const Tributary__Event *event);
void people_turn(struct trib_engine *engine);
/* A shelf of the creator's lists the goods from now on. Of the fold, too. */
void people_listed(struct trib_engine *engine, uint32_t creator, uint32_t goods);

/*
 * Journals and applies a decision; of an invitation or a sample also what it moves in the books and whom it concerns, all
 * as one batch.
 */
trib_status people_emit(struct trib_engine *engine, enum trib_noun noun, const struct trib_domain_decision *decision,
			struct trib_error *error);
/* Would it be taken? For who journals something before it. */
trib_status people_admit(struct trib_engine *engine, enum trib_noun noun, const struct trib_domain_decision *decision,
			 struct trib_error *error);
/* After the PUT of a sample: where its plan decides by itself, that is done now. */
trib_status people_settle_sample(struct trib_engine *engine, uint32_t number, struct trib_error *error);

/* An action by the engine itself. ext may be NULL. */
trib_status people_act(struct trib_engine *engine, enum trib_noun noun, uint32_t number, const char *action,
		       const char *ext, struct trib_error *error);

/* sets.c: some of a set's work. False: there is none left. */
bool sets_go_on(struct trib_engine *engine, uint32_t number);

/* dealings.c */

/* Does anybody deal with the creator of a slice? */
bool dealings_concern(const struct trib_engine *engine, const struct trib_order_record *record);
/* The order's part, into the tallies of the order at hand (stateful.c). */
void dealings_count(struct trib_engine *engine, const struct trib_order_record *record);
void dealings_change_slice(struct trib_engine *engine, const struct trib_order_record *record,
			   const struct trib_order_change *change, uint32_t slice);
/* A row of experience that an order's event states. */
void dealings_apply(struct trib_engine *engine, const struct trib_tally *row);
trib_status dealings_load(struct trib_engine *engine, const struct trib_tally *row);
/* What is left of the orders of a row. */
int64_t dealings_orders(const struct trib_tally *row);
int64_t dealings_gmv(const struct trib_tally *row);
trib_status call_experience(struct trib_engine *engine, struct trib_call *call);

#endif
