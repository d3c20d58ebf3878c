/*
 * Cold nouns: entities that people work on and no order asks for. One way for all of them:
 *
 *	PUT, import	the message as it was given; its status stays, a new one begins with the first of its life cycle
 *	an action	the entity as it is, with the status that the row of domain/life.h leads to, and who and why in
 *			`history`
 *	DELETE		the same, by the action "delete", with status `closed`; a later PUT begins anew
 *
 * Each comes to one event, the whole new value. What is particular to a noun is a check, which sees every one of these
 * before it becomes an event and may fill in what was left out, and a hook beside its rows in the table of life:
 *
 *	trib_status trib_check_activity(struct trib_cold *cold)
 *	{
 *		Tributary__Activity *activity = (Tributary__Activity *)cold->entity;
 *
 *		return trib_cold_need_party(cold, activity->leader, "leader");
 *	}
 *
 * A fold tells indexes of its own of what has come to be, live and in replay. Messages of cold nouns have `id` (1),
 * `status`, `history` (29), `number` (30) and `version` (31), and all their Puts are alike: number, version, the entity.
 */
#ifndef TRIB_DOMAIN_COLD_H
#define TRIB_DOMAIN_COLD_H

#include "domain/life.h"

/* A change of one entity in the making. */
struct trib_cold {
	const struct trib_domain *domain;
	enum trib_noun noun;
	int64_t now_ms;
	struct trib_arena *arena;
	const struct trib_actor *actor;
	struct trib_error *error;
	const struct trib_names *beside; /* ids that will be there too, of this noun; NULL: none */

	const ProtobufCMessage *before; /* as it is; NULL: it is new */
	ProtobufCMessage *entity;	/* as it will be. Its own fields may be set; lists and messages in it are borrowed */
	uint32_t number;		/* 0: it is new */

	struct trib_bytes action;		 /* "approve", "delete"; empty: a PUT */
	const Tributary__ActionRequest *request; /* of an action, or NULL */
	const char *from, *to;			 /* statuses; a hook may set `to` to another of the noun's */

	Tributary__Event *also; /* that come before the Put */
	uint32_t also_count;
};

/* ---- What a noun says: X(NAME, check, fold); NULL for none --------------------------------- */

typedef trib_status trib_cold_check(struct trib_cold *cold);
typedef void trib_cold_fold(struct trib_domain *domain, uint32_t number, const ProtobufCMessage *entity);

#define TRIB_COLD_CODE_TABLE(X)                                                                    \
	X(BULK, trib_check_bulk, NULL)                                                             \
	X(ACTIVITY, trib_check_activity, trib_fold_activity)                                       \
	X(ENROLMENT, trib_check_enrolment, trib_fold_enrolment)                                    \
	X(COOPERATION, trib_check_cooperation, trib_fold_cooperation)                             \
	X(INVITATION, trib_check_invitation, trib_fold_invitation)                                 \
	X(SAMPLE, trib_check_sample, NULL) \
	X(SITE, trib_check_site, NULL)                                                             \
	X(PID, trib_check_pid, NULL)                                                               \
	X(APPROVAL, trib_check_approval, NULL)

trib_cold_check trib_check_bulk;
trib_cold_check trib_check_approval;
trib_cold_check trib_check_activity, trib_check_enrolment, trib_check_cooperation;
trib_cold_fold trib_fold_activity, trib_fold_enrolment, trib_fold_cooperation;

/* sites.c */
trib_cold_check trib_check_site, trib_check_pid;
trib_life_hook trib_assign_pid, trib_release_pid;

/* invitation.c, sample.c */
trib_cold_check trib_check_invitation, trib_check_sample;
trib_cold_fold trib_fold_invitation;
trib_life_hook trib_accept_invitation, trib_counter_invitation, trib_decline_invitation, trib_withdraw_invitation,
	trib_expire_invitation, trib_settle_fee, trib_return_fee;
trib_life_hook trib_ship_sample, trib_receive_sample, trib_fulfil_sample, trib_lapse_sample, trib_list_sample;
/* {"sold": n} in the EXT of an action; -1: nothing is said. */
int64_t trib_cold_sold(struct trib_cold *cold);

/* ---- For checks and hooks ----------------------------------------------------------------- */

/* Refusals that name the field; TRIB_OK for NULL, but in need_stated. */
trib_status trib_cold_need_stated(struct trib_cold *cold, const char *value, const char *at);
trib_status trib_cold_need_party(struct trib_cold *cold, const char *id, const char *at);
trib_status trib_cold_need_known(struct trib_cold *cold, enum trib_noun noun, const char *id, const char *at);
trib_status trib_cold_need_condition(struct trib_cold *cold, enum trib_condition_place place, const char *source,
				     const char *at);
trib_status trib_cold_no_memory(struct trib_cold *cold);

/* Another decision that belongs to this change: its events come first. */
trib_status trib_cold_add(struct trib_cold *cold, const struct trib_domain_decision *decision);

#endif
