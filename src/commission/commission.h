/*
 * Commission: the money of an order. The room's door.
 *
 *	split.h		shares → lines, conserved for every payer
 *	step.h		what is sold in a period → its step rate
 *	lifecycle.h	status messages and refunds → the state, and the split of what is left
 *	group.h		refunds of a whole order, shared out over its lines
 *	lines.h		the table of money lines, for people
 *	ledger.h	accounts and their balances, summing to nought
 *	chain.h		the lines of an order as they change: pending, posted, voided
 *	statement.h	what a party had, what came and went, what it has
 */
#ifndef TRIB_COMMISSION_COMMISSION_H
#define TRIB_COMMISSION_COMMISSION_H

#include "commission/chain.h"
#include "commission/group.h"
#include "commission/ledger.h"
#include "commission/lifecycle.h"
#include "commission/lines.h"
#include "commission/split.h"
#include "commission/statement.h"
#include "commission/step.h"

#endif
