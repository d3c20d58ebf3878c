/*
 * Attribution: which touches an order is credited to. The room's door.
 *
 *	models.h	how an amount is divided among touches
 *	touches.h	the touches of users, in memory
 *	winners.h	which of an order's candidates count, and for how much
 */
#ifndef TRIB_ATTRIBUTION_ATTRIBUTION_H
#define TRIB_ATTRIBUTION_ATTRIBUTION_H

#include "attribution/models.h"
#include "attribution/touches.h"
#include "attribution/winners.h"

#endif
