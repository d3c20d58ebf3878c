/*
 * Who may do what: the one place that decides it. Two steps. The door asks for the roles of what is called, before
 * anything else is looked at; whoever acts for a party (merchant, leader, creator) is then held to what is that party's,
 * on the engine's thread, where it is known whose an entity is.
 *
 *	unsigned roles = trib_access_roles(TRIB_CALL_PUT, TRIB_NOUN_PLAN, true);
 *	if (!(roles & TRIB_ACCESS_BIT(role)))
 *		…                                       // 403
 *
 * What no row names is for admins and operators, and, where it only reads, for auditors and read-only. /openapi.json
 * shows the roles of every operation (x-roles); tests and docs/access.md hold the doors to that.
 */
#ifndef TRIB_ENGINE_ACCESS_H
#define TRIB_ENGINE_ACCESS_H

#include "engine/call.h"

/* The roles that may, as bits. noun: of calls about nouns; else any. */
unsigned trib_access_roles(enum trib_call_kind kind, enum trib_noun noun, bool writes);

/* What needs no engine: descriptions are for all who are let in, metrics for who may read everything. */
unsigned trib_access_all_roles(void);
unsigned trib_access_readers(void);

/*
 * The field of an entity that says whose it is, where whoever acts for a party puts entities of its own: "merchant" of
 * goods; NULL: there is none, or others say it. A door fills it in where a body leaves it out.
 */
const char *trib_access_own_field(enum trib_access_role role, enum trib_noun noun);

/* Is it the trade's traffic, which the journal tells of by itself and the audit log does not repeat? */
bool trib_access_is_traffic(enum trib_call_kind kind);

#endif
