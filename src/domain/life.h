/*
 * Life cycles: which action leads an entity from which status to which, and who may. One table, from which the door
 * `POST /api/v1/{noun}/{id}:{action}` decides, and from which tests make every combination:
 *
 *	const struct trib_life_row *row = trib_life_find(TRIB_NOUN_ACTIVITY, trib_bytes_text("publish"), "draft");
 *	// row->to is "published"
 *
 * A status is a text that stands in the table of statuses; the first one of a noun is that of a new entity.
 */
#ifndef TRIB_DOMAIN_LIFE_H
#define TRIB_DOMAIN_LIFE_H

#include "domain/actor.h"
#include "domain/domain.h"

struct trib_cold;

/* What an action does beside leading to its status, or why it may not; NULL: nothing. See domain/cold.h. */
typedef trib_status trib_life_hook(struct trib_cold *cold);

trib_life_hook trib_bulk_apply;

/* Who may, beside the admin and the operator, who may everything here. */
enum {
	TRIB_MAY_MERCHANT = TRIB_ACCESS_BIT(TRIB_ACCESS_MERCHANT),
	TRIB_MAY_LEADER = TRIB_ACCESS_BIT(TRIB_ACCESS_LEADER),
	TRIB_MAY_CREATOR = TRIB_ACCESS_BIT(TRIB_ACCESS_CREATOR),
	TRIB_MAY_PLATFORM = 0, /* nobody else */
};

/* ---- Statuses: X(NOUN, word); the first of a noun is that of a new one --------------------- */

#define TRIB_LIFE_ACTIVITY_STATUSES(X)                                                             \
	X(ACTIVITY, "draft")                                                                       \
	X(ACTIVITY, "published")                                                                   \
	X(ACTIVITY, "delisted")                                                                    \
	X(ACTIVITY, "closed")                                                                      \
	X(ENROLMENT, "submitted")                                                                  \
	X(ENROLMENT, "approved")                                                                   \
	X(ENROLMENT, "rejected")                                                                   \
	X(ENROLMENT, "withdrawing")                                                                \
	X(ENROLMENT, "withdrawn")                                                                  \
	X(ENROLMENT, "ended")                                                                      \
	X(ENROLMENT, "closed")                                                                     \
	X(COOPERATION, "proposed")                                                                 \
	X(COOPERATION, "active")                                                                   \
	X(COOPERATION, "declined")                                                                 \
	X(COOPERATION, "cancelling")                                                               \
	X(COOPERATION, "cancelled")                                                                \
	X(COOPERATION, "closed")

#define TRIB_LIFE_PEOPLE_STATUSES(X)                                                               \
	X(INVITATION, "sent")                                                                      \
	X(INVITATION, "sending")                                                                   \
	X(INVITATION, "countered")                                                                 \
	X(INVITATION, "accepted")                                                                  \
	X(INVITATION, "declined")                                                                  \
	X(INVITATION, "expired")                                                                   \
	X(INVITATION, "withdrawn")                                                                 \
	X(INVITATION, "closed")                                                                    \
	X(SAMPLE, "applied")                                                                       \
	X(SAMPLE, "approved")                                                                      \
	X(SAMPLE, "rejected")                                                                      \
	X(SAMPLE, "shipped")                                                                       \
	X(SAMPLE, "received")                                                                      \
	X(SAMPLE, "fulfilled")                                                                     \
	X(SAMPLE, "overdue")                                                                       \
	X(SAMPLE, "closed")

#define TRIB_LIFE_PLAN_STATUSES(X)                                                                 \
	X(PLAN, "active")                                                                          \
	X(PLAN, "draft")                                                                           \
	X(PLAN, "review")                                                                          \
	X(PLAN, "paused")                                                                          \
	X(PLAN, "ended")                                                                           \
	X(PLAN, "closed")

#define TRIB_LIFE_BULK_STATUSES(X)                                                                 \
	X(BULK, "previewing")                                                                      \
	X(BULK, "previewed")                                                                       \
	X(BULK, "applying")                                                                        \
	X(BULK, "done")                                                                            \
	X(BULK, "cancelled")                                                                       \
	X(BULK, "closed")

#define TRIB_LIFE_APPROVAL_STATUSES(X)                                                             \
	X(APPROVAL, "waiting")                                                                     \
	X(APPROVAL, "approved")                                                                    \
	X(APPROVAL, "rejected")                                                                    \
	X(APPROVAL, "closed")

#define TRIB_LIFE_SITE_STATUSES(X)                                                                 \
	X(SITE, "active")                                                                          \
	X(SITE, "closed")                                                                          \
	X(PID, "free")                                                                             \
	X(PID, "leased")                                                                           \
	X(PID, "unknown")                                                                          \
	X(PID, "closed")

#define TRIB_LIFE_STATUS_TABLE(X)                                                                  \
	TRIB_LIFE_SITE_STATUSES(X)                                                                 \
	TRIB_LIFE_APPROVAL_STATUSES(X)                                                             \
	TRIB_LIFE_PLAN_STATUSES(X)                                                                 \
	TRIB_LIFE_BULK_STATUSES(X)                                                                 \
	TRIB_LIFE_ACTIVITY_STATUSES(X) TRIB_LIFE_PEOPLE_STATUSES(X)

/* ---- Actions: X(NOUN, action, from, to, who may, hook, what it is) ------------------------- */

#define TRIB_LIFE_ACTIVITY(X)                                                                      \
	X(ACTIVITY, "publish", "draft", "published", TRIB_MAY_LEADER, trib_activity_publish,       \
	  "open it to merchants")                                                                  \
	X(ACTIVITY, "withdraw", "published", "draft", TRIB_MAY_LEADER, trib_activity_withdraw,     \
	  "take it back, as long as nobody has enrolled")                                          \
	X(ACTIVITY, "delist", "published", "delisted", TRIB_MAY_LEADER, trib_activity_delist,      \
	  "end it early, with notice and a reason")                                                \
	X(ACTIVITY, "stop", "published|delisted", "delisted", TRIB_MAY_PLATFORM, trib_activity_stop, \
	  "end it at once, with a reason")                                                         \
	X(ENROLMENT, "approve", "submitted", "approved", TRIB_MAY_LEADER, trib_enrolment_approve,  \
	  "take the goods: they get an offer")                                                     \
	X(ENROLMENT, "reject", "submitted", "rejected", TRIB_MAY_LEADER, trib_enrolment_reject,    \
	  "say no, and why; the merchant may enrol them again")                                    \
	X(ENROLMENT, "withdraw", "submitted|rejected|approved", "withdrawn", TRIB_MAY_MERCHANT,    \
	  trib_enrolment_withdraw, "take the goods out; during promotion it waits for consent (withdrawing)") \
	X(ENROLMENT, "consent", "withdrawing", "withdrawn", TRIB_MAY_LEADER, trib_enrolment_answer, \
	  "let the goods go")                                                                      \
	X(ENROLMENT, "decline", "withdrawing", "approved", TRIB_MAY_LEADER, trib_enrolment_answer, \
	  "keep the goods until the promotion is over")                                            \
	X(ENROLMENT, "end", "approved|withdrawing", "ended", TRIB_MAY_LEADER, trib_enrolment_end,  \
	  "put the goods out, with a reason; during promotion with notice")                        \
	X(ENROLMENT, "offer", "approved", "approved", TRIB_MAY_LEADER, trib_enrolment_offer,       \
	  "offer them through a second-level leader, too")                                         \
	X(ENROLMENT, "price_raised", "approved", "approved", TRIB_MAY_PLATFORM,                    \
	  trib_enrolment_price_raised, "by itself: the price is above the enrolled one")           \
	X(ENROLMENT, "price_raised", "withdrawing", "withdrawing", TRIB_MAY_PLATFORM,              \
	  trib_enrolment_price_raised, "by itself: the price is above the enrolled one")           \
	X(ENROLMENT, "price_restored", "approved", "approved", TRIB_MAY_PLATFORM,                  \
	  trib_enrolment_price_restored, "by itself: it is not above it any more")                 \
	X(ENROLMENT, "price_restored", "withdrawing", "withdrawing", TRIB_MAY_PLATFORM,            \
	  trib_enrolment_price_restored, "by itself: it is not above it any more")                 \
	X(COOPERATION, "accept", "proposed", "active", TRIB_MAY_LEADER, trib_cooperation_accept,   \
	  "agree; it is for the other one to say")                                                 \
	X(COOPERATION, "decline", "proposed", "declined", TRIB_MAY_LEADER, trib_cooperation_decline, \
	  "say no; it is for the other one to say")                                                \
	X(COOPERATION, "cancel", "proposed", "cancelled", TRIB_MAY_LEADER, trib_cooperation_cancel, \
	  "take the proposal back")                                                                \
	X(COOPERATION, "cancel", "active", "cancelling", TRIB_MAY_LEADER, trib_cooperation_cancel, \
	  "ask to end it; it waits for the other's consent")                                       \
	X(COOPERATION, "consent", "cancelling", "cancelled", TRIB_MAY_LEADER, trib_cooperation_consent, \
	  "let it end, and its offers with it")                                                    \
	X(COOPERATION, "decline", "cancelling", "active", TRIB_MAY_LEADER, trib_cooperation_decline, \
	  "go on; it is for the other one to say")

trib_life_hook trib_activity_publish, trib_activity_withdraw, trib_activity_delist, trib_activity_stop;
trib_life_hook trib_enrolment_approve, trib_enrolment_reject, trib_enrolment_withdraw, trib_enrolment_answer,
	trib_enrolment_end, trib_enrolment_offer, trib_enrolment_price_raised, trib_enrolment_price_restored;
trib_life_hook trib_cooperation_accept, trib_cooperation_decline, trib_cooperation_cancel, trib_cooperation_consent;

#define TRIB_MAY_BOTH (TRIB_MAY_MERCHANT | TRIB_MAY_LEADER | TRIB_MAY_CREATOR)

#define TRIB_LIFE_INVITATION(X)                                                                    \
	X(INVITATION, "accept", "sent|countered", "accepted", TRIB_MAY_BOTH, trib_accept_invitation, \
	  "take what is proposed: it becomes a targeted plan, and a sample where one is part of it") \
	X(INVITATION, "counter", "sent|countered", "countered", TRIB_MAY_BOTH, trib_counter_invitation, \
	  "propose something else")                                                                \
	X(INVITATION, "decline", "sent|countered", "declined", TRIB_MAY_BOTH, trib_decline_invitation, \
	  "say no")                                                                                \
	X(INVITATION, "withdraw", "sent|sending|countered", "withdrawn", TRIB_MAY_MERCHANT | TRIB_MAY_LEADER, \
	  trib_withdraw_invitation, "take it back; of a set, all that are still open")              \
	X(INVITATION, "expire", "sent|countered", "expired", TRIB_MAY_PLATFORM, trib_expire_invitation, \
	  "its time is over; the engine does so by itself")                                        \
	X(INVITATION, "settle_fee", "accepted", "accepted", TRIB_MAY_MERCHANT | TRIB_MAY_LEADER, trib_settle_fee, \
	  "the slot fee is earned: what was estimated is final")                                   \
	X(INVITATION, "return_fee", "accepted", "accepted", TRIB_MAY_PLATFORM, trib_return_fee,    \
	  "the slot fee goes back, or what its guarantee misses; the engine judges guarantees by itself")

#define TRIB_LIFE_SAMPLE(X)                                                                        \
	X(SAMPLE, "approve", "applied", "approved", TRIB_MAY_MERCHANT, NULL, "let the creator have it") \
	X(SAMPLE, "reject", "applied", "rejected", TRIB_MAY_MERCHANT, NULL, "say no")              \
	X(SAMPLE, "ship", "approved|shipped", "shipped", TRIB_MAY_MERCHANT, trib_ship_sample,      \
	  "it is on its way, by the parcel that tracking says; again: by another")                 \
	X(SAMPLE, "receive", "approved|shipped", "received", TRIB_MAY_MERCHANT | TRIB_MAY_CREATOR, \
	  trib_receive_sample, "it is there, or bought: what was promised for it is due; nothing promised: fulfilled") \
	X(SAMPLE, "list", "received", "received", TRIB_MAY_PLATFORM, trib_list_sample, "the creator has listed the goods") \
	X(SAMPLE, "fulfil", "received|overdue", "fulfilled", TRIB_MAY_MERCHANT, trib_fulfil_sample, \
	  "what was promised was done; the engine sees orders by itself")                          \
	X(SAMPLE, "lapse", "received", "overdue", TRIB_MAY_PLATFORM, trib_lapse_sample,            \
	  "it was not, in time; the engine does so by itself")                                     \
	X(SAMPLE, "cancel", "applied|approved", "closed", TRIB_MAY_CREATOR, NULL, "it is not needed any more")

/* Hooks are of cold nouns only: what an action does to a plan, beside its status, is nothing. */
#define TRIB_LIFE_PLAN(X)                                                                          \
	X(PLAN, "submit", "draft", "review", TRIB_MAY_MERCHANT, NULL, "ask for its approval")      \
	X(PLAN, "approve", "review", "active", TRIB_MAY_PLATFORM, NULL, "let it count")            \
	X(PLAN, "reject", "review", "draft", TRIB_MAY_PLATFORM, NULL, "send it back, with a reason") \
	X(PLAN, "pause", "active", "paused", TRIB_MAY_MERCHANT, NULL, "let it rest")               \
	X(PLAN, "resume", "paused", "active", TRIB_MAY_MERCHANT, NULL, "let it count again")       \
	X(PLAN, "end", "active|paused", "ended", TRIB_MAY_MERCHANT, NULL, "end it for good")

/* The engine leads a job from previewing to previewed, and from applying to done. */
#define TRIB_LIFE_BULK(X)                                                                          \
	X(BULK, "apply", "previewed", "applying", TRIB_MAY_MERCHANT, trib_bulk_apply, "change the plans") \
	X(BULK, "cancel", "previewing|previewed|applying", "cancelled", TRIB_MAY_MERCHANT, NULL,   \
	  "stop; what was changed stays changed")

/* Which of them is asked stands in the approval: the flow approval.decided sees to it. */
#define TRIB_LIFE_APPROVAL(X)                                                                      \
	X(APPROVAL, "approve", "waiting", "approved",                                              \
	  TRIB_MAY_MERCHANT | TRIB_MAY_LEADER | TRIB_MAY_CREATOR, NULL, "let it happen")           \
	X(APPROVAL, "reject", "waiting", "rejected",                                               \
	  TRIB_MAY_MERCHANT | TRIB_MAY_LEADER | TRIB_MAY_CREATOR, NULL, "let it be")

#define TRIB_LIFE_SITE(X)                                                                          \
	X(PID, "assign", "free|leased|unknown", "leased", TRIB_MAY_PLATFORM, trib_assign_pid,      \
	  "say whose it is: `creator`, from `at` on (of an unknown one since ever, else now); links lease free ones by themselves") \
	X(PID, "release", "leased|unknown", "free", TRIB_MAY_PLATFORM, trib_release_pid,           \
	  "take it back into the pool; the engine does so by itself when its creator is closed")

#define TRIB_LIFE_TABLE(X)                                                                         \
	TRIB_LIFE_SITE(X)                                                                          \
	TRIB_LIFE_APPROVAL(X)                                                                      \
	TRIB_LIFE_PLAN(X)                                                                          \
	TRIB_LIFE_BULK(X)                                                                          \
	TRIB_LIFE_ACTIVITY(X) TRIB_LIFE_INVITATION(X) TRIB_LIFE_SAMPLE(X)

struct trib_life_row {
	enum trib_noun noun;
	const char *action, *from, *to; /* from: "draft|review" */
	unsigned may;			/* bits of roles */
	trib_life_hook *hook;
	const char *what;
};
extern const struct trib_life_row trib_life_rows[];
extern const size_t trib_life_rows_count;

/* All of it, as JSON: a LifeCycles. */
void trib_life_write_json(struct trib_buffer *json);

/* Has it actions at all? */
bool trib_noun_has_life(enum trib_noun noun);

/* The status as it stands in the table, there for good; NULL for a word that is none of the noun's. */
const char *trib_life_status(enum trib_noun noun, const char *text);

/* The status of a new one. */
const char *trib_life_begin(enum trib_noun noun);

/* The row by which an action leads on from a status; NULL. */
const struct trib_life_row *trib_life_find(enum trib_noun noun, struct trib_bytes action, const char *status);

/* TRIB_NOT_FOUND for an action the noun does not know, TRIB_REFUSED from another status, TRIB_FORBIDDEN for others. */
trib_status trib_life_check(enum trib_noun noun, struct trib_bytes action, const char *status,
			    const struct trib_actor *actor, const struct trib_life_row **ret_row,
			    struct trib_error *error);

/*
 * Does an entity belong to the party that somebody acts for? It does where it names that party in the field that is
 * called like the role (`merchant`, `leader`, `creator`), or `from` where there is none; and where it has neither.
 */
bool trib_life_is_own(const ProtobufCMessage *entity, const struct trib_actor *actor);

/*
 * Adds to the `history` of a message that has one: who did what, why, and what came of it. The oldest are dropped
 * behind TRIB_LIMIT_HISTORY. False where the arena is full. The item is borrowed.
 */
bool trib_life_note(ProtobufCMessage *entity, Tributary__HistoryItem *item, struct trib_arena *arena);

/* A history item of an action; NULL where the arena is full. `request` may be NULL. */
Tributary__HistoryItem *trib_life_item(struct trib_bytes action, const char *status,
				       const Tributary__ActionRequest *request, const struct trib_actor *actor,
				       int64_t now_ms, struct trib_arena *arena);

#endif
