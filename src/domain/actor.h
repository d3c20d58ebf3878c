/*
 * Who asks: the role that an access token or a session gives, and the party it acts for. The door fills it, decisions
 * read it; without any configured token everybody is the admin, which is what zeros say. What nobody asked for, the engine
 * does in a role of its own, by the name of what does it ("managed").
 *
 *	if (call->actor.role == TRIB_ACCESS_MERCHANT && goods->merchant != call->actor.party)
 *		…
 *	if (!(row->roles & TRIB_ACCESS_BIT(call->actor.role)))
 *		…
 */
#ifndef TRIB_DOMAIN_ACTOR_H
#define TRIB_DOMAIN_ACTOR_H

#include <stdbool.h>
#include "base/bytes.h"

/* X(NAME, number, word, acts for a party?, what); numbers never change: they stand in the journal. */
#define TRIB_ACCESS_ROLE_TABLE(X)                                                                  \
	X(ADMIN, 0, "admin", false, "everything, access itself included")                          \
	X(OPERATOR, 1, "operator", false, "the platform's people: everything but access, audit and keys") \
	X(MERCHANT, 2, "merchant", true, "its own goods, plans, books")                            \
	X(LEADER, 3, "leader", true, "its own activities, enrolments, books")                      \
	X(CREATOR, 4, "creator", true, "its own links, shelves, invitations, samples, books")      \
	X(ORDER_SERVICE, 5, "order_service", false, "links, touches, orders, and what rich clients need") \
	X(AUDITOR, 6, "auditor", false, "reads everything, the audit log included; writes nothing") \
	X(READ_ONLY, 7, "read_only", false, "reads everything but access, audit and keys; writes nothing") \
	X(ENGINE, 8, "engine", false, "the engine's own acts: what is due, watched, moved; nobody asks in it")

enum trib_access_role {
#define X(name, number, word, party, what) TRIB_ACCESS_##name = number,
	TRIB_ACCESS_ROLE_TABLE(X)
#undef X
		TRIB_ACCESS_ROLES
};

/* Sets of roles: TRIB_ACCESS_BIT(TRIB_ACCESS_ADMIN) | … */
#define TRIB_ACCESS_BIT(role) (1u << (role))

struct trib_actor {
	enum trib_access_role role;
	uint32_t party;		    /* number; 0: none, or its party is not known (yet) */
	struct trib_bytes party_id; /* of roles that act for a party */
	struct trib_bytes name;	    /* "t3" (an access token), "alice" (a user); empty: nobody had to say */
	struct trib_bytes from;	    /* the address that it came from */
};

const char *trib_access_role_word(enum trib_access_role role); /* "order_service" */
bool trib_access_role_of_word(struct trib_bytes word, enum trib_access_role *ret_role);

/* Is it one of merchant, leader, creator, which see what is theirs? */
bool trib_access_role_has_party(enum trib_access_role role);

/* May it do whatever a life cycle knows? The platform's people, and the engine. */
static inline bool trib_access_role_is_platform(enum trib_access_role role)
{
	return role == TRIB_ACCESS_ADMIN || role == TRIB_ACCESS_OPERATOR || role == TRIB_ACCESS_ENGINE;
}

#endif
