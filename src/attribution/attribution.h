/*
 * Attribution: which touches an order is credited to. The room's door.
 *
 *	touches.h	the touches of users, in memory
 *	resolve.h	candidates and a rule's node → winners, each with its slice of the base
 *	credit.h	the same models over a log, offline
 *	models.h	how an amount is divided among touches
 */
#ifndef TRIB_ATTRIBUTION_ATTRIBUTION_H
#define TRIB_ATTRIBUTION_ATTRIBUTION_H

#include "attribution/credit.h"
#include "attribution/models.h"
#include "attribution/resolve.h"
#include "attribution/touches.h"

#endif
